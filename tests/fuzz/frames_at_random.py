"""Valid frames from Hypothesis, and mutants of them: of their bytes, of their JSON, of their lengths."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from grader.model import DTYPES, Array, Failure, Observation, Opaque, Plain, Probe
from grader.sandbox import dump_observations
from grader.sandbox.inside import frames
from grader.sandbox.wire import encode

NONCE = "0123456789abcdef" * 2
_TEXT = st.text(st.characters(codec=None), max_size=12)  # lone surrogates included


@st.composite
def arrays(draw: st.DrawFn) -> Array:
    """Draw an array of any dtype that may cross, shape up to (3, 3, 3)."""
    dtype = draw(st.sampled_from(sorted(DTYPES)))
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=3)))
    size = math.prod(shape) * frames.ITEM_BYTES[dtype]
    data = bytes(size) if dtype == "bool" else draw(st.binary(min_size=size, max_size=size))
    return Array(dtype, shape, data, draw(st.sampled_from(["ndarray", "torch tensor", "numpy scalar"])))


_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | _TEXT
    | arrays()
    | st.builds(Opaque, st.text(max_size=12))
)
PLAIN: st.SearchStrategy[Plain] = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)
_FAILURES = st.builds(Failure, st.sampled_from(["missing", "too_large", "raised", "not_run"]), _TEXT)
_OBSERVATIONS = st.lists(
    st.builds(Observation, st.builds(Probe, st.just("value"), _TEXT), PLAIN | _FAILURES), min_size=1, max_size=3
)


_FORMS = st.dictionaries(_TEXT, _TEXT | st.lists(st.none() | st.floats(allow_nan=True), max_size=2), max_size=2)
_OUTPUT = (
    st.fixed_dictionaries(
        {"output_type": st.just("stream"), "name": st.sampled_from(["stdout", "stderr"]), "text": _TEXT}
    )
    | st.fixed_dictionaries({"output_type": st.just("display_data"), "data": _FORMS, "metadata": _FORMS})
    | st.fixed_dictionaries(
        {"output_type": st.just("execute_result"), "data": _FORMS, "metadata": _FORMS, "execution_count": st.just(1)}
    )
    | st.fixed_dictionaries(
        {"output_type": st.just("error"), "ename": _TEXT, "evalue": _TEXT, "traceback": st.lists(_TEXT, max_size=2)}
    )
)
#: Index of a cell, of which the job has one, and its outputs.
_OUTPUTS = st.lists(st.tuples(st.just(0), st.lists(_OUTPUT, max_size=3)), max_size=2)


def _get_answer(value: Plain) -> bytes:
    tagged, blob = encode(value)
    return frames.pack({"nonce": NONCE, "value": tagged}, blob)


@st.composite
def _run_answers(draw: st.DrawFn) -> bytes:
    errors = draw(st.lists(st.lists(_TEXT, min_size=4, max_size=4), max_size=3))
    fields = {"nonce": NONCE, "errors": errors, "timed_out": draw(st.booleans()), "died": ""}
    return frames.pack(
        fields, draw(st.binary(max_size=40) | _OUTPUTS.map(lambda outputs: json.dumps(outputs).encode()))
    )


#: One answer to ``get`` or to ``run``.
ANSWERS: st.SearchStrategy[bytes] = PLAIN.map(_get_answer) | _run_answers()
#: What the store keeps of a run.
STORED: st.SearchStrategy[bytes] = _OBSERVATIONS.map(dump_observations)

_NUMBERS = (0, 1, 2, 12, 127, 128, 255, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1)
_WORDS = (
    *(b"null", b"NaN", b"-Infinity", b"1e999", b"[]", b"{}", b'"a"', b'"value"', b'"nonce"', b'"failure"', b"\\ud800"),
    *(b'["i","1"]', b'["f","nan"]', b'["o","x"]', b'["a","bool",[2],"n"]', b"9" * 300, b"[" * 60, b"]" * 60, b"\xff"),
)
_NODES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 2**40, 2**70, "", "a", "i", "f", "c", "a", "l", "d", "o", "\ud800", "x" * 300),
    *([], {}, [[]], {"value": None}, ["i", "0"], ["i", "-0"], ["i", "1" * 400], ["f", "0x1.8p+1"], ["f", "inf"]),
    *(["f", "0x1p9999"], ["c", "nan", "0x0p+0"], ["l", ["l"]], ["d", ["k", None], ["k", None]], ["o", "x" * 201]),
    *(
        ["a", "float64", [2**40, 2**40], "n"],
        ["a", "object", [1], "n"],
        ["a", "bool", [3], "n"],
        ["a", "int8", [-1], "n"],
    ),
    *(["a", "int8", [1.0], "n"], ["a", "int8", [True], "n"], ["a", "int8", [0, 2**40], "n"], ["a", "int8", [], "n"]),
    ["a", "int8", [1] * 33, "n"],
)


def mutant(frame: bytes, rng: random.Random) -> bytes:
    """Return ``frame`` changed in one to four places."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        frame = rng.choice(_MUTATIONS)(frame, rng)
    return frame


