"""MLP and CNN on CIFAR-10 (sheet 3, exercise 3.3): two networks, their sizes and costs, the loader, hidden images.

The sheet gives channels, kernels and strides, and 18432 inputs of the first linear layer. No padding is mentioned: that
18432 is 128 · 12 · 12 proves that there is none. Layers: convolutions 3 → 32 → 64 (stride 2) → 128, kernel 3; linear
18432 → 128 → 10. Sizes are in pixels, costs are multiply-accumulates (MACs) and parameters for one image.
"""

from __future__ import annotations

import math
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from grader import cases, function, misconception, property_of, quantity, trial
from grader.data import Content, DataSet, Samples, load
from grader.data.cifar10 import CLASSES, encode

#: Channels before and after each convolution, and inputs and outputs of each linear layer, as on the sheet.
CHANNELS = (3, 32, 64, 128)
KERNEL = 3
HIDDEN, OUTPUTS = 128, 10
#: The hidden layers of the MLP of exercise 3.2.
MLP_HIDDEN = (512, 128)
#: Images that weights are judged on. At 300, chance moves an accuracy by 0.06 at most, in 95 of 100 cases.
IMAGES = 300
#: Fraction of the points from which accuracy on, for each data set. Chance is 0.10. On the textures, the CNN came to
#: 1.00 with Adam (0.001) in 4 epochs, and to 0.49 in 10 with SGD (0.02), the slowest right way that was tried. For the
#: real images nothing was measured: their bands are a guess, meant to be low for 30 epochs of such a network.
BANDS = {"textures": [(0.4, 1.0), (0.25, 0.5)], "cifar10": [(0.5, 1.0), (0.35, 0.5)]}

Images = NDArray[np.uint8]
Labels = NDArray[Any]


# The networks


def convolutional(
    last: nn.Module,
    *,
    padding: int = 0,
    strides: tuple[int, ...] = (1, 2, 1),
    size: int = 12,
    pool: bool = False,
    active: bool = True,
) -> nn.Module:
    """Return the network. ``size`` is the side of the map before flattening, ``active`` says whether ReLU is there."""
    layers: dict[str, nn.Module] = {}
    for number, stride in enumerate(strides, 1):
        layers[f"conv{number}"] = nn.Conv2d(*CHANNELS[number - 1 : number + 1], KERNEL, stride, padding)
        layers |= {f"relu{number}": nn.ReLU()} if active else {}
    layers |= {"pool": nn.MaxPool2d(2)} if pool else {}
    layers |= {"flatten": nn.Flatten(), "linear1": nn.Linear(CHANNELS[-1] * size**2, HIDDEN)}
    layers |= {"relu4": nn.ReLU()} if active else {}
    return nn.Sequential(OrderedDict({**layers, "linear2": nn.Linear(HIDDEN, OUTPUTS), "last": last}))


@function
def CNN() -> nn.Module:
    """The convolutional network."""
    return convolutional(nn.LogSoftmax(1))


@cases("CNN")
def images(rng: np.random.Generator) -> Iterator[tuple[Tensor]]:
    """Images from 0 to 1, in two batches."""
    for count in (3, 2):
        yield (torch.tensor(rng.random((count, 3, 32, 32)), dtype=torch.float32),)


@misconception(
    "CNN",
    "The convolutions have padding. None is asked for: with it the maps do not shrink as they should.",
    also_loses=("weights",),
)
def padded() -> nn.Module:
    return convolutional(nn.LogSoftmax(1), padding=1, size=16)


@misconception(
    "CNN",
    "Layer 2 has stride 1; the sheet says 2.",
    also_loses=("weights",),
)
def stride_one() -> nn.Module:
    return convolutional(nn.LogSoftmax(1), strides=(1, 1, 1), size=26)


@misconception(
    "CNN",
    "There is a pooling layer after layer 3, which is not asked for.",
    also_loses=("weights",),
)
def pooled() -> nn.Module:
    return convolutional(nn.LogSoftmax(1), pool=True, size=6)


@misconception(
    "CNN",
    "There is a ReLU between layer 6 and LogSoftmax. At the output, LogSoftmax stands in its place: ReLU makes all "
    "classes with negative numbers alike.",
)
def active_output() -> nn.Module:
    return convolutional(nn.Sequential(nn.ReLU(), nn.LogSoftmax(1)))


