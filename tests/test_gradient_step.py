"""Sheet 3, exercise 3.1: the reference against autograd, the printed facts, and the files around it."""

from __future__ import annotations

import ast
import runpy
from itertools import combinations
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
import yaml

from grader.reference import Evaluation, Reference, load

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "exercises" / "sheet3" / "gradient_step"
SOLUTIONS = ROOT / "reference" / "sheet3" / "solutions"
WRONG = ROOT / "reference" / "sheet3" / "wrong" / "gradient_step"
RUBRIC = yaml.safe_load((ROOT / "rubrics" / "sheet3" / "gradient_step.yaml").read_text(encoding="utf-8"))
CHECKS = {check["value"]: check for criterion in RUBRIC["criteria"] for check in criterion["checks"]}
GIVENS = ["x", "y", "W1", "b1", "W2", "b2", "learning_rate"]
HIDDEN = {"loss_scale", "step"}
SEEDS = range(50)


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load(ROOT / "reference" / "sheet3" / "gradient_step.py")


def by_autograd(values: dict[str, Any]) -> dict[str, Any]:
    """Return every quantity for the givens in ``values``, with the derivatives by torch, in float64."""
    given = {name: torch.tensor(values[name], dtype=torch.float64) for name in GIVENS}
    leaf = {name: given[name].requires_grad_() for name in ("W1", "b1", "W2", "b2")}
    z1 = torch.nn.functional.linear(given["x"], leaf["W1"].T, leaf["b1"])
    h = torch.relu(z1)
    y_hat = torch.dot(h, leaf["W2"]) + leaf["b2"]
    loss = torch.nn.functional.mse_loss(y_hat, given["y"]) / 2
    inner = {"z1": z1, "h": h, "y_hat": y_hat}
    for tensor in inner.values():
        tensor.retain_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    rate = float(given["learning_rate"])
    torch.optim.SGD(list(leaf.values()), lr=rate).step()
    found = {**inner, "loss": loss, **{f"{name}_new": tensor for name, tensor in leaf.items()}}
    found |= {f"grad_{name}": tensor.grad for name, tensor in {**inner, **leaf}.items() if tensor.grad is not None}
    return {name: tensor.detach().numpy() for name, tensor in found.items()} | {
        "loss_scale": 0.5,
        "step": -rate,
    }


@pytest.mark.parametrize("seed", [None, *SEEDS])
def test_every_quantity_agrees_with_autograd(reference: Reference, seed: int | None) -> None:
    values = reference.evaluate(seed)
    found = by_autograd({name: values[name] for name in GIVENS})
    assert set(reference.quantities) == set(CHECKS) | HIDDEN == set(found)
    for name, expected in found.items():
        assert np.shape(values[name]) == np.shape(expected), name
        np.testing.assert_allclose(values[name], expected, rtol=1e-12, atol=1e-12, err_msg=name)


def test_printed_numbers_give_the_known_values(reference: Reference) -> None:
    values = reference.evaluate()
    assert values["z1"].tolist() == [2.5, -4.0, 4.5]
    assert values["h"].tolist() == [2.5, 0.0, 4.5]
    assert (values["y_hat"], values["loss"], values["grad_y_hat"]) == (0.25, 2.0, 2.0)
    assert values["grad_W2"].tolist() == [5.0, 0.0, 9.0]
    assert values["grad_z1"].tolist() == [2.0, 0.0, -1.0]


def test_HD_01_without_relu_the_printed_network_hits_its_target(reference: Reference) -> None:
    truth = Evaluation(reference, None)
    linear = Evaluation(reference, None, {"h": truth.mistaken(reference.misconceptions["relu_omitted"])})
    assert (linear.value("y_hat"), linear.value("y"), linear.value("loss")) == (-1.75, -1.75, 0.0)


def test_HD_04_the_printed_step_overshoots(reference: Reference) -> None:
    values = reference.evaluate()
    after = Evaluation(reference, None, {name: values[f"{name}_new"] for name in ("W1", "b1", "W2", "b2")})
    assert after.value("loss") == pytest.approx(18.8498, abs=5e-5)


def shown(reference: Reference, seed: int | None) -> dict[tuple[str, str], Any]:
    """Return the wrong values by check and misconception; one of a hidden quantity shows in what needs it."""
    truth = Evaluation(reference, seed)
    found: dict[tuple[str, str], Any] = {}
    for wrong in reference.misconceptions.values():
        value = truth.mistaken(wrong)
        if wrong.target in CHECKS:
            found[wrong.target, wrong.id] = value
            continue
        mistaken = Evaluation(reference, seed, {wrong.target: value})
        for name, node in reference.quantities.items():
            if wrong.target in node.needs:
                found[name, wrong.id] = mistaken.value(name)
    return found


def distance(check: str, wrong: Any, right: Any) -> float:
    """Return how many tolerances of the check lie between two values, at the element where it is most."""
    options = {**RUBRIC["defaults"]["value"], **CHECKS[check]}
    tolerance = options["atol"] + options["rtol"] * np.abs(right)
    return float(np.max(np.abs(np.subtract(wrong, right)) / tolerance))


def test_every_misconception_is_far_from_right(reference: Reference) -> None:
    right = reference.evaluate()
    near = {key: distance(key[0], wrong, right[key[0]]) for key, wrong in shown(reference, None).items()}
    assert {key: times for key, times in near.items() if times <= 10} == {}


