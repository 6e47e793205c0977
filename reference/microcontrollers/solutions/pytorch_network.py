"""The other way to repair the listing: back to 28 filters without padding, for which the printed 4732 is right."""

import torch
from torch import nn

conv1_shape = [28, 26, 26]
pool1_shape = [28, 13, 13]
flatten_features = 4732
explain_4732 = (28, 13, 13)
explain_4732_in_words = "It belongs to 28 filters of 3 x 3 without padding: 26 x 26, pooled to 13 x 13, times 28."
statements = {
    "network = Net()": "works",
    "network(pictures)": "raises",
    "optim.Adam()": "raises",
    "convolution = nn.Conv2d(1, 32, 3, padding=((3 - 1) / 2, (3 - 1) / 2))": "works",
    "convolution(pictures)": "raises",
    "criterion(scores, one_hot.float())": "works",
    "criterion(scores, one_hot.long())": "raises",
    "criterion(scores, one_hot.argmax(1))": "works",
}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 28, kernel_size=(3, 3))
        self.pool1 = nn.MaxPool2d((2, 2))
        self.fc1 = nn.Linear(4732, 10)

    def forward(self, x):
        x = self.pool1(torch.relu(self.conv1(x)))
        return self.fc1(x.view(len(x), -1))


conv1_parameters = "280 parameters"
fc1_parameters = 4732 * 10 + 10
net_parameters = "47,610 parameters"
conv1_macs = "170.352 kMAC"
fc1_macs = "47.32 kMAC"
net_macs = "217,672 MACs"

data_format = "channels first (NCHW)"


def nhwc_to_nchw(images):
    return torch.moveaxis(images, -1, 1).contiguous()


def to_targets(one_hot):
    return one_hot.float()


def same_padding(kernel_size):
    return "same"


even_kernel = {
    "padding=4 // 2": 29,
    "padding=(4 - 1) // 2": 27,
    "padding='same'": 28,
    "padding='same', stride=2": "ValueError",
}
softmax_place = "Nowhere: the class returns logits. Only the loss contains one."


def cross_entropy(scores, labels):
    probabilities = torch.softmax(scores, dim=1)
    return -torch.log(probabilities[torch.arange(len(labels)), labels]).mean()


def make_optimizer(network):
    return torch.optim.Adam(list(network.parameters()), lr=1e-3)


def train_one_epoch(network, loader, criterion, optimizer):
    network.train()
    running_loss, examples = 0.0, 0
    for _, (inputs, labels) in enumerate(loader):
        loss = criterion(network(inputs), labels)
        loss.backward()
        optimizer.step()
        network.zero_grad()  # behind the step it does as well
        running_loss += loss.item() * len(inputs)
        examples += len(inputs)
    return running_loss / examples


fit_equivalent = "All of the loop over epochs and batches: zero_grad, outputs, loss, backward, step."
total_step = 600
total_step_of_128 = 60_000 // 128 + 1
w_zeroed = 1.05
w_accumulated = 0.85
effect_of_zero_grad = "Gradients add up, so that each step repeats all earlier ones."
