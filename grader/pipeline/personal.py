"""Answers that fit somebody else's personal numbers: evidence for a person, never a penalty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grader.checks import Cohort, fits
from grader.model import Flag
from grader.pipeline.work import Judged


def others_numbers(judged: Sequence[Judged]) -> tuple[Flag, ...]:
    """Return a flag for each hand-in that was made for the numbers of another submission in the batch."""
    by_exercise: dict[str, list[Judged]] = {}
    for one in judged:
        by_exercise.setdefault(one.task.exercise.id, []).append(one)
    found = {id(one): flags for some in by_exercise.values() for one, flags in _of_exercise(some)}
    return tuple(flag for one in judged for flag in found.get(id(one), ()))


def _of_exercise(judged: Sequence[Judged]) -> Iterator[tuple[Judged, tuple[Flag, ...]]]:
    cohort = Cohort(judged[0].task.exercise, [one.task.truth for one in judged])
    for index, one in enumerate(judged):
        if one.run is not None and not all(result.clean for result in one.results):
            others = (judged[number] for number in cohort.candidates(index, one.run))
            yield one, tuple(flag for other in others for flag in _compared(one, other))


def _compared(one: Judged, other: Judged) -> Iterator[Flag]:
    if one.run is None or other.task.truth.seed == one.task.truth.seed:
        return
    names = fits(one.task.exercise, one.task.truth, other.task.truth, one.run)
    if names:
        listed = ", ".join(f"`{name}`" for name in names[:4])
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        theirs = other.task.submission.id
        message = f"made for the personal numbers of {theirs}, by {listed}{more}"
        yield Flag(one.task.submission.id, one.task.exercise.id, message, theirs)
