"""Grading many submissions: what is stored is used, what is missing is run, and everything is judged and weighed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from grader import __version__
from grader.checks import Context, Standing, judge_exercise, uses_context
from grader.course import Assignment, Course, Exercise
from grader.errors import Problem
from grader.model import Batch, Job, Run, Status, Stop, Submission
from grader.pipeline.personal import others_numbers
from grader.pipeline.reporting import exercise_report, standing, submission_report
from grader.pipeline.tasks import Task, prepare, result_key, run_key
from grader.pipeline.work import Judged, Workplace
from grader.reference import Evaluation
from grader.store import Store


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

    ``unresolved`` submissions are reported as pending and not run. ``named`` is the file to grade, where a person has
    said which. ``others`` says how further exercises of every submission came out that are not graded here. Every run
    is stored as soon as it ends; an interruption (KeyboardInterrupt) loses only those in flight.
    Raises GradeError when the gradebook fails.
    """
    store = workplace.store
    store.save_submissions((*submissions, *unresolved))
    chosen = tuple(exercises or assignment.exercises)
    truths = _Truths(course, assignment)
    tasks = [
        prepare(one, assignment, exercise, truths.of(exercise, one), named)
        for one in submissions
        for exercise in chosen
    ]
    keys = [run_key(task.job, workplace.isolation, workplace.environment) if task.job else "" for task in tasks]
    failed = _execute(tasks, keys, workplace, progress)
    judged = _judge_all(assignment, tasks, keys, failed, store, others)
    flags = others_numbers(judged) if assignment.personal else ()
    reports = []
    for submission in submissions:
        own = [one for one in judged if one.task.submission is submission]
        found = tuple(problem for one in own for problem in one.task.problems)
        parts = [exercise_report(one, workplace) for one in own]
        mine = tuple(flag for flag in flags if flag.submission == submission.id)
        reports.append(submission_report(submission, assignment, parts, found, mine))
    for submission in unresolved:
        note = "Handed in twice under one name; a person will look at it."
        nothing = [
            Judged(Task(submission, exercise, truths.of(exercise, submission), None, note=note, owed=True), None, ())
            for exercise in chosen
        ]
        parts = [exercise_report(one, workplace) for one in nothing]
        reports.append(submission_report(submission, assignment, parts, (), ()))
    reports.sort(key=lambda report: report.id)
    store.save_reports(tuple(reports))
    told = {problem for report in reports for problem in report.problems}
    rest = tuple(problem for problem in problems if problem not in told)
    return Batch(assignment.id, assignment.title, tuple(reports), rest, __version__, datetime.now(UTC))


def _execute(
    tasks: Sequence[Task], keys: Sequence[str], workplace: Workplace, progress: Callable[[Progress], None]
) -> dict[str, Run]:
    """Run what is not stored, each distinct job once; return the runs that failed for a reason of ours."""
    stored = workplace.store.known_runs()
    missing = {key: task for task, key in zip(tasks, keys, strict=True) if task.job and key not in stored}
    failed: dict[str, Run] = {}
    progress(Progress(0, len(missing)))
    for done, (key, run) in enumerate(workplace.engine.run(_jobs(missing)), start=1):
        workplace.store.save_run(key, run)
        if run.stop is Stop.INFRASTRUCTURE:
            failed[key] = run
        progress(Progress(done, len(missing), missing[key].submission.id))
    return failed


def _jobs(missing: dict[str, Task]) -> Iterator[tuple[str, Job]]:
    for key, task in missing.items():
        if task.job:
            yield key, task.job


class _Truths:
    """The evaluation of each exercise for each submission; those with the same numbers share their values."""

    def __init__(self, course: Course, assignment: Assignment) -> None:
        self._course, self._assignment = course, assignment
        self._values: dict[tuple[str, int | None], Evaluation] = {}

    def of(self, exercise: Exercise, submission: Submission) -> Evaluation:
        """Return the evaluation of ``exercise`` for the submission's own numbers and hidden inputs."""
        seed = self._course.seed(self._assignment, submission.id)
        values = self._values.setdefault((exercise.id, seed), Evaluation(exercise.reference, seed))
        return values.with_hidden(self._course.hidden(self._assignment, submission.id))


def _judge_all(
    assignment: Assignment,
    tasks: Sequence[Task],
    keys: Sequence[str],
    failed: dict[str, Run],
    store: Store,
    others: Mapping[str, Standing] | None,
) -> list[Judged]:
    """Return every task with its results, in order; those that depend on other exercises are judged after these."""
    found: dict[int, Judged] = {}
    order = sorted(range(len(tasks)), key=lambda index: uses_context(tasks[index].exercise))
    for index in order:
        task = tasks[index]
        context = None
        if uses_context(task.exercise):
            own = [one for one in found.values() if one.task.submission is task.submission]
            context = _context(assignment, task.submission, own, others)
        found[index] = _judge(task, keys[index], failed, store, context)
    return [found[index] for index in range(len(tasks))]


def _context(
    assignment: Assignment, submission: Submission, own: Sequence[Judged], told: Mapping[str, Standing] | None
) -> Context:
    """Return what judging may know; its ``others`` only where all other exercises of the assignment are known."""
    graded = {**(told or {}), **{one.task.exercise.id: standing(one) for one in own}}
    expected = {exercise.id for exercise in assignment.exercises if not uses_context(exercise)}
    others = graded if expected <= set(graded) else None
    return Context(submission.people, submission.received, assignment.deadline, others)


def _judge(task: Task, key: str, failed: dict[str, Run], store: Store, context: Context | None) -> Judged:
    """Return the task with its results, judged now unless a stored judgement has the same inputs."""
    if task.job is None:
        return Judged(task, None, ())
    run = failed.get(key) or store.run(key)
    if run is None:
        raise AssertionError(f"run {key} vanished from the gradebook")
    judged_key = result_key(key, task.exercise, task.truth, context)
    results = store.results(judged_key) if key not in failed else None
    if results is None:
        results = judge_exercise(task.exercise, task.truth, run, context or Context())
        if key not in failed and not any(result.status is Status.ERROR for result in results):
            store.save_results(judged_key, key, results)
    return Judged(task, run, results)
