"""Modules and notebooks in the bottom rung: what works, what fails, and what is left behind."""

from __future__ import annotations

import json
import re
import sys
import threading
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import pytest
from execution_helpers import children, kinds, module_job, notebook_job, notebook_text, run, values

from grader.errors import SubmissionError
from grader.execution import CancelledError, environment, execute, module_source, notebook_source
from grader.model import Array, CodeError, Failure, Job, Limits, Opaque, Probe, Stop
from grader.sandbox import SelfCheck
from grader.sandbox.leftovers import remove_folder

SHORT = Limits(timeout_seconds=1.0)


# --- reading what was handed in ----------------------------------------------------------------------------


def read(content: object) -> dict[str, Any]:
    read_back: dict[str, Any] = json.loads(notebook_source(json.dumps(content).encode(), "anna.ipynb"))
    return read_back


def test_cells_get_ids_of_their_own_and_lose_their_outputs() -> None:
    code = {"cell_type": "code", "metadata": {}, "source": ["x = 1\n", "x"], "outputs": [{"a": 1}]}
    content = {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {"kernelspec": {"name": "my-env", "language": "python"}},
        "cells": [
            {**code, "id": "a"},
            {**code, "id": "a"},
            {**code, "id": "cell-4"},
            code,
            {**code, "id": "b c"},
        ],
    }
    cells = read(content)["cells"]
    assert [cell["id"] for cell in cells] == ["a", "cell-2", "cell-4", "cell-4-x", "cell-5"]
    assert {cell["source"] for cell in cells} == {"x = 1\nx"}
    assert [cell["outputs"] for cell in cells] == [[]] * 5
    assert read(content) == read(content)


def test_format_3_is_upgraded() -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Sheet"]},
        {"cell_type": "code", "language": "python", "input": ["x = 1"], "outputs": [], "prompt_number": 3},
    ]
    read_back = read({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]})
    assert (read_back["nbformat"], read_back["nbformat_minor"]) == (4, 5)
    assert [(c["cell_type"], c["source"]) for c in read_back["cells"]] == [
        ("markdown", "## Sheet"),
        ("code", "x = 1"),
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"  \n", "anna.ipynb: the file is empty"),
        (b"x" * (32 * 1024**2 + 1), "Clear the outputs"),
        (b'{"nbformat": 4,\n "cells": [}', "anna.ipynb, line 2, column 12: is not a notebook"),
        (b"\xff\xfe", "is not a notebook: .*utf-8"),
        (b'{"nbformat": 4, "x": ' + b"9" * 5000 + b"}", "is not a notebook: Exceeds"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[1]", "there is no 'nbformat'"),
        (b'{"nbformat": 2}', "has notebook format 2; 3 and 4 are read"),
        (b'{"nbformat": 4, "cells": 5}', "not a complete notebook: a cell cannot be read"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}', "KeyError: 'source'"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "x", "source": ""}]}', "cell type 'x'"),
        (
            b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": {"x = 1": 2}}]}',
            "its source is an object; expected text or a list of lines",
        ),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": ["x", 1]}]}', "a list of something else"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "raw", "source": null}]}', "its source is null; expected"),
        (b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": 5}]}', "its source is no text; expected"),
        (
            b'{"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": {"x": 1}}]}]}',
            "its source is an object; expected",
        ),
        (
            b'{"nbformat": 4, "metadata": {"kernelspec": {"language": "R"}}}',
            "a notebook for 'R'; expected Python",
        ),
        (b'{"nbformat": 4, "metadata": {"kernelspec": {"name": "julia-1.9"}}}', "a notebook for 'julia-1.9'"),
    ],
)
def test_what_is_not_a_notebook_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(SubmissionError, match=message):
        notebook_source(data, "anna.ipynb")


def test_modules_are_decoded_as_python_does() -> None:
    assert module_source(b"\xef\xbb\xbfx = 1", "a.py") == "x = 1"
    assert module_source(b"# coding: latin-1\nx = '\xe4'", "a.py") == "# coding: latin-1\nx = 'ä'"
    assert module_source(b"x = (", "a.py") == "x = ("
    with pytest.raises(SubmissionError, match=re.escape("a.py: the file is empty")):
        module_source(b"", "a.py")
    with pytest.raises(SubmissionError, match="expected text in UTF-8"):
        module_source(b"x = '\xe4'", "a.py")
    with pytest.raises(SubmissionError, match="unknown encoding"):
        module_source(b"# coding: klingon\n", "a.py")


