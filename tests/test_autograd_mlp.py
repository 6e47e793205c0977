"""Sheet 3, exercise 3.2: the network against NumPy, the trials, and what a history of two devices earns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from judging_helpers import judge_seen
from observing_helpers import grade

from grader.checks import KINDS
from grader.course import Exercise, load_course
from grader.model import CheckResult, Probe, Status
from grader.reference import Evaluation

ROOT = Path(__file__).parents[1]
SOLUTION = ROOT / "reference" / "sheet3" / "solutions" / "autograd_mlp"
RUNS: list[dict[str, Any]] = json.loads((SOLUTION / "history.json").read_text(encoding="utf-8"))["runs"]
NETWORK = """
import torch
from torch import nn

class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.linears = nn.ModuleList(nn.Linear(a, b) for a, b in ((784, 512), (512, 128), (128, 10)))

    def forward(self, images):
        x = images.flatten(1)
        for linear in self.linears[:-1]:
            x = linear(x).relu()
        return self.linears[-1](x).log_softmax(1)
"""
NETWORK_CHECKS = ("MLP", "gradients", "one_step")


def load(root: Path, exercise: str, **changed: str) -> Exercise:
    """Return the shipped exercise; ``changed`` replaces text in its reference."""
    for part in ("exercises", "rubrics"):
        (root / part).symlink_to(ROOT / part)
    reference = root / "reference" / "sheet3"
    reference.mkdir(parents=True)
    text = (ROOT / "reference" / "sheet3" / f"{exercise}.py").read_text(encoding="utf-8")
    for old, new in changed.items():
        assert f"{old} = " in text
        text = "\n".join(f"{old} = {new}" if line.startswith(f"{old} = ") else line for line in text.splitlines())
    (reference / f"{exercise}.py").write_text(text, encoding="utf-8")
    settings = f"{{title: S, exercises: [{exercise}]}}"
    (root / "course.yaml").write_text(f"title: T\nassignments:\n  sheet3: {settings}\n", encoding="utf-8")
    (found,) = load_course(root, KINDS).exercises()
    return found


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    return load(tmp_path_factory.mktemp("course"), "autograd_mlp")


def judged(exercise: Exercise, runs: Any) -> dict[str, CheckResult]:
    return judge_seen(exercise, {Probe("file", "history.json"): json.dumps({"runs": runs}).encode()})


def fractions(results: dict[str, CheckResult], *names: str) -> list[float]:
    return [round(results[name].fraction, 6) for name in names]


def test_the_network_computes_what_numpy_computes(exercise: Exercise) -> None:
    model = exercise.reference.definitions["MLP"].function()
    weights = [one.detach().numpy().astype(np.float64) for one in model.parameters()]
    assert [one.shape for one in weights] == [(512, 784), (512,), (128, 512), (128,), (10, 128), (10,)]
    for (images,) in Evaluation(exercise.reference, None).cases("batches"):
        x = images.numpy().astype(np.float64).reshape(len(images), -1)
        for place in (0, 2):
            x = np.maximum(x @ weights[place].T + weights[place + 1], 0)
        scores = x @ weights[4].T + weights[5]
        expected = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        np.testing.assert_allclose(model(images).detach().numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("hidden", range(5))
def test_a_right_network_of_another_style_passes(exercise: Exercise, hidden: int) -> None:
    assert fractions(grade(exercise, NETWORK, hidden), *NETWORK_CHECKS) == [1, 1, 1]


def test_HD_05_the_network_is_set_in_the_reference(tmp_path: Path) -> None:
    sigmoid = load(tmp_path, "autograd_mlp", LAYER_SIZES="[784, 32, 10]", ACTIVATION="nn.Sigmoid")
    assert Evaluation(sigmoid.reference, None).value("layer_sizes") == [784, 32, 10]
    other = NETWORK.replace("(784, 512), (512, 128), (128, 10)", "(784, 32), (32, 10)").replace("relu", "sigmoid")
    assert fractions(grade(sigmoid, other), *NETWORK_CHECKS) == [1, 1, 1]
    assert grade(sigmoid, NETWORK)["MLP"].fraction < 1


def test_HD_05_defaults_are_those_of_the_known_template(exercise: Exercise) -> None:
    values = exercise.reference.evaluate()
    assert {name: values[name] for name in exercise.reference.givens} == {
        "layer_sizes": [784, 512, 128, 10],
        "epochs": 30,
        "batch_size": 64,
        "learning_rate": 0.1,
    }


@pytest.mark.parametrize("label", ["cuda", "cuda:0", "GPU", "mps", "NVIDIA GPU"])
def test_HD_06_a_curve_is_judged_for_the_device_that_it_names(exercise: Exercise, label: str) -> None:
    results = judged(exercise, [RUNS[0], RUNS[1] | {"device": label}])
    assert fractions(results, "cpu", "gpu") == [1, 1]
    assert f"`device` of run 2: {label}." in results["gpu"].message
    assert "`device` of run 1: cpu." in results["cpu"].message


def test_HD_06_two_runs_on_one_device_are_one(exercise: Exercise) -> None:
    results = judged(exercise, [RUNS[0], RUNS[1] | {"device": "cpu"}])
    assert fractions(results, "cpu", "gpu") == [1, 0]


def test_HD_06_the_invented_curve_of_the_solution_says_so() -> None:
    assert [run["device"] for run in RUNS] == ["cpu", "cuda"]
    assert "synthetic" in RUNS[1]["note"]
    assert "synthetic" not in RUNS[0]["note"]


@pytest.mark.parametrize(
    "clock",
    [lambda s: [one + 20 for one in s], lambda s: [one / 60 for one in s], lambda s: [0.0, *s[1:]]],
    ids=["with loading", "minutes", "from zero"],
)
def test_HD_11_any_rising_clock_will_do(exercise: Exercise, clock: Any) -> None:
    runs = [run | {"seconds": clock(run["seconds"])} for run in RUNS]
    assert fractions(judged(exercise, runs), "cpu", "gpu") == [1, 1]


def test_HD_11_a_clock_that_starts_anew_costs_half(exercise: Exercise) -> None:
    runs = [run | {"seconds": [0.25] * 30} for run in RUNS]
    assert fractions(judged(exercise, runs), "cpu", "gpu") == [0.5, 0.5]


def test_fewer_epochs_earn_their_share(exercise: Exercise) -> None:
    cut = [{key: one[:15] if isinstance(one, list) else one for key, one in run.items()} for run in RUNS]
    assert fractions(judged(exercise, [cut[0], RUNS[1]]), "cpu", "gpu") == [0.5, 1]


def test_per_cent_are_understood(exercise: Exercise) -> None:
    runs = [run | {"test_accuracy": [100 * one for one in run["test_accuracy"]]} for run in RUNS]
    assert fractions(judged(exercise, runs), "cpu", "gpu") == [1, 1]


def test_one_file_for_the_sheet(exercise: Exercise) -> None:
    cifar = [run | {"test_accuracy": [0.5] * 30} for run in RUNS]
    assert fractions(judged(exercise, [*cifar, *RUNS]), "cpu", "gpu") == [1, 1]
    assert max(fractions(judged(exercise, cifar), "cpu", "gpu")) == 0.5


def test_no_history_names_the_file(exercise: Exercise) -> None:
    results = judge_seen(exercise, {})
    assert results["cpu"].status is Status.FAILED
    assert "history.json" in results["cpu"].message


def test_rubric_gives_the_sheet_its_points(exercise: Exercise) -> None:
    rubric = yaml.safe_load((ROOT / "rubrics" / "sheet3" / "autograd_mlp.yaml").read_text(encoding="utf-8"))
    points = [(one["points"], sum(check["points"] for check in one["checks"])) for one in rubric["criteria"]]
    assert points == [(5, 5), (4, 4), (3, 3), (3, 3)]
    assert exercise.rubric.points == 15
    assert set(exercise.items) == {"H11", "H12", "H13", "H30"}
    assert {name for names in exercise.items.values() for name in names} == {one.id for one in exercise.rubric.checks}
