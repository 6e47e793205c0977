"""Who moved between two gradings: in a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from grader.pipeline import Mark, Move, Moved, Outcome, Regrading
from grader.reports.machine import writable
from grader.reports.terminal import MOST_ROWS
from grader.reports.text import count, label, number, plain

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
    if not regrading.edits:
        say(console, "Nothing was edited since the last grading.")
    print_moved(console, regrading.moved, len(regrading.batch.reports))
    by_reason: dict[tuple[str, str], list[str]] = {}
    for left in regrading.left:
        by_reason.setdefault((left.exercise, left.reason), []).append(label(plain(left.submission), 60))
    for (exercise, reason), who in by_reason.items():
        more = f" and {len(who) - 5} more" if len(who) > 5 else ""
        say(console, f"Left as it is: {exercise} of {', '.join(who[:5])}{more}: {reason}.", "yellow")


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
    data: Json = writable({"edits": edits, "left": left})
    head = {"schema": 1, "assignment": regrading.batch.assignment, "published": published}
    return {**head, "judged": regrading.judged, **data, "moved": moves_json(regrading.moved)}


def _total(mark: Mark | None) -> str:
    if mark is None:
        return "not there"
    return f"{number(mark.points)} of {number(mark.max_points)}{' (pending)' if mark.pending else ''}"


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
    return {"points": mark.points, "max_points": mark.max_points, "pending": mark.pending}


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
