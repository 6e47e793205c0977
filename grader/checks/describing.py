"""What a model is and does: a student's, as it was described in the sandbox, or an author's, described here.

Both are described by the same code, the folder ``probing`` of what runs in the sandbox.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from grader.checks.answers import Numbers
from grader.checks.layers import Layer, as_layers, telling
from grader.model import Array
from grader.probing import probing


@dataclass(frozen=True, slots=True)
class Weight:
    """One tensor of weights. ``shape`` is None for a lazy layer that never ran; a running mean ``is_buffer``."""

    name: str
    shape: tuple[int, ...] | None
    trainable: bool
    is_buffer: bool
    used: bool
    finite: bool


@dataclass(frozen=True, slots=True)
class Stopped:
    """An exception in ``forward``; ``layer`` is the one that raised it, None where it was raised outside of any."""

    error: str
    message: str
    layer: Layer | None


@dataclass(frozen=True, slots=True)
class Described:
    """A model. ``outputs`` hold one entry for each case: numbers, or None for what is no single array.

    ``drawn`` are the same with weights drawn by us, all cases for each draw in turn. ``layers`` are those that ran, up
    to the one that stopped, in order; ``idle`` those that did not.
    """

    framework: str
    type_name: str
    was_built: bool
    layers: tuple[Layer, ...]
    idle: tuple[Layer, ...]
    weights: tuple[Weight, ...]
    outputs: tuple[Numbers | None, ...]
    drawn: tuple[Numbers | None, ...]
    returns: str
    steady: bool
    stopped: Stopped | None

    @property
    def parameters(self) -> int:
        """How many numbers training may change, frozen layers included; a lazy layer that never ran has none."""
        return sum(prod(one.shape) for one in self.weights if one.shape is not None and not one.is_buffer)


def read(found: Mapping[str, Any], count: int) -> Described:
    """Return a description by ``networks.describe`` of a model run on ``count`` cases.

    Raises ValueError for any other form: a student's comes from a process that student code may have changed.
    """
    try:
        if found["failed"] is None and len(found["outputs"]) != count:
            raise ValueError(f"no description of a model: outputs of {len(found['outputs'])} cases, not {count}")
        framework = str(found["framework"])
        failed = found["failed"]
        stopped, steps = None, list(found["steps"])
        if failed is not None:
            step = failed["step"]
            layers = as_layers([step], framework) if step else ()
            stopped = Stopped(str(failed["error"]), str(failed["message"]), layers[0] if layers else None)
            steps += [step] if step else []
        return Described(
            framework,
            str(found["type"]),
            bool(found["built"]),
            as_layers(steps, framework),
            as_layers(found["idle"], framework),
            tuple(_weight(one) for one in found["tensors"]),
            tuple(map(_numbers, found["outputs"])),
            tuple(map(_numbers, found["drawn"])),
            _form(next(iter(found["outputs"]), None)),
            found["steady"] is True,
            stopped,
        )
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError(f"no description of a model: {error!r}") from error


def _weight(facts: Mapping[str, Any]) -> Weight:
    shape = None if facts["shape"] is None else tuple(int(length) for length in facts["shape"])
    flags = (facts[key] is True for key in ("trainable", "buffer", "used", "finite"))
    return Weight(str(facts["name"]), shape, *flags)


def _numbers(value: Any) -> Numbers | None:
    if isinstance(value, Array):
        return value.to_numpy()
    return value if isinstance(value, np.ndarray) else None


def _form(value: Any) -> str:
    """Return in words what a model returned."""
    if isinstance(value, Array | np.ndarray):
        return "a tensor"
    if isinstance(value, list):
        return f"{len(value)} things in a tuple or list"
    if isinstance(value, dict):
        return f"a mapping of {len(value)} things"
    return "nothing" if value is None else "something else than a tensor"


class Author:
    """A model of an author's, made by ``make``, and what it is and does with each of ``cases``.

    Raises what ``make`` raises, and TypeError where it makes no model.
    """

    def __init__(self, make: Callable[[], Any], cases: Sequence[Sequence[Any]]) -> None:
        model = make()
        if not probing("objects").framework_of(model):
            raise TypeError(f"the reference made {type(model).__name__}, which is no torch module and no Keras model")
        self._network = probing("networks").Network(model)
        self._cases = cases
        self._known: dict[tuple[str, tuple[Weight, ...], int], tuple[Numbers | None, ...] | None] = {}
        self.described = read(probing("networks").describe(self._network, cases), len(cases))

    @property
    def size_bytes(self) -> int:
        """About how much memory the model takes."""
        return sum(4 * prod(weight.shape or ()) for weight in self.described.weights)

    def with_weights_of(self, student: Described, seed: int) -> tuple[Numbers | None, ...] | None:
        """Return the outputs with the weights that were drawn for ``student``; None if they do not fit.

        Both are taken in the order of their use, or else by their shapes; a matrix may lie transposed. Raises what the
        model raises.
        """
        key = (student.framework, student.weights, seed)
        if key not in self._known:
            self._known[key] = self._with_weights_of(student, seed)
        return self._known[key]

    def _with_weights_of(self, student: Described, seed: int) -> tuple[Numbers | None, ...] | None:
        order = _matched(student, self.described.weights)
        if order is None:
            return None
        found: list[Numbers | None] = []
        with self._network.undisturbed():
            for spread in probing("objects").SPREADS:
                self._network.fill([_drawn(student, one, seed, spread) for one in order])
                found += [_numbers(self._network.run(case)) for case in self._cases]
        return tuple(found)


def _matched(student: Described, wanted: Sequence[Weight]) -> list[tuple[int, bool] | None] | None:
    """Return for each weight wanted the student's and whether it is turned; None for an unused one, or if none fits."""
    left = {index: one for index, one in enumerate(student.weights) if one.used}
    if len(left) != sum(one.used for one in wanted):
        return None
    order: list[tuple[int, bool] | None] = []
    for weight in wanted:
        if not weight.used:
            order.append(None)
            continue
        alike = [index for index, own in left.items() if own.is_buffer == weight.is_buffer]
        straight = [(index, False) for index in alike if left[index].shape == weight.shape]
        turned = [(index, True) for index in alike if (left[index].shape or ())[::-1] == weight.shape]
        if not straight and not turned:
            return None
        order.append((straight or turned)[0])
        del left[(straight or turned)[0][0]]
    return order


