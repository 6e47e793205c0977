"""How far right answers lie apart, when a reference is computed in other ways, and how far known mistakes are away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from grader.checks.answers import Numbers, expected_value
from grader.checks.call import CallOptions
from grader.checks.calling import Sent, drawn, evaluated
from grader.checks.crossing import to_value
from grader.checks.following import mistaken
from grader.checks.trees import numbers
from grader.checks.value import ValueOptions
from grader.course import Check, Exercise
from grader.model import Array, Plain
from grader.reference import Evaluation, Misconception, Reference

#: The numbers and texts of an answer, in order.
Leaves = tuple[Numbers | str, ...]

#: Linear algebra is computed with so many threads.
THREADS = (1, 2)
#: What differs by less, relative to the larger of the two, is the same number.
_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class Sample:
    """What is right for one set of numbers, the same computed in other ways, and what known mistakes give."""

    right: Leaves
    ways: Mapping[str, Leaves]
    mistakes: Mapping[str, Leaves]


class Sampler:
    """The answers to an exercise's checks for one set of numbers and hidden inputs."""

    def __init__(self, exercise: Exercise, seed: int | None, hidden: int) -> None:
        reference = exercise.reference
        self._asked = {name for check in exercise.rubric.checks for name in [check.options.subject]}
        self._truth = Evaluation(reference, seed, hidden=hidden)
        self._single = Evaluation(_in_single(reference), seed, hidden=hidden)
        self._pools = ThreadpoolController()  # of the libraries that the reference has imported
        self._threads = {count: Evaluation(reference, seed, hidden=hidden) for count in THREADS}

    def sample(self, check: Check) -> Sample | None:
        """Return the sample for a check of a kind that is known here, ``value`` or ``call``; otherwise None.

        Whatever the reference raises comes out. A way in which it cannot be computed is left out.
        """
        match check.options:
            case ValueOptions() as options:
                return self._of_value(options)
            case CallOptions() as options if options.compares and not options.trial:
                return self._of_call(options)
        return None

    def _of_value(self, options: ValueOptions) -> Sample:
        name, reference = options.value, self._truth.reference
        right = _value_of(self._truth, name)()
        ways = {"float32": _value_of(self._single, name)}
        ways |= {_threads(count): self._limited(count, _value_of(one, name)) for count, one in self._threads.items()}
        unseen = reference.ancestors([name]) - (self._asked - {name})
        wrong = {one.id: mistaken(self._truth, one, name)[1] for one in _aimed(reference, unseen)}
        return Sample(right, _ways(ways), {key: (value,) for key, value in wrong.items() if value is not None})

    def _of_call(self, options: CallOptions) -> Sample:
        reference = self._truth.reference
        function = reference.definitions[options.call].function
        names = [
            name
            for name, one in reference.cases.items()
            if one.target == options.call and options.cases in {None, name}
        ]
        cases = drawn(self._truth, names)
        in_single = [cast("Sent", _single_plain(one)) for one in cases]
        ways: dict[str, Callable[[], Leaves]] = {"float32": partial(_called, function, in_single)}
        ways |= {_threads(count): self._limited(count, partial(_called, function, cases)) for count in THREADS}
        wrong: dict[str, Callable[[], Leaves]]
        wrong = {one.id: partial(_called, one.function, cases) for one in _aimed(reference, {options.call})}
        return Sample(_called(function, cases), _ways(ways), _ways(wrong))

    def _limited(self, count: int, compute: Callable[[], Leaves]) -> Callable[[], Leaves]:
        def limited() -> Leaves:
            with self._pools.limit(limits=count):
                return compute()

        return limited


def _value_of(evaluation: Evaluation, name: str) -> Callable[[], Leaves]:
    return lambda: (expected_value(evaluation.value(name)),)


def _threads(count: int) -> str:
    return f"{count} thread{'s' if count > 1 else ''}"


