"""tinyML, networks: the reference against torch and SciPy, what the errata accept, and blocks of many makes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import yaml
from judging_helpers import judge
from numpy.polynomial import Polynomial
from observing_helpers import grade
from scipy.signal import convolve  # type: ignore[import-untyped]
from torch import nn

from grader.checks import KINDS
from grader.course import Exercise, load_course
from grader.model import CheckResult
from grader.reference import Evaluation, Reference
from grader.starters import without_given

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "exercises" / "tinyml" / "networks"
SOLUTION = (ROOT / "reference" / "tinyml" / "solutions" / "networks.py").read_text(encoding="utf-8")
RUBRIC = yaml.safe_load((ROOT / "rubrics" / "tinyml" / "networks.yaml").read_text(encoding="utf-8"))
VALUES = [one["value"] for criterion in RUBRIC["criteria"] for one in criterion["checks"] if "value" in one]
TEXTS = {"what_changes", "universal_approximation"}
SEEDS = [None, *range(6)]


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    """The exercise in a course of its own."""
    root = tmp_path_factory.mktemp("course")
    for folder in ("exercises", "reference", "rubrics"):
        (root / folder).symlink_to(ROOT / folder)
    assignment = "  tinyml: {title: T, personal: true, exercises: [networks]}\n"
    (root / "course.yaml").write_text(f"title: T\nkey: any\nassignments:\n{assignment}", encoding="utf-8")
    (found,) = load_course(root, KINDS).exercises()
    return found


@pytest.fixture
def reference(exercise: Exercise) -> Reference:
    return exercise.reference


def function(reference: Reference, name: str) -> Callable[..., Any]:
    return reference.definitions[name].function


def drawn(reference: Reference, name: str) -> list[tuple[Any, ...]]:
    found = [case for hidden in range(5) for case in Evaluation(reference, None, hidden=hidden).cases(name)]
    return [case for case in found if isinstance(case, tuple)]


def part(exercise: Exercise, name: str) -> Exercise:
    """Return the exercise with one criterion alone, which is quicker."""
    criteria = tuple(one for one in exercise.rubric.criteria if one.id == name)
    assert len(criteria) == 1
    return replace(exercise, rubric=replace(exercise.rubric, criteria=criteria))


def graded(exercise: Exercise, source: str, hidden: int = 0) -> dict[str, CheckResult]:
    """Return the results of the solution with ``source`` at its end."""
    return grade(exercise, f"{SOLUTION}\n\nimport torch\nimport torch.nn.functional as F\n\n{source}\n", hidden)


def lost(results: dict[str, CheckResult]) -> dict[str, float]:
    """Return the fractions of the checks that do not earn everything; the written answers wait for a person."""
    return {name: one.fraction for name, one in results.items() if one.fraction < 1 and name not in TEXTS}


def named(results: dict[str, CheckResult]) -> set[str]:
    return {one.misconception for one in results.values() if one.misconception}


def tensor(value: Any) -> torch.Tensor:
    return torch.tensor(np.asarray(value), dtype=torch.float64)


def linear(weight: Any, bias: Any = None) -> nn.Linear:
    """Return torch's layer with these weights."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(tensor(weight))
        if bias is not None:
            layer.bias.copy_(tensor(bias))
    return layer


# The reference, by other means


