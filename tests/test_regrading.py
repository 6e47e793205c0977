"""Judging anew: no code is run, the hand-ins may be gone, and everybody learns why somebody moved."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
import sqlalchemy as sa
from course_helpers import PERIMETER, RIGHT, FakeEngine, hand_in, make_course, make_personal_course, place, source_of

from grader.checks import KINDS
from grader.cli import run
from grader.course import Assignment, load_course
from grader.errors import ExitCode, UsageError
from grader.importers import read_folder
from grader.model import Stop
from grader.pipeline import Regrading, grade, publish, regrade
from grader.reference import Evaluation
from grader.store import Store, open_store

CLASS = {
    "anna/rectangles.py": RIGHT,
    "bela/rectangles.py": PERIMETER,
    "carl/": "",
    "dana/rectangles.py": "area = 13.4\ndouble_area = 27.0\n",
}
RUBRIC = Path("rubrics/sheet1/rectangles.yaml")
REFERENCE = Path("reference/sheet1/rectangles.py")


class Room:
    """The scaffold's course, graded once; the hand-ins are gone since."""

    def __init__(self, root: Path, store: Store) -> None:
        self.root, self.store = root, store
        make_course(root)

    def assignment(self) -> Assignment:
        return load_course(self.root, KINDS).assignments["sheet1"]

    def batch(self, engine: FakeEngine | None = None) -> None:
        folder = hand_in(self.root.parent / "all", CLASS)
        intake = read_folder(folder, "sheet1")
        course = load_course(self.root, KINDS)
        grade(course, self.assignment(), intake.submissions, place(self.store, engine), problems=intake.problems)
        shutil.rmtree(folder)

    def edit(self, file: Path, old: str, new: str) -> None:
        text = (self.root / file).read_text(encoding="utf-8")
        assert old in text
        (self.root / file).write_text(text.replace(old, new), encoding="utf-8")

    def regrade(self) -> Regrading:
        return regrade(self.assignment(), self.store)

    def points(self) -> dict[str, float]:
        return {report.id: report.points for report in self.store.reports("sheet1")}


@pytest.fixture
def room(tmp_path: Path, gradebook: Path | sa.URL) -> Iterable[Room]:
    with open_store(gradebook) as store:
        yield Room(tmp_path / "course", store)


def reasons(found: Regrading) -> dict[str, dict[str, tuple[str, ...]]]:
    return {one.submission: {move.check: move.because for move in one.checks} for one in found.moved}


def test_a_changed_tolerance_moves_whom_it_concerns(room: Room) -> None:
    room.batch()
    assert room.points() == {"anna": 3.0, "bela": 1.0, "carl": 0.0, "dana": 1.0}
    room.edit(RUBRIC, "points: 2, atol: 1.0e-6", "points: 2, atol: 0.2")
    found = room.regrade()
    text = "options of `area`: atol 1e-06 → 0.2"
    assert [edit.text for edit in found.edits] == [text]
    assert reasons(found) == {"dana": {"area": (text,)}}
    [dana] = found.moved
    assert dana.before is not None
    assert dana.after is not None
    assert (dana.before.points, dana.after.points, found.left) == (1.0, 3.0, ())
    assert room.points()["dana"] == 1.0  # a view, until it is published
    publish(found, room.store)
    assert room.points() == {"anna": 3.0, "bela": 1.0, "carl": 0.0, "dana": 3.0}
    again = room.regrade()
    assert (again.moved, again.edits, again.fresh) == ((), (), {})


def test_what_is_published_is_what_a_batch_would_have_found(room: Room) -> None:
    room.batch()
    room.edit(RUBRIC, "points: 2, atol: 1.0e-6", "points: 2.5, atol: 0.2")
    room.edit(RUBRIC, "    points: 3", "    points: 3.5")
    room.edit(REFERENCE, "return 2 * area", "return area + area")
    publish(room.regrade(), room.store)
    anew = room.store.last_grading("sheet1")
    engine = FakeEngine()
    room.batch(engine)
    after = room.store.last_grading("sheet1")
    assert anew is not None
    assert after is not None
    assert [one.report.exercises[0].criteria for one in anew.entries] == [
        one.report.exercises[0].criteria for one in after.entries
    ]
    assert [one.report.exercises[0].note for one in anew.entries] == [
        one.report.exercises[0].note for one in after.entries
    ]
    assert [(one.report.points, one.judgements) for one in anew.entries] == [
        (one.report.points, one.judgements) for one in after.entries
    ]
    assert engine.ran == []


def test_changed_points_move_without_judging_otherwise(room: Room) -> None:
    room.batch()
    room.edit(RUBRIC, "value: area, points: 2,", "value: area, points: 4,")
    room.edit(RUBRIC, "    points: 3", "    points: 5")
    found = room.regrade()
    assert reasons(found) == {"anna": {"area": ("points of `area`: 2 → 4",)}}
    assert {report.max_points for report in found.batch.reports} == {5.0}


