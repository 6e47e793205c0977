"""Basics of machine learning: problems, types of learning, workflow, fitting too little and too much.

Conventions: errors are mean squared errors; a polynomial of degree d has d + 1 coefficients, found by least squares on
the training data. All numbers are without unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from grader import given, misconception, quantity

Array = NDArray[np.float64]
DEGREES = (1, 3, 9)
_SWAPPED = {"overfitting": "underfitting", "underfitting": "overfitting", "good fit": "good fit"}


@dataclass(frozen=True, slots=True)
class Numbers:
    """Training points ``x_train``, ``y_train`` (12,), and test points ``x_test``, ``y_test`` (20,)."""

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array


PRINTED_SEED = 0


@lru_cache(maxsize=4096)
def numbers(seed: int | None) -> Numbers:
    """Return the printed numbers, or for an integer ``seed`` that student's own."""
    random = np.random.default_rng(PRINTED_SEED if seed is None else seed)
    while not instructive(drawn := draw(random)):
        pass
    return drawn


def draw(random: np.random.Generator) -> Numbers:
    """Return points with two decimals on a wave with noise; the test points lie between the training points."""
    shift, height = random.uniform(-0.6, 0.6), random.choice([-1, 1]) * random.uniform(0.4, 0.8)
    x_train = np.linspace(-1, 1, 12) + np.concatenate([[0], random.uniform(-0.05, 0.05, 10), [0]])
    x_test = random.uniform(-0.99, 0.99, 20)

    def observed(x: Array) -> Array:
        return np.round(height + np.sin(3 * x + shift) + random.normal(0, 0.2, x.size), 2)

    x_train, x_test = np.round(x_train, 2), np.round(np.sort(x_test), 2)
    return Numbers(x_train, observed(x_train), x_test, observed(x_test))


def instructive(n: Numbers) -> bool:
    """Say whether degree 1 clearly fits too little and degree 9 too much, and no mistake is lost in the rounding."""
    found = {degree: _coefficients(n.x_train, n.y_train, degree) for degree in DEGREES}
    train = {degree: _mean_square(_residuals(found[degree], n.x_train, n.y_train)) for degree in DEGREES}
    test = {degree: _mean_square(_residuals(found[degree], n.x_test, n.y_test)) for degree in DEGREES}
    without_constant = _coefficients(n.x_train, n.y_train, 1, least=1)
    swapped = _coefficients(n.y_train, n.x_train, 1)
    x, y = np.concatenate([n.x_train, n.x_test]), np.concatenate([n.y_train, n.y_test])
    wrong = (without_constant, swapped, _coefficients(n.x_test, n.y_test, 1), _coefficients(x, y, 1))
    mistakes = [_mean_square(_residuals(one, n.x_train, n.y_train)) for one in wrong]
    return bool(
        min(mistakes) > train[1] + 0.01
        and train[1] > 4 * train[3]
        and train[3] > 2.5 * train[9]
        and train[9] > 0.001
        and test[1] > 3 * test[3]
        and 2 * test[3] < test[9] < 2
        and test[3] < 0.09
    )


def _coefficients(x: Array, y: Array, degree: int, least: int = 0) -> Array:
    """Return the coefficients of least squares from power 0 on; those below the power ``least`` are 0."""
    powers = np.vander(x, degree + 1, increasing=True)[:, least:]
    return np.concatenate([np.zeros(least), np.linalg.lstsq(powers, y, rcond=None)[0]])


def _values(coefficients: Array, x: Array) -> Array:
    return np.vander(x, coefficients.size, increasing=True) @ coefficients


def _residuals(coefficients: Array, x: Array, y: Array) -> Array:
    return y - _values(coefficients, x)


def _mean_square(residuals: Array) -> float:
    return float(np.mean(residuals**2))


@given
def x_train(seed: int | None) -> Array:
    """Inputs of the training data, shape (12,)."""
    return numbers(seed).x_train


@given
def y_train(seed: int | None) -> Array:
    """Targets of the training data, shape (12,)."""
    return numbers(seed).y_train


@given
def x_test(seed: int | None) -> Array:
    """Inputs of the test data, shape (20,)."""
    return numbers(seed).x_test


@given
def y_test(seed: int | None) -> Array:
    """Targets of the test data, shape (20,)."""
    return numbers(seed).y_test


@given
def x_plot() -> Array:
    """Places at which the fits are drawn, shape (41,)."""
    return np.linspace(-1, 1, 41)


# Problems


@quantity
def problems() -> dict[str, str]:
    """Kind of problem of each situation."""
    return {
        "a": "classification",
        "b": "regression",
        "c": "dimension reduction",
        "d": "compression",
        "e": "regression",
        "f": "classification",
        "g": "compression",
        "h": "dimension reduction",
    }


