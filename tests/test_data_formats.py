"""The readers of MNIST, CIFAR-10 and HAPT: what is written is read back, and what is damaged is named."""

from __future__ import annotations

import gzip
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.data import Content, Samples, cifar10, hapt, mnist
from grader.errors import DataError

RNG = np.random.default_rng(3)


def images(count: int, *shape: int) -> Samples:
    return Samples(RNG.integers(0, 256, (count, *shape), dtype=np.uint8), RNG.integers(0, 10, count))


def persons(count: int, first: int) -> Samples:
    features = RNG.uniform(-1, 1, (count, 561)).round(6)
    return Samples(features, RNG.integers(1, 13, count), first + np.arange(count) % 3)


CONTENT = {
    "mnist": Content(images(13, 28, 28), images(5, 28, 28), mnist.CLASSES),
    "cifar10": Content(images(23, 3, 32, 32), images(4, 3, 32, 32), cifar10.CLASSES),
    "hapt": Content(persons(9, 1), persons(6, 20), hapt.CLASSES, tuple(f"feature {number}" for number in range(561))),
}
FORMATS: dict[str, Any] = {"mnist": mnist, "cifar10": cifar10, "hapt": hapt}


def laid(name: str, folder: Path) -> Path:
    for path, data in FORMATS[name].encode(CONTENT[name]):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_is_read_back(name: str, tmp_path: Path) -> None:
    found, expected = FORMATS[name].read(laid(name, tmp_path)), CONTENT[name]
    for part, other in ((found.train, expected.train), (found.test, expected.test)):
        np.testing.assert_array_equal(part.inputs, other.inputs)
        np.testing.assert_array_equal(part.labels, other.labels)
        np.testing.assert_array_equal(part.subjects, other.subjects)
        assert part.inputs.dtype == other.inputs.dtype
    assert (found.classes, found.features) == (expected.classes, expected.features)


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_content_gives_the_same_bytes(name: str) -> None:
    assert FORMATS[name].encode(CONTENT[name]) == FORMATS[name].encode(CONTENT[name])


def test_mnist_is_read_plain_and_with_the_dotted_names(tmp_path: Path) -> None:
    laid("mnist", tmp_path)
    for path in list(tmp_path.iterdir()):
        plain = path.name.removesuffix(".gz").replace("-idx", ".idx")
        (tmp_path / plain).write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    np.testing.assert_array_equal(mnist.read(tmp_path).train.inputs, CONTENT["mnist"].train.inputs)


def test_idx_has_the_published_head() -> None:
    assert mnist.to_idx(np.zeros((2, 28, 28), np.uint8))[:16] == bytes(
        [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28]
    )
    assert mnist.to_idx(np.array([7, 1], np.uint8)) == bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 1])


@pytest.mark.parametrize("encoding", ["bytes", "latin1"])
def test_cifar_batches_load_as_the_real_ones_do(encoding: str) -> None:
    def key(text: str) -> str | bytes:
        return text.encode() if encoding == "bytes" else text

    content = dict(cifar10.encode(CONTENT["cifar10"]))["data_batch_1"]
    batch = pickle.loads(content, encoding=encoding)  # noqa: S301 - our own
    assert list(batch) == [key(name) for name in ("batch_label", "labels", "data", "filenames")]
    assert batch[key("batch_label")] == key("training batch 1 of 5")
    data, images = batch[key("data")], CONTENT["cifar10"].train.inputs
    assert (data.dtype, data.shape) == (np.uint8, (len(batch[key("labels")]), 3072))
    # A row is the red plane, then green, then blue, each row by row.
    assert data[2, 1024 + 32 * 5 + 7] == images[2, 1, 5, 7]


def idx(magic: int, shape: tuple[int, ...], count: int) -> bytes:
    return struct.pack(f">{1 + len(shape)}I", magic, *shape) + bytes(count)


IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


@pytest.mark.parametrize(
    ("file", "data", "message"),
    [
        (IMAGES, b"\0\0\x08", "has 3 bytes, too few for a head of 16; fetch it again"),
        (
            IMAGES,
            idx(0x0801, (13,), 13),
            "begins with the magic number 2049, expected 2051; labels and images are swapped",
        ),
        (
            IMAGES,
            idx(0x1234, (13, 28, 28), 13 * 784),
            "begins with the magic number 4660, expected 2051; fetch it again",
        ),
        (
            IMAGES,
            idx(0x0803, (13, 28, 28), 100),
            "holds 100 values, its head says 13 x 28 x 28 = 10192; fetch it again",
        ),
        (
            IMAGES,
            idx(0x0803, (2**32 - 1,) * 3, 9),
            "holds 9 values, its head says 4294967295 x 4294967295 x 4294967295",
        ),
        (IMAGES, idx(0x0803, (13, 8, 8), 13 * 64), "holds images of 8 x 8, expected 28 x 28; fetch it again"),
        (LABELS, idx(0x0801, (12,), 12), "holds 12 labels for 13 images; the two do not belong together"),
        (LABELS, idx(0x0801, (13,), 0) + bytes([11] * 13), "holds the label 11, expected 0 to 9; is this MNIST?"),
        (LABELS, b"\x1f\x8bgarbage of some length", "cannot be read (Unknown compression method"),
        (LABELS, gzip.compress(bytes(1000), mtime=0)[:-9], "cannot be read (Compressed file ended before"),
        (LABELS, None, "cannot be read ([Errno 2]"),
    ],
)
def test_a_damaged_mnist_is_named(file: str, data: bytes | None, message: str, tmp_path: Path) -> None:
    damage(laid("mnist", tmp_path) / file, data)
    with pytest.raises(DataError) as caught:
        mnist.read(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / file}: {message}")


