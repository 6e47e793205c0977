"""An ONNX graph that is drawn node by node; onnx's reference evaluator computes each at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

MAX_ELEMENTS = 600

Array: TypeAlias = Any
Draw: TypeAlias = st.DrawFn


@dataclass(frozen=True)
class Node:
    """A node: names of values and weights that it reads, empty for what is left out, and of values that it makes."""

    kind: str
    reads: tuple[str, ...]
    makes: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)

    def proto(self) -> Any:
        """Return it as ONNX has it."""
        return helper.make_node(self.kind, self.reads, self.makes, **self.settings)


@dataclass(frozen=True)
class Drawn:
    """A graph. ``values`` are inputs and what nodes make, ``held`` constants, ``inside`` those in nodes Constant."""

    nodes: tuple[Node, ...]
    values: dict[str, Array]
    held: dict[str, Array]
    inside: frozenset[str]
    outputs: tuple[str, ...]
    opset: int
    open_batch: bool

    @property
    def inputs(self) -> dict[str, Array]:
        """Its inputs, which have the first names."""
        made = {name for node in self.nodes for name in node.makes}
        return {name: value for name, value in self.values.items() if name not in made}

    def save(self, path: Path) -> None:
        """Write it into a file."""
        given = [
            _info(one, value, ["n", *value.shape[1:]] if self.open_batch else value.shape)
            for one, value in self.inputs.items()
        ]
        found = [_info(one, self.values[one], [None] * self.values[one].ndim) for one in self.outputs]
        protos = {name: numpy_helper.from_array(value, name) for name, value in self.held.items()}
        inside = [helper.make_node("Constant", [], [one], value=protos[one]) for one in protos if one in self.inside]
        nodes = [*inside, *(node.proto() for node in self.nodes)]
        kept = [proto for name, proto in protos.items() if name not in self.inside]
        graph = helper.make_graph(nodes, "drawn", given, found, kept)
        imports = [helper.make_opsetid("", self.opset)]
        onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=8), str(path))

    def __repr__(self) -> str:
        inputs = ", ".join(f"{name} {value.dtype} {value.shape}" for name, value in self.inputs.items())
        held = ", ".join(
            f"{name} {value.shape if value.ndim else value}{' inside' * (name in self.inside)}"
            for name, value in self.held.items()
        )
        told = "; ".join(f"{one.kind}{one.settings or ''} of {one.reads} to {one.makes}" for one in self.nodes)
        return f"opset {self.opset}, inputs {inputs}; held {held}; {told}; outputs {self.outputs}"


def _info(name: str, value: Array, shape: Sequence[Any]) -> Any:
    kind = {"f": TensorProto.FLOAT, "i": TensorProto.INT64}[value.dtype.kind]
    return helper.make_tensor_value_info(name, kind, shape)


def evaluated(node: Node, known: dict[str, Array], opset: int) -> list[Array]:
    """Return what a node makes. Raises what the evaluator raises."""
    given = {name: known[name] for name in node.reads if name}
    found = ReferenceEvaluator(node.proto(), opsets={"": opset}).run(None, given)
    return [np.asarray(one) for one in found]


class Building:
    """A graph that is being drawn."""

    def __init__(self, draw: Draw) -> None:
        self.draw, self.opset = draw, draw(st.sampled_from([17, 21]))
        self.values: dict[str, Array] = {}
        self.held: dict[str, Array] = {}
        self.nodes: list[Node] = []

    def hold(self, *shape: int) -> str:
        """Add a constant of floating-point numbers, and return its name."""
        numbers = np.random.default_rng(len(self.held)).uniform(0.5, 1.5, shape)
        return self.hold_exactly(numbers.astype(np.float32))

    def hold_exactly(self, value: Any) -> str:
        """Add a constant, and return its name."""
        name = f"w{len(self.held)}"
        self.held[name] = np.asarray(value)
        return name

    def perhaps(self, *shape: int) -> tuple[str, ...]:
        """Return the name of a new constant as an optional input; nothing, or the empty name, where it is left out."""
        way = self.draw(st.sampled_from(["there", "there", "gone", "empty"]))
        return (self.hold(*shape),) if way == "there" else ("",) * (way == "empty")

    def add(self, kind: str, reads: Sequence[str], made: int | Sequence[bool] = 1, **settings: Any) -> None:
        """Add a node, unless it does not run or makes too much. ``made``: which of its outputs are wanted."""
        wanted = [True] * made if isinstance(made, int) else made
        names = [f"v{len(self.values) + index}" if one else "" for index, one in enumerate(wanted)]
        node = Node(kind, tuple(reads), tuple(names), settings)
        try:
            found = evaluated(node, self.values | self.held, self.opset)
        except Exception:  # noqa: BLE001 - whatever the evaluator raises on shapes that do not fit
            return
        if all(0 < one.size <= MAX_ELEMENTS for one in found):
            self.nodes.append(node)
            self.values.update((name, one) for name, one in zip(names, found, strict=True) if name)
