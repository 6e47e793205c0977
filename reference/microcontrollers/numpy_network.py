"""A network in NumPy, from one neuron to one that learns XOR (microcontrollers, items E07 to E20).

Conventions: in the calculations a layer is W·x + b with one row of W for each neuron; in the class, as in the printed
listing, a sample is a row and a layer is x·W. The squared error is a sum without a factor. Nothing here has a unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from grader import cases, function, given, misconception, property_of, quantity, trial

Array = NDArray[np.float64]

# --- The numbers of the task ---


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the task gives; the sheet prints no numbers, so that these are ours. Shapes stand at the givens."""

    x: Array
    w: Array
    b: float
    n_inputs: int
    n_neurons: int
    n_connections: int
    W1: Array
    b1: Array
    W2: Array
    b2: Array
    logits: Array
    label: int
    X: Array
    Y: Array
    omega: Array
    delta_omega: Array
    eta: float
    alpha: float


COMMON = Numbers(
    x=np.array([1.0, -2.0, 0.5]),
    w=np.array([0.5, 1.0, -1.0]),
    b=0.25,
    n_inputs=20,
    n_neurons=12,
    n_connections=5,
    W1=np.array([[1.0, 0.5, -1.0], [-0.5, -1.0, 1.0], [0.5, 0.5, 2.0], [-1.5, 0.5, 0.5]]),
    b1=np.array([1.5, -0.5, 0.25, 1.0]),
    W2=np.array([[1.0, -2.0, 0.5, 1.5], [-1.0, 1.0, 2.0, -0.5]]),
    b2=np.array([-1.0, 0.5]),
    logits=np.array([2.0, 0.5, 1.0, -1.0]),
    label=2,
    X=np.array([[1.0, 0.5, -1.0], [0.0, 1.0, 2.0], [-1.0, 1.0, 0.5], [2.0, -0.5, 1.0], [0.5, -1.0, -1.5]]),
    Y=np.array([1.0, -0.5, 2.0, 0.5, -1.0]),
    omega=np.array([0.5, -1.0, 1.0]),
    delta_omega=np.array([-0.5, 0.25, 0.5]),
    eta=0.02,
    alpha=0.75,
)


@lru_cache(maxsize=4096)
def numbers(seed: int | None) -> Numbers:
    """Return the starter's numbers, or for an integer ``seed`` that student's own, as easy to handle."""
    if seed is None:
        return COMMON
    random = np.random.default_rng(seed)
    while not instructive(drawn := draw(random)):
        pass
    return drawn


def draw(random: np.random.Generator) -> Numbers:
    """Return halves and quarters, and sizes of layers that no usual mistake leads back to."""

    def halves(*shape: int) -> Array:
        return np.asarray(random.choice([-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0], size=shape))

    return Numbers(
        x=halves(3),
        w=halves(3),
        b=float(random.choice([-0.75, -0.5, 0.5, 0.75])),
        n_inputs=int(random.integers(16, 40)),
        n_neurons=int(random.integers(8, 15)),
        n_connections=int(random.integers(3, 7)),
        W1=halves(4, 3),
        b1=halves(4),
        W2=halves(2, 4),
        b2=halves(2),
        logits=np.asarray(random.permutation([2.0, 0.5, 1.0, -1.0])),
        label=int(random.integers(1, 4)),
        X=halves(5, 3),
        Y=halves(5),
        omega=halves(3),
        delta_omega=halves(3) / 2,
        eta=0.02,
        alpha=float(random.choice([0.6, 0.7, 0.75])),
    )


def instructive(n: Numbers) -> bool:
    """Say whether the activation and the biases matter everywhere, and the update has something to update."""
    neuron = float(n.w @ n.x + n.b)
    first = n.W1 @ n.x + n.b1
    second = n.W2 @ (1 / (1 + np.exp(-first))) + n.b2
    slope = n.X.T @ (n.X @ n.omega - n.Y)
    return bool(
        -3 <= neuron <= -0.5
        and 0.25 <= np.min(np.abs(first)) <= np.max(np.abs(first)) <= 3
        and np.any(first < 0)
        and 0.25 <= np.min(np.abs(second)) <= np.max(np.abs(second)) <= 3
        and np.any(second < 0)
        and n.logits[n.label] != max(n.logits)  # else the right class looks like the largest output
        and 2 <= np.min(np.abs(slope)) <= np.max(np.abs(slope)) <= 20  # so that each step can be seen
    )


@given
def x(seed):
    """Input, shape (3,)."""
    return numbers(seed).x


@given
def w(seed):
    """Weights of one neuron, shape (3,)."""
    return numbers(seed).w


@given
def b(seed):
    """Bias of that neuron, a scalar."""
    return numbers(seed).b


@given
def n_inputs(seed):
    """Inputs of a layer."""
    return numbers(seed).n_inputs


@given
def n_neurons(seed):
    """Neurons of the layer."""
    return numbers(seed).n_neurons


@given
def n_connections(seed):
    """Inputs that each neuron sees where the layer is sparsely connected."""
    return numbers(seed).n_connections


@given
def W1(seed):
    """Weights of the hidden layer, shape (4, 3): one row for each neuron."""
    return numbers(seed).W1


@given
def b1(seed):
    """Biases of the hidden layer, shape (4,)."""
    return numbers(seed).b1


@given
def W2(seed):
    """Weights of the output layer, shape (2, 4)."""
    return numbers(seed).W2


@given
def b2(seed):
    """Biases of the output layer, shape (2,)."""
    return numbers(seed).b2


@given
def logits(seed):
    """Outputs for four classes before softmax, shape (4,)."""
    return numbers(seed).logits


@given
def label(seed):
    """The right class, counted from 0."""
    return numbers(seed).label


@given
def X(seed):
    """Five samples of three features, shape (5, 3)."""
    return numbers(seed).X


@given
def Y(seed):
    """Their targets, shape (5,)."""
    return numbers(seed).Y


