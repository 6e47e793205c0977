"""What was judged, what it is worth, and what is reported."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import prod

from grader.errors import Problem
from grader.model.decisions import Decision
from grader.model.execution import CodeError, Environment, Stop
from grader.model.findings import NOTHING_FOUND, Findings
from grader.model.submissions import people_in


class Status(StrEnum):
    """Outcome of a check. ``ERROR`` is our fault or the machine's: the score is pending, never zero."""

    PASSED = "passed"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Timeline:
    """A quantity over the steps of something, to be drawn: memory over the layers of a network.

    ``steps`` are pairs of label and value, in ``unit``; ``limit`` is what they are held against, None for nothing.
    """

    title: str
    unit: str
    steps: tuple[tuple[str, float], ...]
    limit: float | None = None
    limit_title: str = ""

    @property
    def peak(self) -> float:
        """The largest value; 0 without steps."""
        return max((value for _, value in self.steps), default=0.0)


@dataclass(frozen=True, slots=True)
class Strip:
    """Where an array differs from what is right, to be drawn as cells; never by how much.

    ``shape`` is the array's; ``wrong`` of its elements differ, the ``first`` at that index. ``rows`` hold a character
    for each element, or block of elements: ``.`` right, ``x`` not right, ``o`` some of them. The last axis runs along a
    row, all others down.
    """

    shape: tuple[int, ...]
    wrong: int
    first: tuple[int, ...]
    rows: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether every element has a cell of its own."""
        return len(self.rows) * len(self.rows[0]) == prod(self.shape)


@dataclass(frozen=True, slots=True)
class Line:
    """A history that was handed in: some of its ``points``, each the number of the value and the value."""

    name: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Histories of one quantity, ``title``, to be drawn; there is at least one, and each has a point."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check, judged.

    ``message`` is for the student and never contains the answer; ``evidence`` is for the instructor and may.
    ``misconception`` is the identifier of the recognised mistake. ``follow_through`` says that the answer is
    right given the student's own earlier answers, and not otherwise. ``for_person``: a human has to mark it, and
    ``answer`` is the text to be marked. ``timeline``, ``strip`` and ``chart`` are drawn beside the message.
    ``unanswered``: it failed because there is no answer, which is no attempt at one.
    """

    id: str
    kind: str
    status: Status
    fraction: float
    message: str = ""
    evidence: str = ""
    misconception: str | None = None
    follow_through: bool = False
    for_person: bool = False
    answer: str = ""
    timeline: Timeline | None = None
    strip: Strip | None = None
    chart: Chart | None = None
    unanswered: bool = False

    @property
    def owed(self) -> bool:
        """Whether a rerun or a human owes this check a result."""
        return self.for_person or self.status is Status.ERROR

    @property
    def lost(self) -> bool:
        """Whether something was judged to be wrong in the answer itself."""
        return self.status in {Status.FAILED, Status.PARTIAL} and not (self.owed or self.follow_through)

    @property
    def clean(self) -> bool:
        """Whether the answer is right by itself, without help from follow-through."""
        return self.status is Status.PASSED and not self.follow_through


