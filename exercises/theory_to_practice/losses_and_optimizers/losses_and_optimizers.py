"""Losses and optimizers. The questions are in task.md; replace each None."""

import numpy as np

# --- given ---
p = np.array([0.34, 0.63, 0.08, 0.94, 0.22])
t = np.array([1, 0, 1, 1, 0])
P = np.array([[0.05, 0.21, 0.12, 0.62], [0.04, 0.26, 0.15, 0.55], [0.17, 0.07, 0.33, 0.43]])
classes = np.array([1, 0, 2])
n_classes = 9
theta = np.array([-2.25, 2.25, -2.5])
g1 = np.array([1.75, -0.75, -1.75])
g2 = np.array([-0.75, 1.75, 0.5])
learning_rate = 0.2
beta1 = 0.6
beta2 = 0.95
epsilon = 0.1
# --- end of given ---


# 1. Which loss? "binary cross-entropy" or "categorical cross-entropy"

which_loss = {
    "a": None,
    "b": None,
    "c": None,
    "d": None,
    "e": None,
    "f": None,
    "g": None,
    "h": None,
    "i": None,
    "j": None,
}

# 2. Cross-entropy of probabilities

bce_losses = None  # 5 numbers
bce = None  # 1 number: their mean
cce_losses = None  # 3 numbers
cce = None  # 1 number: their mean
lowest_loss = None  # 1 number

# 3. Cross-entropy of logits


def binary_loss(z, t):
    return None


def categorical_loss(Z, classes):
    return None


# 4. Two steps

theta_sgd = None  # 3 numbers each

m1 = None
v1 = None
m1_hat = None
v1_hat = None
theta1 = None

m2 = None
v2 = None
m2_hat = None
v2_hat = None
theta2 = None


# 5. Adam as a function


def adam_step(theta, g, moments, step, learning_rate, betas, epsilon):
    return None
