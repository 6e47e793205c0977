"""Losses beyond the squared error: cross-entropy and SimCLR (tinyML, items T14 and T16 to T18).

Conventions: cross-entropy is that of one sample, from its logits, with the natural logarithm. In SimCLR the rows 2k and
2k+1 of Z are the two views of one sample, sim is the cosine, and the loss of a batch of N samples is the mean over its
2N ordered pairs. Nothing here has a unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from grader import cases, function, given, misconception, property_of, quantity, trial

Array = NDArray[np.float64]

# --- The numbers of the task ---

#: Seed of the numbers that the starter shows.
SHEET = 2034


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the task gives; the slides print no numbers, so that these are ours. Shapes stand at the givens."""

    logits: Array
    label: int
    Z: Array
    tau: float


@lru_cache(maxsize=4096)
def numbers(seed: int | None) -> Numbers:
    """Return the starter's numbers, or for an integer ``seed`` that student's own, as easy to handle."""
    random = np.random.default_rng(SHEET if seed is None else seed)
    while not instructive(drawn := draw(random)):
        pass
    return drawn


def draw(random: np.random.Generator) -> Numbers:
    """Return halves; the label is never the first class, so that counting from 1 shows."""
    return Numbers(
        logits=np.asarray(random.choice([-1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0, 2.5], size=4, replace=False)),
        label=int(random.integers(1, 4)),
        Z=np.asarray(random.choice([-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0], size=(6, 3))),
        tau=float(random.choice([0.4, 0.5, 0.6])),
    )


def instructive(n: Numbers) -> bool:
    """Say whether no two of the usual answers, right or wrong, are close to each other."""
    p, similar = _softmax(n.logits), _cosines(n.Z)
    loss = -np.log(p[n.label])
    losses = [loss, -loss, loss / np.log(2), loss / np.log(10), -np.log(_softmax(p)[n.label]), -n.logits[n.label]]
    losses += [float(np.sum((p - _one_hot(p, n.label)) ** 2)), -np.log(p[n.label - 1])]
    rules = [{}, *_WRONG_RULES]
    tables = [_pair_losses(similar, n.tau, **rule) for rule in rules]
    first, second = ([table[0, place] for table in tables] for place in (0, 1))
    order = _halves(len(similar))
    batch = [float(np.mean(table)) for table in tables]
    batch += [float(np.mean(tables[0][:, 0])), float(np.mean(_pair_losses(similar[np.ix_(order, order)], n.tau)))]
    return bool(
        abs(np.sum(n.logits)) >= 1
        and abs(np.sum(n.logits) - np.max(n.logits)) >= 1
        and p[n.label] <= 0.5
        and _gap(losses) >= 0.05
        and _gap([*first, second[0]]) >= 0.05
        and _gap([*second, first[0]]) >= 0.05
        and _gap([*batch, 2 * batch[0], 6 * batch[0]]) >= 0.08
    )


def _gap(values):
    """Return the smallest distance between two of the values."""
    return float(np.min(np.diff(np.sort(values))))


@given
def logits(seed: int | None) -> Array:
    """Outputs for four classes before softmax, shape (4,)."""
    return numbers(seed).logits


@given
def label(seed: int | None) -> int:
    """The right class, counted from 0."""
    return numbers(seed).label


@given
def Z(seed: int | None) -> Array:
    """Representations of two views of three samples, shape (6, 3): the rows 0 and 1, 2 and 3, 4 and 5 are pairs."""
    return numbers(seed).Z


@given
def tau(seed: int | None) -> float:
    """Temperature."""
    return numbers(seed).tau


# --- Softmax and cross-entropy (T16) ---


def _softmax(z):
    grown = np.exp(z - np.max(z))
    return grown / np.sum(grown)


def _one_hot(p, label):
    return np.eye(len(p))[label]


@quantity
def p(logits: Array) -> Array:
    """Softmax of the logits, shape (4,)."""
    return _softmax(logits)


@misconception("p", "The logits were divided by their sum. Softmax takes the exponential first.")
def divided_by_sum(logits: Array):
    return logits / np.sum(logits)


@misconception("p", "That is the sigmoid of each logit. The classes must share one sum, which makes them add up.")
def sigmoid_of_each(logits: Array):
    return 1 / (1 + np.exp(-logits))


@misconception(
    "p",
    "The logits were put through a sigmoid before the softmax. They are logits, although the slides use the same symbol"
    " for outputs of a sigmoid elsewhere.",
)
def sigmoid_before_softmax(logits: Array):
    return _softmax(1 / (1 + np.exp(-logits)))


