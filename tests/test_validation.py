"""The exercise on cross-validation: scikit-learn, properties one by one, personal numbers, follow-through, errata."""

from __future__ import annotations

import ast
import random
import re
import statistics
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from judging_helpers import judge, lost
from observing_helpers import grade
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler

from grader.checks import KINDS
from grader.course import Exercise, load_course
from grader.known import mistaken
from grader.model import CheckResult
from grader.reference import Evaluation, Misconception
from grader.starters import with_given

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "exercises" / "theory_to_practice" / "validation"
NUMBERS = ("n_trainings", "trainings_with_example", "largest_train_size", "smallest_train_size", "cv_score")
PROPERTIES = ("every_example_used", "no_example_twice", "sizes_nearly_equal")
FUNCTIONS = {*PROPERTIES, "split_round", "scale_parts"}
SEEDS: tuple[int | None, ...] = (None, *range(40))
HIDDEN = range(5)


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    folder = tmp_path_factory.mktemp("course")
    for part in ("exercises", "reference", "rubrics"):
        (folder / part).symlink_to(ROOT / part)
    text = "title: T\nkey: k\nassignments:\n  theory_to_practice: {title: M, personal: true, exercises: [validation]}\n"
    (folder / "course.yaml").write_text(text, encoding="utf-8")
    (found,) = load_course(folder, KINDS).exercises()
    return found


def answers(exercise: Exercise, seed: int | None = None, **changed: Any) -> dict[str, Any]:
    values = Evaluation(exercise.reference, seed)
    return {name: values.value(name) for name in NUMBERS} | changed


def judged_numbers(exercise: Exercise, seed: int | None = None, **changed: Any) -> dict[str, CheckResult]:
    results = judge(exercise, answers(exercise, seed, **changed), seed=seed)
    return {name: results[name] for name in NUMBERS}


def graded(exercise: Exercise, body: str, hidden: int = 0) -> dict[str, CheckResult]:
    """Grade a module that imports NumPy and goes on with ``body``."""
    return grade(exercise, f"import numpy as np\n{body}\n", hidden)


def folds_lost(exercise: Exercise, expression: str, hidden: int = 0) -> list[str]:
    """Return which properties the folds ``expression`` lack."""
    results = graded(exercise, f"def k_folds(n, k):\n    return {expression}", hidden)
    return [name for name in PROPERTIES if results[name].fraction < 1]


def outcome(result: CheckResult) -> tuple[float, str | None]:
    return result.fraction, result.misconception


# The reference, by other means


@pytest.mark.parametrize(("n", "k"), [(11, 3), (12, 4), (29, 7), (5, 5), (100, 6)])
def test_folds_and_rounds_agree_with_scikit_learn(exercise: Exercise, n: int, k: int) -> None:
    definitions = exercise.reference.definitions
    folds = definitions["k_folds"].function(n, k)
    theirs = [(train.tolist(), validation.tolist()) for train, validation in KFold(k).split(np.zeros((n, 1)))]
    assert folds == [validation for _, validation in theirs]
    assert [definitions["split_round"].function(folds, i) for i in range(k)] == theirs


@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_agree_with_counting_in_scikit_learns_rounds(exercise: Exercise, seed: int | None) -> None:
    truth = exercise.reference.evaluate(seed)
    rounds = list(KFold(truth["n_folds"], shuffle=True, random_state=1).split(np.zeros((truth["n_examples"], 1))))
    train_sizes = [len(train) for train, _ in rounds]
    assert truth["n_trainings"] == len(rounds)
    assert {truth["trainings_with_example"]} == set(np.bincount(np.concatenate([train for train, _ in rounds])))
    assert (truth["largest_train_size"], truth["smallest_train_size"]) == (max(train_sizes), min(train_sizes))
    assert truth["largest_train_size"] == truth["smallest_train_size"] + 1
    assert truth["cv_score"] == pytest.approx(statistics.fmean(truth["fold_scores"]))


