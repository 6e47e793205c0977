"""The rungs ``fresh`` and ``landlock``: what happens when they cannot be set up, and what is theirs alone."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from execution_helpers import QUICK, module_job, values

from grader.errors import SandboxError
from grader.execution import execute
from grader.model import Stop
from grader.sandbox import available_rungs

if sys.platform != "linux":
    pytest.skip("needs Linux", allow_module_level=True)

import grader.sandbox.landlock
from grader.sandbox import cold, fresh
from grader.sandbox.fresh import Fresh
from grader.sandbox.inside.linux import cell, landlock, outer, seccomp
from grader.sandbox.landlock import Landlock
from grader.sandbox.selfcheck import make_folder

ROOT = Path(__file__).parents[1]
RUNGS = {rung.name: rung for rung in available_rungs()}
needs_fresh = pytest.mark.skipif(not RUNGS["fresh"].available, reason=f"isolation fresh: {RUNGS['fresh'].reason}")
needs_landlock = pytest.mark.skipif(
    not RUNGS["landlock"].available, reason=f"isolation landlock: {RUNGS['landlock'].reason}"
)


@pytest.mark.parametrize("kind", [Fresh, Landlock])
def test_student_code_never_runs_as_root(kind: type[Fresh | Landlock]) -> None:
    with pytest.raises(ValueError, match=re.escape("owner is (5, 0); student code never runs as user or group 0")):
        kind((5, 0))


# --- fresh -----------------------------------------------------------------------------------------------------


def test_without_bubblewrap_there_is_no_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    assert fresh.why_not() == "the program bwrap is not installed"
    run = execute(module_job("x = 1", "x"), Fresh())
    assert (run.stop, run.detail) == (Stop.INFRASTRUCTURE, "the program bwrap is not installed")


@needs_fresh
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--nonsense"], "setup failed: bwrap: Unknown option --nonsense"),
        (["--ro-bind", "/usr", "/usr"], "setup failed: bwrap: execvp "),
        (["--ro-bind", "/nowhere", "/nowhere"], "setup failed: bwrap: Can't find source path /nowhere"),
    ],
)
def test_what_bubblewrap_says_when_it_fails_is_told(
    monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.setattr(fresh, "arguments", lambda *_: options)
    assert fresh.why_not().startswith(said)


def test_only_libraries_are_shown_and_all_of_it_read_only() -> None:
    options = fresh.arguments(1000, {"/etc/passwd": 9})
    assert {"--die-with-parent", "--new-session", "--unshare-user", "--unshare-net", "--unshare-pid"} <= set(options)
    assert not {"--bind", "--dev", "--share-net", "--bind-try", "--cap-add"} & set(options)
    assert options[-4:] == ["--remount-ro", "/", "--chdir", cell.WORK]
    shown = {options[at + 1] for at, word in enumerate(options) if word == "--ro-bind"}
    assert not any(ROOT.is_relative_to(path) or Path.home() == Path(path) for path in shown)
    assert [options[at + 1] for at, word in enumerate(options) if word == "--size"] == ["1000", "1000"]
    devices = {options[at + 1] for at, word in enumerate(options) if word == "--dev-bind"}
    assert devices == {f"/dev/{name}" for name in outer.DEVICES}


@pytest.mark.parametrize(("returned", "status"), [(0, 0), (3, 3), (128, 128), (139, -11), (137, -9), (-9, None)])
def test_bubblewraps_status_is_understood(returned: int, status: int | None) -> None:
    assert fresh._status(returned) == status


@needs_fresh
def test_a_job_whose_bubblewrap_is_killed_was_not_ended_by_the_student() -> None:
    with Fresh().launch(QUICK) as box:
        box._process.kill()
        box.exit_words()
        assert box.kill_reason == "lost"


@needs_fresh
def test_the_watching_process_is_out_of_reach() -> None:
    source = """
import os
def tried(action):
    try: return str(action())
    except OSError as error: return type(error).__name__
