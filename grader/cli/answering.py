"""What ``grade check`` does and prints, once what judges is imported."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from grader import __version__
from grader.cli.asked import Asked, Checked
from grader.cli.hinting import check_with_hints
from grader.cli.settings import opened, write_results
from grader.cli.watching import Watch
from grader.course import find_course
from grader.errors import ExitCode
from grader.reports import print_report
from grader.reports.remarks import Remark, remarks, sarif
from grader.reports.text import plain
from grader.sandbox import Opening


def asked(
    path: Path, course_folder: Path | None, assignment: str | None, exercise: str | None, person: str | None
) -> Asked:
    """Return what is asked on the command line. Raises UsageError where there is no course."""
    return Asked(find_course(course_folder, near=path), path, assignment, exercise, person)


def answer(asked: Asked, opening: Opening, json_file: Path | None, format_name: str) -> ExitCode:
    """Check once and print the result, as text for people or in the format named."""
    console = Console()
    checked, uncounted = check_with_hints(asked, opened(opening))
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


def watch(asked: Asked, opening: Opening, json_file: Path | None) -> ExitCode:
    """Check whenever a file changes, until Ctrl-C; return how the last one came out."""
    watcher = Watch(Console(), asked, opened(opening), lambda one: write_results(one.batch, json_file))
    watcher.run()
    return watcher.last.status if watcher.last else ExitCode.FAILED


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
