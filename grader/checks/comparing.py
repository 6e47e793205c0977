"""Comparing an answer with an expected value, and saying how they differ without giving the value away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grader.checks.answers import Numbers


@dataclass(frozen=True, slots=True)
class Tolerance:
    """An answer agrees where ``abs(answer - expected) <= atol + rtol * abs(expected)``; exactly where both are 0."""

    atol: float
    rtol: float

    def around(self, expected: float) -> float:
        """Return how far from the number ``expected`` an answer may be."""
        return self.atol + self.rtol * abs(expected) if self.rtol else self.atol


EXACT = Tolerance(0.0, 0.0)


def agreement(answer: Numbers, expected: Numbers, tolerance: Tolerance) -> NDArray[np.bool_]:
    """Return for each element whether it agrees. Both arrays have one shape; NaN agrees with NaN."""
    kinds = {answer.dtype.kind, expected.dtype.kind}
    if "b" in kinds:
        return np.asarray(answer == expected)
    if tolerance == EXACT and kinds & {"i", "u"}:
        if len(kinds) == 1:
            return np.asarray(answer == expected)
        # As Python numbers: NumPy would turn integers above 2**53 into the nearest float first.
        return np.asarray(answer.astype(object) == expected.astype(object), dtype=np.bool_)
    wide = np.complex128 if "c" in {answer.dtype.kind, expected.dtype.kind} else np.float64
    with np.errstate(all="ignore"):
        left, right = answer.astype(wide), expected.astype(wide)
        return np.isclose(left, right, rtol=tolerance.rtol, atol=tolerance.atol, equal_nan=True)


def agrees(answer: Numbers | str, expected: Numbers | str, tolerance: Tolerance) -> bool:
    """Return whether the whole answer agrees with the expected value."""
    if isinstance(answer, str) or isinstance(expected, str):
        return isinstance(answer, str) and isinstance(expected, str) and answer == expected
    return answer.shape == expected.shape and bool(np.all(agreement(answer, expected, tolerance)))


def right_share(answer: Numbers | str, expected: Numbers | str, tolerance: Tolerance) -> float:
    """Return the fraction of the elements that agree; 0 for text, and for one number everywhere where several are due.

    Such a number would be right somewhere without any calculation.
    """
    if isinstance(answer, str) or isinstance(expected, str) or answer.shape != expected.shape:
        return 0.0
    if np.unique(answer).size <= 1 < np.unique(expected).size:
        return 0.0
    return float(np.mean(agreement(answer, expected, tolerance)))


def difference(name: str, answer: Numbers | str, expected: Numbers | str, tolerance: Tolerance) -> str:
    """Return how the answer differs: how many elements, where first, and a pattern if there is one.

    Only the student's own numbers appear in it.
    """
    if isinstance(answer, str) or isinstance(expected, str):
        return f"`{name}` is not right."
    lines = [_count(name, answer, agreement(answer, expected, tolerance))]
    pattern = _pattern(answer, expected, tolerance)
    return "\n".join([*lines, pattern] if pattern else lines)


def _count(name: str, answer: Numbers, good: NDArray[np.bool_]) -> str:
    if answer.size == 1:
        return f"`{name}` is not right: yours is {answer.reshape(-1)[0]!s}."
    bad = np.argwhere(~good)
    first = tuple(int(i) for i in bad[0])
    share = 100 * len(bad) / answer.size
    return (
        f"`{name}` is not right: {len(bad)} of {answer.size} elements differ ({share:.3g} %).\n"
        f"The first is at index {list(first)}, where yours is {answer[first]!s}."
    )


def _pattern(answer: Numbers, expected: Numbers, tolerance: Tolerance) -> str:
    if {"b", "c"} & {answer.dtype.kind, expected.dtype.kind}:
        return ""
    several = answer.size > 1
    with np.errstate(all="ignore"):
        patterns = {
            "It is right but for the sign.": np.any(expected != 0)
            and agrees(-answer.astype(np.float64), expected, tolerance),
            "It looks like the transpose.": answer.ndim == 2
            and answer.shape[0] == answer.shape[1]
            and agrees(answer.T, expected, tolerance),
            "All elements are off by one and the same factor.": several and _proportional(answer, expected),
            "The numbers are right, but in another order.": several
            and agrees(np.sort(answer, axis=None), np.sort(expected, axis=None), tolerance),
            "It is off by one.": expected.dtype.kind in "iu"
            and np.all(np.abs(answer.astype(np.float64) - expected.astype(np.float64)) == 1),
        }
    return next((sentence for sentence, fits in patterns.items() if fits), "")


def _proportional(answer: Numbers, expected: Numbers) -> bool:
    left, right = answer.astype(np.float64).ravel(), expected.astype(np.float64).ravel()
    norm = float(right @ right)
    factor = float(left @ right) / norm if norm else 0.0
    several = np.count_nonzero(right) > 1
    return bool(several and factor != 0 and np.allclose(left, factor * right, rtol=1e-6, atol=0.0))
