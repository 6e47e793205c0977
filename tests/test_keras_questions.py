"""The questions about Keras: formulas against torch and Keras itself, what they earn, keys for markers, and errata."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from judging_helpers import judge, lost
from observing_helpers import grade

from grader.checks import KINDS
from grader.checks.algebra import parse
from grader.checks.identity import VECTOR_LENGTH, Point, values_at
from grader.checks.text import TextOptions
from grader.course import Exercise, load_course
from grader.reference import Evaluation

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "exercises" / "microcontrollers" / "keras_questions"
TEXTS = {
    "sequential_model": "A linear stack of layers with one input and one output.",
    "layer_families": "Core, convolution, pooling and recurrent layers.",
    "activation": "A nonlinear function of a neuron's sum.",
    "sparse_layers": "Dense with a masked kernel.",
}
FORMULAS = ("dense", "relu", "softmax")


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    folder = tmp_path_factory.mktemp("course")
    for part in ("exercises", "reference", "rubrics"):
        (folder / part).symlink_to(ROOT / part)
    text = "title: T\nassignments:\n  microcontrollers: {title: M, exercises: [keras_questions]}\n"
    (folder / "course.yaml").write_text(text, encoding="utf-8")
    (found,) = load_course(folder, KINDS).exercises()
    return found


def answers(exercise: Exercise, **changed: Any) -> dict[str, Any]:
    values = exercise.reference.evaluate()
    return {name: values[name] for name in (*FORMULAS, "dense_shape")} | TEXTS | changed


def fraction(exercise: Exercise, name: str, answer: Any) -> float:
    return judge(exercise, answers(exercise, **{name: answer}))[name].fraction


# The reference, by other means


def at(text: str, scalars: dict[str, float], vector: list[float] | None = None, place: int = 0) -> float:
    """Return the value of a formula of the reference."""
    names = tuple(scalars)
    term = parse(text, names, ("x",) if vector else ())
    values: dict[str, Any] = {**scalars, **({"x": tuple(vector)} if vector else {})}
    (found,) = values_at(term, [Point(values, place)])
    assert found is not None
    return float(found)


def test_relu_and_softmax_agree_with_torch(exercise: Exercise) -> None:
    values = exercise.reference.evaluate()
    rng = np.random.default_rng(0)
    for number in (-2.5, -0.5, 0.0, 0.75, 3.0):
        assert at(values["relu"], {"x": number}) == float(torch.relu(torch.tensor(number)))
    for _ in range(5):
        vector = rng.normal(size=VECTOR_LENGTH)
        right = torch.softmax(torch.tensor(vector), 0)
        found = [at(values["softmax"], {}, vector.tolist(), place) for place in range(VECTOR_LENGTH)]
        np.testing.assert_allclose(found, right, rtol=1e-12)


def test_dense_agrees_with_keras(exercise: Exercise, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    values = exercise.reference.evaluate()
    layer = keras.layers.Dense(1, activation="sigmoid")
    layer.build((None, 1))
    layer.set_weights([np.array([[0.75]]), np.array([-0.25])])
    found = float(np.asarray(layer(np.array([[1.5]])).detach().cpu()).item())
    assert at(values["dense"], {"x": 1.5, "W": 0.75, "b": -0.25}) == pytest.approx(found, abs=1e-6)
    out = keras.layers.Dense(7)(np.zeros((5, 28, 28, 3), dtype="float32"))
    assert list(out.shape) == values["dense_shape"]


def test_dense_on_the_last_axis_agrees_with_torch(exercise: Exercise) -> None:
    out = torch.nn.Linear(3, 7)(torch.zeros(5, 28, 28, 3))
    assert list(out.shape) == exercise.reference.evaluate()["dense_shape"]


# What answers earn


def test_right_answers_earn_everything_that_needs_no_person(exercise: Exercise) -> None:
    results = judge(exercise, answers(exercise))
    assert set(lost(results)) == set(TEXTS) == {name for name, one in results.items() if one.for_person}
    assert sum(check.options.points for check in exercise.rubric.checks) == 12


@pytest.mark.parametrize(
    ("text", "earned"),
    [
        ("sigma(x @ W + b)", 1),
        ("\N{GREEK SMALL LETTER SIGMA}(W·x + b)", 1),
        ("activation(dot(x, W) + b)", 1),
        ("output = activation(dot(x, W) + b)", 1),
        (r"\sigma(W x + b)", 1),
        ("relu(W*x + b)", 1),
        ("sigma(W*x)", 0.5),
        ("W*x + b", 0.5),
        ("sigma(W*x) + b", 0.5),
        ("W*x", 0),
        ("sigma(x + W + b)", 0),
        ("sigma", 0),
    ],
)
def test_dense(exercise: Exercise, text: str, earned: float) -> None:
    assert fraction(exercise, "dense", text) == earned


@pytest.mark.parametrize(
    ("shape", "earned"),
    [([5, 28, 28, 7], 1), (np.array([5, 28, 28, 7]), 1), ([5, 7], 0), ([28, 28, 7], 0), ([5, 28, 28, 3, 7], 0)],
)
def test_the_shape_on_the_last_axis(exercise: Exercise, shape: Any, earned: float) -> None:
    assert fraction(exercise, "dense_shape", shape) == earned


@pytest.mark.parametrize(
    ("text", "earned"),
    [
        ("max(0, x)", 1),
        ("(x + |x|)/2", 1),
        ("(x + abs(x))/2", 1),
        (r"\max(0, x)", 1),
        ("relu(x)", 0),
        ("max(0.01x, x)", 0),
        ("x", 0),
    ],
)
def test_relu(exercise: Exercise, text: str, earned: float) -> None:
    assert fraction(exercise, "relu", text) == earned


@pytest.mark.parametrize(
    ("text", "earned"),
    [
        ("exp(x_i)/sum_j(exp(x_j))", 1),
        (r"\frac{e^{x_i}}{\sum_{j=1}^{K} e^{x_j}}", 1),
        ("exp(x - max(x)) / sum(exp(x - max(x)))", 1),
        ("softmax(x_i)", 0),
        ("x_i/sum_j(x_j)", 0),
    ],
)
def test_softmax(exercise: Exercise, text: str, earned: float) -> None:
    assert fraction(exercise, "softmax", text) == earned


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("relu", "relu = lambda x: x if x > 0 else 0"),
        ("relu", "import numpy as np\nrelu = lambda z: np.maximum(z, 0)"),
        ("softmax", "import numpy as np\ndef softmax(x):\n    return np.exp(x) / np.exp(x).sum()"),
        ("dense", "import numpy as np\ndense = lambda x, W, b: 1 / (1 + np.exp(-(x * W + b)))"),
    ],
)
def test_python_functions_are_formulas_too(exercise: Exercise, name: str, source: str) -> None:
    assert grade(exercise, source)[name].fraction == 1


def test_usual_mistakes_in_softmax_are_named(exercise: Exercise) -> None:
    usual = {"plain_share", "sigmoid_of_each", "powers_of_two", "divided_by_largest"}
    for name in usual:
        wrong = Evaluation(exercise.reference, None).mistaken(exercise.reference.misconceptions[name])
        assert judge(exercise, answers(exercise, softmax=wrong))["softmax"].misconception == name


# Keys for markers, and errata


def key(exercise: Exercise, name: str) -> TextOptions:
    (check,) = (one for one in exercise.rubric.checks if one.id == name)
    assert isinstance(check.options, TextOptions)
    return check.options


@pytest.mark.parametrize("name", TEXTS)
def test_points_of_the_key_add_up(exercise: Exercise, name: str) -> None:
    options = key(exercise, name)
    assert sum(one.points for one in options.key_points) == options.points
    assert options.model_answer
    assert options.accept


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("answer", [None, "", "*Your answer*"])
def test_no_answer_earns_nothing_at_once(exercise: Exercise, name: str, answer: str | None) -> None:
    result = judge(exercise, answers(exercise, **{name: answer}))[name]
    assert (result.fraction, result.for_person) == (0, False)


def test_ETH_17_items_are_keyed_by_content(exercise: Exercise) -> None:
    assert not re.search(r"\btask \d", (FOLDER / "task.md").read_text(encoding="utf-8"), re.IGNORECASE)
    assert dict(exercise.items) == {
        "E27": ("sequential_model",),
        "E28": ("layer_families",),
        "E29": ("dense", "dense_shape"),
        "E30": ("activation",),
        "E31": ("relu", "softmax"),
        "E32": ("sparse_layers",),
    }


def test_ETH_21_any_backend_will_do(exercise: Exercise) -> None:
    assert any("JAX" in one and "PyTorch" in one for one in key(exercise, "sequential_model").accept)
    text = "A linear stack of layers; each has one input and output. Keras runs on JAX, PyTorch or TensorFlow."
    assert judge(exercise, answers(exercise, sequential_model=text))["sequential_model"].for_person
    solution = ROOT / "reference" / "microcontrollers" / "solutions" / "keras_questions.ipynb"
    assert "import" not in solution.read_text(encoding="utf-8")  # nothing here runs Keras


@pytest.mark.parametrize(
    "answer",
    [
        "Dense with a masked kernel",
        "Pruned Dense layers",
        "Conv2D",
        "LocallyConnected2D from Keras 2",
        "Dropout, but it is random and acts in training only",
    ],
)
def test_ETH_25_sparse_connections_in_several_ways(exercise: Exercise, answer: str) -> None:
    result = judge(exercise, answers(exercise, sparse_layers=answer))["sparse_layers"]
    assert result.for_person
    for told in (
        "masked, pruned or constrained",
        "Convolution, or LocallyConnected",
        "Dropout only with the remark that it is random and acts in training only",
    ):
        assert told in result.evidence
