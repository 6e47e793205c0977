"""The rung ``ns``: each job is forked from a warm process, in namespaces of its own, inside an outer sandbox.

Files, network, processes and memory of the host and of other jobs are out of reach; see ``inside/linux``.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import select
import signal
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from functools import partial
from typing import Self

import psutil

from grader.model import Limits
from grader.sandbox.base import KillReason
from grader.sandbox.channel import LogDrain, PipeChannel
from grader.sandbox.inside import frames
from grader.sandbox.probe import why_no_job
from grader.sandbox.tree import TreeGuard
from grader.sandbox.zygotes import NOBODY, Ends, PreloadError, Zygote, ZygoteEndedError

#: In every warm process, where installed.
ALWAYS = ("numpy", "IPython")
_MAX_JOBS = 1000
_MAX_AGE_SECONDS = 3600.0
#: A warm process runs no student code; what it takes more than at its start has leaked.
_MAX_GROWTH_BYTES = 256 * 1024**2
#: With less memory than this left on the machine, warm processes that nobody uses are ended.
_SHORT_BYTES = 1024**3
_STARTS = 2


class Namespaces:
    """The rung ``ns``. One warm process for each set of modules to preload, started when first needed.

    Started as root, students' code runs as ``owner`` (user and group, not 0). Close it to end the warm processes;
    they end with this process in any case. With ``ahead`` the first one, with what is imported in any case, is started
    at once, and nobody waits for it before it is needed.
    """

    def __init__(self, owner: tuple[int, int] = NOBODY, *, always: Iterable[str] = ALWAYS, ahead: bool = False) -> None:
        if 0 in owner:
            raise ValueError(f"owner is {owner}; student code never runs as user or group 0")
        self._owner = owner
        self._always = tuple(name for name in always if importlib.util.find_spec(name) is not None)
        self._zygotes: dict[tuple[str, ...], Zygote] = {}
        self._locks: dict[tuple[str, ...], threading.Lock] = {}
        self._refused: dict[tuple[str, ...], PreloadError] = {}
        self._retired: list[Zygote] = []
        self._busy: dict[int, int] = {}
        self._lock = threading.Lock()
        self._begun = [Zygote(self._always, self._owner)] if ahead else []
        self._close = weakref.finalize(self, _close_all, self._zygotes, self._retired, self._begun)

    @property
    def name(self) -> str:
        """``ns``."""
        return "ns"

    def launch(self, limits: Limits, cancel: threading.Event | None = None) -> NamespaceProcess:
        """Return a fresh process. Raises PreloadError, SandboxError if it cannot be set up."""
        for attempt in range(_STARTS):
            zygote = self._lease(limits.preload, cancel)
            try:
                return NamespaceProcess(zygote.fork(limits, cancel), limits, cancel, partial(self._return, zygote))
            except BaseException as error:
                self._return(zygote)
                if not isinstance(error, ZygoteEndedError) or attempt == _STARTS - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _lease(self, preload: tuple[str, ...], cancel: threading.Event | None) -> Zygote:
        """Return a warm process, counted as in use. Raises PreloadError, SandboxError."""
        key = tuple(sorted(set(preload) - set(self._always)))
        with self._lock:
            starting = self._locks.setdefault(key, threading.Lock())
        with starting:
            if key in self._refused:
                raise PreloadError(str(self._refused[key]))
            self._make_room(key)
            return self._take(key) or self._replace(key, cancel)

    def _take(self, key: tuple[str, ...]) -> Zygote | None:
        """Return the warm process for ``key``, counted as in use; None if there is none that is fit."""
        with self._lock:
            zygote = self._zygotes.get(key)
            if zygote is None or not _is_fit(zygote):
                return None
            self._busy[zygote.pid] = self._busy.get(zygote.pid, 0) + 1
            self._zygotes[key] = self._zygotes.pop(key)  # last in the order of use
            return zygote

    def _make_room(self, key: tuple[str, ...]) -> None:
        """Where memory is short, end idle warm processes for other modules than ``key``, the longest unused first."""
        while psutil.virtual_memory().available < _SHORT_BYTES:
            with self._lock:
                others = {other: one for other, one in self._zygotes.items() if other != key}
                idle = next((other for other, one in others.items() if not self._busy.get(one.pid)), None)
                if idle is None:
                    return
                self._retired.append(self._zygotes.pop(idle))
            self._close_idle()

    def _replace(self, key: tuple[str, ...], cancel: threading.Event | None) -> Zygote:
        """Return a new warm process, counted as in use. Raises PreloadError, SandboxError."""
        with self._lock:
            old = self._zygotes.pop(key, None)
            if old is not None:
                self._retired.append(old)
        self._close_idle()
        zygote = self._begun.pop() if self._begun and not key else Zygote((*self._always, *key), self._owner)
        try:
            zygote.await_ready(cancel)
        except PreloadError as error:
            self._refused[key] = error
            raise
        with self._lock:
            self._zygotes[key] = zygote
            self._busy[zygote.pid] = 1
        return zygote

    def _return(self, zygote: Zygote) -> None:
        with self._lock:
            self._busy[zygote.pid] -= 1
        self._close_idle()

    def _close_idle(self) -> None:
        """Close retired warm processes whose last job has ended."""
        with self._lock:
            idle = [one for one in self._retired if not self._busy.get(one.pid)]
            for one in idle:
                self._retired.remove(one)
                self._busy.pop(one.pid, None)
        for one in idle:
            one.close()

    def close(self) -> None:
        """End all warm processes, and whatever runs in them. May be called twice."""
        self._close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def _close_all(zygotes: dict[tuple[str, ...], Zygote], retired: list[Zygote], begun: list[Zygote]) -> None:
    for zygote in [*zygotes.values(), *retired, *begun]:
        zygote.close()
    for some in (zygotes, retired, begun):
        some.clear()


def _is_fit(zygote: Zygote) -> bool:
    """Return whether a warm process can take another job: alive, and neither so old nor so large that leaks matter."""
    is_young = zygote.jobs < _MAX_JOBS and time.monotonic() - zygote.started < _MAX_AGE_SECONDS
    return zygote.is_alive and is_young and zygote.grown_bytes() < _MAX_GROWTH_BYTES


class NamespaceProcess:
    """Implements ``Confined``: one forked process, all below it, and the descriptors to it."""

    def __init__(
        self, ends: Ends, limits: Limits, cancel: threading.Event | None, on_close: Callable[[], None]
    ) -> None:
        self._ends, self._on_close = ends, on_close
        self._final_log: str | None = None
        self._status: int | None = None
        self._is_lost = False
        self._log = LogDrain(os.fdopen(ends.log, "rb", buffering=0), limits.output_bytes)
        requests, answers = os.fdopen(ends.inbox, "wb", buffering=0), os.fdopen(ends.outbox, "rb", buffering=0)
        self.channel = PipeChannel(requests, answers, self._is_alive)
        self._guard = TreeGuard(ends.pidfd, ends.pid, limits.memory_bytes, cancel)

    @property
    def pid(self) -> int:
        """The number of the job's first process on the host."""
        return self._ends.pid

    def _is_alive(self) -> bool:
        return not _is_ready(self._ends.pidfd, 0.0)

    @property
    def kill_reason(self) -> KillReason:
        """Why the sandbox ended the process, if it did; ``lost`` if the warm process died and took it along."""
        return self._guard.reason or ("lost" if self._is_lost else "")

    def peak_bytes(self) -> int:
        """Return the most memory that it was seen to use."""
        return self._guard.peak_bytes()

    def exit_words(self) -> str:
        """Return how the process ended, in words."""
        if not _is_ready(self._ends.pidfd, 1.0):
            return "it closed its pipe"
        self._learn_status()
        return frames.exit_words(self._status)

    def _learn_status(self) -> None:
        """Read how it ended from its warden, which only dies before it tells if the warm process does."""
        if self._status is not None or self._is_lost:
            return
        words = self._ends.report.recv(100) if _is_ready(self._ends.report.fileno(), 5.0) else b""
        if words.startswith(b"exit "):
            self._status = int(words.removeprefix(b"exit "))
        else:
            self._is_lost = True

    def seal_log(self) -> None:
        """Keep nothing of what is printed from now on."""
        self._log.seal()

    def interrupt(self) -> None:
        """Send Ctrl-C to the job's first process alone."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._ends.pidfd, signal.SIGINT)

    def kill(self) -> None:
        """End all its processes."""
        self._guard.kill("closed")

    def close(self) -> str:
        """End all processes and return the log. The folder is memory that ends with them."""
        if self._final_log is None:
            self._guard.stop()
            _is_ready(self._ends.pidfd, 10.0)
            self.channel.close()
            self._final_log = self._log.text()
            self._ends.report.close()
            os.close(self._ends.pidfd)
            self._on_close()
        return self._final_log

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def _is_ready(descriptor: int, seconds: float) -> bool:
    """Return whether something can be read, or, for a pidfd, whether the process has ended."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def why_not() -> str:
    """Return why this rung cannot be used here, empty if it can."""
    return why_no_job(partial(Namespaces, always=()))
