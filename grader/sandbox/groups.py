"""Control groups (cgroup v2) as folders and files: finding our own, claiming what was delegated, limiting a job.

https://docs.kernel.org/admin-guide/cgroup-v2.html says what each file means. All functions take paths, so that a
folder of ordinary files serves for their tests.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from grader.errors import SandboxError
from grader.sandbox.leftovers import is_gone, owner

#: Without these, the rung ``ns`` already does what could be done.
_REQUIRED = ("memory", "pids")
_OPTIONAL = ("cpu",)
#: Of the processor's time, against 100 for each job, so that watching goes on when many jobs are busy.
_HOST_WEIGHT = 1000
_MOVES = 20
_REMOVE_SECONDS = 5.0
_PREFIX = "grade-"
_CLAIMED = re.compile(f"/{_PREFIX}[0-9a-f-]+/host$")
_SYSTEMD = Path("/run/systemd/system")


def own_group(membership: str, mounts: str) -> Path:
    """Return the folder of our control group, before we moved within it.

    ``membership`` and ``mounts`` are the texts of ``/proc/self/cgroup`` and ``/proc/self/mountinfo``. Raises
    SandboxError where there is none, or where it cannot be limited.
    """
    lines = [line.split(":", 2) for line in membership.splitlines()]
    taken = {name for _, names, _ in lines for name in names.split(",")} & set(_REQUIRED)
    if taken:
        raise SandboxError(
            f"the controllers {', '.join(sorted(taken))} belong to cgroup v1 on this machine; "
            "the kernel option systemd.unified_cgroup_hierarchy=1 gives them to v2"
        )
    path = next((path for number, _, path in lines if number == "0"), None)
    if path is None:
        raise SandboxError("this process is in no cgroup v2")
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            root, point = before.split()[3:5]
            if f"{path}/".startswith(f"{root.rstrip('/')}/") and "/.." not in path:
                found = f"{point}/{path.removeprefix(root)}"
                return Path(os.path.normpath(_CLAIMED.sub("", found)))
    raise SandboxError(f"no cgroup v2 is mounted that shows our control group {path}")


@dataclass(frozen=True, slots=True)
class Subtree:
    """The part of the hierarchy that is ours: ``folder`` holds the grader's own group and one for each job."""

    folder: Path

    def make_group(self, memory_bytes: int, processes: int) -> Group:
        """Return a new group with these limits for all its processes together. Raises SandboxError."""
        group = Group(self.folder / f"job-{uuid.uuid4().hex[:12]}")
        try:
            group.folder.mkdir()
            _write(group.folder, "memory.max", memory_bytes)
            _write(group.folder, "memory.oom.group", 1)
            _write(group.folder, "pids.max", processes)
            # It is not there if the kernel counts no swap.
            with contextlib.suppress(PermissionError, FileNotFoundError):
                _write(group.folder, "memory.swap.max", 0)
        except OSError as error:
            group.remove()
            raise SandboxError(f"setup failed: a control group with limits: {error}") from error
        return group


@dataclass(frozen=True, slots=True)
class Group:
    """The control group of one job."""

    folder: Path

    def add(self, pid: int) -> None:
        """Move a process in; what it starts later is in, too. Raises SandboxError."""
        try:
            _write(self.folder, "cgroup.procs", pid)
        except OSError as error:
            raise SandboxError(f"setup failed: moving process {pid} into its control group: {error}") from error

    def ran_out_of_memory(self) -> bool:
        """Return whether the kernel ended the job because it exceeded its memory."""
        with contextlib.suppress(OSError):
            events = dict(line.split() for line in _read(self.folder, "memory.events").splitlines())
            return int(events.get("oom_kill", "0")) > 0
        return False

    def kill(self) -> None:
        """End all its processes at once, where the kernel can do that (Linux 5.14)."""
        with contextlib.suppress(OSError):
            _write(self.folder, "cgroup.kill", 1)

    def remove(self) -> None:
        """End all its processes and remove the group. One that cannot be removed in time is left behind, empty."""
        self.kill()
        deadline = time.monotonic() + _REMOVE_SECONDS
        while not _remove(self.folder) and time.monotonic() < deadline:
            time.sleep(0.01)


