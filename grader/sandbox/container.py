"""The rung ``container``: one container per job, by Podman, Docker or Apptainer; see ``engines``.

The engine's client carries the protocol on its stdin and stdout. ``CONFINEMENT.md`` says which engines were tried, and
``why_not`` looks from inside whether a container confines.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Self

from grader.errors import SandboxError
from grader.model import Limits
from grader.sandbox.base import KillReason, ProcessEndedError
from grader.sandbox.channel import LogDrain, PipeChannel
from grader.sandbox.engines import Engine, find_engine, is_left_behind, new_name
from grader.sandbox.inside import contained, frames
from grader.sandbox.leftovers import private_folder, remove_folder
from grader.sandbox.probe import look_around, why_no_job

_LOOK_SECONDS = 0.1
_COMMAND_SECONDS = 60.0
#: The first process was killed. Nobody inside can do that: it was the engine, somebody outside, or want of memory.
_KILLED = (128 + 9, -9)
_MAX_WORDS = 500
_CLIENT_SECONDS = 5.0
#: What a shell ends with when it cannot start a program.
_NOT_STARTED = (126, 127)
#: How often to ask for a container that has just ended, until the engine has taken note.
_ASKS = 20


class Containers:
    """The rung ``container``. Removes what an earlier grader left behind when it was killed.

    Raises SandboxError where no engine is installed or no image is named.
    """

    def __init__(self, engine: Engine | None = None) -> None:
        self._engine = engine or find_engine()
        # conmon 2.1.6, which serves Podman, leaves a file where it is started when memory runs out.
        self._folder = private_folder()
        _remove_leftovers(self._engine)

    @property
    def name(self) -> str:
        """``container``."""
        return "container"

    def close(self) -> None:
        """Remove the folder that engines are started in. May be called twice."""
        remove_folder(self._folder)

    def launch(self, limits: Limits, cancel: threading.Event | None = None) -> ContainerProcess:
        """Return a fresh container. Raises SandboxError if the engine cannot be started."""
        try:
            return ContainerProcess(self._engine, limits, cancel, self._folder)
        except OSError as error:
            raise SandboxError(f"{self._engine.program} could not be started: {error}") from error


class ContainerProcess:
    """Implements ``Confined``: one container and the engine's client that is attached to it."""

    def __init__(self, engine: Engine, limits: Limits, cancel: threading.Event | None, folder: Path) -> None:
        self._engine, self._cancel, self.container = engine, cancel, new_name()
        self._reason: KillReason = ""
        self._state: str | None = None
        self._final_log: str | None = None
        self._process = subprocess.Popen(
            engine.run(self.container, limits),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd=folder,
            start_new_session=True,
        )
        assert self._process.stdin is not None  # noqa: S101 - PIPE was asked for
        assert self._process.stdout is not None  # noqa: S101
        assert self._process.stderr is not None  # noqa: S101
        self._log = LogDrain(self._process.stderr, limits.output_bytes)
        self.channel = PipeChannel(self._process.stdin, self._process.stdout, self._is_alive)
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="grade-container")
        self._thread.start()

    def _watch(self) -> None:
        while not self._stopped.wait(_LOOK_SECONDS):
            if self._cancel is not None and self._cancel.is_set() and self._is_alive():
                self._end("cancelled")  # again and again: at first there may be no container yet

    def _is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def kill_reason(self) -> KillReason:
        """Why the container was ended, if it was not by itself. ``lost``: neither student code nor we did."""
        if self._reason or self._is_alive():
            return self._reason
        if self._process.returncode == contained.OUT_OF_MEMORY:
            return "memory"
        match self._how_it_ended().split():
            case ["exited" | "stopped", "true"]:
                return "memory"
            case ["exited" | "stopped", _] if self._process.returncode not in _KILLED:
                return ""
        return "lost"

    def _how_it_ended(self) -> str:
        """Return what the engine says of the container: its state, and whether its memory ran out."""
        if self._state is None:
            self._state = _final_state(self._engine, self.container)
        return self._state

    def peak_bytes(self) -> int:
        """Return 0: only the engine sees into the container."""
        return 0

    def exit_words(self) -> str:
        """Return how it ended, in words. Raises SandboxError if it was the engine that failed."""
        try:
            status = self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            return "it closed its pipe"
        if self.kill_reason == "lost":
            raise SandboxError(f"setup failed: {self._engine.kind} ended with status {status}, said: {self._said()}")
        words = frames.exit_words(contained.SIGNALLED - status if status > contained.SIGNALLED else status)
        return f"{words}: {self._said()}" if status in _NOT_STARTED else words

    def _said(self) -> str:
        return " ".join(self._log.text().split())[-_MAX_WORDS:]

    def seal_log(self) -> None:
        """Keep nothing of what is printed from now on."""
        self._log.seal()

    def interrupt(self) -> None:
        """Send Ctrl-C to the container's first process alone."""
        if self._engine.has_names:
            _ask(self._engine.kill(self.container, "INT"))
        else:  # its client passes signals on
            self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End the container."""
        self._end("closed")

    def _end(self, reason: KillReason) -> None:
        """End the container; the first reason given is kept."""
        with self._lock:
            self._reason = self._reason or reason
        if self._engine.has_names:
            _ask(self._engine.kill(self.container))
        else:
            _end_group(self._process)

    def close(self) -> str:
        """End and remove the container, and return the log."""
        if self._final_log is None:
            self._reason = self._reason or self.kill_reason or "closed"
            self._stopped.set()
            self._thread.join()
            self._remove()
            self.channel.close()
            self._final_log = self._log.text()
        return self._final_log

    def _remove(self) -> None:
        if self._engine.has_names:
            _ask(self._engine.remove([self.container]))
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_CLIENT_SECONDS)
                return
        _end_group(self._process)
        self._process.wait()
        if self._engine.has_names:  # its client may have made it only after it was to be removed
            _ask(self._engine.remove([self.container]))

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _ask(command: list[str]) -> str:
    """Return what a command of the engine printed, empty if it failed or took too long."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=False)
        return ran.stdout.strip() if ran.returncode == 0 else ""
    return ""


