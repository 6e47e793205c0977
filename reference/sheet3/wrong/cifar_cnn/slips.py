"""Slips of arithmetic in sizes and counts; totals follow from them. Plots without labels, and both over epochs."""

import json
import pickle
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from unpacking import unpack

unpack()


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3, stride=2)
        self.conv3 = nn.Conv2d(64, 128, 3)
        self.linear1 = nn.LazyLinear(128)
        self.linear2 = nn.Linear(128, 10)

    def forward(self, images):
        x = torch.relu(self.conv3(torch.relu(self.conv2(torch.relu(self.conv1(images))))))
        return torch.log_softmax(self.linear2(torch.relu(self.linear1(x.flatten(1)))), dim=-1)


class MLP(nn.Module):
    """With logits at its end, for CrossEntropyLoss."""

    def __init__(self):
        super().__init__()
        self.linear1 = nn.Linear(3072, 512)
        self.linear2 = nn.Linear(512, 128)
        self.linear3 = nn.Linear(128, 10)

    def forward(self, images):
        x = images.view(len(images), -1)
        return self.linear3(torch.relu(self.linear2(torch.relu(self.linear1(x)))))


conv1_size = 29
conv2_size = 13
conv3_size = 10
flatten_features = 18342

conv1_parameters = 869
conv2_parameters = 18469
conv3_parameters = 73586
linear1_parameters = 2359242
linear2_parameters = 1209
total_parameters = 2453000

conv1_macs = "777 kMAC"
conv2_macs = 3612000
conv3_macs = 10616000
linear1_macs = 2359269
linear2_macs = 1208
total_macs = 17367000


def load_cifar10(folder):
    images, labels = [], []
    for number in range(1, 6):
        with (Path(folder) / f"data_batch_{number}").open("rb") as file:
            batch = pickle.load(file, encoding="bytes")
        images.append(batch[b"data"].reshape(-1, 3, 32, 32) / 255)
        labels += batch[b"labels"]
    with (Path(folder) / "test_batch").open("rb") as file:
        test = pickle.load(file, encoding="bytes")
    return np.concatenate(images), labels, test[b"data"].reshape(-1, 3, 32, 32) / 255, test[b"labels"]


for _ in range(2):
    plt.figure()
    for run in json.loads(Path("history.json").read_text())["runs"]:
        plt.plot(run["test_accuracy"])

explanation = "We thought that the CNN would be better than the MLP, and it is, in both of the plots."
discussion = """The CNN is better, because it looks at neighbouring pixels with the same weights everywhere. An epoch of it
takes longer, since it has more multiplications."""
