"""One layer with the sigmoid: forward, loss, gradient, training (tinyML, items T08 to T13 and T15).

Conventions, as on the slides: a sample is a row, so that y_hat = sigmoid(x W^T), and row j of W belongs to output j; no
bias; the loss is 1/2 ||y_hat - y||^2, and that of several samples is the sum. Nothing here has a unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from grader import cases, function, given, misconception, property_of, quantity, trial

Array = NDArray[np.float64]

# --- The numbers of the task ---

#: Seed of the numbers that the starter shows.
SHEET = 2040


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the task gives; the slides print no numbers, so that these are ours. Shapes stand at the givens."""

    x: Array
    W: Array
    y: Array
    eta: float
    x_square: Array
    W_square: Array
    y_square: Array
    X_train: Array
    Y_train: Array
    W_start: Array
    A: Array


#: What a function bound anew after the training loses besides: its history is that of the function before.
_TRAINED_BEFORE = ("history_repeats",)


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


@lru_cache(maxsize=4096)
def numbers(seed: int | None) -> Numbers:
    """Return the starter's numbers, or for an integer ``seed`` that student's own."""
    random = np.random.default_rng(SHEET if seed is None else seed)
    while not instructive(drawn := draw(random)):
        pass
    return drawn


def draw(random: np.random.Generator) -> Numbers:
    """Return halves for what is calculated by hand, and a made data set: a layer's outputs with some noise."""

    def halves(*shape: int) -> Array:
        return np.asarray(random.choice([-1.5, -1.0, -0.5, 0.5, 1.0, 1.5], size=shape))

    inputs = np.round(random.normal(size=(12, 2)), 1)
    outputs = _sigmoid(inputs @ halves(3, 2).T) + random.normal(scale=0.1, size=(12, 3))
    return Numbers(
        x=halves(2),
        W=halves(3, 2),
        y=np.asarray(random.permutation([0.0, 1.0, random.integers(2)]), dtype=float),
        eta=float(random.choice([0.5, 1.5, 2.0])),
        x_square=halves(2),
        W_square=halves(2, 2),
        y_square=np.asarray(random.permutation([0.0, 1.0])),
        X_train=inputs,
        Y_train=np.round(np.clip(outputs, 0, 1), 2),
        W_start=halves(3, 2),
        A=bowl(float(random.choice([0.5, 0.75, 1.5])), float(random.choice([3.0, 5.0, 6.0])), random),
    )


def bowl(smallest: float, largest: float, random: np.random.Generator) -> Array:
    """Return a symmetric matrix of two decimals with these eigenvalues; it is turned by the angle of a 3-4-5 triangle.

    No two usual mistakes about its eigenvalues agree.
    """
    across, along = random.permutation([0.6, 0.8])
    turn = np.array([[across, -along], [along, across]])
    return np.round(turn @ np.diag([smallest, largest]) @ turn.T, 4)


def instructive(n: Numbers) -> bool:
    """Say whether every usual mistake shows clearly: in sums, slopes, transposes, and in the step."""
    z, z_square = n.W @ n.x, n.W_square @ n.x_square
    error, error_square = _sigmoid(z) - n.y, _sigmoid(z_square) - n.y_square
    wrong_sums = n.x_square @ n.W_square
    gradient = np.outer(error_square * _sigmoid(z_square) * _sigmoid(-z_square), n.x_square)
    return bool(
        len(np.unique(z)) == 3
        and len(np.unique(z_square)) == 2
        and 0.5 <= np.min(np.abs(z)) <= np.max(np.abs(z)) <= 2.5
        and np.min(np.abs(z_square)) >= 0.25
        and abs(error @ error - 1) >= 0.1  # else its root goes unseen
        and abs(error @ error - 2.25) >= 0.1  # else its root looks like a mean
        and slope_gap(error, z) >= 0.03
        and slope_gap(error_square, z_square) >= 0.03
        and np.max(np.abs(gradient)) >= 0.06
        and np.max(np.abs(gradient - gradient.T)) >= 0.03
        and min(np.max(np.abs(wrong_sums - sign * z_square)) for sign in (1, -1)) >= 0.5
        and np.any(np.abs(n.x - 1) >= 0.5)  # else an input that is left out goes unseen
    )


