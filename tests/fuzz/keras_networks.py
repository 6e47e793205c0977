"""Random small Keras models, counted from the shapes of their weights and values, and in every order of their steps.

``python -m tests.fuzz.keras_networks --networks 3000`` compares so many with ``grader.cost``; where one differs, it
shows the smallest that does. That a batch normalisation can be folded is tried with numbers.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from torch import Tensor

from grader.cost import analyse

from .comparing import Counted, assert_alike, compare, counted, name_of, run
from .keras_at_random import Drawn, Step, networks
from .keras_layers import keras, layers
from .orders import Node, least_of_graph

_CONVOLUTIONS = tuple(
    getattr(layers, name)
    for name in (
        "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose",
        "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D",
    )
)  # fmt: skip
_PRODUCTS: Any = (layers.Dense, *_CONVOLUTIONS)
_OVER = (
    layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU, layers.Activation, layers.BatchNormalization,
    layers.Rescaling, layers.Normalization,
)  # fmt: skip
_VIEWS = (
    layers.Flatten, layers.Reshape, layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D,
    layers.SpatialDropout3D, layers.GaussianNoise, layers.Identity,
)  # fmt: skip


def ours(network: Drawn) -> Counted:
    """Count a model with ``grader.cost``, as one that is there and as one that is made without weights."""
    model = network.model()
    inputs = [(tuple(one.shape), str(one.dtype).removeprefix("torch.")) for one in network.inputs]
    cost = analyse(model, inputs)
    if network.style != "subclassed":
        made = counted(analyse(lambda: keras.models.clone_model(model), inputs))
        assert made == counted(cost), f"{network!r}\n  with weights    {counted(cost)}\n  without weights {made}"
    return counted(cost)


def brute_force(network: Drawn) -> Counted:
    """Count a model from what Keras says of its layers and values."""
    products = [_products(step.call, *_seen(network, step)) for step in network.steps]
    macs, additions = (sum(column) for column in zip(*products, strict=True))
    own = list(dict.fromkeys(step.call for step in network.steps if not isinstance(step.call, str)))
    folded = _folded(network)
    statistics = sum(prod(one.shape) for layer in own for one in _statistics(layer))
    parameters = sum(layer.count_params() for layer in own) - statistics
    peaks = tuple(_peak(network, folded, size) for size in (4, 1))
    return Counted(parameters, macs, macs + additions, _bytes(network, own, folded), peaks)


def _seen(network: Drawn, step: Step) -> tuple[list[Tensor], list[Tensor]]:
    return [network.values[one] for one in step.reads], [network.values[one] for one in step.makes]


# Products


def _products(call: Any, given: Sequence[Tensor], made: Sequence[Tensor]) -> tuple[int, int]:
    """Return the multiply-accumulates of a step, and how often it adds a bias."""
    x, y = given[0], made[0]
    if call == "matmul":
        return y.numel() * x.shape[-1], 0
    if isinstance(call, (layers.RNN, layers.Bidirectional)):
        return _recurrent(call, x.shape[0] * x.shape[1])
    if isinstance(call, layers.MultiHeadAttention):
        return _attention(call, x, given[-1])
    call = call.layer if isinstance(call, layers.TimeDistributed) else call
    if not isinstance(call, _PRODUCTS):
        return 0, 0
    return _windows(call, x, y), y.numel() * call.use_bias


def _windows(layer: Any, x: Tensor, y: Tensor) -> int:
    """Return the products of each element of the output with its window; transposed, of each element of the input."""
    name = name_of(layer)
    if name.endswith("Transpose"):  # a kernel of (…, out, in)
        return x.numel() * _size(layer.kernel.shape[:-1])
    if name.startswith("Depthwise"):  # (…, in, multiplier)
        return y.numel() * _size(layer.kernel.shape[:-2])
    if name.startswith("Separable"):  # the depthwise half has as many places
        return (
            y.numel()
            // int(layer.filters)
            * (_size(layer.depthwise_kernel.shape) + _size(layer.pointwise_kernel.shape))
        )
    return y.numel() * _size(layer.kernel.shape[:-1])  # (…, in / groups, out)


def _size(sides: tuple[int, ...]) -> int:
    return prod(sides)


def _recurrent(layer: Any, steps: int) -> tuple[int, int]:
    both = [layer.forward_layer, layer.backward_layer] if isinstance(layer, layers.Bidirectional) else [layer]
    cells = [one.cell for one in both]
    matrices = sum(prod(each.shape) for one in cells for each in (one.kernel, one.recurrent_kernel))
    return steps * matrices, steps * sum(prod(one.bias.shape) for one in cells if one.use_bias)


def _attention(layer: Any, queries: Tensor, keys: Tensor) -> tuple[int, int]:
    macs = additions = 0
    heads, width, depth = layer.num_heads, layer.key_dim, layer.value_dim
    length = keys.shape[1]
    for places, into, out in (
        (queries.shape[:2], queries.shape[-1], heads * width),
        (keys.shape[:2], keys.shape[-1], heads * width),
        (keys.shape[:2], keys.shape[-1], heads * depth),
        (queries.shape[:2], heads * depth, queries.shape[-1]),
    ):
        macs += prod(places) * into * out
        additions += prod(places) * out * layer.get_config()["use_bias"]
    return macs + prod(queries.shape[:2]) * heads * length * (width + depth), additions


# Weights


def _statistics(layer: Any) -> list[Any]:
    """Return what a layer holds that is not trained."""
    if isinstance(layer, layers.Normalization):
        return list(layer.weights)
    return [
        one for one in (getattr(layer, "moving_mean", None), getattr(layer, "moving_variance", None)) if one is not None
    ]


def _folded(network: Drawn) -> dict[int, int]:
    """Return the steps of batch normalisation that vanish in the layer before, each with that layer's step."""
    maker = {one: index for index, step in enumerate(network.steps) for one in step.makes}
    ways = [_way(network, step) for step in network.steps]
    seen = list(range(len(network.values)))
    for step, way in zip(network.steps, ways, strict=True):
        if way == "view":
            seen[step.makes[0]] = seen[step.reads[0]]
    reads = [
        one
        for step, way in zip(network.steps, ways, strict=True)
        if way != "view"
        for one in {seen[x] for x in step.reads}
    ]
    uses = Counter([*reads, *{seen[one] for one in network.outputs}])
    calls = Counter(step.call for step in network.steps)
    found = {}
    for index, step in enumerate(network.steps):
        root = seen[step.reads[0]]
        if not isinstance(step.call, layers.BatchNormalization) or root not in maker or uses[root] > 1:
            continue
        before = network.steps[maker[root]]
        alike = [network.values[one] for one in (before.makes[0], step.reads[0])]
        same = alike[0].shape == alike[1].shape and alike[0].stride() == alike[1].stride()
        if same and calls[step.call] == calls[before.call] == 1 and _takes_in(network, before, step):
            found[index] = maker[root]
    return found


