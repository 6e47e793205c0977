"""The command ``grade export``, and every format but Moodle's, read by parsers that know nothing of ours."""

from __future__ import annotations

import errno
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from export_helpers import (
    CANVAS,
    EXAMPLES,
    RIGHT,
    WORKSHEET,
    WRONG,
    entry,
    export,
    graded,
    keep,
    moodle,
    table,
    worksheet,
)

from grader.cli import run
from grader.exporters.github import cut
from grader.model import CheckResult, CheckScore, CriterionScore, Decision, Origin, Report, Status
from grader.reports import student_text
from grader.store import Entry

Captured = pytest.CaptureFixture[str]
SCORE = ("points", "max_points", "pending", "late_seconds")
CLASS = (moodle("Anna Müller", "11"), moodle("Emil", "15", 5.0, pending=True))


@pytest.fixture(scope="module")
def grades(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keep(tmp_path_factory.mktemp("class"), CLASS)


# The command


def test_a_gradebook_with_marks_is_asked_for(grades: Path, tmp_path: Path, capsys: Captured) -> None:
    assert export(tmp_path, "moodle", "--worksheet", EXAMPLES / WORKSHEET) == 2
    assert "grade.sqlite: no gradebook; name the folder that `grade batch` wrote" in capsys.readouterr().err
    arguments = ["export", "--assignment", "sheet4", "--to", "moodle", "--output", str(grades)]
    assert run([*arguments, "--worksheet", str(EXAMPLES / WORKSHEET)]) == 2
    assert "grade.sqlite: holds no marks for 'sheet4'; it has: sheet3" in capsys.readouterr().err


def test_only_the_submissions_named_are_exported(grades: Path, tmp_path: Path, capsys: Captured) -> None:
    asked = ["--worksheet", EXAMPLES / WORKSHEET, "--file", tmp_path / "out.csv"]
    assert export(grades, "moodle", *asked, "--submission", "anna-11") == 0
    assert "1 of 6 rows has a mark from here" in capsys.readouterr().out
    assert export(grades, "moodle", *asked, "--submission", "bob") == 2
    assert "no submission 'bob' in sheet3" in capsys.readouterr().err


def half_written(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let the disk be full at the file number ``after``, in the middle of it."""
    whole, count = Path.write_bytes, iter(range(100))

    def write(self: Path, data: bytes) -> int:
        if next(count) < after:
            return whole(self, data)
        whole(self, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write)


@pytest.mark.parametrize("after", [0, 1])
def test_a_full_disk_leaves_nothing_half_written(
    grades: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured, after: int
) -> None:
    other = worksheet(tmp_path, saved_as="Grades-B-4711.csv")
    out = tmp_path / "out"
    asked = ["--worksheet", EXAMPLES / WORKSHEET, "--worksheet", other, "--file", out]
    out.mkdir()
    (out / WORKSHEET).write_bytes(b"the one before")
    half_written(monkeypatch, after)
    assert export(grades, "moodle", *asked) == 4
    failed = out / (WORKSHEET if after == 0 else other.name)
    message = f"{failed}: cannot be written (No space left on device); make room, or name another place with --file"
    assert message in capsys.readouterr().err
    assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [(WORKSHEET, b"the one before")]


def test_a_place_that_cannot_be_written_is_told(grades: Path, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "file").write_text("")
    asked = ["--worksheet", EXAMPLES / WORKSHEET, "--file", tmp_path / "file" / "out.csv"]
    assert export(grades, "moodle", *asked) == 4
    assert "out.csv: cannot be written (File exists); make room" in capsys.readouterr().err


@pytest.mark.parametrize("to", ["gradescope", "nbgrader", "csv", "marks", "junit", "github"])
def test_formats_that_are_made_anew_take_no_worksheet(grades: Path, capsys: Captured, to: str) -> None:
    assert export(grades, to, "--worksheet", EXAMPLES / WORKSHEET) == 2
    assert "takes no --worksheet" in capsys.readouterr().err


# Tables


def hostile(report: Report, name: str) -> Report:
    """Return the report with a name that a spreadsheet would compute."""
    return replace(report, people=(name, "Bela\ud800"))


def test_the_table_of_criteria_has_a_row_for_each(tmp_path: Path, capsys: Captured) -> None:
    late = hostile(graded("anna", late_seconds=90), '=HYPERLINK("x")')
    grades = keep(tmp_path, [entry(late), entry(graded("bob", 3.0, pending=True, people=("-1+1",)))])
    assert export(grades, "csv") == 0
    data = (grades / "export" / "sheet3.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbfassignment,")
    header, *rows = table(data)
    assert [dict(zip(header, row, strict=True)) for row in rows] == [
        {
            "assignment": "sheet3",
            "submission": "anna",
            "people": '\'=HYPERLINK("x"); Bela\ufffd',
            "exercise": "step",
            "criterion": "all",
            "title": "All of it",
            "points": "12.5",
            "max_points": "15.0",
            "pending": "no",
            "late_seconds": "90",
            "misconceptions": "unmasked",
        },
        {
            "assignment": "sheet3",
            "submission": "bob",
            "people": "'-1+1",
            "exercise": "step",
            "criterion": "all",
            "title": "All of it",
            "points": "3.0",
            "max_points": "15.0",
            "pending": "yes",
            "late_seconds": "0",
            "misconceptions": "unmasked",
        },
    ]
    assert "a row for each criterion: 2 criteria." in capsys.readouterr().out


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_for_people_is_a_formula(tmp_path: Path, start: str) -> None:
    grades = keep(tmp_path, [entry(graded("anna", people=(f"{start}cmd",)))])
    assert export(grades, "marks") == 0
    assert table((grades / "export" / "sheet3-marks.csv").read_bytes())[1][1] == f"'{start}cmd"


def test_the_table_of_marks_has_a_row_for_each_person(tmp_path: Path) -> None:
    grades = keep(tmp_path, [moodle("Anna", "11"), entry(graded("team", 3.0, pending=True, people=("Bo", "Cy")))])
    assert export(grades, "marks") == 0
    assert table((grades / "export" / "sheet3-marks.csv").read_bytes()) == [
        ["assignment", "person", "submission", "platform", "platform_id", *SCORE],
        ["sheet3", "Anna", "anna-11", "moodle", "11", "12.5", "15.0", "no", "0"],
        ["sheet3", "Bo", "team", "", "", "3.0", "15.0", "yes", "0"],
        ["sheet3", "Cy", "team", "", "", "3.0", "15.0", "yes", "0"],
    ]


def test_a_folder_that_names_several_has_a_row_for_each_with_their_own_mark(tmp_path: Path) -> None:
    made = datetime(2026, 5, 4, tzinfo=UTC)
    own = Decision("bob + eve", "", "", "", "eve", 4.0, None, "Did half.", "kim", made)
    pair = graded("bob + eve", 10.0, people=("bob + eve",), member_decisions=(own,))
    grades = keep(tmp_path, [entry(pair)])
    assert export(grades, "marks") == 0
    rows = table((grades / "export" / "sheet3-marks.csv").read_bytes())[1:]
    assert {row[1]: row[5] for row in rows} == {"bob": "10.0", "eve": "4.0"}


def test_a_decided_check_is_told_as_decided_everywhere() -> None:
    made = datetime(2026, 5, 4, tzinfo=UTC)
    own = Decision("anna", "step", "", "why", "", 2.0, None, "Good.", "kim", made)
    text = CheckResult("why", "text", Status.ERROR, 0.0, for_person=True)
    score = CheckScore(text, 2.0, 2.0, decision=own)
    assert (score.owed, score.fraction) == (False, 1.0)
    assert (replace(score, decision=None).owed, replace(score, points=1.0).fraction) == (True, 0.5)
    report = graded("anna")
    [part] = report.exercises
    told = replace(part, criteria=(CriterionScore("all", "All", 2.0, 2.0, False, (score,)),))
    assert "why  Decided by a person" in student_text(replace(report, exercises=(told,)))
    assert "2 of 2" in student_text(replace(report, exercises=(told,)))


def test_the_table_of_nbgrader_has_its_columns_and_no_pending_mark(tmp_path: Path, capsys: Captured) -> None:
    login = Origin("nbgrader", "amueller", "amueller", ("amueller",))
    after_penalty = replace(graded("amueller", 10.0), points=8.0, penalty=2.0)
    entries = [entry(after_penalty, login), entry(graded("b", 3.0, pending=True)), entry(graded("=c", 2.0))]
    grades = keep(tmp_path, entries)
    assert export(grades, "nbgrader") == 1
    names = "assignment,duedate,timestamp,student_id,last_name,first_name,email"
    assert (grades / "export" / "grades.csv").read_bytes().decode().splitlines() == [
        f"{names},raw_score,late_submission_penalty,score,max_score",
        "sheet3,,2025-11-12 09:30:00,=c,,,,2.0,0.0,2.0,15.0",
        "sheet3,,2025-11-12 09:30:00,amueller,,,,10.0,2.0,8.0,15.0",
    ]
    assert "b: is pending (step why), so its mark was not exported" in capsys.readouterr().out


# Canvas


def canvas(label: str, number: str, points: float = 12.5, **more: bool) -> Entry:
    """Return an entry on a hand-in out of Canvas's download."""
    return entry(
        graded(f"{label}-{number}", points, people=(label,), **more), Origin("canvas", number, label, (number,))
    )


def test_canvas_gets_its_gradebook_back_with_one_column_changed(tmp_path: Path, capsys: Captured) -> None:
    entries = [
        canvas("mullerannax", "101"),
        canvas("müllerann", "102"),
        canvas("obrienbela", "102", 10 / 3),
        canvas("cruzcarla", "103"),
        canvas("doedana", "104"),
        canvas("gone", "177"),
        canvas("cruzcarla", "105", 1.0, pending=True),
        entry(graded("folder", 7.0, people=("ccruz2",))),
        entry(graded("other", 7.0, people=("Carla Cruz",))),
        canvas("müller-anna", "101"),
    ]
    grades = keep(tmp_path, entries)
    path = EXAMPLES / CANVAS
    assert export(grades, "canvas", "--worksheet", path) == 1
    expected = path.read_bytes()
    for old, new in (
        (b"EML25 and Lab A,,", b"EML25 and Lab A,12.50,"),
        (b"EML25,9.5,", b"EML25,3.33333,"),
        (b"ccruz2,EML25,,", b"ccruz2,EML25,7.00,"),
    ):
        assert expected.count(old) == 1
        expected = expected.replace(old, new)
    assert (grades / "export" / CANVAS).read_bytes() == expected
    said = capsys.readouterr().out
    for line in (
        "Canvas's gradebook: 3 of 6 students have a mark from here, under 'Sheet 3 (123)'.",
        "cruzcarla-105: is pending (step why), so its mark was not exported",
        "mullerannax-101: is user 101, 'mullerannax', and that is 'Müller, Anna' in the gradebook (its mark was not",
        "gone-177: is user 177, 'gone', who is not in the gradebook (its mark was not exported)",
        "other: 2 people are called 'Carla Cruz' in the gradebook (its mark was not exported)",
        f"{path}:6: is excused in Canvas (cruzcarla-103); the row was left as it is",
        f"{path}:7: is not assigned to this person in Canvas (doedana-104); the row was left as it is",
    ):
        assert line in said


def test_two_marks_for_one_student_leave_the_cell_as_it_was(tmp_path: Path, capsys: Captured) -> None:
    grades = keep(tmp_path, [canvas("obrienbela", "102", 3.0), entry(graded("x", 4.0, people=("bobrien",)))])
    assert export(grades, "canvas", "--worksheet", EXAMPLES / CANVAS) == 1
    assert (grades / "export" / CANVAS).read_bytes() == (EXAMPLES / CANVAS).read_bytes()
    assert ":5: could get the marks of obrienbela-102 and x" in capsys.readouterr().out


def test_names_in_two_columns_and_semicolons_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "grades.csv"
    path.write_text(
        "LastName;FirstName;ID;Section;Sheet 3 (123)\n    Points Possible;;;;15,0\nMüller;Anna;101;A;\n",
        encoding="utf-8",
    )
    grades = keep(tmp_path, [canvas("mülleranna", "101"), entry(graded("nobody", people=("Zoe",)))])
    assert export(grades, "canvas", "--worksheet", path, "--submission", "mülleranna-101") == 0
    assert (grades / "export" / "grades.csv").read_text(encoding="utf-8").endswith("Müller;Anna;101;A;12,50\n")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "Sheet 3 (123)",
            "Sheet 4 (123)",
            "has no column 'of an assignment Sheet 3'; name one with --column grade=HEADER",
        ),
        ('"Sheet 3, bonus (124)"', "Sheet 3 (124)", "has 2 columns 'of an assignment Sheet 3'"),
        (",ID,", ",Number,", "has no column for 'id' (such as 'id')"),
        ("15.00", "(read only)", "the row 'Points Possible' has no number under 'Sheet 3 (123)'; take another column"),
        ("15.00", "10.00", "10 points are possible under 'Sheet 3 (123)', and sheet3 has 15; change that in Canvas"),
        (",102,", ",101,", "the ID 101 is there twice; download the gradebook again"),
    ],
)
def test_a_gradebook_that_cannot_be_used_is_told(
    tmp_path: Path, capsys: Captured, old: str, new: str, message: str
) -> None:
    grades = keep(tmp_path / "grades", [canvas("mülleranna", "101")])
    path = worksheet(tmp_path, CANVAS, old=old, new=new)
    assert export(grades, "canvas", "--worksheet", path) == 2
    said = capsys.readouterr().err
    assert message in said
    assert str(path) in said
    assert not (grades / "export").exists()


