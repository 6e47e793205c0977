"""What authors get: given numbers in starters, a scaffold that works, and tests of the course itself."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from judging_helpers import HEAD, course_files, make_exercise, rubric, write

from grader import pytest_plugin
from grader.checks import KINDS
from grader.course import Course, load_course
from grader.engines import LocalPool
from grader.errors import CourseError, UsageError
from grader.execution import environment
from grader.pipeline import Workplace
from grader.sandbox import make_sandbox, strongest_rung
from grader.scaffold import new_course, new_exercise
from grader.starters import literal, with_given, without_given
from grader.store import open_store
from grader.validate import Outcome, outcome_names, reference_problems, validate

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def workplace() -> Iterator[Workplace]:
    # The strongest one, which pytest and `grade validate` take, too; where it is warm it takes a fraction of the time.
    with closing(make_sandbox(strongest_rung())) as sandbox, open_store(None) as store:
        yield Workplace(LocalPool(sandbox, os.cpu_count() or 1), sandbox.name, environment(), store)


def complaints(outcomes: tuple[Outcome, ...]) -> dict[str, tuple[str, ...]]:
    assert all(one.passed == (not one.complaints) for one in outcomes)
    return {one.id: one.complaints for one in outcomes if not one.passed}


# Literals and starters


def evaluated(source: str) -> Any:
    return eval(source, {"np": np})  # noqa: S307 - our own text


LITERALS: dict[str, Any] = {
    "1": 1,
    "True": True,
    "0.1": 0.1,
    "'a\"b'": 'a"b',
    "None": None,
    "float('inf')": float("inf"),
    "float('-inf')": np.float32("-inf"),
    "2.5": np.array(2.5),
    "3": np.int8(3),
    "(1+2j)": 1 + 2j,
    "[1, (2.5, float('inf'),), []]": [1, (np.float64(2.5), np.inf), []],
    "()": (),
    "(1,)": (1,),
    "np.array([1., 2.])": torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True),
    "np.array([1, 2], dtype=np.uint8)": np.array([1, 2], np.uint8),
    "np.array([ True, False])": np.array([True, False]),
    "np.zeros((0, 3), dtype='float32')": np.zeros((0, 3), np.float32),
}


@pytest.mark.parametrize("source", LITERALS)
def test_literals(source: str) -> None:
    assert literal(LITERALS[source]) == source
    evaluated(source)


def test_a_literal_that_is_not_a_number() -> None:
    assert np.isnan(evaluated(literal(float("nan"))))
    np.testing.assert_array_equal(evaluated(literal(np.array([np.nan, np.inf, -np.inf]))), [np.nan, np.inf, -np.inf])


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.floats(width=32), min_size=1, max_size=40),
    st.sampled_from([np.float32, np.float64, np.complex128]),
    st.booleans(),
)
def test_literals_are_exact(numbers: list[float], dtype: type[Any], column: bool) -> None:
    array = np.array(numbers, dtype).reshape(-1, 1) if column else np.array(numbers, dtype)
    again = evaluated(literal(array))
    assert (again.dtype, again.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(again, array)


MODULE = "import numpy as np\n\n# --- given ---  do not change\nx = 1\n\n# --- end of given ---\n\nz = None\n"


def notebook(*cells: dict[str, Any]) -> str:
    return json.dumps({"cells": list(cells), "metadata": {"é": 1}, "nbformat": 4, "nbformat_minor": 5})


def code(source: Any, *tags: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": source}


def test_given_numbers_are_written_into_a_module() -> None:
    text = with_given("w.py", MODULE, {"x": np.array([1.5, 2.0]), "y": 3})
    assert text == MODULE.replace("x = 1\n\n", "x = np.array([1.5, 2. ])\ny = 3\n")
    assert with_given("w.py", MODULE, {"x": "\\1"}) == MODULE.replace("x = 1\n\n", "x = '\\\\1'\n")


def test_given_numbers_are_written_into_a_notebook() -> None:
    cells = [code("import numpy as np"), code("x = 1", "given"), code("z = None")]
    text = with_given("w.IPYNB", notebook(*cells), {"x": 2, "y": 3})
    assert json.loads(text)["cells"] == [cells[0], code("x = 2\ny = 3", "given"), cells[2]]
    assert '"é"' in text


def test_a_starter_without_a_place_for_them() -> None:
    with pytest.raises(ValueError, match=r"^w\.py: no lines `# --- given ---` and `# --- end of given ---`$"):
        with_given("w.py", "z = None\n", {"x": 1})
    with pytest.raises(ValueError, match=r"^w\.ipynb: no cell tagged `given`$"):
        with_given("w.ipynb", notebook(code("x = 1", "other")), {"x": 1})


def test_the_code_of_a_hand_in_without_given_numbers() -> None:
    assert without_given("w.py", MODULE) == "import numpy as np\n\n\nz = None\n"
    assert without_given("w.py", "z = 1\n") == "z = 1\n"
    markdown = {"cell_type": "markdown", "metadata": {}, "source": "# Text"}
    odd = {"cell_type": "code", "metadata": {"tags": 5}, "source": "c = 3"}
    cells = [
        markdown,
        code(["a = 1\n", "b = 2"]),
        code("x = 1", "given"),
        odd,
        {"cell_type": "code", "source": "d = 4"},
    ]
    assert without_given("w.ipynb", notebook(*cells)) == "a = 1\nb = 2\nc = 3\nd = 4"


# The scaffold


def test_a_new_course_stands_its_own_tests(tmp_path: Path, workplace: Workplace) -> None:
    written = new_course(tmp_path / "deep" / "c", "Anna's: course")
    assert all(path.is_file() for path in written)
    assert sorted(path.name for path in written) == [
        "course.yaml",
        "exercise.yaml",
        "rectangles.ipynb",
        "rectangles.py",
        "rectangles.py",
        "rectangles.yaml",
        "task.md",
    ]
    more = new_exercise(tmp_path / "deep" / "c", "sheet2/circles")
    assert more[-1] == tmp_path / "deep" / "c" / "course.yaml"
    course = load_course(tmp_path / "deep" / "c", KINDS)
    assert course.title == "Anna's: course"
    outcomes = validate(course, course.exercises(), workplace)
    assert complaints(outcomes) == {}
    ids = [f"{one.assignment}/{one.id}: {name}" for one in course.exercises() for name in outcome_names(one)]
    assert sorted(one.id for one in outcomes) == sorted(ids)
    assert [one.id for one in outcomes][:5] == [
        "sheet1/rectangles: reference",
        "sheet1/rectangles: starter rectangles.ipynb",
        "sheet1/rectangles: starter rectangles.py",
        "sheet1/rectangles: perimeter",
        "sheet1/rectangles: both_sides_doubled",
    ]


def test_a_course_is_not_overwritten(tmp_path: Path) -> None:
    write(tmp_path, {"course.yaml": "mine\n"})
    with pytest.raises(UsageError) as caught:
        new_course(tmp_path, "T")
    assert str(caught.value) == f"{tmp_path / 'course.yaml'}: there is a course here already; choose another folder"
    assert (tmp_path / "course.yaml").read_text() == "mine\n"
    assert list(tmp_path.iterdir()) == [tmp_path / "course.yaml"]


@pytest.mark.parametrize("name", ["", "a", "a/", "/b", "a/b/c", "1/b", "a/b.c", "a/../b", "a b/c", "ä/b"])
def test_names_of_another_form(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        new_exercise(tmp_path, name)
    assert str(caught.value) == f"{name!r}: expected ASSIGNMENT/EXERCISE, each of letters, digits, _ and -"


@pytest.mark.parametrize("taken", ["exercises/sheet/b/x", "reference/sheet/b.py", "rubrics/sheet/b.yaml"])
def test_a_taken_name_is_refused(tmp_path: Path, taken: str) -> None:
    write(tmp_path, {"course.yaml": "title: T\nassignments:\n", taken: ""})
    place = tmp_path / taken.removesuffix("/x")
    with pytest.raises(UsageError) as caught:
        new_exercise(tmp_path, "sheet/b")
    assert str(caught.value) == f"{place}: exists already; choose another name"
    assert (tmp_path / "course.yaml").read_text() == "title: T\nassignments:\n"


TOP = "# My course\ntitle: T # a title\nassignments: # all\n"
FLOW = "  sheet: # the first\n    title: S\n    exercises: [a] # one\n    # end\n"
COURSES = {
    "flow": (TOP + FLOW, TOP + FLOW.replace("[a]", "[a, new]")),
    "flow over lines": (
        TOP + "  sheet:\n    exercises: [\n      a, # one\n      b,\n    ]\n    title: S\n",
        TOP + "  sheet:\n    exercises: [\n      a, # one\n      b, new\n    ]\n    title: S\n",
    ),
    "block": (
        TOP + "  sheet:\n    exercises:\n      - a\n      - b # two\n\n    title: S\n  zeta:\n    title: Z\n"
        "    exercises: [z]\n",
        TOP
        + "  sheet:\n    exercises:\n      - a\n      - b # two\n      - new\n\n    title: S\n  zeta:\n    title: Z\n"
        "    exercises: [z]\n",
    ),
    "block without indentation": (
        TOP + "  sheet:\n    title: S\n    exercises:\n    - a",
        TOP + "  sheet:\n    title: S\n    exercises:\n    - a\n    - new\n",
    ),
    "not the last": (
        TOP + FLOW + "  # about zeta\n  zeta:\n    title: Z\n    exercises: [z]\n",
        TOP + FLOW.replace("[a]", "[a, new]") + "  # about zeta\n  zeta:\n    title: Z\n    exercises: [z]\n",
    ),
    "new assignment": (
        TOP + FLOW.replace("sheet", "other"),
        TOP + FLOW.replace("sheet", "other") + "  sheet:\n    title: sheet\n    exercises: [new]\n",
    ),
    "new assignment before other keys": (
        TOP + FLOW.replace("sheet", "other") + "\n# a word\nkey: word\n",
        TOP
        + FLOW.replace("sheet", "other")
        + "  sheet:\n    title: sheet\n    exercises: [new]\n\n# a word\nkey: word\n",
    ),
    "the same name elsewhere": (
        "notes:\n  sheet:\n    exercises: [x]\n" + TOP + FLOW,
        "notes:\n  sheet:\n    exercises: [x]\n" + TOP + FLOW.replace("[a]", "[a, new]"),
    ),
    "listed already": (TOP + FLOW.replace("[a]", "[new]"), TOP + FLOW.replace("[a]", "[new]")),
}


@pytest.mark.parametrize("form", COURSES)
def test_a_new_exercise_leaves_every_other_line_as_it_is(tmp_path: Path, form: str) -> None:
    before, after = COURSES[form]
    (tmp_path / "course.yaml").write_text(before, encoding="utf-8")
    written = new_exercise(tmp_path, "sheet/new")
    assert (tmp_path / "course.yaml").read_text(encoding="utf-8") == after
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "exercises/sheet/new/exercise.yaml",
        "exercises/sheet/new/task.md",
        "exercises/sheet/new/new.py",
        "exercises/sheet/new/new.ipynb",
        "reference/sheet/new.py",
        "rubrics/sheet/new.yaml",
        "course.yaml",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "title: T\nassignments:\n    sheet:\n        title: S\n        exercises: [a]\n",
        "title: T\nassignments: {sheet: {title: S, exercises: [a]}}\n",
        'title: T\nassignments:\n  "sheet":\n    title: S\n    exercises: [a]\n',
        "title: T\nassignments:\n  sheet:\n    title: S\n",
        "title: T\nassignments:\n  sheet:\n    exercises: &all [a]\n    title: S\n  other: {exercises: *all}\n",
        "title: T\nassignments:\n  sheet:\n    exercises: [a # not ] here\n    ]\n",
        "title: T\n",
        "",
    ],
)
def test_a_course_file_without_a_clear_place(tmp_path: Path, text: str) -> None:
    (tmp_path / "course.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        new_exercise(tmp_path, "sheet/new")
    assert str(caught.value) == (
        f"{tmp_path / 'course.yaml'}: found no clear place for 'new' under `assignments`, 'sheet', `exercises`; "
        "add it there by hand, then repeat this command"
    )
    assert (tmp_path / "course.yaml").read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [tmp_path / "course.yaml"]


def test_yaml_words_are_no_names(tmp_path: Path) -> None:
    (tmp_path / "course.yaml").write_text(TOP + FLOW, encoding="utf-8")
    for name in ("no/a", "sheet/yes"):
        with pytest.raises(UsageError, match="found no clear place for "):
            new_exercise(tmp_path, name)
    assert list(tmp_path.iterdir()) == [tmp_path / "course.yaml"]


def test_a_broken_course_file_stays_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, {"course.yaml": "title: [\n"})
    with pytest.raises(CourseError, match="is not YAML"):
        new_exercise(tmp_path, "sheet/new")


# grade validate


REFERENCE = """
@given
def a(): return 3.0

