"""Moodle's grading worksheet: who is in it, and which cells are whose.

Source: Moodle, mod/assign/gradingtable.php and mod/assign/feedback/offline.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from grader.errors import UsageError
from grader.exporters.columns import find_columns, find_decimal, number_in
from grader.exporters.exports import Settings
from grader.exporters.sheet import Cell, Row, Sheet, read_sheet
from grader.importers.moodle import activity
from grader.store import Entry

#: The headers in English and in German; those in other languages are named on the command line.
COLUMNS = {
    "identifier": ("identifier", "id"),
    "grade": ("grade", "bewertung"),
    "modified": ("last modified (grade)", "zuletzt geändert (bewertung)"),
    "maximum": ("maximum grade", "bestwertung"),
    "feedback": ("feedback comments", "feedback als kommentar"),
    "changeable": ("grade can be changed", "bewertung kann geändert werden"),
    "name": ("full name", "vollständiger name"),
    "email": ("email address", "e-mail-adresse"),
    "group": ("group", "gruppe"),
    "scale": ("scale", "skala"),
}
#: Without these Moodle takes nothing back.
_REQUIRED = ("identifier", "grade", "modified")
_LOCKED = frozenset({"no", "nein"})


@dataclass(frozen=True, slots=True)
class Participant:
    """A row of a worksheet. ``number`` is that of the participant in this assignment: the digits of the Identifier.

    ``kind`` is what stands before them, such as "Participant". ``maximum`` is None where the worksheet has none.
    """

    sheet: Sheet
    line: int
    number: str
    kind: str
    name: str
    email: str
    group: str
    grade: Cell
    feedback: Cell | None
    maximum: float | None
    locked: bool

    @property
    def where(self) -> str:
        """File and line, for messages."""
        return f"{self.sheet.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Worksheet:
    """A worksheet with all its rows; ``decimal`` is what stands before decimals in it."""

    sheet: Sheet
    decimal: str
    participants: tuple[Participant, ...]


def read_worksheets(settings: Settings, entries: Sequence[Entry]) -> tuple[tuple[Worksheet, ...], tuple[str, ...]]:
    """Return the worksheets, and notes on what could not be made sure.

    Raises UsageError when one is no worksheet, has a participant twice, or is not of the assignment from which the
    hand-ins came.
    """
    notes = _check_assignment(settings, entries)
    return tuple(_worksheet(path, settings) for path in settings.worksheets), notes


def _worksheet(path: Path, settings: Settings) -> Worksheet:
    sheet = read_sheet(path)
    columns = find_columns(sheet, COLUMNS, settings.columns, _REQUIRED)
    if "scale" in columns and "maximum" not in columns:
        raise UsageError(f"{path}: the assignment is marked in words (a scale); let it be marked in points in Moodle")
    participants = tuple(_participant(sheet, row, columns) for row in sheet.rows)
    _check_numbers(participants)
    places = [columns[role] for role in ("maximum", "grade") if role in columns]
    values = [row.cells[place].value for row in sheet.rows for place in places]
    return Worksheet(sheet, find_decimal(sheet, values, settings.decimal), participants)


def _participant(sheet: Sheet, row: Row, columns: dict[str, int]) -> Participant:
    def value(role: str) -> str:
        return row.cells[columns[role]].value.strip() if role in columns else ""

    where, again = f"{sheet.path}:{row.line}", "download the worksheet again"
    found = re.fullmatch(r"(.*?)\s*(\d+)", value("identifier"))
    if found is None:
        raise UsageError(f"{where}: the identifier {value('identifier')!r} has no number; {again}")
    maximum = number_in(value("maximum"))
    if maximum is None and "maximum" in columns:
        raise UsageError(f"{where}: the maximum grade {value('maximum')!r} is no number; {again}")
    return Participant(
        sheet=sheet,
        line=row.line,
        number=str(int(found[2])),
        kind=found[1],
        name=value("name"),
        email=value("email"),
        group=value("group"),
        grade=row.cells[columns["grade"]],
        feedback=row.cells[columns["feedback"]] if "feedback" in columns else None,
        maximum=maximum,
        locked=value("changeable").casefold() in _LOCKED,
    )


def _check_numbers(participants: Sequence[Participant]) -> None:
    first: dict[str, Participant] = {}
    twice = [one for one in participants if first.setdefault(one.number, one) is not one]
    if twice:
        raise UsageError(
            "\n".join(
                f"{one.where}: the identifier {one.kind} {one.number} is there twice (first in line "
                f"{first[one.number].line}); download the worksheet again"
                for one in twice
            )
        )


def _check_assignment(settings: Settings, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Compare the numbers at the ends of the names: participants have other numbers in every assignment."""
    origins = [one.submission.origin for one in entries if one.submission.origin]
    archives = {one.archive for one in origins if one.platform == "moodle"}
    expected = {number for name in archives if (number := activity(PurePath(name).name))}
    notes = []
    for path in settings.worksheets:
        number = activity(path.name)
        if not archives or settings.force:
            continue
        if not (number and expected):
            missing = path.name if expected else ", ".join(sorted(archives)) or "the folder of hand-ins"
            notes.append(f"{path}: not made sure that it is of this assignment: {missing} ends in no number")
        elif expected != {number}:
            listed = ", ".join(sorted(archives))
            raise UsageError(
                f"{path}: is of another assignment, number {number}; the hand-ins came from {listed}. Name the "
                "worksheet of the same assignment, or say --force if only the file's name is wrong"
            )
    return tuple(notes)
