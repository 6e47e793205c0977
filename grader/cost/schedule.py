"""In which order a network runs, and which buffers are alive in each step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from grader.cost.folding import WEIGHT_BYTES, folded_into
from grader.cost.network import Network, Unit

#: So many sets of finished steps are looked at for the best order; beyond, the order of the trace is taken.
MAX_STATES = 20_000

#: Bytes of an element of other types than floating-point numbers. Any other, such as token numbers, takes 32 bits.
_NARROW = {"bool": 1, "uint8": 1, "int8": 1, "int16": 2}

#: Functions of each element that can write over what they read.
_IN_PLACE = frozenset(
    {"ReLU", "ReLU6", "LeakyReLU", "PReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Sigmoid", "Tanh"}
    | {
        "Hardtanh",
        "Hardswish",
        "Hardsigmoid",
        "Softplus",
        "Softsign",
        "Threshold",
        "LogSigmoid",
        "Softshrink",
        "Hardshrink",
    }
    | {"relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "mish", "sigmoid", "tanh", "hardtanh"}
    | {"hardswish", "hardsigmoid", "softplus", "clamp", "clip", "clamp_min", "clamp_max", "abs", "neg", "exp", "sqrt"}
    | {"Activation", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "BatchNormalization", "batch_norm", "square"}
    | {"Rescaling", "Normalization", "dropout", "logsigmoid", "threshold", "softsign", "tanhshrink", "celu", "erf"}
)


@dataclass(frozen=True, slots=True)
class Block:
    """Memory for one or more tensors that lie in the same place, alive from step ``first`` to step ``last``."""

    size_bytes: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Step:
    """One unit as it runs: the blocks that it reads and makes, by number."""

    unit: Unit
    reads: tuple[int, ...]
    makes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A network's steps in the order in which they need least memory, and its blocks. ``is_best``: all were tried."""

    steps: tuple[Step, ...]
    blocks: tuple[Block, ...]
    is_best: bool

    def alive(self, step: int) -> list[int]:
        """Return the blocks alive in a step."""
        return [number for number, one in enumerate(self.blocks) if one.first <= step <= one.last]


def schedule(network: Network, precision: str) -> Schedule:
    """Return the steps and blocks of a network at a precision.

    Views share a block with what they look at, an activation with what it reads where nothing else does, and a folded
    batch normalisation is no step of its own. Input and output of a step are both alive. The order is the one with the
    lowest peak among all that are possible, found by dynamic programming over the sets of finished steps, as long as
    there are at most :data:`MAX_STATES` of them; beyond, that of the trace.
    """
    folded = folded_into(network)
    units = [unit for index, unit in enumerate(network.units) if index not in folded]
    block_of = _blocks_of(network, folded)
    sizes = _sizes(network, block_of, precision)
    constants = network.constants()

    def touched(tensors: Sequence[int]) -> tuple[int, ...]:
        return tuple(dict.fromkeys(block_of[one] for one in tensors if one not in constants))

    steps = [Step(one, touched([t.buffer for t in one.given]), touched(one.written)) for one in units]
    inputs = touched([one.buffer for one in network.inputs])
    outputs = touched([one.buffer for one in network.outputs])
    order, is_best = _best_order(steps, sizes, frozenset(inputs), frozenset(outputs))
    return _scheduled([steps[index] for index in order], sizes, inputs, outputs, is_best=is_best)


def element_bytes(dtype: str, precision: str) -> int:
    """Return the bytes of one element of an activation; floating-point numbers take those of ``precision``."""
    if dtype.startswith("complex"):
        return 2 * WEIGHT_BYTES[precision]
    if "float" in dtype:
        return WEIGHT_BYTES[precision]
    return _NARROW.get(dtype, 4)


def _blocks_of(network: Network, folded: dict[int, int]) -> list[int]:
    """Return for each buffer the block in which it lies: the first buffer of those that share a place."""
    alone = network.read_alone()
    block_of = list(range(len(network.buffers)))
    constants = network.constants()
    for index, unit in enumerate(network.units):
        given = {one.buffer for one in unit.given if one.buffer not in constants}
        if len(given) != 1 or len(unit.made) != 1:
            continue
        source, target = next(iter(given)), unit.made[0].buffer
        same_size = _size(network, source) == _size(network, target)
        may = index in folded or (_is_in_place(unit) and (index, source) in alone)
        if may and same_size and source != target:
            block_of[target] = block_of[source]
    return block_of


def _is_in_place(unit: Unit) -> bool:
    """Return whether a unit works element by element; softmax, which Keras has as an activation too, does not."""
    soft = any("softmax" in getattr(one, "name", "") for one in unit.operations)
    return unit.kind.rstrip("_") in _IN_PLACE and not soft


