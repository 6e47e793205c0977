"""Figures as people write them: ``21.3 MMAC``, ``7.2 MiB``, ``21,344,256``, ``3.14e6 parameters``.

A small strict grammar, read with exact fractions. The last digit tells how precise a figure is: half a unit of it, up
and down; a whole number without a prefix is exact. What can be read in two ways is refused, never guessed, but for the
size of a kilobyte: there both readings are kept.

Thousands stand apart by a space, ``'``, ``_``, a comma or a point, of which there is more than one, or another mark
before the decimals. A single mark before three digits is a decimal point in ``17.368 M`` and stands for thousands in
``43,210 MAC``; ``21,344 M`` and ``43.210 MAC`` are refused.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, TypeAlias, get_args

Unit: TypeAlias = Literal["MAC", "FLOP", "parameter", "element", "B", "bit", "s", "Hz", "J", "W"]

UNITS: tuple[Unit, ...] = get_args(Unit)
#: Units of which there are no parts.
WHOLE: frozenset[str] = frozenset({"MAC", "FLOP", "parameter", "element", "B", "bit"})
MAX_CHARS = 60

PLURALS: dict[Unit, str] = {
    "MAC": "MACs",
    "FLOP": "FLOPs",
    "parameter": "parameters",
    "element": "elements",
    "B": "bytes",
    "bit": "bits",
    "s": "seconds",
    "Hz": "hertz",
    "J": "joules",
    "W": "watts",
}
_SYMBOLS: dict[str, Unit] = {"B": "B", "b": "bit", "s": "s", "Hz": "Hz", "J": "J", "W": "W"}
_UNIT_WORDS: dict[str, Unit] = {
    **dict.fromkeys(("mac", "macs", "macc", "maccs", "mult adds", "multiply adds"), "MAC"),
    **dict.fromkeys(("multiply accumulate", "multiply accumulates", "multiply accumulate operations"), "MAC"),
    **dict.fromkeys(("flop", "flops", "floating point operations"), "FLOP"),
    **dict.fromkeys(("param", "params", "parameter", "parameters"), "parameter"),
    **dict.fromkeys(("element", "elements"), "element"),
    **dict.fromkeys(("byte", "bytes"), "B"),
    **dict.fromkeys(("bit", "bits"), "bit"),
    **dict.fromkeys(("sec", "second", "seconds"), "s"),
    **dict.fromkeys(("hertz", "hz"), "Hz"),
    **dict.fromkeys(("joule", "joules"), "J"),
    **dict.fromkeys(("watt", "watts"), "W"),
}

_LARGE = {"k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "kilo": 1, "mega": 2, "giga": 3, "tera": 4}
_BINARY = {"Ki": 1, "ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "kibi": 1, "mebi": 2, "gibi": 3, "tebi": 4}
_SMALL = {"m": -1, "u": -2, "μ": -2, "n": -3, "milli": -1, "micro": -2, "nano": -3}
#: Longest first, so that ``Mi`` is found before ``M``; nothing at all before any of them, so that ``MAC`` is no mega.
_PREFIXES = ("", *sorted({*_LARGE, *_BINARY, *_SMALL}, key=len, reverse=True))
_COUNT_WORDS = {
    **dict.fromkeys(("thousand", "tausend", "tsd"), 10**3),
    **dict.fromkeys(("million", "millions", "millionen", "mio", "mln"), 10**6),
    **dict.fromkeys(("milliard", "milliards", "milliarde", "milliarden", "mrd"), 10**9),
}

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_ABOUT = re.compile(r"\A(?:[~≈≃]|(?:ca|approx)\b\.?|(?:circa|about|around|approximately)\b) ?", re.IGNORECASE)
_FIGURE = re.compile(
    r"(?P<sign>[+-]?) ?"
    r"(?P<digits>\.?[0-9](?:[0-9., '_]*[0-9])?)"
    r"(?:[eE](?P<e>[+-]?[0-9]{1,2})| ?[x×·⋅*] ?10 ?(?:\^|\*\*) ?(?P<power>[+-]?[0-9]{1,2}))?"  # noqa: RUF001
    r"(?![0-9])(?P<rest>.*)"
)
_SPACES = re.compile(r"[\s\u200b\u2060\ufeff]+")


class WrittenError(ValueError):
    """A figure cannot be read, or not in the unit asked for. The message is a student's, without its first words."""


