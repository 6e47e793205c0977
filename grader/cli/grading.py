"""``grade batch``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import sqlalchemy as sa
from rich.console import Console

from grader.cli.intake import attempts_option, format_option, output_option, say_intake, tag_option
from grader.cli.options import (
    HAND_INS,
    STORE_FILE,
    course_option,
    data_option,
    gradebook_option,
    json_option,
    workers_option,
)
from grader.cli.people import extensions_option, roster_option, with_people
from grader.cli.settings import progress_bar, read_course, write_results
from grader.cli.settings import workplace as open_workplace
from grader.course import Assignment, Course, Exercise
from grader.errors import ExitCode, GradeError, UsageError
from grader.importers import Intake, Settings, read_hand_ins
from grader.importers.handins import Attempts
from grader.importers.people import attendance_problems
from grader.model import Batch, Stop
from grader.pipeline import grade
from grader.reports import print_batch, write_batch
from grader.sandbox import is_official, rung_names, strongest_rung


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--assignment", "assignment_name", required=True, help="Assignment that was handed in.")
@click.option("--exercise", "exercise_names", multiple=True, help="Grade only this exercise (may be repeated).")
@course_option
@data_option
@output_option
@gradebook_option
@format_option
@attempts_option
@tag_option
@roster_option
@extensions_option
@json_option
@workers_option
@click.option(
    "--isolation",
    type=click.Choice(rung_names()),
    help="How strongly student code is confined; `grade doctor` explains. Default: the strongest rung of this machine; "
    "`landlock` and `selfcheck`, which are too weak for official marks, only when named.",
)
def batch(  # noqa: PLR0913, PLR0917 - one parameter for each option
    path: Path,
    assignment_name: str,
    exercise_names: tuple[str, ...],
    course_folder: Path | None,
    output: Path,
    gradebook: sa.URL | None,
    format_name: str | None,
    attempts: Attempts,
    tag: str,
    roster_file: Path | None,
    extensions_file: Path | None,
    json_file: Path | None,
    workers: int | None,
    isolation: str | None,
) -> ExitCode:
    """Grade all hand-ins in PATH: a platform's download, packed or not, or a folder with one for each submission.

    Every run is kept in the gradebook: the same command again runs only what is new or changed, and goes on where it
    was interrupted. Exit status 4 when a fault of this machine left something ungraded.
    """
    console = Console()
    isolation = isolation or official_rung()
    course = read_course(course_folder, [assignment_name])
    assignment = course.assignment(assignment_name)
    exercises = [assignment.exercise(name) for name in exercise_names]
    settings = Settings(assignment.id, assignment.deadline, attempts, tag)
    intake = read_hand_ins(path, settings, output / HAND_INS, format_name)
    intake, attendance, roster = with_people(intake, assignment, roster_file, extensions_file)
    if roster is not None:
        intake = replace(intake, problems=(*intake.problems, *attendance_problems(attendance, roster)))
    say_intake(console, intake)
    result = grade_intake(
        console,
        course,
        assignment,
        intake,
        output,
        gradebook=gradebook,
        exercises=exercises,
        workers=workers,
        isolation=isolation,
    )
    write_results(result, json_file)
    broken = any(report.stop is Stop.INFRASTRUCTURE for report in result.reports)
    return ExitCode.INFRASTRUCTURE if broken else ExitCode.PASSED


def official_rung() -> str:
    """Return the strongest rung of this machine. Raises UsageError where it is too weak for official marks."""
    rung = strongest_rung()
    if not is_official(rung):
        raise UsageError(
            "this machine cannot confine student code well enough for official marks; `grade doctor` says why, and "
            f"what would change it. The strongest rung here is {rung}; to use it all the same, where it can do no "
            f"harm, say so with --isolation {rung}."
        )
    return rung


def grade_intake(  # noqa: PLR0913 - the whole of a batch
    console: Console,
    course: Course,
    assignment: Assignment,
    intake: Intake,
    output: Path,
    *,
    exercises: list[Exercise],
    workers: int | None,
    isolation: str,
    gradebook: sa.URL | None = None,
) -> Batch:
    """Return the graded batch, after showing progress, writing the reports below ``output`` and printing a summary."""
    if not is_official(isolation):
        console.print(
            f"Isolation {isolation} is weaker than official marks ask for; `grade doctor` says what it promises. Run "
            "strangers' code on a machine that holds nothing of value.",
            style="yellow",
        )
    try:
        with (
            open_workplace(gradebook or output / STORE_FILE, workers=workers, isolation=isolation) as workplace,
            progress_bar(console, "Running") as show,
        ):
            result = grade(
                course,
                assignment,
                intake.submissions,
                workplace,
                exercises=exercises,
                unresolved=intake.unresolved,
                problems=intake.problems,
                progress=show,
            )
    except KeyboardInterrupt:
        console.print("Interrupted. Finished runs are kept; the same command goes on from here.", style="yellow")
        raise
    try:
        page = write_batch(result, output)
    except OSError as error:
        raise GradeError(
            f"{error.filename or output}: the reports cannot be written ({error.strerror}). Every run is kept in the "
            "gradebook: once this is mended, the same command writes them and runs nothing again."
        ) from error
    print_batch(console, result, page)
    return result
