"""One step of gradient descent for a 5-3-1 network, by hand (sheet 3, exercise 3.1).

Conventions: one sample; ``x`` is a row, so ``z1 = x @ W1 + b1``; ReLU in the hidden layer, none at the
output; L = 1/(2n) · sum (y - y_hat)² with n = 1 sample. Nothing here has a unit.

The weight tables of the printed sheet are hard to read. The reading used here is the one with which the
network without ReLU hits the target exactly (-1.75), and with it gives y_hat = 0.25 and a loss of exactly 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from grader import given, misconception, quantity

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the task gives: ``x`` (5,), ``W1`` (5, 3), ``b1`` and ``W2`` (3,), and three scalars."""

    x: Array
    y: float
    W1: Array
    b1: Array
    W2: Array
    b2: float
    learning_rate: float


PRINTED = Numbers(
    x=np.array([1.0, -1.0, 0.0, -2.0, 2.0]),
    y=-1.75,
    W1=np.array([[1.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, -1.0, 0.5], [0.5, -1.0, 0.0], [1.0, -3.0, 1.0]]),
    b1=np.array([1.0, 2.0, 3.0]),
    W2=np.array([1.0, 0.5, -0.5]),
    b2=0.0,
    learning_rate=0.1,
)


@lru_cache(maxsize=4096)
def numbers(seed: int | None) -> Numbers:
    """Return the printed numbers, or for an integer ``seed`` that student's own, as easy to handle."""
    if seed is None:
        return PRINTED
    random = np.random.default_rng(seed)
    while not instructive(drawn := draw(random)):
        pass
    return drawn


def draw(random: np.random.Generator) -> Numbers:
    """Return halves and whole numbers; ``y`` lies a multiple of a half away from the network's output."""
    x = random.permutation([-2.0, -1.0, 0.0, 1.0, 2.0])
    weights = random.integers(-3, 4, size=(5, 3)) / 2
    b1 = random.choice([-2.0, -1.5, -0.5, 0.5, 1.5, 2.0, 3.0], size=3, replace=False)
    w2 = random.choice([-1.5, -1.0, -0.5, 0.5, 1.0, 1.5], size=3, replace=False)
    b2 = float(random.choice([-1.0, -0.5, 0.5, 1.0]))
    # With an error of 2 the loss equals its derivative; with 1, a factor left out of a product goes unseen.
    error = float(random.choice([-3.0, -2.5, -1.5, 1.5, 2.5, 3.0]))
    y = float(np.maximum(x @ weights + b1, 0) @ w2) + b2 - error
    return Numbers(x, y, weights, b1, w2, b2, float(random.choice([0.1, 0.2])))


def instructive(n: Numbers) -> bool:
    """Say whether ReLU and its derivative matter, and no usual mistake makes the rest of the task trivial."""
    z1 = n.x @ n.W1 + n.b1
    active = z1 > 0
    grad_h = (np.maximum(z1, 0) @ n.W2 + n.b2 - n.y) * n.W2
    without_relu = z1 @ n.W2 + n.b2
    without_bias = np.maximum(z1 - n.b1, 0)
    return bool(
        np.all(np.abs(z1) >= 0.25)
        and active.any()
        and not active.all()
        and np.any(grad_h[active] < 0)  # else ReLU of the gradient would look like its mask
        and np.any(z1[active] != 1)  # else ReLU's output would look like its derivative
        and np.max(n.learning_rate * np.abs(grad_h[active])) >= 0.15  # else the step is lost in the rounding
        and np.abs(without_relu - n.y) >= 0.5
        and without_bias.any()
        and np.abs(without_bias @ n.W2 + n.b2 - n.y) >= 0.5
    )


@given
def x(seed: int | None) -> Array:
    """Input, shape (5,)."""
    return numbers(seed).x


@given
def y(seed: int | None) -> float:
    """Target, a scalar."""
    return numbers(seed).y


@given
def W1(seed: int | None) -> Array:
    """Weights into the hidden layer, shape (5, 3): inputs by neurons."""
    return numbers(seed).W1


@given
def b1(seed: int | None) -> Array:
    """Biases of the hidden layer, shape (3,)."""
    return numbers(seed).b1


