"""Testing a course with hand-ins whose marks are known: right ones, the starters, and wrong ones.

Each is graded by the path that a student's work takes. A right solution must earn everything, a starter its floor, and
a wrong one must lose exactly what it should and be told which mistake it is; and every check must be lost by one.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from grader.checks import JudgingKind, Standing
from grader.checks.answers import expected_value
from grader.course import Check, Course, Exercise
from grader.errors import CourseError, Problem
from grader.known import computed, mistaken
from grader.model import Batch, CheckResult, ExerciseReport, SourceFile, Status, Stop, Submission
from grader.pipeline import Progress, Workplace, grade
from grader.reference import Evaluation, Misconception

#: What the hidden inputs of all known hand-ins hang on.
_EVERYBODY = "known"
#: The name of the test of an exercise's checks together.
_UNLOST = "every check can be lost"


@dataclass(frozen=True, slots=True)
class KnownHandIn:
    """A hand-in whose marks are known: the checks that it must lose, and the mistakes that must be named in it.

    ``make`` returns its files, by the values that are true.
    """

    exercise: Exercise
    name: str
    make: Callable[[Evaluation], Mapping[str, bytes]]
    loses: frozenset[str]
    names: frozenset[str]
    is_starter: bool = False

    @property
    def id(self) -> str:
        """Identifier in the course: ``sheet3/gradient_step: mask_forgotten``."""
        return f"{self.exercise.assignment}/{self.exercise.id}: {self.name}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a part of the course stood its test; ``complaints`` say what was found and what was expected.

    ``lost_by`` names, for each check, the known-wrong hand-ins that lose it, where an outcome is about that.
    """

    id: str
    complaints: tuple[str, ...]
    lost_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether there is nothing to complain of."""
        return not self.complaints


def known_hand_ins(exercise: Exercise) -> Iterator[KnownHandIn]:
    """Yield every hand-in of known marks: computed, handwritten, starters, one for each misconception, wrong files."""
    every = frozenset(check.id for check in exercise.rubric.checks)
    nothing: frozenset[str] = frozenset()
    if _is_computable(exercise):
        yield KnownHandIn(exercise, "reference", partial(computed, exercise), nothing, nothing)
    for solution in exercise.solutions:
        yield KnownHandIn(exercise, f"solution {solution.name}", _reader(solution.files), nothing, nothing)
    floor = every - frozenset(exercise.floor)
    for path in exercise.starters:
        yield KnownHandIn(exercise, f"starter {path.name}", _reader({path.name: path}), floor, nothing, is_starter=True)
    for wrong in exercise.reference.misconceptions.values():
        shows = _first_showing(exercise, wrong)
        loses = frozenset({shows} if shows else ()) | set(wrong.also_loses)
        yield KnownHandIn(exercise, wrong.id, partial(mistaken, exercise, wrong), loses, frozenset({wrong.id}))
    for one in exercise.wrong:
        yield KnownHandIn(exercise, f"wrong {one.path.name}", _reader(one.files), one.loses, one.names)


def _reader(paths: Mapping[str, Path]) -> Callable[[Evaluation], Mapping[str, bytes]]:
    return lambda _: {name: path.read_bytes() for name, path in paths.items()}


def reference_problems(exercise: Exercise) -> Iterator[Problem]:
    """Yield a problem for every function of the reference that raises, or whose value cannot be handed in."""
    reference = exercise.reference
    asked = {name for check in exercise.rubric.checks for name in _kind(check).asked(check.options)}
    if not _is_computable(exercise) and not exercise.solutions:
        place = f"reference/{exercise.assignment}/solutions"
        yield Problem(place, f"no solution of {exercise.id}; write one, named {' or '.join(exercise.files)}")
    truth = Evaluation(reference, None)
    broken: set[str] = set()
    for name in reference.order:
        node = reference.nodes[name]
        if not broken.isdisjoint(node.needs):
            broken.add(name)
            continue
        complaint = _complaint_about(partial(truth.value, name), compared=name in asked)
        if complaint:
            broken.add(name)
            yield Problem(f"{reference.path}:{node.line}", f"`{name}` {complaint}")
    for wrong in reference.misconceptions.values() if not broken else ():
        if wrong.target in reference.definitions:
            continue
        complaint = _complaint_about(partial(truth.mistaken, wrong), compared=wrong.target in asked)
        for name in () if complaint else sorted(asked):
            mistaken = Evaluation(reference, None, {wrong.target: truth.mistaken(wrong)})
            complaint = complaint or _complaint_about(partial(mistaken.value, name), compared=True)
        if complaint:
            yield Problem(f"{reference.path}:{wrong.line}", f"misconception `{wrong.id}` {complaint}")


def _complaint_about(function: Callable[[], Any], *, compared: bool) -> str:
    try:
        value = function()
        if compared:
            expected_value(value)
    except Exception as error:  # noqa: BLE001 - an author's function may fail in any way
        return f"cannot be evaluated: {type(error).__name__}: {error}"
    return ""


def outcome_names(exercise: Exercise) -> Iterator[str]:
    """Yield what follows ``sheet3/gradient_step: `` in each id of what :func:`validate` returns for ``exercise``."""
    yield from (one.name for one in known_hand_ins(exercise))
    yield _UNLOST


def _kind(check: Check) -> JudgingKind:
    return cast("JudgingKind", check.kind)


def _is_computable(exercise: Exercise) -> bool:
    """Return whether a hand-in of nothing but values answers every check."""
    return all(_kind(check).hands_in(check.options) for check in exercise.rubric.checks)


def _first_showing(exercise: Exercise, wrong: Misconception) -> str | None:
    """Return the id of the check in which the mistake shows first: of its target, or of the next quantity asked for."""
    if wrong.shows_in:
        return wrong.shows_in
    reference = exercise.reference
    ids: Mapping[str, str] = {check.options.subject: check.id for check in reversed(exercise.rubric.checks)}
    if wrong.target in reference.definitions:
        return ids.get(wrong.target)
    asked = {name for check in exercise.rubric.checks for name in _kind(check).hands_in(check.options)}
    for name in reference.order:
        if name in asked and wrong.target in reference.ancestors([name]):
            return ids[name]
    return None


def validate(
    course: Course,
    exercises: Iterable[Exercise],
    workplace: Workplace,
    progress: Callable[[Progress], None] = lambda _: None,
) -> tuple[Outcome, ...]:
    """Return the outcome of every known hand-in to ``exercises``, and of the test that every check can be lost.

    Raises CourseError when a function of a reference raises or returns what cannot be compared, GradeError when the
    gradebook does.
    """
    chosen = list(exercises)
    problems = [problem for exercise in chosen for problem in reference_problems(exercise)]
    if problems:
        raise CourseError(problems)
    hand_ins = [one for exercise in chosen for one in known_hand_ins(exercise)]
    with tempfile.TemporaryDirectory(prefix="grade-validate-") as folder:
        reports = _graded(course, hand_ins, Path(folder), workplace, progress)
    outcomes = [Outcome(one.id, tuple(_complaints(one, report))) for one, report in zip(hand_ins, reports, strict=True)]
    return (*outcomes, *_unlost(hand_ins, reports))


def _graded(
    course: Course,
    hand_ins: Sequence[KnownHandIn],
    folder: Path,
    workplace: Workplace,
    progress: Callable[[Progress], None],
) -> list[ExerciseReport]:
    """Return the report on each hand-in.

    Everybody gets the numbers of the sheet and the same hidden inputs, so that one batch serves all, and what the
    reference makes of the inputs is computed once.
    """
    reports: dict[str, ExerciseReport] = {}
    for exercise in dict.fromkeys(one.exercise for one in hand_ins):
        assignment = course.assignments[exercise.assignment]
        own = [(index, one) for index, one in enumerate(hand_ins) if one.exercise is exercise]
        truth = Evaluation(exercise.reference, None)
        submissions = [_submission(folder, index, one, truth) for index, one in own]
        impersonal = replace(assignment, personal=False)
        full = {
            one.id: Standing(handed_in=True, points=one.rubric.points, max_points=one.rubric.points, pending=False)
            for one in assignment.exercises
        }
        batch: Batch = grade(
            course, impersonal, submissions, workplace, exercises=[exercise], others=full, progress=progress
        )
        reports |= {report.id: report.exercises[0] for report in batch.reports}
    return [reports[_submission_id(index)] for index in range(len(hand_ins))]


def _submission_id(index: int) -> str:
    return f"{index:04}"


def _submission(folder: Path, index: int, one: KnownHandIn, truth: Evaluation) -> Submission:
    place = folder / _submission_id(index)
    place.mkdir()
    files = []
    for name, content in one.make(truth).items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        files.append(SourceFile(name, path, hashlib.sha256(content).hexdigest(), len(content)))
    return Submission(place.name, (place.name,), one.exercise.assignment, str(place), tuple(files), key=_EVERYBODY)


def _complaints(one: KnownHandIn, report: ExerciseReport) -> Iterator[str]:
    results = [score.result for criterion in report.criteria for score in criterion.checks]
    if report.stop is Stop.INFRASTRUCTURE:  # one reason for all checks
        details = sorted({result.evidence for result in results})
        yield f"could not be run, by a fault of this machine: {'; '.join(details)}"
        return
    owed = [result for result in results if result.status is Status.ERROR]
    if owed or (report.pending and not results):
        reasons = {f"{result.id}: {result.message} {result.evidence}".strip() for result in owed}
        yield f"could not be graded: {'; '.join(sorted(reasons)) or report.note}"
        return
    if one.is_starter and (report.stop is not Stop.FINISHED or report.errors):
        reason = f"{report.errors[0]}." if report.errors and report.stop is Stop.FINISHED else report.note
        yield f"does not run from top to bottom: {reason}"
    lost = {result.id for result in results if result.fraction < 1 and not result.for_person}
    named = {result.misconception for result in results if result.misconception}
    yield from _set_complaints("loses", lost, one.loses, results)
    yield from _set_complaints("is named", named, one.names, results)


def _set_complaints(
    verb: str, found: set[str], expected: frozenset[str], results: Sequence[CheckResult]
) -> Iterator[str]:
    details = {
        result.id: f" ({result.status}: {result.message.splitlines()[0]})" for result in results if result.message
    }
    for extra in sorted(found - expected):
        yield f"{verb} {extra}, which it should not{details.get(extra, '')}"
    for missing in sorted(expected - found):
        yield f"{verb} not {missing}, which it should{details.get(missing, '')}"


def _unlost(hand_ins: Sequence[KnownHandIn], reports: Sequence[ExerciseReport]) -> Iterator[Outcome]:
    """Yield for each exercise whether every check of it is lost by some wrong hand-in other than a starter."""
    for exercise in dict.fromkeys(one.exercise for one in hand_ins):
        lost: dict[str, tuple[str, ...]] = {check.id: () for check in exercise.rubric.checks}
        for one, report in zip(hand_ins, reports, strict=True):
            if one.exercise is exercise and not one.is_starter:
                for result in (score.result for criterion in report.criteria for score in criterion.checks):
                    if result.status in {Status.FAILED, Status.PARTIAL}:
                        lost[result.id] += (one.name,)
        complaints = tuple(
            f"check {check} is lost by no known-wrong hand-in; add a misconception or a file under wrong/"
            for check, names in lost.items()
            if not names
        )
        yield Outcome(f"{exercise.assignment}/{exercise.id}: {_UNLOST}", complaints, lost)


def losers_table(outcomes: Iterable[Outcome]) -> str:
    """Return which known-wrong hand-ins lose each check, as Markdown."""
    lines = ["| exercise | check | lost by |", "|---|---|---|"]
    for outcome in outcomes:
        exercise = outcome.id.partition(":")[0]
        lines += [f"| {exercise} | `{check}` | {', '.join(names)} |" for check, names in outcome.lost_by.items()]
    return "\n".join(lines) + "\n"
