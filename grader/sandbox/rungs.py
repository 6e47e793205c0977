"""The ladder of confinement, as ``grade doctor`` shows it."""

from __future__ import annotations

import sys
from functools import cache

from grader.errors import UsageError
from grader.sandbox.base import ClosableSandbox, Rung
from grader.sandbox.selfcheck import SelfCheck

_NOT_BUILT = "not in this version"
_PROMISES = {
    "ns": "namespaces for each job: files, network, processes and other hand-ins are out of its reach",
    "selfcheck": "subprocess, rlimits and time limit: against accidents only",
}
#: Strongest first.
_NAMES = ("ns+cgroup", "ns", "fresh", "container", "landlock", "selfcheck")


def available_rungs() -> tuple[Rung, ...]:
    """Return every rung, strongest first, and whether it can be used here: found out by really using it."""
    reasons = {"ns": _why_no_namespaces(), "selfcheck": ""}
    return tuple(_rung(name, reasons.get(name, _NOT_BUILT)) for name in _NAMES)


def _rung(name: str, why_not: str) -> Rung:
    return Rung(name, available=not why_not, reason=why_not or _PROMISES[name])


@cache
def _why_no_namespaces() -> str:
    if sys.platform != "linux":
        return "needs Linux"
    from grader.sandbox import namespaces  # noqa: PLC0415 - it cannot be imported elsewhere

    return namespaces.why_not()


def rung_names() -> tuple[str, ...]:
    """Return the names of all rungs, strongest first, without trying any."""
    return _NAMES


def strongest_rung() -> str:
    """Return the name of the strongest rung that can be used here."""
    return next(rung.name for rung in available_rungs() if rung.available)


def make_sandbox(name: str) -> ClosableSandbox:
    """Return the sandbox of the rung ``name``. Raises UsageError if it is unknown or cannot be used here."""
    if name not in _NAMES:
        raise UsageError(f"no isolation {name!r}; there are: {', '.join(_NAMES)}")
    if name == "selfcheck":
        return SelfCheck()
    rung = next(rung for rung in available_rungs() if rung.name == name)
    if not rung.available:
        raise UsageError(f"isolation {name!r} cannot be used: {rung.reason}; see `grade doctor`")
    from grader.sandbox.namespaces import Namespaces  # noqa: PLC0415 - it cannot be imported elsewhere

    return Namespaces()
