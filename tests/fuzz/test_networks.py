"""A few random networks, counted by brute force and by ``grader.cost``; by hand there are ten thousand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import nn

from . import networks
from .comparing import Counted
from .networks_at_random import Drawn, Step, run
from .networks_at_random import networks as drawn


@given(drawn())
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_brute_force_counts_the_same(network: Drawn) -> None:
    networks.agree(network)


@pytest.mark.parametrize(
    ("shape", "layer"),
    [
        ((2, 5), nn.Conv1d(2, 4, 2)),
        ((2, 4, 4), nn.Conv2d(2, 3, 2)),
        ((2, 3), nn.ConvTranspose1d(2, 4, 2)),
        ((5, 2), nn.LSTM(2, 5, batch_first=True)),
        ((4, 4), nn.MultiheadAttention(4, 2, batch_first=True)),
    ],
)
def test_channels_of_one_example_are_not_those_that_are_normalised(shape: tuple[int, ...], layer: nn.Module) -> None:
    last = run(layer, [torch.zeros(shape)]).shape[1]
    network = Drawn([Step(layer, (0,)), Step(nn.BatchNorm1d(last), (1,))], torch.Size(shape))
    networks.agree(network.eval())


@pytest.mark.parametrize("name", ["parameters", "macs", "with_bias"])
def test_a_counter_that_is_wrong_is_found_out(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(network: Drawn) -> Counted:
        right = networks.brute_force(network)
        return replace(right, **{name: getattr(right, name) + 1})

    monkeypatch.setattr(networks, "ours", wrong)
    assert networks.main(["--networks", "5"]) == 1
    said = capsys.readouterr().out
    assert "input (" in said
    assert "brute force Counted(" in said


def test_what_was_counted_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert networks.main(["--networks", "5"]) == 0
    assert capsys.readouterr().out.startswith("5 networks counted alike")
