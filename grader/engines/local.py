"""The default engine: threads on this machine, each supervising one confined process at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import psutil

from grader.execution import CancelledError, environment, execute
from grader.model import Failure, Job, Observation, Run, Stop
from grader.sandbox import Sandbox

_ATTEMPTS = 2
#: Share of the memory that is free at the start which jobs may declare together.
_MEMORY_SHARE = 0.8


def default_workers() -> int:
    """Return how many jobs to run at once: one for each processor core that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


class LocalPool:
    """Runs jobs in ``sandbox``, ``workers`` at a time (default: one for each core).

    A job is held back while the memory limits of those running and its own add up to more than ``memory_bytes``
    (default: most of what is free). One that alone wants more is run by itself. A memory limit is all that a job may
    take: where a rung gives it folders in memory, their files count towards it.
    """

    def __init__(self, sandbox: Sandbox, workers: int | None = None, memory_bytes: int | None = None) -> None:
        if workers is not None and workers < 1:
            raise ValueError(f"workers is {workers}; expected at least 1, or None for one for each core")
        self._sandbox = sandbox
        self._workers = workers or default_workers()
        self._memory_bytes = memory_bytes or int(psutil.virtual_memory().available * _MEMORY_SHARE)

    def run(self, jobs: Iterable[tuple[str, Job]]) -> Iterator[tuple[str, Run]]:
        """Yield ``(key, run)`` as jobs complete. When it is closed or interrupted, no process is left."""
        cancel = threading.Event()
        pending: dict[Future[Run], tuple[str, Job]] = {}
        with ThreadPoolExecutor(self._workers, thread_name_prefix="grade-worker") as threads:
            try:
                for key, job in jobs:
                    while pending and not self._fits(job, pending.values()):
                        yield from _completed(pending)
                    pending[threads.submit(self._attempt, job, cancel)] = (key, job)
                    if len(pending) >= self._workers:
                        yield from _completed(pending)
                while pending:
                    yield from _completed(pending)
            finally:
                cancel.set()

    def _fits(self, job: Job, running: Iterable[tuple[str, Job]]) -> bool:
        declared = sum(other.limits.memory_bytes for _, other in running)
        return declared + job.limits.memory_bytes <= self._memory_bytes

    def _attempt(self, job: Job, cancel: threading.Event) -> Run:
        """Return the run; one that failed for a reason of ours is tried once more."""
        run = self._execute(job, cancel)
        for _ in range(_ATTEMPTS - 1):
            if run.stop is not Stop.INFRASTRUCTURE or cancel.is_set():
                break
            run = self._execute(job, cancel)
        return run

    def _execute(self, job: Job, cancel: threading.Event) -> Run:
        try:
            return execute(job, self._sandbox, cancel)
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - one job's fault, ours too, must not stop the batch
            return _failed(job, self._sandbox.name, f"the grader failed: {type(error).__name__}: {error}")


def _completed(pending: dict[Future[Run], tuple[str, Job]]) -> Iterator[tuple[str, Run]]:
    """Wait for at least one job and yield those that are done."""
    done, _ = wait(pending, return_when=FIRST_COMPLETED)
    for future in done:
        yield pending.pop(future)[0], future.result()


def _failed(job: Job, isolation: str, detail: str) -> Run:
    observations = tuple(Observation(probe, Failure("not_run", detail)) for probe in job.probes)
    return Run(Stop.INFRASTRUCTURE, 0.0, isolation, environment(), detail=detail, observations=observations)
