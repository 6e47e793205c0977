"""The exercise on losses and optimizers: torch as the yardstick, conventions, follow-through, and the errata."""

from __future__ import annotations

import random
import re
import runpy
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from judging_helpers import judge, lost
from observing_helpers import grade
from torch.nn import functional

from grader.checks import KINDS
from grader.course import Exercise, load_course
from grader.model import CheckResult
from grader.reference import Evaluation

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "exercises" / "theory_to_practice" / "losses_and_optimizers"
SOLUTION = ROOT / "reference" / "theory_to_practice" / "solutions" / "losses_and_optimizers.py"
RUBRIC = yaml.safe_load((ROOT / "rubrics" / "theory_to_practice" / "losses_and_optimizers.yaml").read_text("utf-8"))
VALUES = [one["value"] for criterion in RUBRIC["criteria"] for one in criterion["checks"] if "value" in one]
ADAM = ["m1", "v1", "m1_hat", "v1_hat", "theta1", "m2", "v2", "m2_hat", "v2_hat", "theta2"]
SEEDS: list[int | None] = [None, *range(30)]


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    folder = tmp_path_factory.mktemp("course")
    for part in ("exercises", "reference", "rubrics"):
        (folder / part).symlink_to(ROOT / part)
    text = "title: T\nassignments:\n  theory_to_practice: {title: M, exercises: [losses_and_optimizers]}\n"
    (folder / "course.yaml").write_text(text, encoding="utf-8")
    (found,) = load_course(folder, KINDS).exercises()
    return found


def answers(
    exercise: Exercise, fixed: dict[str, Any] | None = None, seed: int | None = None, **changed: Any
) -> dict[str, Any]:
    """Return what a student hands in who works right on from the values in ``fixed``, with some ``changed``."""
    values = Evaluation(exercise.reference, seed, fixed)
    return {name: values.value(name) for name in VALUES} | changed


def lost_values(results: dict[str, CheckResult]) -> list[str]:
    return [name for name in lost(results) if name in VALUES]


def graded(exercise: Exercise, *pairs: tuple[str, str]) -> dict[str, CheckResult]:
    """Return the results of the solution with some of its text replaced."""
    text = SOLUTION.read_text(encoding="utf-8")
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return grade(exercise, text)


def tensor(value: Any) -> torch.Tensor:
    return torch.tensor(np.asarray(value), dtype=torch.float64)


# Against torch


def steps_of(optimizer: Any, theta: torch.Tensor, gradients: list[Any]) -> list[Any]:
    """Return ``theta`` after each of the steps along the given gradients."""
    found = []
    for gradient in gradients:
        theta.grad = tensor(gradient)
        optimizer.step()
        found.append(theta.detach().numpy().copy())
    return found


