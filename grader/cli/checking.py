"""``grade check``."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.options import course_option, data_option, json_option
from grader.errors import ExitCode, UsageError
from grader.sandbox import Opening

_FORMATS = ("text", "lines", "sarif", "junit")


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--assignment", "assignment_name", help="Assignment. Default: the one that the file's name fits.")
@click.option(
    "--exercise",
    "exercise_name",
    help="Exercise. Default: those that the files' names fit, else the one in whose folder PATH lies.",
)
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
    with Opening("again" if watching else "once" if path.is_file() else "many") as opening:
        # What judges takes a while to import. Meanwhile the process gets ready in which the hand-in will run.
        from grader.cli import answering  # noqa: PLC0415

        asked = answering.asked(path, course_folder, assignment_name, exercise_name, person)
        if watching:
            return answering.watch(asked, opening, json_file)
        return answering.answer(asked, opening, json_file, format_name)
