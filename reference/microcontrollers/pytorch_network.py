"""A convolutional network in PyTorch: its shapes and costs, its repair and its training (microcontrollers, PyTorch).

The printed class has ``Linear(4732, 10)`` after 32 maps of 14 by 14 and cannot be run: it is a mistake here, and never
what anything is compared with. 4732 = 28 · 13 · 13 belongs to 28 filters without padding, which is accepted throughout.
Shapes are (channels, height, width) of one picture. A MAC is one product with its addition; biases are parameters.
"""

from __future__ import annotations

from math import log, prod

import torch
import torch.nn.functional as F
from torch import nn

from grader import cases, function, given, misconception, quantity, trial

# Whether a statement works or raises an exception; found by running it with torch 2.13.
_STATEMENTS = {
    "network = Net()": "works",
    "network(pictures)": "raises",
    "optim.Adam()": "raises",
    "convolution = nn.Conv2d(1, 32, 3, padding=((3 - 1) / 2, (3 - 1) / 2))": "works",
    "convolution(pictures)": "raises",
    "criterion(scores, one_hot.float())": "works",
    "criterion(scores, one_hot.long())": "raises",
    "criterion(scores, one_hot.argmax(1))": "works",
}
# Width of a picture 28 wide after a convolution with a kernel of size 4.
_EVEN_KERNEL = {
    "padding=4 // 2": 29,
    "padding=(4 - 1) // 2": 27,
    "padding='same'": 28,
    "padding='same', stride=2": "raises",
}

# Shapes


@quantity
def layout():
    """Where the channels stand."""
    return "channels first"


@misconception("layout", "The order is that of Keras. PyTorch puts the channels before height and width.")
def channels_last():
    return "channels last"


def _shape(channels, height, width, layout):
    return (channels, height, width) if layout == "channels first" else (height, width, channels)


def _sizes(shape, layout):
    """Return channels, height and width."""
    return tuple(shape) if layout == "channels first" else (shape[2], shape[0], shape[1])


@quantity
def conv1_shape(layout):
    """Shape after the convolution: padding 1 keeps 28 by 28."""
    return _shape(32, 28, 28, layout)


@quantity
def conv1_shape_of_28(layout):
    """The same with 28 filters and no padding."""
    return _shape(28, 26, 26, layout)


@misconception("conv1_shape", "That would be without padding. The listing pads by one pixel on each side.")
def padding_overlooked(layout):
    return _shape(32, 26, 26, layout)


@misconception("conv1_shape", "A convolution gives as many channels as it has filters, not as many as came in.")
def channels_kept(layout):
    return _shape(1, 28, 28, layout)


@misconception("conv1_shape", "The padding was added to the size. It makes up for what the kernel takes away.")
def padding_added(layout):
    return _shape(32, 30, 30, layout)


def _pooled(shape, layout, reduce):
    channels, height, width = _sizes(shape, layout)
    return _shape(channels, reduce(height), reduce(width), layout)


