"""The command line: what is asked for, what comes out, and the exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import psutil
import pytest
from course_helpers import PERIMETER, RIGHT, ROOT, FakeEngine, hand_in, make_course
from jsonschema import Draft202012Validator

from grader import __version__
from grader.cli import grade as command
from grader.cli import run
from grader.cli.grading import official_rung
from grader.errors import ExitCode, GradeError
from grader.model import Stop
from grader.reports import schema
from grader.sandbox import available_rungs, strongest_rung
from grader.store import Store, open_store

Captured = pytest.CaptureFixture[str]
Words = tuple[str, ...]


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the scaffold's course, and stand in it."""
    make_course(tmp_path / "course")
    monkeypatch.chdir(tmp_path / "course")
    return tmp_path / "course"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    return use(FakeEngine(), monkeypatch)


def use(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    monkeypatch.setattr("grader.cli.settings.LocalPool", lambda *_: engine)
    return engine


def notebook(source: str) -> str:
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]})


def read(file: Path) -> Any:
    """Return the JSON in ``file``, after holding it against the published schema."""
    data = json.loads(file.read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(schema()).iter_errors(data)] == []
    return data


def commands(group: click.Group = command, path: Words = ()) -> Iterator[tuple[Words, click.Command]]:
    yield path, group
    for name in group.list_commands(context := click.Context(group)):
        one = group.get_command(context, name)
        assert one is not None
        if isinstance(one, click.Group):
            yield from commands(one, (*path, name))
        else:
            yield (*path, name), one


COMMANDS = dict(commands())


# grade check


@pytest.mark.parametrize(("source", "status"), [(RIGHT, 0), (PERIMETER, 1), ("area = 13.5\n", 1), ("", 1)])
def test_check_says_whether_all_is_right(course: Path, engine: FakeEngine, source: str, status: int) -> None:
    hand_in(course.parent, {"anna/rectangles.py": source})
    assert run(["check", str(course.parent / "anna")]) == status


def test_check_runs_a_notebook_for_real_and_writes_json(course: Path, capsys: Captured) -> None:
    hand_in(course.parent, {"anna/rectangles.ipynb": notebook(PERIMETER)})
    file = course.parent / "deep" / "out.json"
    assert run(["check", str(course.parent / "anna" / "rectangles.ipynb"), "--json", str(file)]) == 1
    [submission] = read(file)["submissions"]
    assert (submission["id"], submission["points"], submission["stop"]) == ("anna", 1.0, "finished")
    assert submission["isolation"] == strongest_rung()
    said = capsys.readouterr().out
    assert "That is the perimeter: the area is the product of the sides." in said
    assert "Total: 1 of 3 points" in said


def test_check_prints_no_answer(course: Path, engine: FakeEngine, capsys: Captured) -> None:
    file = course.parent / "out.json"
    for source in (PERIMETER, "area = 1.0\n", "area = [1.0, 2.0]\ndouble_area = 'x'\n", "area = None\n"):
        hand_in(course.parent, {"anna/rectangles.py": source})
        assert run(["check", str(course.parent / "anna"), "--json", str(file)]) == 1
        captured = capsys.readouterr()
        texts = captured.out + captured.err + json.dumps(read(file)["submissions"][0]["exercises"][0]["criteria"])
        assert "13.5" not in texts
        assert "27" not in texts


@pytest.mark.parametrize("asked", ["rectangles.py", "rectangles.ipynb", "draft.py"])
def test_check_grades_the_file_that_was_named(course: Path, engine: FakeEngine, asked: str) -> None:
    hand_in(course.parent, {"a/rectangles.ipynb": notebook("x = 1"), "a/rectangles.py": RIGHT, "a/draft.py": PERIMETER})
    file = course.parent / "out.json"
    run(["check", str(course.parent / "a" / asked), "--json", str(file)])
    assert read(file)["submissions"][0]["exercises"][0]["file"] == asked


