"""What people decide: kept beside what was computed, applied anew, and never lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from course_helpers import PERIMETER, RIGHT, FakeEngine, hand_in, make_course, place

from grader.checks import KINDS
from grader.cli import run
from grader.course import load_course
from grader.errors import ExitCode, GradeError
from grader.importers import read_folder
from grader.model import (
    CheckResult,
    CheckScore,
    CriterionScore,
    Decision,
    ExerciseReport,
    Report,
    Status,
    Stop,
    points_of,
)
from grader.overrides import decide_exercise, decided, misfit, standing_decisions, undecided
from grader.pipeline import grade, publish, regrade
from grader.reports import schema
from grader.store import open_store

Captured = pytest.CaptureFixture[str]
NOW = datetime(2026, 1, 31, 20, 15, tzinfo=UTC)


def decision(points: float | None = None, exercise: str = "", **more: object) -> Decision:
    plain = Decision("anna", exercise, "", "", "", points, None, "why", "prof", NOW)
    return replace(plain, **more)  # type: ignore[arg-type]


def score(name: str, status: Status, points: float, max_points: float, **more: bool) -> CheckScore:
    return CheckScore(CheckResult(name, "value", status, points / max_points, for_person=more.get("person", False)),
                      points, max_points)  # fmt: skip


A = score("a", Status.PASSED, 2.0, 2.0)
B = score("b", Status.FAILED, 0.0, 1.0)
ESSAY = score("essay", Status.FAILED, 0.0, 4.0, person=True)
FAULT = score("fault", Status.ERROR, 0.0, 3.0)


def part(*checks: CheckScore, name: str = "step") -> ExerciseReport:
    points, most = sum(one.points for one in checks), sum(one.max_points for one in checks)
    criterion = CriterionScore("all", "All", points, most, any(one.owed for one in checks), checks)
    return ExerciseReport(name, name, points, most, criterion.pending, (criterion,), Stop.FINISHED, "selfcheck")


def whole(parts: Sequence[ExerciseReport]) -> Report:
    """Return the report of Anna and Eve, who were late: one point less."""
    points, most = sum(one.points for one in parts) - 1, sum(one.max_points for one in parts)
    pending = any(one.pending for one in parts)
    return Report("anna", ("Anna", "Eve"), "s", "S", points, most, pending, Stop.FINISHED, "selfcheck", tuple(parts))


def with_decisions(*decisions: Decision, parts: Sequence[ExerciseReport] = ()) -> Report:
    own = standing_decisions(decisions).get("anna", {})
    return decided(parts or (part(A, B, ESSAY),), whole, own, ["step", "other"])


def test_a_decision_on_a_check_counts_and_what_was_computed_stays() -> None:
    report = with_decisions(decision(1.0, "step", check="b"))
    [exercise] = report.exercises
    found = exercise.criteria[0].checks[1]
    assert (found.points, found.result, exercise.points, report.points) == (1.0, B.result, 3.0, 2.0)
    assert found.decision is not None
    assert (found.decision.computed, report.pending) == (0.0, True)
    assert undecided(exercise) == part(A, B, ESSAY)


def test_a_persons_mark_settles_what_waited_for_a_person() -> None:
    report = with_decisions(decision(0.0, "step", check="essay"))
    assert (report.pending, report.points) == (False, 1.0)


@pytest.mark.parametrize("place", [{"check": "fault"}, {"criterion": "all"}, {}])
def test_what_could_not_be_judged_is_settled_only_when_said_so(place: dict[str, str]) -> None:
    parts = (part(A, FAULT),)
    for unjudged in (False, True):
        report = with_decisions(decision(2.0, "step", unjudged=unjudged, **place), parts=parts)
        assert (report.pending, report.exercises[0].pending) == (not unjudged, not unjudged)
    total = with_decisions(decision(2.0), parts=parts)
    assert (total.pending, total.points) == (True, 2.0)
    assert not with_decisions(decision(2.0, unjudged=True), parts=parts).pending


def test_larger_decisions_win_over_smaller_ones_and_over_lateness() -> None:
    small, middle = decision(1.0, "step", check="b"), decision(6.0, "step", criterion="all")
    large, total = decision(4.0, "step"), decision(5.0)
    computed = [with_decisions(*[small, middle, large, total][:count]).points for count in range(5)]
    assert computed == [1.0, 2.0, 5.0, 3.0, 5.0]
    report = with_decisions(small, middle, large, total)
    assert [one.computed for one in report.decisions] == [3.0, 6.0, 3.0, 0.0]
    assert not report.pending


def test_a_share_follows_the_rubric_and_points_do_not() -> None:
    share = decision(None, "step", check="b", fraction=0.5)
    wider = part(replace(B, max_points=3.0))
    assert decide_exercise(part(B), {share.place: share}).points == 0.5
    assert decide_exercise(wider, {share.place: share}).points == 1.5
    points = decision(1.0, "step", check="b")
    assert decide_exercise(wider, {points.place: points}).points == 1.0


def test_one_of_a_group_can_have_another_mark() -> None:
    report = with_decisions(decision(0.5, member="Eve"))
    assert (report.points, points_of(report, "Anna"), points_of(report, "Eve")) == (1.0, 1.0, 0.5)
    [own] = report.member_decisions
    assert own.computed == 1.0


def test_the_last_decision_counts_and_one_taken_back_does_not() -> None:
    first, second = decision(1.0, "step", check="b"), decision(0.5, "step", check="b")
    assert with_decisions(first, second).exercises[0].points == 2.5
    assert with_decisions(first, decision(None, "step", check="b")) == with_decisions()


GONE = (
    "anna: check `gone` of step: prof decided 1 point (why), but there is no such check; there are: a, b, essay, so it "
    "does not count; decide again, or take it back with --withdraw"
)


@pytest.mark.parametrize(
    ("lost", "why"),
    [
        (decision(1.0, "step", check="gone"), GONE),
        (decision(1.0, "step", criterion="gone"), "there is no such criterion; there are: all"),
        (decision(1.0, "gone"), "anna: gone: prof decided 1 point (why), but there is no such exercise"),
        (decision(9.0, "step", check="b"), "points go from 0 to 1 there"),
        (decision(9.0, "step"), "points go from 0 to 7 there"),
        (decision(9.0, private=True), "anna: total: prof decided 9 points, but points go from 0 to 7 there, so"),
        (decision(1.0, member="Zoë"), "but that is none of those who handed in: Anna, Eve"),
    ],
)  # fmt: skip
def test_a_decision_that_fits_nothing_is_told_and_kept(lost: Decision, why: str) -> None:
    report = with_decisions(lost)
    assert (report.misfits, report.points, report.decisions) == ((lost,), 1.0, ())
    assert why in str(misfit(lost, report))


def test_a_decision_on_an_exercise_that_was_not_graded_this_time_waits() -> None:
    assert with_decisions(decision(1.0, "other")).misfits == ()


# In a gradebook

CLASS = {
    "anna + eve/rectangles.py": RIGHT,
    "bela/rectangles.py": PERIMETER,
    "carl/": "",
}
RUBRIC = Path("course/rubrics/sheet1/rectangles.yaml")
OVERRIDE = ["override", "--assignment", "sheet1", "--course", "course"]


def batch(engine: FakeEngine | None = None) -> FakeEngine:
    course, used = load_course(Path("course"), KINDS), engine or FakeEngine()
    intake = read_folder(Path("all"), "sheet1")
    people = [replace(one, people=tuple(one.id.split(" + "))) for one in intake.submissions]
    with open_store(Path("grades/grade.sqlite")) as store:
        grade(course, course.assignments["sheet1"], people, place(store, used), problems=intake.problems)
    return used


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder with a graded class of four, in which we are."""
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("LOGNAME", "prof")
    monkeypatch.chdir(tmp_path)
    make_course(tmp_path / "course")
    hand_in(tmp_path / "all", CLASS)
    batch()
    return tmp_path


