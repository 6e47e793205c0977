"""What was handed in, and by whom."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_TOGETHER = re.compile(r"\s*[+&]\s*")


def people_in(labels: Iterable[str]) -> list[str]:
    """Return everybody whom the labels name: a folder's name may name several, as in ``bob + eve``."""
    parts = ((label, _TOGETHER.split(label)) for label in labels)
    return [name for label, names in parts for name in (names if all(names) else [label])]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a hand-in: ``name`` relative to the submission's folder (``/`` between parts, NFC)."""

    name: str
    path: Path
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a hand-in comes from. ``platform`` and ``id`` are its identity: names repeat, and are respelled.

    ``label`` is the name that the platform shows, ``members`` what it knows the people by (numbers, logins, addresses),
    ``group`` the group that handed in. ``archive`` is the file that was downloaded and ``raw_names`` what the hand-in
    is called in it, exactly, for whoever sends feedback back. ``late`` is the platform's own word, if it has one.
    """

    platform: str
    id: str
    label: str = ""
    members: tuple[str, ...] = ()
    group: str = ""
    archive: str = ""
    raw_names: tuple[str, ...] = ()
    late: bool | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """One hand-in to one assignment.

    ``id`` is unique in a batch and readable; ``source`` says where it came from, for messages. ``received`` is None
    where nothing says when; ``attested`` says that a platform or the roster tells it, not only the times of files,
    which copying changes. ``due`` is a later deadline given at the command line.

    ``key`` is what personal numbers hang on: empty for ``id``, else the roster's own name for the person (login, else
    address, number or name) or the group. ``member_keys`` are the same for each of ``people``. ``attempt_of`` is the id
    of what this is one of several attempts of; all are graded, and the best counts.
    """

    id: str
    people: tuple[str, ...]
    assignment: str
    source: str
    files: tuple[SourceFile, ...]
    received: datetime | None = None
    origin: Origin | None = None
    attested: bool = False
    due: datetime | None = None
    key: str = ""
    member_keys: tuple[str, ...] = ()
    attempt_of: str = ""

    @property
    def person(self) -> str:
        """What personal numbers and hidden inputs hang on."""
        return self.key or self.attempt_of or self.id
