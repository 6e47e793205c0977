"""Answers that fit other personal numbers than their own: evidence for a person, never a penalty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grader.checks import Cohort, fits, strange_givens
from grader.model import Flag, Run
from grader.pipeline.work import Judged
from grader.reference import Evaluation


def others_numbers(judged: Sequence[Judged]) -> tuple[Flag, ...]:
    """Return a flag for each hand-in that was made for the numbers of another one in the batch, or for nobody's."""
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
            found = tuple(flag for other in others for flag in _compared(one, other))
            yield one, found or tuple(_strange(one, one.run))


def _strange(one: Judged, run: Run) -> Iterator[Flag]:
    """Yield a flag for given numbers that are neither the hand-in's own nor anybody's here."""
    own, exercise = one.task.truth, one.task.exercise
    names = strange_givens(own, run)
    if names:
        printed = bool(fits(exercise, own, Evaluation(own.reference, None), run))
        whose = "the numbers that are printed for everybody" if printed else "numbers that nobody here has"
        yield Flag(one.task.submission.id, exercise.id, f"made for {whose}, and not for its own, by {_listed(names)}")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(f"`{name}`" for name in names[:4]) + more


def _compared(one: Judged, other: Judged) -> Iterator[Flag]:
    if one.run is None or other.task.truth.seed == one.task.truth.seed:
        return
    names = fits(one.task.exercise, one.task.truth, other.task.truth, one.run)
    if names:
        theirs = other.task.submission.id
        message = f"made for the personal numbers of {theirs}, by {_listed(names)}"
        yield Flag(one.task.submission.id, one.task.exercise.id, message, theirs)