@given
def omega(seed):
    """Weights to be learned, shape (3,)."""
    return numbers(seed).omega


@given
def delta_omega(seed):
    """The update before the first one that is asked, shape (3,)."""
    return numbers(seed).delta_omega


@given
def eta(seed):
    """Learning rate."""
    return numbers(seed).eta


@given
def alpha(seed):
    """Momentum."""
    return numbers(seed).alpha


# --- One neuron, and layers of them (E07, E08) ---
# The activation and the biases are hidden intermediates: who takes another one, takes it throughout, and loses it once.


@quantity
def activation():
    """The function that each neuron applies to its sum."""
    return logistic


def logistic(z):
    """Return 1 / (1 + exp(-z)), element by element."""
    return 1 / (1 + np.exp(-z))


@misconception("activation", "The activation is missing: put the weighted sum through the sigmoid.")
def activation_omitted():
    return lambda z: z


@misconception("activation", "That is tanh. The task asks for the sigmoid, whose values lie between 0 and 1.")
def tanh_for_sigmoid():
    return np.tanh


@misconception("activation", "That is ReLU. The task asks for the sigmoid.")
def relu_for_sigmoid():
    return lambda z: np.maximum(z, 0)


@misconception("activation", "The minus in the exponent is missing: your sigmoid falls where it should rise.")
def minus_lost():
    return lambda z: 1 / (1 + np.exp(z))


@quantity
def bias_weight():
    """How often a bias is added to a neuron's sum."""
    return 1.0


@misconception("bias_weight", "The bias is missing: it is added to the weighted sum, here and in every layer.")
def biases_not_added():
    return 0.0


@quantity
def neuron_z(w, x, b, bias_weight):
    """Weighted sum of the single neuron, a scalar."""
    return float(w @ x + bias_weight * b)


@quantity
def neuron_output(neuron_z, activation):
    """Output of the single neuron, a scalar."""
    return float(activation(neuron_z))


@quantity
def biases_per_neuron():
    """Biases that each neuron has."""
    return 1


@misconception("biases_per_neuron", "The biases are parameters, too: each neuron has one.")
def biases_not_counted():
    return 0


@quantity
def dense_parameters(n_inputs, n_neurons, biases_per_neuron):
    """Parameters of the dense layer."""
    return n_neurons * (n_inputs + biases_per_neuron)


@misconception("dense_parameters", "There is one bias for each neuron, not one for the whole layer.")
def one_bias_for_all(n_inputs, n_neurons):
    return n_neurons * n_inputs + 1


@misconception("dense_parameters", "The biases belong to the neurons of the layer, not to its inputs.")
def one_bias_per_input(n_inputs, n_neurons):
    return n_neurons * n_inputs + n_inputs


@misconception("dense_parameters", "Every neuron has a weight for every input: sizes are multiplied, not added.")
def sizes_added(n_inputs, n_neurons):
    return n_inputs + n_neurons


@quantity
def sparse_parameters(n_connections, n_neurons, biases_per_neuron):
    """Parameters of the sparsely connected layer."""
    return n_neurons * (n_connections + biases_per_neuron)


@misconception("sparse_parameters", "That is the dense layer. A connection that is not there has no weight to count.")
def missing_connections_counted(n_inputs, n_neurons, biases_per_neuron):
    return n_neurons * (n_inputs + biases_per_neuron)


# --- Forward pass (E09) ---


@quantity
def z1(W1, x, b1, bias_weight):
    """Sums of the hidden neurons, shape (4,)."""
    return W1 @ x + bias_weight * b1


@quantity
def a1(z1, activation):
    """Activations of the hidden neurons, shape (4,)."""
    return activation(z1)


@quantity
def z2(W2, a1, b2, bias_weight):
    """Sums of the output neurons, shape (2,)."""
    return W2 @ a1 + bias_weight * b2


@misconception("z2", "The output layer sees the activations of the hidden layer, not its sums.")
def z2_from_sums(W2, z1, b2, bias_weight):
    return W2 @ z1 + bias_weight * b2


@quantity
def y_hat(z2, activation):
    """Outputs of the network, shape (2,)."""
    return activation(z2)


@misconception("y_hat", "A softmax is another output layer. Here every output goes through the sigmoid by itself.")
def softmax_at_output(z2):
    return _softmax(z2)


# --- Activations and their derivatives (E10) ---


def _activation_inputs(rng):
    yield (rng.normal(scale=2.0, size=(3, 4)),)
    yield (np.array([-3.0, -1.0, 0.0, 0.5, 2.0]) * rng.uniform(0.5, 1.5),)


@function
def relu(z):
    """ReLU, element by element."""
    return np.maximum(z, 0.0)


@cases("relu")
def for_relu(rng):
    yield from _activation_inputs(rng)


@misconception("relu", "Negative inputs come out with their sign turned: that is the absolute value.")
def absolute_value(z):
    return np.abs(z)


@misconception("relu", "This keeps what is negative. ReLU keeps what is positive.")
def negative_part(z):
    return np.minimum(z, 0.0)


@function
def sigmoid(z):
    """Sigmoid, element by element."""
    return 1 / (1 + np.exp(-z))


@cases("sigmoid")
def for_sigmoid(rng):
    yield from _activation_inputs(rng)


@misconception(
    "sigmoid",
    "Your sigmoid falls where it should rise: mind the sign of the exponent.",
    also_loses=("silu", "silu_slope", "xor"),  # where they call it; the other checks bring a right sigmoid
)
def falling_sigmoid(z):
    return 1 / (1 + np.exp(z))


@function
def tanh(z):
    """Hyperbolic tangent, element by element."""
    return np.tanh(z)


@cases("tanh")
def for_tanh(rng):
    yield from _activation_inputs(rng)


@misconception("tanh", "tanh is a sigmoid stretched to -1 … 1, but of the doubled input; the doubling is missing.")
def sigmoid_stretched_only(z):
    return 2 / (1 + np.exp(-z)) - 1


@function
def silu(z):
    """SiLU, element by element."""
    return z / (1 + np.exp(-z))


