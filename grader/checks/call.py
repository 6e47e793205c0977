"""The kind ``call``: a student's function or class, called on inputs that only the grader knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import numpy as np
from pydantic import Field, model_validator

from grader.checks.calling import (
    LINE,
    Outcome,
    Sent,
    call_probe,
    call_text,
    drawn,
    evaluated,
    noted,
    outcomes,
    step_labels,
)
from grader.checks.case import Case, StandsAlone, Verdict, unknown, verdict, with_strip
from grader.checks.crossing import short, to_value
from grader.checks.properties import PROPERTIES, Tried
from grader.checks.refusals import raised
from grader.checks.strips import differing_result
from grader.checks.trees import Comparison, mismatch
from grader.course import CheckOptions, CreditOptions
from grader.model import Failure, Probe, Strip, fingerprint
from grader.reference import Evaluation, Misconception, Reference, Steps, Trial


class CallOptions(CreditOptions):
    """Judges a function or class by calling it on hidden inputs and comparing with the reference's own.

    - ``call``: the name, of a function of the reference.
    - ``cases``: the cases that draw the inputs; all cases of the function unless one is named.
    - ``trial``: a trial of the reference, through which the function is called.
    - ``atol``: absolute tolerance.
    - ``rtol``: relative tolerance.
    - ``exact``: compare exactly; integers are unless this is false.
    - ``transpose``: a matrix may come transposed where its shape shows that.
    - ``properties``: what must hold for every result, see below; or properties that the reference defines.
    - ``compare``: whether results are compared with the reference's. True unless the reference's own properties are
      listed: these are there for functions with several right answers.
    - ``per_case``: earn the fraction of the cases that are right, in place of all or nothing.
    - ``credit``: fraction earned in spite of a named misconception.

    Properties: ``unchanged`` (leaves its inputs as they are), ``sums_to_one`` (along the last axis), ``non_negative``,
    ``finite``, ``shape_kept`` (that of the first argument), ``falls`` (a list whose last number is below its first),
    ``deterministic``, ``shift_invariant`` (adding a number to the first argument changes nothing), ``row_wise``
    (other order of the rows of the first argument, other order of the result's rows, and nothing else).

    Results are judged outside of the student's process. ``unchanged`` is weaker evidence: it is observed in there.
    """

    call: str
    cases: str | None = None
    trial: str | None = None
    atol: float = Field(default=1e-8, ge=0)
    rtol: float = Field(default=1e-5, ge=0)
    exact: bool | None = None
    transpose: bool = False
    properties: list[str] = Field(default_factory=list)
    compare: bool | None = None
    per_case: bool = False

    @model_validator(mode="before")
    @classmethod
    def _identified(cls, data: Any) -> Any:
        part = (data.get("cases") or data.get("trial")) if isinstance(data, dict) else None
        if part and data.get("call") and not data.get("id"):
            return {**data, "id": f"{data['call']}_{part}"}
        return data

    @property
    def subject(self) -> str:
        """The function."""
        return self.call

    @property
    def comparison(self) -> Comparison:
        """How results are compared."""
        return Comparison(self.atol, self.rtol, self.exact, self.transpose)

    @property
    def compares(self) -> bool:
        """Whether results are compared with the reference's."""
        return all(name in PROPERTIES for name in self.properties) if self.compare is None else self.compare


class CallKind(StandsAlone):
    """Judges every call: what was raised, what came back against the reference, then the properties; then mistakes."""

    name = "call"
    options: type[CheckOptions] = CallOptions

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return one probe for each name of cases."""
        return tuple(probe for probe, _ in _plan(cast("CallOptions", options), truth))

    def problems(self, options: CheckOptions, reference: Reference) -> list[str]:
        """Return what is wrong with the options: unknown names, no cases, fractions out of range."""
        return list(_problems(cast("CallOptions", options), reference))

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict. Raises what the reference raises, and where it would lose the check itself."""
        checked = cast("CallOptions", options)
        found: list[Tried] = []
        for probe, cases in _plan(checked, case.truth):
            seen = case.seen(probe)
            read = outcomes(checked.call, seen, len(cases))
            if isinstance(read, str):
                reason = [case.reason] if isinstance(seen, Failure) and seen.kind == "missing" and case.reason else []
                return verdict(self.name, options, 0.0, "\n".join([read, *reason]))
            found += _tried(checked, cases, read)
        right = _of_author(checked, case.truth, found, case.truth.reference.definitions[checked.call].function)
        judging = _Judging(checked, case.truth.reference, right)
        judging.check_reference()
        wrong = [message for message in map(judging.complaint, found, right) if message]
        if not wrong:
            return verdict(self.name, options, 1.0)
        share = 1 - len(wrong) / len(found) if checked.per_case and not _is_constant(found, right) else 0.0
        evidence = _evidence(found, right, judging)
        named = _misconception(judging, case.truth, found)
        if named:
            fraction = max(share, checked.credit.get(named.id, 0.0))
            evidence = f"misconception {named.id}; {evidence}"
            told = verdict(self.name, options, fraction, named.message, evidence=evidence, misconception=named.id)
            return with_strip(told, judging.strip(found))
        count = f"`{checked.call}` is not right for {len(wrong)} of {len(found)} inputs.\n" if len(found) > 1 else ""
        return with_strip(verdict(self.name, options, share, count + wrong[0], evidence=evidence), judging.strip(found))


CALL = CallKind()


def _problems(options: CallOptions, reference: Reference) -> Iterator[str]:
    if options.call not in reference.definitions:
        yield unknown("call", options.call, "function", reference, reference.definitions)
    known_trials = [name for name, one in reference.trials.items() if one.target == options.call]
    if options.trial is not None and options.trial not in known_trials:
        yield unknown("trial", options.trial, f"trial of `{options.call}`", reference, known_trials)
    target = options.trial or options.call
    known_cases = [name for name, one in reference.cases.items() if one.target == target]
    if options.cases is not None and options.cases not in known_cases:
        yield unknown("cases", options.cases, f"cases of `{target}`", reference, known_cases)
    elif not known_cases and options.trial is None and options.call in reference.definitions:
        yield f"call: no cases draw inputs for `{target}`; write a function marked @cases({target!r}) that does"
    known = [*PROPERTIES, *(name for name, one in reference.properties.items() if one.target == options.call)]
    for name in options.properties:
        if name not in known:
            yield unknown("properties", name, f"property of `{options.call}`", reference, known)
    mistakes = [name for name, one in reference.misconceptions.items() if one.target == options.call]
    for name in options.credit:
        if name not in mistakes:
            yield unknown("credit", name, f"misconception of `{options.call}`", reference, mistakes)


def _trial(options: CallOptions, reference: Reference) -> Trial | None:
    return reference.trials[options.trial] if options.trial else None


def _repeating(options: CallOptions) -> list[str]:
    """Return the properties that need a further call."""
    return [name for name in options.properties if name in PROPERTIES and PROPERTIES[name].again]


def _plan(options: CallOptions, truth: Evaluation) -> Iterator[tuple[Probe, list[Sent]]]:
    """Yield each probe with the cases that it calls: those drawn, and those of each property with a further call."""
    reference = truth.reference
    target = options.trial or options.call
    names = [name for name, one in reference.cases.items() if one.target == target and options.cases in {None, name}]
    drawings = [drawn(truth, [name]) for name in names] or [[Sent(args=[])]]
    for cases in drawings:
        further = [PROPERTIES[one].again for one in _repeating(options)]
        every = cases + [again(case) for again in further if again for case in cases]
        yield call_probe(options.call, every, _trial(options, reference)), every


def _tried(options: CallOptions, cases: Sequence[Sent], found: Sequence[Outcome]) -> list[Tried]:
    """Return the drawn cases, each with its further calls: the inverse of the order in :func:`_plan`."""
    repeating = _repeating(options)
    count = len(cases) // (1 + len(repeating))
    return [
        Tried(cases[i], found[i], {name: found[(1 + n) * count + i] for n, name in enumerate(repeating)})
        for i in range(count)
    ]


def _of_author(
    options: CallOptions,
    truth: Evaluation,
    tried: Sequence[Tried],
    function: Callable[..., Any],
    evaluate: Callable[..., Outcome] = evaluated,
) -> list[Tried]:
    """Return the same cases as an author's function answers them. Raises what it raises, unless it is ``noted``."""
    trial = _trial(options, truth.reference)
    again = {name: PROPERTIES[name].again for name in _repeating(options)}
    return [
        Tried(
            one.case,
            evaluate(function, one.case, trial),
            {name: evaluate(function, make(one.case), trial, name) for name, make in again.items() if make},
        )
        for one in tried
    ]


class _Judging:
    """Judges cases one at a time, against what is right for them."""

    def __init__(self, options: CallOptions, reference: Reference, right: Sequence[Tried]) -> None:
        self.options, self.reference, self.right = options, reference, right

    def check_reference(self) -> None:
        """Raise ValueError where the reference would lose its own check: then nothing can be judged by it."""
        for one in self.right:
            complaint = self.complaint(one, one)
            if complaint:
                raise ValueError(f"the reference would lose this check: {complaint}")

    def strip(self, found: Sequence[Tried]) -> Strip | None:
        """Return where the first wrong result differs; None where that says nothing."""
        for tried, right in zip(found, self.right, strict=True):
            if self.complaint(tried, right):
                values = tried.outcome.value, right.outcome.value
                return differing_result(*values, self.options.comparison) if self.options.compares else None
        return None

    def complaint(self, tried: Tried, right: Tried) -> str:
        """Return what is wrong with one call, for the student; empty where it is right."""
        with np.errstate(all="ignore"):  # a student's numbers may overflow; the comparison will say so
            return self._complaint(tried, right)

    def _complaint(self, tried: Tried, right: Tried) -> str:
        # A trial's inputs are not those of the function: a student would not know what to call with them.
        text = self.options.call if self.options.trial else call_text(self.options.call, tried.case)
        found = tried.outcome
        if found.raised:
            return f"`{text}` {raised(found.raised, found.message)}"
        if self.options.compares and right.outcome.value is None:
            raise TypeError(f"{text} of the reference returned None; expected something to compare with")
        if found.value is None:
            return f"`{text}` gives back None: nothing is returned yet."
        if self.options.compares:
            differs = self._differs(text, tried, right)
            if differs:
                return differs
        broken = (self._broken(name, tried, is_reference=tried is right) for name in self.options.properties)
        return next((f"`{text}` {message}." if message else "" for message in broken if message), "")

    def _differs(self, text: str, tried: Tried, right: Tried) -> str:
        found, true, labels = tried.outcome.value, right.outcome.value, step_labels(text, tried.case)
        if isinstance(found, list) and isinstance(true, list) and len(found) == len(true) == len(labels):
            triples = zip(labels, found, true, strict=True)
            told = (mismatch(label, one, other, self.options.comparison) for label, one, other in triples)
            return next(filter(None, told), "")
        return mismatch(text, found, true, self.options.comparison)

    def _broken(self, name: str, tried: Tried, *, is_reference: bool) -> str:
        if name in PROPERTIES:
            return "" if PROPERTIES[name].holds(tried, self.options.comparison) else PROPERTIES[name].broken
        own = self.reference.properties[name]
        try:
            held = own.function(_inputs(tried.case), to_value(tried.outcome.value, tensors=False))
            if not isinstance(held, str):
                held = "" if bool(held) and held is not None else own.message.rstrip(".")
            elif held:
                held = f"{own.message} {held}".rstrip(".")
        except Exception as error:
            if is_reference:
                raise
            # It holds for the reference's results, so it is the student's that it was not written for.
            return f"gives {short(tried.outcome.value)}, which cannot be judged ({type(error).__name__}: {error})"
        return f"is not right: {held}" if held else ""


def _inputs(case: Sent) -> tuple[Any, ...] | Steps:
    values = {key: to_value(part, tensors=False) for key, part in case.items()}
    arguments = tuple(values["args"])
    if "steps" not in values:
        return arguments
    return Steps(arguments, tuple(_step(step) for step in values["steps"]))


def _step(step: dict[str, Any]) -> tuple[Any, ...]:
    if "set" in step:
        return ("set", step["set"], step["value"])
    return ("get", step["get"]) if "get" in step else ("call", step["call"], *step["args"])


def _is_constant(found: Sequence[Tried], right: Sequence[Tried]) -> bool:
    """Return whether one and the same answer was given to everything, though the right ones differ."""
    answers, true = ({fingerprint(one.outcome.value) for one in tried} for tried in (found, right))
    return len(answers) == 1 < len(true)


def _misconception(judging: _Judging, truth: Evaluation, found: Sequence[Tried]) -> Misconception | None:
    """Return the known mistake that gives what was found in every call, be it an exception."""
    for wrong in truth.reference.misconceptions.values():
        if wrong.target != judging.options.call:
            continue
        try:
            expected = _of_author(judging.options, truth, found, wrong.function, noted)
            is_wrong = any(map(judging.complaint, expected, judging.right))
        except Exception:  # noqa: BLE001, S112 - a wrong version may give what cannot be judged; then it is not what was found
            continue
        if is_wrong and all(_alike(judging.options, *pair) for pair in zip(found, expected, strict=True)):
            return wrong
    return None


def _alike(options: CallOptions, found: Tried, expected: Tried) -> bool:
    if "unchanged" in options.properties and found.outcome.changed != expected.outcome.changed:
        return False
    pairs = [(found.outcome, expected.outcome), *((found.again[name], expected.again[name]) for name in found.again)]
    return all(_same(options, *pair) for pair in pairs)


def _same(options: CallOptions, found: Outcome, expected: Outcome) -> bool:
    if found.raised or expected.raised:
        return (found.raised, LINE.sub("", found.message)) == (expected.raised, expected.message)
    if expected.value is None:
        return found.value is None
    return not mismatch("it", found.value, expected.value, options.comparison)


def _evidence(found: Sequence[Tried], right: Sequence[Tried], judging: _Judging) -> str:
    """Return the first wrong call with both results, for the instructor."""
    for tried, true in zip(found, right, strict=True):
        if judging.complaint(tried, true):
            text = call_text(judging.options.call, tried.case)
            what = f"raised {tried.outcome.raised}" if tried.outcome.raised else short(tried.outcome.value, 200)
            return f"{text}: expected {short(true.outcome.value, 200)}, found {what}"
    return ""
