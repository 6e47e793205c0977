"""Writing a bundle as a folder or a zip file: whole, or not at all."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from grader.errors import UsageError

#: The same files make the same zip file.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def check_place(place: Path) -> None:
    """Raise UsageError where a bundle cannot be written to ``place`` because something is there."""
    if place.is_dir() and any(place.iterdir()):
        raise UsageError(f"{place}: is not empty; name a new folder with --output, or empty this one")
    if place.exists() and not place.is_dir():
        raise UsageError(f"{place}: is there already; name another with --output, or remove it")


def write_folder(files: Mapping[str, bytes], folder: Path) -> None:
    """Write ``files`` as the new or empty ``folder``. Raises OSError."""
    temporary = _temporary(folder)
    try:
        for name, content in files.items():
            path = temporary / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if folder.is_dir():
            folder.rmdir()  # empty: on Windows no folder replaces another
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_zip(files: Mapping[str, bytes], path: Path) -> None:
    """Write ``files`` as a zip file that unpacks into a folder of its own name. Raises OSError."""
    temporary = _temporary(path)
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(f"{path.stem}/{name}", _EPOCH), content, zipfile.ZIP_DEFLATED)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary(place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    return place.with_name(f".{place.name}.{os.getpid()}.tmp")
