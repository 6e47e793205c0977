"""The gradebook's tables, as the newest layout has them. How older ones become so stands in ``migrations``."""

from __future__ import annotations

import sqlalchemy as sa

#: The number of the layout; each has a migration of that number.
LAYOUT = 3

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

submissions = sa.Table(
    "submissions",
    metadata,
    sa.Column("assignment", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("seen", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)
runs = sa.Table(
    "runs",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("made", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("observations", sa.LargeBinary, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
)
results = sa.Table(
    "results",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("run", sa.Text, sa.ForeignKey("runs.key"), nullable=False),
    sa.Column("made", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
)
#: What an author's files said about an exercise when it was judged.
authored = sa.Table(
    "authored",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
)
#: One for each time that reports came out: of which submissions, and what belonged to none of them.
gradings = sa.Table(
    "gradings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("assignment", sa.Text, nullable=False),
    sa.Column("made", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)
reports = sa.Table(
    "reports",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("assignment", sa.Text, nullable=False),
    sa.Column("submission", sa.Text, nullable=False),
    sa.Column("made", sa.Text, nullable=False),
    sa.Column("points", sa.Float, nullable=False),
    sa.Column("max_points", sa.Float, nullable=False),
    sa.Column("pending", sa.Boolean, nullable=False),
    sa.Column("handed_in", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Index("ix_reports_submission", "assignment", "submission"),
    sqlite_autoincrement=True,
)
graded = sa.Table(
    "graded",
    metadata,
    sa.Column("grading", sa.Integer, sa.ForeignKey("gradings.id"), primary_key=True),
    sa.Column("report", sa.Integer, sa.ForeignKey("reports.id"), primary_key=True),
)
#: How each exercise of a report came about.
judgements = sa.Table(
    "judgements",
    metadata,
    sa.Column("report", sa.Integer, sa.ForeignKey("reports.id"), primary_key=True),
    sa.Column("exercise", sa.Text, primary_key=True),
    sa.Column("run", sa.Text, sa.ForeignKey("runs.key")),
    sa.Column("results", sa.Text, sa.ForeignKey("results.key")),
    sa.Column("authored", sa.Text, sa.ForeignKey("authored.key")),
    sa.Column("content", sa.Text, nullable=False),
)
#: What a person decided instead, or that an earlier decision is taken back. The last one about the same counts.
overrides = sa.Table(
    "overrides",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("assignment", sa.Text, nullable=False),
    sa.Column("submission", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("made", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Index("ix_overrides_submission", "assignment", "submission"),
    sqlite_autoincrement=True,
)

#: The current mark of every submission.
MARKS = """
CREATE VIEW marks AS
SELECT assignment, submission, points, max_points, pending, made FROM reports
WHERE id IN (SELECT max(id) FROM reports GROUP BY assignment, submission)
"""
