"""Calls a student's function, or a class and its methods, on given inputs and returns what came back.

Arguments: ``{"cases": [{"args": [...], "kwargs": {...}, "steps": [...]}, ...]}``. ``steps`` are taken on what the
call returned, for classes: ``{"call": method, "args": [...]}``, ``{"set": attribute, "value": ...}``,
``{"get": attribute}``.
The answer holds for each case ``{"value", "changed"}`` (whether the function changed its own inputs), with a list of
one value for each step that gives one in place of the value; or ``{"raised": name, "message"}``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from .. import encode
from ..observe import MissingError, find


def observe(namespace: dict[str, Any], name: str, arguments: Any) -> list[dict[str, Any]]:
    """Return what each case gave. Raises MissingError where there is nothing callable of that name."""
    function = find(namespace, name)
    if not callable(function):
        raise MissingError(f"{name!r} is no function, but of type {encode.type_name(function)}")
    return [_case(function, case) for case in arguments["cases"]]


def _case(function: Callable[..., Any], case: dict[str, Any]) -> dict[str, Any]:
    inputs = (case.get("args", []), case.get("kwargs", {}))
    kept = copy.deepcopy(inputs)
    try:
        result = function(*inputs[0], **inputs[1])
        if "steps" in case:
            result = [value for step in case["steps"] for value in _step(result, step)]
    except TimeoutError:
        raise
    except BaseException as error:  # noqa: BLE001 - one case's exception, SystemExit too, is that case's result
        return {"raised": encode.type_name(error), "message": encode.safe_text(error)}
    return {"value": result, "changed": not _same(inputs, kept)}


def _step(subject: Any, step: dict[str, Any]) -> list[Any]:
    """Take one step and return its value in a list, or an empty list where it has none."""
    if "set" in step:
        setattr(subject, step["set"], step["value"])
        return []
    if "get" in step:
        return [copy.deepcopy(getattr(subject, step["get"]))]
    return [getattr(subject, step["call"])(*step.get("args", []), **step.get("kwargs", {}))]


def _same(left: Any, right: Any) -> bool:
    """Return whether two inputs are alike, bit for bit."""
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(_same(*pair) for pair in zip(left, right, strict=True))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if hasattr(left, "tobytes"):
        return bool(left.shape == right.shape and left.tobytes() == right.tobytes())
    if hasattr(left, "detach"):
        return _same(left.detach().numpy(), right.detach().numpy())
    return bool(left == right or left != left)  # noqa: PLR0124 - NaN
