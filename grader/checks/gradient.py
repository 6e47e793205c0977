"""The kind ``gradient``: a student's gradient against central differences of the student's own forward function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from pydantic import Field, model_validator

from grader.checks.answers import Numbers
from grader.checks.calling import Outcome, evaluated, outcomes
from grader.checks.case import Case, StandsAlone, Verdict, unknown, verdict, with_strip
from grader.checks.crossing import short
from grader.checks.differences import Differences, Floats
from grader.checks.slopes import (
    Plan,
    in_shape,
    make_plan,
    options_problem,
    part_of,
    points_of,
    read_gradients,
    slopes,
)
from grader.checks.strips import strip_of
from grader.course import CheckOptions, CreditOptions
from grader.model import Array, Failure, Plain, Probe
from grader.reference import Evaluation, Misconception, Reference


class GradientOptions(CreditOptions):
    """Judges a gradient against central differences of the student's own forward function, at hidden points.

    - ``gradient``: the function that gives the gradient; one of the reference's.
    - ``of``: the forward function, which takes the same arguments in the same order.
    - ``argument``: the argument of the forward function that the gradient is for: its place, from 0, or its name.
    - ``part``: place or key of the gradient in what the gradient function gives back, where that is several.
    - ``cotangent``: the place, from 0, of the argument of the gradient function that holds the gradient from above,
      where it takes one: an array of the forward function's shape, which the forward function itself does not take.
      Without it the gradient is that of the sum of the forward function's elements: of a loss that is one number, or
      the derivative of an activation at every element.
    - ``cases``: the cases that draw the arguments; all cases of the gradient function unless one is named.
    - ``eps``: step of the differences. A forward function that calculates in less than double precision gets 0.005.
    - ``atol``: absolute tolerance, beyond the rounding of the differences.
    - ``rtol``: relative tolerance. In less than double precision both are at least 0.001.
    - ``transpose``: a matrix may come transposed where its shape shows that.
    - ``follow_through``: fraction earned where the gradient is right for the student's own forward function only.
    - ``own``: judge by the student's own forward function alone, as bundles for students do, which hold no other.
    - ``credit``: fraction earned in spite of a named misconception.

    A gradient that is right for the reference's forward function is right, too. Points within one step of a kink,
    where the differences to both sides disagree, are left out: any subgradient will do there. Whether the gradient was
    written by hand or taken from ``torch.autograd`` makes no difference here; the kind ``source`` tells them apart.
    """

    gradient: str
    of: str
    argument: int | str = 0
    part: int | str | None = None
    cotangent: int | None = Field(default=None, ge=0)
    cases: str | None = None
    eps: float = Field(default=1e-5, gt=0, le=1e-3)
    atol: float = Field(default=1e-7, ge=0)
    rtol: float = Field(default=1e-4, ge=0)
    transpose: bool = False
    follow_through: float = Field(default=1.0, ge=0, le=1)
    own: bool = False

    @model_validator(mode="before")
    @classmethod
    def _identified(cls, data: Any) -> Any:
        parts = [str(data[key]) for key in ("gradient", "cases", "part") if key in data] if "gradient" in data else []
        return {"id": "_".join(parts), **data} if len(parts) > 1 else data

    @property
    def subject(self) -> str:
        """The gradient function."""
        return self.gradient


class GradientKind(StandsAlone):
    """Judges a gradient function: by the true forward function, by the student's own, then known and usual mistakes."""

    name = "gradient"
    options: type[CheckOptions] = GradientOptions

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return two probes: the gradient at every point, and the forward function around every point."""
        plan = _plan(cast("GradientOptions", options), truth)
        return plan.of_gradient, plan.of_forward

    def problems(self, options: CheckOptions, reference: Reference) -> list[str]:
        """Return what is wrong with the options: unknown names, an argument that is not there, no cases."""
        return list(_problems(cast("GradientOptions", options), reference))

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict. Raises what the reference raises, and where its own gradient is wrong."""
        checked = cast("GradientOptions", options)
        plan = _plan(checked, case.truth)
        if checked.own:
            return _by_own_alone(checked, plan, case)
        true = _true_slopes(checked, plan, case.truth.reference)
        seen = case.seen(plan.of_gradient)
        found = outcomes(checked.gradient, seen, len(plan.points))
        if isinstance(found, str):
            return verdict(self.name, options, 0.0, _nothing_found(found, seen, case))
        gradients = read_gradients(plan, found, transpose=checked.transpose)
        if not isinstance(gradients, str) and _agree(checked, gradients, true):
            return verdict(self.name, options, 1.0)
        named = _misconception(checked, plan, case.truth.reference, found, true)
        if isinstance(gradients, str):
            return named or verdict(self.name, options, 0.0, gradients)
        around = outcomes(checked.of, case.seen(plan.of_forward), len(plan.around))
        own = around if isinstance(around, str) else slopes(plan, around)
        return _by_follow_through(checked, gradients, own, true) or named or _wrong(checked, plan, gradients, own, true)


