"""The stand-in for MNIST: scikit-learn's handwritten digits, enlarged to MNIST's size.

1797 images of 8 x 8 that come with scikit-learn (https://archive.ics.uci.edu/dataset/80, its part for testing).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from grader.data import mnist
from grader.data.disturbing import disturbed_images
from grader.data.samples import Content, Samples, some
from grader.errors import DataError

VARIANT = "digits"
#: How many are published; the others, 397, are held out.
TRAIN, TEST = 1000, 400
_SEED = 20_240_001
_ENLARGED = 24  # three times 8, with a margin of 2 on each side as in MNIST, where it is 4


def content() -> Content:
    """Return what is published, shaped as MNIST. Raises DataError where scikit-learn is missing."""
    samples = _samples()
    return Content(samples.take(np.arange(TRAIN)), samples.take(np.arange(TRAIN, TRAIN + TEST)), mnist.CLASSES)


def draw(rng: np.random.Generator, count: int) -> Samples:
    """Return ``count`` of the digits that are held out, disturbed, because anybody can look them up."""
    samples = _samples()
    held = samples.take(np.arange(TRAIN + TEST, len(samples)))
    return disturbed_images(some(held, count, rng), rng)


@cache
def _samples() -> Samples:
    """Return all digits in an order of ours, the same at each call."""
    try:
        from sklearn.datasets import load_digits  # noqa: PLC0415 - scikit-learn is slow to import, and may be missing
    except ImportError as error:
        raise DataError(
            "scikit-learn",
            "is needed for the digits that stand in for MNIST, and is not installed; "
            "install it (pip install 'grader[course]'), or name a folder with MNIST",
        ) from error
    small, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(_SEED).permutation(len(labels))
    return Samples(_enlarged(small[order].reshape(-1, 8, 8)), labels[order].astype(np.uint8))


def _enlarged(small: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return images (n, 8, 8), 0 to 16, as (n, 28, 28), 0 to 255, interpolated linearly."""
    places = (np.arange(_ENLARGED) + 0.5) * 8 / _ENLARGED - 0.5
    weights = np.maximum(0.0, 1.0 - np.abs(places.clip(0, 7)[:, None] - np.arange(8)))
    large = weights @ small @ weights.T
    margin = (mnist.SIDE - _ENLARGED) // 2
    padded = np.pad(large, ((0, 0), (margin, margin), (margin, margin)))
    values: NDArray[np.uint8] = np.rint(padded * 255 / 16).astype(np.uint8)
    return values
