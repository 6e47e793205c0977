"""Folds drawn with replacement, parts that share an example, sizes swapped, another mean, whole data scaled as one list."""

import numpy as np

# --- given ---
n_examples = 197
n_folds = 5
fold_scores = np.array([0.706, 0.885, 0.696, 0.701, 0.844])
# --- end of given ---


def k_folds(n, k):
    size = round(n / k) + 1
    return [np.random.choice(n, size) for _ in range(k)]


def split_round(folds, i):
    train = [example for fold in folds[:i] + folds[i + 1 :] for example in fold]
    return [*train, folds[i][0]], folds[i]


n_trainings = n_folds
trainings_with_example = n_folds - 1
largest_train_size = 157
smallest_train_size = 158

cv_score = (fold_scores.sum() + fold_scores[0]) / (n_folds + 1)


def scale_parts(x, train, validation):
    return (x - x[train].mean(axis=0)) / x[train].std(axis=0)
