"""Tracing a model that stands in a file, for its cost: the file runs confined, as every hand-in does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from grader.cost import Network, parsed, read_trace
from grader.errors import SandboxError, UsageError
from grader.execution.run import execute
from grader.execution.sources import module_source, notebook_source
from grader.model import Failure, Job, Limits, Probe, Stop
from grader.sandbox import Sandbox

#: What tracing imports, besides the model's own library: for a warm process.
PRELOAD = ("torch", "torch._dynamo")
_LIMITS = Limits(timeout_seconds=180, memory_bytes=6 * 1024**3, preload=PRELOAD)
_MOST_NEIGHBOURS, _MOST_BYTES = 200, 4 * 1024**2


def trace_file(path: Path, name: str, inputs: Sequence[Mapping[str, Any]], sandbox: Sandbox) -> Network:
    """Return the network ``name`` (a class, function or model) of the module or notebook ``path``.

    ``inputs`` are ``{"shape", "dtype"}`` of each. Modules that lie beside it can be imported. Raises UsageError where
    the file or the name is not there, CostError for a model that has no cost, SandboxError for a fault of the machine.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file; name a module or notebook, a colon and the model, as in model.py:Net")
    is_notebook = path.suffix.lower() == ".ipynb"
    read = notebook_source if is_notebook else module_source
    probe = Probe("cost", name, {"inputs": [dict(one) for one in inputs], "arguments": []})
    job = Job(
        form="notebook" if is_notebook else "module",
        name=path.name,
        source=read(path.read_bytes(), str(path)),
        files=tuple(_neighbours(path)),
        probes=(probe,),
        limits=_LIMITS,
    )
    run = execute(job, sandbox)
    if run.stop is Stop.INFRASTRUCTURE:
        raise SandboxError(f"{path}: could not be run: {run.detail}")
    value = run.observations[0].value
    if isinstance(value, Failure):
        raised = f"; {run.errors[0]}" if run.errors else ""
        what = "is not there" if value.kind == "missing" else "was not looked at"
        raise UsageError(f"{path}: `{name}` {what}: {value.message}{raised}")
    return read_trace(parsed(value), f"{path}: `{name}`")


def _neighbours(path: Path) -> Iterator[tuple[str, bytes]]:
    others = [one for one in sorted(path.parent.glob("*.py")) if one != path and one.is_file() and not one.is_symlink()]
    for one in others[:_MOST_NEIGHBOURS]:
        if one.stat().st_size <= _MOST_BYTES:
            yield one.name, one.read_bytes()