GRADIENT = GradientKind()


def _nothing_found(message: str, seen: Plain | Failure, case: Case) -> str:
    missing = isinstance(seen, Failure) and seen.kind == "missing"
    return f"{message}\n{case.reason}" if missing and case.reason else message


def _by_own_alone(options: GradientOptions, plan: Plan, case: Case) -> Verdict:
    """Return the verdict by the student's own forward function, where the reference's is not at hand."""
    seen = case.seen(plan.of_gradient)
    found = outcomes(options.gradient, seen, len(plan.points))
    if isinstance(found, str):
        return verdict("gradient", options, 0.0, _nothing_found(found, seen, case))
    gradients = read_gradients(plan, found, transpose=options.transpose)
    if isinstance(gradients, str):
        return verdict("gradient", options, 0.0, gradients)
    around = outcomes(options.of, case.seen(plan.of_forward), len(plan.around))
    own = around if isinstance(around, str) else slopes(plan, around)
    if isinstance(own, str):
        return verdict("gradient", options, 0.0, f"`{options.gradient}` cannot be judged yet: {own}.")
    if _is_trivial(own):
        message = (
            f"Your own `{options.of}` is constant or a plain sum, so that there is nothing to derive; mend it first."
        )
        return verdict("gradient", options, 0.0, message)
    if _agree(options, gradients, own):
        return verdict("gradient", options, 1.0, f"It is the gradient of your own `{options.of}`.")
    return _wrong(options, plan, gradients, own, own)


def _problems(options: GradientOptions, reference: Reference) -> Iterator[str]:
    for key, name in (("gradient", options.gradient), ("of", options.of)):
        if name not in reference.definitions:
            yield unknown(key, name, "function", reference, reference.definitions)
    if options.of in reference.definitions:
        problem = options_problem(reference.definitions[options.of].function, options.argument)
        yield from [problem] if problem else []
    known = [name for name, one in reference.cases.items() if one.target == options.gradient]
    if options.cases is not None and options.cases not in known:
        yield unknown("cases", options.cases, f"cases of `{options.gradient}`", reference, known)
    elif not known and options.gradient in reference.definitions:
        yield f"gradient: no cases draw arguments; write a function marked @cases({options.gradient!r}) that does"
    mistakes = [name for name, one in reference.misconceptions.items() if one.target == options.gradient]
    for name in options.credit:
        if name not in mistakes:
            yield unknown("credit", name, f"misconception of `{options.gradient}`", reference, mistakes)


def _plan(options: GradientOptions, truth: Evaluation) -> Plan:
    return make_plan(
        truth,
        options.gradient,
        options.of,
        argument=options.argument,
        cotangent=options.cotangent,
        part=options.part,
        cases=options.cases,
        eps=options.eps,
    )


def _true_slopes(options: GradientOptions, plan: Plan, reference: Reference) -> list[Differences]:
    """Return the differences of the reference's forward function. Raises ValueError where its own gradient is wrong."""
    forward, gradient = (reference.definitions[name].function for name in (options.of, options.gradient))
    true = slopes(plan, [evaluated(forward, one) for one in plan.around])
    if isinstance(true, str):
        raise ValueError(  # noqa: TRY004 - no argument is of the wrong type
            f"the reference's `{options.of}` cannot be differentiated: {true}"
        )
    if not any(np.any(one.usable) for one in true):
        raise ValueError(
            "all points that the cases draw lie on kinks, or the differences drown in rounding; draw others"
        )
    own = read_gradients(plan, [evaluated(gradient, one) for one in plan.points], transpose=False)
    if isinstance(own, str) or not _agree(options, own, true):
        why = own if isinstance(own, str) else f"it disagrees with central differences of its `{options.of}`"
        raise ValueError(f"the reference's `{options.gradient}` would lose this check: {why}")
    return true


def _agree(options: GradientOptions, gradients: Sequence[Floats], base: Sequence[Differences]) -> bool:
    pairs = zip(gradients, base, strict=True)
    return all(slope.agrees(gradient, options.atol, options.rtol) for gradient, slope in pairs)


def _by_follow_through(
    options: GradientOptions,
    gradients: Sequence[Floats],
    own: Sequence[Differences] | str,
    true: Sequence[Differences],
) -> Verdict | None:
    if isinstance(own, str) or not _agree(options, gradients, own) or options.follow_through == 0:
        return None
    if sum(int(np.sum(one.usable)) for one in own) < sum(int(np.sum(one.usable)) for one in true) / 2:
        return None
    if _is_trivial(own) and not _is_trivial(true):
        message = (
            f"`{options.gradient}` agrees with your own `{options.of}`, but that is constant or a plain sum, so that "
            "there was nothing to derive; mend it first."
        )
        return verdict("gradient", options, 0.0, message)
    message = f"Right, given your own `{options.of}`: the earlier slip is not charged again."
    found = verdict("gradient", options, options.follow_through, message)
    return replace(found, result=replace(found.result, follow_through=True))


