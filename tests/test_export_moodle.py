"""Back to Moodle: the worksheet as it came but for two columns, and the zip of feedback."""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from export_helpers import (
    ARCHIVE,
    EXAMPLES,
    GERMAN,
    HIDDEN,
    TEAMS,
    WORKSHEET,
    entry,
    export,
    graded,
    keep,
    moodle,
    table,
    worksheet,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.exporters.feedback import comment, with_comment
from grader.exporters.sheet import read_sheet
from grader.model import Decision, Origin
from grader.reports import student_page, student_text

Captured = pytest.CaptureFixture[str]
ANNA = ("Anna Müller", "11")
CLASS = (
    moodle(*ANNA),
    moodle("Bela OBrien", "12", 10 / 3),
    moodle("Carla de la Cruz", "13", 14.0),
    moodle("Emil", "15", 5.0, pending=True),
    moodle("Fay Fox", "16", 7.5),
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keep(tmp_path_factory.mktemp("class"), CLASS)


@pytest.fixture
def grades(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "grades"))


def test_the_worksheet_comes_out_as_it_was_but_for_marks_and_comments(grades: Path, capsys: Captured) -> None:
    status = export(grades, "moodle", "--worksheet", EXAMPLES / WORKSHEET)
    said, name = capsys.readouterr().out, EXAMPLES / WORKSHEET
    written = (grades / "export" / WORKSHEET).read_bytes()
    original = (EXAMPLES / WORKSHEET).read_bytes()
    anna, bela, fay = (comment(CLASS[place].report).encode() for place in (0, 1, 4))
    expected = original
    for old, new in (
        (b'"Submitted for grading - ",,15.00,Yes,"Tuesday, 11 November 2025, 6:02 PM",-,\n',
         b'"Submitted for grading - ",12.50,15.00,Yes,"Tuesday, 11 November 2025, 6:02 PM",-,"' + anna + b'"\n'),
        (b"late\",9.00,", b"late\",3.33333,"),
        (b'""Bela"".\n</p>"\n', b'""Bela"".\n</p> ' + bela + b'"\n'),
        (b'5:31 PM",-,\n', b'5:31 PM",-,"' + fay + b'"\n'),
    ):  # fmt: skip
        assert expected.count(old) == 1
        expected = expected.replace(old, new)
    assert written == expected
    assert [row[4] for row in table(written)] == ["Grade", "12.50", "3.33333", "15.00", "", "", "7.5"]
    assert status == 1
    assert said.splitlines() == [
        "Moodle's grading worksheet: 3 of 6 rows have a mark from here.",
        "emil-15: is pending (step why), so its mark was not exported; export again once it is settled",
        f"{name}:5: the grade cannot be changed in Moodle (carla-13); the row was left as it is",
        f"Written: {grades / 'export' / WORKSHEET}",
    ]


def test_a_german_worksheet_keeps_its_semicolons_commas_and_line_ends(grades: Path) -> None:
    assert export(grades, "moodle", "--worksheet", EXAMPLES / GERMAN) == 1
    written = (grades / "export" / GERMAN).read_bytes()
    anna, bela = (comment(CLASS[place].report).encode() for place in (0, 1))
    expected = (EXAMPLES / GERMAN).read_bytes()
    expected = expected.replace(b'"";"15,00";"Ja"', b'"12,50";"15,00";"Ja"').replace(b'"9,50"', b'"3,33333"')
    expected = expected.replace(b'18:02";"-";""', b'18:02";"-";"' + anna + b'"')
    expected = expected.replace(b'20:11";"-";""', b'20:11";"-";"' + bela + b'"')
    assert written == expected
    assert written.count(b"\r\n") == written.count(b"\n") == 4
    assert table(written, ";")[1][4:6] == ["12,50", "15,00"]


def test_a_worksheet_in_utf_16_stays_in_it(grades: Path) -> None:
    text = (EXAMPLES / WORKSHEET).read_bytes().decode("utf-8-sig")
    for encoding, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")):
        path = grades / f"{encoding}-4711.csv"
        path.write_bytes(mark + text.encode(encoding))
        assert export(grades, "moodle", "--worksheet", path) == 1
        written = (grades / "export" / path.name).read_bytes()
        assert written[:2] == mark
        assert table(written[2:].decode(encoding).encode())[1][4] == "12.50"


def test_exporting_again_changes_nothing_and_a_new_mark_replaces_the_old_comment(grades: Path, tmp_path: Path) -> None:
    export(grades, "moodle", "--worksheet", EXAMPLES / WORKSHEET)
    first = grades / "export" / WORKSHEET
    export(grades, "moodle", "--worksheet", first, "--file", tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == first.read_bytes()
    keep(grades, [moodle(*ANNA, 15.0), moodle("Bela OBrien", "12", 0.0)])
    assert export(grades, "moodle", "--worksheet", first, "--file", tmp_path / "again.csv") == 0
    rows = table((tmp_path / "again.csv").read_bytes())
    assert [row[4] for row in rows[1:3]] == ["15.00", "0.00"]
    assert rows[1][9].count("<div") == rows[2][9].count("<div") == 1
    assert rows[2][9].startswith('<p>Please see me, "Bela".\n</p> <div class=grade-feedback><p>0 of 15 points</p>')


def test_a_comment_is_harmless_and_holds_neither_quotes_nor_backslashes() -> None:
    report = graded("anna", late_seconds=7200)
    text = comment(report)
    assert "<p>Handed in 2 h after the deadline.</p>" in text
    assert "Not <code>ReLU</code>&#x27;s, &quot;quoted&quot; &lt;b&gt; &#92;</li>" in text
    assert [sign for sign in '"\\\n\r' if sign in text] == []
    assert "secret" not in text
    assert with_comment('C:\\"x"', text) == f'C:\\&quot;x" {text}'
    purified = text.replace("class=grade-feedback", 'class="grade-feedback"')
    assert with_comment(f"mine {purified}", text) == f"mine {text}"


def test_every_member_of_a_team_gets_its_mark(tmp_path: Path, capsys: Captured) -> None:
    # The team's number 12 is Bela's as a participant, who is in the other team.
    archive = "EML25-Project-4800.zip"
    teams = [moodle("Team Rocket", "12", 10.0, archive), moodle("Team Blue", "77", 8.0, archive)]
    teams += [moodle("Default group", "", 6.0, archive)]
    grades = keep(tmp_path, teams)
    assert export(grades, "moodle", "--worksheet", EXAMPLES / TEAMS) == 0
    rows = table((grades / "export" / TEAMS).read_bytes())
    assert [(row[1], row[5]) for row in rows[1:]] == [
        ("Anna Müller", "10.00"),
        ("Bela O'Brien", "8.00"),
        ("Carla de la Cruz", "10.00"),
        ("Dana Doe", "6.00"),
        ("Emil", ""),
    ]
    assert "4 of 5 rows have a mark from here" in capsys.readouterr().out


def test_hidden_names_are_joined_by_number_alone(tmp_path: Path, capsys: Captured) -> None:
    archive = "EML25-Quiz-4900.zip"
    grades = keep(tmp_path, [moodle("Participant", "21", 3.0, archive), moodle("Participant", "99", 3.0, archive)])
    assert export(grades, "moodle", "--worksheet", EXAMPLES / HIDDEN) == 1
    original, written = (EXAMPLES / HIDDEN).read_bytes(), (grades / "export" / HIDDEN).read_bytes()
    assert written == original.replace(b'grading - ",,', b'grading - ",3.00,', 1)
    said = capsys.readouterr().out
    assert (
        "participant-99: is number 99, 'Participant', who is in no worksheet; download it again, for everybody" in said
    )
    assert "has no column for feedback comments; switch them on in Moodle for these" in said
    german = worksheet(tmp_path, HIDDEN, old='"Participant 2', new='"Teilnehmer/in2')
    keep(grades, [moodle("Teilnehmerin", "22", 4.0, archive)])
    assert export(grades, "moodle", "--worksheet", german) == 0
    assert table((grades / "export" / HIDDEN).read_bytes())[2][2] == "4.00"


def test_hand_ins_from_elsewhere_are_joined_by_names_and_addresses(tmp_path: Path, capsys: Captured) -> None:
    entries = [
        entry(graded("a", 1.0, people=("müller anna + Bela O'Brien",))),
        entry(graded("b", 2.0, people=("DANA@example.org",)), Origin("gradescope", "8")),
        entry(graded("c", 3.0, people=("Nobody Here",))),
        entry(graded("d", 4.0, people=("Fay Fox", "Anna"))),
    ]
    grades = keep(tmp_path, entries)
    assert export(grades, "moodle", "--worksheet", EXAMPLES / WORKSHEET) == 1
    rows = table((grades / "export" / WORKSHEET).read_bytes())
    assert [row[4] for row in rows[1:]] == ["1.00", "1.00", "15.00", "2.00", "", "7.5"]
    said = capsys.readouterr().out
    assert "c: nobody is called 'Nobody Here' in the worksheet; name folders after full names or addresses" in said
    assert "d: nobody is called 'Anna' in the worksheet" in said


def test_of_two_people_with_one_name_none_is_guessed(tmp_path: Path, capsys: Captured) -> None:
    grades = keep(tmp_path, [entry(graded("a", people=("Fay Fox",)))])
    path = worksheet(tmp_path, old=",Emil,", new=",Fay Fox,")
    assert export(grades, "moodle", "--worksheet", path) == 1
    assert "a: 2 people are called 'Fay Fox' in the worksheet" in capsys.readouterr().out
    assert (grades / "export" / WORKSHEET).read_bytes() == path.read_bytes()


def test_a_number_that_is_somebody_elses_is_not_trusted(tmp_path: Path, capsys: Captured) -> None:
    grades = keep(tmp_path, [moodle("Ann Smith", "11", 2.0)])
    path = EXAMPLES / WORKSHEET
    assert export(grades, "moodle", "--worksheet", path) == 1
    assert (
        f"ann-11: is number 11, 'Ann Smith'; in the worksheet ({path}:2) this is 'Anna Müller', and no group has that "
        "name; take the worksheet of this assignment, or say --force if the person was renamed"
    ) in capsys.readouterr().out
    assert export(grades, "moodle", "--worksheet", path, "--force") == 0
    assert table((grades / "export" / WORKSHEET).read_bytes())[1][4] == "2.00"


def test_two_marks_for_one_row_leave_it_as_it_was(tmp_path: Path, capsys: Captured) -> None:
    grades = keep(tmp_path, [moodle(*ANNA, 2.0), entry(graded("x", 3.0, people=("Anna Müller",)))])
    path = EXAMPLES / WORKSHEET
    assert export(grades, "moodle", "--worksheet", path) == 1
    message = f"{path}:2: could get the marks of anna-11 and x, so it was left as it is; enter one by hand"
    assert message in capsys.readouterr().out
    assert (grades / "export" / WORKSHEET).read_bytes() == path.read_bytes()


def test_the_worksheet_of_another_assignment_is_refused(grades: Path, capsys: Captured) -> None:
    path = worksheet(grades, saved_as="Grades-EML25-Sheet 4-4712.csv")
    assert export(grades, "moodle", "--worksheet", path) == 2
    assert (
        f"{path}: is of another assignment, number 4712; the hand-ins came from {ARCHIVE}. Name the worksheet of the "
        "same assignment, or say --force if only the file's name is wrong"
    ) in capsys.readouterr().err
    assert not (grades / "export").exists()
    assert export(grades, "moodle", "--worksheet", path, "--force") == 1
    again = worksheet(grades, saved_as="Grades-EML25-Sheet 3-4711 (2).csv")
    capsys.readouterr()
    assert export(grades, "moodle", "--worksheet", again) == 1
    assert "not made sure" not in capsys.readouterr().out
    renamed = worksheet(grades, saved_as="marks.csv")
    assert export(grades, "moodle", "--worksheet", renamed) == 1
    assert (
        f"{renamed}: not made sure that it is of this assignment: marks.csv ends in no number"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (',Grade,"Max', ',Mark,"Max', "has no column for 'grade' (such as 'grade'); name it with --column grade="),
        ("Identifier,", "Number,", "has no column for 'identifier' (such as 'identifier')"),
        ('"Last modified (grade)"', "Changed", "has no column for 'modified' (such as 'last modified (grade)')"),
        (",Status,", ",Grade,", "has 2 columns that could be 'grade' (column 4 'Grade', column 5 'Grade')"),
        ("Participant 12", "Participant 11", ":3: the identifier Participant 11 is there twice (first in line 2)"),
        ("Participant 12", "Bela", ":3: the identifier 'Bela' has no number; download the worksheet again"),
        (",9.00,15.00", ",9.00,all", ":3: the maximum grade 'all' is no number; download the worksheet again"),
        (",9.00,15.00", ',"9,00",15.00', "has decimal points and decimal commas; say which with --decimal"),
        (",9.00,15.00", ",9.00;15.00", ":3: has 9 cells where the header has 10; download the file again"),
        (",9.00,15.00", ",9.00,10.00", ":3: the maximum grade is 10, and sheet3 has 15 points; set the"),
        ('"Maximum Grade"', "Scale", "the assignment is marked in words (a scale); let it be marked in points"),
        ('Doe",dana', 'Doe,dana', ":6: has 8 cells where the header has 10"),
    ],
)  # fmt: skip
def test_a_worksheet_that_cannot_be_used_is_told(
    grades: Path, capsys: Captured, old: str, new: str, message: str
) -> None:
    path = worksheet(grades, old=old, new=new)
    status = export(grades, "moodle", "--worksheet", path)
    said = capsys.readouterr().err
    assert (status, message in said, str(path) in said) == (2, True, True), said
    assert not (grades / "export").exists()


def test_all_that_is_wrong_with_the_columns_is_told_at_once_and_they_can_be_named(
    grades: Path, capsys: Captured
) -> None:
    path = worksheet(grades, old=',Grade,"Max', new=',Note,"Max')
    path.write_bytes(path.read_bytes().replace(b"Identifier,", b"Nummer,"))
    assert export(grades, "moodle", "--worksheet", path, "--column", "mark=x", "--column", "email=Mail") == 2
    said = capsys.readouterr().err
    assert (
        "--column mark=…: there is no such column to name; these can be: identifier, grade, modified, maximum" in said
    )
    assert (
        f"{path}: has no column for 'identifier' (such as 'identifier'); name it with --column identifier=HEADER"
        in said
    )
    assert f"{path}: has no column for 'grade'" in said
    assert f"{path}: has no column 'Mail'; name it with --column email=HEADER" in said
    assert "its columns are: Nummer, Full name, Email address, Status, Note, Maximum Grade" in said
    named = ["--column", "identifier=nummer", "--column", "grade=Note"]
    assert export(grades, "moodle", "--worksheet", path, *named) == 1
    assert table((grades / "export" / WORKSHEET).read_bytes())[1][4] == "12.50"
    assert export(grades, "moodle", "--worksheet", path, "--column", "grade") == 2
    assert "'grade' is not of the form WHAT=HEADER, such as grade=Note" in capsys.readouterr().err


def test_a_mark_above_the_maximum_is_refused_for_its_row(tmp_path: Path, capsys: Captured) -> None:
    above, below = moodle(*ANNA), moodle("Emil", "15")
    above = replace(above, report=replace(above.report, points=15.5))
    below = replace(below, report=replace(below.report, points=-1.0))
    grades = keep(tmp_path, [above, below, moodle("Fay Fox", "16", 15.0)])
    path = EXAMPLES / WORKSHEET
    assert export(grades, "moodle", "--worksheet", path) == 1
    said = capsys.readouterr().out
    assert (
        f"{path}:2: the mark 15.5 is not between 0 and the maximum grade 15 (anna-11); the row was left as it is"
        in said
    )
    assert f"{path}:7: the mark -1 is not between 0 and the maximum grade 15 (emil-15)" in said
    rows = table((grades / "export" / WORKSHEET).read_bytes())
    assert [row[4] for row in rows[1:]] == ["", "9.00", "15.00", "", "", "15.00"]


def test_marks_are_converted_to_another_maximum_where_this_is_asked_for(grades: Path) -> None:
    path = worksheet(grades, old="15.00", new="100.00")
    assert export(grades, "moodle", "--worksheet", path, "--scale", "--decimal", ",") == 1
    rows = table((grades / "export" / WORKSHEET).read_bytes())
    assert [row[4] for row in rows[1:]] == ["83,33333", "22,22222", "100.00", "", "", "50,00"]
    assert "12.5 of 15 points" in rows[1][9]


def test_a_worksheet_without_maximum_is_filled_and_that_is_said(grades: Path, capsys: Captured) -> None:
    path = worksheet(grades, old='"Maximum Grade"', new="Best")
    assert export(grades, "moodle", "--worksheet", path) == 1
    assert "has no column with the maximum grade, so marks were not held against it" in capsys.readouterr().out


def test_several_worksheets_are_filled_together(grades: Path, tmp_path: Path, capsys: Captured) -> None:
    group = worksheet(tmp_path, saved_as="Grades-EML25-Sheet 3-Group A-4711.csv")
    both = ["--worksheet", EXAMPLES / WORKSHEET, "--worksheet", group]
    assert export(grades, "moodle", *both, "--file", tmp_path / "out") == 1
    assert "6 of 12 rows have a mark from here" in capsys.readouterr().out
    written = [(tmp_path / "out" / name).read_bytes() for name in (WORKSHEET, group.name)]
    assert written[0] == written[1] != group.read_bytes()
    (tmp_path / "b").mkdir()
    other = worksheet(tmp_path / "b")
    assert export(grades, "moodle", "--worksheet", EXAMPLES / WORKSHEET, "--worksheet", other) == 2
    assert "two worksheets have the same file name; export them one after the other" in capsys.readouterr().err


def test_the_file_that_was_downloaded_is_never_overwritten(grades: Path, capsys: Captured) -> None:
    path = worksheet(grades)
    for place in (path, grades):
        assert export(grades, "moodle", "--worksheet", path, "--file", place) == 2
        assert f"{path}: is the downloaded file itself; name another --file" in capsys.readouterr().err
    assert path.read_bytes() == (EXAMPLES / WORKSHEET).read_bytes()


def test_what_is_no_table_is_told(grades: Path, capsys: Captured) -> None:
    latin = "Identifier,Größe\n".encode("latin-1")
    cases = {
        b"": ": is empty; download the file again and leave it as it comes",
        latin: "is neither UTF-8 nor UTF-16 with its mark (invalid start byte, byte 13)",
        b'a,b\n1,"x\\",y"\n"2\\",3\n': "download the file again",
        b'a,b\n1,"x\\"\n2,"y"\n': "can be read in two ways, because of a quote after a backslash; remove it",
        b'a,b\n1,"x\n2,y\n': "has no column for 'identifier'",
    }
    for data, message in cases.items():
        path = grades / "x-4711.csv"
        path.write_bytes(data)
        assert export(grades, "moodle", "--worksheet", path) == 2
        assert message in capsys.readouterr().err
    assert export(grades, "moodle", "--worksheet", grades / "none-4711.csv") == 2
    assert "none-4711.csv: cannot be read (No such file or directory); name the file" in capsys.readouterr().err


def test_quotes_of_php_behind_a_backslash_do_not_move_cells(tmp_path: Path) -> None:
    # PHP leaves a quote after a backslash as it is; here in what a student wrote, with a separator and a line end.
    path = tmp_path / "x.csv"
    path.write_bytes(
        b'Identifier,"Online text",Grade\n"Participant 1","say \\", 100,\n \\" C:\\n",5\n"Participant 2",x,\n'
    )
    sheet = read_sheet(path)
    assert [[cell.value for cell in row.cells] for row in sheet.rows] == [
        ["Participant 1", 'say \\", 100,\n \\" C:\\n', "5"],
        ["Participant 2", "x", ""],
    ]


@pytest.mark.parametrize("name", [WORKSHEET, GERMAN, TEAMS, HIDDEN])
def test_cells_are_where_pythons_own_reader_finds_them(name: str) -> None:
    sheet = read_sheet(EXAMPLES / name)
    read = [[cell.value for cell in row.cells] for row in (sheet.header, *sheet.rows)]
    assert read == table((EXAMPLES / name).read_bytes(), sheet.separator)
    assert sheet.changed({}) == (EXAMPLES / name).read_bytes()
    again = {cell: cell.value for row in sheet.rows for cell in row.cells}
    assert sheet.changed(again) == (EXAMPLES / name).read_bytes()


CELL = st.lists(st.sampled_from([*'aü1 ,;"\n\t', "\r\n"]), max_size=6).map("".join)
STYLES = [(s, q, e) for s in ",;\t" for q in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL) for e in ("\n", "\r\n")]