def slope_gap(error: Array, z: Array) -> float:
    """Return how far the gradients by z with the right slope, and with each of the usual wrong ones, lie apart."""
    value = _sigmoid(z)
    slopes = [value * (1 - value), z * (1 - z), _sigmoid(value) * _sigmoid(-value), np.ones_like(z), 1 - value**2]
    return min(float(np.max(np.abs(error * (one - other)))) for one, other in combinations(slopes, 2))


@given
def x(seed: int | None) -> Array:
    """One sample, shape (2,)."""
    return numbers(seed).x


@given
def W(seed: int | None) -> Array:
    """Weights of the layer, shape (3, 2): one row for each output."""
    return numbers(seed).W


@given
def y(seed: int | None) -> Array:
    """Targets of the sample, shape (3,)."""
    return numbers(seed).y


@given
def eta(seed: int | None) -> float:
    """Learning rate of the one step."""
    return numbers(seed).eta


@given
def x_square(seed: int | None) -> Array:
    """Sample of the layer with as many outputs as inputs, shape (2,)."""
    return numbers(seed).x_square


@given
def W_square(seed: int | None) -> Array:
    """Its weights, shape (2, 2), as on the slides: a transpose does not show in the shape."""
    return numbers(seed).W_square


@given
def y_square(seed: int | None) -> Array:
    """Its targets, shape (2,)."""
    return numbers(seed).y_square


@given
def X_train(seed: int | None) -> Array:
    """Twelve samples, shape (12, 2)."""
    return numbers(seed).X_train


@given
def Y_train(seed: int | None) -> Array:
    """Their targets, shape (12, 3): outputs of a layer that is not told, with noise."""
    return numbers(seed).Y_train


@given
def W_start(seed: int | None) -> Array:
    """Weights to start training from, shape (3, 2)."""
    return numbers(seed).W_start


@given
def A(seed: int | None) -> Array:
    """Matrix of the quadratic loss, shape (2, 2), symmetric with positive eigenvalues."""
    return numbers(seed).A


# --- The layer (T08) ---
# What a student takes throughout (activation, factor of the loss, slope, sign of the error) is a hidden intermediate:
# a mistake in it is inferred where it shows first, and costs once.

#: By activation: the function, and its slope from the function's value.
_ACTIVATIONS = {
    "sigmoid": (_sigmoid, lambda value: value * (1 - value)),
    "falling": (lambda z: _sigmoid(-z), lambda value: -value * (1 - value)),
    "tanh": (np.tanh, lambda value: 1 - value**2),
    "none": (lambda z: z, np.ones_like),
}


@quantity
def activation() -> str:
    """Which function each sum goes through."""
    return "sigmoid"


@quantity
def z(x: Array, W: Array) -> Array:
    """Sums of the three outputs, shape (3,)."""
    return x @ W.T


@quantity
def y_hat(z: Array, activation: str) -> Array:
    """Outputs of the layer, shape (3,)."""
    return _ACTIVATIONS[activation][0](z)


@misconception("y_hat", "A softmax is another output. Here every sum goes through the sigmoid by itself.")
def softmax_at_output(z: Array):
    return np.exp(z) / np.sum(np.exp(z))


@quantity
def y_hat_square(x_square: Array, W_square: Array, activation: str) -> Array:
    """Outputs of the layer with two inputs and two outputs, shape (2,)."""
    return _ACTIVATIONS[activation][0](x_square @ W_square.T)


@misconception(
    "y_hat_square",
    "W is not transposed here. The slides multiply by its transpose: an output belongs to a row of W, not to a column."
    " With as many outputs as inputs both can be calculated, but only one is right.",
)
def W_not_transposed(x_square: Array, W_square: Array, activation: str):
    return _ACTIVATIONS[activation][0](x_square @ W_square)


