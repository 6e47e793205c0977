"""The kind ``pytest``: an author's own file of tests, run beside the hand-in."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from execution_helpers import module_job, notebook_job
from judging_helpers import judge_seen
from namespace_helpers import needs_ns
from observing_helpers import grade_in, make_exercise

from grader.checks import probes
from grader.course import Exercise
from grader.errors import CourseError
from grader.execution import execute
from grader.model import CheckResult, Failure, Plain, Status
from grader.reference import Evaluation
from grader.sandbox import SelfCheck
from grader.sandbox.inside.probing import tests as probing
from grader.sandbox.namespaces import Namespaces

TESTS = """
import pytest
import ex
from ex import double

def test_two():
    "Doubling 2."
    assert double(2) == 4

@pytest.mark.parametrize("n", [0, 3])
def test_more(n, tmp_path, monkeypatch):
    assert tmp_path.exists()
    assert double(n) == 2 * n, "doubling is multiplying by two"

def test_constant():
    print("hidden")
    assert ex.SEVEN == 7

@pytest.mark.skip
def test_later():
    assert False
"""
RIGHT = "SEVEN = 7\ndef double(n):\n    return n + n\n"


def course(tmp_path: Path, options: str = "", tests: str = TESTS) -> Exercise:
    return make_exercise(tmp_path, "", f"pytest: checks/t.py{options}", files={"reference/sheet/checks/t.py": tests})


def one(results: dict[str, CheckResult]) -> CheckResult:
    (result,) = results.values()
    return result


def run(exercise: Exercise, source: str) -> CheckResult:
    return one(grade_in(exercise, module_job(source), SelfCheck()))


def test_everything_passes(tmp_path: Path) -> None:
    assert (run(course(tmp_path), RIGHT).status, run(course(tmp_path), RIGHT).id) == (Status.PASSED, "t")


def test_the_fraction_that_passes_and_what_a_student_reads(tmp_path: Path) -> None:
    result = run(course(tmp_path), "SEVEN = 7\ndef double(n):\n    return n ** 2\n")
    assert (result.status, result.fraction) == (Status.PARTIAL, 0.75)
    assert result.message == "3 of 4 tests passed.\ntest_more[3]: doubling is multiplying by two"
    assert "assert 9 == (2 * 3)" in result.evidence


def test_all_or_nothing(tmp_path: Path) -> None:
    result = run(course(tmp_path, ", all: true"), "SEVEN = 7\ndef double(n):\n    return n ** 2\n")
    assert (result.status, result.fraction) == (Status.FAILED, 0.0)


def test_right_values_are_shown_only_where_the_author_says_so(tmp_path: Path) -> None:
    wrong = "SEVEN = 8\ndef double(n):\n    return 2 * n\n"
    hidden, shown = (run(course(tmp_path / name, f", show: {name}"), wrong) for name in ("false", "true"))
    assert hidden.message == "3 of 4 tests passed.\ntest_constant"
    assert "assert 8 == 7" in shown.message


def test_an_exception_in_student_code(tmp_path: Path) -> None:
    result = run(course(tmp_path), "SEVEN = 7\ndef double(n):\n    return 1 / 0\n")
    assert (result.fraction, "Doubling 2.: ZeroDivisionError: division by zero" in result.message) == (0.25, True)
    assert "test_constant" not in result.message


def test_leaving_python_fails_one_test(tmp_path: Path) -> None:
    assert run(course(tmp_path), "SEVEN = 7\ndef double(n):\n    raise SystemExit\n").fraction == 0.25


def test_a_name_that_the_tests_import_is_missing(tmp_path: Path) -> None:
    result = run(course(tmp_path), "SEVEN = 7\n")
    assert (result.status, result.fraction) == (Status.FAILED, 0.0)
    assert result.message.startswith(
        "0 of 1 tests passed.\nThe tests could not be read: ImportError: cannot import name"
    )


def test_an_endless_test_ends_them_all(tmp_path: Path) -> None:
    source = "SEVEN = 7\ndef double(n):\n    while n == 0: pass\n    return 2 * n\n"
    result = one(grade_in(course(tmp_path), module_job(source), SelfCheck(), timeout_seconds=3.0))
    assert (result.status, result.fraction) == (Status.PARTIAL, 0.2)
    assert "test_more[0]: TimeoutError: took longer than 3 s" in result.message


def test_many_failures_are_not_all_told(tmp_path: Path) -> None:
    tests = "import pytest\n@pytest.mark.parametrize('n', range(9))\ndef test_it(n):\n    assert n < 0\n"
    result = run(course(tmp_path, tests=tests), "x = 1\n")
    assert result.message.splitlines() == [
        "0 of 9 tests passed.",
        *(f"test_it[{n}]" for n in range(5)),
        "… and 4 more.",
    ]


def test_expected_failures_and_failing_fixtures(tmp_path: Path) -> None:
    tests = """
