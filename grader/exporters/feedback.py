"""What a student gets back through a platform: files, and a comment beside the mark."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping

from grader.model import CheckScore, Report
from grader.reports import student_page, student_text
from grader.reports.text import number, plain
from grader.reports.wording import decision_line, late_line, member_line, message_blocks, outcome

_OPEN, _CLOSE = "<div class=grade-feedback>", "</div>"
# As written here, and as an editor or a purifier of HTML may have written it since.
_OURS = re.compile(r'<div class=["\']?grade-feedback["\']?>.*?</div>', re.DOTALL)


def feedback_files(report: Report) -> Mapping[str, str]:
    """Return the files for whoever handed in, by name."""
    return {"feedback.html": student_page(report), "feedback.txt": student_text(report)}


def comment(report: Report) -> str:
    r"""Return the feedback as a piece of HTML on one line: points, and what was not right.

    It holds no quote and no ``\``: programs that read CSV do not agree on what these mean together.
    """
    lines = [f"<p>{number(report.points)} of {number(report.max_points)} points</p>"]
    members = [member_line(one, report.max_points) for one in report.member_decisions]
    lines += [f"<p>{_text(line)}</p>" for line in (late_line(report), decision_line(report.decision), *members) if line]
    for exercise in report.exercises:
        title = f"<p><b>{_text(exercise.title)}</b>: {number(exercise.points)} of {number(exercise.max_points)}"
        lines.append(f"{title}{f'. {_text(exercise.note)}' if exercise.note else ''}</p>")
        decisions = (exercise.decision, *(criterion.decision for criterion in exercise.criteria))
        lines += [f"<p>{_text(decision_line(one))}</p>" for one in decisions if one]
        checks = [check for criterion in exercise.criteria for check in criterion.checks]
        lost = [check for check in checks if check.decision or not check.result.clean]
        items = "".join(f"<li>{' '.join(_sentences(check))}</li>" for check in lost)
        lines += [f"<ul>{items}</ul>"] if items else []
    return f"{_OPEN}{''.join(lines)}{_CLOSE}"


def with_comment(present: str, ours: str) -> str:
    """Return the cell's text with our comment in place of an earlier one; what a person wrote there stays."""
    others = _OURS.sub("", present).strip().replace('\\"', "\\&quot;")
    return f"{others} {ours}" if others else ours


def _sentences(check: CheckScore) -> Iterator[str]:
    yield f"{_text(check.result.id)} ({number(check.points)} of {number(check.max_points)}):"
    yield _text(decision_line(check.decision)) or f"{_text(outcome(check).word)}."
    # Lines that are kept as they are hold tables, which the page shows.
    yield from (_text(block.text) for block in message_blocks(check.result) if block.kind != "lines")


def _text(text: str) -> str:
    escaped = html.escape(" ".join(plain(text).split())).replace("\\", "&#92;")
    return re.sub("`([^`]+)`", r"<code>\1</code>", escaped)
