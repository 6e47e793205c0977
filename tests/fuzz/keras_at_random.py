"""Draws small Keras models: sequential, functional or subclassed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from .comparing import name_of
from .keras_layers import MAKERS, Draw, attending, batch_norm, keras, layers, ops

MAX_STEPS = 6
MAX_ELEMENTS = 1000
_TOKENS = 7


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sum": lambda x, y: x + y,
    "product": lambda x, y: x * y,
    "joined": lambda x, y: ops.concatenate([x, y], 1),
    "matmul": ops.matmul,
    "relu": ops.relu,
    "softmax": ops.softmax,
    "turned": lambda x: ops.swapaxes(x, 1, 2),
    "mean": lambda x: ops.mean(x, 1),
}
_JOINING = (layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum)


@dataclass(frozen=True)
class Step:
    """A call of a layer, or of a function by its name, on values by their numbers; ``makes`` are those of its results.

    The model's inputs have the first numbers.
    """

    call: Any
    reads: tuple[int, ...]
    makes: tuple[int, ...]


@dataclass(frozen=True)
class Drawn:
    """A model of steps. ``values`` are what Keras made of each step, inputs first; ``style`` is how it is written."""

    steps: tuple[Step, ...]
    values: tuple[Tensor, ...]
    outputs: tuple[int, ...]
    style: str

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """Inputs of the shapes that it takes."""
        return self.values[: len(self.values) - sum(len(step.makes) for step in self.steps)]

    def model(self) -> Any:
        """Return the model."""
        if self.style == "subclassed":
            return _Subclassed(self)
        given = [keras.Input(tuple(one.shape[1:]), dtype=_dtype(one)) for one in self.inputs]
        if self.style == "sequential":
            return keras.Sequential([*given, *(step.call for step in self.steps)])
        found = self.run(given)
        return keras.Model(given if len(given) > 1 else given[0], [found[one] for one in self.outputs])

    def run(self, given: Sequence[Any]) -> list[Any]:
        """Return all values, from those that are given on."""
        values = list(given)
        for step in self.steps:
            values += results(step.call, [values[one] for one in step.reads])
        return values

    def __repr__(self) -> str:
        inputs = " and ".join(f"{_dtype(one)} {tuple(one.shape)}" for one in self.inputs)
        told = [f"{_told(step.call)} of {step.reads}" for step in self.steps]
        return f"{self.style}, input {inputs}; {'; '.join(told)}; output {self.outputs}"


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _told(call: Any) -> str:
    if isinstance(call, str):
        return call
    config = {key: value for key, value in call.get_config().items() if isinstance(value, str | int | list | tuple)}
    dull = {"trainable", "name"}
    return f"{name_of(call)}({', '.join(f'{key}={value}' for key, value in config.items() if key not in dull)})"


class _Subclassed(keras.Model):  # type: ignore[misc]
    def __init__(self, drawn: Drawn) -> None:
        super().__init__()
        self.drawn = drawn
        self.parts = list(dict.fromkeys(step.call for step in drawn.steps if not isinstance(step.call, str)))

    def call(self, inputs: Any) -> Any:
        values = self.drawn.run(inputs if isinstance(inputs, list) else [inputs])
        return [values[one] for one in self.drawn.outputs]


def results(call: Any, given: Sequence[Any]) -> list[Any]:
    """Return what a step makes."""
    if isinstance(call, str):
        return [FUNCTIONS[call](*given)]
    if isinstance(call, layers.MultiHeadAttention):
        return [call(given[0], given[-1])]
    made = call(list(given)) if isinstance(call, (*_JOINING, layers.Concatenate, layers.Dot)) else call(given[0])
    return list(made) if isinstance(made, list | tuple) else [made]


@st.composite
def networks(draw: Draw) -> Drawn:
    """Draw a model of a few steps."""
    state = random.getstate()  # from which Keras takes seeds for its layers
    try:
        return _model(draw)
    finally:
        random.setstate(state)


def _model(draw: Draw) -> Drawn:
    values = [draw(_input()) for _ in range(draw(st.sampled_from([1, 1, 1, 2])))]
    inputs = len(values)
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, MAX_STEPS))):
        step = draw(_step(steps, values))
        made = _tried(step, values)
        if made:
            steps.append(replace(step, makes=tuple(range(len(values), len(values) + len(made)))))
            values += made
    if not steps:
        steps.append(Step(layers.Dropout(0.5), (0,), (inputs,)))
        values += results(steps[0].call, values[:1])
    more = draw(st.sampled_from([(), (), (), tuple(step.makes[0] for step in steps[:-1])]))
    return _needed(steps, values, dict.fromkeys((steps[-1].makes[0], *more[:1])), draw(st.booleans()))


def _needed(steps: Sequence[Step], values: Sequence[Tensor], outputs: dict[int, None], own: bool) -> Drawn:
    """Return the model of the steps that an output needs; Keras leaves others out of a functional model."""
    needed, kept = set(outputs), list[Step]()
    for step in reversed(steps):
        if needed & set(step.makes):
            needed |= {*step.reads, *step.makes}
            kept.insert(0, step)
    number = {old: new for new, old in enumerate(sorted(needed))}

    def new(old: Sequence[int]) -> tuple[int, ...]:
        return tuple(number[one] for one in old)

    found = tuple(Step(step.call, new(step.reads), new(step.makes)) for step in kept)
    drawn = Drawn(found, tuple(values[one] for one in sorted(needed)), new(tuple(outputs)), "functional")
    return replace(drawn, style="subclassed" if own else "sequential" if _is_chain(drawn) else "functional")


def _is_chain(drawn: Drawn) -> bool:
    last = 0
    for step in drawn.steps:
        if isinstance(step.call, (str, layers.MultiHeadAttention)) or step.reads != (last,) or len(step.makes) > 1:
            return False
        last = step.makes[0]
    calls = [id(step.call) for step in drawn.steps]
    return drawn.outputs == (last,) and len(drawn.inputs) == 1 and len(set(calls)) == len(calls)


@st.composite
def _input(draw: Draw) -> Tensor:
    if draw(st.integers(0, 7)) == 0:
        return torch.zeros(draw(st.integers(1, 2)), draw(st.integers(2, 6)), dtype=torch.int32)
    rank = draw(st.integers(2, 5))
    longest = {2: 8, 3: 6, 4: 6, 5: 4}[rank]
    return torch.zeros(draw(st.integers(1, 2)), *(draw(st.integers(2, longest)) for _ in range(rank - 1)))


def _tried(step: Step, values: Sequence[Tensor]) -> list[Tensor]:
    """Return what a step makes of zeros; nothing where it does not run, or grows too large."""
    try:
        with torch.no_grad():
            made = results(step.call, [values[one] for one in step.reads])
    except (AssertionError, RuntimeError, ValueError, TypeError, IndexError):
        return []
    return made if all(0 < one.numel() <= MAX_ELEMENTS for one in made) else []


@st.composite
def _step(draw: Draw, steps: Sequence[Step], values: Sequence[Tensor]) -> Step:
    """Draw a step, mostly on the last value, or a layer once more."""
    number = draw(st.sampled_from([len(values) - 1] * 3 + list(range(len(values)))))
    x = values[number]
    shape = tuple(x.shape)
    if x.dtype == torch.int32:
        return Step(layers.Embedding(_TOKENS, draw(st.integers(1, 5))), (number,), ())
    shared = [step.call for step in steps if getattr(step.call, "weights", ()) and _takes(step, x, values)]
    way = draw(st.sampled_from(["new"] * 6 + ["join", "join", "norm"] + ["again"] * bool(shared)))
    if way == "again":
        return Step(draw(st.sampled_from(shared)), (number,), ())
    if way == "norm":
        return Step(batch_norm(draw), (number,), ())
    if way == "join":
        call = draw(st.sampled_from([*_JOINING, "sum", "product", "joined", "matmul", layers.Concatenate]))
        fitting = [one for one, other in enumerate(values) if _joins(call, x, other)]
        if fitting:
            other = draw(st.sampled_from(fitting))
            made = call if isinstance(call, str) else call(axis=-1) if call is layers.Concatenate else call()
            return Step(made, (number, other), ())
    return draw(_called(number, shape, values))


@st.composite
def _called(draw: Draw, number: int, shape: tuple[int, ...], values: Sequence[Tensor]) -> Step:
    makers = [one for one in MAKERS[len(shape)] if one is not attending or _is_attended(values[number])]
    call = draw(st.sampled_from(makers))(draw, shape)
    if not isinstance(call, layers.MultiHeadAttention):
        return Step(call, (number,), ())
    fitting = [one for one, other in enumerate(values) if _is_attended(other) and len(other) == shape[0]]
    return Step(call, (number, draw(st.sampled_from([number, *fitting]))), ())


def _is_attended(x: Tensor) -> bool:
    return x.dim() == 3 and x.shape[-1] > 1  # vectors of one number have products, but no sum, in torch's einsum


def _takes(step: Step, x: Tensor, values: Sequence[Tensor]) -> bool:
    """Return whether a layer may take ``x``, too: attention takes vectors of one number, and treats them as longer."""
    others = [values[one].shape[-1] for one in step.reads]
    return not isinstance(step.call, layers.MultiHeadAttention) or {x.shape[-1]} == set(others)


def _joins(call: Any, x: Tensor, other: Tensor) -> bool:
    one, two = tuple(x.shape), tuple(other.shape)
    if other.dtype == torch.int32 or len(one) != len(two):
        return False
    if call is layers.Concatenate:
        return one[:-1] == two[:-1]
    if call == "joined":
        return (one[0], one[2:]) == (two[0], two[2:])
    if call == "matmul":
        return len(one) > 2 and one[:-2] == two[:-2] and one[-1] == two[-2]
    return one == two
