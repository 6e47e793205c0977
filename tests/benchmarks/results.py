"""The benchmark's samples as one table and a list of ratios, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from .contestants import NBGRADER, OTTER, Contestant
from .meter import Cost

_MEBIBYTE = 1024**2
#: By the CPU of one worker, start-up included: the competitor, the factor required, the factor aimed at.
_RATIOS = ((OTTER, 12.0, 20.0), (NBGRADER, 9.0, 15.0))
#: CPU beyond the student code's own, milliseconds for each submission at rung ns: required, aimed at.
_BEYOND = (150.0, 60.0)


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: who, with how many workers, on how many notebooks, and what it cost.

    ``own_seconds`` is the CPU of the cells themselves, told by the floor alone.
    """

    name: str
    workers: int
    notebooks: int
    cost: Cost
    own_seconds: float = 0.0


def table(contestants: Iterable[Contestant], samples: list[Sample], failures: dict[str, str], count: int) -> str:
    """Return the table of medians over ``count`` notebooks: a row for each contestant and number of workers."""
    floor = _floor_seconds(samples)
    lines = [
        "| | version | workers | CPU s | (min-max) | wall s | peak MiB | CPU / floor | others' load | rounds |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for contestant in contestants:
        if contestant.missing or contestant.name in failures:
            reason = (contestant.missing or failures[contestant.name]).replace("|", "/")
            lines.append(f"| {contestant.name} | {reason}" + 8 * " | " + " |")
            continue
        of_it = [sample for sample in samples if sample.name == contestant.name and sample.notebooks == count]
        for workers in sorted({sample.workers for sample in of_it}):
            chosen = [sample for sample in of_it if sample.workers == workers]
            lines.append(f"| {contestant.name} | {contestant.version} | {workers} | {_row(chosen, floor)} |")
    own = [sample.own_seconds for sample in samples if sample.own_seconds]
    if own:
        lines.append(
            f"| *of the floor: the cells' own CPU* | | 1 | {floor:.2f} | {_range(own)} | | | 1.0 | | {len(own)} |"
        )
    return "\n".join(lines)


def _row(samples: list[Sample], floor: float) -> str:
    costs = [sample.cost for sample in samples]
    cpu = median(cost.cpu_seconds for cost in costs)
    cells = (
        f"{cpu:.1f}",
        _range([cost.cpu_seconds for cost in costs]),
        f"{median(cost.wall_seconds for cost in costs):.1f}",
        f"{median(cost.peak_bytes for cost in costs) / _MEBIBYTE:.0f}",
        f"{cpu / floor:.1f}" if floor else "",
        f"{median(cost.others_cores for cost in costs):.2f}",
        str(len(costs)),
    )
    return " | ".join(cells)


def _range(seconds: list[float]) -> str:
    return f"{min(seconds):.2f}-{max(seconds):.2f}" if seconds else ""


def _floor_seconds(samples: list[Sample]) -> float:
    """Return the median CPU of the cells themselves with one worker, 0 if the floor was not measured."""
    own = [sample.own_seconds for sample in samples if sample.own_seconds]
    return median(own) if own else 0.0


def ratios(contestants: Iterable[Contestant], samples: list[Sample], count: int) -> str:
    """Return, for each runner and rung of ours, what is required of it and what was measured, one worker."""
    lines = [line for one in contestants if one.is_ours for line in _ratios_of(one.name, samples, count)]
    return "\n".join(lines) or "Nothing of ours was measured."


def _ratios_of(name: str, samples: list[Sample], count: int) -> list[str]:
    ours = _cpu(samples, name, count)
    if not ours:
        return []
    lines = [f"{name}:"]
    for other, required, aim in _RATIOS:
        theirs = _cpu(samples, other, count)
        if theirs:
            verdict = _verdict(theirs / ours >= required, theirs / ours >= aim)
            words = f"{theirs / ours:.1f} x less CPU than {other}"
            lines.append(f"- {words} (required {required:g}, aim {aim:g}: {verdict})")
    own, first = _floor_seconds(samples), _cpu(samples, name, 1)
    if own and first and count > 1:
        beyond = 1000 * ((ours - first) / (count - 1) - own / count)
        verdict = _verdict(beyond <= _BEYOND[0], beyond <= _BEYOND[1])
        limits = f"required at rung ns {_BEYOND[0]:g}, aim {_BEYOND[1]:g}: {verdict}"
        lines.append(f"- {beyond:.0f} ms CPU beyond the cells' own for each further submission ({limits})")
        lines.append(f"- {first:.1f} s CPU for the start and the first submission")
    one, two = _peak(samples, name, count, 1), _peak(samples, name, count, 2)
    if one and two:
        more = f"{(two - one) / _MEBIBYTE:.0f} MiB more at the peak with two workers than with one"
        lines.append(f"- {more}, what a notebook allocates included")
    return lines


def _verdict(is_met: bool, is_aim_met: bool) -> str:
    return "aim met" if is_aim_met else "met" if is_met else "NOT MET"


def _cpu(samples: list[Sample], name: str, notebooks: int) -> float:
    """Return the median CPU with one worker, 0 if not measured."""
    found = [s.cost.cpu_seconds for s in samples if (s.name, s.workers, s.notebooks) == (name, 1, notebooks)]
    return median(found) if found else 0.0


def _peak(samples: list[Sample], name: str, notebooks: int, workers: int) -> float:
    found = [s.cost.peak_bytes for s in samples if (s.name, s.workers, s.notebooks) == (name, workers, notebooks)]
    return median(found) if found else 0.0


def own_seconds_differ(samples: list[Sample]) -> str:
    """Return a warning if the floor itself moved by more than 30 % between rounds: the machine was not quiet."""
    own = [sample.own_seconds for sample in samples if sample.own_seconds]
    if own and max(own) > 1.3 * min(own):
        return f"The machine was not quiet: the same cells took {min(own):.2f} to {max(own):.2f} s of CPU.\n"
    return ""