@misconception(
    "CNN", "LogSoftmax is missing at the end. With CrossEntropyLoss that trains as well; the sheet names it."
)
def logits_only() -> nn.Module:
    return convolutional(nn.Identity())


@misconception("CNN", "The output is Softmax; asked is its logarithm, LogSoftmax, to which NLLLoss belongs.")
def plain_softmax() -> nn.Module:
    return convolutional(nn.Softmax(1))


@misconception(
    "CNN",
    "LogSoftmax runs over the batch (dim 0) in place of the classes (dim 1).",
)
def over_the_batch() -> nn.Module:
    return convolutional(nn.LogSoftmax(0))


@misconception(
    "CNN",
    "ReLU is missing after the layers. Without it, all layers together are one linear function.",
)
def inactive() -> nn.Module:
    return convolutional(nn.LogSoftmax(1), active=False)


def plain_network(*, inputs: int, last: tuple[nn.Module, ...]) -> nn.Module:
    """Return the MLP of exercise 3.2 for other inputs."""
    sizes = (inputs, *MLP_HIDDEN)
    pairs = zip(sizes, sizes[1:], strict=False)
    hidden = [layer for pair in pairs for layer in (nn.Linear(*pair), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(sizes[-1], OUTPUTS), *last)


@function
def MLP() -> nn.Module:
    """The MLP of exercise 3.2 with as many inputs as an image has numbers."""
    return plain_network(inputs=3 * 32 * 32, last=(nn.LogSoftmax(1),))


@function
def mlp_with_logits() -> nn.Module:
    """The same without LogSoftmax, as CrossEntropyLoss takes it: right as well, for the sheet leaves it open."""
    return plain_network(inputs=3 * 32 * 32, last=())


@misconception(
    "MLP", "The MLP still has the inputs of MNIST. An image of CIFAR-10 has three colours and 32 × 32 pixels."
)
def grey_and_small() -> nn.Module:
    return plain_network(inputs=28 * 28, last=(nn.LogSoftmax(1),))


@misconception("MLP", "The MLP has the inputs of one colour; an image of CIFAR-10 has three.")
def one_colour() -> nn.Module:
    return plain_network(inputs=32 * 32, last=(nn.LogSoftmax(1),))


# Sizes. A mistake in one of the first quantities, which nobody hands in, shows in the first size that needs it.
# Rounding stands before padding: both make 15 of conv2_size, and padding would have shown in conv1_size.


@quantity
def image_size() -> int:
    """Pixels on one side of an image."""
    return 32


@misconception("image_size", "That is for MNIST's images. Those of CIFAR-10 are larger.")
def size_of_mnist() -> int:
    return 28


@quantity
def rounding() -> str:
    """How a last step that does not fit is counted."""
    return "down"


@misconception("rounding", "A kernel that reaches over the edge takes no step: divide by the stride and round down.")
def rounded_up() -> str:
    return "up"


@quantity
def padding() -> int:
    """Pixels added at each side."""
    return 0


@misconception("padding", "You pad by one pixel. The sheet names no padding, and 18432 inputs only come out without.")
def padding_of_one() -> int:
    return 1


@quantity
def second_stride() -> int:
    """Stride of the second convolution."""
    return 2


@misconception("second_stride", "The second convolution has stride 2: it goes on by two pixels at a time.")
def second_stride_one() -> int:
    return 1


@quantity
def pooling() -> int:
    """By what the last map is made smaller before it is flattened."""
    return 1


@misconception("pooling", "That is with 2 × 2 pooling after layer 3. The network has none.")
def pooling_counted() -> int:
    return 2


def _size(size: int, padding: int, stride: int = 1, rounding: str = "down") -> int:
    """Return the side of a map after a convolution: (size + 2 padding - kernel) / stride + 1."""
    steps = (size + 2 * padding - KERNEL) / stride
    return (math.ceil(steps) if rounding == "up" else math.floor(steps)) + 1


@quantity
def conv1_size(image_size: int, padding: int) -> int:
    """Side of the map after layer 1."""
    return _size(image_size, padding)


@quantity
def conv2_size(conv1_size: int, second_stride: int, padding: int, rounding: str) -> int:
    """Side of the map after layer 2."""
    return _size(conv1_size, padding, second_stride, rounding)


@quantity
def conv3_size(conv2_size: int, padding: int) -> int:
    """Side of the map after layer 3."""
    return _size(conv2_size, padding)


@quantity
def flatten_features(conv3_size: int, pooling: int) -> int:
    """Numbers after flattening."""
    return CHANNELS[-1] * (conv3_size // pooling) ** 2


@misconception("flatten_features", "That is one map. There is one for each output channel of layer 3.")
def one_map(conv3_size: int) -> int:
    return conv3_size**2


# Parameters


@quantity
def biases() -> int:
    """Biases of one output channel, or of one neuron."""
    return 1


@misconception("biases", "The biases are missing: each output channel and each neuron has one.")
def biases_left_out() -> int:
    return 0


@quantity
def conv1_parameters(biases: int) -> int:
    """Parameters of layer 1."""
    return CHANNELS[1] * (CHANNELS[0] * KERNEL**2 + biases)


@quantity
def conv2_parameters(biases: int) -> int:
    """Parameters of layer 2."""
    return CHANNELS[2] * (CHANNELS[1] * KERNEL**2 + biases)


@quantity
def conv3_parameters(biases: int) -> int:
    """Parameters of layer 3."""
    return CHANNELS[3] * (CHANNELS[2] * KERNEL**2 + biases)


@quantity
def linear1_parameters(flatten_features: int, biases: int) -> int:
    """Parameters of layer 5."""
    return HIDDEN * (flatten_features + biases)


@quantity
def linear2_parameters(biases: int) -> int:
    """Parameters of layer 6."""
    return OUTPUTS * (HIDDEN + biases)


@quantity
def total_parameters(
    conv1_parameters: int,
    conv2_parameters: int,
    conv3_parameters: int,
    linear1_parameters: int,
    linear2_parameters: int,
) -> int:
    """Parameters of the network."""
    return conv1_parameters + conv2_parameters + conv3_parameters + linear1_parameters + linear2_parameters


@misconception("total_parameters", "Those are the convolutions alone: the linear layers have parameters, too.")
def without_linear_layers(conv1_parameters: int, conv2_parameters: int, conv3_parameters: int) -> int:
    return conv1_parameters + conv2_parameters + conv3_parameters


# Multiply-accumulates


@quantity
def count_per_weight() -> int:
    """What one use of a weight counts."""
    return 1


@misconception("count_per_weight", "You count floating-point operations: a multiply-accumulate is one MAC, not two.")
def flops() -> int:
    return 2


@quantity
def count_per_bias() -> int:
    """What adding a bias counts."""
    return 0


@misconception("count_per_bias", "Adding a bias is an addition without a product: it is no MAC.")
def bias_adds_counted() -> int:
    return 1


@quantity
def channels_counted() -> bool:
    """Whether each output sums over all input channels."""
    return True


@misconception("channels_counted", "An output of a convolution sums over all input channels, not over one.")
def input_channels_left_out() -> bool:
    return False


@quantity
def map_counted() -> str:
    """At which of its maps a convolution's kernel is counted."""
    return "output"


@misconception("map_counted", "The kernel is applied once for each pixel of the output map, which is the smaller one.")
def input_map_counted() -> str:
    return "input"


def _convolution_macs(layer: int, before: int, after: int, counted: tuple[int, int, bool, str]) -> int:
    """Return the MACs of convolution ``layer``, from 1, with maps of ``before`` and ``after`` pixels on each side."""
    per_weight, per_bias, all_channels, place = counted
    inputs = CHANNELS[layer - 1] if all_channels else 1
    pixels = (after if place == "output" else before) ** 2
    return pixels * CHANNELS[layer] * (inputs * KERNEL**2 * per_weight + per_bias)


@quantity
def counted(count_per_weight: int, count_per_bias: int, channels_counted: bool, map_counted: str) -> list[Any]:
    """How a convolution is counted."""
    return [count_per_weight, count_per_bias, channels_counted, map_counted]


@quantity
def conv1_macs(image_size: int, conv1_size: int, counted: tuple[int, int, bool, str]) -> int:
    """MACs of layer 1."""
    return _convolution_macs(1, image_size, conv1_size, counted)


@quantity
def conv2_macs(conv1_size: int, conv2_size: int, counted: tuple[int, int, bool, str]) -> int:
    """MACs of layer 2."""
    return _convolution_macs(2, conv1_size, conv2_size, counted)


@quantity
def conv3_macs(conv2_size: int, conv3_size: int, counted: tuple[int, int, bool, str]) -> int:
    """MACs of layer 3."""
    return _convolution_macs(3, conv2_size, conv3_size, counted)


@quantity
def linear1_macs(flatten_features: int, count_per_weight: int, count_per_bias: int) -> int:
    """MACs of layer 5."""
    return HIDDEN * (flatten_features * count_per_weight + count_per_bias)


@quantity
def linear2_macs(count_per_weight: int, count_per_bias: int) -> int:
    """MACs of layer 6."""
    return OUTPUTS * (HIDDEN * count_per_weight + count_per_bias)


@quantity
def total_macs(conv1_macs: int, conv2_macs: int, conv3_macs: int, linear1_macs: int, linear2_macs: int) -> int:
    """MACs of the network."""
    return conv1_macs + conv2_macs + conv3_macs + linear1_macs + linear2_macs


# The loader. Hidden images lie in files of the real format, made here; only they, and no labels, enter student code.

_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))


