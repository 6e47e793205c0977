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
from grader.sandbox.rungs import available_rungs, make_sandbox, rung_names, strongest_rung
from grader.sandbox.selfcheck import SelfCheck
from grader.sandbox.wire import dump_observations, load_observations

__all__ = [
    "Answer",
    "Channel",
    "Confined",
    "DeadlineError",
    "ProcessEndedError",
    "Rung",
    "Sandbox",
    "SelfCheck",
    "available_rungs",
    "dump_observations",
    "load_observations",
    "make_sandbox",
    "rung_names",
    "strongest_rung",
]
