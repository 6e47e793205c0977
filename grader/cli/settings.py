"""What several commands share: reading the course, and setting up the place where work is done."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from grader.checks import KINDS
from grader.course import Course, Exercise, find_course, load_course
from grader.engines import LocalPool
from grader.errors import UsageError
from grader.execution import environment
from grader.model import Batch
from grader.pipeline import Progress as Step
from grader.pipeline import Workplace
from grader.reports import to_json
from grader.reports.text import plain
from grader.sandbox import Opening, Sandbox, make_sandbox, strongest_rung, sweep
from grader.store import Keeper, Memory

if TYPE_CHECKING:
    import sqlalchemy as sa


def read_course(folder: Path | None, wanted: Collection[str] | None = None) -> Course:
    """Return the course named on the command line, or the nearest; of it what is ``wanted``, as ``load_course`` says.

    Raises UsageError, for a bundle for students as well, and CourseError.
    """
    course = load_course(find_course(folder), KINDS, wanted)
    if course.bundle:
        raise UsageError(
            f"{course.root}: is a bundle for students, without the answers: `grade check` works with it, and nothing "
            "else does; name the course's own folder with --course"
        )
    return course


@contextmanager
def workplace(
    store: Path | sa.URL | None,
    *,
    workers: int | None = None,
    isolation: str | None = None,
) -> Iterator[Workplace]:
    """Yield the place to work in, with the gradebook at ``store`` (None: nothing is kept).

    ``isolation`` None is the strongest rung that this machine has, down to ``selfcheck``: good for the course's own
    hand-ins, and for a student's own. What graders that were killed have left on this machine is
    removed first.
    Raises UsageError for a rung that is unknown or cannot be used here.
    """
    sweep()
    with closing(make_sandbox(isolation or strongest_rung())) as sandbox, _keeper(store) as keeper:
        yield _place(sandbox, workers, keeper)


def opened(opening: Opening) -> Workplace:
    """Return the place to check in that is being opened: one hand-in at a time, and nothing is kept."""
    sweep()
    return _place(opening.sandbox(), 1, Memory())


def _place(sandbox: Sandbox, workers: int | None, keeper: Keeper) -> Workplace:
    return Workplace(LocalPool(sandbox, workers), sandbox.name, environment(), keeper)


def _keeper(store: Path | sa.URL | None) -> AbstractContextManager[Keeper]:
    if store is None:
        return nullcontext(Memory())
    from grader.store import open_store  # noqa: PLC0415 - needs SQLAlchemy, which takes long to import

    return open_store(store)


@contextmanager
def progress_bar(console: Console, what: str) -> Iterator[Callable[[Step], None]]:
    """Yield a function that shows how far the work is. Nothing is shown when there is nothing to run."""
    # A self-check shows none, and does not wait for it.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[label]}", markup=False),
    )
    with Progress(*columns, console=console, transient=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None, label="", visible=False)

        def show(step: Step) -> None:
            bar.update(task, completed=step.done, total=step.total, label=plain(step.label), visible=step.total > 0)

        yield show


def find_exercises(course: Course, names: tuple[str, ...]) -> list[Exercise]:
    """Return the exercises of ``course`` that ``names`` mean: ``sheet3`` or ``sheet3/gradient_step``; all without any.

    Raises UsageError for a name of neither kind.
    """
    known: dict[str, list[Exercise]] = {name: list(one.exercises) for name, one in course.assignments.items()}
    known |= {f"{one.assignment}/{one.id}": [one] for one in course.exercises()}
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(course.assignments)}"
            raise UsageError(f"{course.root}: no assignment or exercise {name!r}; {hint}")
    chosen = [one for name in names or course.assignments for one in known[name]]
    return list(dict.fromkeys(chosen))


def write_results(batch: Batch, file: Path | None) -> None:
    """Write the results as JSON, if there is a ``file`` to write them to."""
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(to_json(batch), indent=2, ensure_ascii=True)
        file.write_text(text + "\n", encoding="utf-8")
