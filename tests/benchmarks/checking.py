"""How long `grade check` takes, beside what importing NumPy takes in the same minute, and checking again with --watch.

Run by hand: ``python -m tests.benchmarks.checking [--repeat 5]``.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console

from grader.cli.asked import Asked
from grader.cli.watching import Watch
from grader.engines import LocalPool
from grader.execution import environment
from grader.pipeline import Workplace
from grader.sandbox import make_sandbox, strongest_rung
from grader.store import Memory

#: Between a save and the next check: long enough for the next process to have imported torch.
PAUSE_SECONDS = 8.0
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
    for rung in (strongest_rung(), "selfcheck"):
        watched(rung, ROOT / "reference/microcontrollers/solutions/pytorch_network.ipynb", repeat)


def watched(rung: str, notebook: Path, repeat: int) -> None:
    """Print how long the first check of a notebook takes, and then one after each change of it."""
    text = json.loads(notebook.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder, closing(make_sandbox(rung, "again")) as sandbox:
        place = Workplace(LocalPool(sandbox, 1), rung, environment(), Memory())
        work = Path(folder) / notebook.name
        asked = Asked(ROOT, work)
        watch = Watch(Console(file=io.StringIO()), asked, place, lambda _: None)
        passed = [_saved_and_checked(watch, work, text, number) for number in range(repeat + 1)]
        assert watch.last is not None
        own = watch.last.batch.reports[0].exercises[0].seconds
    again = statistics.median(passed[1:])
    say(f"{notebook.name} at {rung}: first {passed[0]:.2f} s, again {again:.2f} s, of which its own code {own:.2f} s")


def _saved_and_checked(watch: Watch, work: Path, text: dict[str, Any], number: int) -> float:
    """Return the seconds that checking takes after a change that is none to the result."""
    text["cells"].append({**text["cells"][-1], "cell_type": "markdown", "id": f"n{number}", "source": str(number)})
    code = next(cell for cell in text["cells"] if cell["cell_type"] == "code")
    code["source"] = "".join(code["source"]) + f"\n# {number}"
    work.write_text(json.dumps(text), encoding="utf-8")
    if watch.last is not None:
        watch.look()  # the change is seen
        time.sleep(PAUSE_SECONDS)
    start = time.perf_counter()
    watch.look()  # it is at rest, and checked
    return time.perf_counter() - start


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
