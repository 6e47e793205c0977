"""The floor: each notebook's cells by plain ``exec`` in a fork of a process that has everything imported.

``python -m tests.benchmarks.run_floor FOLDER WORKERS`` prints, as JSON, each notebook's result and the CPU seconds
that its cells took, the warm process's start and the forks not counted.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import sys
import time
from pathlib import Path

from .notebooks import PRELOAD, cell_sources


def main() -> None:
    """Run all notebooks of the folder."""
    folder, workers = Path(sys.argv[1]), int(sys.argv[2])
    _warm_up()
    waiting = sorted(folder.glob("*.ipynb"))
    running: dict[int, tuple[str, int]] = {}
    found: dict[str, tuple[float, float]] = {}
    while waiting or running:
        while waiting and len(running) < workers:
            path = waiting.pop(0)
            pid, pipe = _start(path)
            running[pid] = path.stem, pipe
        pid, status = os.wait()
        name, pipe = running.pop(pid)
        with os.fdopen(pipe, "rb") as stream:
            answer = stream.read()
        if status != 0:
            raise SystemExit(f"{name}: the fork ended with {status}")
        result, seconds = json.loads(answer)
        found[name] = result, seconds
    sys.stdout.write(json.dumps(found) + "\n")


def _warm_up() -> None:
    """Import what the notebooks use, and use it once: a fork inherits what was touched."""
    numpy, torch, _ = map(importlib.import_module, PRELOAD)
    logistic = importlib.import_module("sklearn.linear_model").LogisticRegression()
    torch.set_num_threads(1)
    logistic.fit(numpy.eye(4), [0, 1, 0, 1])
    layer = torch.nn.Linear(2, 1)
    optimiser = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 2)).sum().backward()
    optimiser.step()
    gc.collect()
    gc.freeze()


def _start(path: Path) -> tuple[int, int]:
    """Fork a child that runs the notebook. Return its id and the pipe on which it answers."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(reading)
            os.write(writing, json.dumps(_run(path)).encode("ascii"))
            status = 0
        finally:
            sys.stderr.flush()
            os._exit(status)
    os.close(writing)
    return pid, reading


def _run(path: Path) -> tuple[float, float]:
    """Return the notebook's result, and the CPU seconds of its cells."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    sources = cell_sources(path.read_text(encoding="utf-8"))
    began = time.process_time()
    with Path(os.devnull).open("w", encoding="utf-8") as null, contextlib.redirect_stdout(null):
        for number, source in enumerate(sources, 1):
            exec(compile(source, f"cell {number}", "exec"), namespace)  # noqa: S102 - our own notebooks
    return float(namespace["result"]), time.process_time() - began  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
