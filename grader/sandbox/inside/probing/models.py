"""Describes a model of the hand-in, and what it computes on given inputs; with weights from a file, where asked.

Arguments: ``cases`` (a list of lists of inputs), ``arguments`` (to construct the model with), ``seed`` (to draw weights
from), ``weights`` (the name of a .safetensors file to load first) and ``prepare`` (``name``, ``trial``, ``source``: a
function of the hand-in that makes the inputs of each case, by way of a trial); all but ``cases`` may be left out.
The answer is what ``networks.describe`` says, and ``made`` (``class``, ``function`` or ``instance``); or, where there
is no model, ``problem``: ``construct`` (with ``error`` and ``message``), ``no model`` (with ``type``), ``weights`` or
``prepare`` (both with ``message``, a sentence).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import encode
from ..observe import MissingError, find
from . import calls, networks, objects, weights


class PreparingError(Exception):
    """The hand-in's function does not make inputs of what it is given. The message is a sentence for the student."""


def observe(namespace: dict[str, Any], name: str, arguments: Any) -> dict[str, Any]:
    """Return the description of the model ``name``. Raises MissingError where there is nothing of that name."""
    found = find(namespace, name)
    made = "instance"
    if not objects.framework_of(found):
        if not callable(found):
            return {"problem": "no model", "type": encode.type_name(found)}
        made = "class" if isinstance(found, type) else "function"
        try:
            found = found(*arguments.get("arguments", []))
        except TimeoutError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a student's constructor raises
            return {"problem": "construct", "error": encode.type_name(error), "message": encode.safe_text(error)}
    if not objects.framework_of(found):
        return {"problem": "no model", "type": encode.type_name(found)}
    try:
        cases = _prepared(namespace, arguments["cases"], arguments.get("prepare"))
    except PreparingError as error:
        return {"problem": "prepare", "message": str(error)}
    network = networks.Network(found)
    with network.undisturbed():
        if arguments.get("weights"):
            try:
                weights.load(network, arguments["weights"], cases)
            except weights.WeightsError as error:
                return {"problem": "weights", "message": str(error)}
        described = networks.describe(network, cases, arguments.get("seed"))
    return {**described, "made": made}


def _prepared(namespace: dict[str, Any], cases: list[list[Any]], prepare: dict[str, str] | None) -> list[list[Any]]:
    """Return the model's inputs: the cases, or what the hand-in's function makes of each. Raises PreparingError."""
    if not prepare:
        return cases
    name = prepare["name"]
    try:
        found = calls.observe(namespace, name, {**prepare, "cases": [{"args": case} for case in cases]})
    except MissingError as error:
        raise PreparingError(f"`{name}` is needed for its inputs, but {error}.") from error
    for one in found:
        if "raised" in one:
            reason = f"raised {one['raised']}: {one['message']}".rstrip(": ")
            raise PreparingError(f"`{name}`, which makes its inputs, {reason}.")
        if not objects.is_tensor(one["value"]) and not isinstance(one["value"], np.ndarray):
            kind = encode.type_name(one["value"])
            raise PreparingError(f"`{name}` makes inputs of type {kind}; a tensor or an array is needed.")
    return [[one["value"]] for one in found]
