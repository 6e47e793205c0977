"""Downloads of learning platforms: whose is what, and what is said about the rest."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from archive_helpers import bomb, make_tar, make_zip
from course_helpers import hand_in

from grader.errors import Problem, UsageError
from grader.importers import FORMATS, Intake, Settings, gradescope, read_hand_ins
from grader.importers.handins import Attempts, readable_id
from grader.model import Origin, Submission
from grader.reports.files import page_name

SUBMISSION = "assignsubmission_file"
MOODLE = {
    f"Anna M\u00fcller_41_{SUBMISSION}_/work.py": "x = 1",
    f"Anna M\u00fcller_41_{SUBMISSION}_/data/a.csv": "1",
    f"Bela O'Neil_7_{SUBMISSION}_/work.py": "x = 2",
}


def read(path: Path, format_name: str | None = None, settings: Settings | None = None) -> Intake:
    return read_hand_ins(path, settings or Settings("sheet"), path.parent / "store", format_name)


def held(intake: Intake) -> dict[str, list[str]]:
    return {one.id: [file.name for file in one.files] for one in intake.submissions}


def origin(submission: Submission) -> Origin:
    assert submission.origin is not None
    return submission.origin


# Moodle


@pytest.mark.parametrize("underscore", ["_", ""])
@pytest.mark.parametrize("packed", [True, False])
def test_moodles_folders_are_read_in_both_spellings(tmp_path: Path, underscore: str, packed: bool) -> None:
    content = {name.replace("_/", f"{underscore}/"): text for name, text in MOODLE.items()}
    made = make_zip(tmp_path / "C-Sheet-9.zip", content) if packed else hand_in(tmp_path / "C-Sheet-9", content)
    intake = read(made)
    assert (intake.format, intake.problems, intake.notes) == ("moodle", (), ())
    assert held(intake) == {"anna-muller-41": ["work.py", "data/a.csv"], "bela-o-neil-7": ["work.py"]}
    anna = intake.submissions[0]
    raw = f"Anna M\u00fcller_41_{SUBMISSION}{underscore}"
    archive = "C-Sheet-9.zip" if packed else ""
    assert anna.origin == Origin("moodle", "41", "Anna M\u00fcller", ("41",), "", archive, (raw,))
    assert (anna.people, anna.source, anna.received) == (("Anna M\u00fcller",), f"{made}/{raw}", None)
    assert anna.files[0].path.read_text(encoding="utf-8") == "x = 1"


def test_moodles_flat_mode_and_online_text_are_one_hand_in(tmp_path: Path) -> None:
    content = {
        "Anna_41_assignsubmission_file_my_work.py": "x = 1",
        "Anna_41_assignsubmission_file_b.csv": "1",
        "Anna_41_assignsubmission_onlinetext_onlinetext.html": "<p>",
        "Bela_7_assignsubmission_onlinetext_/onlinetext.html": "<p>",
        "Bela_7_assignsubmission_file_/work.py": "x = 2",
    }
    intake = read(make_zip(tmp_path / "a.zip", content))
    assert held(intake) == {
        "anna-41": ["b.csv", "my_work.py", "onlinetext.html"],
        "bela-7": ["work.py", "onlinetext.html"],
    }
    assert origin(intake.submissions[1]).raw_names == (
        "Bela_7_assignsubmission_file_",
        "Bela_7_assignsubmission_onlinetext_",
    )
    assert intake.problems == ()


def test_two_people_of_one_name_are_two(tmp_path: Path) -> None:
    names = [f"Anna_{number}_{SUBMISSION}/work.py" for number in (41, 42)]
    intake = read(make_zip(tmp_path / "a.zip", {**dict.fromkeys(names, "x"), f"Bela_7_{SUBMISSION}/work.py": "y"}))
    assert [(one.id, one.people) for one in intake.submissions] == [
        ("anna-41", ("Anna",)),
        ("anna-42", ("Anna",)),
        ("bela-7", ("Bela",)),
    ]
    assert intake.notes == ()


def test_hidden_names_are_numbers(tmp_path: Path) -> None:
    names = [f"Teilnehmer_in_{number}_{SUBMISSION}_/work.py".replace("r_in", "r") for number in (5, 6)]
    intake = read(make_zip(tmp_path / "a.zip", dict.fromkeys(names, "x")))
    assert [(one.id, one.people) for one in intake.submissions] == [
        ("teilnehmer-5", ("Teilnehmer 5",)),
        ("teilnehmer-6", ("Teilnehmer 6",)),
    ]
    assert intake.notes == ("names are hidden (blind marking): people are their numbers",)


def test_a_team_without_number_is_graded_and_somebody_is_asked(tmp_path: Path) -> None:
    names = (f"Team A_3_{SUBMISSION}_/work.py", f"Default group_{SUBMISSION}_/work.py")
    intake = read(make_zip(tmp_path / "a.zip", dict.fromkeys(names, "x")))
    assert list(held(intake)) == ["default-group", "team-a-3"]
    assert (origin(intake.submissions[0]).group, origin(intake.submissions[0]).id) == ("Default group", "")
    message = (
        "has no number: people who are in no group handed in together, as 'Default group'; look in Moodle who they are "
        "(it was graded)"
    )
    assert intake.problems == (Problem(f"{tmp_path}/a.zip/Default group_{SUBMISSION}_", message),)


def test_what_is_not_named_as_moodle_does_is_a_problem_and_feedback_is_left(tmp_path: Path) -> None:
    more = {
        "readme.txt": "x",
        "stray/work.py": "x",
        f"Carl_8_{SUBMISSION}_": "a file",
        "Anna_41_assignfeedback_file_/f.pdf": "x",
        "__MACOSX/x": "x",
    }
    intake = read(make_zip(tmp_path / "a.zip", {**MOODLE, **more}))
    assert len(intake.submissions) == 2
    message = (
        "is not named as this format has it (NAME_NUMBER_assignsubmission_file), so nobody knows whose it is; "
        "it was not graded"
    )
    names = (f"Carl_8_{SUBMISSION}_", "readme.txt", "stray")
    assert intake.problems == tuple(Problem(f"{tmp_path}/a.zip/{name}", message) for name in names)
    assert intake.notes == ("1 folders or files of feedback were left aside",)


def test_names_of_any_form_are_one_name_and_kept_as_they_are(tmp_path: Path) -> None:
    name = unicodedata.normalize("NFD", f"Zo\u00eb_5_{SUBMISSION}_")
    for path in (make_zip(tmp_path / "a.zip", {f"{name}/work.py": "x"}), hand_in(tmp_path / "b", {f"{name}/w.py": ""})):
        intake = read(path)
        one = intake.submissions[0]
        assert (one.id, one.people) == ("zoe-5", ("Zo\u00eb",))
    assert origin(read(tmp_path / "a.zip").submissions[0]).raw_names == (name,)


def test_a_refused_file_is_handed_in_and_unreadable(tmp_path: Path) -> None:
    path = bomb(tmp_path / "a.zip")
    intake = read(path)
    assert held(intake) == {"anna": ["work.py", "bomb.py"]}
    assert intake.submissions[0].files[1].sha256 == ""
    [problem] = intake.problems
    assert problem.where == f"{path}/anna/bomb.py"
    only = make_zip(tmp_path / "b.zip", {f"Anna_41_{SUBMISSION}_/../../work.py": "x", **MOODLE})
    found = held(read(only))
    assert found["anna-41"] == ["work.py"]


def test_a_link_in_flat_mode_is_not_followed(tmp_path: Path) -> None:
    folder = hand_in(tmp_path / "a", {f"Anna_41_{SUBMISSION}_b.py": "x", "../secret.py": "s"})
    link = folder / f"Anna_41_{SUBMISSION}_work.py"
    link.symlink_to(tmp_path / "secret.py")
    intake = read(folder)
    assert held(intake) == {"anna-41": ["b.py"]}
    assert intake.problems == (Problem(str(link), "is not a regular file; it was not read"),)


# Canvas


def test_canvass_names_tell_who_and_late(tmp_path: Path) -> None:
    content = {
        "obrienann_55_901_work.py": "x = 1",
        "obrienann_55_902_data_1.csv": "1",
        "m\u00fcllerbela_LATE_56_903_work.py": "x = 2",
        "carl_57_text.html": "<p>",
        "smith-ann-late_58_99_f.py": "x = 3",
        "notes.pdf": "x",
    }
    intake = read(make_zip(tmp_path / "a.zip", content))
    assert intake.format == "canvas"
    assert held(intake) == {
        "carl-57": ["text.html"],
        "mullerbela-56": ["work.py"],
        "obrienann-55": ["work.py", "data_1.csv"],
        "smith-ann-58": ["f.py"],
    }
    expected = Origin(
        "canvas", "56", "m\u00fcllerbela", ("56",), "", "a.zip", ("m\u00fcllerbela_LATE_56_903_work.py",), late=True
    )
    assert (intake.submissions[1].people, origin(intake.submissions[1])) == (("m\u00fcllerbela",), expected)
    assert [origin(one).late for one in intake.submissions] == [False, True, False, True]
    [problem] = intake.problems
    assert problem.where == f"{tmp_path}/a.zip/notes.pdf"
    assert "is not named as this format has it (NAME_USER_ATTACHMENT_FILE)" in problem.message


def test_canvass_anonymous_names_are_numbers(tmp_path: Path) -> None:
    intake = read(make_zip(tmp_path / "a.zip", {"anon_aB3_7_work.py": "x", "LATE_anon_Cd4_8_work.py": "x"}))
    assert [(one.id, one.people, origin(one).late) for one in intake.submissions] == [
        ("anon_Cd4", ("anon_Cd4",), True),
        ("anon_aB3", ("anon_aB3",), False),
    ]


@pytest.mark.parametrize(("attempts", "name", "other"), [("latest", "work-2.py", 7), ("first", "work.py", 9)])
def test_of_a_file_uploaded_again_one_counts(tmp_path: Path, attempts: Attempts, name: str, other: int) -> None:
    content = {"anna_5_7_work.py": "1", "anna_5_9_work-2.py": "3", "anna_5_8_work-1.py": "2", "anna_5_6_lab-1.py": ""}
    intake = read(make_zip(tmp_path / "a.zip", content), settings=Settings("sheet", attempts=attempts))
    assert sorted(held(intake)["anna-5"]) == sorted(["lab-1.py", name])
    [note] = intake.notes
    assert note.startswith("anna-5: uploaded again, so these do not count: ")
    assert f"anna_5_{other}_work" in note
    both = read(make_zip(tmp_path / "b.zip", {"anna_5_7_lab-1.py": "1", "anna_5_8_lab-2.py": "2"}))
    assert (held(both), both.notes) == ({"anna-5": ["lab-1.py", "lab-2.py"]}, ())


# Gradescope

GRADESCOPE = """
submission_11:
  :submitters:
  - :name: Anna M\u00fcller
    :sid: 0042
    :email: anna@example.org
  :created_at: 2025-11-11 10:00:00.123456789 Z
