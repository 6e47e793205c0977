"""What the readers return: arrays of inputs, labels and persons, divided into what is for training and for testing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


def nobody() -> NDArray[np.int64]:
    """Return the ``subjects`` of samples that do not come from persons."""
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Labelled samples: ``inputs`` (n, …), ``labels`` (n,), and ``subjects`` (n,), or (0,) where there are no persons.

    Dtypes and further shapes are the format's: see the reader that made them. Raises ValueError when lengths differ.
    """

    inputs: NDArray[Any]
    labels: NDArray[Any]
    subjects: NDArray[np.int64] = field(default_factory=nobody)

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.labels) or len(self.subjects) not in {0, len(self.labels)}:
            raise ValueError(f"{len(self.inputs)} inputs, {len(self.labels)} labels, {len(self.subjects)} subjects")

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, places: NDArray[Any]) -> Self:
        """Return the samples at ``places``: positions, or a mask (n,)."""
        subjects = self.subjects[places] if len(self.subjects) else nobody()
        return type(self)(self.inputs[places], self.labels[places], subjects)


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """A data set as it is published: both parts, what the classes are called, and the columns where they have names."""

    train: Samples
    test: Samples
    classes: tuple[str, ...]
    features: tuple[str, ...] = ()


def some(samples: Samples, count: int, rng: np.random.Generator) -> Samples:
    """Return ``count`` of the samples, each class by its share and in their old order; all if there are no more.

    Every class keeps at least one where ``count`` allows.
    """
    if count >= len(samples):
        return samples
    by_class = [rng.permutation(np.flatnonzero(samples.labels == label)) for label in np.unique(samples.labels)]
    # The place of a sample within its class, as a fraction: taking the smallest takes the same share of each class.
    share = np.concatenate([np.arange(len(places)) / len(places) for places in by_class])
    chosen = np.concatenate(by_class)[np.argsort(share, kind="stable")[:count]]
    return samples.take(np.sort(chosen))
