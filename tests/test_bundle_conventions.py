"""Answers that may be right in several ways, in a bundle: what follows from the other way is never called a mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from judging_helpers import course_files, judge, rubric, write

from grader.checks import KINDS
from grader.course import Exercise, load_course
from grader.model import CheckResult, Status
from grader.release import make_bundle, write_folder

REFERENCE = """
@given
def x():
    return np.array([[11.25, 2.5, 7.75], [3.5, 19.25, 5.125]])

@quantity
def order():
    return "rows"

@quantity
def columns():
    return "columns"

@quantity
def flat(x, order):
    return x.ravel(order="C" if order == "rows" else "F")

@quantity
def doubled(flat):
    return 2 * flat

@misconception("flat", "Those are the columns.", also_loses=["doubled"])
def columns_unsaid(x):
    return x.ravel(order="F")

@misconception("doubled", "That is half.")
def halved(flat):
    return flat / 2
"""
ROWS = [11.25, 2.5, 7.75, 3.5, 19.25, 5.125]
COLUMNS = [11.25, 3.5, 2.5, 19.25, 7.75, 5.125]
CANNOT_TELL = "Cannot tell yet, because of `order`: `flat` may follow from that."


@pytest.fixture(params=["sealed", "properties"])
def home(tmp_path: Path, request: pytest.FixtureRequest) -> Exercise:
    checks = f"value: order, accept: [columns], self_check: {request.param}", "value: flat", "value: doubled"
    course = load_course(write(tmp_path / "course", course_files(REFERENCE, rubric(*checks))), KINDS)
    write_folder(make_bundle(course, course.assignments["sheet"], "").files, tmp_path / "bundle")
    (exercise,) = load_course(tmp_path / "bundle", KINDS).exercises()
    return exercise


def judged(home: Exercise, **answers: Any) -> dict[str, CheckResult]:
    return judge(home, answers)


def is_sealed(home: Exercise) -> bool:
    return bool(home.rubric.checks[0].points)


def test_what_follows_from_the_other_way_is_not_called_a_mistake(home: Exercise) -> None:
    twice = [2 * one for one in COLUMNS]
    results = judged(home, order="columns", flat=COLUMNS, doubled=twice)
    assert results["order"].status is (Status.PASSED if is_sealed(home) else Status.SKIPPED)
    assert (results["flat"].status, results["flat"].message) == (Status.SKIPPED, CANNOT_TELL)
    assert (results["doubled"].status, results["doubled"].misconception) == (Status.SKIPPED, None)


def test_what_is_right_in_the_usual_way_is_right(home: Exercise) -> None:
    results = judged(home, order="rows", flat=ROWS, doubled=[2 * one for one in ROWS])
    assert {results["flat"].status, results["doubled"].status} == {Status.PASSED}


def test_the_mistake_is_named_where_the_usual_way_is_known_to_be_meant(home: Exercise) -> None:
    result = judged(home, order="rows", flat=COLUMNS)["flat"]
    if is_sealed(home):
        assert (result.status, result.misconception) == (Status.FAILED, "columns_unsaid")
    else:
        assert (result.status, result.message) == (Status.SKIPPED, CANNOT_TELL)


def test_the_mistake_is_named_where_nothing_was_said(home: Exercise) -> None:
    result = judged(home, order=None, flat=COLUMNS)["flat"]
    assert (result.misconception, result.message) == ("columns_unsaid", "Those are the columns.")
