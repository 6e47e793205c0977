"""A network in NumPy, from one neuron to one that learns XOR."""

import numpy as np

# --- given ---
x = np.array([1.0, -2.0, 0.5])
w = np.array([0.5, 1.0, -1.0])
b = 0.25
n_inputs = 20
n_neurons = 12
n_connections = 5
W1 = np.array([[1.0, 0.5, -1.0], [-0.5, -1.0, 1.0], [0.5, 0.5, 2.0], [-1.5, 0.5, 0.5]])
b1 = np.array([1.5, -0.5, 0.25, 1.0])
W2 = np.array([[1.0, -2.0, 0.5, 1.5], [-1.0, 1.0, 2.0, -0.5]])
b2 = np.array([-1.0, 0.5])
logits = np.array([2.0, 0.5, 1.0, -1.0])
label = 2
X = np.array([[1.0, 0.5, -1.0], [0.0, 1.0, 2.0], [-1.0, 1.0, 0.5], [2.0, -0.5, 1.0], [0.5, -1.0, -1.5]])
Y = np.array([1.0, -0.5, 2.0, 0.5, -1.0])
omega = np.array([0.5, -1.0, 1.0])
delta_omega = np.array([-0.5, 0.25, 0.5])
eta = 0.02
alpha = 0.75
# --- end of given ---


# 1. Activations and their derivatives


def relu(z):
    return np.maximum(z, 0)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def tanh(z):
    return np.tanh(z)


def silu(z):
    return z * sigmoid(z)


def leaky_relu(z, slope=0.01):
    return np.where(z > 0, z, slope * z)


def relu_slope(z):
    return np.where(z > 0, 1.0, 0.0)


def sigmoid_slope(z):
    return sigmoid(z) * (1 - sigmoid(z))


def tanh_slope(z):
    return 1 - np.tanh(z) ** 2


def silu_slope(z):
    return sigmoid(z) + z * sigmoid_slope(z)


def leaky_relu_slope(z, slope=0.01):
    return np.where(z > 0, 1.0, slope)


# 2. One neuron, and layers of them

neuron_z = w @ x + b
neuron_output = sigmoid(neuron_z)
dense_parameters = n_neurons * (n_inputs + 1)
sparse_parameters = n_neurons * (n_connections + 1)
dense_and_sparse = """In a dense layer every neuron is connected to every neuron of the layer before. In a sparsely
connected one some of these connections are missing, so that it has fewer weights."""

# 3. Forward pass

z1 = W1 @ x + b1
a1 = sigmoid(z1)
z2 = W2 @ a1 + b2
y_hat = sigmoid(z2)

# 4. Losses

error_convention = "sum"


def quadratic_error(y_hat, y):
    return np.sum((y_hat - y) ** 2)


def quadratic_error_gradient(y_hat, y):
    return 2 * (y_hat - y)


probabilities = np.exp(logits) / np.sum(np.exp(logits))
cross_entropy_loss = -np.log(probabilities[label])


def cross_entropy(logits, label):
    shifted = logits - np.max(logits)
    return np.log(np.sum(np.exp(shifted))) - shifted[label]


# 5. Optimizers


def total_loss(omega, X, Y):
    return np.sum((X @ omega - Y) ** 2)


def total_gradient(omega, X, Y):
    return 2 * X.T @ (X @ omega - Y)


grad_omega = total_gradient(omega, X, Y)
omega_sgd = omega - eta * grad_omega

delta_1 = alpha * delta_omega - eta * total_gradient(omega, X, Y)
omega_1 = omega + delta_1
delta_2 = alpha * delta_1 - eta * total_gradient(omega_1, X, Y)
omega_2 = omega_1 + delta_2
delta_3 = alpha * delta_2 - eta * total_gradient(omega_2, X, Y)
omega_3 = omega_2 + delta_3


# 6. The listing


def sigmoid_derivative(a):
    return a * (1 - a)


class NeuralNetwork:
    def __init__(self, x, y):
        self.input = x
        self.weights1 = np.random.rand(self.input.shape[1], 4)
        self.weights2 = np.random.rand(4, 1)
        self.y = y
        self.output = np.zeros(y.shape)

    def feedforward(self):
        self.layer1 = sigmoid(np.dot(self.input, self.weights1))
        self.output = sigmoid(np.dot(self.layer1, self.weights2))

    def backprop(self):
        delta2 = 2 * (self.y - self.output) * sigmoid_derivative(self.output)
        d_weights2 = np.dot(self.layer1.T, delta2)
        d_weights1 = np.dot(self.input.T, np.dot(delta2, self.weights2.T) * sigmoid_derivative(self.layer1))
        self.weights1 += d_weights1
        self.weights2 += d_weights2


why_plus = """Because of y - output the expression is the negative gradient of the loss, not its slope as the comment
says. Adding it goes downhill. No learning rate is written, so it is 1."""


# 7. The class extended


class ExtendedNetwork:
    def __init__(self, x, y, eta=0.5, alpha=0.9):
        self.input = x
        self.y = y
        self.eta = eta
        self.alpha = alpha
        self.weights1 = np.random.randn(x.shape[1], 4)
        self.bias1 = np.zeros(4)
        self.weights2 = np.random.randn(4, 1)
        self.bias2 = np.zeros(1)
        self.update = [0.0, 0.0, 0.0, 0.0]

    def feedforward(self):
        self.layer1 = sigmoid(self.input @ self.weights1 + self.bias1)
        self.output = sigmoid(self.layer1 @ self.weights2 + self.bias2)

    def backprop(self):
        delta2 = 2 * (self.output - self.y) * sigmoid_derivative(self.output)
        delta1 = delta2 @ self.weights2.T * sigmoid_derivative(self.layer1)
        gradients = [self.input.T @ delta1, delta1.sum(axis=0), self.layer1.T @ delta2, delta2.sum(axis=0)]
        self.update = [self.alpha * u - self.eta * g for u, g in zip(self.update, gradients, strict=True)]
        self.weights1 += self.update[0]
        self.bias1 += self.update[1]
        self.weights2 += self.update[2]
        self.bias2 += self.update[3]

    def train(self):
        for _ in range(2000):
            self.feedforward()
            if np.max(np.abs(self.output - self.y)) < 0.1:
                break
            self.backprop()
