"""Judging what a notebook's kernel holds at the moment: values under names, and nothing that would have to be run."""

from __future__ import annotations

from collections.abc import Iterable

from grader.checks import judge_exercise, probes
from grader.course import Assignment, Check, Course, Exercise
from grader.execution import environment
from grader.model import CheckResult, Failure, Observation, Report, Run, Status, Stop, Submission
from grader.pipeline.reporting import exercise_report, submission_report
from grader.pipeline.tasks import Task
from grader.pipeline.work import Judged
from grader.reference import Evaluation

#: Where a run would name how it was confined: nothing was run.
LIVE = "live"
_NOT_NOW = "This can only be told from a fresh run: save the notebook, then `%grade --fresh`."


class Live:
    """One exercise, to be judged for ``person``'s own numbers."""

    def __init__(self, course: Course, assignment: Assignment, exercise: Exercise, person: str) -> None:
        self._assignment, self._exercise, self._person = assignment, exercise, person
        values = Evaluation(exercise.reference, course.seed(assignment, person))
        self._truth = values.with_hidden(course.hidden(assignment, person))
        self._probes = probes(exercise, self._truth)

    @property
    def names(self) -> tuple[str, ...]:
        """The variables to look at. Inputs that a student must not know are never among what is asked."""
        return tuple(probe.name for probe in self._probes if probe.kind == "value")

    def judge(self, seen: Iterable[Observation]) -> Report:
        """Return the report on what was ``seen`` of the variables."""
        found = {one.probe: one for one in seen}
        missing = Failure("not_run", "nothing was run")
        observations = tuple(found.get(probe) or Observation(probe, missing) for probe in self._probes)
        machine = environment()
        run = Run(Stop.FINISHED, 0.0, LIVE, machine, observations=observations)
        checks = self._exercise.rubric.checks
        results = judge_exercise(self._exercise, self._truth, run)
        told = tuple(self._told(check, result) for check, result in zip(checks, results, strict=True))
        submission = Submission(self._person, (self._person,), self._assignment.id, "this notebook", ())
        task = Task(submission, self._exercise, self._truth, None, note="")
        part = exercise_report(Judged(task, run, told), LIVE, machine)
        return submission_report(submission, self._assignment, [part], (), ())

    def _told(self, check: Check, result: CheckResult) -> CheckResult:
        needed = check.kind.probes(check.options, self._truth)
        if needed and all(probe.kind == "value" for probe in needed):
            return result
        return CheckResult(check.id, check.kind.name, Status.SKIPPED, 0.0, _NOT_NOW)
