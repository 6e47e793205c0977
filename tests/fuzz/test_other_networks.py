"""A few random Keras models and ONNX graphs, counted by ``grader.cost`` and otherwise; by hand there are thousands."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings

from . import keras_networks, onnx_at_random, onnx_networks
from .comparing import Counted
from .keras_at_random import Drawn as Model
from .keras_at_random import Step
from .keras_at_random import networks as models
from .onnx_graphs import Drawn as Graph
from .onnx_graphs import Node

# Keras 3 on NumPy 2 warns of itself, and of layers that make little sense.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@given(models())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_keras_models_are_counted_the_same(network: Model) -> None:
    keras_networks.agree(network)


@given(onnx_at_random.networks())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_onnx_graphs_are_counted_the_same(network: Graph) -> None:
    onnx_networks.agree(network)


@pytest.mark.parametrize("name", [one.name for one in fields(Counted)])
@pytest.mark.parametrize("module", [keras_networks, onnx_networks])
def test_a_counter_that_is_wrong_is_found_out(module: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network: Any = Model((Step("relu", (0,), (1,)),), (torch.zeros(1, 2), torch.zeros(1, 2)), (1,), "functional")
    if module is onnx_networks:
        values = {name: np.zeros((1, 2), np.float32) for name in "xy"}
        network = Graph((Node("Relu", ("x",), ("y",)),), values, {}, frozenset(), ("y",), 17, open_batch=True)
    module.agree(network)
    right = module.brute_force(network)
    monkeypatch.setattr(module, "brute_force", lambda _: replace(right, **{name: -1}))
    with pytest.raises(AssertionError, match=r"(?s)of \('?[0x]'?,\).*brute force Counted\("):
        module.agree(network)


@pytest.mark.parametrize("module", [keras_networks, onnx_networks])
def test_what_was_counted_is_told(module: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert module.main(["--networks", "5"]) == 0
    assert capsys.readouterr().out.startswith("5 networks counted alike")