@misconception("p", "That is softmax with powers of two; the base of the exponential is e.")
def powers_of_two(logits: Array):
    return 2.0**logits / np.sum(2.0**logits)


@misconception("p", "The logits were divided by the largest one. Softmax takes the exponential first.")
def divided_by_largest(logits: Array):
    return logits / np.max(logits)


@misconception(
    "p",
    "That marks the largest logit with one. Softmax is softer: every class gets a share.",
    also_loses=("loss",),  # infinite
)
def hard_maximum(logits: Array):
    return (logits == np.max(logits)) * 1.0


@quantity
def loss(p: Array, label: int) -> float:
    """Cross-entropy of the one sample, a scalar."""
    return float(-np.log(p[label]))


@misconception("loss", "The minus is missing: the logarithm of a probability is negative, a loss is not.")
def loss_minus_lost(p: Array, label: int):
    return float(np.log(p[label]))


@misconception("loss", "That is the logarithm to base 2; the loss takes the natural one.")
def base_two(p: Array, label: int):
    return float(-np.log2(p[label]))


@misconception("loss", "That is the logarithm to base 10; the loss takes the natural one.")
def base_ten(p: Array, label: int):
    return float(-np.log10(p[label]))


@misconception("loss", "The logarithm is missing: this is the probability with a minus.")
def negative_probability(p: Array, label: int):
    return float(-p[label])


@misconception("loss", "That is the squared error of the probabilities, which is another loss.")
def squared_error_of_probabilities(p: Array, label: int):
    return float(np.sum((p - _one_hot(p, label)) ** 2))


@misconception("loss", "Softmax was applied twice: the probabilities are no logits any more.")
def softmax_twice(p: Array, label: int):
    return float(-np.log(_softmax(p)[label]))


@misconception("loss", "The logit was taken for the logarithm of the probability: the sum over the classes is missing.")
def logit_for_logarithm(logits: Array, label: int):
    return float(-logits[label])


@misconception("loss", "This takes the class before the right one: `label` counts from 0.")
def label_from_one(p: Array, label: int):
    return float(-np.log(p[label - 1]))


@quantity
def grad_logits(p: Array, label: int) -> Array:
    """Gradient of the loss by the logits, shape (4,)."""
    return p - _one_hot(p, label)


@misconception("grad_logits", "The sign is turned: a larger logit of the right class must lower the loss.")
def gradient_turned(p: Array, label: int):
    return _one_hot(p, label) - p


@misconception("grad_logits", "Only the probabilities are left: the right class itself has to show in the gradient.")
def right_class_forgotten(p: Array, label: int):
    return p


@misconception(
    "grad_logits",
    "This is the gradient by the probabilities. The chain rule goes on through softmax to the logits, and all of them"
    " take part.",
)
def by_probabilities(p: Array, label: int):
    return -_one_hot(p, label) / p[label]


@misconception(
    "grad_logits",
    "This is the gradient by a squared error: the derivative of softmax was multiplied in a second time.",
)
def slope_of_sigmoid(p: Array, label: int):
    return (p - _one_hot(p, label)) * p * (1 - p)


def _logits(random):
    for classes in (3, 5, 8):
        yield random.normal(scale=2.0, size=classes)


@function
def softmax(logits):
    """Softmax of an array of logits, shape (k,)."""
    return _softmax(logits)


@cases("softmax")
def for_softmax(rng):
    yield from ((one,) for one in _logits(rng))


@misconception("softmax", "The logits are divided by their sum. Softmax takes the exponential first.")
def softmax_without_exponential(logits):
    return logits / np.sum(logits)


@misconception("softmax", "That is the sigmoid of each logit. The classes must share one sum, which makes them add up.")
def softmax_by_sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


@misconception("softmax", "The exponentials are divided by the largest one, not by their sum.")
def softmax_by_largest(logits):
    return np.exp(logits - np.max(logits))


@function
def cross_entropy(logits, label):
    """Cross-entropy of one sample from its logits, shape (k,), and its class, counted from 0."""
    top = np.max(logits)
    return top + np.log(np.sum(np.exp(logits - top))) - logits[label]


def _with_probabilities(random):
    """Yield logits, a label and the right probabilities, so that a slip in a student's softmax costs only once."""
    for one in _logits(random):
        yield one, int(random.integers(len(one))), _softmax(one)


