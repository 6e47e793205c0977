"""How long `grade check` takes, beside what importing NumPy takes in the same minute.

Run by hand: ``python -m tests.benchmarks.checking [--repeat 5]``.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
_GRADE = "import sys; from grader.cli import main; main()"


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "gradient_step.py"
        work.write_bytes((ROOT / "reference/sheet3/solutions/gradient_step.py").read_bytes())
        check = [sys.executable, "-c", _GRADE, "check", str(work), "--course", str(ROOT)]
        numpy = [sys.executable, "-c", "import numpy"]
        seconds(check)  # compiles what was not yet
        pairs = [(seconds(numpy), seconds(check)) for _ in range(repeat)]
    for at, what in enumerate(("passed", "of processor time, with all child processes")):
        base, found = (statistics.median(pair[which][at] for pair in pairs) for which in (0, 1))
        say(f"import numpy {base:.2f} s, grade check gradient_step.py {found:.2f} s {what}: {found / base:.1f} times")


def seconds(command: Sequence[str]) -> tuple[float, float]:
    """Return the seconds that passed, and those of processor time of the command and all that it started."""
    before, start = _children_seconds(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start, _children_seconds() - before


def _children_seconds() -> float:
    times = psutil.Process().cpu_times()
    return times.children_user + times.children_system


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
