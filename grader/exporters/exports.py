"""What every format is asked for, and what it gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grader.errors import Problem
from grader.late import name_key
from grader.model import Report, points_of
from grader.reports.wording import owed_checks
from grader.store import Entry


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked for: the files that were downloaded, and what is to be decided about them.

    ``columns`` maps what a column is for to its header, ``decimal`` is what stands before decimals (None: as in the
    file). ``scale``: marks are converted to the platform's maximum. ``force``: a file is taken although it seems to
    belong to another assignment.
    """

    worksheets: tuple[Path, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    decimal: str | None = None
    scale: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class Export:
    """Files by name, to be written together. ``problems`` are marks that were left out, ``notes`` need nobody.

    ``done`` says in one sentence what the files hold; ``lines`` are for standard output.
    """

    files: Mapping[str, bytes]
    done: str
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


def settled(entries: Iterable[Entry]) -> tuple[list[Entry], list[Problem]]:
    """Return the entries whose marks are final, and what is pending of the others."""
    entries = list(entries)
    return [one for one in entries if not one.report.pending], [
        Problem(one.report.id, _pending(one.report)) for one in entries if one.report.pending
    ]


def _pending(report: Report) -> str:
    owed = [f"{exercise.id} {name}" for exercise in report.exercises for name in owed_checks(exercise)]
    named = ", ".join(owed[:5]) + (", …" if len(owed) > 5 else "")
    return f"is pending{f' ({named})' if named else ''}, so its mark was not exported; export again once it is settled"


def points_for(report: Report, *names: str) -> float:
    """Return the points of one of the people, known by any of ``names``; those of all where none is theirs."""
    keys = {name_key(name) for name in names} - {()}
    return points_of(report, next((one for one in (*report.people, *report.members) if name_key(one) in keys), ""))
