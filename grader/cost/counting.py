"""How tools and vendors count: the same network in named conventions, so that a figure of another can be recognised.

``flops``
    Two operations for each MAC.
``with_bias``
    MACs, and one for each bias that is added to an element of an output.
``torchinfo``
    torchinfo's mult-adds: of a convolution, weights *and* biases times positions of the output; of any other layer,
    its weights once for each example; of functions nothing. (Read off version 1.8; it has no notion of time steps.)
``st``
    MACC, as ST's tools report them: MACs, once the output channels of a layer with bias, and a price for each element
    of what is no product (STM32Cube.AI's table of layers): activation by ReLU 1, sigmoid 10, softmax 15, sum and
    product of tensors 1, pooling its window, global pooling one for each element that goes in. Batch normalisation and,
    in integers, ReLU cost nothing where they are folded into the layer before.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from types import MappingProxyType

from grader.cost.folding import folded_into
from grader.cost.network import Network, Unit, Weight
from grader.cost.operations import Convolution, Matrices, Operation, Pointwise, Pool, Recurrent, Reduction

_ST_PRICES = {"relu": 1, "hardtanh": 1, "clamp": 1, "clamp_min": 1, "leaky_relu": 1, "sigmoid": 10, "softmax": 15}
_ST_FUSED = frozenset({"relu", "hardtanh", "clamp", "clamp_min"})
_ST_SUMS = frozenset({"add", "sub", "mul", "div", "maximum", "minimum"})

#: What each convention is called in a sentence.
TITLES: Mapping[str, str] = MappingProxyType(
    {
        "macs": "multiply-accumulates",
        "flops": "FLOPs: 2 per MAC",
        "with_bias": "multiply-accumulates and the additions of biases",
        "torchinfo": "torchinfo's mult-adds, which count biases for every output",
        "st": "ST's MACC, which count biases and activations as well",
    }
)


def conventions(network: Network, precision: str = "float32") -> dict[str, int]:
    """Return the count of a network in each convention besides plain MACs, by its name."""
    folded = folded_into(network)
    return {
        "flops": 2 * network.macs,
        "st": sum(_st(network, index, folded, precision) for index in range(len(network.units))),
        "torchinfo": sum(_torchinfo(network, unit) for unit in network.units),
        "with_bias": sum(unit.macs + bias_additions(unit) for unit in network.units),
    }


def has_bias(network: Network, unit: Unit) -> bool:
    """Return whether a unit adds a bias to what it multiplies, in the operation or as a weight of its own."""
    return any(getattr(one, "bias", False) for one in unit.operations) or bool(_biases(network, unit))


def _biases(network: Network, unit: Unit) -> list[Weight]:
    """Return the biases among the weights of a unit that multiplies."""
    weights = [network.weights[index] for index in unit.weights]
    return [one for one in weights if one.is_bias] if unit.products else []


def bias_additions(unit: Unit) -> int:
    """Return how many times a bias is added to an element of a product, in the operation or by a sum after it."""
    return sum(_biased(one) for one in unit.operations) if unit.products else 0


def _biased(one: Operation) -> int:
    match one:
        case Convolution(bias=True):
            return prod(one.output)
        case Matrices(bias=True):
            return one.outputs
        case Recurrent():
            return one.steps * one.biases
        case Pointwise(name="bias"):
            return one.elements
    return 0


def _torchinfo(network: Network, unit: Unit) -> int:
    if not unit.name and unit.kind[:1].islower():  # a function
        return 0
    weights = [network.weights[index] for index in unit.weights if not network.weights[index].is_statistic]
    size = sum(one.size for one in weights)
    for one in unit.operations:
        if isinstance(one, Convolution):
            return size * prod((*one.output[:1], *one.output[2:]))
    batch = unit.made[0].shape[0] if unit.made and unit.made[0].shape else 1
    return size * batch


def _st(network: Network, index: int, folded: Mapping[int, int], precision: str) -> int:
    unit = network.units[index]
    if index in folded:
        return 0
    total = unit.macs
    if has_bias(network, unit) or index in folded.values():  # folding makes a bias
        total += sum(_channels(one) for one in unit.products)
    if unit.kind.startswith("BatchNorm"):
        return total + 2 * sum(prod(one.shape) for one in unit.made)
    is_product = bool(unit.products)
    for one in unit.operations:
        if isinstance(one, Pointwise):
            total += _st_pointwise(one, precision, is_product=is_product)
        elif isinstance(one, Pool):
            total += prod(one.kernel) * prod(one.output)
        elif isinstance(one, Reduction):
            total += prod(one.input)
    return total


def _channels(one: Operation) -> int:
    if isinstance(one, Convolution):
        return one.output[1]
    if isinstance(one, Matrices):
        return one.right[-1]
    return one.biases if isinstance(one, Recurrent) else 0


def _st_pointwise(one: Pointwise, precision: str, *, is_product: bool) -> int:
    if one.name in _ST_FUSED and precision == "int8":
        return 0
    if one.name in _ST_SUMS:  # beside a product it is a bias, which was counted
        return 0 if is_product else one.elements
    return _ST_PRICES.get(one.name, 0) * one.elements
