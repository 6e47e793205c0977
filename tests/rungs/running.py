"""Cases: what a job can do, and all the ways in which it ends."""

from __future__ import annotations

import math
import secrets
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from execution_helpers import QUICK, kinds, module_job, notebook_job, values

from grader.execution import CancelledError, execute
from grader.model import Array, Stop
from grader.sandbox import Sandbox

from .casework import MIB, SHORT, case, named, run, seen, wait_for


@case
def runs_a_module(sandbox: Sandbox) -> None:
    source = "import json\nx = json.load(open('data.json'))['a']\nopen('own.txt', 'w').write('b')\n"
    source += "y = open('own.txt').read()\nprint('said')"
    found = run(sandbox, module_job(source, "x y z", files={"data.json": b'{"a": 5}'}))
    assert (values(found)["x"], values(found)["y"], kinds(found)["z"]) == (5, "b", "missing")
    assert found.log == "said\n"


@case
def runs_a_notebook(sandbox: Sandbox) -> None:
    cells = ("x = 2\nprint('said')", "1/0", "x += 1\nx", "import asyncio\nawait asyncio.sleep(0)\nz = 4")
    found = run(sandbox, notebook_job(*cells, names="x y z"))
    assert (values(found)["x"], kinds(found)["y"], values(found)["z"]) == (3, "missing", 4)
    assert [(error.where, error.name) for error in found.errors] == [("cell 2", "ZeroDivisionError")]
    assert "said" in (found.notebook or "")


@case
def observes_values_exactly(sandbox: Sandbox) -> None:
    source = "import numpy as np\na = np.arange(6, dtype='float32').reshape(2, 3)\n"
    array, rest = seen(sandbox, source + "b = [float('nan'), 10**30, {'k': (1, 'é')}]", "a b")
    assert isinstance(array, Array)
    assert (array.dtype, array.shape) == ("float32", (2, 3))
    assert isinstance(rest, list)
    assert math.isnan(rest[0])
    assert rest[1:] == [10**30, {"k": [1, "é"]}]


@case
def says_how_much_memory_it_took(sandbox: Sandbox) -> None:
    small, large = (run(sandbox, module_job(f"x = b'a' * ({size} * 2**20)", "")) for size in (1, 100))
    assert 90 * MIB < large.peak_bytes - small.peak_bytes < 150 * MIB


@case
def starts_processes(sandbox: Sandbox) -> None:
    source = "import subprocess\nx = subprocess.run(['echo', 'a'], capture_output=True, text=True).stdout"
    assert seen(sandbox, source) == ["a\n"]


@case
def its_own_loopback_works(sandbox: Sandbox) -> None:
    source = "import socket\nserver = socket.create_server(('127.0.0.1', 0))\n"
    source += "x = socket.create_connection(server.getsockname()).getpeername()[0]"
    assert seen(sandbox, source) == ["127.0.0.1"]


@case
def threads_work(sandbox: Sandbox) -> None:
    source = "from concurrent.futures import ThreadPoolExecutor\n"
    assert seen(sandbox, source + "with ThreadPoolExecutor(4) as pool: x = list(pool.map(abs, [-1, -2]))") == [[1, 2]]


@case
def files_can_be_copied(sandbox: Sandbox) -> None:
    source = "import shutil\nopen('a', 'w').write('b')\nshutil.copy2('a', 'c')\nshutil.copytree('.', '../home/d')\n"
    assert seen(sandbox, source + "x = open('../home/d/c').read()") == ["b"]


@case
def random_numbers_repeat(sandbox: Sandbox) -> None:
    job = module_job("import random\nx = random.random()", "x")
    assert values(run(sandbox, job)) == values(run(sandbox, job))


# --- it ends ---------------------------------------------------------------------------------------------------


@case
def the_time_limit_interrupts(sandbox: Sandbox) -> None:
    found = run(sandbox, module_job("x = 1\nimport time\ntime.sleep(99)\ny = 1", "x y", SHORT), Stop.TIMEOUT)
    assert (values(found)["x"], kinds(found)["y"]) == (1, "missing")
    found = run(sandbox, notebook_job("x = 1", "while True: pass", names="x", limits=SHORT), Stop.TIMEOUT)
    assert (values(found)["x"], "in cell 2" in found.detail) == (1, True)


