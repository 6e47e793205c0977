"""Reading a folder that holds one folder for each submission."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from grader.errors import Problem, UsageError
from grader.model import SourceFile, Submission

#: Left behind by tools; never part of a hand-in.
IGNORED = frozenset({"__MACOSX", ".ipynb_checkpoints", "__pycache__", ".git", ".venv", "venv", "node_modules"})
MAX_FILES = 2_000
MAX_BYTES = 512 * 1024**2


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
    """Return the one submission at ``path``, a folder or a single file. Raises UsageError when nothing is there."""
    if not path.exists():
        raise UsageError(f"{path}: does not exist; name your notebook, your module or the folder with them")
    folder = path.resolve() if path.is_dir() else path.resolve().parent
    submission, problems = _read_submission(folder, assignment)
    files = submission.files
    if path.is_file():
        first = readable(path.name)
        files = tuple(sorted(files, key=lambda file: file.name != first))
    who = person or submission.id
    one = Submission(who, (who,), assignment, submission.source, files, submission.received)
    return Intake((one,), (), tuple(problems))


def readable(name: str) -> str:
    """Return a file name as NFC text; bytes that are no UTF-8 become replacement characters."""
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "replace"))


def _read_submission(folder: Path, assignment: str) -> tuple[Submission, list[Problem]]:
    name = readable(folder.name)
    problems: list[Problem] = []
    files: list[SourceFile] = []
    newest = 0.0
    total = 0
    for path in _walk(folder, problems):
        if len(files) >= MAX_FILES or total > MAX_BYTES:
            limit = f"{MAX_FILES} files or {MAX_BYTES // 1024**2} MB"
            problems.append(Problem(readable(str(folder)), f"holds more than {limit}; the rest was not read"))
            break
        try:
            status = path.stat()
            content = path.read_bytes()
        except OSError as error:
            problems.append(Problem(readable(str(path)), f"cannot be read ({error.strerror}); make it readable"))
            continue
        total += len(content)
        newest = max(newest, status.st_mtime)
        relative = readable(path.relative_to(folder).as_posix())
        files.append(SourceFile(relative, path, hashlib.sha256(content).hexdigest(), len(content)))
    received = datetime.fromtimestamp(newest, UTC) if files else None
    return Submission(name, (name,), assignment, readable(str(folder)), tuple(files), received), problems


def _walk(folder: Path, problems: list[Problem]) -> Iterator[Path]:
    """Yield the regular files below ``folder``, in order; links that lead out of it and special files are problems."""
    inside = folder.resolve()
    for parent, folders, names in os.walk(folder, onerror=lambda error: problems.append(_unreadable(error))):
        folders[:] = sorted(name for name in folders if name not in IGNORED and not name.startswith("."))
        for name in [*folders, *sorted(names)]:
            path = Path(parent) / name
            if path.is_symlink() and not path.resolve().is_relative_to(inside):
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


def _unreadable(error: OSError) -> Problem:
    return Problem(readable(str(error.filename)), f"cannot be read ({error.strerror}); make it readable")
