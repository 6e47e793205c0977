"""The kind ``model``: a torch module or a Keras model, by its layers, its weights and what it computes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any, Literal, cast

import numpy as np
from pydantic import Field, model_validator

from grader.checks.case import Case, StandsAlone, Verdict, unknown, verdict
from grader.checks.crossing import to_plain
from grader.checks.describing import (
    Author,
    Described,
    Stopped,
    comparable,
    computes_the_same,
    read,
    same_structure,
)
from grader.checks.layers import telling
from grader.checks.misfits import first_difference, in_order, misfit, shape_words, share
from grader.checks.outputs import OUTPUT_PROPERTIES, complaint_about_output
from grader.checks.refusals import clean, why_no_model
from grader.course import CheckOptions
from grader.model import Failure, Probe
from grader.reference import Evaluation, Misconception, Reference

Aspect = Literal["layers", "parameters", "shapes", "output", "function"]
_ASPECTS: tuple[Aspect, ...] = ("layers", "parameters", "shapes", "output", "function")


class ModelOptions(CheckOptions):
    """Judges a torch module or Keras model: its layers, its number of parameters and what it computes.

    - ``model``: the name of a class, a function that makes a model, or a model.
    - ``function``: the class or function of the reference that is right, where it has another name than ``model``.
    - ``accept``: further classes or functions of the reference that are right as well; the best result counts.
    - ``cases``: the cases that draw inputs, one tuple of inputs (each a batch) at a time; those of ``function`` unless
      named.
    - ``arguments``: what to construct the model with: numbers, text, lists.
    - ``aspect``: what is judged: ``layers``, ``parameters``, ``shapes``, ``output``, ``function``, or ``all``, where
      every aspect that applies counts alike.
    - ``layers``: kinds of layers that must come in this order, others between them: ``ReLU``, or with settings
      ``{Conv2d: {stride: 2}}``. The reference's layers are then not asked for.
    - ``parameters``: their number, or ``[least, most]``. Left out, the reference's.
    - ``shape``: of the output for one example, as ``[10]``. Left out, the reference's.
    - ``properties``: of the output: ``probabilities``, ``log_probabilities``, ``logits`` (neither of the two),
      ``batch_independent`` (an example gives the same alone), ``trainable`` (every parameter is used and may change).
    - ``same_function``: with the same weights the model must compute what the reference computes.
    - ``reveal``: messages may say which layer, shape or number was expected.
    - ``atol``: absolute tolerance for the same function.
    - ``rtol``: relative tolerance for the same function.
    - ``credit``: fraction earned in spite of a named misconception, as ``{name: fraction}``.

    The model is put into eval mode and run on hidden inputs, where its layers, modules and functions alike, are noted
    as they run. Their list is right when it is the reference's, or when weights of the same shapes, filled with the
    same drawn numbers, make it compute the same: so ``view`` does for ``Flatten``, a function for a module, a lazy
    layer for another, a second ReLU after Flatten, Dropout. To demand Dropout, list it under ``layers``. Partial credit
    for layers is the share that is there in order. ``output`` also asks for finite numbers and weights, and that a
    second call gives the same.

    Weights are matched in the order in which they are used, a matrix transposed where its shape shows that. A model
    that uses equally shaped weights in another order, or a square matrix transposed, computes another function here.

    Shapes, names and layers are read beside student code: who sets out to could forge them (weaker evidence). Outputs
    with the drawn weights are compared outside, and can only be got by computing them: ``function`` is the strong
    evidence, and where it holds, so do the shapes of the weights.
    """

    model: str
    function: str | None = None
    accept: list[str] = Field(default_factory=list)
    cases: str | None = None
    arguments: list[Any] = Field(default_factory=list)
    aspect: Literal["all", "layers", "parameters", "shapes", "output", "function"] = "all"
    layers: list[str | dict[str, dict[str, Any]]] = Field(default_factory=list)
    parameters: int | tuple[int, int] | None = None
    shape: tuple[int, ...] | None = None
    properties: list[str] = Field(default_factory=list)
    same_function: bool = True
    reveal: bool = True
    atol: float = Field(default=1e-4, ge=0)
    rtol: float = Field(default=1e-3, ge=0)
    credit: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _identified(cls, data: Any) -> Any:
        aspect = data.get("aspect", "all") if isinstance(data, dict) else "all"
        if aspect != "all" and data.get("model") and not data.get("id"):
            return {**data, "id": f"{data['model']}_{aspect}"}
        return data

    @property
    def subject(self) -> str:
        """The name of the model."""
        return self.model

    @property
    def partial_credit(self) -> dict[str, float]:
        """Fraction of the points that each named misconception still earns."""
        return self.credit

    @property
    def right(self) -> str:
        """Name of what is right in the reference."""
        return self.function or self.model


class ModelKind(StandsAlone):
    """Judges a model aspect by aspect; then looks for a known mistake."""

    name = "model"
    options: type[CheckOptions] = ModelOptions

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return the one probe: the description of the model, run on the hidden inputs."""
        return (_probe(cast("ModelOptions", options), truth),)

    def problems(self, options: CheckOptions, reference: Reference) -> list[str]:
        """Return what is wrong with the options: unknown names, nothing to judge by."""
        return list(_problems(cast("ModelOptions", options), reference))

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict. Raises what the reference's model raises."""
        checked = cast("ModelOptions", options)
        found = case.seen(_probe(checked, case.truth))
        problem = why_no_model(checked.model, checked.arguments, found)
        if problem:
            absent = isinstance(found, Failure) and found.kind in {"missing", "not_run"} and case.reason
            return verdict(self.name, options, 0.0, f"{problem}\n{case.reason}" if absent else problem)
        try:
            student = read(cast("Mapping[str, Any]", found))
        except ValueError as error:
            message = f"Looking at `{checked.model}` gave no valid answer."
            return verdict(self.name, options, 0.0, message, evidence=str(error))
        results = [judging.result() for judging in _judgings(checked, case.truth, student)]
        best = max(results, key=lambda one: one.fraction)
        if best.fraction >= 1:
            return verdict(self.name, options, 1.0)
        named = _misconception(checked, case.truth, student)
        if named:
            fraction = max(best.fraction, checked.credit.get(named.id, 0.0))
            evidence = f"misconception {named.id}; {best.evidence}"
            return verdict(self.name, options, fraction, named.message, evidence=evidence, misconception=named.id)
        return verdict(self.name, options, best.fraction, best.message, evidence=best.evidence)


