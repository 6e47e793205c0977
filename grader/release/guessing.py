"""What it costs to guess a sealed answer: how many guesses are left, and how long that takes one core."""

from __future__ import annotations

import time
from math import log2

import numpy as np

from grader.checks.answers import Numbers
from grader.checks.comparing import Tolerance
from grader.checks.sealing import SALT_BYTES, SHIFTS, scaled, slow_key, width

#: Guesses of a word: those that a task leaves to choose from are few.
_WORD_BITS = 8.0
_TRIES = 5
#: What one guess takes one core, measured on the server of the costs in SEALING.md (12 to 17 ms). What is sealed hangs
#: on this figure, and not on the machine that makes a bundle: all of them then decide alike.
SECONDS_FOR_A_GUESS = 0.015


def bits_left(value: Numbers | str, tolerance: Tolerance) -> float:
    """Return the logarithm to base 2 of how many guesses find ``value``, for someone who tries likely ones first.

    Of each distinct size of number in it the smaller of two is counted: how many cells are as near to zero, and how
    many numbers have as few decimal digits; less what the shift tells. Sizes are taken to be independent, which those
    of a calculation are not: whoever knows how they hang together needs fewer. Exact numbers have no shift. Text
    counts as one of 256 words.
    """
    if isinstance(value, str):
        return _WORD_BITS
    if value.dtype.kind == "b":
        return float(value.size)
    exact = not (tolerance.atol or tolerance.rtol)
    wide = value.astype(np.complex128)
    sizes = {_without_rounding(float(one)) for one in np.abs(wide[np.isfinite(wide)])}
    told = 0.0 if exact else log2(SHIFTS)
    return sum(max(0.0, _bits(size, tolerance, exact=exact) - told) for size in sorted(sizes))


def _without_rounding(size: float) -> float:
    """Return a size to 12 digits: the last ones differ between processors, and would make two sizes of one."""
    return float(f"{size:.12g}")


def _bits(size: float, tolerance: Tolerance, *, exact: bool) -> float:
    """Return the bits of one number, with its sign where it may have one."""
    if exact:
        return log2(size + 1) if size.is_integer() else _decimal_bits(size)
    cells = float(scaled(np.array(size), tolerance)) / width(tolerance)
    return 1 + min(log2(cells + 1), _decimal_bits(size))


def _decimal_bits(size: float) -> float:
    """Return the bits of the digits of a number, without the zeros at its ends."""
    digits = f"{size:.15g}".partition("e")[0].replace(".", "").strip("0")
    return log2(10) * len(digits)


def measured_seconds() -> float:
    """Return how long one guess takes one core of this machine: the shortest of a few measured."""
    return min(_measured(bytes([number])) for number in range(_TRIES))


def _measured(text: bytes) -> float:
    begin = time.process_time()
    slow_key(text, bytes(SALT_BYTES))
    return time.process_time() - begin


def seconds_to_guess(bits: float) -> float:
    """Return how long guessing takes one core on average: half of all guesses, at SECONDS_FOR_A_GUESS."""
    return float(2.0 ** min(bits - 1, 1000.0)) * SECONDS_FOR_A_GUESS


def in_words(seconds: float) -> str:
    """Return a span of time with one unit, roughly."""
    for unit, size in (("years", 31_557_600), ("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            amount = seconds / size
            return f"{amount:.0f} {unit}" if amount < 10_000 else f"more than 10000 {unit}"
    if seconds < 0.1:
        return "an instant"
    return f"{seconds:.0f} seconds" if seconds >= 2 else f"{seconds:.1f} seconds"