def test_check_of_a_file_too_large_to_read_grades_no_other(course: Path, engine: FakeEngine, capsys: Captured) -> None:
    folder = hand_in(course.parent / "anna", {"draft.py": RIGHT})
    with (folder / "rectangles.py").open("wb") as file:
        file.truncate(600 * 1024**2)  # takes no room on the disk
    assert run(["check", str(folder / "rectangles.py")]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "rectangles.py: has 600 MB; at most 512 MB of one hand-in are read, so this file was left out" in said
    assert engine.ran == []


def test_check_takes_the_current_folder(course: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = hand_in(course / "anna", {"rectangles.py": RIGHT})
    monkeypatch.chdir(folder)
    assert run(["check"]) == 0
    assert engine.ran == [RIGHT]


def test_check_says_each_problem_once(course: Path, engine: FakeEngine, capsys: Captured) -> None:
    folder = hand_in(course.parent / "anna", {"rectangles.ipynb": "{", "rectangles.py": RIGHT})
    (folder / "link.csv").symlink_to("/etc/hostname")
    assert run(["check", str(folder)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("is not a notebook") == 1
    assert said.count("is a symbolic link out of the hand-in; it was not followed") == 1


def test_check_uses_the_persons_numbers(tmp_path: Path, engine: FakeEngine) -> None:
    file = tmp_path / "out.json"
    hand_in(tmp_path, {"anna/gradient_step.py": "z1 = [0.0, 0.0, 0.0]\n"})
    arguments = ["check", str(tmp_path / "anna"), "--course", str(ROOT), "--json", str(file)]
    assert (run(arguments), read(file)["submissions"][0]["people"]) == (1, ["anna"])
    assert (run([*arguments, "--person", "Zoe\u0308"]), read(file)["submissions"][0]["people"]) == (1, ["Zo\u00eb"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.py"], "gone.py: does not exist; name your notebook, your module or the folder with them"),
        (["anna", "--assignment", "sheet9"], "no assignment 'sheet9' in this course; it has: sheet1, sheet2"),
        (["anna", "--exercise", "circles"], "no exercise 'circles'; there are: sheet1/rectangles, sheet2/squares"),
        (["notes.txt"], "notes.txt: is neither a notebook (.ipynb) nor a module (.py); name the file with your work"),
        (
            ["odd.py"],
            "odd.py: has a name that fits no exercise; say which is meant: --exercise rectangles (or squares)",
        ),
        (
            ["nothing"],
            "nothing: holds no file that is named as an exercise asks; say which is meant: --exercise rectangles (or",
        ),
        (
            ["both"],
            "both: holds files of several assignments; say which is meant: --assignment sheet1 (or --assignment",
        ),
    ],
)
def test_check_says_what_is_not_there(
    course: Path, engine: FakeEngine, capsys: Captured, arguments: list[str], message: str
) -> None:
    assert run(["new", "exercise", "sheet2/squares"]) == 0
    files = ("anna/rectangles.py", "odd.py", "both/squares.py", "both/rectangles.py", "notes.txt", "nothing/x.py")
    hand_in(course, dict.fromkeys(files, RIGHT))
    assert run(["check", *arguments]) == ExitCode.USAGE
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert engine.ran == []


def test_check_of_one_file_asks_which_exercise_where_several_could_be_meant(
    course: Path, engine: FakeEngine, capsys: Captured
) -> None:
    assert run(["new", "exercise", "sheet1/squares"]) == 0
    hand_in(course, {"a/odd.py": RIGHT, "a/squares.py": RIGHT})
    assert run(["check", "a/odd.py"]) == ExitCode.USAGE
    assert (
        "a/odd.py: has a name that fits no exercise; say which is meant: --exercise rectangles (or squares)"
        in capsys.readouterr().err
    )
    assert run(["check", "a/odd.py", "--exercise", "squares"]) == 0
    assert run(["check", "a/squares.py", "--assignment", "sheet1"]) == 0
    assert run(["check", "a"]) == 0


def test_check_of_one_file_names_first_what_it_looks_like_and_takes_no_name_of_two_exercises(
    course: Path, capsys: Captured
) -> None:
    assert run(["new", "exercise", "sheet1/squares"]) == 0
    assert run(["new", "exercise", "sheet2/squares"]) == 0
    handed_out = course / "exercises/sheet2/squares/squares.py"
    handed_out.write_text("side = None\nother_side = None\n", encoding="utf-8")
    hand_in(course, {"a/odd.py": "side = 1\nother_side = 2\n", "a/squares.py": ""})
    assert run(["check", "a/odd.py"]) == ExitCode.USAGE
    best = "--assignment sheet2 --exercise squares (or rectangles, --assignment sheet1 --exercise squares)"
    assert f"a/odd.py: has a name that fits no exercise; say which is meant: {best}" in capsys.readouterr().err
    assert run(["check", "a/squares.py"]) == ExitCode.USAGE
    assert "a/squares.py: has a name that fits several exercises; say which is meant: " in capsys.readouterr().err


def test_check_knows_an_exercise_by_a_name_much_like_it_or_by_its_folder(
    course: Path, engine: FakeEngine, capsys: Captured
) -> None:
    assert run(["new", "exercise", "sheet1/squares"]) == 0
    hand_in(course, {"a/Rectangles (1).py": RIGHT, "exercises/sheet1/rectangles/mine.py": RIGHT})
    assert run(["check", "a/Rectangles (1).py"]) == 0
    assert run(["check", "a"]) == 0
    assert run(["check", "exercises/sheet1/rectangles/mine.py"]) == 0
    hand_in(course, {"b/rectangles_anna.py": RIGHT})
    assert run(["check", "b/rectangles_anna.py"]) == 0
    assert run(["check", "b"]) == 0
    assert engine.ran
    assert "Total: 3 of 3 points" in capsys.readouterr().out


def test_no_course_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("grader.course.finding._SHIPPED", tmp_path / "nowhere")
    for arguments in (["check"], ["batch", ".", "--assignment", "a"], ["validate"], ["new", "exercise", "a/b"]):
        assert run(arguments) == ExitCode.USAGE
        assert f"{tmp_path}: no course.yaml in this folder or above it, and this" in capsys.readouterr().err
    assert run(["validate", "--course", "gone"]) == ExitCode.USAGE
    assert "gone: no course.yaml here; name a course's folder with --course" in capsys.readouterr().err


def test_a_broken_course_lists_every_problem(course: Path, capsys: Captured) -> None:
    (course / "rubrics" / "sheet1" / "rectangles.yaml").write_text("title: T\ncriterias: []\n", encoding="utf-8")
    settings = course / "exercises" / "sheet1" / "rectangles" / "exercise.yaml"
    settings.write_text("title: T\nfiles: [a.exe]\n", encoding="utf-8")
    for arguments in (["check", "."], ["batch", ".", "--assignment", "sheet1"], ["validate"]):
        assert run(arguments) == ExitCode.COURSE
        said = capsys.readouterr().err
        assert said.startswith("grade: 3 problems in the course's files\n")
        assert "unknown key; did you mean `criteria`?" in said
        assert "is missing" in said
        assert "'a.exe' should be the plain name of a notebook (.ipynb), a module (.py) or a file to look at" in said
    (course / "rubrics" / "sheet1" / "rectangles.yaml").unlink()
    assert run(["--debug", "validate"]) == ExitCode.COURSE
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["check", "batch"])
def test_a_fault_of_this_machine_is_four(course: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(FakeEngine(lambda _: Stop.INFRASTRUCTURE), monkeypatch)
    hand_in(course.parent, {"all/anna/rectangles.py": RIGHT})
    more = {"check": ["all/anna"], "batch": ["all", "--assignment", "sheet1", "--course", "course"]}
    monkeypatch.chdir(course.parent)
    assert run([name, *more[name], "--course", "course"]) == ExitCode.INFRASTRUCTURE


def test_a_fault_of_the_disk_is_four(course: Path, engine: FakeEngine, capsys: Captured) -> None:
    hand_in(course, {"all/anna/rectangles.py": RIGHT, "file": "x"})
    assert run(["check", "all/anna", "--json", "file/out.json"]) == ExitCode.INFRASTRUCTURE
    assert "grade: file" in capsys.readouterr().err
    assert run(["batch", "all", "--assignment", "sheet1", "--output", "file/grades"]) == ExitCode.INFRASTRUCTURE
    assert "the gradebook cannot be used (" in capsys.readouterr().err


def test_an_interruption_is_said(course: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    hand_in(course, {"all/anna/rectangles.py": RIGHT})
    use(FakeEngine(interrupt_after=0), monkeypatch)
    assert run(["check", "all/anna"]) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err.strip().endswith("Interrupted.")
    assert run(["batch", "all", "--assignment", "sheet1"]) == ExitCode.INTERRUPTED
    assert "Interrupted. Finished runs are kept; the same command goes on from here." in capsys.readouterr().out


# grade batch


@pytest.fixture(autouse=True)
def any_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `grade batch` use what there is, also where nothing confines."""
    monkeypatch.setattr("grader.cli.grading.official_rung", strongest_rung)


@pytest.mark.parametrize("rung", ["landlock", "selfcheck"])
def test_batch_refuses_a_machine_that_cannot_confine(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured, rung: str
) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(course)
    monkeypatch.setattr("grader.cli.grading.strongest_rung", lambda: rung)
    hand_in(course, {"all/anna/rectangles.py": RIGHT})
    assert run(["batch", "all", "--assignment", "sheet1"]) == ExitCode.USAGE
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("grade: this machine cannot confine student code well enough for official marks; ")
    assert said.endswith(f"is {rung}; to use it all the same, where it can do no harm, say so with --isolation {rung}.")
    assert not (course / "grades").exists()


@pytest.mark.parametrize("rung", ["ns+cgroup", "ns", "fresh", "container"])
def test_batch_takes_the_strongest_rung_that_is_strong_enough(rung: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("grader.cli.grading.strongest_rung", lambda: rung)
    assert official_rung() == rung


@pytest.mark.skipif(strongest_rung() == "selfcheck", reason="this machine has no rung that confines")
def test_an_interrupted_batch_leaves_no_process_at_the_strongest_rung(course: Path) -> None:
    hand_in(course, {"all/anna/rectangles.py": RIGHT, "all/zoe/rectangles.py": "while True:\n    pass\n"})
    file = course / "g" / "grade.sqlite"
    line = [sys.executable, "-c", "from grader.cli import main; main()"]
    line += ["batch", "all", "--assignment", "sheet1", "--output", "g", "--workers", "2"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0) as process:
        wait_for(lambda: len(runs(file)) == 1)
        children = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
    assert (process.returncode, len(children) > 0) == (ExitCode.INTERRUPTED, True)
    assert [child for child in children if child.is_running()] == []


def test_batch_writes_reports_json_and_gradebook(course: Path, engine: FakeEngine, capsys: Captured) -> None:
    hand_in(course, {"all/anna/rectangles.py": RIGHT, "all/bela/rectangles.py": PERIMETER, "all/stray.txt": "x"})
    arguments = ["batch", "all", "--assignment", "sheet1", "--json", "out.json", "--output", "g"]
    arguments += ["--isolation", "selfcheck"]
    assert run(arguments) == 0
    first = read(course / "out.json")
    assert [(one["id"], one["points"]) for one in first["submissions"]] == [("anna", 3.0), ("bela", 1.0)]
    assert (first["assignment"], first["grader"], len(first["problems"])) == ("sheet1", __version__, 1)
    assert (course / "g" / "class.html").is_file()
    with open_store(course / "g" / "grade.sqlite") as store:
        assert [report.points for report in store.reports("sheet1")] == [3.0, 1.0]
    said = capsys.readouterr().out
    assert "Isolation selfcheck is weaker than official marks ask for" in said
    assert "class.html" in said
    assert (run(arguments), len(engine.ran)) == (0, 2)
    assert read(course / "out.json")["submissions"] == first["submissions"]


def test_batch_grades_only_the_exercises_named(course: Path, engine: FakeEngine) -> None:
    assert run(["new", "exercise", "sheet1/squares"]) == 0
    hand_in(course, {"all/anna/rectangles.py": RIGHT, "all/anna/squares.py": PERIMETER})
    common = ["batch", "all", "--assignment", "sheet1", "--json", "out.json"]
    for named, expected in ((["squares"], 1.0), (["rectangles", "squares"], 4.0), ([], 4.0)):
        options = [part for name in named for part in ("--exercise", name)]
        assert run([*common, *options]) == 0
        assert read(course / "out.json")["submissions"][0]["points"] == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone", "--assignment", "sheet1"], "gone: does not exist; name the folder with the hand-ins"),
        (["all.zip", "--assignment", "sheet1"], "all.zip: cannot be read as an archive (File is not a zip file)"),
        (["empty", "--assignment", "sheet1"], "empty: holds no folder with a hand-in; expected one folder for each"),
        (["all", "--assignment", "sheet9"], "no assignment 'sheet9' in this course; it has: sheet1"),
        (["all", "--assignment", "sheet1", "--exercise", "x"], "sheet1 has no exercise 'x'; it has: rectangles"),
        (
            ["all", "--assignment", "sheet1", "--isolation", "ns"],
            "isolation 'ns' cannot be used: not today. It needs Linux 5.12 or later, and user namespaces",
        ),
        (
            ["all", "--assignment", "sheet1", "--isolation", "moat"],
            "Invalid value for '--isolation': 'moat' is not one",
        ),
        (["all", "--assignment", "sheet1", "--workers", "0"], "Invalid value for '--workers': 0 is not in the range"),
        (["all"], "Missing option '--assignment'"),
        ([], "Missing argument 'PATH'"),
        (["all", "--assignmnt", "x"], "No such option"),
    ],
)
def test_batch_says_what_is_not_there(
    course: Path,
    engine: FakeEngine,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.setattr("grader.sandbox.rungs._why_not", {"ns": "not today", "selfcheck": ""}.get)
    hand_in(course, {"all/anna/rectangles.py": RIGHT, "all.zip": "PK", "empty/": ""})
    assert run(["batch", *arguments]) == ExitCode.USAGE
    assert message in capsys.readouterr().err
    assert engine.ran == []


def test_names_cannot_write_on_the_terminal(course: Path, engine: FakeEngine, capsys: Captured) -> None:
    evil = "\x1b[31mred[/]\x1b]0;title\x07"
    hand_in(course, {f"all/{evil}/rectangles.ipynb": "{", f"all/{evil}.txt": "x"})
    assert run(["batch", "all", "--assignment", "sheet1"]) == 0
    assert run(["check", f"all/{evil}"]) == 1
    assert "\x1b[31m" not in capsys.readouterr().out


# grade validate, new, doctor


def test_a_new_course_passes_its_own_tests(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "made"
    assert run(["new", "course", str(folder), "--title", "It's [a] course"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert f"wrote {folder}/course.yaml" in said
    assert said[-1] == f"Next: cd {folder} && grade validate"
    monkeypatch.chdir(folder)
    assert run(["new", "exercise", "sheet1/squares"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Next: change these files, then `grade validate`"
    assert run(["validate", "--verbose", "--workers", "2"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1].startswith("It's [a] course: ")
    assert said[-1].endswith(" tests of the course passed")
    assert "✓ sheet1/squares: perimeter" in said


def test_validate_says_what_does_not_hold(course: Path, engine: FakeEngine, capsys: Captured) -> None:
    reference = course / "reference" / "sheet1" / "rectangles.py"
    text = reference.read_text(encoding="utf-8")
    reference.write_text(text.replace("return 4 * area", "return 2 * area"), encoding="utf-8")
    assert run(["validate", "sheet1"]) == ExitCode.FAILED
    said = capsys.readouterr().out
    assert "✗ sheet1/rectangles: both_sides_doubled" in said
    assert "✓" not in said
    assert "tests of the course passed" in said


def test_validate_says_what_is_not_there(course: Path, capsys: Captured) -> None:
    assert run(["validate", "sheet1", "sheet9"]) == ExitCode.USAGE
    assert "no assignment or exercise 'sheet9'; did you mean 'sheet1'?" in capsys.readouterr().err
    assert run(["validate", "xyz"]) == ExitCode.USAGE
    assert "no assignment or exercise 'xyz'; it has: sheet1" in capsys.readouterr().err


def test_one_exercise_of_an_assignment_can_be_validated(course: Path, capsys: Captured) -> None:
    assert run(["new", "exercise", "sheet1/squares"]) == 0
    assert run(["validate", "sheet1/squares", "--verbose", "--workers", "2"]) == 0
    said = capsys.readouterr().out
    assert "✓ sheet1/squares: reference" in said
    assert "sheet1/rectangles:" not in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["course", "."], "course.yaml: there is a course here already; choose another folder"),
        (["exercise", "squares"], "'squares': expected ASSIGNMENT/EXERCISE, each of letters, digits, _ and -"),
        (["exercise", "../x"], "'../x': expected ASSIGNMENT/EXERCISE, each of letters, digits, _ and -"),
        (["exercise", "sheet1/rectangles"], "rectangles: exists already; choose another name"),
        (["exercise", "sheet2/x"], "course.yaml: found no clear place for 'x' under"),
    ],
)
def test_new_refuses_what_it_cannot_make(course: Path, capsys: Captured, arguments: list[str], message: str) -> None:
    file = course / "course.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "  sheet2:\n    title: T\n", encoding="utf-8")
    before = sorted(course.rglob("*"))
    assert run(["new", *arguments]) == ExitCode.USAGE
    assert message in capsys.readouterr().err
    assert sorted(course.rglob("*")) == before


def test_doctor_says_what_there_is(course: Path, capsys: Captured) -> None:
    file = course / "course.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("Test course", "Test [/b] course"), encoding="utf-8")
    assert run(["doctor"]) == 0
    said = capsys.readouterr().out
    for text in (f"grade {__version__}", "Test [/b] course", "exercises: 1", "isolation selfcheck", "write-ahead log"):
        assert text in said


def test_doctor_says_of_each_rung_what_it_promises_or_why_not_and_what_would_help(
    course: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    why_not = {"ns": "", "selfcheck": "", "fresh": "the program bwrap is not installed"}
    monkeypatch.setattr("grader.sandbox.rungs._why_not", lambda name: why_not.get(name, "not today"))
    assert run(["doctor"]) == 0
    lines = {
        words[1]: words[2:] for words in (line.split("│") for line in capsys.readouterr().out.splitlines()) if words[1:]
    }
    lines = {name.strip(): [word.strip() for word in words] for name, words in lines.items()}
    for rung in available_rungs():
        assert lines[f"isolation {rung.name}"][:2] == ["ok" if rung.available else "no", rung.reason]
    assert lines["isolation fresh"][1].startswith("the program bwrap is not installed. It needs Linux and bubblewrap")


def test_doctor_says_what_is_broken(course: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Store) -> None:
        raise GradeError("disk [/b] full")

    settings = course / "course.yaml"
    sound = settings.read_text(encoding="utf-8")
    settings.write_text("title: [/x]\n", encoding="utf-8")
    assert run(["doctor"]) == ExitCode.INFRASTRUCTURE
    assert "course.yaml" in capsys.readouterr().out
    settings.write_text(sound, encoding="utf-8")
    monkeypatch.setattr(Store, "known_runs", refuse)
    assert run(["doctor"]) == ExitCode.INFRASTRUCTURE
    assert "disk [/b] full" in capsys.readouterr().out


# All commands


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...], capsys: Captured) -> None:
    assert run([*path, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Usage: {' '.join(['grade', *path])}")
    options = [one for one in COMMANDS[path].params if isinstance(one, click.Option) and not one.is_eager]
    assert [one.name for one in options if not one.help] == []


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_and_option_is_in_the_readme(path: tuple[str, ...]) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    options = [one for one in COMMANDS[path].params if isinstance(one, click.Option)]
    wanted = [" ".join(("grade", *path)), *(word for one in options for word in one.opts if word.startswith("--"))]
    assert [word for word in wanted if word not in readme] == []


def test_the_version_is_told(capsys: Captured) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"grade, version {__version__}\n"
    assert run(["fly"]) == ExitCode.USAGE
    assert "No such command 'fly'" in capsys.readouterr().err


# Interruption, for real

WAITS = """
import pathlib, time
pathlib.Path({started!r}).touch()
while not pathlib.Path({released!r}).exists():
    time.sleep(0.01)
area, double_area = 13.5, 27.0
"""


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited for a minute in vain"
        time.sleep(0.05)


def runs(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    with open_store(file) as store:
        return {key: store.run(key) for key in store.known_runs()}


@pytest.mark.skipif(os.name != "posix", reason="signals are of Unix")
def test_an_interrupted_batch_leaves_no_process_and_goes_on(course: Path) -> None:
    started, released = course / "started", course / "released"
    endless = WAITS.format(started=str(started), released=str(released))
    folder = {"anna": RIGHT, "bela": PERIMETER, "zoe": endless}
    hand_in(course, {f"all/{name}/rectangles.py": source for name, source in folder.items()})
    file = course / "g" / "grade.sqlite"
    # At selfcheck a hand-in can tell us that it has started; what is confined more strongly cannot.
    arguments = ["batch", "all", "--assignment", "sheet1", "--output", "g", "--workers", "2", "--json", "out.json"]
    arguments += ["--isolation", "selfcheck"]
    line = [sys.executable, "-c", "from grader.cli import main; main()", *arguments]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0) as process:
        wait_for(lambda: started.exists() and len(runs(file)) == 2)
        children = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, len(children) > 0) == (ExitCode.INTERRUPTED, True)
    assert "Interrupted. Finished runs are kept; the same command goes on from here." in " ".join(out.split())
    assert "Traceback" not in err
    assert [child for child in children if child.is_running()] == []
    kept = runs(file)
    assert len(kept) == 2
    released.touch()
    assert run(arguments) == 0
    assert [one["points"] for one in read(course / "out.json")["submissions"]] == [3.0, 1.0, 3.0]
    after = runs(file)
    assert ({key: after[key] for key in kept}, len(after)) == (kept, 3)


def test_the_end_of_the_program_loses_nothing(tmp_path: Path) -> None:
    code = """
import atexit, sys, weakref
from grader import cli
class Thing: pass
thing = Thing()
weakref.finalize(thing, sys.stdout.write, "closed ")
atexit.register(sys.stdout.write, "last ")
cli.run = lambda _: sys.stdout.write("x" * 100_000 + " ") and sys.stderr.write("said") and 3
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, len(done.stdout.split()[0])) == (3, "said", 100_000)
    assert set(done.stdout.split()[1:]) == {"closed", "last"}


@pytest.mark.parametrize(("told", "kept"), [({}, "1"), ({"OMP_NUM_THREADS": "3"}, "3")])
def test_references_are_computed_with_one_thread_unless_told_otherwise(told: dict[str, str], kept: str) -> None:
    code = """
import os
from grader import cli
cli.run = lambda _: print(os.environ["OMP_NUM_THREADS"], os.environ["OPENBLAS_NUM_THREADS"]) or 0
cli.main()
"""
    others = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", code], env=others | told, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [kept, "1"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is of Linux")
def test_output_that_cannot_be_written_is_a_fault_of_this_machine() -> None:
    code = "from grader.cli import main; main()"
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([sys.executable, "-c", code, "--version"], stdout=full, check=False)
    assert done.returncode == ExitCode.INFRASTRUCTURE
