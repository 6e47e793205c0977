"""Judging numbers that come as text with units: precision, units, kilobytes, follow-through, named mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from judging_helpers import judge, lost, make_exercise

from grader.course import Exercise
from grader.errors import CourseError
from grader.model import CheckResult

#: Two layers and their sum. With biases they are 0.345 % apart, as in the CNN of sheet 3.
NETWORK = """
@quantity
def per_weight():
    return 1


@misconception("per_weight", "Those are FLOPs.")
def flops():
    return 2


@quantity
def per_bias():
    return 0


@misconception("per_bias", "A bias is no MAC.")
def with_biases():
    return 1


@quantity
def layer1(per_weight, per_bias):
    return 15_008_384 * per_weight + 59_776 * per_bias


@quantity
def layer2(per_weight, per_bias):
    return 2_359_296 * per_weight + 8_128 * per_bias


@quantity
def total(layer1, layer2):
    return layer1 + layer2


@misconception("total", "That is the first layer alone.")
def first_only(layer1):
    return layer1
"""
MAC = "unit: MAC, digits: 4"
NAMES = ("layer1", "layer2", "total")
MORE = "Write at least 3 digits, or the whole number."
UNREAD = "`q` cannot be read as a number of MACs"


@pytest.fixture
def network(tmp_path: Path) -> Exercise:
    return make_exercise(tmp_path, NETWORK, *(f"value: {name}, {MAC}" for name in NAMES))


@pytest.fixture
def one(tmp_path: Path) -> Callable[..., CheckResult]:
    """Judge one ``answer`` to a quantity ``q`` whose true value is the Python expression ``true``."""

    def judge_one(true: str, answer: Any, options: str) -> CheckResult:
        exercise = make_exercise(tmp_path, f"\n@quantity\ndef q():\n    return {true}\n", f"value: q, {options}")
        return judge(exercise, {"q": answer})["q"]

    return judge_one


# Precision


@pytest.mark.parametrize(
    "answer",
    [
        "17.4 MMAC", "17.37 MMAC", "17.36768 M", "1.74e7", "17367680", "17,367,680 MACs", "0.0174 GMAC", "17.4 million",
        17_367_680, 17_367_680.0, [17_367_680],
    ],
)  # fmt: skip
def test_right_in_any_form(one: Callable[..., CheckResult], answer: Any) -> None:
    result = one("17_367_680", answer, "unit: MAC")
    assert (result.status.value, result.fraction, result.message) == ("passed", 1, "")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("17.3 MMAC", "`q` is not right: yours, 17.3 MMAC, is read as 17,300,000."),
        ("17,367,681", "`q` is not right: yours, 17,367,681, is read as 17,367,681."),
        ("0,5 M", f"`q` has too few digits: yours, 0,5 M, counts as 500,000 exactly.\n{MORE}"),
        ("17 M", f"`q` has too few digits: yours, 17 M, counts as 17,000,000 exactly.\n{MORE}"),
        ("1.25", "`q` is not right: yours, 1.25, is read as 1.25."),
        ("17.4 MB", f"{UNREAD}: it is in bytes; asked are MACs."),
        ("17,368 M", f"{UNREAD}: `17,368` may mean 17368 or 17.368: write 17368 or 17.368."),
        ("many", f"{UNREAD}: it should begin with a number, and a unit may follow, as in `1.5 kB`."),
        (17_400_000, "`q` is not right: yours is 17400000."),
        (["17.4 M"], "`q` should be a number or an array of numbers, but is a list."),
    ],
)  # fmt: skip
def test_wrong_or_not_readable(one: Callable[..., CheckResult], answer: Any, message: str) -> None:
    result = one("17_367_680", answer, "unit: MAC")
    assert (result.status.value, result.fraction, result.message) == ("failed", 0, message)


def test_without_a_unit_text_is_no_number(one: Callable[..., CheckResult]) -> None:
    result = one("17_367_680", "17.4 MMAC", "atol: 0")
    assert result.message == "`q` should be a number or an array of numbers, but is text."


def test_a_figure_that_is_exactly_right_needs_no_digits(one: Callable[..., CheckResult]) -> None:
    assert one("2 * 1024**2", "2 MiB", "unit: B, digits: 5").fraction == 1
    assert one("2 * 1024**2 + 1", "2 MiB", "unit: B, digits: 5").fraction == 0


def test_exact_asks_for_all_digits(one: Callable[..., CheckResult]) -> None:
    exact = "unit: MAC, exact: true"
    for right in ("17,367,680", "17.36768 MMAC", "17.367680 MMAC"):
        assert one("17_367_680", right, exact).fraction == 1, right
    result = one("17_367_680", "17.368 MMAC", exact)
    assert result.message == (
        "`q` has too few digits: yours, 17.368 MMAC, counts as 17,368,000 exactly.\n"
        "Write all digits of the number, as in 12345 or 12,345."
    )
    assert result.evidence == "expected 17367680, found '17.368 MMAC'"


def test_tolerances_come_on_top(one: Callable[..., CheckResult]) -> None:
    assert one("0.0123", "12.4 ms", "unit: s, rtol: 0.01").fraction == 1
    assert one("0.0123", "12.5 ms", "unit: s, rtol: 0.01").fraction == 0
    assert one("0.0123", "12.3 ms", "unit: s").fraction == 1
    assert one("17_367_680", "18 M", "unit: MAC, exact: false, rtol: 0.2").fraction == 1
    assert one("np.array([0.0123])", "12.3 ms", "unit: s").fraction == 1
    assert one("np.array([0.0123, 1.0])", "12.3 ms", "unit: s").fraction == 0


# Units


def test_bits_are_turned_into_bytes_and_told(one: Callable[..., CheckResult]) -> None:
    assert one("133_600", "1.069 Mbit", "unit: B").fraction == 1
    assert one("133_600 * 8", "133.6 kB", "unit: bit").fraction == 1
    result = one("133_600", "133.6 kb", "unit: B")
    assert result.fraction == 0
    assert result.message.splitlines() == [
        "`q` is not right: yours, 133.6 kb, is read as 16,700.",
        "It is in bits, for which `b` stands; a byte, `B`, has eight.",
    ]


def test_a_kilobyte_is_what_the_course_says(one: Callable[..., CheckResult]) -> None:
    right, other = one("133_600", "133.6 KB", "unit: B"), one("133_600", "130.5 KB", "unit: B")
    assert (right.fraction, right.message) == (1, "Right with 1000 bytes to a kilobyte.")
    assert other.fraction == 0
    assert other.message.splitlines() == [
        "`q` is not right: yours, 130.5 KB, is read as 130,500.",
        "It would be right with 1024 bytes to a kilobyte, but is read with 1000: write KiB, MiB, ….",
    ]
    for text in ("133.6 KB", "130.5 KB", "130.5 KiB"):
        assert one("133_600", text, "unit: B, kilobyte: either").fraction == 1
    assert one("133_600", "133.6 KB", "unit: B, kilobyte: 1024").fraction == 0
    assert one("133_600", "130.5 kB", "unit: B, kilobyte: 1024").fraction == 1


def test_further_units_may_be_as_good(one: Callable[..., CheckResult]) -> None:
    for text in ("33.4 kMAC", "33.4 kFLOP", "33.4 k"):
        assert one("33_400", text, "unit: [MAC, FLOP]").fraction == 1
    assert one("33_400", "33.4 kB", "unit: [MAC, FLOP]").fraction == 0


FLOPS = "in FLOPs, of which a MAC is two (FLOPs are 2 × MACs); asked are MACs."  # noqa: RUF001


def test_flops_are_a_known_mistake_and_charged_once(network: Exercise) -> None:
    results = judge(network, {"layer1": "30.02 MFLOPs", "layer2": "4.719 MFLOPs", "total": "34.74 MFLOPs"})
    assert lost(results) == ["layer1"]
    assert results["layer1"].misconception == "flops"
    assert results["layer2"].message == "Right, given your own earlier answers: the earlier slip is not charged again."
    assert results["total"].follow_through
    numbers = judge(network, {"layer1": "30.02 MFLOPs", "layer2": 2 * 2_359_296, "total": 2 * 17_367_680})
    assert lost(numbers) == ["layer1"]


def test_flops_in_the_name_only_are_charged_once(network: Exercise) -> None:
    results = judge(network, {"layer1": "15.01 MFLOPs", "layer2": "2.359 MFLOPs", "total": "17.37 MFLOPs"})
    assert lost(results) == ["layer1"]
    assert results["layer1"].message == f"`layer1` is {FLOPS}"
    assert results["layer2"].message == "Right but for the unit, which was charged for with `layer1`."
    assert results["layer2"].follow_through
    late = judge(network, {"layer1": 15_008_384, "layer2": "2,359,296", "total": "17.37 MFLOPs"})
    assert lost(late) == ["total"]
    assert late["total"].message == f"`total` is {FLOPS}"


def test_flops_that_are_no_known_mistake_are_told_and_charged_once(tmp_path: Path) -> None:
    text = "\n@quantity\ndef a():\n    return 1500\n\n\n@quantity\ndef b():\n    return 2600\n"
    exercise = make_exercise(tmp_path, text, "value: a, unit: MAC", "value: b, unit: MAC")
    results = judge(exercise, {"a": "3.00 kFLOP", "b": "5.20 kFLOP"})
    assert lost(results) == ["a"]
    assert results["a"].message == f"`a` is {FLOPS}"
    assert lost(judge(exercise, {"a": "3.00 kFLOP", "b": "5.30 kFLOP"})) == ["a", "b"]
    half = make_exercise(tmp_path / "half", text, "value: a, unit: MAC", "value: b, unit: MAC, follow_through: 0.5")
    assert judge(half, {"a": "3.00 kFLOP", "b": "5.20 kFLOP"})["b"].fraction == 0.5
    other = make_exercise(tmp_path / "other", text, "value: a, unit: FLOP", "value: b, unit: FLOP, follow_through: 0")
    results = judge(other, {"a": "750 MAC", "b": "1,300 MAC"})
    assert lost(results) == ["a", "b"]
    sentence = "in MACs, each of which is two FLOPs (FLOPs are 2 × MACs); asked are FLOPs."  # noqa: RUF001
    assert results["b"].message == f"`b` is {sentence}"


# Mistakes and follow-through


def test_mistakes_are_named_as_for_numbers(network: Exercise) -> None:
    for layer in ("15.07 MMAC", 15_068_160):
        results = judge(network, {"layer1": layer, "layer2": "2,367,424", "total": "17.44 M"})
        assert lost(results) == ["layer1"]
        assert results["layer1"].misconception == "with_biases"
    alone = judge(network, {"layer1": "15.01 M", "layer2": "2.359 M", "total": "15.01 M"})
    assert alone["total"].misconception == "first_only"


def test_what_a_mistake_may_have_been_before_rounding_is_followed(network: Exercise) -> None:
    # 16,012,345 and its exact sum with the second layer; then the sum of the rounded one.
    for total in (16_012_345 + 2_359_296, 16_010_000 + 2_359_296, "18.37 M"):
        results = judge(network, {"layer1": "16.01 M", "layer2": 2_359_296, "total": total})
        assert lost(results) == ["layer1"], total
        assert results["total"].follow_through
    far = judge(network, {"layer1": "16.01 M", "layer2": 2_359_296, "total": 16_015_001 + 2_359_296})
    assert lost(far) == ["layer1", "total"]


def test_rounding_of_several_answers_adds_up(network: Exercise) -> None:
    both = {"layer1": "16.01 M", "layer2": "3.012 M"}
    assert lost(judge(network, {**both, "total": 16_014_900 + 3_012_400})) == ["layer1", "layer2"]
    assert lost(judge(network, {**both, "total": 16_014_900 + 3_012_700})) == ["layer1", "layer2", "total"]


def test_right_answers_may_be_rounded_and_calculated_with_but_excuse_nothing(network: Exercise) -> None:
    right = {"layer1": "15.01 M", "layer2": "2.359 M"}
    for total in (17_367_680, 17_369_000, "17.37 M"):  # the second is the sum of the two as they stand
        assert lost(judge(network, {**right, "total": total})) == []
    assert lost(judge(network, {**right, "total": 17_367_681})) == ["total"]


def test_too_few_digits_above_excuse_nothing(network: Exercise) -> None:
    results = judge(network, {"layer1": "15 M", "layer2": 2_359_296, "total": 17_367_680})
    assert lost(results) == ["layer1"]
    assert results["total"].message == ""
    assert lost(judge(network, {"layer1": "15 M", "layer2": 2_359_296, "total": 17_359_297})) == ["layer1", "total"]
    as_it_stands = judge(network, {"layer1": "15 M", "layer2": 2_359_296, "total": 17_359_296})
    assert lost(as_it_stands) == ["layer1"]
    assert as_it_stands["total"].follow_through


def test_what_cannot_be_read_blocks_as_ever(network: Exercise) -> None:
    results = judge(network, {"layer1": "15,008 M", "layer2": 2_359_296, "total": 1})
    assert results["total"].message.endswith(
        "It could not be judged from your own `layer1`: nothing can be learned from it there."
    )
    assert lost(judge(network, {"layer1": "15,008 M", "layer2": 2_359_296, "total": "17.37 M"})) == ["layer1"]


# Authors


def problems(root: Path, reference: str, *checks: str) -> list[str]:
    with pytest.raises(CourseError) as caught:
        make_exercise(root, reference, *checks)
    return [str(one).partition(": ")[2] for one in caught.value.problems]


def test_digits_that_cannot_tell_a_mistake_are_refused(tmp_path: Path) -> None:
    few = "digits: 3 may not show that"
    (problem,) = problems(tmp_path, NETWORK, "value: total, unit: MAC")
    near = f"{few} `total` and the mistake `with_biases` are 67904 apart; write digits: 4 or exact: true"
    assert problem == f"criteria[0].checks[0]: {near}"
    make_exercise(tmp_path / "4", NETWORK, "value: total, unit: MAC, digits: 4")
    make_exercise(tmp_path / "exact", NETWORK, "value: total, unit: MAC, exact: true")
    make_exercise(tmp_path / "tolerant", NETWORK, "value: total, unit: MAC, exact: false, rtol: 0.01")
    close = "\n@quantity\ndef q():\n    return 1.0\n\n\n@misconception('q', 'No.')\ndef off():\n    return 1 + 1e-15\n"
    (problem,) = problems(tmp_path / "close", close, "value: q, unit: s, exact: false, rtol: 0, atol: 0")
    assert problem.endswith(f": {few} `q` and the mistake `off` are 1.11022e-15 apart; write exact: true")
    failing = "\n@quantity\ndef q():\n    return 1 / 0\n\n\n@misconception('q', 'No.')\ndef off():\n    return 1\n"
    make_exercise(tmp_path / "failing", failing, "value: q, unit: s")


def test_unknown_units_are_refused(tmp_path: Path) -> None:
    (problem, *_) = problems(tmp_path, NETWORK, "value: total, unit: MACs, digits: 4")
    assert "unit" in problem
    assert "'MAC'" in problem
    (problem,) = problems(tmp_path / "k", NETWORK, "value: total, unit: MAC, digits: 4, kilobyte: 1023")
    assert "kilobyte" in problem
