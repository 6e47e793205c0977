"""tinyML, stm32_fit: counts against the analyser and torch, the errata, follow-through, and networks of other kinds."""

from __future__ import annotations

import re
import runpy
import shutil
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from judging_helpers import judge, lost
from observing_helpers import grade
from test_cifar_cnn import only
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from grader.checks import KINDS
from grader.cost import BARE, Board, analyse, fits, read_board
from grader.course import Exercise, load_course
from grader.data import load as load_data
from grader.model import CheckResult
from grader.reference import Evaluation, Reference

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "exercises" / "tinyml" / "stm32_fit"
SOLUTION = ROOT / "reference" / "tinyml" / "solutions" / "stm32_fit"
WRONG = ROOT / "reference" / "tinyml" / "wrong" / "stm32_fit"
RUBRIC = yaml.safe_load((ROOT / "rubrics" / "tinyml" / "stm32_fit.yaml").read_text(encoding="utf-8"))
CHECKS = [one for criterion in RUBRIC["criteria"] for one in criterion["checks"]]
VALUES = [one["value"] for one in CHECKS if "value" in one]
COUNTS = VALUES[:-2]
SEEDS = [None, *range(40)]
IMAGE = (1, 3, 32, 32)
BOARD = read_board("stm32h735g-dk")
#: Of internal RAM and internal flash, in bytes: 560 KB or all the 564, of 1000 or 1024 bytes.
READINGS = [(ram * size, 1024 * size) for ram in (560, 564) for size in (1000, 1024)]


def cnn() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3, stride=2), nn.ReLU(), nn.Conv2d(64, 128, 3), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(18432, 128), nn.ReLU(), nn.Linear(128, 10)),
    )


def wide(first: int, second: int, third: int) -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, first, 3, padding=1), nn.ReLU(), nn.Conv2d(first, second, 3, padding=1), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Conv2d(second, third, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64 * third, 10)),
    )


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    """The exercise in a course of its own."""
    root = tmp_path_factory.mktemp("course")
    for folder in ("exercises", "reference", "rubrics"):
        (root / folder).symlink_to(ROOT / folder)
    assignment = "  tinyml: {title: T, exercises: [stm32_fit]}\n"
    (root / "course.yaml").write_text(f"title: T\nassignments:\n{assignment}", encoding="utf-8")
    (found,) = load_course(root, KINDS).exercises()
    return found


@pytest.fixture
def reference(exercise: Exercise) -> Reference:
    return exercise.reference


def answers(exercise: Exercise, seed: int | None = None, /, **changed: Any) -> dict[str, Any]:
    """Return right answers to what is calculated, some of them ``changed``."""
    right = exercise.reference.evaluate(seed)
    return {name: right[name] for name in (*VALUES, "verdicts")} | changed


def calculated(exercise: Exercise, values: dict[str, Any], seed: int | None = None) -> dict[str, CheckResult]:
    """Return the results of the checks on what is calculated."""
    return judge(only(exercise, *VALUES, "verdicts"), values, seed=seed)


def named(results: dict[str, CheckResult]) -> set[str]:
    return {one.misconception for one in results.values() if one.misconception}


# The reference


@pytest.mark.parametrize("seed", [None, 3, 8])
def test_costs_agree_with_the_analyser(reference: Reference, seed: int | None) -> None:
    truth = reference.evaluate(seed)
    for name, make in (("cnn", cnn), ("wide", lambda: wide(*truth["wide_channels"]))):
        for precision in ("float32", "int8"):
            cost = analyse(make, [IMAGE], precision)
            assert truth[f"{name}_parameters"] == cost.parameters
            assert truth[f"{name}_macs"] == cost.macs
            assert truth[f"{name}_flash_{precision}"] == cost.weight_bytes[precision]
            assert truth[f"{name}_ram_{precision}"] == cost.activation_bytes.liveness
        assert truth[f"{name}_peak"] == truth[f"{name}_ram_int8"]


