"""Writes cnn.safetensors, the weights of the trained CNN, from a packed file that is small enough for a repository.

The sheet's network has 2.45 million weights, 9.8 MB; ``cnn_packed.safetensors`` holds those that ``cifar_cnn.main`` came
to in 0.25 MB. ``reference/sheet3/packing.py`` made it. A student hands in cnn.safetensors itself.
"""

from pathlib import Path

from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent


def unpacked(path):
    """Return the weights by name: small integers times a unit; the matrix of layer 5 is a product of two narrow ones."""
    packed = load_file(path)
    weights = {name: packed[name].float() * packed[f"{name}/unit"] for name in packed if "/" not in name}
    weights["linear1.weight"] = weights.pop("linear1.left") @ weights.pop("linear1.right")
    return weights


def unpack():
    save_file(unpacked(HERE / "cnn_packed.safetensors"), HERE / "cnn.safetensors")
