"""The kind ``model``: layers as they run, weights, what a model computes, and why it cannot be run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from execution_helpers import module_job, notebook_job
from judging_helpers import judge_seen, lost
from namespace_helpers import needs_ns
from observing_helpers import grade, grade_in, make_exercise

from grader.checks.describing import Author, alike, read
from grader.checks.layers import Layer, as_layers
from grader.checks.misfits import first_difference, in_order, misfit, share
from grader.checks.model import MODEL
from grader.course import Exercise
from grader.errors import CourseError
from grader.model import CheckResult, Failure, Status
from grader.reference import Evaluation
from grader.sandbox import SelfCheck
from grader.sandbox.namespaces import Namespaces

TORCH = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
IMAGES = """
@cases("CNN")
def images(rng):
    yield (rng.random((4, 3, 12, 10)).astype(np.float32),)
"""
#: The sheet's network in small: 12x10 -> 10x8 -> 4x3, so 6 * 4 * 3 = 72 features.
CNN = """
@function
class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3)
        self.conv2 = nn.Conv2d(4, 6, 3, stride=2)
        self.fc1 = nn.Linear(72, 8)
        self.fc2 = nn.Linear(8, 5)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        return F.log_softmax(self.fc2(x), dim=1)
"""
RIGHT = TORCH + CNN.replace("@function\n", "")


def mistake(name: str, sentence: str, *changes: tuple[str, str]) -> str:
    """Return the right network, changed, as a misconception."""
    return (
        CNN.replace("@function", f'@misconception("CNN", "{sentence}")')
        .replace("class CNN", f"class {name}")
        .translate({})
        if not changes
        else _changed(mistake(name, sentence), *changes)
    )


def _changed(source: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    return source


def changed(*changes: tuple[str, str]) -> str:
    """Return a student's module: the right network with changes."""
    return _changed(RIGHT, *changes)


LOGITS = mistake("logits", "The output is not normalised.", ("F.log_softmax(self.fc2(x), dim=1)", "self.fc2(x)"))
UNFITTING = mistake("unfitting", "Count the features again.", ("nn.Linear(72, 8)", "nn.Linear(100, 8)"))
ALWAYS_ON = mistake(
    "always_on", "A dropout must know the mode.", ("torch.flatten(x, 1)", "F.dropout(x.flatten(1), 0.5)")
)
REFERENCE = TORCH + CNN + LOGITS + UNFITTING + ALWAYS_ON + IMAGES


