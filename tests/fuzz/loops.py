"""What layers compute, written from their definitions as loops over single products, which are counted as they happen.

Nothing here knows of ``grader``. That what is counted is the right computation shows in its result: it must be torch's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from torch import nn

from .networks_at_random import is_single, writes

Array: TypeAlias = Any


class Loops:
    """Computes layers and functions, and counts products that are added to a sum, and additions of biases."""

    def __init__(self) -> None:
        self.macs = self.additions = 0

    def call(self, call: nn.Module | str, given: Sequence[Array]) -> Array:
        """Return what a layer of torch, or the function of that name, makes of ``given``."""
        kind = call.rstrip("_") if isinstance(call, str) else re.sub(r"[123]d$", "", type(call).__name__).lower()
        computed = getattr(self, f"_{kind}", None)
        if computed is None:
            made = _ELEMENTWISE[kind](given[0])
        elif isinstance(call, str):
            made = computed(*given)
        elif is_single(call, given[0]):
            made = computed(call, given[0][None])[0]
        else:
            made = computed(call, *given)
        if not writes(call):
            return made
        given[0][...] = made
        return given[0]

    # Products

    def _dot(self, left: Array, right: Array) -> float:
        total = 0.0
        for one, other in zip(left.ravel().tolist(), right.ravel().tolist(), strict=True):
            total += one * other
            self.macs += 1
        return total

    def _biased(self, number: float, bias: Array, index: int) -> float:
        if bias is None:
            return number
        self.additions += 1
        return number + float(bias[index])

    def _conv(self, layer: Any, x: Array) -> Array:
        weight, bias = numbers(layer.weight), numbers(layer.bias)
        x = np.pad(x, [(0, 0), (0, 0), *((side, side) for side in layer.padding)])
        reach = [step * (size - 1) + 1 for step, size in zip(layer.dilation, weight.shape[2:], strict=True)]
        starts = [
            range(0, side - over + 1, step) for side, over, step in zip(x.shape[2:], reach, layer.stride, strict=True)
        ]
        made = np.empty((len(x), len(weight), *map(len, starts)))
        inputs, outputs = weight.shape[1], len(weight) // layer.groups
        for image, channel, *place in np.ndindex(*made.shape):
            first = channel // outputs * inputs
            corner = [start[at] for start, at in zip(starts, place, strict=True)]
            window = [slice(at, at + over, step) for at, over, step in zip(corner, reach, layer.dilation, strict=True)]
            product = self._dot(x[(image, slice(first, first + inputs), *window)], weight[channel])
            made[(image, channel, *place)] = self._biased(product, bias, channel)
        return made

    def _convtranspose(self, layer: Any, x: Array) -> Array:
        weight, bias = numbers(layer.weight), numbers(layer.bias)
        inputs, outputs = x.shape[1] // layer.groups, weight.shape[1]
        spread = [step * (size - 1) + 1 for step, size in zip(layer.dilation, weight.shape[2:], strict=True)]
        sides = [
            (side - 1) * step + over + more
            for side, step, over, more in zip(x.shape[2:], layer.stride, spread, layer.output_padding, strict=True)
        ]
        made = np.zeros((len(x), layer.groups * outputs, *sides))
        for image, channel, *place in np.ndindex(*x.shape):
            for out, *tap in np.ndindex(*weight.shape[1:]):
                at = [p * s + t * d for p, s, t, d in zip(place, layer.stride, tap, layer.dilation, strict=True)]
                product = x[(image, channel, *place)] * weight[(channel, out, *tap)]
                made[(image, channel // inputs * outputs + out, *at)] += product
                self.macs += 1
        cut = [slice(off, side - off) for off, side in zip(layer.padding, sides, strict=True)]
        made = made[(slice(None), slice(None), *cut)]
        for index in np.ndindex(*made.shape):
            made[index] = self._biased(float(made[index]), bias, index[1])
        return made

    def _dense(self, x: Array, weight: Array, bias: Array) -> Array:
        made = np.empty((*x.shape[:-1], len(weight)))
        for *row, out in np.ndindex(*made.shape):
            made[(*row, out)] = self._biased(self._dot(x[tuple(row)], weight[out]), bias, out)
        return made

    def _linear(self, layer: Any, x: Array) -> Array:
        return self._dense(x, numbers(layer.weight), numbers(layer.bias))

    def _matmul(self, x: Array, y: Array) -> Array:
        """Products of the rows of ``x`` and those of ``y``."""
        made = np.empty((*x.shape[:-1], y.shape[-2]))
        for *stack, row, column in np.ndindex(*made.shape):
            made[(*stack, row, column)] = self._dot(x[(*stack, row)], y[(*stack, column)])
        return made

    def _attention(self, query: Array, key: Array, value: Array) -> Array:
        weights = _softmax(self._matmul(query, key) / np.sqrt(query.shape[-1]))
        return self._matmul(weights, value.swapaxes(-1, -2))

    def _multiheadattention(self, layer: Any, x: Array) -> Array:
        weight, bias = numbers(layer.in_proj_weight), numbers(layer.in_proj_bias)
        width, heads = layer.embed_dim, layer.num_heads
        made = []
        for part in range(3):
            own = slice(part * width, (part + 1) * width)
            whole = self._dense(x, weight[own], None if bias is None else bias[own])
            made.append(whole.reshape(*x.shape[:2], heads, width // heads).swapaxes(1, 2))
        attended = self._attention(*made).swapaxes(1, 2).reshape(x.shape)
        return self._linear(layer.out_proj, attended)

    def _recurrent(self, layer: Any, x: Array, step: Any) -> Array:
        for depth in range(layer.num_layers):
            ways = []
            for end in ("", "_reverse")[: 1 + layer.bidirectional]:
                kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
                own = [numbers(getattr(layer, f"{kind}_l{depth}{end}", None)) for kind in kinds]
                state = cell = np.zeros((len(x), layer.hidden_size))
                found = [state] * x.shape[1]
                times = range(x.shape[1])
                for time in reversed(times) if end else times:
                    inner = self._dense(x[:, time], own[0], own[2]), self._dense(state, own[1], own[3])
                    state, cell = step(*inner, state, cell)
                    found[time] = state
                ways.append(np.stack(found, 1))
            x = np.concatenate(ways, -1)
        return x

    def _rnn(self, layer: Any, x: Array) -> Array:
        return self._recurrent(layer, x, lambda of_x, of_state, _, cell: (np.tanh(of_x + of_state), cell))

    def _gru(self, layer: Any, x: Array) -> Array:
        def step(of_x: Array, of_state: Array, state: Array, cell: Array) -> tuple[Array, Array]:
            (reset, update, new), (reset_, update_, new_) = (np.split(one, 3, -1) for one in (of_x, of_state))
            update = _sigmoid(update + update_)
            return (1 - update) * np.tanh(new + _sigmoid(reset + reset_) * new_) + update * state, cell

        return self._recurrent(layer, x, step)

    def _lstm(self, layer: Any, x: Array) -> Array:
        def step(of_x: Array, of_state: Array, _: Array, cell: Array) -> tuple[Array, Array]:
            enter, forget, new, leave = np.split(of_x + of_state, 4, -1)
            cell = _sigmoid(forget) * cell + _sigmoid(enter) * np.tanh(new)
            return _sigmoid(leave) * np.tanh(cell), cell

        return self._recurrent(layer, x, step)

    # What has no products

    def _maxpool(self, layer: Any, x: Array) -> Array:
        return _pooled(layer, x, np.max, -np.inf)

    def _avgpool(self, layer: Any, x: Array) -> Array:
        return _pooled(layer, x, np.mean, 0.0)

    def _batchnorm(self, layer: Any, x: Array) -> Array:
        found = (layer.running_mean, layer.running_var, layer.weight, layer.bias)
        mean, variance, scale, shift = (numbers(one).reshape(-1, *[1] * (x.ndim - 2)) for one in found)
        return (x - mean) / np.sqrt(variance + layer.eps) * scale + shift

    def _layernorm(self, layer: Any, x: Array) -> Array:
        return _standardised(x, layer.eps) * numbers(layer.weight) + numbers(layer.bias)

    def _groupnorm(self, layer: Any, x: Array) -> Array:
        rows = _standardised(x.reshape(len(x), layer.num_groups, -1), layer.eps).reshape(x.shape)
        scale, shift = (numbers(one).reshape(-1, *[1] * (x.ndim - 2)) for one in (layer.weight, layer.bias))
        return rows * scale + shift

    def _add(self, x: Array, y: Array) -> Array:
        return x + y

    def _mul(self, x: Array, y: Array) -> Array:
        return x * y

    def _cat(self, x: Array, y: Array) -> Array:
        return np.concatenate([x, y], 1)

    _cat_out = _cat

    def _assign(self, x: Array, y: Array) -> Array:
        return np.concatenate([y[:, -1:], x[:, 1:]], 1)


def numbers(tensor: Any) -> Array:
    """Return the numbers of a tensor; None where there is none."""
    return None if tensor is None else tensor.detach().numpy()


def _sigmoid(x: Array) -> Array:
    return (1 + np.tanh(x / 2)) / 2  # which never overflows


def _softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def _standardised(x: Array, eps: float) -> Array:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)


def _pooled(layer: Any, x: Array, pick: Any, outside: float) -> Array:
    def each(value: Any) -> list[int]:
        return list(value) if isinstance(value, tuple) else [value] * (x.ndim - 2)

    kernel, strides, padding = each(layer.kernel_size), each(layer.stride), each(layer.padding)
    x = np.pad(x, [(0, 0), (0, 0), *((side, side) for side in padding)], constant_values=outside)
    starts = [range(0, side - k + 1, s) for side, k, s in zip(x.shape[2:], kernel, strides, strict=True)]
    made = np.empty((*x.shape[:2], *map(len, starts)))
    for image, channel, *place in np.ndindex(*made.shape):
        corner = [start[at] for start, at in zip(starts, place, strict=True)]
        window = [slice(at, at + k) for at, k in zip(corner, kernel, strict=True)]
        made[(image, channel, *place)] = pick(x[(image, channel, *window)])
    return made


_ELEMENTWISE: dict[str, Callable[[Array], Array]] = {
    "relu": lambda x: np.maximum(x, 0),
    "leakyrelu": lambda x: np.where(x > 0, x, 0.01 * x),
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "silu": lambda x: x * _sigmoid(x),
    "softmax": _softmax,
    "dropout": lambda x: x,
    "identity": lambda x: x,
    "flatten": lambda x: x.reshape(len(x), -1),
    "swap": lambda x: x.swapaxes(1, 2),
    "mean": lambda x: x.mean(1),
    "pad": lambda x: np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, 1)]),
    "double": lambda x: 2 * x,
}
