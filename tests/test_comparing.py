"""Who moved between two gradings, wherever these are written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from course_helpers import PERIMETER, RIGHT, FakeEngine, hand_in, make_course

from grader.cli import run
from grader.errors import ExitCode

Captured = pytest.CaptureFixture[str]
BATCH = ["batch", "all", "--assignment", "sheet1", "--isolation", "selfcheck"]


@pytest.fixture
def graded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a course whose class was graded twice: bela has learned something since, and eve has come."""
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr("grader.cli.settings.LocalPool", lambda *_: FakeEngine())
    make_course(tmp_path / "course")
    monkeypatch.chdir(tmp_path / "course")
    hand_in(Path("all"), {"anna/rectangles.py": RIGHT, "bela/rectangles.py": PERIMETER})
    assert run([*BATCH, "--json", "old.json"]) == 0
    hand_in(Path("all"), {"bela/rectangles.py": RIGHT, "eve/rectangles.py": "area = 13.5\n"})
    assert run([*BATCH, "--json", "new.json"]) == 0
    return tmp_path / "course"


LINES = [
    "2 of 3 submissions moved: 1 up, 0 down, 0 with the same points.",
    "bela: 1 of 3 → 3 of 3",
    "  rectangles area: 0 (failed, perimeter) → 2 (passed)",
    "  rectangles double_area: 1 (passed, follow-through) → 1 (passed)",
    "eve: not there → 2 of 3",
]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("old.json", "new.json"), ("grades@1", "grades"), ("grades@-2", "grades@2"),
        ("grades/grade.sqlite@1", "new.json"),
    ],
)  # fmt: skip
def test_diff_says_who_moved_by_check(graded: Path, capsys: Captured, old: str, new: str) -> None:
    capsys.readouterr()
    assert run(["diff", old, new, "--json", "deep/moved.json"]) == ExitCode.FAILED
    assert capsys.readouterr().out.splitlines() == LINES
    moved = json.loads(Path("deep/moved.json").read_text(encoding="utf-8"))["moved"]
    assert [(one["id"], one["before"] and one["before"]["points"], one["after"]["points"]) for one in moved] == [
        ("bela", 1.0, 3.0), ("eve", None, 2.0),
    ]  # fmt: skip
    assert [one["check"] for one in moved[0]["checks"]] == ["area", "double_area"]


def test_diff_of_the_same_is_clean(graded: Path, capsys: Captured) -> None:
    capsys.readouterr()
    assert run(["diff", "grades", "grades/results.json", "--assignment", "sheet1"]) == ExitCode.PASSED
    assert capsys.readouterr().out == "0 of 3 submissions moved.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none", "grades"], "none: does not exist; name a results.json, a gradebook or the folder that holds one"),
        (["grades@3", "grades"], "grade.sqlite: holds no grading 3; it has 2, counted from 1"),
        (["grades@0", "grades"], "grade.sqlite: holds no grading 0; it has 2, counted from 1"),
        (["broken.json", "grades"], "broken.json: is not the results.json that `grade batch` writes; name that file"),
        (["grades", "grades", "--assignment", "x"], "which assignment? It has: sheet1; name one with --assignment"),
    ],
)
def test_what_diff_cannot_compare_is_said(graded: Path, capsys: Captured, arguments: list[str], message: str) -> None:
    Path("broken.json").write_text('{"submissions": [{}]}', encoding="utf-8")
    assert run(["diff", *arguments]) == ExitCode.USAGE
    assert message in capsys.readouterr().err
