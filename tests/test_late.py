"""Lateness: worked examples of every kind of policy, whose deadline is when, and what holds for any policy."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from course_helpers import RIGHT, hand_in, make_course, place
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from grader.cli import run
from grader.course import Assignment, Extension, LatePolicy
from grader.errors import ExitCode
from grader.importers import read_folder
from grader.late import due, extended, is_for, late_seconds, lateness, penalty
from grader.model import Origin, Submission
from grader.pipeline import grade, publish, regrade
from grader.reports.moves import print_regrading
from grader.reports.summary import summarize
from grader.store import open_store

BERLIN = ZoneInfo("Europe/Berlin")
DEADLINE = datetime(2026, 3, 28, 12, tzinfo=BERLIN)  # clocks are set forward in the night that follows
HOUR, DAY = 3_600, 86_400
SHEET = Assignment("sheet", "S", personal=False, deadline=DEADLINE, exercises=(), zone=BERLIN)
STEPS = [{"after": "1 h", "percent": 10}, {"after": "24 h", "percent": 50}]


def handed_in(received: datetime | None = None, who: str = "anna", **more: Any) -> Submission:
    values: dict[str, Any] = {"attested": received is not None, **more}
    return Submission(who, (who,), "sheet", who, (), received, **values)


def policy(**said: Any) -> LatePolicy:
    return LatePolicy.model_validate(said)


# What it costs: 8 of 10 points were earned.


@pytest.mark.parametrize(
    ("said", "seconds", "taken"),
    [
        ({}, 10 * DAY, 0.0),
        ({"steps": STEPS}, HOUR, 0.0),  # not more than an hour
        ({"steps": STEPS}, HOUR + 1, 0.8),
        ({"steps": STEPS}, DAY, 0.8),
        ({"steps": STEPS}, DAY + 1, 4.0),  # in all, not on top of the first step
        ({"steps": STEPS, "of": "max"}, DAY + 1, 5.0),
        ({"steps": [{"after": "0 s", "points": 3}]}, 0, 0.0),
        ({"steps": [{"after": "0 s", "points": 3}]}, 1, 3.0),
        ({"steps": [{"after": "0 s", "points": 30}]}, 1, 8.0),  # no more than there is
        ({"linear": {"every": "1 h", "percent": 2}}, 1, 0.16),  # every started hour
        ({"linear": {"every": "1 h", "percent": 2}}, HOUR, 0.16),
        ({"linear": {"every": "1 h", "percent": 2}}, HOUR + 1, 0.32),
        ({"linear": {"every": "1 day", "points": 1.5}}, 2 * DAY, 3.0),
        ({"linear": {"every": "1 day", "percent": 10}, "of": "max"}, 2 * DAY + 1, 3.0),
        ({"linear": {"every": "1 day", "percent": 10}, "cap": {"percent": 25}}, 9 * DAY, 2.0),
        ({"linear": {"every": "1 day", "percent": 10}, "cap": {"points": 1}}, 9 * DAY, 1.0),
        ({"linear": {"every": "1 day", "percent": 10}, "floor": {"percent": 40}}, 9 * DAY, 4.0),  # 4 of 10 are left
        ({"linear": {"every": "1 day", "percent": 10}, "floor": {"points": 9}}, 9 * DAY, 0.0),  # fewer were earned
        ({"steps": STEPS, "linear": {"every": "1 day", "points": 1}}, 2 * HOUR, 1.8),  # both together
        ({"steps": STEPS, "grace": "2 h"}, 2 * HOUR, 0.0),
        ({"steps": STEPS, "grace": "2 h"}, 2 * HOUR + 1, 0.8),  # from the deadline, not from the end of the grace
        ({"steps": STEPS, "until": "2 days"}, 2 * DAY, 4.0),
        ({"steps": STEPS, "until": "2 days", "floor": {"points": 2}}, 2 * DAY + 1, 8.0),  # nothing counts
    ],
)
def test_what_a_policy_takes_off(said: dict[str, Any], seconds: int, taken: float) -> None:
    assert penalty(policy(**said), seconds, 8.0, 10.0) == pytest.approx(taken, abs=1e-12)


def amounts() -> st.SearchStrategy[dict[str, float]]:
    return st.fixed_dictionaries({"percent": st.floats(0, 100)}) | st.fixed_dictionaries({"points": st.floats(0, 50)})


def spans(least: int = 0) -> st.SearchStrategy[timedelta]:
    return st.integers(least, 20 * DAY).map(lambda seconds: timedelta(seconds=seconds))


@st.composite
def policies(draw: st.DrawFn) -> LatePolicy:
    times = sorted(draw(st.sets(spans(), max_size=4)))
    until = draw(st.none() | spans())
    said = {
        "grace": draw(spans()) if until is None else timedelta(seconds=until.total_seconds() * draw(st.floats(0, 1))),
        "of": draw(st.sampled_from(["earned", "max"])),
        "steps": [{"after": time, **draw(amounts())} for time in times],
        "linear": draw(st.none() | amounts().map(lambda one: {"every": timedelta(hours=5), **one})),
        "cap": draw(st.none() | amounts()),
        "floor": draw(st.none() | amounts()),
        "until": until,
    }
    return policy(**said)


SECONDS = st.integers(0, 40 * DAY)


@given(policies(), SECONDS, SECONDS, st.floats(0, 100), st.floats(0, 100))
def test_later_is_never_cheaper_and_nothing_costs_more_than_there_is(
    rule: LatePolicy, one: int, other: int, points: float, more: float
) -> None:
    early, late = (penalty(rule, seconds, points, points + more) for seconds in sorted([one, other]))
    assert 0 <= early <= late <= points
    assert penalty(rule, 0, points, points + more) == 0


@given(policies(), SECONDS, st.floats(0.5, 100), st.floats(0, 100))
def test_cap_and_floor_hold_until_nothing_counts(rule: LatePolicy, seconds: int, points: float, more: float) -> None:
    taken, whole = penalty(rule, seconds, points, points + more), points if rule.of == "earned" else points + more
    if rule.until is not None and seconds > rule.until.total_seconds():
        assert taken == points
        return
    if rule.cap:
        assert taken <= rule.cap.of(whole)
    if rule.floor:
        assert points - taken >= min(points, rule.floor.of(points + more)) - 1e-9


@given(policies(), SECONDS, st.floats(0, 100), st.floats(0, 100), st.floats(0, 1))
def test_who_earned_less_never_gets_more(
    rule: LatePolicy, seconds: int, points: float, more: float, share: float
) -> None:
    most = points + more
    kept, fewer = (earned - penalty(rule, seconds, earned, most) for earned in (points, points * share))
    assert fewer <= kept + 1e-9


# Whose deadline is when


def test_lateness_is_reported_without_a_policy_and_charged_with_one() -> None:
    one = handed_in(DEADLINE.astimezone(UTC) + timedelta(hours=2, milliseconds=1))
    late = lateness(SHEET, one, 8.0, 10.0)
    assert (late.seconds, late.penalty, late.question, late.pending) == (2 * HOUR + 1, 0.0, "", False)
    assert lateness(replace(SHEET, late=policy(steps=STEPS)), one, 8.0, 10.0).penalty == pytest.approx(0.8)
    assert late_seconds(SHEET, handed_in(DEADLINE)) == late_seconds(SHEET, handed_in(None)) == 0
    assert late_seconds(replace(SHEET, deadline=None), one) == 0


def test_clocks_that_are_set_do_not_count() -> None:
    """On the wall it is a day later; in truth 23 hours have passed, and in autumn 25."""
    autumn = datetime(2026, 10, 24, 12, tzinfo=BERLIN)
    assert late_seconds(SHEET, handed_in(datetime(2026, 3, 29, 12, tzinfo=BERLIN))) == 23 * HOUR
    assert late_seconds(replace(SHEET, deadline=autumn), handed_in(autumn + timedelta(days=1))) == 25 * HOUR


def test_a_day_more_is_the_same_time_of_the_next_day_and_24_hours_are_hours() -> None:
    day, hours = Extension("a", timedelta(days=1)), Extension("a", timedelta(days=1, hours=3))
    assert extended(SHEET, day) == datetime(2026, 3, 29, 12, tzinfo=BERLIN)
    assert extended(SHEET, hours) == datetime(2026, 3, 29, 15, tzinfo=BERLIN)
    fixed = replace(SHEET, deadline=datetime.fromisoformat("2026-03-28T12:00:00+01:00"), zone=None)
    assert extended(fixed, day) == datetime.fromisoformat("2026-03-29T13:00:00+02:00")  # no place, no summer time
    moment = datetime(2026, 4, 1, tzinfo=UTC)
    assert extended(SHEET, Extension("a", moment)) == moment
    with pytest.raises(ValueError, match=r"^sheet has no deadline to extend$"):
        extended(replace(SHEET, deadline=None), day)


def test_of_several_deadlines_the_latest_counts() -> None:
    days = [Extension("Anna", timedelta(days=2)), Extension("G 1", timedelta(days=1)), Extension("bela", timedelta(9))]
    sheet = replace(SHEET, extensions=tuple(days))
    assert due(sheet, handed_in()) == datetime(2026, 3, 30, 12, tzinfo=BERLIN)
    assert due(sheet, handed_in(who="carl", origin=Origin("moodle", "3", group="G 1"))) == DEADLINE + timedelta(days=1)
    assert due(sheet, handed_in(who="carl")) == DEADLINE
    assert due(sheet, handed_in(due=datetime(2026, 5, 1, tzinfo=UTC))) == datetime(2026, 5, 1, tzinfo=UTC)
    assert due(replace(sheet, deadline=None), handed_in()) is None


@pytest.mark.parametrize(
    ("who", "fits"),
    [
        ("anna-7", True),
        ("M\u00dcLLER Anna", True),
        ("Mu\u0308ller, Anna", True),
        ("bela kun", True),
        ("Team 4", True),
        ("am9", True),
        ("bk1", True),
        ("anna", False),
        ("7 anna", False),  # words of an id are no name
        ("m\u00fcller", False),
        ("", False),
        ("...", False),
    ],
)
def test_an_extension_is_for_a_person_by_key_or_name_or_for_a_group(who: str, *, fits: bool) -> None:
    origin = Origin("moodle", "7", group="Team 4")
    people = ("Anna M\u00fcller + Bela Kun",)
    one = Submission("anna-7", people, "sheet", "x", (), origin=origin, key="am9", member_keys=("am9", "bk1"))
    assert is_for(Extension(who, timedelta(1)), one) is fits


# What only a person can decide


def test_where_only_the_word_late_is_known_nothing_is_charged() -> None:
    sheet = replace(SHEET, late=policy(steps=STEPS, file_times=True))
    for said, asked in ((True, True), (False, False), (None, False)):
        late = lateness(sheet, handed_in(origin=Origin("canvas", "1", late=said)), 8.0, 10.0)
        assert (late.seconds, late.penalty, late.pending) == (0, 0.0, False)
        assert late.question.startswith("handed in late, but by how much is not known") is asked


def test_times_of_files_are_charged_only_where_the_policy_says_so() -> None:
    one = handed_in(DEADLINE + timedelta(hours=2), attested=False)
    assert lateness(SHEET, one, 8.0, 10.0) == lateness(replace(SHEET, late=policy()), one, 8.0, 10.0)
    assert not lateness(SHEET, one, 8.0, 10.0).question
    late = lateness(replace(SHEET, late=policy(steps=STEPS)), one, 8.0, 10.0)
    assert (late.seconds, late.penalty, late.question[:36]) == (0, 0.0, "late by the times of its files alone")
    late = lateness(replace(SHEET, late=policy(steps=STEPS, file_times=True)), one, 8.0, 10.0)
    assert (late.seconds, late.question) == (2 * HOUR, "")
    assert late.penalty == pytest.approx(0.8)


def test_a_person_may_decide_what_is_too_late() -> None:
    sheet = replace(SHEET, late=policy(steps=STEPS, until="2 days", then="person"))
    late = lateness(sheet, handed_in(DEADLINE + timedelta(days=3)), 8.0, 10.0)
    assert (late.penalty, late.pending, late.question.startswith("handed in after the time")) == (0.0, True, True)
    late = lateness(sheet, handed_in(DEADLINE + timedelta(days=1)), 8.0, 10.0)
    assert late.penalty == pytest.approx(0.8)
    assert (late.pending, late.question) == (False, "")


# In the pipeline


def test_a_policy_that_is_edited_reaches_what_was_graded(tmp_path: Path) -> None:
    """Points of exercises are those before the penalty; grading anew takes policy and extensions as they are now."""
    course = make_course(tmp_path / "course")
    sheet = replace(course.assignment("sheet1"), deadline=DEADLINE)
    folder = hand_in(tmp_path / "all", {"anna/rectangles.py": RIGHT, "bela/rectangles.py": RIGHT})
    received = DEADLINE + timedelta(hours=2)
    both = [replace(one, received=received, attested=True) for one in read_folder(folder, "sheet1").submissions]
    with open_store(tmp_path / "grade.sqlite") as store:
        before = grade(course, sheet, both, place(store)).reports
        assert [(one.points, one.penalty, one.late_seconds) for one in before] == [(3.0, 0.0, 2 * HOUR)] * 2
        charged = replace(sheet, late=policy(steps=STEPS), extensions=(Extension("bela", timedelta(hours=1.5)),))
        found = regrade(charged, store)
        console = Console(file=io.StringIO(), width=200)
        print_regrading(console, found)
        publish(found, store)
        anna, bela = store.reports("sheet1")
        again = regrade(charged, store)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "Lateness costs 1 submission otherwise: policy, deadline or extensions changed." in said
    assert "anna: 3 of 3 → 2.7 of 3, 0.3 off for lateness" in said
    assert "Nothing was edited" not in said
    assert (anna.points, anna.penalty, anna.exercises[0].points) == (2.7, 0.3, 3.0)
    assert (bela.points, bela.penalty, bela.late_seconds) == (3.0, 0.0, HOUR // 2)
    assert again.moved == ()


def test_a_hand_in_that_a_person_decides_on_is_pending(tmp_path: Path) -> None:
    course = make_course(tmp_path / "course")
    sheet = replace(course.assignment("sheet1"), deadline=DEADLINE, late=policy(until="1 h", then="person"))
    [one] = read_folder(hand_in(tmp_path / "all", {"anna/rectangles.py": RIGHT}), "sheet1").submissions
    with open_store(None) as store:
        batch = grade(course, sheet, [replace(one, received=DEADLINE + timedelta(days=2), attested=True)], place(store))
    assert (batch.reports[0].pending, batch.reports[0].points) == (True, 3.0)
    [concern] = summarize(batch).concerns
    assert (concern.kind, concern.submissions) == ("late", ("anna",))
    assert concern.message.startswith("handed in after the time until which anything counts")


def test_a_check_is_no_hand_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_course(tmp_path / "course")
    path = tmp_path / "course" / "course.yaml"
    rule = "    deadline: 2020-01-01T00:00:00Z\n    late: {until: 1 h, file_times: true}\n"
    path.write_text(path.read_text(encoding="utf-8") + rule, encoding="utf-8")
    folder = hand_in(tmp_path, {"anna/rectangles.py": RIGHT}) / "anna"
    assert run(["check", str(folder), "--course", str(tmp_path / "course")]) == ExitCode.PASSED
    said = capsys.readouterr().out
    assert "Total: 3 of 3 points" in said
    assert "deadline" not in said
