"""Accuracies in per cent throughout, single items wrong, and a step that is no formula of the three letters."""

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
    "a": "supervised",
    "b": "unsupervised",
    "c": "unsupervised",
    "d": "supervised",
    "e": "unsupervised",
    "f": "semi-supervised",
    "g": "reinforcement",
    "h": "supervised",
    "i": "unsupervised",
    "j": "supervised",
}

activation_functions = "They make the network nonlinear; otherwise it is a single linear layer."

output_activations = {
    "a": "sigmoid",
    "b": "softmax",
    "c": "relu",
    "d": "relu",
    "e": "linear",
    "f": "softmax",
    "g": "sigmoid",
    "h": "sigmoid",
}
output_losses = {
    "a": "binary cross-entropy",
    "b": "categorical cross-entropy",
    "c": "mean squared error",
    "d": "categorical cross-entropy",
    "e": "mean squared error",
    "f": "categorical cross-entropy",
    "g": "binary cross-entropy",
}

backpropagation = "Forward pass: inputs become outputs. Backward pass: gradients adjust the weights."

fit_table = {
    "underfitting, training": "poor",
    "underfitting, test": "poor",
    "overfitting, training": "good",
    "overfitting, test": "poor",
    "optimal, training": "poor",
    "optimal, test": "good",
}

ingredients = "The data to learn from, the model that predicts, the loss that measures, the optimizer that improves."
topology_and_model = "The topology is the structure, the model is the trained structure with its weights."
sgd_and_adam = "SGD has one learning rate and no moments, Adam adapts it to each parameter by two moments."
why_minimise = "A low loss means that predictions are near the targets."

loss_change = {
    "a": "decrease",
    "b": "no change",
    "c": "increase",
    "d": "increase",
    "e": "decrease",
    "f": "no change",
}
new_weights = "w - eta * gradient_of_L"
gradient_meaning = "It shows the direction of the fastest increase, so the step subtracts it."

majority_accuracy = 90.5
detector_accuracy = 87.4
why_metrics = "They compare models, but the accuracy of who always says usual is high though it finds no fault."
