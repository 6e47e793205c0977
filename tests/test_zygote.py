"""Warm processes: what they import, how they are replaced, and that every job begins alike."""

from __future__ import annotations

import json
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psutil
import pytest
from execution_helpers import QUICK, children, kinds, module_job, notebook_job, values
from namespace_helpers import needs_ns, outcome

from grader.engines import LocalPool
from grader.errors import SandboxError
from grader.execution import CancelledError, execute
from grader.model import Job, Limits, Run, Stop
from grader.sandbox import SelfCheck, namespaces, zygotes
from grader.sandbox.namespaces import Namespaces
from grader.sandbox.tree import descendants
from grader.sandbox.zygotes import PreloadError, Zygote

SHORT = replace(QUICK, timeout_seconds=1.0)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Namespaces]:
    with Namespaces() as opened:
        yield opened
    assert children() == []


# --- life of a warm process --------------------------------------------------------------------------------


@needs_ns
def test_a_warm_process_has_its_libraries_and_one_thread(sandbox: Namespaces) -> None:
    source = "import os, sys\nx = [name in sys.modules for name in ('numpy', 'IPython', 'sklearn')]\n"
    source += "import gc\nthreads, hashed = len(os.listdir('/proc/self/task')), hash('text')\n"
    source += "frozen = gc.get_freeze_count() > 1000"
    runs = [execute(module_job(source, "x threads hashed frozen"), box) for box in (sandbox, Namespaces())]
    assert values(runs[0]) == {
        "x": [True, True, False],
        "threads": 1,
        "hashed": values(runs[1])["hashed"],
        "frozen": True,
    }


@needs_ns
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_such_module", "`preload` names no_such_module, which cannot be imported here: ModuleNotFoundError"),
        ("antigravity_of_mine.sub", "which cannot be imported here"),
    ],
)
def test_a_preload_that_is_missing_is_told_once_and_not_tried_again(name: str, words: str) -> None:
    with Namespaces(always=()) as sandbox:
        limits = Limits(preload=(name,))
        runs = [execute(module_job("x = 1", "x", limits), sandbox) for _ in range(2)]
        assert [run.stop for run in runs] == [Stop.INFRASTRUCTURE] * 2
        assert words in runs[0].detail
        assert "Install it for this Python, or remove it from `preload`" in runs[0].detail
        assert runs[0].detail == runs[1].detail
        assert outcome(execute(module_job("x = 1", "x"), sandbox)) == ("finished", "")


@needs_ns
def test_a_preload_that_starts_threads_is_refused() -> None:
    # concurrent.futures starts none; IPython's history, switched on, would. A module of the standard library that
    # starts a thread when it is imported does not exist, so the check itself is run where there is one.
    source = "import sys, threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    source += "from _grade_inside import zygote\ntry:\n    zygote.preload(['this'])\n"
    source += "except zygote.PreloadError as error:\n    x = str(error)"
    with Namespaces(always=()) as sandbox:
        run = execute(module_job(source, "x"), sandbox)
    expected = (
        "`preload` names this, which leaves 1 threads running when it is imported; a process with threads cannot be "
    )
    assert values(run)["x"] == expected + (
        "forked. Remove it from `preload`: hand-ins can import it all the same, more slowly."
    )


@needs_ns
def test_a_warm_process_that_dies_is_replaced_and_its_job_run_again() -> None:
    with Namespaces(always=()) as sandbox:
        assert outcome(execute(module_job("x = 1"), sandbox)) == ("finished", "")
        with killing(sandbox):
            run = execute(module_job("import time\ntime.sleep(20)", "x"), sandbox)
        assert (run.stop, kinds(run)) == (Stop.INFRASTRUCTURE, {"x": "not_run"})
        assert run.detail == "the process that confined the job ended; the job has to be run again"
        with killing(sandbox):
            [(_, retried)] = LocalPool(sandbox, 1).run([("a", module_job("import time\ntime.sleep(1)\nx = 1", "x"))])
        assert (outcome(retried), values(retried)) == (("finished", ""), {"x": 1})


