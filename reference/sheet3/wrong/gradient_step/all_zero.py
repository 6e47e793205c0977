"""Zeros everywhere, so that everything follows from them without any work."""

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

z1 = np.zeros(3)
h = np.zeros(3)
y_hat = 0.0

loss = 0.0

grad_y_hat = 0.0
grad_W2 = np.zeros(3)
grad_b2 = 0.0
grad_h = np.zeros(3)
grad_z1 = np.zeros(3)
grad_W1 = np.zeros((5, 3))
grad_b1 = np.zeros(3)

W1_new = W1
b1_new = b1
W2_new = W2
b2_new = b2
