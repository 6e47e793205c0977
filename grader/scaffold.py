"""Writing the files of a new course or exercise: a small example that works, to be changed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from grader.course.finding import COURSE_FILE
from grader.errors import UsageError
from grader.yamlfile import read_yaml

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")

_TASK = """\
# Two rectangles

A rectangle has the sides `a` and `b`. Compute

- `area`: its area;
- `double_area`: the area of two such rectangles together.

Fill in the names in the notebook or in the module, and hand in one of the two.
"""

_REFERENCE = '''\
"""Areas of rectangles: an example of a reference. What is true stands here, and only here."""

from grader import given, misconception, quantity


@given
def a():
    return 3.0


@given
def b():
    return 4.5


@quantity
def area(a, b):
    """Area of one rectangle."""
    return a * b


@quantity
def double_area(area):
    """Area of two rectangles."""
    return 2 * area


@misconception("area", "That is the perimeter: the area is the product of the sides.")
def perimeter(a, b):
    return 2 * (a + b)


@misconception("double_area", "Doubling both sides makes the area four times as large.")
def both_sides_doubled(area):
    return 4 * area
'''

_RUBRIC = """\
title: Two rectangles
criteria:
  - title: Areas
    points: 3
    checks:
      - {value: area, points: 2, atol: 1.0e-6}
      - {value: double_area, points: 1, atol: 1.0e-6}
