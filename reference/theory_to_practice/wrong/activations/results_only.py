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


probabilities = [0.7, 0.2, 0.1]
a3 = 1 / (1 + np.exp(-(W3 @ np.maximum(W2 @ np.maximum(W1 @ a0 + b1, 0) + b2, 0) + b3)))
grad_V = np.outer(grad_y_hat * v * (V @ x + c > 0), x)
grad_x = V.T @ (grad_y_hat * v * (V @ x + c > 0))
