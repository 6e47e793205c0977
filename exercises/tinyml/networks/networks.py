"""What is inside a network: write your functions and results into this file; task.md says what they mean.

Replace each None by your result, a number, a tuple, a list or a NumPy array, typed in or calculated, and fill in the
functions and classes.
"""

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


# 1. Two polynomials

parameters_low = None  # 1 whole number each: parameters of the polynomial of degree_low, and of degree_high
parameters_high = None
error_low = None  # 1 number each: sum of the squared errors of the best polynomial of that degree
error_high = None
what_changes = ""  # three or four sentences


# 2. Dense layers

biases = "no"  # or "yes": whether you count dense and convolutional layers with biases

dense_y_shape = None  # 2 whole numbers: shape of y
dense_parameters = None  # 1 whole number


def dense(x, W):
    return None


# 3. Convolutions

convolution = "cross-correlation"  # or "flipped": what your function conv computes

conv_weights = ""  # a formula in i1, d1, k: how many numbers W holds
conv_size = ""  # a formula in n, k, p, s: one side of the output
conv_y_shape = None  # 3 whole numbers: shape of y
conv_parameters = None  # 1 whole number


def conv(x, W):
    return None


# 4. Self-attention

scaling = "unscaled"  # or "scaled": whether your scores are divided by the root of e

Q = None  # 3 rows of 2 numbers each
K = None
V = None
scores = None  # 3 rows of 3 numbers each: before the softmax, and after it
weights = None
y = None  # 3 rows of 2 numbers


def self_attention(x, Wq, Wk, Wv):
    return None


# 5. Linear layers collapse

W3 = None  # 2 rows of 3 numbers: weights of the one layer
y_linear = None  # 5 rows of 2 numbers: outputs for X, without biases
b3 = None  # 2 numbers: biases of the one layer


def collapse(W1, b1, W2, b2):
    return None  # the weights and the biases of the one layer


collapses = {  # "yes" or "no": can one linear layer do the same?
    "dense, dense, dense": None,
    "dense, ReLU, dense": None,
    "convolution, convolution": None,
    "dense, sigmoid": None,
    "convolution, average pooling, flatten, dense": None,
    "convolution, max pooling, flatten, dense": None,
    "dense, with its input added to its output, dense": None,
    "self-attention": None,
}


# 6. ReLU breaks the collapse


def relu_network(x, W1, W2):
    return None


def counterexample():
    return None  # W1, W2, a, b: your own weights, and two inputs


# 7. Two famous blocks


class AlexNetBlock(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels  # TODO: the layers

    def forward(self, x):
        pass  # TODO


class ResNetBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.channels = channels  # TODO: the layers

    def forward(self, x):
        pass  # TODO


# 8. Universal approximation

universal_approximation = ""  # one sentence
