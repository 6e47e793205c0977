"""Ours: ``python -m tests.benchmarks.run_ours FOLDER WORKERS RUNG [nbclient]``, through the local pool.

Prints each notebook's result as JSON. Fails if a run did not finish, or if its executed notebook and the observation
of ``result`` do not agree.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Literal

from grader.engines import LocalPool
from grader.errors import GradeError
from grader.model import Job, Limits, Probe, Run, Stop
from grader.sandbox import make_sandbox

from .notebooks import PRELOAD, result_of


def main() -> None:
    """Run all notebooks of the folder."""
    folder, workers, rung = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    job = partial(_job, sys.argv[4] if len(sys.argv) > 4 else "")
    with ExitStack() as stack:
        sandbox = make_sandbox(rung)
        if hasattr(sandbox, "close"):  # those that keep warm processes; ended here, so that they are measured whole
            stack.callback(sandbox.close)
        jobs = [(path.stem, job(path)) for path in sorted(folder.glob("*.ipynb"))]
        found = {key: _result(key, run) for key, run in LocalPool(sandbox, workers).run(jobs)}
    sys.stdout.write(json.dumps(found) + "\n")


def unavailable(rung: str) -> str:
    """Return why the rung cannot be used here; empty if it can."""
    try:
        make_sandbox(rung)
    except GradeError as error:
        return str(error)
    return ""


def _job(runner: str, path: Path) -> Job:
    chosen: Literal["", "shell", "nbclient"] = "nbclient" if runner == "nbclient" else ""
    source, probes = path.read_text(encoding="utf-8"), (Probe("value", "result"),)
    return Job("notebook", path.name, source, (), probes, Limits(preload=PRELOAD), runner=chosen)


def _result(key: str, run: Run) -> float:
    if run.stop is not Stop.FINISHED or run.errors or run.notebook is None:
        raise SystemExit(f"{key}: {run.stop}: {run.detail} {'; '.join(map(str, run.errors))}")
    printed, observed = result_of(run.notebook), run.observations[0].value
    if observed != printed:
        raise SystemExit(f"{key}: observed {observed!r}, but the notebook printed {printed!r}")
    return printed


if __name__ == "__main__":
    main()
