"""The least memory in which the steps of a network can run: all orders are tried, and what is alive is added up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from .networks_at_random import Step, is_single, writes

_IN_PLACE = (nn.ReLU, nn.LeakyReLU, nn.Sigmoid, nn.Tanh, nn.SiLU, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True)
class Task:
    """A step that computes: the tasks that come before it, and the blocks of memory that it reads and makes."""

    after: frozenset[int]
    reads: frozenset[int]
    makes: frozenset[int]


def least_peak(steps: Sequence[Step], folded: Collection[int], values: Sequence[Tensor]) -> int:
    """Return the elements alive at once in the best order. ``values`` are what torch made of each step, input first.

    A value may lie where the one lies that its step looks at in another way, or is folded into; so may that of an
    activation that alone reads it.
    """
    past = History(steps, values, folded)
    sizes = [one.numel() for one in values]
    block, number = [0] * len(values), {-1: -1}
    tasks: list[Task] = []
    for index, step in enumerate(steps):
        memory, made = past.reads[index][0].memory, past.memory[index + 1]
        if index in past.views:
            continue
        alone = past.readers[past.reads[index][0]] == [index]
        shared = alone and (step.call == "relu" or isinstance(step.call, _IN_PLACE))
        block[made] = block[memory] if shared or made == memory else made
        sizes.append(_states(step, values[step.reads[0]]))
        after = {number[one.writer] for one in past.reads[index]}
        if made == memory:  # who reads what is overwritten comes before
            after |= {number[one] for one in past.readers[past.reads[index][0]] if one in number}
        reads = frozenset(block[one.memory] for one in past.reads[index])
        tasks.append(Task(frozenset(after - {-1}), reads, frozenset({block[made], len(sizes) - 1})))
        number[index] = len(tasks) - 1
    return _least(tasks, sizes, {0}, {block[past.memory[-1]]})


@dataclass(frozen=True)
class Content:
    """What lies in a value's memory, since the step ``writer`` wrote it; -1 is the world outside."""

    memory: int
    writer: int


class History:
    """What each step reads, and who reads it; the world outside, as -1, reads the output. Views are no reading."""

    def __init__(self, steps: Sequence[Step], values: Sequence[Tensor], folded: Collection[int] = ()) -> None:
        self.memory = [0]  # of each value: the first value that lies there
        self.views: set[int] = set()
        self.reads: list[list[Content]] = []
        self.readers: dict[Content, list[int]] = defaultdict(list)
        writer = [-1] * len(values)
        for index, step in enumerate(steps):
            there = [self.memory[one] for one in step.reads]
            self.reads.append([Content(one, writer[one]) for one in there])
            looks = index in folded or (not writes(step.call) and _is_in_one_storage(values, step, index + 1))
            self.memory.append(there[0] if looks or writes(step.call) else index + 1)
            if looks:
                self.views.add(index)
                continue
            for one in dict.fromkeys(self.reads[-1]):
                self.readers[one].append(index)
            writer[self.memory[-1]] = index
        self.readers[Content(self.memory[-1], writer[self.memory[-1]])].append(-1)


def _is_in_one_storage(values: Sequence[Tensor], step: Step, made: int) -> bool:
    storages = [values[one].untyped_storage().data_ptr() for one in step.reads]
    return values[made].untyped_storage().data_ptr() in storages


def _states(step: Step, x: Tensor) -> int:
    """Return the elements of the last states, which a recurrent layer makes as well: of LSTM two each."""
    if not isinstance(step.call, nn.RNNBase):
        return 0
    layer = step.call
    sequences = 1 if is_single(layer, x) else len(x)
    each = layer.num_layers * (1 + layer.bidirectional) * sequences * layer.hidden_size
    return each * (2 if isinstance(layer, nn.LSTM) else 1)


@dataclass(frozen=True)
class Node:
    """A step of a graph in which nothing is written over, unless a runtime sees that it may be.

    Values are told by their numbers, networks' inputs first. ``way`` is ``view`` where the one that it makes is the
    first that it reads, looked at in another way; ``over`` where it may be written over that; otherwise ``new``.
    """

    reads: tuple[int, ...]
    makes: tuple[int, ...]
    way: str


def least_of_graph(nodes: Sequence[Node], sizes: Sequence[int], outputs: Collection[int]) -> int:
    """Return the bytes alive at once in the best order. ``sizes`` are the bytes of each value."""
    made = {one for node in nodes for one in node.makes}
    inputs = [one for one in range(len(sizes)) if one not in made]
    seen, block = list(range(len(sizes))), list(range(len(sizes)))  # the value looked at, and the memory that it is in
    for node in nodes:
        if node.way == "view":
            seen[node.makes[0]] = seen[node.reads[0]]
    readers = [one for node in nodes if node.way != "view" for one in {seen[each] for each in node.reads}]
    uses = Counter([*readers, *{seen[one] for one in outputs}])
    maker: dict[int, int] = {}
    tasks: list[Task] = []
    for node in nodes:
        reads = {seen[one] for one in node.reads}
        if node.way == "view":
            continue
        if node.way == "over" and len(reads) == 1 and all(uses[one] == 1 for one in reads):
            source, target = *reads, node.makes[0]
            block[target] = block[source] if sizes[source] == sizes[target] else target
        after = frozenset(maker[one] for one in reads if one in maker)
        tasks.append(Task(after, frozenset(block[one] for one in reads), frozenset(block[one] for one in node.makes)))
        maker.update((one, len(tasks) - 1) for one in node.makes)
    return _least(tasks, sizes, inputs, {block[seen[one]] for one in outputs})


def _least(tasks: list[Task], sizes: Sequence[int], inputs: Collection[int], outputs: Collection[int]) -> int:
    orders = _Orders(tasks, sizes, frozenset(inputs), frozenset(outputs))
    return orders.least(frozenset(), sum(sizes[one] for one in inputs))


@dataclass(frozen=True)
class _Orders:
    tasks: list[Task]
    sizes: Sequence[int]
    inputs: frozenset[int]
    outputs: frozenset[int]

    def least(self, done: frozenset[int], peak: int) -> int:
        """Return the least peak of all orders that go on where ``done`` is, with ``peak`` until there."""
        waiting = [index for index in range(len(self.tasks)) if index not in done]
        ready = [index for index in waiting if self.tasks[index].after <= done]
        found = [self.least(done | {index}, max(peak, self._alive(done, waiting, index))) for index in ready]
        return min(found, default=peak)

    def _alive(self, done: frozenset[int], waiting: Sequence[int], running: int) -> int:
        there = self.inputs.union(*(self.tasks[index].makes for index in done))
        needed = self.outputs.union(*(self.tasks[index].reads for index in waiting))
        return sum(self.sizes[one] for one in there & needed | self.tasks[running].makes)
