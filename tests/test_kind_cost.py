"""The kind ``cost``: fit and bounds with margins, figures exact or within an interval, other conventions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from execution_helpers import module_job
from judging_helpers import judge_seen
from namespace_helpers import needs_ns
from observing_helpers import grade, grade_in, make_exercise

from grader.checks import probes
from grader.cost import analyse
from grader.errors import CourseError
from grader.model import CheckResult, Status
from grader.reference import Evaluation
from grader.sandbox.namespaces import Namespaces

TORCH = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
#: 8 channels of 8 by 8 from 3 of 10 by 10, then a dense layer: 8 * 27 * 64 + 512 * 10 MACs.
NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.head = nn.Linear(512, 10)

    def forward(self, x):
        return self.head(F.relu(self.conv(x)).flatten(1))
"""
RIGHT = TORCH + NET
MACS, PARAMETERS, VECTORS = 8 * 27 * 64 + 5120, 224 + 5130, 18
INPUT = "input: [1, 3, 10, 10]"
BOARD = """
title: Tiny
core: C
memory:
  internal_flash: {size: 8000 B}
  internal_ram: {size: 900 B}
  external_flash: {size: 64 KiB}
sources: [s]
"""


def judged(tmp_path: Path, check: str, source: str = RIGHT, *, reference: str = "") -> CheckResult:
    tmp_path.mkdir(exist_ok=True)
    for name, board in (("tiny.yaml", BOARD), ("roomy.yaml", BOARD.replace("900", "1000"))):
        (tmp_path / name).write_text(board, encoding="utf-8")
        check = check.replace(name, str(tmp_path / name))
    exercise = make_exercise(tmp_path, TORCH + reference, check)
    (result,) = grade(exercise, source).values()
    return result


# Fit and bounds


def test_a_network_that_fits_earns_everything_and_tells_the_margin(tmp_path: Path) -> None:
    result = judged(tmp_path, f"cost: Net, {INPUT}, precision: int8, board: roomy.yaml")
    assert (result.id, result.status, result.fraction) == ("Net_fits", Status.PASSED, 1.0)
    peak = 300 + 512  # input and output of the convolution
    arena = 928  # with 112 bytes of scratch memory, and on multiples of 16 bytes
    assert f"`Net` has {PARAMETERS:,} parameters and takes {MACS:,} MACs." in result.message
    assert f"to {arena:,}, by how a runtime plans them." in result.message
    assert f"It fits the Tiny, in internal memory: in internal RAM {1000 - arena} bytes are left at worst." in (
        result.message
    )
    assert result.timeline is not None
    assert (result.timeline.peak, result.timeline.limit) == (peak, 1000)


def test_what_depends_on_the_runtime_earns_its_share(tmp_path: Path) -> None:
    result = judged(tmp_path, f"cost: Net, {INPUT}, precision: int8, board: tiny.yaml, depends: 0.25")
    assert result.fraction == 0.25
    assert "Whether it fits the Tiny, in internal memory depends on the runtime: in internal RAM up to 28 bytes" in (
        result.message
    )


def test_a_network_that_does_not_fit_earns_nothing_and_tells_what_is_missing(tmp_path: Path) -> None:
    result = judged(tmp_path, f"cost: Net, {INPUT}, board: tiny.yaml")
    assert result.fraction == 0
    missing = 4 * PARAMETERS - 8000
    assert f"It does not fit the Tiny, in internal memory: in internal flash {missing:,} bytes are missing." in (
        result.message
    )


def test_what_is_missing_of_ram_is_told_for_the_best_plan(tmp_path: Path) -> None:
    source = RIGHT.replace("3, 8, 3", "3, 16, 3").replace("512", "16").replace(".flatten(1)", ".mean((2, 3))")
    result = judged(tmp_path, f"cost: Net, {INPUT}, precision: int8, board: tiny.yaml", source)
    assert result.fraction == 0
    # 8 rows of 128 bytes, written over 10 rows of 30 bytes, of which the last three are still read in the end.
    least = 8 * 128 - 7 * 30 + 300
    assert (
        f"It does not fit the Tiny, in internal memory: in internal RAM at least {least - 900} bytes" in result.message
    )


