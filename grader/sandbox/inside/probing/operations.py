"""What torch carries out, as plain data: one mapping with ``op`` and the shapes and settings that its cost depends on.

Which of them are multiply-accumulates, and how many, is decided by the trusted side.
"""

from __future__ import annotations

from math import prod
from typing import Any

from . import objects

#: Places of the two factors among the arguments.
MATRICES = {
    "mm": (0, 1), "bmm": (0, 1), "addmm": (1, 2), "baddbmm": (1, 2), "_addmm_activation": (1, 2), "addbmm": (1, 2),
    "mv": (0, 1), "addmv": (1, 2), "dot": (0, 1), "vdot": (0, 1), "linear": (0, 1),
}  # fmt: skip
_ATTENTION = (
    "_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_flash_attention",
    "_scaled_dot_product_efficient_attention", "_scaled_dot_product_attention_math",
    "_scaled_dot_product_fused_attention_overrideable", "scaled_dot_product_attention",
)  # fmt: skip
_POOLS = ("max_pool2d_with_indices", "max_pool3d_with_indices", "avg_pool2d", "avg_pool3d", "max_pool2d", "avg_pool1d")
_REDUCTIONS = ("mean", "amax", "sum", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_max_pool2d")
_POINTWISE = frozenset(
    {"relu", "sigmoid", "tanh", "hardtanh", "leaky_relu", "elu", "gelu", "silu", "hardsigmoid", "hardswish", "mish"}
    | {"softplus", "exp", "log", "sqrt", "rsqrt", "add", "sub", "rsub", "mul", "div", "clamp", "clamp_min", "pow"}
    | {"_softmax", "_log_softmax", "neg", "abs", "maximum", "minimum", "threshold", "_prelu_kernel"}
    | {"celu", "log_sigmoid_forward", "softshrink", "hardshrink"}
)
#: What multiplies and sums up, and is not counted.
_UNCOUNTED = ("_trilinear", "_cdist_forward", "_fft", "_embedding_bag", "linalg_", "_int_mm", "_scaled_mm")


def note(name: str, given: Any, result: Any) -> dict[str, Any] | None:
    """Return the operation of that name of torch; None where it costs nothing that anybody counts."""
    if name == "convolution":
        return _convolution(given, result)
    if name in MATRICES:
        left, right = (_shape(given[place]) for place in MATRICES[name])
        return {"op": "matrices", "left": left, "right": right, "bias": name.startswith(("add", "badd", "_addmm"))}
    if name in _ATTENTION:
        query, key, value = (_shape(one) for one in given[:3])
        return {"op": "attention", "query": query, "key": key, "value": value}
    return _pool(given, result) if name in _POOLS else _without_product(name, given, result)


def _without_product(name: str, given: Any, result: Any) -> dict[str, Any] | None:
    if name in _REDUCTIONS:
        return {"op": "reduction", "input": _shape(given[0]), "output": _shape(result)}
    bare = name.removesuffix("_")
    if bare in _POINTWISE:
        return {"op": "pointwise", "name": bare.lstrip("_"), "elements": prod(_shape(result))}
    return {"op": "uncounted", "name": name} if name.startswith(_UNCOUNTED) else None


def overwritten(function: Any, given: Any, named: dict[str, Any]) -> list[Any]:
    """Return the tensors into which a function of torch writes: what it changes in place, and ``out``."""
    arguments = function._schema.arguments
    values = dict(zip((one.name for one in arguments), given, strict=False)) | named
    return objects.tensors_in([values.get(one.name) for one in arguments if one.is_write])


def recurrent(gates: int, given: Any, result: Any) -> dict[str, Any]:
    """Return the operation that an LSTM, a GRU or a simple recurrent layer of torch is, from its arguments.

    ``steps`` counts the vectors that go in, over time and batch; ``weights`` are the shapes of its matrices.
    """
    weights = next((one for one in given if isinstance(one, list)), [])
    return {
        "op": "recurrent",
        "gates": gates,
        "steps": prod(_shape(result)[:-1]),
        "weights": [_shape(one) for one in weights if one.dim() == 2],
        "biases": sum(one.numel() for one in weights if one.dim() == 1),
    }


def _convolution(given: Any, result: Any) -> dict[str, Any]:
    inputs, weight, bias, stride, padding, dilation, transposed, _, groups = given[:9]
    return {
        "op": "convolution",
        "input": _shape(inputs),
        "weight": _shape(weight),
        "output": _shape(result),
        "bias": bias is not None,
        "stride": [int(one) for one in stride],
        "padding": [int(one) for one in padding],
        "dilation": [int(one) for one in dilation],
        "transposed": bool(transposed),
        "groups": int(groups),
    }


def _pool(given: Any, result: Any) -> dict[str, Any]:
    kernel = [int(one) for one in given[1]]
    stride = [int(one) for one in given[2]] if len(given) > 2 and given[2] else kernel
    padding = [int(one) for one in _listed(given[3], len(kernel))] if len(given) > 3 else [0] * len(kernel)
    output = objects.tensors_in(result)[0]
    return {
        "op": "pool", "kernel": kernel, "stride": stride, "padding": padding,
        "input": _shape(given[0]), "output": _shape(output),
    }  # fmt: skip


def _listed(value: Any, count: int) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value] * count


def _shape(tensor: Any) -> list[int]:
    found = objects.tensors_in(tensor)
    return [int(side) for side in found[0].shape] if found else []
