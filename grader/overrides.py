"""What people decided, in place of what was computed: from checks up to the total, each on what lies below it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from math import fsum

from grader.errors import Problem
from grader.model import CheckScore, CriterionScore, Decision, ExerciseReport, Place, Report

_HAIR = 1e-9


def standing_decisions(decisions: Iterable[Decision]) -> dict[str, dict[Place, Decision]]:
    """Return the decisions that count, by submission and place: of each place the last, unless it took one back."""
    last = {(one.submission, one.place): one for one in decisions}
    found: dict[str, dict[Place, Decision]] = {}
    for one in last.values():
        if not one.withdrawn:
            found.setdefault(one.submission, {})[one.place] = one
    return found


def decided(
    parts: Sequence[ExerciseReport],
    whole: Callable[[Sequence[ExerciseReport]], Report],
    decisions: Mapping[Place, Decision],
    exercises: Collection[str],
) -> Report:
    """Return the report on ``parts`` with ``decisions`` in it, and with no other.

    ``whole`` makes a report of its parts: what it takes off for lateness is taken off what was decided for them, and a
    decision on the total wins over it. Decisions that fit nothing become its ``misfits``, but for those on one of the
    assignment's ``exercises`` that is not among the parts.
    """
    report = whole(tuple(decide_exercise(undecided(part), decisions) for part in parts))
    own = decisions.get(("", "", "", ""))
    if own and _fits(own, report.max_points):
        pending = any(part.pending and _faulty(part.criteria) for part in report.exercises)
        settled = replace(own, computed=report.points)
        report = replace(
            report,
            points=own.amount(report.max_points),
            pending=pending and not own.unjudged,
            decision=settled,
            penalty=0.0,
            late_question="",
        )
    total = report.decision.computed if report.decision else report.points
    members = (one for one in decisions.values() if one.member in _named(report) and _fits(one, report.max_points))
    report = replace(report, member_decisions=tuple(replace(one, computed=total) for one in members if one.member))
    applied = {one.place for one in report.decisions}
    absent = set(exercises) - {part.id for part in parts}
    rest = (one for one in decisions.values() if one.place not in applied and one.exercise not in absent)
    return replace(report, misfits=tuple(replace(one, computed=None) for one in rest))


def decide_exercise(part: ExerciseReport, decisions: Mapping[Place, Decision]) -> ExerciseReport:
    """Return an exercise as it was computed with ``decisions`` in it."""
    criteria = tuple(_criterion(part.id, one, decisions) for one in part.criteria)
    if criteria != part.criteria:
        part = _summed(part, criteria)
    own = decisions.get((part.id, "", "", ""))
    if own is None or not _fits(own, part.max_points):
        return part
    pending = _faulty(criteria) and not own.unjudged
    settled = replace(own, computed=part.points)
    return replace(part, points=own.amount(part.max_points), pending=pending, decision=settled)


def undecided(part: ExerciseReport) -> ExerciseReport:
    """Return an exercise as it was computed, without the decisions in it."""
    criteria = tuple(_computed(one) for one in part.criteria)
    if criteria == part.criteria and part.decision is None:
        return part
    return replace(_summed(part, criteria), decision=None)


def misfit(one: Decision, report: Report) -> Problem:
    """Return what to tell of a decision that does not fit ``report``."""
    return _lost(one, f"{unfit(one, report)}, so it does not count")


def stray(one: Decision) -> Problem:
    """Return what to tell of a decision on a submission that is not there any more."""
    return _lost(one, "there is no such submission any more, so it does not count")


def _lost(one: Decision, why: str) -> Problem:
    reason = "" if one.private else f" ({one.reason})"
    said = f"{one.who} decided {amount_text(one)}{reason}, but {why}; decide again, or take it back with --withdraw"
    return Problem(f"{one.submission}: {place_text(one)}", said)


def unfit(one: Decision, report: Report) -> str:
    """Return why a decision does not fit ``report``."""
    if one.member and one.member not in _named(report):
        return f"that is none of those who handed in: {', '.join(report.members) or 'nobody is named'}"
    if not one.exercise:
        return _out_of_range(report.max_points)
    parts = {part.id: part for part in report.exercises}
    if one.exercise not in parts:
        return f"there is no such exercise; there are: {', '.join(parts) or 'none'}"
    part = parts[one.exercise]
    if one.check:
        known = {score.result.id: score.max_points for c in part.criteria for score in c.checks}
    else:
        known = {criterion.id: criterion.max_points for criterion in part.criteria}
    name = one.check or one.criterion
    if name and name not in known:
        return f"there is no such {'check' if one.check else 'criterion'}; there are: {', '.join(known) or 'none'}"
    return _out_of_range(known[name] if name else part.max_points)


def _named(report: Report) -> set[str]:
    # Who has a number of their own is one person, whatever their name looks like.
    return {*report.people, *report.members}


def _out_of_range(max_points: float) -> str:
    return f"points go from 0 to {max_points:g} there"


def place_text(one: Decision) -> str:
    """Return what a decision is about, in words."""
    if one.check:
        return f"check `{one.check}` of {one.exercise}"
    if one.criterion:
        return f"criterion `{one.criterion}` of {one.exercise}"
    return one.exercise or ("total" if not one.member else f"total of {one.member}")


def amount_text(one: Decision) -> str:
    """Return what was decided, in words."""
    if one.fraction is not None:
        return {0.0: "no points", 1.0: "full points"}.get(one.fraction, f"{one.fraction:g} of the points")
    return "taken back" if one.points is None else f"{one.points:g} point{'s' if one.points != 1 else ''}"


def _criterion(exercise: str, one: CriterionScore, decisions: Mapping[Place, Decision]) -> CriterionScore:
    checks = tuple(_check(score, decisions.get((exercise, "", score.result.id, ""))) for score in one.checks)
    if checks != one.checks:
        one = _added(one, checks)
    own = decisions.get((exercise, one.id, "", ""))
    if own is None or not _fits(own, one.max_points):
        return one
    pending = any(score.fault for score in checks) and not own.unjudged
    settled = replace(own, computed=one.points)
    return replace(one, points=own.amount(one.max_points), pending=pending, decision=settled)


def _check(score: CheckScore, own: Decision | None) -> CheckScore:
    if own is None or not _fits(own, score.max_points):
        return score
    settled = replace(own, computed=score.points)
    return replace(score, points=own.amount(score.max_points), decision=settled)


def _computed(one: CriterionScore) -> CriterionScore:
    checks = tuple(
        score if score.decision is None else replace(score, points=score.decision.computed or 0.0, decision=None)
        for score in one.checks
    )
    if checks == one.checks and one.decision is None:
        return one
    return replace(_added(one, checks), decision=None)


def _added(one: CriterionScore, checks: tuple[CheckScore, ...]) -> CriterionScore:
    points = round(fsum(score.points for score in checks), 6)
    return replace(one, points=points, pending=any(score.owed for score in checks), checks=checks)


def _summed(part: ExerciseReport, criteria: tuple[CriterionScore, ...]) -> ExerciseReport:
    points = round(fsum(one.points for one in criteria), 6)
    return replace(part, points=points, pending=any(one.pending for one in criteria), criteria=criteria)


def _faulty(criteria: Iterable[CriterionScore]) -> bool:
    return any(one.pending and any(score.fault for score in one.checks) for one in criteria)


def _fits(one: Decision, max_points: float) -> bool:
    return 0 <= one.amount(max_points) <= max_points + _HAIR
