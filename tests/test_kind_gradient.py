"""The kind ``gradient``: a student's gradient against differences of the student's own forward function."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from execution_helpers import module_job
from hypothesis import given
from hypothesis import strategies as st
from judging_helpers import lost
from observing_helpers import grade, grade_in, make_exercise

from grader.checks.differences import Differences, perturbed
from grader.checks.trees import numbers
from grader.course import Exercise
from grader.errors import CourseError
from grader.model import Array, CheckResult, Plain, Status
from grader.sandbox import SelfCheck

LOSS = """
@function
def loss(W, x, y):
    return 0.5 * np.mean(np.sum((np.tanh(x @ W) - y) ** 2, axis=1))

@function
def loss_gradient(W, x, y):
    h = np.tanh(x @ W)
    return x.T @ ((h - y) * (1 - h ** 2)) / len(x)

@cases("loss_gradient")
def some(rng):
    for _ in range(3):
        yield rng.normal(size=(3, 3)), rng.normal(size=(5, 3)), rng.normal(size=(5, 3))

@misconception("loss_gradient", "The derivative of tanh is missing.")
def no_tanh(W, x, y):
    return x.T @ (np.tanh(x @ W) - y) / len(x)
"""
FORWARD = (
    "import numpy as np\ndef loss(W, x, y):\n    return 0.5 * np.mean(np.sum((np.tanh(x @ W) - y) ** 2, axis=1))\n"
)
TRUE = "x.T @ ((np.tanh(x @ W) - y) * (1 - np.tanh(x @ W) ** 2)) / len(x)"


def submission(gradient: str, forward: str = FORWARD) -> str:
    return f"{forward}def loss_gradient(W, x, y):\n    return {gradient}\n"


@pytest.fixture
def exercise(tmp_path: Path) -> Exercise:
    return make_exercise(tmp_path, LOSS, "gradient: loss_gradient, of: loss, argument: W")


def one(results: dict[str, CheckResult]) -> CheckResult:
    (result,) = results.values()
    return result


def test_right_by_hand_and_by_autograd(exercise: Exercise) -> None:
    by_torch = """
import torch
def loss(W, x, y):
    W, x, y = (torch.as_tensor(one) for one in (W, x, y))
    return 0.5 * ((torch.tanh(x @ W) - y) ** 2).sum(1).mean()
def loss_gradient(W, x, y):
    W = torch.as_tensor(W).requires_grad_()
    loss(W, x, y).backward()
    return W.grad
