"""How the items of a rubric worked in a class: difficulty, discrimination, and what to look at because of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import fsum
from statistics import correlation, fmean
from typing import Literal

from grader.model import Batch, CriterionScore, ExerciseReport, Report

#: With fewer submissions the correlation says more about chance than about the item.
LEAST_FOR_DISCRIMINATION = 20
#: With a mean share below or above these an item hardly tells students apart.
TOO_HARD, TOO_EASY = 0.2, 0.95

NEGATIVE = "negative discrimination: look at the check"
HARD = "too hard"
EASY = "too easy"
_ORDER = (NEGATIVE, HARD, EASY)


@dataclass(frozen=True, slots=True)
class Item:
    """A check or a criterion over the ``settled`` submissions whose exercise was graded.

    ``difficulty`` is the mean share of its points, 0 to 1, so that a *high* one is easy (None when nothing is settled).
    ``discrimination`` is its correlation with the total of the same submissions without it, -1 to 1: the corrected
    point-biserial coefficient where an item is right or wrong. Where it is None, ``undefined`` says why. ``unanswered``
    is the share that gave no answer to a check; None for a criterion.
    """

    exercise: str
    name: str
    kind: Literal["check", "criterion"]
    max_points: float
    settled: int
    difficulty: float | None
    discrimination: float | None
    undefined: str
    flags: tuple[str, ...]
    unanswered: float | None = None


@dataclass(frozen=True, slots=True)
class _Score:
    """One submission's share of an item, and the rest of its total; no rest while something in it is pending."""

    share: float
    rest: float | None
    unanswered: bool


def items(batch: Batch) -> tuple[Item, ...]:
    """Return every check and criterion that is worth points: flagged ones first, then in the order of the rubric."""
    found: dict[tuple[str, str, Literal["check", "criterion"]], tuple[str, str, float, list[_Score]]] = {}
    for report in batch.reports:
        total = None if report.pending else fsum(one.points for one in report.exercises)
        for exercise, criterion in _graded(report):
            for kind, key, name, points, most, owed, unanswered in _parts(criterion):
                entry = found.setdefault((exercise.id, key, kind), (exercise.title, name, most, []))
                if most > 0 and not owed:
                    # Without rounding, totals that are equal would differ by their last bits, and correlate.
                    rest = None if total is None else round(total - points, 9)
                    entry[3].append(_Score(points / most, rest, unanswered))
    every = [_item(kind, *entry) for (_, _, kind), entry in found.items() if entry[2] > 0]
    return tuple(sorted(every, key=lambda item: _ORDER.index(item.flags[0]) if item.flags else len(_ORDER)))


def discrimination(shares: Sequence[float], rests: Sequence[float]) -> tuple[float | None, str]:
    """Return the correlation of an item with the rest of the total; or None, and why it is not defined."""
    if len(shares) < LEAST_FOR_DISCRIMINATION:
        return None, f"fewer than {LEAST_FOR_DISCRIMINATION} settled"
    if len(set(shares)) == 1:
        return None, "everybody has the same"
    if len(set(rests)) == 1:
        return None, "the rest is the same for everybody"
    return correlation(shares, rests), ""


def _graded(report: Report) -> Iterator[tuple[ExerciseReport, CriterionScore]]:
    """Yield the criteria of exercises that were handed in; the others would make every item look alike."""
    for exercise in report.exercises:
        if exercise.file:
            for criterion in exercise.criteria:
                yield exercise, criterion


def _parts(
    criterion: CriterionScore,
) -> Iterator[tuple[Literal["check", "criterion"], str, str, float, float, bool, bool]]:
    yield "criterion", criterion.id, criterion.title, criterion.points, criterion.max_points, criterion.pending, False
    for check in criterion.checks:
        name = check.result.id
        yield "check", name, name, check.points, check.max_points, check.owed, check.result.unanswered


def _item(
    kind: Literal["check", "criterion"], exercise: str, name: str, max_points: float, scores: list[_Score]
) -> Item:
    difficulty = fmean(score.share for score in scores) if scores else None
    whole = [(score.share, score.rest) for score in scores if score.rest is not None]
    found, undefined = discrimination([share for share, _ in whole], [rest for _, rest in whole])
    flags = _flags(difficulty, found)
    unanswered = fmean(score.unanswered for score in scores) if scores and kind == "check" else None
    return Item(exercise, name, kind, max_points, len(scores), difficulty, found, undefined, flags, unanswered)


def _flags(difficulty: float | None, found: float | None) -> tuple[str, ...]:
    flags = [NEGATIVE] if found is not None and found < 0 else []
    if difficulty is not None:
        flags += [HARD] if difficulty < TOO_HARD else [EASY] if difficulty > TOO_EASY else []
    return tuple(flags)
