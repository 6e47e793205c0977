"""Right and wrong ways of training on the course's data, as students go them: what the table of separation measures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupShuffleSplit
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from torch import Tensor, log, nn
from torch.nn import functional

from grader.data import DataSet, Samples

from .training import HIDDEN, Outcome, Recipe, adam, scaled, sgd


@dataclass(frozen=True, slots=True)
class Way:
    """One way: what it does with a data set and a seed, the right way that it is compared with, and what else tells.

    ``otherwise`` is the check that tells it apart where accuracy does not; empty for a right way.
    """

    name: str
    go: Callable[[DataSet, int], Outcome]
    against: str = ""
    otherwise: str = ""


def plain_network(*extra: nn.Module, inputs: int, hidden: int, outputs: int, activation: bool = True) -> nn.Module:
    """Return a network of two layers; ``extra`` comes after them."""
    middle = [nn.ReLU()] if activation else []
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, hidden), *middle, nn.Linear(hidden, outputs), *extra)


# --- MNIST -----------------------------------------------------------------------------------------------------------


def mnist_network(*extra: nn.Module, activation: bool = True) -> nn.Module:
    return plain_network(*extra, inputs=784, hidden=42, outputs=10, activation=activation)


def mnist_dropout() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))


def log_nll(output: Tensor, labels: Tensor) -> Tensor:
    return functional.nll_loss(log(output + 1e-9), labels)


def classical(make: Callable[[int], Any]) -> Callable[[DataSet, int], Outcome]:
    def go(data: DataSet, seed: int) -> Outcome:
        flat = [scaled(one.inputs).reshape(len(one), -1) for one in (data.content.train, data.content.test)]
        hidden = data.hidden(np.random.default_rng(1000 + seed), HIDDEN)
        fitted = make(seed).fit(flat[0], data.content.train.labels)
        found = fitted.score(scaled(hidden.inputs).reshape(len(hidden), -1), hidden.labels)
        return Outcome(float(found), float(fitted.score(flat[1], data.content.test.labels)))

    return go


def with_test(recipe: Recipe) -> Callable[[DataSet, int], Outcome]:
    """Train on the test set, too."""

    def go(data: DataSet, seed: int) -> Outcome:
        train, test = data.content.train, data.content.test
        subjects = np.concatenate([train.subjects, test.subjects])
        both = Samples(
            np.concatenate([train.inputs, test.inputs]), np.concatenate([train.labels, test.labels]), subjects
        )
        return recipe.measured(recipe.trained(both, seed), data, test, seed)

    return go


_MNIST = Recipe(model=mnist_network, optimizer=adam(), epochs=20, train_inputs=scaled)
_DROPOUT = replace(_MNIST, model=mnist_dropout)


def mnist_ways() -> tuple[Way, ...]:
    def wrong(name: str, otherwise: str, **change: Any) -> Way:
        return Way(name, replace(_MNIST, **change), "right: MLP, Adam", otherwise)

    return (
        Way("right: MLP, Adam", _MNIST),
        Way("right: MLP, SGD 0.1", replace(_MNIST, optimizer=sgd(0.1))),
        Way("right: MLP with dropout", _DROPOUT),
        Way("right: SVM (RBF)", classical(lambda _: SVC())),
        Way("right: decision tree", classical(lambda seed: DecisionTreeClassifier(random_state=seed))),
        wrong("no_zero_grad", "source; or gradients of one step against autograd", clear=False),
        wrong("no_zero_grad, SGD 0.1", "the same", clear=False, optimizer=sgd(0.1)),
        wrong(
            "double_softmax",
            "output of the model: rows sum to 1 before the loss",
            model=lambda: mnist_network(nn.Softmax(1)),
        ),
        wrong("nll_on_logits", "loss is negative, or falls without bound", loss=functional.nll_loss),
        wrong("plus_gradient", "one step raises the loss", sign=-1.0),
        wrong(
            "softmax_dim0",
            "a row's output changes with the rest of the batch",
            model=lambda: mnist_network(nn.Softmax(0)),
            loss=log_nll,
        ),
        wrong(
            "not_normalised",
            "range of the inputs that the loader gives",
            train_inputs=lambda images: images,
            right_inputs=scaled,
        ),
        wrong("unshuffled_sorted", "order of the labels that the loader gives", sort=True, shuffle=False),
        wrong(
            "labels_misaligned",
            "first labels of the loader against the file",
            train_labels=lambda labels: np.roll(labels, 1),
        ),
        wrong(
            "test_not_scaled",
            "range of the inputs that the test loader gives",
            test_inputs=lambda images: images,
            right_inputs=scaled,
        ),
        wrong(
            "test_transposed",
            "reported against recomputed",
            test_inputs=lambda images: scaled(images).swapaxes(1, 2),
            right_inputs=scaled,
        ),
        Way("trained_on_test", with_test(_MNIST), "right: MLP, Adam", "samples that training used"),
        Way(
            "eval_missing",
            replace(_DROPOUT, evaluate=False),
            "right: MLP with dropout",
            "`training` of the model; the same input twice gives two outputs",
        ),
        wrong(
            "no_activation",
            "layers of the model; f(a) + f(b) = f(a + b) + f(0)",
            model=lambda: mnist_network(activation=False),
        ),
    )


# --- HAPT ------------------------------------------------------------------------------------------------------------


def by_random_split(data: DataSet, seed: int) -> Outcome:
    return _validated(data, seed, np.random.default_rng(seed).permutation(len(data.content.train)))


def by_subject(data: DataSet, seed: int) -> Outcome:
    train = data.content.train
    kept, left = next(
        GroupShuffleSplit(1, test_size=0.25, random_state=seed).split(train.inputs, groups=train.subjects)
    )
    return _validated(data, seed, np.concatenate([left, kept]))


def _validated(data: DataSet, seed: int, order: NDArray[Any]) -> Outcome:
    """Train on the last three quarters of the order; ``reported`` is the accuracy on the first."""
    train = data.content.train
    quarter = len(train) // 4
    model = _HAPT.trained(train.take(order[quarter:]), seed)
    return _HAPT.measured(model, data, train.take(order[:quarter]), seed)


def majority(data: DataSet, seed: int) -> Outcome:
    hidden = data.hidden(np.random.default_rng(1000 + seed), HIDDEN)
    most = np.bincount(data.content.train.labels).argmax()
    return Outcome(float((hidden.labels == most).mean()), float((data.content.test.labels == most).mean()))


def train_as_test(data: DataSet, seed: int) -> Outcome:
    return _HAPT.measured(_HAPT.trained(data.content.train, seed), data, data.content.train, seed)


def hapt_network(outputs: int = 12) -> nn.Module:
    return plain_network(inputs=561, hidden=64, outputs=outputs)


_HAPT = Recipe(
    model=hapt_network,
    optimizer=adam(),
    epochs=30,
    train_inputs=lambda features: features,
    train_labels=lambda labels: labels - 1,
    first_label=1,
)


def hapt_ways() -> tuple[Way, ...]:
    right = "right: MLP, Adam"
    from_one = replace(_HAPT, model=lambda: hapt_network(13), train_labels=lambda labels: labels)
    return (
        Way(right, _HAPT),
        Way("right: MLP, SGD 0.1", replace(_HAPT, optimizer=sgd(0.1))),
        Way("right: validation by subject", by_subject),
        Way("labels_1_12", from_one, right, "set of the labels; 13 outputs"),
        Way("trained_on_test", with_test(_HAPT), right, "reported on the test set against hidden"),
        Way("val_not_by_subject", by_random_split, right, "persons of both sides; reported against hidden"),
        Way("majority", majority, right, "more than one class among the predictions"),
        Way("reports_train_as_test", train_as_test, right, "reported against recomputed"),
    )


# --- CIFAR-10 --------------------------------------------------------------------------------------------------------


def convolutions() -> nn.Module:
    """Return the course's network: 3 to 32, to 64 with stride 2, to 128 channels, then 18432 to 128 to 10."""
    layers = (nn.Conv2d(3, 32, 3), nn.Conv2d(32, 64, 3, 2), nn.Conv2d(64, 128, 3))
    active = [part for layer in layers for part in (layer, nn.ReLU())]
    return nn.Sequential(*active, nn.Flatten(), nn.Linear(18432, 128), nn.ReLU(), nn.Linear(128, 10), nn.LogSoftmax(1))


