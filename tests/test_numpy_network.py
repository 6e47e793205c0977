"""Microcontrollers, numpy_network: the reference against torch, the errata, follow-through, and the files around it."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from observing_helpers import grade
from torch.nn import functional

from grader.checks import KINDS
from grader.course import Exercise, load_course
from grader.model import CheckResult
from grader.reference import Evaluation, Reference
from grader.validate import known_hand_ins

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "exercises" / "microcontrollers" / "numpy_network"
SOLUTION = (ROOT / "reference" / "microcontrollers" / "solutions" / "numpy_network.py").read_text(encoding="utf-8")
WRONG = ROOT / "reference" / "microcontrollers" / "wrong" / "numpy_network"
RUBRIC = yaml.safe_load((ROOT / "rubrics" / "microcontrollers" / "numpy_network.yaml").read_text(encoding="utf-8"))
VALUES = {one["value"] for criterion in RUBRIC["criteria"] for one in criterion["checks"] if "value" in one}
TEXTS = {"dense_and_sparse", "why_plus"}
SEEDS = [None, *range(12)]


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    """The exercise in a course of its own."""
    root = tmp_path_factory.mktemp("course")
    for folder in ("exercises", "reference", "rubrics"):
        (root / folder).symlink_to(ROOT / folder)
    assignment = "  microcontrollers: {title: M, exercises: [numpy_network]}\n"
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
    """Return the fractions of the checks that do not earn everything; the written answers wait for a person."""
    return {name: one.fraction for name, one in results.items() if one.fraction < 1 and name not in TEXTS}


def named(results: dict[str, CheckResult]) -> set[str]:
    return {one.misconception for one in results.values() if one.misconception}


# The reference against torch


def tensor(value: Any) -> torch.Tensor:
    return torch.tensor(np.asarray(value), dtype=torch.float64)


def by_torch(v: dict[str, Any]) -> dict[str, Any]:
    """Return the values that checks ask for, by torch's layers, losses and optimizers."""
    layer = functional.linear
    x, b = tensor(v["x"]), tensor(v["b"])
    found: dict[str, Any] = {"neuron_z": torch.dot(tensor(v["w"]), x) + b}
    found["neuron_output"] = torch.sigmoid(found["neuron_z"])
    found["z1"] = layer(x, tensor(v["W1"]), tensor(v["b1"]))
    found["a1"] = torch.sigmoid(found["z1"])
    found["z2"] = layer(found["a1"], tensor(v["W2"]), tensor(v["b2"]))
    found["y_hat"] = torch.sigmoid(found["z2"])
    found["probabilities"] = torch.softmax(tensor(v["logits"]), dim=0)
    found["cross_entropy_loss"] = functional.cross_entropy(tensor(v["logits"]), torch.tensor(v["label"]))
    dense = torch.nn.Linear(v["n_inputs"], v["n_neurons"])
    found["dense_parameters"] = sum(one.numel() for one in dense.parameters())
    # A mask of the connections that are there, and the biases.
    mask = torch.zeros_like(dense.weight)
    mask[:, : v["n_connections"]] = 1
    found["sparse_parameters"] = int(mask.sum()) + dense.bias.numel()
    return found | plain_step(v) | momentum_steps(v)


def sum_of_squares(omega: torch.Tensor, v: dict[str, Any]) -> torch.Tensor:
    return functional.mse_loss(tensor(v["X"]) @ omega, tensor(v["Y"]), reduction="sum")


def plain_step(v: dict[str, Any]) -> dict[str, Any]:
    omega = tensor(v["omega"]).requires_grad_()
    optimizer = torch.optim.SGD([omega], lr=v["eta"])
    sum_of_squares(omega, v).backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return {"grad_omega": omega.grad, "omega_sgd": omega.detach()}


