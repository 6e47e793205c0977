"""The demonstration, graded for real: everybody gets what their hand-in says it is."""

from __future__ import annotations

import csv
import json
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import pytest
from course_helpers import ROOT, FakeEngine, hand_in, make_course

from grader.cli import run
from grader.demo import ASSIGNMENT, EXERCISE, MISTAKES, RIGHT, hand_ins, write_demo
from grader.errors import ExitCode, UsageError
from grader.reference import load

#: What a hand-in with each misconception, and nothing else wrong, earns of 15 points.
POINTS = {
    "bias_omitted": 13.0,
    "relu_omitted": 14.0,
    "half_omitted": 14.5,
    "n_counts_inputs": 14.0,
    "n_counts_neurons": 14.0,
    "sign_turned": 14.0,
    "W2_sees_z1": 13.0,
    "W2_chain_stopped": 13.0,
    "b2_chain_stopped": 14.0,
    "back_through_new_W2": 14.0,
    "mask_forgotten": 14.0,
    "relu_of_gradient": 14.0,
    "times_activation": 14.0,
    "bias_multiplied": 14.5,
    "step_uphill": 14.5,
    "rate_a_tenth": 14.5,
    "rate_omitted": 14.5,
    "b1_kept": 14.5,
    "b2_kept": 14.5,
}
#: What the others get: points, pending, how the run ended, misconceptions.
OTHERS: dict[str, tuple[float, bool, str, set[str]]] = {
    "two misconceptions: bias_omitted and mask_forgotten": (
        12.0,
        False,
        "finished",
        {"bias_omitted", "mask_forgotten"},
    ),
    "a slip in z1, carried forward": (13.0, False, "finished", set()),
    "one name is missing": (14.0, False, "finished", set()),
    "an exception in a middle cell": (15.0, False, "finished", set()),
    "an endless loop after the forward pass": (5.0, False, "timeout", set()),
    "prints 200 MB": (15.0, False, "finished", set()),
    "calls exit() in the middle": (15.0, False, "finished", set()),
    "warnings on stderr": (15.0, False, "finished", set()),
    "a notebook that is cut off": (0.0, True, "finished", set()),
    "an empty file": (0.0, True, "finished", set()),
    "the module filled in, the starter notebook untouched beside it": (15.0, False, "finished", set()),
    "only a text document": (0.0, True, "finished", set()),
    "two notebooks that could be meant": (0.0, True, "finished", set()),
    "an empty folder": (0.0, False, "finished", set()),
    "the starter, untouched": (0.0, False, "finished", set()),
}
COPIED = "the personal numbers of Anna Weber"


def nfc(name: str) -> str:
    return unicodedata.normalize("NFC", name)


ABOUT = {nfc(one.person): one.about for one in hand_ins()}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "out"
    assert run(["demo", "--output", str(folder), "--course", str(ROOT), "--workers", "2"]) == 0
    return folder


@pytest.fixture(scope="module")
def graded(output: Path) -> dict[str, Any]:
    results = json.loads((output / "grades" / "results.json").read_text(encoding="utf-8"))
    return {submission["id"]: submission for submission in results["submissions"]}


def outcome(submission: dict[str, Any]) -> tuple[float, bool, str, set[str]]:
    [exercise] = submission["exercises"]
    checks = [check for criterion in exercise["criteria"] for check in criterion["checks"]]
    named = {check["misconception"] for check in checks} - {None}
    return submission["points"], submission["pending"], submission["stop"], named


def test_every_known_mistake_is_made_and_no_other() -> None:
    reference = load(ROOT / "reference" / ASSIGNMENT / f"{EXERCISE}.py")
    assert set(MISTAKES) == set(reference.misconceptions) == set(POINTS)
    made = {one.about.removeprefix("misconception ") for one in hand_ins() if one.about.startswith("misconception ")}
    assert made == set(MISTAKES)
    assert set(RIGHT) <= set(reference.quantities)
    assert {name for answers in MISTAKES.values() for name in answers} <= set(RIGHT)


def test_nobody_is_there_twice() -> None:
    people = [nfc(one.person).casefold() for one in hand_ins()]
    assert len(people) == len(set(people))


def test_everybody_has_a_folder_and_a_report(output: Path, graded: dict[str, Any]) -> None:
    assert {nfc(path.name) for path in (output / "hand-ins").iterdir()} == set(ABOUT) == set(graded)
    assert len(list((output / "grades" / "students").glob("*.html"))) == len(ABOUT)
    assert (output / "grades" / "class.html").is_file()


@pytest.mark.parametrize("person", ABOUT)
def test_everybody_gets_what_their_hand_in_is(graded: dict[str, Any], person: str) -> None:
    about, found = ABOUT[person], outcome(graded[person])
    if about.startswith("right"):
        assert found == (15.0, False, "finished", set())
    elif about.startswith("misconception "):
        mistake = about.removeprefix("misconception ")
        assert found == (POINTS[mistake], False, "finished", {mistake})
    elif about == COPIED:
        assert (found[0] < 8, found[1:3]) == (True, (False, "finished"))
    else:
        assert found == OTHERS[about]


def test_only_the_copy_and_the_untouched_starter_are_flagged(graded: dict[str, Any]) -> None:
    flagged = {person: submission["flags"] for person, submission in graded.items() if submission["flags"]}
    assert sorted(flagged) == ["Noah Copy", "Nora Nichts"]
    [untouched] = flagged["Nora Nichts"]
    assert untouched["message"] == "as it was handed out, perhaps uploaded by mistake: gradient_step.ipynb"
    [flag] = flagged["Noah Copy"]
    assert flag["message"].startswith("made for the personal numbers of Anna Weber, by `")


