"""A gradebook in PostgreSQL: one writer at a time, faults told in one sentence, and no password ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from course_helpers import PERIMETER, RIGHT, FakeEngine, hand_in, make_course, place
from postgres_helpers import REQUIRED, Server, programs, running_server

from grader.cli import run
from grader.course import Course
from grader.errors import ExitCode, GradeError, UsageError
from grader.importers import read_folder
from grader.pipeline import grade
from grader.store import LAYOUT, open_store, place_name, read_url
from grader.store.tables import metadata

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def url(server: Server) -> sa.URL:
    return server.new_database()


def text(url: sa.URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def change(url: sa.URL, *statements: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.fixture
def graded(url: sa.URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
    """Return the course of a small class that was graded into ``url``, from the folder above it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("GRADER_GRADEBOOK", text(url))
    course = make_course(tmp_path / "course")
    batch(course, url)
    return course


def batch(course: Course, url: sa.URL, engine: FakeEngine | None = None) -> FakeEngine:
    used = engine or FakeEngine()
    intake = read_folder(hand_in(Path("all"), {"a/rectangles.py": RIGHT, "b/rectangles.py": PERIMETER}), "sheet1")
    with open_store(url) as store:
        grade(course, course.assignments["sheet1"], intake.submissions, place(store, used))
    return used


# Commands


def test_batch_writes_into_the_database_that_is_named(
    url: sa.URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.cli.settings.LocalPool", lambda *_: FakeEngine())
    make_course(tmp_path / "course")
    hand_in(tmp_path / "all", {"a/rectangles.py": RIGHT})
    folders = ["--course", str(tmp_path / "course"), "--output", str(tmp_path / "grades")]
    command = ["batch", str(tmp_path / "all"), "--assignment", "sheet1", "--isolation", "selfcheck", *folders]
    assert run([*command, "--gradebook", text(url)]) == 0
    with open_store(url) as store:
        assert [(one.id, one.points) for one in store.reports("sheet1")] == [("a", 3.0)]
    assert (tmp_path / "grades" / "class.html").is_file()
    assert not (tmp_path / "grades" / "grade.sqlite").exists()


def test_the_evening_goes_on_there(graded: Course, url: sa.URL, capsys: Captured) -> None:
    rubric = Path("course/rubrics/sheet1/rectangles.yaml")
    rubric.write_text(
        rubric.read_text(encoding="utf-8").replace("area, points: 2, atol: 1.0e-6", "area, points: 2, atol: 2")
    )
    assert run(["regrade", "--assignment", "sheet1", "--course", "course", "--yes"]) == 0
    assert run(["override", "b", "--assignment", "sheet1", "--course", "course", "--zero", "--reason", "copied"]) == 0
    assert run(["override", "--assignment", "sheet1", "--course", "course"]) == 0
    assert "b: total: no points, by " in capsys.readouterr().out
    assert run(["diff", f"{text(url)}@1", text(url)]) == ExitCode.FAILED
    assert "b: 1 of 3 → 0 of 3" in capsys.readouterr().out
    results = json.loads(Path("grades/results.json").read_text(encoding="utf-8"))
    assert [one["points"] for one in results["submissions"]] == [3.0, 0.0]
    assert batch(graded, url).ran == []
    assert run(["db", "check"]) == 0
    assert capsys.readouterr().out == f"{place_name(url)}: whole\n"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("update runs set observations = ''", "runs, "),
        ("update results set content = '[]'", "results, "),
        ("update reports set content = '{}' where id = 2", "reports, 2 (b): "),
    ],
)
def test_what_was_changed_is_found(graded: Course, url: sa.URL, capsys: Captured, statement: str, message: str) -> None:
    change(url, statement)
    assert run(["db", "check"]) == ExitCode.FAILED
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"{place_name(url)}: {message}")
    assert said[0].endswith(": was changed since it was written")
    assert said[-1] == "Go back to a backup, or grade again into another --gradebook."