@pytest.fixture(scope="module")
def cnn(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    aspects = ("layers", "parameters", "shapes", "output, properties: [log_probabilities]", "function")
    checks = [f"model: CNN, aspect: {aspect}" for aspect in aspects]
    return make_exercise(tmp_path_factory.mktemp("cnn"), REFERENCE, *checks, "model: CNN, id: all")


def one(results: dict[str, CheckResult], name: str = "all") -> CheckResult:
    return results[name]


# Right, however it is written


SEQUENTIAL = f"""{TORCH}
def CNN():
    return nn.Sequential(
        nn.Conv2d(3, 4, kernel_size=(3, 3), padding="valid"), nn.ReLU(inplace=True),
        nn.Conv2d(4, 6, 3, stride=(2, 2)), nn.ReLU(), nn.Flatten(), nn.ReLU(), nn.LazyLinear(8), nn.ReLU(),
        nn.Dropout(0.3), nn.Linear(8, 5), nn.LogSoftmax(dim=-1),
    )
"""
BY_HAND = f"""{TORCH}
class Layer(nn.Module):
    def __init__(self, many, few):
        super().__init__()
        self.W = nn.Parameter(torch.randn(many, few))
        self.b = nn.Parameter(torch.zeros(few))
    def forward(self, x):
        return x @ self.W + self.b

class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.last, self.first = Layer(8, 5), nn.Conv2d(3, 4, 3)  # registered in another order than they run
        self.kernel = nn.Parameter(torch.randn(6, 4, 3, 3))
        self.bias = nn.Parameter(torch.zeros(6))
        self.middle = Layer(72, 8)
        self.double()
    def forward(self, x):
        x = self.first(x).clamp(min=0)
        x = F.conv2d(x, self.kernel, self.bias, 2)
        x = torch.maximum(x, torch.zeros_like(x)).reshape(len(x), -1)
        x = self.last(self.middle(x) * (self.middle(x) > 0))
        return x - torch.logsumexp(x, 1, keepdim=True)
"""
INSTANCE = RIGHT + "\nCNN = CNN()\n"


@pytest.mark.parametrize(
    "source",
    [
        RIGHT,
        SEQUENTIAL,
        BY_HAND,
        INSTANCE,
        changed(
            ("torch.flatten(x, 1)", "self.flat(x)"), ("self.fc1 =", "self.flat = nn.Flatten()\n        self.fc1 =")
        ),
        changed(("torch.flatten(x, 1)", "x.view(-1, 72)")),
        changed(("F.relu(self.conv1(x))", "self.conv1(x).relu_()")),
        changed(("x = F.relu(self.fc1(x))", "x = F.dropout(F.relu(self.fc1(x)), 0.5, self.training)")),
        changed(("F.log_softmax(self.fc2(x), dim=1)", "torch.log(F.softmax(self.fc2(x), dim=-1))")),
        changed(("F.log_softmax(self.fc2(x), dim=1)", "F.log_softmax(F.log_softmax(self.fc2(x), 1), 1)")),
    ],
)
def test_one_network_however_it_is_written(cnn: Exercise, source: str) -> None:
    results = grade(cnn, source)
    assert lost(results) == []
    assert {result.status for result in results.values()} == {Status.PASSED}


def test_a_model_that_was_handed_in_made_is_left_as_it_was(cnn: Exercise) -> None:
    source = INSTANCE + "CNN.train()\nbefore = CNN.fc2.bias.detach().clone()\nkept = CNN\n"
    namespace: dict[str, object] = {}
    exec(source, namespace)  # noqa: S102 - the test's own
    model = namespace["CNN"]
    assert isinstance(model, torch.nn.Module)
    author = Author(lambda: model, Evaluation(cnn.reference, None).cases("images"))
    assert author.with_weights_of(author.described, 3) is not None
    assert model.training
    assert torch.equal(model.get_parameter("fc2.bias"), namespace["before"])  # type: ignore[arg-type]


# Wrong, and where


@pytest.mark.parametrize(
    ("change", "loses", "message"),
    [
        (
            ("stride=2", "stride=1"),
            {"CNN_layers", "CNN_shapes", "CNN_output", "CNN_function"},
            (
                "`CNN` cannot be run on an input of shape (N, 3, 12, 10). Expected 288 = 6·8·6 features after `conv2` "
                "(Conv2d); `fc1` (Linear) takes 72.\n`conv2` (Conv2d) has stride=1; expected stride=2."
            ),
        ),
        (
            ("x = F.relu(self.conv2(x))", "x = self.conv2(x)"),
            {"CNN_layers", "CNN_function"},
            "After `conv2` (Conv2d) comes Flatten; expected ReLU().",
        ),
        (
            ("dim=1", "dim=0"),
            {"CNN_layers", "CNN_output", "CNN_function"},
            "LogSoftmax has dim=0; expected dim=1.",
        ),
        (
            ("nn.Linear(8, 5)", "nn.Linear(8, 5, bias=False)"),
            {"CNN_layers", "CNN_parameters", "CNN_function"},
            "`fc2` (Linear) has bias=False; expected bias=True.",
        ),
        (
            ("nn.Linear(8, 5)", "nn.Linear(8, 6)"),
            {"CNN_layers", "CNN_parameters", "CNN_shapes", "CNN_function"},
            "`fc2` (Linear) has out_features=6; expected out_features=5.",
        ),
        (
            ("F.log_softmax(self.fc2(x), dim=1)", "F.log_softmax(F.relu(self.fc2(x)), dim=1)"),
            {"CNN_layers", "CNN_function"},
            "After `fc2` (Linear) comes ReLU; expected LogSoftmax(dim=1).",
        ),
        (
            ("x = F.relu(self.fc1(x))", "x = F.relu6(self.fc1(x))"),
            {"CNN_layers", "CNN_function"},
            "After `fc1` (Linear) comes ReLU6; expected ReLU().",
        ),
        (
            ("self.fc2 = nn", "self.spare = nn.Linear(2, 2)\n        self.fc2 = nn"),
            {"CNN_parameters"},
            "",
        ),
        (
            ("F.log_softmax(self.fc2(x), dim=1)", "F.softmax(self.fc2(x), dim=1)"),
            {"CNN_layers", "CNN_output", "CNN_function"},
            "After `fc2` (Linear) comes Softmax; expected LogSoftmax(dim=1).",
        ),
        (
            ("x = torch.flatten(x, 1)", "x = torch.flatten(x, 1) / 255"),
            {"CNN_layers", "CNN_function"},
            "After Flatten comes div; expected Linear(in_features=72, out_features=8).",
        ),
    ],
)
def test_what_differs_is_named(cnn: Exercise, change: tuple[str, str], loses: set[str], message: str) -> None:
    results = grade(cnn, changed(change))
    assert {name for name in lost(results) if name != "all"} == loses
    assert one(results, "CNN_layers").message == message
    assert 0 < one(results).fraction < 1


def test_layers_earn_the_share_that_is_there(cnn: Exercise) -> None:
    results = grade(cnn, changed(("x = F.relu(self.conv2(x))", "x = self.conv2(x)")))
    assert one(results, "CNN_layers").fraction == pytest.approx(8 / 9)
    assert one(results).fraction == pytest.approx((8 / 9 + 1 + 1 + 1 + 0) / 5)
    assert "ReLU() → Conv2d(in_channels=4, kernel_size=3, out_channels=6, stride=2)" in one(results).evidence


def test_the_other_aspects_say_what_is_wrong(cnn: Exercise) -> None:
    results = grade(
        cnn,
        changed(("nn.Linear(8, 5)", "nn.Linear(8, 6)"), ("self.fc2 =", "self.a = nn.Linear(1, 1)\n        self.fc2 =")),
    )
    assert one(results, "CNN_parameters").message == (
        "`CNN` has 974 parameters; expected 963. Never used are `a.weight`, `a.bias`."
    )
    assert one(results, "CNN_shapes").message == (
        "For an input of shape (4, 3, 12, 10) the output has shape (4, 6); expected (4, 5)."
    )
    assert one(results, "CNN_function").message.startswith("`CNN` does not compute what is asked for, with the same")
    softmax = grade(cnn, changed(("log_softmax", "softmax")))
    assert one(softmax, "CNN_output").message == "`CNN`: its outputs are probabilities; their logarithms are asked for."


def test_nothing_is_given_away_where_the_rubric_forbids_it(tmp_path: Path) -> None:
    checks = [f"model: CNN, aspect: {one}, reveal: false" for one in ("layers", "parameters", "shapes", "function")]
    exercise = make_exercise(tmp_path, TORCH + CNN + IMAGES, *checks)
    for source in (
        changed(("stride=2", "stride=1")),
        changed(("nn.Linear(72, 8)", "nn.Linear(70, 8)")),
        changed(("nn.Linear(8, 5)", "nn.Linear(8, 6)")),
        changed(("x = F.relu(self.conv2(x))", "x = self.conv2(x)")),
    ):
        text = "\n".join(result.message for result in grade(exercise, source).values())
        assert text
        assert "expected" not in text.casefold()
        assert not {"288", "963", "(4, 5)", "stride=2"} & set(text.replace(".", " ").replace(",", " ").split())
    stopped = grade(exercise, changed(("nn.Linear(72, 8)", "nn.Linear(70, 8)")))["CNN_layers"].message
    assert stopped == (
        "`CNN` cannot be run on an input of shape (N, 3, 12, 10). `fc1` (Linear) takes 70 features, but another number "
        "arrives: multiply channels, height and width of what `conv2` (Conv2d) gives."
    )


def test_the_sheet_s_4732() -> None:
    steps = [
        {"kind": "Conv2d", "name": "conv1", "settings": {}, "inputs": [[1, 1, 28, 28]], "output": [1, 32, 28, 28]},
        {"kind": "MaxPool2d", "name": "pool1", "settings": {}, "inputs": [[1, 32, 28, 28]], "output": [1, 32, 14, 14]},
        {"kind": "Flatten", "name": "flatten", "settings": {}, "inputs": [[1, 32, 14, 14]], "output": [1, 6272]},
    ]
    failing = {"kind": "Linear", "name": "fc1", "settings": {"in_features": 4732}, "inputs": [[1, 6272]]}
    (layer,) = as_layers([failing], "torch")
    assert misfit(layer, as_layers(steps, "torch"), reveal=True) == (
        "Expected 6272 = 32·14·14 features after `pool1` (MaxPool2d); `fc1` (Linear) takes 4732 = 28·13·13."
    )


def test_right_layers_that_cannot_be_run_do_not_earn_everything(cnn: Exercise) -> None:
    result = one(grade(cnn, changed((LAST, f"x = {LAST[7:]}\n        return y"))), "CNN_layers")
    assert result.fraction == pytest.approx(8 / 9)
    assert result.message == f"{STOPPED}It raised NameError: name 'y' is not defined."


def test_no_forged_size_keeps_the_grader_busy() -> None:
    sizes = {"kind": "Linear", "name": "f", "settings": {"in_features": 10**40}, "inputs": [[1, 18]]}
    flat = {"kind": "Flatten", "name": "", "settings": {}, "inputs": [[1, 2, 3, 3]], "output": [1, 18]}
    before, (layer,) = as_layers([flat], "torch"), as_layers([sizes], "torch")
    assert misfit(layer, before, reveal=True) == f"Expected 18 = 2·3·3 features; `f` (Linear) takes {10**40}."


def test_linear_on_a_map_and_wrong_channels(cnn: Exercise) -> None:
    unflattened = grade(cnn, changed(("torch.flatten(x, 1)", "x")))["CNN_layers"].message
    assert (
        "takes 72 features, but a tensor of shape (N, 6, 4, 3) arrives, whose last axis has 3: flatten" in unflattened
    )
    channels = grade(cnn, changed(("nn.Conv2d(4, 6", "nn.Conv2d(5, 6")))["CNN_layers"].message
    assert "`conv2` (Conv2d) takes 5 channels, but a tensor of shape (N, 4, 10, 8) arrives." in channels


# Known mistakes


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (changed(("F.log_softmax(self.fc2(x), dim=1)", "self.fc2(x)")), "logits"),
        (SEQUENTIAL.replace("nn.LogSoftmax(dim=-1),", ""), "logits"),
        (changed(("nn.Linear(72, 8)", "nn.Linear(100, 8)")), "unfitting"),
        (changed(("torch.flatten(x, 1)", "F.dropout(torch.flatten(x, 1))")), "always_on"),
        (changed(("dim=1", "dim=0")), None),
        (changed(("nn.Linear(72, 8)", "nn.Linear(99, 8)")), None),
    ],
)
def test_a_known_mistake_is_named(cnn: Exercise, source: str, name: str | None) -> None:
    results = grade(cnn, source)
    assert one(results).misconception == name
    assert one(results).fraction < 1


