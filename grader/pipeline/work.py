"""Where work happens, and what a task has become."""

from __future__ import annotations

from dataclasses import dataclass

from grader.engines import Engine
from grader.model import CheckResult, Environment, Run
from grader.pipeline.tasks import Task
from grader.store import Keeper


@dataclass(frozen=True, slots=True)
class Judged:
    """A task with its run and results; no run where there was nothing to execute.

    ``run_key`` and ``results_key`` say where the two are stored; each is empty for what is not to be kept.
    """

    task: Task
    run: Run | None
    results: tuple[CheckResult, ...]
    run_key: str = ""
    results_key: str = ""


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where runs happen and are kept: the engine, the rung it confines with, this machine, and the gradebook."""

    engine: Engine
    isolation: str
    environment: Environment
    store: Keeper
