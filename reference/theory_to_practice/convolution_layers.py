"""Layers of a convolutional network (theory to practice, items I07 to I13).

Conventions: a convolution does not flip its kernel, as in every library of networks; who flips it may say so. Windows
of a pooling lie side by side. Numbers are flattened row by row, channel by channel, unless another order is declared.
Dropout's rate is the share that is dropped, and what is kept is scaled in training. Batch normalisation divides by n
where it normalises; for the running variance libraries differ, and both are right. Nothing here has a unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from grader import cases, function, given, misconception, property_of, quantity, trial

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

# --- The numbers of the task ---


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the task gives. Shapes stand at the givens."""

    image: Whole
    kernel: Whole
    height: int
    width: int
    kernel_size: int
    stride: int
    A: Whole
    B: Whole
    maps: Whole
    batch: Array
    gamma: Array
    beta: Array
    running_mean: Array
    running_variance: Array
    momentum: float
    sample: Array


# The slides print the two matrices of the pooling, in the same place and hardly to be told apart: the printed maxima
# belong to A, the printed averages to B. They print no other numbers, so all others are ours.
COMMON = Numbers(
    image=np.array([[1, 0, 2, 3, 1], [2, 1, 0, 1, 3], [0, 3, 1, 2, 0], [1, 2, 3, 0, 1]]),
    kernel=np.array([[1, -1], [2, 0], [0, 1]]),
    height=28,
    width=22,
    kernel_size=5,
    stride=3,
    A=np.array([[1, 2, 6, 3], [5, 4, 3, 7], [9, 3, 4, 2], [1, 5, 7, 3]]),
    B=np.array([[1, 2, 6, 3], [5, 4, 3, 8], [9, 3, 4, 2], [2, 2, 7, 3]]),
    maps=np.array([[[7, 2, 9], [4, 11, 1]], [[12, 5, 3], [8, 6, 10]]]),
    batch=np.array([[1.0, -2.0, 0.5], [3.0, 0.0, 2.5], [2.0, 4.0, -1.5], [6.0, 2.0, 4.5]]),
    gamma=np.array([2.0, 0.5, 1.5]),
    beta=np.array([1.0, -0.5, 0.5]),
    running_mean=np.array([1.0, 0.5, -0.5]),
    running_variance=np.array([1.5, 2.0, 3.0]),
    momentum=0.2,
    sample=np.array([4.0, -1.0, 2.0]),
)


@lru_cache(maxsize=4096)
def numbers(seed: int | None) -> Numbers:
    """Return the starter's numbers, or for an integer ``seed`` that student's own, as easy to handle."""
    if seed is None:
        return COMMON
    random = np.random.default_rng(seed)
    image, kernel = _drawn(random, _image, _flipping_shows)
    height, width, kernel_size, stride = _drawn(random, _sizes, _rounding_shows)
    A, B = _drawn(random, _matrices, _windows_show)
    maps = random.permutation(np.arange(1, 13)).reshape(2, 2, 3)
    normalised = _drawn(random, _batch, _statistics_show)
    return Numbers(image, kernel, height, width, kernel_size, stride, A, B, maps, *normalised)


def _drawn(random, draw, shows):
    """Return the first of the drawn values in which the usual mistakes show."""
    while not shows(drawn := draw(random)):
        pass
    return drawn


def _image(random):
    return random.integers(0, 4, size=(4, 5)), random.integers(-1, 3, size=(3, 2))


def _flipping_shows(drawn):
    image, kernel = drawn
    differs = _cross_correlated(image, kernel) != _cross_correlated(image, kernel[::-1, ::-1])
    return np.mean(differs) >= 0.75


def _sizes(random):
    return (
        *(int(one) for one in random.integers(18, 41, size=2)),
        int(random.choice([5, 7])),
        int(random.choice([3, 4])),
    )


