"""The kind ``call``: functions and classes on hidden inputs, properties, named mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from execution_helpers import module_job, notebook_job
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from judging_helpers import lost
from namespace_helpers import needs_ns
from observing_helpers import grade, grade_in, make_exercise

from grader.checks.calling import Outcome, evaluated
from grader.checks.crossing import short, to_plain, to_value
from grader.checks.trees import Comparison, mismatch
from grader.course import Exercise
from grader.errors import CourseError
from grader.model import Array, CheckResult, Opaque, Status
from grader.reference import Evaluation
from grader.sandbox import SelfCheck
from grader.sandbox.namespaces import Namespaces

RELU = """
@function
def relu(z):
    return np.maximum(z, 0)

@cases("relu")
def vectors(rng):
    for n in (3, 7, 20):
        yield (rng.normal(size=n),)

@cases("relu")
def matrices(rng):
    yield (rng.normal(size=(2, 5)),)

@misconception("relu", "Negative inputs give 0, not a small slope.")
def leaky(z):
    return np.where(z > 0, z, 0.01 * z)

@misconception("relu", "There is no absolute value in it.")
def absolute(z):
    return np.abs(z)

@misconception("relu", "Work on a copy: what calls it still needs z.")
def in_place(z):
    z[z < 0] = 0
    return z
"""
RIGHT = "import numpy as np\ndef relu(z):\n    return np.maximum(0, z)\n"


@pytest.fixture
def relu(tmp_path: Path) -> Exercise:
    return make_exercise(tmp_path, RELU, "call: relu, properties: [unchanged, shape_kept, non_negative]")


def one(results: dict[str, CheckResult]) -> CheckResult:
    (result,) = results.values()
    return result


def verdict(results: dict[str, CheckResult]) -> tuple[str, float, str | None]:
    result = one(results)
    return result.status.value, result.fraction, result.misconception


@pytest.mark.parametrize(
    "body",
    [
        "np.maximum(0, z)",
        "np.where(z > 0, z, 0)",
        "z * (z > 0)",
        "[max(0.0, x) for x in z] if z.ndim == 1 else np.clip(z, 0, None)",
        "__import__('torch').relu(__import__('torch').tensor(z))",
        "np.maximum(0, z).astype(np.float32)",
    ],
)
def test_any_right_version_passes(relu: Exercise, body: str) -> None:
    assert verdict(grade(relu, f"import numpy as np\ndef relu(z):\n    return {body}\n")) == ("passed", 1.0, None)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("np.where(z > 0, z, 0.01 * z)", "leaky"),
        ("abs(z)", "absolute"),
        ("z.__setitem__(z < 0, 0) or z", "in_place"),
    ],
)
def test_a_known_mistake_is_named(relu: Exercise, body: str, name: str) -> None:
    results = grade(relu, f"import numpy as np\ndef relu(z):\n    return {body}\n")
    assert verdict(results) == ("failed", 0.0, name)
    assert one(results).message == relu.reference.misconceptions[name].message


@pytest.mark.parametrize("body", ["0", "0 * z", "z", "np.ones_like(z)", "np.maximum(z, 0) + 1e-3", "z[:1]"])
def test_what_is_wrong_fails_and_no_mistake_is_invented(relu: Exercise, body: str) -> None:
    assert verdict(grade(relu, f"import numpy as np\ndef relu(z):\n    return {body}\n")) == ("failed", 0.0, None)


def test_answers_to_the_inputs_of_one_submission_fail_in_another(relu: Exercise, tmp_path: Path) -> None:
    drawn = [case[0] for name in ("vectors", "matrices") for case in _cases(relu, name, hidden=1)]
    table = {case.tobytes(): np.maximum(case, 0).tolist() for case in drawn}
    source = f"table = {table!r}\ndef relu(z):\n    return table[z.tobytes()]\n"
    assert verdict(grade(relu, source, hidden=1)) == ("passed", 1.0, None)
    assert verdict(grade(relu, source, hidden=2)) == ("failed", 0.0, None)


def _cases(exercise: Exercise, name: str, hidden: int) -> Any:
    return Evaluation(exercise.reference, None, hidden=hidden).cases(name)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\n", "`relu` is not defined at the end of the run."),
        ("relu = 3\n", "`relu` cannot be called: 'relu' is no function, but of type int."),
        ("def relu(z):\n    pass\n", "gives back None: nothing is returned yet."),
        ("def relu(z):\n    return undefined\n", "raised NameError: name 'undefined' is not defined"),
        ("def relu():\n    return 0\n", "raised TypeError: relu() takes 0 positional arguments but 1 was given"),
        ("def relu(z):\n    return 'text'\n", "should be a number or an array of numbers, but is text."),
        ("class Odd:\n    pass\ndef relu(z):\n    return Odd()\n", "but is an Odd."),
        ("def relu(z):\n    return z[:-1]\n", "has shape (2,); expected an array of shape (3,)."),
        ("def relu(z):\n    return -z * (z < 0)\n", "`relu` is not right for 4 of 4 inputs.\n`relu(["),
        ("def relu(z):\n    return z.clip(0) * float('nan')\n", "is not finite: 3 NaN of 3, the first at index [0]."),
        ("def relu(z):\n    return (z for z in ())\n", "has shape (0,); expected an array of shape (3,)."),
    ],
)
def test_what_a_student_reads(relu: Exercise, source: str, message: str) -> None:
    result = one(grade(relu, source))
    assert (result.status, message in result.message) == (Status.FAILED, True), result.message


def test_the_message_shows_the_student_s_own_numbers_and_the_evidence_the_right_ones(tmp_path: Path) -> None:
    text = "@function\ndef half(x):\n    return x / 2\n@cases('half')\ndef some(rng):\n    return [(12.0,), (3.0,)]\n"
    result = one(grade(make_exercise(tmp_path, text, "call: half"), "def half(x):\n    return x if x < 5 else x / 2\n"))
    assert result.message == "`half` is not right for 1 of 2 inputs.\n`half(3)` is not right: yours is 3.0."
    assert result.evidence == "half(3): expected 1.5, found 3"


def test_cases_can_be_checked_one_set_at_a_time(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, RELU, "call: relu, cases: vectors", "call: relu, cases: matrices")
    source = "import numpy as np\ndef relu(z):\n    assert z.ndim == 1\n    return np.maximum(z, 0)\n"
    assert lost(grade(exercise, source)) == ["relu_matrices"]
    assert lost(grade(exercise, RIGHT)) == []


def test_the_fraction_of_the_cases(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, RELU, "call: relu, per_case: true")
    source = "import numpy as np\ndef relu(z):\n    return np.maximum(z, 0) if z.size < 15 else z\n"
    assert verdict(grade(exercise, source)) == ("partial", 0.75, None)


def test_a_constant_earns_no_fraction(tmp_path: Path) -> None:
    text = """
