"""How much a large batch takes: a thousand hand-ins to ``gradient_step``, no two alike, by the command itself.

Run by hand: ``python -m tests.benchmarks.load [--submissions 1000] [--shared]``. Memory is that of the process that
grades (the coordinator), and of all that it has started, resident, looked at ten times a second. The same batch is
then run again, which runs nothing, and a third time after a change of the rubric, which judges anew.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from grader.checks import KINDS
from grader.course import load_course
from grader.demo import ASSIGNMENT, EXERCISE, MISTAKES, HandIn, copy_course, files_of

ROOT = Path(__file__).parents[2]
MEBIBYTE = 2**20


@dataclass(slots=True)
class Usage:
    """What a command took: seconds passed, seconds of processor time and peak memory in bytes."""

    passed_seconds: float = 0.0
    own_seconds: float = 0.0
    own_bytes: int = 0
    all_bytes: int = 0


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submissions", type=int, default=1000)
    parser.add_argument("--shared", action="store_true", help="everybody has the same numbers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        root = Path(folder)
        copy_course(ROOT, root / "course")
        if options.shared:
            settings = root / "course" / "course.yaml"
            settings.write_text(settings.read_text(encoding="utf-8").replace("personal: true", "personal: false"))
        write_hand_ins(root, options.submissions)
        common = ["--assignment", ASSIGNMENT, "--course", str(root / "course"), "--output", str(root / "grades")]
        batch = ["batch", str(root / "all"), *common, "--isolation", "ns"]
        say("| what | seconds passed | processor, coordinator | peak, coordinator | peak, all processes |")
        say("|---|---|---|---|---|")
        row("batch from nothing", measured(batch))
        row("the same again", measured(batch))
        rubric = root / "course" / "rubrics" / ASSIGNMENT / f"{EXERCISE}.yaml"
        rubric.write_text(rubric.read_text(encoding="utf-8").replace("atol: 0.01,", "atol: 0.02,"), encoding="utf-8")
        row("regrade", measured(["regrade", *common, "--yes"]))
        found = json.loads((root / "grades" / "results.json").read_text(encoding="utf-8"))["submissions"]
        pending = sum(one["pending"] for one in found)
        say(f"\n{len(found)} submissions, {pending} pending, {sum(one['points'] for one in found):g} points in all")


def people(count: int) -> Iterator[HandIn]:
    """Yield one in four right, the others with one mistake each; every one differs in what it says at its top."""
    mistakes = list(MISTAKES.items())
    for number in range(count):
        about, answers = ("right", {}) if number % 4 == 0 else mistakes[number % len(mistakes)]
        form = f"{EXERCISE}.ipynb" if number % 2 else f"{EXERCISE}.py"
        yield HandIn(f"person{number:04}", about, form, answers, before=f"# {number}\n")


def write_hand_ins(root: Path, count: int) -> None:
    """Write a folder for each of the people."""
    course = load_course(root / "course", KINDS)
    for one in people(count):
        folder = root / "all" / one.person
        folder.mkdir(parents=True)
        for name, content in files_of(one, course).items():
            (folder / name).write_bytes(content)


def measured(arguments: Sequence[str]) -> Usage:
    """Run the command and return what it took. Raises CalledProcessError when it fails."""
    found, start = Usage(), time.perf_counter()
    command = [sys.executable, "-c", "import sys; from grader.cli import main; sys.exit(main())", *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            look(watched, found)
            time.sleep(0.1)
    found.passed_seconds = time.perf_counter() - start
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return found


def look(watched: psutil.Process, found: Usage) -> None:
    """Note what the command takes now."""
    try:
        own = watched.memory_info().rss
        found.own_seconds = sum(watched.cpu_times()[:2])
        others = watched.children(recursive=True)
    except psutil.Error:
        return
    found.own_bytes = max(found.own_bytes, own)
    found.all_bytes = max(found.all_bytes, own + sum(map(resident, others)))


def resident(process: psutil.Process) -> int:
    """Return the resident memory of a process, 0 if it is gone."""
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def row(what: str, usage: Usage) -> None:
    """Print a line of the table."""
    own, every = usage.own_bytes / MEBIBYTE, usage.all_bytes / MEBIBYTE
    say(f"| {what} | {usage.passed_seconds:.1f} | {usage.own_seconds:.1f} s | {own:.0f} MiB | {every:.0f} MiB |")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
