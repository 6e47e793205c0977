"""A roster, and who on it handed in.

Any table with a header will do: Moodle's grading worksheet, Canvas's gradebook, GitHub Classroom's roster, or a list of
names. A number means something only to the platform that gave it, so each platform has columns of its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.csvfile import Row, read_csv
from grader.errors import Problem, UsageError
from grader.late import name_key
from grader.model import Origin, Submission, people_in

_LOGINS = ("username", "login", "sis login id", "github_username")
_EMAILS = ("email", "email address", "e-mail", "e-mail-adresse")
_NUMBERS = ("id number", "student id", "sid", "sis user id", "matrikelnummer", "id")
_NAMES = ("full name", "name", "student", "vollst\u00e4ndiger name")
_GIVEN = ("first name", "firstname", "vorname")
_FAMILY = ("last name", "lastname", "surname", "nachname")
_GROUPS = ("group", "groups", "group_name", "gruppe")
_RECEIVED = ("received", "last modified (submission)", "zuletzt ge\u00e4ndert (abgabe)")
_IDENTIFIERS = ("identifier", "id")
#: The columns that hold what a platform knows people by.
_KEYS = {
    "moodle": _IDENTIFIERS,
    "canvas": ("id",),
    "gradescope": ("sid", "student id", "id number", *_EMAILS),
    "nbgrader": ("username", "login", "sis login id", "student id", "id"),
    "github": ("github_username",),
    "folders": ("username", "login", "student id", "id number", *_EMAILS),
}
_KNOWN = {"identifier", *_LOGINS, *_EMAILS, *_NUMBERS, *_NAMES, *_GIVEN, *_FAMILY, *_GROUPS}
# "Participant 41": Moodle's number in the one assignment that the table is of.
_PARTICIPANT = re.compile(r"(?P<word>\D*?)\s*(?P<number>\d+)")
#: Rows of Canvas's gradebook that are nobody.
_NOBODY = {"points possible", "student, test", "test student"}


@dataclass(frozen=True, slots=True)
class Person:
    """One line of a roster: ``cells`` by column, lower case; ``received`` and ``status`` as Moodle's worksheet has."""

    name: str
    group: str
    cells: tuple[tuple[str, str], ...]
    line: int = 0
    received: str = ""
    status: str = ""

    @property
    def key(self) -> str:
        """What stays the same for this person from sheet to sheet: login, else address, number or name."""
        cells = dict(self.cells)
        return next((cells[one] for one in (*_LOGINS, *_EMAILS, *_NUMBERS) if one in cells), self.name)

    def keys(self, platform: str) -> set[str]:
        """Return what ``platform`` may know this person by."""
        columns = _KEYS.get(platform, ())
        found = {(column, value.casefold()) for column, value in self.cells if column in columns}
        if platform != "moodle":
            return {value for _, value in found}
        matches = ((column, _PARTICIPANT.fullmatch(value)) for column, value in found)
        return {match["number"] for column, match in matches if match and (match["word"] or column == "identifier")}


@dataclass(frozen=True, slots=True)
class Attendance:
    """Who on a roster did not hand in, and hand-ins of people who are not on it, or of whom it is not clear who.

    ``people`` are those who handed in, by submission, and ``groups`` the roster's name for those who did so together.
    """

    missing: tuple[Person, ...]
    unexpected: tuple[Submission, ...]
    people: Mapping[str, tuple[Person, ...]] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)


def read_roster(path: Path) -> tuple[Person, ...]:
    """Return the people on the roster. Raises UsageError when the file is no table with a name or number of people."""
    table = read_csv(path, "the roster")
    if not _KNOWN & set(table.columns):
        found = ", ".join(table.columns[:8]) or "nothing"
        raise UsageError(f"{path}: the roster's header has none of the columns that tell who is who; found {found}")
    people = [_person(row) for row in table.rows]
    return tuple(one for one in people if (one.name or one.cells) and one.name.casefold() not in _NOBODY)


