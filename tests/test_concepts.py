"""The exercise on concepts: independent answers, personal numbers, guessing, fair alternatives, and the errata."""

from __future__ import annotations

import ast
import math
import random
import re
from pathlib import Path
from statistics import fmean
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from judging_helpers import judge, lost
from sklearn.metrics import accuracy_score

from grader.checks import KINDS
from grader.checks.choice import ChoiceOptions
from grader.checks.text import TextOptions
from grader.course import Exercise, load_course
from grader.model import CheckResult
from grader.reference import Evaluation
from grader.starters import with_given

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "exercises" / "theory_to_practice" / "concepts"
MAPPINGS = ("learning_types", "output_activations", "output_losses", "fit_table", "loss_change")
VALUES = ("majority_accuracy", "detector_accuracy")
TEXTS = {
    "activation_functions",
    "backpropagation",
    "ingredients",
    "topology_and_model",
    "sgd_and_adam",
    "why_minimise",
    "gradient_meaning",
    "why_metrics",
}
SEEDS: tuple[int | None, ...] = (None, *range(40))


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    folder = tmp_path_factory.mktemp("course")
    for part in ("exercises", "reference", "rubrics"):
        (folder / part).symlink_to(ROOT / part)
    text = "title: T\nkey: k\nassignments:\n  theory_to_practice: {title: M, personal: true, exercises: [concepts]}\n"
    (folder / "course.yaml").write_text(text, encoding="utf-8")
    (found,) = load_course(folder, KINDS).exercises()
    return found


def answers(exercise: Exercise, seed: int | None = None, **changed: Any) -> dict[str, Any]:
    values = Evaluation(exercise.reference, seed)
    return {name: values.value(name) for name in (*MAPPINGS, *VALUES, "new_weights")} | changed


def judged(exercise: Exercise, name: str, answer: Any, seed: int | None = None) -> CheckResult:
    return judge(exercise, answers(exercise, seed, **{name: answer}), seed=seed)[name]


def changed(exercise: Exercise, name: str, **items: Any) -> CheckResult:
    """Judge the right answers to a mapping with some of its items changed."""
    return judged(exercise, name, answers(exercise)[name] | items)


def key_of(exercise: Exercise, name: str) -> TextOptions:
    (check,) = (one for one in exercise.rubric.checks if one.id == name)
    assert isinstance(check.options, TextOptions)
    return check.options


def options_of(exercise: Exercise, name: str) -> ChoiceOptions:
    (check,) = (one for one in exercise.rubric.checks if one.id == name)
    assert isinstance(check.options, ChoiceOptions)
    return check.options


# The answers, by other means


@pytest.mark.parametrize("seed", SEEDS)
def test_the_loss_changes_as_on_a_surface_with_that_gradient(exercise: Exercise, seed: int | None) -> None:
    """A plane tilted by the gradient, and torch's derivative of it along a circle of directions."""
    truth = exercise.reference.evaluate(seed)
    weights = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    loss = (weights * torch.tensor(truth["gradient"])).sum() + weights.pow(2).sum()
    loss.backward()  # type: ignore[no-untyped-call]
    assert weights.grad is not None
    angles = torch.linspace(0, 2 * math.pi, 3601, dtype=torch.float64)
    circle = torch.stack([angles.cos(), angles.sin()], 1) @ weights.grad
    top, bottom = circle.max().item(), circle.min().item()
    words = {}
    for letter, direction in truth["directions"].items():
        rise = float(torch.tensor(direction, dtype=torch.float64) @ weights.grad)
        near = [(top, "steepest increase"), (bottom, "steepest decrease"), (0.0, "no change")]
        found = [word for place, word in near if abs(rise - place) < 1e-4 * top]
        words[letter] = found[0] if found else "increase" if rise > 0 else "decrease"
    assert truth["loss_change"] == words


