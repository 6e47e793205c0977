"""Watching a tree of processes and ending it, and removing what a killed grader could not."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from execution_helpers import module_job, values
from namespace_helpers import needs_ns, outcome

from grader.cli import run
from grader.execution import execute
from grader.model import Limits
from grader.sandbox import Swept, leftovers, sweep
from grader.sandbox.guard import Guard, Watch
from grader.sandbox.leftovers import MARK, owner, private_folder

if sys.platform == "linux":
    from grader.sandbox.namespaces import Namespaces
    from grader.sandbox.tree import TreeGuard

MIB = 1024**2
HOLD = "import sys, time\nkept = b'x' * {bytes}\nprint('ready', flush=True)\ntime.sleep(1000)"


@dataclass
class Started:
    """A process that holds memory, and the mark that it carries."""

    process: subprocess.Popen[bytes]
    mark: tuple[str, str]

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait(self) -> None:
        self.process.wait(timeout=30)


Start = Callable[[int], Started]
Make = Callable[[Started, int, threading.Event], Watch]


@pytest.fixture
def start() -> Iterator[Start]:
    with contextlib.ExitStack() as stack:

        def started(size: int) -> Started:
            command, mark = [sys.executable, "-c", HOLD.format(bytes=size)], (MARK, secrets.token_hex(8))
            variables = {**os.environ, mark[0]: mark[1]}
            process = subprocess.Popen(command, stdout=subprocess.PIPE, env=variables, start_new_session=True)
            stack.enter_context(process)
            stack.callback(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            return Started(process, mark)

        yield started


def by_descendants(started: Started, most: int, cancel: threading.Event) -> Watch:
    return Guard(started.pid, started.mark, most, cancel)


def by_namespace(started: Started, most: int, cancel: threading.Event) -> Watch:
    guard = TreeGuard(os.pidfd_open(started.pid), started.pid, most, cancel)
    guard._shared_bytes = 0  # nothing of it is a warm process's
    return guard


GUARDS = [
    by_descendants,
    pytest.param(by_namespace, marks=pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")),
]


@pytest.mark.parametrize("make", GUARDS)
def test_a_tree_that_takes_too_much_is_ended(make: Make, start: Start) -> None:
    large, small = start(200 * MIB), start(MIB)
    guards = [make(one, 100 * MIB, threading.Event()) for one in (large, small)]
    large.wait()
    assert [guard.reason for guard in guards] == ["memory", ""]
    assert small.process.poll() is None
    for guard in guards:
        guard.stop()
    assert [guard.reason for guard in guards] == ["memory", "closed"]
    small.wait()


@pytest.mark.parametrize("make", GUARDS)
def test_a_cancel_ends_it_and_the_first_reason_is_kept(make: Make, start: Start) -> None:
    cancel, one = threading.Event(), start(MIB)
    guard = make(one, 1000 * MIB, cancel)
    cancel.set()
    one.wait()
    guard.kill("memory")
    guard.stop()
    assert guard.reason == "cancelled"


@needs_ns
def test_files_in_memory_count_and_what_is_mapped_of_them_counts_once(sandbox: Namespaces) -> None:
    limits = Limits(timeout_seconds=30.0, memory_bytes=256 * MIB)
    files = "import os, time\nopen('/tmp/work/a', 'wb').write(bytes(120 << 20))\n"
    files += "open('/dev/shm/b', 'wb').write(bytes(100 << 20))\ntime.sleep(0.5)\nx = 1\n"
    ran = execute(module_job(files, "x", limits), sandbox)
    assert (outcome(ran), values(ran)) == (("finished", ""), {"x": 1})
    ran = execute(module_job(f"{files}kept = b'x' * (60 << 20)\ntime.sleep(5)", "x", limits), sandbox)
    assert outcome(ran) == ("memory", "the memory limit of 256 MiB was exceeded; what was computed is lost")
    shared = """
import mmap, os, time
file = open("/dev/shm/b", "w+b")
file.truncate(100 << 20)
seen = mmap.mmap(file.fileno(), 0)
seen[:] = bytes(100 << 20)
for _ in range(3):
    if os.fork() == 0:
        sum(seen[::4096])
        time.sleep(0.5)
        os._exit(0)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
x = 1
"""
    ran = execute(module_job(shared, "x", limits), sandbox)
    assert (outcome(ran), values(ran)) == (("finished", ""), {"x": 1})


@needs_ns
def test_private_copies_of_a_mapped_file_are_memory(sandbox: Namespaces) -> None:
    # Twelve processes, each well below the limit of one process.
    copies = """
import mmap, os, time
with open("/dev/shm/b", "wb") as file:
    file.truncate(60 << 20)
for _ in range(12):
    if os.fork() == 0:
        with open("/dev/shm/b", "r+b") as file:
            own = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE)
        own[:] = b"x" * (60 << 20)
        time.sleep(20)
        os._exit(0)
time.sleep(20)
"""
    ran = execute(module_job(copies, "", Limits(timeout_seconds=30.0, memory_bytes=256 * MIB)), sandbox)
    assert ran.stop == "memory"


# --- what a killed grader left -----------------------------------------------------------------------------

_GRADER = """
import subprocess, sys
from pathlib import Path
from grader.sandbox import leftovers
from grader.sandbox.leftovers import MARK, owner, private_folder
leftovers.temporary_place = lambda: Path(sys.argv[1])
folder = private_folder()
(folder / "work").mkdir(mode=0o700)
(folder / "work" / "x").write_text("x")
(folder / "work").chmod(0)
left = subprocess.Popen(["sleep", "1000"], env={MARK: f"{owner()}-1234"}, start_new_session=True)
print(folder, left.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.name != "posix", reason="signals and modes as POSIX has them")
def test_folders_and_processes_of_a_killed_grader_are_swept_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "temporary_place", lambda: tmp_path)  # elsewhere, others may sweep at any time
    mine = private_folder()
    assert owner() in mine.name
    others = [mine.with_name(name) for name in ("grade-notes", f"grade-{owner()}", "grade-1-1-1-abc")]
    for folder in others:
        folder.mkdir()
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", _GRADER, str(tmp_path)]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as grader:
        assert grader.stdout is not None
        name, number = grader.stdout.readline().split()
        folder, left = Path(name), psutil.Process(int(number))
        assert sweep() == Swept()  # it still runs
        assert (folder.is_dir(), left.is_running()) == (True, True)
        grader.send_signal(signal.SIGKILL)
    link = folder.with_name(f"{folder.name.rpartition('-')[0]}-link")
    link.symlink_to(mine)
    assert sweep() == Swept(folders=1, processes=1)
    assert not folder.exists()
    assert [one.is_dir() for one in (mine, *others, link)] == [True] * 5
    assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE
    assert sweep() == Swept()


def test_the_doctor_tells_what_was_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("grader.cli.machine.sweep", lambda: Swept(3, 2))
    monkeypatch.chdir(tmp_path)
    run(["doctor"])
    assert "removed 3 folders, ended 2 processes" in " ".join(capsys.readouterr().out.replace("│", " ").split())
