"""A multilayer perceptron in Keras: sizes, the repaired listing, steps, sorted labels, normalisation, a training.

The listing is the one of the slides: Flatten, then dense layers of 256, 64, 32 and ``n_classes`` neurons. It sets a
batch of 16 and calls ``fit`` with 50; either counts where the student says which (ICTP-02). ``x`` has the shape
(n, 28, 28); weights are Keras's, (inputs, outputs). Keras is imported where it is used, since that takes seconds.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache

import numpy as np

from grader import cases, function, given, misconception, property_of, quantity, trial
from grader.data import load

#: Inputs, neurons of the hidden layers, and outputs.
SIZES = (784, 256, 64, 32, 10)
#: Images that are handed out, as in exercise.yaml, and images that a network is judged on.
TRAIN, TEST, HIDDEN = 600, 200, 397
#: Fraction of the points from which accuracy on, for each data set. What was measured stands in the rubric. For the
#: real images nothing was measured: their bands are a guess, meant to be low for 600 training images.
BANDS = {
    "digits": [(0.92, 1.0), (0.86, 0.7), (0.60, 0.4)],
    "mnist": [(0.80, 1.0), (0.70, 0.7), (0.50, 0.4)],
}


# Parameters


@quantity
def biases_per_neuron():
    """Biases of one neuron."""
    return 1


@misconception("biases_per_neuron", "The biases are missing: each neuron has one.")
def biases_left_out():
    return 0


def _parameters(layer, biases_per_neuron):
    return SIZES[layer] * (SIZES[layer - 1] + biases_per_neuron)


@quantity
def layer1_parameters(biases_per_neuron):
    """Parameters of the layer of 256 neurons."""
    return _parameters(1, biases_per_neuron)


@misconception("layer1_parameters", "There is one bias for each neuron of the layer, not for each of its inputs.")
def one_bias_per_input():
    return SIZES[0] * SIZES[1] + SIZES[0]


@quantity
def layer2_parameters(biases_per_neuron):
    """Parameters of the layer of 64 neurons."""
    return _parameters(2, biases_per_neuron)


@quantity
def layer3_parameters(biases_per_neuron):
    """Parameters of the layer of 32 neurons."""
    return _parameters(3, biases_per_neuron)


@quantity
def layer4_parameters(biases_per_neuron):
    """Parameters of the layer of 10 neurons."""
    return _parameters(4, biases_per_neuron)


@quantity
def total_parameters(layer1_parameters, layer2_parameters, layer3_parameters, layer4_parameters):
    """Parameters of the network."""
    return layer1_parameters + layer2_parameters + layer3_parameters + layer4_parameters


@misconception("total_parameters", "That is the first layer alone.")
def parameters_of_first_layer(layer1_parameters):
    return layer1_parameters


# Multiply-accumulates


@quantity
def count_per_product():
    """Count for one product and its addition to the sum."""
    return 1


@misconception(
    "count_per_product", "That counts multiplications and additions as two: a multiply-accumulate is both in one."
)
def flops():
    return 2


@quantity
def count_per_bias():
    """Count for adding a bias."""
    return 0


@misconception("count_per_bias", "Adding a bias is an addition without a product: it is no MAC.")
def bias_adds_counted():
    return 1


@quantity
def images_counted():
    """For how many images is counted."""
    return 1


@misconception("images_counted", "That is for a whole batch of 50 images; asked is one.")
def whole_batch():
    return 50


def _macs(layer, count_per_product, count_per_bias, images_counted):
    return images_counted * SIZES[layer] * (SIZES[layer - 1] * count_per_product + count_per_bias)


@quantity
def layer1_macs(count_per_product, count_per_bias, images_counted):
    """MACs of the layer of 256 neurons for one image."""
    return _macs(1, count_per_product, count_per_bias, images_counted)


@misconception("layer1_macs", "An image has 28 by 28 pixels, and each of them is connected to each neuron.")
def one_row_of_pixels():
    return 28 * SIZES[1]


@quantity
def layer2_macs(count_per_product, count_per_bias, images_counted):
    """MACs of the layer of 64 neurons for one image."""
    return _macs(2, count_per_product, count_per_bias, images_counted)


@quantity
def layer3_macs(count_per_product, count_per_bias, images_counted):
    """MACs of the layer of 32 neurons for one image."""
    return _macs(3, count_per_product, count_per_bias, images_counted)


@quantity
def layer4_macs(count_per_product, count_per_bias, images_counted):
    """MACs of the layer of 10 neurons for one image."""
    return _macs(4, count_per_product, count_per_bias, images_counted)


@quantity
def total_macs(layer1_macs, layer2_macs, layer3_macs, layer4_macs):
    """MACs of the network for one image."""
    return layer1_macs + layer2_macs + layer3_macs + layer4_macs


@misconception("total_macs", "That is the first layer alone.")
def macs_of_first_layer(layer1_macs):
    return layer1_macs


@misconception("total_macs", "Layers run one after the other: their counts are added, and sizes are not multiplied on.")
def sizes_multiplied():
    return math.prod(SIZES)


# The repaired listing


def _network(*kinds, inputs=(28, 28)):
    """Return a network of layers given as ``"Flatten"`` or as (units, activation)."""
    import keras  # noqa: PLC0415 - see above

    def layer(kind):
        return keras.layers.Flatten() if kind == "Flatten" else keras.layers.Dense(kind[0], activation=kind[1])

    return keras.Sequential([keras.Input(inputs), *map(layer, kinds)])


@function
def build_model(w, h, n_classes):
    """Return the network of the listing for images of shape (w, h)."""
    hidden = [(units, "relu") for units in SIZES[1:-1]]
    return _network("Flatten", *hidden, (n_classes, "softmax"), inputs=(w, h))


@cases("build_model")
def images_28_by_28(rng):
    yield (rng.random((3, 28, 28)).astype("float32"),)


@cases("build_model")
def images_12_by_20(rng):
    yield (rng.random((4, 12, 20)).astype("float32"),)


_ALL_OF_IT = ("build_model_function", "other_sizes")


@misconception(
    "build_model",
    "Flatten is missing. A dense layer acts on the last axis alone: each row of pixels passes the network by itself.",
    shows_in="build_model_parameters",
    also_loses=_ALL_OF_IT,
)
def without_flatten(w, h, n_classes):
    return _network((256, "relu"), (64, "relu"), (32, "relu"), (n_classes, "softmax"), inputs=(w, h))


@misconception(
    "build_model",
    "A hidden layer of the listing is missing.",
    shows_in="build_model_parameters",
    also_loses=_ALL_OF_IT,
)
def layer_missing(w, h, n_classes):
    return _network("Flatten", (256, "relu"), (32, "relu"), (n_classes, "softmax"), inputs=(w, h))


@misconception(
    "build_model",
    "The hidden layers have no ReLU: dense layers in a row are no more than a single one.",
    shows_in="build_model_function",
    also_loses=("other_sizes",),
)
def without_relu(w, h, n_classes):
    return _network("Flatten", (256, None), (64, None), (32, None), (n_classes, "softmax"), inputs=(w, h))


@misconception(
    "build_model",
    "The output has no softmax, so that it gives no probabilities.",
    shows_in="build_model_function",
    also_loses=("other_sizes",),
)
def without_softmax(w, h, n_classes):
    return _network("Flatten", (256, "relu"), (64, "relu"), (32, "relu"), (n_classes, None), inputs=(w, h))


@misconception(
    "build_model",
    "`w`, `h` and `n_classes` have no effect: the network is always the one for ten digits of 28 by 28 pixels.",
    shows_in="other_sizes",
)
def sizes_fixed(w, h, n_classes):
    del w, h, n_classes
    return _network("Flatten", (256, "relu"), (64, "relu"), (32, "relu"), (10, "softmax"))


@function
def compile_model(model):
    """Compile ``model`` as the listing means it."""
    import keras  # noqa: PLC0415 - see above

    optimizer = keras.optimizers.Adam(0.001)
    model.compile(loss="sparse_categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])


@trial("compile_model")
def compiled(compile_model, inputs, labels, weights):
    """Return what a small compiled model says for given weights, and how it would be trained."""
    import keras  # noqa: PLC0415 - a trial brings all that it needs

    model = keras.Sequential([keras.Input(inputs.shape[1:]), keras.layers.Dense(10, activation="softmax")])
    model.set_weights(weights)
    compile_model(model)
    if not model.compiled:
        raise ValueError("the model is not compiled")
    found = model.evaluate(inputs, labels, verbose=0, return_dict=True)
    optimizer = model.optimizer
    return {
        "loss": float(found["loss"]),
        "accuracy": next((float(found[name]) for name in found if "acc" in name and "top" not in name), None),
        "optimizer": "Adam" if isinstance(optimizer, keras.optimizers.Adam) else type(optimizer).__name__,
        "learning rate": float(optimizer.learning_rate),
    }


@cases("compiled")
def labelled_rows(rng):
    """Draw inputs, class numbers and weights of a layer of 6 inputs and 10 classes."""
    weights = [rng.normal(size=(6, 10)).astype("float32"), rng.normal(size=10).astype("float32")]
    yield rng.normal(size=(12, 6)).astype("float32"), rng.integers(0, 10, 12), weights


_SPARSE = "sparse_categorical_crossentropy"


@misconception("compile_model", "The listing hands over a name that was never given to anything. Which one was?")
def op_undefined(model):
    raise NameError("name 'op' is not defined")  # what Python says


@misconception("compile_model", "That loss is for one-hot labels; here they are class numbers.")
def loss_for_one_hot(model):
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])


@misconception(
    "compile_model", "The squared error is no measure for probabilities of classes; keep the listing's loss."
)
def loss_of_regression(model):
    model.compile(loss="mean_squared_error", optimizer="adam", metrics=["accuracy"])


@misconception("compile_model", "`from_logits=True` applies a softmax once more: the network has its own.")
def softmax_twice(model):
    import keras  # noqa: PLC0415 - see above

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss=loss, optimizer="adam", metrics=["accuracy"])


@misconception("compile_model", "The loss is right, but the listing trains with Adam.")
def optimizer_sgd(model):
    import keras  # noqa: PLC0415 - see above

    model.compile(loss=_SPARSE, optimizer=keras.optimizers.SGD(0.001), metrics=["accuracy"])


@misconception("compile_model", "The learning rate is not the listing's.")
def rate_of_a_hundredth(model):
    import keras  # noqa: PLC0415 - see above

    model.compile(loss=_SPARSE, optimizer=keras.optimizers.Adam(0.01), metrics=["accuracy"])


@misconception("compile_model", "No accuracy is reported: it is missing among the metrics.")
def without_metrics(model):
    model.compile(loss=_SPARSE, optimizer="adam")


@function
def fit_model(model, x, y, batch_size, epochs):
    """Train on the first four fifths, validate on the rest, and return the history."""
    return model.fit(x, y, batch_size=batch_size, epochs=epochs, validation_split=0.2, verbose=0)


@trial("fit_model")
def fitted(fit_model, inputs, labels, batch_size, epochs):
    """Return what the training of a small compiled model amounted to."""
    import keras  # noqa: PLC0415 - a trial brings all that it needs

    model = keras.Sequential([keras.Input(inputs.shape[1:]), keras.layers.Dense(3, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    history = fit_model(model, inputs, labels, batch_size, epochs)
    if not int(model.optimizer.iterations):
        raise ValueError("the network was not trained")
    values = getattr(history, "history", history)
    if not isinstance(values, dict):
        raise TypeError(f"what `fit` gives should be returned, not {type(history).__name__}")
    return {
        "epochs": len(values.get("loss", ())),
        "updates": int(model.optimizer.iterations),
        "validated": "val_loss" in values,
    }


@cases("fitted")
def small_trainings(rng):
    """Draw 40 to 60 examples, and sizes with which batches and epochs cannot be taken for one another."""
    count = 5 * int(rng.integers(8, 13))
    inputs, labels = rng.normal(size=(count, 6)).astype("float32"), rng.permutation(count) % 3
    yield inputs, labels, int(rng.integers(6, 10)), int(rng.integers(2, 5))


@misconception(
    "fit_model",
    "The numbers of the listing stand in `fit`, and what is handed over as `batch_size`, `epochs` is unused.",
)
def numbers_stay(model, x, y, batch_size, epochs):
    del batch_size, epochs
    return model.fit(x, y, epochs=32, batch_size=50, validation_split=0.2, verbose=0)


@misconception("fit_model", "Nothing is kept back to validate, as the listing does with `validation_split`.")
def without_validation(model, x, y, batch_size, epochs):
    return model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0)


@misconception("fit_model", "The size of a batch and the number of epochs have changed places.")
def exchanged(model, x, y, batch_size, epochs):
    return model.fit(x, y, epochs, batch_size, validation_split=0.2, verbose=0)


@misconception("fit_model", "The training ran, but its history is not returned.")
def history_lost(model, x, y, batch_size, epochs):
    model.fit(x, y, batch_size=batch_size, epochs=epochs, validation_split=0.2, verbose=0)


# The arguments of compile

_ARGUMENTS = {
    "a": "loss",
    "b": "learning rate",
    "c": "metrics",
    "d": "optimizer",
    "e": "metrics",
    "f": "loss",
    "g": "optimizer",
    "h": "learning rate",
}


@quantity
def compile_arguments():
    """Which argument each of the statements is about; the statements stand in the task."""
    return _ARGUMENTS


def _instead(old, new):
    return {item: {old: new, new: old}.get(answer, answer) for item, answer in _ARGUMENTS.items()}


@misconception(
    "compile_arguments", "Loss and metrics have changed places: training follows the one, and only reports the other."
)
def loss_and_metrics_exchanged():
    return _instead("loss", "metrics")


@misconception(
    "compile_arguments",
    "Optimizer and learning rate have changed places: the one is a rule, the other one number in it.",
)
def rule_and_rate_exchanged():
    return _instead("optimizer", "learning rate")


# Steps


@given
def images():
    """Number of training images, as in MNIST."""
    return 60_000


@given
def validation_split():
    """Fraction of the images that is kept back."""
    return 0.2


@given
def epochs():
    """How often all images are used."""
    return 32


@quantity
def batch_size():
    """Size of a batch that the student goes by: the one that ``fit`` gets."""
    return 50


@quantity
def batch_of_16():
    """The size that is set above ``fit`` (ICTP-02)."""
    return 16


@quantity
def counted_batch(batch_size):
    """Size of a batch that the answers are about; that of ``fit`` where neither of the two is named."""
    return int(batch_size) if batch_size in {16, 50} else 50


@misconception("counted_batch", "That is for batches of 16. It counts if `batch_size` says so.")
def batch_of_16_unsaid():
    return 16


@misconception("counted_batch", "That is for batches of 32, which Keras takes where nothing is said.")
def batch_of_32():
    return 32


@quantity
def trained_share(validation_split):
    """Share of the images that is trained on."""
    return 1 - validation_split


@misconception("trained_share", "No step is made on what `validation_split` keeps back.")
def validation_trained_too():
    return 1.0


@misconception("trained_share", "That is the part that is kept back. Training is done with the other.")
def validation_alone_trained(validation_split):
    return validation_split


def _first_part(count, share):
    """Return how many images are trained on, as Keras rounds it."""
    return math.floor(count * share)


def _steps(count, batch):
    return math.ceil(count / batch)


@quantity
def training_images(images, trained_share):
    """Images that are trained on in each epoch."""
    return _first_part(images, trained_share)


@quantity
def steps_per_epoch(training_images, counted_batch):
    """Updates in one epoch."""
    return _steps(training_images, counted_batch)


@misconception("steps_per_epoch", "That is for all images. No step is made on what `validation_split` keeps back.")
def steps_of_all_images(images, counted_batch):
    return _steps(images, counted_batch)


@misconception("steps_per_epoch", "That is one step for each image. A step takes a whole batch.")
def step_per_image(training_images):
    return training_images


@quantity
def epochs_counted(epochs):
    """For how many epochs updates are counted."""
    return epochs


@misconception("epochs_counted", "That is one epoch. The listing trains for more than one.")
def one_epoch_only():
    return 1


@quantity
def updates(steps_per_epoch, epochs_counted):
    """Updates in the whole training."""
    return steps_per_epoch * epochs_counted


# Sorted labels: images stored class after class, in an order and numbers that belong to the student.


@given
def digit_order(seed):
    """Digits in the order in which they are stored, shape (10,)."""
    return stored(seed)[0]


@given
def digit_counts(seed):
    """Images of each of these digits, shape (10,)."""
    return stored(seed)[1]


@lru_cache(maxsize=4096)
def stored(seed):
    """Return the order of the digits and their numbers: fixed ones, or a student's own."""
    rng = np.random.default_rng(2025 if seed is None else seed)
    order = rng.permutation(10)
    while not _instructive(counts := rng.integers(50, 110, 10)):
        pass
    return order, counts


