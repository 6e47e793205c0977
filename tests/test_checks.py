"""Judging values: every way to hold an answer, every way to be wrong, follow-through, and named mistakes."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from judging_helpers import judge, lost, make_exercise, plain, run_with

from grader.checks import KINDS, fits, judge_exercise, probes
from grader.checks.answers import Answer, Unusable, describe, expected_value, in_form_of, read_answer
from grader.checks.comparing import EXACT, Tolerance, agreement, agrees, difference
from grader.course import Exercise, load_course
from grader.errors import CourseError
from grader.model import Array, CheckResult, CodeError, Failure, Opaque, Probe, Status, Stop
from grader.reference import Evaluation

ROOT = Path(__file__).parents[1]


@pytest.fixture
def one(tmp_path: Path) -> Callable[..., CheckResult]:
    """Judge one ``answer`` to a quantity ``q`` whose true value is the Python expression ``true``."""

    def judge_one(true: str, answer: Any, options: str = "", **more: Any) -> CheckResult:
        text = f"\n@quantity\ndef q():\n    return {true}\n"
        exercise = make_exercise(tmp_path, text, f"value: q{', ' if options else ''}{options}")
        return judge(exercise, {"q": answer}, **more)["q"]

    return judge_one


def verdict(result: CheckResult) -> tuple[str, float]:
    return result.status.value, result.fraction


PASSED, FAILED, OWED = ("passed", 1.0), ("failed", 0.0), ("error", 0.0)


# Ways to hold a right answer


def tensor(value: Any) -> Array:
    return Array.from_numpy(np.asarray(value), "torch tensor")


VECTOR = "np.array([1.5, -2.0, 0.0])"
MATRIX = "np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])"
RIGHT: dict[str, tuple[str, Any]] = {
    "int": ("3.0", 3),
    "float": ("3", 3.0),
    "float32 scalar": ("0.1", np.float32(0.1)),
    "float64 scalar": ("0.1", np.float64(0.1)),
    "zero-dimensional array": ("0.1", np.array(0.1)),
    "array of one element": ("0.1", np.array([[0.1]])),
    "list of one number": ("0.1", [0.1]),
    "number for an array of one": ("np.array([0.1])", 0.1),
    "torch scalar": ("0.1", tensor(np.float32(0.1))),
    "torch vector": (VECTOR, tensor(np.array([1.5, -2.0, 0.0], np.float32))),
    "half precision": (VECTOR, np.array([1.5, -2.0, 0.0], np.float16)),
    "integers for floats": ("np.array([1.0, 2.0])", np.array([1, 2], np.uint8)),
    "list": (VECTOR, [1.5, -2, 0]),
    "nested list": (MATRIX, [[1, 2, 3], [4, 5, 6]]),
    "list of scalars": (VECTOR, [np.float64(1.5), np.float32(-2.0), np.array(0.0)]),
    "list of tensors": (MATRIX, [tensor([1.0, 2.0, 3.0]), tensor([4.0, 5.0, 6.0])]),
    "row": (VECTOR, np.array([[1.5, -2.0, 0.0]])),
    "column": (VECTOR, np.array([[1.5], [-2.0], [0.0]])),
    "vector for a column": ("np.array([[1.0], [2.0]])", np.array([1.0, 2.0])),
    "complex without imaginary part": (VECTOR, np.array([1.5, -2.0, 0.0], complex)),
    "real for complex": ("np.array([1j, 2.0]) * 1j", np.array([-1.0, 2j])),
    "complex": ("1 + 2j", 1 + 2j),
    "text": ("'ReLU  network'", " ReLU\nnetwork "),
    "composed text": (repr(unicodedata.normalize("NFC", "Höhe")), unicodedata.normalize("NFD", "Höhe")),
    "bool": ("True", True),
    "numpy bool": ("True", np.bool_(True)),
    "bool as number": ("np.array([True, False])", [1, 0]),
    "torch reference": ("__import__('torch').tensor([1.0, 2.0], requires_grad=True)", [1, 2]),
    "not a number where none is": ("np.array([np.nan, np.inf, -np.inf])", [np.nan, np.inf, -np.inf]),
    "empty": ("np.zeros((0, 3))", np.zeros((0, 3))),
    "huge integer": ("2**63 + 1", 2**63 + 1),
}


@pytest.mark.parametrize("form", RIGHT)
def test_right_in_any_form(one: Callable[..., CheckResult], form: str) -> None:
    true, answer = RIGHT[form]
    result = one(true, answer)
    assert (verdict(result), result.message, result.evidence, result.misconception) == (PASSED, "", "", None)
    assert result.clean


# Answers that cannot be compared


UNUSABLE: dict[str, tuple[str, Any, str]] = {
    "None": ("1.0", None, "`q` is still None: not answered yet."),
    "missing": ("1.0", Failure("missing"), "`q` is not defined at the end of the run."),
    "too large": ("1.0", Failure("too_large"), "`q` is too large to look at."),
    "not run": ("1.0", Failure("not_run"), "`q` was never reached: the run ended before."),
    "not run, with reason": ("1.0", Failure("not_run", "time limit"), "`q` was never reached: time limit."),
    "raised": ("1.0", Failure("raised", "its __array__ raised"), "`q` cannot be read: its __array__ raised."),
    "opaque": ("1.0", Opaque("Thing"), "`q` should be a number or an array of numbers, but is a Thing."),
    "opaque, vowel": ("1.0", Opaque("Animal"), "`q` should be a number or an array of numbers, but is an Animal."),
    "text for number": ("1.0", "1.0", "`q` should be a number or an array of numbers, but is text."),
    "mapping": ("1.0", {"a": 1.0}, "`q` should be a number or an array of numbers, but is a mapping."),
    "list with None": ("np.ones(2)", [1.0, None], "`q` should be a number or an array of numbers, but is a list."),
    "number for text": ("'a'", 1, "`q` should be text, but is an integer."),
    "float for text": ("'a'", 1.5, "`q` should be text, but is a number."),
    "complex for text": ("'a'", 1j, "`q` should be text, but is a complex number."),
    "bool for text": ("'a'", True, "`q` should be text, but is True or False."),
    "list for text": ("'a'", ["a"], "`q` should be text, but is a list."),
    "array for text": ("'a'", np.ones(2), "`q` should be text, but is an ndarray of shape (2,) and dtype float64."),
    "scalar for text": ("'a'", np.float32(1), "`q` should be text, but is a numpy scalar (float32)."),
    "ragged": (MATRIX, [[1, 2], [3]], "`q` is a ragged list: its rows differ in length, so it is no array."),
    "short": (VECTOR, np.ones(2), "`q` has shape (2,); expected an array of shape (3,)."),
    "long": ("1.0", np.ones(2), "`q` has shape (2,); expected a single number."),
    "number for array": (VECTOR, 1.0, "`q` is a single number; expected an array of shape (3,)."),
    "flat": (MATRIX, np.arange(1.0, 7.0), "`q` has shape (6,); expected an array of shape (2, 3)."),
    "empty": (VECTOR, [], "`q` has shape (0,); expected an array of shape (3,)."),
    "transpose": (MATRIX, np.ones((3, 2)), "`q` has shape (3, 2): that is the transpose of what is asked."),
    "bool": ("1.0", True, "`q` is True or False where a number is expected."),
    "bool array": (VECTOR, np.ones(3, bool), "`q` is True or False where a number is expected."),
    "complex": ("1.0", 1 + 1e-9j, "`q` is complex where a real number is expected."),
    "NaN": ("1.0", float("nan"), "`q` is not finite: 1 NaN of 1."),
    "infinite": ("1.0", float("-inf"), "`q` is not finite: 1 infinite of 1."),
    "one NaN": (VECTOR, [1.5, np.nan, 0.0], "`q` is not finite: 1 NaN of 3, the first at index [1]."),
    "both": (
        MATRIX,
        [[1.0, np.inf, 3.0], [np.nan, np.nan, 6.0]],
        "`q` is not finite: 2 NaN and 1 infinite of 6, the first at index [0, 1].",
    ),
    "complex NaN": ("1j", complex("nan"), "`q` is not finite: 1 NaN of 1."),
    "integer beyond all floats": ("1.0", 10**400, "`q` is not finite: 1 infinite of 1."),
    "negative one": ("1.0", -(10**400), "`q` is not finite: 1 infinite of 1."),
}


@pytest.mark.parametrize("form", UNUSABLE)
def test_unusable_answers_say_what_was_found(one: Callable[..., CheckResult], form: str) -> None:
    true, answer, message = UNUSABLE[form]
    result = one(true, answer)
    assert (result.message, verdict(result), result.evidence) == (message, FAILED, "")


def test_a_probe_that_was_not_answered_is_missing(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, "\n@quantity\ndef q(): return 1\n", "value: q")
    assert judge(exercise, {})["q"].message == "`q` is not defined at the end of the run."


def test_what_is_missing_may_have_a_reason(one: Callable[..., CheckResult]) -> None:
    errors = (CodeError("cell 2", "NameError", "name 'a' is not defined"), CodeError("cell 3", "KeyError", ""))
    absent = one("1.0", None, errors=errors)
    assert absent.message == (
        "`q` is still None: not answered yet.\nA possible reason: cell 2 raised NameError: name 'a' is not defined."
    )
    assert "possible reason" not in one("1.0", "text", errors=errors).message
    assert verdict(one("1.0", 1.0, errors=errors)) == PASSED


def test_a_transpose_is_taken_where_it_is_allowed_and_its_shape_shows_it(one: Callable[..., CheckResult]) -> None:
    right = np.arange(1.0, 7.0).reshape(2, 3)
    assert verdict(one(MATRIX, right.T, "transpose: true")) == PASSED
    assert verdict(one(MATRIX, right, "transpose: true")) == PASSED
    assert verdict(one(MATRIX, right.reshape(3, 2), "transpose: true")) == FAILED
    square = one("np.array([[1.0, 2.0], [3.0, 4.0]])", np.array([[1.0, 3.0], [2.0, 4.0]]), "transpose: true")
    assert verdict(square) == FAILED
    assert square.message.endswith("It looks like the transpose.")


# Tolerances and exact integers


@pytest.mark.parametrize(
    ("true", "answer", "options", "passes"),
    [
        ("1.0", 1.1 - 1e-12, "atol: 0.1, rtol: 0", True),
        ("1.0", 1.1 + 1e-12, "atol: 0.1, rtol: 0", False),
        ("1000.0", 1010.0 - 1e-9, "atol: 0, rtol: 0.01", True),
        ("1000.0", 1010.0 + 1e-9, "atol: 0, rtol: 0.01", False),
        ("1000.0", 990.0 - 1e-9, "atol: 0, rtol: 0.01", False),
        ("1000.0", 1010.5, "atol: 1, rtol: 0.01", True),
        ("0.1", 0.1 + 1e-12, "atol: 0, rtol: 0", False),
        ("0.1", 0.1, "atol: 0, rtol: 0", True),
        ("np.nan", float("nan"), "atol: 0, rtol: 0", True),
        ("7", 8, "", False),
        ("7", 7.000000001, "", False),
        ("7", 7.0, "", True),
        ("7", 8, "atol: 1", False),
        ("7", 8, "atol: 1, exact: false", True),
        ("7.0", 7.000000001, "exact: true", False),
        ("10**9", 10**9 + 1, "", False),
        ("2**53 + 1", float(2**53), "", False),
        ("2**53 + 1", 2**53 + 1, "", True),
        ("2**53", np.float64(2**53), "", True),
        ("2**63 - 1", 2**63, "", False),
        ("2**63", 2**63 - 1, "", False),
        ("-(2**63)", -(2**63), "", True),
        ("-(2**63)", -(2**63) - 1, "", False),
        ("2**64 - 1", 2**64, "", False),
        ("np.array([2**53 + 1, 2])", np.array([2.0**53, 2.0]), "", False),
        ("np.uint64(5)", 5, "", True),
        ("True", 2, "", False),
        ("True", 1.0, "", True),
        ("False", True, "", False),
        ("'relu'", "ReLU", "", False),
        ("''", "", "", True),
        ("'a b'", "ab", "", False),
    ],
)
def test_edges(one: Callable[..., CheckResult], true: str, answer: Any, options: str, passes: bool) -> None:
    assert verdict(one(true, answer, options)) == (PASSED if passes else FAILED)


@pytest.mark.parametrize(
    ("answer", "fraction"),
    [
        ([5, 7, 9, 7], 1.0),
        ([5, 7, 9, 8], 0.75),
        ([7, 7, 9, 8], 0.5),
        ([7, 7, 7, 7], 0.0),  # one number everywhere is right somewhere without any calculation
        ([1, 2, 3, 4], 0.0),
        ([5, 7, 9], 0.0),
    ],
)
def test_each_element_may_earn_its_share(one: Callable[..., CheckResult], answer: list[int], fraction: float) -> None:
    assert one("np.array([5, 7, 9, 7])", answer, "per_element: true").fraction == fraction


def test_elements_may_follow_from_an_earlier_slip(tmp_path: Path) -> None:
    text = """
        @quantity
        def a():
            return np.array([1.0, 2.0, 3.0, 4.0])

        @quantity
        def b(a):
            return 2 * a

        @misconception("b", "No square is asked.")
        def squared(a):
            return a**2
        """
    exercise = make_exercise(tmp_path, text, "value: a", "value: b, per_element: true")
    own = [1.0, 2.0, 5.0, 6.0]
    assert judge(exercise, {"a": own, "b": [2.0, 4.0, 10.0, 0.0]})["b"].fraction == 0.75
    # A known mistake is no slip in some elements, though some may agree by chance.
    assert judge(exercise, {"a": [1.0, 2.0, 3.0, 4.0], "b": [1.0, 4.0, 9.0, 16.0]})["b"].fraction == 0


def test_agreement_is_element_by_element() -> None:
    answer, expected = np.array([1.0, 2.0, np.nan]), np.array([1.05, 2.5, np.nan])
    assert agreement(answer, expected, Tolerance(0.1, 0.0)).tolist() == [True, False, True]
    assert agreement(np.array([1, 2]), np.array([1.0, 2.5]), EXACT).tolist() == [True, False]
    assert not agrees(np.ones(2), np.ones(3), EXACT)
    assert not agrees("1", np.asarray(1), EXACT)


# Messages


PATTERNS: dict[str, tuple[str, Any, str]] = {
    "sign": ("1.25", -1.25, "`q` is not right: yours is -1.25.\nIt is right but for the sign."),
    "sign of a vector": (
        VECTOR,
        [-1.5, 2.0, 0.0],
        (
            "`q` is not right: 2 of 3 elements differ (66.7 %).\nThe first is at index [0], where yours is -1.5.\n"
            "It is right but for the sign."
        ),
    ),
    "factor": (
        VECTOR,
        [3.0, -4.0, 0.0],
        (
            "`q` is not right: 2 of 3 elements differ (66.7 %).\nThe first is at index [0], where yours is 3.0.\n"
            "All elements are off by one and the same factor."
        ),
    ),
    "order": (
        VECTOR,
        [-2.0, 1.5, 0.0],
        (
            "`q` is not right: 2 of 3 elements differ (66.7 %).\nThe first is at index [0], where yours is -2.0.\n"
            "The numbers are right, but in another order."
        ),
    ),
    "transpose": (
        "np.array([[1.0, 2.0], [3.0, 4.0]])",
        [[1.0, 3.0], [2.0, 4.0]],
        (
            "`q` is not right: 2 of 4 elements differ (50 %).\nThe first is at index [0, 1], where yours is 3.0.\n"
            "It looks like the transpose."
        ),
    ),
    "off by one": ("41", 42, "`q` is not right: yours is 42.\nIt is off by one."),
    "off by one, several": (
        "np.array([4, 9])",
        [5, 8],
        (
            "`q` is not right: 2 of 2 elements differ (100 %).\nThe first is at index [0], where yours is 5.\n"
            "It is off by one."
        ),
    ),
    "one of many": (
        "np.arange(2000.0)",
        [7.5, *range(1, 2000)],
        "`q` is not right: 1 of 2000 elements differ (0.05 %).\nThe first is at index [0], where yours is 7.5.",
    ),
    "no pattern": ("1.25", 3.0, "`q` is not right: yours is 3.0."),
    "a factor of one number says nothing": ("1.25", 2.5, "`q` is not right: yours is 2.5."),
    "nothing but one number counts": (
        "np.array([2.0, 0.0])",
        [4.0, 0.0],
        "`q` is not right: 1 of 2 elements differ (50 %).\nThe first is at index [0], where yours is 4.0.",
    ),
    "all zero": (
        "np.array([2.0, 1.0])",
        [0.0, 0.0],
        "`q` is not right: 2 of 2 elements differ (100 %).\nThe first is at index [0], where yours is 0.0.",
    ),
    "floats are not off by one": ("41.0", 42.0, "`q` is not right: yours is 42.0."),
    "bool": ("True", False, "`q` is not right: yours is False."),
    "complex": ("1 + 2j", -1 - 2j, "`q` is not right: yours is (-1-2j)."),
    "text": ("'relu'", "tanh", "`q` is not right."),
    "unsigned": ("np.uint8(3)", 4, "`q` is not right: yours is 4.\nIt is off by one."),
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_what_a_wrong_answer_looks_like(one: Callable[..., CheckResult], pattern: str) -> None:
    true, answer, message = PATTERNS[pattern]
    result = one(true, answer)
    assert (result.message, verdict(result)) == (message, FAILED)


def test_evidence_is_for_the_instructor(one: Callable[..., CheckResult]) -> None:
    assert one("1.25", 3.0).evidence == "expected 1.25, found 3."
    assert one("'relu'", "tanh").evidence == "expected 'relu', found 'tanh'"


# Numbers with so many digits that no count, index or share can look like them.
NUMBERS = st.floats(-1e6, 1e6).map(lambda x: round(x, 7)).filter(lambda x: len(repr(abs(x)).replace(".", "")) >= 7)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.differing_executors])
@given(
    expected=st.lists(NUMBERS, min_size=1, max_size=6),
    answer=st.lists(st.one_of(NUMBERS, st.integers(-5, 5).map(float)), min_size=1, max_size=6),
    change=st.sampled_from(["other", "sign", "factor", "order", "one element"]),
)
def test_no_message_holds_an_expected_number(expected: list[float], answer: list[float], change: str) -> None:
    true = np.array(expected)
    answers = {
        "other": np.resize(np.array(answer), true.shape),
        "sign": -true,
        "factor": true * 3.0,
        "order": true[::-1],
        "one element": np.where(np.arange(true.size) == 0, answer[0], true),
    }
    mine = answers[change]
    assume(not agrees(mine, true, Tolerance(1e-8, 1e-5)))
    message = difference("q", mine, true, Tolerance(1e-8, 1e-5))
    assert "not right" in message
    secret = {abs(float(one)) for one in true} - {abs(float(one)) for one in mine}
    assert [one for one in secret if repr(one) in message] == []
    bad = ~agreement(mine, true, Tolerance(1e-8, 1e-5))
    first = repr(float(true[bad][0])).lstrip("-")
    assert first not in message or first == repr(float(mine[bad][0])).lstrip("-")


# What a reference may compute


@pytest.mark.parametrize(
    ("true", "evidence"),
    [
        ("None", "TypeError('the reference computed NoneType None; expected a number, an array of numbers or text')"),
        (
            "{'a': 1}",
            "TypeError(\"the reference computed dict {'a': 1}; expected a number, an array of numbers or text\")",
        ),
        ("['a', 'b']", "TypeError(\"the reference computed list ['a', 'b']; expected a number"),
        ("2**64", "TypeError('the reference computed int 18446744073709551616; expected a number"),
        ("[[1, 2], [3]]", "ValueError("),
        ("1 / 0", "ZeroDivisionError('division by zero')"),
    ],
)
@pytest.mark.parametrize("answer", [1.0, np.ones(3), "text"])
def test_a_fault_of_the_reference_is_never_a_zero(
    one: Callable[..., CheckResult], true: str, evidence: str, answer: Any
) -> None:
    result = one(true, answer)
    assert (verdict(result), result.message) == (OWED, "Could not be judged; a person will look at it.")
    assert result.evidence.startswith(evidence)
    assert result.owed


def test_a_run_that_failed_for_a_reason_of_ours_is_never_a_zero(one: Callable[..., CheckResult]) -> None:
    result = one("1.0", 1.0, stop=Stop.INFRASTRUCTURE, detail="no space left")
    message = "Could not be run for a reason that is not yours; it has to be run again."
    assert (verdict(result), result.message, result.evidence) == (OWED, message, "no space left")


@pytest.mark.parametrize("stop", [Stop.TIMEOUT, Stop.MEMORY, Stop.KILLED])
def test_what_was_seen_before_the_end_counts(one: Callable[..., CheckResult], stop: Stop) -> None:
    assert verdict(one("1.0", 1.0, stop=stop)) == PASSED
    assert verdict(one("1.0", Failure("not_run", "the time limit was reached"), stop=stop)) == FAILED


@pytest.mark.parametrize(
    ("answer", "pattern", "form"),
    [
        (np.array(3, np.uint8), 2.5, 3.0),
        (np.array(3.0), 7, 3),
        (np.array(3.5), 7, 3.5),
        (np.array(300, np.int16), 7, 300),
        (np.array(1), True, True),
        (np.array(2), True, 2),
        (np.array(1 + 2j), 1j, 1 + 2j),
        (np.array([1.0, 2.0]), [5, 6], [1, 2]),
        (np.array([1.0, 2.5]), (5, 6), (1.0, 2.5)),
    ],
)
def test_answers_take_the_form_of_the_reference(answer: Any, pattern: Any, form: Any) -> None:
    found = in_form_of(answer, pattern)
    assert (found, type(found)) == (form, type(form))


def test_arrays_and_tensors_take_the_form_of_the_reference() -> None:
    array = in_form_of(np.array([1, 255], np.uint8), np.array([0.5, 0.5]))
    assert (array.dtype, array.tolist()) == (np.float64, [1.0, 255.0])
    assert in_form_of(np.array([2.5], np.float64), np.array([1.0], np.float32)).dtype == np.float64
    assert in_form_of(np.array(2), np.float64(1.0)).dtype == np.float64
    assert in_form_of(np.array([2.0, 3.0]), np.array([1, 1])).dtype == np.int64
    floats = in_form_of(np.array([1, 2]), torch.zeros(2))
    assert torch.equal(floats, torch.tensor([1.0, 2.0]))
    assert torch.equal(in_form_of(np.array([1.0, 2.0]), torch.zeros(2, dtype=torch.int64)), torch.tensor([1, 2]))
    halves = in_form_of(np.array([1.5, 2.0]), torch.zeros(2, dtype=torch.int64))
    assert torch.equal(halves, torch.tensor([1.5, 2.0], dtype=torch.float64))
    assert in_form_of("a", "b") == "a"


def test_expected_values() -> None:
    assert expected_value(" a\tb ") == "a b"
    assert np.asarray(expected_value(torch.ones(2, requires_grad=True))).tolist() == [1.0, 1.0]
    assert describe(Failure("missing")) == "nothing"
    assert isinstance(read_answer("q", 1.0, np.asarray(1.0), transpose=False), Answer)
    assert isinstance(read_answer("q", "1", np.asarray(1.0), transpose=False), Unusable)


def test_probes_are_the_names_asked_for_and_the_givens(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, CHAIN, "value: c", "value: a, id: a1", "value: a, atol: 1")
    assert probes(exercise, Evaluation(exercise.reference, None)) == tuple(
        Probe("value", name) for name in ("c", "a", "x")
    )


# Follow-through


CHAIN = """
@given
def x(seed): return np.array([1.0, 2.0, -3.0]) + (seed or 0)