def test_canvas_takes_another_column_and_another_worth_where_this_is_asked_for(
    tmp_path: Path, capsys: Captured
) -> None:
    grades = keep(tmp_path, [canvas("obrienbela", "102", 15.0), canvas("doedana", "104", 3.0)])
    asked = ["--worksheet", EXAMPLES / CANVAS, "--column", "grade=Sheet 3, bonus (124)"]
    assert export(grades, "canvas", *asked, "--scale") == 0
    rows = table((grades / "export" / CANVAS).read_bytes())
    assert [row[6] for row in rows[3:]] == ["2.00", "5.00", "", "1.00", "", ""]
    assert export(grades, "canvas", *asked, "--worksheet", EXAMPLES / WORKSHEET) == 2
    assert "Canvas has one gradebook; name it once with --worksheet" in capsys.readouterr().err
    above = replace(graded("d", 3.0, people=("ddoe",)), points=16.0)
    keep(grades, [entry(replace(above, people=("bobrien",)))])
    assert export(grades, "canvas", "--worksheet", EXAMPLES / CANVAS) == 1
    assert "the mark 16 is not between 0 and the 15 points possible (d)" in capsys.readouterr().out


# Gradescope


def test_gradescope_gets_a_file_for_each_submission(tmp_path: Path) -> None:
    late = graded("anna", late_seconds=90)
    late = replace(late, exercises=(replace(late.exercises[0], note="Two files: \x1b[31mred"),))
    grades = keep(tmp_path, [entry(late), entry(graded("Bob!", 15.0)), entry(graded("c", pending=True))])
    assert export(grades, "gradescope", "--file", tmp_path / "out") == 1
    files = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.json"))
    assert files[0] == "anna/results.json"
    assert re.fullmatch(r"bob-[0-9a-f]{16}/results\.json", files[1])
    assert len(files) == 2
    assert json.loads((tmp_path / "out" / files[0]).read_text()) == {
        "score": 12.5,
        "execution_time": 1.25,
        "output": "Handed in 1 min 30 s after the deadline.\nStep: Two files: red",
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"submission": "anna", "late_seconds": 90, "max_points": 15.0},
        "tests": [
            {
                "score": 12.5,
                "max_score": 12.5,
                "status": "passed",
                "name": "Step: z1 (12.5 of 12.5)",
                "number": "1.1.1",
                "output": "Right.",
                "tags": ["value"],
                "visibility": "visible",
            },
            {
                "score": 0.0,
                "max_score": 2.5,
                "status": "failed",
                "name": "Step: grad_z1 (0 of 2.5)",
                "number": "1.1.2",
                "output": 'Not right.\nNot `ReLU`\'s, "quoted" <b> \\',
                "tags": ["value"],
                "visibility": "visible",
            },
        ],
    }


