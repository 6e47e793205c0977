"""tinyML, losses: the reference against torch and scikit-learn, the errata, follow-through, and the files around it."""

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
from sklearn.metrics.pairwise import cosine_similarity

from grader.checks import KINDS
from grader.course import Exercise, load_course
from grader.model import CheckResult
from grader.reference import Evaluation, Reference

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "exercises" / "tinyml" / "losses"
WRONG = ROOT / "reference" / "tinyml" / "wrong" / "losses"
SOLUTION = (ROOT / "reference" / "tinyml" / "solutions" / "losses.py").read_text(encoding="utf-8")
RUBRIC = yaml.safe_load((ROOT / "rubrics" / "tinyml" / "losses.yaml").read_text(encoding="utf-8"))
CHECKS = [one for criterion in RUBRIC["criteria"] for one in criterion["checks"]]
VALUES = {one["value"] for one in CHECKS if "value" in one}
TEXTS = {"mae", "lmac_terms"}
SEEDS = [None, *range(15)]


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    """The exercise in a course of its own."""
    root = tmp_path_factory.mktemp("course")
    for folder in ("exercises", "reference", "rubrics"):
        (root / folder).symlink_to(ROOT / folder)
    assignment = "  tinyml: {title: T, exercises: [losses]}\n"
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


def lost(results: dict[str, CheckResult]) -> dict[str, float]:
    """Return the fractions of the checks that do not earn everything; the written answers wait for a person."""
    return {name: one.fraction for name, one in results.items() if one.fraction < 1 and name not in TEXTS}


def named(results: dict[str, CheckResult]) -> set[str]:
    return {one.misconception for one in results.values() if one.misconception}


# The reference against torch and scikit-learn


def tensor(value: Any) -> torch.Tensor:
    return torch.tensor(np.asarray(value), dtype=torch.float64)


def classified(logits: Any, label: int) -> dict[str, Any]:
    """Return softmax, cross-entropy and its gradient by torch."""
    leaf = tensor(logits).requires_grad_()
    loss = torch.nn.functional.cross_entropy(leaf, torch.tensor(label))
    loss.backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None
    return {"p": torch.softmax(leaf, dim=0).detach(), "loss": loss.item(), "grad_logits": leaf.grad}


def contrasted(similarities: Any, tau: float) -> torch.Tensor:
    """Return l of every row with the other view of its sample: a classification among the other rows."""
    size = len(similarities)
    scores = (tensor(similarities) / tau).masked_fill(torch.eye(size, dtype=torch.bool), -torch.inf)
    partners = torch.arange(size).reshape(-1, 2).flip(1).ravel()
    return torch.nn.functional.cross_entropy(scores, partners, reduction="none")


@pytest.mark.parametrize("seed", SEEDS)
def test_every_value_agrees_with_torch(reference: Reference, seed: int | None) -> None:
    v = reference.evaluate(seed)
    found = classified(v["logits"], v["label"])
    similarities = cosine_similarity(v["Z"])
    losses = contrasted(similarities, v["tau"])
    found |= {"sim": similarities, "l_01": losses[0], "l_10": losses[1], "batch_loss": losses.mean()}
    assert set(found) == VALUES
    for name, expected in found.items():
        assert np.shape(v[name]) == np.shape(expected), name
        np.testing.assert_allclose(v[name], np.asarray(expected), rtol=1e-9, atol=1e-12, err_msg=name)


def test_functions_agree_with_torch(reference: Reference) -> None:
    functions = {name: one.function for name, one in reference.definitions.items()}
    truth = Evaluation(reference, None, hidden=3)
    usual = [(logits, label) for logits, label, _ in truth.cases("for_beside_softmax")]
    for logits, label in (*usual, *truth.cases("large")):
        found = classified(logits, label)
        np.testing.assert_allclose(functions["softmax"](logits), found["p"])
        assert functions["cross_entropy"](logits, label) == pytest.approx(found["loss"], rel=1e-10)
        np.testing.assert_allclose(functions["cross_entropy_gradient"](logits, label), found["grad_logits"], rtol=1e-9)
    for (representations,) in truth.cases("for_cosine_similarities"):
        found_here = functions["cosine_similarities"](representations)
        np.testing.assert_allclose(found_here, cosine_similarity(representations), atol=1e-12)
    for similarities, tau in truth.cases("for_simclr_loss"):
        expected = contrasted(similarities, tau).mean().item()
        assert functions["simclr_loss"](similarities, tau) == pytest.approx(expected)


