"""The formats of exports: what each one is, what it is made from, and making it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from grader.exporters import moodle
from grader.exporters.exports import Export, Settings
from grader.store import Grading


@dataclass(frozen=True, slots=True)
class Format:
    """One format: what it is called in a sentence, whether it is made from a downloaded file, and how."""

    title: str
    make: Callable[[Grading, Settings], Export]
    from_worksheet: bool = False


FORMATS = {
    "moodle": Format("Moodle's grading worksheet", moodle.worksheet, from_worksheet=True),
    "moodle-feedback": Format("Moodle's zip of feedback files", moodle.feedback_zip, from_worksheet=True),
}