@contextmanager
def killing(sandbox: Namespaces) -> Iterator[None]:
    """Kill the warm process as soon as it has a job."""

    def kill() -> None:
        pids: list[int] = []
        while len(pids) < 4:  # the keeper, the warm process, the warden, the job
            time.sleep(0.02)
            pids = [pid for zygote in list(sandbox._zygotes.values()) for pid in descendants(zygote.pid)]
        time.sleep(0.1)
        psutil.Process(pids[1]).kill()

    thread = threading.Thread(target=kill)
    thread.start()
    yield
    thread.join()


@needs_ns
def test_a_warm_process_that_stopped_between_jobs_is_replaced_unnoticed() -> None:
    with Namespaces(always=()) as sandbox:
        assert outcome(execute(module_job("x = 1"), sandbox)) == ("finished", "")
        zygote = next(iter(sandbox._zygotes.values()))
        psutil.Process(list(descendants(zygote.pid))[1]).kill()
        assert outcome(execute(module_job("x = 1"), sandbox)) == ("finished", "")


@needs_ns
def test_an_old_warm_process_retires_when_its_last_job_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "_MAX_JOBS", 1)
    with Namespaces(always=()) as sandbox:
        with sandbox.launch(QUICK):
            old = next(iter(sandbox._zygotes.values()))
            with sandbox.launch(QUICK):
                new = next(iter(sandbox._zygotes.values()))
                assert (old is new, old.is_alive) == (False, True)
        assert (old.is_alive, new.is_alive) == (False, True)
    assert not new.is_alive


@needs_ns
def test_a_cancel_while_a_warm_process_starts_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError):
        execute(module_job("x = 1"), Namespaces(), cancel)
    assert cancel.is_set()


@needs_ns
def test_python_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(SandboxError, match="/nowhere/python could not be started"):
        Zygote(())


@needs_ns
def test_a_set_up_that_fails_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with Namespaces(always=()) as sandbox:
        monkeypatch.setattr(zygotes, "MAX_PROCESSES", "many")
        run = execute(module_job("x = 1", "x"), sandbox)
        assert (run.stop, kinds(run)) == (Stop.INFRASTRUCTURE, {"x": "not_run"})
        assert run.detail.startswith("setup failed: TypeError")
        monkeypatch.undo()
        assert outcome(execute(module_job("x = 1"), sandbox)) == ("finished", "")
    assert PreloadError.__mro__[1] is SandboxError


# --- every job begins alike --------------------------------------------------------------------------------

DRAWS = """
import random, numpy as np, os
x = [random.random(), float(np.random.rand()), hash("a"), [str(s) for s in {"b", "c", "d"}], os.getcwd(), os.getpid()]
places = [str(o) for o in sorted({object() for _ in range(3)}, key=id)]
"""


@needs_ns
def test_the_same_job_gives_the_same_whatever_ran_before_and_beside(sandbox: Namespaces) -> None:
    spoil = "import random, builtins, numpy, os, sys\nrandom.random(); numpy.random.rand(); builtins.len = None\n"
    spoil += "os.environ['A'] = 'b'; sys.path.clear(); numpy.float64 = None; open('/tmp/x', 'w').close()"
    wanted = [("draws", module_job(DRAWS, "x places"))] * 3 + [("spoil", module_job(spoil))] * 3
    orders = [random.Random(n).sample(wanted, len(wanted)) for n in range(2)]
    found = []
    for workers, order in enumerate(orders, 1):
        runs = LocalPool(sandbox, workers).run((f"{name} {at}", job) for at, (name, job) in enumerate(order))
        found += [values(run) for key, run in runs if key.startswith("draws")]
    with Namespaces() as other:
        found.append(values(execute(module_job(DRAWS, "x places"), other)))
    assert found == [found[0]] * 7
    assert kinds(execute(module_job(DRAWS, "x"), sandbox)) == {"x": "seen"}


@needs_ns
def test_seeds_reach_what_is_imported_later_and_every_runner(sandbox: Namespaces) -> None:
    source = "import random, numpy as np\nx = [random.random(), float(np.random.rand())]"
    job = replace(notebook_job(source, names="x"), seed=7)
    jobs = [replace(job, runner=runner) for runner in ("shell", "nbclient")] + [module_job(source, "x")]
    found = [values(execute(one, box))["x"] for one in jobs for box in (sandbox, SelfCheck())]
    assert found == [found[0]] * 6
    assert values(execute(replace(job, seed=8), sandbox))["x"] != found[0]


