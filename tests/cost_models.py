"""Networks whose figures are published, written anew, and those figures with their sources.

MLPerf Tiny's are Keras models: their parameter counts are Keras's, which include the running statistics of batch
normalisation. ``statistics`` is how many of them those are; torch has them as buffers, not parameters, so that a
model of ours has ``parameters - statistics``. Torchvision publishes parameters exactly, and ``_ops`` in billions of
multiply-accumulates (though it calls them GFLOPS), rounded to three decimals, of VGG16 to two.

Padding "same" at stride 2 is not symmetric in Keras and is here; what comes out has the same shape, and costs the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

_MLPERF = "MLPerf Tiny v1.0, https://github.com/mlcommons/tiny, benchmark/training/"
_TORCHVISION = "torchvision, https://github.com/pytorch/vision, torchvision/models/"


@dataclass(frozen=True, slots=True)
class Published:
    """A network, one input's shape, and its published figures. ``decimals`` of 10⁹ MACs, where those are rounded."""

    title: str
    make: Callable[[], Any]
    shape: tuple[int, ...]
    parameters: int
    macs: int
    source: str
    statistics: int = 0
    decimals: int | None = None

    @property
    def trainable(self) -> int:
        """The published parameters without the running statistics of batch normalisation."""
        return self.parameters - self.statistics

    @property
    def folded(self) -> int:
        """What is left when the scale, shift, mean and variance of each channel are folded into the layer before."""
        return self.parameters - 2 * self.statistics

    def agrees(self, macs: int) -> bool:
        """Return whether ``macs`` is the published count, or rounds to it."""
        return macs == self.macs if self.decimals is None else round(macs / 1e9, self.decimals) == self.macs / 1e9


def _convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, *, groups: int = 1, bias: bool = False, last: Any = nn.ReLU
) -> nn.Sequential:
    """Return convolution, batch normalisation and activation, the map's side divided by the stride."""
    padding = (kernel - 1) // 2
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=bias)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), *([last()] if last else []))


