"""Random small networks, counted by brute force: every product in its own turn of a loop, every order of the steps.

``python -m tests.fuzz.networks --networks 10000`` compares so many with ``grader.cost``; where one differs, it shows
the smallest that does. The brute force computes the network, and what it computes has to be what torch computes.
"""

from __future__ import annotations

import copy
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from grader.cost import analyse

from .comparing import Counted, assert_alike, compare, counted, name_of, run
from .loops import Array, Loops
from .networks_at_random import Drawn, Step, is_single, networks
from .orders import History, least_peak

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def ours(network: Drawn) -> Counted:
    """Count a network with ``grader.cost``."""
    return counted(analyse(network, [network.shape]))


def brute_force(network: Drawn) -> Counted:
    """Count a network by loops. Raises AssertionError where they do not compute what torch computes."""
    network = copy.deepcopy(network).double()
    _fill(network)
    x = torch.rand(network.shape, dtype=torch.float64)
    with torch.no_grad():
        values = network.values(x.clone())
    deployed = _folded(network.steps, values)
    loops = Loops()
    for counter, steps in ((loops, network.steps), (Loops(), deployed)):
        np.testing.assert_allclose(_output(counter, steps, x.clone().numpy()), values[-1].numpy(), rtol=1e-6, atol=1e-9)
    kept = [one.call for one in deployed]
    folded = {index for index, one in enumerate(network.steps) if isinstance(one.call, _NORMS) and one.call not in kept}
    peak = least_peak(network.steps, folded, values)
    parameters = sum(one.numel() for one in network.parameters())
    return Counted(parameters, loops.macs, loops.macs + loops.additions, _bytes(deployed), (4 * peak, peak))


def _fill(network: Drawn) -> None:
    """Give the weights numbers that tell mistakes, and variances positive ones."""
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for one in (*network.parameters(), *(each for each in network.buffers() if each.is_floating_point())):
            one.uniform_(0.5, 1.5, generator=draw)
            if one.requires_grad:
                one.mul_(torch.randint(0, 2, one.shape, generator=draw) * 2 - 1)


def _output(loops: Loops, steps: Sequence[Step], x: Array) -> Array:
    values = [x]
    for step in steps:
        values.append(loops.call(step.call, [values[one] for one in step.reads]))
    return values[-1]


# Weights


def _folded(steps: Sequence[Step], values: Sequence[Tensor]) -> list[Step]:
    """Return the steps as deployed: a layer that only a batch normalisation of its channels reads takes that in."""
    found = list(steps)
    uses = Counter(id(one) for step in steps for one in _weights(step))
    past = History(steps, values)
    for index, step in enumerate(steps):
        read = past.reads[index][0]
        if read.writer < 0 or not isinstance(step.call, _NORMS) or past.readers[read] != [index]:
            continue
        before, made = steps[read.writer], values[read.writer + 1]
        if not _is_alike(made, values[step.reads[0]]):
            continue
        channels = isinstance(before.call, _CONVOLUTIONS) and not is_single(before.call, made)
        fits = channels or (isinstance(before.call, nn.Linear) and made.dim() == 2)
        if fits and all(uses[id(one)] == 1 for one in (*_weights(before), *_weights(step))):
            found[read.writer] = Step(_taking_in(before.call, step.call), before.reads)
            found[index] = Step(nn.Identity(), step.reads)
    return found


def _is_alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.stride() == other.stride()


def _taking_in(layer: Any, norm: Any) -> nn.Module:
    """Return the layer with the scale of the normalisation in its weights, and the shift in its bias."""
    layer = copy.deepcopy(layer)
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    bias = torch.zeros_like(scale) if layer.bias is None else layer.bias
    layer.bias = nn.Parameter((bias - norm.running_mean) * scale + norm.bias)
    if getattr(layer, "transposed", False):  # (in, out / groups, …): the channels of each group lie side by side
        parts = [
            one * part.view(1, -1, *[1] * (one.dim() - 2))
            for one, part in zip(layer.weight.chunk(layer.groups), scale.chunk(layer.groups), strict=True)
        ]
        layer.weight = nn.Parameter(torch.cat(parts))
    else:
        layer.weight = nn.Parameter(layer.weight * scale.view(-1, *[1] * (layer.weight.dim() - 1)))
    return layer  # type: ignore[no-any-return]


def _weights(step: Step) -> list[Tensor]:
    """Return all numbers that a step's layer holds, running means and variances with them."""
    if isinstance(step.call, str):
        return []
    return [one for one in (*step.call.parameters(), *step.call.buffers()) if one.is_floating_point()]


def _bytes(steps: Sequence[Step]) -> tuple[int, ...]:
    """Return the bytes at float32, float16 and int8, where vectors take 32 bits. Shared weights count once."""
    own = {id(one): one for step in steps for one in _weights(step)}.values()
    small = sum(one.numel() * (4 if one.dim() == 1 else 1) for one in own)
    return 4 * sum(one.numel() for one in own), 2 * sum(one.numel() for one in own), small


def agree(network: Drawn) -> None:
    """Raise AssertionError where the two countings differ."""
    assert_alike(network, ours(network), brute_force(network))


def _calls(network: Drawn) -> list[str]:
    return [name_of(step.call) for step in network.steps]


def main(arguments: Sequence[str]) -> int:
    """Compare as many networks as asked for; the exit status is 1 where any differs."""
    return run(arguments, __doc__, lambda count: compare(count, networks(), agree, _calls))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