"""

_SETTINGS = """\
title: Two rectangles
files: [{name}.ipynb, {name}.py]   # names to hand in under, the preferred one first
starters: [{name}.ipynb, {name}.py]
task: task.md
timeout_seconds: 30
memory_mb: 1024
"""

_GIVEN = "a = 3.0\nb = 4.5"
_BLANKS = "area = None\ndouble_area = None"


#: For each place that can test a course at every push: where it looks, and the file of ours that is copied there.
CI_FILES = {
    "github": (".github/workflows/course.yml", "course.github.yml"),
    "gitlab": (".gitlab-ci.yml", "course.gitlab.yml"),
}


def new_course(folder: Path, title: str, ci: str = "") -> list[Path]:
    """Write a course with one example exercise into ``folder`` and return the files written.

    ``ci`` is empty, or one of :data:`CI_FILES`: then what tests the course there is written, too.
    Raises UsageError when the folder holds a course already.
    """
    if (folder / COURSE_FILE).exists():
        raise UsageError(f"{folder / COURSE_FILE}: there is a course here already; choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    quoted = title.replace("'", "''")
    text = f"title: '{quoted}'\nassignments:\n  sheet1:\n    title: Sheet 1\n    exercises: [rectangles]\n"
    _write(folder / COURSE_FILE, text)
    written = [folder / COURSE_FILE, *_write_exercise(folder, "sheet1", "rectangles")]
    if ci:
        place, name = CI_FILES[ci]
        _write(folder / place, (Path(__file__).parent / "docs" / "ci" / name).read_text(encoding="utf-8"))
        written.append(folder / place)
    return written


def new_exercise(root: Path, name: str) -> list[Path]:
    """Write the example exercise as ``assignment/exercise`` into the course at ``root``; return the files written.

    Raises UsageError for a name of another form, one that is taken, or a course.yaml that has no clear place for it,
    and CourseError for a course.yaml that is no YAML. Nothing is written then.
    """
    assignment, _, exercise = name.partition("/")
    if not (_NAME.fullmatch(assignment) and _NAME.fullmatch(exercise)):
        raise UsageError(f"{name!r}: expected ASSIGNMENT/EXERCISE, each of letters, digits, _ and -")
    taken = [path for path in _paths(root, assignment, exercise) if path.exists()]
    if taken:
        raise UsageError(f"{taken[0]}: exists already; choose another name")
    course_file = root / COURSE_FILE
    listed = _listed(read_yaml(course_file).data, assignment)
    text = course_file.read_text(encoding="utf-8")
    if exercise not in listed:
        text = _with_exercise(text, assignment, exercise)
        if _reread(text, assignment) != [*listed, exercise]:
            raise UsageError(
                f"{course_file}: found no clear place for {exercise!r} under `assignments`, {assignment!r}, "
                "`exercises`; add it there by hand, then repeat this command"
            )
    written = _write_exercise(root, assignment, exercise)
    _write(course_file, text)
    return [*written, course_file]


def _listed(data: Any, assignment: str) -> list[Any]:
    """Return the exercises of an assignment in the data of course.yaml; none where the data are of another form."""
    for key in ("assignments", assignment, "exercises"):
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, list) else []


def _reread(text: str, assignment: str) -> list[Any]:
    try:
        return _listed(yaml.safe_load(text), assignment)
    except yaml.YAMLError:
        return []


def _with_exercise(text: str, assignment: str, exercise: str) -> str:
    """Return course.yaml with the exercise added in its assignment, or a text that lacks it where no place is found.

    Works on the text, so that comments and layout stay.
    """
    block = re.search(r"(?m)^assignments:[ \t]*(#.*)?$", text)
    begin = block.end() if block else len(text)
    after = re.compile(r"(?m)^(#.*\n|[ \t]*\n)*[^\s#]").search(text, begin)
    limit = after.start() if after else len(text)
    start = re.compile(rf"(?m)^  {re.escape(assignment)}:[ \t]*(#.*)?$").search(text, begin, limit)
    if start is None:
        head, tail = text[:limit].rstrip(), text[limit:]
        return f"{head}\n  {assignment}:\n    title: {assignment}\n    exercises: [{exercise}]\n{tail}"
    following = re.compile(r"(?m)^ {0,2}[^\s#]").search(text, start.end())
    end = following.start() if following else len(text)
    flow = re.compile(r"(exercises:\s*\[[^\]]*?),?(\s*\])").search(text, start.end(), end)
    if flow:
        return f"{text[: flow.start()]}{flow[1]}, {exercise}{flow[2]}{text[flow.end() :]}"
    items = list(re.compile(r"(?m)^( +)- +[\w-]+[ \t]*(#.*)?$\n?").finditer(text, start.end(), end))
    if items:
        last = items[-1]
        return f"{text[: last.end()].rstrip(chr(10))}\n{last[1]}- {exercise}\n{text[last.end() :]}"
    return text


def _paths(root: Path, assignment: str, exercise: str) -> tuple[Path, Path, Path]:
    return (
        root / "exercises" / assignment / exercise,
        root / "reference" / assignment / f"{exercise}.py",
        root / "rubrics" / assignment / f"{exercise}.yaml",
    )


def _write_exercise(root: Path, assignment: str, exercise: str) -> list[Path]:
    folder, reference, rubric = _paths(root, assignment, exercise)
    module = f'"""Starter: fill in what is None."""\n\n# --- given ---\n{_GIVEN}\n# --- end of given ---\n\n{_BLANKS}\n'
    texts = {
        folder / "exercise.yaml": _SETTINGS.format(name=exercise),
        folder / "task.md": _TASK,
        folder / f"{exercise}.py": module,
        folder / f"{exercise}.ipynb": _starter_notebook(),
        reference: _REFERENCE,
        rubric: _RUBRIC,
    }
    for path, text in texts.items():
        _write(path, text)
    return list(texts)


def _starter_notebook() -> str:
    cells = [
        {"cell_type": "markdown", "id": "task", "metadata": {}, "source": _TASK},
        _code_cell("given", _GIVEN, {"tags": ["given"]}),
        _code_cell("answers", _BLANKS, {}),
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def _code_cell(identifier: str, source: str, metadata: dict[str, object]) -> dict[str, object]:
    code: dict[str, object] = {"cell_type": "code", "execution_count": None, "outputs": []}
    return {**code, "id": identifier, "metadata": metadata, "source": source}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
