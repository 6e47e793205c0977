"""Where an array differs, as cells to be drawn: right or not, and never by how much or to which side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grader.checks.answers import Numbers, Unusable, expected_value, read_answer
from grader.checks.comparing import Tolerance, agreement
from grader.checks.crossing import to_value
from grader.checks.trees import Comparison, is_array, numbers
from grader.model import Array, Plain, Strip

#: A larger array is drawn in blocks.
MOST_ROWS, MOST_COLUMNS = 16, 48


def strip_of(good: NDArray[np.bool_]) -> Strip | None:
    """Return where elements are not ``good``; None for a single number, and where all are."""
    wrong = np.argwhere(~good)
    if good.size < 2 or not len(wrong):
        return None
    table = ~good.reshape(-1, good.shape[-1])
    rows, columns = (_starts(*pair) for pair in zip(table.shape, (MOST_ROWS, MOST_COLUMNS), strict=True))
    counts = np.add.reduceat(np.add.reduceat(table.astype(np.int64), rows, axis=0), columns, axis=1)
    sizes = np.outer(np.diff([*rows, table.shape[0]]), np.diff([*columns, table.shape[1]]))
    cells = np.where(counts == 0, ".", np.where(counts == sizes, "x", "o"))
    first = tuple(int(index) for index in wrong[0])
    return Strip(good.shape, len(wrong), first, tuple("".join(row) for row in cells))


def differing(answer: Numbers | str, expected: Numbers | str, tolerance: Tolerance) -> Strip | None:
    """Return where an answer differs from what is right; None also where that would be as good as the answer itself.

    It would where each element is one of two, as in a mask: one that is not right is then the other.
    """
    if isinstance(answer, str) or isinstance(expected, str) or answer.shape != expected.shape or _one_of_two(expected):
        return None
    return strip_of(agreement(answer, expected, tolerance))


def differing_result(found: Plain, expected: Plain, comparison: Comparison) -> Strip | None:
    """Return the same for what a function gave back, and for the first part of a list that differs."""
    if isinstance(found, list) and isinstance(expected, list) and not is_array(expected):
        pairs = zip(found, expected, strict=False)
        return next(filter(None, (differing_result(*pair, comparison) for pair in pairs)), None)
    if not isinstance(expected, Array | list) or numbers(expected) is None:
        return None
    true = expected_value(to_value(expected, tensors=False))
    answer = read_answer("it", found, true, transpose=comparison.transpose)
    return None if isinstance(answer, Unusable) else differing(answer.value, true, comparison.tolerance(true))


def _one_of_two(expected: Numbers) -> bool:
    if expected.dtype.kind == "b":
        return True
    different = np.unique(expected)
    whole = np.isfinite(different) & (different == np.rint(different.real))
    return different.size <= 2 < expected.size and bool(np.all(whole))


def _starts(length: int, most: int) -> NDArray[np.int64]:
    """Return where each of at most ``most`` blocks of nearly equal size begins."""
    blocks = min(length, most)
    return np.arange(blocks, dtype=np.int64) * length // blocks
