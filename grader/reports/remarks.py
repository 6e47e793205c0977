"""What is not right in a hand-in, with its place in the file: lines for editors, and SARIF 2.1.0."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from grader.model import CheckScore, ExerciseReport, Report, Status
from grader.reports import wording
from grader.reports.text import plain

Level = Literal["error", "warning", "note"]
_LEVELS: Mapping[Status, Level] = {Status.FAILED: "error", Status.PARTIAL: "warning"}
_NOTEBOOK = ".ipynb"
_PLACE = re.compile(r"(cell|line) (\d+)")
_IN_TRACEBACK = re.compile(r"line (\d+)")


@dataclass(frozen=True, slots=True)
class Place:
    """A line, from 1; in a notebook the line within the code ``cell`` of that number, from 1, as error messages say.

    Code cells without any code are not counted.
    """

    line: int = 1
    cell: int | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that is not right, not judged or went wrong. ``rule`` names exercise and check, or ``problem``."""

    path: Path
    place: Place
    level: Level
    rule: str
    message: str

    def __str__(self) -> str:
        """Return ``path:line: message``, for a notebook ``path:cell 3:2: message``."""
        cell = "" if self.place.cell is None else f"cell {self.place.cell}:"
        return f"{self.path}:{cell}{self.place.line}: {self.message}"


def remarks(report: Report, files: Mapping[str, Path], subjects: Mapping[str, Mapping[str, str]]) -> list[Remark]:
    """Return what is not right in a report.

    ``files`` are the submission's by name; ``subjects`` the name that each check looks at, by exercise and check.
    """
    found = []
    for exercise in report.exercises:
        path = files.get(exercise.file, Path(exercise.file or report.id))
        found += list(_of_exercise(exercise, path, subjects.get(exercise.id, {})))
    folder = next(iter(files.values())).parent if files else Path()
    found += [Remark(folder, Place(), "error", "problem", plain(str(problem))) for problem in report.problems]
    return found


def _of_exercise(exercise: ExerciseReport, path: Path, subjects: Mapping[str, str]) -> Iterator[Remark]:
    cells = _cells(path)
    for error in exercise.errors:
        place = _place_of_error(error.where, error.traceback)
        yield Remark(path, place, "error", f"{exercise.id}/runs", plain(str(error)))
    for criterion in exercise.criteria:
        for check in criterion.checks:
            if check.result.fraction < 1:
                place = _last_binding(cells, subjects.get(check.result.id, check.result.id))
                level = _LEVELS.get(check.result.status, "note")
                yield Remark(path, place, level, f"{exercise.id}/{check.result.id}", _words(check))


def _words(check: CheckScore) -> str:
    message = " ".join(block.text for block in wording.message_blocks(check.result))
    words = f"{check.result.id}: {wording.verdict(check.result).word}"
    return " ".join(plain(f"{words}. {message}" if message else words).split())


def _place_of_error(where: str, traceback: str) -> Place:
    match = _PLACE.fullmatch(where)
    if match is None:
        return Place()
    if match[1] == "line":
        return Place(int(match[2]))
    lines = _IN_TRACEBACK.findall(next((one for one in traceback.splitlines() if one.startswith("Cell In")), ""))
    return Place(int(lines[-1]) if lines else 1, int(match[2]))


def _cells(path: Path) -> list[tuple[int | None, str]]:
    """Return the code of a file by cell, a module's without number; nothing where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        if path.suffix.lower() != _NOTEBOOK:
            return [(None, text)]
        sources = ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return list(enumerate((source for source in sources if source.strip()), 1))


def _last_binding(cells: list[tuple[int | None, str]], name: str) -> Place:
    """Return where ``name`` is assigned or defined last, else the first line. The code need not be valid Python."""
    word = re.escape(name.partition(".")[0])
    defined = rf"^\s*(?:(?:async\s+)?def|class)\s+{word}\b"
    assigned = rf"^(?:[^#]*[:;])?[^#='\"()]*\b{word}\b[^=\n#()]*=(?!=)"
    pattern = re.compile(f"{defined}|{assigned}")
    found = [
        Place(number, cell)
        for cell, source in cells
        for number, line in enumerate(source.splitlines(), 1)
        if pattern.match(line)
    ]
    return found[-1] if found else Place(1, cells[0][0] if cells else None)


def sarif(found: list[Remark], version: str) -> str:
    """Return the remarks as SARIF 2.1.0, the format of code scanning. A notebook's cell is said in the message."""
    rules = sorted({one.rule for one in found})
    driver = {"name": "grade", "version": version, "rules": [{"id": rule} for rule in rules]}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": [_result(one, rules.index(one.rule)) for one in found]}],
    }
    return json.dumps(log, indent=2, ensure_ascii=True)


def _result(one: Remark, rule: int) -> dict[str, Any]:
    cell = "" if one.place.cell is None else f" (cell {one.place.cell}, line {one.place.line})"
    where: dict[str, Any] = {"artifactLocation": {"uri": _uri(one.path)}}
    if one.place.cell is None:  # lines of a notebook's JSON mean nothing to anybody
        where["region"] = {"startLine": one.place.line}
    return {
        "ruleId": one.rule,
        "ruleIndex": rule,
        "level": one.level,
        "message": {"text": one.message + cell},
        "locations": [{"physicalLocation": where}],
    }


def _uri(path: Path) -> str:
    """Return a relative path with slashes, on Windows too, or a file URI."""
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
