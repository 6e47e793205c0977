"""Schedules and memory: the best order, the arena, and what may lie over each other, against brute force."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations, product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from grader.cost import analyse
from grader.cost.memory import _rows_overlapped, activation_bytes, arena, timeline
from grader.cost.network import Buffer, Network, Tensor, Unit
from grader.cost.operations import Convolution
from grader.cost.schedule import MAX_STATES, Block, schedule


def network(sizes: list[int], units: list[tuple[list[int], list[int]]], outputs: list[int]) -> Network:
    """Return a network of functions on buffers of these ``sizes``; the first buffer is the input."""
    made = [Unit("f", "", _tensors(given_), _tensors(makes), (), ()) for given_, makes in units]
    buffers = tuple(Buffer(size, "float32") for size in sizes)
    return Network("torch", "Net", tuple(made), (), buffers, _tensors([0]), _tensors(outputs))


def _tensors(numbers: list[int]) -> tuple[Tensor, ...]:
    return tuple(Tensor(one, (1,)) for one in numbers)


@st.composite
def graphs(draw: st.DrawFn) -> Network:
    """Draw a network of up to six functions, each of which reads one or two buffers that are there and makes one."""
    count = draw(st.integers(1, 6))
    units = []
    for number in range(1, count + 1):
        reads = draw(st.lists(st.integers(0, number - 1), min_size=1, max_size=2, unique=True))
        units.append((reads, [number]))
    sizes = draw(st.lists(st.integers(1, 50), min_size=count + 1, max_size=count + 1))
    return network(sizes, units, [count])


def peak_of(net: Network, order: tuple[int, ...]) -> int | None:
    """Return the peak elements of an order, None where a function would run before what it reads is there."""
    there, peak = {0}, net.buffers[0].elements
    for place, index in enumerate(order):
        unit = net.units[index]
        if any(one.buffer not in there for one in unit.given):
            return None
        there |= {one.buffer for one in unit.made}
        peak = max(peak, sum(net.buffers[one].elements for one in there))
        later = {one.buffer for number in order[place + 1 :] for one in net.units[number].given}
        there &= later | {one.buffer for one in net.outputs}
    return peak


@given(graphs())
@settings(max_examples=150, deadline=None)
def test_the_order_is_the_best_of_all(net: Network) -> None:
    peaks = [peak_of(net, order) for order in permutations(range(len(net.units)))]
    plan = schedule(net, "float32")
    assert plan.is_best
    assert max(timeline(plan)) == 4 * min(one for one in peaks if one is not None)


def test_another_order_than_the_trace_needs_less() -> None:
    # Two branches from one input: a large one that shrinks, and a small one that lives until the end.
    units = [([0], [1]), ([0], [2]), ([2], [3]), ([1, 3], [4])]
    net = network([10, 40, 100, 1, 1], units, [4])
    assert peak_of(net, (0, 1, 2, 3)) == 150
    assert max(timeline(schedule(net, "float32"))) == 4 * 111
    assert [one.unit.made[0].buffer for one in schedule(net, "float32").steps] == [2, 3, 1, 4]


def test_too_many_branches_are_left_in_the_order_of_the_trace() -> None:
    width = 18  # 2 to the power of 18 sets of finished steps
    assert 2**width > MAX_STATES
    units = [([0], [number]) for number in range(1, width + 1)]
    net = network([1] * (width + 2), [*units, (list(range(1, width + 1)), [width + 1])], [width + 1])
    plan = schedule(net, "float32")
    assert not plan.is_best
    assert [one.unit.made[0].buffer for one in plan.steps] == list(range(1, width + 2))


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 6), st.integers(0, 4)), max_size=12))
@settings(max_examples=200, deadline=None)
def test_blocks_alive_together_lie_apart_in_the_arena(drawn: list[tuple[int, int, int]]) -> None:
    blocks = [Block(size, first, first + length) for size, first, length in drawn]
    places = arena(blocks)
    assert sorted(one.block.size_bytes for one in places) == sorted(one.size_bytes for one in blocks if one.size_bytes)
    for one, other in product(places, places):
        if one is not other and one.block.first <= other.block.last and other.block.first <= one.block.last:
            apart = one.offset_bytes + one.block.size_bytes <= other.offset_bytes
            assert apart or other.offset_bytes + other.block.size_bytes <= one.offset_bytes
    assert all(one.offset_bytes % 16 == 0 for one in places)


def test_the_arena_fills_gaps_largest_first() -> None:
    big, low, late = Block(100, 0, 1), Block(40, 1, 2), Block(90, 2, 3)
    places = {one.block: one.offset_bytes for one in arena([late, low, big])}
    assert places == {big: 0, late: 0, low: 112}


@given(st.integers(1, 3), st.integers(1, 2), st.integers(0, 1), st.integers(3, 9), st.integers(1, 6), st.integers(1, 6))
@settings(max_examples=200, deadline=None)
def test_rows_may_lie_over_each_other_as_far_as_a_run_by_hand_allows(
    kernel: int, stride: int, padding: int, rows: int, row_in: int, row_out: int
) -> None:
    made = (rows + 2 * padding - kernel) // stride + 1
    one = Convolution(
        (1, 1, rows, row_in), (1, 1, kernel, kernel), (1, 1, made, row_out), False,
        (stride, stride), (padding, padding), (1, 1), transposed=False, groups=1,
    )  # fmt: skip
    together = _rows_overlapped(one, rows * row_in, made * row_out)

    def survives(shift: int) -> bool:
        """Write row after row into memory in which the input begins at ``shift``: is any row that is needed hurt?"""
        for row in range(made):
            needed = range(max(row * stride - padding, 0), rows)
            written = range(row * row_out, (row + 1) * row_out)
            if any(set(written) & set(range(shift + r * row_in, shift + (r + 1) * row_in)) for r in needed):
                return False
        return True

    shift = max(together - rows * row_in, 0)
    assert survives(shift)
    if together > max(rows * row_in, made * row_out):
        assert not survives(shift - 1)


def blocks_of(module: nn.Module, *shape: int, precision: str = "float32") -> Any:
    return analyse(module, [shape], precision)


def test_an_activation_works_in_place_unless_its_input_is_read_again() -> None:
    class Once(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.relu(F.max_pool2d(x, 2))

    class Twice(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            pooled = F.max_pool2d(x, 2)
            return F.relu(pooled) + pooled

    assert blocks_of(Once(), 1, 4, 8, 8).activation_bytes.liveness == 4 * (256 + 64)
    assert [one.size_bytes for one in blocks_of(Once(), 1, 4, 8, 8).schedule.blocks] == [1024, 256]
    assert [one.size_bytes for one in blocks_of(Twice(), 1, 4, 8, 8).schedule.blocks] == [1024, 256, 256, 256]


def test_views_and_dropout_take_no_memory() -> None:
    module = nn.Sequential(nn.Dropout(), nn.Flatten(), nn.Unflatten(1, (8, 8)), nn.Identity(), nn.Linear(8, 2))
    cost = blocks_of(module, 1, 64)
    assert [one.size_bytes for one in cost.schedule.blocks] == [256, 64]
    assert cost.activation_bytes.liveness == 320


def test_dropout_need_not_wait_for_others_that_read_its_input() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dropout = nn.Dropout()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            large = F.relu(x)
            F.max_pool1d(self.dropout(x), 2)  # goes nowhere, and is best done first
            return F.relu(large)

    assert blocks_of(Branching(), 1, 4, 8).activation_bytes.liveness == 4 * (32 + 32)


def _assigned(x: torch.Tensor) -> torch.Tensor:
    made = torch.zeros(1, 8, 8)
    made[:, :4] = x
    return made


def _added(x: torch.Tensor) -> torch.Tensor:
    made = torch.cat([x, x], 1)
    made[:, :4] += x
    return made


def _put(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x, x], 1).index_put_((torch.zeros(1, dtype=torch.long),), torch.cat([x, x], 1))


def _out(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x, x], 1, out=x.new_empty(1, 8, 8))


@pytest.mark.parametrize(
    ("forward", "step", "elements"),
    [
        (_assigned, "__setitem__", 32 + 64),
        (_added, "__setitem__", 32 + 64),
        (_put, "index_put_", 32 + 64 + 64),
        (_out, "cat", 32 + 64),
    ],
)
def test_writing_into_what_is_there_is_a_step(
    forward: Callable[[torch.Tensor], torch.Tensor], step: str, elements: int
) -> None:
    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return forward(x)

    found = blocks_of(Net(), 1, 4, 8)
    last = found.schedule.steps[-1]
    assert last.unit.kind == step
    assert last.makes[0] in last.reads
    assert found.activation_bytes.liveness == 4 * elements


def test_what_is_overwritten_is_read_before_and_read_alone_after() -> None:
    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = F.max_pool1d(x, 2)
            z = F.max_pool1d(y, 2)  # must see y as it was
            y[:, :, :4] += z
            return F.relu(y)  # works in place, since nothing else reads y as it is now

    found = blocks_of(Net(), 1, 1, 16)
    assert [one.unit.kind for one in found.schedule.steps] == [
        "max_pool1d",
        "max_pool1d",
        "add_",
        "__setitem__",
        "relu",
    ]
    assert [one.size_bytes for one in found.schedule.blocks] == [4 * 16, 4 * 8, 4 * 4]


def test_precision_decides_on_bytes_and_scratch() -> None:
    conv = nn.Conv2d(3, 4, 5)
    by_precision = {one: blocks_of(conv, 1, 3, 8, 8, precision=one).activation_bytes for one in ("float32", "int8")}
    assert by_precision["float32"].liveness == 4 * (192 + 64)
    assert by_precision["int8"].liveness == 192 + 64
    # 75 weights to an output channel, as 76; two columns of 16 bits.
    assert by_precision["int8"].arena == 192 + 64 + 4 * 76
    assert blocks_of(nn.Conv2d(3, 4, 1), 1, 3, 8, 8, precision="int8").activation_bytes.arena == 192 + 256
    depthwise = blocks_of(nn.Conv2d(4, 4, 3, groups=4), 1, 4, 8, 8, precision="int8")
    assert depthwise.activation_bytes.arena == 256 + 144


def test_token_numbers_take_32_bits_at_every_precision() -> None:
    embedding = nn.Embedding(10, 4)
    cost = analyse(embedding, [((1, 16), "int64")], "int8")
    assert cost.activation_bytes.liveness == 4 * 16 + 64


def test_a_network_without_steps_holds_its_input() -> None:
    assert analyse(nn.Identity(), [(1, 8)]).activation_bytes.liveness == 32
    found = activation_bytes(schedule(network([5], [], [0]), "float32"), "float32")
    assert (found.overlap, found.liveness, found.arena) == (20, 20, 20)


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_the_figures_stand_in_order(precision: str) -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.Flatten())
    found = blocks_of(module, 1, 3, 16, 16, precision=precision).activation_bytes
    assert found.overlap <= found.liveness <= found.arena
