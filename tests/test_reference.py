"""The graph of an exercise: its order, its evaluation, and everything that can be wrong with an author's module."""

from __future__ import annotations

import hashlib
import itertools
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from judging_helpers import HEAD, write

import grader
from grader.errors import CourseError
from grader.reference import Evaluation, Reference, given, load, misconception, property_of, quantity, trial
from grader.reference.authoring import collecting

SHAPES = """
@given
def a(seed):
    return 2.0 if seed is None else float(seed)

@quantity
def volume(area, height):
    return area * height

@quantity
def area(a):
    '''Area of the square.

    More.'''
    return np.array([a, a]) * a

@given
def height():
    return 3

@misconception("area", "That is the perimeter.", also_loses=("volume",))
def perimeter(a):
    return np.array([4 * a, 4 * a])
"""
FIRST_LINE = HEAD.count("\n") + 1  # of what follows the imports


def reference_of(tmp_path: Path, text: str) -> Reference:
    return load(write(tmp_path, {"ref.py": HEAD + text}) / "ref.py")


def problems_of(tmp_path: Path, text: str) -> list[str]:
    """Return the problems as ``line: message``, with lines counted from the first after the imports."""
    path = tmp_path / "ref.py"
    with pytest.raises(CourseError) as caught:
        reference_of(tmp_path, text)
    found = []
    for problem in caught.value.problems:
        file, _, line = problem.where.rpartition(":")
        assert file == str(path) or problem.where == str(path)
        found.append(f"{int(line) - FIRST_LINE + 1}: {problem.message}" if file == str(path) else problem.message)
    return found


def test_parameters_name_what_is_needed(tmp_path: Path) -> None:
    reference = reference_of(tmp_path, SHAPES)
    assert reference.evaluate()["volume"].tolist() == [12.0, 12.0]
    assert (reference.givens, tuple(reference.quantities)) == (("a", "height"), ("volume", "area"))
    assert reference.nodes["volume"].needs == ("area", "height")
    assert (reference.nodes["area"].title, reference.nodes["volume"].title) == ("Area of the square.", "")
    assert reference.ancestors(["area"]) == {"area", "a"}
    assert reference.ancestors(["nothing"]) == frozenset()
    assert reference.sha256 == hashlib.sha256((tmp_path / "ref.py").read_bytes()).hexdigest()


def test_order_is_that_of_the_file_where_needs_allow(tmp_path: Path) -> None:
    reference = reference_of(tmp_path, SHAPES)
    assert reference.order == ("a", "area", "height", "volume")
    assert tuple(reference.nodes) == ("a", "volume", "area", "height")


def test_the_seed_reaches_givens(tmp_path: Path) -> None:
    reference = reference_of(tmp_path, SHAPES)
    assert [reference.evaluate(seed)["a"] for seed in (None, 0, 5)] == [2.0, 0.0, 5.0]


def test_fixed_values_are_taken_as_they_are(tmp_path: Path) -> None:
    evaluation = Evaluation(reference_of(tmp_path, SHAPES), None, {"area": np.array([1.0, 7.0])})
    assert evaluation.value("volume").tolist() == [3.0, 21.0]
    assert evaluation.value("area").tolist() == [1.0, 7.0]
    assert evaluation.recomputed("area").tolist() == [4.0, 4.0]
    perimeter = evaluation.reference.misconceptions["perimeter"]
    assert evaluation.mistaken(perimeter).tolist() == [8.0, 8.0]
    assert (perimeter.message, perimeter.also_loses) == ("That is the perimeter.", ("volume",))


def test_every_value_is_computed_once(tmp_path: Path) -> None:
    text = """
calls = []
@given
def a():
    calls.append("a")
    return 1
@quantity
def b(a):
    return a
@quantity
def c(a, b):
    return calls
"""
    assert Evaluation(reference_of(tmp_path, text), None).value("c") == ["a"]