@quantity
def area(a): return a * a

@quantity
def volume(area, a): return area * a

@misconception("area", "Twice the side is no area.")
def doubled(a): return 2 * a + 1

@misconception("volume", "That is the surface.")
def surface(area): return 6 * area
"""
CHECKS = rubric("value: area", "value: volume")
STARTER = "area = None\nvolume = None\n"
RIGHT = "area = 9\nvolume = 27.0\n"


def faulty(name: str, reference: str = REFERENCE, checks: str = CHECKS, **files: str) -> dict[str, str]:
    """Return the files of an exercise; ``files`` are ``starter``, ``solution``, ``wrong`` and ``wrong_yaml``."""
    found = course_files(reference, checks, name=name)
    found[f"exercises/sheet/{name}/exercise.yaml"] = f"title: E\nfiles: [{name}.py]\nstarters: [{name}.py]\n"
    found[f"exercises/sheet/{name}/{name}.py"] = files.get("starter", STARTER)
    if "solution" in files:
        found[f"reference/sheet/solutions/{name}.py"] = files["solution"]
    if "wrong" in files:
        found[f"reference/sheet/wrong/{name}/w.py"] = files["wrong"]
        found[f"reference/sheet/wrong/{name}/wrong.yaml"] = files["wrong_yaml"]
    return found


HIDDEN = """
@quantity
def scale(): return {"half": 0.5}

