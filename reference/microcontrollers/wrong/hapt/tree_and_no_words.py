"""A decision tree, honestly reported; nothing is written."""

from pathlib import Path

import numpy as np
from sklearn.tree import DecisionTreeClassifier

FOLDER = Path("data/hapt")


def load_part(folder, part):
    place = Path(folder) / part.capitalize()
    features = np.loadtxt(place / f"X_{part}.txt")
    labels = np.loadtxt(place / f"y_{part}.txt", dtype=int) - 1
    subjects = np.loadtxt(place / f"subject_id_{part}.txt", dtype=int)
    return features, labels, subjects


X, y, subjects = load_part(FOLDER, "train")
X_test, y_test, subjects_test = load_part(FOLDER, "test")


train_shape = X.shape
test_shape = X_test.shape
class_counts = [int((y == number).sum()) for number in range(12)]


validation_persons = sorted(set(subjects))[-5:]


def split_by_subject(subjects, persons):
    held_back = np.isin(subjects, persons)
    return ~held_back, held_back


train, validation = split_by_subject(subjects, validation_persons)


model = DecisionTreeClassifier(max_depth=None, random_state=0)
model.fit(X[train], y[train])


def predict(features):
    return model.predict(features)


def accuracy(features, labels):
    return float(np.mean(predict(features) == labels))


train_accuracy = accuracy(X[train], y[train])
validation_accuracy = accuracy(X[validation], y[validation])
test_accuracy = accuracy(X_test, y_test)


interpretation = "Your interpretation, three to six sentences."
