"""Lateness: whose deadline is when, and what a late hand-in costs. Arithmetic only: no file, clock or network."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from grader.course import Assignment, Extension, LatePolicy
from grader.model import Submission, people_in

_UNKNOWN = (
    "handed in late, but by how much is not known, so nothing was taken off; name a roster that tells when, or decide"
)
_BY_FILES = (
    "late by the times of its files alone, which copying changes, so nothing was taken off; name a roster with the "
    "column `received`, or let these times count with `file_times: true` under `late`"
)
_TOO_LATE = "handed in after the time until which anything counts; a person has to decide whether it does"


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late a hand-in is and what that costs, in points.

    ``seconds`` count from the people's own deadline, before any grace. ``question`` is what a person has to decide, and
    ``pending`` says that there is no mark before.
    """

    seconds: int = 0
    penalty: float = 0.0
    question: str = ""
    pending: bool = False


def lateness(assignment: Assignment, submission: Submission, points: float, max_points: float) -> Lateness:
    """Return how late ``submission`` is, and what is taken off its ``points`` of ``max_points``."""
    policy = assignment.late
    seconds = late_seconds(assignment, submission)
    said = submission.origin.late if submission.origin else None
    if said and submission.received is None:
        return Lateness(question=_UNKNOWN)
    if not (submission.attested or (policy and policy.file_times)):
        charged = policy is not None and _costs(policy) and seconds > policy.grace_seconds
        return Lateness(question=_BY_FILES if charged else "")
    if policy and policy.then == "person" and _is_over(policy, seconds):
        return Lateness(seconds, question=_TOO_LATE, pending=True)
    return Lateness(seconds, penalty(policy, seconds, points, max_points) if policy else 0.0)


def late_seconds(assignment: Assignment, submission: Submission) -> int:
    """Return how long after its people's deadline something was handed in, in started seconds; 0 where unknown."""
    limit = due(assignment, submission)
    if limit is None or submission.received is None:
        return 0
    # In UTC: within one time zone Python would take the difference of what the clocks on the wall show.
    late = (submission.received.astimezone(UTC) - limit.astimezone(UTC)).total_seconds()
    return max(0, math.ceil(late))


def due(assignment: Assignment, submission: Submission) -> datetime | None:
    """Return until when its people may hand in: the latest of the deadline and of every extension that one of them has.

    None where the assignment has no deadline.
    """
    if assignment.deadline is None:
        return None
    given = (extended(assignment, one) for one in assignment.extensions if is_for(one, submission))
    every = [assignment.deadline, *given, *([submission.due] if submission.due else [])]
    return max(one.astimezone(UTC) for one in every)


def extended(assignment: Assignment, extension: Extension) -> datetime:
    """Return the moment that an extension means. Raises ValueError where the assignment has no deadline to extend.

    Days are those of the calendar: one day later is the same time of the day, also where clocks are set in between.
    """
    if isinstance(extension.until, datetime):
        return extension.until
    if assignment.deadline is None:
        raise ValueError(f"{assignment.id} has no deadline to extend")
    here = assignment.deadline.astimezone(assignment.zone) if assignment.zone else assignment.deadline
    return (here + timedelta(days=extension.until.days)).astimezone(UTC) + timedelta(seconds=extension.until.seconds)


def is_for(extension: Extension, submission: Submission) -> bool:
    """Return whether the extension is one of a person's who handed this in, or of their group.

    Logins, addresses and ids must be the same but for case; in the names of people and groups words may be in any
    order.
    """
    labels = [*submission.people, *people_in(submission.people)]
    labels += [submission.origin.group] if submission.origin else []
    exact = {_fold(name) for name in (submission.id, submission.key, *submission.member_keys, *labels) if name}
    words = name_key(extension.who)
    return _fold(extension.who) in exact or (len(words) > 1 and words in map(name_key, labels))


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().casefold()


@cache  # every name is held against every row of somebody's list
def name_key(name: str) -> tuple[str, ...]:
    """Return the words of a name, in any order: family names come first or last."""
    return tuple(sorted(re.findall(r"\w+", unicodedata.normalize("NFC", name).casefold())))


def penalty(policy: LatePolicy, seconds: int, points: float, max_points: float) -> float:
    """Return the points to be taken off ``points`` for being late by ``seconds``: never more than there are."""
    if seconds <= policy.grace_seconds or points <= 0:
        return 0.0
    if _is_over(policy, seconds):
        return points
    whole = max_points if policy.of == "max" else points
    reached = [step.of(whole) for step in policy.steps if seconds > step.after.total_seconds()]
    charge = max(reached, default=0.0)
    if policy.linear:
        charge += policy.linear.of(whole) * math.ceil(seconds / policy.linear.every.total_seconds())
    if policy.cap:
        charge = min(charge, policy.cap.of(whole))
    floor = min(points, policy.floor.of(max_points)) if policy.floor else 0.0
    return min(charge, points - floor)


def _is_over(policy: LatePolicy, seconds: int) -> bool:
    return policy.until is not None and seconds > policy.until.total_seconds()


def _costs(policy: LatePolicy) -> bool:
    return bool(policy.steps or policy.linear or policy.until is not None)
