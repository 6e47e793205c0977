"""The outputs of a notebook's cells, as Jupyter would save them, capped as they are produced."""

from __future__ import annotations

import base64
import json
import os
import re
import select
import threading
from typing import Any

from .meter import CUT_IN_TOTAL, Meter, size

#: What a terminal, and nbclient, make of a carriage return: the rest of the line is overwritten.
_CARRIAGE_RETURN = re.compile(r".*\r(?=[^\n])")
_CHUNK_BYTES = 64 * 1024


class Transcript:
    """Collects the outputs of cells. ``max_cell_chars`` caps each cell's text, ``max_chars`` the sum."""

    def __init__(self, max_cell_chars: int, max_chars: int) -> None:
        self._meter = Meter()
        self._meter.max_chars = max_cell_chars
        self._left = max_chars
        self._cut = False
        self._clear_next = False
        self._index = -1  # no cell
        self._cells: dict[int, list[dict[str, Any]]] = {}
        self._changed: set[int] = set()
        self._shown: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        self._outputs: list[dict[str, Any]] = []
        self._lock = threading.RLock()

    def begin(self, index: int) -> None:
        """Start the cell ``index``: what comes now is its output."""
        with self._lock:
            self._meter.reset()
            self._index, self._outputs, self._clear_next = index, [], False
            self._cells[index] = self._outputs
            self._changed.add(index)

    def changed(self) -> dict[int, list[dict[str, Any]]]:
        """Return all outputs of each cell that has begun or changed since this was last asked, by the cell's index."""
        with self._lock:
            found = {index: finished(self._cells[index]) for index in sorted(self._changed & self._cells.keys())}
            self._changed.clear()
            return found

    def stream(self, name: str, text: str) -> str:
        """Add what was printed on ``stdout`` or ``stderr``; return as much of it as was kept."""
        with self._lock:
            kept = self._meter.text(text)
            last = self._outputs[-1] if self._outputs and not self._clear_next else {}
            if kept and last.get("name") == name:
                self._changed.add(self._index)
                if self._fits(kept):
                    last["text"].append(kept)
            elif kept:
                self._add({"output_type": "stream", "name": name, "text": [kept]})
            return kept

    def display(self, data: dict[str, Any], metadata: dict[str, Any], display_id: str | None) -> None:
        """Add what ``display(…)`` showed."""
        with self._lock:
            if self._meter.may_display():
                trimmed = self._meter.trim(_plain(data))
                self._show({"output_type": "display_data", "data": trimmed, "metadata": _plain(metadata)}, display_id)

    def result(self, count: int, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        """Add the value of the cell's last line."""
        with self._lock:
            content = {"data": self._meter.trim(_plain(data)), "metadata": _plain(metadata)}
            self._add({"output_type": "execute_result", "execution_count": count, **content})

    def error(self, name: str, message: str, trace: list[str]) -> None:
        """Add an exception's traceback."""
        with self._lock:
            self._add({"output_type": "error", "ename": name, "evalue": message, "traceback": trace})

    def update(self, display_id: str, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        """Change every output shown under ``display_id``, of earlier cells, too."""
        with self._lock:
            if self._meter.may_display() and self._fits(data):
                for index, output in self._shown.get(display_id, []):
                    self._changed.add(index)
                    output.update(data=self._meter.trim(_plain(data)), metadata=_plain(metadata))

    def clear(self, *, wait: bool) -> None:
        """Remove the cell's outputs, now or when the next one comes."""
        with self._lock:
            self._clear_next = wait
            if not wait:
                self._changed.add(self._index)
                self._outputs.clear()

    def _show(self, output: dict[str, Any], display_id: str | None) -> None:
        self._add(output)
        if display_id is not None:
            self._shown.setdefault(display_id, []).append((self._index, output))

    def _add(self, output: dict[str, Any]) -> None:
        self._changed.add(self._index)
        if self._clear_next:
            self._outputs.clear()
            self._clear_next = False
        if self._fits(output):
            self._outputs.append(output)

    def _fits(self, content: object) -> bool:
        """Take room for ``content``; put a marker where there is none."""
        self._left -= size(content)
        if self._left < 0 and not self._cut:
            self._cut = True
            self._outputs.append({"output_type": "stream", "name": "stderr", "text": [CUT_IN_TOTAL]})
        return self._left >= 0


def finished(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a cell's outputs as nbclient saves them: one stream of each name, stdout before stderr."""
    merged: list[dict[str, Any]] = []
    streams: dict[str, dict[str, Any]] = {}
    for output in outputs:
        if output["output_type"] != "stream":
            merged.append(output)
        elif output["name"] in streams:
            streams[output["name"]]["text"] += output["text"]
        else:
            streams[output["name"]] = {**output, "text": list(output["text"])}
            merged.append(streams[output["name"]])
    for stream in streams.values():
        stream["text"] = _CARRIAGE_RETURN.sub("", "".join(stream["text"]))
    for at in range(len(merged) - 1):
        if [one.get("name") for one in merged[at : at + 2]] == ["stderr", "stdout"]:
            merged[at : at + 2] = reversed(merged[at : at + 2])
    return merged


def packed(cells: dict[int, list[dict[str, Any]]], max_bytes: int) -> bytes:
    """Return cells' outputs as the trusted side takes them; none if they are more than ``max_bytes``."""
    blob = json.dumps(list(cells.items())).encode("ascii")
    return blob if len(blob) <= max_bytes else b"[]"


def _plain(content: Any) -> Any:
    """Return plain data that JSON can hold: bytes as base64, what is strange by the name of its type."""
    if isinstance(content, dict):
        return {str(key): _plain(part) for key, part in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(part) for part in content]
    if isinstance(content, bytes):
        return base64.b64encode(content).decode("ascii")
    return content if content is None or isinstance(content, str | bool | int | float) else type(content).__name__


class Descriptors:
    """Brings what C code and subprocesses write to descriptors 1 and 2 into the transcript, by a thread."""

    def __init__(self, transcript: Transcript, log: int) -> None:
        self._transcript, self._log = transcript, log
        self._wake_read, self._wake = os.pipe()
        self._drained = threading.Event()
        self._names: dict[int, str] = {}
        for number, name in ((1, "stdout"), (2, "stderr")):
            reader, writer = os.pipe()
            os.set_blocking(reader, False)
            os.dup2(writer, number)
            os.close(writer)
            self._names[reader] = name
        threading.Thread(target=self._read, daemon=True, name="output").start()

    def _read(self) -> None:
        poll = select.poll()
        for descriptor in (*self._names, self._wake_read):
            poll.register(descriptor, select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _ in poll.poll()]
            is_asked = self._wake_read in ready and bool(os.read(self._wake_read, 1))
            for descriptor in self._names:
                while self._pass_on(descriptor) and is_asked:
                    pass
            if is_asked:
                self._drained.set()

    def _pass_on(self, descriptor: int) -> bool:
        """Move one chunk into the transcript; return whether there was any."""
        try:
            chunk = os.read(descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            return False
        text = self._transcript.stream(self._names[descriptor], chunk.decode("utf-8", errors="replace"))
        os.write(self._log, text.encode("utf-8", errors="replace"))
        return bool(chunk)

    def drain(self) -> None:
        """Wait until all that was written so far is in the transcript; at most a second."""
        self._drained.clear()
        os.write(self._wake, b".")
        self._drained.wait(1.0)
