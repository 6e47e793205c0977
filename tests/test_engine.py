"""The local pool: every job gets its run, whatever happens to one; nothing is left when it is interrupted."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from execution_helpers import children, module_job, values

from grader.engines import Engine, LocalPool, default_workers
from grader.errors import SandboxError
from grader.execution import environment, execute
from grader.model import Job, Limits, Stop
from grader.sandbox import Confined, SelfCheck, available_rungs, make_sandbox
from grader.sandbox.leftovers import remove_folder


class Flaky:
    """A sandbox that fails as often as it is told, then works."""

    name = "selfcheck"

    def __init__(self, failures: int, error: Exception) -> None:
        self.launches = 0
        self._failures, self._error = failures, error

    def launch(self, limits: Limits, cancel: threading.Event | None = None) -> Confined:
        self.launches += 1
        if self.launches <= self._failures:
            raise self._error
        return SelfCheck().launch(limits, cancel)


def test_every_job_gets_its_run_and_bad_ones_stop_nobody() -> None:
    short = Limits(timeout_seconds=1.0)
    jobs = {
        "good": module_job("x = 1", "x"),
        "hangs": module_job(
            "import time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: pass", "x", short
        ),
        "dies": module_job("import os; os._exit(1)", "x"),
        "late": module_job("x = 2", "x"),
    }
    engine: Engine = LocalPool(SelfCheck(), workers=2)
    runs = dict(engine.run(jobs.items()))
    assert {key: run.stop for key, run in runs.items()} == {
        "good": Stop.FINISHED, "hangs": Stop.TIMEOUT, "dies": Stop.KILLED, "late": Stop.FINISHED,
    }  # fmt: skip
    assert (values(runs["good"]), values(runs["late"])) == ({"x": 1}, {"x": 2})
    assert children() == []


@pytest.mark.parametrize("error", [SandboxError("no room"), OSError("no room")])
def test_a_fault_of_ours_is_tried_once_more(error: Exception) -> None:
    once = Flaky(1, error)
    [(key, run)] = LocalPool(once, 1).run([("a", module_job("x = 1", "x"))])
    assert (key, run.stop, once.launches) == ("a", Stop.FINISHED, 2)
    always = Flaky(9, error)
    [(_, run)] = LocalPool(always, 1).run([("a", module_job("x = 1", "x"))])
    assert (run.stop, run.detail, always.launches) == (Stop.INFRASTRUCTURE, "no room", 2)


def test_an_error_in_the_grader_is_one_runs_not_the_batchs() -> None:
    engine = LocalPool(Flaky(9, KeyError("bug")), 1)
    [(_, run)] = engine.run([("a", module_job("x = 1", "x"))])
    assert (run.stop, run.detail) == (Stop.INFRASTRUCTURE, "the grader failed: KeyError: 'bug'")
    assert len(run.observations) == 1


def endless() -> Iterator[tuple[str, Job]]:
    yield "quick", module_job("x = 1")
    for number in range(1000):
        yield str(number), module_job("import subprocess\nsubprocess.run(['sleep', '1000'])")


def test_jobs_are_read_as_needed_and_closing_ends_them() -> None:
    taken = []

    def jobs() -> Iterator[tuple[str, Job]]:
        for key, job in endless():
            taken.append(key)
            yield key, job

    runs = LocalPool(SelfCheck(), 2).run(jobs())
    assert next(runs)[0] == "quick"
    runs.close()  # type: ignore[attr-defined]
    assert len(taken) <= 3
    assert children() == []


def test_an_interrupt_ends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = LocalPool(SelfCheck(), 2).run(endless())
    assert next(runs)[0] == "quick"

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("grader.engines.local.wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(runs)
    assert children() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with the one that started it")
def test_no_process_outlives_a_grader_that_is_killed() -> None:
    source = """
import sys
sys.path.insert(0, "tests")
from execution_helpers import module_job, notebook_job, execute, SelfCheck
import threading
loop = "import time\\nwhile True: time.sleep(1)"
for job in (module_job(loop), notebook_job(loop)):
    threading.Thread(target=execute, args=(job, SelfCheck()), daemon=True).start()
sys.stdin.read()
"""
    root = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", source], cwd=root, stdin=subprocess.PIPE) as grader:
        processes = wait_until(lambda: psutil.Process(grader.pid).children(recursive=True), 3)
        folders = {Path(process.cwd()).parent for process in processes}
        grader.kill()
    wait_until(lambda: [None] * (not any(map(psutil.Process.is_running, processes))), 1)
    for folder in folders:
        remove_folder(folder)


def wait_until(find: Callable[[], list[Any]], count: int) -> list[Any]:
    """Return what is found once there are ``count`` of it: a job, another job, and that one's kernel."""
    for _ in range(1000):
        found = find()
        if len(found) >= count:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited for {count}, found {found}")


MEBIBYTE = 1024**2
SIZES = [300, 300, 700, 100, 2000, 100]


def most_together(budget: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return the most MiB that jobs of these sizes declared while two or more ran at a time."""
    running: list[int] = []
    seen = [0]

    def noted(_: LocalPool, job: Job, cancel: threading.Event) -> Any:
        running.append(job.limits.memory_bytes // MEBIBYTE)
        cancel.wait(0.05)
        if len(running) > 1:
            seen.append(sum(running))
        running.remove(job.limits.memory_bytes // MEBIBYTE)
        return job

    monkeypatch.setattr(LocalPool, "_attempt", noted)
    jobs = {str(i): module_job("x = 1", "x", Limits(memory_bytes=size * MEBIBYTE)) for i, size in enumerate(SIZES)}
    assert {key for key, _ in LocalPool(SelfCheck(), 3, budget * MEBIBYTE).run(jobs.items())} == set(jobs)
    return max(seen)


def test_heavy_jobs_are_held_back_until_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert most_together(750, monkeypatch) <= 750
    assert most_together(10_000, monkeypatch) > 750


COUNTED = """
import os
set_to = sorted({value for name, value in os.environ.items() if name.endswith("_NUM_THREADS")})
try:
    import torch
    torch_has = torch.get_num_threads()
except ImportError:
    torch_has = {threads}
import numpy
for _ in range(20):
    numpy.ones((600, 600)) @ numpy.ones((600, 600))
running = len(os.listdir("/proc/self/task"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
@pytest.mark.parametrize("rung", [rung.name for rung in available_rungs() if rung.available])
def test_a_job_has_as_many_threads_as_the_environment_says(rung: str) -> None:
    threads = environment().threads
    source = COUNTED.replace("{threads}", str(threads))
    with closing(make_sandbox(rung)) as sandbox:
        run = execute(module_job(source, "set_to torch_has running"), sandbox)
    assert (run.stop, run.detail) == (Stop.FINISHED, "")
    assert values(run) == {"set_to": [str(threads)], "torch_has": threads, "running": threads}


def test_workers() -> None:
    assert default_workers() >= 1
    with pytest.raises(ValueError, match=re.escape("workers is 0; expected at least 1")):
        LocalPool(SelfCheck(), 0)