@cases("silu")
def for_silu(rng):
    yield from _activation_inputs(rng)


@misconception("silu", "That is the sigmoid. SiLU weights the input with it.")
def gate_alone(z):
    return 1 / (1 + np.exp(-z))


@function
def leaky_relu(z, slope=0.01):
    """Leaky ReLU, element by element; ``slope`` holds for negative inputs."""
    return np.where(z > 0, z, slope * z)


@cases("leaky_relu")
def for_leaky_relu(rng):
    for (z,) in _activation_inputs(rng):
        yield z, float(rng.uniform(0.05, 0.3))


@misconception("leaky_relu", "The slope that your function is given makes no difference: use it in place of a number.")
def leak_of_one_hundredth(z, slope=0.01):
    return np.where(z > 0, z, 0.01 * z) + 0 * slope


@misconception("leaky_relu", "For a negative input the slope is the result; it should be multiplied by the input.")
def leak_not_multiplied(z, slope=0.01):
    return np.where(z > 0, z, slope)


@function
def relu_slope(z):
    """Derivative of ReLU; at 0 any number from 0 to 1 will do."""
    return (z > 0) * 1.0


@cases("relu_slope")
def for_relu_slope(rng):
    yield from _activation_inputs(rng)


@misconception("relu_slope", "That is ReLU itself, not its derivative: how much does it grow per step of the input?")
def relu_again(z):
    return np.maximum(z, 0.0)


@function
def sigmoid_slope(z):
    """Derivative of the sigmoid by its input z."""
    return np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2


@cases("sigmoid_slope")
def for_sigmoid_slope(rng):
    yield from _activation_inputs(rng)


@misconception(
    "sigmoid_slope",
    "The formula s · (1 - s) needs s, the sigmoid of z. Yours has z in its place.",
    also_loses=("silu_slope",),  # where it calls this one
)
def z_times_one_minus_z(z):
    return z * (1 - z)


@function
def tanh_slope(z):
    """Derivative of tanh by its input z."""
    return 1 - np.tanh(z) ** 2


@cases("tanh_slope")
def for_tanh_slope(rng):
    yield from _activation_inputs(rng)


@misconception("tanh_slope", "The formula 1 - t² needs t, the tanh of z. Yours has z in its place.")
def one_minus_z_squared(z):
    return 1 - z**2


@function
def silu_slope(z):
    """Derivative of SiLU by its input z."""
    s = 1 / (1 + np.exp(-z))
    return s + z * s * (1 - s)


@cases("silu_slope")
def for_silu_slope(rng):
    yield from _activation_inputs(rng)


@misconception("silu_slope", "SiLU is a product, and both factors depend on z: the product rule gives two terms.")
def first_term_only(z):
    return 1 / (1 + np.exp(-z))


@misconception("silu_slope", "SiLU is a product, and both factors depend on z: the product rule gives two terms.")
def second_term_only(z):
    s = 1 / (1 + np.exp(-z))
    return z * s * (1 - s)


@function
def leaky_relu_slope(z, slope=0.01):
    """Derivative of leaky ReLU; at 0 any number from ``slope`` to 1 will do."""
    return np.where(z > 0, 1.0, slope)


@cases("leaky_relu_slope")
def for_leaky_relu_slope(rng):
    for (z,) in _activation_inputs(rng):
        yield z, float(rng.uniform(0.05, 0.3))


@misconception("leaky_relu_slope", "That is the derivative of plain ReLU: the leaky one is not flat where z < 0.")
def no_leak(z, slope=0.01):
    return (z > 0) * 1.0 + 0 * slope


# --- Losses (E11, E12) ---

_FACTORS = {
    "sum": lambda n: 1.0,  # noqa: ARG005 - a sum has no factor
    "mean": lambda n: 1 / n,
    "half sum": lambda n: 1 / 2,  # noqa: ARG005 - likewise
    "half mean": lambda n: 1 / (2 * n),
}


@function
def quadratic_error(y_hat, y):
    """Sum of the squared differences of two arrays of shape (n,)."""
    return np.sum((y_hat - y) ** 2)


@cases("declared")
def for_quadratic_error(rng):
    for n in (3, 6):
        yield rng.normal(size=n), rng.normal(size=n)


@trial("quadratic_error")
def declared(quadratic_error, y_hat, y):
    """Return the convention that was declared beside the function, and the error by it."""
    word = getattr(quadratic_error, "__globals__", {}).get("error_convention", "sum")
    return [word if isinstance(word, str) else "sum", quadratic_error(y_hat, y)]


@property_of("quadratic_error", "the error does not follow the convention that `error_convention` declares.")
def as_declared(inputs, result):
    word, value = result
    if value is None:
        return "Nothing is returned yet."
    word = " ".join(word.lower().replace("_", " ").replace("-", " ").split())
    if word not in _FACTORS:
        return f"`error_convention` should be one of {', '.join(map(repr, _FACTORS))}."
    y_hat, y = inputs
    right = _FACTORS[word](len(y)) * np.sum((y_hat - y) ** 2)
    return np.size(value) == 1 and bool(np.allclose(value, right, rtol=1e-6, atol=1e-9))


@misconception("quadratic_error", "This is the mean of the squares. It is a good convention, but say so beside it.")
def mean_undeclared(y_hat, y):
    return np.mean((y_hat - y) ** 2)


@misconception("quadratic_error", "This is half of the sum of squares. It is a good convention, but say so beside it.")
def half_undeclared(y_hat, y):
    return np.sum((y_hat - y) ** 2) / 2


@misconception("quadratic_error", "The differences are not squared.")
def absolute_error(y_hat, y):
    return np.sum(np.abs(y_hat - y))


@function
def quadratic_error_gradient(y_hat, y):
    """Gradient of the quadratic error by ``y_hat``, shape (n,)."""
    return 2 * (y_hat - y)


@cases("quadratic_error_gradient")
def for_quadratic_error_gradient(rng):
    for n in (3, 6):
        yield rng.normal(size=n), rng.normal(size=n)