@quantity
def area(scale): return [scale["half"], float("inf")]

@quantity
def volume(scale): return __import__("torch").tensor([scale["half"]])

@misconception("scale", "The half is missing.", also_loses=("volume",))
def whole(): return {"half": 1.0}
"""
NOTEBOOK = "title: E\nfiles: [in_a_notebook.ipynb]\n"
EXERCISES = {
    "good": faulty("good", solution=RIGHT),
    "wrong_solution": faulty("wrong_solution", solution="area = 9\nvolume = 28\n"),
    "earning_starter": faulty("earning_starter", starter="area = 9.0\nvolume = None\n"),
    "raising_starter": faulty("raising_starter", starter="area = None\nvolume = 1 / 0\n"),
    "like_right": faulty("like_right", REFERENCE.replace("2 * a + 1", "a + 6 + 1e-9")),
    "loses_more": faulty("loses_more", REFERENCE.replace("2 * a + 1", "0 * a")),
    "wrong_expectation": faulty(
        "wrong_expectation",
        wrong="area = 9\nvolume = 54\n",
        wrong_yaml="w.py: {title: W, loses: [area], names: [doubled]}\n",
    ),
    "unlosable": faulty("unlosable", REFERENCE.partition('@misconception("volume"')[0]),
    "needs_no_module": {**faulty("in_a_notebook"), "exercises/sheet/in_a_notebook/exercise.yaml": NOTEBOOK},
    "hidden": faulty("hidden", HIDDEN, rubric("value: area, follow_through: 0", "value: volume, follow_through: 0")),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, workplace: Workplace) -> dict[str, tuple[str, ...]]:
    root = tmp_path_factory.mktemp("faulty")
    for files in EXERCISES.values():
        write(root, files)
    names = ", ".join("in_a_notebook" if name == "needs_no_module" else name for name in EXERCISES)
    write(root, {"course.yaml": f"title: T\nassignments:\n  sheet:\n    title: S\n    exercises: [{names}]\n"})
    course = load_course(root, KINDS)
    found = validate(course, course.exercises(), workplace)
    ids = [f"sheet/{one.id}: {name}" for one in course.exercises() for name in outcome_names(one)]
    assert sorted(one.id for one in found) == sorted(ids)
    return complaints(found)


@pytest.mark.parametrize("name", ["good", "in_a_notebook", "hidden"])
def test_a_sound_exercise_has_no_complaints(outcomes: dict[str, tuple[str, ...]], name: str) -> None:
    assert {key: found for key, found in outcomes.items() if key.startswith(f"sheet/{name}:")} == {}


COMPLAINTS = {
    "wrong_solution: solution wrong_solution.py": (
        "loses volume, which it should not (failed: `volume` is not right: yours is 28.)",
    ),
    "earning_starter: starter earning_starter.py": ("loses not area, which it should",),
    "raising_starter: starter raising_starter.py": (
        "does not run from top to bottom: line 2 raised ZeroDivisionError: division by zero.",
    ),
    "like_right: doubled": ("loses not area, which it should", "is named not doubled, which it should"),
    "like_right: every check can be lost": (
        "check area is lost by no known-wrong hand-in; add a misconception or a file under wrong/",
    ),
    "loses_more: doubled": (
        (
            "loses volume, which it should not (failed: `volume` is not right. It agrees with your own `area`, but "
            "since that is zero throughout, nothing had to be calculated here; mend that first.)"
        ),
    ),
    "wrong_expectation: wrong w.py": (
        "loses volume, which it should not (failed: That is the surface.)",
        "loses not area, which it should",
        "is named surface, which it should not",
        "is named not doubled, which it should",
    ),
    "unlosable: every check can be lost": (
        "check volume is lost by no known-wrong hand-in; add a misconception or a file under wrong/",
    ),
}


@pytest.mark.parametrize("identifier", COMPLAINTS)
def test_a_fault_is_found(outcomes: dict[str, tuple[str, ...]], identifier: str) -> None:
    assert outcomes[f"sheet/{identifier}"] == COMPLAINTS[identifier]


def test_nothing_else_is_complained_of(outcomes: dict[str, tuple[str, ...]]) -> None:
    assert set(outcomes) == {f"sheet/{one}" for one in COMPLAINTS}


def test_all_known_hand_ins_get_the_same_hidden_inputs(tmp_path: Path, workplace: Workplace) -> None:
    text = """
