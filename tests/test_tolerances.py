"""Help with tolerances: what right answers need, which mistakes are in reach, and whom another one would move."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from course_helpers import FakeEngine, hand_in, make_course, make_personal_course, place

from grader.checks import KINDS
from grader.checks.comparing import Tolerance
from grader.cli import run
from grader.course import Course, load_course
from grader.errors import CourseError, ExitCode
from grader.importers import read_folder
from grader.pipeline import grade, regrade
from grader.pipeline.cohort import Effect, what_if
from grader.pipeline.spreads import times
from grader.pipeline.tolerances import Advice, advise, rounded_up
from grader.store import open_store

Captured = pytest.CaptureFixture[str]

REFERENCE = '''
import numpy as np
from grader import cases, function, given, misconception, quantity


@given
def x(seed):
    return np.random.default_rng(seed or 0).uniform(1, 2, size=(4, 5))


@given
def n():
    return 4


@quantity
def total(x):
    """Sum of squares."""
    return np.sum(x**2)


@quantity
def mean(total, n):
    """Mean of squares over rows."""
    return total / n


@quantity
def rows(n):
    """Number of rows."""
    return n


@quantity
def drift(x):
    """Hundredth of the sum of a row, for every row."""
    return np.sum(x, axis=1) / 100


@function
def halve(z):
    return z / 2


@cases("halve")
def numbers(rng):
    yield (rng.normal(size=6),)


@misconception("mean", "Divide by the number of rows.")
def nearly(total, n):
    return total / n + 0.01


@misconception("total", "Squares, not numbers.")
def unsquared(x):
    return np.sum(x)


@misconception("rows", "Rows, not columns.")
def columns():
    return 5


@misconception("halve", "Halve it.")
def thirds(z):
    return z / 3
'''
RUBRIC = """
title: Tolerances
criteria:
  - title: All
    points: 6
    checks:
      - {value: total, points: 1, atol: 0.0, rtol: 1.0e-12}
      - {value: mean, points: 1, atol: 0.05, rtol: 0.0}
      - {value: rows, points: 1}
      - {value: drift, points: 1, atol: 0.001, rtol: 0.0}
      - {call: halve, points: 1, atol: 1.0e-3, rtol: 0.0}
      - {text: why, points: 1, model_answer: because}
