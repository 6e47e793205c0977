"""The ladder of confinement, as ``grade doctor`` shows it."""

from __future__ import annotations

from grader.errors import UsageError
from grader.sandbox.base import Rung, Sandbox
from grader.sandbox.selfcheck import SelfCheck

_NOT_BUILT = "not in this version"


def available_rungs() -> tuple[Rung, ...]:
    """Return every rung, strongest first, and whether it can be used here."""
    return (
        Rung("ns+cgroup", available=False, reason=_NOT_BUILT),
        Rung("ns", available=False, reason=_NOT_BUILT),
        Rung("fresh", available=False, reason=_NOT_BUILT),
        Rung("container", available=False, reason=_NOT_BUILT),
        Rung("landlock", available=False, reason=_NOT_BUILT),
        Rung("selfcheck", available=True, reason="subprocess, rlimits and time limit: against accidents only"),
    )


def rung_names() -> tuple[str, ...]:
    """Return the names of all rungs, strongest first."""
    return tuple(rung.name for rung in available_rungs())


def make_sandbox(name: str) -> Sandbox:
    """Return the sandbox of the rung ``name``. Raises UsageError if it is unknown or cannot be used here."""
    for rung in available_rungs():
        if rung.name == name and rung.available:
            return SelfCheck()
        if rung.name == name:
            raise UsageError(f"isolation {name!r} cannot be used: {rung.reason}; see `grade doctor`")
    raise UsageError(f"no isolation {name!r}; there are: {', '.join(rung_names())}")
