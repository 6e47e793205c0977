"""A process that ends with the one that started it."""

from __future__ import annotations

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_it() -> None:
    """Ask Linux to kill this process when the one that started it is gone."""
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415

    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
