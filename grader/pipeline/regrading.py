"""Judging anew what is stored: no student code runs, and no hand-in is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from grader import __version__
from grader.checks import Standing, probes
from grader.course import Assignment, Exercise
from grader.errors import UsageError
from grader.model import Batch, Decision, Environment, ExerciseReport, Findings, Report, Run, Stop
from grader.overrides import decide_exercise, standing_decisions, undecided
from grader.pipeline.authored import authored
from grader.pipeline.deciding import with_strays
from grader.pipeline.edits import Edit, edits
from grader.pipeline.entries import Entries
from grader.pipeline.judgements import Fresh, Judge
from grader.pipeline.moves import Move, Moved, marks, moved
from grader.pipeline.same_answers import same_answers
from grader.pipeline.tasks import Task
from grader.pipeline.work import Judged
from grader.reference import Evaluation
from grader.store import Authored, Entry, Grading, Judgement

if TYPE_CHECKING:
    from grader.store import Store  # takes long to import


@dataclass(frozen=True, slots=True)
class Left:
    """An exercise of a submission that is left as it is, and why."""

    submission: str
    exercise: str
    reason: str


@dataclass(frozen=True, slots=True)
class Regrading:
    """What judging anew would change, with ``known`` decisions in it; nothing is kept before :func:`publish`."""

    batch: Batch
    moved: tuple[Moved, ...]
    edits: tuple[Edit, ...]
    left: tuple[Left, ...]
    entries: tuple[Entry, ...]
    fresh: Fresh
    judged: int
    overtaken: tuple[Overtaken, ...]
    known: int


@dataclass(frozen=True, slots=True)
class Overtaken:
    """A decision under which something else is computed now than ``before``."""

    decision: Decision
    before: float


def regrade(assignment: Assignment, store: Store) -> Regrading:
    """Return the last grading of ``assignment`` as the course's files would have it now.

    Every exercise of it is judged from the observations that are stored, with the numbers and the hidden inputs that
    its run saw. What cannot be judged from these is left as it is. Raises UsageError when nothing was graded yet.
    """
    grading = store.last_grading(assignment.id)
    if grading is None:
        raise UsageError(f"{assignment.id} was not graded yet into this gradebook; run `grade batch` first")
    return _Regrade(assignment, store, grading).result()


def publish(regrading: Regrading, store: Store) -> None:
    """Make the reports of ``regrading`` the current ones, after keeping what was judged."""
    store.save_many_results(regrading.fresh)
    store.save_grading(regrading.batch, "regrade", regrading.entries, known=regrading.known)


class _Regrade:
    def __init__(self, assignment: Assignment, store: Store, grading: Grading) -> None:
        self._assignment, self._store, self._grading = assignment, store, grading
        self._runs = store.runs(one.run for entry in grading.entries for one in entry.judgements)
        self._values: dict[tuple[str, int | None], Evaluation] = {}
        self._exercises = {one.id: one for one in assignment.exercises}
        self._left: dict[tuple[str, str], str] = {}
        self._fresh: Fresh = {}
        # Every report has a run or none; what was not run needs a name for its rung and machine.
        self._decisions = store.decisions(assignment.id)
        self._made = Entries(assignment, "", Environment("", "", ()), self._decisions)

    def result(self) -> Regrading:
        tasks, keys, others = self._tasks()
        judge = Judge(self._store, self._fresh.update, self._decisions)
        judged = judge.all(self._assignment, tasks, keys, self._runs, (), others)
        own: dict[str, list[Judged]] = {}
        for one in judged:
            own.setdefault(one.task.submission.id, []).append(one)
        entries = tuple(self._entry(entry, own.get(entry.report.id, [])) for entry in self._grading.entries)
        changed = self._edits()
        before, after = (marks(one.report for one in some) for some in (self._grading.entries, entries))
        reports = tuple(entry.report for entry in entries)
        now = datetime.now(UTC)
        problems = with_strays(self._grading.problems, self._decisions, reports)
        found = self._findings(judged)
        batch = Batch(self._assignment.id, self._assignment.title, reports, problems, __version__, now, found)
        told = moved(before, after, lambda name, move: _because(changed[name], move))
        every = tuple(dict.fromkeys(edit for some in changed.values() for edit in some))
        left = tuple(Left(*place, reason) for place, reason in self._left.items())
        overtaken = tuple(_overtaken(self._grading.entries, reports))
        judged_anew, known = sum(map(bool, keys)), len(self._decisions)
        return Regrading(batch, told, every, left, entries, self._fresh, judged_anew, overtaken, known)

    def _tasks(self) -> tuple[list[Task], list[str], dict[str, dict[str, Standing]]]:
        """Return what can be judged anew, with the keys of the runs, and how came out what is left as it is."""
        tasks: list[Task] = []
        keys: list[str] = []
        others: dict[str, dict[str, Standing]] = {}
        for entry in self._grading.entries:
            known = {one.exercise: one for one in entry.judgements}
            for part in entry.report.exercises:
                task = self._task(entry, part, known.get(part.id))
                if isinstance(task, str):
                    self._left[entry.report.id, part.id] = task
                    others.setdefault(entry.report.id, {})[part.id] = self._standing(entry, part, known.get(part.id))
                else:
                    tasks.append(task)
                    keys.append(known[part.id].run)
            for name in self._exercises.keys() - {part.id for part in entry.report.exercises}:
                self._left[entry.report.id, name] = "was not graded yet; `grade batch` does"
        return tasks, keys, others

    def _task(self, entry: Entry, part: ExerciseReport, judgement: Judgement | None) -> Task | str:
        """Return the task, with nothing to run; or why it cannot be judged anew."""
        exercise = self._exercises.get(part.id)
        if exercise is None:
            return "is no exercise of the assignment any more"
        if judgement is None:
            return (
                "was graded by a version of grade that did not note which run it came from; `grade batch` notes it, "
                "and runs nothing again"
            )
        if part.stop is Stop.INFRASTRUCTURE:
            return "could not be run for a fault of the machine; `grade batch` tries again"
        truth = self._truth(exercise, judgement)
        if judgement.run:
            missing = unobserved(exercise, truth, self._runs[judgement.run])
            if missing:
                return missing
        return Task(
            entry.submission,
            exercise,
            truth,
            None,
            judgement.file,
            judgement.note,
            judgement.owed,
            judgement.untouched,
            judgement.problems,
        )

    def _truth(self, exercise: Exercise, judgement: Judgement) -> Evaluation:
        key = exercise.id, judgement.seed
        values = self._values.setdefault(key, Evaluation(exercise.reference, judgement.seed))
        return values.with_hidden(judgement.hidden)

    def _entry(self, old: Entry, own: Sequence[Judged]) -> Entry:
        """Return the entry with what was judged anew in place of what it had; whose numbers were used stays flagged."""
        anew = {one.task.exercise.id: one for one in own}
        parts = tuple(
            _as_run(self._made.part(anew[part.id]), part) if part.id in anew else part for part in old.report.exercises
        )
        report = self._made.report(old.submission, parts, old.report.problems, old.report.flags)
        judgements = tuple(
            self._made.judgement(anew[one.exercise]) if one.exercise in anew else one for one in old.judgements
        )
        return Entry(report, old.submission, judgements)

    def _findings(self, judged: Sequence[Judged]) -> Findings:
        """Return what was found, with the wrong answers of now where an exercise was judged anew; code stays code."""
        anew = {one.task.exercise.id for one in judged if one.run}
        before = self._grading.findings
        kept = tuple(one for one in before.same_answers if one.exercise not in anew)
        return replace(before, same_answers=(*same_answers(judged), *kept))

    def _standing(self, entry: Entry, part: ExerciseReport, judgement: Judgement | None) -> Standing:
        own = standing_decisions(self._decisions).get(entry.report.id, {})
        return standing_of(decide_exercise(undecided(part), own), judgement)

    def _edits(self) -> dict[str, tuple[Edit, ...]]:
        """Return the edits since each submission was graded, of the exercises that were judged anew."""
        found: dict[tuple[str, str], tuple[Edit, ...]] = {}
        by_submission: dict[str, tuple[Edit, ...]] = {}
        for entry in self._grading.entries:
            every: list[Edit] = []
            for one in entry.judgements:
                if one.authored is None or (entry.report.id, one.exercise) in self._left:
                    continue
                key = one.exercise, _version(one.authored)
                if key not in found:
                    exercise = self._exercises[one.exercise]
                    found[key] = edits(one.authored, authored(exercise), exercise)
                every += found[key]
            by_submission[entry.report.id] = tuple(every)
        return by_submission


def _overtaken(entries: Iterable[Entry], reports: Iterable[Report]) -> Iterator[Overtaken]:
    """Yield the decisions in ``reports`` under which another number is computed than in the entries' own."""
    before = {(one.submission, one.place): one for entry in entries for one in entry.report.decisions}
    for one in (one for report in reports for one in report.decisions):
        old = before.get((one.submission, one.place))
        if old and old.computed is not None and one.computed is not None and abs(old.computed - one.computed) > 5e-7:
            yield Overtaken(one, old.computed)


