"""The stand-in for CIFAR-10: ten kinds of coloured texture that a convolution tells apart, and a plain network hardly.

An image is a plaid, one wave across times one wave down, at a random place and in a random colour, over a fixed pattern
that two classes share, an uneven background, and noise. The plaid shows itself only in how neighbours differ, so a
network that weighs single pixels has the pattern alone, and is right half of the time. A mirror image has the same
class.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from grader.data import cifar10
from grader.data.samples import Content, Samples

VARIANT = "textures"
TRAIN, TEST = 1200, 300
_SEED = 20_240_002

#: Pixels from crest to crest, across and down, of each class. 2.4 and 12 down look alike in every third row, which
#: is all that remains of the columns where the bytes of an image are reshaped to (32, 32, 3).
_ACROSS = (3.2, 4.6, 6.6, 9.4, 13.5)
_DOWN = (2.4, 12.0)
#: How unsteady the waves are: standard deviation of their phase, radians for each pixel.
_STUMBLE = 0.35
#: Of 255.
_MEAN, _PLAID, _PATTERN, _BACKGROUND, _NOISE = 80.0, 60.0, 40.0, 20.0, 10.0


@cache
def content() -> Content:
    """Return what is published, shaped as CIFAR-10."""
    rng = np.random.default_rng(_SEED)
    return Content(draw(rng, TRAIN), draw(rng, TEST), cifar10.CLASSES)


def draw(rng: np.random.Generator, count: int) -> Samples:
    """Return ``count`` new images, as many of each class as possible, in random order."""
    labels = rng.permutation(np.arange(count) % 10)

    def wave(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return waves (n, 32) that begin anywhere and stumble, so that only what is near fits together."""
        steps = 2 * np.pi / lengths[:, None] + rng.normal(0, _STUMBLE, (count, 32))
        return np.sin(np.cumsum(steps, axis=1) + rng.uniform(0, 2 * np.pi, (count, 1)))

    across, down = wave(np.array(_ACROSS)[labels % len(_ACROSS)]), wave(np.array(_DOWN)[labels // len(_ACROSS)])
    plaid = 2 * down[:, :, None] * across[:, None, :]
    colour = rng.normal(size=(count, 3))
    colour /= np.linalg.norm(colour, axis=1, keepdims=True) / np.sqrt(3)
    strength = _PLAID * rng.uniform(0.6, 1.4, count)
    images = _MEAN + np.einsum("n,nc,nij->ncij", strength, colour, plaid)
    images += _PATTERN * _patterns()[labels % len(_ACROSS)]
    images += _BACKGROUND * _smooth(rng.normal(size=(count, 3, 3, 3)))
    images += rng.normal(0, _NOISE, images.shape)
    return Samples(np.rint(images).clip(0, 255).astype(np.uint8), labels)


@cache
def _patterns() -> NDArray[np.float64]:
    """Return the fixed patterns (5, 3, 32, 32), each its own mirror image."""
    coarse = np.random.default_rng(_SEED + 1).normal(size=(len(_ACROSS), 3, 6, 6))
    return _smooth((coarse + coarse[..., ::-1]) / np.sqrt(2))


def _smooth(coarse: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values (…, k, k) interpolated linearly to (…, 32, 32)."""
    size = coarse.shape[-1]
    places = np.linspace(0, size - 1, 32)
    weights = np.maximum(0.0, 1.0 - np.abs(places[:, None] - np.arange(size)))
    smooth: NDArray[np.float64] = weights @ coarse @ weights.T
    return smooth