def _layers(random):
    """Yield weights and inputs: more outputs than inputs, a square one, and fewer outputs than inputs."""
    for outputs, inputs, samples in ((3, 2, 5), (2, 2, 4), (2, 4, 3)):
        yield random.normal(size=(outputs, inputs)), random.normal(size=(samples, inputs))


@function
def layer(W, X):
    """Outputs of the layer, shape (n, m), for weights of shape (m, d) and samples of shape (n, d)."""
    return _sigmoid(X @ W.T)


@cases("layer")
def for_layer(rng):
    yield from _layers(rng)
    yield rng.normal(size=(3, 4)), rng.normal(size=4)  # one sample alone


@misconception(
    "layer",
    "W is not transposed: an output belongs to a row of W. With other shapes this cannot work.",
    also_loses=_TRAINED_BEFORE,
)
def layer_not_transposed(W, X):
    return _sigmoid(X @ W)


@misconception("layer", "The activation is missing: put every sum through the sigmoid.", also_loses=_TRAINED_BEFORE)
def linear_layer(W, X):
    return X @ W.T


@misconception(
    "layer", "Your sigmoid falls where it should rise: mind the sign of the exponent.", also_loses=_TRAINED_BEFORE
)
def falling_layer(W, X):
    return 1 / (1 + np.exp(X @ W.T))


# --- The loss (T09) ---


@quantity
def loss_scale() -> float:
    """Factor before the squared length of the error."""
    return 0.5


@misconception(
    "loss_scale",
    "The factor 1/2 of this loss is missing. Libraries leave it out, too, but here it belongs to the loss and to its"
    " gradient.",
)
def half_omitted():
    return 1.0


@misconception(
    "loss_scale",
    "This is the mean over the outputs, as libraries calculate it. The loss of the slides is half of the sum.",
)
def mean_of_outputs(y: Array):
    return 1 / len(y)


@quantity
def loss(y_hat: Array, y: Array, loss_scale: float) -> float:
    """Loss of the one sample, a scalar."""
    return float(loss_scale * np.sum((y_hat - y) ** 2))


@misconception("loss", "The differences are not squared.")
def error_not_squared(y_hat: Array, y: Array, loss_scale: float):
    return float(loss_scale * np.sum(np.abs(y_hat - y)))


@misconception("loss", "A root was taken: the loss has the square of the error's length, not the length.")
def root_taken(y_hat: Array, y: Array, loss_scale: float):
    return float(loss_scale * np.sqrt(np.sum((y_hat - y) ** 2)))


def _conventions(samples, outputs):
    """Return the usual factors of a squared error, as multiples of 1/2 of the sum."""
    return [factor / count for factor in (1, 2) for count in (1, samples, outputs, samples * outputs)]


@function
def loss_of(W, X, Y):
    """Loss of all samples, a scalar: half of the sum of the squared errors."""
    return 0.5 * np.sum((layer(W, X) - Y) ** 2)


def _samples(random):
    for W, X in _layers(random):
        yield W, X, random.uniform(size=(len(X), len(W)))


def _with_outputs(random):
    """Yield the same with the layer's right outputs, so that a slip in a student's layer costs only once."""
    for W, X, Y in _samples(random):
        yield W, X, Y, _sigmoid(X @ W.T)


@cases("beside_layer")
def for_beside_layer(rng):
    yield from _with_outputs(rng)


@trial("loss_of")
def beside_layer(loss_of, W, X, Y, outputs):
    """Return the loss where the student's layer, should it be called, gives these outputs."""
    import numpy as np  # noqa: PLC0415 - a trial brings what it needs

    names = getattr(loss_of, "__globals__", {})
    own, known = names.get("layer"), {row.tobytes(): output for row, output in zip(X, outputs, strict=True)}

    def layer(weights, inputs):  # of all samples, or of some
        found = [known.get(row.tobytes()) for row in np.atleast_2d(inputs)]
        if any(one is None for one in found):
            return own(weights, inputs)
        return np.reshape(found, (*np.shape(inputs)[:-1], -1))

    if own is not None:
        names["layer"] = layer
    try:
        return loss_of(W, X, Y)
    finally:
        if own is not None:
            names["layer"] = own


