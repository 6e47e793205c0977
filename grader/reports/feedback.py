"""What a student is told about each check, the same on pages, in plain text and in the terminal.

Where a check lost something: what was asked, the passage of the task, where the answer differs, and a hint.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from grader.model import CheckScore, CriterionScore, ExerciseReport, Passage, Report
from grader.reports.text import label, plain, readable
from grader.reports.wording import Block, Verdict, chart_lines, message_blocks, outcome, strip_lines

#: What is judged by each kind of check; by a course's own kinds, the subject itself.
_ASKED = {
    "value": "the value `{}`",
    "sealed": "the value `{}`",
    "sealed_call": "`{}`, called with inputs of this bundle",
    "call": "`{}`, called with inputs that only the grader knows",
    "gradient": "the gradient `{}`",
    "model": "the model `{}`",
    "accuracy": "`{}`, on data that only the grader has",
    "cost": "`{}`, of what a network costs",
    "curve": "a training history: `{}`",
    "figure": "a figure: `{}`",
    "formula": "the formula `{}`",
    "choice": "the answers `{}`",
    "text": "the written answer `{}`",
    "source": "what stands in the source: `{}`",
    "pytest": "tests that run your code: `{}`",
    "runs": "whether the whole file runs: `{}`",
    "files": "what is handed in: `{}`",
    "declaration": "the declaration `{}`",
}
#: What comes before the path that a student knows, of a file in an archive that was handed in.
_PACKED = re.compile(r".*\.(?:zip|tar|tgz|tar\.\w+)/", re.IGNORECASE | re.DOTALL)
#: Lines of Markdown that begin something: code, list items, table rows, quotes and headings.
_BEGINS = re.compile(r" {4}|\s*(?:[-*+>#|]|\d+[.)]\s)")


@dataclass(frozen=True, slots=True)
class Feedback:
    """One check for its student.

    ``asked`` is empty where nothing was lost; otherwise it leads over to the ``passage``, if there is one: it is None
    where the task does not name the check, and ``repeated`` where another check of the exercise has quoted it already.
    """

    check: CheckScore
    verdict: Verdict
    asked: str
    passage: Passage | None
    repeated: bool
    blocks: tuple[Block, ...]

    @property
    def mistake(self) -> str:
        """Which known mistake was recognised; empty where none was."""
        found = self.check.result.misconception
        return f"Recognised: {readable(found)}" if found else ""

    def lines(self) -> Iterator[Block]:
        """Yield everything in order, for readers without pictures."""
        if self.asked:
            yield Block("asked", self.asked)
        if self.passage is not None and not self.repeated:
            yield Block("task", _reflowed(self.passage.text))
        if self.mistake:
            yield Block("hint", self.mistake)
        yield from self.blocks
        if self.check.result.strip:
            caption, rows = strip_lines(self.check.result.strip, self.check.result.message)
            yield Block("text", caption)
            yield Block("lines", rows)
        if self.check.result.chart:
            yield Block("text", "\n".join(chart_lines(self.check.result.chart)))


def feedback(exercise: ExerciseReport) -> tuple[tuple[CriterionScore, tuple[Feedback, ...]], ...]:
    """Return every criterion of an exercise with the feedback on its checks."""
    quoted: set[Passage] = set()
    return tuple(
        (criterion, tuple(_feedback(check, quoted) for check in criterion.checks)) for criterion in exercise.criteria
    )


def _feedback(check: CheckScore, quoted: set[Passage]) -> Feedback:
    passage = check.passage
    repeated = passage in quoted
    if passage is not None:
        quoted.add(passage)
    blocks = message_blocks(check.result)
    return Feedback(check, outcome(check), _asked(check, repeated=repeated), passage, repeated, blocks)


def _asked(check: CheckScore, *, repeated: bool) -> str:
    if not check.subject:
        return ""
    asked = f"Asked: {_ASKED.get(check.result.kind, '`{}`').format(check.subject)}."
    if check.passage is None:
        return asked
    place = f"The task, under “{label(check.passage.heading)}”" if check.passage.heading else "The task"
    return f"{asked} {place}, as quoted above." if repeated else f"{asked} {place}:"


def _reflowed(markdown: str) -> str:
    """Return Markdown with each of its paragraphs on one line, to be wrapped by who shows it."""
    if "```" in markdown:
        return markdown
    lines: list[str] = []
    for line in markdown.split("\n"):
        goes_on = lines and lines[-1].strip() and line.strip() and not _BEGINS.match(line)
        if goes_on and not lines[-1].startswith(("    ", "|")):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    return "\n".join(lines)


def check_command(report: Report, exercise: ExerciseReport) -> str:
    """Return the command that checks an exercise's file again; empty where nothing was graded.

    It is quoted for a shell, and names what personal numbers and hidden inputs depend on. A name
    that cannot be shown as it is would not be the same when it is copied: then there is no command either.
    """
    person = report.key or report.id
    name = _PACKED.sub("", exercise.file)
    words = (name, report.assignment, exercise.id, person)
    if not name or any(not word.isprintable() or plain(word) != word or len(word) > 160 for word in words):
        return ""
    file = f"./{name}" if name.startswith("-") else name
    options = f"--assignment={report.assignment}", f"--exercise={exercise.id}", f"--person={person}"
    return shlex.join(["grade", "check", file, *options])
