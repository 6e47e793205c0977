"""K-fold cross-validation: folds, rounds, how often and with how much, the score, and scaling without a leak.

Conventions: examples, folds and rounds are counted from 0; the sizes of folds differ by at most one. Data have a row
for each example and a column for each feature.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader import cases, function, given, misconception, property_of, quantity

Array = NDArray[np.float64]
Places = NDArray[np.int64]
Folds = list[list[int]]


# Folds


@function
def k_folds(n: int, k: int) -> Folds:
    """Return the examples 0 to n - 1 in k folds."""
    return [part.tolist() for part in np.array_split(np.arange(n), k)]


@cases("k_folds")
def sizes(rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Draw numbers of examples with a rest and without, and as many folds as examples."""
    yield 11, 3
    folds = int(rng.integers(4, 8))
    # A rest of two at least: with a rest of one, the fold that takes all of it is only one larger than the others.
    yield folds * int(rng.integers(3, 7)) + int(rng.integers(2, folds)), folds
    yield 6 * int(rng.integers(3, 7)), 6
    yield folds, folds


def whole_numbers(part: Any) -> Places:
    """Return the numbers of examples in ``part``. Raises ValueError for what is no list of whole numbers."""
    found = np.asarray(part)
    if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
        raise ValueError("it should hold lists of whole numbers")
    return found.astype(np.int64)


def all_numbers(folds: Any) -> list[int]:
    """Return the numbers in all folds, sorted."""
    return sorted(number for fold in folds for number in whole_numbers(fold).tolist())


# Each property asks for a little of the others, so that k empty folds, or all examples k times, earn nothing.


@property_of("k_folds", "Every example, from 0 to n - 1, should be in a fold, and nothing else.")
def every_example(inputs: tuple[int, int], result: Any) -> bool:
    """Say whether all examples are there; a few may be there twice."""
    n, k = inputs
    found = all_numbers(result)
    return set(found) == set(range(n)) and len(found) <= n + k


@property_of("k_folds", "No example should be there twice, in one fold or in two.")
def none_twice(inputs: tuple[int, int], result: Any) -> bool:
    """Say whether all are different; those may be missing that are left over by a division."""
    n, k = inputs
    found = all_numbers(result)
    return len(set(found)) == len(found) > n - k


