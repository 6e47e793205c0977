"""The slides' multilayer perceptron: the reference against Keras, torch and scikit-learn, errata, and unfair cases."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from observing_helpers import grade
from sklearn.metrics import accuracy_score
from sklearn.neural_network import MLPClassifier
from torch.utils.flop_counter import FlopCounterMode

from grader.checks import KINDS
from grader.checks.predictions import accuracy_of
from grader.course import Exercise, load_course
from grader.model import CheckResult
from grader.reference import Evaluation, Reference
from grader.starters import with_given

os.environ.setdefault("KERAS_BACKEND", "torch")

ROOT = Path(__file__).parents[1]
COURSE = "theory_to_practice"
STARTER = ROOT / "exercises" / COURSE / "keras_mlp" / "keras_mlp.ipynb"
RUBRIC = yaml.safe_load((ROOT / "rubrics" / COURSE / "keras_mlp.yaml").read_text(encoding="utf-8"))
SOLUTION = (ROOT / "reference" / COURSE / "solutions" / "keras_mlp.py").read_text(encoding="utf-8")
#: The solution without its data, its training and what hangs on these.
UNTRAINED = (
    SOLUTION[: SOLUTION.index("FOLDER = ")]
    + SOLUTION[SOLUTION.index("# Size") : SOLUTION.index("x_train_norm, x_test_norm = ")]
).replace("validation_split=0.2)", "validation_split=0.2, verbose=0)")
LAYERS = range(1, 5)
SEEDS = [None, *range(40)]

# Keras 3 on NumPy 2 warns of itself, and of `input_shape`, which is only deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*`input_shape`:UserWarning")


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    root = tmp_path_factory.mktemp("course")
    for part in ("exercises", "reference", "rubrics"):
        (root / part).symlink_to(ROOT / part)
    settings = "{title: T, personal: true, exercises: [keras_mlp]}"
    (root / "course.yaml").write_text(f"title: T\nkey: k\nassignments:\n  {COURSE}: {settings}\n", encoding="utf-8")
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
    return grade(exercise, f"{UNTRAINED}\n\n{source}\n")


def lost(results: dict[str, CheckResult]) -> dict[str, str | None]:
    """Return what earned less than everything, with the mistake that was named, of what needs no training."""
    trained = {"model", "test_accuracy", "from_history"}
    return {
        name: one.misconception
        for name, one in results.items()
        if one.fraction < 1 and name not in trained and not name.endswith(("_curve", "_figure", "_shown"))
    }


# The reference, by other means


def test_parameters_are_those_of_keras(keras: Any, reference: Reference) -> None:
    values = reference.evaluate()
    layers = [keras.layers.Dense(units) for units in (256, 64, 32, 10)]
    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), *layers])
    assert [values[f"layer{layer}_parameters"] for layer in LAYERS] == [layer.count_params() for layer in layers]
    assert values["total_parameters"] == model.count_params() == 219_818


def test_macs_are_half_of_the_flops_that_torch_counts(reference: Reference) -> None:
    values, sizes = reference.evaluate(), (784, 256, 64, 32, 10)
    for layer in LAYERS:
        with FlopCounterMode(display=False) as counter:
            torch.nn.Linear(sizes[layer - 1], sizes[layer])(torch.zeros(1, sizes[layer - 1]))
        assert values[f"layer{layer}_macs"] == counter.get_total_flops() / 2
    assert values["total_macs"] == 219_456


@pytest.mark.parametrize("batch", [50, 16])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_updates_on_the_own_images_are_those_that_keras_makes(
    keras: Any, reference: Reference, seed: int | None, batch: int
) -> None:
    truth = Evaluation(reference, seed, {"batch_size": batch})
    count = int(truth.value("digit_counts").sum())
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.zeros((count, 1)), np.zeros((count, 1)), batch, 1, validation_split=0.2, verbose=0)
    assert truth.value("own_updates") == 32 * int(model.optimizer.iterations)


@pytest.mark.parametrize("seed", SEEDS)
def test_sorted_labels_are_counted_image_by_image(reference: Reference, seed: int | None) -> None:
    values = reference.evaluate(seed)
    order = [int(digit) for digit in values["digit_order"]]
    labels = [digit for digit, count in zip(order, values["digit_counts"], strict=True) for _ in range(count)]
    fifth = len(labels) // 5
    seen, kept = labels[:-fifth], labels[-fifth:]
    assert len(labels) % 5 == 0
    assert values["trained_counts"].tolist() == [seen.count(digit) for digit in order]
    answers = [digit if digit in seen else seen[0] for digit in kept]
    assert values["best_val_accuracy"] == pytest.approx(accuracy_score(kept, answers))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_mistake_gives_another_answer_for_everybody(reference: Reference, seed: int | None) -> None:
    truth = Evaluation(reference, seed)
    for wrong in reference.misconceptions.values():
        if wrong.target not in reference.definitions:
            right, mistaken = truth.value(wrong.target), truth.mistaken(wrong)
            apart = abs(right - mistaken) > 0.02 if isinstance(right, float) else not np.array_equal(right, mistaken)
            assert apart, f"{wrong.id}: {right} and {mistaken}"


def test_updates_differ_for_every_mistake_and_everybody(reference: Reference) -> None:
    names = [
        "batch_of_16_unsaid",
        "batch_of_32",
        "validation_trained_too",
        "validation_alone_trained",
        "one_epoch_only",
    ]
    for seed in SEEDS:
        truth = Evaluation(reference, seed)
        wrong = {name: reference.misconceptions[name] for name in names}
        carried = [
            Evaluation(reference, seed, {one.target: truth.mistaken(one)}).value("own_updates")
            for one in wrong.values()
        ]
        own = [one for one in reference.misconceptions.values() if one.target == "own_updates"]
        found = [truth.value("own_updates"), *carried, *map(truth.mistaken, own)]
        assert len(set(found)) == len(found), seed


def test_sorted_labels_are_personal(reference: Reference) -> None:
    values = [reference.evaluate(seed) for seed in SEEDS]
    assert len({tuple(one["trained_counts"].tolist()) for one in values}) == len(SEEDS)
    assert len({round(one["best_val_accuracy"], 3) for one in values}) > 30


def test_the_starter_takes_everybodys_numbers(reference: Reference) -> None:
    values = reference.evaluate(7)
    given = {name: values[name] for name in reference.givens}
    assert "digit_order = np.array(" in with_given(STARTER.name, STARTER.read_text(encoding="utf-8"), given)
    assert set(given) == {"images", "validation_split", "epochs", "digit_order", "digit_counts"}


def test_bands_tell_a_network_from_one_trained_on_sorted_labels(reference: Reference) -> None:
    """By scikit-learn's networks of the same size, with the interval that the check goes by."""
    truth = Evaluation(reference, None)
    bands = truth.value("bands")
    ((x_train, digits, labels),) = truth.cases("hidden_digits")
    y_train = reference.definitions["normalise"].function.__globals__["_data"]().content.train.labels
    assert (len(x_train), len(labels)) == (600, 397)

    def high(order: Any) -> float:
        network = MLPClassifier((256, 64, 32), batch_size=50, max_iter=32, random_state=0)
        kept = order[:480]
        with pytest.warns(UserWarning, match="Maximum iterations"):
            network.fit(x_train[kept].reshape(480, -1) / 255, y_train[kept])
        return accuracy_of(network.predict(digits.reshape(397, -1) / 255), labels, 1.96).high

    assert high(np.arange(600)) > bands[0][0] + 0.02
    assert high(np.argsort(y_train, kind="stable")) < bands[1][0]
    assert accuracy_of(np.full(397, 1), labels, 1.96).high < bands[-1][0] - 0.3


