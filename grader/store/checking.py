"""Whether a gradebook is whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from grader.store import rows, tables


def faults(connection: sa.Connection) -> Iterator[str]:
    """Yield what is wrong with a gradebook: its file, keys that point nowhere, contents without their hash.

    A report whose results, run or author's files are missing is among these, by its keys. PostgreSQL sees to its files
    and keys itself.
    """
    if connection.dialect.name == "sqlite":
        yield from _of_file(connection)
    yield from _changed(connection, tables.runs, ("content", "observations"))
    yield from _changed(connection, tables.results, ("content",))
    yield from _changed(connection, tables.overrides, ("content",))
    yield from _changed_reports(connection)


def _of_file(connection: sa.Connection) -> Iterator[str]:
    for text in connection.exec_driver_sql("PRAGMA integrity_check").scalars():
        yield from (f"the file: {line}" for line in text.splitlines() if line != "ok" and not line.startswith("***"))
    for table, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield f"{table}, row {row}: what it names in {parent} is missing"


def _changed(connection: sa.Connection, table: sa.Table, hashed: tuple[str, ...]) -> Iterator[str]:
    [key] = table.primary_key
    query = sa.select(key.label("named"), table.c.sha256, *(table.c[name] for name in hashed))
    for row in connection.execute(query):
        if rows.sha256(*(row._mapping[name] for name in hashed)) != row.sha256:
            yield f"{table.name}, {row.named}: was changed since it was written"


def _changed_reports(connection: sa.Connection) -> Iterator[str]:
    judged: dict[int, list[Any]] = {}
    for one in connection.execute(sa.select(tables.judgements)).mappings():
        judged.setdefault(one["report"], []).append(one)
    for row in connection.execute(sa.select(tables.reports)):
        text = rows.judgements_text(judged.get(row.id, []))
        if rows.sha256(row.content, row.handed_in, text) != row.sha256:
            yield f"reports, {row.id} ({row.submission}): was changed since it was written"
