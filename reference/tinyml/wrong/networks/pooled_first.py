"""Pooling comes first and the activation is tanh; one convolution in the branch, and one that is never used."""

import numpy as np
import torch
from torch import nn

# --- given ---
t = np.array([-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0])
s = np.array([-0.6, -0.4, -0.8, 0.4, 0.2, -1.4, -0.7, 0.8, 2.7])
degree_low = 2
degree_high = 5
dense_x_shape = (8, 14)
dense_W_shape = (16, 14)
conv_x_shape = (4, 33, 36)
conv_W_shape = (10, 4, 3, 3)
stride = 2
padding = 2
x = np.array([[0.5, 0.5, -0.5, 1.0], [1.5, -0.5, -1.0, 1.0], [-1.5, -1.0, 1.0, 0.5]])
Wq = np.array([[-1.0, -1.0, 0.5, -0.5], [-1.0, 0.5, -1.0, 1.0]])
Wk = np.array([[0.5, -0.5, 1.0, 1.0], [-0.5, -1.0, 0.5, -1.0]])
Wv = np.array([[0.5, -1.0, 1.0, -1.0], [1.0, 0.5, 0.5, 1.0]])
X = np.array([[1.0, -1.5, -1.5], [-1.0, 1.0, -1.0], [-2.0, -1.0, 1.5], [0.5, 1.0, 1.5], [2.0, -0.5, -1.0]])
W1 = np.array([[0.5, 1.0, -1.5], [-1.5, -0.5, -1.5], [-1.5, -2.0, -0.5], [1.0, -1.5, 1.5]])
b1 = np.array([2.0, 0.5, -2.0, -0.5])
W2 = np.array([[1.0, -1.5, 2.0, 1.0], [1.0, -1.0, 1.0, 2.0]])
b2 = np.array([1.0, 1.0])
# --- end of given ---


def fit_error(degree):
    coefficients = np.polyfit(t, s, degree)
    return np.sum((np.polyval(coefficients, t) - s) ** 2)


# 1. Two polynomials

parameters_low = degree_low + 1
parameters_high = degree_high + 1
error_low = fit_error(degree_low)
error_high = fit_error(degree_high)
what_changes = """
The points and the method (least squares) stay the same, only the degree and with it the number of parameters changes,
so the capacity. The higher polynomial comes closer to the points. That does not make it the better model: it follows
the noise, and between or beside the points it may be far off.
"""

# 2. Dense layers

biases = "no"

dense_y_shape = (dense_x_shape[0], dense_W_shape[0])
dense_parameters = dense_W_shape[0] * dense_W_shape[1]


def dense(x, W):
    return x @ W.T


# 3. Convolutions

convolution = "cross-correlation"

conv_weights = "i1 * d1 * k**2"
conv_size = "floor((n + 2*p - k) / s) + 1"


def side(n):
    return (n + 2 * padding - conv_W_shape[2]) // stride + 1


conv_y_shape = (conv_W_shape[0], side(conv_x_shape[1]), side(conv_x_shape[2]))
conv_parameters = int(np.prod(conv_W_shape))


def conv(x, W):
    k = W.shape[2]
    height, width = x.shape[1] - k + 1, x.shape[2] - k + 1
    y = np.zeros((W.shape[0], height, width))
    for row in range(height):
        for column in range(width):
            window = x[:, row : row + k, column : column + k]
            y[:, row, column] = np.sum(W * window, axis=(1, 2, 3))
    return y


# 4. Self-attention

scaling = "unscaled"


def softmax(z):
    grown = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return grown / np.sum(grown, axis=-1, keepdims=True)


Q = dense(x, Wq)
K = dense(x, Wk)
V = dense(x, Wv)
scores = Q @ K.T
weights = softmax(scores)
y = weights @ V


def self_attention(x, Wq, Wk, Wv):
    Q, K, V = dense(x, Wq), dense(x, Wk), dense(x, Wv)
    return softmax(Q @ K.T) @ V


# 5. Linear layers collapse


def collapse(W1, b1, W2, b2):
    return W2 @ W1, W2 @ b1 + b2


W3, b3 = collapse(W1, b1, W2, b2)
y_linear = dense(X, W3)

collapses = {
    "dense, dense, dense": "yes",
    "dense, ReLU, dense": "no",
    "convolution, convolution": "yes",
    "dense, sigmoid": "no",
    "convolution, average pooling, flatten, dense": "yes",
    "convolution, max pooling, flatten, dense": "no",
    "dense, with its input added to its output, dense": "yes",
    "self-attention": "no",
}


# 6. ReLU breaks the collapse


def relu_network(x, W1, W2):
    return dense(np.maximum(dense(x, W1), 0), W2)


def counterexample():
    """With one neuron, f is ReLU itself: f(1 - 1) is 0, and f(1) + f(-1) - f(0) is 1."""
    return np.array([[1.0]]), np.array([[1.0]]), np.array([1.0]), np.array([-1.0])


# 7. Two famous blocks


class AlexNetBlock(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 5, padding=2)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(3, 2)

    def forward(self, x):
        return torch.tanh(self.conv(self.pool(x)))


class ResNetBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.bn2(self.relu(self.bn1(self.conv1(x)))) + x)


# 8. Universal approximation

universal_approximation = """
A network with one hidden layer, a non-linear activation and enough neurons can come as close as you like to any
continuous function on a closed and bounded set of inputs.
"""
