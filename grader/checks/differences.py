"""Central differences of a function whose values around a point are known, with what they can tell and what not.

For a step h, ``(f(x + h) - f(x - h)) / 2h`` has an error of order h² from the curve's third derivative, and one of
order u·|f|/h from rounding, where u is the unit roundoff of the precision in which f is calculated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from grader.checks.answers import Numbers
from grader.checks.calling import Sent
from grader.checks.trees import numbers
from grader.model import Array

#: Step for a function that calculates in less than double precision.
COARSE = 5e-3
#: Least tolerance, absolute and relative, of differences over the coarse step.
COARSE_TOLERANCE = 1e-3
#: Over the coarse step, differences to the two sides that disagree by more than this share of the largest difference
#: lie at a kink.
KINK = 0.05
#: A smooth curve's differences to the two sides disagree in proportion to the step; at a kink by more than this
#: multiple of that.
PROPORTION = 10.0
#: Above this share of the largest difference, rounding leaves nothing to tell.
DROWNED = 0.1
#: How far rounding may carry a difference, as a multiple of its unit.
_ROUNDINGS = 16.0

Floats = NDArray[np.float64]


def perturbed(case: Sent, place: int, eps: float) -> Iterator[Sent]:
    """Yield the case itself, then with each element of its argument at ``place`` changed by ±eps, then by ±COARSE.

    Raises TypeError where that argument is no array of numbers.
    """
    arguments = case["args"]
    first = numbers(arguments[place]) if isinstance(arguments, list) and place < len(arguments) else None
    if first is None or first.dtype.kind not in "iuf" or not isinstance(arguments, list):
        raise TypeError(f"the argument at {place} is to be differentiated by, and is no number or array of numbers")
    point = first if first.dtype.kind == "f" else first.astype(np.float64)
    kind = arguments[place]
    origin = kind.origin if isinstance(kind, Array) else "ndarray" if point.shape else "numpy scalar"

    def at(values: Numbers) -> Sent:
        changed = Array.from_numpy(values.astype(point.dtype).reshape(point.shape), origin)
        return {"args": [*arguments[:place], changed, *arguments[place + 1 :]]}

    yield at(point)
    for step in (eps, COARSE):
        for index in range(point.size):
            for sign in (1, -1):
                moved = point.astype(np.float64).ravel()
                moved[index] += sign * step
                yield at(moved)


@dataclass(frozen=True, slots=True)
class Differences:
    """The gradient at one point by central differences, in the shape of the argument.

    ``usable`` is False for elements at a kink, where the differences to both sides disagree, and where the function is
    not finite or differences drown in rounding. ``noise`` bounds what rounding may have added. ``coarse``: the function
    calculates in less than double precision.
    """

    central: Floats
    usable: NDArray[np.bool_]
    noise: Floats
    coarse: bool

    @classmethod
    def of(cls, case: Sent, place: int, values: Sequence[Numbers], cotangent: Numbers | None, eps: float) -> Self | str:
        """Return the differences of the ``values`` at the points of :func:`perturbed`, weighted by the cotangent.

        A text says, for the student, why that cannot be done.
        """
        middle, *moved = values
        point = numbers(case["args"][place])  # type: ignore[index]
        if point is None or len(moved) != 4 * point.size:
            raise ValueError(f"{len(moved)} values around the point; expected {4 * getattr(point, 'size', 0)}")
        if any(value.shape != middle.shape or value.dtype.kind not in "iuf" for value in values):
            return "does not give real numbers of one shape"
        weights = np.ones(middle.shape) if cotangent is None else np.asarray(cotangent, np.float64)
        if weights.size != middle.size:
            return f"has shape {middle.shape}; the gradient from above has {weights.shape}"
        weights = weights.reshape(middle.shape)
        half = len(moved) // 2
        fine, wide = (_sides(middle, pairs, weights) for pairs in (moved[:half], moved[half:]))
        coarse = point.dtype in (np.float16, np.float32) or _is_single(values)
        step, (right, left) = (COARSE, wide / COARSE) if coarse else (eps, fine / eps)
        with np.errstate(all="ignore"):
            unit = _ROUNDINGS * float(np.finfo(np.float32 if coarse else np.float64).eps)
            noise = np.full(right.shape, unit * float(np.sum(np.abs(weights * middle.astype(np.float64)))) / step)
            central, apart = (right + left) / 2, np.abs(right - left)
            if coarse:
                usable = apart <= KINK * np.max(np.abs(central), initial=0.0) + 2 * noise
                noise = noise + apart / 2
            else:
                apart_wide = np.abs(wide[0] - wide[1]) / COARSE
                usable = apart <= PROPORTION * eps / COARSE * apart_wide + 2 * noise + 1e-9
        # Where everything drowns in rounding nothing can be told, of a value of 1e15 with a slope of 1, say.
        usable &= np.isfinite(central) & (noise - apart / 2 * coarse <= DROWNED * np.max(np.abs(central)) + 1e-6)
        shape = point.shape
        return cls(central.reshape(shape), usable.reshape(shape), noise.reshape(shape), coarse)

    def agreement(self, gradient: Floats, atol: float, rtol: float) -> NDArray[np.bool_]:
        """Return for each element whether the gradient agrees, or nothing can be said of it."""
        if self.coarse:
            atol, rtol = max(atol, COARSE_TOLERANCE), max(rtol, COARSE_TOLERANCE)
        with np.errstate(all="ignore"):
            near = np.abs(gradient - self.central) <= atol + rtol * np.abs(self.central) + self.noise
        return np.asarray(near | ~self.usable)

    def agrees(self, gradient: Floats, atol: float, rtol: float) -> bool:
        """Return whether the gradient agrees wherever something can be said of it."""
        return bool(np.all(self.agreement(gradient, atol, rtol)))

    def count_wrong(self, gradient: Floats, atol: float, rtol: float) -> str:
        """Return how many elements disagree, and which is the first, in words for the student."""
        bad = np.argwhere(~self.agreement(gradient, atol, rtol))
        first = tuple(int(i) for i in bad[0])
        if self.central.size == 1:
            return f"yours is {gradient.ravel()[0]:.6g}"
        return (
            f"{len(bad)} of {self.central.size} elements differ, the first at index {list(first)}, "
            f"where yours is {gradient[first]:.6g}"
        )


def _sides(values: Numbers, moved: Sequence[Numbers], weights: Floats) -> Floats:
    """Return what the weighted function gains to the right of each element and loses to the left, shape (2, n)."""
    with np.errstate(all="ignore"):
        middle: Floats = values.astype(np.float64)
        signed = [np.sum(weights * (one.astype(np.float64) - middle)) * (-1) ** i for i, one in enumerate(moved)]
    return np.array(signed, np.float64).reshape(-1, 2).T


def _is_single(values: Sequence[Numbers]) -> bool:
    """Return whether all values are numbers of single precision, whatever type they come in: ``loss.item()``, say."""
    with np.errstate(all="ignore"):
        return all(np.array_equal(one, one.astype(np.float32), equal_nan=True) for one in values)
