"""Machines that lack something: what is said, that nothing is lost or given a zero, and that a rerun goes on.

Each machine is made in a mount or user namespace of its own, so that nothing of this one changes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from course_helpers import RIGHT, hand_in, make_course
from namespace_helpers import needs_ns

from grader.cli import run
from grader.errors import ExitCode
from grader.store import open_store

ROOT = Path(__file__).resolve().parents[1]
_UNSHARE = ["unshare", "--mount", *([] if hasattr(os, "geteuid") and os.geteuid() == 0 else ["--user", "-r"])]


def _works(*command: str) -> bool:
    return shutil.which(command[0]) is not None and not subprocess.run([*command, "true"], check=False).returncode


pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not _works(*_UNSHARE), reason="no mount namespace can be made here"
)
needs_user_namespaces = pytest.mark.skipif(
    sys.platform != "linux" or not _works("unshare", "--user", "-r"), reason="no user namespace can be made here"
)


@dataclass
class Ground:
    """A folder with a course, a class of six and a place for results."""

    folder: Path

    def run(self, script: str, *, unshare: list[str] = _UNSHARE) -> list[tuple[int, str]]:
        """Run lines of a shell in namespaces of their own; return status and output of each ``grade``."""
        called = f'"{sys.executable}" -c "from grader.cli import main; main()" "$@"'
        grade = f'grade() {{ {called} && echo STATUS 0 || echo "STATUS $?"; }}'
        done = subprocess.run(
            [*unshare, "sh", "-ec", f"{grade}\n{script}"],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "1000", "HOME": str(self.folder / "home")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        found = re.findall(r"(.*?)STATUS (\d+)\n", done.stdout, re.DOTALL)
        assert found, done.stdout
        return [(int(status), said) for said, status in found]


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    make_course(tmp_path / "course")
    printing = "\nprint('x' * 60_000)\n"
    hand_in(tmp_path / "in", {f"p{n}/rectangles.py": f"{RIGHT}{printing}# {n}\n" for n in range(6)})
    for name in ("out", "home"):
        (tmp_path / name).mkdir()
    return Ground(tmp_path)


def batch(isolation: str = "--isolation selfcheck") -> str:
    return f"grade batch in --course course --assignment sheet1 --output out {isolation}"


def pending(folder: Path) -> list[bool]:
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return [one["pending"] for one in results["submissions"]]


def test_a_full_disk_below_the_gradebook_loses_nothing_that_was_stored(ground: Ground) -> None:
    script = f"mount -t tmpfs -o size=400k none out\n{batch()}\ncp out/grade.sqlite* home\n"
    script += f"mount -o remount,size=20m out\n{batch()}\ncp -r out/* home"
    [(status, said), (again, _)] = ground.run(script)
    assert (status, again) == (4, 0)
    assert "out/grade.sqlite: the gradebook cannot be used (database or disk is full); check the disk" in said
    assert "What was stored before is kept: make room, and the same command goes on from there" in said
    assert pending(ground.folder / "home") == [False] * 6


def test_what_was_stored_before_the_disk_was_full_is_not_run_again(ground: Ground) -> None:
    first = batch() + " --workers 1"
    script = f"mount -t tmpfs -o size=1500k none out\n{first}\ncp out/grade.sqlite* home"
    hand_in(ground.folder / "in", {f"q{n}/rectangles.py": f"{RIGHT}print('y' * 10**6)\n# {n}" for n in range(20)})
    [(status, _)] = ground.run(script)
    with open_store(ground.folder / "home" / "grade.sqlite") as store:
        kept = store.known_runs()
    assert status == 4
    assert 0 < len(kept) < 26
    [(status, _)] = ground.run(f"cp home/grade.sqlite out\n{first}")
    with open_store(ground.folder / "out" / "grade.sqlite") as store:
        assert (status, len(store.known_runs()), kept - store.known_runs()) == (0, 26, frozenset())


def test_reports_that_do_not_fit_are_written_by_the_same_command_later(ground: Ground) -> None:
    script = f"mkdir out/students\nmount -t tmpfs -o size=8k none out/students\n{batch()}\n"
    script += f"mount -o remount,size=20m out/students\n{batch()}\nmount -o remount,ro out/students\n{batch()}"
    [(status, said), (again, _), (third, _)] = ground.run(script)
    assert (status, again, third) == (4, 0, 0)  # pages that stay the same are left alone
    assert "out/students/p0.html: the reports cannot be written (No space left on device). Every run is kept" in said
    assert "the same command writes them and runs nothing again" in said


def test_a_full_folder_for_temporary_files_makes_scores_pending(ground: Ground) -> None:
    (ground.folder / "new").mkdir()
    lines = ["mount -t tmpfs -o size=1m none new"]
    for needed in dict.fromkeys([str(ground.folder), sys.prefix, str(ROOT)]):  # what lies there must stay in sight
        if Path(needed).is_relative_to("/tmp"):
            place = f"new/{Path(needed).relative_to('/tmp')}"
            lines += [f"mkdir -p {place}", f"mount --bind {needed} {place}"]
    script = "\n".join([*lines, "mount --rbind new /tmp", f"cd {ground.folder}", ""])
    script += f"cat /dev/zero > /tmp/large 2>/dev/null || true\n{batch()}\ncp -r out/results.json home\n"
    script += f"grade doctor --course course\nrm /tmp/large\n{batch()}"
    [(status, said), (doctor, seen), (again, _)] = ground.run(script)
    assert (status, doctor, again) == (4, 4, 0)
    assert "No space left on device" in said
    assert "temporary files" in seen
    assert pending(ground.folder / "home") == [True] * 6
    assert pending(ground.folder / "out") == [False] * 6


def test_a_home_that_cannot_be_written_to_does_not_matter(ground: Ground) -> None:
    [(status, said)] = ground.run(f"mount -t tmpfs -o ro none home\n{batch('--isolation selfcheck')}")
    assert (status, "Pages: out/class.html" in said) == (0, True)
    assert pending(ground.folder / "out") == [False] * 6


def test_results_that_cannot_be_written_to_are_told(ground: Ground) -> None:
    [(status, said)] = ground.run(f"mount -t tmpfs -o ro none out\n{batch()}")
    assert status == 4
    assert "out/grade.sqlite: the gradebook cannot be used (" in said


#: Runs a command in a user namespace in which no other can be made, and otherwise as the same user.
_NO_USER_NAMESPACES = """
import os, sys
from pathlib import Path
from grader.sandbox.inside.linux import syscalls
(asked, ask), (told, tell) = os.pipe(), os.pipe()
parent = os.getpid()
if os.fork() == 0:
    os.read(asked, 1)
    for name in ("uid_map", "gid_map"):
        Path(f"/proc/{parent}/{name}").write_text("0 0 65536")
    os.write(tell, b".")
    os._exit(0)
