"""Gradebooks of other layouts: older ones are copied and migrated, newer ones refused; and where none may lie."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from course_helpers import PERIMETER, RIGHT, ROOT, FakeEngine, hand_in, make_course, place

from grader.errors import GradeError
from grader.importers import read_folder
from grader.model import Decision
from grader.pipeline import grade
from grader.store import LAYOUT, open_store
from grader.store.layout import migrate
from grader.store.places import network_file_system
from grader.store.tables import metadata

#: What the version of grade wrote that knew the first layout only: the class of ``old``, graded by the fake engine.
FIRST = (ROOT / "tests" / "gradebooks" / "layout1.sql").read_text(encoding="utf-8")
HANDED_IN = {
    "anna/rectangles.py": RIGHT,
    "bela/rectangles.py": PERIMETER,
    "carl/": "",
    "dana/rectangles.py": "area = [1.0, 2.0]\n",
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return a gradebook of the first layout."""
    with closing(sqlite3.connect(tmp_path / "grade.sqlite")) as connection:
        connection.executescript(FIRST)
    return tmp_path / "grade.sqlite"


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def schema(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("select name from sqlite_master where type != 'index'")]
        columns = "select * from pragma_table_info(?)"
        return {name: connection.execute(columns, (name,)).fetchall() for name in names}


def test_an_older_gradebook_is_copied_and_migrated(old: Path) -> None:
    before = dump(old)
    with open_store(old) as store:
        assert [(one.id, one.points, one.pending) for one in store.reports("sheet1")] == [
            ("anna", 3.0, False), ("bela", 1.0, False), ("carl", 0.0, False), ("dana", 0.0, False),
        ]  # fmt: skip
        bela = store.submissions("sheet1")[1]
        assert (bela.people, bela.source, bela.files[0].size_bytes) == (("bela",), "all/bela", len(PERIMETER))
        grading = store.last_grading("sheet1")
        assert (len(store.known_runs()), len(store.known_results())) == (3, 3)
    assert grading is not None
    assert (grading.id, grading.title, grading.kind, len(grading.entries)) == (1, "Sheet 1", "batch", 4)
    copy = old.with_name("grade.layout1.sqlite")
    assert (dump(copy), sorted(path.name for path in old.parent.iterdir())) == (before, [copy.name, old.name])


def test_a_migrated_gradebook_is_like_a_new_one(old: Path) -> None:
    new = old.with_name("new.sqlite")
    for path in (old, new):
        with open_store(path):
            pass
    columns = {name: {column[1:4] for column in found} for name, found in schema(new).items()}
    assert {name: {column[1:4] for column in found} for name, found in schema(old).items()} == columns
    engine = sa.create_engine(f"sqlite:///{old}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert connection.exec_driver_sql("pragma foreign_key_check").all() == []
        assert connection.exec_driver_sql("pragma user_version").scalar_one() == LAYOUT
    engine.dispose()


def test_migrations_alone_make_the_newest_layout(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'grade.sqlite'}")
    migrate(engine, target="0001")
    with closing(sqlite3.connect(tmp_path / "grade.sqlite")) as connection:
        assert connection.execute("select version_num from alembic_version").fetchone() == ("0001",)
    migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_what_people_decided_is_taken_over_from_the_second_layout(tmp_path: Path) -> None:
    path = tmp_path / "grade.sqlite"
    engine = sa.create_engine(f"sqlite:///{path}")
    migrate(engine, target="0002")
    engine.dispose()
    values = "'sheet1', 'anna', 'step', 'z1', 1.5, 'why', 'prof', '2026-01-31T20:15:00+00:00'"
    columns = "assignment, submission, exercise, check_id, points, reason, who, made"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"insert into overrides ({columns}) values ({values})")  # noqa: S608 - our own words
    made = datetime(2026, 1, 31, 20, 15, tzinfo=UTC)
    with open_store(path) as store:
        found = store.decisions("sheet1")
        assert (found, store.faults()) == (
            (Decision("anna", "step", "", "z1", "", 1.5, None, "why", "prof", made),),
            (),
        )
    assert path.with_name("grade.layout2.sqlite").is_file()


