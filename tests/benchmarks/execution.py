"""Measure what execution costs, ours and others': the same 20 notebooks of twelve cells through everyone.

    python -m tests.benchmarks.execution --setup /var/tmp   # once: environments for otter and nbgrader, about 3 GB
    python -m tests.benchmarks.execution --environments /var/tmp --rounds 3 --json samples.json

One session, in which each round takes everyone with one worker and with two, every second round backwards. Prints one
table of medians with versions and the command, then what is required of ours. What is not installed is listed as
such; a contestant whose notebooks fail, or give other numbers than the floor's, is listed with the reason and never
timed. Run by hand: it takes a quarter of an hour for each round on two cores.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from grader.engines import default_workers

from .contestants import FLOOR, Batch, Contestant, all_contestants, floor_seconds
from .environments import environments, set_up
from .meter import Cost, Meter
from .notebooks import notebooks
from .results import Sample, own_seconds_differ, ratios, table

_QUICK_NOTEBOOKS = 5
_READING = (
    "Medians over rounds. CPU / floor: against the CPU of the cells themselves. Others' load: cores that the rest of "
    "the machine used meanwhile."
)


@dataclass(frozen=True, slots=True)
class _Turn:
    """One measurement to be made."""

    contestant: Contestant
    workers: int
    notebooks: int


@dataclass(slots=True)
class _Session:
    """What has been measured so far; ``expected`` is what the floor computed for each notebook."""

    meter: Meter
    samples: list[Sample] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    expected: dict[str, float] = field(default_factory=dict)


def main() -> None:
    """Run the benchmark that the command line asks for."""
    asked = _arguments()
    if asked.setup is not None:
        set_up(asked.setup)
        return
    count, rounds = (_QUICK_NOTEBOOKS, 1) if asked.quick else (asked.notebooks, asked.rounds)
    everyone = [one for one in all_contestants(*environments(asked.environments), asked.rungs) if _wanted(one, asked)]
    session = _Session(Meter())
    try:
        for turn in _turns(everyone, asked.workers, count, rounds):
            _take(turn, session)
    except KeyboardInterrupt:
        _say("interrupted; what follows is what was measured until then")
    _report(everyone, session, count)
    if asked.json is not None:
        asked.json.write_text(json.dumps([asdict(sample) for sample in session.samples], indent=1), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The benchmark of execution.", prog="tests.benchmarks.execution")
    parser.add_argument("--setup", type=Path, metavar="DIR", help="only make the others' environments in DIR")
    parser.add_argument("--environments", type=Path, metavar="DIR", default=Path(tempfile.gettempdir()))
    parser.add_argument("--rungs", nargs="+", default=["selfcheck", "ns"], help="rungs to run ours at")
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--notebooks", type=int, default=20)
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="only those with a WORD in their name")
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK_NOTEBOOKS} notebooks, one round")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there, too")
    return parser.parse_args()


def _wanted(one: Contestant, asked: argparse.Namespace) -> bool:
    # The floor always: all others are compared with what it computes.
    return not asked.only or one.name == FLOOR or any(word in one.name for word in asked.only)


def _turns(everyone: list[Contestant], workers: list[int], count: int, rounds: int) -> Iterator[_Turn]:
    """Yield who is measured when. The first pass is one notebook each, to fill caches; it warms up and is not kept."""
    present = [one for one in everyone if not one.missing]
    order = [_Turn(one, number, count) for number in workers for one in present if one.name != FLOOR]
    # A batch of one tells the start from what each further submission costs.
    order += [_Turn(one, 1, 1) for one in present if one.is_ours and count > 1]
    floor = [_Turn(one, 1, count) for one in present if one.name == FLOOR]
    yield from (_Turn(one, 1, 0) for one in present)
    for number in range(rounds):
        yield from floor + (order[::-1] if number % 2 else order)


def _take(turn: _Turn, session: _Session) -> None:
    """Measure one turn into ``session``, or note why it failed. A turn of no notebooks is a warm-up with one."""
    name = turn.contestant.name
    if name in session.failures:
        return
    try:
        with tempfile.TemporaryDirectory(prefix="grade-benchmark-") as folder:
            batch = Batch(notebooks(turn.notebooks or 1), Path(folder), turn.workers)
            cost = session.meter.measure(turn.contestant.prepare(batch), turn.workers)
            _compare(turn.contestant.read(batch), batch, session, is_floor=name == FLOOR)
            own = floor_seconds(batch) if name == FLOOR else 0.0
    except (RuntimeError, ValueError, OSError) as error:
        session.failures[name] = f"failed: {' '.join(str(error).split())[-300:]}"
        _say(f"{name}: {error}")
        return
    if turn.notebooks:
        session.samples.append(Sample(name, turn.workers, turn.notebooks, cost, own))
    _say(_words(turn, cost))


def _compare(found: dict[str, float], batch: Batch, session: _Session, *, is_floor: bool) -> None:
    """Raise ValueError unless each notebook of the batch has the floor's result (NaN: not told)."""
    if is_floor:
        session.expected.update(found)
    for name in batch.notebooks:
        if name not in found:
            raise ValueError(f"{name} was not executed")
        expected = session.expected.get(name, math.nan)
        if abs(found[name] - expected) > 1e-6:
            raise ValueError(f"{name} gave {found[name]!r}; the floor gave {expected!r}")


def _words(turn: _Turn, cost: Cost) -> str:
    what = f"{turn.notebooks} notebooks" if turn.notebooks else "warm-up"
    left = f", {cost.leftovers} processes left behind" if cost.leftovers else ""
    return (
        f"{turn.contestant.name}, {turn.workers} at a time, {what}: {cost.cpu_seconds:.1f} s CPU, "
        f"{cost.wall_seconds:.1f} s wall, {cost.peak_bytes / 1024**2:.0f} MiB{left}"
    )


def _say(words: str) -> None:
    sys.stderr.write(words + "\n")


def _report(everyone: list[Contestant], session: _Session, count: int) -> None:
    command = "python -m tests.benchmarks.execution " + shlex.join(sys.argv[1:])
    machine = f"{default_workers()} cores, {platform.platform()}, Python {platform.python_version()}"
    parts = (
        f"`{command.strip()}`",
        f"{count} notebooks of twelve cells, one BLAS thread. {machine}. {session.meter.method}. {_READING}",
        table(everyone, session.samples, session.failures, count),
        own_seconds_differ(session.samples) + _judged(everyone, session, count),
    )
    sys.stdout.write("\n\n".join(parts) + "\n")


def _judged(everyone: list[Contestant], session: _Session, count: int) -> str:
    if not session.meter.is_complete:
        return "Not judged: no cgroup could be made here, so processes that nobody waits for are missing from the CPU."
    return ratios(everyone, session.samples, count)


if __name__ == "__main__":
    main()
