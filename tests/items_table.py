"""Prints where each item of the course's documents is graded: ``python -m tests.items_table > exercises/ITEMS.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from grader.checks import KINDS
from grader.course import Course, load_course

ROOT = Path(__file__).resolve().parents[1]
HEAD = """# Where each item is graded

Made from the `items` of every `exercise.yaml` by `python -m tests.items_table > exercises/ITEMS.md`. Items carry the
numbers of the documents that the course was built from: E for the microcontroller exercise, H for sheet 3, I for the
slides from theory to practice, T for the primer on tinyML.

| item | exercise | checks |
|---|---|---|
"""


def table(course: Course) -> str:
    """Return one line for each item and exercise that grades it."""
    rows = []
    for exercise in course.exercises():
        for item, named in exercise.items.items():
            checks = named or tuple(check.id for check in exercise.rubric.checks)
            kinds = {check.id: check.kind.name for check in exercise.rubric.checks}
            told = ", ".join(f"`{name}` ({kinds[name]})" for name in checks)
            rows.append((item[:1], item, f"| {item} | {exercise.assignment}/{exercise.id} | {told} |"))
    return HEAD + "\n".join(row for _, _, row in sorted(rows)) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table(load_course(ROOT, KINDS)))