@dataclass(frozen=True, slots=True)
class Passage:
    """What the task says about a check, as its author wrote it: Markdown, and the heading that it stands under."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class CheckScore:
    """A check's result with the points it earned, or those that a person decided instead.

    Where it lost some, ``subject`` is the name that is judged, and ``passage`` what the task says about it.
    """

    result: CheckResult
    points: float
    max_points: float
    subject: str = ""
    passage: Passage | None = None
    decision: Decision | None = None

    @property
    def owed(self) -> bool:
        """Whether a rerun or a human owes this check points. Where nothing was judged, only some decisions hold."""
        decided = self.decision is not None and (self.result.for_person or self.decision.unjudged)
        return self.result.owed and not decided

    @property
    def fraction(self) -> float:
        """Share of the points: what was judged, or what a person decided instead."""
        if self.decision is None or self.owed:
            return self.result.fraction
        return self.points / self.max_points if self.max_points else 1.0

    @property
    def fault(self) -> bool:
        """Whether it is owed because nothing could be judged, rather than because a person has to mark it."""
        return self.owed and not self.result.for_person


@dataclass(frozen=True, slots=True)
class CriterionScore:
    """A criterion's points. ``pending`` while any of its checks is owed; ``points`` then count what is settled."""

    id: str
    title: str
    points: float
    max_points: float
    pending: bool
    checks: tuple[CheckScore, ...]
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """Something that a human should look at: evidence about a submission, never a penalty.

    ``other`` is the submission whose personal numbers were used, where it is about that.
    """

    submission: str
    exercise: str
    message: str
    other: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Hashes and settings from which a result can be produced again; ``machine`` is what ``environment`` hashes."""

    submission: str
    exercise: str
    reference: str
    rubric: str
    environment: str
    seed: int
    grader: str
    machine: Environment | None = None


@dataclass(frozen=True, slots=True)
class ExerciseReport:
    """One exercise of one submission: scores, what happened when it ran, and where that can be looked up.

    ``file`` is the graded file's name, empty when nothing could be graded. ``note`` tells the student in one
    sentence what happened on the way (time limit, a second file that was not graded, nothing handed in).
    ``peak_bytes`` is the most memory that the run was seen to use; 0 where nobody looked.
    """

    id: str
    title: str
    points: float
    max_points: float
    pending: bool
    criteria: tuple[CriterionScore, ...]
    stop: Stop
    isolation: str
    file: str = ""
    note: str = ""
    seconds: float = 0.0
    log: str = ""
    errors: tuple[CodeError, ...] = ()
    provenance: Provenance | None = None
    decision: Decision | None = None
    peak_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """Everything about one submission to one assignment.

    ``late_seconds`` count from the people's own deadline. ``points`` are what is left after ``penalty`` was taken off
    for lateness; those of the exercises are before it. ``late_question``: what a person has to decide about lateness.
    ``decision`` is on the total, ``member_decisions`` on that of single members of the group; ``misfits`` are decisions
    that fit nothing in it any more. ``key`` is what the people's own numbers hang on, where that is not the ``id``.
    """

    id: str
    people: tuple[str, ...]
    assignment: str
    title: str
    points: float
    max_points: float
    pending: bool
    stop: Stop
    isolation: str
    exercises: tuple[ExerciseReport, ...]
    late_seconds: int = 0
    flags: tuple[Flag, ...] = ()
    problems: tuple[Problem, ...] = ()
    penalty: float = 0.0
    late_question: str = ""
    decision: Decision | None = None
    member_decisions: tuple[Decision, ...] = ()
    misfits: tuple[Decision, ...] = ()
    key: str = ""

    @property
    def members(self) -> tuple[str, ...]:
        """Everybody who handed in."""
        return tuple(people_in(self.people))

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Every decision that counts in this report, the one on the total first."""
        found = [self.decision, *self.member_decisions]
        for exercise in self.exercises:
            found.append(exercise.decision)
            for criterion in exercise.criteria:
                found += [criterion.decision, *(score.decision for score in criterion.checks)]
        return tuple(one for one in found if one is not None)


def points_of(report: Report, person: str) -> float:
    """Return the points of one of the people who handed in: the total, unless somebody decided otherwise for them."""
    own = (one.amount(report.max_points) for one in report.member_decisions if one.member == person)
    return next(own, report.points)


@dataclass(frozen=True, slots=True)
class Batch:
    """All reports on one assignment.

    ``problems`` belong to no single report. ``grader`` is the version of this program, ``created`` the moment of
    grading (None leaves it out, so that every file is a function of the results alone). ``findings`` are for the
    instructor alone. Raises ValueError when two
    reports have the same id, because one page would then overwrite the other.
    """

    assignment: str
    title: str
    reports: tuple[Report, ...]
    problems: tuple[Problem, ...] = ()
    grader: str = ""
    created: datetime | None = None
    findings: Findings = NOTHING_FOUND

    def __post_init__(self) -> None:
        counts = Counter(report.id for report in self.reports)
        twice = sorted(key for key, count in counts.items() if count > 1)
        if twice:
            raise ValueError(f"batch of {self.assignment}: more than one report has the id {twice[0]!r}")

    @property
    def all_problems(self) -> tuple[Problem, ...]:
        """The problems of the batch and of every report in it."""
        return (*self.problems, *(problem for report in self.reports for problem in report.problems))
