"""Every attack in every rung that this machine has, and each attack unconfined, so that no case passes for nothing.

``GRADE_ACCEPTANCE_TABLE=table.md pytest tests/acceptance`` writes the table of outcomes. ``GRADE_ACCEPTANCE_RUNGS``
(names, separated by commas) restricts the rungs.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import re
from pathlib import Path

import pytest

from . import (
    attacks_disk,
    attacks_forgery,
    attacks_memory,
    attacks_network,
    attacks_output,
    attacks_privilege,
    attacks_processes,
    attacks_reading,
    attacks_time,
    attacks_writing,
    checklist,
    gaps,
    table,
    working,
)
from .case import Case, Control
from .chosen import COLUMN, RUNGS
from .control import shows
from .harness import Bench, leftovers, living, run_case, strangers
from .host import Host, lacking
from .judging import violations

#: What the documentation shows; ``GRADE_ACCEPTANCE_TABLE`` with this path writes it anew.
DOCUMENTED = Path(__file__).parents[2] / "grader" / "sandbox" / "ACCEPTANCE.md"
#: The modules whose tests name rows of their own, and what stands before the names.
NAMING = {"test_hidden": "", "test_intake": "intake: ", "test_operation": "operation: "}
CASES: tuple[Case, ...] = (
    *attacks_time.CASES,
    *attacks_processes.CASES,
    *attacks_memory.CASES,
    *attacks_disk.CASES,
    *attacks_output.CASES,
    *attacks_reading.CASES,
    *attacks_writing.CASES,
    *attacks_network.CASES,
    *attacks_privilege.CASES,
    *attacks_forgery.CASES,
    *working.CASES,
)


def _needed(case: Case) -> None:
    if case.needs_module and importlib.util.find_spec(case.needs_module) is None:
        pytest.skip(f"{case.needs_module} is not installed")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("rung", RUNGS)
def test_confined(case: Case, rung: str, bench: Bench, host: Host) -> None:
    _needed(case)
    column = COLUMN.format(rung=rung)
    if reason := gaps.gap(rung, case):
        table.note(case.id, column, f"not run: {reason}")
        pytest.skip(reason)
    bench.warm_up(case.preload, host)
    before, marked = living(), set(leftovers())
    outcome = run_case(case, bench.sandbox, host)
    found = [*violations(case, outcome, bench.sandbox, host), *strangers(before)]
    found += [f"file left: {path}" for path in leftovers() if path not in marked]
    table.note(case.id, column, f"**failed**: {'; '.join(found)[:300]}" if found else f"held: {outcome.attack.stop}")
    assert "\n".join(found) == ""


@pytest.mark.parametrize(
    "case", [case for case in CASES if isinstance(case.control, Control)], ids=lambda case: case.id
)
def test_unconfined_the_attack_works(case: Case, host: Host) -> None:
    assert isinstance(case.control, Control)
    _needed(case)
    if reason := lacking()[case.control.needs]():
        table.note(case.id, table.CONTROL, f"not run: {reason}")
        pytest.skip(reason)
    table.note(case.id, table.CONTROL, "did not work")
    table.note(case.id, table.CONTROL, shows(case, case.control, host))
    assert host.victim.poll() is None


def test_each_case_has_a_name_of_its_own_and_a_control_or_a_reason() -> None:
    names = [case.id for case in CASES]
    assert sorted(set(names)) == sorted(names)
    for case in CASES:
        if isinstance(case.control, str):
            assert case.control
            table.note(case.id, table.CONTROL, f"none: {case.control}")
    unknown = [
        key
        for known in gaps.GAPS.values()
        for key in known
        if key not in {*names, *(case.group for case in CASES)} and not key.startswith("operation: ")
    ]
    assert unknown == []


def test_every_attack_of_the_list_has_its_cases() -> None:
    names = {case.id for case in CASES}
    wanted = {
        f"{group}: {name}"
        for group, attacks in checklist.ATTACKS.items()
        for known in attacks.values()
        for name in known
    }
    assert sorted(wanted - names) == []
    for module, tests in checklist.TESTS.items():
        found = importlib.import_module(f"{__package__}.{module}")
        assert [test for test in tests.values() if not callable(getattr(found, test, None))] == []


@pytest.mark.skipif(table.VARIABLE in os.environ, reason="the table is just being written")
def test_the_table_in_the_documentation_has_every_case_held_and_none_failed() -> None:
    assert sorted({case.id for case in CASES} - _documented()) == []
    written = DOCUMENTED.read_text(encoding="utf-8")
    assert "**failed**" not in written
    assert "did not work" not in written


@pytest.mark.skipif(table.VARIABLE in os.environ, reason="the table is just being written")
def test_every_row_of_the_table_in_the_documentation_is_of_a_test_there_is() -> None:
    names = {case.id for case in CASES} | {
        f"{group}{name}" for module, group in NAMING.items() for name in _names(module)
    }
    assert sorted(row for row in _documented() if re.sub(r" \(SIG\w+\)$", "", row) not in names) == []


def _documented() -> set[str]:
    rows = re.findall(r"^\| (\w+: .*?) \| ", DOCUMENTED.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {row.replace("\\|", "|") for row in rows}


def _names(module: str) -> set[str]:
    """Return what the rows of a module's tests may be called: by a text in it, two put together, or a test's name."""
    found = importlib.import_module(f"{__package__}.{module}")
    tree = ast.parse(Path(str(found.__file__)).read_text(encoding="utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    texts |= {value for value in vars(found).values() if isinstance(value, str)}
    tests = {name.removeprefix("test_").replace("_", " ") for name in vars(found) if name.startswith("test_")}
    return texts | tests | {f"{start}{end}" for start in texts if start.endswith((": ", " named ")) for end in texts}
