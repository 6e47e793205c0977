"""One layer with the sigmoid: write your functions and results into this file; task.md says what they mean.

Replace each None by your result, a number, a list or a NumPy array, typed in or calculated, and fill in the functions.
"""

import matplotlib.pyplot as plt
import numpy as np

# --- given ---
x = np.array([1.5, -1.0])
W = np.array([[-1.5, -0.5], [0.5, -1.5], [0.5, 1.5]])
y = np.array([1.0, 1.0, 0.0])
eta = 2.0
x_square = np.array([1.0, 0.5])
W_square = np.array([[1.0, 0.5], [-1.5, 1.5]])
y_square = np.array([0.0, 1.0])
X_train = np.array(
    [
        [1.7, -1.5],
        [0.8, -1.3],
        [-1.1, 0.5],
        [1.1, 1.9],
        [0.3, -0.2],
        [0.8, 0.6],
        [1.4, 1.4],
        [-0.3, -0.1],
        [0.1, 0.9],
        [1.2, -0.2],
        [1.8, -0.9],
        [-0.8, 0.6],
    ]
)
Y_train = np.array(
    [
        [0.95, 0.3, 0.9],
        [0.88, 0.41, 0.88],
        [0.13, 0.78, 0.26],
        [0.47, 0.16, 0.63],
        [0.57, 0.4, 0.4],
        [0.81, 0.17, 0.54],
        [0.55, 0.07, 0.72],
        [0.34, 0.38, 0.48],
        [0.35, 0.27, 0.39],
        [1.0, 0.21, 0.73],
        [1.0, 0.07, 0.98],
        [0.18, 0.51, 0.23],
    ]
)
W_start = np.array([[-1.0, -0.5], [-1.0, 0.5], [-1.5, 1.0]])
A = np.array([[3.38, -2.16], [-2.16, 2.12]])
# --- end of given ---


# 1. Forward

z = None  # 3 numbers: the sums
y_hat = None  # 3 numbers: the outputs
y_hat_square = None  # 2 numbers: the outputs for x_square and W_square


def layer(W, X):
    return None


# 2. Loss, with the factor 1/2

loss = None  # 1 number


def loss_of(W, X, Y):
    return None


# 3. Gradient

delta = None  # 3 numbers: gradient by z
grad_W = None  # 3 rows of 2 numbers: gradient by W
grad_square = None  # 2 rows of 2 numbers: gradient by W_square


def grad_of(W, X, Y):
    return None


# 4. One step downhill

W_new = None  # 3 rows of 2 numbers
direction = ""  # one or two sentences: where does the gradient point, and what is the minus for?


# 5. Training


def train(W, X, Y, eta, steps):
    return None


history = {"runs": []}  # at least two entries: {"learning_rate": ..., "losses": [...]}

# Draw the losses over the steps here.

rates = ""  # two or three sentences: what does the learning rate change?

# 6. Zero loss, zero gradient: "loss", "gradient", "both" or "neither"

zeros = {"a": None, "b": None, "c": None, "d": None, "e": None, "f": None}
minimum = ""  # two or three sentences: can the loss become 0, and what holds at the best weights?

# 7. How large may the learning rate be?

lambda_max = None  # 1 number
lambda_min = None  # 1 number
eta_bound = None  # 1 number