@cases("beside_softmax")
def for_beside_softmax(rng):
    yield from _with_probabilities(rng)


@trial("cross_entropy")
def beside_softmax(cross_entropy, logits, label, probabilities):
    """Return the loss where the student's softmax, should it be called, gives these probabilities."""
    import numpy as np  # noqa: PLC0415 - a trial brings what it needs

    names = getattr(cross_entropy, "__globals__", {})
    own = names.get("softmax")
    if own is not None:
        names["softmax"] = lambda z: probabilities.copy() if np.array_equal(z, logits) else own(z)
    try:
        return cross_entropy(logits, label)
    finally:
        if own is not None:
            names["softmax"] = own


@cases("cross_entropy")
def large(rng):
    for shift in (900.0, -900.0):
        yield shift + rng.uniform(-3.0, 3.0, size=5), int(rng.integers(5))


@misconception(
    "cross_entropy",
    "Softmax is applied twice. The loss then has a floor far above 0, and a network cannot get below it.",
    also_loses=("cross_entropy_large",),
)
def softmax_in_function_twice(logits, label):
    return -np.log(_softmax(_softmax(logits))[label])


@misconception(
    "cross_entropy",
    "That is the logit with a minus: the logarithm of the sum over all classes is missing. It would be right for"
    " logarithms of probabilities, but these are logits.",
    also_loses=("cross_entropy_large",),
)
def negative_logit(logits, label):
    return -logits[label]


@misconception(
    "cross_entropy",
    "That is the logarithm to base 2; the loss takes the natural one.",
    also_loses=("cross_entropy_large",),
)
def function_to_base_two(logits, label):
    return -np.log2(_softmax(logits)[label])


@misconception(
    "cross_entropy",
    "The result overflows: exp of a large logit is infinite, and of a very negative one 0. Subtract the largest first.",
    shows_in="cross_entropy_large",
)
def overflowing(logits, label):
    grown = np.exp(logits)
    return -np.log(grown[label] / np.sum(grown))


@function
def cross_entropy_gradient(logits, label):
    """Its gradient by the logits, shape (k,)."""
    p = _softmax(logits)
    return p - _one_hot(p, label)


@cases("beside_loss")
def for_beside_loss(rng):
    yield from _with_probabilities(rng)


@trial("cross_entropy_gradient")
def beside_loss(cross_entropy_gradient, logits, label, probabilities):
    """Return the student's loss, and the gradient, where softmax, should it be called, gives these probabilities."""
    import numpy as np  # noqa: PLC0415 - a trial brings what it needs

    names = getattr(cross_entropy_gradient, "__globals__", {})
    own = names.get("softmax")
    if own is not None:
        names["softmax"] = lambda z: probabilities.copy() if np.array_equal(z, logits) else own(z)
    try:
        gradient = cross_entropy_gradient(logits, label)
        try:
            return [names["cross_entropy"](logits.copy(), label), gradient]
        except Exception:  # noqa: BLE001 - a student's loss may fail in any way; its own check says so
            return [None, gradient]
    finally:
        if own is not None:
            names["softmax"] = own


def _is_close(found, right):
    return found is not None and np.size(found) == 1 and np.allclose(found, right, rtol=1e-6)


@property_of("cross_entropy_gradient", "it is not the gradient of your loss by the logits.")
def slope_of_loss(inputs, result):
    """Hold for the true loss, and for one with the logarithm to another base, which was charged there."""
    logits, label, p = inputs
    loss, gradient = result
    if gradient is None:
        return "Nothing is returned yet."
    if np.shape(gradient) != np.shape(logits):
        return f"For {len(logits)} logits it has the shape {np.shape(gradient)}."
    factors = [1.0, *(one for one in (1 / np.log(2), 1 / np.log(10)) if _is_close(loss, -one * np.log(p[label])))]
    return any(np.allclose(gradient, one * (p - _one_hot(p, label)), rtol=1e-5, atol=1e-7) for one in factors)


@misconception("cross_entropy_gradient", "The sign is turned: a larger logit of the right class must lower the loss.")
def function_turned(logits, label):
    p = _softmax(logits)
    return _one_hot(p, label) - p


@misconception(
    "cross_entropy_gradient", "Only the probabilities are left: the right class itself has to show in the gradient."
)
def function_without_class(logits, label):
    return _softmax(logits)


@misconception(
    "cross_entropy_gradient",
    "The logits stand where their probabilities should: put them through softmax first.",
)
def logits_for_probabilities(logits, label):
    return logits - _one_hot(logits, label)


