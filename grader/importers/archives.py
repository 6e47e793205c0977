"""What an archive holds, entry by entry, without trusting any of it. Nothing is written here.

zip and tar (plain, gz, bz2, xz). Of zip only entries that are stored or deflated are read: the other methods cannot be
unpacked a bounded piece at a time.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from grader.errors import UsageError

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
CHUNK_BYTES = 256 * 1024
#: A table of contents, or the header of one entry, is read at once: none may ask for more memory than this.
MAX_TABLE_BYTES = 64 * 1024**2
MAX_TAR_BYTES = 64 * 1024**3
_FLAG_ENCRYPTED, _FLAG_UTF8 = 0x1, 0x800
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
_TAR_KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
}
#: What reading a damaged or malicious archive may raise.
BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    OverflowError,
    LookupError,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its name as the archive spells it, and a claim about its size.

    ``read`` yields its bytes and raises one of ``BROKEN``. ``refusal`` says why it must not be read.
    """

    raw: str
    size_bytes: int
    read: Callable[[], Iterator[bytes]]
    packed_bytes: int = 0
    is_folder: bool = False
    refusal: str = ""


def is_archive(path: Path) -> bool:
    """Return whether the file's name is that of an archive that can be read."""
    return path.name.lower().endswith(SUFFIXES)


def entries(path: Path) -> Iterator[Entry]:
    """Yield what the archive holds, in its order. Each entry must be read before the next one is asked for.

    Raises UsageError when the archive as a whole cannot be read; what was yielded before stays good.
    """
    try:
        yield from _zip_entries(path) if path.name.lower().endswith(".zip") else _tar_entries(path)
    except BROKEN as error:
        raise UsageError(f"{path}: cannot be read as an archive ({error}); download it again, or unpack it") from error


def _zip_entries(path: Path) -> Iterator[Entry]:
    _check_table(path)
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            yield Entry(
                raw=_raw_name(info),
                size_bytes=info.file_size,
                read=lambda info=info: _chunks(archive.open(info)),  # type: ignore[misc]
                packed_bytes=info.compress_size,
                is_folder=info.is_dir(),
                refusal=_zip_refusal(info),
            )


def _zip_refusal(info: zipfile.ZipInfo) -> str:
    kind = _KINDS.get(stat.S_IFMT(info.external_attr >> 16))
    if kind:
        return f"is {kind}"
    if info.flag_bits & _FLAG_ENCRYPTED:
        return "is encrypted"
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return f"is packed by the method {info.compress_type}, which is not read"
    return ""


def _raw_name(info: zipfile.ZipInfo) -> str:
    """Return the name; one without the flag for UTF-8 is UTF-8 all the same if it can be, else code page 437."""
    name = info.orig_filename
    if info.flag_bits & _FLAG_UTF8:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def _check_table(path: Path) -> None:
    """Raise BadZipFile when the table of contents asks for more memory than an honest archive needs."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 65_536 - 22))
        end = file.read()
    found = end.rfind(b"PK\x05\x06")
    claimed = int.from_bytes(end[found + 12 : found + 16], "little") if found >= 0 else 0
    big = end.rfind(b"PK\x06\x06")
    if claimed == 0xFFFF_FFFF and big >= 0:
        claimed = int.from_bytes(end[big + 40 : big + 48], "little")
    if min(claimed, size) > MAX_TABLE_BYTES:
        raise zipfile.BadZipFile(f"its table of contents has {claimed} bytes; at most {MAX_TABLE_BYTES} are read")


def _tar_entries(path: Path) -> Iterator[Entry]:
    with _unpacked(path) as stream, tarfile.open(fileobj=_bounded(stream), mode="r:", errors="replace") as archive:
        while (member := archive.next()) is not None:
            yield Entry(
                raw=member.name,
                size_bytes=member.size if member.isreg() else 0,
                read=lambda member=member: _chunks(archive.extractfile(member)),  # type: ignore[misc]
                is_folder=member.isdir(),
                refusal=_tar_refusal(member),
            )
            archive.members = []  # type: ignore[attr-defined]  # the library would keep them all
        stream.seek(archive.offset)
        if stream.read(tarfile.BLOCKSIZE).strip(b"\0"):
            raise tarfile.ReadError(f"a damaged header at byte {archive.offset}; what follows is not read")


def _unpacked(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        start = file.read(6)
    for magic, opened in ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open)):
        if start.startswith(magic):
            return cast("IO[bytes]", opened(path, "rb"))
    return path.open("rb")


def _tar_refusal(member: tarfile.TarInfo) -> str:
    if member.isreg() or member.isdir():
        return "is a sparse file" if member.issparse() else ""
    return f"is {_TAR_KINDS.get(member.type, 'neither a file nor a folder')}"


def _chunks(file: IO[bytes] | None) -> Iterator[bytes]:
    if file is None:
        raise ValueError("it is not there")
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _bounded(file: IO[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", _Bounded(file))


class _Bounded:
    """A file of which nobody reads much at once: a header of tar may claim any length, and it is read whole."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        if size > MAX_TABLE_BYTES:
            raise ValueError(f"a header claims {size} bytes")
        return self._file.read(size)

    def seek(self, position: int) -> int:
        if position > MAX_TAR_BYTES:
            raise ValueError(f"it claims more than {MAX_TAR_BYTES} bytes")
        return self._file.seek(position)

    def tell(self) -> int:
        return self._file.tell()