def test_costs_agree_with_torch(reference: Reference) -> None:
    truth = reference.evaluate()
    for name, network in (("cnn", cnn()), ("wide", wide(*truth["wide_channels"]))):
        sizes = [3 * 32 * 32]

        def note(layer: nn.Module, _given: Any, output: torch.Tensor, sizes: list[int] = sizes) -> None:
            if not isinstance(layer, nn.ReLU | nn.Flatten):  # they move nothing
                sizes.append(output.numel())

        for layer in network.children():
            layer.register_forward_hook(note)
        with FlopCounterMode(display=False) as counter:
            network(torch.zeros(IMAGE))
        assert truth[f"{name}_macs"] == counter.get_total_flops() / 2
        assert truth[f"{name}_parameters"] == sum(one.numel() for one in network.parameters())
        assert truth[f"{name}_peak"] == max(a + b for a, b in pairwise(sizes))
        biases = [one for one in network.parameters() if one.dim() == 1]
        kernels = [one for one in network.parameters() if one.dim() > 1]
        in_bytes = sum(one.numel() for one in kernels) + sum(one.to(torch.int32).nbytes for one in biases)
        assert truth[f"{name}_flash_int8"] == in_bytes


def test_known_numbers(reference: Reference) -> None:
    truth = reference.evaluate()
    names = ("parameters", "macs", "flash_float32", "flash_int8", "peak")
    known = [2_453_962, 17_367_680, 9_815_848, 2_455_048, 41_344]
    assert [truth[f"cnn_{name}"] for name in names] == known


@pytest.mark.parametrize("seed", [None, 3, 8])
def test_verdicts_agree_with_the_analyser(reference: Reference, seed: int | None) -> None:
    truth = reference.evaluate(seed)
    for item, said in truth["verdicts"].items():
        name, precision, place, _ = re.split(r",? ", item)
        cost = analyse(cnn if name == "cnn" else lambda: wide(*truth["wide_channels"]), [IMAGE], precision)
        found = fits(cost.weight_bytes[precision], cost.activation_bytes, BOARD, BARE)
        fit = found["internal" if place == "internal" else "external_flash"]
        assert (fit.verdict == "yes") == (said == "fits")
        if said != "fits" and fit.verdict == "no":
            assert said in {fit.limit.removeprefix("internal "), "both"}


def readings(truth: dict[str, Any], name: str, precision: str, place: str) -> set[str]:
    """Return the verdicts by every reading of the limits."""
    flash, ram = truth[f"{name}_flash_{precision}"], truth[f"{name}_ram_{precision}"]
    words = {(False, False): "fits", (True, False): "flash", (False, True): "RAM", (True, True): "both"}
    return {words[place == "internal" and flash > most, ram > least] for least, most in READINGS}


# Errata


def test_TML_07_no_verdict_hangs_on_560_or_564_nor_on_the_size_of_a_kilobyte(reference: Reference) -> None:
    seen = set()
    for seed in SEEDS:
        truth = reference.evaluate(seed)
        for item, said in truth["verdicts"].items():
            name, precision, place, _ = re.split(r",? ", item)
            assert readings(truth, name, precision, place) == {said}
        seen.add(truth["verdicts"]["wide float32, internal flash"])
    assert seen == {"RAM", "both"}  # so that they cannot be copied


@pytest.mark.parametrize("size", [1000, 1024])
def test_TML_07_both_kilobytes_are_right(exercise: Exercise, size: int) -> None:
    right = answers(exercise)
    missing = {
        "cnn_missing_flash": right["cnn_flash_int8"] - 1024 * size,
        "wide_missing_ram": right["wide_ram_float32"] - 560 * size,
    }
    assert lost(calculated(exercise, right | missing)) == []
    as_text = {name: f"{number / size:.3f} KB" for name, number in missing.items()}
    sizes = {name: f"{right[name] / size:.3f} KB" for name in COUNTS if "_flash_" in name or "_ram_" in name}
    assert lost(calculated(exercise, right | as_text | sizes)) == []


