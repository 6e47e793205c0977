"""Checking in a bundle as a student does: from its folder or elsewhere, with a library missing, before handing in."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from course_helpers import FakeEngine
from judging_helpers import course_files, rubric, write

from grader.checks import KINDS
from grader.cli import run
from grader.course import load_course
from grader.errors import ExitCode
from grader.model import Stop
from grader.release import make_bundle, write_folder

Captured = pytest.CaptureFixture[str]

REFERENCE = "@quantity\ndef area(): return 2.5\n"
COURSE = """
title: T
assignments:
  sheet: {title: S, deadline: 2020-01-01T12:00:00+01:00, exercises: [ex, words, papers]}
"""


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a bundle, as the current folder: `ex` and `papers` can be checked in it, `words` cannot."""
    files = course_files(REFERENCE, rubric("value: area, self_check: sealed"))
    files |= course_files("", rubric("text: why, model_answer: Because."), name="words")
    declared = "declaration: ex, file: papers.yaml", "declaration: words, file: papers.yaml"
    deadline = "files: paper, required: ['*.py|*.ipynb'], deadline: true, time_zone: Europe/Berlin"
    files |= course_files("", rubric(*declared, deadline), name="papers")
    for name, file in (("ex", "ex.py"), ("words", "words.py"), ("papers", "papers.yaml")):
        folder = f"exercises/sheet/{name}"
        files[f"{folder}/exercise.yaml"] = f"title: E\nfiles: [{file}]\nstarters: [{file}]\n"
        files[f"{folder}/{file}"] = "willing: {}\n" if file.endswith(".yaml") else "area = None\n"
    course = load_course(write(tmp_path / "course", {**files, "course.yaml": COURSE}), KINDS)
    place = tmp_path / "bundle"
    write_folder(make_bundle(course, course.assignments["sheet"], "").files, place)
    (place / "exercises/sheet/ex/ex.py").write_text("area = 2.5\n", encoding="utf-8")
    (place / "exercises/sheet/papers/papers.yaml").write_text("willing: {ex: yes, words: yes}\n", encoding="utf-8")
    monkeypatch.chdir(place)
    return place


def said(captured: Captured) -> str:
    """Return what was printed, with spaces for ends of lines."""
    out, err = captured.readouterr()
    return " ".join(f"{out} {err}".split())


def test_all_of_a_bundle_is_checked_from_its_own_folder(bundle: Path, capsys: Captured) -> None:
    """What judges has the names of what is handed in, and is none of it."""
    assert run(["check"]) == ExitCode.PASSED
    told = said(capsys)
    assert "✓ area Right" in told
    assert "Total: 4 of 4 points" in told
    assert "not clear" not in told


def test_the_files_of_a_sheet_are_looked_for_in_all_of_the_bundle(bundle: Path, capsys: Captured) -> None:
    assert run(["check"]) == ExitCode.PASSED
    assert "✓ paper Right" in said(capsys)
    (bundle / "exercises/sheet/ex/ex.py").unlink()
    (bundle / "exercises/sheet/words/words.py").unlink()
    assert run(["check"]) == ExitCode.FAILED
    assert "No file *.py or *.ipynb was handed in." in said(capsys)


@pytest.mark.parametrize("path", ["exercises/sheet/papers", "exercises/sheet/papers/papers.yaml"])
def test_a_declaration_and_files_are_judged_before_anything_is_handed_in(
    bundle: Path, capsys: Captured, path: str
) -> None:
    assert run(["check", path]) == ExitCode.PASSED
    told = said(capsys)
    assert "Declared. It counts if a solution of it is handed in as well." in told
    assert "Total: 3 of 3 points" in told
    assert "Handed in" not in told
    assert "deadline" not in told
    assert "Still to be graded" not in told


