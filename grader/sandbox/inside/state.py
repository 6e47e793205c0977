"""What every job begins with: the same random numbers and the right way to draw, whatever ran before."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType

INLINE_BACKEND = "module://matplotlib_inline.backend_inline"


def seed(number: int) -> None:
    """Seed every generator of random numbers: those that are loaded now, the others when they are imported."""
    random.seed(number)
    after_import({"numpy.random": lambda: _seed_numpy(number), "torch": lambda: _seed_torch(number)})


def after_import(actions: Mapping[str, Callable[[], None]]) -> None:
    """Act for each module by name: now where it is loaded, otherwise when it is imported."""
    for name, action in actions.items():
        if name in sys.modules:
            action()
    later = {name: action for name, action in actions.items() if name not in sys.modules}
    if later:
        sys.meta_path.insert(0, _AfterImport(later))


def _seed_numpy(number: int) -> None:
    sys.modules["numpy.random"].seed(number % 2**32)


def _seed_torch(number: int) -> None:
    # Not torch.manual_seed, which looks for accelerators.
    sys.modules["torch"].default_generator.manual_seed(number)


class _AfterImport(importlib.abc.MetaPathFinder):
    """Calls a function once, after the module of that name was imported."""

    def __init__(self, actions: dict[str, Callable[[], None]]) -> None:
        self._actions = actions

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec that others find, with a loader that acts afterwards; None for all other modules."""
        action = self._actions.pop(name, None)
        if action is None:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _ActingLoader(spec.loader, action)
                return spec
        return None


class _ActingLoader(importlib.abc.Loader):
    """Another loader, and an action after it."""

    def __init__(self, loader: importlib.abc.Loader, action: Callable[[], None]) -> None:
        self._loader, self._action = loader, action

    def __getattr__(self, name: str) -> object:
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """Return what the loader makes."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Load the module, hand it back to its own loader, and act. An action that fails changes nothing."""
        self._loader.exec_module(module)
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        try:
            self._action()
        except Exception:  # noqa: BLE001 - a file of the student's may have that name
            return


def use_backend(name: str) -> None:
    """Have matplotlib draw with ``name``, whether it is imported already or will be."""
    os.environ["MPLBACKEND"] = name
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is not None:
        matplotlib.rcParams["backend"] = name
