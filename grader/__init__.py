"""Grading of courses in which students compute, code and train.

The author of a reference needs the names from here; everything else is behind the command ``grade``.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from lazy_loader import attach_stub

# Whoever only wants the version, or a command that needs no reference, does not wait for NumPy.
__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
__all__ += ["__version__", "check", "load_ipython_extension"]

__version__ = "0.1.0"


def check(exercise: str = "", **options: Any) -> Any:
    """Check an exercise from inside a notebook; see :func:`grader.notebook.check`."""
    if "_grade_inside" in sys.modules:  # the notebook is being run to be checked
        return None
    return import_module("grader.notebook").check(exercise, **options)  # it stands above: authors never load it


def load_ipython_extension(shell: Any) -> None:
    """Take ``%load_ext grader``: afterwards there is ``%grade``."""
    import_module("grader.notebook").load(shell)