@pytest.mark.parametrize("hidden", HIDDEN)
def test_scaling_agrees_with_scikit_learn(exercise: Exercise, hidden: int) -> None:
    for x, train, validation in Evaluation(exercise.reference, None, hidden=hidden).cases("tables"):
        scaler = StandardScaler().fit(x[train])
        ours = exercise.reference.definitions["scale_parts"].function(x, train, validation)
        np.testing.assert_allclose(ours[0], scaler.transform(x[train]))
        np.testing.assert_allclose(ours[1], scaler.transform(x[validation]))


# Folds, property by property


@pytest.mark.parametrize(
    "expression",
    [
        "np.array_split(np.random.permutation(n), k)",
        "[list(range(i, n, k)) for i in range(k)]",
        "[set(range(i, n, k)) for i in range(k)]",
        "(range(i * n // k, (i + 1) * n // k) for i in range(k))",
        "[np.flatnonzero(np.arange(n) % k == i) for i in range(k)]",
        "tuple(tuple(range(n))[i::k] for i in range(k))",
        "np.array_split(np.arange(n, dtype=np.int16), k)[::-1]",
    ],
)
def test_folds_may_be_made_in_any_way(exercise: Exercise, expression: str) -> None:
    assert [folds_lost(exercise, expression, hidden) for hidden in HIDDEN] == [[]] * len(HIDDEN)


def test_folds_by_scikit_learn_are_right(exercise: Exercise) -> None:
    body = """
from sklearn.model_selection import KFold
def k_folds(n, k):
    return [part for _, part in KFold(k, shuffle=True).split(np.zeros((n, 1)))]
"""
    results = graded(exercise, body)
    assert [results[name].fraction for name in PROPERTIES] == [1, 1, 1]


