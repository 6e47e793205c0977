"""The kind ``sealed``: a value that is judged without its right answer being at hand, in a bundle for students."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, cast

import numpy as np
from pydantic import AfterValidator, Field

from grader.checks.answers import Answer, Numbers, Unusable, expected_value, read_answer
from grader.checks.case import Case, StandsAlone, Verdict, unknown, verdict
from grader.checks.comparing import Tolerance, agrees
from grader.checks.sealing import WORK, Sketch, code, opened
from grader.checks.writing import Kilobyte, Writing
from grader.checks.written import Unit
from grader.course import CheckOptions
from grader.model import CheckResult, Failure, Plain, Probe, Status
from grader.reference import Evaluation, Reference

Number = Literal["bool", "int", "float"]
#: More would take longer than a student waits, and more memory than a small machine has.
_MOST_WORK = 16
#: Inferred of an answer that is right in another way than the usual one.
_OTHER = "other"
_AS_GIVEN = Tolerance(1e-8, 1e-5)


def _in_base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError(f"is not in base64 ({error}); download the bundle again") from None
    return text


Base64 = Annotated[str, AfterValidator(_in_base64)]


class Seals(CheckOptions):
    """What every sealed check has, see :class:`SealedOptions`."""

    atol: float = Field(default=0.0, ge=0)
    rtol: float = Field(default=0.0, ge=0, lt=1)
    salt: Base64 = ""
    shifts: Base64 = ""
    work: int = Field(default=WORK, ge=1, le=_MOST_WORK)
    seals: list[Base64] = Field(default_factory=list)

    @property
    def sketch(self) -> Sketch:
        """How an answer is turned into a code."""
        shifts = base64.b64decode(self.shifts)
        return Sketch(base64.b64decode(self.salt), Tolerance(self.atol, self.rtol), shifts)

    def told(self, answer: Numbers | str) -> Mapping[str, Any] | None:
        """Return what an answer opens; None where that is nothing."""
        plan = self.sketch
        return opened(map(base64.b64decode, self.seals), code(plan, answer), plan.salt, work=self.work)


class SealedOptions(Seals):
    """Judges a value without holding the right answer; `grade release` makes such checks, and nobody writes them.

    - ``sealed``: the name that is judged.
    - ``number``: its class, ``bool``, ``int`` or ``float``; none where it is text.
    - ``shape``: its shape.
    - ``transpose``: a matrix may come transposed where its shape shows that.
    - ``unit``: the number may come as text with this unit, as in the kind ``value``.
    - ``kilobyte``: what kB, KB, MB … mean in it.
    - ``atol``: absolute tolerance. With both tolerances 0, answers are compared exactly.
    - ``rtol``: relative tolerance.
    - ``salt``: another one for every check, in base64.
    - ``shifts``: how each number's grid is shifted, in base64.
    - ``work``: the logarithm to base 2 of scrypt's cost.
    - ``conventions``: answers that it is calculated from and that may be right in several ways.
    - ``seals``: messages in base64, each encrypted under the key that one answer gives. One of them says that the
      answer is right, others name mistakes; they look alike. Without any, only the form is judged.

    An answer that opens a seal is told what it says. Any other is not right; but where an earlier answer that it may
    have been calculated from is not right either, or is not told here, it is "not judged", since it may follow from
    that. Where an answer in ``conventions`` is not known to be the usual one, no mistake is named either: what looks
    like one is right for those who chose otherwise. Text with a unit has to be a whole number to its last digit. What
    is right within the tolerance is right here; what is off by more than twice the tolerance is not; in between, an
    answer may pass here that will not pass later.
    ``grader/release/SEALING.md`` says what a seal gives away, and what it costs to guess an answer.
    """

    sealed: str
    number: Number | None = None
    shape: list[Annotated[int, Field(ge=0)]] = Field(default_factory=list)
    transpose: bool = False
    unit: Unit | list[Unit] | None = None
    kilobyte: Kilobyte = 1000
    conventions: list[str] = Field(default_factory=list)

    @property
    def subject(self) -> str:
        """The name that is judged."""
        return self.sealed

    @property
    def pattern(self) -> Numbers | str:
        """Something of the form that the answer should have."""
        return "" if self.number is None else np.zeros(self.shape, dtype=np.dtype(self.number))

    @property
    def writing(self) -> Writing | None:
        """How the number may be written as text: to its last digit. None where it may not."""
        units = (self.unit,) if isinstance(self.unit, str) else tuple(self.unit or ())
        return Writing(units, None, self.kilobyte) if units else None


class SealedKind(StandsAlone):
    """Judges by what the answer opens."""

    name = "sealed"
    options: type[CheckOptions] = SealedOptions

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return the probes: the value under the name, and those of the answers that it is calculated from."""
        node = truth.reference.nodes[options.subject]
        conventions = cast("SealedOptions", options).conventions
        return tuple(Probe("value", name) for name in dict.fromkeys((options.subject, *node.needs, *conventions)))

    def problems(self, options: CheckOptions, reference: Reference) -> list[str]:
        """Return what is wrong: a name that the reference does not know, shifts that do not fit the shape."""
        checked = cast("SealedOptions", options)
        known = list(reference.quantities)
        name = checked.sealed
        problems = [] if name in known else [unknown("sealed", name, "quantity", reference, known)]
        count = len(checked.sketch.shifts)
        size = int(np.prod(checked.shape))
        if count not in {0, size}:
            problems.append(f"shifts: are for {count} numbers, but the shape {checked.shape} has {size}")
        return problems

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict, in the order: unusable, form alone, what the answer opens, cannot tell yet, wrong."""
        checked = cast("SealedOptions", options)
        seen = case.seen(Probe("value", checked.sealed))
        answer = read_answer(
            checked.sealed, seen, checked.pattern, transpose=checked.transpose, writing=checked.writing
        )
        if isinstance(answer, Unusable):
            reason = [case.reason] if answer.absent and case.reason else []
            return verdict(self.name, options, 0.0, "\n".join([answer.message, *reason]))
        if not checked.seals:
            message = f"`{checked.sealed}` has the right form. Whether it is right is told after it was handed in."
            return _not_told(checked, message)
        unclear = _unclear(checked, answer)
        if unclear:
            return unclear
        told = checked.told(answer.value)
        if told is None or (told.get("fraction") != 1.0 and any(_doubtful(case, checked))):
            return _wrong(checked, case)
        found = as_told(self.name, checked, told)
        return replace(found, adopted={checked.sealed: _OTHER}) if told.get("other") else found


SEALED = SealedKind()


def _not_told(options: SealedOptions, message: str) -> Verdict:
    return Verdict(CheckResult(options.id or options.sealed, "sealed", Status.SKIPPED, 0.0, message), {})


def _unclear(options: SealedOptions, answer: Answer) -> Verdict | None:
    """Return the verdict on text that is rounded, or in FLOPs where MACs are asked; None for all else."""
    figure = answer.figure
    if figure is None:
        return None
    if figure.other_unit:
        return verdict("sealed", options, 0.0, f"`{options.sealed}` is {figure.other_unit}.")
    if figure.coarse:
        message = f"`{options.sealed}` is rounded: to have it checked here, write all digits. It may well be right."
        return _not_told(options, message)
    return None


def as_told(kind: str, options: Seals, told: Mapping[str, Any]) -> Verdict:
    """Return the verdict that a seal holds."""
    fraction, message = float(told.get("fraction", 0.0)), str(told.get("message", ""))
    return verdict(kind, options, fraction, message, misconception=told.get("misconception"))


def _wrong(options: SealedOptions, case: Case) -> Verdict:
    blamed = sorted({*_blamed(case, options.sealed), *_doubtful(case, options)})
    if not blamed:
        return verdict("sealed", options, 0.0, f"`{options.sealed}` is not right.{_on_givens(case)}")
    names = ", ".join(f"`{name}`" for name in blamed)
    return _not_told(options, f"Cannot tell yet, because of {names}: `{options.sealed}` may follow from that.")


def _blamed(case: Case, name: str) -> Iterator[str]:
    """Yield the nearest answers above ``name`` that are not known to be right; absent ones are looked through."""
    for need in case.truth.reference.nodes[name].needs:
        result = case.settled.get(need)
        if _is_absent(case.seen(Probe("value", need))):
            yield from _blamed(case, need)
        elif result is None or not result.clean:
            yield need


def _on_givens(case: Case) -> str:
    """Return a sentence where the hand-in was calculated with other numbers than were handed out."""
    changed = []
    for name in case.truth.reference.givens:
        seen, given = case.seen(Probe("value", name)), expected_value(case.truth.value(name))
        answer = None if _is_absent(seen) else read_answer(name, seen, given, transpose=False)
        if answer and not (isinstance(answer, Answer) and agrees(answer.value, given, _AS_GIVEN)):
            changed.append(f"`{name}`")
    return f"\nOf what is given, {', '.join(changed)} is not as it was handed out." if changed else ""


def _doubtful(case: Case, options: SealedOptions) -> Iterator[str]:
    """Yield the conventions that were answered, and not known to be answered as usual."""
    for name in options.conventions:
        result = case.settled.get(name)
        usual = result is not None and result.clean and case.adopted.get(name) != _OTHER
        if not usual and not _is_absent(case.seen(Probe("value", name))):
            yield name


def _is_absent(value: Plain | Failure) -> bool:
    return value is None or (isinstance(value, Failure) and value.kind in {"missing", "not_run"})