def test_a_mistake_that_leaves_weights_unused_is_named(tmp_path: Path) -> None:
    forgotten = mistake("forgotten", "The second layer is never called.", ("F.relu(self.fc1(x))", "self.fc1(x) * 2"))
    unused = _changed(forgotten, ("self.fc1 =", "self.norm = nn.BatchNorm1d(8)\n        self.fc1 ="))
    exercise = make_exercise(tmp_path, TORCH + CNN + unused + IMAGES, "model: CNN")
    source = _changed(TORCH + unused.partition("\n@misconception")[2].partition("\n")[2], ("forgotten", "CNN"))
    assert one(grade(exercise, source), "CNN").misconception == "forgotten"


def test_a_named_mistake_may_earn_something(tmp_path: Path) -> None:
    check = "model: CNN, aspect: function, credit: {logits: 0.8}"
    exercise = make_exercise(tmp_path, REFERENCE, check)
    result = one(grade(exercise, changed(("F.log_softmax(self.fc2(x), dim=1)", "self.fc2(x)"))), "CNN_function")
    assert (result.fraction, result.status, result.message) == (0.8, Status.PARTIAL, "The output is not normalised.")


# Bad input


NO_MODEL = "which is no torch module and no Keras model."
STOPPED = "`CNN` cannot be run on an input of shape (N, 3, 12, 10). "
AGAIN = "`CNN` gives another output when it is called again with the same input, though it was put into eval mode"
LAST = "return F.log_softmax(self.fc2(x), dim=1)"
BAD: list[tuple[str, str]] = [
    ("", "`CNN` is not defined at the end of the run."),
    ("CNN = 3", f"`CNN` gives something of type int, {NO_MODEL}"),
    ("def CNN():\n    pass", f"`CNN` gives something of type NoneType, {NO_MODEL} Return it."),
    (
        f"{RIGHT}\nMade = CNN\ndef CNN():\n    return Made(), 1",
        f"`CNN` gives something of type tuple, {NO_MODEL} Return the model alone.",
    ),
    (
        changed(("__init__(self)", "__init__(self, width)")),
        (
            "`CNN()` raised TypeError: CNN.__init__() missing 1 required positional argument: 'width'. "
            "It is made without arguments here: give others a default."
        ),
    ),
    (
        changed(("super().__init__()", "pass")),
        (
            "`CNN()` raised AttributeError: cannot assign module before Module.__init__() call. "
            "Call `super().__init__()` first."
        ),
    ),
    (changed(("super().__init__()", "raise OSError('no weights')")), "`CNN()` raised OSError: no weights."),
    (changed(("super().__init__()", "raise SystemExit(1)")), "Running `CNN` failed: SystemExit: 1."),
    (changed((LAST, "raise KeyError('x')")), f"{STOPPED}It raised KeyError: 'x'."),
    (changed((LAST, "raise NotImplementedError")), f"{STOPPED}It raised NotImplementedError."),
    (changed(("super().__init__()", "raise NotImplementedError")), "`CNN()` raised NotImplementedError."),
    (changed((LAST, "return None")), "`CNN` returns nothing; return one tensor."),
    (changed((LAST, f"{LAST}, x")), "`CNN` returns 2 things in a tuple or list; return one tensor."),
    (changed((LAST, "return {'out': x}")), "`CNN` returns a mapping of 1 things; return one tensor."),
    (INSTANCE + "CNN.fc1.weight.data[0, 0] = float('nan')", "The weights `fc1.weight` of `CNN` hold NaN or infinity."),
    (changed((LAST, f"{LAST} / 0")), "`CNN` gives NaN or infinity."),
    (changed((LAST, f"{LAST} * 1j")), "`CNN` returns no real numbers."),
    (changed((LAST, f"{LAST} + torch.rand(1)")), f"{AGAIN}: is a dropout always on?"),
    (changed(("nn.Linear(72, 8)", "nn.Linear(10**7, 10**7)")), "`CNN()` raised RuntimeError: "),
]


