"""Microcontrollers, PyTorch: the reference against torch and NumPy, what the errata accept, and the usual mistakes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import yaml
from observing_helpers import grade
from torch import nn, optim
from torch.utils.flop_counter import FlopCounterMode

from grader.checks import KINDS
from grader.course import Exercise, load_course
from grader.model import CheckResult
from grader.reference import Evaluation, Reference

ROOT = Path(__file__).parents[1]
SOLUTION = (ROOT / "reference" / "microcontrollers" / "solutions" / "pytorch_network.py").read_text(encoding="utf-8")
SHAPES = ("conv1_shape", "pool1_shape", "flatten_features")
COSTS = ("conv1_parameters", "fc1_parameters", "net_parameters", "conv1_macs", "fc1_macs", "net_macs")


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    root = tmp_path_factory.mktemp("course")
    for part in ("exercises", "reference", "rubrics"):
        (root / part).symlink_to(ROOT / part)
    settings = "{title: M, exercises: [pytorch_network]}"
    (root / "course.yaml").write_text(f"title: T\nassignments:\n  microcontrollers: {settings}\n", encoding="utf-8")
    (exercise,) = load_course(root, KINDS).exercises()
    return exercise


@pytest.fixture(scope="module")
def reference(exercise: Exercise) -> Reference:
    return exercise.reference


def graded(exercise: Exercise, source: str, hidden: int = 0) -> dict[str, CheckResult]:
    return grade(exercise, f"{SOLUTION}\n\n{source}\n", hidden)


def lost(results: dict[str, CheckResult]) -> dict[str, str | None]:
    """Return what earned less than everything, with the mistake that was named."""
    return {name: one.misconception for name, one in results.items() if one.fraction < 1 and not one.for_person}


def function(reference: Reference, name: str) -> Any:
    return reference.definitions[name].function


# The reference, by other means


@pytest.mark.parametrize(("filters", "padding", "suffix"), [(32, 1, ""), (28, 0, "_of_28")])
def test_shapes_are_those_of_torch(reference: Reference, filters: int, padding: int, suffix: str) -> None:
    values = reference.evaluate()
    after_conv1 = nn.Conv2d(1, filters, 3, padding=padding)(torch.zeros(1, 1, 28, 28))
    after_pool1 = nn.MaxPool2d((2, 2))(after_conv1)
    assert values[f"conv1_shape{suffix}"] == after_conv1.shape[1:]
    assert values[f"pool1_shape{suffix}"] == after_pool1.shape[1:]
    if not suffix:
        assert values["flatten_features"] == nn.Flatten()(after_pool1).shape[1] == 6272


def test_costs_are_those_that_torch_counts(reference: Reference) -> None:
    values, network = reference.evaluate(), function(reference, "Net")()
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 1, 28, 28))
    flops = {name: sum(found.values()) for name, found in counter.get_flop_counts().items()}
    for layer in ("conv1", "fc1"):
        assert values[f"{layer}_macs"] * 2 == flops[f"Net.{layer}"]
        assert values[f"{layer}_parameters"] == sum(one.numel() for one in getattr(network, layer).parameters())
    assert values["net_parameters"] == sum(one.numel() for one in network.parameters()) == 63_050
    assert values["net_macs"] * 2 == counter.get_total_flops() == 2 * 288_512


def test_no_32_channels_of_any_size_make_4732(reference: Reference) -> None:
    assert np.prod(reference.evaluate()["explain_4732"]) == 4732
    assert 4732 % 32 != 0


def test_statements_do_as_the_reference_says(reference: Reference) -> None:
    labels = torch.arange(100) % 10
    names = {
        "nn": nn,
        "optim": optim,
        "Net": reference.misconceptions["as_printed"].function,
        "criterion": nn.CrossEntropyLoss(),
        "one_hot": F.one_hot(labels, 10),
        "pictures": torch.zeros(100, 1, 28, 28),
        "scores": torch.zeros(100, 10),
    }
    for statement, expected in reference.evaluate()["statements"].items():
        found = "works"
        try:
            exec(statement, names)  # noqa: S102 - written in our reference
        except (RuntimeError, TypeError):
            found = "raises"
        assert found == expected, statement


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_even_kernels_do_as_the_reference_says(reference: Reference) -> None:
    for settings, expected in reference.evaluate()["even_kernel"].items():
        try:
            found: Any = eval(f"nn.Conv2d(1, 1, 4, {settings})")(torch.zeros(1, 1, 28, 28)).shape[-1]  # noqa: S307
        except ValueError:
            found = "raises"
        assert found == expected, settings


def test_steps_are_the_length_of_a_loader(reference: Reference) -> None:
    values = reference.evaluate()
    for name, size in (("total_step", 100), ("total_step_of_128", 128)):
        assert values[name] == len(torch.utils.data.DataLoader(range(values["images"]), batch_size=size))  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "zeroed"), [("w_zeroed", True), ("w_accumulated", False)])
def test_weights_are_those_that_torch_trains(reference: Reference, name: str, zeroed: bool) -> None:
    values = reference.evaluate()
    w = nn.Parameter(torch.tensor(values["w"], dtype=torch.float64))
    optimizer = optim.SGD([w], lr=values["learning_rate"])
    for gradient in values["batch_gradients"]:
        if zeroed:
            optimizer.zero_grad()
        (gradient * w).backward()
        optimizer.step()
    assert values[name] == pytest.approx(w.item(), abs=1e-12)


def test_functions_agree_with_numpy_and_with_the_loss_of_torch(reference: Reference) -> None:
    truth = Evaluation(reference, None, hidden=3)
    for (images,) in truth.cases("coloured"):
        found = function(reference, "nhwc_to_nchw")(images).numpy()
        np.testing.assert_array_equal(found, np.transpose(images.numpy(), (0, 3, 1, 2)))
    for scores, labels in truth.cases("scored"):
        expected = nn.CrossEntropyLoss()(scores, labels)
        torch.testing.assert_close(function(reference, "cross_entropy")(scores, labels), expected)


def test_an_epoch_is_that_of_softmax_regression_in_numpy(reference: Reference) -> None:
    ((data, (weight, bias), settings, _),) = Evaluation(reference, None, hidden=5).cases("several_batches")
    x, y, W, b = (one.double().numpy() for one in (data[0], F.one_hot(data[1], 3), weight, bias))
    losses = []
    for batch in np.split(np.arange(len(x)), len(x) // settings["batch_size"]):
        scores = np.exp(x[batch] @ W.T + b)
        p = scores / scores.sum(axis=1, keepdims=True)
        losses.append(-np.log((p * y[batch]).sum(axis=1)).mean())
        grad_scores = (p - y[batch]) / len(batch)
        W, b = (
            W - settings["learning_rate"] * grad_scores.T @ x[batch],
            b - settings["learning_rate"] * grad_scores.sum(0),
        )
    train, trial = function(reference, "train_one_epoch"), reference.trials["training"].function
    found = trial(train, data, (weight, bias), settings, "weights")
    np.testing.assert_allclose(found[0].detach(), W, atol=1e-5)
    np.testing.assert_allclose(found[1].detach(), b, atol=1e-5)
    assert trial(train, data, (weight, bias), settings, "returned") == pytest.approx(np.mean(losses), abs=1e-5)


# The loop: right ones and wrong ones are far apart, whatever data are drawn


def tried(reference: Reference, wrong: Any, hidden: int) -> Iterator[tuple[str, float]]:
    """Yield for each drawing how far a loop's results are from the right ones, at most."""
    truth, trial = Evaluation(reference, None, hidden=hidden), reference.trials["training"].function
    for cases in ("one_batch", "several_batches", "at_rest"):
        for inputs in truth.cases(cases):
            pair = (trial(one, *inputs) for one in (wrong, function(reference, "train_one_epoch")))
            found, right = (
                torch.cat(
                    [
                        torch.as_tensor(one).detach().flatten()
                        for one in (result if isinstance(result, list) else [result])
                    ]
                )
                for result in pair
            )
            yield cases, float((found - right).abs().max())


