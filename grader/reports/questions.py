"""Written answers that wait for a person, by question, with nearly equal ones together."""

from __future__ import annotations

from dataclasses import dataclass

from grader.checks import groups
from grader.model import Batch, CheckResult
from grader.reports.summary import by_name


@dataclass(frozen=True, slots=True)
class AnswerGroup:
    """Answers in nearly the same words: the first of them, what was noted on it alone, and whose they are."""

    answer: str
    notes: tuple[str, ...]
    submissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question that a person marks. ``key`` are the paragraphs of the marking key, the same for all answers."""

    exercise: str
    check: str
    key: tuple[str, ...]
    groups: tuple[AnswerGroup, ...]

    @property
    def answers(self) -> int:
        """How many submissions answered it."""
        return sum(len(group.submissions) for group in self.groups)


def open_questions(batch: Batch) -> tuple[Question, ...]:
    """Return the questions with an answer that waits for a person, in the order of the rubric."""
    found: dict[tuple[str, str], dict[str, CheckResult]] = {}
    for report in by_name(batch.reports):
        for exercise in report.exercises:
            waiting = (one for one in exercise.criteria if exercise.pending and one.pending)
            for score in (score for criterion in waiting for score in criterion.checks):
                if score.owed and score.result.for_person and score.result.answer:
                    found.setdefault((exercise.title, score.result.id), {})[report.id] = score.result
    return tuple(_question(*key, results) for key, results in found.items())


def _question(exercise: str, check: str, results: dict[str, CheckResult]) -> Question:
    paragraphs = {key: result.evidence.split("\n\n") for key, result in results.items()}
    shared = [one for one in next(iter(paragraphs.values())) if all(one in every for every in paragraphs.values())]
    together = groups({key: result.answer for key, result in results.items()})
    every = (
        AnswerGroup(
            results[members[0]].answer, tuple(one for one in paragraphs[members[0]] if one not in shared), members
        )
        for members in together
    )
    return Question(exercise, check, tuple(filter(None, shared)), tuple(every))
