"""The listing, repaired with as few changes as possible."""

import keras
import numpy as np
from keras import layers, models

output_shapes = {"as printed": [28, 28, 10], "with Flatten": "(None, 10)"}

inputShape = (28, 28, 1)
outputShape = 10


def build_model():
    model = models.Sequential()
    model.add(layers.InputLayer(shape=inputShape))
    model.add(layers.Flatten())
    model.add(layers.Dense(42, activation="relu"))
    model.add(layers.Dense(outputShape, activation="softmax"))
    return model


def compile_model(model):
    model.compile(loss="categorical_crossentropy", optimizer="adam")


labels_and_losses = {
    "shape of 100 one-hot labels": (100, 10),
    "shape of 100 class numbers": (100, 1),
    "loss for one-hot labels": "CategoricalCrossentropy",
    "loss for class numbers": "keras.losses.SparseCategoricalCrossentropy()",
}


def one_hot(labels, classes):
    rows = np.zeros((len(labels), classes), dtype=int)
    for row, label in zip(rows, labels, strict=True):
        row[label] = 1
    return rows


def compile_for_numbers(model):
    model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy())


steps_per_epoch = 600
updates = 3000
batch_size_one = "An update for every picture; noisy and slow."
batch_size_large = "Fewer, steadier updates; too large needs memory and generalises worse."