@pytest.mark.parametrize("fixed", [None, {"area": np.array([1.0, 7.0])}])
def test_arrays_are_read_only(tmp_path: Path, fixed: dict[str, Any] | None) -> None:
    array = Evaluation(reference_of(tmp_path, SHAPES), None, fixed).value("area")
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 99.0
    if fixed:
        fixed["area"][0] = 2.0  # the caller's own array stays as it was
        assert array[0] == 2.0


def test_an_author_who_changes_an_input_is_told(tmp_path: Path) -> None:
    text = "\n@given\ndef a():\n    return np.ones(2)\n\n@quantity\ndef b(a):\n    a += 1\n    return a\n"
    with pytest.raises(ValueError, match="read-only"):
        reference_of(tmp_path, text).evaluate()


def test_numeric_warnings_are_left_to_the_comparison(tmp_path: Path) -> None:
    text = "\n@given\ndef a():\n    return np.zeros(2)\n\n@quantity\ndef b(a):\n    return 1 / a\n"
    assert reference_of(tmp_path, text).evaluate()["b"].tolist() == [np.inf, np.inf]


def test_decorated_functions_stay_plain_functions() -> None:
    @given
    def a() -> int:
        return 2

    @quantity
    def b(a: int) -> int:
        return a + 1

    @misconception("b", "No.")
    def c(a: int) -> int:
        return a

    assert (a(), b(4), c(4)) == (2, 5, 4)
    assert (grader.given, grader.quantity, grader.misconception) == (given, quantity, misconception)


def test_marks_are_collected_only_inside_the_block() -> None:
    with collecting() as outer:
        given(len)
        with collecting() as inner:
            quantity(max)
        given(min)
    given(sum)
    assert [mark.function for mark in outer] == [len, min]
    assert [(mark.role, mark.function) for mark in inner] == [("quantity", max)]


def test_a_reference_may_use_dataclasses_and_leaves_no_module_behind(tmp_path: Path) -> None:
    before = set(sys.modules)
    text = """
from __future__ import annotations
from dataclasses import dataclass
from functools import lru_cache
from grader import given, quantity

@dataclass(frozen=True)
class Box:
    side: float

@quantity
@lru_cache
def area(box):
    return box.side ** 2

@given
def box():
    return Box(3.0)
"""
    reference = load(write(tmp_path, {"ref.py": text}) / "ref.py")
    assert reference.evaluate()["area"] == 9.0
    assert reference.nodes["area"].line == 10
    assert {name for name in set(sys.modules) - before if name.startswith("_reference")} == set()


def test_a_name_twice(tmp_path: Path) -> None:
    text = "@given\ndef a(): return 1\n@quantity\ndef a(): return 1\n@misconception('a', 'No.')\ndef a(): return 2\n"
    sentence = "`a` is defined twice; give one of them another name"
    assert problems_of(tmp_path, text) == [f"3: {sentence}", f"5: {sentence}"]


def test_a_need_that_is_nothing_names_the_nearest(tmp_path: Path) -> None:
    text = """@given
def width(): return 1
@given
def half(area): return 1
@quantity
def area(widht): return 1
@quantity
def other(seed): return 1
@misconception("area", "No.")
def wrong(wdth, unlike): return 1
@misconception("are", "No.")
def lost(): return 1
@misconception("width", "No.")
def of_a_given(): return 1
"""
    assert problems_of(tmp_path, text) == [
        "3: `half` refers to `area`, which is no given",
        "5: `area` refers to `widht`, which is no given or quantity; did you mean `width`?",
        "7: `other` refers to `seed`, which is no given or quantity",
        "9: `wrong` refers to `wdth`, which is no given or quantity; did you mean `width`?",
        "9: `wrong` refers to `unlike`, which is no given or quantity",
        "11: `lost` refers to `are`, which is no quantity; did you mean `area`?",
        "13: `of_a_given` refers to `width`, which is no quantity",
    ]


