"""Binary and categorical cross-entropy, and two steps of SGD and Adam.

Conventions: natural logarithms; the loss of several samples is their mean; classes are counted from 0. Adam starts with
moments of zero, corrects their bias, and adds epsilon to the root: theta - rate · m_hat / (sqrt(v_hat) + epsilon), as
its paper and PyTorch do. Other places of epsilon are accepted. Nothing here has a unit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from grader import cases, function, given, misconception, property_of, quantity, trial

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Pair = tuple[float, float]
Elementwise = Callable[[Array], Array]

PRINTED_SEED = 2024


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the task gives. Shapes stand at the givens."""

    p: Array
    t: Labels
    P: Array
    classes: Labels
    n_classes: int
    theta: Array
    g1: Array
    g2: Array
    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float


@lru_cache(maxsize=4096)
def numbers(seed: int | None) -> Numbers:
    """Return the printed numbers, or for an integer ``seed`` that student's own, as easy to handle."""
    random = np.random.default_rng(PRINTED_SEED if seed is None else seed)
    while not instructive(drawn := draw(random)):
        pass
    return drawn


def draw(random: np.random.Generator) -> Numbers:
    """Return probabilities with two decimals, gradients in quarters, and rates that differ clearly."""
    percent = np.array([random.permutation(one) for one in ([62, 21, 12, 5], [43, 33, 17, 7], [55, 26, 15, 4])])
    quarters = np.array([-10, -9, -7, -6, -5, -3, -2, 2, 3, 5, 6, 7, 9, 10]) / 4
    theta, g1, g2 = (random.choice(quarters, size=3, replace=False) for _ in range(3))
    return Numbers(
        p=np.round(random.choice([0.08, 0.13, 0.22, 0.34, 0.41, 0.63, 0.72, 0.87, 0.94], size=5, replace=False), 2),
        t=random.permutation([1, 1, 1, 0, 0]) if random.integers(2) else random.permutation([1, 1, 0, 0, 0]),
        P=random.permutation(percent) / 100,
        classes=random.choice(4, size=3, replace=False),
        n_classes=int(random.integers(6, 21)),
        theta=theta,
        g1=g1,
        g2=g2,
        learning_rate=float(random.choice([0.1, 0.2, 0.4])),
        beta1=float(random.choice([0.6, 0.7, 0.8])),
        beta2=float(random.choice([0.92, 0.94, 0.95])),
        epsilon=float(random.choice([0.05, 0.1])),
    )


def instructive(n: Numbers) -> bool:
    """Say whether no usual mistake happens to come close to what is right."""
    right, before = (n.P[np.arange(3), n.classes - shift] for shift in (0, 1))
    wrong_side = np.abs(np.where(n.t == 1, n.p, 1 - n.p) - 0.5) > 0.05
    shrunk = (1 - n.beta1) / np.sqrt(1 - n.beta2)  # what lacks the correction of the first step, as a factor
    return bool(
        np.all(wrong_side)
        and np.max(right) > np.min(right) + 0.1
        and np.all(np.abs(right - before) > 0.02)
        and abs(shrunk - 1) > 0.2
        and np.all(np.abs(n.g1 - n.g2) >= 0.5)
        and np.all(np.abs(np.abs(n.g1) - 1) >= 0.25)  # else the square looks like the absolute value
    )


@given
def p(seed: int | None) -> Array:
    """Predicted probabilities of class 1, shape (5,)."""
    return numbers(seed).p


@given
def t(seed: int | None) -> Labels:
    """Their targets, 0 or 1, shape (5,)."""
    return numbers(seed).t


@given
def P(seed: int | None) -> Array:
    """Predicted probabilities of four classes, one sample a row, shape (3, 4)."""
    return numbers(seed).P


@given
def classes(seed: int | None) -> Labels:
    """The right classes, shape (3,)."""
    return numbers(seed).classes


@given
def n_classes(seed: int | None) -> int:
    """Classes of the network that applies softmax twice."""
    return numbers(seed).n_classes


@given
def theta(seed: int | None) -> Array:
    """Parameters before the first step, shape (3,)."""
    return numbers(seed).theta


@given
def g1(seed: int | None) -> Array:
    """Gradient of the first step, shape (3,)."""
    return numbers(seed).g1