@property_of("k_folds", "There should be k folds, the largest with at most one example more than the smallest.")
def nearly_equal(inputs: tuple[int, int], result: Any) -> str:
    """Return the sizes where they are not right."""
    n, k = inputs
    found = [len(whole_numbers(fold)) for fold in result]
    held = len(found) == k and set(found) <= {n // k, -(-n // k)}
    return "" if held else f"Yours have the sizes {found}."


@misconception(
    "k_folds", "Some examples are left over and get lost: k need not divide n.", shows_in="every_example_used"
)
def rest_dropped(n: int, k: int) -> Folds:
    size = n // k
    return [list(range(fold * size, (fold + 1) * size)) for fold in range(k)]


@misconception(
    "k_folds", "Examples are counted from 0, so that they can serve as indices.", shows_in="every_example_used"
)
def examples_from_one(n: int, k: int) -> Folds:
    return [part.tolist() for part in np.array_split(np.arange(1, n + 1), k)]


@misconception(
    "k_folds",
    "All that is left over by the division is in the last fold; deal it out.",
    shows_in="sizes_nearly_equal",
)
def rest_in_the_last_fold(n: int, k: int) -> Folds:
    size = n // k
    starts = [fold * size for fold in range(k)]
    return [list(range(start, stop)) for start, stop in zip(starts, [*starts[1:], n], strict=True)]


@misconception("k_folds", "k is the number of folds, not their size.", shows_in="sizes_nearly_equal")
def folds_of_size_k(n: int, k: int) -> Folds:
    return [list(range(start, min(start + k, n))) for start in range(0, n, k)]


@misconception(
    "k_folds",
    "The first example of a fold is also the last one of the fold before.",
    shows_in="no_example_twice",
    also_loses=("sizes_nearly_equal",),
)
def ends_included(n: int, k: int) -> Folds:
    return [list(range(part[0], min(part[-1] + 2, n))) for part in np.array_split(np.arange(n), k)]


# One round


@function
def split_round(folds: Folds, i: int) -> tuple[list[int], list[int]]:
    """Return the examples for training and those for validation in the round i."""
    others = [number for fold, numbers in enumerate(folds) if fold != i for number in numbers]
    return others, list(folds[i])


@cases("split_round")
def rounds(rng: np.random.Generator) -> Iterator[tuple[Folds, int]]:
    """Draw shuffled folds of unlike sizes, and rounds in the middle, at the beginning and at the end."""
    for n, k, i in ((11, 3, 1), (23, 5, 0), (17, 4, 3), (12, 6, int(rng.integers(1, 5)))):
        yield [part.tolist() for part in np.array_split(rng.permutation(n), k)], i


def two_parts(result: Any) -> tuple[list[int], list[int]]:
    """Return the numbers of both parts, sorted. Raises ValueError for anything else."""
    if len(result) != 2:
        raise ValueError(f"there should be two parts, and there are {len(result)}")
    train, validation = (sorted(whole_numbers(part).tolist()) for part in result)
    return train, validation


@property_of("split_round", "The second part should hold the examples of the fold i, and no others.")
def validates_on_the_fold(inputs: tuple[Folds, int], result: Any) -> bool:
    """Say whether the second part is the fold."""
    folds, i = inputs
    return two_parts(result)[1] == all_numbers([folds[i]])


@property_of("split_round", "The first part should hold the examples of all other folds, and no others.")
def trains_on_the_others(inputs: tuple[Folds, int], result: Any) -> bool:
    """Say whether the first part is all other folds."""
    folds, i = inputs
    return two_parts(result)[0] == all_numbers([fold for j, fold in enumerate(folds) if j != i])


@misconception("split_round", "The two parts are the wrong way round: training comes first.")
def parts_swapped(folds: Folds, i: int) -> tuple[list[int], list[int]]:
    others = [number for fold, numbers in enumerate(folds) if fold != i for number in numbers]
    return list(folds[i]), others


@misconception("split_round", "The training also sees the fold that is held back, so nothing is held back.")
def trained_on_everything(folds: Folds, i: int) -> tuple[list[int], list[int]]:
    return [number for fold in folds for number in fold], list(folds[i])


@misconception("split_round", "Training takes one fold only; it should take all that are not held back.")
def trained_on_one_fold(folds: Folds, i: int) -> tuple[list[int], list[int]]:
    return list(folds[(i + 1) % len(folds)]), list(folds[i])


@misconception("split_round", "These are the numbers of the folds; asked are the numbers of the examples in them.")
def numbers_of_folds(folds: Folds, i: int) -> tuple[list[int], list[int]]:
    return [fold for fold in range(len(folds)) if fold != i], [i]


@misconception("split_round", "Rounds are counted from 0: round 0 holds back the first fold.")
def rounds_from_one(folds: Folds, i: int) -> tuple[list[int], list[int]]:
    held_back = (i - 1) % len(folds)
    others = [number for fold, numbers in enumerate(folds) if fold != held_back for number in numbers]
    return others, list(folds[held_back])


# How often, and with how much


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers of examples and folds, and the accuracy of each round."""

    examples: int
    folds: int
    scores: Array


def numbers(seed: int | None) -> Numbers:
    """Return the printed numbers, or for an integer ``seed`` that student's own."""
    random = np.random.default_rng([11 if seed is None else seed, 3])
    folds = int(random.integers(5, 9))
    examples = folds * int(random.integers(12, 40)) + int(random.integers(2, folds - 1))
    while not telling(scores := np.round(random.uniform(0.68, 0.95, folds), 3)):
        pass
    return Numbers(examples, folds, scores)


def telling(scores: Array) -> bool:
    """Say whether no mistake in the score comes near the mean."""
    others = (np.median(scores), scores.max(), scores.min(), scores[-1], scores[0])
    return all(abs(scores.mean() - other) > 0.012 for other in others)


@given
def n_examples(seed: int | None) -> int:
    """Number of examples."""
    return numbers(seed).examples


@given
def n_folds(seed: int | None) -> int:
    """Number of folds, which does not divide the number of examples."""
    return numbers(seed).folds


@given
def fold_scores(seed: int | None) -> Array:
    """Accuracy of each round, shape (n_folds,)."""
    return numbers(seed).scores


@quantity
def n_trainings(n_folds: int) -> int:
    """Number of trainings in one cross-validation."""
    return n_folds


@misconception("n_trainings", "Every fold is held back once, the last one, too: count the rounds.")
def one_training_less(n_folds: int) -> int:
    return n_folds - 1


@misconception("n_trainings", "Whole folds are held back, not single examples.")
def one_for_each_example(n_examples: int) -> int:
    return n_examples


@misconception("n_trainings", "In a round, all folds that are not held back train one model together.")
def one_for_each_pair(n_folds: int) -> int:
    return n_folds * (n_folds - 1)


@quantity
def trainings_with_example(n_trainings: int) -> int:
    """Number of trainings that see one and the same example."""
    return n_trainings - 1


@misconception("trainings_with_example", "Each example is held back once, and has no part in that training.")
def never_held_back(n_trainings: int) -> int:
    return n_trainings


@misconception("trainings_with_example", "So often it is validated on; asked is how often it is trained on.")
def validated_once() -> int:
    return 1


# The sizes of the folds, and which part is counted, are asked from nobody: a mistake in them shows in the first size.


@quantity
def fold_sizes(n_examples: int, n_folds: int) -> Places:
    """Sizes of the folds, shape (n_folds,)."""
    return np.array([n_examples // n_folds + (fold < n_examples % n_folds) for fold in range(n_folds)])


# Both mistakes give the same smallest size; the largest one tells them apart.
@misconception(
    "fold_sizes",
    "The sizes of folds differ by one at most: what is left over does not go to a single fold.",
    shows_in="smallest_train_size",
)
def left_over_in_one_fold(n_examples: int, n_folds: int) -> Places:
    return np.array([n_examples // n_folds] * (n_folds - 1) + [n_examples // n_folds + n_examples % n_folds])


@misconception("fold_sizes", "No example gets lost: those left over by the division are in folds, too.")
def left_over_lost(n_examples: int, n_folds: int) -> Places:
    return np.full(n_folds, n_examples // n_folds)


@quantity
def part() -> str:
    """Which part of the data is counted."""
    return "training"


@misconception("part", "That is the size of a fold, which is held back; asked is how many examples train.")
def validation_counted() -> str:
    return "validation"


def _part_sizes(fold_sizes: Places, part: str) -> Places:
    return fold_sizes if part == "validation" else fold_sizes.sum() - fold_sizes


@quantity
def largest_train_size(fold_sizes: Places, part: str) -> int:
    """Size of the largest training set."""
    return int(_part_sizes(fold_sizes, part).max())


@quantity
def smallest_train_size(fold_sizes: Places, part: str) -> int:
    """Size of the smallest training set."""
    return int(_part_sizes(fold_sizes, part).min())


# The score


@quantity
def cv_score(fold_scores: Array) -> float:
    """Score of the cross-validation: the mean over the rounds."""
    return float(fold_scores.mean())


@misconception("cv_score", "That is the median. Every round should count, with how good or bad it was.")
def median(fold_scores: Array) -> float:
    return float(np.median(fold_scores))


@misconception("cv_score", "That is the best round alone, which promises too much.")
def best_round(fold_scores: Array) -> float:
    return float(fold_scores.max())


@misconception("cv_score", "That is the worst round alone; every round should count alike.")
def worst_round(fold_scores: Array) -> float:
    return float(fold_scores.min())


@misconception("cv_score", "That is the last round alone; every round should count alike.")
def last_round(fold_scores: Array) -> float:
    return float(fold_scores[-1])


@misconception("cv_score", "That is divided by one less than the number of rounds.")
def divided_by_one_less(fold_scores: Array) -> float:
    return float(fold_scores.sum() / (len(fold_scores) - 1))


@misconception("cv_score", "That is the sum; a score of the whole should be comparable with that of a round.")
def summed(fold_scores: Array) -> float:
    return float(fold_scores.sum())


@misconception("cv_score", "That is in per cent; the rounds are given between 0 and 1.")
def in_per_cent(fold_scores: Array) -> float:
    return float(100 * fold_scores.mean())


# Scaling


def scaled(rows: Array, fitted: Array, spare: int = 0) -> Array:
    """Return ``rows`` scaled by mean and standard deviation of each column of ``fitted``."""
    mean: Array = fitted.mean(axis=0)
    deviation: Array = fitted.std(axis=0, ddof=spare)
    return (rows - mean) / deviation


@function
def scale_parts(x: Array, train: Places, validation: Places) -> tuple[Array, Array]:
    """Return both parts, scaled by what the training part knows."""
    return scaled(x[train], x[train]), scaled(x[validation], x[train])


@cases("scale_parts")
def tables(rng: np.random.Generator) -> Iterator[tuple[Array, Places, Places]]:
    """Draw data of unlike columns, whose parts differ, in any order; in the last ones rows are in neither part."""
    for rows, columns, used in ((9, 3, 9), (14, 5, 14), (20, 4, 15)):
        x = rng.normal(size=(rows, columns)) * rng.uniform(0.5, 20, columns) + rng.uniform(-30, 30, columns)
        order = rng.permutation(rows)[:used]
        yield x, order[used // 3 :], order[: used // 3]


@property_of(
    "scale_parts", "Both parts should be scaled, column by column, by what is known from the training rows alone."
)
def knows_the_training_rows_alone(inputs: tuple[Array, Places, Places], result: Any) -> bool:
    """Say whether both parts are right, for one of the two usual standard deviations."""
    x, train, validation = inputs
    if len(result) != 2:
        raise ValueError(f"there should be two parts, and there are {len(result)}")
    found = [np.asarray(one, dtype=np.float64) for one in result]
    right = ([scaled(x[rows], x[train], spare) for rows in (train, validation)] for spare in (0, 1))
    return any(all(map(_agree, found, both)) for both in right)


def _agree(one: Array, other: Array) -> bool:
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=1e-4, atol=1e-4))


@misconception(
    "scale_parts",
    "Mean and standard deviation are taken before the split, from all rows: what is held back leaks into the training.",
)
def fitted_before_the_split(x: Array, train: Places, validation: Places) -> tuple[Array, Array]:
    return scaled(x[train], x), scaled(x[validation], x)


@misconception(
    "scale_parts",
    "Mean and standard deviation are taken from both parts together: what is held back leaks into the training.",
)
def fitted_to_both_parts(x: Array, train: Places, validation: Places) -> tuple[Array, Array]:
    both = x[np.concatenate([train, validation])]
    return scaled(x[train], both), scaled(x[validation], both)


@misconception(
    "scale_parts",
    "Each part is scaled by itself: then the same input means one thing in training and another in validation.",
)
def each_part_by_itself(x: Array, train: Places, validation: Places) -> tuple[Array, Array]:
    return scaled(x[train], x[train]), scaled(x[validation], x[validation])


@misconception("scale_parts", "Mean and standard deviation are taken from the rows that are held back.")
def fitted_to_validation(x: Array, train: Places, validation: Places) -> tuple[Array, Array]:
    return scaled(x[train], x[validation]), scaled(x[validation], x[validation])


@misconception("scale_parts", "Nothing is scaled: these are the rows as they were.")
def not_scaled(x: Array, train: Places, validation: Places) -> tuple[Array, Array]:
    return x[train], x[validation]


@misconception("scale_parts", "The mean is subtracted, but nothing is divided by the standard deviation.")
def division_forgotten(x: Array, train: Places, validation: Places) -> tuple[Array, Array]:
    return x[train] - x[train].mean(axis=0), x[validation] - x[train].mean(axis=0)


@misconception("scale_parts", "That is divided by the variance, not by its root.")
def divided_by_variance(x: Array, train: Places, validation: Places) -> tuple[Array, Array]:
    mean, variance = x[train].mean(axis=0), x[train].var(axis=0)
    return (x[train] - mean) / variance, (x[validation] - mean) / variance


@misconception("scale_parts", "One mean and one standard deviation serve all columns; each feature needs its own.")
def one_scale_for_all_columns(x: Array, train: Places, validation: Places) -> tuple[Array, Array]:
    mean, deviation = x[train].mean(), x[train].std()
    return (x[train] - mean) / deviation, (x[validation] - mean) / deviation


@misconception("scale_parts", "The two parts are the wrong way round: training comes first.")
def scaled_parts_swapped(x: Array, train: Places, validation: Places) -> tuple[Array, Array]:
    return scaled(x[validation], x[train]), scaled(x[train], x[train])
