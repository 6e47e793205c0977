"""What students can check at home of each check of a rubric: as the rubric says, or as its kind suggests."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from grader.checks import JudgingKind
from grader.checks.sealing import UnsealableError
from grader.course import Check, Exercise
from grader.course.kinds import SelfCheck
from grader.errors import CourseError, Problem
from grader.reference import Evaluation
from grader.release.guessing import bits_left, seconds_to_guess
from grader.release.open_checks import NotReleasableError, opened
from grader.release.public_reference import Public
from grader.release.sealed_calls import SealedCall
from grader.release.sealed_values import asked_above, form, sealed, true_and_tolerance
from grader.release.sealer import Sealer

#: A value that one core guesses faster than that is not sealed, unless its rubric says so.
LEAST_SECONDS = 60.0

_OPEN = ("source", "runs", "files", "declaration", "curve", "figure", "gradient", "model", "cost")
_DEFAULT: Mapping[str, SelfCheck] = {"value": "sealed", "call": "sealed", **dict.fromkeys(_OPEN, "open")}
_POSSIBLE: Mapping[str, Collection[SelfCheck]] = {
    "value": ("sealed", "properties", "after_deadline", "never"),
    "call": ("sealed", "after_deadline", "never"),
}
_OTHERS: Collection[SelfCheck] = ("open", "after_deadline", "never")


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one check: ``how`` it is made at home, and ``why``, where it is not as asked.

    ``options`` are those of the check in the bundle, None where it is not in it. ``seconds`` is how long one core takes
    on average to guess the answer that is sealed, or would be: the same on every machine.
    """

    check: Check
    how: SelfCheck
    why: str = ""
    options: Mapping[str, Any] | None = None
    seconds: float | None = None

    @property
    def points(self) -> float:
        """What it is worth in the bundle: nothing where only the form is judged."""
        return 0.0 if self.how == "properties" else self.check.points


@dataclass(frozen=True, slots=True)
class Decided:
    """What becomes of an exercise's checks, and what of its reference is public."""

    decisions: tuple[Decision, ...]
    public: Public = field(default_factory=Public)


@dataclass(frozen=True, slots=True)
class Answers:
    """The quantities that students hand in: all, and those that may be right in several ways."""

    all: Collection[str]
    conventions: Collection[str]


def decide(exercise: Exercise, truth: Evaluation, sealer: Sealer) -> Decided:
    """Return what becomes of the checks of ``exercise`` for the numbers of ``truth``.

    Raises CourseError where the rubric asks for what its kind of check cannot do.
    """
    checks = exercise.rubric.checks
    place = f"rubrics/{exercise.assignment}/{exercise.id}.yaml"
    problems = [Problem(place, text) for check in checks for text in _impossible(check)]
    if problems:
        raise CourseError(problems)
    asked = {name for check in checks for name in cast("JudgingKind", check.kind).hands_in(check.options)}
    # Inputs that are drawn for a bundle are public: they are nobody's hidden ones.
    truth = truth.with_hidden(sealer.seed())
    public = Public()
    asked_for = Answers(asked, {one.options.subject for one in checks if getattr(one.options, "accept", None)} & asked)
    decisions = tuple(_decide(check, truth, asked_for, public, sealer) for check in checks)
    judged = [one.check.options.subject for one in decisions if one.options and "sealed" in one.options]
    above = truth.reference.ancestors(judged) & asked
    public.quantities = {
        name: asked_above(truth.reference, name, asked) for name in truth.reference.order if name in above
    }
    return Decided(decisions, public)


def _impossible(check: Check) -> Iterator[str]:
    asked, possible = check.options.self_check, _POSSIBLE.get(check.kind.name, _OTHERS)
    if asked is not None and asked not in possible:
        yield (
            f"check `{check.id}`: self_check: {asked} is nothing for the kind {check.kind.name}; "
            f"choose one of {', '.join(possible)}"
        )


def _decide(check: Check, truth: Evaluation, asked: Answers, public: Public, sealer: Sealer) -> Decision:
    how = check.options.self_check or _DEFAULT.get(check.kind.name, "after_deadline")
    if how in {"after_deadline", "never"}:
        return Decision(check, how)
    if check.kind.name == "value":
        return _of_value(check, how, truth, asked, sealer)
    if check.kind.name == "call":
        return _of_call(check, truth, public, sealer)
    try:
        return Decision(check, "open", options=opened(check, truth, public))
    except NotReleasableError as error:
        return Decision(check, "after_deadline", str(error))


def _of_call(check: Check, truth: Evaluation, public: Public, sealer: Sealer) -> Decision:
    seconds: float | None = None
    try:
        call = SealedCall(check, truth)
        seconds = seconds_to_guess(bits_left(call.numbers, call.tolerance))
        if seconds < LEAST_SECONDS and check.options.self_check is None:
            return Decision(check, "after_deadline", "cheap to guess", seconds=seconds)
        options = call.sealed(sealer)
    except UnsealableError as error:
        return Decision(check, "after_deadline", f"it {error}", seconds=seconds)
    except ValueError as error:
        return Decision(check, "after_deadline", str(error))
    call.publish(public)
    return Decision(check, "sealed", options=options, seconds=seconds)


def _of_value(check: Check, how: SelfCheck, truth: Evaluation, asked: Answers, sealer: Sealer) -> Decision:
    seconds = seconds_to_guess(bits_left(*true_and_tolerance(check, truth)))
    if how == "properties":
        return Decision(check, how, options=form(check, truth), seconds=seconds)
    cheap = seconds < LEAST_SECONDS
    if cheap and check.options.self_check is None:
        return Decision(check, "properties", "cheap to guess", form(check, truth), seconds)
    try:
        options = sealed(check, truth, asked.all, asked.conventions, sealer)
    except UnsealableError as error:
        return Decision(check, "properties", f"it {error}", form(check, truth), seconds)
    return Decision(check, "sealed", "cheap to guess, and sealed as the rubric says" if cheap else "", options, seconds)