def test_one_submission_makes_one_results_json(tmp_path: Path) -> None:
    grades = keep(tmp_path, [entry(graded("anna")), entry(graded("bob"))])
    assert export(grades, "gradescope", "--submission", "bob", "-o", tmp_path / "results.json") == 0
    assert json.loads((tmp_path / "results.json").read_text())["extra_data"]["submission"] == "bob"


# JUnit


def test_junit_counts_what_passed_failed_and_is_owed(tmp_path: Path) -> None:
    report = graded("anna", pending=True)
    (part,) = report.exercises
    ours = replace(WRONG, id="x\x00<]]>", status=Status.ERROR, message="disk \ud800\x1b[2J", misconception=None)
    half = replace(RIGHT, id="half", status=Status.PARTIAL, fraction=0.5, message="Half.")
    later = replace(WRONG, id="later", status=Status.SKIPPED, message="Cannot tell yet.", misconception=None)
    more = tuple(CheckScore(one, 0.0, 0.0) for one in (ours, half, later))
    scores = (*part.criteria[0].checks, *more)
    criterion = replace(part.criteria[0], checks=scores)
    grades = keep(tmp_path, [entry(replace(report, exercises=(replace(part, criteria=(criterion,)),)))])
    assert export(grades, "junit") == 0
    root = ET.fromstring((grades / "export" / "sheet3.xml").read_bytes())  # noqa: S314 - written by us
    counts = {"tests": "6", "failures": "2", "errors": "1", "skipped": "2"}
    assert (root.tag, root.attrib) == ("testsuites", {"name": "Sheet 3", **counts})
    (suite,) = root
    assert suite.attrib == {"name": "anna/step", **counts, "time": "1.250"}
    found = {
        case.get("name"): [(one.tag, one.get("message"), one.text) for one in case if one.tag != "properties"]
        for case in suite.iter("testcase")
    }
    assert found == {
        "z1": [],
        "grad_z1": [("failure", "Not right", 'Not `ReLU`\'s, "quoted" <b> \\')],
        "why": [("skipped", "To be marked by a person", None)],
        "x\ufffd<]]>": [("error", "Still to be graded", "disk \ufffd")],
        "half": [("failure", "Partly right", "Half.")],
        "later": [("skipped", "Not judged", "Cannot tell yet.")],
    }
    points = [
        [(one.get("name"), one.get("value")) for one in place.findall("properties/property")]
        for place in (suite, *suite.findall("testcase")[:2])
    ]
    assert points == [
        [("points", "12.5"), ("max_points", "15"), ("pending", "true"), ("late_seconds", "0")],
        [("points", "12.5"), ("max_points", "12.5")],
        [("points", "0"), ("max_points", "2.5"), ("misconception", "unmasked")],
    ]