@settings(deadline=None)  # the disk may be slow
@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=5),
    style=st.sampled_from(STYLES),
    value=CELL,
    place=st.integers(0, 2),
)
def test_any_table_is_read_as_python_reads_it_and_one_cell_of_it_changed(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str]],
    style: tuple[str, Literal[0, 1], str],
    value: str,
    place: int,
) -> None:
    separator, quoting, end = style
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=separator, quoting=quoting, lineterminator=end)
    writer.writerows([["x", "y", "z"], *rows])
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(buffer.getvalue().encode())
    sheet = read_sheet(path)
    kept = [row for row in rows if any(cell.strip() for cell in row)]
    assert [[cell.value for cell in row.cells] for row in sheet.rows] == kept
    if kept:
        kept[-1][place] = value
        assert kept[-1] in table(sheet.changed({sheet.rows[-1].cells[place]: value}), separator)
    assert sheet.changed({}) == path.read_bytes()


# The zip of feedback


def moodles_own_rule(archive: Path) -> dict[int, list[tuple[str, str]]]:
    """Return who would get which file, and its content, as importziplib.php reads the names."""
    found: dict[int, list[tuple[str, str]]] = {}
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        for name in opened.namelist():
            folder, _, file = name.rpartition("/")
            parts = folder.split("_", 4)
            assert not name.startswith((".", "~"))
            assert parts[1].isdecimal()
            assert parts[2:4] == ["assignfeedback", "file"]
            found.setdefault(int(parts[1]), []).append((file, opened.read(name).decode()))
    return found


