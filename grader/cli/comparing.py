"""``grade diff``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import sqlalchemy as sa
from rich.console import Console

from grader.cli.options import STORE_FILE
from grader.cli.regrading import write_json
from grader.errors import ExitCode, UsageError
from grader.pipeline import Mark, marks, moved
from grader.reports.moves import moves_json, print_moved
from grader.reports.reading import marks_from_json
from grader.store import open_store, place_name, read_url


@click.command("diff")
@click.argument("old")
@click.argument("new")
@click.option("--assignment", help="Which assignment of a gradebook. Default: its only one.")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write who moved as JSON.")
def diff_command(old: str, new: str, assignment: str | None, json_file: Path | None) -> ExitCode:
    """Say who moved between two gradings, check by check. Exit status 1 when somebody did.

    OLD and NEW are each a results.json, or a gradebook, the folder that holds it or its postgresql://…, whose last
    grading is meant; `grades@3` is the third grading that the gradebook holds, `grades@-2` the last but one.
    """
    before, after = (_marks(one, assignment) for one in (old, new))
    found = moved(before, after)
    print_moved(Console(), found, len(before.keys() | after.keys()))
    if json_file is not None:
        write_json({"schema": 1, "moved": moves_json(found)}, json_file)
    return ExitCode.FAILED if found else ExitCode.PASSED


def _marks(text: str, assignment: str | None) -> dict[str, Mark]:
    """Return the marks that ``text`` names. Raises UsageError where it names none."""
    match = re.fullmatch(r"(.+)@(-?\d+)", text)
    name, number = (match[1], int(match[2])) if match and not Path(text).exists() else (text, -1)
    if "://" in name:
        return _from_gradebook(read_url(name), number, assignment)
    path = Path(name)
    path = path / STORE_FILE if path.is_dir() else path
    if not path.is_file():
        raise UsageError(f"{path}: does not exist; name a results.json, a gradebook or the folder that holds one")
    if path.suffix == ".json":
        return _from_json(path)
    return _from_gradebook(path, number, assignment)


def _from_gradebook(place: Path | sa.URL, number: int, assignment: str | None) -> dict[str, Mark]:
    path = place_name(place)
    with open_store(place, writing=False) as store:
        numbers = store.gradings(only(path, store.assignments(), assignment))
        index = number if number < 0 else number - 1
        if number == 0 or not -len(numbers) <= index < len(numbers):
            raise UsageError(f"{path}: holds no grading {number}; it has {len(numbers)}, counted from 1")
        return marks(entry.report for entry in store.grading(numbers[index]).entries)


def _from_json(path: Path) -> dict[str, Mark]:
    try:
        return marks_from_json(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{path}: is not the results.json that `grade batch` writes; name that file") from None


def only(path: str, known: tuple[str, ...], named: str | None) -> str:
    """Return the assignment ``named``, or the only one of the gradebook. Raises UsageError where that is not clear."""
    if named in known:
        return named
    if named is None and len(known) == 1:
        return known[0]
    listed = ", ".join(known) or "none"
    raise UsageError(f"{path}: which assignment? It has: {listed}; name one with --assignment")
