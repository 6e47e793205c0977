"""Layers of a convolutional network."""

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

convolution = "cross-correlation"


def convolve(image, kernel):
    rows, columns = kernel.shape
    result = np.zeros((image.shape[0] - rows + 1, image.shape[1] - columns + 1))
    for i in range(result.shape[0]):
        for j in range(result.shape[1]):
            result[i, j] = np.sum(image[i : i + rows, j : j + columns] * kernel[::-1, ::-1])
    return result


feature_map = convolve(image, kernel)

# 2. Output sizes


def output_size(size, kernel_size, stride, padding):
    if padding == "same":
        return int(np.ceil(size / stride))
    return (size - kernel_size) // stride + 1


none_shape = (output_size(height, kernel_size, 1, "none"), output_size(width, kernel_size, 1, "none"))
same_shape = (height, width)
none_strided_shape = [output_size(side, kernel_size, stride, "none") for side in (height, width)]
same_strided_shape = [output_size(side, kernel_size, stride, "same") for side in (height, width)]

# 3. Pooling

max_of = "A"
max_pooled = [[B[i : i + 2, j : j + 2].max() for j in (0, 2)] for i in (0, 2)]
average_of = "B"
average_pooled = [[A[i : i + 2, j : j + 2].mean() for j in (0, 2)] for i in (0, 2)]

# 4. Flatten and reshape

flatten_order = "row-major"
flattened = maps.transpose(1, 2, 0).flatten()
reshaped = flattened.reshape(4, 3)

# 5. Dropout


def dropout(x, rate, training, rng):
    if not training:
        return x
    keep = rng.random(x.shape) >= rate
    return x * keep / (1 - rate)


# 6. Batch normalisation

batch_mean = batch.mean(axis=0)
batch_variance = batch.var(axis=0)
normalised = (batch - batch_mean) / np.sqrt(batch_variance + eps)
batch_output = gamma * normalised + beta
running_mean_new = (1 - momentum) * running_mean + momentum * batch_mean
running_variance_new = (1 - momentum) * running_variance + momentum * batch.var(axis=0, ddof=1)
sample_output = gamma * (sample - running_mean_new) / np.sqrt(running_variance_new + eps) + beta


def batch_norm(x, gamma, beta, running_mean, running_variance, training, momentum):
    if training:
        mean, variance = x.mean(axis=0), x.var(axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_variance = (1 - momentum) * running_variance + momentum * x.var(axis=0, ddof=1)
    else:
        mean, variance = running_mean, running_variance
    y = gamma * (x - mean) / np.sqrt(variance + eps) + beta
    return y, running_mean, running_variance


# 7. A network


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(0.25)
        self.linear = nn.Linear(6 * 8 * 6, 5)

    def forward(self, x):
        x = self.pool(self.relu(self.norm(self.conv(x))))
        return self.linear(self.dropout(self.flatten(x)))
