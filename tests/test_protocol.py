"""Bytes between the two sides: exact round trips, and nothing but ProtocolError for anything else."""

from __future__ import annotations

import json
import math
import os
import struct
import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import ProtocolError
from grader.model import DTYPES, Array, Failure, Observation, Opaque, Plain, Probe
from grader.sandbox import (
    DeadlineError,
    ProcessEndedError,
    dump_observations,
    load_observations,
)
from grader.sandbox.channel import LogDrain, PipeChannel, parse_header
from grader.sandbox.inside import encode as inside
from grader.sandbox.inside import frames
from grader.sandbox.wire import decode, encode, read_observation

Y = Probe("value", "y")


def same(left: object, right: object) -> bool:
    """Compare exactly: NaN equals NaN, -0.0 differs from 0.0, True differs from 1."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(map(same, left.values(), right.values()))
    if isinstance(left, float) and isinstance(right, float):
        return left.hex() == right.hex()
    if isinstance(left, complex) and isinstance(right, complex):
        return same(left.real, right.real) and same(left.imag, right.imag)
    return left == right


@st.composite
def arrays(draw: st.DrawFn) -> Array:
    dtype = draw(st.sampled_from(sorted(DTYPES)))
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=3)))
    size = math.prod(shape) * frames.ITEM_BYTES[dtype]
    data = bytes(math.prod(shape)) if dtype == "bool" else draw(st.binary(min_size=size, max_size=size))
    return Array(dtype, shape, data, draw(st.sampled_from(["ndarray", "torch tensor", "numpy scalar"])))


TEXT = st.text(st.characters(codec=None), max_size=20)  # lone surrogates included
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | TEXT | arrays()
    | st.builds(Opaque, st.text(max_size=20))
)  # fmt: skip
PLAIN = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
FAILURES = st.builds(Failure, st.sampled_from(["missing", "too_large", "raised", "not_run"]), TEXT)
OBSERVATIONS = st.lists(
    st.builds(Observation, st.builds(Probe, st.just("value"), TEXT), PLAIN | FAILURES), max_size=4
).map(tuple)


def test_item_sizes_agree_with_numpy_and_the_model() -> None:
    assert {name: np.dtype(name).itemsize for name in DTYPES} == dict(frames.ITEM_BYTES)


@given(PLAIN)
def test_values_survive_the_wire_exactly(value: Plain) -> None:
    tagged, blob = encode(value)
    assert same(value, decode(json.loads(json.dumps(tagged)), blob))


@given(OBSERVATIONS)
def test_observations_survive_the_store_exactly(observations: tuple[Observation, ...]) -> None:
    loaded = load_observations(dump_observations(observations))
    assert [o.probe for o in observations] == [o.probe for o in loaded]
    assert all(same(one.value, other.value) for one, other in zip(observations, loaded, strict=True))


@given(OBSERVATIONS, st.data())
@settings(max_examples=200)
def test_damaged_observations_give_a_value_or_a_protocol_error(
    observations: tuple[Observation, ...], data: st.DataObject
) -> None:
    stored = bytearray(dump_observations(observations))
    for _ in range(data.draw(st.integers(1, 3))):
        stored[data.draw(st.integers(0, len(stored) - 1))] = data.draw(st.integers(0, 255))
    try:
        load_observations(bytes(stored[: data.draw(st.integers(0, len(stored)))]))
    except ProtocolError:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(list("ifcaldo")),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(JSON, st.binary(max_size=30))
@settings(max_examples=300)
def test_garbage_is_a_value_or_a_protocol_error(tagged: object, blob: bytes) -> None:
    try:
        decode(tagged, blob)
    except ProtocolError:
        return


@pytest.mark.parametrize(
    ("tagged", "blob", "message"),
    [
        (["a", "float64", [2], "ndarray"], bytes(8), "16 bytes expected"),
        (["a", "float64", [-1], "ndarray"], b"", "none negative"),
        (["a", "float64", [True], "ndarray"], bytes(8), "must be integers"),
        (["a", "float64", [0, 2**39, 2**39], "ndarray"], b"", "too large"),
        (["a", "float64", [1] * 33, "ndarray"], bytes(8), "33 dimensions"),
        (["a", "object", [1], "ndarray"], bytes(8), "dtype 'object'"),
        (["a", "bool", [1], "ndarray"], b"\2", "a bool is 0 or 1"),
        (["l"], b"x", "belong to no array"),
        (["i", "1e3"], b"", "decimal digits"),
        (["i", "9" * 5000], b"", "decimal digits"),
        (["f", "1.5"], b"", "exact form"),
        (["f", "0x1p99999"], b"", "hexadecimal"),
        (["z"], b"", "unknown tag"),
        ([], b"", "tagged list"),
        (7, b"", "found int"),
        (["d", ["k", None], ["k", None]], b"", "distinct text keys"),
        (["o", "x" * 201], b"", "201 characters"),
        (["l"] + [None] * frames.MAX_NODES, b"", "too many items"),
    ],
)
def test_each_deviation_is_refused_by_name(tagged: object, blob: bytes, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        decode(tagged, blob)


def test_values_that_are_not_plain_cannot_be_stored() -> None:
    with pytest.raises(ProtocolError, match="set is not a plain value"):
        encode({1})  # type: ignore[arg-type]
    with pytest.raises(ProtocolError, match="not a plain value"):
        encode(1 << frames.MAX_INT_BITS)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\3\4", "do not begin"),
        (b"grade-observations-2\n\0", "end too early"),
        (b"grade-observations-2\n" + frames.PREFIX.pack(2**32 - 1, 0), "header of 4294967295 bytes"),
        (b"grade-observations-2\n" + frames.pack({"value": None}), "a probe expected"),
        (b"grade-observations-2\n" + frames.pack({"probe": ["value", "y", ""]}), "'value' or 'failure' expected"),
    ],
)
def test_stored_bytes_are_checked(data: bytes, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        load_observations(data)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"[" * 100_000, "not JSON"),
        (b'{"x": NaN}', "not JSON"),
        (b"\xff", "not JSON"),
        (b'{"x": ' + b"9" * 5000 + b"}", "not JSON"),
        (b"[]", "found list"),
        (b"," * 3_000_000, "3000000 separators"),
    ],
)
def test_headers_are_checked(header: bytes, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        parse_header(header)


# --- the encoder of the untrusted side, against the decoder of the trusted one -----------------------------


def crossed(value: Any, max_bytes: int = 2**20) -> Plain | Failure:
    header, blob = inside.answer({"y": value}, "y", "n", max_bytes)
    fields = parse_header(header)
    assert fields.pop("nonce") == "n"
    return read_observation(Y, fields, blob).value


class Unfriendly:
    """Fails at whatever is asked of it; only its type is ever looked at."""

    def __repr__(self) -> str:
        raise AssertionError("repr was called")

    __str__ = __repr__


class Convertible:
    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        return np.arange(3, dtype="int16")


class Broken:
    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        raise ValueError("no such data")


class Whole(int):
    pass


def test_students_values_become_plain() -> None:
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    expected: list[tuple[Any, Plain]] = [
        ((1, [2.5, None], {"a": True}), [1, [2.5, None], {"a": True}]),
        ("\ud800", "\ud800"),
        (10**4000, 10**4000),
        (Unfriendly(), Opaque("Unfriendly")),
        (Whole(3), Opaque("Whole")),
        ({1: 2}, Opaque("dict with keys of type int")),
        (np.str_("a"), "a"),
        (np.float32(1.5), Array("float32", (), struct.pack("<f", 1.5), "numpy scalar")),
        (np.array([[1, 2]], dtype=">i2"), Array("int16", (1, 2), b"\1\0\2\0")),
        (np.arange(6, dtype="int8").reshape(2, 3).T, Array("int8", (3, 2), bytes([0, 3, 1, 4, 2, 5]))),
        (np.ma.masked_array(np.zeros(1, "int8")), Array("int8", (1,), b"\0", "MaskedArray")),
        (np.array([object()]), Opaque("ndarray of dtype object")),
        (np.array(["a"]), Opaque("ndarray of dtype str32")),
        (Convertible(), Array("int16", (3,), b"\0\0\1\0\2\0", "Convertible")),
        (Convertible, Opaque("type")),
    ]
    for value, plain in expected:
        assert same(plain, crossed(value)), type(value)
    for value in (cyclic, 1 << 20_000, "x" * (2**20 + 1), np.zeros(2**20), np.broadcast_to(0.0, (10**6, 10**6)),
                  list(range(300_000))):  # fmt: skip
        found = crossed(value)
        assert isinstance(found, Failure)
        assert found.kind == "too_large"
    assert crossed(Broken()) == Failure("raised", "reading y raised ValueError: no such data")


def test_tensors_become_arrays() -> None:
    torch = pytest.importorskip("torch")
    weights = torch.tensor([[1.0, -2.0]], requires_grad=True)
    tensor = "torch tensor"
    assert crossed(weights * 2) == Array("float32", (1, 2), struct.pack("<2f", 2, -4), tensor)
    assert crossed(torch.nn.Parameter(weights)) == Array("float32", (1, 2), struct.pack("<2f", 1, -2), tensor)
    half = torch.tensor([1.5], dtype=torch.bfloat16)
    assert crossed(half) == Array("float32", (1,), struct.pack("<f", 1.5), tensor)
    assert crossed(torch.tensor([1 + 2j]).conj()) == Array("complex64", (1,), struct.pack("<2f", 1, -2), tensor)
    assert crossed(torch.eye(2, dtype=torch.int8).to_sparse()) == Array("int8", (2, 2), b"\1\0\0\1", tensor)
    assert crossed(torch.nn.Linear(1, 1)) == Opaque("Linear")
    assert isinstance(crossed(torch.zeros(1, device="meta")), Failure)
    assert isinstance(crossed(torch.zeros(1).expand(10**9)), Failure)


# --- the channel -------------------------------------------------------------------------------------------


class Peer:
    """The other end of a channel, in this process: answers each request with bytes of the test's choice."""

    def __init__(self, reply: Callable[[dict[str, Any]], bytes]) -> None:
        inbox, to_peer = os.pipe()
        from_peer, outbox = os.pipe()
        self._in, self._out, self._reply = os.fdopen(inbox, "rb", 0), os.fdopen(outbox, "wb", 0), reply
        self.alive = True
        self.channel = PipeChannel(os.fdopen(to_peer, "wb", 0), os.fdopen(from_peer, "rb", 0), lambda: self.alive)

    def __enter__(self) -> PipeChannel:
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self.channel

    def _serve(self) -> None:
        while header := self._in.read(frames.PREFIX.size):
            size, _ = frames.PREFIX.unpack(header)
            reply = self._reply(json.loads(self._in.read(size)))
            if not reply:
                break
            self._out.write(reply)
        self._out.close()
        self._in.close()

    def __exit__(self, *_: object) -> None:
        self.channel.close()
        self._thread.join()