@given
def W2(seed: int | None) -> Array:
    """Weights into the output neuron, shape (3,)."""
    return numbers(seed).W2


@given
def b2(seed: int | None) -> float:
    """Bias of the output neuron, a scalar."""
    return numbers(seed).b2


@given
def learning_rate(seed: int | None) -> float:
    """Learning rate, a scalar."""
    return numbers(seed).learning_rate


# Forward pass


@quantity
def z1(x: Array, W1: Array, b1: Array) -> Array:
    """Input sums (pre-activations) of the hidden neurons, shape (3,)."""
    return x @ W1 + b1


@misconception(
    "z1",
    "The bias of the hidden layer is missing: to each weighted sum, add that neuron's entry of b1.",
)
def bias_omitted(x: Array, W1: Array) -> Array:
    return x @ W1


@quantity
def h(z1: Array) -> Array:
    """Activations of the hidden neurons, shape (3,)."""
    return np.maximum(z1, 0)


@misconception(
    "h",
    "The hidden layer has no activation here: put each entry of z1 through ReLU, which changes the negative ones.",
    # Without ReLU the printed network hits its target: the loss and all gradients are zero. What comes after
    # grad_y_hat then needs no calculation, so it earns nothing by following through.
    also_loses=(
        *("grad_W2", "grad_b2", "grad_h", "grad_z1", "grad_W1", "grad_b1"),
        *("W1_new", "b1_new", "W2_new", "b2_new"),
    ),
)
def relu_omitted(z1: Array) -> Array:
    return z1


@quantity
def y_hat(h: Array, W2: Array, b2: float) -> float:
    """Output of the network, a scalar."""
    return float(h @ W2 + b2)


# Loss. Its factor is a hidden intermediate: a mistake in it shows in the loss and in the derivative, and
# costs points once.


@quantity
def loss_scale() -> float:
    """Factor 1/(2n) before the squared error, a scalar; n counts samples, and there is one."""
    return 1 / 2


@misconception(
    "loss_scale",
    "The factor 1/2 is missing. Many libraries take the mean with 1/n, but this sheet defines the loss with "
    "1/(2n); keep that factor in the loss and on the way to its derivative.",
)
def half_omitted() -> float:
    return 1.0


@misconception(
    "loss_scale",
    "The error seems to be divided by the number of inputs. The n of the loss counts samples, not the"
    " features of one sample.",
)
def n_counts_inputs(x: Array) -> float:
    return 1 / (2 * x.size)


@misconception(
    "loss_scale",
    "The error seems to be divided by the number of hidden neurons. The n of the loss counts samples;"
    " the size of the network does not enter it.",
)
def n_counts_neurons(b1: Array) -> float:
    return 1 / (2 * b1.size)


@quantity
def loss(y_hat: float, y: float, loss_scale: float) -> float:
    """Loss, a scalar."""
    return loss_scale * (y - y_hat) ** 2


# Gradients


@quantity
def grad_y_hat(y_hat: float, y: float, loss_scale: float) -> float:
    """dL/dy_hat, the derivative of the loss by the network's output, a scalar."""
    return 2 * loss_scale * (y_hat - y)


@misconception(
    "grad_y_hat",
    "The sign is turned. Differentiate the squared difference by y_hat and mind the inner derivative:"
    " the loss must grow when an output that is already too large grows further.",
)
def sign_turned(y_hat: float, y: float, loss_scale: float) -> float:
    return 2 * loss_scale * (y - y_hat)


@quantity
def grad_W2(grad_y_hat: float, h: Array) -> Array:
    """dL/dW2, shape (3,)."""
    return grad_y_hat * h


@misconception(
    "grad_W2",
    "W2 is multiplied by what the hidden neurons put out. So its gradient needs h, the values after ReLU, not z1.",
)
def W2_sees_z1(grad_y_hat: float, z1: Array) -> Array:
    return grad_y_hat * z1


@misconception(
    "grad_W2",
    "This is the derivative of the output by W2. The chain rule goes on from there to the loss: one factor is missing.",
)
def W2_chain_stopped(h: Array) -> Array:
    return h