def momentum_steps(v: dict[str, Any]) -> dict[str, Any]:
    omega = tensor(v["omega"]).requires_grad_()
    optimizer = torch.optim.SGD([omega], lr=v["eta"], momentum=v["alpha"])
    optimizer.state[omega]["momentum_buffer"] = -tensor(v["delta_omega"]) / v["eta"]
    found: dict[str, Any] = {}
    for number in (1, 2, 3):
        before = omega.detach().clone()
        optimizer.zero_grad()
        sum_of_squares(omega, v).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        found |= {f"delta_{number}": omega.detach() - before, f"omega_{number}": omega.detach().clone()}
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_every_value_agrees_with_torch(reference: Reference, seed: int | None) -> None:
    values = reference.evaluate(seed)
    found = by_torch(values)
    assert set(found) == VALUES
    for name, expected in found.items():
        assert np.shape(values[name]) == np.shape(expected), name
        np.testing.assert_allclose(values[name], np.asarray(expected), rtol=1e-10, atol=1e-10, err_msg=name)


ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": functional.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "silu": functional.silu,
    "leaky_relu": lambda z: functional.leaky_relu(z, 0.2),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_and_derivatives_agree_with_torch(reference: Reference, name: str) -> None:
    z = torch.linspace(-6, 6, 24, dtype=torch.float64, requires_grad=True)  # 0 is not among them
    expected = ACTIVATIONS[name](z)
    expected.sum().backward()  # type: ignore[no-untyped-call]
    more = (0.2,) if name == "leaky_relu" else ()
    value, slope = (reference.definitions[one].function(z.detach().numpy(), *more) for one in (name, f"{name}_slope"))
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-12)
    assert z.grad is not None
    np.testing.assert_allclose(slope, z.grad.numpy(), rtol=1e-10)


def test_losses_agree_with_torch(reference: Reference) -> None:
    functions = {name: one.function for name, one in reference.definitions.items()}
    truth = Evaluation(reference, None, hidden=3)
    for name in ("usual", "large"):
        for logits, label in truth.cases(name):
            expected = functional.cross_entropy(tensor(logits), torch.tensor(label))
            assert functions["cross_entropy"](logits, label) == pytest.approx(float(expected), rel=1e-10)
    for y_hat, y in truth.cases("for_quadratic_error"):
        output = tensor(y_hat).requires_grad_()
        loss = functional.mse_loss(output, tensor(y), reduction="sum")
        loss.backward()  # type: ignore[no-untyped-call]
        assert output.grad is not None
        assert functions["quadratic_error"](y_hat, y) == pytest.approx(loss.item())
        np.testing.assert_allclose(functions["quadratic_error_gradient"](y_hat, y), output.grad.numpy())
    for omega, inputs, targets in truth.cases("for_total_gradient"):
        weights = tensor(omega).requires_grad_()
        sum_of_squares(weights, {"X": inputs, "Y": targets}).backward()  # type: ignore[no-untyped-call]
        assert weights.grad is not None
        np.testing.assert_allclose(functions["total_gradient"](omega, inputs, targets), weights.grad.numpy())


def descended(x: Any, y: Any, start: list[Any], steps: int, **settings: float) -> list[Any]:
    """Return weights (and biases) after some steps of torch's SGD on the sum of squares of a sigmoid network."""
    parameters = [tensor(one).requires_grad_() for one in start]
    weights1, bias1, weights2, bias2 = parameters if len(parameters) == 4 else (parameters[0], 0, parameters[1], 0)
    optimizer = torch.optim.SGD(parameters, **settings)  # type: ignore[arg-type]
    for _ in range(steps):
        optimizer.zero_grad()
        output = torch.sigmoid(torch.sigmoid(tensor(x) @ weights1 + bias1) @ weights2 + bias2)
        functional.mse_loss(output, tensor(y), reduction="sum").backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return [one.detach().numpy() for one in parameters]


def test_both_classes_take_the_steps_of_torch(reference: Reference) -> None:
    x, y, weights1, bias1, weights2, bias2 = Evaluation(reference, None, hidden=5).cases("for_momentum")[0]
    made = reference.definitions["NeuralNetwork"].function(x, y)
    made.weights1, made.weights2 = weights1, weights2
    made.feedforward()
    made.backprop()
    for found, expected in zip(
        (made.weights1, made.weights2), descended(x, y, [weights1, weights2], 1, lr=1.0), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-10)
    start = [weights1, bias1, weights2, bias2]
    own = reference.definitions["ExtendedNetwork"].function(x, y, 0.2, 0.7)
    own.weights1, own.bias1, own.weights2, own.bias2 = start
    for _ in range(4):
        own.feedforward()
        own.backprop()
    found = [own.weights1, own.bias1, own.weights2, own.bias2]
    for one, expected in zip(found, descended(x, y, start, 4, lr=0.2, momentum=0.7), strict=True):
        np.testing.assert_allclose(one, expected, rtol=1e-10)


@pytest.mark.parametrize("hidden", range(8))
def test_the_reference_learns_every_table(reference: Reference, hidden: int) -> None:
    network = reference.definitions["ExtendedNetwork"].function
    for x, y in Evaluation(reference, None, hidden=hidden).cases("for_xor"):
        output = reference.trials["xor"].function(network, x, y)
        assert np.mean((output - y) ** 2) < 0.02


