"""The folder of HAPT, smartphone-based recognition of human activities and postural transitions (UCI, 2015).

https://archive.ics.uci.edu/dataset/341 : 561 features of windows of 2.56 s, 30 persons, of whom 21 are for training
and 9 for testing, 12 activities, six of them transitions that are rare.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.data.samples import Content, Samples
from grader.errors import DataError

FOLDERS = ("hapt", "HAPT", "HAPT Data Set")
MARKER = "Train/X_train.txt"
FEATURES = 561
PERSONS = 30
CLASSES = (
    "WALKING",
    "WALKING_UPSTAIRS",
    "WALKING_DOWNSTAIRS",
    "SITTING",
    "STANDING",
    "LAYING",
    "STAND_TO_SIT",
    "SIT_TO_STAND",
    "SIT_TO_LIE",
    "LIE_TO_SIT",
    "STAND_TO_LIE",
    "LIE_TO_STAND",
)

_FETCH = "fetch the data set again, or have the stand-in written to another folder"


def present(folder: Path) -> bool:
    """Return whether the folder has HAPT's largest file."""
    return (folder / MARKER).is_file()


def read(folder: Path) -> Content:
    """Return HAPT: inputs (n, 561) float64 within -1 and 1; labels (n,) int64, 1 to 12; subjects (n,) int64, 1 to 30.

    Raises DataError where a file is missing, damaged, does not belong to the others, or a person is in both parts.
    """
    classes, features = _names(folder / "activity_labels.txt"), _names(folder / "features.txt", numbered=False)
    if len(classes) != len(CLASSES):
        raise DataError(folder / "activity_labels.txt", f"names {len(classes)} activities, expected 12; {_FETCH}")
    if len(features) != FEATURES:
        raise DataError(folder / "features.txt", f"names {len(features)} features, expected {FEATURES}; {_FETCH}")
    train, test = _part(folder / "Train", "train"), _part(folder / "Test", "test")
    both = np.intersect1d(train.subjects, test.subjects)
    if both.size:
        raise DataError(folder / "Test/subject_id_test.txt", f"names persons of the training part: {both.tolist()}")
    return Content(train, test, classes, features)


def encode(content: Content) -> tuple[tuple[str, bytes], ...]:
    """Return names and bytes of the files; features have eight significant digits, as the real have."""
    numbered = "".join(f"{number} {name} \n" for number, name in enumerate(content.classes, 1))
    files = [("activity_labels.txt", numbered.encode())]
    files.append(("features.txt", "".join(f"{name} \n" for name in content.features).encode()))
    for part, samples in (("train", content.train), ("test", content.test)):
        folder = part.capitalize()
        text = io.BytesIO()
        np.savetxt(text, samples.inputs, "%.8g")
        files.append((f"{folder}/X_{part}.txt", text.getvalue()))
        files.append((f"{folder}/y_{part}.txt", _lines(samples.labels)))
        files.append((f"{folder}/subject_id_{part}.txt", _lines(samples.subjects)))
    return tuple(files)


def _lines(numbers: NDArray[Any]) -> bytes:
    return "".join(f"{number}\n" for number in numbers).encode()


def _part(folder: Path, part: str) -> Samples:
    features = _table(folder / f"X_{part}.txt", FEATURES)
    labels = _integers(folder / f"y_{part}.txt", len(CLASSES))
    subjects = _integers(folder / f"subject_id_{part}.txt", PERSONS)
    if not len(features) == len(labels) == len(subjects):
        found = f"{len(features)} rows of features, {len(labels)} labels and {len(subjects)} persons"
        raise DataError(folder, f"holds {found}; these files do not belong together; {_FETCH}")
    return Samples(features, labels, subjects)


def _integers(path: Path, most: int) -> NDArray[np.int64]:
    column = _table(path, 1)[:, 0]
    wrong = np.flatnonzero((column != np.round(column)) | (column < 1) | (column > most))
    if wrong.size:
        line = int(wrong[0])
        raise DataError(
            f"{path}:{line + 1}", f"is {column[line]:g}, expected a whole number from 1 to {most}; {_FETCH}"
        )
    return column.astype(np.int64)


def _table(path: Path, columns: int) -> NDArray[np.float64]:
    text = _text(path)
    if not text.strip():
        raise DataError(path, f"is empty; {_FETCH}")
    try:
        table: NDArray[np.float64] = np.loadtxt(io.StringIO(text), dtype=np.float64, ndmin=2, comments=None)
    except ValueError as error:
        raise DataError(path, f"is no table of numbers ({error}); {_FETCH}") from error
    if table.shape[1] != columns:
        raise DataError(path, f"has {table.shape[1]} columns, expected {columns}; {_FETCH}")
    if not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0]
        raise DataError(f"{path}:{row + 1}", f"column {column + 1} is {table[row, column]}; {_FETCH}")
    return table


def _names(path: Path, *, numbered: bool = True) -> tuple[str, ...]:
    lines = [line.strip() for line in _text(path).splitlines() if line.strip()]
    return tuple(line.split(maxsplit=1)[-1] for line in lines) if numbered else tuple(lines)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(path, f"cannot be read ({error}); {_FETCH}") from error