def by_torch(v: dict[str, Any]) -> dict[str, Any]:
    """Return the values that checks ask for, by NumPy's polynomials and torch's layers."""
    found: dict[str, Any] = {"biases": "no", "scaling": "unscaled"}
    for which in ("low", "high"):
        fit = Polynomial.fit(v["t"], v["s"], v[f"degree_{which}"])
        found[f"parameters_{which}"] = len(fit.coef)
        found[f"error_{which}"] = np.sum((fit(v["t"]) - v["s"]) ** 2)
    outputs, inputs = v["dense_W_shape"]
    dense = nn.Linear(inputs, outputs, bias=False)
    found["dense_y_shape"] = dense(torch.zeros(v["dense_x_shape"])).shape
    found["dense_parameters"] = dense.weight.numel()
    i1, d1, k, _ = v["conv_W_shape"]
    conv = nn.Conv2d(d1, i1, k, stride=v["stride"], padding=v["padding"], bias=False)
    found["conv_y_shape"] = conv(torch.zeros(v["conv_x_shape"])).shape
    found["conv_parameters"] = conv.weight.numel()
    for name in "QKV":
        found[name] = linear(v[f"W{name.lower()}"])(tensor(v["x"]))
    tokens = {name: found[name][None, None] for name in "QKV"}
    attend = F.scaled_dot_product_attention
    found["y"] = attend(tokens["Q"], tokens["K"], tokens["V"], scale=1.0)[0, 0]
    found["weights"] = attend(tokens["Q"], tokens["K"], torch.eye(3, dtype=torch.float64)[None, None], scale=1.0)[0, 0]
    found["scores"] = torch.cdist(found["Q"], -found["K"]) ** 2 / 2 - sum(
        (found[name] ** 2).sum(1).reshape(shape) / 2 for name, shape in (("Q", (3, 1)), ("K", (1, 3)))
    )
    plain = nn.Sequential(linear(v["W1"]), linear(v["W2"]))
    biased = nn.Sequential(linear(v["W1"], v["b1"]), linear(v["W2"], v["b2"]))
    found["W3"] = torch.autograd.functional.jacobian(plain, torch.zeros(3, dtype=torch.float64))  # type: ignore[no-untyped-call]
    found["y_linear"] = plain(tensor(v["X"]))
    found["b3"] = biased(torch.zeros(3, dtype=torch.float64))
    return {name: one.detach() if isinstance(one, torch.Tensor) else one for name, one in found.items()}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_value_agrees_with_torch(reference: Reference, seed: int | None) -> None:
    values = reference.evaluate(seed)
    found = by_torch(values)
    assert set(found) == set(VALUES)
    for name, expected in found.items():
        if isinstance(expected, str):
            assert values[name] == expected
        else:
            np.testing.assert_allclose(values[name], np.asarray(expected), rtol=1e-9, atol=1e-9, err_msg=name)


def test_formulas_are_what_torch_makes_of_the_sizes(reference: Reference) -> None:
    values = reference.evaluate()
    for n, k, p, s, i1, d1 in ((12, 3, 1, 2, 4, 3), (11, 5, 0, 3, 2, 1), (7, 2, 2, 1, 3, 5), (13, 4, 1, 4, 1, 2)):
        layer = nn.Conv2d(d1, i1, k, stride=s, padding=p, bias=False)
        names = {"n": n, "k": k, "p": p, "s": s, "i1": i1, "d1": d1}
        assert eval(values["conv_weights"], names) == layer.weight.numel()  # noqa: S307 - our own formula
        assert eval(values["conv_size"], names) == layer(torch.zeros(d1, n, n)).shape[-1]  # noqa: S307 - likewise


def test_functions_agree_with_torch_and_scipy(reference: Reference) -> None:
    for x, W in drawn(reference, "dense_inputs"):
        np.testing.assert_allclose(function(reference, "dense")(x, W), F.linear(tensor(x), tensor(W)))
    for x, W in drawn(reference, "conv_inputs"):
        flipped = [sum(convolve(x[c], W[o, c, ::-1, ::-1], mode="valid") for c in range(len(x))) for o in range(len(W))]
        np.testing.assert_allclose(function(reference, "conv")(x, W), flipped)
    for x, *projections in drawn(reference, "attention_inputs"):
        q, k, v = (linear(W)(tensor(x))[None, None] for W in projections)
        right = F.scaled_dot_product_attention(q, k, v, scale=1.0)[0, 0].detach()
        np.testing.assert_allclose(function(reference, "self_attention")(x, *projections), right)
    for W1, b1, W2, b2 in drawn(reference, "layer_pairs"):
        W3, b3 = function(reference, "collapse")(W1, b1, W2, b2)
        x = torch.randn(6, W1.shape[1], dtype=torch.float64)
        two = nn.Sequential(linear(W1, b1), linear(W2, b2))(x)
        np.testing.assert_allclose(linear(W3, b3)(x).detach(), two.detach(), atol=1e-12)
    for x, W1, W2 in drawn(reference, "network_inputs"):
        right = nn.Sequential(linear(W1), nn.ReLU(), linear(W2))(tensor(x)).detach()
        np.testing.assert_allclose(function(reference, "relu_network")(x, W1, W2), right)