def twice(people: Sequence[Person], path: Path) -> list[Problem]:
    """Return a problem for whatever should be somebody's alone and stands in the roster twice."""
    lines: dict[tuple[str, str], list[int]] = defaultdict(list)
    for person in people:
        for column, value in person.cells:
            if column in {"identifier", *_LOGINS, *_EMAILS, *_NUMBERS}:
                lines[column, value.casefold()].append(person.line)
    return [
        Problem(
            f"{path}:{found[1]}",
            f"{column} {value!r} stands twice, in the lines {' and '.join(map(str, found))}; keep the right one",
        )
        for (column, value), found in lines.items()
        if len(found) > 1
    ]


def attend(roster: Iterable[Person], submissions: Iterable[Submission]) -> Attendance:
    """Return who handed in what, who is missing and what is unexpected: by the platform's own ids, then by names."""
    people = tuple(roster)
    indices: dict[str, _Index] = {}
    unexpected: list[Submission] = []
    found: dict[str, tuple[Person, ...]] = {}
    groups: dict[str, str] = {}
    for one in submissions:
        origin = one.origin or Origin("folders", one.id, one.id)
        if origin.platform not in indices:
            indices[origin.platform] = _Index(people, origin.platform)
        places, group = indices[origin.platform].of(one.people, origin)
        if places:
            found[one.id] = tuple(people[i] for i in sorted(places))
            groups |= {one.id: group} if group else {}
        else:
            unexpected.append(one)
    present = {id(person) for some in found.values() for person in some}
    missing = tuple(person for person in people if id(person) not in present)
    return Attendance(missing, tuple(unexpected), found, groups)


class _Index:
    """A roster by what one platform knows people by, by name and by group: places of people in it."""

    def __init__(self, people: Sequence[Person], platform: str) -> None:
        self._people, self._platform = people, platform
        self._by_key: dict[str, set[int]] = defaultdict(set)
        self._by_name: dict[tuple[str, ...], set[int]] = defaultdict(set)
        self._by_group: dict[tuple[str, ...], set[int]] = defaultdict(set)
        for place, person in enumerate(people):
            for key in person.keys(platform):
                self._by_key[key].add(place)
            self._by_name[self._words(person.name)].add(place)
            self._by_group[name_key(person.group)].add(place)

    def _words(self, name: str) -> tuple[str, ...]:
        """Return what is compared of a name; Canvas leaves out what stands between its words."""
        return ("".join(re.findall(r"\w", name.casefold())),) if self._platform == "canvas" else name_key(name)

    def of(self, labels: Sequence[str], origin: Origin) -> tuple[set[int], str]:
        """Return the places of those who handed in, none where somebody cannot be told; and their group's name."""
        in_group = self._group(origin.group or origin.label)
        found = set(in_group)
        # Who has a number of their own is one person, whatever their name looks like.
        names = list(labels) if len(origin.members) == len(labels) else people_in(labels)
        members = origin.members if len(origin.members) == len(names) else ("",) * len(names)
        for member, name in zip(members, names, strict=True):
            one = self._one(member, name)
            if one is None and not in_group:
                return set(), ""
            found |= {one} if one is not None and not in_group else set()
        if self._platform == "canvas" and len(found) == 1:  # one of a group hands in for all
            found |= self._group(self._people[min(found)].group)
        named = {self._people[place].group for place in found}
        return found, named.pop() if (in_group or len(found) > 1) and len(named) == 1 else ""

    def _group(self, name: str) -> set[int]:
        key = name_key(name)
        return self._by_group.get(key, set()) if key else set()

    def _one(self, member: str, name: str) -> int | None:
        """Return the place of somebody; None where that is nobody's, or several people's."""
        by_key, words = self._by_key.get(member.casefold(), set()) if member else set(), self._words(name)
        same = self._by_name.get(words, set()) if any(words) else set()
        if self._platform != "canvas":
            same = same | self._by_key.get(name.casefold(), set())
        match = by_key or same
        # A number of one and the name of another: the roster is that of another assignment.
        return min(match) if len(match) == 1 and not (by_key and same and not by_key & same) else None


def _person(row: Row) -> Person:
    name = row.first(*_NAMES) or f"{row.first(*_GIVEN)} {row.first(*_FAMILY)}".strip() or row.first("identifier")
    cells = tuple((column, value) for column, value in row.cells.items() if column in _KNOWN and value)
    return Person(name, row.first(*_GROUPS), cells, row.line, row.first(*_RECEIVED), row.first("status"))
