"""Pages for students and instructors: one self-contained HTML file each, without scripts.

Everything that comes from a student passes three gates: ``finalize`` takes out what no reader should meet
(control characters, escape sequences, lone surrogates), autoescape makes the rest text, and the content
security policy of the page forbids scripts and requests should both ever fail.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from grader.cost import Board, Cost, Runtime, fits, memory_timeline
from grader.model import Batch, ExerciseReport, Report
from grader.reports import costs, text, wording
from grader.reports.common import RARE, common_answers, exercise_titles, memory_use, time_use
from grader.reports.feedback import check_command, feedback
from grader.reports.items import items
from grader.reports.questions import open_questions
from grader.reports.summary import by_name, summarize

_MARKDOWN = (
    MarkdownIt("commonmark", {"html": False})
    .enable("table")
    .disable(["link", "image", "autolink", "reference", "heading", "lheading"])
)
_MARKDOWN.add_render_rule("th_open", lambda *_: '<th scope="col">')


def student_page(report: Report) -> str:
    """Return the page that a student reads, as HTML. It shows messages, and never evidence or flags."""
    return _render("student.html", report=report)


def class_page(batch: Batch, links: Mapping[str, str]) -> str:
    """Return the instructor's page, as HTML. ``links`` maps a submission's id to the address of its page.

    A submission that ``links`` does not know is listed without a link.
    """
    names = {report.id: ", ".join(wording.person_names(report)) for report in batch.reports}
    return _render(
        "class.html",
        batch=batch,
        summary=summarize(batch),
        items=items(batch),
        answers=common_answers(batch),
        alike=batch.findings.alike_code,
        rare=RARE,
        times=time_use(batch),
        memories=memory_use(batch),
        numbers=[flag for report in by_name(batch.reports) for flag in report.flags if flag.other],
        titles=exercise_titles(batch),
        questions=open_questions(batch),
        reports=by_name(batch.reports),
        links=links,
        names=names,
    )


def cost_page(cost: Cost, board: Board | None, runtime: Runtime) -> str:
    """Return a page on what a network costs: figures, layers, the memory of each step, and how it fits ``board``."""
    fit = fits(cost.deployed_bytes, cost.activation_bytes, board, runtime) if board else {}
    return _render(
        "cost.html", cost=cost, board=board, runtime=runtime, fit=fit, lines=costs, line=memory_timeline(cost, board)
    )


def live_fragment(exercise: ExerciseReport, note: str) -> str:
    """Return one exercise's result as HTML to be shown inside a notebook."""
    return _render("live.html", exercise=exercise, note=note)


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(**values) + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("grader.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "bytes": text.bytes_text,
        "label": text.label,
        "plain": text.plain,
        "prose": _prose,
        "number": text.number,
        "percent": text.percent,
        "readable": text.readable,
        "short_hash": text.short_hash,
        "signed": text.signed,
        "task": _task,
    }
    environment.globals |= {
        "count": text.count,
        "bytes_text": text.bytes_text,
        "seconds_text": text.seconds_text,
        "stops": wording.STOPS,
        "decision_line": wording.decision_line,
        "decided_line": wording.decided_line,
        "member_line": wording.member_line,
        "verdict": wording.verdict,
        "feedback": feedback,
        "check_command": check_command,
        "pending_line": wording.pending_line,
        "late_line": wording.late_line,
        "late_word": wording.late_word,
        "machine_line": wording.machine_line,
        "chart_lines": wording.chart_lines,
        "strip_caption": wording.strip_caption,
        "strip_words": wording.strip_words,
        "ran_on": wording.ran_on,
        "person_names": wording.person_names,
    }
    return environment


def _prose(message: str) -> Markup:
    """Return a message, escaped, with what stands between backticks set as code."""
    parts = re.split(r"`([^`\n]+)`", text.clean(message))
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(part) if odd % 2 else escape(part) for odd, part in enumerate(parts))


def _task(passage: str) -> Markup:
    """Return a passage of the task, an author's Markdown, as HTML: no raw HTML, links, pictures or headings in it."""
    return Markup(_MARKDOWN.render(text.clean(passage)))  # noqa: S704 - HTML is escaped, and it is no student's


def _finalize(value: object) -> object:
    return text.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
