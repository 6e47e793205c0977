"""Jobs in one line, for the tests of execution, of the protocol and of engines."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import psutil

from grader.execution import execute
from grader.model import Failure, Job, Limits, Plain, Probe, Run
from grader.sandbox import SelfCheck
from grader.sandbox.selfcheck import LocalProcess

QUICK = Limits(timeout_seconds=30.0)


def probes(names: str) -> tuple[Probe, ...]:
    return tuple(Probe("value", name) for name in names.split())


def module_job(source: str, names: str = "", limits: Limits = QUICK, files: dict[str, bytes] | None = None) -> Job:
    return Job("module", "work.py", source, tuple((files or {}).items()), probes(names), limits, seed=7)


def notebook_text(*cells: str) -> str:
    code = [{"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": c} for n, c in enumerate(cells)]
    full = [{**cell, "outputs": [], "execution_count": None} for cell in code]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": full})


def notebook_job(*cells: str, names: str = "", limits: Limits = QUICK, files: dict[str, bytes] | None = None) -> Job:
    return Job("notebook", "work.ipynb", notebook_text(*cells), tuple((files or {}).items()), probes(names), limits)


class Watched(SelfCheck):
    """The bottom rung, remembering the folders that it made."""

    def __init__(self) -> None:
        super().__init__()
        self.folders: list[Path] = []

    def launch(self, limits: Limits, cancel: threading.Event | None = None) -> LocalProcess:
        box = super().launch(limits, cancel)
        self.folders.append(box.folder)
        return box


def run(job: Job) -> Run:
    """Run in the bottom rung, and assert what holds for every run: an answer per probe, no folder left."""
    sandbox = Watched()
    result = execute(job, sandbox)
    assert job.probes == tuple(observation.probe for observation in result.observations)
    assert result.isolation == "selfcheck"
    assert [folder for folder in sandbox.folders if folder.exists()] == []
    return result


def values(result: Run) -> dict[str, Plain | Failure]:
    return {observation.probe.name: observation.value for observation in result.observations}


def kinds(result: Run) -> dict[str, str]:
    """Return the kind of failure by name; ``seen`` where there is a value."""
    return {name: value.kind if isinstance(value, Failure) else "seen" for name, value in values(result).items()}


def children() -> list[psutil.Process]:
    """Return what still runs below this process, after a moment for the system to take note."""
    for _ in range(50):
        alive = [
            child
            for child in psutil.Process().children(recursive=True)
            if child.is_running() and child.status() != psutil.STATUS_ZOMBIE
        ]
        if not alive:
            break
        time.sleep(0.02)
    return alive
