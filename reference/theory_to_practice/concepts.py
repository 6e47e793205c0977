"""Concepts of machine learning: types, output layers, fitting, the gradient, and accuracy where classes are rare.

Conventions: accuracies are fractions between 0 and 1; a direction is a vector of length one; the loss changes along it,
to first order, by the dot product with the gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grader import given, misconception, quantity

Array = NDArray[np.float64]
#: Legs of right triangles with a whole hypotenuse: gradients whose directions have few decimals.
TRIANGLES = ((3, 4), (7, 24), (12, 16), (14, 48))
LETTERS = "abcdef"


# Types of learning


@quantity
def learning_types() -> dict[str, str]:
    """Type of learning of each situation."""
    return {
        "a": "supervised",
        "b": "unsupervised",
        "c": "semi-supervised",
        "d": "supervised",
        "e": "unsupervised",
        "f": "semi-supervised",
        "g": "reinforcement",
        "h": "supervised",
        "i": "unsupervised",
        "j": "reinforcement",
    }


@misconception("learning_types", "Go by what the training uses: labels or data that it never sees do not count.")
def judged_by_what_is_there() -> dict[str, str]:
    return {**learning_types(), "h": "semi-supervised", "i": "supervised"}


@misconception("learning_types", "Data without labels take part in the training too: being partly labelled has a name.")
def partly_labelled_is_labelled() -> dict[str, str]:
    return {**learning_types(), **dict.fromkeys("cf", "supervised")}


@misconception("learning_types", "Rewards are not labels: nobody says which action would have been right.")
def rewards_as_labels() -> dict[str, str]:
    return {**learning_types(), **dict.fromkeys("gj", "supervised")}


# The output layer


@quantity
def output_activations() -> dict[str, str]:
    """Activation of the output layer for each task."""
    numbers, one_of_many, yes_or_no = dict.fromkeys("cde", "linear"), dict.fromkeys("bf", "softmax"), "agh"
    return dict(sorted({**numbers, **one_of_many, **dict.fromkeys(yes_or_no, "sigmoid")}.items()))


@misconception("output_activations", "ReLU cannot put out a negative number, but some of these targets are negative.")
def relu_for_every_number() -> dict[str, str]:
    return {**output_activations(), **dict.fromkeys("cde", "relu")}


@misconception("output_activations", "The softmax of a single neuron is always the same, whatever goes into it.")
def softmax_of_one_neuron() -> dict[str, str]:
    return {**output_activations(), **dict.fromkeys("ag", "softmax")}


@misconception(
    "output_activations", "Softmax makes the outputs share a sum of one, but here several may be true at once."
)
def softmax_for_several_labels() -> dict[str, str]:
    return {**output_activations(), "h": "softmax"}


@misconception(
    "output_activations", "Where exactly one of several classes is right, their probabilities should add up."
)
def sigmoid_for_one_of_many() -> dict[str, str]:
    return {**output_activations(), **dict.fromkeys("bf", "sigmoid")}


@quantity
def output_losses() -> dict[str, str]:
    """Loss for each task."""
    losses = {"linear": "mean squared error", "sigmoid": "binary cross-entropy", "softmax": "categorical cross-entropy"}
    return {task: losses[activation] for task, activation in output_activations().items() if task != "h"}


@misconception("output_losses", "The mean squared error is for numbers; for classes compare probabilities.")
def squares_for_classes() -> dict[str, str]:
    return dict.fromkeys(output_losses(), "mean squared error")


@misconception("output_losses", "The two cross-entropies are swapped: count the classes that there are to choose from.")
def cross_entropies_swapped() -> dict[str, str]:
    binary, categorical = "binary cross-entropy", "categorical cross-entropy"
    swapped = {binary: categorical, categorical: binary}
    return {task: swapped.get(loss, loss) for task, loss in output_losses().items()}


# Too little, too much


@quantity
def fit_table() -> dict[str, str]:
    """Performance on each part of the data."""
    return {
        "underfitting, training": "poor",
        "underfitting, test": "poor",
        "overfitting, training": "good",
        "overfitting, test": "poor",
        "optimal, training": "good",
        "optimal, test": "good",
    }


@misconception("fit_table", "The two words are swapped: who overfits has followed the training data too closely.")
def fits_swapped() -> dict[str, str]:
    return {**fit_table(), "underfitting, training": "good", "overfitting, training": "poor"}


@misconception("fit_table", "Who overfits has learned the training data by heart; that does not carry over to others.")
def overfitting_carries_over() -> dict[str, str]:
    return {**fit_table(), "overfitting, test": "good"}


@misconception("fit_table", "A model that misses its own training data will not do better on data that it never saw.")
def underfitting_generalises() -> dict[str, str]:
    return {**fit_table(), "underfitting, test": "good"}


@misconception("fit_table", "Overfitting is not poor everywhere: what a model has seen, it may know very well.")
def overfitting_poor_everywhere() -> dict[str, str]:
    return {**fit_table(), "overfitting, training": "poor"}


# The gradient


@dataclass(frozen=True, slots=True)
class Slope:
    """A gradient of shape (2,), and the names of six directions in the order of :func:`_directions`."""

    gradient: Array
    letters: tuple[str, ...]


def slope(seed: int | None) -> Slope:
    """Return the printed gradient and order of directions, or for an integer ``seed`` that student's own."""
    random = np.random.default_rng([1 if seed is None else seed, 22])
    legs = random.permutation(TRIANGLES[random.integers(len(TRIANGLES))]) / random.choice([2, 5, 10])
    return Slope(legs * random.choice([-1, 1], 2), tuple(random.permutation(list(LETTERS)).tolist()))