LOOPS = {
    "no_zero_grad": {"several_batches"},
    "uphill": {"one_batch", "several_batches"},
    "no_step": {"one_batch", "several_batches"},
    "softmax_before_loss": {"one_batch", "several_batches", "at_rest"},
    "first_batch_only": {"several_batches", "at_rest"},
    "one_step_per_epoch": {"several_batches"},
    "last_loss": {"at_rest"},
    "summed_losses": {"at_rest"},
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_wrong_loop_is_far_from_right_where_it_shows_and_right_elsewhere(reference: Reference, name: str) -> None:
    for hidden in range(20):
        for cases, distance in tried(reference, reference.misconceptions[name].function, hidden):
            assert distance > 1e-3 if cases in LOOPS[name] else distance < 1e-6, (cases, hidden)


def test_the_loss_falls_for_every_loop_that_goes_downhill(reference: Reference) -> None:
    trial = reference.trials["training"].function
    for hidden in range(20):
        (inputs,) = Evaluation(reference, None, hidden=hidden).cases("several_epochs")
        for name in LOOPS:
            losses = trial(reference.misconceptions[name].function, *inputs)
            assert (losses[-1] < losses[0]) == (name not in {"uphill", "no_step"}), (name, hidden)


RIGHT_LOOPS = {
    "zeroed behind the step": """
        loss = criterion(network(inputs), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.detach())
    return torch.stack(losses).mean()""",
    "zeroed in the network": """
        network.zero_grad(set_to_none=False)
        losses.append(criterion(network.forward(inputs), labels))
        losses[-1].backward()
        optimizer.step()
    return sum(one.item() for one in losses) / len(losses)""",
    "weighted by the size of the batch": """
        optimizer.zero_grad()
        loss = criterion(network(inputs), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item() * len(labels))
    return sum(losses) / len(loader.dataset)""",
    "by a closure": """
        def closure():
            optimizer.zero_grad()
            loss = criterion(network(inputs), labels)
            loss.backward()
            return loss
        losses.append(optimizer.step(closure).item())
    return sum(losses) / len(losses)""",
}


@pytest.mark.parametrize("name", RIGHT_LOOPS)
def test_a_loop_may_be_written_in_other_ways(exercise: Exercise, name: str) -> None:
    head = "def train_one_epoch(network, loader, criterion, optimizer):\n    losses = []\n"
    assert lost(graded(exercise, f"{head}    for inputs, labels in loader:{RIGHT_LOOPS[name]}")) == {}


def test_a_loop_for_the_own_network_only_is_not_enough(exercise: Exercise) -> None:
    source = SOLUTION[SOLUTION.index("def train_one_epoch") : SOLUTION.index("fit_equivalent")]
    results = graded(exercise, "mine = Net()\n" + source.replace("network(inputs)", "mine(inputs)"))
    assert set(lost(results)) == {"one_update", "zeroed_gradients", "mean_loss", "falling_loss"}


# Errata


def test_ETH_01_features_are_6272_and_the_printed_network_is_only_ever_a_mistake(exercise: Exercise) -> None:
    results = graded(exercise, "conv1_shape, pool1_shape, flatten_features = (32, 28, 28), (32, 14, 14), 6272")
    assert lost(results).keys() <= set(COSTS)
    assert not {"as_printed"} & set(exercise.reference.definitions)
    with pytest.raises(RuntimeError, match="1x6272 and 4732x10"):
        exercise.reference.misconceptions["as_printed"].function()(torch.zeros(1, 1, 28, 28))


def test_ETH_01_going_back_to_28_filters_is_right_throughout(exercise: Exercise) -> None:
    results = grade(exercise, SOLUTION)
    assert lost(results) == {}
    assert not any(results[name].follow_through for name in (*SHAPES, *COSTS))


NETS = {
    "lazy": "nn.Conv2d(1, 32, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.LazyLinear(10)",
    "words": "nn.Conv2d(1, 32, 3, padding='same'), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6272, 10)",
    "28 filters": "nn.Conv2d(1, 28, 3), nn.MaxPool2d(2, 2), nn.Flatten(), nn.Linear(4732, 10)",
    "relu": "nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6272, 10)",
    "relu behind": "nn.Conv2d(1, 32, 3, padding=1), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(6272, 10)",
}


@pytest.mark.parametrize("name", NETS)
def test_ETH_01_and_ETH_15_the_network_may_be_repaired_in_several_ways(exercise: Exercise, name: str) -> None:
    assert lost(graded(exercise, f"def Net():\n    return nn.Sequential({NETS[name]})")) == {}


def test_ETH_01_that_it_does_not_run_is_a_right_answer(reference: Reference) -> None:
    assert reference.evaluate()["statements"]["network(pictures)"] == "raises"


def test_ETH_05_macs_of_the_printed_layer_follow_from_its_features(exercise: Exercise) -> None:
    shapes = "conv1_shape, pool1_shape, flatten_features = (32, 28, 28), (32, 14, 14), 4732"
    costs = f"{', '.join(COSTS)} = 320, 47330, 47650, 225792, 47320, 273112"
    assert lost(graded(exercise, f"{shapes}\n{costs}")) == {"flatten_features": "features_as_printed"}


@pytest.mark.parametrize(
    "parameters", ["network.parameters()", "list(network.parameters())", "[{'params': network.parameters()}]"]
)
def test_ETH_03_parameters_come_as_a_list_or_generator(exercise: Exercise, parameters: str) -> None:
    assert (
        lost(graded(exercise, f"def make_optimizer(network):\n    return torch.optim.Adam({parameters}, lr=0.01)"))
        == {}
    )


def test_ETH_03_an_optimizer_without_parameters_is_named(exercise: Exercise) -> None:
    results = graded(exercise, "def make_optimizer(network):\n    return torch.optim.Adam()")
    assert lost(results) == {"make_optimizer": "without_parameters"}


@pytest.mark.parametrize(
    "padding",
    ["(k - 1) // 2", "k // 2", "((k - 1) // 2, k // 2)", "[k // 2] * 2", "'same'", "(k // 2,) * 4", "int(k / 2)"],
)
def test_ETH_07_same_padding_in_all_its_forms(exercise: Exercise, padding: str) -> None:
    assert lost(graded(exercise, f"def same_padding(k):\n    return {padding}")) == {}


def test_ETH_07_padding_in_floats_is_named(exercise: Exercise) -> None:
    results = graded(exercise, "def same_padding(k):\n    return ((k - 1) / 2, (k - 1) / 2)")
    assert lost(results) == {"same_padding": "padding_as_float"}


@pytest.mark.parametrize(
    "targets",
    ["one_hot.argmax(1)", "one_hot.float()", "one_hot.double()", "one_hot.nonzero()[:, 1]", "one_hot.max(1).indices"],
)
def test_ETH_14_targets_are_numbers_or_rows_of_floats(exercise: Exercise, targets: str) -> None:
    assert lost(graded(exercise, f"def to_targets(one_hot):\n    return {targets}")) == {}


def test_ETH_14_rows_of_integers_are_named(exercise: Exercise) -> None:
    assert lost(graded(exercise, "def to_targets(one_hot):\n    return one_hot")) == {"to_targets": "rows_of_integers"}


def rubric_entry(name: str) -> dict[str, Any]:
    text = (ROOT / "rubrics" / "microcontrollers" / "pytorch_network.yaml").read_text(encoding="utf-8")
    (entry,) = (one for part in yaml.safe_load(text)["criteria"] for one in part["checks"] if one.get("text") == name)
    return dict(entry)


def test_ETH_13_the_softmax_may_be_nowhere_or_in_the_loss(exercise: Exercise) -> None:
    for answer in ("Nowhere, the outputs are logits.", "Inside CrossEntropyLoss."):
        assert graded(exercise, f"softmax_place = {answer!r}")["softmax_place"].for_person
    marking = rubric_entry("softmax_place")
    assert any("Nowhere" in one for one in marking["accept"])
    assert "CrossEntropyLoss" in marking["model_answer"]


def test_ETH_16_names_that_the_listing_does_not_use_are_not_required(exercise: Exercise) -> None:
    task = (ROOT / "exercises" / "microcontrollers" / "pytorch_network" / "task.md").read_text(encoding="utf-8")
    assert "torchvision" not in task
    assert any("not required" in one for one in rubric_entry("fit_equivalent")["accept"])
    loop = SOLUTION[SOLUTION.index("def train_one_epoch") : SOLUTION.index("fit_equivalent")]
    assert lost(graded(exercise, loop.replace("    network.train()\n", "").replace("running_loss", "total"))) == {}


@pytest.mark.parametrize(
    "answer",
    [
        "'NCHW'",
        "'N, C, H, W'",
        "'channels first'",
        "'(C, H, W)'",
        "'(batch, channel, height, width)'",
        "('N', 'C', 'H', 'W')",
    ],
)
def test_ETH_24_the_format_in_all_its_names(exercise: Exercise, answer: str) -> None:
    assert lost(graded(exercise, f"data_format = {answer}")) == {}


# What costs once, and what students read


def test_shapes_without_padding_cost_once(exercise: Exercise) -> None:
    shapes = "conv1_shape, pool1_shape, flatten_features = (32, 26, 26), (32, 13, 13), 5408"
    costs = f"{', '.join(COSTS)} = 320, 54090, 54410, {32 * 26 * 26 * 9}, 54080, {32 * 26 * 26 * 9 + 54080}"
    assert lost(graded(exercise, f"{shapes}\n{costs}")) == {"conv1_shape": "padding_overlooked"}


@pytest.mark.parametrize(
    ("features", "mistake"),
    [
        ("4732", "features_as_printed"),
        ("32 * 13 * 13", "features_without_padding"),
        ("32 * 28 * 28", "features_before_pooling"),
        ("14 * 14", "features_of_one_channel"),
        ("28 * 14 * 14", "side_as_channels"),
    ],
)
def test_usual_numbers_of_features_are_named(exercise: Exercise, features: str, mistake: str) -> None:
    results = graded(exercise, f"conv1_shape, pool1_shape = (32, 28, 28), (32, 14, 14)\nflatten_features = {features}")
    assert lost(results)["flatten_features"] == mistake


@pytest.mark.parametrize(
    ("name", "text", "right"),
    [
        ("fc1_macs", "62,720 MAC", True),
        ("fc1_macs", "62.72 kMAC", True),
        ("fc1_macs", "62.7 kMAC", False),
        ("fc1_parameters", "62.73 k parameters", True),
        ("fc1_parameters", "62.7 k parameters", False),
        ("net_parameters", "63 050", True),
        ("net_macs", "0.288512 MMAC", True),
        ("net_macs", "288.5 kMAC", False),
        ("net_macs", "577,024 FLOPs", False),
    ],
)
def test_costs_may_have_units_and_need_all_digits(
    exercise: Exercise, reference: Reference, name: str, text: str, right: bool
) -> None:
    values = {**{one: reference.evaluate()[one] for one in (*SHAPES, *COSTS)}, name: text}
    source = "\n".join(f"{one} = {tuple(v) if one.endswith('shape') else v!r}" for one, v in values.items())
    result = graded(exercise, source)[name]
    assert (result.fraction == 1) == right
    if not right and "FLOP" not in text:
        assert result.message.endswith("Write all digits of the number, as in 12345 or 12,345.")
    if "FLOP" in text:
        sentence = "in FLOPs, of which a MAC is two (FLOPs are 2 × MACs); asked are MACs"  # noqa: RUF001
        assert result.message == f"`net_macs` is {sentence}."


def test_every_answer_is_worth_what_the_catalogue_says(exercise: Exercise) -> None:
    assert exercise.rubric.points == 30


def test_messages_hold_no_result(exercise: Exercise) -> None:
    values = exercise.reference.evaluate()
    results = {
        str(values[name]) for name in ("flatten_features", "net_parameters", "net_macs", "total_step", "w_zeroed")
    }
    for wrong in exercise.reference.misconceptions.values():
        assert not results & set(re.findall(r"[\d.]*\d", wrong.message)), wrong.id
    printed = exercise.reference.path.with_name("wrong") / "pytorch_network" / "as_printed.py"
    messages = " ".join(one.message for one in grade(exercise, printed.read_text(encoding="utf-8")).values())
    assert not results & set(re.findall(r"[\d.]*\d", messages))