@dataclass(frozen=True, slots=True)
class Written:
    """A figure as it was written, in ``unit`` (empty where none is): all from ``low`` to ``high`` rounds to it.

    ``digits`` are the significant ones. A whole number without a prefix is exact: then ``low``, ``value`` and ``high``
    are one. ``binary`` is the other reading of kB, KB, MB …, with 1024 in place of 1000; None where there is none.
    """

    text: str
    value: Fraction
    low: Fraction
    high: Fraction
    unit: Unit | Literal[""]
    digits: int
    binary: Written | None = None

    @property
    def rounded(self) -> bool:
        """Whether it stands for more than one number."""
        return self.low != self.high

    def exactly(self) -> Written:
        """Return the figure taken for the very number that stands there."""
        binary = self.binary.exactly() if self.binary else None
        return replace(self, low=self.value, high=self.value, binary=binary)

    def times(self, factor: Fraction, unit: Unit) -> Written:
        """Return ``factor`` (positive) times the figure, in ``unit``."""
        low, value, high = (factor * one for one in (self.low, self.value, self.high))
        binary = self.binary.times(factor, unit) if self.binary else None
        return replace(self, value=value, low=low, high=high, unit=unit, binary=binary)


def read_written(text: str, unit: Unit | Literal[""] = "") -> Written:
    """Return the figure that ``text`` is. Raises WrittenError.

    Where it names no unit it is in ``unit``, which helps to read it: ``37 K`` of bytes may be 37 KiB, and ``43,210``
    MACs have no decimals. Units are not compared; see ``in_unit``.
    """
    if len(text) > MAX_CHARS:
        raise WrittenError(f"it has {len(text)} characters, and a number with its unit at most {MAX_CHARS}")
    plain = _plain(text)
    found = _FIGURE.fullmatch(_ABOUT.sub("", plain))
    if not found:
        raise WrittenError("it should begin with a number, and a unit may follow, as in `1.5 kB`")
    prefix, written_unit = _prefix_and_unit(found["rest"].strip(" ").removesuffix("."))
    unit = written_unit or unit
    power = found["e"] or found["power"]
    mantissa, decimals = _mantissa(found["digits"], whole=unit in WHOLE and not prefix and power is None)
    count, step = int(f"{found['sign']}{mantissa}"), Fraction(10) ** (int(power or 0) - decimals)
    exact = not prefix and power is None and not decimals

    def reading(scale: Fraction, binary: Written | None = None) -> Written:
        value, half = count * step * scale, Fraction(0) if exact else step * scale / 2
        digits = len(str(abs(count)).lstrip("0"))
        return Written(plain, value, value - half, value + half, unit, digits, binary)

    if unit == "B" and prefix in _LARGE:
        return reading(_scale(prefix, unit), reading(Fraction(1024) ** _LARGE[prefix]))
    return reading(_scale(prefix, unit))


def agreeing(figure: Written, true: Fraction | float, slack: Fraction | float = 0) -> tuple[int, ...]:
    """Return with which sizes of a kilobyte, of 1000 and 1024, ``figure`` agrees with ``true`` to within ``slack``.

    Both or neither where the figure has no kB, MB …. Its own rounding is allowed for; ``slack`` comes on top.
    """
    exact, more = Fraction(true), Fraction(slack)
    readings = {1000: figure, 1024: figure.binary or figure}
    return tuple(size for size, one in readings.items() if one.low - more <= exact <= one.high + more)


def in_unit(figure: Written, unit: Unit) -> Written:
    """Return ``figure`` in ``unit``: bits and bytes turn into each other, other units do not.

    Raises WrittenError where ``figure`` is in another unit.
    """
    if not figure.unit or figure.unit == unit:
        return figure.times(Fraction(1), unit)
    factor = {("bit", "B"): Fraction(1, 8), ("B", "bit"): Fraction(8)}.get((figure.unit, unit))
    if not factor:
        raise WrittenError(f"it is {mismatch(figure.unit, unit)}")
    return figure.times(factor, unit)


def mismatch(found: Unit, asked: Unit) -> str:
    """Return in which unit something is and in which it should be, to stand behind ``it is``."""
    hint = {
        ("FLOP", "MAC"): ", of which a MAC is two (FLOPs are 2 × MACs)",  # noqa: RUF001
        ("MAC", "FLOP"): ", each of which is two FLOPs (FLOPs are 2 × MACs)",  # noqa: RUF001
    }.get((found, asked), "")
    return f"in {PLURALS[found]}{hint}; asked are {PLURALS[asked]}"


