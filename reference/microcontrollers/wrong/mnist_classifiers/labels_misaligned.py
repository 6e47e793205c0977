"""The images are shuffled and their labels are not; nothing is drawn and nothing written."""

import gzip
from pathlib import Path

import numpy as np
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

FOLDER = Path("data/mnist")


def read_idx(name):
    """Return the array in a file of MNIST's format: a head that says the shape, then one byte for each number."""
    data = gzip.decompress((FOLDER / f"{name}.gz").read_bytes())
    dimensions = data[3]
    shape = np.frombuffer(data, ">u4", count=dimensions, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


X_train = read_idx("train-images-idx3-ubyte").reshape(-1, 784) / 255
y_train = read_idx("train-labels-idx1-ubyte")
X_test = read_idx("t10k-images-idx3-ubyte").reshape(-1, 784) / 255
y_test = read_idx("t10k-labels-idx1-ubyte")


X_train = X_train[np.random.default_rng(0).permutation(len(X_train))]
svm = SVC().fit(X_train, y_train)
svm_accuracy = svm.score(X_test, y_test)

tree = DecisionTreeClassifier(random_state=1).fit(X_train, y_train)
tree_accuracy = 100 * tree.score(X_test, y_test)


def accuracy_at_depth(depth):
    model = DecisionTreeClassifier(max_depth=depth, random_state=1)
    return model.fit(X_train, y_train).score(X_test, y_test)


depths = range(1, 11)
depth_accuracy = [accuracy_at_depth(depth) for depth in depths]


def is_separable(points, labels):
    plane = SVC(kernel="linear", C=100).fit(points, labels)
    return bool(plane.score(points, labels) == 1)


def feature_map(points):
    return np.stack([points[:, 0], points[:, 1], points[:, 0] * points[:, 1]], axis=1)


left = np.array([9, 1, 2])
right = np.array([1, 4, 1])


def gini(counts):
    return 1 - ((counts / counts.sum()) ** 2).sum()


def entropy(counts):
    shares = counts / counts.sum()
    return -(shares * np.log2(shares)).sum()


both = left + right
gini_parent, gini_left, gini_right = gini(both), gini(left), gini(right)
to_left = left.sum() / both.sum()
gini_gain = gini_parent - to_left * gini_left - (1 - to_left) * gini_right
entropy_gain = entropy(both) - to_left * entropy(left) - (1 - to_left) * entropy(right)

comparison = "Your comparison, five to eight sentences."
