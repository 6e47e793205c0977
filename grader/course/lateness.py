"""What an author says about lateness: the policy, and the extensions that people have. Data; grader.late computes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from grader.csvfile import read_csv
from grader.errors import Problem, UsageError

#: In what authors write unknown keys are problems.
STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)
_UNITS = {"s": 1, "second": 1, "min": 60, "minute": 60, "h": 3_600, "hour": 3_600, "day": 86_400, "week": 604_800}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")
_SPAN = re.compile(rf"(?:{_PART.pattern}\s*)+")
MAX_SPAN = timedelta(days=3_660)
_WHO = ("person", "username", "login", "email", "email address", "name", "full name", "group")
_UNTIL = ("deadline", "until", "extension")


def span(value: object) -> object:
    """Return a span of time from text such as ``15 min`` or ``1 day 12 h``. Raises ValueError for anything else."""
    if isinstance(value, timedelta):
        return value
    text = value.strip() if isinstance(value, str) else ""
    parts = [(float(amount), unit) for amount, unit in _PART.findall(text)] if _SPAN.fullmatch(text) else []
    sizes = [_UNITS.get(unit) or _UNITS.get(unit.removesuffix("s")) for _, unit in parts]
    if not parts or None in sizes:
        raise ValueError("should be a span of time with its unit, such as 15 min, 1 h or 2 days")
    seconds = sum(amount * (size or 0) for (amount, _), size in zip(parts, sizes, strict=True))
    if seconds > MAX_SPAN.total_seconds():
        raise ValueError(f"should be at most {MAX_SPAN.days} days")
    return timedelta(seconds=seconds)


def until(value: object) -> object:
    """Return a new deadline: a moment with its time zone, or how much later than the deadline, ``+2 days``.

    Raises ValueError for anything else.
    """
    if isinstance(value, timedelta):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if text and not re.match(r"\d{4}-", text):
        return span(text.removeprefix("+"))
    try:
        moment = datetime.fromisoformat(text) if text else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime):
        day = " and a time" if isinstance(value, date) else ""
        raise ValueError(  # noqa: TRY004 - pydantic makes a problem of a ValueError only
            f"should be a deadline such as 2026-02-03T12:00:00+01:00{day}, or a span such as +2 days"
        )
    if moment.tzinfo is None:
        raise ValueError("should say its time zone, as in 2026-02-03T12:00:00+01:00")
    return moment


Span = Annotated[timedelta, BeforeValidator(span)]
Until = Annotated[datetime | timedelta, BeforeValidator(until)]


class Amount(BaseModel):
    """Points, or a share of points: one of the two."""

    model_config = STRICT

    percent: float | None = Field(default=None, ge=0, le=100)
    points: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.percent is None) == (self.points is None):
            raise ValueError("should say either `percent` or `points`")
        return self

    def of(self, whole: float) -> float:
        """Return the points, of ``whole`` where it is a share."""
        return self.points if self.points is not None else whole * (self.percent or 0.0) / 100


class Step(Amount):
    """What is taken off in all once a hand-in is more than ``after`` late, until the next step."""

    after: Span


class Linear(Amount):
    """What is taken off for ``every`` started span of lateness."""

    every: Span

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if not self.every:
            raise ValueError("`every` should be longer than nothing")
        return self


class LatePolicy(BaseModel):
    """What lateness costs. A policy that says nothing costs nothing.

    All times count from the person's own deadline. Nothing is taken off within ``grace``. ``steps`` and ``linear`` add
    up, but to no more than ``cap``; a mark is not brought below ``floor``, whose share is of the maximum. ``of`` says
    what other shares are shares of: the points earned, or the maximum. Later than ``until`` nothing counts (``then:
    zero``) or a person decides. ``file_times``: where only the times of files tell when something was handed in, these
    count.
    """

    model_config = STRICT

    grace: Span = timedelta(0)
    of: Literal["earned", "max"] = "earned"
    steps: tuple[Step, ...] = ()
    linear: Linear | None = None
    cap: Amount | None = None
    floor: Amount | None = None
    until: Span | None = None
    then: Literal["zero", "person"] = "zero"
    file_times: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if any(one.after >= other.after for one, other in pairwise(self.steps)):
            raise ValueError("`steps` should stand in the order of `after`, each time once")
        if self.until is not None and self.until < self.grace:
            raise ValueError("`until` should not be shorter than `grace`")
        return self

    @property
    def grace_seconds(self) -> float:
        """How late a hand-in may be without any consequence."""
        return self.grace.total_seconds()


@dataclass(frozen=True, slots=True)
class Extension:
    """Somebody's later deadline: ``who`` is a person, by key or name, or a group; ``until`` a moment or a delay."""

    who: str
    until: datetime | timedelta


def read_extensions(path: Path, assignment: str) -> tuple[list[Extension], list[Problem]]:
    """Return the extensions for ``assignment`` in a CSV file, and what is wrong with its lines.

    Columns: ``person``, ``deadline``, and ``assignment`` where the file is for several. Raises UsageError when it is no
    such table.
    """
    table = read_csv(path, "the file of extensions")
    if not (set(_WHO) & set(table.columns) and set(_UNTIL) & set(table.columns)):
        found = ", ".join(table.columns[:8]) or "nothing"
        raise UsageError(f"{path}: the file of extensions needs the columns person and deadline; found {found}")
    extensions, problems = [], []
    for row in table.rows:
        if row.first("assignment") not in {"", assignment}:
            continue
        who = row.first(*_WHO)
        try:
            value = until(row.first(*_UNTIL))
        except ValueError as error:
            problems.append(Problem(table.at(row), f"deadline: {error}, found {row.first(*_UNTIL)!r}"))
            continue
        if not who:
            problems.append(Problem(table.at(row), "person: is missing"))
        elif isinstance(value, datetime | timedelta):
            extensions.append(Extension(who, value))
    return extensions, problems
