"""Only the new weights, which are right: intermediate results earn points, and there are none."""

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


W1_new = [[0.8, -1.0, 0.6], [0.7, 1.0, 0.9], [1.0, -1.0, 0.5], [0.9, -1.0, -0.2], [0.6, -3.0, 1.2]]
b1_new = [0.8, 2.0, 3.1]
W2_new = [0.5, 0.5, -1.4]
b2_new = -0.2
