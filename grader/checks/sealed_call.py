"""The kind ``sealed_call``: a function that is judged by what it gives, in a bundle without the right function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, cast

import numpy as np
from pydantic import Field

from grader.checks.answers import Numbers, Unusable, read_answer
from grader.checks.calling import Outcome, Sent, call_probe, call_text, drawn, outcomes
from grader.checks.case import Case, StandsAlone, Verdict, unknown, verdict
from grader.checks.refusals import raised
from grader.checks.sealed import Number, Seals, as_told
from grader.course import CheckOptions
from grader.model import Failure, Probe
from grader.reference import Evaluation, Reference


class SealedCallOptions(Seals):
    """Judges a function by what it gives for inputs in a bundle; `grade release` makes such checks, nobody writes them.

    - ``sealed_call``: the name of the function.
    - ``cases``: the cases that hold the inputs.
    - ``number``: the class of the numbers that it gives, ``bool``, ``int`` or ``float``.
    - ``shapes``: the shape of what it gives for each input.
    - ``transpose``: a matrix may come transposed where its shape shows that.
    - ``atol``: absolute tolerance. With both tolerances 0, results are compared exactly.
    - ``rtol``: relative tolerance.
    - ``salt``: as in the kind ``sealed``.
    - ``shifts``: as in the kind ``sealed``, of all numbers that all calls give, in order.
    - ``work``: as in the kind ``sealed``.
    - ``seals``: as in the kind ``sealed``; none are of no use here.

    All results are one secret, which is right or wrong as a whole. Properties that the rubric asks for are not judged.
    Hand-ins are judged with other inputs: a table of these would be of no use.
    """

    sealed_call: str
    cases: list[str] = Field(min_length=1)
    number: Number
    shapes: list[list[Annotated[int, Field(ge=0)]]] = Field(min_length=1)
    transpose: bool = False

    @property
    def subject(self) -> str:
        """The function."""
        return self.sealed_call


class SealedCallKind(StandsAlone):
    """Judges by what all results together open."""

    name = "sealed_call"
    options: type[CheckOptions] = SealedCallOptions

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return the one probe: the function called on every input."""
        checked = cast("SealedCallOptions", options)
        return (call_probe(checked.sealed_call, drawn(truth, checked.cases)),)

    def problems(self, options: CheckOptions, reference: Reference) -> list[str]:
        """Return what is wrong: cases that are not there, shifts that do not fit the shapes."""
        checked = cast("SealedCallOptions", options)
        known = [name for name, one in reference.cases.items() if one.target == checked.sealed_call]
        what = f"cases of `{checked.sealed_call}`"
        problems = [unknown("cases", name, what, reference, known) for name in checked.cases if name not in known]
        count, size = len(checked.sketch.shifts), sum(int(np.prod(shape)) for shape in checked.shapes)
        if count not in {0, size}:
            problems.append(f"shifts: are for {count} numbers, but the shapes have {size}")
        return problems

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict. Raises ValueError where there are not as many inputs as shapes."""
        checked = cast("SealedCallOptions", options)
        name, cases = checked.sealed_call, drawn(case.truth, checked.cases)
        if len(cases) != len(checked.shapes):
            raise ValueError(f"there are {len(cases)} inputs for {len(checked.shapes)} shapes")
        seen = case.seen(call_probe(name, cases))
        found = outcomes(name, seen, len(cases))
        if isinstance(found, str):
            missing = isinstance(seen, Failure) and seen.kind == "missing" and case.reason
            return verdict(self.name, options, 0.0, f"{found}\n{case.reason}" if missing else found)
        numbers = _numbers(checked, cases, found)
        if isinstance(numbers, str):
            return verdict(self.name, options, 0.0, numbers)
        told = checked.told(numbers)
        if told is not None:
            return as_told(self.name, checked, told)
        tried = ", ".join(f"`{call_text(name, one)}`" for one in cases[:3])
        more = f" and {len(cases) - 3} more" if len(cases) > 3 else ""
        return verdict(self.name, options, 0.0, f"`{name}` is not right. Tried were {tried}{more}.")


SEALED_CALL = SealedCallKind()


def _numbers(options: SealedCallOptions, cases: Sequence[Sent], found: Sequence[Outcome]) -> Numbers | str:
    """Return all numbers that came back, in order, or for the student why one result is unusable."""
    read = []
    for sent, outcome, shape in zip(cases, found, options.shapes, strict=True):
        text = call_text(options.sealed_call, sent)
        if outcome.raised:
            return f"`{text}` {raised(outcome.raised, outcome.message)}"
        if outcome.value is None:
            return f"`{text}` gives back None: nothing is returned yet."
        pattern = np.zeros(shape, dtype=np.dtype(options.number))
        answer = read_answer(text, outcome.value, pattern, transpose=options.transpose)
        if isinstance(answer, Unusable):
            return answer.message
        read.append(np.ravel(answer.value))
    return np.concatenate(read)
