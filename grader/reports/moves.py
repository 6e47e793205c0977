"""Who moved between two gradings: in a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from grader.model import Decision
from grader.overrides import amount_text, misfit, place_text, standing_decisions
from grader.pipeline import Mark, Move, Moved, Outcome, Overtaken, Regrading
from grader.reports.machine import writable
from grader.reports.terminal import MOST_ROWS
from grader.reports.text import count, label, number, plain
from grader.reports.wording import decided_line

Json = dict[str, Any]


def print_moved(console: Console, moved: Sequence[Moved], of: int) -> None:
    """Print who moved, from what to what and why: at most ``MOST_ROWS`` submissions. ``of``: how many there are."""
    shifts = [(one.after.points - one.before.points) for one in moved if one.before and one.after]
    up, down = sum(shift > 0 for shift in shifts), sum(shift < 0 for shift in shifts)
    same = len(shifts) - up - down
    more = f": {up} up, {down} down, {same} with the same points" if shifts else ""
    say(console, f"{len(moved)} of {count(of, 'submission')} moved{more}.", "bold")
    for one in moved[:MOST_ROWS]:
        say(console, f"{label(plain(one.submission), 60)}: {_total(one.before)} → {_total(one.after)}")
        for move in one.checks:
            say(console, f"  {_move_line(move)}", "dim")
    if len(moved) > MOST_ROWS:
        say(console, f"{len(moved) - MOST_ROWS} more are not listed here; --json FILE has them all.", "dim")


def print_regrading(console: Console, regrading: Regrading) -> None:
    """Print what judging anew would change: the edits, who moves because of them, and what is left as it is."""
    say(console, f"Judged anew: {count(regrading.judged, 'stored run')}; no student code was run.")
    for edit in regrading.edits:
        say(console, f"Edited in {edit.exercise}: {edit.text}")
    late = sum(one.before.penalty != one.after.penalty for one in regrading.moved if one.before and one.after)
    if late:
        say(console, f"Lateness costs {count(late, 'submission')} otherwise: policy, deadline or extensions changed.")
    if not (regrading.edits or late):
        say(console, "Nothing was edited since the last grading.")
    print_moved(console, regrading.moved, len(regrading.batch.reports))
    for one in regrading.overtaken:
        say(console, _overtaken_line(one), "yellow")
    for problem in (misfit(one, report) for report in regrading.batch.reports for one in report.misfits):
        say(console, plain(str(problem)), "yellow")
    by_reason: dict[tuple[str, str], list[str]] = {}
    for left in regrading.left:
        by_reason.setdefault((left.exercise, left.reason), []).append(label(plain(left.submission), 60))
    for (exercise, reason), who in by_reason.items():
        more = f" and {len(who) - 5} more" if len(who) > 5 else ""
        say(console, f"Left as it is: {exercise} of {', '.join(who[:5])}{more}: {reason}.", "yellow")


def print_decisions(console: Console, decisions: Sequence[Decision]) -> None:
    """Print what people decided, in order, and which of it does not count any more."""
    counting = {one for places in standing_decisions(decisions).values() for one in places.values()}
    for one in decisions:
        style = "" if one in counting else "dim"
        old = "" if one in counting or one.withdrawn else " (replaced or taken back since)"
        say(console, plain(f"{label(plain(one.submission), 60)}: {decided_line(one)}{old}"), style)
    if not decisions:
        say(console, "Nobody decided anything.")


def moves_json(moved: Iterable[Moved]) -> list[Json]:
    """Return moves as plain data that ``json.dumps`` takes."""
    found: list[Json] = writable(
        [
            {
                "id": one.submission,
                "before": _mark(one.before),
                "after": _mark(one.after),
                "checks": [_move(move) for move in one.checks],
            }
            for one in moved
        ]
    )
    return found


def regrading_json(regrading: Regrading, *, published: bool) -> Json:
    """Return what judging anew changes as plain data that ``json.dumps`` takes."""
    edits = [{"exercise": one.exercise, "what": one.what, "text": one.text} for one in regrading.edits]
    left = [{"id": one.submission, "exercise": one.exercise, "reason": one.reason} for one in regrading.left]
    overtaken = [_overtaken_json(one) for one in regrading.overtaken]
    data: Json = writable({"edits": edits, "left": left, "overtaken": overtaken})
    head = {"schema": 1, "assignment": regrading.batch.assignment, "published": published}
    return {**head, "judged": regrading.judged, **data, "moved": moves_json(regrading.moved)}


def _overtaken_line(one: Overtaken) -> str:
    """Return what to tell of a decision under which the computed points changed."""
    decision, now = one.decision, number(one.decision.computed or 0.0)
    was = number(decision.was)
    then = f"when it was {was}" if was == number(one.before) else f"when it was {was}, later {number(one.before)}"
    said = f"{decision.who} decided {amount_text(decision)} for {place_text(decision)} {then}; it is {now} now"
    return plain(f"{label(plain(decision.submission), 60)}: {said}. The decision still counts.")


def _overtaken_json(one: Overtaken) -> Json:
    found = {"id": one.decision.submission, "about": place_text(one.decision), "who": one.decision.who}
    return {**found, "then": one.decision.was, "before": one.before, "now": one.decision.computed}


def _total(mark: Mark | None) -> str:
    if mark is None:
        return "not there"
    late = f", {number(mark.penalty)} off for lateness" if mark.penalty else ""
    return f"{number(mark.points)} of {number(mark.max_points)}{late}{' (pending)' if mark.pending else ''}"


def _move_line(move: Move) -> str:
    why = f", because of {'; '.join(move.because)}" if move.because else ""
    return plain(f"{move.exercise} {move.check}: {outcome_text(move.before)} → {outcome_text(move.after)}{why}")


def outcome_text(one: Outcome | None) -> str:
    """Return how a check came out, in a few words."""
    if one is None:
        return "no such check"
    extra = [one.status, *(["follow-through"] if one.follow_through else [])]
    extra += [one.misconception] if one.misconception else []
    return f"{number(one.points)} ({', '.join(extra)})"


def _mark(mark: Mark | None) -> Json | None:
    if mark is None:
        return None
    return {"points": mark.points, "max_points": mark.max_points, "pending": mark.pending, "penalty": mark.penalty}


def _move(move: Move) -> Json:
    sides = {"before": outcome_json(move.before), "after": outcome_json(move.after)}
    return {"exercise": move.exercise, "check": move.check, **sides, "because": list(move.because)}


def outcome_json(one: Outcome | None) -> Json | None:
    """Return how a check came out as plain data."""
    if one is None:
        return None
    return {
        "points": one.points,
        "max_points": one.max_points,
        "status": one.status,
        "misconception": one.misconception,
        "follow_through": one.follow_through,
    }


def say(console: Console, text: str, style: str = "") -> None:
    """Print one line, with an ASCII arrow where the terminal has no other."""
    if not console.encoding.lower().startswith("utf"):
        text = text.replace("→", "->")
    console.print(Text(text, style=style), soft_wrap=True)
