"""An SVM and a decision tree on digits: accuracy, depth, linear separability, and what a split gains.

Hidden digits come from the data set that the run found as well, real or not, with the sizes of exercise.yaml.
"""

from functools import cache

import numpy as np

from grader import cases, function, given, misconception, property_of, quantity
from grader.data import load

#: As in exercise.yaml.
TRAIN, TEST = 1000, 200
HIDDEN = 397


@cache
def rows(part):
    """Return images as rows of 784 shares of ink, and labels, of ``train`` or ``test``.

    A mistake that is handed in to validate the course runs where only the starter's own variables are.
    """
    if f"X_{part}" in globals():
        return globals()[f"X_{part}"], globals()[f"y_{part}"]
    return as_rows(getattr(load("mnist", train=TRAIN, test=TEST).content, part))


def as_rows(samples):
    return samples.inputs.reshape(len(samples), -1) / 255, samples.labels.astype(np.int64)


# Two classifiers. Students hand in objects; what counts is their method `predict`.


@cache
def fitted(name):
    """Return a fitted classifier of scikit-learn, with its usual settings."""
    from sklearn.svm import SVC  # noqa: PLC0415 - slow to import
    from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415

    model = SVC() if name == "svm" else DecisionTreeClassifier(random_state=0)
    return model.fit(*rows("train"))


@function
def predict(images):
    """Return the digit on each of ``images`` (n, 784)."""
    return fitted("svm").predict(images)


@cases("predict")
def hidden_digits(rng):
    """Draw digits that are not among those handed out."""
    yield as_rows(load("mnist").hidden(rng, HIDDEN))


@cases("predict")
def test_digits():
    """Return the test images that students have."""
    yield rows("test")


# Depth


def depth_score(depth, part):
    from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415 - slow to import

    model = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(*rows("train"))
    return float(model.score(*rows(part)))


@function
def accuracy_at_depth(depth):
    """Return the accuracy on the test images of a tree of at most ``depth`` levels, a share."""
    return depth_score(depth, "test")


@cases("accuracy_at_depth")
def some_depths(rng):
    """Return depths at which training and test accuracy lie apart, and small ones."""
    for depth in (2, int(rng.integers(3, 5)), 6, 8):
        yield (depth,)


@misconception(
    "accuracy_at_depth",
    "That is the accuracy on the training images. It rises with the depth until every image is learned by heart.",
)
def on_training_images(depth):
    return depth_score(depth, "train")


@misconception(
    "accuracy_at_depth",
    "The depth has no effect: hand it to the tree as `max_depth`.",
    also_loses=("depth_accuracy",),
)
def depth_ignored(depth):
    del depth
    return depth_score(None, "test")


@misconception(
    "accuracy_at_depth", "That is the error. Accuracy is the share that is right.", also_loses=("depth_accuracy",)
)
def error_rate(depth):
    return 1 - depth_score(depth, "test")


# Linear separability


def separating(points, labels, *, bias=True):
    """Return whether a plane has all points of one class on one side: a linear programme finds it, or there is none."""
    from scipy.optimize import linprog  # noqa: PLC0415 - slow to import

    signs = np.where(np.asarray(labels) == np.max(labels), 1.0, -1.0)
    points = np.column_stack([points, np.ones(len(points))]) if bias else np.asarray(points)
    found = linprog(
        np.zeros(points.shape[1]), A_ub=-signs[:, None] * points, b_ub=-np.ones(len(points)), bounds=(None, None)
    )
    return bool(found.status == 0)


def xor_points(rng, count):
    """Return points (count, 2) near the four corners at -1 and 1, all corners occupied."""
    corners = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])[rng.permutation(np.arange(count) % 4)]
    return corners + rng.uniform(-0.3, 0.3, corners.shape)


def xor_labels(points):
    """Return 1 where exactly one coordinate is positive, else 0."""
    return (points[:, 0] * points[:, 1] < 0).astype(int)


@function
def is_separable(points, labels):
    """Return whether a straight line (a plane) separates the two classes of ``points`` (n, d)."""
    return separating(points, labels)


@cases("is_separable")
def point_clouds(rng):
    """Draw XOR, XOR with the product as third feature, AND, a ring around a disc, and two clouds away from zero."""
    points = xor_points(rng, 40)
    yield points, xor_labels(points)
    yield np.column_stack([points, points[:, 0] * points[:, 1]]), xor_labels(points)
    yield points, (points.min(axis=1) > 0).astype(int)
    angle = rng.uniform(0, 2 * np.pi, 60)
    radius = np.where(np.arange(60) < 20, 0.4, 1.5)
    yield np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), (radius > 1).astype(int)
    clouds = rng.uniform(-0.3, 0.3, (40, 2)) + np.where(np.arange(40) < 20, 4.0, 6.0)[:, None]
    yield clouds, (np.arange(40) < 20).astype(int)