from grader.reference.authoring import cases, function
@function
def double(x): return 2 * x
@cases("double")
def numbers(rng):
    DRAWN.append(1)
    yield (rng.normal(),)
@misconception("double", "Twice, not squared.")
def squared(x): return x**2
DRAWN = []
"""
    solution = {"reference/sheet/solutions/ex.py": "def double(x):\n    return x + x\n"}
    course = load_course(write(tmp_path, {**course_files(HEAD + text, rubric("call: double")), **solution}), KINDS)
    (exercise,) = course.exercises()
    outcomes = validate(course, [exercise], workplace)
    assert complaints(outcomes) == {}
    assert len(outcomes) > 2
    assert exercise.reference.cases["numbers"].function.__globals__["DRAWN"] == [1]


def test_all_faulty_functions_of_a_reference_are_found_before_anything_runs(tmp_path: Path) -> None:
    text = """
@quantity
def a(): return 1 / 0
@quantity
def b(a): return a
@quantity
def c(): return None
@quantity
def hidden(): return object()
"""
    exercise = make_exercise(tmp_path, text, "value: a", "value: b", "value: c")
    found = list(reference_problems(exercise))
    line, path = (HEAD + text).splitlines().index("def a(): return 1 / 0"), exercise.reference.path
    assert [str(problem) for problem in found] == [
        f"{path}:{line}: `a` cannot be evaluated: ZeroDivisionError: division by zero",
        (
            f"{path}:{line + 4}: `c` cannot be evaluated: TypeError: the reference computed NoneType None; "
            "expected a number, an array of numbers or text"
        ),
    ]


def test_faulty_misconceptions_are_found_before_anything_runs(tmp_path: Path) -> None:
    text = """
