"""Weighing: check results become points, by the rubric."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import fsum

from grader.course import Check, Rubric
from grader.model import CheckResult, CheckScore, CriterionScore, Passage


def weigh(
    rubric: Rubric,
    results: Iterable[CheckResult],
    passage: Callable[[str], Passage | None] = lambda _: None,
) -> tuple[CriterionScore, ...]:
    """Return the points of every criterion.

    ``results`` hold one result for each check of the rubric, by id; ``passage`` returns what the task says about a
    check, and is asked only for those that lost something. A criterion is pending while any of its checks is
    owed a result; what is owed counts nothing yet. Raises KeyError when a check has no result.
    """
    by_id = {result.id: result for result in results}
    scores = []
    for criterion in rubric.criteria:
        checks = tuple(_score(check, by_id[check.id], passage) for check in criterion.checks)
        points = round(fsum(check.points for check in checks), 6)
        pending = any(check.result.owed for check in checks)
        scores.append(CriterionScore(criterion.id, criterion.title, points, criterion.points, pending, checks))
    return tuple(scores)


def _score(check: Check, result: CheckResult, passage: Callable[[str], Passage | None]) -> CheckScore:
    points = round(check.points * result.fraction, 6)
    if not result.lost:
        return CheckScore(result, points, check.points)
    return CheckScore(result, points, check.points, check.options.subject, passage(check.id))