syscalls.unshare(syscalls.CLONE_NEWUSER)
os.write(ask, b".")
os.read(told, 1)
Path("/proc/sys/user/max_user_namespaces").write_text("0")
os.execvp(sys.argv[1], sys.argv[1:])
"""
#: Runs a command under a filter that refuses namespaces and mounts, as container engines set one.
_FILTERED = """
import os, sys
from grader.sandbox.inside.linux import seccomp, syscalls
syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
syscalls.install_filter(seccomp.program())
os.execvp(sys.argv[1], sys.argv[1:])
"""
_COVERED = next((name for name in ("irq", "fs", "acpi", "bus") if Path("/proc", name).is_dir()), "sys")
_MASKED = f'mount -t tmpfs -o ro none /proc/{_COVERED}; exec unshare --user --map-user=1000 --map-group=1000 "$@"'
_MACHINES = {
    "no user namespaces": (
        [sys.executable, "-c", _NO_USER_NAMESPACES],
        "no more namespaces are allowed here: sysctl user.max_user_namespaces",
    ),
    "a filter against namespaces": (
        [sys.executable, "-c", _FILTERED],
        "unshare (new namespaces): Operation not permitted (namespaces are forbidden here",
    ),
    "a covered /proc": (
        ["unshare", "--mount", "sh", "-c", _MASKED, "sh"],
        "mount proc on /proc: Operation not permitted (parts of the present /proc are covered",
    ),
}


@needs_user_namespaces
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() != 0, reason="only root can take parts of a machine away")
@pytest.mark.parametrize("machine", _MACHINES)
def test_a_machine_that_cannot_confine_says_why_and_runs_nothing_with_less(ground: Ground, machine: str) -> None:
    command, words = _MACHINES[machine]
    script = f"grade doctor --course course\n{batch('--isolation ns')}\n{batch('')}"
    [(_, said), (named, why), (status, refused)] = ground.run(script, unshare=command)
    row = next(line for line in said.splitlines() if "isolation ns " in line)
    assert words in row
    assert "It needs Linux 5.12 or later, and user namespaces" in row
    assert named == 2
    assert "isolation 'ns' cannot be used: setup failed: " in why
    assert words in why
    if status == 2:
        assert "this machine cannot confine student code well enough for official marks; `grade doctor`" in refused
        assert not (ground.folder / "out" / "results.json").exists()
    else:  # there is another rung that is strong enough
        results = json.loads((ground.folder / "out" / "results.json").read_text(encoding="utf-8"))
        assert {one["isolation"] for one in results["submissions"]} <= {"fresh", "container"}


# Preloads

_MODULES = {
    "raises_here": "raise ValueError('no such device')",
    "leaves_here": "import sys\nsys.exit(3)",
    "threads_here": "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()",
    "dies_here": "import os\nos._exit(3)",
}
_SAYS = {
    "raises_here": "`preload` in exercise.yaml names raises_here, which cannot be imported here: ValueError: no such",
    "leaves_here": "`preload` in exercise.yaml names leaves_here, which cannot be imported here: SystemExit: 3",
    "threads_here": "`preload` in exercise.yaml names threads_here, which leaves threads running when it is imported",
    "dies_here": "the warm process ended while it imported dies_here, which `preload` in exercise.yaml names",
    "absent_here": "`preload` in exercise.yaml names absent_here, which",
}


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the modules for this user, as ``pip install --user`` does."""
    folder = tmp_path / "library"
    folder.mkdir()
    for name, source in _MODULES.items():
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr("site.ENABLE_USER_SITE", True)
    monkeypatch.setattr("site.getusersitepackages", lambda: str(folder))


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("rung", "module"),
    [*(pytest.param("ns", name, marks=needs_ns) for name in _SAYS), ("selfcheck", "absent_here")],
)
def test_a_preload_that_does_not_work_is_told_and_makes_scores_pending(
    ground: Ground, rung: str, module: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    for where in ("grader.cli.settings", "grader.cli.machine"):
        monkeypatch.setattr(f"{where}.strongest_rung", lambda: rung)
    monkeypatch.chdir(ground.folder / "course")
    settings = ground.folder / "course" / "exercises" / "sheet1" / "rectangles" / "exercise.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + f"preload: [{module}]\n", encoding="utf-8")
    command = ["batch", "../in", "--assignment", "sheet1", "--output", "../out", "--isolation", rung]
    assert run(command) == ExitCode.INFRASTRUCTURE
    assert _SAYS[module] in capsys.readouterr().out
    assert pending(ground.folder / "out") == [True] * 6
    assert run(["validate"]) == ExitCode.FAILED
    assert _SAYS[module] in capsys.readouterr().out
    assert run(["doctor"]) == ExitCode.INFRASTRUCTURE
    [row] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│ preload ")]
    assert f"{settings}: " in row
    assert _SAYS[module] in row
