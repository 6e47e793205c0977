"""A network as it was traced: what runs in which order, on which buffers, with which weights."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from grader.cost.operations import Attention, Convolution, Matrices, Operation, Recurrent, Shape, read_operation, shape
from grader.model import Array

_MAX_NAME_CHARS = 200


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor: a view of the buffer of that number, by ``strides`` where they are known."""

    buffer: int
    shape: Shape
    strides: Shape = ()


@dataclass(frozen=True, slots=True)
class Weight:
    """A tensor of weights. ``is_statistic``: a running mean, a mask, or another thing that is not trained.

    ``is_added`` is told of a bias whose name does not say that it is one.
    """

    name: str
    shape: Shape
    dtype: str
    is_statistic: bool
    is_added: bool = False

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)

    @property
    def is_vector(self) -> bool:
        """Whether it is a bias, a scale, or the like; a GRU of Keras has its two biases in one matrix."""
        return len(self.shape) < 2 or self.is_bias

    @property
    def is_bias(self) -> bool:
        """Whether it is a bias, by its place or its name."""
        return self.is_added or self.name.endswith("bias")


@dataclass(frozen=True, slots=True)
class Buffer:
    """Memory for activations: ``elements`` of ``dtype``, shared by all views of them."""

    elements: int
    dtype: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A layer as it runs, or a function outside of any: what it takes and makes, and the weights that it uses.

    ``name`` is where a layer stands in the model, empty for a function; ``kind`` its class or the function's name.
    ``overwrites`` are buffers that were there, and that it changes in place, whole or in part. ``axis`` is that of the
    channels that it makes or scales, told from the end; in torch only of products of matrices.
    """

    kind: str
    name: str
    given: tuple[Tensor, ...]
    made: tuple[Tensor, ...]
    weights: tuple[int, ...]
    operations: tuple[Operation, ...]
    overwrites: tuple[int, ...] = ()
    axis: int = -1

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return sum(one.macs for one in self.operations)

    @property
    def products(self) -> tuple[Convolution | Matrices | Attention | Recurrent, ...]:
        """The operations that multiply and accumulate."""
        kinds = (Convolution, Matrices, Attention, Recurrent)
        return tuple(one for one in self.operations if isinstance(one, kinds))

    @property
    def written(self) -> tuple[int, ...]:
        """The buffers that it writes, in place too: dropout, a view or flattening only looks at what is there."""
        looked_at = {one.buffer for one in self.given} - set(self.overwrites)
        return tuple(one.buffer for one in self.made if one.buffer not in looked_at)

    @property
    def label(self) -> str:
        """Name for messages and tables: ``fc1 (Linear)``, or the function's name."""
        return f"{self.name} ({self.kind})" if self.name else self.kind


@dataclass(frozen=True, slots=True)
class Network:
    """A traced network. Units stand in the order in which they ran; ``inputs`` and ``outputs`` are buffers.

    ``changed`` are weights into which it writes while it runs, such as a state that it keeps for the next run.
    """

    framework: str
    type_name: str
    units: tuple[Unit, ...]
    weights: tuple[Weight, ...]
    buffers: tuple[Buffer, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    changed: tuple[int, ...] = ()

    @property
    def parameters(self) -> int:
        """How many numbers training may change, tied ones once; running means and variances are none."""
        return sum(one.size for one in self.weights if not one.is_statistic)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run."""
        return sum(unit.macs for unit in self.units)

    def read_alone(self) -> frozenset[tuple[int, int]]:
        """Return units, each with a buffer of which it alone reads what was written last: no other, and no output.

        Who only looks at a buffer in another way does not read it; who changes it in place does.
        """
        readers: dict[tuple[int, int], list[int]] = defaultdict(list)
        writer = dict.fromkeys(range(len(self.buffers)), -1)
        for index, unit in enumerate(self.units):
            looked_at = {one.buffer for one in unit.made} - set(unit.written)
            for buffer in {one.buffer for one in unit.given} - looked_at:
                readers[buffer, writer[buffer]].append(index)
            writer |= dict.fromkeys(unit.written, index)
        for one in self.outputs:
            readers[one.buffer, writer[one.buffer]].append(len(self.units))
        return frozenset((found[0], buffer) for (buffer, _), found in readers.items() if len(found) == 1)

    def constants(self) -> frozenset[int]:
        """Return the buffers that nothing makes: tensors that the model holds without calling them weights."""
        made = {one.buffer for unit in self.units for one in unit.made} | {one.buffer for one in self.inputs}
        return frozenset(one.buffer for unit in self.units for one in unit.given) - made


def read_network(found: Mapping[str, Any]) -> Network:
    """Return a network from its plain form. Raises ValueError for any other: it may come from a student's process."""
    try:
        network = Network(
            _text(found["framework"]),
            _text(found["type"]),
            tuple(_unit(one) for one in found["units"]),
            tuple(
                Weight(_text(one["name"]), shape(one["shape"]), _text(one["dtype"]), one["statistic"] is True)
                for one in found["weights"]
            ),
            tuple(Buffer(_size(one["elements"]), _text(one["dtype"])) for one in found["buffers"]),
            tuple(_tensor(one) for one in found["inputs"]),
            tuple(_tensor(one) for one in found["outputs"]),
            tuple(_size(one) for one in found.get("changed", ())),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no trace of a network: {error!r}") from error
    _check(network)
    return network


def parsed(observed: object) -> Mapping[str, Any]:
    """Return the trace that was observed, as an array of the bytes of its JSON. Raises ValueError for anything else."""
    if not isinstance(observed, Array) or observed.dtype != "uint8":
        raise ValueError("no trace of a network")
    try:
        found = json.loads(observed.data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no trace of a network: {error}") from error
    return found if isinstance(found, dict) else {}


def _unit(found: Mapping[str, Any]) -> Unit:
    return Unit(
        _text(found["kind"]),
        _text(found["name"]),
        tuple(_tensor(one) for one in found["given"]),
        tuple(_tensor(one) for one in found["made"]),
        shape(found["weights"]) if len(found["weights"]) <= 32 else tuple(map(int, found["weights"])),
        tuple(read_operation(one) for one in found["operations"]),
        tuple(_size(one) for one in found.get("overwrites", ())),
        -_size(-found.get("axis", -1)),
    )


def _tensor(found: Mapping[str, Any]) -> Tensor:
    return Tensor(_size(found["buffer"]), shape(found["shape"]), shape(found.get("strides", [])))


def _size(value: Any) -> int:
    return shape([value])[0]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{str(value)[:80]} is no text")
    return value[:_MAX_NAME_CHARS]


def _check(network: Network) -> None:
    """Raise ValueError where a unit names a buffer or weight that is not there."""
    tensors = [*network.inputs, *network.outputs]
    tensors += [one for unit in network.units for one in (*unit.given, *unit.made)]
    buffers = [*(one.buffer for one in tensors), *(one for unit in network.units for one in unit.overwrites)]
    if any(one >= len(network.buffers) for one in buffers):
        raise ValueError("no trace of a network: a buffer is missing")
    used = [*network.changed, *(one for unit in network.units for one in unit.weights)]
    if any(not 0 <= one < len(network.weights) for one in used):
        raise ValueError("no trace of a network: a weight is missing")
