"""Every rung that this machine has passes the same cases, except for its known gaps.

``GRADE_REQUIRE_RUNGS`` (names, separated by commas) makes it a failure that one of these cannot be used here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from execution_helpers import children

from grader.sandbox import Rung, Sandbox, available_rungs, make_sandbox, rung_names

from . import keeping, running  # noqa: F401 - they add their cases
from .casework import CASES
from .gaps import GAPS


def why_left_out(rung: Rung, required: str) -> str:
    """Return why a rung is not tested here, empty if it is. Fails for one that is ``required``."""
    if rung.available:
        return ""
    if rung.name in required.split(","):
        pytest.fail(f"isolation {rung.name} is required, but: {rung.reason}")
    return f"isolation {rung.name}: {rung.reason}"


@pytest.fixture(scope="module")
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    rung = next(rung for rung in available_rungs() if rung.name == request.param)
    if reason := why_left_out(rung, os.environ.get("GRADE_REQUIRE_RUNGS", "")):
        pytest.skip(reason)
    made = make_sandbox(rung.name)
    yield made
    made.close()
    made.close()
    assert children() == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("sandbox", rung_names(), indirect=True)
def test_every_rung(sandbox: Sandbox, case: Callable[[Sandbox], None], request: pytest.FixtureRequest) -> None:
    reason = GAPS.get(sandbox.name, {}).get(case.__name__)
    if reason:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True, raises=AssertionError))
    case(sandbox)


def test_gaps_are_of_cases_and_rungs_that_exist() -> None:
    assert set(GAPS) <= set(rung_names())
    assert {name for gaps in GAPS.values() for name in gaps} <= {case.__name__ for case in CASES}


def test_a_rung_that_is_required_must_be_there() -> None:
    absent, present = Rung("ns", available=False, reason="no. It needs x."), Rung("ns", available=True, reason="y")
    assert (why_left_out(present, "ns"), why_left_out(absent, "")) == ("", "isolation ns: no. It needs x.")
    with pytest.raises(pytest.fail.Exception, match=r"isolation ns is required, but: no\. It needs x\."):
        why_left_out(absent, "fresh,ns")
