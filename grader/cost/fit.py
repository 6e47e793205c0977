"""Whether a network fits a board, and if not, what is short and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from grader.cost.boards import Board, Region, Runtime
from grader.cost.memory import ActivationBytes

Verdict: TypeAlias = Literal["yes", "no", "depends"]

#: Where weights and activations may lie besides internal memory.
PLACEMENTS = ("internal", "external_flash", "external_ram", "external")


@dataclass(frozen=True, slots=True)
class Fit:
    """A verdict. ``limit`` is the memory that is short, or nearest to it; ``margin_bytes`` what is left of it.

    ``depends``: it fits with the leanest runtime and not with the largest. The margin is that of the worst case, and
    negative by what is missing; of a network that does not fit, it is that of the best case.
    """

    verdict: Verdict
    limit: str
    margin_bytes: int


def fits(weights: int, activations: ActivationBytes, board: Board, runtime: Runtime) -> dict[str, Fit]:
    """Return for each placement whether ``weights`` bytes and ``activations`` fit the board under the runtime.

    ``internal`` uses internal memory only; with ``external_flash`` weights may lie in external flash, with
    ``external_ram`` activations in external RAM, with ``external`` both. Code stays in internal flash. A runtime needs
    between the overlap bound and the arena for activations, and its own range of RAM.
    """
    memory = board.memory
    found = {}
    for placement in PLACEMENTS:
        outside = {
            "flash": memory.external_flash if placement in {"external_flash", "external"} else None,
            "ram": memory.external_ram if placement in {"external_ram", "external"} else None,
        }
        least, most = activations.overlap, max(activations.arena, activations.liveness)
        flash = _judged("flash", (weights, weights), runtime.code, memory.internal_flash, outside["flash"])
        ram = _judged("RAM", (least, most), runtime.ram, memory.internal_ram, outside["ram"])
        found[placement] = _worse(flash, ram)
    return found


def _judged(
    what: str, need: tuple[int, int], overhead: tuple[int, int], internal: Region, external: Region | None
) -> Fit:
    inside = _against(f"internal {what}", (need[0] + overhead[0], need[1] + overhead[1]), internal)
    if external is None or inside.verdict == "yes":
        return inside
    outside = _worse(_against(f"external {what}", need, external), _against(inside.limit, overhead, internal))
    return _better(inside, outside)


def _against(limit: str, need: tuple[int, int], region: Region) -> Fit:
    if need[1] <= region.usable:
        return Fit("yes", limit, region.usable - need[1])
    if need[0] > region.usable:
        return Fit("no", limit, region.usable - need[0])
    return Fit("depends", limit, region.usable - need[1])


_ORDER = {"no": 0, "depends": 1, "yes": 2}


def _worse(one: Fit, other: Fit) -> Fit:
    return min(one, other, key=lambda fit: (_ORDER[fit.verdict], fit.margin_bytes))


def _better(one: Fit, other: Fit) -> Fit:
    return max(one, other, key=lambda fit: (_ORDER[fit.verdict], fit.margin_bytes))
