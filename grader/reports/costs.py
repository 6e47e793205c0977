"""What a network costs, for people and programs: the rows and figures of its table, and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from math import prod
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.cost import Board, Cost, LayerCost, Runtime, fits
from grader.reports.text import bytes_text, plain

COLUMNS = ("layer", "kind", "output", "parameters", "MACs", "weights", "output")
PLACEMENT_TITLES: Mapping[str, str] = {
    "internal": "internal only",
    "external_flash": "weights may lie in external flash",
    "external_ram": "activations may lie in external RAM",
    "external": "both may lie outside",
}
#: Longer networks are cut in a terminal; pages and JSON have them whole.
_MOST_ROWS = 60


def figures(cost: Cost) -> Iterator[tuple[str, str]]:
    """Yield the figures of a network, each with its name."""
    yield "parameters", f"{cost.parameters:,}"
    yield "MACs", f"{cost.macs:,}"
    yield f"weights at {cost.precision}", bytes_text(cost.deployed_bytes)
    yield f"activations at {cost.precision}", _span(cost)


def _span(cost: Cost) -> str:
    least, most = cost.activation_bytes.overlap, max(cost.activation_bytes.liveness, cost.activation_bytes.arena)
    return bytes_text(least) if least == most else f"{bytes_text(least)} to {bytes_text(most)}"


def rows(cost: Cost) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each layer, in the order of :data:`COLUMNS`."""
    for one in cost.layers:
        yield (
            one.name or "·",
            f"{one.kind}, folded" if one.folded else one.kind,
            _shapes(one),
            f"{one.parameters:,}" if one.parameters else "",
            f"{one.macs:,}" if one.macs else "",
            bytes_text(one.weight_bytes) if one.weight_bytes else "",
            bytes_text(one.output_bytes),
        )


def _shapes(one: LayerCost) -> str:
    return ", ".join(" ".join(map(str, shape)) or "1" for shape in one.output)


def print_cost(console: Console, cost: Cost, board: Board | None, runtime: Runtime) -> None:
    """Print the table of layers, the figures, and how the network fits ``board``, if one is given."""
    table = Table(title=plain(cost.network.type_name), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(COLUMNS):
        table.add_column(name, justify="right" if index > 2 else "left", no_wrap=index > 2)
    cells = list(rows(cost))
    for row in cells[:_MOST_ROWS]:
        table.add_row(*(Text(plain(cell)) for cell in row))
    if len(cells) > _MOST_ROWS:
        table.add_row("…", f"{len(cells) - _MOST_ROWS} more", *[""] * 5)
    console.print(table)
    console.print(_figures_table(cost))
    if board is not None:
        console.print(_fit_table(cost, board, runtime))
    for note in cost.notes:
        console.print(plain(note), style="yellow", markup=False, highlight=False)


def _figures_table(cost: Cost) -> Table:
    table = Table.grid(padding=(0, 2))
    folded = "" if cost.folded_parameters == cost.parameters else f"{cost.folded_parameters:,} as deployed, folded"
    table.add_row("parameters", f"{cost.parameters:,}", folded)
    table.add_row("MACs", f"{cost.macs:,}", ", ".join(f"{name} {one:,}" for name, one in cost.conventions.items()))
    table.add_row("weights", "", ", ".join(f"{name} {one:,} B" for name, one in cost.weight_bytes.items()))
    activations = ", ".join(f"{name} {one:,} B" for name, one in asdict(cost.activation_bytes).items())
    table.add_row("activations", cost.precision, activations)
    return table


def _fit_table(cost: Cost, board: Board, runtime: Runtime) -> Table:
    title = f"{board.title}, {cost.precision}, with {runtime.title}"
    table = Table(title=plain(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("memory", "fits", "short, or nearest to it", "left"):
        table.add_column(name, justify="right" if name == "left" else "left")
    found = fits(cost.deployed_bytes, cost.activation_bytes, board, runtime)
    for name, one in found.items():
        style = {"yes": "green", "no": "red", "depends": "yellow"}[one.verdict]
        cells = (PLACEMENT_TITLES[name], one.verdict, one.limit, bytes_text(one.margin_bytes))
        table.add_row(*cells, style=style)
    return table


def cost_json(cost: Cost, board: Board | None, runtime: Runtime) -> dict[str, Any]:
    """Return the cost as plain data; bytes of activations are for the precision asked, ``fit`` only with a board."""
    data: dict[str, Any] = {
        "schema": 1,
        "model": cost.network.type_name,
        "framework": cost.network.framework,
        "precision": cost.precision,
        "parameters": cost.parameters,
        "folded_parameters": cost.folded_parameters,
        "macs": cost.macs,
        "conventions": dict(cost.conventions),
        "weight_bytes": dict(cost.weight_bytes),
        "activation_bytes": asdict(cost.activation_bytes),
        "layers": [
            {
                "name": one.name,
                "kind": one.kind,
                "output_shape": [list(shape) for shape in one.output],
                "output_elements": sum(prod(shape) for shape in one.output),
                "parameters": one.parameters,
                "macs": one.macs,
                "weight_bytes": one.weight_bytes,
                "output_bytes": one.output_bytes,
                "folded": one.folded,
            }
            for one in cost.layers
        ],
        "notes": list(cost.notes),
    }
    if board is not None:
        found = fits(cost.deployed_bytes, cost.activation_bytes, board, runtime)
        fit = {name: asdict(one) for name, one in found.items()}
        data |= {"board": board.title, "runtime": runtime.title, "fit": fit}
    return data
