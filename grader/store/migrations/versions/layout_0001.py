"""The first layout: runs, results, and reports that replace each other."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables, unless the version of grade that had no migrations has made them."""
    if sa.inspect(op.get_bind()).has_table("runs"):
        return
    op.create_table(
        "submissions",
        sa.Column("assignment", sa.String, primary_key=True),
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("seen", sa.String, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("made", sa.String, nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("observations", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "results",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("run", sa.String, sa.ForeignKey("runs.key"), nullable=False),
        sa.Column("made", sa.String, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "reports",
        sa.Column("assignment", sa.String, primary_key=True),
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("made", sa.String, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
