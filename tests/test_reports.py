"""Reports: JSON in its published shape, pages that hold against hostile text, terminals, files."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import StringIO, TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from rich.console import Console

from grader.errors import Problem
from grader.model import (
    Batch,
    CheckResult,
    CheckScore,
    CodeError,
    CriterionScore,
    Decision,
    Environment,
    ExerciseReport,
    Flag,
    Provenance,
    Report,
    Status,
    Stop,
    Timeline,
)
from grader.reports import (
    class_page,
    page_name,
    print_batch,
    print_report,
    schema,
    student_page,
    to_json,
    write_batch,
)
from grader.reports import text as texts
from grader.reports.summary import summarize
from grader.reports.wording import late_line, late_word, message_blocks, pending_line

RUBRIC = {
    ("forward", "Forward pass"): {"z1": 2.0, "h": 1.0, "y_hat": 1.0},
    ("loss", "Loss"): {"loss": 1.0},
    ("gradients", "Gradients"): {
        "grad_y_hat": 1.0,
        "grad_W2": 2.0,
        "grad_b2": 1.0,
        "grad_h": 1.0,
        "grad_z1": 1.0,
        "grad_W1": 1.5,
        "grad_b1": 0.5,
    },
    ("update", "Update"): {"W1_new": 0.5, "b1_new": 0.5, "W2_new": 0.5, "b2_new": 0.5},
}
MACHINE = Environment("3.11.2", "Linux 6, Some processor", (("numpy", "2.4"), ("torch", "2.13")), 1)
MISMATCH = (
    "Shape (3,) is as expected, but 2 of 3 elements differ:\n"
    "  index   yours     allowed difference\n"
    "  [0]     0.5000    0.001\n"
    "  [2]    -1.2500    0.001"
)
HINT = (
    "This looks like: the bias was left out. Every hidden unit adds its own bias to the weighted sum; "
    "the row vector b1 has one entry for each of them."
)
DECIDED = datetime(2026, 1, 31, 20, 15, tzinfo=UTC)
HOSTILE = (
    "</pre><script>alert(1)</script>\"'><img src=x onerror=alert(1)> ]]> {{ 7*7 }} [bold]x[/bold] [/nothing] "
    "\u202egnp.exe \x00\x07\x1b[2J\x1b]0;owned\x07 \udcff \ufffe end"
)


def check(name: str, points: float, status: Status = Status.PASSED, **more: Any) -> CheckScore:
    fraction = more.pop("fraction", 1.0 if status is Status.PASSED else 0.0)
    result = CheckResult(name, "value", status, fraction, **more)
    return CheckScore(result, points * fraction, points)


def report(name: str = "anna", outcomes: dict[str, dict[str, Any]] | None = None, **more: Any) -> Report:
    """Build a report on the gradient step in which every check but those in ``outcomes`` is right."""
    criteria = []
    for (key, title), checks in RUBRIC.items():
        scores = tuple(check(c, points, **(outcomes or {}).get(c, {})) for c, points in checks.items())
        owed = any(score.result.owed for score in scores)
        points = sum(score.points for score in scores)
        criteria.append(CriterionScore(key, title, points, sum(checks.values()), owed, scores))
    total, pending = sum(c.points for c in criteria), any(c.pending for c in criteria)
    exercise_more = more.pop("exercise", {})
    exercise = ExerciseReport(
        id="gradient_step",
        title="Calculating gradients",
        points=total,
        max_points=15.0,
        pending=pending,
        criteria=tuple(criteria),
        stop=more.get("stop", Stop.FINISHED),
        isolation="selfcheck",
        file="gradient_step.ipynb",
        seconds=0.8312345678,
        provenance=Provenance("a" * 64, "1" * 64, "b" * 64, "2" * 64, "c" * 64, 0, "0.1.0", MACHINE),
    )
    values: dict[str, Any] = {
        "id": name,
        "people": (name.title(),),
        "assignment": "sheet3",
        "title": "Sheet 3: Learning by gradient descent",
        "points": total,
        "max_points": 15.0,
        "pending": pending,
        "stop": Stop.FINISHED,
        "isolation": "selfcheck",
        "exercises": (replace(exercise, **exercise_more),),
    }
    return Report(**values | more)


def mixed(name: str = "anna", **more: Any) -> Report:
    """A report with every kind of outcome in it."""
    outcomes: dict[str, dict[str, Any]] = {
        "z1": {
            "status": Status.FAILED,
            "message": f"{MISMATCH}\n\n{HINT}",
            "misconception": "bias_omitted",
            "evidence": "SECRET expected [0.5, -1.0, 2.0]",
        },
        "h": {"follow_through": True},
        "y_hat": {"follow_through": True},
        "loss": {
            "status": Status.PARTIAL,
            "fraction": 0.5,
            "message": "This looks like: the mean was taken over n instead of 2n.",
            "timeline": Timeline("Memory", "bytes", (("conv", 2048.0), ("relu", 100.0)), 1024.0, "limit"),
            "misconception": "mean_over_n",
        },
        "grad_W2": {
            "status": Status.ERROR,
            "message": "The grader could not judge this; it will be run again.",
        },
        "grad_h": {"status": Status.FAILED, "message": "There is no variable named grad_h."},
        "b2_new": {
            "status": Status.SKIPPED,
            "message": "Not judged: the run ended before this was observed.",
        },
    }
    exercise: dict[str, Any] = {
        "note": "The time limit of 10 s was reached in cell 9; what was computed before it is graded.",
        "stop": Stop.TIMEOUT,
        "log": "epoch 1\nepoch 2\n" + "x" * 200,
        "errors": (
            CodeError("cell 7", "NameError", "name 'grad_h' is not defined", "Traceback:\n  cell 7\nNameError"),
        ),
    }
    return report(name, outcomes, stop=Stop.TIMEOUT, late_seconds=9000, **{"exercise": exercise} | more)


def hostile() -> Report:
    bad = mixed()
    (exercise,) = bad.exercises
    score = check("z1", 2.0, Status.FAILED, message=HOSTILE, misconception=HOSTILE, evidence="SECRET")
    drawn = Timeline(HOSTILE, "bytes", ((HOSTILE, 3.0), (HOSTILE, 2.0)), 2.5, HOSTILE)
    lines = check("h", 2.0, Status.FAILED, message=f"Table:\n {HOSTILE}\n {HOSTILE}", timeline=drawn)
    decided = Decision(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1.0, None, HOSTILE, HOSTILE, DECIDED, computed=0.0)
    score = replace(score, decision=decided)
    criterion = CriterionScore("forward", HOSTILE, 0.0, 4.0, False, (score, lines), decided)
    error = CodeError(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    exercise = replace(
        exercise,
        title=HOSTILE,
        criteria=(criterion,),
        file=HOSTILE,
        note=HOSTILE,
        log=HOSTILE,
        errors=(error,),
        decision=decided,
    )
    return replace(
        bad,
        decision=decided,
        member_decisions=(decided,),
        misfits=(decided,),
        id=HOSTILE,
        people=(HOSTILE, "n" * 5000, "עברית"),
        title=HOSTILE,
        exercises=(exercise,),
        flags=(Flag(HOSTILE, "gradient_step", HOSTILE),),
        problems=(Problem(HOSTILE, HOSTILE),),
    )


def batch(*reports: Report, **more: Any) -> Batch:
    values: dict[str, Any] = {
        "assignment": "sheet3",
        "title": "Sheet 3: Learning by gradient descent",
        "reports": reports or (report(), mixed("bert")),
        "problems": (Problem("hand-ins/eve", "two notebooks could be meant: a.ipynb, b.ipynb"),),
        "grader": "0.1.0",
    }
    return Batch(**values | more)


def rendered(width: int = 80, **options: Any) -> tuple[Console, StringIO]:
    stream = StringIO()
    return Console(file=stream, width=width, **options), stream


class Page(HTMLParser):
    """What a browser would see: elements, attributes, text, and whether every element is closed in order."""

    VOID = frozenset({"meta", "rect", "circle", "path", "img"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def tags(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in names]


# --- JSON


def problems_of(data: Any) -> list[str]:
    return [error.json_path for error in Draft202012Validator(schema()).iter_errors(data)]


def test_the_schema_is_itself_valid() -> None:
    Draft202012Validator.check_schema(schema())
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("evidence", [False, True])
def test_what_is_made_fits_the_published_schema(evidence: bool) -> None:
    created = datetime(2025, 11, 12, 9, 0, tzinfo=UTC)
    data = to_json(batch(report(), replace(mixed("bert"), flags=(Flag("bert", "x", "y"),))), evidence=evidence)
    assert problems_of(json.loads(json.dumps(data))) == []
    assert problems_of(to_json(batch(hostile(), created=created))) == []
    assert to_json(batch(created=created))["created"] == "2025-11-12T09:00:00+00:00"


def test_json_has_the_fixed_keys_and_values() -> None:
    data = to_json(batch(mixed()))
    (submission,) = data["submissions"]
    (exercise,) = submission["exercises"]
    z1 = exercise["criteria"][0]["checks"][0]
    assert {key: data[key] for key in ("schema", "assignment", "grader")} == {
        "schema": 1,
        "assignment": "sheet3",
        "grader": "0.1.0",
    }
    assert submission | {"exercises": []} == {
        "id": "anna",
        "people": ["Anna"],
        "title": "Sheet 3: Learning by gradient descent",
        "isolation": "selfcheck",
        "stop": "timeout",
        "pending": True,
        "points": 9.0,
        "max_points": 15.0,
        "decision": None,
        "members": [],
        "late_seconds": 9000,
        "penalty": 0.0,
        "late_question": "",
        "exercises": [],
        "flags": [],
        "problems": [],
    }
    assert z1 == {
        "id": "z1",
        "for_person": False,
        "unanswered": False,
        "decision": None,
        "kind": "value",
        "status": "failed",
        "fraction": 0.0,
        "points": 0.0,
        "max_points": 2.0,
        "follow_through": False,
        "misconception": "bias_omitted",
        "message": f"{MISMATCH}\n\n{HINT}",
    }
    assert exercise["errors"][0]["where"] == "cell 7"
    assert exercise["provenance"]["seed"] == 0
    assert exercise["provenance"]["machine"] == {
        "python": "3.11.2",
        "platform": "Linux 6, Some processor",
        "packages": {"numpy": "2.4", "torch": "2.13"},
        "threads": 1,
    }
    assert [problem["where"] for problem in data["problems"]] == ["hand-ins/eve"]


def by_prof(points: float, **more: Any) -> Decision:
    return Decision("bert", "", "", "", "", points, None, "seen", "prof", DECIDED, **more)


@pytest.mark.parametrize("evidence", [False, True])
def test_decisions_stand_beside_what_was_computed(evidence: bool) -> None:
    own = by_prof(12.0, computed=9.0, was=8.0, private=True)
    eve = replace(by_prof(1.0, computed=9.0), member="Eve")
    data = to_json(batch(mixed(decision=own, member_decisions=(eve,), misfits=(eve,))), evidence=evidence)
    Draft202012Validator(schema()).validate(data)
    [submission] = data["submissions"]
    assert submission["decision"] == {
        "points": 12.0,
        "computed": 9.0,
        "computed_then": 8.0,
        "who": "prof",
        "when": "2026-01-31T20:15:00+00:00",
        "reason": "seen" if evidence else "",
        "private": True,
    }
    assert [(one["person"], one["points"], one["decision"]["reason"]) for one in submission["members"]] == [
        ("Eve", 1.0, "seen")
    ]
    assert data["problems"][-1]["where"] == "bert: total of Eve"


def test_what_a_person_settled_waits_for_nobody() -> None:
    waiting = report("bert", {"loss": {"status": Status.FAILED, "for_person": True, "message": "Read it."}})
    assert "To be marked by a person" in student_page(waiting)
    [exercise] = waiting.exercises
    score = replace(exercise.criteria[1].checks[0], points=1.0, decision=by_prof(1.0, computed=0.0))
    criterion = replace(exercise.criteria[1], pending=False, checks=(score,))
    criteria = (exercise.criteria[0], criterion, *exercise.criteria[2:])
    settled = replace(waiting, pending=False, exercises=(replace(exercise, pending=False, criteria=criteria),))
    page = " ".join("".join(Page(student_page(settled)).text).split())
    assert "loss Decided by a person 1 of 1 Read it. Decided by a person: seen" in page
    assert summarize(batch(settled, problems=())).concerns == ()
    console, stream = rendered()
    print_report(console, settled)
    assert "Decided by a person: seen" in stream.getvalue()
    console, stream = rendered(200)
    print_batch(console, batch(*(replace(settled, id=f"{number}") for number in range(50))))
    assert "Bert: total: 1 point, by prof on 2026-01-31 20:15; computed: 0. seen" in stream.getvalue()
    assert "10 more are not listed here; the class page has them all." in stream.getvalue()


def test_a_timeline_is_drawn_with_its_peak_and_what_lies_above_the_limit() -> None:
    page = Page(student_page(mixed()))
    steps = [attributes["class"] for attributes in page.tags("rect") if "step" in (attributes.get("class") or "")]
    assert steps == ["step peak over", "step"]
    text = " ".join("".join(page.text).split())
    assert "conv: 2.0 KiB, relu: 100 B." in text
    assert "Memory. The peak is 2.0 KiB; limit: 1.0 KiB." in text
    far = replace(
        mixed().exercises[0].criteria[1].checks[0].result, timeline=Timeline("M", "bytes", (("a", 1.0),), 9.0)
    )
    exercise = replace(
        mixed().exercises[0], criteria=(CriterionScore("c", "C", 0, 1, False, (CheckScore(far, 0, 1),)),)
    )
    assert "9 B, far above these bars." in student_page(replace(mixed(), exercises=(exercise,)))


def test_a_submissions_problems_are_listed_with_the_batch_as_well() -> None:
    troubled = replace(report(), problems=(Problem("anna/x.ipynb", "not a notebook"),))
    data = to_json(batch(troubled, problems=()))
    expected = [{"where": "anna/x.ipynb", "message": "not a notebook"}]
    assert data["problems"] == data["submissions"][0]["problems"] == expected


def test_evidence_is_only_there_when_asked_for() -> None:
    assert "SECRET" not in json.dumps(to_json(batch(mixed())))
    assert "SECRET" in json.dumps(to_json(batch(mixed()), evidence=True))


def test_points_are_rounded_and_never_minus_zero() -> None:
    data = to_json(batch(replace(report(), points=10 / 3, max_points=-0.0)))
    assert str(data["submissions"][0]["points"]) == "3.333333"
    assert str(data["submissions"][0]["max_points"]) == "0.0"
    assert data["submissions"][0]["exercises"][0]["seconds"] == 0.831235


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["schema"], 2),
        (["submissions", 0, "stop"], "crashed"),
        (["submissions", 0, "points"], "13"),
        (["submissions", 0, "late_seconds"], -1),
        (["submissions", 0, "exercises", 0, "pending"], None),
        (["submissions", 0, "exercises", 0, "criteria", 0, "checks", 0, "status"], "right"),
        (["submissions", 0, "exercises", 0, "criteria", 0, "checks", 0, "fraction"], 1.5),
        (["submissions", 0, "exercises", 0, "provenance"], {}),
        (["problems", 0], "eve"),
    ],
)
def test_the_schema_rejects_what_is_wrong(path: list[str | int], value: object) -> None:
    data = to_json(batch())
    place: Any = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert len(problems_of(data)) >= 1
    if isinstance(path[-1], str):
        del place[path[-1]]
        assert len(problems_of(data)) >= 1


def test_readers_get_more_keys_without_a_new_schema() -> None:
    assert problems_of(to_json(batch()) | {"later": 1}) == []


def test_two_reports_with_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="sheet3: more than one report has the id 'anna'"):
        batch(report("anna"), report("anna"))


# --- pages


def test_a_student_reads_points_messages_and_where_they_come_from() -> None:
    html = student_page(mixed())
    text = " ".join("".join(Page(html).text).split())
    for sentence in (
        "9 of 15 points",
        "Provisional: 1 check is still to be graded.",
        "Handed in 2 h 30 min after the deadline.",
        "The time limit of 10 s was reached in cell 9",
        "z1 Not right 0 of 2",
        "h Right, given your earlier answer 1 of 1 The earlier slip is not charged twice.",
        "grad_W2 Still to be graded \u2013 of 2",
        "loss Partly right 0.5 of 1",
        "b2_new Not judged 0 of 0.5",
        "cell 7 NameError name 'grad_h' is not defined Traceback",
        "Printed output epoch 1 epoch 2",
        "Hand-in aaaaaaaaaaaa",
        "Isolation selfcheck",
        "Machine Python 3.11.2; numpy 2.4, torch 2.13; 1 thread each; Linux 6, Some processor",
    ):
        assert sentence in text
    assert "index   yours     allowed difference\n[0]     0.5000    0.001" in html
    assert re.search(r'<p class="hint">.*bias omitted.*This looks like: the bias was left out.*</p>', html)
    assert "SECRET" not in html


def test_backticks_are_set_as_code_and_nothing_else_is() -> None:
    said = report(outcomes={"h": {"status": Status.FAILED, "message": "`h` is not `a<b>`, *but* `open"}})
    expected = "<code>h</code> is not <code>a&lt;b&gt;</code>, *but* `open"
    assert expected in student_page(said)
    assert expected in student_page(report(exercise={"note": "`h` is not `a<b>`, *but* `open"}))


def test_follow_through_is_said_once() -> None:
    told = report(outcomes={"h": {"follow_through": True, "message": "Right, given your own `z1`."}})
    assert "Right, given your own <code>z1</code>." in student_page(told)
    assert "charged" not in student_page(told)


def test_flags_are_for_the_instructor_alone() -> None:
    flagged = replace(report(), flags=(Flag("anna", "gradient_step", "fits the numbers of bert"),))
    assert "fits the numbers" not in student_page(flagged)
    assert "fits the numbers" in class_page(batch(flagged), {})


def test_a_settled_report_says_nothing_of_waiting() -> None:
    html = student_page(report())
    assert "15</strong> <span>of 15 points" in html
    assert "Provisional" not in html
    assert "deadline" not in html


def test_the_class_page_says_once_what_the_runs_were_made_on() -> None:
    here = "Isolation selfcheck; Python 3.11.2; numpy 2.4, torch 2.13; 1 thread each; Linux 6, Some processor"
    other = report("carl", exercise={"isolation": "ns"})
    text = " ".join("".join(Page(class_page(batch(report(), report("bert"), other), {})).text).split())
    assert text.count(here) == 1
    assert text.count(here.replace("selfcheck", "ns")) == 1
    unknown = replace(report().exercises[0], provenance=None)
    assert "Python" not in class_page(batch(replace(report(), exercises=(unknown,))), {})


def test_an_empty_report_is_a_page_too() -> None:
    assert "Nothing was graded." in student_page(replace(report(), exercises=(), people=()))
    html = class_page(Batch("sheet3", "Empty", ()), {})
    assert "Nothing: every submission is graded" in html


def both_pages(*reports: Report) -> list[str]:
    links = {one.id: "students/x.html" for one in reports}
    everything = batch(*reports, title=HOSTILE, problems=(Problem(HOSTILE, HOSTILE),))
    return [student_page(reports[0]), class_page(everything, links)]


@pytest.mark.parametrize("html", both_pages(hostile(), mixed("bert")), ids=["student", "class"])
def test_hostile_text_stays_text(html: str) -> None:
    page = Page(html)
    assert page.open == []
    assert page.tags("script", "img", "link", "iframe", "object", "base", "form") == []
    assert [name for _, attributes in page.elements for name in attributes if name.startswith("on")] == []
    assert all((attributes["href"] or "").startswith(("#", "students/")) for attributes in page.tags("a"))
    assert "</pre><script>alert(1)</script>" in "".join(page.text)
    assert "{{ 7*7 }}" in html
    assert re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", html) is None
    assert "[2J" not in html
    assert "n" * 200 not in html
    assert html.encode("utf-8").decode("utf-8") == html


@pytest.mark.parametrize("html", both_pages(hostile(), mixed("bert")), ids=["student", "class"])
def test_characters_that_turn_text_around_are_isolated(html: str) -> None:
    outside = re.sub(
        r"<(bdi|pre\b[^>]*|desc\b[^>]*|title\b[^>]*|text\b[^>]*)>.*?</(bdi|pre|desc|title|text)>",
        "",
        html,
        flags=re.DOTALL,
    )
    assert "\u202e" in html
    assert "\u202e" not in outside


@pytest.mark.parametrize("html", both_pages(mixed(), report("bert")), ids=["student", "class"])
def test_pages_are_accessible_and_need_nothing_else(html: str) -> None:
    page = Page(html)
    policy = page.tags("meta")[1]["content"] or ""
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert [tag for tag, _ in page.elements if tag in {"header", "main", "footer"}] == [
        "header",
        "main",
        "footer",
    ]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert len(ids) == len(set(ids))
    assert all("scope" in attributes for attributes in page.tags("th"))
    for attributes in page.tags("svg"):
        names = (attributes.get("aria-labelledby") or "").split()
        assert attributes.get("aria-hidden") == "true" or (attributes["role"] == "img" and set(names) <= set(ids))
    assert re.search(r"https?:|url\(|@import", html) is None
    assert "@media print" in html


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_text_has_the_contrast_of_wcag_aa_by_day_and_night() -> None:
    schemes = re.findall(r":root \{(.*?)\}", student_page(report()), flags=re.DOTALL)
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", scheme))
        texts_on = [("ink", g) for g in ("paper", "code", "hint", "owed-wash", "wrong-wash")]
        texts_on += [(t, "paper") for t in ("soft", "right", "partial", "wrong", "owed", "quiet", "link")]
        texts_on += [("partial", "hint"), ("wrong", "paper"), ("owed", "owed-wash")]
        for front, back in texts_on:
            light, dark = sorted((luminance(colours[front]), luminance(colours[back])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (front, back)


def test_the_class_page_lists_everybody_and_what_a_human_owes() -> None:
    links = {"bert": "students/bert.html"}
    html = class_page(batch(report("anna"), mixed("bert"), replace(mixed("carl"), people=("Zoë",))), links)
    text = " ".join("".join(Page(html).text).split())
    assert '<a href="students/bert.html"><bdi>Bert</bdi></a>' in html
    assert "Submissions 3 Pending 2 Median 15" in text
    assert "leave out 2 submissions still to be graded" in text
    assert "Still to be graded: grad_W2. The grader could not judge this; it will be run again." in text
    assert "hand-ins/eve: two notebooks could be meant" in text
    assert "2 67 % bias omitted at z1, Calculating gradients Bert, Zoë For example Bert" in text
    assert text.index("Needs a human") < text.index("Recognised mistakes") < text.index("All submissions")
    assert "Zoë carl 9 of 15 Pending time limit late" in text


# --- summary and words


def test_the_example_of_a_mistake_is_the_one_that_shows_nothing_else() -> None:
    slip: dict[str, dict[str, Any]] = {"z1": {"status": Status.FAILED, "misconception": "bias_omitted"}}
    more = {**slip, "h": {"follow_through": True}, "loss": {"status": Status.FAILED}}
    both = batch(report("anna", more), report("bert", {**slip, "h": {"follow_through": True}}), report("carl"))
    (mistake,) = summarize(both).mistakes
    assert (mistake.submissions, mistake.exemplar, mistake.other) == (("anna", "bert"), "bert", 0)
    assert mistake.share == pytest.approx(2 / 3)
    (alone,) = summarize(batch(report("anna", more), report("dora", exercise={"file": ""}))).mistakes
    assert (alone.exemplar, alone.other, alone.of) == ("anna", 1, 1)
    assert "and 1 check not right for other reasons" in class_page(batch(report("anna", more)), {})


def test_statistics_leave_out_what_is_pending() -> None:
    points = [0.0, 3.5, 14.5, 15.0]
    reports = [replace(report(f"s{i}"), points=value) for i, value in enumerate(points)]
    summary = summarize(batch(*reports, mixed("late")))
    counts = {bar.low: bar.count for bar in summary.bars if bar.count}
    assert (summary.submissions, summary.pending, summary.median, summary.best) == (5, 1, 9.0, 15.0)
    assert summary.mean == 8.25
    assert counts == {0.0: 1, 3.0: 1, 14.0: 1, 15.0: 1}
    assert [bar.low for bar in summary.bars if bar.has_median] == [9.0]
    assert [(c.title, c.mean, c.settled, c.owed) for c in summary.criteria][2] == ("Gradients", 8.0, 4, 1)


def test_a_batch_that_waits_entirely_has_no_statistics() -> None:
    summary = summarize(batch(mixed()))
    assert (summary.median, summary.mean, summary.best, summary.bars) == (None, None, None, ())
    assert "Median" in class_page(batch(mixed()), {})


@pytest.mark.parametrize("most", [0.3, 1.0, 7.5, 15.0, 16.0, 100.0, 1000.0])
def test_a_histogram_has_few_bars_and_counts_everybody_once(most: float) -> None:
    reports = [replace(report(f"s{i}"), points=most * i / 30, max_points=most) for i in range(31)]
    bars = summarize(batch(*reports)).bars
    assert 4 <= len(bars) <= 17
    assert sum(bar.count for bar in bars) == 31
    assert bars[-1].low <= most < bars[-1].high + 1e-9


def test_a_machine_fault_says_that_it_is_not_the_students() -> None:
    broken = mixed(exercise={"stop": Stop.INFRASTRUCTURE, "criteria": (), "note": ""})
    (concern, _) = summarize(batch(broken)).concerns
    assert concern.message == (
        "Still to be graded: Calculating gradients. "
        "The run failed for a reason that is not the student's; grade it again."
    )


def test_the_instructor_reads_what_failed_on_the_machine_and_the_student_does_not() -> None:
    detail = "setup failed: `preload` in exercise.yaml names torhc, which cannot be imported here"
    owed = {"status": Status.ERROR, "message": "It will be tried again.", "evidence": detail}
    broken = report(outcomes={"h": owed, "y_hat": owed}, stop=Stop.INFRASTRUCTURE)
    broken = replace(broken, exercises=(replace(broken.exercises[0], stop=Stop.INFRASTRUCTURE),))
    assert summarize(batch(broken)).concerns[0].message.endswith(f"grade it again. What failed: {detail}")
    assert "torhc" in class_page(batch(broken), {})
    assert "torhc" not in student_page(broken)


def test_a_reason_is_not_given_twice() -> None:
    note = "It is not clear which file is meant; a person will look at it."
    unclear = report(outcomes={"h": {"status": Status.ERROR, "message": note}}, exercise={"note": note})
    assert summarize(batch(unclear)).concerns[0].message == f"Still to be graded: h. {note}"


def test_equal_concerns_are_one_entry() -> None:
    (pending, problem) = summarize(batch(mixed("anna"), mixed("bert"))).concerns
    assert pending.submissions == ("anna", "bert")
    assert (problem.kind, problem.submissions) == ("problem", ())


def test_pending_without_an_owed_check_is_said_as_well() -> None:
    nothing = replace(report(), pending=True)
    assert pending_line(nothing) == "Provisional: a part is still to be graded."
    assert summarize(batch(nothing)).concerns[0].message == "Still to be graded; no exercise says why."


def test_messages_come_apart_into_sentence_table_and_hint() -> None:
    result = CheckResult("z1", "value", Status.FAILED, 0.0, f"{MISMATCH}\n\n{HINT}", "", "bias_omitted")
    kinds = [(block.kind, block.text.split("\n")[0]) for block in message_blocks(result)]
    assert kinds == [
        ("text", "Shape (3,) is as expected, but 2 of 3 elements differ:"),
        ("lines", "index   yours     allowed difference"),
        ("hint", HINT),
    ]
    named = replace(result, message="Multiply by the mask.")
    assert [block.kind for block in message_blocks(named)] == ["hint"]
    assert message_blocks(CheckResult("h", "value", Status.PASSED, 1.0)) == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (13.0, "13"),
        (0.5, "0.5"),
        (20 / 3, "6.67"),
        (-0.001, "0"),
        (-0.5, "-0.5"),
        (100.0, "100"),
        (float("nan"), "?"),
    ],
)
def test_points_are_short(value: float, expected: str) -> None:
    assert texts.number(value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, ""), (1, "1 s"), (61, "1 min 1 s"), (7200, "2 h"), (90000, "1 day 1 h"), (172800 + 60, "2 days")],
)
def test_lateness_is_said_in_its_largest_units(seconds: int, expected: str) -> None:
    assert late_line(report(late_seconds=seconds)) == (f"Handed in {expected} after the deadline." if expected else "")


@pytest.mark.parametrize(
    ("more", "line", "word"),
    [
        ({}, "", ""),
        ({"late_seconds": 60}, "Handed in 1 min after the deadline.", "late"),
        (
            {"late_seconds": 60, "points": 13.5, "penalty": 1.5},
            "Handed in 1 min after the deadline: 1.5 of the 15 points earned are taken off.",
            "late (-1.5)",
        ),
        ({"late_question": "?"}, "Handed in late; by how much is not known.", "late?"),
        (
            {"late_question": "?", "late_seconds": 60},
            "Handed in 1 min after the deadline; a person decides whether it counts.",
            "late",
        ),
    ],
)
def test_what_lateness_costs_is_said(more: dict[str, Any], line: str, word: str) -> None:
    one = report(**more)
    assert (late_line(one), late_word(one)) == (line, word)
    page, listed = student_page(one), class_page(Batch("s", "S", (one,)), {})
    assert line in page
    assert (f'<span class="extra">{word}</span>' in listed) == bool(word)
    data = to_json(Batch("s", "S", (one,)))["submissions"][0]
    assert (data["penalty"], data["late_question"]) == (more.get("penalty", 0.0), more.get("late_question", ""))
    console, out = rendered()
    print_batch(console, Batch("s", "S", (one,)), None)
    assert ("Needs a human" in out.getvalue()) == ("late_question" in more)


def test_terminal_control_leaves_nothing_and_progress_bars_their_last_state() -> None:
    assert texts.clean("\x1b[31mred\x1b[0m \x1b]0;title\x07a\r\nb\x08") == "red a\nb\ufffd"
    assert texts.clean("10 %\r50 %\r100 %\r") == "100 %"
    assert texts.plain("a\u202eb") == "a\ufffdb"
    assert texts.label("a\n b" + "c" * 300) == "a b" + "c" * 156 + "…"
    assert texts.short_hash("sha256:" + "ab" * 32) == "abababababab"
    assert texts.short_hash("python 3.11") == "python 3.11"


# --- terminal


def test_a_student_sees_states_messages_and_total_in_the_terminal() -> None:
    console, stream = rendered()
    print_report(console, mixed())
    out = stream.getvalue()
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "✗ z1 Not right 0 of 2" in lines
    assert "✓ h Right, given your earlier answer 1 of 1" in lines
    assert "… grad_W2 Still to be graded - of 2" in lines
    assert "cell 7 raised NameError: name 'grad_h' is not defined" in lines
    assert lines[-1] == "Total: 9 of 15 points"
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out
    assert "SECRET" not in out


def test_hostile_text_neither_styles_nor_steers_the_terminal() -> None:
    console, stream = rendered(width=200, force_terminal=True, color_system=None)
    print_report(console, hostile())
    print_batch(console, batch(hostile(), problems=(Problem(HOSTILE, HOSTILE),)), None)
    out = stream.getvalue()
    assert "[bold]x[/bold] [/nothing]" in out
    assert (
        re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e]", re.sub(r"\x1b\[[0-9;]*m", "", out)) is None
    )


def test_a_terminal_without_unicode_gets_ascii() -> None:
    raw = open(os.devnull, "wb")  # noqa: SIM115, PTH123
    with TextIOWrapper(raw, encoding="ascii", errors="strict") as stream:
        console = Console(file=stream, width=80)
        with console.capture() as capture:
            print_report(console, mixed("Jürgen"))
            print_report(console, hostile())
            print_batch(console, batch(mixed("Jürgen")), Path("seiten/ü"))
    assert "x z1" in " ".join(capture.get().split())
    assert capture.get().isascii()


def test_an_instructor_sees_numbers_people_and_problems_in_80_columns() -> None:
    console, stream = rendered()
    print_batch(console, batch(report("anna"), mixed("bert" * 30)), Path("out/class.html"))
    out = stream.getvalue()
    flat = " ".join(out.split())
    assert "2 submissions, 1 pending. Median 15, mean 15, highest 15 of 15 points." in flat
    assert "Anna 15 of 15 graded" in flat
    assert "pending, time limit, late" in flat
    assert "problem: hand-ins/eve: two notebooks could be meant" in flat
    assert flat.endswith("Pages: out/class.html")
    assert max(map(len, out.splitlines())) <= 80


def test_a_large_class_shows_only_those_who_need_a_human() -> None:
    console, stream = rendered()
    print_batch(console, batch(*(report(f"s{i:03d}") for i in range(60)), mixed("bert")), None)
    assert "60 submissions not listed here; the class page has them all." in stream.getvalue()
    assert "S001" not in stream.getvalue()


# --- files

AWKWARD = [
    *("anna", "Anna", "ANNA", "a/b", "a\\b", "a-b", "..", ".", "", " ", "con", "CON", "nul.txt", "lpt1"),
    *("com1.tar", "a.", "a ", "M\u00fcller", "Mu\u0308ller", "x" * 300, "x" * 301, "\u7535\u8111", "a:b"),
    *("a\x00b", "\udcff", "-rf", "class"),
]


def test_page_names_are_safe_everywhere_and_differ() -> None:
    awkward = [*AWKWARD, page_name("Anna").removesuffix(".html")]
    names = [page_name(name) for name in awkward]
    assert page_name("anna") == "anna.html"
    assert len({name.casefold() for name in names}) == len(awkward)
    for name in names:
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*\.html", name)
        assert len(name) <= 70
        assert name.split(".")[0] not in {"con", "nul", "lpt1", "com1", "prn", "aux"}


def test_a_batch_becomes_pages_that_link_to_each_other(tmp_path: Path) -> None:
    reports = [replace(mixed(), id=name, people=()) for name in AWKWARD]
    page = write_batch(batch(*reports, hostile()), tmp_path / "out")
    hrefs = [attributes["href"] for attributes in Page(page.read_text(encoding="utf-8")).tags("a")]
    assert page == tmp_path / "out" / "class.html"
    assert {h for h in hrefs if h} == {f"students/{p.name}" for p in (tmp_path / "out/students").glob("*.html")}
    texts_beside = {path.with_suffix(".html") for path in (tmp_path / "out/students").glob("*.txt")}
    assert texts_beside == set((tmp_path / "out/students").glob("*.html"))
    assert len(texts_beside) == len(AWKWARD) + 1
    data = json.loads((tmp_path / "out/results.json").read_bytes())
    assert [error.message for error in Draft202012Validator(schema()).iter_errors(data)] == ["'' should be non-empty"]
    assert "SECRET" not in json.dumps(data)


def test_only_pages_that_changed_are_written_again(tmp_path: Path) -> None:
    write_batch(batch(report("anna"), report("bert")), tmp_path)
    for path in tmp_path.rglob("*.*"):
        os.utime(path, (1, 1))
    write_batch(batch(report("anna"), mixed("bert")), tmp_path)
    touched = {path.name for path in tmp_path.rglob("*.*") if path.stat().st_mtime != 1}
    assert touched == {"bert.html", "bert.txt", "class.html", "results.json"}
    assert list(tmp_path.rglob("*.tmp")) == []


def test_a_page_that_cannot_be_replaced_leaves_no_half_page(tmp_path: Path) -> None:
    (tmp_path / "students/anna.html").mkdir(parents=True)
    with pytest.raises(OSError, match="anna"):
        write_batch(batch(report("anna")), tmp_path)
    assert list(tmp_path.rglob("*.tmp")) == []
