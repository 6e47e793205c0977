"""Which rows of Moodle's worksheets are of the people who handed in."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from grader.errors import Problem
from grader.exporters.worksheets import Participant
from grader.late import name_key
from grader.model import Origin, people_in
from grader.store import Entry

# What Moodle takes out of a name before it names a folder after it.
_REMOVED = re.compile(r"[\x00-\x1f\x7f<>&\"`|':\\/]")


@dataclass(frozen=True, slots=True)
class Matched:
    """Rows with the entry that belongs in each, in the order of the entries, and why others have none."""

    rows: tuple[tuple[Participant, Entry], ...]
    problems: tuple[Problem, ...]


class _Unclear(Exception):  # noqa: N818 - it says why, and goes no further than this file
    """Why an entry belongs in no row."""


def match(participants: Sequence[Participant], entries: Iterable[Entry], *, force: bool) -> Matched:
    """Return the rows of each entry: by Moodle's number where the name agrees, by group, or by names and addresses.

    A team's number is that of a group, and may be a participant's as well: so a number alone is not trusted. A row in
    which two entries belong gets none.
    """
    found: list[tuple[Participant, Entry]] = []
    problems = []
    for entry in entries:
        try:
            found += [(one, entry) for one in _rows(participants, entry, force=force)]
        except _Unclear as reason:
            problems.append(Problem(entry.report.id, f"{reason} (its mark was not exported)"))
    claims: dict[str, list[str]] = defaultdict(list)
    for one, entry in found:
        claims[one.where].append(entry.report.id)
    for where, names in claims.items():
        if len(names) > 1:
            message = f"could get the marks of {' and '.join(names)}, so it was left as it is; enter one by hand"
            problems.append(Problem(where, message))
    return Matched(tuple(pair for pair in found if len(claims[pair[0].where]) == 1), tuple(problems))


def _rows(participants: Sequence[Participant], entry: Entry, *, force: bool) -> list[Participant]:
    origin = entry.submission.origin or Origin("folders", entry.submission.id)
    numbered = origin.platform == "moodle" and origin.id.isdecimal()
    number = str(int(origin.id)) if numbered else ""
    same = [one for one in participants if one.number == number]
    if same and all(_agrees(one, origin.label) for one in same):
        return same
    group = _key(origin.group or origin.label)
    members = [one for one in participants if one.group and _key(one.group) == group != ()]
    if members:
        return members
    if same and force:
        return same
    if len(entry.submission.people) > 1 or not numbered:
        return _by_name(participants, entry)
    if same:
        raise _Unclear(
            f"is number {origin.id}, {origin.label!r}; in the worksheet ({same[0].where}) this is "
            f"{same[0].name or same[0].kind!r}, and no group has that name; take the worksheet of this assignment, or "
            "say --force if the person was renamed"
        )
    raise _Unclear(f"is number {origin.id}, {origin.label!r}, who is in no worksheet; download it again, for everybody")


def _agrees(one: Participant, label: str) -> bool:
    """Return whether a folder with this label may be the participant's: it is the name or, hidden, the kind."""
    return not label or _key(label) in {_key(one.name), _key(one.kind)}


def _by_name(participants: Sequence[Participant], entry: Entry) -> list[Participant]:
    names = people_in(entry.submission.people)
    rows = []
    for name in names:
        address, key = name.casefold(), _key(name)
        mine = [one for one in participants if one.email.casefold() == address != ""]
        mine = mine or [one for one in participants if _key(one.name) == key != ()]
        numbers = {one.number for one in mine}
        if len(numbers) != 1:
            how = f"{len(numbers)} people are" if numbers else "nobody is"
            raise _Unclear(f"{how} called {name!r} in the worksheet; name folders after full names or addresses")
        rows += mine
    return rows


@cache  # every hand-in is held against every row
def _key(name: str) -> tuple[str, ...]:
    """Return the words of a name as Moodle leaves them in a folder's name, in any order."""
    return name_key(_REMOVED.sub("", name).replace("_", " "))
