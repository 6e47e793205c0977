"""Metrics of a classifier with two classes: confusion matrix, precision, recall, ROC curve and the area under it.

Conventions: class 1 is positive; a sample is predicted positive where its score is at least the threshold. A curve is
handed in as `standard_form` of the starter makes it from any list of its points: row k is the point at which k samples
count as positive, in part where it lies on the way across a tie. All numbers are without unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from grader import cases, function, given, misconception, property_of, quantity, trial

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

THRESHOLD = 0.5
LAYOUT = (["actual positive", "actual negative"], ["predicted positive", "predicted negative"])
PRINTED_SEED = 2024


@dataclass(frozen=True, slots=True)
class Numbers:
    """Labels ``y`` (30,), 0 or 1, and ``scores`` (30,) in steps of 0.05, none of them at the threshold."""

    y: Labels
    scores: Array


@lru_cache(maxsize=4096)
def numbers(seed: int | None) -> Numbers:
    """Return the printed numbers, or for an integer ``seed`` that student's own."""
    random = np.random.default_rng(PRINTED_SEED if seed is None else seed)
    while not instructive(drawn := draw(random)):
        pass
    return drawn


def draw(random: np.random.Generator) -> Numbers:
    """Return 9 to 13 positive samples of 30 in any order; positive ones tend to have higher scores."""
    positive = int(random.integers(9, 14))
    y = random.permutation(np.repeat([1, 0], [positive, 30 - positive]))
    steps = np.round(np.where(y == 1, 12.5, 8.0) + random.normal(0, 4, y.size))
    return Numbers(y, np.clip(steps, 1, 19) / 20)


def instructive(n: Numbers) -> bool:
    """Say whether the counts differ from each other, ties matter, and no usual mistake is near to what is right."""
    y_hat = (n.scores >= THRESHOLD).astype(int)
    tp, fn, fp, tn = (int(one) for one in _counts(n.y, y_hat))
    if np.any(n.scores == THRESHOLD) or len({tp, fn, fp, tn}) < 4 or min(tp, fn, fp, tn) < 2:
        return False
    accuracy = (tp + tn) / n.y.size
    area = _area(_curve(n.y, n.scores))
    thresholded = (tp / (tp + fn) + tn / (tn + fp)) / 2
    alike = [
        [tp / (tp + fp), tp / (tp + fn), accuracy, tp / n.y.size, fp / (tp + fp)],
        [fp / (fp + tn), fp / (fp + tp), fp / n.y.size, tn / (fp + tn), fn / (tp + fn)],
        [area, 1 - area, thresholded, accuracy, _pairs_won(n.y, n.scores)],
    ]
    curves = [_curve(n.y, n.scores), *(_one_by_one(n.y, order) for order in _orders(n.y, n.scores))]
    return bool(
        0.65 < area < 0.92
        and all(abs(one - other) > 0.012 for values in alike for one, other in combinations(values, 2))
        and all(np.max(np.abs(one - other)) > 0.05 for one, other in combinations(curves, 2))
    )


def _counts(y: Labels, y_hat: Labels) -> Labels:
    """Return TP, FN, FP, TN as an array of shape (4,)."""
    return np.array([np.sum((y == a) & (y_hat == p)) for a, p in ((1, 1), (1, 0), (0, 1), (0, 0))])


def _standard_form(fpr: Array, tpr: Array, y: Labels) -> Array:
    """Return the curve through the points (fpr, tpr) at which 0, 1, 2, … samples count as positive, (n + 1, 2)."""
    fpr, tpr = np.concatenate([[0], fpr, [1]]), np.concatenate([[0], tpr, [1]])
    counted = fpr * np.sum(y == 0) + tpr * np.sum(y == 1)
    order = np.argsort(counted, kind="stable")
    places = np.arange(y.size + 1)
    return np.column_stack([np.interp(places, counted[order], rate[order]) for rate in (fpr, tpr)])


