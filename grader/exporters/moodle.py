"""Moodle's worksheet as it was downloaded, with marks and feedback comments; and the zip of feedback files.

Sources: Moodle, mod/assign/feedback/offline/importgradeslib.php and mod/assign/feedback/file/importziplib.php.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache

from grader.errors import Problem, UsageError
from grader.exporters.columns import spell
from grader.exporters.exports import Export, Settings, points_for, settled
from grader.exporters.feedback import comment, feedback_files, with_comment
from grader.exporters.matching import match
from grader.exporters.sheet import Cell
from grader.exporters.worksheets import Participant, Worksheet, read_worksheets
from grader.model import Report
from grader.reports.text import count, number
from grader.store import Entry, Grading

# Zip keeps no time zone, and nothing here has a time of its own.
_DATE = (1980, 1, 1, 0, 0, 0)


def worksheet(grading: Grading, settings: Settings) -> Export:
    """Return the worksheets with the cells of marks and feedback comments filled in. Raises UsageError."""
    sheets, notes = read_worksheets(settings, grading.entries)
    final, problems = settled(grading.entries)
    matched = match([one for sheet in sheets for one in sheet.participants], final, force=settings.force)
    problems += matched.problems
    decimals = {sheet.sheet.path: sheet.decimal for sheet in sheets}
    values: dict[str, dict[Cell, str]] = {str(sheet.sheet.path): {} for sheet in sheets}
    marked = 0
    for one, entry in matched.rows:
        refusal, points = _mark(one, entry.report, settings)
        if refusal:
            problems.append(Problem(one.where, f"{refusal} ({entry.report.id}); the row was left as it is"))
            continue
        marked += 1
        cells = values[str(one.sheet.path)]
        cells[one.grade] = spell(points, decimals[one.sheet.path], one.grade.value)
        if one.feedback is not None:
            cells[one.feedback] = with_comment(one.feedback.value, comment(entry.report))
    files = {sheet.sheet.path.name: sheet.sheet.changed(values[str(sheet.sheet.path)]) for sheet in sheets}
    if len(files) < len(sheets):
        raise UsageError("two worksheets have the same file name; export them one after the other")
    rows = sum(len(sheet.participants) for sheet in sheets)
    done = f"{marked} of {count(rows, 'row')} {'has' if marked == 1 else 'have'} a mark from here."
    return Export(files, done, tuple(problems), (*notes, *_missing(sheets)))


def _mark(one: Participant, report: Report, settings: Settings) -> tuple[str, float]:
    """Return why a row takes no mark, and the mark. Raises UsageError where the maximum is another."""
    points, most = points_for(report, one.name, one.email), report.max_points
    if one.maximum is not None and abs(one.maximum - most) > 1e-6:
        if not settings.scale or most <= 0:
            raise UsageError(
                f"{one.where}: the maximum grade is {number(one.maximum)}, and {report.assignment} has {number(most)} "
                "points; set the maximum in Moodle and download the worksheet again, or say --scale to convert"
            )
        points, most = points * one.maximum / most, one.maximum
    if one.locked:
        return "the grade cannot be changed in Moodle", points
    if not -1e-9 <= points <= most + 1e-6:
        return f"the mark {number(points)} is not between 0 and the maximum grade {number(most)}", points
    return "", points


def _missing(sheets: tuple[Worksheet, ...]) -> list[str]:
    notes = []
    for sheet in sheets:
        first = sheet.participants[0] if sheet.participants else None
        if first and first.feedback is None:
            notes.append(f"{sheet.sheet.path}: has no column for feedback comments; switch them on in Moodle for these")
        if first and first.maximum is None:
            notes.append(f"{sheet.sheet.path}: has no column with the maximum grade, so marks were not held against it")
    return notes


def feedback_zip(grading: Grading, settings: Settings) -> Export:
    """Return the zip that Moodle takes under "Upload multiple feedback files in a zip": a folder for each person.

    A worksheet is needed because folders of teams carry the numbers of groups, and Moodle would hand the feedback to
    whoever has that number. Where Moodle gives none, as with rubrics, ``force`` takes the numbers as they are. Raises
    UsageError.
    """
    final, problems = settled(grading.entries)
    if settings.worksheets:
        sheets, notes = read_worksheets(settings, grading.entries)
        matched = match([one for sheet in sheets for one in sheet.participants], final, force=settings.force)
        problems += matched.problems
        found = [(one.name or one.kind, one.number, entry) for one, entry in matched.rows]
    else:
        found, unknown = _numbered(final)
        problems += unknown
        notes = ("no worksheet, so the numbers were taken for those of people; a team's would reach somebody else",)
    pages = cache(feedback_files)
    content = {
        f"{_label(name)}_{number}_assignfeedback_file_/{file}": text
        for name, number, entry in found
        for file, text in pages(entry.report).items()
    }
    people = len({number for _, number, _ in found})
    done = f"feedback for {count(people, 'person', 'people')}."
    files = {f"{grading.assignment}-feedback.zip": _zip(content)}
    return Export(files, done, tuple(problems), notes)


def _numbered(entries: Sequence[Entry]) -> tuple[list[tuple[str, str, Entry]], list[Problem]]:
    """Return name and number of each entry as Moodle's download had them, and what came from elsewhere."""
    found, problems = [], []
    for entry in entries:
        origin = entry.submission.origin
        if origin and origin.platform == "moodle" and origin.id.isdecimal():
            found.append((origin.label, str(int(origin.id)), entry))
        else:
            message = "has no number of Moodle's, so its feedback was not exported; name a --worksheet"
            problems.append(Problem(entry.report.id, message))
    return found, problems


def _label(name: str) -> str:
    r"""Return the name of a folder up to the number; Moodle splits at ``_`` and passes over what begins with a dot."""
    plain = re.sub(r"[^\w\s.,()-]|_", " ", name)
    return " ".join(plain.split()).strip(". ") or "Participant"


def _zip(content: Mapping[str, str]) -> bytes:
    """Return a zip, the same for the same content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(content):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, content[name].encode(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
