"""Watching and ending a process tree: memory, cancellation, and nothing left behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator

import psutil

from grader.sandbox.base import KillReason

#: Seconds between two looks, and the share of the time that looking may take: more of it near the limit, where looking
#: takes longer, and a tree that stays beyond it for a moment only must not be missed.
_POLL_SECONDS = 0.05
_POLL_SHARE = 0.05
_NEAR_SHARE = 0.5
_SWEEPS = 20


class Watch(ABC):
    """A thread that ends a process tree when it takes more than ``memory_bytes`` or ``cancel`` is set.

    The first reason given is kept, and so is the most memory that was seen.
    """

    def __init__(self, memory_bytes: int, cancel: threading.Event | None) -> None:
        self.reason: KillReason = ""
        self.cancel = cancel
        self._limit_bytes, self._peak_bytes, self._last_bytes = memory_bytes, 0, 0
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="grade-guard")
        self._thread.start()

    @abstractmethod
    def _used_bytes(self, enough: int) -> int:
        """Return how much memory the tree has; it need not be exact up to ``enough``."""

    def peak_bytes(self) -> int:
        """Return the most memory that the tree was seen to have, now included."""
        self._is_over()
        return self._peak_bytes

    def _is_over(self) -> bool:
        self._last_bytes = self._used_bytes(self._limit_bytes)
        self._peak_bytes = max(self._peak_bytes, self._last_bytes)
        return self._last_bytes > self._limit_bytes

    @abstractmethod
    def _end(self) -> None:
        """End all processes of the tree. May be called again."""

    def _watch(self) -> None:
        pause = _POLL_SECONDS
        while not self._stopped.wait(pause):
            began = time.thread_time()
            if self.cancel is not None and self.cancel.is_set():
                return self.kill("cancelled")
            if self._is_over():
                return self.kill("memory")
            share = _NEAR_SHARE if 2 * self._last_bytes > self._limit_bytes else _POLL_SHARE
            pause = max(_POLL_SECONDS, (time.thread_time() - began) / share)
        return None

    def kill(self, reason: KillReason) -> None:
        """End the tree."""
        with self._lock:
            self.reason = self.reason or reason
        self._end()

    def stop(self) -> None:
        """Stop watching, then end whatever is left of the tree. No look is under way any more when this returns."""
        self._stopped.set()
        self._thread.join()
        self.kill("closed")


class Guard(Watch):
    """Watches a process and its descendants, on any system. Their memory together may be ``memory_bytes``.

    ``mark`` is an environment variable's name and value that every descendant inherits, so that one that left
    the tree (a daemon) is found, too.
    """

    def __init__(
        self,
        pid: int,
        mark: tuple[str, str],
        memory_bytes: int,
        cancel: threading.Event | None,
    ) -> None:
        # psutil remembers when the process began, so that a number used again is not mistaken for it.
        self._root, self._mark = psutil.Process(pid), mark
        super().__init__(memory_bytes, cancel)

    def _used_bytes(self, enough: int) -> int:
        return tree_bytes(self._root, enough)

    def _end(self) -> None:
        end_tree(self._root, self._mark)


def tree_bytes(root: psutil.Process, enough: int) -> int:
    """Return the bytes of memory that the tree of ``root`` uses, 0 if it is gone.

    The quick sum counts shared pages once for each process. Only when that is more than ``enough`` are they
    divided among their owners (proportional set size), where the system says how.
    """
    processes = _tree(root)
    quick = sum(_read(process, _rss) for process in processes)
    return quick if quick <= enough else sum(_read(process, _pss) for process in processes)


def _tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)] if root.is_running() else []
    except psutil.Error:
        return []


def _read(process: psutil.Process, measure: Callable[[psutil.Process], int]) -> int:
    try:
        return measure(process)
    except (psutil.Error, OSError):
        return 0


def _rss(process: psutil.Process) -> int:
    return int(process.memory_info().rss)


def _pss(process: psutil.Process) -> int:
    full = process.memory_full_info()
    return int(getattr(full, "pss", full.rss))


def end_tree(root: psutil.Process, mark: tuple[str, str]) -> None:
    """Kill ``root``, its group, its descendants and every process that carries ``mark``."""
    name, value = mark
    descendants = _tree(root)
    if os.name == "posix" and descendants:
        _ignore_missing(lambda: os.killpg(root.pid, signal.SIGKILL))
    _kill(descendants)
    end_all(lambda: carriers(name, lambda found: found == value))


def end_all(find: Callable[[], Iterable[psutil.Process]]) -> int:
    """Kill what ``find`` returns until that is nothing, and return how many processes that were."""
    ended: set[psutil.Process] = set()
    for _ in range(_SWEEPS):
        found = list(find())
        if not found:
            break
        _kill(found)
        ended.update(found)
        time.sleep(0.01)
    return len(ended)


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        _ignore_missing(process.kill)


def _ignore_missing(action: Callable[[], object]) -> None:
    try:
        action()
    except (psutil.Error, OSError):
        return


def carriers(name: str, fits: Callable[[str], bool]) -> Iterator[psutil.Process]:
    """Yield the processes whose environment variable ``name`` has a value that ``fits``."""
    for process in psutil.process_iter():
        try:
            value = process.environ().get(name)
            if value is not None and fits(value) and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except (psutil.Error, OSError):
            continue