def _curve(y: Labels, scores: Array) -> Array:
    """Return the ROC curve in standard form: one point for each threshold among the scores."""
    thresholds = np.unique(scores)[::-1, None]
    fpr, tpr = (np.mean(scores[y == one] >= thresholds, axis=1) for one in (0, 1))
    return _standard_form(fpr, tpr, y)


def _one_by_one(y: Labels, order: Labels) -> Array:
    """Return the curve that takes one sample after the other, also where their scores are equal."""
    fpr, tpr = (np.cumsum(y[order] == one) / np.sum(y == one) for one in (0, 1))
    return _standard_form(fpr, tpr, y)


def _orders(y: Labels, scores: Array) -> list[Labels]:
    """Return the samples by falling score, ties as they come, from the end, and with the positive ones first."""
    return [np.argsort(-scores, kind="stable"), np.argsort(scores, kind="stable")[::-1], np.lexsort((-y, -scores))]


def _area(curve: Array) -> float:
    """Return the area under a curve by trapezoids."""
    x, y = curve.T
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))


def _pairs_won(y: Labels, scores: Array) -> float:
    """Return the share of pairs whose positive sample has the higher score; ties count as lost."""
    return float(np.mean(scores[y == 1, None] > scores[y == 0]))


@given
def y(seed: int | None) -> Labels:
    """Labels, shape (30,)."""
    return numbers(seed).y


@given
def scores(seed: int | None) -> Array:
    """Scores of the classifier, shape (30,)."""
    return numbers(seed).scores


@given
def y_hat(scores: Array) -> Labels:
    """Predictions at the threshold 0.5, shape (30,)."""
    return (scores >= THRESHOLD).astype(int)


# Confusion matrix (I23). The four counts are one hidden quantity: who takes the wrong class for positive loses it once.


@quantity
def counts(y: Labels, y_hat: Labels) -> Labels:
    """TP, FN, FP and TN, shape (4,)."""
    return _counts(y, y_hat)


# First, since false negatives alone do not tell the two mistakes apart: whoever swaps classes is found by TP.
@misconception(
    "counts",
    "The two kinds of errors are swapped: *false negative* was predicted to be negative, and is not.",
    shows_in="FN",
)
def errors_swapped(y: Labels, y_hat: Labels) -> Labels:
    return _counts(y_hat, y)


@misconception("counts", "Positive is class 1. Your numbers fit if class 0 is taken for positive; mind the first cell.")
def classes_swapped(y: Labels, y_hat: Labels) -> Labels:
    return _counts(y, y_hat)[::-1]


@quantity
def TP(counts: Labels) -> int:
    """True positives."""
    return int(counts[0])


@quantity
def FN(counts: Labels) -> int:
    """False negatives."""
    return int(counts[1])


@quantity
def FP(counts: Labels) -> int:
    """False positives."""
    return int(counts[2])


@quantity
def TN(counts: Labels) -> int:
    """True negatives."""
    return int(counts[3])


@function
def labelled_matrix(y, y_hat):
    """Confusion matrix with the labels of its rows and columns."""
    return _counts(y, y_hat).reshape(2, 2), *LAYOUT


@trial("labelled_matrix")
def by_labels(labelled_matrix, y, y_hat, actual, predicted):
    """Return the number in the cell that the labels name, whichever layout was chosen."""
    result = labelled_matrix(y, y_hat)
    if result is None or result[0] is None:
        return None
    matrix, row_labels, column_labels = result
    wanted = [("actual", actual), ("predicted", predicted)]
    for row, row_label in enumerate(row_labels or []):
        for column, column_label in enumerate(column_labels or []):
            if sorted(tuple(str(one).lower().split()) for one in (row_label, column_label)) == wanted:
                return matrix[row][column]
    raise ValueError(f"no cell is labelled 'actual {actual}' and 'predicted {predicted}'")


