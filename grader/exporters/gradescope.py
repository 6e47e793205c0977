"""Gradescope's ``results.json``: what an autograder leaves in ``/autograder/results/``.

Source: Gradescope's documentation of autograders, "Output format".
"""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

from grader.exporters.exports import Export, Settings, settled
from grader.model import CheckScore, ExerciseReport, Report
from grader.reports import page_name
from grader.reports.text import clean, count, number
from grader.reports.wording import late_line, outcome
from grader.store import Grading


def gradescope(grading: Grading, settings: Settings) -> Export:
    """Return a results.json for each submission, in a folder of its own; one alone has none."""
    del settings
    final, problems = settled(grading.entries)
    folders = [f"{PurePath(page_name(entry.report.id)).stem}/" for entry in final] if len(final) > 1 else [""]
    files = {
        f"{folder}results.json": (json.dumps(_results(entry.report), indent=1, allow_nan=False) + "\n").encode()
        for folder, entry in zip(folders, final, strict=False)
    }
    return Export(files, f"{count(len(files), 'submission')}.", tuple(problems))


def _results(report: Report) -> dict[str, Any]:
    notes = [f"{one.title}: {one.note}" for one in report.exercises if one.note]
    late = late_line(report)
    return {
        "score": report.points,
        "execution_time": round(sum(exercise.seconds for exercise in report.exercises), 3),
        "output": clean("\n".join([*([late] if late else []), *notes])),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"submission": report.id, "late_seconds": report.late_seconds, "max_points": report.max_points},
        "tests": [
            _test(exercise, check, f"{e}.{c}.{k}")
            for e, exercise in enumerate(report.exercises, 1)
            for c, criterion in enumerate(exercise.criteria, 1)
            for k, check in enumerate(criterion.checks, 1)
        ],
    }


def _test(exercise: ExerciseReport, check: CheckScore, place: str) -> dict[str, Any]:
    result = check.result
    return {
        "score": check.points,
        "max_score": check.max_points,
        "status": "passed" if check.fraction >= 1 else "failed",
        "name": clean(f"{exercise.title}: {result.id} ({number(check.points)} of {number(check.max_points)})"),
        "number": place,
        "output": clean(f"{outcome(check).word}.\n{result.message}").strip(),
        "tags": [result.kind],
        "visibility": "visible",
    }
