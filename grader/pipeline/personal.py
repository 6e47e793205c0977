"""Answers that fit somebody else's personal numbers: evidence for a person, never a penalty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grader.checks import fits
from grader.model import Flag
from grader.pipeline.work import Judged
from grader.reference import Evaluation

#: A single answer may fit by chance; this many do not.
COINCIDENCES = 2


def others_numbers(judged: Sequence[Judged], truths: Mapping[tuple[str, int | None], Evaluation]) -> tuple[Flag, ...]:
    """Return a flag for each hand-in whose answers fit the numbers of another submission in the batch.

    An answer counts when it is right for the other's numbers and is not for the student's own (or only by
    follow-through); at least :data:`COINCIDENCES` of them must fit.
    """
    flags = []
    for one in judged:
        doubtful = {result.id for result in one.results if not result.clean}
        if one.run is None or not doubtful:
            continue
        for other in judged:
            if other.task.seed == one.task.seed or other.task.exercise is not one.task.exercise:
                continue
            own = truths[one.task.exercise.id, one.task.seed]
            theirs = truths[other.task.exercise.id, other.task.seed]
            matching = fits(one.task.exercise, doubtful, own, theirs, one.run)
            if len(matching) >= COINCIDENCES:
                names = ", ".join(f"`{name}`" for name in matching)
                message = f"{names} fit the personal numbers of {other.task.submission.id}, not the student's own"
                flags.append(Flag(one.task.submission.id, one.task.exercise.id, message))
    return tuple(flags)
