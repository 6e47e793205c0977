"""Draws layers of Keras, of those that courses use and their neighbours, for values of a shape."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import prod
from typing import Any, TypeAlias

from hypothesis import strategies as st

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
from keras import layers, ops

__all__ = ["MAKERS", "Draw", "attending", "batch_norm", "keras", "layers", "ops"]

Draw: TypeAlias = st.DrawFn
Maker: TypeAlias = Callable[[Draw, tuple[int, ...]], Any]

_ACTIVATIONS = ("relu", "sigmoid", "tanh", "softmax", "gelu", "leaky_relu", "elu", "hard_sigmoid", "softplus", "silu")


def _activation(draw: Draw) -> str | None:
    return draw(st.sampled_from([None] * 8 + [*_ACTIVATIONS]))


def _of_axes(name: str, shape: tuple[int, ...]) -> Any:
    return getattr(layers, f"{name}{len(shape) - 2}D")


def _placed(draw: Draw, shape: tuple[int, ...]) -> dict[str, Any]:
    """Draw strides, padding, and where the channels lie."""
    first = draw(st.sampled_from([False, False, False, True]))
    return {
        "strides": draw(st.integers(1, 2)),
        "padding": draw(st.sampled_from(["valid", "same"])),
        "data_format": "channels_first" if first else "channels_last",
    }


def _convolution(draw: Draw, shape: tuple[int, ...]) -> Any:
    settings = _placed(draw, shape) | {"use_bias": draw(st.booleans()), "activation": _activation(draw)}
    kinds = ["Conv", "Conv", "ConvTranspose", *["DepthwiseConv", "SeparableConv"] * (len(shape) < 5)]
    kind = draw(st.sampled_from(kinds))
    kernel = draw(st.integers(1, 3))
    if kind == "ConvTranspose":
        return getattr(layers, f"Conv{len(shape) - 2}DTranspose")(draw(st.integers(1, 4)), kernel, **settings)
    settings["dilation_rate"] = draw(st.integers(1, 2)) if settings["strides"] == 1 else 1
    if kind == "DepthwiseConv":
        return _of_axes(kind, shape)(kernel, depth_multiplier=draw(st.integers(1, 2)), **settings)
    if kind == "SeparableConv":
        return _of_axes(kind, shape)(
            draw(st.integers(1, 4)), kernel, depth_multiplier=draw(st.integers(1, 2)), **settings
        )
    channels = shape[1 if settings["data_format"] == "channels_first" else -1]
    groups = draw(st.sampled_from([one for one in {1, 2, channels} if channels % one == 0]))
    if len(shape) == 3 and settings["data_format"] == "channels_last" and draw(st.integers(0, 3)) == 0:
        settings["padding"] = "causal"
    return _of_axes(kind, shape)(groups * draw(st.integers(1, 2)), kernel, groups=groups, **settings)


def _pool(draw: Draw, shape: tuple[int, ...]) -> Any:
    kind = draw(st.sampled_from(["MaxPooling", "AveragePooling", "GlobalMaxPooling", "GlobalAveragePooling"]))
    settings = _placed(draw, shape)
    if kind.startswith("Global"):
        return _of_axes(kind, shape)(keepdims=draw(st.booleans()), data_format=settings["data_format"])
    return _of_axes(kind, shape)(draw(st.integers(1, 3)), **settings)


def _dense(draw: Draw, _: tuple[int, ...]) -> Any:
    return layers.Dense(draw(st.integers(1, 6)), activation=_activation(draw), use_bias=draw(st.booleans()))


def batch_norm(draw: Draw) -> Any:
    axis = draw(st.sampled_from([-1, -1, -1, 1]))
    return layers.BatchNormalization(axis, center=draw(st.booleans()), scale=draw(st.booleans()))


def _normalised(draw: Draw, shape: tuple[int, ...]) -> Any:
    kind = draw(st.sampled_from(["Batch", "Batch", "Layer", "Group", "Unit", "given"]))
    if kind == "Batch":
        return batch_norm(draw)
    if kind == "Layer":
        return layers.LayerNormalization(center=draw(st.booleans()), scale=draw(st.booleans()))
    if kind == "Group":
        return layers.GroupNormalization(draw(st.sampled_from([1, shape[-1]])))
    return layers.UnitNormalization() if kind == "Unit" else layers.Normalization()


def _elementwise(draw: Draw, shape: tuple[int, ...]) -> Any:
    makers: list[Callable[[], Any]] = [
        layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU, layers.Softmax, layers.Identity,
        lambda: layers.Activation(draw(st.sampled_from(_ACTIVATIONS))), lambda: layers.Dropout(0.5),
        lambda: layers.Rescaling(0.5, 1.0), lambda: layers.GaussianNoise(0.1), lambda: "relu", lambda: "softmax",
    ]  # fmt: skip
    if len(shape) > 2:
        makers.append(lambda: _of_axes("SpatialDropout", shape)(0.5))
    return draw(st.sampled_from(makers))()


def _reshaped(draw: Draw, shape: tuple[int, ...]) -> Any:
    sides = shape[1:]
    makers: list[Callable[[], Any]] = [
        layers.Flatten,
        lambda: layers.Permute(draw(st.permutations(range(1, len(shape))))),
        lambda: layers.Reshape(
            draw(st.sampled_from([(-1,), (1, -1), (*sides[1:], sides[0]), (prod(sides), 1), (1, *sides)]))
        ),
    ]
    if len(shape) == 2:
        makers.append(lambda: layers.RepeatVector(draw(st.integers(1, 3))))
    else:
        makers += [
            lambda: _of_axes("ZeroPadding", shape)(1),
            lambda: _of_axes("Cropping", shape)(((0, 1),) * (len(shape) - 2) if len(shape) > 3 else (0, 1)),
            lambda: _of_axes("UpSampling", shape)(2),
            lambda: "turned",
            lambda: "mean",
        ]
    return draw(st.sampled_from(makers))()


def _recurrent(draw: Draw, shape: tuple[int, ...]) -> Any:
    kind = draw(st.sampled_from([layers.SimpleRNN, layers.GRU, layers.LSTM]))
    settings: dict[str, Any] = {"return_sequences": draw(st.booleans()), "use_bias": draw(st.booleans())}
    if kind is layers.GRU:
        settings["reset_after"] = draw(st.booleans())
    way = draw(st.sampled_from(["plain", "plain", "both", "states"]))
    layer = kind(draw(st.integers(1, 3)), return_state=way == "states", **settings)
    return layers.Bidirectional(layer, merge_mode=draw(st.sampled_from(["concat", "sum"]))) if way == "both" else layer


def attending(draw: Draw, _: tuple[int, ...]) -> Any:
    settings: dict[str, Any] = {"value_dim": draw(st.sampled_from([None, 3])), "use_bias": draw(st.booleans())}
    return layers.MultiHeadAttention(draw(st.integers(1, 2)), draw(st.integers(2, 3)), **settings)


def _over_time(draw: Draw, shape: tuple[int, ...]) -> Any:
    return layers.TimeDistributed(_dense(draw, shape))


_ANY: list[Maker] = [_dense, _elementwise, _normalised, _reshaped]
_MAPS = [_convolution, _convolution, _pool]
MAKERS: dict[int, list[Maker]] = {
    2: _ANY,
    3: [*_ANY, *_MAPS, _recurrent, _recurrent, attending, _over_time],
    4: [*_ANY, *_MAPS],
    5: [*_ANY, *_MAPS],
    6: _ANY[:3],
}
