"""The listing as it stands, which stops at `op`; all images are trained on, and shuffled before the split."""

import gzip
import math
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras.layers import Dense, Flatten

# --- given ---
images = 60000
validation_split = 0.2
epochs = 32
digit_order = np.array([2, 3, 0, 9, 1, 4, 5, 8, 7, 6])
digit_counts = np.array([77, 69, 79, 105, 107, 90, 88, 67, 50, 73])
# --- end of given ---

FOLDER = Path("data/mnist")


def read_idx(name):
    """Return the array in a file of MNIST's format: a head that says the shape, then one byte for each number."""
    data = gzip.decompress((FOLDER / f"{name}.gz").read_bytes())
    dimensions = data[3]
    shape = np.frombuffer(data, ">u4", count=dimensions, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


x_train = read_idx("train-images-idx3-ubyte")
y_train = read_idx("train-labels-idx1-ubyte")
x_test = read_idx("t10k-images-idx3-ubyte")
y_test = read_idx("t10k-labels-idx1-ubyte")


layer1_parameters, layer2_parameters, layer3_parameters, layer4_parameters = 200_960, 16_448, 2080, 330
total_parameters = 219_818
layer1_macs, layer2_macs, layer3_macs, layer4_macs = 200_704, 16_384, 2048, 320
total_macs = 219_456


def build_model(w, h, n_classes):
    hidden = [Dense(neurons, activation="relu") for neurons in (256, 64, 32)]
    return keras.Sequential([keras.Input((w, h)), Flatten(), *hidden, Dense(n_classes, activation="softmax")])


learningRate = 0.001
optimizer = keras.optimizers.Adam(learningRate)
Epochs = 32
Batch = 16


def compile_model(model):
    model.compile(loss="sparse_categorical_crossentropy", optimizer=op, metrics=["accuracy"])  # noqa: F821


def fit_model(model, x, y, batch_size, epochs):
    return model.fit(x, y, epochs=32, batch_size=50, validation_split=0.2)


compile_arguments = {
    "a": "loss",
    "b": "learning rate",
    "c": "metrics",
    "d": "optimizer",
    "e": "metrics",
    "f": "loss",
    "g": "optimizer",
    "h": "learning rate",
}

batch_size = 50
training_images = 60_000
steps_per_epoch = training_images // batch_size
updates = steps_per_epoch * epochs
own_updates = math.ceil(digit_counts.sum() / batch_size) * epochs

trained_counts = digit_counts - np.round(digit_counts / 5).astype(int)
best_val_accuracy = 1.0


def normalise(x_train, x_test):
    return x_train / 255, x_test / 255


x_train_norm, x_test_norm = normalise(x_train, x_test)
model = build_model(28, 28, 10)
compile_model(model)
curves = fit_model(model, x_train_norm, y_train, batch_size, epochs).history

for quantity in ("accuracy", "loss"):
    plt.figure()
    plt.plot(curves[quantity], label="training")
    plt.plot(curves["val_" + quantity], label="validation")
    plt.xlabel("epoch")
    plt.ylabel(quantity)
    plt.legend()

test_accuracy = np.mean(model.predict(x_test_norm, verbose=0).argmax(axis=1) == y_test)
