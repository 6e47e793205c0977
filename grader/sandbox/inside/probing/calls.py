"""Calls a student's function, or a class and its methods, on given inputs and returns what came back.

Arguments: ``{"cases": [{"args": [...], "steps": [...]}, ...], "trial": name, "source": text}``. ``steps`` are taken on
what the call returned, for classes: ``{"call": method, "args": [...]}``, ``{"set": attribute, "value": ...}``,
``{"get": attribute}``. With a ``trial``, the function of that name in ``source`` is called instead, with the student's
function before the inputs.
The answer holds for each case ``{"value", "changed"}`` (whether the function changed its own inputs), with a list of
one value for each step that gives one in place of the value; or ``{"raised": name, "message"}``.
"""

from __future__ import annotations

import contextlib
import copy
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator, ValuesView
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from .. import encode, frames
from ..observe import MissingError, find


def observe(namespace: dict[str, Any], name: str, arguments: Any) -> list[dict[str, Any]]:
    """Return what each case gave. Raises MissingError where there is nothing callable of that name."""
    function = find(namespace, name)
    if not callable(function):
        raise MissingError(f"{name!r} is no function, but of type {encode.type_name(function)}")
    if "trial" in arguments:
        function = partial(_defined(arguments["source"], arguments["trial"]), function)
    return [_case(function, case) for case in arguments["cases"]]


def _defined(source: str, name: str) -> Callable[..., Any]:
    scope: dict[str, Any] = {"__name__": "trial"}
    exec(compile(source, "<trial>", "exec", dont_inherit=True), scope)  # noqa: S102 - the author's own code
    found: Callable[..., Any] = scope[name]
    return found


def _case(function: Callable[..., Any], case: dict[str, Any]) -> dict[str, Any]:
    kept = copy.deepcopy(case)
    try:
        result = kept_value(function(*case["args"])) if "steps" not in case else _stepped(function, case)
    except TimeoutError:
        raise
    except BaseException as error:  # noqa: BLE001 - one case's exception, SystemExit too, is that case's result
        return {"raised": encode.type_name(error), "message": _message(error)}
    return {"value": result, "changed": not _same(case, kept)}


def _message(error: BaseException) -> str:
    """Return what the exception says, and the line of the student's file in which it was raised."""
    folder = str(Path.cwd())
    lines = [
        number
        for frame, number in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename.startswith(folder)
    ]
    return f"{encode.safe_text(error)} (line {lines[-1]})" if lines else encode.safe_text(error)


def _stepped(function: Callable[..., Any], case: dict[str, Any]) -> list[Any]:
    subject = function(*case["args"])
    return [kept_value(value) for step in case["steps"] for value in _taken(subject, step)]


def _taken(subject: Any, step: dict[str, Any]) -> list[Any]:
    """Take one step and return its value in a list, or an empty list where it has none."""
    if "set" in step:
        setattr(subject, step["set"], copy.deepcopy(step["value"]))
        return []
    if "get" in step:
        return [getattr(subject, step["get"])]
    return [getattr(subject, step["call"])(*step["args"])]


def kept_value(value: Any) -> Any:
    """Return ``value`` as it is now, so that a later call changes nothing in it.

    What can be gone through becomes a list, sorted where it has no order of its own; numbers as keys become text.
    """
    if isinstance(value, dict):
        return {_key(key): kept_value(item) for key, item in dict.items(value)}
    if isinstance(value, AbstractSet):
        items = list(islice(value, frames.MAX_NODES))
        with contextlib.suppress(TypeError):
            items.sort()
        return [kept_value(item) for item in items]
    if isinstance(value, list | tuple | range | deque | Iterator | ValuesView):
        return [kept_value(item) for item in islice(value, frames.MAX_NODES)]
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return value.detach().clone()
    if numpy is not None and isinstance(value, numpy.ndarray):
        return value.copy()
    return value


def _key(key: Any) -> Any:
    numpy = sys.modules.get("numpy")
    is_number = isinstance(key, int | float) or (numpy is not None and isinstance(key, numpy.generic))
    return str(key) if is_number else key


def _same(left: Any, right: Any) -> bool:
    """Return whether two inputs are alike, bit for bit."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(_same(*pair) for pair in zip(left, right, strict=True))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if hasattr(left, "tobytes"):
        return bool(left.shape == right.shape and left.tobytes() == right.tobytes())
    if hasattr(left, "detach"):
        return _same(left.detach().numpy(), right.detach().numpy())
    return bool(left == right or left != left)  # noqa: PLR0124 - NaN