def edit(old: str, new: str) -> None:
    text = RUBRIC.read_text(encoding="utf-8")
    assert old in text
    RUBRIC.write_text(text.replace(old, new), encoding="utf-8")


def marks() -> dict[str, tuple[float, bool]]:
    with open_store(Path("grades/grade.sqlite")) as store:
        return {one.id: (one.points, one.pending) for one in store.reports("sheet1")}


def results() -> dict[str, dict[str, Any]]:
    data = json.loads(Path("grades/results.json").read_text(encoding="utf-8"))
    jsonschema.validate(data, schema())
    return {one["id"]: one for one in data["submissions"]}


def problems() -> dict[str, str]:
    """Return the problems in the results, but that Carl handed in nothing."""
    data = json.loads(Path("grades/results.json").read_text(encoding="utf-8"))
    return {one["where"]: one["message"] for one in data["problems"] if one["where"] != str(Path("all/carl"))}


AREA = ["bela", "--check", "area", "--points", "1.5", "--reason", "The formula was right & <b>clear</b>."]


def test_override_decides_and_writes_everything_anew(room: Path, capsys: Captured) -> None:
    assert run([*OVERRIDE, *AREA]) == 0
    said = capsys.readouterr().out
    assert "bela: check `area` of rectangles: 1.5 points, by prof on " in said
    assert "bela: 1 of 3 → 2.5 of 3" in said
    assert marks()["bela"] == (2.5, False)
    found = results()["bela"]
    [check, _] = found["exercises"][0]["criteria"][0]["checks"]
    assert (check["points"], check["status"], check["fraction"]) == (1.5, "failed", 0.0)
    about = {name: check["decision"][name] for name in ("points", "computed", "computed_then", "who", "private")}
    assert about == {"points": 1.5, "computed": 0.0, "computed_then": 0.0, "who": "prof", "private": False}
    line = "Decided by a person: The formula was right &amp; &lt;b&gt;clear&lt;/b&gt;."
    page = (room / "grades/students/bela.html").read_text(encoding="utf-8")
    assert page.count(line) == 1
    assert "prof" not in page
    overview = (room / "grades/class.html").read_text(encoding="utf-8")
    assert "<code>area</code> of rectangles: 1.5 points, by prof on " in overview
    assert "; computed: 0. The formula was right &amp; &lt;b&gt;clear&lt;/b&gt;." in overview


