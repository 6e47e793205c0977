"""tinyML, sigmoid_layer: the reference against torch and SciPy, the errata, follow-through, and the files around it."""

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
from scipy.optimize import minimize  # type: ignore[import-untyped]

from grader.checks import KINDS
from grader.course import Exercise, load_course
from grader.model import CheckResult
from grader.reference import Evaluation, Reference

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "exercises" / "tinyml" / "sigmoid_layer"
WRONG = ROOT / "reference" / "tinyml" / "wrong" / "sigmoid_layer"
RUBRIC = yaml.safe_load((ROOT / "rubrics" / "tinyml" / "sigmoid_layer.yaml").read_text(encoding="utf-8"))
CHECKS = [one for criterion in RUBRIC["criteria"] for one in criterion["checks"]]
VALUES = {one["value"] for one in CHECKS if "value" in one}
TEXTS = {"direction", "rates", "minimum"}
SEEDS = [None, *range(20)]


def without_figure(path: Path) -> str:
    """Return a hand-in without its figure, which these tests do not look at."""
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = (one for one in lines if "plt" not in one and not one.startswith('for run in history["runs"]'))
    return "\n".join(kept) + "\n"


SOLUTION = without_figure(ROOT / "reference" / "tinyml" / "solutions" / "sigmoid_layer.py")


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    """The exercise in a course of its own."""
    root = tmp_path_factory.mktemp("course")
    for folder in ("exercises", "reference", "rubrics"):
        (root / folder).symlink_to(ROOT / folder)
    assignment = "  tinyml: {title: T, exercises: [sigmoid_layer]}\n"
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
    """Return the fractions of the checks that do not earn everything, but for written answers and the figure."""
    left_out = {*TEXTS, "figure"}
    return {name: one.fraction for name, one in results.items() if one.fraction < 1 and name not in left_out}


def named(results: dict[str, CheckResult]) -> set[str]:
    return {one.misconception for one in results.values() if one.misconception}


# The reference against torch and SciPy


def tensor(value: Any) -> torch.Tensor:
    return torch.tensor(np.asarray(value), dtype=torch.float64)


