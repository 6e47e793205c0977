"""A warm process: it imports what an exercise needs, once, and forks itself for each job.

It is started inside the outer sandbox as ``start.py zygote FD MODULE …``. FD is a socket to the trusted side.
It sends ``{"importing": …}`` for each module, then ``{"ready": …}`` or ``{"error": …}``; after that, each message it
gets is a job's settings with four descriptors: requests in, answers out, log, and a socket to report on.

It holds no secret and has one thread. A second one would not survive the fork, but its locks would.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from . import job, warm
from .linux import cell

_MAX_MESSAGE_BYTES = 64 * 1024


class PreloadError(Exception):
    """A module cannot be imported ahead. The message is for the course's author."""


def main(arguments: list[str]) -> NoReturn:
    """Import the modules named, then fork for each job until the trusted side hangs up."""
    control = socket.socket(fileno=int(arguments[0]))
    began = time.monotonic()
    try:
        preload(arguments[1:], lambda name: control.send(json.dumps({"importing": name}).encode()))
    except PreloadError as error:
        control.send(json.dumps({"error": str(error)[:2000], "course": True}).encode())
        os._exit(1)
    gc.collect()
    gc.freeze()  # so that the children's collector leaves the pages alone that they share
    signal.signal(signal.SIGCHLD, _reap)
    control.send(json.dumps({"ready": True, "seconds": time.monotonic() - began}).encode())
    serve(control)
    os._exit(0)


def preload(modules: list[str], tell: Callable[[str], object] = lambda _: None) -> None:
    """Import ``modules`` and use each a little. Raises PreloadError for one that fails or leaves a thread running.

    ``tell`` is called with each name before it is imported: some modules end the process.
    """
    sys.path[:] = [folder for folder in sys.path if Path(folder).exists()]
    for name in modules:
        tell(name)
        _import(name)
    _check_threads("the libraries together")


def _import(name: str) -> None:
    try:
        importlib.import_module(name)
        warm.exercise(name)
    except BaseException as error:
        words = (
            f"`preload` in exercise.yaml names {name}, which cannot be imported here: {type(error).__name__}: {error}"
        )
        raise PreloadError(f"{words}. Install it for this Python, or remove it from `preload`.") from error
    _check_threads(name)


def _check_threads(name: str) -> None:
    threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208 - counts those of C libraries, too
    if threads > 1:
        raise PreloadError(
            f"`preload` in exercise.yaml names {name}, which leaves threads running when it is imported (found "
            f"{threads - 1}); a process with threads cannot be forked. Remove it from `preload`: hand-ins can import "
            "it all the same, more slowly."
        )


def _reap(_signal: int, _frame: types.FrameType | None) -> None:
    """Wait for wardens that have ended. Ignoring them would do, but then nobody learns how long they ran."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def serve(control: socket.socket) -> None:
    """Fork for each message; return when the trusted side hangs up."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, _MAX_MESSAGE_BYTES, 4)
        if not message:
            return
        _fork(control, message, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _fork(control: socket.socket, message: bytes, descriptors: list[int]) -> None:
    inbox, outbox, log, report = descriptors
    try:
        child = os.fork()
    except OSError as error:
        os.write(report, f"error: fork: {error.strerror}".encode())
        return
    if child:
        return
    # Not closed by an object that is collected later, when the number may be somebody else's.
    os.close(control.detach())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        ends = cell.Descriptors(inbox, outbox, log)
        cell.run(json.loads(message), ends, socket.socket(fileno=report), serve_job)
    except BaseException:  # noqa: BLE001 - a fault of ours: the log is where somebody may look for it
        os.write(2, traceback.format_exc().encode("utf-8", errors="replace"))
    finally:
        os._exit(70)  # a child must never go on as if it were the warm process


def serve_job(inbox: int, outbox: int) -> NoReturn:
    """Answer the requests of one job, in the process confined for it."""
    job.answer_all(os.fdopen(inbox, "rb", buffering=0), os.fdopen(outbox, "wb", buffering=0), is_forked=True)
