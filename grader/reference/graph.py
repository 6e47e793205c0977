"""The graph of an exercise's quantities, and its evaluation with some of its values replaced."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
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
    shows_in: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or class that students write under the name ``name``."""

    name: str
    title: str
    function: Callable[..., Any]
    line: int


@dataclass(frozen=True, slots=True)
class Cases:
    """Inputs for the function ``target``; ``needs`` are givens and quantities, and ``rng``."""

    name: str
    target: str
    function: Callable[..., Any]
    needs: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Property:
    """What must hold for every result of the function ``target``; ``message`` is for a student whose does not."""

    name: str
    target: str
    message: str
    function: Callable[..., Any]
    line: int


@dataclass(frozen=True, slots=True)
class Trial:
    """How the function ``target`` is tried out. ``source`` is run beside student code."""

    name: str
    target: str
    function: Callable[..., Any]
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class Steps:
    """One case for a class: what to call it with, and what to do with the instance.

    Each step is ``("call", method, *arguments)``, ``("set", attribute, value)`` or ``("get", attribute)``. What the
    case gives is the list of what the calls returned and the gets read.
    """

    arguments: tuple[Any, ...]
    steps: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, eq=False)
class Reference:
    """What is true in one exercise. ``sha256`` identifies the author's file.

    ``nodes`` are the givens and quantities, ``definitions`` the functions and classes that students write.
    """

    path: Path
    sha256: str
    nodes: Mapping[str, Quantity]
    misconceptions: Mapping[str, Misconception]
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    cases: Mapping[str, Cases] = field(default_factory=dict)
    properties: Mapping[str, Property] = field(default_factory=dict)
    trials: Mapping[str, Trial] = field(default_factory=dict)

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


def _as_tuple(one: Any) -> tuple[Any, ...]:
    return one if isinstance(one, tuple) else (one,)


class Evaluation:
    """Values of the quantities of ``reference`` for one seed, where those in ``fixed`` are taken as they are.

    Every value is computed once, when it is first asked for. Whatever an author's function raises comes out.
    """

    def __init__(
        self, reference: Reference, seed: int | None, fixed: Mapping[str, Any] | None = None, hidden: int = 0
    ) -> None:
        self.reference = reference
        self.seed = seed
        self.fixed = dict(fixed or {})
        self.hidden = hidden
        self._values: dict[str, Any] = {name: _frozen(value) for name, value in self.fixed.items()}

    def with_hidden(self, hidden: int) -> Evaluation:
        """Return the same values with other hidden inputs: those drawn from the seed ``hidden``."""
        other = Evaluation(self.reference, self.seed, self.fixed, hidden)
        other._values = self._values
        return other

    def cases(self, name: str) -> tuple[Any, ...]:
        """Return the inputs that the cases ``name`` draw: tuples of arguments, or :class:`Steps`."""
        return _drawn(self, name)

    def generator(self, label: str) -> np.random.Generator:
        """Return a generator of hidden numbers for ``label``: other ones for each submission, always the same."""
        return np.random.default_rng(list(hashlib.sha256(f"{self.hidden}\0{label}".encode()).digest()))

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


# Not kept by the evaluation: a batch has one for each hand-in, and inputs may be many images. They can be drawn again.
@lru_cache(maxsize=128)
def _drawn(evaluation: Evaluation, name: str) -> tuple[Any, ...]:
    cases = evaluation.reference.cases[name]
    rng = evaluation.generator(name)
    arguments = {need: rng if need == "rng" else evaluation.value(need) for need in cases.needs}
    return tuple(one if isinstance(one, Steps) else _as_tuple(one) for one in cases.function(**arguments))
