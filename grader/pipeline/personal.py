"""Answers that fit somebody else's personal numbers: evidence for a person, never a penalty."""

from __future__ import annotations

from collections.abc import Sequence

from grader.checks import fits
from grader.model import Flag
from grader.pipeline.work import Judged


def others_numbers(judged: Sequence[Judged]) -> tuple[Flag, ...]:
    """Return a flag for each hand-in that was made for the numbers of another submission in the batch."""
    flags = []
    for one in judged:
        if one.run is None or all(result.clean for result in one.results):
            continue
        exercise, person = one.task.exercise, one.task.submission.id
        for other in judged:
            if other.task.truth.seed == one.task.truth.seed or other.task.exercise is not exercise:
                continue
            names = fits(exercise, one.task.truth, other.task.truth, one.run)
            if names:
                listed = ", ".join(f"`{name}`" for name in names[:4])
                more = f" and {len(names) - 4} more" if len(names) > 4 else ""
                message = f"made for the personal numbers of {other.task.submission.id}, by {listed}{more}"
                flags.append(Flag(person, exercise.id, message))
    return tuple(flags)