@property_of("loss_of", "it is no sum of the squared errors of all outputs and samples, with a constant factor.")
def sum_of_squares(inputs, result):
    _, _, Y, outputs = inputs
    half = 0.5 * np.sum((outputs - Y) ** 2)
    rights = [factor * half for factor in _conventions(*Y.shape)]
    return np.size(result) == 1 and any(np.allclose(result, one, rtol=1e-6, atol=1e-12) for one in rights)


@misconception("loss_of", "The errors are not squared.", also_loses=_TRAINED_BEFORE)
def absolute_loss(W, X, Y):
    return 0.5 * np.sum(np.abs(_sigmoid(X @ W.T) - Y))


@misconception(
    "loss_of", "A root was taken: the loss has the squares of the errors, not their length.", also_loses=_TRAINED_BEFORE
)
def root_of_loss(W, X, Y):
    return 0.5 * np.sqrt(np.sum((_sigmoid(X @ W.T) - Y) ** 2))


@misconception(
    "loss_of", "Only the first sample counts here. The loss is the sum over all of them.", also_loses=_TRAINED_BEFORE
)
def first_sample_only(W, X, Y):
    return 0.5 * np.sum((_sigmoid(X[0] @ W.T) - Y[0]) ** 2)


# --- The gradient (T10) ---


@quantity
def error_sign() -> float:
    """Sign with which y_hat - y enters the gradient."""
    return 1.0


@misconception(
    "error_sign",
    "The sign is turned. Mind the inner derivative of the square: where an output is too large already, the loss grows"
    " with it.",
)
def error_turned():
    return -1.0


@quantity
def slope(activation: str):
    """The derivative of the activation, as a function of its input z and its value."""
    by_value = _ACTIVATIONS[activation][1]
    return lambda z, value: by_value(value)  # noqa: ARG005 - wrong ones take the sum


@misconception("slope", "The chain rule stops at the output: the derivative of the sigmoid is missing.")
def slope_omitted():
    return lambda z, value: np.ones_like(value)  # noqa: ARG005 - likewise


@misconception(
    "slope", "The formula s · (1 - s) needs the sigmoid's value in the place of s. Yours has the sum z there."
)
def slope_of_sum():
    return lambda z, value: z * (1 - z)  # noqa: ARG005 - likewise


@misconception(
    "slope", "The sigmoid was applied once more: y_hat has gone through it already, and the slope needs y_hat itself."
)
def sigmoid_twice():
    return lambda z, value: _sigmoid(value) * (1 - _sigmoid(value))  # noqa: ARG005 - likewise


# Behind those of the sign and the slope: in delta alone they look the same, and there these are the likelier ones.


@misconception("activation", "The activation is missing: put every sum through the sigmoid.")
def activation_omitted():
    return "none"


@misconception("activation", "That is tanh. The layer has the sigmoid, whose values lie between 0 and 1.")
def tanh_for_sigmoid():
    return "tanh"


@misconception("activation", "The minus in the exponent is missing: your sigmoid falls where it should rise.")
def minus_lost():
    return "falling"


@quantity
def delta(z: Array, y_hat: Array, y: Array, loss_scale: float, error_sign: float, slope) -> Array:
    """Gradient of the loss by the sums z, shape (3,)."""
    return 2 * loss_scale * error_sign * (y_hat - y) * slope(z, y_hat)


@quantity
def grad_W(delta: Array, x: Array) -> Array:
    """Gradient of the loss by W, shape (3, 2) as W."""
    return np.outer(delta, x)


@misconception("grad_W", "The input is missing: by how much does a sum change when a weight before an input does?")
def input_omitted(delta: Array, x: Array):
    return np.outer(delta, np.ones_like(x))


@misconception("grad_W", "Your delta is not used: the error alone was multiplied by the input.")
def error_for_delta(y_hat: Array, y: Array, x: Array, loss_scale: float):
    return 2 * loss_scale * np.outer(y_hat - y, x)


