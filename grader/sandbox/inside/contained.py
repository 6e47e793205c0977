"""The first process of a container: it starts the job, passes Ctrl-C on, and tells when memory ran out.

Engines do not always tell that. It also ends the container when nobody is left who could ask.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path
from typing import NoReturn

from . import job
from .linux import seccomp, syscalls

#: The exit status that tells it. Student code can give it, too, and so lie about itself only.
OUT_OF_MEMORY = 119
#: Added to the number of the signal that ended the job: more than the 128 of what ends this process itself.
SIGNALLED = 192
#: As a shell does when it cannot start a program.
NOT_STARTED = 126
#: Not often: looking takes the kernel some memory, of which there may be none left.
_LOOK_SECONDS = 1.0
#: Of cgroup v2, and of v1: each has a line ``oom_kill N``.
_EVENTS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")


def main(_arguments: list[str]) -> NoReturn:
    """Be process 1. Ending here ends all that is left in the container."""
    try:
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
        syscalls.install_filter(seccomp.program())  # engines refuse fewer system calls
    except OSError as error:
        sys.stderr.write(f"setup failed: {error}\n")
        sys.exit(NOT_STARTED)
    signals = {signal.SIGCHLD, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")  # first, for want of memory
        job.main([])
    for descriptor in (1, 2):  # these are the job's alone: their end tells of its end
        os.close(descriptor)
    requests = select.poll()
    requests.register(0, 0)  # only its hanging up
    while True:
        arrived = signal.sigtimedwait(signals, _LOOK_SECONDS)
        if _ran_out_of_memory():
            os._exit(OUT_OF_MEMORY)
        if requests.poll(0):
            os._exit(0)  # the grader is gone
        if arrived is not None and arrived.si_signo == signal.SIGINT:
            os.kill(child, signal.SIGINT)
        _reap(child)


def _ran_out_of_memory() -> bool:
    for path in _EVENTS:
        try:
            lines = map(str.split, Path(path).read_text(encoding="ascii").splitlines())
            return any(name == "oom_kill" and count != "0" for name, count in lines)
        except (OSError, ValueError):
            continue
    return False


def _reap(child: int) -> None:
    """Take note of processes that have ended; end if the job's has."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else SIGNALLED - code)
