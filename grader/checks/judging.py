"""Judging a whole exercise: its checks in the order in which the quantities depend on each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

from grader.checks.answers import Answer, expected_value, read_answer
from grader.checks.case import Asked, Case, Context, JudgingKind
from grader.checks.comparing import Tolerance, agrees
from grader.course import Check, Exercise
from grader.model import CheckResult, Failure, Probe, Run, Status, Stop
from grader.reference import Evaluation

NO_CONTEXT = Context()

#: How near given numbers have to be to somebody else's to be those.
COPIED = Tolerance(1e-8, 1e-5)

#: A hand-in fits other numbers if at most this share of its answers does not.
CHANCE_MISSES = 0.2


def probes(exercise: Exercise, truth: Evaluation) -> tuple[Probe, ...]:
    """Return what to observe: what the checks ask for, and the givens, which show whose numbers were used."""
    wanted = [probe for check in exercise.rubric.checks for probe in check.kind.probes(check.options, truth)]
    wanted += [Probe("value", name) for name in exercise.reference.givens]
    return tuple(dict.fromkeys(wanted))


def uses_context(exercise: Exercise) -> bool:
    """Return whether results depend on more than the run: on the people, the time or the other exercises."""
    return any(cast("JudgingKind", check.kind).uses_context for check in exercise.rubric.checks)


def judge_exercise(
    exercise: Exercise, truth: Evaluation, run: Run, context: Context = NO_CONTEXT
) -> tuple[CheckResult, ...]:
    """Return the result of every check of the rubric, in its order.

    ``truth`` evaluates the exercise's reference for the student's numbers and hidden inputs. A run that failed
    through no fault of the student gives results with status ``error``, which make the score pending.
    """
    checks = exercise.rubric.checks
    if run.stop is Stop.INFRASTRUCTURE:
        message = "Could not be run for a reason that is not yours; it has to be run again."
        return tuple(_owed(check, message, run.detail) for check in checks)
    case = replace(_case(checks, truth, run), context=context)
    results: dict[str, CheckResult] = {}
    for check in _in_order(checks, truth):
        kind = cast("JudgingKind", check.kind)
        try:
            verdict = kind.judge(check.options, case)
            if verdict.result.status is Status.FAILED and kind.unanswered(check.options, case):
                verdict = replace(verdict, result=replace(verdict.result, unanswered=True))
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
    observed = {one.probe: one.value for one in run.observations}
    reason = f"A possible reason: {run.errors[0]}." if run.errors else ""
    return Case(truth, asked, observed, adopted={}, settled={}, reason=reason, run=run)


def _in_order(checks: Iterable[Check], truth: Evaluation) -> list[Check]:
    rank: Mapping[str, int] = {name: index for index, name in enumerate(truth.reference.order)}
    return sorted(checks, key=lambda check: rank.get(check.options.subject, len(rank)))


def _owed(check: Check, message: str, evidence: str) -> CheckResult:
    return CheckResult(check.id, check.kind.name, Status.ERROR, 0.0, message, evidence)


def fits(exercise: Exercise, own: Evaluation, other: Evaluation, run: Run) -> tuple[str, ...]:
    """Return which names show that a hand-in was made for the numbers of ``other`` and not for its ``own``.

    These are the given arrays, if all of them are the other's, and answers that are right for the other only; answers
    count only if nearly all of the hand-in is right for the other's numbers, since single ones may agree by chance.
    Nothing, where the reference cannot be evaluated for one of the two: the results say so already.
    """
    try:
        return _fitting(exercise, own, other, run)
    except Exception:  # noqa: BLE001 - an author's function may fail in any way; a flag is not worth the batch
        return ()


def strange_givens(own: Evaluation, run: Run) -> tuple[str, ...]:
    """Return the given arrays that a run holds otherwise than its ``own`` numbers are, if it holds none of these.

    Nothing, where the reference cannot be evaluated.
    """
    try:
        printed = Evaluation(own.reference, None)
        return tuple(_strange(own, printed, run))
    except Exception:  # noqa: BLE001 - an author's function may fail in any way; a flag is not worth the batch
        return ()


def _strange(own: Evaluation, printed: Evaluation, run: Run) -> list[str]:
    observed = {one.probe.name: one.value for one in run.observations if one.probe.kind == "value"}
    strange = []
    for name in own.reference.givens:
        mine, common = expected_value(own.value(name)), expected_value(printed.value(name))
        if isinstance(mine, str) or mine.size < 3 or agrees(mine, common, COPIED):
            continue  # it tells nobody apart
        answer = read_answer(name, observed.get(name, Failure("missing")), mine, transpose=False)
        if isinstance(answer, Answer):
            if agrees(answer.value, mine, COPIED):
                return []
            strange.append(name)
    return strange


def _fitting(exercise: Exercise, own: Evaluation, other: Evaluation, run: Run) -> tuple[str, ...]:
    given = _others_givens(own, other, run)
    cases = [_case(exercise.rubric.checks, truth, run) for truth in (other, own)]
    right_there: list[str] = []
    missed = 0
    for check in exercise.rubric.checks:
        kind = cast("JudgingKind", check.kind)
        if not kind.right(check.options, cases[0]):
            missed += 1
        elif not kind.right(check.options, cases[1]):
            right_there.append(check.id)
        if missed > CHANCE_MISSES * len(exercise.rubric.checks):
            return given
    return (*given, *right_there)


def _others_givens(own: Evaluation, other: Evaluation, run: Run) -> tuple[str, ...]:
    """Return the given arrays that tell the two apart, if the run holds the other's under each of these names."""
    observed = {one.probe.name: one.value for one in run.observations if one.probe.kind == "value"}
    telling = []
    for name in own.reference.givens:
        mine, theirs = expected_value(own.value(name)), expected_value(other.value(name))
        if isinstance(theirs, str) or theirs.size < 3 or agrees(mine, theirs, COPIED):
            continue
        answer = read_answer(name, observed.get(name, Failure("missing")), theirs, transpose=False)
        if not (isinstance(answer, Answer) and agrees(answer.value, theirs, COPIED)):
            return ()
        telling.append(name)
    return tuple(telling)
