"""Random small networks, counted by brute force: every product in its own turn of a loop, every tensor by hand.

``python -m tests.fuzz.networks --networks 10000`` compares so many with ``grader.cost`` and prints what differs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from grader.cost import analyse


@dataclass(frozen=True)
class Counted:
    """What one run of a network takes."""

    parameters: int
    macs: int
    int8_bytes: int
    peak_elements: int


@dataclass(frozen=True)
class Chain:
    """A network that is a chain of layers, and the shape of its input."""

    layers: tuple[tuple[str, tuple[int, ...]], ...]
    shape: tuple[int, ...]

    def build(self) -> nn.Sequential:
        """Return the network in torch."""
        return nn.Sequential(*(_MAKERS[kind](*settings) for kind, settings in self.layers))


def _conv(inputs: int, outputs: int, kernel: int, stride: int, padding: int, groups: int, bias: int) -> nn.Module:
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=bool(bias))


def _transposed(inputs: int, outputs: int, kernel: int, stride: int, bias: int) -> nn.Module:
    return nn.ConvTranspose2d(inputs, outputs, kernel, stride, bias=bool(bias))


_MAKERS: dict[str, Callable[..., nn.Module]] = {
    "conv": _conv,
    "transposed": _transposed,
    "pool": nn.MaxPool2d,
    "relu": nn.ReLU,
    "dropout": nn.Dropout,
    "flatten": nn.Flatten,
    "linear": lambda inputs, outputs, bias: nn.Linear(inputs, outputs, bias=bool(bias)),
}


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    """Draw a network: convolutions of all kinds on small images, then dense layers."""
    channels, height, width = draw(st.integers(1, 4)), draw(st.integers(3, 7)), draw(st.integers(3, 7))
    shape = (1, channels, height, width)
    layers: list[tuple[str, tuple[int, ...]]] = []
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["conv", "conv", "transposed", "pool", "relu", "dropout"]))
        if kind == "conv":
            groups = draw(st.sampled_from([one for one in (1, 2, channels) if channels % one == 0]))
            outputs, padding = groups * draw(st.integers(1, 3)), draw(st.integers(0, 1))
            kernel = draw(st.integers(1, min(3, height + 2 * padding, width + 2 * padding)))
            stride, bias = draw(st.integers(1, 2)), draw(st.integers(0, 1))
            layers.append((kind, (channels, outputs, kernel, stride, padding, groups, bias)))
            channels = outputs
            height, width = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
        elif kind == "transposed":
            outputs, kernel, stride = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
            layers.append((kind, (channels, outputs, kernel, stride, draw(st.integers(0, 1)))))
            channels = outputs
            height, width = ((side - 1) * stride + kernel for side in (height, width))
        elif kind == "pool":
            if min(height, width) >= 2:
                layers.append((kind, (2,)))
                height, width = height // 2, width // 2
        else:
            layers.append((kind, ()))
    features = channels * height * width
    layers.append(("flatten", ()))
    for _ in range(draw(st.integers(0, 2))):
        outputs = draw(st.integers(1, 6))
        layers.append(("linear", (features, outputs, draw(st.integers(0, 1)))))
        features = outputs
        if draw(st.booleans()):
            layers.append(("relu", ()))
    return Chain(tuple(layers), shape)


def brute_force(chain: Chain) -> Counted:
    """Count a network by loops. Memory: a layer's input and output at once, ReLU, dropout and flatten in place."""
    parameters = macs = int8_bytes = 0
    _, channels, height, width = chain.shape
    held = channels * height * width
    peak = held
    for kind, settings_ in chain.layers:
        weights, biases = 0, 0
        if kind == "conv":
            _, outputs, kernel, stride, padding, groups, bias = settings_
            rows = range(-padding, height + padding - kernel + 1, stride)
            columns = range(-padding, width + padding - kernel + 1, stride)
            window = list(product(range(channels // groups), range(kernel), range(kernel)))
            macs += sum(1 for _ in product(range(outputs), rows, columns, window))
            weights, biases = outputs * len(window), bias * outputs
            channels, height, width = outputs, len(rows), len(columns)
        elif kind == "transposed":
            _, outputs, kernel, stride, bias = settings_
            spread = list(product(range(outputs), range(kernel), range(kernel)))
            macs += sum(1 for _ in product(range(channels), range(height), range(width), spread))
            weights, biases = channels * len(spread), bias * outputs
            reached = {top * stride + one for top in range(height) for one in range(kernel)} | {0}
            reached_wide = {left * stride + one for left in range(width) for one in range(kernel)} | {0}
            channels, height, width = outputs, max(reached) + 1, max(reached_wide) + 1
        elif kind == "pool":
            height, width = height // 2, width // 2
        elif kind == "linear":
            inputs, outputs, bias = settings_
            macs += sum(1 for _ in product(range(inputs), range(outputs)))
            weights, biases = inputs * outputs, bias * outputs
            channels, height, width = outputs, 1, 1
        made = channels * height * width
        if kind in {"conv", "transposed", "pool", "linear"}:
            peak = max(peak, held + made)
        held = made
        parameters += weights + biases
        int8_bytes += weights + 4 * biases
    return Counted(parameters, macs, int8_bytes, peak)


def ours(chain: Chain) -> Counted:
    """Count a network with ``grader.cost``."""
    cost = analyse(chain.build, [chain.shape], "float32")
    peak = cost.activation_bytes.liveness // 4
    return Counted(cost.parameters, cost.macs, cost.weight_bytes["int8"], peak)


def output_matches(chain: Chain) -> bool:
    """Return whether the last shape in the trace is that which torch computes."""
    cost = analyse(chain.build, [chain.shape])
    with torch.no_grad():
        return tuple(chain.build().eval()(torch.zeros(chain.shape)).shape) == cost.layers[-1].output[0]


def compare(count: int) -> Iterator[tuple[Chain, Counted, Counted]]:
    """Yield the networks of ``count`` random ones for which the two countings differ."""
    found: list[tuple[Chain, Counted, Counted]] = []

    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(chains())
    def look(chain: Chain) -> None:
        mine, other = ours(chain), brute_force(chain)
        if mine != other:
            found.append((chain, mine, other))

    look()
    yield from found


def main(arguments: Sequence[str]) -> int:
    """Compare as many networks as asked for; the exit status is 1 where any differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=1000)
    count = parser.parse_args(arguments).networks
    differing = list(compare(count))
    for chain, mine, other in differing[:10]:
        print(chain, "ours", mine, "brute force", other, sep="\n  ")  # noqa: T201 - what it is for
    print(f"{count} networks, {len(differing)} counted differently")  # noqa: T201
    return int(bool(differing))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
