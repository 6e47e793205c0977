"""Hints of a self-check: one more after so many failed attempts, counted beside the hand-in."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from course_helpers import MACHINE, PERIMETER, RIGHT, FakeEngine, hand_in, make_course

from grader.checks import KINDS
from grader.cli import run
from grader.cli.asked import Asked
from grader.cli.hinting import STATE_FILE, check_with_hints
from grader.course import load_course
from grader.errors import CourseError
from grader.importers import read_folder
from grader.pipeline import Workplace, grade
from grader.store import Memory

Captured = pytest.CaptureFixture[str]
HINTS = 'hints: ["Which formula is it?", "Multiply."], after: 2'


class Desk:
    """A student's folder below a course whose check `area` has two hints, each after two failed attempts."""

    def __init__(self, root: Path) -> None:
        make_course(root / "course")
        rubric = root / "course/rubrics/sheet1/rectangles.yaml"
        text = rubric.read_text(encoding="utf-8").replace(
            "{value: area, points: 2,", f"{{value: area, points: 2, {HINTS},"
        )
        rubric.write_text(text, encoding="utf-8")
        self.root, self.folder = root, root / "anna"

    def attempt(self, source: str) -> str:
        """Return the message of the check `area`."""
        hand_in(self.folder, {"rectangles.py": source})
        asked = Asked(self.root / "course", self.folder / "rectangles.py")
        checked, problem = check_with_hints(asked, Workplace(FakeEngine(), "ns", MACHINE, Memory()))
        assert problem == ""
        return checked.batch.reports[0].exercises[0].criteria[0].checks[0].result.message

    def kept(self) -> Any:
        return json.loads((self.folder / STATE_FILE).read_text(encoding="utf-8"))["checks"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def hints(message: str) -> list[str]:
    return [part for part in message.split("\n\n") if part.startswith("Hint: ")]


def test_each_hint_comes_after_as_many_failed_attempts(desk: Desk) -> None:
    found = [len(hints(desk.attempt(f"area = {number}.0\n"))) for number in range(5)]
    assert found == [0, 1, 1, 2, 2]
    assert hints(desk.attempt("area = 9.0\n")) == ["Hint: Which formula is it?", "Hint: Multiply."]
    assert [one["failures"] for one in desk.kept().values()] == [6, 6]
    assert list(desk.kept()) == ["sheet1/rectangles/area", "sheet1/rectangles/double_area"]


def test_the_same_file_again_is_no_attempt_and_a_right_answer_begins_anew(desk: Desk) -> None:
    assert [len(hints(desk.attempt(PERIMETER))) for _ in range(4)] == [0, 0, 0, 0]
    assert len(hints(desk.attempt("area = 1.0\n"))) == 1
    assert hints(desk.attempt(RIGHT)) == []
    assert desk.kept() == {}
    assert hints(desk.attempt("area = 2.0\n")) == []


def test_what_is_not_answered_is_no_attempt(desk: Desk) -> None:
    said = [hints(desk.attempt(f"area = None  # {number}\n")) for number in range(4)]
    assert said == [[], [], [], []]
    assert hints(desk.attempt("area = 1.0\n")) == []
    assert hints(desk.attempt("area = None\n")) == []
    assert len(hints(desk.attempt("area = 2.0\n"))) == 1


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"checks": {"sheet1/rectangles/area": 3}}', '{"checks": {"a": {"failures": "x"}}}']
)
def test_a_count_that_was_edited_into_something_else_begins_anew(desk: Desk, text: str) -> None:
    desk.attempt("area = 1.0\n")
    (desk.folder / STATE_FILE).write_text(text, encoding="utf-8")
    assert hints(desk.attempt("area = 2.0\n")) == []
    assert desk.kept()["sheet1/rectangles/area"]["failures"] == 1


def test_where_nothing_can_be_written_the_check_says_so_and_goes_on(
    desk: Desk, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.cli.settings.LocalPool", lambda *_: FakeEngine())
    monkeypatch.setenv("COLUMNS", "300")
    hand_in(desk.folder, {"rectangles.py": PERIMETER, ".grade": "a file, not a folder"})
    assert run(["check", str(desk.folder / "rectangles.py"), "--course", str(desk.root / "course")]) == 1
    said = capsys.readouterr().out
    assert f"{desk.folder / STATE_FILE}: attempts cannot be counted here (" in said
    assert "so that no hints will come" in said
    assert "That is the perimeter" in said


def test_without_hints_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.cli.settings.LocalPool", lambda *_: FakeEngine())
    make_course(tmp_path / "course")
    hand_in(tmp_path / "anna", {"rectangles.py": PERIMETER})
    assert run(["check", str(tmp_path / "anna"), "--course", str(tmp_path / "course")]) == 1
    assert os.listdir(tmp_path / "anna") == ["rectangles.py"]  # noqa: PTH208 - hidden ones, too


def test_a_batch_shows_no_hints_and_takes_no_notice_of_the_count(desk: Desk) -> None:
    for number in range(3):
        desk.attempt(f"area = {number}.0\n")
    course = load_course(desk.root / "course", KINDS)
    hand_ins = hand_in(desk.root / "all", {"anna/rectangles.py": "area = 9.0\n", f"anna/{STATE_FILE}": "{}"})
    [submission] = read_folder(hand_ins, "sheet1").submissions
    assert [file.name for file in submission.files] == ["rectangles.py"]
    place = Workplace(FakeEngine(), "ns", MACHINE, Memory())
    [report] = grade(course, course.assignment("sheet1"), [submission], place).reports
    assert hints(report.exercises[0].criteria[0].checks[0].result.message) == []


def test_hints_that_cannot_be_are_told_with_their_place(desk: Desk) -> None:
    rubric = desk.root / "course/rubrics/sheet1/rectangles.yaml"
    rubric.write_text(rubric.read_text(encoding="utf-8").replace("after: 2", "after: 0"), encoding="utf-8")
    with pytest.raises(CourseError, match=r"checks\[0\]\.after: should be greater than or equal to 1, found 0"):
        load_course(desk.root / "course", KINDS)