@pytest.mark.parametrize(
    ("expression", "missing"),
    [
        ("[range(i * (n // k), (i + 1) * (n // k)) for i in range(k)]", ["every_example_used"]),
        ("[range(1 + i, n + 1, k) for i in range(k)]", ["every_example_used"]),
        ("[range(i * (n // k), (i + 1) * (n // k) if i < k - 1 else n) for i in range(k)]", ["sizes_nearly_equal"]),
        ("[range(i, min(i + k, n)) for i in range(0, n, k)]", ["sizes_nearly_equal"]),
        ("[[*range(i, n, k), (i + 1) % k] for i in range(k)]", ["no_example_twice", "sizes_nearly_equal"]),
        ("[range(n)] + [[]] * (k - 1)", ["sizes_nearly_equal"]),
        # Nothing is to be had for what holds of no folds at all, or of all examples in every fold.
        ("[[]] * k", [*PROPERTIES]),
        ("[[i] for i in range(k)]", [*PROPERTIES]),
        ("[range(n)] * k", [*PROPERTIES]),
        # Not what was asked for: pairs of parts, fractions, a fold for each example.
        ("[(list(range(n)), [i]) for i in range(k)]", [*PROPERTIES]),
        ("np.array_split(np.arange(n) / 2, k)", [*PROPERTIES]),
        ("np.arange(n) % k", [*PROPERTIES]),
        ("n // k", [*PROPERTIES]),
    ],
)
def test_each_property_is_worth_its_own_point(exercise: Exercise, expression: str, missing: list[str]) -> None:
    assert [folds_lost(exercise, expression, hidden) for hidden in HIDDEN] == [missing] * len(HIDDEN)


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("target", ["k_folds", "split_round", "scale_parts"])
def test_every_mistake_in_a_function_is_told_from_the_others(
    exercise: Exercise, target: str, hidden: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each wrong version loses by its own name, whichever inputs are drawn."""
    # The reference's dataclasses look their module up by its name.
    monkeypatch.setitem(sys.modules, "work", ModuleType("work"))
    for wrong in exercise.reference.misconceptions.values():
        if wrong.target == target:
            results = grade(exercise, source_of(exercise, wrong), hidden)
            named = {result.misconception for name, result in results.items() if name in FUNCTIONS}
            assert named - {None} == {wrong.id}


def source_of(exercise: Exercise, wrong: Misconception) -> str:
    """Return a right solution with one wrong version bound at its end, as ``grade validate`` makes it."""
    files = mistaken(exercise, wrong, Evaluation(exercise.reference, None))
    return files["validation.py"].decode()


# One round


@pytest.mark.parametrize(
    "expression",
    [
        "np.concatenate([f for j, f in enumerate(folds) if j != i]), np.array(folds[i])",
        "sum(folds[:i] + folds[i + 1:], []), folds[i]",
        "[{e for f in folds for e in f} - set(folds[i]), set(folds[i])]",
        "np.setdiff1d(np.concatenate(folds), folds[i]), sorted(folds[i], reverse=True)",
    ],
)
def test_rounds_may_be_made_in_any_way(exercise: Exercise, expression: str) -> None:
    results = graded(exercise, f"def split_round(folds, i):\n    return {expression}")
    assert outcome(results["split_round"]) == (1, None)


@pytest.mark.parametrize(
    ("expression", "fraction", "named"),
    [
        ("folds[i], sum(folds[:i] + folds[i + 1:], [])", 0.5, "parts_swapped"),
        ("sum(folds[:i - 1] + folds[i:], []) if i else sum(folds[:-1], []), folds[i - 1]", 0.5, "rounds_from_one"),
        ("sum(folds, []), folds[i]", 0, "trained_on_everything"),
        ("folds[:i] + folds[i + 1:], folds[i]", 0, None),
        ("folds[i]", 0, None),
        ("sum(folds[:i], []), folds[i]", 0, None),
        ("sum(folds[:i] + folds[i + 1:], []), folds[i] + folds[i]", 0, None),
    ],
)
def test_wrong_rounds(exercise: Exercise, expression: str, fraction: float, named: str | None) -> None:
    results = graded(exercise, f"def split_round(folds, i):\n    return {expression}")
    assert outcome(results["split_round"]) == (fraction, named)


# Numbers


@pytest.mark.parametrize("seed", SEEDS[:8])
def test_right_numbers_earn_everything(exercise: Exercise, seed: int | None) -> None:
    rounded = round(answers(exercise, seed)["cv_score"], 3)
    assert lost(judged_numbers(exercise, seed, cv_score=rounded)) == []
    assert sum(check.options.points for check in exercise.rubric.checks) == 14


@pytest.mark.parametrize("seed", SEEDS)
def test_mistakes_in_the_score_are_ten_tolerances_away(exercise: Exercise, seed: int | None) -> None:
    truth = Evaluation(exercise.reference, seed)
    right = truth.value("cv_score")
    wrong = [one for one in exercise.reference.misconceptions.values() if one.target == "cv_score"]
    assert len(wrong) == 7
    tolerance = 0.0006 + 0.0005 * right
    assert [one.id for one in wrong if abs(truth.mistaken(one) - right) < 10 * tolerance] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_mistakes_in_whole_numbers_give_others(exercise: Exercise, seed: int | None) -> None:
    truth = Evaluation(exercise.reference, seed)
    for name in ("n_trainings", "trainings_with_example"):
        wrong = [one for one in exercise.reference.misconceptions.values() if one.target == name]
        values = [truth.value(name), *(truth.mistaken(one) for one in wrong)]
        assert len(set(values)) == len(values) >= 3
    sizes = {}
    for one in exercise.reference.misconceptions.values():
        if one.target in {"fold_sizes", "part"}:
            own = Evaluation(exercise.reference, seed, {one.target: truth.mistaken(one)})
            sizes[one.id] = (own.value("largest_train_size"), own.value("smallest_train_size"))
    assert len(sizes) == 3
    assert len({*sizes.values(), (truth.value("largest_train_size"), truth.value("smallest_train_size"))}) == 4


@pytest.mark.parametrize("seed", SEEDS[:8])
def test_a_mistake_in_a_number_costs_once(exercise: Exercise, seed: int | None) -> None:
    truth = exercise.reference.evaluate(seed)
    k, n = truth["n_folds"], truth["n_examples"]
    one_less = judged_numbers(exercise, seed, n_trainings=k - 1, trainings_with_example=k - 2)
    assert lost(one_less) == ["n_trainings"]
    assert one_less["n_trainings"].misconception == "one_training_less"
    assert one_less["trainings_with_example"].follow_through
    size = (k - 1) * (n // k)
    dropped = judged_numbers(exercise, seed, largest_train_size=size, smallest_train_size=size)
    assert lost(dropped) == ["largest_train_size"]
    assert dropped["largest_train_size"].misconception == "left_over_lost"
    held_back = judged_numbers(exercise, seed, largest_train_size=n // k + 1, smallest_train_size=n // k)
    assert lost(held_back) == ["largest_train_size"]
    assert held_back["largest_train_size"].misconception == "validation_counted"


def test_a_right_number_after_a_wrong_one_is_right(exercise: Exercise) -> None:
    assert lost(judged_numbers(exercise, n_trainings=4)) == ["n_trainings"]


@pytest.mark.parametrize(
    ("mistake", "fraction"),
    [("median", 0), ("best_round", 0), ("last_round", 0), ("divided_by_one_less", 0), ("in_per_cent", 0.75)],
)
def test_mistakes_in_the_score_are_named(exercise: Exercise, mistake: str, fraction: float) -> None:
    truth = Evaluation(exercise.reference, None)
    value = round(truth.mistaken(exercise.reference.misconceptions[mistake]), 3)
    result = judged_numbers(exercise, cv_score=value)["cv_score"]
    assert outcome(result) == (fraction, mistake)


# Scaling


BY_HAND = """
    m, s = x[train].mean(0), x[train].std(0)
    return (x[train] - m) / s, (x[validation] - m) / s
"""
ONE_LESS = """
    m, s = x[train].mean(0), x[train].std(0, ddof=1)
    return [(x[train] - m) / s, (x[validation] - m) / s]
"""
BY_SCIKIT_LEARN = """
    from sklearn.preprocessing import StandardScaler
    s = StandardScaler().fit(x[train])
    return s.transform(x[train]), s.transform(x[validation])
"""
AS_LISTS = """
    x = x - x[train].mean(0)
    x /= x[train].std(0)
    return x[train].tolist(), x[validation].tolist()
"""
SINGLE_PRECISION = """
    x = x.astype('float32')
    m, s = x[train].mean(0), x[train].std(0) + 1e-8
    return (x[train] - m) / s, (x[validation] - m) / s
"""


@pytest.mark.parametrize("body", [BY_HAND, ONE_LESS, BY_SCIKIT_LEARN, AS_LISTS, SINGLE_PRECISION])
def test_either_standard_deviation_and_any_way_of_scaling_is_right(exercise: Exercise, body: str) -> None:
    for hidden in HIDDEN:
        results = graded(exercise, f"def scale_parts(x, train, validation):{body}", hidden)
        assert outcome(results["scale_parts"]) == (1, None)


@pytest.mark.parametrize(
    ("expression", "fraction", "named"),
    [
        ("((x - x.mean(0)) / x.std(0))[train], ((x - x.mean(0)) / x.std(0))[validation]", 0, "fitted_before_the_split"),
        ("x[train] - x[train].mean(0), x[validation] - x[train].mean(0)", 0.5, "division_forgotten"),
        ("x[train], x[validation]", 0, "not_scaled"),
        ("0 * x[train], 0 * x[validation]", 0, None),
        ("(x - x[train].mean(0)) / x[train].std(0)", 0, None),
    ],
)
def test_wrong_scaling(exercise: Exercise, expression: str, fraction: float, named: str | None) -> None:
    results = graded(exercise, f"def scale_parts(x, train, validation):\n    return {expression}")
    assert outcome(results["scale_parts"]) == (fraction, named)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_held_back_rows_change_nothing_but_their_own_result(exercise: Exercise, hidden: int) -> None:
    """What a leak is: the scaled training rows depend on rows that are held back."""
    misconceptions = exercise.reference.misconceptions
    for x, train, validation in Evaluation(exercise.reference, None, hidden=hidden).cases("tables"):
        other = np.array(x)
        other[validation] += 100
        right = exercise.reference.definitions["scale_parts"].function
        np.testing.assert_array_equal(right(x, train, validation)[0], right(other, train, validation)[0])
        for name in ("fitted_before_the_split", "fitted_to_both_parts"):
            leaky = misconceptions[name].function
            assert np.abs(leaky(x, train, validation)[0] - leaky(other, train, validation)[0]).max() > 0.1


# Starter and task


def given_in(source: str) -> dict[str, Any]:
    block = source.partition("# --- given ---\n")[2].partition("# --- end of given ---")[0]
    assert all(isinstance(one, ast.Assign) for one in ast.parse(block).body)
    names: dict[str, Any] = {"np": np}
    exec(block, names)  # noqa: S102 - our own file
    return {name: np.asarray(names[name]).tolist() for name in ("n_examples", "n_folds", "fold_scores")}


@pytest.mark.parametrize("seed", [None, 3])
def test_the_starter_holds_everybodys_numbers(exercise: Exercise, seed: int | None) -> None:
    truth = exercise.reference.evaluate(seed)
    own = {name: truth[name] for name in exercise.reference.givens}
    text = (FOLDER / "validation.py").read_text(encoding="utf-8")
    source = text if seed is None else with_given("validation.py", text, own)
    assert given_in(source) == {name: np.asarray(value).tolist() for name, value in own.items()}


def test_numbers_differ_from_person_to_person(exercise: Exercise) -> None:
    truths = [exercise.reference.evaluate(seed) for seed in SEEDS]
    assert len({one["n_examples"] for one in truths}) > 25
    assert len({one["cv_score"] for one in truths}) > 35
    assert {one["n_folds"] for one in truths} == {5, 6, 7, 8}


# Errata


@pytest.mark.parametrize("seed", SEEDS)
def test_ICTP_11_sizes_of_folds_may_differ_by_one(exercise: Exercise, seed: int | None) -> None:
    """The slide wants folds of equal size; 11 examples in 3 folds are 4, 4 and 3, in any order."""
    truth = exercise.reference.evaluate(seed)
    assert truth["n_examples"] % truth["n_folds"] != 0
    assert set(truth["fold_sizes"]) == {
        truth["n_examples"] // truth["n_folds"],
        truth["n_examples"] // truth["n_folds"] + 1,
    }
    held = exercise.reference.properties["nearly_equal"].function
    numbers = list(range(11))
    random.Random(2).shuffle(numbers)  # noqa: S311 - an order
    for cuts in ((4, 8), (3, 7), (4, 7)):
        folds = [numbers[: cuts[0]], numbers[cuts[0] : cuts[1]], numbers[cuts[1] :]]
        assert held((11, 3), folds) == ""
    assert held((11, 3), [numbers[:3], numbers[3:6], numbers[6:]]) == "Yours have the sizes [3, 3, 5]."
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    assert "sizes differ by at most one" in task
    assert "shuffle the examples first is up to you" in task


def test_messages_for_students_hold_no_number(exercise: Exercise) -> None:
    told = {one.id for one in exercise.reference.misconceptions.values() if re.search(r"\d", one.message)}
    assert told == {"examples_from_one", "rounds_from_one", "in_per_cent"}
