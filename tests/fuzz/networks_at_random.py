"""Draws small networks: steps that call layers or functions on values that are there, whatever their shapes allow."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

MAX_STEPS = 6
MAX_ELEMENTS = 300
MAX_WEIGHTS = 400

Draw: TypeAlias = st.DrawFn
Call: TypeAlias = nn.Module | str
Maker: TypeAlias = Callable[[Draw, tuple[int, ...]], Call]


def _padded(x: Tensor) -> Tensor:
    made = x.new_zeros(*x.shape[:-1], x.shape[-1] + 1)
    made[..., :-1] = x
    return made


def _assigned(x: Tensor, y: Tensor) -> Tensor:
    x[:, :1] = y[:, -1:]
    return x


FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "add": lambda x, y: x + y,
    "mul": torch.mul,
    "cat": lambda x, y: torch.cat([x, y], 1),
    "matmul": lambda x, y: x @ y.mT,
    "attention": F.scaled_dot_product_attention,
    "relu": F.relu,
    "softmax": lambda x: x.softmax(-1),
    "swap": lambda x: x.transpose(1, 2),
    "mean": lambda x: x.mean(1),
    "cat_out": lambda x, y: torch.cat([x, y], 1, out=x.new_empty(len(x), x.shape[1] + y.shape[1], *x.shape[2:])),
    "pad": _padded,
    "relu_": F.relu_,
    "double_": lambda x: x.mul_(2),
    "add_": lambda x, y: x.add_(y),
    "assign_": _assigned,
}


def writes(call: Call) -> bool:
    """Return whether a step writes over the first value that it reads."""
    return call.endswith("_") if isinstance(call, str) else getattr(call, "inplace", False) is True


def is_single(layer: nn.Module, x: Any) -> bool:
    """Return whether torch takes ``x`` for one example, without the axis of a batch."""
    if isinstance(layer, (nn.RNNBase, nn.MultiheadAttention)):
        return bool(x.ndim == 2)
    kernel = getattr(layer, "kernel_size", None)
    return isinstance(kernel, tuple) and bool(x.ndim == len(kernel) + 1)


@dataclass(frozen=True)
class Step:
    """A call of a layer, or of a function by its name, on values by their numbers. 0 is the network's input."""

    call: Call
    reads: tuple[int, ...]


class Drawn(nn.Module):
    """A network of steps. Its output is the value of the last one."""

    def __init__(self, steps: Sequence[Step], shape: Sequence[int]) -> None:
        super().__init__()
        self.steps, self.shape = tuple(steps), tuple(shape)
        self.layers = nn.ModuleList(dict.fromkeys(one.call for one in steps if isinstance(one.call, nn.Module)))
        self.eval()

    def values(self, x: Tensor) -> list[Tensor]:
        """Return the input and what each step makes."""
        values = [x]
        for step in self.steps:
            values.append(run(step.call, [values[one] for one in step.reads]))
        return values

    def forward(self, x: Tensor) -> Tensor:
        return self.values(x)[-1]

    def __repr__(self) -> str:
        names: dict[Call, str] = {layer: f"{index}: {layer}" for index, layer in enumerate(self.layers)}
        told = [f"{names.get(one.call, one.call)} of {one.reads}" for one in self.steps]
        tied = len(list(self.parameters())) < sum(len(list(one.parameters())) for one in self.layers)
        return f"input {self.shape}; {'; '.join(told)}{' with tied weights' if tied else ''}"


def run(call: Call, given: Sequence[Tensor]) -> Tensor:
    """Return what a step makes; of a layer that returns several tensors the first."""
    if isinstance(call, nn.MultiheadAttention):
        return call(given[0], given[0], given[0], need_weights=False)[0]  # type: ignore[no-any-return]
    found: Any = call(*given) if isinstance(call, nn.Module) else FUNCTIONS[call](*given)
    made: Tensor = found[0] if isinstance(found, tuple) else found
    return made


