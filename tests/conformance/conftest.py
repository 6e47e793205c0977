"""All notebooks through each runner, once for the whole session."""

from __future__ import annotations

import pytest

from .collection import CASES
from .outcomes import Outcome, outcome
from .runners import YARDSTICK, Runner, why_not


def _outcomes(runner: Runner) -> dict[str, Outcome]:
    return {name: outcome(run) for name, run in runner.run(CASES).items()}


@pytest.fixture(scope="session")
def by_kernel() -> dict[str, Outcome]:
    """Return what the yardstick made of each case, by name."""
    return _outcomes(YARDSTICK)


@pytest.fixture(scope="session")
def by_forked_kernel() -> dict[str, Outcome]:
    """Return what a kernel forked from a warm process made of each case, by name."""
    if reason := why_not("ns"):
        pytest.skip(reason)
    return _outcomes(Runner("nbclient", "ns"))


@pytest.fixture(scope="session")
def by_shell() -> dict[str, Outcome]:
    """Return what the shell runner made of each case, at the rung where it is the default if that can be used."""
    return _outcomes(Runner("shell", "selfcheck" if why_not("ns") else "ns"))
