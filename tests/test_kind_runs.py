"""The kind ``runs``: cells that raised, cells never reached, and what is no fault of the cells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from execution_helpers import module_job, notebook_job
from judging_helpers import MACHINE, NO_CONTEXT, make_exercise
from observing_helpers import grade_in

from grader.checks import judge_exercise
from grader.course import Exercise
from grader.model import CheckResult, Run, Status, Stop
from grader.reference import Evaluation
from grader.sandbox import SelfCheck


@pytest.fixture
def exercise(tmp_path: Path) -> Exercise:
    return make_exercise(tmp_path, "@quantity\ndef q():\n    return 1\n", "runs: whole")


def result(exercise: Exercise, run: Run) -> CheckResult:
    (found,) = judge_exercise(exercise, Evaluation(exercise.reference, None), run, NO_CONTEXT)
    return found


def test_a_notebook_earns_the_share_of_its_cells(exercise: Exercise) -> None:
    cells = ["a = 1", "b = undefined", "", "c = a", "1 / 0"]
    found = grade_in(exercise, notebook_job(*cells), SelfCheck())["whole"]
    assert found.fraction == pytest.approx(2 / 4)
    assert "cell 2 raised NameError: name 'undefined' is not defined." in found.message
    assert "cell 4 raised ZeroDivisionError" in found.message
    assert grade_in(exercise, notebook_job("a = 1", "b = a"), SelfCheck())["whole"].status is Status.PASSED


def test_cells_that_were_not_reached_do_not_count(exercise: Exercise) -> None:
    found = grade_in(exercise, notebook_job("a = 1", "while True: pass", "b = 1"), SelfCheck(), timeout_seconds=1.0)
    assert found["whole"].fraction == pytest.approx(1 / 3)
    assert "time limit" in found["whole"].message


def test_a_module_earns_all_or_nothing(exercise: Exercise) -> None:
    assert grade_in(exercise, module_job("a = 1"), SelfCheck())["whole"].fraction == 1
    assert grade_in(exercise, module_job("a = 1\nb = undefined"), SelfCheck())["whole"].fraction == 0


def test_what_stops_after_the_last_cell_costs_nothing_here(exercise: Exercise) -> None:
    run = Run(Stop.TIMEOUT, 1.0, "selfcheck", MACHINE, detail="reading q took longer than 5 s")
    assert result(exercise, run).status is Status.PASSED
    assert result(exercise, replace(run, detail="the time limit of 5 s was reached")).fraction == 0


def test_a_fault_of_ours_is_not_judged(exercise: Exercise) -> None:
    assert result(exercise, Run(Stop.INFRASTRUCTURE, 0.0, "ns", MACHINE, detail="x")).status is Status.ERROR
