"""The exercise on MACs, parameters and memory: independent counts, the errata, and what usual mistakes cost."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from execution_helpers import QUICK, notebook_text, run
from judging_helpers import judge, lost
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from grader.checks import KINDS, judge_exercise, probes
from grader.course import Exercise, load_course
from grader.model import CheckResult, Job, Status
from grader.reference import Evaluation

ROOT = Path(__file__).parents[1]
TASK = ROOT / "exercises" / "microcontrollers" / "mac_operations" / "task.md"
RUBRIC = yaml.safe_load((ROOT / "rubrics" / "microcontrollers" / "mac_operations.yaml").read_text(encoding="utf-8"))
COUNTS = ("layer1_macs", "layer2_macs", "total_macs", "layer1_parameters", "layer2_parameters", "total_parameters")
BYTES = ("bytes_float32", "bytes_int8")
PICTURE = (1, 1, 28, 28)

#: The four readings: a network, its two layers that have weights, and the shape of one input.
NETWORKS: dict[str, tuple[nn.Sequential, tuple[int, ...]]] = {
    "dense": (nn.Sequential(nn.Flatten(), nn.Linear(784, 42), nn.ReLU(), nn.Linear(42, 10)), PICTURE),
    "dense on last axis": (nn.Sequential(nn.Linear(1, 42), nn.ReLU(), nn.Linear(42, 10)), (1, 28, 28, 1)),
    "net": (
        nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6272, 10)),
        PICTURE,
    ),
    # Only its parameters are looked at: it does not run.
    "net as printed": (
        nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4732, 10)),
        PICTURE,
    ),
}


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    folder = tmp_path_factory.mktemp("course")
    for part in ("exercises", "reference", "rubrics"):
        (folder / part).symlink_to(ROOT / part)
    text = "title: T\nassignments:\n  microcontrollers: {title: M, exercises: [mac_operations]}\n"
    (folder / "course.yaml").write_text(text, encoding="utf-8")
    (found,) = load_course(folder, KINDS).exercises()
    return found


def parameters_by_layer(network: nn.Sequential) -> list[int]:
    return [sum(one.numel() for one in layer.parameters()) for layer in network if list(layer.parameters())]


def macs_by_torch(network: nn.Sequential, shape: tuple[int, ...]) -> list[int]:
    """Return the MACs of the layers that have weights: half of what torch counts for each as FLOPs."""
    found = []
    value = torch.zeros(shape)
    for layer in network:
        with FlopCounterMode(display=False) as counter:
            value = layer(value)
        if list(layer.parameters()):
            assert counter.get_total_flops() % 2 == 0
            found.append(counter.get_total_flops() // 2)
    return found


def answers(exercise: Exercise, network: str = "dense", /, **changed: Any) -> dict[str, Any]:
    """Return right answers for the reading ``network``, with some ``changed``."""
    own = Evaluation(exercise.reference, None, {"network": network})
    names = ("matmul_macs", *COUNTS, *BYTES, "tool_unit", "tool_count")
    return {name: own.value(name) for name in names} | {"network": network, "tool": "a tool"} | changed


def points(exercise: Exercise, results: dict[str, CheckResult]) -> float:
    """Return the points; written answers count as right."""
    found = 0.0
    for check in exercise.rubric.checks:
        result = results[check.id]
        found += check.options.points * (1.0 if result.for_person else result.fraction)
    return found


# Independent counts


@pytest.mark.parametrize("name", NETWORKS)
def test_counts_agree_with_torch(exercise: Exercise, name: str) -> None:
    network, shape = NETWORKS[name]
    values = answers(exercise, name)
    parameters = parameters_by_layer(network)
    assert [values["layer1_parameters"], values["layer2_parameters"]] == parameters
    assert values["total_parameters"] == sum(parameters)
    if name != "net as printed":
        macs = macs_by_torch(network, shape)
        assert [values["layer1_macs"], values["layer2_macs"]] == macs
        assert values["total_macs"] == sum(macs)
    stored = [sum(one.to(kind).nbytes for one in network.parameters()) for kind in (torch.float32, torch.int8)]
    assert [values[one] for one in BYTES] == stored


def test_the_printed_network_does_not_run() -> None:
    network, shape = NETWORKS["net as printed"]
    with pytest.raises(RuntimeError, match="1x6272 and 4732x10"):
        network(torch.zeros(shape))


def test_a_product_by_definition_takes_that_many_steps(exercise: Exercise) -> None:
    rng = np.random.default_rng(0)
    for rows, inner, columns in product((1, 2, 5), (1, 3, 4), (2, 7)):
        left, right = rng.normal(size=(rows, inner)), rng.normal(size=(inner, columns))
        found = np.zeros((rows, columns))
        steps = 0
        for i, j, k in product(range(rows), range(columns), range(inner)):
            found[i, j] += left[i, k] * right[k, j]
            steps += 1
        np.testing.assert_allclose(found, left @ right)
        text = str(exercise.reference.evaluate()["matmul_macs"])
        assert eval(text, {"L": rows, "M": inner, "N": columns}) == steps  # noqa: S307 - our own formula


def test_known_numbers(exercise: Exercise) -> None:
    values = exercise.reference.evaluate()
    assert [values[name] for name in (*COUNTS, *BYTES)] == [32928, 420, 33348, 32970, 430, 33400, 133600, 33400]


# Fair marks


@pytest.mark.parametrize("name", NETWORKS)
def test_each_reading_earns_everything_when_it_is_named(exercise: Exercise, name: str) -> None:
    results = judge(exercise, answers(exercise, name))
    assert lost(results) == ["tool"]
    assert results["tool"].for_person
    assert points(exercise, results) == 12
    assert not [one.message for one in results.values() if one.message and not one.for_person]
    spelt = judge(exercise, answers(exercise, name, network=f" {name.upper()} "))
    assert points(exercise, spelt) == 12


@pytest.mark.parametrize("text", ["L*M*N", "N·M·L", "L M N", "LMN", "L x M x N", "lambda: 0"])
def test_the_product_in_any_form(exercise: Exercise, text: str) -> None:
    result = judge(exercise, answers(exercise, matmul_macs=text))["matmul_macs"]
    assert (result.fraction == 1) == (text != "lambda: 0")


@pytest.mark.parametrize(
    "listing",
    [
        pytest.param("optimizer = keras.optimizers.Adam()", id="ETH_02"),
        pytest.param("import torch\noptimizer = torch.optim.Adam()", id="ETH_03"),
    ],
)
def test_ETH_02_and_ETH_03_a_listing_that_fails_as_printed_costs_nothing(exercise: Exercise, listing: str) -> None:
    cells = [listing, *(f"{name} = {value!r}" for name, value in answers(exercise).items())]
    truth = Evaluation(exercise.reference, None)
    job = Job("notebook", "work.ipynb", notebook_text(*cells), (), probes(exercise, truth), QUICK)
    found = run(job)
    assert len(found.errors) == 1
    results = {result.id: result for result in judge_exercise(exercise, truth, found)}
    assert points(exercise, results) == 12


def test_ETH_04_without_flattening_is_accepted_when_said(exercise: Exercise) -> None:
    said = answers(exercise, "dense on last axis")
    assert (said["layer1_macs"], said["layer2_macs"], said["total_macs"]) == (32928, 329280, 362208)
    assert said["total_parameters"] == 514
    assert points(exercise, judge(exercise, said)) == 12
    unsaid = judge(exercise, said | {"network": "dense", "tool_count": 33400})
    assert lost(unsaid) == ["layer2_macs", "tool"]
    assert unsaid["layer2_macs"].misconception == "last_axis_unsaid"
    assert "`network`" in unsaid["layer2_macs"].message
    missing = judge(exercise, said | {"network": None, "tool_count": 33400})
    assert lost(missing) == ["network", "layer2_macs", "tool"]


def test_ETH_05_the_convolutional_network_is_accepted_when_named(exercise: Exercise) -> None:
    totals = {name: answers(exercise, name)["total_macs"] for name in ("net", "net as printed")}
    assert totals == {"net": 288_512, "net as printed": 273_112}
    for name in totals:
        assert points(exercise, judge(exercise, answers(exercise, name))) == 12
    unnamed = judge(exercise, answers(exercise, "net") | {"network": "dense"})
    assert lost(unnamed) == ["layer1_macs", "tool"]
    assert unnamed["layer1_macs"].misconception == "convolutional_unsaid"


def test_ETH_06_the_product_is_asked_and_marked_once(exercise: Exercise) -> None:
    formulas = [check for one in RUBRIC["criteria"] for check in one["checks"] if "formula" in check]
    assert [check["formula"] for check in formulas] == ["matmul_macs"]
    wrong = judge(exercise, answers(exercise, matmul_macs="L*N"))
    assert points(exercise, wrong) == 12 - formulas[0]["points"]


def test_ETH_17_nothing_goes_by_the_number_of_a_task() -> None:
    assert not re.search(r"\btask \d", TASK.read_text(encoding="utf-8"), re.IGNORECASE)
    assert not re.search(r"\b(task|t)_?\d", str(RUBRIC), re.IGNORECASE)


def test_ETH_19_the_definition_counts_and_twice_that_does_not(exercise: Exercise) -> None:
    assert judge(exercise, answers(exercise, matmul_macs="L*M*N"))["matmul_macs"].status is Status.PASSED
    flops = judge(exercise, answers(exercise, matmul_macs="2*L*M*N"))["matmul_macs"]
    assert (flops.fraction, flops.misconception) == (0, "flops")
    seven = judge(exercise, answers(exercise, matmul_macs="7"))["matmul_macs"]
    assert (seven.fraction, seven.misconception) == (0, "strassen")
    assert "faster methods" in TASK.read_text(encoding="utf-8")  # a remark stands in a comment and is not judged


# A mistake costs once


def test_flops_throughout_cost_the_formula_alone(exercise: Exercise) -> None:
    doubled = {name: 2 * answers(exercise)[name] for name in COUNTS[:3]}
    results = judge(exercise, answers(exercise, matmul_macs="2*L*M*N", **doubled))
    assert lost(results) == ["matmul_macs", "tool"]
    assert all(results[name].follow_through for name in COUNTS[:3])
    later = judge(exercise, answers(exercise, **doubled))
    assert lost(later) == ["layer1_macs", "tool"]
    assert later["layer1_macs"].misconception == "flops"


@pytest.mark.parametrize(
    ("wrong", "misconception"),
    [
        ({"layer1_macs": 32928 + 42, "layer2_macs": 430, "total_macs": 33400}, "bias_adds_counted"),
        ({"layer1_macs": 3292800, "layer2_macs": 42000, "total_macs": 3334800}, "whole_batch"),
        ({"layer1_macs": 28 * 42, "total_macs": 28 * 42 + 420}, "one_row_of_pixels"),
        ({"total_macs": 32928}, "first_layer_only"),
        ({"total_macs": 784 * 42 * 10}, "sizes_multiplied"),
        ({"layer1_parameters": 32928, "layer2_parameters": 420, "total_parameters": 33348}, "biases_left_out"),
        ({"bytes_float32": 133.6, "bytes_int8": 33.4}, "kilobytes"),
        ({"bytes_float32": 130.46875, "bytes_int8": 32.6171875}, "kibibytes"),
    ],
)
def test_usual_mistakes_are_named_and_charged_once(
    exercise: Exercise, wrong: dict[str, float], misconception: str
) -> None:
    own = Evaluation(exercise.reference, None, {k: int(v) for k, v in wrong.items() if k == "total_parameters"})
    follow = {name: own.value(name) for name in BYTES} if "total_parameters" in wrong else {}
    results = judge(exercise, answers(exercise, **{**follow, **wrong}))
    assert lost(results) == [next(iter(wrong)), "tool"]
    assert results[next(iter(wrong))].misconception == misconception


@pytest.mark.parametrize("name", [*COUNTS, *BYTES])
def test_one_more_or_less_is_wrong(exercise: Exercise, name: str) -> None:
    for step in (-1, 1):
        changed = judge(exercise, answers(exercise, **{name: answers(exercise)[name] + step}))
        assert name in lost(changed)


# Units

WRITTEN = {
    "layer1_macs": ["32.93 kMAC", "32.93 K", "32,928 MACs", "0.03293 MMAC"],
    "layer2_macs": ["420 MAC", "0.42 kMAC", "420"],
    "total_macs": ["33.35 kMAC", "33 348", "33.348 kMAC"],
    "layer1_parameters": ["32.97 k parameters", "3.297e4"],
    "layer2_parameters": ["430 parameters"],
    "total_parameters": ["33.40 k", "33.4 k params", "33,400"],
    "bytes_float32": ["133.6 kB", "133.6 KB", "130.5 KiB", "130.5 KB", "1.069 Mbit", "133,600 bytes"],
    "bytes_int8": ["33.40 kB", "32.62 KiB", "32.62 KB", "33,400 B"],
}


@pytest.mark.parametrize("name", WRITTEN)
def test_units_are_welcome(exercise: Exercise, name: str) -> None:
    for text in WRITTEN[name]:
        assert points(exercise, judge(exercise, answers(exercise, **{name: text}))) == 12, text


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("layer1_macs", "32.9 kMAC", "Write at least 4 digits, or the whole number."),
        ("total_parameters", "33.35 k", "`total_parameters` is not right: yours, 33.35 k, is read as 33,350."),
        ("bytes_float32", "133.6 MB", "`bytes_float32` is not right: yours, 133.6 MB, is read as 133,600,000."),
        ("bytes_int8", "33.40 kb", "It is in bits, for which `b` stands; a byte, `B`, has eight."),
        ("layer1_macs", "32.93 kB", "it is in bytes; asked are MACs."),
    ],
)
def test_what_units_do_not_say_is_told(exercise: Exercise, name: str, text: str, message: str) -> None:
    results = judge(exercise, answers(exercise, **{name: text}))
    assert lost(results) == [name, "tool"]
    assert results[name].message.endswith(message)


@pytest.mark.parametrize(
    ("name", "text", "misconception"),
    [
        ("layer1_macs", "65.86 kFLOPs", "flops"),
        ("layer1_macs", "32.97 kMAC", "bias_adds_counted"),
        ("bytes_float32", "133.6", "kilobytes"),
        ("bytes_int8", "267.2 kB", "bits_of_int8"),
    ],
)
def test_usual_mistakes_are_named_in_text_too(exercise: Exercise, name: str, text: str, misconception: str) -> None:
    results = judge(exercise, answers(exercise, **{name: text}))
    assert results[name].misconception == misconception
    assert results[name].fraction == (0.5 if misconception == "kilobytes" else 0)


@pytest.mark.parametrize("network", NETWORKS)
def test_four_digits_show_the_biases_in_each_reading(exercise: Exercise, network: str) -> None:
    own = {"network": network}
    right = Evaluation(exercise.reference, None, own)
    for wrong in ({"count_per_bias": 1}, {"biases_per_neuron": 0}):
        mistaken = Evaluation(exercise.reference, None, {**own, **wrong})
        for name in (*COUNTS, *BYTES):
            number, text = right.value(name), f"{mistaken.value(name) / 1000:#.4g} k"
            if mistaken.value(name) != number:
                found = judge(exercise, answers(exercise, network, **{name: text}))
                assert name in lost(found), (name, text)


#: Measured for the networks above, see the rubric.
SAID_BY_TOOLS = {
    "dense": {"MAC": [33_400, 33_377, 33_494, 33_484], "FLOP": [66_696, 2 * 33_400]},
    "dense on last axis": {"MAC": [514, 384_944, 476_672, 428_116, 402_976], "FLOP": [724_416]},
    "net": {"MAC": [313_610, 288_512, 363_786, 332_426], "FLOP": [577_024]},
}


@pytest.mark.parametrize("network", SAID_BY_TOOLS)
def test_what_tools_say_is_accepted_with_its_unit(exercise: Exercise, network: str) -> None:
    for unit, counts in SAID_BY_TOOLS[network].items():
        for count in counts:
            said = answers(exercise, network, tool_unit=unit, tool_count=count)
            assert points(exercise, judge(exercise, said)) == 12, (unit, count)
    assert (
        points(exercise, judge(exercise, answers(exercise, network, tool_unit=unit, tool_count=f"{count} FLOP"))) == 12
    )
    macs = SAID_BY_TOOLS[network]["FLOP"][0] // 2
    for unit, count in (("MAC", 2 * macs), ("FLOP", 4 * macs), ("MAC", 100 * macs)):
        wrong = judge(exercise, answers(exercise, network, tool_unit=unit, tool_count=count))
        assert lost(wrong) == ["tool", "tool_count"], (unit, count)


def test_messages_for_students_hold_no_result(exercise: Exercise) -> None:
    right = {str(answers(exercise, name)[one]) for name in NETWORKS for one in COUNTS}
    for wrong in exercise.reference.misconceptions.values():
        assert not right & set(re.findall(r"\d+", wrong.message)), wrong.id
