"""What other tolerances would change for those who were graded: stored observations judged anew, nothing kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from grader.checks import judge_exercise
from grader.course import Check, Exercise
from grader.model import CheckResult, Failure, Run, Stop, fingerprint
from grader.pipeline.regrading import unobserved
from grader.pipeline.tolerances import tolerance_of
from grader.reference import Evaluation
from grader.store import Grading

if TYPE_CHECKING:
    from grader.store import Store  # takes long to import


@dataclass(frozen=True, slots=True)
class Effect:
    """Whom another tolerance would move: ``passing`` and ``failing`` gain and lose in the check itself.

    ``moved`` are all for whom any check of the exercise comes out otherwise.
    """

    passing: tuple[str, ...]
    failing: tuple[str, ...]
    moved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What doubling and halving the tolerance of a check would change, of ``judged`` submissions."""

    judged: int
    doubled: Effect
    halved: Effect


@dataclass(frozen=True, slots=True)
class _Stored:
    submission: str
    truth: Evaluation
    run: Run
    same_as: str


Results = tuple[CheckResult, ...]


def what_if(exercise: Exercise, grading: Grading, store: Store) -> dict[str, WhatIf]:
    """Return for each check with a tolerance what doubling and halving it would change, by the files as they are now.

    Submissions that were not run, or of which the stored run does not hold what is asked for now, are left out.
    """
    stored = _stored(exercise, grading, store)
    now = _judged(exercise, stored)
    found = {}
    for check in exercise.rubric.checks:
        if any(tolerance_of(check)):
            doubled, halved = (
                _effect(check.id, now, _judged(_with(exercise, _scaled(check, factor)), stored))
                for factor in (2.0, 0.5)
            )
            found[check.id] = WhatIf(len(stored), doubled, halved)
    return found


def _stored(exercise: Exercise, grading: Grading, store: Store) -> list[_Stored]:
    known = {
        entry.report.id: judgement
        for entry in grading.entries
        for part in entry.report.exercises
        for judgement in entry.judgements
        if part.id == judgement.exercise == exercise.id and judgement.run and part.stop is not Stop.INFRASTRUCTURE
    }
    runs = store.runs(one.run for one in known.values())
    values: dict[int | None, Evaluation] = {}
    found = []
    for name, judgement in known.items():
        base = values.setdefault(judgement.seed, Evaluation(exercise.reference, judgement.seed))
        truth, run = base.with_hidden(judgement.hidden), runs[judgement.run]
        if not unobserved(exercise, truth, run):
            found.append(_Stored(name, truth, run, _sameness(exercise, truth, run)))
    return found


def _sameness(exercise: Exercise, truth: Evaluation, run: Run) -> str:
    """Return what two runs have in common that are judged alike: many right answers are the same."""
    hidden = 0 if all(check.kind.name == "value" for check in exercise.rubric.checks) else truth.hidden
    seen = [
        (one.probe.kind, one.probe.name, one.probe.digest, one.value)
        if isinstance(one.value, Failure)
        else (one.probe.kind, one.probe.name, one.probe.digest, fingerprint(one.value))
        for one in run.observations
    ]
    return repr((truth.seed, hidden, run.stop, run.errors, run.log, run.notebook, seen))


def _judged(exercise: Exercise, stored: Sequence[_Stored]) -> dict[str, Results]:
    once: dict[str, Results] = {}
    for one in stored:
        if one.same_as not in once:
            once[one.same_as] = judge_exercise(exercise, one.truth, one.run)
    return {one.submission: once[one.same_as] for one in stored}


def _scaled(check: Check, factor: float) -> Check:
    atol, rtol = tolerance_of(check)
    scaled = {"atol": atol * factor, "rtol": rtol * factor}
    known = {name: value for name, value in scaled.items() if hasattr(check.options, name)}
    return replace(check, options=check.options.model_copy(update=known))


def _with(exercise: Exercise, changed: Check) -> Exercise:
    """Return the exercise with one check in place of that with the same id."""
    criteria = tuple(
        replace(criterion, checks=tuple(changed if one.id == changed.id else one for one in criterion.checks))
        for criterion in exercise.rubric.criteria
    )
    return replace(exercise, rubric=replace(exercise.rubric, criteria=criteria))


def _effect(check: str, before: Mapping[str, Results], after: Mapping[str, Results]) -> Effect:
    def those(holds: Callable[[Results, Results], bool]) -> tuple[str, ...]:
        return tuple(name for name in sorted(before) if holds(before[name], after[name]))

    def fraction(results: Results) -> float:
        return next(one.fraction for one in results if one.id == check)

    return Effect(
        those(lambda old, new: fraction(new) > fraction(old)),
        those(lambda old, new: fraction(new) < fraction(old)),
        those(lambda old, new: any(_outcome(a) != _outcome(b) for a, b in zip(old, new, strict=True))),
    )


def _outcome(one: CheckResult) -> tuple[object, ...]:
    return one.status, one.fraction, one.misconception, one.follow_through
