"""Drawing who presents: reproducible by anybody who knows the word, and recorded with everything it was drawn from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Draw:
    """Who presents one exercise; ``drawn`` is None where nobody handed it in. ``declared``: the willing were asked."""

    exercise: str
    drawn: str | None
    candidates: tuple[str, ...]
    declared: bool


def draw(results: Mapping[str, Any], word: str) -> tuple[Draw, ...]:
    """Return who presents each exercise of a batch, in the batch's order.

    ``results`` is what ``grade batch`` writes as results.json. Candidates are those who declared themselves willing and
    handed in; where there are none, all who handed in. Among them the lowest SHA-256 of word, exercise and id is drawn,
    and nobody twice while others are left.
    """
    done: set[str] = set()
    draws = []
    for exercise in _exercises(results):
        willing = _who(results, exercise, declared=True)
        candidates = willing or _who(results, exercise, declared=False)
        fresh = [one for one in candidates if one not in done] or candidates
        drawn = min(fresh, key=lambda one: _rank(word, exercise, one), default=None)
        done |= {drawn} if drawn is not None else set()
        draws.append(Draw(exercise, drawn, tuple(candidates), bool(willing)))
    return tuple(draws)


def _rank(word: str, exercise: str, submission: str) -> str:
    return hashlib.sha256(f"{word}\0{exercise}\0{submission}".encode("utf-8", "surrogatepass")).hexdigest()


def _exercises(results: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the exercises for which somebody could declare, in order."""
    found: dict[str, None] = {}
    for submission in results["submissions"]:
        found |= dict.fromkeys(check["id"] for check in _declarations(submission))
    return tuple(found)


def _declarations(submission: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        check
        for exercise in submission["exercises"]
        for criterion in exercise["criteria"]
        for check in criterion["checks"]
        if check["kind"] == "declaration"
    ]


def _who(results: Mapping[str, Any], exercise: str, *, declared: bool) -> list[str]:
    found = []
    for submission in results["submissions"]:
        handed_in = any(one["id"] == exercise and one["file"] for one in submission["exercises"])
        willing = any(check["id"] == exercise and check["fraction"] > 0 for check in _declarations(submission))
        if handed_in and (willing or not declared):
            found.append(submission["id"])
    return sorted(found)
