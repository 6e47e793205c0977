"""Which runners there are here, and how a batch of cases goes through one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Literal

from grader.engines import LocalPool
from grader.model import Run
from grader.sandbox import available_rungs, make_sandbox

from .casework import Case

WORKERS = 2


@dataclass(frozen=True, slots=True)
class Runner:
    """A way to run a notebook: ``name`` is a job's option, ``rung`` where it is run."""

    name: Literal["shell", "nbclient"]
    rung: str

    def run(self, cases: Sequence[Case]) -> dict[str, Run]:
        """Return each case's run by the case's name."""
        jobs = [(case.name, replace(case.job(), runner=self.name)) for case in cases]
        with closing(make_sandbox(self.rung)) as sandbox:
            return dict(LocalPool(sandbox, WORKERS).run(jobs))


def why_not(rung: str) -> str:
    """Return why the rung cannot be used on this machine; empty if it can."""
    found = next(found for found in available_rungs() if found.name == rung)
    return "" if found.available else f"{rung}: {found.reason}"


#: What Jupyter itself does: a real kernel, where nothing is in its way.
YARDSTICK = Runner("nbclient", "selfcheck")
