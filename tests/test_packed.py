"""Archives that somebody handed in: what they hold is found, and none of it is trusted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from archive_helpers import BOMB_BYTES, bomb, make_tar, make_zip, zip_with_modes
from course_helpers import PERIMETER, RIGHT, hand_in, make_course, place

from grader.cli import run
from grader.course import Course
from grader.importers import Intake, Settings, packed, read_hand_ins, unpacking
from grader.pipeline import grade, prepare
from grader.reference import Evaluation
from grader.reports.feedback import check_command
from grader.store import open_store


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return make_course(tmp_path_factory.mktemp("course"))


def read(folder: Path) -> Intake:
    return read_hand_ins(folder, Settings("sheet1"), folder.parent / "store")


def held(intake: Intake) -> list[str]:
    [submission] = intake.submissions
    return [file.name for file in submission.files]


def said(intake: Intake) -> list[str]:
    return [str(problem) for problem in intake.problems]


@pytest.mark.parametrize("name", ["work.zip", "work.tar.gz"])
@pytest.mark.parametrize("form", ["folders", "moodle", "flat"])
@pytest.mark.parametrize("packed_download", [True, False])
def test_what_is_packed_in_a_hand_in_is_graded(
    course: Course, tmp_path: Path, name: str, form: str, packed_download: bool
) -> None:
    content = {"mine/rectangles.py": RIGHT, "mine/table.csv": "1"}
    own = make_zip(tmp_path / name, content) if "zip" in name else make_tar(tmp_path / name, content, "w:gz")
    folder = {
        "folders": "anna/",
        "moodle": "Anna_41_assignsubmission_file/",
        "flat": "Anna_41_assignsubmission_file_",
    }[form]
    files = {f"{folder}{name}": own.read_bytes()}
    downloaded = make_zip(tmp_path / "all.zip", files) if packed_download else hand_in(tmp_path / "all", files)
    intake = read(downloaded)
    assert (held(intake), said(intake)) == ([f"{name}/mine/rectangles.py", f"{name}/mine/table.csv"], [])
    assignment = course.assignments["sheet1"]
    with open_store(None) as store:
        [report] = grade(course, assignment, intake.submissions, place(store)).reports
    [exercise] = report.exercises
    assert (report.points, exercise.file) == (3.0, f"{name}/mine/rectangles.py")
    assert check_command(report, exercise).startswith("grade check mine/rectangles.py --assignment=sheet1")
    truth = Evaluation(assignment.exercises[0].reference, None)
    job = prepare(intake.submissions[0], assignment, assignment.exercises[0], truth).job
    assert job is not None
    assert [path for path, _ in job.files] == ["table.csv"]


def test_a_time_of_unpacking_is_no_time_of_handing_in(tmp_path: Path) -> None:
    own = make_zip(tmp_path / "all/anna/work.zip", {"rectangles.py": RIGHT})
    os.utime(own, (1_700_000_000, 1_700_000_000))
    [submission] = read(tmp_path / "all").submissions
    assert submission.received is not None
    assert submission.received.timestamp() == 1_700_000_000


def test_a_file_and_its_copy_in_an_archive_are_one_and_others_are_for_a_person(course: Course, tmp_path: Path) -> None:
    for person, loose in (("anna", RIGHT), ("bela", PERIMETER)):
        make_zip(tmp_path / f"all/{person}/work.zip", {"rectangles.py": RIGHT})
        hand_in(tmp_path / f"all/{person}", {"rectangles.py": loose})
    with open_store(None) as store:
        batch = grade(course, course.assignments["sheet1"], read(tmp_path / "all").submissions, place(store))
    anna, bela = batch.reports
    assert (anna.points, anna.pending, anna.exercises[0].file) == (3.0, False, "rectangles.py")
    assert bela.pending
    assert "two modules could be meant for rectangles: rectangles.py, work.zip/rectangles.py" in str(bela.problems[0])


@pytest.mark.parametrize("is_packed", [True, False])
def test_who_hands_in_the_whole_bundle_hands_in_the_exercise(course: Course, tmp_path: Path, is_packed: bool) -> None:
    files = {
        "sheet1/course.yaml": "title: T\n",
        "sheet1/exercises/sheet1/rectangles/rectangles.py": RIGHT,
        "sheet1/exercises/sheet1/rectangles/.starters/rectangles.py": "area = None\n",
        "sheet1/reference/sheet1/rectangles.py": "# what can be said\n",
        "sheet1/rubrics/sheet1/rectangles.yaml": "title: R\n",
    }
    if is_packed:
        make_zip(tmp_path / "all/anna/sheet1.zip", files)
    else:
        hand_in(tmp_path / "all/anna", files)
    with open_store(None) as store:
        [report] = grade(course, course.assignments["sheet1"], read(tmp_path / "all").submissions, place(store)).reports
    assert (report.points, report.pending) == (3.0, False)
    assert report.exercises[0].file.endswith("sheet1/exercises/sheet1/rectangles/rectangles.py")


def test_a_folder_named_reference_is_a_students_own_without_a_course(course: Course, tmp_path: Path) -> None:
    hand_in(tmp_path / "all/anna", {"reference/rectangles.py": RIGHT})
    with open_store(None) as store:
        [report] = grade(course, course.assignments["sheet1"], read(tmp_path / "all").submissions, place(store)).reports
    assert report.points == 3.0


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(course: Course, tmp_path: Path) -> None:
    hand_in(tmp_path / "all", {"anna/work.zip": "no zip", "anna/rectangles.py": RIGHT, "bela/work.zip": "PK"})
    intake = read(tmp_path / "all")
    assert said(intake) == [
        f"{tmp_path}/all/{person}/work.zip: cannot be read as an archive (File is not a zip file); ask for another one"
        for person in ("anna", "bela")
    ]
    with open_store(None) as store:
        anna, bela = grade(course, course.assignments["sheet1"], intake.submissions, place(store)).reports
    assert (anna.points, anna.pending, bela.pending) == (3.0, False, True)


def test_bombs_links_and_ways_out_are_refused_and_listed(tmp_path: Path) -> None:
    bomb(tmp_path / "all/anna/bomb.zip")
    make_zip(tmp_path / "all/bela/out.zip", {"../../escape.py": "x = 1", "work.py": "x = 1"})
    (tmp_path / "all/carl").mkdir()
    zip_with_modes(tmp_path / "all/carl/modes.zip")
    intake = read(tmp_path / "all")
    anna, bela, carl = ({file.name: bool(file.sha256) for file in one.files} for one in intake.submissions)
    assert anna == {"bomb.zip/anna/work.py": True, "bomb.zip/anna/bomb.py": False}
    assert bela["out.zip/work.py"]
    assert not list(tmp_path.rglob("escape.py"))
    assert [name for name, whole in carl.items() if whole] == ["modes.zip/anna/work.py"]
    assert len(said(intake)) == 6
    assert all(str(tmp_path / "all") in one for one in said(intake))
    assert any(str(BOMB_BYTES) in one for one in said(intake))


def test_an_archive_in_an_archive_stays_packed(tmp_path: Path) -> None:
    inner = make_zip(tmp_path / "inner.zip", {"rectangles.py": RIGHT})
    make_zip(tmp_path / "all/anna/work.zip", {"inner.zip": inner.read_bytes(), "notes.txt": "x"})
    assert held(read(tmp_path / "all")) == ["work.zip/inner.zip", "work.zip/notes.txt"]


def test_all_of_one_hand_in_is_one_share_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_SHARE_BYTES", 100)
    make_zip(tmp_path / "all/anna/work.zip", {f"{number}/a.txt": "x" * 60 for number in range(3)})
    intake = read(tmp_path / "all")
    assert held(intake) == ["work.zip/0/a.txt", "work.zip/1/a.txt", "work.zip/2/a.txt"]
    assert [bool(file.sha256) for file in intake.submissions[0].files] == [True, False, False]
    assert "has 60 bytes, and no more than 40 are left to it; it was not unpacked" in said(intake)[0]


def test_an_empty_archive_is_something_that_was_handed_in(course: Course, tmp_path: Path) -> None:
    make_zip(tmp_path / "all/anna/work.zip", {})
    intake = read(tmp_path / "all")
    assert (held(intake), said(intake)) == (["work.zip"], [])
    with open_store(None) as store:
        [report] = grade(course, course.assignments["sheet1"], intake.submissions, place(store)).reports
    assert report.pending


def test_a_hand_in_that_is_large_already_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "MAX_BYTES", 150)
    for name in ("a.zip", "b.zip"):
        make_zip(tmp_path / f"all/anna/{name}", {"x.txt": name}, method=0)
    intake = read(tmp_path / "all")
    assert held(intake) == ["a.zip", "b.zip"]
    message = "was not unpacked, because the hand-in holds more than 0 MB already"
    assert said(intake) == [f"{tmp_path}/all/anna/{name}: {message}" for name in ("a.zip", "b.zip")]


def test_a_batch_finds_it_again_and_runs_nothing_twice(
    course: Course, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_zip(tmp_path / "all/anna/work.zip", {"rectangles.py": RIGHT})
    command = [
        "batch",
        str(tmp_path / "all"),
        "--assignment",
        "sheet1",
        "--course",
        str(course.root),
        "--output",
        str(tmp_path / "grades"),
    ]
    for _ in range(2):
        assert run([*command, "--isolation", "selfcheck"]) == 0
        assert "3 of 3" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "grades/hand-ins").iterdir() if path.name.endswith("-one")] != []
    assert run(["replay", "anna", "--course", str(course.root), "--output", str(tmp_path / "grades")]) == 0
