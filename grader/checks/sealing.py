"""Telling right from wrong without holding the answer: quantised answers, a slow hash of them, and sealed messages.

An answer is turned into a *code*: the cell of a grid in which each of its numbers lies. A slow hash (scrypt) of the
code is a key, and each message is encrypted under the key that the answer it belongs to gives. Whoever has another
answer has another key, and learns nothing.

So that an answer within tolerance always gives the same code, a sketch says for each number by how many quarters of a
cell its grid is shifted: then the expected number lies in the middle quarter of its cell, and the cell, 8/3 tolerances
wide, reaches at least one tolerance and at most 5/3 of one to each side. That is a secure sketch for intervals (Dodis,
Ostrovsky, Reyzin, Smith: Fuzzy Extractors, SIAM J. Comput. 38, 2008). A shift tells 2 bits of each number, and nothing
else; where the grid begins is drawn from the salt.

Where the tolerance is relative, cells are as wide as the tolerance where they lie: numbers are compared on the scale
``log(1 + rtol / atol * abs(x)) / rtol``, on which the tolerance is one unit everywhere. Their width tells no magnitude.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from math import ceil, log1p
from typing import Any, cast

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from numpy.typing import NDArray

from grader.checks.answers import Numbers
from grader.checks.comparing import EXACT, Tolerance

#: How many shifts of the grid there are. More of them would cut closer to the tolerance, and tell more of the answer.
SHIFTS = 4
#: From this relative tolerance on, the scale that makes it one unit is too uneven.
MOST_RTOL = 0.25
SALT_BYTES = 16
#: The logarithm to base 2 of scrypt's cost; see grader/release/SEALING.md.
WORK = 12
_BLOCK = 8
#: Above this many cells from zero, doubles no longer tell neighbouring cells apart with room to spare.
_MOST_CELLS = 2.0**45
_SMALLEST_ATOL = 1e-290
#: Numbers nearer to zero than this fall together where the tolerance is relative only.
_SMALLEST = 1e-280
_PADDING = 64


class UnsealableError(ValueError):
    """Why a value cannot be sealed, for the author."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """How answers are turned into codes: the salt, the tolerance, and the shift of each number's grid.

    Text, and numbers that are compared exactly, have no shifts.
    """

    salt: bytes
    tolerance: Tolerance = EXACT
    shifts: bytes = b""


def sketch(value: Numbers | str, tolerance: Tolerance, salt: bytes) -> Sketch:
    """Return the sketch with which all that is within ``tolerance`` of ``value`` gets one code.

    Raises UnsealableError for numbers that are complex, not finite or next to zero, and for a tolerance that is too
    coarse or finer than the numbers themselves.
    """
    if isinstance(value, str) or value.dtype.kind == "b":
        return Sketch(salt)
    if value.dtype.kind == "c" or not np.all(np.isfinite(value)):
        raise UnsealableError("is complex or not finite")
    if tolerance == EXACT:
        return Sketch(salt)
    if tolerance.rtol > MOST_RTOL:
        raise UnsealableError(f"has a relative tolerance of {tolerance.rtol:g}; at most {MOST_RTOL:g} can be sealed")
    if not tolerance.atol and np.any((value != 0) & (np.abs(value) < _SMALLEST)):
        raise UnsealableError("is too near to zero for a tolerance that is relative only")
    places = _places(Sketch(salt, tolerance, bytes(value.size)), value)
    if np.any(np.abs(places) > _MOST_CELLS):
        raise UnsealableError("has a tolerance that is finer than the numbers themselves")
    off_centre = [np.abs((places - shift / SHIFTS) % 1.0 - 0.5) for shift in range(SHIFTS)]
    return Sketch(salt, tolerance, np.argmin(off_centre, axis=0).astype(np.uint8).tobytes())


def code(plan: Sketch, answer: Numbers | str) -> bytes:
    """Return the code of ``answer``, which has as many numbers as the sketch. Never fails for such an answer."""
    if isinstance(answer, str):
        return b"text:" + answer.encode("utf-8", "surrogatepass")
    if not plan.shifts:
        return b"exact:" + ",".join(_exact(one) for one in answer.ravel().tolist()).encode()
    return _written(_cells(plan, answer))


def codes_around(plan: Sketch, value: Numbers | str, most: int) -> list[bytes]:
    """Return the codes that answers within tolerance of ``value`` may get, its own first.

    For what is right by another definition, or wrong in a known way: the grid is not shifted for these, so that they
    may lie at the edge of a cell. Raises UnsealableError for more than ``most``.
    """
    own = code(plan, value)
    if isinstance(value, str) or not plan.shifts:
        return [own]
    wide = value.astype(np.float64)
    reach = plan.tolerance.atol + plan.tolerance.rtol * np.abs(wide)
    low, high = _cells(plan, wide - reach), _cells(plan, wide + reach)
    if int(np.sum(low != high)) >= most.bit_length():
        raise UnsealableError(f"is right in more than {most} cells")
    spans = [range(first, last + 1) for first, last in zip(low.tolist(), high.tolist(), strict=True)]
    return list(dict.fromkeys([own, *(_written(np.array(cells)) for cells in product(*spans))]))


def width(tolerance: Tolerance) -> float:
    """Return the width of a cell, in units of the tolerance."""
    reach = -log1p(-tolerance.rtol) / tolerance.rtol if tolerance.rtol else 1.0
    return reach / (0.5 - 0.5 / SHIFTS) * (1 + 1e-9)  # a little more, for rounding at the very end of the tolerance


def scaled(values: NDArray[np.float64], tolerance: Tolerance) -> NDArray[np.float64]:
    """Return ``values`` on the scale on which the tolerance is one unit everywhere."""
    atol = max(tolerance.atol, _SMALLEST_ATOL)
    with np.errstate(over="ignore", invalid="ignore"):
        if not tolerance.rtol:
            return values / atol
        return np.sign(values) * np.log1p(np.abs(values) / atol * tolerance.rtol) / tolerance.rtol


def _places(plan: Sketch, values: Numbers) -> NDArray[np.float64]:
    """Return where each number lies on its grid before it is shifted, in widths of a cell."""
    drawn = hashlib.shake_256(b"grid" + plan.salt).digest(4 * values.size)
    begins = np.frombuffer(drawn, dtype="<u4").astype(np.float64) / 2**32
    return scaled(values.astype(np.float64).ravel(), plan.tolerance) / width(plan.tolerance) + begins


def _cells(plan: Sketch, values: Numbers) -> NDArray[np.int64]:
    shifts = np.frombuffer(plan.shifts, dtype=np.uint8) / SHIFTS
    places = np.nan_to_num(_places(plan, values) - shifts, nan=2.0**62)
    return np.floor(np.clip(places, -(2.0**62), 2.0**62)).astype(np.int64)


def _written(cells: NDArray[np.int64]) -> bytes:
    return b"cells:" + ",".join(map(str, cells.tolist())).encode()


def _exact(number: Any) -> str:
    """Return one text for each number, however it is held: 1, 1.0 and True are the same."""
    return str(int(number)) if isinstance(number, int) or float(number).is_integer() else repr(float(number))


def slow_key(text: bytes, salt: bytes, work: int = WORK) -> bytes:
    """Return the key that a code gives, after some milliseconds and 2 ** ``work`` KiB of memory."""
    cost = 2**work
    memory = 2 * 128 * _BLOCK * (cost + 4)  # the allowance, of which a low cost needs a larger share
    return hashlib.scrypt(text, salt=salt, n=cost, r=_BLOCK, p=1, maxmem=memory, dklen=32)


def seal(messages: Mapping[bytes, Mapping[str, Any]], salt: bytes, work: int = WORK) -> list[bytes]:
    """Return the ``messages``, each encrypted under the key of its code: of one length, in an order that tells nothing.

    AES-SIV (RFC 5297) needs no nonce: a sentence that was corrected may be sealed under the same key. Equal messages
    under one key give equal seals, and nothing else is told.
    """
    texts = {one: json.dumps(message, ensure_ascii=False).encode() for one, message in messages.items()}
    length = _PADDING * ceil(max(map(len, texts.values()), default=0) / _PADDING)
    keys = {one: slow_key(one, salt, work) for one in texts}
    sealed = [AESSIV(keys[one]).encrypt(text.ljust(length), [salt]) for one, text in texts.items()]
    return sorted(sealed)


def opened(seals: Iterable[bytes], text: bytes, salt: bytes, work: int = WORK) -> Mapping[str, Any] | None:
    """Return the message that is sealed for the code ``text``; None where there is none."""
    cipher = AESSIV(slow_key(text, salt, work))
    for one in seals:
        try:
            return cast("Mapping[str, Any]", json.loads(cipher.decrypt(one, [salt])))
        except InvalidTag:
            continue
    return None
