"""What is demanded of a network's cost: bounds, and that it fits a board; each with its margin in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from grader.cost import ActivationBytes, Board, Cost, Fit, Runtime, fits

_UNITS = {"parameters": "parameters", "macs": "MACs", "weight_bytes": "bytes", "activation_bytes": "bytes"}
_TITLES = {
    "parameters": "Parameters",
    "macs": "Multiply-accumulates",
    "weight_bytes": "Weights",
    "activation_bytes": "Activations",
}
_PLACEMENTS = {
    "internal": "in internal memory",
    "external_flash": "with weights in external flash",
    "external_ram": "with activations in external RAM",
    "external": "with external flash and RAM",
}


@dataclass(frozen=True, slots=True)
class Demand:
    """One thing that is demanded: the fraction met, and a sentence that says how it stands."""

    fraction: float
    message: str


def demands(
    cost: Cost,
    limits: Mapping[str, tuple[float, float]],
    board: Board | None,
    placement: str,
    runtime: Runtime,
    depends: float,
) -> list[Demand]:
    """Return how a network meets each of ``limits``, and how it fits ``board``, where there is one."""
    found = [_bounded(name, _amount(cost, name), least, most) for name, (least, most) in limits.items()]
    if board is None:
        return found
    weights = cost.deployed_bytes
    one = fits(weights, cost.activation_bytes, board, runtime)[placement]
    return [
        *found,
        Demand({"yes": 1.0, "no": 0.0, "depends": depends}[one.verdict], _fit_words(cost, one, board, placement)),
    ]


def _amount(cost: Cost, name: str) -> float:
    match name:
        case "parameters":
            return cost.parameters
        case "macs":
            return cost.macs
        case "weight_bytes":
            return cost.deployed_bytes
    return largest(cost.activation_bytes)


def largest(activations: ActivationBytes) -> int:
    """Return the most that a runtime needs for activations."""
    return max(activations.liveness, activations.arena)


def _bounded(name: str, amount: float, least: float, most: float) -> Demand:
    found = f"{_TITLES[name]}: {amount:,.0f}"
    if amount > most:
        return Demand(0.0, f"{found} {_UNITS[name]}, {amount - most:,.0f} more than the {most:,.0f} allowed.")
    if amount < least:
        return Demand(0.0, f"{found} {_UNITS[name]}, {least - amount:,.0f} fewer than the {least:,.0f} asked for.")
    return Demand(1.0, f"{found} {_UNITS[name]}; {most - amount:,.0f} are left.")


def _fit_words(cost: Cost, fit: Fit, board: Board, placement: str) -> str:
    activations = cost.activation_bytes
    needs = (
        f"At {cost.precision}, weights take {cost.deployed_bytes:,} bytes, and activations "
        f"{activations.overlap:,} to {largest(activations):,}, by how a runtime plans them."
    )
    place = f"{board.title}, {_PLACEMENTS[placement]}"
    match fit.verdict:
        case "yes":
            return f"{needs} It fits the {place}: in {fit.limit} {fit.margin_bytes:,} bytes are left at worst."
        case "no":
            # Of RAM that is the best case; weights take what they take.
            least = "at least " if fit.limit.endswith("RAM") and activations.overlap < largest(activations) else ""
            return (
                f"{needs} It does not fit the {place}: in {fit.limit} {least}{-fit.margin_bytes:,} bytes are missing."
            )
    return (
        f"{needs} Whether it fits the {place} depends on the runtime: in {fit.limit} up to {-fit.margin_bytes:,} bytes "
        "are missing."
    )