# Mistakes


def shown(reference: Reference, seed: int | None) -> dict[tuple[str, str], Any]:
    """Return the wrong values by check and misconception: of the quantity itself, or of those that need it next."""
    truth = Evaluation(reference, seed)
    found: dict[tuple[str, str], Any] = {}
    for wrong in reference.misconceptions.values():
        if wrong.target in reference.definitions:
            continue
        mistaken = Evaluation(reference, seed, {wrong.target: truth.mistaken(wrong)})
        waiting = [wrong.target]
        while waiting:
            name = waiting.pop()
            if name in VALUES:
                found[name, wrong.id] = mistaken.value(name)
            else:
                waiting += [one for one, node in reference.quantities.items() if name in node.needs]
    return found


def distance(wrong: Any, right: Any) -> float:
    """Return how many tolerances of the rubric lie between two values, at the element where it is most."""
    options = RUBRIC["defaults"]["value"]
    with np.errstate(invalid="ignore"):
        return float(np.nanmax(np.abs(np.subtract(wrong, right)) / (options["atol"] + options["rtol"] * np.abs(right))))


@pytest.mark.parametrize("seed", SEEDS)
def test_mistakes_are_far_from_right_and_from_each_other(reference: Reference, seed: int | None) -> None:
    right, found = reference.evaluate(seed), shown(reference, seed)
    near = {key: times for key, wrong in found.items() if (times := distance(wrong, right[key[0]])) <= 10}
    alike = [
        (one, other)
        for one, other in combinations(found, 2)
        if one[0] == other[0] and distance(found[one], found[other]) <= 2
    ]
    assert (near, alike) == ({}, [])


def test_every_usual_mistake_has_a_name(reference: Reference) -> None:
    usual = {
        "NumPy backprop": {"uphill", "sum_slope_of_value", "rate_without_effect"},
        "momentum": {"momentum_forgotten", "weights_for_update", "update_subtracted", "moving_average", "taken_ahead"},
        "softmax": {"divided_by_sum", "sigmoid_of_each", "powers_of_two", "hard_maximum", "divided_by_largest"},
        "cross-entropy": {
            *("softmax_twice", "softmax_in_function_twice", "negative_logit", "negative_probability", "base_two"),
            *("base_ten", "loss_minus_lost", "squared_error_of_probabilities"),
        },
    }
    assert set().union(*usual.values()) <= set(reference.misconceptions)


def test_softmax_twice_has_the_floor_that_its_message_speaks_of(reference: Reference) -> None:
    twice = reference.misconceptions["softmax_in_function_twice"].function
    sure = 1000.0 * np.eye(10)[0]
    assert twice(sure, 0) == pytest.approx(np.log(1 + 9 / np.e), rel=1e-9)
    assert twice(sure, 0) == pytest.approx(1.4612, abs=5e-5)
    assert reference.definitions["cross_entropy"].function(sure, 0) == 0


def test_messages_for_students_hold_no_result(reference: Reference) -> None:
    for wrong in reference.misconceptions.values():
        assert "." not in wrong.message.replace(". ", " ").rstrip("."), wrong.id  # no decimal number


# Errata


def test_the_solution_earns_everything(exercise: Exercise) -> None:
    results = grade(exercise, SOLUTION)
    assert lost(results) == {}
    assert {name for name, one in results.items() if one.for_person} == TEXTS


ADDED = "        self.weights1 += d_weights1\n        self.weights2 += d_weights2\n"


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        # The gradient itself, subtracted.
        ([("2 * (self.y - self.output) *", "2 * (self.output - self.y) *"), (ADDED, ADDED.replace("+=", "-="))], {}),
        # The listing's negative gradient, subtracted: uphill, which costs once.
        ([(ADDED, ADDED.replace("+=", "-="))], {"d_weights2": 0.0}),
        # The gradient itself, added: likewise.
        ([("2 * (self.y - self.output) *", "2 * (self.output - self.y) *")], {"d_weights2": 0.0}),
    ],
)
def test_ETH_08_the_step_counts_and_not_the_sign_convention(
    exercise: Exercise, pairs: list[tuple[str, str]], expected: dict[str, float]
) -> None:
    results = grade(exercise, changed(*pairs))
    assert lost(results) == expected
    assert named(results) == ({"uphill"} if expected else set())


