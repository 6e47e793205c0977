"""``grade validate`` and ``grade new``."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import click
from rich.console import Console
from rich.markdown import Markdown

from grader.checks import KINDS
from grader.checks.pages import index, page
from grader.cli.options import course_option, data_option, workers_option
from grader.cli.settings import find_exercises, progress_bar, read_course
from grader.cli.settings import workplace as open_workplace
from grader.course import find_course
from grader.data import NAMES, write
from grader.errors import ExitCode, UsageError
from grader.scaffold import CI_FILES, new_course, new_exercise
from grader.validate import Outcome, losers_table, validate


@click.command("validate")
@click.argument("names", nargs=-1, metavar="[ASSIGNMENT[/EXERCISE]…]")
@course_option
@data_option
@workers_option
@click.option("--verbose", "-v", is_flag=True, help="Name what passed, too.")
@click.option(
    "--table", type=click.Path(path_type=Path), help="Write which wrong hand-ins lose each check, as Markdown."
)
def validate_command(
    names: tuple[str, ...],
    course_folder: Path | None,
    workers: int | None,
    table: Path | None,
    *,
    verbose: bool,
) -> ExitCode:
    """Test the course's files: the assignments and exercises named, or all.

    Reads and checks every file; then grades, like a student's work, hand-ins whose marks are known. References must
    earn everything, starters nothing; every misconception must lose its own check and be named; and every check must
    be lost by some wrong hand-in. Exit status 1 when any of that is not so.
    """
    console = Console()
    course = read_course(course_folder)
    exercises = find_exercises(course, names)
    with (
        open_workplace(None, workers=workers) as workplace,
        progress_bar(console, "Validating") as show,
    ):
        outcomes = validate(course, exercises, workplace, show)
    if table is not None:
        table.write_text(losers_table(outcomes), encoding="utf-8")
    for outcome in outcomes:
        if verbose or not outcome.passed:
            _print_outcome(console, outcome)
    failed = sum(not outcome.passed for outcome in outcomes)
    summary = f"{course.title}: {len(outcomes) - failed} of {len(outcomes)} tests of the course passed"
    console.print(summary, markup=False, highlight=False)
    return ExitCode.FAILED if failed else ExitCode.PASSED


def _print_outcome(console: Console, outcome: Outcome) -> None:
    mark, style = ("✓", "green") if outcome.passed else ("✗", "red")
    console.print(f"{mark} {outcome.id}", style=style, markup=False, highlight=False)
    for complaint in outcome.complaints:
        console.print(f"    {complaint}", markup=False, highlight=False)


@click.command("kinds")
@click.argument("kind", required=False, metavar="[KIND]")
@click.option("--write", "folder", type=click.Path(path_type=Path), help="Write all pages into this folder.")
def kinds_command(kind: str | None, folder: Path | None) -> None:
    """Explain the kinds of check, or one KIND with its options."""
    if kind is not None and kind not in KINDS:
        near = get_close_matches(kind, KINDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(KINDS))}"
        raise UsageError(f"no kind of check {kind!r}; {hint}")
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        texts = {name: page(one) for name, one in KINDS.items()} | {"README": index(KINDS)}
        for name, text in texts.items():
            (folder / f"{name}.md").write_text(text, encoding="utf-8")
        _say_written([folder / f"{name}.md" for name in texts])
        return
    Console().print(Markdown(page(KINDS[kind]) if kind else index(KINDS), hyperlinks=False))


@click.command("data")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("names", nargs=-1, metavar="[NAME…]")
def data_command(folder: Path, names: tuple[str, ...]) -> None:
    """Write the small data sets that ship, or those named, into FOLDER, in the format of the real ones."""
    _say_written([path for name in names or NAMES for path in write(name, folder)])


@click.group()
def new() -> None:
    """Make a new course, or a new exercise in a course."""


@new.command("course")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--title", default="My course", show_default=True, help="Title of the course.")
@click.option("--ci", type=click.Choice(sorted(CI_FILES)), help="Write what tests the course at every push there, too.")
def course_command(folder: Path, title: str, ci: str | None) -> None:
    """Make a course in FOLDER with one small exercise that passes `grade validate`."""
    _say_written(new_course(folder, title, ci or ""))
    if ci:
        click.echo("Write into the workflow where grade is installed from, as its first lines say")
    click.echo(f"Next: cd {folder} && grade validate")


@new.command("exercise")
@click.argument("name", metavar="ASSIGNMENT/EXERCISE")
@course_option
def exercise_command(name: str, course_folder: Path | None) -> None:
    """Make the files of a new exercise, ASSIGNMENT/EXERCISE, in the course: an example to change.

    Adds it to course.yaml and leaves every other line of that file as it is.
    """
    _say_written(new_exercise(find_course(course_folder), name))
    click.echo("Next: change these files, then `grade validate`")


def _say_written(paths: list[Path]) -> None:
    for path in paths:
        click.echo(f"wrote {path}")