def _aimed(reference: Reference, targets: frozenset[str] | set[str]) -> Iterator[Misconception]:
    return (one for one in reference.misconceptions.values() if one.target in targets)


def _ways(ways: Mapping[str, Callable[[], Leaves]]) -> dict[str, Leaves]:
    """Return what each gives; what an author's function does not take, it was not written for."""
    found = {}
    for name, compute in ways.items():
        try:
            found[name] = compute()
        except Exception:  # noqa: BLE001, S112 - an author's function on other types may fail in any way
            continue
    return found


def _called(function: Callable[..., Any], cases: Sequence[Sent]) -> Leaves:
    return tuple(leaf for case in cases for leaf in _leaves(evaluated(function, case).value))


def _leaves(value: Plain) -> Iterator[Numbers | str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _leaves(part)
    elif isinstance(value, list) and numbers(value) is None:
        for part in value:
            yield from _leaves(part)
    elif value is not None:
        yield expected_value(to_value(value, tensors=False))


def _in_single(reference: Reference) -> Reference:
    """Return the reference with every given and quantity rounded to single precision, as far as it has one."""

    def narrowed(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda **needs: _single(function(**needs))

    nodes = {name: replace(node, function=narrowed(node.function)) for name, node in reference.nodes.items()}
    return replace(reference, nodes=nodes)


def _single(value: Any) -> Any:
    match value:
        case np.ndarray() | np.generic() if value.dtype == np.float64:
            return value.astype(np.float32)
        case float():
            return np.float32(value)
        case list() | tuple():
            return type(value)([_single(one) for one in value])
    is_float = hasattr(value, "is_floating_point") and value.is_floating_point()
    return value.float() if is_float else value


def _single_plain(value: Plain) -> Plain:
    """Return plain data with its arrays of floats in single precision; Python numbers have no other."""
    match value:
        case Array(dtype="float64"):
            return Array.from_numpy(value.to_numpy().astype(np.float32), value.origin)
        case list():
            return [_single_plain(one) for one in value]
        case dict():
            return {key: _single_plain(one) for key, one in value.items()}
    return value


def deviations(right: Leaves, other: Leaves) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]] | None:
    """Yield for each array of floats how far every element is off, and its size; None where the two do not compare.

    They do not where shapes differ, or text or whole numbers, which no tolerance is for.
    """
    if len(right) != len(other):
        return None
    pairs = []
    for one, two in zip(right, other, strict=True):
        if isinstance(one, str) or isinstance(two, str) or one.dtype.kind in "iub":
            if isinstance(one, str) != isinstance(two, str) or not np.array_equal(np.asarray(one), np.asarray(two)):
                return None
        elif one.shape != two.shape:
            return None
        else:
            pairs.append((_apart(one, two), np.abs(one.astype(np.complex128))))
    return iter(pairs)


def _apart(one: Numbers, two: Numbers) -> NDArray[np.float64]:
    with np.errstate(all="ignore"):
        apart = np.abs(one.astype(np.complex128) - two.astype(np.complex128))
    both = np.asarray(one == two) | (np.isnan(one) & np.isnan(two))
    return np.asarray(np.where(both, 0.0, np.nan_to_num(apart, nan=np.inf, posinf=np.inf)), np.float64)


def has_tolerance(right: Leaves) -> bool:
    """Return whether anything in an answer is compared to within a tolerance."""
    return any(not isinstance(one, str) and one.dtype.kind in "fc" for one in right)


def times(right: Leaves, other: Leaves, atol: float, rtol: float) -> float:
    """Return how many tolerances the element that is furthest off lies away; 0 where the two are the same."""
    pairs = deviations(right, other)
    if pairs is None:
        return float("inf")
    largest = 0.0
    for apart, size in pairs:
        off = apart > _SAME * size
        if np.any(off):
            with np.errstate(all="ignore"):
                largest = max(largest, float(np.max(apart[off] / (atol + rtol * size[off]))))
    return largest
