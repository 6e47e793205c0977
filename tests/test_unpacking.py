"""Archives: what is refused is named, everything else is unpacked, and nothing leaves the folder."""

from __future__ import annotations

import errno
import os
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archive_helpers import ABSOLUTE, BOMB_BYTES, bomb, lying, make_tar, make_zip, patched, special, zip_with_modes
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import GradeError, Problem, UsageError
from grader.importers import archives, unpacking
from grader.importers.archives import Entry, entries, is_archive
from grader.importers.names import Spellings, safe_name
from grader.importers.unpacking import Unpacked, store, unpack

WORK = {"anna/work.py": "x = 1"}


def files(found: Unpacked) -> dict[str, str]:
    return {
        path.relative_to(found.folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(found.folder.rglob("*"))
        if path.is_file()
    }


def reasons(found: Unpacked) -> dict[str, str]:
    return {one.raw: one.reason for one in found.refused}


def refused(path: Path) -> dict[str, str]:
    """Unpack beside; return what was refused, after seeing that the one good file came out and nothing else did."""
    found = unpack(path, path.parent / "out")
    assert files(found) == WORK
    assert [one.name for one in (path.parent / "out").iterdir()] == [found.folder.parent.name]
    assert sorted(one.name for one in path.parent.iterdir()) == sorted([path.name, "out"])
    return reasons(found)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2", "a.tar.xz"])
def test_an_archive_is_unpacked_whole(tmp_path: Path, name: str) -> None:
    content = {"anna/work.py": "x = 1", "anna/data/a b.csv": "1,2", "bela/work.py": ""}
    mode = {"gz": "w:gz", "tgz": "w:gz", "bz2": "w:bz2", "xz": "w:xz"}.get(name.rpartition(".")[2], "w")
    path = make_zip(tmp_path / name, content) if name.endswith("zip") else make_tar(tmp_path / name, content, mode)
    assert is_archive(path)
    assert is_archive(Path(name.upper()))
    found = unpack(path, tmp_path / "out")
    assert (files(found), found.refused, found.raw) == (content, (), {})


@pytest.mark.parametrize("name", ["notes.txt", "work.ipynb", "zip"])
def test_other_files_are_no_archives(name: str) -> None:
    assert not is_archive(Path(name))


def test_the_same_archive_is_unpacked_once_under_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = unpack(make_zip(tmp_path / "a.zip", {**WORK, "../x": "x"}), tmp_path / "out")
    (tmp_path / "a.zip").rename(tmp_path / "b.zip")
    monkeypatch.setattr(unpacking, "_Writer", None)
    again = unpack(tmp_path / "b.zip", tmp_path / "out")
    assert (again, len(again.refused)) == (first, 1)
    assert again.problems("b.zip") == (Problem("b.zip/../x", f"{again.refused[0].reason}"),)


# What is refused


def test_paths_that_lead_out_are_refused(tmp_path: Path) -> None:
    leads = "leads out of its folder, or has a part that is no name on every system; it was not unpacked"
    expected = {
        "../escape.py": leads,
        "anna/../../escape.py": leads,
        "..\\escape.py": leads,
        "anna/.. /escape.py": leads,
        ABSOLUTE: "is an absolute path; it was not unpacked",
        "\\\\host\\share\\x.py": "is an absolute path; it was not unpacked",
        "C:\\escape.py": "begins with a drive letter; it was not unpacked",
        "c:escape.py": "begins with a drive letter; it was not unpacked",
        f"anna/{'x' * 256}": "is too long a name; it was not unpacked",
        "a/" * 600 + "x": "is too long a name; it was not unpacked",
        "./": "is no name; it was not unpacked",
    }
    assert refused(make_zip(tmp_path / "a.zip", {**dict.fromkeys(expected, "x = 1"), **WORK})) == expected
    assert not Path(ABSOLUTE).exists()
    tar = make_tar(tmp_path / "a.tar", {**{name: "x = 1" for name in expected if name[-1] != "/"}, **WORK})
    (tmp_path / "a.zip").unlink()
    assert reasons(unpack(tar, tmp_path / "out2")) == {name: why for name, why in expected.items() if name[-1] != "/"}


def test_a_name_with_nul_is_refused(tmp_path: Path) -> None:
    path = patched(make_zip(tmp_path / "a.zip", {"anna/a_b.py": "x", **WORK}), b"a_b.py", b"a\0b.py")
    assert refused(path) == {
        "anna/a\0b.py": "holds a NUL, so that programs do not agree on its name; it was not unpacked"
    }


def test_backslashes_separate_folders(tmp_path: Path) -> None:
    path = patched(make_zip(tmp_path / "a.zip", {"anna|work.py": "x = 1"}), b"anna|", b"anna\\")
    assert refused(path) == {}


def test_links_pipes_and_devices_are_refused(tmp_path: Path) -> None:
    ending = "; it was not unpacked"
    assert refused(zip_with_modes(tmp_path / "a.zip")) == {
        "anna/link.py": f"is a symbolic link{ending}",
        "anna/pipe.py": f"is a named pipe{ending}",
        "anna/zero.py": f"is a device{ending}",
        "anna/sock.py": f"is a socket{ending}",
    }


def test_what_only_tar_holds_is_refused(tmp_path: Path) -> None:
    made = {
        "anna/link.py": special(tarfile.SYMTYPE, "/etc/passwd"),
        "anna/hard.py": special(tarfile.LNKTYPE, "/etc/passwd"),
        "anna/pipe.py": special(tarfile.FIFOTYPE),
        "anna/zero.py": special(tarfile.CHRTYPE),
        "anna/disk.py": special(tarfile.BLKTYPE),
        "anna/odd.py": special(b"V"),
    }
    kinds = ["a symbolic link", "a hard link", "a named pipe", "a device", "a device", "neither a file nor a folder"]
    expected = {name: f"is {kind}; it was not unpacked" for name, kind in zip(made, kinds, strict=True)}
    assert refused(make_tar(tmp_path / "a.tar", {**made, **WORK})) == expected


def test_a_link_and_a_file_through_it_write_nowhere_else(tmp_path: Path) -> None:
    link = special(tarfile.SYMTYPE, str(tmp_path / "target"))
    (tmp_path / "target").mkdir()
    found = unpack(make_tar(tmp_path / "a.tar", {"anna": link, **WORK}), tmp_path / "out")
    assert (files(found), list((tmp_path / "target").iterdir())) == (WORK, [])
    assert not (found.folder / "anna").is_symlink()


def test_names_that_are_one_name_elsewhere_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("anna/work.py", "anna/Work.py", "ANNA/more.py", "anna/work.py/in.py", "anna"):
            archive.writestr(name, "x = 1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("anna/work.py", "x = 2")
    found = unpack(tmp_path / "a.zip", tmp_path / "out")
    assert files(found) == WORK
    assert [(one.raw, one.reason) for one in found.refused] == [
        ("anna/Work.py", _only_by_case("anna/work.py")),
        ("ANNA/more.py", _only_by_case("anna")),
        ("anna/work.py/in.py", "is in the archive twice; the first was taken; it was not unpacked"),
        ("anna", "is in the archive twice; the first was taken; it was not unpacked"),
        ("anna/work.py", "is in the archive twice; the first was taken; it was not unpacked"),
    ]


def _only_by_case(met: str) -> str:
    return f"differs from {met} by case only, or takes its place; the first was taken; it was not unpacked"


# Sizes


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    packed = 50_000
    [(name, reason)] = refused(bomb(tmp_path / "a.zip")).items()
    assert name == "anna/bomb.py"
    assert reason.startswith("unpacks from ")
    assert reason.endswith(f" to {BOMB_BYTES} bytes; it was not unpacked")
    assert packed // 2 < int(reason.split()[2]) < packed * 2


@pytest.mark.parametrize("claimed", [10, 1024**2])
def test_a_bomb_that_lies_about_its_size_costs_no_more_than_it_claims(tmp_path: Path, claimed: int) -> None:
    [(name, reason)] = refused(lying(tmp_path / "a.zip", claimed)).items()
    assert (name, reason) == (
        "anna/bomb.py",
        "cannot be read (Bad CRC-32 for file 'anna/bomb.py'); it was not unpacked",
    )


def test_an_entry_shorter_than_it_claims_is_refused(tmp_path: Path) -> None:
    made = make_zip(tmp_path / "a.zip", {"anna/short.py": "z" * 777, **WORK}, zipfile.ZIP_STORED)
    with zipfile.ZipFile(made) as archive:
        packed = archive.getinfo("anna/short.py")
    both = packed.file_size.to_bytes(4, "little") * 2
    path = patched(made, both, packed.file_size.to_bytes(4, "little") + (1000).to_bytes(4, "little"))
    expected = "claims 1000 bytes and does not hold as many; it was not unpacked"
    assert refused(path) == {"anna/short.py": expected}


def test_whoever_reads_more_than_an_entry_claims_is_stopped(tmp_path: Path) -> None:
    endless = Entry("anna/endless.py", 5, lambda: (b"xxx" for _ in iter(int, 1)))
    found = store("key", tmp_path, lambda: [endless])
    assert reasons(found) == {"anna/endless.py": "claims 5 bytes and does not hold as many; it was not unpacked"}
    assert files(found) == {}


def test_shares_and_wholes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_SHARE_BYTES", 10)
    monkeypatch.setattr(unpacking, "MAX_BYTES", 18)
    names = {"anna/a": "x" * 8, "anna/b": "x" * 4, "bela/a": "x" * 9, "carl/a": "x" * 2, "carl/b": "x"}
    found = unpack(make_zip(tmp_path / "a.zip", names), tmp_path / "out")
    left = "bytes, and no more than {} are left to it; it was not unpacked"
    assert reasons(found) == {"anna/b": f"has 4 {left.format(2)}", "carl/a": f"has 2 {left.format(1)}"}
    inside = {f"all/{name}": content for name, content in names.items()}
    found = unpack(make_zip(tmp_path / "b.zip", inside), tmp_path / "out")
    assert list(reasons(found)) == ["all/anna/b", "all/carl/a"]


def test_the_number_of_entries_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_SHARE_ENTRIES", 2)
    monkeypatch.setattr(unpacking, "MAX_ENTRIES", 5)
    names = {f"{who}/{number}": "" for who in ("anna", "bela") for number in range(3)}
    found = unpack(make_zip(tmp_path / "a.zip", names), tmp_path / "out")
    assert list(files(found)) == ["anna/0", "anna/1", "bela/0", "bela/1"]
    assert reasons(found) == {
        "anna/2": "is one of more than 2 entries in anna; it was not unpacked",
        "": "holds more than 5 entries; the rest was not read",
    }
    assert found.problems("a.zip")[1] == Problem("a.zip", "holds more than 5 entries; the rest was not read")


def test_a_table_of_contents_may_not_ask_for_much_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_TABLE_BYTES", 10)
    path = make_zip(tmp_path / "a.zip", WORK)
    with pytest.raises(UsageError, match=r"its table of contents has \d+ bytes; at most 10 are read"):
        unpack(path, tmp_path / "out")


def test_a_header_of_tar_may_not_ask_for_much_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_TABLE_BYTES", 5_000)
    path = make_tar(tmp_path / "a.tar", {"x" * 6_000: "x", **WORK})
    with pytest.raises(UsageError, match=r"a header claims \d+ bytes"):
        unpack(path, tmp_path / "out")
    path = make_tar(tmp_path / "b.tar", {**WORK, "x" * 6_000: "x"})
    assert list(reasons(unpack(path, tmp_path / "out"))) == [""]


def test_a_tar_may_not_claim_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_TAR_BYTES", 1_000)
    path = make_tar(tmp_path / "a.tar", {**WORK, "bela/work.py": "y"})
    assert "claims more than 1000 bytes" in reasons(unpack(path, tmp_path / "out"))[""]


# Damage


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all" * 100])
@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_what_is_no_archive_is_one_error(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        unpack(tmp_path / name, tmp_path / "out")
    assert str(caught.value).startswith(f"{tmp_path}/{name}: cannot be read as an archive (")
    assert str(caught.value).endswith("); download it again, or unpack it")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_damaged_entry_costs_only_itself(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"anna/bad.py": "intact = True", **WORK}, zipfile.ZIP_STORED)
    [reason] = refused(patched(path, b"intact", b"broken")).values()
    assert reason == "cannot be read (Bad CRC-32 for file 'anna/bad.py'); it was not unpacked"


def test_a_cut_off_tar_gives_what_came_before(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "a.tar", {**WORK, "bela/work.py": "x" * 5_000})
    path.write_bytes(path.read_bytes()[:2_500])
    assert list(refused(path)) == ["bela/work.py", ""]
    damaged = make_tar(tmp_path / "b.tar", {**WORK, "bela/work.py": "x"})
    patched(damaged, b"bela/work.py", b"hela/work.py")
    found = unpack(damaged, tmp_path / "out")
    assert (files(found), list(reasons(found))) == (WORK, [""])
    assert "a damaged header at byte 1024; what follows is not read" in reasons(found)[""]


def test_encryption_and_other_methods_are_refused(tmp_path: Path) -> None:
    made = make_zip(tmp_path / "a.zip", WORK)
    with zipfile.ZipFile(made, "a") as archive:
        archive.writestr("anna/a.py", "x", zipfile.ZIP_LZMA)
        archive.writestr("anna/b.py", "x")
    data = bytearray(made.read_bytes())
    entry = data.rfind(b"PK\x01\x02")
    data[entry + 8] |= 1
    made.write_bytes(data)
    assert refused(made) == {
        "anna/a.py": "is packed by the method 14, which is not read; it was not unpacked",
        "anna/b.py": "is encrypted; it was not unpacked",
    }


def test_nothing_is_left_of_an_unpacking_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_zip(tmp_path / "a.zip", WORK)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(unpacking._Writer, "_fill", full)
        with pytest.raises(GradeError) as caught:
            unpack(path, tmp_path / "out")
    message = "cannot take what is unpacked (No space left on device); make room, or name another --output"
    assert str(caught.value) == f"{tmp_path}/out: {message}"
    assert list((tmp_path / "out").iterdir()) == []

    def interrupted(*_: Any) -> Iterator[Entry]:
        yield from entries(path)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store("key", tmp_path / "out", interrupted)
    assert list((tmp_path / "out").iterdir()) == []
    assert files(unpack(path, tmp_path / "out")) == WORK


def test_a_name_that_the_disk_does_not_take_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def refuse(self: Path, *arguments: Any, **options: Any) -> Any:
        if self.name == "odd.py":
            raise OSError(errno.EILSEQ, "Illegal byte sequence", str(self))
        return opened(self, *arguments, **options)

    path = make_zip(tmp_path / "a.zip", {"anna/odd.py": "x", **WORK})
    monkeypatch.setattr(Path, "open", refuse)
    assert refused(path) == {"anna/odd.py": "cannot be written (Illegal byte sequence); it was not unpacked"}


def test_what_a_killed_unpacking_left_is_removed(tmp_path: Path) -> None:
    for process in (2**22 + 1, os.getpid()):
        (tmp_path / "out" / f".key.{process}.tmp" / "files").mkdir(parents=True)
    (tmp_path / "out" / ".other.tmp").mkdir()
    unpack(make_zip(tmp_path / "a.zip", WORK), tmp_path / "out")
    left = sorted(one.name for one in (tmp_path / "out").iterdir() if one.name.startswith("."))
    assert left == [f".key.{os.getpid()}.tmp", ".other.tmp"]


def test_two_that_unpack_at_once_agree(tmp_path: Path) -> None:
    def slow() -> Iterator[Entry]:
        yield Entry("anna/work.py", 5, lambda: iter([b"x = 1"]))
        store("key", tmp_path / "out2", lambda: [Entry("anna/work.py", 5, lambda: iter([b"x = 1"]))])
        if not (tmp_path / "out" / "key").exists():
            (tmp_path / "out2" / "key").rename(tmp_path / "out" / "key")

    assert files(store("key", tmp_path / "out", slow)) == WORK


# Names


def test_names_in_any_encoding_are_read(tmp_path: Path) -> None:
    names = {"Zoë.py": "utf-8", "Ren\u00e9e.py": "cp437", "日本.py": "utf-8", "NFD-e\u0301.py": "utf-8"}
    content = {
        f"anna/{'x' * len(name.encode(code))}{number}": name for number, (name, code) in enumerate(names.items())
    }
    path = make_zip(tmp_path / "a.zip", content)
    for made, name in content.items():
        raw = name.encode(names[name])
        patched(path, made.encode(), b"anna/" + raw + made[-1:].encode())
    found = unpack(path, tmp_path / "out")
    expected = ["NFD-é.py3", "Renée.py1", "Zoë.py0", "日本.py2"]
    assert (list(files(found)), found.refused) == ([f"anna/{name}" for name in expected], ())
    assert found.raw == {"anna/NFD-é.py3": "anna/NFD-e\u0301.py3"}
    flagged = unpack(make_zip(tmp_path / "b.zip", dict.fromkeys(names, "x")), tmp_path / "out")
    assert sorted(files(flagged)) == ["NFD-é.py", "Renée.py", "Zoë.py", "日本.py"]


def test_what_turns_text_around_becomes_a_line(tmp_path: Path) -> None:
    found = unpack(make_zip(tmp_path / "a.zip", {"anna/work\u202eyp.exe": "x", "a\nb/\x1b[1m.py": "y"}), tmp_path / "o")
    assert files(found) == {"a_b/_[1m.py": "y", "anna/work_yp.exe": "x"}
    assert found.raw == {
        "anna/work_yp.exe": "anna/work\u202eyp.exe",
        "a_b": "a\nb",
        "a_b/_[1m.py": "a\nb/\x1b[1m.py",
    }


def test_what_tools_leave_behind_is_not_missed(tmp_path: Path) -> None:
    left = ("__MACOSX/anna/._work.py", "anna/.DS_Store", "anna/.ipynb_checkpoints/x.py", "anna/__pycache__/x.pyc")
    assert refused(make_zip(tmp_path / "a.zip", {**dict.fromkeys(left, "x"), **WORK})) == {}


@given(st.text(st.sampled_from("a.. /\\:C\0\x1b\u202eé\ud800"), max_size=12))
def test_no_name_leads_out(raw: str) -> None:
    name = safe_name(raw)
    base = "/base/folder"
    assert os.path.normpath(os.path.join(base, *name.parts)).startswith(base)  # noqa: PTH118 - as text, on purpose
    assert {part.strip(" .") for part in name.parts}.isdisjoint({""})
    str(name).encode()
    assert name.parts or name.refusal


@given(st.lists(st.tuples(st.sampled_from(["a", "A", "b", "a/b", "a/B", "A/b", "b/a/c"]), st.booleans()), max_size=6))
def test_names_that_are_taken_never_meet(pairs: list[tuple[str, bool]]) -> None:
    names = Spellings()
    files: set[str] = set()
    folders: set[str] = set()
    for text, is_folder in pairs:
        if not names.clash(safe_name(text), is_folder=is_folder):
            parts = text.split("/")
            paths = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
            assert is_folder or text.casefold() not in {one.casefold() for one in files}
            folders.update(paths if is_folder else paths[:-1])
            files.update([] if is_folder else [text])
    everything = [*files, *folders]
    assert len({one.casefold() for one in everything}) == len(everything)
