"""What a new student does, on a machine that has nothing but Python: install the program, and check a hand-in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from course_helpers import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from grader.checks import KINDS
from grader.course import load_course
from grader.errors import ExitCode
from grader.release import make_bundle, write_folder

#: Of sheet3/gradient_step, a module of NumPy alone.
EXERCISE = "exercises/sheet3/gradient_step"


def needed(program: Distribution) -> dict[str, Distribution]:
    """Return what is installed here of all that ``program`` says it needs, without extras, by name."""
    found: dict[str, Distribution] = {}
    waiting = [program]
    while waiting:
        for one in map(Requirement, waiting.pop().requires or ()):
            name = canonicalize_name(one.name)
            if name not in found and (one.marker is None or one.marker.evaluate({"extra": ""})):
                found[name] = distribution(name)
                waiting.append(found[name])
    return found


def link(library: Distribution, folder: Path) -> None:
    """Put the files of an installed ``library`` into ``folder``, without copying them where that can be."""
    for file in library.files or ():
        source, place = Path(str(library.locate_file(file))), folder / file
        if ".." in file.parts or not source.is_file():  # a command, or what was compiled
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, place)
        except OSError:
            shutil.copy(source, place)


def called(command: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def done(command: Sequence[str | Path], folder: Path) -> str:
    """Return what a command says that has to succeed."""
    found = called(command, folder)
    assert found.returncode == 0, f"{command}: {found.stdout}{found.stderr}"
    return found.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as it is published, built from what is in the checkout."""
    place, source = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", ".gitignore"):
        shutil.copy(ROOT / name, source / name)
    shutil.copytree(ROOT / "grader", source / "grader", ignore=shutil.ignore_patterns("__pycache__"))
    done([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", place], source)
    (found,) = place.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def machine(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with a virtual environment as its README says. Libraries are those at hand: nothing is fetched."""
    course = load_course(ROOT, KINDS)
    bundle = tmp_path_factory.mktemp("student") / "sheet3"
    made = make_bundle(course, course.assignments["sheet3"], "", f"grader @ {wheel.as_uri()}")
    write_folder(made.files, bundle)
    done([sys.executable, "-m", "venv", "--without-pip", ".venv"], bundle)
    requirements = ["-r", "requirements.txt", "--no-deps", "--no-index", "--no-compile"]
    wanted = (bundle / "requirements.txt").read_text(encoding="utf-8").splitlines()
    (bundle / "requirements.txt").write_text(f"{wanted[0]}\n", encoding="utf-8")  # without PyTorch and matplotlib
    # Putting a pip of its own there takes 7 s.
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python(bundle))]
    done([*pip, "install", *requirements], bundle)
    told = done([python(bundle), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], bundle)
    installed = Path(told.strip())
    (program,) = installed.glob("grader-*.dist-info")
    for one in needed(Distribution.at(program)).values():
        link(one, installed)
    return bundle


def python(bundle: Path) -> Path:
    return bundle / (".venv/Scripts/python.exe" if sys.platform == "win32" else ".venv/bin/python")


def grade(bundle: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    name = ".venv/Scripts/grade.exe" if sys.platform == "win32" else ".venv/bin/grade"
    return called([bundle / name, *arguments], bundle)


def test_the_program_that_runs_is_the_installed_one(machine: Path) -> None:
    found = done([python(machine), "-c", "import grader; print(grader.__file__)"], machine)
    assert Path(found.strip()).is_relative_to(machine / ".venv")


@pytest.mark.parametrize(
    ("hand_in", "status", "told"),
    [
        ("solutions/gradient_step.py", ExitCode.PASSED, "Total: 15 of 15 points"),
        ("wrong/gradient_step/two_mistakes.py", ExitCode.FAILED, "Recognised: bias omitted"),
    ],
)
def test_a_hand_in_is_checked(machine: Path, hand_in: str, status: ExitCode, told: str) -> None:
    shutil.copy(ROOT / "reference/sheet3" / hand_in, machine / EXERCISE / "gradient_step.py")
    found = grade(machine, "check", EXERCISE)
    assert (found.returncode, found.stderr) == (status, "")
    assert told in found.stdout


def test_a_wheel_holds_the_program_and_all_its_files_and_nothing_else(wheel: Path) -> None:
    """Courses' answers least of all."""
    own = [one.relative_to(ROOT) for one in (ROOT / "grader").rglob("*") if one.is_file()]
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {one.as_posix() for one in own if "__pycache__" not in one.parts} - names == set()
    assert {one.partition("/")[0] for one in names} == {"grader", f"{wheel.name.rpartition('-py3')[0]}.dist-info"}
