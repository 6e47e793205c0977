"""What the language offers in a notebook: async, classes, imports, files; and the forms a notebook comes in."""

from __future__ import annotations

from typing import Any

from grader.model import Failure

from .casework import Case, case, code, notebook, out, raised, result, text

_NO_X = Failure("missing", "there is no variable 'x'")


def cases() -> list[Case]:
    """Return the cases of this file."""
    return [*_async(), *_python(), *_formats(), *_cells()]


def _async() -> list[Case]:
    return [
        case(
            "top_level_await",
            "import asyncio\nasync def double(n):\n    await asyncio.sleep(0)\n    return 2 * n",
            "x = await double(4)\nx",
            "await asyncio.gather(*(double(n) for n in range(3)))",
            "class Source:\n    async def __aenter__(self): return self\n"
            "    async def __aexit__(self, *_): self.closed = True\n"
            "    async def each(self):\n        for n in range(3): yield n",
            "async with Source() as source:\n    seen = [n async for n in source.each()]",
            "async for n in source.each():\n    print(n)",
            "await double(None)",
            "async def fails():\n    raise ValueError('async')\nawait fails()",
            "closed = source.closed",
            values={"x": 8, "seen": [0, 1, 2], "closed": True},
            errors=((7, "TypeError"), (8, "ValueError")),
            outputs={
                2: [result("8")],
                3: [result("[0, 2, 4]")],
                6: [out("0\n1\n2\n")],
                8: [raised("ValueError", "async")],
            },
        ),
        case(
            "tasks_over_cells",
            "import asyncio\nasync def work():\n    await asyncio.sleep(0.01)\n"
            "    found.append('worked')\n    return 7",
            "found = []\ntask = asyncio.create_task(work())\nawait asyncio.sleep(0)",
            "value = await task",
            "loop = asyncio.get_running_loop()\nsame = loop is task.get_loop()\nawait asyncio.sleep(0)",
            values={"found": ["worked"], "value": 7, "same": True},
        ),
        case(
            "asyncio_run",
            "import asyncio\nasync def work():\n    return 7",
            "x = asyncio.run(work())",
            "y = 1",
            values={"y": 1},
            errors=((2, "RuntimeError"),),
            outputs={2: [raised("RuntimeError", "asyncio.run() cannot be called from a running event loop")]},
        ),
    ]


def _python() -> list[Case]:
    return [
        case(
            "classes_and_functions",
            "from __future__ import annotations\nfrom dataclasses import dataclass, field, asdict",
            "@dataclass(order=True)\nclass Layer:\n    units: Later\n    tags: list[str] = field(default_factory=list)",
            "layer = asdict(Layer(3, ['a']))\nhint = Layer.__annotations__['units']",
            "import inspect\ndef f(x):\n    return x + 1\nsource = inspect.getsource(f)",
            "import pickle\nagain = pickle.loads(pickle.dumps(Layer(5))).units",
            "names = [__name__, Layer.__module__, f.__qualname__]\nis_main = __name__ == '__main__'",
            "match [1, 2]:\n    case [a, *rest]:\n        matched = rest",
            "def counter():\n    n = 0\n    while True:\n        n += 1\n        yield n\n"
            "c = counter()\ntaken = [next(c), next(c)]",
            "'__file__' in globals()",
            "list = None\nlen = 3",
            "len(matched)",
            "del len, list\nlength = len(matched)",
            values={
                "layer": {"units": 3, "tags": ["a"]},
                "hint": "Later",
                "source": "def f(x):\n    return x + 1\n",
                "again": 5,
                "names": ["__main__", "__main__", "f"],
                "is_main": True,
                "matched": [2],
                "taken": [1, 2],
                "length": 1,
            },
            errors=((11, "TypeError"),),
            outputs={9: [result("False")]},
        ),
        case(
            "tests_in_a_notebook",
            "def add(a, b):\n    '''\n    >>> add(1, 2)\n    4\n    '''\n    return a + b",
            "import doctest\nfailed = doctest.testmod().failed",
            "import unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(add(1, 1), 2)\n"
            "outcome = unittest.main(argv=[''], exit=False).result.wasSuccessful()",
            values={"failed": 1, "outcome": True},
        ),
        case(
            "files_and_surroundings",
            "with open('out.txt', 'w') as file:\n    file.write('written')",
            "content = open('out.txt').read() + open('data.csv').read()",
            "import os, sys, pathlib\nlisted = sorted(path.name for path in pathlib.Path('.').iterdir())",
            "open('missing.txt')",
            "import tempfile\nwith tempfile.TemporaryDirectory() as folder:\n    made = os.path.isdir(folder)",
            "shell = type(get_ipython()).__mro__[-5:] != ()\nhash_of_text = hash('a')",
            "import atexit\natexit.register(print, 'at the end')\nNone",
            "sys.setrecursionlimit(3000)\nlimit = sys.getrecursionlimit()",
            "import gc, signal\ncollected = gc.isenabled()",
            files={"data.csv": b",1"},
            values={"content": "written,1", "made": True, "limit": 3000, "collected": True},
            errors=((4, "FileNotFoundError"),),
            compared="hash_of_text listed shell",
        ),
        case(
            "seeds",
            "import random, numpy",
            "draws = [random.random() for _ in range(3)]",
            "numpy.random.seed(3)\nseeded = float(numpy.random.rand())",
            "random.seed(1)\nagain = random.randint(0, 10**9)",
            values={
                "draws": [0.32383276483316237, 0.15084917392450192, 0.6509344730398537],
                "seeded": 0.5507979025745755,
                "again": 144272509,
            },
            seed=7,
        ),
        case(
            "a_tampered_shell",
            "exec = open = print = dict = get_ipython = __import__ = type = isinstance = None",
            "x = 1\nx",
            "import builtins\nbuiltins.print = None\ny = 2",
            "import sys\nsys.displayhook = None\n3",
            "sys.excepthook = None\n1 / 0",
            "z = 3",
            values={"x": 1, "y": 2, "z": 3, "exec": None},
            errors=((4, "TypeError"), (5, "ZeroDivisionError")),
            outputs={2: [result("1")], 6: []},
        ),
    ]