def test_the_zip_of_feedback_gives_everybody_their_page(grades: Path, capsys: Captured) -> None:
    assert export(grades, "moodle-feedback", "--worksheet", EXAMPLES / WORKSHEET) == 1
    path = grades / "export" / "sheet3-feedback.zip"
    reports = {int(one.submission.origin.id): one.report for one in CLASS if one.submission.origin}
    assert moodles_own_rule(path) == {
        number: [
            ("feedback.html", student_page(reports[number])),
            ("feedback.txt", student_text(reports[number])),
        ]
        for number in (11, 12, 13, 16)
    }
    said = capsys.readouterr().out
    assert "Moodle's zip of feedback files: feedback for 4 people." in said
    assert "emil-15: is pending (step why), so its mark was not exported" in said
    first = path.read_bytes()
    assert export(grades, "moodle-feedback", "--worksheet", EXAMPLES / WORKSHEET) == 1
    assert path.read_bytes() == first


def test_a_teams_feedback_goes_to_each_member_under_their_own_number(tmp_path: Path) -> None:
    archive = "EML25-Project-4800.zip"
    grades = keep(tmp_path, [moodle("Team Rocket", "12", 10.0, archive), moodle("Team Blue", "77", 8.0, archive)])
    path = worksheet(tmp_path, TEAMS, old="Carla de la Cruz", new=".Carla_9_assign/../x")
    assert export(grades, "moodle-feedback", "--worksheet", path, "-o", tmp_path / "f.zip") == 0
    found = moodles_own_rule(tmp_path / "f.zip")
    assert {number: "10 of 15" in files[0][1] for number, files in found.items()} == {11: True, 13: True, 12: False}
    with zipfile.ZipFile(tmp_path / "f.zip") as opened:
        assert sorted(opened.namelist()) == [
            f"{folder}_assignfeedback_file_/feedback.{suffix}"
            for folder in ("Anna Müller_11", "Bela O Brien_12", "Carla 9 assign .. x_13")
            for suffix in ("html", "txt")
        ]


