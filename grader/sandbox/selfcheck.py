"""The bottom rung: a subprocess with rlimits and a time limit. Against accidents only.

It does not keep student code from reading files, using the network or reaching other processes of the same
user. It does keep an endless loop, a runaway allocation, a flood of output, a crash or a leftover process
from disturbing anything else. It works on every system.
"""

from __future__ import annotations

import contextlib
import os
import queue
import secrets
import signal
import site
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from grader.errors import SandboxError
from grader.model import Limits
from grader.sandbox.base import KillReason
from grader.sandbox.channel import LogDrain, PipeChannel
from grader.sandbox.guard import Guard
from grader.sandbox.inside import frames
from grader.sandbox.leftovers import MARK, owner, private_folder, remove_folder
from grader.threads import THREAD_VARIABLES

#: What a process that stands by imports in any case.
ALWAYS = ("numpy", "IPython")
_FOLDERS = ("work", "home", "tmp", "home/run")


class SelfCheck:
    """The rung ``selfcheck``.

    With ``standby`` the next process is started as soon as one has ended, and imports ahead what the last one needed:
    whoever checks a hand-in again and again does not wait for that. Nothing is forked, so it works on every system.
    """

    def __init__(self, *, standby: bool = False) -> None:
        self._standby = Standby() if standby else None

    @property
    def name(self) -> str:
        """``selfcheck``."""
        return "selfcheck"

    def close(self) -> None:
        """End the process that stands by. May be called twice."""
        if self._standby is not None:
            self._standby.close()

    def launch(self, limits: Limits, cancel: threading.Event | None = None) -> LocalProcess:
        """Return a fresh process. Raises SandboxError if its folder or the process cannot be made."""
        if self._standby is None:
            return launch_local(limits, cancel)
        return self._standby.launch(limits, cancel)


def launch_local(limits: Limits, cancel: threading.Event | None = None, ahead: Sequence[str] = ()) -> LocalProcess:
    """Return a fresh process, which imports the modules named in ``ahead`` before it answers. Raises SandboxError."""
    try:
        folder = make_folder()
    except OSError as error:
        raise SandboxError(f"no private folder could be made: {error}") from error
    try:
        return LocalProcess(folder, limits, cancel, ahead)
    except OSError as error:
        remove_folder(folder)
        raise SandboxError(f"{sys.executable} could not be started: {error}") from error


class Standby:
    """Keeps one process ready. It is started by a thread of its own: on Linux it ends with what started it."""

    def __init__(self) -> None:
        self._spare: tuple[Limits, LocalProcess] | None = None
        self._wanted: queue.Queue[tuple[Limits, LocalProcess] | None] = queue.Queue()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._keep, daemon=True, name="grade-standby")
        self._thread.start()

    def launch(self, limits: Limits, cancel: threading.Event | None) -> LocalProcess:
        """Return the process that stands by, or a new one. Raises SandboxError."""
        with self._lock:
            spare, self._spare = self._spare, None
        if spare is not None and spare[0] == limits and spare[1].is_alive():
            process = spare[1]
            process.cancel_with(cancel)
        else:
            if spare is not None:
                spare[1].close()
            process = launch_local(limits, cancel)
        self._wanted.put((limits, process))
        return process

    def _keep(self) -> None:
        while (wanted := self._wanted.get()) is not None:
            self._replace(*wanted)
            self._wanted.task_done()

    def _replace(self, limits: Limits, last: LocalProcess) -> None:
        """Start a process as soon as the ``last`` one has ended, unless that is not the last one any more."""
        last.wait()
        if self._wanted.empty():
            with contextlib.suppress(SandboxError):  # then the next one is started when it is asked for
                process = launch_local(limits, ahead=(*ALWAYS, *limits.preload))
                with self._lock:
                    self._spare = limits, process

    def close(self) -> None:
        """End the process. May be called twice."""
        self._wanted.put(None)
        self._thread.join()
        if self._spare is not None:
            self._spare[1].close()


def why_not() -> str:
    """Return an empty text: this rung can be used everywhere."""
    return ""


