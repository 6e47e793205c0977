"""Recognising movements with HAPT: loading, a split by person, a classifier, and what its accuracies mean.

Classes are counted from 0 to 11, in the files from 1 to 12. What is true of the data is read from the data set that
the run found as well, real or simulated, with the sizes of exercise.yaml.
"""

from functools import cache
from pathlib import Path

import numpy as np

from grader import cases, function, misconception, property_of, quantity, trial
from grader.data import load

#: As in exercise.yaml: they keep all of the simulated data and make the real ones quick to read.
TRAIN, TEST = 900, 400
#: Persons that nobody has seen; so many samples that chance counts for a point and a half.
UNSEEN = 1500
VALIDATION_PERSONS = 5


def data():
    """Return the data set that students find."""
    return load("hapt", train=TRAIN, test=TEST)


def for_validation(samples):
    """Return which samples belong to the persons for validation, as a mask."""
    return np.isin(samples.subjects, np.unique(samples.subjects)[-VALIDATION_PERSONS:])


# Loading


def read(folder, part):
    """Return features, labels and persons as they stand in the files."""
    place = Path(folder) / part.capitalize()
    whole = (np.loadtxt(place / f"{name}_{part}.txt", dtype=int) for name in ("y", "subject_id"))
    return (np.loadtxt(place / f"X_{part}.txt"), *whole)


@function
def load_part(folder, part):
    """Return features (n, d), classes (n,) from 0, and persons (n,) of ``part``, ``train`` or ``test``."""
    features, labels, subjects = read(folder, part)
    return features, labels - 1, subjects


@trial("load_part")
def from_files(load_part, part, features, labels, subjects):
    """Return what is read from a folder with other files, in which ``part`` is as given and the other is not."""
    import tempfile  # noqa: PLC0415 - runs by itself
    from pathlib import Path  # noqa: PLC0415

    import numpy as np  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        for name, rows in ((part, slice(None)), ("test" if part == "train" else "train", slice(0, 2))):
            place = Path(folder) / name.capitalize()
            place.mkdir()
            np.savetxt(place / f"X_{name}.txt", features[rows], "%.8g")
            np.savetxt(place / f"y_{name}.txt", labels[rows], "%d")
            np.savetxt(place / f"subject_id_{name}.txt", subjects[rows], "%d")
        return load_part(folder, part)


@cases("from_files")
def small_parts(rng):
    """Draw files of a few samples. The second holds neither the first class nor the last."""
    for part, classes in (("train", np.arange(1, 13)), ("test", np.array([3, 4, 4, 7, 9, 11]))):
        count = len(classes)
        yield part, rng.uniform(-1, 1, (count, 7)).round(4), rng.permutation(classes), rng.integers(1, 31, count)


@misconception(
    "load_part", "The classes are still counted from 1: the files number them 1 to 12, a network's outputs are 0 to 11."
)
def from_one(folder, part):
    return read(folder, part)


@misconception(
    "load_part",
    "The smallest number in the file is taken for the first class. Where a class does not occur, all others get wrong "
    "numbers; the shift must be the same for every file.",
)
def from_the_smallest(folder, part):
    features, labels, subjects = read(folder, part)
    return features, labels - labels.min(), subjects


@misconception("load_part", "Both calls read the training part: the names of the files depend on `part`.")
def always_train(folder, part):
    del part
    features, labels, subjects = read(folder, "train")
    return features, labels - 1, subjects


@quantity
def train_shape():
    """Return the shape of the features of the training part: samples and features."""
    return np.array(data().content.train.inputs.shape)


@quantity
def test_shape():
    """Return the shape of the features of the test part."""
    return np.array(data().content.test.inputs.shape)


@quantity
def class_counts():
    """Return how many samples of each class the training part holds, shape (12,)."""
    return np.bincount(data().content.train.labels - 1, minlength=12)


@misconception("train_shape", "Samples are rows, features are columns: the number of samples comes first.")
def features_first():
    return np.array(data().content.train.inputs.shape[::-1])


@misconception("test_shape", "That is the shape of the training part.")
def shape_of_train(train_shape):
    return train_shape


@misconception(
    "class_counts",
    "These counts belong to classes from 1: the first class got none, and the last is missing.",
)
def counted_from_one():
    return np.bincount(data().content.train.labels, minlength=13)[:12]


@misconception("class_counts", "These are the counts of the test part.")
def counts_of_test():
    return np.bincount(data().content.test.labels - 1, minlength=12)


# The split


@quantity
def validation_persons():
    """Return the persons for validation: the five highest numbers in the training part."""
    return np.unique(data().content.train.subjects)[-VALIDATION_PERSONS:]