# --- SimCLR (T17) ---
# How the temperature enters and which k the sum has are hidden intermediates: who mistakes them does so in every l_ij
# and in the batch, and loses it once.


def _cosines(Z):
    directions = Z / np.linalg.norm(Z, axis=1, keepdims=True)
    return directions @ directions.T


def _all_but_itself(size, i, j):
    return np.arange(size) != i


def _itself_too(size, i, j):
    return np.ones(size, dtype=bool)


def _negatives_only(size, i, j):
    return (np.arange(size) != i) & (np.arange(size) != j)


def _unscaled(similarity, tau):
    return similarity


def _pair_loss(sim, i, j, tau, *, scaled=np.divide, kept=_all_but_itself):
    """Return l_ij: minus the logarithm of the share that j has in the sum over the k that are kept."""
    grown = np.exp(scaled(sim[i], tau))
    return float(np.log(np.sum(grown[kept(len(sim), i, j)])) - scaled(sim[i, j], tau))


def _pair_losses(sim, tau, **rules):
    """Return l for all ordered pairs, shape (N, 2): from the first view to the second, and back."""
    firsts = range(0, len(sim), 2)
    return np.array([[_pair_loss(sim, *pair, tau, **rules) for pair in ((i, i + 1), (i + 1, i))] for i in firsts])


#: Usual mistakes in every l_ij.
_WRONG_RULES = ({"scaled": np.multiply}, {"scaled": _unscaled}, {"kept": _itself_too}, {"kept": _negatives_only})


@quantity
def sim(Z: Array) -> Array:
    """Cosine similarities of all rows, shape (6, 6)."""
    return _cosines(Z)


@misconception(
    "sim",
    "These are the plain products of the rows. For the cosine each row is first divided by its length, so that only the"
    " direction counts.",
)
def product_for_cosine(Z: Array):
    return Z @ Z.T


@misconception("sim", "These are distances. A similarity is largest for the same direction.")
def distances(Z: Array):
    return np.linalg.norm(Z[:, None] - Z, axis=2)


@misconception("sim", "The products are divided by the length of one row only; both rows count.")
def one_length_only(Z: Array):
    return Z @ Z.T / np.linalg.norm(Z, axis=1, keepdims=True)


@quantity
def scaling():
    """How the temperature enters, as a function of similarity and temperature."""
    return np.divide


@misconception("scaling", "The similarity was multiplied by the temperature; it is divided by it.")
def temperature_multiplied():
    return np.multiply


@misconception("scaling", "The temperature is missing: divide every similarity by it before the exponential.")
def temperature_omitted():
    return _unscaled


@quantity
def summed():
    """Which k the sum below the fraction has, as a function of the number of rows, i and j."""
    return _all_but_itself


@misconception("summed", "The sum includes k = i. A view is not compared with itself; leave this term out.")
def itself_included():
    return _itself_too


@misconception(
    "summed",
    "The positive pair is missing in the sum below the fraction. The sum leaves out k = i alone, so that the fraction"
    " is a share.",
)
def positive_left_out():
    return _negatives_only


@quantity
def l_01(sim: Array, tau: float, scaling, summed) -> float:
    """Loss of the ordered pair of the rows 0 and 1, a scalar."""
    return _pair_loss(sim, 0, 1, tau, scaled=scaling, kept=summed)


@misconception("l_01", "The minus before the logarithm is missing: this loss is positive, since a share is below one.")
def pair_minus_lost(sim: Array, tau: float, scaling, summed):
    return -_pair_loss(sim, 0, 1, tau, scaled=scaling, kept=summed)


@misconception("l_01", "i and j are exchanged: the sum compares row i with the others, not row j.")
def pair_exchanged(sim: Array, tau: float, scaling, summed):
    return _pair_loss(sim, 1, 0, tau, scaled=scaling, kept=summed)


@quantity
def l_10(sim: Array, tau: float, scaling, summed) -> float:
    """Loss of the ordered pair of the rows 1 and 0, a scalar."""
    return _pair_loss(sim, 1, 0, tau, scaled=scaling, kept=summed)


@misconception("l_10", "This is the loss of the other order. The sum below the fraction is another one for every i.")
def taken_as_symmetric(sim: Array, tau: float, scaling, summed):
    return _pair_loss(sim, 0, 1, tau, scaled=scaling, kept=summed)