# Errata


@pytest.mark.parametrize(
    "lines",
    [
        "optimizer = Adam(learningRate)",
        "op = Adam(0.001)",
        "my_own = 'adam'",
        "anything = import_module('keras').optimizers.AdamW(1e-3)",
    ],
)
def test_ICTP_01_the_optimizer_may_have_any_name_that_is_defined(exercise: Exercise, lines: str) -> None:
    name = lines.partition(" = ")[0]
    source = f"""from importlib import import_module

def compile_model(model):
    {lines}
    model.compile(loss="sparse_categorical_crossentropy", optimizer={name}, metrics=["accuracy"])"""
    assert lost(graded(exercise, source)) == {}


def test_ICTP_01_the_name_of_the_slides_is_not_defined_and_costs_one_check(exercise: Exercise) -> None:
    source = """def compile_model(model):
    optimizer = Adam(learningRate)
    model.compile(loss='sparse_categorical_crossentropy', optimizer=op, metrics=['accuracy'])"""
    assert lost(graded(exercise, source)) == {"compile_model": "op_undefined"}


@pytest.mark.parametrize(("batch", "steps"), [(50, 960), (16, 3000)])
def test_ICTP_02_either_size_of_a_batch_is_right_when_it_is_declared(
    exercise: Exercise, batch: int, steps: int
) -> None:
    source = f"""batch_size, steps_per_epoch, updates = {batch}, {steps}, {32 * steps}
own_updates = 32 * math.ceil(digit_counts.sum() * 4 // 5 / batch_size)"""
    assert lost(graded(exercise, source)) == {}


