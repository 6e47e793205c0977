"""The kind ``choice``: one answer, several, an order, and one for each item; and that guessing earns nothing."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from execution_helpers import module_job, run, values
from judging_helpers import judge, make_course, make_exercise

from grader.checks.shares import kendall, token
from grader.errors import CourseError
from grader.model import Array, CheckResult, Failure, Opaque, Status
from grader.starters import literal

ORDER = ["collect", "label", "preprocess", "split", "train", "validate", "test"]
TYPES = {
    "SVM": "supervised",
    "k-means": "unsupervised",
    "tree": "supervised",
    "PCA": "unsupervised",
    "robot": "reinforcement",
}


def judged(tmp_path: Path, true: Any, answer: Any, options: str = "", more: str = "") -> CheckResult:
    reference = f"\n@quantity\ndef q():\n    return {true!r}\n{more}"
    return judge(make_exercise(tmp_path, reference, f"choice: q{options}"), {"q": answer})["q"]


@pytest.mark.parametrize(
    ("true", "answer", "fraction"),
    [
        ("dimension reduction", " Dimension-Reduction. ", 1),
        ("dimension reduction", "compression", 0),
        ("2", 2, 1),
        (2, "2", 1),
        (2, "3", 0),
        (0.5, "0.5", 1),
        (True, True, 1),
        (True, "Yes", 1),
        (True, 1, 1),
        (False, "nein", 1),
        (True, False, 0),
        (True, "maybe", 0),
        ("<", ">", 0),
        ({"a", "b"}, ["B", "a", "a"], 1),
        ({"a", "b"}, ["a"], 0),
        ({"a", "b"}, ["a", "b", "c"], 0),
        (["a", "b"], ["a", "b"], 1),
        (["a", "b"], ["b", "a"], 0),
        (["a", "b"], ["a", "b", "b"], 0),
        ([0, 2, 1], Array.from_numpy(np.array([0, 2, 1])), 1),
        ({"x": "a", "y": {"b", "c"}}, {"X": "A", "y": ["c", "b"]}, 1),
        ({"x": "a", "y": "b"}, {"x": "a"}, 0),
        ({"x": "a", "y": "b"}, {"x": "a", "y": ["a", "b"]}, 0),
    ],
)
def test_whole_answers(tmp_path: Path, true: Any, answer: Any, fraction: float) -> None:
    assert judged(tmp_path, true, answer).fraction == fraction


@pytest.mark.parametrize(
    ("true", "answer", "message"),
    [
        ("a", None, "`q` is still None: not answered yet."),
        ("a", Failure("missing"), "`q` was not answered."),
        ("a", Failure("raised", "its str raised"), "`q` cannot be read: its str raised."),
        ("a", Opaque("set"), "`q` is a set; write text, numbers, or lists of them."),
        (["a"], "a", "`q` should be a list, but is text."),
        ({"x": "a"}, ["a"], "`q` should be a mapping from each item to its answer, but is a list."),
    ],
)
def test_what_cannot_be_read_earns_nothing(tmp_path: Path, true: Any, answer: Any, message: str) -> None:
    result = judged(tmp_path, true, answer)
    assert (result.status, result.fraction, result.message) == (Status.FAILED, 0.0, message)


def test_alternatives_and_synonyms(tmp_path: Path) -> None:
    true = {"a": "dimension reduction", "b": "classification"}
    accept = ", accept: {a: [lossy compression]}"
    assert judged(tmp_path, true, {"a": "Lossy compression", "b": "classification"}, accept).fraction == 1
    assert judged(tmp_path, true, {"a": "classification", "b": "lossy compression"}, accept).fraction == 0
    synonyms = ", synonyms: {classification: [Klassifikation]}"
    assert judged(tmp_path, true, {"a": "dimension reduction", "b": "klassifikation"}, synonyms).fraction == 1
    assert judged(tmp_path, ["a", "b"], ["b", "a"], ", order: kendall, accept: [[b, a]]").fraction == 1
    assert judged(tmp_path, {"a", "b"}, ["a"], ", accept: [[a]]").fraction == 1


def test_items_count_one_by_one(tmp_path: Path) -> None:
    answer = {"SVM": "supervised", "k-means": "supervised", "tree": "supervised", "PCA": "unsupervised"}
    result = judged(tmp_path, TYPES, answer, ", per_item: true")
    assert (result.status, result.fraction) == (Status.PARTIAL, 0.6)
    assert result.message == "`q`: 3 of 5 items are right.\nNot answered: robot.\nNot right: k-means."
    assert "unsupervised" in result.evidence
    blank = judged(tmp_path, TYPES, answer | {"robot": None}, ", per_item: true")
    assert (blank.fraction, blank.message) == (result.fraction, result.message)
    labels = judged(tmp_path, ["under", "over", "good", "over"], ["under", "good", "good", "over"], ", per_item: true")
    assert labels.fraction == 0.75
    padded = judged(tmp_path, ["under", "over"], ["under", "over", "good", "good"], ", per_item: true")
    assert (padded.fraction, padded.message.splitlines()[-1]) == (0.5, "2 answers were asked for; there are 2 more.")


def test_which_of_two_answers_is_wrong_is_not_told(tmp_path: Path) -> None:
    result = judged(tmp_path, {"x": True, "y": False}, {"x": True, "y": True}, ", per_item: true")
    assert (result.fraction, result.message) == (0.5, "`q`: 1 of 2 items are right.")


def test_guessing_earns_nothing(tmp_path: Path) -> None:
    same = dict.fromkeys(TYPES, "supervised")
    plain, corrected = ", per_item: true", ", per_item: true, chance_correction: true"
    assert judged(tmp_path, TYPES, same, plain).fraction == 0.4
    assert judged(tmp_path, TYPES, same, corrected).fraction == 0
    assert judged(tmp_path, TYPES, TYPES, corrected).fraction == 1
    mixed = judged(tmp_path, TYPES, TYPES | {"robot": "supervised"}, corrected).fraction
    assert mixed == pytest.approx((0.8 - 0.4) / 0.6)


def test_an_accepted_answer_everywhere_earns_nothing_either(tmp_path: Path) -> None:
    true = {"x": "a", "y": "b", "z": "c", "w": "a"}
    options = ", per_item: true, chance_correction: true, accept: {y: [d], z: [d], w: [d]}"
    assert judged(tmp_path, true, dict.fromkeys(true, "d"), options).fraction == 0
    assert judged(tmp_path, true, true | {"y": "d"}, options).fraction == 1


@pytest.mark.parametrize(
    ("answer", "fraction"),
    [
        (["a", "b", "c"], 1),
        (["a", "b", "c", "d"], 0),
        ([], 0),
        (["a"], 1 / 3),
        (["d"], 0),
        (["a", "b", "d"], 0),
        (["a", "b", "c", "z"], 0),
    ],
)
def test_choosing_everything_of_a_set_earns_nothing(tmp_path: Path, answer: list[str], fraction: float) -> None:
    options = ", per_item: true, options: [a, b, c, d]"
    assert judged(tmp_path, {"a", "b", "c"}, answer, options).fraction == pytest.approx(fraction)


def test_order_by_pairs(tmp_path: Path) -> None:
    swapped = ["label", "collect", *ORDER[2:]]
    options = ", order: kendall"
    assert judged(tmp_path, ORDER, [one.upper() for one in ORDER], options).fraction == 1
    assert judged(tmp_path, ORDER, swapped, options).fraction == pytest.approx(1 - 2 / 21)
    assert judged(tmp_path, ORDER, ORDER[::-1], options).fraction == 0
    assert judged(tmp_path, ORDER, ORDER[:5], options).fraction == 0  # 10 of 21 pairs
    assert judged(tmp_path, ORDER, ORDER + ORDER[::-1], options).fraction < 1
    assert judged(tmp_path, ORDER, swapped).fraction == 0


def test_an_order_is_compared_with_the_nearest_that_is_accepted(tmp_path: Path) -> None:
    early = ["collect", "split", "label", "preprocess", "train", "validate", "test"]
    options = f", order: kendall, accept: [[{', '.join(early)}]]"
    swapped = [*early[:5], "test", "validate"]
    assert judged(tmp_path, ORDER, early, options).fraction == 1
    assert judged(tmp_path, ORDER, swapped, options).fraction == pytest.approx(1 - 2 / 21)
    assert judged(tmp_path, ORDER, swapped, ", order: kendall").fraction == pytest.approx(1 - 6 / 21)


LABELS = """
@quantity
def errors():
    return np.array([3.0, 1.0, 2.0])
