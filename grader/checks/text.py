"""The kind ``text``: a written answer, which a person marks. Here it is only found, and laid ready with its key."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import cast

from pydantic import BaseModel, ConfigDict, Field

from grader.checks.answers import describe
from grader.checks.case import Case, StandsAlone, Verdict, verdict
from grader.checks.grouping import ALIKE, likeness, words
from grader.course import CheckOptions
from grader.model import Failure, Probe
from grader.reference import Evaluation, Reference

_MAX_ANSWER_CHARS = 20_000
#: What starters write where an answer belongs. Without it, nothing is left of an empty answer.
PLACEHOLDERS = (
    "your answer here",
    "your answer",
    "write your answer here",
    "answer here",
    "todo",
    "tbd",
    "deine antwort",
    "ihre antwort",
    "antwort",
    "answer",
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


class KeyPoint(BaseModel):
    """Something that a good answer says, with the words by which it may be found."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    point: str
    points: float = Field(default=1.0, gt=0)
    keywords: tuple[str, ...] = ()


class TextOptions(CheckOptions):
    """Judges whether a question was answered in writing, and lays the answer ready for a person, who marks it.

    - ``text``: the name of a text variable, or the tag of a Markdown or raw cell, that holds the answer.
    - ``model_answer``: a good answer, for the marker.
    - ``key_points``: what a good answer says: a list of ``{point, points, keywords}``. Keywords found are a suggestion
      to the marker and never a score.
    - ``accept``: other answers that are right as well, for the marker.
    - ``min_words``: fewer words count as no answer.
    - ``placeholder``: the starter's own text in that place, besides the usual ones such as *Your answer*. It may hold
      the question: what stands there already does not count.

    No answer earns nothing at once; any other waits for a person. Equal and nearly equal answers are grouped on the
    class's page. Nothing here tells a good answer from a bad one.
    """

    text: str
    model_answer: str = ""
    key_points: tuple[KeyPoint, ...] = ()
    accept: tuple[str, ...] = ()
    min_words: int = Field(default=1, ge=1)
    placeholder: str = ""

    @property
    def subject(self) -> str:
        """The name that is judged."""
        return self.text


class TextKind(StandsAlone):
    """Finds a written answer and leaves its mark to a person."""

    name = "text"
    options: type[CheckOptions] = TextOptions

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return two probes: the value under the name, and the written cells."""
        del truth
        return (Probe("value", options.subject), Probe("cells", "cells"))

    def problems(self, options: CheckOptions, reference: Reference) -> list[str]:
        """Return a problem where the marker has nothing to go by."""
        del reference
        checked = cast("TextOptions", options)
        has_key = checked.model_answer.strip() or checked.key_points
        return [] if has_key else ["text: the marker needs a `model_answer` or `key_points`"]

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return a failure where there is no answer, and otherwise a result that waits for a person."""
        checked = cast("TextOptions", options)
        candidates = _candidates(checked, case)
        answer = max(candidates, key=len, default="")
        if len(words(answer)) < checked.min_words:
            return verdict("text", checked, 0.0, _why_none(checked, case, answer, found=bool(candidates)))
        evidence = _evidence(checked, answer)
        found = verdict("text", checked, 0.0, "Answered; a person reads it.", evidence=evidence, for_person=True)
        return replace(found, result=replace(found.result, answer=answer[:_MAX_ANSWER_CHARS]))

    def unanswered(self, options: CheckOptions, case: Case) -> bool:
        """Return whether nothing of the student's stands there, nor anything that is no text."""
        candidates = _candidates(cast("TextOptions", options), case)
        return not any(candidates) if candidates else super().unanswered(options, case)


TEXT = TextKind()


def _candidates(options: TextOptions, case: Case) -> list[str]:
    """Return what the student has written under the name and in the cell, each empty where only the starter stands."""
    cells = case.seen(Probe("cells", "cells"))
    written = cells.get(options.text) if isinstance(cells, dict) else None
    both = case.seen(Probe("value", options.text)), written
    return [_answer(options, one) for one in both if isinstance(one, str)]


def _answer(options: TextOptions, text: str) -> str:
    """Return what of ``text`` is the student's: nothing where only placeholders and the starter's text stand."""
    text = _COMMENT.sub("", text).strip()
    starter = options.placeholder.strip()
    text = text.replace(starter, "").strip() if starter else text
    spoken = " ".join(words(text))
    return "" if spoken in PLACEHOLDERS or spoken == " ".join(words(starter)) else text


def _why_none(options: TextOptions, case: Case, answer: str, *, found: bool) -> str:
    name, value = options.text, case.seen(Probe("value", options.text))
    if answer:
        return f"`{name}` is answered in {len(words(answer))} words; at least {options.min_words} are asked for."
    if isinstance(value, Failure) and value.kind in {"raised", "too_large"}:
        return f"`{name}` cannot be read: {value.message or value.kind}."
    if value is not None and not isinstance(value, Failure | str):
        return f"`{name}` should be text, but is {describe(value)}."
    place = f"`{name}` is not answered yet." if found or value is None else f"There is no answer `{name}`."
    return f"{place}\n{case.reason}" if case.reason and not found else place


def _evidence(options: TextOptions, answer: str) -> str:
    """Return the marking key, the same for all answers, and then what was found in this one, each a paragraph."""
    parts = [f"Model answer: {options.model_answer.strip()}"] if options.model_answer.strip() else []
    parts += ["Also right: " + "; ".join(options.accept)] if options.accept else []
    points = [f"- {one.point} ({one.points:g})" for one in options.key_points]
    parts += ["\n".join(["Key points:", *points])] if points else []
    return "\n\n".join([*parts, *filter(None, [_suggestion(options, answer)])])


def _suggestion(options: TextOptions, answer: str) -> str:
    lines = []
    if any(likeness(answer, one) >= ALIKE for one in (options.model_answer, *options.accept) if one.strip()):
        lines.append("Nearly in the words of the key.")
    for one in options.key_points:
        hits = [keyword for keyword in one.keywords if _holds(answer, keyword)]
        if one.keywords:
            lines.append(f"- {one.point}: {'has ' + ', '.join(hits) if hits else 'none of its keywords'}")
    return "\n".join(["Suggestion, by words alone:", *lines]) if lines else ""


def _holds(answer: str, keyword: str) -> bool:
    """Return whether the words of ``keyword`` stand in the answer one after the other, the last maybe longer."""
    return f" {' '.join(words(keyword))}" in f" {' '.join(words(answer))}"
