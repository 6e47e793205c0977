"""The kind ``cost``: what a network costs, whether it fits a board, or a figure of these that the student gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, Literal, cast

from pydantic import Field, model_validator

from grader.checks.budgets import Demand, demands
from grader.checks.case import Case, StandsAlone, Verdict, unknown, verdict
from grader.checks.claims import CLAIMS, FIGURES, judged_claim
from grader.checks.crossing import to_plain
from grader.checks.refusals import why_no_model
from grader.checks.unanswered import is_nothing
from grader.cost import (
    PLACEMENTS,
    PRECISIONS,
    Cost,
    CostError,
    analyse,
    board_names,
    cost_of,
    memory_timeline,
    parsed,
    read_board,
    read_runtime,
    read_trace,
)
from grader.course import CheckOptions, CreditOptions
from grader.errors import GradeError
from grader.model import Failure, Plain, Probe
from grader.reference import Evaluation, Reference


class CostOptions(CreditOptions):
    """Judges what a network costs, whether it fits a board, or a figure of these that the student gives.

    - ``cost``: a name for what is judged: of the student's network, or with ``figure`` of the variable that holds it.
    - ``network``: the student's class, function or model, where ``cost`` is not its name.
    - ``function``: the class or function of the reference that makes the network, in place of the student's.
    - ``input``: the sizes of its input, batch first; for several inputs a list of such.
    - ``input_dtype``: the type of the numbers that go in.
    - ``arguments``: what to construct the network with.
    - ``precision``: ``float32``, ``float16`` or ``int8``; or the student's variable that says which of them.
    - ``board``: the board that it must fit: one that ships, or a file.
    - ``placement``: ``internal`` (memory), or also ``external_flash`` for weights, ``external_ram`` for activations, or
      ``external`` for both.
    - ``runtime``: what runs it, and takes memory, too: one that ships, a file, or ``none``.
    - ``depends``: fraction earned where it fits with the leanest runtime and the tightest plan, and not with others.
    - ``limits``: bounds, as in ``{parameters: [1, 50000], macs: [1, 2.0e6]}``; also of ``weight_bytes`` and
      ``activation_bytes``.
    - ``figure``: what the student's number is: ``parameters``, ``macs``, ``weight_bytes`` or ``activation_bytes``. It
      may be text with a unit.
    - ``layer``: of which layer, by name, or by number among those with weights, from 1; left out, of the whole.
    - ``digits``: how many significant digits a figure in text needs.
    - ``credit``: fraction earned by a figure in spite of a named misconception, as ``{flops: 0.5}``.

    A figure of parameters, MACs or bytes of weights must be exact. One of activations may lie anywhere from the
    overlap bound to the arena, with what the runtime takes on top, since that depends on the runtime. A figure by
    another convention is recognised and named: ``flops``, ``with_bias``, ``torchinfo``, ``st`` for MACs; ``no_biases``
    and ``folded`` for parameters; ``other_precision``, ``bits`` for bytes; ``sum_of_activations``,
    ``largest_activation``, ``weights_in_ram`` for activations.

    Board and limits count alike, each in full or not at all; the message gives every margin, and with a board the
    report draws what is in memory in each step. Nothing is computed: the network is traced, so one whose sizes depend
    on numbers cannot be judged, and earns nothing. It is traced beside student code, which could forge it (weaker
    evidence); multiply-accumulates are counted outside, from shapes.
    """

    cost: str
    network: str | None = None
    function: str | None = None
    input: list[int] | list[list[int]]
    input_dtype: Literal["float32", "float64", "int32", "int64"] = "float32"
    arguments: list[Any] = Field(default_factory=list)
    precision: str = "float32"
    board: str | None = None
    placement: str = "internal"
    runtime: str = "none"
    depends: float = Field(default=0.5, ge=0, le=1)
    limits: dict[str, tuple[float, float]] = Field(default_factory=dict)
    figure: str | None = None
    layer: str | int | None = None
    digits: int = Field(default=3, ge=1, le=15)

    @model_validator(mode="before")
    @classmethod
    def _named(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("board") and not data.get("figure") and not data.get("id"):
            return {**data, "id": f"{data.get('cost')}_fits"}
        return data

    @property
    def subject(self) -> str:
        """The name of what is judged."""
        return self.cost

    @property
    def mistakes(self) -> tuple[str, ...]:
        """The misconceptions that this check names by itself, without the reference."""
        return CLAIMS.get(self.figure or "", ())

    @property
    def inputs(self) -> list[list[int]]:
        """The sizes of each input."""
        many = bool(self.input) and isinstance(self.input[0], list)
        return cast("list[list[int]]", self.input if many else [self.input])

    @property
    def student_network(self) -> str:
        """Name of the student's network."""
        return self.network or self.cost


