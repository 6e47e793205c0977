"""The rung ``ns``: what is out of reach, what is limited, and what must work all the same."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from execution_helpers import QUICK, kinds, module_job, notebook_job, values
from namespace_helpers import TRY, needs_ns, outcome

from grader.errors import SandboxError
from grader.execution import CancelledError, execute
from grader.model import Limits, Run, Stop
from grader.sandbox import namespaces
from grader.sandbox.namespaces import Namespaces
from grader.sandbox.tree import TreeGuard, descendants, pid_of
from grader.sandbox.zygotes import Zygote

pytestmark = needs_ns
MIB = 1024**2
SHORT = replace(QUICK, timeout_seconds=1.0)


def seen(run: Run, name: str = "x") -> object:
    assert outcome(run) == ("finished", "")
    return values(run)[name]


# --- out of reach ------------------------------------------------------------------------------------------


def test_only_libraries_are_in_sight(sandbox: Namespaces, tmp_path: Path) -> None:
    (tmp_path / "rubric.yaml").write_text("the answer")
    hidden = [
        str(tmp_path),
        str(Path(__file__).parent),
        str(Path.home() / ".bashrc"),
        "/etc/shadow",
        "/sys",
        "/var",
    ]
    source = (
        TRY
        + f"""
import os
x = [tried(os.stat, path) for path in {hidden!r}]
root, below_tmp, devices = sorted(os.listdir("/")), sorted(os.listdir("/tmp")), sorted(os.listdir("/dev"))
processes = [name for name in os.listdir("/proc") if name.isdigit()]
up = [tried(os.listdir, "/proc/1/root" + path) for path in {hidden!r}]
variables = sorted(os.environ)
"""
    )
    run = execute(module_job(source, "x root below_tmp devices processes up variables"), sandbox)
    assert seen(run) == ["FileNotFoundError"] * len(hidden)
    assert values(run)["up"] == ["FileNotFoundError"] * len(hidden)
    root, below = values(run)["root"], values(run)["below_tmp"]
    assert isinstance(root, list)
    assert isinstance(below, list)
    assert {"bin", "dev", "etc", "grade", "lib", "proc", "tmp", "usr"} <= set(root)
    assert {"home", "work"} <= set(below)
    assert tmp_path.parts[2] not in below
    assert values(run)["processes"] == ["1"]
    assert values(run)["devices"] == [
        "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "urandom", "zero",
    ]  # fmt: skip
    variables = values(run)["variables"]
    assert isinstance(variables, list)
    assert not any("GRADE" in str(name) or "TOKEN" in str(name) for name in variables)


def test_nothing_outside_can_be_written_and_nothing_is_left_for_the_next(sandbox: Namespaces) -> None:
    places = [
        "/x",
        "/etc/passwd",
        "/usr/x",
        "/grade/inside/x",
        "/grade/inside/job.py",
        f"{sys.prefix}/x",
        "/dev/null/x",
    ]
    source = (
        TRY
        + f"""
import os
before = [sorted(os.listdir(p)) for p in ("/tmp/home", "/tmp/work", "/dev/shm")]
x = [tried(open, path, "a") for path in {places!r}]
for folder in ("/tmp", "/tmp/home", "/dev/shm", "."):
    open(folder + "/left", "w").close()
"""
    )
    for _ in range(2):
        run = execute(module_job(source, "x before"), sandbox)
        assert {str(word) for word in seen(run)} <= {"OSError", "PermissionError", "NotADirectoryError"}  # type: ignore[attr-defined]
        assert values(run)["before"] == [["run"], ["work.py"], []]


def test_no_network_and_no_other_sockets(sandbox: Namespaces) -> None:
    with subprocess.Popen([sys.executable, "-c", LISTEN], stdout=subprocess.PIPE, text=True) as listener:
        assert listener.stdout is not None
        port = int(listener.stdout.readline())
        source = (
            TRY
            + f"""
import socket
x = [tried(socket.create_connection, address, 2) for address in
     [("127.0.0.1", {port}), ("192.0.2.1", 80), ("169.254.169.254", 80)]]
