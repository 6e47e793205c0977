"""Compares two countings of random networks, until one differs; then the smallest that does is shown."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

from grader.cost import Cost, cost_of

Network = TypeVar("Network")


@dataclass(frozen=True)
class Counted:
    """What one run of a network takes: weights by precision, and the most that is alive at once in the best order."""

    parameters: int
    macs: int
    with_bias: int
    weight_bytes: tuple[int, ...]
    liveness: tuple[int, ...]


def counted(cost: Cost) -> Counted:
    """Return of a cost at float32 what is compared."""
    costs = [cost, cost_of(cost.network, "int8")]
    weights = [cost.weight_bytes[precision] for precision in ("float32", "float16", "int8")]
    liveness = [one.activation_bytes.liveness for one in costs]
    return Counted(cost.parameters, cost.macs, cost.conventions["with_bias"], tuple(weights), tuple(liveness))


def assert_alike(network: object, mine: Counted, other: Counted) -> None:
    """Raise AssertionError with the network where the two countings differ."""
    assert mine == other, f"{network!r}\n  ours        {mine}\n  brute force {other}"


def compare(
    count: int,
    networks: SearchStrategy[Network],
    agree: Callable[[Network], None],
    calls: Callable[[Network], Iterable[str]],
) -> Counter[str]:
    """Compare ``count`` random networks, and return how often each of their ``calls`` was in them.

    Raises AssertionError with the smallest network that is counted differently.
    """
    seen: Counter[str] = Counter()

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(networks)
    def look(network: Network) -> None:
        agree(network)
        seen["networks"] += 1
        seen.update(calls(network))

    look()
    return seen


def run(arguments: Sequence[str], description: str | None, comparison: Callable[[int], Counter[str]]) -> int:
    """Compare as many networks as asked for; the exit status is 1 where any differs."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--networks", type=int, default=1000)
    count = parser.parse_args(arguments).networks
    started = time.process_time()
    try:
        seen = comparison(count)
    except AssertionError as error:
        print(error)  # noqa: T201 - what it is for
        return 1
    spent = time.process_time() - started
    print(f"{seen.pop('networks')} networks counted alike, in {spent:.0f} s of processor time; calls in them:")  # noqa: T201
    print(", ".join(f"{name} {number}" for name, number in seen.most_common()))  # noqa: T201
    return 0


def name_of(call: Any) -> str:
    """Return the name of a function, or of a layer's class."""
    return call if isinstance(call, str) else type(call).__name__