def test_only_a_board_draws_the_memory(tmp_path: Path) -> None:
    result = judged(tmp_path, f"cost: Net, {INPUT}, limits: {{activation_bytes: [1, 9999]}}")
    assert (result.fraction, result.timeline) == (1, None)


def test_weights_may_lie_outside_where_the_rubric_says_so(tmp_path: Path) -> None:
    check = f"cost: Net, {INPUT}, precision: float16, board: tiny.yaml, placement: external_flash"
    source = RIGHT.replace("nn.Conv2d(3, 8, 3)", "nn.Conv2d(3, 8, 3, stride=4)").replace("512", "32")
    assert judged(tmp_path, check, source).fraction == 1


def test_bounds_and_board_count_alike(tmp_path: Path) -> None:
    limits = f"limits: {{parameters: [1, 1000], macs: [1, {MACS}]}}"
    result = judged(tmp_path, f"cost: Net, {INPUT}, {limits}")
    assert result.fraction == 0.5
    assert (
        f"Parameters: {PARAMETERS:,} parameters, {PARAMETERS - 1000:,} more than the 1,000 allowed." in result.message
    )
    assert f"Multiply-accumulates: {MACS:,} MACs; 0 are left." in result.message
    few = judged(tmp_path / "few", f"cost: Net, {INPUT}, limits: {{weight_bytes: [99999, 999999]}}")
    assert "fewer than the 99,999 asked for." in few.message
    memory = judged(tmp_path / "memory", f"cost: Net, {INPUT}, limits: {{activation_bytes: [1, 3248]}}")
    assert memory.fraction == 1


def test_the_precision_may_be_the_students(tmp_path: Path) -> None:
    check = f"cost: Net, {INPUT}, precision: precision, limits: {{weight_bytes: [1, 5500]}}"
    for said, fraction in (("'int8'", 1), ("' INT8 '", 1), ("'float32'", 0)):
        assert judged(tmp_path / said.strip("' "), check, f"{RIGHT}precision = {said}").fraction == fraction
    wrong = judged(tmp_path / "wrong", check, f"{RIGHT}precision = 'int4'")
    assert wrong.message == "`precision` should be one of `float32`, `float16`, `int8`; found 'int4'."
    absent = judged(tmp_path / "absent", check)
    assert absent.message == "`precision` should be one of `float32`, `float16`, `int8`; none is named yet."


# Networks that have no cost


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (TORCH, "`Net` is not defined at the end of the run."),
        (TORCH + "Net = 3", "`Net` gives something of type int, which is no torch module and no Keras model."),
        (RIGHT.replace("512", "511"), "In head (Linear): (1, 512) arrives, and its weights are (10, 511) and (10,)."),
        (RIGHT.replace("return", "if x.sum() > 0: x = x + 1\n        return"), "`Net` is not analysable: what it"),
        (RIGHT.replace("self.conv = ", "self.conv = missing + "), "`Net` cannot be built (line 8, in __init__)"),
    ],
)
def test_a_network_without_cost_earns_nothing_and_says_why(tmp_path: Path, source: str, message: str) -> None:
    result = judged(tmp_path, f"cost: Net, {INPUT}, limits: {{macs: [1, 100000]}}", source)
    assert (result.status, result.fraction) == (Status.FAILED, 0.0)
    assert message in result.message


def test_a_forged_trace_is_no_cost(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, TORCH, f"cost: Net, {INPUT}, limits: {{macs: [1, 100000]}}")
    (probe,) = (one for one in probes(exercise, Evaluation(exercise.reference, None)) if one.kind == "cost")
    for forged in (b'{"framework": 3}', b"[" * 100_000, b"not JSON", "text", {"macs": 1}):
        (result,) = judge_seen(exercise, {probe: forged}).values()
        assert (result.status, result.fraction) == (Status.FAILED, 0.0)
        assert "Looking at `Net` gave no valid answer" in result.message


