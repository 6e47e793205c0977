"""Cases: what a job cannot reach, and what bounds it."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import threading
from dataclasses import replace

import pytest
from execution_helpers import QUICK, module_job

from grader.execution import CancelledError, execute
from grader.model import Job
from grader.sandbox import Sandbox

from .casework import MIB, NOBODY, case, named, outside, refused, seen, wait_for


@case
def a_secret_cannot_be_read(sandbox: Sandbox) -> None:
    with outside() as folder:
        source = f"""
import os
x = [tried(lambda: open({str(folder / "secret.txt")!r}).read()), tried(os.listdir, {str(folder)!r})]
"""
        [found] = seen(sandbox, source)
        assert isinstance(found, list)
        assert all(map(refused, found)), found


@case
def names_outside_are_hidden(sandbox: Sandbox) -> None:
    with outside() as folder:
        assert seen(sandbox, f"import os\nx = os.path.exists({str(folder / 'secret.txt')!r})") == [False]


@case
def nothing_outside_can_be_written(sandbox: Sandbox) -> None:
    with outside() as folder:
        secret = folder / "secret.txt"
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
            os.chown(secret, NOBODY, NOBODY)
        before = secret.stat()
        source = f"""
import os
path, other = {str(secret)!r}, {str(folder / "other")!r}
for action in (lambda: open(path, "a").write("b"), lambda: open(other, "w"), lambda: os.mkdir(other),
               lambda: os.chmod(path, 0o600), lambda: os.utime(path, (1, 1)), lambda: os.truncate(path, 0),
               lambda: os.symlink("/", other), lambda: os.link(path, "hard"), lambda: os.setxattr(path, "user.a", b"b"),
               lambda: os.rename(path, other), lambda: os.unlink(other)):
    tried(action)
"""
        seen(sandbox, source, "")
        assert [path.name for path in folder.iterdir()] == ["secret.txt"]
        after = secret.stat()
        assert (after.st_mode, after.st_mtime, after.st_nlink) == (before.st_mode, before.st_mtime, 1)
        assert (secret.read_text(), os.listxattr(secret)) == ("the answer", [])


@case
def nothing_is_left_for_the_next(sandbox: Sandbox) -> None:
    mark = f"left-{secrets.token_hex(8)}"
    source = f"""
import os, tempfile
paths = [os.path.join(folder, {mark!r}) for folder in (".", tempfile.gettempdir(), os.path.expanduser("~"))]
x = [os.path.exists(path) for path in paths]
for path in paths:
    open(path, "w").close()
"""
    for _ in range(2):
        assert seen(sandbox, source) == [[False, False, False]]


@case
def no_network_and_no_sockets_of_others(sandbox: Sandbox) -> None:
    with outside() as folder, contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        named, hidden = (stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2))
        named.bind(str(folder / "socket"))
        (folder / "socket").chmod(0o777)
        hidden.bind(f"\0{folder.name}")
        named.listen()
        hidden.listen()
        source = f"""
import socket
def connected(family, address):
    with socket.socket(family) as peer:
        peer.settimeout(2)
        peer.connect(address)
    return "connected"
x = [tried(connected, socket.AF_INET, ("127.0.0.1", {server.getsockname()[1]})),
     tried(connected, socket.AF_UNIX, {str(folder / "socket")!r}),
     tried(connected, socket.AF_UNIX, "\\0{folder.name}")]
"""
        [found] = seen(sandbox, source)
        assert isinstance(found, list)
        assert all(map(refused, found)), found


@case
def other_processes_are_out_of_reach(sandbox: Sandbox) -> None:
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    with subprocess.Popen(["/bin/sleep", "60"], env={"SECRET": "the answer"}, cwd="/", **user) as victim:  # type: ignore[call-overload]
        source = f"""
import os, resource
x = [tried(os.kill, {victim.pid}, 0), tried(lambda: open("/proc/{victim.pid}/environ", "rb").read().decode()),
     tried(lambda: open("/proc/{victim.pid}/cmdline").read()), tried(os.sched_setaffinity, {victim.pid}, [0]),
     tried(resource.prlimit, {victim.pid}, resource.RLIMIT_CORE, (0, 0)), tried(os.setpriority, 0, {victim.pid}, 19)]
"""
        [found] = seen(sandbox, source)
        victim.kill()
    assert isinstance(found, list)
    assert all(map(refused, found)), found


@case
def the_environment_is_clean(sandbox: Sandbox) -> None:
    name = "RUNGS_SECRET"
    os.environ[name] = "the answer"
    try:
        [found] = seen(sandbox, "import os\nx = dict(os.environ)")
    finally:
        del os.environ[name]
    assert isinstance(found, dict)
    assert "the answer" not in found.values()
    assert {"PATH", "HOME"} <= set(found)
    assert not {name for name in found if "KEY" in name or "TOKEN" in name or "PYTEST" in name}


@case
def privileges_are_gone(sandbox: Sandbox) -> None:
    source = """
status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines())
x = [status[name].strip() for name in ("CapEff", "CapPrm", "CapInh", "CapAmb", "NoNewPrivs", "Seccomp")]
"""
    assert seen(sandbox, source) == [["0" * 16] * 4 + ["1", "2"]]


@case
def root_becomes_nobody(sandbox: Sandbox) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    name = f"rungs{secrets.token_hex(4)}"
    source = f"import ctypes, time\nctypes.CDLL(None).prctl(15, {name!r}.encode(), 0, 0, 0)\ntime.sleep(60)"
    cancel = threading.Event()
    thread = threading.Thread(target=_until_cancelled, args=(module_job(source), sandbox, cancel))
    thread.start()
    found = wait_for(lambda: named(name))
    users = [*found[0].uids(), *found[0].gids()]
    cancel.set()
    thread.join()
    assert 0 not in users


def _until_cancelled(job: Job, sandbox: Sandbox, cancel: threading.Event) -> None:
    with pytest.raises(CancelledError):
        execute(job, sandbox, cancel)


@case
def processes_are_limited(sandbox: Sandbox) -> None:
    source = """
import os, time
def many():
    for _ in range(300):
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
x = tried(many)
"""
    assert refused(seen(sandbox, source)[0])


@case
def one_file_is_bounded(sandbox: Sandbox) -> None:
    source = "import os\nopen('large', 'w').close()\nx = tried(os.truncate, 'large', 3 << 30)"
    assert refused(seen(sandbox, source)[0])


@case
def its_files_together_are_bounded(sandbox: Sandbox) -> None:
    source = """
def fill():
    for number in range(4):
        with open(str(number), "wb") as file:
            file.write(bytes(30 << 20))
x = tried(fill)
"""
    assert refused(seen(sandbox, source, limits=replace(QUICK, memory_bytes=128 * MIB))[0])