@quantity
def labels(errors):
    best = int(np.argmin(errors))
    return {str(one): "good" if one == best else "under" if one < best else "over" for one in range(3)}
"""


def test_an_answer_follows_from_the_students_own(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, LABELS, "value: errors", "choice: labels, per_item: true")
    right = {"0": "under", "1": "good", "2": "over"}
    assert judge(exercise, {"errors": [3, 1, 2], "labels": right})["labels"].fraction == 1
    own = {"0": "under", "1": "under", "2": "good"}
    followed = judge(exercise, {"errors": [3, 1, 0.5], "labels": own})["labels"]
    assert (followed.fraction, followed.follow_through) == (1, True)
    assert followed.message == "Judged by your own `errors`: the earlier slip is not charged again."
    partly = judge(exercise, {"errors": [3, 1, 0.5], "labels": own | {"0": "over"}})["labels"]
    assert partly.status is Status.PARTIAL
    assert partly.fraction == pytest.approx(2 / 3)
    assert judge(exercise, {"errors": [3, 1, 0.5], "labels": right})["labels"].fraction == 1
    assert judge(exercise, {"errors": [3, 1, 2], "labels": own})["labels"].fraction == pytest.approx(1 / 3)
    for useless in (None, [0, 0, 0]):
        assert judge(exercise, {"errors": useless, "labels": own})["labels"].fraction == pytest.approx(1 / 3)


def test_a_random_order_earns_little() -> None:
    shares = [kendall(one, (0, 1, 2, 3, 4)) for one in permutations(range(5))]
    assert fmean(shares) < 0.2
    assert sum(share == 0 for share in shares) > len(shares) / 2


def test_mistakes_are_named(tmp_path: Path) -> None:
    more = (
        "\n@misconception('q', 'PCA has no labels.')\ndef pca():\n"
        f"    return {TYPES | {'PCA': 'supervised'}!r}\n"
        "\n@misconception('q', 'Clustering has no labels.')\ndef both():\n"
        f"    return {TYPES | {'PCA': 'supervised', 'k-means': 'supervised'}!r}\n"
    )
    one = judged(tmp_path, TYPES, TYPES | {"PCA": "Supervised"}, ", per_item: true", more)
    assert (one.misconception, one.fraction, one.message) == ("pca", 0.8, "PCA has no labels.")
    worse = TYPES | {"PCA": "supervised", "k-means": "supervised", "robot": "supervised"}
    assert judged(tmp_path, TYPES, worse, ", per_item: true", more).misconception == "both"
    credited = judged(tmp_path, TYPES, TYPES | {"PCA": "supervised"}, ", credit: {pca: 0.5}", more)
    assert (credited.status, credited.fraction) == (Status.PARTIAL, 0.5)
    assert judged(tmp_path, TYPES, TYPES | {"PCA": "robot"}, "", more).misconception is None


@pytest.mark.parametrize(
    "answer", ["🦊" * 100_000, {"\udcff": "a"}, [[[["a"]]]], {"x": {"y": "z"}}, 10**300, float("nan")]
)
def test_hostile_answers_are_wrong_and_nothing_else(tmp_path: Path, answer: Any) -> None:
    for true in ("a", ["a", "b"], {"x": "a"}, {"a", "b"}):
        assert judged(tmp_path, true, answer).status is Status.FAILED


def test_an_authors_mistakes(tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        make_course(
            tmp_path, "\n@quantity\ndef q():\n    return 'a'\n", "choice: p, chance_correction: true, credit: {m: 3}"
        )
    text = str(caught.value)
    assert "choice: `p` is no quantity" in text
    assert "credit: `m` is no misconception" in text
    assert "credit: m should be between 0 and 1, found 3" in text
    assert "chance_correction: needs `per_item: true`" in text
    assert "options" in judged(tmp_path, {"a"}, ["b"], ", per_item: true").evidence
    assert "for which item" in judged(tmp_path, {"x": "a"}, {"x": "b"}, ", accept: [b]").evidence


def test_sets_cross_in_order() -> None:
    assert (literal({"b", "a"}), literal(frozenset({2, 1}))) == ("['a', 'b']", "[1, 2]")
    seen = values(run(module_job("words, numbers, odd = {'b', 'a'}, {1, 2}, {'a', 1}", "words numbers odd")))
    assert seen == {"words": ["a", "b"], "numbers": Opaque("set"), "odd": Opaque("set")}


def test_words_are_compared_without_case_spaces_and_punctuation() -> None:
    assert token("Semi-supervised ") == token("semisupervised") == "semisupervised"
    assert token("1.50") == token(1.5)
    assert token("a<b") != token("a>b")
    assert token("...") == "..."
