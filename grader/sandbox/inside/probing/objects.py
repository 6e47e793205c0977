"""Looks at torch's and Keras's objects, which are imported already where there are any: tensors, layers, settings."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

#: Of the vectors in each draw of weights: small ones, so that all layers count, and large ones, so that a bound shows.
SPREADS = (0.5, 3.0, 12.0)
_MAX_TEXT_CHARS = 1000
_CONTAINERS = ("Sequential", "ModuleList", "ModuleDict", "Module", "DataParallel")
_KERAS_CONTAINERS = ("Sequential", "Functional", "Model")


def framework_of(value: Any) -> str:
    """Return ``"keras"``, ``"torch"`` or nothing. With the torch backend a Keras layer is both, and counts as Keras."""
    for name, kind in (("keras", "Layer"), ("torch", "Module")):
        library: Any = sys.modules.get("keras.layers" if name == "keras" else "torch.nn")
        found = getattr(library, kind, None)
        if isinstance(found, type) and isinstance(value, found):
            return name
    return ""


def draw(framework: str, seed: int, spread: float, index: int, facts: dict[str, Any]) -> Any:
    """Return numbers for the weight tensor ``index`` that ``facts`` describe; None where it has no shape.

    They are the same for the same arguments, whatever the model. Matrices and kernels are uniform with variance
    ``2 / fan_in`` (He et al. 2015), which keeps signals of one size through layers with ReLU. Vectors are uniform in
    plus or minus ``spread``. Buffers, which may be variances, and vectors that multiply, as in batch normalisation, are
    uniform in 0.5..1.5.
    """
    shape = facts["shape"]
    if shape is None:
        return None
    numbers = np.random.default_rng([seed, index, int(10 * spread)]).random(tuple(shape))
    if facts["buffer"] or (len(shape) < 2 and facts["name"].endswith(("weight", "gamma"))):
        return numbers + 0.5
    outputs = shape[-1 if framework == "keras" else 0] if len(shape) > 1 else 1
    reach = spread if len(shape) < 2 else float(np.sqrt(6 * outputs / max(numbers.size, 1)))
    numbers *= 2  # in place: fresh memory costs more than the arithmetic
    numbers -= 1
    numbers *= reach
    return numbers


def plain_output(result: Any) -> Any:
    """Return what a model returned with every tensor as a NumPy array, in lists and dicts where it was in such."""
    if is_tensor(result):
        return to_numpy(result)
    if isinstance(result, list | tuple):
        return [plain_output(one) for one in result]
    if isinstance(result, dict):
        return {str(key): plain_output(one) for key, one in result.items()}
    return result


def same_output(left: Any, right: Any) -> bool:
    """Return whether two outputs are the same but for rounding; NaN is the same as NaN."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same_output(*pair) for pair in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same_output(left[key], right[key]) for key in left)
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return left.shape == right.shape and bool(np.allclose(left, right, rtol=1e-4, atol=1e-5, equal_nan=True))
    return type(left) is type(right)


def settings_of(module: Any) -> dict[str, Any]:
    """Return the settings of a layer of torch: what it lists as its constants, and whether it has a bias."""
    names = getattr(type(module), "__constants__", ())
    found = {str(name): plain_setting(getattr(module, name, None)) for name in names}
    own = vars(module).get("_parameters", {})
    return {**found, "bias": own["bias"] is not None} if "bias" in own else found


def settings_of_keras(layer: Any) -> dict[str, Any]:
    """Return the numbers and words in a Keras layer's configuration; nothing where it cannot tell."""
    try:
        config = dict(layer.get_config())
    except Exception:  # noqa: BLE001 - a student's own layer may not have one
        return {}
    plain = {
        str(key): plain_setting(value) for key, value in config.items() if key not in {"name", "dtype", "trainable"}
    }
    return {key: value for key, value in plain.items() if not isinstance(value, dict)}


def own_tensors(module: Any) -> list[Any]:
    """Return the weights and buffers of a module of torch, without those of modules in it."""
    return [*vars(module)["_parameters"].values(), *vars(module)["_buffers"].values()]


def torch_module() -> Any:
    """Return torch's own class of modules, whose methods a student has not overridden."""
    return sys.modules["torch.nn"].Module


def is_leaf(module: Any) -> bool:
    """Return whether a module is a layer of torch itself, no container of layers."""
    kind = type(module)
    return kind.__module__.startswith("torch.nn.") and kind.__name__ not in _CONTAINERS


def is_keras_leaf(layer: Any) -> bool:
    """Return whether a layer is one of Keras itself, no model."""
    kind = type(layer)
    return kind.__module__.startswith("keras.") and kind.__name__ not in _KERAS_CONTAINERS


def is_statistic(path: str) -> bool:
    """Return whether a weight of Keras that is not trained is a mean or variance, of a run or of data."""
    name = path.rpartition("/")[2]
    return name.startswith("moving_") or name in {"mean", "variance"}


def channel_axis(layer: Any, axes: int) -> int:
    """Return the axis of a Keras layer's channels, of so many, told from the end: -1 is the last."""
    axis = getattr(layer, "axis", None) if type(layer).__name__ == "BatchNormalization" else None
    if type(axis) is not int:
        axis = 1 if getattr(layer, "data_format", None) == "channels_first" else -1
    return axis - axes if axis >= 0 else axis


def is_tensor(value: Any) -> bool:
    """Return whether a value is a tensor of torch."""
    tensor = getattr(sys.modules.get("torch"), "Tensor", None)
    return tensor is not None and isinstance(value, tensor)


def tensors_in(value: Any) -> list[Any]:
    """Return the tensors in a value, in lists, tuples and dicts at any depth, in order."""
    if is_tensor(value):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [tensor for one in value for tensor in tensors_in(one)] if isinstance(value, list | tuple) else []


def to_numpy(tensor: Any) -> Any:
    """Return a tensor's numbers as an array."""
    plain = tensor.detach().cpu()
    if plain.is_floating_point() and str(plain.dtype) not in {"torch.float16", "torch.float32", "torch.float64"}:
        plain = plain.float()  # bfloat16 has no NumPy dtype
    return plain.numpy()


def shapes_of(value: Any) -> list[list[int]]:
    """Return the shapes of the tensors in a value, a tuple or a list."""
    values = value if isinstance(value, list | tuple) else (value,)
    return [[int(length) for length in one.shape] for one in values if is_tensor(one)]


def plain_setting(value: Any) -> Any:
    """Return a setting as plain data: a tensor as its shape, other objects as the name of their type."""
    if value is None or type(value) in (bool, int, float):
        return value
    if type(value) is str:
        return value[:_MAX_TEXT_CHARS]
    if isinstance(value, list | tuple):
        return [plain_setting(one) for one in list(value)[:16]]
    if is_tensor(value):
        return {"shape": [int(length) for length in value.shape]}
    return {"type": str(type(value).__name__)[:_MAX_TEXT_CHARS]}


def text_of(error: BaseException) -> str:
    """Return an exception's message, without its middle where it is long, as where it shows a tensor."""
    try:
        text = str(error)
        return text if len(text) <= 2 * _MAX_TEXT_CHARS else f"{text[:_MAX_TEXT_CHARS]} … {text[-_MAX_TEXT_CHARS:]}"
    except Exception:  # noqa: BLE001 - __str__ may be student code
        return "(its message could not be read)"


@contextmanager
def without_gradients() -> Iterator[None]:
    """Have torch, if it is there, keep no gradients in the block."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        yield
        return
    with torch.no_grad():
        yield
