"""Hidden inputs: an answer for the visible ones alone is wrong, and what a function is called with is not shown."""

from __future__ import annotations

import contextlib
import io
from dataclasses import replace

import pytest

from grader.execution import execute
from grader.model import Failure, Plain, Probe, Run

from . import table
from .case import QUICK
from .chosen import COLUMN, RUNGS
from .harness import Bench, everything, make_job

#: What the task shows as an example, and what the grader draws.
VISIBLE, HIDDEN = 21, 83_142_719

HARD_CODED = f"def double(x):\n    return {2 * VISIBLE}\n"
SNIFFING = """
import atexit, os, sys
kept = []
log = os.dup(1)

def double(x):
    kept.append(x)
    print("hidden input:", x, flush=True)
    sys.__stderr__.write(f"hidden input: {x}")
    os.write(log, f"hidden input: {x}".encode())
    os.write(2, f"hidden input: {x}".encode())
    atexit.register(print, "hidden input:", x)
    return 2 * x
"""


def called(source: str, bench: Bench, value: int) -> Run:
    """Return the run of ``source`` in which its function is called with ``value``."""
    cases: Plain = {"cases": [{"args": [value]}]}
    job = make_job(source, [], QUICK, {})
    return execute(replace(job, probes=(Probe("call", "double", cases),)), bench.sandbox)


def answer(run: Run) -> object:
    (one,) = run.observations
    assert not isinstance(one.value, Failure), one.value
    return one.value[0]["value"]  # type: ignore[index, call-overload]


@pytest.mark.parametrize("rung", RUNGS)
def test_an_answer_for_the_visible_input_is_wrong_for_a_hidden_one(rung: str, bench: Bench) -> None:
    name = "forgery: hard-coded visible answers against hidden inputs"
    assert answer(called(HARD_CODED, bench, VISIBLE)) == 2 * VISIBLE
    table.note(name, table.CONTROL, "won: the visible input alone is answered right")
    run = called(HARD_CODED, bench, HIDDEN)
    assert answer(run) != 2 * HIDDEN
    table.note(name, COLUMN.format(rung=rung), f"held: {run.stop}")


@pytest.mark.parametrize("rung", RUNGS)
def test_a_hidden_input_that_is_printed_is_not_shown(rung: str, bench: Bench) -> None:
    name = "forgery: hidden inputs sniffed to stdout"
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec("def double(x):\n    print('hidden input:', x)\ndouble(7)", {})  # noqa: S102 - the unconfined control
    assert "hidden input: 7" in printed.getvalue()
    table.note(name, table.CONTROL, "won: the input is printed")
    run = called(SNIFFING, bench, HIDDEN)
    assert answer(run) == 2 * HIDDEN
    assert "hidden input" not in everything(replace(run, observations=()))
    table.note(name, COLUMN.format(rung=rung), f"held: {run.stop}")