def good(request: dict[str, Any]) -> bytes:
    return frames.pack({"nonce": request["nonce"], "op": request["op"]}, b"blob")


def test_an_answer_with_the_nonce_is_accepted_and_nonces_are_fresh() -> None:
    nonces = []

    def reply(request: dict[str, Any]) -> bytes:
        nonces.append(request["nonce"])
        return good(request)

    with Peer(reply) as channel:
        for op in ("load", "run"):
            channel.send(op, {})
            answer = channel.receive(5, 100)
            assert (dict(answer.fields), answer.blob) == ({"op": op}, b"blob")
    assert [len(nonce) for nonce in nonces] == [32, 32]
    assert nonces[0] != nonces[1]


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (lambda _: frames.pack({"nonce": "0" * 32}), "does not carry the nonce"),
        (lambda _: frames.pack({}), "does not carry the nonce"),
        (lambda r: good(r) + b"x", "more bytes follow"),
        (lambda _: frames.PREFIX.pack(2**32 - 1, 0), "header of 4294967295"),
        (lambda _: frames.PREFIX.pack(2, 2**63), "blob of 9223372036854775808"),
        (lambda _: frames.PREFIX.pack(2, 0) + b"{]", "not JSON"),
        (lambda r: frames.pack({"nonce": r["nonce"]}, bytes(101)), "blob of 101 bytes, at most 100"),
    ],
)
def test_other_answers_are_refused(reply: Callable[[dict[str, Any]], bytes], message: str) -> None:
    with Peer(reply) as channel:
        channel.send("get", {})
        with pytest.raises(ProtocolError, match=message):
            channel.receive(5, 100)


