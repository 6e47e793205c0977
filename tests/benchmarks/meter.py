"""What commands cost: CPU, wall time and peak memory of the whole tree of processes.

CPU seconds are user and system time. Where a cgroup v2 can be made (as root, or in a delegated subtree) they are
``usage_usec`` of a cgroup that holds all the processes and nothing else, which counts every one of them, waited for
or not. Elsewhere they are the difference of ``getrusage(RUSAGE_CHILDREN)``, with this process as the subreaper of
orphans: it misses processes that are killed with their namespace, which makes ours at rung ns look far cheaper than
it is (measured: 4 s instead of 16), so nothing is judged by it. Peak memory is the largest sum of proportional set
sizes (PSS, each shared page counted once) over the tree, sampled: a peak shorter than the interval can be missed.
Where PSS may not be read it is the resident size, which counts shared pages again and again.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

SAMPLE_SECONDS = 0.25
#: For one command; a slower one is killed and the contestant counts as failed.
COMMAND_SECONDS = 1800.0
#: For processes that a command leaves behind.
_LEFTOVER_SECONDS = 10.0
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Command:
    """One command to be measured. ``environment`` is all that it gets; its output goes to ``log``."""

    arguments: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    log: Path


@dataclass(frozen=True, slots=True)
class Cost:
    """What a batch cost. ``others_cores`` is the CPU that the rest of the machine used meanwhile, in cores."""

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int
    others_cores: float
    leftovers: int


class Meter:
    """Measures commands, one batch at a time. ``method`` says how, ``is_complete`` if no process can be missed."""

    def __init__(self) -> None:
        self._parent = _cgroup_parent()
        self.is_complete = self._parent is not None
        cpu = "cgroup v2 usage_usec" if self._parent else "getrusage(RUSAGE_CHILDREN), subreaper"
        self.method = f"CPU: {cpu}; memory: largest sum of PSS over the tree, every {SAMPLE_SECONDS:g} s"
        # Orphans come to this process, so that their time is counted and none is left.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def measure(self, commands: Sequence[Command], workers: int) -> Cost:
        """Run ``commands``, ``workers`` at a time, and return what they cost.

        Raises RuntimeError with the end of the log for the first that fails or takes too long.
        """
        place = contextlib.nullcontext() if self._parent is None else _group(self._parent)
        with place as group, _Sampler(group) as sampler:
            children, busy, began = _children_seconds(), _busy_seconds(), time.monotonic()
            with ThreadPoolExecutor(workers) as threads:
                try:
                    list(threads.map(lambda command: _run(command, group), commands))
                except BaseException:
                    threads.shutdown(wait=False, cancel_futures=True)
                    _kill(group)
                    raise
            wall = time.monotonic() - began
            leftovers = _end_leftovers(group)
            busy = _busy_seconds() - busy
            cpu = _children_seconds() - children if group is None else _group_seconds(group)
        return Cost(cpu, wall, sampler.peak_bytes, max(0.0, busy - cpu) / wall, leftovers)


def _run(command: Command, group: Path | None) -> None:
    arguments = list(command.arguments)
    if group is not None:  # a shell that enters the cgroup and becomes the command
        script = 'echo $$ > "$0" && exec "$@"'
        arguments = ["/bin/sh", "-c", script, str(group / "cgroup.procs"), *arguments]
    with command.log.open("wb") as log:
        process = subprocess.Popen(
            arguments,
            cwd=command.folder,
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            status = process.wait(COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
    if status != 0:
        tail = command.log.read_text(errors="replace")[-1500:]
        raise RuntimeError(f"{' '.join(command.arguments[:4])} ended with {status}:\n{tail}")


def _cgroup_parent() -> Path | None:
    """Return a cgroup v2 folder in which this process may make and enter groups, or None."""
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    root = next((Path(line.split()[1]) for line in mounts if line.split()[2] == "cgroup2"), None)
    own = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    path = next((line[3:] for line in own if line.startswith("0::")), None)
    if root is None or path is None:
        return None
    parent = root / path.lstrip("/")
    try:
        with _group(parent) as group:
            enter = ["/bin/sh", "-c", 'echo $$ > "$0"', str(group / "cgroup.procs")]
            subprocess.run(enter, check=True, stderr=subprocess.DEVNULL)
            return parent if _group_seconds(group) > 0 else None
    except (OSError, subprocess.CalledProcessError):
        return None


@contextlib.contextmanager
def _group(parent: Path) -> Iterator[Path]:
    """Make a fresh cgroup below ``parent``, and remove it with all that is in it."""
    group = parent / f"grade-benchmark-{os.getpid()}"
    group.mkdir()
    try:
        yield group
    finally:
        _kill(group)
        for _ in range(100):  # a killed process leaves its group a moment later
            with contextlib.suppress(OSError):
                group.rmdir()
                break
            time.sleep(0.05)


def _group_seconds(group: Path) -> float:
    lines = (group / "cpu.stat").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("usage_usec")) / 1e6


def _members(group: Path | None) -> list[int]:
    """Return the measured processes' ids: those in the group, or all descendants of this process."""
    if group is not None:
        return [int(line) for line in (group / "cgroup.procs").read_text(encoding="ascii").split()]
    alive = psutil.Process().children(recursive=True)
    return [child.pid for child in alive if child.status() != psutil.STATUS_ZOMBIE]


def _end_leftovers(group: Path | None) -> int:
    """Return how many processes outlived the command by 10 s, and kill those."""
    deadline = time.monotonic() + _LEFTOVER_SECONDS
    while time.monotonic() < deadline:
        _reap()
        if not _members(group):
            return 0
        time.sleep(0.05)
    left = len(_members(group))
    _kill(group)
    return left


def _kill(group: Path | None) -> None:
    for pid in _members(group):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)
    _reap()


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


class _Sampler:
    """Keeps the largest sum of PSS over the measured processes, while it is entered."""

    def __init__(self, group: Path | None) -> None:
        self.peak_bytes = 0
        self._group = group
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="memory-sampler", daemon=True)

    def _loop(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            with contextlib.suppress(OSError, psutil.Error):
                self.peak_bytes = max(self.peak_bytes, sum(map(_pss_bytes, _members(self._group))))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def _pss_bytes(pid: int) -> int:
    process = Path("/proc", str(pid))
    try:
        lines = (process / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return 0
    except PermissionError:  # another user's, and this one is not root: shared pages are counted in full
        return int((process / "statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
