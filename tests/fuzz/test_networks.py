"""A few random networks, counted by brute force and by ``grader.cost``; by hand there are ten thousand."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from . import networks

FEW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@given(networks.chains())
@FEW
def test_brute_force_counts_the_same(chain: networks.Chain) -> None:
    assert networks.brute_force(chain) == networks.ours(chain)


@given(networks.chains())
@settings(FEW, max_examples=20)
def test_shapes_are_those_that_torch_computes(chain: networks.Chain) -> None:
    assert networks.output_matches(chain)


def test_a_counter_that_is_wrong_is_found_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def biased(chain: networks.Chain) -> networks.Counted:
        right = networks.brute_force(chain)
        return networks.Counted(right.parameters, right.macs + 1, right.int8_bytes, right.peak_elements)

    monkeypatch.setattr(networks, "ours", biased)
    assert networks.main(["--networks", "5"]) == 1
    assert "5 networks, " in capsys.readouterr().out
