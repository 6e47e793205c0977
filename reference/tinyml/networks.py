"""What is inside a neural network (tinyML primer, items T01 to T07 and T22).

Conventions of the primer: a sample or token is a row, and a layer is x·Wᵀ with one row of W for each output, as in
torch. It prints no biases, and no factor in the attention; both may be taken where the hand-in says so. `*` stands for
the cross-correlation that libraries call a convolution; a true convolution may be taken where the hand-in says so.
The figures of the primer are lost, so nothing here rests on them. It prints no numbers either: all are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import nn

from grader import cases, function, given, misconception, property_of, quantity, trial

Array = NDArray[np.float64]

# --- The numbers of the task ---


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the task gives. Shapes stand at the givens."""

    t: Array
    s: Array
    degree_low: int
    degree_high: int
    dense_x_shape: tuple[int, int]
    dense_W_shape: tuple[int, int]
    conv_x_shape: tuple[int, int, int]
    conv_W_shape: tuple[int, int, int, int]
    stride: int
    padding: int
    x: Array
    Wq: Array
    Wk: Array
    Wv: Array
    X: Array
    W1: Array
    b1: Array
    W2: Array
    b2: Array


@lru_cache(maxsize=4096)
def numbers(seed: int | None) -> Numbers:
    """Return the starter's numbers, or for an integer ``seed`` that student's own, as easy to handle."""
    random = np.random.default_rng([7, 2025] if seed is None else [seed])
    return Numbers(*_points(random), *_sizes(random), *_tokens(random), *_layers(random))


def _until_instructive(draw, instructive):
    while not instructive(*(drawn := draw())):
        pass
    return drawn


def _halves(random, *shape):
    return np.asarray(random.choice([-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0], size=shape))


def _points(random):
    """Return nine points around a cubic, and two degrees."""

    def draw():
        t = np.arange(-4, 5) / 2
        cubic = random.uniform(0.3, 0.7) * t**3 - random.uniform(0.5, 2.0) * t
        low, high = ((1, 4), (1, 5), (2, 5), (2, 6))[random.integers(4)]
        return t, np.round(cubic + random.normal(scale=0.8, size=t.size), 1), low, high

    def instructive(t, s, low, high):
        less_low, right_low, less_high, right_high = (squares(t, s, one) for one in (low - 1, low, high - 1, high))
        falls = right_high > 0.3 and right_low > 3 * right_high
        return falls and less_low > 1.1 * right_low and less_high > 1.1 * right_high

    return _until_instructive(draw, instructive)


def _sizes(random):
    """Return shapes of a dense layer and of a convolution, all sizes of which differ, whose last step does not fit."""

    def draw():
        n, d, i = random.permutation(np.arange(3, 20))[:3].tolist()
        d1, i1, k = int(random.integers(2, 5)), int(random.integers(6, 17)), int(random.choice([3, 5]))
        h, w = random.permutation(np.arange(18, 41))[:2].tolist()
        return (n, d), (i, d), (d1, h, w), (i1, d1, k, k), int(random.integers(2, 4)), int(random.integers(1, 3))

    def instructive(_, __, x, W, s, p):
        rests = [(side + 2 * p - W[2]) % s for side in x[1:]]
        sizes = [_SIZES[_SIZE](side, W[2], p, s) for side in x[1:]]
        return any(rests) and len({*sizes, *x, W[0], W[2]}) == len({*x, W[0], W[2]}) + 2 and W[2] != x[0]

    return _until_instructive(draw, instructive)


def _tokens(random):
    """Return tokens and the three matrices of an attention in which every usual mistake shows."""

    def draw():
        small = [-1.0, -0.5, 0.5, 1.0]
        x = random.choice([-1.5, -1.0, -0.5, 0.5, 1.0, 1.5], size=(3, 4))
        return x, *(random.choice(small, size=(2, 4)) for _ in range(3))

    def instructive(x, Wq, Wk, Wv):
        Q, K, V = (x @ W.T for W in (Wq, Wk, Wv))
        scores = Q @ K.T
        tables = [
            _softmax(scores, 1),
            _softmax(scores, 0),
            _softmax(scores.T, 1),
            _softmax(scores / np.sqrt(2), 1),
            scores,
            scores / np.sum(scores, axis=1, keepdims=True),
        ]
        outputs = [table @ V for table in (*tables, tables[0].T)] + [V @ _softmax(Q.T @ K, 1)]
        return (
            0.01 < np.min(tables[0]) < np.max(tables[0]) < 0.95
            and np.min(np.abs(np.sum(scores, axis=1))) > 0.25
            and min(np.min(np.abs(one)) for one in (Q, K, V)) > 0.2
            and all(np.max(np.abs(outputs[0] - one)) > 0.1 for one in outputs[1:])
            and np.max(np.abs(scores - scores.T)) > 0.5
        )

    return _until_instructive(draw, instructive)


def _layers(random):
    """Return inputs and two layers, 3 to 4 to 2."""

    def draw():
        shapes = ((5, 3), (4, 3), (4,), (2, 4), (2,))
        return tuple(_halves(random, *shape) for shape in shapes)

    def instructive(_, W1, b1, W2, b2):
        W3 = W2 @ W1
        wrong = (W2 @ np.maximum(W1, 0), (W1.reshape(3, 4) @ W2.reshape(4, 2)).T)
        return (
            np.min(np.abs(W2 @ b1)) > 0.4
            and np.min(np.abs(W2 @ b1 + b2)) > 0.4
            and np.min(np.abs(W3)) > 0.2
            and all(np.max(np.abs(W3 - one)) > 0.4 for one in wrong)
        )

    return _until_instructive(draw, instructive)


