"""The exercise on basics: independent fits, fair alternatives, guessing, follow-through, and the errata."""

from __future__ import annotations

import ast
import random
import re
from pathlib import Path
from statistics import fmean
from typing import Any

import nbformat
import numpy as np
import pytest
from judging_helpers import judge, lost
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from grader.checks import KINDS
from grader.checks.text import TextOptions
from grader.course import Exercise, load_course
from grader.model import CheckResult
from grader.reference import Evaluation

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "exercises" / "microcontrollers" / "ml_basics"
DEGREES = (1, 3, 9)
ERRORS = tuple(f"{part}_error_{degree}" for degree in DEGREES for part in ("train", "test"))
CHOICES = ("problems", "learning_types", "workflow", "diagnoses", "fit_labels")
GIVENS = ("x_train", "y_train", "x_test", "y_test", "x_plot")
SEEDS: tuple[int | None, ...] = (None, *range(30))


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    folder = tmp_path_factory.mktemp("course")
    for part in ("exercises", "reference", "rubrics"):
        (folder / part).symlink_to(ROOT / part)
    text = "title: T\nassignments:\n  microcontrollers: {title: M, exercises: [ml_basics]}\n"
    (folder / "course.yaml").write_text(text, encoding="utf-8")
    (found,) = load_course(folder, KINDS).exercises()
    return found


