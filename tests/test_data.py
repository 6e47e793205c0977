"""Data sets: where they come from, what students get, what stays hidden, and that the stand-ins can be told by."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from grader.data import NAMES, VARIABLE, Content, Samples, cifar10, digits, hapt, load, mnist, write
from grader.data.disturbing import disturbed_features, disturbed_images
from grader.data.samples import some
from grader.errors import DataError, ExitCode, UsageError

FORMATS = {"mnist": mnist, "cifar10": cifar10, "hapt": hapt}
EMBEDDED = {
    # variant, samples for training and for testing, shape of one
    "mnist": ("digits", 1000, 400, (28, 28)),
    "cifar10": ("textures", 1200, 300, (3, 32, 32)),
    "hapt": ("movements", None, None, (561,)),
}


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


def rows(samples: Samples) -> set[bytes]:
    return {np.ascontiguousarray(one).tobytes() for one in samples.inputs}


def real(name: str, folder: Path) -> Path:
    """Lay a data set as the real one lies: without the note that it is a stand-in."""
    write(name, folder)
    (folder / name / "SOURCE.txt").unlink()
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_without_real_data_the_embedded_stand_in_serves(name: str) -> None:
    data = load(name)
    variant, train, test, shape = EMBEDDED[name]
    assert (data.name, data.variant, data.source) == (name, variant, f"embedded: {variant}")
    assert data.content.train.inputs.shape[1:] == data.content.test.inputs.shape[1:] == shape
    if train:
        assert (len(data.content.train), len(data.content.test)) == (train, test)


@pytest.mark.parametrize("name", NAMES)
def test_files_have_the_real_format_and_are_small(name: str, tmp_path: Path) -> None:
    data = load(name)
    files = data.files()
    for path, content in files:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    found = FORMATS[name].read(tmp_path / "data" / name)
    for part, other in ((found.train, data.content.train), (found.test, data.content.test)):
        np.testing.assert_array_equal(part.inputs, other.inputs)
        np.testing.assert_array_equal(part.labels, other.labels)
        np.testing.assert_array_equal(part.subjects, other.subjects)
    assert sum(len(content) for _, content in files) < 5_000_000
    assert dict(files)[f"data/{name}/SOURCE.txt"].startswith(f"embedded: {data.variant}\n".encode())


def digest(name: str) -> str:
    data = load(name)
    found = hashlib.sha256(data.hidden(rng(), 50).inputs.tobytes())
    for path, content in data.files():
        found.update(path.encode() + content)
    return found.hexdigest()


def test_another_process_makes_the_same_files_and_hidden_samples() -> None:
    command = [sys.executable, "-c", "import test_data as t; print(*map(t.digest, t.NAMES))"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [digest(name) for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_hidden_samples_are_like_the_public_ones_but_not_among_them(name: str) -> None:
    data = load(name)
    hidden, public = data.hidden(rng(), 200), data.content
    assert len(hidden) == len(hidden.inputs) == 200
    assert (hidden.inputs.dtype, hidden.inputs.shape[1:]) == (public.test.inputs.dtype, public.test.inputs.shape[1:])
    assert hidden.labels.dtype == public.test.labels.dtype
    assert set(hidden.labels.tolist()) <= set(public.train.labels.tolist())
    assert len(set(hidden.labels.tolist())) > 8
    assert not rows(hidden) & (rows(public.train) | rows(public.test))
    assert not set(hidden.subjects.tolist()) & {*public.train.subjects.tolist(), *public.test.subjects.tolist()}


@pytest.mark.parametrize("name", NAMES)
def test_hidden_samples_follow_from_the_seed(name: str) -> None:
    data = load(name)
    one, same, other = data.hidden(rng(), 60), data.hidden(rng(), 60), data.hidden(rng(6), 60)
    np.testing.assert_array_equal(one.inputs, same.inputs)
    np.testing.assert_array_equal(one.labels, same.labels)
    assert not rows(one) & rows(other)


def test_all_hidden_digits_come_in_an_order_that_nobody_knows() -> None:
    data = load("mnist")
    one, other = data.hidden(rng(1), 5000), data.hidden(rng(2), 5000)
    assert len(one) == len(other) == 1797 - 1400
    assert (one.labels != other.labels).mean() > 0.5


def test_hidden_digits_cannot_be_looked_up_among_the_originals() -> None:
    everything = rows(digits._samples())
    assert len(everything) > 1700
    assert not rows(load("mnist").hidden(rng(), 397)) & everything


def test_noise_leaves_an_empty_background_and_the_range() -> None:
    images = Samples(np.array([[[0, 0], [100, 255]]] * 500, np.uint8), np.zeros(500))
    noisy = disturbed_images(images, rng()).inputs.astype(float)
    assert not noisy[:, 0].any()
    assert 4 < noisy[:, 1, 0].std() < 6
    assert noisy.max() == 255
    features = Samples(np.tile([-1.0, 0.5, 0.999], (500, 1)) * rng().choice([1, 0.9], (500, 1)), np.zeros(500))
    found = disturbed_features(features, rng()).inputs
    assert 0 < np.abs(found - features.inputs).max() < 0.01
    assert np.abs(found).max() <= 1.0


@pytest.mark.parametrize("name", NAMES)
def test_a_subset_keeps_every_class_and_changes_nothing_hidden(name: str) -> None:
    whole, part = load(name), load(name, train=120, test=50)
    assert (len(part.content.train), len(part.content.test)) == (120, 50)
    assert set(part.content.train.labels.tolist()) == set(whole.content.train.labels.tolist())
    assert rows(part.content.train) < rows(whole.content.train)
    np.testing.assert_array_equal(part.hidden(rng(), 30).inputs, whole.hidden(rng(), 30).inputs)
    assert len(load(name, train=10**9).content.train) == len(whole.content.train)


def test_a_subset_takes_each_class_by_its_share() -> None:
    samples = Samples(np.arange(100), np.repeat([0, 1, 2], [60, 38, 2]))
    found = some(samples, 50, rng())
    assert np.bincount(found.labels).tolist() == [30, 19, 1]
    assert (np.diff(found.inputs) > 0).all()
    assert set(some(samples, 3, rng()).labels.tolist()) == {0, 1, 2}


# --- real files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_real_files_are_found_in_a_folder_or_through_the_variable(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real(name, tmp_path)
    data = load(name, tmp_path)
    assert (data.variant, data.source) == (name, f"real: {tmp_path / name}")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert load(name).source == data.source
    monkeypatch.setenv(VARIABLE, "")
    assert load(name).source.startswith("embedded: ")


@pytest.mark.parametrize(
    ("name", "folder"), [("cifar10", "cifar-10-batches-py"), ("hapt", "HAPT Data Set"), ("mnist", "MNIST/raw")]
)
def test_the_folders_may_be_called_as_they_are_published(name: str, folder: str, tmp_path: Path) -> None:
    real(name, tmp_path)
    (tmp_path / folder).parent.mkdir(exist_ok=True)
    (tmp_path / name).rename(tmp_path / "moving")
    (tmp_path / "moving").rename(tmp_path / folder)
    assert load(name, tmp_path).source == f"real: {tmp_path / folder}"


@pytest.mark.parametrize("name", NAMES)
def test_half_of_a_real_test_set_is_held_out_and_disturbed(name: str, tmp_path: Path) -> None:
    published = FORMATS[name].read(real(name, tmp_path) / name)
    data = load(name, tmp_path)
    hidden = data.hidden(rng(), 10**6)
    assert len(data.content.test) + len(hidden) == len(published.test)
    assert 0.3 < len(hidden) / len(published.test) <= 0.5
    assert rows(data.content.test) <= rows(published.test)
    assert not rows(hidden) & (rows(published.train) | rows(published.test))
    assert not set(hidden.subjects.tolist()) & set(data.content.test.subjects.tolist())
    assert {*hidden.subjects.tolist(), *data.content.test.subjects.tolist()} == set(published.test.subjects.tolist())


def test_students_do_not_learn_where_real_files_lie(tmp_path: Path) -> None:
    files = dict(load("mnist", real("mnist", tmp_path)).files())
    assert files["data/mnist/SOURCE.txt"] == b"real: mnist\n"
    assert not any(str(tmp_path).encode() in content for content in files.values())


def test_a_data_set_that_is_not_in_the_folder_is_embedded(tmp_path: Path) -> None:
    assert load("hapt", real("mnist", tmp_path)).source == "embedded: movements"


@pytest.mark.parametrize("name", NAMES)
def test_a_stand_in_that_was_written_is_still_a_stand_in(name: str, tmp_path: Path) -> None:
    files = write(name, tmp_path)
    assert files == write(name, tmp_path)
    assert all(path.is_relative_to(tmp_path / name) and path.is_file() for path in files)
    assert load(name, tmp_path).source == f"embedded: {EMBEDDED[name][0]}"


# --- errors ----------------------------------------------------------------------------------------------------------


def test_an_unknown_data_set_is_named() -> None:
    for use in (lambda: load("imagenet"), lambda: write("imagenet", Path())):
        with pytest.raises(UsageError, match=r"^there is no data set 'imagenet'; there are mnist, cifar10, hapt$"):
            use()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load("mnist", tmp_path / "gone")
    assert caught.value.problem.where == str(tmp_path / "gone")
    assert caught.value.problem.message == (
        "is no folder; name one with a subfolder for each data set, or unset GRADER_DATA"
    )
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_folder_without_any_data_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load("mnist", tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: has none of the data sets in its subfolders (mnist: mnist or MNIST or MNIST/raw; "
        "cifar10: cifar10 or cifar-10-batches-py or cifar10/cifar-10-batches-py; hapt: hapt or HAPT or HAPT Data Set); "
        "see DATA.md for their files"
    )


def test_damaged_real_files_are_an_error_and_not_the_stand_in(tmp_path: Path) -> None:
    (real("cifar10", tmp_path) / "cifar10" / "test_batch").write_bytes(b"\x80\x02")
    with pytest.raises(DataError, match=r"test_batch: is no batch of CIFAR-10: it is damaged"):
        load("cifar10", tmp_path)


def test_what_is_in_the_way_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    mine = tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz"
    mine.write_bytes(b"mine")
    with pytest.raises(DataError) as caught:
        write("mnist", tmp_path)
    assert str(caught.value) == f"{mine}: is there already and differs; name another folder, or remove it first"
    assert [path.name for path in (tmp_path / "mnist").iterdir()] == [mine.name]
    assert mine.read_bytes() == b"mine"


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file: cannot be written to \(.*\); name another folder"):
        write("mnist", tmp_path / "file")


def test_without_scikit_learn_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    digits._samples.cache_clear()
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(DataError) as caught:
        load("mnist")
    assert str(caught.value) == (
        "scikit-learn: is needed for the digits that stand in for MNIST, and is not installed; "
        "install it (pip install 'grader[course]'), or name a folder with MNIST"
    )


# --- what the stand-ins are for --------------------------------------------------------------------------------------


def flat(samples: Samples) -> NDArray[np.float64]:
    return samples.inputs.reshape(len(samples), -1) / (255.0 if samples.inputs.dtype == np.uint8 else 1.0)


def linear(train: Samples, test: Samples) -> float:
    """Return the accuracy of a linear classifier on ``test``: ridge regression of the classes."""
    mean = flat(train).mean(axis=0)
    inputs = flat(train) - mean
    alike = inputs @ inputs.T
    least = 0.1 * np.trace(alike) / len(train) * np.eye(len(train))
    weights = inputs.T @ np.linalg.solve(alike + least, np.eye(13)[train.labels])
    return float((((flat(test) - mean) @ weights).argmax(axis=1) == test.labels).mean())


@pytest.mark.parametrize("name", ["mnist", "hapt"])
def test_right_labels_are_learnt_and_wrong_ones_are_not(name: str) -> None:
    data = load(name)
    train, hidden = data.content.train, data.hidden(rng(), 300)
    assert linear(train, hidden) > 0.85
    assert linear(replace(train, labels=rng().permutation(train.labels)), hidden) < 0.3


def test_a_random_split_of_hapt_promises_more_than_other_persons_keep() -> None:
    train = load("hapt").content.train

    def validated(fold: NDArray[np.int64]) -> float:
        return float(np.mean([linear(train.take(fold != one), train.take(fold == one)) for one in range(3)]))

    at_random, by_person = validated(rng().permutation(len(train)) % 3), validated(train.subjects % 3)
    assert at_random > 0.96
    assert 0.75 < by_person < at_random - 0.05


def test_hapt_has_rare_transitions_and_21_and_9_persons() -> None:
    content = load("hapt").content
    assert set(content.train.subjects.tolist()) == set(range(1, 22))
    assert set(content.test.subjects.tolist()) == set(range(22, 31))
    for part in (content.train, content.test):
        count = np.bincount(part.labels, minlength=13)
        assert (count[1:] > 0).all()
        assert count[7:].max() < count[1:7].min() / 4


def test_single_pixels_of_textures_tell_half_and_neighbours_tell_the_rest() -> None:
    data = load("cifar10")
    images = data.hidden(rng(), 400)
    assert 0.3 < linear(data.content.train, images) < 0.65
    grey = images.inputs - images.inputs.mean((2, 3), keepdims=True)
    # Two rows on, a wave of 2.4 pixels has nearly turned around, one of 12 has not.
    alike = (grey[:, :, :-1] * grey[:, :, 1:]).mean((1, 2, 3))
    assert ((alike > 0) == (images.labels >= 5)).mean() > 0.95


def test_a_data_set_is_replaced_and_not_changed() -> None:
    data = load("mnist")
    smaller = Content(data.content.train.take(np.arange(3)), data.content.test, data.content.classes)
    assert len(replace(data, content=smaller).content.train) == 3
    assert len(load("mnist").content.train) == 1000
