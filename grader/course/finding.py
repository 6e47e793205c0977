"""Where the course is: named on the command line, above the current folder, or the one that ships."""

from __future__ import annotations

from pathlib import Path

from grader.errors import UsageError

COURSE_FILE = "course.yaml"
_SHIPPED = Path(__file__).resolve().parents[2]


def find_course(named: Path | None = None, start: Path | None = None, near: Path | None = None) -> Path:
    """Return the folder of the course to use.

    That is ``named`` (a folder, or its course.yaml) if given; else the nearest folder with a course.yaml at or above
    ``start`` (default: the current folder); else the course in this program's own repository, if it runs from one.
    Raises UsageError when there is none; it names the course in which ``near`` lies. That one is never simply taken: a
    course's reference is a program, and a stranger's folder may hold one.
    """
    if named is not None:
        folder = named.parent if named.name == COURSE_FILE else named
        if not (folder / COURSE_FILE).is_file():
            raise UsageError(f"{named}: no {COURSE_FILE} here; name a course's folder with --course")
        return folder
    here = (start or Path.cwd()).resolve()
    if found := _above(here):
        return found
    if (_SHIPPED / COURSE_FILE).is_file():
        return _SHIPPED
    other = _above(near.resolve()) if near else None
    make = "change to its folder, name it with --course, or make one with `grade new course FOLDER`"
    advice = f"{near} lies in one: change to {other}, or say --course {other}" if other else make
    raise UsageError(
        f"{here}: no {COURSE_FILE} in this folder or above it, and this installation carries no course; {advice}"
    )


def _above(place: Path) -> Path | None:
    return next((folder for folder in (place, *place.parents) if (folder / COURSE_FILE).is_file()), None)
