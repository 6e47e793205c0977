"""How far right and wrong ways of training lie apart on the course's data: ``python -m tests.benchmarks.separation``.

Prints a table in Markdown. ``--seeds 0 1 2`` and ``--only cifar10`` choose less. One core; about five minutes. With
``GRADER_DATA`` it measures the real data there; ``--train`` and ``--test`` keep them small.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import sklearn
import torch

from grader.data import DataSet, load

from .training import Outcome
from .ways import WAYS, Way

#: A wrong way is told apart by accuracy where its best run is this far below the worst of the right way.
MARGIN = 0.05
#: What is reported is told apart where, in each run, it is this far from the accuracy on hidden samples.
REPORTED_MARGIN = 0.03


@dataclass(frozen=True, slots=True)
class Row:
    """A way with the outcome of each seed, and the CPU seconds of the slowest run."""

    way: Way
    outcomes: tuple[Outcome, ...]
    seconds: float

    @property
    def code(self) -> tuple[float, ...]:
        return tuple(one.through_code for one in self.outcomes)


def measured(way: Way, data: DataSet, seeds: Sequence[int]) -> Row:
    outcomes, seconds = [], []
    for seed in seeds:
        began = time.process_time()
        outcomes.append(way.go(data, seed))
        seconds.append(time.process_time() - began)
    return Row(way, tuple(outcomes), max(seconds))


def line(row: Row, right: Row | None) -> str:
    alone = [one.weights_alone for one in row.outcomes if one.weights_alone is not None]
    cells = (
        row.way.name,
        span(row.code),
        span(alone),
        span([one.reported for one in row.outcomes]),
        verdict(row, right) if right else "",
        row.way.otherwise,
        f"{row.seconds:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def verdict(row: Row, right: Row) -> str:
    """Return how accuracy tells the way from the right one: ``yes``, ``weights``, ``reported`` or ``no``."""
    worst = min(right.code)
    if max(row.code) <= worst - MARGIN:
        return "yes"
    alone = [one.weights_alone for one in row.outcomes if one.weights_alone is not None]
    if alone and max(alone) <= worst - MARGIN:
        return "weights"
    if min(one.reported - one.through_code for one in row.outcomes) >= REPORTED_MARGIN:
        return "reported"
    return "no"


def span(values: Iterable[float]) -> str:
    found = tuple(values)
    return f"{min(found):.3f} to {max(found):.3f}" if found else ""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", choices=list(WAYS), nargs="+", default=list(WAYS))
    parser.add_argument("--train", type=int, help="at most so many samples for training")
    parser.add_argument("--test", type=int, help="at most so many samples of the public test set")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}"
    sys.stdout.write(f"{versions}, scikit-learn {sklearn.__version__}; seeds {chosen.seeds}\n")
    for name in chosen.only:
        data = load(name, train=chosen.train, test=chosen.test)
        sys.stdout.write(f"\n{name}, {data.source}\n\n")
        sys.stdout.write("| way | hidden, through their code | hidden, weights alone | reported ")
        sys.stdout.write("| told by accuracy | told otherwise | CPU s |\n|---|---|---|---|---|---|---:|\n")
        rows: dict[str, Row] = {}
        for way in WAYS[name]():
            rows[way.name] = measured(way, data, chosen.seeds)
            sys.stdout.write(line(rows[way.name], rows.get(way.against)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
