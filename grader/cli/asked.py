"""What a student asks to be checked, and checking it once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from grader.cli.courses import Courses
from grader.cli.meant import meant, runnable
from grader.course import Assignment, Course, Exercise, outline
from grader.course.bundles import install
from grader.errors import ExitCode, Problem, UsageError
from grader.importers import Intake, read_one, readable
from grader.model import Batch, CheckScore, Status, Stop, Submission
from grader.pipeline import Workplace, grade

_WRONG = (Status.FAILED, Status.PARTIAL)


@dataclass(frozen=True, slots=True)
class Asked:
    """A hand-in at ``path`` to check, with the course in the folder ``root``. Empty names: whatever fits."""

    root: Path
    path: Path
    assignment: str | None = None
    exercise: str | None = None
    person: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of checking once, and the files that were looked at, by name."""

    assignment: Assignment
    batch: Batch
    files: Mapping[str, Path]

    @property
    def status(self) -> ExitCode:
        """The exit status: whether everything is right."""
        if any(report.stop is Stop.INFRASTRUCTURE for report in self.batch.reports):
            return ExitCode.INFRASTRUCTURE
        full = all(report.points >= report.max_points and not report.pending for report in self.batch.reports)
        wrong = any(one.result.status in _WRONG for one in self._checks)  # one that is worth nothing as well
        return ExitCode.PASSED if full and not wrong else ExitCode.FAILED

    @property
    def _checks(self) -> Iterator[CheckScore]:
        parts = (part for report in self.batch.reports for part in report.exercises)
        return (one for part in parts for criterion in part.criteria for one in criterion.checks)

    @property
    def faults(self) -> list[str]:
        """Why exercises could not be run, where that is the machine's fault: for whom the machine belongs to."""
        parts = (part for report in self.batch.reports for part in report.exercises if part.stop is Stop.INFRASTRUCTURE)
        checks = (check.result.evidence for part in parts for one in part.criteria for check in one.checks)
        return sorted({text for text in checks if text})


def check_once(asked: Asked, workplace: Workplace, courses: Courses | None = None) -> Checked:
    """Return what checking the hand-in gives. Raises UsageError where it is not clear what is meant, CourseError.

    ``courses`` may hold the course from a check before.
    """
    intake = _handed_in(asked, asked.path)
    name, exercises = _meant(asked, intake)
    course = (courses or Courses()).load(asked.root, name, exercises)
    checkable, left_out = _checkable(course, course.assignment(name))
    named = readable(asked.path.resolve().name) if asked.path.is_file() else ""
    inside = asked.path.resolve().is_relative_to(asked.root.resolve())
    if course.bundle and inside and not runnable(file for one in checkable for file in one.files):
        intake, named = _handed_in(asked, asked.root), ""  # what is not run speaks for all that is handed in
    batch = grade(
        course,
        replace(course.assignment(name), late=None),  # a check is no hand-in
        intake.submissions,
        workplace,
        exercises=checkable,
        problems=(*intake.problems, *_of_bundle(course), *left_out),
        named=named,
    )
    files = {file.name: file.path for one in intake.submissions for file in one.files}
    return Checked(course.assignment(name), batch, files)


def _meant(asked: Asked, intake: Intake) -> tuple[str, list[str]]:
    """Return the assignment and exercises meant. Raises UsageError when that is not clear."""
    files = [file.name for one in intake.submissions for file in one.files]
    return meant(asked.root, asked.path, files, outline(asked.root), asked.assignment, asked.exercise)


def _handed_in(asked: Asked, path: Path) -> Intake:
    """Return what lies at ``path``, without what judges it. Raises UsageError when nothing is there."""
    intake = read_one(path, "", asked.person)
    if path.resolve() != asked.root.resolve():
        return intake
    return replace(intake, submissions=tuple(_without_checks(one, asked.root) for one in intake.submissions))


def _without_checks(submission: Submission, root: Path) -> Submission:
    """Return a submission that is a course's whole folder without the files by which is judged: they have its names."""
    judged_by = [(root / name).resolve() for name in ("reference", "rubrics")]
    files = (one for one in submission.files if not any(one.path.is_relative_to(place) for place in judged_by))
    return replace(submission, files=tuple(files))


def _of_bundle(course: Course) -> list[Problem]:
    """Return what is to be said of a bundle whose checks were changed after it was made; it is used all the same."""
    message = "was changed after this bundle was made, so what is said here may be wrong; download it again"
    return [Problem(str(path), message) for path in course.bundle.changed] if course.bundle else []


def _checkable(course: Course, assignment: Assignment) -> tuple[list[Exercise], list[Problem]]:
    """Return the exercises that can be run here, and a problem for each that needs a library which is not installed.

    Only of bundles: elsewhere the rung may bring another Python. Raises UsageError where none can be run.
    """
    missing = {one.id: _not_installed(one) for one in assignment.exercises} if course.bundle else {}
    problems = [
        Problem(f"{assignment.id}/{name}", f"{_needs(found)}: {install(course.root)}")
        for name, found in missing.items()
        if found
    ]
    able = [one for one in assignment.exercises if not missing.get(one.id)]
    if not able:
        raise UsageError("\n".join(map(str, problems)))
    return able, problems


def _needs(missing: list[str]) -> str:
    *others, last = missing
    if not others:
        return f"needs {last}, which is not installed here; install it"
    return f"needs {', '.join(others)} and {last}, which are not installed here; install them"


def _not_installed(exercise: Exercise) -> list[str]:
    names = sorted({name.partition(".")[0] for name in exercise.limits.preload})
    return [name for name in names if find_spec(name) is None]
