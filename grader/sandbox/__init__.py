"""Confinement: where student code runs, and how the trusted side talks to it.

This package knows nothing of notebooks or modules; ``grader.execution`` does, and imports this one.
"""

from grader.sandbox.base import (
    Answer,
    Channel,
    Confined,
    DeadlineError,
    ProcessEndedError,
    Rung,
    Sandbox,
)
from grader.sandbox.leftovers import Swept, sweep, temporary_place
from grader.sandbox.rungs import (
    Opening,
    Purpose,
    available_rungs,
    is_official,
    make_sandbox,
    rung_names,
    strongest_rung,
)
from grader.sandbox.selfcheck import SelfCheck
from grader.sandbox.wire import dump_observations, load_observations

__all__ = [
    "Answer",
    "Channel",
    "Confined",
    "DeadlineError",
    "Opening",
    "ProcessEndedError",
    "Purpose",
    "Rung",
    "Sandbox",
    "SelfCheck",
    "Swept",
    "available_rungs",
    "dump_observations",
    "is_official",
    "load_observations",
    "make_sandbox",
    "rung_names",
    "strongest_rung",
    "sweep",
    "temporary_place",
]
