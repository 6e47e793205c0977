"""Finds a data set, real or embedded, and divides it: what students get, and what their process never sees."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from grader.data import cifar10, digits, hapt, mnist, movements, textures
from grader.data.disturbing import disturbed_features, disturbed_images
from grader.data.samples import Content, Samples, some
from grader.errors import DataError, UsageError

VARIABLE = "GRADER_DATA"
#: Says in the folder itself which data they are.
SOURCE_FILE = "SOURCE.txt"
_SEED = 20_240_004

_EXPLANATION = """
These files stand in for the real data set: same names, same format, other data, much smaller.
Accuracies are not those of the real data; say with every figure which data it was measured on.
"""


class _Format(Protocol):
    """A module that reads and writes the files of a published data set."""

    @property
    def FOLDERS(self) -> tuple[str, ...]: ...  # noqa: N802 - a module's constant
    def present(self, folder: Path, /) -> bool: ...
    def read(self, folder: Path, /) -> Content: ...
    def encode(self, content: Content, /) -> tuple[tuple[str, bytes], ...]: ...


class _StandIn(Protocol):
    """A module that makes data in such a format: what is published, and samples that are not."""

    @property
    def VARIANT(self) -> str: ...  # noqa: N802 - a module's constant
    def content(self) -> Content: ...
    def draw(self, rng: np.random.Generator, count: int, /) -> Samples: ...


@dataclass(frozen=True, slots=True)
class _Known:
    format: _Format
    stand_in: _StandIn
    disturbed: Callable[[Samples, np.random.Generator], Samples]


_KNOWN: Mapping[str, _Known] = {
    "mnist": _Known(mnist, digits, disturbed_images),
    "cifar10": _Known(cifar10, textures, disturbed_images),
    "hapt": _Known(hapt, movements, disturbed_features),
}
NAMES = tuple(_KNOWN)


@dataclass(frozen=True, slots=True, eq=False)
class DataSet:
    """A data set and where it comes from.

    ``name`` is the format (``mnist``, ``cifar10``, ``hapt``); ``variant`` says which data they are, and bands of
    accuracy belong to it: the name itself for real data, else ``digits``, ``textures`` or ``movements``. ``source`` is
    to be shown with every figure: ``real: <folder>`` or ``embedded: <variant>``. ``content`` is what students get.
    """

    name: str
    variant: str
    source: str
    content: Content
    draw: Callable[[np.random.Generator, int], Samples]

    def files(self) -> tuple[tuple[str, bytes], ...]:
        """Return what is laid into a student's working folder: paths below ``data/<name>/``, and bytes."""
        kind, stand_in = ("real", "") if self.variant == self.name else ("embedded", _EXPLANATION)
        source = f"{kind}: {self.variant}\n{stand_in}".encode()  # not the folder: its path is nobody's business
        found = ((SOURCE_FILE, source), *_KNOWN[self.name].format.encode(self.content))
        return tuple((f"data/{self.name}/{path}", data) for path, data in found)

    def hidden(self, rng: np.random.Generator, count: int) -> Samples:
        """Return at most ``count`` samples that are not in ``files``, in random order; shapes and dtypes as read.

        Fresh ones where the data are simulated. Otherwise from those that are held out, and slightly disturbed,
        because the data are public: 397 digits; of real data, half of the published test set (HAPT: half its persons).
        """
        found = self.draw(rng, count)
        return found.take(rng.permutation(len(found)))


def load(name: str, folder: Path | None = None, *, train: int | None = None, test: int | None = None) -> DataSet:
    """Return the data set ``name``: real where ``folder`` or ``$GRADER_DATA`` has it, else the embedded stand-in.

    The folder has a subfolder for each data set (see ``DATA.md``). ``train`` and ``test`` are the most samples that
    students get, classes by their share. Raises UsageError for an unknown name, and DataError where the folder does
    not exist, has none of the data sets, or has damaged files.
    """
    known = _known(name)
    root = folder or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    found = _find(name, root.expanduser()) if root else None
    data = _embedded(name, known) if found is None else _real(name, known, found)
    rng = np.random.default_rng(_SEED)
    fewer, fewer_tests = (
        some(samples, len(samples) if count is None else count, rng)
        for samples, count in ((data.content.train, train), (data.content.test, test))
    )
    return replace(data, content=replace(data.content, train=fewer, test=fewer_tests))


def write(name: str, folder: Path) -> tuple[Path, ...]:
    """Write the embedded stand-in to ``folder``/<name>; return the files. They load as the stand-in again.

    Raises UsageError for an unknown name, and DataError where another file is in the way, before anything is written.
    """
    content = {folder.joinpath(*Path(path).parts[1:]): data for path, data in _embedded(name, _known(name)).files()}
    for path, data in content.items():
        if path.exists() and path.read_bytes() != data:
            raise DataError(path, "is there already and differs; name another folder, or remove it first")
    try:
        for path, data in content.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    except OSError as error:
        raise DataError(folder, f"cannot be written to ({error}); name another folder") from error
    return tuple(content)


def _known(name: str) -> _Known:
    if name not in _KNOWN:
        raise UsageError(f"there is no data set {name!r}; there are {', '.join(NAMES)}")
    return _KNOWN[name]


def _find(name: str, root: Path) -> Path | None:
    """Return the data set's folder below ``root``, or None where only others are there, or a written stand-in."""
    if not root.is_dir():
        raise DataError(root, f"is no folder; name one with a subfolder for each data set, or unset {VARIABLE}")
    there = {
        one: next((root / sub for sub in known.format.FOLDERS if known.format.present(root / sub)), None)
        for one, known in _KNOWN.items()
    }
    if not any(there.values()):
        places = "; ".join(f"{one}: {' or '.join(known.format.FOLDERS)}" for one, known in _KNOWN.items())
        raise DataError(root, f"has none of the data sets in its subfolders ({places}); see DATA.md for their files")
    found = there[name]
    return None if found is None or _is_stand_in(found, _KNOWN[name]) else found


def _is_stand_in(folder: Path, known: _Known) -> bool:
    marker = folder / SOURCE_FILE
    return marker.is_file() and marker.read_bytes().startswith(f"embedded: {known.stand_in.VARIANT}\n".encode())


def _embedded(name: str, known: _Known) -> DataSet:
    variant = known.stand_in.VARIANT
    return DataSet(name, variant, f"embedded: {variant}", known.stand_in.content(), known.stand_in.draw)


def _real(name: str, known: _Known, folder: Path) -> DataSet:
    content = known.format.read(folder)
    public = _public(content.test)
    held = content.test.take(~public)
    return DataSet(
        name,
        name,
        f"real: {folder}",
        replace(content, test=content.test.take(public)),
        partial(_drawn, held, known.disturbed),
    )


def _drawn(
    held: Samples,
    disturbed: Callable[[Samples, np.random.Generator], Samples],
    rng: np.random.Generator,
    count: int,
) -> Samples:
    return disturbed(some(held, count, rng), rng)


def _public(test: Samples) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which half of a published test set is for students, as a mask; persons are wholly on one side."""
    owners = test.subjects if len(test.subjects) else np.arange(len(test))
    everybody = np.random.default_rng(_SEED).permutation(np.unique(owners))
    return np.isin(owners, everybody[: (len(everybody) + 1) // 2])
