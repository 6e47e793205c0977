"""The rung ``ns+cgroup``: the rung ``ns``, and each job in a control group whose limits the kernel keeps.

Beside private memory, this counts what no other limit does (files in memory, System V and shared memory, buffers of
sockets and pipes), for all processes of a job together and at the moment of its use. It works where the grader was
itself started in a control group that is delegated to it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Self

from grader.errors import SandboxError
from grader.model import Limits
from grader.sandbox.base import KillReason
from grader.sandbox.groups import Group, Subtree, claim, own_group
from grader.sandbox.namespaces import ALWAYS, NamespaceProcess, Namespaces
from grader.sandbox.probe import why_no_job
from grader.sandbox.tree import anonymous_bytes
from grader.sandbox.zygotes import MAX_PROCESSES, NOBODY


class CgroupNamespaces:
    """The rung ``ns+cgroup``. This process, and what else is in its control group, moves to a leaf of that group.

    Raises SandboxError where the control group is not delegated, or lacks the controllers for memory and processes.
    """

    def __init__(self, owner: tuple[int, int] = NOBODY, *, always: Iterable[str] = ALWAYS, ahead: bool = False) -> None:
        self._subtree = claim_own()  # before a process is started that would keep the group from being divided
        self._namespaces = Namespaces(owner, always=always, ahead=ahead)

    @property
    def name(self) -> str:
        """``ns+cgroup``."""
        return "ns+cgroup"

    def launch(self, limits: Limits, cancel: threading.Event | None = None) -> GroupedProcess:
        """Return a fresh process, in its own control group. Raises PreloadError, SandboxError."""
        box = self._namespaces.launch(limits, cancel)
        try:
            return GroupedProcess(box, self._group(box.pid, limits))
        except BaseException:
            box.close()
            raise

    def close(self) -> None:
        """End all warm processes, and whatever runs in them. May be called twice."""
        self._namespaces.close()

    def _group(self, pid: int, limits: Limits) -> Group:
        """Return a new group with the process ``pid`` in it, which has not run any student code yet.

        Pages shared with the warm process are copied when they are written to, and count from then on. Nobody asked
        for those: the limit goes up by them.
        """
        group = self._subtree.make_group(limits.memory_bytes + anonymous_bytes(pid), MAX_PROCESSES)
        try:
            group.add(pid)
        except SandboxError:
            group.remove()
            raise
        return group


class GroupedProcess:
    """Implements ``Confined``: a process of the rung ``ns`` and its control group."""

    def __init__(self, box: NamespaceProcess, group: Group) -> None:
        self._box, self._group = box, group
        self._ran_out = False
        self.channel = box.channel

    @property
    def pid(self) -> int:
        """The number of the job's first process on the host."""
        return self._box.pid

    @property
    def kill_reason(self) -> KillReason:
        """Why the sandbox, or the kernel for want of memory, ended the process."""
        self._ran_out = self._ran_out or self._group.ran_out_of_memory()
        reason = self._box.kill_reason
        return "memory" if self._ran_out and reason in {"", "lost"} else reason

    def peak_bytes(self) -> int:
        """Return the most memory that it was seen to use."""
        return self._box.peak_bytes()

    def exit_words(self) -> str:
        """Return how the process ended, in words."""
        return self._box.exit_words()

    def seal_log(self) -> None:
        """Keep nothing of what is printed from now on."""
        self._box.seal_log()

    def interrupt(self) -> None:
        """Send Ctrl-C to the job's first process alone."""
        self._box.interrupt()

    def kill(self) -> None:
        """End all its processes."""
        self._box.kill()
        self._group.kill()

    def close(self) -> str:
        """End all processes, remove the group and return the log."""
        self._ran_out = self._ran_out or self._group.ran_out_of_memory()
        self._group.kill()
        log = self._box.close()
        self._group.remove()
        return log

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def claim_own(process: Path = Path("/proc/self")) -> Subtree:
    """Return the subtree of this process's control group that is ours to use. Raises SandboxError."""
    try:
        membership, mounts = ((process / name).read_text(encoding="utf-8") for name in ("cgroup", "mountinfo"))
    except OSError as error:
        raise SandboxError(f"the control groups of this process cannot be read: {error}") from error
    return claim(own_group(membership, mounts), os.getpid())


def why_not() -> str:
    """Return why this rung cannot be used here, empty if it can."""
    return why_no_job(partial(CgroupNamespaces, always=()))
