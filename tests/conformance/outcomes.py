"""What a run gave, normalised: only what differs from run to run by nature is taken out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import nbformat

from grader.model import Failure, Plain, Run, Stop
from grader.sandbox import dump_observations

from .casework import Out

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_AROUND = re.compile(r" +\d+( |$)|$")
_MARKED = re.compile(r"-+> *\d+ +")
#: What differs between two runs of one notebook by one runner, and what stands for it.
_BY_NATURE = (
    (re.compile(r"\b0x[0-9a-f]{6,16}\b"), "0x…"),
    (re.compile(r"(/[\w.-]+)*/ipykernel_\d+/\d+\.py|<ipython-input-[^>\s]*>"), "<cell>"),
    (re.compile(r"\(\d+\.py, line"), "(<cell>, line"),
    (re.compile(r"/tmp/(grade-[\w-]+/)?work\b"), "<work>"),
    (re.compile(r"CPU times: .*"), "CPU times: …"),
    (re.compile(r"Wall time: .*"), "Wall time: …"),
    (re.compile(r"(Ran \d+ tests? in ).*"), r"\1…"),
    (re.compile(r".* ± .* per loop \(mean ± std\. dev\. of .*\)"), "… per loop"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run, comparable. ``outputs``, ``traces`` and ``counts`` go by the code cell's number, from 1.

    ``invalid`` says where the executed notebook breaks the format's schema; empty if it does not.
    """

    stop: Stop
    detail: str
    errors: tuple[tuple[str, str, str, str], ...]
    values: dict[str, Plain | Failure]
    observations: bytes
    outputs: dict[int, list[Out]]
    traces: dict[int, list[str]]
    counts: dict[int, object]
    invalid: str


def outcome(run: Run) -> Outcome:
    """Return ``run`` normalised; without outputs if it has no executed notebook."""
    cells = dict(_numbered(json.loads(run.notebook or '{"cells": []}')))
    return Outcome(
        run.stop,
        run.detail,
        tuple((e.where, e.name, _plain(e.message), _plain(e.traceback)) for e in run.errors),
        {o.probe.name: o.value for o in run.observations},
        dump_observations(run.observations),
        {number: list(_outputs(cell["outputs"])) for number, cell in cells.items()},
        {number: traces for number, cell in cells.items() if (traces := list(_traces(cell["outputs"])))},
        {number: cell.get("execution_count") for number, cell in cells.items()},
        _invalid(run.notebook),
    )


def _invalid(executed: str | None) -> str:
    try:
        nbformat.validate(json.loads(executed or '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}'))
    except nbformat.ValidationError as error:
        return str(error)[:300]
    return ""


def _numbered(executed: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    run = (c for c in executed["cells"] if c["cell_type"] == "code" and c["source"].strip())
    return enumerate(run, start=1)


def _outputs(found: list[dict[str, Any]]) -> Iterator[Out]:
    """Yield outputs; between two others, all of stdout comes before all of stderr.

    ipykernel sends the two streams from buffers of their own, so that their order among each other is chance.
    """
    for streams, group in groupby(found, key=lambda output: output["output_type"] == "stream"):
        if not streams:
            yield from map(_output, group)
            continue
        parts = list(group)
        for name in ("stdout", "stderr"):
            if joined := "".join(part["text"] for part in parts if part["name"] == name):
                yield (name, _plain(joined))


def _output(found: dict[str, Any]) -> Out:
    kind = found["output_type"]
    if kind == "error":
        return ("error", found["ename"], _plain(found["evalue"]))
    data = {mime: _plain(form) if isinstance(form, str) else form for mime, form in found["data"].items()}
    name = {"execute_result": "result", "display_data": "display"}.get(kind, kind)
    return (name, data, found["metadata"]) if found["metadata"] else (name, data)


def _traces(found: list[dict[str, Any]]) -> Iterator[str]:
    for output in found:
        if output["output_type"] == "error":
            yield "\n".join(_spine(_plain("\n".join(output["traceback"]))))


def _spine(trace: str) -> Iterator[str]:
    """Yield a traceback's lines but those of source around the one that is marked.

    IPython shows the surroundings as stack_data finds them, or, where it cannot open a cell's file as with
    ipykernel's names of cells, as they stand.
    """
    for line in trace.splitlines():
        if not _AROUND.match(line):
            yield _MARKED.sub("--> ", line)


def _plain(string: str) -> str:
    string = _ANSI.sub("", string)
    for pattern, stand_in in _BY_NATURE:
        string = pattern.sub(stand_in, string)
    return string


def differences(one: Outcome, other: Outcome) -> dict[str, tuple[object, object]]:
    """Return what differs, both sides, by aspect: ``stop``, ``errors``, ``observations``, ``cell 3 outputs`` …"""
    pairs: dict[str, tuple[object, object]] = {
        "stop": ((one.stop, one.detail), (other.stop, other.detail)),
        "errors": (_without_trace(one), _without_trace(other)),
        "observations": (one.observations, other.observations),
    }
    for number in sorted(one.outputs.keys() | other.outputs.keys()):
        for aspect in ("outputs", "traces", "counts"):
            of_one, of_other = getattr(one, aspect), getattr(other, aspect)
            pairs[f"cell {number} {aspect}"] = (of_one.get(number), of_other.get(number))
    return {aspect: (left, right) for aspect, (left, right) in pairs.items() if left != right}


def _without_trace(found: Outcome) -> list[tuple[str, str, str]]:
    # Their tracebacks are those of the cells' outputs, compared there.
    return [error[:3] for error in found.errors]