@pytest.mark.parametrize("seed", SEEDS)
def test_everybody_has_one_direction_of_each_kind_and_two_across(exercise: Exercise, seed: int | None) -> None:
    truth = exercise.reference.evaluate(seed)
    found = sorted(truth["loss_change"].values())
    assert found == ["decrease", "increase", "no change", "no change", "steepest decrease", "steepest increase"]
    assert [pytest.approx(1)] * 6 == [math.hypot(*one) for one in truth["directions"].values()]
    # Along an axis, the loss changes so much less than along the gradient that the difference is seen on paper.
    along = [abs(np.dot(truth["gradient"], one)) / np.hypot(*truth["gradient"]) for one in truth["directions"].values()]
    assert all(share < 1e-9 or 0.2 < share < 0.97 or share > 1 - 1e-9 for share in along)


@pytest.mark.parametrize("seed", SEEDS)
def test_accuracies_agree_with_scikit_learn(exercise: Exercise, seed: int | None) -> None:
    truth = exercise.reference.evaluate(seed)
    usual, faults, found, alarms = (truth[f"n_{one}"] for one in ("usual", "faults", "found", "false_alarms"))
    labels = [0] * usual + [1] * faults
    reports = [1] * alarms + [0] * (usual - alarms) + [1] * found + [0] * (faults - found)
    assert truth["majority_accuracy"] == pytest.approx(accuracy_score(labels, [0] * len(labels)))
    assert truth["detector_accuracy"] == pytest.approx(accuracy_score(labels, reports))
    assert truth["majority_accuracy"] > truth["detector_accuracy"] + 0.01
    assert found / faults > 0.7


def test_numbers_differ_from_person_to_person(exercise: Exercise) -> None:
    truths = [exercise.reference.evaluate(seed) for seed in SEEDS]
    assert len({one["majority_accuracy"] for one in truths}) > 35
    assert len({tuple(one["gradient"]) for one in truths}) > 15
    assert len({tuple(one["loss_change"].values()) for one in truths}) > 30


@pytest.mark.parametrize("seed", SEEDS)
def test_mistakes_in_accuracies_are_three_tolerances_away(exercise: Exercise, seed: int | None) -> None:
    truth = Evaluation(exercise.reference, seed)
    for name in VALUES:
        right = truth.value(name)
        mistakes = [one for one in exercise.reference.misconceptions.values() if one.target == name]
        values = {"right": right, **{one.id: truth.mistaken(one) for one in mistakes}}
        assert len(values) > 3
        tolerance = 0.0006 + 0.0005 * right
        pairs = [(a, b) for a in values for b in values if a < b]
        assert [(a, b) for a, b in pairs if abs(values[a] - values[b]) < 3 * tolerance] == []


def test_the_starter_holds_the_numbers_of_the_sheet(exercise: Exercise) -> None:
    file = FOLDER / "concepts.ipynb"
    book = nbformat.read(file, as_version=nbformat.NO_CONVERT)  # type: ignore[no-untyped-call]
    nbformat.validate(book)
    assert given_in(book) == shown(exercise, None)


def test_the_starter_takes_personal_numbers(exercise: Exercise) -> None:
    truth = exercise.reference.evaluate(7)
    own = {name: truth[name] for name in exercise.reference.givens}
    text = with_given("concepts.ipynb", (FOLDER / "concepts.ipynb").read_text(encoding="utf-8"), own)
    book = nbformat.reads(text, as_version=nbformat.NO_CONVERT)  # type: ignore[no-untyped-call]
    assert given_in(book) == shown(exercise, 7)
    assert shown(exercise, 7) != shown(exercise, None)


def given_in(book: Any) -> dict[str, Any]:
    (cell,) = (one for one in book.cells if "given" in one.metadata.get("tags", []))
    assert all(isinstance(one, ast.Assign) for one in ast.parse(cell.source).body)
    names: dict[str, Any] = {"np": np}
    exec(cell.source, names)  # noqa: S102 - our own file
    return {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in names.items()} | {
        "np": None,
        "__builtins__": None,
    }


def shown(exercise: Exercise, seed: int | None) -> dict[str, Any]:
    truth = exercise.reference.evaluate(seed)
    given = {name: truth[name] for name in exercise.reference.givens}
    return given | {"gradient": truth["gradient"].tolist(), "np": None, "__builtins__": None}