def test_ICTP_02_steps_of_the_other_size_than_the_declared_one_are_named_once(exercise: Exercise) -> None:
    source = """batch_size, steps_per_epoch, updates = 50, 3000, 96_000
own_updates = 32 * math.ceil(digit_counts.sum() * 4 // 5 / 16)"""
    assert lost(graded(exercise, source)) == {"steps_per_epoch": "batch_of_16_unsaid"}


def test_ICTP_02_a_size_that_is_not_in_the_listing_is_not_accepted(exercise: Exercise) -> None:
    found = lost(graded(exercise, "batch_size, steps_per_epoch, updates = 100, 480, 15_360"))
    assert {"batch_size", "steps_per_epoch"} <= set(found)


def test_ICTP_02_steps_on_all_images_are_named(exercise: Exercise) -> None:
    source = f"batch_size, steps_per_epoch, updates = 50, {60_000 // 50}, {32 * 1200}\n"
    own = "own_updates = 32 * math.ceil(digit_counts.sum() * 4 // 5 / 50)"
    assert lost(graded(exercise, source + own)) == {"steps_per_epoch": "steps_of_all_images"}


def test_ICTP_03_keras_keeps_back_the_last_fraction_and_shuffles_only_the_rest(keras: Any) -> None:
    """A network that cannot learn says which examples it is validated on: the loss is the mean of their squares."""
    places = np.arange(1.0, 41.0)[:, None]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    history = model.fit(places, np.zeros_like(places), 8, 1, validation_split=0.2, verbose=0).history
    assert history["val_loss"] == [pytest.approx(np.mean(places[-8:] ** 2))]
    assert history["loss"] == [pytest.approx(np.mean(places[:-8] ** 2))]


def test_ICTP_03_the_task_says_that_it_is_a_fraction_and_hints_at_the_order() -> None:
    task = STARTER.with_name("task.md").read_text(encoding="utf-8")
    hint = task[task.index("## 5. Sorted labels") : task.index("## 6.")]
    assert "it is a fraction" in hint
    assert "before or after shuffling" in hint


@pytest.mark.parametrize(
    ("answer", "best", "mistake", "fraction"),
    [
        ("[77, 69, 79, 105, 107, 90, 88, 29, 0, 0]", 0.236, None, 1.0),
        ("np.array([[77.0], [69], [79], [105], [107], [90], [88], [29], [0], [0]]).ravel()", 0.236, None, 1.0),
        ("[62, 55, 63, 84, 86, 72, 70, 54, 40, 58]", 1.0, "shuffled_before", 0.0),
        ("[77, 69, 79, 105, 107, 90, 88, 0, 0, 0]", 0.0, "whole_digits_only", 0.0),
    ],
)
def test_ICTP_03_usual_answers_on_sorted_labels_cost_once(
    exercise: Exercise, answer: str, best: float, mistake: str | None, fraction: float
) -> None:
    found = graded(exercise, f"trained_counts = {answer}\nbest_val_accuracy = {best}")
    one = found["trained_counts"]
    assert (one.misconception, one.fraction) == (mistake, fraction)
    assert found["best_val_accuracy"].fraction == 1


def test_X_02_no_weight_matrix_is_square_and_either_layout_has_the_same_parameters(
    keras: Any, reference: Reference
) -> None:
    """Keras stores (inputs, outputs) and torch (outputs, inputs): no answer hangs on that."""
    model = reference.definitions["build_model"].function(28, 28, 10)
    values = reference.evaluate()
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    for number, layer in enumerate(dense, 1):
        rows, columns = layer.kernel.shape
        linear = torch.nn.Linear(rows, columns)
        assert tuple(linear.weight.shape) == (columns, rows) != (rows, columns)
        assert values[f"layer{number}_parameters"] == sum(one.numel() for one in linear.parameters())


