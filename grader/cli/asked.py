"""What a student asks to be checked: which exercises a path means, and checking them once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from grader.checks import KINDS
from grader.course import Assignment, Course, load_course, outline
from grader.course.loading import RUN_SUFFIXES
from grader.errors import ExitCode, Problem, UsageError
from grader.importers import Intake, read_one, readable
from grader.model import Batch, Stop
from grader.pipeline import Workplace, grade

#: Time of the last change and size of each file; of a folder, when something in it came or went.
Stamp = dict[Path, tuple[int, int]]

#: Exercises by assignment, each with the names that its files may have.
_Known = Mapping[str, Mapping[str, tuple[str, ...]]]


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
        return ExitCode.PASSED if full else ExitCode.FAILED


class Courses:
    """Loads what is asked of a course, and keeps the last while no file changes that it was loaded from.

    What the reference works out is kept with it: who checks again and again does not wait for the same results.
    """

    def __init__(self) -> None:
        self._key: object = None
        self._course: Course | None = None

    def load(self, root: Path, assignment: str, exercises: Sequence[str]) -> Course:
        """Return the course in ``root``, with these exercises alone. Raises CourseError, UsageError."""
        key = (root, assignment, tuple(exercises), stamp(_sources(root, assignment, exercises)))
        if self._course is None or key != self._key:
            self._course = load_course(root, KINDS, [f"{assignment}/{one}" for one in exercises])
            self._key = key
        return self._course


def _sources(root: Path, assignment: str, exercises: Sequence[str]) -> list[Path]:
    """Return the files that a part of a course is loaded from, but for hand-ins that are known."""
    folders = [root / "exercises" / assignment / one for one in exercises]
    found = [path for folder in folders for pattern in ("*.yaml", "*.md") for path in folder.glob(pattern)]
    found += [root / "rubrics" / assignment / f"{one}.yaml" for one in exercises]
    return [*root.glob("*.yaml"), *root.glob("*.csv"), *(root / "reference" / assignment).glob("*.py"), *found]


def check_once(asked: Asked, workplace: Workplace, courses: Courses | None = None) -> Checked:
    """Return what checking the hand-in gives. Raises UsageError where it is not clear what is meant, CourseError.

    ``courses`` may hold the course from a check before.
    """
    intake = read_one(asked.path, "", asked.person)
    name, exercises = _meant(asked, outline(asked.root), intake)
    course = (courses or Courses()).load(asked.root, name, exercises)
    batch = grade(
        course,
        replace(course.assignment(name), late=None),  # a check is no hand-in
        intake.submissions,
        workplace,
        problems=(*intake.problems, *_of_bundle(course)),
        named=readable(asked.path.resolve().name) if asked.path.is_file() else "",
    )
    files = {file.name: file.path for one in intake.submissions for file in one.files}
    return Checked(course.assignment(name), batch, files)


def _of_bundle(course: Course) -> list[Problem]:
    """Return what is to be said of a bundle whose checks were changed after it was made; it is used all the same."""
    message = "was changed after this bundle was made, so what is said here may be wrong; download it again"
    return [Problem(str(path), message) for path in course.bundle.changed] if course.bundle else []


def _meant(asked: Asked, known: _Known, intake: Intake) -> tuple[str, list[str]]:
    """Return the assignment and exercises meant, one for a file. Raises UsageError when the names do not tell."""
    path, is_file = asked.path, asked.path.is_file()
    if is_file and path.suffix.lower() not in RUN_SUFFIXES:
        raise UsageError(f"{path}: is neither a notebook (.ipynb) nor a module (.py); name the file with your work")
    if asked.assignment is not None and asked.assignment not in known:
        raise UsageError(f"{asked.root}: no assignment {asked.assignment!r} in this course; it has: {', '.join(known)}")
    files = [path.name] if is_file else [file.name for one in intake.submissions for file in one.files]
    names = {PurePosixPath(name).name for name in files}
    candidates = {asked.assignment: known[asked.assignment]} if asked.assignment else known
    if asked.exercise:
        fitting = {one: [e for e in exercises if e == asked.exercise] for one, exercises in candidates.items()}
    else:
        fitting = {one: [e for e in exercises if names & set(exercises[e])] for one, exercises in candidates.items()}
    found = [(one, exercises) for one, exercises in fitting.items() if exercises]
    every = [(one, list(exercises)) for one, exercises in candidates.items()]
    if asked.exercise and not found:
        raise UsageError(f"{asked.root}: no exercise {asked.exercise!r}; there are: {_listed(every)}")
    if len(every) == 1 and not found:
        found = every
    if len(found) == 1 and (len(found[0][1]) == 1 or not is_file):
        return found[0]
    which = _listed(found) or "none"
    hint = f"name one of {_listed(every)} with --assignment and --exercise"
    raise UsageError(f"{path}: exercises that fit: {which}; {hint}")


def stamp(paths: Iterable[Path]) -> Stamp:
    """Return by what a change of any of these files is seen."""
    found = {}
    for path in paths:
        try:
            status = path.stat()
        except OSError:  # gone; it may come back
            found[path] = (0, -1)
        else:
            found[path] = (status.st_mtime_ns, status.st_size)
    return found


def _listed(exercises: list[tuple[str, list[str]]]) -> str:
    return ", ".join(f"{assignment}/{exercise}" for assignment, some in exercises for exercise in some)
