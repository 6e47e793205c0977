"""Virtual environments for the graders that are compared with, each with its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

#: First, and pinned: this release is served for the CPU; another brings gigabytes of CUDA.
_TORCH = "torch==2.13.0"
_WANTED = {
    "otter": ("otter-grader>=7,<8", "ipykernel"),
    "nbgrader": ("nbgrader>=0.9,<0.10", "nbconvert", "ipykernel"),
}


def environments(folder: Path) -> tuple[Path, Path]:
    """Return where the environments of otter and nbgrader are, below ``folder``."""
    return folder / "bench-otter", folder / "bench-nbgrader"


def set_up(folder: Path) -> None:
    """Make both environments with pip. Raises CalledProcessError if pip fails; what is there is kept."""
    for place, packages in zip(environments(folder), _WANTED.values(), strict=True):
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, _TORCH, "numpy", "scikit-learn"], check=True)
        subprocess.run([*pip, *packages], check=True)
