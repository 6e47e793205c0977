"""The kind ``model``: a torch module or a Keras model, by its layers, its weights and what it computes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal, cast

from pydantic import Field, model_validator

from grader.checks.aspects import Judging, applies
from grader.checks.case import Case, StandsAlone, Verdict, unknown, verdict
from grader.checks.crossing import to_plain
from grader.checks.describing import (
    Author,
    Described,
    comparable,
    computes_the_same,
    read,
    same_structure,
)
from grader.checks.outputs import OUTPUT_PROPERTIES
from grader.checks.recent import Recent
from grader.checks.refusals import why_no_model
from grader.course import CheckOptions, CreditOptions
from grader.model import Failure, Probe
from grader.reference import Evaluation, Misconception, Reference


class ModelOptions(CreditOptions):
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
    - ``atol``: absolute tolerance for the same function, for outputs of size 1; it grows with the largest.
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
    What shows only in training (the rate of a dropout, a momentum) is not seen.

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
            student = read(cast("Mapping[str, Any]", found), len(_inputs_of(checked, case.truth)))
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
    if any(len(one) != 1 for one in options.layers if isinstance(one, dict)):
        yield "layers: an entry with settings should be one kind of layer, as in {Conv2d: {stride: 2}}"
    own = [name for name, one in reference.cases.items() if one.target == options.right]
    if options.cases is None and len(own) != 1:
        what = f"{len(own)} functions draw" if own else "no function draws"
        yield f"cases: {what} inputs for `{options.right}`; name the one that does"
    if options.aspect != "all" and not applies(options, options.aspect, has_right=options.right in known):
        yield f"aspect: nothing says what is right for `{options.aspect}`; mark `{options.right}` with @function"


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


#: Models of the reference, run on hidden inputs, since several checks look at one: 16 of them, or fewer large ones.
_AUTHORS: Recent[Author] = Recent(lambda author: max(8 << 20, author.size_bytes), limit_bytes=128 << 20)


def _author_of(options: ModelOptions, truth: Evaluation, name: str) -> Author:
    """Return the model ``name`` of the reference, run on the hidden inputs."""
    alone = "batch_independent" in options.properties
    key = truth, name, json.dumps(options.arguments), _cases(options, truth), alone
    author = _AUTHORS.get(key)
    if author is None:
        reference = truth.reference
        known = reference.definitions[name] if name in reference.definitions else reference.misconceptions[name]
        author = Author(partial(known.function, *json.loads(key[2])), _inputs(truth, key[3], alone=alone))
        _AUTHORS.keep(key, author)
    return author


def _judgings(options: ModelOptions, truth: Evaluation, student: Described) -> list[Judging]:
    """Return one judging for each model that is accepted; one without a model where the reference has none."""
    names = [name for name in (options.right, *options.accept) if name in truth.reference.definitions]
    authors: list[Author | None] = [_author_of(options, truth, name) for name in names]
    cases = _inputs_of(options, truth)
    return [Judging(options, student, author, cases, _seed(options, truth)) for author in authors or (None,)]


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
