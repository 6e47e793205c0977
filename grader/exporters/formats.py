"""The formats of exports: what each one is, what it is made from, and making it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from grader.exporters import canvas, github, gradescope, junit, moodle, tables
from grader.exporters.exports import Export, Settings
from grader.store import Grading


@dataclass(frozen=True, slots=True)
class Format:
    """One format: what it is called in a sentence, and how it is made.

    ``from_worksheet``: from a file that was downloaded; ``force_without``: or, where that is forced, without one.
    """

    title: str
    make: Callable[[Grading, Settings], Export]
    from_worksheet: bool = False
    force_without: bool = False


FORMATS = {
    "moodle": Format("Moodle's grading worksheet", moodle.worksheet, from_worksheet=True),
    "moodle-feedback": Format(
        "Moodle's zip of feedback files", moodle.feedback_zip, from_worksheet=True, force_without=True
    ),
    "canvas": Format("Canvas's gradebook", canvas.canvas, from_worksheet=True),
    "gradescope": Format("results.json of Gradescope", gradescope.gradescope),
    "nbgrader": Format("the CSV file of nbgrader", tables.nbgrader),
    "csv": Format("a row for each criterion", tables.criteria),
    "marks": Format("a row for each person", tables.marks),
    "junit": Format("JUnit's XML", junit.junit),
    "github": Format("annotations and the summary of GitHub Actions", github.github),
}
