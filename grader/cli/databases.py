"""``grade db``."""

from __future__ import annotations

from pathlib import Path

import click
import sqlalchemy as sa

from grader.cli.options import gradebook_option
from grader.cli.regrading import existing, output_option
from grader.errors import ExitCode, GradeError
from grader.store import backup, open_store, place_name


@click.group("db")
def db() -> None:
    """Check or back up a gradebook."""


@db.command("check")
@output_option
@gradebook_option
def check_command(output: Path, gradebook: sa.URL | None) -> ExitCode:
    """Check that a gradebook is whole: its file, its keys, and that nothing was changed. Exit status 1 if it is not."""
    place = existing(output, gradebook)
    with open_store(place, writing=False) as store:
        found = store.faults()
    for fault in found:
        click.echo(f"{place_name(place)}: {fault}")
    if found:
        click.echo(f"Go back to a backup, or grade again into another --{'gradebook' if gradebook else 'output'}.")
        return ExitCode.FAILED
    click.echo(f"{place_name(place)}: whole")
    return ExitCode.PASSED


@db.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@output_option
@gradebook_option
def backup_command(file: Path, output: Path, gradebook: sa.URL | None) -> None:
    """Copy a gradebook to FILE, even while a batch is running. FILE is replaced in one step.

    One of PostgreSQL is copied by its own `pg_dump`; the command for that is told.
    """
    try:
        backup(existing(output, gradebook), file)
    except OSError as error:
        raise GradeError(f"{file}: cannot be written ({error.strerror}); name another file") from error
    click.echo(f"copied to {file}")
