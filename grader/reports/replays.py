"""A submission that was run again: in a terminal, and as JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from grader.pipeline import Replay, Replayed
from grader.pipeline.replaying import Changed, Rerun
from grader.reports.machine import writable
from grader.reports.moves import outcome_json, outcome_text, say
from grader.reports.text import count, label, plain

Json = dict[str, Any]

#: Of what was observed otherwise as much is printed; the JSON has all.
_MOST = 10


def print_replay(console: Console, replay: Replay) -> None:
    """Print whether the result is the same, exercise by exercise, and what differs if it is not."""
    for one in replay.exercises:
        _print_exercise(console, one)
    for left in replay.left:
        say(console, plain(f"Not run again: {left.exercise} {left.reason}."), "yellow")
    name = label(plain(replay.submission), 60)
    verdict = "the same result as reported" if replay.same else "not always the result that was reported"
    say(console, f"{name}, {replay.assignment}: {verdict}.", "bold green" if replay.same else "bold red")


def _print_exercise(console: Console, one: Replayed) -> None:
    total = len(one.reruns)
    how = f"{one.same} of {count(total, 'new run')} gave the reported result" if total > 1 else _alike(one)
    say(console, f"{one.exercise}, run at {one.isolation}: {how}.", "bold")
    for difference in one.differences:
        say(console, plain(f"  otherwise than then ({difference.what}): {difference.text}"), "dim")
    if not one.differences:
        say(console, "  All that it depends on is as it was then.", "dim")
    shown = next((rerun for rerun in one.reruns if rerun.checks), None)
    shown = shown or next((rerun for rerun in one.reruns if rerun.observed), None)
    if shown is not None:
        _print_rerun(console, one, shown)


def _alike(one: Replayed) -> str:
    return "the reported result" if one.same else "not the reported result"


def _print_rerun(console: Console, one: Replayed, rerun: Rerun) -> None:
    """Print how one new run differs: the first with another result, or else the first that did something else."""
    for changed in rerun.checks:
        say(console, plain(f"  check {_change(changed)}"), "red")
    for observed in rerun.observed[:_MOST]:
        by = f", by at most {observed.distance:.3g}" if observed.distance is not None else ""
        say(console, plain(f"  the run itself differs: {observed.what}: {observed.then} → {observed.now}{by}"))
    if len(rerun.observed) > _MOST:
        say(console, f"  and {len(rerun.observed) - _MOST} more; --json FILE has them all", "dim")
    reason = _reason(one) if any(some.observed for some in one.reruns) else ""
    if reason:
        say(console, f"  {reason}", "yellow")


def _reason(one: Replayed) -> str:
    if one.varies:
        return "The new runs differ from each other: the hand-in does not always do the same."
    if one.explained:
        again = "" if len(one.reruns) > 1 else " --times 5 tells whether the hand-in varies by itself."
        return f"What the run depends on is otherwise than then, see above.{again}"
    return "Nothing that the run depends on is otherwise than then: the hand-in does not always do the same."


def _change(changed: Changed) -> str:
    move = changed.move
    return f"{move.check}: {outcome_text(move.before)} → {outcome_text(move.after)}, {changed.cause}"


def replay_json(replay: Replay) -> Json:
    """Return what came out as plain data that ``json.dumps`` takes."""
    data: Json = writable(
        {
            "id": replay.submission,
            "exercises": [_exercise(one) for one in replay.exercises],
            "left": [{"exercise": one.exercise, "reason": one.reason} for one in replay.left],
        }
    )
    return {"schema": 1, "assignment": replay.assignment, "same": replay.same, **data}


def _exercise(one: Replayed) -> Json:
    return {
        "id": one.exercise,
        "isolation": one.isolation,
        "same": one.same,
        "times": len(one.reruns),
        "varies": one.varies,
        "differences": [{"what": some.what, "text": some.text} for some in one.differences],
        "runs": [_rerun(some) for some in one.reruns],
    }


def _rerun(one: Rerun) -> Json:
    return {
        "same": not one.checks,
        "stop": one.run.stop.value,
        "observed": [
            {"what": some.what, "then": some.then, "now": some.now, "distance": some.distance} for some in one.observed
        ],
        "checks": [
            {
                "id": some.move.check,
                "before": outcome_json(some.move.before),
                "after": outcome_json(some.move.after),
                "cause": some.cause,
            }
            for some in one.checks
        ],
    }