def test_a_private_reason_is_for_the_class_page_only(room: Path) -> None:
    assert run([*OVERRIDE, "bela", "--zero", "--reason", "copied from anna", "--private", "--by", "board"]) == 0
    page = (room / "grades/students/bela.html").read_text(encoding="utf-8")
    assert ("Decided by a person." in page, "copied" in page) == (True, False)
    assert "copied" not in (room / "grades/results.json").read_text(encoding="utf-8")
    assert "copied from anna (not told to the student)" in (room / "grades/class.html").read_text(encoding="utf-8")


def test_one_of_a_group_is_marked_otherwise(room: Path) -> None:
    [group] = [name for name in marks() if "eve" in name]
    assert run([*OVERRIDE, group, "--member", "eve", "--fraction", "0.5", "--reason", "did half"]) == 0
    found = results()[group]
    assert found["points"] == 3.0
    [eve] = found["members"]
    assert (eve["person"], eve["points"], eve["decision"]["reason"]) == ("eve", 1.5, "did half")
    pages = [page.read_text(encoding="utf-8") for page in (room / "grades/students").iterdir()]
    assert sum("For eve: 1.5 of 3 points. Decided by a person: did half" in page for page in pages) == 1


def test_decisions_survive_a_batch_and_a_regrade(room: Path, capsys: Captured) -> None:
    assert run([*OVERRIDE, *AREA]) == 0
    assert batch().ran == []
    assert marks()["bela"] == (2.5, False)
    edit("value: area, points: 2,", "value: area, points: 4,")
    edit("    points: 3", "    points: 5")
    assert run(["regrade", "--assignment", "sheet1", "--course", "course", "--yes"]) == 0
    assert marks() == {"anna + eve": (5.0, False), "bela": (2.5, False), "carl": (0.0, False)}
    assert batch().ran == []
    assert marks()["bela"] == (2.5, False)


