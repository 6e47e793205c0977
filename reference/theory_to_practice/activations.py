"""Activations: softmax, the layer equation, and a ReLU neuron that is off (theory to practice, items I04 to I06).

Conventions: a layer is z = W·a + b with one row of W for each neuron, and a = f(z). Softmax takes e as its base. Which
letter stands for the input of an activation is left open: the slides use x and z for the same. Nothing has a unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from grader import cases, function, given, misconception, quantity, trial

Array = NDArray[np.float64]

# --- The numbers of the task ---


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the task gives. Shapes stand at the givens."""

    scores: Array
    a0: Array
    W1: Array
    b1: Array
    W2: Array
    b2: Array
    W3: Array
    b3: Array
    x: Array
    V: Array
    c: Array
    v: Array
    grad_y_hat: float


# The scores are those of the slide. The last network is that of sheet 3, exercise 3.1, in this course's layout: its
# second hidden neuron is off. The network in between is ours, since the slide prints none.
COMMON = Numbers(
    scores=np.array([2.0, 1.0, 0.1]),
    a0=np.array([1.0, -2.0, 0.5]),
    W1=np.array([[1.0, 0.5, -1.0], [-0.5, -1.0, 1.0], [0.5, -0.5, 2.0], [-1.5, 0.5, 0.5]]),
    b1=np.array([1.5, -0.5, 0.25, 1.0]),
    W2=np.array([[1.0, -0.5, 1.0, 1.0], [-1.0, 1.0, -1.5, -0.5]]),
    b2=np.array([-1.0, 0.5]),
    W3=np.array([[1.0, -0.5], [-0.5, 1.0], [1.5, 0.5]]),
    b3=np.array([-1.5, 0.5, -2.0]),
    x=np.array([1.0, -1.0, 0.0, -2.0, 2.0]),
    V=np.array([[1.0, 0.5, 1.0, 0.5, 1.0], [-1.0, 1.0, -1.0, -1.0, -3.0], [0.5, 1.0, 0.5, 0.0, 1.0]]),
    c=np.array([1.0, 2.0, 3.0]),
    v=np.array([1.0, 0.5, -0.5]),
    grad_y_hat=2.0,
)


@lru_cache(maxsize=4096)
def numbers(seed: int | None) -> Numbers:
    """Return the starter's numbers, or for an integer ``seed`` that student's own, as easy to handle."""
    if seed is None:
        return COMMON
    random = np.random.default_rng(seed)
    scores = _drawn(random, _scores, _scores_tell)
    layers = _drawn(random, _layers, _layers_tell)
    return Numbers(scores, *layers, *_drawn(random, _hidden, _hidden_tells))


def _drawn(random, draw, tells):
    """Return the first of the drawn values that ``tells`` the usual mistakes apart."""
    while not tells(drawn := draw(random)):
        pass
    return drawn


def _scores(random):
    """Return three scores with one decimal."""
    return np.asarray(random.choice(np.arange(1, 31), size=3, replace=False) / 10)


def _scores_tell(scores):
    """Say whether no usual mistake comes near to the softmax, and no rounding of it is a matter of taste."""
    right = np.exp(scores) / np.sum(np.exp(scores))
    wrong = [
        scores / np.sum(scores),
        1 / (1 + np.exp(-scores)),
        np.exp2(scores) / np.sum(np.exp2(scores)),
        np.exp(scores) / np.max(np.exp(scores)),
        1.0 * (scores == np.max(scores)),
    ]
    known = [right, *wrong]
    apart = [np.max(np.abs(one - other)) for i, one in enumerate(known) for other in known[:i]]
    sums = np.sum(np.exp(scores)), np.exp(np.sum(scores))
    ties = [np.abs(right * power % 1 - 0.5) for power in (10, 100)]
    distinct = min(apart) >= 0.06 and abs(sums[0] - sums[1]) >= 1
    return bool(distinct and np.min(ties) >= 0.05 and np.min(right) >= 0.06)


def _halves(random, *shape):
    return np.asarray(random.choice([-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0], size=shape))


def _layers(random):
    """Return a0, and weights and biases of three layers, all halves."""
    shapes = [(3,), (4, 3), (4,), (2, 4), (2,), (3, 2), (3,)]
    return tuple(_halves(random, *shape) for shape in shapes)