@given
def t(seed):
    """Where the points lie, shape (9,)."""
    return numbers(seed).t


@given
def s(seed):
    """What was measured there, shape (9,)."""
    return numbers(seed).s


@given
def degree_low(seed):
    """Degree of the first polynomial."""
    return numbers(seed).degree_low


@given
def degree_high(seed):
    """Degree of the second one."""
    return numbers(seed).degree_high


@given
def dense_x_shape(seed):
    """Shape of the inputs of a dense layer: (samples n, inputs d)."""
    return numbers(seed).dense_x_shape


@given
def dense_W_shape(seed):
    """Shape of its weights: (outputs i, inputs d)."""
    return numbers(seed).dense_W_shape


@given
def conv_x_shape(seed):
    """Shape of the input of a convolution: (channels d1, height, width)."""
    return numbers(seed).conv_x_shape


@given
def conv_W_shape(seed):
    """Shape of its weights: (filters i1, channels d1, k, k)."""
    return numbers(seed).conv_W_shape


@given
def stride(seed):
    """Stride of the convolution, in pixels."""
    return numbers(seed).stride


@given
def padding(seed):
    """Zeros on each of the four sides, in pixels."""
    return numbers(seed).padding


@given
def x(seed):
    """Three tokens of four numbers, shape (T, d) = (3, 4)."""
    return numbers(seed).x


@given
def Wq(seed):
    """Weights of the queries, shape (e, d) = (2, 4)."""
    return numbers(seed).Wq


@given
def Wk(seed):
    """Weights of the keys, shape (2, 4)."""
    return numbers(seed).Wk


@given
def Wv(seed):
    """Weights of the values, shape (2, 4)."""
    return numbers(seed).Wv


@given
def X(seed):
    """Five samples of three numbers, shape (5, 3)."""
    return numbers(seed).X


@given
def W1(seed):
    """Weights of the first layer, shape (4, 3)."""
    return numbers(seed).W1


@given
def b1(seed):
    """Its biases, shape (4,)."""
    return numbers(seed).b1


@given
def W2(seed):
    """Weights of the second layer, shape (2, 4)."""
    return numbers(seed).W2


@given
def b2(seed):
    """Its biases, shape (2,)."""
    return numbers(seed).b2


# --- Two polynomials (T01) ---


def squares(t, s, degree):
    """Return the sum of the squared errors of the best polynomial."""
    powers = np.vander(t, degree + 1)
    return float(np.sum((powers @ np.linalg.lstsq(powers, s, rcond=None)[0] - s) ** 2))


@quantity
def constant_term():
    """How many coefficients stand at the power 0."""
    return 1


@misconception("constant_term", "The constant term is a parameter as well: a straight line has two.")
def constant_not_counted():
    return 0


@quantity
def parameters_low(degree_low, constant_term):
    """Parameters of the first polynomial."""
    return degree_low + constant_term


@quantity
def parameters_high(degree_high, constant_term):
    """Parameters of the second one."""
    return degree_high + constant_term


@quantity
def missing_degrees():
    """By how much the fitted polynomials fall short of the degree that is asked for."""
    return 0


@misconception("missing_degrees", "The polynomial is one degree too low: a degree of 2 has the powers 0, 1 and 2.")
def one_power_missing():
    return 1


@quantity
def error_factor():
    """Factor before the sum of the squared errors, as a function of their number."""
    return _whole


def _whole(_):
    return 1.0


@misconception("error_factor", "This is the mean of the squares. It is a good convention; the task asks for the sum.")
def error_averaged():
    return lambda n: 1 / n


@misconception("error_factor", "This is half of the sum. It is a good convention; the task asks for the whole of it.")
def error_halved():
    return lambda _: 0.5


@quantity
def error_low(t, s, degree_low, missing_degrees, error_factor):
    """Sum of the squared errors of the first polynomial."""
    return error_factor(len(t)) * squares(t, s, degree_low - missing_degrees)


@quantity
def error_high(t, s, degree_high, missing_degrees, error_factor):
    """Sum of the squared errors of the second one."""
    return error_factor(len(t)) * squares(t, s, degree_high - missing_degrees)


# --- Biases: none on the slides; who takes them says so ---


@quantity
def biases():
    """Whether the counted layers have biases."""
    return "no"


@quantity
def biases_taken():
    """The other answer that is welcome."""
    return "yes"


def _is_said(answer, word):
    return " ".join(answer.casefold().split()) == word


@quantity
def bias_count(biases):
    """Biases of one output of a dense layer, or of one filter."""
    return 1 if _is_said(biases, "yes") else 0


@misconception(
    "bias_count", "Biases are counted. That is welcome where `biases` says so; the layers of the task have none."
)
def biases_unsaid():
    return 1


# --- Dense (T02) ---


@quantity
def dense_y_shape(dense_x_shape, dense_W_shape):
    """Shape of x·Wᵀ."""
    return (dense_x_shape[0], dense_W_shape[0])


@misconception("dense_y_shape", "That is the shape of the input. A dense layer has its own number of outputs.")
def shape_of_input(dense_x_shape):
    return dense_x_shape


@misconception("dense_y_shape", "Those are the sizes of W·xᵀ. In x·Wᵀ each row still belongs to one sample.")
def shape_in_columns(dense_x_shape, dense_W_shape):
    return (dense_W_shape[0], dense_x_shape[0])


