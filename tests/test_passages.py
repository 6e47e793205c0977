"""The passage of a task that a check is about, by rule and over the course that ships."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from grader.checks import KINDS
from grader.course import Course, load_course
from grader.course.passages import find_passages, passages
from grader.model import CheckResult, CheckScore, Passage, Status
from grader.rubric import weigh

ROOT = Path(__file__).parents[1]
TASK = """# 7. A task

Here `early`, and after many words `late` and `deep`.

## a) Steps (3 points)

Write all of these, with `Some` more:

- `early` and `twin`: the first
  of them.

      indented = code

  - `nested(x, y)`: inside.
- `late = 3`: with `early` again.

```python
`fenced` = 1
```

| | name | meaning |
|---|---|---|
| 1 | `row_a`, `row_b` | what \\| it is |
| | | only `meant` |

## A `wide` picture: 2 points

Drawn.

And more.

## Pictures

"""


def found(name: str, title: str = "", subject: str = "") -> Passage | None:
    return find_passages(TASK, [(name, subject or name, title)]).get(name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("deep", "Here `early`, and after many words `late` and `deep`."),
        ("twin", "- `early` and `twin`: the first\n  of them.\n\n      indented = code\n\n  - `nested(x, y)`: inside."),
        ("nested", "- `nested(x, y)`: inside."),
        ("late", "- `late = 3`: with `early` again."),
        ("row_b", "1; name: `row_a`, `row_b`; meaning: what | it is"),
        ("meant", "meaning: only `meant`"),
    ],
)
def test_a_passage_is_the_piece_of_the_task_that_names_the_check(name: str, text: str) -> None:
    passage = found(name)
    assert passage is not None
    assert text == passage.text


def test_a_passage_that_begins_with_the_name_counts_before_an_earlier_mention() -> None:
    assert found("early") == Passage("7. A task", "Here `early`, and after many words `late` and `deep`.")
    assert found("late") == Passage("a) Steps (3 points)", "- `late = 3`: with `early` again.")


def test_a_paragraph_that_ends_in_a_colon_brings_what_follows() -> None:
    passage = found("Some")
    assert passage is not None
    assert passage.text.startswith("Write all of these, with `Some` more:\n\n- `early`")
    assert "- `late = 3`" in passage.text


def test_the_id_counts_before_the_subject_and_code_names_nothing() -> None:
    assert found("late_large", subject="late") == found("late")
    assert found("fenced") is None
    assert found("indented") is None


@pytest.mark.parametrize("title", ["A wide picture", "a Wide picture in colours"])
def test_what_the_task_does_not_name_gets_the_section_of_its_criterion(title: str) -> None:
    assert found("figure", title) == Passage("A wide picture: 2 points", "Drawn.\n\nAnd more.")


@pytest.mark.parametrize("title", ["Another picture", "A widest picture", "Pictures", ""])
def test_no_section_is_guessed(title: str) -> None:
    assert found("figure", title) is None


def test_a_very_long_section_is_cut_between_paragraphs() -> None:
    task = "## Long\n\n" + "\n\n".join(f"{letter * 300}." for letter in "abcdefgh")
    text = find_passages(task, [("x", "x", "Long")])["x"].text
    assert text == "\n\n".join([*(f"{letter * 300}." for letter in "abc"), "…"])


#: What students are asked for without a name of its own in the task.
UNNAMED = {
    *(f"presentation/{name}" for name in ("paper", "names", "group", "sources", "steps")),
    *(f"keras_questions/{name}" for name in ("sequential_model", "layer_families", "activation", "sparse_layers")),
    *(f"stm32_fit/{name}" for name in ("flash", "ram", "fits", "accuracy")),
}


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course(ROOT, KINDS)


def test_every_check_of_the_course_but_a_few_has_its_passage(course: Course) -> None:
    missing = {
        f"{exercise.id}/{check.id}": check.kind.name
        for exercise in course.exercises()
        for check in exercise.rubric.checks
        if check.id not in passages(exercise)
    }
    assert set(missing) == UNNAMED
    assert not set(missing.values()) & {"value", "call", "gradient", "model", "curve", "figure", "formula", "choice"}


def test_most_checks_are_named_by_their_passage(course: Course) -> None:
    """A passage that names its check is more than the section around it."""
    named = total = 0
    for exercise in course.exercises():
        for check in exercise.rubric.checks:
            passage = passages(exercise).get(check.id)
            names = "|".join(re.escape(name) for name in (check.id, check.options.subject))
            named += bool(passage and re.search(rf"`(?:{names})\b", passage.text))
            total += 1
    assert total > 300
    assert named / total > 0.85


def test_only_checks_that_lost_something_carry_their_passage(course: Course) -> None:
    exercise = course.assignment("sheet3").exercise("gradient_step")
    right = [CheckResult(check.id, "value", Status.PASSED, 1.0) for check in exercise.rubric.checks]
    followed = replace(right[1], status=Status.PARTIAL, fraction=0.5, follow_through=True)
    wrong = replace(right[0], status=Status.FAILED, fraction=0.0)
    scores = weigh(exercise.rubric, [wrong, followed, *right[2:]], passages(exercise).get)
    carried = [(c.subject, c.passage) for criterion in scores for c in criterion.checks if c.passage or c.subject]
    text = "step: a) forward pass; name: `z1`; meaning: input sums of the hidden neurons; shape: 3; points: 2"
    assert carried == [("z1", Passage("What to calculate", text))]
    without = weigh(exercise.rubric, [wrong, *right[1:]])[0].checks[0]
    assert without == CheckScore(wrong, 0.0, 2.0, "z1", None)