def _batch(data: bytes) -> tuple[Images, list[int]]:
    """Return images (n, 3, 32, 32) uint8 and labels of a file that was made here."""
    found = pickle.loads(data, encoding="latin1")  # noqa: S301 - our own bytes
    return np.reshape(found["data"], (-1, 3, 32, 32)), found["labels"]


def _parts(folder: str, names: Sequence[str] = _BATCHES) -> tuple[Images, Labels, Images, Labels]:
    batches = [_batch((Path(folder) / name).read_bytes()) for name in names]
    train = np.concatenate([images for images, _ in batches]), np.concatenate([labels for _, labels in batches])
    images, labels = _batch((Path(folder) / "test_batch").read_bytes())
    return *train, images, np.array(labels)


def _loaded(
    folder: str, prepared: Callable[[Images], NDArray[Any]], names: Sequence[str] = _BATCHES
) -> tuple[NDArray[Any], Labels, NDArray[Any], Labels]:
    train, train_labels, test, test_labels = _parts(folder, names)
    return prepared(train), train_labels, prepared(test), test_labels


def _scaled(images: Images) -> NDArray[np.float32]:
    return (images / np.float32(255)).astype(np.float32)


@function
def load_cifar10(folder: str) -> tuple[NDArray[Any], Labels, NDArray[Any], Labels]:
    """Training images and labels, test images and labels of the files in ``folder``; images from 0 to 1."""
    return _loaded(folder, _scaled)