@given
def g2(seed: int | None) -> Array:
    """Gradient of the second step, shape (3,)."""
    return numbers(seed).g2


@given
def learning_rate(seed: int | None) -> float:
    """Learning rate."""
    return numbers(seed).learning_rate


@given
def beta1(seed: int | None) -> float:
    """Decay of the first moment."""
    return numbers(seed).beta1


@given
def beta2(seed: int | None) -> float:
    """Decay of the second moment."""
    return numbers(seed).beta2


@given
def epsilon(seed: int | None) -> float:
    """Small number in the denominator; here large enough to be seen."""
    return numbers(seed).epsilon


# --- Which loss (I18) ---


@quantity
def which_loss() -> dict[str, str]:
    """Loss of each network."""
    answers = "binary categorical categorical binary binary categorical binary categorical categorical binary"
    return {item: f"{word} cross-entropy" for item, word in zip("abcdefghij", answers.split(), strict=True)}


_OTHER = {
    "binary cross-entropy": "categorical cross-entropy",
    "categorical cross-entropy": "binary cross-entropy",
}


@misconception("which_loss", "The two are swapped: binary is the one for two classes.")
def losses_swapped() -> dict[str, str]:
    return {item: _OTHER[word] for item, word in which_loss().items()}


@misconception(
    "which_loss",
    "Labels that do not exclude each other are several questions with two answers each, not one with many answers.",
)
def tags_taken_for_classes() -> dict[str, str]:
    return {**which_loss(), "e": "categorical cross-entropy", "j": "categorical cross-entropy"}


# --- Cross-entropy of probabilities (I18) ---
# What a probability costs is hidden: whoever takes another logarithm, takes it throughout, and loses it once.


@quantity
def surprise() -> Elementwise:
    """What the probability of what happened costs."""
    return lambda q: -np.log(q)


@misconception("surprise", "That is the logarithm to base 2; the loss takes the natural one.")
def base_two() -> Elementwise:
    return lambda q: -np.log2(q)


@misconception("surprise", "That is the logarithm to base 10; the loss takes the natural one.")
def base_ten() -> Elementwise:
    return lambda q: -np.log10(q)


@misconception("surprise", "The minus is missing: the logarithm of a probability is negative, a loss is not.")
def minus_lost() -> Elementwise:
    return np.log


@misconception(
    "surprise",
    "The logarithm is missing: this is the probability with a minus. Functions that are called *negative log "
    "likelihood* expect that the logarithm was taken before.",
)
def logarithm_missing() -> Elementwise:
    return lambda q: -q


@quantity
def bce_losses(p: Array, t: Labels, surprise: Elementwise) -> Array:
    """Binary cross-entropy of each sample, shape (5,)."""
    return t * surprise(p) + (1 - t) * surprise(1 - p)


@misconception("bce_losses", "Samples with target 0 cost nothing here. For them, the probability of 0 counts.")
def second_term_missing(p: Array, t: Labels, surprise: Elementwise) -> Array:
    return t * surprise(p)


@misconception("bce_losses", "The two terms are exchanged: p is the probability of 1, so it belongs to the target 1.")
def terms_exchanged(p: Array, t: Labels, surprise: Elementwise) -> Array:
    return t * surprise(1 - p) + (1 - t) * surprise(p)


@misconception("bce_losses", "That is the squared error, which is another loss.")
def squared_error(p: Array, t: Labels) -> Array:
    return (p - t) ** 2


@misconception("bce_losses", "The sigmoid is applied once more: p are probabilities already.")
def sigmoid_once_more(p: Array, t: Labels, surprise: Elementwise) -> Array:
    return bce_losses(1 / (1 + np.exp(-p)), t, surprise)


@quantity
def reduction() -> Callable[[Array], float]:
    """How the losses of several samples become one."""
    return lambda losses: float(np.mean(losses))


@misconception("reduction", "That is the sum of the losses. It is a usual convention, but the task takes the mean.")
def summed() -> Callable[[Array], float]:
    return lambda losses: float(np.sum(losses))


@quantity
def bce(bce_losses: Array, reduction: Callable[[Array], float]) -> float:
    """Binary cross-entropy of all samples."""
    return reduction(bce_losses)


@quantity
def cce_losses(P: Array, classes: Labels, surprise: Elementwise) -> Array:
    """Categorical cross-entropy of each sample, shape (3,)."""
    return surprise(P[np.arange(len(P)), classes])