@pytest.mark.parametrize(("source", "message"), BAD)
def test_bad_input(cnn: Exercise, source: str, message: str) -> None:
    result = one(grade(cnn, source), "CNN_output")
    assert result.status is Status.FAILED
    assert result.message.startswith(message)


def test_a_model_that_learns_when_it_is_called_is_seen(cnn: Exercise) -> None:
    """In train mode batch normalisation changes with every call; eval mode, which is asked for, is overridden here."""
    source = changed(
        ("self.fc2 =", "self.norm = nn.BatchNorm1d(8, momentum=1.0)\n        self.fc2 ="),
        ("F.relu(self.fc1(x))", "self.norm(F.relu(self.fc1(x)))"),
    )
    assert one(grade(cnn, source), "CNN_output").fraction == 1
    forced = _changed(source, ("x = F.relu(self.conv1(x))", "self.train()\n        x = F.relu(self.conv1(x))"))
    steady = one(grade(cnn, forced), "CNN_output")
    assert steady.fraction == 1  # its outputs come from the batch alone, and are the same each time
    noisy = _changed(forced, ("self.norm(F", "nn.functional.dropout(F"), ("(x)))", "(x)), 0.5, self.training)"))
    assert "another output when it is called again" in one(grade(cnn, noisy), "CNN_output").message