@pytest.mark.parametrize(
    ("person", "message"),
    [
        ("Vera Bruch", "is not a notebook: "),
        ("Willi Leer", "the file is empty. "),
        ("Yara Word", "no hand-in to gradient_step: found answers.docx; expected gradient_step.ipynb or "),
        ("Zoe Zwei", "two notebooks could be meant for gradient_step: draft.ipynb, last.ipynb; keep"),
        ("Ida Ohne", "nothing was handed in for gradient_step; expected gradient_step.ipynb or gradient_step.py"),
    ],
)  # fmt: skip
def test_what_cannot_be_graded_is_one_problem(graded: dict[str, Any], person: str, message: str) -> None:
    [problem] = graded[person]["problems"]
    assert (problem["message"].startswith(message), f"hand-ins/{person}" in problem["where"]) == (True, True)


def test_only_who_came_late_may_be_late(graded: dict[str, Any]) -> None:
    questions = {person: submission["late_question"] for person, submission in graded.items()}
    assert [person for person, question in questions.items() if question] == ["Rita Schleife"]
    assert questions["Rita Schleife"].startswith("late by the times of its files alone")


def test_nobody_else_has_a_problem(graded: dict[str, Any]) -> None:
    troubled = {person for person, submission in graded.items() if submission["problems"]}
    assert troubled == {"Vera Bruch", "Willi Leer", "Yara Word", "Zoe Zwei", "Ida Ohne"}


def test_notes_say_what_happened_on_the_way(graded: dict[str, Any]) -> None:
    notes = {person: submission["exercises"][0]["note"] for person, submission in graded.items()}
    assert notes["Paul Fehler"].startswith("The code ran to its end, but cell ")
    assert notes["Rita Schleife"].startswith("the time limit of 10 s was reached in cell ")
    assert notes["Xenia Beides"] == "Graded was gradient_step.py, not gradient_step.ipynb."
    assert notes["Anna Weber"] == ""


def test_the_second_batch_runs_nothing(output: Path, graded: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    monkeypatch.setattr("grader.cli.settings.LocalPool", lambda *_: engine)
    folder, course, grades = (str(output / name) for name in ("hand-ins", "course", "grades"))
    assert run(["batch", folder, "--assignment", ASSIGNMENT, "--course", course, "--output", grades]) == 0
    again = json.loads((output / "grades" / "results.json").read_text(encoding="utf-8"))
    assert engine.ran == []
    assert {submission["id"]: submission for submission in again["submissions"]} == graded


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_is_the_same_every_time_and_may_be_written_anew(tmp_path: Path) -> None:
    course, folder = write_demo(tmp_path / "a", ROOT)
    write_demo(tmp_path / "b", ROOT)
    first = files(tmp_path / "a")
    assert first == files(tmp_path / "b")
    assert (course, folder) == (tmp_path / "a" / "course", tmp_path / "a" / "hand-ins")
    hand_in(folder, {"stranger/x.py": "x"})
    write_demo(tmp_path / "a", ROOT)
    assert files(tmp_path / "a") == first


@pytest.mark.parametrize("name", ["thesis.tex", "README.txt", "course/course.yaml"])
def test_a_foreign_folder_is_left_alone(tmp_path: Path, name: str) -> None:
    hand_in(tmp_path, {name: "years of work", "course/more.txt": "x"})
    before = files(tmp_path)
    with pytest.raises(UsageError) as caught:
        write_demo(tmp_path, ROOT)
    assert str(caught.value) == f"{tmp_path}: exists and was not written by `grade demo`; choose another --output"
    assert run(["demo", "--output", str(tmp_path), "--course", str(ROOT)]) == ExitCode.USAGE
    assert files(tmp_path) == before


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    write_demo(tmp_path, ROOT)
    assert (tmp_path / "README.txt").read_text(encoding="utf-8").startswith("Written by `grade demo`; it may be")


def test_a_course_without_the_exercise_is_refused(tmp_path: Path) -> None:
    make_course(tmp_path / "course")
    with pytest.raises(UsageError) as caught:
        write_demo(tmp_path / "out", tmp_path / "course")
    expected = f"{tmp_path}/course: has no exercise sheet3/gradient_step, which the demonstration uses"
    assert str(caught.value) == expected


def test_moodle_gives_out_the_same_class(tmp_path: Path) -> None:
    assert run(["demo", "--moodle", "--output", str(tmp_path), "--course", str(ROOT)]) == 0
    [archive], [worksheet] = (tmp_path / "moodle").glob("*.zip"), (tmp_path / "moodle").glob("*.csv")
    with worksheet.open(encoding="utf-8-sig", newline="") as file:
        rows = {row["Full name"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(ABOUT)
    assert rows["Ida Ohne"]["Status"] == "No submission"
    assert rows["Rita Schleife"]["Last modified (submission)"] == "Monday, 4 May 2026, 6:00 PM"
    with zipfile.ZipFile(archive) as packed:
        numbers = {name.split("_")[1] for name in packed.namelist()}
    handed_in = {row["Identifier"].removeprefix("Participant ") for row in rows.values() if row["Status"][0] == "S"}
    assert numbers == handed_in
    assert not (tmp_path / "grades").exists()