class LocalProcess:
    """Implements ``Confined``: one subprocess with its guard, channel, log and private ``folder``."""

    def __init__(self, folder: Path, limits: Limits, cancel: threading.Event | None, ahead: Sequence[str] = ()) -> None:
        mark = (MARK, f"{owner()}-{secrets.token_hex(8)}")
        self.folder = folder
        self._final_log: str | None = None
        self._process = _start(folder, dict([mark]), ahead)
        assert self._process.stdin is not None  # noqa: S101 - PIPE was asked for
        assert self._process.stdout is not None  # noqa: S101
        assert self._process.stderr is not None  # noqa: S101
        self._log = LogDrain(self._process.stderr, limits.output_bytes)
        self.channel = PipeChannel(self._process.stdin, self._process.stdout, self.is_alive)
        self._guard = Guard(self._process.pid, mark, limits.memory_bytes, cancel)

    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self._process.poll() is None

    def wait(self) -> None:
        """Wait for the process's end."""
        self._process.wait()

    def cancel_with(self, cancel: threading.Event | None) -> None:
        """End the process when ``cancel`` is set."""
        self._guard.cancel = cancel

    @property
    def kill_reason(self) -> KillReason:
        """Why the sandbox ended the process, if it did."""
        return self._guard.reason

    def peak_bytes(self) -> int:
        """Return the most memory that it was seen to use."""
        return self._guard.peak_bytes()

    def exit_words(self) -> str:
        """Return how the process ended, in words."""
        try:
            return frames.exit_words(self._process.wait(timeout=1.0))
        except subprocess.TimeoutExpired:
            return "it closed its pipe"

    def seal_log(self) -> None:
        """Keep nothing of what is printed from now on."""
        self._log.seal()

    def interrupt(self) -> None:
        """Send Ctrl-C to the job's process alone."""
        wanted = signal.SIGINT if os.name == "posix" else signal.CTRL_BREAK_EVENT  # type: ignore[attr-defined]
        if self._process.poll() is None:
            self._process.send_signal(wanted)

    def kill(self) -> None:
        """End the tree."""
        self._guard.kill("closed")

    def close(self) -> str:
        """End the tree, remove the folder and return the log."""
        if self._final_log is None:
            self._guard.stop()
            self._process.wait()
            self.channel.close()
            self._final_log = self._log.text()
            remove_folder(self.folder)
        return self._final_log

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def make_folder() -> Path:
    """Return a new private folder with those that a job needs in it. Raises OSError."""
    folder = private_folder()
    for name in _FOLDERS:
        (folder / name).mkdir(mode=0o700)
    return folder


def _start(folder: Path, mark: dict[str, str], ahead: Sequence[str]) -> subprocess.Popen[bytes]:
    start = Path(__file__).parent / "inside" / "start.py"
    # -P: neither the script's folder nor the working folder is put first on sys.path.
    return subprocess.Popen(
        [sys.executable, "-P", "-s", str(start), "job", *ahead],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        cwd=folder / "work",
        env=environment_variables(folder) | mark,
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def environment_variables(folder: Path) -> dict[str, str]:
    """Return all that the process gets to see: nothing of the host's environment but where programs are."""
    home, temporary = str(folder / "home"), str(folder / "tmp")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.defpath, "/usr/local/bin"))
    variables = {
        "PATH": path if os.name == "posix" else os.environ.get("PATH", ""),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": home,
        "TMPDIR": temporary,
        "TEMP": temporary,
        "TMP": temporary,
        "IPYTHONDIR": f"{home}/ipython",
        "JUPYTER_CONFIG_DIR": f"{home}/jupyter",
        "JUPYTER_DATA_DIR": f"{home}/jupyter",
        "JUPYTER_RUNTIME_DIR": f"{home}/run",
        "JUPYTER_PLATFORM_DIRS": "1",
        "KERAS_BACKEND": "torch",
        # Where pip is run all the same, it says at once what is installed and what is not, and waits for no network.
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **THREAD_VARIABLES,
    }
    if site.ENABLE_USER_SITE:  # libraries installed with pip --user are found through HOME otherwise
        variables["PYTHONPATH"] = site.getusersitepackages()
    kept = ("SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT")  # Windows starts no Python without them
    return variables | {name: os.environ[name] for name in kept if name in os.environ}
