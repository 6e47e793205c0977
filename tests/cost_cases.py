"""Small networks whose multiply-accumulates are worked out by hand, as products that are written out.

The conventions, which ``grader.cost`` documents as well:

- A MAC is a product added to a sum. Biases, activations, pooling, normalisation, softmax and scaling have none, nor
  have products of gates with states in recurrent layers.
- Counted is one run on the inputs as they are given, batch and time steps included.
- A convolution sums up its whole window for each element of the output, also where that looks at padding.
- A transposed convolution spreads each element of its *input* over a window. How large the output is, by stride and
  padding, changes nothing (what padding cuts off is computed and counted).
- An embedding looks up, and multiplies nothing. Attention with a mask counts like attention without.
- Parameters of a layer that is called twice, or of tied weights, are counted once; MACs as often as they happen.

``additions`` are those of biases, one for each element of an output that gets one (two for LSTM and GRU of torch, which
have two biases).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Input = tuple[int, ...] | tuple[tuple[int, ...], str]


@dataclass(frozen=True, slots=True)
class Case:
    """A network, the shapes of its inputs (with another type than float32 if said), and what it costs."""

    title: str
    make: Callable[[], Any]
    inputs: tuple[Input, ...]
    macs: int
    parameters: int
    additions: int = 0


class Function(nn.Module):
    """A function as a module, with the parameters that it gets before its inputs."""

    def __init__(self, function: Callable[..., Tensor], *shapes: tuple[int, ...]) -> None:
        super().__init__()
        self.function = function
        self.weights = nn.ParameterList([nn.Parameter(torch.zeros(shape)) for shape in shapes])

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*self.weights, *inputs)


class First(nn.Module):
    """A layer that returns several things, of which the first is wanted."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layer(x)[0]
        return found


class Attending(nn.Module):
    """Multi-head attention of a sequence to itself, or to another one."""

    def __init__(self, *, need_weights: bool, **options: Any) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True, **options)
        self.need_weights = need_weights

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        memory = x if memory is None else memory
        found: Tensor = self.attention(x, memory, memory, need_weights=self.need_weights)[0]
        return found


class Twice(nn.Module):
    """A layer that is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(20, 20)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layer(torch.relu(self.layer(x)))
        return found


class Tied(nn.Module):
    """A language model's ends: the embedding's weights serve as those of the output."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 16)
        self.output = nn.Linear(16, 50, bias=False)
        self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Tensor:
        found: Tensor = self.output(self.embedding(tokens))
        return found


class Stepping(nn.Module):
    """A recurrent cell, called once for each step."""

    def __init__(self, cell: nn.LSTMCell | nn.GRUCell) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: Tensor) -> Tensor:
        state: Any = None
        for step in x.unbind(1):
            state = self.cell(step, state)
        found: Tensor = state[0] if isinstance(state, tuple) else state
        return found


def _by_hand(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return torch.softmax(q @ k.transpose(-1, -2) / 8**0.5, -1) @ v


def _separable() -> nn.Module:
    return nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.ReLU(), nn.Conv2d(8, 12, 1))


