"""Nearly the same code in two hand-ins to an exercise: evidence for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from grader.course import Exercise
from grader.errors import SubmissionError
from grader.execution import module_source, notebook_source
from grader.execution.handed_in import code
from grader.model import AlikeCode, Job, Limits
from grader.pipeline.tasks import Task
from grader.similarity import alike


def alike_code(tasks: Sequence[Task]) -> tuple[AlikeCode, ...]:
    """Return the pairs of submissions that wrote nearly the same, exercise by exercise.

    The graded file is looked at, of a notebook its code cells. Starters that nobody worked on are not, and what
    starters and solutions hold does not count.
    """
    by_exercise: dict[str, tuple[Exercise, dict[str, str]]] = {}
    for task in tasks:
        written = "" if task.untouched else "".join(_own(task))
        if written:
            _, sources = by_exercise.setdefault(task.exercise.id, (task.exercise, {}))
            sources[task.submission.id] = written
    return tuple(
        AlikeCode(exercise.id, pair.left, pair.right, pair.left_share, pair.right_share, pair.passages)
        for exercise, sources in by_exercise.values()
        if len(sources) > 1
        for pair in alike(sources, _known(exercise))
    )


def _own(task: Task) -> Iterator[str]:
    """Yield the code of the graded file; nothing where there is none that can be read."""
    for file in task.submission.files:
        if file.name == task.file:
            yield from _code(file.path)


def _known(exercise: Exercise) -> Iterator[str]:
    """Yield the code that is nobody's own: what was handed out, and what the course's solutions do."""
    solutions = (path for solution in exercise.solutions for path in solution.files.values())
    for path in (*exercise.starters, *solutions):
        yield from _code(path)


def _code(path: Path) -> Iterator[str]:
    """Yield the code of a module, or of a notebook's cells."""
    with suppress(OSError, SubmissionError):
        match path.suffix.lower():
            case ".py":
                yield module_source(path.read_bytes(), str(path))
            case ".ipynb":
                notebook = notebook_source(path.read_bytes(), str(path))
                yield code(Job("notebook", path.name, notebook, (), (), Limits()))
