"""From hand-ins to reports: what is stored is not done again, and a fault of ours is never a zero."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from course_helpers import (
    MACHINE,
    PERIMETER,
    RIGHT,
    FakeEngine,
    hand_in,
    make_course,
    make_personal_course,
    place,
    prepared,
    source_of,
)

from grader import __version__
from grader.checks import KINDS
from grader.course import Assignment, Course, Exercise, load_course
from grader.errors import GradeError, Problem
from grader.importers import read_folder
from grader.model import (
    Batch,
    CodeError,
    Environment,
    Job,
    Observation,
    Opaque,
    Probe,
    Report,
    Run,
    Status,
    Stop,
    Submission,
)
from grader.pipeline import Progress, Workplace, grade, prepare
from grader.pipeline.tasks import run_key
from grader.reference import Evaluation
from grader.store import Store, open_store

CLASS: Mapping[str, str] = {
    "anna/rectangles.py": RIGHT,
    "bela/rectangles.py": PERIMETER,
    "carl/rectangles.py": "area = 13.5\n",
    "dana/rectangles.py": "area = 1.0\ndouble_area = 27.0\n",
}


@dataclass
class Class:
    """A folder of hand-ins to the scaffold's course, and the gradebook that they are graded into."""

    folder: Path
    course: Course
    store: Store
    steps: list[Progress] = field(default_factory=list)

    def grade(self, engine: FakeEngine, environment: Environment = MACHINE) -> Batch:
        [assignment] = self.course.assignments.values()
        intake = read_folder(self.folder, assignment.id)
        return grade(
            self.course,
            assignment,
            intake.submissions,
            place(self.store, engine, environment),
            unresolved=intake.unresolved,
            problems=intake.problems,
            progress=self.steps.append,
        )

    def ran(self, **options: Any) -> int:
        """Grade, and return how many jobs were run for it."""
        engine = FakeEngine()
        self.grade(engine, **options)
        return len(engine.ran)

    def reload(self) -> None:
        self.course = load_course(self.course.root, KINDS)


@pytest.fixture
def room(tmp_path: Path) -> Iterable[Class]:
    course = make_course(tmp_path / "course")
    with open_store(tmp_path / "grade.sqlite") as store:
        yield Class(hand_in(tmp_path / "all", CLASS), course, store)


def points(batch: Batch) -> dict[str, float]:
    return {report.id: report.points for report in batch.reports}


def results(report: Report) -> dict[str, Any]:
    scores = [check for part in report.exercises for criterion in part.criteria for check in criterion.checks]
    return {score.result.id: score.result for score in scores}


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_points_are_added_up(room: Class) -> None:
    batch = room.grade(FakeEngine())
    assert points(batch) == {"anna": 3.0, "bela": 1.0, "carl": 2.0, "dana": 1.0}
    assert (batch.assignment, batch.title, batch.grader, batch.problems) == ("sheet1", "Sheet 1", __version__, ())
    bela = batch.reports[1]
    assert (bela.max_points, bela.pending, bela.stop, bela.isolation) == (3.0, False, Stop.FINISHED, "selfcheck")
    assert (results(bela)["area"].misconception, results(bela)["double_area"].follow_through) == ("perimeter", True)
    [part] = bela.exercises
    assert (part.id, part.points, part.max_points, part.file, part.seconds) == (
        "rectangles",
        1,
        3,
        "rectangles.py",
        0.5,
    )


def test_several_exercises_are_one_total(tmp_path: Path, room: Class) -> None:
    [assignment] = room.course.assignments.values()
    only = assignment.exercises[0]
    both = replace(assignment, exercises=(only, replace(only, id="more", files=("more.py",))))
    hand_in(room.folder, {"anna/more.py": PERIMETER, "eve/rectangles.py": RIGHT, "eve/more.ipynb": "{"})
    intake = read_folder(room.folder, "sheet1")
    batch = grade(room.course, both, intake.submissions, place(room.store))
    anna, eve = batch.reports[0], batch.reports[-1]
    assert (anna.points, anna.max_points, [part.points for part in anna.exercises]) == (4.0, 6.0, [3.0, 1.0])
    assert (eve.points, eve.pending, [part.pending for part in eve.exercises]) == (3.0, True, [False, True])
    one = grade(room.course, both, intake.submissions, place(room.store), exercises=[both.exercises[1]])
    assert [part.id for part in one.reports[0].exercises] == ["more"]


