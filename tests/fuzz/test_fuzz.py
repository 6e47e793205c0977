"""A short campaign, and what the long one must be able to find."""

from __future__ import annotations

import random

import pytest

from grader.errors import ProtocolError
from grader.model import Array, Plain
from grader.sandbox.channel import parse_header
from grader.sandbox.inside import frames
from grader.sandbox.wire import decode

from . import protocol
from .frames_at_random import NONCE, mutant
from .protocol import TALLY, UnplainError, as_answer, campaign, check_plain, feed, feed_measured, fuzz, through_channel

FRAMES = 5000
_ANSWER = frames.pack({"nonce": NONCE, "value": ["l", ["i", "12"], ["a", "float64", [2], "ndarray"]]}, bytes(16))


def test_mutated_frames_are_refused_or_plain() -> None:
    TALLY.clear()
    campaign(FRAMES, derandomize=True)()
    assert TALLY["accepted"] + TALLY["refused"] >= FRAMES * 0.8
    assert TALLY["accepted"] > FRAMES * 0.02, "mutants that are all refused at once test nothing"
    assert TALLY["refused"] > FRAMES * 0.3


def test_a_valid_answer_is_accepted_by_each_way_in() -> None:
    assert feed(as_answer, _ANSWER)
    assert feed(through_channel, _ANSWER)
    assert not feed(through_channel, _ANSWER + b"x")


def test_the_same_seed_makes_the_same_mutants() -> None:
    both = (random.Random(5), random.Random(5))  # noqa: S311 - nothing is to be kept secret
    first, second = ([mutant(_ANSWER, rng) for _ in range(50)] for rng in both)
    assert first == second
    assert len(set(first)) > 40


@pytest.mark.parametrize("value", [{1}, [object()], {"a": b""}, {1: 2}, Array("int8", (3,), b"\0"), (1,)])
def test_what_is_not_plain_would_be_found(value: Plain) -> None:
    with pytest.raises((UnplainError, ValueError)):
        check_plain(value)


def test_a_crash_and_an_allocation_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def allocates(_data: bytes) -> None:
        bytearray(10**7)

    with pytest.raises(UnplainError, match="bytes allocated for 3 received"):
        feed_measured(allocates, b"abc")

    def crashes(_data: bytes) -> None:
        raise IndexError("there")

    with pytest.raises(AssertionError, match=r"crashes\(b.* raised IndexError: there"):
        fuzz(_ANSWER, crashes, 1)
    monkeypatch.setattr(protocol, "MAX_MESSAGE_CHARS", 3)
    with pytest.raises(UnplainError, match="a message of"):
        feed(as_answer, b"")


@pytest.mark.parametrize("lists", [0, 20, 40, 60])
def test_deep_nesting_is_refused_at_every_depth(lists: int) -> None:
    for depth in (*range(700, 1000, 5), 100_000):
        header = b'{"value":' + b'["l",' * lists + b"[" * depth + b"]" * depth + b"]" * lists + b"}"
        with pytest.raises(ProtocolError):
            decode(parse_header(header)["value"], b"")


@pytest.mark.parametrize("died", ["\ud800", "d" * 2_000_000])
def test_why_a_kernel_ended_is_text_that_can_be_kept(died: str) -> None:
    assert feed(as_answer, frames.pack({"nonce": NONCE, "errors": [], "timed_out": False, "died": died}, b"[]"))


def test_a_refusal_is_short_however_long_what_it_refuses() -> None:
    long = "k" * 3_000_000
    for fields in ({long: 1}, {"value": [long, 1]}, {"value": None, long: [1]}, {"failure": [long, long]}):
        with pytest.raises(ProtocolError) as caught:
            as_answer(frames.pack({"nonce": NONCE, **fields}))
        assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "header",
    [
        b"[" + b"[]," * 1_200_000 + b"[]]",
        b'{"value":["l"' + b',"\\u0100"' * 1_000_000 + b"]}",
        b"{" + b",".join(b'"%d":0' % number for number in range(900_000)) + b"}",
        b'{"value":[' + b"1e5," * 2_400_000 + b"0]}",
    ],
    ids=["lists", "texts", "keys", "numbers"],
)
def test_the_largest_headers_stay_within_their_bound(header: bytes) -> None:
    assert len(header) <= frames.MAX_HEADER_BYTES
    assert not feed_measured(as_answer, frames.pack_raw(header))
