"""The instructor's evening, end to end: a download goes in, marks come out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from archive_helpers import make_zip
from course_helpers import ROOT

from grader.cli import run
from grader.demo import RIGHT
from grader.sandbox import strongest_rung

Captured = pytest.CaptureFixture[str]
STARTER = ROOT / "exercises" / "sheet3" / "gradient_step" / "gradient_step.py"
SOLUTION = "\n".join(f"{name} = {formula}" for name, formula in RIGHT.items())


def test_moodles_zip_of_the_course_is_graded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setattr("grader.cli.grading.official_rung", strongest_rung)
    monkeypatch.setenv("COLUMNS", "300")
    given = STARTER.read_text(encoding="utf-8").partition("# --- end of given ---")[0]
    wrong = SOLUTION.replace("grad_z1 = grad_h * (z1 > 0)", "grad_z1 = grad_h")
    assert wrong != SOLUTION
    content = {
        "M\u00fcller Anna_11_assignsubmission_file_/gradient_step.py": f"{given}\n{SOLUTION}\n",
        "Bela_12_assignsubmission_file_/gradient_step.py": f"{given}\n{wrong}\n",
        "Bela_12_assignsubmission_file_/../../escape.py": "x = 1",
    }
    path = make_zip(tmp_path / "EML-Sheet 3-4711.zip", content)
    arguments = ["batch", str(path), "--assignment", "sheet3", "--exercise", "gradient_step", "--course", str(ROOT)]
    arguments += ["--output", str(tmp_path / "grades"), "--json", str(tmp_path / "out.json"), "--workers", "2"]
    assert run(arguments) == 0
    said = capsys.readouterr().out
    assert "Read as a download from Moodle: 2 hand-ins." in said
    first = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    anna, bela = sorted(first["submissions"], key=lambda one: -one["points"])
    assert (anna["id"], anna["people"], anna["points"]) == ("muller-anna-11", ["M\u00fcller Anna"], anna["max_points"])
    assert (bela["id"], bela["max_points"] - bela["points"]) == ("bela-12", 1.0)
    assert first["problems"][0]["where"] == f"{path}/Bela_12_assignsubmission_file_/../../escape.py"
    assert (tmp_path / "grades" / "students" / "muller-anna-11.html").is_file()
    unpacked = list((tmp_path / "grades" / "hand-ins").iterdir())
    assert len(unpacked) == 1
    assert run(arguments) == 0
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["submissions"] == first["submissions"]
    assert list((tmp_path / "grades" / "hand-ins").iterdir()) == unpacked
