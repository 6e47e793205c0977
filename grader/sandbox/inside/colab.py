"""What notebooks bring along from Google Colab: installing, its magics and its module do nothing here, and say so.

Without this a first cell such as ``!pip install …`` would wait for a network that is not there until all time is
spent, and ``%tensorflow_version 2.x`` or ``from google.colab import drive`` would cost the rest of their cell.
"""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.machinery
import linecache
import re
import sys
from collections.abc import Callable, Sequence
from types import FrameType, ModuleType
from typing import Any

_INSTALLS = re.compile(
    r"\s*(sudo\s+)?(\S*python[\d.]*\S*\s+-m\s+|uv\s+)?(pip[\d.]*|conda|mamba|apt|apt-get)\s+(-\S+\s+)*"
    r"(install|uninstall|update|upgrade)\b",
)
_BETWEEN_COMMANDS = re.compile(r"&&|\|\||;")
#: Magics that stand in notebooks for the sake of other places.
_MAGICS = ("tensorflow_version", "tensorboard", "grade", "conda")
#: Extensions that bring such magics.
_EXTENSIONS = ("tensorboard", "grader")
_COLAB = "google.colab"
#: ``grader`` is what a notebook checks itself with; here it may be out of reach.
_STAND_INS = frozenset({"google", "grader"})
#: What calls return that are used further; others return None.
_RETURNED: dict[str, Callable[[], object]] = {
    "google.colab.files.upload": dict,
    "google.colab.userdata.get": str,
}


def skipped(command: str) -> str:
    """Return what to say instead of running a shell command that only installs; empty for all others."""
    if all(_INSTALLS.match(part) for part in _BETWEEN_COMMANDS.split(command)):
        return f"[not run: {' '.join(command.split())[:200]}. Nothing is installed while a hand-in is checked.]"
    return ""


def prepare(shell: Any) -> None:
    """Give IPython's ``shell`` the magics, an ``%load_ext`` without what brings these, and the module."""
    for name in _MAGICS:
        shell.register_magic_function(_magic(name), "line_cell", name)
    shell.register_magic_function(_load_extension(shell), "line", "load_ext")
    shell.register_magic_function(lambda line, cell=None: shell.system(cell or line), "line_cell", "shell")
    stand_in()


def _magic(name: str) -> Callable[..., None]:
    def nothing(line: str, cell: str | None = None) -> None:
        del line, cell
        _say(f"%{name}")

    return nothing


def _load_extension(shell: Any) -> Callable[[str], None]:
    found = shell.find_line_magic("load_ext")

    def load_ext(line: str) -> None:
        if line.strip() in _EXTENSIONS:
            _say(f"%load_ext {line.strip()}")
        else:
            found(line)

    return load_ext


def stand_in() -> None:
    """Make ``google.colab`` importable, where it is not and is not imported to find out whether this is Colab."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())


def _say(what: str) -> None:
    sys.stdout.write(f"[{what} does nothing while a hand-in is checked.]\n")


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Asked last: finds ``google.colab`` and all below it, and ``google`` and ``grader`` if there are none."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of a stand-in; None for other modules, and where a failure to import is expected."""
        del path, target
        if name.partition(".")[0] not in _STAND_INS or (name.startswith("google.") and not _is_colab(name)):
            return None
        if _is_tried(sys._getframe(1)):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """Return None: an ordinary module will do."""
        del spec
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Let every name of ``google.colab`` be a module, and every name of those a function that does nothing."""

        def find(name: str) -> object:
            if name.startswith("__") or module.__name__ == "google":
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            if module.__name__ == _COLAB:
                return importlib.import_module(f"{_COLAB}.{name}")
            return _nothing(f"{module.__name__}.{name}")

        module.__getattr__ = find  # type: ignore[method-assign]


def _is_colab(name: str) -> bool:
    return f"{name}.".startswith(f"{_COLAB}.")


def _nothing(name: str) -> Callable[..., object]:
    def call(*_: object, **__: object) -> object:
        _say(name)
        return _RETURNED[name]() if name in _RETURNED else None

    return call


def _is_tried(frame: FrameType | None) -> bool:
    """Return whether the module is only asked for, or its import stands in a ``try``: then a failure is an answer."""
    while frame is not None and "importlib" in frame.f_code.co_filename:
        if "util" in frame.f_code.co_filename:  # importlib.util.find_spec
            return True
        frame = frame.f_back
    if frame is None:
        return False
    try:
        tree = ast.parse("".join(linecache.getlines(frame.f_code.co_filename)))
    except (SyntaxError, ValueError, RecursionError):
        return False
    line = frame.f_lineno
    return any(
        node.body[0].lineno <= line <= (node.body[-1].end_lineno or 0)
        for node in ast.walk(tree)
        if isinstance(node, ast.Try) and node.handlers
    )
