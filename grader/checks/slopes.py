"""What the kind ``gradient`` calls, and what comes back: gradients, and differences of the forward function."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np

from grader.checks.answers import Numbers, describe
from grader.checks.calling import Outcome, Sent, call_probe, call_text, drawn
from grader.checks.differences import Differences, Floats, perturbed
from grader.checks.refusals import raised
from grader.checks.trees import numbers
from grader.model import Array, Plain, Probe
from grader.reference import Evaluation


@dataclass(frozen=True, slots=True)
class Plan:
    """What is called to judge the gradient of ``of`` by its argument at ``place``.

    ``points`` are the arguments of the gradient function, ``forwards`` those of the forward function; ``around`` holds
    for each point what :func:`perturbed` yields, in order. ``of_gradient`` asks for the gradient at every point,
    ``of_forward`` for the forward function around every point.
    """

    gradient: str
    of: str
    place: int
    cotangent: int | None
    part: int | str | None
    eps: float
    points: list[Sent]
    forwards: list[Sent]
    around: list[Sent]
    of_gradient: Probe
    of_forward: Probe

    def shape(self, index: int) -> tuple[int, ...]:
        """Return the shape of what is differentiated by, at one of the points."""
        return cast("Numbers", numbers(_arguments(self.forwards[index])[self.place])).shape

    def batch(self, index: int) -> int:
        """Return the number of samples at a point: the longest first axis among its arguments."""
        arrays = [one for one in _arguments(self.forwards[index]) if isinstance(one, Array) and one.shape]
        return max((one.shape[0] for one in arrays), default=1)


# The last ones are kept: who prepares a hand-in and who judges it needs the same, and all that have the same inputs.
@lru_cache(maxsize=16)
def make_plan(  # noqa: PLR0913 - the options of a check
    truth: Evaluation,
    gradient: str,
    of: str,
    *,
    argument: int | str,
    cotangent: int | None,
    part: int | str | None,
    cases: str | None,
    eps: float,
) -> Plan:
    """Return the plan. Raises TypeError for cases without the arguments that are named, or with no numbers there."""
    reference = truth.reference
    names = [name for name, one in reference.cases.items() if one.target == gradient and cases in {None, name}]
    points = drawn(truth, names)
    if isinstance(argument, str):
        argument = list(inspect.signature(reference.definitions[of].function).parameters).index(argument)
    forwards = [_forward(point, cotangent) for point in points]
    around = [one for forward in forwards for one in perturbed(forward, argument, eps)]
    asked = call_probe(gradient, points), call_probe(of, around)
    return Plan(gradient, of, argument, cotangent, part, eps, points, forwards, around, *asked)


def _arguments(case: Sent) -> list[Plain]:
    return cast("list[Plain]", case["args"])


def _forward(point: Sent, cotangent: int | None) -> Sent:
    """Return the arguments of the forward function at a point: all but the cotangent."""
    arguments = list(_arguments(point))
    if cotangent is not None:
        if cotangent >= len(arguments):
            raise TypeError(f"cotangent: the cases draw {len(arguments)} arguments; there is none at {cotangent}")
        del arguments[cotangent]
    return {"args": arguments}


def slopes(plan: Plan, found: Sequence[Outcome]) -> list[Differences] | str:
    """Return the differences at each point, or in words for the student why there are none."""
    values: list[Numbers] = []
    for one, outcome in zip(plan.around, found, strict=True):
        value = None if outcome.raised else numbers(outcome.value)
        if value is None:
            what = raised(outcome.raised, outcome.message) if outcome.raised else f"is {describe(outcome.value)}"
            return f"`{call_text(plan.of, one)}` {what}"
        values.append(value)
    rest = iter(values)
    made: list[Differences] = []
    for index, (point, forward) in enumerate(zip(plan.points, plan.forwards, strict=True)):
        count = 1 + 4 * int(np.prod(plan.shape(index)))
        cotangent = None if plan.cotangent is None else numbers(_arguments(point)[plan.cotangent])
        slope = Differences.of(forward, plan.place, [next(rest) for _ in range(count)], cotangent, plan.eps)
        if isinstance(slope, str):
            return f"`{call_text(plan.of, forward)}` {slope}"
        made.append(slope)
    return made


def read_gradients(plan: Plan, found: Sequence[Outcome], *, transpose: bool) -> list[Floats] | str:
    """Return the gradients in the shape of what they are for, or for the student why one is unusable."""
    read: list[Floats] = []
    for index, (point, outcome) in enumerate(zip(plan.points, found, strict=True)):
        text = call_text(plan.gradient, point)
        if outcome.raised:
            return f"`{text}` {raised(outcome.raised, outcome.message)}"
        if outcome.value is None:
            return f"`{text}` gives back None: nothing is returned yet."
        value = part_of(plan, outcome.value)
        if value is None or value.dtype.kind in "bc":
            wanted = "" if plan.part is None else f" at {plan.part!r} of what it gives back"
            return f"`{text}` should give numbers{wanted}, but gives {describe(outcome.value)}."
        shape = plan.shape(index)
        shaped = in_shape(value, shape, transpose=transpose)
        if shaped is None:
            is_turned = in_shape(value, shape, transpose=True) is not None
            hint = ": that is the transpose of what is asked" if is_turned else f"; what it is for has {shape}"
            return f"`{text}` has shape {value.shape}{hint}."
        if not np.all(np.isfinite(shaped)):
            return f"`{text}` has elements that are no finite numbers."
        read.append(shaped.astype(np.float64))
    return read


def part_of(plan: Plan, value: Plain) -> Numbers | None:
    """Return the gradient in what the gradient function gave back; None where there are no numbers."""
    match plan.part, value:
        case None, _:
            return numbers(value)
        case int(), list() if plan.part < len(value):
            return numbers(value[plan.part])
        case str(), dict() if plan.part in value:
            return numbers(value[plan.part])
    return None


def in_shape(value: Numbers, shape: tuple[int, ...], *, transpose: bool) -> Numbers | None:
    """Return ``value`` in ``shape``, where only axes of length one differ, or it is turned and may be; else None."""
    core, wanted = (_core(one) for one in (value.shape, shape))
    if core == wanted:
        return value.reshape(shape)
    if transpose and len(core) == 2 and core[::-1] == wanted:
        return value.reshape(core).T.reshape(shape)
    return None


def _core(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(length for length in shape if length != 1)


def points_of(plan: Plan) -> Iterator[str]:
    """Yield the call of the gradient function at each point, as a student would write it."""
    return (call_text(plan.gradient, point) for point in plan.points)


def options_problem(of: Any, argument: int | str) -> str:
    """Return what is wrong with ``argument``, given the reference's forward function; empty if nothing is."""
    parameters = list(inspect.signature(of).parameters)
    if isinstance(argument, str) and argument not in parameters:
        return f"argument: `{argument}` is no argument of `{of.__name__}`; it has: {', '.join(parameters)}"
    if isinstance(argument, int) and not 0 <= argument < len(parameters):
        return f"argument: `{of.__name__}` has {len(parameters)} arguments, counted from 0; found {argument}"
    return ""