@misconception("cce_losses", "Softmax is applied once more: P are probabilities already.")
def softmax_once_more(P: Array, classes: Labels, surprise: Elementwise) -> Array:
    return cce_losses(_softmax(P), classes, surprise)


@misconception("cce_losses", "Only the right class counts; its probability says all about the others together.")
def terms_of_all_classes(P: Array, classes: Labels, surprise: Elementwise) -> Array:
    right = np.eye(P.shape[1])[classes]
    return np.sum(right * surprise(P) + (1 - right) * surprise(1 - P), axis=1)


@misconception("cce_losses", "The classes are counted from 0.")
def classes_from_one(P: Array, classes: Labels, surprise: Elementwise) -> Array:
    return cce_losses(P, classes - 1, surprise)


@misconception("cce_losses", "That is the squared error of the probabilities, which is another loss.")
def squared_error_of_all(P: Array, classes: Labels) -> Array:
    return np.sum((P - np.eye(P.shape[1])[classes]) ** 2, axis=1)


@quantity
def cce(cce_losses: Array, reduction: Callable[[Array], float]) -> float:
    """Categorical cross-entropy of all samples."""
    return reduction(cce_losses)


@quantity
def lowest_loss(n_classes: int, surprise: Elementwise) -> float:
    """Lowest loss that is left where softmax is applied to probabilities."""
    return float(surprise(np.asarray(np.e / (np.e + n_classes - 1))))


@misconception("lowest_loss", "That would need logits without bound. The second softmax sees numbers from 0 to 1 only.")
def no_floor(n_classes: int) -> float:
    return 0.0


@misconception("lowest_loss", "That is the loss of equal probabilities. A sure network gets below it even here.")
def loss_of_guessing(n_classes: int, surprise: Elementwise) -> float:
    return float(surprise(np.asarray(1 / n_classes)))


@misconception("lowest_loss", "The right class is one of the classes: there is one fewer of the others.")
def others_miscounted(n_classes: int, surprise: Elementwise) -> float:
    return float(surprise(np.asarray(np.e / (np.e + n_classes))))


# --- Cross-entropy of logits, as functions. For one sample, those that give a mean or a sum agree with the others. ---


def _softmax(z):
    grown = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return grown / np.sum(grown, axis=-1, keepdims=True)


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _binary(z, t):
    return np.logaddexp(0, z) - t * z


@function
def binary_loss(z, t):
    """Binary cross-entropy of each sample, from logits z, shape (n,)."""
    return _binary(z, t)


@trial("binary_loss")
def binary_one_by_one(binary_loss, z, t):
    """Return the loss of each sample by itself, and the mean of what is returned for all of them."""
    import numpy as np  # noqa: PLC0415 - a trial brings its own

    batches = [*((z[i : i + 1], t[i : i + 1]) for i in range(len(t))), (z, t)]
    found = [binary_loss(*batch) for batch in batches]
    return None if any(one is None for one in found) else [float(np.mean(np.asarray(one))) for one in found]


@cases("binary_one_by_one")
def for_binary_loss(rng):
    for n in (4, 6):
        yield rng.normal(scale=2.0, size=n), rng.permutation(np.arange(n) % 2)


@property_of("binary_loss", "the loss of several samples should be their losses, or the mean or the sum of these.")
def binary_agrees(inputs, result):
    return _agrees(_binary(*inputs), result)


def _agrees(losses, result):
    """Return whether single samples have these ``losses``, and all of them the mean or the sum; or what is wrong."""
    result = np.asarray(result, dtype=float)
    if not np.allclose(result[:-1], losses, rtol=1e-6, atol=1e-8):
        return "A single sample has another loss."
    return bool(np.any(np.isclose(result[-1], [np.mean(losses), np.sum(losses)], rtol=1e-6, atol=1e-8)))


@misconception("binary_loss", "The sigmoid is applied twice.")
def sigmoid_twice(z, t):
    return _binary(_sigmoid(z), t)


@misconception("binary_loss", "Samples with target 0 cost nothing here. For them, the probability of 0 counts.")
def zeros_cost_nothing(z, t):
    return -t * np.log(_sigmoid(z))


@misconception("binary_loss", "The sigmoid itself comes back: its logarithm is missing.")
def likelihood_of_logits(z, t):
    return -(t * _sigmoid(z) + (1 - t) * _sigmoid(-z))


