"""The listing as it was printed, but for the import that there is none of here."""

from keras import layers, models

output_shapes = {"as printed": (None, 10), "with Flatten": (None, 10)}

inputShape = (28, 28, 1)
outputShape = 10


def build_model():
    model = models.Sequential()
    model.add(layers.InputLayer(input_shape=inputShape))
    model.add(layers.Dense(42, activation="relu"))
    model.add(layers.Dense(outputShape, activation="softmax"))
    return model


def compile_model(model):
    model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.Adam(), metrics=["accuracy"])  # noqa: F821


labels_and_losses = {
    "shape of 100 one-hot labels": (100, 10),
    "shape of 100 class numbers": (100,),
    "loss for one-hot labels": "categorical_crossentropy",
    "loss for class numbers": "categorical_crossentropy",
}


def one_hot(labels, classes):
    return labels


def compile_for_numbers(model):
    compile_model(model)


batchSize = 100
steps_per_epoch = 100
updates = 500
batch_size_one = "Slow."