@quantity
def a(x): return 2 * x

@quantity
def b(a): return a + 1

@quantity
def c(b, a): return a * b

@misconception("b", "The one is missing.")
def bare(a): return a

@misconception("c", "Multiply, do not add.")
def added(a, b): return a + b
"""
X = np.array([1.0, 2.0, -3.0])
A, B = 2 * X, 2 * X + 1
C = A * B
SLIP = np.array([2.0, 4.5, -6.0])


@pytest.fixture
def chain(tmp_path: Path) -> Callable[..., Exercise]:
    def make(*options: str) -> Exercise:
        checks = [f"value: {name}{option}" for name, option in zip("abc", options or ("", "", ""), strict=True)]
        return make_exercise(tmp_path, CHAIN, *checks)

    return make


def test_an_earlier_slip_costs_once(chain: Callable[..., Exercise]) -> None:
    results = judge(chain(), {"a": SLIP, "b": SLIP + 1, "c": SLIP * (SLIP + 1)})
    assert [verdict(results[name]) for name in "abc"] == [FAILED, PASSED, PASSED]
    assert (results["a"].follow_through, results["b"].follow_through, results["c"].follow_through) == (
        False,
        True,
        True,
    )
    assert results["b"].message == "Right, given your own `a`: the earlier slip is not charged again."
    assert results["c"].message == "Right, given your own `a`, `b`: the earlier slip is not charged again."
    assert not results["b"].clean


def test_a_second_slip_costs_again_and_shows_the_instructor_both(chain: Callable[..., Exercise]) -> None:
    results = judge(chain(), {"a": SLIP, "b": SLIP + 7, "c": SLIP * (SLIP + 7)})
    assert lost(results) == ["a", "b"]
    assert results["b"].evidence == (
        "expected [ 3.,  5., -5.], found [ 9. , 11.5,  1. ]; "
        "[ 3. ,  5.5, -5. ] would follow from the student's own answers"
    )
    assert "own" not in results["b"].message


def test_right_in_spite_of_an_earlier_slip_is_right_by_itself(chain: Callable[..., Exercise]) -> None:
    results = judge(chain(), {"a": SLIP, "b": B, "c": C})
    assert lost(results) == ["a"]
    assert results["b"].clean
    assert results["c"].clean


def test_missing_answers_are_looked_through(chain: Callable[..., Exercise]) -> None:
    for nothing in (None, Failure("missing"), Failure("not_run")):
        results = judge(chain(), {"a": SLIP, "b": nothing, "c": SLIP * (SLIP + 1)})
        assert lost(results) == ["a", "b"]
        assert results["c"].message == "Right, given your own `a`: the earlier slip is not charged again."


def test_what_is_above_a_gap_still_counts(tmp_path: Path) -> None:
    text = (
        "\n@quantity\ndef a(): return 2.0\n\n@quantity\ndef b(a): return a + 1\n\n@quantity\ndef c(b): return 3 * b\n"
    )
    exercise = make_exercise(tmp_path, text, "value: a", "value: b", "value: c, follow_through: 0.5")
    followed = judge(exercise, {"a": 5.0, "c": 18.0})["c"]
    assert (verdict(followed), followed.follow_through) == (("partial", 0.5), True)
    assert verdict(judge(exercise, {"a": 0.0, "c": 3.0})["c"]) == FAILED
    assert verdict(judge(exercise, {"a": "5", "c": 18.0})["c"]) == FAILED


def test_the_fraction_that_following_through_earns(chain: Callable[..., Exercise]) -> None:
    exercise = chain("", ", follow_through: 0.5", ", follow_through: 0")
    results = judge(exercise, {"a": SLIP, "b": SLIP + 1, "c": SLIP * (SLIP + 1)})
    assert [verdict(results[name]) for name in "abc"] == [FAILED, ("partial", 0.5), FAILED]
    assert results["b"].follow_through
    assert not results["c"].follow_through
    assert "would follow from the student's own answers" in results["c"].evidence


@pytest.mark.parametrize("fraction", ["1", "0.5", "0"])
def test_rounding_on_the_way_is_no_slip(chain: Callable[..., Exercise], fraction: str) -> None:
    rounded = A + 0.009
    option = f", atol: 0.01, rtol: 0, follow_through: {fraction}"
    results = judge(chain(option, option, option), {"a": rounded, "b": rounded + 1, "c": rounded * (rounded + 1)})
    assert np.max(np.abs(rounded * (rounded + 1) - C)) > 0.01
    assert [(verdict(results[name]), results[name].message) for name in "abc"] == [(PASSED, "")] * 3


TRIVIAL = {
    "all zero": np.zeros(3),
    "nearly zero": np.array([1e-4, -1e-4, 0.0]),
    "zero as integers": [0, 0, 0],
}


@pytest.mark.parametrize("what", TRIVIAL)
def test_zeros_give_nothing_to_follow(chain: Callable[..., Exercise], what: str) -> None:
    zeros = np.asarray(TRIVIAL[what])
    results = judge(chain(), {"a": TRIVIAL[what], "b": zeros + 1, "c": zeros * (zeros + 1)})
    assert lost(results) == ["a", "b", "c"]
    assert results["c"].message == (
        "`c` is not right. It agrees with your own `a`, but since that is zero throughout, nothing had to be "
        "calculated here; mend that first."
    )
    assert all(result.misconception is None for result in results.values())


@pytest.mark.parametrize("a", [np.full(3, np.nan), np.ones(4), "text", Failure("too_large"), np.array([np.inf, 1, 1])])
def test_what_is_unusable_gives_nothing_to_follow(chain: Callable[..., Exercise], a: Any) -> None:
    results = judge(chain(), {"a": a, "b": np.array([9.0, 9.0, 1.0]), "c": C})
    assert lost(results) == ["a", "b"]
    assert results["b"].message.endswith(
        "\nIt could not be judged from your own `a`: nothing can be learned from it there."
    )


def test_a_tolerance_wider_than_the_value_makes_nothing_trivial(tmp_path: Path) -> None:
    text = "\n@quantity\ndef a(): return 0.3\n\n@quantity\ndef b(a): return a + 1\n"
    exercise = make_exercise(tmp_path, text, "value: a, atol: 0.25, rtol: 0", "value: b")
    assert lost(judge(exercise, {"a": -0.16, "b": 0.84})) == ["a"]
    assert lost(judge(exercise, {"a": -0.14, "b": 0.86})) == ["a", "b"]


def test_what_is_zero_in_truth_may_be_zero(tmp_path: Path) -> None:
    text = "\n@quantity\ndef a(): return np.zeros(2)\n\n@quantity\ndef b(a): return a + 1\n"
    exercise = make_exercise(tmp_path, text, "value: a", "value: b")
    assert lost(judge(exercise, {"a": [0.0, 0.0], "b": [1.0, 1.0]})) == []
    assert lost(judge(exercise, {"a": [0.0, 5.0], "b": [1.0, 6.0]})) == ["a"]


def test_a_slip_too_small_for_the_tolerance_earns_no_copying(tmp_path: Path) -> None:
    text = """
