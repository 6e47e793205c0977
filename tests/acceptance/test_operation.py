"""Operation: never as uid 0, never with less than was promised, and nothing left when the supervisor dies."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from grader.engines import LocalPool
from grader.execution import execute
from grader.model import Run, Stop
from grader.sandbox import sweep
from grader.sandbox.leftovers import remove_folder
from grader.sandbox.namespaces import Namespaces

from . import gaps, table
from .case import QUICK
from .chosen import COLUMN, RUNGS
from .harness import Bench, living, make_job, settled, strangers, values
from .host import Host

_ROOT = Path(__file__).parents[2]
#: Names its process, so that the host can find it, and waits.
_NAMED = """
import ctypes, time
ctypes.CDLL(None).prctl(15, {name!r}.encode(), 0, 0, 0)
time.sleep(2)
y = 1
"""


@pytest.fixture
def case_id(request: pytest.FixtureRequest, rung: str) -> str:
    """Return the test's id in the table, where it has failed until it says more; skip a rung's known gaps."""
    words = request.node.originalname.removeprefix("test_").replace("_", " ")
    sent = request.node.callspec.params.get("sent")
    name = f"operation: {words}" + (f" ({sent.name})" if sent else "")
    if reason := gaps.named_gap(rung, name, "operation"):
        table.note(name, COLUMN.format(rung=rung), f"not run: {reason}")
        pytest.skip(reason)
    table.note(name, table.CONTROL, "not an attack")
    table.note(name, COLUMN.format(rung=rung), "**failed**")
    return name


def _until(find: Callable[[], list[int]], seconds: float = 20.0) -> list[int]:
    """Return what is found once there is anything."""
    deadline = time.monotonic() + seconds
    while not (found := find()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def _named(name: str) -> list[int]:
    found = []
    for process in living():
        try:
            if Path(f"/proc/{process.pid}/comm").read_text().strip() == name:
                found.append(process.pid)
        except OSError:
            continue
    return found


def _status(number: int) -> dict[str, str]:
    lines = Path(f"/proc/{number}/status").read_text().splitlines()
    return {key: rest.strip() for key, _, rest in (line.partition(":") for line in lines)}


@pytest.mark.parametrize("rung", RUNGS)
def test_student_code_is_not_uid_0_for_the_kernel(rung: str, case_id: str, bench: Bench, host: Host) -> None:
    bench.warm_up((), host)
    name = f"acc{os.getpid()}"
    runs: list[Run] = []
    job = make_job(_NAMED.format(name=name), ["y"], QUICK, host.target())
    thread = threading.Thread(target=lambda: runs.append(execute(job, bench.sandbox)))
    thread.start()
    [number] = _until(lambda: _named(name))
    status = _status(number)
    thread.join()
    assert values(runs[0]) == {"y": 1}
    assert "0" not in (status["Uid"] + "\t" + status["Gid"]).split("\t")
    assert {status[key] for key in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert "0" not in status["Groups"].split()
    table.note(case_id, COLUMN.format(rung=rung), f"uid {status['Uid'].split()[0]}, no capability")


@pytest.mark.parametrize("rung", RUNGS)
def test_a_warm_process_that_is_killed_is_replaced(rung: str, case_id: str, bench: Bench, host: Host) -> None:
    before = living()
    bench.warm_up((), host)
    warm = {one.pid for one in psutil.Process().children()} & {one.pid for one in living()} - {host.victim.pid}
    if not warm:
        pytest.skip("this rung has no warm process")
    job = make_job("import time\ntime.sleep(1)\ny = 1", ["y"], QUICK, host.target())
    timer = threading.Timer(0.4, _kill_all, [warm])
    timer.start()
    [(_, run)] = LocalPool(bench.sandbox, workers=1).run([("a", job)])
    timer.join()
    assert (run.stop, values(run)) == (Stop.FINISHED, {"y": 1})
    settled()
    assert len(living()) <= max(len(before), len(warm) + 1)
    table.note(case_id, COLUMN.format(rung=rung), "the job is run again")


def _kill_all(numbers: set[int]) -> None:
    for number in numbers:
        os.kill(number, signal.SIGKILL)


_SUPERVISOR = '''
import sys
sys.path.insert(0, {tests!r})
from acceptance.case import QUICK
from acceptance.harness import make_job
from grader.engines import LocalPool
from grader.sandbox import make_sandbox
loop = """
import ctypes, subprocess, os, time
if os.fork() == 0:
    os.setsid()
