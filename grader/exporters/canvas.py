"""Canvas's gradebook as it was downloaded, with the marks of one assignment.

Nothing else is touched: a header that Canvas does not know would make a new assignment, and the row of possible points
changes what an assignment is worth. Source: Canvas, lib/gradebook_exporter.rb and lib/gradebook_importer.rb.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from grader.errors import Problem, UsageError
from grader.exporters.columns import find_columns, find_decimal, number_in, spell
from grader.exporters.exports import Export, Settings, points_for, settled
from grader.exporters.sheet import Cell, Row, Sheet, read_sheet
from grader.late import name_key
from grader.model import Report, people_in
from grader.reports.text import count, number
from grader.store import Entry, Grading

_COLUMNS = {
    "id": ("id",),
    "student": ("student",),
    "last name": ("lastname", "last name"),
    "first name": ("firstname", "first name"),
    "sis user id": ("sis user id",),
    "sis login id": ("sis login id",),
}
_ASSIGNMENT = re.compile(r"(?P<title>.*) \(\d+\)", re.DOTALL)
_LEFT = {"EX": "is excused in Canvas", "N/A": "is not assigned to this person in Canvas"}


class _Gradebook:
    """The columns of a gradebook, and who is in it."""

    def __init__(self, sheet: Sheet, title: str, settings: Settings) -> None:
        self.sheet = sheet
        named = {role: header for role, header in settings.columns.items() if role != "grade"}
        self.columns = find_columns(sheet, _COLUMNS, named, ("id",))
        self.column = _assignment(sheet, title, settings.columns.get("grade", ""))
        self.header = sheet.header.cells[self.column].value
        self.students = [row for row in sheet.rows if self.value(row, "id")]
        twice = [key for key, times in Counter(self.value(row, "id") for row in self.students).items() if times > 1]
        if twice:
            raise UsageError(f"{sheet.path}: the ID {twice[0]} is there twice; download the gradebook again")
        cells = [row.cells[self.column].value for row in sheet.rows]
        self.decimal = find_decimal(sheet, cells, settings.decimal)

    def value(self, row: Row, role: str) -> str:
        return row.cells[self.columns[role]].value.strip() if role in self.columns else ""

    def name(self, row: Row) -> str:
        return self.value(row, "student") or f"{self.value(row, 'last name')}, {self.value(row, 'first name')}"

    @cached_property
    def possible(self) -> float:
        """Return what the assignment is worth. Raises UsageError where this is not told."""
        for row in self.sheet.rows:
            if row.cells[0].value.strip().casefold() == "points possible":
                points = number_in(row.cells[self.column].value)
                if points is not None:
                    return points
        raise UsageError(
            f"{self.sheet.path}: the row 'Points Possible' has no number under {self.header!r}; take another column"
        )

    def find(self, entry: Entry) -> list[Row]:
        """Return the rows of those who handed in. Raises LookupError with the reason where they are not clear."""
        origin = entry.submission.origin
        if origin and origin.platform == "canvas":
            rows = [row for row in self.students if self.value(row, "id") == origin.id]
            if not rows:
                raise LookupError(f"is user {origin.id}, {origin.label!r}, who is not in the gradebook")
            if origin.label and _letters(self.name(rows[0])) != _letters(origin.label):
                raise LookupError(
                    f"is user {origin.id}, {origin.label!r}, and that is {self.name(rows[0])!r} in the gradebook"
                )
            return rows
        names = people_in(entry.submission.people)
        return [self._person(name) for name in names]

    def _person(self, name: str) -> Row:
        for role in ("sis user id", "sis login id"):
            rows = [row for row in self.students if self.value(row, role).casefold() == name.casefold()]
            if len(rows) == 1:
                return rows[0]
        rows = [row for row in self.students if name_key(self.name(row)) == name_key(name) != ()]
        if len(rows) != 1:
            how = f"{len(rows)} people are" if rows else "nobody is"
            raise LookupError(f"{how} called {name!r} in the gradebook")
        return rows[0]


def canvas(grading: Grading, settings: Settings) -> Export:
    """Return the gradebook with the cells of one assignment filled in. Raises UsageError."""
    if len(settings.worksheets) > 1:
        raise UsageError("Canvas has one gradebook; name it once with --worksheet")
    book = _Gradebook(read_sheet(settings.worksheets[0]), grading.title, settings)
    final, problems = settled(grading.entries)
    claimed: dict[int, list[tuple[Row, Entry]]] = {}
    for entry in final:
        try:
            for row in book.find(entry):
                claimed.setdefault(row.line, []).append((row, entry))
        except LookupError as reason:
            problems.append(Problem(entry.report.id, f"{reason} (its mark was not exported)"))
    values: dict[Cell, str] = {}
    for claims in claimed.values():
        refusal = _fill(book, claims, settings, values)
        if refusal:
            where = f"{book.sheet.path}:{claims[0][0].line}"
            problems.append(Problem(where, f"{refusal} ({claims[0][1].report.id}); the row was left as it is"))
    done = f"{len(values)} of {count(len(book.students), 'student')} have a mark from here, under {book.header!r}."
    return Export({book.sheet.path.name: book.sheet.changed(values)}, done, tuple(problems))


def _fill(book: _Gradebook, claims: Sequence[tuple[Row, Entry]], settings: Settings, values: dict[Cell, str]) -> str:
    """Put the mark into ``values``, or return why not."""
    row, entry = claims[0]
    cell = row.cells[book.column]
    if len(claims) > 1:
        return f"could get the marks of {' and '.join(entry.report.id for _, entry in claims)}"
    if cell.value.strip().upper() in _LEFT:
        return _LEFT[cell.value.strip().upper()]
    points, most = _scaled(book, entry.report, book.name(row), settings)
    if not -1e-9 <= points <= most + 1e-6:
        return f"the mark {number(points)} is not between 0 and the {number(most)} points possible"
    values[cell] = spell(points, book.decimal, cell.value)
    return ""


def _scaled(book: _Gradebook, report: Report, name: str, settings: Settings) -> tuple[float, float]:
    possible, most, points = book.possible, report.max_points, points_for(report, name)
    if abs(possible - most) <= 1e-6:
        return points, most
    if not settings.scale or most <= 0:
        raise UsageError(
            f"{book.sheet.path}: {number(possible)} points are possible under {book.header!r}, and {report.assignment} "
            f"has {number(most)}; change that in Canvas and download the gradebook again, or say --scale to convert"
        )
    return points * possible / most, possible


def _assignment(sheet: Sheet, title: str, named: str) -> int:
    """Return the place of the column of an assignment; none is ever added. Raises UsageError."""
    headers = [cell.value for cell in sheet.header.cells]
    if named:
        places = [place for place, header in enumerate(headers) if header == named]
    else:
        titles = [_ASSIGNMENT.fullmatch(header) for header in headers]
        places = [i for i, one in enumerate(titles) if one and name_key(one["title"]) == name_key(title)]
    if len(places) == 1:
        return places[0]
    listed = ", ".join(repr(header) for header in headers if _ASSIGNMENT.fullmatch(header)) or "none"
    what = f"{len(places)} columns" if places else "no column"
    raise UsageError(
        f"{sheet.path}: has {what} {named or f'of an assignment {title}'!r}; name one with --column grade=HEADER. "
        f"Its assignments are: {listed}"
    )


def _letters(text: str) -> str:
    return "".join(re.findall(r"[^\W_]", text.casefold()))