families = [tried(socket.socket, family) for family in (socket.AF_VSOCK, 38, 16, 17)]
name = tried(socket.getaddrinfo, "example.org", 80)
server = socket.create_server(("127.0.0.1", 0))
own = socket.create_connection(server.getsockname()).getpeername()[0]
"""
        )
        run = execute(module_job(source, "x families name own"), sandbox)
        listener.kill()
    assert seen(run) == ["ConnectionRefusedError", "OSError", "OSError"]
    assert (values(run)["families"], values(run)["name"]) == (["OSError"] * 4, "gaierror")
    assert values(run)["own"] == "127.0.0.1"


LISTEN = """
import socket, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
time.sleep(60)
"""


def test_privileges_are_gone(sandbox: Namespaces) -> None:
    source = (
        TRY
        + """
import ctypes, os, platform
c = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    ctypes.set_errno(0)
    return (c.syscall(*arguments), ctypes.get_errno())[1]
status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines())
x = [status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")]
ids = [*os.getresuid(), *os.getresgid(), *os.getgroups()]
denied = []
if platform.machine() == "x86_64":  # unshare, mount, setns, bpf, keyctl, io_uring_setup, memfd_create, ptrace
    denied = [call(n, *a) for n, *a in [(272, 0x10000000), (165, 0, b"/tmp", b"tmpfs", 0, 0), (308, 3, 0),
              (321, 0, 0, 0), (250, 0, 0), (425, 8, 0), (319, b"m", 0), (101, 0, 0, 0, 0)]]
    denied += [call(435, 0, 0), call(56, 0x10000000 | 17, 0, 0, 0, 0)]
others = [tried(os.setuid, 0), tried(os.mknod, "/tmp/d", 0o060600, 0x800), tried(os.chroot, "/tmp")]
kill = tried(os.kill, -1, 0)
"""
    )
    run = execute(module_job(source, "x ids denied others kill"), sandbox)
    assert seen(run) == ["0" * 16] * 4 + ["1", "2"]
    assert set(values(run)["ids"]) == {1000}  # type: ignore[arg-type]
    assert values(run)["denied"] in ([], [1] * 8 + [38, 1])
    assert values(run)["others"] == ["OSError", "PermissionError", "PermissionError"]
    assert values(run)["kill"] == "ProcessLookupError"


def test_student_code_never_runs_as_root_outside(sandbox: Namespaces) -> None:
    with sandbox.launch(QUICK) as box:
        status = Path(f"/proc/{box.pid}/status").read_text()
        space = Path(f"/proc/{box.pid}/ns/user").readlink()
    uid = re.search(r"Uid:\t(\d+)", status)
    assert uid is not None
    assert int(uid[1]) == (65534 if os.geteuid() == 0 else os.geteuid())
    assert space != Path("/proc/self/ns/user").readlink()
    with pytest.raises(ValueError, match=re.escape("owner is (0, 5); student code never runs as user or group 0")):
        Namespaces((0, 5))


def test_jobs_do_not_see_each_other(sandbox: Namespaces) -> None:
    first = "import socket, time\nopen('/dev/shm/a', 'w').close(); open('/tmp/a', 'w').close()\n"
    first += "s = socket.create_server(('127.0.0.1', 45678))\nu = socket.socket(socket.AF_UNIX); u.bind('\\0name')\n"
    second = (
        TRY
        + """
import os, socket
x = [tried(os.stat, "/dev/shm/a"), tried(os.stat, "/tmp/a"), tried(socket.create_connection, ("127.0.0.1", 45678)),
     tried(socket.socket(socket.AF_UNIX).connect, "\\0name"), tried(os.kill, 0, 0)]
processes = [name for name in os.listdir("/proc") if name.isdigit()]
"""
    )
    cancel = threading.Event()
    waiting = module_job(first + "print('on', flush=True)\ntime.sleep(60)")
    thread = threading.Thread(target=_until_cancelled, args=(waiting, sandbox, cancel))
    thread.start()
    keepers = sandbox._zygotes
    wait_until(lambda: [p for one in list(keepers.values()) for p in descendants(one.pid)], lambda pids: len(pids) >= 4)
    time.sleep(0.2)
    run = execute(module_job(second, "x processes"), sandbox)
    cancel.set()
    thread.join()
    assert seen(run) == ["FileNotFoundError"] * 2 + ["ConnectionRefusedError"] * 2 + ["None"]
    assert values(run)["processes"] == ["1"]


def _until_cancelled(job: object, sandbox: Namespaces, cancel: threading.Event) -> None:
    with pytest.raises(CancelledError, match="cancelled"):
        execute(job, sandbox, cancel)  # type: ignore[arg-type]


# --- limited -----------------------------------------------------------------------------------------------


def test_at_the_time_limit_what_was_computed_is_observed(sandbox: Namespaces) -> None:
    run = execute(module_job("x = 1\nwhile True: pass", "x", SHORT), sandbox)
    assert (run.stop, values(run)) == (Stop.TIMEOUT, {"x": 1})
    run = execute(notebook_job("x = 1", "import time; time.sleep(99)", "y = 1", names="x y", limits=SHORT), sandbox)
    assert outcome(run) == ("timeout", "the time limit of 1 s was reached in cell 2")
    assert kinds(run) == {"x": "seen", "y": "missing"}


def test_code_that_ignores_everything_is_killed_with_its_children(sandbox: Namespaces) -> None:
    seconds = str(100_000 + os.getpid())
    source = f"""
import os, signal, subprocess, time
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True: time.sleep(1)
    os._exit(0)
subprocess.Popen(["sleep", "{seconds}"], start_new_session=True)
print("on", flush=True)
while True:
    try: time.sleep(1)
    except BaseException: pass
"""
    with sandbox.launch(QUICK) as box:
        other = box.pid
        run = execute(module_job(source, "x", SHORT), sandbox)
        assert (run.stop, run.log) == (Stop.TIMEOUT, "on\n")
        assert list(descendants(other)) == [other]
    assert not any(p.info["cmdline"] == ["sleep", seconds] for p in psutil.process_iter(["cmdline"]))


def test_memory_is_limited_in_one_process_and_over_the_tree(sandbox: Namespaces) -> None:
    limits = replace(QUICK, memory_bytes=200 * MIB)
    alone = execute(module_job("x = 1\ny = bytearray(10**11)", "x", limits), sandbox)
    assert (alone.stop, values(alone)) == (Stop.MEMORY, {"x": 1})
    tree = "import os, time\nfor _ in range(4):\n    if os.fork() == 0:\n        y = bytearray(100 << 20)\n"
    tree += "        time.sleep(60)\n"
    run = execute(module_job(tree + "time.sleep(60)", "x", limits), sandbox)
    assert outcome(run) == ("memory", "the memory limit of 200 MiB was exceeded; what was computed is lost")
    shared = (
        "import mmap, time\ny = mmap.mmap(-1, 400 << 20)\nfor n in range(0, 400 << 20, 4096): y[n] = 1\ntime.sleep(60)"
    )
    assert execute(module_job(shared, "x", limits), sandbox).stop is Stop.MEMORY
    spread = "import os, time\ny = bytearray(120 << 20)\nos.fork()\ntime.sleep(0.3)\nx = 1"
    assert execute(module_job(spread, "x", limits), sandbox).stop is Stop.FINISHED


def test_a_fork_bomb_a_full_disk_and_too_many_files_are_the_students_errors(sandbox: Namespaces) -> None:
    bomb = "import os, time\nn = 0\ntry:\n    while True:\n        if os.fork() == 0: time.sleep(60)\n        n += 1\n"
    run = execute(module_job(bomb + "except OSError as error: x = str(error)", "x n"), sandbox)
    assert seen(run) == "[Errno 11] Resource temporarily unavailable"
    assert 100 < int(str(values(run)["n"])) < 256
    limits = replace(QUICK, memory_bytes=256 * MIB)
    disk = TRY + "def fill(path):\n    try:\n        with open(path, 'wb') as f:\n"
    disk += "            while True: f.write(bytes(1 << 20))\n    finally: os.unlink(path)\nimport os\n"
    disk += "x = [tried(fill, p) for p in ('/tmp/big', '/dev/shm/big')]\ndef many():\n"
    disk += "    for n in range(200_000): open(f'/tmp/home/{n}', 'w').close()\ny = tried(many)"
    run = execute(module_job(disk, "x y", limits), sandbox)
    assert (seen(run), values(run)["y"]) == (["OSError", "OSError"], "OSError")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import os\nos._exit(0)", "exit status 0"),
        ("import ctypes\nctypes.string_at(0)", "signal SIGSEGV"),
        ("import os\nos.closerange(3, 100)", "exit status 1"),
    ],
)
def test_a_process_that_ends_is_killed_not_finished(sandbox: Namespaces, source: str, words: str) -> None:
    run = execute(module_job(source, "x"), sandbox)
    assert outcome(run) == ("killed", f"the process ended before its time ({words}); what was computed is lost")


def test_a_cancelled_run_ends_soon(sandbox: Namespaces) -> None:
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    with pytest.raises(CancelledError):
        execute(
            module_job("while True:\n    try:\n        while True: pass\n    except BaseException: pass"),
            sandbox,
            cancel,
        )
    assert cancel.is_set()


def test_our_own_faults_are_infrastructure(sandbox: Namespaces) -> None:
    run = execute(module_job("x = 1", "x", files={"../escape.txt": b""}), sandbox)
    assert (run.stop, kinds(run)) == (Stop.INFRASTRUCTURE, {"x": "not_run"})
    assert "file name '../escape.txt' would leave the working folder" in run.detail


# --- what must work ----------------------------------------------------------------------------------------


def test_processes_and_terminals_work(sandbox: Namespaces) -> None:
    source = """
import multiprocessing, os, pty, subprocess, threading
with multiprocessing.Pool(2) as pool: x = pool.map(abs, [-1, 2])
echo = subprocess.run("echo $((1+1)); id -un", shell=True, capture_output=True, text=True).stdout
queue = multiprocessing.Queue(); queue.put(3); got = queue.get()
terminal = os.isatty(pty.openpty()[1])
"""
    run = execute(module_job(source, "x echo got terminal"), sandbox)
    assert (seen(run), values(run)["echo"]) == ([1, 2], "2\nstudent\n")
    assert (values(run)["got"], values(run)["terminal"]) == (3, True)


def test_joblib_runs_in_parallel(sandbox: Namespaces) -> None:
    pytest.importorskip("joblib")
    source = "import math\nfrom joblib import Parallel, delayed\n"
    source += "x = Parallel(n_jobs=2)(delayed(math.sqrt)(n) for n in (4, 9))"
    assert seen(execute(notebook_job(source, names="x"), sandbox)) == [2.0, 3.0]


def test_torch_trains_and_loads_data_with_workers(sandbox: Namespaces) -> None:
    pytest.importorskip("torch")
    source = """
import torch
from torch.utils.data import DataLoader, TensorDataset
data = TensorDataset(torch.arange(20.0).reshape(10, 2))
x = [float(batch.sum()) for (batch,) in DataLoader(data, batch_size=5, num_workers=2)]
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
losses = []
for _ in range(20):
    loss = (model(data.tensors[0]) ** 2).mean()
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    losses.append(loss.item())
falls = losses[-1] < losses[0]
"""
    limits = replace(QUICK, preload=("torch",), timeout_seconds=60.0)
    run = execute(module_job(source, "x falls losses", limits), sandbox)
    assert (seen(run), values(run)["falls"]) == ([45.0, 145.0], True)
    notebook = replace(notebook_job(source, names="losses", limits=limits), seed=7)
    assert values(execute(notebook, sandbox))["losses"] == values(run)["losses"]


def test_nbclient_runs_inside(sandbox: Namespaces) -> None:
    source = "import numpy\nx, kind = float(numpy.random.rand()), type(get_ipython()).__mro__[1].__name__\nx"
    job = notebook_job(source, "!echo from the shell", names="x kind")
    kernel, shell = execute(replace(job, runner="nbclient"), sandbox), execute(job, sandbox)
    assert (seen(kernel), kernel.isolation) == (seen(shell), "ns")
    assert (values(kernel)["kind"], values(shell)["kind"]) == ("ZMQInteractiveShell", "InteractiveShell")
    assert "from the shell" in kernel.log


# --- the ways it can end -----------------------------------------------------------------------------------


def test_nothing_outlives_a_grader_that_is_killed() -> None:
    source = """
import sys, threading
sys.path.insert(0, "tests")
from execution_helpers import module_job, execute
from grader.sandbox.namespaces import Namespaces
sandbox = Namespaces(always=())
loop = "import subprocess, time\\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)\\ntime.sleep(1000)"
threading.Thread(target=execute, args=(module_job(loop), sandbox), daemon=True).start()
sys.stdin.read()
"""
    root = Path(__file__).parents[1]
    with subprocess.Popen([sys.executable, "-c", source], cwd=root, stdin=subprocess.PIPE) as grader:
        # The keeper, the warm process, the warden, the job and its child.
        found = wait_until(lambda: list(descendants(grader.pid))[1:], lambda pids: len(pids) >= 5)
        processes = [psutil.Process(pid) for pid in found]
        grader.kill()
    wait_until(lambda: [process for process in processes if process.is_running()], lambda alive: not alive)


def wait_until(
    find: Callable[[], list[int]] | Callable[[], list[psutil.Process]], is_enough: Callable[..., bool]
) -> list:  # type: ignore[type-arg]
    for _ in range(1000):
        found = find()
        if is_enough(found):
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited in vain, found {found}")


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can become somebody else; otherwise all tests are run as a user"
)
def test_it_works_for_an_ordinary_user() -> None:
    source = """
import os, sys, tempfile
from pathlib import Path
from grader.sandbox.inside.linux import syscalls
syscalls.unshare(syscalls.CLONE_NEWNS)
syscalls.mount("", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)
# An ordinary user may not look into root's home, where Python may lie: make a copy of the way to it.
closed = [folder for folder in Path(sys.base_prefix).parents if not folder.stat().st_mode & 0o001]
if closed:
    aside = tempfile.mkdtemp()
    syscalls.mount(sys.base_prefix, aside, flags=syscalls.MS_BIND | syscalls.MS_REC)
    syscalls.mount("tmpfs", str(closed[-1]), "tmpfs", 0, "mode=755")
    Path(sys.base_prefix).mkdir(parents=True)
    syscalls.mount(aside, sys.base_prefix, flags=syscalls.MS_BIND | syscalls.MS_REC)
os.setgroups([]); os.setresgid(12345, 12345, 12345); os.setresuid(12345, 12345, 12345)
syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
sys.path.insert(0, "tests")
from execution_helpers import module_job, notebook_job, execute, values
from grader.sandbox.namespaces import Namespaces
with Namespaces(always=()) as sandbox:
    run = execute(module_job("import os\\nx = [os.getuid(), os.listdir('/proc/self/task')]", "x"), sandbox)
    print(run.stop, run.detail, values(run)["x"])
    hog = "import mmap\\ny = mmap.mmap(-1, 3 << 30)\\nfor n in range(0, 3 << 30, 4096): y[n] = 1"
    print(execute(module_job(hog), sandbox).stop)
"""
    root = Path(__file__).parents[1]
    ran = subprocess.run([sys.executable, "-c", source], cwd=root, capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines() == ["finished  [1000, ['1']]", "memory"], ran.stderr


def test_a_tree_is_found_and_measured() -> None:
    with subprocess.Popen(["/bin/sh", "-c", "sleep 60 & sleep 60"], start_new_session=True) as process:
        wait_until(lambda: list(descendants(process.pid)), lambda pids: len(pids) == 3)
        pidfd = os.pidfd_open(process.pid)
        assert pid_of(pidfd) == process.pid
        guard = TreeGuard(pidfd, process.pid, 100 * MIB, None)
        assert guard.reason == ""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        guard.stop()
        assert (guard.reason, list(descendants(process.pid))) == ("closed", [process.pid])
        os.close(pidfd)


def test_a_machine_without_user_namespaces_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> Zygote:
        raise SandboxError("setup failed: unshare (new namespaces): Operation not permitted")

    monkeypatch.setattr(namespaces, "Zygote", refused)
    assert namespaces.why_not() == "setup failed: unshare (new namespaces): Operation not permitted"
    run = execute(module_job("x = 1", "x", Limits()), Namespaces())
    assert outcome(run) == ("infrastructure", "setup failed: unshare (new namespaces): Operation not permitted")
