"""The kind ``value``: a number, array, text or boolean that the student bound to a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, cast

import numpy as np
from pydantic import Field

from grader.checks.answers import Answer, Numbers, Unusable, expected_value
from grader.checks.case import Asked, Case, StandsAlone, Verdict, unknown
from grader.checks.comparing import EXACT, Tolerance, agrees, difference, right_share
from grader.checks.following import evaluated, mistaken, nearest_mistake, spread
from grader.checks.strips import differing
from grader.checks.writing import Kilobyte, Writing
from grader.checks.written import Unit
from grader.course import CheckOptions, CreditOptions
from grader.model import CheckResult, Probe, Status, Strip
from grader.reference import Evaluation, Reference


class ValueOptions(CreditOptions):
    """Judges a number, array or text that the student bound to a name.

    - ``value``: the name, of a quantity of the reference.
    - ``atol``: absolute tolerance: right where ``abs(answer - expected) <= atol + rtol * abs(expected)``.
    - ``rtol``: relative tolerance.
    - ``exact``: compare exactly. Left out, whole numbers are compared exactly and others are not.
    - ``transpose``: a matrix may come transposed where its shape shows that.
    - ``per_element``: a wrong answer that shows no known mistake earns the fraction of its elements that are right.
    - ``accept``: further quantities of the reference, of the same shape, that are right as well.
    - ``follow_through``: fraction earned by an answer that is right only given the student's own earlier answers.
    - ``credit``: fraction earned in spite of a named misconception, as ``{name: fraction}``.
    - ``unit``: MAC, FLOP, parameter, element, B, bit, s, Hz, J or W; then the number may come as text, such as
      ``"21.3 MMAC"``. A list names further units that are as good, as they stand.
    - ``digits``: significant digits that such text needs. ``exact: true`` asks for all of them.
    - ``kilobyte``: what kB, KB, MB … mean in it: 1000, 1024 or ``either``. KiB, MiB … always go by 1024.

    Judged in this order: not usable (missing, None, not finite, wrong shape or class of number); right; right given the
    student's own earlier answers; a known mistake; wrong. Only the value counts, and typed-in right numbers are right.

    Text is right where the true value rounds to it: ``"21.3 MMAC"`` is all from 21.25 to 21.35 million. A whole number
    without a prefix (``"21,344,256 MAC"``) is exact, as Python numbers are. Text with too few digits is taken for the
    very number that stands there, and asked for more digits if that is not right. A rubric is refused where ``digits``
    cannot tell the right value from a known mistake. Later answers are judged by the number as it stands, and, after a
    mistake, by all that it may stand for. FLOPs for MACs are not right; bits are turned into bytes.
    """

    value: str
    atol: float = Field(default=1e-8, ge=0)
    rtol: float = Field(default=1e-5, ge=0)
    exact: bool | None = None
    transpose: bool = False
    per_element: bool = False
    accept: list[str] = Field(default_factory=list)
    follow_through: float = Field(default=1.0, ge=0, le=1)
    unit: Unit | list[Unit] | None = None
    digits: int = Field(default=3, ge=1, le=15)
    kilobyte: Kilobyte = 1000

    @property
    def subject(self) -> str:
        """The name that is judged."""
        return self.value

    @property
    def writing(self) -> Writing | None:
        """How the number may be written as text; None where it may not."""
        units = (self.unit,) if isinstance(self.unit, str) else tuple(self.unit or ())
        return Writing(units, None if self.exact else self.digits, self.kilobyte) if units else None


class ValueKind(StandsAlone):
    """Judges a value by name: shape, class of number, finiteness, tolerance; then follow-through; then mistakes."""

    name = "value"
    options: type[CheckOptions] = ValueOptions

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return the one probe: the value under the name."""
        del truth
        return (Probe("value", options.subject),)

    def problems(self, options: CheckOptions, reference: Reference) -> list[str]:
        """Return what is wrong with the options: unknown quantity, credit for an unknown misconception."""
        checked = cast("ValueOptions", options)
        problems = []
        for key, names in (("value", [checked.value]), ("accept", checked.accept)):
            known = list(reference.quantities)
            problems += [unknown(key, one, "quantity", reference, known) for one in names if one not in known]
        known = list(reference.misconceptions)
        problems += [
            unknown("credit", name, "misconception", reference, known) for name in checked.credit if name not in known
        ]
        return problems or _indistinct(checked, reference)

    def hands_in(self, options: CheckOptions) -> tuple[str, ...]:
        """Return the one quantity."""
        return (options.subject,)

    def asked(self, options: CheckOptions) -> Mapping[str, Asked]:
        """Return the one quantity."""
        checked = cast("ValueOptions", options)
        return {checked.value: Asked(Tolerance(checked.atol, checked.rtol), checked.transpose, checked.writing)}

    def right(self, options: CheckOptions, case: Case) -> bool:
        """Return whether the answer is right by itself, without follow-through."""
        checked = cast("ValueOptions", options)
        answer = case.answer(checked.value)
        return isinstance(answer, Answer) and not _other_unit(answer) and _is_right(checked, case, answer)

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict, in the order: unusable, right, right by follow-through, known mistake, wrong."""
        checked = cast("ValueOptions", options)
        answer = case.answer(checked.value)
        if isinstance(answer, Unusable):
            parts = [answer.message, case.reason] if answer.absent and case.reason else [answer.message]
            return _verdict(checked, Status.FAILED, 0.0, "\n".join(parts))
        true = expected_value(case.truth.value(checked.value))
        if _is_right(checked, case, answer):
            return _but_for_the_unit(checked, case, answer) or _right(checked, case, answer)
        variants = list(case.variants(checked.value))
        followed = (_by_follow_through(checked, variant, answer, true) for variant in variants)
        return (
            next((verdict for verdict in followed if verdict), None)
            or _trivially_consistent(checked, case, answer, true)
            or _by_misconception(checked, variants, answer)
            or _but_for_the_unit(checked, case, answer)
            or _wrong(checked, case, answer, true)
        )


VALUE = ValueKind()


def _is_right(options: ValueOptions, case: Case, answer: Answer) -> bool:
    return any(_fits(options, answer, one) for one in _accepted(options, case))


def _accepted(options: ValueOptions, case: Case) -> list[Numbers | str]:
    return [expected_value(case.truth.value(name)) for name in (options.value, *options.accept)]


def _fits(options: ValueOptions, answer: Answer, expected: Numbers | str | None, more: float = 0.0) -> bool:
    """Return whether the answer agrees to within the tolerance, and ``more``."""
    if expected is None:
        return False
    tolerance = tolerance_of(options, expected)
    if answer.figure is None or isinstance(expected, str):
        return agrees(answer.value, expected, Tolerance(tolerance.atol + more, tolerance.rtol))
    real = expected.size == 1 and expected.dtype.kind in "iuf"
    return real and answer.figure.agrees(expected.item(), tolerance.around(expected.item()) + more)


def tolerance_of(options: ValueOptions, expected: Numbers | str) -> Tolerance:
    """Return the tolerance with which an answer is compared; none for whole numbers, unless the rubric says so."""
    whole = not isinstance(expected, str) and expected.dtype.kind in "iu"
    exact = whole if options.exact is None else options.exact
    return EXACT if exact else Tolerance(options.atol, options.rtol)


def _indistinct(options: ValueOptions, reference: Reference) -> list[str]:
    """Return what is wrong if text with as many digits as asked may be the right value and a known mistake as well."""
    writing = options.writing
    if writing is None or writing.digits is None:
        return []
    right = evaluated(Evaluation(reference, None), options.value)
    tolerance = EXACT if right is None else tolerance_of(options, right)
    mistake, change, true = nearest_mistake(reference, options.value, tolerance)
    if not mistake or writing.step(true, writing.digits) < change:
        return []
    enough = next((digits for digits in range(writing.digits, 16) if writing.step(true, digits) < change), None)
    instead = f"digits: {enough} or exact: true" if enough else "exact: true"
    near = f"`{options.value}` and the mistake `{mistake}` are {change:g} apart"
    return [f"digits: {writing.digits} may not show that {near}; write {instead}"]


def _verdict(  # noqa: PLR0913 - the parts of a result
    options: ValueOptions,
    status: Status,
    fraction: float,
    message: str = "",
    *,
    evidence: str = "",
    misconception: str | None = None,
    follow_through: bool = False,
    adopted: Mapping[str, Any] | None = None,
    strip: Strip | None = None,
) -> Verdict:
    result = CheckResult(
        options.id or options.value,
        "value",
        status,
        fraction,
        message,
        evidence,
        misconception,
        follow_through,
        strip=strip,
    )
    return Verdict(result, adopted or {})


def _right(options: ValueOptions, case: Case, answer: Answer) -> Verdict:
    true = next(one for one in _accepted(options, case) if _fits(options, answer, one))
    return _verdict(options, Status.PASSED, 1.0, _on_kilobytes(options, answer, true))


def _on_kilobytes(options: ValueOptions, answer: Answer, true: Numbers | str) -> str:
    """Return a note where the verdict hangs on what a kilobyte is; empty for what did not come as text."""
    if answer.figure is None or isinstance(true, str):
        return ""
    return answer.figure.on_kilobytes(true.item(), tolerance_of(options, true).around(true.item()))


def _other_unit(answer: Answer | Unusable) -> str:
    return answer.figure.other_unit if isinstance(answer, Answer) and answer.figure else ""


def _but_for_the_unit(options: ValueOptions, case: Case, answer: Answer) -> Verdict | None:
    """Return the verdict on FLOPs where MACs are asked, or the other way round; that is charged once."""
    unit = _other_unit(answer)
    if not unit or answer.figure is None or options.writing is None:
        return None
    converted = Answer(answer.value, answer.figure.converted(options.writing.units[0]))
    right = _is_right(options, case, answer) or _is_right(options, case, converted)
    charged = next((name for name in case.settled if name in case.asked and _other_unit(case.answer(name)) == unit), "")
    if right and charged and options.follow_through:
        status = Status.PASSED if options.follow_through == 1 else Status.PARTIAL
        message = f"Right but for the unit, which was charged for with `{charged}`."
        return _verdict(options, status, options.follow_through, message, follow_through=True)
    return _verdict(options, Status.FAILED, 0.0, f"`{options.value}` is {unit}.")


def _by_follow_through(options: ValueOptions, case: Case, answer: Answer, true: Numbers | str) -> Verdict | None:
    slips = case.slips(options.value)
    if case.blocked(options.value) or not _follows(options, case, answer, allowing_for_rounding=bool(slips)):
        return None
    if not slips:  # only rounding further up
        return None if _other_unit(answer) else _verdict(options, Status.PASSED, 1.0)
    if options.follow_through == 0:
        return None
    faint = case.faint(options.value)
    if faint and _fits(options, answer, evaluated(faint, options.value)):
        message = (
            f"`{options.value}` is not right. It agrees with your own earlier answers, but these are so small that "
            "leaving them out would make no difference here; mend them first."
        )
        return _verdict(options, Status.FAILED, 0.0, message, evidence=_evidence(true, answer))
    named = ", ".join(f"`{slip}`" for slip in slips if slip in case.asked) or "earlier answers"
    message = f"Right, given your own {named}: the earlier slip is not charged again."
    status = Status.PASSED if options.follow_through == 1 else Status.PARTIAL
    return _verdict(options, status, options.follow_through, message, follow_through=True)


def _follows(options: ValueOptions, case: Case, answer: Answer, *, allowing_for_rounding: bool) -> bool:
    """Return whether the answer follows from the student's own, as they stand or for all that they may stand for.

    The second is for mistakes: what exactly was calculated with, before it was rounded, is known of right answers only.
    """
    for name in (options.value, *options.accept):
        followed = evaluated(case.own, name)
        if _fits(options, answer, followed):
            return True
        if allowing_for_rounding and _fits(options, answer, followed, spread(case, name)):
            return True
    return False


def _trivially_consistent(options: ValueOptions, case: Case, answer: Answer, true: Numbers | str) -> Verdict | None:
    """Return the verdict on an answer that follows from earlier ones which left nothing to calculate."""
    trivial = sorted(
        need
        for need, upstream in case.upstream(options.value).items()
        if isinstance(upstream, Answer) and case.trivial(need, upstream)
    )
    followed = evaluated(case.literal, options.value) if trivial else None
    if not _fits(options, answer, followed):
        return None
    names = ", ".join(f"`{name}`" for name in trivial)
    message = (
        f"`{options.value}` is not right. It agrees with your own {names}, but since that is zero throughout, "
        "nothing had to be calculated here; mend that first."
    )
    return _verdict(options, Status.FAILED, 0.0, message, evidence=_evidence(true, answer))


def _evidence(true: Numbers | str, answer: Answer) -> str:
    found = repr(answer.figure.written.text) if answer.figure else _short(answer.value)
    return f"expected {_short(true)}, found {found}"


def _by_misconception(options: ValueOptions, variants: Iterable[Case], answer: Answer) -> Verdict | None:
    """Return the verdict that names a mistake, tried on the student's own inputs and then on the true ones."""
    for case in variants:
        bases = [case.truth] if case.blocked(options.value) else [case.own, case.truth]
        for misconception, base in product(case.suspects(options.value), bases):
            wrong, expected = mistaken(base, misconception, options.value)
            if not _fits(options, answer, expected):
                continue
            fraction = options.credit.get(misconception.id, 0.0)
            unseen = misconception.target != options.value
            return _verdict(
                options,
                Status.PARTIAL if fraction else Status.FAILED,
                fraction,
                misconception.message,
                evidence=f"misconception {misconception.id}",
                misconception=misconception.id,
                adopted={misconception.target: wrong} if unseen else None,
                strip=_strip(options, answer, evaluated(base, options.value)),
            )
    return None


