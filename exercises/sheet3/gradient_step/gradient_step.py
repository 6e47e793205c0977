"""3.1 Calculating gradients: enter your results here, or in the notebook of the same name.

Replace each None by your result: a number, a list or a NumPy array, typed in or calculated.
"""

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

# a) Forward pass
z1 = None  # 3 numbers: input sums of the hidden neurons
h = None  # 3 numbers: their activations
y_hat = None  # 1 number: output of the network

# b) Loss, with the factor 1/(2n)
loss = None  # 1 number

# c) Gradients of the loss, from the output back to the input
grad_y_hat = None  # 1 number
grad_W2 = None  # 3 numbers
grad_b2 = None  # 1 number
grad_h = None  # 3 numbers
grad_z1 = None  # 3 numbers
grad_W1 = None  # 5 rows of 3 numbers
grad_b1 = None  # 3 numbers

# d) Weights and biases after one step of gradient descent
W1_new = None  # 5 rows of 3 numbers
b1_new = None  # 3 numbers
W2_new = None  # 3 numbers
b2_new = None  # 1 number
