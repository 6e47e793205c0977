"""The kind ``choice``: selected answers, one or several, in order or not, or one for each of several items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from pydantic import Field

from grader.checks.answers import describe
from grader.checks.case import Case, StandsAlone, Verdict, unknown, verdict
from grader.checks.shares import Token, kendall, set_share, token
from grader.course import CheckOptions, CreditOptions
from grader.model import Array, Failure, Opaque, Plain, Probe
from grader.reference import Evaluation, Reference

#: How else True and False may be said, where the answer is one of them.
_BOOLEANS: Mapping[Token, Token] = {
    **dict.fromkeys(("yes", "ja", "wahr", "richtig", 1), "true"),
    **dict.fromkeys(("no", "nein", "falsch", 0), "false"),
}


class ChoiceOptions(CreditOptions):
    """Judges selected answers; case, spaces and punctuation do not count.

    - ``choice``: the name, of a quantity of the reference: a text, number or boolean; a list, whose order counts; a
      set, whose order does not; or a mapping from items to any of these.
    - ``accept``: alternatives that are right as well, as a list, or by item of a mapping (or by place of a list).
    - ``synonyms``: other words for an answer, wherever it appears, as ``{answer: [words]}``.
    - ``options``: everything that could be chosen.
    - ``per_item``: give the fraction of items that are right; without it all of them must be.
    - ``order``: ``kendall`` gives partial credit for an order: 1 less twice the share of pairs the wrong way round, so
      that a random order earns nothing on average.
    - ``chance_correction``: with ``per_item``, the best that one and the same answer everywhere could earn counts as
      nothing: ``(right - chance) / (1 - chance)``. Accepted alternatives are such answers, too.
    - ``credit``: fraction earned in spite of a named misconception.

    What earns more by the student's own earlier answers than by the true ones is judged by those. Of a set with
    ``per_item``, the share of the wrong options that were chosen is taken from the share of the right ones, so that
    choosing all of them earns nothing; that needs ``options``.
    """

    choice: str
    accept: list[Any] | dict[str, list[Any]] = Field(default_factory=list)
    synonyms: dict[str, list[str]] = Field(default_factory=dict)
    options: tuple[str, ...] = ()
    per_item: bool = False
    order: Literal["kendall"] | None = None
    chance_correction: bool = False

    @property
    def subject(self) -> str:
        """The name that is judged."""
        return self.choice


class ChoiceKind(StandsAlone):
    """Judges selected answers against the reference's, whole or item by item."""

    name = "choice"
    options: type[CheckOptions] = ChoiceOptions

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return the one probe: the value under the name."""
        del truth
        return (Probe("value", options.subject),)

    def problems(self, options: CheckOptions, reference: Reference) -> list[str]:
        """Return what is wrong with the options: unknown names, options that do not go together."""
        checked = cast("ChoiceOptions", options)
        problems = []
        if checked.choice not in reference.quantities:
            problems.append(unknown("choice", checked.choice, "quantity", reference, list(reference.quantities)))
        known = list(reference.misconceptions)
        problems += [
            unknown("credit", name, "misconception", reference, known) for name in checked.credit if name not in known
        ]
        if checked.chance_correction and not checked.per_item:
            problems.append("chance_correction: needs `per_item: true`; without it a lucky half earns nothing anyway")
        if checked.order and checked.per_item:
            problems.append("order: an order is judged by its pairs; leave out `per_item`")
        return problems

    def hands_in(self, options: CheckOptions) -> tuple[str, ...]:
        """Return the one quantity."""
        return (options.subject,)

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict, in the order: not usable, right, known mistake, partly right, wrong."""
        checked = cast("ChoiceOptions", options)
        value = case.seen(Probe("value", checked.choice))
        complaint = _complaint(checked.choice, value, case.reason)
        if complaint:
            return verdict("choice", checked, 0.0, complaint)
        sheet = _Sheet(checked, case.truth.value(checked.choice))
        answers = sheet.read(value)
        if isinstance(answers, str):
            return verdict("choice", checked, 0.0, answers)
        fraction = sheet.fraction(answers)
        if fraction == 1:
            return verdict("choice", checked, 1.0)
        followed = _by_follow_through(checked, case, value, fraction)
        if followed:
            return followed
        evidence = f"expected {_plain(case.truth.value(checked.choice))!r}, found {_readable(value)!r}"
        for mistake in _by_difference(sheet, case):
            if sheet.makes(answers, mistake.wrong):
                credit = max(fraction, checked.credit.get(mistake.id, 0.0))
                evidence = f"misconception {mistake.id}; {evidence}"
                return verdict("choice", checked, credit, mistake.message, evidence=evidence, misconception=mistake.id)
        return verdict("choice", checked, fraction, sheet.message(answers, fraction), evidence=evidence)