@quantity
def dense_parameters(dense_W_shape, bias_count):
    """Parameters of the dense layer."""
    outputs, inputs = dense_W_shape
    return outputs * (inputs + bias_count)


@misconception("dense_parameters", "All samples pass through the same weights: how many there are does not count.")
def samples_counted(dense_x_shape, dense_W_shape):
    return dense_x_shape[0] * dense_W_shape[0] * dense_W_shape[1]


@misconception("dense_parameters", "Every output has a weight for every input: sizes are multiplied, not added.")
def sizes_added(dense_W_shape):
    return sum(dense_W_shape)


@function
def dense(x, W):
    """Return x·Wᵀ, for samples (n, d) or one sample (d,) and weights (i, d)."""
    return x @ W.T


@cases("dense")
def dense_inputs(rng):
    for n, d, i in ((5, 3, 4), (2, 4, 6)):
        yield rng.normal(size=(n, d)), rng.normal(size=(i, d))
    yield rng.normal(size=3), rng.normal(size=(2, 3))


@misconception("dense", "W is used as it is. Each of its rows holds the weights of one output: transpose it.")
def not_transposed(x, W):
    return x @ W


@misconception("dense", "`reshape` deals the weights out anew and mixes them. Transpose W instead.")
def reshaped_weights(x, W):
    return x @ W.reshape(W.shape[1], W.shape[0])


@misconception("dense", "A sigmoid comes behind the product. The dense layer of this part has no activation.")
def sigmoid_added(x, W):
    return 1 / (1 + np.exp(-(x @ W.T)))


# --- Convolution (T03) ---
# What students go by for W and for the sizes, right and wrong: a mistake in a formula costs once.

_WEIGHTS = "i1*d1*k**2"
_WEIGHT_RULES: dict[str, Callable[[int, int, int], int]] = {
    _WEIGHTS: lambda i1, d1, k: i1 * d1 * k**2,
    "i1*k**2": lambda i1, _, k: i1 * k**2,
    "i1*d1*k": lambda i1, d1, k: i1 * d1 * k,
    "(i1 + d1)*k**2": lambda i1, d1, k: (i1 + d1) * k**2,
}
_SIZE = "(n + 2*p - k)//s + 1"
_SIZES: dict[str, Callable[[int, int, int, int], int]] = {
    _SIZE: lambda n, k, p, s: (n + 2 * p - k) // s + 1,
    "(n + p - k)//s + 1": lambda n, k, p, s: (n + p - k) // s + 1,
    "(n + 2*p - k)//s": lambda n, k, p, s: (n + 2 * p - k) // s,
    "(n - k)//s + 1": lambda n, k, p, s: (n - k) // s + 1,  # noqa: ARG005 - all rules take the same
    "n + 2*p - k + 1": lambda n, k, p, s: n + 2 * p - k + 1,  # noqa: ARG005 - likewise
}


@quantity
def weight_rule():
    """How the numbers in W are counted."""
    return _WEIGHTS


@misconception("weight_rule", "Each filter reaches through all channels of the input and has weights for each.")
def channels_overlooked():
    return "i1*k**2"


@misconception("weight_rule", "A filter is a square: it has k rows of k weights.")
def side_of_kernel_once():
    return "i1*d1*k"


@misconception("weight_rule", "Every filter has a kernel for every channel of the input: multiply, do not add.")
def channels_added():
    return "(i1 + d1)*k**2"


@quantity
def conv_weights(weight_rule):
    """How many numbers W holds."""
    return weight_rule


@misconception("conv_weights", "Biases are no part of W, whose shape the task gives.")
def biases_in_weights():
    return "i1*d1*k**2 + i1"


@quantity
def size_rule():
    """How the size of the output is counted."""
    return _SIZE


@misconception("size_rule", "Zeros are added on both sides of the picture.")
def padding_on_one_side():
    return "(n + p - k)//s + 1"


@misconception("size_rule", "The place where the kernel starts counts as well: count the fence posts, not the gaps.")
def first_place_forgotten():
    return "(n + 2*p - k)//s"


@misconception("size_rule", "The padding is missing: it makes the picture larger before the kernel runs over it.")
def padding_left_out():
    return "(n - k)//s + 1"


@misconception("size_rule", "The stride is missing: the kernel does not stop at every pixel.")
def stride_left_out():
    return "n + 2*p - k + 1"


@quantity
def conv_size(size_rule):
    """Size of one side of the output."""
    return size_rule


@misconception("conv_size", "A size is a whole number: say what happens where the last step does not fit.")
def no_floor():
    return "(n + 2*p - k)/s + 1"


@misconception("conv_size", "Rounded up, the kernel would reach over the edge: a step that does not fit is left out.")
def formula_rounded_up():
    return "ceil((n + 2*p - k)/s) + 1"


@quantity
def conv_y_shape(conv_x_shape, conv_W_shape, stride, padding, size_rule):
    """Shape of the output, (filters, height, width)."""
    return (conv_W_shape[0], *_sides(conv_x_shape, conv_W_shape, stride, padding, size_rule))


def _sides(conv_x_shape, conv_W_shape, stride, padding, size_rule):
    """Return height and width of the output."""
    return tuple(_SIZES[size_rule](side, conv_W_shape[2], padding, stride) for side in conv_x_shape[1:])


@misconception("conv_y_shape", "A convolution gives as many channels as it has filters, not as many as came in.")
def channels_kept(conv_x_shape, conv_W_shape, stride, padding, size_rule):
    return (conv_x_shape[0], *_sides(conv_x_shape, conv_W_shape, stride, padding, size_rule))