def test_what_was_not_observed(cnn: Exercise) -> None:
    (probe,) = MODEL.probes(cnn.rubric.checks[0].options, Evaluation(cnn.reference, None))
    messages = {
        Failure("not_run", "the time limit was reached"): "`CNN` was never looked at: the time limit was reached.",
        Failure("too_large", "x"): "What `CNN` returns is too large to look at.",
        Failure("raised", "TimeoutError: took longer than 5 s"): "Running `CNN` took longer than 5 s.",
        Failure("missing", "'a' has no attribute 'CNN'"): "`CNN` is not there: 'a' has no attribute 'CNN'.",
    }
    for failure, message in messages.items():
        assert judge_seen(cnn, {probe: failure})["CNN_layers"].message == message


@pytest.mark.parametrize("found", [3, [], {}, {"framework": "torch"}, {"problem": 7}])
def test_a_forged_answer_of_another_form_is_no_fault_of_ours(cnn: Exercise, found: object) -> None:
    (probe,) = MODEL.probes(cnn.rubric.checks[0].options, Evaluation(cnn.reference, None))
    result = judge_seen(cnn, {probe: found})["CNN_layers"]
    assert (result.status, result.message) == (Status.FAILED, "Looking at `CNN` gave no valid answer.")


def test_a_claim_of_the_right_shapes_does_not_make_the_function_right(cnn: Exercise) -> None:
    """Whoever forges the description still lacks the outputs with drawn weights."""
    truth = Evaluation(cnn.reference, None)
    (probe,) = MODEL.probes(cnn.rubric.checks[0].options, truth)
    made = cnn.reference.definitions["CNN"].function
    right = Author(made, truth.cases("images")).described
    assert right.parameters == 963
    facts = {"name": "w", "trainable": True, "buffer": False, "used": True, "finite": True}
    forged = {
        "framework": "torch", "type": "CNN", "built": True, "steady": True, "failed": None, "steps": [], "idle": [],
        "tensors": [{**facts, "shape": list(weight.shape or ())} for weight in right.weights],
        "outputs": [np.full((4, 5), -np.log(5), np.float32)], "drawn": [np.full((4, 5), -np.log(5), np.float32)],
    }  # fmt: skip
    results = judge_seen(cnn, {probe: forged})
    assert lost(results) == ["CNN_layers", "CNN_function", "all"]


# Options


def test_expectations_without_a_model_that_is_right(tmp_path: Path) -> None:
    reference = TORCH + IMAGES.replace('"CNN"', '"Any"') + "\n@function\ndef Any():\n    pass\n"
    checks = (
        "model: CNN, cases: images, aspect: layers, layers: [Conv2d, {Linear: {out_features: 8}}, Dropout]",
        "model: CNN, cases: images, aspect: parameters, parameters: [900, 1000]",
        "model: CNN, cases: images, aspect: shapes, shape: [5]",
        "model: CNN, cases: images, aspect: output, properties: [logits, trainable]",
    )
    exercise = make_exercise(tmp_path, reference, *checks)
    results = grade(exercise, RIGHT)
    assert lost(results) == ["CNN_layers", "CNN_output"]
    assert results["CNN_layers"].fraction == pytest.approx(2 / 3)
    assert results["CNN_layers"].message == "A layer is missing after `fc1` (Linear): Dropout()."
    assert "normalised already" in results["CNN_output"].message
    dropped = changed(
        ("F.relu(self.fc1(x))", "F.dropout(F.relu(self.fc1(x)), 0.5, self.training)"),
        ("F.log_softmax(self.fc2(x), dim=1)", "self.fc2(x)"),
    )
    assert lost(grade(exercise, dropped)) == []
    frozen = dropped + "\nmade = CNN()\nmade.fc1.requires_grad_(False)\nCNN = made\n"
    assert grade(exercise, frozen)["CNN_output"].message == "`CNN`: `fc1.weight` cannot be trained."


def test_several_networks_may_be_right(tmp_path: Path) -> None:
    """As where a mistake in a listing can be mended in two ways."""
    other = CNN.replace("class CNN", "class Wider").replace("3, 4, 3", "3, 7, 3").replace("Conv2d(4,", "Conv2d(7,")
    exercise = make_exercise(tmp_path, TORCH + CNN + other + IMAGES, "model: CNN, accept: [Wider]")
    assert lost(grade(exercise, RIGHT)) == []
    assert lost(grade(exercise, TORCH + other.replace("@function\n", "").replace("Wider", "CNN"))) == []
    assert lost(grade(exercise, changed(("Conv2d(3, 4", "Conv2d(3, 5"), ("Conv2d(4,", "Conv2d(5,")))) == ["CNN"]


