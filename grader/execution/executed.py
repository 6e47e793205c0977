"""The executed notebook, put together on the trusted side from what the sandbox answers, cell by cell.

Only outputs come from the sandbox, and they are student-made: they are decoded strictly, capped, and never scored.
Sources and counts are this side's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from grader.errors import ProtocolError

#: JSON with more separators than this, those in strings not counted, is refused: decoding multiplies its size.
_MAX_SEPARATORS = 2_500_000
_MAX_DEPTH = 64
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_CUT = {"output_type": "stream", "name": "stderr", "text": "[output cut here: the notebook's outputs are too large]\n"}


class ExecutedNotebook:
    """The notebook ``source`` (format 4, as JSON) with the outputs known so far, at most ``max_bytes`` as JSON."""

    def __init__(self, source: str, max_bytes: int) -> None:
        self._notebook = json.loads(source)
        self._max_bytes = max_bytes
        self._bytes: dict[int, int] = {}

    def cells(self) -> Iterator[tuple[int, int]]:
        """Return number, from 1, and index of each cell to be run."""
        cells = enumerate(self._notebook["cells"])
        return enumerate((index for index, cell in cells if cell["cell_type"] == "code" and cell["source"].strip()), 1)

    def begin(self, number: int, index: int) -> None:
        """Note that a cell is being run: from now on, outputs are taken for it."""
        self._notebook["cells"][index]["execution_count"] = number
        self._bytes[index] = 0

    def take(self, blob: bytes) -> None:
        """Put in the outputs of an answer: a JSON list of pairs, a begun cell's index and all its outputs.

        Raises ProtocolError for anything else; then nothing is put in.
        """
        found = _decoded(blob)
        for index, outputs in found:
            if type(index) is not int or index not in self._bytes:
                raise ProtocolError("outputs refused: they are for a cell that was not run")
            if not isinstance(outputs, list) or not all(map(_is_output, outputs)):
                raise ProtocolError("outputs refused: they are not what a notebook keeps")
        for index, outputs in found:
            self._put(index, outputs)

    def _put(self, index: int, outputs: list[Any]) -> None:
        self._bytes[index] = 0
        size = len(json.dumps(outputs))
        if sum(self._bytes.values()) + size > self._max_bytes:
            outputs, size = [_CUT], 0
        self._bytes[index] = size
        self._notebook["cells"][index]["outputs"] = outputs

    def log(self, max_chars: int) -> str:
        """Return the beginning of what was printed."""
        printed = (
            output["text"]
            for index in self._bytes
            for output in self._notebook["cells"][index]["outputs"]
            if output["output_type"] == "stream"
        )
        return "".join(printed)[:max_chars]

    def text(self) -> str:
        """Return the notebook as JSON."""
        return json.dumps(self._notebook)


def _decoded(blob: bytes) -> list[list[Any]]:
    """Return pairs. Raises ProtocolError."""
    if _separators(blob) > _MAX_SEPARATORS and _separators(_STRING.sub(b"", blob)) > _MAX_SEPARATORS:
        raise ProtocolError(f"outputs refused: more than {_MAX_SEPARATORS} separators")
    try:
        found = json.loads(blob.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"outputs refused: not JSON ({type(error).__name__})") from None
    if not isinstance(found, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in found):
        raise ProtocolError("outputs refused: a list of pairs expected")
    if _is_deeper(found, _MAX_DEPTH):
        raise ProtocolError(f"outputs refused: nested more than {_MAX_DEPTH} levels deep")
    return found


def _separators(data: bytes) -> int:
    return data.count(b",") + data.count(b"[") + data.count(b"{")


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, list | dict):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(part, levels - 1) for part in inner)


def _is_output(output: object) -> bool:
    """Return whether this is an output as format 4 has them: its kind, exactly its keys, their types."""
    match output:
        case {"output_type": "stream", "name": "stdout" | "stderr", "text": str(), **rest}:
            return not rest
        case {"output_type": "display_data", "data": dict(), "metadata": dict(), **rest}:
            return not rest
        case {"output_type": "execute_result", "data": dict(), "metadata": dict(), "execution_count": int(), **rest}:
            return not rest
        case {"output_type": "error", "ename": str(), "evalue": str(), "traceback": list() as trace, **rest}:
            return not rest and all(isinstance(line, str) for line in trace)
    return False