def test_the_environment_names_versions() -> None:
    found = environment()
    assert found.python == ".".join(map(str, sys.version_info[:3]))
    assert {"numpy", "ipykernel", "nbclient"} <= dict(found.packages).keys()
    assert found.packages == tuple((name, metadata.version(name)) for name, _ in found.packages)


# --- modules -----------------------------------------------------------------------------------------------

MODULE = """\
import os, random, subprocess, sys, helper, numpy, json
from dataclasses import dataclass
print("printed", "\\ud800")
os.write(1, b"raw\\n")
subprocess.run(["echo", "child"])
sys.stderr.write("a warning\\n")

@dataclass
class Point:
    x: int = 1

name, file, here = __name__, os.path.basename(__file__), os.listdir(".")
registered = sys.modules["work"].__dict__ is globals()
shadow, helped, data = numpy.__file__.endswith("work/numpy.py"), helper.value, open("data/a.txt").read()
draw, point, table = random.random(), Point(), numpy.eye(2)
secret, home = os.environ.get("GRADE_TEST_SECRET"), os.environ["HOME"]
empty = sys.stdin.read()
try:
    input("? ")
except RuntimeError as error:
    asked = str(error)
last = 1 / 0
never = 1
"""


def test_a_module_runs_as_students_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADE_TEST_SECRET", "the host's")
    files = {"helper.py": b"value = 5", "numpy.py": b"x", "json.py": b"x", "data/a.txt": b"text"}
    names = "name file here registered shadow helped data draw point table secret home empty asked last never"
    result = run(module_job(MODULE, names, files=files))
    seen = values(result)
    assert Stop.FINISHED is result.stop
    assert result.detail == ""
    assert (seen["name"], seen["file"], seen["registered"]) == ("work", "work.py", True)
    assert (seen["shadow"], seen["helped"], seen["data"]) == (False, 5, "text")
    assert isinstance(seen["here"], list)
    assert {"work.py", "data"} <= set(map(str, seen["here"]))
    assert (seen["secret"], seen["empty"]) == (None, "")
    assert seen["home"] != str(Path.home())
    assert seen["asked"] == "input() is not available while grading: assign the value in the code instead"
    assert seen["point"] == Opaque("Point")
    assert isinstance(seen["table"], Array)
    assert (kinds(result)["last"], kinds(result)["never"]) == ("missing", "missing")
    assert [(error.where, error.name, error.message) for error in result.errors] == [
        ("line 22", "ZeroDivisionError", "division by zero")
    ]
    assert result.errors[0].traceback.splitlines()[1] == '  File "work.py", line 22, in <module>'
    assert sorted(result.log.splitlines()) == ["a warning", "child", "printed \\ud800", "raw"]
    assert values(run(module_job("import random\ndraw = random.random()", "draw")))["draw"] == seen["draw"]


@pytest.mark.parametrize(
    ("source", "where", "name", "message"),
    [
        ("x = 1\nimport sys\nsys.exit(0)", "line 3", "SystemExit", "called exit(); what follows was not run"),
        ("x = 1\nexit()", "line 2", "SystemExit", "called exit(); what follows was not run"),
        ("x = 1\nraise BaseException('b')", "line 2", "BaseException", "b"),
        ("x = 1\nclass E(Exception):\n  def __str__(self): 1/0\nraise E", "line 4", "E",
         "(its message could not be read)"),
    ],
)  # fmt: skip
def test_names_assigned_before_an_exception_are_observed(source: str, where: str, name: str, message: str) -> None:
    result = run(module_job(source, "x"))
    assert (result.stop, values(result)) == (Stop.FINISHED, {"x": 1})
    assert [(where, name, message)] == [(e.where, e.name, e.message) for e in result.errors]


def test_a_syntax_error_is_the_students() -> None:
    result = run(module_job("x = 1\ny = (", "x"))
    assert [(error.where, error.name) for error in result.errors] == [("line 2", "SyntaxError")]
    assert kinds(result) == {"x": "missing"}


def test_a_hand_in_named_like_a_library_does_not_replace_it() -> None:
    job = Job("module", "json.py", "import json\ny = json.dumps(1)\nz = __name__", (), (Probe("value", "y"),), SHORT)
    assert values(run(job)) == {"y": "1"}