def test_the_second_time_nothing_is_run_and_nothing_changes(room: Class) -> None:
    engine = FakeEngine()
    first = room.grade(engine)
    assert (len(engine.ran), room.steps[0], room.steps[-1].done) == (4, Progress(0, 4), 4)
    assert {step.label for step in room.steps[1:]} == {"anna", "bela", "carl", "dana"}
    second = room.grade(engine)
    assert (len(engine.ran), room.steps[-1]) == (4, Progress(0, 0))
    assert first.reports == second.reports == room.store.reports("sheet1")


def test_a_changed_rubric_is_judged_anew_without_running(room: Class) -> None:
    room.ran()
    rubric = room.course.root / "rubrics" / "sheet1" / "rectangles.yaml"
    change(rubric, "value: area, points: 2", "value: area, points: 2.5")
    change(rubric, "points: 1,", "points: 0.5,")
    room.reload()
    engine = FakeEngine()
    assert points(room.grade(engine)) == {"anna": 3.0, "bela": 0.5, "carl": 2.5, "dana": 0.5}
    assert engine.ran == []


def test_a_changed_reference_is_judged_anew_without_running(room: Class) -> None:
    room.ran()
    change(room.course.root / "reference" / "sheet1" / "rectangles.py", "return a * b", "return a + a + b + b")
    room.reload()
    engine = FakeEngine()
    assert points(room.grade(engine)) == {"anna": 1.0, "bela": 3.0, "carl": 0.0, "dana": 0.0}
    assert engine.ran == []


