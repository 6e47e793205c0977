"""Intake: hand-ins that attack whoever reads them. None of it needs a sandbox: nothing handed in is run.

As archives, as folders, as files of a job, and as notebooks.
"""

from __future__ import annotations

import json
import os
import re
import socket
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from archive_helpers import ABSOLUTE, bomb, lying, make_tar, make_zip, special, zip_with_modes

from grader.errors import SubmissionError
from grader.execution import execute, module_source, notebook_source
from grader.importers import read_folder
from grader.importers.unpacking import unpack
from grader.model import Job, Limits, Stop
from grader.sandbox import available_rungs, make_sandbox

from . import table

_RUNG = next(rung.name for rung in available_rungs() if rung.available)


def _noted(name: str, outcome: str) -> None:
    table.note(f"intake: {name}", table.CONTROL, "no code is run")
    table.note(f"intake: {name}", _RUNG, outcome)


# --- archives ----------------------------------------------------------------------------------------------


def _members(path: Path) -> Path:
    return make_zip(path, {f"anna/{number}.py": "x = 1" for number in range(10_200)} | {"bela/work.py": "x = 1"})


def _paths(path: Path) -> Path:
    names = ("../escape.py", ABSOLUTE, "C:\\escape.py", "..\\escape.py", "anna/../../../escape.py")
    return make_zip(path, dict.fromkeys((*names, "anna/work.py"), "x = 1"))


def _case(path: Path) -> Path:
    return make_zip(path, {"anna/work.py": "x = 1", "anna/WORK.py": "x = 2", "ANNA/work.py": "x = 3"})


def _special(path: Path) -> Path:
    kinds = {"link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "pipe": tarfile.FIFOTYPE, "zero": tarfile.CHRTYPE}
    made = {f"anna/{name}.py": special(kind, "/etc/passwd") for name, kind in kinds.items()}
    return make_tar(path.with_suffix(".tar"), {**made, "anna/work.py": "x = 1"})


def _through_a_link(path: Path) -> Path:
    link = special(tarfile.SYMTYPE, "/tmp")
    return make_tar(path.with_suffix(".tar"), {"tmp": link, "tmp/acceptance-escape.txt": "x", "anna/work.py": "x = 1"})


def _header(path: Path) -> Path:
    huge = tarfile.TarInfo()
    huge.type, huge.size = tarfile.GNUTYPE_LONGNAME, 0
    made = make_tar(path.with_suffix(".tar"), {"anna/work.py": "x = 1", "././@LongLink": huge})
    data = made.read_bytes()
    start = data.index(b"././@LongLink")
    header = bytearray(data[start : start + 512])
    header[124:136] = b"77777777777\0"  # 8 GiB of name
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    made.write_bytes(data[:start] + header)
    return made


@pytest.mark.parametrize(
    ("name", "write", "refused"),
    [
        ("zip bomb", bomb, 1),
        ("zip with lying sizes", lying, 1),
        ("zip of 10,200 members", _members, 200),
        ("zip paths", _paths, 5),
        ("zip links, pipes and devices", zip_with_modes, 4),
        ("zip case collisions", _case, 2),
        ("tar links, pipes and devices", _special, 4),
        ("tar link and a file through it", _through_a_link, 1),
        ("tar header that claims 8 GiB", _header, 1),
    ],
)
def test_an_archive_gives_what_is_good_and_nothing_else(
    name: str, write: Callable[[Path], Path], refused: int, tmp_path: Path
) -> None:
    folder = tmp_path / "all"
    folder.mkdir()
    path = write(folder / "hand-ins.zip")
    tracemalloc.start()
    found = unpack(path, tmp_path / "out")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.refused) == refused
    assert (found.folder / ("bela" if refused == 200 else "anna") / "work.py").read_text(encoding="utf-8") == "x = 1"
    assert sum(one.stat().st_size for one in found.folder.rglob("*") if one.is_file()) < 1024**2
    assert [one for one in found.folder.rglob("*") if one.is_symlink() or not (one.is_file() or one.is_dir())] == []
    assert sorted(tmp_path.iterdir()) == [folder, tmp_path / "out"]
    assert list((tmp_path / "out").iterdir()) == [found.folder.parent]
    assert not Path(ABSOLUTE).exists()
    assert peak < 32 * 1024**2
    _noted(name, "each bad entry a problem, the rest is unpacked; little memory is used")


# --- folders -----------------------------------------------------------------------------------------------


def _read(folder: Path) -> tuple[list[str], list[str]]:
    """Return the names of the files that were taken, and the problems."""
    intake = read_folder(folder, "sheet")
    return (
        [file.name for submission in intake.submissions for file in submission.files],
        [str(problem) for problem in intake.problems],
    )


@pytest.fixture
def anna(tmp_path: Path) -> Path:
    folder = tmp_path / "hand-ins" / "anna"
    folder.mkdir(parents=True)
    (folder / "work.py").write_text("x = 1")
    (tmp_path / "secret.py").write_text("answer = 42")
    return folder


def _link(folder: Path) -> None:
    (folder / "link.py").symlink_to(folder.parents[1] / "secret.py")


def _linked_folder(folder: Path) -> None:
    (folder / "linked").symlink_to(folder.parents[1])


def _circle(folder: Path) -> None:
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")


def _fifo(folder: Path) -> None:
    os.mkfifo(folder / "pipe.py")


def _socket(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)  # a socket's path may have about 100 characters only
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("s.py")
    finally:
        os.chdir(here)