def _wrong(options: ValueOptions, case: Case, answer: Answer, true: Numbers | str) -> Verdict:
    evidence = _evidence(true, answer)
    followed = None if case.blocked(options.value) else evaluated(case.own, options.value)
    tolerance = tolerance_of(options, true)
    if followed is not None and not agrees(followed, true, tolerance):
        evidence += f"; {_short(followed)} would follow from the student's own answers"
    blocking = [
        need
        for need, upstream in sorted(case.upstream(options.value).items())
        if isinstance(upstream, Unusable) or case.trivial(need, upstream)
    ]
    message = difference(options.value, answer.value, true, tolerance)
    if answer.figure:
        notes = (answer.figure.not_right(options.value), _on_kilobytes(options, answer, true), answer.figure.remark)
        message = "\n".join(filter(None, notes))
    if blocking:
        names = ", ".join(f"`{name}`" for name in blocking)
        message += f"\nIt could not be judged from your own {names}: nothing can be learned from it there."
    share = _share(options, case, answer, followed) if options.per_element else 0.0
    status = Status.PARTIAL if share else Status.FAILED
    return _verdict(options, status, share, message, evidence=evidence, strip=_strip(options, answer, true))


def _strip(options: ValueOptions, answer: Answer, right: Numbers | str | None) -> Strip | None:
    return None if right is None else differing(answer.value, right, tolerance_of(options, right))


def _share(options: ValueOptions, case: Case, answer: Answer, followed: Numbers | str | None) -> float:
    """Return the fraction of the elements that are right, or that follow; one and the same number earns nothing."""
    rights = _accepted(options, case)
    if followed is not None and options.follow_through:
        rights.append(followed)
    return max(right_share(answer.value, right, tolerance_of(options, right)) for right in rights)


def _short(value: Numbers | str) -> str:
    if isinstance(value, str):
        return repr(value)
    return np.array2string(value, precision=6, threshold=20, separator=", ")
