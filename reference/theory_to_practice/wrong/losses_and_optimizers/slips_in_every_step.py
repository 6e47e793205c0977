"""A slip of arithmetic in every line of Adam, and in the means."""

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

which_loss = {
    "a": "binary cross-entropy",
    "b": "categorical cross-entropy",
    "c": "categorical cross-entropy",
    "d": "binary cross-entropy",
    "e": "binary cross-entropy",
    "f": "categorical cross-entropy",
    "g": "binary cross-entropy",
    "h": "categorical cross-entropy",
    "i": "categorical cross-entropy",
    "j": "binary cross-entropy",
}

bce_losses = -(t * np.log(p) + (1 - t) * np.log(1 - p))
bce = np.mean(bce_losses) + 0.1
cce_losses = -np.log(P[np.arange(3), classes])
cce = np.mean(cce_losses) - 0.1
lowest_loss = -np.log(np.e / (np.e + n_classes - 1))


def binary_loss(z, t):
    p = 1 / (1 + np.exp(-z))
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))


def categorical_loss(Z, classes):
    Z = Z - np.max(Z, axis=1, keepdims=True)
    return np.log(np.sum(np.exp(Z), axis=1)) - Z[np.arange(len(Z)), classes]


theta_sgd = theta - learning_rate * g1 - learning_rate * g2


m1 = (1 - beta1) * g1
m1 = m1 + 0.1
v1 = (1 - beta2) * g1**2
v1 = v1 + 0.1
m1_hat = m1 / (1 - beta1)
m1_hat = m1_hat + 0.1
v1_hat = v1 / (1 - beta2)
v1_hat = v1_hat + 0.1
theta1 = theta - learning_rate * m1_hat / (np.sqrt(v1_hat) + epsilon)
theta1 = theta1 + 0.1

m2 = beta1 * m1 + (1 - beta1) * g2
m2 = m2 + 0.1
v2 = beta2 * v1 + (1 - beta2) * g2**2
v2 = v2 + 0.1
m2_hat = m2 / (1 - beta1**2)
m2_hat = m2_hat + 0.1
v2_hat = v2 / (1 - beta2**2)
v2_hat = v2_hat + 0.1
theta2 = theta1 - learning_rate * m2_hat / (np.sqrt(v2_hat) + epsilon)
theta2 = theta2 + 0.1


def adam_step(theta, g, moments, step, learning_rate, betas, epsilon):
    m, v = moments
    beta1, beta2 = betas
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**step)
    v_hat = v / (1 - beta2**step)
    return theta - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v
