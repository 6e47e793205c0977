"""What a grader that was killed could not clean up: private folders, and processes that had left their job's tree.

Both carry the name of the process that made them, with its start, so that nothing of a grader that runs is touched.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from grader.sandbox.guard import carriers, end_all

#: The environment variable of every process of a job.
MARK = "GRADE_JOB"
_PREFIX = "grade-"
_OWNER = r"([0-9a-f]+)-([0-9a-f]+)-([0-9a-f]+)"
#: The same start of a process is computed anew each time, from a clock that may have been set meanwhile.
_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Swept:
    """How many folders were removed, and how many processes ended."""

    folders: int = 0
    processes: int = 0


def owner() -> str:
    """Return the name of this process: number, start in seconds since 1970, and number of its process namespace.

    Raises OSError where the system does not tell, as without /proc.
    """
    try:
        began = int(psutil.Process().create_time())
    except psutil.Error as error:
        raise OSError(f"this process's own start cannot be read: {error}") from error
    return f"{os.getpid():x}-{began:x}-{_namespace():x}"


def private_folder() -> Path:
    """Return a new folder that only this user can enter, with the owner in its name. Raises OSError."""
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{owner()}-", dir=temporary_place())).resolve()


def temporary_place() -> Path:
    """Return where private folders are made."""
    # A short path: a Unix socket's may have about 100 characters, and macOS puts its temporary folder deep.
    short = Path("/tmp")  # noqa: S108 - mkdtemp is private
    return short if os.name == "posix" and os.access(short, os.W_OK) else Path(tempfile.gettempdir())


def _namespace() -> int:
    """Return the number of this process namespace (0 without): elsewhere the same number is another process."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0


def sweep() -> Swept:
    """Remove the folders of this user's graders that are gone, and end the processes that still carry their names."""
    folders = list(_orphaned(temporary_place()))
    if not folders:
        return Swept()
    gone = {name for _, name in folders}
    ended = end_all(lambda: carriers(MARK, lambda value: value.rpartition("-")[0] in gone))
    for folder, _ in folders:
        remove_folder(folder)
    return Swept(sum(not folder.exists() for folder, _ in folders), ended)


def _orphaned(place: Path) -> Iterator[tuple[Path, str]]:
    """Yield each private folder of this user whose owner is gone, and that owner's name."""
    for folder in place.glob(f"{_PREFIX}*"):
        found = re.fullmatch(f"{_PREFIX}({_OWNER})-[^-]*", folder.name)
        if found and _is_mine(folder) and is_gone(found[1]):
            yield folder, found[1]


def is_gone(name: str) -> bool:
    """Return whether ``name`` is that of an :func:`owner` whose process was in this process namespace and has ended."""
    found = re.fullmatch(_OWNER, name)
    return found is not None and int(found[3], 16) == _namespace() and not _lives(found[1], found[2])


def _is_mine(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and (not hasattr(os, "getuid") or status.st_uid == os.getuid())


def _lives(number: str, start: str) -> bool:
    try:
        return abs(psutil.Process(int(number, 16)).create_time() - int(start, 16)) < _START_SECONDS
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, OSError):
        return True


def remove_folder(folder: Path) -> None:
    """Remove ``folder``, even if student code took permissions away. Never follows a link, never raises."""
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        return
    for parent, names, _ in os.walk(folder):  # from the top, so that each folder is opened before it is listed
        for path in (Path(parent, name) for name in names):
            if not path.is_symlink():
                path.chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
