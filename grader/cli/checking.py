"""``grade check``."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from grader import __version__
from grader.cli.asked import Asked, Checked
from grader.cli.hinting import check_with_hints
from grader.cli.settings import course_option, data_option, json_option, write_results
from grader.cli.settings import workplace as open_workplace
from grader.cli.watching import Watch
from grader.course import find_course
from grader.errors import ExitCode, UsageError
from grader.reports import print_report
from grader.reports.remarks import Remark, remarks, sarif
from grader.reports.text import plain

_FORMATS = ("text", "lines", "sarif", "junit")


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--assignment", "assignment_name", help="Assignment. Default: the one that the file's name fits.")
@click.option("--exercise", "exercise_name", help="Exercise. Default: those that the files' names fit.")
@click.option("--person", help="Whose numbers to use where everybody has their own. Default: the folder's name.")
@course_option
@data_option
@json_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(_FORMATS),
    default="text",
    show_default=True,
    help="What to print: text for people, lines as `path:line: message` for editors, sarif for code scanning, or junit "
    "for CI.",
)
@click.option("--watch", "watching", is_flag=True, help="Check again whenever a file changes, until Ctrl-C.")
def check(  # noqa: PLR0913 - one parameter for each option
    path: Path,
    assignment_name: str | None,
    exercise_name: str | None,
    person: str | None,
    course_folder: Path | None,
    json_file: Path | None,
    format_name: str,
    *,
    watching: bool,
) -> ExitCode:
    """Check one hand-in: PATH is a notebook, a module, or a folder with them (default: the current folder).

    Tells what is right, what is wrong and which mistake it looks like. Exit status 1 when something is wrong.
    """
    if watching and format_name != "text":
        raise UsageError("--watch prints text, and only what has changed; leave out --format or --watch")
    console = Console()
    asked = Asked(find_course(course_folder, near=path), path, assignment_name, exercise_name, person)
    if watching:
        with open_workplace(None, workers=1, purpose="again") as workplace:
            watcher = Watch(console, asked, workplace, lambda one: write_results(one.batch, json_file))
            watcher.run()
        return watcher.last.status if watcher.last else ExitCode.FAILED
    with open_workplace(None, workers=1, purpose="once" if path.is_file() else "many") as workplace:
        checked, uncounted = check_with_hints(asked, workplace)
    write_results(checked.batch, json_file)
    for fault in checked.faults:
        click.echo(f"grade: could not be run: {plain(fault)}", err=True)
    if format_name == "text":
        _print(console, checked)
        if uncounted:
            console.print(plain(uncounted), style="yellow", markup=False, highlight=False)
    else:
        written = _written(checked, format_name)
        click.echo(written, nl=bool(written))
    return checked.status


def _written(checked: Checked, format_name: str) -> str:
    if format_name == "junit":
        from grader.exporters.junit import junit_xml  # noqa: PLC0415 - nobody else waits for the exporters

        return junit_xml(checked.batch.title, checked.batch.reports).decode().rstrip("\n")
    found = _remarks(checked)
    return sarif(found, __version__) if format_name == "sarif" else "\n".join(map(str, found))


def _print(console: Console, checked: Checked) -> None:
    for report in checked.batch.reports:
        print_report(console, report)
    for problem in checked.batch.problems:
        console.print(plain(str(problem)), style="yellow", markup=False, highlight=False)


def _remarks(checked: Checked) -> list[Remark]:
    subjects = {
        exercise.id: {check.id: check.options.subject for check in exercise.rubric.checks}
        for exercise in checked.assignment.exercises
    }
    files = {name: _from_here(path) for name, path in checked.files.items()}
    return [one for report in checked.batch.reports for one in remarks(report, files, subjects)]


def _from_here(path: Path) -> Path:
    """Return the path as editors and code scanning look for it: from the current folder, where it lies below."""
    here = Path.cwd().resolve()
    return path.relative_to(here) if path.is_relative_to(here) else path
