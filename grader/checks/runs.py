"""The kind ``runs``: whether a hand-in runs from top to bottom in a fresh process."""

from __future__ import annotations

import json
import re

from grader.checks.case import Case, StandsAlone, Verdict, verdict
from grader.course import CheckOptions
from grader.model import Probe, Run, Stop
from grader.reference import Evaluation

_CELL = re.compile(r"cell (\d+)")
#: How a run's detail begins where code ran to its end, and only what was observed afterwards took too long or failed.
_AFTERWARDS = ("reading ", "while ")
_MAX_TOLD = 3


class RunsOptions(CheckOptions):
    """Judges whether what was handed in runs from top to bottom in a fresh process.

    - ``runs``: a name for the check.

    The fraction is the share of a notebook's cells that ran to their end, of those that hold code. A module earns all
    or nothing. A hand-in that the grader could not run for a fault of its own is never judged.
    """

    runs: str

    @property
    def subject(self) -> str:
        """The name of the check."""
        return self.runs


class RunsKind(StandsAlone):
    """Judges a run by the cells that raised, and by those that were never reached."""

    name = "runs"
    options: type[CheckOptions] = RunsOptions

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return nothing: the run itself is looked at."""
        del options, truth
        return ()

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict."""
        run = case.run
        if run is None:
            raise ValueError("there is no run to judge")
        share = _share(run)
        if share >= 1:
            return verdict(self.name, options, 1.0)
        lines = [f"{error}." for error in run.errors[:_MAX_TOLD]]
        lines += [f"{run.detail}."] if run.detail else []
        return verdict(self.name, options, share, "\n".join(["It does not run from top to bottom.", *lines]))


RUNS = RunsKind()


def _share(run: Run) -> float:
    """Return the share of cells that ran to their end; of anything but a notebook 0 or 1."""
    stopped = run.stop is not Stop.FINISHED and not run.detail.startswith(_AFTERWARDS)
    if run.notebook is None or not (stopped or run.errors):
        return float(not stopped and not run.errors)
    cells = [cell for cell in json.loads(run.notebook)["cells"] if cell["cell_type"] == "code"]
    cells = [cell for cell in cells if "".join(cell["source"]).strip()]
    begun = [cell["execution_count"] for cell in cells if cell["execution_count"]]
    failed = {int(found[1]) for error in run.errors if (found := _CELL.match(error.where))}
    if stopped and begun:
        failed.add(max(begun))  # it was in there when it was stopped
    return len(set(begun) - failed) / len(cells) if cells else 0.0
