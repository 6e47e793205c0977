"""A small listing in Keras: its shapes, its repair, its labels and its steps (microcontrollers, Keras).

Keras is imported where it is used, since that takes seconds. Pictures are (28, 28, 1), channels last.
"""

from __future__ import annotations

import numpy as np

from grader import cases, function, given, misconception, quantity, trial

# Shapes

_SHAPES = {"as printed": (None, 28, 28, 10), "with Flatten": (None, 10)}


@quantity
def output_shapes():
    """Shape of the output for a batch of any size: a dense layer acts on the last axis alone."""
    return _SHAPES


@misconception(
    "output_shapes",
    "Keras flattens nothing by itself: a dense layer acts on the last axis, and the axes before it stay.",
)
def flattened_by_itself():
    return {**_SHAPES, "as printed": (None, 10)}


@misconception("output_shapes", "That is what comes out of Flatten. Two layers follow.")
def shape_of_flatten():
    return {**_SHAPES, "with Flatten": (None, 784)}


@misconception("output_shapes", "That is what comes out of the hidden layer. One layer follows.")
def shape_of_hidden_layer():
    return {"as printed": (None, 28, 28, 42), "with Flatten": (None, 42)}


# The repaired listing


def _model(*kinds):
    """Return a model for pictures of layers given as ``"Flatten"`` or as (units, activation)."""
    import keras  # noqa: PLC0415 - see above

    def layer(kind):
        return keras.layers.Flatten() if kind == "Flatten" else keras.layers.Dense(kind[0], activation=kind[1])

    return keras.Sequential([keras.Input((28, 28, 1)), *map(layer, kinds)])


@function
def build_model():
    """Return the network that the text describes: 42 neurons with ReLU, 10 with softmax, on all pixels at once."""
    return _model("Flatten", (42, "relu"), (10, "softmax"))


@cases("build_model")
def pictures(rng):
    yield (rng.random((3, 28, 28, 1)).astype("float32"),)


@trial("build_model")
def fit_runs(build_model, pictures, labels):
    """Compile and fit the model as the listing does; return for how many epochs, and the shape of its predictions."""
    model = build_model()
    model.compile(loss="categorical_crossentropy", optimizer="adam")
    history = model.fit(pictures, labels, 10, 2, verbose=0)
    return {"epochs": len(history.history["loss"]), "predictions": list(model(pictures).shape)}


@cases("fit_runs")
def training_pictures(rng):
    yield rng.random((20, 28, 28, 1)).astype("float32"), np.eye(10)[rng.permutation(20) % 10]


@misconception(
    "build_model",
    "A dense layer acts on the last axis alone: each pixel passes the network by itself. Flatten the picture first.",
    also_loses=("build_model_function", "fit_runs"),
)
def without_flatten():
    return _model((42, "relu"), (10, "softmax"))


@misconception(
    "build_model",
    "Flatten comes too late: each pixel has passed both layers by itself before.",
    also_loses=("build_model_function", "fit_runs"),
)
def flattened_at_the_end():
    return _model((42, "relu"), (10, "softmax"), "Flatten")


@misconception("build_model", "The hidden layer has no ReLU.", shows_in="build_model_function")
def without_relu():
    return _model("Flatten", (42, None), (10, "softmax"))


@misconception(
    "build_model", "The output has no softmax, so that it gives no probabilities.", shows_in="build_model_function"
)
def without_softmax():
    return _model("Flatten", (42, "relu"), (10, None))


@misconception(
    "build_model",
    "A sigmoid gives each class a number by itself; only a softmax makes probabilities of all of them.",
    shows_in="build_model_function",
)
def with_sigmoid():
    return _model("Flatten", (42, "relu"), (10, "sigmoid"))


@function
def compile_model(model):
    """Compile ``model`` for one-hot labels, with Adam."""
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])


@trial("compile_model")
def compiled(compile_model, inputs, labels, weights):
    """Return the loss of a small compiled model for given weights, and the kind of its optimizer."""
    import keras  # noqa: PLC0415 - a trial brings all that it needs

    model = keras.Sequential([keras.Input(inputs.shape[1:]), keras.layers.Dense(10, activation="softmax")])
    model.set_weights(weights)
    compile_model(model)
    if not model.compiled:
        raise ValueError("the model is not compiled")
    loss = model.evaluate(inputs, labels, verbose=0, return_dict=True)["loss"]
    kind = "Adam" if isinstance(model.optimizer, keras.optimizers.Adam) else type(model.optimizer).__name__
    return {"loss": float(loss), "optimizer": kind}


def _drawn(rng):
    """Return inputs, class numbers and weights of a layer of 6 inputs and 10 classes."""
    weights = [rng.normal(size=(6, 10)).astype("float32"), rng.normal(size=10).astype("float32")]
    return rng.normal(size=(12, 6)).astype("float32"), rng.integers(0, 10, 12), weights


@cases("compiled")
def examples_in_rows(rng):
    inputs, labels, weights = _drawn(rng)
    yield inputs, np.eye(10)[labels], weights


@misconception("compile_model", "The name `keras` is not known: the listing imports `models` and `layers` only.")
def keras_not_imported(model):
    raise NameError("name 'keras' is not defined")  # what Python says


