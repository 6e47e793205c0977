"""Becoming an ordinary user for good, and keeping Python within that user's reach."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from . import syscalls


def become(uid: int, gid: int) -> None:
    """Drop from root, for good. Raises OSError if anything of it is left."""
    try:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    except OSError as error:
        raise OSError(error.errno, f"dropping from root to user {uid}: {error.strerror}") from error
    if 0 in (*os.getresuid(), *os.getresgid()):
        raise OSError("dropping from root left user or group 0")


def open_ways(paths: Iterable[str]) -> None:
    """Let everybody reach ``paths``, absolute and without links, also those in a folder that only root may enter.

    This happens in a mount namespace of this process: an empty folder stands where the closed one is, and shows no
    more than these paths. Nothing is done where all can be reached. Raises OSError where root may not do it.
    """
    closed = {path: folder for path in paths if (folder := _closed(Path(path))) is not None}
    if not closed:
        return
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)
    sources = {path: os.open(path, os.O_PATH) for path in sorted(closed)}
    for folder in sorted(set(closed.values())):
        syscalls.mount("tmpfs", str(folder), "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "size=1m,mode=755")
    for path, source in sources.items():
        if not Path(path).exists():  # it does if it lies in what is shown already
            make_place(Path(f"/proc/self/fd/{source}"), Path(path))
            syscalls.mount(f"/proc/self/fd/{source}", path, flags=syscalls.MS_BIND | syscalls.MS_REC)
        os.close(source)


def _closed(path: Path) -> Path | None:
    """Return the topmost folder above ``path`` that strangers may not enter, if there is one."""
    return next((one for one in reversed(path.parents) if not one.stat().st_mode & stat.S_IXOTH), None)


def make_place(source: Path, target: Path) -> None:
    """Make an empty folder, or file, for ``source`` to be mounted on."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
