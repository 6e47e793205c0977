"""Training histories as pictures: small, of what was handed in, and told in words as well."""

from __future__ import annotations

import re
from dataclasses import replace

from test_feedback import failed, in_terminal, score
from test_reports import HOSTILE, Page

from grader.checks.charts import MOST_LINES, chart_of
from grader.model import Chart, Line
from grader.reports import student_page, student_text
from grader.reports.wording import chart_lines
from grader.store.rows import CHECK_RESULTS, from_text, to_text


def test_a_chart_has_few_points_the_first_and_the_last_among_them() -> None:
    chart = chart_of("loss", {"run 1": [1 / (1 + step) for step in range(100_000)], "run 2": [0.5], "empty": []})
    assert chart is not None
    first, second = chart.lines
    assert first.points[0] == (1, 1.0)
    assert first.points[-1] == (100_000, 1e-5)
    assert len(first.points) == 60
    assert second == Line("run 2", ((1, 0.5),))


def test_numbers_are_short_and_bounded() -> None:
    chart = chart_of("loss", {"run 1": [1.23456789, -1e308, 1e308]})
    assert chart == Chart("loss", (Line("run 1", ((1, 1.2346), (2, -1e30), (3, 1e30))),))


def test_nothing_is_drawn_of_nothing() -> None:
    assert chart_of("loss", {}) is None
    assert chart_of("loss", {"run 1": []}) is None


def test_more_lines_than_can_be_told_apart_are_left_out() -> None:
    chart = chart_of("loss", {f"run {number}": [1.0] for number in range(20)})
    assert chart is not None
    assert len(chart.lines) == MOST_LINES


# --- how it is shown

CHART = Chart(
    "test_accuracy",
    (Line("run 1", ((1, 0.1), (15, 0.8), (30, 0.9))), Line(f"run 2: {HOSTILE}", ((1, 0.2),))),
)


def test_a_chart_is_drawn_and_told() -> None:
    html = student_page(failed(score("cpu", chart=CHART)))
    page = Page(html)
    drawn = [attributes["d"] for attributes in page.tags("path") if "line-" in (attributes.get("class") or "")]
    assert drawn == ["M52.0 120.0L253.8 25.5L470.0 12.0", "M52.0 106.5h1", "M0 4H28", "M0 4H28"]
    assert page.open == []
    assert page.tags("script", "img") == []
    assert "<code>test_accuracy</code> of run 1: 30 values, from 0.1 to 0.9." in html
    assert "`test_accuracy` of run 1: 30 values, from 0.1 to 0.9." in "".join(page.text)  # for those who cannot see it
    assert re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", html) is None


def test_a_chart_is_told_as_text() -> None:
    said = "`test_accuracy` of run 1: 30 values, from 0.1 to 0.9."
    assert chart_lines(CHART)[0] == said
    one = failed(score("cpu", chart=replace(CHART, lines=CHART.lines[:1])))
    assert f"    {said}\n" in student_text(one)
    assert said in in_terminal(one)


def test_a_level_history_is_drawn_in_the_middle() -> None:
    level = Chart("loss", (Line("run 1", ((1, 0.5), (2, 0.5))),))
    page = Page(student_page(failed(score("cpu", chart=level))))
    assert "M52.0 66.0L470.0 66.0" in [attributes.get("d") for attributes in page.tags("path")]


def test_results_without_a_chart_are_still_read() -> None:
    results = (replace(score("cpu").result, chart=chart_of("loss", {"run 1": [1.0, 0.5]})), score("gpu").result)
    assert from_text(CHECK_RESULTS, to_text(CHECK_RESULTS, results)) == results
    old = to_text(CHECK_RESULTS, results[1:]).replace(', "chart": null', "")
    assert "chart" not in old
    assert from_text(CHECK_RESULTS, old) == results[1:]