@needs_ns
def test_torch_is_seeded_warm_and_cold() -> None:
    pytest.importorskip("torch")
    job = module_job("import torch\nx = torch.rand(2).tolist()", "x")
    warm = replace(job, limits=replace(QUICK, preload=("torch",)))
    with Namespaces() as sandbox:
        found = [values(execute(one, sandbox))["x"] for one in (job, warm, replace(warm, seed=8))]
    assert found[0] == found[1] != found[2]


# --- cells in the warm process -----------------------------------------------------------------------------


def outputs(run: Run, cell: int) -> list[dict[str, Any]]:
    assert run.notebook is not None
    found: list[dict[str, Any]] = json.loads(run.notebook)["cells"][cell]["outputs"]
    return found


def shell_job(*cells: str, names: str = "", limits: Limits = QUICK) -> Job:
    return replace(notebook_job(*cells, names=names, limits=limits), runner="shell")


@pytest.fixture(params=["ns", "selfcheck"])
def any_sandbox(request: pytest.FixtureRequest) -> Namespaces | SelfCheck:
    if request.param == "selfcheck":
        return SelfCheck()
    found = request.getfixturevalue("sandbox")
    assert isinstance(found, Namespaces)
    return found


def test_a_notebook_runs_as_in_jupyter(any_sandbox: Namespaces | SelfCheck) -> None:
    cells = (
        "x = 1\nprint('printed')\nx",  # 1
        "",
        "def f():\n    1/0\nf()",  # 2
        "!echo from the shell; exit 3\nimport os\nos.system('echo from C')",  # 3
        "import asyncio\nawait asyncio.sleep(0)\nlooping = asyncio.get_running_loop().is_running()",  # 4
        "try:\n    input('?')\nexcept RuntimeError as e:\n    asked = str(e)\nexit()\nafter_exit = 1",  # 5
        "import sys\nsys.exit(3)",  # 6
        "%%time\ny = 2\n%nothing",  # 7
        "h = display('a', display_id='one')\nh.update('b')",  # 8
        "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('kept\\rover')",  # 9
        "exec = open = print = list = dict = get_ipython = __import__ = type = isinstance = len = None",  # 10
        "import sys\nsys.stdout = 3\nsys.stderr.close()",  # 11
        "z = {'a': [x, y]}\nsys.stdout.write('still here')\nNone",  # 12
        "(",  # 13
        "import os",  # 14
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",  # 15
        "fork = os.fork()\nif not fork: sys.stdout.write('child\\n'); os._exit(0)\nos.waitpid(fork, 0)[1]",  # 16
    )
    run = execute(shell_job(*cells, names="x z looping asked after_exit _exit_code"), any_sandbox)
    assert outcome(run) == ("finished", "")
    assert values(run) == {
        "x": 1, "z": {"a": [1, 2]}, "looping": True, "after_exit": 1, "_exit_code": 3,
        "asked": "input() is not available while grading: assign the value in the code instead",
    }  # fmt: skip
    assert {error.where: error.name for error in run.errors} == {
        "cell 2": "ZeroDivisionError", "cell 6": "SystemExit", "cell 7": "UsageError", "cell 13": "SyntaxError",
        "cell 15": "ValueError",
    }  # fmt: skip
    assert "\x1b" not in "".join(error.traceback for error in run.errors)
    assert "----> 2     1/0" in run.errors[0].traceback
    assert run.errors[1].message == "called exit(); the rest of the cell was not run"
    assert outputs(run, 0) == [
        {"output_type": "stream", "name": "stdout", "text": "printed\n"},
        {"output_type": "execute_result", "execution_count": 1, "data": {"text/plain": "1"}, "metadata": {}},
    ]
    assert outputs(run, 2)[0]["ename"] == "ZeroDivisionError"
    assert outputs(run, 3)[0]["text"] == "from the shell\nfrom C\n"
    assert "CPU times" in outputs(run, 7)[0]["text"]
    assert [out["data"]["text/plain"] for out in outputs(run, 8)] == ["'b'"]
    assert outputs(run, 9) == [{"output_type": "stream", "name": "stdout", "text": "over\n"}]
    assert outputs(run, 12)[0]["text"] == "still here"
    assert [out.get("text", out.get("data")) for out in outputs(run, 16)] == ["child\n", {"text/plain": "0"}]
    assert run.notebook is not None
    counts = [cell["execution_count"] for cell in json.loads(run.notebook)["cells"]]
    assert counts == [1, None, *range(2, 17)]


