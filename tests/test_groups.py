"""Control groups as folders: with ordinary files in the kernel's place, and a real hierarchy where there is one."""

from __future__ import annotations

import errno
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.errors import SandboxError
from grader.sandbox import groups
from grader.sandbox.groups import Group, Subtree, claim, own_group
from grader.sandbox.leftovers import owner

if sys.platform != "linux":
    pytest.skip("control groups are Linux's", allow_module_level=True)

MIB = 1024**2
MOUNT = "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


# --- finding our own group ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("membership", "mounts", "found"),
    [
        ("0::/user.slice/run-1.scope\n", MOUNT, "/sys/fs/cgroup/user.slice/run-1.scope"),
        ("0::/\n", MOUNT, "/sys/fs/cgroup"),
        ("0::/a/b\n", MOUNT.replace("0:26 / ", "0:26 /a "), "/sys/fs/cgroup/b"),
        ("0::/a\n", MOUNT.replace("0:26 / ", "0:26 /a "), "/sys/fs/cgroup"),
        ("1:name=systemd:/x\n0::/a\n", "1 1 0:1 / / rw - ext4 x rw\n" + MOUNT, "/sys/fs/cgroup/a"),
        pytest.param(f"0::/a/grade-{owner()}/host\n", MOUNT, "/sys/fs/cgroup/a", id="claimed by this process"),
        ("0::/a/grade-mine/host\n", MOUNT, "/sys/fs/cgroup/a/grade-mine/host"),
    ],
)
def test_our_group_is_found(membership: str, mounts: str, found: str) -> None:
    assert own_group(membership, mounts) == Path(found)


@pytest.mark.parametrize(
    ("membership", "mounts", "words"),
    [
        (
            "4:memory:/\n3:cpu,pids:/x\n0::/\n",
            MOUNT,
            "the controllers memory, pids belong to cgroup v1 on this machine",
        ),
        ("1:name=systemd:/\n", MOUNT, "this process is in no cgroup v2"),
        ("0::/a\n", "1 1 0:1 / / rw - ext4 x rw\n", "no cgroup v2 is mounted that shows our control group /a"),
        ("0::/../a\n", MOUNT, "no cgroup v2 is mounted that shows our control group /../a"),
        ("0::/ab\n", MOUNT.replace("0:26 / ", "0:26 /a "), "no cgroup v2 is mounted that shows our control group /ab"),
    ],
)
def test_why_there_is_no_group_of_ours(membership: str, mounts: str, words: str) -> None:
    with pytest.raises(SandboxError, match=f"^{words}"):
        own_group(membership, mounts)


# --- claiming it, with ordinary files in the kernel's place ---------------------------------------------------


