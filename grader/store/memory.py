"""What grading needs of a gradebook, and one in memory, for hand-ins of which nothing is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from grader.model import Batch, CheckResult, Decision, Run, Stop, Submission
from grader.store.records import Entry


class Keeper(Protocol):
    """Keeps runs and results, by keys that say what they are of, and reports; :class:`grader.store.Store` is one."""

    def known_runs(self) -> frozenset[str]:
        """Return the keys of all runs."""

    def runs(self, keys: Iterable[str]) -> dict[str, Run]:
        """Return the runs among ``keys``, by key."""

    def save_run(self, key: str, run: Run) -> None:
        """Keep ``run`` under ``key``, unless it failed for a reason of ours."""

    def known_results(self) -> frozenset[str]:
        """Return the keys of all judged results."""

    def results(self, key: str) -> tuple[CheckResult, ...] | None:
        """Return the judged results under ``key``."""

    def save_many_results(self, judged: Mapping[str, tuple[str, tuple[CheckResult, ...]]]) -> None:
        """Keep judged results, each under its key and with the key of its run."""

    def save_submissions(self, submissions: Sequence[Submission]) -> None:
        """Note what was handed in."""

    def decisions(self, assignment: str) -> tuple[Decision, ...]:
        """Return everything that people decided on an assignment."""

    def save_grading(
        self,
        batch: Batch,
        kind: str,
        entries: Sequence[Entry],
        *,
        decisions: Sequence[Decision] = (),
        known: int | None = None,
    ) -> None:
        """Make the reports in ``entries`` the current ones."""


class Memory:
    """Implements ``Keeper`` for one grading: runs until it is judged, and nothing else."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}

    def known_runs(self) -> frozenset[str]:
        """Return the keys of all runs."""
        return frozenset(self._runs)

    def runs(self, keys: Iterable[str]) -> dict[str, Run]:
        """Return the runs among ``keys``, by key."""
        return {key: self._runs[key] for key in keys if key in self._runs}

    def save_run(self, key: str, run: Run) -> None:
        """Keep ``run`` under ``key``, unless it failed for a reason of ours."""
        if run.stop is not Stop.INFRASTRUCTURE:
            self._runs[key] = run

    def known_results(self) -> frozenset[str]:
        """Return no key: results are not kept."""
        return frozenset()

    def results(self, key: str) -> tuple[CheckResult, ...] | None:
        """Return None: results are not kept."""
        del key
        return None

    def save_many_results(self, judged: Mapping[str, tuple[str, tuple[CheckResult, ...]]]) -> None:
        """Keep nothing."""

    def save_submissions(self, submissions: Sequence[Submission]) -> None:
        """Note nothing."""

    def decisions(self, assignment: str) -> tuple[Decision, ...]:
        """Return nothing: nobody has decided."""
        del assignment
        return ()

    def save_grading(
        self,
        batch: Batch,
        kind: str,
        entries: Sequence[Entry],
        *,
        decisions: Sequence[Decision] = (),
        known: int | None = None,
    ) -> None:
        """Keep nothing."""
