"""What judging one exercise of one submission has to go by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from itertools import combinations
from typing import Any, Protocol

import numpy as np

from grader.checks.answers import Answer, Numbers, Unusable, expected_value, in_form_of, read_answer
from grader.checks.comparing import Tolerance
from grader.checks.unanswered import is_nothing
from grader.checks.writing import Writing
from grader.course import CheckOptions, Kind
from grader.model import CheckResult, Failure, Plain, Probe, Run, Status, Strip
from grader.reference import Evaluation, Misconception, Reference

#: An upstream answer whose largest element is below this fraction of the true one's counts as all zero.
NEGLIGIBLE = 1e-3
#: Below this fraction it counts as zero for what comes out the same, within the tolerance, as it would from zero.
FAINT = 0.1


@dataclass(frozen=True, slots=True)
class Asked:
    """How a quantity that students hand in is compared. ``writing``: how its number may be written as text."""

    tolerance: Tolerance
    transpose: bool
    writing: Writing | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How another exercise of the same submission came out. ``pending``: its points are not settled yet."""

    handed_in: bool
    points: float
    max_points: float
    pending: bool


@dataclass(frozen=True, slots=True)
class Context:
    """What judging may know of a submission besides its run: who, when, and its other exercises by id.

    ``others`` is None where the other exercises were not graded in the same go.
    """

    people: tuple[str, ...] = ()
    received: datetime | None = None
    deadline: datetime | None = None
    others: Mapping[str, Standing] | None = None


