"""A network in NumPy: write your functions and results into this file; task.md says what they mean.

Replace each None by your result, a number, a list or a NumPy array, typed in or calculated, and fill in the functions.
"""

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


# 1. Activations and their derivatives: z is an array, and the result is an array of the same shape


def relu(z):
    return None


def sigmoid(z):
    return None


def tanh(z):
    return None


def silu(z):
    return None


def leaky_relu(z, slope=0.01):
    return None


def relu_slope(z):
    return None


def sigmoid_slope(z):
    return None


def tanh_slope(z):
    return None


def silu_slope(z):
    return None


def leaky_relu_slope(z, slope=0.01):
    return None


# 2. One neuron, and layers of them

neuron_z = None  # 1 number: weighted sum of the neuron with weights w and bias b for the input x
neuron_output = None  # 1 number: its output, with the sigmoid
dense_parameters = None  # 1 whole number
sparse_parameters = None  # 1 whole number
dense_and_sparse = ""  # one or two sentences: what is the difference?

# 3. Forward pass

z1 = None  # 4 numbers: sums of the hidden neurons
a1 = None  # 4 numbers: their activations
z2 = None  # 2 numbers: sums of the output neurons
y_hat = None  # 2 numbers: outputs of the network

# 4. Losses

error_convention = "sum"  # or "mean", "half sum", "half mean": the factor that your quadratic error has


def quadratic_error(y_hat, y):
    return None


def quadratic_error_gradient(y_hat, y):
    return None


probabilities = None  # 4 numbers: softmax of the logits
cross_entropy_loss = None  # 1 number: for the class label


def cross_entropy(logits, label):
    return None


# 5. Optimizers


def total_loss(omega, X, Y):
    return None


def total_gradient(omega, X, Y):
    return None


grad_omega = None  # 3 numbers: gradient at omega
omega_sgd = None  # 3 numbers: omega after one plain step

delta_1 = None  # 3 numbers each: updates with momentum, and the weights after them
omega_1 = None
delta_2 = None
omega_2 = None
delta_3 = None
omega_3 = None


# 6. The listing


def sigmoid_derivative(a):
    return None


class NeuralNetwork:
    def __init__(self, x, y):
        self.input = x
        self.weights1 = np.random.rand(self.input.shape[1], 4)
        self.weights2 = np.random.rand(4, 1)
        self.y = y
        self.output = np.zeros(y.shape)

    def feedforward(self):
        """Set self.layer1 and self.output."""

    def backprop(self):
        """Change self.weights1 and self.weights2 by one step downhill, from self.layer1 and self.output."""


why_plus = ""  # two or three sentences: the listing adds d_weights; why is that right?


# 7. The class extended


class ExtendedNetwork:
    def __init__(self, x, y, eta=0.1, alpha=0.0):  # choose your own numbers
        self.input = x
        self.y = y
        self.eta = eta
        self.alpha = alpha
        self.weights1 = np.zeros((x.shape[1], 4))
        self.bias1 = np.zeros(4)
        self.weights2 = np.zeros((4, 1))
        self.bias2 = np.zeros(1)
        self.output = np.zeros(y.shape)

    def feedforward(self):
        """Set self.layer1 and self.output."""

    def backprop(self):
        """Change weights and biases by one step with momentum."""

    def train(self):
        """Call feedforward and backprop as often as it takes."""
