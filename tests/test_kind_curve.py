"""The kind ``curve``: histories that are right, short, invented, or no histories at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from execution_helpers import QUICK, run
from judging_helpers import judge_seen, make_course, make_exercise

from grader.checks import probes
from grader.errors import CourseError
from grader.model import Array, CheckResult, Failure, Job, Opaque, Probe, Status
from grader.reference import Evaluation

FILE = Probe("file", "history.json")
ACCURACY = [round(0.5 + 0.4 * (1 - 0.8**epoch), 4) for epoch in range(30)]


def training(**changes: Any) -> dict[str, Any]:
    """Return one run of the format that the course uses, with ``changes``."""
    values = changes.get("test_accuracy")
    count = len(values) if isinstance(values, list) else len(ACCURACY)
    usual = {
        "model": "CNN",
        "optimizer": "Adam",
        "learning_rate": 0.001,
        "device": "cpu",
        "epochs": list(range(1, count + 1)),
        "seconds": [2.5 * (epoch + 1) for epoch in range(count)],
        "test_accuracy": ACCURACY,
    }
    return {key: value for key, value in (usual | changes).items() if value is not None}


def judged(tmp_path: Path, content: Any, options: str, **more: Any) -> CheckResult:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    exercise = make_exercise(tmp_path, "", f"curve: c, file: history.json{options}")
    return judge_seen(exercise, {FILE: data, **more.get("seen", {})})["c"]


FULL = ", length: 30, range: [0, 1], increasing: seconds, trend: rising, at_least: 0.8"


@pytest.mark.parametrize(
    "run_",
    [
        training(),
        training(epochs=list(range(30))),
        training(epochs=None),
        training(epochs=30),
        training(seconds=[f"{one}" for one in training()["seconds"]]),
        training(test_accuracy=[*ACCURACY, 0.9]),
        {key.replace("_", " ").title(): value for key, value in training().items()},
        {{"seconds": "time"}.get(key, key): value for key, value in training().items()},
    ],
    ids=["usual", "from 0", "no epochs", "number of epochs", "numbers as text", "one more", "keys", "other name"],
)
def test_right_in_any_form(tmp_path: Path, run_: dict[str, Any]) -> None:
    for content in ({"runs": [run_]}, [run_], run_):
        result = judged(tmp_path, content, FULL)
        assert (result.status, result.message) == (Status.PASSED, "")


def test_per_cent_are_understood(tmp_path: Path) -> None:
    result = judged(tmp_path, [training(test_accuracy=[100 * one for one in ACCURACY])], FULL)
    assert (result.status, result.message) == (
        Status.PASSED,
        "Understood as per cent; fractions between 0 and 1 were asked for.",
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test_accuracy": [0.5, float("nan"), 0.6]}, "`test_accuracy[1]` of run 1 is not finite: nan."),
        ({"test_accuracy": [0.5, float("inf"), 0.6]}, "`test_accuracy[1]` of run 1 is not finite: inf."),
        ({"test_accuracy": [0.5, 10**400]}, "`test_accuracy[1]` of run 1 is not finite: inf."),
        ({"test_accuracy": [0.5, "high"]}, "`test_accuracy[1]` of run 1 is text, 'high'; a number is expected."),
        ({"test_accuracy": [0.5, None]}, "`test_accuracy[1]` of run 1 is no number."),
        ({"test_accuracy": [0.5, True]}, "`test_accuracy[1]` of run 1 is no number."),
        ({"test_accuracy": [0.5, {}]}, "`test_accuracy[1]` of run 1 is no number."),
        ({"test_accuracy": 0.9}, "`test_accuracy` of run 1 should be a list of numbers."),
        ({"test_accuracy": [], "epochs": []}, "`test_accuracy` of run 1 is empty."),
        ({"test_accuracy": [0.5, -0.1]}, "-0.1 lies outside 0 to 1."),
        ({"test_accuracy": [0.5, 250]}, "250 lies outside 0 to 1."),
        ({"seconds": [1, 2]}, "`seconds` of run 1 has 2 values, but `test_accuracy` has 30."),
        ({"epochs": [1, 2]}, "`epochs` of run 1 has 2 values, but `test_accuracy` has 30."),
        ({"seconds": None}, "run 1 has no `seconds`."),
        ({"test_accuracy": None, "loss": [1.0]}, "run 1 has no `test_accuracy`."),
        (
            {"test_accuracy": list(range(100_001))},
            "`test_accuracy` of run 1 has 100001 values; at most 100000 are read.",
        ),
    ],
)
def test_no_history_at_all_earns_nothing(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    result = judged(tmp_path, [training(**changes)], FULL)
    assert (result.status, result.fraction) == (Status.FAILED, 0.0)
    assert result.message == f"Not a usable history: {message}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "`history.json`: is no JSON: line 1, column 2: "),
        (b"", "`history.json`: is no JSON: line 1, column 1: "),
        (b"\xff\xfe\x00", "`history.json`: is no text in UTF-8."),
        (b"[" * 100_000, "`history.json`: is nested too deeply."),
        (b"9" * 5000, "`history.json`: is no JSON: Exceeds"),
        (b"3", "`history.json`: holds no runs; write"),
        (b"{}", "Not a usable history: run 1 has no `test_accuracy`."),
        (b'{"runs": []}', "`history.json`: holds no runs."),
        (b'{"runs": [1, {}]}', "`history.json`: holds no runs; write"),
        (b'["a"]', "Not a usable history: "),
        (b"\x80\x04\x95cos\nsystem\n.", "`history.json`: is no text in UTF-8."),
        (json.dumps([{}] * 1001).encode(), "`history.json`: holds 1001 runs; at most 1000 are read."),
    ],
)
def test_files_that_are_none(tmp_path: Path, content: bytes, message: str) -> None:
    result = judged(tmp_path, content, FULL)
    assert (result.status, result.fraction) == (Status.FAILED, 0.0)
    assert result.message.startswith(message)


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (Failure("missing", "no such file"), "There is no `history.json`: no such file."),
        (Failure("too_large", "history.json has 99 bytes"), "`history.json`: history.json has 99 bytes."),
    ],
)
def test_no_file(tmp_path: Path, failure: Failure, message: str) -> None:
    exercise = make_exercise(tmp_path, "", "curve: c, file: history.json")
    result = judge_seen(exercise, {FILE: failure})["c"]
    assert (result.status, result.message) == (Status.FAILED, message)


def test_demands_count_alike_and_the_length_as_a_factor(tmp_path: Path) -> None:
    falling = training(seconds=[3, 2, *range(4, 32)])
    result = judged(tmp_path, [falling], FULL)
    assert result.fraction == pytest.approx(2 / 3)
    assert result.message == "`seconds` does not rise at value 2."
    short = training(test_accuracy=ACCURACY[:15])
    assert judged(tmp_path, [short], FULL).fraction == 0
    half = judged(tmp_path, [short], f"{FULL}, pro_rata: true")
    assert (half.fraction, half.message) == (0.5, "There are 15 values; 30 are asked for.")
    one = judged(tmp_path, [training(test_accuracy=[0.5])], f"{FULL}, pro_rata: true")
    assert one.fraction == pytest.approx(1 / 30 / 3)
    low = judged(tmp_path, [training(test_accuracy=[one / 2 for one in ACCURACY])], FULL)
    assert low.message == "`test_accuracy` ends at 0.4495, which is too low."
    assert judged(tmp_path, [training()], ", at_most: 0.5").message.endswith("which is too high.")


RNG = np.random.default_rng(3)
NOISE = [0.1 + 0.02 * float(one) for one in RNG.standard_normal(30)]
OVERFITTED = [0.5, 0.6, 0.7, 0.74, 0.75, *(0.75 - 0.002 * one for one in range(25))]
SATURATED = [0.93, 0.955, 0.965, *(0.972 + 0.002 * float(one) for one in RNG.standard_normal(27))]


@pytest.mark.parametrize(
    ("values", "trend", "rises"),
    [
        (ACCURACY, "rising", True), (ACCURACY, "falling", False), ([0.5] * 30, "rising", False),
        (NOISE, "rising", False), (OVERFITTED, "rising", True), (SATURATED, "rising", True),
        ([0.1, 0.2, 0.3], "rising", True),
        ([0.1, 0.3], "rising", True), ([0.1], "rising", False), (ACCURACY[::-1], "falling", True),
        (ACCURACY[::-1], "rising", False), ([0.0] * 29 + [1.0], "rising", False),
    ],
)  # fmt: skip
def test_trends_are_told_from_noise(tmp_path: Path, values: list[float], trend: str, rises: bool) -> None:
    result = judged(tmp_path, [training(test_accuracy=values)], f", trend: {trend}")
    assert (result.fraction == 1) is rises


def test_the_run_that_is_meant_and_the_best_of_several(tmp_path: Path) -> None:
    runs = [
        training(model="MLP", device="cuda:0"),
        training(test_accuracy=ACCURACY[:9]),
        training(optimizer="torch.optim.SGD"),
    ]
    assert judged(tmp_path, runs, f"{FULL}, run: {{model: CNN}}").fraction == 1
    assert judged(tmp_path, runs, f"{FULL}, run: {{model: cnn, optimizer: adam}}").fraction == 0
    assert judged(tmp_path, runs, f"{FULL}, run: {{optimizer: SGD}}").fraction == 1
    assert judged(tmp_path, runs, f"{FULL}, run: {{device: [gpu, cuda]}}").fraction == 1
    assert judged(tmp_path, runs, f"{FULL}, run: {{learning_rate: 0.001}}").fraction == 1
    assert judged(tmp_path, [training(optimizer="AdamW")], f"{FULL}, run: {{optimizer: Adam}}").fraction == 0
    none = judged(tmp_path, runs, f"{FULL}, run: {{device: [mps, tpu]}}")
    assert (none.fraction, none.message) == (0.0, "`history.json`: none of its 3 runs is with device mps or tpu.")


VARIETY = ", runs: {distinct: optimizer, at_least: 3, including: [SGD, Adam]}"


@pytest.mark.parametrize(
    ("optimizers", "fraction"),
    [
        (["SGD", "Adam", "RMSprop"], 1), (["SGD", "Adam", "RMSprop", "Adagrad"], 1),
        (["SGD momentum", "adam", "AdamW"], 1),
        (["SGD", "Adam"], 2 / 3), (["SGD", "RMSprop", "Adagrad"], 2 / 3), (["RMSprop", "Adagrad", "AdamW"], 1 / 3),
        (["Adam", "Adam", "ADAM"], 1 / 3), (["SGD"], 1 / 3), ([None], 0),
    ],
)  # fmt: skip
def test_varieties(tmp_path: Path, optimizers: list[str], fraction: float) -> None:
    runs = [training(optimizer=name) for name in optimizers]
    result = judged(tmp_path, runs, f", length: 30{VARIETY}")
    assert result.fraction == pytest.approx(fraction)
    assert bool(result.message) == (fraction < 1)


def test_each_of_a_variety_has_a_variety_of_its_own(tmp_path: Path) -> None:
    options = ", runs: {distinct: optimizer, at_least: 2, each: {distinct: learning_rate, at_least: 2}}"
    rates: dict[str, list[Any]] = {"SGD": [0.1, 0.01], "Adam": [0.001, "1e-3"]}
    runs = [training(optimizer=name, learning_rate=rate) for name, every in rates.items() for rate in every]
    result = judged(tmp_path, runs, options)
    assert result.fraction == 0.75
    assert result.message == "optimizer Adam: There are runs with 1 different learning_rate; 2 are asked for."
    assert judged(tmp_path, [*runs, training(learning_rate=0.01)], options).fraction == 1
    unnamed = [training(optimizer=name, learning_rate=None) for name in rates]
    assert judged(tmp_path, unnamed, options).fraction == 0


def test_an_unusable_run_of_a_variety_earns_nothing(tmp_path: Path) -> None:
    runs = [
        training(optimizer="SGD"),
        training(optimizer="Adam", test_accuracy=[2.0, -1.0]),
        training(optimizer="RMSprop"),
    ]
    result = judged(tmp_path, runs, f", range: [0, 1]{VARIETY}")
    assert result.fraction == pytest.approx(2 / 3)
    assert "optimizer Adam: Not a usable history: " in result.message


@pytest.mark.parametrize(
    ("value", "fraction", "message"),
    [
        (ACCURACY[-1], 1, ""),
        (np.float32(ACCURACY[-1]), 1, ""),
        (Array.from_numpy(np.array([100 * ACCURACY[-1]]), "torch tensor"), 1, ""),
        (0.5, 0, "The history does not end at your `final`."),
        (Failure("missing"), 0, "There is no number `final` to compare the history with."),
        (Opaque("Tensor"), 0, "There is no number `final` to compare the history with."),
    ],
)
def test_agreement_with_a_value_recomputed(tmp_path: Path, value: Any, fraction: float, message: str) -> None:
    seen = {Probe("value", "final"): value}
    result = judged(tmp_path, [training()], ", range: [0, 1], agrees_with: final", seen=seen)
    assert (result.fraction, result.message) == (fraction, message)
    assert judged(tmp_path, [training(final=ACCURACY[-1])], ", agrees_with: final").fraction == 1


def test_a_variable_instead_of_a_file(tmp_path: Path) -> None:
    exercise = make_exercise(
        tmp_path, "", "curve: loss, variable: losses, quantity: loss, trend: falling, at_most: 0.05"
    )
    falling = [1.0, 0.5, 0.2, 0.1, 0.04, 0.03, 0.02, 0.02, 0.01]
    value: Any
    for value in (falling, np.array(falling), {"loss": falling}, [[one] for one in falling], [0.5, falling][1:]):
        assert judge_seen(exercise, {Probe("value", "losses"): value})["loss"].fraction == 1
    for value in ([0.01] * 9, None, Failure("missing"), Opaque("generator"), "0.1", 3, {"loss": "x"}, [], [[]], {}):
        assert judge_seen(exercise, {Probe("value", "losses"): value})["loss"].fraction < 1


# --- training again for a few steps -------------------------------------------------------------------------

TRAIN = """
import random
def train(epochs, seed, rate=0.1):
    rng = random.Random(seed)
    weight, history = 0.0, []
    for _ in range(epochs):
        weight += rate * (1.0 - weight) + 0.001 * rng.random()
        history.append(weight)
    return {returned}