CONVOLUTIONS = (
    Case(
        "convolution with bias",
        lambda: nn.Conv2d(3, 8, 3, padding=1),
        ((1, 3, 16, 16),),
        macs=8 * 16 * 16 * 3 * 3 * 3,
        parameters=8 * 3 * 3 * 3 + 8,
        additions=8 * 16 * 16,
    ),
    Case(
        "convolution, a batch of 4",
        lambda: nn.Conv2d(3, 8, 3, padding=1),
        ((4, 3, 16, 16),),
        macs=4 * 8 * 16 * 16 * 3 * 3 * 3,
        parameters=8 * 3 * 3 * 3 + 8,
        additions=4 * 8 * 16 * 16,
    ),
    Case(
        "convolution, kernel (3, 5), stride (2, 1)",
        lambda: nn.Conv2d(3, 8, (3, 5), stride=(2, 1), bias=False),
        ((1, 3, 17, 20),),
        macs=8 * 8 * 16 * 3 * 3 * 5,
        parameters=8 * 3 * 3 * 5,
    ),
    Case(
        "convolution, batch normalisation, ReLU",
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
        ((1, 3, 16, 16),),
        macs=8 * 16 * 16 * 3 * 3 * 3,
        parameters=8 * 3 * 3 * 3 + 8 + 8,
    ),
    Case(
        "grouped convolution",
        lambda: nn.Conv2d(8, 12, 3, padding=1, groups=4, bias=False),
        ((1, 8, 10, 10),),
        macs=12 * 10 * 10 * 2 * 3 * 3,
        parameters=12 * 2 * 3 * 3,
    ),
    Case(
        "depthwise convolution, multiplier 2",
        lambda: nn.Conv2d(8, 16, 3, padding=1, groups=8),
        ((1, 8, 10, 10),),
        macs=16 * 10 * 10 * 1 * 3 * 3,
        parameters=16 * 1 * 3 * 3 + 16,
        additions=16 * 10 * 10,
    ),
    Case(
        "depthwise separable convolution",
        _separable,
        ((1, 8, 10, 10),),
        macs=8 * 10 * 10 * 3 * 3 + 12 * 10 * 10 * 8,
        parameters=8 * 3 * 3 + 8 + 12 * 8 + 12,
        additions=8 * 10 * 10 + 12 * 10 * 10,
    ),
    Case(
        "dilated convolution",
        lambda: nn.Conv2d(4, 6, 3, dilation=2, bias=False),
        ((1, 4, 12, 12),),
        macs=6 * 8 * 8 * 4 * 3 * 3,
        parameters=6 * 4 * 3 * 3,
    ),
    Case(
        "convolution as a function",
        lambda: Function(lambda weight, x: F.conv2d(x, weight, padding="same"), (8, 3, 5, 5)),
        ((1, 3, 16, 16),),
        macs=8 * 16 * 16 * 3 * 5 * 5,
        parameters=8 * 3 * 5 * 5,
    ),
    Case(
        "convolution in one dimension, stride 2",
        lambda: nn.Conv1d(4, 8, 5, stride=2, padding=2),
        ((1, 4, 50),),
        macs=8 * 25 * 4 * 5,
        parameters=8 * 4 * 5 + 8,
        additions=8 * 25,
    ),
    Case(
        "convolution in three dimensions",
        lambda: nn.Conv3d(2, 4, 3, padding=1, bias=False),
        ((1, 2, 6, 7, 8),),
        macs=4 * 6 * 7 * 8 * 2 * 3 * 3 * 3,
        parameters=4 * 2 * 3 * 3 * 3,
    ),
    Case(
        "transposed convolution, stride 1",
        lambda: nn.ConvTranspose2d(4, 6, 3, bias=False),
        ((1, 4, 5, 5),),
        macs=4 * 5 * 5 * 6 * 3 * 3,
        parameters=4 * 6 * 3 * 3,
    ),
    Case(
        "transposed convolution, kernel 2, stride 2",
        lambda: nn.ConvTranspose2d(4, 6, 2, stride=2, bias=False),
        ((1, 4, 8, 8),),
        macs=4 * 8 * 8 * 6 * 2 * 2,
        parameters=4 * 6 * 2 * 2,
    ),
    Case(
        "transposed convolution, stride 2, padding 1, output padding 1",
        lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1),
        ((1, 4, 8, 8),),
        macs=4 * 8 * 8 * 6 * 3 * 3,
        parameters=4 * 6 * 3 * 3 + 6,
        additions=6 * 16 * 16,
    ),
    Case(
        "transposed convolution, grouped",
        lambda: nn.ConvTranspose2d(4, 8, 3, stride=2, groups=2, bias=False),
        ((1, 4, 8, 8),),
        macs=4 * 8 * 8 * 4 * 3 * 3,
        parameters=4 * 4 * 3 * 3,
    ),
    Case(
        "transposed convolution in one dimension",
        lambda: nn.ConvTranspose1d(4, 6, 4, stride=2, padding=1, bias=False),
        ((1, 4, 25),),
        macs=4 * 25 * 6 * 4,
        parameters=4 * 6 * 4,
    ),
)

