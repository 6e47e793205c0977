"""Who is measured: how each is given the same notebooks, and how its results are read afterwards.

To prepare and to read is not measured; what is measured are the commands. A contestant whose command line takes many
notebooks at once is given all of them in one command, or one command for each worker: its cheapest way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grader

from . import run_ours
from .meter import Command
from .notebooks import result_of

REPOSITORY = Path(__file__).resolve().parents[2]
FLOOR = "floor: plain exec in a warm fork"
OTTER = "otter run"
NBGRADER = "nbgrader autograde"
NBCONVERT = "jupyter nbconvert --execute"
NBCLIENT = "nbclient, fresh ipykernel each"
_THREAD_POOLS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
_ASSIGNMENT = "sheet"

_OTTER_TEST = """\
OK_FORMAT = True
test = {"name": "check", "points": 1, "suites": [{"cases": [
    {"code": ">>> bool(np.isfinite(result))\\nTrue", "hidden": False, "locked": False}],
    "scored": True, "setup": "", "teardown": "", "type": "doctest"}]}
"""
_NBGRADER_CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "benchmark"
c.CourseDirectory.db_assignments = []
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """The notebooks by name, a folder for them and all else, and how many workers there are."""

    notebooks: Mapping[str, str]
    folder: Path
    workers: int

    def write(self, folder: Path) -> list[Path]:
        """Write the notebooks into ``folder``, made if need be, and return their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{name}.ipynb" for name in self.notebooks]
        for path, text in zip(paths, self.notebooks.values(), strict=True):
            path.write_text(text, encoding="utf-8")
        return paths

    def log(self, name: object = "") -> Path:
        """Return where a command's output goes."""
        return self.folder / f"log{name}"

    def environment(self, python: Path) -> dict[str, str]:
        """Return all variables that a command gets: one BLAS thread, a home of its own, ``python`` first on PATH."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        places = {name: str(home) for name in ("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
        threads = {f"{name}_NUM_THREADS": "1" for name in _THREAD_POOLS}
        fixed = {"LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "PYTHONPATH": "", "TMPDIR": str(self.folder)}
        return {"PATH": os.pathsep.join((str(python.parent), os.defpath))} | places | threads | fixed


@dataclass(frozen=True, slots=True)
class Contestant:
    """``prepare`` gives the commands; ``read`` what each notebook's last cell computed, NaN if it is not told.

    ``missing`` says why it cannot be measured here. ``read`` raises ValueError or OSError when a notebook failed.
    """

    name: str
    version: str
    prepare: Callable[[Batch], list[Command]]
    read: Callable[[Batch], dict[str, float]]
    missing: str = ""
    is_ours: bool = False


def all_contestants(otter: Path, nbgrader: Path, rungs: list[str]) -> list[Contestant]:
    """Return everyone. ``otter`` and ``nbgrader`` are folders of virtual environments; see ``--setup``."""
    own = Path(sys.executable)
    otter_python, nbgrader_python = otter / "bin" / "python", nbgrader / "bin" / "python"
    found = [
        Contestant(FLOOR, _version(own, "torch"), partial(_module, "run_floor", ()), _read_floor),
        _installed(OTTER, otter_python, "otter-grader", _prepare_otter, _read_otter),
        _installed(NBGRADER, nbgrader_python, "nbgrader", _prepare_nbgrader, _read_nbgrader),
        _installed(NBCONVERT, nbgrader_python, "nbconvert", _prepare_nbconvert, _read_notebooks),
        _installed(NBCLIENT, own, "nbclient", _prepare_nbclient, _read_notebooks),
    ]
    return found + [_ours(rung, runner) for rung in rungs for runner in ("nbclient", "")]


def _installed(
    name: str,
    python: Path,
    package: str,
    prepare: Callable[[Path, Batch], list[Command]],
    read: Callable[[Batch], dict[str, float]],
) -> Contestant:
    version = _version(python, package)
    missing = "" if version else f"not installed ({package} in {python.parent.parent})"
    return Contestant(name, version, partial(prepare, python), read, missing)


def _ours(rung: str, runner: str) -> Contestant:
    name = f"ours: {runner or 'default'} runner, {rung}"
    prepare = partial(_module, "run_ours", (rung, runner) if runner else (rung,))
    return Contestant(name, grader.__version__, prepare, _read_own, run_ours.unavailable(rung), True)


def _version(python: Path, package: str) -> str:
    """Return the version of ``package`` for the interpreter ``python``, empty if it is not there."""
    program = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
    if not python.exists():
        return ""
    done = subprocess.run([str(python), "-c", program, package], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _lanes(paths: list[Path], workers: int) -> list[list[Path]]:
    return [paths[start::workers] for start in range(min(workers, len(paths)))]


def _module(name: str, arguments: tuple[str, ...], batch: Batch) -> list[Command]:
    """Return the one command that runs a module of this folder on the batch."""
    batch.write(batch.folder / "notebooks")
    command = (sys.executable, "-m", f"tests.benchmarks.{name}", str(batch.folder / "notebooks"), str(batch.workers))
    environment = batch.environment(Path(sys.executable)) | {"PYTHONPATH": str(REPOSITORY)}
    return [Command(command + arguments, batch.folder, environment, batch.log())]


def _read_own(batch: Batch) -> dict[str, float]:
    found = json.loads(batch.log().read_text(encoding="utf-8").splitlines()[-1])
    return {str(name): float(value) for name, value in found.items()}


def _read_floor(batch: Batch) -> dict[str, float]:
    found = json.loads(batch.log().read_text(encoding="utf-8").splitlines()[-1])
    return {str(name): float(value) for name, (value, _) in found.items()}


def floor_seconds(batch: Batch) -> float:
    """Return the CPU seconds of the cells themselves, after the floor has run."""
    found = json.loads(batch.log().read_text(encoding="utf-8").splitlines()[-1])
    return float(sum(seconds for _, seconds in found.values()))


def _prepare_nbclient(python: Path, batch: Batch) -> list[Command]:
    script = str(Path(__file__).with_name("run_nbclient.py"))
    return _on_many(python, batch, (str(python), script))


def _prepare_nbconvert(python: Path, batch: Batch) -> list[Command]:
    program = str(python.with_name("jupyter"))
    return _on_many(python, batch, (program, "nbconvert", "--execute", "--to", "notebook", "--inplace"))


def _on_many(python: Path, batch: Batch, start: tuple[str, ...]) -> list[Command]:
    """Return one command for each worker, its share of the notebooks as arguments."""
    lanes = _lanes(batch.write(batch.folder / "notebooks"), batch.workers)
    environment = batch.environment(python)
    return [
        Command((*start, *map(str, paths)), batch.folder, environment, batch.log(number))
        for number, paths in enumerate(lanes)
    ]


def _read_notebooks(batch: Batch) -> dict[str, float]:
    return {path.stem: _result(path) for path in sorted((batch.folder / "notebooks").glob("*.ipynb"))}


def _result(path: Path) -> float:
    return result_of(path.read_text(encoding="utf-8"))


def _prepare_otter(python: Path, batch: Batch) -> list[Command]:
    """One ``otter run`` for each notebook: it takes one."""
    (batch.folder / "tests").mkdir()
    (batch.folder / "tests" / "check.py").write_text(_OTTER_TEST, encoding="utf-8")
    otter, environment = str(python.with_name("otter")), batch.environment(python)
    generate = [otter, "generate", "-t", "tests", "-o", "autograder.zip"]
    _prepare_by(generate, batch.folder, environment)
    commands = []
    for path in batch.write(batch.folder / "notebooks"):
        out = batch.folder / "out" / path.stem
        out.mkdir(parents=True)
        arguments = (otter, "run", "--no-logo", "-a", "autograder.zip", "-o", str(out), str(path))
        commands.append(Command(arguments, batch.folder, environment, batch.log(path.stem)))
    return commands


def _read_otter(batch: Batch) -> dict[str, float]:
    for name in batch.notebooks:
        tests = json.loads((batch.folder / "out" / name / "results.json").read_text(encoding="utf-8"))["tests"]
        if sum(test.get("score", 0.0) for test in tests) != 1.0:
            raise ValueError(f"{name}: otter gave {tests}")
    return dict.fromkeys(batch.notebooks, float("nan"))


def _prepare_nbgrader(python: Path, batch: Batch) -> list[Command]:
    """One ``nbgrader autograde`` for each worker, each with a course folder and database of its own."""
    lanes = _lanes(batch.write(batch.folder / "notebooks"), batch.workers)
    nbgrader, environment = str(python.with_name("nbgrader")), batch.environment(python)
    commands = []
    for number, paths in enumerate(lanes):
        course = batch.folder / f"course{number}"
        places = [course / "source" / _ASSIGNMENT, *(course / "submitted" / p.stem / _ASSIGNMENT for p in paths)]
        for place, path in zip(places, [paths[0], *paths], strict=True):
            place.mkdir(parents=True)
            (place / "work.ipynb").write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
        (course / "nbgrader_config.py").write_text(_NBGRADER_CONFIG, encoding="utf-8")
        _prepare_by([nbgrader, "generate_assignment", _ASSIGNMENT], course, environment)
        commands.append(Command((nbgrader, "autograde", _ASSIGNMENT), course, environment, batch.log(number)))
    return commands


def _read_nbgrader(batch: Batch) -> dict[str, float]:
    done = sorted(batch.folder.glob(f"course*/autograded/*/{_ASSIGNMENT}/work.ipynb"))
    return {path.parent.parent.name: _result(path) for path in done}


def _prepare_by(arguments: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    """Run a command that only prepares. Raises RuntimeError with its output if it fails."""
    done = subprocess.run(arguments, cwd=folder, env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments[:2])} failed:\n{done.stdout[-800:]}{done.stderr[-800:]}")