def test_the_same_batch_in_a_migrated_gradebook_runs_nothing(old: Path) -> None:
    course = make_course(old.parent / "course")
    [assignment] = course.assignments.values()
    intake = read_folder(hand_in(old.parent / "all", HANDED_IN), assignment.id)
    engine = FakeEngine()
    with open_store(old) as store:
        batch = grade(course, assignment, intake.submissions, place(store, engine))
        found = store.last_grading("sheet1")
    assert ([report.points for report in batch.reports], engine.ran) == ([3.0, 1.0, 0.0, 0.0], [])
    assert found is not None
    assert [bool(entry.judgements[0].run) for entry in found.entries] == [True, True, False, True]


def test_copies_do_not_replace_each_other(old: Path) -> None:
    for expected in ("grade.layout1.sqlite", "grade.layout1-2.sqlite", "grade.layout1-3.sqlite"):
        with open_store(old):
            assert old.with_name(expected).is_file()
        old.unlink()
        with closing(sqlite3.connect(old)) as connection:
            connection.executescript(FIRST)


def test_a_migration_that_fails_changes_nothing(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("create table gradings (x)")
    before = dump(old)
    with pytest.raises(GradeError, match=r"cannot be used \(table gradings already exists\)"):
        open_store(old).__enter__()
    assert dump(old) == before


def test_two_that_open_an_older_gradebook_at_once_migrate_it_once(old: Path) -> None:
    counts: list[int] = []

    def opened() -> None:
        with open_store(old) as store:
            counts.append(len(store.reports("sheet1")))

    threads = [threading.Thread(target=opened) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [4, 4, 4, 4]
    assert len(list(old.parent.glob("grade.layout1*"))) == 1


def test_one_waits_for_another_that_still_writes_without_a_log(old: Path) -> None:
    with closing(sqlite3.connect(old, isolation_level=None, check_same_thread=False)) as other:
        other.execute("begin immediate")
        done = threading.Timer(0.3, other.rollback)
        done.start()
        with open_store(old) as store:
            assert len(store.reports("sheet1")) == 4
        done.join()


@pytest.mark.parametrize("statement", ["update alembic_version set version_num = '0007'", "pragma user_version = 7"])
def test_a_newer_layout_is_refused(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "grade.sqlite"
    if "alembic" in statement:
        with open_store(path):
            pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()
    with pytest.raises(GradeError) as caught, open_store(path):
        pass
    expected = (
        f"{path}: a gradebook of layout 7; this version of grade reads layouts up to {LAYOUT}. "
        "Use the version that wrote it, or a newer one, or name another --output"
    )
    assert str(caught.value) == expected


MOUNTS = r"""
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
tmpfs /home/me/local tmpfs rw 0 0
//server/share /mnt/a\040share cifs rw 0 0
me@server: /mnt/ssh fuse.sshfs rw 0 0
/dev/sdb1 /over ext4 rw 0 0
scratch /over lustre rw 0 0
drvfs /mnt/c 9p rw 0 0
portal /mnt/fuse fuse.portal rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/grades/grade.sqlite", None), ("/home/me/grade.sqlite", "nfs4"), ("/homes/grade.sqlite", None),
        ("/home/me/local/grade.sqlite", None), ("/mnt/a share/grade.sqlite", "cifs"), ("/mnt/ssh/x", "fuse.sshfs"),
        ("/over/x", "lustre"), ("/mnt/c/Users/x", "9p"), ("/mnt/fuse/x", None),
    ],
)  # fmt: skip
def test_network_file_systems_are_known(path: str, kind: str | None) -> None:
    assert network_file_system(Path(path), MOUNTS) == kind


def test_without_a_table_of_mounts_nothing_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("grader.store.places._MOUNTS", tmp_path / "none")
    assert network_file_system(tmp_path) is None


def test_a_gradebook_on_a_network_file_system_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_text("server:/ / nfs rw 0 0\n", encoding="utf-8")
    monkeypatch.setattr("grader.store.places._MOUNTS", table)
    with pytest.raises(GradeError) as caught:
        open_store(tmp_path / "grade.sqlite").__enter__()
    expected = (
        f"{tmp_path / 'grade.sqlite'}: lies on a network file system (nfs), where SQLite's write-ahead log loses data "
        "because its readers and writers must share memory; name an --output on a disk of this machine"
    )
    assert str(caught.value) == expected
    assert not (tmp_path / "grade.sqlite").exists()
