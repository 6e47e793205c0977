"""A table in a CSV file of which single cells are changed, and every other byte stays.

The ``csv`` module reads values and not where they stand, and writing them anew would change quotes, line ends and
the order of bytes; so cells are found here by their place in the text.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError

# UTF-16 with its mark stands for both orders of bytes: each encodes without a mark, which is put back as it was.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SEPARATORS = ",;\t"
#: What stands between two quotes: by the standard a quote is doubled; PHP leaves one as it is after a backslash.
_QUOTED = {"standard": r'[^"]|""', "php": r'[^"\\]|\\.|""'}


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: from ``start`` to ``end`` in the text; ``value`` without quotes."""

    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is not empty, and the line of the file in which it begins."""

    line: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as it was read. All rows have as many cells as the header."""

    path: Path
    mark: bytes
    encoding: str
    text: str
    separator: str
    header: Row
    rows: tuple[Row, ...]

    def changed(self, values: Mapping[Cell, str]) -> bytes:
        """Return the file with other values in some cells, which keep their quotes."""
        parts, done = [], 0
        for cell in sorted(values, key=lambda cell: cell.start):
            parts += [self.text[done : cell.start], self._spelled(cell, values[cell])]
            done = cell.end
        return self.mark + "".join([*parts, self.text[done:]]).encode(self.encoding)

    def _spelled(self, cell: Cell, value: str) -> str:
        needed = re.search(rf'[\s"\\{self.separator}]', value)
        if needed or self.text.startswith('"', cell.start):
            return '"' + value.replace('"', '""') + '"'
        return value


def read_sheet(path: Path) -> Sheet:
    """Return the table in ``path``. Raises UsageError where it is none, or its cells cannot be told from each other."""
    mark, encoding, text = _decoded(path)
    first = re.match(r'(?:"[^"]*"|[^"\r\n])*', text)
    head = re.sub(r'"[^"]*"', "", first[0]) if first else ""
    separator = max(_SEPARATORS, key=head.count)
    readings = {rule: _rows(text, separator, rule) for rule in _QUOTED}
    whole = [rows for rows in readings.values() if rows and all(len(row.cells) == len(rows[0].cells) for row in rows)]
    if not whole:
        raise UsageError(f"{path}{_fault(readings['standard'])}; download the file again and leave it as it comes")
    if len({_places(rows) for rows in whole}) > 1:
        raise UsageError(
            f"{path}: can be read in two ways, because of a quote after a backslash; remove it from the text in which "
            "it stands, or the column with that text"
        )
    return Sheet(path, mark, encoding, text, separator, whole[0][0], tuple(whole[0][1:]))


def _decoded(path: Path) -> tuple[bytes, str, str]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name the file that was downloaded") from error
    mark, encoding = next((one for one in _MARKS if data.startswith(one[0])), (b"", "utf-8"))
    try:
        return mark, encoding, data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}: is neither UTF-8 nor UTF-16 with its mark ({error.reason}, byte {error.start}); download it "
            "again, and do not save it from a spreadsheet"
        ) from error


def _rows(text: str, separator: str, rule: str) -> list[Row]:
    """Return the rows that are not empty; a quote that is never closed takes all that follows into its cell."""
    pattern = re.compile(
        rf'(?P<cell>(?:"(?:{_QUOTED[rule]})*(?:"|\Z))?[^{separator}\r\n]*)(?P<after>{separator}|\r\n|\r|\n|\Z)',
        re.DOTALL,
    )
    rows: list[Row] = []
    cells: list[Cell] = []
    at, line, counted = 0, 1, 0
    while at < len(text) or cells:
        match = pattern.match(text, at)
        if match is None:  # pragma: no cover - every character is in a cell or behind one
            break
        cells.append(Cell(*match.span("cell"), _value(match["cell"])))
        at = match.end()
        if match["after"] == separator:
            continue
        if any(cell.value.strip() for cell in cells):
            line += _line_ends(text[counted : cells[0].start])
            counted = cells[0].start
            rows.append(Row(line, tuple(cells)))
        cells = []
    return rows


def _line_ends(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _value(raw: str) -> str:
    if not raw.startswith('"'):
        return raw
    inside, _, after = raw[1:].rpartition('"') if '"' in raw[1:] else (raw[1:], "", "")
    return inside.replace('""', '"') + after


def _places(rows: list[Row]) -> tuple[tuple[int, int], ...]:
    return tuple((cell.start, cell.end) for row in rows for cell in row.cells)


def _fault(rows: list[Row]) -> str:
    """Return what is wrong with the first row that is not as long as the header."""
    if not rows:
        return ": is empty"
    width = len(rows[0].cells)
    odd = next(row for row in rows if len(row.cells) != width)
    return f":{odd.line}: has {len(odd.cells)} cells where the header has {width}"
