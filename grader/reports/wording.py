"""What reports say: the words for outcomes, the same on pages and in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from textwrap import dedent
from typing import Literal

from grader.model import (
    Batch,
    Chart,
    CheckResult,
    CheckScore,
    Decision,
    Environment,
    ExerciseReport,
    Report,
    Status,
    Stop,
    Strip,
)
from grader.overrides import amount_text, place_text
from grader.reports.text import clean, count, duration, label, number

Tone = Literal["right", "partial", "wrong", "quiet", "owed"]

#: How a run ended, in words for a table; nothing to say when it finished.
STOPS = {
    Stop.FINISHED: "",
    Stop.TIMEOUT: "time limit",
    Stop.MEMORY: "memory limit",
    Stop.KILLED: "ended early",
    Stop.INFRASTRUCTURE: "machine fault",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A check's outcome for a reader: a word, a symbol (Unicode and ASCII) and a tone of colour."""

    word: str
    symbol: str
    ascii: str
    tone: Tone


_VERDICTS = {
    Status.PASSED: Verdict("Right", "✓", "+", "right"),
    Status.PARTIAL: Verdict("Partly right", "◐", "~", "partial"),
    Status.FAILED: Verdict("Not right", "✗", "x", "wrong"),
    Status.SKIPPED: Verdict("Not judged", "○", "-", "quiet"),
    Status.ERROR: Verdict("Still to be graded", "…", "?", "owed"),
}
_FOR_PERSON = Verdict("To be marked by a person", "…", "?", "owed")
_UNANSWERED = Verdict("No answer", "□", "-", "quiet")
_FOLLOWED = Verdict("Right, given your earlier answer", "✓", "+", "right")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a message: running ``text``, a ``hint`` that names a mistake, or ``lines`` kept as is.

    Also what was ``asked``, and the words of the ``task`` in Markdown.
    """

    kind: Literal["text", "hint", "lines", "asked", "task"]
    text: str


def verdict(result: CheckResult) -> Verdict:
    """Return the words for a check's outcome."""
    if result.for_person:
        return _FOR_PERSON
    if result.unanswered:
        return _UNANSWERED
    followed = result.follow_through and result.status in {Status.PASSED, Status.PARTIAL}
    return _FOLLOWED if followed else _VERDICTS[result.status]


def outcome(score: CheckScore) -> Verdict:
    """Return the words for the outcome of a check, a person's decision included."""
    if score.decision is None or score.owed:
        return verdict(score.result)
    status = Status.PASSED if score.points >= score.max_points else Status.PARTIAL if score.points else Status.FAILED
    return replace(_VERDICTS[status], word="Decided by a person")


def decision_line(one: Decision | None) -> str:
    """Return what a student reads of a person's decision; empty where nobody decided."""
    if one is None:
        return ""
    return "Decided by a person." if one.private else f"Decided by a person: {one.reason}"


def member_line(one: Decision, max_points: float) -> str:
    """Return what a group reads of a decision for one of them."""
    return f"For {one.member}: {number(one.amount(max_points))} of {number(max_points)} points. {decision_line(one)}"


def decided_line(one: Decision) -> str:
    """Return what an instructor reads of a decision: on what, by whom, when, in place of what, and why."""
    computed = "" if one.computed is None else f"; computed: {number(one.computed)}"
    before = "" if one.computed is None or abs(one.computed - one.was) < 5e-7 else f", {number(one.was)} when decided"
    when = one.made.strftime("%Y-%m-%d %H:%M")
    private = " (not told to the student)" if one.private else ""
    return f"{place_text(one)}: {amount_text(one)}, by {one.who} on {when}{computed}{before}. {one.reason}{private}"


def message_blocks(result: CheckResult) -> tuple[Block, ...]:
    """Return the student's message in pieces; a kind word about follow-through when there is no message."""
    blocks = list(_blocks(clean(result.message)))
    hinted = any(block.kind == "hint" for block in blocks)
    if result.misconception and blocks and not hinted:
        blocks[0] = Block("hint", blocks[0].text)
    if not blocks and result.follow_through and result.fraction >= 1:
        blocks.append(Block("text", "The earlier slip is not charged twice."))
    return tuple(blocks)


def _blocks(message: str) -> Iterator[Block]:
    for part in message.split("\n\n"):
        lines = part.strip("\n").split("\n")
        # A sentence above a table of numbers reads better outside it.
        while lines and (len(lines) == 1 or lines[0].rstrip().endswith((".", ":"))):
            first = lines.pop(0).strip()
            if first:
                yield Block("hint" if first.startswith("This looks like") else "text", first)
        if lines:
            yield Block("lines", dedent("\n".join(lines)))