class Shortcut(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 6, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        change: torch.Tensor = self.layer(x)
        return x + change


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(6, 4, bias=False) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (layer(x)[None] for layer in self.layers)
        return F.scaled_dot_product_attention(q, k, v, scale=1.0)


def test_networks_collapse_exactly_if_they_are_linear(reference: Reference) -> None:
    torch.manual_seed(0)
    dense = [nn.Linear(6, 6, bias=False) for _ in range(3)]
    conv = [nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(2)]
    last = [nn.Flatten(), nn.Linear(9, 2, bias=False)]
    picture, row = (1, 1, 6, 6), (5, 6)
    networks: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
        "dense, dense, dense": (nn.Sequential(*dense), row),
        "dense, ReLU, dense": (nn.Sequential(dense[0], nn.ReLU(), dense[1]), row),
        "convolution, convolution": (nn.Sequential(*conv), picture),
        "dense, sigmoid": (nn.Sequential(dense[0], nn.Sigmoid()), row),
        "convolution, average pooling, flatten, dense": (nn.Sequential(conv[0], nn.AvgPool2d(2), *last), picture),
        "convolution, max pooling, flatten, dense": (nn.Sequential(conv[0], nn.MaxPool2d(2), *last), picture),
        "dense, with its input added to its output, dense": (nn.Sequential(Shortcut(), dense[0]), row),
        "self-attention": (Attention(), row),
    }
    found = {}
    for name, (network, shape) in networks.items():
        a, b = torch.randn(shape), torch.randn(shape)
        linear = torch.allclose(network(a + b), network(a) + network(b), atol=1e-5)
        found[name] = "yes" if linear else "no"
    assert reference.evaluate()["collapses"] == found
    assert sorted(found.values()) == ["no"] * 4 + ["yes"] * 4  # so that one answer everywhere is half right: nothing


# Personal numbers


@pytest.mark.parametrize("seed", SEEDS)
def test_every_mistake_in_a_value_is_told_apart_for_everybody(exercise: Exercise, seed: int | None) -> None:
    reference = exercise.reference
    truth = Evaluation(reference, seed)
    for wrong in reference.misconceptions.values():
        if wrong.target in {*reference.definitions, "collapses"}:
            continue
        own = Evaluation(reference, seed, {wrong.target: truth.mistaken(wrong)})
        values = {name: own.value(name) for name in (*VALUES, "conv_weights", "conv_size")}
        answers = {name: list(one) if isinstance(one, tuple) else one for name, one in values.items()}
        results = judge(exercise, answers, seed=seed)
        missed = [name for name in answers if results[name].fraction < 1]
        assert len(missed) == 1, (wrong.id, missed)
        assert results[missed[0]].misconception == wrong.id


def test_others_have_other_numbers_and_the_starter_has_the_common_ones(reference: Reference) -> None:
    names: dict[str, Any] = {}
    starter = (FOLDER / "networks.py").read_text(encoding="utf-8")
    exec(starter, names)  # noqa: S102 - our own starter
    assert all(np.array_equal(names[one], reference.evaluate()[one]) for one in reference.givens)
    assert "Wq" not in re.findall(r"(?m)^(\w+) =", without_given("networks.py", starter))
    seen = {repr([reference.evaluate(seed)[one] for one in reference.givens]) for seed in SEEDS}
    assert len(seen) == len(SEEDS)


def test_messages_for_students_hold_no_result(reference: Reference) -> None:
    values = reference.evaluate()
    right = {str(values[name]) for name in ("conv_weights", "conv_size", "dense_parameters", "conv_parameters")}
    for wrong in reference.misconceptions.values():
        assert not any(one in wrong.message for one in right), wrong.id


