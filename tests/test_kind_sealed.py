"""The kind ``sealed``: what students are told at home, of answers that are not at hand."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from judging_helpers import course_files, judge, rubric, write

from grader.checks import KINDS
from grader.checks.comparing import EXACT, Tolerance
from grader.checks.sealing import code, seal, sketch
from grader.course import Exercise, load_course
from grader.errors import CourseError
from grader.model import CheckResult, Status

SALT = b"0123456789abcdef"
ROUNDED = "`z` is rounded: to have it checked here, write all digits. It may well be right."
IN_FLOPS = "`z` is in FLOPs, of which a MAC is two (FLOPs are 2 \u00d7 MACs); asked are MACs."
STUBS = """
@quantity
def z():
    raise NotImplementedError

@quantity
def h(z):
    raise NotImplementedError

@quantity
def y(h):
    raise NotImplementedError
"""


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def check(name: str, value: Any, tolerance: Tolerance = EXACT, **more: Any) -> str:
    """Return the check of a rubric that seals ``value``, with minus that value as a known mistake."""
    true = value if isinstance(value, str) else np.asarray(value)
    plan = sketch(true, tolerance, SALT)
    messages: dict[bytes, Mapping[str, Any]] = {code(plan, true): {"fraction": 1.0}}
    if not isinstance(true, str):
        told = {"fraction": 0.25, "misconception": "minus", "message": f"The sign of {name}."}
        messages[code(plan, -true)] = told
    options = {"salt": in_base64(SALT), "shifts": in_base64(plan.shifts), "work": 4}
    options |= {"seals": [in_base64(one) for one in seal(messages, SALT, 4)]}
    options |= {"atol": tolerance.atol, "rtol": tolerance.rtol, **more}
    if not isinstance(true, str):
        options |= {"shape": list(true.shape), "number": "int" if true.dtype.kind == "i" else "float"}
    return f"sealed: {name}, " + ", ".join(f"{key}: {one!r}" for key, one in options.items())


def exercise(root: Path, *checks: str) -> Exercise:
    (found,) = load_course(write(root, course_files(STUBS, rubric(*checks))), KINDS).exercises()
    return found


def form(name: str) -> str:
    return f"sealed: {name}, number: float, shape: [2]"


@pytest.fixture
def chain(tmp_path: Path) -> Exercise:
    tolerance = Tolerance(0.01, 0.005)
    checks = check("y", 0.25, tolerance), check("h", [2.5, 0.0], tolerance), check("z", [2.5, -4.0], tolerance)
    return exercise(tmp_path, *checks)


def told(result: CheckResult) -> tuple[Status, str]:
    return result.status, result.message


def test_right_answers_pass(chain: Exercise) -> None:
    results = judge(chain, {"z": np.array([2.5, -4.0]), "h": [2.509, 0.002], "y": np.array([[0.25]])})
    assert {result.status for result in results.values()} == {Status.PASSED}
    assert [result.kind for result in results.values()] == ["sealed"] * 3


def test_a_known_mistake_is_named_and_earns_what_the_rubric_said(chain: Exercise) -> None:
    result = judge(chain, {"z": [-2.5, 4.0]})["z"]
    assert told(result) == (Status.PARTIAL, "The sign of z.")
    assert (result.fraction, result.misconception) == (0.25, "minus")


def test_a_wrong_answer_is_not_right(chain: Exercise) -> None:
    assert told(judge(chain, {"z": [2.5, 4.0]})["z"]) == (Status.FAILED, "`z` is not right.")


def test_what_may_follow_from_a_wrong_answer_cannot_be_told_yet(chain: Exercise) -> None:
    results = judge(chain, {"z": [1.0, 4.0], "h": [1.0, 4.0], "y": 3.0})
    assert told(results["z"]) == (Status.FAILED, "`z` is not right.")
    assert told(results["h"]) == (Status.SKIPPED, "Cannot tell yet, because of `z`: `h` may follow from that.")
    assert told(results["y"]) == (Status.SKIPPED, "Cannot tell yet, because of `h`: `y` may follow from that.")


def test_an_absent_answer_is_looked_through(chain: Exercise) -> None:
    results = judge(chain, {"z": [1.0, 4.0], "h": None, "y": 3.0})
    assert told(results["y"]) == (Status.SKIPPED, "Cannot tell yet, because of `z`: `y` may follow from that.")
    right_above = judge(chain, {"z": [2.5, -4.0], "h": None, "y": 3.0})
    assert told(right_above["y"]) == (Status.FAILED, "`y` is not right.")


def test_a_right_answer_is_right_whatever_is_above_it(chain: Exercise) -> None:
    assert judge(chain, {"z": [1.0, 4.0], "h": [2.5, 0.0]})["h"].status is Status.PASSED


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1.0, 2.0, 3.0], "`z` has shape (3,); expected an array of shape (2,)."),
        ([1.0, np.nan], "`z` is not finite: 1 NaN of 2, the first at index [1]."),
        ("two", "`z` should be a number or an array of numbers, but is text."),
        (None, "`z` is still None: not answered yet."),
    ],
)
def test_the_form_is_judged_first(chain: Exercise, value: Any, message: str) -> None:
    assert told(judge(chain, {"z": value})["z"]) == (Status.FAILED, message)


def test_a_missing_name_is_told_with_a_possible_reason(chain: Exercise) -> None:
    assert told(judge(chain, {})["z"]) == (Status.FAILED, "`z` is not defined at the end of the run.")


def test_without_seals_the_form_alone_is_judged(tmp_path: Path) -> None:
    found = exercise(tmp_path, form("z"), check("h", [2.5, 0.0], Tolerance(0.01, 0)))
    results = judge(found, {"z": [7.0, 8.0], "h": [1.0, 1.0]})
    message = "`z` has the right form. Whether it is right is told after it was handed in."
    assert told(results["z"]) == (Status.SKIPPED, message)
    # Its value is not known to be right, so what follows from it may be right.
    assert told(results["h"]) == (Status.SKIPPED, "Cannot tell yet, because of `z`: `h` may follow from that.")
    assert judge(found, {"z": [7.0]})["z"].status is Status.FAILED


def test_an_answer_above_that_is_not_in_the_bundle_is_looked_at(tmp_path: Path) -> None:
    found = exercise(tmp_path, check("h", [2.5, 0.0], Tolerance(0.01, 0)))
    results = judge(found, {"z": [7.0, 8.0], "h": [1.0, 1.0]})
    assert told(results["h"]) == (Status.SKIPPED, "Cannot tell yet, because of `z`: `h` may follow from that.")
    assert told(judge(found, {"h": [1.0, 1.0]})["h"]) == (Status.FAILED, "`h` is not right.")


def test_text_and_whole_numbers_are_exact(tmp_path: Path) -> None:
    found = exercise(tmp_path, check("z", "dense layer"), check("h", 18432))
    right = judge(found, {"z": "dense  layer", "h": 18432.0})
    assert {result.status for result in right.values()} == {Status.PASSED}
    wrong = judge(found, {"z": "sparse layer", "h": 18433})
    assert wrong["z"].status is Status.FAILED
    assert judge(found, {"h": 18432.5})["h"].status is Status.FAILED


@pytest.mark.parametrize(
    ("text", "status", "message"),
    [
        ("17,367,680 MAC", Status.PASSED, ""),
        ("17367680", Status.PASSED, ""),
        ("17.4 MMAC", Status.SKIPPED, ROUNDED),
        ("17.36768 MMAC", Status.SKIPPED, ROUNDED),
        ("34.7 MFLOP", Status.FAILED, IN_FLOPS),
        ("17367681 MAC", Status.FAILED, "`z` is not right."),
        ("many", Status.FAILED, None),
    ],
)
def test_text_with_a_unit_has_to_be_exact(tmp_path: Path, text: str, status: Status, message: str | None) -> None:
    result = judge(exercise(tmp_path, check("z", 17367680, unit="MAC")), {"z": text})["z"]
    assert result.status is status
    assert message is None or result.message == message


def test_a_given_that_was_changed_is_said(tmp_path: Path) -> None:
    stubs = "@given\ndef x():\n    return np.array([1.0, 2.0])\n" + STUBS
    files = course_files(stubs, rubric(check("z", 1.0, Tolerance(0.1, 0))))
    (found,) = load_course(write(tmp_path, files), KINDS).exercises()
    message = "`z` is not right.\nOf what is given, `x` is not as it was handed out."
    assert judge(found, {"x": np.array([1.0, 3.0]), "z": 3.0})["z"].message == message
    assert judge(found, {"x": np.array([1.0, 2.0]), "z": 3.0})["z"].message == "`z` is not right."
    assert judge(found, {"z": 3.0})["z"].message == "`z` is not right."


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("sealed: zz, number: float", "sealed: `zz` is no quantity of "),
        ("sealed: z, number: float, shape: [2], shifts: AAAA", "shifts: are for 3 numbers, but the shape [2] has 2"),
        ("sealed: z, salt: ä", "is not in base64 (string argument should contain only ASCII characters)"),
        ("sealed: z, seals: [A]", "download the bundle again"),
    ],
)
def test_a_broken_check_is_refused(tmp_path: Path, options: str, message: str) -> None:
    with pytest.raises(CourseError) as caught:
        exercise(tmp_path, options)
    assert message in str(caught.value)
