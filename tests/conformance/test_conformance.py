"""Both runners make the same of every notebook, but for what is listed as known."""

from __future__ import annotations

from collections import Counter

import pytest

from grader.model import Stop

from .casework import Case
from .collection import CASES
from .known import KNOWN, Known
from .outcomes import Outcome, differences, outcome
from .runners import Runner, why_not

_BY_NAME = {case.name: case for case in CASES}
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def test_there_are_enough_cases_each_with_a_name_of_its_own() -> None:
    assert len(CASES) >= 70
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []


def test_each_known_difference_names_a_case_and_gives_its_reason() -> None:
    assert {known.case for known in KNOWN} <= _BY_NAME.keys()
    assert [known.case for known in KNOWN if len(known.reason) < 40] == []
    assert len({known.case for known in KNOWN}) == len(KNOWN)


@each_case
def test_the_kernel_gives_what_is_expected(case: Case, by_kernel: dict[str, Outcome]) -> None:
    found = by_kernel[case.name]
    assert (case.stop, dict(case.values)) == (found.stop, {name: found.values[name] for name in case.values}), found
    assert [(f"cell {number}", name) for number, name in case.errors] == [error[:2] for error in found.errors]
    assert dict(case.outputs) == {number: found.outputs.get(number) for number in case.outputs}


@each_case
def test_the_shell_differs_only_where_that_is_known(
    case: Case, by_kernel: dict[str, Outcome], by_shell: dict[str, Outcome]
) -> None:
    known = next((known for known in KNOWN if known.case == case.name), Known(case.name, (), ""))
    found = differences(by_kernel[case.name], by_shell[case.name])
    assert set(known.aspects) == found.keys() - set(known.sometimes), found


@pytest.mark.skipif(bool(why_not("ns")), reason=why_not("ns"))
def test_the_kernel_works_in_namespaces_as_outside(by_kernel: dict[str, Outcome]) -> None:
    names = ("an_error_in_a_middle_cell", "multiprocessing", "shell_commands", "the_time_limit", "top_level_await")
    found = Runner("nbclient", "ns").run([_BY_NAME[name] for name in names])
    assert {name: run.stop for name, run in found.items()} == {
        name: Stop.TIMEOUT if name == "the_time_limit" else Stop.FINISHED for name in names
    }
    assert {name: differences(by_kernel[name], outcome(found[name])) for name in names} == {name: {} for name in names}


def test_the_executed_notebook_is_valid(by_shell: dict[str, Outcome]) -> None:
    """Every notebook that the shell runner wrote back passes the format's own schema."""
    assert {name: found.invalid for name, found in by_shell.items() if found.invalid} == {}
