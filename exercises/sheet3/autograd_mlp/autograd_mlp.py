"""3.2 Automatic differentiation: write your network, your training, your plot and your answers here.

Hand in this file together with history.json. Training belongs into `main`, which is not run for grading.
"""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

# --- given ---
layer_sizes = [784, 512, 128, 10]
epochs = 30
batch_size = 64
learning_rate = 0.1
# --- end of given ---

HISTORY = Path(__file__).parent / "history.json"


# a) The network


class MLP(nn.Module):
    """Linear layers of `layer_sizes`, ReLU between them, LogSoftmax at the end."""

    def __init__(self):
        super().__init__()
        # Your layers.

    def forward(self, images):
        """Return the logarithms of the probabilities, (n, 10), for images (n, 1, 28, 28)."""
        raise NotImplementedError


# b) Training


def main():
    """Train once on each device, and write both runs to history.json.

    If you load data with torchvision, import it in here: where your file is graded there is none.
    """
    torch.manual_seed(0)
    runs = []
    # Your training. Append for each device:
    # {"model": "MLP", "optimizer": "SGD", "learning_rate": learning_rate, "device": "cpu",
    #  "epochs": [1, 2, ...], "seconds": [...], "test_accuracy": [...]}
    HISTORY.write_text(json.dumps({"runs": runs}))


# c) The plot

if HISTORY.exists():
    runs = json.loads(HISTORY.read_text())["runs"]
    figure, axes = plt.subplots()
    # Your plot: test accuracy over time, one curve for each device.


# d) In words

# What did you expect of the plot, and what do you see?
explanation = """
"""

# Compare the two devices: what differs between the curves, what does not, and why?
discussion = """
"""


if __name__ == "__main__":
    main()
