"""`grade check --watch`: a change is seen, half a file is waited for, and only what differs is printed."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from course_helpers import MACHINE, PERIMETER, RIGHT, FakeEngine, hand_in, make_course
from rich.console import Console

from grader.cli import courses
from grader.cli.asked import Asked, Checked
from grader.cli.watching import Watch
from grader.course import Course, Kind, load_course
from grader.errors import ExitCode
from grader.execution import execute
from grader.model import Job, Limits, Probe, Stop
from grader.pipeline import Workplace
from grader.sandbox import make_sandbox
from grader.store import Memory

HALF = '{"cells": ['


class Desk:
    """A student's file, a watch on it, and what was printed since the last look."""

    def __init__(self, root: Path, name: str = "rectangles.py") -> None:
        make_course(root / "course")
        self.file = root / "anna" / name
        self.results: list[Checked] = []
        self.engine = FakeEngine()
        self._out = io.StringIO()
        console = Console(file=self._out, width=200)
        place = Workplace(self.engine, "ns", MACHINE, Memory())
        self.watch = Watch(console, Asked(root / "course", self.file), place, self.results.append)
        self._written = 0

    def write(self, text: str) -> None:
        """Save the file, with a time that no earlier save has."""
        hand_in(self.file.parent, {self.file.name: text})
        self._written += 1
        os.utime(self.file, (self._written, self._written))

    def look(self, times: int = 2) -> str:
        """Return what is printed in as many looks."""
        self._out.seek(0)
        self._out.truncate()
        for _ in range(times):
            self.watch.look()
        return self._out.getvalue()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_the_first_look_prints_everything_and_later_ones_what_differs(desk: Desk) -> None:
    desk.write(PERIMETER)
    first = desk.look()
    assert ("Two rectangles  1 of 3" in first, "That is the perimeter" in first) == (True, True)
    assert desk.look() == ""
    desk.write("area = 13.5\ndouble_area = 30.0\n")
    second = desk.look()
    assert "✓ area  Right" in second
    assert "✗ double_area  Not right" in second
    assert "Total: 2 of 3 points (+1)" in second
    desk.write(RIGHT)
    third = desk.look()
    assert [line.split()[1] for line in third.splitlines() if line.startswith("  ")] == ["double_area"]
    assert "Total: 3 of 3 points (+1)" in third
    assert [one.status for one in desk.results] == [ExitCode.FAILED, ExitCode.FAILED, ExitCode.PASSED]


def test_a_change_that_changes_nothing_says_so_and_runs_nothing_again(desk: Desk) -> None:
    desk.write(RIGHT)
    desk.look()
    desk.write(RIGHT)
    said = desk.look().splitlines()
    assert said[0] == "Total: 3 of 3 points, as before"
    assert (len(said), len(desk.engine.ran)) == (2, 1)


def test_a_file_that_is_still_being_written_is_waited_for(desk: Desk) -> None:
    desk.write(PERIMETER)
    desk.look()
    desk.write("area = ")
    assert desk.look(times=1) == ""
    desk.write(RIGHT)
    assert desk.look(times=1) == ""
    assert "Total: 3 of 3 points (+2)" in desk.look(times=1)


def test_half_a_notebook_keeps_the_last_result(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "rectangles.ipynb")
    desk.write(HALF)
    assert "Cannot be checked yet: " in desk.look()
    desk.write(HALF + " ")
    assert "rectangles.ipynb, line 1, column 13: is not a notebook" in desk.look()
    assert (desk.watch.last, desk.engine.ran) == (None, [])


def test_a_file_that_is_gone_for_a_moment_is_waited_for(desk: Desk) -> None:
    desk.write(PERIMETER)
    desk.look()
    desk.file.unlink()
    assert "Cannot be checked yet: " in desk.look()
    desk.write(RIGHT)
    assert "Total: 3 of 3 points (+2)" in desk.look()


def test_an_error_in_the_course_is_told_and_waited_for(desk: Desk, tmp_path: Path) -> None:
    rubric = tmp_path / "course/rubrics/sheet1/rectangles.yaml"
    text = rubric.read_text(encoding="utf-8")
    desk.write(RIGHT)
    rubric.write_text("title: [\n", encoding="utf-8")
    assert "is not YAML" in desk.look()
    rubric.write_text(text, encoding="utf-8")
    desk.write(RIGHT)
    assert "Total: 3 of 3 points" in desk.look()


