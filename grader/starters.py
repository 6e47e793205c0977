"""The given numbers in what students get: where they stand, and how to write other ones there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The block of a module that holds the given numbers; in a notebook it is the cell tagged ``given``.
GIVEN_BLOCK = re.compile(r"(?ms)^# --- given ---[^\n]*\n(.*?)^# --- end of given ---[^\n]*\n?")
GIVEN_TAG = "given"


def without_given(name: str, source: str) -> str:
    """Return the code of a hand-in (a module's text, or a notebook's JSON) without the given numbers."""
    if not name.lower().endswith(".ipynb"):
        return GIVEN_BLOCK.sub("", source)
    cells = json.loads(source)["cells"]
    kept = [cell for cell in cells if cell["cell_type"] == "code" and not _is_given(cell)]
    return "\n".join(_text(cell["source"]) for cell in kept)


def with_given(name: str, source: str, values: Mapping[str, Any]) -> str:
    """Return a starter with ``values`` as the given numbers. Raises ValueError when it has no place for them."""
    block = "".join(f"{key} = {literal(value)}\n" for key, value in values.items())
    if not name.lower().endswith(".ipynb"):
        match = GIVEN_BLOCK.search(source)
        if match is None:
            raise ValueError(f"{name}: no lines `# --- given ---` and `# --- end of given ---`")
        return source[: match.start(1)] + block + source[match.end(1) :]
    notebook = json.loads(source)
    places = [cell for cell in notebook["cells"] if _is_given(cell)]
    if not places:
        raise ValueError(f"{name}: no cell tagged `{GIVEN_TAG}`")
    places[0]["source"] = block.rstrip("\n")
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def literal(value: Any) -> str:
    """Return Python source that evaluates to ``value``, exactly; arrays need ``import numpy as np``.

    A torch tensor becomes an array, a set a list in order, a SymPy expression text. What is no number, text, array or
    sequence of those is written as by ``repr``.
    """
    if hasattr(value, "detach"):  # a torch tensor, without importing torch
        value = np.asarray(value.detach().cpu())
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        value = value.item()
    if hasattr(value, "free_symbols"):  # a SymPy expression, without importing SymPy
        value = str(value)
    if isinstance(value, set | frozenset):
        value = sorted(value)
    if isinstance(value, list | tuple):
        items = "".join(f"{literal(one)}, " for one in value)
        return f"[{items.removesuffix(', ')}]" if isinstance(value, list) else f"({items.rstrip()})"
    if isinstance(value, np.ndarray):
        return _array_literal(value)
    return f"float({str(value)!r})" if isinstance(value, float) and not isfinite(value) else repr(value)


def _array_literal(value: NDArray[np.generic]) -> str:
    if value.size == 0:
        return f"np.zeros({value.shape}, dtype={value.dtype.name!r})"
    text = np.array2string(value, separator=", ", threshold=value.size + 1, floatmode="unique", max_line_width=100)
    plain = re.sub(r"\bnan\b", "np.nan", re.sub(r"\binf\b", "np.inf", text))
    default = value.dtype in {np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.bool_)}
    return f"np.array({plain})" if default else f"np.array({plain}, dtype=np.{value.dtype})"


def _is_given(cell: Mapping[str, Any]) -> bool:
    tags = cell.get("metadata", {}).get("tags", [])
    return isinstance(tags, list) and GIVEN_TAG in tags


def _text(source: Any) -> str:
    return source if isinstance(source, str) else "".join(source)
