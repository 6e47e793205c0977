"""The same in other words: short names, accepted alternatives, everything typed in or calculated on the way."""

import numpy as np

# --- given ---
gradient = np.array([2.0, 1.5])
directions = {
    "a": [0.0, -1.0],
    "b": [-0.6, 0.8],
    "c": [1.0, 0.0],
    "d": [0.8, 0.6],
    "e": [-0.8, -0.6],
    "f": [0.6, -0.8],
}
n_usual = 968
n_faults = 102
n_found = 92
n_false_alarms = 125
# --- end of given ---

learning_types = {
    "a": "Supervised",
    "b": "unsupervised learning",
    "c": "semi",
    "d": "supervised learning",
    "e": "Unsupervised",
    "f": "semi supervised",
    "g": "reinforcement learning",
    "h": "supervised",
    "i": "unsupervised",
    "j": "Reinforcement",
}

activation_functions = "Nonlinearity! A stack of linear layers is just one linear layer."

# The demand for water cannot be negative, so ReLU will do.
output_activations = {
    "a": "Sigmoid",
    "b": "Softmax",
    "c": "Linear",
    "d": "ReLU",
    "e": "identity",
    "f": "Softmax",
    "g": "Sigmoid",
    "h": "Sigmoid",
}
output_losses = {
    "a": "BCE",
    "b": "sparse_categorical_crossentropy",
    "c": "MSE",
    "d": "MAE",
    "e": "Huber",
    "f": "CCE",
    "g": "binary_crossentropy",
}

backpropagation = (
    "forward: inputs to outputs and loss; backward: gradients from the loss back to all weights, then update"
)

fit_table = {
    "underfitting, training": "bad",
    "underfitting, test": "bad",
    "overfitting, training": "Good",
    "overfitting, test": "bad",
    "optimal, training": "Good",
    "optimal, test": "Good",
}

ingredients = """Data (what we learn from), a topology (the function with the weights), a cost function (how bad it is),
gradient descent or another optimizer (how the weights are changed)."""

topology_and_model = "Topology = architecture, who is connected to whom. Model = the trained thing with its weights."

sgd_and_adam = """SGD with momentum: same learning rate everywhere, running mean of the gradient (first moment only).
Adam: first and second moment, and so another learning rate for each parameter."""

why_minimise = "Less loss means predictions closer to the targets."

loss_change = {
    "a": "decrease",
    "b": "no change",
    "c": "increase",
    "d": "fastest change",
    "e": "steepest descent",
    "f": "constant",
}


def new_weights(w, eta, g):
    return w + eta * (-g)


gradient_meaning = "Direction and speed of the fastest change of the loss. With minus, we go down and not up."

majority_accuracy = round(968 / 1070, 3)
detector_accuracy = round(1 - ((102 - 92) + 125) / 1070, 3)

why_metrics = """To know which model is better. But accuracy alone is useless with rare classes: 0.905 against 0.874, though
the first never finds a fault. Here recall counts."""
