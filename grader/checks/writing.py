"""Numbers that come as text, with units: what a check allows, and what counts as equal."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor, isfinite, log10
from typing import Literal, TypeAlias

from grader.checks.written import WHOLE, Unit, Written, agreeing, in_unit, mismatch, read_written

Kilobyte: TypeAlias = Literal[1000, 1024, "either"]

#: What bytes and bits may be counted in, other than powers of ten.
_INFORMATION = (1.0, 1 / 8, 8.0, 1024.0, 1024.0**2, 1024.0**3)
#: How many MACs a FLOP is, and how many FLOPs a MAC.
_OPERATIONS = {("FLOP", "MAC"): Fraction(1, 2), ("MAC", "FLOP"): Fraction(2)}


@dataclass(frozen=True, slots=True)
class Writing:
    """How a number may be written as text.

    ``units``: the one that is asked for, and others that are as good. ``digits``: how many significant ones it takes,
    None for all of them. ``kilobyte``: what kB, KB, MB … mean.
    """

    units: tuple[Unit, ...]
    digits: int | None
    kilobyte: Kilobyte

    def step(self, true: float, digits: int) -> float:
        """Return the largest that one unit of the last of so many ``digits`` of ``true`` may be, with any prefix."""
        scales = _INFORMATION if self.units[0] in {"B", "bit"} else (1.0,)
        return max(scale * 10.0 ** (floor(log10(abs(true) / scale)) - digits + 1) for scale in scales) if true else 0.0


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that came as text.

    ``written`` is what it is compared as: all that rounds to it, if it has enough digits; otherwise ``coarse`` asks for
    more, and it is the very number that stands there. ``used`` is the reading of it that later answers are judged by.
    ``sizes`` are those that a kilobyte may have. ``other_unit`` says that it is in FLOPs where MACs are asked, or the
    other way round; it is compared as if the unit were right. ``remark`` helps where it is wrong.
    """

    written: Written
    used: Written
    sizes: frozenset[int] = frozenset({1000})
    coarse: str = ""
    other_unit: str = ""
    remark: str = ""

    def agrees(self, true: float, slack: float) -> bool:
        """Return whether it agrees with ``true`` to within its own rounding and ``slack``."""
        return isfinite(true) and not self.sizes.isdisjoint(agreeing(self.written, true, slack))

    def converted(self, asked: Unit) -> Figure:
        """Return the figure turned into the unit ``asked``, if it is in another one."""
        factor = _OPERATIONS.get((self.written.unit or asked, asked), Fraction(1))
        turned = self.written.times(factor, asked)
        return Figure(turned, turned)

    def not_right(self, name: str) -> str:
        """Return the sentences that say so of the answer ``name``: what was read, and whether digits are missing."""
        value = self.used.value
        number = f"{int(value):,}" if value.denominator == 1 else f"{float(value):.10g}"
        shown = self.written.text.replace("`", "'")
        if not self.coarse:
            return f"`{name}` is not right: yours, {shown}, is read as {number}."
        return f"`{name}` has too few digits: yours, {shown}, counts as {number} exactly.\n{self.coarse}"

    def on_kilobytes(self, true: float, slack: float) -> str:
        """Return a sentence where the verdict by ``true`` hangs on whether a kilobyte has 1000 or 1024 bytes."""
        sizes = agreeing(self.written, true, slack) if isfinite(true) else ()
        if len(sizes) != 1:
            return ""
        if sizes[0] in self.sizes:
            return f"Right with {sizes[0]} bytes to a kilobyte."
        (taken,) = self.sizes
        instead = "KiB, MiB, …" if taken == 1000 else "bytes"
        return f"It would be right with {sizes[0]} bytes to a kilobyte, but is read with {taken}: write {instead}."


def read_figure(text: str, writing: Writing, true: float) -> Figure:
    """Return the figure that ``text`` is. Raises WrittenError.

    Where a kilobyte may have either size, later answers are judged by the one with which it agrees with ``true``.
    """
    asked = writing.units[0]
    written, other_unit, remark = read_written(text, asked), "", ""
    if written.unit and written.unit not in writing.units:
        if (written.unit, asked) in _OPERATIONS:
            other_unit = mismatch(written.unit, asked)
        elif written.unit == "bit":
            remark = "It is in bits, for which `b` stands; a byte, `B`, has eight."
        written = written if other_unit else in_unit(written, asked)
    coarse = _coarse(written, writing.digits)
    written = written.exactly() if coarse else written
    sizes = frozenset({1000, 1024} if writing.kilobyte == "either" else {writing.kilobyte})
    binary = sizes == {1024} or (1024 in sizes and isfinite(true) and agreeing(written, true) == (1024,))
    used = written.binary if binary and written.binary else written
    return Figure(written, used, sizes, coarse, other_unit, remark)


def _coarse(written: Written, digits: int | None) -> str:
    """Return what to ask for where ``written`` has too few digits. A whole number to the last one has enough."""
    step = written.high - written.low
    if step == 0 or (step <= 1 and written.unit in WHOLE):
        return ""
    if digits is None:
        return "Write all digits of the number, as in 12345 or 12,345."
    return "" if written.digits >= digits else f"Write at least {digits} digits, or the whole number."
