"""The ladder of confinement as one table: what each rung promises and needs, and where it is built.

A rung's module offers ``why_not()``, which says why it cannot be used here (empty if it can) after really confining
an empty job, and a factory of its sandbox. It is imported only when asked for: not every system has what it needs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any, Literal, Self

from grader.errors import SandboxError, UsageError
from grader.sandbox.base import ClosableSandbox, Rung
from grader.sandbox.probe import why_none_in

#: ``once``: a single job, not worth warming up for; ``again``: one job now and then, which is to start at once.
Purpose = Literal["many", "once", "again"]

_PROBES = 2
_NEEDS_NAMESPACES = (
    "Linux 5.12 or later, and user namespaces for ordinary users (sysctl user.max_user_namespaces above 0; on Debian "
    "kernel.unprivileged_userns_clone=1; on Ubuntu 24.04 kernel.apparmor_restrict_unprivileged_userns=0)"
)


@dataclass(frozen=True, slots=True)
class _Step:
    """A rung: its module in this package and the factory in there, what it promises, and what would make it work.

    ``is_official``: strong enough for official marks without being named. ``systems``: where it can be at all.
    ``settings``: what the factory is given for what is to be run.
    """

    module: str
    factory: str
    promises: str
    needs: str
    is_official: bool = True
    systems: tuple[str, ...] = ("linux",)
    settings: Mapping[Purpose, Mapping[str, object]] = field(default_factory=dict)

    def is_here(self) -> bool:
        """Return whether this is a system that can have the rung."""
        return not self.systems or sys.platform in self.systems

    def load(self) -> Any:
        """Return the rung's module."""
        return import_module(f"grader.sandbox.{self.module}")

    def make(self, purpose: Purpose) -> ClosableSandbox:
        """Return the rung's sandbox for what is to be run. Raises SandboxError, OSError."""
        sandbox: ClosableSandbox = getattr(self.load(), self.factory)(**self.settings.get(purpose, {}))
        return sandbox


#: Where nobody waits for long, a warm process is started ahead; for a single job, with what nearly all hand-ins import.
_WARM: Mapping[Purpose, Mapping[str, object]] = {
    "once": {"always": ("numpy",), "ahead": True},
    "again": {"ahead": True},
}

#: By name, strongest first.
_LADDER = {
    "ns+cgroup": _Step(
        "cgroups", "CgroupNamespaces",
        "as ns, and the kernel limits memory and processes of each job as a whole, and shares out its time evenly",
        f"{_NEEDS_NAMESPACES}, and to be started inside a delegated cgroup v2: `systemd-run --user --scope "
        "-p Delegate=yes grade …`, or a Slurm job that delegates",
        settings=_WARM,
    ),
    "ns": _Step(
        "namespaces", "Namespaces",
        "namespaces for each job: files, network, processes and other hand-ins are out of its reach",
        _NEEDS_NAMESPACES,
        settings=_WARM,
    ),
    "fresh": _Step(
        "fresh", "Fresh",
        "as ns, with bubblewrap and a cold Python for each job: slower, and nothing warm is shared",
        "Linux and bubblewrap 0.7 or later (the package `bubblewrap` of the system, not of PyPI), not set-user-id, and "
        "allowed to make user namespaces (on Ubuntu 24.04 by the AppArmor profile `bwrap-userns-restrict`)",
    ),
    "container": _Step(
        "container", "Containers",
        "a container for each job: what its engine keeps apart",
        "Podman, Docker or Apptainer, and an image with Python 3.11 and the course's libraries, which the environment "
        "variable GRADE_CONTAINER_IMAGE names",
        systems=("linux", "darwin"),
    ),
    "landlock": _Step(
        "landlock", "Landlock",
        "Landlock, seccomp and rlimits, one job at a time: no reading of what is not a library, no network, no signals "
        "outside; no multiprocessing",
        "Linux 6.12 or later with Landlock switched on (`lsm=landlock,…` at boot), x86_64 or aarch64",
        is_official=False,
    ),
    "selfcheck": _Step(
        "selfcheck", "SelfCheck",
        "subprocess, rlimits and time limit: against accidents only",
        "nothing",
        is_official=False,
        systems=(),
        settings={"again": {"standby": True}},
    ),
}  # fmt: skip


def available_rungs() -> tuple[Rung, ...]:
    """Return every rung, strongest first, and whether it can be used here: found out by really using it."""
    return tuple(map(_rung, _LADDER))


def _rung(name: str) -> Rung:
    step, why_not = _LADDER[name], _why_not(name)
    reason = f"{why_not.rstrip('.')}. It needs {step.needs}." if why_not else step.promises
    return Rung(name, available=not why_not, reason=reason)


@cache
def _why_not(name: str) -> str:
    """Return why a rung cannot be used here, empty if it can. A busy machine may fail it once."""
    step = _LADDER[name]
    if not step.is_here():
        return f"not on this system ({sys.platform})"
    probe: Callable[[], str] = step.load().why_not
    for _ in range(_PROBES):
        reason = probe()
        if not reason:
            break
    return reason


class Opening:
    """The sandbox of the strongest rung that can be used here, while it is being opened for ``purpose``.

    A warm process that is started ahead gets ready while the caller does something else. A context manager: leaving it
    closes the sandbox.
    """

    def __init__(self, purpose: Purpose) -> None:
        self._purpose: Purpose = purpose
        ahead = (name for name, step in _LADDER.items() if step.settings.get(purpose, {}).get("ahead"))
        self._sandbox = next(filter(None, (_begun(name, purpose) for name in ahead)), None)

    def sandbox(self) -> ClosableSandbox:
        """Return it, once it has confined an empty job; if it cannot, the strongest that can."""
        if self._sandbox is not None and why_none_in(self._sandbox):
            self.close()
        if self._sandbox is None:
            self._sandbox = make_sandbox(strongest_rung(), self._purpose)
        return self._sandbox

    def close(self) -> None:
        """End what is kept running. May be called twice."""
        if self._sandbox is not None:
            self._sandbox.close()
        self._sandbox = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def _begun(name: str, purpose: Purpose) -> ClosableSandbox | None:
    """Return the sandbox of the rung ``name``, not tried yet; None where it cannot even be made."""
    step = _LADDER[name]
    try:
        return step.make(purpose) if step.is_here() else None
    except (SandboxError, OSError):
        return None


def rung_names() -> tuple[str, ...]:
    """Return the names of all rungs, strongest first, without trying any."""
    return tuple(_LADDER)


def strongest_rung() -> str:
    """Return the name of the strongest rung that can be used here."""
    return next(name for name in _LADDER if not _why_not(name))


def is_official(name: str) -> bool:
    """Return whether the rung ``name`` may be used for official marks without being named on the command line."""
    return _LADDER[name].is_official


def make_sandbox(name: str, purpose: Purpose = "many") -> ClosableSandbox:
    """Return the sandbox of the rung ``name``, prepared for what is to be run in it.

    Raises UsageError if the rung is unknown or cannot be used here.
    """
    if name not in _LADDER:
        raise UsageError(f"no isolation {name!r}; there are: {', '.join(_LADDER)}")
    rung = _rung(name)
    if not rung.available:
        raise UsageError(f"isolation {name!r} cannot be used: {rung.reason} See `grade doctor`.")
    return _LADDER[name].make(purpose)
