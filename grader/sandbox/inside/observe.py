"""Answers what a hand-in is asked after it ran: one function for each kind of probe, each returning plain data.

Inputs come from the trusted side and are no secret answers. Whatever student code raises here is an answer, too.
"""

from __future__ import annotations

import importlib
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeAlias

from . import decode, encode

#: Returns what is observed, given the hand-in's variables, the probe's name and its arguments.
Observer: TypeAlias = Callable[[dict[str, Any], str, Any], Any]

#: Module of this package in which each kind's ``observe`` stands; imported when first asked for.
_MODULES = {
    "call": "calls",
    "model": "models",
    "cost": "costs",
    "figures": "figures",
    "pytest": "tests",
    "pdf": "documents",
}


class MissingError(Exception):
    """There is no such name in the hand-in. The message says what was looked for."""


def answer(namespace: dict[str, Any], request: dict[str, Any], blob: bytes) -> tuple[bytes, bytes]:
    """Return header and blob that answer a request to observe; a failure to observe is an answer, too."""
    kind, name, nonce = request["kind"], request["name"], request["nonce"]
    if kind == "value":
        return encode.answer(namespace, name, nonce, request["max_bytes"])
    try:
        observer: Observer = importlib.import_module(f".probing.{_MODULES[kind]}", __package__).observe
        with time_limit(request["seconds"]):
            found = observer(namespace, name, decode.decode(request["arguments"], blob))
    except MissingError as error:
        return encode.failed(nonce, "missing", str(error))
    except BaseException as error:  # noqa: BLE001 - SystemExit and whatever else student code raises
        return encode.failed(nonce, "raised", f"{encode.type_name(error)}: {encode.safe_text(error)}")
    return encode.answer({name: found}, name, nonce, request["max_bytes"])


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block after ``seconds``, where the system and the thread allow it.

    Student code may undo this; the trusted side has a deadline of its own.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def find(namespace: dict[str, Any], name: str) -> Any:
    """Return what a name, or a dotted path of attributes, stands for. Raises MissingError."""
    first, *rest = name.split(".")
    if first not in namespace:
        raise MissingError(f"there is no variable {first!r}")
    found = namespace[first]
    for part in rest:
        try:
            found = getattr(found, part)
        except AttributeError:
            raise MissingError(f"{first!r} has no attribute {part!r}") from None
    return found
