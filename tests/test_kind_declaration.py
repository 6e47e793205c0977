"""The kind ``declaration``: willingness to present, worth something only with a solution."""

from __future__ import annotations

from pathlib import Path

import pytest
from judging_helpers import judge_seen, make_exercise

from grader.checks import Context, Standing
from grader.model import CheckResult, Probe, Status

FILE = Probe("file", "group.yaml")
FULL = Standing(True, 15.0, 15.0, False)
NOT_DECLARED = "Not declared under `willing` in `group.yaml`"


def judged(tmp_path: Path, content: bytes | None, standing: Standing | None = FULL, more: str = "") -> CheckResult:
    exercise = make_exercise(tmp_path, "", f"declaration: gradients, file: group.yaml, aliases: ['3.1']{more}")
    context = Context(others=None if standing is None else {"gradients": standing})
    (result,) = judge_seen(exercise, {} if content is None else {FILE: content}, context).values()
    return result


@pytest.mark.parametrize(
    "content",
    [
        b"willing: [gradients]",
        b"willing: gradients",
        b"willing: [3.1]",
        b"willing: {gradients: yes}",
        b"willing: {3.1: Ja}",
    ],
)
def test_declared_and_handed_in(tmp_path: Path, content: bytes) -> None:
    result = judged(tmp_path, content)
    assert (result.status, result.message) == (Status.PASSED, "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"willing: []", f"{NOT_DECLARED}."),
        (b"willing:", f"{NOT_DECLARED}."),
        (b"willing: {gradients: no}", f"{NOT_DECLARED}."),
        (b"willing: [gradient]", f"{NOT_DECLARED} (`gradient` is not one of its names)."),
        (b"people: [a]", f"{NOT_DECLARED}."),
        (None, "`group.yaml`: was not observed."),
    ],
)
def test_not_declared_earns_nothing_and_promises_nothing(tmp_path: Path, content: bytes | None, message: str) -> None:
    result = judged(tmp_path, content)
    assert (result.status, result.fraction, result.message) == (Status.FAILED, 0.0, message)


def test_declared_but_not_handed_in(tmp_path: Path) -> None:
    result = judged(tmp_path, b"willing: [gradients]", Standing(False, 0.0, 15.0, False))
    assert (result.fraction, result.message) == (
        0.0,
        "Declared, but no solution of this exercise was handed in.",
    )


def test_nominal_points_do_not_depend_on_what_was_earned(tmp_path: Path) -> None:
    assert judged(tmp_path, b"willing: [gradients]", Standing(True, 9.0, 15.0, True)).fraction == 1.0


def test_earned_points(tmp_path: Path) -> None:
    result = judged(tmp_path, b"willing: [gradients]", Standing(True, 9.0, 15.0, False), ", basis: earned")
    assert result.fraction == pytest.approx(0.6)
    assert result.message == "Counts by the share that the exercise earned: 9 of 15 points."
    assert judged(tmp_path, b"willing: [gradients]", Standing(True, 9.0, 15.0, True), ", basis: earned").owed


def test_without_the_exercise_nothing_is_decided(tmp_path: Path) -> None:
    result = judged(tmp_path, b"willing: [gradients]", None)
    assert result.status is Status.ERROR
    assert result.message == "It counts with the exercise itself, which was not graded in the same go."


@pytest.mark.parametrize(
    ("standing", "status", "message"),
    [
        (None, Status.PASSED, "Declared. It counts if a solution of it is handed in as well."),
        (Standing(False, 0.0, 15.0, False), Status.FAILED, "Declared, but no solution of this exercise was handed in."),
        (FULL, Status.PASSED, ""),
    ],
)
def test_alone_it_is_judged_by_itself_unless_the_exercise_is_there(
    tmp_path: Path, standing: Standing | None, status: Status, message: str
) -> None:
    result = judged(tmp_path, b"willing: [gradients]", standing, ", alone: true")
    assert (result.status, result.message) == (status, message)
