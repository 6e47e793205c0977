"""The layers of a network in one form, whether they were written as modules or as functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Shape: TypeAlias = tuple[int, ...]

#: Names of functions that are layers, and of their arguments.
_POOL = ("input", "kernel_size", "stride", "padding", "dilation")
_CONVOLUTION = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_FUNCTIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    **{name.lower(): (name, ()) for name in ("ReLU", "ReLU6", "SELU", "GELU", "SiLU", "Sigmoid", "Tanh", "Softplus")},
    **{f"conv{n}d": (f"Conv{n}d", _CONVOLUTION) for n in (1, 2, 3)},
    **{f"max_pool{n}d": (f"MaxPool{n}d", _POOL) for n in (1, 2, 3)},
    **{f"avg_pool{n}d": (f"AvgPool{n}d", _POOL[:4]) for n in (1, 2, 3)},
    **{f"adaptive_avg_pool{n}d": (f"AdaptiveAvgPool{n}d", ("input", "output_size")) for n in (1, 2, 3)},
    "leaky_relu": ("LeakyReLU", ("input", "negative_slope")),
    "elu": ("ELU", ("input", "alpha")),
    "softmax": ("Softmax", ("input", "dim")),
    "log_softmax": ("LogSoftmax", ("input", "dim")),
    "dropout": ("Dropout", ("input", "p", "training")),
    "linear": ("Linear", ("input", "weight", "bias")),
}
ACTIVATIONS = frozenset({"ReLU", "ReLU6", "SELU", "GELU", "SiLU", "Sigmoid", "Tanh", "Softplus", "LeakyReLU", "ELU"})
#: What changes no number, or only where it is kept.
_UNSEEN = frozenset(
    {
        "to",
        "detach",
        "cpu",
        "contiguous",
        "clone",
        "float",
        "double",
        "type",
        "type_as",
        "get",
        "Identity",
        "InputLayer",
    }
)
_RESHAPES = frozenset(
    {"view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "ravel", "view_as", "Flatten", "Unflatten"}
    | {"Reshape"}
)
#: Settings that do not say which layer it is, or that show in what it computes.
_UNTOLD = frozenset(
    {"inplace", "eps", "epsilon", "momentum", "affine", "track_running_stats", "return_indices", "ceil_mode"}
    | {"padding_mode", "output_padding", "data_format", "activation", "seed", "noise_shape", "quantization_config"}
    | {"training", "dtype", "_stacklevel", "synchronized", "renorm", "renorm_clipping", "renorm_momentum", "input"}
    | {"max_value", "threshold", "count_include_pad", "divisor_override", "lora_rank", "lora_alpha"}
)
_USUAL = {"stride": 1, "strides": 1, "padding": 0, "dilation": 1, "dilation_rate": 1, "groups": 1, "bias": True}
_USUAL |= {"use_bias": True}


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: ``settings`` as in torch or Keras, sizes that are the same in all directions as one number.

    ``came`` and ``gave`` are shapes, None where unknown. ``harmless``: it changes nothing when the model is evaluated.
    """

    kind: str
    settings: Mapping[str, Any]
    name: str = ""
    came: Shape | None = None
    gave: Shape | None = None
    harmless: bool = False

    @property
    def label(self) -> str:
        """What a student knows it by."""
        return f"`{self.name}` ({self.kind})" if self.name else self.kind

    def same(self, other: Layer) -> bool:
        """Return whether kind and settings agree."""
        return self.kind == other.kind and self.settings == other.settings

    def __str__(self) -> str:
        told = {key: value for key, value in self.settings.items() if _USUAL.get(key, ...) != value}
        return f"{self.kind}({', '.join(f'{key}={value}' for key, value in told.items())})"


def as_layers(steps: Iterable[Mapping[str, Any]], framework: str) -> tuple[Layer, ...]:
    """Return the layers in ``steps``, as ``networks.describe`` lists them. Raises what a step of another form makes.

    An activation stands before a reshaping, and where the same one was applied already it is harmless.
    """
    found: list[Layer] = []
    for step in steps:
        for layer in _of_step(step, framework):
            _append(found, layer)
    return tuple(found)


def _append(found: list[Layer], layer: Layer) -> None:
    place = len(found)
    if layer.kind in ACTIVATIONS:
        while place and (found[place - 1].harmless or found[place - 1].kind in {"Flatten", "Reshape"}):
            place -= 1
        if layer.kind == "ReLU" and place and found[place - 1].kind == "ReLU":
            layer = Layer(layer.kind, layer.settings, layer.name, layer.came, layer.gave, harmless=True)
    found.insert(place, layer)


def telling(layers: Sequence[Layer]) -> list[Layer]:
    """Return the layers without the harmless ones."""
    return [layer for layer in layers if not layer.harmless]


