"""Watching the memory of a job's processes from outside, on Linux, and ending them."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Collection, Iterator
from pathlib import Path

from grader.sandbox.guard import Watch

_ANONYMOUS = ("RssAnon", "RssShmem")
_PROPORTIONAL = ("Pss_Anon", "Pss_Shmem")
#: Where a job may have a file system in memory, as paths below its root.
_IN_MEMORY = ("tmp", "dev/shm")


class TreeGuard(Watch):
    """Ends a process namespace when its memory exceeds ``memory_bytes`` or ``cancel`` is set.

    ``pidfd`` is its first process, whose number here is ``pid``: all others are below it, and end with it.
    """

    def __init__(self, pidfd: int, pid: int, memory_bytes: int, cancel: threading.Event | None) -> None:
        self._pidfd, self._pid = pidfd, pid
        self._shared_bytes = anonymous_bytes(pid)
        # The first process may be one that nobody may look into.
        self._folders = next(filter(None, map(folders_in_memory, descendants(pid))), {})
        super().__init__(memory_bytes, cancel)

    def _used_bytes(self, enough: int) -> int:
        """Return how much memory the tree has beyond what it shares with the warm process.

        Files in the job's own folders in memory count, too. The quick sum counts pages that a fork shares once for
        each process, and files that are mapped twice. Only when that is too much are they divided among their owners
        (proportional set size), which takes the kernel longer.
        """
        processes = list(descendants(self._pid))
        files = sum(map(_filled_bytes, self._folders))
        quick = max(0, sum(map(anonymous_bytes, processes)) - self._shared_bytes) + files
        if quick <= enough:
            return quick
        return sum(_proportional_bytes(pid, self._folders.values()) for pid in processes) + files

    def _end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)


def descendants(pid: int) -> Iterator[int]:
    """Yield ``pid`` and every process below it. One that ends meanwhile may be missed."""
    waiting = [str(pid)]
    while waiting:
        process = waiting.pop()
        yield int(process)
        with contextlib.suppress(OSError):
            for task in Path("/proc", process, "task").iterdir():
                waiting += (task / "children").read_text(encoding="ascii").split()


def anonymous_bytes(pid: int) -> int:
    """Return the memory of one process that is no file's, pages shared after a fork included; 0 if it has ended."""
    return _sum(pid, "status", _ANONYMOUS)


def folders_in_memory(pid: int) -> dict[Path, str]:
    """Return the folders in memory of a process's own mount namespace, and the device of each as ``smaps`` names it.

    None for a process that sees the host's.
    """
    found = {}
    for name in _IN_MEMORY:
        path = Path("/proc", str(pid), "root", name)
        device = _device(path)
        if device and device != _device(Path("/", name)):
            found[path] = device
    return found


def _device(path: Path) -> str:
    try:
        number = path.stat().st_dev
    except OSError:
        return ""
    return f"{os.major(number):02x}:{os.minor(number):02x}"


def _filled_bytes(folder: Path) -> int:
    try:
        status = os.statvfs(folder)
    except OSError:  # it ended with its process
        return 0
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def _proportional_bytes(pid: int, devices: Collection[str]) -> int:
    """Return a process's share of the memory that is no file's, without what it maps from files on ``devices``."""
    mapped, is_ours = 0, False
    with contextlib.suppress(OSError):
        for line in Path("/proc", str(pid), "smaps").read_text(encoding="ascii", errors="replace").splitlines():
            name, *rest = line.split(maxsplit=5)
            if not name.endswith(":"):  # a mapping begins: addresses, mode, offset, device, …
                is_ours = rest[2] in devices
            elif is_ours and name in {"Pss:", "Anonymous:"}:  # private copies of its pages are no longer the file's
                mapped += int(rest[0]) * (1024 if name == "Pss:" else -1024)
    return _sum(pid, "smaps_rollup", _PROPORTIONAL) - max(0, mapped)


def _sum(pid: int, file: str, names: tuple[str, ...]) -> int:
    """Return the sum in bytes of the lines ``names`` of a file that gives them in kB; 0 for an ended process."""
    total = 0
    with contextlib.suppress(OSError):
        for line in Path("/proc", str(pid), file).read_text(encoding="ascii", errors="replace").splitlines():
            name, _, rest = line.partition(":")
            if name in names:
                total += int(rest.split()[0]) * 1024
    return total


def pid_of(pidfd: int) -> int:
    """Return the number, in this process namespace, of the process that a pidfd refers to; -1 if it is gone."""
    for line in Path("/proc/self/fdinfo", str(pidfd)).read_text(encoding="ascii").splitlines():
        if line.startswith("Pid:"):
            return int(line.split()[1])
    return -1