def test_arguments_and_several_cases(tmp_path: Path) -> None:
    reference = (
        TORCH
        + """
@function
class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(3, width)
    def forward(self, x, scale):
        return scale * self.layer(x)

@cases("Net")
def rows(rng):
    for n in (1, 4):
        yield rng.normal(size=(n, 3)), rng.normal(size=(n, 1))
"""
    )
    exercise = make_exercise(tmp_path, reference, "model: Net, arguments: [6], properties: [batch_independent]")
    student = TORCH + (
        "class Net(nn.Module):\n    def __init__(self, width):\n        super().__init__()\n"
        "        self.layer = nn.Linear(3, width)\n"
        "    def forward(self, x, scale):\n        return self.layer(x) * scale\n"
    )
    assert lost(grade(exercise, student)) == []
    mixed = student.replace("* scale", "* scale.mean()")
    assert lost(grade(exercise, mixed)) == ["Net"]
    centred = student.replace("return ", "return 0 * x.mean() + x.std(0, correction=0).sum() + ")
    assert "examples must not touch each other" not in grade(exercise, student)["Net"].message
    assert lost(grade(exercise, centred)) == ["Net"]


def test_examples_that_touch_each_other(tmp_path: Path) -> None:
    exercise = make_exercise(
        tmp_path, TORCH + CNN + IMAGES, "model: CNN, aspect: output, properties: [batch_independent]"
    )
    assert lost(grade(exercise, RIGHT)) == []
    message = one(grade(exercise, changed(("dim=1", "dim=0"))), "CNN_output").message
    assert (
        message
        == "`CNN`: an example gives another output alone than within a batch; examples must not touch each other."
    )
    squeezed = one(grade(exercise, changed(("dim=1)", "dim=1).squeeze()"))), "CNN_output").message
    assert "an example alone gives an output of another shape" in squeezed


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("model: CNN, function: CNM", "function: `CNM` is no function of "),
        ("model: CNN, accept: [CNM]", "accept: `CNM` is no function of "),
        ("model: CNN, cases: image", "cases: `image` is no cases of "),
        ("model: Net", "cases: no function draws inputs for `Net`; name the one that does"),
        ("model: CNN, properties: [logit]", "properties: `logit` is no property of "),
        ("model: CNN, layers: [{Linear: {}, ReLU: {}}]", "layers: an entry with settings should be one kind of layer"),
        ("model: CNN, credit: {logit: 2}", "credit: `logit` is no misconception of "),
        ("model: CNN, credit: {logits: 2}", "credit: logits should be between 0 and 1, found 2"),
        ("model: Net, cases: images, aspect: function", "aspect: nothing says what is right for `function`"),
        ("model: CNN, aspect: layer", "aspect"),
    ],
)
def test_an_author_s_mistakes_are_told(tmp_path: Path, check: str, message: str) -> None:
    with pytest.raises(CourseError) as error:
        make_exercise(tmp_path, REFERENCE, check)
    assert message in str(error.value)


def test_a_reference_that_cannot_be_run_is_our_fault(tmp_path: Path) -> None:
    broken = make_exercise(tmp_path, TORCH + CNN.replace("(72, 8)", "(71, 8)") + IMAGES, "model: CNN")
    result = one(grade(broken, RIGHT), "CNN")
    assert result.status is Status.ERROR
    assert "the reference's model raised RuntimeError" in result.evidence
    options = "aspect: output, properties: [probabilities, batch_independent]"
    contradictory = make_exercise(tmp_path / "b", TORCH + CNN + IMAGES, f"model: CNN, {options}")
    result = one(grade(contradictory, RIGHT), "CNN_output")
    assert result.status is Status.ERROR
    assert "the reference would lose this check" in result.evidence


# Describing


