"""From what a format found to submissions: which attempt counts, who handed in twice, and the files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from grader.errors import Problem
from grader.importers.folders import read_submission
from grader.importers.handins import Delivery, Found, HandIn, Intake, Settings
from grader.model import Submission


def gather(found: Found, delivery: Delivery, settings: Settings) -> Intake:
    """Return the submissions, by id.

    Of several attempts with a time the one counts that ``settings`` ask for; for the best of them all are submissions.
    Ids that differ only by case are one
    person twice: neither is graded.
    """
    problems, notes = list(found.problems), list(found.notes)
    by_person: dict[str, list[HandIn]] = defaultdict(list)
    for one in sorted(found.hand_ins, key=lambda one: one.id):
        by_person[one.id.casefold()].append(one)
    clear: list[Submission] = []
    unresolved: list[Submission] = []
    for attempts in by_person.values():
        chosen = choose_attempt(attempts, settings)
        if chosen and len(attempts) > 1 and settings.attempts == "best":
            for one in _numbered(attempts):
                submission, unreadable = read_submission(one, delivery, settings.assignment)
                clear.append(replace(submission, attempt_of=chosen.id))
                problems += unreadable
            notes.append(f"{chosen.id}: {len(attempts)} attempts, all of which are graded; the best counts")
            continue
        read = [read_submission(one, delivery, settings.assignment) for one in ([chosen] if chosen else attempts)]
        for _, unreadable in read:
            problems += unreadable
        (clear if chosen else unresolved).append(read[0][0])
        if not chosen:
            places = ", ".join(one.source for one in attempts)
            message = f"handed in twice, as {places}; remove the one that does not count (neither was graded)"
            problems.append(Problem(attempts[0].source, message))
        elif len(attempts) > 1:
            rule = {"latest": "the latest", "in-time": "the latest in time", "first": "the first"}[settings.attempts]
            notes.append(f"{chosen.id}: {len(attempts)} attempts, of which {rule} counts: {chosen.source}")
    return Intake(tuple(clear), tuple(unresolved), tuple(problems), notes=tuple(notes))


def _numbered(attempts: Sequence[HandIn]) -> list[HandIn]:
    """Return attempts that all have a time, by time, each with an id of its own."""
    ordered = sorted(attempts, key=lambda one: one.received or datetime.max.replace(tzinfo=UTC))
    return [replace(one, id=f"{one.id}~{number}") for number, one in enumerate(ordered, start=1)]


def choose_attempt(attempts: Sequence[HandIn], settings: Settings) -> HandIn | None:
    """Return the attempt that counts; None where nothing tells one from another.

    ``in-time`` is the latest that is not after the deadline, or the latest of all where every one is.
    """
    if len(attempts) == 1:
        return attempts[0]
    dated: list[tuple[datetime, HandIn]] = [(one.received, one) for one in attempts if one.received]
    if len({time for time, _ in dated}) != len(attempts):
        return None
    dated.sort(key=lambda pair: pair[0])
    if settings.attempts == "first":
        return dated[0][1]
    in_time = [one for time, one in dated if settings.deadline is None or time <= settings.deadline]
    return in_time[-1] if settings.attempts == "in-time" and in_time else dated[-1][1]
