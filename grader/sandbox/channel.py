"""The trusted end of the pipes: requests with nonces, answers with deadlines and caps, and a bounded log."""

from __future__ import annotations

import contextlib
import json
import queue
import secrets
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import IO, Any

from grader.errors import ProtocolError
from grader.sandbox.base import Answer, DeadlineError, ProcessEndedError
from grader.sandbox.inside import frames

_CHUNK_BYTES = 64 * 1024
_QUEUED_CHUNKS = 64
_LOOK_SECONDS = 0.1
#: A header with more separators than this is refused before it is parsed: parsing multiplies its size.
_MAX_SEPARATORS = 2_500_000


class PipeChannel:
    """Implements ``Channel`` over two byte pipes. A thread reads, so that waiting works on every system."""

    def __init__(self, to_process: IO[bytes], from_process: IO[bytes], is_alive: Callable[[], bool]) -> None:
        self._to, self._from, self._is_alive = to_process, from_process, is_alive
        self._chunks: queue.Queue[bytes] = queue.Queue(_QUEUED_CHUNKS)
        self._buffer = bytearray()
        self._nonce = ""
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True, name="grade-channel")
        self._thread.start()

    def send(self, op: str, fields: Mapping[str, object], blob: bytes = b"") -> None:
        """Send one request with a fresh nonce. Raises ProcessEndedError, ProtocolError."""
        if self._buffer or (not self._chunks.empty() and self._chunks.queue[0]):
            raise ProtocolError(f"before {op!r} was sent: bytes arrived that nobody had asked for")
        self._nonce = secrets.token_hex(16)
        frame = memoryview(frames.pack({**fields, "op": op, "nonce": self._nonce}, blob))
        try:
            while frame:
                frame = frame[self._to.write(frame) :]
        except (OSError, ValueError) as error:
            raise ProcessEndedError(f"request {op!r} could not be sent: {error}") from error

    def receive(self, seconds: float, max_blob_bytes: int) -> Answer:
        """Return the answer to the last request. Raises DeadlineError, ProcessEndedError, ProtocolError."""
        deadline = time.monotonic() + seconds
        self._fill(frames.PREFIX.size, deadline)
        try:
            header_bytes, blob_bytes = frames.lengths(bytes(self._buffer[: frames.PREFIX.size]), max_blob_bytes)
        except frames.FrameError as error:
            raise ProtocolError(f"answer refused: {error}") from error
        start = frames.PREFIX.size
        self._fill(start + header_bytes + blob_bytes, deadline)
        header = bytes(self._buffer[start : start + header_bytes])
        blob = bytes(self._buffer[start + header_bytes : start + header_bytes + blob_bytes])
        del self._buffer[: start + header_bytes + blob_bytes]
        return Answer(self._checked(parse_header(header)), blob)

    def _checked(self, fields: dict[str, Any]) -> dict[str, Any]:
        nonce, self._nonce = self._nonce, ""
        if not nonce or fields.pop("nonce", None) != nonce:
            raise ProtocolError("answer refused: it does not carry the nonce of the request")
        if self._buffer:
            raise ProtocolError("answer refused: more bytes follow it than it announced")
        return fields

    def _fill(self, count: int, deadline: float) -> None:
        while len(self._buffer) < count:
            left = deadline - time.monotonic()
            try:
                chunk = self._chunks.get(timeout=max(0.0, min(left, _LOOK_SECONDS)))
            except queue.Empty:
                # A stray grandchild may hold the pipe open, so that its end alone does not tell.
                if not self._is_alive():
                    raise ProcessEndedError("the process ended before it answered") from None
                if left <= 0:
                    raise DeadlineError("no answer in time") from None
                continue
            if not chunk:
                self._chunks.put(b"")
                raise ProcessEndedError("the process closed its pipe before it answered")
            self._buffer += chunk

    def _read(self) -> None:
        """Pass on what arrives, at most a few MiB ahead of the reader; an empty chunk marks the end."""
        chunk = b"-"
        while chunk and not self._closed.is_set():
            try:
                chunk = self._from.read(_CHUNK_BYTES)
            except (OSError, ValueError):
                chunk = b""
            self._pass_on(chunk or b"")
        self._from.close()

    def _pass_on(self, chunk: bytes) -> None:
        while not self._closed.is_set():
            try:
                self._chunks.put(chunk, timeout=0.5)
            except queue.Full:
                continue
            return

    def close(self) -> None:
        """Close both pipes. The process must be dead."""
        self._closed.set()
        with contextlib.suppress(OSError):  # a broken pipe is closed, too
            self._to.close()
        self._thread.join(timeout=1.0)


def parse_header(header: bytes) -> dict[str, Any]:
    """Return a header as a mapping. Raises ProtocolError for anything but a JSON object within its caps."""
    separators = header.count(b",") + header.count(b"[") + header.count(b"{")
    if separators > _MAX_SEPARATORS:
        raise ProtocolError(f"header refused: {separators} separators, at most {_MAX_SEPARATORS} expected")
    try:
        fields = json.loads(header.decode("ascii"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"header refused: not JSON ({type(error).__name__})") from None
    if not isinstance(fields, dict):
        raise ProtocolError(f"header refused: a JSON object expected, found {type(fields).__name__}")
    return fields


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class LogDrain:
    """Reads a pipe to its end and keeps only the first ``max_bytes``, so that endless printing is cheap."""

    def __init__(self, pipe: IO[bytes], max_bytes: int) -> None:
        self._pipe, self._max_bytes = pipe, max_bytes
        self._kept = bytearray()
        self._cut_bytes = 0
        self._is_sealed = False
        self._thread = threading.Thread(target=self._read, daemon=True, name="grade-log")
        self._thread.start()

    def _read(self) -> None:
        while chunk := self._pipe.read(_CHUNK_BYTES):
            if self._is_sealed:
                continue
            room = self._max_bytes - len(self._kept)
            self._kept += chunk[:room]
            self._cut_bytes += max(0, len(chunk) - room)
        self._pipe.close()

    def seal(self, seconds: float = 0.5) -> None:
        """Keep nothing of what is printed from now on. Waits up to ``seconds`` for what was printed before."""
        deadline = time.monotonic() + (0.0 if self._is_sealed else seconds)
        while _waiting_bytes(self._pipe) and time.monotonic() < deadline:
            time.sleep(0.002)
        self._is_sealed = True

    def text(self, seconds: float = 1.0) -> str:
        """Return what was kept, and how much was cut. Waits up to ``seconds`` for the pipe's end."""
        self._thread.join(timeout=seconds)
        kept = bytes(self._kept).decode("utf-8", errors="replace")
        return f"{kept}\n[{self._cut_bytes} more bytes were printed and not kept]\n" if self._cut_bytes else kept


def _waiting_bytes(pipe: IO[bytes]) -> int:
    """Return how many bytes can be read at once; 0 where the system does not tell."""
    try:
        import fcntl  # noqa: PLC0415
        import termios  # noqa: PLC0415
    except ImportError:  # Windows
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)
    except (OSError, ValueError):  # closed
        return 0
