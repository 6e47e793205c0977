"""What a student sees of a traceback: frames of their code and of libraries, none of this package's own."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

_FOLDER = str(Path(__file__).parent)


def hide(error: BaseException) -> None:
    """Take this package's frames out of the traceback of ``error``, and of every exception that led to it.

    They lie above a student's code, which is run from here, and below it, where it calls what stands in for
    something: ``input``, ``sys.stdout``, the import of a module that is seeded.
    """
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        one.__traceback__ = shown(one.__traceback__)
        waiting += [linked for linked in (one.__cause__, one.__context__) if linked is not None]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions


def hidden(found: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
    """Return type, exception and traceback, as IPython passes them on, after :func:`hide`."""
    kind, error, trace = found
    if isinstance(error, BaseException):
        hide(error)
    return kind, error, shown(trace)


def shown(trace: types.TracebackType | None) -> types.TracebackType | None:
    """Return a traceback without this package's frames."""
    frames = []
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    kept: types.TracebackType | None = None
    for one in reversed(frames):
        if not _is_ours(one.tb_frame.f_code):
            kept = types.TracebackType(kept, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return kept


def _is_ours(code: types.CodeType) -> bool:
    return str(Path(code.co_filename).parent) == _FOLDER