def _drawn(student: Described, place: tuple[int, bool] | None, seed: int, spread: float) -> Numbers | None:
    if place is None:
        return None
    index, turned = place
    one = student.weights[index]
    facts = {"name": one.name, "shape": one.shape, "buffer": one.is_buffer}
    array: Numbers = probing("objects").draw(student.framework, seed, spread, index, facts)
    return array.T if turned else array


def alike(found: Sequence[Numbers | None], true: Sequence[Numbers | None], atol: float, rtol: float) -> bool:
    """Return whether all outputs agree; one that is no array agrees with nothing.

    ``atol`` is for outputs of size 1, and grows with the largest one.
    """
    return len(found) == len(true) > 0 and all(_agrees(*pair, atol, rtol) for pair in zip(found, true, strict=True))


def _agrees(found: Numbers | None, true: Numbers | None, atol: float, rtol: float) -> bool:
    if found is None or true is None or found.shape != true.shape or {found.dtype.kind, true.dtype.kind} - set("iuf"):
        return False
    left, right = found.astype(np.float64), true.astype(np.float64)
    largest = float(np.max(np.abs(right), initial=1.0))
    return bool(np.allclose(left, right, rtol=rtol, atol=atol * largest))


def computes_the_same(student: Described, author: Author, seed: int, atol: float, rtol: float) -> bool:
    """Return whether both compute the same with the same weights, those drawn from ``seed``."""
    true = author.with_weights_of(student, seed) if comparable(student) else None
    return true is not None and alike(student.drawn, true, atol, rtol)


def same_structure(student: Described, other: Described) -> bool:
    """Return whether both have weights of the same shapes and, where outputs cannot be compared, the same layers."""
    shapes = [sorted(str(one.shape) for one in model.weights) for model in (student, other)]
    if shapes[0] != shapes[1] or (student.stopped is None) != (other.stopped is None) or student.steady != other.steady:
        return False
    own, others = telling(student.layers), telling(other.layers)
    return comparable(student) or (len(own) == len(others) and all(map(Layer.same, own, others)))


def comparable(model: Described) -> bool:
    """Return whether a model's outputs say what it computes: it ran, and gave the same twice."""
    return model.stopped is None and model.steady
