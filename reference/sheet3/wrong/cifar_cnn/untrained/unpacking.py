"""Writes the weights of a network that was not trained."""

import torch
from safetensors.torch import save_file
from torch import nn


def unpack():
    torch.manual_seed(5)
    layers = {
        "conv1": nn.Conv2d(3, 32, 3),
        "conv2": nn.Conv2d(32, 64, 3),
        "conv3": nn.Conv2d(64, 128, 3),
        "linear1": nn.Linear(18432, 128),
        "linear2": nn.Linear(128, 10),
    }
    save_file(nn.ModuleDict(layers).state_dict(), "cnn.safetensors")
