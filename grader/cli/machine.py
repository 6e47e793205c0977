"""``grade doctor`` and ``grade demo``."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from grader import __version__
from grader.checks import KINDS
from grader.cli.grading import grade_intake
from grader.cli.options import course_option, workers_option
from grader.course import find_course, load_course
from grader.demo import ASSIGNMENT, write_demo, write_moodle
from grader.engines import default_workers
from grader.errors import ExitCode, GradeError
from grader.execution import environment, execute
from grader.importers import read_folder
from grader.model import Job, Limits, Stop
from grader.sandbox import available_rungs, make_sandbox, strongest_rung, sweep, temporary_place
from grader.store import open_store

#: Less than this for temporary files is as good as none: a hand-in with its companions may have as much.
_LEAST_BYTES = 128 * 1024**2


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
    help="Folder to write the demonstration to.",
)
@click.option(
    "--moodle", is_flag=True, help="Write the class as Moodle would give it out, for the walk-through; grade nothing."
)
@course_option
@workers_option
def demo(output: Path, course_folder: Path | None, workers: int | None, *, moodle: bool) -> ExitCode:
    """Grade a class that does not exist: write about forty hand-ins, right, wrong and broken, and grade them.

    The exercise is sheet3/gradient_step with personal numbers switched on. Nothing is downloaded.
    """
    console = Console()
    course_root, hand_ins = write_demo(output, find_course(course_folder))
    course = load_course(course_root, KINDS)
    assignment = course.assignment(ASSIGNMENT)
    if moodle:
        points = sum(exercise.rubric.points for exercise in assignment.exercises)
        for path in (course_root, *write_moodle(output / "moodle", course, points)):
            console.print(f"Wrote {path}", markup=False, highlight=False, soft_wrap=True)
        return ExitCode.PASSED
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
    broken.append(_add_preloads(table, course_folder))
    swept = sweep()
    if swept.folders or swept.processes:
        left = f"of graders that were killed: removed {swept.folders} folders, ended {swept.processes} processes"
        table.add_row("left behind", "ok", left)
    for place in dict.fromkeys([str(temporary_place()), tempfile.gettempdir()]):
        free = shutil.disk_usage(place).free
        broken.append(free < _LEAST_BYTES)
        table.add_row("temporary files", "no" if broken[-1] else "ok", f"{free / 1e9:.1f} GB free in {place}")
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


def _add_preloads(table: Table, folder: Path | None) -> bool:
    """Add whether what the exercises preload can be imported; return whether some cannot."""
    try:
        exercises = [one for one in load_course(find_course(folder), KINDS).exercises() if one.limits.preload]
    except GradeError:
        return False  # the course's own row says so
    broken = False
    with closing(make_sandbox(strongest_rung())) as sandbox:
        for preload in sorted({one.limits.preload for one in exercises}):
            run = execute(Job("module", "empty.py", "", (), (), Limits(preload=preload)), sandbox)
            where = [str(one.folder / "exercise.yaml") for one in exercises if one.limits.preload == preload]
            broken = broken or run.stop is not Stop.FINISHED
            words = f"{', '.join(where)}: {run.detail}" if run.detail else ", ".join(preload)
            table.add_row("preload", "no" if run.detail else "ok", escape(words))
    return broken


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
