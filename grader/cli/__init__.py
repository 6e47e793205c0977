"""The command ``grade``."""

from __future__ import annotations

import sys
import traceback

import click

from grader import __version__
from grader.cli.authoring import data_command, kinds_command, new, validate_command
from grader.cli.comparing import diff_command
from grader.cli.costing import cost_command
from grader.cli.databases import db
from grader.cli.exporting import export_command
from grader.cli.grading import batch, check
from grader.cli.intake import intake_command
from grader.cli.machine import demo, doctor
from grader.cli.overriding import override_command
from grader.cli.presenting import draw_command
from grader.cli.regrading import regrade_command
from grader.cli.releasing import release_command
from grader.cli.replaying import replay_command
from grader.cli.tolerances import tolerances_command
from grader.errors import CourseError, ExitCode, GradeError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="grade")
@click.option("--debug", is_flag=True, help="Show a traceback with every error.")
def grade(*, debug: bool) -> None:
    r"""Grade courses in which students compute, code and train.

    \b
    students:     grade check
    instructors:  grade batch HAND-INS --assignment NAME
    authors:      grade validate, grade new

    Exit status: 0 all passed, 1 something failed, 2 wrong usage, 3 the course has errors, 4 a fault of this machine,
    130 interrupted.
    """
    del debug  # read from the context where errors are reported


for command in (
    check,
    batch,
    intake_command,
    regrade_command,
    override_command,
    diff_command,
    export_command,
    replay_command,
    tolerances_command,
    db,
    validate_command,
    kinds_command,
    data_command,
    cost_command,
    draw_command,
    release_command,
    demo,
    doctor,
    new,
):
    grade.add_command(command)


def main() -> None:
    """Run the command line and exit with one of :class:`grader.errors.ExitCode`."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Return the exit status of the command line ``arguments``; errors are printed to stderr in one piece."""
    debug = "--debug" in arguments
    try:
        status = grade.main(arguments, prog_name="grade", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return ExitCode.INTERRUPTED
    except GradeError as error:
        if debug:
            traceback.print_exc()
        click.echo(_error_text(error), err=True)
        return error.exit_code
    except OSError as error:
        if debug:
            traceback.print_exc()
        click.echo(f"grade: {error.filename or 'a file'}: {error.strerror or error}", err=True)
        return ExitCode.INFRASTRUCTURE
    return int(status or 0)


def _error_text(error: GradeError) -> str:
    if isinstance(error, CourseError):
        count = len(error.problems)
        return f"grade: {count} problem{'s' if count > 1 else ''} in the course's files\n{error}"
    return f"grade: {error}"
