"""Intake: every bad input is one clear problem, and everything else goes on."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from course_helpers import hand_in

from grader.errors import Problem, UsageError
from grader.importers import Intake, folders, read_folder, read_one
from grader.importers.names import IGNORED

NFC, NFD = (unicodedata.normalize(form, "Zoë Müller") for form in ("NFC", "NFD"))


def ids(intake: Intake) -> list[str]:
    return [one.id for one in intake.submissions]


def names(intake: Intake, index: int = 0) -> list[str]:
    return [file.name for file in intake.submissions[index].files]


def test_each_folder_is_a_submission_with_hashed_files(tmp_path: Path) -> None:
    hand_in(tmp_path, {"bela/work.py": "x = 1\n", "anna/sub/data.csv": "1,2", "anna/work.py": b"\xff"})
    os.utime(tmp_path / "bela" / "work.py", (1e9, 1e9))
    intake = read_folder(tmp_path, "sheet1")
    assert (ids(intake), intake.unresolved, intake.problems) == (["anna", "bela"], (), ())
    anna, bela = intake.submissions
    assert [file.name for file in anna.files] == ["work.py", "sub/data.csv"]
    assert (bela.people, bela.assignment, bela.source) == (("bela",), "sheet1", str(tmp_path / "bela"))
    assert bela.files[0].sha256 == hashlib.sha256(b"x = 1\n").hexdigest()
    assert (bela.files[0].size_bytes, bela.files[0].path) == (6, tmp_path / "bela" / "work.py")
    assert bela.received == datetime.fromtimestamp(1e9, UTC)


def test_an_empty_folder_is_a_submission_of_nothing(tmp_path: Path) -> None:
    hand_in(tmp_path, {"ida/": ""})
    intake = read_folder(tmp_path, "sheet1")
    assert [(one.id, one.files, one.received) for one in intake.submissions] == [("ida", (), None)]


@pytest.mark.parametrize(
    ("made", "asked", "message"),
    [
        ({}, "gone", "gone: does not exist; name the folder with the hand-ins"),
        (
            {"downloads.zip": "PK"},
            "downloads.zip",
            "downloads.zip: is not a folder; name the folder with the hand-ins, or an archive (.zip,",
        ),
        (
            {"list.txt": "x"},
            "list.txt",
            "list.txt: is not a folder; name the folder with the hand-ins, or an archive (.zip,",
        ),
        ({"all/work.py": "x"}, "all", "all: holds no folder with a hand-in; expected one folder for each submission"),
        ({"all/": ""}, "all", "all: holds no folder with a hand-in; expected one folder for each submission"),
    ],
)
def test_a_path_without_hand_ins_is_refused(tmp_path: Path, made: dict[str, str], asked: str, message: str) -> None:
    hand_in(tmp_path, made)
    with pytest.raises(UsageError) as caught:
        read_folder(tmp_path / asked, "sheet1")
    assert str(caught.value).startswith(f"{tmp_path}/{message}")


def test_a_file_outside_any_folder_is_one_problem(tmp_path: Path) -> None:
    hand_in(tmp_path, {"anna/work.py": "x", "carl.zip": "PK", "stray.ipynb": "{}", ".DS_Store": "x"})
    intake = read_folder(tmp_path, "sheet1")
    message = "lies outside any submission's folder and was not graded; put it into a folder named after its author"
    expected = (Problem(str(tmp_path / "carl.zip"), message), Problem(str(tmp_path / "stray.ipynb"), message))
    assert (ids(intake), intake.problems) == (["anna"], expected)


@pytest.mark.parametrize(("first", "second"), [(NFC, NFD), ("Anna", "anna"), ("STRASSE", "straße")])
def test_two_folders_for_one_person_are_for_a_human(tmp_path: Path, first: str, second: str) -> None:
    hand_in(tmp_path, {f"{first}/a.py": "x = 1", f"{second}/a.py": "x = 2", "bela/a.py": "x = 3"})
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("this file system takes the two names for one")
    intake = read_folder(tmp_path, "sheet1")
    assert (ids(intake), len(intake.unresolved), len(intake.problems)) == (["bela"], 1, 1)
    assert intake.unresolved[0].id in {first, second, NFC}
    pattern = r"handed in twice, as .*, .*; remove the one that does not count \(neither was graded\)"
    assert re.fullmatch(pattern, intake.problems[0].message)


def test_an_unreadable_file_is_listed_and_one_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_in(tmp_path, {"anna/bad.py": "x", "anna/good.py": "x", "bela/good.py": "x"})
    opened = Path.open

    def refuse(self: Path, *arguments: Any, **options: Any) -> Any:
        if self.name == "bad.py":
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    intake = read_folder(tmp_path, "sheet1")
    assert (ids(intake), names(intake)) == (["anna", "bela"], ["bad.py", "good.py"])
    assert intake.submissions[0].files[0].sha256 == ""
    message = "cannot be read (Permission denied); make it readable"
    assert intake.problems == (Problem(str(tmp_path / "anna" / "bad.py"), message),)


def test_an_unreadable_folder_is_one_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_in(tmp_path, {"anna/closed/x.py": "x", "anna/good.py": "x"})
    listed = os.scandir

    def refuse(path: str) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refuse)
    intake = read_folder(tmp_path, "sheet1")
    message = "cannot be read (Permission denied); make it readable"
    assert names(intake) == ["good.py"]
    assert intake.problems == (Problem(str(tmp_path / "anna" / "closed"), message),)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("../../secret/key.py", "is a symbolic link out of the hand-in; it was not followed"),
        ("../../secret", "is a symbolic link out of the hand-in; it was not followed"),
        ("/etc/hostname", "is a symbolic link out of the hand-in; it was not followed"),
        ("../bela/work.py", "is a symbolic link out of the hand-in; it was not followed"),
        ("gone.py", "is a symbolic link to nothing"),
        ("link.py", "is a symbolic link to nothing"),
    ],
)
def test_links_are_not_followed_out(tmp_path: Path, target: str, message: str) -> None:
    everybody = tmp_path / "all"
    hand_in(tmp_path, {"all/anna/work.py": "x", "all/bela/work.py": "y", "secret/key.py": "s"})
    link = everybody / "anna" / "link.py"
    link.symlink_to(target)
    intake = read_folder(everybody, "sheet1")
    assert (ids(intake), names(intake)) == (["anna", "bela"], ["work.py"])
    assert intake.problems == (Problem(str(link), message),)


def test_a_link_inside_the_hand_in_is_a_file(tmp_path: Path) -> None:
    hand_in(tmp_path, {"anna/data/x.py": "x"})
    (tmp_path / "anna" / "work.py").symlink_to("data/x.py")
    intake = read_folder(tmp_path, "sheet1")
    assert (names(intake), intake.problems) == (["work.py", "data/x.py"], ())


def test_a_link_instead_of_a_folder_is_one_problem(tmp_path: Path) -> None:
    hand_in(tmp_path, {"all/anna/work.py": "x", "elsewhere/work.py": "x"})
    (tmp_path / "all" / "carl").symlink_to(tmp_path / "elsewhere")
    intake = read_folder(tmp_path / "all", "sheet1")
    problem = Problem(str(tmp_path / "all" / "carl"), "is a symbolic link; hand-ins must be real folders")
    assert (ids(intake), intake.problems) == (["anna"], (problem,))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    hand_in(tmp_path, {"anna/work.py": "x"})
    os.mkfifo(tmp_path / "anna" / "pipe.py")
    intake = read_folder(tmp_path, "sheet1")
    problem = Problem(str(tmp_path / "anna" / "pipe.py"), "is not a regular file; it was not read")
    assert (names(intake), intake.problems) == (["work.py"], (problem,))
    with pytest.raises(UsageError, match=r"pipe.py: is not a regular file; name your notebook, your module or"):
        read_one(tmp_path / "anna" / "pipe.py", "sheet1")


@pytest.mark.parametrize("name", ["with space", 'O\'Connor "Mia"', "a+b", NFC, NFD, "日本", "[bold]", "-rf", "~"])
def test_any_name_is_a_name(tmp_path: Path, name: str) -> None:
    hand_in(tmp_path, {f"{name}/{name}.py": "x"})
    intake = read_folder(tmp_path, "sheet1")
    plain = unicodedata.normalize("NFC", name)
    assert (ids(intake), names(intake), intake.problems) == ([plain], [f"{plain}.py"], ())


def test_names_that_are_no_utf8_become_readable(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/Ren\xe9"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    (folder / os.fsdecode(b"\xfc.py")).write_text("x", encoding="utf-8")
    intake = read_folder(tmp_path, "sheet1")
    assert (ids(intake), names(intake)) == (["Ren\ufffd"], ["\ufffd.py"])
    assert intake.submissions[0].files[0].path.read_text(encoding="utf-8") == "x"
    intake.submissions[0].source.encode()  # fit for a page, JSON and the gradebook


def test_too_many_files_are_one_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_FILES", 3)
    hand_in(tmp_path, {f"anna/{number}.py": "x" for number in range(5)} | {"bela/a.py": "x"})
    intake = read_folder(tmp_path, "sheet1")
    assert (ids(intake), names(intake)) == (["anna", "bela"], ["0.py", "1.py", "2.py"])
    assert intake.problems == (Problem(str(tmp_path / "anna"), "holds more than 3 files; the rest was not read"),)


def test_a_huge_file_is_left_out_unread(tmp_path: Path) -> None:
    hand_in(tmp_path, {"anna/work.py": "x"})
    with (tmp_path / "anna" / "data.bin").open("wb") as file:
        file.truncate(600 * 1024**2)  # takes no room on the disk
    intake = read_folder(tmp_path, "sheet1")
    message = "has 600 MB; at most 512 MB of one hand-in are read, so this file was left out"
    assert names(intake) == ["work.py"]
    assert intake.problems == (Problem(str(tmp_path / "anna" / "data.bin"), message),)


def test_what_tools_leave_behind_is_ignored(tmp_path: Path) -> None:
    left = {f"anna/{name}/x.py": "x" for name in (*IGNORED, ".hidden")}
    top = {f"{name}/x.py": "x" for name in ("__MACOSX", ".git")}
    hand_in(tmp_path, {**left, **top, "anna/work.py": "x", "anna/.DS_Store": "x"})
    (tmp_path / "anna" / ".#work.py").symlink_to("anna@host.1234:5678")
    intake = read_folder(tmp_path, "sheet1")
    assert (ids(intake), names(intake), intake.problems) == (["anna"], ["work.py"], ())


def test_one_folder_is_one_submission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_in(tmp_path, {"anna/work.py": "x", "anna/b.py": "y"})
    monkeypatch.chdir(tmp_path / "anna")
    intake = read_one(Path(), "sheet1")
    assert (ids(intake), names(intake)) == (["anna"], ["b.py", "work.py"])
    assert read_one(Path(), "sheet1", NFD).submissions[0].people == (NFC,)


def test_one_file_comes_first_and_brings_its_companions(tmp_path: Path) -> None:
    hand_in(tmp_path, {"anna/b.py": "y", "anna/work.py": "x", "anna/z/data.csv": "1"})
    assert names(read_one(tmp_path / "anna" / "work.py", "sheet1")) == ["work.py", "b.py", "z/data.csv"]


def test_one_file_is_read_however_many_lie_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_FILES", 2)
    hand_in(tmp_path, {f"anna/{number}.py": "x" for number in range(5)})
    assert names(read_one(tmp_path / "anna" / "4.py", "sheet1")) == ["4.py", "0.py"]


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_one(tmp_path / "gone.py", "sheet1")
    expected = f"{tmp_path}/gone.py: does not exist; name your notebook, your module or the folder with them"
    assert str(caught.value) == expected


def test_a_name_is_readable_where_the_systems_encoding_is_ascii() -> None:
    """A folder of one's own is made readable, and each file in it after that."""
    program = "from grader.importers.handins import readable; print(ascii(readable(readable('\\udcc3\\udc9c.py'))))"
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run([sys.executable, "-c", program], env=ascii_only, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == r"'\xdc.py'"