def _size(network: Network, buffer: int) -> tuple[int, str]:
    one = network.buffers[buffer]
    return one.elements, one.dtype


def _sizes(network: Network, block_of: Sequence[int], precision: str) -> list[int]:
    sizes = [0] * len(network.buffers)
    for buffer, one in enumerate(network.buffers):
        block = block_of[buffer]
        sizes[block] = max(sizes[block], one.elements * element_bytes(one.dtype, precision))
    return sizes


def _before(steps: Sequence[Step]) -> list[int]:
    """Return for each step the set of steps that must come before, as bits.

    A step that reads a block comes after the one that wrote it last; one that writes it comes after all that read it.
    """
    written: dict[int, int] = {}
    readers: dict[int, int] = defaultdict(int)
    found = []
    for index, step in enumerate(steps):
        needs = 0
        for block in step.reads:
            if block in written:
                needs |= 1 << written[block]
            readers[block] |= 1 << index
        for block in step.makes:
            if block in written:
                needs |= 1 << written[block]
            needs |= readers[block] & ~(1 << index)
            written[block] = index
            readers[block] &= 1 << index
        found.append(needs & ~(1 << index))
    return found


def _best_order(
    steps: Sequence[Step], sizes: Sequence[int], inputs: frozenset[int], outputs: frozenset[int]
) -> tuple[list[int], bool]:
    """Return the order of steps with the lowest peak, and whether all orders were considered."""
    count = len(steps)
    trace = list(range(count))
    needs = _before(steps)
    if all(bits >> (index - 1) & 1 for index, bits in enumerate(needs) if index):
        return trace, True  # a chain: there is no other
    users: dict[int, int] = defaultdict(int)
    followers: dict[int, list[int]] = defaultdict(list)
    for index, step in enumerate(steps):
        for block in {*step.reads, *step.makes}:
            users[block] |= 1 << index
        for before in _members(needs[index]):
            followers[before].append(index)
    live = sum(sizes[block] for block in inputs)
    ready = frozenset(index for index in trace if not needs[index])
    states = {0: _State(live, live, ready, None)}
    looked_at = 0
    for _ in range(count):
        following: dict[int, _State] = {}
        for done, state in states.items():
            looked_at += 1
            if looked_at > MAX_STATES:
                return trace, False
            for index in sorted(state.ready):
                after = done | 1 << index
                new = [one for one in steps[index].makes if not users[one] & done and one not in inputs]
                during = state.alive + sum(sizes[one] for one in new)
                peak = max(state.peak, during)
                if after in following and peak >= following[after].peak:
                    continue
                touched = {*steps[index].reads, *steps[index].makes}
                over = (one for one in touched if not users[one] & ~after and one not in outputs)
                freed = [one for one in followers[index] if not needs[one] & ~after]
                alive = during - sum(sizes[one] for one in over)
                following[after] = _State(peak, alive, (state.ready - {index}).union(freed), (state, index))
        states = following
    return _order_of(next(iter(states.values()))), True


@dataclass(frozen=True, slots=True)
class _State:
    """A set of finished steps: the lowest peak on the way there, what is alive, what can run next, and the way."""

    peak: int
    alive: int
    ready: frozenset[int]
    way: tuple[_State, int] | None


def _order_of(state: _State) -> list[int]:
    order: list[int] = []
    while state.way is not None:
        state, index = state.way
        order.append(index)
    return order[::-1]


def _members(bits: int) -> list[int]:
    """Return the numbers of the bits that are set."""
    found = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return found


def _scheduled(
    steps: Sequence[Step], sizes: Sequence[int], inputs: Sequence[int], outputs: Sequence[int], *, is_best: bool
) -> Schedule:
    """Return the schedule, with blocks numbered as they come to life."""
    first: dict[int, int] = dict.fromkeys(inputs, 0)
    last: dict[int, int] = dict.fromkeys(inputs, 0)
    for index, step in enumerate(steps):
        for block in (*step.reads, *step.makes):
            first.setdefault(block, index)
            last[block] = index
    for block in outputs:
        first.setdefault(block, 0)
        last[block] = max(len(steps) - 1, 0)
    number = {block: index for index, block in enumerate(first)}
    renumbered = [
        Step(one.unit, tuple(number[b] for b in one.reads), tuple(number[b] for b in one.makes)) for one in steps
    ]
    blocks = tuple(Block(sizes[block], first[block], last[block]) for block in first)
    return Schedule(tuple(renumbered), blocks, is_best)


def elements_of(unit: Unit) -> int:
    """Return how many elements a unit makes."""
    return sum(prod(one.shape) for one in unit.made)