def test_ETH_08_the_remark_on_the_comment_is_awarded() -> None:
    (check,) = (one for criterion in RUBRIC["criteria"] for one in criterion["checks"] if one.get("text") == "why_plus")
    assert any("derivative (slope) of the loss" in one and "first point" in one for one in check["accept"])


FIRST_SUMS, SECOND_SUMS = "self.input @ self.weights1", "self.layer1 @ self.weights2"
BY_SUM = ("    return a * (1 - a)\n", "    return sigmoid(a) * (1 - sigmoid(a))\n")
KEPT = (
    ("sigmoid_derivative(self.output)\n        delta1", "self.output * (1 - self.output)\n        delta1"),
    ("self.weights2.T * sigmoid_derivative(self.layer1)", "self.weights2.T * self.layer1 * (1 - self.layer1)"),
)


def test_ETH_09_values_are_compared_and_not_the_direction(exercise: Exercise, reference: Reference) -> None:
    results = grade(exercise, changed(BY_SUM))
    assert lost(results) == {"d_weights2": 0.5, "d_weights1": 0.5}
    assert named(results) == {"sum_slope_of_value"}
    assert results["xor"].fraction == 1  # it trains nevertheless
    classes = reference.definitions["NeuralNetwork"], reference.misconceptions["sum_slope_of_value"]
    for inputs in Evaluation(reference, None).cases("for_backprop"):
        right, wrong = (reference.trials["backprop"].function(one.function, *inputs) for one in classes)
        left, other = (np.concatenate([np.ravel(one) for one in steps[:2]]) for steps in (right, wrong))
        assert left @ other / np.linalg.norm(left) / np.linalg.norm(other) > 0.9  # nearly the same direction


def test_ETH_09_a_derivative_by_the_sum_is_right_where_it_is_called_with_it(exercise: Exercise) -> None:
    called = (
        (
            "(self.y - self.output) * sigmoid_derivative(self.output)",
            "(self.y - self.output) * sigmoid_derivative(self.z2)",
        ),
        (
            "np.dot(delta2, self.weights2.T) * sigmoid_derivative(self.layer1)",
            "np.dot(delta2, self.weights2.T) * sigmoid_derivative(self.z1)",
        ),
        (
            "        delta2 = 2 * (self.y",
            f"        self.z1 = {FIRST_SUMS}\n        self.z2 = {SECOND_SUMS}\n        delta2 = 2 * (self.y",
        ),
    )
    assert lost(grade(exercise, changed(BY_SUM, *KEPT, *called))) == {}


def test_a_wrong_derivative_costs_once_where_the_listing_uses_it(exercise: Exercise) -> None:
    results = grade(exercise, changed(("    return a * (1 - a)\n", "    return a * (1 + a)\n"), *KEPT))
    assert lost(results) == {"sigmoid_derivative": 0.0}


def test_a_derivative_of_zero_carries_nothing_through(exercise: Exercise) -> None:
    results = grade(exercise, changed(("    return a * (1 - a)\n", "    return 0 * a\n"), *KEPT))
    assert lost(results) == {"sigmoid_derivative": 0.0, "d_weights2": 0.0, "d_weights1": 0.0}


def test_a_wrong_sigmoid_is_not_charged_again_in_the_classes(exercise: Exercise) -> None:
    results = grade(exercise, changed(("    return 1 / (1 + np.exp(-z))\n", "    return 1 / (1 + 3 * np.exp(-z))\n")))
    assert {"feedforward", "d_weights1", "d_weights2", "learning_rate", "biases", "momentum"}.isdisjoint(lost(results))
    assert results["sigmoid"].fraction == 0


def test_ETH_10_the_previous_weights_are_not_the_previous_update(exercise: Exercise, reference: Reference) -> None:
    text = changed(("delta_1 = alpha * delta_omega -", "delta_1 = alpha * omega -"))
    results = grade(exercise, text)
    assert lost(results) == {"delta_1": 0.0}
    assert results["delta_1"].misconception == "weights_for_update"
    assert "previous update" in results["delta_1"].message
    assert "read both ways" in results["delta_1"].message
    for number, previous in ((2, "delta_1"), (3, "delta_2")):
        before = f"delta_{number} = alpha * {previous} -"
        text = text.replace(before, f"delta_{number} = alpha * omega_{number - 1} -")
    assert lost(grade(exercise, text)) == {"delta_1": 0.0}  # the same misreading costs once
    literal = reference.misconceptions["weights_for_update"].function()
    weight, found = 1.0, []
    for _ in range(2):
        weight += literal(0.7, 0.1, weight, None, 0.0, None)
        found.append(weight)
    assert found == pytest.approx([1.7, 2.89])  # it diverges even without a gradient


