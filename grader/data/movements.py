"""The stand-in for HAPT: simulated features of persons who each move in a way of their own.

An activity is a point in a space of 16 dimensions, near those that resemble it; a person shifts all points, and each
of them a little differently; 561 features mix the 16 dimensions and show, besides, who it is. So who divides the
samples at random, and not by person, finds an accuracy that is too high: the same persons are on both sides.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from grader.data import hapt
from grader.data.samples import Content, Samples

VARIANT = "movements"
_SEED = 20_240_003
_TRAIN_PERSONS = 21

#: Samples of each of the six common activities by one person; of each transition there is one, or none.
_COMMON = 6
_TRANSITION = 0.5

_DIMENSIONS = 16
#: Which activities resemble each other: walking, sitting and standing, lying, and the transitions by pairs.
_ALIKE = np.array([0, 0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 5])
#: Standard deviations, in units of the distance between activities that resemble each other.
_APART, _PERSON, _PERSONS_ACTIVITY, _REPETITION = 2.0, 0.5, 1.2, 0.5
#: Likewise, of each feature by itself.
_FACE, _FACE_IN_ACTIVITY, _NOISE = 0.3, 0.6, 0.6


@cache
def content() -> Content:
    """Return what is published, shaped as HAPT: persons 1 to 21 for training, 22 to 30 for testing."""
    everybody = _samples(np.random.default_rng(_SEED), hapt.PERSONS)
    known = everybody.subjects <= _TRAIN_PERSONS
    names = tuple(f"simulated-{number:03}" for number in range(1, hapt.FEATURES + 1))
    return Content(everybody.take(known), everybody.take(~known), hapt.CLASSES, names)


def draw(rng: np.random.Generator, count: int) -> Samples:
    """Return ``count`` samples of persons that nobody has seen, numbered from 31, in random order."""
    persons = max(40, 1 + count // 36)
    found = _samples(rng, persons, first=hapt.PERSONS + 1)
    return found.take(rng.permutation(len(found))[:count])


def _samples(rng: np.random.Generator, persons: int, first: int = 1) -> Samples:
    parts = [_person(rng, number) for number in range(first, first + persons)]
    return Samples(
        np.concatenate([part.inputs for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.subjects for part in parts]),
    )


def _person(rng: np.random.Generator, number: int) -> Samples:
    points, mixture = _world()
    transitions = 6 + np.flatnonzero(rng.random(6) < _TRANSITION)
    activity = rng.permutation(np.concatenate([np.repeat(np.arange(6), _COMMON), transitions]))
    own = points + rng.normal(0, _PERSON, _DIMENSIONS) + rng.normal(0, _PERSONS_ACTIVITY, points.shape)
    face = rng.normal(0, _FACE, hapt.FEATURES) + rng.normal(0, _FACE_IN_ACTIVITY, (len(points), hapt.FEATURES))
    moved = own[activity] + rng.normal(0, _REPETITION, (len(activity), _DIMENSIONS))
    features = moved @ mixture + face[activity] + rng.normal(0, _NOISE, (len(activity), hapt.FEATURES))
    # Three decimals, as the file has: what is read back is the same.
    return Samples(np.tanh(0.4 * features).round(3), activity + 1, np.full(len(activity), number))


@cache
def _world() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the activities' points (12, 16) and how features mix the dimensions (16, 561)."""
    rng = np.random.default_rng(_SEED + 1)
    kinds = rng.normal(0, _APART, (6, _DIMENSIONS))
    points = kinds[_ALIKE] + rng.normal(0, 1, (12, _DIMENSIONS))
    return points, rng.normal(0, 1 / np.sqrt(_DIMENSIONS), (_DIMENSIONS, hapt.FEATURES))
