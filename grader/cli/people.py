"""What commands share that know people: options, and the hand-ins with what roster and extensions say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from grader.course import Assignment, Extension, read_extensions
from grader.errors import CourseError, Problem, UsageError
from grader.importers import Intake
from grader.importers.people import identify, limit_groups
from grader.importers.roster import Attendance, Person, read_roster
from grader.late import extended, is_for
from grader.model import Submission

#: Platforms whose own numbers of people change from sheet to sheet, or mean nothing to anybody.
_NUMBERED = ("moodle", "canvas", "gradescope")

roster_option = click.option(
    "--roster",
    "roster_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV file with everybody who should hand in, such as the platform's own. Default: the one that course.yaml "
    "names.",
)
extensions_option = click.option(
    "--extensions",
    "extensions_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV file with later deadlines of people or groups, besides those that course.yaml gives.",
)


def with_people(
    intake: Intake, assignment: Assignment, roster_file: Path | None, extensions_file: Path | None
) -> tuple[Intake, Attendance, Path | None]:
    """Return the hand-ins with names, keys and times by the roster and their later deadlines, and who is missing.

    The last is the roster's file. Raises UsageError where a file cannot be used, CourseError with what is wrong with
    the extensions.
    """
    roster = roster_file or assignment.roster
    people: tuple[Person, ...] = ()
    attendance = Attendance((), ())
    if roster is not None:
        people = read_roster(roster)
        intake, attendance = identify(intake, people, roster, assignment.zone)
    elif assignment.personal and intake.format in _NUMBERED:
        message = (
            "personal numbers hang on the platform's numbers of people here, which nobody can know beforehand; name a "
            "roster with --roster, so that they hang on logins or addresses"
        )
        intake = replace(intake, problems=(*intake.problems, Problem(assignment.id, message)))
    intake = limit_groups(intake, assignment.max_group)
    return _extended(intake, assignment, extensions_file, people), attendance, roster


def _extended(intake: Intake, assignment: Assignment, file: Path | None, people: tuple[Person, ...]) -> Intake:
    """Return the hand-ins with the deadlines in ``file``, and a note on extensions of nobody here."""
    given, problems = read_extensions(file, assignment.id) if file else ([], [])
    if problems:
        raise CourseError(problems)
    if given and assignment.deadline is None:
        raise UsageError(f"{file}: {assignment.id} has no deadline to extend; write `deadline` into course.yaml")
    everybody = (*intake.submissions, *intake.unresolved)
    # Somebody on the roster may have an extension and hand in nothing.
    listed = [Submission(one.key, (one.name, one.group), assignment.id, "", (), key=one.key) for one in people]
    idle = [
        one.who for one in (*assignment.extensions, *given) if not any(is_for(one, by) for by in (*everybody, *listed))
    ]
    notes = (f"extensions of nobody here: {', '.join(idle)}",) if idle else ()

    def later(some: tuple[Submission, ...]) -> tuple[Submission, ...]:
        return tuple(_with_due(one, assignment, given) for one in some)

    submissions, unresolved = later(intake.submissions), later(intake.unresolved)
    return replace(intake, submissions=submissions, unresolved=unresolved, notes=(*intake.notes, *notes))


def _with_due(one: Submission, assignment: Assignment, given: list[Extension]) -> Submission:
    mine = [extended(assignment, extension) for extension in given if is_for(extension, one)]
    return replace(one, due=max(mine)) if mine else one