def _takes_in(network: Drawn, before: Step, norm: Step) -> bool:
    """Return whether numbers say that a layer whose weights took in a normalisation does what both did."""
    layer = before.call
    if not isinstance(layer, _PRODUCTS) or layer.activation is not keras.activations.linear:
        return False
    first = getattr(layer, "data_format", "") == "channels_first"
    rank = network.values[before.makes[0]].dim()
    if norm.call.axis % rank != (1 if first else rank - 1):
        return False
    _try_folding(layer, norm.call, network.values[before.reads[0]], 1 if first else rank - 1)
    return True


def _try_folding(layer: Any, norm: Any, x: Tensor, axis: int) -> None:
    """Assert that a layer with the scale of the normalisation in its weights, and the shift, computes the same."""
    draw = np.random.default_rng(1)
    for one in (*layer.weights, *norm.weights):
        one.assign(draw.uniform(0.5, 1.5, one.shape))
    given = draw.uniform(-1, 1, x.shape).astype(np.float32)
    wanted = keras.ops.convert_to_numpy(norm(layer(given), training=False))
    zeros, ones = (np.full(norm.moving_mean.shape[0], fill, np.float32) for fill in (0, 1))
    scale = (norm.gamma.numpy() if norm.scale else ones) / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    shift = (norm.beta.numpy() if norm.center else zeros) - norm.moving_mean.numpy() * scale
    if layer.use_bias:
        shift = shift + layer.bias.numpy() * scale
        layer.bias.assign(zeros)
    kernel = layer.pointwise_kernel if name_of(layer).startswith("Separable") else layer.kernel
    spread = scale
    if name_of(layer).startswith("Depthwise"):
        spread = scale.reshape(kernel.shape[-2:])
    elif name_of(layer).endswith("Transpose"):
        spread = scale[:, None]
    kernel.assign(kernel.numpy() * spread)
    sides = [-1 if one == axis else 1 for one in range(x.dim())]
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(layer(given)) + shift.reshape(sides), wanted, rtol=1e-3, atol=1e-3
    )


def _bytes(network: Drawn, own: Sequence[Any], folded: dict[int, int]) -> tuple[int, ...]:
    """Return the bytes at float32, float16 and int8, where vectors and biases take 32 bits."""
    gone = [network.steps[index].call for index in folded]
    weights = [one for layer in own if layer not in gone for one in layer.weights if "float" in str(one.dtype)]
    sizes = [(prod(one.shape), len(one.shape) == 1 or one.name == "bias") for one in weights]
    for index, before in folded.items():
        if not network.steps[before].call.use_bias:
            sizes.append((network.steps[index].call.moving_mean.shape[0], True))
    total = sum(size for size, _ in sizes)
    return 4 * total, 2 * total, sum(size * (4 if is_vector else 1) for size, is_vector in sizes)


# Memory


def _way(network: Drawn, step: Step) -> str:
    (x, *_), (y, *_) = _seen(network, step)
    if isinstance(step.call, _VIEWS) or _lies(x) == _lies(y):
        return "view"
    soft = isinstance(step.call, layers.Activation) and step.call.activation is keras.activations.softmax
    return "over" if step.call == "relu" or (isinstance(step.call, _OVER) and not soft) else "new"


def _lies(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _peak(network: Drawn, folded: dict[int, int], element_bytes: int) -> int:
    sizes = [one.numel() * (element_bytes if one.is_floating_point() else 4) for one in network.values]
    number = list(range(len(sizes)))
    nodes = []
    for index, step in enumerate(network.steps):
        for one in step.makes[1:]:  # a recurrent layer returns its last state as its output too
            if _lies(network.values[one]) == _lies(network.values[step.makes[0]]):
                number[one], sizes[one] = step.makes[0], 0
        reads, makes = (tuple(dict.fromkeys(number[one] for one in names)) for names in (step.reads, step.makes))
        nodes.append(Node(reads, makes, "view" if index in folded else _way(network, step)))
    return least_of_graph(nodes, sizes, [number[one] for one in network.outputs])


def agree(network: Drawn) -> None:
    """Raise AssertionError where the two countings differ."""
    assert_alike(network, ours(network), brute_force(network))


def _calls(network: Drawn) -> list[str]:
    return [network.style, *(name_of(step.call) for step in network.steps)]


def main(arguments: Sequence[str]) -> int:
    """Compare as many models as asked for; the exit status is 1 where any differs."""
    return run(arguments, __doc__, lambda count: compare(count, networks(), agree, _calls))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
