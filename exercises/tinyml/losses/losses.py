"""Losses: write your functions and results into this file; task.md says what they mean.

Replace each None by your result, a number, a list or a NumPy array, typed in or calculated, and fill in the functions.
"""

import numpy as np

# --- given ---
logits = np.array([-1.0, 2.0, 0.5, 1.5])
label = 2
Z = np.array(
    [
        [-2.0, 2.0, 1.0],
        [-1.5, 1.0, -0.5],
        [2.0, 1.0, 2.0],
        [0.5, -0.5, 1.5],
        [1.0, 1.5, -1.0],
        [2.0, 0.5, 2.0],
    ]
)
tau = 0.4
# --- end of given ---


# 1. Cross-entropy

p = None  # 4 numbers: softmax of the logits
loss = None  # 1 number
grad_logits = None  # 4 numbers: gradient of the loss by the logits


def softmax(logits):
    return None


def cross_entropy(logits, label):
    return None


def cross_entropy_gradient(logits, label):
    return None


# 2. SimCLR

sim = None  # 6 rows of 6 numbers: cosines of all rows of Z
l_01 = None  # 1 number: from row 0 to row 1
l_10 = None  # 1 number: from row 1 to row 0
batch_loss = None  # 1 number: mean over all ordered pairs


def cosine_similarities(Z):
    return None


def simclr_loss(sim, tau):
    return None


# 3. The mean absolute error

mae = ""  # two to four sentences: is it a bad idea?

# 4. A fancier loss

lmac_terms = ""  # three or four sentences: which terms are there, and what is each good for?
