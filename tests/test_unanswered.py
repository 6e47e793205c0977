"""What was not answered at all is told apart from what is wrong."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from judging_helpers import judge, judge_seen, make_exercise, plain, run_with
from rich.console import Console

from grader.checks import judge_exercise
from grader.checks.call import CallOptions
from grader.checks.unanswered import is_nothing
from grader.model import (
    Batch,
    CheckResult,
    CheckScore,
    CodeError,
    CriterionScore,
    ExerciseReport,
    Failure,
    Opaque,
    Passage,
    Report,
    Status,
    Stop,
)
from grader.reference import Evaluation
from grader.reports import class_page, print_report, student_page
from grader.reports.items import items

MISSING = Failure("missing", "there is no variable 'area'")
REFERENCE = """
from grader import cases, function

@quantity
def area():
    return 6.0

@quantity
def sides():
    return {"short": "a", "long": "b", "none": "c"}

@function
def double(x):
    return 2 * x

@cases("double")
def inputs(rng):
    yield 1.0
    yield 2.0
"""


@pytest.mark.parametrize(
    "seen",
    [
        None,
        "",
        " \n",
        [],
        {},
        [None, ""],
        {"a": None, "b": ""},
        np.zeros((0, 3)),
        MISSING,
        Failure("missing", "no such file"),
        [{"value": None, "changed": False}],
        [{"raised": "NotImplementedError", "message": ""}, {"value": None, "changed": False}],
    ],
)
def test_what_starters_hold_is_nothing(seen: Any) -> None:
    assert is_nothing(plain(seen))


@pytest.mark.parametrize(
    "seen",
    [
        0,
        0.0,
        False,
        "a",
        [None, 0],
        {"a": None, "b": 0},
        np.zeros(3),
        np.float64(0),
        Opaque("Tensor"),
        Failure("not_run", "the run ended before"),
        Failure("raised", "no"),
        Failure("too_large"),
        Failure("missing", "there are 2 files of that name: a, b"),
        Failure("missing", "was not observed"),
        [{"value": None, "changed": True}],
        [{"raised": "TypeError", "message": ""}],
        [{"value": None, "changed": False}, {"value": 1.0, "changed": False}],
    ],
)
def test_anything_else_is_something(seen: Any) -> None:
    assert not is_nothing(plain(seen))


@pytest.mark.parametrize(
    ("value", "unanswered"), [(None, True), (MISSING, True), ([], True), (7.0, False), ("six", False), (6.0, False)]
)
def test_a_value(tmp_path: Path, value: Any, *, unanswered: bool) -> None:
    exercise = make_exercise(tmp_path, REFERENCE, "value: area")
    assert judge(exercise, {"area": value})["area"].unanswered is unanswered


def test_a_name_that_is_missing_because_the_file_failed_is_not_called_unanswered(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, REFERENCE, "value: area")
    run = run_with({"area": MISSING}, errors=(CodeError("line 3", "ValueError", "no", ""),))
    [result] = judge_exercise(exercise, Evaluation(exercise.reference, None), run)
    assert (result.status, result.unanswered) == (Status.FAILED, False)
    assert "A possible reason: line 3 raised ValueError" in result.message


@pytest.mark.parametrize(
    ("value", "unanswered"),
    [({"short": None, "long": None, "none": None}, True), ({"short": "a", "long": None, "none": None}, False)],
)
def test_a_choice(tmp_path: Path, value: Any, *, unanswered: bool) -> None:
    exercise = make_exercise(tmp_path, REFERENCE, "choice: sides")
    assert judge(exercise, {"sides": value})["sides"].unanswered is unanswered


@pytest.mark.parametrize(
    ("outcome", "unanswered"),
    [
        ({"value": None, "changed": False}, True),
        ({"raised": "NotImplementedError", "message": "write me"}, True),
        ({"raised": "TypeError", "message": "write me"}, False),
        ({"value": 1.5, "changed": False}, False),
    ],
)
def test_a_function(tmp_path: Path, outcome: Any, *, unanswered: bool) -> None:
    exercise = make_exercise(tmp_path, REFERENCE, "call: double")
    [check] = exercise.rubric.checks
    assert isinstance(check.options, CallOptions)
    [probe] = check.kind.probes(check.options, Evaluation(exercise.reference, None))
    assert judge_seen(exercise, {probe: [outcome, outcome]})["double"].unanswered is unanswered


def report(name: str, *, unanswered: bool) -> Report:
    result = CheckResult("z", "value", Status.FAILED, 0.0, "`z` is still None.", unanswered=unanswered)
    score = CheckScore(result, 0.0, 1.0, "z", Passage("Task", "Calculate z."))
    criterion = CriterionScore("all", "All", 0.0, 1.0, False, (score,))
    exercise = ExerciseReport("e", "E", 0.0, 1.0, False, (criterion,), Stop.FINISHED, "ns", file="e.py")
    return Report(name, (name,), "s", "S", 0.0, 1.0, False, Stop.FINISHED, "ns", (exercise,))


def printed(one: Report) -> str:
    console = Console(file=io.StringIO(), width=80)
    print_report(console, one)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_terminal_says_it_without_the_task() -> None:
    said = printed(report("a", unanswered=True))
    assert "z  No answer" in said
    assert "`z` is still None." in said
    assert "Asked" not in said
    assert "Calculate z." not in said
    assert "Calculate z." in printed(report("a", unanswered=False))


def test_the_page_that_is_handed_out_says_what_was_asked() -> None:
    page = student_page(report("a", unanswered=True))
    assert '<span class="word">No answer</span>' in page
    assert "Calculate z." in page


def test_the_class_page_says_how_many_gave_no_answer() -> None:
    batch = Batch("s", "S", tuple(report(str(number), unanswered=number == 0) for number in range(4)))
    assert {item.kind: item.unanswered for item in items(batch)} == {"check": 0.25, "criterion": None}
    assert '<td class="num">25\u00a0%</td>' in class_page(batch, {})
