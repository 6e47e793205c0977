"""Selected answers made comparable, and the share of a set or of an order that is right."""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable, Sequence
from itertools import combinations
from typing import Any, TypeAlias

#: One answer made comparable: a word without case, spaces and punctuation, a number, or a set of those.
Token: TypeAlias = Hashable


def token(value: Any) -> Token:
    """Return an answer made comparable: text in lower case without spaces and punctuation, a number as it is."""
    if not isinstance(value, str):
        return str(value).casefold() if isinstance(value, bool) or not isinstance(value, int | float) else value
    text = unicodedata.normalize("NFKC", value).casefold().strip()
    try:
        return float(text)
    except ValueError:
        kept = "".join(sign for sign in text if unicodedata.category(sign)[0] not in "PZC")
        return kept or text


def set_share(chosen: frozenset[Token], right: frozenset[Token], options: int) -> float:
    """Return the share of right ones that were chosen, less the share of wrong ones; nothing below zero."""
    hits, misses = len(chosen & right), len(chosen - right)
    wrong = max(options - len(right), misses) if options else len(right)
    return max(0.0, hits / len(right) - misses / max(wrong, 1)) if right else 0.0


def kendall(found: Sequence[Token], right: Sequence[Token]) -> float:
    """Return 1 less twice the share of pairs that are the wrong way round or incomplete; nothing below zero."""
    place = {answer: index for index, answer in reversed(list(enumerate(found)))}
    pairs = list(combinations(right, 2))
    good = sum(first in place and second in place and place[first] < place[second] for first, second in pairs)
    extra = len(found) - len(set(found) & set(right))
    return max(0.0, 2 * good / max(len(pairs) + extra, 1) - 1) if pairs else 0.0
