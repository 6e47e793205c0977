"""Judging a described model aspect by aspect, against a model that is right or against options alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np

from grader.checks.describing import Author, Described, Stopped, computes_the_same
from grader.checks.layers import telling
from grader.checks.misfits import first_difference, in_order, misfit, shape_words, share
from grader.checks.outputs import complaint_about_output
from grader.checks.refusals import raised

Aspect = Literal["layers", "parameters", "shapes", "output", "function"]
ASPECTS: tuple[Aspect, ...] = ("layers", "parameters", "shapes", "output", "function")


class Asked(Protocol):
    """What is asked of a model; see the options of the kind ``model``."""

    model: str
    aspect: Literal["all", "layers", "parameters", "shapes", "output", "function"]
    layers: list[str | dict[str, dict[str, Any]]]
    parameters: int | tuple[int, int] | None
    shape: tuple[int, ...] | None
    properties: list[str]
    same_function: bool
    reveal: bool
    atol: float
    rtol: float


def applies(options: Asked, aspect: str, *, has_right: bool) -> bool:
    """Return whether something says what is right for ``aspect``; ``has_right``: the reference has a model."""
    own = {"layers": bool(options.layers), "parameters": options.parameters is not None, "output": True}
    own |= {"shapes": options.shape is not None, "function": has_right and options.same_function}
    return own[aspect] or (has_right and aspect != "function")


@dataclass(frozen=True, slots=True)
class Result:
    """What one aspect, or all of them, earned; ``evidence`` is for the instructor."""

    fraction: float
    message: str
    evidence: str


class Judging:
    """Judges a model against one that is right, or against the options alone."""

    def __init__(
        self,
        options: Asked,
        student: Described,
        author: Author | None,
        cases: Sequence[Sequence[Any]],
        seed: int,
    ) -> None:
        self.options, self.student, self.author, self.cases, self.seed = options, student, author, cases, seed
        self.right = author.described if author else None
        if self.right and self.right.stopped:
            raise ValueError(f"the reference's model raised {self.right.stopped.error}: {self.right.stopped.message}")

    def result(self) -> Result:
        """Return the mean over the aspects, with what is wrong in each of them."""
        wanted = ASPECTS if self.options.aspect == "all" else (self.options.aspect,)
        applying = [one for one in wanted if applies(self.options, one, has_right=self.right is not None)]
        judged = [getattr(self, one)() for one in applying]
        messages = dict.fromkeys(message for fraction, message in judged if fraction < 1)
        fraction = float(np.mean([fraction for fraction, _ in judged])) if judged else 1.0
        return Result(fraction, "\n".join(messages), self.evidence())

    @cached_property
    def same(self) -> bool:
        """Whether the model computes what the right one does with its weights."""
        options = self.options
        return self.author is not None and computes_the_same(
            self.student, self.author, self.seed, options.atol, options.rtol
        )

    def layers(self) -> tuple[float, str]:
        """Return the share of the layers that are there in order, and where they differ first."""
        options, student = self.options, self.student
        own = [*student.layers, *(student.idle if student.stopped else ())]
        if options.layers:
            return in_order(own, options.layers, reveal=options.reveal)
        if self.right is None or self.same:
            return 1.0, ""
        mine, asked = telling(own), telling(self.right.layers)
        if student.stopped is None:
            difference = first_difference(mine, asked, reveal=options.reveal)
            return (share(mine, asked), difference) if difference else (1.0, "")
        ran = telling(student.layers[:-1] if student.stopped.layer else student.layers)
        earlier = first_difference(ran, asked[: len(ran)], reveal=options.reveal)
        # Not all of the points for a model that cannot be run.
        part = min(share(mine, asked), 1 - 1 / max(len(asked), 1))
        return part, "\n".join(filter(None, (self.stopped(student.stopped), earlier)))

    def parameters(self) -> tuple[float, str]:
        """Return whether the number of parameters is right."""
        wanted, found = self.options.parameters, self.student.parameters
        if wanted is None and self.right is not None:
            wanted = self.right.parameters
        least, most = wanted if isinstance(wanted, tuple) else (wanted or 0, wanted or 0)
        if least <= found <= most:
            return 1.0, ""
        idle = [one.name for one in self.student.weights if not one.used and one.shape is not None]
        unused = f" Never used are {', '.join(f'`{name}`' for name in idle[:4])}." if idle else ""
        asked = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        words = f"; expected {asked}" if self.options.reveal else ", which is not the number asked for"
        return 0.0, f"`{self.options.model}` has {found:,} parameters{words}.{'' if self.student.stopped else unused}"

    def shapes(self) -> tuple[float, str]:
        """Return whether the outputs have the right shapes."""
        student, options = self.student, self.options
        if student.stopped:
            return 0.0, self.stopped(student.stopped)
        for case, found, index in zip(self.cases, student.outputs, range(len(self.cases)), strict=False):
            if found is None:
                return 0.0, f"`{options.model}` returns {student.returns}; return one tensor."
            wanted = self._shape(index, len(case[0]))
            if found.shape != wanted:
                words = f"; expected {wanted}" if options.reveal else ", which is not what is asked for"
                given = tuple(np.shape(case[0]))
                return 0.0, f"For an input of shape {given} the output has shape {found.shape}{words}."
        return 1.0, ""

    def _shape(self, index: int, examples: int) -> tuple[int, ...]:
        true = self.right.outputs[index] if self.right else None
        if self.options.shape is not None:
            return (examples, *self.options.shape)
        if true is None:
            raise TypeError("the reference's model returns no tensor; expected one array")
        return true.shape

    def output(self) -> tuple[float, str]:
        """Return whether weights and outputs are finite, the same in a second call, and have their properties."""
        if self.student.stopped:
            return 0.0, self.stopped(self.student.stopped)
        name, properties = self.options.model, self.options.properties
        message = complaint_about_output(name, self.student, properties)
        if message and self.right and complaint_about_output(name, self.right, properties):
            raise ValueError(f"the reference would lose this check: {message}")
        return (0.0, message) if message else (1.0, "")

    def function(self) -> tuple[float, str]:
        """Return whether the model computes what the right one computes."""
        name, student = self.options.model, self.student
        if student.stopped:
            return 0.0, self.stopped(student.stopped)
        if self.same:
            return 1.0, ""
        if not student.steady:
            return 0.0, complaint_about_output(name, student, ())
        assert self.right is not None  # noqa: S101 - the aspect does not apply otherwise
        pair = telling(student.layers), telling(self.right.layers)
        where = first_difference(*pair, reveal=self.options.reveal)
        what = f"`{name}` does not compute what is asked for, with the same weights."
        return 0.0, f"{what}\n{where}" if where else what

    def stopped(self, stopped: Stopped) -> str:
        """Return why the model could not be run, for the student."""
        given = shape_words(tuple(np.shape(self.cases[0][0])))
        layer = stopped.layer
        reason = misfit(layer, self.student.layers[:-1], reveal=self.options.reveal) if layer else ""
        if not reason and "can't allocate memory" in stopped.message:
            reason = "It needs more memory than there is."
        where = layer.label if layer else "it"
        reason = reason or f"{where} {raised(stopped.error, stopped.message)}."
        return f"`{self.options.model}` cannot be run on an input of shape {given}. {reason[0].upper()}{reason[1:]}"

    def evidence(self) -> str:
        """Return both models in short, for the instructor."""
        found = f"found {_listed(self.student)}"
        return f"expected {_listed(self.right)}; {found}" if self.right else found


def _listed(model: Described) -> str:
    built = "" if model.was_built else ", not built before it was called"
    return f"{' → '.join(map(str, telling(model.layers)))} with {model.parameters:,} parameters{built}"