@function
def sign(x):
    return 1 if x > 0 else -1

@cases("sign")
def some(rng):
    yield from ((x,) for x in (-1, 2, 3, 4))
"""
    exercise = make_exercise(tmp_path, text, "call: sign, per_case: true")
    assert verdict(grade(exercise, "def sign(x):\n    return 1\n")) == ("failed", 0.0, None)
    assert verdict(grade(exercise, "def sign(x):\n    return 1 if x > 2 else -1\n")) == ("partial", 0.75, None)


def test_credit_for_a_named_mistake(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, RELU, "call: relu, credit: {leaky: 0.5}")
    results = grade(exercise, "import numpy as np\ndef relu(z):\n    return np.where(z > 0, z, 0.01 * z)\n")
    assert verdict(results) == ("partial", 0.5, "leaky")


def test_integers_are_exact_unless_stated(tmp_path: Path) -> None:
    text = "@function\ndef macs(n):\n    return 1000 * n\n@cases('macs')\ndef some(rng):\n    yield (1000,)\n"
    almost = "def macs(n):\n    return 1000 * n + 1\n"
    for options, status in (("", "failed"), (", exact: false", "passed")):
        results = grade(make_exercise(tmp_path / status, text, f"call: macs{options}"), almost)
        assert one(results).status.value == status
    assert one(grade(make_exercise(tmp_path, text, "call: macs"), "def macs(n):\n    return 1e3 * n\n")).fraction == 1


# Classes, in steps

NETWORK = """
@function
class Network:
    def __init__(self, x, size):
        self.x, self.weights = x, np.zeros((x.shape[1], size))
    def forward(self):
        self.output = np.tanh(self.x @ self.weights)
    def scaled(self, factor):
        return factor * self.output

@cases("Network")
def some(rng):
    yield Steps((rng.normal(size=(4, 3)), 2), (
        ("set", "weights", rng.normal(size=(3, 2))), ("call", "forward"), ("get", "output"), ("call", "scaled", 2.0)))

