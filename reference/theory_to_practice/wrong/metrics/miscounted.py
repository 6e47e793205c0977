"""All four counts are off; what follows from them is right."""

import matplotlib.pyplot as plt
import numpy as np

# --- given ---
y = np.array([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0])
scores = np.array(
    [
        0.2,
        0.4,
        0.2,
        0.05,
        0.25,
        0.55,
        0.7,
        0.8,
        0.75,
        0.95,
        0.1,
        0.45,
        0.95,
        0.6,
        0.55,
        0.3,
        0.75,
        0.75,
        0.7,
        0.65,
        0.7,
        0.4,
        0.6,
        0.8,
        0.3,
        0.6,
        0.25,
        0.45,
        0.3,
        0.1,
    ]
)
y_hat = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 0, 1, 0, 0, 0, 0])
# --- end of given ---

TP = 1 + np.sum((y == 1) & (y_hat == 1))
FN = 2 + np.sum((y == 1) & (y_hat == 0))
FP = 2 + np.sum((y == 0) & (y_hat == 1))
TN = -2 + np.sum((y == 0) & (y_hat == 0))


def labelled_matrix(y, y_hat):
    """Return the confusion matrix, the labels of its rows, and those of its columns."""
    y, y_hat = np.asarray(y), np.asarray(y_hat)
    matrix = [[np.sum((y == a) & (y_hat == p)) for p in (1, 0)] for a in (1, 0)]
    row_labels = ["actual positive", "actual negative"]
    column_labels = ["predicted positive", "predicted negative"]
    return matrix, row_labels, column_labels


precision = TP / (TP + FP)
recall = TP / (TP + FN)

undefined_precision = 0  # what your function gives where TP + FP = 0: 0, 1 or float("nan")


def safe_precision(TP, FP):
    return TP / (TP + FP) if TP + FP > 0 else 0


TPR = TP / (TP + FN)
FPR = FP / (FP + TN)

thresholds = [np.inf, *np.unique(scores)[::-1]]
fpr = [np.mean(scores[y == 0] >= threshold) for threshold in thresholds]
tpr = [np.mean(scores[y == 1] >= threshold) for threshold in thresholds]


def standard_form(fpr, tpr):
    """Return 31 points of your curve, an array of shape (31, 2): after 0, 1, 2, … samples counted as positive."""
    if fpr is None or tpr is None:
        return None
    fpr, tpr = np.concatenate([[0], fpr, [1]]), np.concatenate([[0], tpr, [1]])
    counted = fpr * np.sum(y == 0) + tpr * np.sum(y == 1)
    order = np.argsort(counted, kind="stable")
    places = np.arange(y.size + 1)
    return np.column_stack([np.interp(places, counted[order], rate[order]) for rate in (fpr, tpr)])


curve = standard_form(fpr, tpr)
roc_points = {"fpr": fpr, "tpr": tpr}

plt.plot(fpr, tpr, marker="o")
plt.plot([0, 1], [0, 1], linestyle=":", label="chance")
plt.xlabel("false positive rate")
plt.ylabel("true positive rate")
plt.show()

auc = sum((fpr[i + 1] - fpr[i]) * (tpr[i + 1] + tpr[i]) / 2 for i in range(len(fpr) - 1))

meaning = """An area of 1 means that every positive sample has a higher score than every negative one, so some threshold separates
them without a mistake. With 0.5 the classifier is no better than guessing."""
