"""What an instructor wants to know about a whole batch, as numbers and lists."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, median

from grader.model import Batch, CheckResult, CriterionScore, ExerciseReport, Report, Status, Stop
from grader.overrides import misfit
from grader.reports.wording import owed_checks, person_names

#: No histogram has more bars than this.
MOST_BARS = 17


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the histogram: ``count`` submissions with ``low`` points or more, but fewer than ``high``."""

    low: float
    high: float
    count: int
    has_median: bool


@dataclass(frozen=True, slots=True)
class CriterionMean:
    """Mean points of a criterion over the ``settled`` submissions; ``None`` when there are none."""

    exercise: str
    title: str
    mean: float | None
    max_points: float
    settled: int
    owed: int


@dataclass(frozen=True, slots=True)
class Mistake:
    """A recognised mistake, where it was made, and the ids of the submissions that made it.

    ``of`` is how many handed the exercise in. ``exemplar`` is the submission that shows it best, because it has the
    fewest ``other`` checks that are not right.
    """

    exercise: str
    check: str
    misconception: str
    submissions: tuple[str, ...]
    of: int
    exemplar: str
    other: int

    @property
    def share(self) -> float:
        """The share of those who handed the exercise in, 0 to 1."""
        return len(self.submissions) / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class Concern:
    """Something for a human: ``kind`` is pending, late, flag or problem; equal ones are one.

    ``section`` is the section of the class page that shows it at more length, if one does.
    """

    kind: str
    where: str
    message: str
    submissions: tuple[str, ...]
    section: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """A batch at a glance. The statistics leave out what is pending and are ``None`` when all is."""

    submissions: int
    pending: int
    max_points: float
    median: float | None
    mean: float | None
    best: float | None
    bars: tuple[Bar, ...]
    criteria: tuple[CriterionMean, ...]
    mistakes: tuple[Mistake, ...]
    concerns: tuple[Concern, ...]


def summarize(batch: Batch) -> Summary:
    """Return the summary of a batch."""
    settled = [report.points for report in batch.reports if not report.pending]
    most = max((report.max_points for report in batch.reports), default=0.0)
    return Summary(
        submissions=len(batch.reports),
        pending=len(batch.reports) - len(settled),
        max_points=most,
        median=median(settled) if settled else None,
        mean=fmean(settled) if settled else None,
        best=max(settled, default=None),
        bars=_bars(settled, most),
        criteria=_criteria(batch),
        mistakes=_mistakes(batch),
        concerns=_concerns(batch),
    )


def by_name(reports: tuple[Report, ...]) -> list[Report]:
    """Return the reports in the order of the names of their people, without regard to case."""
    return sorted(reports, key=lambda report: ([name.casefold() for name in person_names(report)], report.id))


def _bars(points: list[float], most: float) -> tuple[Bar, ...]:
    if not points or most <= 0:
        return ()
    width = _bar_width(most)
    last = int(most / width + 1e-9)
    # A hair is added because 0.3 / 0.1 is a little less than 3.
    places = [min(max(int(value / width + 1e-9), 0), last) for value in points]
    middle = min(max(int(median(points) / width + 1e-9), 0), last)
    return tuple(
        Bar(index * width, (index + 1) * width, places.count(index), index == middle) for index in range(last + 1)
    )


def _bar_width(most: float) -> float:
    scale = 10.0 ** math.floor(math.log10(most / MOST_BARS))
    steps = (scale * step for step in (1, 2, 5, 10, 20))
    return next(width for width in steps if int(most / width + 1e-9) + 1 <= MOST_BARS)


def _scores(batch: Batch) -> Iterator[tuple[Report, ExerciseReport, CriterionScore]]:
    for report in batch.reports:
        for exercise in report.exercises:
            for criterion in exercise.criteria:
                yield report, exercise, criterion


def _criteria(batch: Batch) -> tuple[CriterionMean, ...]:
    found: dict[tuple[str, str], tuple[str, list[CriterionScore]]] = {}
    for _, exercise, criterion in _scores(batch):
        _, scores = found.setdefault((exercise.id, criterion.id), (exercise.title, []))
        scores.append(criterion)
    return tuple(_criterion_mean(title, scores) for title, scores in found.values())


