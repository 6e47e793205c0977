"""Near-identical code: found through renaming, reordering and comments; honest work and starters are left alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from course_helpers import RIGHT, hand_in, make_course, place

from grader.checks import KINDS
from grader.course import Course, load_course
from grader.importers import read_folder
from grader.model import AlikeCode, AlikePassage, Batch, Findings
from grader.pipeline import grade, publish, regrade
from grader.reports import class_page
from grader.similarity import COMMON_IN_SMALL, MOST_PAIRS, RUN, SHOWN, WINDOW, alike, fingerprints
from grader.store import Store, open_store

ROOT = Path(__file__).resolve().parents[1]

WORK = '''
import numpy as np


def softmax(scores):
    """Return the probabilities."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    return powers / powers.sum(axis=1, keepdims=True)


def train(images, labels, steps, rate):
    weights = np.zeros((images.shape[1], 10))
    history = []
    for step in range(steps):
        chosen = np.random.permutation(len(images))[:64]
        batch, wanted = images[chosen], labels[chosen]
        guessed = softmax(batch @ weights)
        guessed[np.arange(len(chosen)), wanted] -= 1
        weights = weights - rate * batch.T @ guessed / len(chosen)
        if step % 10 == 0:
            history.append(float((softmax(images @ weights).argmax(1) == labels).mean()))
    return weights, history
