"""What people decided in place of computed points."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

#: Exercise, criterion, check and member of a group; empty for what is larger.
Place = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Decision:
    """Points that a person decided for a check, a criterion, an exercise or the total of a submission.

    What is named last of ``exercise``, ``criterion`` and ``check`` is meant; without any of them the total, that of one
    ``member`` of the group if there is one. Where a ``fraction`` of the possible points was decided, it follows the
    rubric; otherwise ``points`` are what was decided. Neither: an earlier decision is taken back. ``was`` is what was
    computed at that time and ``computed`` what is computed now, None where the decision fits nothing. ``private``: the
    reason is not for the student. ``unjudged``: it holds where nothing could be judged as well.
    """

    submission: str
    exercise: str
    criterion: str
    check: str
    member: str
    points: float | None
    fraction: float | None
    reason: str
    who: str
    made: datetime
    was: float = 0.0
    private: bool = False
    unjudged: bool = False
    computed: float | None = None

    @property
    def place(self) -> Place:
        """What it is about, within the submission."""
        return self.exercise, self.criterion, self.check, self.member

    @property
    def withdrawn(self) -> bool:
        """Whether it takes an earlier decision back."""
        return self.points is None and self.fraction is None

    def amount(self, max_points: float) -> float:
        """Return the decided points where ``max_points`` are to be had."""
        return round(self.fraction * max_points, 6) if self.fraction is not None else self.points or 0.0