PRODUCTS = (
    Case(
        "linear layer",
        lambda: nn.Linear(20, 30),
        ((1, 20),),
        macs=20 * 30,
        parameters=20 * 30 + 30,
        additions=30,
    ),
    Case(
        "linear layer on (T, d)",
        lambda: nn.Linear(20, 30),
        ((7, 20),),
        macs=7 * 20 * 30,
        parameters=20 * 30 + 30,
        additions=7 * 30,
    ),
    Case(
        "linear layer on (1, T, d)",
        lambda: nn.Linear(20, 30),
        ((1, 7, 20),),
        macs=7 * 20 * 30,
        parameters=20 * 30 + 30,
        additions=7 * 30,
    ),
    Case(
        "linear layer on (2, 3, 5, d), without bias",
        lambda: nn.Linear(20, 30, bias=False),
        ((2, 3, 5, 20),),
        macs=2 * 3 * 5 * 20 * 30,
        parameters=20 * 30,
    ),
    Case(
        "F.linear",
        lambda: Function(lambda weight, bias, x: F.linear(x, weight, bias), (30, 20), (30,)),
        ((7, 20),),
        macs=7 * 20 * 30,
        parameters=20 * 30 + 30,
        additions=7 * 30,
    ),
    Case(
        "x @ W + b",
        lambda: Function(lambda weight, bias, x: x @ weight + bias, (20, 30), (30,)),
        ((7, 20),),
        macs=7 * 20 * 30,
        parameters=20 * 30 + 30,
        # The sum is one of its own, and not told from any other: no bias of a layer.
    ),
    Case("x @ x.T", lambda: Function(lambda x: x @ x.T), ((7, 20),), macs=7 * 7 * 20, parameters=0),
    Case("matrix @ vector", lambda: Function(torch.mv, (30, 20)), ((20,),), macs=30 * 20, parameters=30 * 20),
    Case(
        "stacks of matrices",
        lambda: Function(lambda x, y: x @ y),
        ((2, 3, 5, 6), (2, 3, 6, 7)),
        macs=2 * 3 * 5 * 6 * 7,
        parameters=0,
    ),
    Case(
        "einsum bij,bkj->bik",
        lambda: Function(lambda x, y: torch.einsum("bij,bkj->bik", x, y)),
        ((2, 5, 6), (2, 7, 6)),
        macs=2 * 5 * 7 * 6,
        parameters=0,
    ),
    Case(
        "einsum ntd,de->nte",
        lambda: Function(lambda weight, x: torch.einsum("ntd,de->nte", x, weight), (20, 30)),
        ((2, 7, 20),),
        macs=2 * 7 * 20 * 30,
        parameters=20 * 30,
    ),
    Case("layer called twice", Twice, ((1, 20),), macs=2 * 20 * 20, parameters=20 * 20 + 20, additions=2 * 20),
    Case("tied weights", Tied, (((1, 9), "int64"),), macs=9 * 16 * 50, parameters=50 * 16),
    Case("embedding", lambda: nn.Embedding(50, 16), (((1, 9), "int64"),), macs=0, parameters=50 * 16),
)

ATTENTION = (
    Case(
        "scaled dot-product attention",
        lambda: Function(F.scaled_dot_product_attention),
        ((1, 4, 10, 8),) * 3,
        macs=4 * (10 * 10 * 8 + 10 * 10 * 8),
        parameters=0,
    ),
    Case(
        "scaled dot-product attention, 6 queries, 10 keys, wider values",
        lambda: Function(F.scaled_dot_product_attention),
        ((1, 4, 6, 8), (1, 4, 10, 8), (1, 4, 10, 12)),
        macs=4 * (6 * 10 * 8 + 6 * 10 * 12),
        parameters=0,
    ),
    Case(
        "attention by hand",
        lambda: Function(_by_hand),
        ((1, 4, 10, 8),) * 3,
        macs=4 * (10 * 10 * 8 + 10 * 10 * 8),
        parameters=0,
    ),
    Case(
        "multi-head attention",
        lambda: Attending(need_weights=False),
        ((1, 10, 16),),
        macs=3 * 10 * 16 * 16 + 4 * (10 * 10 * 4 + 10 * 10 * 4) + 10 * 16 * 16,
        parameters=3 * (16 * 16 + 16) + 16 * 16 + 16,
        additions=3 * 10 * 16 + 10 * 16,
    ),
    Case(
        "multi-head attention that returns its weights",
        lambda: Attending(need_weights=True),
        ((1, 10, 16),),
        macs=3 * 10 * 16 * 16 + 4 * (10 * 10 * 4 + 10 * 10 * 4) + 10 * 16 * 16,
        parameters=3 * (16 * 16 + 16) + 16 * 16 + 16,
        additions=3 * 10 * 16 + 10 * 16,
    ),
    Case(
        "multi-head attention to another sequence, of 24",
        lambda: Attending(need_weights=False, kdim=24, vdim=24, bias=False),
        ((1, 6, 16), (1, 10, 24)),
        macs=6 * 16 * 16 + 2 * 10 * 24 * 16 + 4 * (6 * 10 * 4 + 6 * 10 * 4) + 6 * 16 * 16,
        parameters=16 * 16 + 2 * 24 * 16 + 16 * 16,
    ),
    Case(
        "transformer's encoder layer",
        lambda: nn.TransformerEncoderLayer(16, 4, 32, batch_first=True),
        ((1, 10, 16),),
        macs=4 * 10 * 16 * 16 + 4 * (10 * 10 * 4 + 10 * 10 * 4) + 2 * 10 * 16 * 32,
        parameters=4 * (16 * 16 + 16) + (16 * 32 + 32) + (32 * 16 + 16) + 2 * (16 + 16),
        additions=4 * 10 * 16 + 10 * 32 + 10 * 16,
    ),
)

