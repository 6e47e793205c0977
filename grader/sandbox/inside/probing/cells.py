"""Keeps from being counted that Keras runs the cell of a recurrent layer once more than there are steps."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from . import objects


class Cells:
    """Cells of recurrent layers of Keras that are running, the innermost last, each with the operations of its runs."""

    def __init__(self) -> None:
        self._running: list[tuple[Any, list[slice]]] = []

    def run(self, layer: Any, given: Any, noted: list[Any], action: Callable[[], Any]) -> Any:
        """Return what ``action``, a call of ``layer`` on ``given``, returns; its operations come into ``noted``.

        Of a recurrent layer they are those of its steps: Keras runs its cell before them, to learn what a step makes.
        """
        if self._running and self._running[-1][0] is layer:
            before = len(noted)
            result = action()
            self._running[-1][1].append(slice(before, len(noted)))
            return result
        if not isinstance(layer, sys.modules["keras.layers"].RNN):
            return action()
        runs: list[slice] = []
        self._running.append((layer.cell, runs))
        try:
            result = action()
        finally:
            self._running.pop()
        if len(runs) > objects.tensors_in(given)[0].shape[1]:
            del noted[runs[0]]
        return result