def _version(authored: Authored) -> str:
    return f"{authored.exercise} {authored.reference} {authored.rubric} {authored.grader}"


def unobserved(exercise: Exercise, truth: Evaluation, run: Run) -> str:
    """Return why the stored run cannot tell what the exercise asks for now; empty if it can."""
    try:
        wanted = probes(exercise, truth)
    except Exception as error:  # noqa: BLE001 - an author's function may fail in any way
        return f"what is to be observed cannot be evaluated ({type(error).__name__}: {error}); mend the reference"
    seen = {one.probe for one in run.observations}
    missing = [f"`{probe.name}`" for probe in wanted if probe not in seen]
    if not missing:
        return ""
    listed = ", ".join(list(dict.fromkeys(missing))[:4]) + (" and more" if len(missing) > 4 else "")
    return f"asks for what was not observed when it ran: {listed}; `grade batch` runs it again"


def standing_of(part: ExerciseReport, judgement: Judgement | None) -> Standing:
    """Return how an exercise came out, from its report."""
    handed_in = bool(part.file) and not (judgement and judgement.untouched)
    return Standing(handed_in, part.points, part.max_points, part.pending)


def _as_run(new: ExerciseReport, old: ExerciseReport) -> ExerciseReport:
    """Return the new report with the rung and the machine of the old one, which no judging changes."""
    if new.provenance is None or old.provenance is None:
        return new
    provenance = replace(new.provenance, environment=old.provenance.environment, machine=old.provenance.machine)
    return replace(new, isolation=old.isolation, provenance=provenance)


def _because(found: Iterable[Edit], move: Move) -> tuple[str, ...]:
    """Return the edits that explain why a check moved."""
    mine = [edit for edit in found if edit.exercise == move.exercise and move.check in edit.checks]
    before, after = move.before, move.after
    judged_alike = (
        before is not None
        and after is not None
        and (before.status, before.misconception, before.follow_through)
        == (after.status, after.misconception, after.follow_through)
    )
    reasons = [edit.text for edit in mine if (edit.what == "points") == judged_alike]
    return tuple(reasons or [edit.text for edit in mine] or ["another exercise of the same hand-in"])
