"""What every rung of confinement offers: a name, and a confined process that answers requests.

A new rung (namespaces, a container, a fork from a warm process) implements :class:`Sandbox` and
:class:`Confined`; nothing above this package changes.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

from grader.errors import SandboxError
from grader.model import Limits

#: Why the sandbox itself ended a process; empty while it has not. ``lost``: what it depended on died.
KillReason = Literal["", "memory", "cancelled", "closed", "lost"]


class DeadlineError(SandboxError):
    """No complete answer came in time. The same answer can be waited for again."""


class ProcessEndedError(SandboxError):
    """The confined process ended, or closed its pipe, before it answered."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung of the ladder on this machine: ``reason`` says why not, or what it promises."""

    name: str
    available: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoded header, whose nonce was right, and the raw blob. Its other fields are still untrusted."""

    fields: Mapping[str, Any]
    blob: bytes


class Channel(Protocol):
    """Requests and answers, one at a time."""

    def send(self, op: str, fields: Mapping[str, object], blob: bytes = b"") -> None:
        """Send one request with a fresh nonce.

        Raises ProcessEndedError if nobody reads, ProtocolError if bytes arrived unasked.
        """

    def receive(self, seconds: float, max_blob_bytes: int) -> Answer:
        """Return the answer to the last request.

        Raises DeadlineError after ``seconds`` (call again to go on waiting), ProcessEndedError at the
        end of the stream, ProtocolError for anything but the answer, or a blob over ``max_blob_bytes``.
        """


class Confined(Protocol):
    """One confined process tree with its private folder. A context manager: leaving it removes both."""

    @property
    def channel(self) -> Channel:
        """The way to ask."""

    @property
    def kill_reason(self) -> KillReason:
        """Why the sandbox ended the process, if it did."""

    def peak_bytes(self) -> int:
        """Return the most memory that it was seen to use; 0 where nobody looks."""

    def exit_words(self) -> str:
        """Return how the process ended, in words. Waits a moment for it."""

    def seal_log(self) -> None:
        """Keep nothing of what is printed from now on: student code is about to see inputs that are not for show."""

    def interrupt(self) -> None:
        """Ask student code to stop, as Ctrl-C does."""

    def kill(self) -> None:
        """End the whole process tree at once."""

    def close(self) -> str:
        """End the tree, remove the folder, and return what was printed, capped. May be called twice."""

    def __enter__(self) -> Self:
        """Return itself."""

    def __exit__(self, *_: object) -> None:
        """Close."""


class Sandbox(Protocol):
    """A rung of confinement that can be used on this machine."""

    @property
    def name(self) -> str:
        """The rung's name, recorded with every run."""

    def launch(self, limits: Limits, cancel: threading.Event | None = None) -> Confined:
        """Return a fresh confined process, ready for ``load``. It is killed when ``cancel`` is set.

        Raises SandboxError if it cannot be set up: never falls back to less.
        """


class ClosableSandbox(Sandbox, Protocol):
    """A rung that may keep something running between jobs."""

    def close(self) -> None:
        """End what is kept running. May be called twice."""
