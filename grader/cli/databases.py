"""``grade db``."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli.regrading import existing, output_option
from grader.errors import ExitCode, GradeError
from grader.store import backup, open_store


@click.group("db")
def db() -> None:
    """Check or back up a gradebook."""


@db.command("check")
@output_option
def check_command(output: Path) -> ExitCode:
    """Check that a gradebook is whole: its file, its keys, and that nothing was changed. Exit status 1 if it is not."""
    path = existing(output)
    with open_store(path) as store:
        found = store.faults()
    for fault in found:
        click.echo(f"{path}: {fault}")
    if found:
        click.echo("Go back to a backup, or grade again into another --output.")
        return ExitCode.FAILED
    click.echo(f"{path}: whole")
    return ExitCode.PASSED


@db.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@output_option
def backup_command(file: Path, output: Path) -> None:
    """Copy a gradebook to FILE, even while a batch is running. FILE is replaced in one step."""
    try:
        backup(existing(output), file)
    except OSError as error:
        raise GradeError(f"{file}: cannot be written ({error.strerror}); name another file") from error
    click.echo(f"copied to {file}")