@given(st.binary(min_size=1, max_size=60))
@settings(max_examples=40, deadline=None)
def test_random_bytes_are_refused_without_allocating_what_they_announce(noise: bytes) -> None:
    tracemalloc.start()
    with Peer(lambda _: noise + bytes(12)) as channel:
        channel.send("get", {})
        with pytest.raises((ProtocolError, DeadlineError)):
            channel.receive(0.02, 10**15)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


def test_bytes_that_nobody_asked_for_are_refused() -> None:
    with Peer(lambda request: good(request) * 2) as channel:
        channel.send("load", {})
        with pytest.raises(ProtocolError, match="more bytes follow"):
            channel.receive(5, 100)
        with pytest.raises(ProtocolError, match="nobody had asked for"):
            channel.send("run", {})


def test_a_late_answer_can_be_waited_for_and_an_ended_process_is_noticed() -> None:
    release = threading.Event()

    def late(request: dict[str, Any]) -> bytes:
        release.wait(5)
        return good(request) if request["op"] == "run" else b""

    with Peer(late) as channel:
        channel.send("run", {})
        with pytest.raises(DeadlineError, match="no answer in time"):
            channel.receive(0.01, 100)
        release.set()
        assert channel.receive(5, 100).blob == b"blob"
        channel.send("get", {})
        with pytest.raises(ProcessEndedError, match="closed its pipe"):
            channel.receive(5, 100)


def test_a_dead_process_is_noticed_though_its_pipe_is_open() -> None:
    release = threading.Event()

    def silent(_: dict[str, Any]) -> bytes:
        release.wait(5)
        return b""

    peer = Peer(silent)
    with peer as channel:
        channel.send("get", {})
        peer.alive = False
        with pytest.raises(ProcessEndedError, match="ended before it answered"):
            channel.receive(5, 100)
        release.set()


def test_the_log_keeps_the_beginning_and_counts_the_rest() -> None:
    reader, writer = os.pipe()
    drain = LogDrain(os.fdopen(reader, "rb", 0), 10)
    with os.fdopen(writer, "wb") as pipe:
        pipe.write(b"0123456789" * 100_000)
    assert drain.text(5) == "0123456789\n[999990 more bytes were printed and not kept]\n"
