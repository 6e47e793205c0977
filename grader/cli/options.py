"""Options that several commands share. Nothing that takes long to import: a command's help waits for this."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import sqlalchemy as sa

#: A gradebook's file in the folder of results.
STORE_FILE = "grade.sqlite"
#: Names the database that holds the gradebook, where no option does.
GRADEBOOK_VARIABLE = "GRADER_GRADEBOOK"
#: What archives hold is unpacked into this folder, beside the gradebook.
HAND_INS = "hand-ins"

course_option = click.option(
    "--course",
    "course_folder",
    type=click.Path(path_type=Path),
    help="Folder of the course. Default: the one above the current folder, else the one that ships.",
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Hand-ins to run at the same time. Default: one for each core.",
)
json_option = click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the results as JSON."
)


def _read_gradebook(_context: click.Context, _option: click.Parameter, text: str | None) -> sa.URL | None:
    if not text:
        return None
    from grader.store import read_url  # noqa: PLC0415 - needs SQLAlchemy, which takes long to import

    return read_url(text)


gradebook_option = click.option(
    "--gradebook",
    metavar="URL",
    envvar=GRADEBOOK_VARIABLE,
    callback=_read_gradebook,
    help="Database of PostgreSQL that holds the gradebook: postgresql://USER@HOST/DATABASE. Default: "
    f"${GRADEBOOK_VARIABLE}, else the file {STORE_FILE} in --output.",
)


def _use_data(_context: click.Context, _option: click.Parameter, folder: Path | None) -> None:
    """Have this process look for data sets in ``folder``."""
    if folder is not None:
        from grader.data import VARIABLE  # noqa: PLC0415 - needs NumPy

        os.environ[VARIABLE] = str(folder.resolve())


data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    expose_value=False,
    callback=_use_data,
    help="Folder with real data sets. Default: $GRADER_DATA, else the small ones that ship.",
)