def test_output_without_end_is_capped_as_it_is_produced(any_sandbox: Namespaces | SelfCheck) -> None:
    run = execute(
        shell_job(
            "print('a' * 200_000_000)",
            "for _ in range(200_000): print('b' * 100)",
            "for n in range(5000): display(n)",
            "'c' * 50_000_000",
            "import os\nfor _ in range(1000): _ = os.write(1, b'd' * 100_000)",
            "!yes | head -c 100000000",
            "print('short')\nx = 1",
            names="x",
            limits=replace(QUICK, output_bytes=2000),
        ),
        any_sandbox,
    )
    assert (outcome(run), values(run), run.errors) == (("finished", ""), {"x": 1}, ())
    cut = "\n[output cut here: more than 2000 characters]\n"
    assert outputs(run, 0)[0]["text"] == "a" * 2000 + cut
    assert outputs(run, 1)[0]["text"].endswith(cut)
    assert len(outputs(run, 2)) == 1000
    assert outputs(run, 3)[0]["data"]["text/plain"] == "'" + "c" * 1999 + cut
    assert outputs(run, 4)[0]["text"] == "d" * 2000 + cut
    assert outputs(run, 5)[0]["text"].endswith(cut)
    assert outputs(run, 6)[0]["text"] == "short\n"
    assert len(run.log) <= 2000


def test_a_notebooks_outputs_are_capped_in_total(any_sandbox: Namespaces | SelfCheck) -> None:
    job = shell_job("print('a' * 900)", "print('b' * 900)", "print('c')", limits=replace(QUICK, value_bytes=1500))
    run = execute(job, any_sandbox)
    assert [out["text"] for out in outputs(run, 0)] == ["a" * 900 + "\n"]
    assert [out["text"] for out in outputs(run, 1)] == ["[output cut here: the notebook's outputs are too large]\n"]
    assert outputs(run, 2) == []


def test_a_stubborn_cell_ends_the_run(any_sandbox: Namespaces | SelfCheck) -> None:
    stubborn = "import time\nwhile True:\n    try: time.sleep(1)\n    except BaseException: pass"
    run = execute(shell_job("x = 1\nprint('on')", stubborn, names="x", limits=SHORT), any_sandbox)
    assert (run.stop, kinds(run), run.log) == (Stop.TIMEOUT, {"x": "not_run"}, "on\n")
    run = execute(shell_job("import asyncio", "await asyncio.sleep(99)", "y = 1", names="y", limits=SHORT), any_sandbox)
    assert outcome(run) == ("timeout", "the time limit of 1 s was reached in cell 2")
    died = execute(shell_job("print('on')", "import os\nos._exit(5)", names="x"), any_sandbox)
    assert outcome(died) == ("killed", "the process ended before its time (exit status 5); what was computed is lost")
    assert died.log == "on\n"


def test_what_cannot_be_a_notebook_is_our_fault(any_sandbox: Namespaces | SelfCheck) -> None:
    run = execute(replace(shell_job(), source="{}"), any_sandbox)
    assert outcome(run) == ("infrastructure", "starting failed: TypeError: the source is not a notebook of format 4")


def test_figures_are_kept(any_sandbox: Namespaces | SelfCheck) -> None:
    pytest.importorskip("matplotlib")
    cells = ("import matplotlib.pyplot as plt\nplt.plot([1, 2]);", "%matplotlib inline\nplt.plot([3]); plt.show()")
    run = execute(shell_job(*cells), any_sandbox)
    assert ["image/png" in out["data"] for cell in (0, 1) for out in outputs(run, cell)] == [True, True]


def test_an_interrupt_between_cells_hits_nobody() -> None:
    with SelfCheck().launch(QUICK) as box:
        box.channel.send("load", {**LOAD, "source": notebook_job("x = 1").source})
        assert box.channel.receive(30, 0).fields["loaded"] is True
        box.interrupt()
        box.channel.send("run", {"seconds": 5, "max_bytes": 10**6})
        assert box.channel.receive(10, 10**6).fields["errors"] == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


LOAD = {
    "form": "notebook", "name": "a", "runner": "shell", "seed": 0, "files": [],
    "memory_bytes": 2**31, "output_bytes": 1000, "value_bytes": 10**6,
}  # fmt: skip
