"""Reading and writing an open gradebook."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from grader.errors import GradeError, Problem
from grader.model import NOTHING_FOUND, Batch, CheckResult, Decision, Report, Run, Stop, Submission
from grader.sandbox import dump_observations
from grader.store import rows, tables
from grader.store.checking import faults
from grader.store.records import Entry, Grading, Judgement

#: Rows asked for at a time: below every database's limit on parameters.
_AT_A_TIME = 500


class Store:
    """An open gradebook. Use :func:`grader.store.open_store`.

    What was run, judged and reported is never changed once written. Of reports the last of each submission is the
    current one.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def known_runs(self) -> frozenset[str]:
        """Return the keys of all stored runs."""
        with self._engine.connect() as connection:
            return frozenset(connection.execute(sa.select(tables.runs.c.key)).scalars())

    def run(self, key: str) -> Run | None:
        """Return the run stored under ``key``."""
        return self.runs([key]).get(key)

    def runs(self, keys: Iterable[str]) -> dict[str, Run]:
        """Return the stored runs among ``keys``, by key."""
        columns = tables.runs.c
        query = sa.select(columns.key, columns.content, columns.observations)
        with self._engine.connect() as connection:
            found = _among(connection, query, columns.key, keys)
        return {row.key: rows.run_from(row.content, row.observations) for row in found}

    def save_run(self, key: str, run: Run) -> None:
        """Keep ``run`` under ``key``. A run that failed for a reason of ours is not kept: it has to be done again."""
        if run.stop is Stop.INFRASTRUCTURE:
            return
        content, observations = rows.run_text(run), dump_observations(run.observations)
        row = {"key": key, "made": rows.now(), "content": content, "observations": observations}
        with self._engine.begin() as connection:
            self._add(connection, tables.runs, [{**row, "sha256": rows.sha256(content, observations)}])

    def known_results(self) -> frozenset[str]:
        """Return the keys of all judged results."""
        with self._engine.connect() as connection:
            return frozenset(connection.execute(sa.select(tables.results.c.key)).scalars())

    def results(self, key: str) -> tuple[CheckResult, ...] | None:
        """Return the judged results stored under ``key``."""
        query = sa.select(tables.results.c.content).where(tables.results.c.key == key)
        with self._engine.connect() as connection:
            content = connection.execute(query).scalar_one_or_none()
        return None if content is None else rows.from_text(rows.CHECK_RESULTS, content)

    def save_results(self, key: str, run_key: str, results: tuple[CheckResult, ...]) -> None:
        """Keep the judged ``results`` of the run ``run_key`` under ``key``."""
        self.save_many_results({key: (run_key, results)})

    def save_many_results(self, judged: Mapping[str, tuple[str, tuple[CheckResult, ...]]]) -> None:
        """Keep judged results, each under its key and with the key of its run, all of them or none."""
        with self._engine.begin() as connection:
            self._add(connection, tables.results, [_results_row(key, *one) for key, one in judged.items()])

    def save_submissions(self, submissions: Sequence[Submission]) -> None:
        """Note what was handed in, replacing what was noted before for the same ids."""
        seen = rows.now()
        noted = [
            {
                "assignment": one.assignment,
                "id": one.id,
                "seen": seen,
                "content": rows.to_text(rows.SUBMISSION, one),
            }
            for one in submissions
        ]
        insert = self._insert(tables.submissions)
        changed = {name: insert.excluded[name] for name in ("seen", "content")}
        with self._engine.begin() as connection:
            if noted:
                connection.execute(
                    insert.on_conflict_do_update(index_elements=["assignment", "id"], set_=changed), noted
                )

    def submissions(self, assignment: str) -> tuple[Submission, ...]:
        """Return what was handed in last to an assignment, by submission."""
        columns = tables.submissions.c
        query = sa.select(columns.content).where(columns.assignment == assignment).order_by(columns.id)
        with self._engine.connect() as connection:
            found = connection.execute(query).scalars()
            return tuple(rows.from_text(rows.SUBMISSION, content) for content in found)

    def decisions(self, assignment: str) -> tuple[Decision, ...]:
        """Return everything that people decided on an assignment, the last one last."""
        columns = tables.overrides.c
        query = sa.select(columns.content).where(columns.assignment == assignment).order_by(columns.id)
        with self._engine.connect() as connection:
            return tuple(rows.from_text(rows.DECISION, text) for text in connection.execute(query).scalars())

    def save_grading(
        self,
        batch: Batch,
        kind: str,
        entries: Sequence[Entry],
        *,
        decisions: Sequence[Decision] = (),
        known: int | None = None,
    ) -> None:
        """Make the reports in ``entries`` the current ones of their submissions, and add ``decisions``: all or nothing.

        ``batch`` says of which assignment, and what belongs to no report. A report that says the same as the one
        before, and came about in the same way, is not kept twice, and neither is a grading of such reports alone.
        ``known`` is the number of earlier decisions that are in the reports: raises GradeError when somebody has
        decided since.
        """
        assignment, made, content = batch.assignment, rows.now(), _grading_text(batch)
        with self._engine.begin() as connection:
            if known is not None and known != self._decided(connection, assignment):
                raise GradeError(
                    f"somebody decided on {assignment} while this was at work, so nothing of it was kept; run the same "
                    "command again"
                )
            if decisions:
                written = [_decision_row(assignment, one) for one in decisions]
                connection.execute(sa.insert(tables.overrides), written)
            last = self._last_reports(connection, assignment)
            ids = [self._save_entry(connection, one, made, last.get(one.report.id)) for one in entries]
            previous = self._last_grading(connection, assignment)
            if previous and previous.content == content and set(ids) == self._graded(connection, previous.id):
                return
            row = {"assignment": assignment, "made": made, "kind": kind, "content": content}
            grading = _inserted(connection, tables.gradings, row)
            if ids:
                connection.execute(sa.insert(tables.graded), [{"grading": grading, "report": one} for one in ids])

    def _decided(self, connection: sa.Connection, assignment: str) -> int:
        query = sa.select(sa.func.count()).where(tables.overrides.c.assignment == assignment)
        return int(connection.execute(query).scalar_one())

    def _save_entry(self, connection: sa.Connection, entry: Entry, made: str, last: sa.Row[Any] | None) -> int:
        """Return the number of the entry's report, which is added unless it is the ``last`` one."""
        report = entry.report
        content, handed_in = rows.to_text(rows.REPORT, report), rows.to_text(rows.SUBMISSION, entry.submission)
        judged = [_judgement_row(one) for one in entry.judgements]
        digest = rows.sha256(content, handed_in, rows.judgements_text(judged))
        if last is not None and last.sha256 == digest:
            return int(last.id)
        row = {
            "assignment": report.assignment,
            "submission": report.id,
            "made": made,
            "points": report.points,
            "max_points": report.max_points,
            "pending": report.pending,
            "handed_in": handed_in,
            "content": content,
            "sha256": digest,
        }
        number = _inserted(connection, tables.reports, row)
        written = {
            rows.sha256(text): text
            for one in entry.judgements
            if one.authored
            for text in [rows.to_text(rows.AUTHORED, one.authored)]
        }
        self._add(connection, tables.authored, [{"key": key, "content": text} for key, text in written.items()])
        if judged:
            connection.execute(sa.insert(tables.judgements), [{"report": number, **one} for one in judged])
        return number

    def reports(self, assignment: str) -> tuple[Report, ...]:
        """Return the current reports of an assignment, by submission."""
        with self._engine.connect() as connection:
            last = self._last_reports(connection, assignment, tables.reports.c.content)
        return tuple(rows.from_text(rows.REPORT, last[key].content) for key in sorted(last))

    def last_grading(self, assignment: str) -> Grading | None:
        """Return the last grading of an assignment; None where there is none."""
        with self._engine.connect() as connection:
            row = self._last_grading(connection, assignment)
            return None if row is None else self._grading(connection, row)

    def faults(self) -> tuple[str, ...]:
        """Return what is wrong with the gradebook, nothing if it is whole."""
        with self._engine.connect() as connection:
            return tuple(faults(connection))

    def assignments(self) -> tuple[str, ...]:
        """Return the assignments that were graded, by name."""
        query = sa.select(tables.gradings.c.assignment).distinct().order_by(tables.gradings.c.assignment)
        with self._engine.connect() as connection:
            return tuple(connection.execute(query).scalars())

    def gradings(self, assignment: str) -> tuple[int, ...]:
        """Return the numbers of all gradings of an assignment, the last one last."""
        columns = tables.gradings.c
        query = sa.select(columns.id).where(columns.assignment == assignment).order_by(columns.id)
        with self._engine.connect() as connection:
            return tuple(connection.execute(query).scalars())

    def grading(self, number: int) -> Grading:
        """Return the grading ``number``, one of :meth:`gradings`."""
        with self._engine.connect() as connection:
            query = sa.select(tables.gradings).where(tables.gradings.c.id == number)
            return self._grading(connection, connection.execute(query).one())

    def _grading(self, connection: sa.Connection, row: sa.Row[Any]) -> Grading:
        columns = tables.reports.c
        members = sa.select(tables.graded.c.report).where(tables.graded.c.grading == row.id)
        query = sa.select(columns.id, columns.content, columns.handed_in).where(columns.id.in_(members))
        found = connection.execute(query.order_by(columns.submission)).all()
        judged = self._judgements(connection, members)
        entries = tuple(
            Entry(
                rows.from_text(rows.REPORT, one.content),
                rows.from_text(rows.SUBMISSION, one.handed_in),
                tuple(judged[one.id]),
            )
            for one in found
        )
        content = json.loads(row.content)
        problems = rows.PROBLEMS.validate_python(content["problems"])
        findings = rows.FINDINGS.validate_python(content.get("findings", {}))
        made = datetime.fromisoformat(row.made)
        return Grading(row.id, row.assignment, content["title"], row.kind, made, entries, problems, findings)

    def _judgements(self, connection: sa.Connection, members: sa.Select[Any]) -> dict[int, list[Judgement]]:
        texts = {
            row.key: rows.from_text(rows.AUTHORED, row.content)
            for row in connection.execute(sa.select(tables.authored))
        }
        columns = tables.judgements.c
        found: dict[int, list[Judgement]] = defaultdict(list)
        query = sa.select(tables.judgements).where(columns.report.in_(members)).order_by(columns.exercise)
        for row in connection.execute(query):
            more = {"run": row.run or "", "results": row.results or "", "authored": texts.get(row.authored)}
            content = {**json.loads(row.content), **more}
            found[row.report].append(rows.JUDGEMENT.validate_python(content))
        return found

    def _last_reports(self, connection: sa.Connection, assignment: str, *more: Any) -> dict[str, sa.Row[Any]]:
        columns = tables.reports.c
        newest = sa.select(sa.func.max(columns.id)).where(columns.assignment == assignment).group_by(columns.submission)
        query = sa.select(columns.id, columns.submission, columns.sha256, *more).where(columns.id.in_(newest))
        return {row.submission: row for row in connection.execute(query)}

    def _last_grading(self, connection: sa.Connection, assignment: str) -> sa.Row[Any] | None:
        columns = tables.gradings.c
        query = sa.select(tables.gradings).where(columns.assignment == assignment).order_by(columns.id.desc()).limit(1)
        return connection.execute(query).one_or_none()

    def _graded(self, connection: sa.Connection, grading: int) -> set[int]:
        query = sa.select(tables.graded.c.report).where(tables.graded.c.grading == grading)
        return set(connection.execute(query).scalars())

    def _insert(self, table: sa.Table) -> Any:
        dialect: Any = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        return dialect.insert(table)

    def _add(self, connection: sa.Connection, table: sa.Table, added: Sequence[Mapping[str, Any]]) -> None:
        """Add rows; one whose key is there already has the same content, and is left as it is."""
        if added:
            connection.execute(self._insert(table).on_conflict_do_nothing(index_elements=["key"]), added)


