"""Sealing a check of the kind ``call``: its inputs become public, what the right function gives for them is sealed."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from grader.checks.answers import Numbers, expected_value
from grader.checks.call import CallOptions
from grader.checks.calling import Outcome, drawn, noted
from grader.checks.comparing import Tolerance
from grader.checks.crossing import to_value
from grader.checks.sealing import Sketch, UnsealableError, code, codes_around, sketch
from grader.course import Check
from grader.reference import Definition, Evaluation, Misconception
from grader.release.open_checks import drawn_inputs
from grader.release.public_reference import Public, parameters, written_out
from grader.release.sealer import Sealer

_MOST_MISTAKEN = 4


class SealedCall:
    """A check of the kind ``call`` on inputs that ``truth`` draws. Raises ValueError where it cannot be sealed."""

    def __init__(self, check: Check, truth: Evaluation) -> None:
        self.check, self.truth = check, truth
        self.options = cast("CallOptions", check.options)
        if self.options.trial or not self.options.compares:
            raise ValueError("its results are not compared as they are")
        reference = truth.reference
        self.parameters = parameters(reference, self.options.call)
        of_function = [name for name, one in reference.cases.items() if one.target == self.options.call]
        self.cases = [name for name in of_function if self.options.cases in {None, name}]
        self.lines = {name: written_out(drawn_inputs(name, truth)) for name in self.cases}
        self.sent = drawn(truth, self.cases)
        self.results = self._results(reference.definitions[self.options.call])

    def _results(self, function: Definition | Misconception) -> list[Numbers]:
        """Return what a function of the author's gives. Raises ValueError for anything but numbers."""
        found = [_numbers(noted(function.function, one)) for one in self.sent]
        numbers = [one for one in found if one is not None]
        if len(numbers) < len(found):
            raise ValueError("it gives more than numbers")
        return numbers

    @property
    def tolerance(self) -> Tolerance:
        """The tolerance of all results. Raises ValueError where they differ in it."""
        found = {self.options.comparison.tolerance(one) for one in self.results}
        if len(found) != 1:
            raise ValueError("some of its results are compared exactly, and some are not")
        return found.pop()

    @property
    def numbers(self) -> Numbers:
        """All numbers that the right function gives."""
        return _joined(self.results)

    def sealed(self, sealer: Sealer) -> dict[str, Any]:
        """Return the options of the sealed check. Raises UnsealableError, a ValueError."""
        reference = self.truth.reference
        inputs = {need for name in self.cases for need in reference.cases[name].needs}
        plan = sketch(self.numbers, self.tolerance, sealer.salt(self.check.id, reference, inputs))
        messages: dict[bytes, dict[str, Any]] = {code(plan, self.numbers): {"fraction": 1.0}}
        for wrong in reference.misconceptions.values():
            if wrong.target == self.options.call:
                fraction = self.options.credit.get(wrong.id, 0.0)
                told = {"fraction": fraction, "misconception": wrong.id, "message": wrong.message}
                for one in self._codes(plan, wrong):
                    messages.setdefault(one, told)
        tolerances = (("atol", self.tolerance.atol), ("rtol", self.tolerance.rtol))
        return {
            "sealed_call": self.options.call,
            "id": self.check.id,
            "cases": self.cases,
            "number": {"b": "bool", "i": "int", "u": "int"}.get(self.numbers.dtype.kind, "float"),
            "shapes": [list(one.shape) for one in self.results],
            **({"transpose": True} if self.options.transpose else {}),
            **{key: number for key, number in tolerances if number},
            **sealer.seals(plan, messages),
        }

    def _codes(self, plan: Sketch, wrong: Misconception) -> list[bytes]:
        """Return the codes of what a wrong version gives; none where that has another form."""
        try:
            found = self._results(wrong)
        except ValueError:
            return []
        numbers = _joined(found)
        same = [one.shape for one in found] == [one.shape for one in self.results]
        if not same or numbers.dtype.kind == "c" or not np.all(np.isfinite(numbers)):
            return []
        try:
            return codes_around(plan, numbers, _MOST_MISTAKEN)
        except UnsealableError:
            return [code(plan, numbers)]

    def publish(self, public: Public) -> None:
        """Add the inputs to what is public."""
        public.functions[self.options.call] = self.parameters
        public.cases.update({name: (self.options.call, lines) for name, lines in self.lines.items()})


def _numbers(outcome: Outcome) -> Numbers | None:
    """Return a result as an array; None where it is something else, or an exception."""
    if outcome.raised or isinstance(outcome.value, dict | str):
        return None
    try:
        found = expected_value(to_value(outcome.value, tensors=False))
    except (TypeError, ValueError):
        return None
    return None if isinstance(found, str) else found


def _joined(results: list[Numbers]) -> Numbers:
    return np.concatenate([one.ravel() for one in results])
