"""``grade export``."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa

from grader.cli.options import gradebook_option
from grader.cli.regrading import existing, output_option
from grader.errors import ExitCode, UsageError
from grader.exporters import FORMATS, Export, Settings, write_files
from grader.reports.text import plain
from grader.store import Grading, open_store

#: Exports that are not named otherwise lie here, beside the gradebook.
EXPORTS = "export"
#: Where GitHub Actions collects the summary of a step.
SUMMARY = "GITHUB_STEP_SUMMARY"


def _columns(_context: click.Context, _option: click.Parameter, named: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in named]
    for role, equals, header in pairs:
        if not (role and equals and header):
            raise click.BadParameter(f"{role!r} is not of the form WHAT=HEADER, such as grade=Note")
    return {role: header for role, _, header in pairs}


@click.command("export")
@click.option("--assignment", "assignment_name", required=True, help="Assignment to export.")
@click.option("--to", "format_name", required=True, type=click.Choice(list(FORMATS)), help="Format to write.")
@output_option
@gradebook_option
@click.option(
    "--worksheet",
    "worksheets",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that was downloaded from the platform; may be repeated (a worksheet for each group).",
)
@click.option("--file", "-o", type=click.Path(path_type=Path), help="File or folder to write. Default: below --output.")
@click.option("--submission", "chosen", multiple=True, help="Only this submission; may be repeated.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    callback=_columns,
    metavar="WHAT=HEADER",
    help="Which column of the worksheet is the grade, the feedback, … where its header is not known.",
)
@click.option("--decimal", type=click.Choice([".", ","]), help="Decimal mark. Default: the worksheet's.")
@click.option("--scale", is_flag=True, help="Convert marks to the platform's maximum where that is another.")
@click.option("--force", is_flag=True, help="Take a worksheet although its name, or a person's, says otherwise.")
def export_command(
    assignment_name: str,
    format_name: str,
    output: Path,
    gradebook: sa.URL | None,
    file: Path | None,
    chosen: tuple[str, ...],
    **asked: Any,
) -> ExitCode:
    """Write the current marks in a format that a platform or program takes. Exit status 1 when a mark was left out.

    Marks that are pending go to no platform, and are listed. A downloaded worksheet comes out as it was, but for the
    cells of marks and feedback.
    """
    wanted = FORMATS[format_name]
    settings = Settings(**asked)
    forced = settings.force and wanted.force_without
    if wanted.from_worksheet != bool(settings.worksheets) and not forced:
        hint = "needs the file that was downloaded, as --worksheet" if wanted.from_worksheet else "takes no --worksheet"
        raise UsageError(f"{wanted.title} {hint}")
    grading = _grading(existing(output, gradebook), assignment_name, chosen)
    made = wanted.make(grading, settings)
    for line in made.lines:
        click.echo(line)
    summary = os.environ.get(SUMMARY, "") if format_name == "github" and file is None else ""
    written = _append(made, Path(summary)) if summary else _write(made, file, output / EXPORTS, settings.worksheets)
    # Annotations have standard output for themselves.
    for line in (f"{wanted.title}: {made.done}", *made.notes, *map(str, made.problems), f"Written: {written}"):
        click.echo(plain(line), err=bool(made.lines))
    return ExitCode.FAILED if made.problems else ExitCode.PASSED


def _grading(place: Path | sa.URL, assignment: str, chosen: tuple[str, ...]) -> Grading:
    with open_store(place, writing=False) as store:
        grading = store.last_grading(assignment)
        known = store.assignments()
    if grading is None:
        raise UsageError(f"{place}: holds no marks for {assignment!r}; it has: {', '.join(known) or 'none'}")
    entries = {entry.report.id: entry for entry in grading.entries}
    missing = [name for name in chosen if name not in entries]
    if missing:
        raise UsageError(f"{place}: no submission {missing[0]!r} in {assignment}; `grade export --to marks` lists them")
    return replace(grading, entries=tuple(entries[name] for name in chosen or entries))


def _write(made: Export, file: Path | None, default: Path, worksheets: tuple[Path, ...]) -> Path:
    """Write to ``file``, or into it where it is a folder or there are several files; return where."""
    if file is None or file.is_dir() or len(made.files) != 1:
        folder = file or default
        paths = {folder / name: content for name, content in made.files.items()}
        written = next(iter(paths)) if len(paths) == 1 else folder
    else:
        paths, written = {file: next(iter(made.files.values()))}, file
    taken = {path.resolve() for path in worksheets} & {path.resolve() for path in paths}
    if taken:
        raise UsageError(f"{taken.pop()}: is the downloaded file itself; name another --file")
    write_files(paths)
    return written


def _append(made: Export, summary: Path) -> Path:
    with summary.open("ab") as opened:
        opened.write(made.files["summary.md"])
    return summary
