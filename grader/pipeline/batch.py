"""Grading many submissions: what is stored is used, what is missing is run, and everything is judged and weighed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache

from grader import __version__
from grader.checks import Standing
from grader.course import Assignment, Course, Exercise
from grader.errors import Problem
from grader.model import Batch, Findings, Job, Report, Run, Stop, Submission
from grader.pipeline.alike_code import alike_code
from grader.pipeline.attempts import best
from grader.pipeline.deciding import with_strays
from grader.pipeline.entries import Entries
from grader.pipeline.judgements import Judge
from grader.pipeline.personal import others_numbers
from grader.pipeline.same_answers import same_answers
from grader.pipeline.tasks import Task, prepare, run_key
from grader.pipeline.untouched import nothing_done
from grader.pipeline.work import Judged, Workplace
from grader.reference import Evaluation, Reference

_CHANGED = "the files handed in were changed while the batch was running; grade them again"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is: runs done and to be done in all, and whose came last."""

    done: int
    total: int
    label: str = ""


def grade(  # noqa: PLR0913 - the whole of a batch
    course: Course,
    assignment: Assignment,
    submissions: Sequence[Submission],
    workplace: Workplace,
    *,
    exercises: Sequence[Exercise] = (),
    unresolved: Sequence[Submission] = (),
    problems: Iterable[Problem] = (),
    named: str = "",
    others: Mapping[str, Standing] | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Batch:
    """Return the reports on ``submissions``, sorted by id, for ``exercises`` (default: all of the assignment).

    Of several attempts of one submission the best is reported. ``unresolved`` submissions are reported as pending and
    not run. ``named`` is the file to grade, where a person has said which. ``others`` says how further exercises of
    every submission came out that are not graded here. Every run is stored as soon as it ends; an interruption
    (KeyboardInterrupt) loses only those in flight. Raises GradeError when the gradebook fails.
    """
    store = workplace.store
    store.save_submissions([one for one in (*submissions, *unresolved) if not one.attempt_of])
    chosen = tuple(exercises or assignment.exercises)
    plan = _Plan(assignment, workplace, _Truths(course, assignment, submissions), named)
    tasks, keys = plan.of(submissions, chosen)
    failed = _execute(tasks, keys, workplace, plan.prepared, progress)
    runs = store.runs(keys) | failed
    told = {one.id: others for one in submissions} if others else None
    decisions = store.decisions(assignment.id)
    judged = Judge(store, store.save_many_results, decisions).all(assignment, tasks, keys, runs, failed, told)
    flags = (*(others_numbers(judged) if assignment.personal else ()), *nothing_done(judged))
    by_submission = _by_submission(judged, submissions) | {one.id: plan.unclear(one, chosen) for one in unresolved}
    made = Entries(assignment, workplace.isolation, workplace.environment, decisions)
    entries = best(made.of(one, by_submission[one.id], flags) for one in (*submissions, *unresolved))
    store.save_submissions([entry.submission for entry in entries if entry.submission.attempt_of])
    entries.sort(key=lambda entry: entry.report.id)
    reports = tuple(entry.report for entry in entries)
    rest = with_strays(_unmentioned(problems, reports), decisions, reports)
    findings = Findings(same_answers(judged), alike_code(tasks))
    batch = Batch(assignment.id, assignment.title, reports, rest, __version__, datetime.now(UTC), findings)
    store.save_grading(batch, "batch", entries, known=len(decisions))
    return batch


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be done for a submission and an exercise."""

    assignment: Assignment
    workplace: Workplace
    truths: _Truths
    named: str

    def of(self, submissions: Sequence[Submission], exercises: Sequence[Exercise]) -> tuple[list[Task], list[str]]:
        """Return all tasks, without their jobs, and the keys of their runs."""
        tasks: list[Task] = []
        keys: list[str] = []
        for submission in submissions:
            for exercise in exercises:
                task, key = self.prepared(submission, exercise)
                # What a job holds is read again when it is run: all files of all hand-ins would fill the memory.
                tasks.append(replace(task, job=None, truth=self.truths.of(exercise, submission)))
                keys.append(key)
        return tasks, keys

    def prepared(self, submission: Submission, exercise: Exercise) -> tuple[Task, str]:
        """Return a task and the key of its run, empty where there is nothing to run."""
        task = prepare(submission, self.assignment, exercise, self.truths.of(exercise, submission), self.named)
        return task, run_key(task.job, self.workplace.isolation, self.workplace.environment) if task.job else ""

    def unclear(self, submission: Submission, exercises: Sequence[Exercise]) -> list[Judged]:
        """Return what is owed for a hand-in of which a person has to say whose it is."""
        note = "It is not clear whose it is, or which of several counts; a person will look at it."
        return [
            Judged(Task(submission, one, self.truths.of(one, submission), None, note=note, owed=True), None, ())
            for one in exercises
        ]


def _by_submission(judged: Iterable[Judged], submissions: Iterable[Submission]) -> dict[str, list[Judged]]:
    found: dict[str, list[Judged]] = {one.id: [] for one in submissions}
    for one in judged:
        found[one.task.submission.id].append(one)
    return found


def _unmentioned(problems: Iterable[Problem], reports: Iterable[Report]) -> tuple[Problem, ...]:
    """Return the problems that no report tells."""
    mentioned = {problem for report in reports for problem in report.problems}
    return tuple(problem for problem in problems if problem not in mentioned)


def _execute(
    tasks: Sequence[Task],
    keys: Sequence[str],
    workplace: Workplace,
    prepared: Callable[[Submission, Exercise], tuple[Task, str]],
    progress: Callable[[Progress], None],
) -> dict[str, Run]:
    """Run what is not stored, each distinct job once; return the runs that failed for a reason of ours."""
    stored = workplace.store.known_runs()
    missing = {key: task for task, key in zip(tasks, keys, strict=True) if key and key not in stored}
    failed: dict[str, Run] = {}

    def jobs() -> Iterator[tuple[str, Job]]:
        for key, task in missing.items():
            again, now = prepared(task.submission, task.exercise)
            if again.job and now == key:
                yield key, again.job
            else:
                failed[key] = Run(Stop.INFRASTRUCTURE, 0.0, workplace.isolation, workplace.environment, _CHANGED)

    progress(Progress(0, len(missing)))
    for done, (key, run) in enumerate(workplace.engine.run(jobs()), start=1):
        workplace.store.save_run(key, run)
        if run.stop is Stop.INFRASTRUCTURE:
            failed[key] = run
        progress(Progress(done, len(missing), missing[key].submission.id))
    return failed


class _Truths:
    """The evaluation of each exercise for each submission; those with the same numbers share their values.

    Several submissions of one person share the hidden inputs, too. Nobody else's are kept: they may be large.
    """

    def __init__(self, course: Course, assignment: Assignment, submissions: Iterable[Submission]) -> None:
        self._course, self._assignment = course, assignment
        self._counts = Counter(one.person for one in submissions)
        self._values: dict[tuple[str, int | None], Evaluation] = {}
        self._shared: dict[tuple[str, str], Evaluation] = {}

    def of(self, exercise: Exercise, submission: Submission) -> Evaluation:
        """Return the evaluation of ``exercise`` for the submission's own numbers and hidden inputs."""
        person = submission.person
        known = self._shared.get((exercise.id, person))
        if known is not None:
            return known
        seed = self._course.seed(self._assignment, person)
        values = self._values.setdefault((exercise.id, seed), _numbers(exercise.reference, seed))
        own = _with_hidden(values, self._course.hidden(self._assignment, person))
        if self._counts[person] > 1:
            self._shared[exercise.id, person] = own
        return own


# The last ones are kept for a hand-in that is checked again and again: the caches of kinds hang on them.
@lru_cache(maxsize=4)
def _numbers(reference: Reference, seed: int | None) -> Evaluation:
    return Evaluation(reference, seed)


@lru_cache(maxsize=4)
def _with_hidden(values: Evaluation, hidden: int) -> Evaluation:
    return values.with_hidden(hidden)
