"""Turn a student's value into tagged plain data (see ``frames``). Never calls ``repr`` on it."""

from __future__ import annotations

import json
import sys
from typing import Any

from . import frames


class TooLargeError(Exception):
    """The value is over a cap. The message says which."""


def answer(namespace: dict[str, Any], name: str, nonce: str, max_bytes: int) -> tuple[bytes, bytes]:
    """Return header and blob that answer a request for ``name``; a failure to encode is an answer, too."""
    if name not in namespace:
        return failed(nonce, "missing", f"there is no variable {name!r}")
    encoder = Encoder(max_bytes)
    try:
        header = _header({"nonce": nonce, "value": encoder.encode(namespace[name])})
    except (TooLargeError, MemoryError) as error:
        return failed(nonce, "too_large", f"{name} is too large to be graded: {safe_text(error)}")
    except Exception as error:  # noqa: BLE001 - a student's __array__ may raise anything
        return failed(nonce, "raised", f"reading {name} raised {type(error).__name__}: {safe_text(error)}")
    return header, b"".join(encoder.blobs)


def _header(content: dict[str, object]) -> bytes:
    header = json.dumps(content, separators=(",", ":"), ensure_ascii=True).encode("ascii")
    if len(header) > frames.MAX_HEADER_BYTES:
        raise TooLargeError(f"more than {frames.MAX_HEADER_BYTES} bytes of text")
    return header


def failed(nonce: str, kind: str, message: str) -> tuple[bytes, bytes]:
    """Return header and blob that say why nothing could be observed."""
    return _header({"nonce": nonce, "failure": [kind, message[:2000]]}), b""


def safe_text(error: BaseException, max_chars: int = 2000) -> str:
    """Return the exception's message, or a note where its own ``__str__`` fails."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - __str__ is student code
        return "(its message could not be read)"
    return text if len(text) <= max_chars else text[:max_chars] + " …"


def type_name(value: object) -> str:
    """Return the name of ``value``'s type as exact text, capped."""
    name = type(value).__name__
    return name[: frames.MAX_NAME_CHARS] if type(name) is str else "object"


class Encoder:
    """Encodes one value; ``blobs`` are the array bytes in order. ``max_bytes`` caps text and array bytes."""

    def __init__(self, max_bytes: int) -> None:
        self.blobs: list[bytes] = []
        self._max_bytes = max_bytes
        self._bytes = 0
        self._nodes = 0

    def encode(self, value: Any, depth: int = 0) -> object:
        """Return ``value`` tagged. Raises TooLargeError, and what a student's ``__array__`` raises."""
        self._count(depth)
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is int:
            return self._int(value)
        if kind is float:
            return ["f", value.hex()]
        if kind is complex:
            return ["c", value.real.hex(), value.imag.hex()]
        if kind is str:
            return self._text(value)
        return self._container(value, depth)

    def _count(self, depth: int) -> None:
        self._nodes += 1
        if self._nodes > frames.MAX_NODES:
            raise TooLargeError(f"more than {frames.MAX_NODES} items")
        if depth > frames.MAX_DEPTH:
            raise TooLargeError(f"nested more than {frames.MAX_DEPTH} levels deep, or containing itself")

    def _take(self, count: int) -> None:
        self._bytes += count
        if self._bytes > self._max_bytes:
            raise TooLargeError(f"more than {self._max_bytes} bytes")

    def _int(self, value: int) -> list[object]:
        if value.bit_length() > frames.MAX_INT_BITS:
            raise TooLargeError(f"an integer of {value.bit_length()} bits")
        return ["i", str(value)]

    def _text(self, value: str) -> str:
        if len(value) > frames.MAX_TEXT_CHARS:
            raise TooLargeError(f"a text of {len(value)} characters")
        self._take(len(value))
        return value

    def _container(self, value: Any, depth: int) -> object:
        # The base class's own methods are called, so that an overriding __iter__ or items changes nothing.
        if isinstance(value, list):
            return ["l", *(self.encode(item, depth + 1) for item in list.__iter__(value))]
        if isinstance(value, tuple):
            return ["l", *(self.encode(item, depth + 1) for item in tuple.__iter__(value))]
        if isinstance(value, dict):
            return self._mapping(value, depth)
        if type(value) in {set, frozenset} and all(type(item) is str for item in value):
            return ["l", *(self.encode(item, depth + 1) for item in sorted(value))]
        return self._other(value)

    def _mapping(self, value: dict[Any, Any], depth: int) -> list[object]:
        pairs = dict.items(value)
        for key, _ in pairs:
            if type(key) is not str:
                return [
                    "o",
                    f"{type_name(value)} with keys of type {type_name(key)}"[: frames.MAX_NAME_CHARS],
                ]
        return ["d", *([self._text(key), self.encode(item, depth + 1)] for key, item in pairs)]

    def _other(self, value: Any) -> object:
        numpy = sys.modules.get("numpy")
        if numpy is not None and type(value) is numpy.str_:
            return self._text(str.__str__(value))
        found = self._as_array(value)
        if found is None:
            return ["o", type_name(value)]
        array, origin = found
        if array.dtype.name not in frames.ITEM_BYTES:
            return ["o", f"{type_name(value)} of dtype {array.dtype.name}"[: frames.MAX_NAME_CHARS]]
        return self._array(array, origin)

    def _array(self, array: Any, origin: str) -> list[object]:
        if array.ndim > frames.MAX_DIMENSIONS:
            raise TooLargeError(f"an array of {array.ndim} dimensions")
        self._take(array.nbytes)
        name = array.dtype.name
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        self.blobs.append(little.tobytes("C"))
        return ["a", name, list(array.shape), origin]

    def _as_array(self, value: Any) -> tuple[Any, str] | None:
        """Return a NumPy array and what it was, or None. A library not imported cannot be in play."""
        torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
        if torch is not None and hasattr(torch, "Tensor") and isinstance(value, torch.Tensor):
            return self._from_torch(value, torch), "torch tensor"
        if numpy is None or isinstance(value, type):
            return None
        if isinstance(value, numpy.generic):
            return numpy.asarray(value), "numpy scalar"
        if type(value) is numpy.ndarray:
            return value, "ndarray"
        if hasattr(type(value), "__array__"):
            return numpy.asarray(value), type_name(value)
        return None

    def _from_torch(self, tensor: Any, torch: Any) -> Any:
        if tensor.numel() * tensor.element_size() > self._max_bytes - self._bytes:
            raise TooLargeError(f"more than {self._max_bytes} bytes")
        plain = tensor.detach()
        if plain.layout is not torch.strided:
            plain = plain.to_dense()
        if plain.is_quantized:
            plain = plain.dequantize()
        plain = plain.cpu().resolve_conj().resolve_neg()
        if plain.is_floating_point() and plain.dtype not in (torch.float16, torch.float32, torch.float64):
            plain = plain.float()  # bfloat16 and the 8-bit floats have no NumPy dtype; float32 holds them exactly
        return plain.numpy()
