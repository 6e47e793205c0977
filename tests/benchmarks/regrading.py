"""How long judging anew takes, 400 submissions with 20 checks each, against the batch repeated or from nothing.

Run by hand: ``python -m tests.benchmarks.regrading [--submissions 400] [--personal]``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from grader.checks import KINDS
from grader.cli import run
from grader.course import load_course
from grader.pipeline import regrade
from grader.store import open_store

CHECKS = 20


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submissions", type=int, default=400)
    parser.add_argument("--personal", action="store_true", help="everybody has numbers of their own")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_course(root / "course", personal=options.personal)
        write_hand_ins(root / "all", options.submissions)
        common = ["--assignment", "sheet", "--course", str(root / "course"), "--output", str(root / "grades")]
        batch = ["batch", str(root / "all"), *common, "--isolation", "ns"]
        ran = timed("a batch from nothing, at the rung ns", lambda: run(batch))
        edit(root / "course", 1)
        judged = timed("regrade: judging and saying who moves", lambda: judge(root))
        whole = timed("grade regrade --yes, with all pages", lambda: run(["regrade", *common, "--yes"]))
        edit(root / "course", 2)
        again = timed("the same batch again, which judges anew", lambda: run(batch))
        say(f"regrade --yes: {whole:.2f} s (judging {judged:.2f} s), {whole / again:.2f} of the batch repeated,")
        say(f"{whole / ran:.3f} of a batch from nothing")


def timed(what: str, work: Callable[[], object]) -> float:
    """Return the seconds of processor time that ``work`` takes in this process, after printing them and those passed.

    Students' code runs in other processes, and is in the second figure only.
    """
    start, used = time.perf_counter(), time.process_time()
    work()
    seconds, passed = time.process_time() - used, time.perf_counter() - start
    say(f"{what}: {seconds:.2f} s of processor time, {passed:.2f} s passed")
    return passed


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def judge(root: Path) -> None:
    """Judge anew without publishing."""
    assignment = load_course(root / "course", KINDS).assignments["sheet"]
    with open_store(root / "grades" / "grade.sqlite") as store:
        found = regrade(assignment, store)
    say(f"{found.judged} judged, {len(found.moved)} moved, {len(found.left)} left")


def write_course(root: Path, *, personal: bool) -> None:
    """Write a course with one exercise: a chain of 20 arrays, each with a misconception."""
    for part in ("exercises/sheet/chain", "reference/sheet", "rubrics/sheet"):
        (root / part).mkdir(parents=True)
    seeded = ("seed", "np.random.default_rng(seed or 0).normal(size=(5, 3))")
    reference = ["import numpy as np", "from grader import given, misconception, quantity"]
    reference.append(f"@given\ndef q0({seeded[0]}):\n    return {seeded[1]}")
    checks = []
    for number in range(1, CHECKS + 1):
        reference.append(f"@quantity\ndef q{number}(q{number - 1}):\n    return 0.9 * q{number - 1} + {number}")
        sentence = f'"The number {number} is added."'
        wrong = f"@misconception('q{number}', {sentence})\ndef less{number}(q{number - 1}):\n"
        reference.append(f"{wrong}    return 0.9 * q{number - 1} - {number}")
        checks.append(f"      - {{value: q{number}, points: 1, atol: 1.0e-6}}")
    (root / "reference/sheet/chain.py").write_text("\n\n\n".join(reference) + "\n", encoding="utf-8")
    rubric = f"title: Chain\ncriteria:\n  - title: All\n    points: {CHECKS}\n    checks:\n"
    (root / "rubrics/sheet/chain.yaml").write_text(rubric + "\n".join(checks) + "\n", encoding="utf-8")
    settings = "title: Chain\nfiles: [chain.py]\nstarters: [chain.py]\ntask: task.md\n"
    (root / "exercises/sheet/chain/exercise.yaml").write_text(settings, encoding="utf-8")
    (root / "exercises/sheet/chain/task.md").write_text("Calculate.\n", encoding="utf-8")
    (root / "exercises/sheet/chain/chain.py").write_text("import numpy as np\n", encoding="utf-8")
    person = str(personal).lower()
    course = f"title: T\nkey: word\nassignments:\n  sheet: {{title: S, personal: {person}, exercises: [chain]}}\n"
    (root / "course.yaml").write_text(course, encoding="utf-8")


def write_hand_ins(root: Path, count: int) -> None:
    """Write hand-ins of which one in three is right, one in three slips once, and one is nearly right throughout."""
    for number in range(count):
        lines = [f"# {number}", "import numpy as np", "q0 = np.random.default_rng(0).normal(size=(5, 3))"]
        for step in range(1, CHECKS + 1):
            sign = "-" if number % 3 == 1 and step == 1 + number % CHECKS else "+"
            near = " + 1e-5" if number % 3 == 2 else ""
            lines.append(f"q{step} = 0.9 * q{step - 1} {sign} {step}{near}")
        folder = root / f"person{number:03}"
        folder.mkdir(parents=True)
        (folder / "chain.py").write_text("\n".join(lines) + "\n", encoding="utf-8")


def edit(course: Path, time_of: int) -> None:
    """Widen the tolerance of every check."""
    path = course / "rubrics/sheet/chain.yaml"
    old, new = [("1.0e-6", "1.0e-3"), ("1.0e-3", "1.0e-2")][time_of - 1]
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


if __name__ == "__main__":
    main()
