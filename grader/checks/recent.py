"""What was worked out last, as far as a bound on its bytes lets it be kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The values used last, by key; those not used for longest go when all together pass ``limit_bytes``.

    A bound on how many says nothing: one value may be a number, the next the weights of a network. Not for threads.
    """

    def __init__(self, size: Callable[[Value], int], limit_bytes: int) -> None:
        self._size, self._limit_bytes = size, limit_bytes
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self.held_bytes = 0

    def get(self, key: Hashable) -> Value | None:
        """Return what is kept under ``key``, or None."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def keep(self, key: Hashable, value: Value) -> None:
        """Keep ``value`` under a ``key`` that has none yet, and let go of the oldest where it is too much."""
        self._values[key] = value
        self.held_bytes += self._size(value)
        while self.held_bytes > self._limit_bytes:
            self.held_bytes -= self._size(self._values.popitem(last=False)[1])