def _final_state(engine: Engine, name: str) -> str:
    """Return the state of a container whose client has ended; of one that has not, after a while."""
    if not engine.has_names:
        return "exited unknown"
    state = ""
    for attempt in range(_ASKS):
        time.sleep(_LOOK_SECONDS if attempt else 0.0)
        state = _ask(engine.state(name))
        if state.startswith(("exited", "stopped")):
            break
    return state


def _remove_leftovers(engine: Engine) -> None:
    """Remove containers of graders that have ended without doing it."""
    if not engine.has_names:
        return
    left = [name for name in _ask(engine.leftovers()).split() if is_left_behind(name)]
    if left:
        _ask(engine.remove(left))


def why_not() -> str:
    """Return why this rung cannot be used here, empty if it can: by looking around in a container."""
    limits = Limits(memory_bytes=256 * 1024**2)
    return why_no_job(Containers, _LOOK, limits) or _why_unlimited(limits)


def _why_unlimited(limits: Limits) -> str:
    """Return what is wrong if a container may use more memory than ``limits``, or does not tell."""
    try:
        with closing(Containers()) as sandbox, sandbox.launch(limits) as box:
            try:
                look_around(box, _HOG, limits)
            except ProcessEndedError:
                words = box.exit_words()
                return "" if box.kill_reason == "memory" else f"too much memory ends it with {words}, unexplained"
    except (SandboxError, OSError) as error:
        return str(error)
    return "its memory is not limited"


#: Touches more shared memory than is allowed: no other limit than the container's ends that.
_HOG = """
import mmap, time
memory = mmap.mmap(-1, 384 << 20)
for place in range(0, 384 << 20, 4096):
    memory[place] = 1
time.sleep(1)
faults = []
"""
_LOOK = """
import os
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
interfaces = [line.split(":")[0].strip() for line in open("/proc/net/dev").read().splitlines()[2:]]
roots = [mount[3].split(",") for mount in map(str.split, open("/proc/mounts")) if mount[1] == "/"]
wanted = {
    "it runs as user 0": 0 not in (*os.getresuid(), *os.getresgid()),
    "it has capabilities": int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0,
    "it has a network": set(interfaces) <= {"lo"},
    "its root can be written to": "ro" in roots[-1],
}
faults = [fault for fault, is_well in wanted.items() if not is_well]
"""