def test_at_the_time_limit_what_was_computed_is_observed() -> None:
    result = run(module_job("x = 1\nwhile True:\n    pass\n", "x y", SHORT))
    assert (result.stop, result.errors) == (Stop.TIMEOUT, ())
    assert re.fullmatch(r"the time limit of 1 s was reached in line [23]", result.detail)
    assert (kinds(result), values(result)["x"]) == ({"x": "seen", "y": "missing"}, 1)
    sleeping = run(module_job("import time\nx = 1\ntime.sleep(1000)", "x", SHORT))
    assert (sleeping.stop, values(sleeping)) == (Stop.TIMEOUT, {"x": 1})


def test_code_that_ignores_the_interrupt_is_killed() -> None:
    source = "import signal, time\nx = 1\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('on')\nwhile True: pass"
    result = run(module_job(source, "x", SHORT))
    assert (result.stop, kinds(result)) == (Stop.TIMEOUT, {"x": "not_run"})
    assert result.detail == "the time limit of 1 s was reached, and the code did not stop when interrupted"
    assert result.log == "on\n"
    assert children() == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import os\nx = 1\nos._exit(0)", "exit status 0"),
        ("import os, signal\nx = 1\nos.kill(os.getpid(), signal.SIGSEGV)", "signal SIGSEGV"),
        ("import os\nx = 1\nos.closerange(3, 100)", "exit status 1"),
    ],
)
def test_a_process_that_ends_is_killed_not_finished(source: str, words: str) -> None:
    result = run(module_job(source, "x"))
    assert (result.stop, kinds(result)) == (Stop.KILLED, {"x": "not_run"})
    assert result.detail == f"the process ended before its time ({words}); what was computed is lost"


def test_forged_answers_cost_only_the_forger() -> None:
    source = "import os\nfor fd in range(3, 20):\n    try: os.write(fd, b'A' * 100)\n    except OSError: pass\nx = 1"
    result = run(module_job(source, "x"))
    assert (result.stop, kinds(result)) == (Stop.KILLED, {"x": "not_run"})
    assert result.detail.startswith("the process gave no valid answer: answer refused: header of")


def test_reading_a_variable_that_ends_or_spoils_the_process() -> None:
    source = """
import numpy, os
class Exits:
    def __array__(self, dtype=None, copy=None): os._exit(3)
class Raises:
    def __array__(self, dtype=None, copy=None): raise ValueError("no")
x, bad, end, after = 1, Raises(), Exits(), 2
big = numpy.zeros(10**6)
"""
    result = run(module_job(source, "x bad big end after", Limits(value_bytes=10**6)))
    expected = {"x": "seen", "bad": "raised", "big": "too_large", "end": "raised", "after": "not_run"}
    assert (Stop.KILLED, expected) == (result.stop, kinds(result))
    assert "while end was read: the process ended before its time (exit status 3)" in result.detail


def test_memory_is_limited_in_one_process_and_over_the_tree() -> None:
    limits = Limits(memory_bytes=300 * 1024**2)
    alone = run(module_job("x = 1\ny = bytearray(10**11)", "x", limits))
    assert (alone.stop, values(alone)) == (Stop.MEMORY, {"x": 1})
    assert alone.detail == "the memory limit of 300 MiB was reached in line 2"
    assert [error.name for error in alone.errors] == ["MemoryError"]
    source = "import subprocess, sys\nx = 1\nfor _ in range(3):\n    subprocess.Popen([sys.executable, '-c', "
    source += "'import time; x = bytearray(150 << 20); time.sleep(1000)'])\nimport time\ntime.sleep(1000)"
    tree = run(module_job(source, "x", limits))
    assert (tree.stop, kinds(tree)) == (Stop.MEMORY, {"x": "not_run"})
    assert tree.detail == "the memory limit of 300 MiB was exceeded; what was computed is lost"
    assert children() == []


def test_printing_without_end_is_capped() -> None:
    source = "print('a' * 200_000_000)\nfor _ in range(100_000): print('b' * 500)\nx = 1"
    result = run(module_job(source, "x", Limits(output_bytes=1000)))
    assert (result.stop, values(result)) == (Stop.FINISHED, {"x": 1})
    assert result.log == "a" * 1000 + "\n[250099001 more bytes were printed and not kept]\n"


def test_nothing_is_left_behind() -> None:
    source = """
import os, subprocess, sys, threading, time
subprocess.Popen(["sleep", "1000"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)
threading.Thread(target=time.sleep, args=(1000,)).start()
import atexit
atexit.register(time.sleep, 1000)
os.mkdir("locked"); open("locked/file", "w").close(); os.chmod("locked", 0); os.symlink("/etc", "link")
here = os.getcwd()
"""
    before = {process.pid for process in psutil.process_iter()}
    result = run(module_job(source, "here"))
    assert Stop.FINISHED is result.stop
    assert children() == []
    sleepers = [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "1000"]]
    assert [process.pid for process in sleepers if process.pid not in before] == []
    assert Path("/etc").is_dir()
    assert not Path(str(values(result)["here"])).parent.exists()


