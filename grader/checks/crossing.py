"""Values on their way to student code and back: as plain data, and as an author's function takes them."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any

import numpy as np

from grader.model import Array, Failure, Opaque, Plain

_MAX_ITEMS = 100_000
_MAX_SHOWN = 12
_LONG = "…" * 1000


def to_plain(value: Any) -> Plain:  # noqa: PLR0911 - one for each form
    """Return ``value`` as plain data: what :func:`to_value` and the sandbox turn into the same value again.

    Tuples, sets (sorted), ranges and iterators become lists, keys of mappings become text. Raises TypeError for what
    has no plain form.
    """
    match value:
        case None | bool() | str() | Array():
            return value
        case np.generic() | np.ndarray():
            return Array.from_numpy(np.asarray(value), "ndarray" if isinstance(value, np.ndarray) else "numpy scalar")
        case int() | float() | complex():
            return value
        case dict():
            return {_key(key): to_plain(item) for key, item in value.items()}
        case AbstractSet():
            return [to_plain(item) for item in sorted(value)]
        case list() | tuple() | range() | Iterator():
            return [to_plain(item) for item in islice(value, _MAX_ITEMS)]
    if hasattr(value, "detach"):  # a torch tensor, without importing torch
        return Array.from_numpy(value.detach().cpu().resolve_conj().resolve_neg().numpy(), "torch tensor")
    raise TypeError(f"{type(value).__name__} {value!r:.80} is no number, array, text, list or mapping")


def _key(key: Any) -> str:
    if isinstance(key, str | int | float | np.generic):
        return str(key)
    raise TypeError(f"a mapping's key {key!r:.80} is neither text nor a number")


def to_value(plain: Plain | Failure, *, tensors: bool) -> Any:
    """Return plain data as Python values of their own memory; torch tensors as such, or as arrays."""
    match plain:
        case Array(origin=origin):
            array = plain.to_numpy().astype(plain.dtype)
            if origin == "torch tensor" and tensors:
                import torch  # noqa: PLC0415 - only where an author draws tensors

                return torch.from_numpy(array)
            return array[()] if origin == "numpy scalar" else array
        case list():
            return [to_value(item, tensors=tensors) for item in plain]
        case dict():
            return {key: to_value(item, tensors=tensors) for key, item in plain.items()}
        case _:
            return plain


def short(value: Plain | Failure, max_chars: int = 60) -> str:
    """Return ``value`` as a student would write it, or in a few words where that is long."""
    text = _written(value)
    if len(text) <= max_chars:
        return text
    match value:
        case Array():
            return f"array of shape {value.shape}"
        case list():
            return f"list of {len(value)}"
        case dict():
            return f"mapping of {len(value)}"
        case str():
            return f"text of {len(value)} characters"
    return f"{text[:max_chars]} …"


def _written(value: Plain | Failure) -> str:  # noqa: PLR0911 - one for each form
    match value:
        case Array():
            array = value.to_numpy()
            if array.size > _MAX_SHOWN:
                return _LONG
            return " ".join(np.array2string(array, precision=4, separator=", ").split())
        case list():
            return f"[{', '.join(_written(item) for item in value)}]" if len(value) <= _MAX_SHOWN else _LONG
        case dict():
            items = ", ".join(f"{key!r}: {_written(item)}" for key, item in value.items())
            return f"{{{items}}}" if len(value) <= _MAX_SHOWN else _LONG
        case float():
            return f"{value:.6g}"
        case Opaque():
            return value.type_name
        case _:
            return repr(value)