def _flip(frame: bytes, rng: random.Random) -> bytes:
    changed = bytearray(frame)
    if changed:
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _overwrite(frame: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(frame))
    new = rng.choice((rng.randbytes(rng.randint(1, 8)), rng.choice(_WORDS)))
    return frame[:at] + new + frame[at + rng.choice((0, len(new))) :]


def _cut(frame: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(frame))
    return frame[:at] + frame[at + rng.randint(0, 12) :] if rng.random() < 0.7 else frame[:at]


def _repeat(frame: bytes, rng: random.Random) -> bytes:
    at, size = rng.randint(0, len(frame)), rng.randint(1, 40)
    part = frame[at : at + size]
    return frame[:at] + part * rng.choice((2, 2, 3, 50)) + frame[at + size :]


def _lie(frame: bytes, rng: random.Random) -> bytes:
    """Announce other lengths than follow."""
    lengths = [rng.choice(_NUMBERS) % 2**32, rng.choice(_NUMBERS)]
    old = frames.PREFIX.unpack_from(frame) if len(frame) >= frames.PREFIX.size else (0, 0)
    kept = [new if rng.random() < 0.6 else before for new, before in zip(lengths, old, strict=True)]
    return frames.PREFIX.pack(*kept) + frame[frames.PREFIX.size :]


def _regrow(frame: bytes, rng: random.Random) -> bytes:
    """Change the JSON and announce the right lengths, so that what follows them is reached."""
    start = frame.find(b"{") - frames.PREFIX.size
    if start < 0 or len(frame) < frames.PREFIX.size:
        return _overwrite(frame, rng)
    header_bytes, _ = frames.PREFIX.unpack_from(frame, start)
    header = frame[start + frames.PREFIX.size : start + frames.PREFIX.size + header_bytes]
    blob = frame[start + frames.PREFIX.size + header_bytes :]
    try:
        content = json.loads(header)
    except (ValueError, RecursionError):
        return _overwrite(frame, rng)
    content = _changed(content, rng)
    if rng.random() < 0.3:
        blob = _overwrite(blob, rng)
    if rng.random() < 0.02:
        content = {"nonce": NONCE, "value": _nested(rng.choice((rng.randint(30, 60), rng.randint(700, 1000), 100_000)))}
        return frame[:start] + frames.pack_raw(_json(content), blob)
    return frame[:start] + frames.pack(content, blob)


def _nested(depth: int) -> str:
    """Return a stand-in for a list nested so deep that ``json`` itself could not write it."""
    return f"nested {depth}"


def _json(content: dict[str, str]) -> bytes:
    depth = int(content["value"].split()[1])
    nested = b"[" * depth + b"]" * depth
    # Lists around it cost the decoder more of Python's stack than the parser: what can be parsed must not break it.
    lists = depth % 48
    return b'{"nonce":"%s","value":%s[%s]%s}' % (content["nonce"].encode(), b'["l",' * lists, nested, b"]" * lists)


def _changed(node: Any, rng: random.Random) -> Any:
    """Return a JSON tree with one node replaced, removed, doubled or moved."""
    if isinstance(node, dict) and node and rng.random() < 0.9:
        key = rng.choice(list(node))
        if rng.random() < 0.1:
            return {**node, rng.choice(("value", "failure", "probe", "other", "\ud800")): rng.choice(_NODES)}
        return {**node, key: _changed(node[key], rng)}
    if isinstance(node, list) and node and rng.random() < 0.85:
        return _changed_list(node, rng)
    return rng.choice(_NODES)


def _changed_list(node: list[Any], rng: random.Random) -> list[Any]:
    at = rng.randrange(len(node))
    match rng.randrange(8):
        case 0:
            return node[:at] + node[at + 1 :]
        case 1:
            return [*node, node[at]]
        case 2:
            return rng.sample(node, len(node))
        case _:
            return [*node[:at], _changed(node[at], rng), *node[at + 1 :]]


_MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_flip, _overwrite, _cut, _repeat, _lie),
    *(_regrow,) * 5,
)