def test_a_changed_misconception_is_the_reason(room: Room) -> None:
    room.batch()
    room.edit(REFERENCE, "return 2 * (a + b)", "return a + b")
    found = room.regrade()
    assert reasons(found) == {"bela": {"area": ("misconception `perimeter` changed",)}}
    [[move]] = [one.checks for one in found.moved]
    assert move.before is not None
    assert move.after is not None
    assert (move.before.misconception, move.after.misconception) == ("perimeter", None)


def test_a_changed_reference_reaches_what_needs_it(room: Room) -> None:
    room.batch()
    room.edit(REFERENCE, "return a * b", "return 2 * (a + b)")
    room.edit(REFERENCE, 'return 2 * (a + b)\n\n\n@misconception("double', 'return a * b\n\n\n@misconception("double')
    found = room.regrade()
    told = reasons(found)
    assert told["bela"]["area"] == ("reference: `area` changed", "misconception `perimeter` changed")
    assert set(told["anna"]) == {"area", "double_area"}
    assert room.regrade().edits == found.edits


@pytest.mark.parametrize(
    ("file", "old", "new", "text"),
    [
        (RUBRIC, "title: Areas", "title: Both areas", "rubric: titles, comments or layout"),
        (REFERENCE, "@given\ndef a", "# A side.\n@given\ndef a", "reference: comments or layout"),
        (Path("exercises/sheet1/rectangles/exercise.yaml"), "timeout_seconds: 30", "timeout_seconds: 31",
         "exercise.yaml or the task"),
    ],
)  # fmt: skip
def test_edits_that_move_nobody_are_told(room: Room, file: Path, old: str, new: str, text: str) -> None:
    room.batch()
    room.edit(file, old, new)
    found = room.regrade()
    assert ([edit.text for edit in found.edits], found.moved) == ([text], ())


def test_what_was_not_observed_is_left_as_it_is(room: Room) -> None:
    room.batch()
    room.edit(RUBRIC, "points: 2, atol: 1.0e-6", "points: 2, atol: 0.2")
    room.edit(RUBRIC, "    points: 3", "    points: 4")
    room.edit(RUBRIC, "      - {value: double_area", "      - {value: half, points: 1}\n      - {value: double_area")
    room.edit(REFERENCE, "@quantity\ndef double_area", "@quantity\ndef half(area):\n    return area / 2\n\n\n"
              "@quantity\ndef double_area")  # fmt: skip
    found = room.regrade()
    assert {one.submission for one in found.left} == {"anna", "bela", "dana"}
    assert {one.reason for one in found.left} == {
        "asks for what was not observed when it ran: `half`; `grade batch` runs it again"
    }
    publish(found, room.store)
    assert room.points() == {"anna": 3.0, "bela": 1.0, "carl": 0.0, "dana": 1.0}
    assert {one.id: one.max_points for one in room.store.reports("sheet1")}["anna"] == 3.0


def test_what_could_not_be_run_waits_for_the_batch(room: Room) -> None:
    room.batch(FakeEngine(lambda job: Stop.INFRASTRUCTURE if job.source == RIGHT else Stop.FINISHED))
    room.edit(RUBRIC, "points: 2, atol: 1.0e-6", "points: 2, atol: 0.2")
    found = room.regrade()
    assert [(one.submission, one.reason) for one in found.left] == [
        ("anna", "could not be run for a fault of the machine; `grade batch` tries again")
    ]
    assert [one.id for one in found.batch.reports if one.pending] == ["anna"]
    assert list(reasons(found)) == ["dana"]


def test_exercises_that_come_and_go_are_told(room: Room) -> None:
    room.batch()
    shutil.copytree(room.root / "exercises/sheet1/rectangles", room.root / "exercises/sheet1/more")
    for file in (RUBRIC, REFERENCE):
        shutil.copy(room.root / file, (room.root / file).with_stem("more"))
    room.edit(Path("course.yaml"), "[rectangles]", "[more]")
    found = room.regrade()
    assert {(one.exercise, one.reason) for one in found.left} == {
        ("rectangles", "is no exercise of the assignment any more"),
        ("more", "was not graded yet; `grade batch` does"),
    }
    assert found.moved == ()


def test_a_reference_that_fails_leaves_everything_as_it_is(room: Room) -> None:
    room.edit(REFERENCE, "@given\ndef a", "import numpy as np\n\n\n@given\ndef a")
    room.batch()
    room.edit(RUBRIC, "value: double_area, points: 1", "call: twice, points: 1")
    cases = "@cases('twice')\ndef numbers(rng):\n    raise OSError('gone')\n\n\n"
    function = "@function\ndef twice(x):\n    return 2 * x\n\n\n"
    room.edit(REFERENCE, '@misconception("double_area"', f'{function}{cases}@misconception("area"')
    room.edit(REFERENCE, "from grader import ", "from grader import cases, function, ")
    room.edit(
        REFERENCE, "def both_sides_doubled(area):\n    return 4 * area", "def both_sides_doubled(a):\n    return 4 * a"
    )
    found = room.regrade()
    assert {one.reason for one in found.left} == {
        "what is to be observed cannot be evaluated (OSError: gone); mend the reference"
    }