@misconception(
    "is_separable",
    "Most points on the right side are not enough: separable means that a line makes no mistake at all.",
)
def nearly_all(points, labels):
    from sklearn.svm import SVC  # noqa: PLC0415 - slow to import

    return SVC(kernel="linear").fit(points, labels).score(points, labels) >= 0.6


@misconception("is_separable", "The line need not pass through the origin: it has an offset, too.")
def through_the_origin(points, labels):
    return separating(points, labels, bias=False)


@misconception("is_separable", "The answer is the wrong way round.")
def turned_round(points, labels):
    return not separating(points, labels)


@function
def feature_map(points):
    """Return features (n, d) of ``points`` (n, 2), in which XOR is linearly separable."""
    return np.column_stack([points, points[:, 0] * points[:, 1]])


@cases("feature_map")
def xor_clouds(rng):
    """Draw three clouds of XOR."""
    for count in (24, 60, 200):
        yield (xor_points(rng, count),)


@property_of("feature_map", "In these features no straight line or plane separates the two classes of XOR.")
def separates_xor(inputs, result):
    (points,) = inputs
    features = np.asarray(result, dtype=float)
    features = features[:, None] if features.ndim == 1 else features
    if features.ndim != 2 or len(features) != len(points):
        return f"Its shape is {features.shape}, one row for each of {len(points)} points is needed."
    if features.shape[1] > 12:
        return f"It has {features.shape[1]} features; a dozen are more than enough."
    return separating(features, xor_labels(points))


@misconception("feature_map", "The points are left as they are, and XOR is not linearly separable there.")
def nothing_mapped(points):
    return points


@misconception("feature_map", "Squares do not see the signs; what tells the classes apart is the sign of a product.")
def squares(points):
    return points**2


# The measure of a split. Which one is taken for the impurity is a quantity of its own: a mistake in it costs once.


@given
def left():
    """Samples of each class that go left, shape (3,)."""
    return np.array([9, 1, 2])


@given
def right():
    """Samples of each class that go right, shape (3,)."""
    return np.array([1, 4, 1])


def impurity(counts, measure):
    shares = np.asarray(counts) / np.sum(counts)
    if measure == "gini":
        return float(1 - np.sum(shares**2))
    if measure == "sum of squares":
        return float(np.sum(shares**2))
    if measure == "error":
        return float(1 - shares.max())
    return float(-np.sum(shares * np.log(shares)) / (1 if measure == "nats" else np.log(2)))


@quantity
def measure():
    """Return how impurity is measured."""
    return "gini"


@misconception("measure", "That is the sum of the squared shares. Gini is what is missing to one: 0 for a pure node.")
def sum_of_squares():
    return "sum of squares"


@misconception("measure", "That is the share that the majority gets wrong. Gini looks at all classes.")
def error_of_majority():
    return "error"


@quantity
def gini_parent(measure, left, right):
    """Gini impurity before the split."""
    return impurity(left + right, measure)


@quantity
def gini_left(measure, left):
    """Gini impurity of the left child."""
    return impurity(left, measure)


@quantity
def gini_right(measure, right):
    """Gini impurity of the right child."""
    return impurity(right, measure)


def weighted(of_left, of_right, left, right):
    return (left.sum() * of_left + right.sum() * of_right) / (left.sum() + right.sum())


@quantity
def gini_gain(gini_parent, gini_left, gini_right, left, right):
    """How much the split lowers the Gini impurity."""
    return float(gini_parent - weighted(gini_left, gini_right, left, right))


@misconception("gini_gain", "The children count by their size: weight each with its share of the samples.")
def children_alike(gini_parent, gini_left, gini_right):
    return float(gini_parent - (gini_left + gini_right) / 2)


@misconception("gini_gain", "The impurity after the split is the weighted mean of the children, not their sum.")
def children_added(gini_parent, gini_left, gini_right):
    return float(gini_parent - (gini_left + gini_right))


@misconception("gini_gain", "That is the impurity that remains. The gain is what the split takes away from it.")
def what_remains(gini_left, gini_right, left, right):
    return float(weighted(gini_left, gini_right, left, right))


def entropy_falls(left, right, measure="bits"):
    return impurity(left + right, measure) - weighted(impurity(left, measure), impurity(right, measure), left, right)


@quantity
def entropy_gain(left, right):
    """How much the split lowers the entropy, in bits."""
    return float(entropy_falls(left, right))


@misconception(
    "entropy_gain", "That is in nats, from the natural logarithm. Bits are asked for: the logarithm to base 2."
)
def in_nats(left, right):
    return float(entropy_falls(left, right, "nats"))


@misconception("entropy_gain", "The children count by their size: weight each with its share of the samples.")
def entropies_alike(left, right):
    return impurity(left + right, "bits") - (impurity(left, "bits") + impurity(right, "bits")) / 2
