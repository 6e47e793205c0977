"""pytest plugin: ``pytest`` in a course's folder does what ``grade validate`` does, one test for each known hand-in.

``pytest course.yaml::sheet3/gradient_step`` does it for one exercise, and ``-n auto --dist loadscope`` of pytest-xdist
for several at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from grader.checks import KINDS
from grader.course import Course, Exercise, load_course
from grader.course.finding import COURSE_FILE
from grader.engines import LocalPool, default_workers
from grader.errors import CourseError
from grader.execution import environment
from grader.pipeline import Workplace
from grader.sandbox import make_sandbox, strongest_rung
from grader.sandbox.base import ClosableSandbox
from grader.store import open_store
from grader.threads import THREADS
from grader.validate import Outcome, outcome_names, validate

_NOT_GRADED = "not graded: the reference has the problems that the first failure of this exercise lists"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CourseFile | None:
    """Collect a course.yaml that stands beside exercises/ and rubrics/; any other file of that name is not ours."""
    folder = file_path.parent
    if file_path.name == COURSE_FILE and (folder / "exercises").is_dir() and (folder / "rubrics").is_dir():
        return CourseFile.from_parent(parent, path=file_path)
    return None


class _Node(pytest.Collector):
    """A part of a course; what is wrong with its files is said without a traceback."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """Return the problems of an author's files as they are."""
        del style
        return str(excinfo.value) if isinstance(excinfo.value, CourseError) else str(excinfo.getrepr())


class CourseFile(_Node, pytest.File):
    """A course: a collector for each exercise."""

    def collect(self) -> Iterator[CourseExercise]:
        """Yield the exercises. Raises CourseError when the course's files have problems."""
        course = load_course(self.path.parent, KINDS)
        for exercise in course.exercises():
            name = f"{exercise.assignment}/{exercise.id}"
            yield CourseExercise.from_parent(self, name=name, file=self, course=course, exercise=exercise)

    @cached_property
    def sandbox(self) -> ClosableSandbox:
        """Where hand-ins run: exercises that preload the same share a warm process."""
        return make_sandbox(strongest_rung())

    def teardown(self) -> None:
        """End the warm processes before tests that are not the course's."""
        made: ClosableSandbox | None = self.__dict__.pop("sandbox", None)
        if made is not None:
            made.close()


class CourseExercise(_Node):
    """An exercise: its known hand-ins are graded together, when the first of its tests runs."""

    def __init__(self, file: CourseFile, course: Course, exercise: Exercise, **node: Any) -> None:
        super().__init__(**node)
        self.file = file
        self.course = course
        self.exercise = exercise
        self._fault: Exception = ComplaintError(_NOT_GRADED)

    def collect(self) -> Iterator[CourseItem]:
        """Yield one test for each known hand-in, by name alone, and the one that every check can be lost."""
        for name in outcome_names(self.exercise):
            yield CourseItem.from_parent(self, name=name)

    @cached_property
    def outcomes(self) -> dict[str, Outcome]:
        """The outcome of every known hand-in, by id; none when the reference has problems: :meth:`fault` says them."""
        sandbox = self.file.sandbox
        with threadpool_limits(THREADS), open_store(None) as store:
            workplace = Workplace(LocalPool(sandbox, _workers()), sandbox.name, environment(), store)
            try:
                return {outcome.id: outcome for outcome in validate(self.course, [self.exercise], workplace)}
            except CourseError as error:
                self._fault = error
                return {}

    def fault(self) -> Exception:
        """Return why nothing was graded: in full the first time, for one of many tests."""
        fault, self._fault = self._fault, ComplaintError(_NOT_GRADED)
        return fault


def _workers() -> int:
    """Return how many hand-ins to run at once: processes of pytest-xdist share the cores."""
    return max(1, default_workers() // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


class CourseItem(pytest.Item):
    """One known hand-in, or the test that every check of an exercise can be lost."""

    parent: CourseExercise

    def runtest(self) -> None:
        """Fail with the complaints about this hand-in, if any. Raises CourseError when the reference has problems."""
        outcome = self.parent.outcomes.get(f"{self.parent.name}: {self.name}")
        if outcome is None:
            raise self.parent.fault()
        if not outcome.passed:
            raise ComplaintError("\n".join(outcome.complaints))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """Return the complaints without a traceback."""
        del style
        return str(excinfo.value) if isinstance(excinfo.value, ComplaintError | CourseError) else str(excinfo.getrepr())

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the place and name under which pytest reports the test."""
        return self.path, 0, f"{self.parent.name}: {self.name}"


class ComplaintError(Exception):
    """A known hand-in was not graded as it should be."""
