"""The formats of downloads: which one a folder or an archive has, and reading it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grader.errors import UsageError
from grader.importers import canvas, folders, gradescope, moodle, nbgrader, repositories
from grader.importers.archives import SUFFIXES, is_archive
from grader.importers.gathering import gather
from grader.importers.handins import Delivery, Found, Intake, Settings, readable
from grader.importers.packed import opened
from grader.importers.unpacking import Unpacked, unpack


@dataclass(frozen=True, slots=True)
class Format:
    """One format: what it is called in a sentence, whether a delivery has it, and what a delivery then holds."""

    title: str
    recognise: Callable[[Delivery], bool]
    find: Callable[[Delivery, Settings], Found]


#: In the order in which they are tried; the last one takes everything.
FORMATS = {
    "moodle": Format("a download from Moodle", moodle.recognise, moodle.find),
    "canvas": Format("a download from Canvas", canvas.recognise, canvas.find),
    "gradescope": Format("an export of Gradescope", gradescope.recognise, gradescope.find),
    "nbgrader": Format("hand-ins collected by nbgrader", nbgrader.recognise, nbgrader.find),
    "github": Format("repositories of Git", repositories.recognise, repositories.find),
    "folders": Format("one folder for each submission", folders.recognise, folders.find),
}


def read_hand_ins(path: Path, settings: Settings, store: Path, format_name: str | None = None) -> Intake:
    """Return what was handed in at ``path``: a folder, or an archive, which is unpacked below ``store``.

    ``format_name`` is one of FORMATS; without it the format is recognised. Raises UsageError when there is nothing
    that can be read, GradeError when the disk does not take it.
    """
    delivery, unpacked = _open(path, store)
    name, delivery = _recognise(delivery, format_name or "")
    if settings.tag and name != "github":
        raise UsageError(f"{path}: was read as {FORMATS[name].title}; --tag is for repositories of Git")
    intake = gather(FORMATS[name].find(delivery, settings), delivery, settings)
    if name != "github":  # what a repository holds packed, belongs to it as it is
        intake = opened(intake, delivery)
    problems = (*unpacked.problems(readable(str(path))), *intake.problems) if unpacked else intake.problems
    return Intake(intake.submissions, intake.unresolved, problems, name, intake.notes)


def read_folder(folder: Path, assignment: str) -> Intake:
    """Return the submissions in ``folder``, one for each folder in it, sorted by name.

    Two folders whose names differ only in Unicode form or case are one person twice: neither is graded. Raises
    UsageError when ``folder`` is not a folder or holds no submission.
    """
    if not folder.is_dir():
        raise UsageError(_not_there(folder))
    delivery, settings = Delivery(folder, readable(str(folder)), folder), Settings(assignment)
    return gather(folders.find(delivery, settings), delivery, settings)


def _open(path: Path, store: Path) -> tuple[Delivery, Unpacked | None]:
    if path.is_dir():
        return Delivery(path, readable(str(path)), store), None
    if not (path.is_file() and is_archive(path)):
        raise UsageError(_not_there(path))
    unpacked = unpack(path, store)
    refused = tuple(one.name for one in unpacked.refused)
    source = readable(str(path))
    return Delivery(unpacked.folder, source, store, readable(path.name), refused, unpacked.raw), unpacked


def _not_there(path: Path) -> str:
    if not path.exists():
        return f"{path}: does not exist; name the folder with the hand-ins"
    return f"{path}: is not a folder; name the folder with the hand-ins, or an archive ({', '.join(SUFFIXES)})"


def _recognise(delivery: Delivery, wanted: str) -> tuple[str, Delivery]:
    """Return the name of the format, and where it begins: at the top, or in the only folder there is."""
    children = delivery.children()
    places = [delivery, *(delivery.inner(one) for one in children if len(children) == 1 and one.is_folder)]
    for name, one in FORMATS.items():
        for place in places:
            if name != "folders" and wanted in {"", name} and one.recognise(place):
                return name, place
    if wanted not in {"", "folders"}:
        title = FORMATS[wanted].title
        raise UsageError(f"{delivery.source}: does not look like {title}; name another --format, or none")
    stem = delivery.archive.lower().removesuffix(".gz").rpartition(".")[0]
    wrapped = len(places) == 2 and stem == children[0].name.lower()
    return "folders", places[1] if wrapped else delivery