def test_personal_numbers_are_those_that_the_run_saw(tmp_path: Path) -> None:
    course = make_personal_course(tmp_path / "course")
    assignment = course.assignments["sheet3"]
    [exercise] = assignment.exercises
    sources = {}
    for name in ("anna", "bela"):
        truth = Evaluation(exercise.reference, course.seed(assignment, name))
        sources[f"{name}/gradient_step.py"] = source_of({one: truth.value(one) for one in exercise.reference.order})
    intake = read_folder(hand_in(tmp_path / "all", sources), "sheet3")
    with open_store(None) as store:
        first = grade(course, assignment, intake.submissions, place(store))
        text = (course.root / "course.yaml").read_text(encoding="utf-8")
        (course.root / "course.yaml").write_text(text.replace("key: word", "key: another"), encoding="utf-8")
        rubric = course.root / "rubrics" / "sheet3" / "gradient_step.yaml"
        rubric.write_text(rubric.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        found = regrade(load_course(course.root, KINDS).assignments["sheet3"], store)
    assert [report.points for report in first.reports] == [report.max_points for report in first.reports]
    assert (found.moved, found.left, len(found.fresh)) == ((), (), 2)


def test_nothing_graded_yet_is_said(room: Room) -> None:
    with pytest.raises(UsageError, match="sheet1 was not graded yet into this gradebook; run `grade batch` first"):
        room.regrade()


# On the command line


@pytest.fixture
def graded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a graded class, from the course's folder; the tolerance was changed since."""
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.chdir(tmp_path)
    with open_store(tmp_path / "grades" / "grade.sqlite") as store:
        room = Room(tmp_path / "course", store)
        room.batch()
        room.edit(RUBRIC, "points: 2, atol: 1.0e-6", "points: 2, atol: 0.2")
    return tmp_path / "grades"


ARGUMENTS = ["regrade", "--assignment", "sheet1", "--course", "course"]


def test_regrade_shows_and_publishes(graded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*ARGUMENTS, "--yes", "--json", "deep/moved.json"]) == 0
    said = capsys.readouterr().out
    for line in (
        "Judged anew: 3 stored runs; no student code was run.",
        "Edited in rectangles: options of `area`: atol 1e-06 → 0.2",
        "1 of 4 submissions moved: 1 up, 0 down, 0 with the same points.",
        "dana: 1 of 3 → 3 of 3",
        "  rectangles area: 0 (failed) → 2 (passed), because of options of `area`: atol 1e-06 → 0.2",
    ):
        assert line in said.splitlines()
    data = json.loads(Path("deep/moved.json").read_text(encoding="utf-8"))
    assert (data["published"], data["judged"], data["left"]) == (True, 3, [])
    assert [(one["id"], one["before"]["points"], one["after"]["points"]) for one in data["moved"]] == [("dana", 1, 3)]
    results = json.loads((graded / "results.json").read_text(encoding="utf-8"))
    assert [one["points"] for one in results["submissions"]] == [3.0, 1.0, 0.0, 3.0]
    assert (graded / "students" / "dana.html").is_file()


@pytest.mark.parametrize(("answer", "after"), [(False, 1.0), (True, 3.0)])
def test_regrade_asks(graded: Path, monkeypatch: pytest.MonkeyPatch, answer: bool, after: float) -> None:
    monkeypatch.setattr("click.confirm", lambda _: answer)
    assert run([*ARGUMENTS, "--json", "moved.json"]) == 0
    assert json.loads(Path("moved.json").read_text(encoding="utf-8"))["published"] is answer
    assert (graded / "class.html").exists() is answer
    with open_store(graded / "grade.sqlite") as store:
        assert store.reports("sheet1")[3].points == after


def test_regrade_without_an_answer_changes_nothing(
    graded: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert run(ARGUMENTS) == ExitCode.USAGE
    assert "nobody answered, so nothing was changed; say --yes to replace the reports" in capsys.readouterr().err
    assert not (graded / "class.html").exists()


def test_regrade_needs_a_gradebook(graded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*ARGUMENTS, "--output", "elsewhere"]) == ExitCode.USAGE
    assert "no gradebook; name the folder that `grade batch` wrote with --output" in capsys.readouterr().err


def test_reports_that_cannot_be_written_are_told(graded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (graded / "students").write_text("in the way", encoding="utf-8")
    assert run([*ARGUMENTS, "--yes"]) == ExitCode.INFRASTRUCTURE
    said = capsys.readouterr().err
    assert "the reports cannot be written (File exists). The gradebook holds them: once this is mended" in said
