"""Where work runs. One small interface, so that a cluster takes the place of the local pool unnoticed."""

from grader.engines.base import Engine
from grader.engines.local import LocalPool, default_workers

__all__ = ["Engine", "LocalPool", "default_workers"]
