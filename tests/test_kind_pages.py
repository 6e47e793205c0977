"""The documentation of the kinds of check is made from their docstrings, whole and current."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.checks import KINDS
from grader.checks.pages import index, page, undocumented
from grader.cli import run
from grader.errors import ExitCode

PAGES = Path(__file__).parents[1] / "grader" / "checks" / "kinds"


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_option_of_every_kind_is_explained(name: str) -> None:
    assert undocumented(KINDS[name]) == []


@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_page_is_current(name: str) -> None:
    """After a change: ``grade kinds --write grader/checks/kinds``."""
    assert (PAGES / f"{name}.md").read_text(encoding="utf-8") == page(KINDS[name])


def test_the_index_is_current_and_there_is_no_page_too_many() -> None:
    assert (PAGES / "README.md").read_text(encoding="utf-8") == index(KINDS)
    assert {path.stem for path in PAGES.iterdir()} == {*KINDS, "README"}


def test_a_page_gives_defaults() -> None:
    text = page(KINDS["value"])
    assert "| `atol` | `1e-08` |" in text
    assert "| `value` | required |" in text
    assert "- `transpose`: a matrix may come transposed" in text


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["kinds", "--write", str(tmp_path)]) == 0
    assert (tmp_path / "value.md").read_text(encoding="utf-8") == page(KINDS["value"])
    capsys.readouterr()
    assert run(["kinds", "value"]) == 0
    assert "The check value" in capsys.readouterr().out
    assert run(["kinds"]) == 0
    assert "declaration" in capsys.readouterr().out
    assert run(["kinds", "valu"]) == ExitCode.USAGE
    assert "no kind of check 'valu'; did you mean value?" in capsys.readouterr().err
