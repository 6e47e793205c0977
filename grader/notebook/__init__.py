"""``%load_ext grader``: checking from inside a notebook.

The notebook's kernel only says what is bound to the names of an exercise, as plain data. Reading the course and
judging happen in another process, so that no answer is ever where student code runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grader.errors import UsageError
from grader.sandbox.inside import encode, frames

#: For reading the course and judging, on a slow machine.
SECONDS = 120.0


class Shown:
    """A result, as a notebook shows it: ``text`` and ``html``, with ``points`` of ``max_points``."""

    def __init__(self, text: str, html: str = "", points: float = 0.0, max_points: float = 0.0) -> None:
        self.text, self.html, self.points, self.max_points = text, html, points, max_points

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str | None:
        return self.html or None


def check(
    exercise: str = "",
    *,
    fresh: bool = False,
    person: str = "",
    course: str = "",
    names: Mapping[str, Any] | None = None,
) -> Shown:
    """Return how the exercise stands: what the kernel holds now, or, if ``fresh``, what the saved notebook gives.

    Without ``exercise`` the notebook's name tells. ``person`` and ``course`` are as for ``grade check``; ``names``
    holds the variables (default: the notebook's own). Raises UsageError where it is not clear what is meant.
    """
    if fresh:
        return _fresh(exercise, person, course)
    found = dict(_user_names() if names is None else names)
    asked = [course, exercise, _notebook_name(), person or Path.cwd().name]
    line = [sys.executable, "-m", "grader.notebook.judge", *asked]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said) as process,
    ):
        try:
            return _asked(process, found)
        except EOFError:
            said.seek(0)
            reason = said.read().decode("utf-8", "replace").strip()[-2000:]
            raise UsageError(f"checking failed: {reason or 'the process that judges ended'}") from None
        finally:
            process.kill()


def _asked(process: subprocess.Popen[bytes], names: dict[str, Any]) -> Shown:
    assert process.stdin is not None  # noqa: S101 - PIPE was asked for
    assert process.stdout is not None  # noqa: S101
    request = _answer(process.stdout.readline())
    framed = [frames.pack_raw(*encode.answer(names, name, "", request["max_bytes"])) for name in request["names"]]
    out, _ = process.communicate(b"".join(framed), timeout=SECONDS)
    result = _answer(out)
    return Shown(result["text"], result["html"], result["points"], result["max_points"])


def _answer(line: bytes) -> dict[str, Any]:
    """Return an answer of the judging process. Raises UsageError with what it says instead, EOFError for nothing."""
    if not line:
        raise EOFError
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        raise UsageError(str(answer["error"]))
    return answer


def _fresh(exercise: str, person: str, course: str) -> Shown:
    name = _notebook_name() or (f"{exercise.rpartition('/')[2]}.ipynb" if exercise else "")
    path = _notebook_folder() / name
    if not name or not path.is_file():
        raise UsageError(f"{name or 'this notebook'}: no such file in {path.parent}; save it, or name the exercise")
    line = [sys.executable, "-c", "from grader.cli import main; main()", "check", str(path)]
    assignment, _, plain = exercise.rpartition("/")
    asked = {"--exercise": plain, "--assignment": assignment, "--person": person, "--course": course}
    line += [word for option, value in asked.items() if value for word in (option, value)]
    environment = {**os.environ, "COLUMNS": "88", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(line, capture_output=True, env=environment, check=False)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    return Shown(f"{said.rstrip()}\nA fresh run of {path.name}, as it was saved last.")


def _notebook_path() -> str:
    """Return the notebook's path, as far as the program that shows it tells: VS Code and Jupyter do."""
    return str(_user_names().get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME") or "")


def _notebook_name() -> str:
    name = Path(_notebook_path()).name
    return name if name.endswith(".ipynb") else ""


def _notebook_folder() -> Path:
    path = Path(_notebook_path())
    return path.parent if _notebook_name() and path.is_absolute() else Path.cwd()


def _user_names() -> Mapping[str, Any]:
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module else None
    return shell.user_ns if shell is not None else {}


def load(shell: Any) -> None:
    """Give IPython's ``shell`` the magic ``%grade``."""
    shell.register_magic_function(magic, "line", "grade")


def magic(line: str) -> Shown | None:
    """Check the exercise named, or the one that the notebook's name tells: ``%grade [EXERCISE] [--fresh]``."""
    try:
        return check(*_words(line), fresh="--fresh" in line.split())
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return None


def _words(line: str) -> list[str]:
    """Return the exercise in a magic's line, if there is one. Raises UsageError for anything else but an option."""
    names = [word for word in line.split() if word != "--fresh"]
    if len(names) > 1 or any(name.startswith("-") for name in names):
        raise UsageError(f"%grade {line.strip()}: write `%grade`, `%grade EXERCISE` or `%grade EXERCISE --fresh`")
    return names


__all__ = ["Shown", "check", "load"]
