"""Starting one cold Python for each job, as the rungs ``fresh`` and ``landlock`` do, and ending it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.errors import SandboxError
from grader.model import Limits
from grader.sandbox.namespaces import NamespaceProcess
from grader.sandbox.zygotes import Ends, await_set_up, close_all, python_paths

INSIDE = (Path(__file__).parent / "inside").resolve()
_MAX_DIAGNOSIS_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Start:
    """What a cold process is started with. ``REPORT`` in ``program`` stands for the number of the report's descriptor.

    ``settings`` is what the job's process is told, ``reach`` what the ``owner`` must be able to enter, ``passed`` are
    descriptors that the program finds under the same numbers.
    """

    program: tuple[str, ...]
    settings: Mapping[str, object]
    environment: Mapping[str, str]
    owner: tuple[int, int]
    reach: tuple[str, ...]
    folder: Path = Path("/")
    passed: tuple[int, ...] = ()


REPORT = "{report}"


class ColdProcess(NamespaceProcess):
    """Implements ``Confined``: the process that was started, and all below it."""

    def __init__(
        self,
        ends: Ends,
        process: subprocess.Popen[bytes],
        limits: Limits,
        cancel: threading.Event | None,
        on_close: Callable[[], None],
        read_status: Callable[[int], int | None],
    ) -> None:
        super().__init__(ends, limits, cancel, on_close)
        self._process, self._read_status = process, read_status

    def _learn_status(self) -> None:
        """Wait for the process that was started: the job's own, or the one that watches it from outside."""
        self._status = self._read_status(self._process.wait())
        self._is_lost = self._status is None

    def close(self) -> str:
        """End all processes, do what is to be done at the end, and return the log."""
        log = super().close()
        self._process.wait()
        return log


def start(wanted: Start, cancel: threading.Event | None) -> tuple[Ends, subprocess.Popen[bytes]]:
    """Return a new confined process. Raises SandboxError if it cannot be set up."""
    (their_inbox, inbox), (outbox, their_outbox), (log, their_log) = os.pipe(), os.pipe(), os.pipe()
    report, their_report = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    number = their_report.detach()
    theirs = [their_inbox, their_outbox, their_log, number]
    program = [part.replace(REPORT, str(number)) for part in wanted.program]
    uid, gid = wanted.owner
    entrance = {"paths": wanted.reach, "uid": uid, "gid": gid, "program": program}
    process: subprocess.Popen[bytes] | None = None
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-S", str(INSIDE / "start.py"), "linux.entrance", str(number)],
            stdin=their_inbox,
            stdout=their_outbox,
            stderr=their_log,
            pass_fds=[number, *wanted.passed],
            cwd=wanted.folder,
            env=dict(wanted.environment),
            start_new_session=True,
        )
        close_all(theirs)
        report.send(json.dumps(entrance).encode())
        report.send(json.dumps(dict(wanted.settings)).encode())
        pidfd, pid = await_set_up(report, cancel)
    except BaseException as error:
        said = _end(process, log)
        close_all([*theirs, inbox, outbox, log])
        report.close()
        if isinstance(error, OSError):  # it ended before it said that it was ready
            raise SandboxError(f"setup failed: {said or error}") from error
        raise
    return Ends(inbox, outbox, log, report, pidfd, pid), process


def _end(process: subprocess.Popen[bytes] | None, log: int) -> str:
    """End a process that could not be set up, and return what it said."""
    if process is None:
        return ""
    process.kill()
    process.wait()
    with contextlib.suppress(BlockingIOError):
        os.set_blocking(log, False)
        return os.read(log, _MAX_DIAGNOSIS_BYTES).decode(errors="replace").strip()
    return ""


def python_reach() -> tuple[str, ...]:
    """Return the real folders that hold Python, its libraries and this package's inner part."""
    return tuple(dict.fromkeys([*(real for real, _ in python_paths()), str(INSIDE)]))
