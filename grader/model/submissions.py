"""What was handed in, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a hand-in: ``name`` relative to the submission's folder (``/`` between parts, NFC)."""

    name: str
    path: Path
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Submission:
    """One hand-in to one assignment.

    ``id`` is unique in a batch (the folder's name, NFC); ``source`` says where it came from, for messages.
    """

    id: str
    people: tuple[str, ...]
    assignment: str
    source: str
    files: tuple[SourceFile, ...]
    received: datetime | None = None
