"""What was worked out last is kept up to a bound on its bytes."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest
from observing_helpers import make_exercise

from grader.checks import calling, model
from grader.checks.model import ModelOptions
from grader.checks.recent import Recent
from grader.model import Array, Plain, size_bytes
from grader.reference import Evaluation


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


def test_large_networks_of_an_author_do_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Recent(model._AUTHORS._size, model._AUTHORS._limit_bytes)  # let go of with this test
    monkeypatch.setattr(model, "_AUTHORS", kept)
    reference = """
import torch

@function
def Net(width):
    return torch.nn.Linear(width, width, bias=False)

@cases("Net")
def some(rng):
    yield (torch.ones(2, 4000),)
"""
    exercise = make_exercise(tmp_path, reference, "model: Net, arguments: [4000]")
    (check,) = exercise.rubric.checks
    options = cast("ModelOptions", check.options)
    for hidden in range(6):  # of 64 MB each
        truth = Evaluation(exercise.reference, None, hidden=hidden)
        author = model._author_of(options, truth, "Net")
        assert model._author_of(options, truth, "Net") is author
        assert author.size_bytes == 4 * 4000**2
    assert 64 << 20 < kept.held_bytes <= 128 << 20