def _categorical(Z, classes):
    shifted = Z - np.max(Z, axis=1, keepdims=True)
    return np.log(np.sum(np.exp(shifted), axis=1)) - shifted[np.arange(len(Z)), classes]


@function
def categorical_loss(Z, classes):
    """Categorical cross-entropy of each sample, from logits Z, shape (n, k)."""
    return _categorical(Z, classes)


@trial("categorical_loss")
def one_by_one(categorical_loss, Z, classes):
    """Return the loss of each sample by itself, and the mean of what is returned for all of them."""
    import numpy as np  # noqa: PLC0415 - a trial brings its own

    batches = [*((Z[i : i + 1], classes[i : i + 1]) for i in range(len(Z))), (Z, classes)]
    found = [categorical_loss(*batch) for batch in batches]
    return None if any(one is None for one in found) else [float(np.mean(np.asarray(one))) for one in found]


@cases("one_by_one")
def usual(rng):
    for n, k in ((4, 3), (3, 5)):
        yield rng.normal(scale=2.0, size=(n, k)), rng.integers(0, k, size=n)


@cases("one_by_one")
def large(rng):
    for sign in (1, -1):
        yield sign * 900 + rng.normal(scale=2.0, size=(3, 4)), rng.integers(0, 4, size=3)


@property_of("categorical_loss", "the loss of several samples should be their losses, or the mean or the sum of these.")
def categorical_agrees(inputs, result):
    return _agrees(_categorical(*inputs), result)


@misconception(
    "categorical_loss",
    "Softmax is applied twice: probabilities are no logits any more. The loss cannot come near zero then.",
    also_loses=("categorical_loss_large",),
)
def softmax_twice(Z, classes):
    return _categorical(_softmax(Z), classes)


@misconception(
    "categorical_loss",
    "The logit itself comes back, with a minus: softmax and logarithm are missing.",
    also_loses=("categorical_loss_large",),
)
def negative_logit(Z, classes):
    return -Z[np.arange(len(Z)), classes]


@misconception(
    "categorical_loss",
    "The probability itself comes back, with a minus: the logarithm is missing.",
    also_loses=("categorical_loss_large",),
)
def negative_probability(Z, classes):
    return -_softmax(Z)[np.arange(len(Z)), classes]


@misconception(
    "categorical_loss",
    "Softmax runs over the samples. It should run over the classes of each.",
    also_loses=("categorical_loss_large",),
)
def softmax_over_samples(Z, classes):
    return -np.log(_softmax(Z.T).T[np.arange(len(Z)), classes])


@misconception(
    "categorical_loss",
    "For large logits the exponential overflows: subtract the largest logit of each sample first.",
    shows_in="categorical_loss_large",
)
def exponential_overflows(Z, classes):
    with np.errstate(all="ignore"):
        grown = np.exp(Z)
        return -np.log(grown[np.arange(len(Z)), classes] / np.sum(grown, axis=1))


# --- SGD and Adam (I21). What runs through all steps is hidden, so that a mistake in it costs once. ---


@quantity
def direction() -> float:
    """Sign of a step along the gradient."""
    return -1.0


@misconception("direction", "The steps go uphill. The gradient points to where the loss grows; subtract it.")
def uphill() -> float:
    return 1.0


@quantity
def theta_sgd(theta: Array, g1: Array, g2: Array, learning_rate: float, direction: float) -> Array:
    """Parameters after two steps of SGD, shape (3,)."""
    return theta + direction * learning_rate * (g1 + g2)


@quantity
def theta_momentum(theta: Array, g1: Array, g2: Array, learning_rate: float, beta1: float, direction: float) -> Array:
    """The same with momentum, as some count it to SGD."""
    return theta + direction * learning_rate * (g1 + beta1 * g1 + g2)


@misconception("theta_sgd", "The gradients were subtracted as they are. Multiply them by the learning rate first.")
def rate_omitted(theta: Array, g1: Array, g2: Array, direction: float) -> Array:
    return theta + direction * (g1 + g2)


@misconception("theta_sgd", "The second step is missing, or starts anew.")
def one_step_only(theta: Array, g2: Array, learning_rate: float, direction: float) -> Array:
    return theta + direction * learning_rate * g2