RECURRENT = (
    Case(
        "LSTM",
        lambda: First(nn.LSTM(20, 32, batch_first=True)),
        ((1, 15, 20),),
        macs=15 * 4 * (20 * 32 + 32 * 32),
        parameters=4 * (20 * 32 + 32 * 32 + 32 + 32),
        additions=15 * 4 * (32 + 32),
    ),
    Case(
        "LSTM, two layers, both directions",
        lambda: First(nn.LSTM(20, 32, num_layers=2, bidirectional=True, batch_first=True, bias=False)),
        ((1, 15, 20),),
        macs=15 * 2 * 4 * (20 * 32 + 32 * 32) + 15 * 2 * 4 * (64 * 32 + 32 * 32),
        parameters=2 * 4 * (20 * 32 + 32 * 32) + 2 * 4 * (64 * 32 + 32 * 32),
    ),
    Case(
        "LSTM with projection",
        lambda: First(nn.LSTM(20, 32, proj_size=10, batch_first=True, bias=False)),
        ((1, 15, 20),),
        macs=15 * (4 * (20 * 32 + 10 * 32) + 32 * 10),
        parameters=4 * (20 * 32 + 10 * 32) + 32 * 10,
    ),
    Case(
        "LSTM, a batch of 3, time first",
        lambda: First(nn.LSTM(20, 32)),
        ((15, 3, 20),),
        macs=3 * 15 * 4 * (20 * 32 + 32 * 32),
        parameters=4 * (20 * 32 + 32 * 32 + 32 + 32),
        additions=3 * 15 * 4 * (32 + 32),
    ),
    Case(
        "GRU",
        lambda: First(nn.GRU(20, 32, batch_first=True)),
        ((1, 15, 20),),
        macs=15 * 3 * (20 * 32 + 32 * 32),
        parameters=3 * (20 * 32 + 32 * 32 + 32 + 32),
        additions=15 * 3 * (32 + 32),
    ),
    Case(
        "simple recurrent layer",
        lambda: First(nn.RNN(20, 32, batch_first=True)),
        ((1, 15, 20),),
        macs=15 * (20 * 32 + 32 * 32),
        parameters=20 * 32 + 32 * 32 + 32 + 32,
        additions=15 * (32 + 32),
    ),
    Case(
        "LSTM cell",
        lambda: Stepping(nn.LSTMCell(20, 32)),
        ((1, 15, 20),),
        macs=15 * 4 * (20 * 32 + 32 * 32),
        parameters=4 * (20 * 32 + 32 * 32 + 32 + 32),
        additions=15 * 4 * (32 + 32),
    ),
    Case(
        "GRU cell",
        lambda: Stepping(nn.GRUCell(20, 32)),
        ((1, 15, 20),),
        macs=15 * 3 * (20 * 32 + 32 * 32),
        parameters=3 * (20 * 32 + 32 * 32 + 32 + 32),
        additions=15 * 3 * (32 + 32),
    ),
)

CASES = CONVOLUTIONS + PRODUCTS + ATTENTION + RECURRENT