import pytest
@pytest.mark.xfail
def test_expected():
    assert False
@pytest.fixture
def broken():
    raise KeyError("k")
def test_prepared(broken):
    pass
@pytest.fixture
def untidy():
    yield
    raise ValueError("left over")
def test_untidy(untidy):
    pass
"""
    result = run(course(tmp_path, tests=tests), "x = 1\n")
    assert result.message.splitlines()[0] == "1 of 3 tests passed."
    assert "test_prepared: KeyError: 'k'" in result.message
    assert "test_untidy: ValueError: left over" in result.message


def test_a_notebook_under_another_module_s_name(tmp_path: Path) -> None:
    tests = "from work_of_student import double\ndef test_it():\n    assert double(1) == 2\n"
    exercise = course(tmp_path, ", module: work_of_student", tests)
    job = notebook_job("def double(n):\n    return 2 * n", "print('seen')")
    assert one(grade_in(exercise, job, SelfCheck())).status is Status.PASSED


@needs_ns
def test_confined(tmp_path: Path) -> None:
    with Namespaces() as sandbox:
        assert one(grade_in(course(tmp_path), module_job(RIGHT), sandbox)).status is Status.PASSED
        job = notebook_job("SEVEN = 7\ndef double(n):\n    return n ** 2")
        assert one(grade_in(course(tmp_path), job, sandbox)).fraction == 0.75


def test_nothing_is_printed_and_nothing_left_behind(tmp_path: Path) -> None:
    exercise = course(
        tmp_path, tests=TESTS + "def test_folder():\n    import os\n    assert os.listdir() == ['work.py']\n"
    )
    job = replace(module_job(RIGHT), probes=probes(exercise, Evaluation(exercise.reference, None)))
    run_ = execute(job, SelfCheck())
    assert run_.log == ""
    found = run_.observations[0].value
    assert isinstance(found, dict)
    assert found["collected"] == 6
    assert str(found["tests"]).count("'outcome': 'passed'") == 5


def test_the_file_is_part_of_the_probe(tmp_path: Path) -> None:
    exercise = course(tmp_path)
    truth = Evaluation(exercise.reference, None)
    (before,) = probes(exercise, truth)
    (tmp_path / "reference/sheet/checks/t.py").write_text(TESTS + "\n", encoding="utf-8")
    (after,) = probes(exercise, truth)
    assert before != after


@pytest.mark.parametrize(
    ("seen", "status", "text"),
    [
        (Failure("not_run", "the time limit was reached"), Status.FAILED, "the time limit was reached"),
        (Failure("raised", "TimeoutError: took long"), Status.FAILED, "TimeoutError: took long"),
        ({"problem": "pytest is not installed"}, Status.ERROR, "pytest is not installed"),
        ({"tests": [], "collected": 0}, Status.FAILED, "The tests gave no valid answer."),
        ({"tests": [3], "collected": 1}, Status.FAILED, "0 of 1 tests passed."),
        ("nonsense", Status.FAILED, "The tests gave no valid answer."),
        (
            {"tests": [{"name": "t", "outcome": "skipped", "message": "", "detail": ""}], "collected": 1},
            Status.ERROR,
            "every test was skipped",
        ),
        (
            {"tests": [{"name": "t", "outcome": "passed", "message": "", "detail": ""}], "collected": 4},
            Status.PARTIAL,
            "1 of 4 tests passed.",
        ),
    ],
)
def test_other_answers(tmp_path: Path, seen: Plain | Failure, status: Status, text: str) -> None:
    exercise = course(tmp_path)
    (probe,) = probes(exercise, Evaluation(exercise.reference, None))
    result = one(judge_seen(exercise, {probe: seen}))
    assert (result.status, text in result.message + result.evidence) == (status, True), result


def test_without_pytest_nothing_is_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert probing.observe({}, "t", {}) == {"problem": "pytest is not installed where hand-ins are run"}


def test_the_module_s_name_is_given_back() -> None:
    kept = sys.modules["json"]
    with probing._importable("json", {"x": 1}):
        assert sys.modules["json"].x == 1
    assert sys.modules["json"] is kept


@pytest.mark.parametrize(
    ("tests", "check", "message"),
    [
        ("def test_it(): pass\n", "pytest: gone.py", "gone.py cannot be read (No such file or directory)"),
        ("def test_it(: pass\n", "pytest: checks/t.py", "t.py is no valid Python"),
        ("x = 1\n", "pytest: checks/t.py", "t.py holds no tests"),
        ("x = 1\n", "pytest: checks/t.yaml", "should match pattern"),
    ],
)
def test_what_an_author_got_wrong(tmp_path: Path, tests: str, check: str, message: str) -> None:
    with pytest.raises(CourseError) as caught:
        make_exercise(tmp_path, "", check, files={"reference/sheet/checks/t.py": tests})
    assert message in str(caught.value)