@given
def w(): return np.array([1.0, -2.0])

@quantity
def gradient(): return np.array([4.0, 3.0])

@quantity
def new(w, gradient): return w - 0.1 * gradient
"""
    exercise = make_exercise(tmp_path, text, "value: gradient", "value: new, atol: 0.01, rtol: 0")
    small = np.array([0.05, 0.05])
    copied = judge(exercise, {"gradient": small, "new": [1.0, -2.0]})
    assert lost(copied) == ["gradient", "new"]
    assert copied["new"].message == (
        "`new` is not right. It agrees with your own earlier answers, but these are so small that leaving them out "
        "would make no difference here; mend them first."
    )
    half = np.array([2.0, 1.5])
    assert lost(judge(exercise, {"gradient": half, "new": np.array([1.0, -2.0]) - 0.1 * half})) == ["gradient"]
    tenth = np.array([0.3, 0.2])
    assert lost(judge(exercise, {"gradient": tenth, "new": np.array([1.0, -2.0]) - 0.1 * tenth})) == ["gradient"]


def test_negative_inputs_of_relu_are_followed_although_nothing_is_left(tmp_path: Path) -> None:
    text = "\n@quantity\ndef z(): return np.array([2.0, -1.0])\n\n@quantity\ndef h(z): return np.maximum(z, 0)\n"
    text += "\n@quantity\ndef s(h): return 3 * h\n"
    exercise = make_exercise(tmp_path, text, "value: z", "value: h", "value: s")
    results = judge(exercise, {"z": [-2.0, -1.0], "h": [0.0, 0.0], "s": [0.0, 0.0]})
    assert lost(results) == ["z", "s"]


def test_an_answer_on_which_the_reference_fails_is_only_not_followed(tmp_path: Path) -> None:
    text = "\n@quantity\ndef n(): return 4\n\n@quantity\ndef r(n): return {4: 1.5}[n]\n"
    exercise = make_exercise(tmp_path, text, "value: n", "value: r")
    results = judge(exercise, {"n": 5, "r": 2.5})
    assert [verdict(results[name]) for name in "nr"] == [FAILED, FAILED]
    assert lost(judge(exercise, {"n": 5, "r": 1.5})) == ["n"]


@pytest.mark.parametrize(
    ("true", "slip"),
    [
        ("np.array([100.0, 50.0])", np.array([200, 30], np.uint8)),
        ("np.array([100.0, 50.0])", np.array([120, 30], np.int8)),
        ("np.array([100.0, 50.0])", [200, 30]),
        ("__import__('torch').tensor([100.0, 50.0])", [200.0, 30.0]),
    ],
)
def test_following_through_does_not_overflow_with_small_integers(tmp_path: Path, true: str, slip: Any) -> None:
    text = f"\n@quantity\ndef a(): return {true}\n\n@quantity\ndef b(a): return a * a - 900\n"
    exercise = make_exercise(tmp_path, text, "value: a", "value: b")
    own = np.asarray(slip, np.float64)
    assert lost(judge(exercise, {"a": slip, "b": own * own - 900})) == ["a"]


def test_whole_numbers_stay_usable_as_counts(tmp_path: Path) -> None:
    text = "\n@quantity\ndef n(): return 4\n\n@quantity\ndef total(n): return sum(range(n))\n"
    exercise = make_exercise(tmp_path, text, "value: n", "value: total")
    for five in (5, 5.0, np.float32(5), [5], np.array([5], np.uint8)):
        assert lost(judge(exercise, {"n": five, "total": 10})) == ["n"]


def test_following_a_fraction_where_an_integer_is_due_has_a_tolerance(tmp_path: Path) -> None:
    text = "\n@quantity\ndef n(): return 3\n\n@quantity\ndef m(n): return n * 3 * 3\n"
    exercise = make_exercise(tmp_path, text, "value: n", "value: m")
    assert lost(judge(exercise, {"n": 1.1, "m": 9.9000001})) == ["n"]
    assert lost(judge(exercise, {"n": 4, "m": 36.0000001})) == ["n", "m"]


def test_two_checks_of_one_quantity(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, CHAIN, "value: a, id: fine", "value: a, atol: 0.1", "value: b")
    results = judge(exercise, {"a": A + 0.05, "b": A + 1.05})
    assert lost(results) == ["fine"]


ACCEPTED = """
@quantity
def height():
    return 28
