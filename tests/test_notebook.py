"""Checking from inside a notebook: on its live state, judged elsewhere, and in a fresh run of the saved file."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from course_helpers import RIGHT, hand_in, make_course
from judging_helpers import course_files, rubric, write

import grader
from grader.checks import KINDS
from grader.course import load_course
from grader.errors import UsageError
from grader.model import Array, Failure, Observation, Probe, Status
from grader.notebook import Shown, check, judge, magic
from grader.pipeline.live import Live
from grader.reports.pages import live_fragment
from grader.sandbox.inside import encode, frames

Captured = pytest.CaptureFixture[str]
NAMES = {"area": 15.0, "double_area": 30.0}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a course with one exercise, and stand in it."""
    make_course(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    return tmp_path


def test_the_live_state_is_judged_in_another_process(root: Path) -> None:
    shown = check("rectangles", names=NAMES)
    assert (shown.points, shown.max_points) == (1.0, 3.0)
    assert "That is the perimeter: the area is the product of the sides." in repr(shown)
    assert repr(shown).endswith("a fresh run from top to bottom may differ. %grade --fresh runs the saved notebook.")
    assert "Live state: a fresh run" in str(shown._repr_html_())
    assert Shown("x")._repr_html_() is None


def test_the_facade_passes_on_and_does_nothing_in_a_run(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert grader.check("rectangles", names={"area": 13.5, "double_area": 27.0}).points == 3.0
    monkeypatch.setitem(sys.modules, "_grade_inside", sys)
    assert grader.check("rectangles") is None


def test_nothing_of_the_reference_enters_the_kernel(root: Path) -> None:
    """What the judging process sends before it knows anything are names, and afterwards verdicts without numbers."""
    told = io.StringIO()
    seen = {"area": 1.5, "double_area": 2}
    names = ("area", "double_area", "a", "b")
    frame = b"".join(frames.pack_raw(*encode.answer(dict(seen), name, "", 1000)) for name in names)
    judge.main([str(root), "rectangles", "", "anna"], io.BytesIO(frame), told)
    first, second = map(json.loads, told.getvalue().splitlines())
    assert first == {"names": ["area", "double_area", "a", "b"], "max_bytes": judge.MAX_BYTES}
    assert [one for one in ("13.5", "27") if one in second["text"] + second["html"]] == []
    code = "import sys, grader.notebook\nprint(sorted(n for n in sys.modules if n.startswith('grader.') and "
    code += "n.split('.')[1] in {'checks', 'course', 'pipeline', 'cli'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("broken", [b"", b"\0" * 12, frames.pack_raw(b'{"value": ["p", "x"]}'), frames.pack_raw(b"no")])
def test_what_is_no_plain_data_is_refused(root: Path, broken: bytes) -> None:
    told = io.StringIO()
    judge.main([str(root), "rectangles", "", "anna"], io.BytesIO(broken), told)
    answer = json.loads(told.getvalue().splitlines()[-1])
    assert list(answer) == ["error"]
    assert answer["error"] != ""


def test_an_exercise_is_known_by_its_name_or_by_the_notebooks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(names=NAMES).points == 1.0  # there is only one
    file = root / "course.yaml"
    (root / "exercises/sheet1/squares").mkdir()
    (root / "exercises/sheet1/squares/exercise.yaml").write_text("files: [squares.ipynb]\n", encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8").replace("[rectangles]", "[rectangles, squares]"), encoding="utf-8")
    assert check("sheet1/rectangles", names=NAMES).points == 1.0
    monkeypatch.setenv("JPY_SESSION_NAME", str(root / "rectangles.ipynb"))
    assert check(names=NAMES).points == 1.0
    monkeypatch.setenv("JPY_SESSION_NAME", "8f7a")
    with pytest.raises(UsageError, match=r"which exercise is meant\? Name it, .*; there are: sheet1/rec"):
        check(names=NAMES)
    with pytest.raises(UsageError, match=r"which exercise is 'square'\? Name it, .*; did you mean squares\?"):
        check("square", names=NAMES)


def test_a_judge_that_fails_says_why(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.notebook.sys.executable", str(root / "python"))
    (root / "python").write_text("#!/bin/sh\necho out of order >&2\n", encoding="utf-8")
    (root / "python").chmod(0o700)
    with pytest.raises(UsageError, match=r"^checking failed: out of order$"):
        check("rectangles", names=NAMES)


# The magic


def test_the_magic_says_what_it_takes(root: Path, capsys: Captured) -> None:
    assert magic("rectangles squares") is None
    assert magic("--frsh") is None
    words = "write `%grade`, `%grade EXERCISE` or `%grade EXERCISE --fresh`"
    assert capsys.readouterr().err.splitlines() == [f"%grade rectangles squares: {words}", f"%grade --frsh: {words}"]


def test_a_fresh_run_is_of_the_saved_notebook(root: Path, capsys: Captured) -> None:
    assert magic("rectangles --fresh") is None
    assert f"rectangles.ipynb: no such file in {root}; save it, or name the exercise" in capsys.readouterr().err
    cell: dict[str, object] = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": RIGHT,
    }
    text = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]})
    hand_in(root, {"rectangles.ipynb": text})
    shown = magic("rectangles --fresh")
    assert "Total: 3 of 3 points\nA fresh run of rectangles.ipynb, as it was saved last." in repr(shown)


def test_the_extension_gives_a_notebook_the_magic(root: Path) -> None:
    code = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("%load_ext grader")
shell.run_cell("area, double_area = 15.0, 27.0")
result = shell.run_cell("%grade rectangles")
print(result.result.points, "grader.checks" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.splitlines()[-1] == "1.0 False"


# What is judged


def live(root: Path, *checks: str) -> Live:
    reference = "from grader import cases, function\n@quantity\ndef area(): return 2.0\n"
    reference += "@function\ndef double(x): return 2 * x\n"
    reference += "@cases('double')\ndef numbers(rng):\n    yield (rng.normal(),)\n"
    course = load_course(write(root, course_files(reference, rubric(*checks))), KINDS)
    return Live(course, course.assignment("sheet"), course.assignment("sheet").exercise("ex"), "anna")


def test_what_has_to_be_run_waits_for_a_fresh_run_and_its_inputs_stay_here(tmp_path: Path) -> None:
    one = live(tmp_path, "value: area", "call: double", "source: double, forbids: [numpy], id: plain")
    assert one.names == ("area",)
    report = one.judge([Observation(Probe("value", "area"), 2.0)])
    results = [check.result for check in report.exercises[0].criteria[0].checks]
    assert [result.status for result in results] == [Status.PASSED, Status.SKIPPED, Status.SKIPPED]
    assert results[1].message == "This can only be told from a fresh run: save the notebook, then `%grade --fresh`."
    assert (report.isolation, report.pending) == ("live", False)


def test_the_fragment_shows_nothing_unescaped(tmp_path: Path) -> None:
    one = live(tmp_path, "value: area")
    failure = Failure("raised", "<script>alert(1)</script> `x`\x1b[31m")
    page = live_fragment(one.judge([Observation(Probe("value", "area"), failure)]).exercises[0], "<b>")
    found = ["<script>" in page, "&lt;script&gt;" in page, "\x1b" in page, "<b></div>" in page]
    assert found == [False, True, False, False]
    array = Array("float64", (1,), b"\0" * 8, "ndarray")
    assert "Not right" in live_fragment(one.judge([Observation(Probe("value", "area"), array)]).exercises[0], "")
