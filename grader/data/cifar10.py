"""The files of CIFAR-10 for Python: pickles as Python 2 wrote them (https://www.cs.toronto.edu/~kriz/cifar.html)."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.data.pickles import PickleError, loads
from grader.data.samples import Content, Samples
from grader.errors import DataError

FOLDERS = ("cifar10", "cifar-10-batches-py", "cifar10/cifar-10-batches-py")
MARKER = "data_batch_1"
SHAPE = (3, 32, 32)
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
#: A batch of 10 000 images has 31 MB.
_MAX_BYTES = 128 * 1024**2
_FETCH = "fetch the version for Python again, or have the stand-in written to another folder"


def present(folder: Path) -> bool:
    """Return whether the folder has the first batch."""
    return (folder / MARKER).is_file()


def read(folder: Path) -> Content:
    """Return CIFAR-10: inputs (n, 3, 32, 32) uint8, red, green and blue, row by row; labels (n,) int64, 0 to 9.

    Nothing is unpickled. Raises DataError where a file is missing, damaged, or holds more than plain data.
    """
    meta = _dictionary(folder / "batches.meta")
    names = meta.get("label_names")
    if not isinstance(names, list) or len(names) != 10 or not all(isinstance(name, str | bytes) for name in names):
        raise DataError(folder / "batches.meta", f"has no list `label_names` of ten names; {_FETCH}")
    classes = tuple(name.decode("latin1") if isinstance(name, bytes) else name for name in names)
    batches = [_batch(folder / name) for name in _BATCHES]
    train = Samples(np.concatenate([one.inputs for one in batches]), np.concatenate([one.labels for one in batches]))
    return Content(train, _batch(folder / "test_batch"), classes)


def encode(content: Content) -> tuple[tuple[str, bytes], ...]:
    """Return names and bytes of six batches and ``batches.meta``; like the real, they need ``encoding=`` to load."""
    bounds = np.linspace(0, len(content.train), 6).astype(int)
    parts = [
        (name, f"training batch {number} of 5", content.train.take(np.arange(*bounds[number - 1 : number + 1])))
        for number, name in enumerate(_BATCHES, 1)
    ]
    parts.append(("test_batch", "testing batch 1 of 1", content.test))
    meta = {"num_cases_per_batch": len(parts[0][2]), "label_names": list(content.classes), "num_vis": 3072}
    return (
        *((name, _pickle(_described(title, samples))) for name, title, samples in parts),
        ("batches.meta", _pickle(meta)),
    )


def _described(title: str, samples: Samples) -> dict[str, Any]:
    return {
        "batch_label": title,
        "labels": samples.labels.tolist(),
        "data": samples.inputs.reshape(len(samples), -1),
        "filenames": [f"{label}_{place:05}.png" for place, label in enumerate(samples.labels)],
    }


def _batch(path: Path) -> Samples:
    found = _dictionary(path)
    data, labels = found.get("data"), found.get("labels")
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3072:
        what = f"{data.dtype} {data.shape}" if isinstance(data, np.ndarray) else type(data).__name__
        raise DataError(path, f"`data` is {what}, expected uint8 (n, 3072); {_FETCH}")
    if not isinstance(labels, list) or not all(type(label) is int and 0 <= label <= 9 for label in labels):
        raise DataError(path, f"`labels` is no list of whole numbers from 0 to 9; {_FETCH}")
    if len(labels) != len(data):
        raise DataError(path, f"holds {len(labels)} labels for {len(data)} images; {_FETCH}")
    return Samples(data.reshape(-1, *SHAPE), np.array(labels, np.int64))


def _dictionary(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise DataError(path, f"cannot be read ({error}); {_FETCH}") from error
    if len(data) > _MAX_BYTES:
        raise DataError(path, f"holds more than {_MAX_BYTES} bytes; this is not CIFAR-10")
    try:
        return loads(data)
    except PickleError as error:
        raise DataError(path, f"is no batch of CIFAR-10: {error}; {_FETCH}") from error


def _pickle(value: Any) -> bytes:
    """Return a pickle of protocol 2 as Python 2 writes it, where text is bytes: Python 3 itself can write none."""
    return b"\x80\x02" + _item(value) + b"."


def _item(value: Any) -> bytes:
    if isinstance(value, str):
        return b"T" + struct.pack("<i", len(value)) + value.encode("latin1")
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, list):
        return b"](" + b"".join(map(_item, value)) + b"e"
    if isinstance(value, dict):
        return b"}(" + b"".join(_item(key) + _item(one) for key, one in value.items()) + b"u"
    return _array(value)


def _array(values: NDArray[np.uint8]) -> bytes:
    """Return the opcodes for an array (n, m) of bytes: ``_reconstruct`` and a state, as NumPy 1 writes them."""
    reconstructed = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
    dtype = b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    shape = b"(" + b"".join(map(_item, values.shape)) + b"t"
    data = b"T" + struct.pack("<i", values.size) + values.tobytes()
    return reconstructed + b"(K\x01" + shape + dtype + b"\x89" + data + b"tb"
