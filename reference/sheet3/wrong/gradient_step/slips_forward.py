"""Slips of arithmetic in the forward pass; the rest follows from them."""

import numpy as np

# --- given ---
x = np.array([1.0, -1.0, 0.0, -2.0, 2.0])
y = -1.75
W1 = np.array(
    [
        [1.0, -1.0, 0.5],
        [0.5, 1.0, 1.0],
        [1.0, -1.0, 0.5],
        [0.5, -1.0, 0.0],
        [1.0, -3.0, 1.0],
    ]
)
b1 = np.array([1.0, 2.0, 3.0])
W2 = np.array([1.0, 0.5, -0.5])
b2 = 0.0
learning_rate = 0.1
# --- end of given ---

z1 = np.array([2.5, -4.0, 3.5])
h = np.array([2.5, 0.5, 3.5])
y_hat = 1.25

loss = 4.2

grad_y_hat = y_hat - y
grad_W2 = grad_y_hat * h
grad_b2 = grad_y_hat
grad_h = grad_y_hat * W2
grad_z1 = grad_h * (z1 > 0)
grad_W1 = np.outer(x, grad_z1)
grad_b1 = grad_z1

W1_new = W1 - learning_rate * grad_W1
b1_new = b1 - learning_rate * grad_b1
W2_new = W2 - learning_rate * grad_W2
b2_new = b2 - learning_rate * grad_b2
