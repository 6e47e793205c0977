"""What follows from a student's values, or from a mistake, by an author's functions, which may fail in any way."""

from __future__ import annotations

from typing import Any

import numpy as np

from grader.checks.answers import Answer, Numbers, expected_value, in_form_of
from grader.checks.case import Case
from grader.checks.comparing import Tolerance
from grader.reference import Evaluation, Misconception, Reference


def evaluated(evaluation: Evaluation, name: str) -> Numbers | str | None:
    """Return what follows for ``name`` by its definition; None where the student's values make that impossible."""
    try:
        return expected_value(evaluation.recomputed(name))
    except Exception:  # noqa: BLE001 - an author's function on a student's values may fail in any way
        return None


def mistaken(base: Evaluation, wrong: Misconception, name: str) -> tuple[Any, Numbers | str | None]:
    """Return the wrong value of the misconception's target, and what follows from it for ``name``.

    What the student wrote down in between stays as it is.
    """
    try:
        value = base.mistaken(wrong)
        if wrong.target == name:
            return value, expected_value(value)
    except Exception:  # noqa: BLE001 - as above
        return None, None
    return value, evaluated(Evaluation(base.reference, base.seed, {**base.fixed, wrong.target: value}), name)


def spread(case: Case, name: str) -> float:
    """Return how far ``name`` may lie from what follows from the student's answers, since some are written rounded.

    To first order: the sum of what each of these answers makes of it when it goes to its own bounds; 0 where that
    cannot be told.
    """
    middle, total = evaluated(case.own, name), 0.0
    for need, answer in case.upstream(name).items():
        if not isinstance(answer, Answer) or answer.figure is None or need not in case.own.fixed:
            continue
        used, moved = answer.figure.used, []
        for bound in (used.low, used.high):
            value = in_form_of(np.full_like(answer.value, float(bound), dtype=np.float64), case.truth.value(need))
            end = evaluated(Evaluation(case.truth.reference, case.truth.seed, {**case.own.fixed, need: value}), name)
            moved.append(_distance(end, middle))
        total += max(moved)
    return total if np.isfinite(total) else 0.0


def _distance(one: Numbers | str | None, other: Numbers | str | None) -> float:
    """Return the largest difference of two arrays of numbers; 0 for what has none."""
    if one is None or other is None or isinstance(one, str) or isinstance(other, str) or one.shape != other.shape:
        return 0.0
    return float(np.max(np.abs(one.astype(np.float64) - other.astype(np.float64)), initial=0.0))


def nearest_mistake(reference: Reference, name: str, tolerance: Tolerance) -> tuple[str, float, float]:
    """Return which known mistake changes the number ``name`` least, by how much, and the right number.

    Changes within the ``tolerance`` do not count. Empty where there is none, or where the reference cannot be
    evaluated, which is told elsewhere.
    """
    truth = Evaluation(reference, None)
    true = _number(evaluated(truth, name))
    if true is None:
        return "", 0.0, 0.0
    above = reference.ancestors([name])
    wrong = {m.id: _number(mistaken(truth, m, name)[1]) for m in reference.misconceptions.values() if m.target in above}
    changes = [(abs(number - true), key) for key, number in wrong.items() if number is not None]
    change, key = min((one for one in changes if one[0] > tolerance.around(true)), default=(0.0, ""))
    return key, change, true


def _number(value: Numbers | str | None) -> float | None:
    """Return the one real number that ``value`` is, or None."""
    if value is None or isinstance(value, str) or value.size != 1 or value.dtype.kind not in "iuf":
        return None
    return float(value.item())
