"""The listing with as few changes as possible, its own batch of 16, and both plots in one figure."""

import gzip
import math
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from keras.layers import Dense, Flatten
from keras.models import Sequential
from keras.optimizers import Adam

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

# Size

layer1_parameters = 784 * 256 + 256
layer2_parameters = 256 * 64 + 64
layer3_parameters = 64 * 32 + 32
layer4_parameters = 32 * 10 + 10
total_parameters = 219_818
layer1_macs = "200.7 kMAC"
layer2_macs = 256 * 64
layer3_macs = 64 * 32
layer4_macs = 32 * 10
total_macs = "219,456 MAC"

# The listing

learningRate = 0.001
Epochs = epochs
Batch = 16


def build_model(w, h, n_classes):
    model = Sequential()
    model.add(Flatten(input_shape=(w, h)))
    for neurons in (256, 64, 32):
        model.add(Dense(neurons, activation="relu"))
    model.add(Dense(n_classes, activation="softmax"))
    return model


def compile_model(model):
    op = Adam(learningRate)
    model.compile(loss="sparse_categorical_crossentropy", optimizer=op, metrics=["accuracy"])


def fit_model(model, x, y, batch_size, epochs):
    return model.fit(x, y, epochs=epochs, batch_size=batch_size, validation_split=0.2)


compile_arguments = {
    "a": "loss",
    "b": "learning_rate",
    "c": "metrics",
    "d": "optimizer",
    "e": "metrics",
    "f": "loss",
    "g": "Optimizer",
    "h": "learningRate",
}

# Steps

batch_size = Batch
training_images = 48_000
steps_per_epoch = 3000
updates = 96_000
kept = digit_counts.sum() // 5
own_updates = math.ceil((digit_counts.sum() - kept) / Batch) * Epochs

# Sorted labels: count from the end what is kept back.

trained_counts, left = digit_counts.copy(), kept
for place in reversed(range(10)):
    if digit_counts[place] > left:
        trained_counts[place] -= left
        break
    trained_counts[place] = 0
    left -= digit_counts[place]
best_val_accuracy = round(float(left / kept), 3)


def normalise(x_train, x_test):
    return x_train / 255, x_test / 255


x_train_norm, x_test_norm = normalise(x_train, x_test)
model = build_model(28, 28, 10)
compile_model(model)
history = fit_model(model, x_train_norm, y_train, Batch, Epochs)
curves = {name: [float(value) for value in values] for name, values in history.history.items()}

figure, (left_plot, right_plot) = plt.subplots(1, 2)
over = range(1, Epochs + 1)
left_plot.plot(over, history.history["accuracy"], "b", label="accuracy")
left_plot.plot(over, history.history["val_accuracy"], "r", label="val_accuracy")
left_plot.set(xlabel="Epochs", ylabel="Accuracy")
left_plot.legend()
right_plot.plot(over, history.history["loss"], "b", label="loss")
right_plot.plot(over, history.history["val_loss"], "r", label="val_loss")
right_plot.set(xlabel="Epochs", ylabel="Loss")
right_plot.legend()

test_accuracy = 100 * float(np.mean(model.predict(x_test_norm).argmax(axis=1) == y_test))
