"""Comparing what a function gave back with what it should: numbers, arrays, text, and lists and mappings of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from grader.checks.answers import Numbers, Unusable, describe, expected_value, read_answer, to_array
from grader.checks.comparing import EXACT, Tolerance, agrees, difference
from grader.checks.crossing import to_value
from grader.model import Array, Plain


@dataclass(frozen=True, slots=True)
class Comparison:
    """How results are compared. ``exact``: None where integers are, and other numbers within the tolerance."""

    atol: float = 1e-8
    rtol: float = 1e-5
    exact: bool | None = None
    transpose: bool = False

    def tolerance(self, expected: Numbers | str) -> Tolerance:
        """Return the tolerance for an expected value."""
        whole = not isinstance(expected, str) and expected.dtype.kind in "iu"
        exact = whole if self.exact is None else self.exact
        return EXACT if exact else Tolerance(self.atol, self.rtol)


def mismatch(name: str, found: Plain, expected: Plain, comparison: Comparison) -> str:
    """Return where and how ``found`` differs from ``expected``, for the student; empty where it agrees.

    A list of numbers is an array. Axes of length one, and kinds of list, do not count; a mapping may hold more. Where
    None is expected, as from a method that returns nothing, anything will do.
    """
    return "" if expected is None else next(filter(None, _mismatches(name, found, expected, comparison)), "")


def _mismatches(name: str, found: Plain, expected: Plain, comparison: Comparison) -> Iterator[str]:
    if isinstance(expected, dict):
        yield from _in_mapping(name, found, expected, comparison)
    elif isinstance(expected, list) and not is_array(expected):
        yield from _in_list(name, found, expected, comparison)
    else:
        yield from _in_leaf(name, found, expected, comparison)


def _in_mapping(name: str, found: Plain, expected: dict[str, Plain], comparison: Comparison) -> Iterator[str]:
    if not isinstance(found, dict):
        yield f"`{name}` should be a mapping, but is {describe(found)}."
        return
    for key, value in expected.items():
        if key not in found:
            yield f"`{name}` has no key {key!r}."
        else:
            yield mismatch(f"{name}[{key!r}]", found[key], value, comparison)


def _in_list(name: str, found: Plain, expected: list[Plain], comparison: Comparison) -> Iterator[str]:
    items = _items(found)
    if items is None:
        yield f"`{name}` should be a list of {len(expected)}, but is {describe(found)}."
    elif len(items) != len(expected):
        yield f"`{name}` has {len(items)} parts; expected {len(expected)}."
    else:
        for index, (item, value) in enumerate(zip(items, expected, strict=True)):
            yield mismatch(f"{name}[{index}]", item, value, comparison)


def _items(found: Plain) -> list[Plain] | None:
    if isinstance(found, Array) and found.shape:
        return [Array.from_numpy(np.asarray(part)) for part in found.to_numpy()]
    return found if isinstance(found, list) else None


def _in_leaf(name: str, found: Plain, expected: Plain, comparison: Comparison) -> Iterator[str]:
    true = expected_value(to_value(expected, tensors=False))
    answer = read_answer(name, found, true, transpose=comparison.transpose)
    if isinstance(answer, Unusable):
        yield answer.message
    elif not agrees(answer.value, true, comparison.tolerance(true)):
        yield difference(name, answer.value, true, comparison.tolerance(true))


def numbers(value: Plain) -> Numbers | None:
    """Return numbers, or a list of such of one shape, as an array; None for anything else."""
    try:
        return to_array(value)
    except (TypeError, ValueError):
        return None


def is_array(value: list[Plain]) -> bool:
    """Return whether a list holds nothing but numbers, and lists of them of one length: no arrays."""
    return numbers(value) is not None and not _holds_arrays(value)


def _holds_arrays(value: list[Plain]) -> bool:
    return any(
        _holds_arrays(item) if isinstance(item, list) else isinstance(item, Array) and item.shape != ()
        for item in value
    )
