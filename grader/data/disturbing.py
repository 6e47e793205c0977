"""Small changes to samples that are public, so that they cannot be looked up: a correct solution hardly notices."""

from __future__ import annotations

import numpy as np

from grader.data.samples import Samples

#: Standard deviation of the noise: of 255 for images, of a range of 2 for features.
IMAGE_NOISE = 4.0
FEATURE_NOISE = 0.01
_PIXELS = 1


def disturbed_images(samples: Samples, rng: np.random.Generator) -> Samples:
    """Return images (…, height, width) uint8, each moved by at most one pixel in both directions, with noise added."""
    height, width = samples.inputs.shape[-2:]
    around = [(0, 0)] * (samples.inputs.ndim - 2) + [(_PIXELS, _PIXELS)] * 2
    padded = np.pad(samples.inputs, around, mode="edge")
    moves = rng.integers(0, 2 * _PIXELS + 1, (len(samples), 2))
    moved = np.stack([one[..., y : y + height, x : x + width] for one, (y, x) in zip(padded, moves, strict=True)])
    noisy = np.rint(moved + rng.normal(0.0, IMAGE_NOISE, moved.shape)).clip(0, 255).astype(np.uint8)
    return Samples(noisy, samples.labels, samples.subjects)


def disturbed_features(samples: Samples, rng: np.random.Generator) -> Samples:
    """Return features (n, d) within -1 and 1, with noise added."""
    noisy = (samples.inputs + rng.normal(0.0, FEATURE_NOISE, samples.inputs.shape)).clip(-1.0, 1.0)
    return Samples(noisy, samples.labels, samples.subjects)
