"""The sandbox around one job: a process forked from the warm one, in namespaces of its own.

Two processes serve each job. The *warden* enters new namespaces, starts the student's process as process 1 of
its own process namespace, and stays outside it to tell how it ended. The student's process finishes the
set-up, gives up every privilege and answers requests. Whatever fails before that is reported as a failed
set-up, never skipped.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from . import outer, seccomp, syscalls

WORK = "/tmp/work"  # noqa: S108 - the job's own /tmp
FOLDERS = ("/tmp/work", "/tmp/home", "/tmp/home/run")  # noqa: S108
_MAX_FILES = 50_000
_MAX_OPEN = 1024
_NAMESPACES = (
    syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS | syscalls.CLONE_NEWPID | syscalls.CLONE_NEWNET
    | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWCGROUP
)  # fmt: skip


#: Answers requests that come in on one descriptor on another; does not return.
Serve: TypeAlias = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class Descriptors:
    """A job's ends of the pipes: requests in, answers out, log."""

    inbox: int
    outbox: int
    log: int


def run(request: dict[str, Any], ends: Descriptors, report: socket.socket, serve: Serve) -> NoReturn:
    """Become the warden of one job and end with it; ``serve`` is what the student's process does.

    On ``report`` it sends ``process`` with a pidfd, then ``ready`` or ``error: …``, at last ``exit N``.
    """
    try:
        uid, gid = os.getuid(), os.getgid()
        syscalls.unshare(_NAMESPACES)
        outer.map_user(uid, gid)
        child = os.fork()
    except OSError as error:
        refuse(report, error)
    if child == 0:
        _student(request, ends, report, serve)
    for descriptor in (ends.inbox, ends.outbox, ends.log):
        os.close(descriptor)
    socket.send_fds(report, [b"process"], [os.pidfd_open(child)])
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    report.send(b"exit %d" % status)
    os._exit(0)


def refuse(report: socket.socket, error: BaseException) -> NoReturn:
    """Tell the trusted side that the set-up failed, and end."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else f"{type(error).__name__}: {error}"
    report.send(f"error: {words}".encode()[:4000])
    os._exit(70)


def _student(request: dict[str, Any], ends: Descriptors, report: socket.socket, serve: Serve) -> NoReturn:
    try:
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
        # Otherwise kill(0, …) would reach the warm process and every other job.
        os.setsid()
        _furnish(request)
        limit(request)
        inbox, outbox, report = take_descriptors(ends, report)
        give_up_privileges(seccomp.program())
        report.send(b"ready")
        report.close()
    except BaseException as error:  # noqa: BLE001 - no student code has run: whatever fails here is a failed set-up
        refuse(report, error)
    serve(inbox, outbox)
    os._exit(70)  # it does not return, and a child must never go on as if it were the warm process


def _furnish(request: dict[str, Any]) -> None:
    """Give the job a /proc, a /tmp, a /dev/shm, terminals and a loopback interface of its own."""
    private = syscalls.MS_NOSUID | syscalls.MS_NODEV
    syscalls.mount("proc", "/proc", "proc", private | syscalls.MS_NOEXEC)
    size = f"size={request['disk_bytes']},nr_inodes={_MAX_FILES}"
    syscalls.mount("tmpfs", "/tmp", "tmpfs", private, f"{size},mode=755")  # noqa: S108
    syscalls.mount("tmpfs", "/dev/shm", "tmpfs", private, f"{size},mode=1777")  # noqa: S108
    terminals = f"newinstance,ptmxmode=0666,mode=0620,max=16,gid={outer.GID}"
    syscalls.mount("devpts", "/dev/pts", "devpts", syscalls.MS_NOSUID | syscalls.MS_NOEXEC, terminals)
    outer.show_below_tmp(outer.below_tmp())
    for path in FOLDERS:
        Path(path).mkdir(mode=0o700)
    os.chdir(WORK)
    socket.sethostname("sandbox")
    syscalls.raise_loopback()
    Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")


def limit(request: dict[str, Any]) -> None:
    """Set rlimits. Memory counts on top of what the warm process already had."""
    # Not RLIMIT_AS: torch reserves far more address space than it ever uses.
    wanted = {
        resource.RLIMIT_DATA: _data_bytes() + request["memory_bytes"],
        resource.RLIMIT_FSIZE: request["disk_bytes"],
        resource.RLIMIT_NPROC: request["processes"],
        resource.RLIMIT_NOFILE: _MAX_OPEN,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_RTPRIO: 0,
        resource.RLIMIT_MEMLOCK: 64 * 1024,
    }
    for kind, limit in wanted.items():
        hard = resource.getrlimit(kind)[1]
        value = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (value, value))


def _data_bytes() -> int:
    """Return how much memory this process may write to, as RLIMIT_DATA counts it."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def take_descriptors(ends: Descriptors, report: socket.socket) -> tuple[int, int, socket.socket]:
    """Leave an empty stdin, the log as stdout and stderr, the two pipes and the report; close everything else."""
    null = os.open("/dev/null", os.O_RDONLY)
    sys.stdout.flush()
    sys.stderr.flush()
    # High first, so that no number is overwritten before it was moved.
    moved = [
        os.dup2(one, 900 + at, inheritable=False) for at, one in enumerate((ends.inbox, ends.outbox, report.detach()))
    ]
    for number, descriptor in ((0, null), (1, ends.log), (2, ends.log)):
        os.dup2(descriptor, number)
    inbox, outbox, kept = (os.dup2(one, 3 + at, inheritable=False) for at, one in enumerate(moved))
    os.closerange(6, 2**20)
    return inbox, outbox, socket.socket(fileno=kept)


def give_up_privileges(calls: bytes) -> None:
    """Give up every capability, those of programs to come, too, and the system calls that the filter refuses."""
    syscalls.drop_capabilities()
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    syscalls.install_filter(calls)