def _rounding_shows(drawn):
    """Say whether rounding matters on both sides, and no padding is not just padding same, rounded the other way."""
    height, width, kernel_size, stride = drawn
    sides = np.array([height, width])
    leaves_over = np.all((sides - kernel_size) % stride) and np.all(sides % stride)
    return height != width and leaves_over and np.any((sides - kernel_size) // stride + 1 < sides // stride)


def _matrices(random):
    """Return two matrices that differ in three places, as the printed ones do."""
    A = random.integers(1, 10, size=(4, 4))
    B = A.copy()
    B.flat[random.choice(16, size=3, replace=False)] = random.integers(1, 10, size=3)
    return A, B


def _windows_show(drawn):
    """Say whether every usual mistake shows in at least one window, and in none of them only by a little."""
    A, B = drawn
    first, second, rows, other_rows = _windows(A), _windows(B), _rows_as_windows(A), _rows_as_windows(B)
    maxima = [first.max(-1), second.max(-1), first.min(-1), first.mean(-1), first.sum(-1), rows.max(-1)]
    means = [second.mean(-1), first.mean(-1), second.max(-1), second.sum(-1), other_rows.mean(-1)]
    apart = [
        np.max(np.abs(one - other)) for found in (maxima, means) for i, one in enumerate(found) for other in found[:i]
    ]
    return min(apart) >= 0.5 and np.ptp(maxima[0]) > 0 and np.ptp(means[0]) > 0


def _batch(random):
    """Return a batch of four samples of three features, and what its normalisation needs, in halves."""
    batch = random.integers(-6, 13, size=(4, 3)) / 2
    gamma = random.choice([0.5, 1.5, 2.0, 2.5], size=3, replace=False)
    beta = random.choice([-1.5, -1.0, -0.5, 0.5, 1.0, 1.5], size=3, replace=False)
    mean, variance = random.choice([-1.0, -0.5, 0.5, 1.0], size=3), random.choice([1.5, 2.0, 3.0, 4.0], size=3)
    return (
        batch,
        gamma,
        beta,
        mean,
        variance,
        float(random.choice([0.1, 0.2, 0.3])),
        random.integers(-6, 13, size=3) / 2,
    )


def _statistics_show(drawn):
    """Say whether neither the batch nor its update is like the running statistics, or like nothing done."""
    batch, gamma, _, mean, variance, momentum, sample = drawn
    own_mean, own_variance = batch.mean(axis=0), batch.var(axis=0)
    new_mean, new_variance = mean + momentum * (own_mean - mean), variance + momentum * (own_variance - variance)

    def standardised(mean, variance):
        return gamma * (sample - mean) / np.sqrt(variance)

    return bool(
        np.all(np.abs(own_mean) >= 0.25)
        and np.all(own_variance >= 1.5)
        and np.all(np.abs(own_mean - mean) >= 0.5)
        and np.all(np.abs(own_variance - variance) >= 1)
        and np.all(np.abs(own_variance * 4 / 3 - variance) >= 1)
        and np.max(np.abs(standardised(mean, variance) - standardised(new_mean, new_variance))) >= 0.1
    )


@given
def image(seed):
    """An image, shape (4, 5)."""
    return numbers(seed).image


@given
def kernel(seed):
    """A kernel, shape (3, 2)."""
    return numbers(seed).kernel


@given
def height(seed):
    """Height of a larger image, in pixels."""
    return numbers(seed).height


@given
def width(seed):
    """Its width, in pixels."""
    return numbers(seed).width


@given
def kernel_size(seed):
    """Side of its square kernel, in pixels."""
    return numbers(seed).kernel_size


@given
def stride(seed):
    """Stride where one is used, in pixels."""
    return numbers(seed).stride


@given
def A(seed):
    """Matrix for the maxima, shape (4, 4)."""
    return numbers(seed).A


@given
def B(seed):
    """Matrix for the averages, shape (4, 4)."""
    return numbers(seed).B


@given
def maps(seed):
    """Two feature maps, shape (2, 2, 3): channels, height, width."""
    return numbers(seed).maps


@given
def batch(seed):
    """Four samples of three features, shape (4, 3)."""
    return numbers(seed).batch


@given
def gamma(seed):
    """Scale of each feature, shape (3,)."""
    return numbers(seed).gamma


@given
def beta(seed):
    """Shift of each feature, shape (3,)."""
    return numbers(seed).beta


@given
def eps():
    """What is added to a variance before its root is taken."""
    return 1e-5


@given
def running_mean(seed):
    """Running mean before this batch, shape (3,)."""
    return numbers(seed).running_mean


@given
def running_variance(seed):
    """Running variance before this batch, shape (3,)."""
    return numbers(seed).running_variance


@given
def momentum(seed):
    """Weight of the new batch in the running statistics."""
    return numbers(seed).momentum


@given
def sample(seed):
    """A sample that arrives after training, shape (3,)."""
    return numbers(seed).sample


# --- Convolution (I07) ---


def _cross_correlated(image, kernel):
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijkl,kl->ij", windows, kernel)


@quantity
def convolution():
    """Which of two operations is called a convolution."""
    return "cross-correlation"


@quantity
def flipped_kernel():
    """The other one, as in signal processing."""
    return "flipped kernel"


@quantity
def is_flipped(convolution):
    """Whether the kernel is flipped in both directions first."""
    return "flip" in convolution.casefold()


@misconception(
    "is_flipped",
    "That is with the kernel flipped, as in signal processing; layers do not flip it. It counts in full if "
    "`convolution` says so.",
)
def flipped_unsaid():
    return True


@quantity
def feature_map(image, kernel, is_flipped):
    """Convolution without padding and with stride 1, shape (2, 4)."""
    return _cross_correlated(image, kernel[::-1, ::-1] if is_flipped else kernel)


@misconception("feature_map", "Those are means of the products. A convolution adds them up.")
def products_averaged(image, kernel):
    return _cross_correlated(image, kernel) / kernel.size


@misconception("feature_map", "That is the sum of each window; its numbers are to be multiplied by the kernel's first.")
def kernel_of_ones(image, kernel):
    return _cross_correlated(image, np.ones_like(kernel))


@function
def convolve(image, kernel):
    """Cross-correlation without padding and with stride 1."""
    return _cross_correlated(image, kernel)


@trial("convolve")
def declared_convolution(convolve, image, kernel):
    """Return whether a flipped kernel was declared beside the function, and what it gives."""
    word = getattr(convolve, "__globals__", {}).get("convolution", "")
    found = convolve(image, kernel)
    return None if found is None else [isinstance(word, str) and "flip" in word.casefold(), found]


@cases("declared_convolution")
def images(rng):
    """Images and kernels, higher than wide and the other way round."""
    for rows, columns, high, wide in ((6, 8, 3, 2), (9, 5, 2, 4), (7, 7, 3, 3)):
        yield rng.normal(size=(rows, columns)), rng.normal(size=(high, wide))


@property_of("convolve", "the sums of products are others, or stand elsewhere;")
def as_declared(inputs, result):
    image, kernel = inputs
    flip_declared, found = result
    kernels = [kernel, kernel[::-1, ::-1]] if flip_declared else [kernel]
    right = [_cross_correlated(image, one) for one in kernels]
    if np.shape(found) != right[0].shape:
        return (
            f"without padding an image of shape {image.shape} shrinks by a kernel of {kernel.shape}, to another shape."
        )
    return "" if any(np.allclose(found, one, rtol=1e-4, atol=1e-5) for one in right) else "check one element by hand."


@misconception(
    "convolve",
    "It flips the kernel, as in signal processing; layers do not. It counts in full if `convolution` says so.",
)
def flipped_in_code(image, kernel):
    return _cross_correlated(image, kernel[::-1, ::-1])


@misconception("convolve", "Your function pads with zeros. None is asked: the kernel stays within the image.")
def padded_to_same(image, kernel):
    rows, columns = (length - 1 for length in kernel.shape)
    pad = ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2))
    return _cross_correlated(np.pad(image, pad), kernel)


