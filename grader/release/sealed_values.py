"""Sealing a check of the kind ``value``: what a bundle says of it, and nothing of the answer."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, cast

import numpy as np

from grader.checks.answers import Numbers, expected_value
from grader.checks.comparing import Tolerance
from grader.checks.following import mistaken
from grader.checks.sealing import Sketch, UnsealableError, code, codes_around, sketch
from grader.checks.value import ValueOptions, tolerance_of
from grader.course import Check
from grader.reference import Evaluation, Misconception, Reference
from grader.release.sealer import Sealer

#: Cells in which an answer that is right by another definition, and a known mistake, may lie.
_MOST_ACCEPTED = 64
_MOST_MISTAKEN = 4


def form(check: Check, truth: Evaluation) -> dict[str, Any]:
    """Return the options of a check that judges the form of a value alone: its shape and class of number."""
    options = cast("ValueOptions", check.options)
    true = expected_value(truth.value(options.value))
    kept = options.model_dump(mode="json", exclude_defaults=True, include={"transpose", "unit", "kilobyte"})
    if isinstance(true, str):
        return {"sealed": options.value, "id": check.id, **kept}
    number = {"b": "bool", "i": "int", "u": "int"}.get(true.dtype.kind, "float")
    return {"sealed": options.value, "id": check.id, "number": number, "shape": list(true.shape), **kept}


def true_and_tolerance(check: Check, truth: Evaluation) -> tuple[Numbers | str, Tolerance]:
    """Return the right value of a check, and the tolerance with which it is compared."""
    options = cast("ValueOptions", check.options)
    true = expected_value(truth.value(options.value))
    return true, tolerance_of(options, true)


def sealed(
    check: Check, truth: Evaluation, asked: Collection[str], conventions: Collection[str], sealer: Sealer
) -> dict[str, Any]:
    """Return the options of the sealed check. ``asked`` are the quantities that students hand in.

    ``conventions`` are those that may be right in several ways.

    Raises UnsealableError where it cannot be sealed.
    """
    options = cast("ValueOptions", check.options)
    true, tolerance = true_and_tolerance(check, truth)
    plan = sketch(true, tolerance, sealer.salt(check.id, truth.reference, [options.value]))
    messages: dict[bytes, dict[str, Any]] = {code(plan, true): {"fraction": 1.0}}
    for name in options.accept:
        for one in codes_around(plan, _alike(true, expected_value(truth.value(name))), _MOST_ACCEPTED):
            messages.setdefault(one, {"fraction": 1.0, "other": True})
    for wrong in _suspects(truth.reference, options.value, asked):
        told = {"fraction": options.credit.get(wrong.id, 0.0), "misconception": wrong.id, "message": wrong.message}
        for one in _codes_of(plan, wrong, options.value, truth, true):
            messages.setdefault(one, told)
    ancestors = truth.reference.ancestors([options.value]) - {options.value}
    above = [name for name in truth.reference.order if name in ancestors and name in conventions]
    return {
        **form(check, truth),
        **{key: number for key, number in (("atol", tolerance.atol), ("rtol", tolerance.rtol)) if number},
        **({"conventions": above} if above else {}),
        **sealer.seals(plan, messages),
    }


def _alike(true: Numbers | str, other: Numbers | str) -> Numbers | str:
    """Return an accepted value if it has the form of the right one. Raises UnsealableError."""
    if isinstance(true, str) or isinstance(other, str):
        if isinstance(true, str) and isinstance(other, str):
            return other
    elif true.shape == other.shape:
        return other
    raise UnsealableError("has accepted values of several forms")


def _codes_of(plan: Sketch, wrong: Misconception, name: str, truth: Evaluation, true: Numbers | str) -> Iterator[bytes]:
    """Yield the codes of what a mistake makes of ``name``; none where it fails or has another form."""
    _, value = mistaken(truth, wrong, name)
    if value is None or isinstance(value, str) != isinstance(true, str):
        return
    if not isinstance(value, str):
        same = not isinstance(true, str) and value.shape == true.shape
        if not same or value.dtype.kind == "c" or not np.all(np.isfinite(value)):
            return
    try:
        yield from codes_around(plan, value, _MOST_MISTAKEN)
    except UnsealableError:
        yield code(plan, value)


def _suspects(reference: Reference, name: str, asked: Collection[str]) -> Iterator[Misconception]:
    """Yield the mistakes that show in ``name``: its own, then those of quantities above that nobody hands in."""
    unseen = unasked_above(reference, name, asked)
    for targets in ({name}, unseen):
        yield from (one for one in reference.misconceptions.values() if one.target in targets)


def unasked_above(reference: Reference, name: str, asked: Collection[str]) -> set[str]:
    """Return the quantities between ``name`` and what is ``asked`` or given above it."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for need in reference.nodes[waiting.pop()].needs:
            if need in reference.quantities and need not in asked and need not in found:
                found.add(need)
                waiting.append(need)
    return found


def asked_above(reference: Reference, name: str, asked: Collection[str]) -> list[str]:
    """Return the nearest quantities above ``name`` that are ``asked``, in the order of the reference."""
    between = {name, *unasked_above(reference, name, asked)}
    needs = {need for one in between for need in reference.nodes[one].needs}
    return [one for one in reference.order if one in needs and one in asked]
