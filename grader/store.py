"""The gradebook: every stage of the work, kept by a hash of all that went into it.

One SQLite file. Runs (with what was observed) and judged results are never changed once written, because their key
says what they came from; reports are the current view of a submission. One process writes at a time.
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects.sqlite import insert

from grader.errors import GradeError
from grader.model import CheckResult, CodeError, Environment, Report, Run, Stop, Submission
from grader.sandbox import dump_observations, load_observations

SCHEMA_VERSION = 1

_metadata = sa.MetaData()
_submissions = sa.Table(
    "submissions",
    _metadata,
    sa.Column("assignment", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("seen", sa.String, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
)
_runs = sa.Table(
    "runs",
    _metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("made", sa.String, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("observations", sa.LargeBinary, nullable=False),
)
_results = sa.Table(
    "results",
    _metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("run", sa.String, sa.ForeignKey("runs.key"), nullable=False),
    sa.Column("made", sa.String, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)
_reports = sa.Table(
    "reports",
    _metadata,
    sa.Column("assignment", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("made", sa.String, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)
_check_results = TypeAdapter(tuple[CheckResult, ...])
_report = TypeAdapter(Report)


class Store:
    """An open gradebook. Use :func:`open_store`."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def known_runs(self) -> frozenset[str]:
        """Return the keys of all stored runs."""
        with self._engine.connect() as connection:
            return frozenset(connection.execute(sa.select(_runs.c.key)).scalars())

    def run(self, key: str) -> Run | None:
        """Return the run stored under ``key``."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(_runs).where(_runs.c.key == key)).one_or_none()
        return None if row is None else _run_from(row.content, row.observations)

    def save_run(self, key: str, run: Run) -> None:
        """Keep ``run`` under ``key``. A run that failed for a reason of ours is not kept: it has to be done again."""
        if run.stop is not Stop.INFRASTRUCTURE:
            observations = dump_observations(run.observations)
            self._put(_runs, key=key, content=_run_content(run), observations=observations)

    def results(self, key: str) -> tuple[CheckResult, ...] | None:
        """Return the judged results stored under ``key``."""
        query = sa.select(_results.c.content).where(_results.c.key == key)
        with self._engine.connect() as connection:
            content = connection.execute(query).scalar_one_or_none()
        return None if content is None else _check_results.validate_python(json.loads(content))

    def save_results(self, key: str, run_key: str, results: tuple[CheckResult, ...]) -> None:
        """Keep the judged ``results`` of the run ``run_key`` under ``key``."""
        self._put(_results, key=key, run=run_key, content=_json(_check_results, results))

    def save_submissions(self, submissions: tuple[Submission, ...]) -> None:
        """Note what was handed in, replacing what was noted before for the same ids."""
        with self._engine.begin() as connection:
            for one in submissions:
                content = {
                    "people": list(one.people),
                    "source": one.source,
                    "files": [[file.name, file.sha256, file.size_bytes] for file in one.files],
                    "received": one.received.isoformat() if one.received else None,
                    "origin": dataclasses.asdict(one.origin) if one.origin else None,
                }
                row = {"assignment": one.assignment, "id": one.id, "seen": _now(), "content": content}
                connection.execute(_upsert(_submissions, row))

    def save_reports(self, reports: tuple[Report, ...]) -> None:
        """Make ``reports`` the current ones of their submissions."""
        with self._engine.begin() as connection:
            for one in reports:
                content = _json(_report, one)
                row = {"assignment": one.assignment, "id": one.id, "made": _now(), "content": content}
                connection.execute(_upsert(_reports, row))

    def reports(self, assignment: str) -> tuple[Report, ...]:
        """Return the current reports of an assignment, by submission."""
        query = sa.select(_reports.c.content).where(_reports.c.assignment == assignment).order_by(_reports.c.id)
        with self._engine.connect() as connection:
            return tuple(
                _report.validate_python(json.loads(content)) for content in connection.execute(query).scalars()
            )

    def _put(self, table: sa.Table, **row: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(_upsert(table, {"made": _now(), **row}))


@contextmanager
def open_store(path: Path | None) -> Iterator[Store]:
    """Yield the gradebook at ``path``, made if need be; with None, one in memory that is gone afterwards.

    Raises GradeError when the file is no gradebook of this version or cannot be written.
    """
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GradeError(_unusable(path, error.strerror)) from error
    engine = sa.create_engine(f"sqlite:///{path}" if path else "sqlite://", poolclass=None if path else sa.StaticPool)
    sa.event.listen(engine, "connect", _configure)
    sa.event.listen(engine, "begin", _begin)
    try:
        _prepare(engine)
        yield Store(engine)
    except sa.exc.DatabaseError as error:
        is_full = getattr(error.orig, "sqlite_errorcode", None) in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE}
        kept = ". What was stored before is kept: make room, and the same command goes on from there" if is_full else ""
        raise GradeError(_unusable(path, error.orig) + kept) from error
    finally:
        engine.dispose()


def _unusable(path: Path | None, reason: object) -> str:
    return f"{path}: the gradebook cannot be used ({reason}); check the disk, or name another --output"


def _prepare(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version not in {0, SCHEMA_VERSION}:
            raise GradeError(
                f"{engine.url.database}: a gradebook of layout {version}; this version of grade reads "
                f"layout {SCHEMA_VERSION}. Use the version that wrote it, or name another --output"
            )
        _metadata.create_all(connection)
        connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _configure(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    cursor = connection.cursor()
    for setting in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 30000", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _upsert(table: sa.Table, row: dict[str, Any]) -> sa.Insert:
    keys = [column.name for column in table.primary_key]
    changed = {name: value for name, value in row.items() if name not in keys}
    return insert(table).values(row).on_conflict_do_update(index_elements=keys, set_=changed)


def _json(adapter: TypeAdapter[Any], value: Any) -> str:
    # Not dump_json: messages may quote a student's text, which need not be valid Unicode.
    return json.dumps(adapter.dump_python(value, mode="json"))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _run_content(run: Run) -> dict[str, Any]:
    plain = dataclasses.asdict(dataclasses.replace(run, observations=()))
    return json.loads(json.dumps({name: value for name, value in plain.items() if name != "observations"}))  # type: ignore[no-any-return]


def _run_from(content: dict[str, Any], observations: bytes) -> Run:
    packages = tuple((name, version) for name, version in content["environment"]["packages"])
    fields = {
        **content,
        "stop": Stop(content["stop"]),
        "environment": Environment(**{**content["environment"], "packages": packages}),
        "errors": tuple(CodeError(**error) for error in content["errors"]),
    }
    return Run(**fields, observations=load_observations(observations))