@quantity
def pool1_shape(conv1_shape, layout):
    """Shape after pooling: 2 by 2 windows side by side halve height and width."""
    return _pooled(conv1_shape, layout, lambda side: side // 2)


@quantity
def pool1_shape_of_28(conv1_shape_of_28, layout):
    """The same with 28 filters and no padding."""
    return _pooled(conv1_shape_of_28, layout, lambda side: side // 2)


@misconception("pool1_shape", "Windows lie side by side: left out, the stride is the size of the window.")
def windows_overlap(conv1_shape, layout):
    return _pooled(conv1_shape, layout, lambda side: side - 1)


@misconception("pool1_shape", "Pooling runs over height and width, in each channel by itself: channels stay.")
def channels_pooled(conv1_shape, layout):
    channels, height, width = _sizes(conv1_shape, layout)
    return _shape(channels // 2, height // 2, width // 2, layout)


@quantity
def flatten_features(pool1_shape):
    """Number of features that reach the last layer."""
    return prod(pool1_shape)


@misconception("flatten_features", "That is what the listing says, and with it the network cannot be run.")
def features_as_printed():
    return 4732


@misconception("flatten_features", "That would be without padding. The listing pads by one pixel on each side.")
def features_without_padding():
    return 32 * 13 * 13


@misconception("flatten_features", "That is the size before pooling.")
def features_before_pooling(conv1_shape):
    return prod(conv1_shape)


@misconception("flatten_features", "That is one channel. Flatten puts all channels one behind the other.")
def features_of_one_channel(pool1_shape, layout):
    return prod(_sizes(pool1_shape, layout)[1:])


@misconception("flatten_features", "28 is the side of a picture. The number of channels is that of the filters.")
def side_as_channels(pool1_shape, layout):
    return 28 * prod(_sizes(pool1_shape, layout)[1:])


# The printed numbers


@quantity
def explain_4732():
    """Channels, height and width that make 4732 features: 28 filters of 3 by 3, no padding, pooling by 2."""
    return (28, 13, 13)


@quantity
def explain_4732_channels_last():
    """The same three factors, the channels last."""
    return (13, 13, 28)


@misconception("explain_4732", "The product is right, but pooling is left out: the listing pools before it flattens.")
def explained_without_pooling():
    return (7, 26, 26)


@misconception("explain_4732", "Multiply the three factors: they do not give 4732.")
def explained_by_32_channels():
    return (32, 13, 13)


@quantity
def statements():
    """Which statements work, and which raise an exception."""
    return _STATEMENTS


@misconception(
    "statements", "A wrong number of features is seen only when a picture arrives, not when a layer is made."
)
def fails_when_made():
    return {**_STATEMENTS, "network = Net()": "raises", "network(pictures)": "works"}


@misconception("statements", "`CrossEntropyLoss` takes class numbers as integers, but one-hot rows as floats.")
def one_hot_integers():
    return {**_STATEMENTS, "criterion(scores, one_hot.long())": "works"}


@misconception("statements", "An optimizer must be told which parameters it has to change.")
def optimizer_finds_parameters():
    return {**_STATEMENTS, "optim.Adam()": "works"}


@misconception("statements", "`/` gives a float, and no tensor has half a pixel: try the layer on a picture.")
def padding_in_floats():
    return {**_STATEMENTS, "convolution(pictures)": "works"}


# Costs


@quantity
def biases():
    """Biases of one filter or one neuron."""
    return 1


@misconception("biases", "The biases are missing: each filter and each neuron has one.")
def biases_left_out():
    return 0


@quantity
def count_of_mac():
    """What a product with its addition counts."""
    return 1


@misconception("count_of_mac", "Those are floating-point operations: a product with its addition is one MAC.")
def flops():
    return 2


@quantity
def count_of_bias():
    """What adding a bias counts."""
    return 0


@misconception("count_of_bias", "Adding a bias is an addition without a product: it is no MAC.")
def bias_adds_counted():
    return 1


@quantity
def conv1_parameters(conv1_shape, layout, biases):
    """Parameters of the convolution: nine weights for each filter, as there is one channel."""
    return _sizes(conv1_shape, layout)[0] * (9 + biases)


@quantity
def fc1_parameters(flatten_features, biases):
    """Parameters of the last layer."""
    return 10 * (flatten_features + biases)


@quantity
def net_parameters(conv1_parameters, fc1_parameters):
    """Parameters of the network."""
    return conv1_parameters + fc1_parameters


@quantity
def conv1_macs(conv1_shape, count_of_mac, count_of_bias):
    """MACs of the convolution: nine for each number that it gives."""
    return prod(conv1_shape) * (9 * count_of_mac + count_of_bias)


@misconception("conv1_macs", "A filter is applied at every place of the picture, not once.")
def one_place_only(conv1_shape, layout):
    return _sizes(conv1_shape, layout)[0] * 9


@misconception("conv1_macs", "The convolution runs before the pooling, at every place of the larger map.")
def places_after_pooling(pool1_shape):
    return prod(pool1_shape) * 9


@quantity
def fc1_macs(flatten_features, count_of_mac, count_of_bias):
    """MACs of the last layer."""
    return 10 * (flatten_features * count_of_mac + count_of_bias)


@quantity
def net_macs(conv1_macs, fc1_macs):
    """MACs of the network."""
    return conv1_macs + fc1_macs


# The network


def _network(filters, padding, features, *more):
    convolution = nn.Conv2d(1, filters, 3, padding=padding)
    return nn.Sequential(convolution, *more[:1], nn.MaxPool2d(2), nn.Flatten(), nn.Linear(features, 10), *more[1:])


@function
class Net(nn.Module):
    """The printed network with the number of features that it has."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=(3, 3), padding=(1, 1))
        self.pool1 = nn.MaxPool2d((2, 2))
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(32 * 14 * 14, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return one score for each class: (n, 1, 28, 28) to (n, 10)."""
        return self.fc1(self.flatten(self.pool1(self.conv1(x))))


@function
def net_of_28_filters():
    """The other repair: 28 filters and no padding, for which 4732 is right."""
    return _network(28, 0, 4732)


@function
def net_with_relu():
    """With an activation after the convolution, which the listing leaves out."""
    return _network(32, 1, 6272, nn.ReLU())


@function
def net_of_28_filters_with_relu():
    """Both."""
    return _network(28, 0, 4732, nn.ReLU())


@cases("Net")
def pictures(rng):
    yield (rng.random((3, 1, 28, 28)).astype("float32"),)


@misconception(
    "Net",
    "The last layer takes another number of features than Flatten gives. Multiply channels, height and width after "
    "pooling.",
    also_loses=("Net_function",),
)
def as_printed():
    return _network(32, 1, 4732)


@misconception("Net", "A softmax does not belong here: `CrossEntropyLoss` applies its own.", shows_in="Net_function")
def with_softmax():
    return _network(32, 1, 6272, nn.Identity(), nn.Softmax(dim=1))


@misconception(
    "Net",
    "`CrossEntropyLoss` takes the logarithm of a softmax by itself. A second one does no harm, but is not needed.",
    shows_in="Net_function",
)
def with_log_softmax():
    return _network(32, 1, 6272, nn.Identity(), nn.LogSoftmax(dim=1))


@misconception("Net", "It runs, but it is another network: the padding is gone.", shows_in="Net_function")
def without_padding():
    return _network(32, 0, 5408)


@misconception("Net", "It runs, but it is another network: it has fewer filters.", shows_in="Net_function")
def fewer_filters():
    return _network(28, 1, 5488)


# Data


@quantity
def data_format():
    """Order of the axes of a batch of pictures in PyTorch."""
    return "NCHW"


@misconception("data_format", "That is the order of Keras. PyTorch puts the channels before height and width.")
def format_of_keras():
    return "NHWC"


@function
def nhwc_to_nchw(images):
    """Return ``images`` with the channels behind the number of the picture, shape (n, c, h, w)."""
    return images.permute(0, 3, 1, 2)


@cases("nhwc_to_nchw")
def coloured(rng):
    for height, width in ((5, 7), (6, 4)):
        yield (torch.tensor(rng.integers(0, 256, (2, height, width, 3)), dtype=torch.uint8),)


@misconception(
    "nhwc_to_nchw", "`reshape` and `view` only deal the numbers out anew, and mix the pixels. Move the axes instead."
)
def dealt_out_anew(images):
    count, height, width, channels = images.shape
    return images.reshape(count, channels, height, width)


@misconception("nhwc_to_nchw", "Height and width have changed places: the pictures lie on their side.")
def lying_on_the_side(images):
    return images.permute(0, 3, 2, 1)


@misconception("nhwc_to_nchw", "That is the way back, from channels first to channels last.")
def way_back(images):
    return images.permute(0, 2, 3, 1)


@function
def to_targets(one_hot):
    """Return class numbers, for which ``CrossEntropyLoss`` is usually called."""
    return one_hot.argmax(dim=1)


@trial("to_targets")
def in_the_loss(to_targets, scores, one_hot):
    """Return the loss. Raises what it raises for targets that it does not take."""
    import torch  # noqa: PLC0415 - a trial brings all that it needs

    return torch.nn.CrossEntropyLoss()(scores, to_targets(one_hot)).item()


@cases("in_the_loss")
def labels_in_rows(rng):
    scores = torch.tensor(rng.normal(size=(6, 4)), dtype=torch.float32)
    yield scores, F.one_hot(torch.tensor(rng.permutation([0, 1, 2, 3, 1, 2])), 4)


@misconception("to_targets", "One-hot rows of integers are refused: give class numbers, or rows of floats.")
def rows_of_integers(one_hot):
    return one_hot.long()


@misconception("to_targets", "The classes run along the second axis; this looks along the pictures.")
def largest_picture(one_hot):
    return one_hot.argmax(dim=0)


@misconception("to_targets", "Class numbers have to be integers: as floats they are taken for something else.")
def numbers_as_floats(one_hot):
    return one_hot.argmax(dim=1).float()


# Padding


@function
def same_padding(kernel_size):
    """Return the padding of a square kernel of odd size that keeps a picture's size."""
    return (kernel_size - 1) // 2


@trial("same_padding")
def of_a_convolution(same_padding, kernel_size):
    """Return height and width of a picture of 16 by 21 after a convolution that is padded so."""
    import torch  # noqa: PLC0415 - a trial brings all that it needs

    padding, picture = same_padding(kernel_size), torch.zeros(1, 1, 16, 21)
    sides = list(padding) if isinstance(padding, tuple | list) else [padding]
    if any(isinstance(side, float) for side in sides):
        raise TypeError(f"a convolution takes whole numbers as padding, not {padding!r}")  # torch says it at length
    if len(sides) == 4:
        picture, padding = torch.nn.functional.pad(picture, sides), 0
    result = torch.nn.Conv2d(1, 1, kernel_size, padding=padding)(picture)
    return {f"kernel of {kernel_size}": list(result.shape[2:])}


@cases("of_a_convolution")
def odd_kernels(rng):
    for kernel_size in rng.permutation([1, 3, 5, 7, 9, 11]):
        yield (int(kernel_size),)


@misconception("same_padding", "`/` gives a float, which a convolution refuses as padding: divide with `//`.")
def padding_as_float(kernel_size):
    return ((kernel_size - 1) / 2, (kernel_size - 1) / 2)


@misconception("same_padding", "That pads by the whole kernel. A kernel reaches over the edge by less than its half.")
def padding_of_whole_kernel(kernel_size):
    return kernel_size


@misconception("same_padding", "One pixel is right for a kernel of 3 only. The padding grows with the kernel.")
def padding_of_one(kernel_size):
    return 1


@misconception("same_padding", "That is one pixel too many: try it with a kernel of size 1.")
def padding_rounded_up(kernel_size):
    return (kernel_size + 1) // 2


@misconception("same_padding", "Padding is added on both sides: what you add on each is the sum of both.")
def both_sides_on_each(kernel_size):
    return kernel_size - 1


@quantity
def even_kernel():
    """Width of a picture 28 wide after a convolution with a kernel of size 4."""
    return _EVEN_KERNEL


@misconception("even_kernel", "Half of an even kernel on both sides adds one pixel more than the kernel takes away.")
def even_kernel_rounded_up():
    return {**_EVEN_KERNEL, "padding=4 // 2": 28}


@misconception("even_kernel", "Rounded down, the padding adds one pixel less than an even kernel takes away.")
def even_kernel_rounded_down():
    return {**_EVEN_KERNEL, "padding=(4 - 1) // 2": 28}


@misconception("even_kernel", "In PyTorch, unlike in Keras, the word `'same'` goes with a stride of 1 only.")
def same_with_stride():
    return {**_EVEN_KERNEL, "padding='same', stride=2": 14}


# Loss


@function
def cross_entropy(scores, labels):
    """Return the mean over the pictures of minus the logarithm of the probability of the right class."""
    return F.nll_loss(F.log_softmax(scores, dim=1), labels)


@cases("cross_entropy")
def scored(rng):
    for count, classes in ((5, 4), (3, 7)):
        scores = torch.tensor(2 * rng.normal(size=(count, classes)), dtype=torch.float32)
        yield scores, torch.tensor(rng.integers(0, classes, count))


@misconception("cross_entropy", "The softmax is applied twice: `CrossEntropyLoss` has its own.")
def double_softmax(scores, labels):
    return F.nll_loss(F.log_softmax(F.softmax(scores, dim=1), dim=1), labels)


@misconception("cross_entropy", "`NLLLoss` wants logarithms of probabilities; these are raw scores.")
def nll_of_scores(scores, labels):
    return F.nll_loss(scores, labels)


@misconception("cross_entropy", "`NLLLoss` wants logarithms of probabilities; the logarithm is missing.")
def nll_of_probabilities(scores, labels):
    return F.nll_loss(F.softmax(scores, dim=1), labels)


@misconception("cross_entropy", "The softmax runs over the pictures. It must run over the classes of each.")
def softmax_over_pictures(scores, labels):
    return F.nll_loss(F.log_softmax(scores, dim=0), labels)


@misconception("cross_entropy", "The minus is missing: a logarithm of a probability is negative, a loss is not.")
def minus_missing(scores, labels):
    return -F.nll_loss(F.log_softmax(scores, dim=1), labels)


@misconception("cross_entropy", "The logarithm is the natural one, not that to base 2.")
def logarithm_to_base_2(scores, labels):
    return F.nll_loss(F.log_softmax(scores, dim=1), labels) / log(2)


@misconception("cross_entropy", "The logarithm is the natural one, not that to base 10.")
def logarithm_to_base_10(scores, labels):
    return F.nll_loss(F.log_softmax(scores, dim=1), labels) / log(10)


@misconception("cross_entropy", "That is the sum over the pictures. The loss is their mean.")
def summed_up(scores, labels):
    return F.nll_loss(F.log_softmax(scores, dim=1), labels, reduction="sum")


@misconception("cross_entropy", "That is a squared error. Cross-entropy takes the logarithm of one probability.")
def squared_error(scores, labels):
    return F.mse_loss(F.softmax(scores, dim=1), F.one_hot(labels, scores.shape[1]).float())


# Training


@function
def make_optimizer(network):
    """Return Adam for all parameters of ``network``."""
    return torch.optim.Adam(network.parameters())


@trial("make_optimizer")
def on_a_network(make_optimizer):
    """Return which kind the optimizer is of, and for each parameter whether it holds it."""
    import torch  # noqa: PLC0415 - a trial brings all that it needs

    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(8, 3))
    optimizer = make_optimizer(network)
    held = {id(one) for group in optimizer.param_groups for one in group["params"]}
    kind = "Adam" if isinstance(optimizer, torch.optim.Adam | torch.optim.AdamW) else type(optimizer).__name__
    return {"kind": kind, "holds": [id(one) in held for one in network.parameters()]}


@misconception("make_optimizer", "An optimizer must be told which parameters it has to change.")
def without_parameters(network):
    return torch.optim.Adam()


@misconception("make_optimizer", "It holds the parameters of the last layer only; the others would never be trained.")
def last_layer_only(network):
    return torch.optim.Adam(list(network.children())[-1].parameters())


@misconception("make_optimizer", "It holds the parameters of another network than the one that is trained.")
def another_network(network):
    return torch.optim.Adam(nn.Linear(8, 3).parameters())


@misconception("make_optimizer", "It holds the weights, but not the biases.")
def weights_only(network):
    return torch.optim.Adam([one for name, one in network.named_parameters() if name.endswith("weight")])


@misconception("make_optimizer", "It holds all parameters, but the task asks for Adam.")
def plain_sgd(network):
    return torch.optim.SGD(network.parameters(), lr=0.01)


@function
def train_one_epoch(network, loader, criterion, optimizer):
    """Train ``network`` on every batch once, and return the mean of the batches' losses."""
    total = 0.0
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = criterion(network(inputs), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


@trial("train_one_epoch")
def training(train_one_epoch, data, parameters, settings, wanted):
    """Train one layer of 5 inputs and 3 classes; return its ``weights``, what was ``returned``, or all ``losses``."""
    import torch  # noqa: PLC0415 - a trial brings all that it needs

    network = torch.nn.Linear(5, 3)
    network.load_state_dict({"weight": parameters[0], "bias": parameters[1]})
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*data), batch_size=settings["batch_size"])
    criterion = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(network.parameters(), lr=settings["learning_rate"])
    returned, losses = None, []
    for _ in range(settings["epochs"]):
        losses.append(criterion(network(data[0]), data[1]).item())
        returned = train_one_epoch(network, loader, criterion, optimizer)
    losses.append(criterion(network(data[0]), data[1]).item())
    return {"weights": [network.weight, network.bias], "returned": returned, "losses": losses}[wanted]


def _trained(rng, batches, learning_rate, wanted, epochs=1):
    """Return the inputs of a trial: 8 examples in each batch, of three classes that a line can tell apart."""
    labels = rng.integers(0, 3, 8 * batches)
    inputs = rng.normal(size=(8 * batches, 5)) + 2 * (labels[:, None] == [0, 1, 2, 0, 1])
    drawn = [torch.tensor(one, dtype=torch.float32) for one in (inputs, rng.normal(size=(3, 5)), rng.normal(size=3))]
    settings = {"batch_size": 8, "learning_rate": learning_rate, "epochs": epochs}
    return [drawn[0], torch.tensor(labels)], drawn[1:], settings, wanted


@cases("training")
def one_batch(rng):
    """A single batch shows forward pass, loss, backward pass and step."""
    yield _trained(rng, 1, 0.5, "weights")


@cases("training")
def several_batches(rng):
    """Gradients that are kept from one batch to the next show only with several."""
    yield _trained(rng, 4, 0.5, "weights")


@cases("training")
def at_rest(rng):
    """With a learning rate of 0 the mean of the losses does not depend on the steps."""
    yield _trained(rng, 4, 0.0, "returned")


@cases("training")
def several_epochs(rng):
    """So few small steps that the loss falls even where gradients add up."""
    yield _trained(rng, 4, 0.01, "losses", epochs=3)


@misconception(
    "train_one_epoch",
    "Gradients of earlier batches are still there and add up. Set them to zero before each backward pass.",
    shows_in="zeroed_gradients",
)
def no_zero_grad(network, loader, criterion, optimizer):
    losses = []
    for inputs, labels in loader:
        loss = criterion(network(inputs), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


@misconception(
    "train_one_epoch",
    "The step goes uphill: the loss grows. Call `backward` on the loss itself, not on its opposite.",
    also_loses=("zeroed_gradients", "falling_loss"),
)
def uphill(network, loader, criterion, optimizer):
    losses = []
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = criterion(network(inputs), labels)
        (-loss).backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


@misconception(
    "train_one_epoch",
    "The parameters did not change at all: there is no backward pass, or no step of the optimizer after it.",
    also_loses=("zeroed_gradients", "falling_loss"),
)
def no_step(network, loader, criterion, optimizer):
    losses = []
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = criterion(network(inputs), labels)
        loss.backward()
        losses.append(loss.item())
    return sum(losses) / len(losses)


@misconception(
    "train_one_epoch",
    "The softmax is applied twice: `criterion` has its own and takes the raw scores of the network.",
    also_loses=("zeroed_gradients", "mean_loss"),
)
def softmax_before_loss(network, loader, criterion, optimizer):
    losses = []
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = criterion(torch.softmax(network(inputs), dim=1), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


@misconception(
    "train_one_epoch",
    "Only the first batch is used: `return` stands inside the loop, so that it ends there.",
    shows_in="zeroed_gradients",
    also_loses=("mean_loss",),
)
def first_batch_only(network, loader, criterion, optimizer):
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = criterion(network(inputs), labels)
        loss.backward()
        optimizer.step()
        return loss.item()
    return None


@misconception(
    "train_one_epoch",
    "There is a step after the last batch only. Each batch is to change the parameters.",
    shows_in="zeroed_gradients",
)
def one_step_per_epoch(network, loader, criterion, optimizer):
    losses = []
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = criterion(network(inputs), labels)
        loss.backward()
        losses.append(loss.item())
    optimizer.step()
    return sum(losses) / len(losses)


@misconception("train_one_epoch", "That is the loss of the last batch, not the mean of all.", shows_in="mean_loss")
def last_loss(network, loader, criterion, optimizer):
    loss = torch.zeros(())
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = criterion(network(inputs), labels)
        loss.backward()
        optimizer.step()
    return loss.item()


@misconception(
    "train_one_epoch", "That is the sum of the losses. Divide it by the number of batches.", shows_in="mean_loss"
)
def summed_losses(network, loader, criterion, optimizer):
    total = 0.0
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = criterion(network(inputs), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total


# Steps


@given
def images():
    """Number of training pictures."""
    return 60_000


@quantity
def total_step(images):
    """Steps of an epoch with batches of 100: the length of the loader."""
    return images // 100


@quantity
def total_step_of_128(images):
    """Steps of an epoch with batches of 128: the last one is smaller."""
    return -(-images // 128)


@misconception("total_step", "That is one step for each picture. A step takes a whole batch.")
def step_per_picture(images):
    return images


@misconception("total_step_of_128", "The last batch is smaller, but the loader gives it as well.")
def last_batch_dropped(images):
    return images // 128


# Without zero_grad


@given
def w():
    """A weight before training."""
    return 1.0


@given
def learning_rate():
    """Learning rate."""
    return 0.1


@given
def batch_gradients():
    """Derivative of each batch's loss with respect to the weight, the same wherever the weight is."""
    return [0.5, 1.0, -2.0]


@quantity
def direction():
    """Sign of a step."""
    return -1.0


@misconception("direction", "The steps go uphill: subtract the gradient.")
def steps_uphill():
    return 1.0


@quantity
def w_zeroed(w, learning_rate, batch_gradients, direction):
    """The weight after three steps, each with the gradient of its own batch."""
    return w + direction * learning_rate * sum(batch_gradients)


@quantity
def w_accumulated(w, learning_rate, batch_gradients, direction):
    """The weight after three steps, each with the sum of all gradients so far."""
    sums = [sum(batch_gradients[: count + 1]) for count in range(len(batch_gradients))]
    return w + direction * learning_rate * sum(sums)


@misconception("w_zeroed", "That is one step with the last gradient. Each of the three batches makes a step.")
def one_step_with_last(w, learning_rate, batch_gradients):
    return w - learning_rate * batch_gradients[-1]


@misconception("w_zeroed", "That is one step with the mean gradient. Each of the three batches makes a step.")
def one_step_with_mean(w, learning_rate, batch_gradients):
    return w - learning_rate * sum(batch_gradients) / len(batch_gradients)


@misconception(
    "w_accumulated", "That is the same as with `zero_grad`. Without it, each step uses all gradients so far."
)
def nothing_accumulated(w_zeroed):
    return w_zeroed
