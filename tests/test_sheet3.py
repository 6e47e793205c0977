"""Sheet 3 as a group hands it in: one folder, one history for all trainings, one paper."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from grader.cli import run

ROOT = Path(__file__).resolve().parents[1]
SOLUTIONS = ROOT / "reference" / "sheet3" / "solutions"
TRAINED = ("autograd_mlp", "cifar_cnn", "optimizers")


def hand_in(folder: Path) -> None:
    """Copy the solutions of all exercises into one folder, their histories put together."""
    folder.mkdir(parents=True)
    shutil.copy(SOLUTIONS / "gradient_step.py", folder)
    runs: list[Any] = []
    for exercise in (*TRAINED, "presentation"):
        for path in (SOLUTIONS / exercise).iterdir():
            if path.name == "history.json":
                runs += json.loads(path.read_text(encoding="utf-8"))["runs"]
            elif path.is_file():
                shutil.copy(path, folder)
    (folder / "history.json").write_text(json.dumps({"runs": runs}), encoding="utf-8")


#: What wait for a person: explanations and discussions.
PENDING = 3 + 3 + 2.5
#: Leaves 9 of the 15 points of the hand calculation.
NINE_POINTS = "\nloss = grad_b2 = grad_h = grad_z1 = grad_W1 = grad_b1 = None\n"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Three submissions by name: a whole one, one with parts of the hand calculation, and one that declares nothing."""
    root = tmp_path_factory.mktemp("sheet3")
    for name in ("whole", "nine", "silent"):
        hand_in(root / "hand-ins" / name)
    with (root / "hand-ins" / "nine" / "gradient_step.py").open("a", encoding="utf-8") as file:
        file.write(NINE_POINTS)
    declared = root / "hand-ins" / "silent" / "presentation.yaml"
    shutil.copy(ROOT / "reference/sheet3/wrong/presentation/nothing_declared/presentation.yaml", declared)
    options = ["--course", str(ROOT), "--workers", "1", "--isolation", "selfcheck", "--output", str(root / "grades")]
    run(["batch", str(root / "hand-ins"), "--assignment", "sheet3", *options])
    found = json.loads((root / "grades" / "results.json").read_text(encoding="utf-8"))
    return {one["id"]: one for one in found["submissions"]}


def checks_of(submission: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (exercise["id"], check["id"]): check
        for exercise in submission["exercises"]
        for criterion in exercise["criteria"]
        for check in criterion["checks"]
    }


def test_one_history_serves_three_exercises(results: dict[str, dict[str, Any]]) -> None:
    short = {
        place: check["message"]
        for place, check in checks_of(results["whole"]).items()
        if check["fraction"] < 1 and not check["for_person"]
    }
    assert short == {}
    waiting = [place for place, check in checks_of(results["whole"]).items() if check["for_person"]]
    assert waiting == [(name, text) for name in TRAINED for text in ("explanation", "discussion")]
    assert (results["whole"]["points"], results["whole"]["max_points"]) == (90 - PENDING, 90)


def test_the_report_says_where_curves_were_measured(results: dict[str, dict[str, Any]]) -> None:
    checks = checks_of(results["whole"])
    told = {check: checks["autograd_mlp", check]["message"] for check in ("cpu", "gpu")}
    assert "`device` of run 1: cpu." in told["cpu"]
    assert "`device` of run 2: cuda." in told["gpu"]


def test_HD_12_a_declaration_counts_in_full_beside_a_poor_solution(results: dict[str, dict[str, Any]]) -> None:
    points = {exercise["id"]: exercise["points"] for exercise in results["nine"]["exercises"]}
    assert (points["gradient_step"], points["presentation"]) == (9, 30)
    assert results["nine"]["points"] == 84 - PENDING


def test_HD_15_who_declares_nothing_is_promised_nothing(results: dict[str, dict[str, Any]]) -> None:
    assert results["silent"]["points"] == 60 - PENDING
    messages = " ".join(check["message"].casefold() for check in checks_of(results["silent"]).values())
    promises = ("exempt", "need not present", "will not present", "not have to present")
    assert not any(word in messages for word in promises)
