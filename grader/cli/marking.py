"""Many decisions from one file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from grader.errors import Problem, UsageError
from grader.model import Decision
from grader.pipeline import Wish

_NEEDED = ("submission", "points", "reason")
_COLUMNS = (*_NEEDED, "exercise", "criterion", "check", "member", "by")
_NUMBER = re.compile(r"\d+([.,]\d+)?|[.,]\d+")


def read_wishes(path: Path, who: str, made: datetime, *, private: bool, unjudged: bool) -> tuple[Wish, ...]:
    """Return the decisions that a CSV file asks for. A line without points is one that nobody has filled in yet.

    Commas, semicolons or tabs between the columns, and a comma in a number, are understood. Raises UsageError with
    everything that is wrong with the file.
    """
    header, lines = _table(path)
    missing = [name for name in _NEEDED if name not in header]
    unknown = [name for name in header if name not in _COLUMNS]
    if missing or unknown or len(set(header)) != len(header):
        found = ", ".join(header) or "nothing"
        raise UsageError(
            f"{path}: the columns must be {', '.join(_NEEDED)} and may be {', '.join(_COLUMNS[len(_NEEDED) :])}, each "
            f"once; found: {found}"
        )
    wishes: list[Wish] = []
    problems: list[Problem] = []
    for number, cells in lines:
        where = f"{path}, line {number}"
        row = dict(zip(header, cells, strict=False))
        told = list(_faults(row, len(cells), len(header)))
        problems += [Problem(where, text) for text in told]
        if not told and row.get("points"):
            wishes.append(Wish(where, _decision(row, who, made, private=private, unjudged=unjudged)))
    if problems:
        raise UsageError("nothing was decided\n" + "\n".join(map(str, problems)))
    if not wishes:
        raise UsageError(f"{path}: no line has points, so nothing was decided")
    return tuple(wishes)


def _table(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the names of the columns, and every line that is not empty with its number in the file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); name a CSV file") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 ({error.reason}); save it as CSV in UTF-8") from error
    separator = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise UsageError(f"{path}, line {reader.line_num}: is no line of a CSV file ({error})") from error
    header = [cell.casefold() for cell in rows[0][1]] if rows else []
    return header, [(number, cells) for number, cells in rows[1:] if any(cells)]


def _faults(row: Mapping[str, str], cells: int, columns: int) -> Iterator[str]:
    points = row.get("points", "")
    if cells != columns:
        yield f"has {cells} cells where the header has {columns}; put quotes around a text with separators in it"
    elif points and not _NUMBER.fullmatch(points):
        yield f"points {points!r} are no number; write 2.5 or 2,5"
    elif not row["submission"]:
        yield "no submission is named"
    elif row.get("criterion") and row.get("check"):
        yield "names a criterion and a check; one of them is meant"
    elif row.get("member") and (row.get("exercise") or row.get("criterion") or row.get("check")):
        yield "a member has a total of their own; leave exercise, criterion and check empty"


def _decision(row: Mapping[str, str], who: str, made: datetime, *, private: bool, unjudged: bool) -> Decision:
    return Decision(
        row["submission"],
        row.get("exercise", ""),
        row.get("criterion", ""),
        row.get("check", ""),
        row.get("member", ""),
        float(row["points"].replace(",", ".")),
        None,
        row["reason"],
        row.get("by") or who,
        made,
        private=private,
        unjudged=unjudged,
    )
