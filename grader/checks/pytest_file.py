"""The kind ``pytest``: an author's existing file of tests, run where the hand-in ran."""

from __future__ import annotations

import ast
from pathlib import Path, PurePosixPath
from typing import cast

from pydantic import Field

from grader.checks.case import Case, StandsAlone, Verdict, verdict
from grader.course import CheckOptions
from grader.model import Failure, Plain, Probe
from grader.reference import Evaluation, Reference

_MAX_SHOWN, _MAX_CHARS = 5, 300


class PytestOptions(CheckOptions):
    """Judges by an author's file of tests for pytest, run in the process that ran the hand-in.

    - ``pytest``: the file, relative to the folder of the exercise's reference.
    - ``module``: the name under which the tests import the hand-in; the exercise's own name unless given.
    - ``all``: earn the points only if every test passes, in place of the fraction that does.
    - ``show``: show the student the whole assertion that failed, right value included. Otherwise they see the test's
      first docstring line or its name, and the message that the author wrote behind the assertion.

    A notebook's variables are the module's, too. Tests that are skipped do not count; pytest's own fixtures are there,
    plug-ins and conftest.py are not.

    This is weaker evidence: tests share a process with the student's code, which can see them and tamper with them.
    Prefer ``call`` and ``value`` where they will do.
    """

    pytest: str = Field(pattern=r"\.py$")
    module: str | None = Field(default=None, pattern=r"^[A-Za-z_]\w*$")
    all: bool = False
    show: bool = False

    @property
    def subject(self) -> str:
        """The file's name without its ending."""
        return PurePosixPath(self.pytest).stem


class PytestKind(StandsAlone):
    """Judges by the outcomes of an author's tests."""

    name = "pytest"
    options: type[CheckOptions] = PytestOptions

    def probes(self, options: CheckOptions, truth: Evaluation) -> tuple[Probe, ...]:
        """Return the one probe, which holds the tests' source. Raises OSError where it cannot be read."""
        checked = cast("PytestOptions", options)
        source = _path(checked, truth.reference).read_text(encoding="utf-8")
        arguments: dict[str, Plain] = {"source": source, "module": checked.module or truth.reference.path.stem}
        return (Probe("pytest", checked.pytest, arguments),)

    def problems(self, options: CheckOptions, reference: Reference) -> list[str]:
        """Return what is wrong with the file: it is not there, is no Python, or holds no tests."""
        path = _path(cast("PytestOptions", options), reference)
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except OSError as error:
            return [f"pytest: {path} cannot be read ({error.strerror})"]
        except (SyntaxError, ValueError) as error:
            return [f"pytest: {path} is no valid Python: {error}"]
        names = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        return [] if any(name.startswith("test") for name in names) else [f"pytest: {path} holds no tests"]

    def judge(self, options: CheckOptions, case: Case) -> Verdict:
        """Return the verdict. Raises RuntimeError where pytest is not there or could not do its work."""
        checked = cast("PytestOptions", options)
        probe = next((one for one in case.observed if (one.kind, one.name) == ("pytest", checked.pytest)), None)
        found = case.observed[probe] if probe else Failure("missing", "they were not observed")
        if isinstance(found, Failure):
            reason = found.message or "the run ended before"
            return verdict(self.name, options, 0.0, f"The tests could not be run to their end: {reason}.")
        match found:
            case {"problem": str() as problem}:
                raise RuntimeError(f"pytest: {problem}")
            case {"tests": list() as tests, "collected": int() as collected} if tests:
                return _weighed(checked, [_test(one) for one in tests], collected)
        return verdict(self.name, options, 0.0, "The tests gave no valid answer.")


PYTEST = PytestKind()


def _path(options: PytestOptions, reference: Reference) -> Path:
    return reference.path.parent / options.pytest


def _test(one: Plain) -> tuple[str, str, str, str]:
    """Return name, outcome, the author's message and all that pytest says."""
    match one:
        case {"name": str() as name, "outcome": str() as outcome, "message": str() as message, "detail": str() as all_}:
            return name, outcome, message, all_
    return "a test", "failed", "", "no valid answer"


def _weighed(options: PytestOptions, tests: list[tuple[str, str, str, str]], collected: int) -> Verdict:
    counted = [one for one in tests if one[1] != "skipped"]
    total = max(len(counted), collected - (len(tests) - len(counted)))
    if not total:
        raise RuntimeError("pytest: every test was skipped")
    passed = sum(one[1] == "passed" for one in counted)
    if passed == total:
        return verdict("pytest", options, 1.0)
    failed = [one for one in counted if one[1] != "passed"]
    lines = [f"{passed} of {total} tests passed."]
    for name, _, message, detail in failed[:_MAX_SHOWN]:
        told = detail if options.show else message
        lines.append(f"{name}: {told[:_MAX_CHARS]}" if told else name)
    if total - passed > _MAX_SHOWN:
        lines.append(f"… and {total - passed - _MAX_SHOWN} more.")
    evidence = "\n".join(f"{name}: {detail}" for name, _, _, detail in failed)
    fraction = 0.0 if options.all else passed / total
    return verdict("pytest", options, fraction, "\n".join(lines), evidence=evidence[:4000])
