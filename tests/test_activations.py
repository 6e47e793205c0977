"""From theory to practice, activations: the reference against torch, the errata, follow-through, and the files."""

from __future__ import annotations

import runpy
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from observing_helpers import grade

from grader.checks import KINDS
from grader.course import Exercise, load_course
from grader.model import CheckResult
from grader.reference import Evaluation, Reference
from grader.starters import with_given

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "exercises" / "theory_to_practice" / "activations"
ANSWERS = ROOT / "reference" / "theory_to_practice"
SOLUTION = (ANSWERS / "solutions" / "activations.py").read_text(encoding="utf-8")
WRONG = ANSWERS / "wrong" / "activations"
RUBRIC = yaml.safe_load((ROOT / "rubrics" / "theory_to_practice" / "activations.yaml").read_text(encoding="utf-8"))
CHECKS = [check for criterion in RUBRIC["criteria"] for check in criterion["checks"]]
VALUES = {check["value"]: check for check in CHECKS if "value" in check}
SEEDS = [None, *range(25)]


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    """The exercise in a course of its own."""
    root = tmp_path_factory.mktemp("course")
    for folder in ("exercises", "reference", "rubrics"):
        (root / folder).symlink_to(ROOT / folder)
    assignment = "  theory_to_practice: {title: T, exercises: [activations]}\n"
    (root / "course.yaml").write_text(f"title: T\nassignments:\n{assignment}", encoding="utf-8")
    (found,) = load_course(root, KINDS).exercises()
    return found


@pytest.fixture
def reference(exercise: Exercise) -> Reference:
    return exercise.reference


def changed(*pairs: tuple[str, str]) -> str:
    """Return the solution with some of its text replaced."""
    text = SOLUTION
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def lost(results: dict[str, CheckResult]) -> dict[str, float]:
    """Return the fractions of the checks that do not earn everything; the written answer waits for a person."""
    return {name: one.fraction for name, one in results.items() if one.fraction < 1 and not one.for_person}


def named(results: dict[str, CheckResult]) -> set[str]:
    return {one.misconception for one in results.values() if one.misconception}


# The reference against torch


