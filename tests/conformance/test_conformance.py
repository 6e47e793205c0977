"""All runners make the same of every notebook, but for what is listed as known."""

from __future__ import annotations

from collections import Counter

import pytest

from .casework import Case
from .collection import CASES
from .known import KNOWN, KNOWN_OF_FORKED, Known
from .outcomes import Outcome, differences

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def test_there_are_enough_cases_each_with_a_name_of_its_own() -> None:
    assert len(CASES) >= 70
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []


def test_each_known_difference_names_a_case_and_gives_its_reason() -> None:
    assert {known.case for known in KNOWN + KNOWN_OF_FORKED} <= {case.name for case in CASES}
    assert [known.case for known in KNOWN + KNOWN_OF_FORKED if len(known.reason) < 40] == []
    assert [len({one.case for one in known}) for known in (KNOWN, KNOWN_OF_FORKED)] == [
        len(KNOWN),
        len(KNOWN_OF_FORKED),
    ]


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
    check(case, by_kernel, by_shell, KNOWN)


@each_case
def test_a_forked_kernel_differs_only_where_that_is_known(
    case: Case, by_kernel: dict[str, Outcome], by_forked_kernel: dict[str, Outcome]
) -> None:
    check(case, by_kernel, by_forked_kernel, KNOWN_OF_FORKED)


def check(case: Case, expected: dict[str, Outcome], found: dict[str, Outcome], known: tuple[Known, ...]) -> None:
    differing = differences(expected[case.name], found[case.name])
    aspects = next((one.aspects for one in known if one.case == case.name), ())
    assert set(aspects) == differing.keys(), differing


def test_the_executed_notebook_is_valid(by_shell: dict[str, Outcome], by_kernel: dict[str, Outcome]) -> None:
    """Every executed notebook passes the format's own schema."""
    assert {name: found.invalid for by in (by_shell, by_kernel) for name, found in by.items() if found.invalid} == {}
