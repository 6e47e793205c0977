"""Giving a gradebook its tables, and bringing an older one up to date."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from grader.errors import GradeError
from grader.store.places import place_name
from grader.store.tables import LAYOUT, MARKS, metadata

#: How long to wait for others who write.
PATIENCE_SECONDS = 30
_HEAD = f"{LAYOUT:04}"


def prepare(engine: sa.Engine, path: Path | None) -> None:
    """Make the tables of a new gradebook; migrate an older one, after copying it. Raises GradeError for a newer one."""
    with engine.begin() as connection:
        found = layout_of(connection)
        if found is None:
            _create(connection)
    if found is None or found == LAYOUT:
        return
    if found > LAYOUT:
        is_file = engine.dialect.name == "sqlite"
        named = engine.url.database if is_file else place_name(engine.url)
        raise GradeError(
            f"{named}: a gradebook of layout {found}; this version of grade reads layouts up to {LAYOUT}. Use the "
            f"version that wrote it, or a newer one, or name another {'--output' if is_file else '--gradebook'}"
        )
    migrate(engine, path)


def layout_of(connection: sa.Connection) -> int | None:
    """Return the number of the gradebook's layout; None while it has no tables."""
    tables = sa.inspect(connection).get_table_names()
    if "alembic_version" in tables:
        return int(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())
    if connection.dialect.name != "sqlite":
        return None
    # The first layout, and whatever else calls itself a gradebook, has only this number.
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one()) or None


def migrate(engine: sa.Engine, copied: Path | None = None, target: str = "head") -> None:
    """Bring a gradebook to the layout ``target``, all of the way or not at all.

    The file ``copied`` of SQLite is copied first, while nobody else can write to it.
    """
    from alembic import command  # noqa: PLC0415 - most gradebooks need none of it
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    migrating = sa.create_engine(engine.url, poolclass=sa.NullPool)
    if engine.dialect.name == "sqlite":
        sa.event.listen(migrating, "connect", _configure)
        sa.event.listen(migrating, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with migrating.begin() as connection:
        found = layout_of(connection) or 0
        if found < LAYOUT:  # otherwise another process has done it while this one waited
            if copied is not None:
                copy_database(copied, _free_name(copied, found))
            config.attributes["connection"] = connection
            command.upgrade(config, target)
    migrating.dispose()


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    # Tables are rebuilt one after the other, so that keys point nowhere for a while.
    for setting in (f"busy_timeout = {PATIENCE_SECONDS * 1000}", "synchronous = FULL", "foreign_keys = OFF"):
        connection.execute(f"PRAGMA {setting}")


def _create(connection: sa.Connection) -> None:
    metadata.create_all(connection)
    connection.exec_driver_sql(MARKS)
    connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.execute(sa.text("INSERT INTO alembic_version VALUES (:head)"), {"head": _HEAD})
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {LAYOUT}")


def _free_name(path: Path, layout: int) -> Path:
    """Return a name for the copy beside the gradebook that nothing has yet."""
    first = path.with_name(f"{path.stem}.layout{layout}{path.suffix}")
    others = (first.with_name(f"{first.stem}-{number}{path.suffix}") for number in range(2, 1000))
    return next((one for one in (first, *others) if not one.exists()), first)


def copy_database(source: Path, target: Path) -> None:
    """Copy a database of SQLite, even while others write to it; ``target`` is whole, or is not there."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(temporary)) as new:
            old.backup(new)
            new.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