# The errata


def test_TML_04_scaled_scores_are_right_where_they_are_declared(exercise: Exercise) -> None:
    scaled = """
def self_attention(x, Wq, Wk, Wv):
    q, k, v = (torch.tensor(x @ W.T)[None, None] for W in (Wq, Wk, Wv))
    return F.scaled_dot_product_attention(q, k, v)[0, 0]

scores = scores / np.sqrt(Wq.shape[0])
weights = softmax(scores)
y = weights @ V
"""
    assert lost(graded(exercise, f"{scaled}\nscaling = 'scaled'")) == {}
    unsaid = graded(exercise, scaled)
    assert lost(unsaid) == {"scores": 0.5, "self_attention": 0.75}
    assert named(unsaid) == {"scaling_unsaid", "scaled_unsaid"}
    assert lost(graded(exercise, "scaling = 'scaled'")) == {}  # the formula as printed is always right


def test_TML_04_tokens_are_rows_and_softmax_runs_over_rows(exercise: Exercise, reference: Reference) -> None:
    values = reference.evaluate()
    assert (values["x"].shape, values["Wq"].shape, values["scores"].shape) == ((3, 4), (2, 4), (3, 3))
    np.testing.assert_allclose(values["weights"].sum(axis=1), 1)
    columns = graded(exercise, "weights = softmax(scores.T).T\ny = weights @ V")
    assert lost(columns) == {"weights": 0.0}
    assert named(columns) == {"softmax_of_columns"}


def test_TML_05_biases_count_where_they_are_declared(exercise: Exercise) -> None:
    counted = "dense_parameters += dense_W_shape[0]\nconv_parameters += conv_W_shape[0]\n"
    assert lost(graded(exercise, f"{counted}biases = 'yes'")) == {}
    unsaid = graded(exercise, counted)
    assert lost(unsaid) == {"dense_parameters": 0.5}  # and not once more in the convolution
    assert named(unsaid) == {"biases_unsaid"}
    assert lost(graded(exercise, "biases = 'yes'")) == {}  # none, as printed, is always right


def test_TML_05_the_biases_of_the_one_layer_are_asked_as_an_extension(exercise: Exercise) -> None:
    assert "now the two layers have the biases" in (FOLDER / "task.md").read_text(encoding="utf-8")
    assert lost(graded(exercise, "b3 = b1[:2] + b2")) == {"b3": 0.0}
    lost_bias = graded(exercise, "b3 = b2")
    assert (lost(lost_bias), named(lost_bias)) == ({"b3": 0.0}, {"first_bias_lost"})
    assert lost(graded(exercise, "y_linear = X @ W3.T + b3")) == {"y_linear": 0.5}


def test_TML_06_a_flipped_kernel_is_right_where_it_is_declared(exercise: Exercise) -> None:
    flipped = """
from scipy.signal import convolve

def conv(x, W):
    return np.array([convolve(x, kernel[::-1], mode="valid")[0] for kernel in W])
"""
    assert lost(graded(exercise, f"{flipped}\nconvolution = 'flipped'")) == {}
    unsaid = graded(exercise, flipped)
    assert (lost(unsaid), named(unsaid)) == ({"conv": 0.5}, {"flipped_unsaid"})
    assert lost(graded(exercise, "convolution = 'flipped'")) == {}  # as libraries do it is always right
    assert lost(graded(exercise, "convolution = 'as in torch'")) == {}
    puzzling = graded(exercise, f"{flipped}\nconvolution = 'mirrored'")["conv"]
    assert (puzzling.fraction, "write 'flipped' there" in puzzling.message) == (0, True)


def test_X_01_a_constant_factor_of_the_error_costs_half_and_once(exercise: Exercise) -> None:
    assert "**sum** of the squared errors" in (FOLDER / "task.md").read_text(encoding="utf-8")
    for factor, name in (("1 / len(t)", "error_averaged"), ("0.5", "error_halved")):
        results = graded(exercise, f"error_low *= {factor}\nerror_high *= {factor}")
        assert (lost(results), named(results)) == ({"error_low": 0.5}, {name})


