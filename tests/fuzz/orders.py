"""The least memory in which the steps of a network can run: all orders are tried, and what is alive is added up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from .networks_at_random import Step

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
    views = {index for index, step in enumerate(steps) if index in folded or is_view(values, step, index + 1)}
    memory = list(range(len(values)))  # the first value that lies in the same memory
    for index in sorted(views):
        memory[index + 1] = memory[steps[index].reads[0]]
    readers = [
        {
            index
            for index, step in enumerate(steps)
            if index not in views and memory[value] in {memory[one] for one in step.reads}
        }
        for value in range(len(values))
    ]
    block, maker = list(range(len(values))), [-1] * len(values)
    sizes = [one.numel() for one in values]
    tasks: list[Task] = []
    for index, step in enumerate(steps):
        source, made = step.reads[0], index + 1
        if index in views:
            block[made], maker[made] = block[source], maker[source]
            continue
        alone = len(readers[source]) == 1 and memory[source] != memory[-1]
        if alone and (step.call == "relu" or isinstance(step.call, _IN_PLACE)):
            block[made] = block[source]
        sizes.append(_states(step, values[source]))
        makes = frozenset({block[made], len(sizes) - 1})
        after = frozenset(maker[one] for one in step.reads) - {-1}
        tasks.append(Task(after, frozenset(block[one] for one in step.reads), makes))
        maker[made] = len(tasks) - 1
    return _Orders(tasks, sizes, block[-1]).least(frozenset(), sizes[0])


def is_view(values: Sequence[Tensor], step: Step, made: int) -> bool:
    storages = [values[one].untyped_storage().data_ptr() for one in step.reads]
    return values[made].untyped_storage().data_ptr() in storages


def _states(step: Step, x: Tensor) -> int:
    """Return the elements of the last states, which a recurrent layer makes as well: of LSTM two each."""
    if not isinstance(step.call, nn.RNNBase):
        return 0
    layer = step.call
    each = layer.num_layers * (1 + layer.bidirectional) * len(x) * layer.hidden_size
    return each * (2 if isinstance(layer, nn.LSTM) else 1)


@dataclass(frozen=True)
class _Orders:
    tasks: list[Task]
    sizes: list[int]
    output: int

    def least(self, done: frozenset[int], peak: int) -> int:
        """Return the least peak of all orders that go on where ``done`` is, with ``peak`` until there."""
        waiting = [index for index in range(len(self.tasks)) if index not in done]
        ready = [index for index in waiting if self.tasks[index].after <= done]
        found = [self.least(done | {index}, max(peak, self._alive(done, waiting, index))) for index in ready]
        return min(found, default=peak)

    def _alive(self, done: frozenset[int], waiting: Sequence[int], running: int) -> int:
        there = {0}.union(*(self.tasks[index].makes for index in done))
        needed = {self.output}.union(*(self.tasks[index].reads for index in waiting))
        return sum(self.sizes[one] for one in there & needed | self.tasks[running].makes)
