"""Tensors and a function, as in NumPy, and no module."""

import json
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

layer_sizes = [784, 512, 128, 10]
epochs = 30
batch_size = 64
learning_rate = 0.1


class MLP:
    def __init__(self):
        self.weights = [torch.randn(a, b, requires_grad=True) for a, b in pairwise(layer_sizes)]

    def __call__(self, images):
        x = images.flatten(1)
        for weight in self.weights[:-1]:
            x = torch.relu(x @ weight)
        return torch.log_softmax(x @ self.weights[-1], dim=1)


def train_epoch(model, loader, optimizer):
    for images, labels in loader:
        optimizer.zero_grad()
        nn.functional.nll_loss(model(images), labels).backward()
        optimizer.step()


for run in json.loads((Path(__file__).parent / "history.json").read_text())["runs"]:
    plt.plot(run["seconds"], run["test_accuracy"], label=run["device"])
plt.xlabel("seconds")
plt.ylabel("test accuracy")
plt.legend()

explanation = """We expected the same height on both devices, and see it: both curves end near 0.96."""
discussion = """Both devices compute the same, so the accuracy after each epoch is alike; only the time differs,
and not by much, because the network is small and starting kernels takes its time."""
