"""What the acceptance suite shares: the host, rungs, and orphans that come home."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.sandbox import make_sandbox

from . import table
from .harness import MOST_CASES, Bench, become_subreaper
from .host import Host, stand


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep only the tests with one of the words in ``GRADE_ACCEPTANCE_CASES``, separated by bars, in their names."""
    wanted = os.environ.get("GRADE_ACCEPTANCE_CASES", "").split("|")
    here = [item for item in items if item.path.parent == Path(__file__).parent]
    dropped = {item for item in here if not any(word in item.name for word in wanted)}
    items[:] = [item for item in items if item not in dropped]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the table, where one is asked for: once, when all is done."""
    if hasattr(session.config, "workerinput"):
        return
    names = [table.VARIABLE, "GRADE_ACCEPTANCE_RUNGS", "GRADE_ACCEPTANCE_CASES"]
    settings = [f"{name}='{os.environ[name]}'" for name in names if name in os.environ]
    table.write(" ".join([*settings, "python -m pytest", *session.config.invocation_params.args]))


@pytest.fixture(scope="session")
def standing() -> Iterator[Host]:
    """A host for the whole session."""
    become_subreaper()
    with stand() as host:
        yield host


@pytest.fixture
def host(standing: Host) -> Host:
    """The host, as it is before a case."""
    standing.settle()
    return standing


@pytest.fixture(scope="session")
def benches() -> Iterator[dict[str, Bench]]:
    """Rungs that were made already, so that a warm process is shared by many cases."""
    made: dict[str, Bench] = {}
    yield made
    for bench in made.values():
        bench.close()


@pytest.fixture
def bench(rung: str, benches: dict[str, Bench]) -> Bench:
    """The rung of a test. A new one is made before a rung would replace its warm process by itself."""
    if rung in benches and benches[rung].cases >= MOST_CASES:
        benches.pop(rung).close()
    if rung not in benches:
        benches[rung] = Bench(make_sandbox(rung))
    benches[rung].cases += 1
    return benches[rung]