@misconception(
    "load_cifar10",
    "Images have the shape (32, 32, 3): PyTorch wants the colours first, and so they are in the files.",
    also_loses=("weights",),
)
def colours_last(folder: str) -> tuple[NDArray[Any], Labels, NDArray[Any], Labels]:
    return _loaded(folder, lambda images: _scaled(images).reshape(-1, 32, 32, 3))


@misconception(
    "load_cifar10",
    "The pixels are mixed up. A row of the file holds all of the red, then all of the green, then all of the blue: "
    "reshape it to (3, 32, 32) at once.",
    also_loses=("weights",),
)
def colours_interleaved(folder: str) -> tuple[NDArray[Any], Labels, NDArray[Any], Labels]:
    return _loaded(folder, lambda images: _scaled(images).reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2))


@misconception("load_cifar10", "That is one batch of five: the training images lie in all of data_batch_1 to _5.")
def one_batch(folder: str) -> tuple[NDArray[Any], Labels, NDArray[Any], Labels]:
    return _loaded(folder, _scaled, _BATCHES[:1])


@misconception(
    "load_cifar10",
    "The normalisation is still that of MNIST. Its mean and deviation, of one grey channel, say nothing about these "
    "images: remove it.",
    shows_in="scaling",
)
def normalised_as_mnist(folder: str) -> tuple[NDArray[Any], Labels, NDArray[Any], Labels]:
    return _loaded(folder, lambda images: (_scaled(images) - np.float32(0.1307)) / np.float32(0.3081))


@misconception(
    "load_cifar10",
    "The images go from 0 to 255. Divide by 255: large inputs make the first steps of training too large.",
    shows_in="scaling",
)
def unscaled(folder: str) -> tuple[NDArray[Any], Labels, NDArray[Any], Labels]:
    return _loaded(folder, lambda images: images.astype(np.float32))


# Trials run beside student code: they import what they need, and nothing else of this module is there, types included.
# ruff: noqa: PLC0415


@trial("load_cifar10")
def reads(load_cifar10, files):
    """Return what the loader makes of a folder with these files."""
    import tempfile
    from pathlib import Path

    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data.tobytes())
        found = load_cifar10(folder)
        return None if found is None else [np.asarray(part) for part in found]


