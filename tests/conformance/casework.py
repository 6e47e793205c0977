"""A case: a notebook made by code, and what every runner must make of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from grader.execution import notebook_source
from grader.model import Failure, Job, Limits, Plain, Probe, Stop

#: One output of a cell, made comparable: its kind, then what it holds.
Out: TypeAlias = tuple[object, ...]

LIMITS = Limits(timeout_seconds=60.0)


@dataclass(frozen=True, slots=True)
class Case:
    """``content`` is the notebook as it is handed in; the rest is what must come of it.

    ``outputs`` has entries for the cells that are looked at, by the number that an error's ``where`` would
    give; a cell that it leaves out is only compared between runners, and so are the variables ``compared``.
    """

    name: str
    content: Mapping[str, Any]
    values: Mapping[str, Plain | Failure] = field(default_factory=dict)
    errors: tuple[tuple[int, str], ...] = ()
    outputs: Mapping[int, list[Out]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    limits: Limits = LIMITS
    stop: Stop = Stop.FINISHED
    seed: int = 0
    compared: str = ""

    def job(self) -> Job:
        """Return the job that executes the notebook and observes ``values``."""
        source = notebook_source(json.dumps(self.content).encode(), self.name)
        probes = tuple(Probe("value", name) for name in (*self.values, *self.compared.split()))
        name = f"{self.name}.ipynb"
        return Job("notebook", name, source, tuple(self.files.items()), probes, self.limits, self.seed)


def case(name: str, *sources: str, **expected: Any) -> Case:
    """Return a case whose notebook has one code cell for each of ``sources``."""
    return Case(name, notebook(*map(code, sources)), **expected)


def notebook(*cells: Mapping[str, Any], minor: int = 5, **metadata: Any) -> dict[str, Any]:
    """Return a notebook of format 4."""
    return {"nbformat": 4, "nbformat_minor": minor, "metadata": metadata, "cells": _with_ids(cells, minor)}


def _with_ids(cells: tuple[Mapping[str, Any], ...], minor: int) -> list[dict[str, Any]]:
    if minor < 5:
        return [dict(cell) for cell in cells]
    return [{"id": f"c{number}", **cell} for number, cell in enumerate(cells)]


def code(source: str | list[str], **more: Any) -> dict[str, Any]:
    """Return a code cell; ``more`` overrides its keys."""
    empty: dict[str, Any] = {"metadata": {}, "outputs": [], "execution_count": None}
    return {"cell_type": "code", "source": source, **empty, **more}


def text(source: str, kind: str = "markdown", **more: Any) -> dict[str, Any]:
    """Return a cell that is not run."""
    return {"cell_type": kind, "source": source, "metadata": {}, **more}


def out(string: str) -> Out:
    """Return what was printed to stdout."""
    return ("stdout", string)


def err(string: str) -> Out:
    """Return what was printed to stderr."""
    return ("stderr", string)


def result(plain: str, **forms: Any) -> Out:
    """Return the value of a cell's last line; ``forms`` are ``html``, ``png`` and the like."""
    return ("result", _bundle(plain, forms))


def shown(plain: str, **forms: Any) -> Out:
    """Return one display."""
    return ("display", _bundle(plain, forms))


def bundle(kind: str, data: Mapping[str, Any]) -> Out:
    """Return a display or result of the given MIME types."""
    return (kind, dict(data))


def raised(name: str, message: str) -> Out:
    """Return an exception that ended the cell."""
    return ("error", name, message)


_MIME = {
    "html": "text/html",
    "md": "text/markdown",
    "latex": "text/latex",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "json": "application/json",
    "js": "application/javascript",
}


def _bundle(plain: str, forms: Mapping[str, Any]) -> dict[str, Any]:
    return {"text/plain": plain, **{_MIME[form]: data for form, data in forms.items()}}
