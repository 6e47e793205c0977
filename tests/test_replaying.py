"""Running a graded submission again: what its result was, is confirmed or not, and nothing is stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from course_helpers import MACHINE, PERIMETER, RIGHT, FakeEngine, fake_run, hand_in, make_course, place

from grader.checks import KINDS
from grader.cli import run
from grader.course import load_course
from grader.errors import ExitCode, GradeError
from grader.importers import read_folder
from grader.model import Array, CodeError, Environment, Failure, Job, Observation, Origin, Plain, Probe, Run, Stop
from grader.pipeline import Replay, grade, replay
from grader.pipeline.observed import Observed, otherwise
from grader.store import Entry, Store, open_store

Captured = pytest.CaptureFixture[str]
RUBRIC = Path("rubrics/sheet1/rectangles.yaml")
REFERENCE = Path("reference/sheet1/rectangles.py")
#: Always wrong, and never the same: no seed of the grader's reaches it.
UNSEEDED = "import os\narea = 20 + int.from_bytes(os.urandom(7), 'big')\ndouble_area = 0.0\n"
#: Right in every other run, the first included.
FICKLE = """
import pathlib
runs = pathlib.Path({file!r})
runs.write_text(runs.read_text() + "." if runs.exists() else "")
area = 13.5 + len(runs.read_text()) % 2
double_area = 2 * area
"""


def rerun(rung: str, job: Job, times: int) -> list[Run]:
    return [replace(fake_run(job), isolation=rung)] * times


class Room:
    """The scaffold's course, graded once without processes."""

    def __init__(self, root: Path, store: Store, files: Mapping[str, str]) -> None:
        self.root, self.store = root, store
        make_course(root)
        self.folder = hand_in(root.parent / "all", files)
        course = load_course(root, KINDS)
        intake = read_folder(self.folder, "sheet1")
        engine = FakeEngine(lambda job: Stop.INFRASTRUCTURE if "fault" in job.source else Stop.FINISHED)
        grade(course, course.assignments["sheet1"], intake.submissions, place(store, engine))

    def edit(self, file: Path, old: str, new: str) -> None:
        text = (self.root / file).read_text(encoding="utf-8")
        assert old in text
        (self.root / file).write_text(text.replace(old, new), encoding="utf-8")

    def entry(self, name: str) -> Entry:
        grading = self.store.last_grading("sheet1")
        assert grading is not None
        [entry] = [one for one in grading.entries if one.report.id == name]
        return entry

    def replay(
        self,
        name: str,
        runner: Callable[[str, Job, int], list[Run]] = rerun,
        environment: Environment = MACHINE,
        *,
        isolation: str = "",
        times: int = 1,
    ) -> Replay:
        return self.replay_entry(self.entry(name), runner, environment, isolation=isolation, times=times)

    def replay_entry(
        self,
        entry: Entry,
        runner: Callable[[str, Job, int], list[Run]] = rerun,
        environment: Environment = MACHINE,
        *,
        isolation: str = "",
        times: int = 1,
    ) -> Replay:
        course = load_course(self.root, KINDS)
        assignment = course.assignments["sheet1"]
        return replay(course, assignment, entry, self.store, runner, environment, isolation=isolation, times=times)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    files = {"anna/rectangles.py": RIGHT, "bela/rectangles.py": PERIMETER, "carl/": "", "dora/rectangles.py": "fault"}
    with open_store(tmp_path / "grade.sqlite") as store:
        yield Room(tmp_path / "course", store, files)


def giving(**values: Plain) -> Callable[[str, Job, int], list[Run]]:
    """Return a runner whose runs hold other values under these names."""

    def runner(rung: str, job: Job, times: int) -> list[Run]:
        return [
            replace(
                run,
                observations=tuple(
                    Observation(one.probe, values.get(one.probe.name, one.value)) for one in run.observations
                ),
            )
            for run in rerun(rung, job, times)
        ]

    return runner


