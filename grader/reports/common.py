"""What submissions have in common, for the class page."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from grader.model import Batch, ExerciseReport, Stop

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
class Use:
    """What the runs of an exercise took: ``usual`` is the median, ``long`` the 95th percentile, and whose took most."""

    exercise: str
    runs: int
    usual: float
    long: float
    most: float
    submission: str


def time_use(batch: Batch) -> tuple[Use, ...]:
    """Return how many seconds the runs of each exercise took."""
    return _use(batch, lambda exercise: exercise.seconds)


def memory_use(batch: Batch) -> tuple[Use, ...]:
    """Return how many bytes of memory the runs of each exercise were seen to take, where anybody looked."""
    return _use(batch, lambda exercise: exercise.peak_bytes)


def _use(batch: Batch, amount: Callable[[ExerciseReport], float]) -> tuple[Use, ...]:
    """Return what the runs of each exercise took; those that failed for a reason of the machine do not count."""
    found: dict[str, list[tuple[float, str]]] = {}
    for report in batch.reports:
        for exercise in report.exercises:
            if amount(exercise) > 0 and exercise.stop is not Stop.INFRASTRUCTURE:
                found.setdefault(exercise.id, []).append((amount(exercise), report.id))
    titles = exercise_titles(batch)
    return tuple(_of_runs(titles[name], sorted(runs)) for name, runs in found.items())


def _of_runs(title: str, runs: list[tuple[float, str]]) -> Use:
    amounts = [one for one, _ in runs]
    # The nearest-rank definition: the least that at least 95 of 100 runs did not exceed.
    long = amounts[math.ceil(0.95 * len(amounts)) - 1]
    most, submission = runs[-1]
    return Use(title, len(runs), median(amounts), long, most, submission)


def exercise_titles(batch: Batch) -> dict[str, str]:
    """Return the titles of the batch's exercises by their ids."""
    return {exercise.id: exercise.title for report in batch.reports for exercise in report.exercises}