# What is accepted, and what is not


@pytest.mark.parametrize(
    "body",
    [
        "x_train / 255, x_test / 255",
        "x_train.astype('float32') / 127.5 - 1, x_test.astype('float32') / 127.5 - 1",
        "[x_train / x_train.max(), x_test / x_train.max()]",
        "(x_train - x_train.mean(0)) / (x_train.std(0) + 1e-7), (x_test - x_train.mean(0)) / (x_train.std(0) + 1e-7)",
        "keras.utils.normalize(x_train, axis=1), keras.utils.normalize(x_test, axis=1)",
        "x_train.reshape(len(x_train), -1) / 255, x_test.reshape(len(x_test), -1) / 255",
        "1 - x_train / 255, 1 - x_test / 255",
    ],
)
def test_any_normalisation_from_the_training_images_alone_is_right(exercise: Exercise, body: str) -> None:
    assert lost(graded(exercise, f"import keras\n\ndef normalise(x_train, x_test):\n    return {body}")) == {}


@pytest.mark.parametrize(
    ("body", "checks"),
    [
        (
            "x_train / max(x_train.max(), x_test.max()), x_test / max(x_train.max(), x_test.max())",
            ["normalise_leakage"],
        ),
        ("x_train / x_train.max(), x_test / x_test.max()", ["normalise_leakage"]),
        ("x_train - x_test.mean(0) / 255, x_test", ["normalise_scale", "normalise_leakage"]),
        ("x_train / 0.1, x_test / 0.1", ["normalise_scale"]),
        ("x_train[:-1] / 255, x_test / 255", ["normalise_scale"]),
    ],
)
def test_other_normalisations_lose_what_is_wrong_in_them(exercise: Exercise, body: str, checks: list[str]) -> None:
    found = lost(graded(exercise, f"def normalise(x_train, x_test):\n    return {body}"))
    assert sorted(found) == sorted(checks)


@pytest.mark.parametrize(
    "body",
    [
        "model.fit(x, y, batch_size, epochs, validation_split=0.2, verbose=0).history",
        "model.fit(x[len(x) // 5 :], y[len(x) // 5 :], batch_size, epochs, validation_data=(x[:9], y[:9]), verbose=0)",
    ],
)
def test_the_history_may_come_as_a_mapping_and_the_split_may_be_made_by_hand(exercise: Exercise, body: str) -> None:
    assert lost(graded(exercise, f"def fit_model(model, x, y, batch_size, epochs):\n    return {body}")) == {}


@pytest.mark.parametrize(
    "metrics", ["['acc']", "['sparse_categorical_accuracy']", "['sparse_top_k_categorical_accuracy', 'accuracy']"]
)
def test_the_accuracy_may_go_by_another_name(exercise: Exercise, metrics: str) -> None:
    loss = "sparse_categorical_crossentropy"
    source = f"def compile_model(model):\n    model.compile(loss='{loss}', optimizer='adam', metrics={metrics})"
    assert lost(graded(exercise, source)) == {}


def test_the_same_answer_everywhere_earns_nothing(exercise: Exercise) -> None:
    for word in ("loss", "optimizer", "learning rate", "metrics"):
        results = graded(exercise, f"compile_arguments = dict.fromkeys('abcdefgh', '{word}')")
        assert results["compile_arguments"].fraction == 0


def test_biases_left_out_cost_one_check(exercise: Exercise) -> None:
    names = ", ".join(f"layer{layer}_parameters" for layer in LAYERS)
    found = lost(graded(exercise, f"{names} = 200_704, 16_384, 2048, 320\ntotal_parameters = 219_456"))
    assert found == {"layer1_parameters": "biases_left_out"}


def test_bias_adds_in_all_layers_cost_one_check(exercise: Exercise) -> None:
    names = ", ".join(f"layer{layer}_macs" for layer in LAYERS)
    found = lost(graded(exercise, f"{names} = 200_960, 16_448, 2080, 330\ntotal_macs = 219_818"))
    assert found == {"layer1_macs": "bias_adds_counted"}


def test_every_item_is_graded_by_checks_of_the_rubric(exercise: Exercise) -> None:
    named = {name for names in exercise.items.values() for name in names}
    assert set(exercise.items) == {f"I{number}" for number in range(29, 36)}
    assert named == {check.id for check in exercise.rubric.checks}
    assert exercise.rubric.points == 31
