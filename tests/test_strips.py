"""Where arrays differ: cells that say right or not right, and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from test_feedback import failed, in_terminal, score
from test_reports import Page

from grader.checks.comparing import EXACT, Tolerance
from grader.checks.strips import MOST_COLUMNS, MOST_ROWS, differing, differing_result, strip_of
from grader.checks.trees import Comparison
from grader.model import Array, Plain, Strip
from grader.reports import student_page, student_text
from grader.reports.wording import strip_caption, strip_lines, strip_words
from grader.store.rows import CHECK_RESULTS, from_text, to_text

NEAR = Tolerance(0.01, 0.0)


def test_every_element_has_a_cell() -> None:
    true = np.arange(15.0).reshape(5, 3)
    answer = true + np.array([[0, 0.5, 0.005]] * 2 + [[0, 0, 0]] * 2 + [[-7, -7, -7]])
    assert differing(answer, true, NEAR) == Strip((5, 3), 5, (0, 1), (".x.", ".x.", "...", "...", "xxx"))
    assert differing(answer[0], true[0], NEAR) == Strip((3,), 1, (1,), (".x.",))


def test_more_axes_run_down_and_the_last_runs_along() -> None:
    good = np.ones((2, 3, 4), np.bool_)
    good[1, 0, 2:] = False
    assert strip_of(good) == Strip((2, 3, 4), 2, (1, 0, 2), ("....",) * 3 + ("..xx",) + ("....",) * 2)


@pytest.mark.parametrize("shape", [(1000,), (17, 49), (3, 32, 32), (100, 1), (2, 5000), (16, 48)])
def test_a_large_array_is_drawn_in_few_blocks(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    good = rng.random(shape) < 0.7
    good[(0,) * len(shape)] = False
    strip = strip_of(good)
    assert strip is not None
    assert len(strip.rows) <= MOST_ROWS
    assert {len(row) for row in strip.rows} == {min(shape[-1], MOST_COLUMNS)}
    assert strip.wrong == int(np.sum(~good))
    assert strip.first == (0,) * len(shape)
    assert strip.whole is (shape == (16, 48))
    assert len(to_text(CHECK_RESULTS, (replace(score("z").result, strip=strip),))) < 2000


def test_a_block_says_whether_none_some_or_all_of_its_elements_are_wrong() -> None:
    good = np.ones(3 * MOST_COLUMNS, np.bool_)
    good[:4] = False
    strip = strip_of(good)
    assert strip is not None
    assert strip.rows == ("xo" + "." * (MOST_COLUMNS - 2),)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (0,), (0, 3)])
def test_a_single_number_has_no_cells(shape: tuple[int, ...]) -> None:
    assert strip_of(np.zeros(shape, np.bool_)) is None


def test_what_is_right_has_no_cells() -> None:
    assert strip_of(np.ones(5, np.bool_)) is None


@pytest.mark.parametrize(
    "true",
    [
        np.array([True, False, True]),
        np.array([0, 1, 1]),
        np.array([[0.0, 1.0], [1.0, 0.0]]),
        np.array([-1.0, 1.0, 1.0]),
    ],
    ids=["booleans", "zeros and ones", "one-hot", "signs"],
)
def test_where_an_element_is_one_of_two_nothing_is_drawn(true: Any) -> None:
    answer = np.roll(true, 1)
    assert not np.array_equal(answer, true)
    assert differing(answer, true, EXACT) is None


def test_two_different_numbers_and_halves_are_drawn() -> None:
    assert differing(np.array([3.0, 9.0]), np.array([3.0, 7.0]), NEAR) == Strip((2,), 1, (1,), (".x",))
    assert differing(np.array([0, 0.5, 1]), np.array([0, 0.5, 0.5]), NEAR) == Strip((3,), 1, (2,), ("..x",))
    assert differing("a", "b", NEAR) is None
    assert differing(np.ones(2), np.ones(3), NEAR) is None


def test_the_cells_do_not_depend_on_how_far_off_or_to_which_side() -> None:
    """Whatever the wrong elements are, the strip is the same: nothing of the right ones can be learned from it."""
    true = np.array([0.3, -1.7, 2.5, 8.0])
    wrong = np.array([False, True, True, False])
    strips = {
        differing(np.where(wrong, true + sign * size, true), true, NEAR)
        for sign, size in product((-1, 1), (0.02, 1.0, 1e9))
    }
    assert strips == {Strip((4,), 2, (1,), (".xx.",))}


def test_results_of_functions_are_compared_part_by_part() -> None:
    right: list[Plain] = [Array.from_numpy(np.array([1.0, 2.5])), Array.from_numpy(np.array([3.5, 4.0]))]
    found: list[Plain] = [right[0], Array.from_numpy(np.array([3.5, 5.0]))]
    expected = Strip((2,), 1, (1,), (".x",))
    assert differing_result(found, right, Comparison()) == expected
    assert differing_result([3.5, 5.0], [3.5, 4.0], Comparison()) == expected
    assert differing_result([1.0], "text", Comparison()) is None
    assert differing_result("text", [3.5, 4.0], Comparison()) is None
    assert differing_result({"a": [1.0]}, {"a": [2.0]}, Comparison()) is None


# --- how it is shown

SMALL = Strip((2, 3), 3, (0, 1), (".xx", "..x"))
LARGE = Strip((3, 1000), 900, (0, 0), ("xo" * 24, "." * 48, "x" * 48))


def test_a_strip_is_drawn_with_words_for_those_who_cannot_see_it() -> None:
    html = student_page(failed(score("z1", strip=SMALL)))
    page = Page(html)
    cells = [attributes["class"] for attributes in page.tags("rect") if "cell" in (attributes.get("class") or "")]
    assert cells == ["cell good", "cell bad", "cell bad", "cell good", "cell good", "cell bad"]
    assert "right, not right, not right; right, right, not right." in "".join(page.text)
    assert "3 of 6 elements differ, the first at index [0, 1]. A full cell is not right." in html


def test_a_strip_is_ascii_as_text() -> None:
    for told in (student_text(failed(score("z1", strip=SMALL))), in_terminal(failed(score("z1", strip=SMALL)))):
        assert "3 of 6 elements differ, the first at index [0, 1] (. right, x not right):" in told
        assert re.search(r"\n +\. x x *\n +\. \. x *\n", told)


def test_a_strip_does_not_say_again_what_the_message_says() -> None:
    assert strip_caption(SMALL, "`z1` is not right: 3 of 6 elements differ (50 %).") == "Where it differs."


def test_a_large_strip_says_what_a_cell_is() -> None:
    caption = "900 of 3000 elements differ, the first at index [0, 0]; each cell stands for several elements of the"
    assert strip_caption(LARGE) == strip_words(LARGE) == f"{caption} array of shape (3, 1000)."
    legend, rows = strip_lines(LARGE, "")
    assert legend.endswith("(. right, x not right, o partly right):")
    assert rows.splitlines() == list(LARGE.rows)
    assert "a half one partly." in student_page(failed(score("z1", strip=LARGE)))


def test_results_without_a_strip_are_still_read() -> None:
    results = (score("z1").result, replace(score("h").result, strip=SMALL))
    assert from_text(CHECK_RESULTS, to_text(CHECK_RESULTS, results)) == results
    old = to_text(CHECK_RESULTS, results[:1]).replace(', "strip": null', "")
    assert "strip" not in old
    assert from_text(CHECK_RESULTS, old) == results[:1]
