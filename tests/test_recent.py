"""What was worked out last is kept up to a bound on its bytes."""

from __future__ import annotations

import numpy as np
import pytest

from grader.checks import calling
from grader.checks.recent import Recent
from grader.model import Array, Plain, size_bytes


def test_the_value_not_used_for_longest_goes_when_all_are_too_large() -> None:
    recent: Recent[str] = Recent(len, limit_bytes=10)
    recent.keep("a", "aaaa")
    recent.keep("b", "bbbb")
    assert recent.get("a") == "aaaa"
    recent.keep("c", "cccc")
    assert [recent.get(key) for key in "abc"] == ["aaaa", None, "cccc"]
    assert recent.held_bytes == 8


def test_a_value_that_is_too_large_by_itself_is_not_kept() -> None:
    recent: Recent[str] = Recent(len, limit_bytes=10)
    recent.keep("a", "aaaa")
    recent.keep("b", "b" * 11)
    assert [recent.get(key) for key in "ab"] == [None, None]
    assert recent.held_bytes == 0


@pytest.mark.parametrize(
    ("value", "at_least", "at_most"),
    [
        (Array.from_numpy(np.zeros((1000, 1000))), 8_000_000, 8_001_000),
        ({"weights": [Array.from_numpy(np.zeros(500)), Array.from_numpy(np.zeros(500))]}, 8_000, 9_000),
        ("x" * 1000, 1000, 1100),
        (1.5, 20, 100),
    ],
)
def test_what_a_value_takes_is_told_by_its_arrays_and_texts(value: Plain, at_least: int, at_most: int) -> None:
    assert at_least <= size_bytes(value) <= at_most


def test_large_answers_of_an_authors_function_do_not_fill_the_memory() -> None:
    def zeros(count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.zeros(count)

    for extra in range(12):
        calling.evaluated(zeros, {"args": [1_000_000 + extra]})
    assert calling._RECENT.held_bytes <= 64 << 20
