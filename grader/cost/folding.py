"""Which batch normalisations are folded into the layer before, and what weights take in each precision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from grader.cost.network import Network, Unit, Weight
from grader.cost.operations import Convolution, Matrices

#: Bytes of one weight. Vectors (biases, scales) are kept as 32-bit integers or floats beside 8-bit weights.
WEIGHT_BYTES: Mapping[str, int] = {"float32": 4, "float16": 2, "int8": 1}
_VECTOR_BYTES: Mapping[str, int] = {"float32": 4, "float16": 2, "int8": 4}
PRECISIONS = tuple(WEIGHT_BYTES)


def folded_into(network: Network) -> dict[int, int]:
    """Return the units of batch normalisation that vanish when the network is deployed, each with the unit before.

    That is so where a convolution or a dense layer's only consumer is the normalisation of its output channels by
    running statistics: its scale goes into the weights, its shift into the bias (Jacob et al. 2018, arXiv:1712.05877,
    section 3.2).
    """
    maker: dict[int, int] = {}
    shared = Counter(weight for unit in network.units for weight in unit.weights)
    alone = network.read_alone()
    found = {}
    for index, unit in enumerate(network.units):
        if unit.kind.startswith("BatchNorm") and len(unit.given) == 1:
            buffer = unit.given[0].buffer
            before = maker.get(buffer)
            if before is None or (index, buffer) not in alone or not _takes_in(network, before, unit):
                continue
            if all(shared[one] == 1 for one in (*unit.weights, *network.units[before].weights)):
                found[index] = before
        maker.update((buffer, index) for buffer in unit.written)
    return found


def _takes_in(network: Network, before: int, norm: Unit) -> bool:
    """Return whether a unit is one product by weights, nothing after it but a bias, whose channels ``norm`` scales.

    In torch those of a normalisation are axis 1; of a dense layer they are the last one, and the first of a convolution
    of one example alone, without the axis of a batch. Elsewhere each unit tells. The last product of a separable
    convolution is the one by its channels.
    """
    unit = network.units[before]
    others = [one for one in unit.operations if one not in unit.products]
    plain = all(getattr(one, "name", "") == "bias" for one in others)
    weighted = any(not network.weights[one].is_vector for one in unit.weights)
    tracked = any(network.weights[one].is_statistic for one in norm.weights)
    single = len(unit.products) == 1 or unit.kind.startswith("SeparableConv")
    alone = len({one.buffer for one in unit.given}) == 1
    if not (plain and weighted and tracked and single and alone and unit.made[0] == norm.given[0]):
        return False
    product, axes = next(reversed(unit.products), None), len(norm.given[0].shape)
    if network.framework != "torch":
        return isinstance(product, Convolution | Matrices) and unit.axis == norm.axis
    if isinstance(product, Convolution):
        return axes == len(product.weight)
    return isinstance(product, Matrices) and axes == 2 and unit.axis == -1


def folded_parameters(network: Network) -> int:
    """Return the number of parameters after folding: what a deployed network holds, running means and all."""
    vanished, biases = _folded(network)
    return sum(one.size for index, one in enumerate(network.weights) if index not in vanished) + biases


def weight_bytes(network: Network, precision: str, layers: Mapping[str, str] | None = None) -> int:
    """Return the bytes of the weights as deployed: batch normalisation folded, tied weights and constants once.

    ``precision`` is one of :data:`PRECISIONS`; at ``int8`` vectors, such as biases, take 32 bits. ``layers`` gives
    other precisions to layers by name, for a network of mixed precision. Raises KeyError for an unknown precision.
    """
    constants = (network.buffers[buffer] for buffer in network.constants())
    held = sum(one.elements * WEIGHT_BYTES[precision] for one in constants if one.dtype.startswith("float"))
    return held + sum(bytes_by_unit(network, precision, layers or {}))


def bytes_by_unit(network: Network, precision: str, layers: Mapping[str, str]) -> list[int]:
    """Return the bytes of the weights of each unit, as deployed; what an earlier unit uses as well counts there.

    Weights that no unit uses are left out of all but the first, which holds them.
    """
    folded = folded_into(network)
    found, counted = [], set[int]()
    used = {index for unit in network.units for index in unit.weights}
    idle = [index for index in range(len(network.weights)) if index not in used]
    for index, unit in enumerate(network.units):
        chosen = layers.get(unit.name, precision)
        own = [*([] if index else idle), *unit.weights]
        new = [one for one in dict.fromkeys(own) if one not in counted and index not in folded]
        counted.update(new)
        found.append(sum(_bytes(network.weights[one], chosen) for one in new))
    for index, before in folded.items():
        chosen = layers.get(network.units[before].name, precision)
        found[before] += _new_bias(network, index, before) * _VECTOR_BYTES[chosen]
    return found


def _bytes(one: Weight, precision: str) -> int:
    each = (_VECTOR_BYTES if one.is_vector else WEIGHT_BYTES)[precision]
    return one.size * each * (2 if one.dtype.startswith("complex") else 1)


def _folded(network: Network) -> tuple[frozenset[int], int]:
    """Return the weights that vanish by folding, and how many biases come in their place."""
    folded = folded_into(network)
    vanished = frozenset(index for unit in folded for index in network.units[unit].weights)
    return vanished, sum(_new_bias(network, index, before) for index, before in folded.items())


def _new_bias(network: Network, index: int, before: int) -> int:
    """Return how many biases the layer before gets, which are none where it has them already."""
    own = (network.weights[one] for one in network.units[before].weights)
    has_bias = any(one.is_vector for one in own)
    sizes = [network.weights[one].size for one in network.units[index].weights]
    channels = max(sizes, default=network.units[index].made[0].shape[1] if network.units[index].made else 0)
    return 0 if has_bias else channels
