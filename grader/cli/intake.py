"""``grade intake``, and what commands share that take hand-ins as they were downloaded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from grader.cli.options import HAND_INS, course_option
from grader.cli.people import extensions_option, roster_option, with_people
from grader.cli.settings import read_course
from grader.course import Assignment, Exercise
from grader.errors import ExitCode, Problem
from grader.importers import FORMATS, Intake, Settings, read_hand_ins
from grader.importers.handins import Attempts
from grader.importers.roster import Attendance
from grader.late import lateness
from grader.model import Submission
from grader.pipeline.handins import choose
from grader.reports.text import count, encodable, plain

output_option = click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("grades"),
    show_default=True,
    help="Folder for the gradebook, the reports, and what archives hold.",
)
format_option = click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    help="Read PATH as this format. Default: the one that it looks like.",
)
attempts_option = click.option(
    "--attempts",
    type=click.Choice(["latest", "in-time", "first", "best"]),
    default="latest",
    show_default=True,
    help="Which of several attempts counts; in-time: the latest before the deadline, or the latest if none is; best: "
    "all are graded.",
)

tag_option = click.option(
    "--tag", default="", help="Of Git repositories, take the commit with this tag. Default: the newest commit."
)


@click.command("intake")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--assignment", "assignment_name", required=True, help="Assignment that was handed in.")
@click.option("--exercise", "exercise_names", multiple=True, help="Look for this exercise only (may be repeated).")
@roster_option
@extensions_option
@course_option
@output_option
@format_option
@attempts_option
@tag_option
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write what was found as JSON."
)
def intake_command(  # noqa: PLR0913, PLR0917 - one parameter for each option
    path: Path,
    assignment_name: str,
    exercise_names: tuple[str, ...],
    roster_file: Path | None,
    extensions_file: Path | None,
    course_folder: Path | None,
    output: Path,
    format_name: str | None,
    attempts: Attempts,
    tag: str,
    json_file: Path | None,
) -> ExitCode:
    """Say who handed in what in PATH, and what is not clear, as `grade batch` would take it. Nothing is run.

    Exit status 1 when something needs a human: what cannot be read, several files that could be meant, people who are
    not on the roster. Who is missing or late is only said.
    """
    console = Console()
    assignment = read_course(course_folder, [assignment_name]).assignment(assignment_name)
    exercises = [assignment.exercise(name) for name in exercise_names] or list(assignment.exercises)
    settings = Settings(assignment.id, assignment.deadline, attempts, tag)
    intake = read_hand_ins(path, settings, output / HAND_INS, format_name)
    intake, attendance, _ = with_people(intake, assignment, roster_file, extensions_file)
    everybody = (*intake.submissions, *intake.unresolved)
    unclear = _unclear(intake.submissions, assignment, exercises)
    say_intake(console, intake)
    for line in _lines(everybody, attendance, (*intake.problems, *unclear), assignment):
        console.print(plain(line), markup=False, highlight=False, soft_wrap=True)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(_as_json(intake, attendance, unclear, assignment), indent=2, ensure_ascii=True)
        json_file.write_text(text + "\n", encoding="utf-8")
    return ExitCode.FAILED if intake.problems or unclear or attendance.unexpected else ExitCode.PASSED


def _unclear(
    submissions: Sequence[Submission], assignment: Assignment, exercises: Sequence[Exercise]
) -> tuple[Problem, ...]:
    choices = [choose(one, assignment, exercise) for one in submissions for exercise in exercises]
    return tuple(dict.fromkeys(choice.problem for choice in choices if choice.problem))


def is_late(one: Submission, assignment: Assignment) -> bool:
    """Return whether the platform says so, or the time does; times of files only where the late policy counts them."""
    late = lateness(assignment, one, 0.0, 0.0)
    return late.seconds > 0 or bool(late.question)


def _lines(
    everybody: Sequence[Submission],
    attendance: Attendance,
    problems: Sequence[Problem],
    assignment: Assignment,
) -> list[str]:
    lines = []
    for one in sorted(everybody, key=lambda one: one.id):
        names = ", ".join(file.name for file in one.files[:5]) + (", …" if len(one.files) > 5 else "")
        late = " (late)" if is_late(one, assignment) else ""
        lines.append(f"{one.id}: {', '.join(one.people)}{late}: {names or 'nothing'}")
    if attendance.missing:
        names = ", ".join(person.name or person.cells[0][1] for person in attendance.missing)
        lines.append(f"Not handed in ({len(attendance.missing)}): {names}")
    lines += [f"Not on the roster, or not clear who: {one.id} ({one.source})" for one in attendance.unexpected]
    needing = len(problems) + len(attendance.unexpected)
    lines += [str(problem) for problem in problems]
    lines.append(f"{count(needing, 'thing needs', 'things need')} a human." if needing else "Nothing needs a human.")
    return lines


def _as_json(
    intake: Intake, attendance: Attendance, unclear: tuple[Problem, ...], assignment: Assignment
) -> dict[str, Any]:
    unresolved = {one.id for one in intake.unresolved}
    everybody = sorted((*intake.submissions, *intake.unresolved), key=lambda one: one.id)
    data: dict[str, Any] = {
        "schema": 1,
        "assignment": assignment.id,
        "format": intake.format,
        "notes": list(intake.notes),
        "submissions": [
            {
                "id": one.id,
                "people": list(one.people),
                "source": one.source,
                "files": [file.name for file in one.files],
                "received": one.received.isoformat() if one.received else None,
                "late": is_late(one, assignment),
                "late_seconds": lateness(assignment, one, 0.0, 0.0).seconds,
                "key": one.key or one.id,
                "unresolved": one.id in unresolved,
                "origin": asdict(one.origin) if one.origin else None,
            }
            for one in everybody
        ],
        "missing": [
            {"name": person.name, "group": person.group, **dict(person.cells)} for person in attendance.missing
        ],
        "unexpected": [one.id for one in attendance.unexpected],
        "ambiguous": [asdict(problem) for problem in unclear],
        "problems": [asdict(problem) for problem in intake.problems],
    }
    writable: dict[str, Any] = json.loads(encodable(json.dumps(data, ensure_ascii=False)))
    return writable


def say_intake(console: Console, intake: Intake) -> None:
    """Print as what the hand-ins were read, and what was decided on the way."""
    number = len(intake.submissions) + len(intake.unresolved)
    title = f"Read as {FORMATS[intake.format].title}: {count(number, 'hand-in')}."
    for line in (title, *intake.notes):
        console.print(plain(line), markup=False, highlight=False, soft_wrap=True)