def test_a_locked_folder_is_removed(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").touch()
    (tmp_path / "a" / "b").chmod(0)
    (tmp_path / "a").chmod(0)
    remove_folder(tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_cancelled_run_ends_soon_and_has_no_result() -> None:
    cancel = threading.Event()
    timer = threading.Timer(0.5, cancel.set)
    timer.start()
    job = module_job("while True:\n    try:\n        import time; time.sleep(1)\n    except BaseException: pass")
    with pytest.raises(CancelledError, match=re.escape("work.py: cancelled")):
        execute(job, SelfCheck(), cancel)
    timer.join()
    assert children() == []


def test_our_own_faults_are_infrastructure(monkeypatch: pytest.MonkeyPatch) -> None:
    outside = run(module_job("x = 1", "x", files={"../escape.txt": b""}))
    assert (outside.stop, kinds(outside)) == (Stop.INFRASTRUCTURE, {"x": "not_run"})
    assert "file name '../escape.txt' would leave the working folder" in outside.detail
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    missing = run(module_job("x = 1", "x"))
    assert Stop.INFRASTRUCTURE is missing.stop
    assert "/nowhere/python could not be started" in missing.detail


# --- notebooks ---------------------------------------------------------------------------------------------


def outputs(notebook: str | None, cell: int) -> list[dict[str, Any]]:
    assert notebook is not None
    found: list[dict[str, Any]] = json.loads(notebook)["cells"][cell]["outputs"]
    return found


def test_a_notebook_runs_as_in_jupyter() -> None:
    result = run(
        notebook_job(
            "import numpy, helper, os, sys\nx = 1\nprint('printed')\nx",  # 1
            "",
            "1/0",  # 2
            "%matplotlib inline",  # 3
            "!echo from the shell\nos.system('echo from C')\nsys.stderr.write('a warning')",  # 4
            "import asyncio\nawait asyncio.sleep(0)\nasked = None\ntry:\n    input('?')\nexcept RuntimeError as e:\n    asked = str(e)",  # 5  # noqa: E501
            "exit()",  # 6
            "quit()\nsys.exit(3)",  # 7
            "%%time\ny = numpy.arange(2.0)",  # 8
            "exec = open = print = list = dict = get_ipython = __import__ = type = isinstance = len = None",  # 9
            "import builtins, sys\nsys.stdout = 3\nsys.stderr.close()\nz = {'a': [x, y]}",  # 10
            "(",  # 11
            names="x y z asked helped missing exec",
            files={"helper.py": b"value = 5", "numpy.py": b"1/0", "traitlets.py": b"1/0"},
        )
    )
    seen = values(result)
    assert (result.stop, result.detail) == (Stop.FINISHED, "")
    assert seen["x"] == 1
    assert isinstance(seen["y"], Array)
    assert seen["z"] == {"a": [1, seen["y"]]}
    assert seen["asked"] == "input() is not available while grading: assign the value in the code instead"
    assert kinds(result)["missing"] == "missing"
    assert seen["exec"] is None
    errors = {error.where: error.name for error in result.errors}
    assert (errors.get("cell 2"), errors.get("cell 7"), errors.get("cell 11")) == (
        "ZeroDivisionError", "SystemExit", "SyntaxError",
    )  # fmt: skip
    assert errors.keys() <= {"cell 2", "cell 3", "cell 7", "cell 11"}
    assert "\x1b" not in "".join(error.traceback for error in result.errors)
    assert [out["output_type"] for out in outputs(result.notebook, 0)] == ["stream", "execute_result"]
    assert outputs(result.notebook, 2)[0]["ename"] == "ZeroDivisionError"
    assert {"printed", "from the shell", "from C"} <= set(result.log.splitlines())
    assert children() == []


def test_output_without_end_is_capped_in_the_kernel() -> None:
    result = run(
        notebook_job(
            "print('a' * 200_000_000)",
            "for _ in range(200_000): print('b' * 100)",
            "for n in range(5000): display(n)",
            "'c' * 50_000_000",
            "import os\nfor _ in range(100): os.write(1, b'd' * 100_000)",
            "print('short')\nx = 1",
            names="x",
            limits=Limits(output_bytes=2000),
        )
    )
    assert (result.stop, values(result), result.errors) == (Stop.FINISHED, {"x": 1}, ())
    cut = "\n[output cut here: more than 2000 characters]\n"
    assert outputs(result.notebook, 0)[0]["text"] == "a" * 2000 + cut
    assert outputs(result.notebook, 1)[0]["text"].endswith(cut)
    assert len(outputs(result.notebook, 2)) == 1000
    assert outputs(result.notebook, 3)[0]["data"]["text/plain"] == "'" + "c" * 1999 + cut
    assert outputs(result.notebook, 5)[0]["text"] == "short\n"
    assert len(result.log) <= 2000


def test_a_notebooks_outputs_are_capped_in_total() -> None:
    cells = ["print('a' * 900)", "print('b' * 900)", "print('c')"]
    result = run(notebook_job(*cells, limits=Limits(value_bytes=1500)))
    marked = "[output cut here: the notebook's outputs are too large]\n"
    assert [out["text"] for out in outputs(result.notebook, 0)] == ["a" * 900 + "\n"]
    assert [out["text"] for out in outputs(result.notebook, 1)] == [marked]
    assert outputs(result.notebook, 2) == []


def test_a_notebook_at_its_time_limit_is_observed_and_later_cells_are_not_run() -> None:
    result = run(notebook_job("x = 1", "while True: pass", "y = 1", names="x y", limits=SHORT))
    assert (result.stop, result.detail) == (Stop.TIMEOUT, "the time limit of 1 s was reached in cell 2")
    assert kinds(result) == {"x": "seen", "y": "missing"}
    assert result.errors == ()
    stubborn = "y = 0\nwhile True:\n    try:\n        while True: y += 1\n    except BaseException: pass"
    result = run(notebook_job("x = 1\nprint('on')", stubborn, names="x y", limits=SHORT))
    assert (result.stop, kinds(result)) == (Stop.TIMEOUT, {"x": "seen", "y": "seen"})
    assert result.log == "on\n"
    assert children() == []


def test_a_kernel_that_ends_is_killed_not_finished() -> None:
    result = run(notebook_job("x = 1\nprint('on')", "import os\nos._exit(5)", "y = 1", names="x y"))
    detail = "the process ended before its time in cell 2 (exit status 5); what was computed is lost"
    assert (Stop.KILLED, detail) == (result.stop, result.detail)
    assert kinds(result) == {"x": "not_run", "y": "not_run"}
    assert outputs(result.notebook, 0)[0]["text"] == "on\n"


def test_a_notebooks_memory_is_limited() -> None:
    limits = Limits(memory_bytes=400 * 1024**2)
    result = run(notebook_job("x = 1", "bytearray(10**11)", "y = 2", names="x y", limits=limits))
    assert (result.stop, values(result)) == (Stop.MEMORY, {"x": 1, "y": 2})
    assert result.detail == "the memory limit of 400 MiB was reached in cell 2"


def test_what_cannot_be_a_notebook_is_our_fault() -> None:
    job = Job("notebook", "work.ipynb", "{}", (), (Probe("value", "x"),), SHORT)
    result = run(job)
    assert Stop.INFRASTRUCTURE is result.stop
    assert result.detail == "starting failed: TypeError: the source is not a notebook of format 4"


def test_a_run_is_plain_data() -> None:
    result = run(module_job("raise ValueError('\\ud800')"))
    assert result.errors == (CodeError("line 1", "ValueError", "?", result.errors[0].traceback),)
    assert result.errors[0].traceback.encode().decode().startswith("Traceback")
    assert isinstance(notebook_text("x"), str)
    assert Failure("not_run") != Failure("missing")


def test_many_slow_variables_are_read_for_so_long_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.execution.run.READING_SECONDS", 2.0)
    source = "import time, numpy\nclass Slow:\n    def __array__(self, dtype=None, copy=None):\n"
    source += "        time.sleep(0.9)\n        return numpy.ones(1)\na = b = c = d = e = Slow()"
    result = run(module_job(source, "a b c d e"))
    assert (result.stop, kinds(result)["a"], kinds(result)["e"]) == (Stop.TIMEOUT, "seen", "not_run")
    assert re.fullmatch("reading the variables up to [bc] took longer than 2 s", result.detail)
    monkeypatch.setattr("grader.execution.run.GET_SECONDS", 0.5)
    result = run(module_job(source, "a b"))
    assert (result.detail, kinds(result)) == ("reading a took longer than 0.5 s", {"a": "raised", "b": "not_run"})