'''
OTHER = """
import torch
from torch import nn


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, x):
        return self.layers(x)


def fit(model, loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    accuracies = []
    for _ in range(epochs):
        right = total = 0
        for x, y in loader:
            optimizer.zero_grad()
            out = model(x)
            nn.functional.cross_entropy(out, y).backward()
            optimizer.step()
            right += (out.argmax(dim=1) == y).sum().item()
            total += len(y)
        accuracies.append(right / total)
    return accuracies
"""


def renamed(source: str) -> str:
    names = {"softmax": "sm", "scores": "z", "shifted": "d", "powers": "e", "train": "learn", "weights": "theta"}
    names |= {"images": "X", "labels": "t", "steps": "n_iter", "step": "k", "rate": "eta", "history": "log"}
    names |= {"chosen": "idx", "batch": "xb", "wanted": "tb", "guessed": "p", "np": "numpy_module"}
    return re.sub(r"\b[A-Za-z_]+\b", lambda match: names.get(match[0], match[0]), source)


def disguised(source: str) -> str:
    """Return the source with its functions in the other order, renamed, with comments, and laid out anew."""
    head, first, second = renamed(source).split("\n\n\n")
    first = first.replace('"""Return the probabilities."""', '"""Probabilities, one row each."""\n    # stable')
    second = second.replace(", 10))", ",\n        10))").replace("    p = sm", "    # forward pass\n\n        p = sm")
    return f"{head}\n\n\n{second}\n\n\n# softmax\n{first}"


def test_renaming_reordering_and_comments_hide_nothing() -> None:
    (pair,) = alike({"anna": WORK, "bela": disguised(WORK), "carl": OTHER})
    assert (pair.left, pair.right) == ("anna", "bela")
    assert min(pair.left_share, pair.right_share) > 0.7
    assert pair.passages
    for passage in pair.passages:
        left, right = WORK.split("\n")[passage.left_line - 1], disguised(WORK).split("\n")[passage.right_line - 1]
        assert passage.left.startswith(left)
        assert passage.right.startswith(right)
    assert any("guessed[np.arange(len(chosen)), wanted] -= 1" in passage.left for passage in pair.passages)
    assert any("p[numpy_module.arange(len(idx)), tb] -= 1" in passage.right for passage in pair.passages)


def test_a_part_that_was_taken_over_is_told_by_its_share() -> None:
    (pair,) = alike({"anna": WORK, "bela": WORK + OTHER.replace("fit", "fit_it")})
    assert pair.left_share > 0.9
    assert pair.right_share < 0.7


def test_the_same_formula_with_other_operands_is_another() -> None:
    chain = [f"v{n} = v{n - 1} * v{n - 1} + w{n} / v{n - 1} - u{n} + {n}" for n in range(1, 60)]
    other = [f"v{n} = v{n - 1} * w{n} + v{n - 1} / w{n} - v{n - 1} + {n}" for n in range(1, 60)]
    assert alike({"anna": "\n".join(chain), "bela": "\n".join(other)}) == ()
    assert len(alike({"anna": "\n".join(chain), "bela": "\n".join(chain).replace("v", "hidden_")})) == 1


def test_right_solutions_in_two_styles_are_not() -> None:
    compared = 0
    for exercise in load_course(ROOT, KINDS).exercises():
        solutions = {one.name: text_of(one.files[one.name]) for one in exercise.solutions if one.name in exercise.files}
        texts = {name: text for name, text in solutions.items() if text}
        if len(texts) > 1:
            compared += 1
            assert alike(texts, filter(None, map(text_of, exercise.starters))) == (), exercise.id
    assert compared >= 10


def text_of(path: Path) -> str:
    """Return the code of a module or a notebook; nothing for other files."""
    if path.suffix == ".ipynb":
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return path.read_text(encoding="utf-8") if path.suffix == ".py" else ""


def test_what_was_handed_out_is_nobodys() -> None:
    starter = WORK.replace("return weights, history", "...")
    assert len(alike({"anna": WORK, "bela": WORK})) == 1
    assert alike({"anna": WORK, "bela": WORK}, [WORK]) == ()
    assert alike({"anna": starter, "bela": renamed(starter)}, [starter]) == ()
    assert [pair.left for pair in alike({"anna": WORK + OTHER, "bela": WORK + OTHER, "carl": WORK}, [WORK])] == ["anna"]


def test_what_most_of_the_class_wrote_is_nobodys() -> None:
    everybody = {f"s{number:02}": f"{WORK}\nmine = {number}\n" for number in range(2 * COMMON_IN_SMALL + 5)}
    assert alike(everybody) == ()
    (pair,) = alike({**everybody, "x": WORK + OTHER, "y": WORK + OTHER})
    assert (pair.left, pair.right) == ("x", "y")


def test_so_many_common_tokens_are_always_noticed() -> None:
    shared = " + ".join(f"f{number}({number})" for number in range(1, 7))
    assert len(fingerprints(shared).hashes) >= 1
    assert RUN + WINDOW - 1 <= 6 * 4 + 5
    left, right = (set(fingerprints(f"{before}\nx = {shared}\n").hashes.tolist()) for before in (WORK, OTHER))
    assert left & right


@pytest.mark.parametrize("source", ["", "x = 1", "def broken(:\n  '''", "\x00\x01", "é = '\\d'\n" * 40, "(" * 500])
def test_no_source_is_too_odd(source: str) -> None:
    assert alike({"anna": source, "bela": OTHER}) == ()


def test_a_source_that_does_not_parse_is_compared_up_to_there() -> None:
    assert len(alike({"anna": WORK + "\nx = (", "bela": WORK + "\n  '''"})) == 1


def test_of_many_pairs_the_most_alike_are_kept() -> None:
    rings = {
        f"r{ring}m{member}": WORK.replace("64", f"{ring}").replace("10", f"{ring + 7}").replace("axis", f"axis{ring}")
        for ring in range(9)
        for member in range(8)
    }
    pairs = alike(rings)
    assert SHOWN < len(pairs) <= MOST_PAIRS
    assert all(pair.left[:2] == pair.right[:2] for pair in pairs)
    assert [bool(pair.passages) for pair in pairs] == [True] * SHOWN + [False] * (len(pairs) - SHOWN)


@pytest.fixture
def store() -> Iterator[Store]:
    with open_store(None) as opened:
        yield opened


def graded(course: Course, folder: Path, store: Store) -> Batch:
    return grade(course, course.assignments["sheet1"], read_folder(folder, "sheet1").submissions, place(store))


def assigned(source: str) -> str:
    """Return lines that the fake engine can read, and that no two people write by themselves."""
    numbers = [sum(map(ord, source[at : at + 7])) for at in range(0, 280, 7)]
    return RIGHT + "".join(f"step_{at} = [{number}, {number} , 1]\n" for at, number in enumerate(numbers))


def test_a_batch_keeps_the_pairs_and_regrade_shows_them(tmp_path: Path, store: Store) -> None:
    course = make_course(tmp_path / "course")
    files = {"anna": assigned(WORK), "bela": assigned(WORK).replace("step", "schritt"), "carl": assigned(OTHER)}
    batch = graded(course, hand_in(tmp_path / "all", {f"{k}/rectangles.py": v for k, v in files.items()}), store)
    (pair,) = batch.findings.alike_code
    assert (pair.exercise, pair.left, pair.right, pair.left_share) == ("rectangles", "anna", "bela", 1.0)
    again = regrade(course.assignments["sheet1"], store)
    assert again.batch.findings == batch.findings
    publish(again, store)
    last = store.last_grading("sheet1")
    assert last is not None
    assert last.findings == batch.findings
    page = class_page(again.batch, {})
    assert "step_0 = [" in page
    assert "schritt_0 = [" in page


def test_untouched_starters_are_not_compared(tmp_path: Path, store: Store) -> None:
    course = make_course(tmp_path / "course")
    starter = course.root / "exercises/sheet1/rectangles/rectangles.py"
    starter.write_text(assigned(WORK), encoding="utf-8")
    files = {"anna": assigned(WORK), "bela": assigned(WORK), "carl": assigned(WORK) + "area = 1.0\n"}
    batch = graded(course, hand_in(tmp_path / "all", {f"{k}/rectangles.py": v for k, v in files.items()}), store)
    assert batch.findings.alike_code == ()


def test_hostile_passages_stay_text(tmp_path: Path, store: Store) -> None:
    course = make_course(tmp_path / "course")
    batch = graded(course, hand_in(tmp_path / "all", {"anna/rectangles.py": RIGHT}), store)
    hostile = "</pre><script>alert(1)</script>{{ 7*7 }}\u202e"
    pair = AlikeCode(hostile, hostile, "anna", 0.9, 1.0, (AlikePassage(1, hostile, 2, hostile),))
    page = class_page(replace(batch, findings=Findings(alike_code=(pair,))), {})
    assert "<script" not in page
    assert page.count("&lt;/pre&gt;&lt;script&gt;") >= 4