def answers(exercise: Exercise, fixed: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    """Return what a student hands in who works right on from the values in ``fixed``, with some ``changed``."""
    values = Evaluation(exercise.reference, None, fixed)
    return {name: values.value(name) for name in (*CHOICES, *ERRORS, "curves")} | changed


def judged(exercise: Exercise, name: str, answer: Any) -> CheckResult:
    return judge(exercise, answers(exercise, None, **{name: answer}))[name]


def lost_values(results: dict[str, CheckResult]) -> list[str]:
    """Return the checks that were lost, but for those that need a figure or a written answer."""
    return [name for name in lost(results) if name not in {"figure", "data_sets", "explanation"}]


# The fits, by other means


@pytest.mark.parametrize("seed", SEEDS)
def test_fits_agree_with_polyfit_and_scikit_learn(exercise: Exercise, seed: int | None) -> None:
    values = exercise.reference.evaluate(seed)
    x_train, y_train, x_test, y_test, x_plot = (values[name] for name in GIVENS)
    for row, degree in enumerate(DEGREES):
        by_numpy = np.polyfit(x_train, y_train, degree)
        model = make_pipeline(PolynomialFeatures(degree), LinearRegression()).fit(x_train[:, None], y_train)
        for part, x, y in (("train", x_train, y_train), ("test", x_test, y_test)):
            found = values[f"{part}_error_{degree}"]
            assert found == pytest.approx(np.mean((np.polyval(by_numpy, x) - y) ** 2), rel=1e-6)
            assert found == pytest.approx(mean_squared_error(y, model.predict(x[:, None])), rel=1e-6)
        np.testing.assert_allclose(values["curves"][row], np.polyval(by_numpy, x_plot), rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(values["curves"][row], model.predict(x_plot[:, None]), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_show_what_they_should(exercise: Exercise, seed: int | None) -> None:
    values = exercise.reference.evaluate(seed)
    train = [values[f"train_error_{degree}"] for degree in DEGREES]
    test = [values[f"test_error_{degree}"] for degree in DEGREES]
    assert train == sorted(train, reverse=True)
    assert int(np.argmin(test)) == 1
    assert values["fit_labels"] == {"degree 1": "underfitting", "degree 3": "good fit", "degree 9": "overfitting"}
    assert (values["x_train"].shape, values["x_test"].shape) == ((12,), (20,))
    assert all(np.array_equal(values[name], np.round(values[name], 2)) for name in GIVENS[:-1])
    inside = values["x_test"]
    assert values["x_train"].min() < inside.min() < inside.max() < values["x_train"].max()


def test_the_starter_holds_the_numbers(exercise: Exercise) -> None:
    book = nbformat.read(FOLDER / "ml_basics.ipynb", as_version=nbformat.NO_CONVERT)  # type: ignore[no-untyped-call]
    nbformat.validate(book)
    (cell,) = (one for one in book.cells if "given" in one.metadata.get("tags", []))
    assert all(isinstance(one, ast.Assign) for one in ast.parse(cell.source).body)
    names: dict[str, Any] = {"np": np}
    exec(cell.source, names)  # noqa: S102 - our own file
    truth = exercise.reference.evaluate()
    for name in GIVENS:
        np.testing.assert_array_equal(names[name], truth[name])


@pytest.mark.parametrize("seed", SEEDS)
def test_mistakes_in_the_fits_are_told_from_right_and_from_each_other(exercise: Exercise, seed: int | None) -> None:
    """Where a mistake shows first, it is at least three tolerances away."""
    truth = Evaluation(exercise.reference, seed)
    right = truth.value("train_error_1")
    found = {}
    for wrong in exercise.reference.misconceptions.values():
        if wrong.target in {"fits", "sets", "measure"}:
            changed = Evaluation(exercise.reference, seed, {wrong.target: truth.mistaken(wrong)})
            found[wrong.id] = changed.value("train_error_1")
    assert len(found) == 10
    tolerance = 0.0002 + 0.005 * right
    assert {name: value for name, value in found.items() if abs(value - right) < 3 * tolerance} == {}


# Choices


def test_right_answers_earn_everything(exercise: Exercise) -> None:
    assert lost_values(judge(exercise, answers(exercise))) == []
    assert sum(check.options.points for check in exercise.rubric.checks) == 20


@pytest.mark.parametrize("name", ["problems", "learning_types", "diagnoses", "fit_labels"])
def test_one_answer_everywhere_earns_nothing(exercise: Exercise, name: str) -> None:
    right = answers(exercise)[name]
    (check,) = (one for one in exercise.rubric.checks if one.id == name)
    words = {*check.options.options, "lossy compression", "lossless compression"}  # type: ignore[attr-defined]
    assert {word: judged(exercise, name, dict.fromkeys(right, word)).fraction for word in words} == dict.fromkeys(
        words, 0
    )


@pytest.mark.parametrize("name", ["problems", "learning_types", "diagnoses"])
def test_guessing_earns_little_on_average(exercise: Exercise, name: str) -> None:
    right = answers(exercise)[name]
    dice = random.Random(1)  # noqa: S311 - a guess
    words = sorted(set(right.values()))
    guesses = [{item: dice.choice(words) for item in right} for _ in range(300)]
    assert fmean(judged(exercise, name, guess).fraction for guess in guesses) < 0.12


@pytest.mark.parametrize("name", ["problems", "learning_types", "diagnoses"])
def test_items_count_one_by_one(exercise: Exercise, name: str) -> None:
    right = answers(exercise)[name]
    fractions = []
    wrong = dict(right)
    for item in right:
        fractions.append(judged(exercise, name, wrong).fraction)
        wrong[item] = None
    assert fractions[0] == 1
    assert fractions == sorted(fractions, reverse=True)
    assert 0 < fractions[1] < 1


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("problems", {"c": "lossy compression", "h": "Lossy Compression", "d": "data compression"}),
        ("problems", {"c": "dimensionality reduction", "g": "lossless compression"}),
        ("learning_types", {"k-means": "unsupervised learning", "decision tree": "Supervised"}),
        ("diagnoses", {"a": "overtraining", "b": "underfit", "c": "optimal"}),
    ],
)
def test_other_words_are_right(exercise: Exercise, name: str, changes: dict[str, str]) -> None:
    assert judged(exercise, name, answers(exercise)[name] | changes).fraction == 1


def test_a_compression_is_not_always_a_dimension_reduction(exercise: Exercise) -> None:
    right = answers(exercise)["problems"]
    for changes in ({"d": "dimension reduction"}, {"c": "lossless compression"}, {"g": "lossy compression"}):
        assert judged(exercise, "problems", right | changes).fraction < 1


ORDER = ["collect", "label", "preprocess", "features", "split", "train", "validate", "test"]


@pytest.mark.parametrize(
    ("order", "fraction"),
    [
        (ORDER, 1),
        (["collect", "label", "split", "preprocess", "features", "train", "validate", "test"], 1),
        (["collect", "label", "preprocess", "split", "features", "train", "validate", "test"], 1),
        (["collect", "preprocess", "label", "features", "split", "train", "validate", "test"], 1),
        (["Collection", "labelling", "pre-processing", "features", "split", "training", "validation", "testing"], 1),
        (["label", "collect", *ORDER[2:]], 1 - 2 / 28),
        ([*ORDER[:5], "test", "validate", "train"], 1 - 6 / 28),
        (["collect", "label", "split", "preprocess", "features", "train", "test", "validate"], 1 - 2 / 28),
        (ORDER[::-1], 0),
        (ORDER[:4], 0),
    ],
)
def test_the_order_by_its_pairs(exercise: Exercise, order: list[str], fraction: float) -> None:
    assert judged(exercise, "workflow", order).fraction == pytest.approx(fraction)


# Follow-through


def test_labels_follow_the_students_own_errors(exercise: Exercise) -> None:
    own = answers(exercise, {"test_error_9": 0.01})
    assert own["fit_labels"] == {"degree 1": "underfitting", "degree 3": "underfitting", "degree 9": "good fit"}
    results = judge(exercise, own)
    assert lost_values(results) == ["test_error_9"]
    assert results["fit_labels"].follow_through
    unearned = judge(exercise, answers(exercise, None, fit_labels=own["fit_labels"]))
    assert lost_values(unearned) == ["fit_labels"]
    assert unearned["fit_labels"].misconception == "chosen_by_training_error"


@pytest.mark.parametrize(
    ("mistake", "credit"),
    [
        ("fitted_to_test", 0),
        ("fitted_to_everything", 0),
        ("degree_counts_coefficients", 0),
        ("constant_missing", 0),
        ("axes_swapped", 0),
        ("errors_swapped", 0),
        ("root_taken", 0.5),
        ("sum_taken", 0.5),
        ("half_taken", 0.5),
        ("absolute_taken", 0),
    ],
)
def test_a_mistake_in_the_errors_costs_once(exercise: Exercise, mistake: str, credit: float) -> None:
    wrong = exercise.reference.misconceptions[mistake]
    value = Evaluation(exercise.reference, None).mistaken(wrong)
    results = judge(exercise, answers(exercise, {wrong.target: value}))
    assert lost_values(results) == ["train_error_1"]
    assert (results["train_error_1"].misconception, results["train_error_1"].fraction) == (mistake, credit)


def test_four_decimals_and_a_transpose_are_enough(exercise: Exercise) -> None:
    given = answers(exercise)
    rounded = {name: round(given[name], 4) for name in ERRORS} | {"curves": np.round(given["curves"], 2).T}
    assert lost_values(judge(exercise, given | rounded)) == []


# Errata


def written(exercise: Exercise, name: str) -> TextOptions:
    (check,) = (one for one in exercise.rubric.checks if one.id == name)
    assert isinstance(check.options, TextOptions)
    return check.options


def test_ETH_17_nothing_goes_by_the_number_of_a_task(exercise: Exercise) -> None:
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    assert not re.search(r"\btask \d", task, re.IGNORECASE)
    assert set(exercise.items) == {"E01", "E02", "E03", "E04", "E05", "E06"}
    assert sorted(name for names in exercise.items.values() for name in names) == sorted(
        check.id for check in exercise.rubric.checks
    )


@pytest.mark.parametrize(
    "answer",
    [
        "Yes. Its test error is several times the training error, with fewer parameters than data.",
        "No: overfitting needs more parameters than data.",
    ],
)
def test_ETH_22_the_more_exact_statement_on_overfitting_is_in_the_key(exercise: Exercise, answer: str) -> None:
    """No words decide here: every answer goes to a person, whose key says that the sheet is not exact."""
    result = judge(exercise, answers(exercise, None, explanation=answer))["explanation"]
    assert result.for_person
    assert "needs no more parameters than data" in result.evidence
    assert any("needs no more parameters than data" in one for one in written(exercise, "explanation").accept)


def test_ETH_23_the_validation_set_may_be_called_test_set(exercise: Exercise) -> None:
    answer = "Training set: fits. Test set: chooses the model. The final model is tried on data from the field."
    result = judge(exercise, answers(exercise, None, data_sets=answer))["data_sets"]
    assert result.for_person
    assert any("called test set" in one for one in written(exercise, "data_sets").accept)
    assert "called test set" in result.evidence
    points = [one.points for one in written(exercise, "data_sets").key_points]
    assert points == [1, 1, 1]


def test_messages_for_students_hold_no_result(exercise: Exercise) -> None:
    for wrong in exercise.reference.misconceptions.values():
        assert not re.search(r"\d\.\d", wrong.message), wrong.id
