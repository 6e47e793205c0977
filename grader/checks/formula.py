"""The kind ``formula``: an algebraic answer, as text or as a small function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from grader.checks.algebra import FUNCTIONS, FormulaError, Term, functions, parse
from grader.checks.answers import Unusable, describe, read_answer, to_array
from grader.checks.case import Case, StandsAlone, Verdict, unknown, verdict
from grader.checks.identity import (
    VECTOR_LENGTH,
    Assumption,
    Point,
    Value,
    close,
    constant_factor,
    points,
    same,
    values_at,
)
from grader.checks.refusals import raised
from grader.course import CheckOptions, CreditOptions
from grader.model import Array, Failure, Opaque, Plain, Probe
from grader.reference import Evaluation, Misconception, Reference

_CALLABLE = frozenset({"function", "builtin_function_or_method", "method", "ufunc", "partial"})
_MAX_SHOWN_CHARS = 120


class FormulaOptions(CreditOptions):
    """Judges a formula, whichever way it is written: ``L*M*N``, ``L·M·N``, ``LMN``, ``N M L`` are the same.

    - ``formula``: the name, of a quantity of the reference that is text (a SymPy expression will do).
    - ``variables``: the names that may appear in it, in the order in which a function would take them.
    - ``vectors``: names that stand for a vector; ``x_i`` or ``x`` is the element that the formula is about, and
      ``sum_j``, ``sum`` and ``max`` run over all of them.
    - ``assume``: what the variables are: positive integers (the default), odd positive integers, integers, positive
      numbers or numbers; for all, or by name.
    - ``accept``: other formulas that are right as well.
    - ``without``: functions that may not be used, since they are what is asked for; in a Python function they may.
    - ``credit``: fraction earned in spite of a named misconception.

    Text is read by a small grammar: ``+ - * / // % **``, floor, ceil, abs, sqrt, exp, log, max, min, sum, tanh,
    sigmoid, relu, Unicode signs and simple LaTeX; nothing of it is evaluated as code. A Python function or ``lambda``
    is called with hidden numbers instead. Polynomials are compared by their coefficients, all other formulas by their
    values at forty random points. A function could return what it likes elsewhere; that is weaker evidence.
    """

    formula: str
    variables: tuple[str, ...] = ()
    vectors: tuple[str, ...] = ()
    assume: Assumption | dict[str, Assumption] = "positive integers"
    accept: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The name that is judged."""
        return self.formula

    def assumption(self) -> dict[str, Assumption]:
        """Return what each name is."""
        names = (*self.variables, *self.vectors)
        if isinstance(self.assume, dict):
            return {name: self.assume.get(name, "positive integers") for name in names}
        return dict.fromkeys(names, self.assume)

    def read(self, text: str) -> Term:
        """Return the tree of ``text``. Raises FormulaError."""
        return parse(text, self.variables, self.vectors)


class FormulaKind(StandsAlone):
    """Judges an algebraic answer: right in any form, a known mistake, or wrong."""

    name = "formula"
    options: type[CheckOptions] = FormulaOptions

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return two probes: the value under the name, and the calls in case it is a function."""
        checked = cast("FormulaOptions", options)
        return (Probe("value", checked.formula), _calls(checked, truth))

    def problems(self, options: CheckOptions, reference: Reference) -> list[str]:
        """Return what is wrong with the options: unknown names, no variables, formulas that cannot be read."""
        checked = cast("FormulaOptions", options)
        if checked.formula not in reference.quantities:
            return [unknown("formula", checked.formula, "quantity", reference, list(reference.quantities))]
        names = (*checked.variables, *checked.vectors)
        found = [] if names else ["variables: is missing; name what may appear in the formula"]
        if isinstance(checked.assume, dict):
            found += [f"assume: `{name}` is no variable of this check" for name in checked.assume if name not in names]
        known = set(FUNCTIONS.values())
        found += [f"without: `{name}` is no function that is read" for name in checked.without if name not in known]
        for name in checked.credit:
            if name not in reference.misconceptions:
                found.append(unknown("credit", name, "misconception", reference, list(reference.misconceptions)))
        texts = {f"accept: {text!r}": text for text in checked.accept}
        texts |= {f"formula: {text!r} of {reference.path}": text for text in _defined(checked.formula, reference)}
        for where, text in texts.items():
            try:
                checked.read(text)
            except FormulaError as error:
                found.append(f"{where} cannot be read: {error}")
        return found

    def hands_in(self, options: CheckOptions) -> tuple[str, ...]:
        """Return the one quantity."""
        return (options.subject,)

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict, in the order: not readable, right, known mistake, wrong."""
        checked = cast("FormulaOptions", options)
        value = case.seen(Probe("value", checked.formula))
        if isinstance(value, Opaque) and value.type_name in _CALLABLE:
            return _judge_function(checked, case)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, Opaque):
            message = f"`{checked.formula}` is {describe(value)}: write the formula as text, such as `str(...)` of it."
            return verdict("formula", checked, 0.0, message)
        answer = read_answer(checked.formula, value, "", transpose=False)
        if isinstance(answer, Unusable):
            message = "\n".join([answer.message, *([case.reason] if answer.absent and case.reason else [])])
            return verdict("formula", checked, 0.0, message)
        return _judge_text(checked, case, str(answer.value))


FORMULA = FormulaKind()


def _defined(name: str, reference: Reference) -> list[str]:
    """Return the text of the quantity; nothing where it cannot be evaluated, which is told elsewhere."""
    try:
        return [str(Evaluation(reference, None).value(name))]
    except Exception:  # noqa: BLE001 - an author's function may fail in any way
        return []