@pytest.mark.parametrize("seed", [None, *SEEDS])
def test_misconceptions_are_told_apart(reference: Reference, seed: int | None) -> None:
    right = reference.evaluate(seed)
    found = shown(reference, seed)
    like_right = [key for key, wrong in found.items() if distance(key[0], wrong, right[key[0]]) <= 2]
    alike = [
        (one, other)
        for one, other in combinations(found, 2)
        if one[0] == other[0] and distance(one[0], found[one], found[other]) <= 1
    ]
    assert (like_right, alike) == ([], [])


@pytest.mark.parametrize("seed", SEEDS)
def test_personal_numbers_are_short_and_instructive(reference: Reference, seed: int) -> None:
    values = reference.evaluate(seed)
    for name in GIVENS[:-1]:
        assert np.all(np.multiply(values[name], 4) % 1 == 0), name
    z1 = values["z1"]
    assert np.any(z1 > 0)
    assert np.any(z1 < 0)
    assert np.min(np.abs(z1)) >= 0.25
    assert values["y_hat"] != values["y"]
    assert all(np.any(values[name] != 0) for name in CHECKS if name.startswith("grad_"))


def test_personal_numbers_belong_to_the_seed(reference: Reference) -> None:
    one, again, other = (reference.evaluate(seed) for seed in (7, 7, 2**63 - 1))
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert not np.array_equal(one["W1"], other["W1"])


def notebook(path: Path) -> list[Any]:
    """Return the code cells of a notebook that is valid in format 4.5."""
    book = nbformat.read(path, as_version=nbformat.NO_CONVERT)  # type: ignore[no-untyped-call]
    nbformat.validate(book)
    assert (book.nbformat, book.nbformat_minor) == (4, 5)
    return [cell for cell in book.cells if cell.cell_type == "code"]


def names_after(path: Path) -> dict[str, Any]:
    """Return what a notebook or a module of ours leaves behind."""
    if path.suffix == ".py":
        return runpy.run_path(str(path))
    names: dict[str, Any] = {}
    for cell in notebook(path):
        exec(compile(cell.source, str(path), "exec"), names)  # noqa: S102 - our own file
    return names


@pytest.mark.parametrize("name", ["gradient_step.ipynb", "gradient_step.py"])
def test_starter_leaves_the_numbers_and_nothing_but_none(reference: Reference, name: str) -> None:
    left = names_after(FOLDER / name)
    assert {check: left[check] for check in CHECKS} == dict.fromkeys(CHECKS)
    for given in GIVENS:
        np.testing.assert_array_equal(left[given], reference.evaluate()[given])


def given_block(name: str) -> str:
    if name.endswith(".ipynb"):
        (cell,) = (cell for cell in notebook(FOLDER / name) if "given" in cell.metadata.get("tags", []))
        return str(cell.source)
    text = (FOLDER / name).read_text(encoding="utf-8")
    before, _, rest = text.partition("# --- given ---\n")
    assert "import numpy as np\n" in before
    return rest.partition("# --- end of given ---\n")[0]


@pytest.mark.parametrize("name", ["gradient_step.ipynb", "gradient_step.py"])
def test_given_numbers_are_plain_assignments_in_one_place(reference: Reference, name: str) -> None:
    statements = ast.parse(given_block(name)).body
    assert all(isinstance(one, ast.Assign) for one in statements)
    assert [ast.unparse(one).split(" = ")[0] for one in statements] == GIVENS == list(reference.givens)


@pytest.mark.parametrize("name", ["gradient_step.ipynb", "gradient_step.py"])
def test_solution_agrees_with_the_reference(reference: Reference, name: str) -> None:
    left = names_after(SOLUTIONS / name)
    for check in CHECKS:
        np.testing.assert_allclose(left[check], reference.evaluate()[check], rtol=1e-12, atol=1e-12)


def test_rubric_gives_the_sheet_its_points() -> None:
    points = {one["id"]: (one["points"], sum(c["points"] for c in one["checks"])) for one in RUBRIC["criteria"]}
    assert points == {"forward": (4, 4), "loss": (1, 1), "gradients": (8, 8), "update": (2, 2)}


def test_every_check_is_lost_by_a_known_wrong_hand_in() -> None:
    wrong = yaml.safe_load((WRONG / "wrong.yaml").read_text(encoding="utf-8"))
    assert set(wrong) == {path.name for path in WRONG.glob("*.py")}
    # Those that lose everything say little about a single check.
    lost = {check for entry in wrong.values() if len(entry["loses"]) < 10 for check in entry["loses"]}
    assert lost == set(CHECKS)


def test_every_usual_mistake_has_a_name(reference: Reference) -> None:
    usual = {
        *("relu_omitted", "mask_forgotten", "half_omitted", "n_counts_inputs", "n_counts_neurons"),
        *(
            "sign_turned",
            "step_uphill",
            "bias_omitted",
            "back_through_new_W2",
            "rate_a_tenth",
            "rate_omitted",
        ),
    }
    assert usual <= set(reference.misconceptions)


def test_messages_for_students_hold_no_result(reference: Reference) -> None:
    for wrong in reference.misconceptions.values():
        assert "." not in wrong.message.replace(". ", " ").rstrip("."), wrong.id  # no decimal number