def _layers_tell(drawn):
    """Say whether ReLU and the biases matter in both hidden layers, and the outputs are not all but 0 or 1."""
    a0, W1, b1, W2, b2, W3, b3 = drawn
    z1 = W1 @ a0 + b1
    z2 = W2 @ np.maximum(z1, 0) + b2
    z3 = W3 @ np.maximum(z2, 0) + b3
    without1 = W1 @ a0
    without2 = W2 @ np.maximum(without1, 0)
    linear2 = W2 @ z1 + b2
    both = [np.any(z < 0) and np.any(z > 0) and np.min(np.abs(z)) >= 0.25 for z in (z1, z2, z3)]
    return bool(
        all(both)
        and all(np.max(np.abs(1 / (1 + np.exp(-z)) - np.maximum(z, 0))) >= 0.1 for z in (z1, z2, z3))
        and np.max(np.abs(z3)) <= 3
        and np.any(without1 > 0)
        and np.any(without2 > 0)
        and np.any(linear2 > 0)
        and np.max(np.abs(linear2 - z2)) >= 0.25
    )


def _hidden(random):
    """Return x, V, c, v and the derivative of the loss by the output: halves and whole numbers."""
    x = random.permutation([-2.0, -1.0, 0.0, 1.0, 2.0])
    V = random.integers(-3, 4, size=(3, 5)) / 2
    c = random.choice([-2.0, -1.5, -0.5, 0.5, 1.5, 2.0, 3.0], size=3, replace=False)
    v = random.choice([-1.5, -1.0, -0.5, 0.5, 1.0, 1.5], size=3, replace=False)
    return x, V, c, v, float(random.choice([-3.0, -2.5, -1.5, 1.5, 2.5, 3.0]))


def _hidden_tells(drawn):
    """Say whether one of three neurons is off, and no usual mistake looks right."""
    x, V, c, v, grad_y_hat = drawn
    z = V @ x + c
    on = z > 0
    grad_a = grad_y_hat * v
    return bool(
        np.sum(on) == 2
        and np.min(np.abs(z)) >= 0.25
        and np.any(V @ x > 0)  # without the biases there must be something left
        and np.any(grad_a[on] < 0)  # else ReLU of the gradient would look like its mask
        and np.any(grad_a[on] > 0)
        and np.all(z[on] != 1)  # else ReLU's output would look like its derivative
        and np.any(V[~on] != 0)  # else nothing could pass through the neuron that is off
    )


@given
def scores(seed):
    """Scores of three classes, shape (3,)."""
    return numbers(seed).scores


@given
def a0(seed):
    """Input of the network with three layers, shape (3,)."""
    return numbers(seed).a0


@given
def W1(seed):
    """Weights of layer 1, shape (4, 3): one row for each neuron."""
    return numbers(seed).W1


@given
def b1(seed):
    """Biases of layer 1, shape (4,)."""
    return numbers(seed).b1


@given
def W2(seed):
    """Weights of layer 2, shape (2, 4)."""
    return numbers(seed).W2


@given
def b2(seed):
    """Biases of layer 2, shape (2,)."""
    return numbers(seed).b2


@given
def W3(seed):
    """Weights of layer 3, shape (3, 2)."""
    return numbers(seed).W3


@given
def b3(seed):
    """Biases of layer 3, shape (3,)."""
    return numbers(seed).b3


@given
def x(seed):
    """Input of the network with one hidden layer, shape (5,)."""
    return numbers(seed).x


@given
def V(seed):
    """Weights of its hidden layer, shape (3, 5)."""
    return numbers(seed).V


@given
def c(seed):
    """Biases of its hidden layer, shape (3,)."""
    return numbers(seed).c


@given
def v(seed):
    """Weights of its output neuron, shape (3,)."""
    return numbers(seed).v


@given
def grad_y_hat(seed):
    """Derivative of the loss by its output, a scalar."""
    return numbers(seed).grad_y_hat


# --- Softmax (I04) ---


@quantity
def exponentials(scores):
    """Numerators of the softmax, shape (3,)."""
    return np.exp(scores)


@misconception("exponentials", "Those are powers of 2. Softmax takes powers of e.")
def powers_of_two(scores):
    return np.exp2(scores)


@misconception("exponentials", "The minus in the exponent belongs to the sigmoid: here a larger score counts more.")
def negative_exponents(scores):
    return np.exp(-scores)


@quantity
def exponential_sum(exponentials):
    """Denominator of the softmax, a scalar."""
    return float(np.sum(exponentials))


@misconception("exponential_sum", "That is the sum of the scores. The denominator adds up the exponentials.")
def sum_of_scores(scores):
    return float(np.sum(scores))


@misconception("exponential_sum", "That is the exponential of the sum: take the exponentials first, then add up.")
def exponential_of_sum(scores):
    return float(np.exp(np.sum(scores)))


