"""When something was handed in, by what a platform's table says: ISO 8601, or a date as Moodle writes it."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

_MONTHS = {
    name: number
    for names in (
        "january february march april may june july august september october november december",
        "januar februar m\u00e4rz april mai juni juli august september oktober november dezember",
    )
    for number, name in enumerate(names.split(), start=1)
}
# Such as: Sunday, 3 May 2026, 11:58 PM; or, in German: Sonntag, 3. Mai 2026, 23:58.
_MOODLE = re.compile(
    r"(?:\w+,?\s+)?(?P<day>\d{1,2})\.?\s+(?P<month>[^\W\d]+)\s+(?P<year>\d{4}),?\s+"
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?:\s*(?P<half>[AP])\.?M\.?)?",
    re.IGNORECASE,
)
_LATE = re.compile(r"\blate\b|\bversp\u00e4tet\b|\bzu sp\u00e4t\b", re.IGNORECASE)
_IN_TIME = re.compile(r"\bsubmitted for grading\b|\bzur bewertung abgegeben\b", re.IGNORECASE)


class UnknownZoneError(ValueError):
    """A time says no time zone, and nothing else does."""


def moment(text: str, zone: ZoneInfo | None) -> datetime | None:
    """Return the moment that ``text`` means, in ``zone`` where it names none; None for an empty cell.

    What a clock shows twice when it is set back is taken as the earlier of the two. Raises UnknownZoneError where the
    time zone is missing, and ValueError for a text that is no such date.
    """
    if text in {"", "-"}:
        return None
    if ":" not in text:
        raise ValueError("no time of the day")
    match = _MOODLE.fullmatch(text)
    time = _by_parts(match) if match else datetime.fromisoformat(text)
    if time.tzinfo is not None:
        return time
    if zone is None:
        raise UnknownZoneError(text)
    return time.replace(tzinfo=zone, fold=0)


def _by_parts(match: re.Match[str]) -> datetime:
    month, hour = _MONTHS.get(match["month"].casefold()), int(match["hour"])
    if month is None:
        raise ValueError(f"no month {match['month']!r}")
    if match["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(f"no hour {hour} of half a day")
        hour = hour % 12 + (12 if match["half"] in "pP" else 0)
    return datetime(  # noqa: DTZ001 - the caller knows the zone
        int(match["year"]), month, int(match["day"]), hour, int(match["minute"]), int(match["second"] or 0)
    )


def says_late(status: str) -> bool | None:
    """Return whether Moodle's column Status says that it came late; None where that cannot be told."""
    if _LATE.search(status):
        return True
    return False if _IN_TIME.search(status) else None