history = {history}
"""
REPLAY = (
    "curve: c, variable: history, trend: rising, "
    "replay: {call: train, arguments: {epochs: 2, seed: 1}, values: 2, atol: 0.01}"
)


def replayed(tmp_path: Path, source: str) -> CheckResult:
    exercise = make_exercise(tmp_path, "", REPLAY)
    job = Job("module", "work.py", source, (), probes(exercise, Evaluation(exercise.reference, None)), QUICK)
    return judge_seen(exercise, {one.probe: one.value for one in run(job).observations})["c"]


@pytest.mark.parametrize(
    "returned", ["history", "{'test_accuracy': history}", "{'runs': [{'test accuracy': history}]}"]
)
def test_a_history_that_the_code_made(tmp_path: Path, returned: str) -> None:
    source = TRAIN.format(returned=returned, history="{'test_accuracy': [0.1, 0.19, 0.27, 0.34, 0.41, 0.47]}")
    assert (replayed(tmp_path, source).status, replayed(tmp_path, source).message) == (Status.PASSED, "")


@pytest.mark.parametrize(
    ("returned", "history", "message"),
    [
        ("history", "[0.5, 0.6, 0.7, 0.8]", "Training again for a few steps gives other values than the history has."),
        ("history[:1]", "[0.1, 0.2, 0.3, 0.4]", "`train` returns too few values."),
        ("None", "[0.1, 0.2, 0.3, 0.4]", "`train` does not return `test_accuracy`."),
        ("1 / 0", "[0.1, 0.2, 0.3]", "`train` could not be run for a few steps: it raised ZeroDivisionError: "),
        ("1\ndel train\ndef other(): pass", "[0.1, 0.2, 0.3]", "`train` could not be run for a few steps: "),
    ],
)
def test_a_history_that_the_code_did_not_make(tmp_path: Path, returned: str, history: str, message: str) -> None:
    result = replayed(tmp_path, TRAIN.format(returned=returned, history=history))
    assert result.fraction == 0.5
    assert result.message.startswith(message)


def test_an_authors_mistakes(tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        make_course(
            tmp_path,
            "",
            "curve: a",
            "curve: b, file: h, variable: h, range: [1, 0]",
            "curve: c, file: h, pro_rata: true",
        )
    text = str(caught.value)
    assert text.count("needs either `file` or `variable`") == 2
    assert "range: the first number should be below the second" in text
    assert "pro_rata: needs a `length`" in text


@pytest.mark.parametrize(
    ("device", "told"),
    [("cuda", "cuda"), ("cuda:\n 0.", "cuda: 0"), ("x" * 300, "x" * 200), (["a"], "['a']"), (None, "nothing is said")],
)
def test_what_the_run_says_is_told(tmp_path: Path, device: Any, told: str) -> None:
    result = judged(tmp_path, {"runs": [training(model="MLP"), training(device=device)]}, f"{FULL}, tell: [device]")
    assert (result.status, result.fraction) == (Status.PASSED, 1)
    result = judged(tmp_path / "b", {"runs": [training(device=device)]}, f"{FULL}, tell: [device]")
    assert result.message == f"`device` of run 1: {told}."


def test_the_histories_that_are_meant_are_drawn_as_they_were_handed_in(tmp_path: Path) -> None:
    runs = [
        training(test_accuracy=[0.1, 0.9], epochs=[1, 2], seconds=[1, 2]),
        training(model="MLP"),
        training(test_accuracy=[7]),
        training(test_accuracy="none"),
    ]
    chart = judged(tmp_path, {"runs": runs}, ", run: {model: CNN}").chart
    assert chart is not None
    assert chart.title == "test_accuracy"
    assert [(line.name, line.points) for line in chart.lines] == [
        ("run 1", ((1, 0.1), (2, 0.9))),
        ("run 3", ((1, 7.0),)),
    ]
    named = judged(tmp_path, {"runs": runs[:1]}, ", runs: {distinct: optimizer}").chart
    assert named is not None
    assert [line.name for line in named.lines] == [f"run 1: {runs[0]['optimizer']}"]
    assert judged(tmp_path, {"runs": [training(test_accuracy="none")]}, ", length: 30").chart is None
