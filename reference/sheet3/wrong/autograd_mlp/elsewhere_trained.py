"""The code that trains is not handed in."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
from torch import nn

layer_sizes = [784, 512, 128, 10]
epochs = 30
batch_size = 64
learning_rate = 0.1


class MLP(nn.Sequential):
    def __init__(self):
        a, b, c, d = layer_sizes
        layers = [nn.Linear(a, b), nn.ReLU(), nn.Linear(b, c), nn.ReLU(), nn.Linear(c, d), nn.LogSoftmax(dim=1)]
        super().__init__(nn.Flatten(), *layers)


for run in json.loads((Path(__file__).parent / "history.json").read_text())["runs"]:
    plt.plot(run["seconds"], run["test_accuracy"], label=run["device"])
plt.xlabel("seconds")
plt.ylabel("test accuracy")
plt.legend()

explanation = """We expected the same height on both devices, and see it: both curves end near 0.96."""
discussion = """Both devices compute the same, so the accuracy after each epoch is alike; only the time differs,
and not by much, because the network is small and starting kernels takes its time."""
