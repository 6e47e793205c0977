"""What the gradebook keeps of a grading besides runs and results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from grader.errors import Problem
from grader.model import NOTHING_FOUND, Findings, Report, Submission


@dataclass(frozen=True, slots=True)
class AuthoredCheck:
    """A check as the rubric had it."""

    id: str
    kind: str
    criterion: str
    points: float
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Authored:
    """What an author's files said about an exercise: enough to name what was edited since.

    ``definitions`` are the reference's functions, classes and constants by name, ``misconceptions`` those of them that
    are wrong versions, each with a hash of its code.
    """

    exercise: str
    reference: str
    rubric: str
    grader: str
    checks: tuple[AuthoredCheck, ...]
    definitions: Mapping[str, str]
    misconceptions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Judgement:
    """How an exercise of a report came about: keys of its run and results, and what the task was.

    ``run`` is empty where nothing was run, or nothing of it could be kept; ``results`` where nothing was judged for
    good. ``seed`` and ``hidden`` are those of the numbers and inputs that the run saw.
    """

    exercise: str
    run: str = ""
    results: str = ""
    authored: Authored | None = None
    file: str = ""
    note: str = ""
    owed: bool = False
    untouched: bool = False
    problems: tuple[Problem, ...] = ()
    seed: int | None = None
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A report, the submission that it is about, and how each of its exercises came about."""

    report: Report
    submission: Submission
    judgements: tuple[Judgement, ...] = ()


@dataclass(frozen=True, slots=True)
class Grading:
    """Reports that came out together. ``problems`` belong to none of them. ``kind``: batch, regrade or override."""

    id: int
    assignment: str
    title: str
    kind: str
    made: datetime
    entries: tuple[Entry, ...] = field(repr=False)
    problems: tuple[Problem, ...] = ()
    findings: Findings = NOTHING_FOUND