def test_regrade_says_what_is_computed_now_under_a_decision(room: Path, capsys: Captured) -> None:
    assert run([*OVERRIDE, *AREA]) == 0
    edit("points: 2, atol: 1.0e-6", "points: 2, atol: 2.0")
    capsys.readouterr()
    assert run(["regrade", "--assignment", "sheet1", "--course", "course", "--yes", "--json", "moved.json"]) == 0
    line = "bela: prof decided 1.5 points for check `area` of rectangles when it was 0; it is 2 now."
    assert f"{line} The decision still counts." in capsys.readouterr().out.splitlines()
    data = json.loads(Path("moved.json").read_text(encoding="utf-8"))
    assert data["overtaken"] == [
        {"id": "bela", "about": "check `area` of rectangles", "who": "prof", "then": 0.0, "before": 0.0, "now": 2.0}
    ]
    assert marks()["bela"] == (2.5, False)
    assert run([*OVERRIDE, "bela", "--check", "area", "--withdraw", "--reason", "regraded"]) == 0
    assert marks()["bela"] == (3.0, False)


def test_a_decision_on_what_is_gone_is_a_problem_until_it_is_taken_back(room: Path, capsys: Captured) -> None:
    assert run([*OVERRIDE, *AREA]) == 0
    edit("{value: area, points: 2, atol: 1.0e-6}", "{value: area, id: surface, points: 2, atol: 1.0e-6}")
    assert run(["regrade", "--assignment", "sheet1", "--course", "course", "--yes"]) == 0
    why = "(The formula was right & <b>clear</b>.), but there is no such check; there are: surface"
    assert why in capsys.readouterr().out
    assert list(problems()) == ["bela: check `area` of rectangles"]
    assert "but there is no such check" in (room / "grades/class.html").read_text(encoding="utf-8")
    assert "there is no such check" not in (room / "grades/students/bela.html").read_text(encoding="utf-8")
    assert run([*OVERRIDE, "bela", "--check", "area", "--exercise", "rectangles", "--withdraw", "--reason", "r"]) == 0
    assert problems() == {}


def test_a_decision_on_a_submission_that_is_gone_is_a_problem_of_the_batch(room: Path, capsys: Captured) -> None:
    assert run([*OVERRIDE, *AREA]) == 0
    Path("all/bela").rename("all/bella")
    batch()
    assert run(["regrade", "--assignment", "sheet1", "--course", "course", "--yes"]) == 0
    assert problems() == {
        "bela: check `area` of rectangles": "prof decided 1.5 points (The formula was right & <b>clear</b>.), but "
        "there is no such submission any more, so it does not count; decide again, or take it back with --withdraw"
    }
    assert run([*OVERRIDE, "bela", "--exercise", "rectangles", "--check", "area", "--withdraw", "--reason", "r"]) == 0
    assert problems() == {}


def test_what_was_decided_is_listed_in_order(room: Path, capsys: Captured) -> None:
    assert run(OVERRIDE) == 0
    assert capsys.readouterr().out == "Nobody decided anything.\n"
    for more in (["--points", "1"], ["--full"], ["--withdraw"], ["--zero"]):
        assert run([*OVERRIDE, "bela", *more, "--reason", "r"]) == 0
    capsys.readouterr()
    assert run(OVERRIDE) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(", by")[0] for line in said] == [
        "bela: total: 1 point", "bela: total: full points", "bela: total: taken back", "bela: total: no points",
    ]  # fmt: skip
    assert ["replaced or taken back since" in line for line in said] == [True, True, False, False]


