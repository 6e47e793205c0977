"""Wrong answers that several have in common, and that are no recognised mistake: evidence for a person."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from grader.checks.answers import to_array
from grader.checks.crossing import short
from grader.course import Exercise
from grader.model import CheckResult, Plain, Probe, SameAnswer, Status
from grader.parsing import syntax_tree
from grader.pipeline.work import Judged
from grader.starters import without_given

#: An answer with fewer significant digits, over all different numbers in it, is common by chance: 0, 12, [1, 0].
LEAST_DIGITS = 3
#: Answers that agree in so many significant digits are the same.
_DIGITS = 7
_MOST_NUMBERS = 4096


def same_answers(judged: Sequence[Judged]) -> tuple[SameAnswer, ...]:
    """Return the wrong values that at least two submissions gave, without those that stand in the starter.

    In order of the exercises and their checks, the rarest first. Only checks of the kind ``value`` are looked at:
    others have no value of their own, or few to choose from.
    """
    found: dict[tuple[str, str], dict[str, tuple[str, list[str]]]] = {}
    excluded: dict[str, set[str]] = {}
    for one in judged:
        exercise = one.task.exercise
        if exercise.id not in excluded:
            excluded[exercise.id] = set(_of_starters(exercise))
        for check, value in _wrong_values(one):
            key = _key(value)
            if one.task.untouched:
                excluded[exercise.id].add(key)
            elif key:
                answers = found.setdefault((exercise.id, check), {})
                answers.setdefault(key, (short(value), []))[1].append(one.task.submission.id)
    return tuple(
        SameAnswer(exercise, check, answer, tuple(who))
        for (exercise, check), answers in found.items()
        for key, (answer, who) in sorted(answers.items(), key=lambda item: len(item[1][1]))
        if len(who) > 1 and key not in excluded[exercise]
    )


def _wrong_values(one: Judged) -> Iterator[tuple[str, Plain]]:
    if one.run is None:
        return
    observed = {seen.probe: seen.value for seen in one.run.observations}
    for check, result in zip(one.task.exercise.rubric.checks, one.results, strict=False):
        value: Any = observed.get(Probe("value", check.options.subject))
        if check.kind.name == "value" and _unexplained(result):
            yield check.id, value


def _unexplained(result: CheckResult) -> bool:
    wrong = result.status in {Status.FAILED, Status.PARTIAL}
    return wrong and not result.misconception and not result.follow_through


def _key(value: Any) -> str:
    """Return what equal answers share, in whatever form they came; empty for what is no answer, or tells nothing."""
    if isinstance(value, str):
        text = " ".join(value.casefold().split())
        return text if sum(sign.isdigit() for sign in text) >= LEAST_DIGITS else ""
    try:
        array = to_array(value)
    except (TypeError, ValueError):
        return ""
    if array.dtype.kind not in "iuf" or array.size > _MOST_NUMBERS:
        return ""
    numbers = [f"{number:.{_DIGITS - 1}e}" for number in (array.astype(np.float64) + 0.0).ravel().tolist()]
    if sum(map(_digits, {number.lstrip("-") for number in numbers})) < LEAST_DIGITS:
        return ""
    return " ".join(numbers)


def _digits(number: str) -> int:
    """Return how many significant digits ``1.500000e+00`` has; none for 0, infinity and what is no number."""
    digits = number.partition("e")[0].replace(".", "")
    return len(digits.rstrip("0")) if digits.isdecimal() else 0


def _of_starters(exercise: Exercise) -> Iterator[str]:
    """Yield the values that the starters give names."""
    for path in exercise.starters:
        with suppress(OSError, SyntaxError, ValueError, RecursionError, MemoryError):
            for statement in syntax_tree(without_given(path.name, path.read_text(encoding="utf-8"))).body:
                if isinstance(statement, ast.Assign):
                    with suppress(ValueError):
                        yield _key(ast.literal_eval(statement.value))
