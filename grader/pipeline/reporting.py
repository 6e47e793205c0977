"""From judged tasks to reports."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from math import fsum

from grader import __version__
from grader.checks import Standing
from grader.course import Assignment
from grader.course.passages import passages
from grader.errors import Problem
from grader.late import lateness
from grader.model import (
    CheckResult,
    Decision,
    Environment,
    ExerciseReport,
    Flag,
    Place,
    Provenance,
    Report,
    Run,
    Status,
    Stop,
    Submission,
    worst_stop,
)
from grader.overrides import decide_exercise
from grader.pipeline.tasks import Task
from grader.pipeline.work import Judged
from grader.rubric import weigh


def exercise_report(judged: Judged, isolation: str, environment: Environment) -> ExerciseReport:
    """Return the report on one exercise. ``isolation`` and ``environment`` are for those of which nothing was run."""
    task, run = judged.task, judged.run
    exercise = task.exercise
    criteria = weigh(exercise.rubric, _results(judged), lambda check: passages(exercise).get(check))
    return ExerciseReport(
        id=exercise.id,
        title=exercise.title,
        points=round(fsum(criterion.points for criterion in criteria), 6),
        max_points=exercise.rubric.points,
        pending=any(criterion.pending for criterion in criteria),
        criteria=criteria,
        stop=run.stop if run else Stop.FINISHED,
        isolation=run.isolation if run else isolation,
        file=task.file,
        note=" ".join(part for part in (task.note, _what_happened(run)) if part),
        seconds=run.seconds if run else 0.0,
        peak_bytes=run.peak_bytes if run else 0,
        log=run.log if run else "",
        errors=run.errors if run else (),
        provenance=_provenance(task, run.environment if run else environment),
    )


def standing(judged: Judged, decisions: Mapping[Place, Decision]) -> Standing:
    """Return how an exercise came out, with what people decided on it, for checks that depend on it."""
    part = decide_exercise(exercise_report(judged, "", Environment("", "", ())), decisions)
    handed_in = judged.run is not None and not judged.task.untouched
    return Standing(handed_in, part.points, part.max_points, part.pending)


def _results(judged: Judged) -> tuple[CheckResult, ...]:
    task = judged.task
    return judged.results or tuple(_unrun(check.id, check.kind.name, task) for check in task.exercise.rubric.checks)


def submission_report(
    submission: Submission,
    assignment: Assignment,
    parts: Sequence[ExerciseReport],
    problems: tuple[Problem, ...],
    flags: tuple[Flag, ...],
) -> Report:
    """Return the report on a whole submission, after what lateness costs it."""
    points, most = round(fsum(part.points for part in parts), 6), round(fsum(part.max_points for part in parts), 6)
    late = lateness(assignment, submission, points, most)
    return Report(
        id=submission.id,
        people=submission.people,
        assignment=assignment.id,
        title=assignment.title,
        points=round(points - late.penalty, 6),
        max_points=most,
        pending=late.pending or any(part.pending for part in parts),
        stop=worst_stop(part.stop for part in parts),
        isolation=parts[0].isolation if parts else "",
        exercises=tuple(parts),
        late_seconds=late.seconds,
        penalty=round(late.penalty, 6),
        late_question=late.question,
        flags=flags,
        problems=problems,
        key=submission.key,
    )


def _unrun(check: str, kind: str, task: Task) -> CheckResult:
    status = Status.ERROR if task.owed else Status.SKIPPED
    return CheckResult(check, kind, status, 0.0)  # the report on the exercise says why, once


def _what_happened(run: Run | None) -> str:
    """Return the sentence for the student about a run that did not simply finish, or that raised."""
    if run is None:
        return ""
    if run.stop is Stop.INFRASTRUCTURE:
        return "It could not be run for a reason that is not yours; it has to be run again."
    if run.stop is not Stop.FINISHED:
        return run.detail
    if run.errors:
        more = f" (and {len(run.errors) - 1} more)" if len(run.errors) > 1 else ""
        return f"The code ran to its end, but {run.errors[0]}{more}."
    return ""


def _provenance(task: Task, environment: Environment) -> Provenance:
    submission = task.submission
    content = json.dumps([[file.name, file.sha256] for file in submission.files])
    machine = json.dumps(astuple(environment))
    return Provenance(
        submission=hashlib.sha256(content.encode()).hexdigest(),
        exercise=task.exercise.sha256,
        reference=task.exercise.reference.sha256,
        rubric=task.exercise.rubric.sha256,
        environment=hashlib.sha256(machine.encode()).hexdigest(),
        seed=task.truth.seed or 0,
        grader=__version__,
        machine=environment,
    )
