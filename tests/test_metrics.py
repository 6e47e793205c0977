"""The exercise on metrics: scikit-learn as the yardstick, layouts, ties, follow-through, and the errata."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from judging_helpers import judge, lost
from observing_helpers import grade
from sklearn.metrics import confusion_matrix, precision_score, recall_score, roc_auc_score, roc_curve

from grader.checks import KINDS
from grader.checks.text import TextOptions
from grader.course import Exercise, load_course
from grader.model import CheckResult
from grader.reference import Evaluation

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "exercises" / "theory_to_practice" / "metrics"
SOLUTION = (ROOT / "reference" / "theory_to_practice" / "solutions" / "metrics.py").read_text(encoding="utf-8")
VALUES = ("TP", "FN", "FP", "TN", "precision", "recall", "TPR", "FPR", "curve", "auc")
SEEDS: tuple[int | None, ...] = (None, *range(30))


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    folder = tmp_path_factory.mktemp("course")
    for part in ("exercises", "reference", "rubrics"):
        (folder / part).symlink_to(ROOT / part)
    text = "title: T\nassignments:\n  theory_to_practice: {title: M, exercises: [metrics]}\n"
    (folder / "course.yaml").write_text(text, encoding="utf-8")
    (found,) = load_course(folder, KINDS).exercises()
    return found


def answers(
    exercise: Exercise, fixed: dict[str, Any] | None = None, seed: int | None = None, **changed: Any
) -> dict[str, Any]:
    """Return what a student hands in who works right on from the values in ``fixed``, with some ``changed``."""
    values = Evaluation(exercise.reference, seed, fixed)
    return {name: values.value(name) for name in VALUES} | changed


def lost_values(results: dict[str, CheckResult]) -> list[str]:
    return [name for name in lost(results) if name in VALUES]


def graded(exercise: Exercise, *pairs: tuple[str, str]) -> dict[str, CheckResult]:
    """Return the results of the second solution with some of its text replaced."""
    text = SOLUTION
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    # Figures are seen only in the sandbox, where `grade validate` draws them.
    lines = [line for line in text.splitlines() if not re.match(r"(fig, )?ax\W|plt\.", line)]
    return grade(exercise, "\n".join(lines))


def starter() -> list[Any]:
    return nbformat.read(FOLDER / "metrics.ipynb", as_version=nbformat.NO_CONVERT).cells  # type: ignore[no-untyped-call,no-any-return]


def standard_form(y: Any, fpr: Any, tpr: Any) -> Any:
    """Return what the starter's function of that name gives."""
    (cell,) = (one for one in starter() if one.source.startswith("def standard_form"))
    names = {"np": np, "y": y, "fpr": fpr, "tpr": tpr}
    exec(cell.source, names)  # noqa: S102 - our own file
    return names["curve"]


# By other means


@pytest.mark.parametrize("seed", SEEDS)
def test_every_value_agrees_with_scikit_learn(exercise: Exercise, seed: int | None) -> None:
    v = exercise.reference.evaluate(seed)
    y, y_hat, scores = v["y"], v["y_hat"], v["scores"]
    (tn, fp), (fn, tp) = confusion_matrix(y, y_hat)
    assert (tp, fn, fp, tn) == (v["TP"], v["FN"], v["FP"], v["TN"])
    assert v["precision"] == pytest.approx(precision_score(y, y_hat))
    assert v["recall"] == v["TPR"] == v["hit_rate"] == pytest.approx(recall_score(y, y_hat))
    assert v["FPR"] == pytest.approx(1 - recall_score(1 - y, 1 - y_hat))
    assert v["auc"] == pytest.approx(roc_auc_score(y, scores))
    for drop in (True, False):
        fpr, tpr, _ = roc_curve(y, scores, drop_intermediate=drop)
        np.testing.assert_allclose(standard_form(y, fpr, tpr), v["curve"], atol=1e-12)


def test_wrong_areas_agree_with_scikit_learn(exercise: Exercise) -> None:
    truth = Evaluation(exercise.reference, None)
    y, y_hat, scores = (truth.value(name) for name in ("y", "y_hat", "scores"))
    found = {
        name: truth.mistaken(exercise.reference.misconceptions[name]) for name in ("auc_of_predictions", "area_above")
    }
    assert found["auc_of_predictions"] == pytest.approx(roc_auc_score(y, y_hat))
    assert found["area_above"] == pytest.approx(roc_auc_score(1 - y, scores))