def test_a_backup_is_for_pg_dump(graded: Course, url: sa.URL, server: Server, capsys: Captured) -> None:
    secret = url.set(password="hush", username="grade")  # noqa: S106
    assert run(["db", "backup", "my copy", "--gradebook", text(secret)]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert ("hush" in said, "***" in said) == (False, True)
    command = said[said.index("pg_dump") :].strip()
    assert command.startswith("pg_dump --format=custom --file='my copy' --dbname=")
    found = subprocess.run(["sh", "-c", f'PATH="{server.bin}:$PATH"; {command}'], check=False)  # noqa: S607
    assert (found.returncode, Path("my copy").read_bytes()[:5]) == (0, b"PGDMP")


def test_a_reader_of_an_empty_database_makes_nothing(url: sa.URL) -> None:
    with pytest.raises(UsageError, match=r"no gradebook; `grade batch` makes one"), open_store(url, writing=False):
        pass
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []


# One writer


def test_two_writers_are_refused_and_readers_are_not(
    graded: Course, url: sa.URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.store.servers._PATIENCE_SECONDS", 0.2)
    with open_store(url) as first:
        with pytest.raises(GradeError) as caught, open_store(url):
            pass
        with open_store(url, writing=False) as reader:
            assert reader.reports("sheet1") == first.reports("sheet1")
    assert str(caught.value) == (
        f"{place_name(url)}: another grade is writing to this gradebook; wait for its end and repeat the command"
    )
    with open_store(url) as store:
        assert len(store.known_runs()) == 2


# Faults


GONE = """
import os, sys
from pathlib import Path
from course_helpers import FakeEngine, fake_run, place
from grader.cli import run
import grader.cli.settings as settings

class Cut(FakeEngine):
    def run(self, jobs):
        for number, (key, job) in enumerate(jobs):
            if number == 1:
                print("halfway", flush=True)
                sys.stdin.readline()
            yield key, fake_run(job)

settings.LocalPool = lambda *_: Cut()
sys.exit(run(sys.argv[1:]))
"""


def test_a_server_that_goes_away_loses_nothing_that_was_stored(tmp_path: Path) -> None:
    make_course(tmp_path / "course")
    names = {f"p{number}/rectangles.py": f"{RIGHT}# {number}\n" for number in range(3)}
    hand_in(tmp_path / "all", names)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    with running_server() as server:
        url = server.new_database()
        command = [sys.executable, "-c", GONE, "batch", "all", "--assignment", "sheet1", "--course", "course",
                   "--isolation", "selfcheck", "--gradebook", text(url)]  # fmt: skip
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, cwd=tmp_path, env=environment, text=True, stdin=pipe, stdout=pipe, stderr=pipe
        ) as process:
            assert process.stdout is not None
            assert "halfway\n" in iter(process.stdout.readline, "")
            server.stop()
            _, said = process.communicate("\n", timeout=300)
        assert process.returncode == ExitCode.INFRASTRUCTURE
        assert len(said.splitlines()) == 1
        assert said.startswith(f"grade: {place_name(url)}: the gradebook cannot be used (")
        assert "What was stored before is kept: once this is mended, the same command goes on from there" in said
        assert not (tmp_path / "grades" / "class.html").exists()
        server.start()
        with open_store(url) as store:
            assert (len(store.known_runs()), store.reports("sheet1"), store.faults()) == (1, (), ())
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, input="\n", text=True, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        with open_store(url) as store:
            assert [one.points for one in store.reports("sheet1")] == [3.0, 3.0, 3.0]


def test_a_full_disk_of_the_server_keeps_all_or_nothing(graded: Course, url: sa.URL, capsys: Captured) -> None:
    full = "raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'"
    change(url, f"create function disk() returns trigger language plpgsql as $$ begin {full}; end $$",
           "create trigger disk before insert on graded execute function disk()")  # fmt: skip
    arguments = ["override", "b", "--assignment", "sheet1", "--course", "course", "--zero", "--reason", "copied"]
    assert run(arguments) == ExitCode.INFRASTRUCTURE
    assert "the gradebook cannot be used (could not extend file: No space left on device" in capsys.readouterr().err
    with open_store(url) as store:
        assert (store.decisions("sheet1"), len(store.gradings("sheet1")), store.faults()) == ((), 1, ())
    assert not Path("grades").exists()
    change(url, "drop trigger disk on graded")
    assert run(arguments) == 0
    with open_store(url) as store:
        assert (len(store.decisions("sheet1")), [one.points for one in store.reports("sheet1")]) == (1, [3.0, 0.0])


def test_a_server_that_is_not_there_is_told_without_the_password(capsys: Captured, tmp_path: Path) -> None:
    named = f"postgresql://me:hush@/grades?host={tmp_path}&password=whisper"
    assert run(["db", "check", "--gradebook", named]) == ExitCode.INFRASTRUCTURE
    said = capsys.readouterr().err
    assert f"grade: postgresql://me:***@/grades?host={str(tmp_path).replace('/', '%2F')}: the gradebook" in said
    assert "No such file or directory" in said
    assert [word for word in ("hush", "whisper") if word in said] == []


def test_a_password_in_the_servers_own_words_is_left_out(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    url = server.url("postgres").set(password="hush")  # noqa: S106

    def refuse(*_: object) -> None:
        raise sa.exc.OperationalError("", None, Exception("no 'hush' here"))

    monkeypatch.setattr("grader.store.servers.prepare", refuse)
    with pytest.raises(GradeError, match=r"cannot be used \(no '\*\*\*' here\)"), open_store(url):
        pass


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("grades", "the gradebook's URL cannot be read; write postgresql://USER@HOST/DATABASE, with %40 for an @"),
        ("postgresql://me:hush@host:port/grades", "the gradebook's URL cannot be read; write postgresql://"),
        ("mysql://me:hush@host/grades", "mysql://…: a gradebook's URL is postgresql://USER@HOST/DATABASE; for SQLite"),
        ("postgresql://me:hush@host", "postgresql://…: a gradebook's URL is postgresql://USER@HOST/DATABASE"),
    ],
)
def test_what_is_no_url_of_a_gradebook_is_refused(named: str, message: str, capsys: Captured) -> None:
    assert run(["db", "check", "--gradebook", named]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert message in said
    assert "hush" not in said


def test_a_missing_driver_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    expected = (
        r"postgresql://me@host/grades: needs the package psycopg; install it with: pip install 'grader\[postgres\]'"
    )
    with pytest.raises(UsageError, match=expected), open_store(read_url("postgresql://me@host/grades")):
        pass


# Layouts

NAMES = ("assignment", "submission", "exercise", "check_id", "reason", "who", "made")
VALUES = ("sheet1", "a", "rectangles", "area", "why", "prof", "2026-01-31T20:15:00+00:00")
TEXTS = ", ".join(f"{name} text not null" for name in NAMES)
SECOND = (
    "drop table overrides",
    f"create table overrides (id serial primary key, points double precision, {TEXTS})",
    "create index ix_overrides_submission on overrides (assignment, submission)",
    f"insert into overrides values (1, 1.5, {', '.join(repr(one) for one in VALUES)})",  # noqa: S608 - our own words
    "update alembic_version set version_num = '0002'",
)


@pytest.mark.parametrize("writing", [True, False])
def test_an_older_layout_is_migrated(graded: Course, url: sa.URL, writing: bool) -> None:
    change(url, *SECOND)
    with open_store(url, writing=writing) as store:
        [found] = store.decisions("sheet1")
        assert (found.submission, found.check, found.points, store.faults()) == ("a", "area", 1.5, ())
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.exec_driver_sql("select version_num from alembic_version").scalar_one() == f"{LAYOUT:04}"


def test_a_newer_layout_is_refused(graded: Course, url: sa.URL) -> None:
    change(url, "update alembic_version set version_num = '0099'")
    with pytest.raises(GradeError, match=r"a gradebook of layout 99; this version .* or name another --gradebook"):
        open_store(url).__enter__()


def test_the_view_of_marks_is_there(graded: Course, url: sa.URL) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        found = connection.exec_driver_sql("select submission, points, pending from marks order by submission").all()
    assert [tuple(row) for row in found] == [("a", 3.0, False), ("b", 1.0, False)]


# The tests themselves


@pytest.mark.parametrize(("variable", "outcome"), [("", pytest.skip.Exception), ("required", pytest.fail.Exception)])
def test_where_there_is_no_server_tests_are_skipped_unless_they_are_demanded(
    monkeypatch: pytest.MonkeyPatch, variable: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setattr("postgres_helpers.programs", lambda: None)
    monkeypatch.setenv(REQUIRED, variable)
    with pytest.raises(outcome, match="PostgreSQL"):
        running_server().__enter__()


def test_a_server_leaves_nothing(server: Server) -> None:
    assert programs() == server.bin
    with running_server() as other:
        folder = other.folder
        pid = int((folder / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        assert psutil.Process(pid).is_running()
    assert not folder.exists()
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
