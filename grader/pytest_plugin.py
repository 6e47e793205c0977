"""pytest plugin: ``pytest`` in a course's folder does what ``grade validate`` does, one test for each known hand-in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import cached_property
from pathlib import Path

import pytest

from grader.checks import KINDS
from grader.course import load_course
from grader.course.finding import COURSE_FILE
from grader.engines import LocalPool
from grader.errors import CourseError
from grader.execution import environment
from grader.pipeline import Workplace
from grader.sandbox import make_sandbox, strongest_rung
from grader.store import open_store
from grader.validate import Outcome, outcome_ids, validate


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CourseFile | None:
    """Collect a course.yaml that stands beside exercises/ and rubrics/; any other file of that name is not ours."""
    folder = file_path.parent
    if file_path.name == COURSE_FILE and (folder / "exercises").is_dir() and (folder / "rubrics").is_dir():
        return CourseFile.from_parent(parent, path=file_path)
    return None


class CourseFile(pytest.File):
    """A course: its known hand-ins are graded together, when the first of its tests runs."""

    def collect(self) -> Iterator[CourseItem]:
        """Yield one test for each known hand-in. Raises CourseError when the course's files have problems."""
        for identifier in outcome_ids(load_course(self.path.parent, KINDS)):
            yield CourseItem.from_parent(self, name=identifier)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """Return the course's problems without a traceback."""
        del style
        return str(excinfo.value) if isinstance(excinfo.value, CourseError) else str(excinfo.getrepr())

    @cached_property
    def outcomes(self) -> dict[str, Outcome]:
        """The outcome of every known hand-in, by id."""
        course = load_course(self.path.parent, KINDS)
        with closing(make_sandbox(strongest_rung())) as sandbox, open_store(None) as store:
            workplace = Workplace(LocalPool(sandbox), sandbox.name, environment(), store)
            return {outcome.id: outcome for outcome in validate(course, course.exercises(), workplace)}


class CourseItem(pytest.Item):
    """One known hand-in, or the test that every check of an exercise can be lost."""

    parent: CourseFile

    def runtest(self) -> None:
        """Fail with the complaints about this hand-in, if any."""
        outcome = self.parent.outcomes[self.name]
        if not outcome.passed:
            raise ComplaintError("\n".join(outcome.complaints))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """Return the complaints without a traceback."""
        del style
        return str(excinfo.value) if isinstance(excinfo.value, ComplaintError) else str(excinfo.getrepr())

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the place and name under which pytest reports the test."""
        return self.path, 0, self.name


class ComplaintError(Exception):
    """A known hand-in was not graded as it should be."""