def _formats() -> list[Case]:
    old = [
        {"cell_type": "heading", "level": 1, "source": ["Sheet"]},
        {"cell_type": "code", "language": "python", "input": ["x = 1\n", "x"], "outputs": [], "prompt_number": 9},
        {"cell_type": "code", "language": "python", "input": "x + 1", "outputs": [], "collapsed": False},
    ]
    expected: dict[str, Any] = {"values": {"x": 1}, "outputs": {1: [result("1")], 2: [result("2")]}}
    format_3 = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": "s"}, "worksheets": [{"cells": old}]}
    cells = (text("# Sheet"), code(["x = 1\n", "x"]), code("x + 1"))
    return [
        Case("format_3", format_3, **expected),
        *(Case(f"format_4_{minor}", notebook(*cells, minor=minor), **expected) for minor in (0, 2, 4, 5)),
        Case("duplicate_ids", notebook(code("x = 1\nx", id="same"), code("x + 1", id="same")), **expected),
        Case("missing_ids", {**notebook(*cells, minor=4), "nbformat_minor": 5}, **expected),
        Case("malformed_ids", notebook(code("x = 1\nx", id="a b"), code("x + 1", id=7)), **expected),
        Case(
            "another_kernels_name",
            notebook(*cells, kernelspec={"name": "my-env", "display_name": "My env", "language": "python"}),
            **expected,
        ),
    ]


def _cells() -> list[Case]:
    stale = [{"output_type": "stream", "name": "stdout", "text": "stale"}]
    return [
        Case(
            "cells_that_are_not_run",
            notebook(
                text("$x$"),
                text("raw", kind="raw"),
                code(""),
                code("  \n\t"),
                code("# only a comment"),
                code("x = 1"),
                text("![a](attachment:a.png)", attachments={"a.png": {"image/png": "AA=="}}),
                code("x"),
            ),
            values={"x": 1},
            outputs={1: [], 2: [], 3: [result("1")]},
        ),
        Case(
            "cells_as_they_come",
            notebook(
                code("x = 1", outputs=stale, execution_count=99, metadata={"tags": ["remove"], "collapsed": True}),
                code("y = 2\r\nprint(y)\r\n"),
                code("if y:\n\tprint('tab')\n"),
                code("\n\n   z = 3\n\n"),
                code("print('no newline at the end')  "),
                code(">>> w = 4\n>>> w"),
                code("In [5]: v = 5"),
                code("\u00a0u = 6"),
                code("t\f= 7"),
            ),
            values={"x": 1, "y": 2, "z": 3, "w": 4, "v": 5},
            errors=((8, "SyntaxError"),),
            outputs={1: [], 2: [out("2\n")], 3: [out("tab\n")], 5: [out("no newline at the end\n")]},
        ),
        Case("no_cells", notebook(), values={"x": _NO_X}),
        Case("no_code_cells", notebook(text("nothing")), values={"x": _NO_X}),
        case(
            "many_cells",
            "total = 0",
            *(f"total += {number}" for number in range(1, 121)),
            "total",
            values={"total": 7260},
            outputs={122: [result("7260")]},
        ),
    ]
