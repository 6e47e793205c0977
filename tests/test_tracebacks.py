"""What students see of an exception: their own frames and libraries', whichever runner ran them; none of ours."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from execution_helpers import module_job, notebook_job, run

from grader.model import CodeError

#: What raises, and what its traceback must show, in order.
SOURCES: dict[str, tuple[str, tuple[str, ...]]] = {
    "plain": ("def f():\n    1/0\nf()", ("f()", "1/0", "ZeroDivisionError")),
    "callback": ("def key(x):\n    return 1/0\nsorted([1, 2], key=key)", ("key=key", "1/0", "ZeroDivisionError")),
    "callback of a library": (
        "import functools\nfunctools.reduce(lambda a, b: input(), [1, 2])",
        ("functools.reduce", "RuntimeError: input() is not available"),
    ),
    "syntax": ("x = 1\ny = (", ("y = (", "SyntaxError")),
    "executed": ("exec('a = 1\\nb = 1/0')", ("exec(", "<string>", "ZeroDivisionError")),
    "executed syntax": ("exec('a = (')", ("exec(", "<string>", "SyntaxError")),
    "chained": (
        "try:\n    input('?')\nexcept RuntimeError as error:\n    raise ValueError('new') from error",
        ("input('?')", "RuntimeError: input()", "direct cause", "raise ValueError('new')", "ValueError: new"),
    ),
    "while handling": (
        "try:\n    1/0\nexcept ZeroDivisionError:\n    input('?')",
        ("1/0", "During handling", "input('?')", "RuntimeError: input()"),
    ),
    "group": (
        "try:\n    input('?')\nexcept RuntimeError as error:\n    raise ExceptionGroup('many', [error])",
        ("raise ExceptionGroup", "many"),
    ),
    "a stream of ours": ("import sys\nprint(3, file=sys.stdout, end=4)", ("end=4", "TypeError: end must be")),
    "awaited": (
        "import asyncio\nasync def later():\n    await asyncio.sleep(0)\n    input('?')\nawait later()",
        ("await later()", "input('?')", "RuntimeError: input()"),
    ),
    "imported": ("import helper", ("import helper", "helper.py", "x = input('?')", "RuntimeError: input()")),
}
FILES = {"helper.py": b"x = input('?')\n"}


def check(error: CodeError, shown: tuple[str, ...]) -> None:
    """Assert that the traceback shows these parts in order, and no file of ours."""
    at = 0
    for part in shown:
        assert part in error.traceback[at:], f"{part} after {at} in\n{error.traceback}"
        at = error.traceback.index(part, at)
    assert "/inside/" not in error.traceback
    assert "_grade_inside" not in error.traceback


@pytest.mark.parametrize("runner", ["shell", "nbclient"])
def test_a_notebooks_tracebacks_show_no_frame_of_ours(runner: Any) -> None:
    sources = [source for source, _ in SOURCES.values()]
    result = run(replace(notebook_job(*sources, files=FILES), runner=runner))
    assert [error.where for error in result.errors] == [f"cell {number}" for number in range(1, len(sources) + 1)]
    assert result.notebook is not None
    for error, cell, (_, shown) in zip(
        result.errors, json.loads(result.notebook)["cells"], SOURCES.values(), strict=True
    ):
        # IPython prints the traceback of a group to stderr.
        printed = error if error.traceback else replace(error, traceback=cell["outputs"][0]["text"])
        check(printed, shown)
    assert "/inside/" not in result.notebook


@pytest.mark.parametrize("name", [name for name in SOURCES if name != "awaited"])
def test_a_modules_traceback_shows_no_frame_of_ours(name: str) -> None:
    source, shown = SOURCES[name]
    result = run(module_job(source, files=FILES))
    assert len(result.errors) == 1
    assert result.errors[0].traceback.startswith(("Traceback", '  File "work.py"', "  + Exception Group"))
    check(result.errors[0], shown)
