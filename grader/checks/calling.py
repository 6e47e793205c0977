"""Calling a function on hidden inputs: what is sent, what came back, and the same of an author's function."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from grader.checks.answers import describe
from grader.checks.crossing import short, to_plain, to_value
from grader.checks.recent import Recent
from grader.model import Array, Failure, Plain, Probe, fingerprint, size_bytes
from grader.reference import Evaluation, Steps, Trial

#: One case as it is sent: ``args`` and, for an instance, ``steps``; see ``inside/probing/calls.py``.
Sent = dict[str, Plain]

#: What is added to the message of an exception: the line of the student's file in which it was raised.
LINE = re.compile(r" \(line \d+\)$")
_MAX_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call gave: a ``value``, or the name of the exception it ``raised``, and if it ``changed`` inputs."""

    value: Plain = None
    changed: bool = False
    raised: str = ""
    message: str = ""


# Several hand-ins, and several checks of one, ask for the same. With an outcome its function is kept, and what that
# takes: no more than 4,096 are.
_RECENT: Recent[Outcome] = Recent(lambda outcome: (16 << 10) + size_bytes(outcome.value), limit_bytes=64 << 20)


def sent(inputs: tuple[Any, ...] | Steps) -> Sent:
    """Return a drawn case as plain data. Raises TypeError for an input that cannot be sent."""
    if not isinstance(inputs, Steps):
        return {"args": to_plain(inputs)}
    return {"args": to_plain(inputs.arguments), "steps": [_sent_step(*step) for step in inputs.steps]}


def _sent_step(word: str, name: str, *rest: Any) -> Plain:
    match word, rest:
        case "call", _:
            return {"call": name, "args": to_plain(rest)}
        case "set", [value]:
            return {"set": name, "value": to_plain(value)}
        case "get", []:
            return {"get": name}
    raise TypeError(f"step {(word, name, *rest)!r:.80}: expected ('call', …), ('set', name, value) or ('get', name)")


def drawn(truth: Evaluation, names: Sequence[str]) -> list[Sent]:
    """Return the inputs that the cases ``names`` draw. Raises ValueError where one of them draws none."""
    found: list[Sent] = []
    for name in names:
        inputs = truth.cases(name)
        if not inputs:
            raise ValueError(f"the cases `{name}` draw no inputs")
        found += map(sent, inputs)
    return found


def call_probe(name: str, cases: Sequence[Sent], trial: Trial | None = None) -> Probe:
    """Return the probe that calls ``name``, by way of ``trial`` if there is one, on each case."""
    arguments: dict[str, Plain] = {"cases": list(cases)}
    if trial:
        arguments |= {"trial": trial.name, "source": trial.source}
    return Probe("call", name, arguments)


def outcomes(name: str, found: Plain | Failure, count: int) -> list[Outcome] | str:
    """Return what each of ``count`` calls gave, or for the student why there is nothing to judge."""
    if isinstance(found, Failure):
        return _why_not(name, found)
    if not isinstance(found, list) or len(found) != count:
        return f"Calling `{name}` gave no valid answer."
    read = [_outcome(one) for one in found]
    known = [one for one in read if one is not None]
    return known if len(known) == count else f"Calling `{name}` gave no valid answer."


def _outcome(one: Plain) -> Outcome | None:
    match one:
        case {"raised": str() as name, "message": str() as message}:
            return Outcome(raised=name or "an exception", message=message)
        case {"value": value, "changed": bool() as changed}:
            return Outcome(value, changed)
    return None


def _why_not(name: str, failure: Failure) -> str:
    match failure.kind:
        case "missing" if failure.is_absence:
            return f"`{name}` is not defined at the end of the run."
        case "missing":
            return f"`{name}` cannot be called: {failure.message}."
        case "not_run":
            return f"`{name}` was never called: {failure.message or 'the run ended before'}."
        case "too_large":
            return f"What `{name}` gives back is too large to look at."
    if failure.message.startswith("TimeoutError: took longer"):
        return f"Calling `{name}` {failure.message.removeprefix('TimeoutError: ')}: does a loop in it never end?"
    return f"Calling `{name}` failed: {failure.message}."


def evaluated(function: Callable[..., Any], case: Sent, trial: Trial | None = None, further: str = "") -> Outcome:
    """Return what an author's function gives for ``case``, on inputs of its own. What it raises comes out.

    It may be known from an earlier call of the same; never from one that was not, like this, the ``further`` one for a
    property: that a second call gives the same has to be seen.
    """
    call = (function, trial, further, fingerprint(case))
    if (known := _RECENT.get(call)) is None:
        _RECENT.keep(call, known := _answer(function, case, trial))
    return known


def _answer(function: Callable[..., Any], sent: Sent, trial: Trial | None) -> Outcome:
    called = partial(trial.function, function) if trial else function
    case = {key: to_value(part, tensors=True) for key, part in sent.items()}
    before = _prints(case)
    with np.errstate(all="ignore"):
        result = called(*case["args"])
        if "steps" in case:
            result = [to_plain(value) for step in case["steps"] for value in _taken(result, step)]
    return Outcome(to_plain(result), changed=_prints(case) != before)


def noted(function: Callable[..., Any], case: Sent, trial: Trial | None = None, further: str = "") -> Outcome:
    """Return the same, with an exception as what was raised, as it comes back from a student's call."""
    try:
        return evaluated(function, case, trial, further)
    except Exception as error:  # noqa: BLE001 - a wrong version may well be one that raises
        return Outcome(raised=type(error).__name__, message=str(error))


def _taken(subject: Any, step: Any) -> list[Any]:
    """Take one step and return its value in a list, or an empty list where it has none."""
    if "set" in step:
        setattr(subject, step["set"], to_value(to_plain(step["value"]), tensors=True))
        return []
    if "get" in step:
        return [getattr(subject, step["get"])]
    return [getattr(subject, step["call"])(*step["args"])]


def _prints(case: Any) -> str:
    return fingerprint(to_plain(case))


def call_text(name: str, case: Sent) -> str:
    """Return the call as a student would write it; where inputs are large, with their shapes or lengths."""
    arguments = case["args"] if isinstance(case["args"], list) else []
    text = f"{name}({', '.join(short(one) for one in arguments)})"
    return text if len(text) <= _MAX_SHOWN else f"{name}({', '.join(_words(one) for one in arguments)})"


def _words(value: Plain) -> str:
    return f"array of shape {value.shape}" if isinstance(value, Array) and value.shape else describe(value)


def step_labels(text: str, case: Sent) -> list[str]:
    """Return what each step that gives a value is called, after the call's own ``text``; nothing without steps."""
    steps = case.get("steps")
    labels = []
    for step in steps if isinstance(steps, list) else ():
        match step:
            case {"call": str() as name, "args": list() as arguments}:
                labels.append(f"{text}.{name}({', '.join(short(one, 20) for one in arguments)})")
            case {"get": str() as name}:
                labels.append(f"{text}.{name}")
    return labels
