"""The exercise hapt: its reference against other implementations, its task, and how the open question is treated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from grader.checks import KINDS
from grader.data import load
from grader.reference import Evaluation, Reference
from grader.reference import load as load_reference

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "exercises/microcontrollers/hapt"
RUBRIC = yaml.safe_load((ROOT / "rubrics/microcontrollers/hapt.yaml").read_text(encoding="utf-8"))
SETTINGS = yaml.safe_load((FOLDER / "exercise.yaml").read_text(encoding="utf-8"))
CHECKS = [check for criterion in RUBRIC["criteria"] for check in criterion["checks"]]


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference(ROOT / "reference/microcontrollers/hapt.py")


def function(reference: Reference, name: str) -> Any:
    return reference.definitions[name].function


def holds(reference: Reference, name: str, inputs: tuple[Any, ...], result: Any) -> bool:
    return bool(reference.properties[name].function(inputs, result))


@pytest.mark.parametrize("part", ["train", "test"])
def test_loading_agrees_with_the_grader_s_own_reader(reference: Reference, part: str, tmp_path: Path) -> None:
    data = load("hapt", train=SETTINGS["data"]["hapt"]["train"], test=SETTINGS["data"]["hapt"]["test"])
    for name, content in data.files():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    features, labels, subjects = function(reference, "load_part")(tmp_path / "data/hapt", part)
    samples = data.content.train if part == "train" else data.content.test
    np.testing.assert_allclose(features, samples.inputs)
    np.testing.assert_array_equal(labels, samples.labels - 1)
    np.testing.assert_array_equal(subjects, samples.subjects)
    assert (labels.min(), labels.max()) == (0, 11)
    np.testing.assert_array_equal(reference.evaluate()[f"{part}_shape"], features.shape)
    if part == "train":
        assert reference.evaluate()["class_counts"].tolist() == [int(np.sum(labels == one)) for one in range(12)]


def test_the_split_agrees_with_scikit_learn_s_groups(reference: Reference) -> None:
    from sklearn.model_selection import LeavePGroupsOut  # noqa: PLC0415 - scikit-learn is slow to import, and may be missing

    for subjects, persons in Evaluation(reference, None).cases("persons_mixed"):
        ours = [list(part) for part in function(reference, "split_by_subject")(subjects, persons)]
        splits = LeavePGroupsOut(len(persons)).split(subjects, groups=subjects)
        assert ours in [[list(train), list(test)] for train, test in splits]
        for name in ("nobody_in_both", "every_sample_once", "those_named"):
            assert holds(reference, name, (subjects, persons), ours)


def test_indices_and_masks_are_accepted_and_parts_may_be_in_any_order(reference: Reference) -> None:
    subjects, persons = np.array([4, 7, 4, 9, 7]), np.array([7])
    mask = subjects == 7
    for result in ([~mask, mask], [np.array([3, 2, 0]), np.array([4, 1])], [np.where(~mask), np.where(mask)]):
        for name in ("nobody_in_both", "every_sample_once", "those_named"):
            assert holds(reference, name, (subjects, persons), result), (name, result)


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("nobody_in_both", [[0, 1, 2], [3, 4]]),
        ("every_sample_once", [[0, 2], [1, 4]]),
        ("every_sample_once", [[0, 2, 3, 3], [1, 4]]),
        ("those_named", [[0, 1, 2, 3, 4], []]),
        ("those_named", [[1, 4], [0, 2, 3]]),
    ],
)
def test_properties_can_fail(reference: Reference, name: str, result: Any) -> None:
    assert not holds(reference, name, (np.array([4, 7, 4, 9, 7]), np.array([7])), result)


def test_what_is_no_split_is_refused(reference: Reference) -> None:
    for result in ([[0, 1]], [[0, 1], [2, 99]], [[0.5], [1.5]]):
        with pytest.raises(ValueError, match="part"):
            holds(reference, "nobody_in_both", (np.array([4, 7, 4]), np.array([7])), result)


def test_a_usual_solution_reaches_the_highest_band_and_a_constant_none(reference: Reference) -> None:
    (check,) = (one for one in CHECKS if "bands" in one)
    ((inputs, labels),) = Evaluation(reference, None, hidden=3).cases("unseen_persons")
    assert len(labels) == 1500
    from sklearn.neighbors import KNeighborsClassifier  # noqa: PLC0415 - scikit-learn is slow to import, and may be missing

    ((features, known),) = Evaluation(reference, None).cases("training_persons")
    other = KNeighborsClassifier().fit(features, known)
    assert np.mean(function(reference, "predict")(inputs) == labels) > check["bands"][0][0] + 0.01
    assert np.mean(other.predict(inputs) == labels) > check["bands"][1][0] + 0.01
    assert max(np.mean(labels == one) for one in range(12)) < check["bands"][-1][0] - 0.1


def test_training_and_validation_share_no_person(reference: Reference) -> None:
    truth = Evaluation(reference, None)
    sizes = [len(truth.cases(name)[0][1]) for name in ("training_persons", "persons_held_back")]
    assert sum(sizes) == reference.evaluate()["train_shape"][0]
    assert reference.evaluate()["validation_persons"].tolist() == [17, 18, 19, 20, 21]


def test_ETH_18_every_cause_that_fits_the_own_numbers_is_accepted() -> None:
    (text,) = (check for check in CHECKS if "text" in check)
    accepted = " ".join(text["accept"])
    for cause in ("subject shift", "leakage", "Noisier", "Not overfitting", "own training"):
        assert cause in accepted
    assert "own numbers" in text["key_points"][0]["point"]


def test_ETH_18_no_figure_of_the_sheet_is_asked_for() -> None:
    claims = [check for check in CHECKS if "claim" in check]
    assert {check["claim"] for check in claims} == {"train_accuracy", "validation_accuracy", "test_accuracy"}
    assert not any(figure in str(CHECKS) for figure in ("97.88", "97.04", "92.19"))


def test_ETH_17_items_are_keyed_by_content_not_by_the_number_of_a_task() -> None:
    """The two printings number this task differently, and one of them does not have it."""
    items = SETTINGS["items"]
    assert set(items) == {"E41", "E42", "E43", "E44"}
    names = {check.get("id") or check.get("claim") or next(iter(check.values())) for check in CHECKS}
    assert {name for named in items.values() for name in named} == names
    assert "Task" not in (FOLDER / "task.md").read_text(encoding="utf-8")


def test_points() -> None:
    assert sum(criterion["points"] for criterion in RUBRIC["criteria"]) == 18
    assert all(set(check) & set(KINDS) for check in CHECKS)
