"""A course that is checked against again and again: read once, and again when a file of its changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from grader.checks import KINDS
from grader.course import Course, load_course

#: Time of the last change and size of each file; of a folder, when something in it came or went.
Stamp = dict[Path, tuple[int, int]]


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
