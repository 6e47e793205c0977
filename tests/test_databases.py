"""Checking a gradebook, and copying it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from course_helpers import PERIMETER, RIGHT, hand_in, make_course, place

from grader.cli import run
from grader.errors import ExitCode
from grader.importers import read_folder
from grader.model import Decision
from grader.pipeline import Wish, decide, grade, publish_decisions
from grader.store import open_store

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the gradebook of a small class, from the folder above it."""
    monkeypatch.chdir(tmp_path)
    course = make_course(tmp_path / "course")
    intake = read_folder(hand_in(tmp_path / "all", {"a/rectangles.py": RIGHT, "b/rectangles.py": PERIMETER}), "sheet1")
    with open_store(tmp_path / "grades" / "grade.sqlite") as store:
        grade(course, course.assignments["sheet1"], intake.submissions, place(store))
        seen = Decision("a", "", "", "", "", 1.0, None, "why", "prof", datetime(2026, 1, 31, tzinfo=UTC))
        publish_decisions(decide(course.assignments["sheet1"], store, [Wish("here", seen)]), store)
    return tmp_path / "grades" / "grade.sqlite"


def change(book: Path, statement: str) -> None:
    with closing(sqlite3.connect(book)) as connection:
        connection.executescript(statement)  # keys are not enforced unless asked for


def test_a_gradebook_that_is_whole(book: Path, capsys: Captured) -> None:
    assert run(["db", "check"]) == ExitCode.PASSED
    assert capsys.readouterr().out == f"{Path('grades/grade.sqlite')}: whole\n"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("update runs set observations = x'00'", "runs, {run}: was changed since it was written"),
        ("update results set content = '[]'", "results, {result}: was changed since it was written"),
        ("update reports set content = '{{}}' where id = 2", "reports, 2 (b): was changed since it was written"),
        ("update judgements set content = '' where report = 1", "reports, 1 (a): was changed since it was written"),
        ("update overrides set content = '{{}}'", "overrides, 1: was changed since it was written"),
        ("delete from results", "judgements, row 1: what it names in results is missing"),
        ("delete from runs", "results, row 1: what it names in runs is missing"),
        ("delete from reports", "graded, row 1: what it names in reports is missing"),
    ],
)
def test_what_is_missing_or_was_changed_is_found(book: Path, capsys: Captured, statement: str, message: str) -> None:
    with closing(sqlite3.connect(book)) as connection:
        names = {name: connection.execute(f"select key from {name}s order by rowid").fetchone()[0]  # noqa: S608
                 for name in ("run", "result")}  # fmt: skip
    change(book, statement.format())
    assert run(["db", "check"]) == ExitCode.FAILED
    said = capsys.readouterr().out.splitlines()
    assert f"{Path('grades/grade.sqlite')}: {message.format(**names)}" in said
    assert said[-1] == "Go back to a backup, or grade again into another --output."


def test_a_damaged_file_is_found(book: Path, capsys: Captured) -> None:
    change(book, "pragma wal_checkpoint(truncate); pragma writable_schema = on; "
           "delete from sqlite_master where name = 'ix_reports_submission';")  # fmt: skip
    assert run(["db", "check"]) == ExitCode.FAILED
    assert "the file: Page" in capsys.readouterr().out


def test_a_backup_is_one_file_with_everything(book: Path, capsys: Captured) -> None:
    with open_store(book) as store:  # as while a batch is running
        assert run(["db", "backup", "deep/copy.sqlite"]) == ExitCode.PASSED
        expected = store.reports("sheet1"), store.known_runs()
    assert capsys.readouterr().out == "copied to deep/copy.sqlite\n"
    assert [path.name for path in Path("deep").iterdir()] == ["copy.sqlite"]
    with open_store(Path("deep/copy.sqlite")) as store:
        assert (store.reports("sheet1"), store.known_runs(), store.faults()) == (*expected, ())


def test_a_backup_that_cannot_be_written_is_told(book: Path, capsys: Captured) -> None:
    Path("file").touch()
    assert run(["db", "backup", "file/copy.sqlite"]) == ExitCode.INFRASTRUCTURE
    assert "cannot be written (File exists); name another file" in capsys.readouterr().err
