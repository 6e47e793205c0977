"""What observes models inside the sandbox, for use on an author's own models outside of it.

So both are described by the same code. It imports nothing of ours, and is loaded by path, as it is there.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGE = "_grade_probing"
_FOLDER = Path(__file__).parent / "sandbox" / "inside" / "probing"


@cache
def probing(name: str) -> Any:
    """Return the module ``name`` of the folder ``probing``. Raises ImportError where it cannot be loaded."""
    if _PACKAGE not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            _PACKAGE, _FOLDER / "__init__.py", submodule_search_locations=[str(_FOLDER)]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"cannot load {_FOLDER}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[_PACKAGE] = module
        spec.loader.exec_module(module)
    return importlib.import_module(f"{_PACKAGE}.{name}")
