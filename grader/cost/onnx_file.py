"""Networks in ONNX files, read as data: nothing of them runs. Needs the package ``onnx`` (the extra ``onnx``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from grader.cost.network import Buffer, Network, Tensor, Unit, Weight
from grader.cost.operations import (
    Convolution,
    Matrices,
    Operation,
    Pointwise,
    Pool,
    Recurrent,
    Reduction,
    Shape,
    Uncounted,
)
from grader.cost.problems import CostError
from grader.errors import UsageError

_MAX_BYTES = 2 * 1024**3
_MAX_NODES = 20_000
_ALIASES = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"})
_POINTWISE = {
    "Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "LeakyRelu": "leaky_relu", "Clip": "clamp", "Add": "add",
    "Sub": "sub", "Mul": "mul", "Div": "div", "Softmax": "softmax", "LogSoftmax": "log_softmax", "Elu": "elu",
    "HardSigmoid": "hardsigmoid", "HardSwish": "hardswish", "Gelu": "gelu", "Erf": "erf", "Exp": "exp", "Sqrt": "sqrt",
    "PRelu": "prelu", "Pow": "pow", "Sum": "add", "Max": "maximum", "Min": "minimum",
}  # fmt: skip
#: Functions of each element by the names that they have in torch.
_KINDS = {
    "Relu": "ReLU", "LeakyRelu": "LeakyReLU", "Clip": "clamp", "Elu": "ELU", "Selu": "SELU", "Celu": "CELU",
    "HardSigmoid": "Hardsigmoid", "HardSwish": "Hardswish", "ThresholdedRelu": "Threshold", "Gelu": "GELU",
    "PRelu": "PReLU", "Exp": "exp", "Sqrt": "sqrt", "Abs": "abs", "Neg": "neg", "Erf": "erf",
}  # fmt: skip
#: Where a node has its bias, and where it has numbers that are no weights though they are floating-point ones.
_BIASES = {"Conv": 2, "ConvTranspose": 2, "Gemm": 2, "LSTM": 3, "GRU": 3, "RNN": 3}
_SETTINGS = {"Resize": (1, 2), "Upsample": (1,)}
_REDUCTIONS = frozenset({"GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "ReduceSum", "ReduceMax"})
_UNCOUNTED = frozenset({"Einsum", "DeformConv", "Attention", "QLinearConv", "QLinearMatMul", "ConvInteger", "DFT"})
_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def read_onnx(path: Path, inputs: Sequence[Sequence[int]] = ()) -> Network:
    """Return the network in an ONNX file. ``inputs`` are shapes, for those that the file leaves open.

    Raises UsageError where the file or the package is missing, or an input's size is left open; CostError for a file
    that is no ONNX model, or one with branches on data.
    """
    try:
        import onnx  # noqa: PLC0415 - an optional extra
    except ImportError:
        raise UsageError("reading ONNX files needs the package onnx: pip install 'grader[onnx]'") from None
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    if path.stat().st_size > _MAX_BYTES:
        raise CostError(f"{path}: has {path.stat().st_size} bytes; at most {_MAX_BYTES} are read")
    try:
        model = onnx.load(str(path), load_external_data=False)
        _fix_inputs(model, inputs, path)
        onnx.checker.check_model(model)
        model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except (UsageError, CostError):
        raise
    except Exception as error:
        message = " ".join(str(error).split())[:400]
        raise CostError(f"{path}: is no valid ONNX model ({type(error).__name__}: {message})") from error
    if len(model.graph.node) > _MAX_NODES:
        raise CostError(f"{path}: has {len(model.graph.node)} nodes; at most {_MAX_NODES} are read")
    return _Reader(model, onnx, path).network()


def _fix_inputs(model: Any, inputs: Sequence[Sequence[int]], path: Path) -> None:
    """Give open sizes of the inputs a number: those asked for; the first is a batch of one."""
    held = {one.name for one in model.graph.initializer}
    free = [one for one in model.graph.input if one.name not in held]
    if inputs and len(inputs) != len(free):
        raise UsageError(f"{path}: has {len(free)} inputs, and {len(inputs)} shapes were given")
    for index, one in enumerate(free):
        sides = one.type.tensor_type.shape.dim
        if inputs and len(inputs[index]) != len(sides):
            found = f"has {len(sides)} axes, and a shape of {len(inputs[index])} was given"
            raise UsageError(f"{path}: input {one.name} {found}")
        for axis, side in enumerate(sides):
            if inputs:
                side.dim_value = int(inputs[index][axis])
            elif not side.dim_value:
                if axis:
                    raise UsageError(f"{path}: the size of input {one.name} is left open; give it with --input")
                side.dim_value = 1


class _Reader:
    """Reads one graph. Tensors are told by their names."""

    def __init__(self, model: Any, onnx: Any, path: Path) -> None:
        self.graph, self.onnx, self.path = model.graph, onnx, path
        self.shapes: dict[str, Shape] = {}
        self.dtypes: dict[str, str] = {}
        for one in (*self.graph.input, *self.graph.value_info, *self.graph.output):
            kind = one.type.tensor_type
            self.dtypes[one.name] = self._dtype(kind.elem_type)
            if kind.HasField("shape") and all(side.HasField("dim_value") for side in kind.shape.dim):
                self.shapes[one.name] = tuple(int(side.dim_value) for side in kind.shape.dim)
        self.weights = {one.name: tuple(int(side) for side in one.dims) for one in self.graph.initializer}
        for one in self.graph.initializer:
            self.shapes[one.name], self.dtypes[one.name] = self.weights[one.name], self._dtype(one.data_type)
        for node in self.graph.node:
            if node.op_type == "Constant":
                self.weights |= {name: self.shapes.get(name, ()) for name in node.output}
        self.biases = set(self._read_at(lambda kind: (_BIASES[kind],) if kind in _BIASES else ()))
        self.statistics = set(self._read_at(lambda kind: (3, 4) if kind == "BatchNormalization" else ()))
        settings = set(self._read_at(lambda kind: _SETTINGS.get(kind, ())))
        trained = [one for one in self.weights if one not in settings and self._is_trained(one)]
        self.trained = {name: index for index, name in enumerate(trained)}
        self.buffers: dict[str, int] = {}
        self.sizes: list[Buffer] = []

    def _read_at(self, places: Callable[[str], Sequence[int]]) -> Iterator[str]:
        """Return what nodes read at the places that there are for their kind."""
        for node in self.graph.node:
            yield from (node.input[place] for place in places(node.op_type) if place < len(node.input))

    def _dtype(self, number: int) -> str:
        names: Mapping[int, str] = {1: "float32", 10: "float16", 11: "float64", 16: "bfloat16", 3: "int8", 2: "uint8"}
        return names.get(number, "bool" if number == 9 else "int64" if number == 7 else "int32")

    def network(self) -> Network:
        """Return the network."""
        inputs = tuple(self._tensor(one.name) for one in self.graph.input if one.name not in self.weights)
        units = tuple(self._units())
        outputs = tuple(self._tensor(one.name) for one in self.graph.output)
        weights = tuple(self._weight(name) for name in self.trained)
        return Network("onnx", self.graph.name or self.path.stem, units, weights, tuple(self.sizes), inputs, outputs)

    def _weight(self, name: str) -> Weight:
        return Weight(name, self.weights[name], self.dtypes[name], name in self.statistics, name in self.biases)

    def _is_trained(self, name: str) -> bool:
        """Return whether a constant holds numbers of a layer, and no shape, axis, bound or single factor."""
        return self.dtypes.get(name, "").startswith(("float", "bfloat")) and len(self.weights[name]) > 0

    def _tensor(self, name: str) -> Tensor:
        if name not in self.shapes:
            raise CostError(f"{self.path}: the size of {name} cannot be told beforehand")
        if name not in self.buffers:
            self.buffers[name] = len(self.sizes)
            self.sizes.append(Buffer(prod(self.shapes[name]), self.dtypes[name]))
        return Tensor(self.buffers[name], self.shapes[name])

    def _units(self) -> Iterator[Unit]:
        for node in self.graph.node:
            if node.op_type in {"If", "Loop", "Scan"}:
                raise CostError(f"{self.path}: has a node {node.op_type}, so that what is computed depends on numbers")
            if node.op_type in {"Constant", "Shape"}:
                continue
            given = tuple(self._tensor(one) for one in node.input if one and one not in self.weights)
            if node.op_type in _ALIASES and given:
                self.buffers[node.output[0]] = given[0].buffer
            made = tuple(self._tensor(one) for one in node.output if one)
            weights = tuple(self.trained[one] for one in node.input if one in self.trained)
            kind = _KINDS.get(node.op_type, node.op_type)
            axis = self._axis(node, made)
            yield Unit(kind, node.name, given, made, weights, tuple(self._operations(node)), axis=axis)

    def _axis(self, node: Any, made: Sequence[Tensor]) -> int:
        """Return the axis of the channels that a node makes, told from the end."""
        if node.op_type in {"Gemm", "MatMul"}:
            return -1 if node.input[1] in self.weights else -2
        return 1 - len(made[0].shape) if made else -1

    def _attributes(self, node: Any) -> dict[str, Any]:
        return {one.name: self.onnx.helper.get_attribute_value(one) for one in node.attribute}

    def _operations(self, node: Any) -> Iterator[Operation]:
        shapes = [self.shapes.get(name, ()) for name in node.input]
        makers: Mapping[str, Callable[[Any, list[Shape]], Operation]] = {
            "Conv": self._convolution,
            "ConvTranspose": self._convolution,
            "Gemm": self._gemm,
            "MatMul": self._matmul,
            "MaxPool": self._pool,
            "AveragePool": self._pool,
        }
        kind = node.op_type
        if kind in makers:
            yield makers[kind](node, shapes)
        elif kind in _GATES:
            yield self._recurrent(node, shapes)
        elif kind in _REDUCTIONS:
            yield Reduction(shapes[0], self.shapes.get(node.output[0], ()))
        elif kind in _POINTWISE:
            yield Pointwise(_POINTWISE[kind], prod(self.shapes.get(node.output[0], ())))
        elif kind in _UNCOUNTED:
            yield Uncounted(kind)

    def _convolution(self, node: Any, shapes: list[Shape]) -> Convolution:
        found, axes = self._attributes(node), len(shapes[1]) - 2
        groups, transposed = int(found.get("group", 1)), node.op_type == "ConvTranspose"
        if shapes[0][1] != (shapes[1][0] if transposed else shapes[1][1] * groups):  # which onnx does not look at
            label = f"{node.name} ({node.op_type})" if node.name else node.op_type
            raise CostError(
                f"{self.path}: does not run. In {label}: {shapes[0]} arrives, and its weights are {shapes[1]}"
                f"{f', in {groups} groups' if groups > 1 else ''}."
            )
        pads = found.get("pads") or [0] * 2 * axes
        return Convolution(
            shapes[0],
            shapes[1],
            self.shapes[node.output[0]],
            self._has_bias(node),
            tuple(found.get("strides") or [1] * axes),
            tuple(pads[:axes]),
            tuple(found.get("dilations") or [1] * axes),
            transposed,
            groups,
        )

    def _gemm(self, node: Any, shapes: list[Shape]) -> Matrices:
        found = self._attributes(node)
        left, right = (shape[::-1] if found.get(key) else shape for shape, key in zip(shapes, ("transA", "transB")))  # noqa: B905
        return Matrices(left, right, self._has_bias(node))

    def _matmul(self, node: Any, shapes: list[Shape]) -> Matrices:
        """Return the product, its left factor as often as it is multiplied with another right one."""
        made, right = self.shapes[node.output[0]], shapes[1]
        rows = made[:-1] if len(right) > 1 else made
        return Matrices((*rows, shapes[0][-1]), right, bias=False)

    def _has_bias(self, node: Any) -> bool:
        return any(node.input[_BIASES[node.op_type] :][:1])

    def _pool(self, node: Any, shapes: list[Shape]) -> Pool:
        found = self._attributes(node)
        kernel = tuple(found["kernel_shape"])
        pads = found.get("pads") or [0] * 2 * len(kernel)
        stride = tuple(found.get("strides") or [1] * len(kernel))
        return Pool(kernel, stride, tuple(pads[: len(kernel)]), shapes[0], self.shapes[node.output[0]])

    def _recurrent(self, node: Any, shapes: list[Shape]) -> Recurrent:
        steps, batch = shapes[0][:2]
        matrices = tuple(one[1:] for one in shapes[1:3] for _ in range(one[0]))
        biases = prod(shapes[3]) if self._has_bias(node) else 0
        return Recurrent(_GATES[node.op_type], steps * batch, matrices, biases)