class CostKind(StandsAlone):
    """Judges by a trace of the network."""

    name = "cost"
    options: type[CheckOptions] = CostOptions
    #: What tracing imports, for a warm process.
    preload = ("torch", "torch._dynamo")

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return the probes: the trace of the student's network, the precision that it is in, the figure."""
        del truth
        return tuple(_probes(cast("CostOptions", options)))

    def problems(self, options: CheckOptions, reference: Reference) -> list[str]:
        """Return what is wrong with the options."""
        return list(_problems(cast("CostOptions", options), reference))

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict. Raises what the reference's network raises."""
        checked = cast("CostOptions", options)
        precision = _precision(checked, case)
        if precision not in PRECISIONS:
            words = ", ".join(f"`{one}`" for one in PRECISIONS)
            found = f"found {precision!r}" if precision else "none is named yet"
            return verdict(self.name, options, 0.0, f"`{checked.precision}` should be one of {words}; {found}.")
        try:
            cost = _cost(checked, case, precision)
        except CostError as error:
            return verdict(self.name, options, 0.0, str(error))
        if checked.figure:
            return judged_claim(checked, case.seen(Probe("value", checked.cost)), cost, read_runtime(checked.runtime))
        return _judged_demands(checked, cost)

    def unanswered(self, options: CheckOptions, case: Case) -> bool:
        """Return whether there is no figure where one is asked for; else whether there is no network."""
        checked = cast("CostOptions", options)
        if checked.figure:
            return is_nothing(case.seen(Probe("value", checked.cost)))
        return super().unanswered(options, case)


COST = CostKind()


def _probes(options: CostOptions) -> Iterator[Probe]:
    if not options.function:
        yield _trace_probe(options)
    if options.precision not in PRECISIONS:
        yield Probe("value", options.precision)
    if options.figure:
        yield Probe("value", options.cost)


def _trace_probe(options: CostOptions) -> Probe:
    inputs: list[Plain] = [{"shape": list(one), "dtype": options.input_dtype} for one in options.inputs]
    return Probe("cost", options.student_network, {"inputs": inputs, "arguments": to_plain(options.arguments)})


def _precision(options: CostOptions, case: Case) -> str:
    """Return the precision, as far as it is text: the student's may be anything."""
    if options.precision in PRECISIONS:
        return options.precision
    found = case.seen(Probe("value", options.precision))
    return "".join(found.split()).lower() if isinstance(found, str) else ""


def _cost(options: CostOptions, case: Case, precision: str) -> Cost:
    """Return what the network costs. Raises CostError where the student's has no cost."""
    if options.function:
        known = json.dumps([options.arguments, options.inputs, options.input_dtype])
        return _author_cost(case.truth.reference, options.function, known, precision)
    found = case.seen(_trace_probe(options))
    name = options.student_network
    if isinstance(found, Failure):
        reason = f"\n{case.reason}" if case.reason and found.kind in {"missing", "not_run"} else ""
        raise CostError(f"{why_no_model(name, options.arguments, found)}{reason}")
    try:
        return cost_of(read_trace(parsed(found), f"`{name}`"), precision)
    except ValueError as error:
        raise CostError(f"Looking at `{name}` gave no valid answer ({error}).") from error


@lru_cache(maxsize=32)
def _author_cost(reference: Reference, name: str, settings: str, precision: str) -> Cost:
    """Return what the reference's network costs; kept, since it is the same for everybody."""
    arguments, inputs, dtype = json.loads(settings)
    make = partial(reference.definitions[name].function, *arguments)
    return analyse(make, [(one, dtype) for one in inputs], precision)


def _judged_demands(options: CostOptions, cost: Cost) -> Verdict:
    board = read_board(options.board) if options.board else None
    found = demands(cost, options.limits, board, options.placement, read_runtime(options.runtime), options.depends)
    fraction = sum(one.fraction for one in found) / len(found)
    message = "\n".join(_lines(options, found, cost))
    judged = verdict("cost", options, fraction, message, evidence=_evidence(cost))
    return Verdict(replace(judged.result, timeline=memory_timeline(cost, board)), {}) if board else judged


def _lines(options: CostOptions, found: list[Demand], cost: Cost) -> Iterator[str]:
    yield f"`{options.student_network}` has {cost.parameters:,} parameters and takes {cost.macs:,} MACs."
    yield from (one.message for one in found)
    yield from cost.notes


def _evidence(cost: Cost) -> str:
    return f"weights {dict(cost.weight_bytes)} B, activations {cost.activation_bytes}, {dict(cost.conventions)}"


def _problems(options: CostOptions, reference: Reference) -> Iterator[str]:
    if options.function and options.function not in reference.definitions:
        yield unknown("function", options.function, "function", reference, reference.definitions)
    if not options.figure and not options.limits and not options.board:
        yield f"nothing is asked for; give a board ({', '.join(board_names())}), limits or a figure"
    if any(side < 0 for one in options.inputs for side in one) or not all(options.inputs):
        yield f"input: {options.input} should be the sizes of all axes, batch first"
    chosen: list[tuple[str, str, tuple[str, ...]]] = [("placement", options.placement, PLACEMENTS)]
    chosen += [("figure", one, tuple(FIGURES)) for one in (options.figure,) if one]
    chosen += [("limits", one, tuple(FIGURES)) for one in options.limits]
    yield from (f"{key}: {one!r} should be one of {', '.join(known)}" for key, one, known in chosen if one not in known)
    yield from _number_problems(options, reference)
    yield from _file_problems(options)


def _number_problems(options: CostOptions, reference: Reference) -> Iterator[str]:
    for name, (least, most) in options.limits.items():
        if least > most:
            yield f"limits: {name} from {least:g} to {most:g} cannot be met; write the smaller number first"
    for name in options.credit:
        if name not in {*options.mistakes, *reference.misconceptions}:
            yield f"credit: `{name}` should be one of {', '.join(options.mistakes)}"


def _file_problems(options: CostOptions) -> Iterator[str]:
    """Yield why the board or the runtime cannot be read."""
    try:
        if options.board:
            read_board(options.board)
        read_runtime(options.runtime)
    except GradeError as error:
        yield str(error)
