"""What submissions have in common, for the class page."""

from __future__ import annotations

from dataclasses import dataclass

from grader.model import Batch

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


def exercise_titles(batch: Batch) -> dict[str, str]:
    """Return the titles of the batch's exercises by their ids."""
    return {exercise.id: exercise.title for report in batch.reports for exercise in report.exercises}