def differentiated(weights: Any, inputs: Any, targets: Any) -> dict[str, Any]:
    """Return what one layer of torch gives: its sums, outputs and loss, and the gradients by sums and weights."""
    leaf = tensor(weights).requires_grad_()
    sums = torch.nn.functional.linear(tensor(inputs), leaf)
    sums.retain_grad()
    outputs = torch.sigmoid(sums)
    loss = torch.nn.functional.mse_loss(outputs, tensor(targets), reduction="sum") / 2
    loss.backward()  # type: ignore[no-untyped-call]
    found = {"z": sums, "y_hat": outputs, "loss": loss, "delta": sums.grad, "grad": leaf.grad}
    return {name: one.detach().numpy() for name, one in found.items() if one is not None}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_value_agrees_with_torch(reference: Reference, seed: int | None) -> None:
    v = reference.evaluate(seed)
    found = differentiated(v["W"], v["x"], v["y"])
    square = differentiated(v["W_square"], v["x_square"], v["y_square"])
    leaf = tensor(v["W"]).requires_grad_()
    leaf.grad = tensor(found["grad"])
    torch.optim.SGD([leaf], lr=v["eta"]).step()
    eigenvalues = torch.linalg.eigvals(tensor(v["A"])).real
    found |= {
        "grad_W": found.pop("grad"),
        "y_hat_square": square["y_hat"],
        "grad_square": square["grad"],
        "W_new": leaf.detach().numpy(),
        "lambda_max": eigenvalues.max(),
        "lambda_min": eigenvalues.min(),
        "eta_bound": v["eta_bound"],  # by experiment, in a test of its own
    }
    assert set(found) == VALUES
    for name, expected in found.items():
        assert np.shape(v[name]) == np.shape(expected), name
        np.testing.assert_allclose(v[name], np.asarray(expected), rtol=1e-10, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("seed", SEEDS)
def test_descent_converges_below_the_bound_and_diverges_above(reference: Reference, seed: int | None) -> None:
    v = reference.evaluate(seed)
    ends = {}
    for share in (0.98, 1.02):
        w = np.ones(2)
        for _ in range(2000):
            w = w - share * v["eta_bound"] * (v["A"] @ w)
        ends[share] = float(np.linalg.norm(w))
    assert ends[0.98] < 1e-6
    assert ends[1.02] > 1e6


def test_functions_agree_with_torch(reference: Reference) -> None:
    functions = {name: one.function for name, one in reference.definitions.items()}
    for W, X, Y, eta, steps in Evaluation(reference, None, hidden=3).cases("for_downhill"):
        found = differentiated(W, X, Y)
        np.testing.assert_allclose(functions["layer"](W, X), found["y_hat"])
        assert functions["loss_of"](W, X, Y) == pytest.approx(float(found["loss"]))
        np.testing.assert_allclose(functions["grad_of"](W, X, Y), found["grad"])
        leaf, losses = tensor(W).requires_grad_(), []
        optimizer = torch.optim.SGD([leaf], lr=eta)
        for _ in range(steps + 1):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(torch.sigmoid(tensor(X) @ leaf.T), tensor(Y), reduction="sum") / 2
            losses.append(loss.item())
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        np.testing.assert_allclose(functions["train"](W, X, Y, eta, steps), losses)


SAMPLE = {"x": np.array([0.5, -1.5]), "zero": np.zeros(2), "other": np.array([1.0, 0.5])}
WEIGHTS = np.array([[1.0, -0.5], [0.5, 0.25]])


def situation(letter: str) -> tuple[Any, Any, Any]:
    """Return weights, inputs and targets of a situation in the task."""
    half = np.array([[1.5, 0.5], [-3.0, -1.0]])  # orthogonal to x: both outputs are one half
    both = np.stack([SAMPLE["x"], SAMPLE["other"]])
    twice = np.stack([SAMPLE["x"], SAMPLE["x"]])
    outputs = 1 / (1 + np.exp(-(both @ WEIGHTS.T)))
    return {
        "a": (WEIGHTS, both[:1], outputs[:1]),
        "b": (WEIGHTS, both[:1], np.array([[0.0, 1.0]])),
        "c": (WEIGHTS, SAMPLE["zero"][None], np.array([[0.9, 0.2]])),
        "d": (WEIGHTS, both, outputs),
        "e": (half, twice, np.array([[0.2, 0.2], [0.8, 0.8]])),
        "f": (half, twice[:1], np.array([[0.2, 0.2]])),
    }[letter]


@pytest.mark.parametrize("letter", "abcdef")
def test_zeros_are_what_torch_finds(reference: Reference, letter: str) -> None:
    found = differentiated(*situation(letter))
    is_zero = bool(found["loss"] < 1e-15), bool(np.max(np.abs(found["grad"])) < 1e-15)
    words = {(True, True): "both", (False, True): "gradient", (True, False): "loss", (False, False): "neither"}
    assert reference.evaluate()["zeros"][letter] == words[is_zero]


# Mistakes


def shown(reference: Reference, seed: int | None) -> dict[tuple[str, str], Any]:
    """Return the wrong values by check and misconception: of the quantity itself, or of those that need it next."""
    truth = Evaluation(reference, seed)
    found: dict[tuple[str, str], Any] = {}
    for wrong in reference.misconceptions.values():
        if wrong.target in reference.definitions or wrong.target == "zeros":
            continue
        mistaken = Evaluation(reference, seed, {wrong.target: truth.mistaken(wrong)})
        waiting = [wrong.target]
        while waiting:
            name = waiting.pop()
            if name in VALUES:
                # A wrong activation is recognised by the outputs; what it does to their gradients is followed through.
                if wrong.target != "activation" or name.startswith("y_hat"):
                    found[name, wrong.id] = mistaken.value(name)
            else:
                waiting += [one for one, node in reference.quantities.items() if name in node.needs]
    return found


def distance(wrong: Any, right: Any) -> float:
    """Return how many tolerances of the rubric lie between two values, at the element where it is most."""
    options = RUBRIC["defaults"]["value"]
    return float(np.max(np.abs(np.subtract(wrong, right)) / (options["atol"] + options["rtol"] * np.abs(right))))


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
        *("gradient_transposed", "grad_of_transposed", "slope_omitted", "slope_of_sum", "half_omitted"),
        *("W_not_transposed", "layer_not_transposed", "step_uphill", "train_uphill", "error_turned"),
        *("bottom_in_one_step", "bound_of_flattest", "bound_by_trace"),
    }
    assert usual <= set(reference.misconceptions)