# Mistakes


def shown(reference: Reference, seed: int | None) -> dict[tuple[str, str], Any]:
    """Return the wrong values by check and misconception: of the quantity itself, or of those that need it next."""
    truth = Evaluation(reference, seed)
    found: dict[tuple[str, str], Any] = {}
    for wrong in reference.misconceptions.values():
        if wrong.target in reference.definitions:
            continue
        mistaken = Evaluation(reference, seed, {wrong.target: truth.mistaken(wrong)})
        waiting = [wrong.target]
        while waiting:
            name = waiting.pop()
            if name in VALUES:
                found[name, wrong.id] = mistaken.value(name)
            else:
                waiting += [one for one, node in reference.quantities.items() if name in node.needs]
    return found


def distance(wrong: Any, right: Any) -> float:
    """Return how many tolerances of the rubric lie between two values, at the element where it is most."""
    options = RUBRIC["defaults"]["value"]
    return float(np.max(np.abs(np.subtract(wrong, right)) / (options["atol"] + options["rtol"] * np.abs(right))))


@pytest.mark.parametrize("seed", SEEDS)
def test_mistakes_are_far_from_right_and_from_each_other(reference: Reference, seed: int | None) -> None:
    right, found = reference.evaluate(seed), shown(reference, seed)
    near = {key: times for key, wrong in found.items() if (times := distance(wrong, right[key[0]])) <= 10}
    alike = [
        (one, other)
        for one, other in combinations(found, 2)
        if one[0] == other[0] and distance(found[one], found[other]) <= 2
    ]
    assert (near, alike) == ({}, [])


def test_every_usual_mistake_has_a_name(reference: Reference) -> None:
    usual = {
        "softmax": {"divided_by_sum", "sigmoid_of_each", "powers_of_two", "hard_maximum", "divided_by_largest"},
        "cross-entropy": {
            *("softmax_twice", "softmax_in_function_twice", "negative_logit", "negative_probability", "base_two"),
            *("base_ten", "loss_minus_lost", "squared_error_of_probabilities"),
        },
        "SimCLR": {
            *("itself_included", "positive_left_out", "temperature_multiplied", "one_order_only", "sum_for_mean"),
            *("product_for_cosine", "batch_with_itself", "batch_without_positive", "batch_temperature_multiplied"),
            *("batch_of_one_order", "batch_summed", "products_of_rows"),
        },
    }
    assert set().union(*usual.values()) <= set(reference.misconceptions)


def test_messages_for_students_hold_no_result(reference: Reference) -> None:
    for wrong in reference.misconceptions.values():
        assert "." not in wrong.message.replace(". ", " ").rstrip("."), wrong.id  # no decimal number


# Errata


def test_the_solution_earns_everything(exercise: Exercise) -> None:
    results = grade(exercise, SOLUTION)
    assert lost(results) == {}
    assert {name for name, one in results.items() if one.for_person} == TEXTS


def text_check(name: str) -> dict[str, Any]:
    (found,) = (one for one in CHECKS if one.get("text") == name)
    return dict(found)


def test_TML_03_cross_entropy_takes_logits(exercise: Exercise, reference: Reference) -> None:
    task = " ".join((FOLDER / "task.md").read_text(encoding="utf-8").split())
    assert "before softmax and without a sigmoid" in task
    # A shift of all logits changes nothing, which holds for logits and not for outputs of a sigmoid.
    function = reference.definitions["cross_entropy"].function
    logits = np.array([1.0, -0.5, 2.0])
    assert function(logits + 7, 1) == pytest.approx(function(logits, 1))
    # Who puts a sigmoid before the softmax, as the symbol on the slides suggests, loses p and nothing after it.
    sigmoid_first = "p = 1 / np.sum(np.exp(squashed)) * np.exp(squashed)"
    squashed = f"squashed = 1 / (1 + np.exp(-logits))\n{sigmoid_first}"
    results = grade(exercise, changed(("p = np.exp(logits) / np.sum(np.exp(logits))", squashed)))
    assert (lost(results), named(results)) == ({"p": 0.0}, {"sigmoid_before_softmax"})


