"""From judged tasks to what the gradebook keeps: the report, and how it came about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grader.course import Assignment
from grader.errors import Problem
from grader.model import Decision, Environment, ExerciseReport, Flag, Report, Submission
from grader.overrides import decided, standing_decisions
from grader.pipeline.authored import authored
from grader.pipeline.reporting import exercise_report, submission_report
from grader.pipeline.work import Judged
from grader.store import Entry, Judgement


class Entries:
    """Makes the entries of one assignment, with the ``decisions`` of people in them.

    ``isolation`` and ``environment`` stand in where nothing was run.
    """

    def __init__(
        self,
        assignment: Assignment,
        isolation: str,
        environment: Environment,
        decisions: Iterable[Decision] = (),
    ) -> None:
        self._assignment = assignment
        self._isolation, self._environment = isolation, environment
        self._decisions = standing_decisions(decisions)

    def of(self, submission: Submission, own: Sequence[Judged], flags: Sequence[Flag]) -> Entry:
        """Return the entry on ``submission`` from its own judged tasks; ``flags`` may hold others' as well."""
        parts = [exercise_report(one, self._isolation, self._environment) for one in own]
        found = tuple(problem for one in own for problem in one.task.problems)
        mine = tuple(flag for flag in flags if flag.submission == submission.id)
        report = self.report(submission, parts, found, mine)
        return Entry(report, submission, tuple(self.judgement(one) for one in own))

    def report(
        self,
        submission: Submission,
        parts: Sequence[ExerciseReport],
        problems: tuple[Problem, ...],
        flags: tuple[Flag, ...],
    ) -> Report:
        """Return the report on ``submission``: decisions on its parts, then what the total is, then decisions on it."""

        def whole(settled: Sequence[ExerciseReport]) -> Report:
            return submission_report(submission, self._assignment, settled, problems, flags)

        known = {exercise.id for exercise in self._assignment.exercises}
        # Attempts of one submission go by its name in the end, and so do decisions.
        own = self._decisions.get(submission.attempt_of or submission.id, {})
        return decided(parts, whole, own, known)

    def part(self, one: Judged) -> ExerciseReport:
        """Return the report on one exercise."""
        return exercise_report(one, self._isolation, self._environment)

    def judgement(self, one: Judged) -> Judgement:
        """Return how ``one`` came about."""
        task = one.task
        return Judgement(
            exercise=task.exercise.id,
            run=one.run_key,
            results=one.results_key,
            authored=authored(task.exercise),
            file=task.file,
            note=task.note,
            owed=task.owed,
            untouched=task.untouched,
            problems=task.problems,
            seed=task.truth.seed,
            hidden=task.truth.hidden,
        )