ctypes.CDLL(None).prctl(1, 0)  # no signal when the parent dies
subprocess.Popen(["sleep", "1000"])
time.sleep(1000)
"""
jobs = [(str(n), make_job(loop, [], QUICK, {{}})) for n in range(4)]
print("started", flush=True)
for _ in LocalPool(make_sandbox({rung!r}), workers=2).run(jobs):
    pass
'''


def _supervisor(rung: str) -> subprocess.Popen[bytes]:
    source = _SUPERVISOR.format(tests=str(_ROOT / "tests"), rung=rung)
    return subprocess.Popen(
        [sys.executable, "-c", source],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _sleepers() -> list[int]:
    """Return the descendants that student code has started."""
    return _named("sleep")


def _folders() -> list[Path]:
    """Return the private folders that the rung ``selfcheck`` made for them, and never another folder."""
    working = {Path(psutil.Process(number).cwd()) for number in _sleepers()}
    return [path.parent for path in working if path.name == "work" and path.parent.name.startswith("grade-")]


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("rung", RUNGS)
def test_a_supervisor_that_ends_leaves_no_process(
    rung: str, sent: signal.Signals, case_id: str, standing: Host
) -> None:
    settled()
    before = living()
    with _supervisor(rung) as supervisor:
        assert len(_until(lambda: _sleepers() if len(_sleepers()) >= 2 else [], 60.0)) >= 2
        folders = _folders() if rung == "selfcheck" else []
        supervisor.send_signal(sent)
        supervisor.wait(timeout=30)
    assert strangers(before, 10.0) == []
    table.note(case_id, COLUMN.format(rung=rung), "kept")
    for folder in folders:  # a killed supervisor cannot clean up after itself
        remove_folder(folder)


@pytest.mark.parametrize("rung", [rung for rung in RUNGS if rung == "selfcheck"])
def test_what_a_killed_supervisor_left_is_swept_by_the_next(rung: str, standing: Host) -> None:
    settled()
    before = living()
    with _supervisor(rung) as supervisor:
        assert len(_until(lambda: _sleepers() if len(_sleepers()) >= 2 else [], 60.0)) >= 2
        folders = _folders()
        supervisor.kill()
    assert folders
    sweep()
    assert [path for path in folders if path.exists()] == []
    assert strangers(before, 10.0) == []
    name = "operation: what a killed supervisor left is swept by the next"
    table.note(name, COLUMN.format(rung=rung), "kept")
    table.note(name, table.CONTROL, "not an attack")


def test_uid_0_is_refused() -> None:
    with pytest.raises(ValueError, match="student code never runs as user or group 0"):
        Namespaces((0, 65534))
    with pytest.raises(ValueError, match="student code never runs as user or group 0"):
        Namespaces((65534, 0))


# --- machines that lack something --------------------------------------------------------------------------

#: Runs one job at the rung, and says what came of it. The marker shows whether student code ran at all.
_PROBE = """
import json, sys
sys.path.insert(0, {tests!r})
from acceptance.case import QUICK
from acceptance.harness import make_job, values
from grader.execution import execute
from grader.errors import GradeError
from grader.sandbox import available_rungs, make_sandbox
rung = {{one.name: one for one in available_rungs()}}[{rung!r}]
found = {{"available": rung.available, "reason": rung.reason}}
if rung.available:
    job = make_job("y = open({secret!r}).read(9)", ["y"], QUICK, {{}})
    run = execute(job, make_sandbox(rung.name))
    found |= {{"stop": str(run.stop), "detail": run.detail, "isolation": run.isolation}}
    found["y"] = str(values(run)["y"])
else:
    try:
        make_sandbox(rung.name)
    except GradeError as error:
        found |= {{"refused": str(error)}}
print(json.dumps(found))
"""
_NO_NAMESPACES = "echo 0 > /proc/sys/user/max_user_namespaces"
_FAULTS = {
    "no user namespaces": (["--user", "--map-root-user"], _NO_NAMESPACES),
    "no network namespaces": (["--user", "--map-root-user"], "echo 0 > /proc/sys/user/max_net_namespaces"),
    "masked /proc, as in a container": (
        ["--mount"], "mount -t tmpfs none /proc/sys; mount --bind /dev/null /proc/kcore",
    ),
    "no /dev/shm": (["--mount"], "umount -l /dev/shm"),
    "read-only home": (["--mount"], "mount -t tmpfs -o ro none $HOME"),
    "full temporary folder": (
        ["--mount"],
        "mount -t tmpfs -o size=16k none $FULL; cat /dev/zero > $FULL/x 2>/dev/null; export TMPDIR=$FULL",
    ),
    "covered /proc, for a user who is not root": (
        ["--mount"],
        'mount -t tmpfs none /proc/bus; set -- unshare --user --map-user=1000 --map-group=1000 "$@"',
    ),
    "no /proc at all": (["--mount"], "umount -l /proc"),
}  # fmt: skip


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take parts of a machine away")
@pytest.mark.skipif(shutil.which("unshare") is None, reason="util-linux's unshare is not installed")
@pytest.mark.parametrize("fault", _FAULTS)
@pytest.mark.parametrize("rung", RUNGS)
def test_a_machine_that_lacks_something_is_refused_or_confines_fully(rung: str, fault: str, tmp_path: Path) -> None:
    options, lines = _FAULTS[fault]
    probe = tmp_path / "probe.py"
    probe.write_text(_PROBE.format(tests=str(_ROOT / "tests"), rung=rung, secret=__file__))
    for name in ("home", "full"):
        (tmp_path / name).mkdir()
    ran = subprocess.run(
        ["unshare", *options, "sh", "-c", f'{lines}\nexec "$@"', "sh", sys.executable, str(probe)],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT), "HOME": str(tmp_path / "home"), "FULL": str(tmp_path / "full")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.stdout, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    outcome = found.get("refused") or f"{found['stop']}: {found['detail']}"
    table.note(f"operation: {fault}", COLUMN.format(rung=rung), outcome[:300])
    table.note(f"operation: {fault}", table.CONTROL, "not an attack")
    if not found["available"]:
        assert found["reason"] in found["refused"]
        assert found["reason"]
    elif found["stop"] == "finished":
        hidden = rung != "selfcheck"  # which promises nothing of the kind
        assert (found["isolation"], found["y"].startswith("Failure(kind='missing'")) == (rung, hidden)
    else:
        assert (found["stop"], found["y"].startswith("Failure(kind='not_run'")) == ("infrastructure", True)
