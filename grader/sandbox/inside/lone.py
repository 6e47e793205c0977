"""A job's process on the rungs that start Python anew for each: it gives up what it may do, and answers.

It is started as ``start.py lone FD``, where FD is a socket to the trusted side: in comes a JSON object of limits,
with Landlock's rules where nothing else confines; out go ``process`` with a pidfd, then ``ready`` or ``error: …``.
"""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path
from typing import NoReturn

from . import job
from .linux import cell, landlock, seccomp, syscalls

_MAX_MESSAGE_BYTES = 1024**2
#: As a shell does, and bubblewrap: a status above is that of a signal.
_SIGNALLED = 128


def main(arguments: list[str]) -> NoReturn:
    """Set limits, confine this process, and answer requests."""
    report = socket.socket(fileno=int(arguments[0]))
    try:
        socket.send_fds(report, [b"process"], [os.pidfd_open(os.getpid())])
        if os.getpid() == 1:
            _fork()
        settings = json.loads(report.recv(_MAX_MESSAGE_BYTES))
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")
        cell.limit(settings)
        inbox, outbox, report = cell.take_descriptors(cell.Descriptors(os.dup(0), os.dup(1), os.dup(2)), report)
        rules = settings.get("landlock")
        if rules is not None:
            landlock.restrict(rules)
        cell.give_up_privileges(seccomp.program(is_alone=rules is not None))
        report.send(b"ready")
        report.close()
    except BaseException as error:  # noqa: BLE001 - no student code has run: whatever fails here is a failed set-up
        cell.refuse(report, error)
    answers = os.fdopen(outbox, "wb", buffering=0)
    job.answer_all(os.fdopen(inbox, "rb", buffering=0), answers, is_forked=True)


def _fork() -> None:
    """Return in a child. This process, 1 of its namespace, watches: student code in it could make itself outlive us.

    It passes an interrupt on, waits for whatever loses its parent, and ends as the child does, and all others with it.
    """
    # Out of the child's reach, although it has the same user.
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    child = os.fork()
    if child == 0:
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
        return
    signal.signal(signal.SIGINT, lambda *_: os.kill(child, signal.SIGINT))
    os.closerange(0, 2**20)
    ended = status = 0
    while ended != child:
        ended, status = os.wait()
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else _SIGNALLED - code)
