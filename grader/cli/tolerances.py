"""``grade tolerances``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click
import sqlalchemy as sa
from rich.console import Console

from grader.cli.options import course_option, data_option, gradebook_option
from grader.cli.regrading import existing, write_json
from grader.cli.settings import find_exercises, read_course
from grader.course import Exercise
from grader.errors import ExitCode, UsageError
from grader.pipeline.cohort import WhatIf, what_if
from grader.pipeline.tolerances import advise
from grader.reports.tolerances import Advised, advice_json, print_advice
from grader.store import Store, open_store


@click.command("tolerances")
@click.argument("names", nargs=-1, required=True, metavar="ASSIGNMENT[/EXERCISE]...")
@course_option
@data_option
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="So many sets of personal numbers and hidden inputs.",
)
@gradebook_option
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with a gradebook: also say whom doubling and halving each tolerance would move in it.",
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write what was found as JSON."
)
def tolerances_command(
    names: tuple[str, ...],
    course_folder: Path | None,
    seeds: int,
    gradebook: sa.URL | None,
    output: Path | None,
    json_file: Path | None,
) -> ExitCode:
    """Say which tolerances the checks of an exercise need, and which known mistakes they reach.

    The reference is computed for several personal numbers and hidden inputs, in double and single precision, and with
    one and two threads. What is proposed is ten times the spread, rounded up to 1, 2 or 5 times a power of ten. No
    file is changed. Exit status 1 when a tolerance leaves out a right answer or reaches a known mistake.
    """
    course = read_course(course_folder)
    console = Console()
    found = []
    place = existing(output or Path(), gradebook) if output or gradebook else None
    with ExitStack() as stack:
        store = stack.enter_context(open_store(place, writing=False)) if place else None
        for exercise in find_exercises(course, names):
            advice = advise(course, course.assignment(exercise.assignment), exercise, seeds)
            effects = _effects(exercise, store, output)
            found.append(Advised(f"{exercise.assignment}/{exercise.id}", len(exercise.rubric.checks), advice, effects))
            print_advice(console, found[-1])
    if json_file is not None:
        write_json(advice_json(found), json_file)
    return ExitCode.FAILED if any(one.faulty for one in found) else ExitCode.PASSED


def _effects(exercise: Exercise, store: Store | None, output: Path | None) -> dict[str, WhatIf] | None:
    """Return whom other tolerances would move; None without a gradebook. Raises UsageError where it has no grading."""
    if store is None:
        return None
    grading = store.last_grading(exercise.assignment)
    if grading is None and output is None:
        return None  # the gradebook is the one that is always used
    if grading is None:
        raise UsageError(
            f"{output}: {exercise.assignment} was not graded yet into this gradebook; run `grade batch` first"
        )
    return what_if(exercise, grading, store)
