"""Sheet 3, exercise 3.4: what a history of several optimizers and learning rates earns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from judging_helpers import judge_seen
from test_autograd_mlp import fractions, load

from grader.course import Exercise
from grader.model import CheckResult, Probe

ROOT = Path(__file__).parents[1]
SOLUTION = ROOT / "reference" / "sheet3" / "solutions" / "optimizers"
RUNS: list[dict[str, Any]] = json.loads((SOLUTION / "history.json").read_text(encoding="utf-8"))["runs"]
FINAL = [run for run in RUNS if len(run["epochs"]) == 30]
CHECKS = ("optimizers", "learning_rates", "final")


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    return load(tmp_path_factory.mktemp("course"), "optimizers")


def judged(exercise: Exercise, runs: Any, final: Any = None) -> dict[str, CheckResult]:
    file = json.dumps({"runs": runs}).encode()
    shown = [run for run in runs if len(run["epochs"]) == 30] if final is None else final
    return judge_seen(exercise, {Probe("file", "history.json"): file, Probe("value", "final"): shown})


def test_what_was_measured_earns_everything(exercise: Exercise) -> None:
    assert fractions(judged(exercise, RUNS), *CHECKS) == [1, 1, 1]
    assert all("embedded: textures" in run["note"] for run in RUNS)


def test_HD_10_a_learning_rate_that_fails_is_a_result(exercise: Exercise) -> None:
    (adam,) = (run for run in RUNS if run["optimizer"] == "Adam" and run["learning_rate"] == 0.1)
    assert max(adam["test_accuracy"]) <= 0.11  # measured: at chance
    assert fractions(judged(exercise, RUNS), "learning_rates") == [1]


def test_HD_10_learning_rates_outside_of_the_advice_count(exercise: Exercise) -> None:
    runs = [run | {"learning_rate": run["learning_rate"] / 1000} for run in RUNS]
    assert fractions(judged(exercise, runs), *CHECKS) == [1, 1, 1]


def test_HD_10_learning_rates_must_be_named(exercise: Exercise) -> None:
    runs = [{key: one for key, one in run.items() if key != "learning_rate"} for run in RUNS]
    assert fractions(judged(exercise, runs), *CHECKS) == [1, 0, 0]


def test_HD_10_a_final_run_at_chance_does_not_count(exercise: Exercise) -> None:
    runs = [run | {"test_accuracy": [0.1] * len(run["epochs"])} if run["optimizer"] == "Adam" else run for run in RUNS]
    assert fractions(judged(exercise, runs), *CHECKS) == pytest.approx([2 / 3, 1, 2 / 3], abs=1e-5)


def test_adam_is_not_adamw(exercise: Exercise) -> None:
    runs = [run | {"optimizer": run["optimizer"].replace("Adam", "AdamW")} for run in RUNS]
    results = judged(exercise, runs)
    assert fractions(results, *CHECKS) == pytest.approx([2 / 3, 1, 1], abs=1e-5)
    assert "There is no run with optimizer Adam." in results["optimizers"].message


@pytest.mark.parametrize("name", ["ADAM", "torch.optim.Adam", "adam"])
def test_names_of_optimizers_in_any_spelling(exercise: Exercise, name: str) -> None:
    runs = [run | ({"optimizer": name} if run["optimizer"] == "Adam" else {}) for run in RUNS]
    assert fractions(judged(exercise, runs), *CHECKS) == [1, 1, 1]


def test_momentum_makes_another_optimizer_where_it_is_named(exercise: Exercise) -> None:
    runs = [run | ({"optimizer": "SGD momentum"} if run["optimizer"] == "RMSprop" else {}) for run in RUNS]
    assert fractions(judged(exercise, runs), *CHECKS) == [1, 1, 1]


def test_HD_11_no_clock_is_asked_for(exercise: Exercise) -> None:
    runs = [{key: one for key, one in run.items() if key != "seconds"} for run in RUNS]
    assert fractions(judged(exercise, runs), *CHECKS) == [1, 1, 1]


def test_runs_of_other_models_do_not_count(exercise: Exercise) -> None:
    runs = [run | ({"model": "MLP"} if run["optimizer"] == "RMSprop" else {}) for run in RUNS]
    assert fractions(judged(exercise, runs), "optimizers") == pytest.approx([2 / 3], abs=1e-5)


def test_rubric_gives_the_sheet_its_points(exercise: Exercise) -> None:
    rubric = yaml.safe_load((ROOT / "rubrics" / "sheet3" / "optimizers.yaml").read_text(encoding="utf-8"))
    points = [(one["points"], sum(check["points"] for check in one["checks"])) for one in rubric["criteria"]]
    assert points == [(5.5, 5.5), (2, 2), (2.5, 2.5)]
    assert exercise.rubric.points == 10
    assert set(exercise.items) == {"H23", "H24", "H25", "H26", "H30"}
    assert {name for names in exercise.items.values() for name in names} == {one.id for one in exercise.rubric.checks}
