"""Cross-validation: write your functions and results into this file; task.md says what they mean.

Replace each None by your result, a number, typed in or calculated, and fill in the functions.
"""

import numpy as np

# --- given ---
n_examples = 197
n_folds = 5
fold_scores = np.array([0.706, 0.885, 0.696, 0.701, 0.844])
# --- end of given ---


# 1. Folds: k lists of examples, which are counted from 0 to n - 1


def k_folds(n, k):
    return None


# 2. One round: the examples to train on, and those to validate on, in the round i (counted from 0)


def split_round(folds, i):
    return None


# 3. How often, and with how much?

n_trainings = None  # 1 whole number
trainings_with_example = None  # 1 whole number
largest_train_size = None  # 1 whole number
smallest_train_size = None  # 1 whole number

# 4. The score

cv_score = None  # 1 number: score of the whole cross-validation


# 5. Scaling without a leak: the rows of train and the rows of validation, scaled


def scale_parts(x, train, validation):
    return None
