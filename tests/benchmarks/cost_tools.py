"""Compare what counters of multiply-accumulates say, ours and others': networks with known figures, and small cases.

    pip install -e ".[bench]"
    python -m tests.benchmarks.cost_tools --rounds 3 > COST.md

Prints three tables: published networks, cases that are worked out by hand (tests/cost_cases.py), and what it takes to
analyse VGG16, each tool in a process of its own, every second round backwards. A tool that is not installed is left
out and named. Exits with 1 if one figure of ours is wrong.

Each tool is used as its documentation shows, on a model with weights, in evaluation mode. Where a tool says FLOPs and
means multiply-accumulates (fvcore), its number is taken as it is; where it counts both operations (torch), half of it.
A deviation marked b is exactly the additions of biases: another convention, and no mistake. Others are in bold.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import json
import logging
import platform
import shlex
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module, metadata
from pathlib import Path
from statistics import median
from typing import Any

import torch

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests"))

from cost_cases import CASES, Case, Input  # noqa: E402 - they lie beside the tests
from cost_models import BY_TITLE, PUBLISHED  # noqa: E402

from grader.cost import analyse  # noqa: E402

Counter = Callable[[Callable[[], Any], Sequence[Input]], float]
OURS = "grade cost"
_MEBIBYTE = 1024**2


# The tools


def _tensors(inputs: Sequence[Input]) -> tuple[torch.Tensor, ...]:
    return tuple(_tensor(one) for one in inputs)


def _tensor(one: Any) -> torch.Tensor:
    shape, dtype = one if isinstance(one[-1], str) else (one, "float32")
    return torch.zeros(shape, dtype=getattr(torch, dtype))


def _ours(make: Callable[[], Any], inputs: Sequence[Input]) -> float:
    return analyse(make, inputs).macs


def _flop_counter(make: Callable[[], Any], inputs: Sequence[Input]) -> float:
    counting = import_module("torch.utils.flop_counter").FlopCounterMode(display=False)
    model, given = make().eval(), _tensors(inputs)
    with counting:
        model(*given)
    return float(counting.get_total_flops() / 2)


def _flop_counter_meta(make: Callable[[], Any], inputs: Sequence[Input]) -> float:
    with torch.device("meta"):
        return _flop_counter(make, inputs)


def _torchinfo(make: Callable[[], Any], inputs: Sequence[Input]) -> float:
    found = import_module("torchinfo").summary(make(), input_data=_tensors(inputs), verbose=0)
    return float(found.total_mult_adds)


def _fvcore(make: Callable[[], Any], inputs: Sequence[Input]) -> float:
    found = import_module("fvcore.nn").FlopCountAnalysis(make().eval(), _tensors(inputs))
    return float(found.unsupported_ops_warnings(enabled=False).total())


def _ptflops(backend: str) -> Counter:
    def count(make: Callable[[], Any], inputs: Sequence[Input]) -> float:
        given = _tensors(inputs)
        macs, _ = import_module("ptflops").get_model_complexity_info(
            _Whole(make().eval()),
            tuple(given[0].shape),
            input_constructor=lambda _: {"given": given},
            as_strings=False,
            print_per_layer_stat=False,
            backend=backend,
        )
        return float(macs)

    return count


class _Whole(torch.nn.Module):
    """A network in another one: ptflops fails on a single layer, and gives inputs by name."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, given: Sequence[torch.Tensor]) -> Any:
        return self.inner(*given)


def _thop(make: Callable[[], Any], inputs: Sequence[Input]) -> float:
    return float(import_module("thop").profile(make().eval(), inputs=_tensors(inputs), verbose=False)[0])


#: Name, distribution, function.
TOOLS: tuple[tuple[str, str, Counter], ...] = (
    (OURS, "grader", _ours),
    ("torch flop_counter / 2", "torch", _flop_counter),
    ("the same, meta device", "torch", _flop_counter_meta),
    ("torchinfo", "torchinfo", _torchinfo),
    ("fvcore", "fvcore", _fvcore),
    ("ptflops", "ptflops", _ptflops("pytorch")),
    ("ptflops, aten", "ptflops", _ptflops("aten")),
    ("thop", "thop", _thop),
)


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            with contextlib.redirect_stderr(io.StringIO()):
                yield
    finally:
        logging.disable(logging.NOTSET)


def _counted(tool: Counter, make: Callable[[], Any], inputs: Sequence[Input]) -> float | None:
    """Return what the tool says, None if it fails."""
    try:
        with _quiet():
            return tool(make, inputs)
    except Exception:  # noqa: BLE001 - whatever a tool raises; it is a result
        return None
    finally:
        gc.collect()


def _deviation(found: float | None, expected: float, additions: float = 0) -> str:
    """Return a cell: how far ``found`` is from ``expected``, and whether that is the ``additions`` of biases."""
    if found is None:
        return "**fails**"
    if found == expected:
        return "✓"
    if expected == 0:
        return f"**{found:,.0f}, not 0**"
    percent = 100 * (found / expected - 1)
    shown = f"{percent:+.3g} %" if abs(percent) < 100 else f"{percent:+.0f} %"
    return f"{shown} b" if found == expected + additions else f"**{shown}**"


# The tables


def _header(first: Iterable[str], tools: Iterable[tuple[str, str, Counter]]) -> list[str]:
    cells = [*first, *(name for name, _, _ in tools)]
    return [f"| {' | '.join(cells)} |", "|---" + "|---:" * (len(cells) - 1) + "|"]