"""


def course_of(root: Path, reference: str = REFERENCE, rubric: str = RUBRIC, *, personal: bool = True) -> Course:
    make_course(root)
    (root / "reference/sheet1/rectangles.py").write_text(reference, encoding="utf-8")
    (root / "rubrics/sheet1/rectangles.yaml").write_text(rubric, encoding="utf-8")
    settings = f"{{title: S, personal: {str(personal).lower()}, exercises: [rectangles]}}"
    (root / "course.yaml").write_text(f"title: T\nkey: word\nassignments:\n  sheet1: {settings}\n", encoding="utf-8")
    return load_course(root, KINDS)


def advice_of(course: Course, seeds: int = 20) -> dict[str, Advice]:
    assignment = course.assignments["sheet1"]
    return {one.check: one for one in advise(course, assignment, assignment.exercises[0], seeds)}


@pytest.fixture(scope="module")
def advice(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Advice]:
    return advice_of(course_of(tmp_path_factory.mktemp("tolerances") / "course"))


def test_what_is_exact_or_for_a_person_has_no_tolerance(advice: dict[str, Advice]) -> None:
    assert list(advice) == ["total", "mean", "drift", "halve"]


def test_a_tolerance_is_too_narrow_where_single_precision_is_outside(advice: dict[str, Advice]) -> None:
    total = advice["total"]
    assert total.faults == ("too narrow for a right answer computed with float32",)
    # The same sum in single precision, by hand.
    assert 1e-9 < total.relative < 1e-6
    assert total.used == total.ways["float32"] == pytest.approx(total.relative / 1e-12, rel=1e-6)
    assert total.ways["1 thread"] == total.ways["2 threads"] == 0.0
    assert (total.proposed, total.samples) == (Tolerance(1e-8, 1e-5), 20)


def test_a_mistake_within_the_tolerance_is_warned_of(advice: dict[str, Advice]) -> None:
    mean = advice["mean"]
    [nearly] = mean.mistakes
    assert (nearly.name, nearly.reached) == ("nearly", 20)
    assert nearly.times == pytest.approx(0.01 / 0.05)
    assert mean.faults == ("reaches the mistake `nearly` for 20 of 20 sets of numbers",)
    [at_proposed] = mean.at_proposed
    assert at_proposed.times > 1


def test_a_tolerance_that_fits_has_no_warning(advice: dict[str, Advice]) -> None:
    assert (advice["drift"].warnings, advice["drift"].mistakes) == ((), ())
    assert advice["drift"].used < 0.01


def test_functions_are_called_on_hidden_inputs(advice: dict[str, Advice]) -> None:
    halve = next(one for one in advice.values() if one.kind == "call")
    assert (halve.samples, halve.warnings, [one.name for one in halve.mistakes]) == (20, (), ["thirds"])
    assert 0 < halve.absolute < 1e-6
    # A sixth of the largest of six normal numbers, in thousandths.
    assert 50 < halve.mistakes[0].times < 1000


def test_numbers_that_everybody_has_are_one_sample(tmp_path: Path) -> None:
    found = advice_of(course_of(tmp_path / "course", personal=False), 5)
    assert (found["mean"].samples, found["total"].samples) == (1, 1)
    assert next(one for one in found.values() if one.kind == "call").samples == 5


def test_mistakes_that_are_close_or_make_no_difference_are_told(tmp_path: Path) -> None:
    wrong = "return total / n + 0.01"
    course = course_of(tmp_path / "a", REFERENCE.replace(wrong, "return total / n + 0.1"))
    assert advice_of(course, 5)["mean"].warnings == ("the mistake `nearly` is only 2 tolerances away",)
    course = course_of(tmp_path / "b", REFERENCE.replace(wrong, "return total / n + (total > 46)"))
    [warning] = advice_of(course, 5)["mean"].warnings
    assert warning.startswith("the mistake `nearly` makes no difference for ")
    course = course_of(tmp_path / "c", REFERENCE.replace(wrong, "return total / n + 1e-6"))
    assert advice_of(course, 5)["mean"].warnings == (
        "reaches the mistake `nearly` for 5 of 5 sets of numbers",
        "the proposed tolerance would reach the mistake `nearly`: other numbers would tell them apart",
    )


def test_a_mistake_further_up_shows_where_nobody_asks_for_it(tmp_path: Path) -> None:
    rubric = RUBRIC.replace("      - {value: total, points: 1, atol: 0.0, rtol: 1.0e-12}\n", "").replace("6", "5", 1)
    found = advice_of(course_of(tmp_path / "course", rubric=rubric), 5)
    assert {one.name for one in found["mean"].mistakes} == {"nearly", "unsquared"}


def test_what_does_not_take_single_precision_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    picky = "assert x.dtype == np.float64\n    return np.sum(x, axis=1) / 100"
    course_of(tmp_path / "course", REFERENCE.replace("return np.sum(x, axis=1) / 100", picky))
    assert run(["tolerances", "sheet1", "--course", "course", "--seeds", "1"]) == ExitCode.FAILED
    assert "The reference cannot be computed in single precision for drift." in capsys.readouterr().out.splitlines()


def test_a_reference_that_fails_is_the_authors_to_mend(tmp_path: Path) -> None:
    course = course_of(tmp_path / "course", REFERENCE.replace("return np.sum(x**2)", "return [1][n_rows(x)]"))
    with pytest.raises(CourseError, match=r"rectangles\.py: `total` cannot be evaluated: NameError: name 'n_rows'"):
        advice_of(course)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [(0.0, 0.0), (1e-7, 1e-7), (1.1e-7, 2e-7), (0.3, 0.5), (0.51, 1.0), (7.0, 10.0), (float("inf"), 0.0)],
)
def test_proposals_are_round_numbers(value: float, rounded: float) -> None:
    assert rounded_up(value) == rounded


def test_distances_are_in_tolerances() -> None:
    right, other = np.array([1.0, -2.0, np.nan]), np.array([1.0, -2.5, np.nan])
    assert times((right,), (other,), 0.1, 0.2) == pytest.approx(0.5 / (0.1 + 0.2 * 2))
    assert times((right,), (right,), 0.0, 0.0) == 0.0
    assert times((right,), (other,), 0.0, 0.0) == float("inf")
    assert times((right,), (other[:2],), 1.0, 1.0) == float("inf")
    assert times(("a", np.array(1)), ("a", np.array(2)), 9.0, 9.0) == float("inf")
    assert times(("a",), ("a",), 0.0, 0.0) == 0.0


# What another tolerance would change for those who were graded

HAND_INS = {
    "anna": "area, double_area",
    "bela": "area = 13.52\ndouble_area = 27.04\n",
    "carl": "area = 13.515\ndouble_area = 27.0\n",
    "dana": "area = 13.504\ndouble_area = 27.008\n",
    "emil": "area = 13.507\ndouble_area = 26.0\n",
    "fritz": "area = 15.0\ndouble_area = 30.0\n",
    "gina": "area = 15.0\ndouble_area = 30.0\n",
}
FILE = Path("rubrics/sheet1/rectangles.yaml")


def test_what_is_foretold_is_what_an_edit_and_a_regrade_give(tmp_path: Path) -> None:
    root = tmp_path / "course"
    make_course(root)
    text = (root / FILE).read_text(encoding="utf-8").replace("atol: 1.0e-6", "atol: 0.01, rtol: 0.0")
    (root / FILE).write_text(text, encoding="utf-8")
    course = load_course(root, KINDS)
    sources = {f"{name}/rectangles.py": source for name, source in HAND_INS.items() if "=" in source}
    intake = read_folder(hand_in(tmp_path / "all", sources), "sheet1")
    with open_store(tmp_path / "grade.sqlite") as store:
        grade(course, course.assignments["sheet1"], intake.submissions, place(store, FakeEngine()))
        grading = store.last_grading("sheet1")
        assert grading is not None
        foretold = what_if(course.assignments["sheet1"].exercises[0], grading, store)
        assert store.last_grading("sheet1") == grading
        assert foretold["area"].judged == 6
        assert foretold["area"].doubled.passing == ("bela", "carl")
        assert foretold["area"].halved.failing == ("emil",)
        for check, points in (("area", 2), ("double_area", 1)):
            for effect, atol in ((foretold[check].doubled, 0.02), (foretold[check].halved, 0.005)):
                line = f"value: {check}, points: {points}, atol: "
                (root / FILE).write_text(text.replace(f"{line}0.01", f"{line}{atol}"), encoding="utf-8")
                assert effect == regraded(root, tmp_path, check), (check, atol)


def regraded(root: Path, folder: Path, check: str) -> Effect:
    with open_store(folder / "grade.sqlite") as store:
        moved = regrade(load_course(root, KINDS).assignments["sheet1"], store).moved
    shifts = {
        one.submission: move.after.points - move.before.points
        for one in moved
        for move in one.checks
        if move.check == check and move.after and move.before
    }
    up = tuple(name for name, shift in shifts.items() if shift > 0)
    down = tuple(name for name, shift in shifts.items() if shift < 0)
    return Effect(up, down, tuple(one.submission for one in moved))


# On the command line


def test_tolerances_tells_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.chdir(tmp_path)
    course_of(tmp_path / "course")
    before = {path: path.read_bytes() for path in (tmp_path / "course").rglob("*.*") if path.is_file()}
    line = ["tolerances", "sheet1/rectangles", "--course", "course", "--seeds", "3", "--json", "deep/tolerances.json"]
    assert run(line) == ExitCode.FAILED
    said = capsys.readouterr().out
    assert "  total: too narrow for a right answer computed with float32" in said.splitlines()
    assert "  mean: reaches the mistake `nearly` for 3 of 3 sets of numbers" in said.splitlines()
    assert "2 checks of 6 not looked at: exact, or of another kind." in said
    data = json.loads(Path("deep/tolerances.json").read_text(encoding="utf-8"))
    [exercise] = data["exercises"]
    assert (exercise["id"], exercise["cohort"]) == ("sheet1/rectangles", None)
    assert [one["samples"] for one in exercise["checks"]] == [3, 3, 3, 3]
    assert exercise["checks"][1]["mistakes"][0]["tolerances_away"] == pytest.approx(0.2)
    after = {path: path.read_bytes() for path in (tmp_path / "course").rglob("*.*") if path.suffix != ".pyc"}
    assert {path: content for path, content in after.items() if before.get(path) != content} == {}


def test_tolerances_names_whom_they_would_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("grader.cli.settings.LocalPool", lambda *_: FakeEngine())
    make_course(tmp_path / "course")
    text = (Path("course") / FILE).read_text(encoding="utf-8")
    (Path("course") / FILE).write_text(text.replace("atol: 1.0e-6", "atol: 0.01, rtol: 0.0"), encoding="utf-8")
    hand_in(tmp_path / "all", {f"{name}/rectangles.py": source for name, source in HAND_INS.items()})
    line = ["tolerances", "sheet1", "--course", "course", "--output", "grades"]
    assert run(line) == ExitCode.USAGE
    assert "no gradebook" in capsys.readouterr().err
    with open_store(tmp_path / "grades" / "grade.sqlite"):
        pass
    assert run(line) == ExitCode.USAGE
    assert "sheet1 was not graded yet into this gradebook; run `grade batch` first" in capsys.readouterr().err
    batch = ["batch", "all", "--assignment", "sheet1", "--isolation", "selfcheck", "--course", "course"]
    assert run(batch) == 0
    capsys.readouterr()
    assert run([*line, "--json", "tolerances.json"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert any(one.split()[:1] == ["area"] and "+2 -0" in one and "+0 -1" in one for one in said)
    [doubled] = [one for one in said if one.startswith("  area doubled, of 7: ")]
    assert doubled.startswith("  area doubled, of 7: gain bela, carl")
    cohort = json.loads(Path("tolerances.json").read_text(encoding="utf-8"))["exercises"][0]["cohort"]
    assert (cohort["area"]["judged"], cohort["area"]["doubled"]["gain"]) == (7, ["bela", "carl"])


def test_the_rubric_of_the_gradient_step_is_as_its_author_says(tmp_path: Path) -> None:
    make_personal_course(tmp_path)
    text = (tmp_path / "course.yaml").read_text(encoding="utf-8")
    (tmp_path / "course.yaml").write_text(text.replace("personal: true", "personal: false"), encoding="utf-8")
    course = load_course(tmp_path, KINDS)
    assignment = course.assignments["sheet3"]
    found = {one.check: one for one in advise(course, assignment, assignment.exercises[0], 1)}
    assert len(found) == 15
    assert {name: one.warnings for name, one in found.items() if one.warnings} == {}
    # "grad_b2 with the chain rule stopped; 50 tolerances or more", says the comment in the rubric.
    assert (found["grad_b2"].mistakes[0].name, round(found["grad_b2"].mistakes[0].times)) == ("b2_chain_stopped", 50)
