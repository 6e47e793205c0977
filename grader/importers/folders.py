"""Reading the files of submissions, and the plain format: a folder that holds one folder for each submission."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from grader.errors import Problem, UsageError
from grader.importers.handins import Delivery, Found, HandIn, Intake, Piece, Settings, readable
from grader.importers.names import IGNORED
from grader.model import Origin, SourceFile, Submission

MAX_FILES = 2_000
MAX_BYTES = 512 * 1024**2
_CHUNK_BYTES = 1024**2


def recognise(delivery: Delivery) -> bool:
    """Return whether this can be read: any folder can."""
    return delivery.folder.is_dir()


def find(delivery: Delivery, settings: Settings) -> Found:
    """Return a hand-in for each folder, named after it; what lies outside of folders is a problem."""
    del settings
    problems, hand_ins = [], []
    for child in delivery.children():
        where = delivery.shown(child.path)
        if child.path.is_symlink():
            problems.append(Problem(where, "is a symbolic link; hand-ins must be real folders"))
        elif not child.is_folder:
            message = (
                "lies outside any submission's folder and was not graded; put it into a folder named after its author"
            )
            problems.append(Problem(where, message))
        else:
            raw = (delivery.raw_name(child.name),)
            origin = Origin("folders", child.name, child.name, archive=delivery.archive, raw_names=raw)
            pieces = (Piece(child.path),)
            hand_ins.append(HandIn(child.name, (child.name,), where, pieces, origin, dated=not delivery.archive))
    if not hand_ins:
        raise UsageError(f"{delivery.source}: holds no folder with a hand-in; expected one folder for each submission")
    return Found(tuple(hand_ins), tuple(problems))


def read_one(path: Path, assignment: str, person: str | None = None) -> Intake:
    """Return the one submission at ``path``: a folder, or a file, which then comes first, with what lies beside it.

    Raises UsageError when neither is there.
    """
    if not path.exists():
        raise UsageError(f"{path}: does not exist; name your notebook, your module or the folder with them")
    real = path.resolve()
    if not (real.is_dir() or real.is_file()):
        raise UsageError(f"{path}: is not a regular file; name your notebook, your module or the folder with them")
    first = real if real.is_file() else None
    folder = real.parent if first else real
    source = readable(str(folder))
    who = readable(person or folder.name)
    hand_in = HandIn(who, (who,), source, (Piece(folder),), Origin("folders", who, who), dated=True)
    submission, problems = read_submission(hand_in, Delivery(folder, source, folder), assignment, first)
    return Intake((submission,), (), tuple(problems))


def read_submission(
    hand_in: HandIn, delivery: Delivery, assignment: str, first: Path | None = None
) -> tuple[Submission, list[Problem]]:
    """Return the submission with its files hashed, the file ``first`` before all others, and what cannot be read."""
    problems: list[Problem] = []
    files: list[SourceFile] = []
    newest, room = 0.0, MAX_BYTES
    others = [one for one in _walk_all(hand_in, delivery, problems) if one[1] != first]
    for name, path in chain(((readable(first.name), first),) if first else (), others):
        where = delivery.shown(path)
        if len(files) >= MAX_FILES:
            problems.append(Problem(hand_in.source, f"holds more than {MAX_FILES} files; the rest was not read"))
            break
        try:
            status = path.stat()
            if status.st_size > room:
                problems.append(Problem(where, _too_large(status.st_size)))
                continue
            files.append(SourceFile(name, path, _sha256(path), status.st_size))
        except OSError as error:
            problems.append(_unreadable(error, where))
            files.append(SourceFile(name, path, "", 0))  # listed, so that nobody takes it for not handed in
            continue
        room -= status.st_size
        newest = max(newest, status.st_mtime)
    by_files = datetime.fromtimestamp(newest, UTC) if newest and hand_in.dated else None
    files += _refused(hand_in, delivery)
    files += [SourceFile(name, delivery.folder / "unread" / name, "", 0) for name in hand_in.unread]
    content = (hand_in.id, hand_in.people, assignment, hand_in.source, tuple(files))
    attested = hand_in.received is not None
    return Submission(*content, hand_in.received or by_files, hand_in.origin, attested), problems


def _walk_all(hand_in: HandIn, delivery: Delivery, problems: list[Problem]) -> Iterator[tuple[str, Path]]:
    """Yield name and path of every file of the hand-in that can be looked at."""
    for piece in hand_in.pieces:
        if not piece.path.exists():
            continue  # all of it was refused when it was unpacked
        if not piece.name:
            for path in _walk(piece.path, delivery, problems):
                yield readable(path.relative_to(piece.path).as_posix()), path
        elif piece.path.is_symlink() or not piece.path.is_file():
            problems.append(Problem(delivery.shown(piece.path), "is not a regular file; it was not read"))
        else:
            yield piece.name, piece.path


def _refused(hand_in: HandIn, delivery: Delivery) -> list[SourceFile]:
    """Return the files that an archive holds and that were not unpacked: handed in, and not to be read."""
    missing = [path for path in (delivery.folder / name for name in delivery.refused if name) if not path.exists()]
    return [
        SourceFile(piece.name or path.relative_to(piece.path).as_posix(), path, "", 0)
        for piece in hand_in.pieces
        for path in missing
        if path.is_relative_to(piece.path)
    ]


def _too_large(size: int) -> str:
    limit = f"{MAX_BYTES // 1024**2} MB of one hand-in"
    return f"has {size / 1024**2:.0f} MB; at most {limit} are read, so this file was left out"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _walk(folder: Path, delivery: Delivery, problems: list[Problem]) -> Iterator[Path]:
    """Yield the regular files below ``folder``, in order; links that lead out of it and special files are problems."""
    inside = folder.resolve()

    def failed(error: OSError) -> None:
        problems.append(_unreadable(error, delivery.shown(Path(error.filename))))

    for parent, folders, names in os.walk(folder, onerror=failed):
        folders[:] = sorted(name for name in folders if name not in IGNORED and not name.startswith("."))
        for name in [*folders, *sorted(names)]:
            path = Path(parent) / name
            if path.is_symlink() and _leads_out(path, inside):
                message = "is a symbolic link out of the hand-in; it was not followed"
                problems.append(Problem(delivery.shown(path), message))
            elif name in folders or name.startswith("."):
                continue
            elif path.is_symlink() and not path.exists():
                problems.append(Problem(delivery.shown(path), "is a symbolic link to nothing"))
            elif not path.is_file():
                problems.append(Problem(delivery.shown(path), "is not a regular file; it was not read"))
            else:
                yield path


def _leads_out(link: Path, inside: Path) -> bool:
    try:
        return not link.resolve().is_relative_to(inside)
    except (OSError, RuntimeError):  # links in a circle lead nowhere
        return False


def _unreadable(error: OSError, where: str) -> Problem:
    return Problem(where, f"cannot be read ({error.strerror}); make it readable")
