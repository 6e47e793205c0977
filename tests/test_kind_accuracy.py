"""The kind ``accuracy``: predictions by function, by weights or as values; bands with an interval; claims."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from execution_helpers import module_job
from hypothesis import given
from hypothesis import strategies as st
from judging_helpers import course_files, judge_seen, lost, rubric, write
from namespace_helpers import needs_ns
from observing_helpers import HEAD, grade, grade_in, make_exercise
from safetensors.torch import save, save_file
from scipy.stats import binom  # type: ignore[import-untyped]

from grader.checks import KINDS
from grader.checks.accuracy import ACCURACY, reached
from grader.checks.crossing import to_plain
from grader.checks.predictions import UnusableError, accuracy_of, classes, read_share, shift_of
from grader.course import Exercise, load_course
from grader.engines import LocalPool
from grader.errors import CourseError
from grader.execution import environment
from grader.model import Array, CheckResult, Failure, Opaque, Status
from grader.pipeline import Workplace
from grader.reference import Evaluation
from grader.sandbox import SelfCheck
from grader.sandbox.inside.probing import models
from grader.sandbox.inside.probing.weights import WeightsError, read
from grader.sandbox.namespaces import Namespaces
from grader.store import open_store
from grader.validate import validate

#: Three classes, of which the right rule tells all examples apart.
REFERENCE = """
@function
def classify(x):
    return np.argmax(x, axis=1)

@cases("classify")
def hidden(rng):
    for n in (200, 100):
        x = rng.normal(size=(n, 3))
        yield x, np.argmax(x, axis=1)

@quantity
def public():
    return np.arange(12) % 3

@misconception("classify", "The smallest score does not win.")
def smallest(x):
    return np.argmin(x, axis=1)