@quantity
def unpadded_height():
    return 26
@quantity
def area(height):
    return height * height
"""


def test_another_quantity_is_accepted_and_followed(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, ACCEPTED, "value: height, accept: [unpadded_height]", "value: area")
    results = judge(exercise, {"height": 26, "area": 676})
    assert [(one.status, one.follow_through) for one in results.values()] == [(Status.PASSED, False)] * 2
    assert lost(judge(exercise, {"height": 27, "area": 676})) == ["height", "area"]


def test_another_quantity_is_accepted_given_earlier_answers(tmp_path: Path) -> None:
    more = "\n@quantity\ndef perimeter(height):\n    return 4 * height\n"
    exercise = make_exercise(tmp_path, ACCEPTED + more, "value: height", "value: area, accept: [perimeter]")
    assert lost(judge(exercise, {"height": 28, "area": 112})) == []
    results = judge(exercise, {"height": 30, "area": 120})
    assert (lost(results), results["area"].follow_through) == (["height"], True)


def test_an_unknown_quantity_to_accept_is_a_mistake_of_the_author(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"accept: `unpaded_height` is no quantity of .*did you mean `unpadded_hei"):
        make_exercise(tmp_path, ACCEPTED, "value: height, accept: [unpaded_height]")


def test_quantities_are_judged_in_the_order_of_their_needs(tmp_path: Path) -> None:
    loose = ", atol: 0.01, rtol: 0, follow_through: 0.5"
    exercise = make_exercise(tmp_path, CHAIN, f"value: c{loose}", f"value: b{loose}", f"value: a{loose}")
    rounded = A + 0.009
    assert lost(judge(exercise, {"a": rounded, "b": rounded + 1, "c": rounded * (rounded + 1)})) == []


def test_results_stand_in_the_order_of_the_rubric(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, CHAIN, "value: c", "value: b", "value: a")
    results = judge(exercise, {"a": SLIP, "b": SLIP + 1, "c": SLIP * (SLIP + 1)})
    assert list(results) == ["c", "b", "a"]
    assert lost(results) == ["a"]


# Named mistakes


def test_a_mistake_is_named_on_true_inputs(chain: Callable[..., Exercise]) -> None:
    results = judge(chain(), {"a": A, "b": A, "c": A * A})
    assert lost(results) == ["b"]
    assert (results["b"].misconception, results["b"].message) == ("bare", "The one is missing.")
    assert results["b"].evidence == "misconception bare"


def test_a_mistake_is_named_on_the_students_own_inputs(chain: Callable[..., Exercise]) -> None:
    results = judge(chain(), {"a": SLIP, "b": SLIP, "c": SLIP * SLIP})
    assert lost(results) == ["a", "b"]
    assert results["b"].misconception == "bare"


def test_a_mistake_is_named_on_true_inputs_in_spite_of_other_answers(chain: Callable[..., Exercise]) -> None:
    assert judge(chain(), {"a": SLIP, "b": A})["b"].misconception == "bare"
    assert judge(chain(), {"a": np.ones(4), "b": A})["b"].misconception == "bare"


def test_two_mistakes_are_both_named(chain: Callable[..., Exercise]) -> None:
    results = judge(chain(), {"a": A, "b": A, "c": A + A})
    assert {name: result.misconception for name, result in results.items()} == {"a": None, "b": "bare", "c": "added"}


def test_a_mistake_that_is_not_written_down_shows_in_what_comes_after(chain: Callable[..., Exercise]) -> None:
    results = judge(chain(), {"a": A, "c": A * A})
    assert lost(results) == ["b", "c"]
    assert results["c"].misconception == "bare"


def test_a_mistake_may_earn_a_part(chain: Callable[..., Exercise]) -> None:
    exercise = chain("", ", credit: {bare: 0.25}", "")
    results = judge(exercise, {"a": A, "b": A, "c": A * A})
    assert [verdict(results[name]) for name in "abc"] == [PASSED, ("partial", 0.25), PASSED]
    assert results["b"].misconception == "bare"


def test_a_mistake_that_gives_the_right_answer_is_none(tmp_path: Path) -> None:
    text = '\n@quantity\ndef a(): return 2.0\n\n@misconception("a", "No.")\ndef squared(): return 2.0\n'
    results = judge(make_exercise(tmp_path, text, "value: a"), {"a": 2.0})
    assert (verdict(results["a"]), results["a"].misconception) == (PASSED, None)


@pytest.mark.parametrize("wrong", ["return None", "raise ValueError", "return 'text'", "return np.ones(9)"])
def test_a_broken_misconception_is_never_somebodys_fault(tmp_path: Path, wrong: str) -> None:
    text = f'\n@quantity\ndef a(): return 2.0\n\n@misconception("a", "No.")\ndef broken(): {wrong}\n'
    text += '\n@misconception("a", "Twice.")\ndef twice(): return 4.0\n'
    exercise = make_exercise(tmp_path, text, "value: a")
    assert judge(exercise, {"a": 4.0})["a"].misconception == "twice"
    assert verdict(judge(exercise, {"a": 5.0})["a"]) == FAILED
    assert verdict(judge(exercise, {"a": 2.0})["a"]) == PASSED


HIDDEN = """
@given
def y(): return 3.0