def test_messages_for_students_hold_no_result(reference: Reference) -> None:
    for wrong in reference.misconceptions.values():
        assert "." not in wrong.message.replace(". ", " ").rstrip("."), wrong.id  # no decimal number


# Errata


def test_the_solution_earns_everything(exercise: Exercise) -> None:
    results = grade(exercise, SOLUTION)
    assert lost(results) == {}
    assert {name for name, one in results.items() if one.for_person} == TEXTS


def text_check(name: str) -> dict[str, Any]:
    (found,) = (one for one in CHECKS if one.get("text") == name)
    return dict(found)


def test_TML_01_ascent_is_right_and_descent_in_the_footnote_is_explained(exercise: Exercise) -> None:
    check = text_check("direction")
    assert "ascent" in check["key_points"][0]["keywords"]
    assert any(one.startswith("ascent") and "never wrong" in one for one in check["accept"])
    start = SOLUTION.index('direction = """')
    written = SOLUTION[start : SOLUTION.index('"""', start + 20) + 3]
    answer = grade(exercise, changed((written, 'direction = "The gradient points to steepest ascent."')))["direction"]
    assert (answer.for_person, "key point" in answer.evidence.lower()) == (True, True)
    assert "- The gradient points to steepest ascent: to where the loss grows: has ascent" in answer.evidence


def test_TML_02_a_minimum_above_zero_is_accepted(exercise: Exercise, reference: Reference) -> None:
    assert any("Minimum, not zero" in one for one in text_check("minimum")["accept"])
    # As in the data that are given: the best weights leave an error, and only the gradient of the sum is zero there.
    v = reference.evaluate()
    X, Y = v["X_train"], v["Y_train"]

    def loss_and_gradient(flat: Any) -> tuple[float, Any]:
        found = differentiated(flat.reshape(3, 2), X, Y)
        return float(found["loss"]), found["grad"].ravel()

    best = minimize(loss_and_gradient, v["W_start"].ravel(), jac=True, options={"gtol": 1e-8})
    assert best.fun > 0.05
    assert np.max(np.abs(best.jac)) < 1e-6
    assert np.max(np.abs(differentiated(best.x.reshape(3, 2), X[:1], Y[:1])["grad"])) > 1e-4


HALF = "np.sum((y_hat - y) ** 2) / 2"
FACTORS = {"1": "2", "1 / 3": "2 / 3"}


@pytest.mark.parametrize("factor", FACTORS)
def test_X_01_a_constant_factor_costs_half_of_the_loss_and_follows_through(exercise: Exercise, factor: str) -> None:
    gradient = FACTORS[factor]
    text = changed(
        (f"loss = {HALF}\n", f"loss = {factor} * np.sum((y_hat - y) ** 2)\n"),
        ("    return np.sum((layer(W, X) - Y) ** 2) / 2\n", f"    return {factor} * np.sum((layer(W, X) - Y) ** 2)\n"),
        ("delta = (y_hat - y) * y_hat", f"delta = {gradient} * (y_hat - y) * y_hat"),
        ("delta_square = (", f"delta_square = {gradient} * ("),
        ("    delta = (y_hat - Y)", f"    delta = {gradient} * (y_hat - Y)"),
    )
    if factor != "1":  # of the function it is the mean over outputs, however many there are
        text = text.replace("1 / 3 * np.sum((layer(W, X) - Y) ** 2)", "np.sum((layer(W, X) - Y) ** 2) / len(W)")
        text = text.replace("    delta = 2 / 3 *", "    delta = 2 / len(W) *")
    assert lost(grade(exercise, text)) == {"loss": 0.5}


def test_X_01_a_factor_in_the_gradient_alone_costs_there(exercise: Exercise) -> None:
    results = grade(exercise, changed(("delta = (y_hat - y) * y_hat", "delta = 2 * (y_hat - y) * y_hat")))
    assert lost(results) == {"delta": 0.5}
    assert named(results) == {"half_omitted"}


def test_X_01_the_convention_is_named_in_the_task() -> None:
    task = " ".join((FOLDER / "task.md").read_text(encoding="utf-8").split())
    assert "half of the sum of the squared errors" in task
    assert "is the sum of theirs, not the mean" in task


def test_X_02_a_transposed_gradient_is_right_where_its_shape_shows_it(exercise: Exercise) -> None:
    text = changed(
        ("grad_W = np.outer(delta, x)", "grad_W = np.outer(x, delta)"), ("W_new = W - eta", "W_new = W.T - eta")
    )
    assert lost(grade(exercise, text)) == {}


