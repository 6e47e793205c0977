"""`grade check --format`: what is not right, with its place, for editors and code scanning."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from course_helpers import PERIMETER, RIGHT, FakeEngine, hand_in, make_course

from grader import __version__
from grader.cli import run
from grader.errors import ExitCode, Problem
from grader.model import CheckResult, CheckScore, CodeError, CriterionScore, ExerciseReport, Report, Status, Stop
from grader.reports.remarks import Place, Remark, remarks, sarif

Captured = pytest.CaptureFixture[str]
PERIMETER_WORDS = "That is the perimeter: the area is the product of the sides."


@pytest.fixture
def anna(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a student's folder, with a course above it, and stand in it."""
    monkeypatch.setattr("grader.cli.settings.LocalPool", lambda *_: FakeEngine())
    make_course(tmp_path)
    (tmp_path / "anna").mkdir()
    monkeypatch.chdir(tmp_path / "anna")
    return tmp_path / "anna"


def notebook(*cells: str) -> str:
    made: list[dict[str, object]] = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": cell, "outputs": [], "execution_count": None}
        for n, cell in enumerate(cells)
    ]
    text = {"cell_type": "markdown", "id": "m", "metadata": {}, "source": "# area = 1"}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [text, *made]})


def test_lines_name_the_file_from_here_and_where_the_name_is_bound(anna: Path, capsys: Captured) -> None:
    hand_in(anna, {"rectangles.py": PERIMETER})
    assert run(["check", "rectangles.py", "--format", "lines"]) == ExitCode.FAILED
    assert capsys.readouterr().out == f"rectangles.py:1: area: Not right. {PERIMETER_WORDS}\n"


def test_right_work_has_no_lines(anna: Path, capsys: Captured) -> None:
    hand_in(anna, {"rectangles.py": RIGHT})
    assert run(["check", str(anna / "rectangles.py"), "--format", "lines"]) == ExitCode.PASSED
    assert capsys.readouterr().out == ""


def test_sarif_has_what_the_standard_requires(anna: Path, capsys: Captured) -> None:
    hand_in(anna, {"my work/rectangles.py": PERIMETER})
    assert run(["check", "my work/rectangles.py", "--format", "sarif"]) == ExitCode.FAILED
    log = json.loads(capsys.readouterr().out)
    assert (log["version"], log["$schema"].endswith("sarif-2.1.0.json")) == ("2.1.0", True)
    [one] = log["runs"]
    rule = {"id": "rectangles/area"}
    assert one["tool"] == {"driver": {"name": "grade", "version": __version__, "rules": [rule]}}
    assert one["results"] == [
        {
            "ruleId": "rectangles/area",
            "ruleIndex": 0,
            "level": "error",
            "message": {"text": f"area: Not right. {PERIMETER_WORDS}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "my%20work/rectangles.py"},
                        "region": {"startLine": 1},
                    }
                }
            ],
        }
    ]


def test_watching_prints_text(anna: Path, capsys: Captured) -> None:
    assert run(["check", "--watch", "--format", "lines"]) == ExitCode.USAGE
    assert "--watch prints text, and only what has changed; leave out --format or --watch" in capsys.readouterr().err


# Places


def report(file: str, *checks: CheckResult, errors: tuple[CodeError, ...] = ()) -> Report:
    scores = tuple(CheckScore(check, check.fraction, 1.0) for check in checks)
    criterion = CriterionScore("c", "C", 0.0, 1.0, pending=False, checks=scores)
    part = ExerciseReport("ex", "Ex", 0, 1, False, (criterion,), Stop.FINISHED, "ns", file, errors=errors)
    problems = (Problem("anna/x", "is odd"),)
    return Report("anna", ("anna",), "s", "S", 0, 1, False, Stop.FINISHED, "ns", (part,), problems=problems)


def wrong(name: str, status: Status = Status.FAILED) -> CheckResult:
    return CheckResult(name, "value", status, 0.0, "Look\nagain.\x1b[31m")


def test_places_in_a_notebook_are_cells_and_lines_as_in_error_messages(tmp_path: Path) -> None:
    path = tmp_path / "ex.ipynb"
    path.write_text(notebook("!pip install x\na = 1", " ", "b, c = 1, 2\nif a == b: d = 1\ndef f(c=3): ...", "c = 5"))
    trace = "Traceback\nCell In[3], line 2\n 1 x\n\nFile x.py, line 9"
    errors = (CodeError("cell 3", "ValueError", "no", trace), CodeError("cell 1", "KeyError", ""))
    checks = [wrong(name) for name in ("a", "b", "c", "d", "f", "gone")]
    found = remarks(report("ex.ipynb", *checks, errors=errors), {"ex.ipynb": path}, {"ex": {"d": "d.weight"}})
    places = [(one.place.cell, one.place.line) for one in found]
    assert places == [(3, 2), (1, 1), (1, 2), (2, 1), (3, 1), (2, 2), (2, 3), (1, 1), (None, 1)]
    assert str(found[0]) == f"{path}:cell 3:2: cell 3 raised ValueError: no"
    assert str(found[2]) == f"{path}:cell 1:2: a: Not right. Look again."
    assert found[-1] == Remark(tmp_path, Place(), "error", "problem", "anna/x: is odd")


def test_what_is_not_judged_is_a_note_and_a_part_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "ex.py"
    path.write_text("b = (\na = 2", encoding="utf-8")
    part = CheckResult("a", "value", Status.PARTIAL, 0.5)
    errors = (CodeError("line 2", "SyntaxError", "bad"), CodeError("somewhere", "E", ""))
    found = remarks(report("ex.py", part, wrong("b", Status.ERROR), errors=errors), {"ex.py": path}, {})
    assert [(one.level, one.place.line) for one in found] == [
        ("error", 2),
        ("error", 1),
        ("warning", 2),
        ("note", 1),
        ("error", 1),
    ]


def test_a_file_that_cannot_be_read_any_more_has_its_first_line(tmp_path: Path) -> None:
    (tmp_path / "ex.ipynb").write_text("{", encoding="utf-8")
    for name in ("ex.ipynb", "gone.py"):
        found = remarks(report(name, wrong("a")), {name: tmp_path / name}, {})
        assert [one.place for one in found] == [Place(), Place()]
    nothing = remarks(report("", wrong("a")), {}, {})
    assert [str(one) for one in nothing] == ["anna:1: a: Not right. Look again.", ".:1: anna/x: is odd"]


def test_sarif_of_a_notebook_says_the_cell_in_words_and_of_another_folder_the_whole_path(tmp_path: Path) -> None:
    path = tmp_path / "a b.ipynb"
    found = [
        Remark(path, Place(2, 3), "note", "ex/a", "Hm."),
        Remark(Path("ex.py"), Place(), "error", "p", "No."),
    ]
    first, second = json.loads(sarif(found, "1"))["runs"][0]["results"]
    assert first["message"]["text"] == "Hm. (cell 3, line 2)"
    assert first["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": path.as_uri()}}}]
    assert (second["ruleId"], second["ruleIndex"]) == ("p", 1)


def test_junit_is_for_ci(anna: Path, capsys: Captured) -> None:
    hand_in(anna, {"my work/rectangles.py": PERIMETER})
    assert run(["check", "my work/rectangles.py", "--format", "junit"]) == ExitCode.FAILED
    root = ET.fromstring(capsys.readouterr().out)  # noqa: S314 - written by us
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("2", "1", "0")
    [failed] = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
    assert failed == "area"
