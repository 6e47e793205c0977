"""Properties that a function's results must have, whatever they are: judged on the student's own results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from grader.checks.answers import Numbers
from grader.checks.calling import Outcome, Sent
from grader.checks.crossing import to_plain
from grader.checks.trees import Comparison, mismatch, numbers
from grader.model import Array, Plain


@dataclass(frozen=True, slots=True)
class Tried:
    """One case: its inputs, what it gave, and what the further call gave that a property asks for, by its name."""

    case: Sent
    outcome: Outcome
    again: Mapping[str, Outcome]


@dataclass(frozen=True, slots=True)
class Property:
    """``holds`` judges one case; ``broken`` tells a student what is wrong where it does not, after the call's text.

    ``again`` gives the case of the further call that is needed, if one is.
    """

    name: str
    broken: str
    holds: Callable[[Tried, Comparison], bool]
    again: Callable[[Sent], Sent] | None = None


def _first(case: Sent) -> Numbers:
    """Return the first argument as numbers. Raises TypeError where it is none: the author asked for too much."""
    arguments = case["args"]
    array = numbers(arguments[0]) if isinstance(arguments, list) and arguments and "steps" not in case else None
    if array is None:
        raise TypeError("this property needs a first argument of numbers")
    return array


def _with_first(case: Sent, array: Numbers) -> Sent:
    first, *rest = cast("list[Plain]", case["args"])
    origin = first.origin if isinstance(first, Array) else "ndarray"
    return {"args": [Array.from_numpy(array, origin if array.shape else "numpy scalar"), *rest]}


def _result(tried: Tried) -> Numbers | None:
    return numbers(tried.outcome.value)


def _unchanged(tried: Tried, _: Comparison) -> bool:
    return not tried.outcome.changed


def _sums_to_one(tried: Tried, comparison: Comparison) -> bool:
    result = _result(tried)
    if result is None or result.ndim == 0 or result.size == 0:
        return False
    # Rounding of the sum of many small numbers is no mistake.
    return bool(np.allclose(result.sum(axis=-1), 1.0, rtol=comparison.rtol, atol=max(comparison.atol, 1e-6)))


def _non_negative(tried: Tried, _: Comparison) -> bool:
    result = _result(tried)
    return (
        result is not None
        and result.dtype.kind != "c"
        and not np.any(np.less(cast("Any", result), 0))
        and not np.any(np.isnan(result))
    )


def _finite(tried: Tried, _: Comparison) -> bool:
    result = _result(tried)
    return result is not None and bool(np.all(np.isfinite(result)))


def _shape_kept(tried: Tried, _: Comparison) -> bool:
    result = _result(tried)
    return result is not None and result.shape == _first(tried.case).shape


def _falls(tried: Tried, _: Comparison) -> bool:
    result = _result(tried)
    if result is None or result.ndim != 1 or result.size < 2 or result.dtype.kind == "c":
        return False
    return bool(result[-1] < result[0])


def _agree(name: str, found: Outcome, expected: Plain, comparison: Comparison) -> bool:
    return not found.raised and not mismatch(name, found.value, expected, comparison)


def _deterministic(tried: Tried, comparison: Comparison) -> bool:
    again = tried.again["deterministic"]
    return _agree("it", again, tried.outcome.value, comparison)


def _shift_invariant(tried: Tried, comparison: Comparison) -> bool:
    again = tried.again["shift_invariant"]
    return _agree("it", again, tried.outcome.value, comparison)


def _row_wise(tried: Tried, comparison: Comparison) -> bool:
    result = _result(tried)
    if result is None or result.shape[:1] != _first(tried.case).shape[:1]:
        return False
    return _agree("it", tried.again["row_wise"], to_plain(np.roll(result, 1, axis=0)), comparison)


#: What a rubric can list under ``properties``, besides the reference's own.
PROPERTIES: Mapping[str, Property] = {
    one.name: one
    for one in (
        Property("unchanged", "changes the array that it is given; work on a copy", _unchanged),
        Property("sums_to_one", "does not add up to one along the last axis", _sums_to_one),
        Property("non_negative", "has negative elements", _non_negative),
        Property("finite", "has elements that are no finite numbers", _finite),
        Property("shape_kept", "has another shape than what goes in", _shape_kept),
        Property("falls", "does not end below where it begins", _falls),
        Property(
            "deterministic",
            "gives something else when called once more with the same input",
            _deterministic,
            again=lambda case: case,
        ),
        Property(
            "shift_invariant",
            "changes when the same number is added to every element of the input",
            _shift_invariant,
            again=lambda case: _with_first(case, np.add(cast("Any", _first(case)), 1.5)),
        ),
        Property(
            "row_wise",
            "mixes the rows: with the rows in another order, the result's rows must follow and else stay the same",
            _row_wise,
            again=lambda case: _with_first(case, np.roll(_first(case), 1, axis=0)),
        ),
    )
}
