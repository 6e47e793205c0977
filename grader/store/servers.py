"""A gradebook in PostgreSQL: the URL that names it, and that one process at a time writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from grader.errors import GradeError, UsageError
from grader.store.layout import layout_of, prepare
from grader.store.places import place_name
from grader.store.tables import LAYOUT

#: The number of our advisory lock, which is one for each database: any that no other program is likely to use.
_LOCK = 0x6772616465
#: What a writer that was just killed holds goes within moments; another that is at work holds on for long.
_PATIENCE_SECONDS = 5
_LOCK_NOT_AVAILABLE = "55P03"


def read_url(text: str) -> sa.URL:
    """Return the URL of a gradebook in PostgreSQL. Raises UsageError, which does not repeat a password."""
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise UsageError(
            "the gradebook's URL cannot be read; write postgresql://USER@HOST/DATABASE, with %40 for an @ in a password"
        ) from None
    if url.get_backend_name() not in {"postgresql", "postgres"} or not url.database:
        raise UsageError(
            f"{url.drivername}://…: a gradebook's URL is postgresql://USER@HOST/DATABASE; for SQLite name a folder "
            "with --output"
        )
    return url.set(drivername="postgresql+psycopg")


@contextmanager
def open_server(url: sa.URL, *, writing: bool) -> Iterator[sa.Engine]:
    """Yield an engine on the gradebook at ``url``; who is ``writing`` is alone in that, and makes or migrates it.

    Raises GradeError when another process writes, when the database cannot be reached or goes away, and UsageError for
    a reader when no gradebook is there.
    """
    engine = _engine(url)
    try:
        # Held open for as long as the gradebook is: the lock goes with its connection, however this process ends.
        with engine.connect() as guard:
            guard = guard.execution_options(isolation_level="AUTOCOMMIT")  # noqa: PLW2901 - the same, set up
            if writing or _is_older(guard, url):
                _lock(guard, url)
                prepare(engine, None)
            yield engine
    except sa.exc.DBAPIError as error:
        raise GradeError(_unusable(url, error.orig)) from error
    finally:
        engine.dispose()


def _engine(url: sa.URL) -> sa.Engine:
    timeout = {} if "connect_timeout" in url.query else {"connect_timeout": 10}
    try:
        # A connection that broke is not to be reset; that it broke is told once, by whoever used it.
        return sa.create_engine(url, connect_args=timeout, pool_pre_ping=True, pool_reset_on_return=None)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{place_name(url)}: needs the package psycopg; install it with: pip install 'grader[postgres]'"
        ) from error


def _is_older(connection: sa.Connection, url: sa.URL) -> bool:
    found = layout_of(connection)
    if found is None:
        raise UsageError(f"{place_name(url)}: no gradebook; `grade batch` makes one")
    return found != LAYOUT


def _lock(connection: sa.Connection, url: sa.URL) -> None:
    connection.exec_driver_sql(f"SET lock_timeout = '{_PATIENCE_SECONDS}s'")
    try:
        connection.execute(sa.select(sa.func.pg_advisory_lock(_LOCK)))
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise GradeError(
            f"{place_name(url)}: another grade is writing to this gradebook; wait for its end and repeat the command"
        ) from error


def _unusable(url: sa.URL, reason: object) -> str:
    said = " ".join(str(reason).split())
    if url.password:
        said = said.replace(str(url.password), "***")
    return (
        f"{place_name(url)}: the gradebook cannot be used ({said}). What was stored before is kept: once this is "
        "mended, the same command goes on from there"
    )