@st.composite
def networks(draw: Draw) -> Drawn:
    """Draw a network of a few steps."""
    rank = draw(st.integers(2, 5))
    longest = {2: 8, 3: 6, 4: 5, 5: 4}[rank]
    inner = draw(st.lists(st.integers(2, longest), min_size=rank - 1, max_size=rank - 1))
    values = [torch.zeros(draw(st.integers(1, 2)), *inner)]
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, MAX_STEPS))):
        step = draw(_step(steps, values))
        made = _tried(step, values)
        if made is not None:
            steps.append(step)
            values.append(made)
    return Drawn(steps or [Step("relu", (0,))], values[0].shape)


def _tried(step: Step, values: Sequence[Tensor]) -> Tensor | None:
    """Return what a step makes of zeros; None where it does not run, or grows too large to be counted by hand."""
    if isinstance(step.call, nn.Module):
        step.call.eval()
        if sum(one.numel() for one in step.call.parameters()) > MAX_WEIGHTS:
            return None
    try:
        with torch.no_grad():
            made = run(step.call, [values[one] for one in step.reads])
    except (AssertionError, RuntimeError, ValueError):
        return None
    return made if 0 < made.numel() <= MAX_ELEMENTS else None


@st.composite
def _step(draw: Draw, steps: Sequence[Step], values: Sequence[Tensor]) -> Step:
    """Draw a step, mostly on the last value; or a layer once more, the same one or another with its weights."""
    number = draw(st.sampled_from([len(values) - 1] * 3 + list(range(len(values)))))
    shape = tuple(values[number].shape)
    layers = [one.call for one in steps if isinstance(one.call, nn.Module) and list(one.call.parameters())]
    way = draw(st.sampled_from(["new"] * 4 + ["join", "over"] + ["again"] * bool(layers)))
    if way == "again":
        layer = draw(st.sampled_from(layers))
        return Step(layer if draw(st.booleans()) else _tied(layer), (number,))
    if way == "over":
        calls: list[Call] = [nn.ReLU(inplace=True), nn.SiLU(inplace=True), nn.LeakyReLU(inplace=True)]
        return Step(draw(st.sampled_from([*calls, "relu_", "double_"])), (number,))
    if way == "join":
        name = draw(st.sampled_from(["add", "mul", "cat", "matmul", "attention", "add_", "assign_", "cat_out"]))
        fitting = [index for index, one in enumerate(values) if _joins(name, shape, tuple(one.shape))]
        if fitting:
            return Step(name, (number, *([draw(st.sampled_from(fitting))] * (2 if name == "attention" else 1))))
    return Step(draw(st.sampled_from(_MAKERS[len(shape)]))(draw, shape), (number,))


def _joins(name: str, one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    if name in {"add", "mul", "add_", "assign_"}:
        return one == other
    if name.startswith("cat"):
        return len(one) == len(other) and (one[0], *one[2:]) == (other[0], *other[2:])
    return len(one) == len(other) > 2 and (*one[:-2], one[-1]) == (*other[:-2], other[-1])


def _tied(layer: nn.Module) -> nn.Module:
    """Return another layer, with biases of its own, whose weights are those of ``layer``."""
    other = copy.deepcopy(layer)
    for inner, twin in zip(layer.modules(), other.modules(), strict=True):
        for name, weight in inner.named_parameters(recurse=False):
            if not name.startswith("bias"):
                setattr(twin, name, weight)
    return other


def _each(draw: Draw, axes: int, least: int, most: int) -> tuple[int, ...]:
    return tuple(draw(st.lists(st.integers(least, most), min_size=axes, max_size=axes)))


def _convolution(draw: Draw, shape: tuple[int, ...]) -> nn.Module:
    return _windowed(draw, shape, (nn.Conv1d, nn.Conv2d, nn.Conv3d))


def _transposed(draw: Draw, shape: tuple[int, ...]) -> nn.Module:
    more = {"output_padding": _each(draw, len(shape) - 2, 0, 1)}
    return _windowed(draw, shape, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), more)


