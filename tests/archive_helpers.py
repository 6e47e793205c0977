"""Archives, honest and otherwise, for the tests of intake."""

from __future__ import annotations

import io
import re
import stat
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

ABSOLUTE = "/tmp/acceptance-escape.txt"  # noqa: S108 - an archive asks for it; nobody must write it
BOMB_BYTES = 50 * 1024**2


def make_zip(path: Path, files: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write a zip of ``files``; a name that ends in ``/`` is a folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2025, 11, 11, 12, 0, 0)), content, method)
    return path


def make_tar(path: Path, members: Mapping[str, str | tarfile.TarInfo], mode: str = "w") -> Path:
    """Write a tar of texts, and of headers as they are."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, one in members.items():
            info = tarfile.TarInfo(name) if isinstance(one, str) else one
            data = one.encode() if isinstance(one, str) else b""
            info.name, info.size = name, len(data) or info.size
            archive.addfile(info, io.BytesIO(data))
    return path


def special(kind: bytes, target: str = "") -> tarfile.TarInfo:
    """Return a header of tar that is no file."""
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, target
    return info


def zip_with_modes(path: Path) -> Path:
    """Write a zip whose entries claim to be a link, a pipe, a device and a socket; and one file."""
    kinds = {"link.py": stat.S_IFLNK, "pipe.py": stat.S_IFIFO, "zero.py": stat.S_IFCHR, "sock.py": stat.S_IFSOCK}
    with zipfile.ZipFile(path, "w") as archive:
        for name, kind in kinds.items():
            info = zipfile.ZipInfo(f"anna/{name}")
            info.create_system, info.external_attr = 3, (kind | 0o644) << 16
            archive.writestr(info, "/etc/passwd")
        archive.writestr("anna/work.py", "x = 1")
    return path


def bomb(path: Path) -> Path:
    """Write a zip of 50 kB that unpacks to 50 MB, and a file behind."""
    return make_zip(path, {"anna/bomb.py": bytes(BOMB_BYTES), "anna/work.py": "x = 1"})


def lying(path: Path, claimed: int = 10) -> Path:
    """Write the same with sizes that claim ``claimed`` bytes."""
    bomb(path)
    data = bytearray(path.read_bytes())
    for found in re.finditer(re.escape(BOMB_BYTES.to_bytes(4, "little")), bytes(data)):
        data[found.start() : found.end()] = claimed.to_bytes(4, "little")
    path.write_bytes(data)
    return path


def patched(path: Path, old: bytes, new: bytes) -> Path:
    """Replace bytes of an archive, wherever they stand."""
    assert len(old) == len(new)
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    return path
