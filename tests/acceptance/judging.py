"""What must hold of an outcome."""

from __future__ import annotations

import math
from collections.abc import Iterator

from grader.model import Array, Failure, Limits, Run, Stop
from grader.sandbox import Sandbox

from .case import Case, Fails
from .gaps import UNABLE
from .harness import Outcome, everything, values
from .host import Host
from .programs import NEIGHBOURLY


def same(wanted: object, found: object) -> bool:
    """Compare exactly: NaN equals NaN, -0.0 differs from 0.0, True from 1; a failure by its kind."""
    if isinstance(wanted, Fails):
        return isinstance(found, Failure) and found.kind == wanted.kind
    if type(wanted) is not type(found):
        return False
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(same, wanted, found))
    if isinstance(wanted, float) and isinstance(found, float):
        return (math.isnan(wanted) and math.isnan(found)) or wanted.hex() == found.hex()
    if isinstance(wanted, Array) and isinstance(found, Array):
        return wanted == found
    return wanted == found


def violations(case: Case, outcome: Outcome, sandbox: Sandbox, host: Host) -> list[str]:
    """Return all that the rung did not keep, in words; nothing is what is required."""
    return [
        *_of_attack(case, outcome.attack, sandbox.name, host),
        *_of_companion(outcome),
        *(word for run in outcome.neighbours for word in _of_neighbour("a neighbour", run)),
        *_of_neighbour("the job after", outcome.after),
        *host.changes(),
    ]


def _of_attack(case: Case, run: Run, rung: str, host: Host) -> Iterator[str]:
    seen = values(run)
    if run.stop not in case.stops:
        wanted = " or ".join(case.stops)
        yield f"stopped as {run.stop} ({run.detail}; {[str(e) for e in run.errors][:3]}), required: {wanted}"
    if run.isolation != rung:
        yield f"ran at {run.isolation}"
    won = seen.pop("won")
    if not (same([], won) or (isinstance(won, Failure) and run.stop is not Stop.FINISHED)):
        yield f"won {won}"
    for name, required in case.values.items():
        if not same(required, seen[name]):
            yield f"{name} is {seen[name]!r:.300}, required: {required!r:.300}"
    if case.says and case.says not in everything(run):
        yield f"nothing says {case.says}: {everything(run)[:300]}"
    if host.secret in everything(run):
        yield "the host's secret came out"
    yield from _of_size(run, case.limits)


def _of_size(run: Run, limits: Limits) -> Iterator[str]:
    if len(run.log) > limits.output_bytes + 200:
        yield f"the log has {len(run.log)} characters"
    if run.notebook is not None and len(run.notebook) > 13 * limits.value_bytes + 100_000:
        yield f"the notebook has {len(run.notebook)} characters"
    long = max((len(error.message) + len(error.traceback) for error in run.errors), default=0)
    if long > 50_000:
        yield f"an error has {long} characters"


def _of_companion(outcome: Outcome) -> Iterator[str]:
    if outcome.companion is not None and values(outcome.companion).get("visits") != 0:
        yield f"the companion was visited: {values(outcome.companion)} {outcome.companion.detail}"


def _of_neighbour(who: str, run: Run) -> Iterator[str]:
    if run.stop is not Stop.FINISHED:
        yield f"{who} stopped as {run.stop}: {run.detail}"
        return
    seen = values(run)
    for name, wanted in {**NEIGHBOURLY, **UNABLE.get(run.isolation, {})}.items():
        if not same(wanted, seen[name]):
            yield f"{who} has {name} = {seen[name]!r:.300}, required: {wanted!r:.300}; {run.errors}"