def _of_step(step: Mapping[str, Any], framework: str) -> Iterator[Layer]:
    inputs = step.get("inputs") or []
    came = _shape(inputs[0]) if inputs else None
    gave = _shape(step["output"]) if step.get("output") is not None else None
    if "call" in step:
        layer = _of_function(str(step["call"]).strip("_"), step, came, gave)
    else:
        layer = _of_module(str(step["kind"]), str(step.get("name", "")), dict(step.get("settings", {})), came, gave)
    if layer is not None:
        yield layer
    activation = step.get("settings", {}).get("activation") if framework == "keras" else None
    if isinstance(activation, str) and activation != "linear":
        kind = _FUNCTIONS.get(activation, (activation, ()))[0]
        yield Layer(kind, _settings(kind, {"dim": -1} if "Softmax" in kind else {}, gave), "", gave, gave)


def _shape(lengths: Any) -> Shape:
    return tuple(int(length) for length in lengths)


def _of_module(kind: str, name: str, settings: dict[str, Any], came: Shape | None, gave: Shape | None) -> Layer | None:
    if kind in _UNSEEN or kind == "Activation":
        return None
    if kind in _RESHAPES:
        return _reshape(name, came, gave)
    if kind == "Softmax" and "axis" in settings:
        settings["dim"] = settings.pop("axis")
    harmless = "Dropout" in kind or kind in {"SpatialDropout2D", "GaussianNoise"}
    return Layer(kind, _settings(kind, settings, came), name, came, gave, harmless)


def _of_function(name: str, step: Mapping[str, Any], came: Shape | None, gave: Shape | None) -> Layer | None:
    if name in _UNSEEN:
        return None
    if name in _RESHAPES:
        return _reshape("", came, gave)
    kind, names = _FUNCTIONS.get(name, (name, ()))
    given = {**dict(zip(names, step["arguments"], strict=False)), **step["keywords"]}
    if name in {"clamp", "clamp_min"} and _bounds(name, step) == (0, None):
        kind, given = "ReLU", {}
    if kind not in dict(_FUNCTIONS.values()):
        given = {}
    weight = given.pop("weight", None)
    if weight is not None:
        given = (
            _sizes(kind, weight["shape"], int(given.get("groups", 1))) | given | {"bias": given.get("bias") is not None}
        )
    harmless = kind == "Dropout" and given.get("training", True) is False
    return Layer(kind, _settings(kind, given, came), "", came, gave, harmless)


def _bounds(name: str, step: Mapping[str, Any]) -> tuple[Any, Any]:
    given = {**dict(zip(("input", "min", "max"), step["arguments"], strict=False)), **step["keywords"]}
    return (given.get("min"), given.get("max") if name == "clamp" else None)


def _sizes(kind: str, shape: Sequence[int], groups: int) -> dict[str, Any]:
    if kind == "Linear":
        return {"in_features": shape[1], "out_features": shape[0]}
    usual = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    return {**usual, "in_channels": shape[1] * groups, "out_channels": shape[0], "kernel_size": list(shape[2:])}


def _reshape(name: str, came: Shape | None, gave: Shape | None) -> Layer | None:
    if came == gave and gave is not None:
        return None
    flat = came is None or gave is None or (len(gave) == 2 and gave[0] == came[0])
    return Layer("Flatten" if flat else "Reshape", {} if flat or not gave else {"shape": gave[1:]}, name, came, gave)


def _settings(kind: str, given: Mapping[str, Any], came: Shape | None) -> dict[str, Any]:
    told = {key: _simple(value) for key, value in given.items() if _is_telling(kind, key)}
    if "Pool" in kind and told.get("stride", 1) is None:
        told["stride"] = told["kernel_size"]
    if "Pool" in kind and "Adaptive" not in kind and "kernel_size" in told:
        told = {"stride": told["kernel_size"], "padding": 0, **({"dilation": 1} if "Max" in kind else {}), **told}
    if isinstance(told.get("padding"), str) and isinstance(told.get("kernel_size"), int) and "Conv" in kind:
        told["padding"] = _padding(told)
    if "dim" in told and came is not None:
        told["dim"] = _axis(told["dim"], len(came))
    return dict(sorted(told.items()))


def _is_telling(kind: str, key: str) -> bool:
    if kind in ACTIVATIONS:
        return key in {"negative_slope", "alpha"} and kind != "ReLU"
    return key not in _UNTOLD and not key.endswith(("_constraint", "_regularizer", "_initializer"))


def _simple(value: Any) -> Any:
    """Return a size that is the same in all directions as one number, others as a tuple."""
    if isinstance(value, list | tuple):
        return value[0] if value and all(one == value[0] for one in value) else tuple(value)
    return value


def _padding(settings: Mapping[str, Any]) -> Any:
    """Return padding in words as a number, where it is the same on both sides."""
    words, reach = settings["padding"], settings.get("dilation", settings.get("dilation_rate", 1))
    if words == "valid":
        return 0
    total = reach * (settings["kernel_size"] - 1) if isinstance(reach, int) else 1
    strided = settings.get("stride", settings.get("strides", 1)) != 1
    return words if total % 2 or strided else total // 2


def _axis(dim: Any, dimensions: int) -> Any:
    """Return an axis counted from the front; where torch is not told one, it takes the first or the second."""
    if dim is None:
        return 0 if dimensions in {0, 1, 3} else 1
    return dim + dimensions if isinstance(dim, int) and dim < 0 else dim
