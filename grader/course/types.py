"""A loaded course. Everything here has been validated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from zoneinfo import ZoneInfo

from grader.course.kinds import CheckOptions, Kind
from grader.course.lateness import Extension, LatePolicy
from grader.errors import UsageError
from grader.model import Limits
from grader.reference import Reference


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a rubric: its kind, that kind's options, and the points it is worth."""

    id: str
    kind: Kind
    options: CheckOptions
    points: float


@dataclass(frozen=True, slots=True)
class Criterion:
    """A line of the rubric; its points are the sum of its checks' points."""

    id: str
    title: str
    points: float
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Rubric:
    """What an exercise is worth. ``sha256`` identifies the author's file."""

    title: str
    criteria: tuple[Criterion, ...]
    sha256: str

    @property
    def points(self) -> float:
        """Points of the whole exercise."""
        return round(sum(criterion.points for criterion in self.criteria), 6)

    @property
    def checks(self) -> tuple[Check, ...]:
        """All checks, in the order of the rubric."""
        return tuple(check for criterion in self.criteria for check in criterion.checks)


@dataclass(frozen=True, slots=True)
class DataNeed:
    """A data set that a run finds, and at most how many samples of it; None for all."""

    name: str
    train: int | None = None
    test: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Exercise:
    """One exercise: what is handed out, what is true and what it is worth.

    ``files`` are the names under which it may be handed in, the preferred one first; ``starters`` are those of them
    that are handed out, and ``also`` what belongs beside them. ``data`` names the data sets that a run finds.
    ``solutions`` are right hand-ins and ``wrong`` known-wrong ones, for ``grade validate``. ``sha256`` identifies the
    settings and the task.
    """

    id: str
    assignment: str
    title: str
    folder: Path
    files: tuple[str, ...]
    starters: tuple[Path, ...]
    task: Path
    items: Mapping[str, tuple[str, ...]]
    limits: Limits
    reference: Reference
    rubric: Rubric
    also: tuple[str, ...]
    floor: tuple[str, ...]
    data: tuple[DataNeed, ...]
    solutions: tuple[Solution, ...]
    wrong: tuple[WrongSolution, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class Solution:
    """A right hand-in: its files by name, the one that is run, if any, first."""

    name: str
    files: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class WrongSolution:
    """A hand-in known to be wrong: the checks it must lose, and the misconceptions that must be named in it.

    ``path`` is where the author wrote it; what it does not bring is taken from the solution.
    """

    path: Path
    title: str
    loses: frozenset[str]
    names: frozenset[str]
    files: Mapping[str, Path]


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """Exercises that are handed in together. ``personal``: everybody gets numbers of their own.

    ``late`` is what lateness costs, None for nothing. ``extensions`` are later deadlines. Groups have at most
    ``max_group`` people. ``roster`` is the file that names everybody; ``zone`` that of times which say none.
    ``others`` are exercises that were not asked for when the course was loaded: the names that their files may have.
    """

    id: str
    title: str
    personal: bool
    deadline: datetime | None
    exercises: tuple[Exercise, ...]
    late: LatePolicy | None = None
    extensions: tuple[Extension, ...] = ()
    max_group: int = 4
    roster: Path | None = None
    zone: ZoneInfo | None = None
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def exercise(self, name: str) -> Exercise:
        """Return the exercise ``name``. Raises UsageError with the known names."""
        for exercise in self.exercises:
            if exercise.id == name:
                return exercise
        known = ", ".join([*(exercise.id for exercise in self.exercises), *self.others])
        raise UsageError(f"assignment {self.id} has no exercise {name!r}; it has: {known}")


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle for students is: the version that made it, whose numbers it holds, and which files were changed."""

    grader: str
    person: str
    changed: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """A whole course, from the folder ``root``. ``key`` enters the derivation of personal seeds.

    ``bundle`` says that it is what students were handed out, which holds no answers.
    """

    root: Path
    title: str
    key: str
    assignments: Mapping[str, Assignment]
    bundle: Bundle | None = None

    def assignment(self, name: str) -> Assignment:
        """Return the assignment ``name``. Raises UsageError with the known names."""
        if name not in self.assignments:
            known = ", ".join(self.assignments)
            raise UsageError(f"{self.root}: no assignment {name!r} in this course; it has: {known}")
        return self.assignments[name]

    def exercises(self) -> Iterator[Exercise]:
        """Yield every exercise, assignment by assignment."""
        for assignment in self.assignments.values():
            yield from assignment.exercises

    def seed(self, assignment: Assignment, person: str) -> int | None:
        """Return the seed of the person's own numbers, 63 bits; None where everybody has the same."""
        if not assignment.personal:
            return None
        return self._derived(f"{assignment.id}\0{person}")

    def hidden(self, assignment: Assignment, person: str) -> int:
        """Return the seed of the inputs that only the grader knows, 63 bits; another one for each submission."""
        return self._derived(f"hidden\0{assignment.id}\0{person}")

    def _derived(self, text: str) -> int:
        key = self.key.encode()[:64]
        digest = blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=8).digest()
        return int.from_bytes(digest, "big") >> 1
