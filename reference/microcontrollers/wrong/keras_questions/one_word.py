"""Written answers of a word or none, and right formulas in other forms."""

import math

sequential_model = "Layers."
layer_families = ""
dense = "activation(dot(x, W) + b)"
dense_shape = (5, 28, 28, 7)
activation = "ReLU"


def relu(x):
    """Return x where it is positive."""
    return x * (x > 0)


def softmax(x):
    """Return exponentials that add up to one, shifted against overflow."""
    powers = [math.exp(one - max(x)) for one in x]
    return [one / sum(powers) for one in powers]