@misconception(
    "quadratic_error_gradient",
    "The sign is turned: mind the inner derivative. Where an output is too large already, the error grows with it.",
)
def difference_turned(y_hat, y):
    return 2 * (y - y_hat)


@misconception("quadratic_error_gradient", "The 2 from the square is missing, and your error has no half to cancel it.")
def two_of_square_lost(y_hat, y):
    return y_hat - y


def _softmax(z):
    grown = np.exp(z - np.max(z))
    return grown / np.sum(grown)


@quantity
def probabilities(logits):
    """Softmax of the logits, shape (4,)."""
    return _softmax(logits)


@misconception("probabilities", "The logits were divided by their sum. Softmax takes the exponential first.")
def divided_by_sum(logits):
    return logits / np.sum(logits)


@misconception(
    "probabilities", "That is the sigmoid of each logit. The four must share one sum, which makes them add up."
)
def sigmoid_of_each(logits):
    return logistic(logits)


@misconception("probabilities", "That is softmax with powers of two; the base of the exponential is e.")
def powers_of_two(logits):
    return 2.0**logits / np.sum(2.0**logits)


@misconception("probabilities", "The logits were divided by the largest one. Softmax takes the exponential first.")
def divided_by_largest(logits):
    return logits / np.max(logits)


@misconception(
    "probabilities",
    "That marks the largest logit with one. Softmax is softer: every class gets a share.",
    also_loses=("cross_entropy_loss",),  # infinite
)
def hard_maximum(logits):
    return (logits == np.max(logits)) * 1.0


@quantity
def cross_entropy_loss(probabilities, label):
    """Cross-entropy of the one sample, a scalar."""
    return float(-np.log(probabilities[label]))


@misconception("cross_entropy_loss", "The minus is missing: the logarithm of a probability is negative, a loss is not.")
def loss_minus_lost(probabilities, label):
    return float(np.log(probabilities[label]))


@misconception("cross_entropy_loss", "That is the logarithm to base 2; the loss takes the natural one.")
def base_two(probabilities, label):
    return float(-np.log2(probabilities[label]))


@misconception("cross_entropy_loss", "That is the logarithm to base 10; the loss takes the natural one.")
def base_ten(probabilities, label):
    return float(-np.log10(probabilities[label]))


@misconception("cross_entropy_loss", "The logarithm is missing: this is the probability with a minus.")
def negative_probability(probabilities, label):
    return float(-probabilities[label])


@misconception("cross_entropy_loss", "That is the squared error of the probabilities, which is another loss.")
def squared_error_of_probabilities(probabilities, label):
    return float(np.sum((probabilities - np.eye(len(probabilities))[label]) ** 2))


@misconception("cross_entropy_loss", "Softmax was applied twice: the probabilities are no logits any more.")
def softmax_twice(probabilities, label):
    return float(-np.log(_softmax(probabilities)[label]))


@misconception("cross_entropy_loss", "This takes the class before the right one: `label` counts from 0.")
def label_from_one(probabilities, label):
    return float(-np.log(probabilities[label - 1]))


@function
def cross_entropy(logits, label):
    """Cross-entropy of one sample from its logits, shape (n,), and its class, counted from 0."""
    top = np.max(logits)
    return top + np.log(np.sum(np.exp(logits - top))) - logits[label]


@cases("cross_entropy")
def usual(rng):
    for n in (3, 5, 10):
        yield rng.normal(scale=2.0, size=n), int(rng.integers(n))


@cases("cross_entropy")
def large(rng):
    for shift in (900.0, -900.0):
        yield shift + rng.uniform(-3.0, 3.0, size=5), int(rng.integers(5))


@misconception(
    "cross_entropy",
    "Softmax was applied twice. The loss then has a floor far above 0, and a network cannot get below it.",
    also_loses=("cross_entropy_large",),
)
def softmax_in_function_twice(logits, label):
    p = _softmax(logits)
    return np.log(np.sum(np.exp(p))) - p[label]


@misconception(
    "cross_entropy",
    "That is the logit with a minus. What is missing is the logarithm of the sum over all classes.",
    also_loses=("cross_entropy_large",),
)
def negative_logit(logits, label):
    return -logits[label]


@misconception(
    "cross_entropy",
    "The result overflows: exp of a large logit is infinite, and of a very negative one 0. Subtract the largest first.",
    shows_in="cross_entropy_large",
)
def overflowing(logits, label):
    grown = np.exp(logits)
    return -np.log(grown[label] / np.sum(grown))


# --- Optimizers (E13 to E15) ---


@quantity
def slope_factor():
    """Factor before X.T @ (X @ omega - Y) in the gradient of the sum of squares."""
    return 2.0


@misconception("slope_factor", "The 2 from the square is missing in the gradient.")
def gradient_without_two():
    return 1.0


@misconception("slope_factor", "That is the gradient of the mean. Here the loss is the sum over the samples.")
def gradient_of_mean(Y):
    return 2 / len(Y)


@misconception("slope_factor", "The sign of the gradient is turned: mind the inner derivative.")
def gradient_turned():
    return -2.0


@quantity
def gradient_at(X, Y, slope_factor):
    """The gradient of the loss as a function of the weights."""
    return lambda weights: slope_factor * X.T @ (X @ weights - Y)


@quantity
def grad_omega(gradient_at, omega):
    """Gradient of the sum of squared errors at ``omega``, shape (3,)."""
    return gradient_at(omega)


@quantity
def omega_sgd(omega, grad_omega, eta):
    """Weights after one plain step, shape (3,)."""
    return omega - eta * grad_omega


@misconception("omega_sgd", "The step goes uphill. The gradient points to where the loss grows; subtract it.")
def step_uphill(omega, grad_omega, eta):
    return omega + eta * grad_omega


@misconception("omega_sgd", "The gradient was subtracted as it is. Multiply it by the learning rate first.")
def rate_left_out(omega, grad_omega):
    return omega - grad_omega


