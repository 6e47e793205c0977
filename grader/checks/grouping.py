"""Groups of written answers that say nearly the same in nearly the same words, so that a person marks each once."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

#: Two answers belong together if they share this much of their runs of words.
ALIKE = 0.6
#: Words in a run. Short answers are compared by runs as long as they are.
_RUN = 3
_MAX_WORDS = 600


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, without punctuation and markup."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign if sign.isalnum() else " " for sign in plain).split()


def likeness(left: str, right: str) -> float:
    """Return how much two texts share, from 0 to 1: the Jaccard index of their runs of three words."""
    return _jaccard(_runs(left), _runs(right))


def groups(answers: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Return the keys of ``answers`` in groups, the largest first; each key is in one group.

    An answer joins the first group whose first answer is alike, in the order of the mapping.
    """
    found: list[tuple[frozenset[tuple[str, ...]], list[str]]] = []
    for key, text in answers.items():
        runs = _runs(text)
        group = next((members for first, members in found if _jaccard(first, runs) >= ALIKE), None)
        if group is None:
            found.append((runs, [key]))
        else:
            group.append(key)
    return sorted((tuple(members) for _, members in found), key=lambda members: -len(members))


def _runs(text: str) -> frozenset[tuple[str, ...]]:
    found = words(text)[:_MAX_WORDS]
    length = min(_RUN, max(len(found), 1))
    return frozenset(tuple(found[start : start + length]) for start in range(len(found) - length + 1))


def _jaccard(left: frozenset[tuple[str, ...]], right: frozenset[tuple[str, ...]]) -> float:
    return len(left & right) / len(left | right) if left | right else 1.0
