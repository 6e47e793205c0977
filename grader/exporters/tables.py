"""Tables as CSV: a row for each criterion, a row for each person, and what nbgrader exports."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from grader.exporters.exports import Export, Settings, points_for, settled
from grader.model import CriterionScore
from grader.reports.text import count, encodable
from grader.reports.wording import person_names
from grader.store import Grading

#: A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: With it spreadsheets know that the file is UTF-8.
_MARK = "\ufeff"
_CRITERIA = ("assignment", "submission", "people", "exercise", "criterion", "title", "points", "max_points", "pending",
             "late_seconds", "misconceptions")  # fmt: skip
_MARKS = ("assignment", "person", "submission", "platform", "platform_id", "points", "max_points", "pending",
          "late_seconds")  # fmt: skip
_NBGRADER = ("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score",
             "late_submission_penalty", "score", "max_score")  # fmt: skip


def criteria(grading: Grading, settings: Settings) -> Export:
    """Return a table for people with a row for each criterion of each submission."""
    del settings
    rows = [
        (
            grading.assignment,
            report.id,
            "; ".join(person_names(report)),
            exercise.id,
            criterion.id,
            criterion.title,
            criterion.points,
            criterion.max_points,
            _word(pending=criterion.pending),
            report.late_seconds,
            "; ".join(_misconceptions(criterion)),
        )
        for report in (entry.report for entry in grading.entries)
        for exercise in report.exercises
        for criterion in exercise.criteria
    ]
    text = _MARK + _table(_CRITERIA, [[_safe(cell) for cell in row] for row in rows])
    return Export({f"{grading.assignment}.csv": text.encode()}, f"{count(len(rows), 'criterion', 'criteria')}.")


def marks(grading: Grading, settings: Settings) -> Export:
    """Return a table for people with a row for each person."""
    del settings
    rows = []
    for entry in grading.entries:
        report, origin = entry.report, entry.submission.origin
        where = (origin.platform, origin.id) if origin else ("", "")
        rest = (report.max_points, _word(pending=report.pending), report.late_seconds)
        rows += [
            (grading.assignment, name, report.id, *where, points_for(report, name), *rest)
            for name in (report.people if entry.submission.member_keys else report.members or (report.id,))
        ]
    text = _MARK + _table(_MARKS, [[_safe(cell) for cell in row] for row in rows])
    return Export({f"{grading.assignment}-marks.csv": text.encode()}, f"{count(len(rows), 'person', 'people')}.")


def nbgrader(grading: Grading, settings: Settings) -> Export:
    """Return the table that ``nbgrader export`` writes, without what is pending.

    Source: nbgrader, nbgrader/plugins/export.py. Names and addresses are empty, as they are there when nbgrader knows
    only logins.
    """
    del settings
    final, problems = settled(grading.entries)
    rows = []
    for entry in final:
        report, submission = entry.report, entry.submission
        time = submission.received.replace(tzinfo=None).isoformat(" ") if submission.received else ""
        known = submission.origin.id if submission.origin and submission.origin.platform == "nbgrader" else ""
        people = (known,) if known else person_names(report)
        for person in people:
            points = points_for(report, person)
            score = (round(points + report.penalty, 6), report.penalty, points, report.max_points)
            rows.append((grading.assignment, "", time, person, "", "", "", *score))
    done = f"{count(len(rows), 'person', 'people')}."
    return Export({"grades.csv": _table(_NBGRADER, rows).encode()}, done, tuple(problems))


def _misconceptions(criterion: CriterionScore) -> Iterable[str]:
    return dict.fromkeys(one.result.misconception for one in criterion.checks if one.result.misconception)


def _word(*, pending: bool) -> str:
    return "yes" if pending else "no"


def _safe(cell: str | float) -> str | float:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _table(header: Sequence[str], rows: Iterable[Sequence[str | float]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
    writer.writerows(rows)
    return encodable(buffer.getvalue())
