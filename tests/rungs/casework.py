"""What the cases share. A case gets a sandbox, and asserts; each student's program is harmless even unconfined."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import psutil
from execution_helpers import QUICK, module_job, values

from grader.execution import execute
from grader.model import Job, Limits, Run, Stop
from grader.sandbox import Sandbox

T = TypeVar("T")
MIB = 1024**2
NOBODY = 65534
SHORT = replace(QUICK, timeout_seconds=1.5)
CASES: list[Callable[[Sandbox], None]] = []
TRY = """
def tried(action, *arguments):
    try:
        return action(*arguments)
    except Exception as error:
        return "refused: " + type(error).__name__
"""


def case(function: Callable[[Sandbox], None]) -> Callable[[Sandbox], None]:
    """Add a case to the suite."""
    CASES.append(function)
    return function


def run(sandbox: Sandbox, job: Job, stop: Stop = Stop.FINISHED) -> Run:
    """Return the run, which must have ended as ``stop`` at the sandbox's own rung, with an answer to each probe."""
    found = execute(job, sandbox)
    assert (found.stop, found.isolation) == (stop, sandbox.name), f"{found.detail} {found.log} {found.errors}"
    assert tuple(observation.probe for observation in found.observations) == job.probes
    return found


def seen(sandbox: Sandbox, source: str, names: str = "x", limits: Limits = QUICK) -> list[object]:
    """Return the values that a module has for ``names``."""
    found = run(sandbox, module_job(TRY + source, names, limits))
    assert found.errors == ()
    return [values(found)[name] for name in names.split()]


def refused(found: object) -> bool:
    """Return whether student code was refused something."""
    return isinstance(found, str) and found.startswith("refused")


@contextlib.contextmanager
def outside() -> Iterator[Path]:
    """Yield a folder of the host that DAC would let anybody read and write."""
    with tempfile.TemporaryDirectory(prefix="rungs-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "secret.txt").write_text("the answer")
        (folder / "secret.txt").chmod(0o666)
        folder.chmod(0o777)
        yield folder


def named(name: str) -> list[psutil.Process]:
    """Return the processes that gave themselves this name."""
    return [one for one in psutil.process_iter(["name"]) if one.info["name"] == name]


def wait_for(find: Callable[[], T], seconds: float = 60.0, to_end: Sequence[psutil.Process] = ()) -> T:
    """Return what is found once it is true. In vain, processes ``to_end`` are ended, and the case fails."""
    deadline = time.monotonic() + seconds
    while not (found := find()):
        if time.monotonic() > deadline:
            for process in to_end:
                process.kill()
            raise AssertionError("waited in vain")
        time.sleep(0.05)
    return found