@misconception("omega_sgd", "This is the change alone. The step adds it to the weights.")
def change_alone(grad_omega, eta):
    return -eta * grad_omega


@quantity
def momentum_rule():
    """The update by momentum alpha, rate eta, weights, previous update, gradient there, and gradient as a function."""
    return lambda alpha, eta, weights, previous, slope, gradient_at: alpha * previous - eta * slope  # noqa: ARG005


@misconception("momentum_rule", "The momentum is missing: a share of the previous update belongs to the new one.")
def momentum_forgotten():
    return lambda alpha, eta, weights, previous, slope, gradient_at: -eta * slope  # noqa: ARG005


@misconception(
    "momentum_rule",
    "alpha multiplies the previous weights here. What the momentum carries on is the previous update, so the last "
    "change of the weights; with the weights themselves the steps would grow without end. The sheet's sentence can be "
    "read both ways, its formula cannot.",
)
def weights_for_update():
    return lambda alpha, eta, weights, previous, slope, gradient_at: alpha * weights - eta * slope  # noqa: ARG005


@misconception(
    "momentum_rule",
    "This is a moving average: the gradient is weighted with one minus alpha. The sheet's rule takes it in full.",
)
def moving_average():
    return lambda alpha, eta, weights, previous, slope, gradient_at: (  # noqa: ARG005
        alpha * previous - (1 - alpha) * eta * slope
    )


@misconception(
    "momentum_rule",
    "This is Nesterov's variant, with the gradient taken ahead. The sheet's rule takes it at the current weights.",
)
def taken_ahead():
    return lambda alpha, eta, weights, previous, slope, gradient_at: (  # noqa: ARG005
        alpha * previous - eta * gradient_at(weights + alpha * previous)
    )


@quantity
def update_sign():
    """Factor with which an update is added to the weights."""
    return 1.0


@misconception(
    "update_sign", "The update is subtracted. It holds the minus of the step already, so it is added to the weights."
)
def update_subtracted():
    return -1.0


@quantity
def delta_1(momentum_rule, alpha, eta, omega, delta_omega, grad_omega, gradient_at):
    """First update with momentum, shape (3,)."""
    return momentum_rule(alpha, eta, omega, delta_omega, grad_omega, gradient_at)


@quantity
def omega_1(omega, delta_1, update_sign):
    """Weights after the first update, shape (3,)."""
    return omega + update_sign * delta_1


@quantity
def delta_2(momentum_rule, alpha, eta, omega_1, delta_1, gradient_at):
    """Second update, from the first one, shape (3,)."""
    return momentum_rule(alpha, eta, omega_1, delta_1, gradient_at(omega_1), gradient_at)


@quantity
def omega_2(omega_1, delta_2, update_sign):
    """Weights after the second update, shape (3,)."""
    return omega_1 + update_sign * delta_2


@quantity
def delta_3(momentum_rule, alpha, eta, omega_2, delta_2, gradient_at):
    """Third update, from the second one, shape (3,)."""
    return momentum_rule(alpha, eta, omega_2, delta_2, gradient_at(omega_2), gradient_at)


@quantity
def omega_3(omega_2, delta_3, update_sign):
    """Weights after the third update, shape (3,)."""
    return omega_2 + update_sign * delta_3


@function
def total_loss(omega, X, Y):
    """Sum of the squared errors of all samples."""
    return np.sum((X @ omega - Y) ** 2)


@function
def total_gradient(omega, X, Y):
    """Its gradient by ``omega``, shape (d,)."""
    return 2 * X.T @ (X @ omega - Y)


def _regressions(rng):
    for n, d in ((4, 2), (5, 3)):
        yield rng.normal(size=d), rng.normal(size=(n, d)), rng.normal(size=n)


@cases("total_gradient")
def for_total_gradient(rng):
    yield from _regressions(rng)


@cases("whole_and_parts")
def for_whole_and_parts(rng):
    yield from _regressions(rng)


@trial("total_gradient")
def whole_and_parts(total_gradient, omega, X, Y):
    """Return the gradient for all samples, and those for each sample alone."""
    return [total_gradient(omega, X, Y), [total_gradient(omega, X[i : i + 1], Y[i : i + 1]) for i in range(len(Y))]]


@property_of(
    "total_gradient",
    "the gradient for all samples is not the sum of the gradients for each of them alone.",
)
def adds_up(inputs, result):
    whole, parts = result
    if whole is None:
        return "Nothing is returned yet."
    whole, parts = np.ravel(whole), [np.ravel(one) for one in parts]
    return bool(np.any(np.abs(whole) > 1e-9) and np.allclose(whole, np.sum(parts, axis=0), rtol=1e-6, atol=1e-9))


@misconception(
    "total_gradient",
    "This is the mean over the samples. The loss is their sum, so the gradients are added up and not averaged.",
    also_loses=("adds_up",),
)
def mean_over_samples(omega, X, Y):
    return 2 * X.T @ (X @ omega - Y) / len(Y)


@misconception("total_gradient", "The gradient is that of the predictions: the chain rule goes on to the error.")
def chain_stopped(omega, X, Y):
    return np.sum(X, axis=0) + 0 * np.sum(Y) * omega


# --- The listing (E16 to E19) ---


@function
def sigmoid_derivative(a):
    """Derivative of the sigmoid, from its value ``a``: the listing calls it with activations."""
    return a * (1 - a)


@cases("sigmoid_derivative")
def for_sigmoid_derivative(rng):
    yield (rng.uniform(0.05, 0.95, size=(5, 4)),)
    yield (rng.uniform(0.05, 0.95, size=(6, 1)),)


def _slope_at_sum(z):
    return np.exp(-z) / (1 + np.exp(-z)) ** 2


@property_of("sigmoid_derivative", "it is the derivative of the sigmoid neither by its value nor by its input.")
def by_value_or_by_input(inputs, result):
    (a,) = inputs
    rights = (a * (1 - a), _slope_at_sum(a))
    return np.shape(result) == np.shape(a) and any(np.allclose(result, one, rtol=1e-6, atol=1e-9) for one in rights)


