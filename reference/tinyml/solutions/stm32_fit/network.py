"""A small network for CIFAR-10 that fits the STM32H735G-DK. Run as a program, this trains it, in a minute or two."""

import pickle
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

HERE = Path(__file__).parent
EPOCHS = 12
precision = "int8"


class Net(nn.Module):
    """Three convolutions, each map half as large as the one before, and the mean of each channel at the end."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 32, 3)
        self.linear = nn.Linear(32, 10)
        self.pool = nn.MaxPool2d(2)

    def forward(self, images):
        x = self.pool(torch.relu(self.conv1(images)))
        x = self.pool(torch.relu(self.conv2(x)))
        x = torch.relu(self.conv3(x))
        return self.linear(x.mean(dim=(2, 3)))


def prepare(images):
    return torch.tensor(images, dtype=torch.float32) / 255


net_parameters = sum(one.numel() for one in Net().parameters())
net_macs = 9 * (3 * 16 * 32**2 + 16 * 32 * 16**2 + 32 * 32 * 6**2) + 32 * 10
net_ram_bytes = 16 * 32**2 + 16 * 16**2  # while the first pooling runs, 1 byte an element


def read(name):
    with (HERE / "data" / "cifar10" / name).open("rb") as file:
        batch = pickle.load(file, encoding="latin1")
    return np.reshape(batch["data"], (-1, 3, 32, 32)), np.array(batch["labels"])


def main():
    torch.manual_seed(0)
    parts = [read(f"data_batch_{number}") for number in range(1, 6)]
    images = prepare(np.concatenate([one for one, _ in parts]))
    labels = torch.tensor(np.concatenate([one for _, one in parts]))
    test_images, test_labels = read("test_batch")
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.005)
    for epoch in range(EPOCHS):
        for group in optimizer.param_groups:  # smaller steps towards the end
            group["lr"] = 0.005 * (1 - epoch / EPOCHS)
        for places in torch.randperm(len(images)).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(images[places]), labels[places]).backward()
            optimizer.step()
    with torch.no_grad():
        right = (net(prepare(test_images)).argmax(1).numpy() == test_labels).mean()
    print(f"{right:.3f} of the test images are right")
    save_file(net.state_dict(), HERE / "net.safetensors")


if __name__ == "__main__":
    main()
