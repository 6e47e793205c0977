"""Packs the weights of a trained CNN: ``python reference/sheet3/packing.py cnn.safetensors cnn_packed.safetensors``.

The matrix of layer 5, 96 % of the weights, is replaced by the nearest one of rank 8, and weights are rounded to 127
steps on each side of 0. Prints the accuracy on 1000 hidden images of the stand-in before and after; for the file that
ships: 0.999 and 1.000. See ``solutions/cifar_cnn/unpacking.py``, which turns it back.

To train again, run ``cifar_cnn.py`` beside that file as a program, in a folder with what ``grade data data cifar10``
writes. Its seed is fixed; the last digit may differ on another machine.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from grader.data import load

RANK = 8
UNPACKING = Path(__file__).parent / "solutions" / "cifar_cnn" / "unpacking.py"


def packed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return every weight as int8, and its unit under ``<name>/unit``."""
    left, sizes, right = torch.linalg.svd(weights["linear1.weight"], full_matrices=False)
    root = sizes[:RANK].sqrt()
    narrow = {"linear1.left": left[:, :RANK] * root, "linear1.right": root[:, None] * right[:RANK]}
    kept = {name: one for name, one in weights.items() if name != "linear1.weight"} | narrow
    units = {name: one.abs().max() / 127 for name, one in kept.items()}
    integers = {name: torch.round(one / units[name]).to(torch.int8).contiguous() for name, one in kept.items()}
    return integers | {f"{name}/unit": unit for name, unit in units.items()}


def accuracy(weights: Mapping[str, Tensor]) -> float:
    """Return the share of 1000 hidden images that the CNN classifies rightly with ``weights``."""
    hidden = load("cifar10").hidden(np.random.default_rng(0), 1000)
    x = torch.tensor(hidden.inputs / 255, dtype=torch.float32)
    for layer, stride in (("conv1", 1), ("conv2", 2), ("conv3", 1)):
        x = functional.relu(functional.conv2d(x, weights[f"{layer}.weight"], weights[f"{layer}.bias"], stride))
    x = functional.relu(functional.linear(x.flatten(1), weights["linear1.weight"], weights["linear1.bias"]))
    found = functional.linear(x, weights["linear2.weight"], weights["linear2.bias"]).argmax(1).numpy()
    return float((found == hidden.labels).mean())


def main(source: Path, target: Path) -> None:
    """Pack ``source`` into ``target``."""
    weights = load_file(source)
    save_file(packed(weights), target)
    after = runpy.run_path(str(UNPACKING))["unpacked"](target)
    told = f"accuracy {accuracy(weights):.3f} before and {accuracy(after):.3f} after"
    sys.stdout.write(f"{target.stat().st_size} bytes; {told}\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