@quantity
def betas(beta1: float, beta2: float) -> Pair:
    """Decays of the first and of the second moment."""
    return beta1, beta2


@misconception("betas", "The two decays are swapped: `beta1` belongs to the first moment, `beta2` to the second.")
def betas_swapped(beta1: float, beta2: float) -> Pair:
    return beta2, beta1


@quantity
def weights(betas: Pair) -> tuple[Pair, Pair]:
    """Weights of what was before and of what is new, in the first and in the second moment."""
    return (betas[0], 1 - betas[0]), (betas[1], 1 - betas[1])


@misconception("weights", "The gradient enters as it is. A moment is a moving average: the new share is 1 - beta.")
def new_share_omitted(betas: Pair) -> tuple[Pair, Pair]:
    return (betas[0], 1), (betas[1], 1)


@misconception("weights", "Old and new are exchanged: beta is the share of what was before, 1 - beta that of the new.")
def shares_exchanged(betas: Pair) -> tuple[Pair, Pair]:
    return (1 - betas[0], betas[0]), (1 - betas[1], betas[1])


@misconception("weights", "The moment before is forgotten: each step adds to what is left of it.", shows_in="m2")
def past_forgotten(betas: Pair) -> tuple[Pair, Pair]:
    return (0, 1 - betas[0]), (0, 1 - betas[1])


@quantity
def square() -> Elementwise:
    """What the second moment averages."""
    return np.square


@misconception("square", "The second moment averages the squares of the gradients, not their sizes.")
def sizes_for_squares() -> Elementwise:
    return np.abs


@quantity
def m1(g1: Array, weights: tuple[Pair, Pair]) -> Array:
    """First moment after the first step, shape (3,)."""
    return weights[0][1] * g1


@quantity
def v1(g1: Array, weights: tuple[Pair, Pair], square: Elementwise) -> Array:
    """Second moment after the first step, shape (3,)."""
    return weights[1][1] * square(g1)


@quantity
def corrections(betas: Pair) -> tuple[Pair, Pair]:
    """What the two moments are divided by in the first and in the second step."""
    return (1 - betas[0], 1 - betas[1]), (1 - betas[0] ** 2, 1 - betas[1] ** 2)


@misconception("corrections", "The moments are not corrected: they start at zero, and are too small in early steps.")
def bias_not_corrected() -> tuple[Pair, Pair]:
    return (1.0, 1.0), (1.0, 1.0)


@misconception("corrections", "The correction makes the moments smaller still. It should undo that they start at zero.")
def correction_multiplied(betas: Pair) -> tuple[Pair, Pair]:
    return (1 / (1 - betas[0]), 1 / (1 - betas[1])), (1 / (1 - betas[0] ** 2), 1 / (1 - betas[1] ** 2))


@misconception(
    "corrections",
    "The correction is that of the first step again. It fades with the number of the step.",
    shows_in="m2_hat",
)
def steps_not_counted(betas: Pair) -> tuple[Pair, Pair]:
    return (1 - betas[0], 1 - betas[1]), (1 - betas[0], 1 - betas[1])


@quantity
def m1_hat(m1: Array, corrections: tuple[Pair, Pair]) -> Array:
    """First moment, corrected, in the first step, shape (3,)."""
    return m1 / corrections[0][0]


@quantity
def v1_hat(v1: Array, corrections: tuple[Pair, Pair]) -> Array:
    """Second moment, corrected, in the first step, shape (3,)."""
    return v1 / corrections[0][1]


@quantity
def root() -> Elementwise:
    """What the second moment goes through in the denominator."""
    return np.sqrt


@misconception("root", "The square root is missing: the step is divided by the root of the second moment.")
def root_missing() -> Elementwise:
    return lambda v: v


@quantity
def theta1(
    theta: Array,
    m1_hat: Array,
    v1_hat: Array,
    learning_rate: float,
    epsilon: float,
    direction: float,
    root: Elementwise,
) -> Array:
    """Parameters after the first step of Adam, shape (3,)."""
    return theta + direction * learning_rate * m1_hat / (root(v1_hat) + epsilon)


@quantity
def theta1_epsilon_inside(
    theta: Array, m1_hat: Array, v1_hat: Array, learning_rate: float, epsilon: float, direction: float
) -> Array:
    """The same with epsilon below the root."""
    return theta + direction * learning_rate * m1_hat / np.sqrt(v1_hat + epsilon)


