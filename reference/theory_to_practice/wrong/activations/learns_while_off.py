"""Activations."""

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

exponentials = np.exp(scores)
exponential_sum = exponentials.sum()
probabilities = exponentials / exponential_sum


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


# 2. Layers


def relu(z):
    return np.maximum(z, 0)


z1 = W1 @ a0 + b1
a1 = relu(z1)
z2 = W2 @ a1 + b2
a2 = relu(z2)
z3 = W3 @ a2 + b3
a3 = 1 / (1 + np.exp(-z3))

layout = "W a"


def forward(a, weights, biases, f):
    outputs = []
    for W, b in zip(weights, biases):
        a = f(W @ a + b)
        outputs.append(a)
    return outputs


# 3. A neuron that is off

hidden_z = V @ x + c
hidden_a = relu(hidden_z)
grad_v = grad_y_hat * hidden_a
grad_hidden_a = grad_y_hat * v
grad_hidden_z = grad_hidden_a * (hidden_z > 0)
grad_V = np.outer(grad_hidden_a, x)
grad_c = grad_hidden_a
grad_x = V.T @ grad_hidden_a

dead_neuron = """
The sum of neuron 2 is negative, where ReLU is flat with slope 0. So the gradients of its incoming weights and of its
bias are zero. Its output is 0, so the weight v behind it gets no gradient either. For another sample the sum may be
positive, and then it learns. If it is negative for all samples the neuron is dead and stays as it is forever. Leaky
ReLU has a small slope there instead.
"""


def dead_neurons(X, W, b):
    return ((X @ W.T + b) < 0).any(axis=0)