own = os.getpid()
x = [tried(lambda: open("/proc/1/mem", "r+b")), tried(lambda: os.listdir("/proc/1/fd")), tried(lambda: os.kill(1, 9))]
"""
    run = execute(module_job(source, "x own"), Fresh())
    assert (run.stop, values(run)["x"]) == (Stop.FINISHED, ["PermissionError", "PermissionError", "None"])
    assert values(run)["own"] != 1


# --- landlock --------------------------------------------------------------------------------------------------


def test_an_older_landlock_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 5)
    with pytest.raises(OSError, match=re.escape("Landlock has version 5 here; 6 or later is needed")):
        landlock.restrict({})


@needs_landlock
def test_one_job_runs_at_a_time_and_waiting_can_be_cancelled() -> None:
    sandbox, cancel = Landlock(), threading.Event()
    with sandbox.launch(QUICK):
        cancel.set()
        with pytest.raises(SandboxError, match="cancelled"):
            sandbox.launch(QUICK, cancel)
    with sandbox.launch(QUICK) as box:
        assert box.kill_reason == ""


@needs_landlock
def test_no_folder_is_left_of_a_job_nor_of_one_that_could_not_be_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def noted() -> Path:
        made.append(make_folder())
        return made[-1]

    monkeypatch.setattr(grader.sandbox.landlock, "make_folder", noted)
    sandbox = Landlock()
    with monkeypatch.context() as patch:
        patch.setattr(cold, "INSIDE", Path("/nowhere"))
        with pytest.raises(SandboxError, match=r"setup failed: .*No such file"):
            sandbox.launch(QUICK)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/nowhere/python")
        with pytest.raises(SandboxError, match="No such file or directory: '/nowhere/python'"):
            sandbox.launch(QUICK)
    with sandbox.launch(QUICK):
        assert [folder.exists() for folder in made] == [False, False, True]
    assert not made[2].exists()


@needs_landlock
def test_a_job_is_one_process_that_ends_with_the_grader() -> None:
    source = """
import ctypes, os, socket, subprocess
libc = ctypes.CDLL(None, use_errno=True)
def tried(action, *arguments):
    try: return str(action(*arguments))
    except OSError as error: return error.errno
x = [tried(os.fork), tried(subprocess.run, ["true"]), libc.prctl(1, 0, 0, 0, 0), tried(socket.socket)]
def talk():
    one, other = socket.socketpair()
    one.send(b"a")
    return other.recv(9)
pairs = [tried(talk), tried(socket.socketpair, socket.AF_UNIX, socket.SOCK_DGRAM)]
"""
    run = execute(module_job(source, "x pairs"), Landlock())
    assert (run.stop, run.errors) == (Stop.FINISHED, ())
    assert values(run)["x"] == [1, 1, -1, 95]
    assert values(run)["pairs"] == ["b'a'", 95]


def test_the_filter_of_a_lone_process_refuses_more() -> None:
    both = [seccomp.program(), seccomp.program(is_alone=True)]
    assert len(both[1]) > len(both[0])
    for program in both:
        steps = list(struct.iter_unpack("=HBBI", program))
        # Every jump stays inside, and the last step returns.
        assert all(at + 1 + max(yes, no) < len(steps) for at, (code, yes, no, _) in enumerate(steps) if code & 7 == 5)
        assert steps[-1] == (0x06, 0, 0, 0x7FFF0000)


# --- becoming an ordinary user ---------------------------------------------------------------------------------


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_what_lies_behind_a_closed_folder_can_be_reached_and_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "closed/shown/deep").mkdir(parents=True)
    (tmp_path / "closed/shown/deep/file").write_text("seen")
    (tmp_path / "closed/secret").write_text("hidden")
    (tmp_path / "closed").chmod(0o700)
    source = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from grader.sandbox.inside.linux import owner
os.chdir("/")
owner.open_ways([{str(tmp_path / "closed/shown")!r}, os.path.realpath(sys.prefix)])
owner.become(12345, 12345)
print(open({str(tmp_path / "closed/shown/deep/file")!r}).read(), os.listdir({str(tmp_path / "closed")!r}), os.getuid())
"""
    ran = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    if "unshare" in ran.stderr:
        pytest.skip("this root may make no mount namespace (a container)")
    assert ran.stdout.split() == ["seen", "['shown']", "12345"], ran.stderr
    assert (tmp_path / "closed/secret").read_text() == "hidden"
