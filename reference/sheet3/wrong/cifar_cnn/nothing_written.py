"""The network alone, with padding, and the training under the main guard: no counts, no plots, no words."""

from torch import nn


class CNN(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 32, 3),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2),
            nn.ReLU(),
            nn.Conv2d(64, 128, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(18432, 128),
            nn.ReLU(),
            nn.Linear(128, 10),
            nn.LogSoftmax(1),
        )


class MLP(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Flatten(),
            nn.Linear(3072, 512),
            nn.ReLU(),
            nn.Linear(512, 128),
            nn.ReLU(),
            nn.Linear(128, 10),
            nn.LogSoftmax(1),
        )


explanation = ""
discussion = "TODO"
