"""What students are told about each check: the same on the page, in plain text and in the terminal."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from test_reports import HOSTILE, Page, batch, hostile, mixed, report

from grader.checks import KINDS
from grader.cli import run
from grader.model import CheckResult, CheckScore, CriterionScore, Passage, Report, Status
from grader.reports import feedback as feedbacks
from grader.reports import print_report, student_page, student_text, write_batch
from grader.reports.feedback import check_command, feedback
from grader.store.rows import REPORT, from_text, to_text

TASK = Passage(
    "What to *calculate*",
    "- `z1`: the **sums**, of shape (3,)\n  <b>raw</b> ![p](http://x/p.png) [link](http://x)\n\n"
    "| a | b |\n|---|---|\n| 1 | 2 |",
)


def failed(*scores: CheckScore, **more: Any) -> Report:
    whole = report(**more)
    criterion = CriterionScore("c", "Forward pass", 0.0, 4.0, False, scores)
    return replace(whole, exercises=(replace(whole.exercises[0], criteria=(criterion,)),))


def score(name: str, passage: Passage | None = TASK, subject: str = "", kind: str = "value", **more: Any) -> CheckScore:
    result = CheckResult(name, kind, Status.FAILED, 0.0, f"`{name}` is not right.", **more)
    return CheckScore(result, 0.0, 2.0, subject or name, passage)


def in_terminal(one: Report, **options: Any) -> str:
    stream = StringIO()
    print_report(Console(file=stream, width=100, **options), one)
    return stream.getvalue()


def words_of(html: str) -> str:
    return " ".join("".join(Page(html).text).split())


def test_page_text_and_terminal_say_the_same_in_the_same_order() -> None:
    one = failed(score("z1", misconception="bias_omitted"))
    for told in (words_of(student_page(one)), student_text(one), in_terminal(one)):
        flat = " ".join(told.replace("`", "").split())
        places = [
            flat.index(words)
            for words in (
                "Not right",
                "Asked: the value z1.",
                "The task, under “What to *calculate*”:",
                "Recognised: bias omitted",
                "z1 is not right.",
            )
        ]
        assert places == sorted(places)
        assert "of shape (3,)" in flat


def test_a_passage_is_set_without_raw_html_links_and_pictures() -> None:
    html = student_page(failed(score("z1")))
    assert "<li><code>z1</code>: the <strong>sums</strong>, of shape (3,)" in html
    assert "&lt;b&gt;raw&lt;/b&gt;" in html
    assert Page(html).tags("img", "h4") == []
    assert [link["href"] for link in Page(html).tags("a")] == ["#exercise-1"]
    assert '<th scope="col">a</th>' in html


def test_a_table_is_set_as_one_in_the_terminal_and_links_lead_nowhere() -> None:
    shown = in_terminal(failed(score("z1")), force_terminal=True, color_system=None)
    assert re.search(r"a +b *\n +─+ *\n +1 +2 *\n", re.sub(r"\x1b\[[0-9;]*m", "", shown))
    assert "|" not in shown
    assert "\x1b]8" not in shown


def test_a_passage_is_quoted_once_in_an_exercise() -> None:
    one = failed(score("z1"), score("h"), score("loss", Passage("", "Another `loss`.")), score("y", None))
    told = [each.asked for _, checks in feedback(one.exercises[0]) for each in checks]
    assert told == [
        "Asked: the value `z1`. The task, under “What to *calculate*”:",
        "Asked: the value `h`. The task, under “What to *calculate*”, as quoted above.",
        "Asked: the value `loss`. The task:",
        "Asked: the value `y`.",
    ]
    for whole in (words_of(student_page(one)), student_text(one), in_terminal(one)):
        assert whole.count("of shape (3,)") == 1
        assert " ".join(whole.split()).count("as quoted above.") == 1


def test_paragraphs_of_a_passage_are_wrapped_anew_and_the_rest_is_kept() -> None:
    text = "- one item\n  goes on:\n\n      code = 1\n      more = 2\n- next\n\n| a | b |\n|---|---|\n\nTwo\nlines."
    shown = student_text(failed(score("z1", Passage("", text))))
    quoted = [line.removeprefix("    | ") for line in shown.splitlines() if line.startswith("    | ")]
    kept = ["- one item goes on:", "      code = 1", "      more = 2", "- next", "| a | b |", "|---|---|", "Two lines."]
    assert quoted == kept
    fenced = "```\nfirst\nsecond\n```"
    assert "    | first\n    | second\n" in student_text(failed(score("z1", Passage("", fenced))))


def test_nothing_is_asked_where_nothing_was_lost() -> None:
    assert "Asked:" not in student_page(report())
    assert "Asked:" not in student_text(report())


def test_every_kind_of_check_has_words_for_what_it_asks() -> None:
    assert set(KINDS) == set(feedbacks._ASKED)
    one = failed(score("big", subject="softmax", kind="call", passage=None), score("own", None, kind="of_a_course"))
    asked = [each.asked for _, checks in feedback(one.exercises[0]) for each in checks]
    assert asked == ["Asked: `softmax`, called with inputs that only the grader knows.", "Asked: `own`."]


# --- plain text


def test_the_plain_text_has_everything_in_79_columns() -> None:
    text = student_text(mixed())
    lines = text.splitlines()
    assert max(len(line) for line in lines if "grade check" not in line) <= 79
    assert text.endswith("\n")
    assert [line for line in lines if line != line.rstrip()] == []
    for words in (
        "Sheet 3: Learning by gradient descent",
        "Anna",
        "9 of 15 points",
        "Provisional: 1 check is still to be graded.",
        "Handed in 2 h 30 min after the deadline.",
        "Graded from gradient_step.ipynb",
        "cell 7 raised NameError: name 'grad_h' is not defined",
        "      [2]    -1.2500    0.001",
    ):
        assert words in " ".join(lines) or words in lines
    rows = {" ".join(line.split()) for line in lines}
    assert {"x z1 Not right 0 of 2", "+ h Right, given your earlier answer 1 of 1"} <= rows
    assert {"? grad_W2 Still to be graded - of 2", "~ loss Partly right 0.5 of 1"} <= rows
    assert "SECRET" not in text
    assert "epoch 1" not in text


def test_an_empty_report_is_a_text_too() -> None:
    one = replace(report(), exercises=(), people=())
    assert student_text(one) == "Sheet 3: Learning by gradient descent\nanna\n15 of 15 points\n"


def test_each_page_has_its_text_beside_it(tmp_path: Path) -> None:
    write_batch(batch(mixed(), hostile()), tmp_path)
    assert (tmp_path / "students/anna.txt").read_text(encoding="utf-8") == student_text(mixed())
    assert len(list((tmp_path / "students").iterdir())) == 4


# --- what comes from students stays text


@pytest.fixture
def unfriendly() -> Report:
    """A report in which whatever may come from a student is hostile, and checks carry a passage."""
    one = hostile()
    scores = (
        CheckScore(CheckResult(HOSTILE, HOSTILE, Status.FAILED, 0.0, HOSTILE), 0.0, 1.0, HOSTILE, TASK),
        replace(score("z1"), result=replace(score("z1").result, misconception=HOSTILE, message=HOSTILE)),
    )
    criterion = CriterionScore("c", HOSTILE, 0.0, 2.0, False, scores)
    return replace(one, exercises=(replace(one.exercises[0], criteria=(criterion,)),))


def test_hostile_text_is_inert_on_the_page(unfriendly: Report) -> None:
    html = student_page(unfriendly)
    page = Page(html)
    assert page.open == []
    assert page.tags("script", "img", "link", "iframe", "object", "base", "form") == []
    assert [name for _, attributes in page.elements for name in attributes if name.startswith("on")] == []
    assert re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", html) is None
    outside = re.sub(r"<(bdi|pre\b[^>]*|title\b[^>]*)>.*?</(bdi|pre|title)>", "", html, flags=re.DOTALL)
    assert "\u202e" in html
    assert "\u202e" not in outside


def test_hostile_text_is_inert_as_plain_text(unfriendly: Report) -> None:
    text = student_text(unfriendly)
    assert "<script>alert(1)</script>" in text
    assert re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069]", text) is None
    assert "[2J" not in text
    assert text.encode("utf-8").decode("utf-8") == text
    assert max(map(len, text.splitlines())) <= 200


def test_hostile_text_is_inert_in_the_terminal(unfriendly: Report) -> None:
    shown = in_terminal(unfriendly, force_terminal=True, color_system=None)
    assert (
        re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e]", re.sub(r"\x1b\[[0-9;]*m", "", shown))
        is None
    )


# --- how to check again


def test_the_command_to_check_again_is_on_the_page_and_in_the_text() -> None:
    command = "grade check gradient_step.ipynb --assignment=sheet3 --exercise=gradient_step --person=anna"
    assert command in "".join(Page(student_page(report())).text)
    assert f"\n  {command}\n" in student_text(report())


@pytest.mark.parametrize("name", ["a b", "$(touch x)", "'; reboot #", "-rf", "Zoë & Co", "`id`"])
def test_the_command_can_be_pasted_into_a_shell(name: str) -> None:
    one = replace(report(name, exercise={"file": f"{name}.py"}), people=(name,))
    words = shlex.split(check_command(one, one.exercises[0]))
    file = f"./{name}.py" if name == "-rf" else f"{name}.py"
    assert words == ["grade", "check", file, "--assignment=sheet3", "--exercise=gradient_step", f"--person={name}"]


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2Jb", "a\u202eb", "\udcff", "n" * 200])
def test_there_is_no_command_for_names_that_cannot_be_shown_as_they_are(name: str) -> None:
    one = report(name)
    assert check_command(one, one.exercises[0]) == ""
    assert "grade check" not in student_page(one)
    assert "grade check" not in student_text(one)
    nothing = report(exercise={"file": ""})
    assert check_command(nothing, nothing.exercises[0]) == ""


def test_the_command_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("gradient_step.py").write_text("z1 = [1.0, 2.0, 3.0]\n", encoding="utf-8")
    one = report(exercise={"file": "gradient_step.py"})
    assert run(shlex.split(check_command(one, one.exercises[0]))[1:]) == 1


# --- what was stored before


def test_a_report_that_an_older_version_stored_is_read() -> None:
    old = re.sub(r', "(subject|passage|unanswered)": (""|null|false)', "", to_text(REPORT, mixed()))
    assert not re.search("passage|unanswered", old)
    assert from_text(REPORT, old) == mixed()
    assert from_text(REPORT, to_text(REPORT, failed(score("z1")))) == failed(score("z1"))