def _criterion_mean(exercise: str, scores: list[CriterionScore]) -> CriterionMean:
    settled = [score.points for score in scores if not score.pending]
    return CriterionMean(
        exercise=exercise,
        title=scores[0].title,
        mean=fmean(settled) if settled else None,
        max_points=max(score.max_points for score in scores),
        settled=len(settled),
        owed=len(scores) - len(settled),
    )


def _mistakes(batch: Batch) -> tuple[Mistake, ...]:
    found: dict[tuple[str, str, str], list[tuple[Report, ExerciseReport]]] = {}
    titles: dict[str, str] = {}
    handed_in = Counter(exercise.id for report in batch.reports for exercise in report.exercises if exercise.file)
    for report, exercise, criterion in _scores(batch):
        titles[exercise.id] = exercise.title
        for check in criterion.checks:
            if check.result.misconception:
                key = (exercise.id, check.result.id, check.result.misconception)
                found.setdefault(key, []).append((report, exercise))
    mistakes = (
        _mistake(titles[exercise], check, misconception, made, handed_in[exercise])
        for (exercise, check, misconception), made in found.items()
    )
    return tuple(sorted(mistakes, key=lambda mistake: -len(mistake.submissions)))


def _mistake(title: str, check: str, misconception: str, made: list[tuple[Report, ExerciseReport]], of: int) -> Mistake:
    others = {report.id: (_others(exercise, misconception), report.pending, report.id) for report, exercise in made}
    exemplar = min(others, key=lambda name: others[name])
    submissions = tuple(others)
    return Mistake(title, check, misconception, submissions, max(of, len(submissions)), exemplar, others[exemplar][0])


def _others(exercise: ExerciseReport, misconception: str) -> int:
    """Return how many checks are not right for another reason than ``misconception``."""
    results = (check.result for criterion in exercise.criteria for check in criterion.checks)
    return sum(not _right(result) and result.misconception != misconception for result in results)


def _right(result: CheckResult) -> bool:
    return result.status is Status.PASSED or result.follow_through


def _concerns(batch: Batch) -> tuple[Concern, ...]:
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for submission, *key in _concerns_one_by_one(batch):
        ids = found.setdefault((key[0], key[1], key[2], key[3]), [])
        ids += [submission] if submission else []
    return tuple(Concern(*key[:3], tuple(dict.fromkeys(ids)), key[3]) for key, ids in found.items())


def _concerns_one_by_one(batch: Batch) -> Iterator[tuple[str, str, str, str, str]]:
    reports = by_name(batch.reports)
    for report in reports:
        for one in _pending(report):
            yield *one, ""
    for report in reports:
        titles = {exercise.id: exercise.title for exercise in report.exercises}
        for flag in report.flags:
            section = "numbers" if flag.other else ""
            yield report.id, "flag", titles.get(flag.exercise, flag.exercise), flag.message, section
    for problem in batch.problems:
        yield "", "problem", problem.where, problem.message, ""
    for report in reports:
        for problem in report.problems:
            yield report.id, "problem", problem.where, problem.message, ""
        for decision in report.misfits:
            problem = misfit(decision, report)
            yield report.id, "problem", problem.where, problem.message, ""


def _pending(report: Report) -> Iterator[tuple[str, str, str, str]]:
    exercises = [exercise for exercise in report.exercises if exercise.pending]
    for exercise in exercises:
        yield report.id, "pending", exercise.title, _reason(exercise)
    if report.pending and not exercises and not report.late_question:
        yield report.id, "pending", "", "Still to be graded; no exercise says why."
    if report.late_question:
        yield report.id, "late", "", report.late_question


def _reason(exercise: ExerciseReport) -> str:
    checks = [check for criterion in exercise.criteria for check in criterion.checks]
    everything = bool(checks) and all(check.owed for check in checks)
    results = [check.result for check in checks if check.owed]
    owed = "all of it" if everything else ", ".join(owed_checks(exercise))
    if exercise.stop is Stop.INFRASTRUCTURE:
        # What the student reads says the same at more length; what failed is for the operator.
        failed = "The run failed for a reason that is not the student's; grade it again."
        parts = [failed, *(f"What failed: {result.evidence}" for result in results if result.evidence)]
    else:
        parts = [result.message for result in results if result.message]
        parts += [exercise.note] if exercise.note else []
    return " ".join(dict.fromkeys([f"Still to be graded: {owed}.", *parts]))
