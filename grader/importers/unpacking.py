"""Unpacking what strangers packed: once, completely, and only below one folder.

An archive is unpacked into a folder named after its hash, which appears in one step. What was refused is kept beside
the files, in ``contents.json``, so that the same archive says the same whenever it is read again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO

import psutil

from grader.errors import GradeError, Problem, UsageError
from grader.importers.archives import BROKEN, Entry, entries
from grader.importers.names import SafeName, Spellings, is_dropped, safe_name

#: Of the whole archive, and of one share: what lies below one folder at its top, or below one folder in the only one
#: there is. That is one hand-in in most formats.
MAX_ENTRIES = 100_000
MAX_BYTES = 16 * 1024**3
MAX_SHARE_ENTRIES = 10_000
MAX_SHARE_BYTES = 1024**3
#: Larger files that unpack to more than so many times their packed size were made to fill a disk.
MAX_RATIO = 200
_UNSUSPECTED_BYTES = 16 * 1024**2
#: Part of every folder's name: it changes when the same archive would be unpacked otherwise.
_RULES = "1"
_THE_DISKS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE})


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry that was not unpacked: ``name`` is the safe part of its name ``raw``; of the archive itself, neither."""

    name: str
    raw: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unpacked:
    """An unpacked archive: its files lie below ``folder``.

    ``raw`` holds the names, of files and folders, that the archive spells otherwise than they are spelled here.
    """

    folder: Path
    refused: tuple[Refused, ...]
    raw: dict[str, str] = field(default_factory=dict)

    def problems(self, source: str) -> tuple[Problem, ...]:
        """Return a problem for each entry that was refused; ``source`` is the archive, for messages."""
        return tuple(Problem(f"{source}/{one.raw}".rstrip("/"), one.reason) for one in self.refused)


def unpack(archive: Path, into: Path, *, one_hand_in: bool = False) -> Unpacked:
    """Return the archive's contents, unpacked below ``into`` unless they lie there already.

    All of it is one share if it is ``one_hand_in``. Raises UsageError when nothing in the archive can be read,
    GradeError when the disk does not take it.
    """
    key = f"{_sha256(archive)[:24]}-{_RULES}{'-one' if one_hand_in else ''}"
    return store(key, into, lambda: entries(archive), one_share=one_hand_in)


def _only_folder(found: Iterable[Entry]) -> str:
    """Return the only folder at an archive's top; an empty text where there are several, or files."""
    top = ""
    try:
        for entry in islice(found, MAX_ENTRIES):
            parts = safe_name(entry.raw).parts
            if parts and not is_dropped(parts) and (len(parts) > 1 or entry.is_folder):
                if top and parts[0] != top:
                    return ""
                top = parts[0]
    except UsageError:
        return top
    return top


def store(key: str, into: Path, read: Callable[[], Iterable[Entry]], *, one_share: bool = False) -> Unpacked:
    """Return the entries that ``read`` yields, written below ``into`` under ``key`` unless they lie there already.

    Raises what ``read`` raises, and GradeError when the disk does not take it.
    """
    final = into / key
    if not (final / "contents.json").is_file():
        temporary = into / f".{key}.{os.getpid()}.tmp"
        try:
            _sweep(into)
            (temporary / "files").mkdir(parents=True, mode=0o700)
            only_folder = None if one_share else _only_folder(read())
            _write_contents(temporary, _Writer(temporary / "files", only_folder).write(read()))
            _move(temporary, final)
        except OSError as error:
            message = f"{into}: cannot take what is unpacked ({error.strerror}); make room, or name another --output"
            raise GradeError(message) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    contents = json.loads((final / "contents.json").read_text(encoding="utf-8"))
    return Unpacked(final / "files", tuple(Refused(**one) for one in contents["refused"]), contents["raw"])


def _sweep(into: Path) -> None:
    """Remove what an unpacking that was killed has left."""
    for path in into.glob(".*.tmp"):
        process = path.name.split(".")[-2]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            shutil.rmtree(path, ignore_errors=True)


def _move(temporary: Path, final: Path) -> None:
    try:
        temporary.rename(final)
    except OSError:
        if not (final / "contents.json").is_file():  # else another process was as fast, with the same contents
            raise


def _write_contents(folder: Path, contents: Unpacked) -> None:
    data = {"refused": [asdict(one) for one in contents.refused], "raw": contents.raw}
    (folder / "contents.json").write_text(json.dumps(data, indent=1), encoding="utf-8")


class _EntryError(Exception):
    """One entry cannot be taken; its text says why."""