@quantity
def p(): return 5.0

@quantity
def scale(): return 0.5

@quantity
def loss(p, y, scale): return scale * (p - y) ** 2

@quantity
def slope(p, y, scale): return 2 * scale * (p - y)

@quantity
def step(slope): return -slope / 4

@misconception("scale", "The half is missing.")
def no_half(): return 1.0
"""


@pytest.fixture
def hidden(tmp_path: Path) -> Exercise:
    checks = ("value: p", "value: loss, credit: {no_half: 0.5}", "value: slope", "value: step")
    return make_exercise(tmp_path, HIDDEN, *checks)


def test_a_mistake_in_what_nobody_sees_costs_once(hidden: Exercise) -> None:
    results = judge(hidden, {"p": 5.0, "loss": 4.0, "slope": 4.0, "step": -1.0})
    assert lost(results) == ["loss"]
    assert (results["loss"].misconception, verdict(results["loss"])) == ("no_half", ("partial", 0.5))
    assert results["slope"].message == "Right, given your own earlier answers: the earlier slip is not charged again."


def test_a_mistake_in_what_nobody_sees_after_a_slip(hidden: Exercise) -> None:
    results = judge(hidden, {"p": 6.0, "loss": 9.0, "slope": 6.0, "step": -1.5})
    assert lost(results) == ["p", "loss"]
    assert results["loss"].misconception == "no_half"


def test_a_mistake_made_in_one_place_need_not_be_made_in_the_next(hidden: Exercise) -> None:
    assert lost(judge(hidden, {"p": 5.0, "loss": 4.0, "slope": 2.0, "step": -0.5})) == ["loss"]
    results = judge(hidden, {"p": 6.0, "loss": 9.0, "slope": 3.0, "step": -0.75})
    assert lost(results) == ["p", "loss"]
    assert results["slope"].message == "Right, given your own `p`: the earlier slip is not charged again."
    through_a_gap = judge(hidden, {"p": 6.0, "loss": 9.0, "step": -0.75})
    assert lost(through_a_gap) == ["p", "loss", "slope"]


def test_a_mistake_in_what_nobody_sees_beside_an_answer_without_it(tmp_path: Path) -> None:
    text = HIDDEN + "\n@quantity\ndef total(slope, scale): return slope + 10 * scale\n"
    exercise = make_exercise(tmp_path, text, "value: slope", "value: total")
    results = judge(exercise, {"slope": 2.0, "total": 12.0})
    assert lost(results) == ["total"]
    assert results["total"].misconception == "no_half"
    slip = judge(exercise, {"slope": 3.0, "total": 13.0})
    assert (lost(slip), slip["total"].misconception) == (["slope", "total"], "no_half")
    both = judge(exercise, {"slope": 4.0, "total": 14.0})
    assert (lost(both), both["slope"].misconception) == (["slope"], "no_half")


def test_two_mistakes_one_behind_the_other_in_what_nobody_sees(tmp_path: Path) -> None:
    text = """
