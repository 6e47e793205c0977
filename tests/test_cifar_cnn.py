"""Sheet 3, exercise 3.3: sizes and costs against PyTorch's own layers, the loader, and the errata."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from judging_helpers import judge_seen
from observing_helpers import grade
from test_autograd_mlp import fractions, load

from grader.course import Exercise
from grader.data import Content
from grader.data import load as load_data
from grader.data.cifar10 import read
from grader.model import CheckResult, Probe
from grader.reference import Evaluation

ROOT = Path(__file__).parents[1]
SOLUTION = ROOT / "reference" / "sheet3" / "solutions" / "cifar_cnn"
RUNS: list[dict[str, Any]] = json.loads((SOLUTION / "history.json").read_text(encoding="utf-8"))["runs"]
LAYERS = ("conv1", "conv2", "conv3", "linear1", "linear2")
CNN = """
import torch
from torch import nn

class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 32, 3), nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2), nn.ReLU(),
            nn.Conv2d(64, 128, 3), nn.ReLU(),
            nn.Flatten(),
            nn.Linear(18432, 128), nn.ReLU(),
            nn.Linear(128, 10), nn.LogSoftmax(1),
        )

    def forward(self, images):
        return self.layers(images)
"""
LOADER = """
import pickle
from pathlib import Path
import numpy as np

def load_cifar10(folder):
    def batch(name):
        with open(Path(folder) / name, "rb") as file:
            found = pickle.load(file, encoding="bytes")
        return prepared(found[b"data"].reshape(-1, 3, 32, 32)), found[b"labels"]
    batches = [batch(f"data_batch_{n}") for n in range(1, 6)]
    images = np.concatenate([images for images, _ in batches])
    return (images, sum((labels for _, labels in batches), []), *batch("test_batch"))