@misconception("convolve", "The kernel goes on by its own size, as in pooling. With stride 1 it goes on by one pixel.")
def windows_side_by_side(image, kernel):
    return _cross_correlated(image, kernel)[:: kernel.shape[0], :: kernel.shape[1]]


# --- Sizes (I08) ---
# What is done at the border of the image is a hidden intermediate: a mistake in it shows with and without a stride.


@quantity
def first_place():
    """Count for the place at which a window begins."""
    return 1


@misconception("first_place", "One is missing: a kernel as large as the image still has one place.")
def first_place_not_counted():
    return 0


@quantity
def none_shape(height, width, kernel_size, first_place):
    """Height and width without padding, stride 1."""
    return tuple(n - kernel_size + first_place for n in (height, width))


@misconception("none_shape", "That is with padding. Without it, the kernel cannot stand over the border.")
def padded_though_none(height, width):
    return (height, width)


@misconception("none_shape", "The kernel takes away what it has beyond one pixel, once in all and not on each side.")
def taken_on_each_side(height, width, kernel_size):
    return tuple(n - 2 * (kernel_size - 1) for n in (height, width))


@quantity
def same_shape(height, width):
    """Height and width with padding same, stride 1."""
    return (height, width)


@misconception("same_shape", "The padding was added to the size. It makes up for what the kernel takes away.")
def padding_added(height, width, kernel_size):
    return tuple(n + kernel_size - 1 for n in (height, width))


@misconception("same_shape", "That is without padding.")
def same_like_none(height, width, kernel_size):
    return tuple(n - kernel_size + 1 for n in (height, width))


