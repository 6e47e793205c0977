"""Feed mutated frames to everything that decodes untrusted bytes; see what comes out.

By hand: ``python -m tests.fuzz.protocol --frames 1000000``. A failure prints the frame that caused it.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from typing import IO, cast

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from grader.errors import ProtocolError
from grader.execution import run as running
from grader.execution.executed import ExecutedNotebook
from grader.model import DTYPES, Array, CodeError, Failure, Job, Limits, Observation, Opaque, Probe
from grader.sandbox import Answer, ProcessEndedError, dump_observations, load_observations
from grader.sandbox.channel import PipeChannel, parse_header
from grader.sandbox.inside import frames
from grader.sandbox.wire import read_observation

from .frames_at_random import ANSWERS, NONCE, STORED, mutant

#: Mutants of one frame that Hypothesis drew; it shrinks frame and seed together if one of them fails.
MUTANTS = 250
#: Of those, how many are also measured by tracemalloc and sent through a real channel, which is slower.
MEASURED, CHANNELLED = 25, 2
MAX_VALUE_BYTES = 1024**2
MAX_MESSAGE_CHARS = 1000
#: What decoding may allocate: so much, and so much for each byte received. The densest JSON, ``[[],[],…]``,
#: is 3 bytes an item, which is a list of 56 bytes and a place in another.
ALLOWED_BYTES, ALLOWED_FACTOR = 256 * 1024, 100

_JOB = Job("notebook", "work.ipynb", '{"cells": [{"cell_type": "code", "source": "x"}]}', (), (), Limits())
_PROBE = Probe("value", "x")
TALLY: Counter[str] = Counter()


class UnplainError(AssertionError):
    """Something came out that is not plain data."""


def check_plain(value: object) -> None:
    """Raise UnplainError unless ``value`` is built of the closed set of plain types, and is consistent."""
    if isinstance(value, list) and type(value) is list:
        for item in value:
            check_plain(item)
    elif isinstance(value, dict) and type(value) is dict:
        for key, item in value.items():
            _demand(type(key) is str, key)
            check_plain(item)
    elif isinstance(value, Array):
        _check_array(value)
    elif isinstance(value, Opaque):
        _demand(type(value.type_name) is str and len(value.type_name) <= frames.MAX_NAME_CHARS, value)
    else:
        _demand(type(value) in {type(None), bool, int, float, complex, str}, value)


def _check_array(value: Array) -> None:
    plain = value.dtype in DTYPES and type(value.data) is bytes and type(value.origin) is str
    _demand(plain and all(type(size) is int for size in value.shape), value)
    array = value.to_numpy()
    _demand((array.shape, array.dtype.name, array.nbytes) == (value.shape, value.dtype, len(value.data)), value)


def _demand(condition: bool, found: object) -> None:
    if not condition:
        raise UnplainError(f"not plain: {found!r}"[:500])


def check_observation(found: Observation) -> None:
    """Raise UnplainError unless it is plain, and the store would give it back."""
    if isinstance(found.value, Failure):
        _demand(type(found.value.message) is str and type(found.value.kind) is str, found.value)
    else:
        check_plain(found.value)
    stored = dump_observations([found])
    _demand(dump_observations(load_observations(stored)) == stored, found)


# --- the targets: each takes bytes, and either raises ProtocolError or gives plain data ----------------------


def as_answer(data: bytes) -> None:
    """Decode as the channel does, then as an answer to ``get`` and as one to ``run``."""
    answer = _answer(data)
    try:
        check_observation(read_observation(_PROBE, dict(answer.fields), answer.blob))
    except ProtocolError:
        _as_run(answer)


def _answer(data: bytes) -> Answer:
    start = frames.PREFIX.size
    if len(data) < start:
        raise ProtocolError("too short")
    try:
        header_bytes, blob_bytes = frames.lengths(data[:start], MAX_VALUE_BYTES)
    except frames.FrameError as error:
        raise ProtocolError(str(error)) from error
    if len(data) != start + header_bytes + blob_bytes:
        raise ProtocolError("another length")
    fields = parse_header(data[start : start + header_bytes])
    fields.pop("nonce", None)
    return Answer(fields, data[start + header_bytes :])


def _as_run(answer: Answer) -> None:
    executed = ExecutedNotebook(_JOB.source, MAX_VALUE_BYTES)
    executed.begin(1, 0)
    ran = running._ran(_JOB, answer, running._Part({}, 1.0, MAX_VALUE_BYTES, " in cell 1", executed), interrupted=False)
    texts = [ran.detail, ran.lost, executed.text()]
    for error in ran.errors:
        _demand(type(error) is CodeError, error)
        texts += [error.where, error.name, error.message, error.traceback]
    for text in texts:
        _demand(type(text) is str, text)
        text.encode("utf-8")
    _demand(len(ran.detail) <= MAX_MESSAGE_CHARS, f"a detail of {len(ran.detail)} characters")


def as_stored(data: bytes) -> None:
    """Decode as the store does."""
    found = load_observations(data)
    for observation in found:
        check_observation(observation)
    _demand(len(load_observations(dump_observations(found))) == len(found), found)


def through_channel(data: bytes) -> None:
    """Receive through a real channel, in pieces."""
    inbox = _Replying(data)
    channel = PipeChannel(inbox.requests, cast("IO[bytes]", inbox), lambda: False)
    try:
        channel.send("get", {})
        answer = channel.receive(5.0, MAX_VALUE_BYTES)
        check_observation(read_observation(_PROBE, dict(answer.fields), answer.blob))
    except ProcessEndedError:
        return
    finally:
        channel.close()


class _Replying(io.RawIOBase):
    """The reading end of a pipe whose other side answers the request with ``data``, the nonce put right."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.requests: IO[bytes] = io.BytesIO()
        self._data, self._rng = data, random.Random(len(data))  # noqa: S311
        self._rest: bytes | None = None

    def read(self, _size: int = -1) -> bytes:
        """Return the next piece; empty at the end."""
        while self._rest is None:
            request = self.requests.getvalue() if isinstance(self.requests, io.BytesIO) else b""
            if len(request) < frames.PREFIX.size:
                time.sleep(0)
                continue
            nonce = json.loads(request[frames.PREFIX.size :])["nonce"]
            self._rest = self._data.replace(NONCE.encode(), nonce.encode())
        size = self._rng.randint(1, 200)
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


