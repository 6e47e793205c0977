"""The rung ``fresh``: bubblewrap makes namespaces for each job, and Python starts anew in them.

For machines where an ordinary program may not make user namespaces, and bubblewrap may.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from grader.errors import SandboxError
from grader.model import Limits
from grader.sandbox.cold import INSIDE, REPORT, ColdProcess, Start, python_reach, start
from grader.sandbox.inside.linux import cell, outer
from grader.sandbox.probe import why_no_job
from grader.sandbox.selfcheck import environment_variables
from grader.sandbox.zygotes import NOBODY, job_limits, python_paths

_TMP = Path("/tmp")  # noqa: S108 - the job's own
_SIGNALLED = 128


class Fresh:
    """The rung ``fresh``. Started as root, students' code runs as ``owner`` (user and group, not 0)."""

    def __init__(self, owner: tuple[int, int] = NOBODY) -> None:
        if 0 in owner:
            raise ValueError(f"owner is {owner}; student code never runs as user or group 0")
        self._owner = owner

    @property
    def name(self) -> str:
        """``fresh``."""
        return "fresh"

    def close(self) -> None:
        """Do nothing: nothing is kept running."""

    def launch(self, limits: Limits, cancel: threading.Event | None = None) -> ColdProcess:
        """Return a fresh process. Raises SandboxError if it cannot be set up."""
        program = shutil.which("bwrap", path=os.defpath)
        if program is None:
            raise SandboxError("the program bwrap is not installed")
        settings = job_limits(limits)
        with ExitStack() as stack:
            texts = {f"/{name}": _text_file(stack, text) for name, text in outer.FILES.items()}
            wanted = Start(
                program=(program, *arguments(settings["disk_bytes"], texts), "--", *_python()),
                settings=settings,
                environment=environment_variables(_TMP) | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(_TMP)),
                owner=self._owner,
                reach=python_reach(),
                passed=tuple(texts.values()),
            )
            ends, process = start(wanted, cancel)
        return ColdProcess(ends, process, limits, cancel, lambda: None, _status)


def _status(returned: int) -> int | None:
    """Return how the job ended by what bubblewrap returned; None if bubblewrap itself was killed.

    It adds 128 to a signal's number, as a shell does.
    """
    if returned < 0:
        return None
    return _SIGNALLED - returned if returned > _SIGNALLED else returned


def _python() -> tuple[str, ...]:
    return (sys.executable, "-P", "-s", f"{outer.INSIDE}/start.py", "lone", REPORT)


def _text_file(stack: ExitStack, text: str) -> int:
    """Return a descriptor from which ``text`` can be read."""
    file = stack.enter_context(os.fdopen(os.memfd_create("text"), "wb", buffering=0))
    file.write(text.encode())
    file.seek(0)
    return file.fileno()


def arguments(disk_bytes: int, texts: dict[str, int]) -> list[str]:
    """Return bubblewrap's options. ``texts``: descriptors with the content of the files at these paths."""
    return [
        *("--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        *("--uid", str(outer.UID), "--gid", str(outer.GID), "--hostname", "sandbox", "--cap-drop", "ALL"),
        # A session of its own: otherwise kill(0, …) would reach what is outside.
        *("--die-with-parent", "--new-session", "--as-pid-1"),
        *("--proc", "/proc"),
        *(part for path in outer.SYSTEM for part in _system(path)),
        *(part for path, file in texts.items() for part in ("--ro-bind-data", str(file), path)),
        # Not --dev, which brings terminals along.
        *(part for name in outer.DEVICES for part in ("--dev-bind", f"/dev/{name}", f"/dev/{name}")),
        *("--symlink", "/proc/self/fd", "/dev/fd"),
        *(part for at, name in enumerate(("stdin", "stdout", "stderr")) for part in _stream(at, name)),
        *("--perms", "0755", "--size", str(disk_bytes), "--tmpfs", str(_TMP)),
        *("--perms", "1777", "--size", str(disk_bytes), "--tmpfs", "/dev/shm"),  # noqa: S108
        *(part for real, shown in python_paths() if not _is_shown(shown) for part in ("--ro-bind", real, shown)),
        *("--ro-bind", str(INSIDE), outer.INSIDE),
        *(part for folder in cell.FOLDERS for part in ("--perms", "0700", "--dir", folder)),
        *("--remount-ro", "/", "--chdir", cell.WORK),
    ]


def _stream(number: int, name: str) -> Iterator[str]:
    yield from ("--symlink", f"/proc/self/fd/{number}", f"/dev/{name}")


def _system(path: str) -> Iterator[str]:
    if Path(path).is_symlink():
        yield from ("--symlink", str(Path(path).readlink()), path)
    elif Path(path).exists():
        yield from ("--ro-bind", path, path)


def _is_shown(path: str) -> bool:
    return any(Path(path).is_relative_to(one) for one in outer.SYSTEM)


def why_not() -> str:
    """Return why this rung cannot be used here, empty if it can."""
    return why_no_job(Fresh)
