"""With scikit-learn, and the negative class first."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import confusion_matrix, precision_score, recall_score, roc_auc_score, roc_curve

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

(TN, FP), (FN, TP) = confusion_matrix(y, y_hat)


def labelled_matrix(y, y_hat):
    """Return the confusion matrix, the labels of its rows, and those of its columns."""
    matrix = confusion_matrix(y, y_hat)
    row_labels = ["actual negative", "actual positive"]
    column_labels = ["predicted negative", "predicted positive"]
    return matrix, row_labels, column_labels


precision = precision_score(y, y_hat)
recall = recall_score(y, y_hat)

undefined_precision = float("nan")  # what your function gives where TP + FP = 0: 0, 1 or float("nan")


def safe_precision(TP, FP):
    try:
        return TP / (TP + FP)
    except ZeroDivisionError:
        return float("nan")


TPR = recall
FPR = FP / (FP + TN)

fpr, tpr, thresholds = roc_curve(y, scores)


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

fig, ax = plt.subplots()
ax.step(fpr, tpr, where="post")
ax.set(xlabel="FPR", ylabel="TPR", title="ROC")
plt.show()

auc = roc_auc_score(y, scores)

meaning = """1: perfect, all positives are ranked above all negatives. 0.5: as good as flipping a coin."""
