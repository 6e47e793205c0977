"""Weighing: results become points, and what is owed becomes pending."""

from __future__ import annotations

from pathlib import Path

import pytest
from judging_helpers import course_files, write

from grader.checks import KINDS
from grader.course import Rubric, load_course
from grader.model import CheckResult, Status
from grader.rubric import weigh

REFERENCE = "".join(f"\n@quantity\ndef {name}(): return 1.0\n" for name in "abcd")
RUBRIC = """title: R
criteria:
- id: first
  title: First part
  points: 1
  checks:
  - {value: a, points: 0.1}
  - {value: b, points: 0.2}
  - {value: c, points: 0.7}
- title: Second part
  points: 3
  checks: [{value: d, points: 3}]
"""


@pytest.fixture
def rubric(tmp_path: Path) -> Rubric:
    (exercise,) = load_course(write(tmp_path, course_files(REFERENCE, RUBRIC)), KINDS).exercises()
    return exercise.rubric


def results(**fractions: float | None) -> list[CheckResult]:
    """Return results by check; None is one that is owed."""
    found = []
    for name, fraction in reversed(fractions.items()):
        status = {None: Status.ERROR, 0.0: Status.FAILED, 1.0: Status.PASSED}.get(fraction, Status.PARTIAL)
        found.append(CheckResult(name, "value", status, fraction or 0.0))
    return found


def test_points_are_those_of_the_checks(rubric: Rubric) -> None:
    first, second = weigh(rubric, results(a=1.0, b=1.0, c=0.0, d=0.5))
    assert (first.id, first.title, first.points, first.max_points, first.pending) == (
        "first",
        "First part",
        0.3,
        1.0,
        False,
    )
    assert (second.id, second.points, second.max_points, second.pending) == ("second_part", 1.5, 3.0, False)
    assert [(one.result.id, one.points, one.max_points) for one in first.checks] == [
        ("a", 0.1, 0.1),
        ("b", 0.2, 0.2),
        ("c", 0.0, 0.7),
    ]


def test_everything_right_earns_everything(rubric: Rubric) -> None:
    scores = weigh(rubric, results(a=1.0, b=1.0, c=1.0, d=1.0))
    assert [one.points for one in scores] == [1.0, 3.0]
    assert sum(one.points for one in scores) == rubric.points == 4.0


def test_thirds_are_rounded_to_a_millionth(rubric: Rubric) -> None:
    first, second = weigh(rubric, results(a=1 / 3, b=0.0, c=0.0, d=1 / 3))
    assert (first.points, second.points) == (0.033333, 1.0)


def test_what_is_owed_is_pending_and_the_rest_counts(rubric: Rubric) -> None:
    first, second = weigh(rubric, results(a=1.0, b=None, c=1.0, d=1.0))
    assert (first.points, first.pending) == (0.8, True)
    assert (second.points, second.pending) == (3.0, False)


def test_a_check_without_result_is_our_mistake(rubric: Rubric) -> None:
    with pytest.raises(KeyError, match="'b'"):
        weigh(rubric, results(a=1.0, c=1.0, d=1.0))