@quantity
def grad_square(
    x_square: Array,
    W_square: Array,
    y_hat_square: Array,
    y_square: Array,
    loss_scale: float,
    error_sign: float,
    slope,
) -> Array:
    """Gradient of the square layer's loss by its weights, shape (2, 2)."""
    steepness = slope(x_square @ W_square.T, y_hat_square)
    return np.outer(2 * loss_scale * error_sign * (y_hat_square - y_square) * steepness, x_square)


@misconception(
    "grad_square",
    "The gradient is transposed. As in W, a row belongs to an output and a column to an input; with other shapes it"
    " would not fit W.",
)
def gradient_transposed(
    x_square: Array,
    W_square: Array,
    y_hat_square: Array,
    y_square: Array,
    loss_scale: float,
    error_sign: float,
    slope,
):
    steepness = slope(x_square @ W_square.T, y_hat_square)
    return np.outer(x_square, 2 * loss_scale * error_sign * (y_hat_square - y_square) * steepness)


def _right_slope(y_hat):
    return y_hat * (1 - y_hat)


def _gradient(W, X, Y, slope=_right_slope):
    y_hat = _sigmoid(X @ W.T)
    return ((y_hat - Y) * slope(y_hat)).T @ X


@function
def grad_of(W, X, Y):
    """Gradient of the loss of all samples by W, shape (m, d)."""
    return _gradient(W, X, Y)


@cases("beside_loss")
def for_beside_loss(rng):
    yield from _with_outputs(rng)


@trial("grad_of")
def beside_loss(grad_of, W, X, Y, outputs):
    """Return what the student's layer and loss give, and the gradient where the layer gives these outputs.

    The loss is told apart by its factor; at other weights, as numerical differences need them, the layer is their own.
    """
    import numpy as np  # noqa: PLC0415 - a trial brings what it needs

    names = getattr(grad_of, "__globals__", {})
    own, known = names.get("layer"), {row.tobytes(): output for row, output in zip(X, outputs, strict=True)}

    def tried(call):
        try:
            return call()
        except Exception:  # noqa: BLE001 - a student's function may fail in any way; its own check says so
            return None

    def layer(weights, inputs):  # of all samples, or of some
        found = [known.get(row.tobytes()) for row in np.atleast_2d(inputs)]
        if not np.array_equal(weights, W) or any(one is None for one in found):
            return own(weights, inputs)
        return np.reshape(found, (*np.shape(inputs)[:-1], -1))

    by_own = tried(lambda: own(W.copy(), X.copy()))
    if own is not None:
        names["layer"] = layer
    try:
        return [by_own, tried(lambda: names["loss_of"](W.copy(), X.copy(), Y.copy())), grad_of(W, X, Y)]
    finally:
        if own is not None:
            names["layer"] = own


@property_of("grad_of", "it is not the gradient of your loss by W.")
def slope_of_loss(inputs, result):
    """Hold for the true loss, and for a student's with another usual factor or another activation in the layer."""
    W, X, Y, outputs = inputs
    own, loss, gradient = result
    if gradient is None:
        return "Nothing is returned yet."
    if np.shape(gradient) != W.shape:
        return f"For W of shape {W.shape} it has the shape {np.shape(gradient)}."
    half = 0.5 * np.sum((outputs - Y) ** 2)
    factors = {1.0, *(one for one in _conventions(*Y.shape) if _is_close(loss, one * half))}
    slopes = [_right_slope, *(one for of, one in _ACTIVATIONS.values() if _is_close(own, of(X @ W.T)))]
    rights = [((outputs - Y) * slope(outputs)).T @ X for slope in slopes]
    return any(_is_close(gradient, factor * right) for factor in factors for right in rights)


def _is_close(found, right):
    return found is not None and np.shape(found) == np.shape(right) and np.allclose(found, right, rtol=1e-5, atol=1e-7)


@misconception(
    "grad_of", "The gradient is transposed: it needs the shape of W, a row for each output.", also_loses=_TRAINED_BEFORE
)
def grad_of_transposed(W, X, Y):
    return _gradient(W, X, Y).T


