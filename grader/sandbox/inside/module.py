"""Run a Python file as a module in this process, and answer for its variables."""

from __future__ import annotations

import builtins
import importlib.util
import linecache
import os
import signal
import sys
import traceback
import types
from pathlib import Path
from typing import Any, NoReturn

from . import colab, encode, figures, observe, state, trace

MAX_TRACEBACK_CHARS = 8000


class ModuleRunner:
    """One student module, named after its file. What was assigned before an exception can be read."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._path = Path.cwd() / f"{request['name']}.py"
        self._source: str = request["source"]
        self._module = types.ModuleType(request["name"])
        self._namespace = self._module.__dict__
        self._armed = False
        self._path.write_text(self._source, encoding="utf-8", errors="surrogatepass", newline="")
        self._prepare()

    def _prepare(self) -> None:
        state.use_backend("Agg")
        figures.keep_figures()
        self._module.__file__ = str(self._path)
        name = self._module.__name__
        # A hand-in called json.py must not become everybody's json.
        if name.isidentifier() and name not in sys.modules and importlib.util.find_spec(name) is None:
            sys.modules[name] = self._module
        # At the end, so that a student's torch.py is found only if there is no other.
        sys.path.append(str(self._path.parent))
        lines = self._source.splitlines(keepends=True)
        linecache.cache[str(self._path)] = (len(self._source), None, lines, str(self._path))
        sys.argv = [str(self._path)]
        builtins.input = no_input
        colab.stand_in()
        for name in ("SIGINT", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._interrupt)

    def _interrupt(self, _signal: int, _frame: types.FrameType | None) -> None:
        # Only student code is interrupted; a late signal must not hit the code that answers.
        if self._armed:
            self._armed = False
            raise KeyboardInterrupt

    def run(self, _request: dict[str, Any]) -> tuple[dict[str, object], bytes]:
        """Return ``errors``: none, or the one exception that ended the module."""
        errors: list[list[str]] = []
        self._armed = True
        try:
            try:
                self._execute(errors)
            finally:
                self._armed = False
        except KeyboardInterrupt as error:
            errors = [self._describe(error)]
        return {"errors": errors}, b""

    def _execute(self, errors: list[list[str]]) -> None:
        try:
            code = compile(self._source, str(self._path), "exec", dont_inherit=True)
            exec(code, self._namespace)  # noqa: S102 - running student code is what this process is for
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - SystemExit and everything else is the student's
            errors.append(self._describe(error))

    def _describe(self, error: BaseException) -> list[str]:
        message = encode.safe_text(error)
        if isinstance(error, SystemExit):
            message = "called exit(); what follows was not run"
        trace.hide(error)
        return [
            f"line {self._line(error)}",
            encode.type_name(error),
            message,
            _format(error, self._path.parent),
        ]

    def _line(self, error: BaseException) -> int:
        if isinstance(error, SyntaxError) and error.filename == str(self._path) and error.lineno is not None:
            return error.lineno
        line = 1
        for frame, number in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename == str(self._path):
                line = number
        return line

    def observe(self, request: dict[str, Any], blob: bytes) -> tuple[bytes, bytes]:
        """Return header and blob that answer one probe."""
        return observe.answer(self._namespace, request, blob)


def no_input(_prompt: object = "") -> NoReturn:
    """Stand in for ``input``. Raises RuntimeError always."""
    raise RuntimeError("input() is not available while grading: assign the value in the code instead")


def _format(error: BaseException, folder: Path) -> str:
    try:
        text = "".join(traceback.format_exception(error, limit=-20))
    except Exception:  # noqa: BLE001 - formatting calls the exception's own methods
        return ""
    return text.replace(f"{folder}{os.sep}", "")[-MAX_TRACEBACK_CHARS:]