def test_the_same_comes_out_of_the_same(room: Room) -> None:
    for name in ("anna", "bela"):
        found = room.replay(name)
        [one] = found.exercises
        assert (found.same, one.differences, found.left, one.isolation) == (True, (), (), "selfcheck")
        assert (one.reruns[0].observed, one.reruns[0].checks, one.varies, one.explained) == ((), (), False, False)


def test_nothing_is_stored(room: Room) -> None:
    def kept() -> object:
        runs, results, gradings = room.store.known_runs(), room.store.known_results(), room.store.gradings("sheet1")
        return runs, results, gradings, room.store.reports("sheet1")

    before = kept()
    room.edit(RUBRIC, "points: 2, atol: 1.0e-6", "points: 2, atol: 9")
    room.replay("bela", giving(area=14.0), times=2)
    assert kept() == before


def test_what_was_observed_otherwise_is_told(room: Room) -> None:
    found = room.replay("anna", giving(area=15.0))
    [one] = found.exercises
    assert (found.same, one.differences, one.explained) == (False, (), False)
    assert one.reruns[0].observed == (Observed("value `area`", "13.5", "15.0", 1.5),)
    [area] = one.reruns[0].checks  # the other is still right by itself
    assert (area.move.check, area.cause) == ("area", "observed otherwise")
    assert area.move.after is not None
    assert area.move.after.misconception == "perimeter"


def test_another_observation_with_the_same_result_is_the_same_result(room: Room) -> None:
    found = room.replay("anna", giving(area=13.5 + 1e-9))
    [observed] = found.exercises[0].reruns[0].observed
    assert found.same
    assert observed.distance == pytest.approx(1e-9, rel=1e-3)


def test_an_edited_rubric_is_the_cause_where_the_run_is_the_same(room: Room) -> None:
    room.edit(RUBRIC, "points: 2, atol: 1.0e-6", "points: 2, atol: 2.0")
    found = room.replay("bela")
    [one] = found.exercises
    assert [(some.what, some.text) for some in one.differences] == [
        ("rubric or reference", "options of `area`: atol 1e-06 → 2.0")
    ]
    assert [(some.move.check, some.cause) for some in one.reruns[0].checks] == [
        ("area", "judged otherwise"),
        ("double_area", "judged otherwise"),  # it no longer needs follow-through
    ]
    both = room.replay("bela", giving(area=99.0, double_area=27.0)).exercises[0].reruns[0].checks
    assert [(some.move.check, some.cause) for some in both] == [
        ("area", "observed and judged otherwise"),
        ("double_area", "judged otherwise"),
    ]


def test_another_machine_and_rung_are_told_by_name_and_version(room: Room) -> None:
    now = Environment("3.12", "other machine", (("numpy", "3"), ("torch", "2.4")), 2)
    [one] = room.replay("anna", environment=now, isolation="ns").exercises
    assert [(some.what, some.text) for some in one.differences] == [
        ("machine", "Python 3.11 → 3.12"),
        ("machine", "threads 1 → 2"),
        ("machine", "numpy 2 → 3"),
        ("machine", "torch not there → 2.4"),
        ("machine", "test machine → other machine"),
        ("isolation", "selfcheck → ns"),
    ]
    assert (one.explained, one.isolation, one.same) == (True, "ns", 1)


def test_other_limits_and_another_key_are_told(room: Room) -> None:
    room.edit(Path("exercises/sheet1/rectangles/exercise.yaml"), "timeout_seconds: 30", "timeout_seconds: 31")
    room.edit(Path("course.yaml"), "assignments:", "key: another\nassignments:")
    found = room.replay("anna")
    assert found.same
    assert [some.text for some in found.exercises[0].differences] == [
        "exercise.yaml or the task",
        "the course derives other personal numbers or hidden inputs now; those of then were used",
        "what is given to the run, or is observed, of rectangles: limits, data sets or probes",
    ]


def test_runs_that_differ_from_each_other_are_counted(room: Room) -> None:
    def runner(rung: str, job: Job, times: int) -> list[Run]:
        return [giving(area=13.5 + number % 2)(rung, job, 1)[0] for number in range(times)]

    [one] = room.replay("anna", runner, times=5).exercises
    assert (one.same, len(one.reruns), one.varies) == (3, 5, True)


