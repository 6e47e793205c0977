"""nbgrader's trees: ``submitted/{student}/{assignment}/`` of a course, and ``inbound/`` of its exchange.

In the exchange every attempt has a folder ``{student}+{assignment}+{time}[+{random}]``. ``timestamp.txt`` in a folder
says when it was handed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from grader.errors import UsageError
from grader.importers.handins import Child, Delivery, Found, HandIn, Piece, Settings
from grader.model import Origin

_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})? (?:[A-Za-z]+|[+-]\d\d:?\d\d)"
_ATTEMPT = re.compile(rf"(?P<student>[^+]+)\+(?P<assignment>[^+]+)\+(?P<time>{_TIME})(?:\+.*)?")
_STAMP = "timestamp.txt"
_UNIVERSAL = ("UTC", "GMT", "Z")


def recognise(delivery: Delivery) -> bool:
    """Return whether this is a course with ``submitted``, that folder itself, or the exchange's ``inbound``."""
    tree = _submitted(delivery)
    folders = [one for one in tree.children() if one.is_folder]
    inner = [one for folder in folders for one in tree.inner(folder).children()]
    if tree is not delivery:
        return any(one.is_folder for one in inner)
    return any(_ATTEMPT.fullmatch(one.name) for one in folders) or any((one.path / _STAMP).is_file() for one in inner)


def find(delivery: Delivery, settings: Settings) -> Found:
    """Return a hand-in for each attempt. Raises UsageError when none is for the assignment."""
    tree = _submitted(delivery)
    attempts = list(_attempts(tree))
    names = sorted({assignment for _, assignment, *_ in attempts})
    wanted = settings.assignment if settings.assignment in names or len(names) != 1 else names[0]
    if wanted not in names:
        found = ", ".join(names) or "none"
        raise UsageError(f"{delivery.source}: holds no assignment {wanted!r}; assignments found: {found}")
    hand_ins = []
    for student, assignment, child, place, time in attempts:
        if assignment == wanted:
            origin = Origin("nbgrader", student, student, (student,), "", delivery.archive, (child.name,))
            source, pieces = place.shown(child.path), (Piece(child.path),)
            hand_ins.append(HandIn(student, (student,), source, pieces, origin, time or _stamp(child.path)))
    notes = () if wanted == settings.assignment else (f"the only assignment here is taken: {wanted}",)
    return Found(tuple(hand_ins), notes=notes)


def _submitted(delivery: Delivery) -> Delivery:
    for child in delivery.children():
        if child.name == "submitted" and child.is_folder:
            return delivery.inner(child)
    return delivery


def _attempts(tree: Delivery) -> Iterator[tuple[str, str, Child, Delivery, datetime | None]]:
    """Yield student, assignment, folder, the place it lies in, and the time that its name tells."""
    for child in tree.children():
        match = _ATTEMPT.fullmatch(child.name)
        if match:
            yield match["student"], match["assignment"], child, tree, _time(match["time"])
        elif child.is_folder:
            inner = tree.inner(child)
            for one in inner.children():
                if one.is_folder:
                    yield child.name, one.name, one, inner, None


def _stamp(folder: Path) -> datetime | None:
    path = folder / _STAMP
    if path.is_symlink() or not path.is_file() or path.stat().st_size > 1_000:
        return None
    return _time(path.read_text(encoding="utf-8", errors="replace").strip())


def _time(text: str) -> datetime | None:
    """Return the time that nbgrader wrote; None where its zone has only a name, which could mean several."""
    day, _, zone = text.rpartition(" ")
    try:
        time = datetime.fromisoformat(f"{day}{'+00:00' if zone in _UNIVERSAL else zone}")
    except ValueError:
        return None
    return time if time.tzinfo else None
