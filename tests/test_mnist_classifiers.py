"""The exercise mnist_classifiers: its reference against other implementations, its rubric, and how it treats errata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.stats import entropy  # type: ignore[import-untyped]
from sklearn.linear_model import Perceptron
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from grader.reference import Evaluation, Reference
from grader.reference import load as load_reference

ROOT = Path(__file__).resolve().parents[1]
RUBRIC = yaml.safe_load((ROOT / "rubrics/microcontrollers/mnist_classifiers.yaml").read_text(encoding="utf-8"))
SETTINGS = yaml.safe_load(
    (ROOT / "exercises/microcontrollers/mnist_classifiers/exercise.yaml").read_text(encoding="utf-8")
)
CHECKS = [check for criterion in RUBRIC["criteria"] for check in criterion["checks"]]
BANDS = {check["accuracy"]: check["bands"] for check in CHECKS if "bands" in check}


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference(ROOT / "reference/microcontrollers/mnist_classifiers.py")


def function(reference: Reference, name: str) -> Any:
    return reference.definitions[name].function


def separates(reference: Reference, points: Any, features: Any) -> bool:
    return reference.properties["separates_xor"].function((points,), features) is True


def test_impurities_agree_with_a_tree_of_scikit_learn(reference: Reference) -> None:
    """A stump on one feature that says which side a sample goes to makes just this split."""
    values = reference.evaluate()
    left, right = values["left"], values["right"]
    side = np.repeat([0, 1], [left.sum(), right.sum()])[:, None]
    labels = np.concatenate([np.repeat(np.arange(3), left), np.repeat(np.arange(3), right)])
    found = {
        name: DecisionTreeClassifier(criterion=name, max_depth=1).fit(side, labels).tree_
        for name in ("gini", "entropy")
    }
    gini, shannon = (found[name].impurity for name in ("gini", "entropy"))
    sizes = found["gini"].n_node_samples
    assert [values["gini_parent"], values["gini_left"], values["gini_right"]] == pytest.approx(gini)
    for name, impurity in (("gini_gain", gini), ("entropy_gain", shannon)):
        assert values[name] == pytest.approx(impurity[0] - np.dot(sizes[1:], impurity[1:]) / sizes[0])
    assert shannon[0] == pytest.approx(entropy(left + right, base=2))


def test_named_mistakes_are_far_from_right(reference: Reference) -> None:
    truth = Evaluation(reference, None)
    atol = RUBRIC["defaults"]["value"]["atol"]
    for wrong in reference.misconceptions.values():
        if wrong.target in {"gini_gain", "entropy_gain"}:
            assert abs(truth.mistaken(wrong) - truth.value(wrong.target)) > 5 * atol, wrong.id


def test_separability_agrees_with_a_perceptron(reference: Reference) -> None:
    """It converges, without an error, where the classes are separable, and never where they are not (Novikoff)."""
    answers = []
    for hidden in range(3):
        for points, labels in Evaluation(reference, None, hidden=hidden).cases("point_clouds"):
            plane = Perceptron(max_iter=5000, tol=None, random_state=0).fit(points, labels)
            answers.append(function(reference, "is_separable")(points, labels))
            assert answers[-1] is bool(plane.score(points, labels) == 1)
    assert answers == [False, True, True, False, True] * 3


@pytest.mark.parametrize("hidden", range(3))
def test_XOR_is_separable_in_usual_features_only(reference: Reference, hidden: int) -> None:
    for (points,) in Evaluation(reference, None, hidden=hidden).cases("xor_clouds"):
        x, y = points.T
        right = (x * y, (x * y)[:, None], np.stack([x, y, x * y], 1), (x - y) ** 2, np.abs(x + y), np.sign(x * y))
        assert all(separates(reference, points, features) for features in right)
        # As lists, which is how they come back from a student's process.
        assert separates(reference, points, np.stack([x, y, x * y], 1).tolist())
        wrong = (points, points**2, x + y, np.stack([x, y, x + y], 1), np.zeros((len(x), 2)))
        assert not any(separates(reference, points, features) for features in wrong)
        assert not separates(reference, points, (x * y)[:-1])
        assert not separates(reference, points, np.random.default_rng(0).normal(size=(len(x), 200)))


def test_bands_tell_usual_classifiers_from_wrong_ones(reference: Reference) -> None:
    truth = Evaluation(reference, None)
    ((digits, labels),) = truth.cases("hidden_digits")
    assert len(labels) == 397
    from_test = KNeighborsClassifier().fit(*truth.cases("test_digits")[0])  # 200 digits are enough for neighbours
    assert np.mean(from_test.predict(digits) == labels) > BANDS["svm"][0][0] - 0.03
    assert np.mean(function(reference, "predict")(digits) == labels) > BANDS["svm"][0][0] + 0.04
    assert function(reference, "accuracy_at_depth")(8) > BANDS["tree"][0][0] + 0.04
    assert function(reference, "accuracy_at_depth")(3) < BANDS["tree"][1][0]
    assert max(np.mean(labels == one) for one in range(10)) < BANDS["tree"][-1][0] - 0.1


def test_depths_of_other_seeds_are_within_the_tolerance(reference: Reference) -> None:
    (check,) = (one for one in CHECKS if one.get("call") == "accuracy_at_depth")
    namespace = function(reference, "accuracy_at_depth").__globals__
    (X, y), (X_test, y_test) = namespace["rows"]("train"), namespace["rows"]("test")
    for depth in (2, 6, 8):
        expected = function(reference, "accuracy_at_depth")(depth)
        for seed in range(1, 4):
            tree = DecisionTreeClassifier(max_depth=depth, random_state=seed).fit(X, y)
            assert abs(tree.score(X_test, y_test) - expected) <= check["atol"]
    wrong = reference.misconceptions["on_training_images"].function
    assert wrong(8) - function(reference, "accuracy_at_depth")(8) > 2 * check["atol"]


def test_ETH_22_the_more_exact_statement_is_never_penalised() -> None:
    (text,) = (check for check in CHECKS if "text" in check)
    accepted = [one for one in text["accept"] if "Never penalise the more exact statement" in one]
    assert any("linear regression" in one and "margin" in one for one in accepted)
    assert any("more parameters than data" in one for one in accepted)
    wanted = " ".join(point["point"] for point in text["key_points"])
    assert "regression" not in wanted


def test_every_item_is_graded_by_checks_of_the_rubric() -> None:
    names = {check.get("id") or check.get("claim") or next(iter(check.values())) for check in CHECKS}
    assert set(SETTINGS["items"]) == {f"E{number}" for number in range(21, 27)}
    assert {name for named in SETTINGS["items"].values() for name in named} == names
    assert sum(criterion["points"] for criterion in RUBRIC["criteria"]) == 24