MODEL = ModelKind()


def _problems(options: ModelOptions, reference: Reference) -> Iterator[str]:
    known = reference.definitions
    named: list[tuple[str, Sequence[str], str, Iterable[str]]] = [
        ("function", [options.function] if options.function else [], "function", known),
        ("accept", options.accept, "function", known),
        ("cases", [options.cases] if options.cases else [], "cases", reference.cases),
        ("properties", options.properties, "property", OUTPUT_PROPERTIES),
        ("credit", list(options.credit), "misconception", reference.misconceptions),
    ]
    for key, names, kind, right in named:
        yield from (unknown(key, name, kind, reference, right) for name in names if name not in right)
    own = [name for name, one in reference.cases.items() if one.target == options.right]
    if options.cases is None and len(own) != 1:
        what = f"{len(own)} functions draw" if own else "no function draws"
        yield f"cases: {what} inputs for `{options.right}`; name the one that does"
    for name, fraction in options.credit.items():
        if not 0 <= fraction <= 1:
            yield f"credit: {name} should be between 0 and 1, found {fraction:g}"
    if options.aspect != "all" and not _applies(options, options.aspect, has_right=options.right in known):
        yield f"aspect: nothing says what is right for `{options.aspect}`; mark `{options.right}` with @function"


def _applies(options: ModelOptions, aspect: str, *, has_right: bool) -> bool:
    own = {"layers": bool(options.layers), "parameters": options.parameters is not None, "output": True}
    own |= {"shapes": options.shape is not None, "function": has_right and options.same_function}
    return own[aspect] or (has_right and aspect != "function")


def _cases(options: ModelOptions, truth: Evaluation) -> str:
    return options.cases or next(name for name, one in truth.reference.cases.items() if one.target == options.right)


def _inputs_of(options: ModelOptions, truth: Evaluation) -> list[list[Any]]:
    return _inputs(truth, _cases(options, truth), alone="batch_independent" in options.properties)


def _inputs(truth: Evaluation, name: str, *, alone: bool) -> list[list[Any]]:
    """Return the inputs of each run; ``alone``: and then of one of the first example of the first alone."""
    cases = [list(case) for case in truth.cases(name)]
    if not cases:
        raise ValueError(f"the cases `{name}` draw no inputs")
    return [*cases, [one[:1] for one in cases[0]]] if alone else cases