def test_ETH_10_each_step_is_judged_from_the_students_previous_one(exercise: Exercise) -> None:
    text = changed(("omega_1 = omega + delta_1\n", "omega_1 = omega + delta_1 + np.array([0.3, 0.0, 0.0])\n"))
    results = grade(exercise, text)
    assert lost(results) == {"omega_1": 0.0}
    assert all(results[name].follow_through for name in ("delta_2", "omega_2", "delta_3", "omega_3"))


def test_ETH_11_the_meaning_of_the_index_is_not_asked(exercise: Exercise) -> None:
    # Any way to split the sum is right, and no written answer is asked about it.
    split = (
        "    return 2 * X.T @ (X @ omega - Y)\n",
        "    return sum(2 * x * (x @ omega - y) for x, y in zip(X, Y))\n",
    )
    assert lost(grade(exercise, changed(split))) == {}
    assert {one["text"] for criterion in RUBRIC["criteria"] for one in criterion["checks"] if "text" in one} == TEXTS
    assert "over the samples" in " ".join(exercise.reference.misconceptions["mean_over_samples"].message.split())


def test_ETH_12_both_names_of_the_method_are_accepted() -> None:
    (check,) = (one for criterion in RUBRIC["criteria"] for one in criterion["checks"] if one.get("text") == "why_plus")
    (names,) = (one for one in check["accept"] if "SGD" in one)
    assert "full-batch gradient descent" in names


CONVENTIONS = {"sum": "1", "mean": "1 / len(y)", "half sum": "1 / 2", "half mean": "1 / (2 * len(y))"}


@pytest.mark.parametrize("word", CONVENTIONS)
def test_X_01_every_declared_factor_is_right(exercise: Exercise, word: str) -> None:
    factor = CONVENTIONS[word]
    own = (
        ("    return np.sum((y_hat - y) ** 2)\n", f"    return {factor} * np.sum((y - y_hat) ** 2)\n"),
        ("    return 2 * (y_hat - y)\n", f"    return {factor} * 2 * (y_hat - y)\n"),
    )
    declared = ('error_convention = "sum"', f'error_convention = "{word}"')
    assert lost(grade(exercise, changed(*own, declared))) == {}
    undeclared = grade(exercise, changed(*own))
    known = {"mean": 0.5, "half sum": 0.5, "half mean": 0.0, "sum": 1.0}[word]
    assert lost(undeclared) == ({} if known == 1 else {"quadratic_error": known})  # and not again in the gradient


def test_X_01_a_constant_factor_costs_half_and_once(exercise: Exercise) -> None:
    results = grade(exercise, (WRONG / "mean_throughout.py").read_text(encoding="utf-8"))
    assert lost(results) == {"quadratic_error": 0.5, "grad_omega": 0.5, "adds_up": 0.0, "d_weights2": 0.5}


@pytest.mark.parametrize(
    "pair",
    [
        ("z1 = W1 @ x + b1\n", "z1 = x @ W1.T + b1\n"),  # a sample as a row, as torch has it
        ("z2 = W2 @ a1 + b2\n", "z2 = (W2 @ a1[:, None] + b2[:, None])\n"),  # a column
        ("z1 = W1 @ x + b1\n", "z1 = (x[None] @ W1.T + b1)[0][None].tolist()\n"),  # a row in a list
    ],
)
def test_X_02_every_layout_of_a_layer_is_right(exercise: Exercise, pair: tuple[str, str]) -> None:
    later = [
        ("a1 = sigmoid(z1)", "a1 = sigmoid(np.ravel(z1))"),
        ("y_hat = sigmoid(z2)", "y_hat = sigmoid(np.ravel(z2))"),
    ]
    assert lost(grade(exercise, changed(pair, *later))) == {}


@pytest.mark.parametrize("name", ["W1", "W2", "X"])
def test_X_02_no_matrix_is_square(reference: Reference, name: str) -> None:
    rows, columns = reference.evaluate()[name].shape
    assert rows != columns


# Fairness


@pytest.mark.parametrize("at_zero", ["0.0", "0.5", "1.0"])
def test_any_subgradient_at_zero_is_right(exercise: Exercise, at_zero: str) -> None:
    text = changed(
        (
            "    return np.where(z > 0, 1.0, 0.0)\n",
            f"    return np.where(z > 0, 1.0, np.where(z < 0, 0.0, {at_zero}))\n",
        )
    )
    assert lost(grade(exercise, text)) == {}


