"""Writes the weights as a pickle, which is not read."""

import torch


def unpack():
    torch.save({"linear2.bias": torch.zeros(10)}, "cnn.pt")
