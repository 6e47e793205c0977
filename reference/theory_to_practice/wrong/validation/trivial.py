"""Answers to be had without thinking: one example in every fold, nothing to train on, numbers as they are given."""

import numpy as np

# --- given ---
n_examples = 197
n_folds = 5
fold_scores = np.array([0.706, 0.885, 0.696, 0.701, 0.844])
# --- end of given ---


def k_folds(n, k):
    return [[fold] for fold in range(k)]


def split_round(folds, i):
    return [], folds[i]


n_trainings = n_folds
trainings_with_example = n_examples
largest_train_size = n_examples
smallest_train_size = n_examples - 1

cv_score = fold_scores[-1]


def scale_parts(x, train, validation):
    return np.zeros_like(x[train]), np.zeros_like(x[validation])