@pytest.fixture
def delegated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A group as systemd delegates it, with two processes in it."""
    monkeypatch.setattr(groups, "_SYSTEMD", tmp_path / "no systemd")
    own = tmp_path / "run-1.scope"
    own.mkdir()
    files = {
        "cgroup.controllers": "cpu memory pids\n",
        "cgroup.procs": "11\n12\n",
        "cgroup.subtree_control": "",
        "cgroup.type": "domain\n",
    }
    for name, text in files.items():
        (own / name).write_text(text)
    return own


def written(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_claiming_moves_processes_to_a_leaf_and_enables_controllers(
    delegated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[str] = []
    write = groups._write

    def noted(folder: Path, name: str, value: object) -> None:
        if name == "cgroup.procs":
            moved.append(f"{folder.name} {value}")
        write(folder, name, value)

    monkeypatch.setattr(groups, "_write", noted)
    folder = claim(delegated, 11).folder
    assert folder == delegated / f"grade-{owner()}"
    assert moved == ["host 11", "host 11", "host 12"]
    assert written(delegated)["cgroup.subtree_control"] == "+memory +pids +cpu"
    assert written(folder) == {"cgroup.subtree_control": "+memory +pids +cpu"}
    assert written(folder / "host") == {"cgroup.procs": "12", "cpu.weight": "1000"}


def test_the_processor_need_not_be_delegated(delegated: Path) -> None:
    (delegated / "cgroup.controllers").write_text("memory pids")
    folder = claim(delegated, 11).folder
    assert written(folder) == {"cgroup.subtree_control": "+memory +pids"}
    assert "cpu.weight" not in written(folder / "host")


def test_the_root_of_all_may_keep_its_processes(delegated: Path) -> None:
    (delegated / "cgroup.type").unlink()
    assert written(claim(delegated, 11).folder / "host")["cgroup.procs"] == "11"


def test_processes_that_start_meanwhile_are_moved_too(delegated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, refusals = groups._write, iter([errno.EBUSY, errno.EBUSY])

    def busy(folder: Path, name: str, value: object) -> None:
        if (folder, name) == (delegated, "cgroup.subtree_control") and (number := next(refusals, 0)):
            (delegated / "cgroup.procs").write_text("13\n")
            raise OSError(number, os.strerror(number))
        if value == "12":
            raise ProcessLookupError  # it has ended
        write(folder, name, value)

    monkeypatch.setattr(groups, "_write", busy)
    assert written(claim(delegated, 11).folder / "host")["cgroup.procs"] == "13"
    refusals = iter([errno.EBUSY] * 100)
    with pytest.raises(SandboxError, match=r"cannot be divided: .* other processes keep starting in it"):
        claim(delegated, 11)
    refusals = iter([errno.EINVAL])
    with pytest.raises(SandboxError, match=r"cannot be divided: .*Invalid argument"):
        claim(delegated, 11)


@pytest.mark.parametrize(
    ("controllers", "missing", "words"),
    [
        ("cpu", "", "the controllers memory, pids are not delegated to the control group "),
        ("memory", "", "the controllers pids are not delegated to the control group "),
        ("memory pids", "cgroup.procs", "is not delegated: cgroup.procs cannot be written"),
        ("memory pids", "cgroup.controllers", "cannot be read: No such file or directory"),
    ],
)
def test_what_is_not_delegated_is_told(delegated: Path, controllers: str, missing: str, words: str) -> None:
    (delegated / "cgroup.controllers").write_text(controllers)
    if missing:
        (delegated / missing).unlink()
    before = sorted(path.name for path in delegated.iterdir())
    with pytest.raises(SandboxError, match=words):
        claim(delegated, 11)
    assert sorted(path.name for path in delegated.iterdir()) == before


def test_root_leaves_alone_what_systemd_manages(
    delegated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = {"trusted.delegate": b"1"}

    def getxattr(_path: Path, name: str) -> bytes:
        if name not in marks:
            raise OSError(errno.ENODATA, name)
        return marks[name]

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "getxattr", getxattr)
    monkeypatch.setattr(groups, "_SYSTEMD", tmp_path)
    claim(delegated, 11)
    marks["trusted.delegate"] = b"0"
    with pytest.raises(SandboxError, match="is not delegated: systemd manages it"):
        claim(delegated, 11)


def test_empty_groups_of_graders_that_have_ended_are_removed(delegated: Path) -> None:
    number, start, space = owner().split("-")
    gone, other = f"grade-{2**22 + 1:x}-{start}-{space}", f"grade-{number}-{start}-1"
    for name in (gone, other):
        (delegated / name / "job-1").mkdir(parents=True)
    claim(delegated, 11)
    assert not (delegated / gone).exists()
    assert (delegated / other).exists()


# --- a job's group ------------------------------------------------------------------------------------------


def test_a_group_has_its_limits(tmp_path: Path) -> None:
    group = Subtree(tmp_path).make_group(300 * MIB, 256)
    assert written(group.folder) == {
        "memory.max": str(300 * MIB),
        "memory.oom.group": "1",
        "memory.swap.max": "0",
        "pids.max": "256",
    }
    group.add(17)
    assert written(group.folder)["cgroup.procs"] == "17"


def test_a_group_that_cannot_be_limited_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = groups._write

    def refuse(folder: Path, name: str, value: object) -> None:
        if name == "pids.max":
            raise OSError(errno.EACCES, "pids.max")
        write(folder, name, value)

    monkeypatch.setattr(groups, "_write", refuse)
    monkeypatch.setattr(groups, "_REMOVE_SECONDS", 0.0)
    with pytest.raises(SandboxError, match=r"^setup failed: a control group with limits: "):
        Subtree(tmp_path).make_group(300 * MIB, 256)


def test_a_process_that_cannot_be_moved_is_a_failed_setup(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"^setup failed: moving process 17 into its control group: "):
        Group(tmp_path / "missing").add(17)


@pytest.mark.parametrize(
    ("events", "ran_out"),
    [("low 0\nmax 7\noom 1\noom_kill 2\n", True), ("max 7\noom 1\noom_kill 0\n", False), ("max 7\n", False)],
)
def test_the_kernel_tells_when_memory_ran_out(tmp_path: Path, events: str, ran_out: bool) -> None:
    assert not Group(tmp_path).ran_out_of_memory()
    (tmp_path / "memory.events").write_text(events)
    assert Group(tmp_path).ran_out_of_memory() == ran_out


# --- a real hierarchy, whatever its controllers --------------------------------------------------------------


@pytest.fixture
def real() -> Iterator[Path]:
    """A new group in a hierarchy that we may write to."""
    mounts = (line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines() if " - cgroup2 " in line)
    places = [Path(fields[4]) for fields in mounts if os.access(Path(fields[4], "cgroup.procs"), os.W_OK)]
    if not places:
        pytest.skip("no cgroup v2 hierarchy that we may write to")
    folder = places[0] / f"test-{secrets.token_hex(4)}"
    folder.mkdir()
    yield folder
    for inner in sorted(folder.rglob("*/"), reverse=True):
        Group(inner).remove()
    Group(folder).remove()
    assert not folder.exists()


def test_a_real_group_takes_processes_in_and_ends_them(real: Path) -> None:
    group = Group(real)
    with subprocess.Popen(["/bin/sh", "-c", "read _; sleep 60 & sleep 60"], stdin=subprocess.PIPE) as shell:
        group.add(shell.pid)
        assert shell.stdin is not None
        shell.stdin.write(b"\n")
        shell.stdin.flush()
        while len(pids := (real / "cgroup.procs").read_text().split()) < 3:
            time.sleep(0.01)
        assert str(shell.pid) in pids
        group.remove()
        assert shell.wait() == -9
    assert not real.exists()
    with pytest.raises(SandboxError, match="setup failed: moving process"):
        group.add(os.getpid())


def test_a_real_group_is_emptied_into_a_leaf(real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_REQUIRED", ())
    monkeypatch.setattr(groups, "_OPTIONAL", ())
    monkeypatch.setattr(groups, "_SYSTEMD", real / "no systemd")
    sleepers = [subprocess.Popen(["/bin/sleep", "60"]) for _ in range(2)]
    for sleeper in sleepers:
        Group(real).add(sleeper.pid)
    subtree = claim(real, sleepers[0].pid)
    inside = set((subtree.folder / "host" / "cgroup.procs").read_text().split())
    assert inside == {str(sleeper.pid) for sleeper in sleepers}
    assert (real / "cgroup.procs").read_text() == ""
    Group(subtree.folder / "host").remove()
    assert [sleeper.wait() for sleeper in sleepers] == [-9, -9]
