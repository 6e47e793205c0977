"""Counting what a cell prints and displays, and cutting it where it becomes too much."""

from __future__ import annotations

from typing import Any

#: Displays in one cell, and bytes of one picture or page, beyond which no more is kept.
MAX_DISPLAYS = 1000
MAX_RICH_CHARS = 8 * 1024**2
CUT_IN_TOTAL = "[output cut here: the notebook's outputs are too large]\n"


class Meter:
    """Counts what the current cell has printed and displayed. ``max_chars`` caps its text."""

    def __init__(self) -> None:
        self.max_chars = 64 * 1024
        self.reset()

    def reset(self) -> None:
        """Start a new cell."""
        self._chars = 0
        self._displays = 0
        self._cut = False

    def text(self, string: str) -> str:
        """Return as much of ``string`` as still fits, with a visible marker where the cut is."""
        left = self.max_chars - self._chars
        if len(string) <= left:
            self._chars += len(string)
            return string
        if self._cut:
            return ""
        self._cut, self._chars = True, self.max_chars
        return string[:left] + marker(self.max_chars)

    def may_display(self) -> bool:
        """Count one display and return whether it may be kept."""
        self._displays += 1
        return self._displays <= MAX_DISPLAYS

    def trim(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return a display's forms without those that are too large."""
        kept = {kind: form for kind, form in data.items() if _length(form) <= MAX_RICH_CHARS}
        plain = data.get("text/plain")
        if isinstance(plain, str) and len(plain) > self.max_chars:
            kept["text/plain"] = plain[: self.max_chars] + marker(self.max_chars)
        elif len(kept) < len(data) and "text/plain" not in kept:
            kept["text/plain"] = marker(MAX_RICH_CHARS)
        return kept


def marker(max_chars: int) -> str:
    """Return the line that stands where output was cut."""
    return f"\n[output cut here: more than {max_chars} characters]\n"


def _length(form: object) -> int:
    return len(form) if isinstance(form, str | bytes) else 0


def size(content: object) -> int:
    """Return about how many characters ``content``, plain data, takes."""
    if isinstance(content, dict):
        return sum(size(part) for part in content.values())
    if isinstance(content, list):
        return sum(size(part) for part in content)
    return len(content) if isinstance(content, str | bytes) else 8
