"""How the errata of the hand calculation are treated, on the shipped exercise itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from items_table import ROOT
from judging_helpers import judge

from grader.checks import KINDS
from grader.course import Exercise, load_course
from grader.reference import Evaluation


@pytest.fixture(scope="module")
def exercise() -> Exercise:
    return load_course(ROOT, KINDS, ["sheet3/gradient_step"]).assignment("sheet3").exercise("gradient_step")


def answers(exercise: Exercise, **fixed: Any) -> dict[str, Any]:
    """Return what a student hands in who works right on from the values in ``fixed``."""
    values = Evaluation(exercise.reference, None, fixed)
    return {check.id: values.value(check.id) for check in exercise.rubric.checks}


def test_HD_01_a_transposed_matrix_is_right(exercise: Exercise) -> None:
    given = answers(exercise)
    given |= {name: np.asarray(given[name]).T for name in ("grad_W1", "W1_new")}
    assert given["grad_W1"].shape == (3, 5)
    results = judge(exercise, given)
    assert [results[name].fraction for name in ("grad_W1", "W1_new")] == [1.0, 1.0]


def test_HD_02_weights_and_biases_are_asked_for_and_new_gradients_are_not(exercise: Exercise) -> None:
    asked = {check.id for check in exercise.rubric.checks}
    assert {"W1_new", "b1_new", "W2_new", "b2_new"} <= asked
    assert not any(name.startswith("grad") and name.endswith("new") for name in asked)
    results = judge(exercise, answers(exercise) | {"grad_W1_new": np.zeros((5, 3))})
    assert all(result.fraction == 1 for result in results.values())


def test_HD_03_the_mean_without_the_half_costs_half_once_and_is_named(exercise: Exercise) -> None:
    truth = Evaluation(exercise.reference, None)
    scale = truth.mistaken(exercise.reference.misconceptions["half_omitted"])
    results = judge(exercise, answers(exercise, loss_scale=scale))
    assert (results["loss"].fraction, results["loss"].misconception) == (0.5, "half_omitted")
    assert float(answers(exercise, loss_scale=scale)["loss"]) == 4.0
    assert all(result.fraction == 1 for name, result in results.items() if name != "loss")


def test_HD_04_a_larger_loss_after_the_step_costs_nothing(exercise: Exercise) -> None:
    given = answers(exercise)
    after = Evaluation(exercise.reference, None, {n: given[f"{n}_new"] for n in ("W1", "b1", "W2", "b2")})
    assert after.value("loss") > given["loss"]
    assert all(result.fraction == 1 for result in judge(exercise, given).values())
