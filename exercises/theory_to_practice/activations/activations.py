"""Activations: write your functions and results into this file; task.md says what they mean.

Replace each None by your result, a number, a list or a NumPy array, typed in or calculated, and fill in the functions.
"""

import numpy as np

# --- given ---
scores = np.array([2.0, 1.0, 0.1])
a0 = np.array([1.0, -2.0, 0.5])
W1 = np.array([[1.0, 0.5, -1.0], [-0.5, -1.0, 1.0], [0.5, -0.5, 2.0], [-1.5, 0.5, 0.5]])
b1 = np.array([1.5, -0.5, 0.25, 1.0])
W2 = np.array([[1.0, -0.5, 1.0, 1.0], [-1.0, 1.0, -1.5, -0.5]])
b2 = np.array([-1.0, 0.5])
W3 = np.array([[1.0, -0.5], [-0.5, 1.0], [1.5, 0.5]])
b3 = np.array([-1.5, 0.5, -2.0])
x = np.array([1.0, -1.0, 0.0, -2.0, 2.0])
V = np.array([[1.0, 0.5, 1.0, 0.5, 1.0], [-1.0, 1.0, -1.0, -1.0, -3.0], [0.5, 1.0, 0.5, 0.0, 1.0]])
c = np.array([1.0, 2.0, 3.0])
v = np.array([1.0, 0.5, -0.5])
grad_y_hat = 2.0
# --- end of given ---


# 1. Softmax

exponentials = None  # 3 numbers: numerators of the softmax of scores
exponential_sum = None  # 1 number: its denominator
probabilities = None  # 3 numbers: the softmax


def softmax(z):
    return None


# 2. Layers

z1 = None  # 4 numbers: sums of layer 1
a1 = None  # 4 numbers: its activations
z2 = None  # 2 numbers
a2 = None  # 2 numbers
z3 = None  # 3 numbers
a3 = None  # 3 numbers

layout = "W a"  # or "a W", if your forward wants matrices with one column for each neuron


def forward(a, weights, biases, f):
    return None


# 3. A neuron that is off

hidden_z = None  # 3 numbers: sums of the hidden neurons
hidden_a = None  # 3 numbers: their activations
grad_v = None  # 3 numbers: gradient of the loss by v
grad_hidden_a = None  # 3 numbers: by hidden_a
grad_hidden_z = None  # 3 numbers: by hidden_z
grad_V = None  # 3 rows of 5 numbers: by V
grad_c = None  # 3 numbers: by c
grad_x = None  # 5 numbers: by x

dead_neuron = ""  # three or four sentences


def dead_neurons(X, W, b):
    return None