# --- one frame ----------------------------------------------------------------------------------------------


def feed(target: Callable[[bytes], None], data: bytes) -> bool:
    """Return whether ``data`` was accepted. Raises whatever is not ProtocolError, UnplainError included."""
    try:
        target(data)
    except ProtocolError as error:
        _demand(len(str(error)) <= MAX_MESSAGE_CHARS, f"a message of {len(str(error))} characters")
        str(error).encode("utf-8")
        return False
    return True


def feed_measured(target: Callable[[bytes], None], data: bytes) -> bool:
    """As :func:`feed`; and raise UnplainError if it allocated more than is allowed for so many bytes."""
    tracemalloc.start()
    try:
        accepted = feed(target, data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    TALLY["peak"] = max(TALLY["peak"], peak)
    allowed = ALLOWED_BYTES + ALLOWED_FACTOR * len(data)
    _demand(peak <= allowed, f"{peak} bytes allocated for {len(data)} received, at most {allowed} allowed")
    return accepted


def fuzz(frame: bytes, target: Callable[[bytes], None], seed: int, mutants: int = MUTANTS) -> None:
    """Feed ``mutants`` mutants of ``frame`` to ``target``. Raises AssertionError, naming the one that failed."""
    rng = random.Random(seed)  # noqa: S311 - nothing is to be kept secret
    for number in range(mutants):
        data = mutant(frame, rng)
        try:
            accepted = (feed_measured if number < MEASURED else feed)(target, data)
            if target is as_answer and number < CHANNELLED:
                feed(through_channel, data)
        except Exception as error:
            raise AssertionError(f"{target.__name__}({data!r}) raised {type(error).__name__}: {error}") from error
        TALLY["accepted" if accepted else "refused"] += 1


def campaign(count: int, *, derandomize: bool) -> Callable[[], None]:
    """Return a function that feeds about ``count`` mutants, of frames that Hypothesis draws."""
    frame_and_target = ANSWERS.map(lambda frame: (frame, as_answer)) | STORED.map(lambda frame: (frame, as_stored))

    @settings(
        max_examples=max(1, count // MUTANTS),
        deadline=None,
        database=None,
        derandomize=derandomize,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(frame_and_target, st.integers(0, 2**32))
    def run(drawn: tuple[bytes, Callable[[bytes], None]], seed: int) -> None:
        fuzz(*drawn, seed)

    return run


def _limit_memory(more_bytes: int) -> None:
    """Let an unbounded allocation fail here, and not take the machine with it. Linux only."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_DATA, (more_bytes, more_bytes))


def main() -> None:
    """Run the long campaign and print its result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000, help="how many mutants (default: a million)")
    count = parser.parse_args().frames
    _limit_memory(4 * 1024**3)
    began = time.monotonic()
    campaign(count, derandomize=False)()
    seconds = time.monotonic() - began
    fed = TALLY["accepted"] + TALLY["refused"]
    print(  # noqa: T201 - the result of the command
        f"{fed} frames in {seconds:.0f} s ({fed / seconds:.0f} a second): {TALLY['accepted']} accepted, all plain; "
        f"{TALLY['refused']} refused by ProtocolError; largest allocation {TALLY['peak']} bytes"
    )


if __name__ == "__main__":
    main()