"""
    in_single = by_torch.replace("torch.as_tensor(one)", "torch.as_tensor(one).float()").replace(
        "torch.as_tensor(W).req", "torch.as_tensor(W).float().req"
    )
    for source in (submission(TRUE), by_torch, in_single):
        result = one(grade(exercise, source))
        assert (result.status, result.follow_through) == (Status.PASSED, False), result


def test_a_loss_in_single_precision_in_whatever_type(exercise: Exercise) -> None:
    forward = FORWARD.replace("return ", "return float(np.float32(").rstrip("\n") + "))\n"
    halved = forward.replace("0.5 * ", "")
    result = one(grade(exercise, submission(f"2 * {TRUE}", halved)))
    assert (result.status, result.follow_through) == (Status.PASSED, True), result


@pytest.mark.parametrize(
    ("gradient", "sentence"),
    [
        (f"-{TRUE}", "It is right but for the sign."),
        (f"2 * {TRUE}", "It is twice what it should be."),
        (f"{TRUE} / 2", "It is half of what it should be."),
        (f"len(x) * {TRUE}", "It is too large by the number of samples: a sum where a mean is asked."),
        (f"{TRUE} / len(x)", "It is too small by the number of samples: a mean where a sum is asked."),
        (f"({TRUE}).T", "It looks like the transpose."),
        (f"{TRUE} + 1e-3", "9 of 9 elements differ, the first at index [0, 0], where yours is "),
        ("np.zeros((3, 3))", "elements differ"),
        ("np.ones((3, 3))", "elements differ"),
        ("np.ones((2, 2))", "has shape (2, 2); what it is for has (3, 3)."),
        ("None", "gives back None: nothing is returned yet."),
        ("'text'", "should give numbers, but gives text."),
        ("np.full((3, 3), np.nan)", "has elements that are no finite numbers."),
        ("undefined", "raised NameError: name 'undefined' is not defined"),
    ],
)
def test_what_is_wrong_fails_and_usual_mistakes_are_told(exercise: Exercise, gradient: str, sentence: str) -> None:
    result = one(grade(exercise, submission(gradient)))
    assert (result.status, result.fraction, result.misconception) == (Status.FAILED, 0.0, None)
    assert sentence in result.message, result.message
    assert sentence.startswith("It") or "It " not in result.message


def test_a_known_mistake_is_named(exercise: Exercise, tmp_path: Path) -> None:
    source = submission("x.T @ (np.tanh(x @ W) - y) / len(x)")
    result = one(grade(exercise, source))
    assert (result.misconception, result.message) == ("no_tanh", "The derivative of tanh is missing.")
    lenient = make_exercise(
        tmp_path / "l", LOSS, "gradient: loss_gradient, of: loss, argument: 0, credit: {no_tanh: 0.5}"
    )
    assert one(grade(lenient, source)).fraction == 0.5


def test_right_for_the_own_forward_function(exercise: Exercise, tmp_path: Path) -> None:
    doubled = FORWARD.replace("0.5 * ", "")
    result = one(grade(exercise, submission(f"2 * {TRUE}", doubled)))
    assert (result.status, result.fraction, result.follow_through) == (Status.PASSED, 1.0, True)
    assert result.message == "Right, given your own `loss`: the earlier slip is not charged again."
    half = make_exercise(tmp_path / "h", LOSS, "gradient: loss_gradient, of: loss, follow_through: 0.5")
    assert one(grade(half, submission(f"2 * {TRUE}", doubled))).fraction == 0.5
    none = make_exercise(tmp_path / "n", LOSS, "gradient: loss_gradient, of: loss, follow_through: 0")
    assert one(grade(none, submission(f"2 * {TRUE}", doubled))).fraction == 0
    assert one(grade(none, submission(TRUE, doubled))).fraction == 1


@pytest.mark.parametrize(
    ("forward", "gradient"),
    [
        ("0.0", "0 * W"),
        ("W.sum()", "np.ones_like(W)"),
        ("3 * W.sum() + 1", "3 * np.ones_like(W)"),
    ],
)
def test_a_forward_function_that_leaves_nothing_to_derive(exercise: Exercise, forward: str, gradient: str) -> None:
    source = submission(gradient, f"import numpy as np\ndef loss(W, x, y):\n    return {forward}\n")
    result = one(grade(exercise, source))
    assert (result.status, "there was nothing to derive; mend it first" in result.message) == (Status.FAILED, True)


@pytest.mark.parametrize("forward", ["1e15 + np.sum(W ** 2)", "np.float32(2.0)", "np.nan", "np.inf * np.sum(W)"])
def test_a_forward_function_that_hides_in_rounding(exercise: Exercise, forward: str) -> None:
    source = submission("0 * W", f"import numpy as np\ndef loss(W, x, y):\n    return {forward}\n")
    result = one(grade(exercise, source))
    assert (result.status, result.follow_through) == (Status.FAILED, False)


@pytest.mark.parametrize("forward", ["raise ValueError('oh')", "return None", "return 'a'", "return [1, [2, 3]]"])
def test_a_broken_forward_function_does_not_cost_a_right_gradient(exercise: Exercise, forward: str) -> None:
    head = f"import numpy as np\ndef loss(W, x, y):\n    {forward}\n"
    assert one(grade(exercise, submission(TRUE, head))).status is Status.PASSED
    result = one(grade(exercise, submission(f"-{TRUE}", head)))
    assert result.message.endswith("It is right but for the sign.")
    assert "the student's own forward function: `loss(" in result.evidence


def test_a_missing_gradient_or_forward_function(exercise: Exercise) -> None:
    assert one(grade(exercise, FORWARD)).message == "`loss_gradient` is not defined at the end of the run."
    alone = "import numpy as np\n" + submission(f"2 * {TRUE}", "")
    assert "It is twice what it should be." in one(grade(exercise, alone)).message


RELU = """
@function
def relu(z):
    return np.maximum(z, 0)