_CELLS = {".": "right", "x": "not right", "o": "partly right"}
_MOST_SPOKEN = 60


def strip_caption(strip: Strip, message: str = "") -> str:
    """Return what a strip shows, without what the ``message`` beside it has said already."""
    count = f"{strip.wrong} of {prod(strip.shape)} elements differ"
    where = "Where it differs" if count in message else f"{count}, the first at index {list(strip.first)}"
    each = "" if strip.whole else f"; each cell stands for several elements of the array of shape {strip.shape}"
    return f"{where}{each}."


def strip_words(strip: Strip) -> str:
    """Return the cells of a strip in words, row by row, for those who cannot see it; its caption where it is large."""
    if sum(map(len, strip.rows)) > _MOST_SPOKEN:
        return strip_caption(strip)
    rows = (", ".join(_CELLS[cell] for cell in row) for row in strip.rows)
    return "; ".join(rows) + "."


def strip_lines(strip: Strip, message: str) -> tuple[str, str]:
    """Return the caption of a strip with its legend, and the strip as lines of ASCII."""
    used = "".join(strip.rows)
    legend = ", ".join(f"{cell} {word}" for cell, word in _CELLS.items() if cell in used)
    apart = " " if len(strip.rows[0]) <= _MOST_SPOKEN // 2 else ""
    caption = strip_caption(strip, message).removesuffix(".")
    return f"{caption} ({legend}):", "\n".join(apart.join(row) for row in strip.rows)


def chart_lines(chart: Chart) -> tuple[str, ...]:
    """Return what a chart shows, a sentence for each line."""
    return tuple(
        f"`{label(chart.title)}` of {label(line.name)}: "
        f"{count(line.points[-1][0], 'value')}, from {line.points[0][1]:.4g} to {line.points[-1][1]:.4g}."
        for line in chart.lines
    )


def owed_checks(exercise: ExerciseReport) -> tuple[str, ...]:
    """Return what of an exercise is still to be graded: ids of checks, and titles of criteria without."""
    if not exercise.pending:
        return ()
    owed: list[str] = []
    for criterion in (one for one in exercise.criteria if one.pending):
        names = [check.result.id for check in criterion.checks if check.owed]
        owed += names or [criterion.title]
    return tuple(owed or [exercise.title])


def pending_line(report: Report) -> str:
    """Return why the points are provisional, as one sentence; empty when they are not."""
    amount = sum(len(owed_checks(exercise)) for exercise in report.exercises)
    if not report.pending:
        return ""
    if not amount:
        return "Provisional: a part is still to be graded."
    return f"Provisional: {count(amount, 'check')} {'is' if amount == 1 else 'are'} still to be graded."


def late_line(report: Report) -> str:
    """Return by how much a hand-in came late and what that costs, as one sentence; empty when it was in time."""
    if report.late_seconds <= 0:
        return "Handed in late; by how much is not known." if report.late_question else ""
    late = f"Handed in {duration(report.late_seconds)} after the deadline"
    if report.late_question:
        return f"{late}; a person decides whether it counts."
    if report.penalty <= 0:
        return f"{late}."
    earned = report.points + report.penalty
    return f"{late}: {number(report.penalty)} of the {number(earned)} points earned are taken off."


def late_word(report: Report) -> str:
    """Return that a hand-in came late, in words for a table; empty when it was in time."""
    taken = f" (-{number(report.penalty)})" if report.penalty > 0 else ""
    return f"late{taken}" if report.late_seconds > 0 else "late?" if report.late_question else ""


def machine_line(machine: Environment) -> str:
    """Return what something ran on, as one line: Python, libraries, threads, system and processor."""
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages)
    parts = (f"Python {machine.python}", packages, f"{count(machine.threads, 'thread')} each", machine.platform)
    return "; ".join(part for part in parts if part)


def ran_on(batch: Batch) -> tuple[str, ...]:
    """Return on which rung of confinement and which machine the runs of a batch were made: each only once."""
    exercises = [exercise for report in batch.reports for exercise in report.exercises if exercise.provenance]
    lines = [
        f"Isolation {exercise.isolation or 'none'}; {machine_line(exercise.provenance.machine)}"
        for exercise in exercises
        if exercise.provenance and exercise.provenance.machine
    ]
    return tuple(dict.fromkeys(lines))


def person_names(report: Report) -> tuple[str, ...]:
    """Return who handed in; the submission's id when nobody is named."""
    return report.people or (report.id,)