def test_results_are_judged_once(room: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    first = room.grade(FakeEngine())
    monkeypatch.setattr("grader.pipeline.judgements.judge_exercise", None)
    assert room.grade(FakeEngine()).reports == first.reports


def test_only_a_changed_hand_in_is_run_again(room: Class) -> None:
    room.ran()
    hand_in(room.folder, {"carl/rectangles.py": RIGHT + "# better\n", "eve/rectangles.py": "area = 0.0\n"})
    engine = FakeEngine()
    batch = room.grade(engine)
    assert engine.ran == [RIGHT + "# better\n", "area = 0.0\n"]
    assert (points(batch)["carl"], points(batch)["eve"]) == (3.0, 0.0)
    hand_in(room.folder, {"anna/data.csv": "1,2"})
    assert room.ran() == 1


@pytest.mark.parametrize(("old", "new"), [("timeout_seconds: 30", "timeout_seconds: 31"), ("1024", "1000")])
def test_changed_limits_run_everything_again(room: Class, old: str, new: str) -> None:
    room.ran()
    change(room.course.root / "exercises" / "sheet1" / "rectangles" / "exercise.yaml", old, new)
    room.reload()
    assert (room.ran(), room.ran()) == (4, 0)


def test_another_machine_runs_everything_again(room: Class) -> None:
    room.ran()
    assert room.ran(environment=replace(MACHINE, packages=(("numpy", "3"),))) == 4


def test_every_part_of_a_job_is_in_its_key(room: Class) -> None:
    job = prepared(room.course, read_folder(room.folder, "sheet1").submissions[0]).job
    assert job is not None
    changes: dict[str, Any] = {
        "form": "notebook", "name": "x.py", "source": "", "files": (("a", b"1"),),
        "probes": (Probe("value", "b"),), "limits": replace(job.limits, value_bytes=1), "seed": 1, "runner": "shell",
    }  # fmt: skip
    assert set(changes) == set(asdict(job))
    keys = [run_key(replace(job, **{name: value}), "selfcheck", MACHINE) for name, value in changes.items()]
    keys += [run_key(replace(job, files=(("a", b"2"),)), "selfcheck", MACHINE), run_key(job, "ns", MACHINE)]
    keys += [run_key(replace(job, limits=replace(job.limits, output_bytes=1)), "selfcheck", MACHINE)]
    machine: dict[str, Any] = {
        "python": "3.12",
        "platform": "another processor",
        "packages": (("numpy", "3"),),
        "threads": 2,
    }
    assert set(machine) == set(asdict(MACHINE))
    keys += [run_key(job, "selfcheck", replace(MACHINE, **{name: value})) for name, value in machine.items()]
    keys += [run_key(job, "selfcheck", MACHINE)]
    assert len(set(keys)) == len(keys)
    assert run_key(replace(job), "selfcheck", MACHINE) == keys[-1]


def test_identical_hand_ins_are_run_once(room: Class) -> None:
    hand_in(room.folder, {"zoe/rectangles.py": RIGHT, "zack/deep/rectangles.py": RIGHT})
    engine = FakeEngine()
    batch = room.grade(engine)
    assert (engine.ran.count(RIGHT), len(engine.ran)) == (1, 4)
    assert [points(batch)[name] for name in ("anna", "zack", "zoe")] == [3.0, 3.0, 3.0]


def test_only_submissions_of_one_person_share_their_hidden_inputs(room: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    truths: dict[str, list[Evaluation]] = {}

    def noting(
        submission: Submission, assignment: Assignment, exercise: Exercise, truth: Evaluation, named: str
    ) -> Any:
        truths.setdefault(submission.id, []).append(truth)
        return prepare(submission, assignment, exercise, truth, named)

    monkeypatch.setattr("grader.pipeline.batch.prepare", noting)
    [assignment] = room.course.assignments.values()
    others = [f"other{number}" for number in range(6)]
    hand_in(room.folder, {f"{name}/rectangles.py": f"{RIGHT}# {name}\n" for name in others})
    found = read_folder(room.folder, assignment.id).submissions
    keys = {"anna": "one", "bela": "one"}
    submissions = [replace(one, key=keys.get(one.id, "")) for one in found]
    batch = grade(room.course, assignment, submissions, place(room.store, FakeEngine()))
    assert points(batch) == points(room.grade(FakeEngine()))
    shared = truths["anna"][0]
    assert all(one is shared for one in (*truths["anna"][:2], *truths["bela"][:2]))
    # What was drawn for anybody else is not kept from preparing to running, but for the last few.
    assert len({id(one) for name in others for one in truths[name][:2]}) == 2 * len(others)
    assert len({truths[name][0].hidden for name in ("anna", *others)}) == 1 + len(others)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_an_interruption_loses_only_what_was_in_flight(room: Class, tmp_path: Path, after: int) -> None:
    first = FakeEngine(interrupt_after=after)
    with pytest.raises(KeyboardInterrupt):
        room.grade(first)
    assert (len(first.ran), len(room.store.known_runs())) == (after, after)
    rest = FakeEngine()
    resumed = room.grade(rest)
    assert len(rest.ran) == 4 - after
    assert set(first.ran).isdisjoint(rest.ran)
    with open_store(None) as other:
        uninterrupted = Class(room.folder, room.course, other).grade(FakeEngine())
    assert resumed.reports == uninterrupted.reports


def test_work_in_flight_is_ended_when_the_gradebook_fails(room: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise GradeError("disk full")

    monkeypatch.setattr(Store, "save_run", full)
    engine = FakeEngine()
    with pytest.raises(GradeError, match="disk full") as caught:
        room.grade(engine)
    assert (engine.closed, caught.type) == (1, GradeError)


def test_a_run_that_vanishes_is_said(room: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "runs", lambda *_: {})
    with pytest.raises(AssertionError, match=r"run [0-9a-f]{64} vanished from the gradebook"):
        room.grade(FakeEngine())


def test_a_fault_of_ours_is_pending_and_tried_again(room: Class) -> None:
    broken = FakeEngine(lambda job: Stop.INFRASTRUCTURE if job.source == RIGHT else Stop.FINISHED)
    batch = room.grade(broken)
    anna, bela = batch.reports[:2]
    assert (anna.pending, anna.stop, anna.points, anna.max_points) == (True, Stop.INFRASTRUCTURE, 0.0, 3.0)
    assert {result.status for result in results(anna).values()} == {Status.ERROR}
    assert anna.exercises[0].note == "It could not be run for a reason that is not yours; it has to be run again."
    assert (bela.pending, bela.points) == (False, 1.0)
    repaired = FakeEngine()
    again = room.grade(repaired)
    assert (repaired.ran, points(again)["anna"], again.reports[0].pending) == ([RIGHT], 3.0, False)


def test_a_fault_of_the_reference_is_pending_and_judged_again(room: Class) -> None:
    reference = room.course.root / "reference" / "sheet1" / "rectangles.py"
    change(reference, "return 2 * area", "raise RuntimeError")
    room.reload()
    batch = room.grade(FakeEngine())
    assert [report.pending for report in batch.reports] == [True] * 4
    assert results(batch.reports[0])["double_area"].message == "Could not be judged; a person will look at it."
    change(reference, "raise RuntimeError", "return 2 * area")
    room.reload()
    assert (points(room.grade(FakeEngine()))["anna"], room.ran()) == (3.0, 0)


@pytest.mark.parametrize("stop", [Stop.TIMEOUT, Stop.MEMORY, Stop.KILLED])
def test_what_student_code_does_costs_its_own_marks(room: Class, stop: Stop) -> None:
    engine = FakeEngine(lambda job: stop if job.source == RIGHT else Stop.FINISHED)
    anna, bela = room.grade(engine).reports[:2]
    assert (anna.stop, anna.pending, anna.points, bela.points) == (stop, False, 0.0, 1.0)
    assert anna.exercises[0].note == f"it was {stop}"


def test_a_person_who_handed_in_twice_is_pending(room: Class) -> None:
    hand_in(room.folder, {"Anna/rectangles.py": PERIMETER})
    if len(list(room.folder.iterdir())) < 5:
        pytest.skip("this file system takes the two names for one")
    engine = FakeEngine()
    batch = room.grade(engine)
    twice = [report for report in batch.reports if report.id.casefold() == "anna"]
    assert [(one.pending, one.points, one.max_points) for one in twice] == [(True, 0.0, 3.0)]
    assert twice[0].exercises[0].note == (
        "It is not clear whose it is, or which of several counts; a person will look at it."
    )
    assert {result.status for result in results(twice[0]).values()} == {Status.ERROR}
    assert (len(engine.ran), len(batch.problems)) == (3, 1)
    assert batch.problems[0].message.startswith("handed in twice, as ")


def test_a_broken_notebook_is_pending_with_a_problem(room: Class) -> None:
    hand_in(room.folder, {"vera/rectangles.ipynb": '{"cells": ['})
    vera = room.grade(FakeEngine()).reports[-1]
    assert (vera.id, vera.pending, vera.stop, vera.exercises[0].file) == ("vera", True, Stop.FINISHED, "")
    assert {result.status for result in results(vera).values()} == {Status.ERROR}
    [problem] = vera.problems
    assert problem.where.startswith(f"{room.folder}/vera/rectangles.ipynb, line 1, column ")
    assert problem.message.startswith("is not a notebook: ")


def test_nothing_handed_in_is_a_zero_with_a_problem(room: Class) -> None:
    hand_in(room.folder, {"ida/": ""})
    room.grade(FakeEngine())
    ida = next(report for report in room.store.reports("sheet1") if report.id == "ida")
    assert (ida.pending, ida.points, ida.max_points, ida.isolation) == (False, 0.0, 3.0, "selfcheck")
    assert {result.status for result in results(ida).values()} == {Status.SKIPPED}
    message = "nothing was handed in for rectangles; expected rectangles.ipynb or rectangles.py"
    assert ida.problems == (Problem(f"{room.folder}/ida", message),)


def test_an_unreadable_hand_in_is_pending_and_one_problem(room: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: Callable[..., Any] = Path.open

    def refuse(self: Path, *arguments: Any, **options: Any) -> Any:
        if self.parent.name == "anna":
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    batch = room.grade(FakeEngine())
    assert (batch.reports[0].pending, points(batch)["bela"]) == (True, 1.0)
    problem = Problem(f"{room.folder}/anna/rectangles.py", "cannot be read (Permission denied); make it readable")
    assert batch.all_problems == (problem,)


def test_text_that_is_no_unicode_stops_nobody(room: Class) -> None:
    class Odd(FakeEngine):
        def run(self, jobs: Iterable[tuple[str, Job]]) -> Any:
            for key, run in super().run(jobs):
                seen = tuple(Observation(one.probe, Opaque("Model\ud800")) for one in run.observations)
                yield key, replace(run, observations=seen)

    first = room.grade(Odd())
    assert "\ud800" in results(first.reports[0])["area"].message
    assert room.grade(FakeEngine()).reports == first.reports == room.store.reports("sheet1")


def test_what_was_raised_is_told(room: Class) -> None:
    class Raising(FakeEngine):
        def run(self, jobs: Iterable[tuple[str, Job]]) -> Any:
            errors = (CodeError("cell 2", "NameError", "x"), CodeError("cell 3", "ValueError", ""))
            for number, (key, run) in enumerate(super().run(jobs)):
                yield key, replace(run, errors=errors[: number + 1])

    notes = {report.exercises[0].note for report in room.grade(Raising()).reports}
    assert notes == {
        "The code ran to its end, but cell 2 raised NameError: x.",
        "The code ran to its end, but cell 2 raised NameError: x (and 1 more).",
    }


# Provenance


def provenance(room: Class, **options: Any) -> dict[str, Any]:
    found = room.grade(FakeEngine(), **options).reports[0].exercises[0].provenance
    assert found is not None
    return asdict(found)


def test_provenance_changes_with_each_input_and_only_then(room: Class) -> None:
    root = room.course.root
    before = provenance(room)
    assert (before, before["seed"], before["grader"]) == (provenance(room), 0, __version__)
    changes: dict[str, tuple[Path, str, str]] = {
        "submission": (room.folder / "anna" / "rectangles.py", "27.0", "27"),
        "exercise": (root / "exercises" / "sheet1" / "rectangles" / "task.md", "Compute", "Work out"),
        "reference": (root / "reference" / "sheet1" / "rectangles.py", "Area of one", "The area of one"),
        "rubric": (root / "rubrics" / "sheet1" / "rectangles.yaml", "Areas", "All areas"),
    }
    for name, (path, old, new) in changes.items():
        change(path, old, new)
        room.reload()
        after = provenance(room)
        assert [key for key in before if before[key] != after[key]] == [name]
        before = after
    hand_in(room.folder, {"bela/more.csv": "1"})
    assert provenance(room) == before
    other = provenance(room, environment=replace(MACHINE, python="3.12"))
    assert other == before  # the fake engine says where it ran
    change(root / "exercises" / "sheet1" / "rectangles" / "exercise.yaml", "title: Two", "title: 2")
    room.reload()
    assert [key for key, value in provenance(room).items() if value != before[key]] == ["exercise"]
    json.dumps(before)
    assert before["machine"] == asdict(MACHINE)


# Personal numbers


@pytest.fixture(scope="module")
def personal(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return make_personal_course(tmp_path_factory.mktemp("personal"))


def truth(course: Course, person: str, fixed: Mapping[str, Any] | None = None) -> Evaluation:
    assignment = course.assignments["sheet3"]
    seed = course.seed(assignment, person)
    return Evaluation(assignment.exercises[0].reference, seed, fixed)


def answers(evaluation: Evaluation, *, givens: bool = True) -> dict[str, Any]:
    reference = evaluation.reference
    asked = {name: evaluation.value(name) for name in reference.quantities}
    return ({name: evaluation.value(name) for name in reference.givens} if givens else {}) | asked


def graded(course: Course, folder: Path, sources: Mapping[str, str]) -> Batch:
    hand_in(folder, {f"{person}/gradient_step.py": source for person, source in sources.items()})
    assignment = course.assignments["sheet3"]
    with open_store(None) as store:
        workplace: Workplace = place(store)
        return grade(course, assignment, read_folder(folder, "sheet3").submissions, workplace)


def test_everybody_has_numbers_of_their_own(personal: Course, tmp_path: Path) -> None:
    people = [f"person {number}" for number in range(8)]
    batch = graded(personal, tmp_path, {one: source_of(answers(truth(personal, one))) for one in people})
    seeds = {report.exercises[0].provenance.seed for report in batch.reports if report.exercises[0].provenance}
    assert len(seeds) == 8
    assert set(points(batch).values()) == {15.0}
    assert [report.flags for report in batch.reports] == [()] * 8


@pytest.mark.parametrize("givens", [True, False])
def test_somebody_elses_numbers_are_flagged_and_cost_nothing_more(
    personal: Course, tmp_path: Path, givens: bool
) -> None:
    others = answers(truth(personal, "anna"), givens=givens)
    sources = {"anna": source_of(answers(truth(personal, "anna"))), "noah": source_of(others)}
    anna, noah = graded(personal, tmp_path, sources).reports
    assert (anna.flags, len(noah.flags)) == ((), 1)
    flag = noah.flags[0]
    assert (flag.submission, flag.exercise) == ("noah", "gradient_step")
    assert flag.message.startswith("made for the personal numbers of anna, by `")
    assert flag.message.endswith(" more")
    alone = graded(personal, tmp_path / "alone", {"noah": source_of(others)}).reports[0]
    assert replace(noah, flags=()) == replace(alone, flags=(), problems=noah.problems)


def honest(course: Course, person: str, number: int, givens: bool) -> str:
    """Return an honest hand-in with one of the known mistakes, or with random numbers everywhere."""
    right = truth(course, person)
    mistakes = list(right.reference.misconceptions.values())
    if number % (len(mistakes) + 1) == 0:
        random = np.random.default_rng(number)
        asked = {name: value for name, value in answers(right).items() if name not in right.reference.givens}
        noise = {name: random.integers(-4, 5, np.shape(value)) / 2 for name, value in asked.items()}
        own = answers(right) if givens else {}
        return source_of(noise | {name: own[name] for name in own if name in right.reference.givens})
    mistake = mistakes[number % (len(mistakes) + 1) - 1]
    wrong = truth(course, person, {mistake.target: right.mistaken(mistake)})
    return source_of(answers(wrong, givens=givens))


@pytest.mark.parametrize("givens", [True, False])
def test_an_honest_mistake_is_never_flagged(personal: Course, tmp_path: Path, givens: bool) -> None:
    people = {f"person {number}": number for number in range(60)}
    batch = graded(personal, tmp_path, {one: honest(personal, one, n, givens) for one, n in people.items()})
    assert [report.id for report in batch.reports if report.points == report.max_points] == []
    assert [(report.id, report.flags) for report in batch.reports if report.flags] == []


def test_files_that_change_while_the_batch_runs_are_not_kept_under_what_they_were(tmp_path: Path) -> None:
    course = make_course(tmp_path / "course")
    folder = hand_in(tmp_path / "all", {"anna/rectangles.py": RIGHT, "bela/rectangles.py": PERIMETER})
    late = folder / "bela" / "rectangles.py"

    class Editing(FakeEngine):
        def run(self, jobs: Iterable[tuple[str, Job]]) -> Iterator[tuple[str, Run]]:
            for pair in super().run(jobs):
                late.write_text(RIGHT + "# changed\n", encoding="utf-8")
                yield pair

    engine = Editing()
    submissions = read_folder(folder, "sheet1").submissions
    with open_store(None) as store:
        batch = grade(course, course.assignments["sheet1"], submissions, place(store, engine))
        assert len(store.known_runs()) == 1
    assert (engine.ran, [one.pending for one in batch.reports]) == ([RIGHT], [False, True])
    [area, _] = batch.reports[1].exercises[0].criteria[0].checks
    assert area.result.evidence == "the files handed in were changed while the batch was running; grade them again"
