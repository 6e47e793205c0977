"""Of several graded attempts of one submission, the best."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from math import fsum

from grader.store import Entry


def best(entries: Iterable[Entry]) -> list[Entry]:
    """Return one entry for each submission: of several attempts the best, the earliest of equally good ones.

    What is pending may still earn all that is owed. An attempt that might become the best so is the one that counts,
    which keeps the mark pending until that is known.
    """
    attempts: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        attempts[entry.submission.attempt_of or entry.submission.id].append(entry)
    return [_named(max(mine, key=_rank), name) for name, mine in attempts.items()]


def _rank(entry: Entry) -> tuple[float, bool]:
    """Return how good an attempt is, or can become; of two as good the settled one is better."""
    report = entry.report
    scores = (score for part in report.exercises for criterion in part.criteria for score in criterion.checks)
    owed = fsum(score.max_points - score.points for score in scores if score.owed)
    return report.points + owed, not report.pending


def _named(entry: Entry, name: str) -> Entry:
    """Return the entry under the name of the submission that it is an attempt of."""
    if entry.report.id == name:
        return entry
    flags = tuple(replace(flag, submission=name) for flag in entry.report.flags)
    return replace(
        entry, report=replace(entry.report, id=name, flags=flags), submission=replace(entry.submission, id=name)
    )
