"""A roster, and who on it handed in.

Any table with a header will do: Moodle's grading worksheet, Canvas's gradebook, GitHub Classroom's roster, or a list of
names. A number means something only to the platform that gave it, so each platform has columns of its own.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.model import Origin, Submission

_NAMES = ("full name", "name", "student", "identifier", "vollst\u00e4ndiger name")
_GIVEN = ("first name", "firstname", "vorname")
_FAMILY = ("last name", "lastname", "surname", "nachname")
_GROUPS = ("group", "groups", "group_name", "gruppe")
#: The columns that hold what a platform knows people by.
_KEYS = {
    "moodle": ("identifier",),
    "canvas": ("id",),
    "gradescope": ("sid", "student id", "id number", "email", "email address"),
    "nbgrader": ("username", "login", "sis login id", "student id", "id"),
    "github": ("github_username",),
    "folders": ("username", "login", "student id", "id number", "email", "email address"),
}
_KNOWN = {*_NAMES, *_GIVEN, *_FAMILY, *_GROUPS, *(name for names in _KEYS.values() for name in names)}


@dataclass(frozen=True, slots=True)
class Person:
    """One line of a roster: ``cells`` by column, lower case."""

    name: str
    group: str
    cells: tuple[tuple[str, str], ...]

    def keys(self, platform: str) -> set[str]:
        """Return what ``platform`` may know this person by."""
        columns = _KEYS.get(platform, ())
        keys = {value.casefold() for column, value in self.cells if column in columns and value}
        return {key.rpartition(" ")[2] for key in keys} if platform == "moodle" else keys


@dataclass(frozen=True, slots=True)
class Attendance:
    """Who on a roster did not hand in, and hand-ins of people who are not on it, or of whom it is not clear who."""

    missing: tuple[Person, ...]
    unexpected: tuple[Submission, ...]


def read_roster(path: Path) -> tuple[Person, ...]:
    """Return the people on the roster. Raises UsageError when the file is no table with a name or number of people."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: the roster cannot be read ({error.strerror}); name a CSV file") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: the roster is not UTF-8 ({error.reason}); save it as CSV in UTF-8") from error
    header = text.partition("\n")[0]
    separator = max(",;\t", key=header.count)
    rows = [[_tidy(cell) for cell in row] for row in csv.reader(text.splitlines(), delimiter=separator)]
    columns = [name.casefold() for name in rows[0]] if rows else []
    if not _KNOWN & set(columns):
        found = ", ".join(columns[:8]) or "nothing"
        raise UsageError(f"{path}: the roster's header has none of the columns that tell who is who; found {found}")
    people = [_person(dict(zip(columns, row, strict=False))) for row in rows[1:] if any(row)]
    return tuple(one for one in people if one.name or one.cells)


def attend(roster: Iterable[Person], submissions: Iterable[Submission]) -> Attendance:
    """Return who is missing and what is unexpected, by the platform's own ids first and by names second."""
    people = list(roster)
    present: set[int] = set()
    unexpected = []
    for one in submissions:
        found = _matches(people, one)
        present |= found
        if not found:
            unexpected.append(one)
    return Attendance(tuple(p for i, p in enumerate(people) if i not in present), tuple(unexpected))


def _matches(people: list[Person], one: Submission) -> set[int]:
    """Return the places in the roster of those who handed in; none where somebody cannot be told."""
    origin = one.origin or Origin("folders", one.id, one.id)
    group = _name_key(origin.group or origin.label)
    in_group = {i for i, person in enumerate(people) if person.group and _name_key(person.group) == group}
    found = set(in_group)
    names = [name for label in one.people for name in re.split(r"\s*[+&]\s*", label)]
    members = origin.members if len(origin.members) == len(names) else ("",) * len(names)
    for member, name in zip(members, names, strict=True):
        by_key = {i for i, person in enumerate(people) if member and member.casefold() in person.keys(origin.platform)}
        same = {i for i, person in enumerate(people) if _is_called(person, name, origin.platform)}
        match = by_key or same
        if len(match) == 1:
            found |= match
        elif not in_group:
            return set()
    return found


def _is_called(person: Person, name: str, platform: str) -> bool:
    if platform == "canvas":
        return "".join(re.findall(r"\w", person.name.casefold())) == name.casefold()
    return _name_key(person.name) == _name_key(name) != () or name.casefold() in person.keys(platform)


def _name_key(name: str) -> tuple[str, ...]:
    """Return the words of a name, in any order: family names come first or last."""
    return tuple(sorted(re.findall(r"\w+", unicodedata.normalize("NFC", name).casefold())))


def _person(row: dict[str, str]) -> Person:
    def first(columns: tuple[str, ...]) -> str:
        return next((row[column] for column in columns if row.get(column)), "")

    name = first(_NAMES) or f"{first(_GIVEN)} {first(_FAMILY)}".strip()
    cells = tuple((column, value) for column, value in row.items() if column in _KNOWN and value)
    return Person(name, first(_GROUPS), cells)


def _tidy(cell: str) -> str:
    return unicodedata.normalize("NFC", cell).strip()
