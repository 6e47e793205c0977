"""What can go wrong, and for whom.

    GradeError                    anything this program reports in one sentence, without a traceback
    ├── UsageError                the command line asks for something that is not there       (operator)
    ├── CourseError               the course's own files are wrong; carries all Problems       (author)
    ├── SubmissionError           a hand-in cannot be read; its score is owed to a human       (operator)
    ├── DataError                 a data set's files cannot be read or written                 (operator)
    ├── CostError                 a network has no cost: it does not run, or depends on data  (operator)
    └── SandboxError              confinement or its process failed; the run is tried again    (operator)
        └── ProtocolError         bytes from the untrusted side that are not a valid answer

What is wrong with a *student's answer* is never an exception: it is a ``CheckResult``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit statuses of ``grade``."""

    PASSED = 0
    FAILED = 1
    USAGE = 2
    COURSE = 3
    INFRASTRUCTURE = 4
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input: ``where`` (path, with line and key if known) and ``message``."""

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class GradeError(Exception):
    """Base of everything that is reported in one sentence."""

    exit_code: ExitCode = ExitCode.INFRASTRUCTURE


class UsageError(GradeError):
    """The command line asks for something that is not there."""

    exit_code = ExitCode.USAGE


class CourseError(GradeError):
    """The course's files are wrong; ``problems`` lists everything found, in file order."""

    exit_code = ExitCode.COURSE

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SubmissionError(GradeError):
    """A hand-in cannot be read; ``problem`` says where, what was found and what to do."""

    def __init__(self, where: str, message: str) -> None:
        self.problem = Problem(where, message)
        super().__init__(str(self.problem))


class DataError(GradeError):
    """A data set's files cannot be used; ``problem`` says where, what was found and what to do."""

    exit_code = ExitCode.USAGE

    def __init__(self, where: object, message: str) -> None:
        self.problem = Problem(str(where), message)
        super().__init__(str(self.problem))


class SandboxError(GradeError):
    """Confinement, or the process inside it, failed for a reason that is not the student's."""


class ProtocolError(SandboxError):
    """The untrusted side sent bytes that are not a valid answer to the request."""