def test_X_02_the_square_layer_is_strict(exercise: Exercise) -> None:
    text = changed(("np.outer(delta_square, x_square)", "np.outer(x_square, delta_square)"))
    assert lost(grade(exercise, text)) == {"grad_square": 0.0}
    results = grade(exercise, changed(("x_square @ W_square.T", "x_square @ W_square")))
    assert (lost(results), named(results)) == ({"y_hat_square": 0.0}, {"W_not_transposed"})


@pytest.mark.parametrize("name", ["W", "X_train", "Y_train", "W_start"])
def test_X_02_no_other_matrix_is_square(reference: Reference, name: str) -> None:
    rows, columns = reference.evaluate()[name].shape
    assert rows != columns


# Follow-through and fairness


@pytest.mark.parametrize(
    ("wrong", "name"),
    [("sigmoid(X @ W)", "layer_not_transposed"), ("X @ W.T", "linear_layer"), ("sigmoid(-X @ W.T)", "falling_layer")],
)
def test_a_wrong_layer_is_not_charged_again_in_loss_and_gradient(exercise: Exercise, wrong: str, name: str) -> None:
    # What trains with it is another matter: with the transposed one nothing can be trained at all.
    parts = SOLUTION.replace("    return sigmoid(X @ W.T)\n", f"    return {wrong}\n").replace(
        '"losses": train(', '"losses": trained('
    )
    rescue = "def trained(W, X, Y, eta, steps):\n    return [0.0] * (steps + 1)\n\n\n"
    results = grade(exercise, parts.replace('history = {"runs": []}\n', rescue + 'history = {"runs": []}\n'))
    assert results["layer"].misconception == name
    assert {"loss_of", "grad_of", "train"}.isdisjoint(lost(results))


def test_a_gradient_that_fits_the_own_activation_is_right(exercise: Exercise) -> None:
    tanh = ("    return sigmoid(X @ W.T)\n", "    return np.tanh(X @ W.T)\n")
    slope = ("    delta = (y_hat - Y) * y_hat * (1 - y_hat)\n", "    delta = (y_hat - Y) * (1 - y_hat**2)\n")
    assert lost(grade(exercise, changed(tanh, slope))) == {"layer": 0.0}
    assert "grad_of" in lost(grade(exercise, changed(slope)))  # but not with a sigmoid in the layer


def test_another_activation_throughout_costs_once(exercise: Exercise) -> None:
    text = changed(
        ("y_hat = sigmoid(z)\n", "y_hat = np.tanh(z)\n"),
        ("y_hat_square = sigmoid(", "y_hat_square = np.tanh("),
        ("delta = (y_hat - y) * y_hat * (1 - y_hat)\n", "delta = (y_hat - y) * (1 - y_hat**2)\n"),
        ("y_square) * y_hat_square * (1 - y_hat_square)", "y_square) * (1 - y_hat_square**2)"),
    )
    results = grade(exercise, text)
    assert (lost(results), named(results)) == ({"y_hat": 0.0}, {"tanh_for_sigmoid"})


def test_a_slope_left_out_costs_once_in_numbers(exercise: Exercise) -> None:
    text = changed(
        ("delta = (y_hat - y) * y_hat * (1 - y_hat)\n", "delta = y_hat - y\n"),
        (
            "delta_square = (y_hat_square - y_square) * y_hat_square * (1 - y_hat_square)",
            "delta_square = y_hat_square - y_square",
        ),
    )
    results = grade(exercise, text)
    assert (lost(results), named(results)) == ({"delta": 0.0}, {"slope_omitted"})


def test_y_minus_y_hat_with_a_plus_goes_downhill(exercise: Exercise) -> None:
    # The gradient has the wrong sign, which costs; the step made of it is right.
    text = changed(
        ("delta = (y_hat - y) * y_hat", "delta = (y - y_hat) * y_hat"),
        ("delta_square = (y_hat_square - y_square)", "delta_square = (y_square - y_hat_square)"),
        ("W - eta * grad_W", "W + eta * grad_W"),
    )
    results = grade(exercise, text)
    assert (lost(results), named(results)) == ({"delta": 0.0}, {"error_turned"})