def published_table(tools: Sequence[tuple[str, str, Counter]]) -> tuple[str, int]:
    """Return the table of published networks, and how many of our figures are wrong."""
    lines, wrong = _header(("", "parameters", "ours", "MACs"), tools), 0
    for one in PUBLISHED:
        ours = analyse(one.make, [one.shape])
        parameters = ours.parameters + one.statistics  # Keras counts running statistics, torch does not
        wrong += parameters != one.parameters or not one.agrees(ours.macs)
        exact, shown, cell = one.macs, f"{one.macs:,}", _deviation(ours.macs, one.macs)
        if one.decimals is not None:  # a rounded figure; others are compared with ours, which rounds to it
            exact, shown = ours.macs, f"{one.macs / 1e9:.{one.decimals}f} · 10⁹"
            cell = f"{ours.macs:,}{' ✓' if one.agrees(ours.macs) else ' **rounds to another**'}"
        additions = ours.conventions["with_bias"] - ours.macs
        others = [_deviation(_counted(tool, one.make, [one.shape]), exact, additions) for _, _, tool in tools[1:]]
        parts = (one.title, f"{one.parameters:,}", _deviation(parameters, one.parameters), shown, cell, *others)
        lines.append(f"| {' | '.join(parts)} |")
    return "\n".join(lines), wrong


def cases_table(tools: Sequence[tuple[str, str, Counter]], cases: Sequence[Case] = CASES) -> tuple[str, int]:
    """Return the table of cases, with last rows of how many are right, and how many of ours are not."""
    lines = _header(("", "MACs"), tools)
    right, nearly = [0] * len(tools), [0] * len(tools)
    for case in cases:
        found = [_counted(tool, case.make, case.inputs) for _, _, tool in tools]
        for place, one in enumerate(found):
            right[place] += one == case.macs
            nearly[place] += one in {case.macs, case.macs + case.additions}
        cells = [_deviation(one, case.macs, case.additions) for one in found]
        lines.append(f"| {' | '.join((case.title, f'{case.macs:,}', *cells))} |")
    lines.append(f"| right, of {len(cases)} | | {' | '.join(map(str, right))} |")
    lines.append(f"| right, biases counted or not | | {' | '.join(map(str, nearly))} |")
    return "\n".join(lines), len(cases) - right[0]


# Time and memory


def _memory(field: str) -> int:
    """Return bytes of this process: ``VmRSS`` now, ``VmHWM`` at its peak (getrusage inherits its parent's)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    return 0


def measure(name: str, title: str) -> dict[str, float]:
    """Return what it takes to build and analyse a network once, imports and a first small network not included."""
    (tool,) = (tool for named, _, tool in TOOLS if named == name)
    one, small = BY_TITLE[title], BY_TITLE["CNN of sheet 3"]
    with _quiet():
        tool(small.make, [small.shape])
        before, started = _memory("VmRSS"), time.perf_counter()
        macs = tool(one.make, [one.shape])
        seconds = time.perf_counter() - started
    return {"seconds": seconds, "peak": _memory("VmHWM"), "before": before, "macs": macs}


def speed_table(tools: Sequence[tuple[str, str, Counter]], title: str, rounds: int) -> str:
    """Return the table of medians, each measurement in a process of its own."""
    names = [name for name, _, _ in tools]
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names[:: -1 if number % 2 else 1]:
            command = [sys.executable, "-m", "tests.benchmarks.cost_tools", "--measure", name, "--network", title]
            done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                samples[name].append(json.loads(done.stdout.splitlines()[-1]))
    lines = [
        f"| {title} | seconds | (min-max) | times ours | peak MiB | beyond imports |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    ours = median(one["seconds"] for one in samples[OURS])
    for name, found in samples.items():
        if not found:
            lines.append(f"| {name} | **fails** | | | | |")
            continue
        times = [one["seconds"] for one in found]
        peak = median(one["peak"] for one in found)
        beyond = median(one["peak"] - one["before"] for one in found)
        cells = (
            f"{median(times):.2f}",
            f"{min(times):.2f}-{max(times):.2f}",
            f"{median(times) / ours:.1f}",
            f"{peak / _MEBIBYTE:,.0f}",
            f"{beyond / _MEBIBYTE:,.0f}",
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables. Returns 1 if a figure of ours is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="of the measurement of time and memory; 0 leaves it out")
    parser.add_argument("--network", default="VGG16", choices=sorted(BY_TITLE), help="that is measured")
    parser.add_argument("--measure", metavar="TOOL", help="measure one tool in this process, and print JSON")
    wanted = parser.parse_args(arguments)
    if wanted.measure:
        print(json.dumps(measure(wanted.measure, wanted.network)))  # noqa: T201 - its output is the result
        return 0
    tools = [one for one in TOOLS if _version(one[1])]
    missing = sorted({one for _, one, _ in TOOLS if not _version(one)})
    versions = ", ".join(dict.fromkeys(f"{one} {_version(one)}" for _, one, _ in tools))
    published, wrong_figures = published_table(tools)
    cases, wrong_cases = cases_table(tools)
    parts = [
        f"`{shlex.join(['python', '-m', 'tests.benchmarks.cost_tools', *sys.argv[1:]])}`",
        f"Python {platform.python_version()}, {versions}.",
        *([f"Not installed, so left out: {', '.join(missing)}."] if missing else []),
        f"## Published networks\n\n{published}",
        f"## Cases\n\n{cases}",
    ]
    if wanted.rounds:
        table = speed_table(tools, wanted.network, wanted.rounds)
        parts.append(f"## Time and memory\n\nMedians of {wanted.rounds} rounds.\n\n{table}")
    print("\n\n".join(parts))  # noqa: T201 - likewise
    return 1 if wrong_figures or wrong_cases else 0


if __name__ == "__main__":
    sys.exit(main())