@misconception("problems", "A whole number, such as a count of cars, is still a number to predict, and not a class.")
def counts_are_classes() -> dict[str, str]:
    return {**problems(), "e": "classification"}


# Types of learning


@quantity
def learning_types() -> dict[str, str]:
    """Type of learning of each algorithm or example."""
    return {
        "decision tree": "supervised",
        "support vector machine": "supervised",
        "k nearest neighbours": "supervised",
        "k-means": "unsupervised",
        "principal component analysis": "unsupervised",
        "association rules": "unsupervised",
        "few pictures with labels, many without": "semi-supervised",
        "own sure predictions as labels for the rest": "semi-supervised",
        "vehicle that is rewarded for distance": "reinforcement",
        "program that learns a game by winning": "reinforcement",
    }


@misconception("learning_types", "K-means and k nearest neighbours share a letter only: one of them uses labels.")
def two_ks_confused() -> dict[str, str]:
    return {**learning_types(), "k-means": "supervised", "k nearest neighbours": "unsupervised"}


@misconception("learning_types", "Rewards are not labels: nobody says which action would have been right.")
def rewards_as_labels() -> dict[str, str]:
    both = ("vehicle that is rewarded for distance", "program that learns a game by winning")
    return {**learning_types(), **dict.fromkeys(both, "supervised")}


# Workflow


@quantity
def workflow() -> list[str]:
    """Steps of supervised learning in their order."""
    return ["collect", "label", "preprocess", "features", "split", "train", "validate", "test"]


@misconception("workflow", "The test set is looked at last: whoever chooses by it has no independent data left.")
def test_before_validation() -> list[str]:
    return ["collect", "label", "preprocess", "features", "split", "train", "test", "validate"]


@misconception("workflow", "A split after training comes too late: training would have seen all of the data.")
def split_after_training() -> list[str]:
    return ["collect", "label", "preprocess", "features", "train", "split", "validate", "test"]


# Too little, too much


@quantity
def diagnoses() -> dict[str, str]:
    """Diagnosis of each case."""
    return {
        "a": "overfitting",
        "b": "underfitting",
        "c": "good fit",
        "d": "good fit",
        "e": "overfitting",
        "f": "underfitting",
        "g": "overfitting",
        "h": "good fit",
        "i": "underfitting",
    }


@misconception("diagnoses", "The two words are swapped: too close a fit to the training data is overfitting.")
def words_swapped() -> dict[str, str]:
    return {case: _SWAPPED[word] for case, word in diagnoses().items()}


@misconception("diagnoses", "High training accuracy alone is no good fit: compare with the data that were held back.")
def judged_by_training_alone() -> dict[str, str]:
    return {case: "good fit" if word == "overfitting" else word for case, word in diagnoses().items()}


@misconception("diagnoses", "A small gap alone is no good fit: both accuracies can be poor.")
def judged_by_the_gap_alone() -> dict[str, str]:
    return {case: "good fit" if word == "underfitting" else word for case, word in diagnoses().items()}


# `grade validate` makes a mistake by binding names anew behind a right solution, which has drawn its figure by then.
FIGURE = ("figure",)

# Polynomials. What is fitted, on which data errors are taken, and which error it is are asked from nobody: a mistake in
# them shows in the first error, and is charged there alone.


@quantity
def fits(x_train: Array, y_train: Array) -> dict[int, Array]:
    """Coefficients by degree, each of shape (degree + 1,), from power 0 on."""
    return {degree: _coefficients(x_train, y_train, degree) for degree in DEGREES}


@misconception(
    "fits", "That is fitted to the test data. They are for judging only; fit to the training data.", also_loses=FIGURE
)
def fitted_to_test(x_test: Array, y_test: Array) -> dict[int, Array]:
    return {degree: _coefficients(x_test, y_test, degree) for degree in DEGREES}


@misconception(
    "fits", "That is fitted to training and test data together, so no independent data are left.", also_loses=FIGURE
)
def fitted_to_everything(x_train: Array, y_train: Array, x_test: Array, y_test: Array) -> dict[int, Array]:
    x, y = np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test])
    return {degree: _coefficients(x, y, degree) for degree in DEGREES}


@misconception("fits", "The degree is the highest power; there is one coefficient more than that.", also_loses=FIGURE)
def degree_counts_coefficients(x_train: Array, y_train: Array) -> dict[int, Array]:
    return {degree: _coefficients(x_train, y_train, degree - 1) for degree in DEGREES}


@misconception("fits", "The constant term is missing, so that every fit passes through the origin.", also_loses=FIGURE)
def constant_missing(x_train: Array, y_train: Array) -> dict[int, Array]:
    return {degree: _coefficients(x_train, y_train, degree, least=1) for degree in DEGREES}


