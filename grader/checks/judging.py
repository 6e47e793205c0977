"""Judging a whole exercise: its checks in the order in which the quantities depend on each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import cast

from grader.checks.case import Asked, Case, JudgingKind
from grader.course import Check, Exercise
from grader.model import CheckResult, Probe, Run, Status, Stop
from grader.reference import Evaluation


def probes(exercise: Exercise) -> tuple[Probe, ...]:
    """Return what to observe: what the checks ask for, and the givens, which show whose numbers were used."""
    wanted = [probe for check in exercise.rubric.checks for probe in check.kind.probes(check.options)]
    wanted += [Probe("value", name) for name in exercise.reference.givens]
    return tuple(dict.fromkeys(wanted))


def judge_exercise(exercise: Exercise, truth: Evaluation, run: Run) -> tuple[CheckResult, ...]:
    """Return the result of every check of the rubric, in its order.

    ``truth`` evaluates the exercise's reference for the student's numbers. A run that failed through no fault of the
    student gives results with status ``error``, which make the score pending.
    """
    checks = exercise.rubric.checks
    if run.stop is Stop.INFRASTRUCTURE:
        message = "Could not be run for a reason that is not yours; it will be tried again."
        return tuple(_owed(check, message, run.detail) for check in checks)
    case = _case(checks, truth, run)
    results: dict[str, CheckResult] = {}
    for check in _in_order(checks, truth):
        kind = cast("JudgingKind", check.kind)
        try:
            verdict = kind.judge(check.options, case)
        except Exception as error:  # noqa: BLE001 - a fault of ours or of the reference must not become a zero
            results[check.id] = _owed(check, "Could not be judged; a person will look at it.", f"{error!r}")
            continue
        case = case.with_result(check.options.subject, verdict)
        results[check.id] = verdict.result
    return tuple(results[check.id] for check in checks)


def _case(checks: Iterable[Check], truth: Evaluation, run: Run) -> Case:
    asked: dict[str, Asked] = {}
    for check in checks:
        asked |= cast("JudgingKind", check.kind).asked(check.options)
    observed = {one.probe.name: one.value for one in run.observations}
    reason = f"A possible reason: {run.errors[0]}." if run.errors else ""
    return Case(truth, asked, observed, adopted={}, settled={}, reason=reason)


def _in_order(checks: Iterable[Check], truth: Evaluation) -> list[Check]:
    rank: Mapping[str, int] = {name: index for index, name in enumerate(truth.reference.order)}
    return sorted(checks, key=lambda check: rank.get(check.options.subject, len(rank)))


def _owed(check: Check, message: str, evidence: str) -> CheckResult:
    return CheckResult(check.id, check.kind.name, Status.ERROR, 0.0, message, evidence)


def fits(exercise: Exercise, names: Collection[str], own: Evaluation, other: Evaluation, run: Run) -> tuple[str, ...]:
    """Return which checks among ``names`` have answers that are right for ``other`` numbers and wrong for ``own``.

    An answer that is right for both tells nothing.
    """
    checks = [check for check in exercise.rubric.checks if check.id in names]
    mine, theirs = (_case(exercise.rubric.checks, truth, run) for truth in (own, other))
    found = []
    for check in checks:
        kind = cast("JudgingKind", check.kind)
        there, here = (kind.judge(check.options, case).result for case in (theirs, mine))
        if there.clean and not here.clean:
            found.append(check.id)
    return tuple(found)
