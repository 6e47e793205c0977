"""From hand-ins to people: their names and keys, groups, and when they handed in, by a roster."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from grader.errors import Problem, UsageError
from grader.importers.handins import Intake
from grader.importers.moodle import activity
from grader.importers.roster import Attendance, Person, attend, twice
from grader.importers.times import UnknownZoneError, moment, says_late
from grader.model import Submission, people_in

_WORKSHEET = re.compile(r"(?:Grades|Bewertungen)-.+\.csv", re.IGNORECASE | re.DOTALL)


def identify(
    intake: Intake, people: Sequence[Person], roster: Path, zone: ZoneInfo | None
) -> tuple[Intake, Attendance]:
    """Return the hand-ins with what the ``roster`` says about their people, and who is missing or unexpected.

    Names, keys and times that it does not tell stay as they are. ``zone`` is that of times which say none. Raises
    UsageError for a worksheet of Moodle that is of another assignment.
    """
    everybody = (*intake.submissions, *intake.unresolved)
    _check_worksheet(everybody, roster)
    found = attend(people, everybody)
    times = _Times(roster, zone)
    known, unresolved = (
        tuple(_known(one, found, times) for one in some) for some in (intake.submissions, intake.unresolved)
    )
    problems = (*intake.problems, *twice(people, roster), *_several(found, everybody, roster), *times.problems())
    return replace(intake, submissions=known, unresolved=unresolved, problems=problems), found


def attendance_problems(found: Attendance, roster: Path) -> tuple[Problem, ...]:
    """Return a problem for every hand-in of nobody on the roster, and one for all who did not hand in."""
    message = "is by nobody on the roster, or it is not clear by whom; it was graded under {}"
    unexpected = [Problem(one.source, message.format(one.id)) for one in found.unexpected]
    names = ", ".join(person.name or person.key for person in found.missing)
    missing = f"{len(found.missing)} on the roster did not hand in, and have no report: {names}"
    return (*unexpected, *([Problem(str(roster), missing)] if found.missing else []))


def limit_groups(intake: Intake, most: int) -> Intake:
    """Return the hand-ins, those of more than ``most`` people among the unresolved ones, with a problem for each."""
    large = {one.id: size for one in intake.submissions if (size := len(_names(one))) > most}
    problems = [
        Problem(
            one.source,
            f"was handed in by {large[one.id]} people, and a group has at most {most} (`max_group` in course.yaml); "
            "it was not graded",
        )
        for one in intake.submissions
        if one.id in large
    ]
    return replace(
        intake,
        submissions=tuple(one for one in intake.submissions if one.id not in large),
        unresolved=(*intake.unresolved, *(one for one in intake.submissions if one.id in large)),
        problems=(*intake.problems, *problems),
    )


def _names(one: Submission) -> list[str]:
    """Return who handed in; a folder's name may name several."""
    if one.member_keys:
        return list(one.people)
    return people_in(one.people)


def _check_worksheet(everybody: Sequence[Submission], roster: Path) -> None:
    mine = activity(roster.name) if _WORKSHEET.fullmatch(roster.name) else ""
    names = {one.origin.archive for one in everybody if one.origin and one.origin.platform == "moodle"}
    numbers = {number: name for name in sorted(names) if (number := activity(name))}
    if mine and numbers and mine not in numbers:
        number, name = next(iter(numbers.items()))
        raise UsageError(
            f"{roster}: is the worksheet of assignment {mine}, and {name} holds hand-ins to {number}, by the numbers "
            "that end their names; download the worksheet of the same assignment"
        )


def _known(one: Submission, found: Attendance, times: _Times) -> Submission:
    people = found.people.get(one.id)
    if people is None:
        return one
    keys = tuple(person.key for person in people)
    group = found.groups.get(one.id, "")
    key = group or " + ".join(sorted(keys))
    one = replace(one, people=tuple(person.name or person.key for person in people), key=key, member_keys=keys)
    received = times.of(people)
    if received is not None:
        return replace(one, received=received, attested=True)
    late = next((said for person in people if (said := says_late(person.status)) is not None), None)
    if one.origin is None or one.received is not None or late is None:
        return one
    return replace(one, origin=replace(one.origin, late=late))


def _several(found: Attendance, everybody: Sequence[Submission], roster: Path) -> list[Problem]:
    """Return a problem for everybody who handed in more than once, alone or in several groups."""
    ids: dict[int, list[str]] = defaultdict(list)
    for one in everybody:
        for person in found.people.get(one.id, ()):
            ids[person.line].append(one.attempt_of or one.id)
    names = {person.line: person.name or person.key for some in found.people.values() for person in some}
    return [
        Problem(f"{roster}:{line}", f"{names[line]} handed in more than once, as {', '.join(mine)}; say which counts")
        for line, mine in ((line, list(dict.fromkeys(every))) for line, every in ids.items())
        if len(mine) > 1
    ]


@dataclass(slots=True)
class _Times:
    """When people handed in by the roster, and what of that cannot be read."""

    roster: Path
    zone: ZoneInfo | None
    unreadable: list[Person] = field(default_factory=list)
    without_zone: list[Person] = field(default_factory=list)

    def of(self, people: Sequence[Person]) -> datetime | None:
        """Return the last time that the lines of ``people`` tell."""
        found = [time for person in people if (time := self._time(person))]
        return max(found, default=None)

    def _time(self, person: Person) -> datetime | None:
        try:
            time = moment(person.received, self.zone)
            return time.astimezone(UTC) if time else None
        except UnknownZoneError:
            self.without_zone.append(person)
        except (ValueError, OverflowError):
            self.unreadable.append(person)
        return None

    def problems(self) -> list[Problem]:
        """Return one problem for all times that cannot be read, and one for all without a time zone."""
        told = (
            (
                self.unreadable,
                "cannot be read as a time; whether it is late is taken from the column Status, if that tells",
            ),
            (self.without_zone, "says no time zone; write `time_zone: Europe/Berlin`, or what it is, into course.yaml"),
        )
        return [
            Problem(
                f"{self.roster}:{people[0].line}",
                f"{people[0].received!r} {message}" + (f"; {count} cells are like that" if count > 1 else ""),
            )
            for people, message in told
            if (count := len(people))
        ]
