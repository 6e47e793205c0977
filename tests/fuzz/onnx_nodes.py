"""Draws nodes of ONNX for a value of a shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from hypothesis import strategies as st

from .onnx_graphs import Building

Maker: TypeAlias = Callable[[Building, str, tuple[int, ...]], None]


def _windows(found: Building, axes: int) -> dict[str, Any]:
    draw = found.draw
    settings: dict[str, Any] = {"strides": [draw(st.integers(1, 2)) for _ in range(axes)]}
    way = draw(st.sampled_from(["pads", "pads", "none", "SAME_UPPER", "VALID"]))
    if way == "pads":
        settings["pads"] = [draw(st.integers(0, 1)) for _ in range(2 * axes)]
    return settings if way in {"pads", "none"} else settings | {"auto_pad": way}


def _convolution(found: Building, name: str, shape: tuple[int, ...]) -> None:
    draw, axes, channels = found.draw, len(shape) - 2, shape[1]
    settings = _windows(found, axes)
    groups = draw(st.sampled_from([one for one in (1, 2, channels) if channels % one == 0]))
    each, kernel = draw(st.integers(1, 2)), [draw(st.integers(1, 3)) for _ in range(axes)]
    settings |= {"group": groups}
    if "auto_pad" not in settings:
        settings["dilations"] = [draw(st.integers(1, 2)) for _ in range(axes)]
    if draw(st.integers(0, 3)):
        weight = found.hold(groups * each, channels // groups, *kernel)
        found.add("Conv", (name, weight, *found.perhaps(groups * each)), **settings)
    else:
        settings.pop("auto_pad", None)
        groups = settings["group"] = 1  # of which onnx's evaluator computes one channel each
        weight = found.hold(channels, each, *kernel)
        found.add("ConvTranspose", (name, weight, *found.perhaps(groups * each)), **settings)


def _pool(found: Building, name: str, shape: tuple[int, ...]) -> None:
    draw, axes = found.draw, len(shape) - 2
    globally = ["GlobalAveragePool", *["GlobalMaxPool"] * (axes == 2)]  # of which onnx's evaluator is wrong elsewhere
    kind = draw(st.sampled_from(["MaxPool", "MaxPool", "AveragePool", *globally]))
    if kind.startswith("Global"):
        found.add(kind, (name,))
        return
    settings = _windows(found, axes) | {"kernel_shape": [draw(st.integers(1, 3)) for _ in range(axes)]}
    if kind == "MaxPool" and "pads" in settings:  # onnx's evaluator is wrong where the two ends differ
        settings["pads"] = settings["pads"][:axes] * 2
    both = kind == "MaxPool" and axes < 3 and "auto_pad" not in settings and draw(st.integers(0, 3)) == 0
    found.add(kind, (name,), 1 + both, **settings)


def _gemm(found: Building, name: str, shape: tuple[int, ...]) -> None:
    draw, outputs = found.draw, found.draw(st.integers(1, 5))
    flips = {"transA": draw(st.integers(0, 1)), "transB": draw(st.integers(0, 1))}
    if draw(st.integers(0, 3)) == 0:  # the weights to the left
        rows = shape[1] if flips["transB"] else shape[0]
        weight = found.hold(*((rows, outputs) if flips["transA"] else (outputs, rows)))
        found.add("Gemm", (weight, name), **flips)
        return
    rows = shape[0] if flips["transA"] else shape[1]
    weight = found.hold(*((outputs, rows) if flips["transB"] else (rows, outputs)))
    shapes = [(outputs,), (1, outputs)]
    found.add("Gemm", (name, weight, *found.perhaps(*draw(st.sampled_from(shapes)))), **flips)


def _matmul(found: Building, name: str, shape: tuple[int, ...]) -> None:
    draw = found.draw
    way = draw(st.sampled_from(["right", "right", "left", "stack", "vector", "value"]))
    width = draw(st.integers(1, 5))
    others = {
        "right": (shape[-1], width), "left": (width, shape[-2]), "stack": (3, shape[-1], width), "vector": shape[-1:],
    }  # fmt: skip
    if way == "value":
        fitting = [one for one, other in found.values.items() if other.ndim > 1 and other.shape[-2] == shape[-1]]
        fitting = [one for one in fitting if found.values[one].dtype.kind == "f"]
        if fitting:
            found.add("MatMul", (name, draw(st.sampled_from(fitting))))
        return
    weight = found.hold(*others[way])
    found.add("MatMul", (weight, name) if way == "left" else (name, weight))


def _recurrent(found: Building, name: str, shape: tuple[int, ...]) -> None:
    draw = found.draw
    kind, gates = draw(st.sampled_from([("LSTM", 4), ("GRU", 3), ("RNN", 1)]))
    size = draw(st.integers(1, 3))
    way = draw(st.sampled_from(["forward", "reverse", "bidirectional"]))
    ends = 2 if way == "bidirectional" else 1
    reads = [name, found.hold(ends, gates * size, shape[-1]), found.hold(ends, gates * size, size)]
    made = draw(st.sampled_from([[True], [True, True]]))
    settings = {"hidden_size": size, "direction": way}
    found.add(kind, (*reads, *found.perhaps(ends, 2 * gates * size)), made, **settings)


def _normalised(found: Building, name: str, shape: tuple[int, ...]) -> None:
    kind = found.draw(st.sampled_from(["BatchNormalization"] * 3 + ["LayerNormalization", "InstanceNormalization"]))
    if kind == "LayerNormalization":
        found.add(kind, (name, found.hold(shape[-1]), *found.perhaps(shape[-1])))
    elif len(shape) > 2 or kind == "BatchNormalization":
        count = 4 if kind == "BatchNormalization" else 2
        found.add(kind, (name, *(found.hold(shape[1]) for _ in range(count))))


OVER = (
    "Relu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "Selu", "Celu", "HardSigmoid", "HardSwish", "Softplus", "Softsign",
    "ThresholdedRelu", "Exp", "Sqrt", "Abs", "Neg",
)  # fmt: skip


def _elementwise(found: Building, name: str, shape: tuple[int, ...]) -> None:
    draw = found.draw
    newer = ["Gelu", "Mish"] * (found.opset > 19)
    kind = draw(st.sampled_from([*OVER, *newer, "Softmax", "Dropout", "Identity", "PRelu", "Clip", "Mul", "Erf"]))
    reads = [name]
    if kind == "PRelu":
        reads.append(found.hold(shape[-1]))
    elif kind == "Clip":
        reads += [found.hold_exactly(np.float32(0)), found.hold_exactly(np.float32(6))]
    elif kind == "Mul":
        reads.append(found.hold_exactly(np.float32(0.5)))
    found.add(kind, reads)


def _reshaped(found: Building, name: str, shape: tuple[int, ...]) -> None:
    draw = found.draw

    def numbers(*value: int) -> str:
        return found.hold_exactly(np.array(value, np.int64))

    kind = draw(
        st.sampled_from(["Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Pad", "Split", "Slice", "Mean"])
    )
    if kind == "Flatten":
        found.add(kind, (name,), axis=draw(st.integers(0, len(shape))))
    elif kind == "Reshape":
        sides = draw(st.sampled_from([(-1,), (shape[0], -1), (*shape[1:], shape[0]), (*shape, 1), (0, -1, 1)]))
        found.add(kind, (name, numbers(*sides)))
    elif kind == "Squeeze":
        found.add(kind, (name, numbers(draw(st.integers(0, len(shape) - 1)))))
    elif kind == "Unsqueeze":
        found.add(kind, (name, numbers(draw(st.integers(0, len(shape))))))
    elif kind == "Transpose":
        found.add(kind, (name,), perm=draw(st.permutations(range(len(shape)))))
    elif kind == "Pad":
        found.add(kind, (name, numbers(*(0,) * (2 * len(shape) - 1), 1)))
    elif kind == "Split":
        half = shape[-1] // 2
        found.add(kind, (name, numbers(half, shape[-1] - half)), 2, axis=-1)
    elif kind == "Slice":
        found.add(kind, (name, numbers(0), numbers(1), numbers(len(shape) - 1)))
    else:
        axis, keep = draw(st.integers(0, len(shape) - 1)), {"keepdims": draw(st.integers(0, 1))}
        found.add("ReduceMax", (name, numbers(axis)), **keep) if found.opset > 17 else found.add(
            "ReduceMean", (name,), axes=[axis], **keep
        )


def _joined(found: Building, name: str, shape: tuple[int, ...]) -> None:
    draw = found.draw
    kind = draw(st.sampled_from(["Add", "Sub", "Mul", "Max", "Sum", "Concat", "weights"]))
    floats = {one: other.shape for one, other in found.values.items() if other.dtype.kind == "f"}
    if kind == "weights":
        found.add("Add", (name, found.hold(shape[-1])))
    elif kind == "Concat":
        fitting = [one for one, other in floats.items() if len(other) == len(shape) and other[1:] == shape[1:]]
        found.add(kind, (name, draw(st.sampled_from(fitting))), axis=0)
    else:
        fitting = [one for one, other in floats.items() if other == shape]
        found.add(kind, (name, draw(st.sampled_from(fitting))))


ANY: list[Maker] = [_elementwise, _elementwise, _normalised, _reshaped, _joined]
_MAPS: list[Maker] = [_convolution, _convolution, _pool]
MAKERS: dict[int, list[Maker]] = {
    1: [_elementwise, _reshaped],
    2: [*ANY, _gemm, _gemm, _matmul],
    3: [*ANY, *_MAPS, _matmul, _recurrent],
    4: [*ANY, *_MAPS, *_MAPS, _matmul],
    5: [*ANY, *_MAPS],
}
