"""What is printed: streams, threads, processes, logging, and what is too much."""

from __future__ import annotations

from grader.model import Limits

from .casework import Case, case, err, out, raised, result, shown

_FEW_CHARS = Limits(output_bytes=1000)
_CUT = "\n[output cut here: more than 1000 characters]\n"


def cases() -> list[Case]:
    """Return the cases of this file."""
    return [*_streams(), *_others(), *_too_much()]


def _streams() -> list[Case]:
    return [
        case(
            "streams",
            "import sys\nprint('a', 1, sep='-')\nprint('b', end='')\nwritten = sys.stdout.write('c')",
            "sys.stderr.write('e\\n')\nprint('f', file=sys.stderr, flush=True)\nNone",
            "sys.stdout.writelines(['x\\n', 'y\\n'])\nprint()\nprint(None, [1], {'k': 'v'})",
            "text = (sys.stdout.encoding.lower(), sys.stdout.isatty(), sys.stdout.writable())",
            values={"written": 1, "text": ["utf-8", False, True]},
            outputs={
                1: [out("a-1\nbc")],
                2: [err("e\nf\n")],
                3: [out("x\ny\n\nNone [1] {'k': 'v'}\n")],
                4: [],
            },
        ),
        case(
            "streams_interleaved",
            "import sys\nfor n in range(3):\n    print('o', n)\n    print('e', n, file=sys.stderr)",
            "print('before')\ndisplay(1)\nprint('between', file=sys.stderr)\nprint('between')\n2",
            outputs={
                1: [out("o 0\no 1\no 2\n"), err("e 0\ne 1\ne 2\n")],
                2: [out("before\nbetween\n"), shown("1"), err("between\n"), result("2")],
            },
        ),
        case(
            "unicode",
            "print('Zürich 🎓 שלום 日本 e\\u0301 \\U0001f9d1\\u200d\\U0001f393 \\t|')\ns = 'ä\\ud800'\ns.isprintable()",
            "größe = 3\nprint(größe, '\\N{GREEK SMALL LETTER ALPHA}')\n{'ключ': 'значение'}",
            "raise ValueError('größer als ∞')",
            values={"größe": 3, "s": "ä\ud800"},
            errors=((3, "ValueError"),),
            outputs={
                1: [out("Zürich 🎓 שלום 日本 e\u0301 \U0001f9d1\u200d\U0001f393 \t|\n"), result("False")],
                2: [out("3 \N{GREEK SMALL LETTER ALPHA}\n"), result("{'ключ': 'значение'}")],
                3: [raised("ValueError", "größer als ∞")],
            },
        ),
        case(
            "lone_surrogates",
            "s = 'a\\ud800b'\nprint(ascii(s))\ns",
            "raise ValueError(s)",
            "still = 1",
            values={"s": "a\ud800b", "still": 1},
            errors=((2, "UnicodeEncodeError"),),
        ),
        case(
            "control_characters",
            "for n in range(3):\n    print(f'\\r{n * 50} %', end='')\nprint()",
            "print('ab\\bc')\nprint('\\x1b[31mred\\x1b[0m', 'bell\\x07', 'nul\\x00.')",
            "print('first\\rsecond')\nprint('x\\n\\ry')",
            "done = True",
            values={"done": True},
        ),
        case(
            "streams_redirected",
            "import contextlib, io, sys\nwith contextlib.redirect_stdout(io.StringIO()) as kept:\n"
            "    print('inside')\n    3\nprint('outside')\nkept = kept.getvalue()",
            "sys.stdout = io.StringIO()\nprint('swallowed')",
            "sys.stdout = sys.__stdout__\nlen(sys.argv) > 0",
            values={"kept": "inside\n"},
            outputs={1: [out("outside\n")], 2: []},
        ),
    ]


