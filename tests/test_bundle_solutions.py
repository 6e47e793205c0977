"""Every exercise of every assignment, checked in its bundle: what is right is not called wrong, what is wrong is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from course_helpers import ROOT

from grader.checks import KINDS
from grader.cli.settings import workplace
from grader.course import Course, Exercise, load_course, outline
from grader.importers import read_one
from grader.model import CheckResult, Status, Submission
from grader.pipeline import Workplace, grade
from grader.release import make_bundle, write_folder

EXERCISES = [f"{name}/{one}" for name, exercises in outline(ROOT).items() for one in exercises]
#: Of these nothing is checked in a bundle.
LATER = {"microcontrollers/keras_questions"}
#: Of these, all that known-wrong hand-ins lose is judged after handing in, or by its form alone.
UNTOLD = {
    "microcontrollers/keras_listing",
    "microcontrollers/mnist_classifiers",
    "microcontrollers/pytorch_network",
    "theory_to_practice/concepts",
    "theory_to_practice/validation",
    "tinyml/sigmoid_layer",
}

#: Seals are as those of `grade release`, but that guessing costs nothing.
FAST = 1

#: Files by name, of a hand-in.
Files = Mapping[str, Path]
Results = dict[str, CheckResult]


@cache
def course() -> Course:
    return load_course(ROOT, KINDS)


def original(name: str) -> Exercise:
    assignment, _, exercise = name.partition("/")
    return course().assignments[assignment].exercise(exercise)


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Course]:
    """Return the bundle of each assignment, with the numbers of the sheet, which the solutions have."""
    found = {}
    for name, assignment in course().assignments.items():
        folder = tmp_path_factory.mktemp(name) / "bundle"
        made = make_bundle(course(), replace(assignment, personal=False), "", work=FAST)
        write_folder(made.files, folder)
        found[name] = load_course(folder, KINDS)
    return found


@pytest.fixture(scope="module")
def place() -> Iterator[Workplace]:
    with workplace(None, workers=1) as found:
        yield found


def checked(home: Course, name: str, hand_ins: list[Files], folder: Path, place: Workplace) -> list[Results]:
    """Return the results of each hand-in by check, judged by the bundle alone."""
    assignment, _, exercise = name.partition("/")
    submissions: list[Submission] = []
    for number, files in enumerate(hand_ins):
        own = folder / f"hand-in-{number}"
        for path, source in files.items():
            (own / path).parent.mkdir(parents=True, exist_ok=True)
            (own / path).write_bytes(source.read_bytes())
        submissions += read_one(own, assignment).submissions
    found = home.assignment(assignment)
    batch = grade(home, found, submissions, place, exercises=[found.exercise(exercise)])
    parts = {report.id: report.exercises[0] for report in batch.reports}
    return [
        {check.result.id: check.result for criterion in parts[one.id].criteria for check in criterion.checks}
        for one in submissions
    ]


def having(results: Results, *statuses: Status) -> set[str]:
    return {name for name, one in results.items() if one.status in statuses}


def test_what_is_judged_later_is_not_in_a_bundle(homes: Mapping[str, Course]) -> None:
    at_home = {f"{one.assignment}/{one.id}" for home in homes.values() for one in home.exercises()}
    assert set(EXERCISES) - at_home == LATER


@pytest.mark.parametrize("name", [one for one in EXERCISES if one not in LATER])
def test_right_is_not_called_wrong_and_wrong_is(
    name: str, homes: Mapping[str, Course], tmp_path: Path, place: Workplace
) -> None:
    home, exercise = homes[name.partition("/")[0]], original(name)
    kept = {check.id for check in home.assignment(exercise.assignment).exercise(exercise.id).rubric.checks}
    wrong = max(exercise.wrong, key=lambda one: (bool(one.names), len(one.loses & kept)))
    solutions = [one.files for one in exercise.solutions]
    if exercise.limits.preload:  # what needs PyTorch and the like takes seconds, or trains
        solutions = solutions[:1]
    found = checked(home, name, [*solutions, wrong.files], tmp_path, place)
    assert solutions
    for right in found[:-1]:
        assert having(right, Status.FAILED, Status.PARTIAL, Status.ERROR) == set()
    of_wrong = found[-1]
    assert having(of_wrong, Status.ERROR) == set()
    # A model's output alone is judged here, and whether it is the right one later.
    passed = {one for one in having(of_wrong, Status.PASSED) if of_wrong[one].kind != "model"}
    assert passed & wrong.loses == set()
    told_wrong = having(of_wrong, Status.FAILED, Status.PARTIAL) & wrong.loses
    assert (told_wrong != set()) == (name not in UNTOLD)
