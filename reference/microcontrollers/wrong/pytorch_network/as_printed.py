"""The listing taken at its word: what does not run is handed in as it was found."""

import torch
import torch.nn.functional as F
from torch import nn, optim

conv1_shape = (32, 28, 28)
pool1_shape = (32, 14, 14)
flatten_features = 4732
explain_4732 = (32, 12, 12)
explain_4732_in_words = "32 channels after pooling."
statements = dict.fromkeys(
    [
        "network = Net()",
        "network(pictures)",
        "optim.Adam()",
        "convolution = nn.Conv2d(1, 32, 3, padding=((3 - 1) / 2, (3 - 1) / 2))",
        "convolution(pictures)",
        "criterion(scores, one_hot.float())",
        "criterion(scores, one_hot.long())",
        "criterion(scores, one_hot.argmax(1))",
    ],
    "works",
)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=(3, 3), padding=(1, 1))
        self.pool1 = nn.MaxPool2d((2, 2))
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(4732, 10)

    def forward(self, x):
        x = self.conv1(x)
        x = self.pool1(x)
        x = self.flatten(x)
        return self.fc1(x)


# They follow from 4732 features: the slip above is not charged again.
conv1_parameters = 320
fc1_parameters = 47330
net_parameters = 47650
conv1_macs = 225792
fc1_macs = 47320
net_macs = 273112

data_format = "NHWC"


def nhwc_to_nchw(images):
    return images.permute(0, 3, 1, 2)


def to_targets(one_hot):
    return one_hot.long()


def same_padding(kernel_size):
    return ((kernel_size - 1) / 2, (kernel_size - 1) / 2)


even_kernel = {
    "padding=4 // 2": 28,
    "padding=(4 - 1) // 2": 27,
    "padding='same'": 28,
    "padding='same', stride=2": 14,
}
softmax_place = "In the criterion."


def cross_entropy(scores, labels):
    return F.nll_loss(F.log_softmax(scores, dim=1), labels)


def make_optimizer(network):
    return optim.Adam()


def train_one_epoch(network, loader, criterion, optimizer):
    for _, (inputs, labels) in enumerate(loader):
        # zero the parameter gradients
        optimizer.zero_grad()

        # forward + backward + optimize
        outputs = network(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()


fit_equivalent = "The contents of the epoch loop."
total_step = 600
total_step_of_128 = 468.75
w_zeroed = torch.tensor(1.05)
w_accumulated = 1.05
effect_of_zero_grad = "The gradients add up."
