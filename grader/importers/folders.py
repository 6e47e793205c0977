"""Reading a folder that holds one folder for each submission."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from grader.errors import Problem, UsageError
from grader.importers.names import IGNORED
from grader.model import SourceFile, Submission

MAX_FILES = 2_000
MAX_BYTES = 512 * 1024**2
_CHUNK_BYTES = 1024**2


@dataclass(frozen=True, slots=True)
class Intake:
    """What was found: submissions that can be graded, those that a person must sort out first, and all problems."""

    submissions: tuple[Submission, ...]
    unresolved: tuple[Submission, ...]
    problems: tuple[Problem, ...]


def read_folder(folder: Path, assignment: str) -> Intake:
    """Return the submissions in ``folder``, one for each folder in it, sorted by name.

    Two folders whose names differ only in Unicode form or case are one person twice: neither is graded. Raises
    UsageError when ``folder`` is not a folder or holds no submission.
    """
    if not folder.is_dir():
        hint = "unpack it first" if folder.suffix.lower() == ".zip" else "name the folder with the hand-ins"
        found = "is not a folder" if folder.exists() else "does not exist"
        raise UsageError(f"{folder}: {found}; {hint}")
    problems: list[Problem] = []
    by_person: dict[str, list[Submission]] = defaultdict(list)
    for path in sorted(folder.iterdir(), key=lambda path: readable(path.name)):
        if path.name.startswith(".") or path.name in IGNORED:
            continue
        if path.is_symlink():
            problems.append(Problem(readable(str(path)), "is a symbolic link; hand-ins must be real folders"))
        elif not path.is_dir():
            message = (
                "lies outside any submission's folder and was not graded; put it into a folder named after its author"
            )
            problems.append(Problem(readable(str(path)), message))
        else:
            submission, unreadable = _read_submission(path, assignment)
            problems += unreadable
            by_person[submission.id.casefold()].append(submission)
    if not by_person:
        raise UsageError(f"{folder}: holds no folder with a hand-in; expected one folder for each submission")
    clear = [group[0] for group in by_person.values() if len(group) == 1]
    twice = [group for group in by_person.values() if len(group) > 1]
    for group in twice:
        places = ", ".join(submission.source for submission in group)
        message = f"handed in twice, as {places}; remove the one that does not count (neither was graded)"
        problems.append(Problem(group[0].source, message))
    return Intake(tuple(clear), tuple(group[0] for group in twice), tuple(problems))


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
    submission, problems = _read_submission(first.parent if first else real, assignment, first)
    who = readable(person or submission.id)
    one = Submission(who, (who,), assignment, submission.source, submission.files, submission.received)
    return Intake((one,), (), tuple(problems))


def readable(name: str) -> str:
    """Return a file name as NFC text; bytes that are no UTF-8 become replacement characters."""
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "replace"))


def _read_submission(folder: Path, assignment: str, first: Path | None = None) -> tuple[Submission, list[Problem]]:
    name = readable(folder.name)
    problems: list[Problem] = []
    files: list[SourceFile] = []
    newest, room = 0.0, MAX_BYTES
    others = (path for path in _walk(folder, problems) if path != first)
    for path in chain((first,) if first else (), others):
        if len(files) >= MAX_FILES:
            problems.append(Problem(readable(str(folder)), f"holds more than {MAX_FILES} files; the rest was not read"))
            break
        relative = readable(path.relative_to(folder).as_posix())
        try:
            status = path.stat()
            if status.st_size > room:
                problems.append(Problem(readable(str(path)), _too_large(status.st_size)))
                continue
            files.append(SourceFile(relative, path, _sha256(path), status.st_size))
        except OSError as error:
            problems.append(_unreadable(error, path))
            files.append(SourceFile(relative, path, "", 0))  # listed, so that nobody takes it for not handed in
            continue
        room -= status.st_size
        newest = max(newest, status.st_mtime)
    received = datetime.fromtimestamp(newest, UTC) if newest else None
    return Submission(name, (name,), assignment, readable(str(folder)), tuple(files), received), problems


def _too_large(size: int) -> str:
    limit = f"{MAX_BYTES // 1024**2} MB of one hand-in"
    return f"has {size / 1024**2:.0f} MB; at most {limit} are read, so this file was left out"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _walk(folder: Path, problems: list[Problem]) -> Iterator[Path]:
    """Yield the regular files below ``folder``, in order; links that lead out of it and special files are problems."""
    inside = folder.resolve()
    for parent, folders, names in os.walk(folder, onerror=lambda error: problems.append(_unreadable(error))):
        folders[:] = sorted(name for name in folders if name not in IGNORED and not name.startswith("."))
        for name in [*folders, *sorted(names)]:
            path = Path(parent) / name
            if path.is_symlink() and _leads_out(path, inside):
                problems.append(
                    Problem(readable(str(path)), "is a symbolic link out of the hand-in; it was not followed")
                )
            elif name in folders or name.startswith("."):
                continue
            elif path.is_symlink() and not path.exists():
                problems.append(Problem(readable(str(path)), "is a symbolic link to nothing"))
            elif not path.is_file():
                problems.append(Problem(readable(str(path)), "is not a regular file; it was not read"))
            else:
                yield path


def _leads_out(link: Path, inside: Path) -> bool:
    try:
        return not link.resolve().is_relative_to(inside)
    except (OSError, RuntimeError):  # links in a circle lead nowhere
        return False


def _unreadable(error: OSError, path: Path | None = None) -> Problem:
    where = readable(str(path or error.filename))
    return Problem(where, f"cannot be read ({error.strerror}); make it readable")
