"""The trusted side of warm processes: starting one, asking it for a job's process, noticing that it died."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.errors import SandboxError
from grader.model import Limits
from grader.sandbox.channel import LogDrain
from grader.sandbox.selfcheck import environment_variables
from grader.sandbox.tree import anonymous_bytes, descendants, pid_of

#: For importing what an exercise needs, on a slow and busy machine.
PRELOAD_SECONDS = 180.0
#: For the namespaces of one job.
SETUP_SECONDS = 30.0
#: The user "nobody", when started as root.
NOBODY = (65534, 65534)
#: A process for every worker that a hand-in may reasonably start, threads included.
MAX_PROCESSES = 256
_MAX_DISK_BYTES = 1024**3
_MAX_DIAGNOSIS_BYTES = 16 * 1024
_LOOK_SECONDS = 0.1


class PreloadError(SandboxError):
    """What the exercise lists under ``preload`` cannot be imported ahead; trying again will not help."""


class ZygoteEndedError(SandboxError):
    """The warm process ended; another one can take its place."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The trusted ends of one job's descriptors, and its first process."""

    inbox: int
    outbox: int
    log: int
    report: socket.socket
    pidfd: int
    pid: int


class Zygote:
    """One warm process in its outer sandbox, with ``modules`` imported. Started as root, it becomes ``owner``.

    Raises SandboxError if it cannot be started. It is not ready before :meth:`await_ready` says so.
    """

    def __init__(self, modules: Iterable[str], owner: tuple[int, int] = NOBODY) -> None:
        self.jobs = 0
        self.started = time.monotonic()
        self.preload_seconds = 0.0
        self._is_ended = False
        self._lock = threading.Lock()
        self._control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with far:
            number = far.fileno()
            try:
                self._process = _start(number)
            except OSError as error:
                self._control.close()
                raise SandboxError(f"{sys.executable} could not be started: {error}") from error
        assert self._process.stdout is not None  # noqa: S101 - PIPE was asked for
        self._log = LogDrain(self._process.stdout, _MAX_DIAGNOSIS_BYTES)
        with contextlib.suppress(OSError):  # it has ended; whoever awaits it is told why
            self._control.send(json.dumps(_settings(number, modules, owner)).encode())

    def await_ready(self, cancel: threading.Event | None = None) -> None:
        """Return when the modules are imported; ``cancel`` gives up waiting. Raises PreloadError, SandboxError.

        Then it is closed.
        """
        try:
            self._await_ready(cancel)
        except BaseException:
            self.close()
            raise

    def _await_ready(self, cancel: threading.Event | None) -> None:
        answer = self._next("", cancel)
        while "importing" in answer:
            doing = f" while it imported {answer['importing']}, which `preload` in exercise.yaml names"
            answer = self._next(doing, cancel)
        if "error" in answer:
            kind = PreloadError if answer.get("course") else SandboxError
            raise kind(f"setup failed: {answer['error']}")
        self.preload_seconds = float(answer["seconds"])
        self._warm = next((pid for pid in descendants(self.pid) if pid != self.pid), self.pid)
        self._first_bytes = anonymous_bytes(self._warm)

    def _next(self, doing: str, cancel: threading.Event | None) -> dict[str, Any]:
        """Return its next message. Raises SandboxError if none comes."""
        try:
            message = _receive(self._control, PRELOAD_SECONDS, cancel)[0]
        except (OSError, SandboxError) as error:
            raise SandboxError(f"the warm process did not start: {error}{doing}; {self._diagnosis()}") from error
        if not message:
            return {"error": f"the warm process ended{doing}; {self._diagnosis()}", "course": bool(doing)}
        answer: dict[str, Any] = json.loads(message)
        return answer

    def _diagnosis(self) -> str:
        self._process.kill()
        self._process.wait()
        return f"it said: {self._log.text().strip() or 'nothing'}"

    @property
    def is_alive(self) -> bool:
        """Whether it can still be asked."""
        return not self._is_ended and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process that keeps watch outside; the warm process is its only child."""
        return self._process.pid

    def grown_bytes(self) -> int:
        """Return how much more memory of its own the warm process has than when it was ready."""
        return anonymous_bytes(self._warm) - self._first_bytes

    def fork(self, limits: Limits, cancel: threading.Event | None = None) -> Ends:
        """Return a new confined process. Raises ZygoteEndedError, SandboxError if it cannot be set up."""
        request = job_limits(limits)
        (their_inbox, inbox), (outbox, their_outbox), (log, their_log) = os.pipe(), os.pipe(), os.pipe()
        report, their_report = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs = [their_inbox, their_outbox, their_log, their_report.detach()]
        try:
            with self._lock:
                self.jobs += 1
                socket.send_fds(self._control, [json.dumps(request).encode()], theirs)
            close_all(theirs)
            pidfd, pid = await_set_up(report, cancel)
        except BaseException as error:
            close_all([*theirs, inbox, outbox, log])
            report.close()
            if isinstance(error, OSError):
                self._is_ended = True  # its keeper may need a moment to notice
                raise ZygoteEndedError(f"the warm process ended: {error}") from error
            raise
        return Ends(inbox, outbox, log, report, pidfd, pid)

    def close(self) -> None:
        """End it, and with it every job that it still has."""
        self._control.close()
        try:
            self._process.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.text()


def _start(number: int) -> subprocess.Popen[bytes]:
    start = Path(__file__).parent / "inside" / "start.py"
    return subprocess.Popen(
        [sys.executable, "-P", "-s", str(start), "linux.outer", str(number)],
        stdin=subprocess.DEVNULL,
        # Pipes, as in a job: Python decides at its start how to treat them.
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        pass_fds=[number],
        env=environment_variables(Path("/tmp")) | {"TMPDIR": "/tmp", "TEMP": "/tmp", "TMP": "/tmp"},  # noqa: S108
        start_new_session=True,
    )


def _settings(number: int, modules: Iterable[str], owner: tuple[int, int]) -> dict[str, Any]:
    return {
        "paths": python_paths(),
        "inside": str((Path(__file__).parent / "inside").resolve()),
        "program": [sys.executable, "-P", "-s", "/grade/inside/start.py", "zygote", str(number), *modules],
        "uid": owner[0],
        "gid": owner[1],
    }


def python_paths() -> list[tuple[str, str]]:
    """Return what has to be seen inside, as pairs of real path and path: Python, its libraries and nothing else.

    Not ``sys.path``: a course or a project may be on it.
    """
    wanted = {sys.base_prefix, sys.base_exec_prefix, sys.prefix, sys.exec_prefix}
    wanted |= {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    wanted |= set(environment_variables(Path("/tmp")).get("PYTHONPATH", "").split(":")) - {""}  # noqa: S108
    wanted |= set(map(str, _links(Path(sys.executable))))
    pairs: list[tuple[str, str]] = []
    for path in sorted(wanted):
        if not any(Path(path).is_relative_to(shown) for _, shown in pairs) and Path(path).exists():
            pairs.append((str(Path(path).resolve()), path))
    return [*pairs, *_real(pairs)]


def _links(path: Path) -> Iterable[Path]:
    """Yield the files that a chain of links leads through."""
    for _ in range(10):
        yield path
        if not path.is_symlink():
            return
        path = Path(os.path.normpath(path.parent / path.readlink()))


def _real(pairs: list[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """Yield what is shown under another name under its real one, too, for links that lead there."""
    shown = [path for _, path in pairs]
    return [(real, real) for real, path in pairs if real != path and not _is_below(real, shown)]


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in folders)


def close_all(descriptors: list[int]) -> None:
    """Close and forget ``descriptors``."""
    while descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptors.pop())


def job_limits(limits: Limits) -> dict[str, int]:
    """Return what the job's own process is told to set: bytes of memory and of disk, and processes."""
    return {
        "memory_bytes": limits.memory_bytes,
        "disk_bytes": min(_MAX_DISK_BYTES, max(limits.memory_bytes // 2, 64 * 1024**2)),
        "processes": MAX_PROCESSES,
    }


def await_set_up(report: socket.socket, cancel: threading.Event | None) -> tuple[int, int]:
    """Return pidfd and number of a job's first process. Raises OSError if nobody answers, SandboxError."""
    pidfd, is_ready = -1, False
    try:
        while pidfd < 0 or not is_ready:  # warden and student report; under load either may come first
            words, descriptors = _receive(report, SETUP_SECONDS, cancel)
            pidfd = descriptors[0] if descriptors else pidfd
            _check_words(words)
            is_ready = is_ready or words == b"ready"
        return pidfd, pid_of(pidfd)
    except BaseException:
        close_all([pidfd] if pidfd >= 0 else [])
        raise


def _check_words(words: bytes) -> None:
    if not words:
        raise ConnectionResetError("no answer")
    if words.startswith((b"error: ", b"exit ")):
        raise SandboxError(f"setup failed: {words.decode(errors='replace').removeprefix('error: ')}")


def _receive(channel: socket.socket, seconds: float, cancel: threading.Event | None) -> tuple[bytes, list[int]]:
    """Return the next message, empty at the end. Raises SandboxError when it does not come in time, or at a cancel."""
    deadline = time.monotonic() + seconds
    channel.settimeout(_LOOK_SECONDS)
    while time.monotonic() < deadline:
        with contextlib.suppress(TimeoutError):
            message, descriptors, _, _ = socket.recv_fds(channel, 64 * 1024, 1)
            return message, descriptors
        if cancel is not None and cancel.is_set():
            raise SandboxError("cancelled")
    raise SandboxError(f"not ready after {seconds:g} s")
