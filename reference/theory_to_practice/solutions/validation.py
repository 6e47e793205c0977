"""Shuffled folds, and as little code as possible."""

import numpy as np

# --- given ---
n_examples = 197
n_folds = 5
fold_scores = np.array([0.706, 0.885, 0.696, 0.701, 0.844])
# --- end of given ---


def k_folds(n, k):
    return np.array_split(np.random.permutation(n), k)


def split_round(folds, i):
    train = np.concatenate(folds[:i] + folds[i + 1 :])
    return train, folds[i]


folds = k_folds(n_examples, n_folds)
train_sizes = [len(split_round(folds, i)[0]) for i in range(n_folds)]

n_trainings = n_folds
trainings_with_example = n_folds - 1
largest_train_size = max(train_sizes)
smallest_train_size = min(train_sizes)

cv_score = np.mean(fold_scores)


def scale_parts(x, train, validation):
    mean = x[train].mean(axis=0)
    deviation = x[train].std(axis=0)
    return (x[train] - mean) / deviation, (x[validation] - mean) / deviation
