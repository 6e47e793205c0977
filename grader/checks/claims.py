"""A figure that a student gives of what a network costs: exact, within an interval, or by another convention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Protocol

from grader.checks.answers import Unusable, describe, read_answer
from grader.checks.budgets import largest
from grader.checks.case import Verdict, verdict
from grader.checks.writing import Figure, Writing, read_figure
from grader.checks.written import Unit, WrittenError
from grader.cost import PRECISIONS, TITLES, Cost, LayerCost, Runtime
from grader.course import CheckOptions
from grader.model import Failure, Plain

#: What a figure may be of, and the unit that it is in.
FIGURES: Mapping[str, Unit] = {"parameters": "parameter", "macs": "MAC", "weight_bytes": "B", "activation_bytes": "B"}
#: The mistakes that each figure is told by.
CLAIMS: Mapping[str, tuple[str, ...]] = {
    "parameters": ("no_biases", "folded"),
    "macs": ("flops", "with_bias", "torchinfo", "st"),
    "weight_bytes": ("other_precision", "bits"),
    "activation_bytes": ("sum_of_activations", "largest_activation", "weights_in_ram"),
}
_WORDS = {
    "no_biases": "That leaves the biases out: they are parameters, too.",
    "folded": "That is the number after folding batch normalisation; asked is the network as it is trained.",
    "other_precision": "That is for another precision.",
    "bits": "That is the number of bits; asked are bytes.",
    "sum_of_activations": "That adds up all activations. Most of them are not needed at the same time: find the peak.",
    "largest_activation": "That is the largest activation alone. While a layer runs, its input is in memory as well.",
    "weights_in_ram": "That counts the weights, too. They are only read, and stay in flash.",
}


class _Options(Protocol):
    """What judging a figure needs of the check's options."""

    @property
    def cost(self) -> str: ...
    @property
    def figure(self) -> str | None: ...
    @property
    def layer(self) -> str | int | None: ...
    @property
    def digits(self) -> int: ...
    @property
    def credit(self) -> dict[str, float]: ...


def judged_claim(options: CheckOptions, found: Plain | Failure, cost: Cost, runtime: Runtime) -> Verdict:
    """Return the verdict on the figure ``found``. Raises ValueError where the options name no layer of the network."""
    wanted: _Options = options  # type: ignore[assignment]
    kind = str(wanted.figure)
    least, most = _right(wanted, kind, cost, runtime)
    figure = _read(wanted, found, kind, least)
    if isinstance(figure, str):
        return verdict("cost", options, 0.0, figure)
    if _within(figure, least, most) and not figure.coarse and not figure.other_unit:
        return verdict("cost", options, 1.0)
    evidence = f"expected {least:,}" if least == most else f"expected {least:,} to {most:,}"
    for name, wrong in _mistakes(wanted, kind, cost):
        if wrong != least and _within(figure, wrong, wrong):
            message = _WORDS.get(name) or f"That counts {TITLES[name]}; asked are multiply-accumulates."
            fraction = wanted.credit.get(name, 0.0)
            return verdict("cost", options, fraction, message, evidence=f"{evidence}; {name}", misconception=name)
    if figure.other_unit:
        return verdict("cost", options, 0.0, f"`{wanted.cost}` is {figure.other_unit}.", evidence=evidence)
    return verdict("cost", options, 0.0, _not_right(wanted, figure, runtime, exact=least == most), evidence=evidence)


def _within(figure: Figure, least: int, most: int) -> bool:
    """Return whether the figure, as precisely as it was written, may be a number from ``least`` to ``most``."""
    return any(figure.agrees(one, 0) for one in (least, most)) or least <= figure.used.value <= most


def _not_right(options: _Options, figure: Figure, runtime: Runtime, *, exact: bool) -> str:
    said = figure.not_right(options.cost)
    if exact:
        return said
    return f"{said} It lies outside of what runtimes take for this network ({runtime.title})."


def _read(options: _Options, found: Plain | Failure, kind: str, true: int) -> Figure | str:
    """Return the figure that was found, or the sentence that says why it is none."""
    unit = FIGURES[kind]
    if isinstance(found, str):
        try:
            return read_figure(found, Writing((unit,), options.digits, "either"), true)
        except WrittenError as error:
            return f"`{options.cost}` cannot be read: {error}."
    import numpy as np  # noqa: PLC0415 - the answer is one number

    answer = read_answer(options.cost, found, np.asarray(float(true)), transpose=False)
    if isinstance(answer, Unusable):
        return answer.message
    if isinstance(answer.value, str):
        return f"`{options.cost}` should be a number, but is {describe(found)}."
    number = Fraction(answer.value.item())
    return read_figure(_as_text(number), Writing((unit,), None, 1000), true)


def _as_text(number: Fraction) -> str:
    return str(number.numerator) if number.denominator == 1 else f"{float(number):.6f}"


def _layer(options: _Options, cost: Cost) -> LayerCost:
    """Return the layer that is asked about."""
    named = [one for one in cost.layers if one.name == options.layer]
    if isinstance(options.layer, int):
        weighted = [one for one in cost.layers if one.parameters]
        named = weighted[options.layer - 1 : options.layer] if options.layer > 0 else []
    if not named:
        raise ValueError(f"the network has no layer {options.layer!r}")
    return named[0]


def _right(options: _Options, kind: str, cost: Cost, runtime: Runtime) -> tuple[int, int]:
    """Return the least and the most that is right."""
    if options.layer is not None:
        one = _layer(options, cost)
        exact = {"parameters": one.parameters, "macs": one.macs, "weight_bytes": one.weight_bytes}
        amount = exact.get(kind, one.output_bytes)
        return amount, amount
    exact = {"parameters": cost.parameters, "macs": cost.macs, "weight_bytes": cost.weight_bytes[cost.precision]}
    if kind in exact:
        return exact[kind], exact[kind]
    activations = cost.activation_bytes
    return activations.overlap + runtime.ram[0], largest(activations) + runtime.ram[1]


def _mistakes(options: _Options, kind: str, cost: Cost) -> Iterator[tuple[str, int]]:
    """Yield the figures of known mistakes and other conventions, by name."""
    if options.layer is not None:
        one = _layer(options, cost)
        if kind == "macs":
            yield "flops", 2 * one.macs
        return
    match kind:
        case "macs":
            yield from ((name, cost.conventions[name]) for name in CLAIMS["macs"])
        case "parameters":
            vectors = sum(one.size for one in cost.network.weights if one.is_vector and not one.is_statistic)
            yield "no_biases", cost.parameters - vectors
            yield "folded", cost.folded_parameters
        case "weight_bytes":
            yield from (("other_precision", cost.weight_bytes[one]) for one in PRECISIONS if one != cost.precision)
            yield "bits", 8 * cost.weight_bytes[cost.precision]
        case _:
            yield from _memory_mistakes(cost)


def _memory_mistakes(cost: Cost) -> Iterator[tuple[str, int]]:
    sizes = [one.size_bytes for one in cost.schedule.blocks]
    yield "sum_of_activations", sum(sizes)
    yield "largest_activation", max(sizes, default=0)
    yield "weights_in_ram", cost.weight_bytes[cost.precision] + largest(cost.activation_bytes)
