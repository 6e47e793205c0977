"""Whose right answers a run may hold, of many: looked up by value, since comparing everybody with everybody is slow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.checks.answers import expected_value, to_array
from grader.checks.comparing import Tolerance
from grader.checks.judging import CHANCE_MISSES, COPIED
from grader.checks.value import ValueOptions
from grader.course import Exercise
from grader.model import Failure, Plain, Run
from grader.reference import Evaluation

#: Of larger arrays, so many of the sorted numbers are compared.
_MOST_NUMBERS = 64
#: Room for the rounding of what is computed here.
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class _Column:
    """A quantity of everybody: row i of ``numbers`` are i's, sorted. ``unknown``: i's cannot be compared so."""

    size: int
    numbers: NDArray[np.float64]
    unknown: NDArray[np.bool_]

    def near(self, numbers: NDArray[np.float64], tolerance: Tolerance) -> NDArray[np.bool_]:
        """Return for each row whether ``numbers`` may agree with it.

        Numbers that agree one by one within a tolerance agree as well when both are sorted, in any layout.
        """
        largest = np.max(np.abs(self.numbers), axis=1, initial=0.0)
        room = (tolerance.atol + tolerance.rtol * largest) * (1 + _SLACK) + _SLACK * largest
        far = np.max(np.abs(self.numbers - numbers), axis=1, initial=0.0)
        return np.asarray(self.unknown | (far <= room))


class Cohort:
    """The right answers to one exercise of everybody in ``truths``."""

    def __init__(self, exercise: Exercise, truths: Sequence[Evaluation]) -> None:
        self._exercise, self._truths = exercise, truths
        names = [*exercise.reference.givens, *(name for name in map(_compared, _options(exercise)) if name)]
        self._columns = {name: _column(name, truths) for name in dict.fromkeys(names)}

    def candidates(self, own: int, run: Run) -> list[int]:
        """Return for whose numbers ``run``, which is that of ``own``, may have been made: all that ``fits`` would find.

        The rest certainly differs in a given array, and in more answers than chance allows.
        """
        seen = {one.probe.name: one.value for one in run.observations if one.probe.kind == "value"}
        missed = np.zeros(len(self._truths), dtype=np.int64)
        options = _options(self._exercise)
        for one in options:
            name = _compared(one)
            if name:
                missed += ~self._may_hold(name, seen, Tolerance(one.atol, one.rtol))
        found = (missed <= CHANCE_MISSES * len(options)) | self._may_hold_givens(own, seen)
        return [index for index in np.flatnonzero(found).tolist() if index != own]

    def _may_hold_givens(self, own: int, seen: dict[str, Plain | Failure]) -> NDArray[np.bool_]:
        found = np.ones(len(self._truths), dtype=np.bool_)
        for name in self._exercise.reference.givens:
            column = self._columns[name]
            # Numbers that everybody has, and single ones, tell nobody apart.
            if column.size >= 3:
                found &= self._may_hold(name, seen, COPIED) | column.near(column.numbers[own], COPIED)
        return found

    def _may_hold(self, name: str, seen: dict[str, Plain | Failure], tolerance: Tolerance) -> NDArray[np.bool_]:
        column = self._columns[name]
        try:
            numbers = to_array(seen.get(name, Failure("missing")))
        except (TypeError, ValueError):
            return column.unknown
        if numbers.size != column.size:
            return column.unknown
        with np.errstate(all="ignore"):
            return column.near(_sorted(numbers), tolerance)


def _options(exercise: Exercise) -> list[Any]:
    return [check.options for check in exercise.rubric.checks]


def _compared(options: Any) -> str:
    """Return the quantity whose value alone decides over a check; empty where there is more to it."""
    plain = isinstance(options, ValueOptions) and not options.accept and options.writing is None
    return options.value if plain else ""


def _column(name: str, truths: Sequence[Evaluation]) -> _Column:
    every = [_numbers(name, truth) for truth in truths]
    size = next((one.size for one in every if one is not None), 0)
    usable = [one is not None and one.size == size and bool(np.all(np.isfinite(one))) for one in every]
    width = min(size, _MOST_NUMBERS)
    rows = [
        _sorted(one) if good and one is not None else np.zeros(width) for one, good in zip(every, usable, strict=True)
    ]
    return _Column(size, np.array(rows).reshape(len(rows), width), ~np.array(usable, dtype=np.bool_))


def _numbers(name: str, truth: Evaluation) -> NDArray[np.generic] | None:
    try:
        value = expected_value(truth.value(name))
    except Exception:  # noqa: BLE001 - an author's function may fail in any way; whoever compares will meet it
        return None
    return None if isinstance(value, str) or value.dtype.kind == "c" else value


def _sorted(numbers: NDArray[np.generic]) -> NDArray[np.float64]:
    """Return the numbers in ascending order; of many, some at fixed ranks."""
    real = numbers.real if numbers.dtype.kind == "c" else numbers
    ascending = np.sort(real.astype(np.float64), axis=None)
    if ascending.size <= _MOST_NUMBERS:
        return ascending
    return ascending[np.linspace(0, ascending.size - 1, _MOST_NUMBERS).astype(np.int64)]
