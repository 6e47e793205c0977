"""Magics and shell commands."""

from __future__ import annotations

from .casework import Case, bundle, case, err, out, result


def cases() -> list[Case]:
    """Return the cases of this file."""
    return [*_timing(), *_files(), *_shell(), *_asking(), *_settings()]


def _timing() -> list[Case]:
    return [
        case(
            "time",
            "%time x = sum(range(10))",
            "%time x + 1",
            "%%time\ny = 2\nprint('in it')\ny",
            "%time 1 / 0",
            "%%time\nraise ValueError('timed')",
            "%timeit -n1 -r1 z = 1",
            "%%timeit -n2 -r2 -q\nz = 1",
            "best = %timeit -n1 -r1 -o -q x\nbest = best.loops",
            values={"x": 45, "y": 2, "best": 1},
            errors=((4, "ZeroDivisionError"), (5, "ValueError")),
            outputs={
                1: [out("CPU times: …\nWall time: …\n")],
                2: [out("CPU times: …\nWall time: …\n"), result("46")],
                7: [],
            },
        ),
        case(
            "capture",
            "%%capture kept\nimport sys\nprint('printed')\nprint('warned', file=sys.stderr)\ndisplay(1)\n2",
            "words = [kept.stdout, kept.stderr]\nnumber = len(kept.outputs)",
            "kept.show()",
            "%%capture\nprint('lost')",
            "%%capture\n1 / 0",
            "print('seen again')",
            values={"words": ["printed\n", "warned\n"], "number": 2},
            outputs={1: [], 2: [], 4: [], 6: [out("seen again\n")]},
        ),
    ]


def _files() -> list[Case]:
    return [
        case(
            "writefile_and_run",
            "%%writefile written.py\nvalue = 5\nprint('running', __name__)",
            "%%writefile -a written.py\nprint('appended')",
            "%run written.py",
            "import written\nvalue += written.value",
            "%run helper.py one two",
            "%run missing.py",
            "%run fails.py",
            "text = open('written.py').read()",
            "%run -i uses.py",
            "%load_ext autoreload\n%autoreload 2",
            "%load_ext not_there",
            files={
                "helper.py": b"import sys\narguments = sys.argv[1:]\nif __name__ == '__main__':\n"
                b"    print(arguments)\n",
                "fails.py": b"before = 1\nraise ValueError('in a script')\n",
                "uses.py": b"doubled = value * 2\n",
            },
            values={
                "value": 10,
                "doubled": 20,
                "arguments": ["one", "two"],
                "text": "value = 5\nprint('running', __name__)\nprint('appended')\n",
            },
            errors=((6, "Exception"), (11, "ModuleNotFoundError")),
        ),
        case(
            "folders",
            "import os\nos.makedirs('sub', exist_ok=True)\nstart = os.path.basename(os.getcwd())",
            "%cd sub",
            "inside = os.path.basename(os.getcwd())",
            "%cd ..",
            "back = os.path.basename(os.getcwd()) == start",
            "where = %pwd\nwhere = os.path.basename(where) == start",
            "%cd nowhere",
            "import local_module\nlocal = local_module.name",
            "from package.part import thing\nthing",
            files={
                "local_module.py": b"name = 'of the hand-in'",
                "package/__init__.py": b"",
                "package/part.py": b"thing = 1",
            },
            values={"inside": "sub", "back": True, "where": True, "local": "of the hand-in"},
            outputs={9: [result("1")]},
        ),
    ]


def _shell() -> list[Case]:
    return [
        case(
            "shell_commands",
            "!echo hello",
            "lines = !printf 'a\\nb\\n'\nlines = list(lines)",
            "name = 'x y'\n!echo {name} $name",
            "!exit 3\ncode = _exit_code",
            "!echo no >&2",
            "listed = !ls helper.txt\nlisted = listed[0]",
            "!no-such-command-here",
            "%sx echo captured",
            files={"helper.txt": b"content\n"},
            values={"lines": ["a", "b"], "code": 3, "listed": "helper.txt"},
        ),
        case(
            "script_cells",
            "%%bash\necho from bash\necho to stderr >&2",
            "%%sh\nexit 4",
            "%%bash --out kept\necho kept",
            "%%script cat\ntext",
            "after = kept",
            values={"after": "kept\n"},
            errors=((2, "CalledProcessError"),),
        ),
    ]


def _asking() -> list[Case]:
    return [
        case(
            "unknown_magics",
            "%no_such_magic",
            "%%no_such_cell_magic\nx = 1",
            "x = %no_such_magic",
            "%%time_is_no_cell_magic",
            "y = 1",
            values={"y": 1},
            errors=tuple((number, "UsageError") for number in (1, 2, 3, 4)),
            outputs={
                1: [err("UsageError: Line magic function `%no_such_magic` not found.\n")],
                2: [err("UsageError: Cell magic `%%no_such_cell_magic` not found.\n")],
            },
        ),
        case(
            "pages",
            'def f(a, b=2):\n    "What f does."\nf?',
            "f??",
            "?no_such_object",
            "%pinfo f",
            "%quickref",
            "%load helper.py",
            "%page f",
            "print('after')",
            files={"helper.py": b"z = 1\n"},
            outputs={8: [out("after\n")]},
        ),
        case(
            "looking_around",
            "first, second = 1, 'two'",
            "%who",
            "%whos",
            "names = %who_ls\nnames = sorted(names)",
            "%reset -f",
            "left = 'first' in dir()",
            "%history -l 1",
            "%env HOME_OF_MINE=here",
            "import os\nvariable = os.environ['HOME_OF_MINE']",
            "%alias say echo",
            "get_ipython().run_line_magic('time', 'x = 1')",
            "get_ipython().run_cell('ran = 6 * 7').success",
            values={"left": False, "variable": "here", "ran": 42},
        ),
    ]


def _settings() -> list[Case]:
    return [
        case(
            "cell_languages",
            "%%html\n<b>bold</b>",
            "%%javascript\n1;",
            "%%latex\n$x$",
            "%%markdown\n*m*",
            "%%svg\n<svg/>",
            "%%python\nprint('in another process')",
            outputs={
                1: [
                    bundle(
                        "display", {"text/html": "<b>bold</b>\n", "text/plain": "<IPython.core.display.HTML object>"}
                    )
                ]
            },
        ),
        case(
            "settings",
            "%precision 3",
            "3.14159265",
            "%xmode Plain",
            "1 / 0",
            "%xmode Context",
            "%config InteractiveShell.ast_node_interactivity = 'all'",
            "1\n2",
            "%config InteractiveShell.ast_node_interactivity = 'last_expr'",
            "%pprint",
            "%automagic",
            "%config NoSuchClass.option = 1",
            errors=((4, "ZeroDivisionError"),),
            outputs={2: [result("3.142")], 7: [result("1"), result("2")]},
        ),
        case(
            "debugging",
            "def f(n):\n    return 1 / n\nf(0)",
            "%tb",
            "%debug",
            "breakpoint()",
            "x = 1",
            values={"x": 1},
            errors=((1, "ZeroDivisionError"), (3, "RuntimeError"), (4, "RuntimeError")),
        ),
    ]