@function
def relu_derivative(z):
    return np.where(np.asarray(z) > 0, 1.0, 0.0)

@function
def relu_backward(above, z):
    return above * (z > 0)

@cases("relu_derivative")
def points(rng):
    yield (np.append(rng.normal(size=6), [0.0, 0.0]),)
    yield (2.0,)

@cases("relu_backward")
def above(rng):
    yield rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
"""


@pytest.mark.parametrize("at_zero", ["0", "0.5", "1", "-7"])
def test_any_subgradient_at_a_kink(tmp_path: Path, at_zero: str) -> None:
    exercise = make_exercise(tmp_path, RELU, "gradient: relu_derivative, of: relu")
    source = "import numpy as np\ndef relu(z):\n    return np.maximum(z, 0)\ndef relu_derivative(z):\n"
    right = f"    return np.where(z > 0, 1.0, np.where(np.asarray(z) == 0, {at_zero}, 0.0))\n"
    assert one(grade(exercise, source + right)).status is Status.PASSED
    result = one(grade(exercise, source + "    return np.where(z >= 0, 2.0, 0.0)\n"))
    assert result.message.endswith("It is twice what it should be.\nElements left out, since they lie at a kink: 2.")


def test_a_gradient_from_above(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, RELU, "gradient: relu_backward, of: relu, cotangent: 0")
    forward = "import numpy as np\ndef relu(z):\n    return np.maximum(z, 0)\n"
    right = forward + "def relu_backward(d, z):\n    return np.where(z > 0, d, 0)\n"
    assert one(grade(exercise, right)).status is Status.PASSED
    unmasked = forward + "def relu_backward(d, z):\n    return d\n"
    assert one(grade(exercise, unmasked)).status is Status.FAILED


def test_a_part_of_several_gradients(tmp_path: Path) -> None:
    text = """
@function
def dense(W, b, x):
    return np.sum((x @ W + b) ** 2)

@function
def dense_gradients(W, b, x):
    d = 2 * (x @ W + b)
    return {"W": x.T @ d, "b": d.sum(axis=0)}

@cases("dense_gradients")
def some(rng):
    yield rng.normal(size=(3, 2)), rng.normal(size=2), rng.normal(size=(4, 3))
