"""The process that judges for a notebook: it alone reads the course. ``python -m grader.notebook.judge …``.

Out goes one line of JSON with the names to look at; in come frames with what the kernel saw of them, as plain data;
out goes one line with the result. Nothing of the reference leaves this process but verdicts.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import IO

from rich.console import Console

from grader.checks import KINDS
from grader.course import find_course, load_course, outline
from grader.errors import GradeError, UsageError
from grader.model import Observation, Probe
from grader.pipeline.live import Live
from grader.reports import print_report
from grader.reports.pages import live_fragment
from grader.sandbox.channel import parse_header
from grader.sandbox.inside import frames
from grader.sandbox.wire import read_observation

LABEL = "Live state: a fresh run from top to bottom may differ. %grade --fresh runs the saved notebook."
MAX_BYTES = 16 * 1024**2


def main(arguments: list[str], inbox: IO[bytes], outbox: IO[str]) -> None:
    """Judge for ``arguments``: folder of the course or empty, exercise or empty, name of the notebook, person."""
    try:
        live = _prepared(*arguments)
        _tell(outbox, {"names": live.names, "max_bytes": MAX_BYTES})
        report = live.judge(list(_seen(live.names, inbox)))
    except (GradeError, EOFError) as error:
        _tell(outbox, {"error": str(error) or "the notebook gave no answer"})
        return
    text = io.StringIO()
    print_report(Console(file=text, width=88), report)
    _tell(
        outbox,
        {
            "text": f"{text.getvalue()}{LABEL}",
            "html": live_fragment(report.exercises[0], LABEL),
            "points": report.points,
            "max_points": report.max_points,
        },
    )


def _prepared(course_folder: str, wanted: str, notebook: str, person: str) -> Live:
    root = find_course(Path(course_folder) if course_folder else None)
    assignment, exercise = _meant(root, wanted, notebook)
    course = load_course(root, KINDS, [f"{assignment}/{exercise}"])
    found = course.assignment(assignment)
    return Live(course, found, found.exercise(exercise), person)


def _meant(root: Path, wanted: str, notebook: str) -> tuple[str, str]:
    """Return assignment and exercise. Raises UsageError where it is not clear which is meant."""
    every = [(assignment, name, files) for assignment, some in outline(root).items() for name, files in some.items()]
    if wanted:
        found = [one for one in every if wanted in {one[1], f"{one[0]}/{one[1]}"}]
    else:
        found = [one for one in every if notebook in one[2]] or (every if len(every) == 1 else [])
    if len(found) == 1:
        return found[0][:2]
    names = [f"{one[0]}/{one[1]}" for one in (found or every)]
    near = get_close_matches(wanted, [one[1] for one in every], n=1)
    hint = f"did you mean {near[0]}?" if wanted and not found and near else f"there are: {', '.join(names)}"
    which = f"which exercise is {wanted!r}" if wanted else "which exercise is meant"
    raise UsageError(f"{which}? Name it, as in `%grade NAME`; {hint}")


def _seen(names: Iterable[str], inbox: IO[bytes]) -> Iterable[Observation]:
    """Yield what the kernel saw, decoded strictly. Raises EOFError, ProtocolError."""

    def read(count: int) -> bytes:
        data = inbox.read(count)
        if len(data) != count:
            raise EOFError
        return data

    for name in names:
        header, blob = frames.read(read, MAX_BYTES)
        fields = parse_header(header)
        fields.pop("nonce", None)
        yield read_observation(Probe("value", name), fields, blob)


def _tell(outbox: IO[str], content: dict[str, object]) -> None:
    outbox.write(json.dumps(content, ensure_ascii=True) + "\n")
    outbox.flush()


if __name__ == "__main__":
    answers, sys.stdout = sys.stdout, sys.stderr  # what an author's module prints is no answer
    main(sys.argv[1:], sys.stdin.buffer, answers)
