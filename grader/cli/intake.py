"""What commands share that take hand-ins as they were downloaded: their options, and saying what was found."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from grader.importers import FORMATS, Intake
from grader.reports.text import plain

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
    type=click.Choice(["latest", "in-time", "first"]),
    default="latest",
    show_default=True,
    help="Which of several attempts counts; in-time: the latest before the deadline, or the latest if none is.",
)


def say_intake(console: Console, intake: Intake) -> None:
    """Print as what the hand-ins were read, and what was decided on the way."""
    count = len(intake.submissions) + len(intake.unresolved)
    title = f"Read as {FORMATS[intake.format].title}: {count} hand-in{'' if count == 1 else 's'}."
    for line in (title, *intake.notes):
        console.print(plain(line), markup=False, highlight=False, soft_wrap=True)