def _others() -> list[Case]:
    return [
        case(
            "logging_and_warnings",
            "import logging, warnings\nlogging.warning('careful')\nlogging.info('unseen')",
            "for _ in range(2):\n    warnings.warn('twice')",
            "warnings.warn('old', DeprecationWarning)",
            "with warnings.catch_warnings():\n    warnings.simplefilter('error')\n    warnings.warn('strict')",
            "1 is 1",
            "with warnings.catch_warnings(record=True) as seen:\n    warnings.warn('kept')\nseen = len(seen)",
            "logging.getLogger('mine').error('%s', 'bad')",
            values={"seen": 1},
            errors=((4, "UserWarning"),),
            outputs={
                1: [err("WARNING:root:careful\n")],
                2: [err("<cell>:2: UserWarning: twice\n  warnings.warn('twice')\n")],
                7: [err("ERROR:mine:bad\n")],
            },
        ),
        case(
            "threads_printing",
            "import threading\ndef work(n):\n    print(f'thread {n}\\n', end='')\n    found.append(n)",
            "found = []\nthreads = [threading.Thread(target=work, args=(n,)) for n in range(3)]\n"
            "for t in threads:\n    t.start()\n    t.join()",
            "def fails():\n    raise ValueError('in a thread')\n"
            "t = threading.Thread(target=fails, name='T')\nt.start()\nt.join()",
            "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(2) as pool:\n"
            "    squares = list(pool.map(lambda n: n * n, range(4)))",
            values={"found": [0, 1, 2], "squares": [0, 1, 4, 9]},
            outputs={2: [out("thread 0\nthread 1\nthread 2\n")], 4: []},
        ),
        case(
            "a_thread_that_outlives_its_cell",
            "import threading\ngo, done = threading.Event(), threading.Event()\n"
            "def late():\n    go.wait()\n    print('late')\n    done.set()\nthreading.Thread(target=late).start()",
            "go.set()\nended = done.wait(20)\nimport time\ntime.sleep(0.2)",
            values={"ended": True},
        ),
        case(
            "subprocess_output",
            # ipykernel reads descriptors 1 and 2 in a thread; the pause lets it see what came before the cell's end.
            "import os, subprocess, sys, time\npause = lambda: time.sleep(0.4)\n"
            "code = subprocess.run(['echo', 'to the descriptor']).returncode\npause()",
            "os.system('echo from the shell')\npause()",
            "taken = subprocess.check_output(['echo', 'taken'], text=True)",
            "failed = subprocess.run(['sh', '-c', 'echo no >&2; exit 3'], capture_output=True)\n"
            "status, words = failed.returncode, failed.stderr.decode()",
            "fed = subprocess.run(['cat'], input=b'fed', stdout=subprocess.PIPE).stdout.decode()\n"
            "piped = subprocess.run([sys.executable, '-c', 'print(6 * 7)'], capture_output=True, text=True).stdout",
            values={"code": 0, "taken": "taken\n", "status": 3, "words": "no\n", "fed": "fed", "piped": "42\n"},
            outputs={1: [out("to the descriptor\n")], 2: [out("from the shell\n")], 3: []},
        ),
        case(
            "multiprocessing",
            "import multiprocessing\ndef square(n):\n    return n * n",
            "with multiprocessing.get_context('fork').Pool(2) as pool:\n    squares = pool.map(square, range(5))",
            "queue = multiprocessing.get_context('fork').Queue()\n"
            "child = multiprocessing.get_context('fork').Process(target=lambda: queue.put('from the child'))\n"
            "child.start()\nword = queue.get(timeout=20)\nchild.join()\ncode = child.exitcode",
            values={"squares": [0, 1, 4, 9, 16], "word": "from the child", "code": 0},
            outputs={1: [], 2: [], 3: []},
        ),
        case(
            "input_is_refused",
            "input('name? ')",
            "import getpass\ngetpass.getpass()",
            "import sys\nread = sys.stdin.read()",
            "try:\n    input()\nexcept RuntimeError as error:\n    said = str(error)",
            "after = 1",
            values={
                "said": "input() is not available while grading: assign the value in the code instead",
                "after": 1,
            },
            errors=((1, "RuntimeError"), (2, "RuntimeError")),
        ),
    ]


def _too_much() -> list[Case]:
    return [
        case(
            "a_long_print_is_cut",
            "print('a' * 300_000)",
            "for n in range(20_000):\n    print('b' * 10)",
            "import sys\nsys.stderr.write('c' * 5000)\nprint('unseen')",
            "print('short')\nx = 1",
            limits=_FEW_CHARS,
            values={"x": 1},
            outputs={1: [out("a" * 1000 + _CUT)], 4: [out("short\n")]},
        ),
        case(
            "a_large_value_is_cut",
            "'d' * 300_000",
            "display('e' * 5000)",
            "raise ValueError('f' * 5000)",
            "list(range(100_000))",
            "x = 1",
            limits=_FEW_CHARS,
            values={"x": 1},
            errors=((3, "ValueError"),),
            outputs={1: [result("'" + "d" * 999 + _CUT)], 2: [shown("'" + "e" * 999 + _CUT)]},
        ),
        case(
            "many_displays_are_cut",
            "for n in range(1100):\n    display(n)",
            "display('next')",
            outputs={1: [shown(str(n)) for n in range(1000)], 2: [shown("'next'")]},
        ),
        case(
            "a_notebooks_outputs_are_cut",
            "print('a' * 900)",
            "print('b' * 900)",
            "print('c')\nx = 1",
            "x",
            limits=Limits(value_bytes=1500),
            values={"x": 1},
            outputs={
                1: [out("a" * 900 + "\n")],
                2: [err("[output cut here: the notebook's outputs are too large]\n")],
                3: [],
                4: [],
            },
        ),
    ]