def test_the_course_is_read_again_only_when_a_file_of_its_changes(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def noted(root: Path, kinds: Mapping[str, Kind], wanted: Sequence[str]) -> Course:
        read.append(root)
        return load_course(root, kinds, wanted)

    monkeypatch.setattr(courses, "load_course", noted)
    desk.write(PERIMETER)
    desk.look()
    desk.write(RIGHT)
    assert "Total: 3 of 3 points (+2)" in desk.look()
    assert read == [tmp_path / "course"]
    for number, name in enumerate(["rubrics/sheet1/rectangles.yaml", "reference/sheet1/rectangles.py"]):
        file = tmp_path / "course" / name
        file.write_text(file.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
        desk.write(RIGHT)
        assert "Total: 3 of 3 points, as before" in desk.look()
        assert len(read) == 2 + number


def test_an_interrupt_ends_the_watch_with_a_word(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.write(RIGHT)

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    desk.watch.run(interrupted)
    assert desk.watch.last is not None
    assert desk.look().splitlines() == []


@pytest.mark.skipif(os.name != "posix", reason="signals are of Unix")
def test_the_command_watches_until_ctrl_c_and_leaves_nothing_behind(tmp_path: Path) -> None:
    make_course(tmp_path / "course")
    hand_in(tmp_path / "anna", {"rectangles.py": PERIMETER})
    line = [sys.executable, "-u", "-c", "from grader.cli import main; main()", "check", "--watch"]
    arguments = [str(tmp_path / "anna/rectangles.py"), "--course", str(tmp_path / "course")]
    with subprocess.Popen([*line, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        _read_until(process.stdout.readline, "Checked in")
        hand_in(tmp_path / "anna", {"rectangles.py": RIGHT})
        assert "(+2)" in _read_until(process.stdout.readline, "Checked in")
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    # An interrupt in the middle of printing may print a line twice.
    assert (process.returncode, rest.splitlines()[-1]) == (0, "Stopped.")


def _read_until(read: Callable[[], str], word: str) -> str:
    lines = [read()]
    while word not in lines[-1]:
        lines.append(read())
        assert lines[-1], "the command ended"
    return "".join(lines)


# A process that stands by

LIMITS = Limits(timeout_seconds=30, memory_bytes=1024**3, preload=("fractions",))
WARM = Job(
    "module", "a.py", "import sys\nwarm = 'fractions' in sys.modules\nx = 1\n", (), (Probe("value", "warm"),), LIMITS
)


def test_the_second_job_finds_its_modules_imported() -> None:
    with closing(make_sandbox("selfcheck", "again")) as sandbox:
        found = [execute(WARM, sandbox).observations[0].value]
        sandbox._standby._wanted.join()  # type: ignore[attr-defined]
        found += [execute(WARM, sandbox).observations[0].value]
    assert found == [False, True]


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a notebook is run by a kernel")
def test_a_notebook_runs_in_the_process_that_stood_by_and_leaves_nothing_to_the_next() -> None:
    cell: dict[str, object] = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None}
    source = "kept = globals().get('x')\nx = 1\nimport fractions\nfractions.mine = 1"
    text = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{**cell, "source": source}]})
    job = Job("notebook", "a.ipynb", text, (), (Probe("value", "kept"), Probe("value", "x")), LIMITS)
    with closing(make_sandbox("selfcheck", "again")) as sandbox:
        for _ in range(3):
            run = execute(job, sandbox)
            assert (run.stop, [one.value for one in run.observations]) == (Stop.FINISHED, [None, 1])
            sandbox._standby._wanted.join()  # type: ignore[attr-defined]


def test_other_limits_get_a_process_of_their_own_and_closing_twice_does_no_harm() -> None:
    sandbox = make_sandbox("selfcheck", "again")
    with closing(sandbox):
        execute(WARM, sandbox)
        sandbox._standby._wanted.join()  # type: ignore[attr-defined]
        with sandbox.launch(Limits(memory_bytes=512 * 1024**2)) as box:
            assert box.kill_reason == ""
    sandbox.close()
