"""``grade check`` and ``grade batch``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path, PurePosixPath

import click
import sqlalchemy as sa
from rich.console import Console

from grader.cli.intake import attempts_option, format_option, output_option, say_intake, tag_option
from grader.cli.people import extensions_option, roster_option, with_people
from grader.cli.settings import (
    HAND_INS,
    STORE_FILE,
    course_option,
    data_option,
    gradebook_option,
    json_option,
    progress_bar,
    read_course,
    workers_option,
)
from grader.cli.settings import workplace as open_workplace
from grader.course import Assignment, Course, Exercise
from grader.course.loading import RUN_SUFFIXES
from grader.errors import ExitCode, GradeError, Problem, UsageError
from grader.importers import Intake, Settings, read_hand_ins, read_one, readable
from grader.importers.handins import Attempts
from grader.importers.people import attendance_problems
from grader.model import Batch, Stop
from grader.pipeline import grade
from grader.reports import print_batch, print_report, to_json, write_batch
from grader.reports.text import plain
from grader.sandbox import is_official, rung_names, strongest_rung


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--assignment", "assignment_name", help="Assignment. Default: the one that the file's name fits.")
@click.option("--exercise", "exercise_name", help="Exercise. Default: those that the files' names fit.")
@click.option("--person", help="Whose numbers to use where everybody has their own. Default: the folder's name.")
@course_option
@data_option
@json_option
def check(
    path: Path,
    assignment_name: str | None,
    exercise_name: str | None,
    person: str | None,
    course_folder: Path | None,
    json_file: Path | None,
) -> ExitCode:
    """Check one hand-in: PATH is a notebook, a module, or a folder with them (default: the current folder).

    Tells what is right, what is wrong and which mistake it looks like. Exit status 1 when something is wrong.
    """
    console = Console()
    course = read_course(course_folder, bundle=True)
    intake = read_one(path, "", person)
    assignment, exercises = _meant(course, intake, path, assignment_name, exercise_name)
    with open_workplace(None, workers=1) as workplace:
        batch = grade(
            course,
            replace(assignment, late=None),  # a check is no hand-in
            intake.submissions,
            workplace,
            exercises=exercises,
            problems=(*intake.problems, *_of_bundle(course)),
            named=readable(path.resolve().name) if path.is_file() else "",
        )
    _write_json(batch, json_file)
    for report in batch.reports:
        print_report(console, report)
    for problem in batch.problems:
        console.print(plain(str(problem)), style="yellow", markup=False, highlight=False)
    return _check_status(batch)


def _of_bundle(course: Course) -> list[Problem]:
    """Return what is to be said of a bundle whose checks were changed after it was made; it is used all the same."""
    message = "was changed after this bundle was made, so what is said here may be wrong; download it again"
    return [Problem(str(path), message) for path in course.bundle.changed] if course.bundle else []


def _meant(
    course: Course, intake: Intake, path: Path, assignment_name: str | None, exercise_name: str | None
) -> tuple[Assignment, list[Exercise]]:
    """Return the assignment and exercises meant, one for a file. Raises UsageError when the names do not tell."""
    if path.is_file() and path.suffix.lower() not in RUN_SUFFIXES:
        raise UsageError(f"{path}: is neither a notebook (.ipynb) nor a module (.py); name the file with your work")
    files = [path.name] if path.is_file() else [file.name for one in intake.submissions for file in one.files]
    names = {PurePosixPath(name).name for name in files}
    candidates = [course.assignment(assignment_name)] if assignment_name else list(course.assignments.values())
    if exercise_name:
        fitting = [(one, [e for e in one.exercises if e.id == exercise_name]) for one in candidates]
    else:
        fitting = [(one, [e for e in one.exercises if names & set(e.files)]) for one in candidates]
    found = [(one, exercises) for one, exercises in fitting if exercises]
    known = [(one, list(one.exercises)) for one in candidates]
    if exercise_name and not found:
        raise UsageError(f"{course.root}: no exercise {exercise_name!r}; there are: {_listed(known)}")
    if len(known) == 1 and not found:
        found = known
    if len(found) == 1 and (len(found[0][1]) == 1 or not path.is_file()):
        return found[0]
    which = _listed(found) or "none"
    hint = f"name one of {_listed(known)} with --assignment and --exercise"
    raise UsageError(f"{path}: exercises that fit: {which}; {hint}")


def _listed(exercises: list[tuple[Assignment, list[Exercise]]]) -> str:
    return ", ".join(f"{assignment.id}/{exercise.id}" for assignment, some in exercises for exercise in some)


def _check_status(batch: Batch) -> ExitCode:
    if any(report.stop is Stop.INFRASTRUCTURE for report in batch.reports):
        return ExitCode.INFRASTRUCTURE
    full = all(report.points >= report.max_points and not report.pending for report in batch.reports)
    return ExitCode.PASSED if full else ExitCode.FAILED


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
    course = read_course(course_folder)
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
    _write_json(result, json_file)
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


def _write_json(batch: Batch, file: Path | None) -> None:
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(to_json(batch), indent=2, ensure_ascii=True)
        file.write_text(text + "\n", encoding="utf-8")