def _points(options: FormulaOptions, truth: Evaluation) -> list[Point]:
    rng = truth.generator(f"formula {options.formula}")
    return points(options.variables, options.vectors, options.assumption(), rng)


def _judge_text(options: FormulaOptions, case: Case, text: str) -> Verdict:
    shown = text if len(text) <= _MAX_SHOWN_CHARS else f"{text[:_MAX_SHOWN_CHARS]}…"
    try:
        term = options.read(text)
    except FormulaError as error:
        return verdict("formula", options, 0.0, f"`{options.formula}` cannot be read as a formula: {error}.")
    forbidden = sorted(functions(term) & set(options.without))
    if forbidden:
        message = f"`{options.formula}` uses {' and '.join(forbidden)}, which is what it should say: write it out."
        return verdict("formula", options, 0.0, message)
    at = _points(options, case.truth)
    true = options.read(str(case.truth.value(options.formula)))
    if any(same(term, right, at) for right in (true, *map(options.read, options.accept))):
        return verdict("formula", options, 1.0)
    for mistake in case.suspects(options.formula):
        wrong, formula = _mistaken(options, case.truth, mistake)
        if same(term, formula, at):
            return _named(options, mistake, wrong)
    lines = [f"`{options.formula}` is not right: yours is {shown.replace('`', '')}."]
    if constant_factor(term, true, at):
        lines.append("It is right but for one constant factor.")
    return verdict("formula", options, 0.0, "\n".join(lines), evidence=f"expected {case.truth.value(options.formula)}")


def _mistaken(options: FormulaOptions, truth: Evaluation, mistake: Misconception) -> tuple[Any, Term]:
    """Return the wrong value of the mistake's target, and the formula that follows from it."""
    wrong = truth.mistaken(mistake)
    own = Evaluation(truth.reference, truth.seed, {**truth.fixed, mistake.target: wrong})
    return wrong, options.read(str(own.value(options.formula)))


def _named(options: FormulaOptions, mistake: Misconception, wrong: Any) -> Verdict:
    """Return the verdict that names a mistake; one in an unseen quantity is carried to later answers."""
    fraction = options.credit.get(mistake.id, 0.0)
    found = verdict(
        "formula",
        options,
        fraction,
        mistake.message,
        evidence=f"misconception {mistake.id}",
        misconception=mistake.id,
    )
    return found if mistake.target == options.formula else replace(found, adopted={mistake.target: wrong})


def _calls(options: FormulaOptions, truth: Evaluation) -> Probe:
    """Return the probe that calls the answer, should it be a function, with the values at every point."""
    cases: list[Plain] = [
        {"args": [_argument(point.values[name]) for name in (*options.variables, *options.vectors)]}
        for point in _points(options, truth)
    ]
    return Probe("call", options.formula, {"cases": cases})


def _argument(value: Any) -> Plain:
    if isinstance(value, tuple):
        return Array.from_numpy(np.array([float(one) for one in value]))
    return int(value) if value.denominator == 1 else float(value)


def _judge_function(options: FormulaOptions, case: Case) -> Verdict:
    seen = case.seen(_calls(options, case.truth))
    if isinstance(seen, Failure) or not isinstance(seen, list):
        reason = seen.message if isinstance(seen, Failure) else "it gave nothing"
        return verdict("formula", options, 0.0, f"`{options.formula}` could not be called: {reason}.")
    at = _points(options, case.truth)
    found = [_returned(one) for one in seen]
    complaint = next((one for one in found if isinstance(one, str)), None)
    if complaint is not None:
        return verdict("formula", options, 0.0, f"`{options.formula}` {complaint}.")
    results = cast("list[Sequence[Value]]", found)
    rights = [options.read(text) for text in (str(case.truth.value(options.formula)), *options.accept)]
    if any(_agree(results, right, at, options) for right in rights):
        return verdict("formula", options, 1.0)
    for mistake in case.suspects(options.formula):
        wrong, formula = _mistaken(options, case.truth, mistake)
        if _agree(results, formula, at, options):
            return _named(options, mistake, wrong)
    evidence = f"expected {case.truth.value(options.formula)}"
    return verdict("formula", options, 0.0, f"`{options.formula}` does not give the right values.", evidence=evidence)


def _returned(one: Plain) -> Sequence[Value] | str:
    """Return the numbers that one call gave, or what was wrong with it."""
    if not isinstance(one, dict):
        return "gave nothing that can be read"
    if "raised" in one:
        return raised(str(one["raised"]), str(one.get("message", "")))
    value = one.get("value")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [value]
    try:
        numbers = to_array(value)
    except (TypeError, ValueError):
        numbers = np.array("")
    if numbers.dtype.kind not in "iuf":
        return f"should return a number, but returns {describe(value)}"
    return [float(number) for number in numbers.ravel()]


def _agree(results: Sequence[Sequence[Value]], right: Term, at: Sequence[Point], options: FormulaOptions) -> bool:
    """Return whether all results agree: numbers with the value at the point, arrays with that at every position."""
    if len(results) != len(at):
        return False
    for found, point in zip(results, at, strict=True):
        places = range(VECTOR_LENGTH) if options.vectors else [point.position]
        expected = values_at(right, [replace(point, position=place) for place in places])
        if len(found) != len(expected):
            return False
        if not all(value is None or close(float(one), value) for one, value in zip(found, expected, strict=True)):
            return False
    return True