def test_functions_agree_with_scikit_learn(exercise: Exercise) -> None:
    truth = Evaluation(exercise.reference, None, hidden=4)
    matrix = exercise.reference.definitions["labelled_matrix"].function
    for y, y_hat, *_ in truth.cases("for_labelled_matrix"):
        right = confusion_matrix(y, y_hat, labels=[1, 0])
        np.testing.assert_array_equal(matrix(y, y_hat)[0], right)
        assert len(set(right.ravel())) == 4  # no cell can be taken for another one
    for tp, fp in truth.cases("usual"):
        y, y_hat = np.repeat([1, 0], [tp, fp]), np.ones(tp + fp, int)
        assert exercise.reference.definitions["safe_precision"].function(tp, fp) == precision_score(y, y_hat)


@pytest.mark.parametrize("seed", SEEDS)
def test_mistakes_are_told_from_right_and_from_each_other(exercise: Exercise, seed: int | None) -> None:
    """Where a mistake can show, it is at least five tolerances away from right, and two from other mistakes."""
    truth, reference = Evaluation(exercise.reference, seed), exercise.reference
    tolerances = {"curve": 0.01}
    found = {(name, "right"): truth.value(name) for name in VALUES}
    for wrong in reference.misconceptions.values():
        if wrong.target in reference.definitions:
            continue
        changed = Evaluation(reference, seed, {wrong.target: truth.mistaken(wrong)})
        nearest = {"denominators": ("precision", "recall"), "counts": ("FN", "FP")}.get(wrong.target, (wrong.target,))
        found |= {(name, wrong.id): changed.value(name) for name in nearest}
    near = []
    for (name, one), (other_name, other) in combinations(found, 2):
        if name == other_name:
            apart = np.max(np.abs(np.subtract(found[name, one], found[name, other])))
            near += [(name, one, other)] if apart < 5 * tolerances.get(name, 0.002) else []
    same_by_nature = [("FN", "errors_swapped", "classes_swapped"), ("FP", "errors_swapped", "classes_swapped")]
    assert [one for one in near if one not in same_by_nature] == []


def test_the_starter_holds_the_numbers(exercise: Exercise) -> None:
    (cell,) = (one for one in starter() if "given" in one.metadata.get("tags", []))
    names: dict[str, Any] = {"np": np}
    exec(cell.source, names)  # noqa: S102 - our own file
    truth = exercise.reference.evaluate()
    for name in exercise.reference.givens:
        np.testing.assert_array_equal(names[name], truth[name])


def test_everybody_has_other_numbers(exercise: Exercise) -> None:
    own = [answers(exercise, seed=seed) for seed in (3, 4)]
    assert lost_values(judge(exercise, own[0], seed=3)) == []
    assert {"TP", "curve"} <= set(lost_values(judge(exercise, own[0], seed=4)))  # the rest follows from them
    counts = {tuple(answers(exercise, seed=seed)[name] for name in VALUES[:4]) for seed in range(40)}
    assert len(counts) > 20


# Curves


@pytest.mark.parametrize("seed", SEEDS[:6])
def test_any_list_of_points_of_the_curve_will_do(exercise: Exercise, seed: int | None) -> None:
    v = exercise.reference.evaluate(seed)
    y, scores = v["y"], v["scores"]
    for thresholds in (
        np.unique(scores)[::-1],
        np.r_[np.inf, np.unique(scores)[::-1], -np.inf],
        np.linspace(1, 0, 201),  # repeats nearly every point
        np.unique(scores),  # from (1, 1) to (0, 0)
    ):
        fpr, tpr = ([np.mean(scores[y == one] >= t) for t in thresholds] for one in (0, 1))
        np.testing.assert_allclose(standard_form(y, fpr, tpr), v["curve"], atol=1e-12)
        rounded = standard_form(y, np.round(fpr, 3), np.round(tpr, 3))
        assert lost_values(judge(exercise, answers(exercise, seed=seed, curve=rounded), seed=seed)) == []


def test_a_corner_left_out_is_not_the_curve(exercise: Exercise) -> None:
    v = exercise.reference.evaluate()
    fpr, tpr, _ = roc_curve(v["y"], v["scores"])
    x, y = np.diff(fpr), np.diff(tpr)
    corners = np.flatnonzero(np.abs(x[:-1] * y[1:] - x[1:] * y[:-1]) > 1e-9) + 1
    assert len(corners) > 5
    for corner in corners:
        curve = standard_form(v["y"], np.delete(fpr, corner), np.delete(tpr, corner))
        assert "curve" in lost(judge(exercise, answers(exercise, curve=curve)))


