"""What a kind of check must offer. The kinds themselves live in ``grader.checks``."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from grader.model import Probe
from grader.reference import Evaluation, Reference

#: What students can check at home, see ``grader/release/SEALING.md``.
SelfCheck: TypeAlias = Literal["sealed", "properties", "open", "after_deadline", "never"]


class CheckOptions(BaseModel):
    """What every check has: the points it is worth and, where the subject's name will not do, an id.

    A check worth no points only reports. ``self_check`` says what `grade release` makes of it; None leaves that to the
    kind. ``hints`` are shown in a self-check, one more after each ``after`` attempts that failed; everybody who has the
    rubric can read them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    points: float = Field(ge=0)
    id: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")
    self_check: SelfCheck | None = None
    hints: list[str] = Field(default_factory=list)
    after: int = Field(default=2, ge=1)

    @property
    def subject(self) -> str:
        """Name of what is judged; the check's id unless another is given."""
        raise NotImplementedError

    @property
    def mistakes(self) -> tuple[str, ...]:
        """The misconceptions that a check names by itself, which the reference does not define."""
        return ()


class CreditOptions(CheckOptions):
    """What a check has that names mistakes: the fraction of the points that one still earns, in ``credit``."""

    credit: dict[str, float] = Field(default_factory=dict)

    def credit_problems(self) -> list[str]:
        """Return what is wrong with the fractions: a mistake earns from nothing to everything."""
        return [
            f"credit: {name} should be between 0 and 1, found {fraction:g}"
            for name, fraction in self.credit.items()
            if not 0 <= fraction <= 1
        ]


class Kind(Protocol):
    """A kind of check, as far as reading a course needs it."""

    @property
    def name(self) -> str:
        """The word that names the kind in a rubric."""

    @property
    def options(self) -> type[CheckOptions]:
        """Model of a check of this kind; it has a field with the kind's own name."""

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return what has to be observed of a submission whose numbers and hidden inputs are those of ``truth``."""

    def problems(self, options: CheckOptions, reference: Reference) -> list[str]:
        """Return what is wrong with ``options``, given what the reference defines."""