def _seed(options: ModelOptions, truth: Evaluation) -> int:
    return int(truth.generator(f"{options.model} weights").integers(2**31))


def _probe(options: ModelOptions, truth: Evaluation) -> Probe:
    arguments = {
        "arguments": to_plain(options.arguments),
        "cases": to_plain(_inputs_of(options, truth)),
        "seed": _seed(options, truth),
    }
    return Probe("model", options.model, arguments)


@dataclass(frozen=True, slots=True)
class _Result:
    fraction: float
    message: str
    evidence: str


@lru_cache(maxsize=8)
def _author(truth: Evaluation, name: str, arguments: str, cases: str, alone: bool) -> Author:  # noqa: FBT001
    """Return the model ``name`` of the reference, run on the hidden inputs; kept, since several checks look at one."""
    reference = truth.reference
    known = reference.definitions[name] if name in reference.definitions else reference.misconceptions[name]
    return Author(partial(known.function, *json.loads(arguments)), _inputs(truth, cases, alone=alone))


def _author_of(options: ModelOptions, truth: Evaluation, name: str) -> Author:
    alone = "batch_independent" in options.properties
    return _author(truth, name, json.dumps(options.arguments), _cases(options, truth), alone)


def _judgings(options: ModelOptions, truth: Evaluation, student: Described) -> list[_Judging]:
    """Return one judging for each model that is accepted; one without a model where the reference has none."""
    names = [name for name in (options.right, *options.accept) if name in truth.reference.definitions]
    authors: list[Author | None] = [_author_of(options, truth, name) for name in names]
    cases = _inputs_of(options, truth)
    return [_Judging(options, student, author, cases, _seed(options, truth)) for author in authors or (None,)]


class _Judging:
    """Judges a model against one that is right, or against the options alone."""

    def __init__(
        self,
        options: ModelOptions,
        student: Described,
        author: Author | None,
        cases: Sequence[Sequence[Any]],
        seed: int,
    ) -> None:
        self.options, self.student, self.author, self.cases, self.seed = options, student, author, cases, seed
        self.right = author.described if author else None
        if self.right and self.right.stopped:
            raise ValueError(f"the reference's model raised {self.right.stopped.error}: {self.right.stopped.message}")

    def result(self) -> _Result:
        """Return the mean over the aspects, with what is wrong in each of them."""
        wanted = _ASPECTS if self.options.aspect == "all" else (self.options.aspect,)
        applying = [one for one in wanted if _applies(self.options, one, has_right=self.right is not None)]
        judged = [getattr(self, one)() for one in applying]
        messages = dict.fromkeys(message for fraction, message in judged if fraction < 1)
        fraction = float(np.mean([fraction for fraction, _ in judged])) if judged else 1.0
        return _Result(fraction, "\n".join(messages), self.evidence())

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
        return share(mine, asked), "\n".join(filter(None, (self.stopped(student.stopped), earlier)))

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
        message = complaint_about_output(self.options.model, self.student, self.options.properties)
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
        where = f"{layer.label} raised" if layer else "it raised"
        reason = reason or f"{where} {stopped.error}: {clean(stopped.message)}."
        return f"`{self.options.model}` cannot be run on an input of shape {given}. {reason[0].upper()}{reason[1:]}"

    def evidence(self) -> str:
        """Return both models in short, for the instructor."""
        found = f"found {_listed(self.student)}"
        return f"expected {_listed(self.right)}; {found}" if self.right else found


def _listed(model: Described) -> str:
    return f"{' → '.join(map(str, telling(model.layers)))} with {model.parameters:,} parameters"


def _misconception(options: ModelOptions, truth: Evaluation, student: Described) -> Misconception | None:
    """Return the known mistake that makes the same model: the same weights and function, or the same exception."""
    seed = _seed(options, truth)
    for wrong in truth.reference.misconceptions.values():
        if wrong.target != options.right:
            continue
        try:
            other = _author_of(options, truth, wrong.id)
            if same_structure(student, other.described) and (
                not comparable(student) or computes_the_same(student, other, seed, options.atol, options.rtol)
            ):
                return wrong
        except Exception:  # noqa: BLE001, S112 - a wrong version may fail in any way; then it is not what was found
            continue
    return None