def by_torch(given: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Return every value that is asked, by torch's layers, activations and derivatives."""
    t = {name: torch.tensor(value, dtype=torch.float64) for name, value in given.items()}
    found = {"probabilities": torch.softmax(t["scores"], dim=0), "exponential_sum": t["scores"].logsumexp(0).exp()}
    found["exponentials"] = found["probabilities"] * found["exponential_sum"]
    value = t["a0"]
    for number, activation in enumerate((torch.relu, torch.relu, torch.sigmoid), 1):
        found[f"z{number}"] = torch.nn.functional.linear(value, t[f"W{number}"], t[f"b{number}"])
        found[f"a{number}"] = value = activation(found[f"z{number}"])
    return found | hidden_by_torch(t)


def hidden_by_torch(t: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    leaves = {name: t[name].requires_grad_() for name in ("x", "V", "c", "v")}
    z = torch.nn.functional.linear(leaves["x"], leaves["V"], leaves["c"])
    a = torch.relu(z)
    inner = {"hidden_z": z, "hidden_a": a}
    y_hat = torch.dot(a, leaves["v"])
    gradients = torch.autograd.grad(y_hat, [*leaves.values(), z, a], grad_outputs=t["grad_y_hat"])
    return inner | {f"grad_{name}": one for name, one in zip([*leaves, *inner], gradients, strict=True)}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_value_agrees_with_torch(reference: Reference, seed: int | None) -> None:
    values = reference.evaluate(seed)
    found = by_torch({name: values[name] for name in reference.givens})
    assert set(found) == set(VALUES)
    for name, expected in found.items():
        assert np.shape(values[name]) == tuple(expected.shape), name
        np.testing.assert_allclose(values[name], expected.detach().numpy(), rtol=1e-12, err_msg=name)


def test_functions_agree_with_torch(reference: Reference) -> None:
    functions = {name: one.function for name, one in reference.definitions.items()}
    truth = Evaluation(reference, None, hidden=3)
    for name in ("usual", "large"):
        for (scores,) in truth.cases(name):
            expected = torch.softmax(torch.tensor(scores), dim=0).numpy()
            np.testing.assert_allclose(functions["softmax"](scores), expected, rtol=1e-10)
    for a, weights, biases, _ in truth.cases("networks"):
        layers = torch.nn.Sequential()
        for W, b in zip(weights, biases, strict=True):
            outputs, inputs = W.shape
            layer = torch.nn.Linear(inputs, outputs, dtype=torch.float64)
            layer.load_state_dict({"weight": torch.tensor(W), "bias": torch.tensor(b)})
            layers.extend([layer, torch.nn.Tanh()])
        activations = functions["forward"](a, weights, biases, np.tanh)
        assert len(activations) == len(weights)
        np.testing.assert_allclose(activations[-1], layers(torch.tensor(a)).detach().numpy(), rtol=1e-10)


def test_dead_neurons_are_those_whose_weights_get_no_gradient(reference: Reference) -> None:
    for X, W, b in Evaluation(reference, None, hidden=4).cases("layers_with_dead_neurons"):
        weights = torch.tensor(W, requires_grad=True)
        torch.relu(torch.tensor(X) @ weights.T + torch.tensor(b)).sum().backward()  # type: ignore[no-untyped-call]
        assert weights.grad is not None
        expected = (weights.grad == 0).all(dim=1).tolist()
        assert expected == reference.definitions["dead_neurons"].function(X, W, b).tolist()
        assert True in expected
        assert False in expected


def test_the_fixed_network_is_that_of_sheet_3(reference: Reference) -> None:
    found = runpy.run_path(str(ROOT / "exercises" / "sheet3" / "gradient_step" / "gradient_step.py"))
    own = reference.evaluate()
    for name, other in (("x", found["x"]), ("V", found["W1"].T), ("c", found["b1"]), ("v", found["W2"])):
        np.testing.assert_array_equal(own[name], other)
    assert own["hidden_a"].tolist() == [2.5, 0.0, 4.5]
    assert own["grad_hidden_z"].tolist() == [2.0, 0.0, -1.0]


# Mistakes


def shown(reference: Reference, seed: int | None) -> dict[tuple[str, str], Any]:
    """Return the wrong values by check and misconception: of the quantity itself, or of those that need it next."""
    truth = Evaluation(reference, seed)
    found: dict[tuple[str, str], Any] = {}
    for wrong in reference.misconceptions.values():
        if wrong.target in reference.definitions:
            continue
        mistaken = Evaluation(reference, seed, {wrong.target: truth.mistaken(wrong)})
        if wrong.target in VALUES:
            found[wrong.target, wrong.id] = mistaken.value(wrong.target)
            continue
        fixed = {name: truth.value(name) for name in VALUES}
        for name, node in reference.quantities.items():
            if wrong.target in node.needs:
                alone = Evaluation(reference, seed, {**fixed, wrong.target: mistaken.value(wrong.target)})
                found[name, wrong.id] = alone.recomputed(name)
    return found


def distance(name: str, one: Any, other: Any) -> float:
    """Return how many tolerances of the check lie between two values, at the element where it is most."""
    options = {**RUBRIC["defaults"]["value"], **VALUES[name]}
    return float(np.max(np.abs(np.subtract(one, other)) / (options["atol"] + options["rtol"] * np.abs(other))))


@pytest.mark.parametrize("seed", SEEDS)
def test_mistakes_are_far_from_right_and_from_each_other(reference: Reference, seed: int | None) -> None:
    right, found = reference.evaluate(seed), shown(reference, seed)
    near = [key for key, wrong in found.items() if distance(key[0], wrong, right[key[0]]) <= 4]
    alike = [
        (one, other)
        for one, other in combinations(found, 2)
        if one[0] == other[0] and distance(one[0], found[one], found[other]) <= 2
    ]
    assert (near, alike) == ([], [])


def test_every_usual_mistake_has_a_name(reference: Reference) -> None:
    # "rounded seed values", the sixth on the list, are right here.
    usual = {"shares_of_scores", "sigmoid_of_each", "powers_of_two", "one_hot", "divided_by_largest"}
    assert usual <= set(reference.misconceptions)


def test_messages_for_students_hold_no_result(reference: Reference) -> None:
    for wrong in reference.misconceptions.values():
        assert "." not in wrong.message.replace(". ", " ").rstrip("."), wrong.id  # no decimal number


# Errata


def test_the_solution_earns_everything(exercise: Exercise) -> None:
    assert lost(grade(exercise, SOLUTION)) == {}


QUOTIENTS = "probabilities = exponentials / exponential_sum"


@pytest.mark.parametrize(
    ("typed", "fraction"),
    [
        ("[0.7, 0.2, 0.1]", 1.0),  # the slide
        ("[0.66, 0.24, 0.10]", 1.0),
        ("[0.659, 0.242, 0.099]", 1.0),
        ("[0.6595, 0.2419, 0.0981]", 1.0),  # within 0.001
        ("[0.6, 0.3, 0.1]", 0.0),  # one decimal, but not within 0.05
        ("[0.68, 0.22, 0.10]", 0.0),  # within 0.05, but that is not the rounding
        ("[0.664, 0.238, 0.098]", 0.0),
    ],
)
def test_ICTP_05_one_decimal_is_right_and_more_must_be_exact(exercise: Exercise, typed: str, fraction: float) -> None:
    results = grade(exercise, changed((QUOTIENTS, f"probabilities = {typed}")))
    assert results["probabilities"].fraction == fraction


def test_ICTP_05_probabilities_that_only_agree_with_their_own_rounding_are_wrong(exercise: Exercise) -> None:
    for typed in ("[0.3, 0.3, 0.4]", "[1.0, 0.0, 0.0]", "[0.5, 0.25, 0.25]"):
        assert grade(exercise, changed((QUOTIENTS, f"probabilities = {typed}")))["probabilities"].fraction == 0


def test_ICTP_05_numbers_rounded_on_the_way_are_followed(exercise: Exercise) -> None:
    text = changed(
        ("exponentials = np.exp(scores)", "exponentials = np.array([7.4, 2.7, 1.1])"),
        ("exponential_sum = exponentials.sum()", "exponential_sum = 11.2"),
    )
    assert lost(grade(exercise, text)) == {}


@pytest.mark.parametrize("letter", ["x", "z", "scores", "t"])
def test_ICTP_06_any_letter_will_do(exercise: Exercise, letter: str) -> None:
    own = f"def softmax({letter}):\n    e = np.exp({letter} - {letter}.max())\n"
    assert lost(grade(exercise, changed(("def softmax(z):\n    e = np.exp(z - z.max())\n", own)))) == {}


def test_ICTP_06_the_marker_is_told_that_letters_do_not_count() -> None:
    (check,) = (one for one in CHECKS if "text" in one)
    assert any("letters" in one for one in check["accept"])
    assert "x and z for the same" in " ".join((ANSWERS / "activations.py").read_text(encoding="utf-8").split())


COLUMNS = ("        a = f(W @ a + b)\n", "        a = f(a @ W + b)\n")


def test_X_02_the_other_layout_is_right_where_it_is_declared(exercise: Exercise) -> None:
    assert lost(grade(exercise, changed(COLUMNS, ('layout = "W a"', 'layout = "a W"')))) == {}
    undeclared = grade(exercise, changed(COLUMNS))
    assert (lost(undeclared), named(undeclared)) == ({"forward": 0.0}, {"layout_unsaid"})
    declared_only = grade(exercise, changed(('layout = "W a"', 'layout = "a W"')))
    assert set(lost(declared_only)) == {"forward"}


@pytest.mark.parametrize(
    "pair",
    [
        ("z1 = W1 @ a0 + b1", "z1 = a0 @ W1.T + b1"),  # a sample as a row
        ("z1 = W1 @ a0 + b1", "z1 = (W1 @ a0[:, None] + b1[:, None])"),  # a column
        ("grad_V = np.outer(grad_hidden_z, x)", "grad_V = np.outer(x, grad_hidden_z)"),  # the transpose
    ],
)
def test_X_02_every_layout_of_a_value_is_right(exercise: Exercise, pair: tuple[str, str]) -> None:
    assert lost(grade(exercise, changed(pair, ("a1 = relu(z1)", "a1 = relu(np.ravel(z1))")))) == {}


@pytest.mark.parametrize("name", ["W1", "W2", "W3", "V"])
def test_X_02_no_matrix_is_square(reference: Reference, name: str) -> None:
    rows, columns = reference.evaluate()[name].shape
    assert rows != columns


# Fairness


def test_biases_forgotten_everywhere_cost_once(exercise: Exercise) -> None:
    text = changed(
        ("z1 = W1 @ a0 + b1", "z1 = W1 @ a0"),
        ("z2 = W2 @ a1 + b2", "z2 = W2 @ a1"),
        ("z3 = W3 @ a2 + b3", "z3 = W3 @ a2"),
        ("hidden_z = V @ x + c", "hidden_z = V @ x"),
    )
    results = grade(exercise, text)
    assert (lost(results), named(results)) == ({"z1": 0.0}, {"biases_not_added"})


def test_a_mistake_in_the_own_activation_does_not_reach_forward(exercise: Exercise) -> None:
    results = grade(exercise, changed(("    return np.maximum(z, 0)\n", "    return np.abs(z)\n")))
    assert (lost(results), named(results)) == ({"a1": 0.0}, {"absolute_value"})


def test_a_mask_forgotten_costs_once(exercise: Exercise) -> None:
    results = grade(exercise, changed(("grad_hidden_a * (hidden_z > 0)", "grad_hidden_a")))
    assert (lost(results), named(results)) == ({"grad_hidden_z": 0.0}, {"mask_forgotten"})


def test_wrong_exponentials_cost_once(exercise: Exercise) -> None:
    results = grade(exercise, changed(("exponentials = np.exp(scores)", "exponentials = 2**scores")))
    assert (lost(results), named(results)) == ({"exponentials": 0.0}, {"powers_of_two"})


def test_forward_for_one_layer_only_earns_its_share(exercise: Exercise) -> None:
    one_layer = ("    outputs = []\n", "    return [f(weights[0] @ a + biases[0])]\n    outputs = []\n")
    assert lost(grade(exercise, changed(one_layer))) == {"forward": pytest.approx(1 / 3)}


@pytest.mark.parametrize("own", ["[bool(one) for one in {}]", "{}.astype(int)", "np.float64({})[:, None]"])
def test_every_way_to_say_which_neurons_are_dead_is_right(exercise: Exercise, own: str) -> None:
    plain = "((X @ W.T + b) <= 0).all(axis=0)"
    assert lost(grade(exercise, changed((f"return {plain}", f"return {own.format(plain)}")))) == {}


@pytest.mark.parametrize("answer", ["True", "False"])
def test_one_answer_for_all_neurons_earns_nothing(exercise: Exercise, answer: str) -> None:
    plain = "((X @ W.T + b) <= 0).all(axis=0)"
    assert set(lost(grade(exercise, changed((plain, f"np.full(len(b), {answer})"))))) == {"dead_neurons"}


# The files


def test_points_and_items_are_those_of_the_task(exercise: Exercise) -> None:
    assert exercise.rubric.points == 13
    settings = yaml.safe_load((FOLDER / "exercise.yaml").read_text(encoding="utf-8"))
    assert list(settings["items"]) == ["I04", "I05", "I06"]
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    for criterion in RUBRIC["criteria"]:
        assert f"{criterion['title']} ({criterion['points']} points)" in task


@pytest.mark.parametrize("seed", range(20))
def test_personal_numbers_belong_to_the_seed(reference: Reference, seed: int) -> None:
    one, other = reference.evaluate(seed), reference.evaluate(seed + 2**40)
    assert not np.array_equal(one["V"], other["V"])
    assert np.sum(one["hidden_z"] < 0) == 1
    assert np.min(np.abs(one["z1"])) >= 0.25


@pytest.mark.parametrize("seed", range(5))
def test_the_solution_is_right_for_everybodys_numbers(reference: Reference, seed: int) -> None:
    values = reference.evaluate(seed)
    own: dict[str, Any] = {"__name__": "work"}
    exec(with_given("a.py", SOLUTION, {name: values[name] for name in reference.givens}), own)  # noqa: S102 - our own file
    for name in VALUES:
        np.testing.assert_allclose(own[name], values[name], rtol=1e-10, err_msg=name)


def test_starter_leaves_the_numbers_and_nothing_else(reference: Reference) -> None:
    left = runpy.run_path(str(FOLDER / "activations.py"))
    assert {name: left[name] for name in VALUES} == dict.fromkeys(VALUES)
    assert left["dead_neuron"] == ""
    for name in reference.givens:
        np.testing.assert_array_equal(left[name], reference.evaluate()[name])
    assert set(reference.definitions) <= set(left)


def test_every_wrong_file_is_listed() -> None:
    listed = yaml.safe_load((WRONG / "wrong.yaml").read_text(encoding="utf-8"))
    assert set(listed) == {path.name for path in WRONG.glob("*.py")}


def test_what_is_asked_is_named_in_the_task(reference: Reference) -> None:
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    assert [name for name in {*VALUES, *reference.definitions, "dead_neuron", "layout"} if name not in task] == []
