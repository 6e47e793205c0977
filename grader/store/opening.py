"""Opening a gradebook, and making or migrating it where need be."""

from __future__ import annotations

import shlex
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from grader.errors import GradeError, UsageError
from grader.store.book import Store
from grader.store.layout import PATIENCE_SECONDS, copy_database, prepare
from grader.store.places import network_file_system, place_name
from grader.store.servers import open_server

_NO_ROOM = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE}


@contextmanager
def open_store(place: Path | sa.URL | None, *, writing: bool = True) -> Iterator[Store]:
    """Yield the gradebook at ``place``, made if need be; with None, one in memory that is gone afterwards.

    A file is one of SQLite: several processes take turns at writing, and one of an older layout is migrated first,
    after a copy was made beside it. A URL is a database of PostgreSQL: only one process opens it for ``writing`` at a
    time. Raises GradeError when it is no gradebook, is one of a newer layout, lies on a network file system, cannot be
    reached or written, or is being written to.
    """
    if isinstance(place, sa.URL):
        with open_server(place, writing=writing) as engine:
            yield Store(engine)
    else:
        with _open_file(place) as engine:
            yield Store(engine)


@contextmanager
def _open_file(path: Path | None) -> Iterator[sa.Engine]:
    if path is not None:
        _make_room(path)
    engine = sa.create_engine(f"sqlite:///{path}" if path else "sqlite://", poolclass=None if path else sa.StaticPool)
    sa.event.listen(engine, "connect", _configure)
    sa.event.listen(engine, "begin", _begin)
    try:
        prepare(engine, path)
        yield engine
    except sa.exc.DatabaseError as error:
        is_full = getattr(error.orig, "sqlite_errorcode", None) in _NO_ROOM
        kept = ". What was stored before is kept: make room, and the same command goes on from there" if is_full else ""
        raise GradeError(_unusable(path, error.orig) + kept) from error
    finally:
        engine.dispose()


def backup(path: Path | sa.URL, target: Path) -> None:
    """Copy the gradebook at ``path``, even while others write to it; ``target`` is replaced in one step.

    Raises GradeError when it cannot be read, OSError when ``target`` cannot be written; UsageError with what to do
    instead where it is one of PostgreSQL.
    """
    if isinstance(path, sa.URL):
        bare = shlex.quote(place_name(path.set(password=None)))
        raise UsageError(
            f"{place_name(path)}: PostgreSQL copies its own databases, also during a batch: "
            f"pg_dump --format=custom --file={shlex.quote(str(target))} --dbname={bare}"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_store(path):  # is it one at all?
        copy_database(path, target)


def _make_room(path: Path) -> None:
    """Make the folder of the gradebook. Raises GradeError where that fails, or where SQLite would not be safe."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GradeError(_unusable(path, error.strerror)) from error
    kind = network_file_system(path)
    if kind:
        raise GradeError(
            f"{path}: lies on a network file system ({kind}), where SQLite's write-ahead log loses data because its "
            "readers and writers must share memory; name an --output on a disk of this machine"
        )


def _unusable(path: Path | None, reason: object) -> str:
    return f"{path}: the gradebook cannot be used ({reason}); check the disk, or name another --output"


def _configure(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {PATIENCE_SECONDS * 1000}")
    _switch_to_write_ahead_log(cursor)
    for setting in ("synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _switch_to_write_ahead_log(cursor: sqlite3.Cursor) -> None:
    """Wait for others, too, that write to a new gradebook or switch it: here SQLite refuses at once, its timeout or no.

    Raises sqlite3.OperationalError when they take too long, and for any other reason at once.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the low byte of an extended code
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