@misconception(
    "grad_of",
    "The chain rule stops at the output: the derivative of the sigmoid is missing.",
    also_loses=_TRAINED_BEFORE,
)
def grad_of_without_slope(W, X, Y):
    return _gradient(W, X, Y, np.ones_like)


@misconception(
    "grad_of",
    "The formula s · (1 - s) needs the sigmoid's value in the place of s. Yours has the sum there.",
    also_loses=_TRAINED_BEFORE,
)
def grad_of_with_slope_of_sum(W, X, Y):
    z = X @ W.T
    return _gradient(W, X, Y, lambda _: z * (1 - z))


@misconception("grad_of", "The sign is turned: this points to where the loss falls.", also_loses=_TRAINED_BEFORE)
def grad_of_turned(W, X, Y):
    return -_gradient(W, X, Y)


@misconception(
    "grad_of",
    "This is twice the gradient of your loss: its factor 1/2 cancels the 2 from the square.",
    also_loses=_TRAINED_BEFORE,
)
def grad_of_doubled(W, X, Y):
    return 2 * _gradient(W, X, Y)


@misconception(
    "grad_of",
    "This is the mean over the samples. Your loss is a sum, so the gradients are added up.",
    also_loses=_TRAINED_BEFORE,
)
def grad_of_mean(W, X, Y):
    return _gradient(W, X, Y) / len(X)


# --- One step, and training (T11, T12) ---


@quantity
def W_new(W: Array, grad_W: Array, eta: float) -> Array:
    """Weights after one step of gradient descent, shape (3, 2)."""
    return W - eta * grad_W


@misconception("W_new", "The step goes uphill. The gradient points to where the loss grows; subtract it.")
def step_uphill(W: Array, grad_W: Array, eta: float):
    return W + eta * grad_W


@misconception("W_new", "The gradient was subtracted as it is. Multiply it by the learning rate first.")
def rate_omitted(W: Array, grad_W: Array):
    return W - grad_W


@misconception("W_new", "This is the change alone. The step adds it to the weights.")
def change_alone(grad_W: Array, eta: float):
    return -eta * grad_W


def _descend(W, X, Y, eta, steps, sign=-1.0):
    """Return the weights at the start and after every step."""
    path = [W]
    for _ in range(steps):
        path.append(path[-1] + sign * eta * grad_of(path[-1], X, Y))
    return path


@function
def train(W, X, Y, eta, steps):
    """Losses at the start and after every step of gradient descent with all samples, a list of steps + 1 numbers."""
    return [float(loss_of(one, X, Y)) for one in _descend(W, X, Y, eta, steps)]


@cases("downhill")
def for_downhill(rng):
    for (W, X, Y), steps in zip(_samples(rng), (6, 9, 12), strict=True):
        yield W, X, Y, float(rng.uniform(0.05, 0.1)), steps


@trial("train")
def downhill(train, W, X, Y, eta, steps):
    """Return the losses. Meanwhile loss_of and grad_of are a bowl's, so that a slip in a student's costs only once."""
    import numpy as np  # noqa: PLC0415 - a trial brings what it needs

    names = getattr(train, "__globals__", {})
    own = {name: names[name] for name in ("loss_of", "grad_of") if name in names}
    # As many times as there are samples, since a loop may ask for one after the other.
    bowl = {
        "loss_of": lambda W, X, Y: len(np.atleast_2d(X)) * np.sum((W - 0.5) ** 2) / 2,  # noqa: ARG005
        "grad_of": lambda W, X, Y: len(np.atleast_2d(X)) * (W - 0.5),  # noqa: ARG005
    }
    names.update({name: bowl[name] for name in own})
    try:
        return train(W, X, Y, eta, steps)
    finally:
        names.update(own)


