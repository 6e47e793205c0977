"""``grade intake``, and rosters: who handed in, who did not, and what needs a human."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from archive_helpers import make_zip
from course_helpers import PERIMETER, RIGHT, hand_in, make_course

from grader.cli import run
from grader.errors import ExitCode, UsageError
from grader.importers.roster import attend, read_roster
from grader.model import Origin, Submission

Captured = pytest.CaptureFixture[str]


def someone(platform: str, label: str, members: tuple[str, ...] = (), group: str = "") -> Submission:
    names = tuple(label.split(", "))
    return Submission(label, names, "sheet", label, (), origin=Origin(platform, label, label, members, group))


def roster(folder: Path, text: str) -> Path:
    path = folder / "roster.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "one"),
    [
        ("\ufeffIdentifier,Full name\nParticipant 41,Somebody\nParticipant 4,Other\n", someone("moodle", "X", ("41",))),
        ("Full name\nAnna M\u00fcller\nOther\n", someone("moodle", "M\u00fcller Anna", ("41",))),
        ("Vorname;Nachname\nAnna;M\u00fcller\nO;Ther\n", someone("folders", "Anna Mu\u0308ller")),
        ('Student,ID\n"O\'Brien, Ann",55\n"Other, O",5\n', someone("canvas", "x", ("55",))),
        ('Student,ID\n"O\'Brien, Ann",\n"Other, O",5\n', someone("canvas", "obrienann", ("77",))),
        ("Name\tEmail\nA\ta@x.org\nB\tb@x.org\n", someone("gradescope", "Anna", ("A@x.org",))),
        ("Name,Username\nA,anna\nB,bela\n", someone("nbgrader", "anna", ("anna",))),
        ("Name,Group\nA,Team 1\nB,Team 2\n", someone("moodle", "Team 1", ("3",))),
    ],
)
def test_people_are_found_by_the_platforms_ids_then_by_name(tmp_path: Path, text: str, one: Submission) -> None:
    people = read_roster(roster(tmp_path, text))
    found = attend(people, [one])
    assert (found.missing, found.unexpected) == ((people[1],), ())


def test_groups_bring_all_their_members(tmp_path: Path) -> None:
    people = read_roster(roster(tmp_path, "Name,Group\nAnna,G\nBela,G\nCarl,\nDora,\nEve,\n"))
    assert [p.name for p in attend(people, [someone("moodle", "G", ("3",))]).missing] == ["Carl", "Dora", "Eve"]
    assert [p.name for p in attend(people, [someone("folders", "Carl + Dora")]).missing] == ["Anna", "Bela", "Eve"]
    assert attend(people, [someone("gradescope", "Carl, Dora", ("", ""), "Carl, Dora")]).missing == (
        *people[:2],
        people[4],
    )


@pytest.mark.parametrize(
    ("text", "one"),
    [
        ("Name,ID\nAnna,41\n", someone("moodle", "Bela", ("41",))),  # a number of another platform
        ("Name\nAnna\nAnna\n", someone("moodle", "Anna", ("41",))),  # two of one name
        ("Name\nAnna\n", someone("folders", "Anna + Bela")),
        ("Name,ID\n,41\n", someone("folders", "...")),
    ],
)
def test_nobody_is_guessed(tmp_path: Path, text: str, one: Submission) -> None:
    people = read_roster(roster(tmp_path, text))
    assert (attend(people, [one]).missing, attend(people, [one]).unexpected) == (people, (one,))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "the roster cannot be read (No such file or directory); name a CSV file"),
        (b"Name\nZo\xeb\n", "the roster is not UTF-8 (invalid continuation byte); save it as CSV in UTF-8"),
        (b"", "the roster's header has none of the columns that tell who is who; found nothing"),
        (
            b"Colour,Shoe\nred,42\n",
            "the roster's header has none of the columns that tell who is who; found colour, shoe",
        ),
    ],
)
def test_a_roster_that_tells_nobody_is_one_error(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "r.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_roster(path)
    assert str(caught.value) == f"{path}: {message}"


def test_intake_says_who_handed_in_what_and_what_needs_a_human(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    make_course(tmp_path / "course")
    monkeypatch.chdir(tmp_path / "course")
    content = {
        "anna_1_10_rectangles.py": RIGHT,
        "bela_LATE_2_11_rectangles.py": RIGHT,
        "carl_3_12_rectangles (2).py": RIGHT,
        "carl_3_13_Rectangles (1).py": PERIMETER,
        "eve_9_14_rectangles.py": RIGHT,
    }
    path = make_zip(tmp_path / "a.zip", content)
    people = roster(tmp_path, "Student,ID\nAnna,1\nBela,2\nCarl,3\nDora,4\n")
    arguments = ["intake", str(path), "--assignment", "sheet1"]
    assert run([*arguments, "--roster", str(people), "--json", "deep/out.json"]) == ExitCode.FAILED
    said = capsys.readouterr().out.splitlines()
    assert said[:4] == [
        "Read as a download from Canvas: 4 hand-ins.",
        "anna-1: Anna: rectangles.py",
        "bela-2: Bela (late): rectangles.py",
        "carl-3: Carl: rectangles (2).py, Rectangles (1).py",
    ]
    unclear = (
        "two modules could be meant for rectangles: rectangles (2).py, Rectangles (1).py; keep the one that counts"
    )
    assert said[5:] == [
        "Not handed in (1): Dora",
        f"Not on the roster, or not clear who: eve-9 ({path}/eve_9_14_rectangles.py)",
        f"{path}/carl_3_12_rectangles (2).py: {unclear}",
        "2 things need a human.",
    ]
    data = json.loads((tmp_path / "course" / "deep" / "out.json").read_text(encoding="utf-8"))
    assert [(one["id"], one["late"], one["unresolved"]) for one in data["submissions"]] == [
        ("anna-1", False, False),
        ("bela-2", True, False),
        ("carl-3", False, False),
        ("eve-9", False, False),
    ]
    assert (data["missing"], data["unexpected"]) == (
        [{"name": "Dora", "group": "", "student": "Dora", "id": "4"}],
        ["eve-9"],
    )
    assert [one["message"] for one in data["ambiguous"]] == [unclear]
    assert data["submissions"][0]["origin"]["members"] == ["1"]
    assert not (tmp_path / "course" / "grades" / "grade.sqlite").exists()


def test_intake_of_what_is_clear_needs_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    make_course(tmp_path / "course")
    monkeypatch.chdir(tmp_path / "course")
    hand_in(tmp_path, {"all/anna/rectangles.py": RIGHT, "all/anna/more.txt": "x"})
    arguments = ["intake", str(tmp_path / "all"), "--assignment", "sheet1"]
    assert run(arguments) == ExitCode.PASSED
    assert capsys.readouterr().out.splitlines()[-1] == "Nothing needs a human."
    hand_in(tmp_path, {"all/bela/notes.txt": "x", "all/anna/rectangles (1).py": RIGHT})
    assert run(arguments) == ExitCode.FAILED
    assert "no hand-in to rectangles: found notes.txt" in capsys.readouterr().out