@quantity
def probabilities(exponentials, exponential_sum):
    """Softmax of the scores, shape (3,)."""
    return exponentials / exponential_sum


# Whoever writes probabilities with one decimal, as the slide does, or with two, rounds and makes no mistake. These need
# what comes before `probabilities` and not that itself: else a wrong answer would be right after its own rounding.


@quantity
def probabilities_to_one_decimal(exponentials, exponential_sum):
    """The same, rounded as on the slide."""
    return np.round(exponentials / exponential_sum, 1)


@quantity
def probabilities_to_two_decimals(exponentials, exponential_sum):
    """The same, rounded to hundredths."""
    return np.round(exponentials / exponential_sum, 2)


@misconception("probabilities", "Those are the shares of the scores themselves; the exponential is missing.")
def shares_of_scores(scores):
    return scores / np.sum(scores)


@misconception("probabilities", "That is the sigmoid of each score by itself. Softmax weighs each against all others.")
def sigmoid_of_each(scores):
    return 1 / (1 + np.exp(-scores))


@misconception("probabilities", "You divided by the largest exponential. Only the sum makes probabilities of them.")
def divided_by_largest(exponentials):
    return exponentials / np.max(exponentials)


@misconception("probabilities", "That only says which class is likeliest. Softmax leaves something to the others.")
def one_hot(scores):
    return 1.0 * (scores == np.max(scores))


@function
def softmax(z):
    """Probabilities of the classes, shape (n,), for their scores, shape (n,)."""
    weights = np.exp(z - np.max(z))
    return weights / np.sum(weights)


@cases("softmax")
def usual(rng):
    """Scores of a few classes."""
    for classes in (3, 6):
        yield (rng.normal(scale=1.5, size=classes),)


@cases("softmax")
def large(rng):
    """Scores whose exponentials no float holds, or which are 0 as floats."""
    for place in (900.0, -900.0):
        yield (place + rng.normal(scale=1.5, size=4),)


# The same mistakes in code. They show for large scores as well.


@misconception("softmax", "It gives shares of the scores; the exponential is missing.", also_loses=("softmax_large",))
def shares_in_code(z):
    return z / np.sum(z)


@misconception("softmax", "It gives the sigmoid of each score by itself.", also_loses=("softmax_large",))
def sigmoid_in_code(z):
    return 1 / (1 + np.exp(-z))


@misconception("softmax", "It takes powers of 2 in place of powers of e.", also_loses=("softmax_large",))
def powers_of_two_in_code(z):
    weights = np.exp2(z - np.max(z))
    return weights / np.sum(weights)


@misconception("softmax", "It divides by the largest exponential; divide by their sum.", also_loses=("softmax_large",))
def largest_in_code(z):
    return np.exp(z - np.max(z))


@misconception("softmax", "It leaves nothing to all but the likeliest class.", also_loses=("softmax_large",))
def one_hot_in_code(z):
    return 1.0 * (z == np.max(z))


@misconception(
    "softmax",
    "The exponentials of large scores overflow, and those of very small ones vanish. What may you subtract from all "
    "scores without changing their softmax?",
    shows_in="softmax_large",
)
def overflowing(z):
    return np.exp(z) / np.sum(np.exp(z))


# --- Layers (I05) ---
# The activation and the biases are hidden intermediates: who forgets one, forgets it throughout, and loses it once.


@quantity
def activation():
    """The function f of the hidden layers."""
    return lambda z: np.maximum(z, 0)


@misconception("activation", "The activation is missing in the hidden layer: a = f(z), and f is ReLU there.")
def activation_omitted():
    return lambda z: z


@misconception("activation", "That is the sigmoid. The hidden layers use ReLU.")
def sigmoid_for_relu():
    return lambda z: 1 / (1 + np.exp(-z))


@misconception("activation", "Negative sums come out with their sign turned. ReLU replaces them by 0.")
def absolute_value():
    return np.abs


@quantity
def bias_weight():
    """How often a bias is added to a neuron's sum."""
    return 1.0


@misconception("bias_weight", "The biases are missing: each layer adds its own to the weighted sums.")
def biases_not_added():
    return 0.0


@quantity
def z1(W1, a0, b1, bias_weight):
    """Sums of layer 1, shape (4,)."""
    return W1 @ a0 + bias_weight * b1


@quantity
def a1(z1, activation):
    """Activations of layer 1, shape (4,)."""
    return activation(z1)


@quantity
def z2(W2, a1, b2, bias_weight):
    """Sums of layer 2, shape (2,)."""
    return W2 @ a1 + bias_weight * b2