def test_who_of_a_team_got_another_mark_gets_it(tmp_path: Path) -> None:
    people = ("Carla de la Cruz", "Anna M\u00fcller")
    team = moodle("Team Rocket", "12", 10.0, "EML25-Project-4800.zip")
    made = datetime(2026, 5, 4, tzinfo=UTC)
    own = Decision("team-12", "", "", "", people[0], 4.0, None, "Handed in <nothing>.", "kim", made)
    grades = keep(tmp_path, [replace(team, report=replace(team.report, people=people, member_decisions=(own,)))])
    assert export(grades, "moodle", "--worksheet", EXAMPLES / TEAMS) == 0
    rows = table((grades / "export" / TEAMS).read_bytes())
    found = {row[1]: row[5] for row in rows[1:4]}
    assert found == {"Anna M\u00fcller": "10.00", "Bela O'Brien": "", people[0]: "4.00"}
    assert "For Carla de la Cruz: 4 of 15 points. Decided by a person: Handed in &lt;nothing&gt;." in rows[1][-1]
    assert export(grades, "marks") == 0
    marks = {row[1]: row[5] for row in table((grades / "export" / "sheet3-marks.csv").read_bytes())[1:]}
    assert marks == {people[0]: "4.0", people[1]: "10.0"}


def test_a_decision_is_told_in_the_comment(tmp_path: Path) -> None:
    one = moodle("Anna M\u00fcller", "11")
    made = datetime(2026, 5, 4, tzinfo=UTC)
    [part] = one.report.exercises
    [criterion] = part.criteria
    reason = Decision("anna-11", "step", "", "grad_z1", "", 2.0, None, "A slip of the pen.", "kim", made)
    checks = tuple(replace(score, decision=reason) if score.points == 0 else score for score in criterion.checks)
    told = replace(part, criteria=(replace(criterion, checks=checks),))
    grades = keep(tmp_path, [replace(one, report=replace(one.report, exercises=(told,)))])
    assert export(grades, "moodle", "--worksheet", EXAMPLES / WORKSHEET) == 0
    assert "Decided by a person: A slip of the pen." in (grades / "export" / WORKSHEET).read_text(encoding="utf-8-sig")


@pytest.mark.parametrize("to", ["moodle", "moodle-feedback"])
def test_a_worksheet_is_asked_for(grades: Path, capsys: Captured, to: str) -> None:
    assert export(grades, to) == 2
    assert "needs the file that was downloaded, as --worksheet" in capsys.readouterr().err


def test_without_a_worksheet_numbers_are_trusted_only_where_this_is_asked_for(grades: Path, capsys: Captured) -> None:
    keep(grades, [moodle(*ANNA), moodle("Emil", "15", 5.0, pending=True), entry(graded("bob"))])
    assert export(grades, "moodle-feedback", "--force") == 1
    said = capsys.readouterr().out
    assert "no worksheet, so the numbers were taken for those of people; a team's would reach somebody else" in said
    assert "bob: has no number of Moodle's, so its feedback was not exported; name a --worksheet" in said
    assert list(moodles_own_rule(grades / "export" / "sheet3-feedback.zip")) == [11]
    assert export(grades, "moodle", "--force") == 2
    assert "needs the file that was downloaded, as --worksheet" in capsys.readouterr().err
