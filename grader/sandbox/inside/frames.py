"""Bytes on the pipe: one frame is two lengths, a JSON header and one blob. Standard library only.

Both sides share this file, so that lengths and caps agree. Values in a header are tagged::

    null true false "text"      None, bool, str
    ["i", "123"]                int, decimal
    ["f", "0x1.8p+1"]           float, hexadecimal: NaN, infinities and -0.0 are exact
    ["c", real, imaginary]      complex
    ["a", dtype, shape, origin] array; its bytes come next in the blob, C order, little endian
    ["l", item, …]              list or tuple; also a set of texts, in order
    ["d", [key, value], …]      mapping with text keys
    ["o", "type name"]          anything else
"""

from __future__ import annotations

import json
import signal
import struct
from collections.abc import Callable, Mapping

#: Length of the header (4 bytes) and of the blob (8 bytes), big endian.
PREFIX = struct.Struct(">IQ")

MAX_HEADER_BYTES = 16 * 1024**2
MAX_NODES = 200_000
MAX_DEPTH = 48
MAX_TEXT_CHARS = 1024**2
MAX_INT_BITS = 14_000
MAX_NAME_CHARS = 200
MAX_DIMENSIONS = 32

#: Bytes of one item, for each dtype that may cross.
ITEM_BYTES: Mapping[str, int] = {
    "bool": 1,
    "int8": 1,
    "int16": 2,
    "int32": 4,
    "int64": 8,
    "uint8": 1,
    "uint16": 2,
    "uint32": 4,
    "uint64": 8,
    "float16": 2,
    "float32": 4,
    "float64": 8,
    "complex64": 8,
    "complex128": 16,
}


class FrameError(ValueError):
    """Bytes that are not a frame within its caps."""


def pack(header: object, blob: bytes = b"") -> bytes:
    """Return one frame. ``header`` is anything that JSON can hold; lone surrogates survive as escapes."""
    return pack_raw(json.dumps(header, separators=(",", ":"), ensure_ascii=True).encode("ascii"), blob)


def pack_raw(header: bytes, blob: bytes = b"") -> bytes:
    """Return one frame around a header that is JSON already."""
    return PREFIX.pack(len(header), len(blob)) + header + blob


def lengths(prefix: bytes, max_blob_bytes: int) -> tuple[int, int]:
    """Return the lengths of header and blob. Raises FrameError if one is over its cap, before any is read."""
    header_bytes, blob_bytes = PREFIX.unpack(prefix)
    if header_bytes > MAX_HEADER_BYTES:
        raise FrameError(f"header of {header_bytes} bytes, at most {MAX_HEADER_BYTES} expected")
    if blob_bytes > max_blob_bytes:
        raise FrameError(f"blob of {blob_bytes} bytes, at most {max_blob_bytes} expected")
    return header_bytes, blob_bytes


def read(read_exactly: Callable[[int], bytes], max_blob_bytes: int) -> tuple[bytes, bytes]:
    """Return header and blob of the next frame. Raises FrameError, and what ``read_exactly`` raises."""
    header_bytes, blob_bytes = lengths(read_exactly(PREFIX.size), max_blob_bytes)
    return read_exactly(header_bytes), read_exactly(blob_bytes)


def exit_words(status: int | None) -> str:
    """Return how a process ended, in words; ``status`` is negative for a signal, as in ``subprocess``."""
    if status is None:
        return "for an unknown reason"
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"
