"""The kind ``text``: found or not, laid ready for a person, and grouped on the class's page; never scored."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from execution_helpers import run
from judging_helpers import judge_seen, make_course, make_exercise

from grader.checks import groups
from grader.checks.grouping import likeness
from grader.errors import CourseError
from grader.model import (
    Batch,
    CheckResult,
    CheckScore,
    CriterionScore,
    ExerciseReport,
    Failure,
    Job,
    Limits,
    Opaque,
    Probe,
    Report,
    Status,
    Stop,
)
from grader.reports import class_page, student_page
from grader.reports.questions import open_questions

VALUE, CELLS = Probe("value", "why"), Probe("cells", "cells")
KEY = (
    "text: why, model_answer: 'The transfer to the GPU costs more than the small model gains.', "
    "key_points: [{point: transfer, points: 2, keywords: [transfer, copying]}, "
    "{point: small model, keywords: [small]}], accept: [The model is too small.]"
)
ANSWER = "Copying the data takes longer than the small computation."


def judged(tmp_path: Path, value: Any = None, cell: str | None = None, check: str = KEY) -> CheckResult:
    cells = {} if cell is None else {"why": cell}
    found = Failure("missing") if value is None else value
    return judge_seen(make_exercise(tmp_path, "", check), {VALUE: found, CELLS: cells})["why"]


@pytest.mark.parametrize("where", ["value", "cell"])
def test_an_answer_waits_for_a_person(tmp_path: Path, where: str) -> None:
    result = judged(tmp_path, **{where: f"  {ANSWER}\n"})
    assert (result.status, result.fraction, result.for_person, result.owed) == (Status.SKIPPED, 0.0, True, True)
    assert result.answer == ANSWER
    assert result.evidence == (
        "Model answer: The transfer to the GPU costs more than the small model gains.\n\n"
        "Also right: The model is too small.\n\n"
        "Key points:\n- transfer (2)\n- small model (1)\n\n"
        "Suggestion, by words alone:\n- transfer: has copying\n- small model: has small"
    )


def test_words_of_the_key_are_told(tmp_path: Path) -> None:
    result = judged(tmp_path, "The model is too small!")
    assert "Nearly in the words of the key." in result.evidence
    assert "- transfer: none of its keywords" in result.evidence
    assert (result.fraction, result.status) == (0.0, Status.SKIPPED)


@pytest.mark.parametrize(
    "cell",
    ["", " \n", "*Your answer*", "**Your answer here:** …", "...", "<!-- write here -->", "TODO", "> _Deine Antwort_"],
)
def test_a_placeholder_is_no_answer(tmp_path: Path, cell: str) -> None:
    result = judged(tmp_path, cell=cell)
    assert (result.status, result.fraction, result.for_person) == (Status.FAILED, 0.0, False)
    assert result.message == "`why` is not answered yet."
    assert result.answer == ""
    assert result.unanswered


def test_the_starters_own_text_is_no_answer(tmp_path: Path) -> None:
    check = f"{KEY}, placeholder: '**Why is the CPU faster?**'"
    assert judged(tmp_path, cell="**Why is the CPU faster?**\n\n*Your answer*", check=check).status is Status.FAILED
    assert judged(tmp_path, cell="Why is the CPU faster?", check=check).status is Status.FAILED
    found = judged(tmp_path, cell=f"**Why is the CPU faster?**\n\n{ANSWER}", check=check)
    assert (found.for_person, found.answer) == (True, ANSWER)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "There is no answer `why`."),
        (3, "`why` should be text, but is an integer."),
        (Opaque("function"), "`why` should be text, but is a function."),
        (Failure("raised", "its str raised"), "`why` cannot be read: its str raised."),
    ],
)
def test_no_answer_says_what_was_found(tmp_path: Path, value: Any, message: str) -> None:
    assert (judged(tmp_path, value).message, judged(tmp_path, value).status) == (message, Status.FAILED)


def test_too_few_words_are_none_where_the_author_says_so(tmp_path: Path) -> None:
    result = judged(tmp_path, "it is small", check=f"{KEY}, min_words: 5")
    assert (result.status, result.message) == (
        Status.FAILED,
        "`why` is answered in 3 words; at least 5 are asked for.",
    )


def test_the_written_cell_counts_where_the_variable_is_untouched(tmp_path: Path) -> None:
    assert judged(tmp_path, "...", cell=ANSWER).answer == ANSWER


def test_a_marker_needs_a_key(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="the marker needs a `model_answer` or `key_points`"):
        make_course(tmp_path, "", "text: why")


def test_nearly_equal_answers_are_one_group() -> None:
    answers = {
        "a": "The GPU has to copy the data first, which takes longer than the computation.",
        "b": "the gpu has to copy the data first which takes longer than the computation",
        "c": "The GPU has to copy all the data first, which takes longer than the computation itself.",
        "d": "The model is too small.",
        "e": "Because of the weather.",
        "f": "**The model is too small**",
        "g": "🤷",
        "h": "",
    }
    assert groups(answers) == [("a", "b", "c"), ("d", "f"), ("g", "h"), ("e",)]
    assert groups({}) == []
    assert likeness("one two three four", "one two three five") == pytest.approx(1 / 3)


def batch(answers: dict[str, str]) -> Batch:
    reports = []
    for name, answer in answers.items():
        evidence = f"Model answer: <b>yes</b>\n\nSuggestion, by words alone:\n- {name}"
        result = CheckResult("why", "text", Status.SKIPPED, 0.0, "", evidence, for_person=True, answer=answer)
        criterion = CriterionScore("c", "Discussion", 0.0, 2.0, True, (CheckScore(result, 0.0, 2.0),))
        exercise = ExerciseReport("ex", "Exercise <1>", 0.0, 2.0, True, (criterion,), Stop.FINISHED, "ns")
        reports.append(Report(name, (name,), "s", "S", 0.0, 2.0, True, Stop.FINISHED, "ns", (exercise,)))
    return Batch("s", "S", tuple(reports))


def test_the_class_page_shows_each_group_once_and_escapes_it() -> None:
    same = "The model is too small <script>alert(1)</script>"
    whole = batch({"anna": same, "bob": same, "eve": "No idea, really none."})
    (question,) = open_questions(whole)
    assert [group.submissions for group in question.groups] == [("anna", "bob"), ("eve",)]
    assert question.key == ("Model answer: <b>yes</b>",)
    page = class_page(whole, {"anna": "students/anna.html"})
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 1
    assert "<script>" not in page
    assert page.count("Model answer: &lt;b&gt;yes&lt;/b&gt;") == 1
    marked = page[page.index("Answers to mark") :]
    assert marked.index('students/anna.html"><bdi>anna</bdi></a>, <bdi>bob') < marked.index("No idea")
    assert "Model answer" not in student_page(whole.reports[0])


def test_a_class_without_written_answers_has_no_such_section() -> None:
    whole = batch({"anna": "x"})
    report = whole.reports[0]
    exercise = replace(report.exercises[0], criteria=())
    assert "Answers to mark" not in class_page(replace(whole, reports=(replace(report, exercises=(exercise,)),)), {})


def test_answers_are_found_in_a_notebook(tmp_path: Path) -> None:

    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {"tags": ["why"]}, "source": ANSWER},
        {"cell_type": "code", "id": "b", "metadata": {}, "source": "x = 1", "outputs": [], "execution_count": None},
    ]
    source = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    job = Job("notebook", "work.ipynb", source, (), (VALUE, CELLS), Limits(timeout_seconds=30.0), runner="shell")
    seen = {one.probe: one.value for one in run(job).observations}
    assert judge_seen(make_exercise(tmp_path, "", KEY), seen)["why"].answer == ANSWER
