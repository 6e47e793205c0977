"""What goes wrong in a cell, and what the cells after it see."""

from __future__ import annotations

from grader.model import Failure, Limits, Stop

from .casework import Case, case, out, raised


def cases() -> list[Case]:
    """Return the cases of this file."""
    return [*_exceptions(), *_syntax(), *_exits(), *_ends()]


def _exceptions() -> list[Case]:
    return [
        case(
            "an_error_in_a_middle_cell",
            "x = 1",
            "x = 2\nprint('before')\n1 / 0\nx = 3",
            "y = x + 1\nprint(y)",
            "undefined_name",
            "x.missing",
            "assert x == 3, f'x is {x}'",
            "assert False",
            values={"x": 2, "y": 3},
            errors=(
                (2, "ZeroDivisionError"),
                (4, "NameError"),
                (5, "AttributeError"),
                (6, "AssertionError"),
                (7, "AssertionError"),
            ),
            outputs={
                2: [out("before\n"), raised("ZeroDivisionError", "division by zero")],
                3: [out("3\n")],
                4: [raised("NameError", "name 'undefined_name' is not defined")],
                6: [raised("AssertionError", "x is 2")],
                7: [raised("AssertionError", "")],
            },
        ),
        case(
            "nested_exceptions",
            "def inner():\n    raise KeyError('k')\ndef outer():\n    try:\n        inner()\n"
            "    except KeyError as error:\n        raise ValueError('outer') from error",
            "outer()",
            "try:\n    1 / 0\nexcept ZeroDivisionError:\n    undefined",
            "try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise TypeError('alone') from None",
            "raise ExceptionGroup('both', [ValueError(1), ExceptionGroup('in', [TypeError(2)])])",
            "error = ValueError('noted')\nerror.add_note('look here')\nraise error",
            "def deep(n):\n    return deep(n + 1)\ndeep(0)",
            errors=(
                (2, "ValueError"),
                (3, "NameError"),
                (4, "TypeError"),
                (5, "ExceptionGroup"),
                (6, "ValueError"),
                (7, "RecursionError"),
            ),
            outputs={2: [raised("ValueError", "outer")], 6: [raised("ValueError", "noted")]},
        ),
        case(
            "exceptions_of_ones_own",
            "class Mine(Exception):\n    def __str__(self): return 'my words'\nraise Mine",
            "class Bad(Exception):\n    def __str__(self): raise ValueError('no words')\nraise Bad('x')",
            "class Base(BaseException): pass\nraise Base('not an Exception')",
            "raise StopIteration(3)",
            "raise GeneratorExit",
            "raise 'text'",
            "class Quiet:\n    def __del__(self): raise ValueError('in del')\nq = Quiet()\ndel q\nafter = 1",
            "raise KeyboardInterrupt",
            "raise KeyboardInterrupt('said')",
            "import sys\nsys.last_value is not None",
            values={"after": 1},
            errors=(
                (1, "Mine"),
                (2, "ValueError"),
                (3, "Base"),
                (4, "StopIteration"),
                (5, "GeneratorExit"),
                (6, "TypeError"),
                (8, "KeyboardInterrupt"),
                (9, "KeyboardInterrupt"),
            ),
            outputs={1: [raised("Mine", "my words")], 4: [raised("StopIteration", "3")]},
        ),
        case(
            "errors_in_other_places",
            "import helper",
            "helper.fails(3)",
            "def of_cell_3(value):\n    return value[0]",
            "of_cell_3(None)",
            "import broken",
            "exec('x = (')",
            "eval('1 +')",
            "exec('def f():\\n    return 1 / 0')\nf()",
            "import json\njson.loads('{')",
            "import numpy\nnumpy.zeros(2) @ numpy.zeros(3)",
            files={
                "helper.py": b"def fails(n):\n    # a comment\n    return n / 0\n",
                "broken.py": b"def f(:\n    pass\n",
            },
            errors=(
                (2, "ZeroDivisionError"),
                (4, "TypeError"),
                (5, "SyntaxError"),
                (6, "SyntaxError"),
                (7, "SyntaxError"),
                (8, "ZeroDivisionError"),
                (9, "JSONDecodeError"),
                (10, "ValueError"),
            ),
        ),
        case(
            "many_errors",
            *(f"raise ValueError({number})" for number in range(30)),
            "fine = 1",
            values={"fine": 1},
            errors=tuple((number, "ValueError") for number in range(1, 31)),
            outputs={30: [raised("ValueError", "29")], 31: []},
        ),
    ]


def _syntax() -> list[Case]:
    return [
        case(
            "syntax_errors",
            "x = 1\nx = (",
            "def f():\nreturn 1",
            "  y = 2",
            "for n in range(3)\n    print(n)",
            "print 'two'",
            "x = 'unterminated",
            "return 5",
            "await_ = 1\nyield 2",
            "if True:\n\tx = 1\n        y = 2",
            "1 = x",
            "after = 'x' in dir()",
            values={"after": False, "x": Failure("missing", "there is no variable 'x'"), "y": 2},
            errors=(
                (1, "SyntaxError"),
                (2, "IndentationError"),
                (4, "SyntaxError"),
                (5, "SyntaxError"),
                (6, "SyntaxError"),
                (7, "SyntaxError"),
                (8, "SyntaxError"),
                (9, "TabError"),
                (10, "SyntaxError"),
            ),
        ),
    ]


def _exits() -> list[Case]:
    return [
        case(
            "system_exit",
            "import sys\nprint('going')\nsys.exit()\nprint('never')",
            "sys.exit('with words')",
            "sys.exit(3)",
            "raise SystemExit",
            "x = 1\nprint('still here')",
            values={"x": 1},
            errors=tuple((number, "SystemExit") for number in range(1, 5)),
            outputs={5: [out("still here\n")]},
        ),
        case(
            "exit_and_quit",
            "exit()",
            "quit()",
            "exit",
            "print('before')\nexit(0)\nreached = 1",
            "x = 1",
            values={"x": 1},
            outputs={5: []},
        ),
    ]


def _ends() -> list[Case]:
    lost = "the process ended before its time in cell 2 (exit status 5); what was computed is lost"
    return [
        case(
            "the_process_ends",
            "x = 1\nprint('on')",
            "import os\nos._exit(5)",
            "y = 1",
            values={"x": Failure("not_run", lost), "y": Failure("not_run", lost)},
            stop=Stop.KILLED,
            outputs={1: [out("on\n")], 3: []},
        ),
        case(
            "the_time_limit",
            "x = 1\nprint('on')",
            "while True:\n    pass",
            "y = 1",
            values={"x": 1, "y": Failure("missing", "there is no variable 'y'")},
            limits=Limits(timeout_seconds=2.0),
            stop=Stop.TIMEOUT,
            outputs={1: [out("on\n")], 3: []},
        ),
        case(
            "the_memory_limit",
            "x = 1",
            "big = bytearray(10**12)",
            "y = 2",
            values={"x": 1, "y": 2},
            limits=Limits(memory_bytes=600 * 1024**2),
            stop=Stop.MEMORY,
            errors=((2, "MemoryError"),),
            outputs={2: [raised("MemoryError", "")], 3: []},
        ),
    ]