@misconception(
    "sigmoid_derivative",
    "One factor is missing: this is how much is left above the activation.",
    also_loses=("xor",),  # nothing is learned with it
)
def rest_alone(a):
    return 1 - a


class _Listing:
    """The class of the sheet. What is wrong in a wrong version is an argument of ``_descend``."""

    #: Nothing of ours to look for: its slopes are right.
    sigmoid_derivative = None

    def __init__(self, x, y):
        self.input = x
        self.weights1 = np.random.rand(x.shape[1], 4)
        self.weights2 = np.random.rand(4, 1)
        self.y = y
        self.output = np.zeros(y.shape)

    def feedforward(self):
        self.layer1 = 1 / (1 + np.exp(-(self.input @ self.weights1)))
        self.output = 1 / (1 + np.exp(-(self.layer1 @ self.weights2)))

    def backprop(self):
        _descend(self)


def _of_value(a):
    return a * (1 - a)


def _descend(network, factor=2.0, output_slope=_of_value, hidden_slope=_of_value, *, early=False):
    """Take one step of gradient descent with a rate of 1."""
    delta2 = factor * (network.y - network.output) * output_slope(network.output)
    step2 = network.layer1.T @ delta2
    through = network.weights2 + step2 if early else network.weights2
    step1 = network.input.T @ (delta2 @ through.T * hidden_slope(network.layer1))
    network.weights1 = network.weights1 + step1
    network.weights2 = network.weights2 + step2


@function
class NeuralNetwork(_Listing):
    """The network of the listing: inputs, four hidden neurons, one output, no biases."""


def _listing_inputs(rng):
    x, y = rng.normal(size=(6, 3)), rng.integers(0, 2, size=(6, 1)).astype(float)
    return x, y, rng.normal(size=(3, 4)), rng.normal(size=(4, 1))


@cases("feedforward")
def for_feedforward(rng):
    yield _listing_inputs(rng)


@trial("NeuralNetwork")
def feedforward(network, x, y, weights1, weights2):
    """Return both layers. The sigmoid is a right one, so that a slip in the student's own costs only once."""
    import numpy as np  # noqa: PLC0415 - a trial brings what it needs

    names = getattr(network.feedforward, "__globals__", {})
    own = names.get("sigmoid")
    names["sigmoid"] = lambda z: 1 / (1 + np.exp(-np.asarray(z)))
    try:
        made = network(x, y)
        made.weights1, made.weights2 = weights1.copy(), weights2.copy()
        made.feedforward()
        return [made.layer1, made.output]
    finally:
        names["sigmoid"] = own
        if own is None:
            del names["sigmoid"]


@misconception("NeuralNetwork", "The hidden layer has no activation: put its sums through the sigmoid.")
class hidden_layer_linear(_Listing):
    def feedforward(self):
        self.layer1 = self.input @ self.weights1
        self.output = 1 / (1 + np.exp(-(self.layer1 @ self.weights2)))

    def backprop(self):
        _descend(self)


@misconception("NeuralNetwork", "The output has no activation: put its sums through the sigmoid, too.")
class output_layer_linear(_Listing):
    def feedforward(self):
        self.layer1 = 1 / (1 + np.exp(-(self.input @ self.weights1)))
        self.output = self.layer1 @ self.weights2

    def backprop(self):
        _descend(self)


@cases("backprop")
def for_backprop(rng):
    for _ in range(2):
        x, y, weights1, weights2 = _listing_inputs(rng)
        layer1 = logistic(x @ weights1)
        yield x, y, weights1, weights2, layer1, logistic(layer1 @ weights2)


@trial("NeuralNetwork")
def backprop(network, x, y, weights1, weights2, layer1, output):
    """Return the change of both weights, and what the student's derivative gives for values and for sums."""
    made = network(x, y)
    made.weights1, made.weights2 = weights1.copy(), weights2.copy()
    made.layer1, made.output = layer1.copy(), output.copy()
    made.backprop()
    names = getattr(network.backprop, "__globals__", {})
    derivative = getattr(network, "sigmoid_derivative", names.get("sigmoid_derivative"))
    slopes = []
    for values in (layer1, output, x @ weights1, layer1 @ weights2):
        try:
            slopes.append(derivative(values.copy()))
        except Exception:  # noqa: BLE001 - there may be none, or one that takes something else
            slopes.append(None)
    return [made.weights1 - weights1, made.weights2 - weights2, *slopes]


def _steps(inputs, slopes):
    """Return the two right steps, for given slopes of the hidden layer and of the output."""
    x, y, _, weights2, layer1, output = inputs
    delta2 = 2 * (y - output) * slopes[1]
    return x.T @ (delta2 @ weights2.T * slopes[0]), layer1.T @ delta2


def _fits(inputs, result, place):
    """Say whether a step is right, or right for a derivative of the student's that was judged to be wrong already.

    A derivative that is right for its own argument, but is given the other one, is a mistake of this place.
    """
    step, own = np.asarray(result[place]), result[2:]
    true = [one * (1 - one) for one in inputs[4:6]]
    bases = [true]
    usable = [np.shape(one) == np.shape(true[i % 2]) for i, one in enumerate(own)]
    if all(usable) and not any(np.allclose(own[i], true[0]) for i in (0, 2)):
        bases += [one for one in (own[:2], own[2:]) if np.ptp(one[0]) > 1e-6]
    rights = [_steps(inputs, one)[place] for one in bases]
    return any(step.shape == one.shape and np.allclose(step, one, rtol=1e-6, atol=1e-9) for one in rights)


@property_of("NeuralNetwork", "`weights2` is not changed by the step downhill that the listing takes.")
def step_of_weights2(inputs, result):
    return _fits(inputs, result, 1)


@property_of("NeuralNetwork", "`weights1` is not changed by the step downhill that the listing takes.")
def step_of_weights1(inputs, result):
    return _fits(inputs, result, 0)