def test_missing_and_changed_files_are_named(room: Room) -> None:
    file = room.folder / "anna" / "rectangles.py"
    file.write_text("area = 1\n", encoding="utf-8")
    with pytest.raises(GradeError) as caught:
        room.replay("anna")
    said = str(caught.value)
    assert said.startswith("anna: cannot be run again, because its files are not as they were\n")
    assert f"{file}: was changed (SHA-256 " in said
    assert "; needed is the file with SHA-256 " in said
    file.unlink()
    with pytest.raises(GradeError, match=r"rectangles.py: cannot be read \(No such file or directory\); needed is"):
        room.replay("anna")


def test_files_of_an_archive_can_be_unpacked_again(room: Room) -> None:
    (room.folder / "anna" / "rectangles.py").unlink()
    entry = room.entry("anna")
    from_zip = replace(entry.submission, origin=Origin("moodle", "7", archive="all.zip"))
    with pytest.raises(GradeError, match=r"They came from all.zip; `grade intake` unpacks it again\."):
        room.replay_entry(replace(entry, submission=from_zip))


def test_a_report_that_does_not_say_from_which_run_it_came_cannot_be_replayed(room: Room) -> None:
    with pytest.raises(GradeError, match="graded by a version of grade that did not note which run it came from"):
        room.replay_entry(replace(room.entry("anna"), judgements=()))


def test_what_never_ran_has_nothing_to_replay(room: Room) -> None:
    for name in ("carl", "dora"):
        with pytest.raises(GradeError, match="there is nothing to run again: rectangles has no stored run"):
            room.replay(name)


def test_a_fault_of_the_machine_is_not_a_difference(room: Room) -> None:
    def broken(rung: str, job: Job, times: int) -> list[Run]:
        return [fake_run(job, Stop.INFRASTRUCTURE)] * times

    with pytest.raises(GradeError, match="anna: rectangles could not be run again: it was infrastructure"):
        room.replay("anna", broken)


def test_an_exercise_that_is_gone_is_left(room: Room) -> None:
    for folder, ending in (("exercises", ""), ("rubrics", ".yaml"), ("reference", ".py")):
        path = room.root / folder / "sheet1"
        (path / f"rectangles{ending}").rename(path / f"more{ending}")
    room.edit(Path("course.yaml"), "[rectangles]", "[more]")
    with pytest.raises(GradeError, match="rectangles is no exercise of the assignment any more"):
        room.replay("anna")


def seen(*values: Plain | Failure, stop: Stop = Stop.FINISHED, errors: tuple[CodeError, ...] = ()) -> Run:
    observations = tuple(Observation(Probe("value", name), value) for name, value in zip("xyz", values, strict=False))
    return Run(stop, 0.1, "selfcheck", MACHINE, errors=errors, observations=observations)


def test_runs_are_compared_bit_for_bit() -> None:
    old = seen(Array.from_numpy(np.arange(6.0)), "text", float("nan"))
    new = seen(Array.from_numpy(np.arange(6.0) + 0.5), "x" * 99, float("nan"))
    assert otherwise(old, old) == ()
    array, text = otherwise(old, new)
    assert array == Observed("value `x`", "float64[6] [0., 1., 2., 3., …]", "float64[6] [0.5, 1.5, 2.5, 3.5, …]", 0.5)
    assert (text.then, len(text.now), text.distance) == ("'text'", 60, None)


def test_how_a_run_ended_and_what_it_raised_are_compared() -> None:
    error = CodeError("line 1", "ValueError", "no")
    found = otherwise(seen(1.0), seen(Failure("not_run", "gone"), stop=Stop.TIMEOUT, errors=(error,)))
    assert [(one.what, one.then, one.now) for one in found] == [
        ("how the run ended", "finished", "timeout"),
        ("exceptions", "none", "line 1 raised ValueError: no"),
        ("value `x`", "1.0", "nothing (not_run: gone)"),
    ]


# On the command line, for real