@pytest.mark.parametrize("name", ["ties_as_they_come", "ties_from_the_end", "ties_with_positive_first"])
def test_ties_passed_one_by_one_cost_half_and_once(exercise: Exercise, name: str) -> None:
    y, scores = (Evaluation(exercise.reference, None).value(one) for one in ("y", "scores"))
    pairs = list(zip(scores, y, range(len(y)), strict=True))
    order = {
        "ties_as_they_come": sorted(pairs, key=lambda one: -one[0]),
        "ties_from_the_end": sorted(pairs, key=lambda one: one[0])[::-1],
        "ties_with_positive_first": sorted(pairs, key=lambda one: (-one[0], -one[1])),
    }[name]
    labels = np.array([one[1] for one in order])
    curve = standard_form(y, np.cumsum(1 - labels) / np.sum(y == 0), np.cumsum(labels) / np.sum(y == 1))
    results = judge(exercise, answers(exercise, {"curve": curve}))
    assert lost_values(results) == ["curve"]
    assert (results["curve"].misconception, results["curve"].fraction) == (name, 0.5)
    assert results["auc"].follow_through


def test_the_area_follows_from_any_curve_of_ones_own(exercise: Exercise) -> None:
    y = Evaluation(exercise.reference, None).value("y")
    curve = standard_form(y, [0, 0.1, 0.3, 1], [0, 0.5, 0.6, 1])
    area = 0.1 * 0.25 + 0.2 * 0.55 + 0.7 * 0.8
    results = judge(exercise, answers(exercise, None, curve=curve, auc=area))
    assert lost_values(results) == ["curve"]
    assert results["auc"].follow_through
    assert lost_values(judge(exercise, answers(exercise, None, curve=curve, auc=area + 0.02))) == ["curve", "auc"]


# Follow-through


@pytest.mark.parametrize(
    ("mistake", "charged"),
    [("classes_swapped", "TP"), ("errors_swapped", "FN"), ("precision_and_recall_swapped", "precision")],
)
def test_a_mix_up_costs_once(exercise: Exercise, mistake: str, charged: str) -> None:
    wrong = exercise.reference.misconceptions[mistake]
    value = Evaluation(exercise.reference, None).mistaken(wrong)
    results = judge(exercise, answers(exercise, {wrong.target: value}))
    assert lost_values(results) == [charged]
    assert results[charged].misconception == mistake


def test_precision_and_recall_follow_from_own_counts(exercise: Exercise) -> None:
    own = {"TP": 8, "FN": 5, "FP": 3, "TN": 15}
    expected = {"precision": 8 / 11, "recall": 8 / 13, "TPR": 8 / 13, "FPR": 3 / 18}
    results = judge(exercise, answers(exercise, own) | expected)
    assert lost_values(results) == ["TP", "FN", "FP", "TN"]
    assert all(results[name].follow_through for name in expected)


@pytest.mark.parametrize("rate", ["recall", "counts"])
def test_the_true_positive_rate_follows_from_recall_or_from_the_counts(exercise: Exercise, rate: str) -> None:
    right = answers(exercise)
    tpr = 0.123 if rate == "recall" else right["TPR"]
    assert lost_values(judge(exercise, right | {"recall": 0.123, "TPR": tpr})) == ["recall"]
    own = {"TP": 8, "recall": 0.123, "TPR": 0.123 if rate == "recall" else 8 / (8 + right["FN"])}
    results = judge(exercise, answers(exercise, {"TP": 8}) | own)
    assert lost_values(results) == ["TP", "recall"]


def test_three_decimals_are_enough(exercise: Exercise) -> None:
    rounded = {name: np.round(value, 3) for name, value in answers(exercise).items()}
    assert lost_values(judge(exercise, rounded)) == []


# Errata


ROWS = '    row_labels = ["actual negative", "actual positive"]\n'
COLUMNS = '    column_labels = ["predicted negative", "predicted positive"]\n'
MATRIX = "    matrix = confusion_matrix(y, y_hat)\n"


