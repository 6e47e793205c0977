"""What a run ran on."""

from __future__ import annotations

import platform
import re
from functools import cache
from importlib import metadata
from pathlib import Path

from grader.model import Environment
from grader.threads import THREADS

_PACKAGES = (
    "numpy", "scipy", "pandas", "torch", "scikit-learn", "keras", "tensorflow", "jax", "matplotlib", "ipython",
    "ipykernel", "nbclient",
)  # fmt: skip


@cache
def environment() -> Environment:
    """Return versions of Python, of the platform with its processor, and of libraries, without importing any.

    The number of threads is what every rung sets for its jobs. The rung itself is no part of it: each run has its own.
    """
    versions = tuple((name, version) for name in _PACKAGES if (version := _version(name)) is not None)
    return Environment(platform.python_version(), f"{platform.platform()}, {_processor()}", versions, THREADS)


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
        text = metadata.distribution(name).read_text("METADATA") or ""
    except metadata.PackageNotFoundError:
        return None
    # `metadata.version` reads all of the file as an e-mail, which takes longer than a whole hand-in.
    found = re.search(r"^Version:(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else metadata.version(name)
