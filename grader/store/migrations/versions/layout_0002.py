"""The second layout: reports are added and never replaced, with how they came about; overrides; hashes.

Written out, so that it stays what it is when the tables change again.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Rebuild what there was and make what is new."""
    connection = op.get_bind()
    submissions = _submissions(connection)
    _add_hashes(connection)
    op.rename_table("reports", "reports_1")
    _create_tables()
    _move_reports(connection, submissions)
    op.drop_table("reports_1")
    op.execute(
        "CREATE VIEW marks AS SELECT assignment, submission, points, max_points, pending, made FROM reports "
        "WHERE id IN (SELECT max(id) FROM reports GROUP BY assignment, submission)"
    )
    op.execute("PRAGMA user_version = 2")


def _submissions(connection: sa.Connection) -> dict[tuple[str, str], str]:
    """Write down submissions in full, and return them by assignment and id."""
    found = connection.execute(sa.text("SELECT assignment, id, content FROM submissions")).all()
    with op.batch_alter_table("submissions") as table:
        for name, kind in (("assignment", sa.String()), ("id", sa.String()), ("seen", sa.String())):
            table.alter_column(name, existing_type=kind, type_=sa.Text(), existing_nullable=False)
        table.alter_column("content", existing_type=sa.JSON(), type_=sa.Text(), existing_nullable=False)
    written = {}
    change = sa.text("UPDATE submissions SET content = :content WHERE assignment = :assignment AND id = :id")
    for row in found:
        content = _submission(row.assignment, row.id, json.loads(row.content))
        written[row.assignment, row.id] = content
        connection.execute(change, {"content": content, "assignment": row.assignment, "id": row.id})
    return written


def _submission(assignment: str, name: str, content: dict[str, Any]) -> str:
    source = content["source"]
    files = [
        {"name": file, "path": f"{source}/{file}", "sha256": sha256, "size_bytes": size}
        for file, sha256, size in content["files"]
    ]
    whole = {"id": name, "assignment": assignment, "files": files}
    return json.dumps({**whole, **{key: content[key] for key in ("people", "source", "received")}})


def _add_hashes(connection: sa.Connection) -> None:
    for name, hashed in (("runs", ("content", "observations")), ("results", ("content",))):
        op.add_column(name, sa.Column("sha256", sa.Text))
        change = sa.text(f"UPDATE {name} SET sha256 = :sha256 WHERE key = :key")  # noqa: S608 - our own words
        for key in connection.execute(sa.text(f"SELECT key FROM {name}")).scalars().all():  # noqa: S608
            query = sa.text(f"SELECT {', '.join(hashed)} FROM {name} WHERE key = :key")  # noqa: S608
            row = connection.execute(query, {"key": key}).one()
            connection.execute(change, {"sha256": _sha256(row), "key": key})
        with op.batch_alter_table(name) as table:
            texts: dict[str, Any] = {"key": sa.String(), "made": sa.String(), "content": sa.JSON(), "sha256": sa.Text()}
            for column, kind in (texts | ({"run": sa.String()} if name == "results" else {})).items():
                table.alter_column(column, existing_type=kind, type_=sa.Text(), nullable=False)


def _sha256(parts: Iterable[str | bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _create_tables() -> None:
    op.create_table("authored", sa.Column("key", sa.Text, primary_key=True), _text("content"))
    op.create_table(
        "gradings",
        _number(),
        *map(_text, ("assignment", "made", "kind", "content")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "reports",
        _number(),
        *map(_text, ("assignment", "submission", "made")),
        sa.Column("points", sa.Float, nullable=False),
        sa.Column("max_points", sa.Float, nullable=False),
        sa.Column("pending", sa.Boolean, nullable=False),
        *map(_text, ("handed_in", "content", "sha256")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reports_submission", "reports", ["assignment", "submission"])
    op.create_table(
        "graded",
        sa.Column("grading", sa.Integer, sa.ForeignKey("gradings.id"), primary_key=True),
        sa.Column("report", sa.Integer, sa.ForeignKey("reports.id"), primary_key=True),
    )
    op.create_table(
        "judgements",
        sa.Column("report", sa.Integer, sa.ForeignKey("reports.id"), primary_key=True),
        sa.Column("exercise", sa.Text, primary_key=True),
        sa.Column("run", sa.Text, sa.ForeignKey("runs.key")),
        sa.Column("results", sa.Text, sa.ForeignKey("results.key")),
        sa.Column("authored", sa.Text, sa.ForeignKey("authored.key")),
        _text("content"),
    )
    op.create_table(
        "overrides",
        _number(),
        *map(_text, ("assignment", "submission", "exercise", "check_id")),
        sa.Column("points", sa.Float),
        *map(_text, ("reason", "who", "made")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_overrides_submission", "overrides", ["assignment", "submission"])


def _move_reports(connection: sa.Connection, submissions: dict[tuple[str, str], str]) -> None:
    """Take every report over, as one grading of each assignment. How they came about is not known."""
    add = sa.text(
        "INSERT INTO reports (assignment, submission, made, points, max_points, pending, handed_in, content, sha256) "
        "VALUES (:assignment, :submission, :made, :points, :max_points, :pending, :handed_in, :content, :sha256)"
    )
    for row in connection.execute(sa.text("SELECT * FROM reports_1 ORDER BY assignment, id")).all():
        report = json.loads(row.content)
        nothing = {"people": report["people"], "source": row.id, "files": [], "received": None}
        handed_in = submissions.get((row.assignment, row.id)) or _submission(row.assignment, row.id, nothing)
        values = {name: report[name] for name in ("points", "max_points", "pending")}
        values |= {"assignment": row.assignment, "submission": row.id, "made": row.made, "content": row.content}
        hashed = (row.content, handed_in, json.dumps([]))
        connection.execute(add, {**values, "handed_in": handed_in, "sha256": _sha256(hashed)})
    query = "SELECT assignment, max(made) AS made, min(content) AS content FROM reports GROUP BY assignment"
    for row in connection.execute(sa.text(query)).all():
        content = json.dumps({"title": json.loads(row.content)["title"], "problems": []})
        insert = "INSERT INTO gradings (assignment, made, kind, content) VALUES (:assignment, :made, 'batch', :content)"
        values = {"assignment": row.assignment, "made": row.made, "content": content}
        connection.execute(sa.text(insert), values)
    connection.execute(
        sa.text(
            "INSERT INTO graded SELECT gradings.id, reports.id FROM reports "
            "JOIN gradings ON gradings.assignment = reports.assignment"
        )
    )