# Choices


@pytest.mark.parametrize("seed", SEEDS[:8])
def test_right_answers_earn_everything(exercise: Exercise, seed: int | None) -> None:
    assert set(lost(judge(exercise, answers(exercise, seed), seed=seed))) == TEXTS
    assert sum(check.options.points for check in exercise.rubric.checks) == 26


@pytest.mark.parametrize("name", MAPPINGS)
def test_one_answer_everywhere_earns_nothing(exercise: Exercise, name: str) -> None:
    right, options = answers(exercise)[name], options_of(exercise, name).options
    assert len(options) >= 2
    assert {judged(exercise, name, dict.fromkeys(right, word)).fraction for word in options} == {0.0}


@pytest.mark.parametrize("name", MAPPINGS)
def test_guessing_earns_little_on_average(exercise: Exercise, name: str) -> None:
    right, options = answers(exercise)[name], options_of(exercise, name).options
    dice = random.Random(1)  # noqa: S311 - a guess
    guesses = [{item: dice.choice(options) for item in right} for _ in range(300)]
    assert fmean(judged(exercise, name, guess).fraction for guess in guesses) < 0.2


@pytest.mark.parametrize("name", MAPPINGS)
def test_items_count_one_by_one(exercise: Exercise, name: str) -> None:
    answer = dict(answers(exercise)[name])
    fractions = []
    for item in list(answer):
        fractions.append(judged(exercise, name, answer).fraction)
        answer[item] = None
    assert fractions[0] == 1
    assert 0.5 < fractions[1] < 1
    assert fractions == sorted(fractions, reverse=True)


def test_somebody_elses_directions_earn_little(exercise: Exercise) -> None:
    others = answers(exercise, 1)["loss_change"]
    assert judged(exercise, "loss_change", others, seed=2).fraction < 1


@pytest.mark.parametrize(
    "formula", ["w - eta*g", "w-eta g", r"w - \eta g", "w + (-g)*eta", "-(eta*g - w)", "w - g*eta + 0"]
)
def test_the_step_may_be_written_in_any_way(exercise: Exercise, formula: str) -> None:
    assert judged(exercise, "new_weights", formula).fraction == 1


@pytest.mark.parametrize(
    ("formula", "fraction", "named"),
    [("w + eta*g", 0, "uphill"), ("-eta*g", 0.5, "step_alone"), ("w - g", 0.5, "learning_rate_missing")],
)
def test_mistakes_in_the_step_are_named(exercise: Exercise, formula: str, fraction: float, named: str) -> None:
    result = judged(exercise, "new_weights", formula)
    assert (result.fraction, result.misconception) == (fraction, named)


# Accuracies


def test_per_cent_cost_half_a_point_once(exercise: Exercise) -> None:
    right = answers(exercise)
    per_cent = {name: round(100 * right[name], 1) for name in VALUES}
    results = judge(exercise, right | per_cent)
    assert [name for name in lost(results) if name not in TEXTS] == ["majority_accuracy"]
    assert (results["majority_accuracy"].fraction, results["majority_accuracy"].misconception) == (0.5, "in_per_cent")
    mixed = judge(exercise, right | {"detector_accuracy": per_cent["detector_accuracy"]})
    assert (mixed["detector_accuracy"].fraction, mixed["detector_accuracy"].misconception) == (0.5, "in_per_cent")


@pytest.mark.parametrize("seed", SEEDS[:8])
def test_three_decimals_are_enough(exercise: Exercise, seed: int | None) -> None:
    right = answers(exercise, seed)
    rounded = {name: round(right[name], 3) for name in VALUES}
    assert set(lost(judge(exercise, right | rounded, seed=seed))) == TEXTS


# Errata