def test_a_cycle_is_shown_in_the_order_of_needs(tmp_path: Path) -> None:
    text = "@quantity\ndef a(b): return 1\n@quantity\ndef b(c): return 1\n@quantity\ndef c(a): return 1\n"
    (problem,) = problems_of(tmp_path, text)
    line, _, path = problem.partition(": a cycle of needs: ")
    names = path.split(" → ")
    assert sorted(names[:-1]) == ["a", "b", "c"]
    assert names[0] == names[-1]
    assert set(itertools.pairwise(names)) == {("a", "b"), ("b", "c"), ("c", "a")}
    assert line == str({"a": 1, "b": 3, "c": 5}[names[0]])


def test_a_quantity_that_needs_itself(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "@quantity\ndef a(a): return 1\n") == ["1: a cycle of needs: a → a"]


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        ("*names", "`b` takes `*names`; name each quantity that it needs instead"),
        ("**names", "`b` takes `**names`; name each quantity that it needs instead"),
        ("a, /", "`b` takes `a`; name each quantity that it needs instead"),
        ("a=1", "`b` has a default for `a`; values come from the graph"),
        ("*, a=1", "`b` has a default for `a`; values come from the graph"),
    ],
)
def test_parameters_that_are_not_names(tmp_path: Path, signature: str, message: str) -> None:
    found = problems_of(tmp_path, f"@given\ndef a(): return 1\n@quantity\ndef b({signature}): return 1\n")
    assert f"3: {message}" in found


def test_keyword_only_parameters_are_names(tmp_path: Path) -> None:
    text = "@given\ndef a(): return 1\n@quantity\ndef b(*, a): return a + 1\n"
    assert reference_of(tmp_path, text).evaluate()["b"] == 2


def test_a_misconception_that_needs_what_it_replaces(tmp_path: Path) -> None:
    text = """@quantity
def a(): return 1
@quantity
def b(a): return 1
@misconception("a", "No.")
def direct(a): return 1
@misconception("a", "No.")
def by_a_detour(b): return 1
"""
    assert problems_of(tmp_path, text) == [
        "5: misconception `direct` needs `a`, which it replaces",
        "7: misconception `by_a_detour` needs `a`, which it replaces",
    ]


def test_a_misconception_without_a_sentence(tmp_path: Path) -> None:
    text = "@quantity\ndef a(): return 1\n@misconception('a', '  ')\ndef b(): return 1\n"
    assert problems_of(tmp_path, text) == ["3: misconception `b` has no sentence for the student"]


def test_seed_is_no_name_for_a_quantity(tmp_path: Path) -> None:
    found = problems_of(tmp_path, "@given\ndef seed(): return 1\n@quantity\ndef b(): return 1\n")
    assert found == ["1: `seed` is what a given calls the student's seed; give this another name"]


def test_what_is_no_function_cannot_be_marked(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, "@given\ndef a(): return 1\nquantity(3)\n")
    assert problem == "3 is marked as a quantity, but is no function"


def test_a_module_that_defines_nothing_is_enough_where_checks_need_nothing_of_it(tmp_path: Path) -> None:
    reference = reference_of(tmp_path, "x = 1\n")
    assert (reference.nodes, reference.definitions) == ({}, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ny = x / 0\n", "2: does not import: ZeroDivisionError: division by zero"),
        ("def f():\n    raise KeyError('k')\nf()\n", "2: does not import: KeyError: 'k'"),
        ("import not_there\n", "1: does not import: ModuleNotFoundError: No module named 'not_there'"),
        ("@misconception\ndef f(): return 1\n", "1: does not import: TypeError: misconception() missing 1 required"),
    ],
)
def test_a_module_that_does_not_import(tmp_path: Path, text: str, message: str) -> None:
    (problem,) = problems_of(tmp_path, text)
    assert problem.startswith(message)


