"""Describes a model of the hand-in, and what it computes on given inputs; with weights from a file, where asked.

Arguments: ``cases`` (a list of lists of inputs), ``arguments`` (to construct the model with), ``seed`` (to draw weights
from) and ``weights`` (the name of a .safetensors file to load first); all but ``cases`` may be left out.
The answer is what ``networks.describe`` says, and ``made`` (``class``, ``function`` or ``instance``); or, where there
is no model, ``problem``: ``construct`` (with ``error`` and ``message``), ``no model`` (with ``type``) or ``weights``
(with ``message``, a sentence).
"""

from __future__ import annotations

from typing import Any

from .. import encode
from ..observe import find
from . import networks, objects, weights


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
    network = networks.Network(found)
    with network.undisturbed():
        if arguments.get("weights"):
            try:
                weights.load(network, arguments["weights"], arguments["cases"])
            except weights.WeightsError as error:
                return {"problem": "weights", "message": str(error)}
        described = networks.describe(network, arguments["cases"], arguments.get("seed"))
    return {**described, "made": made}