@quantity
def batch_loss(sim: Array, tau: float, scaling, summed) -> float:
    """Mean over all ordered pairs of the batch, a scalar."""
    return float(np.mean(_pair_losses(sim, tau, scaled=scaling, kept=summed)))


@misconception("batch_loss", "Only one order of each pair is counted: from the first view to the second, and not back.")
def one_order_only(sim: Array, tau: float, scaling, summed):
    return float(np.mean(_pair_losses(sim, tau, scaled=scaling, kept=summed)[:, 0]))


@misconception("batch_loss", "This is the sum over the ordered pairs; the loss of a batch is their mean.")
def sum_for_mean(sim: Array, tau: float, scaling, summed):
    return float(np.sum(_pair_losses(sim, tau, scaled=scaling, kept=summed)))


@misconception("batch_loss", "The sum is divided by the number of samples. Each of them has two views, so two terms.")
def mean_over_samples(sim: Array, tau: float, scaling, summed):
    return 2 * float(np.mean(_pair_losses(sim, tau, scaled=scaling, kept=summed)))


@misconception("batch_loss", "The rows are paired in another way: here the two views of a sample follow each other.")
def halves_paired(sim: Array, tau: float, scaling, summed):
    order = _halves(len(sim))
    return float(np.mean(_pair_losses(sim[np.ix_(order, order)], tau, scaled=scaling, kept=summed)))


def _halves(size):
    """Return the order in which the rows i and i + N follow each other."""
    return np.arange(size).reshape(2, -1).T.ravel()


def _representations(random):
    """Yield arrays of two, three and five pairs; the views of a pair are alike."""
    for samples, features in ((2, 3), (3, 4), (5, 2)):
        yield np.repeat(random.normal(size=(samples, features)), 2, axis=0) + random.normal(
            scale=0.7, size=(2 * samples, features)
        )


@function
def cosine_similarities(Z):
    """Cosine similarities of all rows, shape (2N, 2N)."""
    return _cosines(Z)


@cases("cosine_similarities")
def for_cosine_similarities(rng):
    yield from ((one,) for one in _representations(rng))


@misconception("cosine_similarities", "These are the plain products of the rows: divide each row by its length first.")
def products_of_rows(Z):
    return Z @ Z.T


@misconception("cosine_similarities", "The columns are compared. A row is one representation.")
def columns_compared(Z):
    return _cosines(Z.T)


@misconception("cosine_similarities", "All are divided by the length of the whole array; each row has its own length.")
def length_of_whole(Z):
    return Z @ Z.T / np.sum(Z**2)


@function
def simclr_loss(sim, tau):
    """Loss of a batch from its similarities, shape (2N, 2N), and the temperature, a scalar."""
    return float(np.mean(_pair_losses(sim, tau)))


@cases("simclr_loss")
def for_simclr_loss(rng):
    for one in _representations(rng):
        yield _cosines(one), float(rng.uniform(0.2, 0.7))


@misconception("simclr_loss", "The sum includes k = i. A view is not compared with itself; leave this term out.")
def batch_with_itself(sim, tau):
    return np.mean(_pair_losses(sim, tau, kept=_itself_too))


@misconception(
    "simclr_loss", "The positive pair is missing in the sum below the fraction; only k = i is left out there."
)
def batch_without_positive(sim, tau):
    return np.mean(_pair_losses(sim, tau, kept=_negatives_only))


@misconception("simclr_loss", "The similarity is multiplied by the temperature; it should be divided by it.")
def batch_temperature_multiplied(sim, tau):
    return np.mean(_pair_losses(sim, tau, scaled=np.multiply))


@misconception(
    "simclr_loss", "Only one order of each pair is counted: from the first view to the second, and not back."
)
def batch_of_one_order(sim, tau):
    return np.mean(_pair_losses(sim, tau)[:, 0])


@misconception("simclr_loss", "This is the sum over the ordered pairs; the loss of a batch is their mean.")
def batch_summed(sim, tau):
    return np.sum(_pair_losses(sim, tau))


@misconception("simclr_loss", "The sum is divided by the number of samples. Each has two views, so two terms.")
def batch_mean_over_samples(sim, tau):
    return 2 * np.mean(_pair_losses(sim, tau))


@misconception("simclr_loss", "The rows are paired in another way: here the two views of a sample follow each other.")
def batch_halves_paired(sim, tau):
    order = _halves(len(sim))
    return np.mean(_pair_losses(sim[np.ix_(order, order)], tau))
