"""Whose personal numbers were used: looking up by value finds what comparing everybody with everybody finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from course_helpers import fake_run, hand_in, make_personal_course, source_of

from grader.checks import Cohort, fits, judge_exercise
from grader.course import Course
from grader.importers import read_folder
from grader.pipeline.personal import others_numbers
from grader.pipeline.tasks import prepare
from grader.pipeline.work import Judged
from grader.reference import Evaluation


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return make_personal_course(tmp_path_factory.mktemp("personal"))


def right(course: Course, person: str, *kinds: str) -> dict[str, object]:
    """Return the right values for a person's numbers: ``givens``, ``answers`` or both."""
    assignment = course.assignments["sheet3"]
    truth = Evaluation(assignment.exercises[0].reference, course.seed(assignment, person))
    names = {"givens": truth.reference.givens, "answers": tuple(truth.reference.quantities)}
    return {name: truth.value(name) for kind in kinds for name in names[kind]}


def classroom(course: Course) -> dict[str, dict[str, object]]:
    """Return what everybody hands in: honest work, and every way to use what is somebody else's."""
    random = np.random.default_rng(3)
    everybody = {}
    for number in range(16):
        person = f"p{number:02}"
        own = right(course, person, "givens", "answers")
        wrong = {name: np.asarray(value) + random.integers(0, 2) for name, value in own.items() if number % 3}
        everybody[person] = {**own, **wrong, **right(course, person, "givens")}
    taken = right(course, "p01", "answers")
    everybody["q answers"] = taken
    everybody["q all"] = right(course, "p02", "givens", "answers")
    everybody["q givens"] = {**right(course, "p02", "givens"), "z1": [9.0, 9.0, 9.0]}
    everybody["q nearly"] = {**taken, "z1": [9.0, 9.0, 9.0], "h": None, "loss": "?"}
    everybody["q too few"] = {**taken, **dict.fromkeys(("z1", "h", "loss", "y_hat", "grad_b1", "W1_new"), 77.0)}
    everybody["q some givens"] = {**right(course, "p03", "givens"), "x": right(course, "p04", "givens")["x"]}
    everybody["q other shapes"] = {name: np.asarray(value).reshape(1, -1, 1) for name, value in taken.items()}
    everybody["q transposed"] = {**taken, "grad_W1": np.transpose(np.asarray(taken["grad_W1"]))}
    everybody["q ragged"] = {**taken, "W1_new": "x", "W2_new": True}
    everybody["r printed"] = printed(course)
    everybody["r nobody"] = {**right(course, "somebody else", "givens"), "z1": [1.0, 2.0, 3.0]}
    everybody["r one kept"] = {**everybody["r nobody"], "x": right(course, "r one kept", "givens")["x"]}
    return everybody


def printed(course: Course) -> dict[str, object]:
    """Return the right values for the numbers that everybody finds in the task."""
    truth = Evaluation(course.assignments["sheet3"].exercises[0].reference, None)
    return {name: truth.value(name) for name in (*truth.reference.givens, *truth.reference.quantities)}


def judged(course: Course, folder: Path) -> list[Judged]:
    sources = {
        f"{person}/gradient_step.py": source_of({name: value for name, value in values.items() if value is not None})
        for person, values in classroom(course).items()
    }
    assignment = course.assignments["sheet3"]
    exercise = assignment.exercises[0]
    found = []
    for one in read_folder(hand_in(folder, sources), "sheet3").submissions:
        task = prepare(one, assignment, exercise, Evaluation(exercise.reference, course.seed(assignment, one.id)))
        assert task.job is not None
        run = fake_run(task.job)
        found.append(Judged(task, run, judge_exercise(exercise, task.truth, run)))
    return found


def test_looking_up_finds_what_comparing_all_pairs_finds(course: Course, tmp_path: Path) -> None:
    everybody = judged(course, tmp_path)
    exercise = everybody[0].task.exercise
    cohort = Cohort(exercise, [one.task.truth for one in everybody])
    pairs, looked_at = [], 0
    for index, one in enumerate(everybody):
        assert one.run is not None
        candidates = cohort.candidates(index, one.run)
        looked_at += len(candidates)
        for number, other in enumerate(everybody):
            if number != index and fits(exercise, one.task.truth, other.task.truth, one.run):
                pairs.append((one.task.submission.id, other.task.submission.id))
                assert number in candidates
    assert {person for person, _ in pairs} >= {"q answers", "q all", "q givens", "q nearly", "q other shapes"}
    assert "q too few" not in {person for person, _ in pairs}
    assert looked_at <= len(pairs) + len(everybody)  # of hundreds of pairs
    unclean = {one.task.submission.id for one in everybody if not all(result.clean for result in one.results)}
    flags = [(flag.submission, flag.other) for flag in others_numbers(everybody) if flag.other]
    assert flags == [pair for pair in pairs if pair[0] in unclean]
    assert flags


def test_numbers_of_nobody_are_told(course: Course, tmp_path: Path) -> None:
    flags = {flag.submission: flag.message for flag in others_numbers(judged(course, tmp_path)) if not flag.other}
    rest = ", and not for its own, by `x`, `W1`, `b1`, `W2`"
    assert flags == {
        "q some givens": f"made for numbers that nobody here has{rest}",
        "r nobody": f"made for numbers that nobody here has{rest}",
        "r printed": f"made for the numbers that are printed for everybody{rest}",
    }


def test_who_cannot_be_compared_stays_a_candidate(course: Course, tmp_path: Path) -> None:
    everybody = judged(course, tmp_path)
    exercise = everybody[0].task.exercise
    odd = dict.fromkeys((*exercise.reference.givens, *exercise.reference.quantities), np.full(7, np.nan))
    truths = [one.task.truth for one in everybody] + [Evaluation(exercise.reference, 1, odd)]
    run = everybody[0].run
    assert run is not None
    assert len(everybody) in Cohort(exercise, truths).candidates(0, run)
