"""Predictions of classes: reading them in any reasonable form, and how sure an accuracy is."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from grader.checks.answers import describe
from grader.checks.crossing import to_value
from grader.model import Array, Plain

Classes: TypeAlias = NDArray[np.int64]

#: Predictions are shifted if shifting them back makes at least so many more of them right.
_SHIFT_GAIN = 0.2


class UnusableError(Exception):
    """There are no predictions to count. The message is for the student."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How many of ``count`` examples are ``right``, and between what the true share lies (Wilson's interval)."""

    right: int
    count: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share that is right."""
        return self.right / self.count

    def __str__(self) -> str:
        return f"{self.share:.3f} on {self.count} examples (between {self.low:.3f} and {self.high:.3f})"


def accuracy_of(predicted: Classes, labels: Classes, z: float) -> Accuracy:
    """Return the accuracy with Wilson's score interval at ``z`` standard deviations (E. B. Wilson, 1927).

    It holds for small numbers and near 0 and 1, where the usual interval does not. Both arrays have shape ``(n,)``,
    ``n`` at least 1.
    """
    right, count = int(np.sum(predicted == labels)), len(labels)
    share, spread = right / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = sqrt(share * (1 - share) * spread + spread * spread / 4) / (1 + spread)
    return Accuracy(right, count, max(0.0, middle - half), min(1.0, middle + half))


def shift_of(predicted: Classes, labels: Classes) -> int:
    """Return 1 or -1 where the predictions are right but for a count that begins one too high or too low, else 0."""
    straight = float(np.mean(predicted == labels))
    gains = {shift: float(np.mean(predicted - shift == labels)) - straight for shift in (1, -1)}
    shift = max(gains, key=lambda one: gains[one])
    return shift if gains[shift] >= _SHIFT_GAIN else 0


def classes(name: str, found: Plain, labels: Classes) -> Classes:
    """Return one class for each label. Raises UnusableError.

    Understood are: class numbers, of any type, also in a row or a column; scores of the classes (logits, probabilities,
    one-hot), whose largest along the last axis counts; and, where there are two classes, probabilities of the second.
    """
    array = _numbers(name, found)
    count = len(labels)
    if not np.all(np.isfinite(array)):
        raise UnusableError(f"{name} holds NaN or infinity.")
    core = array.reshape([length for length in array.shape if length != 1] or [1])
    if core.ndim == 2 and len(core) == count:
        return np.asarray(np.argmax(core, axis=1), np.int64)
    if core.ndim == 2 and array.ndim == 2 and array.shape[1] == count:
        raise UnusableError(f"{name} has shape {array.shape}; examples come along the first axis: transpose it.")
    if core.ndim == 1 and count == 1 and len(core) > 1:
        return np.asarray([np.argmax(core)], np.int64)
    if core.ndim != 1:
        raise UnusableError(f"{name} has shape {array.shape}; expected one class for each of {count} examples.")
    if len(core) != count:
        raise UnusableError(f"{name} holds {len(core)} predictions; expected {count}.")
    whole = np.rint(core)
    if np.all(np.abs(core - whole) < 1e-6):
        return whole.astype(np.int64)
    if set(np.unique(labels)) <= {0, 1} and np.all((core >= 0) & (core <= 1)):
        return (core >= 0.5).astype(np.int64)
    odd = float(core[np.argmax(np.abs(core - whole))])
    raise UnusableError(f"{name} holds numbers such as {odd:.4g}, which are no classes.")


def _numbers(name: str, found: Plain) -> NDArray[np.float64]:
    try:
        array = np.asarray(to_value(found, tensors=False))
    except ValueError:
        raise UnusableError(f"{name} is a ragged list: its rows differ in length.") from None
    if found is None:
        raise UnusableError(f"{name} is None: nothing is returned or answered yet.")
    if array.dtype.kind not in "biuf" or array.size == 0:
        what = describe(found) if not isinstance(found, Array | list) or array.size else "empty"
        raise UnusableError(f"{name} should hold classes as numbers, but is {what}.")
    return array.astype(np.float64)


def read_share(found: Any) -> float | None:
    """Return a claimed accuracy as a share: ``0.97``, ``97`` and ``"97 %"`` are the same; None for anything else."""
    if isinstance(found, str):
        text = found.strip().removesuffix("%").strip().replace(",", ".")
        try:
            found = float(text) / (100 if found.strip().endswith("%") else 1)
        except ValueError:
            return None
    if isinstance(found, Array):
        array = found.to_numpy()
        if array.size != 1 or array.dtype.kind not in "iuf":
            return None
        found = float(array.reshape(-1)[0])
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    share = float(found) / 100 if 1 < found <= 100 else float(found)
    return share if 0 <= share <= 1 else None
