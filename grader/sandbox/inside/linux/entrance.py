"""The first thing that a cold process of a rung does: become an ordinary user, then be replaced by a program.

It is started as ``start.py linux.entrance FD``, where FD is a socket to the trusted side. The first message on it
is a JSON object: ``paths`` that the user must be able to reach, ``uid`` and ``gid`` to become when started as root,
and ``program`` (a command line). A failure is one message ``error: …``.
"""

from __future__ import annotations

import json
import os
import signal
import socket
from typing import NoReturn

from . import cell, owner, syscalls

_MAX_MESSAGE_BYTES = 1024**2


def main(arguments: list[str]) -> NoReturn:
    """Execute the program as an ordinary user; it ends when the process that started it does."""
    parent = os.getppid()
    report = socket.socket(fileno=int(arguments[0]))
    try:
        settings = json.loads(report.recv(_MAX_MESSAGE_BYTES))
        if os.geteuid() == 0:
            owner.open_ways(settings["paths"])
            syscalls.drop_bounding_set()
            owner.become(settings["uid"], settings["gid"])
        # After the user has changed, because that clears it.
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        syscalls.fix_addresses()
        program = settings["program"]
        os.set_inheritable(report.fileno(), True)  # noqa: FBT003 - positional in the standard library
        os.execv(program[0], program)  # noqa: S606 - a shell would be one thing more
    except (OSError, ValueError) as error:
        cell.refuse(report, error)
