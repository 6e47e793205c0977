"""Who presents is drawn from the willing, can be drawn again by anybody, and is recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from grader.cli import run
from grader.errors import ExitCode
from grader.presenters import draw


def submission(name: str, handed_in: Mapping[str, bool]) -> dict[str, Any]:
    """Return a submission with the exercises that it handed in, each with whether it was declared."""
    exercises = [{"id": one, "file": f"{one}.py", "criteria": []} for one in handed_in]
    checks = [{"id": one, "kind": "declaration", "fraction": float(handed_in.get(one, False))} for one in ("a", "b")]
    paper = {"id": "presentation", "file": "p.yaml", "criteria": [{"checks": checks}]}
    return {"id": name, "exercises": [*exercises, paper]}


CLASS = {
    "assignment": "sheet",
    "submissions": [
        submission("anna", {"a": True, "b": True}),
        submission("ben", {"a": True, "b": False}),
        submission("cem", {"a": False}),
        submission("dora", {}),
    ],
}


def test_the_willing_come_first_and_nobody_twice_while_others_are_left() -> None:
    first, second = draw(CLASS, "word")
    assert (first.exercise, first.candidates, first.declared) == ("a", ("anna", "ben"), True)
    assert (second.exercise, second.candidates, second.drawn) == ("b", ("anna",), "anna")
    assert first.drawn in {"anna", "ben"}
    words = [f"word {number}" for number in range(50)]
    assert {draw(CLASS, word)[0].drawn for word in words} == {"anna", "ben"}


def test_the_same_word_draws_the_same() -> None:
    assert draw(CLASS, "word") == draw(CLASS, "word")
    reversed_class = {**CLASS, "submissions": CLASS["submissions"][::-1]}
    assert draw(reversed_class, "word") == draw(CLASS, "word")


def test_where_nobody_is_willing_all_who_handed_in_are_asked() -> None:
    shy = {"submissions": [submission("anna", {"a": False}), submission("dora", {})]}
    first, second = draw(shy, "word")
    assert (first.drawn, first.candidates, first.declared) == ("anna", ("anna",), False)
    assert (second.drawn, second.candidates) == (None, ())


def test_nobody_is_spared_a_second_time_where_no_others_are_left() -> None:
    both = {"submissions": [submission("anna", {"a": True, "b": True})]}
    assert [one.drawn for one in draw(both, "word")] == ["anna", "anna"]


def test_the_command_records_the_draw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = tmp_path / "results.json"
    results.write_text(json.dumps(CLASS), encoding="utf-8")
    assert run(["draw", str(results), "--word", "sunday"]) == 0
    record = json.loads((tmp_path / "presenters.json").read_text(encoding="utf-8"))
    assert (record["assignment"], record["word"]) == ("sheet", "sunday")
    assert record["draws"][0]["drawn"] == draw(CLASS, "sunday")[0].drawn
    assert "2 willing" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["no json", "[]", '{"submissions": [1]}', "{}"])
def test_another_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    (tmp_path / "x.json").write_text(content, encoding="utf-8")
    assert run(["draw", str(tmp_path / "x.json"), "--word", "w"]) == ExitCode.USAGE
    assert "is not the results.json that `grade batch` writes" in capsys.readouterr().err
    assert not (tmp_path / "presenters.json").exists()
