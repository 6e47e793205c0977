"""3.2 Automatic differentiation. Run as a program, this trains; loaded by the grader, it only shows the results."""

import gzip
import json
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
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
    def __init__(self):
        super().__init__()
        self.linear1 = nn.Linear(layer_sizes[0], layer_sizes[1])
        self.linear2 = nn.Linear(layer_sizes[1], layer_sizes[2])
        self.linear3 = nn.Linear(layer_sizes[2], layer_sizes[3])

    def forward(self, images):
        x = torch.relu(self.linear1(images.flatten(1)))
        x = torch.relu(self.linear2(x))
        return torch.log_softmax(self.linear3(x), dim=1)


# b) Training


def load_mnist(folder):
    """Return training images and labels, test images and labels; images (n, 1, 28, 28) from 0 to 1."""

    def read(name, head):
        with gzip.open(Path(folder) / name) as file:
            return np.frombuffer(file.read(), np.uint8, offset=head)

    found = []
    for part in ("train", "t10k"):
        pixels = read(f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)
        found.append(torch.tensor(pixels / 255, dtype=torch.float32))
        found.append(torch.tensor(read(f"{part}-labels-idx1-ubyte.gz", 8).astype(np.int64)))
    return found


def train(device, data):
    """Train one network on ``device`` and return its run for history.json."""
    train_images, train_labels, test_images, test_labels = (one.to(device) for one in data)
    torch.manual_seed(3)
    model = MLP().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    seconds, accuracies = [], []
    began = time.perf_counter()
    for _ in range(epochs):
        for places in torch.randperm(len(train_images)).split(batch_size):
            optimizer.zero_grad()
            nn.functional.nll_loss(model(train_images[places]), train_labels[places]).backward()
            optimizer.step()
        with torch.no_grad():
            right = (model(test_images).argmax(1) == test_labels).float().mean().item()
        accuracies.append(round(right, 4))
        seconds.append(round(time.perf_counter() - began, 3))
    return {
        "model": "MLP",
        "optimizer": "SGD",
        "learning_rate": learning_rate,
        "device": device,
        "epochs": list(range(1, epochs + 1)),
        "seconds": seconds,
        "test_accuracy": accuracies,
    }


def main():
    torch.set_num_threads(1)
    folder = Path("data") / "mnist"
    data = load_mnist(folder)
    source = (folder / "SOURCE.txt").read_text().splitlines()[0]
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    runs = [train(device, data) | {"note": source} for device in devices]
    HISTORY.write_text(json.dumps({"runs": runs}) + "\n")


# c) The plot

figure, axes = plt.subplots()
for run in json.loads(HISTORY.read_text())["runs"] if HISTORY.exists() else []:
    if run["model"] == "MLP":
        axes.plot(run["seconds"], run["test_accuracy"], label="CPU" if run["device"] == "cpu" else "GPU (cuda)")
axes.set_xlabel("time since the start of the training (s)")
axes.set_ylabel("test accuracy")
axes.legend()


# d) In words

explanation = """
We expected both curves to rise quickly and then to flatten, to the same height, with the one of the GPU squeezed
together towards the left. We see two curves that end at about 0.96 and wobble by some hundredths on the way.
"""

discussion = """
The device does not change what is computed: after the same number of epochs both trainings are about equally good,
and what differs between them comes from other random numbers and other rounding. What the device changes is how long
an epoch takes. The gain is small for such a small network: each batch has little arithmetic, and starting the kernels
and copying the batch to the GPU take a fixed time. The first epoch on the GPU is slower, since the device has to be
set up. Evaluation is part of our clock on both devices.
"""


if __name__ == "__main__":
    main()
