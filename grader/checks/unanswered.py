"""Whether anything was answered at all: what stands in a starter is no mistake yet."""

from __future__ import annotations

from grader.model import Array, Failure, Plain


def is_nothing(seen: Plain | Failure) -> bool:
    """Return whether what was observed is what starters hold: nothing under the name, None, or empty text.

    Also a list or dict of nothing but that, and calls that all give back nothing, or raise NotImplementedError, without
    having changed an argument.
    """
    match seen:
        case None | {"raised": "NotImplementedError"}:
            return True
        case str():
            return not seen.strip()
        case Failure():
            return seen.is_absence
        case {"value": value, "changed": False}:  # a call
            return is_nothing(value)
        case dict() | list():
            return all(map(is_nothing, seen.values() if isinstance(seen, dict) else seen))
    return isinstance(seen, Array) and 0 in seen.shape
