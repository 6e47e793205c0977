"""Load this folder as the package ``_grade_inside`` and enter a module: ``start.py job|kernel …``."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

_PACKAGE = "_grade_inside"


def load_package() -> None:
    """Make ``_grade_inside`` importable without putting any folder of ours on ``sys.path``."""
    folder = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {folder}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    load_package()
    importlib.import_module(f"{_PACKAGE}.{sys.argv[1]}").main(sys.argv[2:])