@cases("by_labels")
def for_labelled_matrix(rng):
    """Draw samples for each of the four cells, twice; no two cells hold the same number."""
    for _ in range(2):
        sizes = rng.permutation([2, 3, 5, 8]) + rng.integers(0, 4)
        y, y_hat = (np.repeat(labels, sizes) for labels in ([1, 1, 0, 0], [1, 0, 1, 0]))
        order = rng.permutation(y.size)
        for actual in ("positive", "negative"):
            for predicted in ("positive", "negative"):
                yield y[order], y_hat[order], actual, predicted


@misconception(
    "labelled_matrix",
    "The two kinds of errors stand in each other's cells: your labels say the opposite of what rows and columns hold.",
)
def axes_mistaken(y, y_hat):
    return _counts(y, y_hat).reshape(2, 2).T, *LAYOUT


@misconception(
    "labelled_matrix",
    "Your labels name the classes in another order than the matrix has them. Libraries begin with the class 0.",
)
def classes_mislabelled(y, y_hat):
    return _counts(y, y_hat)[::-1].reshape(2, 2), *LAYOUT


# Precision and recall (I24). Which errors stand in which denominator is hidden, so that a swap costs once.


@quantity
def denominators() -> str:
    """Errors in the denominators of precision and recall."""
    return "FP, FN"


@misconception(
    "denominators", "Precision and recall are swapped: precision is about what was predicted to be positive."
)
def precision_and_recall_swapped() -> str:
    return "FN, FP"


@quantity
def precision(TP: int, FP: int, FN: int, denominators: str) -> float:
    """Precision."""
    return TP / (TP + (FP if denominators == "FP, FN" else FN))


@misconception("precision", "That is the accuracy, the share of all predictions that are right.")
def accuracy_for_precision(TP: int, FN: int, FP: int, TN: int) -> float:
    return (TP + TN) / (TP + FN + FP + TN)


@misconception("precision", "That is the false discovery rate: the share of the predicted positives that are wrong.")
def discoveries_that_are_false(TP: int, FP: int) -> float:
    return FP / (TP + FP)


@quantity
def recall(TP: int, FP: int, FN: int, denominators: str) -> float:
    """Recall."""
    return TP / (TP + (FN if denominators == "FP, FN" else FP))


@misconception("recall", "That is a share of all samples. Recall is a share of those that are positive.")
def hits_of_all(TP: int, FN: int, FP: int, TN: int) -> float:
    return TP / (TP + FN + FP + TN)


undefined_precision = 0  # stated beside the function, as a student does


@function
def safe_precision(TP, FP):
    """Precision; 0 where it is undefined."""
    return TP / (TP + FP) if TP + FP else 0.0


@cases("safe_precision")
def usual(rng):
    for _ in range(4):
        yield int(rng.integers(1, 40)), int(rng.integers(1, 40))
    yield 0, int(rng.integers(1, 40))
    yield int(rng.integers(1, 40)), 0


@trial("safe_precision")
def stated(safe_precision, TP, FP):
    """Return what `undefined_precision` states beside the function, and what the function gives."""
    return [getattr(safe_precision, "__globals__", {}).get("undefined_precision"), safe_precision(TP, FP)]


@cases("stated")
def undefined():
    yield 0, 0


@property_of("safe_precision", "where nothing is predicted positive it gives another value than you state.")
def as_stated(inputs, result):
    said, value = result
    if said is None or value is None:
        return "Say in `undefined_precision` what it gives where TP + FP = 0, and give it."
    said, value = float(said), float(value)
    if not (said in {0, 1} or np.isnan(said)):
        return "`undefined_precision` should be 0, 1 or float('nan')."
    return said == value or bool(np.isnan(said) and np.isnan(value))


@misconception(
    "safe_precision",
    "Where nothing is predicted positive, it divides by zero: catch this case before.",
    shows_in="safe_precision_undefined",
)
def zero_not_caught(TP, FP):
    return TP / (TP + FP)


@misconception("safe_precision", "That is the share of the predicted positives that are wrong.")
def false_share(TP, FP):
    return FP / (TP + FP) if TP + FP else 0.0


# Rates (I25). TPR is another name for recall, so that it may be taken from there or from the counts.


