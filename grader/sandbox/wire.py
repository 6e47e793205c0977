"""Strict decoding of values from the untrusted side, and observations as bytes for the store.

The form of a value is described in ``inside/frames.py``. Nothing here constructs an object by name, and every
deviation is a ProtocolError.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from grader.errors import ProtocolError
from grader.model import Array, Failure, Observation, Opaque, Plain, Probe
from grader.sandbox.channel import parse_header
from grader.sandbox.inside import frames

_INTEGER = re.compile(r"(?:0|-?[1-9][0-9]{0,4299})", re.ASCII)
#: Product of the dimensions other than zero: NumPy cannot shape even an empty array beyond this.
_MAX_ITEMS = 2**40
_MAGIC = b"grade-observations-2\n"
_FAILURES = frozenset({"missing", "too_large", "raised", "not_run"})
_MAX_STORED_BYTES = 2**40


def decode(tagged: object, blob: bytes) -> Plain:
    """Return the value. Raises ProtocolError unless ``tagged`` and ``blob`` fit each other exactly."""
    decoder = _Decoder(blob)
    value = decoder.value(tagged, 0)
    if decoder.offset != len(blob):
        raise ProtocolError(f"value refused: {len(blob) - decoder.offset} bytes of the blob belong to no array")
    return value


class _Decoder:
    def __init__(self, blob: bytes) -> None:
        self.offset = 0
        self._blob = blob
        self._nodes = 0

    def value(self, tagged: object, depth: int) -> Plain:
        self._nodes += 1
        if self._nodes > frames.MAX_NODES or depth > frames.MAX_DEPTH:
            raise ProtocolError("value refused: too many items, or nested too deeply")
        if tagged is None or isinstance(tagged, bool):
            return tagged
        if isinstance(tagged, str):
            return _text(tagged, frames.MAX_TEXT_CHARS)
        if not isinstance(tagged, list) or not tagged:
            raise ProtocolError(f"value refused: a tagged list expected, found {type(tagged).__name__}")
        return self._tagged(tagged[0], tagged[1:], depth)

    def _tagged(self, tag: object, parts: list[Any], depth: int) -> Plain:  # noqa: PLR0911 - one for each tag
        match tag, parts:
            case "i", [str() as digits]:
                return _integer(digits)
            case "f", [str() as number]:
                return _float(number)
            case "c", [str() as real, str() as imaginary]:
                return complex(_float(real), _float(imaginary))
            case "a", [str() as dtype, list() as shape, str() as origin]:
                return self._array(dtype, shape, origin)
            case "l", _:
                return [self.value(part, depth + 1) for part in parts]
            case "d", _:
                return self._mapping(parts, depth)
            case "o", [str() as name]:
                return Opaque(_text(name, frames.MAX_NAME_CHARS))
        # Not the text of a list: one nested nearly as deep as the parser allows has none.
        found = repr(tag[:20]) if isinstance(tag, str) else type(tag).__name__
        raise ProtocolError(f"value refused: unknown tag, or wrong parts, {found}")

    def _mapping(self, pairs: list[Any], depth: int) -> dict[str, Plain]:
        found: dict[str, Plain] = {}
        for pair in pairs:
            match pair:
                case [str() as key, tagged] if key not in found:
                    found[_text(key, frames.MAX_TEXT_CHARS)] = self.value(tagged, depth + 1)
                case _:
                    raise ProtocolError("value refused: a mapping needs pairs with distinct text keys")
        return found

    def _array(self, dtype: str, shape: list[Any], origin: str) -> Array:
        if dtype not in frames.ITEM_BYTES:
            raise ProtocolError(f"array refused: dtype {dtype[:20]!r}")
        size = _count(shape) * frames.ITEM_BYTES[dtype]
        data = self._blob[self.offset : self.offset + size]
        if len(data) != size:
            raise ProtocolError(f"array refused: {size} bytes expected for {dtype} {shape}, found {len(data)}")
        self.offset += size
        if dtype == "bool" and data.translate(None, b"\0\1"):
            raise ProtocolError("array refused: a bool is 0 or 1")
        return Array(dtype, tuple(shape), data, _text(origin, frames.MAX_NAME_CHARS))


def _count(shape: list[Any]) -> int:
    if len(shape) > frames.MAX_DIMENSIONS:
        raise ProtocolError(f"array refused: {len(shape)} dimensions")
    if not all(type(size) is int and 0 <= size <= _MAX_ITEMS for size in shape):
        raise ProtocolError("array refused: dimensions must be integers, none negative")
    if math.prod(size for size in shape if size) > _MAX_ITEMS:
        raise ProtocolError("array refused: its dimensions are too large")
    return math.prod(shape)


def _text(text: str, max_chars: int) -> str:
    if len(text) > max_chars:
        raise ProtocolError(f"text refused: {len(text)} characters, at most {max_chars} expected")
    return text


def _integer(digits: str) -> int:
    if not _INTEGER.fullmatch(digits):
        raise ProtocolError("integer refused: plain decimal digits expected")
    return int(digits)


def _float(text: str) -> float:
    try:
        number = float.fromhex(text)
    except (ValueError, OverflowError):
        raise ProtocolError("float refused: hexadecimal expected") from None
    if number.hex() != text:
        raise ProtocolError("float refused: not in its one exact form")
    return number


def encode(value: Plain) -> tuple[object, bytes]:
    """Return tagged value and blob for :func:`decode`. Raises ProtocolError for what is not plain."""
    blobs: list[bytes] = []
    return _encode(value, blobs), b"".join(blobs)


def _encode(value: Plain, blobs: list[bytes]) -> object:  # noqa: PLR0911 - one for each type
    match value:
        case None | bool() | str():
            return value
        case int() if value.bit_length() <= frames.MAX_INT_BITS:
            return ["i", str(value)]
        case float():
            return ["f", value.hex()]
        case complex():
            return ["c", value.real.hex(), value.imag.hex()]
        case Array():
            blobs.append(value.data)
            return ["a", value.dtype, list(value.shape), value.origin]
        case Opaque():
            return ["o", value.type_name]
        case list():
            return ["l", *(_encode(item, blobs) for item in value)]
        case dict():
            return ["d", *([key, _encode(item, blobs)] for key, item in value.items())]
    raise ProtocolError(f"cannot be stored: {type(value).__name__} is not a plain value")


def read_observation(probe: Probe, fields: dict[str, Any], blob: bytes) -> Observation:
    """Return the observation in an answer to ``get``. Raises ProtocolError for anything else."""
    match fields:
        case {"value": tagged, **rest} if not rest:
            return Observation(probe, decode(tagged, blob))
        case {"failure": [str() as kind, str() as message], **rest} if not rest and kind in _FAILURES and not blob:
            return Observation(probe, Failure(kind, _text(message, frames.MAX_TEXT_CHARS)))  # type: ignore[arg-type]
    raise ProtocolError(f"answer refused: 'value' or 'failure' expected, found {sorted(map(str, fields))[:5]}")


def dump_observations(observations: Sequence[Observation]) -> bytes:
    """Return bytes for :func:`load_observations`. Raises ProtocolError for a value that is not plain."""
    return _MAGIC + b"".join(map(_dump, observations))


def _dump(observation: Observation) -> bytes:
    probe = [observation.probe.kind, observation.probe.name, observation.probe.digest]
    if isinstance(observation.value, Failure):
        failure = observation.value
        return frames.pack({"probe": probe, "failure": [failure.kind, failure.message]})
    tagged, blob = encode(observation.value)
    return frames.pack({"probe": probe, "value": tagged}, blob)


def load_observations(data: bytes) -> tuple[Observation, ...]:
    """Return what :func:`dump_observations` wrote. Raises ProtocolError if any byte is out of place."""
    if not data.startswith(_MAGIC):
        raise ProtocolError("stored observations refused: they do not begin as observations do")
    return tuple(_load(header, blob) for header, blob in _frames(data))


def _frames(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = len(_MAGIC)

    def take(count: int) -> bytes:
        nonlocal position
        part = data[position : position + count]
        if len(part) != count:
            raise ProtocolError("stored observations refused: they end too early")
        position += count
        return part

    while position < len(data):
        try:
            yield frames.read(take, _MAX_STORED_BYTES)
        except frames.FrameError as error:
            raise ProtocolError(f"stored observations refused: {error}") from error


def _load(header: bytes, blob: bytes) -> Observation:
    fields = parse_header(header)
    match fields.pop("probe", None):
        case [str() as kind, str() as name, str() as digest]:
            return read_observation(Probe(kind, name, digest=digest), fields, blob)
    raise ProtocolError("stored observations refused: a probe expected")
