"""Results for programs: JSON in a fixed, published shape."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from importlib.resources import files
from typing import Any

from grader.errors import Problem
from grader.model import Batch, CheckScore, CriterionScore, Decision, ExerciseReport, Flag, Provenance, Report
from grader.overrides import misfit
from grader.reports.text import encodable

#: The number of the shape; it grows when a key changes its meaning or goes.
SCHEMA_VERSION = 1

Json = dict[str, Any]


def schema() -> Json:
    """Return the JSON Schema (2020-12) of what :func:`to_json` makes."""
    text = files("grader.reports").joinpath("results.schema.json").read_text(encoding="utf-8")
    loaded: Json = json.loads(text)
    return loaded


def to_json(batch: Batch, *, evidence: bool = False) -> Json:
    """Return a batch as plain data that ``json.dumps`` takes.

    Points are floats rounded to 6 decimals; times are seconds. With ``evidence`` every check also says what
    the instructor may see, answers included: such a file must not reach students. A submission's problems
    are listed with it and, again, among the batch's.
    """
    misfits = [misfit(one, report) for report in batch.reports for one in report.misfits]
    data: Json = {
        "schema": SCHEMA_VERSION,
        "assignment": batch.assignment,
        "title": batch.title,
        "grader": batch.grader,
        "created": batch.created.isoformat() if batch.created else None,
        "submissions": [_submission(report, evidence=evidence) for report in batch.reports],
        "problems": _problems([*batch.all_problems, *misfits]),
    }
    found: Json = writable(data)
    return found


def _submission(report: Report, *, evidence: bool) -> Json:
    return {
        "id": report.id,
        "people": list(report.people),
        "title": report.title,
        "isolation": report.isolation,
        "stop": report.stop.value,
        "pending": report.pending,
        "points": _points(report.points),
        "max_points": _points(report.max_points),
        "decision": _decision(report.decision, report.max_points, evidence=evidence),
        "members": [
            {
                "person": one.member,
                "points": _points(one.amount(report.max_points)),
                "decision": _decision(one, report.max_points, evidence=evidence),
            }
            for one in report.member_decisions
        ],
        "late_seconds": report.late_seconds,
        "penalty": _points(report.penalty),
        "late_question": report.late_question,
        "exercises": [_exercise(exercise, evidence=evidence) for exercise in report.exercises],
        "flags": [_flag(flag) for flag in report.flags],
        "problems": _problems(report.problems),
    }


def _exercise(exercise: ExerciseReport, *, evidence: bool) -> Json:
    return {
        "id": exercise.id,
        "title": exercise.title,
        "points": _points(exercise.points),
        "max_points": _points(exercise.max_points),
        "pending": exercise.pending,
        "decision": _decision(exercise.decision, exercise.max_points, evidence=evidence),
        "stop": exercise.stop.value,
        "isolation": exercise.isolation,
        "file": exercise.file,
        "note": exercise.note,
        "seconds": _points(exercise.seconds),
        "peak_bytes": exercise.peak_bytes,
        "criteria": [_criterion(criterion, evidence=evidence) for criterion in exercise.criteria],
        "errors": [asdict(error) for error in exercise.errors],
        "provenance": _provenance(exercise.provenance) if exercise.provenance else None,
    }


def _provenance(provenance: Provenance) -> Json:
    data = asdict(provenance)
    if provenance.machine is not None:
        data["machine"]["packages"] = dict(provenance.machine.packages)
    return data


def _criterion(criterion: CriterionScore, *, evidence: bool) -> Json:
    return {
        "id": criterion.id,
        "title": criterion.title,
        "points": _points(criterion.points),
        "max_points": _points(criterion.max_points),
        "pending": criterion.pending,
        "decision": _decision(criterion.decision, criterion.max_points, evidence=evidence),
        "checks": [_check(check, evidence=evidence) for check in criterion.checks],
    }


def _check(check: CheckScore, *, evidence: bool) -> Json:
    result = check.result
    data: Json = {
        "id": result.id,
        "kind": result.kind,
        "status": result.status.value,
        "fraction": _points(result.fraction),
        "points": _points(check.points),
        "max_points": _points(check.max_points),
        "follow_through": result.follow_through,
        "misconception": result.misconception,
        "message": result.message,
        "for_person": result.for_person,
        "unanswered": result.unanswered,
        "decision": _decision(check.decision, check.max_points, evidence=evidence),
    }
    return data | {"evidence": result.evidence} if evidence else data


def _decision(one: Decision | None, max_points: float, *, evidence: bool) -> Json | None:
    if one is None:
        return None
    return {
        "points": _points(one.amount(max_points)),
        "computed": _points(one.computed or 0.0),
        "computed_then": _points(one.was),
        "who": one.who,
        "when": one.made.isoformat(),
        "reason": one.reason if evidence or not one.private else "",
        "private": one.private,
    }


def _flag(flag: Flag) -> Json:
    return {"exercise": flag.exercise, "message": flag.message}


def _problems(problems: Iterable[Problem]) -> list[Json]:
    return [asdict(problem) for problem in problems]


def writable(value: Any) -> Any:
    """Return plain data with every string in it fit for UTF-8; file names and messages need not be."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, dict):
        return {key: writable(item) for key, item in value.items()}
    return [writable(item) for item in value] if isinstance(value, list) else value


def _points(value: float) -> float:
    # Adding zero turns -0.0 into 0.0.
    return round(float(value), 6) + 0.0
