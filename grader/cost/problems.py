"""Why a network has no cost, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from grader.errors import ExitCode, GradeError


class CostError(GradeError):
    """A model cannot be analysed. ``analysable``: it is the model that is wrong, and not only beyond us."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, analysable: bool = True) -> None:
        super().__init__(message)
        self.analysable = analysable


def explain(found: Mapping[str, Any], name: str) -> str:
    """Return in a sentence or two the problem that a trace of ``name`` tells."""
    place = f" ({found['place']})" if found.get("place") else ""
    message = _line(found.get("message"))
    match found.get("problem"):
        case "no model":
            kind = _line(found.get("type"))
            return f"{name} gives something of type {kind}, which is no torch module and no Keras model."
        case "construct":
            return f"{name} cannot be built{place}: {_line(found.get('error'))}: {message}"
        case "not analysable" if found.get("reason") == "depends on numbers":
            return (
                f"{name} is not analysable: what it computes depends on the numbers that go in{place}, as by an `if` "
                "on a tensor, `.item()`, `.numpy()` or a selection by a mask. No size can be told beforehand."
            )
        case "not analysable":
            return f"{name} is not analysable{place}: {_line(found.get('reason'))}"
    return f"{name} does not run{place}. {_of_unit(found.get('unit'))}{_line(found.get('error'))}: {message}"


def _of_unit(unit: Any) -> str:
    """Return which layer raised, what arrived there and what it has, if that is known."""
    try:
        label = f"{unit['name']} ({unit['kind']})" if unit["name"] else unit["kind"]
        came = " and ".join(_shape(one["shape"]) for one in unit["given"])
        held = " and ".join(_shape(one) for one in unit["weights"])
    except (KeyError, TypeError):
        return ""
    return f"In {_line(label)}: {came or 'nothing'} arrives{f', and its weights are {held}' if held else ''}. "


def _shape(sides: Sequence[int]) -> str:
    return str(tuple(int(one) for one in sides))


def _line(text: object) -> str:
    """Return a text on one line, without what libraries put into it for a terminal and tell of their own insides."""
    return " ".join(bare(str(text)).split())[:500]


def bare(message: str) -> str:
    """Return an exception's message without colours, torch's own stack and Keras' list of arguments."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", message)
    return re.split(r"Exception raised from|Arguments received by", text)[0]