def _inserted(connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> int:
    """Return the number of the row, which is added."""
    statement = sa.insert(table).values(row).returning(table.c.id)
    return int(connection.execute(statement).scalar_one())


def _among(connection: sa.Connection, query: sa.Select[Any], column: Any, keys: Iterable[str]) -> list[sa.Row[Any]]:
    distinct = list(dict.fromkeys(key for key in keys if key))
    parts = (distinct[start : start + _AT_A_TIME] for start in range(0, len(distinct), _AT_A_TIME))
    return [row for part in parts for row in connection.execute(query.where(column.in_(part)))]


def _results_row(key: str, run: str, results: tuple[CheckResult, ...]) -> dict[str, Any]:
    content = rows.to_text(rows.CHECK_RESULTS, results)
    return {"key": key, "run": run, "made": rows.now(), "content": content, "sha256": rows.sha256(content)}


def _judgement_row(one: Judgement) -> dict[str, Any]:
    content = rows.JUDGEMENT.dump_python(one, mode="json")
    written = rows.to_text(rows.AUTHORED, one.authored) if one.authored else None
    for name in ("run", "results", "authored"):
        del content[name]
    return {
        "exercise": one.exercise,
        "run": one.run or None,
        "results": one.results or None,
        "authored": rows.sha256(written) if written else None,
        "content": json.dumps(content),
    }


def _grading_text(batch: Batch) -> str:
    # Without findings it is what was written before there were any, so that such gradings are not kept twice.
    found = (
        {} if batch.findings == NOTHING_FOUND else {"findings": rows.FINDINGS.dump_python(batch.findings, mode="json")}
    )
    return json.dumps({"title": batch.title, "problems": _plain_problems(batch.problems), **found})


def _decision_row(assignment: str, one: Decision) -> dict[str, Any]:
    content = rows.to_text(rows.DECISION, one)
    row = {"assignment": assignment, "submission": one.submission, "who": one.who, "made": one.made.isoformat()}
    return {**row, "content": content, "sha256": rows.sha256(content)}


def _plain_problems(problems: Sequence[Problem]) -> list[dict[str, str]]:
    return [{"where": one.where, "message": one.message} for one in problems]