LOOP = SOLUTION[SOLUTION.index("    losses = [loss_of(W, X, Y)]") : SOLUTION.index("    return losses\n")]
INLINE = """    losses = []
    for _ in range(steps + 1):
        y_hat = layer(W, X)
        losses.append(loss_of(W, X, Y))
        W = W - eta * ((y_hat - Y) * y_hat * (1 - y_hat)).T @ X
"""
BY_SAMPLE = """    losses = [sum(loss_of(W, X[i : i + 1], Y[i : i + 1]) for i in range(len(X)))]
    for _ in range(steps):
        W = W - eta * sum(grad_of(W, X[i : i + 1], Y[i : i + 1]) for i in range(len(X)))
        losses.append(sum(loss_of(W, X[i : i + 1], Y[i : i + 1]) for i in range(len(X))))
"""


@pytest.mark.parametrize("loop", [INLINE, BY_SAMPLE])
def test_every_way_to_write_the_training_is_right(exercise: Exercise, loop: str) -> None:
    assert lost(grade(exercise, changed((LOOP, loop)))) == {}


def test_a_wrong_gradient_is_not_charged_again_in_training(exercise: Exercise) -> None:
    results = grade(exercise, changed(("    delta = (y_hat - Y) * y_hat * (1 - y_hat)\n", "    delta = y_hat - Y\n")))
    assert (lost(results), named(results)) == ({"grad_of": 0.0}, {"grad_of_without_slope"})


def test_losses_of_other_rates_than_said_are_noticed(exercise: Exercise) -> None:
    text = changed(('"learning_rate": rate, "losses"', '"learning_rate": 2 * rate, "losses"'))
    assert lost(grade(exercise, text)) == {"history_repeats": 0.0}


def test_losses_rounded_for_the_history_are_right(exercise: Exercise) -> None:
    trained = "train(W_start, X_train, Y_train, rate, 60)"
    rounded = (trained, f"list(np.round({trained}, 3))")
    assert lost(grade(exercise, changed(rounded))) == {}


@pytest.mark.parametrize("seed", SEEDS)
def test_everybodys_data_can_be_learned_with_the_usual_rates(reference: Reference, seed: int | None) -> None:
    for run in reference.evaluate(seed)["history"]["runs"]:
        assert run["losses"][-1] < 0.7 * run["losses"][0]


def test_one_answer_everywhere_earns_nothing(exercise: Exercise) -> None:
    start = SOLUTION.index("zeros = {")
    line = SOLUTION[start : SOLUTION.index("\n", start)]
    for word in ("both", "gradient", "neither", "loss"):
        assert grade(exercise, changed((line, f"zeros = dict.fromkeys('abcdef', {word!r})")))["zeros"].fraction == 0


# The files


def test_points_and_items_are_those_of_the_task(exercise: Exercise) -> None:
    assert exercise.rubric.points == 25
    settings = yaml.safe_load((FOLDER / "exercise.yaml").read_text(encoding="utf-8"))
    assert list(settings["items"]) == ["T08", "T09", "T10", "T11", "T12", "T13", "T15"]
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    for criterion in RUBRIC["criteria"]:
        assert f"{criterion['title']} ({criterion['points']} points)" in task


@pytest.mark.parametrize("seed", range(20))
def test_personal_numbers_belong_to_the_seed(reference: Reference, seed: int) -> None:
    one, again, other = (reference.evaluate(number) for number in (seed, seed, seed + 2**40))
    assert all(np.array_equal(one[name], again[name]) for name in reference.givens)
    assert not np.array_equal(one["X_train"], other["X_train"])


def test_starter_leaves_the_numbers_and_nothing_else(reference: Reference) -> None:
    left = runpy.run_path(str(FOLDER / "sigmoid_layer.py"))
    assert {name: left[name] for name in VALUES} == dict.fromkeys(VALUES)
    assert {left[name] for name in TEXTS} == {""}
    assert set(left["zeros"].values()) == {None}
    for name in reference.givens:
        np.testing.assert_array_equal(left[name], reference.evaluate()[name])
    assert set(reference.definitions) <= set(left)


def test_every_wrong_file_is_listed() -> None:
    listed = yaml.safe_load((WRONG / "wrong.yaml").read_text(encoding="utf-8"))
    assert set(listed) == {path.name for path in WRONG.glob("*.py")}


def test_what_is_asked_is_named_in_the_task(exercise: Exercise) -> None:
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    asked = {*VALUES, *TEXTS, "zeros", "history", *exercise.reference.definitions}
    assert [name for name in sorted(asked) if f"`{name}" not in task] == []
