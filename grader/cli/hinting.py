"""Hints in a self-check: the rubric says which, and after how many failed attempts; the count is kept beside the file.

The count is the student's own, and can be edited or removed. So hints are for what may be read by anybody in the end;
`grade batch` neither counts nor shows any.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from grader.cli.asked import Asked, Checked, check_once
from grader.cli.courses import Courses
from grader.course import Check, Exercise
from grader.model import CheckResult, ExerciseReport, Status
from grader.pipeline import Workplace

STATE_FILE = ".grade/attempts.json"
_TRIED = (Status.FAILED, Status.PARTIAL)


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often a check failed since it was right last, each time with another file; ``file`` is the last's hash."""

    failures: int = 0
    file: str = ""

    def then(self, result: CheckResult, file: str) -> Attempts:
        """Return the count after one more check: what is not answered is no attempt."""
        if result.status is Status.PASSED:
            return Attempts()
        tried = result.status in _TRIED and not result.unanswered
        return Attempts(self.failures + 1, file) if tried and file != self.file else self


def check_with_hints(asked: Asked, workplace: Workplace, courses: Courses | None = None) -> tuple[Checked, str]:
    """Return what :func:`grader.cli.asked.check_once` does, with hints; and why attempts could not be counted."""
    folder = asked.path if asked.path.is_dir() else asked.path.parent
    return with_hints(check_once(asked, workplace, courses), folder)


def with_hints(checked: Checked, folder: Path) -> tuple[Checked, str]:
    """Return the result with the hints that are due, and why attempts could not be counted, empty if they could.

    The count is read from ``folder`` and written there, if any exercise has hints.
    """
    exercises = {one.id: one for one in checked.assignment.exercises if _has_hints(one)}
    if not exercises:
        return checked, ""
    before = _read(folder / STATE_FILE)
    after = dict(before)
    reports = []
    for report in checked.batch.reports:
        parts = tuple(_hinted(part, exercises.get(part.id), checked, after) for part in report.exercises)
        reports.append(replace(report, exercises=parts))
    batch = replace(checked.batch, reports=tuple(reports))
    problem = _written(folder / STATE_FILE, after) if after != before else ""
    return replace(checked, batch=batch), problem


def _has_hints(exercise: Exercise) -> bool:
    return any(check.options.hints for check in exercise.rubric.checks)


def _hinted(
    part: ExerciseReport, exercise: Exercise | None, checked: Checked, attempts: dict[str, Attempts]
) -> ExerciseReport:
    """Return the report with the hints that are due; ``attempts`` are brought up to date."""
    path = checked.files.get(part.file)
    if exercise is None or path is None:
        return part
    file = hashlib.sha256(path.read_bytes()).hexdigest()
    known = {check.id: check for check in exercise.rubric.checks}

    def one(result: CheckResult) -> CheckResult:
        key = f"{exercise.assignment}/{exercise.id}/{result.id}"
        attempts[key] = attempts.get(key, Attempts()).then(result, file)
        return _with(result, _due(known[result.id], attempts[key].failures))

    criteria = tuple(
        replace(criterion, checks=tuple(replace(check, result=one(check.result)) for check in criterion.checks))
        for criterion in part.criteria
    )
    return replace(part, criteria=criteria)


def _due(check: Check, failures: int) -> list[str]:
    return check.options.hints[: failures // check.options.after]


def _with(result: CheckResult, hints: list[str]) -> CheckResult:
    words = [f"Hint: {hint}" for hint in hints]
    return replace(result, message="\n\n".join(filter(None, [result.message, *words]))) if words else result


def _read(file: Path) -> dict[str, Attempts]:
    """Return the attempts so far; none where the file is not there or was edited into something else."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {str(key): Attempts(int(one["failures"]), str(one["file"])) for key, one in found["checks"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _written(file: Path, attempts: Mapping[str, Attempts]) -> str:
    """Write the attempts; return why that failed, empty if it did not."""
    kept = {key: {"failures": one.failures, "file": one.file} for key, one in attempts.items() if one.failures}
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        file.parent.mkdir(exist_ok=True)
        temporary.write_text(json.dumps({"version": 1, "checks": kept}, indent=1) + "\n", encoding="utf-8")
        temporary.replace(file)
    except OSError as error:
        return f"{file}: attempts cannot be counted here ({error.strerror}), so that no hints will come"
    return ""
