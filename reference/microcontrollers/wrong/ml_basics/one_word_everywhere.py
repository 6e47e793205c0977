"""One and the same answer to every item, an order from the end, short answers, and no figure."""

import numpy as np

problems = {
    "a": "lossy compression",
    "b": "lossy compression",
    "c": "lossy compression",
    "d": "lossy compression",
    "e": "lossy compression",
    "f": "lossy compression",
    "g": "lossy compression",
    "h": "lossy compression",
}

learning_types = {
    "decision tree": "supervised",
    "support vector machine": "supervised",
    "k nearest neighbours": "supervised",
    "k-means": "supervised",
    "principal component analysis": "supervised",
    "association rules": "supervised",
    "few pictures with labels, many without": "supervised",
    "own sure predictions as labels for the rest": "supervised",
    "vehicle that is rewarded for distance": "supervised",
    "program that learns a game by winning": "supervised",
}

workflow = ["test", "validate", "train", "split", "features", "preprocess", "label", "collect"]

data_sets = "Train, validate, test."

diagnoses = {
    "a": "overfitting",
    "b": "overfitting",
    "c": "overfitting",
    "d": "overfitting",
    "e": "overfitting",
    "f": "overfitting",
    "g": "overfitting",
    "h": "overfitting",
    "i": "overfitting",
}

# --- given ---
x_train = np.array([-1.0, -0.81, -0.66, -0.47, -0.31, -0.06, 0.13, 0.24, 0.46, 0.63, 0.85, 1.0])
y_train = np.array([0.68, 0.2, -0.45, -0.56, -0.83, -0.26, 0.15, 0.5, 0.91, 1.68, 1.42, 0.63])
x_test = np.array(
    [
        -0.92,
        -0.75,
        -0.63,
        -0.59,
        -0.5,
        -0.48,
        -0.45,
        -0.17,
        -0.16,
        -0.07,
        0.13,
        0.13,
        0.29,
        0.46,
        0.56,
        0.63,
        0.69,
        0.95,
        0.96,
        0.97,
    ]
)
y_test = np.array(
    [
        0.4,
        -0.11,
        -0.4,
        -0.63,
        -0.33,
        -0.58,
        -0.43,
        -0.27,
        -0.08,
        -0.53,
        0.73,
        0.64,
        0.97,
        1.73,
        1.43,
        1.61,
        1.3,
        1.35,
        1.14,
        0.99,
    ]
)
x_plot = np.linspace(-1, 1, 41)
# --- end of given ---

coefficients = {degree: np.polyfit(x_train, y_train, degree) for degree in (1, 3, 9)}


def error(degree, x, y):
    return np.mean((np.polyval(coefficients[degree], x) - y) ** 2)


train_error_1, train_error_3, train_error_9 = (error(degree, x_train, y_train) for degree in (1, 3, 9))
test_error_1, test_error_3, test_error_9 = (error(degree, x_test, y_test) for degree in (1, 3, 9))

curves = np.array([np.polyval(coefficients[degree], x_plot) for degree in (1, 3, 9)])  # 3 rows of 41 numbers

fit_labels = {
    "degree 1": "overfitting",
    "degree 3": "overfitting",
    "degree 9": "overfitting",
}

explanation = "Yes."
