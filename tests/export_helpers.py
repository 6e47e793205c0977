"""A graded class in a gradebook, and example files, for the tests of exports."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from grader.cli import run
from grader.model import (
    Batch,
    CheckResult,
    CheckScore,
    CriterionScore,
    ExerciseReport,
    Origin,
    Report,
    Status,
    Stop,
    Submission,
)
from grader.store import Entry, open_store

EXAMPLES = Path(__file__).parent / "exports"
WORKSHEET = "Grades-EML25-Sheet 3-4711.csv"
GERMAN = "Bewertungen-EML25-Blatt 3-4711.csv"
TEAMS = "Grades-EML25-Project-4800.csv"
HIDDEN = "Grades-EML25-Quiz-4900.csv"
CANVAS = "2025-11-20T1200_Grades-EML25.csv"
ARCHIVE = "EML25-Sheet 3-4711.zip"

RIGHT = CheckResult("z1", "value", Status.PASSED, 1.0)
WRONG = CheckResult("grad_z1", "value", Status.FAILED, 0.0, 'Not `ReLU`\'s, "quoted" <b> \\', "secret", "unmasked")
OWED = CheckResult("why", "text", Status.ERROR, 0.0, "", for_person=True)


def graded(name: str, points: float = 12.5, *, pending: bool = False, most: float = 15.0, **more: object) -> Report:
    """Return a report with one exercise: a check with all ``points``, one with the rest, and one that is owed."""
    scores = [CheckScore(RIGHT, points, points), CheckScore(WRONG, 0.0, most - points)]
    scores += [CheckScore(OWED, 0.0, 0.0)] if pending else []
    criterion = CriterionScore("all", "All of it", points, most, pending, tuple(scores))
    part = ExerciseReport(
        "step", "Step", points, most, pending, (criterion,), Stop.FINISHED, "ns", "step.py", seconds=1.25
    )
    whole = Report(name, (name,), "sheet3", "Sheet 3", points, most, pending, Stop.FINISHED, "ns", (part,))
    return replace(whole, **more)  # type: ignore[arg-type]


def entry(report: Report, origin: Origin | None = None) -> Entry:
    """Return what the gradebook keeps of a report on a hand-in that came from ``origin``."""
    received = datetime(2025, 11, 12, 9, 30, tzinfo=UTC)
    return Entry(report, Submission(report.id, report.people, "sheet3", report.id, (), received, origin))


def moodle(label: str, number: str, points: float = 12.5, archive: str = ARCHIVE, **more: bool) -> Entry:
    """Return an entry on a hand-in out of Moodle's zip."""
    report = graded(f"{label.split(' ', maxsplit=1)[0].lower()}-{number}", points, people=(label,), **more)
    group = "" if number else label
    return entry(report, Origin("moodle", number, label, (number,) if number else (), group, archive))


def keep(folder: Path, entries: Sequence[Entry]) -> Path:
    """Write a gradebook that holds ``entries``, and return its folder."""
    with open_store(folder / "grade.sqlite") as store:
        store.save_grading(Batch("sheet3", "Sheet 3", ()), "batch", entries)
    return folder


def worksheet(folder: Path, name: str = WORKSHEET, *, old: str = "", new: str = "", saved_as: str = "") -> Path:
    """Copy an example into ``folder``, one text in it changed."""
    path = folder / (saved_as or name)
    shutil.copy(EXAMPLES / name, path)
    if old:
        data = path.read_bytes()
        assert old.encode() in data
        path.write_bytes(data.replace(old.encode(), new.encode()))
    return path


def export(folder: Path, to: str, *arguments: object) -> int:
    """Run ``grade export`` on the gradebook in ``folder``."""
    named = ["--assignment", "sheet3", "--to", to, "--output", str(folder)]
    return run(["export", *named, *map(str, arguments)])


def table(data: bytes, separator: str = ",") -> list[list[str]]:
    """Return the cells of a CSV file, as Python's own module reads them."""
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=separator))
