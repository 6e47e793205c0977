"""What a person wants to decide: whether it fits what was graded, and the reports as they are with it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING

from grader import __version__
from grader.course import Assignment
from grader.errors import Problem, UsageError
from grader.model import Batch, CheckScore, Decision, Environment, Report
from grader.overrides import place_text, standing_decisions, stray, unfit
from grader.pipeline.entries import Entries
from grader.pipeline.moves import Moved, marks, moved
from grader.store import Entry

if TYPE_CHECKING:
    from grader.store import Store  # takes long to import

_UNJUDGED = (
    "could not be judged, for a fault of the machine or because it is not clear what was handed in; decide all the "
    "same with --unjudged"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """A decision before it is known whether it fits; ``where`` it was asked for, for messages."""

    where: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Deciding:
    """What decisions change; nothing is kept before :func:`publish_decisions`."""

    batch: Batch
    decisions: tuple[Decision, ...]
    moved: tuple[Moved, ...]
    entries: tuple[Entry, ...]
    known: int


def decide(assignment: Assignment, store: Store, wishes: Sequence[Wish]) -> Deciding:
    """Return the last grading of ``assignment`` with what is wished for in it.

    Raises UsageError when nothing was graded yet, and when a wish does not fit: with all that do not.
    """
    grading = store.last_grading(assignment.id)
    if grading is None:
        raise UsageError(f"{assignment.id} was not graded yet into this gradebook; run `grade batch` first")
    entries = {entry.report.id: entry for entry in grading.entries}
    earlier = store.decisions(assignment.id)
    named = [replace(one, decision=_with_exercise(one.decision, entries)) for one in wishes]
    every = (*earlier, *(one.decision for one in named))
    after = _anew(assignment, grading.entries, every)
    reports = {entry.report.id: entry.report for entry in after}
    problems = [Problem(one.where, text) for one in named for text in _problems(one.decision, reports, earlier)]
    problems += _twice(named)
    if problems:
        raise UsageError("nothing was decided\n" + "\n".join(map(str, problems)))
    decisions = tuple(_with_computed(one.decision, reports) for one in named)
    entries_now = _anew(assignment, grading.entries, (*earlier, *decisions))
    changed = tuple(entry.report for entry in entries_now)
    rest = with_strays(grading.problems, (*earlier, *decisions), changed)
    batch = Batch(assignment.id, assignment.title, changed, rest, __version__, datetime.now(UTC), grading.findings)
    told = moved(marks(one.report for one in grading.entries), marks(changed))
    return Deciding(batch, decisions, told, entries_now, len(earlier))


def publish_decisions(deciding: Deciding, store: Store) -> None:
    """Keep the decisions, and make the reports with them in it the current ones: all of it or nothing."""
    store.save_grading(deciding.batch, "override", deciding.entries, decisions=deciding.decisions, known=deciding.known)


def with_strays(
    problems: Iterable[Problem], decisions: Iterable[Decision], reports: Iterable[Report]
) -> tuple[Problem, ...]:
    """Return ``problems`` with the decisions on submissions that have no report, and no earlier word of such."""
    every = tuple(decisions)
    earlier = {stray(one) for one in every}
    there = {report.id for report in reports}
    lost = [
        stray(one) for name, places in standing_decisions(every).items() if name not in there for one in places.values()
    ]
    return (*(one for one in problems if one not in earlier), *lost)


def _anew(assignment: Assignment, entries: Sequence[Entry], decisions: Iterable[Decision]) -> tuple[Entry, ...]:
    """Return the entries with ``decisions`` in their reports, and no others."""
    made = Entries(assignment, "", Environment("", "", ()), decisions)
    return tuple(
        replace(one, report=made.report(one.submission, one.report.exercises, one.report.problems, one.report.flags))
        for one in entries
    )


def _with_exercise(one: Decision, entries: Mapping[str, Entry]) -> Decision:
    """Return the decision with its exercise, which need not be named where there is one only."""
    entry = entries.get(one.submission)
    if entry is None or one.exercise or not (one.check or one.criterion) or len(entry.report.exercises) != 1:
        return one
    return replace(one, exercise=entry.report.exercises[0].id)


def _problems(one: Decision, reports: Mapping[str, Report], earlier: Iterable[Decision]) -> Iterator[str]:
    report = reports.get(one.submission)
    if not one.reason.strip():
        yield "no reason; say why, also for whoever reads it in a year"
    elif one.withdrawn:
        if one.place not in standing_decisions(earlier).get(one.submission, {}):
            yield f"{one.submission}: {place_text(one)}: nobody decided on it, so there is nothing to take back"
    elif report is None:
        near = get_close_matches(one.submission, reports, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "the class page names them all"
        yield f"no submission {one.submission!r}; {hint}"
    elif (one.check or one.criterion) and not one.exercise:
        yield f"which exercise? There are: {', '.join(part.id for part in report.exercises)}"
    elif not math.isfinite(one.amount(1.0)) or one.place not in {other.place for other in report.decisions}:
        yield f"{one.submission}: {place_text(one)}: {unfit(one, report)}"
    elif not one.unjudged and _unjudged(one, report):
        yield f"{one.submission}: {place_text(one)}: {_UNJUDGED}"


def _unjudged(one: Decision, report: Report) -> bool:
    """Return whether a check that the decision is about was not judged, and no smaller decision settles that."""
    return any(score.fault for score in _checks(one, report))


def _checks(one: Decision, report: Report) -> Iterator[CheckScore]:
    for part in report.exercises:
        for criterion in part.criteria:
            if one.exercise in {"", part.id} and one.criterion in {"", criterion.id}:
                yield from (score for score in criterion.checks if one.check in {"", score.result.id})


def _twice(wishes: Iterable[Wish]) -> Iterator[Problem]:
    counts = Counter((one.decision.submission, one.decision.place) for one in wishes)
    for one in wishes:
        if counts[one.decision.submission, one.decision.place] > 1:
            yield Problem(
                one.where, f"{one.decision.submission}: {place_text(one.decision)}: decided more than once here"
            )


def _with_computed(one: Decision, reports: Mapping[str, Report]) -> Decision:
    """Return the decision with what is computed now as what was when it was decided."""
    there = reports[one.submission].decisions if one.submission in reports else ()
    found = next((other.computed for other in there if other.place == one.place), None)
    return replace(one, was=found or 0.0)
