"""From theory to practice, convolution_layers: the reference against torch, the errata, declarations, and fairness."""

from __future__ import annotations

import runpy
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from observing_helpers import grade
from torch.nn import functional

from grader.checks import KINDS
from grader.course import Exercise, load_course
from grader.model import CheckResult
from grader.reference import Evaluation, Reference
from grader.starters import with_given

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "exercises" / "theory_to_practice" / "convolution_layers"
ANSWERS = ROOT / "reference" / "theory_to_practice"
SOLUTION = (ANSWERS / "solutions" / "convolution_layers.py").read_text(encoding="utf-8")
WRONG = ANSWERS / "wrong" / "convolution_layers"
RUBRIC = yaml.safe_load((ROOT / "rubrics" / "theory_to_practice" / "convolution_layers.yaml").read_text("utf-8"))
CHECKS = [check for criterion in RUBRIC["criteria"] for check in criterion["checks"]]
DECLARED = {"convolution", "max_of", "average_of", "flatten_order"}
VALUES = {check["value"]: check for check in CHECKS if "value" in check and check["value"] not in DECLARED}
SEEDS = [None, *range(25)]


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    """The exercise in a course of its own."""
    root = tmp_path_factory.mktemp("course")
    for folder in ("exercises", "reference", "rubrics"):
        (root / folder).symlink_to(ROOT / folder)
    assignment = "  theory_to_practice: {title: T, exercises: [convolution_layers]}\n"
    (root / "course.yaml").write_text(f"title: T\nassignments:\n{assignment}", encoding="utf-8")
    (found,) = load_course(root, KINDS).exercises()
    return found


@pytest.fixture
def reference(exercise: Exercise) -> Reference:
    return exercise.reference


def changed(*pairs: tuple[str, str]) -> str:
    """Return the solution with some of its text replaced."""
    text = SOLUTION
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def line_of(name: str) -> str:
    """Return the line of the solution that binds ``name``."""
    (line,) = (line for line in SOLUTION.splitlines() if line.startswith(f"{name} = "))
    return line


def lost(results: dict[str, CheckResult]) -> dict[str, float]:
    """Return the fractions of the checks that do not earn everything."""
    return {name: one.fraction for name, one in results.items() if one.fraction < 1}


def named(results: dict[str, CheckResult]) -> set[str]:
    return {one.misconception for one in results.values() if one.misconception}


# The reference against torch


def tensor(value: Any) -> torch.Tensor:
    return torch.tensor(np.asarray(value), dtype=torch.float64)


def correlated(image: Any, kernel: Any) -> torch.Tensor:
    return functional.conv2d(tensor(image)[None, None], tensor(kernel)[None, None])[0, 0]


