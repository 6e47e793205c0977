"""Warm processes: what they import, how they are replaced, and that every job begins alike."""

from __future__ import annotations

import json
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from execution_helpers import QUICK, kinds, module_job, notebook_job, values
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
        (
            "no_such_module",
            "`preload` in exercise.yaml names no_such_module, which cannot be imported here: ModuleNotFoundError",
        ),
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
    assert values(run)["x"] == (
        "`preload` in exercise.yaml names this, which leaves threads running when it is imported (found 1); a process "
        "with threads cannot be forked. Remove it from `preload`: hand-ins can import it all the same, more slowly."
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
def test_a_warm_process_that_has_grown_retires(monkeypatch: pytest.MonkeyPatch) -> None:
    with Namespaces(always=()) as sandbox:
        assert outcome(execute(module_job("x = 1"), sandbox)) == ("finished", "")
        old = next(iter(sandbox._zygotes.values()))
        grown = old.grown_bytes()
        assert abs(grown) < 16 * 1024**2
        assert outcome(execute(module_job("x = 1"), sandbox)) == ("finished", "")
        assert old.is_alive
        monkeypatch.setattr(namespaces, "_MAX_GROWTH_BYTES", grown)
        assert outcome(execute(module_job("x = 1"), sandbox)) == ("finished", "")
        assert not old.is_alive


@needs_ns
def test_what_a_warm_process_has_more_than_at_its_start_is_measured() -> None:
    with Namespaces(always=()) as sandbox, sandbox.launch(QUICK):
        zygote = next(iter(sandbox._zygotes.values()))
        warm = psutil.Process(zygote._warm)
        assert (warm.ppid(), "zygote" in warm.cmdline()) == (zygote.pid, True)
        before = zygote.grown_bytes()
        zygote._first_bytes -= 2**30
        assert zygote.grown_bytes() - before > 2**29


@needs_ns
def test_where_memory_is_short_idle_warm_processes_end_the_longest_unused_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def launch(*preload: str) -> AbstractContextManager[object]:
        return sandbox.launch(replace(QUICK, preload=preload))

    with Namespaces(always=()) as sandbox:
        with launch("json"), launch("csv"), launch("wave"):
            json_, csv, wave = sandbox._zygotes.values()
        with launch("json"):
            available = iter([0, 2**60])
            monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=next(available)))
            with launch("zlib"):
                zlib = list(sandbox._zygotes.values())[-1]
                assert [one.is_alive for one in (json_, csv, wave)] == [True, False, True]
            monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=0))
            with launch("zlib"):
                assert [one.is_alive for one in (json_, csv, wave, zlib)] == [True, False, False, True]
    assert not json_.is_alive


@needs_ns
def test_a_cancel_while_a_warm_process_starts_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError):
        execute(module_job("x = 1"), Namespaces(), cancel)
    assert cancel.is_set()


@needs_ns
def test_a_warm_process_that_was_started_ahead_is_used() -> None:
    with Namespaces(always=(), ahead=True) as sandbox:
        [begun] = sandbox._begun
        assert outcome(execute(module_job("x = 1", "x"), sandbox)) == ("finished", "")
        assert (sandbox._begun, list(sandbox._zygotes.values())) == ([], [begun])
    assert not begun.is_alive


@needs_ns
def test_a_warm_process_that_was_started_ahead_and_not_needed_is_ended() -> None:
    with Namespaces(always=(), ahead=True) as sandbox:
        [begun] = sandbox._begun
        assert outcome(execute(module_job("x = 1", "x", Limits(preload=("json",))), sandbox)) == ("finished", "")
        assert begun.is_alive
    assert not begun.is_alive


@needs_ns
def test_python_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(SandboxError, match="/nowhere/python could not be started"):
        Zygote(()).await_ready()


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
    source = "import torch\nx = torch.rand(2).tolist()"
    job = module_job(source, "x")
    warm = replace(job, limits=replace(QUICK, preload=("torch",)))
    kernel = replace(notebook_job(source, names="x", limits=warm.limits), runner="nbclient", seed=job.seed)
    with Namespaces() as sandbox:
        found = [values(execute(one, sandbox))["x"] for one in (job, warm, kernel, replace(warm, seed=8))]
    assert found[0] == found[1] == found[2] != found[3]


@needs_ns
def test_joblib_does_not_complain_of_a_sandbox_without_lscpu() -> None:
    pytest.importorskip("sklearn")
    source = "import joblib, os\nx = joblib.cpu_count(only_physical_cores=True) <= os.cpu_count()"
    with Namespaces() as sandbox:
        run = execute(module_job(source, "x", replace(QUICK, preload=("sklearn",))), sandbox)
    assert (outcome(run), values(run), run.log) == (("finished", ""), {"x": True}, "")


# --- a kernel forked from the warm process -----------------------------------------------------------------


@needs_ns
def test_a_forked_kernel_has_the_libraries_of_the_warm_process_and_a_session_of_its_own(sandbox: Namespaces) -> None:
    source = "import os, sys\nx = [name in sys.modules for name in ('numpy', 'nbclient', 'sklearn')]\n"
    source += "own, argv = [os.getpgid(0) == os.getsid(0) == os.getpid(), os.getppid()], sys.argv\n"
    source += "held = {os.readlink(f'/proc/1/fd/{number}') for number in (3, 4)}\n"
    source += "for number in os.listdir('/proc/self/fd'):\n    try: held -= {os.readlink(f'/proc/self/fd/{number}')}\n"
    source += "    except OSError: pass\nkept = len(held)"
    run = execute(replace(notebook_job(source, names="x own argv kept"), runner="nbclient"), sandbox)
    assert outcome(run) == ("finished", "")
    # Both pipes of the job's process are its own.
    assert values(run) == {"x": [True, True, False], "own": [True, 1], "argv": [""], "kept": 2}


