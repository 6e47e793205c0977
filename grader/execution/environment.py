"""What a run ran on."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata
from pathlib import Path

from grader.model import Environment

_PACKAGES = ("numpy", "torch", "scikit-learn", "keras", "matplotlib", "ipython", "ipykernel", "nbclient")


@cache
def environment() -> Environment:
    """Return versions of Python, of the platform with its processor, and of libraries, without importing any."""
    versions = tuple((name, version) for name in _PACKAGES if (version := _version(name)) is not None)
    return Environment(platform.python_version(), f"{platform.platform()}, {_processor()}", versions)


def _processor() -> str:
    """Return the processor's name: sums come out differently with other vector instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
