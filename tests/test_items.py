"""Every item of the four assignments is graded, and every entry of the errata that touches them has a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from items_table import ROOT, table

from grader.checks import KINDS
from grader.course import Course, load_course

#: How many items and errata each document has. The errata X-01 and X-02 concern all of them.
ITEMS = {"E": 60, "H": 30, "I": 35, "T": 22}
COUNTS = {"ETH": 25, "HD": 15, "ICTP": 13, "TML": 11, "X": 2}
ERRATA = [f"{document}-{n:02}" for document, count in COUNTS.items() for n in range(1, count + 1)]


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course(ROOT, KINDS)


def test_every_item_belongs_to_an_exercise(course: Course) -> None:
    graded = {item for exercise in course.exercises() for item in exercise.items}
    wanted = {f"{letter}{n:02}" for letter, count in ITEMS.items() for n in range(1, count + 1)}
    assert wanted - graded == set()


def test_every_item_names_its_checks(course: Course) -> None:
    unnamed = [f"{one.id} {item}" for one in course.exercises() for item, checks in one.items.items() if not checks]
    assert unnamed == []


def test_the_table_is_current(course: Course) -> None:
    assert (ROOT / "exercises" / "ITEMS.md").read_text(encoding="utf-8") == table(course)


@pytest.mark.parametrize("entry", ERRATA)
def test_every_erratum_has_a_test(entry: str) -> None:
    """A test's name holds the entry, as in ``test_ETH_01_…``."""
    name = re.compile(rf"def test_\w*{entry.replace('-', '_')}(?!\d)", re.IGNORECASE)
    found = [path.name for path in Path(__file__).parent.glob("test_*.py") if name.search(path.read_text("utf-8"))]
    assert found, f"no test for {entry}"
