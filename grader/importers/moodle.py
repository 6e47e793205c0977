"""Moodle's "Download all submissions": a folder for each hand-in, or, in flat mode, files with long names.

Names are ``{label}_{id}_assignsubmission_{plugin}[_]``, then the file's own name, after ``/`` or, flat, after ``_``.
``id`` counts the participants of one assignment: the digits in the worksheet's column Identifier. A team's is that of
the group. Source: Moodle, mod/assign/classes/downloader.php and feedback/file/importziplib.php.
"""

from __future__ import annotations

import re
from collections import defaultdict

from grader.errors import Problem
from grader.importers.handins import Child, Delivery, Found, HandIn, Piece, Settings, outside, readable_id
from grader.model import Origin

_NAME = re.compile(
    r"(?P<label>[^_/]*)(?:_(?P<id>\d+))?_(?P<kind>assignsubmission|assignfeedback)_(?P<plugin>[a-z]+)(?:_(?P<file>.*))?",
    re.DOTALL,
)
_EXPECTED = "NAME_NUMBER_assignsubmission_file"
# A browser may append "(1)".
_ACTIVITY = re.compile(r"-(\d+)(?:\s*\(\d+\))?\.\w+$")


def activity(name: str) -> str:
    """Return Moodle's number of the assignment, which ends the name of its archive and its worksheet, or nothing."""
    found = _ACTIVITY.search(name)
    return found[1] if found else ""


def recognise(delivery: Delivery) -> bool:
    """Return whether anything here is named as Moodle names hand-ins."""
    return any(_NAME.fullmatch(child.name) for child in delivery.children())


def find(delivery: Delivery, settings: Settings) -> Found:
    """Return a hand-in for each participant, files and online text together."""
    del settings
    problems: list[Problem] = []
    feedback = 0
    parts: dict[tuple[str, str], list[tuple[Child, Piece]]] = defaultdict(list)
    for child in delivery.children():
        match = _NAME.fullmatch(child.name)
        if match is None or child.is_folder == bool(match["file"]):
            problems.append(outside(child, delivery, _EXPECTED))
        elif match["kind"] == "assignfeedback":
            feedback += 1
        else:
            key = (match["id"] or "", match["label"])
            parts[key].append((child, Piece(child.path, match["file"] or "")))
    labels = [label for _, label in parts]
    hidden = len(labels) > 1 and len(set(labels)) == 1
    hand_ins = [_hand_in(key, mine, delivery, hidden=hidden) for key, mine in parts.items()]
    problems += [_nobody(one) for one in hand_ins if not one.origin.id]
    notes = [f"{feedback} folders or files of feedback were left aside"] if feedback else []
    notes += ["names are hidden (blind marking): people are their numbers"] if hidden else []
    return Found(tuple(hand_ins), tuple(problems), tuple(notes))


def _hand_in(key: tuple[str, str], parts: list[tuple[Child, Piece]], delivery: Delivery, *, hidden: bool) -> HandIn:
    number, label = key
    raw = tuple(delivery.raw_name(child.name) for child, _ in parts)
    who = f"{label} {number}".strip() if hidden or not label else label
    group = "" if number else label
    members = (number,) if number else ()
    origin = Origin("moodle", number, label, members, group, delivery.archive, raw)
    source = delivery.shown(parts[0][0].path)
    return HandIn(readable_id(label, number), (who,), source, tuple(piece for _, piece in parts), origin)


def _nobody(one: HandIn) -> Problem:
    message = (
        f"has no number: people who are in no group handed in together, as {one.origin.label!r}; look in Moodle "
        "who they are (it was graded)"
    )
    return Problem(one.source, message)
