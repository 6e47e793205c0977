"""GitHub Actions: annotations beside the code, and the summary of a step.

Source: GitHub's documentation, "Workflow commands for GitHub Actions", and the limits of annotations and summaries.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from grader.exporters.exports import Export, Settings
from grader.model import CheckScore, ExerciseReport, Report, Status
from grader.reports.text import count, number, plain
from grader.reports.wording import late_line, message_blocks, outcome, pending_line, person_names
from grader.store import Grading

#: A step shows this many annotations of a kind; the last of ours says how many more there are.
MOST_OF_A_KIND = 10
MAX_SUMMARY_BYTES = 1024**2
_CUT = "\nThe rest does not fit into a summary.\n"
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~@:])")


def github(grading: Grading, settings: Settings) -> Export:
    """Return the annotations as lines for standard output, and the summary as Markdown of at most 1 MiB."""
    del settings
    reports = [entry.report for entry in grading.entries]
    summary = cut(f"# {_markdown(grading.title)}\n", (_section(report) for report in reports))
    lines = tuple(_annotations(reports))
    return Export({"summary.md": summary}, f"{count(len(reports), 'submission')}.", lines=lines)


def cut(head: str, sections: Iterable[str], limit: int = MAX_SUMMARY_BYTES) -> bytes:
    """Return as many whole sections as fit into ``limit`` bytes, and a sentence where not all do."""
    data = head.encode()
    for section in sections:
        more = section.encode()
        if len(data) + len(more) > limit - len(_CUT):
            return data + _CUT.encode()
        data += more
    return data


def _annotations(reports: Iterable[Report]) -> Iterator[str]:
    found: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    for report in reports:
        for exercise in report.exercises:
            for criterion in exercise.criteria:
                for check in criterion.checks:
                    if kind := _kind(check):
                        found[kind].append(_annotation(kind, report, exercise, check))
    for kind, lines in found.items():
        if len(lines) <= MOST_OF_A_KIND:
            yield from lines
        else:
            yield from lines[: MOST_OF_A_KIND - 1]
            yield f"::{kind}::{len(lines) - MOST_OF_A_KIND + 1} more are in the summary"


def _kind(check: CheckScore) -> str:
    if check.owed:
        return "notice"
    if check.fraction >= 1:
        return ""
    partial = check.result.status is Status.PARTIAL if check.decision is None else check.points > 0
    return "warning" if partial else "error"


def _annotation(kind: str, report: Report, exercise: ExerciseReport, check: CheckScore) -> str:
    title = f"{report.id}, {exercise.title}: {check.result.id}"
    points = f"{number(check.points)} of {number(check.max_points)}"
    blocks = [block.text for block in message_blocks(check.result)]
    message = "\n".join([f"{outcome(check).word} ({points}).", *blocks])
    file = f"file={_property(exercise.file)}," if exercise.file else ""
    return f"::{kind} {file}title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _section(report: Report) -> str:
    names = ", ".join(person_names(report))
    lines = [f"\n## {_markdown(names)}: {number(report.points)} of {number(report.max_points)}\n"]
    notes = (pending_line(report), late_line(report))
    lines += [f"{_markdown(note)}\n" for note in notes if note]
    lines += ["| exercise | check | points | |", "|---|---|---|---|"]
    for exercise in report.exercises:
        for criterion in exercise.criteria:
            lines += [_row(exercise, check) for check in criterion.checks]
    return "\n".join(lines) + "\n"


def _row(exercise: ExerciseReport, check: CheckScore) -> str:
    said = [outcome(check).word] + [block.text for block in message_blocks(check.result) if block.kind != "lines"]
    points = f"{number(check.points)} of {number(check.max_points)}"
    return f"| {_markdown(exercise.title)} | {_markdown(check.result.id)} | {points} | {_markdown('. '.join(said))} |"


def _markdown(text: str) -> str:
    r"""Return text that Markdown shows as it is: on one line, and everything that could mean something behind ``\``."""
    return html.escape(_SPECIAL.sub(r"\\\1", " ".join(plain(text).split())), quote=False)
