"""Draws small ONNX graphs: nodes on values that are there."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from .onnx_graphs import Array, Building, Draw, Drawn, Node
from .onnx_nodes import ANY, MAKERS

MAX_NODES = 6


@st.composite
def networks(draw: Draw) -> Drawn:
    """Draw a graph of a few nodes."""
    found = Building(draw)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2]))):
        found.values[f"v{len(found.values)}"] = draw(_input())
    for _ in range(draw(st.integers(1, MAX_NODES))):
        _node(draw, found)
    if not found.nodes:
        found.add("Abs", ("v0",))
    read = {name for node in found.nodes for name in node.reads}
    values = {name: one for name, one in found.values.items() if name in read or _is_made(found, name)}
    outputs = {found.nodes[-1].makes[0]: None}
    if draw(st.integers(0, 3)) == 0:
        outputs[draw(st.sampled_from([node.makes[0] for node in found.nodes]))] = None
    held = {name: one for name, one in found.held.items() if name in read}
    inside = frozenset(name for name in held if draw(st.integers(0, 5)) == 0)
    return Drawn(tuple(found.nodes), values, held, inside, tuple(outputs), found.opset, draw(st.booleans()))


def _is_made(found: Building, name: str) -> bool:
    return any(name in node.makes for node in found.nodes)


@st.composite
def _input(draw: Draw) -> Array:
    if draw(st.integers(0, 7)) == 0:
        return np.zeros((draw(st.integers(1, 2)), draw(st.integers(2, 6))), np.int64)
    rank = draw(st.integers(2, 5))
    longest = {2: 8, 3: 6, 4: 6, 5: 4}[rank]
    shape = (draw(st.integers(1, 2)), *(draw(st.integers(2, longest)) for _ in range(rank - 1)))
    return np.random.default_rng(rank).uniform(0.5, 1.5, shape).astype(np.float32)


def _node(draw: Draw, found: Building) -> None:
    """Draw a node, mostly on the last value; or one like another, with the weights of that."""
    names = list(found.values)
    name = draw(st.sampled_from([names[-1]] * 3 + names))
    x = found.values[name]
    if x.dtype.kind != "f":
        if x.dtype.kind == "i" and x.max() < 7:
            found.add("Gather", (found.hold(7, draw(st.integers(1, 5))), name))
        return
    again = [node for node in found.nodes if _is_like(found, node, x)]
    if again and draw(st.integers(0, 7)) == 0:
        node = draw(st.sampled_from(again))
        found.add(node.kind, (name, *node.reads[1:]), [bool(one) for one in node.makes], **node.settings)
        return
    if x.ndim > 1 and draw(st.integers(0, 7)) == 0:
        found.add("BatchNormalization", (name, *(found.hold(x.shape[1]) for _ in range(4))))
        return
    draw(st.sampled_from(MAKERS.get(x.ndim, ANY)))(found, name, x.shape)


def _is_like(found: Building, node: Node, x: Array) -> bool:
    """Return whether a node with weights takes values such as ``x``, of another batch perhaps."""
    alike = node.reads[0] in found.values and found.values[node.reads[0]].shape[1:] == x.shape[1:]
    return alike and any(one in found.held for one in node.reads)