def test_layers_of_functions_and_modules_are_the_same() -> None:
    class Modules(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.c = torch.nn.Conv2d(2, 4, 3, padding="same", groups=2, bias=False)
            self.layers = torch.nn.Sequential(
                torch.nn.LeakyReLU(0.1), torch.nn.MaxPool2d(2), torch.nn.AvgPool2d(2, 1), torch.nn.Flatten(),
                torch.nn.Linear(4, 2), torch.nn.Softmax(-1),
            )  # fmt: skip

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.layers(self.c(x))
            return found

    class Functions(Modules):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            f = torch.nn.functional
            x = f.leaky_relu(f.conv2d(x, self.c.weight, padding=1, groups=2), 0.1)
            x = f.avg_pool2d(f.max_pool2d(x, kernel_size=(2, 2)), 2, 1).contiguous().flatten(start_dim=1)
            linear = self.layers[4]
            assert isinstance(linear, torch.nn.Linear)
            return f.softmax(f.linear(x, linear.weight, linear.bias), 1)

    torch.manual_seed(0)
    cases = [[np.ones((3, 2, 4, 4))]]
    one, other = Author(Modules, cases).described, Author(Functions, cases).described
    assert [str(layer) for layer in one.layers] == [
        "Conv2d(bias=False, groups=2, in_channels=2, kernel_size=3, out_channels=4, padding=1)",
        "LeakyReLU(negative_slope=0.1)",
        "MaxPool2d(kernel_size=2, stride=2)",
        "AvgPool2d(kernel_size=2)",
        "Flatten()",
        "Linear(in_features=4, out_features=2)",
        "Softmax(dim=1)",
    ]
    assert [(a.kind, a.settings) for a in one.layers] == [(a.kind, a.settings) for a in other.layers]
    assert [weight.shape for weight in one.weights] == [weight.shape for weight in other.weights]


def test_weights_are_matched_by_use_and_turned_where_needed() -> None:
    class Turned(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.W = torch.nn.Parameter(torch.zeros(5, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ self.W

    cases = [[np.arange(10.0).reshape(2, 5)]]
    turned, straight = Author(Turned, cases), Author(lambda: torch.nn.Linear(5, 3, bias=False), cases)
    pairs = [one.with_weights_of(turned.described, 9) or () for one in (turned, straight)]
    assert len(pairs[0]) == 3  # draws
    for own, true in zip(*pairs, strict=True):
        assert np.allclose(np.asarray(true, float), np.asarray(own, float), rtol=1e-5)
        assert not np.allclose(np.asarray(own, float), 0)
    assert Author(lambda: torch.nn.Linear(5, 3), cases).with_weights_of(turned.described, 9) is None


def test_deep_networks_are_the_same_but_for_rounding() -> None:
    """Twelve layers with batch normalisation, whose function takes its weights in another order than its module."""

    class Modules(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            kernels = [torch.nn.Conv2d(8 if index else 3, 8, 3, padding=1) for index in range(12)]
            self.kernels = torch.nn.ModuleList(kernels)
            self.norms = torch.nn.ModuleList([torch.nn.BatchNorm2d(8) for _ in kernels])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for kernel, norm in zip(self.kernels, self.norms, strict=True):
                x = torch.relu(norm(kernel(x)))
            return torch.log_softmax(x.flatten(1), 1)

    class Functions(Modules):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            f = torch.nn.functional
            for a, b in zip(self.kernels, self.norms, strict=True):
                assert isinstance(a, torch.nn.Conv2d)
                assert isinstance(b, torch.nn.BatchNorm2d)
                x = f.conv2d(f.pad(x, (1, 1, 1, 1)), a.weight, a.bias)
                x = f.batch_norm(x, b.running_mean, b.running_var, b.weight, b.bias).clamp(min=0)
            x = x.flatten(1).double()
            return (x - torch.logsumexp(x, 1, keepdim=True)).float()

    for seed in range(5):
        cases = [[np.random.default_rng(seed).random((2, 3, 4, 4))]]
        one, other = Author(Modules, cases), Author(Functions, cases)
        outputs = [author.with_weights_of(other.described, seed) or () for author in (one, other)]
        assert len(outputs[0]) == 3
        assert alike(outputs[0], outputs[1], 1e-4, 1e-3)


def test_parameters_are_counted_as_torch_does(cnn: Exercise) -> None:
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.LazyLinear(2)
    )
    found = Author(lambda: model, [[np.ones((2, 3, 5, 5))]]).described
    assert found.parameters == sum(one.numel() for one in model.parameters())
    buffers = [weight.name for weight in found.weights if weight.is_buffer]
    assert buffers == ["1.running_mean", "1.running_var"]


def test_a_network_that_loops_is_cut_off() -> None:
    class Loop(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for _ in range(1500):
                x = torch.relu(x)
            return x

    assert len(Author(Loop, [[np.ones((1, 2))]]).described.layers) == 1000


def test_what_is_no_description_is_refused() -> None:
    with pytest.raises(ValueError, match="no description of a model"):
        read({"framework": "torch", "type": "A", "failed": None, "steps": 3, "outputs": []}, 0)
    with pytest.raises(ValueError, match="outputs of 0 cases, not 1"):
        read({"failed": None, "outputs": []}, 1)
    with pytest.raises(TypeError, match="the reference made int, which is no torch module and no Keras model"):
        Author(lambda: 3, [])


def test_lists_of_layers() -> None:
    def row(*kinds: str) -> list[Layer]:
        return [Layer(kind, {}) for kind in kinds]

    assert share(row(*"abcd"), row(*"abcd")) == 1
    assert share(row(*"abcd"), row(*"acbd")) == 3 / 4
    assert share([], row("a")) == 0
    assert first_difference(row("a"), row("a", "b"), reveal=True) == "After a comes nothing more; expected b()."
    assert first_difference(row("a", "b"), row("a"), reveal=False) == "After a comes b, which is not what is asked for."
    assert first_difference(row("b"), row("a"), reveal=True) == "At the beginning comes b; expected a()."
    assert in_order(row(*"abc"), ["a", "c"], reveal=True) == (1.0, "")
    assert in_order(row(*"abc"), ["c", "a"], reveal=False) == (0.5, "A layer is missing after c.")


# Keras


KERAS = """
import keras

@function
def build():
    return keras.Sequential([
        keras.layers.InputLayer(shape=(6, 5, 1)),
        keras.layers.Flatten(),
        keras.layers.Dense(7, activation="relu"),
        keras.layers.Dense(4, activation="softmax"),
    ])

@misconception("build", "Dense acts on the last axis: flatten before it.")
def unflattened():
    return keras.Sequential([
        keras.layers.InputLayer(shape=(6, 5, 1)),
        keras.layers.Dense(7, activation="relu"),
        keras.layers.Dense(4, activation="softmax"),
    ])

@cases("build")
def pictures(rng):
    yield (rng.random((3, 6, 5, 1)).astype(np.float32),)
"""
KERAS_HEAD = "import keras\nfrom keras import layers\n"
UNBUILT = KERAS_HEAD + (
    "model = keras.Sequential()\nmodel.add(layers.Flatten())\nmodel.add(layers.Dense(7))\nmodel.add(layers.ReLU())\n"
    "model.add(layers.Dropout(0.5))\nmodel.add(layers.Dense(4))\nmodel.add(layers.Activation('softmax'))\n"
)
FUNCTIONAL = KERAS_HEAD + (
    "def model():\n    given = keras.Input((6, 5, 1))\n"
    "    x = layers.Dense(7, activation='relu')(layers.Flatten()(given))\n"
    "    return keras.Model(given, layers.Dense(4, activation=keras.activations.softmax)(x))\n"
)
OWN = KERAS_HEAD + (
    "class model(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
    "        self.a, self.b, self.f = layers.Dense(7), layers.Dense(4), layers.Flatten()\n"
    "    def call(self, x):\n        return keras.ops.softmax(self.b(keras.ops.relu(self.a(self.f(x)))))\n"
)


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    check = "model: model, function: build, properties: [probabilities]"
    return make_exercise(tmp_path_factory.mktemp("keras"), KERAS, check, f"{check}, aspect: layers")


@pytest.mark.parametrize("source", [UNBUILT, FUNCTIONAL, OWN])
def test_a_keras_model_however_it_is_written(listing: Exercise, source: str) -> None:
    assert lost(grade(listing, source)) == []


def test_a_keras_model_without_flatten(listing: Exercise) -> None:
    results = grade(listing, UNBUILT.replace("model.add(layers.Flatten())\n", ""))
    assert results["model"].misconception == "unflattened"
    assert results["model"].fraction < 1
    other = grade(listing, UNBUILT.replace("'softmax'", "'sigmoid'"))
    assert other["model"].misconception is None
    assert other["model_layers"].message == "After `dense_1` (Dense) comes Sigmoid; expected Softmax(dim=1)." or (
        "comes Sigmoid; expected Softmax(dim=1)." in other["model_layers"].message
    )


def test_a_keras_model_for_other_inputs(listing: Exercise) -> None:
    source = (
        KERAS_HEAD + "model = keras.Sequential([layers.InputLayer(shape=(30,)), layers.Dense(7), layers.Dense(4)])\n"
    )
    message = grade(listing, source)["model"].message
    assert message.startswith("`model` cannot be run on an input of shape (N, 6, 5, 1). ")
    assert "\x1b" not in message
    assert "Expected shape (None, 30), but input has incompatible shape" in message


# End to end


def test_in_a_subprocess(cnn: Exercise) -> None:
    results = grade_in(cnn, module_job(changed(("stride=2", "stride=1"))), SelfCheck(), timeout_seconds=120.0)
    assert "CNN_parameters" not in lost(results)
    assert results["CNN_layers"].message.startswith(
        "`CNN` cannot be run on an input of shape (N, 3, 12, 10). Expected 288"
    )


def test_a_keras_notebook_in_a_subprocess(listing: Exercise) -> None:
    results = grade_in(listing, notebook_job(UNBUILT), SelfCheck(), timeout_seconds=120.0)
    assert lost(results) == []


def test_a_model_that_is_too_large_costs_only_itself(cnn: Exercise) -> None:
    source = changed(("nn.Linear(72, 8)", "nn.Linear(30000, 30000)"))
    results = grade_in(cnn, module_job(source), SelfCheck(), timeout_seconds=120.0, memory_bytes=1024**3)
    assert {result.status for result in results.values()} == {Status.FAILED}
    assert "memory" in results["CNN_layers"].message


@needs_ns
@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_confined(cnn: Exercise, listing: Exercise, framework: str, sandbox: Namespaces) -> None:
    exercise, source = (cnn, SEQUENTIAL) if framework == "torch" else (listing, UNBUILT)
    results = grade_in(exercise, module_job(source), sandbox, preload=("torch", "keras"), timeout_seconds=120.0)
    assert lost(results) == []


def test_what_is_sent_holds_nothing_of_the_answer(cnn: Exercise) -> None:
    """Neither shapes nor weights of the right network enter the student's process: only inputs and a number."""
    (probe,) = MODEL.probes(cnn.rubric.checks[0].options, Evaluation(cnn.reference, None))
    assert isinstance(probe.arguments, dict)
    assert {key: type(value).__name__ for key, value in probe.arguments.items()} == {
        "arguments": "list", "cases": "list", "seed": "int",
    }  # fmt: skip
    assert "72" not in json.dumps([probe.arguments["arguments"], probe.arguments["seed"]])
