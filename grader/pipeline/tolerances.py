"""What tolerances should be: wide enough for every way to compute a right answer, too narrow for a known mistake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10

import numpy as np

from grader.checks.comparing import Tolerance
from grader.checks.differences import Floats
from grader.course import Assignment, Check, Course, Exercise
from grader.errors import CourseError, Problem
from grader.pipeline.spreads import Sample, Sampler, deviations, has_tolerance, times

#: A tolerance is proposed that is so many times the spread of right answers.
MARGIN = 10.0
#: No tolerance below this is proposed: what NumPy's ``isclose`` takes for rounding, and what checks have by default.
FLOAT_NOISE = Tolerance(1e-8, 1e-5)
#: An element below this share of the largest one of its answer counts for the absolute tolerance, others for the
#: relative one.
SMALL = 1e-3
#: A known mistake that is fewer tolerances away is too close for comfort.
CLOSE = 3.0


@dataclass(frozen=True, slots=True)
class Mistake:
    """A known mistake: how many tolerances it is away from right, at least, and in how many of the samples.

    ``reached``: samples in which it lies within the tolerance; ``unseen``: in which it makes no difference at all.
    """

    name: str
    times: float
    reached: int
    unseen: int


@dataclass(frozen=True, slots=True)
class Advice:
    """What was found about the tolerance of one check.

    ``atol`` and ``rtol`` are the rubric's. ``absolute`` and ``relative`` are the largest deviations between ways to
    compute the right answer, ``ways`` has each way's as a share of the tolerance. ``mistakes`` are known ones, the
    nearest first, at the rubric's tolerance, ``at_proposed`` at the proposed one.
    """

    exercise: str
    check: str
    kind: str
    atol: float
    rtol: float
    samples: int
    absolute: float
    relative: float
    ways: Mapping[str, float]
    proposed: Tolerance
    mistakes: tuple[Mistake, ...]
    at_proposed: tuple[Mistake, ...]

    @property
    def used(self) -> float:
        """Share of the tolerance that right answers need."""
        return max(self.ways.values(), default=0.0)

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with the tolerance: right answers outside of it, or mistakes within."""
        narrow = [f"too narrow for a right answer computed with {way}" for way, used in self.ways.items() if used > 1]
        reached = [
            f"reaches the mistake `{one.name}` for {one.reached} of {self.samples} sets of numbers"
            for one in self.mistakes
            if one.reached
        ]
        return (*narrow, *reached)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The faults, and what comes close to being one."""
        found = [
            f"the mistake `{one.name}` is only {one.times:.2g} tolerances away"
            for one in self.mistakes
            if 1 < one.times < CLOSE and not one.reached
        ]
        found += [
            f"the proposed tolerance would reach the mistake `{one.name}`: other numbers would tell them apart"
            for one in self.at_proposed
            if one.reached
        ]
        found += [
            f"the mistake `{one.name}` makes no difference for {one.unseen} of {self.samples} sets of numbers"
            for one in self.mistakes
            if one.unseen
        ]
        return (*self.faults, *found)


def advise(course: Course, assignment: Assignment, exercise: Exercise, seeds: int) -> tuple[Advice, ...]:
    """Return what the reference says about the tolerance of each check that has one, in the rubric's order.

    The reference is computed for ``seeds`` personal numbers and hidden inputs (where everybody has the same numbers,
    these), in double and in single precision, and with one and two threads. Checks of kinds other than ``value`` and
    ``call``, and what is compared exactly, are left out. Raises CourseError where the reference cannot be evaluated.
    """
    samplers = []
    for number in range(seeds):
        person = f"tolerances {number}"
        samplers.append(Sampler(exercise, course.seed(assignment, person), course.hidden(assignment, person)))
    found = []
    for check in exercise.rubric.checks:
        only_one = check.kind.name == "value" and not assignment.personal
        samples = [one for one in _samples(exercise, check, samplers[:1] if only_one else samplers) if one]
        options = check.options
        if samples and not getattr(options, "exact", None) and any(has_tolerance(one.right) for one in samples):
            found.append(_advice(exercise, check, samples))
    return tuple(found)


def _samples(exercise: Exercise, check: Check, samplers: Iterable[Sampler]) -> Iterator[Sample | None]:
    try:
        for sampler in samplers:
            yield sampler.sample(check)
    except Exception as error:
        message = f"`{check.options.subject}` cannot be evaluated: {type(error).__name__}: {error}"
        raise CourseError([Problem(str(exercise.reference.path), message)]) from error


def _advice(exercise: Exercise, check: Check, samples: Sequence[Sample]) -> Advice:
    atol, rtol = tolerance_of(check)
    ways: dict[str, float] = {}
    for sample in samples:
        for way, value in sample.ways.items():
            ways[way] = max(ways.get(way, 0.0), times(sample.right, value, atol, rtol))
    spread = [one for sample in samples for one in _spreads(sample)]
    absolute = max((float(np.max(apart, initial=0.0)) for apart, _ in spread), default=0.0)
    parts = [_parts(apart, size) for apart, size in spread]
    relative = max((one for one, _ in parts), default=0.0)
    small = max((one for _, one in parts), default=0.0)
    proposed = Tolerance(
        max(FLOAT_NOISE.atol, rounded_up(MARGIN * small)), max(FLOAT_NOISE.rtol, rounded_up(MARGIN * relative))
    )
    return Advice(
        exercise.id,
        check.id,
        check.kind.name,
        atol,
        rtol,
        len(samples),
        absolute,
        relative,
        ways,
        proposed,
        _mistakes(samples, atol, rtol),
        _mistakes(samples, proposed.atol, proposed.rtol),
    )


def tolerance_of(check: Check) -> tuple[float, float]:
    """Return the absolute and the relative tolerance of a check; 0 for one that it does not have."""
    return float(getattr(check.options, "atol", 0.0)), float(getattr(check.options, "rtol", 0.0))


def _spreads(sample: Sample) -> Iterator[tuple[Floats, Floats]]:
    for other in sample.ways.values():
        yield from deviations(sample.right, other) or ()


def _parts(apart: Floats, size: Floats) -> tuple[float, float]:
    """Return the largest relative deviation of elements that are not small, and the largest absolute one of others."""
    is_small = size <= SMALL * np.max(size, initial=0.0)
    with np.errstate(all="ignore"):
        relative = np.max(apart[~is_small] / size[~is_small], initial=0.0)
    finite = float(relative) if isfinite(relative) else 0.0
    return finite, float(np.max(apart[is_small], initial=0.0))


def rounded_up(value: float) -> float:
    """Return the least of 1, 2 and 5 times a power of ten that is not below ``value``; 0 for 0."""
    if value <= 0 or not isfinite(value):
        return 0.0
    power = floor(log10(value))
    return next(
        float(f"{digit}e{exponent}")
        for exponent in (power - 1, power, power + 1)
        for digit in (1, 2, 5)
        if float(f"{digit}e{exponent}") >= value * (1 - 1e-9)
    )


def _mistakes(samples: Sequence[Sample], atol: float, rtol: float) -> tuple[Mistake, ...]:
    """Return the known mistakes that make a difference, the nearest first."""
    distances: dict[str, list[float]] = {}
    for sample in samples:
        for name, wrong in sample.mistakes.items():
            distances.setdefault(name, []).append(times(sample.right, wrong, atol, rtol))
    found = []
    for name, every in distances.items():
        seen = [one for one in every if one > 0]
        if seen:
            reached = sum(one <= 1 for one in seen)
            found.append(Mistake(name, min(seen), reached, len(every) - len(seen)))
    return tuple(sorted(found, key=lambda one: one.times))
