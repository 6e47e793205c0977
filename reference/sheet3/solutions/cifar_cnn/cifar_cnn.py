"""3.3 MLP and CNN on CIFAR-10. Run as a program, this trains both; loaded by the grader, it only shows the results."""

import json
import pickle
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from unpacking import unpack

HERE = Path(__file__).parent
HISTORY = HERE / "history.json"
EPOCHS = 30


# a) The networks


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, kernel_size=3)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3, stride=2)
        self.conv3 = nn.Conv2d(64, 128, kernel_size=3)
        self.linear1 = nn.Linear(18432, 128)
        self.linear2 = nn.Linear(128, 10)

    def forward(self, images):
        x = torch.relu(self.conv1(images))
        x = torch.relu(self.conv2(x))
        x = torch.relu(self.conv3(x))
        x = torch.relu(self.linear1(x.flatten(1)))
        return torch.log_softmax(self.linear2(x), dim=1)


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(3 * 32 * 32, 512),
            nn.ReLU(),
            nn.Linear(512, 128),
            nn.ReLU(),
            nn.Linear(128, 10),
            nn.LogSoftmax(dim=1),
        )

    def forward(self, images):
        return self.layers(images)


# b) Sizes and costs


def output_size(size, kernel=3, stride=1):
    return (size - kernel) // stride + 1


conv1_size = output_size(32)
conv2_size = output_size(conv1_size, stride=2)
conv3_size = output_size(conv2_size)
flatten_features = 128 * conv3_size**2

conv1_parameters = (3 * 3 * 3 + 1) * 32
conv2_parameters = (3 * 3 * 32 + 1) * 64
conv3_parameters = (3 * 3 * 64 + 1) * 128
linear1_parameters = (flatten_features + 1) * 128
linear2_parameters = (128 + 1) * 10
total_parameters = "2.4540 M parameters"

conv1_macs = conv1_size**2 * 32 * 3 * 3 * 3
conv2_macs = conv2_size**2 * 64 * 32 * 3 * 3
conv3_macs = conv3_size**2 * 128 * 64 * 3 * 3
linear1_macs = flatten_features * 128
linear2_macs = 128 * 10
total_macs = "17.37 MMAC"


# c) The data


def load_cifar10(folder):
    """Return training images and labels, test images and labels; images (n, 3, 32, 32) from 0 to 1."""

    def read(name):
        with (Path(folder) / name).open("rb") as file:
            batch = pickle.load(file, encoding="latin1")
        return np.asarray(batch["data"]).reshape(-1, 3, 32, 32), np.asarray(batch["labels"])

    parts = [read(f"data_batch_{number}") for number in range(1, 6)]
    train_images, train_labels = (np.concatenate(part) for part in zip(*parts))
    test_images, test_labels = read("test_batch")
    return (
        torch.tensor(train_images, dtype=torch.float32) / 255,
        torch.tensor(train_labels),
        torch.tensor(test_images, dtype=torch.float32) / 255,
        torch.tensor(test_labels),
    )


# d) Training


def accuracy(model, images, labels):
    model.eval()
    with torch.no_grad():
        right = sum(int((model(one).argmax(1) == two).sum()) for one, two in zip(images.split(500), labels.split(500)))
    return right / len(labels)


def train(model, optimizer, data, epochs, batch_size=64):
    """Train and return the seconds since the start and the test accuracy after each epoch."""
    train_images, train_labels, test_images, test_labels = data
    loss_function = nn.NLLLoss()
    seconds, accuracies = [], []
    began = time.perf_counter()
    for _ in range(epochs):
        model.train()
        for places in torch.randperm(len(train_images)).split(batch_size):
            optimizer.zero_grad()
            loss_function(model(train_images[places]), train_labels[places]).backward()
            optimizer.step()
        accuracies.append(round(accuracy(model, test_images, test_labels), 4))
        seconds.append(round(time.perf_counter() - began, 3))
    return seconds, accuracies


def main():
    device = "cuda" if torch.cuda.is_available() else "cpu"
    data = [one.to(device) for one in load_cifar10(HERE / "data" / "cifar10")]
    runs = []
    for model_class, optimizer_class, learning_rate in ((MLP, torch.optim.SGD, 0.1), (CNN, torch.optim.Adam, 0.001)):
        torch.manual_seed(1)
        model = model_class().to(device)
        optimizer = optimizer_class(model.parameters(), lr=learning_rate)
        seconds, accuracies = train(model, optimizer, data, EPOCHS)
        runs.append(
            {
                "model": model_class.__name__,
                "data": "CIFAR-10",
                "optimizer": optimizer_class.__name__,
                "learning_rate": learning_rate,
                "device": device,
                "epochs": list(range(1, EPOCHS + 1)),
                "seconds": seconds,
                "test_accuracy": accuracies,
            }
        )
    HISTORY.write_text(json.dumps({"runs": runs}, indent=1))
    save_file(model.state_dict(), HERE / "cnn.safetensors")


# e) The plots

runs = [run for run in json.loads(HISTORY.read_text())["runs"] if run.get("data") == "CIFAR-10"]
for horizontal, label in (("epochs", "epochs"), ("seconds", "training time (s)")):
    figure, axes = plt.subplots()
    for run in runs:
        axes.plot(run[horizontal], run["test_accuracy"], label=run["model"])
    axes.set_xlabel(label)
    axes.set_ylabel("test accuracy")
    axes.legend()


# f) In words

explanation = """
Over epochs we expected the CNN above the MLP from the beginning, since it sees which pixels are neighbours, and that is
what the first plot shows: 0.49 against 0.33 after one epoch, 1.00 against 0.53 at the end. Over time we expected the
MLP to lead at first, since there is less arithmetic in one of its epochs. The second plot shows that for the first 88
seconds; from then on the CNN leads.
"""

discussion = """
We used the stand-in for CIFAR-10. Its images are waves at random places, so the MLP has to learn a wave for each place
on its own, while a kernel finds it wherever it is: the CNN comes to 1.00 within four epochs, the MLP stays near 0.5. An
epoch of the CNN takes four to five times as long on our CPU: it has 17.4 million MACs for each image, the MLP 1.6
million, although their numbers of parameters differ by a factor of 1.5 only. Over time the MLP is therefore ahead until
the CNN has finished its second epoch. The MLP's curve is flat from epoch 3 on and wobbles by some hundredths: more
epochs do not help it, and with 1.6 million parameters for 1200 images it can only learn them by heart. The CNN was
trained with Adam and a learning rate of 0.001, the MLP with SGD and 0.1.
"""


if __name__ == "__main__":
    main()
else:
    unpack()  # students hand in cnn.safetensors itself; it is too large for a repository