def _directions(gradient: Array) -> Array:
    """Return, shape (6, 2): along the gradient, against it, across it to both sides, and along the axes.

    Of the axes, one leads uphill and one downhill; neither is ever the steepest.
    """
    along = gradient / np.hypot(*gradient)
    across = np.array([-along[1], along[0]])
    uphill, downhill = np.diag(np.sign(gradient) * [1, -1])
    return np.array([along, -along, across, -across, uphill, downhill])


@given
def gradient(seed: int | None) -> Array:
    """Gradient of the loss, shape (2,)."""
    return slope(seed).gradient


@given
def directions(seed: int | None) -> dict[str, list[float]]:
    """Six directions of length one, by letter."""
    own = slope(seed)
    # Adding zero makes a plain zero of a negative one.
    rows = np.round(_directions(own.gradient), 4) + 0.0
    return dict(sorted(zip(own.letters, rows.tolist(), strict=True)))


def _word(rise: float, steepest: float) -> str:
    """Return what happens along a direction in which the loss rises by ``rise`` for each unit of length."""
    if abs(rise) < 1e-9 * steepest:
        return "no change"
    word = "increase" if rise > 0 else "decrease"
    return f"steepest {word}" if abs(rise) > (1 - 1e-9) * steepest else word


@quantity
def loss_change(gradient: Array, directions: dict[str, list[float]]) -> dict[str, str]:
    """What happens to the loss on a very short step in each direction."""
    steepest = float(np.hypot(*gradient))
    return {letter: _word(float(np.dot(gradient, one)), steepest) for letter, one in directions.items()}


@misconception("loss_change", "The signs are turned round: the gradient points to where the loss grows.")
def gradient_points_downhill(gradient: Array, directions: dict[str, list[float]]) -> dict[str, str]:
    return loss_change(-gradient, directions)


@misconception("loss_change", "Across the gradient the loss stays as it is; it changes most along the gradient.")
def across_is_steepest(gradient: Array, directions: dict[str, list[float]]) -> dict[str, str]:
    return loss_change(np.array([-gradient[1], gradient[0]]), directions)


@quantity
def new_weights() -> str:
    """Weights after one step of plain gradient descent."""
    return "w - eta*g"


@misconception("new_weights", "That goes uphill: mind the sign of the step.")
def uphill() -> str:
    return "w + eta*g"


@misconception("new_weights", "That is the step; asked are the weights after it.")
def step_alone() -> str:
    return "-eta*g"