class _Sum(nn.Module):
    """The sum of a branch and what went in, or of two branches."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module | None = None, last: nn.Module | None = None) -> None:
        super().__init__()
        self.branch, self.shortcut, self.last = branch, shortcut, last

    def forward(self, x: Tensor) -> Tensor:
        total = self.branch(x) + (x if self.shortcut is None else self.shortcut(x))
        return total if self.last is None else self.last(total)  # type: ignore[no-any-return]


# MLPerf Tiny


def resnet8() -> nn.Module:
    """Image classification on CIFAR-10. The convolutions have biases, and those of the shortcuts no normalisation."""

    def block(inputs: int, outputs: int, stride: int) -> nn.Module:
        first = _convolution(inputs, outputs, 3, stride, bias=True)
        branch = nn.Sequential(first, _convolution(outputs, outputs, 3, bias=True, last=None))
        return _Sum(branch, nn.Conv2d(inputs, outputs, 1, stride) if stride > 1 else None, nn.ReLU())

    stem = _convolution(3, 16, 3, bias=True)
    blocks = (block(16, 16, 1), block(16, 32, 2), block(32, 64, 2))
    return nn.Sequential(stem, *blocks, nn.AvgPool2d(8), nn.Flatten(), nn.Linear(64, 10), nn.Softmax(1))


def _separable(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    depthwise = _convolution(inputs, inputs, 3, stride, groups=inputs, bias=True)
    return nn.Sequential(depthwise, _convolution(inputs, outputs, 1, bias=True))


def ds_cnn() -> nn.Module:
    """Keyword spotting on 49 frames of 10 coefficients. The first kernel is 10 by 4, at stride 2."""
    first = (nn.Conv2d(1, 64, (10, 4), 2, (5, 1)), nn.BatchNorm2d(64), nn.ReLU(), nn.Dropout(0.2))
    blocks = [_separable(64, 64) for _ in range(4)]
    last = (nn.Dropout(0.4), nn.AvgPool2d((25, 5)), nn.Flatten(), nn.Linear(64, 12), nn.Softmax(1))
    return nn.Sequential(*first, *blocks, *last)


def mobilenet_v1() -> nn.Module:
    """Visual wake words: MobileNet of a quarter of the width, on 96 by 96 pixels."""
    steps = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2), (256, 1))
    layers: list[nn.Module] = [_convolution(3, 8, 3, 2, bias=True)]
    width = 8
    for outputs, stride in steps:
        layers.append(_separable(width, outputs, stride))
        width = outputs
    return nn.Sequential(*layers, nn.AvgPool2d(3), nn.Flatten(), nn.Linear(width, 2), nn.Softmax(1))


def autoencoder() -> nn.Module:
    """Anomaly detection on five frames of 128 mel bands."""
    widths = (640, 128, 128, 128, 128, 8, 128, 128, 128, 128)
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(128, 640))


def keras_resnet8() -> Any:
    """ResNet-8 in Keras, as MLPerf Tiny has it."""
    from keras import Input, Model, layers  # noqa: PLC0415 - slow to import, and seldom needed

    def convolution(x: Any, width: int, stride: int = 1, *, active: bool = True) -> Any:
        x = layers.BatchNormalization()(layers.Conv2D(width, 3, stride, padding="same")(x))
        return layers.ReLU()(x) if active else x

    inputs = Input((32, 32, 3))
    x = convolution(inputs, 16)
    for width, stride in ((16, 1), (32, 2), (64, 2)):
        y = convolution(convolution(x, width, stride), width, active=False)
        shortcut = layers.Conv2D(width, 1, stride, padding="same")(x) if stride > 1 else x
        x = layers.ReLU()(layers.Add()([shortcut, y]))
    x = layers.Flatten()(layers.AveragePooling2D(8)(x))
    return Model(inputs, layers.Dense(10, activation="softmax")(x))


def keras_ds_cnn() -> Any:
    """DS-CNN in Keras, as MLPerf Tiny has it."""
    from keras import Input, Sequential, layers  # noqa: PLC0415 - slow to import, and seldom needed

    def normalised(layer: Any) -> list[Any]:
        return [layer, layers.BatchNormalization(), layers.ReLU()]

    model = [Input((49, 10, 1)), *normalised(layers.Conv2D(64, (10, 4), 2, padding="same")), layers.Dropout(0.2)]
    for _ in range(4):
        model += normalised(layers.DepthwiseConv2D(3, padding="same")) + normalised(layers.Conv2D(64, 1))
    model += [layers.Dropout(0.4), layers.AveragePooling2D((25, 5)), layers.Flatten()]
    return Sequential([*model, layers.Dense(12, activation="softmax")])


# The course


def cifar_cnn() -> nn.Module:
    """Sheet 3, exercise 3.3."""
    convolutions = (nn.Conv2d(3, 32, 3), nn.Conv2d(32, 64, 3, 2), nn.Conv2d(64, 128, 3))
    layers = [layer for one in convolutions for layer in (one, nn.ReLU())]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(18432, 128), nn.ReLU(), nn.Linear(128, 10), nn.LogSoftmax(1))


# Those of torchvision, at 224 by 224 pixels and a thousand classes


def _head(width: int, *before: nn.Module) -> tuple[nn.Module, ...]:
    return (nn.AdaptiveAvgPool2d(1), nn.Flatten(), *before, nn.Linear(width, 1000))


def _resnet(block: Callable[[int, int, int], nn.Sequential], counts: Iterable[int], expansion: int) -> nn.Module:
    layers: list[nn.Module] = [_convolution(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    width = 64
    for stage, count in enumerate(counts):
        for position in range(count):
            inner, stride = 64 * 2**stage, 2 if stage and not position else 1
            outputs = inner * expansion
            shortcut = None if stride == 1 and width == outputs else _convolution(width, outputs, 1, stride, last=None)
            layers.append(_Sum(block(width, inner, stride), shortcut, nn.ReLU()))
            width = outputs
    return nn.Sequential(*layers, *_head(width))


def resnet18() -> nn.Module:
    """ResNet of basic blocks."""

    def block(inputs: int, inner: int, stride: int) -> nn.Sequential:
        return nn.Sequential(_convolution(inputs, inner, 3, stride), _convolution(inner, inner, 3, last=None))

    return _resnet(block, (2, 2, 2, 2), 1)


def resnet50() -> nn.Module:
    """ResNet of bottlenecks, the stride in the 3 by 3 convolution as torchvision has it."""

    def block(inputs: int, inner: int, stride: int) -> nn.Sequential:
        middle = _convolution(inner, inner, 3, stride)
        return nn.Sequential(_convolution(inputs, inner, 1), middle, _convolution(inner, 4 * inner, 1, last=None))

    return _resnet(block, (3, 4, 6, 3), 4)


def vgg16() -> nn.Module:
    """VGG, configuration D, without batch normalisation."""
    layers: list[nn.Module] = []
    width = 3
    for count, outputs in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(count):
            layers += [nn.Conv2d(width, outputs, 3, padding=1), nn.ReLU()]
            width = outputs
        layers.append(nn.MaxPool2d(2))
    dense = (nn.Linear(512 * 7 * 7, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout())
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(7), nn.Flatten(), *dense, nn.Linear(4096, 1000))


class _Fire(nn.Module):
    """A narrow convolution of single pixels, then one of single pixels beside one of 3 by 3."""

    def __init__(self, inputs: int, narrow: int, wide: int) -> None:
        super().__init__()
        self.narrow = nn.Sequential(nn.Conv2d(inputs, narrow, 1), nn.ReLU())
        self.small = nn.Sequential(nn.Conv2d(narrow, wide, 1), nn.ReLU())
        self.large = nn.Sequential(nn.Conv2d(narrow, wide, 3, padding=1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        x = self.narrow(x)
        return torch.cat([self.small(x), self.large(x)], 1)


def _squeezenet(first: tuple[int, int], pooled: tuple[int, int]) -> nn.Module:
    """Return the network with its first width and kernel, and the fires after which it pools."""
    width, kernel = first
    layers: list[nn.Module] = [nn.Conv2d(3, width, kernel, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True)]
    fires = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
    for number, (narrow, wide) in enumerate(fires, 1):
        layers.append(_Fire(width, narrow, wide))
        width = 2 * wide
        if number in pooled:
            layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
    return nn.Sequential(
        *layers, nn.Dropout(), nn.Conv2d(512, 1000, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


def squeezenet1_0() -> nn.Module:
    """SqueezeNet as in its paper."""
    return _squeezenet((96, 7), (3, 7))


def squeezenet1_1() -> nn.Module:
    """SqueezeNet as its authors changed it afterwards: a smaller first kernel, and pooling earlier."""
    return _squeezenet((64, 3), (2, 4))


def mobilenet_v2() -> nn.Module:
    """Inverted residuals with linear bottlenecks."""
    layers: list[nn.Module] = [_convolution(3, 32, 3, 2, last=nn.ReLU6)]
    width = 32
    stages = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for factor, outputs, count, first in stages:
        for position in range(count):
            stride, inner = 1 if position else first, factor * width
            before = [] if factor == 1 else [_convolution(width, inner, 1, last=nn.ReLU6)]
            depthwise = _convolution(inner, inner, 3, stride, groups=inner, last=nn.ReLU6)
            branch = nn.Sequential(*before, depthwise, _convolution(inner, outputs, 1, last=None))
            layers.append(_Sum(branch) if stride == 1 and width == outputs else branch)
            width = outputs
    return nn.Sequential(*layers, _convolution(width, 1280, 1, last=nn.ReLU6), *_head(1280, nn.Dropout(0.2)))


PUBLISHED = (
    Published(
        "ResNet-8", resnet8, (1, 3, 32, 32), 78_666, 12_501_632, _MLPERF + "image_classification", statistics=480
    ),
    Published("DS-CNN", ds_cnn, (1, 1, 49, 10), 24_908, 2_656_768, _MLPERF + "keyword_spotting", statistics=1_152),
    Published(
        "MobileNetV1 0.25",
        mobilenet_v1,
        (1, 3, 96, 96),
        221_794,
        7_489_664,
        _MLPERF + "visual_wake_words",
        statistics=5_472,
    ),
    Published("autoencoder", autoencoder, (1, 640), 269_992, 264_192, _MLPERF + "anomaly_detection", statistics=2_064),
    Published("CNN of sheet 3", cifar_cnn, (1, 3, 32, 32), 2_453_962, 17_367_680, "arithmetic; see exercise 3.3 b)"),
    Published(
        "ResNet-18", resnet18, (1, 3, 224, 224), 11_689_512, 1_814_000_000, _TORCHVISION + "resnet.py", decimals=3
    ),
    Published(
        "ResNet-50", resnet50, (1, 3, 224, 224), 25_557_032, 4_089_000_000, _TORCHVISION + "resnet.py", decimals=3
    ),
    Published("VGG16", vgg16, (1, 3, 224, 224), 138_357_544, 15_470_000_000, _TORCHVISION + "vgg.py", decimals=2),
    Published(
        "SqueezeNet 1.0",
        squeezenet1_0,
        (1, 3, 224, 224),
        1_248_424,
        819_000_000,
        _TORCHVISION + "squeezenet.py",
        decimals=3,
    ),
    Published(
        "SqueezeNet 1.1",
        squeezenet1_1,
        (1, 3, 224, 224),
        1_235_496,
        349_000_000,
        _TORCHVISION + "squeezenet.py",
        decimals=3,
    ),
    Published(
        "MobileNetV2",
        mobilenet_v2,
        (1, 3, 224, 224),
        3_504_872,
        301_000_000,
        _TORCHVISION + "mobilenetv2.py",
        decimals=3,
    ),
)
#: The same networks in Keras, whose images have their channels last.
KERAS = (("ResNet-8", keras_resnet8, (1, 32, 32, 3)), ("DS-CNN", keras_ds_cnn, (1, 49, 10, 1)))
BY_TITLE = {one.title: one for one in PUBLISHED}