@quantity
def n(): return 4.0

@quantity
def scale(n): return 1 / n

@quantity
def first(scale): return 3 * scale

@quantity
def second(scale, n): return scale + n

@misconception("scale", "One half.")
def half(): return 0.5

@misconception("n", "One too many.")
def five(): return 5.0
"""
    exercise = make_exercise(tmp_path, text, "value: first", "value: second")
    for second in (5.2, 5.5):  # with the right scale there, or with the same wrong one
        results = judge(exercise, {"first": 1.5, "second": second})
        assert {name: result.misconception for name, result in results.items()} == {"first": "half", "second": "five"}


def test_a_slip_and_not_a_mistake_in_what_nobody_sees(hidden: Exercise) -> None:
    results = judge(hidden, {"p": 6.0, "loss": 4.5, "slope": 3.0, "step": -0.75})
    assert lost(results) == ["p"]
    assert all(result.misconception is None for result in results.values())


# Mistakes of the author, further down


def test_what_does_not_need_the_broken_part_is_judged(tmp_path: Path) -> None:
    text = "\n@quantity\ndef a(): return 1 / 0\n\n@quantity\ndef b(a): return a\n\n@quantity\ndef c(): return 2.0\n"
    exercise = make_exercise(tmp_path, text, "value: a", "value: b", "value: c")
    results = judge(exercise, {"a": 1.0, "b": 1.0, "c": 2.0})
    assert [results[name].status for name in "abc"] == [Status.ERROR, Status.ERROR, Status.PASSED]
    wrong = judge(exercise, {"a": 1.0, "b": 1.0, "c": 3.0})
    assert wrong["c"].status is not Status.PASSED


# Somebody else's numbers


def test_answers_for_the_numbers_of_another(chain: Callable[..., Exercise]) -> None:
    exercise = chain()
    own, other = Evaluation(exercise.reference, 1), Evaluation(exercise.reference, 2)
    theirs = {name: other.value(name) for name in "abc"}
    assert fits(exercise, own, other, run_with(theirs)) == ("a", "b", "c")
    assert fits(exercise, own, other, run_with({"x": other.value("x")})) == ("x",)
    assert fits(exercise, own, other, run_with({name: own.value(name) for name in "xabc"})) == ()
    assert fits(exercise, own, other, run_with({**theirs, "a": SLIP})) == ()


def test_a_reference_that_fails_flags_nobody(tmp_path: Path) -> None:
    text = "\n@given\ndef x(seed): return np.ones(3) / (seed - 1)\n\n@quantity\ndef a(x): return {1.0: 2.0}[x[0]]\n"
    exercise = make_exercise(tmp_path, text, "value: a")
    own, other = Evaluation(exercise.reference, 2), Evaluation(exercise.reference, 3)
    assert fits(exercise, own, other, run_with({"a": 2.0})) == ()


# The exercise that ships


@pytest.fixture(scope="module")
def shipped() -> Exercise:
    return load_course(ROOT, KINDS, ["sheet3/gradient_step"]).assignment("sheet3").exercise("gradient_step")


def shipped_answers(shipped: Exercise, **fixed: Any) -> dict[str, Any]:
    evaluation = Evaluation(shipped.reference, None, fixed)
    return {check.id: np.asarray(evaluation.value(check.id)) for check in shipped.rubric.checks}


def test_a_forgotten_relu_mask_costs_its_own_check_alone_and_has_a_name(shipped: Exercise) -> None:
    grad_h = shipped.reference.evaluate()["grad_h"]
    results = judge(shipped, shipped_answers(shipped, grad_z1=grad_h))
    assert lost(results) == ["grad_z1"]
    assert results["grad_z1"].misconception == "mask_forgotten"
    assert [name for name, result in results.items() if result.follow_through] == [
        "grad_W1",
        "grad_b1",
        "W1_new",
        "b1_new",
    ]


def test_both_at_once_are_both_named(shipped: Exercise) -> None:
    wrong = shipped.reference.misconceptions
    z1 = Evaluation(shipped.reference, None).mistaken(wrong["bias_omitted"])
    grad_z1 = Evaluation(shipped.reference, None, {"z1": z1}).mistaken(wrong["mask_forgotten"])
    results = judge(shipped, shipped_answers(shipped, z1=z1, grad_z1=grad_z1))
    assert lost(results) == ["z1", "grad_z1"]
    assert (results["z1"].misconception, results["grad_z1"].misconception) == ("bias_omitted", "mask_forgotten")


@pytest.mark.parametrize("size", [0.0, 1e-6, 1e-3, 0.0101, 0.012, 0.02])
def test_a_tiny_gradient_does_not_pay(shipped: Exercise, size: float) -> None:
    """Nobody who hands in a tiny derivative earns the update by leaving the parameters as they were."""
    values = shipped.reference.evaluate()
    answers = shipped_answers(shipped, grad_y_hat=size)
    answers |= {f"{name}_new": np.asarray(values[name]) for name in ("W1", "b1", "W2", "b2")}
    assert {"grad_y_hat", "W1_new", "b1_new", "W2_new", "b2_new"} <= set(lost(judge(shipped, answers)))


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32), position=st.integers(0, 14), shift=st.sampled_from([-3.25, 0.75, 11.0]))
def test_one_slip_anywhere_costs_one_check(shipped: Exercise, seed: int, position: int, shift: float) -> None:
    name = shipped.rubric.checks[position].id
    true = Evaluation(shipped.reference, seed)
    slip = np.asarray(true.value(name)) + shift
    evaluation = Evaluation(shipped.reference, seed, {name: slip})
    answers = {check.id: np.asarray(evaluation.value(check.id)) for check in shipped.rubric.checks}
    # A slip that leaves nothing to calculate further down is another story.
    assume(all(np.max(np.abs(one)) > 0.1 * np.max(np.abs(true.value(key))) for key, one in answers.items()))
    assert lost(judge(shipped, answers, seed=seed)) == [name]


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32), data=st.data())
def test_messages_of_the_shipped_exercise_hold_no_answer(shipped: Exercise, seed: int, data: st.DataObject) -> None:
    true = Evaluation(shipped.reference, seed)
    numbers = st.floats(-50, 50).map(lambda value: round(value, 5))
    answers = {}
    for check in shipped.rubric.checks:
        shape = np.shape(true.value(check.id))
        answers[check.id] = np.array(data.draw(st.lists(numbers, min_size=15, max_size=15)))[
            : int(np.prod(shape))
        ].reshape(shape)
    truth = {repr(round(float(one), 4)) for check in shipped.rubric.checks for one in np.ravel(true.value(check.id))}
    long = {one for one in truth if len(one.replace("-", "").replace(".", "")) >= 4}
    mine = {repr(float(one)) for answer in answers.values() for one in answer.ravel()}
    for result in judge(shipped, answers, seed=seed).values():
        assert [one for one in long - mine if one in result.message] == []


def test_judging_reads_only_what_it_is_given(shipped: Exercise) -> None:
    answers = shipped_answers(shipped)
    run = run_with(answers)
    truth = Evaluation(shipped.reference, None)
    assert judge_exercise(shipped, truth, run) == judge_exercise(shipped, truth, run)
    assert plain(np.float32(1.5)) == Array("float32", (), b"\x00\x00\xc0?", "numpy scalar")
