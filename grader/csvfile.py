"""Reading a table that people made or a platform gave out: CSV with a header, whatever separates its columns."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table, and where it ends in the file: cells by column, whose names are in lower case."""

    line: int
    cells: Mapping[str, str]

    def first(self, *columns: str) -> str:
        """Return the first cell of ``columns`` with anything in it, or an empty text."""
        return next((self.cells[column] for column in columns if self.cells.get(column)), "")


@dataclass(frozen=True, slots=True)
class Table:
    """A table. Rows without anything in them are left out."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def at(self, row: Row) -> str:
        """Return how messages name the place of ``row``."""
        return f"{self.path}:{row.line}"


def read_csv(path: Path, what: str) -> Table:
    """Return the table in ``path``: UTF-8, with or without byte order mark, separated by comma, semicolon or tab.

    ``what`` is what it is called in messages. Raises UsageError when it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: {what} cannot be read ({error.strerror}); name a CSV file") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: {what} is not UTF-8 ({error.reason}); save it as CSV in UTF-8") from error
    header = text.partition("\n")[0]
    separator = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        lines = [([_tidy(cell) for cell in row], reader.line_num) for row in reader]
    except csv.Error as error:
        raise UsageError(f"{path}:{reader.line_num}: {what} is no CSV ({error}); save it as CSV again") from error
    columns = tuple(name.casefold() for name in lines[0][0]) if lines else ()
    rows = (Row(line, dict(zip(columns, cells, strict=False))) for cells, line in lines[1:] if any(cells))
    return Table(path, columns, tuple(rows))


def _tidy(cell: str) -> str:
    return unicodedata.normalize("NFC", cell).strip()