submission_12:
  :submitters:
  - {":name": Bela, ":email": bela@example.org}
  - {":name": Carl, ":sid": "7"}
  :created_at: 2025-11-11 12:30:00
submission_13.pdf:
  :submitters: []
submission_99: {}
"""


def test_gradescopes_metadata_tell_who_and_when(tmp_path: Path) -> None:
    root = "assignment_3_export"
    content = {
        f"{root}/submission_metadata.yml": GRADESCOPE,
        f"{root}/submission_11/work.py": "x",
        f"{root}/submission_12/deep/work.py": "x",
        f"{root}/submission_13.pdf": "x",
        f"{root}/submission_14/work.py": "x",
        f"{root}/other.txt": "x",
    }
    path = make_zip(tmp_path / "a.zip", content)
    intake = read(path)
    assert (intake.format, held(intake)) == (
        "gradescope",
        {
            "13": ["submission_13.pdf"],
            "14": ["work.py"],
            "anna-muller-11": ["work.py"],
            "bela-carl-12": ["deep/work.py"],
        },
    )
    by_id = {one.id: one for one in intake.submissions}
    anna, group = by_id["anna-muller-11"], by_id["bela-carl-12"]
    assert (anna.people, origin(anna).members[0]) == (("Anna M\u00fcller",), "34")  # 0042 without quotes is octal
    assert anna.received == datetime(2025, 11, 11, 10, 0, 0, 123456, UTC)
    assert (group.people, group.received) == (("Bela", "Carl"), datetime(2025, 11, 11, 12, 30, tzinfo=UTC))
    assert (origin(group).members, origin(group).group) == (("bela@example.org", "7"), "Bela, Carl")
    assert by_id["13"].people == ("submission 13",)
    assert [(one.where.removeprefix(f"{path}/{root}"), one.message) for one in intake.problems] == [
        (
            "/other.txt",
            "is not named as this format has it (submission_NUMBER), so nobody knows whose it is; it was not graded",
        ),
        ("/submission_14", "is not in submission_metadata.yml; who handed it in is not known (it was graded)"),
        ("", "submission_metadata.yml names 'submission_99', which is not here; export the submissions again"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is no YAML ("),
        ("[1, 2]", "should name the submissions; export them again"),
        ("a: 2025-99-99", "is no YAML ("),
        ("x" * 60, "has 60 bytes; at most 50 are read"),
    ],
)
def test_metadata_that_cannot_be_read_are_one_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    monkeypatch.setattr(gradescope, "MAX_METADATA_BYTES", 50)
    folder = hand_in(tmp_path / "a", {"submission_metadata.yml": text, "submission_1/work.py": "x"})
    with pytest.raises(UsageError) as caught:
        read(folder)
    assert str(caught.value).startswith(f"{folder}/submission_metadata.yml: {message}")


# nbgrader


@pytest.mark.parametrize("top", ["", "submitted/", "course/submitted/"])
def test_nbgraders_tree_is_read(tmp_path: Path, top: str) -> None:
    content = {
        f"{top}anna/sheet/work.ipynb": "{}",
        f"{top}anna/sheet/timestamp.txt": "2025-11-11 10:00:00.948203 UTC\n",
        f"{top}anna/other/work.ipynb": "{}",
        f"{top}bela/sheet/work.ipynb": "{}",
        f"{top}bela/sheet/timestamp.txt": "2025-11-11 10:00:00 CET",
    }
    intake = read(hand_in(tmp_path / "a", content))
    assert (intake.format, held(intake)) == (
        "nbgrader",
        {"anna": ["timestamp.txt", "work.ipynb"], "bela": ["timestamp.txt", "work.ipynb"]},
    )
    assert [one.received for one in intake.submissions] == [datetime(2025, 11, 11, 10, 0, 0, 948203, UTC), None]
    with pytest.raises(UsageError) as caught:
        read(tmp_path / "a", settings=Settings("third"))
    expected = "holds no assignment 'third'; assignments found: other, sheet"
    assert str(caught.value).endswith(expected)


def test_nbgraders_only_assignment_is_taken(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"submitted/anna/ps1/work.ipynb": "{}"})
    intake = read(path)
    assert (list(held(intake)), intake.notes) == (["anna"], ("the only assignment here is taken: ps1",))


@pytest.mark.parametrize(("attempts", "expected"), [("latest", "3"), ("in-time", "2"), ("first", "1")])
def test_of_several_attempts_one_counts(tmp_path: Path, attempts: Attempts, expected: str) -> None:
    content = {
        "anna+sheet+2025-11-11 10:00:00.1 UTC/work.py": "1",
        "anna+sheet+2025-11-11 12:30:00.1 +01:00+x/work.py": "2",
        "anna+sheet+2025-11-11 13:00:00.1 UTC/work.py": "3",
        "bela+sheet+2025-11-11 14:00:00.1 UTC/work.py": "late",
    }
    settings = Settings("sheet", datetime(2025, 11, 11, 12, tzinfo=UTC), attempts)
    intake = read(hand_in(tmp_path / "inbound", content), settings=settings)
    assert list(held(intake)) == ["anna", "bela"]
    anna = intake.submissions[0]
    assert (anna.files[0].path.read_text(encoding="utf-8"), intake.problems) == (expected, ())
    rule = {"latest": "the latest", "in-time": "the latest in time", "first": "the first"}[attempts]
    assert intake.notes == (f"anna: 3 attempts, of which {rule} counts: {anna.source}",)


def test_attempts_that_nothing_tells_apart_are_for_a_person(tmp_path: Path) -> None:
    names = [f"anna+sheet+2025-11-11 10:00:00.1 UTC+{letter}/work.py" for letter in "ab"]
    intake = read(hand_in(tmp_path / "inbound", dict.fromkeys(names, "x")))
    assert (intake.submissions, [one.id for one in intake.unresolved]) == ((), ["anna"])
    assert "handed in twice, as " in intake.problems[0].message


# Plain folders, packed; recognising


@pytest.mark.parametrize("name", ["all.zip", "all.tar.gz"])
def test_packed_folders_are_read_like_folders(tmp_path: Path, name: str) -> None:
    content = {"all/anna/work.py": "x = 1", "all/bela + carl/work.py": "x = 2"}
    path = make_zip(tmp_path / name, content) if name.endswith("zip") else make_tar(tmp_path / name, content, "w:gz")
    intake = read(path)
    assert (intake.format, held(intake)) == ("folders", {"anna": ["work.py"], "bela + carl": ["work.py"]})
    assert intake.submissions[0].source == f"{path}/all/anna"
    assert intake.submissions[0].received is None
    other = path.rename(tmp_path / f"other{path.name[3:]}")
    assert held(read(other)) == {"all": ["anna/work.py", "bela + carl/work.py"]}


def test_one_folder_around_a_download_does_not_matter(tmp_path: Path) -> None:
    intake = read(make_zip(tmp_path / "a.zip", {f"Sheet 3/{name}": text for name, text in MOODLE.items()}))
    assert (intake.format, len(intake.submissions)) == ("moodle", 2)
    assert intake.submissions[0].source == f"{tmp_path}/a.zip/Sheet 3/Anna M\u00fcller_41_{SUBMISSION}_"
    assert origin(intake.submissions[0]).raw_names == (f"Anna M\u00fcller_41_{SUBMISSION}_",)


def test_a_format_can_be_forced(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", MOODLE)
    assert list(held(read(path, "folders"))) == [f"Anna M\u00fcller_41_{SUBMISSION}_", f"Bela O'Neil_7_{SUBMISSION}_"]
    plain = hand_in(tmp_path / "plain", {"anna/work.py": "x"})
    with pytest.raises(UsageError) as caught:
        read(plain, "moodle")
    assert str(caught.value) == f"{plain}: does not look like a download from Moodle; name another --format, or none"


def test_every_format_has_a_title_and_is_documented() -> None:
    page = (Path(__file__).parents[1] / "grader" / "docs" / "platforms.md").read_text(encoding="utf-8")
    assert [name for name in FORMATS if f"| `{name}` |" not in page] == []
    assert list(FORMATS)[-1] == "folders"


@pytest.mark.parametrize(
    ("label", "number", "expected"),
    [
        ("Anna M\u00fcller", "41", "anna-muller-41"),
        ("\u65e5\u672c", "7", "7"),
        ("", "", "nameless"),
        ("Gro\u00df", "1", "gross-1"),
    ],
)
def test_an_id_is_a_pages_name(label: str, number: str, expected: str) -> None:
    assert readable_id(label, number) == expected
    assert page_name(expected) == f"{expected}.html"