@misconception("compile_model", "That loss is for class numbers; the labels are one-hot.")
def loss_for_numbers(model):
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam")


@misconception("compile_model", "Binary cross-entropy asks of each class yes or no. Here exactly one class is right.")
def loss_for_two_classes(model):
    model.compile(loss="binary_crossentropy", optimizer="adam")


@misconception(
    "compile_model", "The squared error is no measure for probabilities of classes; keep the listing's loss."
)
def loss_of_regression(model):
    model.compile(loss="mean_squared_error", optimizer="adam")


@misconception("compile_model", "`from_logits=True` applies a softmax once more: the network has its own.")
def softmax_twice(model):
    import keras  # noqa: PLC0415 - see above

    model.compile(loss=keras.losses.CategoricalCrossentropy(from_logits=True), optimizer="adam")


@misconception("compile_model", "The loss is right, but the listing trains with Adam.")
def optimizer_sgd(model):
    model.compile(loss="categorical_crossentropy", optimizer="sgd")


# Labels


_LABELS = {
    "shape of 100 one-hot labels": (100, 10),
    "shape of 100 class numbers": (100,),
    "loss for one-hot labels": "categorical_crossentropy",
    "loss for class numbers": "sparse_categorical_crossentropy",
}


@quantity
def labels_and_losses():
    """Which labels have which shape, and which loss goes with them."""
    return _LABELS


@misconception("labels_and_losses", "The two losses have changed places: the sparse one goes with class numbers.")
def losses_exchanged():
    return {
        **_LABELS,
        "loss for one-hot labels": "sparse_categorical_crossentropy",
        "loss for class numbers": "categorical_crossentropy",
    }


@misconception("labels_and_losses", "One-hot labels have one number for each class.")
def rows_of_one_number():
    return {**_LABELS, "shape of 100 one-hot labels": (100,)}


@function
def one_hot(labels, classes):
    """Return class numbers as one-hot rows, shape (n, classes)."""
    return np.eye(classes)[labels]


@cases("one_hot")
def class_numbers(rng):
    for count, classes in ((9, 4), (3, 6)):
        yield rng.integers(0, classes - 1, count), classes


@misconception("one_hot", "Each label has a row of its own; these are columns.")
def in_columns(labels, classes):
    return np.eye(classes)[labels].T


@misconception("one_hot", "Class 0 has the first place. The ones stand one place too far.")
def counted_from_one(labels, classes):
    return np.eye(classes)[np.asarray(labels) - 1]


@misconception(
    "one_hot", "The number of classes is `classes`, and not the largest number that happens to be there, plus one."
)
def classes_that_occur(labels, classes):
    return np.eye(int(np.max(labels)) + 1)[labels]


@function
def compile_for_numbers(model):
    """Compile ``model`` for class numbers, with Adam."""
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])


@trial("compile_for_numbers")
def compiled_for_numbers(compile_for_numbers, inputs, labels, weights):
    """Return the loss of a small compiled model for given weights."""
    import keras  # noqa: PLC0415 - a trial brings all that it needs

    model = keras.Sequential([keras.Input(inputs.shape[1:]), keras.layers.Dense(10, activation="softmax")])
    model.set_weights(weights)
    compile_for_numbers(model)
    if not model.compiled:
        raise ValueError("the model is not compiled")
    return float(model.evaluate(inputs, labels, verbose=0, return_dict=True)["loss"])


@cases("compiled_for_numbers")
def examples_with_numbers(rng):
    yield _drawn(rng)


@misconception("compile_for_numbers", "That loss is for one-hot labels; these are class numbers.")
def loss_for_rows(model):
    model.compile(loss="categorical_crossentropy", optimizer="adam")


# Steps


@given
def images():
    """Number of training pictures."""
    return 60_000


@given
def epochs():
    """How often all pictures are used."""
    return 5


@quantity
def pictures_per_step():
    """Size of a batch in the listing."""
    return 100


@misconception("pictures_per_step", "That is for batches of 50. Look once more at what the listing sets.")
def batches_of_50():
    return 50


@misconception("pictures_per_step", "That is for batches of 16. Look once more at what the listing sets.")
def batches_of_16():
    return 16


@misconception("pictures_per_step", "That is for batches of 32, which Keras takes where nothing is said.")
def batches_of_32():
    return 32


@quantity
def steps_per_epoch(images, pictures_per_step):
    """Steps of one epoch."""
    return -(-images // pictures_per_step)


@misconception("steps_per_epoch", "That is one step for each picture. A step takes a whole batch.")
def step_per_picture(images):
    return images


@quantity
def updates(steps_per_epoch, epochs):
    """Updates of the weights in the whole training: one for each step."""
    return steps_per_epoch * epochs


@misconception("updates", "That is one epoch. The listing trains for more than one.")
def one_epoch_only(steps_per_epoch):
    return steps_per_epoch


@misconception("updates", "The weights change after each batch, not only at the end of an epoch.")
def one_update_per_epoch(epochs):
    return epochs


@misconception("updates", "The weights change once for each batch, not for each picture in it.")
def update_per_picture(images, epochs):
    return images * epochs
