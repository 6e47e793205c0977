"""Microcontrollers, Keras: the reference against Keras itself, what the errata accept, and the usual mistakes."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from observing_helpers import grade

from grader.checks import KINDS
from grader.course import Exercise, load_course
from grader.model import CheckResult
from grader.reference import Evaluation, Reference

os.environ.setdefault("KERAS_BACKEND", "torch")

ROOT = Path(__file__).parents[1]
SOLUTION = (ROOT / "reference" / "microcontrollers" / "solutions" / "keras_listing.py").read_text(encoding="utf-8")

# Keras 3 on NumPy 2 warns of itself, and of `input_shape`, which is only deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*`input_shape`:UserWarning")


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    root = tmp_path_factory.mktemp("course")
    for part in ("exercises", "reference", "rubrics"):
        (root / part).symlink_to(ROOT / part)
    settings = "{title: M, exercises: [keras_listing]}"
    (root / "course.yaml").write_text(f"title: T\nassignments:\n  microcontrollers: {settings}\n", encoding="utf-8")
    (exercise,) = load_course(root, KINDS).exercises()
    return exercise


@pytest.fixture(scope="module")
def keras() -> Any:
    """Return Keras, with torch below it."""
    return import_module("keras")


@pytest.fixture(scope="module")
def reference(exercise: Exercise) -> Reference:
    return exercise.reference


def graded(exercise: Exercise, source: str) -> dict[str, CheckResult]:
    return grade(exercise, f"{SOLUTION}\n\n{source}\n")


def lost(results: dict[str, CheckResult]) -> dict[str, str | None]:
    """Return what earned less than everything, with the mistake that was named."""
    return {name: one.misconception for name, one in results.items() if one.fraction < 1 and not one.for_person}


def function(reference: Reference, name: str) -> Any:
    return reference.definitions[name].function


def listing(keras: Any, *, flatten: bool) -> Any:
    """Return the layers of the listing, as printed or with Flatten, written otherwise than in the reference."""
    picture = keras.Input((28, 28, 1))
    flat = keras.layers.Reshape((784,))(picture) if flatten else picture
    hidden = keras.layers.Dense(42, activation="relu")(flat)
    return keras.Model(picture, keras.layers.Dense(10, activation="softmax")(hidden))


# The reference, by other means


@pytest.mark.parametrize(
    ("item", "flatten", "parameters"), [("as printed", False, 514), ("with Flatten", True, 33_400)]
)
def test_shapes_and_parameters_are_those_of_keras(
    keras: Any, reference: Reference, item: str, flatten: bool, parameters: int
) -> None:
    model = listing(keras, flatten=flatten)
    assert model.output_shape == reference.evaluate()["output_shapes"][item]
    assert model.count_params() == parameters


def test_the_repaired_model_computes_what_matrices_do(reference: Reference) -> None:
    model = function(reference, "build_model")()
    (pictures,) = Evaluation(reference, None, hidden=2).cases("pictures")[0]
    W1, b1, W2, b2 = model.get_weights()
    scores = np.maximum(pictures.reshape(3, 784) @ W1 + b1, 0) @ W2 + b2
    expected = torch.softmax(torch.tensor(scores), dim=1)
    torch.testing.assert_close(model(pictures).detach(), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["compile_model", "compile_for_numbers"])
def test_losses_are_those_of_torch(reference: Reference, name: str) -> None:
    trial = {"compile_model": "compiled", "compile_for_numbers": "compiled_for_numbers"}[name]
    cases = {"compile_model": "examples_in_rows", "compile_for_numbers": "examples_with_numbers"}[name]
    ((inputs, labels, weights),) = Evaluation(reference, None, hidden=4).cases(cases)
    found = reference.trials[trial].function(function(reference, name), inputs, labels, weights)
    scores = torch.tensor(inputs) @ torch.tensor(weights[0]) + torch.tensor(weights[1])
    expected = torch.nn.CrossEntropyLoss()(
        scores, torch.tensor(labels, dtype=None if labels.ndim == 1 else torch.float)
    )
    assert (found["loss"] if isinstance(found, dict) else found) == pytest.approx(expected.item(), abs=1e-5)


def test_one_hot_is_that_of_keras(keras: Any, reference: Reference) -> None:
    for labels, classes in Evaluation(reference, None, hidden=1).cases("class_numbers"):
        found = function(reference, "one_hot")(labels, classes)
        np.testing.assert_array_equal(found, keras.utils.to_categorical(labels, classes))


def test_steps_are_counted_by_training(keras: Any, reference: Reference) -> None:
    values, steps = reference.evaluate(), []
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    count = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: steps.append((batch, logs)))
    # A hundredth of the pictures in batches of a hundredth.
    model.fit(np.zeros((600, 1)), np.zeros((600, 1)), 1, values["epochs"], verbose=0, callbacks=[count])
    assert (len(steps) // values["epochs"], len(steps)) == (values["steps_per_epoch"], values["updates"]) == (600, 3000)


# Errata


@pytest.mark.parametrize("optimizer", ["keras.optimizers.Adam()", "'adam'", "'Adam'", "keras.optimizers.AdamW(1e-2)"])
def test_ETH_02_adam_in_all_its_forms(exercise: Exercise, optimizer: str) -> None:
    source = f"def compile_model(model):\n    model.compile(loss='categorical_crossentropy', optimizer={optimizer})"
    assert lost(graded(exercise, source)) == {}


def test_ETH_02_a_name_that_is_not_imported_costs_its_own_check_alone(exercise: Exercise) -> None:
    source = "def compile_model(model):\n    model.compile(optimizer=keras.optimizers.Adam())"
    found = graded(
        exercise,
        f"{source}\ndel keras\ndef compile_for_numbers(model):\n"
        "    model.compile('adam', 'sparse_categorical_crossentropy')",
    )
    assert lost(found) == {"compile_model": "keras_not_imported"}


def test_ETH_04_the_listing_without_flatten_gives_pictures_and_cannot_be_fitted(reference: Reference) -> None:
    model = reference.misconceptions["without_flatten"].function()
    model.compile(loss="categorical_crossentropy", optimizer="adam")
    assert model.output_shape == (None, 28, 28, 10)
    ((pictures, labels),) = Evaluation(reference, None).cases("training_pictures")
    # Whichever comes to look at the shapes first.
    with pytest.raises((RuntimeError, ValueError), match=r"must (match the size|have the same shape)"):
        model.fit(pictures, labels, verbose=0)


def test_ETH_04_a_missing_flatten_is_named_wherever_it_shows(exercise: Exercise) -> None:
    source = SOLUTION[SOLUTION.index("def build_model") : SOLUTION.index("def compile_model")]
    results = graded(exercise, source.replace("    model.add(layers.Flatten())\n", ""))
    assert lost(results) == dict.fromkeys(["build_model_shapes", "build_model_function", "fit_runs"], "without_flatten")


@pytest.mark.parametrize(
    "layers",
    [
        "layers.InputLayer(input_shape=inputShape), layers.Flatten()",
        "layers.Flatten(input_shape=(28, 28, 1))",
        "keras.Input(inputShape), layers.Reshape((784,))",
        "keras.Input(inputShape), layers.Flatten(), layers.Dropout(0.2)",
    ],
)
def test_ETH_20_old_arguments_and_other_ways_to_write_it_are_accepted(exercise: Exercise, layers: str) -> None:
    dense = "layers.Dense(42, activation='relu'), layers.Dense((10), 'softmax')"
    assert lost(graded(exercise, f"def build_model():\n    return models.Sequential([{layers}, {dense}])")) == {}


# What is accepted, and what students read


@pytest.mark.parametrize(
    "shapes",
    [
        "(None, 28, 28, 10), (None, 10)",
        "(28, 28, 10), (10,)",
        "(100, 28, 28, 10), (100, 10)",
        "'(None, 28, 28, 10)', '(None, 10)'",
    ],
)
def test_a_shape_may_be_written_with_the_batch_or_without(exercise: Exercise, shapes: str) -> None:
    source = f"printed, flat = {shapes}\noutput_shapes = {{'as printed': printed, 'with Flatten': flat}}"
    assert lost(graded(exercise, source)) == {}


def test_one_right_shape_earns_half(exercise: Exercise) -> None:
    results = graded(exercise, "output_shapes = {'as printed': (None, 10), 'with Flatten': (None, 10)}")
    assert results["output_shapes"].fraction == 0.5
    assert lost(results) == {"output_shapes": "flattened_by_itself"}


@pytest.mark.parametrize(("batch", "mistake"), [(50, "batches_of_50"), (16, "batches_of_16"), (32, "batches_of_32")])
def test_usual_wrong_sizes_of_a_batch_are_named_and_cost_once(exercise: Exercise, batch: int, mistake: str) -> None:
    results = graded(exercise, f"steps_per_epoch = 60000 // {batch}\nupdates = 5 * steps_per_epoch")
    assert lost(results) == {"steps_per_epoch": mistake}


def test_a_model_that_is_not_compiled_is_told(exercise: Exercise) -> None:
    results = graded(exercise, "def compile_model(model):\n    pass")
    assert list(lost(results)) == ["compile_model"]
    assert "the model is not compiled" in results["compile_model"].message


def test_the_exercise_is_worth_15_points(exercise: Exercise) -> None:
    assert exercise.rubric.points == 15