def adam_of_torch(v: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    theta = tensor(v["theta"]).requires_grad_()
    settings = {"lr": v["learning_rate"], "betas": (v["beta1"], v["beta2"]), "eps": v["epsilon"]}
    optimizer = torch.optim.Adam([theta], **settings)
    first = steps_of(optimizer, theta, [v["g1"]])
    state = {
        f"{name}1": optimizer.state[theta][key].numpy().copy() for name, key in (("m", "exp_avg"), ("v", "exp_avg_sq"))
    }
    second = steps_of(optimizer, theta, [v["g2"]])
    state |= {f"{name}2": optimizer.state[theta][key].numpy() for name, key in (("m", "exp_avg"), ("v", "exp_avg_sq"))}
    return first + second, state


@pytest.mark.parametrize("seed", SEEDS)
def test_every_step_agrees_with_torch(exercise: Exercise, seed: int | None) -> None:
    v = exercise.reference.evaluate(seed)
    thetas, moments = adam_of_torch(v)
    for name, expected in {**moments, "theta1": thetas[0], "theta2": thetas[1]}.items():
        np.testing.assert_allclose(v[name], expected, rtol=1e-10, atol=1e-12, err_msg=name)
    for name, momentum in (("theta_sgd", 0.0), ("theta_momentum", v["beta1"])):
        theta = tensor(v["theta"]).requires_grad_()
        optimizer = torch.optim.SGD([theta], lr=v["learning_rate"], momentum=momentum)
        np.testing.assert_allclose(v[name], steps_of(optimizer, theta, [v["g1"], v["g2"]])[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_correction_undoes_the_start_at_zero(exercise: Exercise, seed: int | None) -> None:
    """The corrected moments are averages of the gradients, and of their squares, with weights that add up to one."""
    v = exercise.reference.evaluate(seed)
    np.testing.assert_allclose(v["m1_hat"], v["g1"])
    np.testing.assert_allclose(v["v1_hat"], v["g1"] ** 2)
    for hat, beta, power in (("m2_hat", v["beta1"], 1), ("v2_hat", v["beta2"], 2)):
        average = np.average([v["g1"] ** power, v["g2"] ** power], axis=0, weights=[beta, 1])
        np.testing.assert_allclose(v[hat], average)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_loss_agrees_with_torch(exercise: Exercise, seed: int | None) -> None:
    v = exercise.reference.evaluate(seed)
    for reduction, binary, categorical in (("none", "bce_losses", "cce_losses"), ("mean", "bce", "cce")):
        expected = functional.binary_cross_entropy(tensor(v["p"]), tensor(v["t"]), reduction=reduction)
        np.testing.assert_allclose(v[binary], expected)
        logits = torch.log(tensor(v["P"]))
        expected = functional.cross_entropy(logits, torch.tensor(v["classes"]), reduction=reduction)
        np.testing.assert_allclose(v[categorical], expected)
    np.testing.assert_allclose(np.sum(v["P"], axis=1), 1)
    # A surer network than any other, through softmax twice.
    sure = torch.softmax(1e4 * torch.eye(v["n_classes"], dtype=torch.float64)[:1], dim=1)
    assert v["lowest_loss"] == pytest.approx(functional.cross_entropy(sure, torch.tensor([0])).item())


def test_the_lowest_loss_with_ten_classes_is_the_known_one(exercise: Exercise) -> None:
    assert Evaluation(exercise.reference, None, {"n_classes": 10}).value("lowest_loss") == pytest.approx(
        1.4612, abs=5e-5
    )


def test_functions_agree_with_torch(exercise: Exercise) -> None:
    functions = {name: one.function for name, one in exercise.reference.definitions.items()}
    truth = Evaluation(exercise.reference, None, hidden=3)
    for z, t in truth.cases("for_binary_loss"):
        expected = functional.binary_cross_entropy_with_logits(tensor(z), tensor(t), reduction="none")
        np.testing.assert_allclose(functions["binary_loss"](z, t), expected)
    for name in ("usual", "large"):
        for logits, classes in truth.cases(name):
            expected = functional.cross_entropy(tensor(logits), torch.tensor(classes), reduction="none")
            np.testing.assert_allclose(functions["categorical_loss"](logits, classes), expected, atol=1e-12)


def test_a_step_of_the_function_is_torchs(exercise: Exercise) -> None:
    step_of = exercise.reference.definitions["adam_step"].function
    for theta, g, moments, step, rate, betas, epsilon in Evaluation(exercise.reference, None, hidden=3).cases(
        "for_adam_step"
    ):
        parameter = tensor(theta).requires_grad_()
        optimizer = torch.optim.Adam([parameter], lr=rate, betas=betas, eps=epsilon)
        first, second = map(tensor, moments)
        optimizer.state[parameter] = {"step": torch.tensor(float(step - 1)), "exp_avg": first, "exp_avg_sq": second}
        (expected,) = steps_of(optimizer, parameter, [g])
        found = step_of(theta, g, moments, step, rate, betas, epsilon)
        for one, other in zip(found, (expected, first, second), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-10)


# Mistakes


def distance(one: Any, other: Any) -> float:
    """Return how many tolerances of the rubric lie between two values, at the element where it is most."""
    options = RUBRIC["defaults"]["value"]
    return float(np.max(np.abs(np.subtract(one, other)) / (options["atol"] + options["rtol"] * np.abs(other))))


@pytest.mark.parametrize("seed", SEEDS)
def test_mistakes_are_far_from_right_and_from_each_other(exercise: Exercise, seed: int | None) -> None:
    reference, truth = exercise.reference, Evaluation(exercise.reference, seed)
    shown: dict[str, dict[str, Any]] = {}
    for wrong in reference.misconceptions.values():
        if wrong.target in reference.definitions or wrong.target == "which_loss":
            continue
        changed = Evaluation(reference, seed, {wrong.target: truth.mistaken(wrong)})
        after = [name for name in reference.order if name in VALUES and wrong.target in reference.ancestors([name])]
        name = wrong.shows_in or after[0]
        shown.setdefault(name, {"right": truth.value(name)})[wrong.id] = changed.value(name)
    assert {"bce_losses", "bce", "cce_losses", "m1", "v1", "m1_hat", "theta1", "m2", "m2_hat", "theta2"} <= set(shown)
    near = [
        (name, one, other)
        for name, values in shown.items()
        for one, other in combinations(values, 2)
        if distance(values[one], values[other]) < 5
    ]
    assert near == []


@pytest.mark.parametrize(
    ("mistake", "charged", "fraction"),
    [
        ("base_two", "bce_losses", 0),
        ("base_ten", "bce_losses", 0),
        ("minus_lost", "bce_losses", 0),
        ("logarithm_missing", "bce_losses", 0),
        ("summed", "bce", 0.5),
        ("uphill", "theta_sgd", 0),
        ("betas_swapped", "m1", 0),
        ("new_share_omitted", "m1", 0),
        ("sizes_for_squares", "v1", 0),
        ("bias_not_corrected", "m1_hat", 0),
        ("correction_multiplied", "m1_hat", 0),
        ("root_missing", "theta1", 0),
        ("past_forgotten", "m2", 0),
        ("steps_not_counted", "m2_hat", 0),
    ],
)
@pytest.mark.parametrize("seed", [None, 5])
def test_a_mistake_throughout_costs_once(
    exercise: Exercise, mistake: str, charged: str, fraction: float, seed: int | None
) -> None:
    wrong = exercise.reference.misconceptions[mistake]
    value = Evaluation(exercise.reference, seed).mistaken(wrong)
    results = judge(exercise, answers(exercise, {wrong.target: value}, seed), seed=seed)
    assert lost_values(results) == [charged]
    assert (results[charged].misconception, results[charged].fraction) == (mistake, fraction)


def test_uphill_in_adam_alone_is_named_there(exercise: Exercise) -> None:
    own = answers(exercise, {"direction": 1.0}) | {"theta_sgd": answers(exercise)["theta_sgd"]}
    results = judge(exercise, own)
    assert lost_values(results) == ["theta1"]
    assert results["theta1"].misconception == "uphill"


@pytest.mark.parametrize("name", ADAM)
def test_each_step_is_judged_from_the_students_previous_one(exercise: Exercise, name: str) -> None:
    slip = answers(exercise)[name] + 0.3
    assert lost_values(judge(exercise, answers(exercise, {name: slip}))) == [name]


def test_usual_mistakes_have_names(exercise: Exercise) -> None:
    usual = {
        *("softmax_once_more", "softmax_twice", "no_floor", "negative_logit", "negative_probability", "base_two"),
        *("base_ten", "minus_lost", "squared_error", "squared_error_of_all", "logarithm_missing"),
        *("bias_not_corrected", "uphill", "root_missing", "betas_swapped"),
        *("no_correction", "plus_gradient", "no_root", "decays_swapped"),
    }
    assert usual <= set(exercise.reference.misconceptions)


def test_swapped_decays_in_the_function_cost_once(exercise: Exercise) -> None:
    results = graded(exercise, ("    beta1, beta2 = betas\n", "    beta2, beta1 = betas\n"))
    assert lost(results) == ["adam_moments"]
    assert results["adam_moments"].misconception == "decays_swapped"


def test_moments_without_content_carry_nothing_through(exercise: Exercise) -> None:
    emptied = ("    m, v = moments\n", "    m, v = 0 * moments[0], 0 * moments[1]\n    g = 0 * g\n")
    assert lost(graded(exercise, emptied)) == ["adam_moments", "adam_update"]


# Conventions


def test_the_solution_earns_everything(exercise: Exercise) -> None:
    assert lost(graded(exercise)) == []
    assert sum(check.options.points for check in exercise.rubric.checks) == 18


def test_the_starter_has_the_numbers_and_earns_nothing(exercise: Exercise) -> None:
    names = runpy.run_path(str(FOLDER / "losses_and_optimizers.py"))
    for name in exercise.reference.givens:
        np.testing.assert_array_equal(names[name], exercise.reference.evaluate()[name])
    starter = (FOLDER / "losses_and_optimizers.py").read_text(encoding="utf-8")
    assert {one.fraction for one in grade(exercise, starter).values()} == {0}


def test_everybody_has_other_numbers(exercise: Exercise) -> None:
    own = answers(exercise, seed=3)
    assert lost_values(judge(exercise, own, seed=3)) == []
    assert {"bce_losses", "cce_losses", "theta_sgd", "m1", "v1"} <= set(lost_values(judge(exercise, own, seed=4)))


def test_four_decimals_are_enough(exercise: Exercise) -> None:
    for seed in SEEDS:
        rounded = {name: np.round(value, 4) for name, value in answers(exercise, seed=seed).items()}
        assert lost_values(judge(exercise, rounded, seed=seed)) == []


def below_the_root(v: Any, epsilon: Any, beta2: Any, step: int) -> Any:
    return np.sqrt(v / (1 - beta2**step) + epsilon)


def before_the_correction(v: Any, epsilon: Any, beta2: Any, step: int) -> Any:
    """As Keras writes it: the rate is scaled by sqrt(1 - beta2^t), the uncorrected root gets epsilon."""
    return (np.sqrt(v) + epsilon) / np.sqrt(1 - beta2**step)


@pytest.mark.parametrize("below", [below_the_root, before_the_correction])
@pytest.mark.parametrize("seed", SEEDS[:8])
def test_epsilon_may_stand_where_another_textbook_has_it(exercise: Exercise, below: Any, seed: int | None) -> None:
    v = exercise.reference.evaluate(seed)
    one = v["theta"] - v["learning_rate"] * v["m1_hat"] / below(v["v1"], v["epsilon"], v["beta2"], 1)
    two = one - v["learning_rate"] * v["m2_hat"] / below(v["v2"], v["epsilon"], v["beta2"], 2)
    assert distance(one, v["theta1"]) > 2  # the difference can be seen
    assert lost_values(judge(exercise, answers(exercise, seed=seed, theta1=one, theta2=two), seed=seed)) == []
    slipped = two + 0.3
    after = answers(exercise, seed=seed, theta1=one + 0.3, theta2=slipped)
    assert lost_values(judge(exercise, after, seed=seed)) == ["theta1"]


ROOT_AND_EPSILON = "(np.sqrt(v_hat) + epsilon), m, v"


@pytest.mark.parametrize(
    ("below", "expected"),
    [
        ("np.sqrt(v_hat + epsilon)", []),
        ("((np.sqrt(v) + epsilon) / np.sqrt(1 - beta2**step))", []),
        ("np.sqrt(v_hat)", ["adam_update"]),
        ("(np.sqrt(v_hat) - epsilon)", ["adam_update"]),
    ],
)
def test_epsilon_in_the_function(exercise: Exercise, below: str, expected: list[str]) -> None:
    assert lost(graded(exercise, (ROOT_AND_EPSILON, f"{below}, m, v"))) == expected


def test_losses_by_a_library_are_right(exercise: Exercise) -> None:
    """Also where log_softmax is taken first, which changes nothing."""
    imports = ("import numpy as np\n", "import numpy as np\nimport torch\nfrom torch.nn import functional\n")
    last = "    return np.log(np.sum(np.exp(Z), axis=1)) - Z[np.arange(len(Z)), classes]\n"
    library = (
        "    Z = torch.log_softmax(torch.tensor(Z), 1)\n    return functional.cross_entropy(Z, torch.tensor(classes))\n"
    )
    assert lost(graded(exercise, imports, (last, library))) == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("    Z = torch.softmax(torch.tensor(Z), 1)\n", "softmax_twice"),
        ("    return functional.nll_loss(torch.tensor(Z), torch.tensor(classes))\n", "negative_logit"),
        (
            "    return functional.nll_loss(torch.softmax(torch.tensor(Z), 1), torch.tensor(classes))\n",
            "negative_probability",
        ),
    ],
)
def test_the_wrong_input_of_a_library_function_is_named(exercise: Exercise, change: str, name: str) -> None:
    imports = ("import numpy as np\n", "import numpy as np\nimport torch\nfrom torch.nn import functional\n")
    last = "    return np.log(np.sum(np.exp(Z), axis=1)) - Z[np.arange(len(Z)), classes]\n"
    first = "    Z = Z - np.max(Z, axis=1, keepdims=True)\n"
    library = "    return functional.cross_entropy(torch.as_tensor(Z), torch.tensor(classes))\n"
    results = graded(exercise, imports, (first, change), (last, library))
    assert lost(results) == ["categorical_loss", "categorical_loss_large"]
    assert results["categorical_loss"].misconception == name


# Choices


def judged_choice(exercise: Exercise, answer: Any) -> float:
    return judge(exercise, {"which_loss": answer})["which_loss"].fraction


def test_choosing_by_guessing_earns_little(exercise: Exercise) -> None:
    right = Evaluation(exercise.reference, None).value("which_loss")
    words = sorted(set(right.values()))
    assert [judged_choice(exercise, dict.fromkeys(right, word)) for word in words] == [0, 0]
    dice = random.Random(1)  # noqa: S311 - a guess
    guesses = [{item: dice.choice(words) for item in right} for _ in range(300)]
    assert fmean(judged_choice(exercise, guess) for guess in guesses) < 0.15


def test_words_of_libraries_are_understood(exercise: Exercise) -> None:
    right = Evaluation(exercise.reference, None).value("which_loss")
    for binary, categorical in (
        ("BCE", "cce"),
        ("Binary", "Categorical"),
        ("binary_crossentropy", "sparse_categorical_crossentropy"),
    ):
        own = {item: binary if word.startswith("binary") else categorical for item, word in right.items()}
        assert judged_choice(exercise, own) == 1


# Errata


def test_ICTP_09_sgd_with_and_without_momentum_is_right(exercise: Exercise) -> None:
    v = exercise.reference.evaluate()
    assert distance(v["theta_momentum"], v["theta_sgd"]) > 5
    update = -v["learning_rate"] * v["g1"]
    with_momentum = v["theta"] + update + (v["beta1"] * update - v["learning_rate"] * v["g2"])
    for accepted in (v["theta_sgd"], with_momentum):
        assert lost_values(judge(exercise, answers(exercise, theta_sgd=accepted))) == []
    average = v["theta"] - v["learning_rate"] * (v["m1"] + v["m2"])  # a moment without its correction
    assert lost_values(judge(exercise, answers(exercise, theta_sgd=average))) == ["theta_sgd"]
    assert "momentum" in (FOLDER / "task.md").read_text(encoding="utf-8")


def test_X_01_the_mean_is_named_and_the_sum_costs_half_and_once(exercise: Exercise) -> None:
    assert "**mean**" in (FOLDER / "task.md").read_text(encoding="utf-8")
    v = exercise.reference.evaluate()
    own = answers(exercise, bce=np.sum(v["bce_losses"]), cce=np.sum(v["cce_losses"]))
    results = judge(exercise, own)
    assert lost_values(results) == ["bce"]
    assert (results["bce"].misconception, results["bce"].fraction) == ("summed", 0.5)


@pytest.mark.parametrize("reduced", ["np.mean({})", "np.sum({})", "{}", "list({})", "[np.mean({})]"])
def test_X_01_functions_may_give_every_loss_or_their_mean_or_sum(exercise: Exercise, reduced: str) -> None:
    binary = "-(t * np.log(p) + (1 - t) * np.log(1 - p))\n\n"
    categorical = "np.log(np.sum(np.exp(Z), axis=1)) - Z[np.arange(len(Z)), classes]"
    pairs = [(one, reduced.format(one.strip()) + one[len(one.strip()) :]) for one in (binary, categorical)]
    assert lost(graded(exercise, *pairs)) == []


@pytest.mark.parametrize("factor", ["0.5 * ", "2 * ", "1 / len(z) * "])
def test_X_01_another_factor_is_not_right(exercise: Exercise, factor: str) -> None:
    binary = "-(t * np.log(p) + (1 - t) * np.log(1 - p))\n\n"
    assert lost(graded(exercise, (binary, f"{factor}{binary}"))) == ["binary_loss"]


def test_messages_for_students_hold_no_result(exercise: Exercise) -> None:
    for wrong in exercise.reference.misconceptions.values():
        assert not re.search(r"\d\.\d", wrong.message), wrong.id