def test_TML_07_564_is_named_and_costs_half_where_560_is_asked_for(exercise: Exercise) -> None:
    for size, name in ((1024, "total_ram"), (1000, "total_ram_by_thousands")):
        wrong = answers(exercise)["wide_ram_float32"] - 564 * size
        result = calculated(exercise, answers(exercise, wide_missing_ram=wrong))["wide_missing_ram"]
        assert (result.fraction, result.misconception) == (0.5, name)


def test_TML_10_latency_has_no_limit() -> None:
    assert [one for one in CHECKS if "macs" in one.get("limits", {})] == []
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    assert "**Latency** is soft: no limit is set." in task
    assert "There is no budget for MACs." in task


def test_X_01_and_X_02_no_loss_and_no_layout_of_weights_is_asked_for() -> None:
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    assert not re.search(r"\b(loss|transpose|row of W)\b", task)


# A mistake costs once


@pytest.mark.parametrize("seed", SEEDS[:6])
def test_every_mistake_shows_for_everybody(reference: Reference, seed: int | None) -> None:
    truth = Evaluation(reference, seed)
    for wrong in reference.misconceptions.values():
        if wrong.target == "prepare":
            continue
        made = Evaluation(reference, seed, {wrong.target: truth.mistaken(wrong)})
        changes = [name for name in (*VALUES, "verdicts") if made.value(name) != truth.value(name)]
        assert changes, wrong.id
        number = [one for one in changes if one != "verdicts"]
        # Text of as few digits as the rubric takes tells it from the right number.
        for name in number[:1]:
            digits = next(
                one.get("digits", 12 if one.get("exact") else 3) for one in CHECKS if one.get("value") == name
            )
            gap = abs(made.value(name) / truth.value(name) - 1)
            assert gap > 10.0 ** (1 - digits) or name.endswith("_peak"), (wrong.id, name)


@pytest.mark.parametrize("seed", [None, 5])
def test_biases_left_out_cost_the_parameters_alone(exercise: Exercise, seed: int | None) -> None:
    right = answers(exercise, seed)
    channels = exercise.reference.evaluate(seed)["wide_channels"]
    changed: dict[str, Any] = {}
    for name, count in (("cnn", 32 + 64 + 128 + 128 + 10), ("wide", sum(channels) + 10)):
        kernels = right[f"{name}_parameters"] - count
        changed |= {f"{name}_parameters": kernels, f"{name}_flash_float32": 4 * kernels, f"{name}_flash_int8": kernels}
    changed["cnn_missing_flash"] = changed["cnn_flash_int8"] - 1024**2
    results = calculated(exercise, right | changed, seed)
    assert (lost(results), named(results)) == (["cnn_parameters"], {"biases_left_out"})


def test_largest_activations_cost_the_peak_alone_and_turn_verdicts(exercise: Exercise) -> None:
    right = answers(exercise)
    first, second, _ = exercise.reference.evaluate()["wide_channels"]
    peaks = {"cnn": 32 * 30 * 30, "wide": 1024 * max(first, second)}
    changed: dict[str, Any] = {f"{name}_peak": one for name, one in peaks.items()}
    changed |= {f"{name}_ram_int8": one for name, one in peaks.items()}
    changed |= {f"{name}_ram_float32": 4 * one for name, one in peaks.items()}
    changed["wide_missing_ram"] = changed["wide_ram_float32"] - 560 * 1024
    assert changed["wide_missing_ram"] < 0
    said = right["verdicts"] | {"wide float32, internal flash": "fits", "wide float32, external flash": "fits"}
    results = calculated(exercise, right | changed | {"verdicts": said})
    assert (lost(results), named(results)) == (["cnn_peak"], {"largest_activation"})


