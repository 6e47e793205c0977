"""Trains a network by a recipe that may be wrong, and measures it as a student and as the grader would."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from grader.data import DataSet, Samples

HIDDEN = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """Accuracies, 0 to 1, on hidden samples, and what the student would report as the accuracy on the test set.

    ``through_code``: the hidden inputs go through the student's own preparation. ``weights_alone``: we prepare them as
    the task says; None where that makes no difference, or there are no weights.
    """

    through_code: float
    reported: float
    weights_alone: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a network is trained. The defaults are right."""

    model: Callable[[], nn.Module]
    optimizer: Callable[[Iterable[Tensor]], torch.optim.Optimizer]
    epochs: int
    loss: Callable[[Tensor, Tensor], Tensor] = functional.cross_entropy
    train_inputs: Callable[[NDArray[Any]], NDArray[Any]]
    test_inputs: Callable[[NDArray[Any]], NDArray[Any]] | None = None
    right_inputs: Callable[[NDArray[Any]], NDArray[Any]] | None = None
    train_labels: Callable[[NDArray[Any]], NDArray[Any]] = field(default=lambda labels: labels)
    first_label: int = 0
    sort: bool = False
    shuffle: bool = True
    clear: bool = True
    sign: float = 1.0
    evaluate: bool = True
    batch: int = 32

    def __call__(self, data: DataSet, seed: int) -> Outcome:
        """Train on the training set and measure; ``reported`` is the accuracy on the public test set."""
        return self.measured(self.trained(data.content.train, seed), data, data.content.test, seed)

    def trained(self, train: Samples, seed: int) -> nn.Module:
        torch.manual_seed(seed)
        model = self.model()
        optimizer = self.optimizer(model.parameters())
        order = np.argsort(train.labels, kind="stable") if self.sort else np.arange(len(train))
        inputs = tensor(self.train_inputs(train.inputs[order]))
        labels = torch.tensor(self.train_labels(train.labels[order].astype(np.int64)))
        model.train()
        for _ in range(self.epochs):
            for places in batches(len(inputs), self.batch, shuffle=self.shuffle):
                if self.clear:
                    optimizer.zero_grad()
                loss = self.sign * self.loss(model(inputs[places]), labels[places])
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
        return model.train(not self.evaluate)

    def measured(self, model: nn.Module, data: DataSet, reported_on: Samples, seed: int) -> Outcome:
        hidden = data.hidden(np.random.default_rng(1000 + seed), HIDDEN)
        own = self.test_inputs or self.train_inputs
        alone = None
        if self.right_inputs is not None:
            alone = self.accuracy(model, self.right_inputs(hidden.inputs), hidden.labels)
        return Outcome(
            self.accuracy(model, own(hidden.inputs), hidden.labels),
            self.accuracy(model, own(reported_on.inputs), reported_on.labels),
            alone,
        )

    def accuracy(self, model: nn.Module, inputs: NDArray[Any], labels: NDArray[Any]) -> float:
        with torch.no_grad():
            found = model(tensor(inputs)).argmax(1).numpy()
        return float((found == labels - self.first_label).mean())


def tensor(values: NDArray[Any]) -> Tensor:
    return torch.tensor(values.astype(np.float32))


def batches(count: int, size: int, *, shuffle: bool) -> Iterator[Tensor]:
    order = torch.randperm(count) if shuffle else torch.arange(count)
    for start in range(0, count, size):
        yield order[start : start + size]


def sgd(rate: float, momentum: float = 0.0) -> Callable[[Iterable[Tensor]], torch.optim.Optimizer]:
    return lambda parameters: torch.optim.SGD(parameters, lr=rate, momentum=momentum)


def adam(rate: float = 1e-3) -> Callable[[Iterable[Tensor]], torch.optim.Optimizer]:
    return lambda parameters: torch.optim.Adam(parameters, lr=rate)


def scaled(images: NDArray[Any]) -> NDArray[Any]:
    return images / np.float32(255)
