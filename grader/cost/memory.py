"""Working memory for activations: three figures over a schedule, from the most to the least that runtimes need.

``overlap``
    The bound below which no runtime comes that computes layer by layer: what a layer makes may lie where rows of its
    input lay that are read no more.
``liveness``
    The largest sum of what is alive in a step, input and output both.
``arena``
    What a greedy planner achieves that gives every block a fixed place: largest first, into the first gap, on multiples
    of 16 bytes. So does TensorFlow Lite Micro; with 8-bit integers, convolutions of CMSIS-NN get their scratch memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from grader.cost.network import Unit
from grader.cost.operations import Convolution, Pointwise, Pool
from grader.cost.schedule import Block, Schedule

_ALIGNMENT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Place:
    """A block in the arena, from ``offset_bytes`` on."""

    block: Block
    offset_bytes: int


@dataclass(frozen=True, slots=True)
class ActivationBytes:
    """Peak bytes of the activations, by how they are placed; see the module."""

    overlap: int
    liveness: int
    arena: int


def activation_bytes(plan: Schedule, precision: str) -> ActivationBytes:
    """Return the three figures of a schedule at ``precision``, which decides on scratch memory."""
    liveness = timeline(plan)
    overlap = [alive - (_shared(plan, index) if plan.steps else 0) for index, alive in enumerate(liveness)]
    places = arena(plan.blocks, scratch(plan, precision))
    top = max((one.offset_bytes + one.block.size_bytes for one in places), default=0)
    return ActivationBytes(max(overlap, default=0), max(liveness, default=0), top)


def timeline(plan: Schedule) -> list[int]:
    """Return the bytes alive in each step; of a network that only hands its input on, those of its input."""
    count = max(len(plan.steps), 1)
    changes = [0] * (count + 1)
    for one in plan.blocks:
        changes[one.first] += one.size_bytes
        changes[min(one.last + 1, count)] -= one.size_bytes
    found, alive = [], 0
    for change in changes[:count]:
        alive += change
        found.append(alive)
    return found


def scratch(plan: Schedule, precision: str) -> list[Block]:
    """Return the scratch memory of CMSIS-NN's 8-bit convolutions, alive in their step only.

    Two columns of the input as 16-bit numbers, ``2 · align4(kh · kw · Cin) · 2`` bytes (arm_convolve_s8); none for
    kernels of one element and for depthwise ones of 3 by 3, which have loops of their own.
    """
    if precision != "int8":
        return []
    found = []
    for index, step in enumerate(plan.steps):
        sizes = [_scratch_bytes(one) for one in step.unit.operations if isinstance(one, Convolution)]
        if any(sizes):
            found.append(Block(max(sizes), index, index))
    return found


def _scratch_bytes(one: Convolution) -> int:
    window = one.weight[2:]
    if one.transposed or prod(window) == 1 or (one.is_depthwise and window == (3, 3)):
        return 0
    return 2 * (-(-one.columns // 4) * 4) * 2


def arena(blocks: Sequence[Block], extra: Sequence[Block] = ()) -> list[Place]:
    """Return a place for each block: largest first, into the first gap between those alive at the same time."""
    waiting = sorted((*blocks, *extra), key=lambda one: (-one.size_bytes, one.first))
    placed: list[Place] = []
    for block in waiting:
        if block.size_bytes == 0:
            continue
        near = [one for one in placed if one.block.first <= block.last and block.first <= one.block.last]
        offset = 0
        for one in sorted(near, key=lambda place: place.offset_bytes):
            if one.offset_bytes - offset >= block.size_bytes:
                break
            offset = max(offset, _aligned(one.offset_bytes + one.block.size_bytes))
        placed.append(Place(block, offset))
    return placed


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES


def _shared(plan: Schedule, index: int) -> int:
    """Return how many bytes what a step makes may share with an input that is read for the last time."""
    step = plan.steps[index]
    dying = [one for one in step.reads if plan.blocks[one].last == index and one not in step.makes]
    new = [one for one in step.makes if plan.blocks[one].first == index and one not in step.reads]
    pairs = [(plan.blocks[source].size_bytes, plan.blocks[made].size_bytes) for source in dying for made in new]
    return max((source + made - _together(step.unit, source, made) for source, made in pairs), default=0)


def _together(unit: Unit, source: int, made: int) -> int:
    """Return the bytes of an input and an output that overlap as far as the unit allows."""
    windows = [one for one in unit.operations if isinstance(one, Convolution | Pool)]
    if len(windows) == 1 and _is_over_rows(windows[0]):
        return _rows_overlapped(windows[0], source, made)
    if unit.operations and all(isinstance(one, Pointwise) and "softmax" not in one.name for one in unit.operations):
        return max(source, made)  # element by element
    return source + made


def _is_over_rows(one: Convolution | Pool) -> bool:
    return len(one.input) > 2 and one.input[2] > 0 and one.output[2] > 0 and not getattr(one, "transposed", False)


def _rows_overlapped(one: Convolution | Pool, source: int, made: int) -> int:
    """Return the bytes of input and output when rows of output are written over rows of input that are read no more.

    The output begins ``shift`` before the input, so that row i is complete before it reaches row
    ``i · stride - padding`` of the input, the first that is still needed for it.
    """
    rows_in, rows_out = one.input[2], one.output[2]
    row_in, row_out = source / rows_in, made / rows_out
    stride, padding = one.stride[0], one.padding[0]
    shift = max((row + 1) * row_out - max(row * stride - padding, 0) * row_in for row in range(rows_out))
    return int(max(shift + source, made))