def _plain(text: str) -> str:
    """Return ``text`` with one kind of space, minus and apostrophe, and with exponents behind ``^``."""
    raised = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+", lambda found: "^" + found[0].translate(_SUPERSCRIPTS), text)
    normal = unicodedata.normalize("NFKC", raised).replace("−", "-").replace("’", "'")  # noqa: RUF001
    return _SPACES.sub(" ", normal).strip()


def _mantissa(text: str, *, whole: bool) -> tuple[str, int]:
    """Return the digits of a number and how many of them are decimals. ``whole``: there can be no decimals."""
    grouping = set(text) & set(" '_")
    marks = [one for one in text if one in ".,"]
    if grouping or len(marks) > 1:
        return _grouped(text, sorted(grouping), marks)
    if not marks:
        return text, 0
    before, after = text.split(marks[0])
    if not re.fullmatch("[1-9][0-9]{0,2}", before) or len(after) != 3:
        return before + after, len(after)
    # The only mark stands before three digits: thousands, or decimals. There is no part of a MAC, so a comma is of
    # thousands there; a point may be the decimal point of a figure whose prefix is missing.
    if whole and marks[0] == ",":
        return before + after, 0
    if not whole and marks[0] == ".":
        return before + after, 3
    instead = "write it without a mark, or with its prefix" if whole else f"write {before}{after} or {before}.{after}"
    raise WrittenError(f"`{text}` may mean {before}{after} or {before}.{after}: {instead}")


def _grouped(text: str, grouping: list[str], marks: list[str]) -> tuple[str, int]:
    """Return the same for a number with thousands separators, of which all are alike."""
    separator = grouping[0] if grouping else marks[0]
    decimal = marks[-1] if marks and marks[-1] != separator else ""
    before, _, after = text.rpartition(decimal) if decimal else (text, "", "")
    groups = rf"[0-9]{{1,3}}(?:{re.escape(separator)}[0-9]{{3}})+"
    if not re.fullmatch(groups, before) or not re.fullmatch("[0-9]*", after):
        raise WrittenError(f"the separators in `{text}` do not stand before every three digits")
    return before.replace(separator, "") + after, len(after)


def _prefix_and_unit(text: str) -> tuple[str, Unit | Literal[""]]:
    """Return the prefix, or the word for a number, and the unit in what stands behind a figure."""
    word, _, more = text.replace(".", " ").partition(" ")
    if re.fullmatch("billion(s|en)?", word, re.IGNORECASE):
        raise WrittenError("a billion has nine zeros in English and twelve in German: write G, or e9")
    if word.casefold() in _COUNT_WORDS:
        unit = _unit(more.strip(" "))
        if unit is not None:
            return word.casefold(), unit
    for prefix in _PREFIXES:
        head = text[: len(prefix)]
        if head == prefix or (len(prefix) > 2 and head.casefold() == prefix):
            unit = _unit(text[len(prefix) :].strip(" "))
            if unit is not None:
                return prefix, unit
    raise WrittenError(_unknown(text))


def _unknown(text: str) -> str:
    if re.fullmatch(r"(?i)[kmgt]?\s?(ops?|operations)", text):
        return f"`{_shown(text)}` may be MACs or FLOPs: write which"
    return (
        f"`{_shown(text)}` is no unit that is known here; known are {', '.join(UNITS)}, with prefixes such as k, M, Ki"
    )


def _unit(text: str) -> Unit | Literal[""] | None:
    """Return the unit that ``text`` names: empty for an empty one, None for what is none."""
    if not text:
        return ""
    return _SYMBOLS.get(text) or _UNIT_WORDS.get(text.replace("-", " ").casefold())


def _scale(prefix: str, unit: str) -> Fraction:
    if prefix in _SMALL and (unit in WHOLE or not unit):
        raise WrittenError(f"`{prefix}` makes a thousandth or less; a million is `M`, a thousand `k`")
    if prefix in _BINARY:
        return Fraction(1024) ** _BINARY[prefix]
    if prefix in _COUNT_WORDS:
        return Fraction(_COUNT_WORDS[prefix])
    return Fraction(1000) ** {**_LARGE, **_SMALL}.get(prefix, 0)


def _shown(text: str) -> str:
    return text.replace("`", "'")
