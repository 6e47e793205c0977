"""Which file is the hand-in: names as people write them, and starters that nobody worked on."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from course_helpers import RIGHT, hand_in, make_course, make_personal_course, place, prepared

from grader.course import Assignment, Course, Exercise
from grader.importers import read_folder, read_one
from grader.model import CheckResult, SourceFile, Status, Submission
from grader.pipeline import Task, grade, prepare
from grader.pipeline.handins import Choice, choose
from grader.pipeline.untouched import nothing_done
from grader.pipeline.work import Judged
from grader.reference import Evaluation
from grader.starters import with_given
from grader.store import open_store

BROKEN = b'{"cells": [{"cell_type": "code", "sour'


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return make_course(tmp_path_factory.mktemp("course"))


def submission(names: Iterable[str]) -> Submission:
    files = tuple(SourceFile(name, Path(name), f"hash of {name}", 1) for name in names)
    return Submission("anna", ("anna",), "sheet1", "all/anna", files)


def with_exercises(assignment: Assignment, *ids: str) -> Assignment:
    only = assignment.exercises[0]
    exercises = tuple(replace(only, id=name, files=(f"{name}.ipynb", f"{name}.py")) for name in ids)
    return replace(assignment, exercises=exercises)


def chosen(course: Course, *names: str, exercises: tuple[str, ...] = ("rectangles",), named: str = "") -> Choice:
    """Choose for the first of ``exercises``."""
    assignment = with_exercises(course.assignments["sheet1"], *exercises)
    return choose(submission(names), assignment, assignment.exercises[0], named)


@pytest.mark.parametrize(
    "name",
    [
        "rectangles.ipynb",
        "rectangles.py",
        "Rectangles.ipynb",
        "RECTANGLES.IPYNB",
        "rectangles (1).ipynb",
        "rectangles(2).ipynb",
        "rectangles-1.ipynb",
        "rectangles_2.ipynb",
        "rectangles - Copy.ipynb",
        "rectangles_final.ipynb",
        "rectangles - Kopie (3).ipynb",
        "rectangles_submission.py",
        "sheet 1/deep/rectangles.ipynb",
    ],
)
def test_names_as_tools_and_people_change_them(course: Course, name: str) -> None:
    two = ("rectangles", "other")  # with one exercise alone, any single file would do
    assert [file.name for file in chosen(course, "notes.pdf", name, exercises=two).files] == [name]


@pytest.mark.parametrize(
    "name", ["two rectangles.py", "Two-Rectangles.py", "two_rectangles (1).py", "TWO__rectangles.py"]
)
def test_separators_do_not_count(course: Course, name: str) -> None:
    found = chosen(course, name, exercises=("two_rectangles", "other"))
    assert [file.name for file in found.files] == [name]


def test_a_numbered_exercise_is_not_taken_for_another(course: Course) -> None:
    found = chosen(course, "task_2.py", exercises=("task_1", "task_2"))
    assert found.problem is not None
    expected = "no hand-in to task_1: found task_2.py; expected task_1.ipynb or task_1.py"
    assert (found.problem.where, found.problem.message) == ("all/anna", expected)
    assert chosen(course, "task_2.py", exercises=("task", "task_2")).files == ()
    assert [file.name for file in chosen(course, "Task 2 (1).py", exercises=("task_2", "task_1")).files] == [
        "Task 2 (1).py"
    ]


@pytest.mark.parametrize(
    "name",
    [
        "rectangles_AnnaMüller.py",
        "Müller - Rectangles.py",
        "ML_sheet1-rectangles_v3.py",
        "Rec Tangles.py",
        "4711_rectangles (1).py",
        "deep/rectangles.anna.py",
    ],
)
def test_a_name_with_the_exercises_in_it_will_do_where_there_is_no_other(course: Course, name: str) -> None:
    two = ("rectangles", "other")
    assert [file.name for file in chosen(course, "notes.pdf", "others.py", name, exercises=two).files] == [name]
    assert [file.name for file in chosen(course, "rectangles.py", name, exercises=two).files] == ["rectangles.py"]


@pytest.mark.parametrize("name", ["myrectangles.py", "rectangles_anna.txt", "rect_angle_s_.pdf", "two_rectangles_a.py"])
def test_a_name_that_only_begins_alike_or_is_anothers_will_not(course: Course, name: str) -> None:
    found = chosen(course, name, exercises=("rectangles", "two_rectangles"))
    assert found.problem is not None
    assert found.problem.message.startswith("no hand-in to rectangles")


def test_of_names_in_a_name_the_longest_counts(course: Course) -> None:
    name, ids = "two_rectangles_anna.py", ("two_rectangles", "rectangles", "anna_and_bela")
    assert [file.name for file in chosen(course, name, exercises=ids).files] == [name]
    assert chosen(course, name, exercises=ids[1:]).files == (chosen(course, name, exercises=ids).files)
    both = chosen(course, "rectangles_anna.py", "rectangles_bela.py", exercises=ids[1:]).problem
    assert both is not None
    assert both.message.startswith("two modules could be meant for rectangles: rectangles_anna.py, rectangles_bela.py")


def test_the_exact_name_comes_before_the_near_one_and_both_forms_in_their_order(course: Course) -> None:
    found = chosen(course, "Rectangles.ipynb", "rectangles (1).ipynb", "rectangles.py", "rectangles.ipynb")
    assert [file.name for file in found.files] == ["rectangles.ipynb", "rectangles.py"]


@pytest.mark.parametrize("name", ["my homework.ipynb", "my homework.PY"])
def test_the_only_file_will_do_where_there_is_one_exercise(course: Course, name: str) -> None:
    assert [file.name for file in chosen(course, "notes.txt", name).files] == [name]
    problem = chosen(course, name, exercises=("rectangles", "other")).problem
    assert problem is not None
    assert problem.message == f"no hand-in to rectangles: found {name}; expected rectangles.ipynb or rectangles.py"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a.ipynb", "b.ipynb"), "two notebooks could be meant for rectangles: a.ipynb, b.ipynb; keep the one"),
        (("a.py", "b.py", "c.py"), "three modules could be meant for rectangles: a.py, b.py, c.py; keep the one that"),
        (("1/rectangles.py", "2/rectangles.py"), "two modules could be meant for rectangles: 1/rectangles.py, 2/rect"),
        (("rectangles (1).py", "Rectangles.py"), "two modules could be meant for rectangles: rectangles (1).py, Rect"),
        (tuple(f"{n}.ipynb" for n in "abcd"), "4 notebooks could be meant for rectangles: a.ipynb, b.ipynb, c.ipynb"),
        (("answers.docx",), "no hand-in to rectangles: found answers.docx; expected rectangles.ipynb or rectangles.py"),
        (tuple(f"{n}.txt" for n in "abcdefg"), "no hand-in to rectangles: found a.txt, b.txt, c.txt, d.txt, e.txt;"),
    ],
)  # fmt: skip
def test_what_a_person_cannot_know_is_a_problem(course: Course, names: tuple[str, ...], message: str) -> None:
    found = chosen(course, *names)
    assert (found.files, found.problem is not None) == ((), True)
    assert found.problem is not None
    assert found.problem.where == "all/anna"
    assert found.problem.message.startswith(message)


def test_nothing_at_all_is_no_problem_of_choice(course: Course) -> None:
    assert chosen(course) == Choice((), None)


def test_a_person_may_name_the_file(course: Course) -> None:
    names = ("rectangles.ipynb", "draft.ipynb", "last.py")
    assert [file.name for file in chosen(course, *names, named="draft.ipynb").files] == ["draft.ipynb"]
    assert chosen(course, *names, named="gone.py") == Choice((), None)


# What nobody worked on


def task(course: Course, folder: Path, files: Mapping[str, str | bytes], named: str = "") -> Task:
    assignment = next(iter(course.assignments.values()))
    one = read_one(hand_in(folder, files), assignment.id, "anna").submissions[0]
    return prepared(course, one, named)


def starter(exercise: Exercise, suffix: str) -> str:
    return next(path for path in exercise.starters if path.suffix == suffix).read_text(encoding="utf-8")


def resaved(notebook: str) -> str:
    """Return a notebook as Jupyter saves it after it was run: with outputs, counts, metadata and other ids."""
    content = json.loads(notebook)
    for number, cell in enumerate(content["cells"]):
        cell["id"] = f"new-{number}"
        if cell["cell_type"] == "code":
            cell["execution_count"] = number
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["hello\n"]}]
            cell["source"] = (
                cell["source"].splitlines(keepends=True) if isinstance(cell["source"], str) else cell["source"]
            )
    content["metadata"]["language_info"] = {"name": "python", "version": "3.12.1"}
    return json.dumps(content, indent=2)


def filled(source: str) -> str:
    return re.sub(r"\bNone\b", "1.0", source)


def test_the_form_that_was_worked_on_is_graded(course: Course, tmp_path: Path) -> None:
    exercise = course.assignments["sheet1"].exercises[0]
    notebook, module = starter(exercise, ".ipynb"), starter(exercise, ".py")
    cases: list[tuple[str, str, str]] = [
        (notebook, filled(module), "rectangles.py"),
        (resaved(notebook), filled(module), "rectangles.py"),
        (filled(notebook), module, "rectangles.ipynb"),
        (filled(notebook), filled(module), "rectangles.ipynb"),
        (notebook, module, "rectangles.ipynb"),
        (notebook, "# only a comment more\n" + module, "rectangles.ipynb"),
    ]
    for number, (one, two, graded) in enumerate(cases):
        found = task(course, tmp_path / str(number), {"rectangles.ipynb": one, "rectangles.py": two})
        other = {"rectangles.py": "rectangles.ipynb"}.get(graded, "rectangles.py")
        untouched = f" No code in {graded} was changed since it was handed out." if number > 3 else ""
        assert (found.file, found.note) == (graded, f"Graded was {graded}, not {other}.{untouched}"), number
        assert found.job is not None
        assert (found.job.form, found.job.name) == ("module" if graded.endswith(".py") else "notebook", graded)
        assert [name for name, _ in found.job.files] == [other]


def test_work_under_another_name_beside_an_untouched_starter_is_told(course: Course, tmp_path: Path) -> None:
    exercise = course.assignments["sheet1"].exercises[0]
    notebook, module = starter(exercise, ".ipynb"), starter(exercise, ".py")
    files = {"rectangles.ipynb": notebook, "rectangles.py": module, "my_solution.py": filled(module)}
    more = {"rectangles (1).ipynb": filled(notebook), "notes.yaml": "", "deep/other.py": "x = 1\n"}
    found = task(course, tmp_path / "one", {**files, **more})
    assert (found.file, found.untouched, found.owed) == ("rectangles.ipynb", True, False)
    unchanged = "No code in rectangles.ipynb was changed since it was handed out."
    assert found.note == f"Graded was rectangles.ipynb, not rectangles.py. {unchanged}"
    advice = "was not looked at, and the starter beside it is untouched; if it is your work, name it rectangles"
    assert {(problem.where, problem.message) for problem in found.problems} == {
        (f"{tmp_path / 'one'}/my_solution.py", f"{advice}.py"),
        (f"{tmp_path / 'one'}/rectangles (1).ipynb", f"{advice}.ipynb"),
    }
    worked_on = task(course, tmp_path / "two", {**files, "rectangles.py": filled(module)})
    assert (worked_on.file, worked_on.problems) == ("rectangles.py", ())
    named = task(course, tmp_path / "one", {}, "my_solution.py")
    assert (named.file, named.note, named.problems) == ("my_solution.py", "", ())


def test_who_hands_in_nothing_but_starters_is_flagged_and_nobody_else(course: Course, tmp_path: Path) -> None:
    exercise = course.assignments["sheet1"].exercises[0]
    module = starter(exercise, ".py")
    files = {
        "anna/rectangles.py": module,
        "bela/rectangles.py": f"# nothing yet\n{module}",
        "carl/rectangles.py": filled(module),
        "dora/rectangles.ipynb": starter(exercise, ".ipynb"),
        "emil/": "",
    }
    hand_in(tmp_path / "all", files)
    with open_store(None) as store:
        found = read_folder(tmp_path / "all", "sheet1").submissions
        batch = grade(course, course.assignments["sheet1"], found, place(store))
    message = "as it was handed out, perhaps uploaded by mistake: rectangles.{}"
    assert {report.id: [flag.message for flag in report.flags] for report in batch.reports} == {
        "anna": [message.format("py")],
        "bela": [message.format("py")],
        "carl": [],
        "dora": [message.format("ipynb")],
        "emil": [],
    }
    notes = {report.id: report.exercises[0].note for report in batch.reports}
    said = "No code in rectangles.py was changed since it was handed out."
    assert (notes["anna"], notes["carl"]) == (said, "")


def test_a_written_answer_in_a_starter_is_work(tmp_path: Path) -> None:
    exercise_task = SimpleNamespace(
        submission=SimpleNamespace(id="dora"),
        exercise=SimpleNamespace(id="essay", floor=("runs",)),
        file="essay.ipynb",
        untouched=True,
    )
    runs = CheckResult("runs", "runs", Status.PASSED, 1.0)
    empty = CheckResult("why", "text", Status.FAILED, 0.0)
    written = replace(empty, status=Status.SKIPPED, for_person=True)
    fault = replace(empty, status=Status.ERROR)
    flagged = [
        [flag.submission for flag in nothing_done([Judged(exercise_task, None, (runs, one))])]  # type: ignore[arg-type]
        for one in (empty, written, fault)
    ]
    assert flagged == [["dora"], [], []]


def test_personal_numbers_do_not_make_a_starter_worked_on(tmp_path: Path) -> None:
    course = make_personal_course(tmp_path / "course")
    assignment = course.assignments["sheet3"]
    exercise = assignment.exercises[0]
    truth = Evaluation(exercise.reference, course.seed(assignment, "anna"))
    given = {name: truth.value(name) for name in exercise.reference.givens}
    notebook = with_given("x.ipynb", starter(exercise, ".ipynb"), given)
    module = with_given("x.py", starter(exercise, ".py"), given)
    forms = {"gradient_step.ipynb": resaved(notebook), "gradient_step.py": filled(module)}
    found = task(course, tmp_path / "one", forms)
    assert (found.file, found.truth.seed) == ("gradient_step.py", truth.seed)
    reverse = {"gradient_step.ipynb": filled(notebook), "gradient_step.py": module}
    assert task(course, tmp_path / "two", reverse).file == "gradient_step.ipynb"


def test_a_broken_notebook_beside_a_good_module_is_a_problem_not_the_end(course: Course, tmp_path: Path) -> None:
    found = task(course, tmp_path, {"rectangles.ipynb": BROKEN, "rectangles.py": RIGHT})
    assert (found.file, found.owed, len(found.problems)) == ("rectangles.py", False, 1)
    assert found.note == "Graded was rectangles.py, not rectangles.ipynb."
    assert found.problems[0].where.startswith(f"{tmp_path}/rectangles.ipynb, line 1, column ")
    assert found.problems[0].message.startswith("is not a notebook: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BROKEN, "is not a notebook: "),
        (b"", "the file is empty. Hand in the file that holds the work."),
        (b"[]", "is JSON, but not a notebook: there is no 'nbformat'. "),
    ],
)
def test_a_file_that_cannot_be_read_is_owed(course: Course, tmp_path: Path, content: bytes, message: str) -> None:
    found = task(course, tmp_path, {"rectangles.ipynb": content})
    assert (found.job, found.owed, len(found.problems)) == (None, True, 1)
    assert found.note == "The file handed in cannot be read; a person will look at it."
    assert found.problems[0].message.startswith(message)


def test_two_candidates_are_owed(course: Course, tmp_path: Path) -> None:
    found = task(course, tmp_path, {"a.ipynb": "{}", "b.ipynb": "{ }"})
    assert (found.job, found.owed) == (None, True)
    assert found.note == "It is not clear which file is meant; a person will look at it."
    assert "two notebooks could be meant" in found.problems[0].message


def test_nothing_is_not_owed(course: Course, tmp_path: Path) -> None:
    found = task(course, tmp_path, {"empty/": ""})
    assert (found.job, found.owed, found.note) == (None, False, "Nothing was handed in.")
    message = "nothing was handed in for rectangles; expected rectangles.ipynb or rectangles.py"
    assert [(problem.where, problem.message) for problem in found.problems] == [(str(tmp_path), message)]


def test_files_beside_the_hand_in_go_with_it(course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"sub/rectangles.py": RIGHT, "sub/data/a.csv": "1,2", "sub/helper.py": "x = 1", "outside.txt": "no"}
    found = task(course, tmp_path, files)
    assert found.job is not None
    assert dict(found.job.files) == {"data/a.csv": b"1,2", "helper.py": b"x = 1"}
    monkeypatch.setattr("grader.pipeline.tasks.MAX_COMPANION_BYTES", 4)
    smaller = task(course, tmp_path, {})
    assert smaller.job is not None
    assert dict(smaller.job.files) == {"data/a.csv": b"1,2"}


def test_one_file_may_serve_exercises_in_several_folders(course: Course, tmp_path: Path) -> None:
    assignment = course.assignments["sheet1"]
    exercise = replace(assignment.exercises[0], also=("history.json", "net.bin", "twice.json"))
    files = {
        "a/rectangles.py": RIGHT,
        "a/net.bin": "own",
        "b/net.bin": "other",
        "history.json": "all",
        "b/x.json": "no",
    }
    both = {"b/twice.json": "one", "c/twice.json": "or the other?"}
    one = read_one(hand_in(tmp_path, {**files, **both}), assignment.id, "anna").submissions[0]
    found = prepare(one, assignment, exercise, Evaluation(exercise.reference, None))
    assert found.job is not None
    assert {name: data.decode() for name, data in found.job.files} == {"net.bin": "own", "history.json": "all"}


def test_beside_what_is_not_run_lies_all_that_was_handed_in(course: Course, tmp_path: Path) -> None:
    """The file that says who handed in speaks for the code and the paper in other folders as well."""
    assignment = course.assignments["sheet1"]
    papers = replace(assignment.exercises[0], files=("papers.yaml",), starters=())
    files = {"b/papers.yaml": "people: []", "b/x.txt": "below", "a/one.py": "x = 1", "sheet.pdf": "p", "x.txt": "no"}
    one = read_one(hand_in(tmp_path, files), assignment.id, "anna").submissions[0]
    found = prepare(one, assignment, papers, Evaluation(papers.reference, None))
    assert found.job is not None
    told = {name: data.decode() for name, data in found.job.files}
    assert told == {"papers.yaml": "people: []", "x.txt": "below", "a/one.py": "x = 1", "sheet.pdf": "p"}


def test_names_that_cannot_be_written_do_not_fail_the_run(course: Course, tmp_path: Path) -> None:
    long, dots = "\u0958" * 80, "e\u0301"  # made readable, the one grows to 480 bytes and the other meets its double
    (tmp_path / "data").write_text("1", encoding="utf-8")
    names = [f"{long}.py", f"{long}.csv", "\u00e9", f"{dots}/inside.csv", "ok/a.csv", "ok/a.csv", "ok", f"{long}/a.csv"]
    readable = [unicodedata.normalize("NFC", name) for name in names]
    files = tuple(SourceFile(name, tmp_path / "data", "0", 1) for name in readable)
    found = prepared(course, replace(submission([]), files=files))
    assert found.job is not None
    assert found.job.name == "rectangles.py"
    assert found.job.files == (("\u00e9", b"1"), ("ok/a.csv", b"1"))