@misconception("z2", "A layer sees the activations of the layer before it, not that layer's sums.")
def z2_from_sums(W2, z1, b2, bias_weight):
    return W2 @ z1 + bias_weight * b2


@quantity
def a2(z2, activation):
    """Activations of layer 2, shape (2,)."""
    return activation(z2)


@quantity
def z3(W3, a2, b3, bias_weight):
    """Sums of layer 3, shape (3,)."""
    return W3 @ a2 + bias_weight * b3


@misconception("z3", "A layer sees the activations of the layer before it, not that layer's sums.")
def z3_from_sums(W3, z2, b3, bias_weight):
    return W3 @ z2 + bias_weight * b3


@quantity
def a3(z3):
    """Activations of layer 3, shape (3,)."""
    return 1 / (1 + np.exp(-z3))


@misconception("a3", "That is ReLU. The last layer uses the sigmoid.")
def relu_at_output(z3):
    return np.maximum(z3, 0)


@misconception("a3", "That is the softmax. In the last layer, each sum goes through the sigmoid by itself.")
def softmax_at_output(z3):
    return np.exp(z3) / np.sum(np.exp(z3))


@misconception("a3", "The activation of the last layer is missing.")
def output_linear(z3):
    return z3


@function
def forward(a, weights, biases, f):
    """Activations of every layer, in a list."""
    activations = []
    for W, b in zip(weights, biases, strict=True):
        a = f(W @ a + b)
        activations.append(a)
    return activations


@trial("forward")
def through_layers(forward, a, weights, biases, name):
    """Return what every layer gives. Who declares the layout "a W" gets matrices with a column for each neuron."""
    import numpy as np  # noqa: PLC0415 - a trial brings all that it needs

    layout = getattr(forward, "__globals__", {}).get("layout", "W a")
    if isinstance(layout, str) and layout.strip().lower().startswith("a"):
        weights = [W.T for W in weights]
    f = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}[name]
    found = forward(a, weights, biases, f)
    return None if found is None else list(found)


@cases("through_layers")
def networks(rng):
    """Networks of one, two and four layers, no two neighbouring ones of the same size."""
    for name, sizes in (("tanh", (3, 5)), ("relu", (4, 6, 3)), ("tanh", (2, 5, 3, 6, 4))):
        pairs = list(zip(sizes[1:], sizes[:-1], strict=True))
        weights = [rng.normal(scale=0.7, size=shape) for shape in pairs]
        yield rng.normal(size=sizes[0]), weights, [rng.uniform(0.3, 0.8, size=rows) for rows, _ in pairs], name


@misconception("forward", "The biases are not added.")
def forward_without_biases(a, weights, biases, f):
    activations = []
    for W in weights:
        a = f(W @ a)
        activations.append(a)
    return activations


@misconception("forward", "Your function gives the weighted sums; put each through f before it goes on.")
def forward_without_activation(a, weights, biases, f):
    activations = []
    for W, b in zip(weights, biases, strict=True):
        a = W @ a + b
        activations.append(a)
    return activations


@misconception("forward", "Only the last layer comes back; give back the activations of every layer, in a list.")
def last_layer_only(a, weights, biases, f):
    for W, b in zip(weights, biases, strict=True):
        a = f(W @ a + b)
    return [a]


@misconception("forward", "The bias is added after f. It belongs to the sum that goes into f.")
def bias_after_activation(a, weights, biases, f):
    activations = []
    for W, b in zip(weights, biases, strict=True):
        a = f(W @ a) + b
        activations.append(a)
    return activations


@misconception(
    "forward",
    "The product fits no layer this way round: `W` has a row for each neuron. If you write a W, with a column for each "
    "neuron, say so in `layout`.",
)
def layout_unsaid(a, weights, biases, f):
    activations = []
    for W, b in zip(weights, biases, strict=True):
        a = f(a @ W + b)
        activations.append(a)
    return activations


# --- A neuron that is off (I06) ---


@quantity
def hidden_z(V, x, c, bias_weight):
    """Sums of the hidden neurons, shape (3,)."""
    return V @ x + bias_weight * c


@quantity
def hidden_a(hidden_z, activation):
    """Activations of the hidden neurons, shape (3,)."""
    return activation(hidden_z)


@quantity
def grad_v(grad_y_hat, hidden_a):
    """Gradient by the weights of the output neuron, shape (3,)."""
    return grad_y_hat * hidden_a


@misconception("grad_v", "v is multiplied by what the neurons put out, so its gradient needs them after ReLU.")
def v_sees_sums(grad_y_hat, hidden_z):
    return grad_y_hat * hidden_z