@needs_ns
def test_it_is_traced_in_the_sandbox(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, TORCH, f"cost: Net, {INPUT}, limits: {{macs: [{MACS}, {MACS}]}}")
    sandbox = Namespaces()
    try:
        found = grade_in(exercise, module_job(RIGHT), sandbox, timeout_seconds=60, memory_bytes=2**32)
    finally:
        sandbox.close()
    assert found["Net"].fraction == 1


# Figures


def figure(tmp_path: Path, kind: str, value: Any, more: str = "") -> CheckResult:
    return judged(tmp_path, f"cost: mine, network: Net, {INPUT}, figure: {kind}{more}", f"{RIGHT}mine = {value!r}\n")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("macs", MACS),
        ("macs", float(MACS)),
        ("macs", f"{MACS:,} MAC"),
        ("macs", "18.9 kMAC"),
        ("macs", "0.01894 MMAC"),
        ("parameters", PARAMETERS),
        ("parameters", "5.35 k"),
        ("weight_bytes", 4 * PARAMETERS),
        ("weight_bytes", "20.9 KiB"),
        ("weight_bytes", f"{32 * PARAMETERS} bit"),
        ("activation_bytes", 4 * 812),
        ("activation_bytes", "3.17 KiB"),
    ],
)
def test_a_right_figure_in_any_form(tmp_path: Path, kind: str, value: Any) -> None:
    result = figure(tmp_path, kind, value)
    assert (result.message, result.fraction) == ("", 1.0)


@pytest.mark.parametrize(
    ("kind", "value", "name", "message"),
    [
        ("macs", 2 * MACS, "flops", "That counts FLOPs: 2 per MAC; asked are multiply-accumulates."),
        ("macs", MACS + 512 + 10, "with_bias", "That counts multiply-accumulates and the additions of biases"),
        ("macs", MACS + 18 + 512, "st", "That counts ST's MACC"),
        ("parameters", PARAMETERS - VECTORS, "no_biases", "That leaves the biases out: they are parameters, too."),
        ("weight_bytes", 2 * PARAMETERS, "other_precision", "That is for another precision."),
        ("weight_bytes", 32 * PARAMETERS, "bits", "That is the number of bits; asked are bytes."),
        ("activation_bytes", 4 * (812 + 10), "sum_of_activations", "That adds up all activations."),
        ("activation_bytes", 4 * (PARAMETERS + 812), "weights_in_ram", "That counts the weights, too."),
    ],
)
def test_a_figure_by_another_convention_is_named(
    tmp_path: Path, kind: str, value: int, name: str, message: str
) -> None:
    result = figure(tmp_path, kind, value)
    assert (result.fraction, result.misconception) == (0.0, name)
    assert message in result.message
    credited = figure(tmp_path / "credited", kind, value, f", credit: {{{name}: 0.5}}")
    assert credited.fraction == 0.5


def test_flops_that_say_so_are_the_convention_of_flops(tmp_path: Path) -> None:
    for number, value in enumerate((2 * MACS, f"{2 * MACS} FLOP", f"{2 * MACS / 1000:.2f} kFLOPs")):
        result = figure(tmp_path / str(number), "macs", value, ", credit: {flops: 0.5}")
        assert (result.fraction, result.misconception) == (0.5, "flops")


def test_no_figure_is_told_apart_from_a_wrong_one(tmp_path: Path) -> None:
    assert figure(tmp_path / "none", "macs", None).unanswered
    assert not figure(tmp_path / "wrong", "macs", MACS + 1).unanswered


def test_one_less_is_wrong_and_the_message_does_not_tell_the_answer(tmp_path: Path) -> None:
    result = figure(tmp_path, "macs", MACS - 1)
    assert (result.fraction, result.misconception) == (0.0, None)
    assert f"{MACS:,}" not in result.message
    assert str(MACS) not in result.message
    assert f"expected {MACS:,}" in result.evidence


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "`mine` is still None: not answered yet."),
        ("many", "`mine` cannot be read: it should begin with a number"),
        (f"{MACS} FLOP", "`mine` is in FLOPs, of which a MAC is two"),
        ("19 k", "`mine` has too few digits"),
        ([1, 2], "`mine` has shape (2,); expected a single number."),
        (float("nan"), "`mine` is not finite"),
        (True, "`mine` is True or False where a number is expected."),
    ],
)
def test_an_unusable_figure(tmp_path: Path, value: Any, message: str) -> None:
    source = f"{RIGHT}nan = float('nan')\nmine = {value!r}\n"
    result = judged(tmp_path, f"cost: mine, network: Net, {INPUT}, figure: macs", source)
    assert result.fraction == 0
    assert message in result.message


