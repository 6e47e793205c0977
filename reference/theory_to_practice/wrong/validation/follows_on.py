"""One training too few, and what is left over by the division gets lost: wrong once each, then followed on."""

import numpy as np

# --- given ---
n_examples = 197
n_folds = 5
fold_scores = np.array([0.706, 0.885, 0.696, 0.701, 0.844])
# --- end of given ---


def k_folds(n, k):
    return [list(range(fold, n, k)) for fold in range(k)]


def split_round(folds, i):
    return [example for j, fold in enumerate(folds) if j != i for example in fold], folds[i]


n_trainings = n_folds - 1
trainings_with_example = n_trainings - 1
largest_train_size = (n_folds - 1) * (n_examples // n_folds)
smallest_train_size = (n_folds - 1) * (n_examples // n_folds)

cv_score = max(fold_scores)


def scale_parts(x, train, validation):
    mean, deviation = np.mean(x[train], 0), np.std(x[train], 0, ddof=1)
    return np.divide(x[train] - mean, deviation), np.divide(x[validation] - mean, deviation)