def test_X_02_a_matrix_may_come_transposed_where_its_shape_shows_it(exercise: Exercise) -> None:
    columns = """
Q, K, V, y, W3, y_linear = Q.T, K.T, V.T, y.T, W3.T, y_linear.T

def dense(x, W):
    return W @ x.T

def self_attention(x, Wq, Wk, Wv):
    return softmax(x @ Wq.T @ (x @ Wk.T).T).dot(x @ Wv.T).T

def relu_network(x, W1, W2):
    return W2 @ np.maximum(W1 @ x.T, 0)
"""
    assert lost(graded(exercise, columns)) == {}
    # Square matrices do not show it, and there it is another layer.
    transposed = graded(exercise, "def collapse(W1, b1, W2, b2):\n    return W1.T @ W2.T, W2 @ b1 + b2")
    assert (lost(transposed), named(transposed)) == ({"collapse": 0.5}, {"transposes_multiplied"})
    turned = graded(exercise, "scores = scores.T\nweights = softmax(scores)\ny = weights @ V")
    assert (lost(turned), named(turned)) == ({"scores": 0.0}, {"keys_ask"})


# A mistake costs once


def test_a_wrong_dense_layer_is_not_charged_where_it_is_called(exercise: Exercise) -> None:
    for body in ("x @ W", "x @ np.abs(W).T", "None", "1 / 0"):
        results = graded(exercise, f"def dense(x, W):\n    return {body}")
        assert lost(results) == {"dense": 0.0}, body


def test_wrong_projections_and_weights_are_followed(exercise: Exercise) -> None:
    results = graded(exercise, "K = 1.5 * K\nscores = Q @ K.T\nweights = softmax(scores)\ny = weights @ V")
    assert lost(results) == {"K": 0.0}
    assert all(results[name].follow_through for name in ("scores", "weights", "y"))
    results = graded(exercise, "W3 = W3 + 0.5\ny_linear = X @ W3.T")
    assert lost(results) == {"W3": 0.0}


def test_a_wrong_rule_in_a_formula_is_followed(exercise: Exercise) -> None:
    kernels = "conv_weights = 'i1 k k'\nconv_parameters = conv_W_shape[0] * conv_W_shape[2] ** 2\n"
    results = graded(exercise, kernels)
    assert (lost(results), named(results)) == ({"conv_weights": 0.0}, {"channels_overlooked"})
    sizes = (
        "conv_size = '(n + 2p - k) // s'\nconv_y_shape = (conv_y_shape[0], *(one - 1 for one in conv_y_shape[1:]))\n"
    )
    results = graded(exercise, sizes)
    assert (lost(results), named(results)) == ({"conv_size": 0.0}, {"first_place_forgotten"})


@pytest.mark.parametrize(
    "text",
    ["1 + (n+2p-k)//s", "⌊(n + 2·p - k) / s⌋ + 1", "floor((n - k + 2 p + s) / s)", "ceil((n + 2p - k + 1) / s)"],
)
def test_a_size_may_be_written_in_any_form(exercise: Exercise, text: str) -> None:
    assert lost(graded(exercise, f"conv_size = {text!r}")) == {}


# ReLU breaks the collapse


