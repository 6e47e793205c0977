"""The graph of an exercise's quantities, and its evaluation with some of its values replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Quantity:
    """A given or a quantity: a function and the names that it needs."""

    name: str
    title: str
    function: Callable[..., Any]
    needs: tuple[str, ...]
    is_given: bool
    line: int


@dataclass(frozen=True, slots=True)
class Misconception:
    """A known wrong version of the quantity ``target``, with the sentence for the student who made it."""

    id: str
    target: str
    message: str
    function: Callable[..., Any]
    needs: tuple[str, ...]
    also_loses: tuple[str, ...]
    line: int


@dataclass(frozen=True, eq=False)
class Reference:
    """What is true in one exercise. ``sha256`` identifies the author's file."""

    path: Path
    sha256: str
    nodes: Mapping[str, Quantity]
    misconceptions: Mapping[str, Misconception]

    @cached_property
    def givens(self) -> tuple[str, ...]:
        """Names of what the task gives, in the order of the file."""
        return tuple(name for name, node in self.nodes.items() if node.is_given)

    @cached_property
    def quantities(self) -> Mapping[str, Quantity]:
        """The quantities that are not given, by name, in the order of the file."""
        return {name: node for name, node in self.nodes.items() if not node.is_given}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """All names so that each comes after what it needs, otherwise in the order of the file."""
        done: dict[str, None] = {}

        def visit(name: str) -> None:
            if name in self.nodes and name not in done:
                for need in self.nodes[name].needs:
                    visit(need)
                done[name] = None

        for name in self.nodes:
            visit(name)
        return tuple(done)

    def ancestors(self, names: Iterable[str]) -> frozenset[str]:
        """Return every name that ``names`` need, directly or not, themselves included."""
        found: set[str] = set()
        waiting = [name for name in names if name in self.nodes]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(need for need in self.nodes[name].needs if need in self.nodes)
        return frozenset(found)

    def evaluate(self, seed: int | None = None) -> dict[str, Any]:
        """Return the value of every given and quantity, for the numbers that belong to ``seed``."""
        evaluation = Evaluation(self, seed)
        return {name: evaluation.value(name) for name in self.order}


def _frozen(value: Any) -> Any:
    """Return ``value``, an array made read-only, so that no function can change what another one is given."""
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    return value


class Evaluation:
    """Values of the quantities of ``reference`` for one seed, where those in ``fixed`` are taken as they are.

    Every value is computed once, when it is first asked for. Whatever an author's function raises comes out.
    """

    def __init__(self, reference: Reference, seed: int | None, fixed: Mapping[str, Any] | None = None) -> None:
        self.reference = reference
        self.seed = seed
        self.fixed = dict(fixed or {})
        self._values: dict[str, Any] = {name: _frozen(value) for name, value in self.fixed.items()}

    def value(self, name: str) -> Any:
        """Return the value of the given or quantity ``name``."""
        if name not in self._values:
            self._values[name] = self._call(self.reference.nodes[name])
        return self._values[name]

    def recomputed(self, name: str) -> Any:
        """Return the value of ``name`` by its definition, even where it is fixed."""
        return self._call(self.reference.nodes[name])

    def mistaken(self, misconception: Misconception) -> Any:
        """Return the wrong value that ``misconception`` gives its target from the same inputs."""
        return self._call(misconception)

    def _call(self, node: Quantity | Misconception) -> Any:
        arguments = {need: self.seed if need == "seed" else self.value(need) for need in node.needs}
        with np.errstate(all="ignore"):  # a student's upstream value may overflow; the comparison will say so
            return _frozen(node.function(**arguments))