@misconception("Network", "tanh is missing.")
class Linear(Network):
    def forward(self):
        self.output = self.x @ self.weights
"""
CLASS = """
import numpy as np
class Network:
    def __init__(self, inputs, n):
        self.inputs = inputs
    def forward(self):
        self.output = {forward}
        return self.output
    def scaled(self, by):
        return {scaled}
"""


@pytest.mark.parametrize(
    ("forward", "scaled", "expected"),
    [
        ("np.tanh(self.inputs @ self.weights)", "self.output * by", ("passed", 1.0, None)),
        ("self.inputs @ self.weights", "self.output * by", ("failed", 0.0, "Linear")),
        ("np.tanh(self.inputs @ self.weights)", "self.output", ("failed", 0.0, None)),
    ],
)
def test_a_class_in_steps(tmp_path: Path, forward: str, scaled: str, expected: Any) -> None:
    exercise = make_exercise(tmp_path, NETWORK, "call: Network, properties: [unchanged]")
    results = grade(exercise, CLASS.format(forward=forward, scaled=scaled))
    assert verdict(results) == expected
    if scaled == "self.output":
        assert "Network(array of shape (4, 3), 2).scaled(2)` is not right: 8 of 8" in one(results).message


def test_a_later_step_changes_nothing_in_what_was_seen(tmp_path: Path) -> None:
    text = """
@function
class Counter:
    def __init__(self):
        self.counts = np.zeros(1)
    def add(self):
        self.counts = self.counts + 1
        return self.counts

@cases("Counter")
def some(rng):
    yield Steps((), (("call", "add"), ("call", "add"), ("get", "counts")))
"""
    source = """
import numpy as np
class Counter:
    def __init__(self):
        self.counts = np.zeros(1)
    def add(self):
        self.counts += 1
        return self.counts
"""
    assert verdict(grade(make_exercise(tmp_path, text, "call: Counter"), source)) == ("passed", 1.0, None)


def test_an_attribute_that_is_not_there(tmp_path: Path) -> None:
    source = (
        CLASS.format(forward="1", scaled="1").replace("self.output = 1", "out = 1").replace("return self.output", "")
    )
    result = one(grade(make_exercise(tmp_path, NETWORK, "call: Network"), source))
    assert "raised AttributeError: 'Network' object has no attribute 'output'" in result.message


# Properties

SOFTMAX = """
@function
def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

@cases("softmax")
def rows(rng):
    yield (rng.normal(size=(3, 4)),)
"""


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("sums_to_one", "np.exp(z) / np.exp(z).sum()", "does not add up to one along the last axis"),
        ("sums_to_one", "'text'", "does not add up to one"),
        ("non_negative", "z / z.sum(axis=-1, keepdims=True)", "has negative elements"),
        ("finite", "np.exp(z) / 0 * np.inf", "has elements that are no finite numbers"),
        ("shape_kept", "z[0]", "has another shape than what goes in"),
        ("deterministic", "np.random.normal(size=z.shape)", "gives something else when called once more"),
        ("shift_invariant", "np.exp(z)", "changes when the same number is added to every element"),
        ("row_wise", "z - z.mean(axis=0) * np.arange(3)[:, None]", "mixes the rows"),
        ("unchanged", "z.fill(0)", "gives back None"),
        ("unchanged", "z.fill(0) or z", "changes the array that it is given; work on a copy"),
        ("non_negative", "-(10**30)", "has negative elements"),
        ("sums_to_one", "np.array([[1e300, 1e308, 1e308]])", "does not add up to one"),
        ("falls", "[1j, 2]", "does not end below"),
        ("falls", "[2.0, 2.0]", "does not end below where it begins"),
    ],
)
def test_a_property_that_does_not_hold(tmp_path: Path, name: str, body: str, message: str) -> None:
    text = (
        SOFTMAX.replace("    return e", "    if True: return [2.0, 1.0]\n    return e") if name == "falls" else SOFTMAX
    )
    exercise = make_exercise(tmp_path, text, f"call: softmax, compare: false, properties: [{name}]")
    with np.errstate(all="ignore"):
        results = grade(exercise, f"import numpy as np\ndef softmax(z):\n    return {body}\n")
    assert verdict(results) == ("failed", 0.0, None)
    assert message in one(results).message


def test_properties_that_hold(tmp_path: Path) -> None:
    every = "unchanged, sums_to_one, non_negative, finite, shape_kept, deterministic, shift_invariant, row_wise"
    exercise = make_exercise(tmp_path, SOFTMAX, f"call: softmax, properties: [{every}]")
    right = "import numpy as np\ndef softmax(z):\n    e = np.exp(z)\n    return e / e.sum(axis=1)[:, None]\n"
    assert verdict(grade(exercise, right)) == ("passed", 1.0, None)


FOLDS = """
@function
def folds(n, k):
    return [list(range(i, n, k)) for i in range(k)]

