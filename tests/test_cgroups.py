"""The rung ``ns+cgroup``: what it tells, and what it counts where it can be used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from execution_helpers import QUICK, children, module_job, values
from namespace_helpers import outcome

from grader.errors import SandboxError
from grader.execution import execute
from grader.sandbox import available_rungs
from grader.sandbox.base import KillReason
from grader.sandbox.groups import Group

if sys.platform != "linux":
    pytest.skip("control groups are Linux's", allow_module_level=True)

from grader.sandbox.cgroups import CgroupNamespaces, GroupedProcess, claim_own

MIB = 1024**2
RUNG = next(rung for rung in available_rungs() if rung.name == "ns+cgroup")
needs_rung = pytest.mark.skipif(not RUNG.available, reason=f"isolation ns+cgroup: {RUNG.reason}")


def test_a_process_that_tells_nothing_of_its_groups(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"^the control groups of this process cannot be read: "):
        claim_own(tmp_path)


class Box:
    """In the place of a process of the rung ``ns``."""

    def __init__(self, reason: KillReason) -> None:
        self.kill_reason, self.channel = reason, None
        self.done: list[str] = []

    def kill(self) -> None:
        self.done.append("kill")

    def close(self) -> str:
        self.kill_reason = self.kill_reason or "closed"
        return "log"


@pytest.mark.parametrize(
    ("reason", "oom_kills", "told"),
    [("", 0, ""), ("", 1, "memory"), ("lost", 1, "memory"), ("lost", 0, "lost"), ("cancelled", 1, "cancelled")],
)
def test_why_a_grouped_process_ended(tmp_path: Path, reason: KillReason, oom_kills: int, told: KillReason) -> None:
    (tmp_path / "memory.events").write_text(f"oom_kill {oom_kills}\n")
    box: Any = Box(reason)
    process = GroupedProcess(box, Group(tmp_path))
    assert process.kill_reason == told
    process.kill()
    assert (box.done, (tmp_path / "cgroup.kill").read_text()) == (["kill"], "1")


def test_closing_removes_the_group_and_remembers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[Path] = []
    monkeypatch.setattr(Group, "remove", lambda group: removed.append(group.folder))
    (tmp_path / "memory.events").write_text("oom_kill 1\n")
    box: Any = Box("")
    with GroupedProcess(box, Group(tmp_path)) as process:
        pass
    (tmp_path / "memory.events").unlink()
    assert (removed, process.kill_reason) == ([tmp_path], "closed")


# --- the rung, where it can be used ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sandbox() -> Iterator[CgroupNamespaces]:
    with closing(CgroupNamespaces(always=())) as opened:
        yield opened
    assert list(opened._subtree.folder.glob("job-*")) == []
    assert children() == []


@needs_rung
def test_each_job_has_a_group_of_its_own(sandbox: CgroupNamespaces) -> None:
    with sandbox.launch(QUICK) as first, sandbox.launch(QUICK) as second:
        places = [Path(f"/proc/{pid}/cgroup").read_text().split("::")[1] for pid in (first.pid, second.pid)]
        assert places[0] != places[1]
        assert all("/job-" in place for place in places)
        assert len(list(sandbox._subtree.folder.glob("job-*"))) == 2


#: Memory that no process has: what the rung ``ns`` leaves out.
SOCKETS = """
import socket
pairs = []
def fill():
    for _ in range(400):
        pair = socket.socketpair()
        pairs.append(pair)
        for end in pair:
            end.setblocking(False)
            try:
                while True: end.send(bytes(1 << 16))
            except BlockingIOError: pass
"""
FILES = """
def write(folder, count):
    for n in range(count):
        with open(f"{folder}/{n}", "wb") as file: file.write(bytes(1 << 20))
"""


@needs_rung
@pytest.mark.parametrize(
    "source",
    [
        SOCKETS + FILES + "write('/tmp', 90); write('/dev/shm', 90); fill()",
        FILES + "write('/tmp', 90); write('/dev/shm', 90); x = bytearray(80 << 20)",
    ],
)
def test_what_no_process_has_is_counted(sandbox: CgroupNamespaces, source: str) -> None:
    run = execute(module_job(source, "x", replace(QUICK, memory_bytes=200 * MIB)), sandbox)
    assert outcome(run) == ("memory", "the memory limit of 200 MiB was exceeded; what was computed is lost")


@needs_rung
def test_what_is_within_the_limit_runs(sandbox: CgroupNamespaces) -> None:
    source = FILES + "write('/tmp', 60); x = len(bytearray(60 << 20))"
    run = execute(module_job(source, "x", replace(QUICK, memory_bytes=200 * MIB)), sandbox)
    assert (outcome(run), run.isolation, values(run)) == (("finished", ""), "ns+cgroup", {"x": 60 * MIB})
