"""An exercise's data sets lie in the run's folder, in the format of the real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from course_helpers import prepared
from judging_helpers import HEAD, course_files, rubric, write

from grader.checks import KINDS
from grader.cli import run
from grader.course import DataNeed, load_course
from grader.data import VARIABLE, load
from grader.errors import CourseError, ExitCode
from grader.importers import read_one

EXERCISE = "exercises/sheet/ex/exercise.yaml"
REFERENCE = "@quantity\ndef q():\n    return 1\n"


def settings(data: str) -> str:
    return f"title: E\nfiles: [ex.py]\ndata: {data}\n"


def files_of(root: Path, data: str, own: str = "notes.txt") -> dict[str, bytes]:
    course = load_course(write(root, course_files(REFERENCE, rubric("value: q")) | {EXERCISE: settings(data)}), KINDS)
    (root / "anna" / own).parent.mkdir(parents=True)
    (root / "anna" / own).write_text("mine", encoding="utf-8")
    (root / "anna" / "ex.py").write_text("q = 1", encoding="utf-8")
    job = prepared(course, read_one(root / "anna", "sheet", "anna").submissions[0]).job
    assert job is not None
    return dict(job.files)


def test_a_run_finds_the_data_beside_its_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    found = files_of(tmp_path, "[mnist]")
    assert found == {"notes.txt": b"mine", **dict(load("mnist").files())}


def test_a_hand_in_does_not_replace_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    name = load("mnist").files()[0][0]
    assert files_of(tmp_path, "[mnist]", own=name)[name] != b"mine"


def test_sizes_keep_jobs_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    few = files_of(tmp_path, "{mnist: {train: 50, test: 20}}")
    assert few.keys() == {"notes.txt", *dict(load("mnist").files())}
    assert sum(map(len, few.values())) < sum(len(data) for _, data in load("mnist").files()) / 5


def test_an_unknown_data_set_is_a_problem_of_the_exercise(tmp_path: Path) -> None:
    root = write(tmp_path, course_files(HEAD + REFERENCE, rubric("value: q")) | {EXERCISE: settings("[minst]")})
    with pytest.raises(CourseError) as caught:
        load_course(root, KINDS)
    assert "data: no data set 'minst'; there are mnist, cifar10, hapt" in str(caught.value)


def test_needs_are_data(tmp_path: Path) -> None:
    root = write(tmp_path, course_files(REFERENCE, rubric("value: q")) | {EXERCISE: settings("{hapt: {train: 9}}")})
    (exercise,) = load_course(root, KINDS).exercises()
    assert exercise.data == (DataNeed("hapt", train=9),)


def test_the_command_writes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", str(tmp_path / "out"), "mnist"]) == 0
    written = sorted(path.name for path in (tmp_path / "out" / "mnist").iterdir())
    assert len(written) == len(load("mnist").files())
    told = capsys.readouterr().out
    assert [name for name in written if name not in told] == []
    assert run(["data", str(tmp_path / "out"), "minst"]) == ExitCode.USAGE
    assert "there is no data set 'minst'" in capsys.readouterr().err


def test_a_folder_without_data_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "")
    (tmp_path / "empty").mkdir()
    write(tmp_path / "c", course_files(REFERENCE, rubric("value: q")) | {EXERCISE: settings("[mnist]")})
    (tmp_path / "c" / "reference/sheet/solutions").mkdir()
    status = run(["validate", "--course", str(tmp_path / "c"), "--data", str(tmp_path / "empty")])
    assert status == ExitCode.USAGE
    assert "has none of the data sets in its subfolders" in capsys.readouterr().err
