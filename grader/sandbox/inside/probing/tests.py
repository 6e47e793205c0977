"""Runs an author's file of tests against a hand-in that has run, with pytest in this process.

Arguments: ``{"source": text, "module": name}``; the hand-in's variables are importable as ``module``.
The answer is ``{"collected": count, "tests": [{"name", "outcome", "message", "detail"}, ...]}``, where ``message`` is
what the author wrote behind a failed assertion, or an exception; or ``{"problem": why there are none}``.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import shutil
import sys
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MAX_CHARS = 2000
_FILE = "test_author.py"
_OPTIONS = ("--import-mode=importlib", "--capture=sys", "-q", "--tb=short", "--disable-warnings")
_WITHOUT = ("cacheprovider", "faulthandler", "debugging", "junitxml", "doctest", "pastebin", "threadexception")


def observe(namespace: dict[str, Any], name: str, arguments: Any) -> dict[str, Any]:
    """Return how each test of the author's file came out."""
    del name
    if importlib.util.find_spec("pytest") is None:
        return {"problem": "pytest is not installed where hand-ins are run"}
    folder = Path(tempfile.mkdtemp(prefix="tests-"))
    try:
        (folder / _FILE).write_text(arguments["source"], encoding="utf-8")
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        with _importable(arguments["module"], namespace), _quiet():
            return _outcomes(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _outcomes(folder: Path) -> dict[str, Any]:
    import pytest  # noqa: PLC0415 - only where tests are run

    collector = Collector()
    paths = [str(folder / _FILE), f"--rootdir={folder}", f"--confcutdir={folder}", f"--basetemp={folder / 'tmp'}"]
    without = [part for plugin in _WITHOUT for part in ("-p", f"no:{plugin}")]
    config = ["-c", str(folder / "pytest.ini")]
    status = int(pytest.main([*paths, *config, *_OPTIONS, *without], plugins=[collector]))
    if not collector.tests:
        return {"problem": f"no test was run (exit status {status})"}
    return {"collected": collector.collected, "tests": list(collector.tests.values())}


@contextlib.contextmanager
def _importable(module: str, namespace: dict[str, Any]) -> Iterator[None]:
    """Let ``module`` be imported as the hand-in in the block, whatever else has that name."""
    before = sys.modules.get(module)
    made = types.ModuleType(module)
    made.__dict__.update(namespace)
    sys.modules[module] = made
    try:
        yield
    finally:
        if before is None:
            sys.modules.pop(module, None)
        else:
            sys.modules[module] = before


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Print nothing and load no plug-in in the block; write no compiled files."""
    kept = sys.dont_write_bytecode, os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    sys.dont_write_bytecode = True
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        sys.dont_write_bytecode = kept[0]
        if kept[1] is None:
            del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]


class Collector:
    """A plug-in of pytest that notes how each test came out."""

    def __init__(self) -> None:
        self.collected = 0
        self.tests: dict[str, dict[str, str]] = {}
        self._titles: dict[str, str] = {}
        self._session: Any = None

    def pytest_sessionstart(self, session: Any) -> None:
        """Note the session, to be able to end it."""
        self._session = session

    def pytest_collection_finish(self, session: Any) -> None:
        """Note how many tests there are, and what they are called."""
        self.collected = len(session.items)
        for item in session.items:
            document = getattr(getattr(item, "function", None), "__doc__", None)
            first = document.strip().splitlines()[0] if isinstance(document, str) and document.strip() else ""
            self._titles[item.nodeid] = first or item.name

    def pytest_collectreport(self, report: Any) -> None:
        """Note that the file could not be read: often because something that it imports is not defined."""
        if report.failed:
            self.collected += 1
            lines = str(report.longrepr).strip().splitlines()
            said = next((line[2:] for line in reversed(lines) if line.startswith("E ")), "").strip()
            self.tests[report.nodeid] = _test("The tests could not be read", "failed", said, str(report.longrepr))

    def pytest_exception_interact(self, call: Any) -> None:
        """End the session when the time is over: it is over for all tests together."""
        if call.excinfo is not None and call.excinfo.type is TimeoutError and self._session is not None:
            self._session.shouldstop = "the time is over"

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note the outcome of a test: of its call, or of what prepares it where that fails or skips it."""
        if report.when == "call" or report.outcome != "passed":
            title = self._titles.get(report.nodeid, report.nodeid)
            crash = getattr(report.longrepr, "reprcrash", None)
            detail = str(getattr(crash, "message", "") or report.longreprtext)
            expected = report.outcome == "skipped" and hasattr(report, "wasxfail")
            outcome = "passed" if expected else report.outcome
            self.tests[report.nodeid] = _test(title, outcome, _told(detail), detail)


def _told(detail: str) -> str:
    """Return what a failed test says without the compared values: the author's message, or the exception."""
    first = detail.strip().split("\n", 1)[0]
    if first.startswith(("assert ", "AssertionError: assert ")):
        return ""
    return first.removeprefix("AssertionError: ").removeprefix("Failed: ")


def _test(name: str, outcome: str, message: str, detail: str) -> dict[str, str]:
    texts = {"name": name, "message": message, "detail": detail}
    return {"outcome": outcome, **{key: text[:MAX_CHARS] for key, text in texts.items()}}