"""


def reading(prepared: str, loader: str = LOADER) -> str:
    """Return a loader that makes ``prepared`` of the images of each batch."""
    return f"{loader}\ndef prepared(images):\n    return {prepared}\n"


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    return load(tmp_path_factory.mktemp("course"), "cifar_cnn")


def only(exercise: Exercise, *checks: str) -> Exercise:
    """Return the exercise with these checks alone, so that nothing else is looked at."""
    criteria = tuple(
        replace(one, checks=tuple(check for check in one.checks if check.id in checks))
        for one in exercise.rubric.criteria
    )
    return replace(exercise, rubric=replace(exercise.rubric, criteria=tuple(one for one in criteria if one.checks)))


def judged(exercise: Exercise, source: str, *checks: str) -> dict[str, CheckResult]:
    return grade(only(exercise, *checks), source)


# The reference


def test_sizes_and_costs_agree_with_the_layers_as_they_run(exercise: Exercise) -> None:
    network = exercise.reference.definitions["CNN"].function()
    seen: dict[str, tuple[int, int, int]] = {}

    def note(name: str) -> Any:
        def hook(layer: torch.nn.Module, _given: Any, output: torch.Tensor) -> None:
            weights = dict(layer.named_parameters())["weight"]
            parameters = sum(one.numel() for one in layer.parameters())
            # Each number of the output is a sum over the weights of its channel.
            seen[name] = (output.shape[-1], parameters, output.numel() * weights[0].numel())

        return hook

    for name in LAYERS:
        network.get_submodule(name).register_forward_hook(note(name))
    output = network(torch.rand(1, 3, 32, 32))
    truth = exercise.reference.evaluate()
    assert {name: (one[1], one[2]) for name, one in seen.items()} == {
        name: (truth[f"{name}_parameters"], truth[f"{name}_macs"]) for name in LAYERS
    }
    assert [seen[f"conv{n}"][0] for n in (1, 2, 3)] == [truth[f"conv{n}_size"] for n in (1, 2, 3)] == [30, 14, 12]
    assert torch.exp(output).sum().item() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "text", "right"),
    [
        ("total_macs", "17.37 MMAC", True),
        ("total_macs", "17.4 MMAC", False),
        ("total_macs", "17.43 MMAC", False),
        ("total_parameters", "2.4540 M", True),
        ("total_parameters", "2.4536 M", False),
        ("total_parameters", "2.454 M", False),
        ("linear1_macs", "2,359,296", True),
        ("linear1_macs", "2.359296 MMAC", True),
        ("linear1_macs", "2.3593 MMAC", False),
        ("linear1_parameters", "2.3594 M parameters", False),
        ("conv1_macs", "777.6 kMAC", True),
        ("conv1_parameters", "896 parameters", True),
        ("conv1_parameters", "0.896 k", True),
    ],
)
def test_counts_may_have_units_and_enough_digits_to_show_biases(
    exercise: Exercise, name: str, text: str, right: bool
) -> None:
    counts = [check.id for check in exercise.rubric.checks if check.id.endswith(("_size", "_macs", "_parameters"))]
    only_counts = only(exercise, *counts, "flatten_features")
    values = {one: exercise.reference.evaluate()[one] for one in (*counts, "flatten_features")}
    seen = {Probe("value", one): value for one, value in {**values, name: text}.items()}
    results = judge_seen(only_counts, seen)
    assert [one for one, result in results.items() if result.fraction < 1] == ([] if right else [name])


def test_printed_and_known_numbers(exercise: Exercise) -> None:
    truth = exercise.reference.evaluate()
    assert truth["flatten_features"] == 18432
    assert (truth["total_parameters"], truth["total_macs"]) == (2_453_962, 17_367_680)
    mlp = exercise.reference.definitions["MLP"].function()
    assert sum(one.numel() for one in mlp.parameters()) == 3072 * 512 + 512 + 512 * 128 + 128 + 128 * 10 + 10


@pytest.mark.parametrize(
    ("mistake", "features"),
    [("padding_of_one", 32768), ("rounded_up", 21632), ("second_stride_one", 86528), ("pooling_counted", 4608)],
)
def test_misread_layers_lead_to_other_numbers(exercise: Exercise, mistake: str, features: int) -> None:
    wrong = exercise.reference.misconceptions[mistake]
    value = Evaluation(exercise.reference, None).mistaken(wrong)
    assert Evaluation(exercise.reference, None, {wrong.target: value}).value("flatten_features") == features


def test_the_reference_s_loader_agrees_with_the_grader_s_reader(exercise: Exercise, tmp_path: Path) -> None:
    data = load_data("cifar10", train=20, test=10)
    for name, content in data.files():
        (tmp_path / Path(name).name).write_bytes(content)
    images, labels, test_images, test_labels = exercise.reference.definitions["load_cifar10"].function(tmp_path)
    right: Content = read(tmp_path)
    np.testing.assert_allclose(images, right.train.inputs / 255, atol=1e-6)
    np.testing.assert_allclose(test_images, right.test.inputs / 255, atol=1e-6)
    assert labels.tolist() == right.train.labels.tolist()
    assert test_labels.tolist() == right.test.labels.tolist()


def test_hidden_images_go_without_their_labels(exercise: Exercise) -> None:
    truth = Evaluation(exercise.reference, None)
    ((files, labels),) = truth.cases("hidden_images")
    parts = exercise.reference.trials["test_images"].function(lambda folder: (0, 0, read(Path(folder)), 0), files)
    assert set(parts.test.labels.tolist()) == set(parts.train.labels.tolist()) == {0}
    assert np.bincount(labels).tolist() == [30] * 10
    published = {one.tobytes() for one in load_data("cifar10").content.test.inputs}
    assert not published & {one.tobytes() for one in parts.test.inputs}


def test_every_data_set_has_its_bands(exercise: Exercise) -> None:
    assert load_data("cifar10").variant == "textures"
    assert exercise.reference.evaluate()["bands"] == [(0.4, 1.0), (0.25, 0.5)]
    text = (ROOT / "reference" / "sheet3" / "cifar_cnn.py").read_text(encoding="utf-8")
    assert '"cifar10": [(' in text


# Networks


def test_HD_07_relu_before_log_softmax_costs_little_and_is_named(exercise: Exercise) -> None:
    source = CNN.replace("nn.Linear(128, 10), nn", "nn.Linear(128, 10), nn.ReLU(), nn")
    result = judged(exercise, source, "CNN")["CNN"]
    assert (result.fraction, result.misconception) == (0.9, "active_output")


@pytest.mark.parametrize(
    "change",
    [
        ("nn.Flatten(),", "nn.Flatten(), nn.ReLU(),"),
        ("nn.Flatten(),", "nn.Flatten(), nn.Dropout(0.2),"),
        ("return self.layers(images)", "return torch.log(torch.exp(self.layers(images)))"),
    ],
)
def test_HD_07_what_changes_nothing_costs_nothing(exercise: Exercise, change: tuple[str, str]) -> None:
    result = judged(exercise, CNN.replace(*change), "CNN")["CNN"]
    assert result.fraction == 1, result.message


def test_HD_08_a_lazy_layer_is_right(exercise: Exercise) -> None:
    source = CNN.replace("nn.Linear(18432, 128)", "nn.LazyLinear(128)")
    assert judged(exercise, source, "CNN")["CNN"].fraction == 1


def test_HD_08_padding_contradicts_layer_5(exercise: Exercise) -> None:
    stopped = judged(exercise, CNN.replace("(3, 32, 3)", "(3, 32, 3, padding=1)"), "CNN")["CNN"]
    assert 0 < stopped.fraction < 1
    assert "cannot be run" in stopped.message
    source = CNN.replace(", 3)", ", 3, padding=1)").replace("stride=2", "stride=2, padding=1").replace("18432", "32768")
    result = judged(exercise, source, "CNN")["CNN"]
    assert (result.fraction < 1, result.misconception) == (True, "padded")


def test_logits_earn_most_and_probabilities_less(exercise: Exercise) -> None:
    logits = judged(exercise, CNN.replace(", nn.LogSoftmax(1),", ","), "CNN")["CNN"]
    assert (logits.fraction, logits.misconception) == (0.8, "logits_only")
    softmax = judged(exercise, CNN.replace("LogSoftmax", "Softmax"), "CNN")["CNN"]
    assert (softmax.fraction < 0.8, softmax.misconception) == (True, "plain_softmax")


def test_no_message_tells_the_number_of_parameters(exercise: Exercise) -> None:
    result = judged(exercise, CNN.replace("64, 128, 3", "64, 96, 3").replace("18432", "13824"), "CNN")["CNN"]
    assert 0 < result.fraction < 1
    assert "2,453,962" not in result.message
    assert "2453962" not in result.message


# The loader


@pytest.mark.parametrize(
    "prepared",
    [
        "images / 255",
        "(images / 255).astype(np.float32)",
        "__import__('torch').tensor(images).float() / 255",
        "(images / 255 - 0.5) / 0.5",
        "(images / 255 - np.reshape([0.49, 0.48, 0.45], (3, 1, 1))) / np.reshape([0.25, 0.24, 0.26], (3, 1, 1))",
    ],
)
def test_HD_09_no_normalisation_or_one_of_cifar_is_right(exercise: Exercise, prepared: str) -> None:
    results = judged(exercise, reading(prepared), "loader", "scaling")
    assert fractions(results, "loader", "scaling") == [1, 1], [one.message for one in results.values()]


def test_HD_09_the_normalisation_of_mnist_is_named_and_costs_once(exercise: Exercise) -> None:
    results = judged(exercise, reading("(images / 255 - 0.1307) / 0.3081"), "loader", "scaling")
    assert fractions(results, "loader", "scaling") == [1, 0]
    assert results["scaling"].misconception == "normalised_as_mnist"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (reading("(images - images.mean()) / images.std()"), "scaled in another way than other images"),
        (reading("images[:, ::-1] / 255"), "the pixels of the training images are mixed up"),
        (reading("images.swapaxes(2, 3) / 255"), "the pixels of the training images"),
        (reading("images / 255", LOADER.replace('[b"labels"]\n', '[b"labels"][::-1]\n')), "labels are others than"),
        (reading("images / 255", LOADER.replace("return (images", "return (images[:-1]")), "have shape (34, "),
        ("def load_cifar10(folder): return 3", "raised TypeError: 'int' object is not iterable"),
        ("def load_cifar10(folder): return 1, 2, 3", "found 3 parts"),
        ("def load_cifar10(folder): pass", "gives back None"),
        ("def load_cifar10(folder): raise OSError('no such file')", "raised OSError: no such file"),
    ],
)
def test_what_a_loader_does_wrong_is_told(exercise: Exercise, source: str, message: str) -> None:
    result = judged(exercise, source, "loader")["loader"]
    assert result.fraction == 0
    assert message in result.message


# Weights, through the student's own loader


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The solution's source; its weights lie in the working folder."""
    for name in ("unpacking.py", "cnn_packed.safetensors", "history.json"):
        shutil.copy(SOLUTION / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__file__": str(tmp_path / "unpacking.py"), "__name__": "unpacking"}
    exec((tmp_path / "unpacking.py").read_text(encoding="utf-8"), namespace)  # noqa: S102 - our own file
    namespace["unpack"]()
    network = (SOLUTION / "cifar_cnn.py").read_text(encoding="utf-8").partition("class CNN")[2]
    return f"import torch\nfrom torch import nn\n\nclass CNN{network.partition('class MLP')[0]}"


def test_weights_are_judged_in_the_scale_that_they_were_trained_with(exercise: Exercise, weights: str) -> None:
    def fraction(network: str, prepared: str) -> float:
        return judged(exercise, network + reading(prepared), "weights")["weights"].fraction

    assert fraction(weights, "images / 255") == 1
    # A network that was trained with other inputs: it undoes their scale here.
    other = weights.replace("self.conv1(images)", "self.conv1(1 - images)")
    assert fraction(other, "1 - images / 255") == 1
    assert fraction(other, "images / 255") < 1


def test_the_packed_weights_are_small(weights: str) -> None:
    assert weights
    assert (SOLUTION / "cnn_packed.safetensors").stat().st_size < 300_000
    assert Path("cnn.safetensors").stat().st_size > 4 * 2_453_962


# Histories


def histories(exercise: Exercise, runs: Sequence[dict[str, Any]]) -> dict[str, CheckResult]:
    seen = {Probe("file", "history.json"): json.dumps({"runs": runs}).encode()}
    return judge_seen(only(exercise, "cnn_history", "mlp_history"), seen)


@pytest.mark.parametrize(
    "clock", [lambda epoch: 0.001 * epoch, lambda epoch: 3600.0 * epoch + 7, lambda epoch: epoch**2]
)
def test_HD_11_any_clock_that_goes_on(exercise: Exercise, clock: Any) -> None:
    runs = [run | {"seconds": [clock(epoch) for epoch in run["epochs"]]} for run in RUNS]
    assert fractions(histories(exercise, runs), "cnn_history", "mlp_history") == [1, 1]


def test_HD_11_a_clock_that_stands_still_is_told(exercise: Exercise) -> None:
    runs = [run | {"seconds": [1.0] * 30} for run in RUNS]
    results = histories(exercise, runs)
    assert fractions(results, "cnn_history", "mlp_history") == [0.5, 0.5]
    assert "`seconds` does not rise at value 2." in results["cnn_history"].message


def test_the_device_is_reported(exercise: Exercise) -> None:
    for name, result in histories(exercise, RUNS).items():
        assert "`device` of run" in result.message, name
        assert result.message.endswith(": cpu.")


def test_fewer_epochs_earn_their_share(exercise: Exercise) -> None:
    runs = [run | {key: run[key][:15] for key in ("epochs", "seconds", "test_accuracy")} for run in RUNS]
    assert fractions(histories(exercise, runs), "cnn_history", "mlp_history") == [0.5, 0.5]


def test_the_mlp_of_the_exercise_before_is_not_this_one(exercise: Exercise) -> None:
    others = json.loads((SOLUTION.parent / "autograd_mlp" / "history.json").read_text(encoding="utf-8"))["runs"]
    whole = histories(exercise, [*others, *RUNS])
    assert fractions(whole, "cnn_history", "mlp_history") == [1, 1]
    results = histories(exercise, [*others, RUNS[1]])
    assert fractions(results, "cnn_history", "mlp_history") == [1, 0.5]
    assert "`test_accuracy` ends at 0.955, which is too high." in results["mlp_history"].message


def test_a_network_at_chance_was_not_trained(exercise: Exercise) -> None:
    runs = [run | {"test_accuracy": [0.1] * 30} for run in RUNS]
    assert fractions(histories(exercise, runs), "cnn_history", "mlp_history") == [0.5, 1]


def test_rubric_gives_the_sheet_its_points(exercise: Exercise) -> None:
    rubric = yaml.safe_load((ROOT / "rubrics" / "sheet3" / "cifar_cnn.yaml").read_text(encoding="utf-8"))
    points = [(one["points"], sum(check["points"] for check in one["checks"])) for one in rubric["criteria"]]
    assert points == [(5, 5), (1, 1), (1.5, 1.5), (1.5, 1.5), (2, 2), (4, 4), (2, 2), (3, 3)]
    assert exercise.rubric.points == 20
    assert set(exercise.items) == {*(f"H{number}" for number in range(14, 23)), "H30"}
    assert {name for names in exercise.items.values() for name in names} == {one.id for one in exercise.rubric.checks}
