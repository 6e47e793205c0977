"""The gradients are right, one entry of each new parameter is not."""

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

z1 = x @ W1 + b1
h = np.maximum(z1, 0)
y_hat = h @ W2 + b2

loss = (y - y_hat) ** 2 / 2

grad_y_hat = y_hat - y
grad_W2 = grad_y_hat * h
grad_b2 = grad_y_hat
grad_h = grad_y_hat * W2
grad_z1 = grad_h * (z1 > 0)
grad_W1 = np.outer(x, grad_z1)
grad_b1 = grad_z1

W1_new = [[0.8, -1.0, 0.6], [0.7, 1.0, 0.9], [1.0, -1.0, 0.5], [0.1, -1.0, -0.2], [0.6, -3.0, 1.2]]
b1_new = [0.8, 2.1, 3.1]
W2_new = [0.5, 0.5, 1.4]
b2_new = 0.1
