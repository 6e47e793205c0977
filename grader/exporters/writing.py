"""Writing what was exported: all of it, or nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from grader.errors import GradeError


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write ``files`` and the folders above them that are missing; first all beside their places, then in place.

    Raises GradeError when the disk does not take them: then none is changed.
    """
    temporary = {path: path.with_name(f".{path.name}.{os.getpid()}.tmp") for path in files}
    at = None
    try:
        for at, content in files.items():
            at.parent.mkdir(parents=True, exist_ok=True)
            temporary[at].write_bytes(content)
        for at, written in temporary.items():
            written.replace(at)
    except OSError as error:
        raise GradeError(
            f"{at}: cannot be written ({error.strerror}); make room, or name another place with --file. The gradebook "
            "holds all marks"
        ) from error
    finally:
        for written in temporary.values():
            with suppress(OSError):  # where the folder could not be made there is nothing to remove
                written.unlink()
