"""``grade cost``: what a network costs, and whether it fits a board."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from grader.cost import PRECISIONS, board_names, cost_of, fits, read_board, read_runtime, runtime_names
from grader.cost.onnx_file import read_onnx
from grader.errors import ExitCode, UsageError
from grader.execution.costing import trace_file
from grader.reports.costs import cost_json, print_cost
from grader.reports.pages import cost_page
from grader.sandbox import make_sandbox, strongest_rung, sweep

_DTYPES = ("float16", "float32", "float64", "int32", "int64", "bool")


def _shape(text: str) -> dict[str, Any]:
    """Return ``1,3,32,32`` or ``1,16:int64`` as shape and type. Raises UsageError for anything else."""
    sides, _, dtype = text.partition(":")
    parts = sides.replace("x", ",").split(",")
    if not all(part.strip().isdigit() for part in parts) or (dtype and dtype not in _DTYPES):
        message = f"write the sizes of all axes, batch first, as in 1,3,32,32 or 1,16:int64 ({', '.join(_DTYPES)})"
        raise UsageError(f"--input {text!r}: {message}")
    return {"shape": [int(part) for part in parts], "dtype": dtype or "float32"}


def _layers(entries: Sequence[str]) -> dict[str, str]:
    found = {}
    for entry in entries:
        name, _, precision = entry.partition("=")
        if precision not in PRECISIONS:
            raise UsageError(f"--layer {entry!r}: write a layer and one of {', '.join(PRECISIONS)}, as in fc1=int8")
        found[name] = precision
    return found


@click.command("cost")
@click.argument("model", metavar="FILE.py:MODEL|FILE.onnx")
@click.option(
    "--input", "inputs", multiple=True, metavar="SIZES", help="An input, batch first: 1,3,32,32. One for each."
)
@click.option(
    "--precision", type=click.Choice(PRECISIONS), default="float32", show_default=True, help="In which numbers it runs."
)
@click.option(
    "--layer", "layers", multiple=True, metavar="NAME=PRECISION", help="Another precision for one layer's weights."
)
@click.option(
    "--board", "board_name", metavar="BOARD", help=f"Does it fit? A YAML file, or one of: {', '.join(board_names())}."
)
@click.option(
    "--runtime",
    "runtime_name",
    default="none",
    show_default=True,
    metavar="RUNTIME",
    help=f"What runs it, and takes memory too: a YAML file, none, or one of: {', '.join(runtime_names())}.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures as JSON.")
@click.option(
    "--html", "html_file", type=click.Path(path_type=Path, dir_okay=False), help="Write a page with a picture."
)
def cost_command(  # noqa: PLR0913, PLR0917 - one parameter for each option
    model: str,
    inputs: tuple[str, ...],
    precision: str,
    layers: tuple[str, ...],
    board_name: str | None,
    runtime_name: str,
    json_file: Path | None,
    html_file: Path | None,
) -> ExitCode:
    """Tell what a network costs: parameters, multiply-accumulates, weights, working memory.

    MODEL is a class or function without arguments that makes a torch module or a Keras model, or a model, in a module
    or notebook, which runs confined; or an ONNX file, which does not run. With a board, exit status 1 when the network
    fits in no way.
    """
    board = read_board(board_name) if board_name else None
    runtime = read_runtime(runtime_name)
    shapes = [_shape(one) for one in inputs]
    own = _layers(layers)
    path, colon, name = model.rpartition(":")
    if Path(model).suffix.lower() == ".onnx":
        network = read_onnx(Path(model), [one["shape"] for one in shapes])
    else:
        if not colon or not path or not name:
            raise UsageError(f"{model}: name a file, a colon and the model in it, as in model.py:Net")
        if not shapes:
            raise UsageError(f"{model}: give the size of its input, batch first, as in --input 1,3,32,32")
        sweep()
        with closing(make_sandbox(strongest_rung())) as sandbox:
            network = trace_file(Path(path), name, shapes, sandbox)
    try:
        cost = cost_of(network, precision, own)
    except ValueError as error:
        raise UsageError(f"{model}: {error}") from None
    print_cost(Console(), cost, board, runtime)
    if json_file is not None:
        json_file.write_text(json.dumps(cost_json(cost, board, runtime), indent=1) + "\n", encoding="utf-8")
    if html_file is not None:
        html_file.write_text(cost_page(cost, board, runtime), encoding="utf-8")
    if board is None:
        return ExitCode.PASSED
    found = fits(cost.deployed_bytes, cost.activation_bytes, board, runtime)
    return ExitCode.FAILED if all(one.verdict == "no" for one in found.values()) else ExitCode.PASSED
