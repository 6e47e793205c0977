"""Why there is no model to judge, in words for a student."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from grader.cost.problems import bare
from grader.model import Failure, Plain


def why_no_model(name: str, arguments: Sequence[Any], found: Plain | Failure) -> str:
    """Return why what was ``found`` under ``name`` is no description of a model; empty where it may be one."""
    if isinstance(found, Failure):
        return _of_failure(name, found)
    match found:
        case {"problem": "no model", "type": str() as kind}:
            hint = {"NoneType": " Return it.", "tuple": " Return the model alone."}.get(kind, "")
            return f"`{name}` gives something of type {kind}, which is no torch module and no Keras model.{hint}"
        case {"problem": "construct", "error": str() as error, "message": str() as message}:
            made = f"{name}({', '.join(map(repr, arguments))})"
            return f"`{made}` {raised(error, message)}.{_hint(error, message, arguments)}"
        case {"problem": "weights" | "prepare", "message": str() as message}:
            return message
    return "" if isinstance(found, Mapping) else f"Looking at `{name}` gave no valid answer."


def _of_failure(name: str, failure: Failure) -> str:
    message = failure.message
    match failure.kind:
        case "missing" if failure.is_absence:
            return f"`{name}` is not defined at the end of the run."
        case "missing":
            return f"`{name}` is not there: {message}."
        case "not_run":
            return f"`{name}` was never looked at: {message or 'the run ended before'}."
        case "too_large":
            return f"What `{name}` returns is too large to look at."
    if message.startswith("TimeoutError: took longer"):
        return f"Running `{name}` {message.removeprefix('TimeoutError: ')}."
    return f"Running `{name}` failed: {clean(message)}."


def _hint(error: str, message: str, arguments: Sequence[Any]) -> str:
    if error == "TypeError" and "argument" in message:
        words = f"with {len(arguments)} arguments" if arguments else "without arguments"
        return f" It is made {words} here: give others a default."
    if "before Module.__init__() call" in message:
        return " Call `super().__init__()` first."
    return ""


def raised(error: str, message: str) -> str:
    """Return that code raised ``error``, with its message if it has one."""
    return f"raised {error}: {clean(message)}".rstrip(": ")


def clean(message: str) -> str:
    """Return an exception's message without colours, tensors and what Keras puts around it."""
    text = re.sub(r"tensor\(.*?\)(?=[.,\s]|$)", "tensor(…)", bare(message), flags=re.DOTALL)
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("Exception encountered")]
    return " ".join(lines)[:600].rstrip(".")