def test_a_fault_of_the_machine_is_settled_only_when_said_so(room: Path, capsys: Captured) -> None:
    edit("title: Areas", "title: All areas")
    (room / "all/bela/rectangles.py").write_text(f"{PERIMETER}# again\n", encoding="utf-8")
    batch(FakeEngine(lambda _: Stop.INFRASTRUCTURE))
    assert marks()["bela"] == (0.0, True)
    assert run([*OVERRIDE, "bela", "--points", "2", "--reason", "seen"]) == ExitCode.USAGE
    assert (
        "override: bela: total: could not be judged, for a fault of the machine or because it is not clear what was "
        "handed in; decide all the same with --unjudged"
    ) in capsys.readouterr().err
    assert run([*OVERRIDE, "bela", "--points", "2", "--reason", "seen", "--unjudged"]) == 0
    assert marks()["bela"] == (2.0, False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bela", "--reason", "r"], "say what counts: one of --points, --full, --zero, --fraction and --withdraw"),
        (["bela", "--full", "--points", "1", "--reason", "r"], "say what counts: one of"),
        (["bela", "--full"], "override: no reason; say why, also for whoever reads it in a year"),
        (["bella", "--full", "--reason", "r"], "no submission 'bella'; did you mean 'bela'?"),
        (["nobody", "--full", "--reason", "r"], "no submission 'nobody'; the class page names them all"),
        (["bela", "--check", "x", "--criterion", "y", "--full", "--reason", "r"], "name a --criterion or a --check"),
        (["bela", "--member", "x", "--check", "y", "--full", "--reason", "r"], "--member has a total of their own"),
        (["bela", "--member", "x", "--full", "--reason", "r"], "that is none of those who handed in: bela"),
        (["bela", "--points", "3.5", "--reason", "r"], "bela: total: points go from 0 to 3 there"),
        (["bela", "--points", "-1", "--reason", "r"], "bela: total: points go from 0 to 3 there"),
        (["bela", "--points", "nan", "--reason", "r"], "bela: total: points go from 0 to 3 there"),
        (
            ["bela", "--check", "areas", "--full", "--reason", "r"],
            "there is no such check; there are: area, double_area",
        ),
        (["bela", "--exercise", "x", "--full", "--reason", "r"], "there is no such exercise; there are: rectangles"),
        (
            ["bela", "--withdraw", "--reason", "r"],
            "bela: total: nobody decided on it, so there is nothing to take back",
        ),
        (["bela", "--from", "x.csv"], "name a SUBMISSION or a file with --from, not both"),
    ],
)
def test_what_does_not_fit_is_refused(room: Path, capsys: Captured, arguments: list[str], message: str) -> None:
    before = marks()
    assert run([*OVERRIDE, *arguments]) == ExitCode.USAGE
    assert message in capsys.readouterr().err
    assert marks() == before
    assert not Path("grades/class.html").exists()


def test_an_exercise_must_be_named_where_there_are_several(room: Path, capsys: Captured) -> None:
    for folder in ("exercises", "reference", "rubrics"):
        for path in list((room / "course" / folder / "sheet1").glob("rectangles*")):
            copy = path.with_name(path.name.replace("rectangles", "more"))
            (shutil.copytree if path.is_dir() else shutil.copy)(path, copy)
    text = Path("course/course.yaml").read_text(encoding="utf-8")
    Path("course/course.yaml").write_text(text.replace("[rectangles]", "[rectangles, more]"), encoding="utf-8")
    batch()
    assert run([*OVERRIDE, *AREA]) == ExitCode.USAGE
    assert "which exercise? There are: rectangles, more" in capsys.readouterr().err


