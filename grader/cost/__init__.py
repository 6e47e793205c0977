"""What a network costs: multiply-accumulates, parameters, weights, working memory, and whether it fits a board.

Usable alone::

    from grader.cost import analyse

    cost = analyse(lambda: Net(), [(1, 3, 32, 32)], precision="int8")
    cost.macs, cost.weight_bytes["int8"], cost.activation_bytes.arena

The parts: ``operations`` and ``network`` (what was traced), ``counting`` (MACs in named conventions), ``folding``
(weights as deployed), ``schedule`` and ``memory`` (activations), ``boards`` and ``fit``, ``problems``, ``analysis``.
"""

from grader.cost.analysis import Cost, LayerCost, analyse, cost_of, read_trace
from grader.cost.boards import (
    BARE,
    Board,
    Runtime,
    all_boards,
    board_names,
    read_board,
    read_runtime,
    runtime_names,
)
from grader.cost.counting import TITLES, conventions
from grader.cost.fit import PLACEMENTS, Fit, fits
from grader.cost.folding import PRECISIONS, weight_bytes
from grader.cost.memory import ActivationBytes, timeline
from grader.cost.network import Network, parsed, read_network
from grader.cost.picture import memory_timeline
from grader.cost.problems import CostError

__all__ = [
    "BARE",
    "PLACEMENTS",
    "PRECISIONS",
    "TITLES",
    "ActivationBytes",
    "Board",
    "Cost",
    "CostError",
    "Fit",
    "LayerCost",
    "Network",
    "Runtime",
    "all_boards",
    "analyse",
    "board_names",
    "conventions",
    "cost_of",
    "fits",
    "memory_timeline",
    "parsed",
    "read_board",
    "read_network",
    "read_runtime",
    "read_trace",
    "runtime_names",
    "timeline",
    "weight_bytes",
]
