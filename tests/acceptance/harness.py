"""Running a case in a rung, with neighbours beside it, and what must hold of everybody afterwards."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from grader.engines import LocalPool
from grader.execution import execute
from grader.model import Job, Limits, Probe, Run, Stop
from grader.sandbox import Sandbox

from .case import QUICK, Case
from .host import Host
from .programs import NEIGHBOUR, NEIGHBOURLY, PRELUDE

#: What the names of files begin with that a confined program may leave: other processes of this suite have others.
MARK = f"left-{os.getpid()}-"
#: Where a program could leave something for others.
PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/run/lock")
_PR_SET_CHILD_SUBREAPER = 36
_MAX_NEIGHBOURS = 12
#: A rung may replace its warm process after a thousand jobs; here one that has gone was lost to an attack.
MOST_CASES = 60
_TRIES = 3
_NEIGHBOUR_LIMITS = Limits(timeout_seconds=30.0, output_bytes=QUICK.output_bytes)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case: the attack's run, those beside it, and the one after it."""

    attack: Run
    neighbours: tuple[Run, ...]
    companion: Run | None
    after: Run


@dataclass
class Bench:
    """A rung in use: its sandbox, how many cases it has seen, and the preloads whose warm processes have started."""

    sandbox: Sandbox
    cases: int = 0
    warm: set[tuple[str, ...]] = field(default_factory=set)

    def warm_up(self, preload: tuple[str, ...], host: Host) -> None:
        """Start what the jobs will need, so that it is not taken for something left behind."""
        for modules in ((), preload):
            if modules not in self.warm:
                run = execute(make_job("", [], QUICK, host.target(), preload=modules), self.sandbox)
                assert (run.stop, run.detail) == (Stop.FINISHED, "")
                self.warm.add(modules)
                settled()

    def close(self) -> None:
        """End warm processes, where the rung has any."""
        close = getattr(self.sandbox, "close", None)
        if close is not None:
            close()


def become_subreaper() -> None:
    """Let orphans of this process's descendants become its children, so that survivors are found."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def living() -> set[psutil.Process]:
    """Return this process's descendants that are no zombies."""
    found = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.add(process)
    return found


def settled(seconds: float = 0.3) -> None:
    """Return once no process has come or gone for ``seconds``."""
    before, since = living(), time.monotonic()
    while time.monotonic() < since + seconds:
        time.sleep(0.02)
        if (now := living()) != before:
            before, since = now, time.monotonic()


def strangers(before: set[psutil.Process], seconds: float = 5.0) -> list[str]:
    """Return, in words, the processes that have come since ``before`` and stay, and those that have gone."""
    deadline = time.monotonic() + seconds
    while (now := living()) != before and time.monotonic() < deadline:
        time.sleep(0.02)
    left, gone = now - before, before - now
    return [f"process left: {_words(one)}" for one in left] + [f"process gone: {one.pid}" for one in gone]


def _words(process: psutil.Process) -> str:
    try:
        return f"{process.pid} {process.status()} {' '.join(process.cmdline())[:100]}"
    except psutil.Error:
        return str(process.pid)


def make_job(source: str | tuple[str, ...], names: list[str], limits: Limits, target: Mapping[str, object], *,
             preload: tuple[str, ...] = ()) -> Job:  # fmt: skip
    """Return the job of a program that finds ``target`` beside it. A tuple of texts is a notebook's cells."""
    files = (("target.json", json.dumps(target).encode()),)
    probes = tuple(Probe("value", name) for name in names)
    wanted = dataclasses.replace(limits, preload=preload)
    if isinstance(source, str):
        return Job("module", "work.py", source, files, probes, wanted)
    return Job("notebook", "work.ipynb", notebook(source), files, probes, wanted)


def notebook(cells: tuple[str, ...]) -> str:
    """Return a notebook of these code cells as JSON text."""
    code: list[dict[str, object]] = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": c, "outputs": [], "execution_count": None}
        for n, c in enumerate(cells)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": code})


def with_prelude(source: str | tuple[str, ...], before: str = "", after: str = "") -> str | tuple[str, ...]:
    """Return ``source`` with the prelude and lines around it."""
    if isinstance(source, str):
        return f"{PRELUDE}\n{before}\n{source}\n{after}"
    return (f"{PRELUDE}\n{before}", *source, *([after] if after else []))


def free_port() -> int:
    """Return a port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def told(host: Host, case: Case) -> dict[str, object]:
    """Return what the attack is told: where things are, and marks of its own."""
    return {
        **host.target(),
        "scale": case.scale,
        "mark": f"{MARK}{secrets.token_hex(6)}",
        "companion_port": free_port(),
        "companion_key": secrets.randbelow(2**30) + 2**16,
        "neighbour_seconds": 0.2,
    }


def run_case(case: Case, sandbox: Sandbox, host: Host) -> Outcome:
    """Run the attack with neighbours beside it as long as it takes, then one more job."""
    for _ in range(_TRIES):
        outcome = _run_once(case, sandbox, host)
        if outcome.companion is None or _overlap(outcome.attack, outcome.companion):
            return outcome
    raise AssertionError(f"{case.id}: attack and companion never ran at the same time")


def _run_once(case: Case, sandbox: Sandbox, host: Host) -> Outcome:
    target = told(host, case)
    token = secrets.token_hex(16)
    names = list(dict.fromkeys(["won", *case.values, *(["since", "until"] if case.companion else [])]))
    attack = make_job(with_prelude(case.source), names, case.limits, target, preload=case.preload)
    neighbour = make_job(NEIGHBOUR, list(NEIGHBOURLY), _NEIGHBOUR_LIMITS, target)
    beside = neighbour
    if case.companion:
        told_companion = {**target, "token": token}
        beside = make_job(with_prelude(case.companion), ["visits", "since", "until"], _NEIGHBOUR_LIMITS, told_companion)
    done = threading.Event()

    def jobs() -> Iterator[tuple[str, Job]]:
        if case.companion:
            yield "companion", beside
        yield "attack", attack
        for number in range(0 if case.companion else _MAX_NEIGHBOURS):
            if done.is_set():
                return
            yield f"neighbour {number}", neighbour

    runs: dict[str, Run] = {}
    for key, run in LocalPool(sandbox, workers=2).run(jobs()):
        runs[key] = run
        if key == "attack":
            done.set()
    after = execute(neighbour, sandbox)
    others = tuple(run for key, run in runs.items() if key.startswith("neighbour"))
    outcome = Outcome(runs["attack"], others, runs.get("companion"), after)
    assert token not in everything(outcome.attack), f"{case.id}: it read what a sibling held"
    return outcome


def values(run: Run) -> dict[str, object]:
    """Return what was observed, by name."""
    return {observation.probe.name: observation.value for observation in run.observations}


def _overlap(attack: Run, companion: Run) -> bool:
    one, other = values(attack), values(companion)
    times = (one["since"], one["until"], other["since"], other["until"])
    assert all(isinstance(moment, float) for moment in times), f"{attack.detail} {companion.detail} {times}"
    since, until, opened, closed = times
    return since < closed - 0.3 and until > opened + 0.3  # type: ignore[operator]


def everything(run: Run) -> str:
    """Return all that came out of a run as one text."""
    return repr((run.detail, run.log, run.notebook, run.errors, run.observations))


def leftovers() -> list[Path]:
    """Return files with the marks of this process in the host's temporary folders."""
    places = [Path(name) for name in (*PLACES, str(Path.home()))]
    return [path for place in places if place.is_dir() for path in place.glob(f"{MARK}*")]