@trial("load_cifar10")
def test_images(load_cifar10, files):
    """Return the test images that the loader makes of a folder with these files, as inputs of a network."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data.tobytes())
        found = load_cifar10(folder)
        return None if found is None else found[2]


def _files(train: Samples, test: Samples) -> dict[str, NDArray[np.uint8]]:
    """Return the files of a data set, as bytes by name."""
    return {name: np.frombuffer(data, np.uint8) for name, data in encode(Content(train, test, CLASSES))}


def _noise(rng: np.random.Generator, count: int) -> Samples:
    """Return images of noise, black and white among its pixels."""
    pixels = rng.integers(0, 256, (count, 3, 32, 32), np.uint8)
    pixels[0, :, 0, :2] = 0, 255
    return Samples(pixels, rng.permutation(np.arange(count) % 10))


@cases("reads")
def small_files(rng: np.random.Generator) -> Iterator[tuple[dict[str, NDArray[np.uint8]]]]:
    """Files with a few images of noise."""
    yield (_files(_noise(rng, 35), _noise(rng, 12)),)


def _true_parts(inputs: tuple[Any, ...]) -> tuple[Images, Labels, Images, Labels]:
    (files,) = inputs
    batches = [_batch(files[name].tobytes()) for name in _BATCHES]
    images, labels = _batch(files["test_batch"].tobytes())
    train = np.concatenate([one for one, _ in batches]), np.concatenate([one for _, one in batches])
    return *train, images, np.array(labels)


@property_of("load_cifar10", "it should return training images, training labels, test images and test labels;")
def four_parts(inputs: tuple[Any, ...], result: Any) -> str:
    """Whether the shapes are right and the labels those of the files."""
    if not isinstance(result, list) or len(result) != 4:
        return f"found {len(result) if isinstance(result, list) else 'no'} parts."
    names = ("training images", "training labels", "test images", "test labels")
    for name, found, true in zip(names, result, _true_parts(inputs), strict=True):
        if np.shape(found) != np.shape(true):
            return f"the {name} have shape {np.shape(found)} where {np.shape(true)} is right."
    for place in (1, 3):
        if not np.array_equal(result[place], _true_parts(inputs)[place]):
            return f"the {names[place]} are others than in the files, or in another order."
    return ""


@property_of("load_cifar10", "it should leave pixels where they are;")
def same_pixels(inputs: tuple[Any, ...], result: Any) -> str:
    """Whether each colour is the files', scaled and moved by numbers that are the same for all images."""
    if four_parts(inputs, result):
        return ""
    true = _true_parts(inputs)
    for colour in range(3):
        pairs = [(np.asarray(result[k], float)[:, colour].ravel(), true[k][:, colour].ravel()) for k in (0, 2)]
        factor, shift = np.polyfit(pairs[0][1], pairs[0][0], 1)
        for (found, pixels), name in zip(pairs, ("training", "test"), strict=True):
            if factor <= 0 or np.max(np.abs(found - factor * pixels - shift)) > 0.004 * 255 * abs(factor):
                return f"the pixels of the {name} images are mixed up, or scaled in another way than other images."
    return ""


@property_of("load_cifar10", "images should go from 0 to 1 or be standardised;")
def scaled(inputs: tuple[Any, ...], result: Any) -> str:
    """Whether values are of the size of 1 and not normalised as MNIST's."""
    del inputs
    for images in (result[0], result[2]):
        low, high = float(np.min(images)), float(np.max(images))
        if max(-low, high) > 10:
            return f"the images go from {low:.3g} to {high:.3g}; divide by 255."
        if abs(low + 0.1307 / 0.3081) < 1e-2 and abs(high - (1 - 0.1307) / 0.3081) < 1e-2:
            return "the images are normalised with the mean and deviation of MNIST."
    return ""


# The weights


def _data() -> DataSet:
    return load("cifar10")


@quantity
def bands() -> list[tuple[float, float]]:
    """From which accuracy on which fraction is earned; they differ from data set to data set."""
    return BANDS[_data().variant]


@cases("test_images")
def hidden_images(rng: np.random.Generator) -> Iterator[tuple[dict[str, NDArray[np.uint8]], Labels]]:
    """Images that nobody has, as a test batch without its labels, and the labels."""
    found = _data().hidden(rng, IMAGES)
    nameless = Samples(found.inputs, np.zeros(len(found), np.int64))
    yield _files(nameless.take(np.arange(5)), nameless), found.labels.astype(np.int64)