def by_torch(v: dict[str, Any]) -> dict[str, Any]:
    """Return every value that is asked, by torch's own layers."""
    size, stride = v["kernel_size"], v["stride"]
    picture = torch.zeros(1, 1, v["height"], v["width"])
    layers = {
        "none_shape": torch.nn.Conv2d(1, 1, size),
        "same_shape": torch.nn.Conv2d(1, 1, size, padding="same"),
        "none_strided_shape": torch.nn.Conv2d(1, 1, size, stride=stride),
        "same_strided_shape": torch.nn.Conv2d(1, 1, size, stride=stride, padding=(size - 1) // 2),
    }
    found: dict[str, Any] = {name: layer(picture).shape[2:] for name, layer in layers.items()}
    found["feature_map"] = correlated(v["image"], v["kernel"])
    found["max_pooled"] = functional.max_pool2d(tensor(v["A"])[None], 2)[0]
    found["average_pooled"] = functional.avg_pool2d(tensor(v["B"])[None], 2)[0]
    found["flattened"] = torch.nn.Flatten(0)(tensor(v["maps"]))
    found["reshaped"] = found["flattened"].reshape(4, 3)
    return found | normalised_by_torch(v)


def batch_norm(v: dict[str, Any]) -> torch.nn.BatchNorm1d:
    layer = torch.nn.BatchNorm1d(3, momentum=v["momentum"], eps=v["eps"]).double()
    state = {"weight": "gamma", "bias": "beta", "running_mean": "running_mean", "running_var": "running_variance"}
    layer.load_state_dict(
        {"num_batches_tracked": torch.tensor(0), **{key: tensor(v[name]) for key, name in state.items()}}
    )
    return layer


def normalised_by_torch(v: dict[str, Any]) -> dict[str, Any]:
    layer = batch_norm(v)
    found: dict[str, Any] = {"batch_output": layer(tensor(v["batch"])).detach()}
    found["normalised"] = functional.batch_norm(tensor(v["batch"]), None, None, training=True, eps=v["eps"])
    found["batch_variance"], found["batch_mean"] = torch.var_mean(tensor(v["batch"]), dim=0, correction=0)
    found["running_mean_new"], found["running_variance_new"] = layer.running_mean, layer.running_var
    found["sample_output"] = layer.eval()(tensor(v["sample"])[None])[0].detach()
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_every_value_agrees_with_torch(reference: Reference, seed: int | None) -> None:
    values = reference.evaluate(seed)
    found = by_torch(values)
    assert set(found) == set(VALUES)
    for name, expected in found.items():
        assert np.shape(values[name]) == np.shape(expected), name
        np.testing.assert_allclose(values[name], np.asarray(expected), rtol=1e-10, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("seed", SEEDS)
def test_other_orders_and_the_other_variance_are_those_of_numpy(reference: Reference, seed: int | None) -> None:
    truth = Evaluation(reference, seed)
    maps = truth.value("maps")
    columns = Evaluation(reference, seed, {"flatten_order": "column-major"})
    assert maps.flatten(order="F").tolist() == columns.value("flattened").tolist()
    assert maps.flatten(order="F").reshape((4, 3), order="F").tolist() == columns.value("reshaped").tolist()
    last = Evaluation(reference, seed, {"flatten_order": "channels last"})
    by_keras = [int(maps[channel, row, column]) for row in range(2) for column in range(3) for channel in range(2)]
    assert by_keras == last.value("flattened").tolist()
    assert [by_keras[row : row + 3] for row in (0, 3, 6, 9)] == last.value("reshaped").tolist()
    old, momentum = truth.value("running_variance"), truth.value("momentum")
    biased = (1 - momentum) * old + momentum * np.var(truth.value("batch"), axis=0)
    np.testing.assert_allclose(truth.value("running_variance_biased"), biased, rtol=1e-12)


def test_functions_agree_with_torch(reference: Reference) -> None:
    functions = {name: one.function for name, one in reference.definitions.items()}
    truth = Evaluation(reference, None, hidden=3)
    for image, kernel in truth.cases("images"):
        np.testing.assert_allclose(functions["convolve"](image, kernel), correlated(image, kernel).numpy(), rtol=1e-10)
    for size, kernel_size, stride, padding in truth.cases("layers"):
        pad = 0 if padding == "none" else (kernel_size - 1) // 2
        layer = torch.nn.Conv1d(1, 1, kernel_size, stride=stride, padding=pad)
        assert functions["output_size"](size, kernel_size, stride, padding) == layer(torch.zeros(1, 1, size)).shape[2]
    for name in ("in_training", "in_evaluation"):
        for x, gamma, beta, mean, variance, training, momentum in truth.cases(name):
            running = tensor(mean), tensor(variance)
            output = functional.batch_norm(tensor(x), *running, tensor(gamma), tensor(beta), training, momentum)
            found = functions["batch_norm"](x, gamma, beta, mean, variance, training, momentum)
            for one, expected in zip(found, (output, *running), strict=True):
                np.testing.assert_allclose(one, expected.numpy(), rtol=1e-10)


def test_sizes_are_rounded_in_the_cases(reference: Reference) -> None:
    for hidden in range(20):
        for size, kernel_size, stride, padding in Evaluation(reference, None, hidden=hidden).cases("layers"):
            assert size > kernel_size
            assert stride == 1 or (size - kernel_size if padding == "none" else size) % stride


def test_the_network_has_the_parameters_of_its_layers(reference: Reference) -> None:
    network = reference.definitions["Net"].function()
    assert sum(one.numel() for one in network.parameters()) == 6 * (9 + 1) + 2 * 6 + 5 * (6 * 8 * 6 + 1)
    assert tuple(network(torch.zeros(2, 1, 16, 12)).shape) == (2, 5)


# Mistakes


def shown(reference: Reference, seed: int | None) -> dict[tuple[str, str], Any]:
    """Return the wrong values by check and misconception: of the quantity itself, or of those that need it next."""
    truth = Evaluation(reference, seed)
    found: dict[tuple[str, str], Any] = {}
    for wrong in reference.misconceptions.values():
        if wrong.target in reference.definitions:
            continue
        mistaken = Evaluation(reference, seed, {wrong.target: truth.mistaken(wrong)})
        names = [wrong.target] if wrong.target in VALUES else list(VALUES)
        for name in names:
            if wrong.target in {name, *reference.nodes[name].needs}:
                found[name, wrong.id] = mistaken.value(name)
    return found


def distance(name: str, one: Any, other: Any) -> float:
    """Return how many tolerances of the check lie between two values, at the element where it is most."""
    options = {**RUBRIC["defaults"]["value"], **VALUES[name]}
    whole = np.asarray(other).dtype.kind == "i"
    tolerance = 0.1 if whole else options["atol"] + options["rtol"] * np.abs(other)
    return float(np.max(np.abs(np.subtract(one, other)) / tolerance))


@pytest.mark.parametrize("seed", SEEDS)
def test_mistakes_are_far_from_right_and_from_each_other(reference: Reference, seed: int | None) -> None:
    right, found = reference.evaluate(seed), shown(reference, seed)
    near = [key for key, wrong in found.items() if distance(key[0], wrong, right[key[0]]) <= 4]
    alike = [
        (one, other)
        for one, other in combinations(found, 2)
        if one[0] == other[0] and distance(one[0], found[one], found[other]) <= 2
    ]
    assert (near, alike) == ([], [])


def test_every_usual_mistake_with_pooling_has_a_name(reference: Reference) -> None:
    # "stride 1" gives another shape, which the message says; see the hand-in unknown_words.py.
    usual = {"average_of_other_unsaid", "max_of_other_unsaid", "smallest", "sum_for_max", "sum_for_average"}
    assert usual | {"rows_as_windows"} <= set(reference.misconceptions)


def test_overlapping_windows_are_told_by_their_shape(exercise: Exercise) -> None:
    results = grade(exercise, (WRONG / "unknown_words.py").read_text(encoding="utf-8"))
    assert "(3, 3)" in results["max_pooled"].message


def test_messages_for_students_hold_no_result(reference: Reference) -> None:
    for wrong in reference.misconceptions.values():
        assert "." not in wrong.message.replace(". ", " ").rstrip("."), wrong.id  # no decimal number


# Errata


def test_the_solution_earns_everything(exercise: Exercise) -> None:
    assert lost(grade(exercise, SOLUTION)) == {}


def test_ICTP_04_the_printed_results_belong_to_the_matrix_that_the_task_names(reference: Reference) -> None:
    values = reference.evaluate()
    assert np.argwhere(values["A"] != values["B"]).tolist() == [[1, 3], [3, 0], [3, 1]]
    assert values["max_pooled"].tolist() == [[5, 7], [9, 7]]
    assert values["average_pooled"].tolist() == [[3, 5], [4, 4]]
    other = Evaluation(reference, None, {"max_of": "B", "average_of": "A"})
    assert other.value("max_pooled").tolist() == [[5, 8], [9, 7]]
    assert other.value("average_pooled").tolist() == [[3, 4.75], [4.5, 4]]


OTHERS = (
    ("A[i : i + 2, j : j + 2].max()", "B[i : i + 2, j : j + 2].max()"),
    ("B[i : i + 2, j : j + 2].mean()", "A[i : i + 2, j : j + 2].mean()"),
)


def test_ICTP_04_the_other_matrix_is_right_where_it_is_declared(exercise: Exercise) -> None:
    declared = (('max_of = "A"', 'max_of = "B"'), ('average_of = "B"', 'average_of = "A"'))
    assert lost(grade(exercise, changed(*OTHERS, *declared))) == {}
    undeclared = grade(exercise, changed(*OTHERS))
    assert lost(undeclared) == {"max_pooled": 0.5, "average_pooled": 0.5}
    assert named(undeclared) == {"max_of_other_unsaid", "average_of_other_unsaid"}


@pytest.mark.parametrize(
    ("typed", "fraction"),
    [
        ("[[5, 7], [9, 7]]", 1.0),
        ("[[5, 7], [9, 6]]", 0.75),
        ("[[4, 7], [9, 6]]", 0.5),
        ("[[7, 7], [7, 7]]", 0.0),
        ("[[9, 9], [9, 9]]", 0.0),
    ],
)
def test_ICTP_04_each_window_earns_its_share(exercise: Exercise, typed: str, fraction: float) -> None:
    assert grade(exercise, changed((line_of("max_pooled"), f"max_pooled = {typed}")))["max_pooled"].fraction == fraction


def test_ICTP_04_each_window_of_the_declared_matrix_earns_its_share(exercise: Exercise) -> None:
    pairs = [
        (line_of("average_pooled"), "average_pooled = [[3, 4.75], [4.5, 5.5]]"),
        ('average_of = "B"', 'average_of = "A"'),
    ]
    assert lost(grade(exercise, changed(*pairs))) == {"average_pooled": 0.75}


# Declarations


FLIPPED = ("j : j + columns] * kernel)", "j : j + columns] * np.flip(kernel))")


def test_a_flipped_kernel_earns_half_or_everything_where_it_is_declared(exercise: Exercise) -> None:
    undeclared = grade(exercise, changed(FLIPPED))
    assert lost(undeclared) == {"feature_map": 0.5, "convolve": 0.5}
    assert named(undeclared) == {"flipped_unsaid", "flipped_in_code"}
    declared = ('convolution = "cross-correlation"', 'convolution = "flipped kernel"')
    assert lost(grade(exercise, changed(FLIPPED, declared))) == {}


@pytest.mark.parametrize(
    ("word", "flat", "rows"),
    [
        ("column-major", "maps.ravel(order='F')", "flattened.reshape((4, 3), order='F')"),
        ("channels last", "maps.transpose(1, 2, 0).ravel()", "flattened.reshape(4, 3)"),
    ],
)
def test_every_declared_order_is_right(exercise: Exercise, word: str, flat: str, rows: str) -> None:
    own = (("maps.flatten()", flat), ("flattened.reshape(4, 3)", rows))
    declared = ('flatten_order = "row-major"', f'flatten_order = "{word}"')
    assert lost(grade(exercise, changed(*own, declared))) == {}
    assert lost(grade(exercise, changed(*own))) == {"flattened": 0.5}


# Fairness


@pytest.mark.parametrize("hidden", range(40))
def test_chance_costs_nobody_a_point_of_dropout(reference: Reference, hidden: int) -> None:
    functions, trial = reference.definitions["dropout"].function, reference.trials["dropped"].function
    for inputs in Evaluation(reference, None, hidden=hidden).cases("activations"):
        result = trial(functions, *inputs)
        assert reference.properties["drops_at_random"].function(inputs, result) == ""
        assert reference.properties["scales_what_is_kept"].function(inputs, result) == ""
        assert reference.properties["leaves_evaluation_alone"].function(inputs, result) is True


MASK = "    keep = rng.random(x.shape) >= rate\n"


@pytest.mark.parametrize(
    "own",
    [
        "    keep = rng.binomial(1, 1 - rate, size=x.shape)\n",
        "    keep = rng.choice([True, False], p=[1 - rate, rate], size=x.shape)\n",
        "    keep = np.random.rand(*x.shape) > rate\n",
        "    import torch\n    return torch.nn.functional.dropout(torch.tensor(x), rate)\n",
    ],
)
def test_numbers_may_be_dropped_in_any_way(exercise: Exercise, own: str) -> None:
    assert lost(grade(exercise, changed((MASK, own)))) == {}


def test_a_rate_taken_for_what_is_kept_costs_once(exercise: Exercise) -> None:
    text = changed((MASK, MASK.replace(">=", "<")), ("return x * keep / (1 - rate)", "return x * keep / rate"))
    results = grade(exercise, text)
    assert (lost(results), named(results)) == ({"dropout_mask": 0.0}, {"rate_kept"})
    half = grade(exercise, changed((MASK, MASK.replace(">=", "<"))))  # the right scale for the wrong share
    assert set(lost(half)) == {"dropout_mask", "dropout_scaling"}


def test_scaling_in_evaluation_in_place_of_training_costs_once(exercise: Exercise) -> None:
    text = changed(
        ("return x * keep / (1 - rate)", "return x * keep"),
        ("    if not training:\n        return x\n", "    if not training:\n        return x * (1 - rate)\n"),
    )
    results = grade(exercise, text)
    assert (lost(results), named(results)) == ({"dropout_scaling": 0.0}, {"scaled_in_evaluation"})


@pytest.mark.parametrize(
    "freezing", ["np.random.default_rng(1).random(x.shape)", "np.linspace(0, 1, x.size).reshape(x.shape)"]
)
def test_a_mask_that_is_always_the_same_is_no_dropout(exercise: Exercise, freezing: str) -> None:
    text = changed((MASK, MASK.replace("rng.random(x.shape)", freezing)))
    assert set(lost(grade(exercise, text))) == {"dropout_mask"}


def test_either_variance_is_right_in_the_running_one(exercise: Exercise) -> None:
    text = changed(
        ("momentum * batch.var(axis=0, ddof=1)", "momentum * batch.var(axis=0)"),
        ("momentum * x.var(axis=0, ddof=1)", "momentum * variance"),
    )
    assert lost(grade(exercise, text)) == {}


def test_dividing_by_one_less_where_it_normalises_costs_half_and_once(exercise: Exercise) -> None:
    results = grade(exercise, changed(("batch_variance = batch.var(axis=0)", "batch_variance = batch.var(0, ddof=1)")))
    assert (lost(results), named(results)) == ({"batch_variance": 0.5}, {"unbiased_variance"})


def test_the_momentum_of_keras_costs_half_and_once(exercise: Exercise) -> None:
    text = changed(
        (
            "(1 - momentum) * running_mean + momentum * batch_mean",
            "momentum * running_mean + (1 - momentum) * batch_mean",
        ),
        (
            "(1 - momentum) * running_variance + momentum * batch.var(axis=0, ddof=1)",
            "momentum * running_variance + (1 - momentum) * batch.var(axis=0, ddof=1)",
        ),
    )
    results = grade(exercise, text)
    assert (lost(results), named(results)) == ({"running_mean_new": 0.5}, {"momentum_as_in_keras"})


def test_windows_cut_out_wrongly_cost_once(exercise: Exercise) -> None:
    rows = "{0}.reshape(4, 4).{1}(axis=1).reshape(2, 2)"
    text = changed(
        (line_of("max_pooled"), f"max_pooled = {rows.format('A', 'max')}"),
        (line_of("average_pooled"), f"average_pooled = {rows.format('B', 'mean')}"),
    )
    results = grade(exercise, text)
    assert (lost(results), named(results)) == ({"max_pooled": 0.0}, {"rows_as_windows"})


def test_an_omitted_first_place_costs_once(exercise: Exercise) -> None:
    strided = '[output_size(side, kernel_size, stride, "none") for side in (height, width)]'
    text = changed(
        (line_of("none_shape"), "none_shape = (height - kernel_size, width - kernel_size)"),
        (strided, "[(side - kernel_size) // stride for side in (height, width)]"),
    )
    results = grade(exercise, text)
    assert (lost(results), named(results)) == ({"none_shape": 0.0}, {"first_place_not_counted"})


@pytest.mark.parametrize(
    "own",
    [
        "nn.Conv2d(1, 6, kernel_size=(3, 3), padding='same')",
        "nn.Conv2d(1, 6, 3, padding=1, bias=True)",
    ],
)
def test_every_way_to_write_the_convolution_is_right(exercise: Exercise, own: str) -> None:
    assert lost(grade(exercise, changed(("nn.Conv2d(1, 6, 3, padding=1)", own)))) == {}


def test_dropout_in_the_wrong_place_costs_its_share_of_the_layers_only(exercise: Exercise) -> None:
    early = ("self.linear(self.dropout(self.flatten(x)))", "self.linear(self.flatten(self.dropout(x)))")
    assert set(lost(grade(exercise, changed(early)))) == {"Net_layers"}


# The files


def test_points_and_items_are_those_of_the_task(exercise: Exercise) -> None:
    assert exercise.rubric.points == 23
    settings = yaml.safe_load((FOLDER / "exercise.yaml").read_text(encoding="utf-8"))
    assert list(settings["items"]) == [f"I{number:02}" for number in range(7, 14)]
    assert set(settings["floor"]) == DECLARED
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    for criterion in RUBRIC["criteria"]:
        assert f"{criterion['title']} ({criterion['points']} points)" in task


@pytest.mark.parametrize("seed", range(20))
def test_personal_numbers_belong_to_the_seed(reference: Reference, seed: int) -> None:
    one, other = reference.evaluate(seed), reference.evaluate(seed + 2**40)
    assert not np.array_equal(one["batch"], other["batch"])
    assert 1 <= np.sum(one["A"] != one["B"]) <= 3
    assert one["height"] != one["width"]


@pytest.mark.parametrize("seed", range(5))
def test_the_solution_is_right_for_everybodys_numbers(reference: Reference, seed: int) -> None:
    values = reference.evaluate(seed)
    own: dict[str, Any] = {"__name__": "work"}
    exec(with_given("a.py", SOLUTION, {name: values[name] for name in reference.givens}), own)  # noqa: S102 - our own file
    for name in VALUES:
        np.testing.assert_allclose(own[name], values[name], rtol=1e-10, err_msg=name)


def test_starter_leaves_the_numbers_and_nothing_else(reference: Reference) -> None:
    left = runpy.run_path(str(FOLDER / "convolution_layers.py"))
    assert {name: left[name] for name in VALUES} == dict.fromkeys(VALUES)
    for name in DECLARED:
        assert left[name] == reference.evaluate()[name]
    for name in reference.givens:
        np.testing.assert_array_equal(left[name], reference.evaluate()[name])
    assert set(reference.definitions) <= set(left)


def test_every_wrong_file_is_listed() -> None:
    listed = yaml.safe_load((WRONG / "wrong.yaml").read_text(encoding="utf-8"))
    assert set(listed) == {path.name for path in WRONG.glob("*.py")}


def test_what_is_asked_is_named_in_the_task(reference: Reference) -> None:
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    assert [name for name in {*VALUES, *DECLARED, *reference.definitions} if name not in task] == []