@misconception(
    "NeuralNetwork",
    "The weights go uphill. With y - output the expression is the negative gradient already and is added; subtract it "
    "only if you turn that difference round.",
    shows_in="d_weights2",
)
class uphill(_Listing):
    def backprop(self):
        _descend(self, factor=-2.0)


@misconception(
    "NeuralNetwork",
    "The derivative is calculated from z, but called with an activation, so the sigmoid is applied twice. The "
    "direction is nearly right, and a network may even learn, but the values are wrong: use one or the other.",
    shows_in="d_weights2",
    also_loses=("d_weights1",),
)
class sum_slope_of_value(_Listing):
    def backprop(self):
        _descend(self, output_slope=_slope_at_sum, hidden_slope=_slope_at_sum)


@misconception(
    "NeuralNetwork",
    "The 2 is missing: it belongs to the derivative of the squared error, which here has no factor of one half.",
    shows_in="d_weights2",
)
class factor_two_missing(_Listing):
    def backprop(self):
        _descend(self, factor=1.0)


@misconception(
    "NeuralNetwork",
    "The step is divided by the number of samples: a mean, where the listing takes the sum.",
    shows_in="d_weights2",
)
class step_of_mean(_Listing):
    def backprop(self):
        _descend(self, factor=2.0 / len(self.y))


@misconception(
    "NeuralNetwork",
    "The derivative of the output's sigmoid is missing: the chain rule passes through it on its way back.",
    shows_in="d_weights2",
)
class output_slope_missing(_Listing):
    def backprop(self):
        _descend(self, output_slope=np.ones_like)


@misconception(
    "NeuralNetwork",
    "The derivative of the hidden layer's sigmoid is missing on the way back to `weights1`.",
    shows_in="d_weights1",
)
class hidden_slope_missing(_Listing):
    def backprop(self):
        _descend(self, hidden_slope=np.ones_like)


@misconception(
    "NeuralNetwork",
    "`weights2` was updated too early. Calculate both steps with the old weights, and change them only then.",
    shows_in="d_weights1",
)
class weights2_updated_early(_Listing):
    def backprop(self):
        _descend(self, early=True)


# --- The class extended (E20) ---
# Judged by properties that hold whatever the factor and the gradient are: slips further up are not charged again. The
# last one is the exception: whatever the network uses, it must learn.

_PARAMETERS = ("weights1", "bias1", "weights2", "bias2")


class _Extended:
    """With learning rate, biases and momentum. Wrong versions override ``change`` or ``begin``."""

    def __init__(self, x, y, eta=0.5, alpha=0.9):
        self.input, self.y, self.eta, self.alpha = x, y, eta, alpha
        for name, shape in zip(_PARAMETERS, ((x.shape[1], 4), (4,), (4, 1), (1,)), strict=True):
            setattr(self, name, self.begin(shape))
        self.previous = dict.fromkeys(_PARAMETERS, 0.0)

    def begin(self, shape):
        return np.random.normal(size=shape)

    def feedforward(self):
        self.layer1 = 1 / (1 + np.exp(-(self.input @ self.weights1 + self.bias1)))
        self.output = 1 / (1 + np.exp(-(self.layer1 @ self.weights2 + self.bias2)))

    def backprop(self):
        delta2 = 2 * (self.output - self.y) * self.output * (1 - self.output)
        delta1 = delta2 @ self.weights2.T * self.layer1 * (1 - self.layer1)
        slopes = (self.input.T @ delta1, delta1.sum(axis=0), self.layer1.T @ delta2, delta2.sum(axis=0))
        for name, slope in zip(_PARAMETERS, slopes, strict=True):
            self.previous[name] = self.change(name, slope)
            setattr(self, name, getattr(self, name) + self.previous[name])

    def change(self, name, slope):
        return self.alpha * self.previous[name] - self.eta * slope

    def train(self):
        for _ in range(1000):
            self.feedforward()
            if np.mean((self.output - self.y) ** 2) < 0.01:
                return
            self.backprop()


@function
class ExtendedNetwork(_Extended):
    """The network of the listing with learning rate, biases and momentum."""


def _start(rng):
    x, y, weights1, weights2 = _listing_inputs(rng)
    return x, y, weights1, rng.normal(size=4), weights2, rng.normal(size=1)


@cases("learning_rate")
def for_learning_rate(rng):
    yield _start(rng)


@trial("ExtendedNetwork")
def learning_rate(network, x, y, *start):
    """Return what one step without momentum changes, for a learning rate of 0.1 and for one of 0.3."""
    import numpy as np  # noqa: PLC0415 - a trial brings what it needs

    names, found = ("weights1", "bias1", "weights2", "bias2"), []
    for eta in (0.1, 0.3):
        made = network(x, y, eta, 0.0)
        for name, value in zip(names, start, strict=True):
            shape = np.shape(getattr(made, name))
            setattr(made, name, value.reshape(shape).copy() if shape else value.item())
        made.feedforward()
        made.backprop()
        found.append([np.ravel(getattr(made, name)) - value.ravel() for name, value in zip(names, start, strict=True)])
    return found


def _moved(change):
    """Say whether both weights changed at all."""
    return all(np.max(np.abs(change[place])) > 1e-9 for place in (0, 2))


def _equal(left, right):
    pairs = zip(left, right, strict=True)
    return all(
        np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=1e-6, atol=1e-10) for one, other in pairs
    )


@property_of("ExtendedNetwork", "with three times the learning rate, the first step is not three times as long.")
def in_proportion(_, result):
    slow, fast = result
    return _moved(slow) and _equal(fast, [3 * np.asarray(one) for one in slow])


@misconception(
    "ExtendedNetwork", "The learning rate makes no difference: multiply the gradient by it.", shows_in="learning_rate"
)
class rate_without_effect(_Extended):
    def change(self, name, slope):
        return self.alpha * self.previous[name] - slope


