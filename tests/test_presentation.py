"""The exercise ``sheet3/presentation``: declarations and the paper, on the shipped rubric."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from items_table import ROOT
from judging_helpers import judge_seen

from grader.checks import KINDS, Context, Standing
from grader.checks.declaration import DeclarationOptions
from grader.course import Course, Exercise, load_course
from grader.model import CheckResult, Probe

POINTS = {"gradient_step": 15.0, "autograd_mlp": 15.0, "cifar_cnn": 20.0, "optimizers": 10.0}
FILE = Probe("file", "presentation.yaml")
ALL = b"people: [Ada Example, Ben Beispiel]\nwilling: [gradient_step, autograd_mlp, cifar_cnn, optimizers]\n"


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course(ROOT, KINDS)


@pytest.fixture(scope="module")
def exercise(course: Course) -> Exercise:
    return course.assignment("sheet3").exercise("presentation")


def judged(exercise: Exercise, context: Context, content: bytes = ALL, **seen: object) -> dict[str, CheckResult]:
    found = {FILE: content, Probe("pdf", ""): seen.get("pdf", []), Probe("files", ""): seen.get("files", {})}
    return judge_seen(exercise, found, context)


def standings(**earned: float) -> dict[str, Standing]:
    return {name: Standing(True, earned.get(name, most), most, False) for name, most in POINTS.items()}


def declared_points(exercise: Exercise, results: dict[str, CheckResult]) -> float:
    return sum(check.points * results[check.id].fraction for check in exercise.rubric.checks)


def with_basis(exercise: Exercise, basis: str) -> Exercise:
    """Return the exercise with another ``basis`` in every declaration."""

    def changed(options: object) -> object:
        return options.model_copy(update={"basis": basis}) if isinstance(options, DeclarationOptions) else options

    criteria = tuple(
        replace(criterion, checks=tuple(replace(check, options=changed(check.options)) for check in criterion.checks))  # type: ignore[arg-type]
        for criterion in exercise.rubric.criteria
    )
    return replace(exercise, rubric=replace(exercise.rubric, criteria=criteria))


def test_the_sheet_has_90_points(course: Course) -> None:
    points = {one.id: one.rubric.points for one in course.assignment("sheet3").exercises}
    assert points == {**POINTS, "presentation": 30.0}
    assert sum(points.values()) == 90


def test_each_declaration_is_worth_half_of_its_exercise(exercise: Exercise) -> None:
    worth = {check.id: check.points for check in exercise.rubric.checks if check.kind.name == "declaration"}
    assert worth == {name: most / 2 for name, most in POINTS.items()}


@pytest.mark.parametrize(("basis", "total"), [("nominal", 84.0), ("earned", 81.0)])
def test_HD_12_half_of_the_nominal_points_unless_the_rubric_says_earned(
    exercise: Exercise, basis: str, total: float
) -> None:
    others = standings(gradient_step=9.0)
    results = judged(with_basis(exercise, basis), Context(others=others))
    declared = declared_points(exercise, results)
    assert sum(one.points for one in others.values()) + declared == pytest.approx(total)


def test_HD_12_nothing_for_what_was_declared_and_not_handed_in(exercise: Exercise) -> None:
    others = {**standings(), "cifar_cnn": Standing(False, 0.0, 20.0, False)}
    assert declared_points(exercise, judged(exercise, Context(others=others))) == 20.0


@pytest.mark.parametrize("place", ["sheet3.pdf", "paper/deep/sheet3.pdf"])
def test_HD_13_one_paper_at_any_depth_beside_the_sources(exercise: Exercise, place: str) -> None:
    page = {"name": place, "pages": 2, "first_page": "Ada Example, Ben Beispiel"}
    results = judged(exercise, Context(others=standings()), pdf=[page], files={"src/cnn.py": 10, place: 900})
    assert [results[name].fraction for name in ("paper", "names", "sources")] == [1.0, 1.0, 1.0]
    twice = judged(exercise, Context(others=standings()), pdf=[page, {**page, "name": "b.pdf"}])
    assert twice["paper"].fraction < 1


def test_HD_14_lateness_is_told_in_local_time_and_costs_nothing(course: Course, exercise: Exercise) -> None:
    deadline = course.assignment("sheet3").deadline
    assert deadline == datetime(2025, 11, 12, 8, 0, tzinfo=UTC)
    late = Context(received=deadline + timedelta(hours=3), deadline=deadline, others=standings())
    result = judged(exercise, late)["group"]
    assert (result.fraction, "after the deadline 2025-11-12 09:00" in result.message) == (1.0, True)
    assert "Europe/Berlin" in result.message


def test_HD_15_nothing_promises_that_nobody_else_presents(exercise: Exercise) -> None:
    results = judged(exercise, Context(others=standings()), b"people: [A]\nwilling: []\n")
    messages = [results[name].message for name in POINTS]
    assert messages == ["Not declared under `willing` in `presentation.yaml`."] * 4
    task = exercise.task.read_text(encoding="utf-8")
    assert "may still be asked to" in task
