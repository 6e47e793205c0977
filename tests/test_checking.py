"""`grade check` as a student meets it: only what is needed is loaded, and nothing is kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from course_helpers import MACHINE, RIGHT, ROOT, FakeEngine, hand_in, make_course
from judging_helpers import course_files, rubric, write

from grader.checks import KINDS
from grader.cli import run
from grader.course import load_course, outline
from grader.errors import CourseError
from grader.importers import read_one
from grader.model import Run, Stop
from grader.pipeline import Workplace, grade
from grader.store import Memory, open_store

Captured = pytest.CaptureFixture[str]

REFERENCE = "@quantity\ndef area(): return 2.0\n"
TWO = "title: T\nassignments:\n  sheet: {title: S, exercises: [ex, broken]}\n  other: {title: O, exercises: [gone]}\n"


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Return a course in which one of two exercises is sound, and another assignment has none."""
    files = course_files(REFERENCE, rubric("value: area"))
    broken = {"exercises/sheet/broken/exercise.yaml": "title: B\nfiles: [broken.py]\nnonsense: 1\n"}
    return write(tmp_path / "course", {**files, **broken, "course.yaml": TWO})


def test_only_what_is_wanted_is_loaded_and_the_rest_is_known_by_its_files(two: Path) -> None:
    course = load_course(two, KINDS, ["sheet/ex"])
    assert [one.id for one in course.exercises()] == ["ex"]
    assert course.assignment("sheet").others == {"broken": ("broken.py",)}
    assert (course.assignment("other").exercises, course.assignment("other").others) == ((), {})
    assert outline(two) == {"sheet": {"ex": ("ex.py",), "broken": ("broken.py",)}, "other": {"gone": ()}}
    for wanted in (None, ["sheet"], ["sheet/broken"]):
        with pytest.raises(CourseError, match=r"broken/exercise\.yaml:3: nonsense: unknown key"):
            load_course(two, KINDS, wanted)


def test_a_course_file_with_errors_has_no_outline(tmp_path: Path) -> None:
    (tmp_path / "course.yaml").write_text("title: T\n", encoding="utf-8")
    with pytest.raises(CourseError, match=r"course\.yaml:1: assignments: is missing"):
        outline(tmp_path)


def test_an_error_in_another_exercise_keeps_nobody_from_checking(
    two: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.cli.settings.LocalPool", lambda *_: FakeEngine())
    hand_in(two.parent, {"anna/ex.py": "area = 2.0\n", "anna/broken.py": ""})
    assert run(["check", str(two.parent / "anna" / "ex.py"), "--course", str(two)]) == 0
    assert run(["check", str(two.parent / "anna"), "--course", str(two)]) == 3
    assert "nonsense: unknown key" in capsys.readouterr().err


def test_a_file_of_an_exercise_that_was_not_loaded_is_not_taken_for_another(two: Path) -> None:
    hand_in(two.parent, {"anna/broken.py": "area = 2.0\n"})
    course = load_course(two, KINDS, ["sheet/ex"])
    place = Workplace(FakeEngine(), "ns", MACHINE, Memory())
    [report] = grade(course, course.assignment("sheet"), read_one(two.parent / "anna", "").submissions, place).reports
    assert (report.pending, report.points) == (True, 0)
    assert "no hand-in to ex: found broken.py" in report.problems[0].message


@pytest.mark.skipif(not (ROOT / "reference/sheet3").is_dir(), reason="the course that ships is not here")
def test_checking_a_module_imports_neither_torch_nor_a_database() -> None:
    work = ROOT / "reference/sheet3/solutions/gradient_step.py"
    code = (
        "import sys; from grader.cli import run; status = run(sys.argv[1:]);"
        "print(status, sorted({'torch', 'sqlalchemy', 'keras', 'matplotlib', 'IPython'} & sys.modules.keys()))"
    )
    arguments = ["check", str(work), "--course", str(ROOT)]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_the_process_for_the_hand_in_is_started_before_what_judges_is_imported() -> None:
    code = (
        "import sys; import grader.cli.checking;"
        "print(sorted({'numpy', 'pydantic', 'rich', 'yaml'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.skipif(not (ROOT / "reference/sheet3").is_dir(), reason="the course that ships is not here")
def test_who_has_everything_right_does_not_wait_for_what_finds_passages_of_the_task() -> None:
    code = (
        "import sys; from grader.cli import run; status = run(sys.argv[1:]);"
        "print(status, sorted({'markdown_it', 'rich.progress'} & sys.modules.keys()))"
    )
    solution = ROOT / "reference/sheet3/solutions/gradient_step.py"
    arguments = ["check", str(solution), "--course", str(ROOT)]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


# Nothing is kept


def test_in_memory_comes_out_what_comes_out_with_a_gradebook(tmp_path: Path) -> None:
    course = make_course(tmp_path / "course")
    folder = hand_in(tmp_path / "anna", {"rectangles.py": RIGHT})
    submissions = read_one(folder, "sheet1").submissions
    memory = Memory()
    with open_store(None) as store:
        found = [
            grade(course, course.assignment("sheet1"), submissions, Workplace(FakeEngine(), "ns", MACHINE, one)).reports
            for one in (memory, store)
        ]
    assert found[0] == found[1]
    assert found[0][0].points == 3
    assert len(memory.known_runs()) == 1


def test_a_run_that_failed_for_a_reason_of_ours_is_not_kept() -> None:
    memory = Memory()
    memory.save_run("a", Run(Stop.INFRASTRUCTURE, 0.0, "ns", MACHINE))
    memory.save_run("b", Run(Stop.FINISHED, 0.0, "ns", MACHINE))
    assert (memory.known_runs(), list(memory.runs(["a", "b", "c"]))) == (frozenset("b"), ["b"])
    assert (memory.known_results(), memory.results("x")) == (frozenset(), None)
