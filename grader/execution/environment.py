"""What a run ran on."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata

from grader.model import Environment

_PACKAGES = ("numpy", "torch", "scikit-learn", "keras", "matplotlib", "ipykernel", "nbclient")


@cache
def environment() -> Environment:
    """Return versions of Python, of the platform and of libraries that matter, without importing any."""
    versions = tuple((name, version) for name in _PACKAGES if (version := _version(name)) is not None)
    return Environment(platform.python_version(), platform.platform(), versions)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
