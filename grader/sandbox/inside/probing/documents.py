"""Looks into the PDF files of a hand-in: their pages and the text of the first one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import encode

MAX_TEXT_CHARS = 20_000


def observe(_namespace: dict[str, Any], _name: str, _arguments: Any) -> list[dict[str, Any]]:
    """Return for each PDF file below the working folder its ``name``, and ``pages`` and ``first_page`` (its text).

    ``problem`` is there instead where it cannot be read: it is encrypted, damaged, or no PDF at all.
    """
    root = Path.cwd()
    paths = sorted(path for path in root.rglob("*") if path.suffix.lower() == ".pdf" and path.is_file())
    return [{"name": path.relative_to(root).as_posix(), **_document(path)} for path in paths]


def _document(path: Path) -> dict[str, Any]:
    import pypdf  # noqa: PLC0415 - only where a PDF is handed in

    try:
        reader = pypdf.PdfReader(path)
        if reader.is_encrypted and not _opens(reader):
            return {"problem": "it is encrypted; save it without a password"}
        text = reader.pages[0].extract_text() if reader.pages else ""
        return {"pages": len(reader.pages), "first_page": text[:MAX_TEXT_CHARS]}
    except Exception as error:  # noqa: BLE001 - a damaged file may fail in any way
        return {"problem": f"it cannot be read ({encode.type_name(error)}: {encode.safe_text(error, 200)})"}


def _opens(reader: Any) -> bool:
    """Return whether an encrypted document opens without a password, with what is installed here."""
    try:
        return bool(reader.decrypt(""))
    except Exception:  # noqa: BLE001 - an unknown cipher, or a library for it that is not there
        return False
