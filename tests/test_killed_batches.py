"""A batch whose coordinator is killed at any moment, and repeated: the same marks, and nothing stored is run twice.

By hand, with more kills: ``GRADE_KILLS=20 python -m pytest tests/test_killed_batches.py``.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from course_helpers import PERIMETER, RIGHT, FakeEngine, hand_in, make_course, place

from grader.checks import KINDS
from grader.course import load_course
from grader.importers import read_folder
from grader.pipeline import grade
from grader.store import open_store

KILLS = int(os.environ.get("GRADE_KILLS", "5"))
CLASS = {
    f"person{number:03}/rectangles.py": (RIGHT if number % 2 else PERIMETER) + f"# {number}\n"
    for number in range(8 * KILLS)
}
BATCH = """
import sys, time
from pathlib import Path
from course_helpers import FakeEngine, fake_run, place
from grader.checks import KINDS
from grader.course import load_course
from grader.importers import read_folder
from grader.pipeline import grade
from grader.store import open_store, read_url

class Slow(FakeEngine):
    def run(self, jobs):
        for key, job in jobs:
            print(key, flush=True)
            time.sleep(0.02)
            yield key, fake_run(job)

course = load_course(Path("course"), KINDS)
named = sys.argv[1]
with open_store(read_url(named) if "://" in named else Path(named)) as store:
    print("opened", flush=True)
    grade(course, course.assignments["sheet1"], read_folder(Path("all"), "sheet1").submissions, place(store, Slow()))
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is of Unix")
def test_a_killed_batch_goes_on_with_the_same_marks(tmp_path: Path, gradebook: Path | sa.URL) -> None:
    make_course(tmp_path / "course")
    hand_in(tmp_path / "all", CLASS)
    stored: set[str] = set()
    moments = random.Random(7)  # noqa: S311 - moments, not secrets
    for _ in range(KILLS):
        started, killed = attempt(tmp_path, gradebook, moments.randrange(7), moments.uniform(0.0, 0.02))
        assert killed
        assert stored.isdisjoint(started)
        with open_store(gradebook) as store:
            assert store.faults() == ()
            assert stored <= store.known_runs()
            stored = set(store.known_runs())
    assert 0 < len(stored) < len(CLASS)  # they were killed at work
    started, killed = attempt(tmp_path, gradebook, None)
    assert (killed, stored.isdisjoint(started), len(stored) + len(started)) == (False, True, len(CLASS))
    course = load_course(tmp_path / "course", KINDS)
    submissions = read_folder(tmp_path / "all", "sheet1").submissions
    with open_store(None) as store:
        expected = grade(course, course.assignments["sheet1"], submissions, place(store, FakeEngine())).reports
    with open_store(gradebook) as store:
        found = store.reports("sheet1")
        assert store.faults() == ()
    assert [(one.id, one.points, one.exercises) for one in found] == [
        (one.id, one.points, one.exercises) for one in expected
    ]


def attempt(folder: Path, gradebook: Path | sa.URL, runs: int | None, seconds: float = 0.0) -> tuple[list[str], bool]:
    """Run the batch, killed so long after it began so many runs; return the keys it began, and if it was killed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    named = gradebook.render_as_string() if isinstance(gradebook, sa.URL) else str(gradebook)
    command = [sys.executable, "-c", BATCH, named]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "opened\n"
        started = [process.stdout.readline().strip() for _ in range(runs or 0)]
        if runs is not None:
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
        started += process.stdout.read().split()
    assert process.returncode in {0, -signal.SIGKILL}
    return started, process.returncode != 0
