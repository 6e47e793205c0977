"""Gradescope's export: ``submission_metadata.yml``, and beside it a folder, or a PDF, for each submission.

The metadata say who handed in what, and when. Several submitters are a group.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from grader.errors import Problem, UsageError
from grader.importers.handins import Delivery, Found, HandIn, Piece, Settings, outside, readable_id
from grader.model import Origin

_METADATA = "submission_metadata.yml"
_NAME = re.compile(r"submission_(?P<id>\d+)(?P<suffix>\.\w+)?")
MAX_METADATA_BYTES = 64 * 1024**2


def recognise(delivery: Delivery) -> bool:
    """Return whether the metadata are here."""
    return (delivery.folder / _METADATA).is_file()


def find(delivery: Delivery, settings: Settings) -> Found:
    """Return a hand-in for each submission. Raises UsageError when the metadata cannot be read."""
    del settings
    known = _metadata(delivery.folder / _METADATA, delivery.shown(delivery.folder / _METADATA))
    problems, hand_ins = [], []
    for child in delivery.children():
        match = _NAME.fullmatch(child.name)
        if child.name == _METADATA:
            continue
        if match is None or child.is_folder == bool(match["suffix"]):
            problems.append(outside(child, delivery, "submission_NUMBER"))
            continue
        where = delivery.shown(child.path)
        entry = known.pop(child.name, None)
        if not isinstance(entry, dict):
            problems.append(Problem(where, f"is not in {_METADATA}; who handed it in is not known (it was graded)"))
            entry = {}
        people = [one for one in entry.get(":submitters") or () if isinstance(one, dict)]
        piece = Piece(child.path, "" if child.is_folder else child.name)
        raw = delivery.raw_name(child.name)
        hand_ins.append(_hand_in(match["id"], people, where, piece, delivery, _time(entry), raw))
    problems += [
        Problem(delivery.source, f"{_METADATA} names {name!r}, which is not here; export the submissions again")
        for name in known
    ]
    return Found(tuple(hand_ins), tuple(problems))


def _hand_in(
    number: str,
    people: list[dict[str, Any]],
    where: str,
    piece: Piece,
    delivery: Delivery,
    received: datetime | None,
    raw: str,
) -> HandIn:
    names = tuple(str(one.get(":name") or one.get(":email") or "?") for one in people)
    members = tuple(str(one.get(":sid") or one.get(":email") or "") for one in people)
    label = ", ".join(names)
    group = label if len(people) > 1 else ""
    origin = Origin("gradescope", number, label, members, group, delivery.archive, (raw,))
    who = names or (f"submission {number}",)
    return HandIn(readable_id(label, number), who, where, (piece,), origin, received)


def _metadata(path: Path, where: str) -> dict[str, Any]:
    try:
        size = path.stat().st_size
        if size > MAX_METADATA_BYTES:
            raise UsageError(f"{where}: has {size} bytes; at most {MAX_METADATA_BYTES} are read")
        data = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{where}: is no YAML ({error}); export the submissions again") from error
    if not isinstance(data, dict):
        raise UsageError(f"{where}: should name the submissions; export them again")
    return {str(name): entry for name, entry in data.items()}


def _time(entry: dict[str, Any]) -> datetime | None:
    """Return when it was handed in; a time without zone is UTC, as Gradescope writes it."""
    time = entry.get(":created_at")
    if not isinstance(time, datetime):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