CHOICE = ChoiceKind()


def _by_follow_through(options: ChoiceOptions, case: Case, value: Plain | Failure, fraction: float) -> Verdict | None:
    """Return the verdict by the student's own earlier answers, if they make more of it right than ``fraction``."""
    name = options.choice
    slips = [] if case.blocked(name) else case.slips(name)
    if not slips:
        return None
    try:
        sheet = _Sheet(options, case.own.recomputed(name))
    except Exception:  # noqa: BLE001 - an author's function on a student's values may fail in any way
        return None
    answers = sheet.read(value)
    share = 0.0 if isinstance(answers, str) else sheet.fraction(answers)
    if share <= fraction or isinstance(answers, str):
        return None
    named = ", ".join(f"`{slip}`" for slip in slips if slip in case.asked) or "earlier answers"
    message = f"Judged by your own {named}: the earlier slip is not charged again."
    found = verdict(
        "choice", options, share, "\n".join([message, *([sheet.message(answers, share)] if share < 1 else [])])
    )
    return replace(found, result=replace(found.result, follow_through=True))


@dataclass(frozen=True, slots=True)
class _Mistake:
    """A misconception with its wrong answers, by item."""

    id: str
    message: str
    wrong: Mapping[str, Token]


def _by_difference(sheet: _Sheet, case: Case) -> list[_Mistake]:
    """Return the misconceptions of the quantity, those that change most items first."""
    found = []
    for one in case.suspects(sheet.options.choice):
        wrong = sheet.read(_plain(case.truth.mistaken(one)))
        if not isinstance(wrong, str):
            changed = {item: answer for item, answer in wrong.items() if not sheet.is_right(item, answer)}
            found.append(_Mistake(one.id, one.message, changed))
    return sorted(found, key=lambda mistake: -len(mistake.wrong))