"""
    exercise = make_exercise(
        tmp_path,
        text,
        "gradient: dense_gradients, of: dense, argument: W, part: W, transpose: true",
        "gradient: dense_gradients, of: dense, argument: b, part: b",
    )
    forward = "import numpy as np\ndef dense(W, b, x):\n    return np.sum((x @ W + b) ** 2)\n"
    body = "def dense_gradients(W, b, x):\n    d = 2 * (x @ W + b)\n    return {'W': d.T @ x, 'b': d.mean(axis=0)}\n"
    results = grade(exercise, forward + body)
    assert lost(results) == ["dense_gradients_b"]
    assert "a mean where a sum is asked" in results["dense_gradients_b"].message
    missing = grade(exercise, forward + "def dense_gradients(W, b, x):\n    return {}\n")
    assert "should give numbers at 'W' of what it gives back" in missing["dense_gradients_W"].message


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("gradient: los_gradient, of: loss", "gradient: `los_gradient` is no function of "),
        ("gradient: loss_gradient, of: los", "of: `los` is no function of "),
        ("gradient: loss_gradient, of: loss, argument: V", "argument: `V` is no argument of `loss`; it has: W, x, y"),
        ("gradient: loss_gradient, of: loss, argument: 3", "argument: `loss` has 3 arguments, counted from 0; found 3"),
        ("gradient: loss_gradient, of: loss, cases: sme", "cases: `sme` is no cases of `loss_gradient` of "),
        ("gradient: loss, of: loss", "gradient: no cases draw arguments; write a function marked @cases('loss')"),
        (
            "gradient: loss_gradient, of: loss, credit: {none: 1}",
            "credit: `none` is no misconception of `loss_gradient`",
        ),
        (
            "gradient: loss_gradient, of: loss, credit: {no_tanh: 2}",
            "credit: no_tanh should be between 0 and 1, found 2",
        ),
    ],
)
def test_what_an_author_got_wrong(tmp_path: Path, check: str, message: str) -> None:
    with pytest.raises(CourseError) as caught:
        make_exercise(tmp_path, LOSS, check)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("/ len(x)\n\n@cases", "\n\n@cases", "the reference's `loss_gradient` would lose this check: it disagrees"),
        ("return 0.5 *", "return 'a' or", "the reference's `loss` cannot be differentiated: `loss("),
        ("return 0.5 *", "return np.abs(W).sum() if not W.any() else", "all points that the cases draw lie on kinks"),
    ],
)
def test_a_fault_of_the_reference_is_owed(tmp_path: Path, before: str, after: str, message: str) -> None:
    text = LOSS.replace(before, after, 1)
    if "kinks" in message:
        text = RELU.replace("np.append(rng.normal(size=6), [0.0, 0.0])", "np.zeros(3)").replace(
            "    yield (2.0,)\n", ""
        )
        exercise = make_exercise(tmp_path, text, "gradient: relu_derivative, of: relu")
    else:
        exercise = make_exercise(tmp_path, text, "gradient: loss_gradient, of: loss")
    source = submission(TRUE) + "def relu(z):\n    return z\ndef relu_derivative(z):\n    return z\n"
    result = one(grade(exercise, source))
    assert (result.status, message in result.evidence) == (Status.ERROR, True), result.evidence


def test_cases_that_do_not_fit_the_options(tmp_path: Path) -> None:
    text = RELU.replace("yield (2.0,)", "yield ('a',)")
    with pytest.raises(TypeError, match="the argument at 0 is to be differentiated by, and is no number"):
        grade(make_exercise(tmp_path / "a", text, "gradient: relu_derivative, of: relu"), "")
    with pytest.raises(TypeError, match="cotangent: the cases draw 1 arguments; there is none at 1"):
        grade(make_exercise(tmp_path / "b", RELU, "gradient: relu_derivative, of: relu, cotangent: 1"), "")


# The differences themselves, against PyTorch


def differences(function: Any, point: Any, dtype: Any = np.float64) -> Differences:
    case: dict[str, Plain] = {"args": [Array.from_numpy(np.asarray(point, dtype))]}
    values = [np.asarray(function(numbers(one["args"][0]))) for one in perturbed(case, 0, 1e-5)]  # type: ignore[index]
    made = Differences.of(case, 0, values, None, 1e-5)
    assert isinstance(made, Differences)
    return made


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=6))
def test_smooth_functions_as_autograd_has_it(point: list[float]) -> None:
    made = differences(lambda x: np.sum(np.tanh(x) * np.exp(-x) + x**3), point)
    x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
    (torch.tanh(x) * torch.exp(-x) + x**3).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert made.usable.all()
    assert made.agrees(x.grad.numpy(), 1e-7, 1e-4)
    assert not made.agrees(x.grad.numpy() * 1.01 + 0.01, 1e-7, 1e-4)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_only_kinks_are_left_out(dtype: Any) -> None:
    made = differences(lambda x: np.sum(np.abs(x), dtype=dtype) + np.sum(x**2, dtype=dtype), [0.0, 1.0, -0.5], dtype)
    assert made.usable.tolist() == [False, True, True]
    assert made.coarse == (dtype is np.float32)
    assert made.agrees(np.array([99.0, 3.0, -2.0]), 1e-7, 1e-4)
    assert not made.agrees(np.array([99.0, 3.1, -2.0]), 1e-7, 1e-4)


def test_a_stationary_point_is_no_kink() -> None:
    assert differences(lambda x: np.sum((x - 1) ** 2), [1.0, 2.0]).usable.all()


def test_what_is_not_finite_cannot_be_used() -> None:
    with np.errstate(all="ignore"):
        assert not differences(lambda x: np.sum(np.log(x)), [0.0]).usable.any()


def test_in_a_sandbox(exercise: Exercise) -> None:
    assert one(grade_in(exercise, module_job(submission(TRUE)), SelfCheck())).status is Status.PASSED
    result = one(grade_in(exercise, module_job(submission(f"-{TRUE}")), SelfCheck()))
    assert "right but for the sign" in result.message
