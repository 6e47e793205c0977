"""Properties of a model's outputs, and what is wrong where one does not hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from grader.checks.answers import Numbers
from grader.checks.describing import Described

_SUM_TOLERANCE = 1e-3


def complaint_about_output(name: str, model: Described, properties: Sequence[str]) -> str:
    """Return what is wrong with the outputs of a model that ran, for the student; empty where nothing is."""
    broken = next((one.name for one in model.weights if not one.finite), None)
    if broken is not None:
        return f"The weights `{broken}` of `{name}` hold NaN or infinity."
    if not model.steady:
        return (
            f"`{name}` gives another output when it is called again with the same input, though it was put into eval "
            "mode: is a dropout always on?"
        )
    if any(found is None for found in model.outputs):
        return f"`{name}` returns {model.returns}; return one tensor."
    if any(found is not None and found.dtype.kind not in "iuf" for found in model.outputs):
        return f"`{name}` returns no real numbers."
    outputs = [found for found in (*model.outputs, *model.drawn) if found is not None]
    if not all(np.all(np.isfinite(found)) for found in outputs):
        return f"`{name}` gives NaN or infinity."
    found = (OUTPUT_PROPERTIES[one](model, outputs) for one in properties)
    message = next((message for message in found if message), "")
    return f"`{name}`: {message}." if message else ""


def _sums(outputs: Sequence[Numbers], axis: int) -> bool:
    """Return whether all numbers are at least zero and add up to one along ``axis``."""
    return all(
        found.ndim > 0
        and bool(np.all(np.asarray(found, np.float64) >= 0))
        and bool(np.all(np.abs(np.asarray(found, np.float64).sum(axis=axis) - 1) < _SUM_TOLERANCE))
        for found in outputs
    )


def _axis(model: Described, outputs: Sequence[Numbers]) -> int:
    """Return the axis of the classes: the second in torch, the last in Keras."""
    return 1 if model.framework == "torch" and all(found.ndim > 1 for found in outputs) else -1


def _exp(outputs: Sequence[Numbers]) -> list[Numbers]:
    with np.errstate(over="ignore"):
        return [np.exp(np.asarray(found, np.float64)) for found in outputs]


def _probabilities(model: Described, outputs: Sequence[Numbers]) -> str:
    axis = _axis(model, outputs)
    if _sums(outputs, axis):
        return ""
    if _sums(_exp(outputs), axis):
        return "its outputs are logarithms of probabilities; probabilities are asked for"
    if _sums(outputs, 0):
        return "its outputs add up to one over the batch; they must do so over the classes"
    return "its outputs are no probabilities: they must be at least 0 and add up to 1 for each example"


def _log_probabilities(model: Described, outputs: Sequence[Numbers]) -> str:
    axis = _axis(model, outputs)
    if _sums(_exp(outputs), axis):
        return ""
    if _sums(outputs, axis):
        return "its outputs are probabilities; their logarithms are asked for"
    if _sums(_exp(outputs), 0):
        return "the exponentials of its outputs add up to one over the batch; they must do so over the classes"
    return "its outputs are no logarithms of probabilities: their exponentials must add up to 1 for each example"


def _logits(model: Described, outputs: Sequence[Numbers]) -> str:
    axis = _axis(model, outputs)
    if _sums(outputs, axis) or _sums(_exp(outputs), axis):
        return "its outputs are normalised already, by a softmax; the raw numbers before it are asked for"
    return ""


def _batch_independent(model: Described, _outputs: Sequence[Numbers]) -> str:
    count = len(model.outputs)
    for found in filter(None, (model.outputs, model.drawn[:count])):
        whole, alone = found[0], found[-1]
        if whole is None or alone is None or whole.shape[1:] != alone.shape[1:] or alone.shape[:1] != (1,):
            return "an example alone gives an output of another shape than within a batch"
        if not np.allclose(whole[:1], alone, rtol=1e-3, atol=1e-4):
            return "an example gives another output alone than within a batch; examples must not touch each other"
    return ""


def _trainable(model: Described, _outputs: Sequence[Numbers]) -> str:
    for one in model.weights:
        if not one.is_buffer and not (one.trainable and one.used):
            return f"`{one.name}` {'cannot be trained' if one.used else 'is never used'}"
    return "" if any(one.trainable for one in model.weights) else "it has no parameters that can be trained"


#: Each takes the model and all of its outputs, and returns what is wrong; empty where it holds.
OUTPUT_PROPERTIES: Mapping[str, Callable[[Described, Sequence[Numbers]], str]] = {
    "probabilities": _probabilities,
    "log_probabilities": _log_probabilities,
    "logits": _logits,
    "batch_independent": _batch_independent,
    "trainable": _trainable,
}