def _is_trivial(base: Sequence[Differences]) -> bool:
    """Return whether the differences are, in all elements and at all points, one and the same number or unusable."""
    every = np.concatenate([one.central[one.usable] for one in base])
    return every.size == 0 or bool(np.ptp(every) <= 1e-3 * float(np.max(np.abs(every))) + 1e-6)


def _misconception(
    options: GradientOptions,
    plan: Plan,
    reference: Reference,
    found: Sequence[Outcome],
    true: Sequence[Differences],
) -> Verdict | None:
    """Return the verdict that names a known mistake which gives what was found at every point."""
    for wrong in reference.misconceptions.values():
        if wrong.target == options.gradient and _is(options, plan, wrong, found, true):
            return verdict(
                "gradient",
                options,
                options.credit.get(wrong.id, 0.0),
                wrong.message,
                evidence=f"misconception {wrong.id}",
                misconception=wrong.id,
            )
    return None


def _is(
    options: GradientOptions, plan: Plan, wrong: Misconception, found: Sequence[Outcome], true: Sequence[Differences]
) -> bool:
    try:
        given = [part_of(plan, evaluated(wrong.function, one).value) for one in plan.points]
    except Exception:  # noqa: BLE001 - a wrong version may fail on some points; then it is not what was found
        return False
    for outcome, expected, slope in zip(found, given, true, strict=True):
        value = None if outcome.raised or outcome.value is None else part_of(plan, outcome.value)
        shaped = None if value is None or expected is None else in_shape(value, expected.shape, transpose=False)
        if shaped is None:
            return False
        same = np.isclose(shaped, cast("Any", expected), rtol=options.rtol, atol=options.atol, equal_nan=True)
        # At a kink any subgradient will do, in a wrong version too.
        if not np.all(same | ~slope.usable if same.shape == slope.usable.shape else same):
            return False
    return True


def _wrong(
    options: GradientOptions,
    plan: Plan,
    gradients: Sequence[Floats],
    own: Sequence[Differences] | str,
    true: Sequence[Differences],
) -> Verdict:
    """Return the verdict on a gradient that is simply wrong, with the usual mistake that it looks like."""
    tolerance = options.atol, options.rtol
    index = next(i for i, one in enumerate(gradients) if not true[i].agrees(one, *tolerance))
    text = list(points_of(plan))[index]
    lines = [f"`{text}` is not right: {true[index].count_wrong(gradients[index], *tolerance)}."]
    bases = [true] if isinstance(own, str) else [own, true]
    lines.append(next(filter(None, (_looks_like(options, plan, gradients, base) for base in bases)), ""))
    left_out = sum(int(np.sum(~one.usable)) for one in true)
    lines.append(f"Elements left out, since they lie at a kink: {left_out}." if left_out else "")
    evidence = f"{text}: expected {_short(true[index].central)}, found {_short(gradients[index])}"
    if isinstance(own, str):
        evidence += f"; the student's own forward function: {own}"
    told = verdict("gradient", options, 0.0, "\n".join(filter(None, lines)), evidence=evidence)
    return with_strip(told, strip_of(true[index].agreement(gradients[index], *tolerance)))


def _looks_like(options: GradientOptions, plan: Plan, gradients: Sequence[Floats], base: Sequence[Differences]) -> str:
    """Return in a sentence which usual mistake the gradients look like, judged at all points; empty if none."""
    usual: dict[str, Callable[[Floats, int], Floats]] = {
        "It is right but for the sign.": lambda one, _: -one,
        "It is twice what it should be.": lambda one, _: one / 2,
        "It is half of what it should be.": lambda one, _: one * 2,
        "It is too small by the number of samples: a mean where a sum is asked.": lambda one, n: one * n,
        "It is too large by the number of samples: a sum where a mean is asked.": lambda one, n: one / n,
        "It looks like the transpose.": lambda one, _: one.T if one.ndim == 2 and len({*one.shape}) == 1 else one,
    }
    if not any(np.any(one != 0) for one in gradients):
        return ""
    batches = [plan.batch(index) for index in range(len(gradients))]
    for sentence, change in usual.items():
        if _agree(options, [change(*pair) for pair in zip(gradients, batches, strict=True)], base):
            return sentence
    return ""


def _short(array: Numbers) -> str:
    return short(Array.from_numpy(np.asarray(array, np.float64)), 300)