class _Sheet:
    """The right answers by item. A single answer, a set and an order to be judged whole are one item."""

    def __init__(self, options: ChoiceOptions, true: Any) -> None:
        self.options = options
        self._true = true
        self._same = {token(word): token(answer) for answer, words in options.synonyms.items() for word in words}
        self._whole = not isinstance(true, Mapping) and not (isinstance(true, list | tuple) and options.order is None)
        self.right = {item: self._token(answer) for item, answer in _items(true, whole=self._whole)}
        if isinstance(options.accept, list) and options.accept and not self._whole:
            raise ValueError(f"{options.choice}: `accept` should say for which item, as {{item: [alternatives]}}")
        if options.per_item and not options.options and any(isinstance(one, frozenset) for one in self.right.values()):
            raise ValueError(f"{options.choice}: `per_item` of a set needs `options`, all that could be chosen")

    def _token(self, answer: Any) -> Token:
        if isinstance(answer, set | frozenset):
            return frozenset(self._token(one) for one in answer)
        if isinstance(answer, list | tuple):
            return tuple(self._token(one) for one in answer)
        found = token(answer)
        return self._same.get(found, found)

    def read(self, value: Plain | Failure) -> dict[str, Token] | str:
        """Return the student's answers by item, or why they cannot be read."""
        name, true = self.options.choice, self._true
        value = value.to_numpy().tolist() if isinstance(value, Array) else value
        if isinstance(true, Mapping):
            if not isinstance(value, dict):
                return f"`{name}` should be a mapping from each item to its answer, but is {describe(value)}."
            items = {token(item): item for item in map(str, true)}
            return {
                items[token(key)]: self._answer(items[token(key)], one)
                for key, one in value.items()
                if token(key) in items and one is not None
            }
        if isinstance(true, list | tuple | set | frozenset):
            if not isinstance(value, list):
                return f"`{name}` should be a list, but is {describe(value)}."
            if not self._whole:
                return {str(place): self._answer(str(place), one) for place, one in enumerate(value)}
        return {"": self._answer("", value)}

    def _answer(self, item: str, value: Any) -> Token:
        """Return one answer of the student in the form of the right one: a number for a number, a set for a set."""
        right = self.right.get(item)
        if isinstance(value, Array):
            value = value.to_numpy().tolist()
        if isinstance(right, frozenset):
            return frozenset(self._token(one) for one in (value if isinstance(value, list) else [value]))
        found = self._token(value)
        return _BOOLEANS.get(found, found) if right in {"true", "false"} else found

    def rights(self, item: str) -> list[Token]:
        """Return the right answer to an item and the accepted alternatives."""
        accept = self.options.accept
        more = accept.get(item, []) if isinstance(accept, dict) else accept if self._whole else []
        return [self.right[item], *(self._alternative(item, one) for one in more)] if item in self.right else []

    def is_right(self, item: str, answer: Token) -> bool:
        """Return whether the answer to one item is right, or an accepted alternative."""
        return answer in self.rights(item)

    def _alternative(self, item: str, value: Any) -> Token:
        return self._answer(item, list(value) if isinstance(value, set | tuple) else value)

    def fraction(self, answers: Mapping[str, Token]) -> float:
        """Return the fraction of the points that ``answers`` earn."""
        share = self._share(answers)
        if share == 1 or not self.options.chance_correction:
            return share
        counts = Counter(answer for item in self.right for answer in dict.fromkeys(self.rights(item)))
        commonest = counts.most_common(1)[0][1] / len(self.right)
        chance = max(commonest, 1 / len(self.options.options) if self.options.options else 0.0)
        return max(0.0, (share - chance) / (1 - chance)) if chance < 1 else 0.0

    def _share(self, answers: Mapping[str, Token]) -> float:
        shares = [self._item_share(item, answers) for item in self.right]
        extra = 0 if isinstance(self._true, Mapping) else sum(item not in self.right for item in answers)
        share = sum(shares) / max(len(shares) + extra, 1)
        return share if self.options.per_item or self.options.order or share == 1 else 0.0

    def _item_share(self, item: str, answers: Mapping[str, Token]) -> float:
        answer, right = answers.get(item), self.right[item]
        if item in answers and self.is_right(item, answer):
            return 1.0
        if isinstance(right, frozenset) and isinstance(answer, frozenset) and self.options.per_item:
            return set_share(answer, right, len({token(one) for one in self.options.options}))
        if self.options.order and isinstance(right, tuple) and isinstance(answer, tuple):
            return max(kendall(answer, one) for one in self.rights(item) if isinstance(one, tuple))
        return 0.0

    def makes(self, answers: Mapping[str, Token], wrong: Mapping[str, Token]) -> bool:
        """Return whether ``answers`` show a mistake: they are wrong in the same way wherever it makes a difference."""
        return bool(wrong) and all(answers.get(item) == answer for item, answer in wrong.items())

    def message(self, answers: Mapping[str, Token], fraction: float) -> str:
        """Return what is wrong, without the right answer: how many items, which are missing, which are wrong."""
        name = self.options.choice
        if self._whole:
            return f"`{name}` is {'partly right' if fraction else 'not right'}."
        wrong = [item for item in self.right if item in answers and not self.is_right(item, answers[item])]
        missing = [item for item in self.right if item not in answers]
        lines = [f"`{name}`: {len(self.right) - len(wrong) - len(missing)} of {len(self.right)} items are right."]
        if missing:
            lines.append(f"Not answered: {', '.join(missing)}.")
        # Where there are two answers only, to say which is wrong would be to say what is right.
        if wrong and len(set(self.right.values())) > 2:
            lines.append(f"Not right: {', '.join(wrong)}.")
        extra = [item for item in answers if item not in self.right]
        if extra:
            lines.append(f"{len(self.right)} answers were asked for; there are {len(extra)} more.")
        return "\n".join(lines)


def _items(true: Any, *, whole: bool) -> Iterable[tuple[str, Any]]:
    if isinstance(true, Mapping):
        return [(str(item), answer) for item, answer in true.items()]
    if whole:
        return [("", true)]
    return [(str(place), answer) for place, answer in enumerate(true)]


def _complaint(name: str, value: Plain | Failure, reason: str) -> str:
    if value is None or (isinstance(value, Failure) and value.kind in {"missing", "not_run"}):
        said = f"`{name}` is still None: not answered yet." if value is None else f"`{name}` was not answered."
        return f"{said}\n{reason}" if reason else said
    if isinstance(value, Failure):
        return f"`{name}` cannot be read: {value.message or value.kind}."
    if isinstance(value, Opaque):
        return f"`{name}` is {describe(value)}; write text, numbers, or lists of them."
    return ""


def _plain(value: Any) -> Plain:
    """Return what a reference computed in the form in which a student's answer arrives."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((_plain(one) for one in value), key=str)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return cast("Plain", value)


def _readable(value: Plain | Failure) -> Any:
    return value.to_numpy().tolist() if isinstance(value, Array) else value
