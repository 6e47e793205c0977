"""What every format of a download is read from, and what it is read into."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from grader.errors import Problem
from grader.importers.names import IGNORED
from grader.model import Origin, Submission

Attempts = Literal["latest", "in-time", "first", "best"]


@dataclass(frozen=True, slots=True)
class Intake:
    """What was found: submissions that can be graded, those that a person must sort out first, and all problems.

    ``format`` says as what it was read; ``notes`` say what was decided on the way, and need nobody.
    """

    submissions: tuple[Submission, ...]
    unresolved: tuple[Submission, ...]
    problems: tuple[Problem, ...]
    format: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked for: the assignment's id and deadline, which of several attempts counts, and a tag of Git."""

    assignment: str
    deadline: datetime | None = None
    attempts: Attempts = "latest"
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Child:
    """A file or folder at the top of a delivery; one that was refused is not there, and still somebody's."""

    name: str
    path: Path
    is_folder: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was downloaded: a folder, or an archive that was unpacked into ``folder``.

    ``source`` stands for the folder in messages. ``refused`` are names in an archive of what was not unpacked, ``raw``
    those that it spells otherwise. ``store`` is where more may be unpacked.
    """

    folder: Path
    source: str
    store: Path
    archive: str = ""
    refused: tuple[str, ...] = ()
    raw: Mapping[str, str] = field(default_factory=dict)

    def children(self) -> list[Child]:
        """Return what lies at the top, by name, without what tools leave behind. Raises OSError."""
        found = {}
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            if not path.name.startswith(".") and path.name not in IGNORED:
                found[path.name] = Child(readable(path.name), path, path.is_dir() and not path.is_symlink())
        for name in self.refused:
            first, _, rest = name.partition("/")
            if first:
                found.setdefault(first, Child(first, self.folder / first, bool(rest)))
        return sorted(found.values(), key=lambda child: child.name)

    def inner(self, child: Child) -> Delivery:
        """Return the folder ``child`` as a delivery of its own."""
        prefix = f"{child.name}/"
        refused = tuple(name.removeprefix(prefix) for name in self.refused if name.startswith(prefix))
        raw = {
            name.removeprefix(prefix): spelled.partition("/")[2]
            for name, spelled in self.raw.items()
            if name.startswith(prefix)
        }
        return Delivery(child.path, f"{self.source}/{child.name}", self.store, self.archive, refused, raw)

    def shown(self, path: Path) -> str:
        """Return how messages name ``path``, which lies in this delivery."""
        inside = path.is_relative_to(self.folder)
        return readable(f"{self.source}/{path.relative_to(self.folder).as_posix()}") if inside else readable(str(path))

    def raw_name(self, name: str) -> str:
        """Return how the archive spells ``name``."""
        return self.raw.get(name, name)


@dataclass(frozen=True, slots=True)
class Piece:
    """A folder of a hand-in, with all that is in it; or a file, with the ``name`` that its author gave it."""

    path: Path
    name: str = ""


@dataclass(frozen=True, slots=True)
class HandIn:
    """One attempt of somebody's, as a format found it. ``dated``: files on this disk tell when it was handed in.

    ``unread`` names files that were handed in and cannot be read.
    """

    id: str
    people: tuple[str, ...]
    source: str
    pieces: tuple[Piece, ...]
    origin: Origin
    received: datetime | None = None
    dated: bool = False
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What a format found in a delivery."""

    hand_ins: tuple[HandIn, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def readable(name: str) -> str:
    """Return a file name as NFC text; bytes that are no UTF-8 become replacement characters."""
    # Not `os.fsencode`: where the system's encoding is ASCII, that refuses what has been made readable before.
    raw = name.encode("utf-8", sys.getfilesystemencodeerrors())
    return unicodedata.normalize("NFC", raw.decode("utf-8", "replace"))


def readable_id(label: str, number: str) -> str:
    """Return an id that is unique because ``number`` is, readable because of ``label``, and fit for any page's name."""
    plain = unicodedata.normalize("NFKD", label.casefold()).encode("ascii", "ignore").decode("ascii")
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")
    return "-".join(part for part in (words, number) if part) or "nameless"


def outside(child: Child, delivery: Delivery, expected: str) -> Problem:
    """Return the problem that ``child`` is nobody's, in a delivery that holds ``expected``."""
    message = f"is not named as this format has it ({expected}), so nobody knows whose it is; it was not graded"
    return Problem(delivery.shown(child.path), message)