_TRUE = (lambda W, X, Y: 0.5 * np.sum((_sigmoid(X @ W.T) - Y) ** 2), _gradient)
_BOWL = (
    lambda W, X, Y: len(X) * np.sum((W - 0.5) ** 2) / 2,  # noqa: ARG005 - what stands in for a loss takes the same
    lambda W, X, Y: len(X) * (W - 0.5),  # noqa: ARG005 - likewise
)


@property_of("train", "the losses are not those of so many steps of gradient descent with all samples.")
def losses_of_descent(inputs, result):
    """Hold for the true loss and for the bowl that stood in for it, each with any usual constant factor."""
    W, X, Y, eta, steps = inputs
    if np.shape(result) != (steps + 1,):
        return f"there should be one loss for the start and one for each step, {steps + 1} numbers in all."
    factors = _conventions(*Y.shape)
    for _, gradient in (_TRUE, _BOWL):
        for rate in factors:
            path = [W]
            for _ in range(steps):
                path.append(path[-1] - eta * rate * gradient(path[-1], X, Y))
            for loss, _ in (_TRUE, _BOWL):
                losses = np.array([loss(one, X, Y) for one in path])
                if any(np.allclose(result, factor * losses, rtol=1e-6, atol=1e-12) for factor in factors):
                    return True
    return False


@misconception("train", "The loss climbs, since the gradient is added. Subtract it.", also_loses=_TRAINED_BEFORE)
def train_uphill(W, X, Y, eta, steps):
    return [float(loss_of(one, X, Y)) for one in _descend(W, X, Y, eta, steps, sign=1.0)]


@misconception(
    "train",
    "Every step starts from the first weights again. Go on from those that the step before left.",
    also_loses=_TRAINED_BEFORE,
)
def steps_not_carried_on(W, X, Y, eta, steps):
    path = [W, *[W - eta * grad_of(W, X, Y)] * steps]
    return [float(loss_of(one, X, Y)) for one in path]


@misconception(
    "train", "The learning rate that your function is given makes no difference.", also_loses=_TRAINED_BEFORE
)
def rate_without_effect(W, X, Y, eta, steps):
    return [float(loss_of(one, X, Y)) for one in _descend(W, X, Y, 0.01, steps)]


@misconception(
    "train",
    "The samples are taken one after the other, with a step for each. Here a step uses all samples at once.",
    also_loses=_TRAINED_BEFORE,
)
def sample_by_sample(W, X, Y, eta, steps):
    losses = [float(loss_of(W, X, Y))]
    for _ in range(steps):
        for i in range(len(X)):
            W = W - eta * grad_of(W, X[i : i + 1], Y[i : i + 1])
        losses.append(float(loss_of(W, X, Y)))
    return losses


@misconception(
    "train",
    "The loss at the end is missing: give one for the start and one after each step.",
    also_loses=_TRAINED_BEFORE,
)
def last_left_out(W, X, Y, eta, steps):
    return [float(loss_of(one, X, Y)) for one in _descend(W, X, Y, eta, steps)[:-1]]


@misconception(
    "train",
    "The loss at the start is missing: give one for the start and one after each step.",
    also_loses=_TRAINED_BEFORE,
)
def first_left_out(W, X, Y, eta, steps):
    return [float(loss_of(one, X, Y)) for one in _descend(W, X, Y, eta, steps)[1:]]


@quantity
def history(W_start: Array, X_train: Array, Y_train: Array):
    """Losses over fifty steps for two learning rates; nobody is asked for these, any others will do as well."""
    rates = (0.1, 1.0)
    runs = [{"learning_rate": rate, "losses": train(W_start, X_train, Y_train, rate, 50)} for rate in rates]
    return {"runs": runs}


@cases("recorded")
def for_recorded(W_start, X_train, Y_train):
    yield W_start, X_train, Y_train


