"""The third layout: what people decided is written down in full, with a hash.

Written out, so that it stays what it is when the tables change again.
"""

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Rebuild the overrides; nothing that graded by an older layout has written any."""
    connection = op.get_bind()
    op.drop_index("ix_overrides_submission", "overrides")
    op.rename_table("overrides", "overrides_2")
    op.create_table(
        "overrides",
        sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in _NAMES),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_overrides_submission", "overrides", ["assignment", "submission"])
    add = sa.text(
        "INSERT INTO overrides (assignment, submission, who, made, content, sha256) "
        "VALUES (:assignment, :submission, :who, :made, :content, :sha256)"
    )
    for row in connection.execute(sa.text("SELECT * FROM overrides_2 ORDER BY id")).all():
        connection.execute(add, _written_out(row))
    op.drop_table("overrides_2")
    if connection.dialect.name == "sqlite":
        op.execute("PRAGMA user_version = 3")


_NAMES = ("assignment", "submission", "who", "made", "content", "sha256")


def _written_out(row: sa.Row[Any]) -> dict[str, str]:
    kept = {name: getattr(row, name) for name in ("submission", "exercise", "points", "reason", "who", "made")}
    content = json.dumps({**kept, "criterion": "", "check": row.check_id, "member": "", "fraction": None})
    data = content.encode()
    digest = hashlib.sha256(len(data).to_bytes(8, "big") + data).hexdigest()
    return {"assignment": row.assignment, **{name: kept[name] for name in ("submission", "who", "made")},
            "content": content, "sha256": digest}  # fmt: skip
