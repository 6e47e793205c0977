"""The kind ``accuracy`` where the student's own loader makes the network's inputs, and bands hang on the data."""

from __future__ import annotations

from pathlib import Path

import pytest
from judging_helpers import lost
from observing_helpers import grade, make_exercise

from grader.course import Exercise
from grader.errors import CourseError

REFERENCE = """
@function
def read(text):
    return np.array([[float(one) for one in line.split()] for line in text.splitlines()])

@trial("read")
def through(read, numbers):
    return read("\\n".join(" ".join(str(one) for one in row) for row in numbers))

@cases("through")
def hidden(rng):
    x = rng.normal(size=(300, 3))
    yield x, np.argmax(x, axis=1)

@quantity
def ladder():
    return [(0.9, 1.0), (0.3, 0.5)]
"""
CHECK = "accuracy: net, data: hidden, network: net, prepare: through, bands: ladder"
NET = """
import numpy as np
import torch

net = torch.nn.Linear(3, 3)
net.weight.data = torch.eye(3)
net.bias.data = torch.zeros(3)

def read(text):
    return torch.tensor([[float(one) for one in line.split()] for line in text.splitlines()])
"""


@pytest.fixture(scope="module")
def exercise(tmp_path_factory: pytest.TempPathFactory) -> Exercise:
    return make_exercise(tmp_path_factory.mktemp("prepared"), REFERENCE, CHECK)


@pytest.mark.parametrize(
    "more",
    [
        "",
        "old = read\ndef read(text): return old(text).numpy()\n",
        "old = read\ndef read(text): return old(text).double()\n",
        # The weights belong to the scale that the loader makes: with other inputs they would be wrong.
        "old = read\ndef read(text): return -3 * old(text)\nnet.weight.data *= -1\n",
    ],
)
def test_inputs_are_what_the_student_makes_of_them(exercise: Exercise, more: str) -> None:
    result = grade(exercise, NET + more)["net"]
    assert result.fraction == 1, result.message


@pytest.mark.parametrize(
    ("more", "fraction", "message"),
    [
        ("net.weight.data *= -1", 0.0, "as they are, it is 0.0"),
        ("net.weight.data[0] = 0", 0.5, "The next step is at 0.9."),
        ("del read", 0.0, "`read` is needed for its inputs, but there is no variable"),
        ("read = None", 0.0, "`read` is needed for its inputs, but 'read' is no function"),
        ("def read(text): return 1 / 0", 0.0, "`read`, which makes its inputs, raised ZeroDivisionError: "),
        ("def read(text): assert text is None", 0.0, "`read`, which makes its inputs, raised AssertionError"),
        ("def read(text): return None", 0.0, "`read` makes inputs of type NoneType; a tensor or an array is needed."),
        (
            "old = read\ndef read(text): return old(text)[:-1]",
            0.0,
            "has shape (299, 3); expected one class for each of 300 examples.",
        ),
    ],
)
def test_what_is_not_right(exercise: Exercise, more: str, fraction: float, message: str) -> None:
    result = grade(exercise, f"{NET}\n{more}\n")["net"]
    assert result.fraction == fraction
    assert message in result.message


def test_the_network_itself_is_asked_for_first(exercise: Exercise) -> None:
    results = grade(exercise, "def read(text): return 1 / 0\n")
    assert lost(results) == ["net"]
    assert results["net"].message == "`net` is not defined at the end of the run."


@pytest.mark.parametrize(
    ("check", "problem"),
    [
        (CHECK.replace("through", "thruogh"), "did you mean `through`?"),
        (CHECK.replace("network: net, ", ""), "prepare: `network` is missing, whose inputs it makes"),
        (CHECK.replace("ladder", "lader"), "did you mean `ladder`?"),
    ],
)
def test_mistakes_of_authors(tmp_path: Path, check: str, problem: str) -> None:
    with pytest.raises(CourseError) as caught:
        make_exercise(tmp_path, REFERENCE, check)
    assert problem in str(caught.value)