"""
BANDS = "bands: [[0.9, 1.0], [0.6, 0.5]]"
BY_FUNCTION = f"accuracy: classify, data: hidden, predict: classify, {BANDS}"


@pytest.fixture(scope="module")
def classify(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    return make_exercise(tmp_path_factory.mktemp("classify"), REFERENCE, BY_FUNCTION)


def one(results: dict[str, CheckResult]) -> CheckResult:
    (result,) = results.values()
    return result


def student(body: str) -> str:
    return f"import numpy as np\ndef classify(x):\n    {body}\n"


# By a function


@pytest.mark.parametrize(
    "body",
    [
        "return x.argmax(1)",
        "return x",  # scores
        "return np.exp(x) / np.exp(x).sum(1, keepdims=True)",
        "return np.eye(3)[x.argmax(1)]",
        "return x.argmax(1)[:, None].astype(float)",
        "return x.argmax(1)[None]",
        "return [int(i) for i in x.argmax(1)]",
        "return x.argmax(1).astype(np.uint8)",
        "return __import__('torch').tensor(x)",
    ],
)
def test_predictions_in_any_form(classify: Exercise, body: str) -> None:
    result = one(grade(classify, student(body)))
    assert (result.status, result.fraction) == (Status.PASSED, 1.0)
    assert result.message == "Accuracy 1.000 on 300 examples (between 0.987 and 1.000)."


def every(step: int) -> str:
    """Return a classifier that is wrong for every so many examples."""
    return f"p = x.argmax(1)\n    p[::{step}] = (p[::{step}] + 1) % 3\n    return p"


GIVES = "What `classify` gives "


@pytest.mark.parametrize(
    ("body", "fraction", "message"),
    [
        (every(4), 0.5, "Accuracy 0.750 on 300 examples (between "),
        (every(2), 0.0, "Accuracy 0.500 on 300 examples (between "),
        (
            "return np.full(len(x), 2)",
            0.0,
            " All examples are given one and the same class, 2. The next step is at 0.6.",
        ),
        (
            "return x.argmax(1) + 1",
            0.0,
            "Your classes are counted from one too high: shifted by one, the accuracy is 1.0",
        ),
        ("return x.argmax(1) - 1.0", 0.0, "Your classes are counted from one too low: "),
        ("return x.argmin(1)", 0.0, "The smallest score does not win."),
        ("return x.argmax(1)[1:]", 0.0, f"{GIVES}holds 199 predictions; expected 200."),
        ("return x.T", 0.0, f"{GIVES}has shape (3, 200); examples come along the first axis: transpose it."),
        ("return x[:, 0]", 0.0, f"{GIVES}holds numbers such as "),
        ("return x * float('nan')", 0.0, f"{GIVES}holds NaN or infinity."),
        ("return np.zeros((len(x), 3, 2))", 0.0, f"{GIVES}has shape (200, 3, 2); expected one class"),
        ("return None", 0.0, f"{GIVES}is None: nothing is returned or answered yet."),
        ("return ['cat'] * len(x)", 0.0, f"{GIVES}should hold classes as numbers, but is a list."),
        ("return []", 0.0, f"{GIVES}should hold classes as numbers, but is empty."),
        ("return [[1], [1, 2]]", 0.0, f"{GIVES}is a ragged list: its rows differ in length."),
        ("return object()", 0.0, f"{GIVES}should hold classes as numbers, but is an object."),
        ("raise ValueError('not fitted')", 0.0, "`classify` raised ValueError: not fitted"),
    ],
)
def test_what_is_not_right(classify: Exercise, body: str, fraction: float, message: str) -> None:
    result = one(grade(classify, student(body)))
    assert result.fraction == fraction
    assert message in result.message


def test_a_method_is_found_by_its_path(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, REFERENCE, f"accuracy: classify, data: hidden, predict: svm.predict, {BANDS}")
    source = (
        "import numpy as np\nfrom sklearn.svm import SVC\nrng = np.random.default_rng(0)\n"
        "x = rng.normal(size=(400, 3))\nsvm = SVC(C=10).fit(x, x.argmax(1))\n"
    )
    assert one(grade(exercise, source)).fraction == 1
    cannot = "`svm.predict` cannot be called: 'svm' has no attribute 'predict'."
    assert one(grade(exercise, "svm = 3")).message == cannot
    assert one(grade(exercise, "")).message == "`svm.predict` is not defined at the end of the run."


def test_a_known_mistake_is_named(classify: Exercise, tmp_path: Path) -> None:
    assert one(grade(classify, student("return x.argmin(1)"))).misconception == "smallest"
    assert one(grade(classify, student("return x.argmax(1) + 1"))).misconception is None
    generous = make_exercise(tmp_path, REFERENCE, f"{BY_FUNCTION}, credit: {{smallest: 0.25}}")
    assert one(grade(generous, student("return x.argmin(1)"))).fraction == 0.25


def test_counting_from_one_may_earn_something(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, REFERENCE, f"{BY_FUNCTION}, shifted: 0.8")
    result = one(grade(exercise, student("return x.argmax(1) + 1")))
    assert (result.fraction, result.status) == (0.8, Status.PARTIAL)


def test_labels_are_not_sent(classify: Exercise) -> None:
    truth = Evaluation(classify.reference, None)
    (probe,) = ACCURACY.probes(classify.rubric.checks[0].options, truth)
    assert isinstance(probe.arguments, dict)
    cases = probe.arguments["cases"]
    assert isinstance(cases, list)
    assert [[(one.dtype, one.shape) for one in case["args"]] for case in cases] == [  # type: ignore[index,union-attr,call-overload]
        [("float64", (200, 3))],
        [("float64", (100, 3))],
    ]


# As a value


def test_predictions_handed_in(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, REFERENCE, f"accuracy: predictions, data: public, {BANDS}")
    assert one(grade(exercise, "predictions = [0, 1, 2] * 4")).fraction == 1
    assert one(grade(exercise, "predictions = [1, 2, 3] * 4")).message.startswith(
        "Your classes are counted from one too"
    )
    assert one(grade(exercise, "predictions = [0] * 12")).fraction == 0.5  # 4 of 12, of which little is known
    assert one(grade(exercise, "")).message == "`predictions` is not defined at the end of the run."
    assert one(grade(exercise, "predictions = None")).message.startswith("`predictions` is None")


def test_predictions_that_were_not_observed(tmp_path: Path) -> None:
    exercise = make_exercise(tmp_path, REFERENCE, f"accuracy: predictions, data: public, {BANDS}")
    (probe,) = ACCURACY.probes(exercise.rubric.checks[0].options, Evaluation(exercise.reference, None))
    messages = {
        Failure(
            "not_run", "the time limit was reached"
        ): "`predictions` was never reached: the time limit was reached.",
        Failure("too_large", "x"): "`predictions` is too large to look at.",
        Failure("raised", "OSError: x"): "`predictions` cannot be read: OSError: x.",
    }
    for failure, message in messages.items():
        assert one(judge_seen(exercise, {probe: failure})).message == message


# Weights


WEIGHTS = """
import torch