@misconception("grad_v", "That is the derivative of the output by v. One factor is missing on the way to the loss.")
def v_chain_stopped(hidden_a):
    return hidden_a


@quantity
def grad_hidden_a(grad_y_hat, v):
    """Gradient by the activations of the hidden neurons, shape (3,)."""
    return grad_y_hat * v


@misconception(
    "grad_hidden_a",
    "The gradient is blocked too early. The loss does depend on what a neuron puts out, even if that is 0 just now; "
    "only ReLU, on the way back from there, blocks.",
)
def blocked_too_early(grad_y_hat, v, hidden_z):
    return grad_y_hat * v * (hidden_z > 0)


@quantity
def grad_hidden_z(grad_hidden_a, hidden_z):
    """Gradient by the sums of the hidden neurons, shape (3,)."""
    return grad_hidden_a * (hidden_z > 0)


@misconception(
    "grad_hidden_z",
    "The gradient passes ReLU unchanged here. Multiply it by ReLU's derivative, which depends on the sign of the sum.",
)
def mask_forgotten(grad_hidden_a):
    return grad_hidden_a


@misconception(
    "grad_hidden_z",
    "ReLU was applied to the gradient. Its derivative depends on the sign of the sum, not on that of the gradient.",
)
def relu_of_gradient(grad_hidden_a):
    return np.maximum(grad_hidden_a, 0)


@misconception(
    "grad_hidden_z",
    "The gradient was multiplied by ReLU's output. The derivative of a neuron that is on is the same for all sums.",
)
def times_activation(grad_hidden_a, hidden_a):
    return grad_hidden_a * hidden_a


@quantity
def grad_V(grad_hidden_z, x):
    """Gradient by the weights of the hidden layer, shape (3, 5)."""
    return np.outer(grad_hidden_z, x)


@misconception("grad_V", "The weights of a neuron that is off have no effect on the loss: go back through its sum.")
def weights_learn_anyway(grad_hidden_a, x):
    return np.outer(grad_hidden_a, x)


@quantity
def grad_c(grad_hidden_z):
    """Gradient by the biases of the hidden layer, shape (3,)."""
    return grad_hidden_z


@misconception("grad_c", "The bias of a neuron that is off is added to its sum, too, and goes no other way.")
def bias_learns_anyway(grad_hidden_a):
    return grad_hidden_a


@misconception("grad_c", "The value of the bias was multiplied in. It is only added: how much does the sum change?")
def bias_multiplied(grad_hidden_z, c):
    return grad_hidden_z * c


@quantity
def grad_x(grad_hidden_z, V):
    """Gradient by the input, shape (5,)."""
    return V.T @ grad_hidden_z


@misconception("grad_x", "A path through the neuron that is off was counted: nothing passes there.")
def path_through_neuron_off(grad_hidden_a, V):
    return V.T @ grad_hidden_a


@function
def dead_neurons(X, W, b):
    """For each of m neurons whether it is off for all n samples, shape (m,). X has shape (n, d) and W (m, d)."""
    return ~np.any(X @ W.T + b > 0, axis=0)


@cases("dead_neurons")
def layers_with_dead_neurons(rng):
    """Two layers, each with neurons that are off for all samples, for some, and for none."""
    for _ in range(2):
        drawn = _layer(rng)
        while not _has_all_sorts(*drawn):
            drawn = _layer(rng)
        yield drawn


def _layer(rng):
    """Return samples that are not negative, as after another ReLU, weights and biases."""
    return np.abs(rng.normal(size=(7, 3))), rng.normal(size=(6, 3)), rng.normal(size=6)


def _has_all_sorts(X, W, b):
    """Say whether there are all three sorts of neurons, and some would be dead without biases, but not the same."""
    on = X @ W.T + b > 0
    dead, always = ~on.any(axis=0), on.all(axis=0)
    unbiased = ~np.any(X @ W.T > 0, axis=0)
    return dead.any() and always.any() and (~dead & ~always).any() and unbiased.any() and np.any(unbiased != dead)


@misconception("dead_neurons", "A neuron that is off for some samples still learns from the others: it is not dead.")
def off_for_one(X, W, b):
    return np.any(X @ W.T + b <= 0, axis=0)


@misconception("dead_neurons", "It is the other way round: those are the neurons that are on for some sample.")
def alive_neurons(X, W, b):
    return np.any(X @ W.T + b > 0, axis=0)


@misconception("dead_neurons", "The biases decide as well: a large negative one turns its neuron off.")
def dead_without_biases(X, W, b):
    return ~np.any(X @ W.T > 0, axis=0)