@quantity
def theta1_epsilon_before(
    theta: Array, m1_hat: Array, v1_hat: Array, learning_rate: float, epsilon: float, direction: float, beta2: float
) -> Array:
    """The same with epsilon added before the second moment is corrected, as in Keras."""
    return theta + direction * learning_rate * m1_hat / (np.sqrt(v1_hat) + epsilon / np.sqrt(1 - beta2))


@quantity
def m2(m1: Array, g2: Array, weights: tuple[Pair, Pair]) -> Array:
    """First moment after the second step, shape (3,)."""
    return weights[0][0] * m1 + weights[0][1] * g2


@quantity
def v2(v1: Array, g2: Array, weights: tuple[Pair, Pair], square: Elementwise) -> Array:
    """Second moment after the second step, shape (3,)."""
    return weights[1][0] * v1 + weights[1][1] * square(g2)


@quantity
def m2_hat(m2: Array, corrections: tuple[Pair, Pair]) -> Array:
    """First moment, corrected, in the second step, shape (3,)."""
    return m2 / corrections[1][0]


@quantity
def v2_hat(v2: Array, corrections: tuple[Pair, Pair]) -> Array:
    """Second moment, corrected, in the second step, shape (3,)."""
    return v2 / corrections[1][1]


@quantity
def theta2(
    theta1: Array,
    m2_hat: Array,
    v2_hat: Array,
    learning_rate: float,
    epsilon: float,
    direction: float,
    root: Elementwise,
) -> Array:
    """Parameters after the second step of Adam, shape (3,)."""
    return theta1 + direction * learning_rate * m2_hat / (root(v2_hat) + epsilon)


@quantity
def theta2_epsilon_inside(
    theta1: Array, m2_hat: Array, v2_hat: Array, learning_rate: float, epsilon: float, direction: float
) -> Array:
    """The same with epsilon below the root, from the student's own first step."""
    return theta1 + direction * learning_rate * m2_hat / np.sqrt(v2_hat + epsilon)


@quantity
def theta2_epsilon_before(
    theta1: Array, m2_hat: Array, v2_hat: Array, learning_rate: float, epsilon: float, direction: float, beta2: float
) -> Array:
    """The same with epsilon added before the second moment is corrected, from the student's own first step."""
    return theta1 + direction * learning_rate * m2_hat / (np.sqrt(v2_hat) + epsilon / np.sqrt(1 - beta2**2))


@misconception(
    "theta2", "The second step starts at the old parameters; it should go on from where the first one ended."
)
def first_step_lost(
    theta: Array, m2_hat: Array, v2_hat: Array, learning_rate: float, epsilon: float, direction: float
) -> Array:
    return theta + direction * learning_rate * m2_hat / (np.sqrt(v2_hat) + epsilon)


@misconception("theta2", "The step is taken along the gradient alone. Adam goes along the first moment.")
def gradient_for_moment(
    theta1: Array, g2: Array, v2_hat: Array, learning_rate: float, epsilon: float, direction: float
) -> Array:
    return theta1 + direction * learning_rate * g2 / (np.sqrt(v2_hat) + epsilon)


# --- A step as a function. Its parameters are judged from the moments that come with them. ---


def _adam(theta, g, moments, step, learning_rate, betas, epsilon):
    m, v = _moments(g, moments, betas)
    m_hat, v_hat = _corrected(m, step, betas[0]), _corrected(v, step, betas[1])
    return theta - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v


@function
def adam_step(theta, g, moments, step, learning_rate, betas, epsilon):
    """Parameters and both moments after that step, counted from 1."""
    return _adam(theta, g, moments, step, learning_rate, betas, epsilon)


def _moments(g, moments, betas):
    (m, v), (beta1, beta2) = moments, betas
    return beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2


def _corrected(moment, step, beta):
    return moment / (1 - beta**step)


@cases("adam_step")
def for_adam_step(rng):
    for shape, step in (((4,), 1), ((3,), 2), ((2, 3), 5)):
        theta, g = rng.normal(scale=2.0, size=(2, *shape))
        first = np.zeros(shape), np.zeros(shape)
        moments = first if step == 1 else (rng.normal(size=shape), rng.uniform(0.2, 2, shape))
        yield theta, g, moments, step, float(rng.uniform(0.1, 0.5)), (0.7, 0.95), float(rng.uniform(0.05, 0.2))


