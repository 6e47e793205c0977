"""The reports of a batch as a folder: a page and a text for each submission, one page for the class, and the JSON."""

from __future__ import annotations

import hashlib
import json
import os
import re
import unicodedata
from pathlib import Path

from grader.model import Batch
from grader.reports.machine import to_json
from grader.reports.pages import class_page, student_page
from grader.reports.plain_page import student_text

# Names that mean a device on Windows, whatever follows the first dot.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")
_SIMPLE = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9_-])?")
_HASHED = re.compile(r".*-[0-9a-f]{16}")


def write_batch(batch: Batch, folder: Path) -> Path:
    """Return the path of the class page, after writing it with all it links to into ``folder``.

    ``students/<name>.html`` and ``.txt`` for each report, ``class.html`` and ``results.json`` (without evidence). A
    file whose content stays the same is left alone; any other is replaced in one step, so that a reader, or a kill at
    any moment, never meets half a page. Raises OSError when the folder cannot be written.
    """
    (folder / "students").mkdir(parents=True, exist_ok=True)
    links = {report.id: f"students/{page_name(report.id)}" for report in batch.reports}
    for report in batch.reports:
        page = folder / links[report.id]
        _replace(page, student_page(report))
        _replace(page.with_suffix(".txt"), student_text(report))
    results = json.dumps(to_json(batch), indent=1, ensure_ascii=False, allow_nan=False)
    _replace(folder / "results.json", results + "\n")
    page = folder / "class.html"
    _replace(page, class_page(batch, links))
    return page


def page_name(submission: str) -> str:
    """Return the file name of a submission's page: safe on every system, different for different ids.

    A simple id is its own name. Any other keeps what it can and ends in 16 digits of its SHA-256, as does one
    that already looks so; names therefore differ even where case or Unicode form does not count. The name
    does not depend on the other ids, so that a page keeps its address.
    """
    if _SIMPLE.fullmatch(submission) and not _RESERVED.fullmatch(submission) and not _HASHED.fullmatch(submission):
        return f"{submission}.html"
    ascii_text = unicodedata.normalize("NFKD", submission).encode("ascii", "ignore").decode("ascii")
    words = re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")[:40].strip("-")
    digits = hashlib.sha256(submission.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{words or 'page'}-{digits}.html"


def _replace(path: Path, content: str) -> None:
    data = content.encode("utf-8")
    if _content(path) == data:
        return
    # The process id keeps two graders that write the same folder out of each other's way.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error  # a full disk is told without a name
    finally:
        temporary.unlink(missing_ok=True)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