@dataclass(frozen=True)
class Case:
    """One exercise of one submission.

    ``truth`` evaluates the reference with nothing replaced. ``asked`` are the quantities that students hand in.
    ``observed`` is what was found by probing. ``adopted`` are the wrong values of quantities that were not
    observed, inferred from mistakes recognised so far. ``settled`` are the results so far, by quantity. ``reason``
    tells the student why a name may be missing. ``run`` is how it went, where that itself is judged. ``read`` holds
    the answers read so far, and whether they are trivial: neither depends on what was settled or adopted since.
    """

    truth: Evaluation
    asked: Mapping[str, Asked]
    observed: Mapping[Probe, Plain | Failure]
    adopted: Mapping[str, Any]
    settled: Mapping[str, CheckResult]
    reason: str = ""
    context: Context = Context()
    run: Run | None = None
    read: dict[str, Answer | Unusable] = field(default_factory=dict, repr=False, compare=False)
    found_trivial: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    def seen(self, probe: Probe) -> Plain | Failure:
        """Return what ``probe`` found."""
        return self.observed.get(probe, Failure("missing", "was not observed"))

    def with_result(self, subject: str, verdict: Verdict) -> Case:
        """Return the case after ``verdict`` on ``subject``."""
        settled = {**self.settled, subject: verdict.result}
        return replace(self, settled=settled, adopted={**self.adopted, **verdict.adopted})

    def answer(self, name: str) -> Answer | Unusable:
        """Return the student's answer to the asked quantity ``name``."""
        if name not in self.read:
            value = self.observed.get(Probe("value", name), Failure("missing"))
            true, asked = expected_value(self.truth.value(name)), self.asked[name]
            self.read[name] = read_answer(name, value, true, transpose=asked.transpose, writing=asked.writing)
        return self.read[name]

    @cached_property
    def own(self) -> Evaluation:
        """The reference evaluated with the student's own usable answers, and with what was adopted."""
        return self._evaluation(with_trivial=False)

    @cached_property
    def literal(self) -> Evaluation:
        """As ``own``, with the trivial answers as well: for seeing what a student did, never for credit."""
        return self._evaluation(with_trivial=True)

    def _evaluation(self, *, with_trivial: bool) -> Evaluation:
        fixed: dict[str, Any] = dict(self.adopted)
        for name in self.asked:
            answer = self.answer(name)
            if isinstance(answer, Answer) and (with_trivial or not self.trivial(name, answer)):
                fixed[name] = in_form_of(answer.value, self.truth.value(name))
        return Evaluation(self.truth.reference, self.truth.seed, fixed)

    def variants(self, name: str) -> Iterator[Case]:
        """Yield the case, and then as if mistakes inferred in what ``name`` needs had not been made here again.

        Whoever forgets a factor in the loss may well know it in the derivative.
        """
        relevant = set(self.adopted) & self.truth.reference.ancestors([name])
        yield self
        for count in range(1, len(relevant) + 1):
            for dropped in combinations(sorted(relevant), count):
                yield replace(self, adopted={key: one for key, one in self.adopted.items() if key not in dropped})

    def trivial(self, name: str, answer: Answer) -> bool:
        """Return whether an upstream answer would make the rest trivial: all (nearly) zero, though it must not be."""
        if name not in self.found_trivial or answer is not self.read.get(name):
            size, largest = self._sizes(name, answer)
            threshold = max(NEGLIGIBLE * largest, min(self.asked[name].tolerance.atol, largest / 2))
            self.found_trivial[name] = size < threshold
        return self.found_trivial[name]

    def faint(self, name: str) -> Evaluation | None:
        """Return ``own`` with the small answers above ``name`` taken as zero; None where none of them is small.

        If that makes no difference to ``name``, then its tolerance cannot tell whether anything was calculated.
        """
        zeros = {}
        for need, answer in self.upstream(name).items():
            if isinstance(answer, Answer) and not isinstance(answer.value, str):
                size, largest = self._sizes(need, answer)
                if size < FAINT * largest:
                    zeros[need] = in_form_of(np.zeros_like(answer.value), self.truth.value(need))
        return Evaluation(self.truth.reference, self.truth.seed, {**self.own.fixed, **zeros}) if zeros else None

    def _sizes(self, name: str, answer: Answer) -> tuple[float, float]:
        """Return the largest absolute value in the answer to ``name`` and in the true one; zeros for text and truth."""
        true = expected_value(self.truth.value(name))
        if isinstance(answer.value, str) or isinstance(true, str) or "b" in {answer.value.dtype.kind, true.dtype.kind}:
            return 0.0, 0.0
        found, largest = (float(np.max(np.abs(_wide(one)), initial=0.0)) for one in (answer.value, true))
        return found, largest

    def upstream(self, name: str) -> dict[str, Answer | Unusable]:
        """Return the nearest answers of the student above ``name``; absent ones are looked through."""
        found: dict[str, Answer | Unusable] = {}
        waiting = list(self.truth.reference.nodes[name].needs)
        while waiting:
            need = waiting.pop()
            node = self.truth.reference.nodes.get(need)
            if node is None or need in found or need in self.adopted:
                continue
            answer = self.answer(need) if need in self.asked else None
            if answer is None or (isinstance(answer, Unusable) and answer.absent):
                waiting.extend(node.needs)
            else:
                found[need] = answer
        return found

    def blocked(self, name: str) -> bool:
        """Return whether follow-through to ``name`` is refused, because an answer above it is unusable or trivial."""
        return any(
            isinstance(answer, Unusable) or self.trivial(need, answer) for need, answer in self.upstream(name).items()
        )

    def slips(self, name: str) -> list[str]:
        """Return the nearest answers above ``name`` that were not right, or only right given earlier slips."""
        nearest = [
            *self.upstream(name),
            *(n for n in self.adopted if n in self.truth.reference.ancestors([name])),
        ]
        clean = {need for need, result in self.settled.items() if result.clean}
        return sorted(set(nearest) - clean)

    def unseen(self, name: str) -> frozenset[str]:
        """Return the quantities above ``name`` that lie between it and the student's nearest answers."""
        reference = self.truth.reference
        found: set[str] = set()
        waiting = [need for need in reference.nodes[name].needs if need in reference.quantities]
        while waiting:
            need = waiting.pop()
            answer = self.answer(need) if need in self.asked else None
            if need in found or isinstance(answer, Answer) or (answer is not None and not answer.absent):
                continue
            found.add(need)
            waiting += [one for one in reference.nodes[need].needs if one in reference.quantities]
        return frozenset(found)

    def suspects(self, name: str) -> list[Misconception]:
        """Return the misconceptions that could show in ``name``: its own, then those of unseen quantities above."""
        every = self.truth.reference.misconceptions.values()
        unseen = self.unseen(name) - set(self.adopted)
        return [m for m in every if m.target == name] + [m for m in every if m.target in unseen]