# GitHub


def test_github_shows_annotations_and_a_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    (tmp_path / "summary.md").write_text("of another command\n")
    report = graded("anna", pending=True, people=("Anna | <script>",))
    (part,) = report.exercises
    report = replace(report, exercises=(replace(part, file="a,b:c%.py", title="1. Step"),))
    grades = keep(tmp_path, [entry(report)])
    assert export(grades, "github") == 0
    said = capsys.readouterr()
    message = 'Not right (0 of 2.5).%0ANot `ReLU`\'s, "quoted" <b> \\'
    assert said.out.splitlines() == [
        f"::error file=a%2Cb%3Ac%25.py,title=anna%2C 1. Step%3A grad_z1::{message}",
        "::notice file=a%2Cb%3Ac%25.py,title=anna%2C 1. Step%3A why::To be marked by a person (0 of 0).",
    ]
    assert "annotations and the summary of GitHub Actions: 1 submission." in said.err
    lines = (tmp_path / "summary.md").read_text().splitlines()
    assert lines[:2] == ["of another command", "# Sheet 3"]
    assert r"## Anna \| &lt;script&gt;: 12.5 of 15" in lines
    row = r"""| 1\. Step | grad\_z1 | 0 of 2.5 | Not right\. Not \`ReLU\`'s, "quoted" &lt;b&gt; \\ |"""
    assert row in lines
    assert not (grades / "export").exists()


def test_github_shows_ten_annotations_of_a_kind(tmp_path: Path, capsys: Captured) -> None:
    names = [f"s{number:02}" for number in range(11)]
    grades = keep(tmp_path, [entry(graded(name)) for name in names[:10]])
    assert export(grades, "github", "-o", tmp_path / "summary.md") == 0
    assert len(capsys.readouterr().out.splitlines()) == 10
    keep(grades, [entry(graded(name)) for name in names])
    assert export(grades, "github", "-o", tmp_path / "summary.md") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [len(lines), lines[-1]] == [10, "::error::2 more are in the summary"]
    assert (tmp_path / "summary.md").read_text().count("\n## ") == 11


def test_a_summary_is_cut_between_submissions() -> None:
    data = cut("# Ü\n", (f"{number}: {'ü' * 100}\n" for number in range(10_000)))
    assert len(data) <= 1024**2 < len(data) + 250
    *lines, blank, last = data.decode().splitlines()
    assert (blank, last) == ("", "The rest does not fit into a summary.")
    assert lines[-1] == f"{len(lines) - 2}: {'ü' * 100}"
    assert cut("# Ü\n", ["all\n"]) == "# Ü\nall\n".encode()