@misconception("conv_y_shape", "The order of the axes is that of x: channels, height, width.")
def channels_last(conv_x_shape, conv_W_shape, stride, padding, size_rule):
    return (*_sides(conv_x_shape, conv_W_shape, stride, padding, size_rule), conv_W_shape[0])


@misconception(
    "conv_y_shape", "Rounded up, the kernel would reach over the edge: a step that does not fit is left out."
)
def sides_rounded_up(conv_x_shape, conv_W_shape, stride, padding):
    sides = (-(-(side + 2 * padding - conv_W_shape[2]) // stride) + 1 for side in conv_x_shape[1:])
    return (conv_W_shape[0], *sides)


@quantity
def conv_parameters(conv_W_shape, bias_count, weight_rule):
    """Parameters of the convolution."""
    i1, d1, k, _ = conv_W_shape
    return _WEIGHT_RULES[weight_rule](i1, d1, k) + i1 * bias_count


@misconception("conv_parameters", "That counts multiplications. The same weights are used at every place.")
def places_counted(conv_W_shape, conv_y_shape):
    return int(np.prod(conv_W_shape)) * int(np.prod(conv_y_shape[1:]))


@function
def conv(x, W):
    """Return the cross-correlation of (d1, h, w) with (i1, d1, k, k), stride 1, no padding: (i1, h-k+1, w-k+1)."""
    return correlated(x, W)


def correlated(x, W):
    """Return the same; mistakes call it, too."""
    return np.einsum("chwij,ocij->ohw", sliding_window_view(x, W.shape[2:], axis=(1, 2)), W)


@cases("declared_convolution")
def conv_inputs(rng):
    for (d1, h, w), (i1, k) in (((3, 6, 8), (4, 3)), ((2, 7, 5), (3, 2))):
        yield rng.normal(size=(d1, h, w)), rng.normal(size=(i1, d1, k, k))


@trial("conv")
def declared_convolution(conv, x, W):
    """Return what `convolution` says beside the function, and what the function gives."""
    word = getattr(conv, "__globals__", {}).get("convolution", "cross-correlation")
    return [word if isinstance(word, str) else "cross-correlation", conv(x, W)]


def _agrees(found, right, *, transpose=False):
    """Say whether a result is right; axes of length one do not count, and a matrix may lie on its side."""
    found, right = np.squeeze(np.asarray(found, dtype=float)), np.squeeze(right)
    if transpose and found.shape != right.shape and found.T.shape == right.shape:
        found = found.T
    return found.shape == right.shape and bool(np.allclose(found, right, rtol=1e-4, atol=1e-5))


def _right_as_said(word, other, rights, found, *, transpose=False):
    """Say what is wrong where no result is the first of ``rights``, nor the second, where ``word`` says ``other``."""
    said = " ".join(word.casefold().split()) == other
    shown = [one for one in found if one is not None]
    if any(_agrees(one, right, transpose=transpose) for one in shown for right in rights[: 1 + said]):
        return ""
    if not shown:
        return "nothing is returned yet."
    if any(_agrees(one, rights[1], transpose=transpose) for one in shown):
        return f"it is right where you say so: write {other!r} there."
    return "it is something else."


@property_of("conv", "the result should be a cross-correlation, or what `convolution` declares:")
def as_convolution_says(inputs, result):
    image, W = map(torch.from_numpy, inputs)
    rights = [F.conv2d(image[None], kernel)[0].numpy() for kernel in (W, W.flip(2, 3))]
    return _right_as_said(result[0], "flipped", rights, result[1:])


@misconception(
    "conv",
    "The kernel is flipped: a convolution in the strict sense. It is welcome where `convolution` says so; libraries do "
    "not flip.",
)
def flipped_unsaid(x, W):
    return correlated(x, W[:, :, ::-1, ::-1])


@misconception("conv", "The zeros around the picture are not asked for: the kernel stays inside of it.")
def padded_all_round(x, W):
    k = W.shape[2]
    return correlated(np.pad(x, ((0, 0), ((k - 1) // 2, k // 2), ((k - 1) // 2, k // 2))), W)


@misconception("conv", "The channels of the input are averaged. Each filter adds them up.")
def channels_averaged(x, W):
    return correlated(x, W) / x.shape[0]


@misconception("conv", "Only the first channel of the input is used. Each filter adds up all of them.")
def first_channel_only(x, W):
    return correlated(x[:1], W[:, :1])


@misconception("conv", "Rows and columns of the kernel have changed places.")
def kernel_transposed(x, W):
    return correlated(x, W.transpose(0, 1, 3, 2))


# --- Self-attention (T04) ---


def _softmax(z, axis):
    """Return exp(z), divided by its sum along ``axis``."""
    grown = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return grown / np.sum(grown, axis=axis, keepdims=True)


@quantity
def scaling():
    """Whether the scores are divided by the root of e."""
    return "unscaled"


@quantity
def scaling_taken():
    """The other answer that is welcome."""
    return "scaled"


@quantity
def score_scale(scaling, Wq):
    """Factor of the scores."""
    return _root(Wq) if _is_said(scaling, "scaled") else 1.0


def _root(W):
    return 1 / np.sqrt(W.shape[0])


@misconception(
    "score_scale",
    "The scores are divided by √e. That is welcome where `scaling` says so; the formula of the task has no factor.",
)
def scaling_unsaid(Wq):
    return _root(Wq)


@misconception("score_scale", "The factor belongs to the length e of queries and keys, not to that of the tokens.")
def scaled_by_tokens(x):
    return 1 / np.sqrt(x.shape[1])


@quantity
def project():
    """What turns tokens and weights into queries, keys or values."""
    return dense


@misconception("project", "`reshape` deals the weights out anew and mixes them. Transpose W instead.")
def projections_reshaped():
    return reshaped_weights


@quantity
def Q(x, Wq, project):
    """Queries, shape (T, e)."""
    return project(x, Wq)


@misconception("Q", "Those are the keys: the queries have weights of their own.")
def queries_from_keys(x, Wk):
    return x @ Wk.T


@quantity
def K(x, Wk, project):
    """Keys, shape (T, e)."""
    return project(x, Wk)


@misconception("K", "Those are the queries: the keys have weights of their own.")
def keys_from_queries(x, Wq):
    return x @ Wq.T


@quantity
def V(x, Wv, project):
    """Values, shape (T, e)."""
    return project(x, Wv)


@misconception("V", "Those are the keys: the values have weights of their own.")
def values_from_keys(x, Wk):
    return x @ Wk.T


@quantity
def scores(Q, K, score_scale):
    """Scores, shape (T, T): a row for each query, a column for each key."""
    return score_scale * (Q @ K.T)


@misconception("scores", "That is K·Qᵀ: each row belongs to a key. It should belong to a query.")
def keys_ask(Q, K, score_scale):
    return score_scale * (K @ Q.T)


@quantity
def weights(scores):
    """Attention weights, shape (T, T): each row adds up to one."""
    return _softmax(scores, 1)


@misconception("weights", "Your columns add up to one. Each query shares out its attention: its row should.")
def softmax_of_columns(scores):
    return _softmax(scores, 0)


@misconception("weights", "Those are the scores: the softmax is missing.")
def scores_as_weights(scores):
    return scores


@misconception("weights", "The scores were divided by their sum. Softmax takes the exponential first.")
def divided_by_sum(scores):
    return scores / np.sum(scores, axis=1, keepdims=True)


@misconception("weights", "All weights together add up to one. Each query shares out its attention: its row should.")
def softmax_of_all(scores):
    return _softmax(scores.ravel(), 0).reshape(scores.shape)


@quantity
def y(weights, V):
    """Output of the attention, shape (T, e)."""
    return weights @ V


@misconception("y", "The weights lie on their side: the row of a query weights the values.")
def weights_transposed(weights, V):
    return weights.T @ V


@misconception("y", "Those are the scores times the values: the softmax between them is missing.")
def scores_times_values(scores, V):
    return scores @ V


@misconception("y", "Qᵀ·K compares features, not tokens. Each token should attend to tokens, by a table of T × T.")
def features_attended(Q, K, V, score_scale):
    return V @ _softmax(score_scale * (Q.T @ K), 1)


@function
def self_attention(x, Wq, Wk, Wv):
    """Return the self-attention of tokens (T, d) with weights (e, d) each: shape (T, e)."""
    return attended(x, Wq, Wk, Wv)


def attended(x, Wq, Wk, Wv, scale=1.0, axis=1):
    """Return the same, with a factor before the scores."""
    Q, K, V = (x @ W.T for W in (Wq, Wk, Wv))
    return _softmax(scale * (Q @ K.T), axis) @ V


@cases("declared_attention")
def attention_inputs(rng):
    for T, d, e in ((4, 6, 3), (5, 3, 2)):
        yield rng.normal(size=(T, d)), *(rng.normal(scale=0.7, size=(e, d)) for _ in range(3))


@trial("self_attention")
def declared_attention(self_attention, x, Wq, Wk, Wv):
    """Return what `scaling` says, and what the function gives: with the student's dense layer, and with a right one."""
    known = getattr(self_attention, "__globals__", {})
    word = known.get("scaling", "unscaled")
    own = known.get("dense")
    found, failures = [], []
    for layer in (own, lambda x, W, *_: x @ W.T):
        if own:
            known["dense"] = layer
        try:
            found.append(self_attention(x.copy(), Wq.copy(), Wk.copy(), Wv.copy()))
        except Exception as error:  # noqa: BLE001 - it may be a slip in the dense layer, which was charged there
            found.append(None)
            failures.append(error)
    if own:
        known["dense"] = own
    if len(failures) == len(found):
        raise failures[0]
    return [word if isinstance(word, str) else "unscaled", *found]


@property_of("self_attention", "the result should be that of the formula, or have the scores that `scaling` declares:")
def as_scaling_says(inputs, result):
    rights = [attended(*inputs, scale=scale) for scale in (1.0, _root(inputs[1]))]
    return _right_as_said(result[0], "scaled", rights, result[1:], transpose=True)


@misconception(
    "self_attention",
    "The scores are divided by √e. That is welcome where `scaling` says so; the formula of the task does not.",
)
def scaled_unsaid(x, Wq, Wk, Wv):
    return attended(x, Wq, Wk, Wv, scale=_root(Wq))


@misconception("self_attention", "The softmax runs over the columns. Each query shares out its attention: its row.")
def attention_over_columns(x, Wq, Wk, Wv):
    return attended(x, Wq, Wk, Wv, axis=0)


@misconception("self_attention", "The softmax is missing: scores are multiplied with the values as they are.")
def attention_without_softmax(x, Wq, Wk, Wv):
    return (x @ Wq.T) @ (x @ Wk.T).T @ (x @ Wv.T)


@misconception("self_attention", "The scores are K·Qᵀ: each row belongs to a key. It should belong to a query.")
def keys_ask_queries(x, Wq, Wk, Wv):
    return attended(x, Wk, Wq, Wv)


@misconception("self_attention", "Qᵀ·K compares features, not tokens: the scores should be a table of T × T.")
def features_attend(x, Wq, Wk, Wv):
    return (x @ Wv.T) @ _softmax((x @ Wq.T).T @ (x @ Wk.T), 1)


# --- Linear layers collapse (T05) ---


@quantity
def W3(W1, W2):
    """Weights of the one layer that does what two do, shape (2, 3)."""
    return W2 @ W1


@misconception("W3", "`reshape` deals the weights out anew and mixes them. Only transposing keeps them in place.")
def product_of_reshaped(W1, W2):
    return (W1.reshape(W1.shape[::-1]) @ W2.reshape(W2.shape[::-1])).T


@misconception("W3", "There is a ReLU on the weights of the first layer. The layers of this part have no activation.")
def rectified_weights(W1, W2):
    return W2 @ np.maximum(W1, 0)


@quantity
def y_linear(X, W3):
    """Outputs for the five samples, without biases, shape (5, 2)."""
    return X @ W3.T


@misconception("y_linear", "`reshape` deals the weights out anew and mixes them. Transpose W3 instead.")
def outputs_reshaped(X, W3):
    return X @ W3.reshape(W3.shape[::-1])


@misconception("y_linear", "The biases are in it. They come one question later.")
def outputs_with_biases(X, W3, b3):
    return X @ W3.T + b3


@quantity
def b3(W2, b1, b2):
    """Biases of the one layer, shape (2,)."""
    return W2 @ b1 + b2


@misconception("b3", "That is the second bias alone. The first one passes through the second layer and is not lost.")
def first_bias_lost(b2):
    return b2


@misconception("b3", "The second bias is missing: it is added at the very end.")
def second_bias_lost(W2, b1):
    return W2 @ b1


@function
def collapse(W1, b1, W2, b2):
    """Return the weights and the biases of the one layer that does what two do."""
    return W2 @ W1, W2 @ b1 + b2


@cases("collapse")
def layer_pairs(rng):
    """With square matrices every product is possible, and only one is right; with others, a mistake may not run."""
    for d, h, i in ((3, 3, 3), (2, 2, 2), (4, 2, 3)):
        yield rng.normal(size=(h, d)), rng.normal(size=h), rng.normal(size=(i, h)), rng.normal(size=i)


@misconception("collapse", "The order is the wrong way round: an input meets the first layer first, from the right.")
def order_reversed(W1, b1, W2, b2):
    return W1 @ W2, W2 @ b1 + b2


@misconception(
    "collapse",
    "W1ᵀ·W2ᵀ is what x is multiplied with. The weights of a layer x·Wᵀ are the transpose of that, which shows where "
    "the matrices are square.",
)
def transposes_multiplied(W1, b1, W2, b2):
    return W1.T @ W2.T, W2 @ b1 + b2


@misconception("collapse", "The matrices are multiplied element by element. Layers one behind the other are a product.")
def multiplied_by_elements(W1, b1, W2, b2):
    return W2 * W1, W2 @ b1 + b2


@misconception("collapse", "The biases are added as they are. The first one passes through the second layer's weights.")
def biases_added(W1, b1, W2, b2):
    return W2 @ W1, b1 + b2


@misconception("collapse", "The first bias is lost. It passes through the second layer like everything else.")
def only_second_bias(W1, b1, W2, b2):
    return W2 @ W1, b2


@misconception("collapse", "The weights are added. Layers one behind the other are a product.")
def weights_added(W1, b1, W2, b2):
    return W2 + W1, W2 @ b1 + b2


# Which networks are one linear layer. Biases are left out, so that linear means linear.
_COLLAPSES = {
    "dense, dense, dense": "yes",
    "dense, ReLU, dense": "no",
    "convolution, convolution": "yes",
    "dense, sigmoid": "no",
    "convolution, average pooling, flatten, dense": "yes",
    "convolution, max pooling, flatten, dense": "no",
    "dense, with its input added to its output, dense": "yes",
    "self-attention": "no",
}


@quantity
def collapses():
    """Which networks one linear layer can replace."""
    return _COLLAPSES


@misconception("collapses", "Max pooling is no activation, but the largest of a sum is not the sum of the largest.")
def maximum_taken_for_linear():
    return {**_COLLAPSES, "convolution, max pooling, flatten, dense": "yes"}


@misconception("collapses", "Self-attention holds a softmax, and multiplies what comes from x with what comes from x.")
def attention_taken_for_linear():
    return {**_COLLAPSES, "self-attention": "yes"}


@misconception("collapses", "Adding the input is linear as well: it adds an identity to the matrix.")
def shortcut_taken_for_nonlinear():
    return {**_COLLAPSES, "dense, with its input added to its output, dense": "no"}


@misconception("collapses", "A convolution is linear: each output is a weighted sum of inputs, as in a dense layer.")
def convolution_taken_for_nonlinear():
    return {
        **_COLLAPSES,
        "convolution, convolution": "no",
        "convolution, average pooling, flatten, dense": "no",
    }


# --- ReLU breaks the collapse (T06) ---


@function
def relu_network(x, W1, W2):
    """Return relu(x·W1ᵀ)·W2ᵀ, for samples (n, d) and weights (h, d) and (i, h)."""
    return np.maximum(x @ W1.T, 0) @ W2.T


@cases("two_layers")
def network_inputs(rng):
    for n, d, h, i in ((5, 3, 4, 2), (4, 2, 5, 3)):
        yield rng.normal(size=(n, d)), rng.normal(size=(h, d)), rng.normal(size=(i, h))


@trial("relu_network")
def two_layers(relu_network, x, W1, W2):
    """Return what the function gives: with the student's dense layer, and with a right one."""
    known = getattr(relu_network, "__globals__", {})
    own = known.get("dense")
    found, failures = [], []
    for layer in (own, lambda x, W, *_: x @ W.T):
        if own:
            known["dense"] = layer
        try:
            found.append(relu_network(x.copy(), W1.copy(), W2.copy()))
        except Exception as error:  # noqa: BLE001 - it may be a slip in the dense layer, which was charged there
            found.append(None)
            failures.append(error)
    if own:
        known["dense"] = own
    if len(failures) == len(found):
        raise failures[0]
    return found


@property_of("relu_network", "the result is not that of two dense layers with ReLU between them.")
def relu_between(inputs, result):
    if all(one is None for one in result):
        return "Nothing is returned yet."
    x, W1, W2 = inputs
    hidden = np.where(x @ W1.T > 0, x @ W1.T, 0)
    return any(_agrees(one, hidden @ W2.T, transpose=True) for one in result if one is not None)


@misconception("relu_network", "ReLU is missing, and the two layers collapse into one.")
def relu_missing(x, W1, W2):
    return x @ W1.T @ W2.T


@misconception("relu_network", "ReLU stands at the output. It belongs between the two layers.")
def relu_at_output(x, W1, W2):
    return np.maximum(x @ W1.T @ W2.T, 0)


@misconception("relu_network", "There is a second ReLU, at the output. One belongs between the two layers.")
def relu_twice(x, W1, W2):
    return np.maximum(np.maximum(x @ W1.T, 0) @ W2.T, 0)


@misconception("relu_network", "ReLU is applied to the inputs. It belongs behind the first layer.")
def relu_of_inputs(x, W1, W2):
    return np.maximum(x, 0) @ W1.T @ W2.T


@misconception("relu_network", "Negative numbers come out with their sign turned. ReLU sets them to zero.")
def absolute_values(x, W1, W2):
    return np.abs(x @ W1.T) @ W2.T


@function
def counterexample():
    """Return W1, W2 and two inputs a and b between which the network bends."""
    return np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 1.0]]), np.array([1.0, 0.0]), np.array([-1.0, 0.0])


@cases("counterexample")
def asked_once(rng):
    yield ()


def _bend(W1, W2, a, b):
    """Return f(a + b) - f(a) - f(b) + f(0) of the network f, and the largest output that it is made of."""
    W1, W2 = np.atleast_2d(W1), np.atleast_2d(W2)
    a, b = np.atleast_1d(np.squeeze(a)), np.atleast_1d(np.squeeze(b))

    def f(v):
        return np.maximum(v @ W1.T, 0) @ W2.T

    outputs = [f(a + b), f(a), f(b), f(0 * a)]
    return outputs[0] - outputs[1] - outputs[2] + outputs[3], np.max(np.abs(outputs))


# Many answers are right, so there is no list of wrong ones: the properties of this part and the next say what is wrong.
@property_of("counterexample", "it does not show that ReLU breaks the collapse:")
def bends(_, result):
    if len(result) != 4:
        return f"four things are asked for, W1, W2, a and b; these are {len(result)}."
    arrays = [np.asarray(one, dtype=float) for one in result]
    if not all(np.all(np.isfinite(one)) for one in arrays):
        return "there is a NaN or an infinity in it."
    try:
        bend, largest = _bend(*arrays)
    except ValueError:
        return "the shapes do not fit: W1 is (h, d), W2 is (i, h), and a and b have d numbers each."
    if largest == 0:
        return "every output of the network is zero."
    if np.max(np.abs(bend)) <= 1e-6 * largest:
        return (
            "here f(a + b) and f(a) + f(b) - f(0) are the same. Look for inputs for which ReLU lets different neurons "
            "through."
        )
    return ""


# --- Blocks (T07) ---
# Kernels, strides and normalization are up to the student, so blocks are judged by what holds for any of them.


@function
class AlexNetBlock(nn.Module):
    """Convolution, ReLU and max pooling."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.pool = nn.MaxPool2d(3, stride=2)

    def forward(self, x):
        return self.pool(F.relu(self.conv(x)))


@cases("alexnet")
def pictures(rng):
    """Draw pictures that are dark on one side: there, or on the other one, a whole neighbourhood is negative."""
    for channels, filters, height, width in ((3, 6, 22, 27), (5, 4, 27, 20)):
        image = rng.normal(size=(1, channels, height, width)) + 6.0
        image[..., : width // 2] -= 12.0
        yield channels, filters, torch.tensor(image, dtype=torch.float32)


@trial("AlexNetBlock")
def alexnet(block, channels, filters, image):
    """Return what the convolutions of the block give, and what the block gives."""
    import torch  # noqa: PLC0415 - a trial brings all that it needs

    torch.manual_seed(0)
    made = block(channels, filters).eval()
    convolved = []
    for layer in made.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(lambda _layer, _inputs, output: convolved.append(output.clone()))
        if isinstance(layer, torch.nn.LocalResponseNorm):
            layer.alpha, layer.k = 0.0, 1.0  # welcome, and switched off to see the rest
    with torch.no_grad():
        output = made(image.clone())
    return {"convolved": convolved, "output": output}


_ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": torch.relu,
    "none": lambda z: z,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "silu": F.silu,
    "gelu": F.gelu,
    "leaky": F.leaky_relu,
}
_POOLS: dict[str, Callable[..., torch.Tensor]] = {"max": F.max_pool2d, "mean": F.avg_pool2d}


def _pooled(z: torch.Tensor, pool: str, shape: torch.Size) -> Iterator[torch.Tensor]:
    """Yield ``z`` pooled in each usual way that leads to ``shape``."""
    if pool == "none" and z.shape == shape:
        yield z
    for kernel in (2, 3, 4) if pool != "none" else ():
        for step, margin, ceil in np.ndindex(4, kernel // 2 + 1, 2):
            found = _POOLS[pool](z, kernel, step + 1, margin, ceil_mode=bool(ceil))
            if found.shape == shape:
                yield found
    if pool != "none" and shape[2:] < z.shape[2:]:
        yield {"max": F.adaptive_max_pool2d, "mean": F.adaptive_avg_pool2d}[pool](z, shape[2:])


def _parts(inputs, result):
    """Return a complaint, or which activation and which pooling lead from the convolution to the output."""
    channels, filters, image = inputs
    convolved = [torch.tensor(one) for one in result["convolved"]]
    output = torch.tensor(np.asarray(result["output"], dtype=np.float32))
    if len(convolved) != 1:
        return f"it should have one convolution, a layer of torch; {len(convolved)} ran."
    if output.ndim != 4 or output.shape[:2] != (len(image), filters):
        given = tuple(np.shape(image))
        return f"with {channels} and {filters} channels, {given} becomes {tuple(output.shape)}."
    for pool in ("max", "mean", "none"):
        for name, activation in _ACTIVATIONS.items():
            after = (activation(one) for one in _pooled(convolved[0], pool, output.shape))
            before = _pooled(activation(convolved[0]), pool, output.shape)
            if any(torch.allclose(one, output, rtol=1e-4, atol=1e-4) for way in (before, after) for one in way):
                return name, pool
    return "what comes out is no pooled activation of what comes out of the convolution."


@property_of("AlexNetBlock", "ReLU should follow the convolution:")
def rectifies(inputs, result):
    parts = _parts(inputs, result)
    if isinstance(parts, str):
        return parts
    other = {"none": "there is no activation.", "relu": ""}
    return other.get(parts[0], "there is another activation in its place.")


@property_of("AlexNetBlock", "max pooling should come at the end:")
def takes_the_largest(inputs, result):
    parts = _parts(inputs, result)
    if isinstance(parts, str):
        return parts
    other = {"mean": "it takes the mean.", "none": "the map is as large as the convolution left it."}
    return other.get(parts[1], "")


@function
class ResNetBlock(nn.Module):
    """Two convolutions with ReLU between them, the input added to what they give, and ReLU."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return F.relu(x + self.conv2(F.relu(self.conv1(x))))


@cases("ResNetBlock")
def maps(rng):
    yield (torch.tensor(rng.normal(size=(3, 4, 9, 7)), dtype=torch.float32),)


@cases("without_branch")
def positive_maps(rng):
    for channels, height, width in ((4, 9, 7), (6, 8, 11)):
        yield channels, torch.tensor(rng.uniform(0.5, 3.0, (2, channels, height, width)), dtype=torch.float32)


@trial("ResNetBlock")
def without_branch(block, channels, image):
    """Return what the block gives when all its parameters are zero."""
    import torch  # noqa: PLC0415 - a trial brings all that it needs

    made = block(channels).eval()
    with torch.no_grad():
        for one in made.parameters():
            one.zero_()
        return made(image.clone())


@property_of("ResNetBlock", "with all weights zero, a map without negative numbers should come out as it went in:")
def passes_on(inputs, result):
    image, output = inputs[1], np.asarray(result)
    if output.shape != image.shape:
        return f"its shape {image.shape} becomes {output.shape}."
    if np.allclose(output, image, rtol=1e-4, atol=1e-5):
        return ""
    return "it comes out as zero." if np.allclose(output, 0) else "other numbers come out."


@cases("with_branch")
def pairs_of_maps(rng):
    shape = (1, 4, 9, 7)
    yield 4, *(torch.tensor(rng.uniform(1.0, 11.0, shape)) for _ in range(2))


@trial("ResNetBlock")
def with_branch(block, channels, first, second):
    """Return how many convolutions ran, and outputs for two maps and for their mean.

    The convolutions are made so small that the shortcut is larger: then a ReLU at the end changes nothing.
    """
    import torch  # noqa: PLC0415 - a trial brings all that it needs

    torch.manual_seed(0)
    made = block(channels).double().eval()
    ran = []
    for layer in made.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(lambda *_: ran.append(1))
            with torch.no_grad():
                layer.weight.mul_(0.2)
    with torch.no_grad():
        outputs = [made(one.clone()) for one in (first, second, (first + second) / 2)]
    return {"convolutions": len(ran) // 3, "outputs": outputs}


@property_of("ResNetBlock", "the branch should be two convolutions with ReLU between them:")
def branch_bends(inputs, result):
    if result["convolutions"] < 2:
        return f"{result['convolutions']} convolutions ran, of those that are layers of torch."
    first, second = inputs[1:]
    maps = (first, second, (first + second) / 2)
    outputs = [np.asarray(one) for one in result["outputs"]]
    if any(one.shape != first.shape for one in outputs):
        return f"the shape {first.shape} becomes {outputs[0].shape}."
    branch = [output - one for output, one in zip(outputs, maps, strict=True)]
    largest = np.max(np.abs(branch))
    if largest < 1e-9:
        return "it changes nothing, whatever its weights are."
    if np.max(np.abs(branch[2] - (branch[0] + branch[1]) / 2)) < 1e-6 * largest:
        return "there is none between them, so that they collapse into one."
    return ""
