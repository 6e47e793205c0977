"""``grade replay``."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import click
import sqlalchemy as sa
from rich.console import Console

from grader.cli.comparing import only
from grader.cli.options import course_option, data_option, gradebook_option
from grader.cli.regrading import existing, output_option, write_json
from grader.cli.settings import read_course, workplace
from grader.errors import ExitCode, GradeError, UsageError
from grader.execution import environment
from grader.model import Job, Run
from grader.pipeline import replay
from grader.reports.files import page_name
from grader.reports.replays import print_replay, replay_json
from grader.sandbox import rung_names
from grader.store import Entry, Store, open_store, place_name


@click.command("replay")
@click.argument("report")
@click.option("--assignment", "assignment_name", help="Which assignment of a gradebook. Default: its only one.")
@click.option("--exercise", "exercise_names", multiple=True, help="Run only this exercise (may be repeated).")
@output_option
@gradebook_option
@course_option
@data_option
@click.option("--times", type=click.IntRange(min=1), default=1, show_default=True, help="Run it so many times.")
@click.option(
    "--isolation", type=click.Choice(rung_names()), help="How strongly it is confined. Default: as it was then."
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write what came out as JSON."
)
def replay_command(  # noqa: PLR0913, PLR0917 - one parameter for each option
    report: str,
    assignment_name: str | None,
    exercise_names: tuple[str, ...],
    output: Path,
    gradebook: sa.URL | None,
    course_folder: Path | None,
    times: int,
    isolation: str | None,
    json_file: Path | None,
) -> ExitCode:
    """Run one submission again and say whether its result is the same; nothing is stored.

    REPORT is the submission's name in the gradebook, its page (`grades/students/anna.html`) or its place in the
    results (`grades/results.json#anna`). Says what is otherwise than when it was graded, and of each check that comes
    out otherwise whether something else was observed or it is judged otherwise. Exit status 1 when a check does, 4
    when it cannot be run again.
    """
    folder, name = _meant(report, output)
    course = read_course(course_folder)
    place = existing(folder, gradebook)
    with open_store(place, writing=False) as store:
        assignment = course.assignment(only(place_name(place), store.assignments(), assignment_name))
        found = replay(
            course,
            assignment,
            _entry(store, assignment.id, name),
            store,
            _run,
            environment(),
            exercises=[assignment.exercise(one) for one in exercise_names],
            isolation=isolation or "",
            times=times,
        )
    print_replay(Console(), found)
    if json_file is not None:
        write_json(replay_json(found), json_file)
    return ExitCode.PASSED if found.same else ExitCode.FAILED


def _meant(report: str, output: Path) -> tuple[Path, str]:
    """Return the folder with the gradebook, and the submission's name or its page's."""
    path, mark, name = report.rpartition("#")
    if mark and path.endswith(".json"):
        return Path(path).parent, name
    page = Path(report)
    return (page.parent.parent, page.name) if page.suffix == ".html" and page.is_file() else (output, report)


def _entry(store: Store, assignment: str, name: str) -> Entry:
    """Return the current report of a submission, and how it came about. Raises UsageError where there is none."""
    known: list[str] = []
    for number in reversed(store.gradings(assignment)):
        for entry in store.grading(number).entries:
            if name in {entry.report.id, page_name(entry.report.id)}:
                return entry
            known.append(entry.report.id)
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(sorted(set(known))[:10])}"
    raise UsageError(f"no submission {name!r} to {assignment} in this gradebook; {hint}")


def _run(rung: str, job: Job, times: int) -> Sequence[Run]:
    """Return so many runs of ``job``. Raises GradeError where the rung cannot be used here."""
    try:
        with workplace(None, workers=1, isolation=rung) as place:
            return [run for _, run in place.engine.run((str(number), job) for number in range(times))]
    except UsageError as error:
        raise GradeError(
            f"it was run at the rung {rung}: {error} Run it where that can be used, or name another with --isolation."
        ) from error