def test_papers_elsewhere_are_not_taken_for_those_in_the_bundle(bundle: Path, tmp_path: Path, capsys: Captured) -> None:
    write(tmp_path / "mine", {"papers.yaml": "willing: {}\n"})
    assert run(["check", str(tmp_path / "mine"), "--course", str(bundle)]) == ExitCode.FAILED
    told = said(capsys)
    assert "Not declared under `willing` in `papers.yaml`." in told
    assert "No file *.py or *.ipynb was handed in." in told


@pytest.mark.parametrize("path", ["exercises/sheet/words", "exercises/sheet/words/words.py"])
def test_an_exercise_without_checks_at_home_says_so(bundle: Path, capsys: Captured, path: str) -> None:
    assert run(["check", path]) == ExitCode.USAGE
    assert f"{path}: nothing of sheet/words can be checked here; it is judged after it was handed in" in said(capsys)


def test_a_bundle_is_named_from_another_folder(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """It is not simply taken: a course's reference is a program, and a stranger's folder may hold one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("grader.course.finding._SHIPPED", tmp_path / "nothing")
    path = bundle / "exercises/sheet/ex/ex.py"
    assert run(["check", str(path)]) == ExitCode.USAGE
    assert f"{path} lies in one: change to {bundle}, or say --course {bundle}" in said(capsys)
    assert run(["check", str(path), "--course", str(bundle)]) == ExitCode.PASSED


def preload(bundle: Path, *names: str) -> None:
    settings = bundle / "exercises/sheet/ex/exercise.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("preload: []", f"preload: [{', '.join(names)}]"), encoding="utf-8")


def test_a_library_that_is_missing_is_named_and_costs_one_exercise(bundle: Path, capsys: Captured) -> None:
    preload(bundle, "math", "no_such_library.part")
    assert find_spec("no_such_library") is None
    command = f"{sys.executable} -m pip install -r {bundle}/requirements.txt"
    advice = f"sheet/ex: needs no_such_library, which is not installed here; install it: {command}"
    assert run(["check", "exercises/sheet/ex"]) == ExitCode.USAGE
    assert advice in said(capsys)
    assert run(["check"]) == ExitCode.PASSED
    told = said(capsys)
    assert advice.replace(" ", "") in told.replace(" ", "")  # a long path goes over the end of a line
    assert "Total: 3 of 3 points" in told


def test_several_libraries_that_are_missing_are_named_in_one_sentence(
    bundle: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    preload(bundle, "no_such_library", "nor_this_one", "none_such")
    monkeypatch.setattr("sys.executable", "/home/a b/bin/python")
    assert run(["check", "exercises/sheet/ex"]) == ExitCode.USAGE
    told = "needs no_such_library, none_such and nor_this_one, which are not installed here; install them: "
    assert f'{told}"/home/a b/bin/python" -m pip install -r ' in said(capsys)


def test_what_fails_on_the_machine_is_told_to_whom_it_belongs(
    bundle: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.cli.settings.LocalPool", lambda *_: FakeEngine(lambda _: Stop.INFRASTRUCTURE))
    assert run(["check", "exercises/sheet/ex"]) == ExitCode.INFRASTRUCTURE
    assert "grade: could not be run: it was infrastructure" in said(capsys)


def test_a_wrong_form_is_wrong_though_it_is_worth_nothing(bundle: Path, capsys: Captured) -> None:
    rubric_file = bundle / "rubrics/sheet/ex.yaml"
    sealed = rubric_file.read_text(encoding="utf-8").partition("    salt:")[0]
    rubric_file.write_text(
        f"{sealed}    points: 0.0\n".replace("points: 1.0\n  checks", "points: 0\n  checks"), "utf-8"
    )
    assert run(["check", "exercises/sheet/ex"]) == ExitCode.PASSED
    assert "`area` has the right form." in said(capsys)
    (bundle / "exercises/sheet/ex/ex.py").write_text("area = [2.5, 1]\n", encoding="utf-8")
    assert run(["check", "exercises/sheet/ex"]) == ExitCode.FAILED
    assert "`area` has shape (2,); expected a single number." in said(capsys)