def test_a_slip_in_one_number_turns_a_verdict_which_is_right_then(exercise: Exercise) -> None:
    right = answers(exercise)
    slip = right["wide_peak"] // 2
    changed = {"wide_peak": slip, "wide_ram_int8": slip, "wide_ram_float32": 4 * slip}
    changed["wide_missing_ram"] = 4 * slip - 560 * 1024
    by_own = right["verdicts"] | {"wide float32, internal flash": "fits", "wide float32, external flash": "fits"}
    results = calculated(exercise, right | changed | {"verdicts": by_own})
    assert lost(results) == ["wide_peak"]
    assert results["verdicts"].follow_through


@pytest.mark.parametrize("word", ["fits", "flash", "RAM", "both", "yes"])
def test_the_same_verdict_everywhere_earns_nothing(exercise: Exercise, word: str) -> None:
    said = dict.fromkeys(answers(exercise)["verdicts"], word)
    assert calculated(exercise, answers(exercise, verdicts=said))["verdicts"].fraction == 0


def test_numbers_of_others_are_not_right(exercise: Exercise) -> None:
    copied = calculated(exercise, answers(exercise, 11), seed=12)
    assert {"wide_parameters", "wide_macs", "wide_peak"} <= set(lost(copied))


@pytest.mark.parametrize("name", [one for one in COUNTS if "peak" not in one])
def test_text_with_a_unit_is_right_and_a_thousandth_more_is_not(exercise: Exercise, name: str) -> None:
    right = answers(exercise)[name]
    text = f"{right:,}" if "parameters" in name else f"{right / 1e6:#.5g} M{'MAC' if 'macs' in name else 'B'}"
    assert calculated(exercise, answers(exercise, **{name: text}))[name].fraction == 1
    off = calculated(exercise, answers(exercise, **{name: right + max(1, right // 1000)}))
    assert off[name].fraction == 0


def test_messages_for_students_hold_no_result(reference: Reference) -> None:
    right = {str(reference.evaluate()[name]) for name in COUNTS}
    for wrong in reference.misconceptions.values():
        assert not right & set(re.findall(r"\d+", wrong.message.replace(",", ""))), wrong.id


# Networks of one's own

HEAD = """
import torch
from torch import nn

precision = "int8"

def prepare(images):
    return torch.tensor(images, dtype=torch.float32) / 255
"""
#: Residual, depthwise separable, with batch normalisation and a function of its own: what students also hand in.
RESIDUAL = """
class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.depth = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.point = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)])
        self.way = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        y = torch.relu(self.norms[0](self.depth(x)))
        return torch.relu(self.norms[1](self.point(y)) + self.way(x))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(Block(3, 16), nn.MaxPool2d(2), Block(16, 32), nn.AvgPool2d(2), Block(32, 48))
        self.head = nn.LazyLinear(10)

    def forward(self, images):
        return torch.log_softmax(self.head(self.blocks(images).mean((2, 3))), 1)

net_parameters = sum(one.numel() for one in Net().parameters() if not isinstance(one, nn.UninitializedParameter))
"""
FITTING = ("flash", "ram", "fits")
CLAIMS = ("net_parameters", "net_macs", "net_ram_bytes")


def graded(exercise: Exercise, source: str, *checks: str) -> dict[str, CheckResult]:
    return grade(only(exercise, *checks), source)


def test_a_network_of_another_kind_earns_everything(exercise: Exercise) -> None:
    results = graded(exercise, HEAD + RESIDUAL, *FITTING, "Net")
    assert lost(results) == []
    assert results["fits"].timeline is not None
    assert results["fits"].timeline.limit == 560 * 1024
    assert "bytes are left at worst" in results["fits"].message
    assert results["flash"].timeline is results["ram"].timeline is None


@pytest.mark.parametrize(
    ("layers", "precision", "lose"),
    [
        # 295,050 parameters: 1.18 MB at float32.
        ("nn.Flatten(), nn.Linear(3072, 96)", "float32", ["flash", "fits"]),
        ("nn.Flatten(), nn.Linear(3072, 96)", "float16", []),
        # 150 maps of 32 by 32: 614,400 bytes at float32, and as many for a second layer of 1.
        ("nn.Conv2d(3, 150, 3, padding=1), nn.Conv2d(150, 1, 32), nn.Flatten()", "float32", ["ram", "fits"]),
        ("nn.Conv2d(3, 150, 3, padding=1), nn.Conv2d(150, 1, 32), nn.Flatten()", "float16", []),
    ],
)
def test_each_memory_counts_by_itself_at_the_precision_that_is_named(
    exercise: Exercise, layers: str, precision: str, lose: list[str]
) -> None:
    source = f"{HEAD}\nclass Net(nn.Sequential):\n    def __init__(self):\n        super().__init__({layers})\n"
    results = graded(exercise, f"{source}\nprecision = {precision!r}\n", *FITTING)
    assert lost(results) == lose


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ("nn.Linear(3072, 11)", "(n, 11)|11"),
        ("nn.Linear(3072, 10), nn.Softmax(0)", "batch|alone"),
        ("nn.Linear(3000, 10)", "cannot be run"),
    ],
)
def test_a_network_that_does_not_give_ten_scores_each_is_told_why(exercise: Exercise, last: str, message: str) -> None:
    source = (
        f"{HEAD}\nclass Net(nn.Sequential):\n    def __init__(self):\n        super().__init__(nn.Flatten(), {last})\n"
    )
    result = graded(exercise, source, "Net")["Net"]
    assert result.fraction < 1
    assert re.search(message, result.message), result.message


@pytest.fixture
def handed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The solution's network as a source; its weights lie in the working folder."""
    shutil.copy(SOLUTION / "net.safetensors", tmp_path)
    monkeypatch.chdir(tmp_path)
    return (SOLUTION / "network.py").read_text(encoding="utf-8").replace("Path(__file__).parent", "Path()")


def test_weights_count_apart_from_memory(exercise: Exercise, handed_in: str) -> None:
    results = graded(exercise, handed_in, *FITTING, "Net", "accuracy", *CLAIMS)
    assert lost(results) == []
    large = handed_in.replace('precision = "int8"', 'precision = "float32"').replace(
        "        x = self.pool(torch.relu(self.conv1(images)))\n",
        "        images = (images + torch.cat([images] * 60, 1).mean(1, keepdim=True) * 0)\n"
        "        x = self.pool(torch.relu(self.conv1(images)))\n",
    )
    results = graded(exercise, large, *FITTING, "accuracy")
    assert set(lost(results)) == {"ram", "fits"}


def test_inputs_are_made_by_the_students_own_function(exercise: Exercise, handed_in: str) -> None:
    other = handed_in.replace("dtype=torch.float32) / 255", "dtype=torch.float32) / 127.5 - 1")
    undone = other.replace("self.conv1(images)", "self.conv1((images + 1) / 2)")
    assert graded(exercise, undone, "accuracy")["accuracy"].fraction == 1
    assert graded(exercise, handed_in.replace("/ 255", "* 0"), "accuracy")["accuracy"].fraction == 0


def test_figures_by_other_conventions_are_named_and_those_of_tools_are_right(
    exercise: Exercise, handed_in: str
) -> None:
    def result(name: str, value: str) -> CheckResult:
        return graded(exercise, f"{handed_in}\n{name} = {value}\n", name)[name]

    flops = result("net_macs", "2 * net_macs")
    assert (flops.fraction, flops.misconception) == (0.5, "flops")
    assert result("net_macs", "'1.954 MMAC'").fraction == 1
    # Any plan from rows that overlap to a fixed place for each tensor.
    assert [result("net_ram_bytes", value).fraction for value in ("16640", "18_000", "'20.0 KiB'", "20_480")] == [1] * 4
    assert [result("net_ram_bytes", value).fraction for value in ("16384", "81_920", "163_840")] == [0] * 3


def test_every_data_set_has_its_bands(reference: Reference) -> None:
    assert load_data("cifar10").variant == "textures"
    assert reference.evaluate()["bands"] == [(0.75, 1.0), (0.6, 0.5)]
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    assert "75 % right earn everything and 60 %" in task
    assert "on the real CIFAR-10 it is 55 % and 40 %" in task
    assert '"cifar10": [(0.55, 1.0), (0.4, 0.5)]' in (ROOT / "reference/tinyml/stm32_fit.py").read_text(
        encoding="utf-8"
    )


def test_hidden_images_are_none_that_ship_and_of_all_classes(reference: Reference) -> None:
    ((images, labels),) = Evaluation(reference, None).cases("hidden_images")
    content = load_data("cifar10").content
    known = {one.tobytes() for part in (content.train, content.test) for one in part.inputs}
    assert images.shape == (300, 3, 32, 32)
    assert not known & {one.tobytes() for one in images}
    assert sorted(set(labels.tolist())) == list(range(10))


# The files


def test_limits_are_those_of_the_board() -> None:
    limits = {name: most for one in CHECKS for name, (_, most) in one.get("limits", {}).items()}
    assert isinstance(BOARD, Board)
    usable = BOARD.memory.internal_flash.usable, BOARD.memory.internal_ram.usable
    assert (limits["weight_bytes"], limits["activation_bytes"]) == usable == (1024 * 1024, 560 * 1024)


def test_points_and_items_are_those_of_the_task(exercise: Exercise) -> None:
    assert exercise.rubric.points == 23
    assert set(exercise.items) == {"T19", "T20", "T21"}
    assert {name for names in exercise.items.values() for name in names} == {one.id for one in exercise.rubric.checks}
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    assert "23 points" in task
    points = [float(one) for one in re.findall(r"^## .*\((\d+(?:\.\d)?) points\)", task, re.MULTILINE)]
    by_criterion = [one["points"] for one in RUBRIC["criteria"]]
    assert points == [*by_criterion[:3], sum(by_criterion[3:5]), by_criterion[5]]


def test_what_is_asked_is_named_in_the_task() -> None:
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    wanted = {*VALUES, *CLAIMS, "verdicts", "why", "Net", "precision", "prepare", "net.safetensors"}
    missing = [name for name in sorted(wanted) if f"`{name}" not in task and not name.startswith("wide_")]
    assert (missing, "with `wide_` in place of `cnn_`" in task) == ([], True)


def test_starter_leaves_the_numbers_and_nothing_else(reference: Reference) -> None:
    left = runpy.run_path(str(FOLDER / "stm32_fit.py"))
    assert left["wide_channels"] == reference.evaluate()["wide_channels"]
    assert {left[name] for name in (*VALUES, *CLAIMS, "precision")} == {None}
    assert set(left["verdicts"]) == set(reference.evaluate()["verdicts"])
    assert set(left["verdicts"].values()) == {None}


def test_weights_are_small_and_every_wrong_file_is_listed() -> None:
    assert (SOLUTION / "net.safetensors").stat().st_size < 300_000
    listed = yaml.safe_load((WRONG / "wrong.yaml").read_text(encoding="utf-8"))
    assert set(listed) == {one.name for one in WRONG.iterdir()} - {"wrong.yaml", "__pycache__"}


def test_the_solution_calculates_with_its_own_channels(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SOLUTION))
    source = (SOLUTION / "stm32_fit.py").read_text(encoding="utf-8")
    channels = reference.evaluate(7)["wide_channels"]
    namespace: dict[str, Any] = {}
    exec(re.sub(r"wide_channels = .*", f"wide_channels = {channels}", source), namespace)  # noqa: S102 - our own file
    sys.modules.pop("network", None)
    assert namespace["wide_peak"] == reference.evaluate(7)["wide_peak"]
    assert namespace["verdicts"] == reference.evaluate(7)["verdicts"]
