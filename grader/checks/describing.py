"""What a model is and does: a student's, as it was described in the sandbox, or an author's, described here.

Both are described by the same code, the folder ``probing`` of what runs in the sandbox. It imports nothing of ours, so
it is loaded by path, as it is there.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

import grader
from grader.checks.answers import Numbers
from grader.checks.layers import Layer, as_layers, telling
from grader.model import Array

_PACKAGE = "_grade_probing"


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
    """A model. ``outputs`` and ``drawn`` hold one entry for each case: numbers, or None for what is no single array.

    ``drawn`` are the outputs with weights drawn by us. ``layers`` are those that ran, up to the one that stopped, in
    order; ``idle`` those that did not.
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


def read(found: Mapping[str, Any]) -> Described:
    """Return a description that was made by ``networks.describe``. Raises ValueError for any other form."""
    try:
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


@cache
def _probing(name: str) -> Any:
    """Return a module of the folder ``probing``."""
    folder = Path(grader.__file__).parent / "sandbox" / "inside" / "probing"
    if _PACKAGE not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            _PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"cannot load {folder}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[_PACKAGE] = module
        spec.loader.exec_module(module)
    return importlib.import_module(f"{_PACKAGE}.{name}")


class Author:
    """A model of an author's, made by ``make``, and what it is and does with each of ``cases``.

    Raises what ``make`` raises, and TypeError where it makes no model.
    """

    def __init__(self, make: Callable[[], Any], cases: Sequence[Sequence[Any]]) -> None:
        model = make()
        if not _probing("objects").framework_of(model):
            raise TypeError(f"the reference made {type(model).__name__}, which is no torch module and no Keras model")
        self._network = _probing("networks").Network(model)
        self._cases = cases
        self._known: dict[tuple[str, tuple[Weight, ...], int], tuple[Numbers | None, ...] | None] = {}
        self.described = read(_probing("networks").describe(self._network, cases))

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
        arrays = _matched(student, [one.shape for one in self.described.weights], seed)
        if arrays is None:
            return None
        with self._network.undisturbed():
            self._network.fill(arrays)
            return tuple(_numbers(self._network.run(case)) for case in self._cases)


def _matched(student: Described, wanted: Sequence[tuple[int, ...] | None], seed: int) -> list[Numbers] | None:
    left = {index: one.shape for index, one in enumerate(student.weights) if one.used}
    if len(left) != len(wanted):
        return None
    arrays = []
    for shape in wanted:
        straight = next((index for index, own in left.items() if own == shape), None)
        turned = next((index for index, own in left.items() if own and shape and own == shape[::-1]), None)
        index = straight if straight is not None else turned
        if index is None:
            return None
        array = _drawn(student, index, seed)
        arrays.append(array if straight is not None else array.T)
        del left[index]
    return arrays


def _drawn(student: Described, index: int, seed: int) -> Numbers:
    one = student.weights[index]
    facts = {"shape": one.shape, "buffer": one.is_buffer}
    array: Numbers = _probing("objects").draw_for(student.framework, seed, index, facts)
    return array


def alike(found: Sequence[Any], true: Sequence[Any], atol: float, rtol: float) -> bool:
    """Return whether all outputs agree; one that is no array agrees with nothing."""
    pairs = list(zip(found, true, strict=False))
    return len(found) == len(true) > 0 and all(
        one is not None
        and other is not None
        and one.shape == other.shape
        and bool(np.allclose(one, other, rtol=rtol, atol=atol))
        for one, other in pairs
    )


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
