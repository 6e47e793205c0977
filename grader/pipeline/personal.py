"""Answers that fit somebody else's personal numbers: evidence for a person, never a penalty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grader.checks import fits
from grader.model import Flag
from grader.pipeline.work import Judged
from grader.reference import Evaluation


def others_numbers(judged: Sequence[Judged], truths: Mapping[tuple[str, int | None], Evaluation]) -> tuple[Flag, ...]:
    """Return a flag for each hand-in that was made for the numbers of another submission in the batch."""
    flags = []
    for one in judged:
        if one.run is None or all(result.clean for result in one.results):
            continue
        exercise, person = one.task.exercise, one.task.submission.id
        own = truths[exercise.id, one.task.seed]
        for other in judged:
            if other.task.seed == one.task.seed or other.task.exercise is not exercise:
                continue
            names = fits(exercise, own, truths[exercise.id, other.task.seed], one.run)
            if names:
                listed = ", ".join(f"`{name}`" for name in names[:4])
                more = f" and {len(names) - 4} more" if len(names) > 4 else ""
                message = f"made for the personal numbers of {other.task.submission.id}, by {listed}{more}"
                flags.append(Flag(person, exercise.id, message))
    return tuple(flags)
