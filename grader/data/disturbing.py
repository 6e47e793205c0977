"""Small changes to samples that are public, so that they cannot be looked up: a correct solution hardly notices.

Images are not moved: one pixel of 28 costs a network of two layers 6 points on the digits, and a decision tree 18.
"""

from __future__ import annotations

import numpy as np

from grader.data.samples import Samples

#: Standard deviation of the noise, relative to a pixel's value: an empty background stays empty, which trees rely on.
IMAGE_NOISE = 0.05
#: Likewise, relative to the feature's standard deviation over the samples.
FEATURE_NOISE = 0.02


def disturbed_images(samples: Samples, rng: np.random.Generator) -> Samples:
    """Return images (n, …) uint8 with noise added where they are not black."""
    noise = rng.normal(1.0, IMAGE_NOISE, samples.inputs.shape)
    noisy = np.rint(samples.inputs * noise).clip(0, 255).astype(np.uint8)
    return Samples(noisy, samples.labels, samples.subjects)


def disturbed_features(samples: Samples, rng: np.random.Generator) -> Samples:
    """Return features (n, d) within -1 and 1, with noise added."""
    noise = FEATURE_NOISE * samples.inputs.std(axis=0) * rng.normal(size=samples.inputs.shape)
    return Samples((samples.inputs + noise).clip(-1.0, 1.0), samples.labels, samples.subjects)