@quantity
def grad_b2(grad_y_hat: float) -> float:
    """dL/db2, a scalar."""
    return grad_y_hat


@misconception(
    "grad_b2",
    "This is the derivative of the output by b2. The chain rule goes on from there to the loss: one factor is missing.",
)
def b2_chain_stopped() -> float:
    return 1.0


@quantity
def grad_h(grad_y_hat: float, W2: Array) -> Array:
    """dL/dh, shape (3,)."""
    return grad_y_hat * W2


@misconception(
    "grad_h",
    "W2 was updated too early. Finish the whole backward pass with the old weights; change them only afterwards.",
)
def back_through_new_W2(grad_y_hat: float, W2_new: Array) -> Array:
    return grad_y_hat * W2_new


@quantity
def grad_z1(grad_h: Array, z1: Array) -> Array:
    """dL/dz1, shape (3,)."""
    return grad_h * (z1 > 0)


@misconception(
    "grad_z1",
    "The gradient must pass back through ReLU: multiply it by ReLU's derivative at z1, which blocks "
    "the neurons that were not active.",
)
def mask_forgotten(grad_h: Array) -> Array:
    return grad_h


@misconception(
    "grad_z1",
    "ReLU was applied to the gradient. Its derivative depends on the sign of z1 in the forward pass, "
    "not on the sign of the gradient; a gradient may well be negative.",
)
def relu_of_gradient(grad_h: Array) -> Array:
    return np.maximum(grad_h, 0)


@misconception(
    "grad_z1",
    "The gradient was multiplied by ReLU's output. It needs ReLU's derivative, which for an active "
    "neuron does not depend on how active it is.",
)
def times_activation(grad_h: Array, h: Array) -> Array:
    return grad_h * h


@quantity
def grad_W1(x: Array, grad_z1: Array) -> Array:
    """dL/dW1, shape (5, 3) as W1."""
    return np.outer(x, grad_z1)


@quantity
def grad_b1(grad_z1: Array) -> Array:
    """dL/db1, shape (3,)."""
    return grad_z1


@misconception(
    "grad_b1",
    "The value of the bias was multiplied in. A bias is only added, so ask by how much z1 changes "
    "when it grows by one.",
)
def bias_multiplied(grad_z1: Array, b1: Array) -> Array:
    return grad_z1 * b1


# Update. What the gradients are multiplied by is a hidden intermediate of all four parameters.


@quantity
def step(learning_rate: float) -> float:
    """Factor that turns a gradient into the change of its parameter, a scalar."""
    return -learning_rate


@misconception(
    "step",
    "The step goes uphill. The gradient points to where the loss grows; gradient descent subtracts it.",
)
def step_uphill(learning_rate: float) -> float:
    return learning_rate


@misconception(
    "step",
    "The step is a tenth of what it should be. Compare the learning rate that you used with the one given.",
)
def rate_a_tenth(learning_rate: float) -> float:
    return -learning_rate / 10


@misconception(
    "step",
    "The gradient was subtracted as it is. Multiply it by the learning rate first.",
)
def rate_omitted() -> float:
    return -1.0


@quantity
def W1_new(W1: Array, grad_W1: Array, step: float) -> Array:
    """W1 after the update, shape (5, 3)."""
    return W1 + step * grad_W1


@quantity
def b1_new(b1: Array, grad_b1: Array, step: float) -> Array:
    """b1 after the update, shape (3,)."""
    return b1 + step * grad_b1


@misconception(
    "b1_new",
    "b1 came out unchanged. If you left it out: biases are learned like weights, so update them too.",
)
def b1_kept(b1: Array) -> Array:
    return b1


@quantity
def W2_new(W2: Array, grad_W2: Array, step: float) -> Array:
    """W2 after the update, shape (3,)."""
    return W2 + step * grad_W2


@quantity
def b2_new(b2: float, grad_b2: float, step: float) -> float:
    """b2 after the update, a scalar."""
    return b2 + step * grad_b2


@misconception(
    "b2_new",
    "b2 came out unchanged. If you left it out: biases are learned like weights, so update it too.",
)
def b2_kept(b2: float) -> float:
    return b2
