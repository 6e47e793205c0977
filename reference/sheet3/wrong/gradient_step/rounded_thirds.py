"""n taken as 3, and everything rounded to two decimals on the way, as on paper."""

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

loss = 0.67

grad_y_hat = 0.67
grad_W2 = np.array([1.67, 0, 3])
grad_b2 = 0.67
grad_h = np.array([0.67, 0.33, -0.33])
grad_z1 = np.array([0.67, 0, -0.33])
grad_W1 = [[0.67, 0, -0.33], [-0.67, 0, 0.33], [0, 0, 0], [-1.33, 0, 0.67], [1.33, 0, -0.67]]
grad_b1 = np.array([0.67, 0, -0.33])

W1_new = [[0.93, -1, 0.53], [0.57, 1, 0.97], [1, -1, 0.5], [0.63, -1, -0.07], [0.87, -3, 1.07]]
b1_new = [0.93, 2, 3.03]
W2_new = [0.83, 0.5, -0.8]
b2_new = -0.07
