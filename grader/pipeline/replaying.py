"""Running one graded submission again, from what its report came from, to see whether it comes out the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from grader import __version__
from grader.checks import Standing
from grader.course import Assignment, Course, Exercise
from grader.errors import GradeError
from grader.model import Environment, ExerciseReport, Job, Run, Stop, Submission
from grader.overrides import undecided
from grader.pipeline.authored import authored
from grader.pipeline.edits import edits
from grader.pipeline.entries import Entries
from grader.pipeline.judgements import Judge
from grader.pipeline.moves import Move, marks, moved
from grader.pipeline.observed import Observed, otherwise
from grader.pipeline.regrading import Left, standing_of
from grader.pipeline.tasks import Task, prepare, run_key
from grader.reference import Evaluation
from grader.store import Entry, Judgement

if TYPE_CHECKING:
    from grader.store import Store  # takes long to import

#: Runs a job so many times at the rung named; one run for each time.
Runner = Callable[[str, Job, int], Sequence[Run]]
Cause = Literal["observed otherwise", "judged otherwise", "observed and judged otherwise"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is otherwise now than when the report was made: ``what`` it belongs to, and which."""

    what: Literal["machine", "isolation", "rubric or reference", "grader", "numbers", "inputs"]
    text: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A check that came out otherwise, and whether because of what was observed or of how that is judged."""

    move: Move
    cause: Cause


@dataclass(frozen=True, slots=True)
class Rerun:
    """One new run of an exercise: what was observed otherwise in it, and which checks came out otherwise."""

    run: Run
    observed: tuple[Observed, ...]
    checks: tuple[Changed, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """An exercise that was run again, at the rung ``isolation``, and all that is otherwise now than it was then."""

    exercise: str
    isolation: str
    differences: tuple[Difference, ...]
    reruns: tuple[Rerun, ...]

    @property
    def same(self) -> int:
        """How many of the new runs gave the reported result."""
        return sum(not one.checks for one in self.reruns)

    @property
    def varies(self) -> bool:
        """Whether the new runs differ from each other: then the hand-in does not always do the same."""
        return any(otherwise(self.reruns[0].run, one.run) for one in self.reruns[1:])

    @property
    def explained(self) -> bool:
        """Whether something that a run depends on is otherwise now than it was then."""
        return any(one.what in {"machine", "isolation", "inputs"} for one in self.differences)


@dataclass(frozen=True, slots=True)
class Replay:
    """A submission that was run again; what could not be is ``left``."""

    submission: str
    assignment: str
    exercises: tuple[Replayed, ...]
    left: tuple[Left, ...]

    @property
    def same(self) -> bool:
        """Whether every new run of every exercise gave the reported result."""
        return all(one.same == len(one.reruns) for one in self.exercises)


@dataclass(frozen=True, slots=True)
class _Plan:
    """An exercise to run again: what was reported, how that came about, and the task now."""

    part: ExerciseReport
    judgement: Judgement
    task: Task
    job: Job
    then: Run
    rung: str


def replay(  # noqa: PLR0913 - what to run again, from what, where and how often
    course: Course,
    assignment: Assignment,
    entry: Entry,
    store: Store,
    runner: Runner,
    environment: Environment,
    *,
    exercises: Sequence[Exercise] = (),
    isolation: str = "",
    times: int = 1,
) -> Replay:
    """Return how the submission of ``entry`` comes out when it is run again; nothing is stored.

    It is run from the files that were handed in, with the numbers, the hidden inputs and the seed of then, at the rung
    of then (unless ``isolation`` names another), and judged by the course's files as they are now.
    Raises GradeError when the files are not as they were, when there is nothing to run, or when a run fails for a
    reason that is not the student's.
    """
    _check_files(entry.submission)
    found = _Replay(course, assignment, entry, store, isolation)
    plans = list(found.plans({one.id for one in exercises}))
    if not plans:
        reasons = "; ".join(f"{one.exercise} {one.reason}" for one in found.left)
        raise GradeError(f"{entry.report.id}: there is nothing to run again: {reasons or 'no such exercise in it'}")
    runs = {plan.part.id: runner(plan.rung, plan.job, times) for plan in plans}
    for plan in plans:
        for run in runs[plan.part.id]:
            if run.stop is Stop.INFRASTRUCTURE:
                raise GradeError(f"{entry.report.id}: {plan.part.id} could not be run again: {run.detail}")
    judged_then = found.judged(plans, {plan.part.id: plan.then for plan in plans})
    reruns = [
        found.reruns(plans, {name: some[index] for name, some in runs.items()}, judged_then) for index in range(times)
    ]
    told = tuple(
        Replayed(
            plan.part.id, plan.rung, found.differences(plan, environment), tuple(one[plan.part.id] for one in reruns)
        )
        for plan in plans
    )
    return Replay(entry.report.id, assignment.id, told, tuple(found.left))


def _check_files(submission: Submission) -> None:
    """Raise GradeError that names every file of the hand-in that is gone or changed, and what is needed."""
    wrong = []
    for file in submission.files:
        try:
            with file.path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            state = f"cannot be read ({error.strerror})"
        else:
            state = f"was changed (SHA-256 {digest})" if digest != file.sha256 else ""
        if state:
            wrong.append(f"{file.path}: {state}; needed is the file with SHA-256 {file.sha256}")
    if wrong:
        archive = submission.origin.archive if submission.origin else ""
        hint = [f"They came from {archive}; `grade intake` unpacks it again."] if archive else []
        reason = "cannot be run again, because its files are not as they were"
        raise GradeError("\n".join([f"{submission.id}: {reason}", *wrong, *hint]))


class _Replay:
    def __init__(self, course: Course, assignment: Assignment, entry: Entry, store: Store, isolation: str) -> None:
        self._course, self._assignment, self._entry = course, assignment, entry
        self._store, self._isolation = store, isolation
        self._made = Entries(assignment, "", Environment("", "", ()))
        self.left: list[Left] = []

    def plans(self, wanted: set[str]) -> Iterator[_Plan]:
        """Yield what of the exercises ``wanted`` (without any, of all) can be run again; ``left`` is the rest."""
        known = {one.exercise: one for one in self._entry.judgements}
        exercises = {one.id: one for one in self._assignment.exercises}
        for part in self._entry.report.exercises:
            if wanted and part.id not in wanted:
                continue
            plan = self._plan(part, exercises.get(part.id), known.get(part.id))
            if isinstance(plan, str):
                self.left.append(Left(self._entry.report.id, part.id, plan))
            else:
                yield plan

    def _plan(self, part: ExerciseReport, exercise: Exercise | None, judgement: Judgement | None) -> _Plan | str:
        if exercise is None:
            return "is no exercise of the assignment any more"
        if judgement is None:
            return "was graded by a version of grade that did not note which run it came from; `grade batch` notes it"
        then = self._store.run(judgement.run) if judgement.run else None
        if then is None:
            return "has no stored run: nothing was handed in or could be run"
        truth = Evaluation(exercise.reference, judgement.seed).with_hidden(judgement.hidden)
        task = prepare(self._entry.submission, self._assignment, exercise, truth, judgement.file)
        if task.job is None:
            return f"cannot be run now: {'; '.join(map(str, task.problems))}"
        return _Plan(undecided(part), judgement, task, task.job, then, self._isolation or then.isolation)

    def judged(self, plans: Sequence[_Plan], runs: Mapping[str, Run]) -> dict[str, ExerciseReport]:
        """Return the reports on ``runs``, by exercise, as the course's files are now."""
        judge = Judge(self._store, lambda _: None)
        keys = [plan.part.id for plan in plans]
        others = {self._entry.report.id: self._others({plan.part.id for plan in plans})}
        told = judge.all(self._assignment, [plan.task for plan in plans], keys, runs, (), others)
        return {one.task.exercise.id: self._made.part(one) for one in told}

    def _others(self, replayed: set[str]) -> dict[str, Standing]:
        known = {one.exercise: one for one in self._entry.judgements}
        return {
            part.id: standing_of(part, known.get(part.id))
            for part in self._entry.report.exercises
            if part.id not in replayed
        }

    def reruns(
        self, plans: Sequence[_Plan], runs: Mapping[str, Run], judged_then: Mapping[str, ExerciseReport]
    ) -> dict[str, Rerun]:
        """Return what new ``runs``, one for each exercise, come to."""
        judged_now = self.judged(plans, runs)
        found = {}
        for plan in plans:
            name = plan.part.id
            by_judging = {move.check for move in self._moves(plan.part, judged_then[name])}
            by_observing = {move.check for move in self._moves(judged_then[name], judged_now[name])}
            checks = tuple(
                Changed(move, _cause(move.check in by_judging, move.check in by_observing))
                for move in self._moves(plan.part, judged_now[name])
            )
            found[name] = Rerun(runs[name], otherwise(plan.then, runs[name]), checks)
        return found

    def _moves(self, before: ExerciseReport, after: ExerciseReport) -> tuple[Move, ...]:
        old, new = (marks([replace(self._entry.report, exercises=(part,))]) for part in (before, after))
        return tuple(move for one in moved(old, new) for move in one.checks)

    def differences(self, plan: _Plan, now: Environment) -> tuple[Difference, ...]:
        """Return what is otherwise now than it was when the report was made."""
        exercise, judgement = plan.task.exercise, plan.judgement
        found = [Difference("machine", text) for text in _machine(plan.then.environment, now)]
        if plan.rung != plan.then.isolation:
            found.append(Difference("isolation", f"{plan.then.isolation} → {plan.rung}"))
        found += self._edits(plan)
        person = self._entry.submission.person
        derived = self._course.seed(self._assignment, person), self._course.hidden(self._assignment, person)
        if derived != (judgement.seed, judgement.hidden):
            text = "the course derives other personal numbers or hidden inputs now; those of then were used"
            found.append(Difference("numbers", text))
        if run_key(plan.job, plan.then.isolation, plan.then.environment) != judgement.run:
            text = f"what is given to the run, or is observed, of {exercise.id}: limits, data sets or probes"
            found.append(Difference("inputs", text))
        return tuple(found)

    def _edits(self, plan: _Plan) -> Iterator[Difference]:
        exercise, then = plan.task.exercise, plan.judgement.authored
        if then is not None:
            for edit in edits(then, authored(exercise), exercise):
                yield Difference("grader" if edit.what == "grader" else "rubric or reference", edit.text)
        elif plan.part.provenance is not None:
            known = plan.part.provenance
            for word, old, new in (
                ("exercise.yaml or the task", known.exercise, exercise.sha256),
                ("the reference", known.reference, exercise.reference.sha256),
                ("the rubric", known.rubric, exercise.rubric.sha256),
            ):
                if old != new:
                    yield Difference("rubric or reference", f"{word} changed")
            if known.grader != __version__:
                yield Difference("grader", f"grade itself: {known.grader} → {__version__}")


def _cause(by_judging: bool, by_observing: bool) -> Cause:  # noqa: FBT001 - the two questions
    if by_judging and by_observing:
        return "observed and judged otherwise"
    return "judged otherwise" if by_judging else "observed otherwise"


def _machine(then: Environment, now: Environment) -> Iterator[str]:
    before, after = ({"Python": one.python, "threads": str(one.threads), **dict(one.packages)} for one in (then, now))
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            yield f"{name} {before.get(name, 'not there')} → {after.get(name, 'not there')}"
    if then.platform != now.platform:
        yield f"{then.platform} → {now.platform}"
