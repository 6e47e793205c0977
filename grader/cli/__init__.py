"""The command ``grade``."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import traceback
from importlib import import_module
from typing import NoReturn

import click

from grader import __version__
from grader.errors import CourseError, ExitCode, GradeError
from grader.threads import limit_threads

#: Where each command is. A module is imported when its command is asked for, so that none waits for what others need.
_COMMANDS = {
    "batch": "grading:batch",
    "check": "checking:check",
    "cost": "costing:cost_command",
    "data": "authoring:data_command",
    "db": "databases:db",
    "demo": "machine:demo",
    "diff": "comparing:diff_command",
    "doctor": "machine:doctor",
    "draw": "presenting:draw_command",
    "export": "exporting:export_command",
    "intake": "intake:intake_command",
    "kinds": "authoring:kinds_command",
    "new": "authoring:new",
    "override": "overriding:override_command",
    "regrade": "regrading:regrade_command",
    "release": "releasing:release_command",
    "replay": "replaying:replay_command",
    "tolerances": "tolerances:tolerances_command",
    "validate": "authoring:validate_command",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"grader.cli.{module}"), name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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


def main() -> None:
    """Run the command line and exit with one of :class:`grader.errors.ExitCode`."""
    # Imports make much that stays: looking for cycles in it again and again takes a seventh of a self-check.
    gc.set_threshold(50_000, 20, 100)
    limit_threads()
    _end(run(sys.argv[1:]))


def _end(status: int) -> NoReturn:
    """End this process, after all that has to be done before, but without taking every object down.

    That would take as long as a fifth of a self-check; mypy ends in this way as well.
    """
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # nobody reads any more, or the disk is full
        status = ExitCode.INFRASTRUCTURE
    os._exit(status)


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