def test_TML_08_cosine_temperature_and_mean_are_given(exercise: Exercise, reference: Reference) -> None:
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    assert "**cosine**" in task
    assert "over all 2N ordered pairs" in task
    assert "tau" in reference.givens
    products = (WRONG / "products_throughout.py").read_text(encoding="utf-8")
    results = grade(exercise, products)
    assert lost(results) == {"sim": 0.0, "cosine_similarities": 0.0}
    assert all(results[name].follow_through for name in ("l_01", "l_10", "batch_loss"))


def test_TML_09_the_terms_are_asked_in_words_only() -> None:
    check = text_check("lmac_terms")
    assert sum(one["points"] for one in check["key_points"]) == check["points"]
    assert any("reading of the norm, D and C" in one for one in check["accept"])
    settings = yaml.safe_load((FOLDER / "exercise.yaml").read_text(encoding="utf-8"))
    assert settings["items"]["T18"] == ["lmac_terms"]


def test_TML_11_kink_constant_gradient_or_a_reasoned_defence_are_accepted() -> None:
    check = text_check("mae")
    assert ["kink" in one["point"] or "constant" in one["point"] for one in check["key_points"]] == [True, True, False]
    assert any("reasoned defence, for all points" in one for one in check["accept"])


@pytest.mark.parametrize(
    "answer", ["It has a kink at zero, where there is no derivative.", "It is a good idea: outliers count less."]
)
def test_TML_11_every_answer_waits_for_a_person(exercise: Exercise, answer: str) -> None:
    start = SOLUTION.index('mae = """')
    written = SOLUTION[start : SOLUTION.index('"""', start + 10) + 3]
    assert grade(exercise, changed((written, f"mae = {answer!r}")))["mae"].for_person


@pytest.mark.parametrize(
    ("factor", "mistake"), [("np.sum(losses)", "sum_for_mean"), ("2 * np.mean(losses)", "mean_over_samples")]
)
def test_X_01_a_sum_in_place_of_the_mean_costs_half(exercise: Exercise, factor: str, mistake: str) -> None:
    results = grade(exercise, changed(("    return np.mean(losses)\n", f"    return {factor}\n")))
    assert lost(results) == {"batch_loss": 0.5, "simclr_loss": 0.75}
    assert mistake in named(results)


def test_X_02_rows_are_representations_and_no_array_of_them_is_square(exercise: Exercise, reference: Reference) -> None:
    truth = Evaluation(reference, None, hidden=1)
    shapes = [truth.value("Z").shape, *(one.shape for (one,) in truth.cases("for_cosine_similarities"))]
    assert [rows for rows, columns in shapes if rows == columns] == []
    columns = ("cosine_similarities(Z)\nl_01", "cosine_similarities(Z.T)\nl_01")
    result = grade(
        exercise,
        changed(
            columns,
            ("l_01 = pair_loss(sim,", "sim6 = cosine_similarities(Z)\nl_01 = pair_loss(sim6,"),
            ("l_10 = pair_loss(sim,", "l_10 = pair_loss(sim6,"),
            ("simclr_loss(sim, tau)\n\n# 3", "simclr_loss(sim6, tau)\n\n# 3"),
        ),
    )["sim"]
    assert (result.fraction, "shape" in result.message) == (0.0, True)


# Follow-through and fairness


@pytest.mark.parametrize(
    ("own", "name"),
    [
        ("grown[j] / np.sum(grown)", "itself_included"),
        ("grown[j] / (np.sum(grown) - grown[i] - grown[j])", "positive_left_out"),
    ],
)
def test_a_wrong_sum_costs_once_in_the_numbers(exercise: Exercise, own: str, name: str) -> None:
    results = grade(exercise, changed(("grown[j] / (np.sum(grown) - grown[i])", own)))
    assert lost(results) == {"l_01": 0.0, "simclr_loss": 0.0}
    assert name in named(results)


def test_a_wrong_temperature_costs_once_in_the_numbers(exercise: Exercise) -> None:
    results = grade(exercise, changed(("np.exp(sim[i] / tau)", "np.exp(sim[i] * tau)")))
    assert lost(results) == {"l_01": 0.0, "simclr_loss": 0.0}
    assert named(results) == {"temperature_multiplied", "batch_temperature_multiplied"}