def test_log_softmax_twice_does_no_harm(exercise: Exercise) -> None:
    once = "    logits = logits - np.max(logits)\n    logits = logits - np.log(np.sum(np.exp(logits)))\n"
    start = SOLUTION.index("    shifted = logits")
    own = SOLUTION[start : SOLUTION.index("\n\n\n# 5. Optimizers")]
    assert lost(grade(exercise, changed((own, f"{once}{once}    return -logits[label]")))) == {}


def test_loss_from_own_probabilities_is_right(exercise: Exercise) -> None:
    wrong = ("probabilities = np.exp(logits) / np.sum(np.exp(logits))", "probabilities = sigmoid(logits)")
    results = grade(exercise, changed(wrong))
    assert lost(results) == {"probabilities": 0.0}
    assert results["cross_entropy_loss"].follow_through


def test_another_activation_throughout_costs_once(exercise: Exercise) -> None:
    pairs = [
        (f"{name} = sigmoid({of})", f"{name} = np.tanh({of})")
        for name, of in (("neuron_output", "neuron_z"), ("a1", "z1"), ("y_hat", "z2"))
    ]
    results = grade(exercise, changed(*pairs))
    assert (lost(results), named(results)) == ({"neuron_output": 0.0}, {"tanh_for_sigmoid"})


def test_gradient_mistake_costs_once_in_all_steps(exercise: Exercise) -> None:
    turned = ("    return 2 * X.T @ (X @ omega - Y)\n", "    return -2 * X.T @ (X @ omega - Y)\n")
    results = grade(exercise, changed(turned))
    assert lost(results) == {"grad_omega": 0.0, "total_gradient": 0.0}  # the value, and the function


def test_a_network_that_only_returns_its_targets_has_not_learned(exercise: Exercise) -> None:
    start = SOLUTION.index("class ExtendedNetwork")
    fake = SOLUTION[start:].replace(
        "        self.output = sigmoid(self.layer1 @ self.weights2 + self.bias2)\n", "        self.output = self.y\n"
    )
    assert grade(exercise, SOLUTION[:start] + fake)["xor"].fraction == 0


# The files


def test_points_and_items_are_those_of_the_sheet(exercise: Exercise) -> None:
    assert exercise.rubric.points == 30
    settings = yaml.safe_load((FOLDER / "exercise.yaml").read_text(encoding="utf-8"))
    assert list(settings["items"]) == [f"E{number:02}" for number in range(7, 21)]
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    for criterion in RUBRIC["criteria"]:
        assert f"{criterion['title']} ({criterion['points']} points)" in task


@pytest.mark.parametrize("seed", range(20))
def test_personal_numbers_belong_to_the_seed(reference: Reference, seed: int) -> None:
    one, other = reference.evaluate(seed), reference.evaluate(seed + 2**40)
    assert not np.array_equal(one["W1"], other["W1"])
    assert one["neuron_z"] <= -0.5
    assert np.all(np.abs(one["z1"]) >= 0.25)


def test_starter_leaves_the_numbers_and_nothing_else(reference: Reference) -> None:
    left = runpy.run_path(str(FOLDER / "numpy_network.py"))
    assert {name: left[name] for name in VALUES} == dict.fromkeys(VALUES)
    assert {left[name] for name in TEXTS} == {""}
    for name in reference.givens:
        np.testing.assert_array_equal(left[name], reference.evaluate()[name])
    assert set(reference.definitions) <= set(left)
    assert "COMMON" not in left


def test_a_mistake_in_one_part_of_a_class_loses_the_check_of_that_part(exercise: Exercise) -> None:
    loses = {one.name: set(one.loses) for one in known_hand_ins(exercise)}
    assert loses["output_layer_linear"] == {"feedforward"}
    assert loses["hidden_slope_missing"] == {"d_weights1"}
    assert loses["sum_slope_of_value"] == {"d_weights1", "d_weights2"}
    assert loses["nothing_carried_on"] == {"momentum"}


def test_every_wrong_file_is_listed() -> None:
    listed = yaml.safe_load((WRONG / "wrong.yaml").read_text(encoding="utf-8"))
    assert set(listed) == {path.name for path in WRONG.glob("*.py")}


def test_what_is_asked_is_named_in_the_task(exercise: Exercise) -> None:
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    assert [name for name in {*VALUES, *TEXTS, *exercise.reference.definitions} if name not in task] == []
