"""Who moved between two gradings, check by check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isclose

from grader.model import Report

#: An exercise and a check of it.
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a check came out. ``status``: as of its result; ``points`` of ``max_points``."""

    points: float
    max_points: float
    status: str
    misconception: str | None = None
    follow_through: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark of a submission, after the ``penalty`` for lateness, with the outcome of every check."""

    points: float
    max_points: float
    pending: bool
    checks: Mapping[Place, Outcome]
    penalty: float = 0.0


@dataclass(frozen=True, slots=True)
class Move:
    """A check that came out otherwise: before, after, and why. One side is None where the check was not there."""

    exercise: str
    check: str
    before: Outcome | None
    after: Outcome | None
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """A submission of which something moved. One side is None where the submission was not there."""

    submission: str
    before: Mark | None
    after: Mark | None
    checks: tuple[Move, ...]


def marks(reports: Iterable[Report]) -> dict[str, Mark]:
    """Return the mark of every submission."""
    return {one.id: Mark(one.points, one.max_points, one.pending, _outcomes(one), one.penalty) for one in reports}


def _outcomes(report: Report) -> dict[Place, Outcome]:
    return {
        (exercise.id, score.result.id): Outcome(
            score.points,
            score.max_points,
            score.result.status.value,
            score.result.misconception,
            score.result.follow_through,
        )
        for exercise in report.exercises
        for criterion in exercise.criteria
        for score in criterion.checks
    }


def moved(
    before: Mapping[str, Mark],
    after: Mapping[str, Mark],
    because: Callable[[str, Move], tuple[str, ...]] = lambda _, __: (),
) -> tuple[Moved, ...]:
    """Return every submission whose points, or the outcome of one of whose checks, differ; by id.

    More or fewer points to be had are no move by themselves.
    """
    found = []
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        checks = () if was is None or now is None else _moves(was.checks, now.checks)
        told = tuple(Move(one.exercise, one.check, one.before, one.after, because(name, one)) for one in checks)
        if told or was is None or now is None or not _same(was.points, now.points) or was.pending != now.pending:
            found.append(Moved(name, was, now, told))
    return tuple(found)


def _moves(before: Mapping[Place, Outcome], after: Mapping[Place, Outcome]) -> tuple[Move, ...]:
    places = dict.fromkeys([*before, *after])
    moves = (Move(*place, before.get(place), after.get(place)) for place in places)
    return tuple(one for one in moves if not _alike(one.before, one.after))


def _alike(one: Outcome | None, other: Outcome | None) -> bool:
    if one is None or other is None:
        return False
    same = (one.status, one.misconception, one.follow_through) == (
        other.status,
        other.misconception,
        other.follow_through,
    )
    return same and _same(one.points, other.points)


def _same(one: float, other: float) -> bool:
    return isclose(one, other, rel_tol=0.0, abs_tol=1e-9)
