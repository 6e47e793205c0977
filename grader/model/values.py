"""Plain values: the closed set of types that may cross from student code to the grader."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, Union

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: dtypes that an :class:`Array` may have, by NumPy name. Object and string arrays are not among them.
DTYPES = frozenset(
    {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"}
    | {"float16", "float32", "float64", "complex64", "complex128"},
)


@dataclass(frozen=True, slots=True)
class Array:
    """An array as data: ``dtype`` (one of :data:`DTYPES`), ``shape``, and its bytes, C order, little endian.

    ``origin`` says what the student had: ``"ndarray"``, ``"numpy scalar"``, ``"torch tensor"``, or the name of
    another type that converts to an array.
    """

    dtype: str
    shape: tuple[int, ...]
    data: bytes
    origin: str = "ndarray"

    @classmethod
    def from_numpy(cls, array: NDArray[np.generic], origin: str = "ndarray") -> Array:
        """Return ``array`` as data. Raises TypeError for a dtype outside :data:`DTYPES`."""
        if array.dtype.name not in DTYPES:
            raise TypeError(f"dtype {array.dtype} is not among {sorted(DTYPES)}")
        import numpy as np  # noqa: PLC0415 - who only starts a sandbox does not wait for it

        little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
        return cls(array.dtype.name, array.shape, little.tobytes(), origin)

    def to_numpy(self) -> NDArray[np.generic]:
        """Return a read-only NumPy array of ``shape`` and ``dtype``."""
        import numpy as np  # noqa: PLC0415 - likewise

        dtype = np.dtype(self.dtype).newbyteorder("<")
        return np.frombuffer(self.data, dtype=dtype).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class Opaque:
    """Something that is not plain data: only the name of its type is known."""

    type_name: str


#: What an observation may hold.
Plain: TypeAlias = Union[bool, int, float, complex, str, Array, Opaque, "list[Plain]", "dict[str, Plain]", None]


def fingerprint(value: Plain) -> str:
    """Return a hash of ``value``: equal for equal values of equal types, bit for bit."""
    digest = hashlib.sha256()
    for part in _parts(value):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def size_bytes(value: Plain) -> int:
    """Return about how much memory ``value`` takes."""
    return sum(len(part) + 16 for part in _parts(value))


def _parts(value: Plain) -> Iterator[bytes]:
    yield type(value).__name__.encode()
    match value:
        case list():
            yield str(len(value)).encode()
            for item in value:
                yield from _parts(item)
        case dict():
            yield str(len(value)).encode()
            for key, item in value.items():
                yield key.encode("utf-8", "surrogatepass")
                yield from _parts(item)
        case Array():
            yield repr((value.dtype, value.shape, value.origin)).encode()
            yield value.data
        case str():
            yield value.encode("utf-8", "surrogatepass")
        case float() | complex():
            yield repr(value).encode()
        case _:
            yield str(value).encode()
