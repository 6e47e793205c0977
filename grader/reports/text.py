"""Text from strangers made harmless, and numbers made readable."""

from __future__ import annotations

import math
import re

_MISFIT = "\ufffd"
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_SURROGATES = re.compile("[\ud800-\udfff]")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HASH = re.compile(r"[0-9a-f]{16,}")


def encodable(text: str) -> str:
    """Return ``text`` with lone surrogates replaced, so that it can be written as UTF-8."""
    return _SURROGATES.sub(_MISFIT, text)


def clean(text: str) -> str:
    r"""Return ``text`` as it would look when printed: no escape sequences, control characters or surrogates.

    Line ends become ``\n``. Of a line that a progress bar wrote again and again, the last state stays.
    """
    text = _ANSI.sub("", encodable(text)).replace("\r\n", "\n")
    text = text.replace("\u2028", "\n").replace("\u2029", "\n")
    return _CONTROLS.sub(_MISFIT, "\n".join(_last_state(line) for line in text.split("\n")))


def plain(text: str) -> str:
    """Return ``clean(text)`` without characters that change the direction of the text around them."""
    return _DIRECTIONS.sub(_MISFIT, clean(text))


def label(text: str, limit: int = 160) -> str:
    """Return ``clean(text)`` on one line and at most ``limit`` characters long, for a name or a heading."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def number(value: float) -> str:
    """Return points with at most two decimals and no trailing zeros: ``13``, ``0.5``, ``6.67``."""
    if not math.isfinite(value):
        return "?"
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def bytes_text(amount: float) -> str:
    """Return bytes in the largest of B, KiB and MiB that leaves one before the point: ``161.5 KiB``."""
    for unit, size in (("MiB", 1024**2), ("KiB", 1024)):
        if abs(amount) >= size:
            return f"{amount / size:,.1f} {unit}"
    return f"{amount:,.0f} B"


def seconds_text(amount: float) -> str:
    """Return seconds with their unit: ``1.57 s``."""
    return f"{number(amount)} s"


def percent(share: float) -> str:
    """Return a share between 0 and 1 as whole per cent: ``67 %``, with a no-break space."""
    return f"{100 * share:.0f}\u00a0%"


def signed(value: float) -> str:
    """Return a coefficient with two decimals and a true minus sign: ``0.41``."""
    text = f"{value:.2f}"
    return text.removeprefix("-") if text == "-0.00" else text.replace("-", "\N{MINUS SIGN}")


def duration(seconds: float) -> str:
    """Return a span of time in its two largest units: ``2 days 3 h``, ``5 min``, ``12 s``."""
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "day" if days == 1 else "days"), (hours, "h"), (minutes, "min"), (left, "s")]
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[:2] if amount) or "0 s"


def count(amount: int, one: str, many: str = "") -> str:
    """Return ``1 check`` or ``3 checks``; ``many`` is for plurals that do not end in s."""
    return f"{amount} {one if amount == 1 else many or one + 's'}"


def readable(identifier: str) -> str:
    """Return an identifier as words: ``mask_forgotten`` becomes ``mask forgotten``."""
    return label(identifier.replace("_", " "))


def short_hash(fingerprint: str) -> str:
    """Return the first 12 digits of a hexadecimal hash; anything else as it is."""
    digits = fingerprint.removeprefix("sha256:")
    return digits[:12] if _HASH.fullmatch(digits) else label(fingerprint)


def _last_state(line: str) -> str:
    return next((part for part in reversed(line.split("\r")) if part), "")
