"""The command ``grade export``, and every format but Moodle's, read by parsers that know nothing of ours."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from export_helpers import EXAMPLES, WORKSHEET, export, keep, moodle, worksheet

from grader.cli import run

Captured = pytest.CaptureFixture[str]
CLASS = (moodle("Anna Müller", "11"), moodle("Emil", "15", 5.0, pending=True))


@pytest.fixture(scope="module")
def grades(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keep(tmp_path_factory.mktemp("class"), CLASS)


# The command


def test_a_gradebook_with_marks_is_asked_for(grades: Path, tmp_path: Path, capsys: Captured) -> None:
    assert export(tmp_path, "moodle", "--worksheet", EXAMPLES / WORKSHEET) == 2
    assert "grade.sqlite: no gradebook; name the folder that `grade batch` wrote" in capsys.readouterr().err
    arguments = ["export", "--assignment", "sheet4", "--to", "moodle", "--output", str(grades)]
    assert run([*arguments, "--worksheet", str(EXAMPLES / WORKSHEET)]) == 2
    assert "grade.sqlite: holds no marks for 'sheet4'; it has: sheet3" in capsys.readouterr().err


def test_only_the_submissions_named_are_exported(grades: Path, tmp_path: Path, capsys: Captured) -> None:
    asked = ["--worksheet", EXAMPLES / WORKSHEET, "--file", tmp_path / "out.csv"]
    assert export(grades, "moodle", *asked, "--submission", "anna-11") == 0
    assert "1 of 6 rows has a mark from here" in capsys.readouterr().out
    assert export(grades, "moodle", *asked, "--submission", "bob") == 2
    assert "no submission 'bob' in sheet3" in capsys.readouterr().err


def half_written(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let the disk be full at the file number ``after``, in the middle of it."""
    whole, count = Path.write_bytes, iter(range(100))

    def write(self: Path, data: bytes) -> int:
        if next(count) < after:
            return whole(self, data)
        whole(self, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write)


@pytest.mark.parametrize("after", [0, 1])
def test_a_full_disk_leaves_nothing_half_written(
    grades: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured, after: int
) -> None:
    other = worksheet(tmp_path, saved_as="Grades-B-4711.csv")
    out = tmp_path / "out"
    asked = ["--worksheet", EXAMPLES / WORKSHEET, "--worksheet", other, "--file", out]
    out.mkdir()
    (out / WORKSHEET).write_bytes(b"the one before")
    half_written(monkeypatch, after)
    assert export(grades, "moodle", *asked) == 4
    failed = out / (WORKSHEET if after == 0 else other.name)
    message = f"{failed}: cannot be written (No space left on device); make room, or name another place with --file"
    assert message in capsys.readouterr().err
    assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [(WORKSHEET, b"the one before")]


def test_a_place_that_cannot_be_written_is_told(grades: Path, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "file").write_text("")
    asked = ["--worksheet", EXAMPLES / WORKSHEET, "--file", tmp_path / "file" / "out.csv"]
    assert export(grades, "moodle", *asked) == 4
    assert "out.csv: cannot be written (File exists); make room" in capsys.readouterr().err