def small_convolutions() -> nn.Module:
    """Return a network for a small board: three layers, pooling, 14,666 parameters."""
    parts = (nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1), nn.Conv2d(32, 32, 3, padding=1))
    first, second, third = ((layer, nn.ReLU()) for layer in parts)
    pooled = (*first, nn.MaxPool2d(2), *second, nn.MaxPool2d(2), *third)
    return nn.Sequential(*pooled, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10), nn.LogSoftmax(1))


def cifar_plain() -> nn.Module:
    return plain_network(nn.LogSoftmax(1), inputs=3072, hidden=256, outputs=10)


def channels_last(images: NDArray[Any]) -> NDArray[Any]:
    """Return planes of colour read as if the colours of a pixel were together, then moved to the front."""
    return scaled(images).reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2)


def shuffled(labels: NDArray[Any]) -> NDArray[Any]:
    return np.random.default_rng(7).permutation(labels)


def cifar_ways() -> tuple[Way, ...]:
    best, plain = "right: CNN, Adam 0.001", "right: MLP, SGD 0.1"
    cnn = Recipe(model=convolutions, optimizer=adam(), epochs=6, loss=functional.nll_loss, train_inputs=scaled)
    mlp = replace(cnn, model=cifar_plain, optimizer=sgd(0.1), epochs=20)
    reshaped = replace(cnn, train_inputs=channels_last, right_inputs=scaled)
    rate = "curve: noted learning rates; accuracy stays at chance"
    loader = "loader on a crafted batch: a pixel's three colours"
    return (
        Way(best, cnn),
        Way("right: CNN, SGD 0.01 with momentum 0.9", replace(cnn, optimizer=sgd(0.01, 0.9), epochs=9)),
        Way("right, slow: CNN, SGD 0.02", replace(cnn, optimizer=sgd(0.02), epochs=9)),
        Way(
            "right: small CNN with pooling, Adam 0.003",
            replace(cnn, model=small_convolutions, optimizer=adam(3e-3), epochs=15),
        ),
        Way(plain, mlp),
        Way("right: MLP, Adam 0.001", replace(mlp, optimizer=adam())),
        Way("CNN, Adam 0.1", replace(cnn, optimizer=adam(0.1), epochs=3), best, rate),
        Way("CNN, images reshaped to (32, 32, 3)", reshaped, best, loader),
        Way(
            "MLP, shuffled labels",
            replace(mlp, train_labels=shuffled),
            plain,
            "first labels of the loader against the file",
        ),
    )


WAYS: dict[str, Callable[[], tuple[Way, ...]]] = {"mnist": mnist_ways, "hapt": hapt_ways, "cifar10": cifar_ways}
