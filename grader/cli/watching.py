"""``grade check --watch``: checking again whenever a file changes, in a process that is warm by then."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from grader.cli.asked import Asked, Checked
from grader.cli.courses import Courses, Stamp, stamp
from grader.cli.hinting import check_with_hints
from grader.errors import GradeError
from grader.pipeline import Workplace
from grader.reports.terminal import print_changes, print_report
from grader.reports.text import plain

#: Between two looks at the files: asking for their times takes less than a millisecond, and works on every system.
LOOK_SECONDS = 0.2


class Watch:
    """Checks what is ``asked`` when files change, and prints what has changed in the result; ``then`` gets each one."""

    def __init__(self, console: Console, asked: Asked, workplace: Workplace, then: Callable[[Checked], object]) -> None:
        self.last: Checked | None = None
        self._console, self._asked, self._workplace, self._then = console, asked, workplace, then
        self._checked: Stamp | None = None
        self._seen: Stamp = {}
        self._courses = Courses()

    def run(self, pause: Callable[[float], object] = time.sleep) -> None:
        """Look again and again, until an interrupt."""
        try:
            while True:
                self.look()
                pause(LOOK_SECONDS)
        except KeyboardInterrupt:
            self._say("Stopped.", "dim")

    def look(self) -> None:
        """Check if files differ from those checked last and have not changed since the last look."""
        now = stamp(self._files())
        at_rest = self._checked is None or now == self._seen
        self._seen = now
        if now != self._checked and at_rest:
            self._check()
            # What changed meanwhile counts as changed; files that only the check has told of do not.
            self._checked = {**stamp(self._files()), **{path: now[path] for path in self._files() if path in now}}

    def _files(self) -> list[Path]:
        folder = self._asked.path if self._asked.path.is_dir() else self._asked.path.parent
        return [self._asked.path, folder, *(self.last.files.values() if self.last else ())]

    def _check(self) -> None:
        began = time.monotonic()
        try:
            checked, uncounted = check_with_hints(self._asked, self._workplace, self._courses)
        except (GradeError, OSError) as error:  # a file is gone for a moment, or half of it is there
            self._say(f"Cannot be checked yet: {error}", "yellow")
            return
        if unreadable := _unreadable(checked):
            self._say(f"Cannot be checked yet: {unreadable}", "yellow")
            return
        before, self.last = self.last, checked
        self._show(checked, before)
        if uncounted:
            self._say(uncounted, "yellow")
        self._then(checked)
        self._say(f"Checked in {time.monotonic() - began:.1f} s; Ctrl-C ends.", "dim")

    def _show(self, checked: Checked, before: Checked | None) -> None:
        earlier = {report.id: report for report in before.batch.reports} if before else {}
        for report in checked.batch.reports:
            if report.id in earlier:
                print_changes(self._console, earlier[report.id], report)
            else:
                print_report(self._console, report)
        for problem in checked.batch.problems:
            if before is None or problem not in before.batch.problems:
                self._say(str(problem), "yellow")

    def _say(self, message: str, style: str) -> None:
        self._console.print(plain(message), style=style, markup=False, highlight=False, soft_wrap=True)


def _unreadable(checked: Checked) -> str:
    """Return why a file of the hand-in cannot be read; empty if all can. An editor may be about to write it."""
    problems = [
        str(problem)
        for report in checked.batch.reports
        if any(part.pending and not part.file for part in report.exercises)
        for problem in report.problems
    ]
    return "; ".join(problems)
