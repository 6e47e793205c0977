"""The four files of MNIST, in the format idx (http://yann.lecun.com/exdb/mnist/), plain or compressed with gzip."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grader.data.samples import Content, Samples
from grader.errors import DataError

FOLDERS = ("mnist", "MNIST", "MNIST/raw")
MARKER = "train-images-idx3-ubyte"
CLASSES = tuple("0123456789")
SIDE = 28

_PARTS = {"train": "train", "test": "t10k"}
#: Third byte 8: unsigned bytes; fourth: the number of dimensions.
_IMAGES, _LABELS = 0x0803, 0x0801
#: MNIST's largest file has 47 MB; a compressed file of a few kB can hold gigabytes.
_MAX_BYTES = 256 * 1024**2
_FETCH = "fetch it again, or have the stand-in written to another folder"


def present(folder: Path) -> bool:
    """Return whether the folder has MNIST's first file."""
    return _path(folder, MARKER).is_file()


def read(folder: Path) -> Content:
    """Return MNIST: inputs (n, 28, 28) uint8, 0 background to 255 ink; labels (n,) uint8, 0 to 9.

    Raises DataError where a file is missing, damaged, or not what its name says.
    """
    return Content(_part(folder, "train"), _part(folder, "test"), CLASSES)


def encode(content: Content) -> tuple[tuple[str, bytes], ...]:
    """Return names and bytes of the four files, compressed as they are published."""
    files = []
    for part, prefix in _PARTS.items():
        samples = content.train if part == "train" else content.test
        for kind, array in (("images-idx3", samples.inputs), ("labels-idx1", samples.labels)):
            files.append((f"{prefix}-{kind}-ubyte.gz", gzip.compress(to_idx(array), mtime=0)))
    return tuple(files)


def to_idx(array: NDArray[np.uint8]) -> bytes:
    """Return an array of bytes as an idx file: magic number, dimensions (big-endian, 32 bits each), values."""
    return struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def from_idx(data: bytes, where: object, magic: int) -> NDArray[np.uint8]:
    """Return the array in an idx file of the kind ``magic``. Raises DataError naming ``where``."""
    dimensions = magic & 0xFF
    head = 4 * (1 + dimensions)
    if len(data) < head:
        raise DataError(where, f"has {len(data)} bytes, too few for a head of {head}; {_FETCH}")
    found, *shape = struct.unpack(f">{1 + dimensions}I", data[:head])
    if found != magic:
        hint = "labels and images are swapped; rename them" if found in {_IMAGES, _LABELS} else _FETCH
        raise DataError(where, f"begins with the magic number {found}, expected {magic}; {hint}")
    expected = 1
    for size in shape:  # plain integers: a product of hostile sizes must not overflow
        expected *= size
    if len(data) - head != expected:
        sizes = " x ".join(map(str, shape))
        raise DataError(where, f"holds {len(data) - head} values, its head says {sizes} = {expected}; {_FETCH}")
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def _part(folder: Path, part: str) -> Samples:
    image_path = _path(folder, f"{_PARTS[part]}-images-idx3-ubyte")
    label_path = _path(folder, f"{_PARTS[part]}-labels-idx1-ubyte")
    images = from_idx(_content(image_path), image_path, _IMAGES)
    labels = from_idx(_content(label_path), label_path, _LABELS)
    if images.shape[1:] != (SIDE, SIDE):
        raise DataError(
            image_path, f"holds images of {images.shape[1]} x {images.shape[2]}, expected 28 x 28; {_FETCH}"
        )
    if len(images) != len(labels):
        raise DataError(
            label_path, f"holds {len(labels)} labels for {len(images)} images; the two do not belong together"
        )
    if labels.size and labels.max() > 9:
        raise DataError(label_path, f"holds the label {labels.max()}, expected 0 to 9; is this MNIST?")
    return Samples(images, labels)


def _path(folder: Path, name: str) -> Path:
    """Return where the file is: compressed, plain, or with the dot that some programs write before ``idx``."""
    names = (f"{name}.gz", name, name.replace("-idx", ".idx"), name.replace("-idx", ".idx") + ".gz")
    return next((folder / one for one in names if (folder / one).is_file()), folder / names[0])


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            compressed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if compressed else path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(path, f"cannot be read ({error}); {_FETCH}") from error
    if len(data) > _MAX_BYTES:
        raise DataError(path, f"holds more than {_MAX_BYTES} bytes; this is not MNIST")
    return data
