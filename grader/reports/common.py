"""What submissions have in common, for the class page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

from grader.model import Batch, Stop

#: A wrong answer of at most so many is rare; one of more looks like a misconception that nobody has named.
RARE = 5


@dataclass(frozen=True, slots=True)
class CommonAnswer:
    """A wrong value that several gave; ``exercise`` is the exercise's title."""

    exercise: str
    check: str
    answer: str
    submissions: tuple[str, ...]

    @property
    def rare(self) -> bool:
        """Whether few gave it."""
        return len(self.submissions) <= RARE


def common_answers(batch: Batch) -> tuple[CommonAnswer, ...]:
    """Return the wrong answers that several gave: those of the fewest first, then in the order of the rubric."""
    titles = exercise_titles(batch)
    every = (
        CommonAnswer(titles.get(one.exercise, one.exercise), one.check, one.answer, one.submissions)
        for one in batch.findings.same_answers
    )
    return tuple(sorted(every, key=lambda one: len(one.submissions)))


@dataclass(frozen=True, slots=True)
class TimeUse:
    """How long an exercise ran, in seconds: ``usual`` the median, ``long`` the 95th percentile, and the longest."""

    exercise: str
    runs: int
    usual: float
    long: float
    longest: float
    submission: str


def time_use(batch: Batch) -> tuple[TimeUse, ...]:
    """Return how long the runs of each exercise took; those that failed for a reason of the machine do not count."""
    found: dict[str, list[tuple[float, str]]] = {}
    for report in batch.reports:
        for exercise in report.exercises:
            if exercise.seconds > 0 and exercise.stop is not Stop.INFRASTRUCTURE:
                found.setdefault(exercise.id, []).append((exercise.seconds, report.id))
    titles = exercise_titles(batch)
    return tuple(_time_use(titles[name], sorted(runs)) for name, runs in found.items())


def _time_use(title: str, runs: list[tuple[float, str]]) -> TimeUse:
    seconds = [one for one, _ in runs]
    # The nearest-rank definition: the least that at least 95 of 100 runs did not exceed.
    long = seconds[math.ceil(0.95 * len(seconds)) - 1]
    longest, submission = runs[-1]
    return TimeUse(title, len(runs), median(seconds), long, longest, submission)


def exercise_titles(batch: Batch) -> dict[str, str]:
    """Return the titles of the batch's exercises by their ids."""
    return {exercise.id: exercise.title for report in batch.reports for exercise in report.exercises}
