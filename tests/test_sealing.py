"""Sealed answers: which answers open them, and that others learn nothing."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grader.checks.comparing import EXACT, Tolerance, agrees
from grader.checks.sealing import (
    SHIFTS,
    Sketch,
    UnsealableError,
    code,
    codes_around,
    opened,
    seal,
    sketch,
    slow_key,
)

SALT = b"0123456789abcdef"
FAST = 4

numbers = st.floats(-1e9, 1e9)
tolerances = st.builds(
    Tolerance, st.sampled_from([0.0, 1e-8, 1e-3, 0.01, 1.0]), st.sampled_from([0.0, 1e-5, 0.005, 0.1])
)
salts = st.binary(min_size=16, max_size=16)


def reach(value: float, tolerance: Tolerance) -> float:
    return tolerance.atol + tolerance.rtol * abs(value)


@settings(max_examples=500)
@given(numbers, tolerances, salts, st.floats(-1, 1))
def test_an_answer_within_tolerance_has_the_code_of_the_expected_one(
    value: float, tolerance: Tolerance, salt: bytes, share: float
) -> None:
    expected = np.array(value)
    try:
        plan = sketch(expected, tolerance, salt)
    except UnsealableError:
        assume(False)
    answer = np.array(value + share * reach(value, tolerance))
    assume(agrees(answer, expected, tolerance))
    assert code(plan, answer) == code(plan, expected)


@settings(max_examples=500)
@given(numbers, tolerances, salts, st.floats(2, 1e6), st.sampled_from([-1, 1]))
def test_an_answer_beyond_two_tolerances_has_another_code(
    value: float, tolerance: Tolerance, salt: bytes, share: float, sign: int
) -> None:
    expected = np.array(value)
    assume(tolerance != EXACT)
    try:
        plan = sketch(expected, tolerance, salt)
    except UnsealableError:
        assume(False)
    answer = np.array(value + sign * share * reach(value, tolerance))
    assume(abs(float(answer) - value) > 1.99 * reach(value, tolerance))
    assert code(plan, answer) != code(plan, expected)


def test_what_is_next_to_zero_needs_an_absolute_tolerance() -> None:
    tiny = np.array([0.0, 1e-300])
    with pytest.raises(UnsealableError, match="is too near to zero for a tolerance that is relative only"):
        sketch(tiny, Tolerance(0.0, 1e-5), SALT)
    assert code(sketch(tiny, Tolerance(1e-8, 1e-5), SALT), tiny)


@given(st.lists(numbers, min_size=1, max_size=20), salts, st.data())
def test_an_array_is_one_secret(values: list[float], salt: bytes, data: st.DataObject) -> None:
    tolerance = Tolerance(0.01, 0.005)
    expected = np.array(values)
    plan = sketch(expected, tolerance, salt)
    close = np.array([value + data.draw(st.floats(-0.99, 0.99)) * reach(value, tolerance) for value in values])
    assert code(plan, close) == code(plan, expected)
    place = data.draw(st.integers(0, len(values) - 1))
    close[place] = values[place] + 2 * reach(values[place], tolerance)
    assert code(plan, close) != code(plan, expected)


@given(st.lists(numbers, min_size=1, max_size=20), salts)
def test_a_shift_is_two_bits(values: list[float], salt: bytes) -> None:
    plan = sketch(np.array(values), Tolerance(0.01, 0.005), salt)
    assert len(plan.shifts) == len(values)
    assert set(plan.shifts) <= set(range(SHIFTS))


def test_shifts_tell_a_quarter_of_the_numbers_apart_and_no_more() -> None:
    """Each shift is as likely as any other, whatever the number: over salts, it says nothing."""
    shifts = [
        sketch(np.array(0.25), Tolerance(0.01, 0.005), bytes([i, j] * 8)).shifts for i in range(40) for j in range(40)
    ]
    counts = [shifts.count(bytes([shift])) / len(shifts) for shift in range(SHIFTS)]
    assert max(counts) < 0.30
    assert min(counts) > 0.20


@pytest.mark.parametrize("releases", [1, 4])
def test_releases_leave_as_much_of_a_cell_as_is_documented(releases: int) -> None:
    """SEALING.md says that of k releases 1 in 2(k + 1) of all places within a cell remains."""
    places, tolerance, tries = np.linspace(0, 8 / 3, 60, endpoint=False), Tolerance(1.0, 0.0), 30
    left = 0
    for first in range(tries):
        drawn = [bytes([first, number] * 8) for number in range(releases)]
        told = np.array([[sketch(np.array(place), tolerance, salt).shifts[0] for salt in drawn] for place in places])
        left += int(np.sum(np.all(told == told[0], axis=1)))
    assert left / tries / len(places) == pytest.approx(1 / (2 * (releases + 1)), rel=0.25)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.array(3), np.array(3.0)),
        (np.array(True), np.array(1)),
        (np.array(0.0), np.array(-0.0)),
        (np.array([1, 2], dtype=np.uint8), np.array([1.0, 2.0])),
        (np.array(2**60 + 1), np.array(2**60 + 1, dtype=np.uint64)),
    ],
)
def test_equal_numbers_have_one_exact_code(one: np.ndarray, other: np.ndarray) -> None:
    assert code(Sketch(SALT), one) == code(Sketch(SALT), other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(np.array(3), np.array(4)), (np.array(2.5), np.array(2.25)), ("dense", "sparse"), ("3", np.array(3))],
)
def test_others_have_another(one: np.ndarray | str, other: np.ndarray | str) -> None:
    assert code(Sketch(SALT), one) != code(Sketch(SALT), other)


@pytest.mark.parametrize("answer", [np.nan, np.inf, -np.inf, 1e308, -1e308])
def test_any_number_has_a_code(answer: float) -> None:
    plan = sketch(np.array(1.0), Tolerance(1e-8, 0.0), SALT)
    assert code(plan, np.array(answer)) != code(plan, np.array(1.0))


@pytest.mark.parametrize(
    ("value", "tolerance", "why"),
    [
        (np.array(1j), Tolerance(0.1, 0), "is complex or not finite"),
        (np.array([1.0, np.nan]), Tolerance(0.1, 0), "is complex or not finite"),
        (np.array(1.0), Tolerance(0.1, 0.5), "has a relative tolerance of 0.5; at most 0.25 can be sealed"),
        (np.array(1e9), Tolerance(1e-12, 0), "has a tolerance that is finer than the numbers themselves"),
    ],
)
def test_what_cannot_be_sealed_is_refused(value: np.ndarray, tolerance: Tolerance, why: str) -> None:
    with pytest.raises(UnsealableError, match=f"^{why}$"):
        sketch(value, tolerance, SALT)


@given(numbers, numbers, salts, st.floats(-0.99, 0.99))
def test_codes_around_hold_every_answer_within_tolerance(value: float, other: float, salt: bytes, share: float) -> None:
    tolerance = Tolerance(0.01, 0.005)
    plan = sketch(np.array(value), tolerance, salt)
    around = codes_around(plan, np.array(other), 2)
    assert around[0] == code(plan, np.array(other))
    assert len(around) <= 2
    assert code(plan, np.array(other + share * reach(other, tolerance))) in around


def test_too_many_codes_around_are_refused() -> None:
    plan = sketch(np.zeros(50), Tolerance(0.01, 0), SALT)
    with pytest.raises(UnsealableError, match=r"^is right in more than 4 cells$"):
        codes_around(plan, np.full(50, 0.0123), 4)
    assert codes_around(plan, "text", 4) == [b"text:text"]


def test_a_seal_opens_for_its_own_code_only() -> None:
    seals = seal({b"a": {"fraction": 1.0}, b"b": {"message": "The bias is missing — add it."}}, SALT, FAST)
    assert opened(seals, b"a", SALT, FAST) == {"fraction": 1.0}
    assert opened(seals, b"b", SALT, FAST) == {"message": "The bias is missing — add it."}
    assert opened(seals, b"c", SALT, FAST) is None
    assert opened(seals, b"a", SALT[::-1], FAST) is None


def test_all_seals_look_alike() -> None:
    messages: dict[bytes, dict[str, Any]] = {
        b"right": {"fraction": 1.0},
        b"x": {"message": "m" * 150},
        b"y": {"message": "n" * 5},
    }
    seals = seal(messages, SALT, FAST)
    assert len({len(one) for one in seals}) == 1
    assert seals == sorted(seals)
    assert not any(b"mmmm" in one for one in seals)


def test_a_flipped_bit_opens_nothing() -> None:
    (one,) = seal({b"a": {"fraction": 1.0}}, SALT, FAST)
    assert opened([bytes([one[0] ^ 1]) + one[1:]], b"a", SALT, FAST) is None


def test_a_sentence_that_was_corrected_tells_nothing_of_either() -> None:
    """With a stream cipher and one nonce, the two seals would differ by just what the two texts differ by."""
    texts = [{b"a": {"message": f"It is {word}."}} for word in ("wrong", "false")]
    one, other = (seal(text, SALT, FAST)[0] for text in texts)
    assert seal(texts[0], SALT, FAST) == [one]
    plain = (json.dumps(text[b"a"]).encode() for text in texts)
    differing = bytes(a ^ b for a, b in zip(*plain, strict=True)).strip(b"\0")
    assert len(one) == len(other)
    assert differing not in bytes(a ^ b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("work", [1, 2, 12])
def test_any_cost_can_be_paid(work: int) -> None:
    assert opened(seal({b"a": {}}, SALT, work), b"a", SALT, work) == {}


def test_the_key_is_scrypt() -> None:
    """RFC 7914, section 12: the third test vector has N = 16384, r = 8, p = 1; its first half are our 32 bytes."""
    expected = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    assert slow_key(b"pleaseletmein", b"SodiumChloride", 14).hex() == expected
