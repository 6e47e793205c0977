"""Watching the memory of a job's processes from outside, on Linux, and ending them."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from grader.sandbox.base import KillReason

_POLL_SECONDS = 0.05
#: The share of its time that looking may take.
_POLL_SHARE = 0.05
_ANONYMOUS = ("RssAnon", "RssShmem")
_PROPORTIONAL = ("Pss_Anon", "Pss_Shmem")


class TreeGuard:
    """Ends a process namespace when its memory exceeds ``memory_bytes`` or ``cancel`` is set.

    ``pidfd`` is its first process, whose number here is ``pid``: all others are below it, and end with it.
    """

    def __init__(self, pidfd: int, pid: int, memory_bytes: int, cancel: threading.Event | None) -> None:
        self.reason: KillReason = ""
        self._pidfd, self._pid, self._memory_bytes, self._cancel = pidfd, pid, memory_bytes, cancel
        self._shared_bytes = _sum(pid, "status", _ANONYMOUS)
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="grade-guard")
        self._thread.start()

    def _watch(self) -> None:
        pause = _POLL_SECONDS
        while not self._stopped.wait(pause):
            began = time.thread_time()
            if self._cancel is not None and self._cancel.is_set():
                return self.kill("cancelled")
            if self._is_over():
                return self.kill("memory")
            pause = max(_POLL_SECONDS, (time.thread_time() - began) / _POLL_SHARE)
        return None

    def _is_over(self) -> bool:
        """Return whether the tree has more memory than allowed, beyond what it shares with the warm process.

        The quick sum counts pages that a fork shares once for each process. Only when that is too much are they
        divided among their owners (proportional set size), which takes the kernel longer.
        """
        processes = list(descendants(self._pid))
        quick = sum(_sum(pid, "status", _ANONYMOUS) for pid in processes) - self._shared_bytes
        if quick <= self._memory_bytes:
            return False
        return sum(_sum(pid, "smaps_rollup", _PROPORTIONAL) for pid in processes) > self._memory_bytes

    def kill(self, reason: KillReason) -> None:
        """End all processes; the first reason given is kept."""
        with self._lock:
            self.reason = self.reason or reason
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def stop(self) -> None:
        """Stop watching, then end whatever is left."""
        self._stopped.set()
        self._thread.join()  # before the descriptor is closed
        self.kill("closed")


def descendants(pid: int) -> Iterator[int]:
    """Yield ``pid`` and every process below it. One that ends meanwhile may be missed."""
    waiting = [str(pid)]
    while waiting:
        process = waiting.pop()
        yield int(process)
        with contextlib.suppress(OSError):
            for task in Path("/proc", process, "task").iterdir():
                waiting += (task / "children").read_text(encoding="ascii").split()


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
