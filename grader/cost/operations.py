"""Operations as torch carries them out, and the multiply-accumulates of each.

A multiply-accumulate (MAC) is one product added to a sum. They are counted as the definition of an operation says, for
every element of the output: positions where a convolution looks at padding count, as they do in every library's loops.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution, or a transposed one: tensors in (N, C, …) and weights in (out, in / groups, …) order."""

    input: Shape
    weight: Shape
    output: Shape
    bias: bool
    stride: Shape
    padding: Shape
    dilation: Shape
    transposed: bool
    groups: int

    @property
    def macs(self) -> int:
        """MACs: each element of the output sums up a window over the group's input channels.

        Transposed, each element of the *input* is spread over a window and the group's output channels instead; weights
        lie in (in, out / groups, …) order there, so that their count for one element is read off in the same place.
        """
        elements = prod(self.input if self.transposed else self.output)
        return elements * prod(self.weight[1:])

    @property
    def columns(self) -> int:
        """Weights of one output channel."""
        return prod(self.weight[1:])

    @property
    def is_depthwise(self) -> bool:
        """Whether each channel is convolved by itself."""
        return not self.transposed and self.groups > 1 and self.weight[1] == 1


@dataclass(frozen=True, slots=True)
class Matrices:
    """A product of matrices (…, n, k) and (…, k, m), of a matrix and a vector, or of vectors."""

    left: Shape
    right: Shape
    bias: bool

    @property
    def macs(self) -> int:
        """MACs: ``n · k · m`` for each pair of matrices."""
        columns = self.right[-1] if len(self.right) > 1 else 1
        return prod(self.left) * columns

    @property
    def outputs(self) -> int:
        """Elements of the result."""
        columns = self.right[-1] if len(self.right) > 1 else 1
        return prod(self.left[:-1]) * columns


@dataclass(frozen=True, slots=True)
class Attention:
    """Scaled dot-product attention of queries (…, L, e), keys (…, S, e) and values (…, S, v), not masked."""

    query: Shape
    key: Shape
    value: Shape

    @property
    def macs(self) -> int:
        """MACs of queries times keys, and of the weights times values: ``L · S · (e + v)`` for each head.

        A causal mask, with which half of them could be left out, changes nothing here.
        """
        return prod(self.query[:-1]) * self.key[-2] * (self.query[-1] + self.value[-1])


@dataclass(frozen=True, slots=True)
class Recurrent:
    """An LSTM, GRU or simple recurrent layer. ``steps`` counts vectors, over time and batch."""

    gates: int
    steps: int
    weights: tuple[Shape, ...]
    biases: int

    @property
    def macs(self) -> int:
        """MACs: every matrix is used once in each step. Products of gates with states are no MACs."""
        return self.steps * sum(prod(one) for one in self.weights)


@dataclass(frozen=True, slots=True)
class Pool:
    """Pooling over windows. No MACs."""

    kernel: Shape
    stride: Shape
    padding: Shape
    input: Shape
    output: Shape

    macs = 0


@dataclass(frozen=True, slots=True)
class Reduction:
    """A mean, sum or maximum over whole axes, as in global pooling. No MACs."""

    input: Shape
    output: Shape

    macs = 0


@dataclass(frozen=True, slots=True)
class Pointwise:
    """A function of each element, softmax and sums of tensors included. No MACs."""

    name: str
    elements: int

    macs = 0


@dataclass(frozen=True, slots=True)
class Uncounted:
    """Something that multiplies and sums up, and that nobody has taught us to count."""

    name: str

    macs = 0


Operation: TypeAlias = Convolution | Matrices | Attention | Recurrent | Pool | Reduction | Pointwise | Uncounted

_TYPES: Mapping[str, type[Any]] = {
    "convolution": Convolution,
    "matrices": Matrices,
    "attention": Attention,
    "recurrent": Recurrent,
    "pool": Pool,
    "reduction": Reduction,
    "pointwise": Pointwise,
    "uncounted": Uncounted,
}
#: No tensor is larger, so that arithmetic on what student code says of itself stays small.
_MAX_SIDE = 2**48


def read_operation(found: Mapping[str, Any]) -> Operation:
    """Return an operation from its plain form. Raises ValueError, TypeError or KeyError for any other."""
    kind = _TYPES[found["op"]]
    fields = {name: _plain(found[name], str(kind.__annotations__[name])) for name in kind.__annotations__}
    one: Operation = kind(**fields)
    _check(one)
    return one


def shape(value: Any) -> Shape:
    """Return a list of sizes as a shape. Raises ValueError for any other thing."""
    if not isinstance(value, list) or len(value) > 32 or not all(_is_size(one) for one in value):
        raise ValueError(f"{str(value)[:80]} is no shape")
    return tuple(value)


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MAX_SIDE


def _plain(value: Any, wanted: str) -> Any:
    if wanted == "Shape":
        return shape(value)
    if wanted == "tuple[Shape, ...]":
        return tuple(shape(one) for one in value)
    if wanted == "str" and isinstance(value, str):
        return value[:100]
    if (wanted == "bool" and isinstance(value, bool)) or (wanted == "int" and _is_size(value)):
        return value
    raise ValueError(f"{str(value)[:80]} is no {wanted}")


def _check(one: Operation) -> None:
    """Raise ValueError where shapes are too short to be what they are said to be."""
    match one:
        case Convolution():
            possible = len(one.weight) >= 2 and len(one.input) == len(one.output) >= 2
        case Matrices():
            possible = min(len(one.left), len(one.right)) >= 1
        case Attention():
            possible = min(len(one.query), len(one.key), len(one.value)) >= 2
        case _:
            possible = True
    if not possible:
        raise ValueError(f"{one} is impossible")