@pytest.fixture
def graded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.chdir(tmp_path)
    make_course(tmp_path / "course")
    sources = {"anna": RIGHT, "eve": UNSEEDED, "finn": FICKLE.format(file=str(tmp_path / "runs"))}
    hand_in(tmp_path / "all", {f"{name}/rectangles.py": source for name, source in sources.items()})
    assert run(["batch", "all", "--assignment", "sheet1", "--isolation", "selfcheck", "--course", "course"]) == 0
    return tmp_path


@pytest.mark.parametrize("report", ["anna", "grades/results.json#anna", "grades/students/anna.html"])
def test_replay_confirms(graded: Path, report: str, capsys: Captured) -> None:
    capsys.readouterr()
    assert run(["replay", report, "--course", "course"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "rectangles, run at selfcheck: the reported result.",
        "  All that it depends on is as it was then.",
        "anna, sheet1: the same result as reported.",
    ]


def test_replay_counts_how_often_a_result_comes_out(graded: Path, capsys: Captured) -> None:
    line = ["replay", "finn", "--course", "course", "--times", "3", "--json", "deep/replay.json"]
    assert run([*line, "--exercise", "rectangles", "--assignment", "sheet1"]) == ExitCode.FAILED
    said = capsys.readouterr().out
    for text in (
        "rectangles, run at selfcheck: 1 of 3 new runs gave the reported result.",
        "  check area: 2 (passed) → 0 (failed), observed otherwise",
        "  the run itself differs: value `area`: 13.5 → 14.5, by at most 1",
        "  The new runs differ from each other: the hand-in does not always do the same.",
        "finn, sheet1: not always the result that was reported.",
    ):
        assert text in said.splitlines()
    data = json.loads(Path("deep/replay.json").read_text(encoding="utf-8"))
    [one] = data["exercises"]
    assert (data["id"], data["same"], one["varies"], one["times"], one["same"]) == ("finn", False, True, 3, 1)
    assert [some["same"] for some in one["runs"]] == [False, True, False]


def test_replay_tells_that_a_run_differs_though_the_result_is_the_same(graded: Path, capsys: Captured) -> None:
    assert run(["replay", "eve", "--course", "course"]) == 0
    said = capsys.readouterr().out
    assert "the run itself differs: value `area`: " in said
    assert "Nothing that the run depends on is otherwise than then: the hand-in does not always do the same." in said
    assert "eve, sheet1: the same result as reported." in said


def test_replay_says_which_edit_it_meets(graded: Path, capsys: Captured) -> None:
    rubric = graded / "course" / RUBRIC
    text = rubric.read_text(encoding="utf-8")
    rubric.write_text(text.replace("points: 2,", "points: 1,").replace("points: 3", "points: 2"), encoding="utf-8")
    assert run(["replay", "anna", "--course", "course"]) == ExitCode.FAILED
    said = capsys.readouterr().out
    assert "  otherwise than then (rubric or reference): points of `area`: 2 → 1" in said
    assert "  check area: 2 (passed) → 1 (passed), judged otherwise" in said
    assert "the run itself differs" not in said


def test_replay_explains_what_it_cannot_do(graded: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    capsys.readouterr()
    assert run(["replay", "ana", "--course", "course"]) == ExitCode.USAGE
    assert "no submission 'ana' to sheet1 in this gradebook; did you mean 'anna'?" in capsys.readouterr().err
    assert run(["replay", "q", "--course", "course"]) == ExitCode.USAGE
    assert "no submission 'q' to sheet1 in this gradebook; it has: anna, eve, finn" in capsys.readouterr().err
    monkeypatch.delenv("GRADE_CONTAINER_IMAGE", raising=False)
    assert run(["replay", "anna", "--course", "course", "--isolation", "container"]) == ExitCode.INFRASTRUCTURE
    said = capsys.readouterr().err
    assert "grade: it was run at the rung container: isolation 'container' cannot be used: " in said
    assert "Run it where that can be used, or name another with --isolation." in said
    (graded / "all" / "anna" / "rectangles.py").unlink()
    assert run(["replay", "anna", "--course", "course"]) == ExitCode.INFRASTRUCTURE
    assert "rectangles.py: cannot be read (No such file or directory)" in capsys.readouterr().err