def _three(result):
    """Return what came back as three arrays, or None where it is something else."""
    parts = list(result) if isinstance(result, list | tuple | np.ndarray) else []
    return [np.asarray(one, dtype=float) for one in parts] if len(parts) == 3 else None


def _close(found, expected):
    return all(
        one.shape == np.shape(other) and np.allclose(one, other, rtol=1e-6, atol=1e-8)
        for one, other in zip(found, expected, strict=True)
    )


_THREE = "Give back three arrays: the parameters, the first and the second moment."


@property_of("adam_step", "the moments are not those of the new gradient and the moments before.")
def moments_follow(inputs, result):
    parts = _three(result)
    _, g, moments, _, _, betas, _ = inputs
    return _THREE if parts is None else _close(parts[1:], _moments(g, moments, betas))


@property_of("adam_step", "the parameters do not follow from the moments that it gives back.")
def parameters_follow(inputs, result):
    parts = _three(result)
    if parts is None:
        return _THREE
    theta, g, moments, step, learning_rate, betas, epsilon = inputs
    new, m, v = parts
    if m.shape != theta.shape or v.shape != theta.shape or not np.any(m) or np.any(v <= 0):
        return "They need moments of the parameters' shape, the second one positive."
    if _close([m, v], _moments(g, moments, betas[::-1])):  # swapped: that is charged with the moments
        betas = betas[::-1]
    m_hat, v_hat = _corrected(m, step, betas[0]), _corrected(v, step, betas[1])
    before = epsilon / np.sqrt(1 - betas[1] ** step)
    below = np.sqrt(v_hat) + epsilon, np.sqrt(v_hat + epsilon), np.sqrt(v_hat) + before
    return any(_close([new], [theta - learning_rate * m_hat / one]) for one in below)


@misconception("adam_step", "The two decays are swapped: the first one belongs to the first moment.")
def decays_swapped(theta, g, moments, step, learning_rate, betas, epsilon):
    return _adam(theta, g, moments, step, learning_rate, betas[::-1], epsilon)


@misconception("adam_step", "The moments before are forgotten: each step adds to what is left of them.")
def moments_forgotten(theta, g, moments, step, learning_rate, betas, epsilon):
    return _adam(theta, g, (0 * moments[0], 0 * moments[1]), step, learning_rate, betas, epsilon)


@misconception("adam_step", "The moments are not corrected for their start at zero.", shows_in="adam_update")
def no_correction(theta, g, moments, step, learning_rate, betas, epsilon):
    m, v = _moments(g, moments, betas)
    return theta - learning_rate * m / (np.sqrt(v) + epsilon), m, v


@misconception("adam_step", "The correction ignores the number of the step.", shows_in="adam_update")
def number_ignored(theta, g, moments, step, learning_rate, betas, epsilon):
    return _adam(theta, g, moments, 1, learning_rate, betas, epsilon)


@misconception("adam_step", "The step goes uphill: subtract it.", shows_in="adam_update")
def plus_gradient(theta, g, moments, step, learning_rate, betas, epsilon):
    return _adam(theta, g, moments, step, -learning_rate, betas, epsilon)


@misconception("adam_step", "The square root of the second moment is missing.", shows_in="adam_update")
def no_root(theta, g, moments, step, learning_rate, betas, epsilon):
    m, v = _moments(g, moments, betas)
    below = _corrected(v, step, betas[1]) + epsilon
    return theta - learning_rate * _corrected(m, step, betas[0]) / below, m, v


@misconception("adam_step", "Epsilon makes no difference in your function: use it.", shows_in="adam_update")
def epsilon_unused(theta, g, moments, step, learning_rate, betas, epsilon):
    return _adam(theta, g, moments, step, learning_rate, betas, 0.0)


@misconception(
    "adam_step",
    "The corrected moments come back. The next step needs the plain ones, and would correct these again.",
    also_loses=("adam_update",),
)
def corrected_given_back(theta, g, moments, step, learning_rate, betas, epsilon):
    theta, m, v = _adam(theta, g, moments, step, learning_rate, betas, epsilon)
    return theta, _corrected(m, step, betas[0]), _corrected(v, step, betas[1])
