"""How large the class page of many is, and how long it takes to make.

Run by hand: ``python -m tests.benchmarks.class_page [--submissions 400] [--output FILE]``.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from grader.model import (
    AlikeCode,
    AlikePassage,
    Batch,
    CheckResult,
    CheckScore,
    CriterionScore,
    ExerciseReport,
    Findings,
    Flag,
    Report,
    SameAnswer,
    Status,
    Stop,
)
from grader.reports import class_page, page_name

EXERCISES, CRITERIA, CHECKS = 4, 4, 5
_CODE = "\n".join(f"    weights = weights - learning_rate * gradient_{line} / batch_size" for line in range(12))


def main() -> None:
    """Write the page, and print its size and the time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submissions", type=int, default=400)
    parser.add_argument("--output", type=Path, default=Path("class.html"))
    options = parser.parse_args()
    batch = invented(options.submissions)
    start = time.process_time()
    page = class_page(batch, {report.id: f"students/{page_name(report.id)}" for report in batch.reports})
    seconds = time.process_time() - start
    options.output.write_text(page, encoding="utf-8")
    size = len(page.encode("utf-8"))
    sys.stdout.write(f"{options.submissions} submissions, {EXERCISES * CRITERIA * CHECKS} checks: ")
    sys.stdout.write(f"{size / 1e3:.0f} kB in {seconds:.2f} s of processor time\n")


def invented(count: int) -> Batch:
    """Return a batch of ``count`` reports in which there is something of everything."""
    random = np.random.default_rng(1)
    reports = tuple(_report(number, random, count) for number in range(count))
    names = [report.id for report in reports]
    answers = tuple(
        SameAnswer("exercise1", f"check_{at % 20}", f"[{at}.125, 7.5, -3]", tuple(names[at : at + 2 + at % 6]))
        for at in range(60)
    )
    passages = tuple(AlikePassage(10 * at, _CODE, 12 * at, _CODE) for at in range(1, 4))
    pairs = tuple(
        AlikeCode("exercise2", names[at], names[at + 1], 0.95 - at / 100, 0.8, passages)
        for at in range(min(40, count - 1))
    )
    return Batch("sheet", "An invented sheet for a large class", reports, findings=Findings(answers, pairs))


def _report(number: int, random: np.random.Generator, count: int) -> Report:
    ability = random.normal()
    exercises = tuple(_exercise(at, number, ability, random) for at in range(1, EXERCISES + 1))
    points = sum(one.points for one in exercises)
    name = f"student{number:04}"
    flags: tuple[Flag, ...] = ()
    if number % 50 == 7:
        other = f"student{(number + 1) % count:04}"
        message = f"made for the personal numbers of {other}, by `check_1`, `check_2` and 9 more"
        flags = (Flag(name, "exercise1", message, other),)
    owed = any(one.pending for one in exercises)
    most = float(EXERCISES * CRITERIA * CHECKS)
    people = (f"Given-Name{number} Family-Name{number}",)
    return Report(name, people, "sheet", "Sheet", points, most, owed, Stop.FINISHED, "ns", exercises, flags=flags)


def _exercise(at: int, number: int, ability: float, random: np.random.Generator) -> ExerciseReport:
    criteria = []
    for criterion in range(CRITERIA):
        checks = tuple(_check(criterion * CHECKS + check, ability, random, number) for check in range(CHECKS))
        points, owed = sum(one.points for one in checks), any(one.result.owed for one in checks)
        criteria.append(CriterionScore(f"c{criterion}", f"Criterion {criterion}", points, float(CHECKS), owed, checks))
    points = sum(one.points for one in criteria)
    return ExerciseReport(
        f"exercise{at}",
        f"Exercise {at} of the sheet",
        points,
        float(CRITERIA * CHECKS),
        any(one.pending for one in criteria),
        tuple(criteria),
        Stop.FINISHED,
        "ns",
        f"exercise{at}.ipynb",
        seconds=float(random.gamma(2.0)),
    )


def _check(at: int, ability: float, random: np.random.Generator, number: int) -> CheckScore:
    sign = -1 if at == 13 else 1
    right = sign * ability + random.normal() > (at - 10) / 5
    status = Status.PASSED if right else Status.FAILED
    if number % 40 == 3 and at == 4:
        result = CheckResult(
            f"check_{at}", "text", Status.SKIPPED, 0.0, for_person=True, answer=f"Because of {number}."
        )
        return CheckScore(result, 0.0, 1.0)
    known = None if right or random.random() < 0.4 else f"mistake_{at}_{int(random.integers(3))}"
    return CheckScore(CheckResult(f"check_{at}", "value", status, float(right), misconception=known), float(right), 1.0)


if __name__ == "__main__":
    main()