@needs_ns
@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "signal SIGKILL"),
        ("import ctypes\nctypes.string_at(0)", "signal SIGSEGV"),
        ("import os\nos._exit(0)", "exit status 0"),
    ],
)
def test_how_a_forked_kernel_ended_is_told(source: str, words: str, sandbox: Namespaces) -> None:
    run = execute(replace(notebook_job("x = 1", source, names="x"), runner="nbclient"), sandbox)
    assert outcome(run) == (
        "killed", f"the process ended before its time in cell 2 ({words}); what was computed is lost",
    )  # fmt: skip


@needs_ns
def test_a_kernel_is_not_forked_beside_a_thread_and_runs_no_exit_handler_of_its_parent(sandbox: Namespaces) -> None:
    source = """
import atexit, os, threading
from _grade_inside import forked
atexit.register(print, "an exit handler", flush=True)
open("k.json", "w").close()
x = os.waitstatus_to_exitcode(os.waitpid(forked.fork("k.json", 0, 10), 0)[1])
threading.Thread(target=threading.Event().wait, daemon=True).start()
try:
    forked.fork("k.json", 0, 10)
except RuntimeError as error:
    y = str(error)
"""
    run = execute(module_job(source, "x y", replace(QUICK, preload=("nbclient",))), sandbox)
    assert values(run) == {"x": 1, "y": "a process with 2 threads cannot be forked"}
    assert "an exit handler" not in run.log


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
    # What another process prints and what the cell shows come by two ways, in either order.
    shown = {out["output_type"]: out.get("text", out.get("data")) for out in outputs(run, 16)}
    assert shown == {"stream": "child\n", "execute_result": {"text/plain": "0"}}
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
    assert run.detail == "the time limit of 1 s was reached in cell 2, and the code did not stop when interrupted"
    assert outputs(run, 0)[0]["text"] == "on\n"
    run = execute(shell_job("import asyncio", "await asyncio.sleep(99)", "y = 1", names="y", limits=SHORT), any_sandbox)
    assert outcome(run) == ("timeout", "the time limit of 1 s was reached in cell 2")


@pytest.mark.parametrize("runner", ["shell", "nbclient"])
def test_what_cells_showed_outlives_the_process(runner: Any, any_sandbox: Namespaces | SelfCheck) -> None:
    ends = "print('last', flush=True)\nimport os\nos._exit(5)"
    job = replace(shell_job("print('on')\n1/0", "'shown'", ends, "y = 1", names="x"), runner=runner)
    died = execute(job, any_sandbox)
    words = "the process ended before its time in cell 3 (exit status 5); what was computed is lost"
    assert (outcome(died), kinds(died)) == (("killed", words), {"x": "not_run"})
    assert [(error.where, error.name) for error in died.errors] == [("cell 1", "ZeroDivisionError")]
    assert [out["output_type"] for out in outputs(died, 0)] == ["stream", "error"]
    assert outputs(died, 1)[0]["data"] == {"text/plain": "'shown'"}
    assert outputs(died, 3) == []
    assert died.notebook is not None
    assert [cell["execution_count"] for cell in json.loads(died.notebook)["cells"]] == [1, 2, 3, None]
    assert died.log.startswith("on\n")
    assert "last\n" in died.log or runner == "nbclient"  # where it is chance


@pytest.mark.parametrize("runner", ["shell", "nbclient"])
def test_what_cells_showed_outlives_the_memory_limit(runner: Any, any_sandbox: Namespaces | SelfCheck) -> None:
    source = "import subprocess, sys\nfor _ in range(4):\n    subprocess.Popen([sys.executable, '-c', "
    source += "'import time; x = bytearray(b\"x\") * (150 << 20); time.sleep(1000)'])\nimport time\ntime.sleep(1000)"
    job = shell_job("print('on')", source, limits=replace(QUICK, memory_bytes=400 * 1024**2))
    run = execute(replace(job, runner=runner), any_sandbox)
    assert outcome(run) == ("memory", "the memory limit of 400 MiB was exceeded in cell 2; what was computed is lost")
    assert (outputs(run, 0)[0]["text"], run.log) == ("on\n", "on\n")


@pytest.mark.parametrize("runner", ["shell", "nbclient"])
def test_a_cell_can_change_what_an_earlier_one_shows(runner: Any, any_sandbox: Namespaces | SelfCheck) -> None:
    cells = ("# text", "h = display('a', display_id='one')\nprint('b')", "h.update('c')", "None")
    run = execute(replace(shell_job(*cells), runner=runner), any_sandbox)
    assert [out.get("data") for out in outputs(run, 1)] == [{"text/plain": "'c'"}, None]
    assert (outputs(run, 2), outputs(run, 3)) == ([], [])


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
        box.channel.send("run", {"cell": 0, "number": 1, "seconds": 5, "max_bytes": 10**6})
        answer = box.channel.receive(10, 10**6)
        assert (answer.fields["errors"], answer.blob) == ([], b"[[0, []]]")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


LOAD = {
    "form": "notebook", "name": "a", "runner": "shell", "seed": 0, "files": [],
    "memory_bytes": 2**31, "output_bytes": 1000, "value_bytes": 10**6,
}  # fmt: skip