def _wide(numbers: Numbers) -> Numbers:
    """Return ``numbers`` in a type in which the smallest of its integers has an absolute value."""
    return numbers.astype(np.float64) if numbers.dtype.kind in "iu" else numbers


@dataclass(frozen=True)
class Verdict:
    """A result, and the wrong values of unseen quantities that it lets us infer."""

    result: CheckResult
    adopted: Mapping[str, Any]


class JudgingKind(Kind, Protocol):
    """A kind of check with its judging half."""

    @property
    def uses_context(self) -> bool:
        """Whether the verdict depends on the case's ``context``: such checks are judged after all others."""

    def hands_in(self, options: CheckOptions) -> tuple[str, ...]:
        """Return the quantities whose values a check asks for."""

    def asked(self, options: CheckOptions) -> Mapping[str, Asked]:
        """Return the quantities that later answers may build on, for follow-through; usually none or one."""

    def right(self, options: CheckOptions, case: Case) -> bool:
        """Return whether the answer is right by itself."""

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict of one check."""

    def unanswered(self, options: CheckOptions, case: Case) -> bool:
        """Return whether a check that earned nothing was not answered at all."""


class StandsAlone:
    """What most kinds have in common: nothing builds on their answers, and they look at nothing but the run."""

    uses_context = False

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return what has to be observed, the answer itself first."""
        raise NotImplementedError

    def problems(self, options: CheckOptions, reference: Reference) -> list[str]:
        """Return nothing."""
        del options, reference
        return []

    def hands_in(self, options: CheckOptions) -> tuple[str, ...]:
        """Return nothing."""
        del options
        return ()

    def asked(self, options: CheckOptions) -> Mapping[str, Asked]:
        """Return nothing."""
        del options
        return {}

    def right(self, options: CheckOptions, case: Case) -> bool:
        """Return whether the verdict is a pass."""
        return self.judge(options, case).result.clean

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict of one check."""
        raise NotImplementedError

    def unanswered(self, options: CheckOptions, case: Case) -> bool:
        """Return whether the first of the probes found nothing, for no reason that the run gives."""
        seen = next((case.seen(probe) for probe in self.probes(options, case.truth)), False)
        return is_nothing(seen) and not (isinstance(seen, Failure) and case.reason)


def verdict(
    kind: str,
    options: CheckOptions,
    fraction: float,
    message: str = "",
    *,
    evidence: str = "",
    misconception: str | None = None,
    for_person: bool = False,
) -> Verdict:
    """Return the verdict of a check of ``kind``: passed for all of its points, failed for none, otherwise partial."""
    status = Status.PASSED if fraction >= 1 else Status.PARTIAL if fraction > 0 else Status.FAILED
    if for_person:
        status = Status.SKIPPED
    result = CheckResult(
        options.id or options.subject, kind, status, fraction, message, evidence, misconception, for_person=for_person
    )
    return Verdict(result, {})


def with_strip(told: Verdict, strip: Strip | None) -> Verdict:
    """Return a verdict with where the answer differs."""
    return replace(told, result=replace(told.result, strip=strip))


def unknown(key: str, name: str, kind: str, reference: Reference, known: Iterable[str]) -> str:
    """Return the problem that the option ``key`` names no ``kind`` of the reference, with the nearest known name."""
    near = get_close_matches(name, list(known), n=1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    return f"{key}: `{name}` is no {kind} of {reference.path}{hint}"
