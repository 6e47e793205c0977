"""``grade doctor`` and ``grade demo``."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from grader import __version__
from grader.checks import KINDS
from grader.cli.grading import grade_intake
from grader.cli.settings import course_option, workers_option
from grader.course import find_course, load_course
from grader.demo import ASSIGNMENT, write_demo
from grader.engines import default_workers
from grader.errors import ExitCode, GradeError
from grader.execution import environment
from grader.importers import read_folder
from grader.sandbox import available_rungs, strongest_rung
from grader.store import open_store


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
    help="Folder to write the demonstration to.",
)
@course_option
@workers_option
def demo(output: Path, course_folder: Path | None, workers: int | None) -> ExitCode:
    """Grade a class that does not exist: write about thirty hand-ins, right, wrong and broken, and grade them.

    The exercise is sheet3/gradient_step with personal numbers switched on. Nothing is downloaded.
    """
    console = Console()
    course_root, hand_ins = write_demo(output, find_course(course_folder))
    course = load_course(course_root, KINDS)
    assignment = course.assignment(ASSIGNMENT)
    intake = read_folder(hand_ins, assignment.id)
    console.print(f"Wrote {len(intake.submissions)} hand-ins to {hand_ins}", markup=False, highlight=False)
    grade_intake(
        console,
        course,
        assignment,
        intake,
        output / "grades",
        exercises=[],
        workers=workers,
        isolation=strongest_rung(),  # it is safe at any: these hand-ins are our own
    )
    command = f"grade batch {hand_ins} --assignment {ASSIGNMENT} --course {course_root} --output {output / 'grades'}"
    again = f"The same again (nothing is run a second time):\n  {command}"
    console.print(again, markup=False, highlight=False, soft_wrap=True)
    return ExitCode.PASSED


@click.command()
@course_option
def doctor(course_folder: Path | None) -> ExitCode:
    """Say what this machine can do: packages, isolation, gradebook, and which course would be used.

    Exit status 4 when something that grading needs does not work.
    """
    console = Console()
    machine = environment()
    table = Table("what", "state", "detail", title=f"grade {__version__}", title_justify="left")
    table.add_row("Python", "ok", f"{machine.python}, {machine.platform}")
    table.add_row("cores", "ok", f"{default_workers()}; that many hand-ins run at the same time")
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages)
    table.add_row("packages", "ok", packages)
    broken = [_add_gradebook(table), _add_course(table, course_folder)]
    for rung in available_rungs():
        table.add_row(f"isolation {rung.name}", "ok" if rung.available else "no", rung.reason)
    free = shutil.disk_usage(tempfile.gettempdir()).free
    table.add_row("temporary files", "ok", f"{free / 1e9:.1f} GB free in {tempfile.gettempdir()}")
    console.print(table)
    return ExitCode.INFRASTRUCTURE if any(broken) else ExitCode.PASSED


def _add_gradebook(table: Table) -> bool:
    """Add whether a gradebook can be written here; return whether it cannot."""
    try:
        with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "grade.sqlite") as store:
            store.known_runs()
    except (GradeError, OSError) as error:
        table.add_row("gradebook", "no", escape(str(error)))
        return True
    table.add_row("gradebook", "ok", f"SQLite {sqlite3.sqlite_version}, write-ahead log")
    return False


def _add_course(table: Table, folder: Path | None) -> bool:
    """Add which course would be used and whether it is sound; return whether it is not."""
    try:
        course = load_course(find_course(folder), KINDS)
    except GradeError as error:
        table.add_row("course", "no", escape(str(error)))
        return True
    count = sum(1 for _ in course.exercises())
    table.add_row("course", "ok", escape(f"{course.title} ({course.root}), exercises: {count}"))
    return False
