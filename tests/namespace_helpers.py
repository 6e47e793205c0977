"""The rung ``ns``, shared by its tests, and why it cannot be tested where it cannot be used."""

from __future__ import annotations

import pytest

from grader.model import Run
from grader.sandbox import available_rungs

NS = next(rung for rung in available_rungs() if rung.name == "ns")
needs_ns = pytest.mark.skipif(not NS.available, reason=f"isolation ns: {NS.reason}")

#: Tells what a piece of code does, or how it is refused.
TRY = """
def tried(action, *arguments):
    try:
        return str(action(*arguments))
    except Exception as error:
        return type(error).__name__
"""


def outcome(run: Run) -> tuple[str, str]:
    """Return stop and detail, for a message that tells more than ``finished != killed``."""
    return run.stop.value, run.detail