@cases("folds")
def sizes(rng):
    yield (10, 3)
    yield (7, 7)

@property_of("folds", "Every index must be in exactly one fold.")
def partition(inputs, result):
    n, k = inputs
    return sorted(i for fold in result for i in fold) == list(range(n)) and len(result) == k

@property_of("folds", "The folds must be of nearly the same size.")
def balanced(inputs, result):
    sizes = [len(fold) for fold in result]
    return "" if max(sizes) - min(sizes) <= 1 else f"Yours have {sizes}."

@misconception("folds", "The rest is dropped.")
def truncated(n, k):
    return [list(range(i * (n // k), (i + 1) * (n // k))) for i in range(k)]
"""


@pytest.mark.parametrize(
    ("body", "expected", "message"),
    [
        ("np.array_split(np.random.permutation(n), k)", ("passed", 1.0, None), ""),
        ("(range(i, n, k) for i in range(k))", ("passed", 1.0, None), ""),
        ("[{*range(i, n, k)} for i in range(k)]", ("passed", 1.0, None), ""),
        ("np.arange(n - n % k).reshape(k, -1)", ("failed", 0.0, "truncated"), "The rest is dropped."),
        ("[[]] * k", ("failed", 0.0, None), "`folds(10, 3)` is not right: Every index must be in exactly one fold."),
        ("[range(n)] + [[]] * (k - 1)", ("failed", 0.0, None), "of nearly the same size. Yours have [10, 0, 0]."),
        ("5", ("failed", 0.0, None), "gives 5, which cannot be judged (TypeError: 'int' object is not iterable)."),
    ],
)
def test_where_several_answers_are_right(tmp_path: Path, body: str, expected: Any, message: str) -> None:
    exercise = make_exercise(tmp_path, FOLDS, "call: folds, properties: [partition, balanced]")
    results = grade(exercise, f"import numpy as np\ndef folds(n, k):\n    return {body}\n")
    assert verdict(results) == expected
    assert message in one(results).message


TRAIN = """
@function
def train(model, inputs, targets):
    import torch
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = ((model(inputs) - targets) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses

@trial("train")
def on_a_line(train, x):
    import torch
    torch.manual_seed(0)
    return train(torch.nn.Linear(1, 1), x, 2 * x + 1)

@cases("on_a_line")
def points(rng):
    import torch
    yield (torch.tensor(rng.normal(size=(8, 1)), dtype=torch.float32),)

@misconception("train", "Gradients add up over the steps unless they are set to zero before each.")
def accumulated(model, inputs, targets):
    import torch
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(5):
        loss = ((model(inputs) - targets) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
"""


def test_a_trial_builds_what_cannot_be_sent(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, TRAIN, "call: train, trial: on_a_line, properties: [falls]")
    right = TRAIN.partition("@trial")[0].replace("@function\n", "")
    assert verdict(grade(exercise, right)) == ("passed", 1.0, None)
    forgotten = right.replace("        optimizer.zero_grad()\n", "")
    assert verdict(grade(exercise, forgotten)) == ("failed", 0.0, "accumulated")
    assert list(grade(exercise, right)) == ["train_on_a_line"]


RAISING = """
@function
def f(x):
    return 1 / x
@cases("f")
def some(rng):
    yield (2,)
@misconception("f", "Nothing may be divided by zero.")
def by_zero(x):
    return 1 / 0
"""


def test_a_mistake_that_raises_is_named_by_the_same_exception(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, RAISING, "call: f")
    assert verdict(grade(exercise, "def f(x):\n    return x / 0\n")) == ("failed", 0.0, "by_zero")
    assert verdict(grade(exercise, "def f(x):\n    return 1 % 0\n")) == ("failed", 0.0, None)
    assert verdict(grade(exercise, "def f(x):\n    raise ValueError('division by zero')\n")) == ("failed", 0.0, None)


# Faults of the author


@pytest.mark.parametrize(
    ("text", "check", "message"),
    [
        (RELU, "call: rleu", "call: `rleu` is no function of "),
        (RELU, "call: relu, cases: vector", "cases: `vector` is no cases of `relu` of "),
        (RELU, "call: relu, properties: [finit]", "properties: `finit` is no property of `relu` of "),
        (RELU, "call: relu, trial: t", "trial: `t` is no trial of `relu` of "),
        (RELU, "call: relu, credit: {leeky: 0.5}", "credit: `leeky` is no misconception of `relu` of "),
        (RELU, "call: relu, credit: {leaky: 1.5}", "credit: leaky should be between 0 and 1, found 1.5"),
        (
            "@function\ndef f(x):\n    return x\n",
            "call: f",
            "call: no cases draw inputs for `f`; write a function marked",
        ),
    ],
)
def test_what_an_author_got_wrong(tmp_path: Path, text: str, check: str, message: str) -> None:
    with pytest.raises(CourseError) as caught:
        make_exercise(tmp_path, text, check)
    assert message in str(caught.value)


SIMPLE = "@function\ndef f(x):\n    {}\n@cases('f')\ndef some(rng):\n    yield (3,)\n"


@pytest.mark.parametrize(
    ("body", "options", "message"),
    [
        ("raise KeyError('oh')", "", "KeyError('oh')"),
        ("return None", "", "f(3) of the reference returned None; expected something to compare with"),
        ("return object()", "", "is no number, array, text, list or mapping"),
        (
            "return -x",
            ", properties: [non_negative]",
            "the reference would lose this check: `f(3)` has negative elements.",
        ),
    ],
)
def test_a_fault_of_the_reference_is_owed_and_no_zero(tmp_path: Path, body: str, options: str, message: str) -> None:
    exercise = make_exercise(tmp_path, SIMPLE.format(body), f"call: f{options}")
    result = one(grade(exercise, "def f(x):\n    return 1\n"))
    assert (result.status, message in result.evidence) == (Status.ERROR, True), result.evidence


def test_cases_that_draw_nothing_and_inputs_that_cannot_be_sent(tmp_path: Path) -> None:
    empty = SIMPLE.format("return x").replace("yield (3,)", "return []")
    with pytest.raises(ValueError, match="the cases `some` draw no inputs"):
        grade(make_exercise(tmp_path / "a", empty, "call: f"), "")
    odd = SIMPLE.format("return x").replace("yield (3,)", "yield (object(),)")
    with pytest.raises(TypeError, match="is no number, array, text, list or mapping"):
        grade(make_exercise(tmp_path / "b", odd, "call: f"), "")
    keys = SIMPLE.format("return x").replace("yield (3,)", "yield ({(1, 2): 3},)")
    with pytest.raises(TypeError, match=r"a mapping's key .* is neither text nor a number"):
        grade(make_exercise(tmp_path / "c", keys, "call: f"), "")
    steps = SIMPLE.format("return x").replace("yield (3,)", "yield Steps((), (('do', 'x'),))")
    with pytest.raises(TypeError, match=r"step \('do', 'x'\): expected"):
        grade(make_exercise(tmp_path / "d", steps, "call: f"), "")
    text = SIMPLE.format("return x").replace("yield (3,)", "yield ('a',)")
    with pytest.raises(TypeError, match="this property needs a first argument of numbers"):
        grade(make_exercise(tmp_path / "e", text, "call: f, properties: [row_wise]"), "")


# Comparing and crossing


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((1, [2.0, 3.0]), (1, np.array([2.0, 3.0]))),
        (np.ones((2, 3)), (np.ones(3), np.ones((3, 1)))),
        ({"a": 1, "b": "more"}, {"a": 1.0}),
        ({1: 0.5}, {1: np.float32(0.5)}),
        (["relu", "linear"], ("relu", "linear")),
        ([[1], [2, 3]], [[1], [2, 3]]),
        (range(3), [0, 1, 2]),
        ([1, "anything"], [1, None]),
        ([], []),
    ],
)
def test_results_that_agree(found: Any, expected: Any) -> None:
    assert mismatch("r", to_plain(found), to_plain(expected), Comparison()) == ""


@pytest.mark.parametrize(
    ("found", "expected", "message"),
    [
        (3, {"a": 1}, "`r` should be a mapping, but is an integer."),
        ({}, {"a": 1}, "`r` has no key 'a'."),
        ({"a": 2}, {"a": 1}, "`r['a']` is not right: yours is 2."),
        (1.0, (1, np.ones(2)), "`r` should be a list of 2, but is a number."),
        ([1], (1, np.ones(2)), "`r` has 1 parts; expected 2."),
        ([1, [1, 2]], (1, np.ones(2)), "`r[1]` is not right: 1 of 2 elements differ (50 %)."),
        ("ReLu", "ReLU", "`r` is not right."),
    ],
)
def test_results_that_differ(found: Any, expected: Any, message: str) -> None:
    assert mismatch("r", to_plain(found), to_plain(expected), Comparison()).splitlines()[0] == message


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | hnp.arrays(st.sampled_from([np.float64, np.float32, np.int64, np.bool_]), hnp.array_shapes(max_side=3)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(PLAIN)
def test_what_crosses_comes_back(value: Any) -> None:
    plain = to_plain(value)
    assert to_plain(to_value(plain, tensors=False)) == plain
    assert len(short(plain)) <= 62


def test_a_tensor_crosses_as_such() -> None:
    plain = to_plain(torch.ones(2, requires_grad=True))
    assert plain == Array.from_numpy(np.ones(2, np.float32), "torch tensor")
    assert isinstance(to_value(plain, tensors=True), torch.Tensor)
    assert isinstance(to_value(plain, tensors=False), np.ndarray)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.arange(3.0), "[0., 1., 2.]"),
        (np.ones((20, 30)), "array of shape (20, 30)"),
        (list(range(100)), "list of 100"),
        ({"a": 1}, "{'a': 1}"),
        ("x" * 100, "text of 100 characters"),
        (1 / 3, "0.333333"),
    ],
)
def test_values_in_short(value: Any, text: str) -> None:
    assert short(to_plain(value)) == text


def test_an_object_in_short() -> None:
    assert short(Opaque("Odd")) == "Odd"


# Whole runs


def test_a_module_in_the_bottom_rung(relu: Exercise) -> None:
    assert verdict(grade_in(relu, module_job(RIGHT), SelfCheck())) == ("passed", 1.0, None)
    endless = "def relu(z):\n    while True:\n        pass\n"
    result = one(grade_in(relu, module_job(endless), SelfCheck(), timeout_seconds=1.0))
    assert result.message == "Calling `relu` took longer than 1 s: does a loop in it never end?"


def test_a_notebook_in_the_bottom_rung(relu: Exercise) -> None:
    job = notebook_job("import numpy as np", "def relu(z):\n    return np.abs(z)")
    assert verdict(grade_in(relu, job, SelfCheck())) == ("failed", 0.0, "absolute")


@needs_ns
def test_a_module_and_a_notebook_confined(relu: Exercise) -> None:
    with Namespaces() as sandbox:
        assert verdict(grade_in(relu, module_job(RIGHT), sandbox)) == ("passed", 1.0, None)
        job = notebook_job("import numpy as np", "def relu(z):\n    return np.where(z > 0, z, 0.01 * z)")
        assert verdict(grade_in(relu, job, sandbox)) == ("failed", 0.0, "leaky")


# What an author's function gives is worked out once


def test_an_authors_function_is_called_once_for_equal_inputs() -> None:
    called: list[str] = []

    def double(z: Any) -> Any:
        called.append(str(z.dtype))
        return 2 * z

    def sent(dtype: type) -> dict[str, Any]:
        return {"args": to_plain([np.ones(3, dtype)])}

    first = evaluated(double, sent(np.float64))
    assert first == Outcome(to_plain(np.full(3, 2.0)), changed=False)
    assert evaluated(double, sent(np.float64)) == first
    assert called == ["float64"]
    assert evaluated(double, sent(np.float32)).value == to_plain(np.full(3, 2.0, np.float32))
    assert called == ["float64", "float32"]
    assert evaluated(double, sent(np.float64), further="deterministic") == first
    assert called == ["float64", "float32", "float64"]


def test_an_authors_function_that_raises_does_so_each_time() -> None:
    def fails() -> None:
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            evaluated(fails, {"args": []})


def test_that_a_reference_gives_something_else_when_called_again_is_seen(tmp_path: Path) -> None:
    text = """
@function
def noise(z):
    return np.random.default_rng().normal(size=z.shape)
@cases("noise")
def vectors(rng):
    yield (rng.normal(size=5),)
"""
    exercise = make_exercise(tmp_path, text, "call: noise, compare: false, properties: [deterministic]")
    result = grade(exercise, "def noise(z):\n    return z\n")["noise"]
    assert result.status is Status.ERROR
    assert "the reference would lose this check" in result.evidence
    assert "gives something else when called once more" in result.evidence
