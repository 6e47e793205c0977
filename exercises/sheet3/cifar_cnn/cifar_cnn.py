"""3.3 MLP and CNN on CIFAR-10: fill in this file and run it as a program to train (`python cifar_cnn.py`).

When it is graded, everything is run but what stands under `if __name__ == "__main__":` at the end, so that nothing is
trained again: your classes and functions, sizes, plots and texts.
"""

import json
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

HERE = Path(__file__).parent
HISTORY = HERE / "history.json"  # one file for all of sheet 3


# a) The networks. Both take images of shape (n, 3, 32, 32) and give (n, 10).


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        # TODO: the layers

    def forward(self, images):
        pass  # TODO


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        # TODO: the layers of exercise 3.2, with other inputs

    def forward(self, images):
        pass  # TODO


# b) Sizes and costs, for one image. Sizes are in pixels, of one side of the map.

conv1_size = None
conv2_size = None
conv3_size = None
flatten_features = None

conv1_parameters = None
conv2_parameters = None
conv3_parameters = None
linear1_parameters = None
linear2_parameters = None
total_parameters = None

conv1_macs = None
conv2_macs = None
conv3_macs = None
linear1_macs = None
linear2_macs = None
total_macs = None


# c) The data


def load_cifar10(folder):
    """Return training images, training labels, test images and test labels of the files in `folder`."""
    # TODO: read data_batch_1 to data_batch_5 and test_batch with pickle.load(file, encoding="latin1")


# d) Training


def remember(model, data, optimizer, learning_rate, device, seconds, test_accuracy):
    """Put one training into history.json: seconds since its start and test accuracy, one of each for every epoch."""
    runs = json.loads(HISTORY.read_text())["runs"] if HISTORY.exists() else []
    runs.append(
        {
            "model": model,
            "data": data,
            "optimizer": optimizer,
            "learning_rate": learning_rate,
            "device": device,
            "epochs": list(range(1, len(test_accuracy) + 1)),
            "seconds": seconds,
            "test_accuracy": test_accuracy,
        }
    )
    HISTORY.write_text(json.dumps({"runs": runs}, indent=1))


def main():
    """Train the MLP and the CNN, each for 30 epochs, remember both, and save the weights of the CNN."""
    # TODO: train; time.perf_counter() is a clock
    # remember("MLP", "CIFAR-10", "SGD", 0.1, "cpu", seconds, test_accuracy)
    # remember("CNN", "CIFAR-10", ...)
    # save_file(cnn.state_dict(), HERE / "cnn.safetensors")


# e) The plots, from history.json: test accuracy over epochs, and over training time

# TODO


# f) In words

explanation = """
"""

discussion = """
"""


if __name__ == "__main__":
    main()