@misconception("validation_persons", "These persons are in the test part, which is not for choosing anything.")
def test_persons():
    return np.unique(data().content.test.subjects)[-VALIDATION_PERSONS:]


@function
def split_by_subject(subjects, persons):
    """Return the places of the samples for training, and of those for validation: all samples of ``persons``."""
    chosen = np.isin(subjects, persons)
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


@cases("split_by_subject")
def persons_mixed(rng):
    """Draw samples of several persons, of each another number, in no order and in order."""
    for count, people, held_back in ((40, 6, 2), (75, 9, 3), (30, 4, 1)):
        everybody = rng.permutation(np.arange(1, 31))[:people]
        subjects = rng.permutation(np.concatenate([everybody, rng.choice(everybody, count - people)]))
        yield (np.sort(subjects) if people == 9 else subjects), np.sort(everybody[:held_back])


def both_parts(result, count):
    """Return the places of both parts, for places and masks alike. Raises ValueError for anything else."""
    if len(result) != 2:
        raise ValueError(f"{len(result)} parts instead of two")
    return tuple(places(part, count) for part in result)


def places(part, count):
    found = np.asarray(part)
    found = found[0] if found.ndim == 2 and len(found) == 1 else found  # as np.where returns it
    if found.shape == (count,) and found.dtype.kind == "b":
        return np.flatnonzero(found)
    if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
        raise ValueError("a part holds no places")
    if found.size and not 0 <= found.min() <= found.max() < count:
        raise ValueError("a part holds places that do not exist")
    return found.astype(int)


@property_of("split_by_subject", "The same person is in both parts.")
def nobody_in_both(inputs, result):
    subjects, _ = inputs
    train, validation = both_parts(result, len(subjects))
    return not set(subjects[train]) & set(subjects[validation])


@property_of("split_by_subject", "Every sample should be in exactly one part, once.")
def every_sample_once(inputs, result):
    subjects, _ = inputs
    return sorted(np.concatenate(both_parts(result, len(subjects)))) == list(range(len(subjects)))


@property_of(
    "split_by_subject", "The second part should hold the samples of the persons that were named, and no other."
)
def those_named(inputs, result):
    subjects, persons = inputs
    _, validation = both_parts(result, len(subjects))
    return set(subjects[validation]) == set(persons)


@misconception(
    "split_by_subject",
    "The samples are drawn at random, so the same person is in both parts. Windows of one person resemble each other: "
    "the validation would promise too much.",
)
def at_random(subjects, persons):
    order = np.random.default_rng(0).permutation(len(subjects))
    count = int(np.isin(subjects, persons).sum())
    return order[count:], order[:count]


@misconception("split_by_subject", "The two parts are the wrong way round: training comes first.")
def parts_swapped(subjects, persons):
    chosen = np.isin(subjects, persons)
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


@misconception(
    "split_by_subject",
    "The end of the list is cut off. That is a split by person only where the samples are sorted by person, and where "
    "the persons named come last.",
)
def cut_at_the_end(subjects, persons):
    count = len(subjects) - int(np.isin(subjects, persons).sum())
    return np.arange(count), np.arange(count, len(subjects))


# The classifier


@cache
def classifier(seed=0):
    """Return a linear classifier on standardised features, trained on the persons for training."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - slow to import
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    train = data().content.train
    train = train.take(~for_validation(train))
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=400, random_state=seed))
    return model.fit(train.inputs, train.labels - 1)


@function
def predict(features):
    """Return one class from 0 to 11 for each row of ``features`` (n, 561), as they stand in the files."""
    return classifier().predict(features)


@misconception(
    "predict",
    "Everything is said to be walking. Look at what comes out of your network before the classes are taken: is the "
    "last layer trained, and is the largest taken along the right axis?",
    also_loses=("train_accuracy", "validation_accuracy", "test_accuracy", "validation_is_unseen", "test_is_unseen"),
)
def all_walking(features):
    return np.zeros(len(features), dtype=int)


@cases("predict")
def unseen_persons(rng):
    """Draw samples of persons whom no hand-in can have seen."""
    found = data().hidden(rng, UNSEEN)
    yield found.inputs, found.labels - 1


@cases("predict")
def training_persons():
    """Return the samples for training: the training part without the persons for validation."""
    train = data().content.train
    train = train.take(~for_validation(train))
    yield train.inputs, train.labels - 1


@cases("predict")
def persons_held_back():
    """Return the samples of the persons for validation."""
    train = data().content.train
    train = train.take(for_validation(train))
    yield train.inputs, train.labels - 1


@cases("predict")
def test_part():
    """Return the test part that students have."""
    test = data().content.test
    yield test.inputs, test.labels - 1
