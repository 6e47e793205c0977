"""Hand-ins in which nothing was done: perhaps the wrong file was uploaded, which only a person can ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grader.model import Flag, Status
from grader.pipeline.work import Judged


def nothing_done(judged: Sequence[Judged]) -> Iterator[Flag]:
    """Yield a flag for each submission that holds nothing but starters, and earned nothing but what these earn."""
    by_submission: dict[str, list[Judged]] = {}
    for one in judged:
        if one.task.file:
            by_submission.setdefault(one.task.submission.id, []).append(one)
    for submission, own in by_submission.items():
        if all(one.task.untouched and _failed(one) for one in own):
            names = ", ".join(one.task.file for one in own)
            message = f"as it was handed out, perhaps uploaded by mistake: {names}"
            yield Flag(submission, own[0].task.exercise.id if len(own) == 1 else "", message)


def _failed(one: Judged) -> bool:
    """Return whether nothing was answered: written answers stand in cells, by which no starter's code differs."""
    earned = (result for result in one.results if result.id not in one.task.exercise.floor)
    return all(result.status is Status.FAILED for result in earned)