def test_nothing_graded_and_nobody_known_are_said(
    room: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("grades/grade.sqlite").rename("grades/old.sqlite")
    with open_store(Path("grades/grade.sqlite")):
        pass
    assert run([*OVERRIDE, *AREA]) == ExitCode.USAGE
    assert "sheet1 was not graded yet into this gradebook; run `grade batch` first" in capsys.readouterr().err

    def nobody() -> str:
        raise KeyError("uid")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert run([*OVERRIDE, *AREA]) == ExitCode.USAGE
    assert "nobody knows who you are on this machine; say who decided with --by" in capsys.readouterr().err


def test_decisions_and_reports_are_kept_together_or_not_at_all(room: Path) -> None:
    assert run([*OVERRIDE, *AREA]) == 0
    with open_store(Path("grades/grade.sqlite")) as store:
        [kept] = store.decisions("sheet1")
        grading = store.last_grading("sheet1")
        assert grading is not None
        assert (grading.kind, kept.submission, kept.who, kept.was) == ("override", "bela", "prof", 0.0)
        assert store.faults() == ()
        found = regrade(load_course(Path("course"), KINDS).assignments["sheet1"], store)
        assert (found.moved, found.overtaken) == ((), ())
        publish(found, store)
        assert store.gradings("sheet1") == (1, 2)  # the same reports are not kept twice


def test_a_decision_made_while_others_are_at_work_is_not_lost(room: Path) -> None:
    assignment = load_course(Path("course"), KINDS).assignments["sheet1"]
    with open_store(Path("grades/grade.sqlite")) as store:
        found = regrade(assignment, store)  # and while the question is on the screen:
        assert run([*OVERRIDE, *AREA]) == 0
        with pytest.raises(GradeError) as caught:
            publish(found, store)
        assert store.gradings("sheet1") == (1, 2)
    assert str(caught.value) == (
        "somebody decided on sheet1 while this was at work, so nothing of it was kept; run the same command again"
    )
    assert marks()["bela"] == (2.5, False)


# Many at once


def test_many_are_marked_from_a_file(room: Path, capsys: Captured) -> None:
    lines = [
        "\ufeffsubmission;exercise;check;points;reason;by",
        'bela;rectangles;area;1,5;"one; two";ta',
        "carl;rectangles;double_area;1;late, but right;",
        "anna + eve;rectangles;area;;not read yet;",
        ";;;;;",
    ]
    Path("marks.csv").write_text("\r\n".join(lines), encoding="utf-8")
    assert run([*OVERRIDE, "--from", "marks.csv", "--by", "prof"]) == 0
    assert marks() == {"anna + eve": (3.0, False), "bela": (2.5, False), "carl": (1.0, False)}
    with open_store(Path("grades/grade.sqlite")) as store:
        found = [(one.submission, one.check, one.points, one.reason, one.who) for one in store.decisions("sheet1")]
    assert found == [("bela", "area", 1.5, "one; two", "ta"), ("carl", "double_area", 1.0, "late, but right", "prof")]


HEAD = "submission,exercise,criterion,check,member,points,reason\n"


def test_everything_wrong_with_a_file_is_listed_and_nothing_is_done(room: Path, capsys: Captured) -> None:
    before = marks()
    broken = (
        "bela,,,area,,two,r\n,,,area,,1,r\nbela,,all,area,,1,r\nbela,,,area,bela,1,r\nbela,area\nbela,,,area,,1,r\n"
    )
    Path("marks.csv").write_text(HEAD + broken, encoding="utf-8")
    assert run([*OVERRIDE, "--from", "marks.csv"]) == ExitCode.USAGE
    assert capsys.readouterr().err.splitlines() == [
        "grade: nothing was decided",
        "marks.csv, line 2: points 'two' are no number; write 2.5 or 2,5",
        "marks.csv, line 3: no submission is named",
        "marks.csv, line 4: names a criterion and a check; one of them is meant",
        "marks.csv, line 5: a member has a total of their own; leave exercise, criterion and check empty",
        "marks.csv, line 6: has 2 cells where the header has 7; put quotes around a text with separators in it",
    ]
    unfit = "bela,,,area,,9,r\nbela,,,area,,1,r\nnobody,,,area,,1,r\ncarl,,,area,,1,\n"
    Path("marks.csv").write_text(HEAD + unfit, encoding="utf-8")
    assert run([*OVERRIDE, "--from", "marks.csv"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    for line in (
        "marks.csv, line 4: no submission 'nobody'; the class page names them all",
        "marks.csv, line 5: no reason; say why, also for whoever reads it in a year",
        "marks.csv, line 2: bela: check `area` of rectangles: decided more than once here",
        "marks.csv, line 3: bela: check `area` of rectangles: decided more than once here",
    ):
        assert line in said.splitlines()
    assert marks() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "marks.csv: the columns must be submission, points, reason and may be exercise, criterion, check, "),
        (b"", "each once; found: nothing"),
        (b"submission,points\n", "each once; found: submission, points"),
        (b"submission,points,reason,note\n", "each once; found: submission, points, reason, note"),
        (b"submission,points,reason,points\n", "each once; found: submission, points, reason, points"),
        (b"submission,points,reason\nbela,,later\n", "marks.csv: no line has points, so nothing was decided"),
        (b"submission,points,reason\nbela,1,\xff\n", "marks.csv: is not UTF-8 (invalid start byte); save it as CSV"),
        (b"submission,points,reason\nbela,1," + b"x" * 200_000, "marks.csv, line 2: is no line of a CSV file (field"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_list_of_marks_is_refused(room: Path, capsys: Captured, content: bytes, message: str) -> None:
    Path("marks.csv").write_bytes(content)
    assert run([*OVERRIDE, "--from", "marks.csv"]) == ExitCode.USAGE
    assert message in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told(room: Path, capsys: Captured) -> None:
    assert run([*OVERRIDE, "--from", "none.csv"]) == ExitCode.USAGE
    assert "none.csv: cannot be read (No such file or directory); name a CSV file" in capsys.readouterr().err
