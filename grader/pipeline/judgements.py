"""Judging many tasks: what was judged before, from the same, is taken from the gradebook."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from grader.checks import Context, Standing, judge_exercise, uses_context
from grader.course import Assignment
from grader.late import due
from grader.model import CheckResult, Decision, Run, Status, Submission
from grader.overrides import standing_decisions
from grader.pipeline.reporting import standing
from grader.pipeline.tasks import Task, result_key
from grader.pipeline.work import Judged
from grader.store import Keeper

#: Results by their key, with the key of the run that they are of.
Fresh = dict[str, tuple[str, tuple[CheckResult, ...]]]

#: Results are kept this many at a time: one transaction for each would cost more than judging.
_AT_A_TIME = 50


class Judge:
    """Judges with what is stored in ``store``, and hands what is judged anew to ``keep``, many at a time.

    Checks that depend on other exercises see these with the ``decisions`` of people in them.
    """

    def __init__(self, store: Keeper, keep: Callable[[Fresh], None], decisions: Iterable[Decision] = ()) -> None:
        self._store, self._keep = store, keep
        self._decisions = standing_decisions(decisions)
        self._known = store.known_results()
        self._fresh: Fresh = {}

    def all(
        self,
        assignment: Assignment,
        tasks: Sequence[Task],
        keys: Sequence[str],
        runs: Mapping[str, Run],
        failed: Collection[str] = (),
        others: Mapping[str, Mapping[str, Standing]] | None = None,
    ) -> list[Judged]:
        """Return every task with its results, in order; those that depend on other exercises are judged after these.

        ``keys`` are those of the tasks' ``runs``, empty where there is none. Runs that ``failed`` are not stored.
        ``others`` are further exercises of each submission that are not judged here.
        """
        found: dict[int, Judged] = {}
        by_submission: dict[str, list[Judged]] = {}
        for index in sorted(range(len(tasks)), key=lambda index: uses_context(tasks[index].exercise)):
            task = tasks[index]
            own = by_submission.setdefault(task.submission.id, [])
            context = None
            if uses_context(task.exercise):
                told = (others or {}).get(task.submission.id, {})
                decided = self._decisions.get(task.submission.id, {})
                graded = {**told, **{one.task.exercise.id: standing(one, decided) for one in own}}
                context = _context(assignment, task.submission, graded)
            found[index] = self._one(task, keys[index], runs, failed, context)
            own.append(found[index])
        self._flush()
        return [found[index] for index in range(len(tasks))]

    def _one(
        self, task: Task, key: str, runs: Mapping[str, Run], failed: Collection[str], context: Context | None
    ) -> Judged:
        if not key:
            return Judged(task, None, ())
        if key not in runs:
            raise AssertionError(f"run {key} vanished from the gradebook")
        if key in failed:
            return Judged(task, runs[key], judge_exercise(task.exercise, task.truth, runs[key], context or Context()))
        judged_key = result_key(key, task.exercise, task.truth, context)
        known = judged_key in self._known or judged_key in self._fresh
        results = (self._fresh.get(judged_key) or ("", self._store.results(judged_key)))[1] if known else None
        if results is None:
            results = judge_exercise(task.exercise, task.truth, runs[key], context or Context())
            if any(result.status is Status.ERROR for result in results):
                return Judged(task, runs[key], results, key)
            self._note(judged_key, key, results)
        return Judged(task, runs[key], results, key, judged_key)

    def _note(self, judged_key: str, key: str, results: tuple[CheckResult, ...]) -> None:
        self._fresh[judged_key] = key, results
        if len(self._fresh) >= _AT_A_TIME:
            self._flush()

    def _flush(self) -> None:
        if self._fresh:
            self._keep(self._fresh)
            self._known |= frozenset(self._fresh)
            self._fresh = {}


def _context(assignment: Assignment, submission: Submission, graded: Mapping[str, Standing]) -> Context:
    """Return what judging may know; its ``others`` only where all other exercises of the assignment are known."""
    expected = {exercise.id for exercise in assignment.exercises if not uses_context(exercise)} | {*assignment.others}
    others = graded if expected <= set(graded) else None
    return Context(submission.people, submission.received, due(assignment, submission), others)