@misconception("fits", "The axes are swapped: y is a polynomial in x.", also_loses=FIGURE)
def axes_swapped(x_train: Array, y_train: Array) -> dict[int, Array]:
    return {degree: _coefficients(y_train, x_train, degree) for degree in DEGREES}


@quantity
def sets(x_train: Array, y_train: Array, x_test: Array, y_test: Array) -> tuple[tuple[Array, Array], ...]:
    """Data on which the training errors and the test errors are taken."""
    return (x_train, y_train), (x_test, y_test)


@misconception("sets", "Training and test errors are swapped.")
def errors_swapped(x_train: Array, y_train: Array, x_test: Array, y_test: Array) -> tuple[tuple[Array, Array], ...]:
    return (x_test, y_test), (x_train, y_train)


@quantity
def measure() -> str:
    """Kind of error."""
    return "mean"


@misconception("measure", "That is the root of the mean squared error; asked is the mean squared error itself.")
def root_taken() -> str:
    return "root"


@misconception("measure", "That is the sum of squared errors; divide it by the number of points.")
def sum_taken() -> str:
    return "sum"


@misconception("measure", "That is half of the mean squared error. A factor 1/2 is usual in training, but not here.")
def half_taken() -> str:
    return "half"


@misconception("measure", "That is the mean absolute error; asked is the mean squared error.")
def absolute_taken() -> str:
    return "absolute"


def _error(coefficients: Array, data: tuple[Array, Array], measure: str) -> float:
    residuals = _residuals(coefficients, *data)
    mean = _mean_square(residuals)
    wrong = {"root": np.sqrt(mean), "sum": mean * residuals.size, "half": mean / 2}
    return float(np.mean(np.abs(residuals))) if measure == "absolute" else float(wrong.get(measure, mean))


@quantity
def train_error_1(fits: dict[int, Array], sets: tuple[tuple[Array, Array], ...], measure: str) -> float:
    """Training error of degree 1."""
    return _error(fits[1], sets[0], measure)


@quantity
def test_error_1(fits: dict[int, Array], sets: tuple[tuple[Array, Array], ...], measure: str) -> float:
    """Test error of degree 1."""
    return _error(fits[1], sets[1], measure)


@quantity
def train_error_3(fits: dict[int, Array], sets: tuple[tuple[Array, Array], ...], measure: str) -> float:
    """Training error of degree 3."""
    return _error(fits[3], sets[0], measure)


@quantity
def test_error_3(fits: dict[int, Array], sets: tuple[tuple[Array, Array], ...], measure: str) -> float:
    """Test error of degree 3."""
    return _error(fits[3], sets[1], measure)


@quantity
def train_error_9(fits: dict[int, Array], sets: tuple[tuple[Array, Array], ...], measure: str) -> float:
    """Training error of degree 9."""
    return _error(fits[9], sets[0], measure)


@quantity
def test_error_9(fits: dict[int, Array], sets: tuple[tuple[Array, Array], ...], measure: str) -> float:
    """Test error of degree 9."""
    return _error(fits[9], sets[1], measure)


@quantity
def curves(fits: dict[int, Array], x_plot: Array) -> Array:
    """Values of the three polynomials at ``x_plot``, shape (3, 41): a row for each degree."""
    return np.array([_values(fits[degree], x_plot) for degree in DEGREES])


@misconception(
    "curves",
    "The coefficients are used in reverse order: some libraries begin with the highest power.",
    also_loses=FIGURE,
)
def coefficients_reversed(fits: dict[int, Array], x_plot: Array) -> Array:
    return np.array([_values(fits[degree][::-1], x_plot) for degree in DEGREES])


def _labels(errors: tuple[float, ...]) -> dict[str, str]:
    """Return the verdict by degree: the lowest error fits well, lower degrees fit too little, higher ones too much."""
    best = int(np.argmin(errors))
    words = ["underfitting" if one < best else "overfitting" if one > best else "good fit" for one in range(3)]
    return {f"degree {degree}": word for degree, word in zip(DEGREES, words, strict=True)}


@quantity
def fit_labels(test_error_1: float, test_error_3: float, test_error_9: float) -> dict[str, str]:
    """Verdict on each degree, by the test errors."""
    return _labels((test_error_1, test_error_3, test_error_9))


@misconception("fit_labels", "The lowest training error is no sign of a good fit: more coefficients always lower it.")
def chosen_by_training_error(train_error_1: float, train_error_3: float, train_error_9: float) -> dict[str, str]:
    return _labels((train_error_1, train_error_3, train_error_9))


@misconception("fit_labels", "The two words are swapped: too few coefficients cannot follow the data.")
def labels_swapped(test_error_1: float, test_error_3: float, test_error_9: float) -> dict[str, str]:
    return {degree: _SWAPPED[word] for degree, word in fit_labels(test_error_1, test_error_3, test_error_9).items()}
