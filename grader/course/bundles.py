"""Bundles for students: courses without answers, which `grade release` makes."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from grader import __version__
from grader.course.schema import BundleFile
from grader.course.types import Bundle
from grader.errors import Problem, UsageError

#: Counts up with every change after which an older version could not check a bundle, or check it wrongly.
FORMAT = 3


def read_bundle(root: Path, file: BundleFile) -> Bundle:
    """Return what the bundle in ``root`` is. Raises UsageError for one of another version, with what to do."""
    if file.format > FORMAT:
        raise UsageError(
            f"{root}: this bundle was made by grade {file.grader}, and this is grade {__version__}, which is too old "
            f"for it; install the one in its requirements.txt: {install(root)}"
        )
    if file.format < FORMAT:
        older = "" if file.grader == __version__ else f", or install the older one: {install(root)}"
        raise UsageError(
            f"{root}: this bundle was made by grade {file.grader}, and this is grade {__version__}, which no longer "
            f"reads format {file.format} of bundles; download the bundle again{older}"
        )
    changed = tuple(root / name for name, sha256 in file.files.items() if _hash(root / name) != sha256)
    return Bundle(file.grader, file.person, changed)


def install(root: Path) -> str:
    """Return the command that installs what the bundle in ``root`` needs for the Python that runs this."""
    python, file = (f'"{one}"' if " " in str(one) else str(one) for one in (sys.executable, root / "requirements.txt"))
    return f"{python} -m pip install -r {file}"


def damages(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems of a bundle's files with advice for a student: that to authors follows a semicolon."""
    advice = "this file of the bundle is damaged; download the bundle again and copy your work into it"
    return [Problem(one.where, f"{one.message.partition('; ')[0]}: {advice}") for one in problems]


def _hash(path: Path) -> str:
    """Return the hash of a file, with the ends of lines as they are on every system; empty where it cannot be read."""
    try:
        return digest(path.read_bytes())
    except OSError:
        return ""


def digest(content: bytes) -> str:
    """Return the hash of a text, whichever way its lines end: Git and mail programs change that."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()