def test_a_figure_of_memory_may_lie_where_runtimes_lie(tmp_path: Path) -> None:
    exact = analyse_net().activation_bytes
    assert exact.overlap < exact.liveness
    for value, fraction in (
        (exact.overlap, 1), (exact.liveness, 1), (exact.overlap - 1, 0), (exact.arena + 26_500, 1),
        (exact.arena + 26_501, 0),
    ):  # fmt: skip
        check = ", runtime: tflite-micro" if value > exact.arena else ""
        assert figure(tmp_path / str(value), "activation_bytes", value, check).fraction == fraction
    outside = figure(tmp_path / "outside", "activation_bytes", 1)
    assert "It lies outside of what runtimes take for this network (the network alone)." in outside.message


def analyse_net() -> Any:
    namespace: dict[str, Any] = {}
    exec(RIGHT, namespace)  # noqa: S102 - written above
    return analyse(namespace["Net"], [(1, 3, 10, 10)])


def test_the_figure_of_one_layer(tmp_path: Path) -> None:
    for number, name, macs in ((1, "conv", 8 * 27 * 64), (2, "head", 5120)):
        for layer in (str(number), name):
            more = f", layer: {layer}"
            assert figure(tmp_path / layer, "macs", macs, more).fraction == 1
            wrong = figure(tmp_path / f"{layer}-flops", "macs", 2 * macs, more)
            assert wrong.misconception == "flops"
    assert figure(tmp_path / "none", "macs", 1, ", layer: 3").status is Status.ERROR


def test_the_network_may_be_the_references(tmp_path: Path) -> None:
    check = f"cost: mine, function: Net, {INPUT}, figure: macs"
    reference = NET.replace("class Net", "@function\nclass Net")
    assert judged(tmp_path, check, f"mine = {MACS}\n", reference=reference).fraction == 1
    wrong = judged(tmp_path / "wrong", check, f"mine = {2 * MACS}\n", reference=reference)
    assert wrong.misconception == "flops"


# Options


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (f"cost: Net, {INPUT}", "nothing is asked for; give a board ("),
        (f"cost: Net, {INPUT}, board: stm32", "no board 'stm32'"),
        (f"cost: Net, {INPUT}, figure: mac", "figure: 'mac' should be one of parameters, macs, weight_bytes"),
        (f"cost: Net, {INPUT}, limits: {{ram: [1, 2]}}", "limits: 'ram' should be one of parameters, macs"),
        (f"cost: Net, {INPUT}, limits: {{macs: [3, 2]}}", "limits: macs from 3 to 2 cannot be met"),
        (f"cost: Net, {INPUT}, figure: macs, function: Nte", "function: `Nte` is no function of"),
        (f"cost: Net, {INPUT}, board: stm32h735g-dk, placement: outside", "placement: 'outside' should be one of"),
        (f"cost: Net, {INPUT}, figure: macs, credit: {{flop: 1}}", "credit: `flop` should be one of flops, with_bias"),
        (f"cost: Net, {INPUT}, figure: macs, credit: {{flops: 2}}", "credit: flops should be between 0 and 1, found 2"),
        ("cost: Net, input: [], figure: macs", "input: [] should be the sizes of all axes, batch first"),
    ],
)
def test_wrong_options_are_told(tmp_path: Path, check: str, message: str) -> None:
    with pytest.raises(CourseError) as caught:
        make_exercise(tmp_path, TORCH, check)
    assert message in str(caught.value)


def test_an_exercise_with_such_a_check_loads_what_tracing_needs_beforehand(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, TORCH, f"cost: Net, {INPUT}, figure: macs")
    assert exercise.limits.preload == ("torch", "torch._dynamo")
