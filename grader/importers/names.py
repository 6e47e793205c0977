"""Names of files as archives spell them, made safe to write."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

#: Left behind by tools; never part of a hand-in.
IGNORED = frozenset({"__MACOSX", ".ipynb_checkpoints", "__pycache__", ".git", ".venv", "venv", "node_modules"})
#: What an archive holds of these is not even unpacked. A repository's own files are: they may be what is handed in.
_DROPPED = (IGNORED - {".git"}) | {".DS_Store", "Thumbs.db", "desktop.ini"}
#: No usual file system takes longer names.
MAX_PART_BYTES = 255
MAX_PATH_CHARS = 1_024
_DRIVE = re.compile(r"[A-Za-z]:")
# Control characters, those that turn the direction of the text around them, and halves of characters.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class SafeName:
    """A name that stays below a folder: its ``parts``, NFC; ``refusal`` says why nothing may be written under it.

    A refused name keeps the parts that do no harm, because they tell whose file it was.
    """

    parts: tuple[str, ...]
    refusal: str = ""

    def __str__(self) -> str:
        return "/".join(self.parts)


def safe_name(raw: str) -> SafeName:
    r"""Return ``raw`` as a path below a folder, on any system.

    ``/`` and ``\`` both separate folders, as archives written on Windows have it. Absolute paths, drive letters,
    ``..``, NUL and what no file system takes are refused; control characters and those that turn the direction of
    text become ``_``.
    """
    slashed = unicodedata.normalize("NFC", raw).replace("\\", "/")
    parts = tuple(_UNFIT.sub("_", part) for part in slashed.split("/") if part not in {"", "."})
    kept = tuple(part for part in parts if part.strip(" ."))
    return SafeName(kept, _refusal(raw, slashed, parts, kept))


def _refusal(raw: str, slashed: str, parts: tuple[str, ...], kept: tuple[str, ...]) -> str:
    too_long = any(len(part.encode()) > MAX_PART_BYTES for part in kept) or len("/".join(kept)) > MAX_PATH_CHARS
    reasons = {
        "is an absolute path": slashed.startswith("/"),
        "begins with a drive letter": bool(_DRIVE.match(slashed)),
        "leads out of its folder, or has a part that is no name on every system": kept != parts,
        "holds a NUL, so that programs do not agree on its name": "\0" in raw,
        "is no name": not kept,
        "is too long a name": too_long,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def is_dropped(parts: tuple[str, ...]) -> bool:
    """Return whether a file was left behind by a tool, so that nobody misses it."""
    return any(part in _DROPPED or part.startswith("._") for part in parts)


@dataclass(slots=True)
class Spellings:
    """The names taken so far. Two that differ by case or Unicode form are one file on many systems."""

    _folders: dict[str, str]
    _files: dict[str, str]

    def __init__(self) -> None:
        self._folders, self._files = {}, {}

    def clash(self, name: SafeName, *, is_folder: bool) -> str:
        """Take ``name`` and return an empty text; or, where it would meet another, why not."""
        paths = ["/".join(name.parts[:count]) for count in range(1, len(name.parts) + 1)]
        folders, file = (paths, None) if is_folder else (paths[:-1], paths[-1])
        for path in paths:
            key = path.casefold()
            met = self._files.get(key) or (self._folders.get(key) if path == file else None)
            spelled = self._folders.get(key, path)
            if met == path:
                return "is in the archive twice; the first was taken"
            if met or spelled != path:
                return f"differs from {met or spelled} by case only, or takes its place; the first was taken"
        self._folders |= {path.casefold(): path for path in folders}
        if file is not None:
            self._files[file.casefold()] = file
        return ""