@misconception("new_weights", "The learning rate is missing.")
def learning_rate_missing() -> str:
    return "w - g"


# Metrics


@dataclass(frozen=True, slots=True)
class Counts:
    """Recordings of the machine, and what the detector reports of them."""

    usual: int
    faults: int
    found: int
    false_alarms: int


def counts(seed: int | None) -> Counts:
    """Return the printed counts, or for an integer ``seed`` that student's own.

    The detector finds most faults and is nevertheless less accurate than who always says *usual*.
    """
    random = np.random.default_rng([3 if seed is None else seed, 28])
    usual, faults = int(random.integers(900, 1200)), int(random.integers(100, 140))
    found = faults - int(random.integers(6, 11))
    return Counts(usual, faults, found, found + int(random.integers(30, 70)))


@given
def n_usual(seed: int | None) -> int:
    """Number of usual recordings."""
    return counts(seed).usual


@given
def n_faults(seed: int | None) -> int:
    """Number of recordings that show a fault."""
    return counts(seed).faults


@given
def n_found(seed: int | None) -> int:
    """Number of faults that the detector reports."""
    return counts(seed).found


@given
def n_false_alarms(seed: int | None) -> int:
    """Number of usual recordings that the detector reports."""
    return counts(seed).false_alarms


@quantity
def whole() -> float:
    """What everything right counts as. Nobody is asked for it: per cent are charged in the first accuracy."""
    return 1.0


@misconception("whole", "That is in per cent; asked is a number between 0 and 1.")
def in_per_cent() -> float:
    return 100.0


@quantity
def majority_accuracy(n_usual: int, n_faults: int, whole: float) -> float:
    """Accuracy of who always says *usual*."""
    return whole * n_usual / (n_usual + n_faults)


@misconception(
    "majority_accuracy", "That is the share of the faults. This program never says *fault*: when is it right?"
)
def share_of_faults(n_usual: int, n_faults: int) -> float:
    return n_faults / (n_usual + n_faults)


@misconception("majority_accuracy", "That is the mean over the classes. Accuracy counts every recording alike.")
def mean_over_classes() -> float:
    return 0.5


@misconception("majority_accuracy", "Divide by all recordings, not by those of one class.")
def divided_by_usual(n_usual: int, n_faults: int) -> float:
    return (n_usual - n_faults) / n_usual


@quantity
def detector_accuracy(n_usual: int, n_faults: int, n_found: int, n_false_alarms: int, whole: float) -> float:
    """Accuracy of the detector."""
    return whole * (n_found + n_usual - n_false_alarms) / (n_usual + n_faults)


@misconception(
    "detector_accuracy", "That is the recall: which share of the faults is found. Accuracy is about all recordings."
)
def recall(n_faults: int, n_found: int) -> float:
    return n_found / n_faults


@misconception(
    "detector_accuracy", "That is the precision: which share of the reports is right. Accuracy is about all recordings."
)
def precision(n_found: int, n_false_alarms: int) -> float:
    return n_found / (n_found + n_false_alarms)


@misconception("detector_accuracy", "Usual recordings about which the detector keeps quiet are right answers, too.")
def found_alone(n_usual: int, n_faults: int, n_found: int) -> float:
    return n_found / (n_usual + n_faults)


@misconception("detector_accuracy", "A fault that the detector misses is a wrong answer, too.")
def misses_forgotten(n_usual: int, n_faults: int, n_false_alarms: int) -> float:
    return 1 - n_false_alarms / (n_usual + n_faults)


@misconception("detector_accuracy", "A false alarm is a wrong answer, too.")
def false_alarms_forgotten(n_usual: int, n_faults: int, n_found: int) -> float:
    return (n_usual + n_found) / (n_usual + n_faults)


@misconception("detector_accuracy", "That is the mean over the classes. Accuracy counts every recording alike.")
def mean_of_recalls(n_usual: int, n_faults: int, n_found: int, n_false_alarms: int) -> float:
    return (n_found / n_faults + 1 - n_false_alarms / n_usual) / 2
