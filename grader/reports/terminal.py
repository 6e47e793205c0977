"""Reports in a terminal: a student's own result, and an instructor's view of a batch.

Text from students is cleaned and passed as ``rich.text.Text``, so that neither escape sequences nor markup in
it have an effect. On a terminal without Unicode the symbols are ASCII and other characters become ``?``.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from grader.model import Batch, CriterionScore, Decision, ExerciseReport, Report
from grader.reports import wording
from grader.reports.feedback import Feedback, feedback
from grader.reports.summary import Concern, Summary, by_name, summarize
from grader.reports.text import count, label, number, percent, plain, readable

_STYLES = {"right": "green", "partial": "yellow", "wrong": "red", "quiet": "dim", "owed": "blue"}
_BLOCK_STYLES = {"hint": "yellow", "asked": "dim", "task": "dim"}
#: Of a larger batch only the submissions that need a human are listed; the class page has them all.
MOST_ROWS = 40


def print_report(console: Console, report: Report) -> None:
    """Print what a student gets from ``grade check``: every check with its state and message, and totals."""
    for exercise in report.exercises:
        _print_exercise(console, exercise)
    for problem in report.problems:
        _say(console, f"{problem.where}: {problem.message}", "red")
    for line in (wording.late_line(report), wording.pending_line(report)):
        if line:
            _say(console, line, "blue")
    _say(console, f"Total: {_of(report.points, report.max_points)} points", "bold")
    _print_decision(console, report.decision)
    for one in report.member_decisions:
        _say(console, wording.member_line(one, report.max_points))


def print_changes(console: Console, before: Report, now: Report) -> None:
    """Print what differs between two reports on the same hand-in: checks, errors and notes; then the points."""
    earlier = {exercise.id: exercise for exercise in before.exercises}
    for exercise in now.exercises:
        _print_differences(console, earlier.get(exercise.id), exercise)
    for problem in now.problems:
        if problem not in before.problems:
            _say(console, f"{problem.where}: {problem.message}", "red")
    change = now.points - before.points
    words = f" ({change:+g})" if change else ", as before"
    _say(console, f"Total: {_of(now.points, now.max_points)} points{words}", "bold")


def _print_differences(console: Console, before: ExerciseReport | None, now: ExerciseReport) -> None:
    scores = {} if before is None else {told.check.result.id: told.check for told in _told(before)}
    changed = [told for told in _told(now) if told.check != scores.get(told.check.result.id)]
    errors = [error for error in now.errors if before is None or str(error) not in map(str, before.errors)]
    if now.note and (before is None or now.note != before.note):
        _say(console, now.note, "yellow")
    for told in changed:
        _print_check(console, told)
    for error in errors:
        _say(console, str(error), "red")


def _told(exercise: ExerciseReport) -> list[Feedback]:
    return [told for _, checks in feedback(exercise) for told in checks]


def print_batch(console: Console, batch: Batch, pages: Path | None = None) -> None:
    """Print an instructor's summary: the numbers, means, submissions, and last what needs a human.

    ``pages`` is the class page, named at the end if there is one.
    """
    summary = summarize(batch)
    _heading(console, batch.title or batch.assignment, "")
    _say(console, _numbers(summary))
    if summary.criteria:
        console.print(_criteria_table(console, summary))
    if summary.mistakes:
        console.print(_mistakes_table(console, summary))
    if batch.reports:
        _print_submissions(console, batch)
    _print_decisions(console, batch)
    _print_concerns(console, batch, summary)
    if pages is not None:
        console.print(_text(console, f"Pages: {pages}"), soft_wrap=True)


def _print_exercise(console: Console, exercise: ExerciseReport) -> None:
    _heading(console, exercise.title, _of(exercise.points, exercise.max_points))
    _print_decision(console, exercise.decision)
    if exercise.note:
        _say(console, exercise.note, "yellow")
    for criterion, checks in feedback(exercise):
        _print_criterion(console, criterion, checks)
    for error in exercise.errors:
        _say(console, str(error), "red")
    console.print()


def _print_criterion(console: Console, criterion: CriterionScore, checks: tuple[Feedback, ...]) -> None:
    line = Table.grid(expand=True)
    line.add_column(ratio=1)
    line.add_column(justify="right", no_wrap=True)
    line.add_row(
        _text(console, label(criterion.title), "bold"),
        _text(console, _of(criterion.points, criterion.max_points), "bold"),
    )
    console.print(line)
    _print_decision(console, criterion.decision)
    for told in checks:
        _print_check(console, told)


def _print_check(console: Console, told: Feedback) -> None:
    check, outcome = told.check, told.verdict
    style = _STYLES[outcome.tone]
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column(width=1)
    line.add_column(ratio=1)
    line.add_column(justify="right", no_wrap=True)
    name = _text(console, label(plain(check.result.id)), "bold")
    line.add_row(
        Text(outcome.symbol if _unicode(console) else outcome.ascii, style),
        Text.assemble(name, "  ", (outcome.word, style)),
        _text(console, _of(None if check.owed else check.points, check.max_points)),
    )
    console.print(Padding(line, (0, 0, 0, 2)))
    # Who has not answered yet, needs no more here than the list of what is left to do.
    for block in told.blocks if check.result.unanswered else told.lines():
        _print_block(console, block)
    _print_decision(console, check.decision, 4)


def _print_decision(console: Console, one: Decision | None, indent: int = 0) -> None:
    if one is not None:
        console.print(Padding(_text(console, wording.decision_line(one)), (0, 0, 0, indent)))


def _print_block(console: Console, block: wording.Block) -> None:
    if block.kind == "task" and "|---" in block.text.replace(" ", "") and _unicode(console):
        from rich.markdown import Markdown  # noqa: PLC0415 - few passages hold a table

        console.print(Padding(Markdown(plain(block.text), style="dim", hyperlinks=False), (0, 0, 0, 6)))
        return
    text = _text(console, block.text, _BLOCK_STYLES.get(block.kind, ""))
    # A row of numbers that is too long is folded, because cropping would lose the end of it.
    text.overflow = "fold"
    console.print(Padding(text, (0, 0, 0, 6 if block.kind == "task" else 4)))


def _numbers(summary: Summary) -> str:
    head = f"{count(summary.submissions, 'submission')}, {summary.pending} pending."
    if summary.median is None or summary.mean is None or summary.best is None:
        return head
    return (
        f"{head} Median {number(summary.median)}, mean {number(summary.mean)}, "
        f"highest {_of(summary.best, summary.max_points)} points."
    )


def _criteria_table(console: Console, summary: Summary) -> Table:
    table = _table(console, "Criterion", "Mean", "Share")
    for row in summary.criteria:
        mean = "-" if row.mean is None else _of(row.mean, row.max_points)
        share = percent(row.mean / row.max_points) if row.mean is not None and row.max_points else "-"
        table.add_row(_text(console, label(row.title)), mean, _text(console, share.replace("\u00a0", " ")))
    return table


def _mistakes_table(console: Console, summary: Summary) -> Table:
    table = _table(console, "Recognised mistake", "Submissions")
    for mistake in summary.mistakes:
        name = f"{readable(mistake.misconception)} (at {mistake.check})"
        table.add_row(_text(console, name), str(len(mistake.submissions)))
    return table


def _print_submissions(console: Console, batch: Batch) -> None:
    reports = by_name(batch.reports)
    shown = reports if len(reports) <= MOST_ROWS else [r for r in reports if r.pending or r.flags or r.problems]
    table = _table(console, "Submission", "Points", "State")
    for report in shown[:MOST_ROWS]:
        state = ["pending" if report.pending else "graded", wording.STOPS[report.stop]]
        state += [wording.late_word(report)]
        name = label(plain(", ".join(wording.person_names(report))), 60)
        points = _of(report.points, report.max_points)
        table.add_row(_text(console, name), points, ", ".join(filter(None, state)))
    if shown:
        console.print(table)
    hidden = len(reports) - len(shown[:MOST_ROWS])
    if hidden:
        _say(console, f"{count(hidden, 'submission')} not listed here; the class page has them all.", "dim")


def _print_decisions(console: Console, batch: Batch) -> None:
    found = [(report, one) for report in by_name(batch.reports) for one in report.decisions]
    if not found:
        return
    _heading(console, "Decided by people", str(len(found)))
    for report, one in found[:MOST_ROWS]:
        name = label(plain(", ".join(wording.person_names(report))), 60)
        _say(console, f"{name}: {wording.decided_line(one)}")
    if len(found) > MOST_ROWS:
        _say(console, f"{len(found) - MOST_ROWS} more are not listed here; the class page has them all.", "dim")


def _print_concerns(console: Console, batch: Batch, summary: Summary) -> None:
    if not summary.concerns:
        return
    names = {report.id: ", ".join(wording.person_names(report)) for report in batch.reports}
    _heading(console, "Needs a human", str(len(summary.concerns)))
    for concern in summary.concerns:
        _say(console, _concern_line(concern, [names[key] for key in concern.submissions]))


def _concern_line(concern: Concern, names: list[str]) -> str:
    who = [label(plain(name), 60) for name in names]
    where = label(plain(concern.where), 120)
    return f"{concern.kind}: {': '.join(filter(None, [', '.join(who), where, concern.message]))}"


def _table(console: Console, *titles: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", safe_box=True)
    for index, title in enumerate(titles):
        numeric = title in {"Points", "Mean", "Share", "Submissions"}
        table.add_column(
            _text(console, title),
            justify="right" if numeric else "left",
            no_wrap=numeric,
            min_width=12 if index == 0 else None,
            overflow="fold",
        )
    return table


def _heading(console: Console, title: str, aside: str) -> None:
    words = f"{label(plain(title), 60)}  {aside}".rstrip()
    rule: RenderableType = Rule(_text(console, words, "bold"), characters="─", align="left", style="dim")
    console.print(rule if _unicode(console) else _text(console, f"-- {words}", "bold"))


def _say(console: Console, message: str, style: str = "") -> None:
    console.print(_text(console, message, style))


def _text(console: Console, message: str, style: str = "") -> Text:
    shown = plain(message).expandtabs(4)
    if not _unicode(console):
        shown = shown.encode(console.encoding, "replace").decode(console.encoding)
    return Text(shown, style=style)


def _unicode(console: Console) -> bool:
    return console.encoding.lower().startswith("utf")


def _of(points: float | None, max_points: float) -> str:
    return f"{'-' if points is None else number(points)} of {number(max_points)}"