@cases("biases")
def for_biases(rng):
    x, y, weights1, bias1, weights2, bias2 = _start(rng)
    x[:, -1] = 1.0  # an input that is always 1 has a weight that does what a bias does,
    bias1[0] = 40.0  # and so has a hidden neuron whose output is always 1
    yield x, y, weights1, bias1, weights2, bias2


@trial("ExtendedNetwork")
def biases(network, x, y, *start):
    """Return what one step changes. The sigmoid is a right one: only then is there an output that is always 1."""
    import numpy as np  # noqa: PLC0415 - a trial brings what it needs

    names = ("weights1", "bias1", "weights2", "bias2")
    made = network(x, y, 0.1, 0.0)
    for name, value in zip(names, start, strict=True):
        shape = np.shape(getattr(made, name))
        setattr(made, name, value.reshape(shape).copy() if shape else value.item())
    known = getattr(network.feedforward, "__globals__", {})
    own = known.get("sigmoid")
    known["sigmoid"] = lambda z: 1 / (1 + np.exp(-np.asarray(z)))
    try:
        made.feedforward()
        made.backprop()
    finally:
        known["sigmoid"] = own
        if own is None:
            del known["sigmoid"]
    pairs = zip(names, start, strict=True)
    return [(np.asarray(getattr(made, name)).reshape(np.shape(value)) - value) for name, value in pairs]


@property_of(
    "ExtendedNetwork",
    "the biases do not change like the weight of an input that is always 1, which is what a bias is.",
)
def like_weights_of_one(_, result):
    step1, bias1, step2, bias2 = map(np.asarray, result)
    return _moved(result) and _equal((bias1, bias2), (step1[-1], step2[0]))


@misconception("ExtendedNetwork", "The biases stay as they are: they are learned like weights.", shows_in="biases")
class biases_kept(_Extended):
    def change(self, name, slope):
        return 0 * slope if name.startswith("bias") else super().change(name, slope)


@misconception(
    "ExtendedNetwork",
    "The biases take the mean over the samples where the weights take the sum: use the same for both.",
    shows_in="biases",
)
class mean_for_biases(_Extended):
    def change(self, name, slope):
        return super().change(name, slope / len(self.y) if name.startswith("bias") else slope)


@cases("momentum")
def for_momentum(rng):
    yield _start(rng)


@trial("ExtendedNetwork")
def momentum(network, x, y, *start):
    """Return two updates with a momentum of 0.6, and the second one without: one step from the same place."""
    import numpy as np  # noqa: PLC0415 - a trial brings what it needs

    names = ("weights1", "bias1", "weights2", "bias2")

    def begun(alpha, values):
        made = network(x, y, 0.1, alpha)
        for name, value in zip(names, values, strict=True):
            shape = np.shape(getattr(made, name))
            setattr(made, name, np.reshape(value, shape).copy() if shape else np.asarray(value).item())
        return made

    def stepped(made):
        before = [np.ravel(getattr(made, name)).copy() for name in names]
        made.feedforward()
        made.backprop()
        return [np.ravel(getattr(made, name)) - old for name, old in zip(names, before, strict=True)]

    made = begun(0.6, start)
    first = stepped(made)
    plain = begun(0.0, [np.array(getattr(made, name)) for name in names])
    return [first, stepped(made), stepped(plain)]


@property_of(
    "ExtendedNetwork",
    "the second update is not the plain step from there plus `alpha` times the first update.",
)
def carried_on(_, result):
    first, second, plain = result
    return _moved(first) and _equal(second, [0.6 * np.asarray(a) + b for a, b in zip(first, plain, strict=True)])


@misconception("ExtendedNetwork", "There is no momentum: the previous update is not carried on.", shows_in="momentum")
class nothing_carried_on(_Extended):
    def change(self, name, slope):
        return -self.eta * slope + 0 * self.previous[name]


@misconception(
    "ExtendedNetwork",
    "This is a moving average: the gradient is weighted with one minus alpha. The sheet's rule takes it in full.",
    shows_in="momentum",
)
class averaged_update(_Extended):
    def change(self, name, slope):
        return self.alpha * self.previous[name] - (1 - self.alpha) * self.eta * slope


@misconception("ExtendedNetwork", "Only the weights have momentum; the biases should, too.", shows_in="momentum")
class momentum_of_weights_only(_Extended):
    def change(self, name, slope):
        return -self.eta * slope if name.startswith("bias") else super().change(name, slope)


@cases("xor")
def for_xor(rng):
    table = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    for turned in (0, 1):
        x = rng.permutation(table)
        yield x, (np.sum(x, axis=1, keepdims=True) + turned) % 2


@trial("ExtendedNetwork")
def xor(network, x, y):
    """Return the outputs of the best of four networks, each trained from another start.

    They are asked in an order in which every output is another one, so that handing back the targets is of no use.
    """
    import numpy as np  # noqa: PLC0415 - a trial brings what it needs

    zeros, ones = np.flatnonzero(y < 0.5), np.flatnonzero(y > 0.5)
    order = np.empty(len(y), int)
    order[zeros], order[ones] = ones, zeros
    least, best = np.inf, np.full(y.shape, np.nan)
    for seed in range(4):
        np.random.seed(seed)
        made = network(x.copy(), y.copy())
        made.train()
        made.input = x[order]
        made.feedforward()
        output = np.reshape(made.output, y.shape)[order]
        error = np.mean((output - y) ** 2)
        if error < least:
            least, best = error, output
        if error < 0.05:
            break
    return best


@property_of("ExtendedNetwork", "after `train()`, the mean squared error of the four outputs is not below 0.05.")
def learned(inputs, result):
    return bool(np.mean((np.asarray(result) - inputs[1]) ** 2) < 0.05)


@misconception(
    "ExtendedNetwork",
    "The weights all start at the same value. Then the hidden neurons stay copies of each other and cannot learn XOR: "
    "start from random numbers.",
    shows_in="xor",
)
class equal_start(_Extended):
    def begin(self, shape):
        return np.zeros(shape)