def claim(own: Path, pid: int) -> Subtree:
    """Return a subtree below the delegated group ``own``, after moving all that is in ``own`` to a leaf of it.

    A group whose children have controllers may hold no process itself: hence the move. ``pid`` is ours. Empty groups
    that ended graders left are removed. Raises SandboxError where the group is not delegated to us.
    """
    controllers = _controllers(own)
    _check_delegated(own)
    for left in own.glob(f"{_PREFIX}*"):
        if is_gone(left.name.removeprefix(_PREFIX)):
            _remove_empty(left)
    folder = own / f"{_PREFIX}{owner()}"
    enable = " ".join(f"+{name}" for name in controllers)
    try:
        (folder / "host").mkdir(parents=True, exist_ok=True)
        _write(folder / "host", "cgroup.procs", pid)
        _enable(own, enable, folder / "host")
        _write(folder, "cgroup.subtree_control", enable)
        if "cpu" in controllers:
            _write(folder / "host", "cpu.weight", _HOST_WEIGHT)
    except OSError as error:
        raise SandboxError(f"the control group {own} cannot be divided: {error}") from error
    return Subtree(folder)


def _controllers(own: Path) -> list[str]:
    """Return the names of the controllers to use. Raises SandboxError if one that is required is missing."""
    try:
        found = _read(own, "cgroup.controllers").split()
    except OSError as error:
        raise SandboxError(f"the control group {own} cannot be read: {error.strerror}") from error
    missing = [name for name in _REQUIRED if name not in found]
    if missing:
        raise SandboxError(f"the controllers {', '.join(missing)} are not delegated to the control group {own}")
    return [name for name in (*_REQUIRED, *_OPTIONAL) if name in found]


def _check_delegated(own: Path) -> None:
    """Raise SandboxError unless we may write to ``own`` and nobody else, as systemd, sees to what is below it."""
    names = ("", "cgroup.procs", "cgroup.subtree_control")
    refused = [name or "the folder" for name in names if not os.access(own / name, os.W_OK)]
    if refused:
        raise SandboxError(f"the control group {own} is not delegated: {', '.join(refused)} cannot be written")
    # Root may write everywhere, and so learns nothing by trying; systemd marks what it delegates.
    if os.geteuid() == 0 and _SYSTEMD.exists() and not _is_marked(own):
        raise SandboxError(f"the control group {own} is not delegated: systemd manages it")


def _is_marked(own: Path) -> bool:
    for name in ("user.delegate", "trusted.delegate"):
        with contextlib.suppress(OSError):
            if os.getxattr(own, name) == b"1":
                return True
    return False


def _enable(own: Path, controllers: str, host: Path) -> None:
    """Enable controllers for the groups below ``own``, after moving its processes to ``host``."""
    for _ in range(_MOVES):  # while processes are moved, they may start others
        if (own / "cgroup.type").exists():  # only the root of all lacks it, and it may hold processes
            for pid in _read(own, "cgroup.procs").split():
                with contextlib.suppress(ProcessLookupError):
                    _write(host, "cgroup.procs", pid)
        try:
            return _write(own, "cgroup.subtree_control", controllers)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
    raise OSError(errno.EBUSY, "other processes keep starting in it")


def _remove_empty(folder: Path) -> None:
    for inner in folder.glob("*/"):
        _remove(inner)
    _remove(folder)


def _remove(folder: Path) -> bool:
    """Return whether the group is gone now. The kernel refuses to remove one that holds a process."""
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _read(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="ascii")


def _write(folder: Path, name: str, value: object) -> None:
    (folder / name).write_text(str(value), encoding="ascii")