class _Writer:
    """Writes entries below a folder that nobody else writes to, and notes what it refuses.

    Without an ``only_folder`` everything is one share; it is an empty text where there are several at the top.
    """

    def __init__(self, folder: Path, only_folder: str | None) -> None:
        self._folder, self._only_folder = folder, only_folder
        self._spellings = Spellings()
        self._refused: list[Refused] = []
        self._raw: dict[str, str] = {}
        self._entries: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    def write(self, found: Iterable[Entry]) -> Unpacked:
        """Write what can be written. Raises UsageError where not even the first entry can be read."""
        number = 0
        try:
            for number, entry in enumerate(found, start=1):
                if number > MAX_ENTRIES:
                    self._refuse(f"holds more than {MAX_ENTRIES} entries; the rest was not read")
                    break
                name = safe_name(entry.raw)
                if not is_dropped(name.parts):
                    self._try(entry, name)
        except UsageError as error:
            if not number:
                raise
            self._refuse(str(error))
        return Unpacked(self._folder, tuple(self._refused), self._raw)

    def _refuse(self, reason: str, name: str = "", raw: str = "") -> None:
        self._refused.append(Refused(name, raw, reason))

    def _try(self, entry: Entry, name: SafeName) -> None:
        try:
            self._take(entry, name)
        except _EntryError as error:
            self._refuse(f"{error}; it was not unpacked", str(name), entry.raw)

    def _take(self, entry: Entry, name: SafeName) -> None:
        reason = name.refusal or entry.refusal or self._excess(entry, name)
        reason = reason or self._spellings.clash(name, is_folder=entry.is_folder)
        if reason:
            raise _EntryError(reason)
        path = self._folder.joinpath(*name.parts)
        try:
            (path if entry.is_folder else path.parent).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._fault(error) from error
        self._note_spelling(entry.raw, name)
        if not entry.is_folder:
            self._copy(entry, path, self._share(name))

    def _excess(self, entry: Entry, name: SafeName) -> str:
        """Return why an entry is too much, by what it claims."""
        share = self._share(name)
        self._entries[share] += 1
        if self._entries[share] > MAX_SHARE_ENTRIES:
            return f"is one of more than {MAX_SHARE_ENTRIES} entries in {share}"
        if entry.packed_bytes and entry.size_bytes > max(_UNSUSPECTED_BYTES, MAX_RATIO * entry.packed_bytes):
            return f"unpacks from {entry.packed_bytes} to {entry.size_bytes} bytes"
        room = self._room(share)
        return (
            f"has {entry.size_bytes} bytes, and no more than {room} are left to it" if entry.size_bytes > room else ""
        )

    def _share(self, name: SafeName) -> str:
        if self._only_folder is None:
            return "the hand-in"
        return "/".join(name.parts[: 2 if name.parts[0] == self._only_folder else 1])

    def _room(self, share: str) -> int:
        return min(MAX_SHARE_BYTES - self._bytes[share], MAX_BYTES - self._bytes.total())

    def _copy(self, entry: Entry, path: Path, share: str) -> None:
        """Write an entry's bytes; they must be as many as it claims. Nothing is left of one that fails."""
        reason = ""
        try:
            with path.open("xb") as file:
                reason = self._fill(entry, file, share)
        except OSError as error:
            raise self._fault(error) from error
        finally:
            if reason or sys.exc_info()[0]:
                path.unlink(missing_ok=True)
        if reason:
            raise _EntryError(reason)

    def _fill(self, entry: Entry, file: IO[bytes], share: str) -> str:
        """Write an entry's bytes to ``file``; return what is wrong with them."""
        written = 0
        for chunk in _readable(entry):
            written += len(chunk)
            self._bytes[share] += len(chunk)
            if written > entry.size_bytes:
                break
            file.write(chunk)
        return "" if written == entry.size_bytes else f"claims {entry.size_bytes} bytes and does not hold as many"

    @staticmethod
    def _fault(error: OSError) -> Exception:
        """Return what a failed write is: a fault of the disk, or of the one name that it does not take."""
        return error if error.errno in _THE_DISKS else _EntryError(f"cannot be written ({error.strerror})")

    def _note_spelling(self, raw: str, name: SafeName) -> None:
        parts = [part for part in raw.replace("\\", "/").split("/") if part not in {"", "."}]
        for count in range(1, len(parts) + 1):
            if parts[:count] != list(name.parts[:count]):
                self._raw["/".join(name.parts[:count])] = "/".join(parts[:count])


def _readable(entry: Entry) -> Iterator[bytes]:
    """Yield an entry's bytes. Raises _EntryError where they cannot be read."""
    try:
        yield from entry.read()
    except BROKEN as error:
        raise _EntryError(f"cannot be read ({error})") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