def damage(path: Path, data: bytes | None) -> None:
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)


@pytest.mark.parametrize(("name", "what"), [("mnist", "MNIST"), ("cifar10", "CIFAR-10")])
def test_a_file_that_is_far_too_large_is_not_read(
    name: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FORMATS[name], "_MAX_BYTES", 100)
    with pytest.raises(DataError, match=f"holds more than 100 bytes; this is not {what}"):
        FORMATS[name].read(laid(name, tmp_path))


def batch(**change: Any) -> bytes:
    described = {"data": np.zeros((2, 3072), np.uint8), "labels": [1, 2], **change}
    return pickle.dumps({key: value for key, value in described.items() if value is not None})


@pytest.mark.parametrize(
    ("file", "data", "message"),
    [
        ("batches.meta", pickle.dumps({}), "has no list `label_names` of ten names; fetch the version for Python"),
        ("batches.meta", pickle.dumps({"label_names": [1] * 10}), "has no list `label_names` of ten names"),
        ("data_batch_3", batch(data=None), "`data` is NoneType, expected uint8 (n, 3072)"),
        ("data_batch_3", batch(data=np.zeros((2, 3072))), "`data` is float64 (2, 3072), expected uint8 (n, 3072)"),
        ("data_batch_3", batch(data=np.zeros((2, 3, 32, 32), np.uint8)), "`data` is uint8 (2, 3, 32, 32), expected"),
        ("test_batch", batch(labels=None), "`labels` is no list of whole numbers from 0 to 9"),
        ("test_batch", batch(labels=[1, 10]), "`labels` is no list of whole numbers from 0 to 9"),
        ("test_batch", batch(labels=[1, True]), "`labels` is no list of whole numbers from 0 to 9"),
        ("test_batch", batch(labels=[1]), "holds 1 labels for 2 images"),
        ("data_batch_1", b"not a pickle", "is no batch of CIFAR-10: it is damaged ("),
        ("data_batch_1", pickle.dumps({"data": {1, 2}}), "is no batch of CIFAR-10: it asks for more than plain data ("),
        ("data_batch_5", None, "cannot be read ([Errno 2]"),
    ],
)
def test_a_damaged_cifar_is_named(file: str, data: bytes | None, message: str, tmp_path: Path) -> None:
    damage(laid("cifar10", tmp_path) / file, data)
    with pytest.raises(DataError) as caught:
        cifar10.read(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / file}: {message}")


def lines(change: Callable[[list[str]], list[str]]) -> Callable[[str], str]:
    return lambda text: "\n".join(change(text.splitlines())) + "\n"


@pytest.mark.parametrize(
    ("file", "change", "where", "message"),
    [
        ("activity_labels.txt", lines(lambda found: found[:6]), "", "names 6 activities, expected 12; fetch the data"),
        ("features.txt", lines(lambda found: found[:5]), "", "names 5 features, expected 561; fetch the data set"),
        (
            "Test/subject_id_test.txt",
            lines(lambda found: ["1", *found[1:]]),
            "",
            "names persons of the training part: [1]",
        ),
        (
            "Train/y_train.txt",
            lines(lambda found: ["5", "13", *found[2:]]),
            ":2",
            "is 13, expected a whole number from 1 to 12",
        ),
        (
            "Train/y_train.txt",
            lines(lambda found: ["0", *found[1:]]),
            ":1",
            "is 0, expected a whole number from 1 to 12",
        ),
        (
            "Train/subject_id_train.txt",
            lines(lambda found: ["1.5", *found[1:]]),
            ":1",
            "is 1.5, expected a whole number",
        ),
        ("Train/X_train.txt", lambda _: " \n", "", "is empty; fetch the data set again"),
        ("Train/X_train.txt", lambda text: "walking " + text, "", "is no table of numbers (could not convert string"),
        (
            "Train/X_train.txt",
            lines(lambda found: [*found[:2], "1 2 3"]),
            "",
            "is no table of numbers (the number of columns",
        ),
        ("Test/X_test.txt", lines(lambda _: ["1 2 3"] * 6), "", "has 3 columns, expected 561; fetch the data set"),
        (
            "Test/X_test.txt",
            lines(lambda found: [" ".join(["0", "nan"] + ["0"] * 559), *found[1:]]),
            ":1",
            "column 2 is nan;",
        ),
        ("Test/y_test.txt", lambda _: None, "", "cannot be read ([Errno 2]"),
    ],
)
def test_a_damaged_hapt_is_named(
    file: str, change: Callable[[str], str | None], where: str, message: str, tmp_path: Path
) -> None:
    path = laid("hapt", tmp_path) / file
    text = change(path.read_text())
    damage(path, text if text is None else text.encode())
    with pytest.raises(DataError) as caught:
        hapt.read(tmp_path)
    assert str(caught.value).startswith(f"{path}{where}: {message}")


def test_files_of_hapt_that_do_not_belong_together_are_named(tmp_path: Path) -> None:
    path = laid("hapt", tmp_path) / "Train/y_train.txt"
    path.write_text("1\n2\n")
    with pytest.raises(DataError) as caught:
        hapt.read(tmp_path)
    assert str(caught.value).startswith(
        f"{tmp_path / 'Train'}: holds 9 rows of features, 2 labels and 9 persons; these files do not belong together"
    )


def test_samples_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 inputs, 3 labels, 0 subjects"):
        Samples(np.zeros((2, 4)), np.zeros(3))
