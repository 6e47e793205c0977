"""Automatic differentiation (sheet 3, exercise 3.2): an MLP as a torch module, trained on a CPU and on a GPU.

The sheet takes its network and its defaults from an exercise that is not part of the course. LAYER_SIZES and ACTIVATION
below are the network, and an instructor may change them; the length of the histories stands in the rubric. Curves are
judged from the files, with the device that they name: no GPU is needed to grade, and none was there to write the
solution. Its curve of the CPU was measured with the solution's own program on the embedded digits (1000 training and
400 test images, one thread, seed 3). The one called cuda is a synthetic example, and says so under `note`: accuracies
of the same training with seed 5 on the CPU, and a clock that was made up.
"""

from itertools import pairwise

import torch
from torch import nn

from grader import cases, function, given, misconception, trial

LAYER_SIZES = [784, 512, 128, 10]
ACTIVATION = nn.ReLU


@given
def layer_sizes():
    """Numbers of inputs, of neurons in each hidden layer, and of outputs."""
    return LAYER_SIZES


@given
def epochs():
    """Length of a training."""
    return 30


@given
def batch_size():
    """Images in a batch."""
    return 64


@given
def learning_rate():
    """Learning rate of SGD."""
    return 0.1


def stack(sizes=None, activation=None, output=None, **settings):
    """Return linear layers of these sizes behind a Flatten, an activation between them and ``output`` at the end.

    What is not said is as it is asked for; ``settings`` go to the linear layers.
    """
    layers = [nn.Flatten()]
    for inputs, outputs in pairwise(sizes or LAYER_SIZES):
        layers += [nn.Linear(inputs, outputs, **settings), (activation or ACTIVATION)()]
    return [*layers[:-1], *([nn.LogSoftmax(dim=1)] if output is None else output)]


@function
class MLP(nn.Sequential):
    """Linear layers with an activation in between; the logarithms of the classes' probabilities come out."""

    def __init__(self):
        super().__init__(*stack())


@cases("MLP")
def batches(rng):
    """Batches of images (n, 1, 28, 28), as a loader gives them."""
    side = round(LAYER_SIZES[0] ** 0.5)
    shape = (1, side, side) if side * side == LAYER_SIZES[0] else (LAYER_SIZES[0],)
    for count in (5, 3):
        yield (torch.tensor(rng.random((count, *shape)), dtype=torch.float32),)


@trial("MLP")
def gradients(MLP, images, labels):
    """Return whether a backward pass reaches every parameter."""
    import torch  # noqa: PLC0415 - a trial brings all that it needs

    model = MLP()
    parameters = list(model.parameters())
    torch.nn.functional.cross_entropy(model(images), labels).backward()
    return {
        "is a torch module": isinstance(model, torch.nn.Module),
        "has parameters": bool(parameters),
        "every parameter has a gradient": all(one.grad is not None for one in parameters),
    }


@trial("MLP")
def one_step(MLP, images, labels):
    """Return the loss before and after one small step of SGD. Cross-entropy takes scores and logarithms alike."""
    import torch  # noqa: PLC0415 - a trial brings all that it needs

    model = MLP().eval()
    model(images)  # a network that cannot be run says so, before it is missed that it has no parameters
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    losses = []
    for _ in range(2):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return losses


def labelled(rng):
    """Return 16 images and their labels."""
    side = round(LAYER_SIZES[0] ** 0.5)
    shape = (1, side, side) if side * side == LAYER_SIZES[0] else (LAYER_SIZES[0],)
    images = torch.tensor(rng.random((16, *shape)), dtype=torch.float32)
    return images, torch.tensor(rng.integers(0, LAYER_SIZES[-1], 16))


@cases("gradients")
def for_gradients(rng):
    """One batch."""
    yield labelled(rng)


@cases("one_step")
def for_one_step(rng):
    """One batch."""
    yield labelled(rng)


@misconception(
    "MLP",
    "There is no activation between the layers: several linear layers in a row are no more than a single one.",
)
def without_activation():
    return nn.Sequential(*stack(activation=nn.Identity))


@misconception("MLP", "The hidden layers have a sigmoid; the task asks for another activation.")
def sigmoid_inside():
    return nn.Sequential(*stack(activation=nn.Sigmoid))


@misconception("MLP", "There is an activation after the last layer as well. It cuts off the negative scores.")
def relu_at_the_end():
    return nn.Sequential(*stack(output=(nn.ReLU(), nn.LogSoftmax(dim=1))))


@misconception("MLP", "The output is the raw scores: the last layer is not followed by LogSoftmax.")
def softmax_missing():
    return nn.Sequential(*stack(output=()))


@misconception("MLP", "The output is probabilities, by Softmax. NLLLoss needs their logarithms.")
def logarithm_missing():
    return nn.Sequential(*stack(output=(nn.Softmax(dim=1),)))


@misconception("MLP", "The softmax is applied twice; LogSoftmax alone does it.")
def double_softmax():
    return nn.Sequential(*stack(output=(nn.Softmax(dim=1), nn.LogSoftmax(dim=1))))


@misconception("MLP", "LogSoftmax runs over the images of the batch. It must run over the classes of each image.")
def softmax_over_batch():
    return nn.Sequential(*stack(output=(nn.LogSoftmax(dim=0),)))


@misconception("MLP", "A hidden layer is missing: the first one leads to the output directly.")
def one_hidden_layer():
    return nn.Sequential(*stack([*LAYER_SIZES[:2], LAYER_SIZES[-1]]))


@misconception("MLP", "The layers have no bias.")
def without_bias():
    return nn.Sequential(*stack(bias=False))


@misconception(
    "MLP",
    "The images are not flattened: a linear layer takes one row of numbers for each image.",
    also_loses=("gradients", "one_step"),
)
def not_flattened():
    return nn.Sequential(*stack()[1:])


@misconception(
    "MLP",
    "The layers stand in a plain list, where the module does not find their parameters: use ModuleList or Sequential.",
    also_loses=("gradients", "one_step"),
)
class LayersInList(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = stack()

    def forward(self, images):
        for layer in self.layers:
            images = layer(images)
        return images


@misconception(
    "MLP",
    "The graph is cut within the network, by `detach` or `no_grad`: layers before that get no gradient.",
    shows_in="gradients",
)
class CutGraph(nn.Sequential):
    def __init__(self):
        super().__init__(*stack())

    def forward(self, images):
        for index, layer in enumerate(self):
            images = layer(images.detach() if index == len(self) - 2 else images)
        return images
