"""What a student reads, as plain text: for feedback files of an LMS, comments and mail.

It says what the page says, without what is there for looking up: printed output, tracebacks and provenance.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import TextWrapper

from grader.model import CheckScore, ExerciseReport, Report
from grader.reports import wording
from grader.reports.feedback import Feedback, check_command, feedback
from grader.reports.text import label, number, plain

#: Columns of a line; only what is kept as it is, such as a table of numbers or a command, may be wider.
WIDTH = 79


def student_text(report: Report) -> str:
    """Return the report for its student. Symbols are ASCII, and nothing in it steers a terminal."""
    return "\n".join(line.rstrip() for line in _report(report)) + "\n"


def _report(report: Report) -> Iterator[str]:
    yield label(plain(report.title))
    yield from _wrapped(", ".join(label(plain(name)) for name in wording.person_names(report)))
    yield f"{number(report.points)} of {number(report.max_points)} points"
    for line in (wording.pending_line(report), wording.late_line(report)):
        yield from _wrapped(line)
    for problem in report.problems:
        yield from _wrapped(f"{label(problem.where)}: {problem.message}")
    for exercise in report.exercises:
        yield from _exercise(report, exercise)


def _exercise(report: Report, exercise: ExerciseReport) -> Iterator[str]:
    yield from ("", "")
    yield _row(label(plain(exercise.title)), _of(exercise.points, exercise.max_points))
    yield "=" * WIDTH
    if exercise.file:
        yield f"Graded from {label(plain(exercise.file))}"
    yield from _wrapped(exercise.note)
    for criterion, checks in feedback(exercise):
        yield ""
        yield _row(label(plain(criterion.title)), _of(criterion.points, criterion.max_points))
        yield "-" * WIDTH
        for told in checks:
            yield from _check(told)
    if exercise.errors:
        yield from ("", "Errors that the code raised:")
        for error in exercise.errors:
            yield from _wrapped(str(error), "  ")
    command = check_command(report, exercise)
    if command:
        yield from ("", "To check this file again:", f"  {command}")


def _check(told: Feedback) -> Iterator[str]:
    check = told.check
    name = f"{told.verdict.ascii} {label(plain(check.result.id))}  {told.verdict.word}"
    yield _row(name, _of(_settled(check), check.max_points))
    for block in told.lines():
        if block.kind in {"lines", "task"}:
            prefix = "    | " if block.kind == "task" else "      "
            for line in plain(block.text).expandtabs(4).split("\n"):
                yield from _wrapped(line, prefix) if block.kind == "task" else [prefix + line]
        else:
            yield from _wrapped(block.text, "    ")


def _settled(check: CheckScore) -> float | None:
    return None if check.owed else check.points


def _of(points: float | None, max_points: float) -> str:
    return f"{'-' if points is None else number(points)} of {number(max_points)}"


def _row(words: str, aside: str) -> str:
    return f"{words[: WIDTH - len(aside) - 2]:<{WIDTH - len(aside)}}{aside}"


def _wrapped(message: str, prefix: str = "") -> Iterator[str]:
    wrapper = TextWrapper(WIDTH, initial_indent=prefix, subsequent_indent=prefix, break_on_hyphens=False)
    for line in plain(message).expandtabs(4).split("\n"):
        yield from wrapper.wrap(line)