def _windowed(draw: Draw, shape: tuple[int, ...], kinds: Any, more: Mapping[str, Any] | None = None) -> nn.Module:
    axes, channels = len(shape) - 2, shape[1]
    groups = draw(st.sampled_from([one for one in {1, 2, channels} if channels % one == 0]))
    return kinds[axes - 1](  # type: ignore[no-any-return]
        channels,
        groups * draw(st.integers(1, 2)),
        _each(draw, axes, 1, 3),
        stride=_each(draw, axes, 1, 2),
        padding=_each(draw, axes, 0, 1),
        dilation=_each(draw, axes, 1, 2),
        groups=groups,
        bias=draw(st.booleans()),
        **(more or {}),
    )


def _pool(draw: Draw, shape: tuple[int, ...]) -> nn.Module:
    axes = len(shape) - 2
    kinds: Any = ((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d), (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d))
    layer = draw(st.sampled_from(kinds))[axes - 1]
    return layer(draw(st.integers(2, 3)), stride=draw(st.integers(1, 2)), padding=draw(st.integers(0, 1)))  # type: ignore[no-any-return]


def _linear(draw: Draw, shape: tuple[int, ...]) -> nn.Module:
    return nn.Linear(shape[-1], draw(st.integers(1, 6)), bias=draw(st.booleans()))


def _recurrent(draw: Draw, shape: tuple[int, ...]) -> nn.Module:
    layer: Any = draw(st.sampled_from([nn.RNN, nn.GRU, nn.LSTM]))
    settings = {"num_layers": draw(st.integers(1, 2)), "bidirectional": draw(st.booleans())}
    return layer(shape[-1], draw(st.integers(1, 3)), batch_first=True, bias=draw(st.booleans()), **settings)  # type: ignore[no-any-return]


def _attending(draw: Draw, shape: tuple[int, ...]) -> nn.Module:
    heads = draw(st.sampled_from([one for one in (1, 2, 3) if shape[-1] % one == 0]))
    return nn.MultiheadAttention(shape[-1], heads, batch_first=True, bias=draw(st.booleans()))


def _normalised(_: Draw, shape: tuple[int, ...]) -> nn.Module:
    layer: Any = (nn.BatchNorm1d, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[len(shape) - 2]
    return layer(shape[1])  # type: ignore[no-any-return]


def _elementwise(draw: Draw, _: tuple[int, ...]) -> Call:
    layers = [nn.ReLU(), nn.LeakyReLU(), nn.Sigmoid(), nn.Tanh(), nn.SiLU(), nn.Dropout(), nn.Identity()]
    calls: list[Call] = [*layers, "relu", "softmax"]
    return draw(st.sampled_from(calls))


def _layer_norm(_: Draw, shape: tuple[int, ...]) -> nn.Module:
    return nn.LayerNorm(shape[-1])


def _group_norm(draw: Draw, shape: tuple[int, ...]) -> nn.Module:
    return nn.GroupNorm(draw(st.sampled_from([one for one in (1, 2) if shape[1] % one == 0])), shape[1])


def _reshaped(draw: Draw, shape: tuple[int, ...]) -> Call:
    calls: list[Call] = [nn.Flatten(), "mean", "swap", "pad"]
    return draw(st.sampled_from(calls))


def _of_one(maker: Maker) -> Maker:
    """Make a layer that takes the value for one example."""
    return lambda draw, shape: maker(draw, (1, *shape))


_ANY: list[Maker] = [_linear, _elementwise, _layer_norm, _normalised]
_MAPS = [_convolution, _transposed, _pool, _group_norm, _reshaped] * 2
_MAPS_OF_ONE = [_of_one(one) for one in (_convolution, _transposed)]
_MAKERS: dict[int, list[Maker]] = {
    2: [*_ANY, *_MAPS_OF_ONE, *[_of_one(one) for one in (_recurrent, _attending)]],
    3: [*_ANY, *_MAPS, *_MAPS_OF_ONE, *[_recurrent, _attending] * 3],
    4: [*_ANY, *_MAPS, *_MAPS_OF_ONE],
    5: [*_ANY, *_MAPS],
}
