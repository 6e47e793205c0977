"""The interface of engines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from grader.model import Job, Run


class Engine(Protocol):
    """Runs jobs. Jobs are idempotent: an engine may run one twice, and yields one result for each key."""

    def run(self, jobs: Iterable[tuple[str, Job]]) -> Iterator[tuple[str, Run]]:
        """Yield ``(key, run)`` as jobs complete, in any order; ``jobs`` is read as workers fall free.

        Never raises for a job: what fails is a ``Run`` with stop ``infrastructure``. Closing the iterator,
        or an interrupt while waiting for it, ends all work in flight.
        """