@quantity
def TPR(recall: float) -> float:
    """True positive rate."""
    return recall


@quantity
def hit_rate(TP: int, FN: int) -> float:
    """The same from the counts."""
    return TP / (TP + FN)


@misconception("TPR", "That is the precision: the true positive rate is a share of the samples that *are* positive.")
def precision_for_TPR(TP: int, FP: int) -> float:
    return TP / (TP + FP)


@misconception("TPR", "That is the share of positive samples that were missed.")
def miss_rate(TP: int, FN: int) -> float:
    return FN / (TP + FN)


@quantity
def FPR(FP: int, TN: int) -> float:
    """False positive rate."""
    return FP / (FP + TN)


@misconception(
    "FPR",
    "That is the false discovery rate, a share of what was *predicted* positive. Divide by all that *are* negative.",
)
def false_discovery_rate(FP: int, TP: int) -> float:
    return FP / (FP + TP)


@misconception("FPR", "That is a share of all samples. Divide by those that are negative.")
def errors_of_all(TP: int, FN: int, FP: int, TN: int) -> float:
    return FP / (TP + FN + FP + TN)


@misconception("FPR", "That is the specificity: the share of the negative samples that were *not* mistaken.")
def specificity(FP: int, TN: int) -> float:
    return TN / (FP + TN)


# ROC curve and the area under it (I26, I27)


@quantity
def curve(y: Labels, scores: Array) -> Array:
    """ROC curve in standard form, shape (31, 2): FPR and TPR."""
    return _curve(y, scores)


@misconception("curve", "The axes are swapped: FPR comes first, and is drawn to the right.")
def axes_swapped(y: Labels, scores: Array) -> Array:
    thresholds = np.unique(scores)[::-1, None]
    fpr, tpr = (np.mean(scores[y == one] >= thresholds, axis=1) for one in (0, 1))
    return _standard_form(tpr, fpr, y)


@misconception("curve", "This takes low scores for positive. A sample is predicted positive where its score is high.")
def low_scores_first(y: Labels, scores: Array) -> Array:
    return _curve(y, -scores)


@misconception(
    "curve",
    "This is made from the predictions at one threshold, so that it has a single corner. Vary the threshold.",
)
def curve_of_predictions(y: Labels, y_hat: Labels) -> Array:
    return _curve(y, y_hat.astype(float))


_TIES = (
    "Samples with equal scores are passed one after the other. No threshold can part them: they make one step, and the "
    "curve must not depend on the order in which they come."
)


@misconception("curve", _TIES)
def ties_as_they_come(y: Labels, scores: Array) -> Array:
    return _one_by_one(y, _orders(y, scores)[0])


@misconception("curve", _TIES)
def ties_from_the_end(y: Labels, scores: Array) -> Array:
    return _one_by_one(y, _orders(y, scores)[1])


@misconception("curve", _TIES)
def ties_with_positive_first(y: Labels, scores: Array) -> Array:
    return _one_by_one(y, _orders(y, scores)[2])


@quantity
def auc(curve: Array) -> float:
    """Area under the ROC curve."""
    return _area(curve)


@misconception(
    "auc", "That is the area for the predictions at one threshold. It needs the scores, or your whole curve."
)
def auc_of_predictions(y: Labels, y_hat: Labels) -> float:
    return _area(_curve(y, y_hat.astype(float)))


@misconception("auc", "That is the accuracy at one threshold. The area does not depend on a threshold.")
def accuracy_for_auc(y: Labels, y_hat: Labels) -> float:
    return float(np.mean(y == y_hat))


@misconception("auc", "That is the area above the curve, as if the labels, or the order of the scores, were inverted.")
def area_above(curve: Array) -> float:
    return 1 - _area(curve)


@misconception(
    "auc", "Pairs with equal scores count as lost here. They count half, as a slanted step of the curve does."
)
def ties_count_nothing(y: Labels, scores: Array) -> float:
    return _pairs_won(y, scores)