@case
def what_ignores_the_interrupt_is_killed(sandbox: Sandbox) -> None:
    source = "import time\nwhile True:\n    try: time.sleep(9)\n    except BaseException: pass"
    assert kinds(run(sandbox, module_job(source, "x", SHORT), Stop.TIMEOUT)) == {"x": "not_run"}


@case
def memory_is_limited(sandbox: Sandbox) -> None:
    limits = replace(QUICK, memory_bytes=200 * MIB)
    found = run(sandbox, module_job("x = 1\ny = bytearray(10**11)", "x", limits), Stop.MEMORY)
    assert values(found)["x"] == 1
    source = "import mmap, time\ny = mmap.mmap(-1, 400 << 20)\nfor n in range(0, 400 << 20, 4096): y[n] = 1\n"
    run(sandbox, module_job(source + "time.sleep(60)", "", limits), Stop.MEMORY)


@case
def a_process_that_ends_was_killed(sandbox: Sandbox) -> None:
    for source, words in (
        ("import os\nos._exit(3)", "exit status 3"),
        ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
    ):
        assert words in run(sandbox, module_job(source), Stop.KILLED).detail


@case
def nothing_is_left_behind(sandbox: Sandbox) -> None:
    seconds = str(100_000 + secrets.randbelow(100_000))
    source = f"""
import os, subprocess, time
def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", "{seconds}"])
        os._exit(0)
    os.wait()
    return "started"
x = tried(daemon)
time.sleep(0.2)
"""
    assert seen(sandbox, source)[0] in ("started", "refused: PermissionError")
    assert not any(seconds in (process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))


@case
def nothing_outlives_a_grader_that_is_killed(sandbox: Sandbox) -> None:
    name = f"rungs{secrets.token_hex(4)}"
    source = f"""
import ctypes, time
libc = ctypes.CDLL(None)
libc.prctl(1, 0, 0, 0, 0)  # no signal when the parent dies
libc.prctl(15, {name!r}.encode(), 0, 0, 0)
time.sleep(60)
"""
    grader = f"""
import sys
sys.path.insert(0, "tests")
from execution_helpers import execute, module_job
from grader.sandbox import make_sandbox
execute(module_job({source!r}), make_sandbox({sandbox.name!r}))
"""
    with subprocess.Popen([sys.executable, "-c", grader], cwd=Path(__file__).parents[2]) as process:
        found = wait_for(lambda: named(name))
        process.kill()
    wait_for(lambda: not named(name), 10.0, found)


@case
def a_cancelled_job_ends(sandbox: Sandbox) -> None:
    cancel = threading.Event()
    timer = threading.Timer(0.5, cancel.set)
    timer.start()
    source = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
    with pytest.raises(CancelledError):
        execute(module_job(source, "", replace(QUICK, timeout_seconds=600.0)), sandbox, cancel)
    timer.join()


@case
def output_is_capped(sandbox: Sandbox) -> None:
    limits = replace(QUICK, output_bytes=1000)
    found = run(sandbox, module_job("import os\nfor _ in range(1000): os.write(1, b'a' * 10_000)\nx = 1", "x", limits))
    assert (values(found)["x"], found.log.startswith("a" * 900), len(found.log) < 1200) == (1, True, True)


@case
def closing_twice_is_closing_once(sandbox: Sandbox) -> None:
    with sandbox.launch(QUICK) as box:
        assert box.kill_reason == ""
        said = box.close()
        assert (box.close(), box.kill_reason) == (said, "closed")


@case
def our_own_faults_are_told(sandbox: Sandbox) -> None:
    found = run(sandbox, module_job("x = 1", "x", files={"../escape.txt": b""}), Stop.INFRASTRUCTURE)
    assert (kinds(found), "would leave the working folder" in found.detail) == ({"x": "not_run"}, True)