@pytest.mark.parametrize(
    "returned",
    [
        "[[1.0]], [[1.0]], [1.0], [-1.0]",
        "1, 1, 1, -1",
        "[[1, -1], [2, 0.5]], [[1, 3]], [1, 2], [2, -1]",
        "torch.eye(3), torch.ones(1, 3), torch.tensor([1.0, -2.0, 3.0]), torch.tensor([-2.0, 1.0, 1.0])",
        "np.eye(2), np.ones((2, 2)), np.array([[1.0, -1.0]]), np.array([[-3.0, 1.0]])",
        "np.random.randn(30, 4), np.random.randn(2, 30), np.random.randn(4), np.random.randn(4)",
        "1e-9 * np.eye(1), np.eye(1), np.ones(1), -np.ones(1)",
    ],
)
def test_any_example_that_bends_is_right(exercise: Exercise, returned: str) -> None:
    assert lost(graded(part(exercise, "relu"), f"def counterexample():\n    return {returned}")) == {}


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        ("[[1.0]], [[1.0]], [1.0], [2.0]", "are the same"),
        ("[[1.0], [-1.0]], [[1.0, -1.0]], [1.0], [-2.0]", "are the same"),  # relu(z) - relu(-z) = z
        ("[[1.0]], [[0.0]], [1.0], [-1.0]", "zero"),
        ("np.ones((2, 3)), np.ones((1, 2)), np.ones(2), np.ones(2)", "shapes"),
        ("[[1.0]], [[1.0]], [float('nan')], [-1.0]", "NaN"),
        ("[1.0], [-1.0]", "four"),
        ("None", "nothing is returned"),
        ("'1, 1, 1, -1'", "four"),
    ],
)
def test_an_example_that_does_not_bend_is_told_why(exercise: Exercise, returned: str, told: str) -> None:
    results = graded(part(exercise, "relu"), f"def counterexample():\n    return {returned}")
    assert lost(results) == {"counterexample": 0.0}
    assert told in results["counterexample"].message


# Blocks


def sequential(*layers: str) -> str:
    return f"def AlexNetBlock(i, o):\n    return nn.Sequential({', '.join(layers)})"


CONV = "nn.Conv2d(i, o, 3, padding=1)"


@pytest.mark.parametrize(
    "layers",
    [
        (CONV, "nn.ReLU()", "nn.MaxPool2d(2)"),
        (CONV, "nn.MaxPool2d(3, 2)", "nn.ReLU()"),
        ("nn.Conv2d(i, o, 11, 4, 2)", "nn.ReLU()", "nn.MaxPool2d(3, 2)"),
        ("nn.Conv2d(i, o, 5, bias=False)", "nn.BatchNorm2d(o)", "nn.ReLU(True)", "nn.MaxPool2d(2, padding=1)"),
        ("nn.LazyConv2d(o, 1)", "nn.ReLU()", "nn.LocalResponseNorm(5, k=2)", "nn.MaxPool2d(3, 3, ceil_mode=True)"),
        (CONV, "nn.ReLU()", "nn.AdaptiveMaxPool2d(6)", "nn.Dropout(0.5)"),
    ],
)
def test_an_alexnet_block_of_any_make_is_right(exercise: Exercise, layers: tuple[str, ...]) -> None:
    for hidden in range(2):
        assert lost(graded(part(exercise, "blocks"), sequential(*layers), hidden)) == {}


@pytest.mark.parametrize(
    ("layers", "missing"),
    [
        ((CONV, "nn.MaxPool2d(2)"), {"alexnet_relu"}),
        ((CONV, "nn.Sigmoid()", "nn.MaxPool2d(2)"), {"alexnet_relu"}),
        ((CONV, "nn.LeakyReLU()", "nn.MaxPool2d(2)"), {"alexnet_relu"}),
        ((CONV, "nn.ReLU()"), {"alexnet_pool"}),
        ((CONV, "nn.ReLU()", "nn.AvgPool2d(2)"), {"alexnet_pool"}),
        ((CONV, "nn.AvgPool2d(3, 2)", "nn.ReLU()"), {"alexnet_pool"}),
        (("nn.MaxPool2d(2)", CONV, "nn.ReLU()"), {"alexnet_pool"}),
        ((CONV,), {"alexnet_relu", "alexnet_pool"}),
        ((CONV, "nn.ReLU()", "nn.Conv2d(o, o, 1)", "nn.ReLU()", "nn.MaxPool2d(2)"), {"alexnet_relu", "alexnet_pool"}),
        (("nn.Conv2d(i, 8, 3)", "nn.ReLU()", "nn.MaxPool2d(2)"), {"alexnet_relu", "alexnet_pool"}),
        (("nn.Conv2d(3, o, 3)", "nn.ReLU()", "nn.MaxPool2d(2)"), {"alexnet_relu", "alexnet_pool"}),
    ],
)
def test_an_alexnet_block_loses_what_it_lacks(exercise: Exercise, layers: tuple[str, ...], missing: set[str]) -> None:
    for hidden in range(2):
        assert lost(graded(part(exercise, "blocks"), sequential(*layers), hidden)) == dict.fromkeys(
            sorted(missing, reverse=True), 0.0
        )


