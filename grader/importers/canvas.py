"""Canvas's "Download Submissions": files without folders, whose names say whose they are.

Uploads are ``{name}[_LATE]_{user id}_{attachment id}_{file}``, text and links ``…_{user id}_text.html`` and
``…_link.html``; anonymous ones begin ``[LATE_]anon_{id}``. ``name`` is the sortable name without anything that is no
letter or digit. Source: Canvas, lib/content_zipper.rb.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath

from grader.importers.handins import Child, Delivery, Found, HandIn, Piece, Settings, outside, readable_id
from grader.model import Origin

_NAME = re.compile(
    r"(?:(?P<name>(?!LATE[_-])[\w-]+?)[_-])?(?:(?P<late>LATE)[_-])?(?P<user>\d+|anon_[A-Za-z0-9]+)_"
    r"(?:(?P<attachment>\d+)_(?P<file>.+)|(?P<kind>text|link)\.html)",
    re.IGNORECASE | re.DOTALL,
)
_EXPECTED = "NAME_USER_ATTACHMENT_FILE"
_AGAIN = re.compile(r"(?P<stem>.+)-\d+$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Part:
    """One file of somebody's; ``number`` grows with every upload."""

    child: Child
    name: str
    number: int
    label: str
    late: bool


def recognise(delivery: Delivery) -> bool:
    """Return whether there are only files here, and most are named as Canvas names them."""
    children = delivery.children()
    named = [child for child in children if _NAME.fullmatch(child.name)]
    return not any(child.is_folder for child in children) and len(named) > len(children) / 2


def find(delivery: Delivery, settings: Settings) -> Found:
    """Return a hand-in for each user. Of a file that was uploaded again, one upload counts."""
    parts: dict[str, list[_Part]] = defaultdict(list)
    problems = []
    for child in delivery.children():
        match = None if child.is_folder else _NAME.fullmatch(child.name)
        if match is None:
            problems.append(outside(child, delivery, _EXPECTED))
            continue
        name = match["file"] or f"{match['kind'].lower()}.html"
        number = int(match["attachment"] or 0)
        parts[match["user"]].append(_Part(child, name, number, match["name"] or "", bool(match["late"])))
    hand_ins, notes = [], []
    for user, mine in parts.items():
        counted = _counted(mine, first=settings.attempts == "first")
        hand_ins.append(_hand_in(user, counted, delivery))
        left = [part.child.name for part in mine if part not in counted]
        if left:
            notes.append(f"{hand_ins[-1].id}: uploaded again, so these do not count: {', '.join(left)}")
    return Found(tuple(hand_ins), tuple(problems), tuple(notes))


def _counted(parts: list[_Part], *, first: bool) -> list[_Part]:
    """Return one upload of each file. ``work-1.py`` is ``work.py`` again only where that is there as well."""
    names = {part.name for part in parts}
    uploads: dict[str, list[_Part]] = defaultdict(list)
    for part in parts:
        path = PurePosixPath(part.name)
        again = _AGAIN.fullmatch(path.stem)
        original = f"{again['stem']}{path.suffix}" if again else part.name
        uploads[original if original in names else part.name].append(part)
    chosen = min if first else max
    return [chosen(same, key=lambda part: part.number) for same in uploads.values()]


def _hand_in(user: str, parts: list[_Part], delivery: Delivery) -> HandIn:
    label = next((part.label for part in parts if part.label), "")
    raw = tuple(delivery.raw_name(part.child.name) for part in parts)
    late = any(part.late for part in parts)
    origin = Origin("canvas", user, label, (user,), archive=delivery.archive, raw_names=raw, late=late)
    pieces = tuple(Piece(part.child.path, part.name) for part in parts)
    return HandIn(readable_id(label, user), (label or user,), delivery.shown(parts[0].child.path), pieces, origin)
