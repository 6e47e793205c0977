"""One and the same answer to every item, and a word or nothing where a sentence is asked for."""

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

learning_types = dict.fromkeys("abcdefghij", "unsupervised")
activation_functions = "Important."
output_activations = dict.fromkeys("abcdefgh", "linear")
output_losses = dict.fromkeys("abcdefg", "categorical cross-entropy")
backpropagation = "Two phases."
fit_table = {
    f"{fit}, {part}": "good" for fit in ("underfitting", "overfitting", "optimal") for part in ("training", "test")
}
ingredients = "Data, network."
topology_and_model = "No difference."
sgd_and_adam = "Adam is better."
why_minimise = "Because."
loss_change = dict.fromkeys(directions, "no change")
new_weights = "w - eta * g"
gradient_meaning = ""
majority_accuracy = n_usual / (n_usual + n_faults)
detector_accuracy = (n_found + n_usual - n_false_alarms) / (n_usual + n_faults)
why_metrics = "For grading."