def test_ICTP_07_relu_is_right_for_targets_that_are_never_negative_only(exercise: Exercise) -> None:
    assert changed(exercise, "output_activations", d="relu").fraction == 1
    assert changed(exercise, "output_activations").fraction == 1
    for item in ("c", "e"):
        assert changed(exercise, "output_activations", **{item: "relu"}).fraction < 1
    everywhere = changed(exercise, "output_activations", c="relu", d="relu", e="relu")
    assert everywhere.misconception == "relu_for_every_number"
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    said = {line[2]: line for line in task.splitlines() if line.startswith("| ") and line.endswith(" 1 |")}
    assert "never negative" in said["d"]
    assert "freezes" in said["c"]
    assert "negative" in said["e"]


@pytest.mark.parametrize("seed", SEEDS[:8])
def test_ICTP_08_fastest_change_is_right_for_the_gradient_and_the_step_needs_its_minus(
    exercise: Exercise, seed: int | None
) -> None:
    right = answers(exercise, seed)["loss_change"]
    (along,) = (letter for letter, word in right.items() if word == "steepest increase")
    (against,) = (letter for letter, word in right.items() if word == "steepest decrease")
    assert judged(exercise, "loss_change", right | {along: "fastest change"}, seed).fraction == 1
    assert judged(exercise, "loss_change", right | {along: "Steepest ascent"}, seed).fraction == 1
    assert judged(exercise, "loss_change", right | {against: "fastest change"}, seed).fraction < 1
    assert judged(exercise, "new_weights", "w + eta*g", seed).fraction == 0
    key = key_of(exercise, "gradient_meaning")
    assert any("fastest change" in one and "fastest increase" in one and "minus" in one for one in key.accept)


def test_ICTP_09_sgd_with_and_without_momentum_are_both_in_the_key(exercise: Exercise) -> None:
    key = key_of(exercise, "sgd_and_adam")
    assert any("no moments" in one for one in key.accept)
    assert any("momentum" in one and "first moment" in one for one in key.accept)
    for said in ("SGD estimates no moments, Adam two.", "SGD with momentum has a first moment, Adam a second one too."):
        result = judge(exercise, answers(exercise, sgd_and_adam=said))["sgd_and_adam"]
        assert result.for_person
        assert "no moments" in result.evidence
        assert "with momentum" in result.evidence
    assert "If your SGD is one with momentum, say so." in (FOLDER / "task.md").read_text(encoding="utf-8")


def test_ICTP_13_types_of_learning_need_no_picture_and_no_other_language(exercise: Exercise) -> None:
    """The slide shows pictures that are lost: here each situation says in words what is labelled."""
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    assert "![" not in task
    assert not re.search(r"<img|apprendimento|Secondo", task)
    section = task.split("## 2.")[0]
    said = dict(re.findall(r"^\| ([a-j]) \| (.+) \|$", section, re.MULTILINE))
    assert set(said) == set(answers(exercise)["learning_types"])
    told = r"name|note|hours|written down|point|wins|won|activity beside"
    assert [item for item, text in said.items() if not re.search(told, text)] == []


@pytest.mark.parametrize(
    "word", ["MSE", "sum of squared errors", "half mean squared error", "mean-squared error", "MAE"]
)
def test_X_01_any_factor_before_the_squares_is_right(exercise: Exercise, word: str) -> None:
    assert changed(exercise, "output_losses", c=word, d=word, e=word).fraction == 1
    assert changed(exercise, "output_losses", a=word).fraction < 1


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_written_answers_are_marked_by_a_person_with_points_that_add_up(exercise: Exercise, name: str) -> None:
    key = key_of(exercise, name)
    assert sum(one.points for one in key.key_points) == key.points
    assert judge(exercise, answers(exercise, None, **{name: key.model_answer}))[name].for_person
    assert not judge(exercise, answers(exercise, None, **{name: "Hm."}))[name].for_person


def test_messages_for_students_hold_no_answer(exercise: Exercise) -> None:
    words = re.compile(r"\d|unsupervised|linear|sigmoid|categorical|binary|\bpoor$")
    assert [one.id for one in exercise.reference.misconceptions.values() if words.search(one.message)] == [
        "in_per_cent"
    ]
