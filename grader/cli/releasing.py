"""``grade release``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from grader.cli.options import course_option, data_option
from grader.cli.settings import read_course
from grader.course import Assignment
from grader.errors import GradeError, UsageError
from grader.importers.roster import read_roster
from grader.release import (
    LEAST_SECONDS,
    SECONDS_FOR_A_GUESS,
    Decision,
    Made,
    check_place,
    in_words,
    make_bundle,
    measured_seconds,
    write_folder,
    write_zip,
)
from grader.reports.files import page_name
from grader.reports.text import plain

_HOW = {"properties": "form alone", "after_deadline": "later"}


@click.command("release")
@click.argument("assignment_name", metavar="ASSIGNMENT")
@click.option("--output", required=True, type=click.Path(path_type=Path), help="New folder for the bundle.")
@click.option("--zip", "zipped", is_flag=True, help="Write one zip file for each bundle, named after the folder.")
@click.option("--person", help="Whose numbers it holds, where everybody has their own.")
@click.option(
    "--roster",
    type=click.Path(path_type=Path),
    help="CSV file with everybody: a bundle for each of them and each small group, or for --person. People go by "
    "login, else by address, number or name.",
)
@click.option(
    "--requires",
    default="",
    help="The line of requirements.txt by which pip installs this program, such as the address of a wheel. "
    "Default: its name and version.",
)
@course_option
@data_option
def release_command(
    assignment_name: str,
    output: Path,
    person: str | None,
    roster: Path | None,
    requires: str,
    course_folder: Path | None,
    *,
    zipped: bool,
) -> None:
    """Make a bundle for students: ASSIGNMENT to work on and to check at home, without the answers.

    Prints what becomes of every check, and what it costs to guess the answers that are sealed.
    """
    console = Console()
    course = read_course(course_folder)
    assignment = course.assignment(assignment_name)
    places = _places(assignment, output, person, roster, zipped=zipped)
    for place in places.values():
        check_place(place)
    made: Made | None = None
    for whose, place in places.items():
        made = make_bundle(course, assignment, whose, requires)
        try:
            (write_zip if zipped else write_folder)(made.files, place)
        except OSError as error:
            raise GradeError(f"{place}: the bundle cannot be written ({error.strerror})") from error
        console.print(f"wrote {place}", markup=False, highlight=False)
    if made:
        _print_decisions(console, made.decisions)


def _places(
    assignment: Assignment, output: Path, person: str | None, roster: Path | None, *, zipped: bool
) -> Mapping[str, Path]:
    """Return where each person's bundle goes; that of nobody in particular where all have the same numbers."""
    if not assignment.personal:
        if person or roster:
            message = "everybody has the same numbers; leave --person and --roster out"
            raise UsageError(f"assignment {assignment.id}: {message}")
        return {"": _named(output, zipped=zipped)}
    people = _people(roster, assignment.max_group) if roster else []
    if person and roster and person not in people:
        near = get_close_matches(person, people, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {len(people)} people, such as {people[0]!r}"
        raise UsageError(f"{roster}: nobody is known as {person!r}; {hint}")
    if person:
        return {person: _named(output, zipped=zipped)}
    if not roster:
        raise UsageError(
            f"assignment {assignment.id}: everybody has numbers of their own; say whose with --person, or name "
            "everybody with --roster"
        )
    return {one: _named(output / page_name(one).removesuffix(".html"), zipped=zipped) for one in people}


def _named(place: Path, *, zipped: bool) -> Path:
    return place.with_name(f"{place.name.removesuffix('.zip')}.zip") if zipped else place


def _people(roster: Path, max_group: int) -> list[str]:
    """Return what the numbers of people hang on, and of groups that are small enough to hand in together.

    Raises UsageError for nobody, and for two who are known as one.
    """
    everybody = read_roster(roster)
    people = [one.key for one in everybody]
    twice = next((one for one in people if people.count(one) > 1), "")
    if twice:
        raise UsageError(f"{roster}: two people are known as {twice!r}; add a column `username` that tells them apart")
    if not people:
        raise UsageError(f"{roster}: nobody is on this roster")
    sizes = Counter(one.group for one in everybody if one.group)
    return [*people, *(group for group, size in sorted(sizes.items()) if 1 < size <= max_group)]


def _print_decisions(console: Console, decisions: Mapping[str, tuple[Decision, ...]]) -> None:
    table = Table("Check", "At home", "Guessed in", "Why", box=None, pad_edge=False, header_style="bold")
    for exercise, found in decisions.items():
        for one in found:
            cost = "" if one.seconds is None else in_words(one.seconds)
            table.add_row(plain(f"{exercise}/{one.check.id}"), _HOW.get(one.how, one.how), cost, plain(one.why))
    console.print(table)
    console.print(
        f"Times are for one core and {1000 * SECONDS_FOR_A_GUESS:.0f} ms a guess, on every machine; this one takes "
        f"{1000 * measured_seconds():.0f} ms. What is guessed in less than {in_words(LEAST_SECONDS)} is not sealed "
        "unless the rubric says `self_check: sealed`.",
        highlight=False,
    )