@function
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(3)
        self.layer = torch.nn.Linear(3, 3)
    def forward(self, x):
        return self.layer(self.norm(x))

@cases("Net")
def hidden(rng):
    x = rng.normal(size=(300, 3)).astype(np.float32)
    yield x, np.argmax(x, axis=1)
"""
NET = "import torch\n" + WEIGHTS.partition("@function\n")[2].partition("@cases")[0]
LAZY = NET.replace("Linear(3, 3)", "LazyLinear(3)").replace("BatchNorm1d(3)", "LazyBatchNorm1d()")


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exercise:
    """The exercise; the working folder is an empty one, where weights lie."""
    check = f"accuracy: net, data: hidden, weights: net.safetensors, network: Net, {BANDS}"
    exercise = make_exercise(tmp_path, WEIGHTS, check)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return exercise


def right_weights() -> dict[str, torch.Tensor]:
    namespace: dict[str, Any] = {}
    exec(NET, namespace)  # noqa: S102 - the test's own
    model = namespace["Net"]()
    model.layer.weight.data = 2 * torch.eye(3)
    model.layer.bias.data = torch.zeros(3)
    weights: dict[str, torch.Tensor] = model.state_dict()
    return weights


@pytest.mark.parametrize(
    "source", [NET, LAZY, NET + "\nNet = Net()\n", NET + "\nmade = Net()\ndef Net():\n    return made\n"]
)
@pytest.mark.parametrize("form", ["float32", "float16", "bfloat16", "float64", "prefixed"])
def test_weights_in_the_student_s_own_class(net: Exercise, source: str, form: str) -> None:
    weights = right_weights()
    if form == "prefixed":
        weights = {f"_orig_mod.module.{key}": one for key, one in weights.items()}
    else:
        weights = {
            key: one.to(getattr(torch, form)) if one.is_floating_point() else one for key, one in weights.items()
        }
    save_file(weights, "net.safetensors", metadata={"format": "pt"})
    result = one(grade(net, source))
    assert result.fraction == 1, result.message


def test_a_model_that_was_handed_in_keeps_its_weights(net: Exercise) -> None:
    save_file(right_weights(), "net.safetensors")
    source = NET + "\nNet = Net()\nNet.layer.weight.data[:] = 7\n"
    assert one(grade(net, source)).fraction == 1
    namespace: dict[str, Any] = {}
    exec(source, namespace)  # noqa: S102 - the test's own
    models.observe(namespace, "Net", {"cases": [[np.ones((2, 3))]], "weights": "net.safetensors"})
    assert torch.all(namespace["Net"].layer.weight == 7)
    assert namespace["Net"].training


HOW = '`from safetensors.torch import save_file`, `save_file(model.state_dict(), "net.safetensors")`'


def test_weights_that_do_not_fit(net: Exercise) -> None:
    right = right_weights()

    def message(**changes: torch.Tensor | None) -> str:
        weights = {**right, **changes}
        save_file({key: one for key, one in weights.items() if one is not None}, "net.safetensors")
        result = one(grade(net, NET))
        assert result.fraction == 0
        return result.message

    assert message(**{"layer.bias": None}) == "`net.safetensors` does not belong to the model: it lacks `layer.bias`."
    assert message(spare=torch.zeros(2)) == (
        "`net.safetensors` does not belong to the model: it holds `spare`, which the model does not have."
    )
    assert message(**{"layer.weight": torch.zeros(3, 4)}) == (
        "`net.safetensors`: `layer.weight` has shape (3, 4) there and (3, 3) in the model."
    )
    assert message(**{"layer.weight": torch.zeros(3, 3, dtype=torch.int32)}) == (
        "`net.safetensors`: `layer.weight` is of dtype int32 there and torch.float32 in the model."
    )
    assert message(**{"layer.weight": torch.full((3, 3), torch.nan)}) == (
        "`net.safetensors`: `layer.weight` holds NaN or infinity; the training has diverged."
    )
    for index in range(5):
        right[f"extra{index}"] = torch.zeros(1)
    assert message().endswith(
        "it holds `extra0`, `extra1`, `extra2`, `extra3` and 1 more, which the model does not have."
    )


def test_weights_that_are_not_there(net: Exercise) -> None:
    assert one(grade(net, NET)).message == "`net.safetensors` was not handed in."
    torch.save(right_weights(), "net.pt")
    why = "is a pickle, which runs code when it is opened, so it is not read."
    pickle = one(grade(net, NET)).message
    assert pickle == (f"`net.safetensors` was not handed in, but `net.pt` was. That {why} Save the weights with {HOW}.")
    Path("net.pt").rename("net.h5")
    assert "That is of another format, so it is not read." in one(grade(net, NET)).message
    Path("net.h5").rename("net.safetensors")
    assert one(grade(net, NET)).message == (
        "`net.safetensors` is a pickle under another name, which runs code when it is opened, so it is not read. "
        f"Save the weights with {HOW}."
    )
    Path("a").mkdir()
    Path("net.safetensors").rename("a/Net.safetensors")
    save_file(right_weights(), "a/Net.safetensors")
    assert one(grade(net, NET)).fraction == 1
    Path("b").mkdir()
    save_file(right_weights(), "b/net.safetensors")
    assert one(grade(net, NET)).message == "`net.safetensors` is there 2 times; hand it in once."


def test_models_that_weights_cannot_be_loaded_into(net: Exercise) -> None:
    save_file(right_weights(), "net.safetensors")
    assert one(grade(net, "")).message == "`Net` is not defined at the end of the run."
    assert one(grade(net, "Net = 3")).message.startswith("`Net` gives something of type int")
    assert one(grade(net, NET.replace("(self):", "(self, n):"))).message.startswith("`Net()` raised TypeError")
    stopped = one(grade(net, NET.replace("return self", "raise OSError('x')\n        return self"))).message
    assert stopped == "`Net` raised OSError: x."
    lazy = one(grade(net, LAZY.replace("return self", "raise OSError('x')\n        return self"))).message
    assert lazy == "The model cannot be run (OSError: x)."
    keras = "import keras\nNet = keras.Sequential([keras.layers.Dense(3)])\n"
    assert one(grade(net, keras)).message == "Weights are loaded into torch models only; hand in a torch module."
    (probe,) = ACCURACY.probes(net.rubric.checks[0].options, Evaluation(net.reference, None))
    assert one(judge_seen(net, {probe: {"framework": 3}})).message == "Looking at `Net` gave no valid answer."


def test_a_network_that_the_hand_in_trained(tmp_path: Path) -> None:
    """It is run in eval mode, whatever mode it was left in."""
    exercise = make_exercise(tmp_path, WEIGHTS, f"accuracy: net, data: hidden, network: net, {BANDS}")
    trained = (
        f"{NET}\nnet = torch.nn.Sequential(torch.nn.Dropout(0.9), torch.nn.Linear(3, 3))\n"
        "net[1].weight.data = torch.eye(3)\nnet[1].bias.data[:] = 0\nnet.train()\n"
    )
    assert one(grade(exercise, trained)).fraction == 1
    assert one(grade(exercise, trained + "net[1].weight.data *= -1\n")).fraction == 0
    assert one(grade(exercise, "")).message == "`net` is not defined at the end of the run."
    keras = (
        "import keras\nimport numpy as np\nnet = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])\n"
        "net.layers[0].set_weights([np.eye(3), np.zeros(3)])\n"
    )
    assert one(grade(exercise, keras)).fraction == 1


# The format


def test_the_file_is_read_as_the_library_writes_it(tmp_path: Path) -> None:
    torch.manual_seed(0)
    written = {
        "half": torch.randn(3).to(torch.bfloat16), "b": torch.randn(2, 3), "c": torch.tensor(5),
        "empty": torch.zeros(0, 2), "flags": torch.tensor([True, False]), "d": torch.randn(2).double(),
        "eight": torch.arange(5, dtype=torch.uint8),
    }  # fmt: skip
    save_file(written, tmp_path / "w.safetensors")
    found = read(tmp_path / "w.safetensors", "w")
    assert set(found) == set(written)
    for key, tensor in written.items():
        assert found[key].shape == tuple(tensor.shape)
        assert np.array_equal(found[key], tensor.float().numpy() if key == "half" else tensor.numpy())


def packed(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is no .safetensors file, or is cut off"),
        (b"\0" * 7, "is no .safetensors file, or is cut off"),
        (b"\xff" * 20, "is no .safetensors file, or is cut off"),
        (packed(b"[]"), "is no .safetensors file, or is cut off"),
        (packed({"a": ENTRY})[:20], "is no .safetensors file, or is cut off"),
        (packed(b"{nothing"), "is damaged ("),
        (packed(b"{" * 3000), "is damaged ("),
        (packed({"a": ENTRY}, b"\0" * 7), "`a` does not fill its place; the file may be cut off"),
        (packed({"a": ENTRY}, b"\0" * 9), "1 bytes belong to no tensor"),
        (packed({"a": {**ENTRY, "shape": [3]}}, b"\0" * 8), "`a` does not fill its place"),
        (packed({"a": {**ENTRY, "shape": [-2]}}, b"\0" * 8), "`a` has an impossible shape or place"),
        (packed({"a": {**ENTRY, "shape": [2.0]}}, b"\0" * 8), "`a` has an impossible shape or place"),
        (packed({"a": {**ENTRY, "data_offsets": [4, 12]}}, b"\0" * 12), "`a` does not fill its place"),
        (packed({"a": ENTRY, "b": ENTRY}, b"\0" * 8), "`b` does not fill its place"),
        (packed({"a": {**ENTRY, "dtype": "F8_E4M3"}}, b"\0" * 8), "`a` is of dtype F8_E4M3, which is not read"),
        (packed({"a": {"dtype": "F32"}}), "is damaged ('data_offsets')"),
        (packed({"a": 3}), "is damaged ("),
        (packed(b'{"a": 1, "a": 2}'), "a name stands there twice"),
        (packed({f"t{i}": ENTRY for i in range(10_001)}), "more than 10000 tensors"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(data)
    with pytest.raises(WeightsError) as error:
        read(path, "w.safetensors")
    assert message in str(error.value)
    assert "save it again with" in str(error.value)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    with path.open("wb") as file:
        file.truncate(1024**3 + 1)  # takes no room on the disk
    with pytest.raises(WeightsError, match="has 1073741825 bytes; at most 1073741824 are read"):
        read(path, "w.safetensors")


@given(st.integers(0, 200), st.integers(0, 255))
def test_one_wrong_byte_is_refused_or_harmless(tmp_path_factory: pytest.TempPathFactory, place: int, byte: int) -> None:
    data = bytearray(packed({"a": ENTRY, "b": {**ENTRY, "data_offsets": [8, 16]}}, b"\0" * 16))
    data[place % len(data)] = byte
    path = tmp_path_factory.mktemp("w") / "w.safetensors"
    path.write_bytes(bytes(data))
    try:
        found = read(path, "w")
    except WeightsError:
        return
    assert sum(array.nbytes for array in found.values()) == 16


# Bands


def test_the_interval_is_wilson_s() -> None:
    """Against the bounds' own equation: they are where |p - p'| = z·sqrt(p'(1 - p')/n)."""
    for right, count, z in ((0, 10, 1.96), (10, 10, 1.96), (7, 10, 1.0), (460, 500, 1.96), (1, 1, 2.5)):
        found = accuracy_of(np.arange(count) * 0 + (np.arange(count) < right), np.ones(count, np.int64), z)
        assert found.right == right
        for bound in (found.low, found.high):
            assert (found.share - bound) ** 2 == pytest.approx(z * z * bound * (1 - bound) / count, abs=1e-12)
        assert found.low <= found.share <= found.high
    plain = accuracy_of(np.asarray([1, 0]), np.asarray([1, 1]), 0.0)
    assert plain.low == plain.share == plain.high == 0.5


def earned(right: int, count: int, z: float = 1.96) -> float:
    predicted = (np.arange(count) < right).astype(np.int64)
    return reached([(0.9, 1.0), (0.7, 0.5)], accuracy_of(predicted, np.ones(count, np.int64), z))


def test_bands_at_their_edges() -> None:
    assert [earned(right, 1000, z=0.0) for right in (699, 700, 899, 900)] == [0.0, 0.5, 0.5, 1.0]
    first = min(right for right in range(1001) if earned(right, 1000) == 1.0)
    assert 870 <= first < 890  # about two standard deviations, 0.0095 each, below the band
    assert earned(first - 1, 1000) == 0.5
    assert earned(8, 10) == 1.0  # ten examples say little
    assert earned(0, 1000) == 0.0


@pytest.mark.parametrize("count", [20, 100, 500, 2000])
def test_chance_costs_a_band_rarely(count: int) -> None:
    """Whoever is truly at the band misses it in about one case in forty: summed over the binomial distribution."""
    k = np.arange(count + 1)
    full = np.asarray([earned(int(right), count) == 1.0 for right in k])
    assert binom.pmf(k, count, 0.9)[~full].sum() < 0.045
    assert binom.pmf(k, count, 0.9 - 5 * np.sqrt(0.09 / count))[full].sum() < 0.05


@given(st.integers(1, 300), st.data())
def test_whoever_is_better_never_gets_less(count: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, count - 1))
    assert earned(right, count) <= earned(right + 1, count)


# Claims


@pytest.fixture(scope="module")
def claimed(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    check = "accuracy: predictions, data: labels, claim: test_accuracy"
    reference = "\n@quantity\ndef labels():\n    return np.arange(1000) % 4\n"
    return make_exercise(tmp_path_factory.mktemp("claims"), reference, check)


PREDICTED = "import numpy as np\npredictions = np.arange(1000) % 4\npredictions[:100] = 9\n"


@pytest.mark.parametrize(
    "claim", ["0.9", "90", "'90 %'", "'90,0%'", "np.float32(0.9)", "np.array([0.9])", "0.915", "0.88"]
)
def test_a_claim_that_agrees(claimed: Exercise, claim: str) -> None:
    assert lost(grade(claimed, f"{PREDICTED}test_accuracy = {claim}\n")) == []


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ("0.97", ("You report 0.970; recomputed, the accuracy is 0.900 on 1000 examples (between 0.880 and 0.917). "
         "Was it measured on examples that were used for training?")),
        ("0.8", "You report 0.800; recomputed, the accuracy is 0.900 on 1000 examples (between 0.880 and 0.917)."),
        ("'good'", "`test_accuracy` should be an accuracy between 0 and 1, or in percent."),
        ("True", "`test_accuracy` should be an accuracy between 0 and 1, or in percent."),
        ("float('nan')", "`test_accuracy` should be an accuracy between 0 and 1, or in percent."),
        ("143", "`test_accuracy` should be an accuracy between 0 and 1, or in percent."),
        ("None", "`test_accuracy` is not there: report the accuracy under this name."),
    ],
)  # fmt: skip
def test_a_claim_that_does_not(claimed: Exercise, claim: str, message: str) -> None:
    result = one(grade(claimed, f"{PREDICTED}test_accuracy = {claim}\n"))
    assert (result.fraction, result.message) == (0.0, message)


def test_a_claim_does_not_depend_on_where_classes_are_counted_from(claimed: Exercise) -> None:
    assert lost(grade(claimed, f"{PREDICTED}predictions += 1\ntest_accuracy = 0.9\n")) == []


def test_a_modest_claim_is_right_where_only_promises_are_judged(tmp_path: Path) -> None:
    check = "accuracy: predictions, data: labels, claim: test_accuracy, modest: true"
    exercise = make_exercise(tmp_path, "\n@quantity\ndef labels():\n    return np.arange(1000) % 4\n", check)
    fractions = [one(grade(exercise, f"{PREDICTED}test_accuracy = {claim}\n")).fraction for claim in (0.5, 0.9, 0.97)]
    assert fractions == [1.0, 1.0, 0.0]


def test_a_claim_without_predictions_or_without_a_claim(claimed: Exercise) -> None:
    assert one(grade(claimed, "test_accuracy = 0.9")).message == "`predictions` is not defined at the end of the run."
    assert (
        one(grade(claimed, PREDICTED)).message == "`test_accuracy` is not there: report the accuracy under this name."
    )


# Reading


def test_probabilities_of_two_classes() -> None:
    labels = np.asarray([0, 1, 1])
    assert classes("it", to_plain(np.asarray([[0.2], [0.7], [0.5]])), labels).tolist() == [0, 1, 1]
    assert classes("it", [False, True, True], labels).tolist() == [0, 1, 1]
    with pytest.raises(UnusableError, match=r"numbers such as 0\.7, which are no classes"):
        classes("it", [0.0, 0.7, 1.0], np.asarray([0, 1, 2]))


def test_a_single_example() -> None:
    assert classes("it", to_plain(np.asarray([[0.1, 0.9]])), np.asarray([1])).tolist() == [1]
    assert classes("it", 1, np.asarray([1])).tolist() == [1]


@pytest.mark.parametrize("found", [{"a": 1}, Opaque("Series"), "text", 1j])
def test_what_is_no_prediction(found: Any) -> None:
    with pytest.raises(UnusableError, match=r"it should hold classes as numbers, but is "):
        classes("it", found, np.asarray([1, 2]))


def test_shifts() -> None:
    labels = np.arange(12)
    assert [shift_of(labels + step, labels) for step in (-1, 0, 1, 2)] == [-1, 0, 1, 0]


@pytest.mark.parametrize(
    ("found", "share"),
    [(0, 0.0), (1, 1.0), (1.5, 0.015), (100, 1.0), (-0.1, None), (101, None), ("x %", None), ([0.9], None),
     (Array.from_numpy(np.zeros(2)), None), (Array.from_numpy(np.asarray(True)), None)],
)  # fmt: skip
def test_claims_are_read(found: Any, share: float | None) -> None:
    assert read_share(found) == share


# Authors


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (f"accuracy: classify, data: hiden, {BANDS}", "data: `hiden` is no cases or quantity of "),
        ("accuracy: classify, data: hidden", "bands: give either `bands` or `claim`"),
        (f"accuracy: classify, data: hidden, claim: a, {BANDS}", "bands: give either `bands` or `claim`"),
        (
            f"accuracy: a, data: hidden, predict: a, weights: a.safetensors, network: A, {BANDS}",
            "give either `predict` or `network`",
        ),
        (f"accuracy: a, data: hidden, weights: a.safetensors, {BANDS}", "weights: `network` is missing"),
        (f"accuracy: a, data: hidden, weights: a.pt, network: A, {BANDS}", "a.pt should end in .safetensors"),
        ("accuracy: a, data: hidden, bands: [[90, 1]]", "bands: accuracies and fractions should lie between 0 and 1"),
        ("accuracy: a, data: hidden, bands: [[0.9, 0.5], [0.7, 1]]", "bands: a higher accuracy earns less"),
        (f"accuracy: a, data: hidden, credit: {{smalest: 1}}, {BANDS}", "credit: `smalest` is no misconception of "),
        (f"accuracy: a, data: hidden, credit: {{smallest: 2}}, {BANDS}", "smallest should be between 0 and 1, found 2"),
    ],
)
def test_an_author_s_mistakes_are_told(tmp_path: Path, check: str, message: str) -> None:
    with pytest.raises(CourseError) as error:
        make_exercise(tmp_path, REFERENCE, check)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("drawn", "evidence"),
    [
        ("yield x, x", "`hidden` should yield labels as a row of integers; found (300, 3) of float32"),
        ("yield from ()", "the cases `hidden` draw nothing"),
    ],
)
def test_data_that_cannot_be_used_is_our_fault(tmp_path: Path, drawn: str, evidence: str) -> None:
    reference = WEIGHTS.replace("yield x, np.argmax(x, axis=1)", drawn)
    exercise = make_exercise(tmp_path, reference, f"accuracy: Net, data: hidden, {BANDS}")
    options, truth = exercise.rubric.checks[0].options, Evaluation(exercise.reference, None)
    with pytest.raises((TypeError, ValueError)) as error:
        ACCURACY.probes(options, truth)
    assert evidence in str(error.value)
    assert one(judge_seen(exercise, {})).status is Status.ERROR


# End to end


def test_a_course_with_weights(tmp_path: Path) -> None:
    """``grade validate``: the solution earns everything, and every check is lost by the hand-in that should lose it."""
    misconception = WEIGHTS[WEIGHTS.index("@function") : WEIGHTS.index("@cases")].replace(
        "@function", '@misconception("Net", "Use the normalisation.", also_loses=("net",))'
    )
    misconception = misconception.replace("class Net", "class unnormalised").replace("self.norm(x)", "-x")
    rows = "\n@cases('Net')\ndef rows(rng):\n    yield (rng.normal(size=(4, 3)),)\n"
    checks = (
        "model: Net, cases: rows",
        f"accuracy: net, data: hidden, weights: net.safetensors, network: Net, {BANDS}",
    )
    course = course_files(HEAD + WEIGHTS + rows + misconception, rubric(*checks))
    wrong = "untrained:\n  title: Untrained\n  loses: [net]\n"
    write(tmp_path, {**course, "reference/sheet/solutions/ex/ex.py": NET, "reference/sheet/wrong/ex/wrong.yaml": wrong})
    save_file(right_weights(), tmp_path / "reference/sheet/solutions/ex/net.safetensors")
    (tmp_path / "reference/sheet/wrong/ex/untrained").mkdir()
    untrained = {**right_weights(), "layer.weight": -torch.eye(3)}
    save_file(untrained, tmp_path / "reference/sheet/wrong/ex/untrained/net.safetensors")
    loaded = load_course(tmp_path, KINDS)
    with open_store(None) as store:
        workplace = Workplace(LocalPool(SelfCheck(), 2), "selfcheck", environment(), store)
        outcomes = validate(loaded, loaded.exercises(), workplace)
    assert {one.id: one.complaints for one in outcomes if not one.passed} == {}
    assert len(outcomes) == 4


def files() -> dict[str, bytes]:
    return {"net.safetensors": save(right_weights())}


def test_weights_in_a_subprocess(net: Exercise) -> None:
    good = grade_in(net, module_job(NET, files=files()), SelfCheck(), timeout_seconds=120.0)
    assert lost(good) == []
    cut = {"net.safetensors": files()["net.safetensors"][:-4]}
    bad = one(grade_in(net, module_job(NET, files=cut), SelfCheck(), timeout_seconds=120.0))
    assert (bad.status, bad.fraction) == (Status.FAILED, 0.0)
    assert "does not fill its place; the file may be cut off" in bad.message


def test_a_function_in_a_subprocess(classify: Exercise) -> None:
    assert lost(grade_in(classify, module_job(student("return x.argmax(1)")), SelfCheck())) == []


@needs_ns
def test_confined(net: Exercise) -> None:
    with Namespaces() as sandbox:
        results = grade_in(net, module_job(NET, files=files()), sandbox, preload=("torch",), timeout_seconds=120.0)
    assert lost(results) == []
