"""``grade regrade``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from rich.console import Console

from grader.cli.options import STORE_FILE, course_option, gradebook_option
from grader.cli.settings import read_course
from grader.errors import ExitCode, GradeError, UsageError
from grader.model import Batch
from grader.pipeline import publish, regrade
from grader.reports import write_batch
from grader.reports.moves import print_regrading, regrading_json
from grader.store import open_store

output_option = click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("grades"),
    show_default=True,
    help="Folder with the gradebook and the reports.",
)


@click.command("regrade")
@click.option("--assignment", "assignment_name", required=True, help="Assignment to judge anew.")
@output_option
@gradebook_option
@course_option
@click.option("--yes", is_flag=True, help="Replace the published reports without asking.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write who moved, and why, as JSON."
)
def regrade_command(
    assignment_name: str,
    output: Path,
    gradebook: sa.URL | None,
    course_folder: Path | None,
    json_file: Path | None,
    *,
    yes: bool,
) -> ExitCode:
    """Judge what is stored anew, after a change of rubric or reference, without running any student code.

    Shows who would move, from what to what and because of which edit, and asks before it replaces the reports. What
    the rubric asks for and was not observed yet is listed and left as it is.
    """
    console = Console()
    assignment = read_course(course_folder, [assignment_name]).assignment(assignment_name)
    with open_store(existing(output, gradebook)) as store:
        found = regrade(assignment, store)
        print_regrading(console, found)
        published = yes or _agreed()
        if published:
            publish(found, store)
    if json_file is not None:
        write_json(regrading_json(found, published=published), json_file)
    if not published:
        console.print("Nothing was changed.")
        return ExitCode.PASSED
    write_pages(console, found.batch, output)
    return ExitCode.PASSED


def write_pages(console: Console, batch: Batch, output: Path) -> None:
    """Write the reports that are in the gradebook already, and say where. Raises GradeError when that fails."""
    try:
        page = write_batch(batch, output)
    except OSError as error:
        raise GradeError(
            f"{error.filename or output}: the reports cannot be written ({error.strerror}). The gradebook holds them: "
            "once this is mended, `grade regrade` writes them."
        ) from error
    console.print(f"Pages: {page}", markup=False, highlight=False, soft_wrap=True)


def _agreed() -> bool:
    try:
        return click.confirm("Replace the published reports?")
    except click.Abort:
        raise UsageError("nobody answered, so nothing was changed; say --yes to replace the reports") from None


def existing(output: Path, gradebook: sa.URL | None) -> Path | sa.URL:
    """Return the gradebook that was named, else the one in ``output``. Raises UsageError where there is none."""
    if gradebook is not None:
        return gradebook
    path = output / STORE_FILE
    if not path.is_file():
        raise UsageError(f"{path}: no gradebook; name the folder that `grade batch` wrote with --output")
    return path


def write_json(data: Any, file: Path) -> None:
    """Write ``data``, and the folders above ``file`` that are missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(data, indent=2, ensure_ascii=True) + "\n", encoding="utf-8")
