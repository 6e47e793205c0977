"""Statistics of items: against NumPy, the coefficient's definition written out, and an example worked by hand."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from grader.model import Batch, CheckResult, CheckScore, CriterionScore, ExerciseReport, Report, Status, Stop
from grader.reports import class_page
from grader.reports.common import Use, memory_use, time_use
from grader.reports.items import EASY, HARD, LEAST_FOR_DISCRIMINATION, NEGATIVE, Item, discrimination, items


def graded(name: str, shares: dict[str, float], *, owed: str = "", file: str = "work.py") -> Report:
    """Build a report on one exercise with one criterion, whose checks are worth 2 points each."""
    checks = tuple(
        CheckScore(
            CheckResult(check, "value", Status.ERROR if check == owed else Status.PARTIAL, share), 2 * share, 2.0
        )
        for check, share in shares.items()
    )
    points, most = sum(one.points for one in checks), 2.0 * len(checks)
    criterion = CriterionScore("all", "All of it", points, most, bool(owed), checks)
    exercise = ExerciseReport(
        "step", "The step", points, most, bool(owed), (criterion,), Stop.FINISHED, "ns", file=file
    )
    return Report(name, (name,), "s", "S", points, most, bool(owed), Stop.FINISHED, "ns", (exercise,))


def batch(table: np.ndarray, *more: Report) -> Batch:
    reports = (
        graded(f"p{row}", {f"c{column}": float(share) for column, share in enumerate(shares)})
        for row, shares in enumerate(table)
    )
    return Batch("s", "S", (*reports, *more))


def by_name(found: tuple[Item, ...]) -> dict[str, Item]:
    return {item.name: item for item in found}


def test_statistics_are_those_of_numpy() -> None:
    random = np.random.default_rng(5)
    ability = random.normal(size=200)
    table = (ability[:, None] + random.normal(size=(200, 6)) > np.linspace(-2, 2, 6)).astype(float)
    table[:, 5] = np.round(random.random(200), 2)
    found = by_name(items(batch(table)))
    points = 2 * table
    for column in range(6):
        rest = points.sum(axis=1) - points[:, column]
        item = found[f"c{column}"]
        assert item.difficulty == pytest.approx(table[:, column].mean(), abs=1e-12)
        assert item.discrimination == pytest.approx(np.corrcoef(table[:, column], rest)[0, 1], abs=1e-12)
        assert item.settled == 200


def test_of_right_and_wrong_items_it_is_the_point_biserial_coefficient() -> None:
    random = np.random.default_rng(7)
    table = (random.random((50, 4)) > 0.4).astype(float)
    rest = 2 * table[:, 1:].sum(axis=1)
    right = table[:, 0] == 1
    share = right.mean()
    # (mean of the right - mean of the wrong) / standard deviation * sqrt(p q), with n in the deviation.
    by_definition = (rest[right].mean() - rest[~right].mean()) / rest.std() * sqrt(share * (1 - share))
    assert by_name(items(batch(table)))["c0"].discrimination == pytest.approx(by_definition, abs=1e-12)


def test_an_example_worked_by_hand() -> None:
    # Ten with (1, 1), five with (1, 0), five with (0, 0). Of c0 and the rest c1: means 3/4 and 1/2, mean of the
    # product 1/2, so the covariance is 1/2 - 3/8 = 1/8 and the variances 3/16 and 1/4: r = 1 / sqrt(3).
    table = np.array([[1, 1]] * 10 + [[1, 0]] * 5 + [[0, 0]] * 5, dtype=float)
    found = by_name(items(batch(table)))
    assert found["c0"].difficulty == 0.75
    assert found["c0"].discrimination == pytest.approx(1 / sqrt(3))
    assert found["c1"].discrimination == pytest.approx(1 / sqrt(3))
    whole = found["All of it"]
    assert (whole.kind, whole.difficulty, whole.undefined) == ("criterion", 0.625, "the rest is the same for everybody")


def test_what_is_not_defined_is_said() -> None:
    few = LEAST_FOR_DISCRIMINATION - 1
    assert discrimination([0.0, 1.0], [1.0, 2.0]) == (None, "fewer than 20 settled")
    assert discrimination([0.5] * 20, [float(n) for n in range(20)]) == (None, "everybody has the same")
    assert discrimination([float(n) for n in range(20)], [1.0] * 20) == (None, "the rest is the same for everybody")
    table = np.tile([[1.0, 0.0], [0.0, 1.0]], (10, 1))[:few]
    assert [item.undefined for item in items(batch(table))] == ["fewer than 20 settled"] * 3


def test_equal_totals_do_not_correlate_by_their_last_bits() -> None:
    reports = [graded(f"p{n}", {"c0": n / 20, "c1": 0.1, "c2": 0.2, "c3": 0.7}) for n in range(20)]
    assert by_name(items(Batch("s", "S", tuple(reports))))["c0"].undefined == "the rest is the same for everybody"


def test_flags_are_words_and_stand_first() -> None:
    # The better half has c0 wrong; c1 nobody has; c2 everybody; the rest make the better half better.
    half = [[1.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0, 1.0]] * 15
    found = items(batch(np.array(half)))
    assert [(item.name, item.flags) for item in found if item.flags] == [
        ("c0", (NEGATIVE,)),
        ("c1", (HARD,)),
        ("c2", (EASY,)),
    ]
    assert found[0].discrimination == pytest.approx(-1.0)
    assert [item.name for item in found[3:]] == ["All of it", "c3", "c4"]


def test_what_is_owed_or_was_not_handed_in_does_not_count() -> None:
    table = np.array([[1.0, 0.0], [0.0, 1.0]] * 10)
    pending = graded("pending", {"c0": 0.0, "c1": 1.0}, owed="c0")
    absent = graded("absent", {"c0": 0.0, "c1": 0.0}, file="")
    alone, more = (by_name(items(one)) for one in (batch(table), batch(table, pending, absent)))
    assert more["c0"] == alone["c0"]
    assert more["c1"].settled == 21
    assert more["c1"].difficulty == pytest.approx(11 / 21)
    assert more["c1"].discrimination == alone["c1"].discrimination  # its total is not settled


def test_checks_without_points_and_empty_batches_have_no_statistics() -> None:
    assert items(Batch("s", "S", ())) == ()
    report = graded("a", {"c0": 1.0})
    assert [item.name for item in items(Batch("s", "S", (report,)))] == ["All of it", "c0"]
    free = CheckScore(CheckResult("free", "value", Status.PASSED, 1.0), 0.0, 0.0)
    criterion = CriterionScore("all", "All", 0.0, 0.0, False, (free,))
    worthless = ExerciseReport("step", "Step", 0.0, 0.0, False, (criterion,), Stop.FINISHED, "ns", file="work.py")
    assert items(Batch("s", "S", (Report("a", (), "s", "S", 0, 0, False, Stop.FINISHED, "ns", (worthless,)),))) == ()


def test_time_and_memory_are_by_exercise_with_who_took_most() -> None:
    reports = []
    for number in range(1, 41):
        report = graded(f"p{number:02}", {"c0": 1.0})
        ran = replace(report.exercises[0], seconds=float(number), peak_bytes=(41 - number) * 1024**2)
        reports.append(replace(report, exercises=(ran,)))
    broken = replace(reports[0].exercises[0], seconds=900.0, stop=Stop.INFRASTRUCTURE)
    whole = Batch("s", "S", (*reports, replace(reports[0], id="broken", exercises=(broken,))))
    # Of 40 runs, 38 are 95 %.
    assert time_use(whole) == (Use("The step", 40, 20.5, 38.0, 40.0, "p40"),)
    mebibyte = 1024**2
    assert memory_use(whole) == (Use("The step", 40, 20.5 * mebibyte, 38 * mebibyte, 40 * mebibyte, "p01"),)
    times, memories = class_page(whole, {}).split('id="times"')[1].split("</table>")[:2]
    assert ("20.5 s" in times, "p40" in times) == (True, True)
    assert ("20.5 MiB" in memories, "p01" in memories) == (True, True)
    nothing = batch(np.ones((3, 2)))
    assert (time_use(nothing), memory_use(nothing)) == ((), ())


def test_the_class_page_has_a_row_for_each_item() -> None:
    half = [[1.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0, 1.0]] * 15
    html = class_page(batch(np.array(half)), {})
    flagged, others = (
        table.split("</table>")[0].split("<tr>")[2:] for table in html.split('<table class="items">')[1:]
    )
    assert (len(flagged), len(others)) == (3, 3)
    assert "negative discrimination: look at the check" in flagged[0]
    assert "\N{MINUS SIGN}1.00" in flagged[0]
    assert "everybody has the same" in flagged[1]
    assert "All of it" in others[0]