@pytest.mark.parametrize(
    ("name", "make", "problem"),
    [
        ("symbolic link out of the hand-in", _link, "is a symbolic link out of the hand-in"),
        ("symbolic link to a folder outside", _linked_folder, "is a symbolic link out of the hand-in"),
        ("links in a circle", _circle, "symbolic link"),
        ("fifo", _fifo, "is not a regular file"),
        ("socket", _socket, "is not a regular file"),
    ],
)
def test_what_is_no_file_is_a_problem_and_the_rest_is_read(
    name: str, make: Callable[[Path], None], problem: str, anna: Path
) -> None:
    make(anna)
    taken, problems = _read(anna.parent)
    assert taken == ["work.py"]
    assert problems
    assert all(problem in one for one in problems)
    _noted(name, "a problem; the rest is read")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a device")
def test_a_device_is_a_problem(anna: Path) -> None:
    os.mknod(anna / "zero.py", 0o666 | 0o020000, os.makedev(1, 5))
    taken, problems = _read(anna.parent)
    assert taken == ["work.py"]
    assert "is not a regular file" in problems[0]
    _noted("device", "a problem; the rest is read")


def test_a_hard_link_is_a_file_like_any_other(anna: Path) -> None:
    # A link into the host cannot be handed in: whoever makes it must own the folder's file system already.
    (anna / "again.py").hardlink_to(anna / "work.py")
    assert _read(anna.parent) == (["again.py", "work.py"], [])
    _noted("hard link", "a file like any other")


def test_two_people_who_differ_by_case_or_unicode_form_are_graded_by_a_person(anna: Path) -> None:
    (anna.parent / "ANNA").mkdir()
    (anna.parent / "ANNA" / "work.py").write_text("x = 2")
    for name in ("Jose\u0301", "Jos\u00e9"):
        (anna.parent / name).mkdir()
        (anna.parent / name / "work.py").write_text("x = 3")
    taken, problems = _read(anna.parent)
    assert taken == []
    assert ["handed in twice" in one for one in problems] == [True, True]
    _noted("case and Unicode collisions", "neither is graded, a person decides")


def test_odd_names_are_read_as_names(anna: Path) -> None:
    for name in ("work\u202eyp.exe", "C:\\work.py", "a\\..\\..\\work.py", "a\nb.py", "x" * 200 + ".py"):
        (anna / name).write_text("x = 1")
    Path(os.fsdecode(os.fsencode(anna) + b"/\xff.py")).write_text("x = 1")
    taken, problems = _read(anna.parent)
    assert len(taken) == 7
    assert problems == []
    assert all(name.encode("utf-8").decode("utf-8") == name for name in taken)
    _noted("right-to-left, drive, backslash and broken names", "plain names, nothing leaves the folder")


def test_thousands_of_files_are_bounded(anna: Path) -> None:
    for number in range(3000):
        (anna / f"{number}.py").touch()
    taken, problems = _read(anna.parent)
    assert len(taken) == 2000
    assert "the rest was not read" in problems[0]
    _noted("3,000 files", "2,000 are read, and a problem")


def test_a_file_of_any_size_costs_little_memory(anna: Path) -> None:
    with (anna / "large.py").open("wb") as file:
        file.truncate(600 * 1024**2)
    tracemalloc.start()
    _, problems = _read(anna.parent)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert problems
    assert peak < 16 * 1024**2
    _noted("file of 600 MB", "left out, and a problem; little memory is used")


def test_a_deep_folder_does_not_stop_the_rest(anna: Path) -> None:
    here = Path.cwd()
    os.chdir(anna)
    try:
        for _ in range(400):
            Path("deeper").mkdir()
            os.chdir("deeper")
        Path("deep.py").write_text("x = 1")
    finally:
        os.chdir(here)
    taken, _ = _read(anna.parent)
    assert "work.py" in taken
    _noted("folders 400 deep", "the rest is read")


# --- files of a job ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../escape.txt", ABSOLUTE, "a/../../escape.txt", "."])
def test_a_jobs_file_cannot_leave_the_working_folder(name: str) -> None:
    job = Job("module", "work.py", "x = 1", ((name, b"x"),), (), Limits())
    run = execute(job, make_sandbox(_RUNG))
    assert run.stop == Stop.INFRASTRUCTURE
    assert f"file name {name!r} would leave the working folder" in run.detail
    assert not Path(ABSOLUTE).exists()
    _noted(f"file of a job named {name}", "refused, no code is run")


# --- notebooks ---------------------------------------------------------------------------------------------

_DEEP = b'{"nbformat": 4, "cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("deep JSON", _DEEP),
        ("cut off", b'{"nbformat": 4, "cells": ['),
        ("no object", b"[]"),
        ("cells that are none", b'{"nbformat": 4, "metadata": {}, "cells": [1, null]}'),
        ("source that is none", b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": 5}]}'),
        ("a number of 100,000 digits", b'{"nbformat": ' + b"9" * 100_000 + b"}"),
        ("NaN as its format", b'{"nbformat": NaN}'),
        ("another kernel", json.dumps({"nbformat": 4, "metadata": {"kernelspec": {"language": "bash"}}}).encode()),
        ("too large", b" " * (33 * 1024**2) + b"{"),
        ("not text", bytes(range(256))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_malformed_notebook_is_refused_in_one_sentence(name: str, data: bytes) -> None:
    with pytest.raises(SubmissionError) as raised:
        notebook_source(data, "anna.ipynb")
    assert str(raised.value).startswith("anna.ipynb")
    assert len(str(raised.value)) < 1000
    _noted(f"notebook: {name}", "refused in one sentence")


def test_a_module_that_is_no_text_is_refused() -> None:
    with pytest.raises(SubmissionError, match=re.escape("anna.py: is not a Python source file")):
        module_source(b"# coding: utf-8\nx = '\xff'", "anna.py")
    with pytest.raises(SubmissionError, match=re.escape("is not a Python source file")):
        module_source(b"# coding: rot13\nk = 1", "anna.py")
    _noted("module in a strange encoding", "refused in one sentence")
