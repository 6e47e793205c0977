"""Random small ONNX graphs, counted from what their nodes read and make, and in every order of their nodes.

``python -m tests.fuzz.onnx_networks --networks 3000`` compares so many with ``grader.cost``; where one differs, it
shows the smallest that does. That a batch normalisation can be folded is tried with numbers.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np

from grader.cost import cost_of
from grader.cost.onnx_file import read_onnx

from . import orders
from .comparing import Counted, assert_alike, compare, counted, run
from .onnx_at_random import networks
from .onnx_graphs import Array, Drawn, Node, evaluated
from .onnx_nodes import OVER

_VIEWS = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"})
_OVER = frozenset({*OVER, "Gelu", "Mish", "Erf", "PRelu", "Clip", "BatchNormalization"})
_BIASES = {"Conv": 2, "ConvTranspose": 2, "Gemm": 2, "LSTM": 3, "GRU": 3, "RNN": 3}


def ours(network: Drawn) -> Counted:
    """Count a graph with ``grader.cost``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drawn.onnx"
        network.save(path)
        return counted(cost_of(read_onnx(path, [one.shape for one in network.inputs.values()])))


def brute_force(network: Drawn) -> Counted:
    """Count a graph from its values."""
    known = network.values | network.held
    macs = sum(_macs(node, known) for node in network.nodes)
    additions = sum(_additions(node, known) for node in network.nodes)
    folded = _folded(network)
    statistics = {one for node in network.nodes if node.kind == "BatchNormalization" for one in node.reads[3:]}
    parameters = sum(known[one].size for one in _weights(network) if one not in statistics)
    peaks = tuple(_peak(network, folded, size) for size in (4, 1))
    return Counted(parameters, macs, macs + additions, _bytes(network, folded), peaks)


# Products


def _macs(node: Node, known: dict[str, Array]) -> int:
    """Return the multiply-accumulates of a node: products that are summed up for each element that it makes."""
    given: list[tuple[int, ...]] = [known[one].shape for one in node.reads if one]
    made: tuple[int, ...] = known[node.makes[0]].shape
    match node.kind:
        case "Conv":
            return prod(made) * prod(given[1][1:])
        case "ConvTranspose":
            return prod(given[0]) * prod(given[1][1:])
        case "Gemm":
            return prod(made) * given[0][0 if node.settings["transA"] else 1]
        case "MatMul":
            return prod(made) * given[0][-1]
        case "LSTM" | "GRU" | "RNN":
            return prod(given[0][:2]) * (prod(given[1]) + prod(given[2]))
    return 0


def _additions(node: Node, known: dict[str, Array]) -> int:
    place = _BIASES.get(node.kind, len(node.reads))
    if place >= len(node.reads) or not node.reads[place]:
        return 0
    steps: tuple[int, ...] = known[node.reads[0]].shape[:2]
    return prod(steps) * int(known[node.reads[3]].size) if place == 3 else int(known[node.makes[0]].size)


# Weights


def _weights(network: Drawn) -> list[str]:
    """Return the constants that hold numbers of a layer: single ones are bounds and factors."""
    return [name for name, one in network.held.items() if one.dtype.kind == "f" and one.ndim]


def _seen(network: Drawn) -> dict[str, str]:
    """Return of each value the one that it is, looked at in another way."""
    seen = {name: name for name in network.values}
    for node in network.nodes:
        if node.kind in _VIEWS:
            seen[node.makes[0]] = seen[node.reads[0]]
    return seen


def _folded(network: Drawn) -> dict[int, int]:
    """Return the nodes of batch normalisation that vanish in the node before, each with that."""
    seen = _seen(network)
    reading = [node for node in network.nodes if node.kind not in _VIEWS]
    reads = [one for node in reading for one in {seen[name] for name in node.reads if name in seen}]
    uses = Counter([*reads, *{seen[one] for one in network.outputs}])
    held = Counter(name for node in network.nodes for name in node.reads if name in network.held)
    maker = {name: index for index, node in enumerate(network.nodes) for name in node.makes}
    found = {}
    for index, node in enumerate(network.nodes):
        root = seen.get(node.reads[0], "")
        if node.kind != "BatchNormalization" or root not in maker or uses[root] > 1:
            continue
        before = network.nodes[maker[root]]
        alike = network.values[root].shape == network.values[node.reads[0]].shape
        own = [one for one in (*before.reads, *node.reads) if one in network.held]
        if alike and all(held[one] == 1 for one in own) and _takes_in(network, before, node):
            found[index] = maker[root]
    return found