@trial("train")
def recorded(train, W_start, X_train, Y_train):
    """Return for each run of the history its losses, and what training gives again for the same learning rate."""
    history = getattr(train, "__globals__", {}).get("history")
    if callable(history):
        history = history(W_start, X_train, Y_train)
    runs = history.get("runs") if isinstance(history, dict) else history
    pairs = []
    for run in runs if isinstance(runs, list | tuple) else []:
        rate = run.get("learning_rate", run.get("lr")) if isinstance(run, dict) else None
        losses = [float(one) for one in run.get("losses", [])] if rate is not None else []
        if len(losses) > 1 and len(pairs) < 12:
            again = train(W_start.copy(), X_train.copy(), Y_train.copy(), float(rate), len(losses) - 1)
            pairs.append([losses, again])
    return pairs


@property_of("train", "it does not give again what `history` says.")
def as_recorded(inputs, result):
    if len(result) < 2:
        return "`history` holds fewer than two runs with a `learning_rate` and `losses`."
    return all(
        np.shape(losses) == np.shape(again) and np.allclose(losses, again, rtol=1e-3, atol=1e-3)
        for losses, again in result
    )


# --- Minima (T13) ---


@quantity
def zeros() -> dict[str, str]:
    """What is exactly zero in each situation: the loss, the gradient by W, both or neither."""
    return {"a": "both", "b": "neither", "c": "gradient", "d": "both", "e": "gradient", "f": "neither"}


@misconception(
    "zeros",
    "Zero gradient does not mean zero loss: where contradicting targets pull equally hard to both sides, or where the"
    " input is zero, nothing changes, though the error is still there.",
)
def zero_gradient_means_no_loss():
    return {"a": "both", "b": "neither", "c": "both", "d": "both", "e": "both", "f": "neither"}


@misconception(
    "zeros",
    "The sum of gradients can vanish at a minimum while that of a single sample does not: look at its own error.",
)
def vanishes_for_each_sample():
    return {"a": "both", "b": "neither", "c": "gradient", "d": "both", "e": "gradient", "f": "gradient"}


# --- A quadratic loss (T15) ---


@quantity
def lambda_max(A: Array) -> float:
    """Largest eigenvalue of A."""
    return float(np.linalg.eigvalsh(A)[-1])


@misconception("lambda_max", "That is an entry of the diagonal. It is an eigenvalue only where the rest is zero.")
def largest_on_diagonal(A: Array):
    return float(np.max(np.diag(A)))


@misconception("lambda_max", "That is the sum of both eigenvalues, the trace.")
def trace_for_eigenvalue(A: Array):
    return float(np.trace(A))


@misconception("lambda_max", "That is the other eigenvalue: asked is the largest one here.")
def smallest_for_largest(A: Array):
    return float(np.linalg.eigvalsh(A)[0])


@quantity
def lambda_min(A: Array) -> float:
    """Smallest eigenvalue of A."""
    return float(np.linalg.eigvalsh(A)[0])


@misconception("lambda_min", "That is an entry of the diagonal. It is an eigenvalue only where the rest is zero.")
def smallest_on_diagonal(A: Array):
    return float(np.min(np.diag(A)))


@misconception("lambda_min", "That is the other eigenvalue: asked is the smallest one here.")
def largest_for_smallest(A: Array):
    return float(np.linalg.eigvalsh(A)[-1])


@quantity
def eta_bound(lambda_max: float) -> float:
    """Learning rate below which gradient descent on the quadratic loss converges from everywhere."""
    return 2 / lambda_max


@misconception(
    "eta_bound",
    "With this rate a step ends just at the bottom along the steepest direction. It may go further, as long as every"
    " step ends nearer to the bottom than it began.",
)
def bottom_in_one_step(lambda_max: float):
    return 1 / lambda_max


@misconception(
    "eta_bound",
    "This would do along the flattest direction alone. The steepest one diverges first, so it sets the bound.",
)
def bound_of_flattest(lambda_min: float):
    return 2 / lambda_min


@misconception(
    "eta_bound",
    "This is the bound for the trace. Such a rate is safe, since the trace is larger than any eigenvalue, but larger"
    " rates still converge.",
)
def bound_by_trace(A: Array):
    return float(2 / np.trace(A))


@misconception("eta_bound", "This is upside down: the steeper the loss, the smaller the rate has to be.")
def bound_inverted(lambda_max: float):
    return lambda_max / 2
