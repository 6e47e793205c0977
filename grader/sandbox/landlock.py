"""The rung ``landlock``: a cold Python that the kernel lets read libraries and write to its own folder, and no more.

For machines without namespaces. Jobs share the host's process table and its user, so that one runs at a time, and
each is one process: starting others is refused.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from grader.errors import SandboxError
from grader.model import Limits
from grader.sandbox.cold import INSIDE, REPORT, ColdProcess, Start, python_reach, start
from grader.sandbox.inside.linux import outer
from grader.sandbox.leftovers import remove_folder
from grader.sandbox.probe import why_no_job
from grader.sandbox.selfcheck import environment_variables, make_folder
from grader.sandbox.zygotes import NOBODY, job_limits, python_paths

_LOOK_SECONDS = 0.1
#: What libraries ask of the system. Other processes' folders are not among it.
_SYSTEM_FILES = ("/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/proc/filesystems", "/proc/version")


class Landlock:
    """The rung ``landlock``. Started as root, students' code runs as ``owner`` (user and group, not 0)."""

    def __init__(self, owner: tuple[int, int] = NOBODY) -> None:
        if 0 in owner:
            raise ValueError(f"owner is {owner}; student code never runs as user or group 0")
        self._owner = owner
        self._turn = threading.Lock()

    @property
    def name(self) -> str:
        """``landlock``."""
        return "landlock"

    def close(self) -> None:
        """Do nothing: nothing is kept running."""

    def launch(self, limits: Limits, cancel: threading.Event | None = None) -> ColdProcess:
        """Return a fresh process, once no other one is left. Raises SandboxError if it cannot be set up."""
        while not self._turn.acquire(timeout=_LOOK_SECONDS):
            if cancel is not None and cancel.is_set():
                raise SandboxError("cancelled")
        folder: Path | None = None
        try:
            folder = make_folder()
            if os.geteuid() == 0:
                _give(folder, self._owner)
            ends, process = start(self._wanted(folder, limits), cancel)
        except BaseException as error:
            self._end(folder)
            if isinstance(error, OSError):
                raise SandboxError(f"no private folder could be made: {error}") from error
            raise
        return ColdProcess(ends, process, limits, cancel, lambda: self._end(folder), lambda returned: returned)

    def _wanted(self, folder: Path, limits: Limits) -> Start:
        uid = self._owner[0] if os.geteuid() == 0 else os.geteuid()
        settings = job_limits(limits)
        return Start(
            program=(sys.executable, "-P", "-s", str(INSIDE / "start.py"), "lone", REPORT),
            settings={
                **settings,
                # The limit counts all that the user has, wherever it was started.
                "processes": settings["processes"] + _threads_of(uid),
                "landlock": {
                    "run": [*outer.SYSTEM, *(shown for _, shown in python_paths()), *python_reach()],
                    "read": _SYSTEM_FILES,
                    "use": [f"/dev/{name}" for name in outer.DEVICES],
                    "own": [str(folder)],
                },
            },
            environment=environment_variables(folder),
            owner=self._owner,
            reach=python_reach(),
            folder=folder / "work",
        )

    def _end(self, folder: Path | None) -> None:
        if folder is not None:
            remove_folder(folder)
        self._turn.release()


def _give(folder: Path, owner: tuple[int, int]) -> None:
    """Let ``owner`` enter ``folder``, and have what is in it. The folder itself stays ours, and its name."""
    folder.chmod(0o711)
    for path in folder.rglob("*"):
        os.chown(path, *owner)


def _threads_of(uid: int) -> int:
    """Return how many threads the user has."""
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid == uid:
                count += sum(1 for _ in (process / "task").iterdir())
        except OSError:  # it has ended
            continue
    return count


def why_not() -> str:
    """Return why this rung cannot be used here, empty if it can."""
    return why_no_job(Landlock)