def residual(layers: str, forward: str) -> str:
    return f"""
class ResNetBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.f = nn.Sequential({layers})

    def forward(self, x):
        return {forward}
"""


C1 = "nn.Conv2d(c, c, 3, padding=1)"
TWO = f"{C1}, nn.ReLU(), {C1}"


@pytest.mark.parametrize(
    ("layers", "forward"),
    [
        (TWO, "torch.relu(x + self.f(x))"),
        (TWO, "x + self.f(x)"),
        (f"{C1}, nn.BatchNorm2d(c), nn.ReLU(), {C1}, nn.BatchNorm2d(c)", "F.relu(self.f(x) + x)"),
        (f"nn.BatchNorm2d(c), nn.ReLU(), {C1}, nn.BatchNorm2d(c), nn.ReLU(), {C1}", "x + self.f(x)"),
        (
            "nn.Conv2d(c, 2, 1), nn.ReLU(), nn.Conv2d(2, 2, 3, padding=1), nn.ReLU(), nn.Conv2d(2, c, 1)",
            "x + self.f(x)",
        ),
        (f"nn.Conv2d(c, c, 5, padding='same', bias=False), nn.ReLU(), nn.Dropout(), {C1}", "torch.relu(x + self.f(x))"),
    ],
)
def test_a_resnet_block_of_any_make_is_right(exercise: Exercise, layers: str, forward: str) -> None:
    for hidden in range(2):
        assert lost(graded(part(exercise, "blocks"), residual(layers, forward), hidden)) == {}


@pytest.mark.parametrize(
    ("layers", "forward", "missing"),
    [
        (TWO, "torch.relu(self.f(x))", {"resnet_shortcut"}),
        (TWO, "torch.relu(x * self.f(x))", {"resnet_shortcut"}),
        (TWO, "torch.relu(x / 2 + self.f(x))", {"resnet_shortcut"}),
        (TWO, "torch.cat([x, self.f(x)], 1)", {"resnet_shortcut", "resnet_branch"}),
        (f"{C1}, {C1}", "torch.relu(x + self.f(x))", {"resnet_branch"}),
        (f"{C1}, nn.ReLU()", "torch.relu(x + self.f(x))", {"resnet_branch"}),
        (TWO, "x + 0 * self.f(x)", {"resnet_branch"}),
        (TWO, "x", {"resnet_branch", "resnet_trains"}),
        (f"{TWO}.requires_grad_(False)", "torch.relu(x + self.f(x))", {"resnet_trains"}),
        (TWO.replace(", padding=1", ""), "x + self.f(x)", {"resnet_shortcut", "resnet_branch", "resnet_trains"}),
        (TWO, "F.max_pool2d(x + self.f(x), 2)", {"resnet_shortcut", "resnet_branch"}),
    ],
)
def test_a_resnet_block_loses_what_it_lacks(exercise: Exercise, layers: str, forward: str, missing: set[str]) -> None:
    results = graded(part(exercise, "blocks"), residual(layers, forward))
    assert set(lost(results)) == missing, {name: one.message for name, one in results.items() if one.fraction < 1}


# The files around it


def test_the_polynomials_accept_what_the_lost_plots_may_have_shown() -> None:
    text = next(one for one in RUBRIC["criteria"][0]["checks"] if one.get("text") == "what_changes")
    assert "lost" in text["accept"][0]
    assert "units" in text["accept"][0]


def test_the_points_of_the_task_are_those_of_the_rubric() -> None:
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    parts = [float(one) for one in re.findall(r"(?m)^## \d\. .*\(([\d.]+) points?\)$", task)]
    assert parts == [one["points"] for one in RUBRIC["criteria"]]
    assert sum(parts) == 32
    assert "\n32 points\n" in task