def keras_cases() -> tuple[Case, ...]:
    """Return the like in Keras, whose tensors have channels last, and whose GRU has two biases but LSTM has one."""
    from keras import Input, Model, Sequential, layers  # noqa: PLC0415 - slow to import, and seldom needed

    def sequence(*inside: Any, shape: tuple[int, ...]) -> Callable[[], Any]:
        return lambda: Sequential([Input(shape), *(make() for make in inside)])

    def attending() -> Any:
        x = Input((10, 16))
        return Model(x, layers.MultiHeadAttention(4, 4)(x, x))

    def called_twice() -> Any:
        x, layer = Input((20,)), layers.Dense(20)
        return Model(x, layer(layers.ReLU()(layer(x))))

    return (
        Case(
            "Keras: convolution, stride 2, same",
            sequence(lambda: layers.Conv2D(8, 3, 2, padding="same", activation="relu"), shape=(15, 16, 3)),
            ((1, 15, 16, 3),),
            macs=8 * 8 * 8 * 3 * 3 * 3,
            parameters=8 * 3 * 3 * 3 + 8,
            additions=8 * 8 * 8,
        ),
        Case(
            "Keras: depthwise convolution, multiplier 2",
            sequence(lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False), shape=(10, 10, 8)),
            ((1, 10, 10, 8),),
            macs=16 * 8 * 8 * 3 * 3,
            parameters=16 * 3 * 3,
        ),
        Case(
            "Keras: separable convolution",
            sequence(lambda: layers.SeparableConv2D(12, 3, padding="same"), shape=(10, 10, 8)),
            ((1, 10, 10, 8),),
            macs=8 * 10 * 10 * 3 * 3 + 12 * 10 * 10 * 8,
            parameters=8 * 3 * 3 + 12 * 8 + 12,
            additions=12 * 10 * 10,  # the depthwise half has no bias
        ),
        Case(
            "Keras: transposed convolution, stride 2, same",
            sequence(lambda: layers.Conv2DTranspose(6, 3, 2, padding="same"), shape=(8, 8, 4)),
            ((1, 8, 8, 4),),
            macs=4 * 8 * 8 * 6 * 3 * 3,
            parameters=4 * 6 * 3 * 3 + 6,
            additions=6 * 16 * 16,
        ),
        Case(
            "Keras: dense layer on (T, d)",
            sequence(lambda: layers.Dense(30), shape=(7, 20)),
            ((1, 7, 20),),
            macs=7 * 20 * 30,
            parameters=20 * 30 + 30,
            additions=7 * 30,
        ),
        Case(
            "Keras: layer called twice",
            called_twice,
            ((1, 20),),
            macs=2 * 20 * 20,
            parameters=20 * 20 + 20,
            additions=2 * 20,
        ),
        Case(
            "Keras: multi-head attention",
            attending,
            ((1, 10, 16),),
            macs=3 * 10 * 16 * 16 + 4 * (10 * 10 * 4 + 10 * 10 * 4) + 10 * 16 * 16,
            parameters=3 * (16 * 16 + 16) + 16 * 16 + 16,
            additions=3 * 10 * 16 + 10 * 16,
        ),
        Case(
            "Keras: LSTM",
            sequence(lambda: layers.LSTM(32), shape=(15, 20)),
            ((1, 15, 20),),
            macs=15 * 4 * (20 * 32 + 32 * 32),
            parameters=4 * (20 * 32 + 32 * 32 + 32),
            additions=15 * 4 * 32,
        ),
        Case(
            "Keras: simple recurrent layer",
            sequence(lambda: layers.SimpleRNN(32), shape=(15, 20)),
            ((1, 15, 20),),
            macs=15 * (20 * 32 + 32 * 32),
            parameters=20 * 32 + 32 * 32 + 32,
            additions=15 * 32,
        ),
        Case(
            "Keras: LSTM with ReLU, which Keras runs by its cell, both directions",
            sequence(lambda: layers.Bidirectional(layers.LSTM(32, activation="relu")), shape=(15, 20)),
            ((1, 15, 20),),
            macs=2 * 15 * 4 * (20 * 32 + 32 * 32),
            parameters=2 * 4 * (20 * 32 + 32 * 32 + 32),
            additions=2 * 15 * 4 * 32,
        ),
        Case(
            "Keras: normalisation of data",
            sequence(layers.Normalization, lambda: layers.Dense(4), shape=(9,)),
            ((1, 9),),
            macs=9 * 4,
            parameters=9 * 4 + 4,
            additions=4,
        ),
        Case(
            "Keras: GRU, both directions",
            sequence(lambda: layers.Bidirectional(layers.GRU(32)), shape=(15, 20)),
            ((1, 15, 20),),
            macs=2 * 15 * 3 * (20 * 32 + 32 * 32),
            parameters=2 * 3 * (20 * 32 + 32 * 32 + 32 + 32),
            additions=2 * 15 * 3 * (32 + 32),
        ),
        Case(
            "Keras: embedding and dense layer",
            sequence(lambda: layers.Embedding(50, 16), lambda: layers.Dense(4), shape=(9,)),
            ((1, 9),),
            macs=9 * 16 * 4,
            parameters=50 * 16 + 16 * 4 + 4,
            additions=9 * 4,
        ),
    )
