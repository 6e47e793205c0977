"""Downloads of learning platforms: whose is what, and what is said about the rest."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from archive_helpers import bomb, make_tar, make_zip
from course_helpers import hand_in

from grader.errors import Problem, UsageError
from grader.importers import FORMATS, Intake, Settings, read_hand_ins
from grader.importers.handins import readable_id
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


def test_every_format_has_a_title_and_is_in_the_readme() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert [name for name in FORMATS if f"| `{name}` |" not in readme] == []
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