def layout(order: list[int], columns: list[int], *, transposed: bool) -> tuple[tuple[str, str], ...]:
    """Return the changes to the solution that give its matrix in another layout, with the labels for it."""
    words = ["negative", "positive"]
    rows, others = [f"actual {words[one]}" for one in order], [f"predicted {words[one]}" for one in columns]
    turn = ".T" if transposed else ""
    return (
        (MATRIX, f"    matrix = confusion_matrix(y, y_hat)[{order}][:, {columns}]{turn}\n"),
        (ROWS, f"    row_labels = {others if transposed else rows}\n"),
        (COLUMNS, f"    column_labels = {rows if transposed else others}\n"),
    )


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("columns", [[0, 1], [1, 0]])
@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_ICTP_10_every_declared_layout_is_right(
    exercise: Exercise, order: list[int], columns: list[int], transposed: bool
) -> None:
    assert graded(exercise, *layout(order, columns, transposed=transposed))["labelled_matrix"].fraction == 1


@pytest.mark.parametrize(
    ("pairs", "fraction", "name"),
    [
        ([(MATRIX, MATRIX.rstrip() + ".T\n")], 0.5, "axes_mistaken"),
        ([(MATRIX, MATRIX.rstrip() + "[::-1, ::-1]\n")], 0, "classes_mislabelled"),
        ([(ROWS, '    row_labels = ["Actual Negative", " actual  positive"]\n')], 1, None),
        ([(ROWS, '    row_labels = ["negative", "positive"]\n')], 0, None),
        ([(ROWS, "    row_labels = None\n")], 0, None),
        ([(ROWS, '    row_labels = ["actual negative", "actual negative"]\n')], 0.5, None),
        ([(MATRIX, MATRIX + "    matrix[0, 1] += 1\n")], 0.75, None),
        ([(MATRIX, "    matrix = [[3, 3], [3, 3]]\n")], 0, None),
    ],
)
def test_ICTP_10_labels_are_required_and_each_cell_counts(
    exercise: Exercise, pairs: list[tuple[str, str]], fraction: float, name: str | None
) -> None:
    result = graded(exercise, *pairs)["labelled_matrix"]
    assert result.fraction == pytest.approx(fraction, abs=0.13 if "3, 3" in pairs[0][1] else 1e-9)
    assert result.misconception == name


STATED = 'undefined_precision = float("nan")'
GIVEN_BACK = '        return float("nan")\n'


@pytest.mark.parametrize("said", ["0", "1", "0.0", "np.nan", "np.float64(1)"])
def test_ICTP_12_undefined_precision_is_0_or_1_or_nan_where_stated(exercise: Exercise, said: str) -> None:
    pairs = [(STATED, f"undefined_precision = {said}"), (GIVEN_BACK, f"        return {said}\n")]
    assert "safe_precision_undefined" not in lost(graded(exercise, *pairs))


@pytest.mark.parametrize(
    ("said", "given"),
    [("None", 'float("nan")'), ("0", 'float("nan")'), ("1", "0"), ("0.5", "0.5"), ('"zero"', "0"), ("1", "1 / 0")],
)
def test_ICTP_12_what_is_not_stated_or_not_given_is_not_right(exercise: Exercise, said: str, given: str) -> None:
    pairs = [(STATED, f"undefined_precision = {said}"), (GIVEN_BACK, f"        return {given}\n")]
    results = graded(exercise, *pairs)
    assert [name for name in lost(results) if name not in {"meaning", "figure"}] == ["safe_precision_undefined"]


def test_the_second_solution_earns_everything_but_what_a_person_marks(exercise: Exercise) -> None:
    results = graded(exercise)
    assert lost(results) == ["figure", "meaning"]
    assert results["meaning"].for_person
    assert sum(check.options.points for check in exercise.rubric.checks) == 15


def test_the_key_to_the_written_answer_takes_the_curve_and_the_pairs(exercise: Exercise) -> None:
    (options,) = (one.options for one in exercise.rubric.checks if one.id == "meaning")
    assert isinstance(options, TextOptions)
    assert [one.points for one in options.key_points] == [0.75, 0.75]
    assert any("diagonal" in one for one in options.accept)
    assert any("pairs" in one for one in options.accept)


def test_messages_for_students_hold_no_result(exercise: Exercise) -> None:
    for wrong in exercise.reference.misconceptions.values():
        assert not re.search(r"\d\.\d|\d/", wrong.message), wrong.id
