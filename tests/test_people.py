"""Who handed in, by a roster: names and keys, groups, times, extensions, and what is not clear."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from archive_helpers import make_zip
from course_helpers import PERIMETER, RIGHT, FakeEngine, hand_in, make_course, make_personal_course, place

from grader.cli import run
from grader.cli.people import with_people
from grader.course import Assignment, Extension, LatePolicy
from grader.csvfile import read_csv
from grader.errors import CourseError, ExitCode, Problem, UsageError
from grader.importers import Intake, Settings, read_folder, read_hand_ins
from grader.importers.people import attendance_problems, identify, limit_groups
from grader.importers.roster import read_roster
from grader.importers.times import UnknownZoneError, moment, says_late
from grader.late import lateness
from grader.model import Origin, Stop, Submission
from grader.pipeline import grade
from grader.store import open_store

Captured = pytest.CaptureFixture[str]
BERLIN = ZoneInfo("Europe/Berlin")
DEADLINE = datetime(2026, 5, 3, 21, tzinfo=UTC)
SHEET = Assignment("sheet", "S", personal=False, deadline=DEADLINE, exercises=(), zone=BERLIN)
WORKSHEET = (
    "\ufeffIdentifier,Full name,Email address,Status,Group,Last modified (submission)\n"
    'Participant 41,Anna M\u00fcller,am@x.org,Submitted for grading,Team 1,"Sunday, 3 May 2026, 11:58 PM"\n'
    "Participant 42,Bela Kun,bk@x.org,Submitted for grading - 2 hours late,Team 2,yesterday\n"
    'Participant 43,Carl Orff,co@x.org,Submitted for grading,Team 2,"Sunday, 3 May 2026, 09:58 PM"\n'
    "Participant 44,Dora Pejacevic,dp@x.org,No submission,,-\n"
)


def write(folder: Path, text: str, name: str = "roster.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def someone(platform: str, label: str, number: str = "", group: str = "", **more: object) -> Submission:
    origin = Origin(platform, number or label, label, (number,) if number else (), group)
    values = (f"{label}-{number}".strip("-"), (label,), "sheet", f"all/{label}", (), None, origin)
    return replace(Submission(*values), **more)  # type: ignore[arg-type]


def intake(*submissions: Submission) -> Intake:
    return Intake(submissions, (), (), "moodle")


def known(folder: Path, text: str, *submissions: Submission) -> tuple[Sequence[Submission], list[str]]:
    """Return the hand-ins as the roster knows them, and all problems as ``line: message``."""
    path = write(folder, text)
    found, attendance = identify(intake(*submissions), read_roster(path), path, BERLIN)
    problems = (*found.problems, *attendance_problems(attendance, path))
    return found.submissions, [str(one).replace(f"{path}:", "") for one in problems]


# Names and keys


def test_moodles_worksheet_tells_names_keys_and_times(tmp_path: Path) -> None:
    found, problems = known(tmp_path, WORKSHEET, someone("moodle", "Anna M\u00fcller", "41"))
    [anna] = found
    assert (anna.people, anna.key, anna.member_keys) == (("Anna M\u00fcller",), "am@x.org", ("am@x.org",))
    assert (anna.received, anna.attested) == (datetime(2026, 5, 3, 21, 58, tzinfo=UTC), True)
    assert lateness(SHEET, anna, 1.0, 1.0).seconds == 58 * 60
    assert anna.id == "Anna M\u00fcller-41"
    assert problems == [" 3 on the roster did not hand in, and have no report: Bela Kun, Carl Orff, Dora Pejacevic"]


def test_who_has_a_number_is_one_person_whatever_the_name(tmp_path: Path) -> None:
    sheet = "Identifier,Full name,Email address\nParticipant 41,Zo\u00eb + Jos\u00e9,zj@x.org\n"
    [found], problems = known(tmp_path, sheet, someone("moodle", "Zo\u00eb + Jos\u00e9", "41"))
    assert (found.people, found.key, problems) == (("Zo\u00eb + Jos\u00e9",), "zj@x.org", [])


@pytest.mark.parametrize(
    ("header", "cells", "key"),
    [
        ("Name,Username,Email,ID number", "Anna,al,a@x.org,7", "al"),
        ("Name,Email,ID number", "Anna,A@x.org,7", "A@x.org"),
        ("Name,ID number", "Anna,7", "7"),
        ("Name,Grade", "Anna,7", "Anna"),
        ("Name;Gruppe;Note", "Anna;;7,5", "Anna"),
    ],
)
def test_the_key_is_the_login_else_address_number_or_name(tmp_path: Path, header: str, cells: str, key: str) -> None:
    [[anna], problems] = known(tmp_path, f"{header}\n{cells}\n", someone("folders", "anna"))
    assert (anna.people, anna.key, problems) == (("Anna",), key, [])


def test_a_group_has_the_groups_name_as_its_key(tmp_path: Path) -> None:
    [[team], problems] = known(tmp_path, WORKSHEET, someone("moodle", "Team 2", "9", "Team 2"))
    assert (team.people, team.key, team.member_keys) == (("Bela Kun", "Carl Orff"), "Team 2", ("bk@x.org", "co@x.org"))
    assert team.received == datetime(2026, 5, 3, 19, 58, tzinfo=UTC)  # the other's cannot be read
    assert problems[0].startswith("3: 'yesterday' cannot be read as a time; whether")
    [[pair], _] = known(tmp_path, "Name,Login\nBela,b\nAnna,a\nCarl,c\n", someone("folders", "Anna + Bela"))
    assert (pair.people, pair.key) == (("Bela", "Anna"), "a + b")  # a group that the roster does not know


def test_one_of_a_group_hands_in_for_all_at_canvas_only(tmp_path: Path) -> None:
    text = "Student,ID,Group\nAnna,1,G\nBela,2,G\nCarl,3,\n"
    for platform, people, key in (("canvas", ("Anna", "Bela"), "G"), ("nbgrader", ("Anna",), "1")):
        [[one], _] = known(tmp_path, text, someone(platform, "x", "1"))
        assert (one.people, one.key) == (people, key)


def test_without_a_match_everything_stays_as_it_was(tmp_path: Path) -> None:
    one = someone("moodle", "Zoe", "99")
    found, problems = known(tmp_path, WORKSHEET, one)
    assert found == (one,)
    assert problems[0] == "all/Zoe: is by nobody on the roster, or it is not clear by whom; it was graded under Zoe-99"


def test_rows_of_canvas_that_are_nobody_are_left_out(tmp_path: Path) -> None:
    text = 'Student,ID,SIS Login ID\n    Points Possible,,\n"Student, Test",9,x\nAnna,1,am\n'
    assert [one.key for one in read_roster(write(tmp_path, text))] == ["am"]


@pytest.mark.parametrize("name", ["Identifier", "ID"])  # the header is in the user's language
def test_moodles_number_may_stand_behind_any_word(tmp_path: Path, name: str) -> None:
    text = f"{name},Vollst\u00e4ndiger Name\nTeilnehmer/in41,Anna\nTeilnehmer/in4,Bela\n"
    [[anna], _] = known(tmp_path, text, someone("moodle", "Teilnehmer/in 41", "41"))
    assert anna.people == ("Anna",)


# What is not clear


def test_what_stands_twice_is_told_and_matches_nobody(tmp_path: Path) -> None:
    text = "Name,Login\nAnna,am\nBela,AM\nCarl,co\n"
    [[one, carl], problems] = known(tmp_path, text, someone("nbgrader", "x", "am"), someone("nbgrader", "y", "co"))
    assert (one.key, carl.key) == ("", "co")
    assert problems[0] == "3: login 'am' stands twice, in the lines 2 and 3; keep the right one"
    assert problems[1].startswith("all/x: is by nobody on the roster")


def test_a_number_of_one_and_the_name_of_another_is_nobody(tmp_path: Path) -> None:
    one = someone("moodle", "Bela Kun", "41")
    assert known(tmp_path, WORKSHEET, one)[0] == (one,)


def test_who_handed_in_twice_is_told(tmp_path: Path) -> None:
    found, problems = known(
        tmp_path, "Name,Group\nAnna,G\nBela,G\n", someone("folders", "G"), someone("folders", "Anna")
    )
    assert [one.people for one in found] == [("Anna", "Bela"), ("Anna",)]
    assert problems == ["2: Anna handed in more than once, as G, Anna; say which counts"]


def test_a_worksheet_of_another_assignment_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, WORKSHEET, "Grades-ML-Sheet 1-4711.csv")
    for archive, fits in (("ML-Sheet 2-4712.zip", False), ("ML-Sheet 1-4711 (1).zip", True), ("renamed.zip", True)):
        anna = someone("moodle", "Anna M\u00fcller", "41")
        anna = replace(anna, origin=replace(anna.origin, archive=archive))  # type: ignore[type-var]
        if fits:
            assert identify(intake(anna), read_roster(path), path, BERLIN)[0].submissions[0].key == "am@x.org"
            continue
        with pytest.raises(UsageError) as caught:
            identify(intake(anna), read_roster(path), path, BERLIN)
        assert str(caught.value) == (
            f"{path}: is the worksheet of assignment 4711, and ML-Sheet 2-4712.zip holds hand-ins to 4712, by the "
            "numbers that end their names; download the worksheet of the same assignment"
        )


def test_a_group_that_is_too_large_waits_for_a_person(tmp_path: Path) -> None:
    text = "Name,Group\n" + "".join(f"P{number},G\n" for number in range(5))
    [[team], _] = known(tmp_path, text, someone("folders", "G"))
    two, one = someone("folders", "Anna & Bela"), someone("folders", "Carl")
    found = limit_groups(Intake((team, two, one), (), ()), 4)
    assert (found.submissions, found.unresolved) == ((two, one), (team,))
    assert found.problems == (
        Problem(
            "all/G",
            "was handed in by 5 people, and a group has at most 4 (`max_group` in course.yaml); it was not graded",
        ),
    )
    assert limit_groups(Intake((two, one), (), ()), 1).unresolved == (two,)


# Times


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("", None),
        ("-", None),
        ("Sunday, 3 May 2026, 11:58 PM", "2026-05-03T23:58:00+02:00"),
        ("Sunday, 3 May 2026, 12:05 AM", "2026-05-03T00:05:00+02:00"),
        ("Sunday, 3 May 2026, 12:05 pm", "2026-05-03T12:05:00+02:00"),
        ("Sonntag, 3. Mai 2026, 23:58", "2026-05-03T23:58:00+02:00"),
        ("Dienstag, 3. M\u00e4rz 2026, 08:00:07", "2026-03-03T08:00:07+01:00"),
        ("Sunday, 25 October 2026, 2:30 AM", "2026-10-25T02:30:00+02:00"),  # the first of two
        ("2026-05-03 23:58", "2026-05-03T23:58:00+02:00"),
        ("2026-05-03T23:58:00Z", "2026-05-03T23:58:00+00:00"),
    ],
)
def test_times_are_read_as_moodle_writes_them(text: str, time: str | None) -> None:
    found = moment(text, BERLIN)
    assert (found and found.astimezone(UTC)) == (datetime.fromisoformat(time) if time else None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dimanche, 3 mai 2026, 23:58", "no month"),
        ("yesterday", "no time of the day"),
        ("2026-05-03", "no time of the day"),
        ("Sunday, 31 June 2026, 11:58 PM", "day is out of range"),
        ("Sunday, 3 May 2026, 13:58 PM", "no hour 13 of half a day"),
        ("05/03/2026 11:58", "Invalid isoformat"),
    ],
)
def test_what_is_no_such_time_is_refused(text: str, message: str) -> None:
    if text.startswith("dimanche"):
        assert moment(text, BERLIN) == datetime(2026, 5, 3, 23, 58, tzinfo=BERLIN)  # "mai" is May there as well
        text = text.replace("mai", "juin")
    with pytest.raises(ValueError, match=message):
        moment(text, BERLIN)


def test_a_time_needs_a_zone(tmp_path: Path) -> None:
    with pytest.raises(UnknownZoneError, match="3 May"):
        moment("Sunday, 3 May 2026, 11:58 PM", None)
    path = write(tmp_path, WORKSHEET)
    both = (someone("moodle", *one) for one in (("Anna M\u00fcller", "41"), ("Bela Kun", "42"), ("Carl Orff", "43")))
    found, _ = identify(intake(*both), read_roster(path), path, None)
    unread = "'yesterday' cannot be read as a time; whether it is late is taken from the column Status, if that tells"
    zoneless = (
        "'Sunday, 3 May 2026, 11:58 PM' says no time zone; write `time_zone: Europe/Berlin`, or what it is, into "
    )
    told = [str(one).removeprefix(f"{path}:") for one in found.problems]
    assert told == [f"3: {unread}", f"2: {zoneless}course.yaml; 2 cells are like that"]
    anna, bela, _ = found.submissions
    assert anna.origin is not None
    assert bela.origin is not None
    assert (anna.received, anna.origin.late, bela.received, bela.origin.late) == (None, False, None, True)
    assert lateness(SHEET, bela, 1.0, 1.0).question.startswith("handed in late, but by how much is not known")


def test_the_word_late_is_read_in_two_languages() -> None:
    assert says_late("Submitted for grading - 1 day 2 hours late") is True
    assert says_late("Zur Bewertung abgegeben - 2 Stunden versp\u00e4tet") is True
    assert says_late("Submitted for grading") is says_late("Zur Bewertung abgegeben") is False
    assert says_late("Remis pour \u00e9valuation") is says_late("") is says_late("No plate") is None


# Tables


BIG = b'Name\n"' + b"x" * 140_000 + b'"\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Name\n\xff\n", ": it is not UTF-8 (invalid start byte); save it as CSV in UTF-8"),
        (BIG, ":2: it is no CSV (field larger than field limit (131072)); save it as CSV again"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_csv(path, "it")
    assert str(caught.value) == f"{path}{message}"


def test_tables_are_read_as_programs_write_them(tmp_path: Path) -> None:
    text = '\ufeffName;Note;Comment\r\nAnna;7,5;"two\r\nlines"\r\n;;\r\nBela;8\r\n'
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    table = read_csv(path, "it")
    assert table.columns == ("name", "note", "comment")
    assert [(row.line, row.first("note"), row.first("comment")) for row in table.rows] == [
        (3, "7,5", "two\nlines"),
        (5, "8", ""),
    ]


# Extensions, and the whole


def test_extensions_of_the_command_line_go_with_the_hand_in(tmp_path: Path) -> None:
    roster = write(tmp_path, "Name,Login\nAnna,am\nBela,bk\nCarl,co\n")
    more = write(tmp_path, "person,deadline\nam,+1 h\nAnna,+2 h\nco,+1 h\nzoe,+1 h\n", "more.csv")
    sheet = replace(SHEET, extensions=(Extension("Bela", timedelta(hours=3)), Extension("nil", timedelta(1))))
    both = intake(someone("nbgrader", "x", "am"), someone("nbgrader", "y", "bk"))
    found, attendance, used = with_people(both, sheet, roster, more)
    assert [one.due for one in found.submissions] == [DEADLINE + timedelta(hours=2), None]
    assert (found.notes, used) == (("extensions of nobody here: nil, zoe",), roster)
    assert [one.name for one in attendance.missing] == ["Carl"]
    late = replace(found.submissions[0], received=DEADLINE + timedelta(hours=2, minutes=1), attested=True)
    assert lateness(sheet, late, 1.0, 1.0).seconds == 60
    with pytest.raises(UsageError) as caught:
        with_people(both, replace(SHEET, deadline=None), None, more)
    assert str(caught.value) == f"{more}: sheet has no deadline to extend; write `deadline` into course.yaml"
    bad = write(tmp_path, "person,deadline\nam,soon\n", "bad.csv")
    with pytest.raises(CourseError, match=r"bad\.csv:2: deadline: should be a span of time"):
        with_people(both, SHEET, None, bad)


def test_personal_numbers_hang_on_the_rosters_key(tmp_path: Path) -> None:
    course = make_personal_course(tmp_path / "course")
    sheet = course.assignments["sheet3"]
    path = make_zip(tmp_path / "a.zip", {"Anna M_41_assignsubmission_file_/gradient_step.py": "z1 = 1\n"})
    both = read_hand_ins(path, Settings("sheet3"), tmp_path / "store")
    roster = write(tmp_path, "Identifier,Full name,Username\nParticipant 41,Anna M,am9\n")
    seeds = {}
    for name, file in (("with", roster), ("without", None)):
        found, *_ = with_people(both, sheet, file, None)
        warned = [one for one in found.problems if "personal numbers hang on the platform's numbers" in one.message]
        assert bool(warned) is (file is None)
        with open_store(None) as store:
            grade(course, sheet, found.submissions, place(store))
            grading = store.last_grading("sheet3")
            assert grading is not None
            seeds[name] = grading.entries[0].judgements[0].seed, grading.entries[0].judgements[0].hidden
    assert seeds == {
        "with": (course.seed(sheet, "am9"), course.hidden(sheet, "am9")),
        "without": (course.seed(sheet, "anna-m-41"), course.hidden(sheet, "anna-m-41")),
    }


def test_batch_grades_by_the_roster_that_the_course_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    make_course(tmp_path / "course")
    monkeypatch.chdir(tmp_path / "course")
    text = (tmp_path / "course" / "course.yaml").read_text(encoding="utf-8")
    more = "    deadline: 2026-05-03T23:00:00+02:00\n    late: {linear: {every: 1 h, percent: 10}}\n"
    head = "time_zone: Europe/Berlin\nroster: sheet.csv\nmax_group: 1\n"
    write(tmp_path / "course", head + text + more, "course.yaml")
    write(tmp_path / "course", WORKSHEET, "sheet.csv")
    content = {
        f"{name}_{number}_assignsubmission_file_/rectangles.py": RIGHT
        for name, number in (("Anna M\u00fcller", 41), ("Carl Orff", 43), ("Team 2", 7), ("Zoe", 99))
    }
    path = make_zip(tmp_path / "a.zip", content)
    write(tmp_path, "person,deadline\nco@x.org,+1 day\n", "more.csv")
    arguments = ["batch", str(path), "--assignment", "sheet1", "--json", "out.json", "--isolation", "selfcheck"]
    assert run([*arguments, "--extensions", str(tmp_path / "more.csv")]) == ExitCode.PASSED
    assert "Zoe" in capsys.readouterr().out
    data = json.loads((tmp_path / "course" / "out.json").read_text(encoding="utf-8"))
    told = {tuple(one["people"]): (one["points"], one["late_seconds"], one["pending"]) for one in data["submissions"]}
    assert told == {
        ("Anna M\u00fcller",): (2.7, 58 * 60, False),
        ("Bela Kun", "Carl Orff"): (0.0, 0, True),
        ("Carl Orff",): (3.0, 0, False),
        ("Zoe",): (3.0, 0, False),
    }
    said = [one["message"] for one in data["problems"]]
    assert "1 on the roster did not hand in, and have no report: Dora Pejacevic" in said
    assert any("Carl Orff handed in more than once" in message for message in said)
    assert any("a group has at most 1" in message for message in said)


def test_plain_folders_without_a_roster_stay_as_they_were(tmp_path: Path) -> None:
    folder = hand_in(tmp_path, {"all/anna/rectangles.py": RIGHT, "all/a + b/x.py": ""}) / "all"
    before = read_folder(folder, "sheet1")
    assert with_people(before, SHEET, None, None)[0] == before


# Several attempts


def attempts(folder: Path, *content: str) -> Intake:
    """Return the attempts of anna's at 10:00, 11:00, … in nbgrader's exchange, all of them to be graded."""
    files = {
        f"in/anna+sheet1+2026-05-03 {10 + hour}:00:00.0 UTC/rectangles.py": text for hour, text in enumerate(content)
    }
    settings = Settings("sheet1", DEADLINE, "best")
    return read_hand_ins(hand_in(folder, files) / "in", settings, folder / "store")


@pytest.mark.parametrize(
    ("content", "percent", "points", "hour"),
    [
        ((PERIMETER, RIGHT, "x = 1\n"), 0, 3.0, 11),
        ((PERIMETER, PERIMETER), 0, 1.0, 10),  # the earlier of two equals
        ((PERIMETER, RIGHT), 50, 1.5, 11),  # late, and still better
        ((PERIMETER, RIGHT), 90, 1.0, 10),
    ],
)
def test_the_best_attempt_counts_after_what_lateness_costs(
    tmp_path: Path, content: tuple[str, ...], percent: float, points: float, hour: int
) -> None:
    course = make_course(tmp_path / "course")
    policy = LatePolicy.model_validate({"steps": [{"after": "0 s", "percent": percent}]})
    due = datetime(2026, 5, 3, 10, 30, tzinfo=UTC)
    sheet = replace(course.assignment("sheet1"), deadline=due, late=policy)
    found = attempts(tmp_path, *content)
    assert found.notes == (f"anna: {len(content)} attempts, all of which are graded; the best counts",)
    roster = write(tmp_path, "Name,Login\nAnna M,anna\n")
    found, *_ = with_people(found, sheet, roster, None)
    assert found.problems == ()
    with open_store(None) as store:
        batch = grade(course, sheet, found.submissions, place(store))
        [noted] = store.submissions("sheet1")
    [report] = batch.reports
    assert (report.id, report.people, report.points, report.pending) == ("anna", ("Anna M",), points, False)
    assert (noted.id, noted.key, noted.received) == ("anna", "anna", datetime(2026, 5, 3, hour, tzinfo=UTC))


def test_an_attempt_that_might_be_the_best_keeps_the_mark_pending(tmp_path: Path) -> None:
    course = make_course(tmp_path / "course")
    found = attempts(tmp_path, PERIMETER, RIGHT)
    for stopped, points, pending in ((RIGHT, 0.0, True), (PERIMETER, 3.0, False)):
        engine = FakeEngine(
            lambda job, stopped=stopped: Stop.INFRASTRUCTURE if job.source == stopped else Stop.FINISHED  # type: ignore[misc]
        )
        with open_store(None) as store:
            [report] = grade(course, course.assignment("sheet1"), found.submissions, place(store, engine)).reports
        # With as much to be had as was earned, the one that is done counts.
        assert (report.id, report.points, report.pending) == ("anna", points, pending)


def test_personal_numbers_are_the_same_for_all_attempts(tmp_path: Path) -> None:
    course = make_personal_course(tmp_path / "course")
    sheet = course.assignments["sheet3"]
    names = [f"in/anna+sheet3+2026-05-03 1{hour}:00:00.0 UTC/gradient_step.py" for hour in range(2)]
    folder = hand_in(tmp_path, dict.fromkeys(names, "z1 = 1\n")) / "in"
    found = read_hand_ins(folder, Settings("sheet3", None, "best"), tmp_path / "store")
    assert [one.id for one in found.submissions] == ["anna~1", "anna~2"]
    with open_store(None) as store:
        grade(course, sheet, found.submissions, place(store))
        grading = store.last_grading("sheet3")
    assert grading is not None
    assert [one.judgements[0].seed for one in grading.entries] == [course.seed(sheet, "anna")]
