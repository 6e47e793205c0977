"""``grade override``."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path

import click
import sqlalchemy as sa
from rich.console import Console

from grader.checks import uses_context
from grader.cli.marking import read_wishes
from grader.cli.options import course_option, gradebook_option
from grader.cli.regrading import existing, output_option, write_pages
from grader.cli.settings import read_course
from grader.course import Assignment
from grader.errors import UsageError
from grader.model import Decision
from grader.pipeline import Wish, decide, publish_decisions
from grader.reports.moves import print_decisions, print_moved
from grader.reports.text import label, plain
from grader.store import Store, open_store


@click.command("override")
@click.argument("submission", required=False)
@click.option("--assignment", "assignment_name", required=True, help="Assignment that was graded.")
@click.option("--exercise", default="", help="Exercise that is meant. Default: the total, or the only exercise.")
@click.option("--criterion", default="", help="Criterion of the exercise, by its id.")
@click.option("--check", default="", help="Check of the exercise.")
@click.option("--member", default="", help="Decide on the total of this one of the group only.")
@click.option("--points", type=float, help="Points that count from now on.")
@click.option("--full", "share", flag_value=1.0, type=float, help="All points, also when the rubric changes.")
@click.option("--zero", "share", flag_value=0.0, type=float, help="No points.")
@click.option("--fraction", type=click.FloatRange(0, 1), help="This share of the points, also then.")
@click.option("--withdraw", is_flag=True, help="Take the decision back: what is computed counts again.")
@click.option("--reason", default="", help="Why, for the student and whoever looks at it later.")
@click.option("--private", is_flag=True, help="Do not show the reason to the student.")
@click.option("--unjudged", is_flag=True, help="Decide also where a fault of the machine left something ungraded.")
@click.option("--by", "who", default="", help="Who decided. Default: your login.")
@click.option(
    "--from",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Decide on many: a CSV file with the columns submission, points and reason, and exercise, criterion, check, "
    "member, by where needed. Nothing is done if any line is wrong.",
)
@output_option
@gradebook_option
@course_option
def override_command(  # noqa: PLR0913, PLR0917 - one parameter for each option
    submission: str | None,
    assignment_name: str,
    exercise: str,
    criterion: str,
    check: str,
    member: str,
    points: float | None,
    share: float | None,
    fraction: float | None,
    reason: str,
    who: str,
    file: Path | None,
    output: Path,
    gradebook: sa.URL | None,
    course_folder: Path | None,
    *,
    withdraw: bool,
    private: bool,
    unjudged: bool,
) -> None:
    """Decide points in place of what was computed for SUBMISSION. Without SUBMISSION, list what was decided.

    The decision is added to the gradebook beside what was computed, and the reports are written anew. It is kept when
    the submission is graded again.
    """
    assignment = read_course(course_folder).assignment(assignment_name)
    if submission is None and file is None:
        with open_store(existing(output, gradebook), writing=False) as store:
            print_decisions(Console(), store.decisions(assignment.id))
        return
    who, reason = label(plain(who or _login())), plain(reason).strip()
    now = datetime.now(UTC).replace(microsecond=0)
    if file is not None:
        if submission is not None:
            raise UsageError("name a SUBMISSION or a file with --from, not both")
        wishes = read_wishes(file, who, now, private=private, unjudged=unjudged)
    else:
        _one_amount(points, share, fraction, withdraw=withdraw)
        _one_place(exercise, criterion, check, member)
        shares = share if share is not None else fraction
        one = Decision(
            submission or "", exercise, criterion, check, member, points, shares, reason, who, now,
            private=private, unjudged=unjudged,
        )  # fmt: skip
        wishes = (Wish("override", one),)
    with open_store(existing(output, gradebook)) as store:
        _publish(assignment, store, wishes, output)


def _publish(assignment: Assignment, store: Store, wishes: tuple[Wish, ...], output: Path) -> None:
    console = Console()
    found = decide(assignment, store, wishes)
    publish_decisions(found, store)
    print_decisions(console, found.decisions)
    print_moved(console, found.moved, len(found.batch.reports))
    write_pages(console, found.batch, output)
    if any(uses_context(exercise) for exercise in assignment.exercises):
        console.print("What counts by the points of other exercises is judged anew by `grade regrade`.", markup=False)


def _one_amount(points: float | None, share: float | None, fraction: float | None, *, withdraw: bool) -> None:
    if [points is not None, share is not None, fraction is not None, withdraw].count(True) != 1:
        raise UsageError("say what counts: one of --points, --full, --zero, --fraction and --withdraw")


def _one_place(exercise: str, criterion: str, check: str, member: str) -> None:
    if criterion and check:
        raise UsageError("name a --criterion or a --check, not both")
    if member and (exercise or criterion or check):
        raise UsageError("--member has a total of their own; leave out --exercise, --criterion and --check")


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise UsageError("nobody knows who you are on this machine; say who decided with --by") from None