def test_a_syntax_error_has_its_line(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, "x = 1\ndef f(:\n")
    assert problem.startswith("2: does not import: SyntaxError: ")


def test_a_module_with_a_null_byte(tmp_path: Path) -> None:
    write(tmp_path, {"ref.py": "x = '\0'\n"})
    with pytest.raises(CourseError, match=r"ref\.py.*: does not import: SyntaxError: source code"):
        load(tmp_path / "ref.py")


def test_a_missing_module(tmp_path: Path) -> None:
    with pytest.raises(CourseError) as caught:
        load(tmp_path / "none.py")
    assert (
        str(caught.value)
        == f"{tmp_path / 'none.py'}: cannot be read (No such file or directory); every exercise needs it"
    )


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    text = "@given\ndef a(x=1): return 1\n@quantity\ndef b(c): return 1\n@misconception('z', '')\ndef d(): return 1\n"
    found = problems_of(tmp_path, text)
    assert len(found) == 5
    assert {one.split(":")[0] for one in found} == {"1", "3", "5"}


FUNCTIONS = """
from grader import cases, function, property_of, trial
@function
def folds(n):
    return [[i] for i in range(n)]
@property_of("folds", "Every index once.")
def partition(inputs, result):
    return len(result) == inputs[0]
@trial("folds")
def twice(folds, n):
    '''Both.'''
    return [folds(n), folds(n)]
@cases("twice")
def some(rng):
    yield (3,)
"""


def test_properties_and_trials(tmp_path: Path) -> None:
    reference = reference_of(tmp_path, FUNCTIONS)
    partition, twice = reference.properties["partition"], reference.trials["twice"]
    line = FIRST_LINE - 1  # the text begins with an empty line
    assert (partition.target, partition.message, partition.line) == ("folds", "Every index once.", line + 6)
    assert partition.function((2,), [[0], [1]]) is True
    assert (twice.target, twice.line, reference.cases["some"].target) == ("folds", line + 9, "twice")
    assert twice.source == 'def twice(folds, n):\n    """Both."""\n    return [folds(n), folds(n)]'
    assert Evaluation(reference, None).cases("some") == ((3,),)
    assert (grader.property_of, grader.trial) == (property_of, trial)


def test_what_can_be_wrong_with_properties_and_trials(tmp_path: Path) -> None:
    text = """from grader import cases, function, property_of, trial
@function
def folds(n): return n
@property_of("fold", "Once.")
def a(inputs, result): return True
@property_of("folds", " ")
def b(result): return True
@trial("fold")
def c(folds): return folds
@trial("folds")
def folds(folds): return folds
@cases("d")
def e(rng): yield 1
"""
    assert problems_of(tmp_path, text) == [
        "6: property `b` takes 1 parameters; expected two: the inputs and the result",
        "6: property `b` has no sentence for the student",
        "10: `folds` is defined twice; give one of them another name",
        "12: `e` refers to `d`, which is no function",
        "4: `a` refers to `fold`, which is no function; did you mean `folds`?",
        "8: `c` refers to `fold`, which is no function; did you mean `folds`?",
    ]


def test_hidden_inputs_of_many_hand_ins_are_not_all_kept(tmp_path: Path) -> None:
    text = """
    from grader import cases, function

    @function
    def twice(x):
        return 2 * x

    @cases("twice")
    def some(rng):
        yield (rng.normal(size=3),)
    """
    reference = load(write(tmp_path, {"ex.py": text}) / "ex.py")
    evaluations = [Evaluation(reference, None, hidden=hidden) for hidden in range(300)]
    first = evaluations[0].cases("some")
    assert evaluations[0].cases("some") is first
    kept = [weakref.ref(one.cases("some")[0][0]) for one in evaluations]
    del first
    assert sum(one() is not None for one in kept) < 150
    (again,) = evaluations[0].cases("some")[0]
    np.testing.assert_array_equal(again, np.random.Generator.normal(evaluations[0].generator("some"), size=3))
