"""Writing the demonstration: its course, and the hand-ins of its class.

The course is a copy of the shipped exercise with personal numbers switched on, so that everybody has their own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from grader.checks import KINDS
from grader.course import Course, load_course
from grader.course.finding import COURSE_FILE
from grader.demo.people import EXERCISE, MODULE, NOTEBOOK, RIGHT, HandIn, hand_ins
from grader.errors import UsageError
from grader.reference import Evaluation
from grader.starters import with_given

ASSIGNMENT = "sheet3"
#: Noon; times of Moodle's worksheet are in the time zone.
DEADLINE = datetime.fromisoformat("2026-05-03T12:00:00+02:00")
LATE = {"Sven Laut": timedelta(minutes=10), "Rita Schleife": timedelta(hours=30)}
_COURSE = f"""\
title: Demonstration
key: demonstration
time_zone: Europe/Berlin
late: {{grace: 15 min, linear: {{every: 1 day, percent: 10}}}}
assignments:
  {ASSIGNMENT}:
    title: Sheet 3
    deadline: {DEADLINE.isoformat()}
    personal: true
    exercises: [{EXERCISE}]
"""
_MARKER = "Written by `grade demo`; it may be deleted or written anew at any time.\n"


def write_demo(output: Path, source: Path) -> tuple[Path, Path]:
    """Write the course and the hand-ins below ``output``; return the folders of both.

    ``source`` is the course to take the exercise from. Raises UsageError when ``output`` holds something else, or
    ``source`` has no such exercise.
    """
    marker = output / "README.txt"
    if output.exists() and any(output.iterdir()) and not _is_demo(marker):
        raise UsageError(f"{output}: exists and was not written by `grade demo`; choose another --output")
    course_root, folder = output / "course", output / "hand-ins"
    for old in (course_root, folder):
        shutil.rmtree(old, ignore_errors=True)
    about = [f"{one.person}: {one.about}\n" for one in hand_ins()]
    _write(marker, "".join([_MARKER, "\n", *about]).encode())
    copy_course(source, course_root)
    course = load_course(course_root, KINDS)
    for one, moment in received():
        (folder / one.person).mkdir(parents=True)
        for name, content in files_of(one, course).items():
            _write(folder / one.person / name, content)
            os.utime(folder / one.person / name, (moment.timestamp(), moment.timestamp()))
    return course_root, folder


def received() -> list[tuple[HandIn, datetime]]:
    """Return the class in the order of its names, with when each of them handed in."""
    people = sorted(hand_ins(), key=lambda one: one.person)
    return [(one, DEADLINE + LATE.get(one.person, -_ahead(place))) for place, one in enumerate(people)]


def _ahead(place: int) -> timedelta:
    return timedelta(hours=7 * place % 50 + 1, minutes=7 * place % 60)


def _is_demo(marker: Path) -> bool:
    return marker.is_file() and marker.read_bytes().startswith(_MARKER.encode())


def copy_course(source: Path, target: Path) -> None:
    """Copy the one exercise, and switch personal numbers on. Raises UsageError when ``source`` does not have it."""
    if not (source / "exercises" / ASSIGNMENT / EXERCISE).is_dir():
        raise UsageError(f"{source}: has no exercise {ASSIGNMENT}/{EXERCISE}, which the demonstration uses")
    for part in (f"exercises/{ASSIGNMENT}/{EXERCISE}", f"reference/{ASSIGNMENT}", f"rubrics/{ASSIGNMENT}"):
        shutil.copytree(source / part, target / part, ignore=shutil.ignore_patterns("__pycache__"))
    _write(target / COURSE_FILE, _COURSE.encode())


def files_of(one: HandIn, course: Course, keys: Mapping[str, str] | None = None) -> dict[str, bytes]:
    """Return what was handed in, by name. ``keys`` say what people's numbers hang on, their names where it does not."""
    if one.files is not None:
        return dict(one.files)
    exercise = course.assignment(ASSIGNMENT).exercise(EXERCISE)
    person = one.numbers_of or one.person
    whose = unicodedata.normalize("NFC", (keys or {}).get(person, person))
    truth = Evaluation(exercise.reference, course.seed(course.assignment(ASSIGNMENT), whose))
    given = {name: truth.value(name) for name in exercise.reference.givens}
    starters = {path.name: with_given(path.name, path.read_text(encoding="utf-8"), given) for path in exercise.starters}
    made = {one.form: _filled(one, starters[one.form]).encode()}
    if "starter notebook untouched" in one.about:
        made[NOTEBOOK] = starters[NOTEBOOK].encode()
    return made


def _filled(one: HandIn, starter: str) -> str:
    """Return the starter with the answers written in the place of every None."""
    answers = {**RIGHT, **one.answers}
    if one.form == MODULE:
        return one.before + _answered(starter, answers)
    notebook = json.loads(starter)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["source"] = _answered("".join(cell["source"]), answers)
    if one.before:
        middle = next(i for i, cell in enumerate(notebook["cells"]) if "grad_y_hat =" in cell["source"])
        cell = {**notebook["cells"][middle], "id": "extra", "source": one.before}
        notebook["cells"].insert(middle, cell)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _answered(source: str, answers: Mapping[str, str | None]) -> str:
    def answer(match: re.Match[str]) -> str:
        code = answers.get(match[1])
        return "" if code is None else f"{match[1]} = {code}"

    return re.sub(r"(?m)^(\w+) = None\b", answer, source)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