def test_loss_and_gradient_follow_from_own_probabilities(exercise: Exercise) -> None:
    results = grade(
        exercise, changed(("p = np.exp(logits) / np.sum(np.exp(logits))", "p = 2**logits / np.sum(2**logits)"))
    )
    assert (lost(results), named(results)) == ({"p": 0.0}, {"powers_of_two"})
    assert results["loss"].follow_through
    assert results["grad_logits"].follow_through


def test_a_wrong_softmax_is_not_charged_again_in_loss_and_gradient(exercise: Exercise) -> None:
    start = SOLUTION.index("    shifted = logits")
    own_loss = SOLUTION[start : SOLUTION.index("\n\n\n", start)]
    pairs = [
        ("    return grown / np.sum(grown)\n", "    return grown\n"),
        (own_loss, "    return -np.log(softmax(logits)[label])"),
    ]
    results = grade(exercise, changed(*pairs))
    # For large logits nothing is replaced, since there the point is to avoid what overflows.
    assert lost(results) == {"softmax": 0.0, "cross_entropy_large": 0.0}
    assert results["softmax"].misconception == "softmax_by_largest"


def test_a_gradient_of_the_own_loss_is_right(exercise: Exercise) -> None:
    # To base 2, both: the function loses its checks, its gradient does not.
    text = changed(
        (
            "    return np.log(np.sum(np.exp(shifted))) - shifted[label]\n",
            "    return np.log2(np.sum(np.exp(shifted))) - shifted[label] / np.log(2)\n",
        ),
        (
            "    return softmax(logits) - np.eye(len(logits))[label]\n",
            "    return (softmax(logits) - np.eye(len(logits))[label]) / np.log(2)\n",
        ),
    )
    assert set(lost(grade(exercise, text))) == {"cross_entropy", "cross_entropy_large"}


def test_three_decimals_typed_in_are_enough(exercise: Exercise, reference: Reference) -> None:
    typed = "\n".join(f"{name} = {np.round(reference.evaluate()[name], 3).tolist()!r}" for name in sorted(VALUES))
    assert lost(grade(exercise, f"{SOLUTION}\n{typed}\n")) == {}


def test_torch_is_as_good_as_numpy(exercise: Exercise) -> None:
    own = """
import torch

sim = torch.nn.functional.cosine_similarity(torch.tensor(Z)[:, None], torch.tensor(Z)[None], dim=2)


def cross_entropy(logits, label):
    return torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(label))


def cross_entropy_gradient(logits, label):
    leaf = torch.tensor(logits, requires_grad=True)
    torch.nn.functional.cross_entropy(leaf, torch.tensor(label)).backward()
    return leaf.grad
"""
    assert lost(grade(exercise, SOLUTION + own)) == {}


# The files


def test_points_and_items_are_those_of_the_task(exercise: Exercise) -> None:
    assert exercise.rubric.points == 20
    settings = yaml.safe_load((FOLDER / "exercise.yaml").read_text(encoding="utf-8"))
    assert list(settings["items"]) == ["T14", "T16", "T17", "T18"]
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    for criterion in RUBRIC["criteria"]:
        assert f"{criterion['title']} ({criterion['points']} points)" in task


def test_personal_numbers_belong_to_the_seed(reference: Reference) -> None:
    one, again, other = (reference.evaluate(number) for number in (3, 3, 2**40))
    assert all(np.array_equal(one[name], again[name]) for name in reference.givens)
    assert not np.array_equal(one["Z"], other["Z"])


def test_starter_leaves_the_numbers_and_nothing_else(reference: Reference) -> None:
    left = runpy.run_path(str(FOLDER / "losses.py"))
    assert {name: left[name] for name in VALUES} == dict.fromkeys(VALUES)
    assert {left[name] for name in TEXTS} == {""}
    for name in reference.givens:
        np.testing.assert_array_equal(left[name], reference.evaluate()[name])
    assert set(reference.definitions) <= set(left)


def test_every_wrong_file_is_listed() -> None:
    listed = yaml.safe_load((WRONG / "wrong.yaml").read_text(encoding="utf-8"))
    assert set(listed) == {path.name for path in WRONG.glob("*.py")}


def test_what_is_asked_is_named_in_the_task(exercise: Exercise) -> None:
    task = (FOLDER / "task.md").read_text(encoding="utf-8")
    asked = {*VALUES, *TEXTS, *exercise.reference.definitions}
    assert [name for name in sorted(asked) if f"`{name}" not in task] == []
