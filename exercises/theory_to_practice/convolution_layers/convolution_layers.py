"""Layers of a convolutional network: write your functions and results into this file; task.md says what they mean.

Replace each None by your result, a number, a list or a NumPy array, typed in or calculated, and fill in the functions.
"""

import numpy as np
from torch import nn

# --- given ---
image = np.array([[1, 0, 2, 3, 1], [2, 1, 0, 1, 3], [0, 3, 1, 2, 0], [1, 2, 3, 0, 1]])
kernel = np.array([[1, -1], [2, 0], [0, 1]])
height = 28
width = 22
kernel_size = 5
stride = 3
A = np.array([[1, 2, 6, 3], [5, 4, 3, 7], [9, 3, 4, 2], [1, 5, 7, 3]])
B = np.array([[1, 2, 6, 3], [5, 4, 3, 8], [9, 3, 4, 2], [2, 2, 7, 3]])
maps = np.array([[[7, 2, 9], [4, 11, 1]], [[12, 5, 3], [8, 6, 10]]])
batch = np.array([[1.0, -2.0, 0.5], [3.0, 0.0, 2.5], [2.0, 4.0, -1.5], [6.0, 2.0, 4.5]])
gamma = np.array([2.0, 0.5, 1.5])
beta = np.array([1.0, -0.5, 0.5])
eps = 1e-05
running_mean = np.array([1.0, 0.5, -0.5])
running_variance = np.array([1.5, 2.0, 3.0])
momentum = 0.2
sample = np.array([4.0, -1.0, 2.0])
# --- end of given ---


# 1. Convolution

convolution = "cross-correlation"  # or "flipped kernel", if you flip it
feature_map = None  # 2 rows of 4 numbers


def convolve(image, kernel):
    return None


# 2. Output sizes

none_shape = None  # height and width: no padding
same_shape = None  # padding same
none_strided_shape = None  # no padding, with the stride
same_strided_shape = None  # padding same, with the stride


def output_size(size, kernel_size, stride, padding):
    return None


# 3. Pooling

max_of = "A"  # the matrix that you took
max_pooled = None  # 2 rows of 2 numbers
average_of = "B"  # the matrix that you took
average_pooled = None  # 2 rows of 2 numbers

# 4. Flatten and reshape

flatten_order = "row-major"  # or "column-major", or "channels last"
flattened = None  # 12 numbers
reshaped = None  # 4 rows of 3 numbers

# 5. Dropout


def dropout(x, rate, training, rng):
    return None


# 6. Batch normalisation

batch_mean = None  # 3 numbers
batch_variance = None  # 3 numbers
normalised = None  # 4 rows of 3 numbers: before scale and shift
batch_output = None  # 4 rows of 3 numbers
running_mean_new = None  # 3 numbers
running_variance_new = None  # 3 numbers
sample_output = None  # 3 numbers: in evaluation, with the new running statistics


def batch_norm(x, gamma, beta, running_mean, running_variance, training, momentum):
    return None


# 7. A network


class Net(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        raise NotImplementedError