@quantity
def a(): return np.ones(3)
@quantity
def b(a): return a + np.arange(3)
@misconception("a", "No.")
def forgets(): pass
@misconception("a", "No.")
def raises(): return [][0]
@misconception("a", "No.")
def breaks_b(): return np.ones(4)
"""
    exercise = make_exercise(tmp_path, text, "value: a", "value: b")
    messages = [problem.message for problem in reference_problems(exercise)]
    assert messages[0].startswith(
        "misconception `forgets` cannot be evaluated: TypeError: the reference computed NoneType"
    )
    assert messages[1:] == [
        "misconception `raises` cannot be evaluated: IndexError: list index out of range",
        (
            "misconception `breaks_b` cannot be evaluated: ValueError: operands could not be broadcast together with "
            "shapes (4,) (3,) "
        ),
    ]


def test_a_fault_of_the_machine_is_said_to_be_one(tmp_path: Path, workplace: Workplace) -> None:
    class Broken(LocalPool):
        def run(self, jobs: Any) -> Any:
            for key, run in super().run(jobs):
                yield key, type(run)(type(run.stop).INFRASTRUCTURE, 0.0, run.isolation, run.environment, "no room")

    course = load_course(write(tmp_path, course_files(REFERENCE, CHECKS)), KINDS)
    with open_store(None) as store:
        broken = Workplace(Broken(make_sandbox("selfcheck"), 1), "selfcheck", workplace.environment, store)
        found = complaints(validate(course, course.exercises(), broken))
    (complaint,) = found["sheet/ex: reference"]
    assert complaint == "could not be run, by a fault of this machine: no room"


# The pytest plugin


def test_pytest_tests_a_course(pytester: pytest.Pytester) -> None:
    new_course(pytester.path / "good", "T")
    new_course(pytester.path / "failing", "T")
    starter = pytester.path / "failing" / "exercises" / "sheet1" / "rectangles" / "rectangles.py"
    starter.write_text(starter.read_text().replace("area = None\n", "area = 13.5\n", 1), encoding="utf-8")
    new_course(pytester.path / "broken", "T")
    (pytester.path / "broken" / "course.yaml").write_text("titel: T\n", encoding="utf-8")
    write(pytester.path, {"elsewhere/course.yaml": "not: ours\n"})
    result = pytester.runpytest_subprocess("-v", "-p", "no:cacheprovider", "--continue-on-collection-errors")
    result.assert_outcomes(passed=11, failed=1, errors=1)
    output = result.stdout.str()
    assert "good/course.yaml::sheet1/rectangles::reference PASSED" in output
    assert "FAILED failing/course.yaml::sheet1/rectangles::starter rectangles.py - " in output
    result.stdout.fnmatch_lines(
        ["*course.yaml:1: titel: unknown key; did you mean*", "loses not area, which it should"]
    )
    assert "Traceback" not in output
    assert "ComplaintError" not in output


def course_with_a_faulty_reference(root: Path) -> None:
    """Make a course of two exercises; the reference of sheet1/rectangles raises."""
    new_course(root, "T")
    new_exercise(root, "sheet2/circles")
    reference = root / "reference" / "sheet1" / "rectangles.py"
    reference.write_text(reference.read_text().replace("return a * b", "return a / 0"), encoding="utf-8")


def test_no_warm_process_outlives_the_tests_of_a_course(pytester: pytest.Pytester) -> None:
    new_course(pytester.path / "course", "T")
    source = "import psutil\n\ndef test_after():\n    assert psutil.Process().children(recursive=True) == []\n"
    after = pytester.makepyfile(test_after=source)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "course/course.yaml", after)
    assert result.ret == 0
    assert set(result.parseoutcomes()) == {"passed"}


def test_pytest_says_what_is_wrong_with_a_reference(pytester: pytest.Pytester) -> None:
    course_with_a_faulty_reference(pytester.path)
    # Without pytest's summary, which says each failure again: in full where the variable CI is set.
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-rN")
    result.assert_outcomes(failed=6, passed=6)
    output = result.stdout.str()
    assert output.count("`area` cannot be evaluated: ZeroDivisionError: float division by zero") == 1
    assert (
        output.count("\nnot graded: the reference has the problems that the first failure of this exercise lists") == 5
    )
    result.stdout.fnmatch_lines(["*rectangles.py:*: `area` cannot be evaluated: *"])
    assert "Traceback" not in output


def test_pytest_grades_only_the_exercise_that_is_named(pytester: pytest.Pytester) -> None:
    course_with_a_faulty_reference(pytester.path)
    one = pytester.runpytest_subprocess("-p", "no:cacheprovider", "course.yaml::sheet2/circles")
    one.assert_outcomes(passed=6)


def test_the_course_that_ships_can_be_read() -> None:
    course: Course = load_course(ROOT, KINDS)
    ids = [f"{one.assignment}/{one.id}: {name}" for one in course.exercises() for name in outcome_names(one)]
    assert len(ids) == len(set(ids))
    assert "sheet3/gradient_step: mask_forgotten" in ids


def test_processes_that_test_a_course_together_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytest_plugin, "default_workers", lambda: 8)
    for count, workers in (("", 8), ("1", 8), ("3", 2), ("16", 1)):
        monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT", raising=False)
        if count:
            monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", count)
        assert pytest_plugin._workers() == workers