def _instructive(counts):
    """Return whether every usual mistake shows, and nothing hangs on how a boundary is rounded."""
    count = int(counts.sum())
    trained = _among_first(counts, 4 * count // 5)
    kept = counts - trained
    cut = (trained > 0) & (kept > 0)
    best = kept[cut].sum() / kept.sum()
    overall = 1 - kept[~cut].sum() / count
    return (
        count % 5 == 0
        and all((4 * count // 5) % size for size in (50, 16))
        and bool(cut.any())
        and 0.2 < trained[cut][0] / counts[cut][0] < 0.8
        and 0.1 < best < 0.9
        and min(abs(2 * best - 1), abs(best - overall)) > 0.05
    )


def _among_first(counts, first):
    """Return how many images of each digit are among the ``first`` ones, where one digit is stored after the other."""
    return np.clip(first - (np.cumsum(counts) - counts), 0, counts)


@quantity
def trained_counts(digit_counts, validation_split):
    """Images of each digit that are trained on, shape (10,): Keras keeps back the last ones, before it shuffles."""
    return _among_first(digit_counts, _first_part(int(np.sum(digit_counts)), 1 - validation_split))


@misconception("trained_counts", "The first images are missing. Look up which ones `validation_split` keeps back.")
def first_kept_back(digit_counts, validation_split):
    return _among_first(digit_counts[::-1], _first_part(int(np.sum(digit_counts)), 1 - validation_split))[::-1]


@misconception(
    "trained_counts", "The images are shuffled only after some have been kept back: not every digit loses its share."
)
def shuffled_before(digit_counts, validation_split):
    return digit_counts - np.round(digit_counts * validation_split).astype(int)


@misconception("trained_counts", "Those are the images that are kept back.")
def counts_kept_back(digit_counts, validation_split):
    return digit_counts - _among_first(digit_counts, _first_part(int(np.sum(digit_counts)), 1 - validation_split))


@misconception(
    "trained_counts",
    "The boundary lies within a digit: some of its images are trained on, and the others are kept back.",
)
def whole_digits_only(digit_counts, validation_split):
    first = _first_part(int(np.sum(digit_counts)), 1 - validation_split)
    return np.where(np.cumsum(digit_counts) <= first, digit_counts, 0)


@misconception(
    "trained_counts", "The numbers are those of the digits 0 to 9. The order of `digit_order` was asked for."
)
def from_zero_to_nine(digit_order, digit_counts, validation_split):
    trained = _among_first(digit_counts, _first_part(int(np.sum(digit_counts)), 1 - validation_split))
    return trained[np.argsort(digit_order)]


@quantity
def best_val_accuracy(trained_counts, digit_counts):
    """Accuracy on what is kept back of a network that knows all digits that it was trained on, and no others."""
    kept = np.asarray(digit_counts) - trained_counts
    return float(kept[np.asarray(trained_counts) > 0].sum() / kept.sum())


@misconception("best_val_accuracy", "That is the share of all images. The accuracy is that on the images kept back.")
def share_of_all_images(trained_counts, digit_counts):
    counts = np.asarray(digit_counts)
    return float(counts[np.asarray(trained_counts) > 0].sum() / counts.sum())


@misconception("best_val_accuracy", "That is the share that such a network gets wrong.")
def share_of_errors(trained_counts, digit_counts):
    kept = np.asarray(digit_counts) - trained_counts
    return float(kept[np.asarray(trained_counts) == 0].sum() / kept.sum())


@quantity
def own_updates(digit_counts, trained_share, counted_batch, epochs_counted):
    """Updates of the listing on these images; the last batch of an epoch is smaller."""
    return epochs_counted * _steps(_first_part(int(np.sum(digit_counts)), trained_share), counted_batch)


@misconception("own_updates", "The last, smaller batch of each epoch is missing: Keras makes an update for it as well.")
def last_batch_dropped(digit_counts, trained_share, counted_batch, epochs_counted):
    return epochs_counted * (_first_part(int(np.sum(digit_counts)), trained_share) // counted_batch)


@misconception("own_updates", "Batches do not reach from one epoch into the next: round up in each of them.")
def rounded_at_the_end(digit_counts, trained_share, counted_batch, epochs_counted):
    return _steps(epochs_counted * _first_part(int(np.sum(digit_counts)), trained_share), counted_batch)


# Normalisation


@function
def normalise(x_train, x_test):
    """Return both parts, scaled with the mean and the spread of the training images."""
    mean, spread = np.mean(x_train), np.std(x_train)
    return (x_train - mean) / spread, (x_test - mean) / spread


@trial("normalise")
def normalised(normalise, x_train, x_test, others):
    """Return both parts; both again with more test images; and training images as if they were for testing."""
    import numpy as np  # noqa: PLC0415 - a trial brings all that it needs

    def both(first, second):
        found = normalise(first.copy(), second.copy())
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise TypeError("`normalise` should return two arrays")
        return [np.asarray(one, dtype="float32").reshape(len(one), -1) for one in found]

    train, test = both(x_train, x_test)
    train_again, among_others = both(x_train, np.concatenate([x_test, others]))
    return {
        "train": train,
        "test": test,
        "train again": train_again,
        "test among others": among_others[: len(test)],
        "train as test": both(x_train, x_train[:5])[1],
    }


@cases("normalised")
def bytes_of_images(rng):
    """Draw images with a black margin, as MNIST has it; those for testing are brighter."""

    def images(count, brightest):
        pixels = np.zeros((count, 28, 28), np.uint8)
        pixels[:, 4:-4, 4:-4] = rng.integers(0, brightest, (count, 20, 20))
        return pixels

    yield images(25, 200), images(6, 240), images(9, 256)


def _arrays(result):
    return {name: np.asarray(one, dtype=np.float64) for name, one in result.items()}


#: Beyond this a pixel is not scaled: a standardised one of the hidden images stays below 4, a byte goes up to 255.
LARGEST = 20.0


@property_of("normalise", "It does not scale both parts to small numbers that still tell the pixels apart.")
def scaled(inputs, result):
    x_train, x_test, _ = inputs
    found = _arrays(result)
    train, test = found["train"], found["test"]
    if (len(train), len(test)) != (len(x_train), len(x_test)):
        return "The number of images has changed."
    if not all(np.isfinite(one).all() for one in (train, test)):
        return "Some results are not finite. In MNIST, the pixels at the border are 0 in every image."
    if max(np.abs(train).max(), np.abs(test).max()) > LARGEST:
        return "The numbers are still large."
    if len(np.unique(train)) < len(np.unique(x_train)) / 2:
        return "Pixels that differ have become equal."
    return True


@property_of("normalise", "What is done to an image hangs on the test images, or differs between the two parts.")
def from_training_alone(inputs, result):
    found = _arrays(result)

    def same(one, other):
        shapes_agree = one.shape == other.shape
        return shapes_agree and np.allclose(one, other, rtol=1e-4, atol=1e-4, equal_nan=True)

    if np.array_equal(found["train"].ravel(), np.asarray(inputs[0]).ravel()):
        return "The training images are as they were."
    if not same(found["train"], found["train again"]):
        return "The training images come out otherwise when there are other test images."
    if not same(found["test"], found["test among others"]):
        return "A test image comes out otherwise when there are other test images."
    if not same(found["train"][:5], found["train as test"]):
        return "The same image comes out otherwise as a training and as a test image."
    return True


# The known hand-ins bind `normalise` anew after the training: the network then gets other inputs than it learnt from.
_INPUTS_CHANGED = ("model", "test_accuracy")


@misconception(
    "normalise",
    "Mean and spread are taken over both parts, so that something of the test images leaks into training.",
    shows_in="normalise_leakage",
)
def both_together(x_train, x_test):
    together = np.concatenate([x_train, x_test])
    return (x_train - together.mean()) / together.std(), (x_test - together.mean()) / together.std()


@misconception(
    "normalise",
    "The test images are scaled with numbers of their own, so that the same image would come out otherwise.",
    shows_in="normalise_leakage",
)
def each_by_itself(x_train, x_test):
    return (x_train - x_train.mean()) / x_train.std(), (x_test - x_test.mean()) / x_test.std()


@misconception(
    "normalise",
    "The test images are left as they are: the network gets them in another scale than it was trained with.",
    shows_in="normalise_scale",
    also_loses=("normalise_leakage", *_INPUTS_CHANGED),
)
def test_left_alone(x_train, x_test):
    return x_train / 255, x_test


@misconception(
    "normalise",
    "Nothing has changed: the pixels are still bytes from 0 to 255.",
    shows_in="normalise_scale",
    also_loses=("normalise_leakage", *_INPUTS_CHANGED),
)
def bytes_left(x_train, x_test):
    return x_train, x_test


@misconception(
    "normalise",
    "Some pixels are the same in all training images, so that their spread is 0 and dividing by it gives no number.",
    shows_in="normalise_scale",
    also_loses=_INPUTS_CHANGED,
)
def divided_by_no_spread(x_train, x_test):
    mean, spread = x_train.mean(axis=0), x_train.std(axis=0)
    with np.errstate(all="ignore"):
        return (x_train - mean) / spread, (x_test - mean) / spread


@misconception(
    "normalise",
    "`//` drops the fraction: all pixels but the brightest become 0.",
    shows_in="normalise_scale",
    also_loses=_INPUTS_CHANGED,
)
def whole_division(x_train, x_test):
    return x_train // 255, x_test // 255


# The network on digits


@cache
def _data():
    return load("mnist", train=TRAIN, test=TEST)


@quantity
def bands():
    """Return which fraction is earned from which accuracy on, on the data that the run found."""
    return BANDS[_data().variant]


@trial("normalise")
def prepared(normalise, x_train, images):
    """Return images as inputs of the student's network."""
    return normalise(x_train, images)[1]


def _labelled(samples):
    return _data().content.train.inputs, samples.inputs, samples.labels.astype(np.int64)


@cases("prepared")
def hidden_digits(rng):
    """Draw digits that are not among those handed out."""
    yield _labelled(_data().hidden(rng, HIDDEN))


@cases("prepared")
def test_digits():
    """Return the test images that students have."""
    yield _labelled(_data().content.test)
