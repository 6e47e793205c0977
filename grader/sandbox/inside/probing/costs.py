"""Traces a model of the hand-in for its cost. Nothing is computed and its weights are not looked at.

Arguments: ``inputs``, a list of ``{"shape", "dtype"}``, and ``arguments`` to construct the model with. The answer is
what ``tracing.trace`` says, and ``made`` (``class``, ``function`` or ``instance``), as bytes of JSON: a network has
many small parts.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from .. import encode
from ..observe import find
from . import objects, tracing


def observe(namespace: dict[str, Any], name: str, arguments: Any) -> Any:
    """Return the trace of the model ``name``. Raises MissingError where there is nothing of that name."""
    found = find(namespace, name)
    inputs = arguments["inputs"]
    if objects.framework_of(found):
        answer, made = tracing.trace_instance(found, inputs), "instance"
    elif callable(found):
        made = "class" if isinstance(found, type) else "function"
        answer = tracing.trace(lambda: found(*arguments.get("arguments", [])), inputs)
    else:
        answer, made = {"problem": "no model", "type": encode.type_name(found)}, "other"
    return np.frombuffer(json.dumps({**answer, "made": made}).encode(), dtype=np.uint8)
