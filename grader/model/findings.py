"""What a class has in common and should not: evidence for a person to look at, never a penalty."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SameAnswer:
    """One wrong value that several submissions gave and that is no recognised mistake. ``answer`` is it, shortened."""

    exercise: str
    check: str
    answer: str
    submissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlikePassage:
    """Lines of two hand-ins that are the same but for names, comments and layout, and where each of the two begins."""

    left_line: int
    left: str
    right_line: int
    right: str


@dataclass(frozen=True, slots=True)
class AlikeCode:
    """Two submissions with nearly the same code in an exercise.

    Each share, 0 to 1, is how much of that side's own code the other has as well; what was handed out, what the
    reference does and what most of the class wrote is nobody's own. ``passages`` are the longest.
    """

    exercise: str
    left: str
    right: str
    left_share: float
    right_share: float
    passages: tuple[AlikePassage, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in a batch by looking at all submissions together."""

    same_answers: tuple[SameAnswer, ...] = ()
    alike_code: tuple[AlikeCode, ...] = ()


NOTHING_FOUND = Findings()