@quantity
def none_strided_shape(height, width, kernel_size, stride, first_place):
    """Height and width without padding, with the stride."""
    return tuple((n - kernel_size) // stride + first_place for n in (height, width))


@misconception("none_strided_shape", "Round down: a window that does not fit in whole is left out.")
def rounded_up(height, width, kernel_size, stride):
    return tuple(-((kernel_size - n) // stride) + 1 for n in (height, width))


@misconception("none_strided_shape", "That is with stride 1.")
def stride_left_out(none_shape):
    return tuple(none_shape)


@quantity
def same_strided_shape(height, width, stride):
    """Height and width with padding same, with the stride: rounded up."""
    return tuple(-(-n // stride) for n in (height, width))


@misconception("same_strided_shape", "Only with stride 1 the size stays the same. A larger stride divides it.")
def kept_in_spite_of_stride(height, width):
    return (height, width)


@misconception("same_strided_shape", "Round up: the last window that begins within the image counts, padded.")
def same_rounded_down(height, width, stride):
    return tuple(n // stride for n in (height, width))


@misconception("same_strided_shape", "That is without padding.")
def same_strided_like_none(height, width, kernel_size, stride):
    return tuple((n - kernel_size) // stride + 1 for n in (height, width))


@function
def output_size(size, kernel_size, stride, padding):
    """Side of a feature map, in pixels."""
    return -(-size // stride) if padding == "same" else (size - kernel_size) // stride + 1


@cases("output_size")
def layers(rng):
    """Odd and even kernels without padding, odd ones with; strides that leave something over."""
    for padding, stride, kernels in (
        ("none", 1, (2, 5, 8)),
        ("none", 3, (4, 7)),
        ("same", 1, (3, 5)),
        ("same", 4, (3, 7)),
    ):
        kernel_size = int(rng.choice(kernels))
        size = (
            int(rng.integers(8, 20)) * stride + int(rng.integers(1, stride))
            if stride > 1
            else int(rng.integers(20, 60))
        )
        if padding == "none":
            size += kernel_size
        yield size, kernel_size, stride, padding


@misconception("output_size", "It gives one too few without padding: the first place counts as well.")
def size_without_first_place(size, kernel_size, stride, padding):
    return -(-size // stride) if padding == "same" else (size - kernel_size) // stride


@misconception("output_size", "Without padding, a window that does not fit in whole is left out: round down.")
def size_rounded_up(size, kernel_size, stride, padding):
    return -(-size // stride) if padding == "same" else -((kernel_size - size) // stride) + 1


@misconception("output_size", "With padding same and a larger stride than 1 the size does not stay the same.")
def size_kept_with_same(size, kernel_size, stride, padding):
    return size if padding == "same" else (size - kernel_size) // stride + 1


@misconception("output_size", "The stride makes no difference to your function.")
def size_without_stride(size, kernel_size, stride, padding):
    return size + 0 * stride if padding == "same" else size - kernel_size + 1


# --- Pooling (I09, I10) ---
# Which matrix was taken, and how the windows lie, are answers of their own: all else is judged by them.


def _windows(matrix):
    """Return the four numbers of each 2 by 2 window, shape (2, 2, 4)."""
    return matrix.reshape(2, 2, 2, 2).swapaxes(1, 2).reshape(2, 2, 4)


def _rows_as_windows(matrix):
    return matrix.reshape(2, 2, 4)


@quantity
def max_of():
    """Matrix whose maxima were taken."""
    return "A"


@quantity
def max_of_other():
    """The matrix that the slide prints for the averages."""
    return "B"


@quantity
def average_of():
    """Matrix whose averages were taken."""
    return "B"


@quantity
def average_of_other():
    """The matrix that the slide prints for the maxima."""
    return "A"


@quantity
def max_input(max_of, A, B):
    """That matrix, shape (4, 4)."""
    return B if max_of.strip().upper() == "B" else A


@misconception("max_input", "Those are the maxima of the other matrix. They count in full if `max_of` says so.")
def max_of_other_unsaid(B):
    return B


@quantity
def average_input(average_of, A, B):
    """That matrix, shape (4, 4)."""
    return A if average_of.strip().upper() == "A" else B


@misconception("average_input", "Those are averages of the other matrix. They count in full if `average_of` says so.")
def average_of_other_unsaid(A):
    return A


@quantity
def windows():
    """How the windows of 2 by 2 are cut out."""
    return _windows


@misconception(
    "windows", "Each of your windows is a row of the matrix. A window is two rows high and two columns wide."
)
def rows_as_windows():
    return _rows_as_windows


@quantity
def max_pooled(max_input, windows):
    """Largest number of each window, shape (2, 2)."""
    return windows(max_input).max(axis=-1)


@misconception("max_pooled", "Those are the smallest numbers of the windows.")
def smallest(max_input, windows):
    return windows(max_input).min(axis=-1)


@misconception("max_pooled", "Those are the averages of the windows.")
def average_for_max(max_input, windows):
    return windows(max_input).mean(axis=-1)


@misconception("max_pooled", "Those are the sums of the windows.")
def sum_for_max(max_input, windows):
    return windows(max_input).sum(axis=-1)


@quantity
def average_pooled(average_input, windows):
    """Mean of each window, shape (2, 2)."""
    return windows(average_input).mean(axis=-1)


@misconception("average_pooled", "Those are the sums of the windows: divide by how many numbers a window has.")
def sum_for_average(average_input, windows):
    return windows(average_input).sum(axis=-1)


@misconception("average_pooled", "Those are the largest numbers of the windows.")
def max_for_average(average_input, windows):
    return windows(average_input).max(axis=-1)


# --- Flatten and reshape (I11) ---


@quantity
def flatten_order():
    """Order in which numbers are laid one behind the other."""
    return "row-major"


@quantity
def column_major():
    """The first axis runs fastest, as in Fortran and MATLAB."""
    return "column-major"


@quantity
def channels_last():
    """The channels run fastest, as in Keras."""
    return "channels last"


@quantity
def order(flatten_order):
    """The order that counts; row-major where none is named."""
    named = flatten_order.casefold()
    return "column-major" if "column" in named else "channels last" if "last" in named else "row-major"


@misconception("order", "Those are the numbers in column-major order. They count in full if `flatten_order` says so.")
def column_major_unsaid():
    return "column-major"


@misconception("order", "In your order the channels run fastest. That counts in full if `flatten_order` says so.")
def channels_last_unsaid():
    return "channels last"


@quantity
def flattened(maps, order):
    """The twelve numbers in that order, shape (12,)."""
    if order == "channels last":
        return maps.transpose(1, 2, 0).ravel()
    return maps.ravel(order="F" if order == "column-major" else "C")


@misconception("flattened", "Each map comes out column by column, the maps one after the other. Mind the order named.")
def columns_of_each_map(maps):
    return maps.transpose(0, 2, 1).ravel()


@quantity
def reshaped(flattened, order):
    """The same numbers as four rows of three, filled in the same order."""
    return flattened.reshape((4, 3), order="F" if order == "column-major" else "C")


@misconception("reshaped", "That is three rows of four, transposed. A transpose changes the order, a reshape does not.")
def transposed_instead(flattened):
    return flattened.reshape(3, 4).T


# --- Dropout (I12) ---


@function
def dropout(x, rate, training, rng):
    """Inverted dropout: drop a share ``rate`` of x in training, and scale up what is left."""
    if not training:
        return x
    return x * (rng.random(x.shape) >= rate) / (1 - rate)


@trial("dropout")
def dropped(dropout, x, rate, seed):
    """Return what two calls in training give, and one in evaluation."""
    import numpy as np  # noqa: PLC0415 - a trial brings all that it needs

    rng = np.random.default_rng(seed)
    found = [dropout(x.copy(), rate, training, rng) for training in (True, True, False)]
    if any(one is None for one in found):
        return None
    return {"training": found[:2], "evaluation": found[2]}


@cases("dropped")
def activations(rng):
    """Activations none of which is zero, with a low and a high rate."""
    for low, high in ((0.15, 0.35), (0.65, 0.8)):
        x = rng.choice([-1.0, 1.0], size=(40, 50)) * rng.uniform(0.5, 2.0, size=(40, 50))
        yield x, float(rng.uniform(low, high)), int(rng.integers(2**31))


def _is_near(share, rate, count):
    """Say whether a share of ``count`` drawn numbers is within five standard deviations of ``rate``."""
    return abs(share - rate) <= 5 * np.sqrt(rate * (1 - rate) / count)


def _trained(inputs, result):
    """Return the two results of training; raises ValueError where their shape is another."""
    found = [np.asarray(one, float) for one in result["training"]]
    if any(one.shape != inputs[0].shape for one in found):
        raise ValueError(f"shape {found[0].shape} where {inputs[0].shape} went in")
    return found


def _drops_lines(mask, axis):
    """Say whether most rows or columns are dropped or kept as a whole."""
    shares = mask.mean(axis=axis)
    return np.mean((shares == 0) | (shares == 1)) > 0.5


def _is_swapped(inputs, result):
    """Say whether the rate was taken as the share that is kept."""
    x, rate, _ = inputs
    return all(_is_near(np.mean(one == 0), 1 - rate, x.size) for one in _trained(inputs, result))


def _factor(inputs, result):
    """Return by what the numbers that were kept are multiplied; None where it is not one and the same for all."""
    factors = np.concatenate([(one / inputs[0])[one != 0] for one in _trained(inputs, result)])
    return float(factors[0]) if factors.size and np.ptp(factors) <= 1e-3 * abs(factors[0]) else None


@property_of("dropout", "in training it should drop each number by itself, with the given probability;")
def drops_at_random(inputs, result):
    x, rate, _ = inputs
    masks = [one == 0 for one in _trained(inputs, result)]
    if not all(_is_near(np.mean(mask), rate, x.size) for mask in masks):
        return f"with a rate of {rate:.2f} a share of {np.mean(masks):.2f} is zero."
    if np.array_equal(*masks):
        return "two calls drop the same numbers; draw them anew from `rng` each time."
    if any(_drops_lines(mask, axis) for mask in masks for axis in (0, 1)):
        return "whole rows or columns are dropped at once."
    return ""


@property_of("dropout", "in training, what is kept should be scaled so that the expected sum stays the same;")
def scales_what_is_kept(inputs, result):
    _, rate, _ = inputs
    factor = _factor(inputs, result)
    if factor is None:
        return "the numbers that are kept are not all multiplied by the same factor."
    kept = rate if _is_swapped(inputs, result) else 1 - rate  # the swap is charged where numbers are dropped
    return "" if abs(factor * kept - 1) <= 1e-3 else f"yours are multiplied by {factor:.3g}."


@property_of("dropout", "in evaluation it should drop nothing and scale nothing")
def leaves_evaluation_alone(inputs, result):
    x, rate, _ = inputs
    found = np.asarray(result["evaluation"], float)
    if found.shape == x.shape and np.allclose(found, x, rtol=1e-4):
        return True
    # Scaled here in place of in training, as in the first paper on dropout: consistent, and charged there.
    factor = _factor(inputs, result)
    kept = rate if _is_swapped(inputs, result) else 1 - rate
    unscaled = factor is not None and abs(factor - 1) <= 1e-3
    return bool(unscaled and found.shape == x.shape and np.allclose(found, kept * x, rtol=1e-4))


@misconception("dropout", "The rate is the share that is dropped. You keep that share.")
def rate_kept(x, rate, training, rng):
    return x * (rng.random(x.shape) < rate) / rate if training else x


@misconception("dropout", "Nothing is dropped in training.", also_loses=("dropout_scaling",))
def never_drops(x, rate, training, rng):
    del rate, training, rng
    return x


@misconception("dropout", "Whole columns are dropped. Each number has its own chance.")
def whole_columns(x, rate, training, rng):
    return x * (rng.random(x.shape[-1]) >= rate) / (1 - rate) if training else x


@misconception("dropout", "Each call drops the same numbers. Draw from `rng`, and do not seed anything inside.")
def same_mask_each_time(x, rate, training, rng):
    del rng
    return x * (np.random.default_rng(0).random(x.shape) >= rate) / (1 - rate) if training else x


@misconception(
    "dropout",
    "What is kept is not scaled up, so that activations are larger in evaluation.",
    shows_in="dropout_scaling",
)
def scale_missing(x, rate, training, rng):
    return x * (rng.random(x.shape) >= rate) if training else x


@misconception(
    "dropout",
    "You scale down in evaluation, as the first paper on dropout did. That is consistent; asked is the inverted form, "
    "which scales up in training and leaves evaluation alone.",
    shows_in="dropout_scaling",
)
def scaled_in_evaluation(x, rate, training, rng):
    return x * (rng.random(x.shape) >= rate) if training else x * (1 - rate)


@misconception("dropout", "You scale in training and once more in evaluation.", shows_in="dropout_evaluation")
def scaled_twice(x, rate, training, rng):
    return x * (rng.random(x.shape) >= rate) / (1 - rate) if training else x * (1 - rate)


@misconception("dropout", "It drops in evaluation as well: mind `training`.", shows_in="dropout_evaluation")
def drops_in_evaluation(x, rate, training, rng):
    del training
    return x * (rng.random(x.shape) >= rate) / (1 - rate)


# --- Batch normalisation (I13) ---


@quantity
def batch_mean(batch):
    """Mean of each feature, shape (3,)."""
    return batch.mean(axis=0)


@misconception("batch_mean", "That is the sum of each feature.")
def sum_for_mean(batch):
    return batch.sum(axis=0)


@quantity
def batch_variance(batch, batch_mean):
    """Variance of each feature, divided by n, shape (3,)."""
    return ((batch - batch_mean) ** 2).mean(axis=0)


@misconception("batch_variance", "You divided by n - 1. All libraries divide by n where they normalise.")
def unbiased_variance(batch, batch_mean):
    return ((batch - batch_mean) ** 2).sum(axis=0) / (len(batch) - 1)


@misconception("batch_variance", "That is the standard deviation: its root is taken later.")
def deviation_for_variance(batch, batch_mean):
    return np.sqrt(((batch - batch_mean) ** 2).mean(axis=0))


@misconception("batch_variance", "That is the mean of the squares. Subtract the mean first.")
def mean_of_squares(batch):
    return (batch**2).mean(axis=0)


@quantity
def normalised(batch, batch_mean, batch_variance, eps):
    """The batch with mean 0 and variance 1, shape (4, 3)."""
    return (batch - batch_mean) / np.sqrt(batch_variance + eps)


@misconception("normalised", "You divided by the variance. Take its root.")
def divided_by_variance(batch, batch_mean, batch_variance, eps):
    return (batch - batch_mean) / (batch_variance + eps)


@misconception("normalised", "The mean is not subtracted.")
def not_centred(batch, batch_variance, eps):
    return batch / np.sqrt(batch_variance + eps)


@quantity
def batch_output(normalised, gamma, beta):
    """Output of the layer in training, shape (4, 3)."""
    return gamma * normalised + beta


@misconception("batch_output", "The shift comes after the scale, and is not scaled itself.")
def shifted_first(normalised, gamma, beta):
    return gamma * (normalised + beta)


@misconception("batch_output", "Scale and shift, which the layer learns, are missing.")
def scale_and_shift_missing(normalised):
    return normalised


@quantity
def new_weight(momentum):
    """Weight of the batch in the running statistics."""
    return momentum


@misconception(
    "new_weight",
    "The momentum was given to the old value, as Keras does. Here, as in PyTorch, it is the weight of the new batch.",
)
def momentum_as_in_keras(momentum):
    return 1 - momentum


@misconception("new_weight", "The old value is lost: mix it with that of the batch.")
def running_replaced():
    return 1.0


@misconception("new_weight", "That is the old value: mix that of the batch in.")
def running_kept():
    return 0.0


@quantity
def running_mean_new(running_mean, batch_mean, new_weight):
    """Running mean after the batch, shape (3,)."""
    return (1 - new_weight) * running_mean + new_weight * batch_mean


@quantity
def running_variance_new(running_variance, batch_variance, new_weight, batch):
    """Running variance after the batch, which PyTorch updates with the unbiased variance, shape (3,)."""
    n = len(batch)
    return (1 - new_weight) * running_variance + new_weight * batch_variance * n / (n - 1)


@quantity
def running_variance_biased(running_variance, batch_variance, new_weight):
    """The same with the variance divided by n, as Keras has it."""
    return (1 - new_weight) * running_variance + new_weight * batch_variance


@quantity
def sample_output(sample, running_mean_new, running_variance_new, gamma, beta, eps):
    """Output for the sample in evaluation, shape (3,)."""
    return gamma * (sample - running_mean_new) / np.sqrt(running_variance_new + eps) + beta


@misconception("sample_output", "In evaluation the running statistics are used, and not those of the last batch.")
def sample_by_batch_statistics(sample, batch_mean, batch_variance, gamma, beta, eps):
    return gamma * (sample - batch_mean) / np.sqrt(batch_variance + eps) + beta


@misconception("sample_output", "Those are the running statistics before the update; take those after it.")
def sample_by_old_statistics(sample, running_mean, running_variance, gamma, beta, eps):
    return gamma * (sample - running_mean) / np.sqrt(running_variance + eps) + beta


def _normalised(x, gamma, beta, mean, variance):
    return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta


def _moved(x, running_mean, running_variance, momentum):
    """Return the running statistics after the batch x, with the unbiased variance."""
    mean, variance = x.mean(axis=0), x.var(axis=0, ddof=1)
    return running_mean + momentum * (mean - running_mean), running_variance + momentum * (variance - running_variance)


def _layer(x, gamma, beta, running_mean, running_variance, training, momentum, **statistics):
    """Return what batch normalisation does; in training by ``statistics`` in place of the batch's own, where given."""
    if not training:
        return _normalised(x, gamma, beta, running_mean, running_variance), running_mean, running_variance
    used = {"mean": x.mean(axis=0), "variance": x.var(axis=0), **statistics}
    return _normalised(x, gamma, beta, **used), *_moved(x, running_mean, running_variance, momentum)


@function
def batch_norm(x, gamma, beta, running_mean, running_variance, training, momentum):
    """Output, running mean and running variance of a layer that gets the batch x, shape (n, d)."""
    return _layer(x, gamma, beta, running_mean, running_variance, training, momentum)


def _batches(rng, *, training):
    for n, d in ((5, 3), (8, 2)):
        x = rng.normal(loc=rng.normal(size=d), scale=rng.uniform(0.5, 2.0, size=d), size=(n, d))
        parameters = rng.uniform(0.5, 2.0, size=d), rng.normal(size=d)
        statistics = rng.normal(loc=2.0, size=d), rng.uniform(3.0, 6.0, size=d)
        yield x, *parameters, *statistics, training, float(rng.uniform(0.1, 0.3))


@cases("batch_norm")
def in_training(rng):
    """Batches in training."""
    yield from _batches(rng, training=True)


@cases("batch_norm")
def in_evaluation(rng):
    """Batches in evaluation."""
    yield from _batches(rng, training=False)


def _part(result, index):
    """Return one of three parts. Raises ValueError where there are not three."""
    if not isinstance(result, list | np.ndarray) or len(result) != 3:
        raise ValueError("three parts are asked: output, running mean and running variance")
    return np.squeeze(np.asarray(result[index], float))


@property_of("batch_norm", "in training, the output should be normalised with the batch's own statistics")
def normalises(inputs, result):
    right, _, _ = _layer(*inputs)
    found = _part(result, 0)
    return found.shape == right.shape and np.allclose(found, right, rtol=1e-4, atol=1e-5)


@property_of("batch_norm", "in training, the running statistics should move a little towards those of the batch")
def updates(inputs, result):
    """Either variance of the batch is right in the running one: libraries differ."""
    x, _, _, mean, variance, _, momentum = inputs
    found_mean, found_variance = _part(result, 1), _part(result, 2)
    right = mean + momentum * (x.mean(axis=0) - mean)
    variances = [variance + momentum * (x.var(axis=0, ddof=ddof) - variance) for ddof in (0, 1)]
    if found_mean.shape != right.shape or found_variance.shape != right.shape:
        return False
    close = [np.allclose(found_variance, one, rtol=1e-4, atol=1e-5) for one in variances]
    return np.allclose(found_mean, right, rtol=1e-4, atol=1e-5) and any(close)


@misconception("batch_norm", "You divide by n - 1 where you normalise. All libraries divide by n there.")
def unbiased_in_code(x, gamma, beta, running_mean, running_variance, training, momentum):
    unbiased = x.var(axis=0, ddof=1)
    return _layer(x, gamma, beta, running_mean, running_variance, training, momentum, variance=unbiased)


@misconception("batch_norm", "It takes one mean and variance for all numbers. Each feature has its own.")
def one_mean_for_all(x, gamma, beta, running_mean, running_variance, training, momentum):
    whole = {"mean": x.mean(), "variance": x.var()}
    return _layer(x, gamma, beta, running_mean, running_variance, training, momentum, **whole)


@misconception("batch_norm", "In training it normalises with the running statistics. They are for evaluation.")
def running_in_training(x, gamma, beta, running_mean, running_variance, training, momentum):
    running = {"mean": running_mean, "variance": running_variance}
    return _layer(x, gamma, beta, running_mean, running_variance, training, momentum, **running)


@misconception(
    "batch_norm", "In evaluation it normalises with the batch's own statistics.", shows_in="batch_norm_evaluation"
)
def batch_in_evaluation(x, gamma, beta, running_mean, running_variance, training, momentum):
    output, mean, variance = _layer(x, gamma, beta, running_mean, running_variance, True, momentum)
    return (output, mean, variance) if training else (output, running_mean, running_variance)


@misconception(
    "batch_norm",
    "The momentum is given to the old value, as Keras does. Here it is the weight of the new batch.",
    shows_in="batch_norm_running",
)
def momentum_turned(x, gamma, beta, running_mean, running_variance, training, momentum):
    return _layer(x, gamma, beta, running_mean, running_variance, training, 1 - momentum)


@misconception("batch_norm", "The running statistics come back unchanged from training.", shows_in="batch_norm_running")
def never_updated(x, gamma, beta, running_mean, running_variance, training, momentum):
    return _layer(x, gamma, beta, running_mean, running_variance, training, 0 * momentum)


# --- A network (all of them) ---


def _network(*, padding=1, features=288, norm=True, active=True, drops=True, last=None):
    layers = [nn.Conv2d(1, 6, 3, padding=padding), nn.BatchNorm2d(6) if norm else nn.Identity()]
    layers += [nn.ReLU()] if active else []
    layers += [nn.MaxPool2d(2), nn.Flatten()]
    layers += [nn.Dropout(0.25)] if drops else []
    return nn.Sequential(*layers, nn.Linear(features, 5), *([last] if last else []))


@function
class Net(nn.Module):
    """Every layer of this exercise once: (n, 1, 16, 12) to (n, 5)."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = _network()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return one score for each of five classes."""
        return self.layers(x)


@cases("Net")
def pictures(rng):
    yield (rng.normal(size=(3, 1, 16, 12)).astype("float32"),)


@misconception("Net", "The padding is gone, so that fewer features are left.", shows_in="Net_function")
def net_without_padding():
    return _network(padding=0, features=210)


@misconception("Net", "Batch normalisation is missing.", shows_in="Net_function", also_loses=("Net_layers",))
def net_without_norm():
    return _network(norm=False)


@misconception("Net", "ReLU is missing.", shows_in="Net_function", also_loses=("Net_layers",))
def net_without_relu():
    return _network(active=False)


@misconception("Net", "A softmax does not belong here: scores are asked.", shows_in="Net_function")
def net_with_softmax():
    return _network(last=nn.Softmax(dim=1))


@misconception("Net", "Dropout is missing.", shows_in="Net_layers")
def net_without_dropout():
    return _network(drops=False)


@misconception(
    "Net",
    "The last layer takes another number of features than Flatten gives. Multiply channels, height and width.",
    shows_in="Net_shapes",
    also_loses=("Net_function",),
)
def net_of_unpooled_features():
    return _network(features=1152)