def _takes_in(network: Drawn, before: Node, norm: Node) -> bool:
    """Return whether a node is a product by weights whose output channels are those that are normalised.

    It is then asserted that with the scale in its weights, and the shift, it computes what both do.
    """
    known = network.values | network.held
    made = known[before.makes[0]]
    place = 0 if before.kind == "MatMul" and made.ndim == 3 else 1  # a matrix to the left makes rows
    if before.kind not in {"Conv", "ConvTranspose", "Gemm", "MatMul"} or before.reads[place] not in network.held:
        return False
    weight = known[before.reads[place]]
    if before.kind in {"Gemm", "MatMul"} and (made.ndim > 3 or weight.ndim != 2):
        return False
    scale, shift, mean, variance = (known[one] for one in norm.reads[1:])
    factor = scale / np.sqrt(variance + 1e-5)
    changed = {before.reads[place]: _scaled(before, weight, factor, rows=not place).astype(np.float32)}
    for name in filter(None, before.reads[2:]):
        changed[name] = known[name] * factor
    (alone,) = evaluated(before, known | changed, network.opset)
    sides = (1, -1, *(1,) * (made.ndim - 2))
    (both,) = evaluated(norm, known | {norm.reads[0]: made}, network.opset)
    np.testing.assert_allclose(alone + (shift - mean * factor).reshape(sides), both, rtol=1e-3, atol=1e-3)
    return True


def _scaled(node: Node, weight: Array, factor: Array, *, rows: bool) -> Array:
    if rows or node.kind == "Conv" or node.settings.get("transB"):
        return weight * factor.reshape(-1, *(1,) * (weight.ndim - 1))
    if node.kind == "ConvTranspose":
        groups = node.settings["group"]
        parts = weight.reshape(groups, -1, *weight.shape[1:])
        return (parts * factor.reshape(groups, 1, -1, *(1,) * (weight.ndim - 2))).reshape(weight.shape)
    return weight * factor


def _bytes(network: Drawn, folded: dict[int, int]) -> tuple[int, ...]:
    """Return the bytes at float32, float16 and int8, where vectors and biases take 32 bits."""
    gone = {name for index in folded for name in network.nodes[index].reads[1:]}
    biases = {node.reads[at] for node in network.nodes if (at := _BIASES.get(node.kind, 9)) < len(node.reads)}
    sizes = [(one, network.held[one].size) for one in _weights(network) if one not in gone]
    vectors = {one for one, _ in sizes if network.held[one].ndim == 1 or one in biases}
    for index, before in folded.items():
        if not any(network.nodes[before].reads[2:]):
            sizes.append(("new", network.held[network.nodes[index].reads[1]].size))
    total = sum(size for _, size in sizes)
    return 4 * total, 2 * total, sum(size * (4 if one in {*vectors, "new"} else 1) for one, size in sizes)


# Memory


def _peak(network: Drawn, folded: dict[int, int], element_bytes: int) -> int:
    number = {name: index for index, name in enumerate(network.values)}
    nodes = []
    for index, node in enumerate(network.nodes):
        way = "view" if index in folded or node.kind in _VIEWS else "over" if node.kind in _OVER else "new"
        reads, makes = ([number[one] for one in names if one in number] for names in (node.reads, node.makes))
        nodes.append(orders.Node(tuple(reads), tuple(makes), way))
    sizes = [one.size * (element_bytes if one.dtype.kind == "f" else 4) for one in network.values.values()]
    return orders.least_of_graph(nodes, sizes, [number[one] for one in network.outputs])


def agree(network: Drawn) -> None:
    """Raise AssertionError where the two countings differ."""
    assert_alike(network, ours(network), brute_force(network))


def _calls(network: Drawn) -> list[str]:
    return [node.kind for node in network.nodes]


def main(arguments: Sequence[str]) -> int:
    """Compare as many graphs as asked for; the exit status is 1 where any differs."""
    return run(arguments, __doc__, lambda count: compare(count, networks(), agree, _calls))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
